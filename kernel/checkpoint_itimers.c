// SPDX-License-Identifier: GPL-2.0
/*
 * Interval timers. They go on with the time that was left when the tree stood
 * still, from the moment when the task enters user mode again.
 */

#include <linux/checkpoint_types.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/posix-timers.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <uapi/linux/time.h>

#include "checkpoint.h"

/* Which CPU time ITIMER_VIRTUAL and ITIMER_PROF run on */
static const struct {
	int which;
	int clock;
} cpu_timers[] = {
	{ ITIMER_VIRTUAL, CPUCLOCK_VIRT },
	{ ITIMER_PROF, CPUCLOCK_PROF },
};

/*
 * Real time goes on while the tree stands still. What counts is whether the
 * SIGALRM of a timer that expired meanwhile is among the pending signals that
 * were saved before this: if it is not, the timer has to expire again. A
 * timer that repeats is armed again only when its SIGALRM is taken.
 */
static void real_timer_save(struct ckpt_ctx *ctx, struct task_struct *t,
			    struct ckpt_hdr_task_itimers *h)
{
	struct signal_struct *sig = t->signal;
	struct hrtimer *timer = &sig->real_timer;
	s64 left = ktime_sub(hrtimer_get_expires(timer), ctx->stopped_at);
	bool saved, expired;

	saved = ckpt_obj_mark(ctx, ckpt_sighand(t), CKPT_OBJ_SIGHAND, 0) &
		CKPT_SIGHAND_MARK_ALRM;
	expired = hrtimer_active(timer) ||
		  sigismember(&sig->shared_pending.signal, SIGALRM);

	h->interval_ns[ITIMER_REAL] = sig->it_real_incr;
	if (hrtimer_is_queued(timer))
		h->value_ns[ITIMER_REAL] = max(left, 1);
	else if (expired && !saved)
		h->value_ns[ITIMER_REAL] = 1;
	else if (sig->it_real_incr)
		h->late_ns = max(-left, 0);
}

static void cpu_timer_save(struct task_struct *t, int which, int clock,
			   struct ckpt_hdr_task_itimers *h)
{
	const struct cpu_itimer *it = &t->signal->it[clock];
	u64 now[CPUCLOCK_MAX];

	h->interval_ns[which] = it->incr;
	if (!it->expires)
		return;
	thread_group_sample_cputime(t, now);
	h->value_ns[which] = it->expires > now[clock] ?
			     it->expires - now[clock] : 1;
}

static int itimers_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct sighand_struct *sighand = ckpt_sighand(t);
	struct ckpt_hdr_task_itimers h = {};
	int i;

	spin_lock_irq(&sighand->siglock);
	real_timer_save(ctx, t, &h);
	for (i = 0; i < ARRAY_SIZE(cpu_timers); i++)
		cpu_timer_save(t, cpu_timers[i].which, cpu_timers[i].clock, &h);
	spin_unlock_irq(&sighand->siglock);

	return ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_ITIMERS, sizeof(h));
}

static int itimers_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_itimers h, *d;
	int i, err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TASK_ITIMERS, sizeof(h));
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(h.value_ns); i++)
		if (h.value_ns[i] > KTIME_MAX || h.interval_ns[i] > KTIME_MAX)
			return ckpt_err(ctx, -EINVAL, "image: interval timer %d: value %llu, interval %llu",
					i, h.value_ns[i], h.interval_ns[i]);
	if (h.late_ns > KTIME_MAX ||
	    (h.late_ns && (h.value_ns[ITIMER_REAL] ||
			   !h.interval_ns[ITIMER_REAL])))
		return ckpt_err(ctx, -EINVAL, "image: interval timer: late by %llu",
				h.late_ns);

	d = ckpt_task_defer(ctx, CKPT_STATE_ITIMERS, sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = h;
	/* that of a task that replaces itself */
	hrtimer_cancel(&current->signal->real_timer);
	return 0;
}

static void real_timer_commit(const struct ckpt_hdr_task_itimers *h)
{
	struct hrtimer *timer = &current->signal->real_timer;

	current->signal->it_real_incr = h->interval_ns[ITIMER_REAL];
	if (h->value_ns[ITIMER_REAL])
		hrtimer_start(timer, h->value_ns[ITIMER_REAL],
			      HRTIMER_MODE_REL);
	else if (h->interval_ns[ITIMER_REAL])
		/* where dequeue_signal() forwards it from */
		hrtimer_set_expires(timer, ktime_sub_ns(ktime_get(),
							h->late_ns));
}

static void cpu_timer_commit(const struct ckpt_hdr_task_itimers *h, int which,
			     int clock)
{
	struct cpu_itimer *it = &current->signal->it[clock];
	u64 value = h->value_ns[which], old = it->expires;

	if (value || old)
		set_process_cpu_timer(current, clock, &value, &old);
	it->expires = value;
	it->incr = h->interval_ns[which];
}

static void itimers_commit(void *defer)
{
	const struct ckpt_hdr_task_itimers *h = defer;
	int i;

	spin_lock_irq(&ckpt_sighand(current)->siglock);
	real_timer_commit(h);
	for (i = 0; i < ARRAY_SIZE(cpu_timers); i++)
		cpu_timer_commit(h, cpu_timers[i].which, cpu_timers[i].clock);
	spin_unlock_irq(&ckpt_sighand(current)->siglock);
}

const struct ckpt_task_ops ckpt_itimers_task_ops = {
	.name		= "interval timers",
	.process	= true,
	.checkpoint	= itimers_checkpoint,
	.restore	= itimers_restore,
	.commit		= itimers_commit,
};
