// SPDX-License-Identifier: GPL-2.0
/*
 * Accounting: when a task was started, the CPU time that it has used, and what
 * else times(2), getrusage(2) and /proc count. A restored task goes on counting
 * from where it stood.
 *
 * All is put in place when the tree is complete and none of it runs, before any
 * timer that counts CPU time.
 */

#include <linux/capability.h>
#include <linux/checkpoint_types.h>
#include <linux/sched.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>

#include "checkpoint.h"

/* How far a start may be from what the clocks say to be the same, in ns */
#define CKPT_SAME_START		NSEC_PER_SEC

/* ------------------------------------------------------------ checkpoint */

static void io_save(struct ckpt_io_acct *to,
		    const struct task_io_accounting *from)
{
#ifdef CONFIG_TASK_XACCT
	to->rchar = from->rchar;
	to->wchar = from->wchar;
	to->syscr = from->syscr;
	to->syscw = from->syscw;
#endif
#ifdef CONFIG_TASK_IO_ACCOUNTING
	to->read_bytes = from->read_bytes;
	to->write_bytes = from->write_bytes;
	to->cancelled_write_bytes = from->cancelled_write_bytes;
#endif
}

static void prev_save(struct ckpt_cpu_times *to, struct prev_cputime *from)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&from->lock, flags);
	to->utime_ns = from->utime;
	to->stime_ns = from->stime;
	raw_spin_unlock_irqrestore(&from->lock, flags);
}

/* By the clock of @t */
static u64 visible_start(struct task_struct *t, u64 start)
{
	task_lock(t);
	if (t->nsproxy)
		start += timespec64_to_ns(&t->nsproxy->time_ns->offsets.boottime);
	task_unlock(t);
	return start;
}

/* As __exit_signal() does when a thread is reaped */
static void add_thread(struct ckpt_acct *a, const struct task_struct *t)
{
	a->times.utime_ns += t->utime;
	a->times.stime_ns += t->stime;
	a->gtime_ns += t->gtime;
	a->runtime_ns += t->se.sum_exec_runtime;
	a->nvcsw += t->nvcsw;
	a->nivcsw += t->nivcsw;
	a->min_flt += t->min_flt;
	a->maj_flt += t->maj_flt;
}

static void thread_save(struct ckpt_ctx *ctx, struct task_struct *from,
			struct ckpt_hdr_task_acct *h)
{
	/* dead or not */
	struct task_struct *t = ctx->saved;
	u64 age = ktime_mono_to_any(ctx->stopped_at, TK_OFFS_BOOT) -
		  t->start_boottime;

	/* it may be older than the clock of a time namespace that it entered */
	h->start_ns = max_t(s64, visible_start(from, t->start_boottime), 0);
	h->start_real_ns = max_t(s64, ktime_mono_to_real(ctx->stopped_at) - age,
				 0);
	add_thread(&h->own, t);
	prev_save(&h->shown, &t->prev_cputime);
	io_save(&h->io, &t->ioac);
}

static void process_save(struct signal_struct *sig,
			 struct ckpt_hdr_process_acct *h)
{
	struct task_struct *t;

	h->dead = (struct ckpt_acct) {
		.times.utime_ns = sig->utime, .times.stime_ns = sig->stime,
		.gtime_ns = sig->gtime, .runtime_ns = sig->sum_sched_runtime,
		.nvcsw = sig->nvcsw, .nivcsw = sig->nivcsw,
		.min_flt = sig->min_flt, .maj_flt = sig->maj_flt,
		.inblock = sig->inblock, .oublock = sig->oublock,
		.maxrss = sig->maxrss,
	};
	/* a leader that is dead has a record of its own */
	__for_each_thread(sig, t)
		if (t->exit_state && !thread_group_leader(t))
			add_thread(&h->dead, t);
	h->children = (struct ckpt_acct) {
		.times.utime_ns = sig->cutime, .times.stime_ns = sig->cstime,
		.gtime_ns = sig->cgtime,
		.nvcsw = sig->cnvcsw, .nivcsw = sig->cnivcsw,
		.min_flt = sig->cmin_flt, .maj_flt = sig->cmaj_flt,
		.inblock = sig->cinblock, .oublock = sig->coublock,
		.maxrss = sig->cmaxrss,
	};
	prev_save(&h->shown, &sig->prev_cputime);
	io_save(&h->io, &sig->ioac);
}

static int acct_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_process_acct p = {};
	struct ckpt_hdr_task_acct h = {};
	int err;

	thread_save(ctx, t, &h);
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_ACCT, sizeof(h));
	if (err || !ckpt_of_leader(ctx))
		return err;
	spin_lock_irq(&ckpt_sighand(t)->siglock);
	process_save(t->signal, &p);
	spin_unlock_irq(&ckpt_sighand(t)->siglock);
	return ckpt_write_rec(ctx, &p, CKPT_HDR_PROCESS_ACCT, sizeof(p));
}

/* --------------------------------------------------------------- restart */

/**
 * struct acct_defer - what waits until the tree is complete
 * @h: of the thread
 * @p: of the process, if it leads one
 */
struct acct_defer {
	struct ckpt_hdr_task_acct h;
	struct ckpt_hdr_process_acct p;
};

static bool times_ok(const struct ckpt_cpu_times *times)
{
	return times->utime_ns <= KTIME_MAX / 4 &&
	       times->stime_ns <= KTIME_MAX / 4;
}

static bool acct_ok(const struct ckpt_acct *a)
{
	return times_ok(&a->times) && a->gtime_ns <= KTIME_MAX / 4 &&
	       a->runtime_ns <= KTIME_MAX / 4;
}

/*
 * The kernel adds up what the threads of a process have used, and divides by
 * it: the sum must not overflow. Of what was checked above, none here does.
 */
static bool sum_ok(struct ckpt_ctx *ctx, const struct ckpt_acct *a)
{
	ctx->cpu_ns += a->times.utime_ns + a->times.stime_ns;
	return ctx->cpu_ns <= KTIME_MAX;
}

static int acct_restore(struct ckpt_ctx *ctx)
{
	struct acct_defer *d;
	int err;

	d = ckpt_task_defer(ctx, CKPT_STATE_ACCT, sizeof(*d));
	if (!d)
		return -ENOMEM;
	err = ckpt_read_rec_into(ctx, &d->h, CKPT_HDR_TASK_ACCT, sizeof(d->h));
	if (!err && thread_group_leader(current))
		err = ckpt_read_rec_into(ctx, &d->p, CKPT_HDR_PROCESS_ACCT,
					 sizeof(d->p));
	if (err)
		return err;
	if (d->h.start_ns > KTIME_MAX / 4 || d->h.start_real_ns > KTIME_MAX ||
	    !acct_ok(&d->h.own) || d->h.own.inblock || d->h.own.oublock ||
	    d->h.own.maxrss || !acct_ok(&d->p.dead) ||
	    !acct_ok(&d->p.children) || d->p.children.runtime_ns ||
	    !times_ok(&d->h.shown) || !times_ok(&d->p.shown) ||
	    !sum_ok(ctx, &d->h.own) || !sum_ok(ctx, &d->p.dead))
		return ckpt_err(ctx, -EINVAL, "image: accounting: start %llu, CPU time %llu, %llu",
				d->h.start_ns, d->h.own.times.utime_ns,
				d->h.own.times.stime_ns);
	return 0;
}

static void io_load(struct task_io_accounting *to,
		    const struct ckpt_io_acct *from)
{
#ifdef CONFIG_TASK_XACCT
	to->rchar = from->rchar;
	to->wchar = from->wchar;
	to->syscr = from->syscr;
	to->syscw = from->syscw;
#endif
#ifdef CONFIG_TASK_IO_ACCOUNTING
	to->read_bytes = from->read_bytes;
	to->write_bytes = from->write_bytes;
	to->cancelled_write_bytes = from->cancelled_write_bytes;
#endif
}

static void prev_load(struct prev_cputime *to,
		      const struct ckpt_cpu_times *from)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&to->lock, flags);
	to->utime = from->utime_ns;
	to->stime = from->stime_ns;
	raw_spin_unlock_irqrestore(&to->lock, flags);
}

/*
 * The same number as before, by which programs know a process: in a time
 * namespace of the tree, and on the machine on which it was. On another one it
 * is as old as it was. Pid and start time tell privileged programs which process
 * they had permitted something: who may not choose the one for all of the machine
 * may not choose the other.
 */
static void start_load(struct task_struct *t,
		       const struct ckpt_hdr_task_acct *h)
{
	s64 now = ktime_get_boottime_ns(), start = h->start_ns, by_clock;
	struct time_namespace *ns = NULL;

	if (!checkpoint_restore_ns_capable(&init_user_ns))
		return;
	task_lock(t);
	if (t->nsproxy) {
		ns = t->nsproxy->time_ns;
		start -= timespec64_to_ns(&ns->offsets.boottime);
	}
	task_unlock(t);
	if (ns == current->nsproxy->time_ns) {
		by_clock = now - (ktime_get_real_ns() - h->start_real_ns);
		if (abs(by_clock - start) > CKPT_SAME_START)
			start = by_clock;
	}
	start = clamp(start, 0LL, now);
	t->start_boottime = start;
	t->start_time = max_t(s64, ktime_get_ns() - (now - start), 0);
}

static void thread_load(struct task_struct *t,
			const struct ckpt_hdr_task_acct *h)
{
	t->utime = h->own.times.utime_ns;
	t->stime = h->own.times.stime_ns;
	t->gtime = h->own.gtime_ns;
	t->se.sum_exec_runtime = h->own.runtime_ns;
	t->se.prev_sum_exec_runtime = h->own.runtime_ns;
	t->nvcsw = h->own.nvcsw;
	t->nivcsw = h->own.nivcsw;
	t->min_flt = h->own.min_flt;
	t->maj_flt = h->own.maj_flt;
	prev_load(&t->prev_cputime, &h->shown);
	io_load(&t->ioac, &h->io);
}

static void process_load(struct signal_struct *sig,
			 const struct ckpt_hdr_process_acct *h)
{
	write_seqlock(&sig->stats_lock);
	sig->utime = h->dead.times.utime_ns;
	sig->stime = h->dead.times.stime_ns;
	sig->gtime = h->dead.gtime_ns;
	sig->sum_sched_runtime = h->dead.runtime_ns;
	sig->nvcsw = h->dead.nvcsw;
	sig->nivcsw = h->dead.nivcsw;
	sig->min_flt = h->dead.min_flt;
	sig->maj_flt = h->dead.maj_flt;
	sig->inblock = h->dead.inblock;
	sig->oublock = h->dead.oublock;
	sig->maxrss = h->dead.maxrss;
	sig->cutime = h->children.times.utime_ns;
	sig->cstime = h->children.times.stime_ns;
	sig->cgtime = h->children.gtime_ns;
	sig->cnvcsw = h->children.nvcsw;
	sig->cnivcsw = h->children.nivcsw;
	sig->cmin_flt = h->children.min_flt;
	sig->cmaj_flt = h->children.maj_flt;
	sig->cinblock = h->children.inblock;
	sig->coublock = h->children.oublock;
	sig->cmaxrss = h->children.maxrss;
	io_load(&sig->ioac, &h->io);
	write_sequnlock(&sig->stats_lock);
	prev_load(&sig->prev_cputime, &h->shown);
	/*
	 * RLIMIT_CPU of the caller of restart has started the clock, from 0:
	 * whoever needs it starts it again, from these.
	 */
	WRITE_ONCE(sig->posix_cputimers.timers_active, false);
}

/* Whoever replaces itself goes on counting as the one that it was. */
static void acct_link(struct task_struct *t, void *defer)
{
	const struct acct_defer *d = defer;
	unsigned long flags;

	if (t == current)
		return;
	/* what it runs for is counted under a lock of the scheduler's */
	while (!wait_task_inactive(t, TASK_KILLABLE)) {
		if (fatal_signal_pending(t) || READ_ONCE(t->exit_state))
			return;
		cond_resched();
	}
	start_load(t, &d->h);
	if (!lock_task_sighand(t, &flags))
		return;
	thread_load(t, &d->h);
	if (thread_group_leader(t))
		process_load(t->signal, &d->p);
	unlock_task_sighand(t, &flags);
}

const struct ckpt_task_ops ckpt_acct_task_ops = {
	.name		= "accounting",
	.checkpoint	= acct_checkpoint,
	.restore	= acct_restore,
	.link		= acct_link,
};
