// SPDX-License-Identifier: GPL-2.0
/*
 * The pids of the tree, and the pid namespaces that they live in. A pid has a
 * number in its own namespace and in each one above it, up to that of the root
 * of the tree: the outermost one that is saved.
 */

#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/time_namespace.h>

#include "internal.h"

/* Rows of a table in one record; of numbers, even, so that none is padded */
#define CKPT_PIDS_CHUNK		4096
#define CKPT_VPIDS_CHUNK	8192
#define CKPT_PID_NSS_CHUNK	1024

/**
 * ckpt_pids_free - drop the pid tables of a tree
 * @tree: the tree
 *
 * Context: process context, may sleep.
 */
void ckpt_pids_free(struct ckpt_tree *tree)
{
	u32 i;

	ckpt_pids_free_lone(tree);
	for (i = 0; i < tree->nr_pids; i++)
		put_pid(tree->pids[i].pid);
	kvfree(tree->pids);
	kvfree(tree->vpids);
	for (i = 0; i < tree->nr_pid_ns; i++)
		if (tree->nss[i].ns)
			put_pid_ns(tree->nss[i].ns);
	kvfree(tree->nss);
	if (tree->pid_ns)
		put_pid_ns(tree->pid_ns);
	xa_destroy(&tree->slots);
	xa_destroy(&tree->ns_index);
}

/**
 * ckpt_pid_nr - number of a pid in the pid namespace of the root of the tree
 * @tree: the tree
 * @slot: of the pid
 *
 * Return: the number.
 */
u32 ckpt_pid_nr(const struct ckpt_tree *tree, u32 slot)
{
	return tree->vpids[tree->pids[slot].first];
}

/* ---------------------------------------------------------- checkpoint */

/**
 * ckpt_pid_ns_index - the entry of a pid namespace in the image's table
 * @ctx: the context; the tree is filled
 * @ns: the pid namespace
 *
 * Return: its index, or -ENOENT if no task or pid of the tree is in it.
 */
int ckpt_pid_ns_index(struct ckpt_ctx *ctx, struct pid_namespace *ns)
{
	void *index = xa_load(&ctx->tree->ns_index, ckpt_ptr_index(ns));

	return index ? xa_to_value(index) : -ENOENT;
}

/* Which task is the init of @ns? It is the first one that got a pid there. */
static u32 init_row(struct ckpt_tree *tree, struct pid_namespace *ns)
{
	u32 i;

	for (i = 0; i < tree->nr_tasks; i++)
		if (is_child_reaper(tree->tasks[i].pid) &&
		    ns_of_pid(tree->tasks[i].pid) == ns)
			return i;
	return CKPT_NO_SLOT;
}

static int add_ns(struct ckpt_ctx *ctx, struct pid_namespace *ns, u32 parent)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_tree_pid_ns *row;
	int err;

	err = ckpt_table_grow((void **)&tree->nss, tree->nr_pid_ns,
			      &tree->max_pid_ns, 1, sizeof(*tree->nss));
	if (err)
		return err;
	err = xa_err(xa_store(&tree->ns_index, ckpt_ptr_index(ns),
			      xa_mk_value(tree->nr_pid_ns), GFP_KERNEL_ACCOUNT));
	if (err)
		return err;
	row = &tree->nss[tree->nr_pid_ns];
	row->ns = get_pid_ns(ns);
	row->e.parent = parent;
	row->e.level = ns->level - tree->pid_ns->level;
	/* the cursor is 0 where all pids were chosen */
	row->e.last_pid = max(idr_get_cursor(&ns->idr), 1U) - 1;
	row->e.init = init_row(tree, ns);
	if (row->e.init == CKPT_NO_SLOT && tree->nr_pid_ns &&
	    !(READ_ONCE(ns->pid_allocated) & PIDNS_ADDING)) {
		row->e.flags |= CKPT_PID_NS_DEAD;
		row->e.last_pid = 0;
	}
	return tree->nr_pid_ns++;
}

/**
 * ckpt_pid_ns_add - enter a pid namespace in the image's table
 * @ctx: the context; its tasks are found
 * @ns: that of the root of the tree, or one inside of it
 *
 * Those above it are entered, too.
 *
 * Context: process context, may sleep.
 * Return: its index, or -ENOMEM.
 */
int ckpt_pid_ns_add(struct ckpt_ctx *ctx, struct pid_namespace *ns)
{
	struct pid_namespace *above;
	int index = ckpt_pid_ns_index(ctx, ns);
	u32 parent = CKPT_NO_SLOT;

	if (index >= 0)
		return index;
	for (;;) {
		/* the outermost one that is not there yet */
		above = ns;
		while (above != ctx->tree->pid_ns &&
		       ckpt_pid_ns_index(ctx, above->parent) < 0)
			above = above->parent;
		if (above != ctx->tree->pid_ns)
			parent = ckpt_pid_ns_index(ctx, above->parent);
		index = add_ns(ctx, above, parent);
		if (index < 0 || above == ns)
			return index;
	}
}

/**
 * ckpt_pid_slot - the slot of a pid in the image's pid table
 * @ctx: the context; the tree is filled
 * @pid: the pid
 *
 * Return: the slot, or -ENOENT if it belongs to nobody in the tree.
 */
int ckpt_pid_slot(struct ckpt_ctx *ctx, struct pid *pid)
{
	struct ckpt_tree *tree = ctx->tree;
	void *slot = xa_load(&tree->slots, pid_nr(pid));

	/* the number of one that is dead may be another one's by now */
	if (!slot || tree->pids[xa_to_value(slot)].pid != pid)
		return -ENOENT;
	return xa_to_value(slot);
}

/**
 * ckpt_pid_add - enter a pid in the image's table
 * @ctx: the context; its tasks are found
 * @pid: a pid that the pid namespace of the root of the tree sees, and that a
 *	task has
 *
 * Context: process context, may sleep.
 * Return: its slot, -ENOMEM, or -EBUSY if that task has gone meanwhile, and its
 * number is another one's.
 */
int ckpt_pid_add(struct ckpt_ctx *ctx, struct pid *pid)
{
	struct ckpt_tree *tree = ctx->tree;
	int slot = ckpt_pid_slot(ctx, pid), ns, err;
	struct ckpt_tree_pid *p;
	u32 level, i;

	if (slot >= 0)
		return slot;
	ns = ckpt_pid_ns_add(ctx, ns_of_pid(pid));
	if (ns < 0)
		return ns;
	level = tree->nss[ns].e.level;
	err = ckpt_table_grow((void **)&tree->pids, tree->nr_pids,
			      &tree->max_pids, 1, sizeof(*tree->pids));
	if (!err)
		err = ckpt_table_grow((void **)&tree->vpids, tree->nr_vpids,
				      &tree->max_vpids, level + 1,
				      sizeof(*tree->vpids));
	if (!err)
		err = xa_insert(&tree->slots, pid_nr(pid),
				xa_mk_value(tree->nr_pids), GFP_KERNEL_ACCOUNT);
	if (err == -EBUSY)
		return ckpt_err(ctx, err, "pid %d: exits: try again",
				pid_nr_ns(pid, tree->pid_ns));
	if (err)
		return err;
	p = &tree->pids[tree->nr_pids];
	p->pid = get_pid(pid);
	p->ns = ns;
	p->first = tree->nr_vpids;
	for (i = 0; i <= level; i++)
		tree->vpids[tree->nr_vpids++] =
			pid->numbers[tree->pid_ns->level + i].nr;
	return tree->nr_pids++;
}

/* One that no task was in so far has none, nor one that is dead. */
static bool has_init_outside(const struct ckpt_tree_pid_ns *row)
{
	return row->e.init == CKPT_NO_SLOT &&
	       !(row->e.flags & CKPT_PID_NS_DEAD) &&
	       READ_ONCE(row->ns->pid_allocated) != PIDNS_ADDING;
}

/* Nobody could make it. */
static bool in_dead_one(const struct ckpt_tree *tree, u32 i)
{
	return tree->nss[tree->nss[i].e.parent].e.flags & CKPT_PID_NS_DEAD;
}

/**
 * ckpt_pids_collect - count the pid namespaces as shared objects
 * @ctx: the context; the tree is filled
 *
 * Context: process context, may sleep.
 * Return: 0, -EBUSY for one that a task outside of the tree lives in, -ENOSYS
 * for one whose init is outside of it, or whose parent's has gone.
 */
int ckpt_pids_collect(struct ckpt_ctx *ctx)
{
	struct pid_namespace *caller = task_active_pid_ns(ctx->caller);
	struct ckpt_tree *tree = ctx->tree;
	int err = 0;
	u32 i;

	for (i = 0; i < tree->nr_pid_ns && !err; i++) {
		if (tree->nss[i].ns != caller)
			err = ckpt_obj_collect(ctx, tree->nss[i].ns,
					       CKPT_OBJ_PID_NS);
		if (!err && i && in_dead_one(tree, i))
			err = ckpt_err(ctx, -ENOSYS,
				       "a pid namespace is inside of one whose init has gone: not supported");
		if (!err && i && has_init_outside(&tree->nss[i]))
			err = ckpt_err(ctx, -ENOSYS,
				       "children are to live in a pid namespace whose init is outside of the tree: not supported, checkpoint the tree of that, too");
	}
	for (i = 0; i < tree->nr_pids && !err; i++) {
		u32 ns = tree->pids[i].ns;

		if (ns && tree->nss[ns].e.init == CKPT_NO_SLOT)
			err = ckpt_err(ctx, -ENOSYS,
				       "pid %u: lives in a pid namespace whose init is outside of the tree: not supported, checkpoint the tree of that, too",
				       ckpt_pid_nr(tree, i));
	}
	return err;
}

/* The user namespaces that own them are written first. */
static int write_nss(struct ckpt_ctx *ctx)
{
	struct pid_namespace *caller = task_active_pid_ns(ctx->caller);
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_pid_ns_entry *buf;
	struct ckpt_hdr_pid_nss h = {};
	int err = 0, owner;
	u32 i, j, n;

	for (i = 0; i < tree->nr_pid_ns; i++) {
		if (tree->nss[i].ns == caller)
			continue;
		owner = ckpt_user_ns_checkpoint(ctx, tree->nss[i].ns->user_ns);
		if (owner < 0)
			return owner;
		tree->nss[i].e.user_ns = owner;
	}
	buf = kvcalloc(min(tree->nr_pid_ns, CKPT_PID_NSS_CHUNK), sizeof(*buf),
		       GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < tree->nr_pid_ns && !err; i += n) {
		n = min(tree->nr_pid_ns - i, CKPT_PID_NSS_CHUNK);
		for (j = 0; j < n; j++)
			buf[j] = tree->nss[i + j].e;
		err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_PID_NSS, sizeof(h),
					  buf, n * sizeof(*buf));
	}
	kvfree(buf);
	return err;
}

static int write_pids(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_hdr_pids h = {};
	struct ckpt_pid_entry *buf;
	int err = 0;
	u32 i, j, n;

	buf = kvcalloc(min(tree->nr_pids, CKPT_PIDS_CHUNK), sizeof(*buf),
		       GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < tree->nr_pids && !err; i += n) {
		n = min(tree->nr_pids - i, CKPT_PIDS_CHUNK);
		for (j = 0; j < n; j++)
			buf[j] = (struct ckpt_pid_entry) {
				.ns = tree->pids[i + j].ns,
				.depth = tree->nss[tree->pids[i + j].ns].e.level,
			};
		err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_PIDS, sizeof(h),
					  buf, n * sizeof(*buf));
	}
	kvfree(buf);
	return err;
}

static int write_vpids(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_hdr_vpids h = {};
	int err = 0;
	u32 i, n;

	for (i = 0; i < tree->nr_vpids && !err; i += n) {
		n = min(tree->nr_vpids - i, CKPT_VPIDS_CHUNK);
		err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_VPIDS, sizeof(h),
					  tree->vpids + i,
					  n * sizeof(*tree->vpids));
	}
	return err;
}

/**
 * ckpt_pids_write - write the pid tables
 * @ctx: the context; the tree is filled, and its objects are counted
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write, -ENOMEM.
 */
int ckpt_pids_write(struct ckpt_ctx *ctx)
{
	int err = write_nss(ctx);

	if (!err)
		err = write_pids(ctx);
	return err ?: write_vpids(ctx);
}

/* ------------------------------------------------------------- restart */

/**
 * ckpt_slot_pid - the pid that took the place of a slot
 * @ctx: the context
 * @slot: from the image, not checked yet
 *
 * Return: the pid, borrowed, or ERR_PTR(-EINVAL), reported, if there is none.
 */
struct pid *ckpt_slot_pid(struct ckpt_ctx *ctx, u32 slot)
{
	struct ckpt_tree *tree = ctx->tree;

	if (slot >= tree->nr_pids || !tree->pids[slot].pid)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
					"image: there is no pid slot %u",
					slot));
	return tree->pids[slot].pid;
}

/**
 * ckpt_slot_is_later - is a pid slot that of a task that is yet to be made?
 * @ctx: the context
 * @slot: from the image, not checked yet
 *
 * Return: true for a thread of a process that is restored after this task.
 */
bool ckpt_slot_is_later(struct ckpt_ctx *ctx, u32 slot)
{
	const struct ckpt_tree *tree = ctx->tree;

	return slot < tree->nr_pids && tree->pids[slot].task &&
	       !tree->pids[slot].pid;
}

/**
 * ckpt_index_pid_ns - the pid namespace that took the place of one
 * @ctx: the context
 * @index: from the image, not checked yet
 *
 * Return: the namespace, borrowed, or ERR_PTR(-EINVAL), reported, if there is
 * none.
 */
struct pid_namespace *ckpt_index_pid_ns(struct ckpt_ctx *ctx, u32 index)
{
	struct ckpt_tree *tree = ctx->tree;

	if (index >= tree->nr_pid_ns || !tree->nss[index].ns)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
					"image: there is no pid namespace %u",
					index));
	return tree->nss[index].ns;
}

static int check_ns(struct ckpt_ctx *ctx, u32 i,
		    const struct ckpt_pid_ns_entry *e)
{
	struct ckpt_tree *tree = ctx->tree;
	bool ok;

	if (i)
		ok = e->parent < i &&
		     !(tree->nss[e->parent].e.flags & CKPT_PID_NS_DEAD) &&
		     e->level == tree->nss[e->parent].e.level + 1 &&
		     e->level <= MAX_PID_NS_LEVEL;
	else
		ok = e->parent == CKPT_NO_SLOT && !e->level;
	if (!ok || e->last_pid > PID_MAX_LIMIT || (e->flags & ~CKPT_PID_NS_DEAD))
		return ckpt_err(ctx, -EINVAL,
				"image: pid namespace %u: level %u below %u, last pid %u, flags %#x",
				i, e->level, e->parent, e->last_pid, e->flags);
	return 0;
}

static int read_nss(struct ckpt_ctx *ctx, u32 nr)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_hdr_pid_nss *h;
	int err = 0;
	u32 j, n;

	while (tree->nr_pid_ns < nr && !err) {
		n = min(nr - tree->nr_pid_ns, CKPT_PID_NSS_CHUNK);
		h = ckpt_read_rec(ctx, CKPT_HDR_PID_NSS, struct_size(h, nss, n),
				  struct_size(h, nss, n));
		if (IS_ERR(h))
			return PTR_ERR(h);
		err = ckpt_table_grow((void **)&tree->nss, tree->nr_pid_ns,
				      &tree->max_pid_ns, n, sizeof(*tree->nss));
		for (j = 0; j < n && !err; j++) {
			err = check_ns(ctx, tree->nr_pid_ns, &h->nss[j]);
			tree->nss[tree->nr_pid_ns++].e = h->nss[j];
		}
		kvfree(h);
	}
	return err;
}

static int read_pids(struct ckpt_ctx *ctx, u32 nr)
{
	struct ckpt_tree *tree = ctx->tree;
	const struct ckpt_pid_entry *e;
	struct ckpt_hdr_pids *h;
	int err = 0;
	u32 j, n;

	while (tree->nr_pids < nr && !err) {
		n = min(nr - tree->nr_pids, CKPT_PIDS_CHUNK);
		h = ckpt_read_rec(ctx, CKPT_HDR_PIDS, struct_size(h, pids, n),
				  struct_size(h, pids, n));
		if (IS_ERR(h))
			return PTR_ERR(h);
		err = ckpt_table_grow((void **)&tree->pids, tree->nr_pids,
				      &tree->max_pids, n, sizeof(*tree->pids));
		for (j = 0; j < n && !err; j++) {
			e = &h->pids[j];
			if (e->ns >= tree->nr_pid_ns ||
			    e->depth != tree->nss[e->ns].e.level)
				err = ckpt_err(ctx, -EINVAL,
					       "image: pid slot %u: at depth %u of pid namespace %u",
					       tree->nr_pids, e->depth, e->ns);
			tree->pids[tree->nr_pids++].ns = e->ns;
		}
		kvfree(h);
	}
	return err;
}

static int check_nr(struct ckpt_ctx *ctx, u32 i, u32 nr)
{
	if (nr < 1 || nr >= PID_MAX_LIMIT)
		return ckpt_err(ctx, -EINVAL, "image: number %u: %u is no pid",
				i, nr);
	if (!(ctx->uflags & (RESTART_NOPIDS | RESTART_TASKSELF)) && nr >= pid_max)
		return ckpt_err(ctx, -EINVAL,
				"pid %u is not below kernel.pid_max, which is %d here: raise it",
				nr, pid_max);
	return 0;
}

static int read_vpids(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_hdr_vpids *h;
	u64 nr = 0;
	size_t len;
	int err = 0;
	u32 i, n;

	for (i = 0; i < tree->nr_pids; i++) {
		tree->pids[i].first = nr;
		nr += tree->nss[tree->pids[i].ns].e.level + 1;
	}
	while (tree->nr_vpids < nr && !err) {
		n = min_t(u64, nr - tree->nr_vpids, CKPT_VPIDS_CHUNK);
		len = ALIGN(struct_size(h, nrs, n), 8);
		h = ckpt_read_rec(ctx, CKPT_HDR_VPIDS, len, len);
		if (IS_ERR(h))
			return PTR_ERR(h);
		err = ckpt_table_grow((void **)&tree->vpids, tree->nr_vpids,
				      &tree->max_vpids, n,
				      sizeof(*tree->vpids));
		for (i = 0; i < n && !err; i++) {
			err = check_nr(ctx, tree->nr_vpids, h->nrs[i]);
			tree->vpids[tree->nr_vpids++] = h->nrs[i];
		}
		kvfree(h);
	}
	return err;
}

/* Is @ns @above, or inside of it? */
static bool ns_below(const struct ckpt_tree *tree, u32 ns, u32 above)
{
	while (tree->nss[ns].e.level > tree->nss[above].e.level)
		ns = tree->nss[ns].e.parent;
	return ns == above;
}

/* The pid namespace that the task of row @i lives in */
static u32 row_ns(const struct ckpt_tree *tree, u32 i)
{
	return tree->pids[tree->tasks[i].e.tid].ns;
}

/*
 * A child lives where its parent lives, or inside of that; the parent of an
 * init lives right outside. So that there is always a task to begin with.
 */
static int check_row(struct ckpt_ctx *ctx, u32 i)
{
	struct ckpt_tree *tree = ctx->tree;
	const struct ckpt_task_entry *e = &tree->tasks[i].e;
	u32 ns = row_ns(tree, i), init = tree->nss[ns].e.init, above;
	bool ok;

	above = i ? row_ns(tree, e->flags & CKPT_TASK_THREAD ? e->leader :
							       e->parent) : 0;
	if (e->flags & CKPT_TASK_THREAD)
		ok = ns == above;
	else
		ok = ns_below(tree, ns, above) &&
		     (!i || i != init || above == tree->nss[ns].e.parent);
	if (!ok)
		return ckpt_err(ctx, -EINVAL,
				"image: task %u: in pid namespace %u, but it comes from %u",
				i, ns, above);
	/* whoever lives in a namespace without an init was there before */
	if (ns)
		ok = init != CKPT_NO_SLOT &&
		     (i == init ||
		      !(tree->tasks[init].e.flags & CKPT_TASK_ZOMBIE));
	else
		ok = !(tree->flags & CKPT_TREE_CONTAINER) || !init;
	if (!ok)
		return ckpt_err(ctx, -EINVAL,
				"image: task %u: pid namespace %u has no init",
				i, ns);
	return 0;
}

/*
 * The first pid in a namespace is its init: one that came later would have
 * nobody to leave its children to.
 */
static int check_init(struct ckpt_ctx *ctx, u32 i)
{
	struct ckpt_tree *tree = ctx->tree;
	u32 init = tree->nss[i].e.init, level = tree->nss[i].e.level, slot;
	bool dead = tree->nss[i].e.flags & CKPT_PID_NS_DEAD;

	if (init == CKPT_NO_SLOT && !(i ? tree->nss[i].e.last_pid : dead))
		return 0;
	if (init < tree->nr_tasks && !dead &&
	    !(tree->tasks[init].e.flags & CKPT_TASK_THREAD)) {
		slot = tree->tasks[init].e.tid;
		if (tree->pids[slot].ns == i &&
		    tree->vpids[tree->pids[slot].first + level] == 1)
			return 0;
	}
	return ckpt_err(ctx, -EINVAL,
			"image: pid namespace %u: task %u cannot be its init",
			i, init);
}

static int check_slot(struct ckpt_ctx *ctx, u32 i)
{
	u32 ns = ctx->tree->pids[i].ns;

	if (!ns || ctx->tree->nss[ns].e.init != CKPT_NO_SLOT)
		return 0;
	return ckpt_err(ctx, -EINVAL,
			"image: pid slot %u: in pid namespace %u, which has no init",
			i, ns);
}

/**
 * ckpt_pids_read - read and check the pid tables
 * @ctx: the context; the task table is read, and its pid slots are not checked
 * @h: how many there are, not checked yet
 *
 * Context: process context, may sleep.
 * Return: 0, -EINVAL for tables that do not go together, -ENOMEM, the errno of
 * the read.
 */
int ckpt_pids_read(struct ckpt_ctx *ctx, const struct ckpt_hdr_tree *h)
{
	int err;

	if (!h->nr_pid_ns)
		return ckpt_err(ctx, -EINVAL, "image: no pid namespace");
	err = read_nss(ctx, h->nr_pid_ns);
	if (!err)
		err = read_pids(ctx, h->nr_pids);
	return err ?: read_vpids(ctx);
}

/**
 * ckpt_pids_check - see whether tasks live where they can
 * @ctx: the context; the task table is checked
 *
 * Return: 0 or -EINVAL.
 */
int ckpt_pids_check(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	int err = 0;
	u32 i;

	for (i = 0; i < tree->nr_pid_ns && !err; i++)
		err = check_init(ctx, i);
	for (i = 0; i < tree->nr_pids && !err; i++)
		err = check_slot(ctx, i);
	for (i = 0; i < tree->nr_tasks && !err; i++)
		err = check_row(ctx, i);
	return err;
}

/**
 * ckpt_pids_begin - the outermost pid namespace is there
 * @ctx: the context; its tables are checked
 *
 * A container gets one of its own, anything else is restored where the caller
 * lives.
 */
void ckpt_pids_begin(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;

	if (!(tree->flags & CKPT_TREE_CONTAINER) ||
	    (ctx->uflags & RESTART_TASKSELF))
		tree->nss[0].ns = get_pid_ns(task_active_pid_ns(current));
}

/**
 * ckpt_pids_set_tid - numbers for the pid of a new task
 * @tree: the tree
 * @slot: its pid slot
 * @set_tid: room for MAX_PID_NS_LEVEL + 1 of them; the innermost comes first
 *
 * Return: how many there are.
 */
unsigned int ckpt_pids_set_tid(const struct ckpt_tree *tree, u32 slot,
			       pid_t *set_tid)
{
	const struct ckpt_tree_pid *p = &tree->pids[slot];
	u32 level = tree->nss[p->ns].e.level, i;

	for (i = 0; i <= level; i++)
		set_tid[i] = tree->vpids[p->first + level - i];
	return level + 1;
}

/**
 * ckpt_pid_ns_make - make a pid namespace of the image
 * @ctx: the context
 * @i: its index
 *
 * Context: a task that lives in the one that it is inside of; may sleep.
 * Return: 0 or the errno of unshare(2), reported.
 */
int ckpt_pid_ns_make(struct ckpt_ctx *ctx, u32 i)
{
	struct ckpt_tree_pid_ns *row = &ctx->tree->nss[i];
	const struct cred *cred;
	struct nsproxy *old, *new;
	int err;

	if (row->ns)
		return 0;
	cred = ckpt_user_ns_cred(ctx, row->e.user_ns);
	if (IS_ERR(cred))
		return PTR_ERR(cred);
	/* it is made inside of where children would be */
	old = ckpt_enter_pid_ns(task_active_pid_ns(current));
	err = PTR_ERR_OR_ZERO(old);
	if (!err) {
		err = unshare_nsproxy_namespaces(CLONE_NEWPID, &new,
						 (struct cred *)cred, NULL);
		ckpt_leave_pid_ns(old);
	}
	put_cred(cred);
	if (err)
		return ckpt_err(ctx, err, "cannot make a pid namespace: error %d",
				err);
	row->ns = get_pid_ns(new->pid_ns_for_children);
	put_nsproxy(new);
	if (row->e.flags & CKPT_PID_NS_DEAD)
		disable_pid_allocation(row->ns);
	return 0;
}

/**
 * ckpt_enter_pid_ns - let the next child be made in a pid namespace
 * @ns: the pid namespace
 *
 * Nor does the child change its time namespace.
 *
 * Context: process context, may sleep.
 * Return: what ckpt_leave_pid_ns() is to be given, or ERR_PTR(-ENOMEM).
 */
struct nsproxy *ckpt_enter_pid_ns(struct pid_namespace *ns)
{
	struct nsproxy *old = current->nsproxy, *new;

	get_nsproxy(old);
	if (old->pid_ns_for_children == ns &&
	    old->time_ns_for_children == old->time_ns)
		return old;
	new = ckpt_copy_nsproxy();
	if (IS_ERR(new)) {
		put_nsproxy(old);
		return new;
	}
	get_pid_ns(ns);
	put_pid_ns(new->pid_ns_for_children);
	new->pid_ns_for_children = ns;
	get_time_ns(new->time_ns);
	put_time_ns(new->time_ns_for_children);
	new->time_ns_for_children = new->time_ns;
	switch_task_namespaces(current, new);
	return old;
}

/**
 * ckpt_leave_pid_ns - undo ckpt_enter_pid_ns()
 * @old: what that returned
 *
 * Context: process context, may sleep.
 */
void ckpt_leave_pid_ns(struct nsproxy *old)
{
	if (current->nsproxy == old)
		put_nsproxy(old);
	else
		switch_task_namespaces(current, old);
}

/**
 * ckpt_pids_make_lone - make the pids that no task has
 * @ctx: the context; all tasks are made
 *
 * Process groups and sessions whose leader is gone are pids without a task.
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the allocation, reported.
 */
int ckpt_pids_make_lone(struct ckpt_ctx *ctx)
{
	bool chosen = !(ctx->uflags & RESTART_NOPIDS);
	struct ckpt_tree *tree = ctx->tree;
	pid_t nrs[MAX_PID_NS_LEVEL + 1];
	struct ckpt_tree_pid *p;
	unsigned int n;
	struct pid *pid;
	u32 i;

	for (i = 0; i < tree->nr_pids; i++) {
		p = &tree->pids[i];
		if (p->task)
			continue;
		n = chosen ? ckpt_pids_set_tid(tree, i, nrs) : 0;
		pid = alloc_pid(tree->nss[p->ns].ns, chosen ? nrs : NULL, n);
		if (IS_ERR(pid))
			return ckpt_err(ctx, PTR_ERR(pid),
					"pid %u, of a process group or session: error %ld",
					ckpt_pid_nr(tree, i), PTR_ERR(pid));
		p->pid = get_pid(pid);
		p->alone = true;
	}
	return 0;
}

/**
 * ckpt_pids_free_lone - give back the pids that no task was attached to
 * @tree: the tree
 *
 * Context: process context.
 */
void ckpt_pids_free_lone(struct ckpt_tree *tree)
{
	u32 i;

	for (i = 0; i < tree->nr_pids; i++) {
		if (!tree->pids[i].alone)
			continue;
		tree->pids[i].alone = false;
		free_pid(tree->pids[i].pid);
	}
}

/**
 * ckpt_dead_pid_ns - a pid namespace for a pid that no task will have
 * @ctx: the context
 * @index: from the image, not checked yet
 *
 * One that is dead may have had it.
 *
 * Return: the namespace, borrowed, or ERR_PTR(-EINVAL), reported, if there is
 * none, or no pid may have been in it.
 */
struct pid_namespace *ckpt_dead_pid_ns(struct ckpt_ctx *ctx, u32 index)
{
	struct pid_namespace *ns = ckpt_index_pid_ns(ctx, index);
	const struct ckpt_pid_ns_entry *e;

	if (IS_ERR(ns) || !index)
		return ns;
	e = &ctx->tree->nss[index].e;
	if (e->init == CKPT_NO_SLOT && !(e->flags & CKPT_PID_NS_DEAD))
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
					"image: a dead process in pid namespace %u, which had none",
					index));
	return ns;
}

/**
 * ckpt_pids_set_last - let the next pid be the one that would have come
 * @ctx: the context; the tree is complete
 *
 * In the pid namespaces that were made with the tree, that is.
 */
void ckpt_pids_set_last(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	u32 i;

	if (ctx->uflags & RESTART_NOPIDS)
		return;
	for (i = !(tree->flags & CKPT_TREE_CONTAINER); i < tree->nr_pid_ns; i++)
		if (tree->nss[i].e.last_pid)
			idr_set_cursor(&tree->nss[i].ns->idr,
				       tree->nss[i].e.last_pid + 1);
}
