// SPDX-License-Identifier: GPL-2.0
/*
 * Parking: a task tree is brought to a stop with each task at the boundary to
 * user mode, its registers saved and no system call half done.
 *
 * The checkpointing task attaches a struct ckpt_task to every task of the
 * tree and sends it a notification, which interrupts what it waits in as a
 * signal would. On its way back to user mode get_signal() calls
 * checkpoint_park(), and there it stays. A task in group stop stands at the
 * same place already; it is made to park, should SIGCONT wake it, before it
 * looks at any signal. One that waits for its vfork child is in the middle of a
 * call, but nothing of it is left to do. One that is in a ptrace stop stands
 * still, too, as long as its tracer is parked.
 *
 * Locking: task->ckpt_task is attached and detached under siglock. The state
 * of a struct ckpt_task is changed under its wait.lock, which nests inside.
 */

#include <linux/cgroup.h>
#include <linux/xarray.h>
#include <linux/freezer.h>
#include <linux/io_uring_types.h>
#include <linux/ptrace.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/signal.h>
#include <linux/task_work.h>

#include <trace/events/checkpoint.h>

#include "internal.h"

/*
 * How long to wait before a task that has not parked is notified again: its
 * notification may have been swallowed on the way, as io_uring does.
 */
#define CKPT_KICK_INTERVAL	(HZ / 20 ?: 1)

/* How long to wait for tasks that are released to have gone into group stop */
#define CKPT_STOP_TIMEOUT	(10 * HZ)

/* How often to look whether a task stands still before sleeping */
#define CKPT_SPINS		1000

/**
 * ckpt_task_alloc - a new part in a checkpoint or restart
 * @t: whose, or NULL if the task is not there yet
 * @state: CKPT_PARK_*
 *
 * Context: process context, may sleep.
 * Return: it, with two references: one for the caller and one for the task;
 * or NULL.
 */
struct ckpt_task *ckpt_task_alloc(struct task_struct *t, unsigned int state)
{
	struct ckpt_task *ct = kzalloc(sizeof(*ct), GFP_KERNEL_ACCOUNT);

	if (!ct)
		return NULL;
	refcount_set(&ct->refs, 2);
	if (t)
		ct->task = get_task_struct(t);
	ct->state = state;
	init_waitqueue_head(&ct->wait);
	return ct;
}

/**
 * ckpt_task_put - put a reference
 * @ct: may be NULL
 *
 * Context: process context, may sleep.
 */
void ckpt_task_put(struct ckpt_task *ct)
{
	if (!ct || !refcount_dec_and_test(&ct->refs))
		return;
	ckpt_task_discard(ct);
	ckpt_vfork_forget(ct);
	kvfree(ct->trace);
	if (ct->task)
		put_task_struct(ct->task);
	kfree(ct->restore);
	kfree(ct);
}

/*
 * Tell whoever waits for the tree that this task need not be waited for. The
 * tree may be gone once the lock is dropped.
 */
static void tell_tree(struct ckpt_task *ct)
{
	lockdep_assert_held(&ct->wait.lock);

	if (!ct->tree)
		return;
	if (atomic_dec_and_test(&ct->tree->pending) || ct->restore)
		wake_up(&ct->tree->wait);
	ct->tree = NULL;
}

/**
 * ckpt_task_forget_tree - the tree does not wait for a task any more
 * @ct: its part
 *
 * Context: any that may take a spinlock.
 */
void ckpt_task_forget_tree(struct ckpt_task *ct)
{
	spin_lock_irq(&ct->wait.lock);
	tell_tree(ct);
	spin_unlock_irq(&ct->wait.lock);
}

/* ------------------------------------------------- seen from the task */

/* The task will not park: nobody has to wait for it, nor reads it any more. */
static void gone(struct ckpt_task *ct)
{
	spin_lock_irq(&ct->wait.lock);
	ct->state = CKPT_PARK_GONE;
	tell_tree(ct);
	spin_unlock_irq(&ct->wait.lock);
	/* out of a group stop, it is killed without having been in the park */
	wait_event(ct->wait, !READ_ONCE(ct->pins));
}

/**
 * ckpt_task_attach_current - the current task takes part in a restart
 * @ct: its part, with a reference that becomes the task's
 *
 * A checkpoint of the tree that the caller of restart is in may have been
 * faster: it is told that this task will not park.
 *
 * Context: current, may sleep.
 */
void ckpt_task_attach_current(struct ckpt_task *ct)
{
	struct ckpt_task *old;

	spin_lock_irq(&current->sighand->siglock);
	old = current->ckpt_task;
	current->ckpt_task = ct;
	spin_unlock_irq(&current->sighand->siglock);
	if (!old)
		return;
	gone(old);
	ckpt_task_put(old);
}

/**
 * ckpt_task_detach_current - the current task takes no part any more
 *
 * Context: current, may sleep.
 */
void ckpt_task_detach_current(void)
{
	struct ckpt_task *ct;

	spin_lock_irq(&current->sighand->siglock);
	ct = current->ckpt_task;
	current->ckpt_task = NULL;
	spin_unlock_irq(&current->sighand->siglock);
	ckpt_task_put(ct);
}

/* Does what current takes part in go on after it has left the park? */
static bool leave(struct ckpt_task *ct)
{
	bool kept;

	spin_lock_irq(&ct->wait.lock);
	kept = ct->keep;
	if (kept)
		ct->state = CKPT_PARK_KEPT;
	spin_unlock_irq(&ct->wait.lock);
	return kept;
}

/**
 * ckpt_task_keep - stay attached to a struct ckpt_task after the park
 *
 * For a system call that is made again with what was left of its time: the
 * wait finds it in there.
 *
 * Context: current, about to park, or being committed.
 */
void ckpt_task_keep(void)
{
	current->ckpt_task->keep = true;
}

/**
 * ckpt_task_release - end what ckpt_task_keep() started
 *
 * Context: current, may sleep.
 */
void ckpt_task_release(void)
{
	struct ckpt_task *ct = current->ckpt_task;
	bool detach;

	if (!ct)
		return;
	spin_lock_irq(&current->sighand->siglock);
	spin_lock(&ct->wait.lock);
	ct->keep = false;
	ct->clamped = false;
	/* a new checkpoint may have told the task to park meanwhile */
	detach = ct->state == CKPT_PARK_KEPT;
	if (detach)
		current->ckpt_task = NULL;
	spin_unlock(&ct->wait.lock);
	spin_unlock_irq(&current->sighand->siglock);
	if (detach)
		ckpt_task_put(ct);
}

/* Stand still until released, or killed. */
static void park(struct ckpt_task *ct)
{
	bool frozen = cgroup_task_frozen(current);

	/* for a cgroup that is told to freeze, a parked task is frozen */
	if (!frozen)
		cgroup_enter_frozen();

	trace_checkpoint_park(current, true);
	spin_lock_irq(&ct->wait.lock);
	if (ct->state == CKPT_PARK_KICKED) {
		ct->state = CKPT_PARK_PARKED;
		/* attach() may have come after this was set on the way here */
		ct->entered = true;
		tell_tree(ct);
	}
	spin_unlock_irq(&ct->wait.lock);

	/*
	 * Whoever is killed leaves, but only after the record that is being
	 * written of it is done.
	 */
	if (wait_event_killable(ct->wait,
				READ_ONCE(ct->state) == CKPT_PARK_RELEASED)) {
		spin_lock_irq(&ct->wait.lock);
		if (ct->state == CKPT_PARK_PARKED)
			ct->state = CKPT_PARK_GONE;
		spin_unlock_irq(&ct->wait.lock);
		wait_event(ct->wait, !READ_ONCE(ct->pins));
	}
	trace_checkpoint_park(current, false);

	/* back to the freezer's trap if it is set */
	if (!frozen)
		cgroup_leave_frozen(false);
}

/* Is its tracer to be told now of the end of a call that parking interrupted? */
static bool exit_is_due(struct ckpt_task *ct)
{
	/* no: it is made again first, or a signal comes: __checkpoint_signal() */
	if (!ct->exit_due || ct->keep)
		return false;
	ct->exit_due = false;
	return true;
}

bool __checkpoint_hides_exit(void)
{
	struct ckpt_task *ct;
	bool hides = false;

	if (task_sigpending(current) || !ckpt_call_restarts())
		return false;
	spin_lock_irq(&current->sighand->siglock);
	ct = current->ckpt_task;
	if (ct) {
		spin_lock(&ct->wait.lock);
		/* it is on its way to the park, out of a stop perhaps */
		hides = ct->state == CKPT_PARK_KICKED ||
			(!ct->entered && (ct->state == CKPT_PARK_PARKED ||
					  ct->state == CKPT_PARK_RELEASED));
		if (hides)
			ct->exit_due = true;
		spin_unlock(&ct->wait.lock);
	}
	spin_unlock_irq(&current->sighand->siglock);
	return hides;
}

/*
 * Returns true if the task has gone on with a call: that may have been cut
 * short by another checkpoint, which it is to park for before it goes on.
 */
static bool park_once(void)
{
	struct ckpt_task *ct, *restored = NULL;
	bool due, again = false;

	spin_lock_irq(&current->sighand->siglock);
	ct = current->ckpt_task;
	if (ct)
		ct->entered = true;
	spin_unlock_irq(&current->sighand->siglock);
	if (!ct)
		return false;

	switch (READ_ONCE(ct->state)) {
	case CKPT_PARK_KICKED:
	case CKPT_PARK_PARKED:
		ct->keep = false;
		ckpt_restart_interrupted(ct);
		park(ct);
		break;
	case CKPT_PARK_RELEASED:
		ct->keep = false;
		ckpt_restart_interrupted(ct);
		break;
	case CKPT_PARK_COMMIT:
		ckpt_task_commit(ct);
		ckpt_ptrace_take(ct);
		ckpt_task_discard(ct);
		ckpt_task_forget_tree(ct);
		/* nobody is to meet another who is not what it was so far */
		wait_event_killable(ct->wait, READ_ONCE(ct->go));
		restored = ct;
		break;
	case CKPT_PARK_KEPT:
		/*
		 * A notification that came when it had parked already has cut
		 * short the call that it was making again. One that its tracer
		 * is to see is not made here.
		 */
		if (ct->keep)
			ckpt_restart_interrupted(ct);
		return false;
	default:
		return false;
	}
	due = exit_is_due(ct);
	/*
	 * A new checkpoint may come while it waits, or is in a stop. It keeps
	 * what it was committed with until the end, or until it exits: a call
	 * that is made there need not return.
	 */
	if (!leave(ct)) {
		ckpt_task_detach_current();
	} else if (restored) {
		ckpt_task_resume(restored);
		/* a signal that is to be delivered comes first */
		again = !restored->signal;
	}
	if (due)
		ckpt_report_exit();
	return again;
}

void __checkpoint_park(void)
{
	while (park_once())
		;
}

void __checkpoint_task_exit(struct task_struct *tsk)
{
	struct ckpt_task *ct;

	spin_lock_irq(&tsk->sighand->siglock);
	ct = tsk->ckpt_task;
	spin_unlock_irq(&tsk->sighand->siglock);
	if (!ct)
		return;
	/* exit_task_work() comes behind exit_mm(), exit_files() and exit_fs() */
	if (ct->exited)
		task_work_add(tsk, ct->exited, TWA_NONE);
	gone(ct);
	ckpt_task_detach_current();
}

/* ------------------------------------------- seen from the checkpoint */

/* May it be waiting for a vfork child, or its tracer be told of one before? */
static bool may_be_in_vfork(struct task_struct *t)
{
	return (READ_ONCE(t->__state) & TASK_KILLABLE) == TASK_KILLABLE ||
	       task_is_traced(t);
}

/**
 * ckpt_is_vfork_child - does a task in vfork(2) wait for this child?
 * @t: the task
 * @child: a child of it
 *
 * From when it has made such a child, which has the address of a completion on
 * its stack, the task sleeps nowhere else in this state.
 *
 * Context: tasklist_lock is held.
 * Return: true if it does.
 */
bool ckpt_is_vfork_child(struct task_struct *t, struct task_struct *child)
{
	void *stack = task_stack_page(t), *done = READ_ONCE(child->vfork_done);

	lockdep_assert_held(&tasklist_lock);

	return may_be_in_vfork(t) && done >= stack &&
	       done < stack + THREAD_SIZE;
}

/**
 * ckpt_in_vfork - does a task in vfork(2) wait for its child?
 * @t: the task
 *
 * Context: tasklist_lock is held.
 * Return: true if it does.
 */
bool ckpt_in_vfork(struct task_struct *t)
{
	struct task_struct *child;

	lockdep_assert_held(&tasklist_lock);

	if (!may_be_in_vfork(t))
		return false;
	list_for_each_entry(child, &t->children, sibling)
		if (ckpt_is_vfork_child(t, child))
			return true;
	return false;
}

static bool waits_for_vfork(struct task_struct *t)
{
	bool waits;

	read_lock(&tasklist_lock);
	waits = ckpt_in_vfork(t);
	read_unlock(&tasklist_lock);
	return waits;
}

/* In the middle of a call, or of what follows, and yet nothing is half done */
static bool stands_still(struct task_struct *t)
{
	return task_is_traced(t) || waits_for_vfork(t);
}

/*
 * In group stop it stands at the boundary already. Should SIGCONT wake it,
 * get_signal() handles this trap, and so parks it, before it dequeues anything.
 */
static void attach_stopped(struct task_struct *t, struct ckpt_task *ct)
{
	ct->state = CKPT_PARK_PARKED;
	t->jobctl |= JOBCTL_TRAP_FREEZE;
}

/*
 * Attach @ct to @t, or use what is attached to it from before: a system call
 * that is being made again, or a task that was released before it had parked.
 * Returns -EAGAIN if it is just leaving another checkpoint or restart, -EBUSY if
 * that goes on, -ESRCH if it exits, -ETXTBSY if it dumps core, which a
 * notification would cut short. @ctp is put if this fails.
 */
static int attach(struct ckpt_ctx *ctx, struct task_struct *t,
		  struct ckpt_task **ctp)
{
	struct ckpt_task *ct = *ctp, *old;
	unsigned long flags;
	int ret = 0;

	if (!lock_task_sighand(t, &flags)) {
		ret = -ESRCH;
		goto put;
	}
	old = t->ckpt_task;
	if (t->flags & PF_EXITING) {
		ret = -ESRCH;
		goto unlock;
	}
	if (t->signal->core_state) {
		ret = -ETXTBSY;
		goto unlock;
	}
	if (old) {
		spin_lock(&old->wait.lock);
		if (old->state != CKPT_PARK_KEPT &&
		    !(old->state == CKPT_PARK_RELEASED && !old->entered)) {
			ret = old->state == CKPT_PARK_RELEASED ||
			      old->state == CKPT_PARK_COMMIT ||
			      old->state == CKPT_PARK_GONE ? -EAGAIN : -EBUSY;
			spin_unlock(&old->wait.lock);
			goto unlock;
		}
		old->state = CKPT_PARK_KICKED;
		old->entered = false;
		old->asleep = false;
		old->switches = 0;
		old->tree = ctx->tree;
		spin_unlock(&old->wait.lock);
		refcount_inc(&old->refs);
		*ctp = old;
	} else {
		ct->tree = ctx->tree;
		t->ckpt_task = ct;
	}
	if (task_is_stopped(t)) {
		(*ctp)->tree = NULL;
		attach_stopped(t, *ctp);
	} else {
		atomic_inc(&ctx->tree->pending);
	}
unlock:
	unlock_task_sighand(t, &flags);
put:
	if (ct != *ctp || ret) {
		/* the task's reference and the caller's */
		ckpt_task_put(ct);
		ckpt_task_put(ct);
	}
	return ret;
}

static int dumps_core(struct ckpt_ctx *ctx)
{
	return ckpt_err(ctx, -EBUSY, "dumps core: try again");
}

/* What cannot be brought to the boundary, or must not be */
static int may_park(struct ckpt_ctx *ctx, struct task_struct *t)
{
	if (t->flags & PF_KTHREAD)
		return ckpt_err(ctx, -EINVAL, "is a kernel thread");
	if (t->flags & PF_USER_WORKER)
		return ckpt_err(ctx, -ENOSYS,
				"is a worker thread of the kernel (io_uring, vhost): not supported");
#ifdef CONFIG_IO_URING
	/* it waits for completions without looking at its notifications */
	if (t->io_uring && !xa_empty(&t->io_uring->xa))
		return ckpt_err(ctx, -ENOSYS, "io_uring: not supported");
#endif
	/* a call of it that is interrupted would not be made again */
	if (ckpt_arch_is_compat(t))
		return ckpt_err(ctx, -ENOSYS, "32-bit program: not supported");
	if (t->signal->core_state)
		return dumps_core(ctx);
	if (!ptrace_may_access(t, PTRACE_MODE_ATTACH_REALCREDS))
		return ckpt_err(ctx, -EPERM, "you may not trace it");
	if (!ckpt_tracer_inside(ctx, t, NULL))
		return ckpt_err(ctx, -ENOSYS,
				"is being traced: not supported, detach the tracer");
	return 0;
}

/* All that may fail, or take its time, while the tree still runs */
static int prepare(struct ckpt_ctx *ctx, struct ckpt_tree_task *row)
{
	int err;

	err = may_park(ctx, row->task);
	if (err)
		return err;
	err = xa_reserve(&ctx->tree->parts, ckpt_ptr_index(row->task),
			 GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	row->spare = ckpt_task_alloc(row->task, CKPT_PARK_KICKED);
	return row->spare ? 0 : -ENOMEM;
}

/*
 * Waiting for its child, or its tracer, it stands still. Should it be woken by
 * one that is not parked so far, it parks where all others do: see
 * wait_off_cpu(). For that it has its notification already.
 */
static void park_asleep(struct ckpt_task *ct)
{
	spin_lock_irq(&ct->wait.lock);
	if (ct->state == CKPT_PARK_KICKED) {
		ct->state = CKPT_PARK_PARKED;
		ct->asleep = true;
		tell_tree(ct);
	}
	spin_unlock_irq(&ct->wait.lock);
}

static int kick(struct ckpt_ctx *ctx, struct ckpt_tree_task *row)
{
	struct ckpt_task *ct = row->spare;
	int err;

	row->spare = NULL;
	err = attach(ctx, row->task, &ct);
	if (err == -ESRCH || err == -EAGAIN)
		return err;
	if (err == -ETXTBSY)
		return dumps_core(ctx);
	if (err)
		return ckpt_err(ctx, err,
				"takes part in another checkpoint or restart: try again");
	xa_store(&ctx->tree->parts, ckpt_ptr_index(row->task), ct,
		 GFP_KERNEL_ACCOUNT);
	row->ct = ct;
	set_notify_signal(row->task);
	if (stands_still(row->task))
		park_asleep(ct);
	return 0;
}

/* It was past the park already, and has gone into group stop. */
static void park_stopped(struct ckpt_task *ct)
{
	unsigned long flags;

	if (!lock_task_sighand(ct->task, &flags))
		return;
	spin_lock(&ct->wait.lock);
	if (ct->state == CKPT_PARK_KICKED && task_is_stopped(ct->task)) {
		attach_stopped(ct->task, ct);
		tell_tree(ct);
	}
	spin_unlock(&ct->wait.lock);
	unlock_task_sighand(ct->task, &flags);
}

static int busy(struct ckpt_ctx *ctx, struct ckpt_tree_task *row)
{
	unsigned long wchan = get_wchan(row->task);

	ctx->task = row->task;
	if (wchan)
		return ckpt_err(ctx, -EBUSY,
				"does not come to the boundary of user mode, it is in %pS: try again",
				(void *)wchan);
	return ckpt_err(ctx, -EBUSY,
			"does not come to the boundary of user mode: try again");
}

/* Wait until all that were kicked have parked, or are gone. */
static int wait_parked(struct ckpt_ctx *ctx, unsigned long deadline)
{
	struct ckpt_tree *tree = ctx->tree;
	unsigned int looks = 0;
	long left;
	u32 i;

	/* the last ones need but a moment, of another CPU */
	while (atomic_read(&tree->pending) && single_task_running() &&
	       looks++ < CKPT_SPINS)
		cpu_relax();
	for (;;) {
		left = wait_event_killable_timeout(tree->wait,
						   !atomic_read(&tree->pending),
						   CKPT_KICK_INTERVAL);
		if (left > 0)
			return 0;
		if (left < 0)
			return -EINTR;
		for (i = 0; i < tree->nr_tasks; i++) {
			struct ckpt_tree_task *row = &tree->tasks[i];

			if (!row->ct ||
			    READ_ONCE(row->ct->state) != CKPT_PARK_KICKED)
				continue;
			ctx->task = row->task;
			if (!ckpt_tracer_inside(ctx, row->task, NULL))
				return ckpt_err(ctx, -ENOSYS,
						"is being traced: not supported, detach the tracer");
			if (task_is_stopped(row->task)) {
				park_stopped(row->ct);
				continue;
			}
			if (stands_still(row->task)) {
				park_asleep(row->ct);
				continue;
			}
			if (row->task->signal->core_state)
				return dumps_core(ctx);
			if (time_after(jiffies, deadline))
				return busy(ctx, row);
			set_notify_signal(row->task);
		}
	}
}

/* Wait until a task that has begun to exit is a zombie, or gone. */
static int wait_exited(struct ckpt_ctx *ctx, struct ckpt_tree_task *row,
		       unsigned long deadline)
{
	long left;

	do {
		/* a leader whose threads live on does not wake anybody */
		left = wait_event_killable_timeout(row->pid->wait_pidfd,
						   READ_ONCE(row->task->exit_state),
						   CKPT_KICK_INTERVAL);
		if (left < 0)
			return -EINTR;
		if (left > 0)
			return 0;
	} while (time_before(jiffies, deadline));
	return ckpt_err(ctx, -EBUSY, "does not finish its exit: try again");
}

/* Wait until a task has left what it took part in before. */
static int wait_left(struct ckpt_ctx *ctx, unsigned long deadline)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	if (time_after(jiffies, deadline))
		return ckpt_err(ctx, -EBUSY,
				"does not leave another checkpoint or restart: try again");
	schedule_timeout_killable(1);
	return 0;
}

/* A tick is long beside what a task has left to do: look often at first. */
static void wait_a_moment(unsigned int *looks)
{
	if ((*looks)++ < CKPT_SPINS) {
		cpu_relax();
		cond_resched();
	} else {
		schedule_timeout_killable(1);
	}
}

/**
 * ckpt_woken - has a task that stood still gone on?
 * @ct: its part
 *
 * Context: process context.
 * Return: true if it has since the tree was parked: it is on its way to the
 * park, or there.
 */
bool ckpt_woken(const struct ckpt_task *ct)
{
	return READ_ONCE(ct->asleep) &&
	       (READ_ONCE(ct->entered) || !stands_still(ct->task));
}

/*
 * FPU state and PKRU are in the task once it is off the CPU. It says that it
 * has parked a moment before it goes to sleep. Returns 1 if it has been on the
 * CPU since this was asked last, and may have made children.
 */
static int wait_off_cpu(struct ckpt_ctx *ctx, struct ckpt_tree_task *row,
			unsigned long deadline)
{
	struct ckpt_task *ct = row->ct;
	unsigned long switches;
	unsigned int looks = 0;
	bool entered;

	ctx->task = row->task;
	for (;;) {
		/* killed: ckpt_task_pin() says so */
		if (READ_ONCE(ct->state) != CKPT_PARK_PARKED)
			return 0;
		/* before it is off the CPU, or it might not be there yet */
		entered = READ_ONCE(ct->entered);
		switches = wait_task_inactive(row->task, TASK_NORMAL |
					      TASK_STOPPED | TASK_TRACED);
		if (switches && (entered || !ckpt_woken(ct)))
			break;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, deadline))
			return busy(ctx, row);
		wait_a_moment(&looks);
	}
	/* it stands in the park, where nothing wakes it */
	if (entered)
		ct->asleep = false;
	if (ct->switches == switches)
		return 0;
	ct->switches = switches;
	return 1;
}

static bool is_ours(const struct ckpt_tree_task *row)
{
	return row->task == current ||
	       (row->ct && READ_ONCE(row->ct->state) != CKPT_PARK_GONE);
}

/* Get ready to kick whoever of the rows has not been. */
static int prepare_all(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	int err;
	u32 i;

	for (i = 0; i < tree->nr_tasks; i++) {
		struct ckpt_tree_task *row = &tree->tasks[i];

		if (row->task == current && !(tree->flags & CKPT_TREE_SELF))
			return ckpt_err(ctx, -EINVAL,
					"the caller is in the tree that it wants to checkpoint");
		if (is_ours(row) || row->ct || READ_ONCE(row->task->exit_state))
			continue;
		ctx->task = row->task;
		err = prepare(ctx, row);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Kick whoever has been prepared, and wait for whoever exits. Returns 1 if
 * there was somebody.
 */
static int kick_all(struct ckpt_ctx *ctx, unsigned long deadline)
{
	struct ckpt_tree *tree = ctx->tree;
	int err, found = 0;
	u32 i;

	for (i = 0; i < tree->nr_tasks; i++) {
		struct ckpt_tree_task *row = &tree->tasks[i];

		if (is_ours(row) || (!row->spare &&
				     READ_ONCE(row->task->exit_state)))
			continue;
		found = 1;
		ctx->task = row->task;
		/* one that was kicked, and exits instead of parking */
		err = row->ct ? -ESRCH : kick(ctx, row);
		if (err == -ESRCH)
			err = wait_exited(ctx, row, deadline);
		else if (err == -EAGAIN)
			err = wait_left(ctx, deadline);
		if (err)
			return err;
	}
	return found;
}

/**
 * ckpt_park_tree - bring the whole tree to a stop
 * @ctx: the context, with root_task
 * @timeout: how long to wait, in jiffies
 *
 * Whoever is not parked yet may make children and threads: the tree is walked
 * until nobody new is found, and nobody known was on the CPU meanwhile.
 * ckpt_release_tree() must follow, also on failure.
 *
 * Context: process context, may sleep.
 * Return: 0, -EBUSY for a task that does not come to the boundary in time,
 * exits, or takes part in another checkpoint, -ENOSYS for one that cannot,
 * -EPERM, -EINVAL if the caller is in the tree, -EINTR, -ENOMEM.
 */
int ckpt_park_tree(struct ckpt_ctx *ctx, unsigned long timeout)
{
	unsigned long deadline = jiffies + timeout;
	struct ckpt_tree *tree = ctx->tree;
	int again, err;
	u32 i;

	do {
		err = ckpt_tree_walk(ctx);
		if (!err)
			err = prepare_all(ctx);
		if (err)
			return err;
		if (!ctx->kicked_at)
			ctx->kicked_at = ktime_get();
		again = kick_all(ctx, deadline);
		if (again < 0)
			return again;
		err = wait_parked(ctx, deadline);
		if (err)
			return err;
		for (i = 0; i < tree->nr_tasks; i++) {
			if (!tree->tasks[i].ct)
				continue;
			err = wait_off_cpu(ctx, &tree->tasks[i], deadline);
			if (err < 0)
				return err;
			again |= err;
		}
	} while (again);
	ctx->task = NULL;
	return 0;
}

static bool told_to_freeze(struct task_struct *t)
{
	bool freeze;

	rcu_read_lock();
	freeze = test_bit(CGRP_FREEZE, &task_dfl_cgroup(t)->flags);
	rcu_read_unlock();
	return freeze;
}

/* It has not come to the park: the call that it is in is not to be cut short. */
static void undo_notify(struct task_struct *t)
{
	clear_tsk_thread_flag(t, TIF_NOTIFY_SIGNAL);
	/* pairs with task_work_add(), which sets it when the work is there */
	smp_mb__after_atomic();
	if (task_work_pending(t))
		set_notify_signal(t);
}

static void release(struct ckpt_task *ct)
{
	struct task_struct *t = ct->task;
	bool detach = false;
	unsigned long flags;

	if (!lock_task_sighand(t, &flags))
		return;
	spin_lock(&ct->wait.lock);
	tell_tree(ct);
	if (ct->state == CKPT_PARK_PARKED || ct->state == CKPT_PARK_KICKED) {
		/*
		 * One that is in group stop, or waits for its tracer, has not
		 * seen any of this. One that is still on its way has: it stays
		 * attached, so that the call which its notification interrupts
		 * is put right. So may one have that waits for its vfork child,
		 * or was woken: it detaches itself when it comes to the park.
		 */
		bool stopped = ct->state == CKPT_PARK_PARKED && !ct->entered &&
			       (!ct->asleep || task_is_traced(t));

		if (stopped && ct->asleep)
			undo_notify(t);
		detach = stopped && !ct->keep;
		ct->state = stopped && ct->keep ? CKPT_PARK_KEPT :
						  CKPT_PARK_RELEASED;
		wake_up_locked(&ct->wait);
	}
	if (detach)
		t->ckpt_task = NULL;
	if ((t->jobctl & JOBCTL_TRAP_FREEZE) && !told_to_freeze(t))
		t->jobctl &= ~JOBCTL_TRAP_FREEZE;
	spin_unlock(&ct->wait.lock);
	unlock_task_sighand(t, &flags);
	if (detach)
		ckpt_task_put(ct);
}

/**
 * ckpt_release_tree - let a parked tree run on
 * @ctx: the context
 *
 * Context: process context, may sleep.
 */
void ckpt_release_tree(struct ckpt_ctx *ctx)
{
	struct ckpt_task *ct;
	unsigned long i;

	xa_for_each(&ctx->tree->parts, i, ct)
		release(ct);
}

/**
 * ckpt_wait_stopped - wait for the processes that are to be in group stop
 * @ctx: the context; the tree was released
 *
 * So that the caller, and whoever it tells, finds every task of them stopped.
 * Each has but a few steps left, or else is not waited for: an image may say of
 * a thread that it runs while its process is stopped.
 *
 * Context: process context, may sleep.
 */
void ckpt_wait_stopped(struct ckpt_ctx *ctx)
{
	unsigned long deadline = jiffies + CKPT_STOP_TIMEOUT;
	struct ckpt_tree *tree = ctx->tree;
	unsigned int looks = 0;
	u32 i;

	for (i = 0; i < tree->nr_tasks; i++) {
		struct ckpt_tree_task *row = &tree->tasks[i];

		if (row->e.flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_THREAD))
			continue;
		while (!ckpt_group_stopped(row->task) &&
		       !fatal_signal_pending(current) &&
		       time_before(jiffies, deadline))
			wait_a_moment(&looks);
	}
}

/**
 * ckpt_task_pin - keep a parked task from leaving while it is read
 * @ct: its part, or NULL for one that needs no pin
 *
 * Context: any that may take a spinlock.
 * Return: 0, or -EBUSY if it was killed.
 */
int ckpt_task_pin(struct ckpt_task *ct)
{
	int err = 0;

	if (!ct)
		return 0;
	spin_lock_irq(&ct->wait.lock);
	if (ct->state == CKPT_PARK_PARKED)
		ct->pins++;
	else
		err = -EBUSY;
	spin_unlock_irq(&ct->wait.lock);
	return err;
}

/**
 * ckpt_task_unpin - undo ckpt_task_pin()
 * @ct: as given there
 *
 * Context: any that may take a spinlock.
 */
void ckpt_task_unpin(struct ckpt_task *ct)
{
	if (!ct)
		return;
	spin_lock_irq(&ct->wait.lock);
	/* only who is leaving waits for it: one that is parked sleeps on */
	if (!--ct->pins && ct->state == CKPT_PARK_GONE)
		wake_up_locked(&ct->wait);
	spin_unlock_irq(&ct->wait.lock);
}
