// SPDX-License-Identifier: GPL-2.0
/*
 * The phases of a restart. The caller of the system call makes the root; each
 * task makes its children and threads, restores its own state, and waits.
 * Only one of them does something at a time, at the command of the caller, in
 * the order of the image. When all is read and verified, all are released;
 * when anything fails before, all of them exit and are reaped.
 */

#include <kunit/static_stub.h>
#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/signal.h>
#include <linux/task_work.h>
#include <linux/user_namespace.h>
#include <uapi/linux/wait.h>

#include <asm/syscall.h>

#include <trace/events/checkpoint.h>

#include "internal.h"

/* How often the tasks of a restart that failed are told to go */
#define CKPT_ABORT_INTERVAL	(HZ / 20 ?: 1)
#define CKPT_ABORT_PATIENCE	(5 * HZ)

enum ckpt_cmd {
	CKPT_CMD_NONE,		/* wait for the next */
	CKPT_CMD_MAKE,		/* make a child or thread */
	CKPT_CMD_MAKE_NS,	/* make a pid namespace without an init */
	CKPT_CMD_RESTORE,	/* read and restore the own state */
	CKPT_CMD_LATE,		/* read what had to wait for all tasks */
	CKPT_CMD_EXIT,		/* become the zombie that it was */
	CKPT_CMD_RELEASE,	/* commit and go to user mode */
	CKPT_CMD_ABORT,		/* exit */
};

/**
 * struct ckpt_restore - a task being restored, on the side of restart
 * @ctx: the context; not to be touched after CKPT_CMD_RELEASE
 * @row: of the task
 * @cmd: what the task is to do, under wait.lock of its struct ckpt_task
 * @arg: row of the child or thread, or index of the pid namespace, to make
 * @result: of the last command: 0 or a negative errno
 * @done: the last command is done, or the new task stands ready
 * @linked: the tree is complete: it is a task like any other. Under
 *	tasklist_lock, as is @dying; until it is set @ctx is there
 * @dying: it exits without having been part of a complete tree
 * @vfork_child: the child that it waits for in vfork(2), referenced, or NULL
 * @vfork_pid: its pid, referenced
 * @vfork_done: until it does so, what the child completes
 */
struct ckpt_restore {
	struct ckpt_ctx *ctx;
	u32 row;
	enum ckpt_cmd cmd;
	u32 arg;
	int result;
	bool done;
	bool linked;
	bool dying;
	struct task_struct *vfork_child;
	struct pid *vfork_pid;
	struct completion vfork_done;
};

/**
 * ckpt_restoring - which task of the image is current?
 * @ctx: the context
 * @nr: where to put its pid in the image, or NULL
 *
 * Return: its entry in the task table, or NULL if current is none.
 */
const struct ckpt_task_entry *ckpt_restoring(struct ckpt_ctx *ctx, u32 *nr)
{
	struct ckpt_task *ct = current->ckpt_task;
	const struct ckpt_task_entry *e;

	KUNIT_STATIC_STUB_REDIRECT(ckpt_restoring, ctx, nr);
	if (!ct || !ct->restore || ct->restore->ctx != ctx)
		return NULL;
	e = &ctx->tree->tasks[ct->restore->row].e;
	if (nr)
		*nr = ckpt_pid_nr(ctx->tree, e->tid);
	return e;
}

/**
 * ckpt_session_restored - is the session of current one of the image?
 * @ctx: the context of a restart
 *
 * Context: the restoring task, a group leader.
 * Return: false if it is in the session of the caller.
 */
bool ckpt_session_restored(struct ckpt_ctx *ctx)
{
	const struct ckpt_task_entry *e = ckpt_restoring(ctx, NULL);

	return e && e->session != CKPT_NO_SLOT;
}

static struct ckpt_task *restore_alloc(struct ckpt_ctx *ctx, u32 row)
{
	struct ckpt_task *ct = ckpt_task_alloc(NULL, CKPT_PARK_RESTORE);
	int err;

	if (!ct)
		return ERR_PTR(-ENOMEM);
	ct->restore = kzalloc(sizeof(*ct->restore), GFP_KERNEL_ACCOUNT);
	if (!ct->restore) {
		err = -ENOMEM;
		goto put;
	}
	ct->restore->ctx = ctx;
	ct->restore->row = row;
	err = xa_err(xa_store(&ctx->tree->parts, row, ct, GFP_KERNEL_ACCOUNT));
	if (err)
		goto put;
	ctx->tree->tasks[row].ct = ct;
	return ct;

put:
	ckpt_task_put(ct);
	ckpt_task_put(ct);
	return ERR_PTR(err);
}

/* --------------------------------------------- run by the restored tasks */

static void done(struct ckpt_task *ct, enum ckpt_cmd cmd, int result)
{
	struct ckpt_restore *r = ct->restore;

	spin_lock_irq(&ct->wait.lock);
	r->result = result;
	/* it may have become CKPT_CMD_ABORT meanwhile */
	if (r->cmd == cmd)
		r->cmd = CKPT_CMD_NONE;
	r->done = true;
	if (ct->tree)
		wake_up(&ct->tree->wait);
	spin_unlock_irq(&ct->wait.lock);
}

/* The current task is the one of its row, and sees no signal from here on. */
static void attach_current(struct ckpt_task *ct)
{
	struct ckpt_tree *tree = ct->restore->ctx->tree;
	struct ckpt_tree_task *row = &tree->tasks[ct->restore->row];
	sigset_t all;

	sigfillset(&all);
	set_current_blocked(&all);
	ct->task = get_task_struct(current);
	row->task = get_task_struct(current);
	row->pid = get_task_pid(current, PIDTYPE_PID);
	tree->pids[row->e.tid].pid = get_pid(row->pid);
	ckpt_task_attach_current(ct);
}

static int run_restored(void *arg);
static int run_zombie(void *arg);

/* Make the child or thread of row @i. */
static int make(struct ckpt_ctx *ctx, u32 i)
{
	struct ckpt_tree *tree = ctx->tree;
	const struct ckpt_task_entry *e = &tree->tasks[i].e;
	struct kernel_clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED,
		.fn = (e->flags & CKPT_TASK_ZOMBIE) && !tree->tasks[i].late ?
			run_zombie : run_restored,
	};
	u32 nr = ckpt_pid_nr(tree, e->tid), ns = tree->pids[e->tid].ns;
	pid_t set_tid[MAX_PID_NS_LEVEL + 1];
	struct nsproxy *old;
	struct ckpt_task *ct;
	pid_t pid;
	int err;

	if (e->flags & CKPT_TASK_THREAD)
		args.flags |= CLONE_THREAD | CLONE_SIGHAND | CLONE_SYSVSEM;
	if (!(ctx->uflags & RESTART_NOPIDS)) {
		args.set_tid = set_tid;
		args.set_tid_size = ckpt_pids_set_tid(tree, e->tid, set_tid);
	}

	/* an init is the first in its namespace, which is made for it */
	err = ckpt_pid_ns_make(ctx, ns);
	if (err)
		return err;
	ct = restore_alloc(ctx, i);
	if (IS_ERR(ct))
		return PTR_ERR(ct);
	old = ckpt_enter_pid_ns(tree->nss[ns].ns);
	if (IS_ERR(old)) {
		ckpt_task_put(ct);
		return PTR_ERR(old);
	}
	/* it makes nothing: it is restored as soon as it is there */
	if ((e->flags & CKPT_TASK_THREAD) && !(e->flags & CKPT_TASK_ZOMBIE))
		ct->restore->cmd = CKPT_CMD_RESTORE;
	args.fn_arg = ct;
	/* the new task may run, and exit, before kernel_clone() returns */
	ct->tree = tree;
	atomic_inc(&tree->pending);
	pid = kernel_clone(&args);
	ckpt_leave_pid_ns(old);
	if (pid > 0)
		return 0;

	ckpt_task_forget_tree(ct);
	ckpt_task_put(ct);	/* the reference of the task */
	if (ckpt_intr(pid))
		pid = -EINTR;
	if (pid == -EEXIST)
		return ckpt_err(ctx, pid,
				"pid %d is in use here: restart without the old pids, or when it is free",
				nr);
	return ckpt_err(ctx, pid, "pid %d (%s): cannot be created: error %d",
			nr, e->comm, pid);
}

/* Its children are made later: they inherit has_child_subreaper. */
static void set_subreaper(struct ckpt_ctx *ctx, u32 row)
{
	if (thread_group_leader(current))
		current->signal->is_child_subreaper =
			!!(ctx->tree->tasks[row].e.flags & CKPT_TASK_SUBREAPER);
}

static int restore_current(struct ckpt_ctx *ctx, u32 row)
{
	const struct ckpt_task_entry *e = &ctx->tree->tasks[row].e;
	struct ckpt_hdr_task h;
	int err;

	set_task_comm(current, e->comm);
	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TASK, sizeof(h));
	if (!err && (h.index != row || h.reserved))
		err = ckpt_err(ctx, -EINVAL,
			       "image: the state of task %u stands where that of task %u belongs",
			       h.index, row);
	if (!err)
		err = ckpt_task_restore(ctx);
	trace_restart_task(ctx->id, current, err);
	return err;
}

/* Under tasklist_lock: give a child, with its threads, to another parent. */
static void move_child(struct task_struct *t, struct task_struct *parent)
{
	struct task_struct *thread;

	for_each_thread(t, thread) {
		RCU_INIT_POINTER(thread->real_parent, parent);
		if (!thread->ptrace)
			RCU_INIT_POINTER(thread->parent, parent);
	}
	list_move_tail(&t->sibling, &parent->children);
}

/*
 * The restart has failed, or the task was killed. Unless the tree is complete
 * its children go to the caller of restart, who reaps them: init, or whoever
 * would inherit them, knows nothing of them.
 */
static void __noreturn die(struct ckpt_restore *r)
{
	struct task_struct *child, *next;

	write_lock_irq(&tasklist_lock);
	if (!r->linked) {
		r->dying = true;
		list_for_each_entry_safe(child, next, &current->children,
					 sibling)
			move_child(child, r->ctx->caller);
		/* it may be waiting for more of the image */
		set_notify_signal(r->ctx->caller);
	}
	write_unlock_irq(&tasklist_lock);

	ckpt_defuse(current);
	/* so that no tracer stops it on its way out */
	spin_lock_irq(&current->sighand->siglock);
	sigaddset(&current->pending.signal, SIGKILL);
	spin_unlock_irq(&current->sighand->siglock);
	do_group_exit(SIGKILL);
}

/*
 * A leader that its threads have outlived: what it has restored stays with the
 * process. It does not come to user mode, where its part in the restart would
 * end.
 */
static void __noreturn leave_to_threads(struct ckpt_task *ct, u32 code)
{
	ckpt_task_commit(ct);
	ckpt_task_discard(ct);
	ckpt_defuse(current);
	do_exit(code);
}

/**
 * struct zombie_cred - what a zombie is to have
 * @work: run when it has exited so far
 * @cred: its credentials, referenced
 */
struct zombie_cred {
	struct callback_head work;
	const struct cred *cred;
};

static void commit_zombie_cred(struct callback_head *work)
{
	struct zombie_cred *z = container_of(work, struct zombie_cred, work);

	commit_creds((struct cred *)z->cred);
	kfree(z);
}

/*
 * A zombie has the credentials that it had, if they were saved: from when it
 * has let go of the memory and the files that it was made with. They are those
 * of the caller of restart, and who has the same credentials may trace it. Not
 * before PTRACE_EVENT_EXIT, which runs what work there is.
 */
static int take_cred(struct ckpt_task *ct, const struct ckpt_task_entry *e)
{
	struct zombie_cred *z;
	struct cred *cred;

	if (!e->cred)
		return 0;
	cred = ckpt_obj_fetch(ct->restore->ctx, e->cred, CKPT_OBJ_CRED);
	if (IS_ERR(cred))
		return PTR_ERR(cred);
	z = kmalloc(sizeof(*z), GFP_KERNEL_ACCOUNT);
	if (!z)
		return -ENOMEM;
	z->cred = get_cred(cred);
	init_task_work(&z->work, commit_zombie_cred);
	ct->exited = &z->work;
	return 0;
}

/* A restored task, from its creation to its release */
static int run_restored(void *arg)
{
	struct ckpt_task *ct = arg;
	struct ckpt_restore *r = ct->restore;
	const struct ckpt_task_entry *e = &r->ctx->tree->tasks[r->row].e;
	bool outlived = e->flags & CKPT_TASK_OUTLIVED;
	u32 code = e->exit_code;
	enum ckpt_cmd cmd;
	int result;

	attach_current(ct);
	set_subreaper(r->ctx, r->row);
	/* unless it knows already what to do: that saves two switches */
	if (READ_ONCE(r->cmd) != CKPT_CMD_RESTORE)
		done(ct, CKPT_CMD_NONE, 0);
	for (;;) {
		result = wait_event_killable(ct->wait,
					     READ_ONCE(r->cmd) != CKPT_CMD_NONE);
		clear_notify_signal();
		if (result)
			die(r);
		cmd = READ_ONCE(r->cmd);
		switch (cmd) {
		case CKPT_CMD_MAKE:
			result = make(r->ctx, r->arg);
			break;
		case CKPT_CMD_MAKE_NS:
			result = ckpt_pid_ns_make(r->ctx, r->arg);
			break;
		case CKPT_CMD_RESTORE:
			result = restore_current(r->ctx, r->row);
			break;
		case CKPT_CMD_LATE:
			result = ckpt_late_restore(r->ctx);
			break;
		case CKPT_CMD_EXIT:
			set_task_comm(current, e->comm);
			result = take_cred(ct, e);
			if (result)
				break;
			done(ct, cmd, 0);
			do_exit(code);
		case CKPT_CMD_RELEASE:
			if (outlived)
				leave_to_threads(ct, code);
			/* get_signal() is where the registers are installed */
			set_notify_signal(current);
			return 0;
		default:
			die(r);
		}
		done(ct, cmd, result);
	}
}

/* A task that was a zombie becomes one again. */
static int run_zombie(void *arg)
{
	struct ckpt_task *ct = arg;
	struct ckpt_ctx *ctx = ct->restore->ctx;
	const struct ckpt_task_entry *e = &ctx->tree->tasks[ct->restore->row].e;
	u32 code = e->exit_code;

	attach_current(ct);
	set_task_comm(current, e->comm);
	done(ct, CKPT_CMD_NONE, take_cred(ct, e));
	do_exit(code);
}

/* --------------------------------------- run by the caller of restart */

static struct ckpt_task *part(struct ckpt_ctx *ctx, u32 i)
{
	return xa_load(&ctx->tree->parts, i);
}

/* Wait for the task of row @i to be done with what it was told. */
static int wait_done(struct ckpt_ctx *ctx, u32 i)
{
	struct ckpt_task *ct = part(ctx, i);
	struct ckpt_restore *r = ct->restore;

	if (wait_event_interruptible(ctx->tree->wait,
				     READ_ONCE(r->done) ||
				     READ_ONCE(ct->state) == CKPT_PARK_GONE))
		return -EINTR;
	if (!READ_ONCE(r->done))
		return ckpt_err(ctx, -EINTR,
				"pid %u (%s): was killed while it was restored",
				ckpt_pid_nr(ctx->tree, ctx->tree->tasks[i].e.tid),
				ctx->tree->tasks[i].e.comm);
	return r->result;
}

static void command(struct ckpt_task *ct, enum ckpt_cmd cmd, u32 arg)
{
	spin_lock_irq(&ct->wait.lock);
	ct->restore->done = false;
	ct->restore->arg = arg;
	WRITE_ONCE(ct->restore->cmd, cmd);
	wake_up_locked(&ct->wait);
	spin_unlock_irq(&ct->wait.lock);
}

/* Have the task of row @i made; a live thread is restored on return. */
static int make_row(struct ckpt_ctx *ctx, u32 i)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_tree_task *row = &tree->tasks[i];
	/* the leader makes the children of its threads, too: see link_tree() */
	u32 maker = row->e.flags & CKPT_TASK_THREAD ? row->e.leader :
		    i ? tree->tasks[row->e.parent].e.leader : 0;
	int err;

	if (!(row->e.flags & CKPT_TASK_THREAD))
		tree->made[tree->nr_made++] = i;
	if (i == 0) {
		err = make(ctx, i);
	} else {
		command(part(ctx, maker), CKPT_CMD_MAKE, i);
		err = wait_done(ctx, maker);
	}
	if (!err)
		err = wait_done(ctx, i);
	if (err)
		return err;

	if (i == 0)
		ctx->root_task = get_task_struct(row->task);
	if (!(row->e.flags & CKPT_TASK_ZOMBIE) || row->late)
		return 0;
	if (wait_event_interruptible(row->pid->wait_pidfd,
				     READ_ONCE(row->task->exit_state)))
		return -EINTR;
	return 0;
}

/*
 * Under tasklist_lock: can all tasks be tied to each other? One that has been
 * reaped has given its pid back, and one that has gone through exit_notify()
 * takes no children any more.
 */
static bool can_link(struct ckpt_tree *tree)
{
	struct ckpt_tree_task *row;
	u32 i;

	for (i = 0; i < tree->nr_tasks; i++) {
		row = &tree->tasks[i];
		if (row->e.flags & CKPT_TASK_ZOMBIE ?
		    row->task->exit_state != EXIT_ZOMBIE || !pid_alive(row->task) :
		    row->task->exit_state || row->ct->restore->dying)
			return false;
	}
	return true;
}

/*
 * Tie the processes together as they were. Nothing can fail any more, if this
 * does not.
 */
static int link_tree(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_tree_pid *pgrp, *session;
	u32 i;

	write_lock_irq(&tasklist_lock);
	if (!can_link(tree)) {
		write_unlock_irq(&tasklist_lock);
		return ckpt_err(ctx, -EINTR, "a task was killed while the tree was restored");
	}
	for (i = 0; i < tree->nr_tasks; i++) {
		struct ckpt_task_entry *e = &tree->tasks[i].e;
		struct task_struct *t = tree->tasks[i].task;

		tree->tasks[i].ct->restore->linked = true;
		if (e->flags & CKPT_TASK_THREAD)
			continue;
		t->exit_signal = i ? e->exit_signal : SIGCHLD;
		/* of a leader, which made it, to the thread that had it */
		if (i && tree->tasks[e->parent].task !=
			 rcu_access_pointer(t->real_parent))
			move_child(t, tree->tasks[e->parent].task);
		if (e->session != ~0U) {
			session = &tree->pids[e->session];
			change_pid(t, PIDTYPE_SID, session->pid);
			session->alone = false;
			t->signal->leader = e->session == e->tid;
		}
		if (e->pgrp != ~0U) {
			pgrp = &tree->pids[e->pgrp];
			change_pid(t, PIDTYPE_PGID, pgrp->pid);
			pgrp->alone = false;
		}
	}
	write_unlock_irq(&tasklist_lock);

	ckpt_pids_set_last(ctx);
	return 0;
}

/*
 * Tie those who wait in vfork(2) to their children. One that exits has perhaps
 * gone by where it would complete this.
 */
static void link_vfork(struct ckpt_tree *tree, u32 i)
{
	const struct ckpt_tree_task *parent;
	struct task_struct *child = tree->tasks[i].task;
	struct ckpt_restore *r;

	parent = &tree->tasks[tree->tasks[i].e.parent];
	r = parent->ct->restore;
	init_completion(&r->vfork_done);
	r->vfork_child = get_task_struct(child);
	r->vfork_pid = get_pid(tree->tasks[i].pid);
	task_lock(child);
	child->vfork_done = &r->vfork_done;
	/* pairs with what is between exit_signals() and mm_release() */
	smp_mb();
	if (child->flags & PF_EXITING) {
		child->vfork_done = NULL;
		complete(&r->vfork_done);
	}
	task_unlock(child);
}

static void link_vforks(struct ckpt_tree *tree)
{
	u32 i;

	for (i = 0; i < tree->nr_tasks; i++)
		if (tree->tasks[i].e.flags & CKPT_TASK_VFORK)
			link_vfork(tree, i);
}

/* Let @child, if it has not done so, complete @done instead of @old. */
static void exchange_done(struct task_struct *child, struct completion *old,
			  struct completion *done)
{
	task_lock(child);
	if (child->vfork_done == old)
		child->vfork_done = done;
	else if (done)
		complete(done);
	task_unlock(child);
}

static void vfork_wait(struct task_struct *child, struct completion *done)
{
	int killed;

	cgroup_enter_frozen();
	killed = wait_for_completion_state(done, TASK_KILLABLE | TASK_FREEZABLE);
	if (killed)
		exchange_done(child, done, NULL);
	cgroup_leave_frozen(false);
}

/**
 * ckpt_task_resume - go on with what the task was in the middle of
 * @ct: the part that current had in a restart
 *
 * That is a ptrace stop, or a wait in vfork(2), or one after the other. The
 * latter is as wait_for_vfork_done() has it: it is killable only.
 *
 * Context: current, at the boundary of user mode, committed; sleeps.
 */
void ckpt_task_resume(struct ckpt_task *ct)
{
	struct ckpt_restore *r = ct->restore;
	struct task_struct *child = r->vfork_child;
	DECLARE_COMPLETION_ONSTACK(done);
	int signr = 0;

	/* the next one may be at the same address: it may call restart(2) */
	r->ctx = NULL;
	if (child) {
		syscall_set_return_value(current, current_pt_regs(), 0,
					 pid_vnr(r->vfork_pid));
		exchange_done(child, &r->vfork_done, &done);
	}
	if (ct->trace)
		signr = ckpt_ptrace_stop(ct);
	if (child) {
		vfork_wait(child, &done);
		ckpt_ptrace_vfork_done(r->vfork_pid);
		ct->keep = false;
	} else if (ct->trace) {
		ckpt_ptrace_go_on(ct, signr);
	}
}

/**
 * ckpt_vfork_forget - nobody waits for the vfork child, if there is one
 * @ct: nobody takes part with it any more
 *
 * Context: process context.
 */
void ckpt_vfork_forget(struct ckpt_task *ct)
{
	if (!ct->restore || !ct->restore->vfork_child)
		return;
	exchange_done(ct->restore->vfork_child, &ct->restore->vfork_done, NULL);
	put_task_struct(ct->restore->vfork_child);
	put_pid(ct->restore->vfork_pid);
}

/* Also of a tree of which not all tasks are made yet */
static int all_alive(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_task *ct;
	unsigned long i;

	xa_for_each(&tree->parts, i, ct)
		if (!(tree->tasks[i].e.flags & CKPT_TASK_ZOMBIE) &&
		    (READ_ONCE(ct->state) == CKPT_PARK_GONE ||
		     READ_ONCE(ct->restore->dying)))
			return ckpt_err(ctx, -EINTR,
					"pid %u (%s): was killed while it was restored",
					ckpt_pid_nr(tree, tree->tasks[i].e.tid),
					tree->tasks[i].e.comm);
	return 0;
}

/* They say that they are gone a moment before they are: nobody is woken then. */
static void wait_outlived(struct ckpt_tree *tree)
{
	u32 i;

	for (i = 0; i < tree->nr_tasks; i++)
		while ((tree->tasks[i].e.flags & CKPT_TASK_OUTLIVED) &&
		       !READ_ONCE(tree->tasks[i].task->exit_state) &&
		       !fatal_signal_pending(current))
			schedule_timeout_killable(1);
}

/* To the boundary of user mode, where it becomes what it was, and waits. */
static void release(struct ckpt_task *ct)
{
	spin_lock_irq(&ct->wait.lock);
	if (ct->state == CKPT_PARK_RESTORE)
		ct->state = CKPT_PARK_COMMIT;
	spin_unlock_irq(&ct->wait.lock);
	command(ct, CKPT_CMD_RELEASE, 0);
}

/* To user mode, or into a ptrace stop. */
static void let_go(struct ckpt_task *ct)
{
	spin_lock_irq(&ct->wait.lock);
	WRITE_ONCE(ct->go, true);
	wake_up_locked(&ct->wait);
	spin_unlock_irq(&ct->wait.lock);
}

static void release_all(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_task *ct;
	unsigned long i;

	if (ctx->uflags & RESTART_FROZEN)
		for (i = 0; i < tree->nr_tasks; i++)
			if (!(tree->tasks[i].e.flags &
			      (CKPT_TASK_ZOMBIE | CKPT_TASK_THREAD)))
				ckpt_group_stop(tree->tasks[i].task);

	xa_for_each(&tree->parts, i, ct)
		release(ct);
	/* so that who looks at the tree now sees it as it was */
	wait_event_killable(tree->wait, !atomic_read(&tree->pending));
	wait_outlived(tree);
	xa_for_each(&tree->parts, i, ct)
		ckpt_task_forget_tree(ct);
	/* whoever is to be stopped is so before its tracer runs */
	xa_for_each(&tree->parts, i, ct)
		if (ct->stops)
			let_go(ct);
	ckpt_ptrace_wait_stopped(tree);
	xa_for_each(&tree->parts, i, ct)
		if (!ct->stops)
			let_go(ct);
	ckpt_wait_stopped(ctx);
}

static void abort_tasks(struct ckpt_tree *tree, bool kill)
{
	struct task_struct *t;
	struct ckpt_task *ct;
	unsigned long i;

	xa_for_each(&tree->parts, i, ct) {
		command(ct, CKPT_CMD_ABORT, 0);
		t = READ_ONCE(ct->task);
		if (!t)
			continue;
		if (kill)
			send_sig(SIGKILL, t, 1);
		else	/* it may be waiting for more of the image */
			set_notify_signal(t);
	}
}

/*
 * A zombie that is traced is its tracer's to reap, who may not do so. Nobody
 * attaches to a zombie any more.
 */
static void untrace(struct task_struct *t)
{
	struct task_struct *tracer;
	bool release = false;

	write_lock_irq(&tasklist_lock);
	if (t->exit_state == EXIT_ZOMBIE && t->ptrace) {
		/* the tracer may be waiting for it */
		tracer = rcu_dereference_protected(t->parent,
						   lockdep_is_held(&tasklist_lock));
		__wake_up_parent(t, tracer);
		ptrace_unlink(t);
		/* a thread reaps itself if it has no tracer */
		release = !thread_group_leader(t);
		if (release)
			t->exit_state = EXIT_DEAD;
	}
	write_unlock_irq(&tasklist_lock);
	if (release)
		release_task(t);
}

/* Wait for, and reap, a task that is on its way out: false if it takes long. */
static bool reap(struct task_struct *t, bool thread, unsigned long until)
{
	struct pid *pid = get_task_pid(t, PIDTYPE_PID);
	bool gone = !pid;

	while (!gone) {
		wait_event_timeout(pid->wait_pidfd,
				   READ_ONCE(t->exit_state) &&
				   (thread || thread_group_empty(t)),
				   CKPT_ABORT_INTERVAL);
		/* what is seen here is what untrace() acts on */
		if (thread)
			gone = READ_ONCE(t->exit_state);
		untrace(t);
		if (!thread)
			gone = kernel_wait4(pid_vnr(pid), NULL,
					    WNOHANG | __WALL, NULL);
		if (!gone && fatal_signal_pending(current) &&
		    time_after(jiffies, until))
			break;
		cond_resched();
	}
	put_pid(pid);
	return gone;
}

/* Wait for the threads of the process of row @i. */
static bool reap_threads(struct ckpt_ctx *ctx, u32 i, unsigned long until)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_task *ct;
	u32 t;

	for (t = tree->tasks[i].thread; t; t = tree->tasks[t].thread) {
		ct = part(ctx, t);
		if (ct && ct->task && !reap(ct->task, true, until))
			return false;
	}
	return true;
}

/* Leave nothing behind. */
static void abort_all(struct ckpt_ctx *ctx)
{
	unsigned long patience = jiffies + CKPT_ABORT_PATIENCE;
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_task *ct;
	unsigned long i;
	bool kill;
	u32 row;

	/*
	 * A task that was making another when this began has to be told again.
	 * One that is held up is killed if the caller is.
	 */
	do {
		kill = fatal_signal_pending(current) &&
		       time_after(jiffies, patience);
		abort_tasks(tree, kill);
	} while (!wait_event_timeout(tree->wait, !atomic_read(&tree->pending),
				     CKPT_ABORT_INTERVAL));
	/* the last one may still be at it */
	xa_for_each(&tree->parts, i, ct)
		ckpt_task_forget_tree(ct);
	/* the init of a namespace does not go before all pids in it are free */
	ckpt_pids_free_lone(tree);
	/*
	 * All are children of the caller by now: see die(). An init was made
	 * before whoever else lives in its namespace, and goes after them,
	 * whichever of its threads is the last.
	 */
	while (tree->nr_made) {
		row = tree->made[--tree->nr_made];
		ct = part(ctx, row);
		if (ct && ct->task &&
		    (!reap_threads(ctx, row, patience) ||
		     !reap(ct->task, false, patience)))
			break;
	}
	clear_notify_signal();
	if (task_work_pending(current))
		set_notify_signal(current);
}

/*
 * Can the process of row @i be made? Its parent must be there, and the init of
 * the pid namespace that it lives in.
 */
static bool can_make(const struct ckpt_tree *tree, u32 i)
{
	const struct ckpt_task_entry *e = &tree->tasks[i].e;
	u32 init = tree->nss[tree->pids[e->tid].ns].e.init;

	if (!i)
		return true;
	/* children of threads are made by the leader of these */
	return tree->tasks[tree->tasks[e->parent].e.leader].task &&
	       (init == i || init == CKPT_NO_SLOT || tree->tasks[init].task);
}

/*
 * A task that lives right outside makes each namespace. Who lives in one, and
 * has its parent outside of it, may stand before its init in the table.
 */
static int make_processes(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	u32 i, left, before, maker;
	int err = 0;

	do {
		before = tree->nr_made;
		for (i = 0, left = 0; i < tree->nr_tasks && !err; i++) {
			if ((tree->tasks[i].e.flags & CKPT_TASK_THREAD) ||
			    tree->tasks[i].task)
				continue;
			if (can_make(tree, i))
				err = make_row(ctx, i);
			else
				left++;
		}
	} while (!err && left && tree->nr_made > before);
	if (!err && left)
		err = ckpt_err(ctx, -EINVAL,
			       "image: %u tasks cannot be made before each other",
			       left);

	for (i = 1; i < tree->nr_pid_ns && !err; i++) {
		if (tree->nss[i].ns)
			continue;
		maker = tree->nss[tree->nss[i].e.parent].e.init;
		if (maker == CKPT_NO_SLOT)
			maker = 0;
		command(part(ctx, maker), CKPT_CMD_MAKE_NS, i);
		err = wait_done(ctx, maker);
	}
	return err;
}

/*
 * All processes stand before the first is restored, so that whatever names a
 * pid finds it. Threads share the memory of their leader from the start: they
 * are made when it has its own.
 */
static int rebuild(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	u32 i, live = 0;
	int err;

	tree->made = kvcalloc(tree->nr_tasks, sizeof(*tree->made),
			      GFP_KERNEL_ACCOUNT);
	if (!tree->made)
		return -ENOMEM;
	err = make_processes(ctx);
	if (!err)
		err = ckpt_pids_make_lone(ctx);
	for (i = 0; i < tree->nr_tasks && !err; i++) {
		bool zombie = tree->tasks[i].e.flags & CKPT_TASK_ZOMBIE;

		if (tree->tasks[i].e.flags & CKPT_TASK_THREAD) {
			err = make_row(ctx, i);
		} else if (!zombie) {
			command(part(ctx, i), CKPT_CMD_RESTORE, 0);
			err = wait_done(ctx, i);
		}
		if (zombie)
			continue;
		live = i;
	}
	/* in a task of the tree, which whatever the image holds cannot harm */
	if (!err) {
		command(part(ctx, live), CKPT_CMD_LATE, 0);
		err = wait_done(ctx, live);
	}
	if (!err)
		err = ckpt_read_trailer(ctx);
	return err ?: all_alive(ctx);
}

/*
 * A tracer was told of the end of its tracee before: let no second SIGCHLD be
 * queued, as if there were one. It is not looking, with all signals blocked.
 * Returns false if there is one.
 */
static bool mute(struct task_struct *tracer, bool on)
{
	unsigned long flags;
	sigset_t *pending;
	bool muted = false;

	if (!lock_task_sighand(tracer, &flags))
		return false;
	pending = &tracer->signal->shared_pending.signal;
	if (!on) {
		sigdelset(pending, SIGCHLD);
	} else if (!sigismember(pending, SIGCHLD)) {
		sigaddset(pending, SIGCHLD);
		muted = true;
	}
	unlock_task_sighand(tracer, &flags);
	return muted;
}

/* Let the task of row @i, which waits, become the zombie that it was. */
static int bury(struct ckpt_ctx *ctx, u32 i)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_tree_task *row = &tree->tasks[i], *tracer = NULL;
	const int *state = &row->task->exit_state;
	bool muted = false;
	int err;

	if (row->e.tracer) {
		tracer = &tree->tasks[row->e.tracer - 1];
		if (!ckpt_ptrace_zombie(row->task, tracer))
			return -EINTR;
		muted = mute(tracer->task, true);
	}
	command(part(ctx, i), CKPT_CMD_EXIT, 0);
	err = wait_done(ctx, i);
	/* of a leader with threads nobody is woken */
	while (!err && !READ_ONCE(*state))
		if (wait_event_interruptible_timeout(row->pid->wait_pidfd,
						     READ_ONCE(*state), 1) < 0)
			err = -EINTR;
	/* exit_notify() tells the tracer a moment later, under this lock */
	read_lock(&tasklist_lock);
	read_unlock(&tasklist_lock);
	if (muted)
		mute(tracer->task, false);
	return err;
}

/*
 * Zombies that have threads, or that a tracer has yet to wait for, which must be
 * there: threads before their leaders.
 */
static int bury_late(struct ckpt_ctx *ctx)
{
	int err = 0;
	u32 i;

	for (i = ctx->tree->nr_tasks; i-- && !err;)
		if (ctx->tree->tasks[i].late)
			err = bury(ctx, i);
	return err;
}

static int restart_tree(struct ckpt_ctx *ctx)
{
	int err = rebuild(ctx) ?: ckpt_ptrace_check_exits(ctx) ?:
		  bury_late(ctx) ?: link_tree(ctx);

	if (err) {
		/* a task that is killed interrupts whoever reads */
		if (err == -EINTR)
			all_alive(ctx);
		ckpt_err(ctx, err, "restart failed: error %d", err);
		abort_all(ctx);
		return err;
	}
	ckpt_ttys_commit(ctx);
	ckpt_obj_commit(ctx);
	ckpt_tasks_link(ctx);
	link_vforks(ctx->tree);
	ckpt_drop_objects(ctx);
	release_all(ctx);
	return pid_vnr(ctx->tree->tasks[0].pid);
}

/* The caller itself becomes the one task of the image. */
static int restart_self(struct ckpt_ctx *ctx)
{
	struct ckpt_tree *tree = ctx->tree;
	struct ckpt_task *ct;
	sigset_t old;
	int err;

	if (tree->nr_tasks != 1)
		return ckpt_err(ctx, -EINVAL,
				"image: %u tasks; only one can take the place of the caller",
				tree->nr_tasks);
	if (!thread_group_empty(current))
		return ckpt_err(ctx, -EINVAL,
				"the caller has other threads: only a single one can be replaced");
	if (current->ckpt_task)
		return -EBUSY;
	ct = restore_alloc(ctx, 0);
	if (IS_ERR(ct))
		return PTR_ERR(ct);

	old = current->blocked;
	attach_current(ct);
	set_subreaper(ctx, 0);
	err = restore_current(ctx, 0);
	if (!err)
		err = ckpt_late_restore(ctx);
	if (!err)
		err = ckpt_read_trailer(ctx);
	if (err) {
		/* what it was is gone, as after a failed exec */
		ckpt_task_detach_current();
		ckpt_defuse(current);
		set_current_blocked(&old);
		send_sig(SIGKILL, current, 1);
		return err;
	}
	ckpt_ttys_commit(ctx);
	ckpt_obj_commit(ctx);
	ckpt_tasks_link(ctx);
	ct->state = CKPT_PARK_COMMIT;
	ct->go = true;
	if (ctx->uflags & RESTART_FROZEN)
		ckpt_group_stop(current);
	set_notify_signal(current);
	return 0;
}

/*
 * Whoever does not have the capability may restart what is wholly in a user
 * namespace of its own. That each task is, is checked with its credentials.
 */
static int may_restart(struct ckpt_ctx *ctx)
{
	struct user_namespace *ns;

	ns = ckpt_user_ns_fetch(ctx, ctx->tree->nss[0].e.user_ns);
	if (IS_ERR(ns))
		return PTR_ERR(ns);
	if (!checkpoint_restore_ns_capable(ns))
		return ckpt_err(ctx, -EPERM, "CAP_CHECKPOINT_RESTORE is needed in the user namespace of the tree");
	return 0;
}

/**
 * ckpt_do_restart - rebuild a task tree from an image
 * @ctx: the context
 *
 * Either all tasks are restored and run, or none is left.
 *
 * Context: the caller of the system call, may sleep.
 * Return: the pid of the root as the caller sees it, 0 for RESTART_TASKSELF,
 * or a negative errno with a message in the context.
 */
int ckpt_do_restart(struct ckpt_ctx *ctx)
{
	u64 begin = ktime_get_ns();
	int ret;

	ret = ckpt_read_header(ctx);
	if (!ret)
		ret = ckpt_tree_read(ctx);
	/* its root is an init, but not of a namespace of its own */
	if (ctx->join & CLONE_NEWPID)
		ctx->tree->flags &= ~CKPT_TREE_CONTAINER;
	if (!ret)
		ckpt_pids_begin(ctx);
	if (!ret)
		ret = may_restart(ctx);
	if (!ret)
		ret = ctx->uflags & RESTART_TASKSELF ? restart_self(ctx) :
						       restart_tree(ctx);
	trace_checkpoint_phase(ctx->id, "restart", min(ret, 0));
	if (ret < 0)
		ckpt_err(ctx, ret, "restart failed: error %d", ret);
	ctx->stats.total_ns = ktime_get_ns() - begin;
	ctx->stats.tasks_ns = ctx->stats.total_ns;
	ctx->stats.bytes = ckpt_stream_bytes(ctx->stream);
	return ret;
}
