// SPDX-License-Identifier: GPL-2.0
/*
 * Tracers and traced, where both are in the tree.
 *
 * A task that is in a ptrace stop stands still: its tracer, which is parked,
 * and SIGKILL alone can wake it. Its user registers are what the tracer sees of
 * it. It is restored into an equal stop, which it enters at the boundary of user
 * mode, whether that was in the middle of a call or not; nobody is told of it
 * once more. When the tracer lets it go on, what was left of the call is done
 * here.
 *
 * Who traces whom changes under tasklist_lock, and the state of a stop under
 * siglock.
 */

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/ptrace.h>
#include <linux/rseq.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/seccomp.h>
#include <linux/signal.h>

#include <asm/syscall.h>

#include "internal.h"

#define CKPT_PTRACE_FLAGS	(CKPT_PTRACE_SEIZED | CKPT_PTRACE_SYSCALL | \
				 CKPT_PTRACE_INFO | CKPT_PTRACE_LISTENING | \
				 CKPT_PTRACE_TRAP_STOP | \
				 CKPT_PTRACE_TRAP_NOTIFY | \
				 CKPT_PTRACE_DEQUEUED | CKPT_PTRACE_EXIT_DUE | \
				 CKPT_PTRACE_GROUP_EXIT | CKPT_PTRACE_KILLED)

/* What a checkpoint sets aside for itself, not for others */
#define CKPT_PTRACE_OPTIONS	(PTRACE_O_MASK & ~PTRACE_O_SUSPEND_SECCOMP)

/**
 * struct ckpt_trace - how a task is traced
 * @info: the siginfo of the stop, if CKPT_PTRACE_INFO
 * @tree: restart: to find the tracer in
 * @h: the record, with room for one siginfo
 */
struct ckpt_trace {
	kernel_siginfo_t info;
	struct ckpt_tree *tree;
	struct ckpt_hdr_task_ptrace h;
};

#define CKPT_TRACE_SIZE		struct_size_t(struct ckpt_trace, h.info, 1)

/* How long its record is, in bytes */
static size_t record_len(const struct ckpt_hdr_task_ptrace *h)
{
	return struct_size(h, info, !!(h->flags & CKPT_PTRACE_INFO));
}

/* ------------------------------------------------------------- checkpoint */

/**
 * ckpt_tracer_inside - is the tracer of a task in the tree?
 * @ctx: the context; its tasks were found
 * @t: the task
 * @row: where to put the row of the tracer, or NULL
 *
 * Context: process context.
 * Return: true also if nobody traces the task.
 */
bool ckpt_tracer_inside(struct ckpt_ctx *ctx, struct task_struct *t, u32 *row)
{
	struct ckpt_tree *tree = ctx->tree;
	struct task_struct *tracer = NULL;
	u32 i;

	if (!READ_ONCE(t->ptrace))
		return true;
	read_lock(&tasklist_lock);
	if (t->ptrace)
		tracer = rcu_dereference_protected(t->parent,
						   lockdep_tasklist_lock_is_held());
	read_unlock(&tasklist_lock);
	if (!tracer)
		return true;
	for (i = 0; i < tree->nr_tasks; i++) {
		if (tree->tasks[i].task != tracer)
			continue;
		if (row)
			*row = i;
		return true;
	}
	return false;
}

/* Which stop is it? What the tracer was told before is not there any more. */
static enum ckpt_ptrace_stop stop_of(const struct ckpt_trace *t)
{
	int code = t->info.si_code, event = code >> 8;
	bool trap = t->info.si_signo == SIGTRAP && (code & 0x7f) == SIGTRAP;

	if (!(t->h.flags & CKPT_PTRACE_INFO))
		return CKPT_STOP_TRAP;
	if (trap && !(code & ~0xff)) {
		if (t->h.message == PTRACE_EVENTMSG_SYSCALL_ENTRY)
			return CKPT_STOP_SYSCALL_ENTRY;
		if (t->h.message == PTRACE_EVENTMSG_SYSCALL_EXIT)
			return CKPT_STOP_SYSCALL_EXIT;
	}
	if (trap && code == SIGTRAP && !t->h.message)
		return CKPT_STOP_HANDLER;
	if (event == PTRACE_EVENT_STOP &&
	    (code & 0xff) == t->info.si_signo && !t->h.message)
		return CKPT_STOP_TRAP;
	/* an event, and its message may be 0, or a signal */
	if (!trap || event <= 0)
		return t->h.message ? CKPT_STOP_NONE : CKPT_STOP_SIGNAL;
	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		return CKPT_STOP_FORK;
	case PTRACE_EVENT_VFORK_DONE:
		return CKPT_STOP_VFORK_DONE;
	case PTRACE_EVENT_EXEC:
		return CKPT_STOP_EXEC;
	case PTRACE_EVENT_SECCOMP:
		return CKPT_STOP_SECCOMP;
	case PTRACE_EVENT_EXIT:
		return CKPT_STOP_EXIT;
	default:
		return CKPT_STOP_NONE;
	}
}

static int look_at_stop(struct ckpt_ctx *ctx, struct task_struct *t,
			struct ckpt_trace *trace)
{
	struct ckpt_hdr_task_ptrace *h = &trace->h;
	unsigned long flags;
	bool traced;

	if (!lock_task_sighand(t, &flags))
		return ckpt_err(ctx, -EBUSY, "exits: try again");
	h->flags = (t->ptrace & PT_SEIZED ? CKPT_PTRACE_SEIZED : 0) |
		   (t->jobctl & JOBCTL_TRAP_STOP ? CKPT_PTRACE_TRAP_STOP : 0) |
		   (t->jobctl & JOBCTL_TRAP_NOTIFY ?
			CKPT_PTRACE_TRAP_NOTIFY : 0);
	h->options = t->ptrace >> PT_OPT_FLAG_SHIFT & PTRACE_O_MASK;
	traced = task_is_traced(t);
	if (traced) {
		if (t->jobctl & JOBCTL_LISTENING)
			h->flags |= CKPT_PTRACE_LISTENING;
		if (t->jobctl & JOBCTL_STOP_DEQUEUED)
			h->flags |= CKPT_PTRACE_DEQUEUED;
		if (t->signal->flags & SIGNAL_GROUP_EXIT) {
			h->flags |= CKPT_PTRACE_GROUP_EXIT;
			h->group_code = t->signal->group_exit_code;
			if (sigismember(&t->signal->shared_pending.signal,
					SIGKILL))
				h->flags |= CKPT_PTRACE_KILLED;
		}
		h->message = t->ptrace_message;
		h->code = t->exit_code;
		if (t->last_siginfo) {
			h->flags |= CKPT_PTRACE_INFO;
			copy_siginfo(&trace->info, t->last_siginfo);
		}
	}
	unlock_task_sighand(t, &flags);
	if (!traced)
		return 0;
	h->stop = stop_of(trace);
	if (h->stop == CKPT_STOP_NONE)
		return ckpt_err(ctx, -ENOSYS,
				"is stopped by its tracer in an unknown way (siginfo code %#x): not supported",
				trace->info.si_code);
	/* there is no other stop from which it could go on */
	if ((h->flags & CKPT_PTRACE_GROUP_EXIT) && h->stop != CKPT_STOP_EXIT)
		return ckpt_err(ctx, -EBUSY, "is exiting: try again");
	return 0;
}

/* The pid that the event is about; a call that has made a child returns it. */
static int find_child(struct ckpt_ctx *ctx, struct task_struct *t,
		      struct ckpt_trace *trace)
{
	struct pid_namespace *ns = task_active_pid_ns(t);
	struct pid *pid;
	int slot = -ENOENT;

	if (trace->h.stop != CKPT_STOP_FORK &&
	    trace->h.stop != CKPT_STOP_VFORK_DONE)
		return 0;
	if (task_active_pid_ns(ctx->tree->tasks[trace->h.tracer - 1].task) != ns)
		return ckpt_err(ctx, -ENOSYS,
				"is stopped by a tracer in another pid namespace, in the middle of a call: not supported");
	rcu_read_lock();
	pid = find_pid_ns(trace->h.message, ns);
	if (pid)
		slot = ckpt_pid_slot(ctx, pid);
	rcu_read_unlock();
	if (slot >= 0)
		trace->h.child = slot + 1;
	return 0;
}

static int look(struct ckpt_ctx *ctx, struct task_struct *t,
		struct ckpt_trace *trace)
{
	struct ckpt_task *ct = t->ckpt_task;
	u32 row = CKPT_NO_SLOT;
	int err;

	memset(trace, 0, sizeof(*trace));
	/* of a thread that stands in for its leader, nothing is the leader's */
	if (ckpt_stands_in(ctx, t) || !READ_ONCE(t->ptrace))
		return 0;
	if (!ckpt_tracer_inside(ctx, t, &row) || row == CKPT_NO_SLOT)
		return ckpt_err(ctx, -EBUSY, "its tracer changes: try again");
	trace->h.tracer = row + 1;
	err = look_at_stop(ctx, t, trace);
	if (err)
		return err;
	if (test_task_syscall_work(t, SYSCALL_TRACE))
		trace->h.flags |= CKPT_PTRACE_SYSCALL;
	/* a call that is made again, and is in a stop now, tells of its own end */
	if (ct && ct->exit_due && !trace->h.stop)
		trace->h.flags |= CKPT_PTRACE_EXIT_DUE;
	return find_child(ctx, t, trace);
}

/* Exec holds the file that it has executed until it is done. */
static int collect_exec(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const struct ckpt_task *ct = t->ckpt_task;
	struct mm_struct *mm = get_task_mm(t);
	struct file *exe;
	int err = 0;

	if (!mm)
		return 0;
	exe = get_mm_exe_file(mm);
	mmput(mm);
	if (!exe)
		return 0;
	/* one that a restart has put there, not at the entry, is in no call */
	if (!ct || ct->stops != CKPT_STOP_EXEC)
		err = ckpt_file_collect(ctx, exe);
	fput(exe);
	return err;
}

static int ptrace_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_trace *trace;
	int err;

	if (!READ_ONCE(t->ptrace))
		return 0;
	trace = ckpt_scratch(ctx, CKPT_TRACE_SIZE);
	if (!trace)
		return -ENOMEM;
	err = look(ctx, t, trace);
	if (!err && trace->h.options & ~CKPT_PTRACE_OPTIONS)
		err = ckpt_err(ctx, -ENOSYS,
			       "is traced with PTRACE_O_SUSPEND_SECCOMP: not supported");
	if (!err && test_task_syscall_work(t, SYSCALL_EMU))
		err = ckpt_err(ctx, -ENOSYS,
			       "is traced with PTRACE_SYSEMU: not supported");
	if (!err && trace->h.stop == CKPT_STOP_EXEC)
		err = collect_exec(ctx, t);
	return err;
}

static int ptrace_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_trace *trace;
	int err;

	trace = ckpt_scratch(ctx, CKPT_TRACE_SIZE);
	if (!trace)
		return -ENOMEM;
	err = look(ctx, t, trace);
	if (!err && (trace->h.flags & CKPT_PTRACE_INFO))
		ckpt_siginfo_save(ctx, t, trace->h.info, &trace->info);
	if (!err)
		err = ckpt_write_rec(ctx, &trace->h, CKPT_HDR_TASK_PTRACE,
				     record_len(&trace->h));
	return err;
}

/* ---------------------------------------------------------------- restart */

/* Whoever exits waits for no vfork child. */
static bool waits_in_vfork(const struct ckpt_task_entry *own)
{
	return container_of(own, const struct ckpt_tree_task, e)->vfork;
}

static bool tracer_ok(struct ckpt_tree *tree, u32 tracer,
		      const struct ckpt_task_entry *own)
{
	const struct ckpt_task_entry *e;

	if (tracer > tree->nr_tasks || (own->flags & CKPT_TASK_OUTLIVED))
		return false;
	e = &tree->tasks[tracer - 1].e;
	return !(e->flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_OUTLIVED)) &&
	       e->leader != own->leader;
}

static bool stop_ok(const struct ckpt_hdr_task_ptrace *h)
{
	bool info = h->flags & CKPT_PTRACE_INFO;
	bool seized = h->flags & CKPT_PTRACE_SEIZED;

	if ((h->flags & (CKPT_PTRACE_LISTENING | CKPT_PTRACE_TRAP_NOTIFY)) &&
	    !seized)
		return false;
	if ((h->flags & CKPT_PTRACE_LISTENING) && h->stop != CKPT_STOP_TRAP)
		return false;
	if ((h->flags & CKPT_PTRACE_EXIT_DUE) && h->stop)
		return false;
	if ((h->flags & CKPT_PTRACE_GROUP_EXIT) && h->stop != CKPT_STOP_EXIT)
		return false;
	if (((h->group_code || (h->flags & CKPT_PTRACE_KILLED)) &&
	     !(h->flags & CKPT_PTRACE_GROUP_EXIT)) ||
	    (h->group_code & ~0xffff))
		return false;
	switch (h->stop) {
	case CKPT_STOP_NONE:
		return !info && !h->code && !h->message && !h->child &&
		       !(h->flags & CKPT_PTRACE_DEQUEUED);
	case CKPT_STOP_SIGNAL:
		return info && h->code <= _NSIG && h->code != SIGKILL &&
		       !h->message && !h->child;
	case CKPT_STOP_TRAP:
		return info == seized && !h->message && !h->child &&
		       (seized || h->code <= _NSIG) && !(h->code & ~0xffff);
	case CKPT_STOP_SYSCALL_ENTRY:
		return info && !(h->code & ~0xff) && !h->child &&
		       h->message == PTRACE_EVENTMSG_SYSCALL_ENTRY;
	case CKPT_STOP_SYSCALL_EXIT:
		return info && !(h->code & ~0xff) && !h->child &&
		       h->message == PTRACE_EVENTMSG_SYSCALL_EXIT;
	case CKPT_STOP_FORK:
	case CKPT_STOP_VFORK_DONE:
		return info && !(h->code & ~0xffff) && h->message &&
		       h->message < PID_MAX_LIMIT;
	case CKPT_STOP_EXEC:
		/* 0 if the tracer is in another pid namespace */
		return info && !(h->code & ~0xffff) &&
		       h->message < PID_MAX_LIMIT && !h->child;
	case CKPT_STOP_HANDLER:
		return info && !(h->code & ~0xff) && !h->message && !h->child;
	case CKPT_STOP_SECCOMP:
	case CKPT_STOP_EXIT:
		/* what the filter says, and the exit code */
		return info && !(h->code & ~0xffff) && !h->child &&
		       !(h->message & ~0xffff);
	default:
		return false;
	}
}

/* Returns the record, or ERR_PTR. */
static struct ckpt_trace *read_trace(struct ckpt_ctx *ctx)
{
	size_t most = struct_size_t(struct ckpt_hdr_task_ptrace, info, 1);
	struct ckpt_hdr_task_ptrace *h;
	struct ckpt_trace *trace;

	h = ckpt_read_rec(ctx, CKPT_HDR_TASK_PTRACE, sizeof(*h), most);
	if (IS_ERR(h))
		return ERR_CAST(h);
	if (h->h.len != record_len(h)) {
		ckpt_err(ctx, -EINVAL, "image: traced, with flags %#x: a record of %u bytes",
			 h->flags, h->h.len);
		trace = ERR_PTR(-EINVAL);
	} else {
		trace = kzalloc(CKPT_TRACE_SIZE, GFP_KERNEL_ACCOUNT) ?:
			ERR_PTR(-ENOMEM);
	}
	if (!IS_ERR(trace)) {
		trace->h = *h;
		if (h->flags & CKPT_PTRACE_INFO)
			trace->h.info[0] = h->info[0];
	}
	kvfree(h);
	return trace;
}

/* Nothing is said of who is not traced. */
static bool untraced_ok(const struct ckpt_hdr_task_ptrace *h)
{
	return !memchr_inv(&h->flags, 0,
			   sizeof(*h) - offsetof(typeof(*h), flags));
}

static int load(struct ckpt_ctx *ctx, struct ckpt_trace *trace)
{
	struct ckpt_hdr_task_ptrace *h = &trace->h;
	struct pid *pid;
	int err;

	if (h->flags & CKPT_PTRACE_INFO) {
		err = ckpt_siginfo_load(ctx, &trace->info, h->info);
		if (err)
			return err;
	}
	if (h->child) {
		pid = ctx->tree->pids[h->child - 1].pid;
		/* a thread, which is made later, keeps its number */
		if (pid)
			h->message = pid_vnr(pid);
	}
	return 0;
}

static int ptrace_restore(struct ckpt_ctx *ctx)
{
	const struct ckpt_task_entry *own = ckpt_restoring(ctx, NULL);
	struct ckpt_hdr_task_ptrace *h;
	struct ckpt_trace *trace;
	int err = 0;

	trace = read_trace(ctx);
	if (IS_ERR(trace))
		return PTR_ERR(trace);
	h = &trace->h;
	if (!h->tracer && untraced_ok(h))
		goto free;
	if (!h->tracer || !own || !tracer_ok(ctx->tree, h->tracer, own) ||
	    (h->flags & ~CKPT_PTRACE_FLAGS) ||
	    (h->options & ~CKPT_PTRACE_OPTIONS) || h->reserved ||
	    (h->child && h->child > ctx->tree->nr_pids) || !stop_ok(h) ||
	    (h->stop && h->stop != CKPT_STOP_FORK && waits_in_vfork(own))) {
		err = ckpt_err(ctx, -EINVAL, "image: traced by task %u, flags %#x, options %#x, in stop %u with %#x, %llu",
			       h->tracer, h->flags, h->options, h->stop,
			       h->code, h->message);
		goto free;
	}
	err = load(ctx, trace);
	if (err)
		goto free;
	trace->tree = ctx->tree;
	current->ckpt_task->stops = h->stop;
	current->ckpt_task->defer[CKPT_STATE_PTRACE] = trace;
	return 0;

free:
	kfree(trace);
	return err;
}

/*
 * Who is to trace it holds its credentials still, and gets them later: those
 * count. Neither has run so far.
 */
static void ptrace_link_task(struct task_struct *t, void *defer)
{
	const struct ckpt_trace *trace = defer;
	const struct ckpt_hdr_task_ptrace *h = &trace->h;
	struct ckpt_tree_task *row = &trace->tree->tasks[h->tracer - 1];
	const struct cred *cred = ckpt_cred_of(row->ct);
	unsigned long pending = 0;

	if (h->flags & CKPT_PTRACE_TRAP_STOP)
		pending |= JOBCTL_TRAP_STOP;
	if (h->flags & CKPT_PTRACE_TRAP_NOTIFY)
		pending |= JOBCTL_TRAP_NOTIFY;
	write_lock_irq(&tasklist_lock);
	/* an init lets go of its tracees long before it is a zombie */
	if (!cred || t->exit_state || t->ptrace ||
	    (row->task->flags & PF_EXITING))
		goto unlock;
	t->ptrace = PT_PTRACED | h->options << PT_OPT_FLAG_SHIFT;
	if (h->flags & CKPT_PTRACE_SEIZED)
		t->ptrace |= PT_SEIZED;
	__ptrace_link(t, row->task, cred);
	spin_lock(&t->sighand->siglock);
	/* the trap says by which signal */
	if (!(t->jobctl & JOBCTL_STOP_SIGMASK))
		t->jobctl |= SIGSTOP;
	if (pending)
		task_set_jobctl_pending(t, pending);
	spin_unlock(&t->sighand->siglock);
unlock:
	write_unlock_irq(&tasklist_lock);
}

/* What synchronize_group_exit(), and do_group_exit(), do before the stop */
static void commit_exit(const struct ckpt_hdr_task_ptrace *h)
{
	struct signal_struct *sig = current->signal;

	spin_lock_irq(&current->sighand->siglock);
	sig->quick_threads--;
	if (h->flags & CKPT_PTRACE_GROUP_EXIT) {
		sig->flags = SIGNAL_GROUP_EXIT;
		sig->group_exit_code = h->group_code;
		sig->group_stop_count = 0;
	}
	/* whoever exits takes no notice, but for /proc */
	if (h->flags & CKPT_PTRACE_KILLED)
		sigaddset(&sig->shared_pending.signal, SIGKILL);
	spin_unlock_irq(&current->sighand->siglock);
}

/**
 * ckpt_ptrace_zombie - let a task be traced that is about to exit
 * @t: the task, which waits for its command
 * @row: of its tracer
 *
 * Context: the caller of restart.
 * Return: false if one of them was killed.
 */
bool ckpt_ptrace_zombie(struct task_struct *t, struct ckpt_tree_task *row)
{
	const struct cred *cred = ckpt_cred_of(row->ct);
	bool linked = false;

	write_lock_irq(&tasklist_lock);
	if (cred && !t->exit_state && !t->ptrace &&
	    !(row->task->flags & PF_EXITING)) {
		t->ptrace = PT_PTRACED;
		__ptrace_link(t, row->task, cred);
		linked = true;
	}
	write_unlock_irq(&tasklist_lock);
	return linked;
}

/* Is the task of a row in the stop at its exit, with its whole process? */
static bool exits(const struct ckpt_tree_task *row, bool *group)
{
	const struct ckpt_trace *trace = row->ct->defer[CKPT_STATE_PTRACE];

	*group = trace && trace->h.flags & CKPT_PTRACE_GROUP_EXIT;
	return trace && trace->h.stop == CKPT_STOP_EXIT;
}

/**
 * ckpt_ptrace_check_exits - does no thread live on in a process that exits?
 * @ctx: the context, with all tasks restored, which wait
 *
 * Whoever is in such a process gets no signal any more, not even SIGKILL.
 *
 * Context: the caller of restart.
 * Return: 0, or -EINVAL, reported.
 */
int ckpt_ptrace_check_exits(struct ckpt_ctx *ctx)
{
	const struct ckpt_tree *tree = ctx->tree;
	bool lives, exit, group;
	u32 i, row;

	for (i = 0; i < tree->nr_tasks; i++) {
		if (tree->tasks[i].e.flags & CKPT_TASK_THREAD)
			continue;
		lives = false;
		exit = false;
		row = i;
		do {
			const struct ckpt_tree_task *t = &tree->tasks[row];

			row = t->thread;
			if (t->e.flags & (CKPT_TASK_ZOMBIE |
					  CKPT_TASK_OUTLIVED))
				continue;
			lives |= !exits(t, &group);
			exit |= group;
		} while (row);
		if (exit && lives)
			return ckpt_err(ctx, -EINVAL, "image: task %u: its process exits, and a thread of it lives on",
					i);
	}
	return 0;
}

static void ptrace_commit(void *defer)
{
	const struct ckpt_trace *trace = defer;

	if (trace->h.flags & CKPT_PTRACE_SYSCALL)
		set_syscall_work(SYSCALL_TRACE);
	if (trace->h.flags & CKPT_PTRACE_EXIT_DUE)
		current->ckpt_task->exit_due = true;
	/* exec does so when its tracer has seen it */
	if (trace->h.stop == CKPT_STOP_EXEC)
		rseq_execve(current);
	if (trace->h.stop == CKPT_STOP_EXIT)
		commit_exit(&trace->h);
}

const struct ckpt_task_ops ckpt_ptrace_task_ops = {
	.name		= "tracing",
	.collect	= ptrace_collect,
	.checkpoint	= ptrace_checkpoint,
	.restore	= ptrace_restore,
	.link		= ptrace_link_task,
	.commit		= ptrace_commit,
};

/* ------------------------------------------------------- the stop again */

/**
 * ckpt_ptrace_take - keep what is known of a stop until it is over
 * @ct: the current task's, committed
 *
 * Context: current.
 */
void ckpt_ptrace_take(struct ckpt_task *ct)
{
	if (!ct->stops)
		return;
	ct->trace = ct->defer[CKPT_STATE_PTRACE];
	ct->defer[CKPT_STATE_PTRACE] = NULL;
}

/**
 * ckpt_ptrace_stop - be in the stop that the checkpoint found
 * @ct: with @trace
 *
 * As ptrace_stop(), but that nobody is told. What is pending stays so.
 *
 * Context: current, at the boundary of user mode, no locks held; sleeps.
 * Return: the signal that the tracer lets it go on with, or 0.
 */
int ckpt_ptrace_stop(struct ckpt_task *ct)
{
	struct ckpt_trace *trace = ct->trace;
	const struct ckpt_hdr_task_ptrace *h = &trace->h;
	int signr = h->code;

	spin_lock_irq(&current->sighand->siglock);
	if (h->flags & CKPT_PTRACE_DEQUEUED)
		current->jobctl |= JOBCTL_STOP_DEQUEUED;
	if (!current->ptrace || __fatal_signal_pending(current))
		goto unlock;
	/* as PTRACE_LISTEN: it has what its tracer listens for */
	if ((h->flags & CKPT_PTRACE_LISTENING) &&
	    (current->jobctl & JOBCTL_TRAP_NOTIFY))
		goto unlock;
	set_special_state(TASK_TRACED);
	current->jobctl |= JOBCTL_TRACED;
	if (h->flags & CKPT_PTRACE_LISTENING)
		current->jobctl |= JOBCTL_LISTENING;
	current->ptrace_message = h->message;
	current->last_siginfo = h->flags & CKPT_PTRACE_INFO ? &trace->info :
							      NULL;
	current->exit_code = h->code;
	spin_unlock_irq(&current->sighand->siglock);
	cgroup_enter_frozen();
	schedule();
	cgroup_leave_frozen(true);

	spin_lock_irq(&current->sighand->siglock);
	signr = current->exit_code;
	current->last_siginfo = NULL;
	current->ptrace_message = 0;
	current->exit_code = 0;
	current->jobctl &= ~(JOBCTL_LISTENING | JOBCTL_PTRACE_FROZEN);
unlock:
	/* those that came meanwhile have not set this */
	recalc_sigpending();
	spin_unlock_irq(&current->sighand->siglock);
	return signr;
}

/* The rest of ptrace_signal(): which signal is to be delivered after all? */
static int chosen_signal(struct ckpt_trace *trace, int signr)
{
	kernel_siginfo_t *info = &trace->info;
	struct task_struct *tracer;

	if (!valid_signal(signr))
		return 0;
	if (signr && signr != info->si_signo) {
		clear_siginfo(info);
		info->si_signo = signr;
		info->si_code = SI_USER;
		rcu_read_lock();
		tracer = rcu_dereference(current->parent);
		info->si_pid = task_pid_vnr(tracer);
		info->si_uid = from_kuid_munged(current_user_ns(),
						task_uid(tracer));
		rcu_read_unlock();
	}
	spin_lock_irq(&current->sighand->siglock);
	if (signr && (sigismember(&current->blocked, signr) ||
		      fatal_signal_pending(current))) {
		send_signal_locked(signr, info, current, PIDTYPE_PID);
		signr = 0;
	}
	spin_unlock_irq(&current->sighand->siglock);
	return signr;
}

/* Of a call that a checkpoint has interrupted it is told when it has ended. */
static void report_exit(void)
{
	if (!__checkpoint_hides_exit())
		ckpt_report_exit();
}

/*
 * What is left of a call that was stopped at its entry: all of it. A filter that
 * has told the tracer of it is asked once more, with what that has made of it.
 */
static void make_call(bool filtered)
{
	struct pt_regs *regs = current_pt_regs();
	unsigned long args[6];
	long ret;
	int nr;

	if (fatal_signal_pending(current) ||
	    (filtered ? !ckpt_seccomp_recheck() : secure_computing()))
		return;
	nr = syscall_get_nr(current, regs);
	syscall_get_arguments(current, regs, args);
	audit_syscall_entry(nr, args[0], args[1], args[2], args[3]);
	/* the tracer says so to skip the call, and what it returns */
	if (nr != -1) {
		ret = ckpt_arch_syscall(regs, nr);
		syscall_set_return_value(current, regs, 0, ret);
	}
	audit_syscall_exit(regs);
}

/*
 * Its tracer was told. That this thread has left those that are not exiting is
 * said by do_exit(), too.
 */
static void __noreturn exit_again(long code)
{
	/* which ptrace_attach() has, should its tracer be gone */
	write_lock_irq(&tasklist_lock);
	current->ptrace &= ~PT_TRACE_EXIT;
	write_unlock_irq(&tasklist_lock);
	spin_lock_irq(&current->sighand->siglock);
	current->signal->quick_threads++;
	spin_unlock_irq(&current->sighand->siglock);
	do_exit(code);
}

/**
 * ckpt_ptrace_go_on - what a task does when a stop is over
 * @ct: with @trace
 * @signr: what ckpt_ptrace_stop() returned
 *
 * Context: current, at the boundary of user mode, no locks held; sleeps.
 */
void ckpt_ptrace_go_on(struct ckpt_task *ct, int signr)
{
	struct ckpt_trace *trace = ct->trace;

	switch (trace->h.stop) {
	case CKPT_STOP_SIGNAL:
		ct->signal = chosen_signal(trace, signr);
		if (ct->signal) {
			set_thread_flag(TIF_SIGPENDING);
			return;
		}
		break;
	case CKPT_STOP_SYSCALL_ENTRY:
		if (signr)
			send_sig(signr, current, 1);
		make_call(false);
		report_exit();
		break;
	case CKPT_STOP_SECCOMP:
		make_call(true);
		report_exit();
		break;
	case CKPT_STOP_EXIT:
		exit_again(trace->h.message);
	case CKPT_STOP_SYSCALL_EXIT:
		if (signr)
			send_sig(signr, current, 1);
		break;
	case CKPT_STOP_FORK:
	case CKPT_STOP_VFORK_DONE:
		syscall_set_return_value(current, current_pt_regs(), 0,
					 trace->h.message);
		/* its child has not let it wait: see ckpt_task_resume() */
		if (trace->info.si_code >> 8 == PTRACE_EVENT_VFORK)
			ptrace_event(PTRACE_EVENT_VFORK_DONE, trace->h.message);
		report_exit();
		break;
	case CKPT_STOP_EXEC:
		report_exit();
		break;
	default:
		break;
	}
	/* the call restarts as it would have, and the tracer sees it */
	ct->keep = false;
}

/* A vfork child has called exec, or is gone: tell the tracer, if there is one. */
void ckpt_ptrace_vfork_done(struct pid *pid)
{
	ptrace_event_pid(PTRACE_EVENT_VFORK_DONE, pid);
	report_exit();
}

/*
 * A call that parking has interrupted was to be made again, but a signal, or a
 * stop, has come first: it has ended for the tracer, and restarts as it does
 * without any checkpoint.
 */
static void end_call(struct ckpt_task *ct)
	__must_hold(&current->sighand->siglock)
{
	ct->exit_due = false;
	ct->again = false;
	ct->keep = false;
	spin_unlock_irq(&current->sighand->siglock);
	ckpt_report_exit();
	spin_lock_irq(&current->sighand->siglock);
}

int __checkpoint_signal(kernel_siginfo_t *info)
{
	struct ckpt_task *ct = current->ckpt_task;
	int signr = ct->signal;

	/* no stop is over then, and this may be gone when it returns */
	if (ct->exit_due) {
		end_call(ct);
		return 0;
	}
	/*
	 * Woken out of group stop it is to park, and not to look at signals
	 * before: thawing its cgroup has taken off what attach_stopped() set.
	 */
	if (ct->state == CKPT_PARK_PARKED && !ct->entered && !ct->asleep)
		current->jobctl |= JOBCTL_TRAP_FREEZE;
	if (!signr)
		return 0;
	ct->signal = 0;
	ct->keep = false;
	copy_siginfo(info, &ct->trace->info);
	return signr;
}

/* Is it where its tracer left it, or on no way there any more? */
static bool stopped_again(const struct ckpt_task *ct)
{
	struct task_struct *t = ct->task;

	return task_is_traced(t) || !READ_ONCE(t->ptrace) ||
	       (t->flags & PF_EXITING);
}

/**
 * ckpt_ptrace_wait_stopped - wait for those that are to be in a ptrace stop
 * @tree: they were released; nobody else was
 *
 * A tracer that runs must find its tracees stopped. Each has but a few steps
 * left. Whoever is killed need not wait.
 *
 * Context: process context, may sleep.
 */
void ckpt_ptrace_wait_stopped(struct ckpt_tree *tree)
{
	struct ckpt_task *ct;
	unsigned long i;

	xa_for_each(&tree->parts, i, ct)
		while (ct->stops && !stopped_again(ct) &&
		       !fatal_signal_pending(current))
			schedule_timeout_killable(1);
}
