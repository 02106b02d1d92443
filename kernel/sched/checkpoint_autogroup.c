// SPDX-License-Identifier: GPL-2.0
/*
 * Autogroups: which processes share one, and its nice value. Included by
 * autogroup.c.
 *
 * One that processes outside of the tree are in, too, or that is the default,
 * which nobody has left by setsid(2), is not saved: a restored process is in
 * that of the caller of restart then, as any of its children.
 */

#include <linux/checkpoint_types.h>

/* Bits of ckpt_obj_mark(): is it that of processes outside, too? */
#define AUTOGROUP_INSIDE	0x1
#define AUTOGROUP_OUTSIDE	0x2

static void autogroup_obj_grab(void *ptr)
{
	autogroup_kref_get(ptr);
}

static void autogroup_obj_drop(void *ptr)
{
	autogroup_kref_put(ptr);
}

static int autogroup_obj_users(void *ptr)
{
	struct autogroup *ag = ptr;

	return kref_read(&ag->kref);
}

static int autogroup_obj_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct ckpt_hdr_autogroup h = {};
	struct autogroup *ag = ptr;

	down_read(&ag->lock);
	h.nice = ag->nice;
	up_read(&ag->lock);
	return ckpt_write_rec(ctx, &h, CKPT_HDR_AUTOGROUP, sizeof(h));
}

/* As a write to /proc/PID/autogroup, and as often as that is allowed */
static int autogroup_set_nice(struct autogroup *ag, int nice)
{
	int err, idx = array_index_nospec(nice - MIN_NICE, NICE_WIDTH);

	err = security_task_setnice(current, nice);
	if (err)
		return err;
	if (nice < 0 && !can_nice(current, nice))
		return -EPERM;
	/* it takes locks of the whole machine */
	if (!capable(CAP_SYS_ADMIN) && schedule_timeout_killable(HZ / 10))
		return -EINTR;
	down_write(&ag->lock);
	err = sched_group_set_shares(ag->tg,
				     scale_load(sched_prio_to_weight[idx]));
	if (!err)
		ag->nice = nice;
	up_write(&ag->lock);
	return err;
}

static void *autogroup_obj_restore(struct ckpt_ctx *ctx)
{
	struct autogroup *ag;
	int err, nice;

	err = ckpt_autogroup_read(ctx, &nice);
	if (err)
		return ERR_PTR(err);
	ag = autogroup_create();
	/* this is what it returns instead */
	if (ag == &autogroup_default)
		err = -ENOMEM;
	else if (nice)
		err = autogroup_set_nice(ag, nice);
	if (!err)
		return ag;
	autogroup_kref_put(ag);
	return ERR_PTR(ckpt_err(ctx, err, "autogroup with nice %d: you may not set it, or it cannot be had here: error %d",
				nice, err));
}

const struct ckpt_obj_ops ckpt_autogroup_obj_ops = {
	.name		= "autogroup",
	.outside_ok	= true,
	.grab		= autogroup_obj_grab,
	.drop		= autogroup_obj_drop,
	.users		= autogroup_obj_users,
	.checkpoint	= autogroup_obj_checkpoint,
	.restore	= autogroup_obj_restore,
};

/**
 * ckpt_autogroup_collect - count the autogroup of a process
 * @ctx: the context
 * @t: a thread of it, or a zombie: its leader counts
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_autogroup_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct autogroup *ag;
	int err = 0;

	if (!thread_group_leader(t))
		return 0;
	ag = autogroup_task_get(t);
	if (task_group_is_autogroup(ag->tg))
		err = ckpt_obj_collect(ctx, ag, CKPT_OBJ_AUTOGROUP);
	autogroup_kref_put(ag);
	return err;
}

/*
 * Is a process outside of the tree in an autogroup? The count does not tell:
 * what is dead gives its reference back late.
 */
static bool autogroup_has_others(struct ckpt_ctx *ctx,
				 const struct autogroup *ag)
{
	struct task_struct *p;
	bool found = false;

	rcu_read_lock();
	for_each_process(p) {
		struct pid *pid = task_pid(p);

		if (READ_ONCE(p->signal->autogroup) != ag || !pid ||
		    (p->exit_state && thread_group_empty(p)))
			continue;
		found = ckpt_pid_slot(ctx, pid) < 0;
		if (found)
			break;
	}
	rcu_read_unlock();
	return found;
}

static bool autogroup_is_outside(struct ckpt_ctx *ctx, struct autogroup *ag)
{
	u32 mark = ckpt_obj_mark(ctx, ag, CKPT_OBJ_AUTOGROUP, 0);

	if (!mark) {
		mark = AUTOGROUP_INSIDE;
		if (ckpt_obj_outside(ctx, ag, CKPT_OBJ_AUTOGROUP) &&
		    autogroup_has_others(ctx, ag))
			mark = AUTOGROUP_OUTSIDE;
		ckpt_obj_mark(ctx, ag, CKPT_OBJ_AUTOGROUP, mark);
	}
	return mark & AUTOGROUP_OUTSIDE;
}

/**
 * ckpt_autogroup_checkpoint - write the autogroup of a process
 * @ctx: the context
 * @t: a thread of it: its leader has it
 *
 * Context: process context, may sleep.
 * Return: its objref, 0 if it is that of the outside, or a negative errno.
 */
int ckpt_autogroup_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct autogroup *ag;
	int ret = 0;

	if (!thread_group_leader(t))
		return 0;
	ag = autogroup_task_get(t);
	if (task_group_is_autogroup(ag->tg) && !autogroup_is_outside(ctx, ag))
		ret = ckpt_obj_checkpoint(ctx, ag, CKPT_OBJ_AUTOGROUP);
	autogroup_kref_put(ag);
	return ret;
}

/**
 * ckpt_autogroup_fetch - find the autogroup that the current process is to have
 * @ctx: the context
 * @objref: from the image, 0 for that of the caller of restart
 * @ag: set to it, with a reference, or to NULL
 *
 * Context: the restoring task.
 * Return: 0 or -EINVAL.
 */
int ckpt_autogroup_fetch(struct ckpt_ctx *ctx, u32 objref,
			 struct autogroup **ag)
{
	void *ptr;

	*ag = NULL;
	if (!objref)
		return 0;
	ptr = ckpt_obj_fetch(ctx, objref, CKPT_OBJ_AUTOGROUP);
	if (IS_ERR(ptr))
		return PTR_ERR(ptr);
	*ag = autogroup_kref_get(ptr);
	return 0;
}

/**
 * ckpt_autogroup_set - move the current process to an autogroup
 * @ag: what ckpt_autogroup_fetch() has found
 *
 * Context: process context.
 */
void ckpt_autogroup_set(struct autogroup *ag)
{
	if (ag)
		autogroup_move_group(current, ag);
}

/**
 * ckpt_autogroup_put - put the reference that ckpt_autogroup_fetch() took
 * @ag: what it has found
 *
 * Context: process context.
 */
void ckpt_autogroup_put(struct autogroup *ag)
{
	if (ag)
		autogroup_kref_put(ag);
}
