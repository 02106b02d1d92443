/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint and restart: the context, the record stream, the table of
 * shared objects and the table of task states, for the files that save and
 * restore a kind of state.
 *
 * Checkpoint runs in the calling task alone, over tasks that are parked.
 * Restart runs in the tasks that it makes, one at a time in the order of the
 * image, so that whoever reads is always alone with the context.
 */
#ifndef _LINUX_CHECKPOINT_TYPES_H
#define _LINUX_CHECKPOINT_TYPES_H

#include <linux/checkpoint.h>
#include <linux/err.h>
#include <linux/path.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/signal_types.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <uapi/linux/checkpoint.h>
#include <uapi/linux/checkpoint_hdr.h>

struct autogroup;
struct bio_vec;
struct ckpt_cgroups;
struct ckpt_hdr_file;
struct ckpt_mnts;
struct ckpt_nets;
struct ckpt_objhash;
struct ckpt_snapshot;
struct ckpt_stream;
struct ckpt_trace;
struct ckpt_tree;
struct ckpt_tty;
struct cred;
struct dentry;
struct file;
struct ns_common;
struct ipc_namespace;
struct inode;
struct iov_iter;
struct mm_struct;
struct mnt_namespace;
struct net;
struct nsproxy;
struct pid;
struct pid_namespace;
struct pt_regs;
struct tty_struct;
struct user_namespace;

/**
 * struct ckpt_ctx - one checkpoint or restart, from system call to return
 * @uflags: flags of the system call
 * @restart: a restart, not a checkpoint
 * @id: checkpoint id
 * @file: where the image goes, or comes from
 * @logfile: where messages go, or NULL
 * @stream: the image
 * @scratch: of ckpt_scratch()
 * @scratch_size: of it, in bytes
 * @objhash: shared objects, by pointer and by objref
 * @tree: tasks and pids
 * @task: checkpoint: the task being collected or written, for messages
 * @saved: checkpoint: the task whose place in the image that is: the same, but
 *	for a leader that its threads have outlived
 * @root_task: root of the tree, referenced; restart: once it exists
 * @caller: the task that made the system call, referenced
 * @caller_ns: its namespaces, referenced: an objref of 0 means these
 * @caller_cred: its credentials, referenced
 * @key_cred: checkpoint: the credentials whose keyrings are looked at
 * @keys_waited: restart: numbers and quotas of keys that were just put have
 *	been waited for
 * @root: its root directory, referenced: paths in its mount namespace are
 *	written and looked up from here
 * @mnts: the mounts of the image, or NULL so far
 * @removed: checkpoint: of fs/checkpoint_removed.c
 * @nodes: restart: of fs/checkpoint_node.c
 * @late_fds: restart: of fs/checkpoint_fd.c
 * @late_owners: restart: of fs/checkpoint_file.c
 * @pipes_marked: checkpoint: it is known which pipes lead out of the tree
 * @snapshot: checkpoint: what is gathered, to be written once the tree runs, or
 *	NULL
 * @dups: checkpoint: duplicates of address spaces, struct ckpt_dup
 * @kicked_at: CLOCK_MONOTONIC when its tasks were told to stop
 * @stopped_at: CLOCK_MONOTONIC when the whole tree stood still
 * @inherit: restart: files given for external ones
 * @inherit_nr: number of entries in @inherit
 * @tty: restart: file given for an external terminal, or NULL
 * @ttys: restart: what terminals are to be when nothing can fail any more
 * @mounts: restart: places given for external mounts
 * @mounts_nr: number of entries in @mounts
 * @veths: restart: what is said of veths whose other end is outside
 * @veths_nr: number of entries in @veths
 * @cgroups: of kernel/cgroup/checkpoint.c
 * @nets: the network namespaces of the image, or NULL so far
 * @tcp_waiting: checkpoint: by TCP connections that wait to be accepted, the
 *	listening sockets; both are in the table of objects
 * @silenced: connections whose packets go nowhere: net/ipv4/checkpoint_silence.c
 * @autogroups: restart: how many there are in the image so far
 * @seccomp_insns: restart: instructions of all seccomp filters so far
 * @cpu_ns: restart: CPU time of all tasks that were read so far
 * @maker_met: checkpoint: the parent of the root was looked at
 * @join: restart: CLONE_NEW*: kinds of namespaces of which the caller's serves
 * @err: first error reported, negative
 * @errmsg: its text
 * @note: a line for the log that is no error
 * @snapshot_min: checkpoint: bytes of memory below which no snapshot is taken
 * @silence: checkpoint: how long connections of a tree that was killed answer
 *	nothing, in jiffies
 * @stats: counters and times for the caller
 */
struct ckpt_ctx {
	unsigned long uflags;
	bool restart;
	u64 id;
	struct file *file;
	struct file *logfile;
	struct ckpt_stream *stream;
	void *scratch;
	size_t scratch_size;
	struct ckpt_objhash *objhash;
	struct ckpt_tree *tree;
	struct task_struct *task;
	struct task_struct *saved;
	struct task_struct *root_task;
	struct task_struct *caller;
	struct nsproxy *caller_ns;
	const struct cred *caller_cred;
	const struct cred *key_cred;
	bool keys_waited;
	struct path root;
	struct ckpt_mnts *mnts;
	struct xarray removed;
	struct list_head nodes;
	struct list_head late_fds;
	struct list_head late_owners;
	bool pipes_marked;
	struct ckpt_snapshot *snapshot;
	struct list_head dups;
	ktime_t kicked_at;
	ktime_t stopped_at;
	struct ckpt_inherit *inherit;
	unsigned int inherit_nr;
	struct file *tty;
	struct ckpt_tty *ttys;
	struct ckpt_given_mount *mounts;
	unsigned int mounts_nr;
	struct restart_veth *veths;
	unsigned int veths_nr;
	struct ckpt_cgroups *cgroups;
	struct ckpt_nets *nets;
	struct xarray tcp_waiting;
	struct hlist_head silenced;
	u64 autogroups;
	u64 seccomp_insns;
	u64 cpu_ns;
	bool maker_met;
	u32 join;
	int err;
	char errmsg[512];
	char note[160];
	u64 snapshot_min;
	unsigned long silence;
	struct checkpoint_stats stats;
};

/**
 * struct ckpt_inherit - a file that the caller of restart gives
 * @name: the name that the image has for it
 * @file: the file, referenced
 */
struct ckpt_inherit {
	char *name;
	struct file *file;
};

/**
 * struct ckpt_given_mount - a place that the caller of restart gives
 * @name: the name that the image has for what it is the place of
 * @path: the place, referenced
 */
struct ckpt_given_mount {
	char *name;
	struct path path;
};

/*
 * The index of what @ptr points to in an xarray: as dense, and as low, as can
 * be, since each six bits cost a level of it.
 */
static inline unsigned long ckpt_ptr_index(const void *ptr)
{
	return ((unsigned long)ptr - PAGE_OFFSET) / sizeof(long);
}

/* ------------------------------------------------------------ messages */

/*
 * Report an error: one line to the log, with "pid N (comm): " of ctx->task or
 * of the restoring task before it, and kept in the context for the caller
 * and the image. The first one wins. Returns @err.
 */
__printf(3, 4)
int ckpt_err(struct ckpt_ctx *ctx, int err, const char *fmt, ...);

/* Say something in the log that is no error. The first one wins. */
__printf(2, 3)
void ckpt_note(struct ckpt_ctx *ctx, const char *fmt, ...);

/* Memory to put a record together in, until the next call; not at a restart */
void *ckpt_scratch(struct ckpt_ctx *ctx, size_t size);

/*
 * Make room for @n more rows, of @size bytes each, after the @used ones of
 * *@table, which has room for *@max: no more than twice what is needed. Free it
 * with kvfree(). Returns 0 or -ENOMEM.
 */
int ckpt_table_grow(void **table, u32 used, u32 *max, u32 n, size_t size);

/* ---------------------------------------------------------- the stream */

/*
 * Write one record: @rec starts with a struct ckpt_hdr, which is filled in.
 * @len must be a multiple of 8 and at most CKPT_REC_MAX.
 * Return 0 or a negative errno.
 */
int ckpt_write_rec(struct ckpt_ctx *ctx, void *rec, u32 type, size_t len);
/* Write @fixed (with its struct ckpt_hdr) and @tail as one record, padded. */
int ckpt_write_rec_tail(struct ckpt_ctx *ctx, void *fixed, u32 type,
			size_t fixed_len, const void *tail, size_t tail_len);
int ckpt_write_string(struct ckpt_ctx *ctx, const char *s);
/*
 * Bytes of padding that page payload needs after a record of @rec_len bytes
 * that is to be written next.
 */
u32 ckpt_payload_pad(struct ckpt_ctx *ctx, size_t rec_len);
/*
 * Write @pad zero bytes, then @nr segments of page payload, @bytes together.
 * Not in the CRC.
 */
int ckpt_write_payload(struct ckpt_ctx *ctx, u32 pad, struct bio_vec *bvec,
		       unsigned int nr, size_t bytes);

/*
 * Read the next record, which must be of @type and at least @min and at most
 * @max bytes long; objects that stand before it are restored first. Returns
 * the record (free it with kvfree()) or an ERR_PTR, already reported. @h.len
 * of what is returned can be trusted.
 */
void *ckpt_read_rec(struct ckpt_ctx *ctx, u32 type, size_t min, size_t max);
/* Read a record of exactly @len bytes into @rec. Returns 0 or an errno. */
int ckpt_read_rec_into(struct ckpt_ctx *ctx, void *rec, u32 type, size_t len);
/*
 * Read a CKPT_HDR_STRING of at most @max bytes with its NUL. Returns a
 * NUL-terminated string to be freed with kvfree(), or an ERR_PTR.
 */
char *ckpt_read_string(struct ckpt_ctx *ctx, size_t max);
/* Skip @pad zero bytes, then read page payload into @nr segments. */
int ckpt_read_payload(struct ckpt_ctx *ctx, u32 pad, struct bio_vec *bvec,
		      unsigned int nr, size_t bytes);

/* vfs_iter_write() and vfs_iter_read() that move the iterator, always */
ssize_t ckpt_iter_write(struct file *file, struct iov_iter *iter, loff_t *pos);
ssize_t ckpt_iter_read(struct file *file, struct iov_iter *iter, loff_t *pos);

/* --------------------------------------------------- copy on write */

/**
 * struct ckpt_dup - the duplicate of an address space of the tree
 * @list: in @dups of the context, in the order of the image
 * @mm: the duplicate, which has its private pages, and nothing else
 * @orig: what it is a duplicate of: the struct is referenced, the tree may have
 *	left it
 * @objref: of that
 *
 * All of them are kept until the image is written.
 */
struct ckpt_dup {
	struct list_head list;
	struct mm_struct *mm;
	struct mm_struct *orig;
	u32 objref;
};

/* Memory for what is gathered: no reason to kill anybody */
#define CKPT_GFP_SNAPSHOT	(GFP_KERNEL_ACCOUNT | __GFP_NORETRY | \
				 __GFP_NOWARN)

typedef int ckpt_later_t(struct ckpt_ctx *ctx, void *priv);

/*
 * While ctx->snapshot is set, the image is gathered, and written when the tree
 * runs. Records are copied by the functions above. What would not be as it is
 * now must be copied, within the room that ckpt_snapshot_take() gives; @write
 * writes it in its place, when the table of objects is gone. Return 0 or
 * -ENOMEM, in which case @priv is still the caller's.
 */
int ckpt_snapshot_later(struct ckpt_ctx *ctx, ckpt_later_t *write,
			void (*free)(void *priv), void *priv);
bool ckpt_snapshot_take(struct ckpt_ctx *ctx, unsigned long nr);
/*
 * There is no room: write what was gathered now, while the tree is parked, and
 * all that follows too. Returns 0 or the errno of the write.
 */
int ckpt_snapshot_give_up(struct ckpt_ctx *ctx, const char *why);

/* mm/checkpoint_snapshot.c */
int ckpt_snapshot_room(struct ckpt_ctx *ctx, unsigned long *room);
void ckpt_dups_free(struct ckpt_ctx *ctx);

/* ------------------------------------------------------ shared objects */

/**
 * struct ckpt_obj_ops - one kind of shared object
 * @name: for messages
 * @outside_ok: one that is shared with a task outside of the tree is no leak
 * @subtree_ok: the same, with CHECKPOINT_SUBTREE
 * @grab: take a reference; may be NULL
 * @drop: put it; may be NULL
 * @grab: take a reference; NULL if a checkpoint holds none, since it looks at
 *	the object only while a task that uses it is pinned
 * @drop: put that of @grab or of @restore; may be NULL
 * @users: number of references there are now, that of the table included;
 *	NULL if they are not counted. Called with the tree parked.
 * @holder: say in @buf who outside of the tree uses it, if that can be found;
 *	may be NULL
 * @collect: count the objects inside, on first sight; may be NULL
 * @checkpoint: write the records of the object
 * @restore: read them and make the object, in the context of the first task
 *	that uses it; returns it with a reference that becomes the table's, or
 *	an ERR_PTR
 * @commit: restart: the whole tree is restored, and about to run: do what had
 *	to wait for that. Cannot fail. May be NULL.
 */
struct ckpt_obj_ops {
	const char *name;
	bool outside_ok;
	bool subtree_ok;
	void (*grab)(void *ptr);
	void (*drop)(void *ptr);
	int (*users)(void *ptr);
	void (*holder)(struct ckpt_ctx *ctx, void *ptr, char *buf, size_t size);
	int (*collect)(struct ckpt_ctx *ctx, void *ptr);
	int (*checkpoint)(struct ckpt_ctx *ctx, void *ptr);
	void *(*restore)(struct ckpt_ctx *ctx);
	void (*commit)(struct ckpt_ctx *ctx, void *ptr);
};

/*
 * Collect pass: count one use of @ptr from inside the tree, and on first
 * sight what it holds. Returns 0 or a negative errno.
 */
int ckpt_obj_collect(struct ckpt_ctx *ctx, void *ptr, enum ckpt_obj_type type);
/* As above for @n uses at once. */
int ckpt_obj_collect_n(struct ckpt_ctx *ctx, void *ptr,
		       enum ckpt_obj_type type, unsigned int n);
/*
 * After the collect pass: is @ptr also in use outside of the tree?
 */
bool ckpt_obj_outside(struct ckpt_ctx *ctx, void *ptr, enum ckpt_obj_type type);
bool ckpt_obj_left_out(struct ckpt_ctx *ctx, void *ptr, enum ckpt_obj_type type);
/* Has the collect pass met @ptr? */
bool ckpt_obj_collected(struct ckpt_ctx *ctx, void *ptr, enum ckpt_obj_type type);
/*
 * Bits of its kind's own on an object that the collect pass has met: set
 * @mark, return all that are set.
 */
u32 ckpt_obj_mark(struct ckpt_ctx *ctx, void *ptr, enum ckpt_obj_type type,
		  u32 mark);
/*
 * Call @fn for each object of @type that was met, in that order, until it
 * returns something other than 0: that is returned.
 */
int ckpt_obj_for_each(struct ckpt_ctx *ctx, enum ckpt_obj_type type,
		      int (*fn)(struct ckpt_ctx *ctx, void *ptr, void *arg),
		      void *arg);
/*
 * Write @ptr unless that was done before. Returns its objref (positive) or a
 * negative errno. An object of a kind that is collected must have been met by
 * the collect pass: -EBUSY if not.
 */
int ckpt_obj_checkpoint(struct ckpt_ctx *ctx, void *ptr,
			enum ckpt_obj_type type);
/*
 * The object that @objref names, borrowed from the table; ERR_PTR(-EINVAL),
 * reported, if there is none or it is of another kind.
 */
void *ckpt_obj_fetch(struct ckpt_ctx *ctx, u32 objref, enum ckpt_obj_type type);

/* Defined beside what they describe, listed in checkpoint/objhash.c */
extern const struct ckpt_obj_ops ckpt_nsproxy_obj_ops;
extern const struct ckpt_obj_ops ckpt_uts_ns_obj_ops;
extern const struct ckpt_obj_ops ckpt_ipc_ns_obj_ops;
extern const struct ckpt_obj_ops ckpt_mnt_ns_obj_ops;
extern const struct ckpt_obj_ops ckpt_pid_ns_obj_ops;
extern const struct ckpt_obj_ops ckpt_cred_obj_ops;
extern const struct ckpt_obj_ops ckpt_seccomp_filter_obj_ops;
extern const struct ckpt_obj_ops ckpt_key_obj_ops;
extern const struct ckpt_obj_ops ckpt_core_cookie_obj_ops;
extern const struct ckpt_obj_ops ckpt_autogroup_obj_ops;
extern const struct ckpt_obj_ops ckpt_sighand_obj_ops;
extern const struct ckpt_obj_ops ckpt_fs_obj_ops;
extern const struct ckpt_obj_ops ckpt_files_obj_ops;
extern const struct ckpt_obj_ops ckpt_file_obj_ops;
extern const struct ckpt_obj_ops ckpt_pipe_obj_ops;
extern const struct ckpt_obj_ops ckpt_mm_obj_ops;
extern const struct ckpt_obj_ops ckpt_shmem_obj_ops;
extern const struct ckpt_obj_ops ckpt_shm_file_obj_ops;
extern const struct ckpt_obj_ops ckpt_sem_undo_obj_ops;
extern const struct ckpt_obj_ops ckpt_mqueue_obj_ops;
extern const struct ckpt_obj_ops ckpt_sb_obj_ops;
extern const struct ckpt_obj_ops ckpt_mnt_obj_ops;
extern const struct ckpt_obj_ops ckpt_time_ns_obj_ops;
extern const struct ckpt_obj_ops ckpt_cgroup_ns_obj_ops;
extern const struct ckpt_obj_ops ckpt_user_ns_obj_ops;
extern const struct ckpt_obj_ops ckpt_dead_pid_obj_ops;
extern const struct ckpt_obj_ops ckpt_removed_obj_ops;
extern const struct ckpt_obj_ops ckpt_sock_obj_ops;
extern const struct ckpt_obj_ops ckpt_net_ns_obj_ops;
extern const struct ckpt_obj_ops ckpt_anon_obj_ops;
extern const struct ckpt_obj_ops ckpt_memfd_obj_ops;

/* ---------------------------------------------------- state of a task */

/* In the order in which they are saved and restored */
enum ckpt_task_state {
	CKPT_STATE_CGROUP,	/* before anything is charged to it */
	CKPT_STATE_NS,
	CKPT_STATE_SYSVIPC,	/* after NS, in which it is */
	CKPT_STATE_FS,
	CKPT_STATE_FILES,
	CKPT_STATE_MEMPOLICY,	/* before memory is filled */
	CKPT_STATE_MM,
	CKPT_STATE_CRED,	/* after MM, whose dumpable flag it puts back */
	CKPT_STATE_SECCOMP,	/* after CRED, which may install filters */
	CKPT_STATE_SIGHAND,
	CKPT_STATE_SIGNAL,
	CKPT_STATE_LIMITS,
	CKPT_STATE_ACCT,	/* before any timer of CPU time runs */
	CKPT_STATE_ITIMERS,
	CKPT_STATE_TIMERS,	/* after SIGNAL, whose queues have theirs */
	CKPT_STATE_SCHED,
	CKPT_STATE_MISC,
	CKPT_STATE_JOBCTL,
	CKPT_STATE_RESTART_BLOCK,
	CKPT_STATE_PTRACE,	/* after RESTART_BLOCK, which keeps the task in */
	CKPT_STATE_CPU,
	CKPT_STATE_MAX
};

/**
 * struct ckpt_task_ops - one kind of state of a task
 * @name: for messages
 * @process: the state belongs to the process: saved with the group leader
 * @both: a part of it does, and of a leader collect() looks at that alone
 * @collect: count shared objects, and refuse what is not supported by name
 *	(ckpt_err() and -ENOSYS). The task is parked. May be NULL.
 * @checkpoint: write the records. The task is parked.
 * @restore: read the records and restore, in the context of the task. What
 *	has to wait is put aside with ckpt_task_defer().
 * @link: do what concerns other tasks, too: the whole tree is restored, and
 *	nobody of it has been committed. Called by the caller of restart, of one
 *	state for all tasks after the other, if anything was put aside; the task
 *	may have been killed. Cannot fail. May be NULL.
 * @commit: install what was put aside: the whole tree is restored, and the
 *	task is about to enter user mode. Cannot fail. May be NULL.
 * @discard: free what @defer points to, before the memory that @restore got
 *	from ckpt_task_defer() is freed, committed or not. May be NULL.
 */
struct ckpt_task_ops {
	const char *name;
	bool process;
	bool both;
	int (*collect)(struct ckpt_ctx *ctx, struct task_struct *t);
	int (*checkpoint)(struct ckpt_ctx *ctx, struct task_struct *t);
	int (*restore)(struct ckpt_ctx *ctx);
	void (*link)(struct task_struct *t, void *defer);
	void (*commit)(void *defer);
	void (*discard)(void *defer);
};

/*
 * Zeroed memory of @size bytes for what @state of the restoring task puts
 * aside until commit; NULL if there is none to be had.
 */
void *ckpt_task_defer(struct ckpt_ctx *ctx, enum ckpt_task_state state,
		      size_t size);

/*
 * Checkpoint: is what is collected or written that of a group leader? It may be
 * taken from one of its threads: the leader itself is dead then.
 */
static inline bool ckpt_of_leader(const struct ckpt_ctx *ctx)
{
	return thread_group_leader(ctx->saved);
}

/* Is @t a thread that stands in for its leader? */
static inline bool ckpt_stands_in(const struct ckpt_ctx *ctx,
				  const struct task_struct *t)
{
	return t != ctx->saved;
}

/* Defined beside what they describe, listed in checkpoint/task.c */
extern const struct ckpt_task_ops ckpt_cgroup_task_ops;
extern const struct ckpt_task_ops ckpt_ns_task_ops;
extern const struct ckpt_task_ops ckpt_sysvipc_task_ops;
extern const struct ckpt_task_ops ckpt_fs_task_ops;
extern const struct ckpt_task_ops ckpt_files_task_ops;
extern const struct ckpt_task_ops ckpt_mempolicy_task_ops;
extern const struct ckpt_task_ops ckpt_mm_task_ops;
extern const struct ckpt_task_ops ckpt_sighand_task_ops;
extern const struct ckpt_task_ops ckpt_signal_task_ops;
extern const struct ckpt_task_ops ckpt_limits_task_ops;
extern const struct ckpt_task_ops ckpt_acct_task_ops;
extern const struct ckpt_task_ops ckpt_itimers_task_ops;
extern const struct ckpt_task_ops ckpt_timers_task_ops;
extern const struct ckpt_task_ops ckpt_sched_task_ops;
extern const struct ckpt_task_ops ckpt_misc_task_ops;
extern const struct ckpt_task_ops ckpt_jobctl_task_ops;
extern const struct ckpt_task_ops ckpt_cred_task_ops;
extern const struct ckpt_task_ops ckpt_seccomp_task_ops;
extern const struct ckpt_task_ops ckpt_restart_block_task_ops;
extern const struct ckpt_task_ops ckpt_ptrace_task_ops;
extern const struct ckpt_task_ops ckpt_cpu_task_ops;

/* Restart: is the session of the restoring task one of the image? */
bool ckpt_session_restored(struct ckpt_ctx *ctx);

/* ----------------------------------------------------------- terminals */

/* drivers/tty/checkpoint_tty.c: that of an open file, or NULL */
struct tty_struct *ckpt_file_tty(struct file *file);
/* In drivers/tty/checkpoint_pty.c */
int ckpt_ctty_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t,
			 struct ckpt_hdr_task_jobctl *h);
int ckpt_ctty_restore(struct ckpt_ctx *ctx, struct file *file);
void ckpt_ctty_commit(void);
void ckpt_ttys_commit(struct ckpt_ctx *ctx);
void ckpt_ttys_free(struct ckpt_ctx *ctx);

/* ---------------------------------------------------------------- pids */

/*
 * Checkpoint: the slot of @pid in the image's pid table, or -ENOENT if it
 * belongs to nobody in the tree.
 */
int ckpt_pid_slot(struct ckpt_ctx *ctx, struct pid *pid);
/*
 * Restart: the struct pid that took the place of @slot, borrowed;
 * ERR_PTR(-EINVAL), reported, if there is no such slot.
 */
struct pid *ckpt_slot_pid(struct ckpt_ctx *ctx, u32 slot);
bool ckpt_slot_is_later(struct ckpt_ctx *ctx, u32 slot);

/*
 * Checkpoint: the index of @ns in the image's table of pid namespaces, or
 * -ENOENT if no task or pid of the tree is in it.
 */
int ckpt_pid_ns_index(struct ckpt_ctx *ctx, struct pid_namespace *ns);
/*
 * Restart: the pid namespace that took the place of @index, borrowed;
 * ERR_PTR(-EINVAL), reported, if there is none.
 */
struct pid_namespace *ckpt_index_pid_ns(struct ckpt_ctx *ctx, u32 index);
struct pid_namespace *ckpt_dead_pid_ns(struct ckpt_ctx *ctx, u32 index);

/*
 * Checkpoint: call @fn for each task of the tree that is no zombie until it
 * returns something other than 0: that is returned.
 */
int ckpt_tree_for_each(struct ckpt_ctx *ctx,
		       int (*fn)(struct ckpt_ctx *ctx, struct task_struct *t,
				 void *arg),
		       void *arg);

/* ---------------------------------------------- one task, parked or new */

/**
 * struct ckpt_task - a task that takes part in a checkpoint or restart
 * @refs: one of the context's, one of the task's
 * @task: the task
 * @wait: the task and the context wait here for each other
 * @state: CKPT_PARK_*, changed under @wait.lock
 * @tree: whom to tell when the task has parked, under @wait.lock; NULL once
 *	it was told
 * @entered: the task has come to the boundary of user mode and seen this
 * @asleep: it need not come there: it waits for its vfork child, or its tracer
 * @keep: stay attached after the park, see ckpt_task_keep()
 * @switches: the task's count of voluntary context switches when it was last
 *	found off the CPU, with the highest bit set: see wait_task_inactive();
 *	or 0
 * @pins: the context is reading the state of the task: it must not go away
 * @timed: the wait that was interrupted had a timeout, and @until is its end
 * @again: no signal interrupted the system call that answers -EINTR
 * @bounded: the waits of the call end at @deadline at the latest
 * @clamped: it is being made again, with its waits bounded
 * @exit_due: its tracer has yet to be told that the call has ended
 * @stops: restart: enum ckpt_ptrace_stop: it is to be in one again
 * @signal: what its tracer lets it go on with, or 0
 * @until: CLOCK_MONOTONIC
 * @deadline: CLOCK_MONOTONIC
 * @key_serial: restart: the number that the next key is to have, or 0
 * @trace: restart: what that stop is, or NULL
 * @go: restart: all tasks of the tree have been committed, and it may go on
 * @exited: restart: work for when it has exited so far that it has let go of its
 *	memory and files, or NULL
 * @defer: restart: what each state put aside
 * @restore: restart: the rest, or NULL
 */
struct ckpt_task {
	refcount_t refs;
	struct task_struct *task;
	wait_queue_head_t wait;
	unsigned int state;
	struct ckpt_tree *tree;
	bool entered;
	bool asleep;
	bool keep;
	unsigned long switches;
	unsigned int pins;
	bool timed;
	bool again;
	bool bounded;
	bool clamped;
	bool exit_due;
	u32 stops;
	int signal;
	ktime_t until;
	ktime_t deadline;
	s32 key_serial;
	struct ckpt_trace *trace;
	bool go;
	struct callback_head *exited;
	void *defer[CKPT_STATE_MAX];
	struct ckpt_restore *restore;
};

/* checkpoint/park.c: current stays attached to its struct ckpt_task */
void ckpt_task_keep(void);
void ckpt_task_release(void);

/* kernel/checkpoint_syscall.c: system calls that are made again */
void ckpt_restart_interrupted(struct ckpt_task *ct);
void ckpt_report_exit(void);

/* kernel/checkpoint_rest.c: system calls that go on */
bool ckpt_rest_due(void);
long ckpt_rest_call(void);

/* kernel/checkpoint_seccomp.c: ask filters, without PTRACE_EVENT_SECCOMP */
bool ckpt_seccomp_recheck(void);
bool ckpt_call_restarts(void);
/* arch: is it one of another word size? It may be running. */
bool ckpt_arch_is_compat(struct task_struct *t);
/* arch: make the system call @nr with the arguments that are in @regs */
long ckpt_arch_syscall(struct pt_regs *regs, int nr);
/* arch: make it with others, which the task does not see */
long ckpt_arch_syscall_args(int nr, const unsigned long *args);
unsigned int ckpt_arch_breakpoints(struct task_struct *t);
/* arch/x86/kernel/checkpoint_ldt.c */
int ckpt_ldt_save(struct mm_struct *mm, u64 **copy);
int ckpt_ldt_restore(struct ckpt_ctx *ctx, const u64 *ldt, unsigned int nr);

/* ------------------------------------- where subsystems are entered */

/* checkpoint/park.c: does @t wait for a child of vfork(2)? Under tasklist_lock */
bool ckpt_in_vfork(struct task_struct *t);

/* kernel/checkpoint_jobctl.c: stop a parked process, its parent is not told */
void ckpt_group_stop(struct task_struct *leader);
bool ckpt_group_stopped(struct task_struct *leader);

/* kernel/checkpoint_userns.c: who owns a namespace; objref 0 is the caller's */
int ckpt_user_ns_collect(struct ckpt_ctx *ctx, struct user_namespace *ns,
			 const char *what);
int ckpt_user_ns_checkpoint(struct ckpt_ctx *ctx, struct user_namespace *ns);
struct user_namespace *ckpt_user_ns_fetch(struct ckpt_ctx *ctx, u32 objref);
const struct cred *ckpt_user_ns_cred(struct ckpt_ctx *ctx, u32 objref);

/* kernel/sched/checkpoint_core.c: core scheduling cookies, 0 is none */
#ifdef CONFIG_SCHED_CORE
int ckpt_core_collect(struct ckpt_ctx *ctx, struct task_struct *t);
int ckpt_core_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t);
int ckpt_core_fetch(struct ckpt_ctx *ctx, u32 objref, unsigned long *cookie);
void ckpt_core_set(unsigned long cookie);
void ckpt_core_put(unsigned long cookie);
#else
static inline int ckpt_core_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	return 0;
}

static inline int ckpt_core_checkpoint(struct ckpt_ctx *ctx,
				       struct task_struct *t)
{
	return 0;
}

static inline int ckpt_core_fetch(struct ckpt_ctx *ctx, u32 objref,
				  unsigned long *cookie)
{
	*cookie = 0;
	if (!objref)
		return 0;
	return PTR_ERR_OR_ZERO(ckpt_obj_fetch(ctx, objref,
					      CKPT_OBJ_CORE_COOKIE));
}

static inline void ckpt_core_set(unsigned long cookie)
{
}

static inline void ckpt_core_put(unsigned long cookie)
{
}
#endif

/* kernel/checkpoint_sched.c: the record of an autogroup */
int ckpt_autogroup_read(struct ckpt_ctx *ctx, int *nice);
/* kernel/sched/checkpoint_autogroup.c: that of a process; NULL is the outside's */
#ifdef CONFIG_SCHED_AUTOGROUP
int ckpt_autogroup_collect(struct ckpt_ctx *ctx, struct task_struct *t);
int ckpt_autogroup_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t);
int ckpt_autogroup_fetch(struct ckpt_ctx *ctx, u32 objref,
			 struct autogroup **ag);
void ckpt_autogroup_set(struct autogroup *ag);
void ckpt_autogroup_put(struct autogroup *ag);
#else
static inline int ckpt_autogroup_collect(struct ckpt_ctx *ctx,
					 struct task_struct *t)
{
	return 0;
}

static inline int ckpt_autogroup_checkpoint(struct ckpt_ctx *ctx,
					    struct task_struct *t)
{
	return 0;
}

static inline int ckpt_autogroup_fetch(struct ckpt_ctx *ctx, u32 objref,
				       struct autogroup **ag)
{
	*ag = NULL;
	if (!objref)
		return 0;
	return PTR_ERR_OR_ZERO(ckpt_obj_fetch(ctx, objref,
					      CKPT_OBJ_AUTOGROUP));
}

static inline void ckpt_autogroup_set(struct autogroup *ag)
{
}

static inline void ckpt_autogroup_put(struct autogroup *ag)
{
}
#endif

/* kernel/checkpoint_cred.c: may whoever has @old become this user? */
bool ckpt_may_become(const struct cred *old, kuid_t uid, kgid_t gid);

/* security/keys/checkpoint.c: the keyrings of @cred */
int ckpt_keys_collect(struct ckpt_ctx *ctx, const struct cred *cred);
int ckpt_keys_checkpoint(struct ckpt_ctx *ctx, const struct cred *cred,
			 struct ckpt_hdr_cred *h);
int ckpt_keys_restore(struct ckpt_ctx *ctx, struct cred *new,
		      const struct ckpt_hdr_cred *h);

/* kernel/checkpoint_signal.c: a siginfo, with the pid that it has */
void ckpt_siginfo_save(struct ckpt_ctx *ctx, struct task_struct *t,
		       struct ckpt_siginfo *to, const kernel_siginfo_t *from);
int ckpt_siginfo_load(struct ckpt_ctx *ctx, kernel_siginfo_t *to,
		      const struct ckpt_siginfo *from);

/* kernel/checkpoint_cred.c */
const struct cred *ckpt_cred_of(struct ckpt_task *ct);
int ckpt_file_cred_collect(struct ckpt_ctx *ctx, const struct cred *cred);
int ckpt_zombie_cred_collect(struct ckpt_ctx *ctx, struct task_struct *t);
int ckpt_zombie_cred_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t);

/* kernel/checkpoint_ns.c: how often a namespace is used, and opened */
int ckpt_ns_users(const struct ns_common *ns);
int ckpt_ns_opened(const struct ns_common *ns);
void ckpt_ns_holder(struct ckpt_ctx *ctx, const struct ns_common *ns, char *buf,
		    size_t size);

/* kernel/checkpoint_ns.c: a network namespace; objref 0 is the caller's */
int ckpt_net_ns_collect(struct ckpt_ctx *ctx, struct net *net);
int ckpt_net_ns_checkpoint(struct ckpt_ctx *ctx, struct net *net);
struct net *ckpt_net_ns_fetch(struct ckpt_ctx *ctx, u32 objref);
void ckpt_nsproxy_set_net(struct nsproxy *new, struct net *ns);
/* net/core/checkpoint_netns.c */
int ckpt_net_ns_save(struct ckpt_ctx *ctx, struct net *net);
void ckpt_nets_free(struct ckpt_ctx *ctx);

/* kernel/cgroup/checkpoint.c */
int ckpt_cgroups_set_dir(struct ckpt_ctx *ctx, int fd);
void ckpt_cgroups_free(struct ckpt_ctx *ctx, bool keep);
bool ckpt_cgroup_may_show(struct ckpt_ctx *ctx, struct dentry *dentry);

/* fs/checkpoint_mnt.c: a path as the image has it */
char *ckpt_path_name(struct ckpt_ctx *ctx, const struct path *path,
		     char *buf, int size);
/* fs/checkpoint_mnt.c: drop the references to mounts */
void ckpt_mnts_free(struct ckpt_ctx *ctx);
/* fs/checkpoint_mnt.c: write a mount namespace, and older ones before */
int ckpt_mnt_ns_checkpoint(struct ckpt_ctx *ctx, struct mnt_namespace *ns);
/* fs/checkpoint_mnt_restore.c: what the caller of restart says of mounts */
int ckpt_mnt_give(struct ckpt_ctx *ctx, char *name, int fd);
int ckpt_mnt_own_ns(struct ckpt_ctx *ctx);

/**
 * struct ckpt_shm_stamp - what attaching a System V segment changes
 * @atime: time of the last attach
 * @lpid: who did it, referenced, or NULL
 */
struct ckpt_shm_stamp {
	time64_t atime;
	struct pid *lpid;
};

/* ipc/checkpoint_shm.c: System V shared memory in an address space */
bool ckpt_is_shm_file(struct file *file);
void ckpt_shm_stamp_get(struct file *file, struct ckpt_shm_stamp *stamp);
void ckpt_shm_stamp_put(struct file *file, struct ckpt_shm_stamp *stamp);

/* net/packet/checkpoint_ring.c: rings of packet sockets in an address space */
#if IS_BUILTIN(CONFIG_PACKET)
bool ckpt_ring_mapped(struct vm_area_struct *vma);
const char *ckpt_ring_refused(struct vm_area_struct *vma);
#else
static inline bool ckpt_ring_mapped(struct vm_area_struct *vma)
{
	return false;
}

static inline const char *ckpt_ring_refused(struct vm_area_struct *vma)
{
	return NULL;
}
#endif

/* ipc/checkpoint_mqueue.c: a kind of open file */
bool ckpt_mqueue_match(struct file *file);
int ckpt_mqueue_file_collect(struct ckpt_ctx *ctx, struct file *file);
int ckpt_mqueue_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
				struct ckpt_hdr_file *h);
struct file *ckpt_mqueue_file_restore(struct ckpt_ctx *ctx,
				      const struct ckpt_hdr_file *h,
				      const char *name);

/* fs/checkpoint_removed.c: forget what was met of removed files */
void ckpt_removed_free(struct ckpt_ctx *ctx);

/* fs/notify/dnotify/checkpoint_dnotify.c: F_NOTIFY */
#ifdef CONFIG_DNOTIFY
u32 ckpt_dnotify_get(struct file *file, void *owner, u32 *fd);
#else
static inline u32 ckpt_dnotify_get(struct file *file, void *owner, u32 *fd)
{
	return 0;
}
#endif

/* mm/checkpoint_data.c: what is in a file of any file system */
int ckpt_file_data_write(struct ckpt_ctx *ctx, struct file *file);
int ckpt_file_data_read(struct ckpt_ctx *ctx, struct file *file);

/* net/core/checkpoint_sock.c: a kind of open file */
bool ckpt_sock_match(struct file *file);
bool ckpt_sock_external(struct ckpt_ctx *ctx, struct file *file);
const char *ckpt_sock_refused(struct ckpt_ctx *ctx, struct file *file,
			      bool external);
struct fasync_struct **ckpt_sock_fasync(struct file *file);
int ckpt_sock_file_collect(struct ckpt_ctx *ctx, struct file *file);
int ckpt_sock_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			      struct ckpt_hdr_file *h);
struct file *ckpt_sock_file_restore(struct ckpt_ctx *ctx,
				    const struct ckpt_hdr_file *h,
				    const char *name);
/* what sockets hold, once all that have them are met */
int ckpt_socks_collect(struct ckpt_ctx *ctx);
void ckpt_socks_unfreeze(struct ckpt_ctx *ctx);
/* the image is complete, or there is none: let packets in, or kill silently */
#ifdef CONFIG_INET
void ckpt_tcp_thaw(struct ckpt_ctx *ctx, bool killed);
#else
static inline void ckpt_tcp_thaw(struct ckpt_ctx *ctx, bool killed)
{
}
#endif
int ckpt_socks_late_write(struct ckpt_ctx *ctx);
int ckpt_sock_late_restore(struct ckpt_ctx *ctx, u32 objref);
int ckpt_sock_group_restore(struct ckpt_ctx *ctx, u32 objref);
int ckpt_socks_check(struct ckpt_ctx *ctx);

/* fs/checkpoint_file.c: count a file that is mapped, or an exe link */
int ckpt_file_collect(struct ckpt_ctx *ctx, struct file *file);
/* one that is in a message, and in no descriptor table perhaps */
int ckpt_file_collect_sent(struct ckpt_ctx *ctx, struct file *file);
int ckpt_file_check(struct ckpt_ctx *ctx, struct file *file, const char *who);
const struct cred *ckpt_file_cred(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h);

/* fs/checkpoint_pidfd.c: a pid, whether a process of the tree has it or not */
int ckpt_any_pid_collect(struct ckpt_ctx *ctx, struct pid *pid);
int ckpt_any_pid_save(struct ckpt_ctx *ctx, struct pid *pid, u32 *slot,
		      u32 *dead);
struct pid *ckpt_any_pid_fetch(struct ckpt_ctx *ctx, u32 slot, u32 dead);

/* fs/checkpoint_path.c: the path of an inode */
int ckpt_path_collect(struct ckpt_ctx *ctx, const struct path *path);
int ckpt_path_mnt(struct ckpt_ctx *ctx, const struct path *path);
int ckpt_path_verify(struct ckpt_ctx *ctx, const struct path *path, char *buf,
		     int size);
int ckpt_inode_path(struct ckpt_ctx *ctx, struct inode *inode,
		    struct path *path, char *buf);
int ckpt_path_lookup(struct ckpt_ctx *ctx, u32 mnt, const char *name,
		     unsigned int lookup_flags, struct path *path);

/* fs/checkpoint_node.c: the names of unix sockets */
int ckpt_node_save(struct ckpt_ctx *ctx, const struct path *path,
		   struct ckpt_hdr_unix_late *h);
int ckpt_node_make(struct ckpt_ctx *ctx, const struct ckpt_hdr_unix_late *h,
		   const char *name, struct path *path);
void ckpt_nodes_free(struct ckpt_ctx *ctx, bool keep);

/* fs/checkpoint_late.c: what is left of files when all are there */
int ckpt_late_write(struct ckpt_ctx *ctx);
int ckpt_late_restore(struct ckpt_ctx *ctx);
/* fs/checkpoint_fd.c */
int ckpt_late_fds_fill(struct ckpt_ctx *ctx);
void ckpt_late_fds_free(struct ckpt_ctx *ctx);
/* fs/checkpoint_file.c */
int ckpt_late_owners_set(struct ckpt_ctx *ctx);
void ckpt_late_owners_free(struct ckpt_ctx *ctx);

/* mm/checkpoint_tmpfs.c: what is in a file of a tmpfs, or in shared memory */
int ckpt_file_pages_write(struct ckpt_ctx *ctx, struct inode *inode);
int ckpt_file_pages_read(struct ckpt_ctx *ctx, struct inode *inode);
int ckpt_file_alloc_write(struct ckpt_ctx *ctx, struct inode *inode);
int ckpt_file_alloc_read(struct ckpt_ctx *ctx, struct inode *inode, u64 end);

/* mm/checkpoint_huge.c: files of huge pages */
#ifdef CONFIG_HUGETLBFS
unsigned int ckpt_huge_shift(struct file *file);
bool ckpt_huge_reserved(struct inode *inode);
int ckpt_huge_file_read(struct ckpt_ctx *ctx, struct file *file);
#else
static inline unsigned int ckpt_huge_shift(struct file *file)
{
	return 0;
}

static inline bool ckpt_huge_reserved(struct inode *inode)
{
	return false;
}

static inline int ckpt_huge_file_read(struct ckpt_ctx *ctx, struct file *file)
{
	return -EINVAL;
}
#endif

#endif /* _LINUX_CHECKPOINT_TYPES_H */
