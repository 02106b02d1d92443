// SPDX-License-Identifier: GPL-2.0
/*
 * POSIX timers. Included by posix-timers.c.
 *
 * A timer that was set to a time of CLOCK_REALTIME expires at that time. All
 * others go on, when the tree is about to run, with what was left when it stood
 * still. Those of a thread, by their clock or by whom they notify, are saved
 * with the last thread of theirs, all others with the group leader: whatever a
 * timer needs is there when it is made.
 *
 * Timers go on while the tree stands still. What counts is whether the signal
 * of one was in its queue when that was saved, which is before: one that comes
 * later is not in the image, and the timer is about to expire there.
 */

#include <linux/bsearch.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/sort.h>
#include <linux/xarray.h>

#include "../checkpoint.h"

/* Timers in one record */
#define CKPT_TIMERS_CHUNK	256U

#define CKPT_TIMER_ALL	(CKPT_TIMER_SET | CKPT_TIMER_ARMED | \
			 CKPT_TIMER_CLOCK | CKPT_TIMER_PENDING | \
			 CKPT_TIMER_OWN_CLOCK)

static bool is_cpu_timer(const struct k_itimer *timer)
{
	return timer->it_clock < 0;
}

static bool is_alarm_timer(const struct k_itimer *timer)
{
	return timer->it_clock == CLOCK_REALTIME_ALARM ||
	       timer->it_clock == CLOCK_BOOTTIME_ALARM;
}

/* The clock that the expiry of a timer, other than of CPU time, is one of */
static clockid_t base_clock(const struct k_itimer *timer)
{
	switch (timer->it_clock) {
	case CLOCK_REALTIME_ALARM:
		return CLOCK_REALTIME;
	case CLOCK_BOOTTIME_ALARM:
		return CLOCK_BOOTTIME;
	case CLOCK_REALTIME:
		/* a span of it is one of CLOCK_MONOTONIC */
		return timer->kclock == &clock_realtime ? CLOCK_REALTIME :
							  CLOCK_MONOTONIC;
	default:
		return timer->it_clock;
	}
}

/* Of these the kernel does not tell a span from a time. */
static bool is_clock_time(const struct k_itimer *timer)
{
	clockid_t clock = base_clock(timer);

	return clock == CLOCK_REALTIME || clock == CLOCK_TAI;
}

static ktime_t base_time(const struct k_itimer *timer, ktime_t monotonic)
{
	if (base_clock(timer) == CLOCK_BOOTTIME)
		return ktime_mono_to_any(monotonic, TK_OFFS_BOOT);
	return monotonic;
}

static ktime_t *alarm_expires(struct k_itimer *timer)
{
	return &timer->it.alarm.alarmtimer.node.expires;
}

/* The thread that a timer belongs to, or NULL if it is the process's */
static struct task_struct *thread_of(struct pid *pid, struct task_struct *t)
{
	struct task_struct *thread = pid_task(pid, PIDTYPE_PID);

	return thread && same_thread_group(thread, t) ? thread : NULL;
}

/* ------------------------------------------------------------ checkpoint */

/*
 * Is the timer, of the process of @t, saved with the task that is written? The
 * slots of tasks are in the order in which they are made.
 */
static bool saved_with(struct ckpt_ctx *ctx, const struct k_itimer *timer,
		       struct task_struct *t)
{
	struct task_struct *home = t->group_leader, *thread;
	struct pid *pid = task_pid(ctx->saved);

	/* all timers are looked at for each of many threads: that costs little */
	if (!ckpt_of_leader(ctx) && timer->it_pid != pid &&
	    !(is_cpu_timer(timer) && timer->it.cpu.pid == pid))
		return false;
	rcu_read_lock();
	if (timer->it_sigev_notify & SIGEV_THREAD_ID) {
		thread = thread_of(timer->it_pid, t);
		if (thread)
			home = thread;
	}
	if (is_cpu_timer(timer) && CPUCLOCK_PERTHREAD(timer->it_clock)) {
		thread = thread_of(timer->it.cpu.pid, t);
		if (thread && ckpt_pid_slot(ctx, task_pid(thread)) >
			      ckpt_pid_slot(ctx, task_pid(home)))
			home = thread;
	}
	rcu_read_unlock();
	return home == ctx->saved;
}

static int collect_pid(struct ckpt_ctx *ctx, struct pid *pid, bool thread)
{
	bool alive;

	rcu_read_lock();
	alive = pid_task(pid, thread ? PIDTYPE_PID : PIDTYPE_TGID);
	rcu_read_unlock();
	if (alive && ckpt_pid_slot(ctx, pid) < 0)
		return ckpt_err(ctx, -ENOSYS, "POSIX timer on the CPU time of process %d outside of the tree: not supported",
				pid_vnr(pid));
	return ckpt_any_pid_collect(ctx, pid);
}

/* Of a thread that its tracer has yet to wait for there is no state to save. */
static bool of_zombie(struct pid *pid, struct task_struct *t)
{
	struct task_struct *thread;
	bool dead;

	rcu_read_lock();
	thread = thread_of(pid, t);
	dead = thread && READ_ONCE(thread->exit_state) &&
	       !thread_group_leader(thread);
	rcu_read_unlock();
	return dead;
}

static bool has_zombie(struct k_itimer *timer, struct task_struct *t)
{
	return ((timer->it_sigev_notify & SIGEV_THREAD_ID) &&
		of_zombie(timer->it_pid, t)) ||
	       (is_cpu_timer(timer) && CPUCLOCK_PERTHREAD(timer->it_clock) &&
		of_zombie(timer->it.cpu.pid, t));
}

static int timers_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct sighand_struct *sighand = ckpt_sighand(t);
	struct k_itimer *timer;
	int err = 0;

	if (!ckpt_of_leader(ctx))
		return 0;
	/* whoever changes this list is parked */
	hlist_for_each_entry(timer, &t->signal->posix_timers, list) {
		if (has_zombie(timer, t))
			return ckpt_err(ctx, -ENOSYS, "POSIX timer of a thread that has exited, and that its tracer has yet to wait for: not supported");
		if (timer->it_sigev_notify & SIGEV_THREAD_ID)
			err = ckpt_any_pid_collect(ctx, timer->it_pid);
		if (!err && is_cpu_timer(timer))
			err = collect_pid(ctx, timer->it.cpu.pid,
					  CPUCLOCK_PERTHREAD(timer->it_clock));
		if (err)
			return err;
		spin_lock_irq(&sighand->siglock);
		timer->sigq->flags &= ~CKPT_SIGQUEUE_TIMER;
		spin_unlock_irq(&sighand->siglock);
	}
	return 0;
}

static void save_cpu_timer(struct k_itimer *timer, struct ckpt_posix_timer *r)
{
	struct itimerspec64 left = {};

	/* brings the expiry up to date, too */
	timer->kclock->timer_get(timer, &left);
	r->value_ns = timespec64_to_ns(&left.it_value);
	if (r->value_ns)
		r->flags |= CKPT_TIMER_SET;
	if (cpu_timer_queued(&timer->it.cpu))
		r->flags |= CKPT_TIMER_ARMED;
}

static void save_real_timer(struct ckpt_ctx *ctx, struct k_itimer *timer,
			    struct ckpt_posix_timer *r)
{
	ktime_t expires = is_alarm_timer(timer) ?
			  *alarm_expires(timer) :
			  hrtimer_get_expires(&timer->it.real.timer);

	/* its function may be waiting for the lock: it is about to expire */
	if (timer->it_active)
		r->flags |= CKPT_TIMER_ARMED;
	/* 0 is also a time before that of the time namespace began */
	if (!expires && !timer->it_active && list_empty(&timer->sigq->list))
		return;
	r->flags |= CKPT_TIMER_SET;
	if (is_clock_time(timer)) {
		r->flags |= CKPT_TIMER_CLOCK;
		r->value_ns = expires;
	} else {
		r->value_ns = ktime_sub(expires, base_time(timer,
							   ctx->stopped_at));
	}
}

/* Is its signal in a queue that was saved, or one that was not? */
static void save_signal(struct task_struct *t, struct k_itimer *timer,
			struct ckpt_posix_timer *r)
{
	struct sighand_struct *sighand = ckpt_sighand(t);
	struct sigqueue *q = timer->sigq;
	bool queued, saved;

	spin_lock(&sighand->siglock);
	queued = !list_empty(&q->list);
	saved = q->flags & CKPT_SIGQUEUE_TIMER;
	r->signo = q->info.si_signo;
	r->sigval = (unsigned long)q->info.si_value.sival_ptr;
	if (queued && saved) {
		r->sig_overrun = q->info.si_overrun;
		r->sig_private = q->info.si_sys_private;
	}
	spin_unlock(&sighand->siglock);

	if (queued && saved) {
		r->flags |= CKPT_TIMER_PENDING;
	} else if (queued) {
		/* undo what sending it has done */
		if (!(r->flags & CKPT_TIMER_SET))
			r->value_ns = 1;
		r->flags |= CKPT_TIMER_SET | CKPT_TIMER_ARMED;
		if (timer->it_interval)
			r->requeue--;
	}
}

static int save_timer(struct ckpt_ctx *ctx, struct task_struct *t,
		      struct k_itimer *timer, struct ckpt_posix_timer *r)
{
	int err;

	memset(r, 0, sizeof(*r));
	spin_lock_irq(&timer->it_lock);
	r->id = timer->it_id;
	r->clockid = timer->it_clock;
	r->notify = timer->it_sigev_notify;
	if (is_cpu_timer(timer))
		save_cpu_timer(timer, r);
	else
		save_real_timer(ctx, timer, r);
	r->interval_ns = timer->it_interval;
	r->overrun = timer->it_overrun;
	r->overrun_last = timer->it_overrun_last;
	r->requeue = timer->it_requeue_pending;
	save_signal(t, timer, r);
	spin_unlock_irq(&timer->it_lock);

	if (r->notify & SIGEV_THREAD_ID) {
		err = ckpt_any_pid_save(ctx, timer->it_pid, &r->pid,
					&r->dead_pid);
		if (err)
			return err;
	}
	if (!is_cpu_timer(timer))
		return 0;
	if (!CPUCLOCK_PID(timer->it_clock))
		r->flags |= CKPT_TIMER_OWN_CLOCK;
	r->clockid = make_process_cpuclock(0, r->clockid &
					      (CPUCLOCK_CLOCK_MASK |
					       CPUCLOCK_PERTHREAD_MASK));
	return ckpt_any_pid_save(ctx, timer->it.cpu.pid, &r->clock_pid,
				 &r->dead_clock_pid);
}

/* The timers that are saved with @t, the oldest first, as they are made again */
static struct k_itimer **find_timers(struct ckpt_ctx *ctx,
				     struct task_struct *t, unsigned int *nr)
{
	struct k_itimer *timer, **found;
	unsigned int i = 0;

	hlist_for_each_entry(timer, &t->signal->posix_timers, list)
		i += saved_with(ctx, timer, t);
	found = kvmalloc_array(i, sizeof(*found), GFP_KERNEL_ACCOUNT);
	if (!found)
		return ERR_PTR(-ENOMEM);
	*nr = i;
	hlist_for_each_entry(timer, &t->signal->posix_timers, list) {
		if (!i)
			break;
		if (saved_with(ctx, timer, t))
			found[--i] = timer;
	}
	return found;
}

static int timers_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_task_timers *h;
	unsigned int nr, done = 0, n, i;
	struct k_itimer **timers;
	int err = 0;

	BUILD_BUG_ON(struct_size_t(struct ckpt_hdr_task_timers, timers,
				   CKPT_TIMERS_CHUNK) > CKPT_REC_MAX);

	timers = find_timers(ctx, t, &nr);
	if (IS_ERR(timers))
		return PTR_ERR(timers);
	h = kvzalloc(struct_size(h, timers, min(nr, CKPT_TIMERS_CHUNK)),
		     GFP_KERNEL_ACCOUNT);
	if (!h) {
		err = -ENOMEM;
		goto free;
	}
	if (ckpt_of_leader(ctx))
		h->next_id = t->signal->next_posix_timer_id;
	do {
		n = min(nr - done, CKPT_TIMERS_CHUNK);
		for (i = 0; i < n && !err; i++)
			err = save_timer(ctx, t, timers[done + i],
					 &h->timers[i]);
		done += n;
		h->more = done < nr;
		if (!err)
			err = ckpt_write_rec(ctx, h, CKPT_HDR_TASK_TIMERS,
					     struct_size(h, timers, n));
	} while (!err && done < nr);
	kvfree(h);
free:
	kvfree(timers);
	return err;
}

/* --------------------------------------------------------------- restart */

/**
 * struct timers_defer - what the timers of a task wait for
 * @nr: how many
 * @max: how many @timers has room for
 * @timers: their records
 */
struct timers_defer {
	u32 nr;
	u32 max;
	struct ckpt_posix_timer *timers;
};

static bool clock_ok(const struct ckpt_posix_timer *r)
{
	switch (r->clockid) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
	case CLOCK_TAI:
		return !r->clock_pid && !r->dead_clock_pid &&
		       !(r->flags & CKPT_TIMER_OWN_CLOCK);
	default:
		return r->clockid < 0 && !CPUCLOCK_PID(r->clockid) &&
		       CPUCLOCK_WHICH(r->clockid) < CPUCLOCK_MAX &&
		       !r->clock_pid != !r->dead_clock_pid;
	}
}

static bool notify_ok(const struct ckpt_posix_timer *r)
{
	switch (r->notify) {
	case SIGEV_NONE:
		return !r->pid && !r->dead_pid &&
		       !(r->flags & (CKPT_TIMER_ARMED | CKPT_TIMER_PENDING));
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		return !r->pid && !r->dead_pid && r->signo &&
		       valid_signal(r->signo);
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		return !r->pid != !r->dead_pid && r->signo &&
		       valid_signal(r->signo);
	default:
		return false;
	}
}

static bool value_ok(const struct ckpt_posix_timer *r)
{
	bool clock = r->flags & CKPT_TIMER_CLOCK;

	if (!(r->flags & CKPT_TIMER_SET))
		return !clock && !(r->flags & CKPT_TIMER_ARMED) && !r->value_ns;
	switch (r->clockid) {
	case CLOCK_REALTIME:
		return clock ? r->value_ns > 0 : r->value_ns >= -KTIME_MAX;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		return clock && r->value_ns > 0;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return !clock && r->value_ns >= -KTIME_MAX;
	default:
		return !clock && r->value_ns > 0;
	}
}

/*
 * A timer that is armed must never be armed again when a signal is taken: its
 * count of signals is even then, and that in a signal is odd, or 0 if the timer
 * does not repeat.
 */
static bool signal_ok(const struct ckpt_posix_timer *r)
{
	if ((r->flags & CKPT_TIMER_ARMED) && (r->requeue & REQUEUE_PENDING))
		return false;
	if (!(r->flags & CKPT_TIMER_PENDING))
		return !r->sig_overrun && !r->sig_private;
	return !r->sig_private ||
	       ((r->sig_private & REQUEUE_PENDING) &&
		(r->clockid < 0 || (r->flags & CKPT_TIMER_SET)));
}

static bool record_ok(const struct ckpt_posix_timer *r)
{
	return r->id <= INT_MAX && !(r->flags & ~CKPT_TIMER_ALL) &&
	       r->interval_ns >= 0 && r->overrun >= -1 &&
	       r->overrun_last >= -1 && clock_ok(r) && notify_ok(r) &&
	       value_ok(r) && signal_ok(r);
}

/**
 * struct timer_signal - a queued signal that is to be that of a timer
 * @q: the signal, or NULL once a timer has it
 * @id: the timer's
 */
struct timer_signal {
	struct sigqueue *q;
	u32 id;
};

/**
 * struct timer_signals - those of one queue
 * @nr: how many
 * @signals: the signals, by the id of the timer
 */
struct timer_signals {
	unsigned int nr;
	struct timer_signal signals[];
};

static int compare_ids(const void *a, const void *b)
{
	const struct timer_signal *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/*
 * Under siglock, without which no thread leaves: where the signal of a timer
 * is, or NULL if its thread is gone.
 */
static struct sigpending *pending_of(const struct ckpt_posix_timer *r,
				     struct pid *pid)
{
	struct task_struct *thread;

	if (!(r->notify & SIGEV_THREAD_ID))
		return &current->signal->shared_pending;
	rcu_read_lock();
	thread = thread_of(pid, current);
	rcu_read_unlock();
	return thread ? &thread->pending : NULL;
}

/* Is it to be that of a timer, and is it nobody's so far? */
static bool is_marked(const struct sigqueue *q)
{
	return q->flags == CKPT_SIGQUEUE_TIMER;
}

static unsigned int count_signals(const struct sigpending *pending)
{
	const struct sigqueue *q;
	unsigned int nr = 0;

	list_for_each_entry(q, &pending->list, list)
		nr += is_marked(q);
	return nr;
}

static void keep_signals(struct timer_signals *s, unsigned int max,
			 struct sigpending *pending)
{
	struct sigqueue *q;

	list_for_each_entry(q, &pending->list, list) {
		if (s->nr == max)
			break;
		if (!is_marked(q))
			continue;
		/* who takes it off the queue leaves it to put_signals() */
		q->flags |= SIGQUEUE_PREALLOC;
		s->signals[s->nr].id = q->info.si_tid;
		s->signals[s->nr++].q = q;
	}
}

/*
 * The signals in the queue that a timer's is in; NULL if its thread is gone.
 * Each queue is gone through once, however many timers there are.
 *
 * None is marked once its queue is restored, which was before, and no task is
 * restored meanwhile: while there is no lock they can only get fewer. A signal
 * from outside that stops, or continues, frees some, and so does a thread that
 * exits; those that are kept are freed by nobody else.
 */
static struct timer_signals *signals_of(struct xarray *queues,
					const struct ckpt_posix_timer *r,
					struct pid *pid)
{
	struct sighand_struct *sighand = ckpt_sighand(current);
	struct timer_signals *s = NULL;
	struct sigpending *pending;
	unsigned int nr = 0;
	int err;

	spin_lock_irq(&sighand->siglock);
	pending = pending_of(r, pid);
	if (pending)
		s = xa_load(queues, ckpt_ptr_index(pending));
	if (pending && !s)
		nr = count_signals(pending);
	spin_unlock_irq(&sighand->siglock);
	if (!pending || s)
		return s;

	s = kvzalloc(struct_size(s, signals, nr),
		     GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!s)
		return ERR_PTR(-ENOMEM);
	err = xa_err(xa_store(queues, ckpt_ptr_index(pending), s,
			      GFP_KERNEL_ACCOUNT));
	if (err) {
		kvfree(s);
		return ERR_PTR(err);
	}
	spin_lock_irq(&sighand->siglock);
	if (pending_of(r, pid) == pending)
		keep_signals(s, nr, pending);
	spin_unlock_irq(&sighand->siglock);
	sort(s->signals, s->nr, sizeof(s->signals[0]), compare_ids, NULL);
	return s;
}

/* Its signal, if that is in the queue, where it becomes the timer's; or NULL */
static struct sigqueue *take_signal(struct xarray *queues,
				    const struct ckpt_posix_timer *r,
				    struct pid *pid)
{
	const struct timer_signal key = { .id = r->id };
	struct timer_signals *s = signals_of(queues, r, pid);
	struct timer_signal *found;
	struct sigqueue *q;

	if (IS_ERR_OR_NULL(s))
		return ERR_CAST(s);
	/* a timer has one signal: another one stays nobody's */
	found = bsearch(&key, s->signals, s->nr, sizeof(key), compare_ids);
	if (!found || !found->q || found->q->info.si_signo != r->signo)
		return NULL;
	q = found->q;
	found->q = NULL;
	spin_lock_irq(&ckpt_sighand(current)->siglock);
	q->flags = SIGQUEUE_PREALLOC;
	spin_unlock_irq(&ckpt_sighand(current)->siglock);
	return q;
}

/* Those that no timer took stay marked: one of a later thread may take them. */
static void put_signals(struct xarray *queues)
{
	struct timer_signals *s;
	unsigned long index;
	unsigned int i;

	xa_for_each(queues, index, s) {
		for (i = 0; i < s->nr; i++)
			if (s->signals[i].q)
				sigqueue_free(s->signals[i].q);
		kvfree(s);
	}
	xa_destroy(queues);
}

static struct sigqueue *get_signal_of(struct xarray *queues,
				      const struct ckpt_posix_timer *r,
				      struct pid *pid)
{
	struct sigqueue *q = NULL;

	if (r->flags & CKPT_TIMER_PENDING)
		q = take_signal(queues, r, pid);
	if (IS_ERR(q))
		return NULL;
	if (!q) {
		q = ckpt_sigqueue_alloc(ckpt_new_cred()->ucounts, false);
		if (!q)
			return NULL;
		q->flags = SIGQUEUE_PREALLOC;
		clear_siginfo(&q->info);
	}
	/* nobody looks at what is queued so far */
	q->info.si_signo = r->signo;
	q->info.si_code = SI_TIMER;
	q->info.si_tid = r->id;
	q->info.si_value.sival_ptr = (void __user *)(unsigned long)r->sigval;
	q->info.si_overrun = r->sig_overrun;
	q->info.si_sys_private = r->sig_private;
	return q;
}

/* As posix_timer_add(), with a given id */
static bool add_with_id(struct k_itimer *timer, unsigned int id)
{
	struct signal_struct *sig = current->signal;
	struct hlist_head *head = &posix_timers_hashtable[hash(sig, id)];
	bool ok;

	spin_lock(&hash_lock);
	ok = !__posix_timers_find(head, sig, id);
	if (ok)
		hlist_add_head_rcu(&timer->t_hash, head);
	spin_unlock(&hash_lock);
	return ok;
}

/* As timer_create(2) of the clock, on the CPU time of @pid */
static int init_timer(struct k_itimer *timer, const struct ckpt_posix_timer *r,
		      struct pid *pid)
{
	bool gone = r->dead_clock_pid;
	int err;

	if (!pid)
		return timer->kclock->timer_create(timer);
	/* all processes are there: of a slot may be left a group, or session */
	if (!CPUCLOCK_PERTHREAD(r->clockid)) {
		rcu_read_lock();
		gone = !pid_task(pid, PIDTYPE_PID);
		rcu_read_unlock();
	}
	if (gone) {
		timer->kclock = &clock_posix_cpu;
		timerqueue_init(&timer->it.cpu.node);
		timer->it.cpu.pid = get_pid(pid);
		return 0;
	}
	timer->it_clock = make_process_cpuclock(pid_vnr(pid), r->clockid &
						(CPUCLOCK_CLOCK_MASK |
						 CPUCLOCK_PERTHREAD_MASK));
	err = timer->kclock->timer_create(timer);
	if (r->flags & CKPT_TIMER_OWN_CLOCK)
		timer->it_clock = r->clockid;
	return err;
}

static int make_timer(struct ckpt_ctx *ctx, struct xarray *queues,
		      const struct ckpt_posix_timer *r, struct pid *pid,
		      struct pid *clock_pid)
{
	struct k_itimer *timer;
	int err;

	timer = kmem_cache_zalloc(posix_timers_cache, GFP_KERNEL);
	if (!timer)
		return -ENOMEM;
	timer->sigq = get_signal_of(queues, r, pid);
	if (!timer->sigq) {
		kmem_cache_free(posix_timers_cache, timer);
		return ckpt_err(ctx, -EAGAIN, "POSIX timers: more than RLIMIT_SIGPENDING of the caller of restart, %lu, or no memory",
				rlimit(RLIMIT_SIGPENDING));
	}
	spin_lock_init(&timer->it_lock);
	timer->it_id = r->id;
	timer->it_clock = r->clockid;
	timer->kclock = clockid_to_kclock(r->clockid);
	timer->it_sigev_notify = r->notify;
	timer->it_interval = r->interval_ns;
	timer->it_overrun = r->overrun;
	timer->it_overrun_last = r->overrun_last;
	timer->it_requeue_pending = r->requeue;
	timer->it_pid = get_pid(pid ?: task_tgid(current));
	if (!add_with_id(timer, r->id)) {
		posix_timer_free(timer);
		return ckpt_err(ctx, -EINVAL, "image: two POSIX timers have the id %u",
				r->id);
	}
	err = init_timer(timer, r, clock_pid);
	if (err) {
		posix_timer_unhash_and_free(timer);
		return ckpt_err(ctx, err, "POSIX timer %u of clock %d: cannot be created here: error %d",
				r->id, r->clockid, err);
	}
	spin_lock_irq(&timer->it_lock);
	spin_lock(&ckpt_sighand(current)->siglock);
	WRITE_ONCE(timer->it_signal, current->signal);
	hlist_add_head(&timer->list, &current->signal->posix_timers);
	spin_unlock(&ckpt_sighand(current)->siglock);
	spin_unlock_irq(&timer->it_lock);
	return 0;
}

static int restore_timer(struct ckpt_ctx *ctx, struct xarray *queues,
			 const struct ckpt_posix_timer *r)
{
	struct pid *pid, *clock_pid;
	bool alive, ok = true;

	if (!record_ok(r))
		return ckpt_err(ctx, -EINVAL, "image: POSIX timer %u: clock %d, flags %#x, notification %u by signal %u",
				r->id, r->clockid, r->flags, r->notify,
				r->signo);
	pid = ckpt_any_pid_fetch(ctx, r->pid, r->dead_pid);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	clock_pid = ckpt_any_pid_fetch(ctx, r->clock_pid, r->dead_clock_pid);
	if (IS_ERR(clock_pid))
		return PTR_ERR(clock_pid);
	if (pid) {
		/* of a slot that a process group alone has there is no task */
		rcu_read_lock();
		alive = pid_task(pid, PIDTYPE_PID);
		ok = thread_of(pid, current) || !alive;
		rcu_read_unlock();
	}
	if (!ok)
		return ckpt_err(ctx, -EINVAL, "image: POSIX timer %u notifies a task that is no thread of the process",
				r->id);
	return make_timer(ctx, queues, r, pid, clock_pid);
}

static int keep_records(struct timers_defer *d,
			const struct ckpt_posix_timer *timers, size_t n)
{
	int err;

	err = ckpt_table_grow((void **)&d->timers, d->nr, &d->max, n,
			      sizeof(*d->timers));
	if (err)
		return err;
	memcpy(d->timers + d->nr, timers, n * sizeof(*timers));
	d->nr += n;
	return 0;
}

static int timers_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_timers *h;
	struct timers_defer *d = NULL;
	struct xarray queues;
	size_t size, i, n;
	bool more;
	int err = 0;

	xa_init_flags(&queues, XA_FLAGS_ACCOUNT);
	do {
		h = ckpt_read_rec(ctx, CKPT_HDR_TASK_TIMERS, sizeof(*h),
				  struct_size(h, timers, CKPT_TIMERS_CHUNK));
		if (IS_ERR(h)) {
			err = PTR_ERR(h);
			break;
		}
		size = h->h.len - sizeof(*h);
		n = size / sizeof(h->timers[0]);
		more = h->more;
		if (size % sizeof(h->timers[0]) || h->more > 1 ||
		    (more && !n) || h->next_id > INT_MAX ||
		    (h->next_id && !thread_group_leader(current)))
			err = ckpt_err(ctx, -EINVAL, "image: %zu bytes of POSIX timers, more %u, next id %u",
				       size, h->more, h->next_id);
		if (!err && thread_group_leader(current))
			current->signal->next_posix_timer_id = h->next_id;
		for (i = 0; i < n && !err; i++)
			err = restore_timer(ctx, &queues, &h->timers[i]);
		if (!err && n && !d) {
			d = ckpt_task_defer(ctx, CKPT_STATE_TIMERS, sizeof(*d));
			if (!d)
				err = -ENOMEM;
		}
		if (!err && n)
			err = keep_records(d, h->timers, n);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		kvfree(h);
	} while (more && !err);
	put_signals(&queues);
	return err;
}

/* Time that is left of the CPU time of whoever the timer is about */
static void start_cpu_timer(struct k_itimer *timer,
			    const struct ckpt_posix_timer *r)
{
	struct itimerspec64 new = {
		.it_value = ns_to_timespec64(r->value_ns),
		.it_interval = ns_to_timespec64(r->interval_ns),
	};

	/* one of SIGEV_NONE is set, but not armed */
	if (!(r->flags & CKPT_TIMER_ARMED))
		timer->it_sigev_notify = SIGEV_NONE;
	/* fails if that is gone */
	timer->kclock->timer_set(timer, 0, &new, NULL);
	timer->it_sigev_notify = r->notify;
	/* which resets these */
	timer->it_interval = r->interval_ns;
	timer->it_overrun = r->overrun;
	timer->it_overrun_last = r->overrun_last;
	timer->it_requeue_pending = r->requeue;
}

static void start_real_timer(struct k_itimer *timer,
			     const struct ckpt_posix_timer *r)
{
	bool clock = r->flags & CKPT_TIMER_CLOCK;
	struct hrtimer *hr = &timer->it.real.timer;
	ktime_t expires = r->value_ns;

	/* as common_hrtimer_arm() */
	if (timer->it_clock == CLOCK_REALTIME)
		timer->kclock = clock ? &clock_realtime : &clock_monotonic;
	if (!clock && expires > 0)
		expires = ktime_add_safe(base_time(timer, ktime_get()),
					 expires);
	else if (!clock)
		expires = max_t(s64, base_time(timer, ktime_get()) + expires, 1);
	timer->it_active = !!(r->flags & CKPT_TIMER_ARMED);
	if (is_alarm_timer(timer)) {
		*alarm_expires(timer) = expires;
		if (timer->it_active)
			alarm_start(&timer->it.alarm.alarmtimer, expires);
		return;
	}
	hrtimer_init(hr, timer->it_clock,
		     clock ? HRTIMER_MODE_ABS : HRTIMER_MODE_REL);
	hr->function = posix_timer_fn;
	hrtimer_set_expires(hr, expires);
	if (timer->it_active)
		hrtimer_start_expires(hr, HRTIMER_MODE_ABS);
}

/*
 * All threads are there, and none runs: let the timers run. A process that was
 * killed meanwhile deletes its own.
 */
static void timers_link(struct task_struct *t, void *defer)
{
	const struct timers_defer *d = defer;
	struct signal_struct *sig = t->signal;
	struct k_itimer *timer;
	u32 i;

	for (i = 0; i < d->nr; i++) {
		const struct ckpt_posix_timer *r = &d->timers[i];

		if (!(r->flags & CKPT_TIMER_SET))
			continue;
		rcu_read_lock();
		timer = __posix_timers_find(&posix_timers_hashtable[hash(sig, r->id)],
					    sig, r->id);
		if (timer) {
			spin_lock_irq(&timer->it_lock);
			if (timer->it_signal != sig)
				;	/* deleted */
			else if (is_cpu_timer(timer))
				start_cpu_timer(timer, r);
			else
				start_real_timer(timer, r);
			spin_unlock_irq(&timer->it_lock);
		}
		rcu_read_unlock();
	}
}

static void timers_discard(void *defer)
{
	struct timers_defer *d = defer;

	kvfree(d->timers);
}

const struct ckpt_task_ops ckpt_timers_task_ops = {
	.name		= "POSIX timers",
	.both		= true,
	.collect	= timers_collect,
	.checkpoint	= timers_checkpoint,
	.restore	= timers_restore,
	.link		= timers_link,
	.discard	= timers_discard,
};
