// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for events on descriptors: poll, select, epoll.
 */
#include "librestart.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const struct timespec span = {
	.tv_sec = RESTART_MS / 1000,
	.tv_nsec = RESTART_MS % 1000 * 1000000,
};

/* A pipe with nothing in it, and whoever writes into it in the end */
static int fds[2];
static long call;

static int writer(void *arg)
{
	ckpt_wait_blocked(getppid(), getppid(), call);
	ckpt_ready();
	return write(fds[1], "x", 1) != 1;
}

static pid_t start_writer(long nr)
{
	REQUIRE(!pipe(fds));
	call = nr;
	return ckpt_fork(writer, NULL);
}

static void check_mask(int sig, bool blocked)
{
	sigset_t mask;

	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	CHECK_EQ(sigismember(&mask, sig), blocked);
}

/* A mask for the wait that is not the one outside */
static void temporary_mask(sigset_t *mask)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	REQUIRE(!sigprocmask(SIG_BLOCK, &set, NULL));
	sigemptyset(mask);
	sigaddset(mask, SIGUSR2);
}

static void check_masks(void)
{
	check_mask(SIGUSR1, true);
	check_mask(SIGUSR2, false);
}

RESTART_TEST(poll_timeout, SYS_poll)
{
	struct pollfd pfd = { .events = POLLIN };
	uint64_t start;

	REQUIRE(!pipe(fds));
	pfd.fd = fds[0];
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_poll, &pfd, 1, RESTART_MS), 0);
	CHECK_WAITED(start);
}

CKPT_TEST(poll_event)
{
	struct pollfd pfd = { .events = POLLIN };
	pid_t pid = start_writer(SYS_poll);

	pfd.fd = fds[0];
	CHECK_EQ(syscall(SYS_poll, &pfd, 1, -1), 1);
	CHECK_EQ(pfd.revents, POLLIN);
	ckpt_join(pid, 0);
}

RESTART_TEST(ppoll_timeout, SYS_ppoll)
{
	struct pollfd pfd = { .events = POLLIN };
	struct timespec ts = span;
	uint64_t start;
	sigset_t mask;

	temporary_mask(&mask);
	REQUIRE(!pipe(fds));
	pfd.fd = fds[0];
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_ppoll, &pfd, 1, &ts, &mask, 8), 0);
	CHECK_WAITED(start);
	check_masks();
	/* what is left of the timeout is put there */
	CHECK_EQ(ts.tv_sec, 0);
	CHECK_EQ(ts.tv_nsec, 0);
}

/* With a timeout in memory that cannot be written to, ppoll answers EINTR. */
static const struct timespec constant_span = {
	.tv_sec = RESTART_MS / 1000,
	.tv_nsec = RESTART_MS % 1000 * 1000000,
};

RESTART_TEST(ppoll_constant_timeout, SYS_ppoll)
{
	struct pollfd pfd = { .events = POLLIN };
	uint64_t start;
	sigset_t mask;

	temporary_mask(&mask);
	REQUIRE(!pipe(fds));
	pfd.fd = fds[0];
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_ppoll, &pfd, 1, &constant_span, &mask, 8), 0);
	CHECK_WAITED(start);
	check_masks();
}

CKPT_TEST(ppoll_event)
{
	struct pollfd pfd = { .events = POLLIN };
	pid_t pid = start_writer(SYS_ppoll);
	sigset_t mask;

	temporary_mask(&mask);
	pfd.fd = fds[0];
	CHECK_EQ(syscall(SYS_ppoll, &pfd, 1, NULL, &mask, 8), 1);
	CHECK_EQ(pfd.revents, POLLIN);
	check_masks();
	ckpt_join(pid, 0);
}

RESTART_TEST(select_timeout, SYS_select)
{
	struct timeval tv = {
		.tv_sec = RESTART_MS / 1000,
		.tv_usec = RESTART_MS % 1000 * 1000,
	};
	uint64_t start;
	fd_set in;

	REQUIRE(!pipe(fds));
	FD_ZERO(&in);
	FD_SET(fds[0], &in);
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_select, fds[0] + 1, &in, NULL, NULL, &tv), 0);
	CHECK_WAITED(start);
}

CKPT_TEST(select_event)
{
	pid_t pid = start_writer(SYS_select);
	fd_set in;

	FD_ZERO(&in);
	FD_SET(fds[0], &in);
	CHECK_EQ(syscall(SYS_select, fds[0] + 1, &in, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(fds[0], &in));
	ckpt_join(pid, 0);
}

struct pselect_mask {
	const sigset_t *mask;
	size_t size;
};

RESTART_TEST(pselect6_timeout, SYS_pselect6)
{
	struct pselect_mask arg;
	struct timespec ts = span;
	uint64_t start;
	sigset_t mask;
	fd_set in;

	temporary_mask(&mask);
	arg.mask = &mask;
	arg.size = 8;
	REQUIRE(!pipe(fds));
	FD_ZERO(&in);
	FD_SET(fds[0], &in);
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_pselect6, fds[0] + 1, &in, NULL, NULL, &ts, &arg),
		 0);
	CHECK_WAITED(start);
	check_masks();
}

/* ------------------------------------------------------------------ epoll */

static int epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x1234 };
	int ep = epoll_create1(0);

	REQUIRE(ep >= 0);
	REQUIRE(!epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &event));
	return ep;
}

RESTART_TEST(epoll_wait_timeout, SYS_epoll_wait)
{
	struct epoll_event event;
	uint64_t start;
	int ep;

	REQUIRE(!pipe(fds));
	ep = epoll();
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_epoll_wait, ep, &event, 1, RESTART_MS), 0);
	CHECK_WAITED(start);
}

RESTART_TEST(epoll_pwait_timeout, SYS_epoll_pwait)
{
	struct epoll_event event;
	uint64_t start;
	sigset_t mask;
	int ep;

	temporary_mask(&mask);
	REQUIRE(!pipe(fds));
	ep = epoll();
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_epoll_pwait, ep, &event, 1, RESTART_MS, &mask, 8),
		 0);
	CHECK_WAITED(start);
	check_masks();
}

RESTART_TEST(epoll_pwait2_timeout, SYS_epoll_pwait2)
{
	struct epoll_event event;
	uint64_t start;
	sigset_t mask;
	int ep;

	temporary_mask(&mask);
	REQUIRE(!pipe(fds));
	ep = epoll();
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_epoll_pwait2, ep, &event, 1, &span, &mask, 8), 0);
	CHECK_WAITED(start);
	check_masks();
}

/* Written to by a child that sleeps first, while the parent is checkpointed */
static int late_writer(void *arg)
{
	CHECK_EQ(nanosleep(&span, NULL), 0);
	return write(fds[1], "x", 1) != 1;
}

RESTART_TEST(epoll_wait_event, SYS_epoll_wait)
{
	struct epoll_event event = {};
	pid_t pid;
	int ep;

	REQUIRE(!pipe(fds));
	ep = epoll();
	ckpt_ready();
	pid = ckpt_fork(late_writer, NULL);
	CHECK_EQ(syscall(SYS_epoll_wait, ep, &event, 1, -1), 1);
	CHECK_EQ(event.events, EPOLLIN);
	CHECK_EQ(event.data.u64, 0x1234);
	ckpt_join(pid, 0);
}

/* --------------------------------------------- a signal still interrupts */

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	handled++;
}

static int late_signaller(void *arg)
{
	CHECK_EQ(nanosleep(&span, NULL), 0);
	return kill(getppid(), SIGUSR1);
}

RESTART_TEST(epoll_pwait_signal, SYS_epoll_pwait)
{
	struct sigaction act = { .sa_handler = on_signal };
	struct epoll_event event;
	sigset_t mask;
	pid_t pid;
	int ep;

	temporary_mask(&mask);
	REQUIRE(!sigaction(SIGUSR1, &act, NULL));
	REQUIRE(!pipe(fds));
	ep = epoll();
	ckpt_ready();
	pid = ckpt_fork(late_signaller, NULL);
	CHECK_EQ(syscall(SYS_epoll_pwait, ep, &event, 1, -1, &mask, 8), -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(handled, 1);
	check_masks();
	ckpt_join(pid, 0);
}

RESTART_TEST(ppoll_signal, SYS_ppoll)
{
	struct sigaction act = { .sa_handler = on_signal };
	struct pollfd pfd = { .events = POLLIN };
	sigset_t mask;
	pid_t pid;

	temporary_mask(&mask);
	REQUIRE(!sigaction(SIGUSR1, &act, NULL));
	REQUIRE(!pipe(fds));
	pfd.fd = fds[0];
	ckpt_ready();
	pid = ckpt_fork(late_signaller, NULL);
	CHECK_EQ(syscall(SYS_ppoll, &pfd, 1, NULL, &mask, 8), -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(handled, 1);
	check_masks();
	ckpt_join(pid, 0);
}

TEST_HARNESS_MAIN
