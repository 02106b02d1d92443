/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint and restart of System V and POSIX IPC: what its files share.
 *
 * The structures of each kind are private to its own file: checkpoint_shm.c,
 * _msg.c, _sem.c, _mqueue.c and _text.c are included at the end of shm.c,
 * msg.c, sem.c, mqueue.c and msgutil.c.
 */
#ifndef __IPC_CHECKPOINT_H
#define __IPC_CHECKPOINT_H

#include <linux/checkpoint_types.h>

struct ipc_ops;
struct ipc_params;
struct kern_ipc_perm;
struct msg_msg;

/**
 * struct ckpt_ipc_kind - one kind of System V object
 * @name: of several of them, for messages
 * @collect: refuse what is not supported; may be NULL
 * @save: write one; it may have been removed meanwhile
 * @restore: read one and make it, in a namespace that nobody uses yet
 * @put: put a reference
 */
struct ckpt_ipc_kind {
	const char *name;
	int (*collect)(struct ckpt_ctx *ctx, struct kern_ipc_perm *perm);
	int (*save)(struct ckpt_ctx *ctx, struct kern_ipc_perm *perm);
	int (*restore)(struct ckpt_ctx *ctx, struct ipc_namespace *ns);
	void (*put)(struct kern_ipc_perm *perm);
};

extern const struct ckpt_ipc_kind ckpt_ipc_sem_kind;
extern const struct ckpt_ipc_kind ckpt_ipc_msg_kind;
extern const struct ckpt_ipc_kind ckpt_ipc_shm_kind;

/* checkpoint.c */
bool ckpt_ipc_ns_outside(struct ckpt_ctx *ctx, struct ipc_namespace *ns);
int ckpt_ipc_changed(struct ckpt_ctx *ctx, const char *what);
void ckpt_ipc_save_pid(struct ckpt_ctx *ctx, struct pid *pid,
		       struct ckpt_ipc_pid *p);
int ckpt_ipc_restore_pid(struct ckpt_ctx *ctx, const struct ckpt_ipc_pid *p,
			 struct pid **pid);
int ckpt_ipc_save_perm(struct ckpt_ctx *ctx, const struct kern_ipc_perm *perm,
		       struct ckpt_ipc_perm *p);
struct kern_ipc_perm *ckpt_ipc_make(struct ckpt_ctx *ctx,
				    struct ipc_namespace *ns, int kind,
				    const struct ipc_ops *ops,
				    struct ipc_params *params,
				    const struct ckpt_ipc_perm *p);

/* checkpoint_shm.c */
int ckpt_shm_created(struct ckpt_ctx *ctx, struct task_struct *t, u32 *id,
		     u32 max);
int ckpt_shm_restore_created(struct ckpt_ctx *ctx, const u32 *id, u32 nr);

/* checkpoint_sem.c */
int ckpt_sem_undo_collect(struct ckpt_ctx *ctx, struct task_struct *t);
int ckpt_sem_undo_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t);
int ckpt_sem_undo_restore(struct ckpt_ctx *ctx, u32 objref);

/* checkpoint_mqueue.c */
int ckpt_mqueues_collect(struct ckpt_ctx *ctx, struct ipc_namespace *ns);
int ckpt_mqueues_checkpoint(struct ckpt_ctx *ctx, struct ipc_namespace *ns);
int ckpt_mqueues_restore(struct ckpt_ctx *ctx, struct ipc_namespace *ns);

/**
 * struct ckpt_ipc_text - copies of the messages of a queue
 * @buf: struct ckpt_hdr_ipc_message and text in turn, each padded to 8 bytes
 * @size: of @buf, in bytes
 * @used: how many of them are in use
 * @nr: number of messages
 *
 * A queue can be looked at under its lock only, and the image be written only
 * without.
 */
struct ckpt_ipc_text {
	void *buf;
	size_t size;
	size_t used;
	u32 nr;
};

/* checkpoint_text.c */
int ckpt_text_alloc(struct ckpt_ctx *ctx, struct ckpt_ipc_text *t,
		    unsigned long nr, unsigned long bytes);
void ckpt_text_free(struct ckpt_ipc_text *t);
bool ckpt_text_add(struct ckpt_ipc_text *t, struct msg_msg *msg);
int ckpt_text_write(struct ckpt_ctx *ctx, const struct ckpt_ipc_text *t);
struct msg_msg *ckpt_text_read(struct ckpt_ctx *ctx);

#endif /* __IPC_CHECKPOINT_H */
