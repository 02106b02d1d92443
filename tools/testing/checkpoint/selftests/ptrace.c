// SPDX-License-Identifier: GPL-2.0
/*
 * Tracers and traced: each kind of stop of ptrace(2), told and not told, and
 * what happens when the tracer lets the traced task go on.
 *
 * guest: --smp 2
 */

#include <elf.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libckpttest.h"
#include "libckptproto.h"

#ifndef PTRACE_EVENTMSG_SYSCALL_ENTRY
#define PTRACE_EVENTMSG_SYSCALL_ENTRY	1
#define PTRACE_EVENTMSG_SYSCALL_EXIT	2
#endif

#define SYSCALL_STOP	(SIGTRAP | 0x80)
#define EVENT(e)	(SIGTRAP | (e) << 8)

static struct ckpt_gate go;

CKPT_VICTIM(traced_exec)
{
	_exit(9);
}

/* Wait for a stop of @pid, and CHECK which it is. */
static void expect_stop(pid_t pid, int code)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(status >> 8, code);
}

static void expect_exit(pid_t pid, int code)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), code);
}

static void expect_signaled(pid_t pid, int sig)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK_EQ(status, sig);
}

static void expect_nothing_new(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, __WALL | WNOHANG), 0);
}

static struct user_regs_struct regs_of(pid_t pid)
{
	struct user_regs_struct regs = { 0 };
	struct iovec iov = { &regs, sizeof(regs) };

	CHECK(!ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov));
	return regs;
}

static siginfo_t info_of(pid_t pid)
{
	siginfo_t info = { 0 };

	CHECK(!ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
	return info;
}

static unsigned long message_of(pid_t pid)
{
	unsigned long message = 0;

	CHECK(!ptrace(PTRACE_GETEVENTMSG, pid, 0, &message));
	return message;
}

static long peek(pid_t pid, volatile void *address)
{
	return ptrace(PTRACE_PEEKDATA, pid, address, 0);
}

static void resume(int request, pid_t pid, long sig)
{
	CHECK(!ptrace(request, pid, 0, sig));
}

/* Start a child that traces nothing, runs @fn, and is seized. */
static pid_t seized(int (*fn)(void *arg), long options)
{
	pid_t pid;

	ckpt_gate_init(&go);
	pid = ckpt_fork(fn, NULL);
	ckpt_wait_blocked(pid, pid, SYS_read);
	REQUIRE(!ptrace(PTRACE_SEIZE, pid, 0, options));
	return pid;
}

static volatile sig_atomic_t handled;

static void on_signal(int sig, siginfo_t *info, void *ctx)
{
	handled = info->si_value.sival_int;
}

/* Blocks in read(2) until it may go on. */
static int reads(void *arg)
{
	struct sigaction act = {
		.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART,
	};
	char c;

	sigaction(SIGUSR1, &act, NULL);
	if (syscall(SYS_read, go.fd[0], &c, 1) != 1)
		return 1;
	return 30 + handled;
}

/* ---------------------------------------------------------------- running */

/* Nobody but its tracer knows: it goes on with what it did. */
CKPT_TEST(running)
{
	pid_t pid = seized(reads, 0);

	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 30);
}

/* The read(2) that it is in ends, which its tracer sees; and so does the child. */
static void ends_call(pid_t pid)
{
	ckpt_gate_open(&go, 1);
	expect_stop(pid, SYSCALL_STOP);
	CHECK_EQ(message_of(pid), PTRACE_EVENTMSG_SYSCALL_EXIT);
	CHECK_EQ(regs_of(pid).rax, 1);
	CHECK_EQ(regs_of(pid).orig_rax, SYS_read);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 30);
}

/* It is told to go on from a stop, and its tracer sees it make the call again. */
static void makes_call_again(pid_t pid)
{
	resume(PTRACE_SYSCALL, pid, 0);
	expect_stop(pid, SYSCALL_STOP);
	CHECK_EQ(message_of(pid), PTRACE_EVENTMSG_SYSCALL_ENTRY);
	CHECK_EQ(regs_of(pid).orig_rax, SYS_read);
	resume(PTRACE_SYSCALL, pid, 0);
	ends_call(pid);
}

/* A seized child at the entry of the read(2) that it was waiting in */
static pid_t at_read(void)
{
	pid_t pid = seized(reads, PTRACE_O_TRACESYSGOOD);

	REQUIRE(!ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	expect_stop(pid, EVENT(PTRACE_EVENT_STOP));
	resume(PTRACE_SYSCALL, pid, 0);
	expect_stop(pid, SYSCALL_STOP);
	return pid;
}

/* As strace finds most of those that it looks at */
CKPT_TEST(in_a_call_that_is_traced)
{
	pid_t pid = at_read();

	CHECK_EQ(message_of(pid), PTRACE_EVENTMSG_SYSCALL_ENTRY);
	resume(PTRACE_SYSCALL, pid, 0);
	ckpt_wait_state(pid, 'S');
	ckpt_ready();
	/* Nothing was interrupted. */
	ckpt_wait_state(pid, 'S');
	expect_nothing_new(pid);
	ends_call(pid);
}

/* It has seen the end of the call that the signal interrupts, as it would. */
CKPT_TEST(in_a_call_that_a_signal_ends)
{
	pid_t pid = at_read();

	resume(PTRACE_SYSCALL, pid, 0);
	ckpt_wait_state(pid, 'S');
	ckpt_ready();
	ckpt_wait_blocked(pid, pid, SYS_read);
	CHECK(!kill(pid, SIGUSR1));
	expect_stop(pid, SYSCALL_STOP);
	CHECK_EQ(message_of(pid), PTRACE_EVENTMSG_SYSCALL_EXIT);
	CHECK_EQ(regs_of(pid).rax, -512); /* ERESTARTSYS */
	resume(PTRACE_SYSCALL, pid, 0);
	expect_stop(pid, SIGUSR1);
	makes_call_again(pid);
}

CKPT_VICTIM(in_a_call_from_a_stop)
{
	pid_t pid = at_read();

	ckpt_ready();
	CHECK_EQ(message_of(pid), PTRACE_EVENTMSG_SYSCALL_ENTRY);
	resume(PTRACE_SYSCALL, pid, 0);
	ckpt_wait_state(pid, 'S');
	ckpt_ready();
	ckpt_wait_state(pid, 'S');
	expect_nothing_new(pid);
	ends_call(pid);
}

/* The call that a restored task makes is interrupted by another checkpoint. */
DRIVER_TEST(checkpoint_in_a_call_from_a_stop)
{
	struct ckpt_victim *v = &self->v;

	ckpt_start(v, "in_a_call_from_a_stop", 0);
	ckpt_checkpoint_kill(v);
	ASSERT_LT(0, ckpt_restart(v, 0)) TH_LOG("%s", v->log);
	ckpt_go(v);
	ckpt_wait_ready(v);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

/* ------------------------------------------------------------------ stops */

static void in_signal_stop(bool told, int with)
{
	union sigval value = { .sival_int = 4 };
	pid_t pid = seized(reads, 0);
	siginfo_t info;

	REQUIRE(!sigqueue(pid, SIGUSR1, value));
	ckpt_wait_state(pid, 't');
	if (told)
		expect_stop(pid, SIGUSR1);
	ckpt_ready();
	ckpt_wait_state(pid, 't');
	if (told)
		expect_nothing_new(pid);
	else
		expect_stop(pid, SIGUSR1);
	info = info_of(pid);
	CHECK_EQ(info.si_signo, SIGUSR1);
	CHECK_EQ(info.si_code, SI_QUEUE);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_EQ(info.si_value.sival_int, 4);
	resume(PTRACE_CONT, pid, with);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, with ? 34 : 30);
}

CKPT_TEST(signal_told)
{
	in_signal_stop(true, SIGUSR1);
}

CKPT_TEST(signal_not_told)
{
	in_signal_stop(false, SIGUSR1);
}

CKPT_TEST(signal_suppressed)
{
	in_signal_stop(true, 0);
}

/* The call that the signal interrupted is made again, for the tracer to see. */
CKPT_TEST(signal_suppressed_in_a_call)
{
	pid_t pid = seized(reads, PTRACE_O_TRACESYSGOOD);

	REQUIRE(!kill(pid, SIGUSR1));
	expect_stop(pid, SIGUSR1);
	ckpt_ready();
	makes_call_again(pid);
}

/* PTRACE_TRACEME, and a signal of its own: as gdb starts a program */
static int traces_me(void *arg)
{
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		return 1;
	raise(SIGSTOP);
	return 7;
}

CKPT_TEST(traced_by_its_own_wish)
{
	pid_t pid = ckpt_fork(traces_me, NULL);

	expect_stop(pid, SIGSTOP);
	ckpt_ready();
	expect_nothing_new(pid);
	CHECK_EQ(info_of(pid).si_pid, pid);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 7);
}

/* A breakpoint, and memory and registers that the tracer changes at it */
static int breaks(void *arg)
{
	volatile int n = 5;

	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		return 1;
	asm volatile("int3; nop" : "+a" (n));
	return n;
}

CKPT_TEST(breakpoint)
{
	pid_t pid = ckpt_fork(breaks, NULL);
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	expect_stop(pid, SIGTRAP);
	ckpt_ready();
	CHECK_EQ(info_of(pid).si_code, SI_KERNEL);
	regs = regs_of(pid);
	CHECK_EQ(regs.rax, 5);
	regs.rax = 17;
	CHECK(!ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov));
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 17);
}

static void interrupted(bool told)
{
	pid_t pid = seized(reads, 0);

	REQUIRE(!ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	ckpt_wait_state(pid, 't');
	if (told)
		expect_stop(pid, EVENT(PTRACE_EVENT_STOP));
	ckpt_ready();
	if (told)
		expect_nothing_new(pid);
	else
		expect_stop(pid, EVENT(PTRACE_EVENT_STOP));
	CHECK_EQ(info_of(pid).si_code, EVENT(PTRACE_EVENT_STOP));
	resume(PTRACE_CONT, pid, 0);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 30);
}

CKPT_TEST(interrupt_told)
{
	interrupted(true);
}

CKPT_TEST(interrupt_not_told)
{
	interrupted(false);
}

CKPT_TEST(group_stop)
{
	pid_t pid = seized(reads, 0);

	REQUIRE(!kill(pid, SIGSTOP));
	expect_stop(pid, SIGSTOP);
	resume(PTRACE_CONT, pid, SIGSTOP);
	expect_stop(pid, SIGSTOP | PTRACE_EVENT_STOP << 8);
	ckpt_ready();
	expect_nothing_new(pid);
	CHECK_EQ(info_of(pid).si_signo, SIGSTOP);
	CHECK(!ptrace(PTRACE_LISTEN, pid, 0, 0));
	CHECK(!kill(pid, SIGCONT));
	expect_stop(pid, EVENT(PTRACE_EVENT_STOP));
	resume(PTRACE_CONT, pid, 0);
	expect_stop(pid, SIGCONT);
	resume(PTRACE_CONT, pid, SIGCONT);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 30);
}

CKPT_TEST(listening)
{
	pid_t pid = seized(reads, 0);

	REQUIRE(!kill(pid, SIGSTOP));
	expect_stop(pid, SIGSTOP);
	resume(PTRACE_CONT, pid, SIGSTOP);
	expect_stop(pid, SIGSTOP | PTRACE_EVENT_STOP << 8);
	REQUIRE(!ptrace(PTRACE_LISTEN, pid, 0, 0));
	ckpt_ready();
	expect_nothing_new(pid);
	CHECK(!kill(pid, SIGCONT));
	expect_stop(pid, EVENT(PTRACE_EVENT_STOP));
	resume(PTRACE_CONT, pid, 0);
	expect_stop(pid, SIGCONT);
	resume(PTRACE_CONT, pid, 0);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 30);
}

/* ------------------------------------------------------------------ calls */

static int asks(void *arg)
{
	char c;

	if (syscall(SYS_read, go.fd[0], &c, 1) != 1)
		return 1;
	return syscall(SYS_umask, 0123);
}

/* Brings it to the entry of umask(2). */
static pid_t at_entry(void)
{
	pid_t pid;

	umask(022);
	pid = seized(asks, PTRACE_O_TRACESYSGOOD);
	REQUIRE(!ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	expect_stop(pid, EVENT(PTRACE_EVENT_STOP));
	ckpt_gate_open(&go, 1);
	do {
		resume(PTRACE_SYSCALL, pid, 0);
		expect_stop(pid, SYSCALL_STOP);
	} while (regs_of(pid).orig_rax != SYS_umask);
	return pid;
}

CKPT_TEST(call_entry)
{
	pid_t pid = at_entry();

	ckpt_ready();
	expect_nothing_new(pid);
	CHECK_EQ(message_of(pid), PTRACE_EVENTMSG_SYSCALL_ENTRY);
	CHECK_EQ(regs_of(pid).rax, -ENOSYS);
	CHECK_EQ(regs_of(pid).rdi, 0123);
	resume(PTRACE_SYSCALL, pid, 0);
	expect_stop(pid, SYSCALL_STOP);
	CHECK_EQ(message_of(pid), PTRACE_EVENTMSG_SYSCALL_EXIT);
	CHECK_EQ(regs_of(pid).rax, 022);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 022);
}

/* The tracer has it make another call, or none. */
CKPT_TEST(call_changed)
{
	pid_t pid = at_entry();
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	ckpt_ready();
	regs = regs_of(pid);
	regs.orig_rax = -1;
	regs.rax = 55;
	CHECK(!ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov));
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 55);
}

CKPT_TEST(call_exit)
{
	pid_t pid = at_entry();

	resume(PTRACE_SYSCALL, pid, 0);
	ckpt_wait_state(pid, 't');
	ckpt_ready();
	expect_stop(pid, SYSCALL_STOP);
	CHECK_EQ(message_of(pid), PTRACE_EVENTMSG_SYSCALL_EXIT);
	CHECK_EQ(regs_of(pid).rax, 022);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 022);
}

/* ----------------------------------------------------------------- events */

static int forks(void *arg)
{
	pid_t pid;
	char c;

	if (syscall(SYS_read, go.fd[0], &c, 1) != 1)
		return 1;
	pid = arg ? vfork() : fork();
	if (!pid)
		_exit(3);
	ckpt_join(pid, 3);
	return 4;
}

static int vforks(void *arg)
{
	return forks("");
}

static void at_fork(int (*fn)(void *arg), int event, long options)
{
	pid_t pid = seized(fn, options), child;
	siginfo_t info = { 0 };

	ckpt_gate_open(&go, 1);
	expect_stop(pid, EVENT(event));
	child = message_of(pid);
	/* Born traced, it has stopped before it did anything. */
	expect_stop(child, EVENT(PTRACE_EVENT_STOP));
	ckpt_ready();
	expect_nothing_new(pid);
	expect_nothing_new(child);
	CHECK_EQ(message_of(pid), child);
	resume(PTRACE_CONT, pid, 0);
	resume(PTRACE_CONT, child, 0);
	CHECK_EQ(waitid(P_PID, child, &info, WEXITED | __WALL), 0);
	CHECK_EQ(info.si_status, 3);
	if (options & PTRACE_O_TRACEVFORKDONE) {
		expect_stop(pid, EVENT(PTRACE_EVENT_VFORK_DONE));
		CHECK_EQ(message_of(pid), child);
		resume(PTRACE_CONT, pid, 0);
	}
	expect_stop(pid, SIGCHLD);
	resume(PTRACE_CONT, pid, SIGCHLD);
	ckpt_join(pid, 4);
}

CKPT_TEST(fork_event)
{
	at_fork(forks, PTRACE_EVENT_FORK, PTRACE_O_TRACEFORK);
}

CKPT_TEST(vfork_event)
{
	at_fork(vforks, PTRACE_EVENT_VFORK,
		PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE);
}

/* Its parent need not wait, but has not got that far. */
CKPT_TEST(vfork_event_child_gone)
{
	pid_t pid = seized(vforks, PTRACE_O_TRACEVFORK |
				   PTRACE_O_TRACEVFORKDONE), child;
	siginfo_t info = { 0 };

	ckpt_gate_open(&go, 1);
	expect_stop(pid, EVENT(PTRACE_EVENT_VFORK));
	child = message_of(pid);
	expect_stop(child, EVENT(PTRACE_EVENT_STOP));
	resume(PTRACE_CONT, child, 0);
	CHECK_EQ(waitid(P_PID, child, &info, WEXITED | __WALL), 0);
	CHECK_EQ(info.si_status, 3);
	ckpt_ready();
	resume(PTRACE_CONT, pid, 0);
	expect_stop(pid, EVENT(PTRACE_EVENT_VFORK_DONE));
	CHECK_EQ(message_of(pid), child);
	resume(PTRACE_CONT, pid, 0);
	expect_stop(pid, SIGCHLD);
	resume(PTRACE_CONT, pid, SIGCHLD);
	ckpt_join(pid, 4);
}

static int executes(void *arg)
{
	char c;

	if (syscall(SYS_read, go.fd[0], &c, 1) != 1)
		return 1;
	execl("/proc/self/exe", "x", CKPT_VICTIM_OPTION, "traced_exec", NULL);
	return 2;
}

CKPT_TEST(exec_event)
{
	pid_t pid = seized(executes, PTRACE_O_TRACEEXEC);

	ckpt_gate_open(&go, 1);
	expect_stop(pid, EVENT(PTRACE_EVENT_EXEC));
	ckpt_ready();
	expect_nothing_new(pid);
	CHECK_EQ(message_of(pid), pid);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 9);
}

/* The filter says 0: so is the message of the stop, as that of a signal. */
#define FILTER_SAYS	0

/* A filter that tells the tracer of @nr, and denies getppid(2) */
static void filter_tells(long nr)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | FILTER_SAYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {
		.len = ARRAY_SIZE(filter), .filter = filter,
	};

	REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	REQUIRE(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
}

static int asks_filtered(void *arg)
{
	filter_tells(SYS_umask);
	return asks(arg);
}

static pid_t at_filter(void)
{
	pid_t pid;

	umask(022);
	pid = seized(asks_filtered, PTRACE_O_TRACESECCOMP |
				    PTRACE_O_TRACESYSGOOD);
	ckpt_gate_open(&go, 1);
	return pid;
}

CKPT_TEST(seccomp_event)
{
	pid_t pid = at_filter();

	expect_stop(pid, EVENT(PTRACE_EVENT_SECCOMP));
	ckpt_ready();
	expect_nothing_new(pid);
	CHECK_EQ(message_of(pid), FILTER_SAYS);
	CHECK_EQ(regs_of(pid).orig_rax, SYS_umask);
	resume(PTRACE_SYSCALL, pid, 0);
	expect_stop(pid, SYSCALL_STOP);
	CHECK_EQ(message_of(pid), PTRACE_EVENTMSG_SYSCALL_EXIT);
	CHECK_EQ(regs_of(pid).rax, 022);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 022);
}

/* The tracer has it make another call, which the filter denies. */
CKPT_TEST(seccomp_event_not_told)
{
	pid_t pid = at_filter();
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	ckpt_wait_state(pid, 't');
	ckpt_ready();
	expect_stop(pid, EVENT(PTRACE_EVENT_SECCOMP));
	regs = regs_of(pid);
	regs.orig_rax = SYS_getppid;
	CHECK(!ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov));
	resume(PTRACE_CONT, pid, 0);
	/* -1, in the byte that is left of it */
	ckpt_join(pid, 255);
}

/* Its filter tells the tracer of read(2), once there is one. */
static int reads_filtered(void *arg)
{
	char c;

	REQUIRE(syscall(SYS_read, go.fd[0], &c, 1) == 1);
	filter_tells(SYS_read);
	return reads(arg);
}

/* Of a call that is made again after it was saved, it is told once. */
CKPT_TEST(seccomp_event_once)
{
	pid_t pid = seized(reads_filtered, PTRACE_O_TRACESECCOMP);

	ckpt_gate_open(&go, 1);
	expect_stop(pid, EVENT(PTRACE_EVENT_SECCOMP));
	resume(PTRACE_CONT, pid, 0);
	ckpt_wait_blocked(pid, pid, SYS_read);
	ckpt_ready();
	expect_nothing_new(pid);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 30);
}

/* ------------------------------------------------------------------ exits */

static void at_exit(bool told)
{
	pid_t pid = seized(reads, PTRACE_O_TRACEEXIT);

	ckpt_gate_open(&go, 1);
	ckpt_wait_state(pid, 't');
	if (told)
		expect_stop(pid, EVENT(PTRACE_EVENT_EXIT));
	ckpt_ready();
	if (told)
		expect_nothing_new(pid);
	else
		expect_stop(pid, EVENT(PTRACE_EVENT_EXIT));
	CHECK_EQ(message_of(pid), 30 << 8);
	CHECK_EQ(regs_of(pid).orig_rax, SYS_exit_group);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 30);
}

CKPT_TEST(exit_event)
{
	at_exit(true);
}

CKPT_TEST(exit_event_not_told)
{
	at_exit(false);
}

/* By a signal that nothing handles */
CKPT_TEST(exit_event_of_a_signal)
{
	pid_t pid = seized(reads, PTRACE_O_TRACEEXIT);
	int status;

	REQUIRE(!kill(pid, SIGTERM));
	expect_stop(pid, SIGTERM);
	resume(PTRACE_CONT, pid, SIGTERM);
	expect_stop(pid, EVENT(PTRACE_EVENT_EXIT));
	ckpt_ready();
	CHECK_EQ(message_of(pid), SIGTERM);
	resume(PTRACE_CONT, pid, 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, SIGTERM);
}

/* And by one that nothing can handle, which stays pending */
CKPT_TEST(exit_event_of_sigkill)
{
	pid_t pid = seized(reads, PTRACE_O_TRACEEXIT);
	char path[64], buf[4096], *line;

	REQUIRE(!kill(pid, SIGKILL));
	expect_stop(pid, EVENT(PTRACE_EVENT_EXIT));
	ckpt_ready();
	expect_nothing_new(pid);
	CHECK_EQ(message_of(pid), SIGKILL);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	REQUIRE(ckpt_read_file(path, buf, sizeof(buf)) > 0);
	line = strstr(buf, "ShdPnd:");
	CHECK(line && strtoull(line + 7, NULL, 16) == 1 << (SIGKILL - 1));
	resume(PTRACE_CONT, pid, 0);
	expect_signaled(pid, SIGKILL);
}

/* A thread that exits alone, in a process that lives on */
static pid_t thread;

static void *exits(void *arg)
{
	char c;

	__atomic_store_n(&thread, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	CHECK_EQ(write(((int *)arg)[1], &thread, sizeof(thread)),
		 sizeof(thread));
	CHECK_EQ(syscall(SYS_read, go.fd[0], &c, 1), 1);
	syscall(SYS_exit, 5);
	return NULL;
}

static int has_thread(void *arg)
{
	pthread_t other;
	char c;

	REQUIRE(!pthread_create(&other, NULL, exits, arg));
	CHECK(!pthread_join(other, NULL));
	CHECK_EQ(read(go.fd[0], &c, 1), 1);
	return 6;
}

/* A process with a thread that is seized, and exits when told to */
static pid_t with_thread(pid_t *tid, long options)
{
	int fd[2];
	pid_t pid;

	ckpt_gate_init(&go);
	REQUIRE(!pipe(fd));
	pid = ckpt_fork(has_thread, fd);
	REQUIRE(read(fd[0], tid, sizeof(*tid)) == sizeof(*tid));
	ckpt_wait_blocked(pid, *tid, SYS_read);
	REQUIRE(!ptrace(PTRACE_SEIZE, *tid, 0, options));
	return pid;
}

CKPT_TEST(exit_event_of_a_thread)
{
	pid_t pid, tid;

	pid = with_thread(&tid, PTRACE_O_TRACEEXIT);
	ckpt_gate_open(&go, 1);
	expect_stop(tid, EVENT(PTRACE_EVENT_EXIT));
	ckpt_ready();
	expect_nothing_new(tid);
	CHECK_EQ(message_of(tid), 5 << 8);
	resume(PTRACE_CONT, tid, 0);
	expect_exit(tid, 5);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 6);
}

/* A process that exits is reached by no signal, and one thread lives on. */
DRIVER_TEST(exit_of_a_thread_as_that_of_all)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_task_ptrace *rec;
	struct image image;
	uint32_t flags;
	int i = 0;

	ckpt_start(v, "exit_event_of_a_thread", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	do
		rec = image_at(&image, CKPT_HDR_TASK_PTRACE, i++);
	while (rec && rec->stop != CKPT_STOP_EXIT);
	ASSERT_NE(NULL, rec);
	flags = rec->flags | CKPT_PTRACE_GROUP_EXIT;
	image_refused(v, &image, &rec->flags, &flags, sizeof(flags));
	EXPECT_TRUE(ckpt_logged(v, "lives on")) TH_LOG("%s", v->log);
	flags = rec->flags | CKPT_PTRACE_KILLED;
	image_refused(v, &image, &rec->flags, &flags, sizeof(flags));
	image_restart_finish(v, &image);
}

/* All threads of a process that exits, each in the stop */
CKPT_TEST(exit_event_of_all_threads)
{
	pid_t pid, tid;

	pid = with_thread(&tid, PTRACE_O_TRACEEXIT);
	REQUIRE(!ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXIT));
	REQUIRE(!syscall(SYS_tgkill, pid, tid, SIGTERM));
	expect_stop(tid, SIGTERM);
	resume(PTRACE_CONT, tid, SIGTERM);
	expect_stop(tid, EVENT(PTRACE_EVENT_EXIT));
	expect_stop(pid, EVENT(PTRACE_EVENT_EXIT));
	ckpt_ready();
	expect_nothing_new(tid);
	expect_nothing_new(pid);
	CHECK_EQ(message_of(pid), SIGTERM);
	CHECK_EQ(message_of(tid), SIGTERM);
	resume(PTRACE_CONT, tid, 0);
	expect_signaled(tid, SIGTERM);
	expect_nothing_new(pid);
	resume(PTRACE_CONT, pid, 0);
	expect_signaled(pid, SIGTERM);
}

/* ---------------------------------------------------------------- zombies */

/* It has exited, which is left for wait(2) to say. */
static bool has_exited(pid_t pid)
{
	siginfo_t info = { 0 };

	return !waitid(P_PID, pid, &info,
		       WEXITED | WNOWAIT | WNOHANG | __WALL) &&
	       info.si_pid == pid;
}

/* Hears of the end of those that it traces by a signal, and has heard of it. */
static void hear_of_child(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_EQ(sigwaitinfo(&set, NULL), SIGCHLD);
}

static void hear_nothing(void)
{
	struct timespec none = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_EQ(sigtimedwait(&set, NULL, &none), -1);
}

static void listen(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	REQUIRE(!sigprocmask(SIG_BLOCK, &set, NULL));
}

CKPT_TEST(zombie_thread)
{
	pid_t pid, tid;

	listen();
	pid = with_thread(&tid, 0);
	ckpt_gate_open(&go, 1);
	hear_of_child();
	REQUIRE(has_exited(tid));
	ckpt_ready();
	hear_nothing();
	expect_nothing_new(pid);
	expect_exit(tid, 5);
	ckpt_gate_open(&go, 1);
	hear_of_child();
	ckpt_join(pid, 6);
}

/* It has not heard so far, of one that is made after it. */
CKPT_TEST(zombie_thread_pending)
{
	siginfo_t info;
	pid_t pid, tid;
	sigset_t set;

	listen();
	pid = with_thread(&tid, 0);
	ckpt_gate_open(&go, 1);
	CKPT_WAIT_FOR(has_exited(tid));
	ckpt_ready();
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK_EQ(info.si_pid, tid);
	hear_nothing();
	expect_exit(tid, 5);
	ckpt_gate_open(&go, 1);
	hear_of_child();
	ckpt_join(pid, 6);
}

/* The whole process is dead, but cannot be reaped before its thread. */
CKPT_TEST(zombie_of_threads)
{
	pid_t pid, tid;

	listen();
	pid = with_thread(&tid, 0);
	REQUIRE(!kill(pid, SIGKILL));
	hear_of_child();
	REQUIRE(has_exited(tid));
	ckpt_wait_state(pid, 'Z');
	ckpt_ready();
	hear_nothing();
	expect_nothing_new(pid);
	expect_signaled(tid, SIGKILL);
	hear_of_child();
	expect_signaled(pid, SIGKILL);
}

/* Another one's child: its parent is told when the tracer has waited for it. */
static int has_child(void *arg)
{
	pid_t pid = ckpt_fork(reads, NULL);

	CHECK_EQ(write(((int *)arg)[1], &pid, sizeof(pid)), sizeof(pid));
	ckpt_join(pid, 30);
	return 7;
}

CKPT_TEST(zombie_of_another)
{
	pid_t parent, pid;
	int fd[2];

	listen();
	ckpt_gate_init(&go);
	REQUIRE(!pipe(fd));
	parent = ckpt_fork(has_child, fd);
	REQUIRE(read(fd[0], &pid, sizeof(pid)) == sizeof(pid));
	ckpt_wait_blocked(pid, pid, SYS_read);
	REQUIRE(!ptrace(PTRACE_SEIZE, pid, 0, 0));
	ckpt_gate_open(&go, 1);
	hear_of_child();
	REQUIRE(has_exited(pid));
	ckpt_ready();
	hear_nothing();
	expect_nothing_new(parent);
	expect_exit(pid, 30);
	hear_of_child();
	ckpt_join(parent, 7);
}

/* --------------------------------------------------------- single steps */

/* Counts, in as many instructions as the tracer counts, and asks. */
static int steps(void *arg)
{
	char c;
	long n = 0;

	if (syscall(SYS_read, go.fd[0], &c, 1) != 1)
		return 1;
	asm volatile("int3\n\t"
		     "inc %0\n\t"
		     "inc %0\n\t"
		     "inc %0\n\t"
		     "inc %0\n\t"
		     : "+a" (n));
	return n;
}

static void step(pid_t pid, int n)
{
	struct user_regs_struct regs;

	resume(PTRACE_SINGLESTEP, pid, 0);
	expect_stop(pid, SIGTRAP);
	CHECK_EQ(info_of(pid).si_code, TRAP_TRACE);
	regs = regs_of(pid);
	CHECK_EQ(regs.rax, n);
	/* the trap flag is the tracer's, and not seen */
	CHECK_EQ(regs.eflags & 0x100, 0);
}

CKPT_TEST(single_step)
{
	pid_t pid = seized(steps, 0);

	ckpt_gate_open(&go, 1);
	expect_stop(pid, SIGTRAP);
	step(pid, 1);
	step(pid, 2);
	ckpt_ready();
	CHECK_EQ(regs_of(pid).eflags & 0x100, 0);
	step(pid, 3);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 4);
}

/* Into a call, which goes on: it traps when that is over, and not before. */
CKPT_TEST(single_step_in_a_call)
{
	pid_t pid = at_read();

	resume(PTRACE_SINGLESTEP, pid, 0);
	ckpt_wait_state(pid, 'S');
	ckpt_ready();
	ckpt_wait_state(pid, 'S');
	expect_nothing_new(pid);
	ckpt_gate_open(&go, 1);
	expect_stop(pid, SIGTRAP);
	CHECK_EQ(regs_of(pid).rax, 1);
	CHECK_EQ(regs_of(pid).orig_rax, SYS_read);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 30);
}

/* From the entry of a call, and into the handler of a signal */
CKPT_TEST(single_step_from_a_stop)
{
	union sigval value = { .sival_int = 3 };
	pid_t pid = seized(reads, PTRACE_O_TRACESYSGOOD);

	REQUIRE(!sigqueue(pid, SIGUSR1, value));
	expect_stop(pid, SIGUSR1);
	resume(PTRACE_SINGLESTEP, pid, SIGUSR1);
	expect_stop(pid, SIGTRAP);
	CHECK_EQ(info_of(pid).si_code, SIGTRAP);
	CHECK_EQ(regs_of(pid).rdi, SIGUSR1);
	CHECK_EQ(regs_of(pid).rip, (uintptr_t)on_signal);
	ckpt_ready();
	expect_nothing_new(pid);
	CHECK_EQ(regs_of(pid).rip, (uintptr_t)on_signal);
	/* nothing is delivered from here */
	resume(PTRACE_SYSCALL, pid, SIGUSR1);
	expect_stop(pid, SYSCALL_STOP);
	CHECK_EQ(regs_of(pid).orig_rax, SYS_rt_sigreturn);
	resume(PTRACE_CONT, pid, 0);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 33);
}

/* By blocks, where the CPU can do that, and by instructions where not */
static pid_t block_step(void)
{
	pid_t pid = at_read();

	if (ptrace(PTRACE_SINGLEBLOCK, pid, 0, 0))
		ckpt_skip("PTRACE_SINGLEBLOCK: %m");
	ckpt_wait_state(pid, 'S');
	return pid;
}

CKPT_TEST(block_step_in_a_call)
{
	pid_t pid = block_step();

	ckpt_ready();
	ckpt_wait_state(pid, 'S');
	expect_nothing_new(pid);
	ckpt_gate_open(&go, 1);
	expect_stop(pid, SIGTRAP);
	CHECK_EQ(regs_of(pid).rax, 1);
	CHECK_EQ(regs_of(pid).orig_rax, SYS_read);
	resume(PTRACE_SINGLEBLOCK, pid, 0);
	expect_stop(pid, SIGTRAP);
	CHECK_EQ(info_of(pid).si_code, TRAP_TRACE);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 30);
}

/* The steps of the tracee of a victim, in its image */
static uint32_t steps_of(struct ckpt_victim *v)
{
	struct ckpt_hdr_cpu_x86 *cpu;
	struct image image;
	uint32_t step;

	image_load(&image, v->image);
	cpu = image_at(&image, CKPT_HDR_TASK_CPU, 1);
	step = cpu ? cpu->step : 0;
	image_free(&image);
	return step;
}

/* No program can tell, where a block is an instruction. */
DRIVER_TEST(block_step_is_kept)
{
	struct ckpt_victim *v = &self->v;

	ckpt_start(v, "block_step_in_a_call", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	EXPECT_EQ(CKPT_X86_SINGLESTEP | CKPT_X86_BLOCKSTEP, steps_of(v) &
		  (CKPT_X86_SINGLESTEP | CKPT_X86_BLOCKSTEP));
	ASSERT_LT(0, ckpt_restart(v, 0)) TH_LOG("%s", v->log);
	ckpt_checkpoint_kill(v);
	EXPECT_EQ(CKPT_X86_SINGLESTEP | CKPT_X86_BLOCKSTEP, steps_of(v) &
		  (CKPT_X86_SINGLESTEP | CKPT_X86_BLOCKSTEP));
	ckpt_restart_finish(v);
}

/* --------------------------------------------------- hardware breakpoints */

static volatile long watched;

static int writes(void *arg)
{
	char c;

	if (syscall(SYS_read, go.fd[0], &c, 1) != 1)
		return 1;
	watched = 1;
	if (syscall(SYS_read, go.fd[0], &c, 1) != 1)
		return 1;
	watched = 2;
	return 8;
}

static long debug_reg(pid_t pid, int n)
{
	return ptrace(PTRACE_PEEKUSER, pid,
		      offsetof(struct user, u_debugreg) + n * sizeof(long), 0);
}

static int set_debug_reg(pid_t pid, int n, long value)
{
	return ptrace(PTRACE_POKEUSER, pid,
		      offsetof(struct user, u_debugreg) + n * sizeof(long),
		      value);
}

/* In the second one, 8 bytes, written; the first one is disabled. */
#define DR7_WRITTEN	(0x9 << 20 | 1 << 2)

static pid_t watches(void)
{
	pid_t pid = seized(writes, 0);

	REQUIRE(!ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	expect_stop(pid, EVENT(PTRACE_EVENT_STOP));
	REQUIRE(!set_debug_reg(pid, 0, (long)&go));
	REQUIRE(!set_debug_reg(pid, 1, (long)&watched));
	if (set_debug_reg(pid, 7, DR7_WRITTEN))
		ckpt_skip("no hardware breakpoints: %m");
	return pid;
}

CKPT_TEST(hardware_breakpoint)
{
	pid_t pid = watches();

	resume(PTRACE_CONT, pid, 0);
	ckpt_gate_open(&go, 1);
	expect_stop(pid, SIGTRAP);
	CHECK_EQ(debug_reg(pid, 6) & 0xf, 2);
	ckpt_ready();
	CHECK_EQ(debug_reg(pid, 0), (long)&go);
	CHECK_EQ(debug_reg(pid, 1), (long)&watched);
	CHECK_EQ(debug_reg(pid, 2), 0);
	CHECK_EQ(debug_reg(pid, 6) & 0xf, 2);
	CHECK_EQ(debug_reg(pid, 7), DR7_WRITTEN);
	CHECK(!set_debug_reg(pid, 6, 0));
	resume(PTRACE_CONT, pid, 0);
	ckpt_gate_open(&go, 1);
	expect_stop(pid, SIGTRAP);
	CHECK_EQ(info_of(pid).si_code, TRAP_HWBKPT);
	CHECK_EQ(debug_reg(pid, 6) & 0xf, 2);
	CHECK_EQ(peek(pid, &watched), 2);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 8);
}

/* That of 8 bytes which is disabled has an address that is no multiple of 8. */
#define DR7_UNALIGNED	(DR7_WRITTEN | 0x9 << 16)

CKPT_TEST(hardware_breakpoint_unaligned)
{
	pid_t pid = seized(writes, 0);

	REQUIRE(!ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	expect_stop(pid, EVENT(PTRACE_EVENT_STOP));
	REQUIRE(!set_debug_reg(pid, 1, (long)&watched));
	if (set_debug_reg(pid, 7, DR7_UNALIGNED))
		ckpt_skip("no hardware breakpoints: %m");
	REQUIRE(!set_debug_reg(pid, 0, (long)&watched + 1));
	ckpt_ready();
	CHECK_EQ(debug_reg(pid, 0), (long)&watched + 1);
	CHECK_EQ(debug_reg(pid, 1), (long)&watched);
	CHECK_EQ(debug_reg(pid, 7), DR7_UNALIGNED);
	resume(PTRACE_CONT, pid, 0);
	ckpt_gate_open(&go, 1);
	expect_stop(pid, SIGTRAP);
	CHECK_EQ(debug_reg(pid, 6) & 0xf, 2);
	CHECK_EQ(peek(pid, &watched), 1);
	resume(PTRACE_CONT, pid, 0);
	ckpt_gate_open(&go, 1);
	expect_stop(pid, SIGTRAP);
	resume(PTRACE_CONT, pid, 0);
	ckpt_join(pid, 8);
}

/* Its tracer has left it, with what that has set. */
CKPT_TEST(hardware_breakpoint_left)
{
	pid_t pid = watches();
	int status;

	REQUIRE(!ptrace(PTRACE_DETACH, pid, 0, 0));
	ckpt_wait_blocked(pid, pid, SYS_read);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTRAP);
}

/* The tracer is gone: so is its tracee, that being asked for. */
static int traces_and_dies(void *arg)
{
	pid_t pid = seized(reads, PTRACE_O_EXITKILL);

	CHECK_EQ(write(((struct ckpt_gate *)arg)->fd[1], &pid, sizeof(pid)),
		 sizeof(pid));
	pause();
	return 0;
}

CKPT_TEST(tracer_dies)
{
	struct ckpt_gate told;
	pid_t tracer, pid;
	int status;

	ckpt_gate_init(&told);
	REQUIRE(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	tracer = ckpt_fork(traces_and_dies, &told);
	REQUIRE(read(told.fd[0], &pid, sizeof(pid)) == sizeof(pid));
	ckpt_wait_blocked(tracer, tracer, SYS_pause);
	ckpt_ready();
	CHECK(!kill(tracer, SIGKILL));
	CHECK_EQ(waitpid(tracer, &status, 0), tracer);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, SIGKILL);
}

/* A debugger of the system's that looks at something in a container */
DRIVER_TEST(traced_from_outside)
{
	struct ckpt_victim *v = &self->v;
	int status;

	ckpt_start(v, "running", 0);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, v->pid, 0, 0));
	EXPECT_EQ(-ENOSYS, ckpt_checkpoint(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "is being traced")) TH_LOG("%s", v->log);
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, v->pid, 0, 0));
	ASSERT_EQ(v->pid, waitpid(v->pid, &status, __WALL));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, v->pid, 0, 0));
	EXPECT_LT(0, ckpt_checkpoint(v, 0)) TH_LOG("%s", v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
