// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for signals: only a signal ends it.
 *
 * guest: --smp 2
 */
#include "librestart.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const struct timespec span = {
	.tv_sec = RESTART_MS / 1000,
	.tv_nsec = RESTART_MS % 1000 * 1000000,
};

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	handled++;
}

static void block(sigset_t *set, int sig)
{
	sigemptyset(set);
	sigaddset(set, sig);
	REQUIRE(!sigprocmask(SIG_BLOCK, set, NULL));
}

static int signal_late(void *arg)
{
	union sigval value = { .sival_int = 42 };

	CHECK_EQ(nanosleep(&span, NULL), 0);
	return sigqueue(getppid(), (long)arg, value);
}

RESTART_TEST(sigtimedwait_timeout, SYS_rt_sigtimedwait)
{
	siginfo_t info;
	uint64_t start;
	sigset_t set;

	block(&set, SIGUSR1);
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_rt_sigtimedwait, &set, &info, &span, 8), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_WAITED(start);
}

RESTART_TEST(sigwaitinfo_event, SYS_rt_sigtimedwait)
{
	siginfo_t info = {};
	sigset_t set;
	pid_t pid;

	block(&set, SIGUSR1);
	ckpt_ready();
	pid = ckpt_fork(signal_late, (void *)SIGUSR1);
	CHECK_EQ(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8), SIGUSR1);
	CHECK_EQ(info.si_value.sival_int, 42);
	ckpt_join(pid, 0);
}

/* Another signal, with a handler, ends the wait as it always did. */
RESTART_TEST(sigwaitinfo_interrupted, SYS_rt_sigtimedwait)
{
	struct sigaction act = { .sa_handler = on_signal,
				 .sa_flags = SA_RESTART };
	siginfo_t info;
	sigset_t set;
	pid_t pid;

	block(&set, SIGUSR1);
	REQUIRE(!sigaction(SIGUSR2, &act, NULL));
	ckpt_ready();
	pid = ckpt_fork(signal_late, (void *)SIGUSR2);
	CHECK_EQ(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8), -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(handled, 1);
	ckpt_join(pid, 0);
}

RESTART_TEST(pause_interrupted, SYS_pause)
{
	struct sigaction act = { .sa_handler = on_signal };
	pid_t pid;

	REQUIRE(!sigaction(SIGUSR2, &act, NULL));
	ckpt_ready();
	pid = ckpt_fork(signal_late, (void *)SIGUSR2);
	CHECK_EQ(syscall(SYS_pause), -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(handled, 1);
	ckpt_join(pid, 0);
}

RESTART_TEST(sigsuspend_interrupted, SYS_rt_sigsuspend)
{
	struct sigaction act = { .sa_handler = on_signal };
	sigset_t set, none, now;
	pid_t pid;

	block(&set, SIGUSR1);
	sigemptyset(&none);
	REQUIRE(!sigaction(SIGUSR1, &act, NULL));
	ckpt_ready();
	pid = ckpt_fork(signal_late, (void *)SIGUSR1);
	CHECK_EQ(syscall(SYS_rt_sigsuspend, &none, 8), -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(handled, 1);
	CHECK(!sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK(sigismember(&now, SIGUSR1));
	ckpt_join(pid, 0);
}

/* A stop in the middle, with no handler, ends nothing by itself. */
static int stop_and_continue(void *arg)
{
	CHECK_EQ(nanosleep(&span, NULL), 0);
	CHECK_EQ(kill(getppid(), SIGSTOP), 0);
	ckpt_wait_state(getppid(), 'T');
	CHECK_EQ(nanosleep(&span, NULL), 0);
	CHECK_EQ(kill(getppid(), SIGCONT), 0);
	CHECK_EQ(nanosleep(&span, NULL), 0);
	return kill(getppid(), SIGUSR1);
}

RESTART_TEST(sigsuspend_stopped, SYS_rt_sigsuspend)
{
	struct sigaction act = { .sa_handler = on_signal };
	sigset_t set, none;
	pid_t pid;

	block(&set, SIGUSR1);
	sigemptyset(&none);
	REQUIRE(!sigaction(SIGUSR1, &act, NULL));
	ckpt_ready();
	pid = ckpt_fork(stop_and_continue, NULL);
	CHECK_EQ(syscall(SYS_rt_sigsuspend, &none, 8), -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(handled, 1);
	ckpt_join(pid, 0);
}

TEST_HARNESS_MAIN
