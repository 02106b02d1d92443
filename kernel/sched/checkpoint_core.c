// SPDX-License-Identifier: GPL-2.0
/*
 * Core scheduling: which tasks have the same cookie, so that they may run on
 * one core at the same time. Included by core_sched.c.
 *
 * There is no more to a cookie than who has it, zombies included. It is made
 * when it is read, and given to the tasks at the very end.
 */

#include <linux/checkpoint_types.h>

static void core_cookie_grab(void *ptr)
{
	sched_core_get_cookie((unsigned long)ptr);
}

static void core_cookie_drop(void *ptr)
{
	sched_core_put_cookie((unsigned long)ptr);
}

static int core_cookie_users(void *ptr)
{
	struct sched_core_cookie *ck = ptr;

	return refcount_read(&ck->refcnt);
}

static int core_cookie_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct ckpt_hdr_core_cookie h = {};

	return ckpt_write_rec(ctx, &h, CKPT_HDR_CORE_COOKIE, sizeof(h));
}

static void *core_cookie_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_core_cookie h;
	unsigned long cookie;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_CORE_COOKIE, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (h.reserved)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: core scheduling cookie: unknown state %#llx",
					h.reserved));
	/* as PR_SCHED_CORE_CREATE */
	if (!static_branch_likely(&sched_smt_present))
		err = ckpt_err(ctx, -ENODEV, "core scheduling cookie: no core of this machine has threads");
	if (err)
		return ERR_PTR(err);
	cookie = sched_core_alloc_cookie();
	return cookie ? (void *)cookie : ERR_PTR(-ENOMEM);
}

const struct ckpt_obj_ops ckpt_core_cookie_obj_ops = {
	.name		= "core scheduling cookie",
	.subtree_ok	= true,
	.grab		= core_cookie_grab,
	.drop		= core_cookie_drop,
	.users		= core_cookie_users,
	.checkpoint	= core_cookie_checkpoint,
	.restore	= core_cookie_restore,
};

/**
 * ckpt_core_collect - count the cookie of a task
 * @ctx: the context
 * @t: the task, or a zombie
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_core_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	/* others may give it another one */
	unsigned long cookie = sched_core_clone_cookie(t);
	int err = 0;

	if (cookie)
		err = ckpt_obj_collect(ctx, (void *)cookie,
				       CKPT_OBJ_CORE_COOKIE);
	sched_core_put_cookie(cookie);
	return err;
}

/**
 * ckpt_core_checkpoint - write the cookie of a task
 * @ctx: the context
 * @t: the task
 *
 * Context: process context, may sleep.
 * Return: its objref, 0 if it has none, or a negative errno.
 */
int ckpt_core_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	unsigned long cookie = sched_core_clone_cookie(t);
	int ret = 0;

	if (cookie)
		ret = ckpt_obj_checkpoint(ctx, (void *)cookie,
					  CKPT_OBJ_CORE_COOKIE);
	sched_core_put_cookie(cookie);
	return ret;
}

/**
 * ckpt_core_fetch - find the cookie that the current task is to have
 * @ctx: the context
 * @objref: from the image, 0 for none
 * @cookie: set to it, with a reference, or to 0
 *
 * Context: the restoring task.
 * Return: 0, -EINVAL, or -EPERM if the caller of restart has one: who has been
 * separated from others remains so.
 */
int ckpt_core_fetch(struct ckpt_ctx *ctx, u32 objref, unsigned long *cookie)
{
	void *ptr;

	*cookie = 0;
	if (!objref) {
		if (READ_ONCE(current->core_cookie))
			return ckpt_err(ctx, -EPERM, "the caller of restart has a core scheduling cookie, which a restored task would inherit");
		return 0;
	}
	ptr = ckpt_obj_fetch(ctx, objref, CKPT_OBJ_CORE_COOKIE);
	if (IS_ERR(ptr))
		return PTR_ERR(ptr);
	*cookie = sched_core_get_cookie((unsigned long)ptr);
	return 0;
}

/**
 * ckpt_core_set - give a cookie to the current task
 * @cookie: what ckpt_core_fetch() has found
 *
 * Context: process context.
 */
void ckpt_core_set(unsigned long cookie)
{
	if (cookie)
		__sched_core_set(current, cookie);
}

/**
 * ckpt_core_put - put the reference that ckpt_core_fetch() took
 * @cookie: what it has found
 *
 * Context: any.
 */
void ckpt_core_put(unsigned long cookie)
{
	sched_core_put_cookie(cookie);
}
