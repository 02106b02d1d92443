// SPDX-License-Identifier: GPL-2.0
/*
 * eclone(2): create a child with chosen pids at every level of nested pid
 * namespaces. A thin entry over kernel_clone(); clone3(2) is its upstream
 * heir.
 */

#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <linux/checkpoint.h>
#include <uapi/linux/checkpoint.h>
#include <uapi/linux/sched.h>

/* The first free pid after @last, or that the namespace would hand out next. */
static pid_t next_free(struct pid_namespace *ns, pid_t last)
{
	pid_t nr = last ? last + 1 : max(2U, idr_get_cursor(&ns->idr));

	rcu_read_lock();
	while (nr < pid_max && find_pid_ns(nr, ns))
		nr++;
	rcu_read_unlock();
	return nr;
}

/*
 * set_tid goes from the innermost level outwards and has no "any" in between.
 * Pick a free pid for the levels that want any below one that is chosen, and
 * pick again if somebody else was faster.
 */
static long clone_with(struct kernel_clone_args *args, const pid_t *pids,
		       u32 nr)
{
	struct pid_namespace *ns[MAX_PID_NS_LEVEL + 1] = {};
	pid_t set_tid[MAX_PID_NS_LEVEL];
	bool any[MAX_PID_NS_LEVEL];
	u32 i, chosen = 0;
	long ret;

	for (i = 0; i < nr; i++) {
		set_tid[i] = pids[nr - 1 - i];
		any[i] = !set_tid[i];
		if (!any[i])
			chosen = i + 1;
	}
	args->set_tid = set_tid;
	args->set_tid_size = chosen;

	ns[0] = current->nsproxy->pid_ns_for_children;
	for (i = 1; i < nr && ns[i - 1]; i++)
		ns[i] = ns[i - 1]->parent;

	for (;;) {
		bool retry = false;

		for (i = 0; i < chosen; i++) {
			/* the innermost namespace of CLONE_NEWPID is empty */
			u32 level = args->flags & CLONE_NEWPID ? i - 1 : i;

			if (!any[i])
				continue;
			if (args->flags & CLONE_NEWPID && i == 0) {
				set_tid[i] = 1;
				continue;
			}
			if (!ns[level])
				return -EINVAL;
			set_tid[i] = next_free(ns[level], set_tid[i]);
			if (set_tid[i] >= pid_max)
				return -EAGAIN;
			retry = true;
		}
		ret = kernel_clone(args);
		if (ret != -EEXIST || !retry || signal_pending(current))
			return ret;
		/* was it one that the caller chose? */
		for (i = 0; i < chosen; i++) {
			u32 level = args->flags & CLONE_NEWPID ? i - 1 : i;
			bool taken;

			if (any[i] || (args->flags & CLONE_NEWPID && i == 0))
				continue;
			rcu_read_lock();
			taken = find_pid_ns(set_tid[i], ns[level]);
			rcu_read_unlock();
			if (taken)
				return ret;
		}
	}
}

/**
 * sys_eclone - create a child with chosen pids
 * @flags_low: CLONE_* and the exit signal, as of clone(2)
 * @cargs: a struct eclone_args
 * @cargs_size: its size in bytes
 * @pids: chosen pids, the outermost level first; a short array is for the
 *	innermost levels; 0 lets the kernel choose
 *
 * Return: the pid of the child; 0 in the child; or a negative errno: -EINVAL
 * for arguments that make no sense, too many pids among them; -E2BIG for a
 * structure with fields that are not known; -EFAULT; -EPERM without
 * CAP_CHECKPOINT_RESTORE at a level where a pid is chosen; -EEXIST for a pid
 * in use; those of clone3(2).
 */
SYSCALL_DEFINE4(eclone, u32, flags_low, struct eclone_args __user *, cargs,
		size_t, cargs_size, pid_t __user *, pids)
{
	struct eclone_args eargs;
	struct kernel_clone_args args = {
		.flags = flags_low & ~CSIGNAL,
		.exit_signal = flags_low & CSIGNAL,
	};
	pid_t kpids[MAX_PID_NS_LEVEL];
	u32 i;
	int err;

	BUILD_BUG_ON(sizeof(eargs) != ECLONE_ARGS_SIZE_VER0);

	if (cargs_size < ECLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	if (cargs_size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&eargs, sizeof(eargs), cargs, cargs_size);
	if (err)
		return err;
	if (eargs.clone_flags_high || eargs.reserved0 ||
	    (flags_low & CLONE_DETACHED) || !valid_signal(args.exit_signal) ||
	    !eargs.child_stack != !eargs.child_stack_size)
		return -EINVAL;
	if ((flags_low & CLONE_PIDFD) ||
	    ((flags_low & (CLONE_THREAD | CLONE_PARENT)) && args.exit_signal))
		return -EINVAL;
	if (eargs.nr_pids > MAX_PID_NS_LEVEL)
		return -EINVAL;
	if (eargs.nr_pids && copy_from_user(kpids, pids,
					    eargs.nr_pids * sizeof(*kpids)))
		return -EFAULT;
	for (i = 0; i < eargs.nr_pids; i++)
		if (kpids[i] < 0)
			return -EINVAL;
	if (eargs.child_stack &&
	    !access_ok((void __user *)eargs.child_stack, eargs.child_stack_size))
		return -EINVAL;

	args.stack = eargs.child_stack;
	args.stack_size = eargs.child_stack_size;
	if (args.stack)
		args.stack += args.stack_size;
	args.parent_tid = u64_to_user_ptr(eargs.parent_tid_ptr);
	args.child_tid = u64_to_user_ptr(eargs.child_tid_ptr);
	return clone_with(&args, kpids, eargs.nr_pids);
}
