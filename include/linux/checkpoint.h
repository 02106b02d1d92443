/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint and restart of a task tree: the in-kernel interface.
 *
 * The first part is what the rest of the kernel sees: hooks that compile to
 * nothing without CONFIG_CHECKPOINT. The second part is for the files that
 * save and restore a kind of state.
 */
#ifndef _LINUX_CHECKPOINT_H
#define _LINUX_CHECKPOINT_H

#include <linux/compiler.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

struct bpf_prog;
struct dentry;
struct file;
struct files_struct;
struct hrtimer;
struct inode;
struct kernel_siginfo;
struct mm_struct;
struct mnt_namespace;
struct mount;
struct nsproxy;
struct pt_regs;
struct sigqueue;
struct sock_filter;
struct super_block;
struct ucounts;
struct uid_gid_extent;
struct uid_gid_map;
struct user_namespace;

#ifdef CONFIG_CHECKPOINT

void __checkpoint_park(void);
void __checkpoint_task_exit(struct task_struct *tsk);
void __checkpoint_timer_start(struct hrtimer *timer, int mode);
void __checkpoint_timer_left(struct hrtimer *timer);
long __checkpoint_timeout_start(long timeout);
void __checkpoint_timeout_left(long left, unsigned int state);
bool __checkpoint_restart_syscall(struct pt_regs *regs);
void __checkpoint_signal_delivered(void);
void __checkpoint_key_serial(s32 *serial);
int __checkpoint_signal(struct kernel_siginfo *info);
bool __checkpoint_hides_exit(void);
int ckpt_exec_mmap(struct mm_struct *mm);
int ckpt_fd_install(struct files_struct *files, unsigned int fd,
		    struct file *file, bool cloexec);
struct file *ckpt_pipe_file(struct inode *inode, int flags);
void ckpt_unix_gc(void);
struct bpf_prog *ckpt_bpf_prog_create(const struct sock_filter *insns,
				      unsigned int len,
				      int (*trans)(struct sock_filter *filter,
						   unsigned int flen));
struct sigqueue *ckpt_sigqueue_alloc(struct ucounts *ucounts,
				     bool override_rlimit);
struct nsproxy *ckpt_copy_nsproxy(void);
u64 ckpt_mnt_ns_seq(void);
struct mnt_namespace *ckpt_mnt_ns_make(struct user_namespace *user_ns,
				       struct mount *root, u64 seq);
void ckpt_mnt_ns_publish(struct mnt_namespace *ns);
void ckpt_mnt_ns_abort(struct mnt_namespace *ns);
int ckpt_mnt_attach(struct mount *mnt, struct mount *parent,
		    struct dentry *where);
int ckpt_mnt_join(struct mount *mnt, struct mount *peer);
int ckpt_mnt_enslave(struct mount *mnt, struct mount *master);
int ckpt_write_id_map(const struct file *file, struct user_namespace *ns,
		      int cap_setid, struct uid_gid_map *map,
		      struct uid_gid_map *parent_map,
		      struct uid_gid_extent *extents, u32 nr);

/**
 * checkpoint_park - stand still if a checkpoint asks for it
 *
 * Called at the boundary to user mode, with the user registers saved and no
 * system call half done.
 *
 * Context: current, no locks held, may sleep.
 */
static inline void checkpoint_park(void)
{
	if (unlikely(current->ckpt_task))
		__checkpoint_park();
}

/**
 * checkpoint_park_signal - checkpoint_park() before signals are looked at
 * @sighand: of current, which a call that is made in there, exec, may replace
 *
 * Context: current, no locks held, may sleep.
 */
static inline void checkpoint_park_signal(struct sighand_struct **sighand)
{
	if (unlikely(current->ckpt_task)) {
		__checkpoint_park();
		*sighand = rcu_dereference_raw(current->sighand);
	}
}

/* A new task takes no part in the checkpoint of the one that made it. */
static inline void checkpoint_task_init(struct task_struct *tsk)
{
	tsk->ckpt_task = NULL;
}

/*
 * An exiting task will not come to the boundary of user mode any more. Whether
 * it takes part in anything can be told under siglock only: PF_EXITING is not
 * always set under it.
 */
static inline void checkpoint_task_exit(struct task_struct *tsk)
{
	__checkpoint_task_exit(tsk);
}

/*
 * A wait that a checkpoint interrupts goes on afterwards with the time that
 * was left: these record when the wait was to end, and bound it by that when
 * the system call is made again.
 */
static inline void checkpoint_timer_start(struct hrtimer *timer, int mode)
{
	if (unlikely(current->ckpt_task))
		__checkpoint_timer_start(timer, mode);
}

static inline void checkpoint_timer_left(struct hrtimer *timer)
{
	if (unlikely(current->ckpt_task))
		__checkpoint_timer_left(timer);
}

static inline long checkpoint_timeout_start(long timeout)
{
	if (unlikely(current->ckpt_task))
		return __checkpoint_timeout_start(timeout);
	return timeout;
}

/* State of a task that is about to wait: some waits nothing interrupts. */
static inline unsigned int checkpoint_wait_state(void)
{
	return READ_ONCE(current->__state);
}

static inline void checkpoint_timeout_left(long left, unsigned int state)
{
	if (unlikely(current->ckpt_task))
		__checkpoint_timeout_left(left, state);
}

/**
 * checkpoint_restart_syscall - make a system call again that parking cut short
 * @regs: the user registers
 *
 * Called on the way to user mode when there is no signal to deliver.
 *
 * Context: current, no locks held, may sleep.
 * Return: true if signals have to be looked at once more.
 */
static inline bool checkpoint_restart_syscall(struct pt_regs *regs)
{
	return unlikely(current->ckpt_task) &&
	       __checkpoint_restart_syscall(regs);
}

/* May the notification that parks a task be why a call of its answers @err? */
static inline bool checkpoint_cut_short(long err)
{
	return unlikely(current->ckpt_task) &&
	       (err == -EINTR || err == -ERESTARTSYS);
}

/* A signal is delivered: a call that it ends is not made again. */
static inline void checkpoint_signal_delivered(void)
{
	if (unlikely(current->ckpt_task))
		__checkpoint_signal_delivered();
}

/* A key of a restored keyring is proposed the number that it had. */
static inline void checkpoint_key_serial(s32 *serial)
{
	if (unlikely(current->ckpt_task))
		__checkpoint_key_serial(serial);
}

/**
 * checkpoint_signal - the signal that the tracer of a restored task has chosen
 * @info: filled in if there is one
 *
 * Its stop is over: it is delivered, and not reported once more. Before any
 * signal is looked at, the tracer is told of the end of the call that it ends.
 *
 * Context: current, siglock is held, and dropped for a while.
 * Return: the signal, or 0.
 */
static inline int checkpoint_signal(struct kernel_siginfo *info)
{
	if (unlikely(current->ckpt_task))
		return __checkpoint_signal(info);
	return 0;
}

/*
 * A call that parking has interrupted is made again: its tracer is told of its
 * end when it has ended.
 */
static inline bool checkpoint_hides_exit(void)
{
	return unlikely(current->ckpt_task) && __checkpoint_hides_exit();
}

#else /* !CONFIG_CHECKPOINT */

static inline void checkpoint_park(void) { }
static inline void checkpoint_park_signal(struct sighand_struct **sighand) { }
static inline void checkpoint_task_init(struct task_struct *tsk) { }
static inline void checkpoint_task_exit(struct task_struct *tsk) { }
static inline void checkpoint_timer_start(struct hrtimer *timer, int mode) { }
static inline void checkpoint_timer_left(struct hrtimer *timer) { }
static inline long checkpoint_timeout_start(long timeout) { return timeout; }
static inline unsigned int checkpoint_wait_state(void) { return 0; }
static inline void checkpoint_timeout_left(long left, unsigned int state) { }
static inline void checkpoint_signal_delivered(void) { }
static inline bool checkpoint_cut_short(long err) { return false; }
static inline void checkpoint_key_serial(s32 *serial) { }
static inline bool checkpoint_hides_exit(void) { return false; }

static inline int checkpoint_signal(struct kernel_siginfo *info)
{
	return 0;
}

static inline bool checkpoint_restart_syscall(struct pt_regs *regs)
{
	return false;
}

#endif /* CONFIG_CHECKPOINT */

#endif /* _LINUX_CHECKPOINT_H */
