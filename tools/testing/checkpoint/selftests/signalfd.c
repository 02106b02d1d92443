// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors of signalfd(2).
 */
#include "libckpttest.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static int descriptor(int flags, int first, int second)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, first);
	sigaddset(&set, second);
	REQUIRE(!sigprocmask(SIG_BLOCK, &set, NULL));
	fd = signalfd(-1, &set, flags);
	REQUIRE(fd >= 0);
	return fd;
}

static int next(int fd, int *value)
{
	struct signalfd_siginfo si = {};

	if (read(fd, &si, sizeof(si)) != sizeof(si))
		return -errno;
	if (value)
		*value = si.ssi_int;
	return si.ssi_signo;
}

CKPT_TEST(pending)
{
	int fd = descriptor(SFD_NONBLOCK | SFD_CLOEXEC, SIGUSR1, SIGRTMAX);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int value = 0;

	REQUIRE(!kill(getpid(), SIGUSR1));
	REQUIRE(!sigqueue(getpid(), SIGRTMAX, (union sigval){ .sival_int = 8 }));
	REQUIRE(!sigqueue(getpid(), SIGRTMAX, (union sigval){ .sival_int = 9 }));
	ckpt_ready();
	CHECK_EQ(poll(&pfd, 1, 0), 1);
	CHECK_EQ(next(fd, NULL), SIGUSR1);
	CHECK_EQ(next(fd, &value), SIGRTMAX);
	CHECK_EQ(value, 8);
	CHECK_EQ(next(fd, &value), SIGRTMAX);
	CHECK_EQ(value, 9);
	CHECK_EQ(next(fd, NULL), -EAGAIN);
}

CKPT_TEST(mask)
{
	int fd = descriptor(SFD_NONBLOCK, SIGUSR2, SIGCHLD);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	REQUIRE(!sigprocmask(SIG_BLOCK, &set, NULL));
	ckpt_ready();
	REQUIRE(!raise(SIGUSR1));
	CHECK_EQ(next(fd, NULL), -EAGAIN);
	REQUIRE(!raise(SIGUSR2));
	CHECK_EQ(next(fd, NULL), SIGUSR2);
	CHECK_EQ(signalfd(fd, &set, 0), fd);
	CHECK_EQ(next(fd, NULL), SIGUSR1);
}

static int waits(void *arg)
{
	return next(*(int *)arg, NULL) == SIGUSR1 ? 0 : 1;
}

CKPT_TEST(blocked)
{
	int fd = descriptor(0, SIGUSR1, SIGUSR2);
	pid_t pid = ckpt_fork(waits, &fd);

	ckpt_wait_blocked(pid, pid, SYS_read);
	ckpt_ready();
	CHECK(!kill(pid, SIGUSR1));
	ckpt_join(pid, 0);
}

TEST_HARNESS_MAIN
