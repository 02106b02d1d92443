// SPDX-License-Identifier: GPL-2.0
/*
 * Job control: whether a process is in group stop, and what its parent has
 * yet to be told.
 */

#include <linux/checkpoint_types.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/signal.h>

#include "checkpoint.h"

static int jobctl_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct sighand_struct *sighand = ckpt_sighand(t);
	struct signal_struct *sig = t->signal;
	bool dying, again;
	u32 mark = 0;

	if (!ckpt_of_leader(ctx))
		return 0;
	spin_lock_irq(&sighand->siglock);
	/* one that exits, and stands still, is in PTRACE_EVENT_EXIT */
	dying = ((sig->flags & SIGNAL_GROUP_EXIT) && !task_is_traced(t)) ||
		sig->core_state || sig->group_exec_task;
	/* a tracer may let threads of a stopped process run, and be stopped anew */
	again = (sig->flags & SIGNAL_STOP_STOPPED) && sig->group_stop_count;
	if (sig->flags & SIGNAL_STOP_STOPPED)
		mark = CKPT_SIGHAND_MARK_STOP |
		       CKPT_SIGHAND_MARK_CODE(sig->group_exit_code);
	else if (sig->group_stop_count)
		mark = CKPT_SIGHAND_MARK_STOPPING;
	spin_unlock_irq(&sighand->siglock);
	/* it is written as it is now, should it be continued meanwhile */
	ckpt_obj_mark(ctx, sighand, CKPT_OBJ_SIGHAND, mark);
	if (dying)
		return ckpt_err(ctx, -EBUSY, "is exiting, or calls exec: try again");
	if (again)
		return ckpt_err(ctx, -EBUSY, "is being stopped anew: try again");
	return 0;
}

static void save_continued(const struct signal_struct *sig,
			   struct ckpt_hdr_task_jobctl *h)
{
	if (sig->flags & SIGNAL_STOP_CONTINUED) {
		h->flags = CKPT_JOBCTL_CONTINUED;
		if (sig->flags & SIGNAL_CLD_CONTINUED)
			h->flags |= CKPT_JOBCTL_TELL_CONTINUED;
		else if (sig->flags & SIGNAL_CLD_STOPPED)
			h->flags |= CKPT_JOBCTL_TELL_STOPPED;
	}
}

/*
 * Some threads are in group stop, and others have yet to take part, which one
 * that waits in the kernel may do much later.
 */
static int save_stopping(struct ckpt_ctx *ctx, struct task_struct *t,
			 struct ckpt_hdr_task_jobctl *h)
{
	const struct signal_struct *sig = t->signal;

	if (!sig->group_stop_count)
		return -EBUSY;
	h->flags = CKPT_JOBCTL_INCOMPLETE;
	if (ckpt_of_leader(ctx))
		h->stop_code = sig->group_exit_code;
	if (ckpt_stands_in(ctx, t))
		return 0;
	if (!(t->jobctl & JOBCTL_STOP_PENDING))
		h->flags |= CKPT_JOBCTL_STOPPED;
	else if (t->jobctl & JOBCTL_STOP_CONSUME)
		h->flags |= CKPT_JOBCTL_JOINS;
	else
		h->flags |= CKPT_JOBCTL_STOPPED;
	h->stop_signal = t->jobctl & JOBCTL_STOP_SIGMASK ?: SIGSTOP;
	return 0;
}

static int jobctl_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct sighand_struct *sighand = ckpt_sighand(t);
	struct ckpt_hdr_task_jobctl h = {};
	u32 mark = ckpt_obj_mark(ctx, sighand, CKPT_OBJ_SIGHAND, 0);
	int err = 0;

	spin_lock_irq(&sighand->siglock);
	if (mark & CKPT_SIGHAND_MARK_STOP) {
		h.flags = CKPT_JOBCTL_STOPPED;
		h.stop_signal = t->jobctl & JOBCTL_STOP_SIGMASK ?: SIGSTOP;
		if (ckpt_of_leader(ctx))
			h.stop_code = CKPT_SIGHAND_MARKED_CODE(mark);
	} else if (mark & CKPT_SIGHAND_MARK_STOPPING) {
		err = save_stopping(ctx, t, &h);
	} else if (ckpt_of_leader(ctx)) {
		save_continued(t->signal, &h);
	}
	if ((h.flags & (CKPT_JOBCTL_STOPPED | CKPT_JOBCTL_INCOMPLETE)) &&
	    t->ptrace && !(t->jobctl & JOBCTL_STOP_PENDING) &&
	    !ckpt_stands_in(ctx, t))
		h.flags |= CKPT_JOBCTL_TRACED;
	spin_unlock_irq(&sighand->siglock);
	if (err)
		return ckpt_err(ctx, err, "is no longer being stopped: try again");
	if (ckpt_of_leader(ctx))
		err = ckpt_ctty_checkpoint(ctx, t, &h);
	return err ?: ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_JOBCTL, sizeof(h));
}

static bool jobctl_ok(const struct ckpt_hdr_task_jobctl *h)
{
	if (h->reserved || (h->tty && !(h->flags & CKPT_JOBCTL_TTY)))
		return false;
	if (!thread_group_leader(current) &&
	    ((h->flags & CKPT_JOBCTL_TTY) || h->old_pgrp))
		return false;
	switch (h->flags & ~CKPT_JOBCTL_TTY) {
	case CKPT_JOBCTL_INCOMPLETE:
		/* of a leader that is dead */
		return thread_group_leader(current) && !h->stop_signal &&
		       sig_kernel_stop(h->stop_code);
	case CKPT_JOBCTL_STOPPED:
	case CKPT_JOBCTL_STOPPED | CKPT_JOBCTL_TRACED:
	case CKPT_JOBCTL_STOPPED | CKPT_JOBCTL_INCOMPLETE:
	case CKPT_JOBCTL_STOPPED | CKPT_JOBCTL_INCOMPLETE | CKPT_JOBCTL_TRACED:
	case CKPT_JOBCTL_JOINS | CKPT_JOBCTL_INCOMPLETE:
		if (!h->stop_code)
			return sig_kernel_stop(h->stop_signal) &&
			       !(thread_group_leader(current) &&
				 (h->flags & CKPT_JOBCTL_INCOMPLETE));
		return sig_kernel_stop(h->stop_signal) &&
		       thread_group_leader(current) &&
		       sig_kernel_stop(h->stop_code);
	case CKPT_JOBCTL_CONTINUED:
	case CKPT_JOBCTL_CONTINUED | CKPT_JOBCTL_TELL_CONTINUED:
	case CKPT_JOBCTL_CONTINUED | CKPT_JOBCTL_TELL_STOPPED:
		return thread_group_leader(current) && !h->stop_signal &&
		       !h->stop_code;
	case 0:
		return !h->stop_signal && !h->stop_code;
	default:
		return false;
	}
}

/*
 * A process whose session is not in the image is in that of the caller, and may
 * have its terminal; any other has what the image says.
 */
static int restore_ctty(struct ckpt_ctx *ctx,
			const struct ckpt_hdr_task_jobctl *h)
{
	bool inside = ckpt_session_restored(ctx);
	struct file *file = NULL;

	/* whoever takes the place of its caller stays in that session */
	if (!thread_group_leader(current) || (ctx->uflags & RESTART_TASKSELF))
		return 0;
	if ((h->flags & CKPT_JOBCTL_TTY) && !!h->tty != inside)
		return ckpt_err(ctx, -EINVAL, "image: controlling terminal %u of a session %s of the image",
				h->tty, inside ? "" : "outside");
	if ((h->flags & CKPT_JOBCTL_TTY) && !h->tty)
		return 0;
	if (h->tty) {
		file = ckpt_obj_fetch(ctx, h->tty, CKPT_OBJ_FILE);
		if (IS_ERR(file))
			return PTR_ERR(file);
	}
	return ckpt_ctty_restore(ctx, file);
}

/**
 * struct jobctl_defer - what waits until the task may run
 * @h: its record
 * @old_pgrp: that of the record, referenced, or NULL
 */
struct jobctl_defer {
	struct ckpt_hdr_task_jobctl h;
	struct pid *old_pgrp;
};

static int jobctl_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_jobctl h;
	struct pid *old_pgrp = NULL;
	struct jobctl_defer *d;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TASK_JOBCTL, sizeof(h));
	if (err)
		return err;
	if (!jobctl_ok(&h))
		return ckpt_err(ctx, -EINVAL, "image: job control: flags %#x, stopped by %u, code %u",
				h.flags, h.stop_signal, h.stop_code);
	err = restore_ctty(ctx, &h);
	if (err)
		return err;
	if (h.old_pgrp) {
		old_pgrp = ckpt_slot_pid(ctx, h.old_pgrp - 1);
		if (IS_ERR(old_pgrp))
			return PTR_ERR(old_pgrp);
	}
	h.flags &= ~CKPT_JOBCTL_TTY;
	/* of a process, the terminal is looked at again */
	if (!h.flags && !thread_group_leader(current))
		return 0;
	d = ckpt_task_defer(ctx, CKPT_STATE_JOBCTL, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->h = h;
	d->old_pgrp = get_pid(old_pgrp);
	return 0;
}

/*
 * Make @t join a group stop on its way to user mode. It does not take part in
 * the count of those that the process waits for: nobody is told.
 */
static void stop_silently(struct task_struct *t, int sig)
{
	lockdep_assert_held(&ckpt_sighand(t)->siglock);

	if (task_set_jobctl_pending(t, JOBCTL_STOP_PENDING | sig))
		signal_wake_up(t, 0);
}

/* Has a SIGCONT come during the restart? */
static bool continued(struct task_struct *t)
{
	struct signal_struct *sig = t->signal;

	return (sig->flags & SIGNAL_STOP_CONTINUED) ||
	       sigismember(&t->pending.signal, SIGCONT) ||
	       sigismember(&sig->shared_pending.signal, SIGCONT);
}

/*
 * Each thread stops itself, and no one may do so, or be in user mode, before
 * all that are to take part are counted.
 */
static void jobctl_link(struct task_struct *t, void *defer)
{
	const struct jobctl_defer *d = defer;
	const struct ckpt_hdr_task_jobctl *h = &d->h;
	struct signal_struct *sig = t->signal;
	unsigned long pending, flags;

	if (!(h->flags & (CKPT_JOBCTL_STOPPED | CKPT_JOBCTL_INCOMPLETE)) ||
	    !lock_task_sighand(t, &flags))
		return;
	if ((sig->flags & SIGNAL_GROUP_EXIT) || sig->group_exec_task ||
	    continued(t))
		goto unlock;
	if (!(h->flags & CKPT_JOBCTL_INCOMPLETE) &&
	    !(sig->flags & SIGNAL_STOP_STOPPED))
		signal_set_stop_flags(sig, SIGNAL_STOP_STOPPED);
	if (h->stop_code)
		sig->group_exit_code = h->stop_code;
	if (!h->stop_signal)
		goto unlock;
	if (h->flags & CKPT_JOBCTL_TRACED) {
		t->jobctl &= ~JOBCTL_STOP_SIGMASK;
		t->jobctl |= h->stop_signal;
		goto unlock;
	}
	pending = JOBCTL_STOP_PENDING | h->stop_signal;
	if (h->flags & CKPT_JOBCTL_JOINS)
		pending |= JOBCTL_STOP_CONSUME;
	/* it is seen at commit, by the one who installs the blocked signals */
	if (task_set_jobctl_pending(t, pending) &&
	    (pending & JOBCTL_STOP_CONSUME))
		sig->group_stop_count++;
unlock:
	unlock_task_sighand(t, &flags);
}

static void commit_continued(const struct ckpt_hdr_task_jobctl *h)
{
	unsigned int flags = SIGNAL_STOP_CONTINUED;

	if (current->signal->flags & SIGNAL_STOP_STOPPED)
		return;
	if (h->flags & CKPT_JOBCTL_TELL_CONTINUED)
		flags |= SIGNAL_CLD_CONTINUED;
	if (h->flags & CKPT_JOBCTL_TELL_STOPPED)
		flags |= SIGNAL_CLD_STOPPED;
	signal_set_stop_flags(current->signal, flags);
	/* get_signal() tells the parent */
	if (flags & SIGNAL_CLD_MASK)
		set_thread_flag(TIF_SIGPENDING);
}

static void jobctl_commit(void *defer)
{
	struct jobctl_defer *d = defer;
	const struct ckpt_hdr_task_jobctl *h = &d->h;
	struct signal_struct *sig = current->signal;

	spin_lock_irq(&ckpt_sighand(current)->siglock);
	ckpt_ctty_commit();
	/* only a leader gives it back */
	if (sig->leader && !sig->tty)
		swap(sig->tty_old_pgrp, d->old_pgrp);
	if (!(sig->flags & SIGNAL_GROUP_EXIT) && !sig->group_exec_task &&
	    (h->flags & CKPT_JOBCTL_CONTINUED))
		commit_continued(h);
	spin_unlock_irq(&ckpt_sighand(current)->siglock);
}

static void jobctl_discard(void *defer)
{
	struct jobctl_defer *d = defer;

	put_pid(d->old_pgrp);
}

const struct ckpt_task_ops ckpt_jobctl_task_ops = {
	.name		= "job control",
	.both		= true,
	.collect	= jobctl_collect,
	.checkpoint	= jobctl_checkpoint,
	.restore	= jobctl_restore,
	.link		= jobctl_link,
	.commit		= jobctl_commit,
	.discard	= jobctl_discard,
};

/**
 * ckpt_group_stop - stop a parked process, its parent is not told
 * @leader: its group leader
 *
 * Every thread goes into group stop when it leaves the park, or when it has
 * been committed after a restart. SIGCONT continues the process. One that is
 * stopped already, about to stop, or exiting is left alone.
 *
 * Context: any that may take a spinlock; takes siglock.
 */
void ckpt_group_stop(struct task_struct *leader)
{
	struct signal_struct *sig = leader->signal;
	struct task_struct *t;
	unsigned long flags;

	if (!lock_task_sighand(leader, &flags))
		return;
	if (!(sig->flags & (SIGNAL_GROUP_EXIT | SIGNAL_STOP_STOPPED)) &&
	    !sig->group_exec_task && !sig->group_stop_count) {
		signal_set_stop_flags(sig, SIGNAL_STOP_STOPPED);
		sig->group_exit_code = 0;
		__for_each_thread(sig, t)
			stop_silently(t, SIGSTOP);
	}
	unlock_task_sighand(leader, &flags);
}

static bool all_stopped(struct task_struct *leader)
{
	struct signal_struct *sig = leader->signal;
	bool stopped = true;
	struct task_struct *t;
	unsigned long flags;

	if (!lock_task_sighand(leader, &flags))
		return true;
	if ((sig->flags & SIGNAL_STOP_STOPPED) && !sig->group_exec_task)
		__for_each_thread(sig, t)
			if (!task_is_stopped(t) && !t->ptrace &&
			    !(t->flags & PF_EXITING) && !ckpt_in_vfork(t))
				stopped = false;
	unlock_task_sighand(leader, &flags);
	return stopped;
}

/**
 * ckpt_group_stopped - has ckpt_group_stop() had its effect?
 * @leader: the group leader
 *
 * Context: any that may take a spinlock; takes tasklist_lock and siglock.
 * Return: false as long as a thread is on its way into the stop; true also if
 * that is over, for whatever reason. One that waits for its vfork child takes
 * part when that has called exec, or is gone.
 */
bool ckpt_group_stopped(struct task_struct *leader)
{
	bool stopped;

	read_lock(&tasklist_lock);
	stopped = all_stopped(leader);
	read_unlock(&tasklist_lock);
	return stopped;
}
