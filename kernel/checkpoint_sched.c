// SPDX-License-Identifier: GPL-2.0
/*
 * Scheduling of a thread: policy, priorities, utilization clamps, CPUs, core
 * scheduling cookie, timer slack, I/O priority; and the autogroup of a process.
 *
 * A restored task is scheduled as the caller of restart is until it enters
 * user mode. That it may be scheduled as it was is found out before, by doing
 * it and going back, so that nothing can fail at the end.
 */

#include <linux/bitmap.h>
#include <linux/checkpoint_types.h>
#include <linux/cpumask.h>
#include <linux/iocontext.h>
#include <linux/ioprio.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/deadline.h>
#include <linux/sched/prio.h>
#include <linux/sched/rt.h>
#include <linux/sched/task.h>
#include <uapi/linux/sched/types.h>

/* More CPUs than any kernel has */
#define CKPT_CPUS_MAX	65536

static bool known_policy(u32 policy)
{
	switch (policy) {
	case SCHED_NORMAL:
	case SCHED_FIFO:
	case SCHED_RR:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return true;
	default:
		return false;
	}
}

static bool is_fair(u32 policy)
{
	return policy == SCHED_NORMAL || policy == SCHED_BATCH ||
	       policy == SCHED_IDLE;
}

static int sched_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	bool shared = false;

	if (!known_policy(t->policy))
		return ckpt_err(ctx, -ENOSYS, "scheduling policy %u: not supported",
				t->policy);
#ifdef CONFIG_BLOCK
	task_lock(t);
	shared = t->io_context && atomic_read(&t->io_context->active_ref) > 1;
	task_unlock(t);
#endif
	if (shared)
		return ckpt_err(ctx, -ENOSYS, "I/O context shared with another task (CLONE_IO): not supported");
	return ckpt_core_collect(ctx, t) ?: ckpt_autogroup_collect(ctx, t);
}

/* --------------------------------------------------------- checkpoint */

static u32 get_ioprio(struct task_struct *t)
{
	u32 ioprio = 0;

#ifdef CONFIG_BLOCK
	task_lock(t);
	if (t->io_context)
		ioprio = t->io_context->ioprio;
	task_unlock(t);
#endif
	return ioprio;
}

/* Words of a bitmap in the image */
static size_t cpu_words(u32 nr_cpus)
{
	return DIV_ROUND_UP(nr_cpus, 64);
}

static u64 word_ones(u32 nr_cpus, size_t word)
{
	u32 left = nr_cpus - word * 64;

	return left >= 64 ? ~0ULL : GENMASK_ULL(left - 1, 0);
}

/*
 * What sched_setaffinity(2) asked for: what cpusets and hotplug leave of it
 * belongs to where the task runs.
 */
static void get_cpus(struct task_struct *t, struct ckpt_hdr_task_sched *h)
{
	unsigned long flags;
	size_t i;

	raw_spin_lock_irqsave(&t->pi_lock, flags);
	if (t->user_cpus_ptr &&
	    !cpumask_subset(cpu_possible_mask, t->user_cpus_ptr))
		bitmap_to_arr64(h->cpus, cpumask_bits(t->user_cpus_ptr),
				nr_cpu_ids);
	else
		for (i = 0; i < cpu_words(nr_cpu_ids); i++)
			h->cpus[i] = word_ones(nr_cpu_ids, i);
	raw_spin_unlock_irqrestore(&t->pi_lock, flags);
	h->nr_cpus = nr_cpu_ids;
}

/* A utilization clamp that was set by sched_setattr(2), or this */
#define CKPT_CLAMP_NONE	-1

static s32 clamp_get(const struct task_struct *t, bool max)
{
#ifdef CONFIG_UCLAMP_TASK
	struct uclamp_se se = t->uclamp_req[max ? UCLAMP_MAX : UCLAMP_MIN];

	if (se.user_defined)
		return se.value;
#endif
	return CKPT_CLAMP_NONE;
}

/**
 * struct sched_params - what to give to sched_setattr(2), one after the other
 * @fair: policy and nice; a real-time task keeps its nice from here
 * @other: policy of a real-time or deadline task; not used if its size is 0
 * @util_min: utilization clamp, or CKPT_CLAMP_NONE
 * @util_max: see @util_min
 */
struct sched_params {
	struct sched_attr fair;
	struct sched_attr other;
	s32 util_min;
	s32 util_max;
};

static void params_get(const struct task_struct *t, struct sched_params *p)
{
	struct sched_attr *last = &p->fair;

	*p = (struct sched_params) {
		.fair.size = sizeof(p->fair),
		.fair.sched_policy = SCHED_NORMAL,
		.fair.sched_nice = task_nice(t),
		.fair.sched_runtime = t->se.custom_slice ? t->se.slice : 0,
		.util_min = clamp_get(t, false),
		.util_max = clamp_get(t, true),
	};
	if (is_fair(t->policy)) {
		p->fair.sched_policy = t->policy;
	} else {
		last = &p->other;
		last->size = sizeof(*last);
		last->sched_policy = t->policy;
		last->sched_priority = t->rt_priority;
	}
	if (t->policy == SCHED_DEADLINE) {
		last->sched_flags = t->dl.flags & (SCHED_FLAG_RECLAIM |
						   SCHED_FLAG_DL_OVERRUN);
		last->sched_runtime = t->dl.dl_runtime;
		last->sched_deadline = t->dl.dl_deadline;
		last->sched_period = t->dl.dl_period;
	}
	if (t->sched_reset_on_fork)
		last->sched_flags |= SCHED_FLAG_RESET_ON_FORK;
}

static void params_save(const struct sched_params *p,
			struct ckpt_hdr_task_sched *h)
{
	const struct sched_attr *last = p->other.size ? &p->other : &p->fair;

	h->policy = last->sched_policy;
	h->nice = p->fair.sched_nice;
	h->slice_ns = p->fair.sched_runtime;
	h->rt_priority = p->other.sched_priority;
	h->dl_runtime = p->other.sched_runtime;
	h->dl_deadline = p->other.sched_deadline;
	h->dl_period = p->other.sched_period;
	h->util_min = p->util_min;
	h->util_max = p->util_max;
	if (last->sched_flags & SCHED_FLAG_RESET_ON_FORK)
		h->flags |= CKPT_SCHED_RESET_ON_FORK;
	if (last->sched_flags & SCHED_FLAG_RECLAIM)
		h->flags |= CKPT_SCHED_RECLAIM;
	if (last->sched_flags & SCHED_FLAG_DL_OVERRUN)
		h->flags |= CKPT_SCHED_DL_OVERRUN;
}

static int sched_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_task_sched *h;
	struct sched_params p;
	int cookie, autogroup;
	size_t size;

	/* of a dead leader its own, which was counted */
	cookie = ckpt_core_checkpoint(ctx, ctx->saved);
	if (cookie < 0)
		return cookie;
	autogroup = ckpt_autogroup_checkpoint(ctx, ctx->saved);
	if (autogroup < 0)
		return autogroup;
	size = struct_size(h, cpus, cpu_words(nr_cpu_ids));
	h = ckpt_scratch(ctx, size);
	if (!h)
		return -ENOMEM;
	memset(h, 0, size);
	h->cookie = cookie;
	h->autogroup = autogroup;
	params_get(t, &p);
	/* a dead leader runs no more, and bandwidth is granted once */
	if (ckpt_stands_in(ctx, t))
		p = (struct sched_params) {
			.fair.sched_policy = SCHED_NORMAL,
			.util_min = CKPT_CLAMP_NONE,
			.util_max = CKPT_CLAMP_NONE,
		};
	params_save(&p, h);
	get_cpus(t, h);
	h->timer_slack_ns = t->timer_slack_ns;
	h->default_timer_slack_ns = t->default_timer_slack_ns;
	h->ioprio = get_ioprio(t);
	return ckpt_write_rec(ctx, h, CKPT_HDR_TASK_SCHED, size);
}

/* ------------------------------------------------------------ restart */

/* As sched_setattr(2) checks it */
static bool clamps_ok(const struct ckpt_hdr_task_sched *h)
{
	return h->util_min >= CKPT_CLAMP_NONE &&
	       h->util_min <= SCHED_CAPACITY_SCALE &&
	       h->util_max >= CKPT_CLAMP_NONE &&
	       h->util_max <= SCHED_CAPACITY_SCALE &&
	       (h->util_max == CKPT_CLAMP_NONE || h->util_min <= h->util_max);
}

static int check_sched(struct ckpt_ctx *ctx,
		       const struct ckpt_hdr_task_sched *h)
{
	u32 dl_flags = CKPT_SCHED_RECLAIM | CKPT_SCHED_DL_OVERRUN;
	bool deadline = h->policy == SCHED_DEADLINE;

	if (!known_policy(h->policy) ||
	    (h->flags & ~(CKPT_SCHED_RESET_ON_FORK | dl_flags)) ||
	    h->nice < MIN_NICE || h->nice > MAX_NICE ||
	    (is_fair(h->policy) && h->rt_priority) ||
	    (!deadline && ((h->flags & dl_flags) || h->dl_runtime ||
			   h->dl_deadline || h->dl_period)))
		return ckpt_err(ctx, -EINVAL, "image: scheduling: policy %u, flags %#x, nice %d, priority %u",
				h->policy, h->flags, h->nice, h->rt_priority);
	if (h->autogroup && !thread_group_leader(current))
		return ckpt_err(ctx, -EINVAL, "image: scheduling: autogroup %u of a thread",
				h->autogroup);
	if (!clamps_ok(h))
		return ckpt_err(ctx, -EINVAL, "image: utilization clamps %d and %d",
				h->util_min, h->util_max);
	if (!IS_ENABLED(CONFIG_UCLAMP_TASK) &&
	    (h->util_min != CKPT_CLAMP_NONE || h->util_max != CKPT_CLAMP_NONE))
		return ckpt_err(ctx, -EINVAL, "utilization clamp: this kernel has none");
	if (!h->nr_cpus || h->nr_cpus > CKPT_CPUS_MAX ||
	    h->h.len != struct_size(h, cpus, cpu_words(h->nr_cpus)))
		return ckpt_err(ctx, -EINVAL, "image: scheduling: %u CPUs in %u bytes",
				h->nr_cpus, h->h.len);
	return 0;
}

/* Returns 1 if the task may use any CPU, 0 if not. */
static int any_cpu(struct ckpt_ctx *ctx, const struct ckpt_hdr_task_sched *h)
{
	bool any = true;
	size_t i;

	for (i = 0; i < cpu_words(h->nr_cpus); i++) {
		u64 ones = word_ones(h->nr_cpus, i);

		if (h->cpus[i] & ~ones)
			return ckpt_err(ctx, -EINVAL, "image: scheduling: a CPU above %u",
					h->nr_cpus);
		any &= h->cpus[i] == ones;
	}
	return any;
}

static int set_cpus(struct ckpt_ctx *ctx, const struct ckpt_hdr_task_sched *h)
{
	cpumask_var_t mask;
	int any, err;

	any = any_cpu(ctx, h);
	if (any < 0)
		return any;
	if (any && !current->user_cpus_ptr)
		return 0;

	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	if (any)
		cpumask_copy(mask, cpu_possible_mask);
	else
		bitmap_from_arr64(cpumask_bits(mask), h->cpus,
				  min(h->nr_cpus, nr_cpu_ids));
	err = sched_setaffinity(0, mask);
	free_cpumask_var(mask);
	if (err)
		return ckpt_err(ctx, err, "scheduling: none of the CPUs that it may use can be used here: error %d",
				err);
	return 0;
}

static int set_ioprio(struct ckpt_ctx *ctx, u32 ioprio)
{
	int err;

	if (ioprio == get_ioprio(current))
		return 0;
	err = ioprio > U16_MAX ? -EINVAL : ioprio_check_cap(ioprio);
	if (!err)
		err = set_task_ioprio(current, ioprio);
	if (err)
		return ckpt_err(ctx, err, "I/O priority %#x: cannot be set: error %d",
				ioprio, err);
	return 0;
}

static void params_load(struct sched_params *p,
			const struct ckpt_hdr_task_sched *h)
{
	struct sched_attr *last = &p->fair;

	*p = (struct sched_params) {
		.fair.size = sizeof(p->fair),
		.fair.sched_policy = SCHED_NORMAL,
		.fair.sched_nice = h->nice,
		.fair.sched_runtime = h->slice_ns,
		.util_min = h->util_min,
		.util_max = h->util_max,
	};
	if (!is_fair(h->policy)) {
		last = &p->other;
		last->size = sizeof(*last);
		last->sched_priority = h->rt_priority;
		last->sched_runtime = h->dl_runtime;
		last->sched_deadline = h->dl_deadline;
		last->sched_period = h->dl_period;
	}
	last->sched_policy = h->policy;
	if (h->flags & CKPT_SCHED_RESET_ON_FORK)
		last->sched_flags |= SCHED_FLAG_RESET_ON_FORK;
	if (h->flags & CKPT_SCHED_RECLAIM)
		last->sched_flags |= SCHED_FLAG_RECLAIM;
	if (h->flags & CKPT_SCHED_DL_OVERRUN)
		last->sched_flags |= SCHED_FLAG_DL_OVERRUN;
}

/*
 * Clamps that are to be as they are when nothing was set need not be told: the
 * scheduler begins to look at clamps with the first one that is.
 */
static void clamps_put(const struct sched_params *p, struct sched_attr *attr)
{
	if (p->util_min == clamp_get(current, false) &&
	    p->util_max == clamp_get(current, true))
		return;
	attr->sched_flags |= SCHED_FLAG_UTIL_CLAMP;
	attr->sched_util_min = p->util_min;
	attr->sched_util_max = p->util_max;
}

static int params_set(const struct sched_params *p, bool check)
{
	int (*set)(struct task_struct *t, const struct sched_attr *attr);
	struct sched_attr last = p->other.size ? p->other : p->fair;
	int err = 0;

	set = check ? sched_setattr : sched_setattr_nocheck;
	clamps_put(p, &last);
	if (p->other.size)
		err = set(current, &p->fair);
	return err ?: set(current, &last);
}

static bool is_deadline(const struct sched_params *p)
{
	return p->other.size && p->other.sched_policy == SCHED_DEADLINE;
}

/*
 * Set it, with the checks of sched_setattr(2), and go back. Only a deadline
 * task stays one, since the bandwidth that it was granted could be gone
 * later; its threads do not inherit that.
 */
static int params_try(struct ckpt_ctx *ctx, const struct sched_params *p)
{
	struct sched_params old, try = *p;
	int err;

	params_get(current, &old);
	if (is_deadline(p))
		try.other.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
	err = params_set(&try, true);
	if (err || !is_deadline(p))
		params_set(&old, false);
	if (err)
		return ckpt_err(ctx, err, "scheduling: nice %d, policy %u: you may not set it, or it cannot be had here: error %d",
				p->fair.sched_nice, p->other.size ?
				p->other.sched_policy : p->fair.sched_policy,
				err);
	return 0;
}

/**
 * struct sched_defer - what is put aside until commit
 * @params: policy and priority
 * @timer_slack_ns: current timer slack
 * @default_timer_slack_ns: and default
 * @cookie: core scheduling cookie, referenced, or 0
 * @autogroup: that of the process, referenced, or NULL to leave it as it is
 */
struct sched_defer {
	struct sched_params params;
	unsigned long cookie;
	struct autogroup *autogroup;
	u64 timer_slack_ns;
	u64 default_timer_slack_ns;
};

static int sched_restore_rec(struct ckpt_ctx *ctx,
			     const struct ckpt_hdr_task_sched *h)
{
	struct sched_defer *d;
	int err;

	err = check_sched(ctx, h);
	if (err)
		return err;
	err = set_cpus(ctx, h);
	if (!err)
		err = set_ioprio(ctx, h->ioprio);
	if (err)
		return err;

	d = ckpt_task_defer(ctx, CKPT_STATE_SCHED, sizeof(*d));
	if (!d)
		return -ENOMEM;
	params_load(&d->params, h);
	d->timer_slack_ns = h->timer_slack_ns;
	d->default_timer_slack_ns = h->default_timer_slack_ns;
	err = ckpt_core_fetch(ctx, h->cookie, &d->cookie);
	if (!err)
		err = ckpt_autogroup_fetch(ctx, h->autogroup, &d->autogroup);
	return err ?: params_try(ctx, &d->params);
}

static int sched_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_sched *h;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_TASK_SCHED, sizeof(*h),
			  struct_size(h, cpus, cpu_words(CKPT_CPUS_MAX)));
	if (IS_ERR(h))
		return PTR_ERR(h);
	err = sched_restore_rec(ctx, h);
	kvfree(h);
	return err;
}

static void sched_commit(void *defer)
{
	const struct sched_defer *d = defer;
	const struct sched_params *p = &d->params;

	/* one that is a deadline task now only gets its flags */
	if (is_deadline(p))
		WARN_ON_ONCE(sched_setattr_nocheck(current, &p->other));
	else
		WARN_ON_ONCE(params_set(p, false));

	ckpt_core_set(d->cookie);
	ckpt_autogroup_set(d->autogroup);
	/* the policy sets the slack, too */
	current->timer_slack_ns = d->timer_slack_ns;
	current->default_timer_slack_ns = d->default_timer_slack_ns;
}

static void sched_discard(void *defer)
{
	const struct sched_defer *d = defer;

	ckpt_core_put(d->cookie);
	ckpt_autogroup_put(d->autogroup);
}

const struct ckpt_task_ops ckpt_sched_task_ops = {
	.name		= "scheduling",
	.collect	= sched_collect,
	.checkpoint	= sched_checkpoint,
	.restore	= sched_restore,
	.commit		= sched_commit,
	.discard	= sched_discard,
};

/* ---------------------------------------------------------- autogroups */

/**
 * ckpt_autogroup_read - read the record of an autogroup
 * @ctx: the context
 * @nice: set to its nice value
 *
 * There may be no more of them than the processes of the tree could make.
 *
 * Context: the restoring task, may sleep.
 * Return: 0, -EINVAL for a malformed image, or the errno of the read.
 */
int ckpt_autogroup_read(struct ckpt_ctx *ctx, int *nice)
{
	struct ckpt_hdr_autogroup h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_AUTOGROUP, sizeof(h));
	if (err)
		return err;
	if (h.nice < MIN_NICE || h.nice > MAX_NICE || h.reserved)
		return ckpt_err(ctx, -EINVAL, "image: autogroup: nice %d, unknown state %#x",
				h.nice, h.reserved);
	if (++ctx->autogroups > ctx->stats.tasks)
		return ckpt_err(ctx, -EINVAL, "image: more autogroups than the %llu tasks of the tree",
				ctx->stats.tasks);
	*nice = h.nice;
	return 0;
}

#if !defined(CONFIG_SCHED_CORE) || !defined(CONFIG_SCHED_AUTOGROUP)
/* There is none here, and none is ever met. */
static int none_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	return -EINVAL;
}
#endif

#ifndef CONFIG_SCHED_AUTOGROUP
/* One that has no nice value only says who shares it: that is not kept. */
static void *no_autogroup_restore(struct ckpt_ctx *ctx)
{
	int err, nice;

	err = ckpt_autogroup_read(ctx, &nice);
	if (!err && nice)
		err = ckpt_err(ctx, -EINVAL, "autogroup with nice %d: this kernel has none",
			       nice);
	return ERR_PTR(err);
}

const struct ckpt_obj_ops ckpt_autogroup_obj_ops = {
	.name		= "autogroup",
	.checkpoint	= none_checkpoint,
	.restore	= no_autogroup_restore,
};
#endif

#ifndef CONFIG_SCHED_CORE
static void *no_cookie_restore(struct ckpt_ctx *ctx)
{
	return ERR_PTR(ckpt_err(ctx, -ENODEV, "core scheduling cookie: this kernel has none"));
}

const struct ckpt_obj_ops ckpt_core_cookie_obj_ops = {
	.name		= "core scheduling cookie",
	.checkpoint	= none_checkpoint,
	.restore	= no_cookie_restore,
};
#endif
