// SPDX-License-Identifier: GPL-2.0
/*
 * The task tree: which tasks there are, with their parents, process groups
 * and sessions. Parents stand before their children, group leaders before
 * their threads, so that a cycle cannot be written, nor read.
 */

#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "internal.h"

/* Rows of a table in one record */
#define CKPT_TASKS_CHUNK	1024

/**
 * ckpt_table_grow - make room for more rows in a table
 * @table: the rows, zeroed from @used on
 * @used: number of rows in use
 * @max: number of rows that there is room for
 * @n: number of rows to add
 * @size: of a row, in bytes
 *
 * No more than twice what was filled in so far, whatever number an image
 * claims, and no warning where that is too many.
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_table_grow(void **table, u32 used, u32 *max, u32 n, size_t size)
{
	void *more;

	if (used + n <= *max)
		return 0;
	more = kvcalloc(2 * used + n, size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!more)
		return -ENOMEM;
	if (used)
		memcpy(more, *table, used * size);
	kvfree(*table);
	*table = more;
	*max = 2 * used + n;
	return 0;
}

/**
 * ckpt_tree_alloc - an empty tree
 *
 * Context: process context, may sleep.
 * Return: the tree or NULL.
 */
struct ckpt_tree *ckpt_tree_alloc(void)
{
	struct ckpt_tree *tree = kzalloc(sizeof(*tree), GFP_KERNEL_ACCOUNT);

	if (!tree)
		return NULL;
	xa_init_flags(&tree->parts, XA_FLAGS_ACCOUNT);
	xa_init_flags(&tree->slots, XA_FLAGS_ACCOUNT);
	xa_init_flags(&tree->ns_index, XA_FLAGS_ACCOUNT);
	init_waitqueue_head(&tree->wait);
	return tree;
}

static void drop_rows(struct ckpt_tree *tree)
{
	u32 i;

	for (i = 0; i < tree->nr_tasks; i++) {
		struct ckpt_tree_task *row = &tree->tasks[i];

		/* nobody else has it: both references */
		ckpt_task_put(row->spare);
		ckpt_task_put(row->spare);
		if (row->task)
			put_task_struct(row->task);
		put_pid(row->pid);
	}
	tree->nr_tasks = 0;
}

/**
 * ckpt_tree_free - drop a tree
 * @tree: no task of it is parked, or being restored, any more; or NULL
 *
 * Context: process context, may sleep.
 */
void ckpt_tree_free(struct ckpt_tree *tree)
{
	struct ckpt_task *ct;
	unsigned long index;

	if (!tree)
		return;
	xa_for_each(&tree->parts, index, ct)
		ckpt_task_put(ct);
	xa_destroy(&tree->parts);
	drop_rows(tree);
	kvfree(tree->tasks);
	kvfree(tree->made);
	ckpt_pids_free(tree);
	kfree(tree);
}

/* ---------------------------------------------------------- checkpoint */

/* Returns false if there is no room. */
static bool add_row(struct ckpt_tree *tree, struct task_struct *t)
{
	struct ckpt_tree_task *row;

	if (tree->nr_tasks == tree->max_tasks)
		return false;
	row = &tree->tasks[tree->nr_tasks++];
	memset(row, 0, sizeof(*row));
	row->task = get_task_struct(t);
	row->pid = get_task_pid(t, PIDTYPE_PID);
	row->ct = xa_load(&tree->parts, ckpt_ptr_index(t));
	return true;
}

static bool walk(struct ckpt_tree *tree, struct task_struct *root)
{
	struct task_struct *t, *child;
	u32 i;

	if (!add_row(tree, root))
		return false;
	for (i = 0; i < tree->nr_tasks; i++) {
		t = tree->tasks[i].task;
		if (thread_group_leader(t))
			for_other_threads(t, child)
				/* a dead thread is about to leave the group */
				if (child->exit_state != EXIT_DEAD &&
				    !add_row(tree, child))
					return false;
		list_for_each_entry(child, &t->children, sibling)
			if (!add_row(tree, child))
				return false;
	}
	return true;
}

/* Exec by another thread than the leader makes that one the leader. */
static struct task_struct *root_of(struct ckpt_ctx *ctx)
{
	struct task_struct *old = ctx->root_task;
	struct task_struct *root = pid_task(task_tgid(old), PIDTYPE_TGID);

	lockdep_assert_held(&tasklist_lock);

	if (root && root != old) {
		ctx->root_task = get_task_struct(root);
		put_task_struct(old);
	}
	return ctx->root_task;
}

/**
 * ckpt_tree_walk - find the tasks of the tree
 * @ctx: the context, with root_task
 *
 * Fills the task table with tasks, in the order of the image; what is in it
 * from an earlier walk is replaced.
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, -EINTR.
 */
int ckpt_tree_walk(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	bool complete;

	for (;;) {
		drop_rows(tree);
		read_lock(&tasklist_lock);
		complete = walk(tree, root_of(ctx));
		read_unlock(&tasklist_lock);
		if (complete)
			return 0;
		if (fatal_signal_pending(current))
			return -EINTR;
		drop_rows(tree);
		kvfree(tree->tasks);
		tree->max_tasks = max(64U, tree->max_tasks * 4);
		tree->tasks = kvmalloc_array(tree->max_tasks,
					     sizeof(*tree->tasks),
					     GFP_KERNEL_ACCOUNT);
		if (!tree->tasks) {
			tree->max_tasks = 0;
			return -ENOMEM;
		}
	}
}

/* Is nobody outside of the tree in this process group or session? */
static bool group_inside(struct ckpt_ctx *ctx, struct pid *pid)
{
	struct task_struct *t;
	bool inside = true;
	enum pid_type type;

	read_lock(&tasklist_lock);
	for (type = PIDTYPE_TGID; type < PIDTYPE_MAX; type++)
		do_each_pid_task(pid, type, t) {
			inside &= ckpt_pid_slot(ctx, task_pid(t)) >= 0;
		} while_each_pid_task(pid, type, t);
	read_unlock(&tasklist_lock);
	return inside;
}

/*
 * A process group or a session whose leader is gone belongs to the tree if
 * its number is of the pid namespace of a container, or if all of its members
 * are in the tree. What a subtree has from whoever started it is outside: many
 * may be in it, which is found out once, and kept in @outside.
 */
static int group_slot(struct ckpt_ctx *ctx, struct xarray *outside,
		      struct pid *pid, u32 *slot)
{
	int ret;

	*slot = CKPT_NO_SLOT;
	if (!pid)
		return 0;
	ret = ckpt_pid_slot(ctx, pid);
	if (ret == -ENOENT && pid_nr_ns(pid, ctx->tree->pid_ns) &&
	    !xa_load(outside, ckpt_ptr_index(pid))) {
		if ((ctx->tree->flags & CKPT_TREE_CONTAINER) ||
		    group_inside(ctx, pid))
			ret = ckpt_pid_add(ctx, pid);
		else
			ret = xa_err(xa_store(outside, ckpt_ptr_index(pid),
					      xa_mk_value(1),
					      GFP_KERNEL_ACCOUNT)) ?: ret;
	}
	if (ret == -ENOENT)
		return 0;
	if (ret < 0)
		return ret;
	*slot = ret;
	return 0;
}

/*
 * The row of a task that stands before row @i. The first slots of the pid
 * table are those of the tasks, in their order.
 */
static u32 row_above(struct ckpt_ctx *ctx, u32 i, struct task_struct *t)
{
	int slot = ckpt_pid_slot(ctx, task_pid(t));

	lockdep_assert_held(&tasklist_lock);

	return slot >= 0 && slot < i && ctx->tree->tasks[slot].task == t ?
		slot : CKPT_NO_SLOT;
}

/* As ptrace_reparented(), which is not made for sparse */
static bool is_reparented(struct task_struct *t)
{
	struct task_struct *real, *tracer;

	real = rcu_dereference_protected(t->real_parent,
					 lockdep_tasklist_lock_is_held());
	tracer = rcu_dereference_protected(t->parent,
					   lockdep_tasklist_lock_is_held());
	return !same_thread_group(real, tracer);
}

/* Zombie threads are there as long as their tracer does not wait for them. */
static bool has_outlived(struct task_struct *leader)
{
	struct task_struct *t;

	for_other_threads(leader, t)
		if (!t->exit_state)
			return true;
	return false;
}

static int fill_tracer(struct ckpt_ctx *ctx, u32 i)
{
	struct ckpt_tree_task *row = &ctx->tree->tasks[i];
	u32 tracer = CKPT_NO_SLOT;

	if (row->e.flags & CKPT_TASK_OUTLIVED)
		return ckpt_err(ctx, -ENOSYS,
				"has exited before its threads, and its tracer has yet to wait for it: not supported");
	if (!ckpt_tracer_inside(ctx, row->task, &tracer))
		return ckpt_err(ctx, -ENOSYS,
				"is being traced: not supported, detach the tracer");
	if (tracer == CKPT_NO_SLOT)
		return ckpt_err(ctx, -EBUSY, "its tracer changes: try again");
	row->e.tracer = tracer + 1;
	return 0;
}

static int fill_task(struct ckpt_ctx *ctx, u32 i, struct pid **pgrp,
		     struct pid **session)
{
	struct ckpt_tree *tree = ctx->tree;
	struct task_struct *t = tree->tasks[i].task;
	struct ckpt_task_entry *e = &tree->tasks[i].e;
	struct task_struct *parent, *leader;
	bool traced;
	int err = 0;

	memset(e, 0, sizeof(*e));
	*pgrp = NULL;
	*session = NULL;
	read_lock(&tasklist_lock);
	if (t->exit_state == EXIT_DEAD || !pid_task(tree->tasks[i].pid, PIDTYPE_PID)) {
		err = -EBUSY;
		goto unlock;
	}
	parent = rcu_dereference_protected(t->real_parent,
					   lockdep_is_held(&tasklist_lock));
	leader = t->group_leader;
	if (thread_group_leader(t)) {
		*pgrp = get_pid(task_pgrp(t));
		*session = get_pid(task_session(t));
	}
	if (t->exit_state == EXIT_ZOMBIE) {
		e->flags |= thread_group_leader(t) && has_outlived(t) ?
			CKPT_TASK_OUTLIVED : CKPT_TASK_ZOMBIE;
		e->exit_code = t->signal->flags & SIGNAL_GROUP_EXIT ?
			t->signal->group_exit_code : t->exit_code;
	}
	if (t != leader)
		e->flags |= CKPT_TASK_THREAD;
	else
		e->exit_signal = t->exit_signal;
	e->leader = t == leader ? i : row_above(ctx, i, leader);
	e->parent = i ? row_above(ctx, i, t == leader ? parent : leader) :
			CKPT_NO_SLOT;
	if (t->signal->is_child_subreaper)
		e->flags |= CKPT_TASK_SUBREAPER;
	if (i && t == leader && ckpt_is_vfork_child(parent, t))
		e->flags |= CKPT_TASK_VFORK;
	/* its parent is to be told of its end when its tracer was */
	traced = t->exit_state && t->ptrace &&
		 (!thread_group_leader(t) || is_reparented(t));
unlock:
	read_unlock(&tasklist_lock);
	if (err)
		return ckpt_err(ctx, err, "is being reaped: try again");
	if (traced)
		err = fill_tracer(ctx, i);
	if (err)
		return err;

	memcpy(e->comm, t->comm, sizeof(e->comm));
	e->rpid = pid_nr_ns(tree->tasks[i].pid, task_active_pid_ns(current));
	if (e->leader == CKPT_NO_SLOT || (i && e->parent == CKPT_NO_SLOT))
		return ckpt_err(ctx, -EBUSY, "moved in the tree: try again");
	return 0;
}

/* Its children may be told to live in a pid namespace that has no task yet. */
static int fill_children_ns(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct pid_namespace *ns = NULL;
	int ret;

	task_lock(t);
	if (t->nsproxy)
		ns = get_pid_ns(t->nsproxy->pid_ns_for_children);
	task_unlock(t);
	if (!ns)
		return 0;
	ret = ckpt_pid_ns_add(ctx, ns);
	put_pid_ns(ns);
	return ret;
}

/**
 * ckpt_tree_fill - fill in the task and pid tables
 * @ctx: the context; the tree is parked
 *
 * Context: process context, may sleep.
 * Return: 0, -EBUSY for a task that is being reaped, or a root that has exited,
 * -ENOSYS for one that is not supported, -ENOMEM.
 */
int ckpt_tree_fill(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	struct pid *pgrp, *session;
	struct xarray outside;
	int slot, err;
	u32 i;

	err = ckpt_pid_ns_add(ctx, tree->pid_ns);
	if (err < 0)
		return err;
	for (i = 0; i < tree->nr_tasks; i++) {
		slot = ckpt_pid_add(ctx, tree->tasks[i].pid);
		if (slot < 0)
			return slot;
	}
	xa_init_flags(&outside, XA_FLAGS_ACCOUNT);
	err = 0;
	for (i = 0; i < tree->nr_tasks && err >= 0; i++) {
		struct ckpt_tree_task *row = &tree->tasks[i];

		ctx->task = row->task;
		err = fill_children_ns(ctx, row->task);
		if (err < 0)
			break;
		err = fill_task(ctx, i, &pgrp, &session);
		/* since it was found: there is nothing to be restarted */
		if (!err && !i && (row->e.flags & CKPT_TASK_ZOMBIE))
			err = ckpt_err(ctx, -EBUSY, "exits: try again");
		if (!err)
			err = group_slot(ctx, &outside, pgrp, &row->e.pgrp);
		if (!err)
			err = group_slot(ctx, &outside, session,
					 &row->e.session);
		put_pid(pgrp);
		put_pid(session);
		if (!err && row->e.pgrp == CKPT_NO_SLOT &&
		    row->e.session != CKPT_NO_SLOT)
			err = ckpt_err(ctx, -ENOSYS,
				       "is in a session of the tree, in a process group that is also outside of it: not supported");
		row->e.tid = ckpt_pid_slot(ctx, row->pid);
	}
	xa_destroy(&outside);
	if (err < 0)
		return err;
	ctx->task = NULL;
	ctx->stats.tasks = tree->nr_tasks;
	return 0;
}

/**
 * ckpt_tree_collect - collect what zombies, and leaders that are dead, have
 * @ctx: the context; the tree is filled
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_tree_collect(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	int err = 0;
	u32 i, dead;

	for (i = 0; i < tree->nr_tasks && !err; i++) {
		dead = tree->tasks[i].e.flags &
		       (CKPT_TASK_ZOMBIE | CKPT_TASK_OUTLIVED);
		if (!dead)
			continue;
		ctx->task = tree->tasks[i].task;
		if (dead & CKPT_TASK_ZOMBIE)
			err = ckpt_zombie_cred_collect(ctx, ctx->task);
		if (!err)
			err = ckpt_core_collect(ctx, ctx->task);
		if (!err)
			err = ckpt_autogroup_collect(ctx, ctx->task);
	}
	ctx->task = NULL;
	return err;
}

/**
 * ckpt_tree_write - write the tables
 * @ctx: the context; the tree is filled
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write, -ENOMEM.
 */
int ckpt_tree_write(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_hdr_tree h = {
		.flags = tree->flags,
		.nr_tasks = tree->nr_tasks,
		.nr_pids = tree->nr_pids,
		.nr_pid_ns = tree->nr_pid_ns,
	};
	struct ckpt_hdr_tasks ht = {};
	struct ckpt_task_entry *e;
	u32 i, j, n;
	int err, cred;

	BUILD_BUG_ON(CKPT_TASKS_CHUNK * sizeof(*e) + sizeof(ht) > CKPT_REC_MAX);

	err = ckpt_write_rec(ctx, &h, CKPT_HDR_TREE, sizeof(h));
	if (err)
		return err;
	for (i = 0; i < tree->nr_tasks; i++) {
		if (!(tree->tasks[i].e.flags & CKPT_TASK_ZOMBIE))
			continue;
		cred = ckpt_zombie_cred_checkpoint(ctx, tree->tasks[i].task);
		if (cred < 0)
			return cred;
		tree->tasks[i].e.cred = cred;
	}
	e = kvcalloc(min(tree->nr_tasks, CKPT_TASKS_CHUNK), sizeof(*e),
		     GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	for (i = 0; i < tree->nr_tasks && !err; i += n) {
		n = min(tree->nr_tasks - i, CKPT_TASKS_CHUNK);
		for (j = 0; j < n; j++)
			e[j] = tree->tasks[i + j].e;
		err = ckpt_write_rec_tail(ctx, &ht, CKPT_HDR_TASKS, sizeof(ht),
					  e, n * sizeof(*e));
	}
	kvfree(e);
	return err ?: ckpt_pids_write(ctx);
}

/* ------------------------------------------------------------- restart */

/* How struct ckpt_tree_pid has a session: that of the outside too is one */
static u32 session_mark(const struct ckpt_tree *tree, u32 session)
{
	return session == CKPT_NO_SLOT ? tree->nr_pids + 1 : session + 1;
}

/* A process group lies in one session, as setpgid(2) sees to. */
static int group_in_session(struct ckpt_ctx *ctx, u32 i, u32 pgrp, u32 session)
{
	struct ckpt_tree_pid *p = &ctx->tree->pids[pgrp];
	u32 mark = session_mark(ctx->tree, session);

	if (p->session && p->session != mark)
		return ckpt_err(ctx, -EINVAL,
				"image: task %u: process group %u lies in two sessions",
				i, pgrp);
	p->session = mark;
	return 0;
}

static int check_groups(struct ckpt_ctx *ctx, u32 i, u32 pgrp, u32 session)
{
	u32 nr = ctx->tree->nr_pids;
	int err;

	if ((pgrp != CKPT_NO_SLOT && pgrp >= nr) ||
	    (session != CKPT_NO_SLOT && session >= nr))
		return ckpt_err(ctx, -EINVAL,
				"image: task %u: process group %u or session %u is not in the pid table",
				i, pgrp, session);
	if (pgrp == CKPT_NO_SLOT && session == CKPT_NO_SLOT)
		return 0;
	if (pgrp == CKPT_NO_SLOT)
		return ckpt_err(ctx, -EINVAL,
				"image: task %u: is in session %u, and in no process group of it",
				i, session);
	err = group_in_session(ctx, i, pgrp, session);
	/* the process group of its number, if there is one, is setsid(2)'s */
	if (!err && session != CKPT_NO_SLOT)
		err = group_in_session(ctx, i, session, session);
	return err;
}

static bool live_thread(const struct ckpt_tree *tree, u32 i)
{
	while ((i = tree->tasks[i].thread))
		if (!(tree->tasks[i].e.flags & CKPT_TASK_ZOMBIE))
			return true;
	return false;
}

/* May a task have traced the zombie @e? */
static bool tracer_ok(const struct ckpt_tree *tree,
		      const struct ckpt_task_entry *e)
{
	const struct ckpt_task_entry *tracer;

	if (!(e->flags & CKPT_TASK_ZOMBIE) || e->tracer > tree->nr_tasks)
		return false;
	tracer = &tree->tasks[e->tracer - 1].e;
	return !(tracer->flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_OUTLIVED)) &&
	       tracer->leader != e->leader;
}

/*
 * Once all are known: whoever gave its pid to a process group or a session can
 * have left neither that session nor, as its leader, that process group.
 */
static int check_leader(struct ckpt_ctx *ctx, u32 i)
{
	struct ckpt_tree *tree = ctx->tree;
	const struct ckpt_task_entry *e = &tree->tasks[i].e;
	u32 mark = tree->pids[e->tid].session;

	if ((e->flags & CKPT_TASK_OUTLIVED) && !live_thread(tree, i))
		return ckpt_err(ctx, -EINVAL,
				"image: task %u has no thread that has outlived it",
				i);
	if (e->tracer && !tracer_ok(tree, e))
		return ckpt_err(ctx, -EINVAL,
				"image: task %u cannot have been traced by task %u",
				i, e->tracer - 1);
	tree->tasks[i].late = (e->flags & CKPT_TASK_ZOMBIE) &&
			      (e->tracer || tree->tasks[i].thread);
	if (!mark)
		return 0;
	if ((e->flags & CKPT_TASK_THREAD) ||
	    mark != session_mark(tree, e->session) ||
	    (e->session == e->tid && e->pgrp != e->tid))
		return ckpt_err(ctx, -EINVAL,
				"image: task %u cannot have left the process group or session of its pid",
				i);
	return 0;
}

/* Parents and leaders stand before: no cycle can be made. */
static int check_task(struct ckpt_ctx *ctx, u32 i)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_task_entry *e = &tree->tasks[i].e;
	bool thread = e->flags & CKPT_TASK_THREAD;
	bool zombie = e->flags & CKPT_TASK_ZOMBIE;
	bool outlived = e->flags & CKPT_TASK_OUTLIVED;
	bool vfork = e->flags & CKPT_TASK_VFORK;
	const struct ckpt_task_entry *above;

	if ((e->flags & ~(CKPT_TASK_THREAD | CKPT_TASK_ZOMBIE |
			  CKPT_TASK_SUBREAPER | CKPT_TASK_OUTLIVED |
			  CKPT_TASK_VFORK)) ||
	    (outlived && (thread || zombie)) ||
	    (vfork && (!i || thread || zombie || outlived)))
		return ckpt_err(ctx, -EINVAL,
				"image: task %u: unknown flags %#x",
				i, e->flags);
	if (e->tid >= tree->nr_pids || tree->pids[e->tid].task)
		return ckpt_err(ctx, -EINVAL,
				"image: task %u: pid slot %u is not there, or another task's",
				i, e->tid);
	tree->pids[e->tid].task = true;
	if (i == 0) {
		if (thread || zombie || e->parent != CKPT_NO_SLOT || e->leader ||
		    tree->pids[e->tid].ns)
			return ckpt_err(ctx, -EINVAL,
					"image: task 0 cannot be the root");
	} else {
		if (e->parent >= i || (thread ? e->leader >= i : e->leader != i))
			return ckpt_err(ctx, -EINVAL,
					"image: task %u: its parent %u or leader %u does not stand before it",
					i, e->parent, e->leader);
		above = &tree->tasks[thread ? e->leader : e->parent].e;
		/* a zombie that is a thread is there for its tracer only */
		if (((above->flags & CKPT_TASK_ZOMBIE) && !(thread && zombie)) ||
		    (!thread && (above->flags & CKPT_TASK_OUTLIVED)) ||
		    (thread && (above->flags & CKPT_TASK_THREAD)) ||
		    (thread && zombie && !e->tracer))
			return ckpt_err(ctx, -EINVAL,
					"image: task %u cannot have been made by task %u",
					i, thread ? e->leader : e->parent);
		if (vfork && tree->tasks[e->parent].vfork)
			return ckpt_err(ctx, -EINVAL,
					"image: task %u waits for two vfork children",
					e->parent);
		tree->tasks[e->parent].vfork |= vfork;
	}
	if (!valid_signal(e->exit_signal) || (thread && e->exit_signal) ||
	    (e->exit_code & ~0xffff) || (!zombie && e->cred) ||
	    (!zombie && !outlived && e->exit_code) ||
	    e->reserved)
		return ckpt_err(ctx, -EINVAL,
				"image: task %u: exit signal %u, exit code %#x",
				i, e->exit_signal, e->exit_code);
	e->comm[sizeof(e->comm) - 1] = 0;
	if (!thread)
		return check_groups(ctx, i, e->pgrp, e->session);
	tree->tasks[i].thread = tree->tasks[e->leader].thread;
	tree->tasks[e->leader].thread = i;
	return 0;
}

static int read_tasks(struct ckpt_ctx *ctx, u32 nr)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_hdr_tasks *h;
	int err = 0;
	u32 j, n;

	while (tree->nr_tasks < nr && !err) {
		n = min(nr - tree->nr_tasks, CKPT_TASKS_CHUNK);
		h = ckpt_read_rec(ctx, CKPT_HDR_TASKS, struct_size(h, tasks, n),
				  struct_size(h, tasks, n));
		if (IS_ERR(h))
			return PTR_ERR(h);
		err = ckpt_table_grow((void **)&tree->tasks, tree->nr_tasks,
				      &tree->max_tasks, n,
				      sizeof(*tree->tasks));
		for (j = 0; j < n && !err; j++)
			tree->tasks[tree->nr_tasks++].e = h->tasks[j];
		kvfree(h);
	}
	return err;
}

/**
 * ckpt_tree_read - read and check the tables
 * @ctx: the context
 *
 * Context: process context, may sleep.
 * Return: 0, -EINVAL for tables that make no tree or a pid that cannot be,
 * -E2BIG for more tasks than there are pids, -ENOMEM, the errno of the read.
 */
int ckpt_tree_read(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_hdr_tree h;
	int err;
	u32 i;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TREE, sizeof(h));
	if (err)
		return err;
	if (h.flags & ~(CKPT_TREE_CONTAINER | CKPT_TREE_SELF))
		return ckpt_err(ctx, -EINVAL,
				"image: unknown flags %#x of the tree",
				h.flags);
	if (!h.nr_tasks || h.nr_pids < h.nr_tasks ||
	    h.nr_pids > 3ULL * h.nr_tasks)
		return ckpt_err(ctx, -EINVAL, "image: %u tasks with %u pids",
				h.nr_tasks, h.nr_pids);
	if (h.nr_tasks > pid_max)
		return ckpt_err(ctx, -E2BIG,
				"image: %u tasks; kernel.pid_max is %d",
				h.nr_tasks, pid_max);

	tree->flags = h.flags;
	err = read_tasks(ctx, h.nr_tasks);
	if (!err)
		err = ckpt_pids_read(ctx, &h);
	for (i = 0; i < tree->nr_tasks && !err; i++)
		err = check_task(ctx, i);
	for (i = 0; i < tree->nr_tasks && !err; i++)
		err = check_leader(ctx, i);
	if (!err)
		err = ckpt_pids_check(ctx);
	ctx->stats.tasks = tree->nr_tasks;
	return err;
}

/**
 * ckpt_tree_for_each - call a function for every live task of the tree
 * @ctx: the context of a checkpoint; the tables are filled
 * @fn: what to call; anything but 0 ends this. A task may be on its way out.
 * @arg: passed to @fn
 *
 * Context: process context, may sleep if @fn does.
 * Return: what @fn returned last.
 */
int ckpt_tree_for_each(struct ckpt_ctx *ctx,
		       int (*fn)(struct ckpt_ctx *ctx, struct task_struct *t,
				 void *arg),
		       void *arg)
{
	struct ckpt_tree *tree = ctx->tree;
	int ret = 0;
	u32 i;

	for (i = 0; i < tree->nr_tasks && !ret; i++)
		if (!(tree->tasks[i].e.flags & CKPT_TASK_ZOMBIE))
			ret = fn(ctx, tree->tasks[i].task, arg);
	return ret;
}

#ifdef CONFIG_CHECKPOINT_KUNIT_TEST
#include "tree_kunit.c"
#endif
