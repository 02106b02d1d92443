/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of kernel/ that checkpoint and restart share with each other.
 */
#ifndef _KERNEL_CHECKPOINT_H
#define _KERNEL_CHECKPOINT_H

#include <linux/checkpoint_types.h>

/* Bits of ckpt_obj_mark() on the signal handlers of a process */
#define CKPT_SIGHAND_MARK_ALRM	0x1	/* SIGALRM of the process was saved */
#define CKPT_SIGHAND_MARK_STOP	0x2	/* it was stopped when collected */
#define CKPT_SIGHAND_MARK_STOPPING 0x4	/* or being stopped */
/* ... by this signal, if its parent has yet to be told, else 0 */
#define CKPT_SIGHAND_MARK_CODE(sig)	((u32)(sig) << 8)
#define CKPT_SIGHAND_MARKED_CODE(mark)	((mark) >> 8)

/*
 * In the flags of a queued signal. Checkpoint: it is that of a POSIX timer, and
 * its queue was saved with it. Restart: it is to become that of one.
 */
#define CKPT_SIGQUEUE_TIMER	0x10000

/*
 * The signal handlers of a task that is parked, and kept from leaving by the
 * core, or of the current one. A process has its own: see sighand_collect().
 */
static inline struct sighand_struct *ckpt_sighand(struct task_struct *t)
{
	return rcu_dereference_protected(t->sighand, true);
}

/*
 * kernel.unprivileged_userns_clone of Debian's kernel, which clone(2) and
 * unshare(2) ask; there is none in others.
 */
extern int unprivileged_userns_clone __weak;

/* checkpoint_cred.c */
const struct cred *ckpt_new_cred(void);
bool ckpt_new_no_new_privs(void);

#endif /* _KERNEL_CHECKPOINT_H */
