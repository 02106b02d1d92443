// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of timerfd_create(2). Included by timerfd.c.
 *
 * A timer that was set to a time of CLOCK_REALTIME expires at that time. All
 * others go on, when the tree is about to run, with what was left when it stood
 * still: so does the clock of a time namespace, and that of the machine says
 * nothing on another one.
 */

#include "checkpoint.h"

/*
 * In settime_flags, where user space sets the two lowest ones: the time of the
 * timer is what ckpt_timerfd_commit() has to start it with.
 */
#define CKPT_TFD_WAITS		0x8000

#define CKPT_TIMERFD_ALL	(CKPT_TIMERFD_ARMED | CKPT_TIMERFD_EXPIRED | \
				 CKPT_TIMERFD_CLOCK | CKPT_TIMERFD_ON_SET | \
				 CKPT_TIMERFD_CANCELED)

/**
 * ckpt_timerfd_match - is this a timerfd?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_timerfd_match(struct file *file)
{
	return file->f_op == &timerfd_fops;
}

/* The clock that the time of the timer is one of */
static clockid_t base_clock(struct timerfd_ctx *t)
{
	switch (t->clockid) {
	case CLOCK_REALTIME_ALARM:
		return CLOCK_REALTIME;
	case CLOCK_BOOTTIME_ALARM:
		return CLOCK_BOOTTIME;
	default:
		/* CLOCK_MONOTONIC for a span of CLOCK_REALTIME */
		return t->t.tmr.base->clockid;
	}
}

static ktime_t base_time(clockid_t clock, ktime_t monotonic)
{
	switch (clock) {
	case CLOCK_REALTIME:
		return ktime_mono_to_real(monotonic);
	case CLOCK_BOOTTIME:
		return ktime_mono_to_any(monotonic, TK_OFFS_BOOT);
	default:
		return monotonic;
	}
}

/* Was it set to a time of CLOCK_REALTIME, and not to a span of time? */
static bool is_real_time(struct timerfd_ctx *t)
{
	if (base_clock(t) != CLOCK_REALTIME)
		return false;
	return !isalarm(t) || t->might_cancel ||
	       (t->settime_flags & TFD_TIMER_ABSTIME);
}

static void save_timer(struct ckpt_ctx *ctx, struct timerfd_ctx *t,
		       struct ckpt_hdr_timerfd *h)
{
	ktime_t expires, left;
	bool active;

	lockdep_assert_held(&t->wqh.lock);
	if (isalarm(t)) {
		expires = t->t.alarm.node.expires;
		active = hrtimer_active(&t->t.alarm.timer);
	} else {
		expires = hrtimer_get_expires(&t->t.tmr);
		active = hrtimer_active(&t->t.tmr);
	}
	/* one whose function waits for the lock is about to expire */
	if (!t->expired && !active)
		return;
	h->flags |= t->expired ? CKPT_TIMERFD_EXPIRED : CKPT_TIMERFD_ARMED;
	if (is_real_time(t)) {
		h->flags |= CKPT_TIMERFD_CLOCK;
		h->value_ns = expires;
		return;
	}
	left = ktime_sub(expires, base_time(base_clock(t), ctx->stopped_at));
	/* it may have expired since the tree stood still */
	h->value_ns = t->expired ? min(left, 0) : max(left, 0);
}

/**
 * ckpt_timerfd_write - write what follows the record of a timerfd
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_timerfd_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct timerfd_ctx *t = file->private_data;
	struct ckpt_hdr_timerfd h = {};

	spin_lock_irq(&t->wqh.lock);
	h.clockid = t->clockid;
	h.settime_flags = t->settime_flags;
	h.interval_ns = t->tintv;
	h.ticks = t->ticks;
	if (t->might_cancel)
		h.flags |= CKPT_TIMERFD_ON_SET;
	if (t->might_cancel && t->moffs == KTIME_MAX)
		h.flags |= CKPT_TIMERFD_CANCELED;
	save_timer(ctx, t, &h);
	spin_unlock_irq(&t->wqh.lock);
	return ckpt_write_rec(ctx, &h, CKPT_HDR_TIMERFD, sizeof(h));
}

static bool flags_ok(const struct ckpt_hdr_timerfd *r)
{
	bool real = r->clockid == CLOCK_REALTIME ||
		    r->clockid == CLOCK_REALTIME_ALARM;

	if ((r->flags & ~CKPT_TIMERFD_ALL) ||
	    (r->settime_flags & ~TFD_SETTIME_FLAGS))
		return false;
	if (!real && (r->flags & (CKPT_TIMERFD_CLOCK | CKPT_TIMERFD_ON_SET)))
		return false;
	if ((r->flags & CKPT_TIMERFD_CANCELED) &&
	    !(r->flags & CKPT_TIMERFD_ON_SET))
		return false;
	/* is_real_time() has to find the same */
	if (r->clockid == CLOCK_REALTIME_ALARM &&
	    (r->flags & (CKPT_TIMERFD_ARMED | CKPT_TIMERFD_EXPIRED)) &&
	    !(r->flags & CKPT_TIMERFD_CLOCK) !=
	    !((r->flags & CKPT_TIMERFD_ON_SET) ||
	      (r->settime_flags & TFD_TIMER_ABSTIME)))
		return false;
	switch (r->flags & (CKPT_TIMERFD_ARMED | CKPT_TIMERFD_EXPIRED)) {
	case 0:
		return !r->value_ns && !(r->flags & CKPT_TIMERFD_CLOCK);
	case CKPT_TIMERFD_ARMED:
		return r->value_ns >= 0;
	case CKPT_TIMERFD_EXPIRED:
		return r->flags & CKPT_TIMERFD_CLOCK ?
		       r->value_ns >= 0 :
		       r->value_ns <= 0 && r->value_ns >= -KTIME_MAX;
	default:
		return false;
	}
}

static int check_record(struct ckpt_ctx *ctx, const struct ckpt_hdr_timerfd *r)
{
	switch (r->clockid) {
	case CLOCK_MONOTONIC:
	case CLOCK_REALTIME:
	case CLOCK_BOOTTIME:
		break;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		if (!capable(CAP_WAKE_ALARM))
			return ckpt_err(ctx, -EPERM, "timerfd of a clock that wakes the machine: CAP_WAKE_ALARM is needed");
		break;
	default:
		return ckpt_err(ctx, -EINVAL, "image: timerfd of clock %u",
				r->clockid);
	}
	if (!flags_ok(r) || r->interval_ns < 0 || r->reserved)
		return ckpt_err(ctx, -EINVAL, "image: timerfd: flags %#x, %#x, time %lld, interval %lld",
				r->flags, r->settime_flags, r->value_ns,
				r->interval_ns);
	return 0;
}

static void fill(struct timerfd_ctx *t, const struct ckpt_hdr_timerfd *r)
{
	init_waitqueue_head(&t->wqh);
	spin_lock_init(&t->cancel_lock);
	t->clockid = r->clockid;
	t->tintv = r->interval_ns;
	t->ticks = r->ticks;
	t->expired = !!(r->flags & CKPT_TIMERFD_EXPIRED);
	t->settime_flags = r->settime_flags;
	if (r->flags & (CKPT_TIMERFD_ARMED | CKPT_TIMERFD_EXPIRED))
		t->settime_flags |= CKPT_TFD_WAITS;
	if (isalarm(t)) {
		alarm_init(&t->t.alarm,
			   t->clockid == CLOCK_REALTIME_ALARM ?
			   ALARM_REALTIME : ALARM_BOOTTIME,
			   timerfd_alarmproc);
		t->t.alarm.node.expires = r->value_ns;
	} else {
		hrtimer_init(&t->t.tmr, t->clockid,
			     r->flags & CKPT_TIMERFD_CLOCK ?
			     HRTIMER_MODE_ABS : HRTIMER_MODE_REL);
		hrtimer_set_expires(&t->t.tmr, r->value_ns);
		t->t.tmr.function = timerfd_tmrproc;
	}
	/* a restart is no change of the clock: nobody set it */
	t->moffs = r->flags & CKPT_TIMERFD_CANCELED ? KTIME_MAX :
						      ktime_mono_to_real(0);
	if (r->flags & CKPT_TIMERFD_ON_SET)
		timerfd_setup_cancel(t, TFD_TIMER_ABSTIME |
					TFD_TIMER_CANCEL_ON_SET);
}

/**
 * ckpt_timerfd_restore - make a timerfd, which does not run yet
 * @ctx: the context
 * @h: the record of the file
 * @name: what /proc/PID/fd/N showed, not used
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR: -EINVAL or -EPERM, reported, for a record that
 * is malformed, or of a clock that the caller may not use, -ENFILE, -ENOMEM.
 */
struct file *ckpt_timerfd_restore(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h,
				  const char *name)
{
	struct ckpt_hdr_timerfd r;
	struct timerfd_ctx *t;
	struct file *file;
	int err;

	err = ckpt_read_rec_into(ctx, &r, CKPT_HDR_TIMERFD, sizeof(r));
	if (!err)
		err = check_record(ctx, &r);
	if (err)
		return ERR_PTR(err);
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return ERR_PTR(-ENOMEM);
	fill(t, &r);
	file = ckpt_anon_file(ctx, h, "[timerfd]", &timerfd_fops, t, O_RDWR);
	if (IS_ERR(file)) {
		timerfd_remove_cancel(t);
		kfree_rcu(t, rcu);
		return file;
	}
	file->f_mode |= FMODE_NOWAIT;
	return file;
}

static void start_alarm(struct timerfd_ctx *t, ktime_t value, bool real)
{
	struct alarm *alarm = &t->t.alarm;
	ktime_t now = base_time(base_clock(t), ktime_get());

	if (t->expired)
		/* alarm_forward() counts from there */
		alarm->node.expires = real ? min(value, now) :
					     ktime_add(now, value);
	else if (real)
		alarm_start(alarm, value);
	else
		alarm_start_relative(alarm, value);
}

static void start_hrtimer(struct timerfd_ctx *t, ktime_t value, bool real)
{
	struct hrtimer *timer = &t->t.tmr;
	ktime_t now = hrtimer_cb_get_time(timer);

	if (t->expired)
		/* hrtimer_forward() counts from there */
		hrtimer_set_expires(timer, real ? min(value, now) :
						  ktime_add(now, value));
	else
		hrtimer_start(timer, value,
			      real ? HRTIMER_MODE_ABS : HRTIMER_MODE_REL);
}

/**
 * ckpt_timerfd_commit - the tree is about to run: let its timer run
 * @file: a timerfd, perhaps not one that was restored
 *
 * Context: process context.
 */
void ckpt_timerfd_commit(struct file *file)
{
	struct timerfd_ctx *t = file->private_data;

	spin_lock_irq(&t->wqh.lock);
	if (t->settime_flags & CKPT_TFD_WAITS) {
		bool real = is_real_time(t);

		t->settime_flags &= ~CKPT_TFD_WAITS;
		if (isalarm(t))
			start_alarm(t, t->t.alarm.node.expires, real);
		else
			start_hrtimer(t, hrtimer_get_expires(&t->t.tmr), real);
	}
	spin_unlock_irq(&t->wqh.lock);
}
