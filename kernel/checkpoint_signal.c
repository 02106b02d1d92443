// SPDX-License-Identifier: GPL-2.0
/*
 * Signals: what a process does about them, which are blocked and pending.
 *
 * A restored task has all signals blocked until its own mask is installed at
 * the very end, so that its pending ones can be queued before.
 */

#include <linux/checkpoint_types.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/signal.h>

#include "checkpoint.h"

/* Queued signals in one record */
#define CKPT_SIGNALS_CHUNK	256U

static void sigset_save(struct ckpt_sigset *to, const sigset_t *from)
{
	BUILD_BUG_ON(sizeof(*to) != sizeof(*from));
	to->sig = from->sig[0];
}

static void sigset_load(sigset_t *to, const struct ckpt_sigset *from)
{
	to->sig[0] = from->sig;
}

/* ----------------------------------------------------------- handlers */

static void sighand_grab(void *ptr)
{
	struct sighand_struct *sighand = ptr;

	refcount_inc(&sighand->count);
}

static void sighand_drop(void *ptr)
{
	__cleanup_sighand(ptr);
}

static int sighand_obj_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct sighand_struct *sighand = ptr;
	struct ckpt_hdr_sighand *h;
	int i, err;

	BUILD_BUG_ON(ARRAY_SIZE(h->action) != _NSIG);

	h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h)
		return -ENOMEM;
	spin_lock_irq(&sighand->siglock);
	for (i = 0; i < _NSIG; i++) {
		const struct sigaction *sa = &sighand->action[i].sa;
		struct ckpt_sigaction *a = &h->action[i];

		a->handler = (unsigned long)sa->sa_handler;
		a->flags = sa->sa_flags;
		a->restorer = (unsigned long)sa->sa_restorer;
		sigset_save(&a->mask, &sa->sa_mask);
	}
	spin_unlock_irq(&sighand->siglock);
	err = ckpt_write_rec(ctx, h, CKPT_HDR_SIGHAND, sizeof(*h));
	kfree(h);
	return err;
}

/* As sigaction(2) leaves it */
static int check_action(struct ckpt_ctx *ctx, int sig,
			const struct ckpt_sigaction *a)
{
	bool kernel_only = sig_kernel_only(sig);

	if ((a->flags & ~(u64)UAPI_SA_FLAGS) ||
	    (a->mask.sig & (sigmask(SIGKILL) | sigmask(SIGSTOP))) ||
	    (kernel_only &&
	     (a->handler || a->flags || a->restorer || a->mask.sig)))
		return ckpt_err(ctx, -EINVAL, "image: action of signal %d: handler %#llx flags %#llx mask %#llx",
				sig, a->handler, a->flags, a->mask.sig);
	return 0;
}

/*
 * What is made here is nobody's: it carries the actions to the process, whose
 * own cannot be exchanged.
 */
static void *sighand_obj_restore(struct ckpt_ctx *ctx)
{
	struct sighand_struct *sighand = NULL;
	struct ckpt_hdr_sighand *h;
	int i, err = 0;

	h = ckpt_read_rec(ctx, CKPT_HDR_SIGHAND, sizeof(*h), sizeof(*h));
	if (IS_ERR(h))
		return h;
	for (i = 0; i < _NSIG && !err; i++)
		err = check_action(ctx, i + 1, &h->action[i]);
	if (err)
		goto free;
	err = -ENOMEM;
	sighand = kmem_cache_alloc(sighand_cachep, GFP_KERNEL);
	if (!sighand)
		goto free;
	err = 0;
	refcount_set(&sighand->count, 1);
	for (i = 0; i < _NSIG; i++) {
		struct sigaction *sa = &sighand->action[i].sa;
		struct ckpt_sigaction *a = &h->action[i];

		sa->sa_handler = (__sighandler_t)(unsigned long)a->handler;
		sa->sa_flags = a->flags;
		sa->sa_restorer = (__sigrestore_t)(unsigned long)a->restorer;
		sigset_load(&sa->sa_mask, &a->mask);
	}
free:
	kvfree(h);
	return err ? ERR_PTR(err) : sighand;
}

/* Shared by the threads of one process alone: see sighand_collect(). */
const struct ckpt_obj_ops ckpt_sighand_obj_ops = {
	.name		= "signal handlers",
	.grab		= sighand_grab,
	.drop		= sighand_drop,
	.checkpoint	= sighand_obj_checkpoint,
	.restore	= sighand_obj_restore,
};

/* The references that the threads of a process hold on its handlers */
static int count_threads(struct task_struct *leader)
{
	struct task_struct *t;
	int n = 0;

	for_each_thread(leader, t)
		n++;
	return n;
}

static int check_handlers(struct ckpt_ctx *ctx, struct sighand_struct *sighand)
{
	unsigned long flags = 0;
	int i;

	spin_lock_irq(&sighand->siglock);
	for (i = 0; i < _NSIG; i++)
		flags |= sighand->action[i].sa.sa_flags;
	spin_unlock_irq(&sighand->siglock);

	if (flags & SA_IMMUTABLE)
		return ckpt_err(ctx, -EBUSY, "is being killed");
	if (flags & ~(unsigned long)UAPI_SA_FLAGS)
		return ckpt_err(ctx, -ENOSYS, "signal handlers of 32-bit code: not supported");
	return 0;
}

static int sighand_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct sighand_struct *sighand = ckpt_sighand(t);
	int own, users, err;

	/* a thread leaves the group and puts its reference under this lock */
	read_lock(&tasklist_lock);
	own = count_threads(t);
	users = refcount_read(&sighand->count);
	read_unlock(&tasklist_lock);
	if (ckpt_obj_collected(ctx, sighand, CKPT_OBJ_SIGHAND))
		users--;
	if (users > own)
		return ckpt_err(ctx, -ENOSYS, "signal handlers shared with another process (CLONE_SIGHAND): not supported");

	err = check_handlers(ctx, sighand);
	return err ?: ckpt_obj_collect_n(ctx, sighand, CKPT_OBJ_SIGHAND, own);
}

static int sighand_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_task_ref h = {};
	int ret;

	ret = ckpt_obj_checkpoint(ctx, ckpt_sighand(t), CKPT_OBJ_SIGHAND);
	if (ret < 0)
		return ret;
	h.objref = ret;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_SIGHAND, sizeof(h));
}

static int sighand_restore(struct ckpt_ctx *ctx)
{
	struct sighand_struct *saved, *sighand = ckpt_sighand(current);
	struct ckpt_hdr_task_ref h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TASK_SIGHAND, sizeof(h));
	if (err)
		return err;
	if (h.reserved)
		return ckpt_err(ctx, -EINVAL, "image: signal handlers: reserved field is %u",
				h.reserved);
	saved = ckpt_obj_fetch(ctx, h.objref, CKPT_OBJ_SIGHAND);
	if (IS_ERR(saved))
		return PTR_ERR(saved);
	if (refcount_read(&sighand->count) != 1)
		return ckpt_err(ctx, -EBUSY, "shares its signal handlers with another process");

	/* a task that replaces itself leaves its timers behind, as by exec */
	flush_itimer_signals();
	exit_itimers(current);

	spin_lock_irq(&sighand->siglock);
	memcpy(sighand->action, saved->action, sizeof(sighand->action));
	spin_unlock_irq(&sighand->siglock);
	return 0;
}

const struct ckpt_task_ops ckpt_sighand_task_ops = {
	.name		= "signal handlers",
	.process	= true,
	.collect	= sighand_collect,
	.checkpoint	= sighand_checkpoint,
	.restore	= sighand_restore,
};

/* ------------------------------------------------------ pending: save */

/**
 * struct queued - a queued signal
 * @info: what it says
 * @timer: it is the one that a POSIX timer sends
 */
struct queued {
	kernel_siginfo_t info;
	bool timer;
};

/**
 * struct pending - pending signals as they were at one moment
 * @set: all of them
 * @nr: queued ones
 * @room: how many @queue has room for
 * @queue: the queued ones, in order
 */
struct pending {
	sigset_t set;
	unsigned int nr;
	unsigned int room;
	struct queued *queue;
};

/* Whoever is outside may send signals meanwhile. */
static int pending_copy(struct ckpt_ctx *ctx, struct task_struct *t,
			const struct sigpending *from, struct pending *to)
{
	struct sighand_struct *sighand = ckpt_sighand(t);
	struct sigqueue *q;

	for (;;) {
		to->nr = 0;
		spin_lock_irq(&sighand->siglock);
		to->set = from->signal;
		list_for_each_entry(q, &from->list, list) {
			if (q->flags & SIGQUEUE_PREALLOC)
				q->flags |= CKPT_SIGQUEUE_TIMER;
			if (to->nr < to->room) {
				to->queue[to->nr].timer =
					q->flags & SIGQUEUE_PREALLOC;
				copy_siginfo(&to->queue[to->nr].info, &q->info);
			}
			to->nr++;
		}
		spin_unlock_irq(&sighand->siglock);

		/* what has killed one that its tracer has stopped at its exit */
		if (from == &t->signal->shared_pending && task_is_traced(t))
			sigdelset(&to->set, SIGKILL);
		if (sigismember(&to->set, SIGKILL))
			return ckpt_err(ctx, -EBUSY, "is being killed");
		if (to->nr <= to->room)
			return 0;

		kvfree(to->queue);
		to->room = to->nr + 8;
		to->queue = kvmalloc_array(to->room, sizeof(*to->queue),
					   GFP_KERNEL_ACCOUNT);
		if (!to->queue)
			return -ENOMEM;
	}
}

static bool has_pid(const kernel_siginfo_t *info)
{
	switch (siginfo_layout(info->si_signo, info->si_code)) {
	case SIL_KILL:
	case SIL_CHLD:
	case SIL_RT:
		return true;
	default:
		return false;
	}
}

static void siginfo_save(struct ckpt_ctx *ctx, struct task_struct *t,
			 struct ckpt_siginfo *to, const struct queued *queued)
{
	const kernel_siginfo_t *from = &queued->info;
	struct pid *pid;
	int slot = -ENOENT;

	BUILD_BUG_ON(sizeof(*from) > sizeof(to->info));

	memset(to, 0, sizeof(*to));
	memcpy(to->info, from, sizeof(*from));
	to->sig = from->si_signo;
	if (queued->timer)
		to->flags = CKPT_SIGINFO_TIMER;
	if (!has_pid(from) || from->si_pid <= 0)
		return;

	/* the pid of the sender may be another one after the restart */
	rcu_read_lock();
	pid = find_pid_ns(from->si_pid, task_active_pid_ns(t));
	if (pid)
		slot = ckpt_pid_slot(ctx, pid);
	rcu_read_unlock();
	if (slot >= 0) {
		to->flags |= CKPT_SIGINFO_PID;
		to->pid = slot;
	}
}

/**
 * ckpt_siginfo_save - a siginfo that is in no queue
 * @ctx: the context
 * @t: the task that it is for
 * @to: where to put it
 * @from: the siginfo
 *
 * Context: process context.
 */
void ckpt_siginfo_save(struct ckpt_ctx *ctx, struct task_struct *t,
		       struct ckpt_siginfo *to, const kernel_siginfo_t *from)
{
	struct queued queued = { .timer = false };

	copy_siginfo(&queued.info, from);
	siginfo_save(ctx, t, to, &queued);
}

static int pending_write(struct ckpt_ctx *ctx, struct task_struct *t,
			 const struct pending *p)
{
	struct ckpt_hdr_sigpending *h;
	unsigned int done = 0, n, i;
	int err;

	BUILD_BUG_ON(struct_size_t(struct ckpt_hdr_sigpending, queue,
				   CKPT_SIGNALS_CHUNK) > CKPT_REC_MAX);

	h = ckpt_scratch(ctx, struct_size(h, queue, min(p->nr,
							CKPT_SIGNALS_CHUNK)));
	if (!h)
		return -ENOMEM;
	memset(h, 0, sizeof(*h));
	sigset_save(&h->set, &p->set);
	do {
		n = min(p->nr - done, CKPT_SIGNALS_CHUNK);
		for (i = 0; i < n; i++)
			siginfo_save(ctx, t, &h->queue[i],
				     &p->queue[done + i]);
		done += n;
		h->more = done < p->nr;
		err = ckpt_write_rec(ctx, h, CKPT_HDR_SIGPENDING,
				     struct_size(h, queue, n));
	} while (!err && done < p->nr);
	return err;
}

static int pending_save(struct ckpt_ctx *ctx, struct task_struct *t,
			const struct sigpending *from, sigset_t *set)
{
	struct pending p = {};
	int err;

	err = pending_copy(ctx, t, from, &p);
	if (!err)
		err = pending_write(ctx, t, &p);
	*set = p.set;
	kvfree(p.queue);
	return err;
}

/* --------------------------------------------------- pending: restore */

static int siginfo_load(struct ckpt_ctx *ctx, kernel_siginfo_t *to,
			const struct ckpt_siginfo *from)
{
	bool of_timer = from->flags & CKPT_SIGINFO_TIMER;
	bool with_pid = from->flags & CKPT_SIGINFO_PID;
	struct pid *pid;

	memcpy(to, from->info, sizeof(*to));
	if (!valid_signal(from->sig) || !from->sig || from->sig == SIGKILL ||
	    to->si_signo != from->sig || from->reserved ||
	    memchr_inv(from->info + sizeof(*to), 0,
		       sizeof(from->info) - sizeof(*to)) ||
	    (from->flags & ~(CKPT_SIGINFO_PID | CKPT_SIGINFO_TIMER)) ||
	    (of_timer && to->si_code != SI_TIMER) ||
	    (!with_pid && from->pid) || (with_pid && !has_pid(to)))
		return ckpt_err(ctx, -EINVAL, "image: queued signal %u is malformed",
				from->sig);
	/* a thread, which is made later, keeps its number */
	if (!with_pid || ckpt_slot_is_later(ctx, from->pid))
		return 0;

	pid = ckpt_slot_pid(ctx, from->pid);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	to->si_pid = pid_nr_ns(pid, task_active_pid_ns(current));
	return 0;
}

/**
 * ckpt_siginfo_load - undo ckpt_siginfo_save()
 * @ctx: the context
 * @to: where to put it
 * @from: from the image, not checked yet
 *
 * Context: the restoring task.
 * Return: 0, or -EINVAL, reported.
 */
int ckpt_siginfo_load(struct ckpt_ctx *ctx, kernel_siginfo_t *to,
		      const struct ckpt_siginfo *from)
{
	return siginfo_load(ctx, to, from);
}

/* Queue a signal, within the limits that sending it would have. */
static int pending_add(struct ckpt_ctx *ctx, struct sigpending *queue,
		       const struct ckpt_siginfo *saved)
{
	kernel_siginfo_t info;
	struct sigqueue *q;
	bool override;
	int err;

	err = siginfo_load(ctx, &info, saved);
	if (err)
		return err;
	override = saved->sig < SIGRTMIN && info.si_code >= 0 &&
		   !sigismember(&queue->signal, saved->sig);
	q = ckpt_sigqueue_alloc(ckpt_new_cred()->ucounts, override);
	if (!q)
		return ckpt_err(ctx, -EAGAIN, "pending signals: more than RLIMIT_SIGPENDING of the caller of restart, %lu, or no memory",
				rlimit(RLIMIT_SIGPENDING));
	copy_siginfo(&q->info, &info);
	/* should there be no such timer, it is like any other */
	if (saved->flags & CKPT_SIGINFO_TIMER)
		q->flags = CKPT_SIGQUEUE_TIMER;
	list_add_tail(&q->list, &queue->list);
	sigaddset(&queue->signal, saved->sig);
	return 0;
}

static int pending_read(struct ckpt_ctx *ctx, struct sigpending *queue,
			sigset_t *set)
{
	struct ckpt_hdr_sigpending *h;
	bool first = true, more;
	size_t size, i, n;
	int err = 0;

	do {
		h = ckpt_read_rec(ctx, CKPT_HDR_SIGPENDING, sizeof(*h),
				  struct_size(h, queue, CKPT_SIGNALS_CHUNK));
		if (IS_ERR(h))
			return PTR_ERR(h);
		size = h->h.len - sizeof(*h);
		n = size / sizeof(h->queue[0]);
		more = h->more;
		if (size % sizeof(h->queue[0]) || h->more > 1 || h->reserved ||
		    (more && !n) || (!first && h->set.sig != set->sig[0]))
			err = ckpt_err(ctx, -EINVAL, "image: %zu bytes of queued signals, set %#llx, more %u",
				       size, h->set.sig, h->more);
		sigset_load(set, &h->set);
		for (i = 0; i < n && !err; i++)
			err = pending_add(ctx, queue, &h->queue[i]);
		first = false;
		kvfree(h);
	} while (more && !err);

	if (!err && (sigismember(set, SIGKILL) ||
		     (queue->signal.sig[0] & ~set->sig[0])))
		err = ckpt_err(ctx, -EINVAL, "image: pending signals %#lx, queued are %#lx",
			       set->sig[0], queue->signal.sig[0]);
	return err;
}

static int pending_restore(struct ckpt_ctx *ctx, struct sigpending *to)
{
	struct sigpending queue = {
		.list = LIST_HEAD_INIT(queue.list),
	};
	sigset_t set;
	int err;

	err = pending_read(ctx, &queue, &set);
	if (err) {
		flush_sigqueue(&queue);
		return err;
	}
	/* before those that came meanwhile */
	spin_lock_irq(&ckpt_sighand(current)->siglock);
	list_splice(&queue.list, &to->list);
	sigorsets(&to->signal, &to->signal, &set);
	spin_unlock_irq(&ckpt_sighand(current)->siglock);
	return 0;
}

/* ------------------------------------------- signal state of a thread */

static int signal_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct sighand_struct *sighand = ckpt_sighand(t);
	struct ckpt_hdr_task_signal h = {
		.ss_flags = t->sas_ss_flags,
		.ss_sp = t->sas_ss_sp,
		.ss_size = t->sas_ss_size,
	};
	const struct pending none = {};
	sigset_t set;
	int err;

	sigset_save(&h.blocked, &t->blocked);
	if (test_tsk_restore_sigmask(t)) {
		h.flags |= CKPT_SIG_RESTORE_MASK;
		sigset_save(&h.saved_mask, &t->saved_sigmask);
	}
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_SIGNAL, sizeof(h));
	if (!err && ckpt_stands_in(ctx, t))
		err = pending_write(ctx, t, &none);
	else if (!err)
		err = pending_save(ctx, t, &t->pending, &set);
	if (err || !ckpt_of_leader(ctx))
		return err;

	err = pending_save(ctx, t, &t->signal->shared_pending, &set);
	if (!err && sigismember(&set, SIGALRM))
		ckpt_obj_mark(ctx, sighand, CKPT_OBJ_SIGHAND,
			      CKPT_SIGHAND_MARK_ALRM);
	return err;
}

/* As sigaltstack(2) would set it, or as it is without one */
static int altstack_restore(struct ckpt_ctx *ctx,
			    const struct ckpt_hdr_task_signal *h)
{
	u32 mode = h->ss_flags & ~SS_FLAG_BITS;
	bool ok;

	if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
		return ckpt_err(ctx, -EINVAL, "image: alternate signal stack: flags %#x",
				h->ss_flags);

	spin_lock_irq(&ckpt_sighand(current)->siglock);
	if (!h->ss_size)
		ok = !h->ss_sp;
	else
		ok = mode != SS_DISABLE && h->ss_size >= MINSIGSTKSZ &&
		     sigaltstack_size_valid(h->ss_size);
	if (ok) {
		current->sas_ss_sp = h->ss_sp;
		current->sas_ss_size = h->ss_size;
		current->sas_ss_flags = h->ss_flags;
	}
	spin_unlock_irq(&ckpt_sighand(current)->siglock);
	if (!ok)
		return ckpt_err(ctx, -EINVAL, "alternate signal stack at %#llx, of %llu bytes: malformed, or too small here",
				h->ss_sp, h->ss_size);
	return 0;
}

/**
 * struct signal_defer - what is put aside until commit
 * @blocked: blocked signals
 * @saved: the mask that a system call set aside
 * @restore: @saved is to be put back
 */
struct signal_defer {
	sigset_t blocked;
	sigset_t saved;
	bool restore;
};

static void mask_load(sigset_t *to, const struct ckpt_sigset *from)
{
	sigset_load(to, from);
	sigdelsetmask(to, sigmask(SIGKILL) | sigmask(SIGSTOP));
}

static int signal_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_signal h;
	struct signal_defer *d;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TASK_SIGNAL, sizeof(h));
	if (err)
		return err;
	if ((h.flags & ~CKPT_SIG_RESTORE_MASK) ||
	    (!h.flags && h.saved_mask.sig))
		return ckpt_err(ctx, -EINVAL, "image: signal state: flags %#x, saved mask %#llx",
				h.flags, h.saved_mask.sig);
	err = altstack_restore(ctx, &h);
	if (err)
		return err;

	d = ckpt_task_defer(ctx, CKPT_STATE_SIGNAL, sizeof(*d));
	if (!d)
		return -ENOMEM;
	mask_load(&d->blocked, &h.blocked);
	mask_load(&d->saved, &h.saved_mask);
	d->restore = h.flags & CKPT_SIG_RESTORE_MASK;

	/* SIGSTOP, too: a pending one must not interrupt the restart */
	spin_lock_irq(&ckpt_sighand(current)->siglock);
	siginitsetinv(&current->blocked, sigmask(SIGKILL));
	recalc_sigpending();
	spin_unlock_irq(&ckpt_sighand(current)->siglock);

	err = pending_restore(ctx, &current->pending);
	if (!err && thread_group_leader(current))
		err = pending_restore(ctx, &current->signal->shared_pending);
	return err;
}

static void signal_commit(void *defer)
{
	const struct signal_defer *d = defer;

	spin_lock_irq(&ckpt_sighand(current)->siglock);
	current->blocked = d->blocked;
	recalc_sigpending();
	spin_unlock_irq(&ckpt_sighand(current)->siglock);

	clear_restore_sigmask();
	if (d->restore) {
		current->saved_sigmask = d->saved;
		set_restore_sigmask();
	}
}

const struct ckpt_task_ops ckpt_signal_task_ops = {
	.name		= "signals",
	.checkpoint	= signal_checkpoint,
	.restore	= signal_restore,
	.commit		= signal_commit,
};
