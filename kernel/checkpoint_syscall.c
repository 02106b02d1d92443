// SPDX-License-Identifier: GPL-2.0
/*
 * Parking must not show: a system call that the notification to park has
 * interrupted is made again, with what was left of its time; or goes on, if it
 * has moved a part of its data: see checkpoint_rest.c.
 *
 * The task does this itself, on its way to user mode, once it is known that no
 * signal is delivered and every stop is over. It never is in user mode in
 * between: a signal that comes meanwhile finds it in the call, and interrupts
 * it as it should; a seccomp filter that does not know restart_syscall(2)
 * does not kill it; and what is remembered of the call ends with it.
 *
 * All of struct ckpt_task that this uses belongs to the task itself: nobody
 * else looks at it but while the task is parked.
 */

#include <linux/audit.h>
#include <linux/checkpoint_types.h>
#include <linux/compat.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/unistd.h>

#include <asm/syscall.h>

enum repeat {
	NEVER,
	REPEATS,
	/* and may wait for a time that the program has set */
	TIMED,
};

/*
 * The system calls that may be made again after -EINTR: whoever answers this
 * has done nothing yet, since what is half done is reported as a short count.
 *
 * Not here, of those that can answer -EINTR:
 *
 * - close(2): the descriptor is gone all the same;
 * - restart_syscall(2): asked for by the program, with nothing to restart;
 * - what only a fatal signal interrupts: mmap(2) and its like, fork(2),
 *   init_module(2), prctl(2), process_vm_readv(2), ...
 *
 * What answers -ERESTART* instead needs no entry: nanosleep(2), poll(2),
 * futex(2), pause(2), rt_sigsuspend(2), msgrcv(2), mq_timedreceive(2),
 * wait4(2), request_key(2), most of read(2) and write(2), ...
 */
static const u8 repeats[] = {
	/* wait for events */
	[__NR_select]		= TIMED,
	[__NR_pselect6]		= TIMED,
	[__NR_ppoll]		= TIMED,
	[__NR_epoll_wait]	= TIMED,
	[__NR_epoll_pwait]	= TIMED,
	[__NR_epoll_pwait2]	= TIMED,
	[__NR_semop]		= REPEATS,
	[__NR_semtimedop]	= TIMED,
	[__NR_rt_sigtimedwait]	= TIMED,
	[__NR_io_getevents]	= TIMED,
	[__NR_io_pgetevents]	= TIMED,
	[__NR_io_uring_enter]	= TIMED,
	[__NR_io_uring_register] = TIMED,

	/* move data: sockets with a timeout, terminals, drivers */
	[__NR_read]		= TIMED,
	[__NR_readv]		= TIMED,
	[__NR_pread64]		= REPEATS,
	[__NR_preadv]		= REPEATS,
	[__NR_preadv2]		= TIMED,
	[__NR_write]		= TIMED,
	[__NR_writev]		= TIMED,
	[__NR_pwrite64]		= REPEATS,
	[__NR_pwritev]		= REPEATS,
	[__NR_pwritev2]		= TIMED,
	[__NR_sendto]		= TIMED,
	[__NR_sendmsg]		= TIMED,
	[__NR_sendmmsg]		= TIMED,
	[__NR_recvfrom]		= TIMED,
	[__NR_recvmsg]		= TIMED,
	[__NR_recvmmsg]		= TIMED,
	[__NR_sendfile]		= TIMED,
	[__NR_splice]		= TIMED,
	[__NR_tee]		= REPEATS,
	[__NR_vmsplice]		= REPEATS,
	[__NR_copy_file_range]	= REPEATS,
	[__NR_ioctl]		= REPEATS,

	/* sockets with a timeout, or with a lock that may be waited for */
	[__NR_accept]		= TIMED,
	[__NR_accept4]		= TIMED,
	[__NR_connect]		= TIMED,
	[__NR_bind]		= REPEATS,

	/* take long, and undo what they did so far */
	[__NR_fallocate]	= REPEATS,
	[__NR_swapoff]		= REPEATS,

	/* wait for a lock before they do anything */
	[__NR_fcntl]		= REPEATS,
	[__NR_flock]		= REPEATS,
	[__NR_delete_module]	= REPEATS,
	[__NR_fsconfig]		= REPEATS,
	[__NR_fsmount]		= REPEATS,
	[__NR_lsm_set_self_attr] = REPEATS,
	[__NR_perf_event_open]	= REPEATS,

	/* bpf(BPF_PROG_TEST_RUN) */
	[__NR_bpf]		= REPEATS,

	/* look paths up: autofs, a server of FUSE, a copy up of overlayfs */
	[__NR_open]		= REPEATS,
	[__NR_openat]		= REPEATS,
	[__NR_openat2]		= REPEATS,
	[__NR_creat]		= REPEATS,
	[__NR_stat]		= REPEATS,
	[__NR_lstat]		= REPEATS,
	[__NR_fstat]		= REPEATS,
	[__NR_newfstatat]	= REPEATS,
	[__NR_statx]		= REPEATS,
	[__NR_statfs]		= REPEATS,
	[__NR_fstatfs]		= REPEATS,
	[__NR_access]		= REPEATS,
	[__NR_faccessat]	= REPEATS,
	[__NR_faccessat2]	= REPEATS,
	[__NR_readlink]		= REPEATS,
	[__NR_readlinkat]	= REPEATS,
	[__NR_getdents]		= REPEATS,
	[__NR_getdents64]	= REPEATS,
	[__NR_chdir]		= REPEATS,
	[__NR_truncate]		= REPEATS,
	[__NR_ftruncate]	= REPEATS,
	[__NR_chmod]		= REPEATS,
	[__NR_fchmod]		= REPEATS,
	[__NR_fchmodat]		= REPEATS,
	[__NR_fchmodat2]	= REPEATS,
	[__NR_chown]		= REPEATS,
	[__NR_fchown]		= REPEATS,
	[__NR_lchown]		= REPEATS,
	[__NR_fchownat]		= REPEATS,
	[__NR_utime]		= REPEATS,
	[__NR_utimes]		= REPEATS,
	[__NR_futimesat]	= REPEATS,
	[__NR_utimensat]	= REPEATS,
	[__NR_getxattr]		= REPEATS,
	[__NR_lgetxattr]	= REPEATS,
	[__NR_fgetxattr]	= REPEATS,
	[__NR_listxattr]	= REPEATS,
	[__NR_llistxattr]	= REPEATS,
	[__NR_flistxattr]	= REPEATS,
	[__NR_setxattr]		= REPEATS,
	[__NR_lsetxattr]	= REPEATS,
	[__NR_fsetxattr]	= REPEATS,
	[__NR_removexattr]	= REPEATS,
	[__NR_lremovexattr]	= REPEATS,
	[__NR_fremovexattr]	= REPEATS,
	[__NR_link]		= REPEATS,
	[__NR_linkat]		= REPEATS,
	[__NR_unlink]		= REPEATS,
	[__NR_unlinkat]		= REPEATS,
	[__NR_rename]		= REPEATS,
	[__NR_renameat]		= REPEATS,
	[__NR_renameat2]	= REPEATS,
	[__NR_mkdir]		= REPEATS,
	[__NR_mkdirat]		= REPEATS,
	[__NR_rmdir]		= REPEATS,
	[__NR_symlink]		= REPEATS,
	[__NR_symlinkat]	= REPEATS,
	[__NR_mknod]		= REPEATS,
	[__NR_mknodat]		= REPEATS,
	[__NR_fchdir]		= REPEATS,
	[__NR_chroot]		= REPEATS,
	[__NR_pivot_root]	= REPEATS,
	[__NR_execve]		= REPEATS,
	[__NR_execveat]		= REPEATS,
	[__NR_acct]		= REPEATS,
	[__NR_mount]		= REPEATS,
	[__NR_umount2]		= REPEATS,
	[__NR_mount_setattr]	= REPEATS,
	[__NR_fspick]		= REPEATS,
	[__NR_open_tree]	= REPEATS,
	[__NR_move_mount]	= REPEATS,
	[__NR_name_to_handle_at] = REPEATS,
	[__NR_open_by_handle_at] = REPEATS,
	[__NR_swapon]		= REPEATS,
	[__NR_quotactl]		= REPEATS,
	[__NR_quotactl_fd]	= REPEATS,
	[__NR_inotify_add_watch] = REPEATS,
	[__NR_fanotify_mark]	= REPEATS,

	/* ask such a server about an open file */
	[__NR_lseek]		= REPEATS,
	[__NR_fsync]		= REPEATS,
	[__NR_fdatasync]	= REPEATS,
	[__NR_msync]		= REPEATS,
	[__NR_sync_file_range]	= REPEATS,
	[__NR_syncfs]		= REPEATS,

	/* wait for somebody else who loads the same module */
	[__NR_finit_module]	= REPEATS,
};

static enum repeat repeat_of(u32 nr)
{
	if (nr >= ARRAY_SIZE(repeats))
		return NEVER;
	return repeats[array_index_nospec(nr, ARRAY_SIZE(repeats))];
}

/*
 * Is the call that the task comes from to be made again, as long as no signal
 * is delivered? -EINTR alone does not tell: it may be a signal's. Nor does a
 * short count.
 */
static bool restarts(struct pt_regs *regs, bool unsignalled)
{
	int nr = syscall_get_nr(current, regs);

	if (nr == -1 || in_compat_syscall())
		return false;
	switch (syscall_get_error(current, regs)) {
	case -EINTR:
		return unsignalled && repeat_of(nr) != NEVER;
	case 0:
		return unsignalled && ckpt_rest_due();
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return true;
	default:
		return false;
	}
}

/*
 * Would it wait for its whole timeout again? What answers -ERESTART* knows
 * what was left, but for one; and VTIME of a terminal, which starts anew.
 */
static bool forgets_rest(struct pt_regs *regs)
{
	int nr = syscall_get_nr(current, regs);

	switch (syscall_get_error(current, regs)) {
	case 0:
	case -EINTR:
		return repeat_of(nr) == TIMED;
	case -ERESTARTNOHAND:
		return nr == __NR_io_pgetevents;
	default:
		return false;
	}
}

/**
 * ckpt_restart_interrupted - note the call that coming to the park interrupted
 * @ct: what current takes part in
 *
 * Context: current, about to park, no locks held.
 */
void ckpt_restart_interrupted(struct ckpt_task *ct)
{
	struct pt_regs *regs = current_pt_regs();
	long err = syscall_get_error(current, regs);

	/* noted before, if this is the second park on the way, out of a stop */
	if (!ct->again)
		ct->again = !task_sigpending(current) &&
			    (err == -EINTR || !err) && restarts(regs, true);
	if (!restarts(regs, ct->again)) {
		ct->bounded = false;
		return;
	}
	if (!forgets_rest(regs)) {
		ct->bounded = false;
	} else if (ct->timed && !ct->bounded) {
		/*
		 * The end of the first wait stays the end. Those after it would
		 * move it: jiffies, which they are measured in, may lag behind
		 * the clock as a wait begins and have caught up as it ends, by
		 * a little each time.
		 */
		ct->deadline = ct->until;
		ct->bounded = true;
	}
	ckpt_task_keep();
}

/**
 * ckpt_call_restarts - is the call that current comes from made again?
 *
 * If no signal is delivered, that is.
 *
 * Context: current, on its way to user mode.
 * Return: true if it is, or false also if it comes from none.
 */
bool ckpt_call_restarts(void)
{
	return restarts(current_pt_regs(), true);
}

/**
 * ckpt_report_exit - tell the tracer that a call has ended, if it wants to know
 *
 * Context: current, at the boundary of user mode, no locks held; sleeps.
 */
void ckpt_report_exit(void)
{
	bool step = test_syscall_work(SYSCALL_EXIT_TRAP) &&
		    !test_syscall_work(SYSCALL_EMU);

	if (step || test_syscall_work(SYSCALL_TRACE))
		ptrace_report_syscall_exit(current_pt_regs(), step);
}

void __checkpoint_signal_delivered(void)
{
	current->ckpt_task->again = false;
	ckpt_task_release();
}

/*
 * What happens on the way into any call happens here too: a filter may have
 * answered this one in its place, and audit wants to know of it. But a tracer
 * that a filter tells of it was told.
 */
static void make_again(struct pt_regs *regs)
{
	struct restart_block *block = &current->restart_block;
	int err = syscall_get_error(current, regs);
	int nr = syscall_get_nr(current, regs);
	unsigned long args[6];
	long ret;

	/* it is still the same call, that was let through */
	if (!err) {
		syscall_set_return_value(current, regs, 0, ckpt_rest_call());
		return;
	}
	if (test_syscall_work(SECCOMP) && !ckpt_seccomp_recheck())
		return;
	syscall_get_arguments(current, regs, args);
	audit_syscall_entry(nr, args[0], args[1], args[2], args[3]);
	if (err == -ERESTART_RESTARTBLOCK)
		ret = block->fn(block);
	else
		ret = ckpt_arch_syscall(regs, nr);
	/* it has found itself at work, and its time ran out */
	if (nr == __NR_connect && ret == -EALREADY)
		ret = -EINPROGRESS;
	syscall_set_return_value(current, regs, 0, ret);
	audit_syscall_exit(regs);
}

bool __checkpoint_restart_syscall(struct pt_regs *regs)
{
	struct ckpt_task *ct = current->ckpt_task;
	bool restart = ct->keep && restarts(regs, ct->again), again, due;

	ct->again = false;
	if (restart) {
		/* as on the way to user mode: the call sets its own again */
		restore_saved_sigmask();
		ct->timed = false;
		ct->clamped = ct->bounded;
		make_again(regs);
		ct->clamped = false;
	}
	/* interrupted once more, perhaps: the deadline stays */
	again = restart && signal_pending(current);
	/* it ends here for the tracer, if not by a signal */
	due = ct->exit_due && !again;
	if (due)
		ct->exit_due = false;
	if (!again)
		ckpt_task_release();
	if (due)
		ckpt_report_exit();
	return again || (due && signal_pending(current));
}

/* ------------------------------------------------------- bounded waits */

static bool interruptible(unsigned int state)
{
	return !(state & TASK_UNINTERRUPTIBLE);
}

/* What is left until the deadline of a call that is being made again */
static ktime_t rest(const struct ckpt_task *ct)
{
	ktime_t left = ktime_sub(ct->deadline, ktime_get());

	return left > 0 ? left : 0;
}

void __checkpoint_timer_start(struct hrtimer *timer, int mode)
{
	struct ckpt_task *ct = current->ckpt_task;
	ktime_t soft = hrtimer_get_softexpires(timer);
	ktime_t slack = ktime_sub(hrtimer_get_expires(timer), soft);
	ktime_t end;

	ct->timed = false;
	if (!ct->clamped || !interruptible(checkpoint_wait_state()))
		return;
	end = rest(ct);
	if (!(mode & HRTIMER_MODE_REL))
		end = ktime_add_safe(hrtimer_cb_get_time(timer), end);
	if (ktime_before(end, soft))
		hrtimer_set_expires_range(timer, end, slack);
}

void __checkpoint_timer_left(struct hrtimer *timer)
{
	struct ckpt_task *ct = current->ckpt_task;
	ktime_t left;

	/* a time of day is asked for again as such */
	if (!signal_pending(current) ||
	    timer->base->clockid == CLOCK_REALTIME)
		return;
	left = ktime_sub(hrtimer_get_softexpires(timer),
			 hrtimer_cb_get_time(timer));
	ct->until = ktime_add_safe(ktime_get(), max_t(ktime_t, left, 0));
	ct->timed = true;
}

long __checkpoint_timeout_start(long timeout)
{
	struct ckpt_task *ct = current->ckpt_task;

	ct->timed = false;
	if (!ct->clamped || !interruptible(checkpoint_wait_state()))
		return timeout;
	return min_t(u64, timeout,
		     nsecs_to_jiffies64((u64)rest(ct) + TICK_NSEC - 1));
}

void __checkpoint_timeout_left(long left, unsigned int state)
{
	struct ckpt_task *ct = current->ckpt_task;
	s64 ns;

	if (!signal_pending(current) || !interruptible(state))
		return;
	if (check_mul_overflow((s64)max(left, 0L), (s64)TICK_NSEC, &ns))
		ns = KTIME_MAX;
	ct->until = ktime_add_safe(ktime_get(), ns);
	ct->timed = true;
}
