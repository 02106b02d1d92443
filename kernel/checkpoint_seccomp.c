// SPDX-License-Identifier: GPL-2.0
/*
 * seccomp: the filters, each once with the one that it was added to, and the
 * mode of each thread. Included by seccomp.c.
 *
 * A filter is set up when it is read, with the checks that seccomp(2) makes, and
 * installed at the very end: what a restart does is not filtered.
 */

#include <linux/checkpoint.h>

#include "checkpoint.h"

/* -------------------------------------------------------------- filters */

/* As a task has it that the filter is attached to */
static struct seccomp_filter *use_filter(struct seccomp_filter *filter)
{
	if (filter) {
		__get_seccomp_filter(filter);
		refcount_inc(&filter->users);
	}
	return filter;
}

static void filter_grab(void *ptr)
{
	use_filter(ptr);
}

static void filter_drop(void *ptr)
{
	__seccomp_filter_release(ptr);
}

static int filter_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct seccomp_filter *filter = ptr;
	bool listener;

	mutex_lock(&filter->notify_lock);
	listener = filter->notif;
	mutex_unlock(&filter->notify_lock);
	if (listener)
		return ckpt_err(ctx, -ENOSYS, "seccomp filter with a listener (SECCOMP_FILTER_FLAG_NEW_LISTENER): not supported");
	if (!filter->prog->orig_prog)
		return ckpt_err(ctx, -ENOSYS, "seccomp filter whose program is not known: not supported");
	return 0;
}

static int filter_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	const struct seccomp_filter *filter = ptr;
	const struct sock_fprog_kern *prog = filter->prog->orig_prog;
	struct ckpt_hdr_seccomp_filter h = {
		.flags = filter->log ? CKPT_SECCOMP_LOG : 0,
	};
	int ret;

	BUILD_BUG_ON(sizeof(h) + BPF_MAXINSNS * sizeof(h.insns[0]) >
		     CKPT_REC_MAX);
	BUILD_BUG_ON(sizeof(h.insns[0]) != sizeof(prog->filter[0]));

	/* it is there already: see visit_filters() */
	if (filter->prev) {
		ret = ckpt_obj_checkpoint(ctx, filter->prev,
					  CKPT_OBJ_SECCOMP_FILTER);
		if (ret < 0)
			return ret;
		h.prev = ret;
	}
	return ckpt_write_rec_tail(ctx, &h, CKPT_HDR_SECCOMP_FILTER, sizeof(h),
				   prog->filter, bpf_classic_proglen(prog));
}

/* As seccomp_attach_filter() has it */
static bool path_too_long(const struct seccomp_filter *filter,
			  const struct seccomp_filter *prev)
{
	unsigned long total = filter->prog->len;

	for (; prev; prev = prev->prev)
		total += prev->prog->len + 4;
	return total > MAX_INSNS_PER_PATH;
}

static struct seccomp_filter *
make_filter(struct ckpt_ctx *ctx, const struct ckpt_hdr_seccomp_filter *h,
	    unsigned int len)
{
	struct seccomp_filter *filter, *prev = NULL;
	int err;

	if (h->prev) {
		prev = ckpt_obj_fetch(ctx, h->prev, CKPT_OBJ_SECCOMP_FILTER);
		if (IS_ERR(prev))
			return prev;
	}
	filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	if (!filter)
		return ERR_PTR(-ENOMEM);
	filter->prog = ckpt_bpf_prog_create((const struct sock_filter *)h->insns,
					    len, seccomp_check_filter);
	if (IS_ERR(filter->prog)) {
		err = PTR_ERR(filter->prog);
		kfree(filter);
		return ERR_PTR(ckpt_err(ctx, err, "image: seccomp filter of %u instructions: error %d",
					len, err));
	}
	/* all of them, too, as tasks of this tree could have made */
	ctx->seccomp_insns += filter->prog->len;
	if (path_too_long(filter, prev) ||
	    ctx->seccomp_insns > ctx->stats.tasks * MAX_INSNS_PER_PATH) {
		seccomp_filter_free(filter);
		err = ckpt_err(ctx, -EINVAL, "image: seccomp filters of more instructions than a task can have");
		return ERR_PTR(err);
	}
	mutex_init(&filter->notify_lock);
	init_waitqueue_head(&filter->wqh);
	/* those of the table of objects */
	refcount_set(&filter->refs, 1);
	refcount_set(&filter->users, 1);
	filter->log = h->flags & CKPT_SECCOMP_LOG;
	filter->prev = use_filter(prev);
	seccomp_cache_prepare(filter);
	return filter;
}

static void *filter_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_seccomp_filter *h;
	struct seccomp_filter *filter;
	size_t size;

	h = ckpt_read_rec(ctx, CKPT_HDR_SECCOMP_FILTER,
			  struct_size(h, insns, 1),
			  struct_size(h, insns, BPF_MAXINSNS));
	if (IS_ERR(h))
		return h;
	size = h->h.len - sizeof(*h);
	if (size % sizeof(h->insns[0]) || (h->flags & ~CKPT_SECCOMP_LOG))
		filter = ERR_PTR(ckpt_err(ctx, -EINVAL, "image: seccomp filter: %zu bytes, flags %#x",
					  size, h->flags));
	else
		filter = make_filter(ctx, h, size / sizeof(h->insns[0]));
	kvfree(h);
	return filter;
}

/* One that a task outside has, too, as who started a container, is no leak. */
const struct ckpt_obj_ops ckpt_seccomp_filter_obj_ops = {
	.name		= "seccomp filter",
	.grab		= filter_grab,
	.drop		= filter_drop,
	.collect	= filter_collect,
	.checkpoint	= filter_checkpoint,
	.restore	= filter_restore,
};

/* ----------------------------------------------------------------- task */

/*
 * All filters of a task, the oldest first: each names the one before it, so
 * that objects do not nest as deep as there are filters.
 */
static int visit_filters(struct ckpt_ctx *ctx, struct seccomp_filter *last,
			 int (*fn)(struct ckpt_ctx *ctx, void *ptr,
				   enum ckpt_obj_type type))
{
	struct seccomp_filter *filter, **all;
	unsigned int nr = 0, i;
	int ret = 0;

	for (filter = last; filter; filter = filter->prev)
		nr++;
	all = kvmalloc_array(nr, sizeof(*all), GFP_KERNEL_ACCOUNT);
	if (!all)
		return -ENOMEM;
	i = nr;
	for (filter = last; filter; filter = filter->prev)
		all[--i] = filter;
	for (i = 0; i < nr && ret >= 0; i++)
		ret = fn(ctx, all[i], CKPT_OBJ_SECCOMP_FILTER);
	kvfree(all);
	return ret;
}

/* They stay, and all before them, as long as the task is parked. */
static struct seccomp_filter *filter_of(struct task_struct *t)
{
	struct sighand_struct *sighand = ckpt_sighand(t);
	struct seccomp_filter *filter;

	spin_lock_irq(&sighand->siglock);
	filter = t->seccomp.filter;
	spin_unlock_irq(&sighand->siglock);
	return filter;
}

static int seccomp_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	if (t->seccomp.mode > SECCOMP_MODE_FILTER)
		return ckpt_err(ctx, -EBUSY, "is being killed");
	if (t->seccomp.mode != SECCOMP_MODE_FILTER)
		return 0;
	return visit_filters(ctx, filter_of(t), ckpt_obj_collect);
}

static int seccomp_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_task_seccomp h = { .mode = t->seccomp.mode };
	int ret;

	if (h.mode == SECCOMP_MODE_FILTER) {
		ret = visit_filters(ctx, filter_of(t), ckpt_obj_checkpoint);
		if (ret < 0)
			return ret;
		h.filter = ret;
	}
	return ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_SECCOMP, sizeof(h));
}

/**
 * struct seccomp_defer - what is put aside until commit
 * @mode: SECCOMP_MODE_*
 * @filter: the last filter, as a task has it, or NULL
 */
struct seccomp_defer {
	int mode;
	struct seccomp_filter *filter;
};

static int seccomp_restore(struct ckpt_ctx *ctx)
{
	struct seccomp_filter *filter = NULL;
	struct ckpt_hdr_task_seccomp h;
	struct seccomp_defer *d;
	bool filtered;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TASK_SECCOMP, sizeof(h));
	if (err)
		return err;
	if (current->seccomp.mode != SECCOMP_MODE_DISABLED)
		return ckpt_err(ctx, -EPERM, "the caller of restart has seccomp, which a restored task would inherit");
	filtered = h.mode == SECCOMP_MODE_FILTER;
	if (h.mode > SECCOMP_MODE_FILTER || filtered != !!h.filter)
		return ckpt_err(ctx, -EINVAL, "image: seccomp mode %u, filter %u",
				h.mode, h.filter);
	if (h.mode == SECCOMP_MODE_DISABLED)
		return 0;
	if (h.filter) {
		/* as seccomp(2) by whoever has the credentials */
		if (!ckpt_new_no_new_privs() &&
		    !ns_capable(ckpt_new_cred()->user_ns, CAP_SYS_ADMIN))
			return ckpt_err(ctx, -EPERM, "seccomp filter: takes no_new_privs, or CAP_SYS_ADMIN in the user namespace of the task");
		filter = ckpt_obj_fetch(ctx, h.filter, CKPT_OBJ_SECCOMP_FILTER);
		if (IS_ERR(filter))
			return PTR_ERR(filter);
	}
	d = ckpt_task_defer(ctx, CKPT_STATE_SECCOMP, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->mode = h.mode;
	d->filter = use_filter(filter);
	return 0;
}

static void seccomp_commit(void *defer)
{
	struct seccomp_defer *d = defer;
	const struct seccomp_filter *filter;
	int nr = 0;

	for (filter = d->filter; filter; filter = filter->prev)
		nr++;
	spin_lock_irq(&ckpt_sighand(current)->siglock);
	current->seccomp.filter = d->filter;
	d->filter = NULL;
	atomic_set(&current->seccomp.filter_count, nr);
	seccomp_assign_mode(current, d->mode, 0);
	spin_unlock_irq(&ckpt_sighand(current)->siglock);
}

static void seccomp_discard(void *defer)
{
	struct seccomp_defer *d = defer;

	__seccomp_filter_release(d->filter);
}

/**
 * ckpt_seccomp_recheck - ask the filters of a call that its tracer was told of
 *
 * As __seccomp_filter() does it after the stop of PTRACE_EVENT_SECCOMP, since
 * the tracer may have changed the call: there is no second such stop.
 *
 * Context: current, at the boundary of user mode, may sleep.
 * Return: true if the call is to be made.
 */
bool ckpt_seccomp_recheck(void)
{
	int nr = syscall_get_nr(current, current_pt_regs());

	if (nr < 0)
		return false;
	if (IS_ENABLED(CONFIG_CHECKPOINT_RESTORE) &&
	    (current->ptrace & PT_SUSPEND_SECCOMP))
		return true;
	return current->seccomp.mode != SECCOMP_MODE_FILTER ||
	       !__seccomp_filter(nr, NULL, true);
}

const struct ckpt_task_ops ckpt_seccomp_task_ops = {
	.name		= "seccomp",
	.collect	= seccomp_collect,
	.checkpoint	= seccomp_checkpoint,
	.restore	= seccomp_restore,
	.commit		= seccomp_commit,
	.discard	= seccomp_discard,
};
