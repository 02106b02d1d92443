// SPDX-License-Identifier: GPL-2.0
/*
 * The phases of a checkpoint: park, collect, write, release.
 */

#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/ipc_namespace.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/time_namespace.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>

#include <trace/events/checkpoint.h>

#include "internal.h"

/* A namespace that the caller is in is not read. */
static bool may_read(const void *ns, const void *own,
		     struct user_namespace *owner)
{
	return ns == own || checkpoint_restore_ns_capable(owner);
}

/* May the caller read what belongs to these user namespaces? */
static int may_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const struct cred *cred = get_task_cred(t);
	const struct nsproxy *own = ctx->caller_ns;
	struct nsproxy *ns;
	bool ok;

	/* it may have called exec since it was told to park */
	if (!ptrace_may_access(t, PTRACE_MODE_ATTACH_REALCREDS)) {
		put_cred(cred);
		return ckpt_err(ctx, -EPERM, "you may not trace it");
	}
	ok = checkpoint_restore_ns_capable(cred->user_ns);
	put_cred(cred);
	task_lock(t);
	ns = t->nsproxy;
	if (ok && ns)
		ok = may_read(ns->uts_ns, own->uts_ns, ns->uts_ns->user_ns) &&
		     may_read(ns->ipc_ns, own->ipc_ns, ns->ipc_ns->user_ns) &&
		     may_read(ns->cgroup_ns, own->cgroup_ns,
			      ns->cgroup_ns->user_ns) &&
		     may_read(ns->time_ns, own->time_ns,
			      ns->time_ns->user_ns) &&
		     may_read(ns->time_ns_for_children, own->time_ns,
			      ns->time_ns_for_children->user_ns) &&
		     may_read(ns->pid_ns_for_children,
			      task_active_pid_ns(ctx->caller),
			      ns->pid_ns_for_children->user_ns);
	task_unlock(t);
	if (!ok)
		return ckpt_err(ctx, -EPERM,
				"CAP_CHECKPOINT_RESTORE is needed in its user namespace");
	return 0;
}

/* Find the root of the tree and see whether the caller may ask for this. */
static int find_root(struct ckpt_ctx *ctx, pid_t pid)
{
	struct ckpt_tree *tree = ctx->tree;
	bool init, leader, alone;
	struct task_struct *t;
	struct pid *root;
	int exit_state, err;

	/* exec by a thread gives it the pid of the leader, which is dead then */
	rcu_read_lock();
	read_lock(&tasklist_lock);
	t = pid ? find_task_by_vpid(pid) : current->group_leader;
	/* as long as it has not been reaped */
	root = t ? task_pid(t) : NULL;
	if (root) {
		get_task_struct(t);
		tree->pid_ns = get_pid_ns(ns_of_pid(root));
		init = is_child_reaper(root);
		leader = thread_group_leader(t);
		alone = thread_group_empty(t);
		exit_state = t->exit_state;
	}
	read_unlock(&tasklist_lock);
	rcu_read_unlock();
	if (!root)
		return ckpt_err(ctx, -ESRCH,
				"there is no task with pid %d",
				pid);
	ctx->root_task = t;

	if (pid && same_thread_group(t, current))
		return ckpt_err(ctx, -EINVAL,
				"pid %d is the caller: use pid 0",
				pid);
	if (!leader)
		return ckpt_err(ctx, -EINVAL,
				"pid %d is a thread, not a process",
				pid);
	if (exit_state == EXIT_DEAD)
		return ckpt_err(ctx, -EBUSY, "pid %d is being reaped", pid);
	if (exit_state && alone)
		return ckpt_err(ctx, -EINVAL, "pid %d is a zombie", pid);
	if (t->flags & PF_KTHREAD || is_global_init(t))
		return ckpt_err(ctx, -EINVAL, "pid %d is %s", pid,
				is_global_init(t) ? "init" : "a kernel thread");

	/* before anything is asked of it, and of others with it */
	err = may_checkpoint(ctx, t);
	if (err)
		return err;

	if (!pid)
		tree->flags |= CKPT_TREE_SELF;
	if (!(ctx->uflags & CHECKPOINT_SUBTREE)) {
		if (!init)
			return ckpt_err(ctx, -EINVAL,
					"pid %d is not the init of a pid namespace: checkpoint it as a subtree",
					pid);
		tree->flags |= CKPT_TREE_CONTAINER;
	} else if (tree->pid_ns != task_active_pid_ns(current)) {
		/* as the init of a namespace of its own it is rebuilt with it */
		if (!init)
			return ckpt_err(ctx, -ENOSYS,
					"pid %d lives in a pid namespace of its own, and is not its init: not supported",
					pid);
		tree->flags |= CKPT_TREE_CONTAINER;
	}
	return 0;
}

static int phase(struct ckpt_ctx *ctx, const char *name, __u64 *ns, u64 *start,
		 int err)
{
	u64 now = ktime_get_ns();

	*ns = now - *start;
	*start = now;
	trace_checkpoint_phase(ctx->id, name, err);
	return err;
}

/* A live thread of the process that row @i leads, or NULL */
static struct ckpt_tree_task *thread_of(struct ckpt_tree *tree, u32 i)
{
	u32 j;

	for (j = i + 1; j < tree->nr_tasks; j++)
		if (tree->tasks[j].e.leader == i &&
		    !(tree->tasks[j].e.flags & CKPT_TASK_ZOMBIE))
			return &tree->tasks[j];
	return NULL;
}

/*
 * Do something with every live task, which cannot go away meanwhile. A thread
 * stands in for its leader where that has exited.
 */
static int visit_live(struct ckpt_ctx *ctx,
		      int (*fn)(struct ckpt_ctx *ctx, u32 i,
				struct task_struct *t))
{
	struct ckpt_tree *tree = ctx->tree;
	int err = 0;
	u32 i;

	for (i = 0; i < tree->nr_tasks && !err; i++) {
		struct ckpt_tree_task *row = &tree->tasks[i], *from = row;

		if (row->e.flags & CKPT_TASK_ZOMBIE)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		ctx->task = row->task;
		ctx->saved = row->task;
		if (row->e.flags & CKPT_TASK_OUTLIVED)
			from = thread_of(tree, i);
		if (!from)
			return ckpt_err(ctx, -EBUSY, "exits: try again");
		ctx->task = from->task;
		err = ckpt_task_pin(from->ct);
		if (err)
			return ckpt_err(ctx, err, "was killed");
		err = fn(ctx, i, from->task);
		ckpt_task_unpin(from->ct);
	}
	ctx->task = NULL;
	return err;
}

/*
 * A tracer may attach to a task that is parked. It cannot stop it there; but
 * one in group stop it can, and change its state while that is written. And one
 * whose tracer is killed is in no ptrace stop any more.
 */
static int not_changed(struct ckpt_ctx *ctx, struct task_struct *t)
{
	if (!ckpt_tracer_inside(ctx, t, NULL) ||
	    !ckpt_tracer_inside(ctx, ctx->saved, NULL))
		return ckpt_err(ctx, -EBUSY,
				"a tracer is attached to it: try again when that is gone");
	if (t->ckpt_task && t != current && ckpt_woken(t->ckpt_task))
		return ckpt_err(ctx, -EBUSY, "was woken: try again");
	return 0;
}

/* A thread that has all of what its leader was asked for, which came first */
static bool as_leader(const struct task_struct *t)
{
	const struct task_struct *leader = t->group_leader;

	return t != leader && t->mm == leader->mm &&
	       t->nsproxy == leader->nsproxy &&
	       rcu_access_pointer(t->real_cred) ==
	       rcu_access_pointer(leader->real_cred);
}

static int collect_one(struct ckpt_ctx *ctx, u32 i, struct task_struct *t)
{
	int err = not_changed(ctx, t);

	if (!err && !as_leader(t))
		err = may_checkpoint(ctx, t);
	return err ?: ckpt_task_collect(ctx, t);
}

static int save_one(struct ckpt_ctx *ctx, u32 i, struct task_struct *t)
{
	struct ckpt_hdr_task h = { .index = i };
	int err;

	err = ckpt_write_rec(ctx, &h, CKPT_HDR_TASK, sizeof(h));
	if (!err)
		err = ckpt_task_checkpoint(ctx, t);
	if (!err)
		err = not_changed(ctx, t);
	trace_checkpoint_task(ctx->id, ctx->task, err);
	return err;
}

/* With all threads, where they have outlived it */
static bool has_exited(const struct ckpt_tree_task *row)
{
	return READ_ONCE(row->task->exit_state) &&
	       (!(row->e.flags & CKPT_TASK_OUTLIVED) ||
		thread_group_empty(row->task));
}

/*
 * Wait until the killed tasks are zombies, or gone: their pids are wanted. An
 * init goes after whoever else was in its pid namespace, which may take until
 * the caller has reaped what has become its child: that is not waited for.
 */
static void wait_killed(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	u32 i;

	for (i = tree->nr_tasks; i--;) {
		struct ckpt_tree_task *row = &tree->tasks[i];

		if (row->e.flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_THREAD))
			continue;
		if (tree->pids[row->e.tid].ns &&
		    !(tree->flags & CKPT_TREE_CONTAINER))
			continue;
		if (wait_event_killable(row->pid->wait_pidfd,
					has_exited(row)))
			return;
	}
}

/* Kill the process of row @i. */
static void kill_row(struct ckpt_tree *tree, u32 i)
{
	const struct ckpt_tree_task *row = &tree->tasks[tree->tasks[i].e.leader];

	if (!(row->e.flags & CKPT_TASK_ZOMBIE))
		kill_pid(row->pid, SIGKILL, 1);
}

/* The image is complete: do to the tree what the caller asked for. */
static void finish(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	u32 i;

	for (i = 0; i < tree->nr_tasks; i++) {
		struct ckpt_tree_task *row = &tree->tasks[i];

		if (row->e.flags & CKPT_TASK_ZOMBIE)
			continue;
		if (ctx->uflags & CHECKPOINT_KILL)
			ckpt_defuse(row->task);
		else if ((ctx->uflags & CHECKPOINT_STOP) &&
			 !(row->e.flags & CKPT_TASK_THREAD))
			ckpt_group_stop(row->task);
	}
	if (!(ctx->uflags & CHECKPOINT_KILL))
		return;
	/* before their tracers, whose end would let them go on */
	for (i = tree->nr_tasks; i--;)
		if (READ_ONCE(tree->tasks[i].task->ptrace))
			kill_row(tree, i);
	for (i = tree->nr_tasks; i--;)
		if (!(tree->tasks[i].e.flags & CKPT_TASK_THREAD))
			kill_row(tree, i);
}

/* Does nothing happen to the tree that needs a complete image? */
static bool runs_on(const struct ckpt_ctx *ctx)
{
	return !(ctx->uflags & (CHECKPOINT_KILL | CHECKPOINT_STOP));
}

static int save(struct ckpt_ctx *ctx)
{
	u64 start = ktime_get_ns();
	int err;

	err = ckpt_tree_fill(ctx);
	if (!err)
		err = ckpt_pids_collect(ctx);
	if (!err)
		err = visit_live(ctx, collect_one);
	if (!err)
		err = ckpt_tree_collect(ctx);
	if (!err)
		err = ckpt_socks_collect(ctx);
	if (!err)
		err = ckpt_obj_check_leaks(ctx);
	if (!err)
		ckpt_socks_unfreeze(ctx);
	err = phase(ctx, "collect", &ctx->stats.collect_ns, &start, err);
	if (err)
		return err;

	err = ckpt_snapshot_begin(ctx);
	if (!err)
		err = ckpt_write_header(ctx);
	if (!err)
		err = ckpt_tree_write(ctx);
	if (!err)
		err = visit_live(ctx, save_one);
	if (!err)
		err = ckpt_late_write(ctx);
	if (!err && !runs_on(ctx))
		err = ckpt_write_trailer(ctx);
	return phase(ctx, "write", &ctx->stats.tasks_ns, &start, err);
}

/* The tree runs again: write what is left. It may take its time. */
static int write_rest(struct ckpt_ctx *ctx)
{
	u64 start = ktime_get_ns();
	int err = 0;

	ckpt_stream_set_timeout(ctx->stream, 0);
	if (ctx->snapshot)
		err = ckpt_snapshot_write(ctx);
	if (!err)
		err = ckpt_write_trailer(ctx);
	return phase(ctx, "rest", &ctx->stats.write_ns, &start, err);
}

/**
 * ckpt_do_checkpoint - write the image of a task tree
 * @ctx: the context
 * @pid: its root, in the pid namespace of the caller, or 0 for the caller
 * @timeout: how long to wait for a task to park, in jiffies
 *
 * Whatever happens, the tree runs on afterwards, unless the image is complete
 * and the flags say otherwise.
 *
 * Context: the caller of the system call, may sleep.
 * Return: 0, or a negative errno with a message in the context.
 */
int ckpt_do_checkpoint(struct ckpt_ctx *ctx, pid_t pid, unsigned long timeout)
{
	u64 begin = ktime_get_ns(), start = begin, stop;
	bool killed;
	int err;

	err = find_root(ctx, pid);
	if (err)
		goto out;
	err = ckpt_park_tree(ctx, timeout);
	ctx->stopped_at = ktime_get();
	err = phase(ctx, "park", &ctx->stats.park_ns, &start, err);
	if (!err)
		err = save(ctx);
	killed = !err && (ctx->uflags & CHECKPOINT_KILL);
	ckpt_tcp_thaw(ctx, killed);
	/* killed tasks are to find themselves the last users of what they had */
	ckpt_drop_objects(ctx);
	if (!err)
		finish(ctx);
	stop = ktime_get_ns();
	ckpt_release_tree(ctx);
	/* what was killed has left the park by that, and competes with this */
	if (!killed)
		stop = ktime_get_ns();
	ctx->stats.stopped_ns = stop - ktime_to_ns(ctx->kicked_at);
	trace_checkpoint_phase(ctx->id, "release", err);
	if (killed)
		wait_killed(ctx);
	else if (!err && !runs_on(ctx))
		ckpt_wait_stopped(ctx);
	else if (!err)
		err = write_rest(ctx);
out:
	ckpt_snapshot_free(ctx);
	if (err) {
		ckpt_err(ctx, err, "checkpoint failed: error %d", err);
		ckpt_write_error(ctx);
	}
	ctx->stats.total_ns = ktime_get_ns() - begin;
	ctx->stats.bytes = ckpt_stream_bytes(ctx->stream);
	return err;
}
