// SPDX-License-Identifier: GPL-2.0
/*
 * The state of a task, one kind after the other: a table says what there is.
 */

#include <linux/sched/signal.h>

#include <trace/events/checkpoint.h>

#include "internal.h"

/* The table of task states: adding one is an entry here. */
static const struct ckpt_task_ops *const ckpt_task_table[CKPT_STATE_MAX] = {
	[CKPT_STATE_CGROUP]	= &ckpt_cgroup_task_ops,
	[CKPT_STATE_NS]		= &ckpt_ns_task_ops,
	[CKPT_STATE_SYSVIPC]	= &ckpt_sysvipc_task_ops,
	[CKPT_STATE_FS]		= &ckpt_fs_task_ops,
	[CKPT_STATE_FILES]	= &ckpt_files_task_ops,
	[CKPT_STATE_MEMPOLICY]	= &ckpt_mempolicy_task_ops,
	[CKPT_STATE_MM]		= &ckpt_mm_task_ops,
	[CKPT_STATE_SIGHAND]	= &ckpt_sighand_task_ops,
	[CKPT_STATE_SIGNAL]	= &ckpt_signal_task_ops,
	[CKPT_STATE_LIMITS]	= &ckpt_limits_task_ops,
	[CKPT_STATE_ACCT]	= &ckpt_acct_task_ops,
	[CKPT_STATE_ITIMERS]	= &ckpt_itimers_task_ops,
	[CKPT_STATE_TIMERS]	= &ckpt_timers_task_ops,
	[CKPT_STATE_SCHED]	= &ckpt_sched_task_ops,
	[CKPT_STATE_MISC]	= &ckpt_misc_task_ops,
	[CKPT_STATE_JOBCTL]	= &ckpt_jobctl_task_ops,
	[CKPT_STATE_CRED]	= &ckpt_cred_task_ops,
	[CKPT_STATE_SECCOMP]	= &ckpt_seccomp_task_ops,
	[CKPT_STATE_RESTART_BLOCK] = &ckpt_restart_block_task_ops,
	[CKPT_STATE_PTRACE]	= &ckpt_ptrace_task_ops,
	[CKPT_STATE_CPU]	= &ckpt_cpu_task_ops,
};

static bool applies(const struct ckpt_task_ops *ops, struct task_struct *t)
{
	return !ops->process || thread_group_leader(t);
}

/* Of a leader that is dead there is only what belongs to the process. */
static bool to_collect(struct ckpt_ctx *ctx, const struct ckpt_task_ops *ops,
		       struct task_struct *t)
{
	if (ckpt_stands_in(ctx, t))
		return ops->process || ops->both;
	return applies(ops, t);
}

/**
 * ckpt_task_collect - count what a task shares, refuse what is not supported
 * @ctx: the context
 * @t: the task, parked
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_task_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	int i, err;

	for (i = 0; i < CKPT_STATE_MAX; i++) {
		const struct ckpt_task_ops *ops = ckpt_task_table[i];

		if (!ops->collect || !to_collect(ctx, ops, t))
			continue;
		err = ops->collect(ctx, t);
		if (err)
			return ckpt_err(ctx, err,
					"%s: error %d",
					ops->name, err);
	}
	return 0;
}

/**
 * ckpt_task_checkpoint - write the state of a task
 * @ctx: the context
 * @t: the task, parked
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_task_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	int i, err;

	for (i = 0; i < CKPT_STATE_MAX; i++) {
		const struct ckpt_task_ops *ops = ckpt_task_table[i];

		if (!applies(ops, ctx->saved))
			continue;
		err = ops->checkpoint(ctx, t);
		if (err)
			return ckpt_err(ctx, err,
					"%s: cannot be saved: error %d",
					ops->name, err);
	}
	return 0;
}

/**
 * ckpt_task_restore - read and restore the state of the current task
 * @ctx: the context
 *
 * Context: the restoring task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_task_restore(struct ckpt_ctx *ctx)
{
	int i, err;

	for (i = 0; i < CKPT_STATE_MAX; i++) {
		const struct ckpt_task_ops *ops = ckpt_task_table[i];

		if (!applies(ops, current))
			continue;
		err = ops->restore(ctx);
		if (err)
			return ckpt_err(ctx, err,
					"%s: cannot be restored: error %d",
					ops->name, err);
	}
	return 0;
}

/**
 * ckpt_task_defer - memory for what a state puts aside until commit
 * @ctx: the context
 * @state: which state
 * @size: in bytes
 *
 * Context: the restoring task, may sleep.
 * Return: zeroed memory that the core frees, or NULL.
 */
void *ckpt_task_defer(struct ckpt_ctx *ctx, enum ckpt_task_state state,
		      size_t size)
{
	void **slot = &current->ckpt_task->defer[state];

	if (WARN_ON_ONCE(*slot))
		return NULL;
	*slot = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	return *slot;
}

/**
 * ckpt_tasks_link - do what concerns other tasks, before any is committed
 * @ctx: the context of a restart; its tree is complete
 *
 * Context: the caller of restart, may sleep.
 */
void ckpt_tasks_link(struct ckpt_ctx *ctx)
{
	struct ckpt_task *ct;
	unsigned long row;
	int i;

	for (i = 0; i < CKPT_STATE_MAX; i++) {
		if (!ckpt_task_table[i]->link)
			continue;
		xa_for_each(&ctx->tree->parts, row, ct)
			if (ct->defer[i])
				ckpt_task_table[i]->link(ct->task,
							 ct->defer[i]);
	}
}

/**
 * ckpt_task_commit - install what was put aside
 * @ct: the current task's
 *
 * Context: the restored task, at the boundary of user mode.
 */
void ckpt_task_commit(struct ckpt_task *ct)
{
	int i;

	for (i = 0; i < CKPT_STATE_MAX; i++)
		if (ct->defer[i] && ckpt_task_table[i]->commit)
			ckpt_task_table[i]->commit(ct->defer[i]);
}

/**
 * ckpt_task_discard - free what was put aside
 * @ct: of any task
 *
 * Context: process context, may sleep.
 */
void ckpt_task_discard(struct ckpt_task *ct)
{
	int i;

	for (i = 0; i < CKPT_STATE_MAX; i++) {
		if (!ct->defer[i])
			continue;
		if (ckpt_task_table[i]->discard)
			ckpt_task_table[i]->discard(ct->defer[i]);
		kvfree(ct->defer[i]);
		ct->defer[i] = NULL;
	}
}

/**
 * ckpt_defuse - take off a task what its exit would do to shared memory
 * @t: a parked task that is to be killed, or current
 *
 * After a checkpoint the image was taken before that, and it must not be seen
 * when the tree is restarted; of a restart that failed nothing may be seen.
 *
 * Context: any.
 */
void ckpt_defuse(struct task_struct *t)
{
	t->clear_child_tid = NULL;
#ifdef CONFIG_FUTEX
	t->robust_list = NULL;
#endif
}

static int __init ckpt_task_table_check(void)
{
	int i;

	for (i = 0; i < CKPT_STATE_MAX; i++)
		if (WARN_ON(!ckpt_task_table[i] || !ckpt_task_table[i]->name ||
			    !ckpt_task_table[i]->checkpoint ||
			    !ckpt_task_table[i]->restore))
			return -EINVAL;
	return 0;
}
late_initcall(ckpt_task_table_check);
