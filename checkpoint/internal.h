/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the core share with each other, and with nobody else.
 */
#ifndef _CHECKPOINT_INTERNAL_H
#define _CHECKPOINT_INTERNAL_H

#include <linux/checkpoint_types.h>
#include <linux/xarray.h>

/* Known flags; others are -EINVAL */
#define CKPT_CHECKPOINT_FLAGS	(CHECKPOINT_SUBTREE | CHECKPOINT_NONETNS | \
				 CHECKPOINT_KILL | CHECKPOINT_STOP | \
				 CHECKPOINT_SNAPSHOT | CHECKPOINT_CONNTRACK)
#define CKPT_RESTART_FLAGS	(RESTART_TASKSELF | RESTART_FROZEN | \
				 RESTART_CONN_RESET | \
				 RESTART_NOPIDS | RESTART_MNTNS | \
				 RESTART_CGROUP | RESTART_FORCE)

/* Kinds of namespaces of which that of the caller of restart may serve */
#define CKPT_JOIN_FLAGS		(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS | \
				 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUSER | \
				 CLONE_NEWCGROUP | CLONE_NEWTIME)

/* context.c */
struct ckpt_ctx *ckpt_ctx_alloc(bool restart, unsigned long uflags, int fd,
				int logfd);
void ckpt_ctx_free(struct ckpt_ctx *ctx);
void ckpt_drop_objects(struct ckpt_ctx *ctx);
void ckpt_flush_log(struct ckpt_ctx *ctx);
bool ckpt_intr(int err);

/* stream.c */
struct ckpt_stream *ckpt_stream_open(struct file *file, bool write);
void ckpt_stream_set_timeout(struct ckpt_stream *s, unsigned long timeout);
void ckpt_stream_close(struct ckpt_stream *s);
int ckpt_stream_flush(struct ckpt_ctx *ctx);
u64 ckpt_stream_bytes(const struct ckpt_stream *s);
int ckpt_stream_put(struct ckpt_ctx *ctx, const void *data, size_t len);
int ckpt_write_header(struct ckpt_ctx *ctx);
int ckpt_read_header(struct ckpt_ctx *ctx);
int ckpt_write_trailer(struct ckpt_ctx *ctx);
int ckpt_read_trailer(struct ckpt_ctx *ctx);
void ckpt_write_error(struct ckpt_ctx *ctx);

/* snapshot.c */
int ckpt_snapshot_begin(struct ckpt_ctx *ctx);
size_t ckpt_snapshot_put(struct ckpt_ctx *ctx, const void *data, size_t len);
int ckpt_snapshot_write(struct ckpt_ctx *ctx);
void ckpt_snapshot_free(struct ckpt_ctx *ctx);

/* objhash.c */
struct ckpt_objhash *ckpt_objhash_alloc(void);
void ckpt_objhash_free(struct ckpt_objhash *hash);
int ckpt_obj_check_leaks(struct ckpt_ctx *ctx);
int ckpt_obj_restore(struct ckpt_ctx *ctx, const struct ckpt_hdr_object *h);
void ckpt_obj_commit(struct ckpt_ctx *ctx);
u64 ckpt_obj_count(const struct ckpt_objhash *hash);

/* task.c: the table of task states */
int ckpt_task_collect(struct ckpt_ctx *ctx, struct task_struct *t);
int ckpt_task_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t);
int ckpt_task_restore(struct ckpt_ctx *ctx);
void ckpt_tasks_link(struct ckpt_ctx *ctx);
void ckpt_task_commit(struct ckpt_task *ct);
void ckpt_task_discard(struct ckpt_task *ct);
void ckpt_defuse(struct task_struct *t);

/**
 * struct ckpt_tree_task - one row of the task table
 * @task: the task, referenced; restart: NULL until it is made
 * @ct: its part in the checkpoint or restart, borrowed from @parts of the
 *	tree; NULL of a zombie and of a task that checkpoints itself
 * @spare: checkpoint: what becomes @ct, not attached so far; or NULL
 * @pid: its struct pid, referenced
 * @thread: restart: row of a thread of its process, of a thread: of the next
 *	one; or 0
 * @vfork: restart: it waits for a vfork child
 * @late: restart: a zombie that exits when all tasks are there
 * @e: its entry in the image
 */
struct ckpt_tree_task {
	struct task_struct *task;
	struct ckpt_task *ct;
	struct ckpt_task *spare;
	struct pid *pid;
	u32 thread;
	bool vfork;
	bool late;
	struct ckpt_task_entry e;
};

/* No row, no slot */
#define CKPT_NO_SLOT		(~0U)

/**
 * struct ckpt_tree_pid - one row of the pid table
 * @pid: referenced; restart: NULL until it is made
 * @ns: index of the innermost pid namespace that it is in
 * @first: index of its first number, of the outermost namespace
 * @session: restart: of a process group or session: slot of the session + 1,
 *	or the number of slots + 1 for one outside; else 0
 * @task: restart: a task of the image has it
 * @alone: restart: made without a task, and not attached to one so far
 */
struct ckpt_tree_pid {
	struct pid *pid;
	u32 ns;
	u32 first;
	u32 session;
	bool task;
	bool alone;
};

/**
 * struct ckpt_tree_pid_ns - one pid namespace of the tree
 * @ns: referenced; restart: NULL until it is made
 * @e: its entry in the image
 */
struct ckpt_tree_pid_ns {
	struct pid_namespace *ns;
	struct ckpt_pid_ns_entry e;
};

/**
 * struct ckpt_tree - the tasks of the tree, parents first
 * @flags: CKPT_TREE_*
 * @nr_tasks: rows in use in @tasks
 * @max_tasks: rows there are
 * @tasks: the task table
 * @nr_pids: rows in use in @pids
 * @max_pids: rows there are
 * @pids: the pid table
 * @nr_vpids: entries in use in @vpids
 * @max_vpids: entries there are
 * @vpids: the numbers of all pids, one in each pid namespace
 * @nr_pid_ns: rows in use in @nss
 * @max_pid_ns: rows there are
 * @nss: the pid namespaces, that of the root first, each before what is inside
 * @slots: checkpoint: rows of @pids, by number in the initial pid namespace
 * @ns_index: checkpoint: rows of @nss, by pointer
 * @made: restart: rows of the processes in the order in which they were made
 * @nr_made: number of them
 * @pid_ns: active pid namespace of the root, referenced
 * @parts: the parts that tasks have in this, referenced; checkpoint: by
 *	task, which exec may give another pid; restart: by row
 * @pending: tasks that were told to park and have not done so
 * @wait: woken when @pending falls to 0, and when a restored task is done
 */
struct ckpt_tree {
	u32 flags;
	u32 nr_tasks;
	u32 max_tasks;
	struct ckpt_tree_task *tasks;
	u32 nr_pids;
	u32 max_pids;
	struct ckpt_tree_pid *pids;
	u32 nr_vpids;
	u32 max_vpids;
	u32 *vpids;
	u32 nr_pid_ns;
	u32 max_pid_ns;
	struct ckpt_tree_pid_ns *nss;
	struct xarray slots;
	struct xarray ns_index;
	u32 *made;
	u32 nr_made;
	struct pid_namespace *pid_ns;
	struct xarray parts;
	atomic_t pending;
	wait_queue_head_t wait;
};

/* tree.c */
struct ckpt_tree *ckpt_tree_alloc(void);
void ckpt_tree_free(struct ckpt_tree *tree);
int ckpt_tree_walk(struct ckpt_ctx *ctx);
int ckpt_tree_fill(struct ckpt_ctx *ctx);
int ckpt_tree_collect(struct ckpt_ctx *ctx);
int ckpt_tree_write(struct ckpt_ctx *ctx);
int ckpt_tree_read(struct ckpt_ctx *ctx);

/* pids.c */
void ckpt_pids_free(struct ckpt_tree *tree);
u32 ckpt_pid_nr(const struct ckpt_tree *tree, u32 slot);
int ckpt_pid_ns_add(struct ckpt_ctx *ctx, struct pid_namespace *ns);
int ckpt_pid_add(struct ckpt_ctx *ctx, struct pid *pid);
int ckpt_pids_collect(struct ckpt_ctx *ctx);
int ckpt_pids_write(struct ckpt_ctx *ctx);
int ckpt_pids_read(struct ckpt_ctx *ctx, const struct ckpt_hdr_tree *h);
int ckpt_pids_check(struct ckpt_ctx *ctx);
void ckpt_pids_begin(struct ckpt_ctx *ctx);
unsigned int ckpt_pids_set_tid(const struct ckpt_tree *tree, u32 slot,
			       pid_t *set_tid);
int ckpt_pid_ns_make(struct ckpt_ctx *ctx, u32 i);
struct nsproxy *ckpt_enter_pid_ns(struct pid_namespace *ns);
void ckpt_leave_pid_ns(struct nsproxy *old);
int ckpt_pids_make_lone(struct ckpt_ctx *ctx);
void ckpt_pids_free_lone(struct ckpt_tree *tree);
void ckpt_pids_set_last(struct ckpt_ctx *ctx);

/* park.c: states of a struct ckpt_task, in the order in which they come */
enum {
	CKPT_PARK_KICKED,	/* told to park, on the way */
	CKPT_PARK_PARKED,	/* stands still */
	CKPT_PARK_RELEASED,	/* may go on */
	CKPT_PARK_GONE,		/* exiting: will not park */
	CKPT_PARK_RESTORE,	/* restart: being rebuilt */
	CKPT_PARK_COMMIT,	/* restart: to be committed before user mode */
	CKPT_PARK_KEPT,		/* runs, and makes a system call again */
};

struct ckpt_task *ckpt_task_alloc(struct task_struct *t, unsigned int state);
void ckpt_task_put(struct ckpt_task *ct);
void ckpt_task_attach_current(struct ckpt_task *ct);
void ckpt_task_detach_current(void);
void ckpt_task_forget_tree(struct ckpt_task *ct);
int ckpt_park_tree(struct ckpt_ctx *ctx, unsigned long timeout);
void ckpt_release_tree(struct ckpt_ctx *ctx);
void ckpt_wait_stopped(struct ckpt_ctx *ctx);
bool ckpt_is_vfork_child(struct task_struct *t, struct task_struct *child);
bool ckpt_woken(const struct ckpt_task *ct);
int ckpt_task_pin(struct ckpt_task *ct);
void ckpt_task_unpin(struct ckpt_task *ct);

/* ptrace.c */
bool ckpt_tracer_inside(struct ckpt_ctx *ctx, struct task_struct *t, u32 *row);
void ckpt_ptrace_take(struct ckpt_task *ct);
int ckpt_ptrace_stop(struct ckpt_task *ct);
void ckpt_ptrace_go_on(struct ckpt_task *ct, int signr);
void ckpt_ptrace_vfork_done(struct pid *pid);
void ckpt_ptrace_wait_stopped(struct ckpt_tree *tree);
bool ckpt_ptrace_zombie(struct task_struct *t, struct ckpt_tree_task *row);
int ckpt_ptrace_check_exits(struct ckpt_ctx *ctx);

/* save.c */
int ckpt_do_checkpoint(struct ckpt_ctx *ctx, pid_t pid, unsigned long timeout);

/* restart.c */
int ckpt_do_restart(struct ckpt_ctx *ctx);
void ckpt_task_resume(struct ckpt_task *ct);
void ckpt_vfork_forget(struct ckpt_task *ct);
const struct ckpt_task_entry *ckpt_restoring(struct ckpt_ctx *ctx, u32 *nr);

#endif /* _CHECKPOINT_INTERNAL_H */
