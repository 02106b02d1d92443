// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors of epoll_create(2): what they wait for, what is ready, and what
 * was told already.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

static struct ckpt_gate up, go;

static int epoll(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);

	REQUIRE(ep >= 0);
	return ep;
}

static int try_add(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = { .events = events, .data.u64 = data };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static void add(int ep, int fd, uint32_t events, uint64_t data)
{
	REQUIRE(!try_add(ep, fd, events, data));
}

/* What one epoll_wait() tells: how many, and the sum of the data words */
static int tells(int ep, uint64_t *data, uint32_t *events)
{
	struct epoll_event ev[16];
	int i, n = epoll_wait(ep, ev, ARRAY_SIZE(ev), 0);

	*data = 0;
	if (events)
		*events = 0;
	for (i = 0; i < n; i++) {
		*data += ev[i].data.u64;
		if (events)
			*events |= ev[i].events;
	}
	return n;
}

#define CHECK_TELLS(ep, nr, sum)					\
	do {								\
		uint64_t __data;					\
									\
		CHECK_EQ(tells(ep, &__data, NULL), nr);			\
		CHECK_EQ(__data, sum);					\
	} while (0)

static int counter(unsigned int value)
{
	int fd = eventfd(value, EFD_NONBLOCK);

	REQUIRE(fd >= 0);
	return fd;
}

static void up_by_one(int fd)
{
	CHECK(!eventfd_write(fd, 1));
}

CKPT_TEST(level_triggered)
{
	int ep = epoll(), full = counter(1), empty = counter(0);
	uint32_t events;
	uint64_t data;

	add(ep, full, EPOLLIN | EPOLLOUT, ~0ULL);
	add(ep, empty, EPOLLIN, 5);
	ckpt_ready();
	CHECK_EQ(tells(ep, &data, &events), 1);
	CHECK_EQ(data, ~0ULL);
	CHECK_EQ(events, EPOLLIN | EPOLLOUT);
	CHECK_TELLS(ep, 1, ~0ULL);
	up_by_one(empty);
	CHECK_TELLS(ep, 2, 4);
	CHECK(!epoll_ctl(ep, EPOLL_CTL_DEL, full, NULL));
	CHECK_TELLS(ep, 1, 5);
}

/* An edge is told once: before, or after, and not again for the same. */
CKPT_TEST(edge_triggered)
{
	int ep = epoll(), told = counter(1), untold = counter(1);
	int quiet = counter(0);

	add(ep, told, EPOLLIN | EPOLLET, 1);
	CHECK_TELLS(ep, 1, 1);
	CHECK_TELLS(ep, 0, 0);
	add(ep, untold, EPOLLIN | EPOLLET, 2);
	add(ep, quiet, EPOLLIN | EPOLLET, 4);
	ckpt_ready();
	CHECK_TELLS(ep, 1, 2);
	CHECK_TELLS(ep, 0, 0);
	up_by_one(told);
	CHECK_TELLS(ep, 1, 1);
	up_by_one(quiet);
	CHECK_TELLS(ep, 1, 4);
	CHECK_TELLS(ep, 0, 0);
}

/* Those that are ready come in the order in which they became so. */
CKPT_TEST(order)
{
	static const int order[] = { 5, 0, 7, 2, 6, 1, 3, 4 };
	struct epoll_event ev[8];
	int ep = epoll(), fd[8], i;

	for (i = 0; i < 8; i++) {
		fd[i] = counter(0);
		add(ep, fd[i], EPOLLIN | EPOLLET, i);
	}
	for (i = 0; i < 8; i++)
		up_by_one(fd[order[i]]);
	ckpt_ready();
	CHECK_EQ(epoll_wait(ep, ev, 3, 0), 3);
	CHECK_EQ(epoll_wait(ep, ev + 3, 5, 0), 5);
	for (i = 0; i < 8; i++)
		CHECK_EQ(ev[i].data.u64, order[i]);
}

CKPT_TEST(one_shot)
{
	int ep = epoll(), used = counter(1), unused = counter(1);
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLONESHOT, .data.u64 = 8,
	};

	add(ep, used, EPOLLIN | EPOLLONESHOT, 1);
	CHECK_TELLS(ep, 1, 1);
	add(ep, unused, EPOLLIN | EPOLLONESHOT, 2);
	ckpt_ready();
	up_by_one(used);
	CHECK_TELLS(ep, 1, 2);
	CHECK_TELLS(ep, 0, 0);
	CHECK(!epoll_ctl(ep, EPOLL_CTL_MOD, used, &ev));
	CHECK_TELLS(ep, 1, 8);
	CHECK_TELLS(ep, 0, 0);
}

/* One file under two numbers, and twice in two epolls */
CKPT_TEST(several_numbers)
{
	int ep = epoll(), ep2 = epoll(), fd = counter(0), other = dup(fd);

	REQUIRE(other >= 0);
	add(ep, fd, EPOLLIN, 1);
	add(ep, other, EPOLLIN, 2);
	add(ep2, fd, EPOLLIN | EPOLLET, 4);
	ckpt_ready();
	CHECK_EQ(try_add(ep, fd, EPOLLIN, 1), -1);
	CHECK_EQ(errno, EEXIST);
	CHECK_EQ(try_add(ep, other, EPOLLIN, 1), -1);
	CHECK_EQ(errno, EEXIST);
	CHECK_TELLS(ep, 0, 0);
	up_by_one(fd);
	CHECK_TELLS(ep, 2, 3);
	CHECK_TELLS(ep2, 1, 4);
	CHECK_TELLS(ep2, 0, 0);
	CHECK(!epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	CHECK_TELLS(ep, 1, 2);
}

/* The number is free again, or means another file: the item is still there. */
CKPT_TEST(number_is_gone)
{
	int ep = epoll(), fd = counter(0), kept = dup(fd), other;

	REQUIRE(kept >= 0);
	add(ep, fd, EPOLLIN, 1);
	close(fd);
	other = counter(1);
	REQUIRE(other == fd);
	ckpt_ready();
	CHECK_TELLS(ep, 0, 0);
	up_by_one(kept);
	CHECK_TELLS(ep, 1, 1);
	CHECK(!try_add(ep, other, EPOLLIN, 2));
	CHECK_TELLS(ep, 2, 3);
	/* with its file goes the item */
	close(kept);
	CHECK_TELLS(ep, 1, 2);
}

/* A child has the epoll only, and the parent the file only; and vice versa. */
static int ep_of_child, fd_of_child;

static int has_the_epoll(void *arg)
{
	int *fd = arg;

	close(fd[0]);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_TELLS(ep_of_child, 1, 7);
	return 0;
}

static int has_the_file(void *arg)
{
	close(*(int *)arg);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	up_by_one(fd_of_child);
	return 0;
}

CKPT_TEST(several_processes)
{
	int fd = counter(0), ep = epoll();
	pid_t pid[2];

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ep_of_child = epoll();
	fd_of_child = counter(0);
	add(ep_of_child, fd, EPOLLIN | EPOLLET, 7);
	add(ep, fd_of_child, EPOLLIN | EPOLLET, 9);
	pid[0] = ckpt_fork(has_the_epoll, &fd);
	pid[1] = ckpt_fork(has_the_file, &ep);
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	close(ep_of_child);
	close(fd_of_child);
	ckpt_ready();
	up_by_one(fd);
	CHECK_TELLS(ep, 0, 0);
	ckpt_gate_open(&go, 2);
	ckpt_join(pid[0], 0);
	/* the last one that had the file has told, and gone: with it the item */
	ckpt_join(pid[1], 0);
	CHECK_TELLS(ep, 0, 0);
}

CKPT_TEST(nested)
{
	int ep[5], i, fd = counter(0), et = epoll(), inner = epoll();
	int ready = counter(1);

	for (i = 0; i < 5; i++)
		ep[i] = epoll();
	for (i = 0; i < 4; i++)
		add(ep[i], ep[i + 1], EPOLLIN, i);
	add(ep[4], fd, EPOLLIN, 4);
	/* told outside, not yet inside */
	add(inner, ready, EPOLLIN | EPOLLET, 3);
	add(et, inner, EPOLLIN | EPOLLET, 5);
	CHECK_TELLS(et, 1, 5);
	ckpt_ready();
	CHECK_TELLS(et, 0, 0);
	CHECK_TELLS(inner, 1, 3);
	CHECK_TELLS(inner, 0, 0);
	CHECK_TELLS(et, 0, 0);
	up_by_one(ready);
	CHECK_TELLS(et, 1, 5);
	CHECK_TELLS(ep[0], 0, 0);
	up_by_one(fd);
	for (i = 0; i < 5; i++)
		CHECK_TELLS(ep[i], 1, i);
	/* still neither too deep nor in a circle */
	CHECK_EQ(try_add(ep[4], ep[0], EPOLLIN, 0), -1);
	CHECK_EQ(errno, ELOOP);
	CHECK_EQ(try_add(ep[4], et, EPOLLIN, 0), -1);
	CHECK_EQ(errno, ELOOP);
	CHECK_EQ(try_add(epoll(), ep[0], EPOLLIN, 0), -1);
	CHECK_EQ(errno, ELOOP);
}

CKPT_TEST(exclusive)
{
	int ep[2] = { epoll(), epoll() }, fd = counter(0), n[2];
	struct epoll_event ev = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	uint64_t data;

	add(ep[0], fd, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, 1);
	add(ep[1], fd, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, 1);
	ckpt_ready();
	CHECK_EQ(epoll_ctl(ep[0], EPOLL_CTL_MOD, fd, &ev), -1);
	CHECK_EQ(errno, EINVAL);
	up_by_one(fd);
	n[0] = tells(ep[0], &data, NULL);
	n[1] = tells(ep[1], &data, NULL);
	CHECK(n[0] || n[1]);
}

CKPT_TEST(wakeup)
{
	int ep = epoll(), told = counter(1), untold = counter(1);

	add(ep, told, EPOLLIN | EPOLLET | EPOLLWAKEUP, 1);
	CHECK_TELLS(ep, 1, 1);
	add(ep, untold, EPOLLIN | EPOLLET | EPOLLWAKEUP, 2);
	ckpt_ready();
	CHECK_TELLS(ep, 1, 2);
	up_by_one(told);
	CHECK_TELLS(ep, 1, 1);
}

#ifdef EPIOCSPARAMS
CKPT_TEST(busy_poll)
{
	struct epoll_params params = {
		.busy_poll_usecs = 70, .busy_poll_budget = 16,
		.prefer_busy_poll = 1,
	};
	int ep = epoll();

	if (ioctl(ep, EPIOCSPARAMS, &params))
		ckpt_skip("EPIOCSPARAMS: %m");
	ckpt_ready();
	memset(&params, 0, sizeof(params));
	CHECK(!ioctl(ep, EPIOCGPARAMS, &params));
	CHECK_EQ(params.busy_poll_usecs, 70);
	CHECK_EQ(params.busy_poll_budget, 16);
	CHECK_EQ(params.prefer_busy_poll, 1);
}
#endif

/* Who writes, waits, reads: pipes, with both ends */
CKPT_TEST(pipes)
{
	int ep = epoll(), fd[2];
	uint32_t events;
	uint64_t data;
	char c;

	REQUIRE(!pipe(fd));
	add(ep, fd[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
	add(ep, fd[1], EPOLLOUT | EPOLLET, 2);
	CHECK_TELLS(ep, 1, 2);
	ckpt_ready();
	CHECK_TELLS(ep, 0, 0);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_TELLS(ep, 1, 1);
	CHECK_EQ(read(fd[0], &c, 1), 1);
	close(fd[1]);
	CHECK_EQ(tells(ep, &data, &events), 1);
	CHECK_EQ(events, EPOLLHUP);
}

CKPT_TEST(timer)
{
	struct itimerspec soon = { .it_value.tv_sec = 2 };
	struct itimerspec now = { .it_value.tv_nsec = 1 };
	int ep = epoll(), later = timerfd_create(CLOCK_MONOTONIC, 0);
	int past = timerfd_create(CLOCK_MONOTONIC, 0);
	struct epoll_event ev = {};

	REQUIRE(later >= 0 && past >= 0);
	REQUIRE(!timerfd_settime(past, 0, &now, NULL));
	add(ep, past, EPOLLIN | EPOLLET, 1);
	CHECK_EQ(epoll_wait(ep, &ev, 1, CKPT_WAIT_S * 1000), 1);
	add(ep, later, EPOLLIN | EPOLLET, 2);
	REQUIRE(!timerfd_settime(later, 0, &soon, NULL));
	ckpt_ready();
	CHECK_EQ(epoll_wait(ep, &ev, 1, CKPT_WAIT_S * 1000), 1);
	CHECK_EQ(ev.data.u64, 2);
	CHECK_TELLS(ep, 0, 0);
}

static int signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	REQUIRE(!sigprocmask(SIG_BLOCK, &set, NULL));
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	REQUIRE(fd >= 0);
	return fd;
}

/* Its signals are those of the process that has added it. */
static int gets_signals(void *arg)
{
	int ep = epoll(), fd = signals(), outer = epoll();
	struct signalfd_siginfo si;

	add(ep, fd, EPOLLIN | EPOLLET, 3);
	add(outer, ep, EPOLLIN | EPOLLET, 4);
	REQUIRE(!raise(SIGUSR1));
	if (arg) {
		CHECK_TELLS(outer, 1, 4);
		CHECK_TELLS(ep, 1, 3);
	}
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	if (!arg) {
		CHECK_TELLS(outer, 1, 4);
		CHECK_TELLS(ep, 1, 3);
	}
	CHECK_TELLS(ep, 0, 0);
	CHECK_TELLS(outer, 0, 0);
	CHECK_EQ(read(fd, &si, sizeof(si)), sizeof(si));
	REQUIRE(!raise(SIGUSR2));
	CHECK_TELLS(outer, 1, 4);
	CHECK_TELLS(ep, 1, 3);
	return 0;
}

CKPT_TEST(signal_descriptor)
{
	pid_t pid[2];

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid[0] = ckpt_fork(gets_signals, NULL);
	pid[1] = ckpt_fork(gets_signals, &up);
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 2);
	ckpt_join(pid[0], 0);
	ckpt_join(pid[1], 0);
}

/* The one who added it is another one, who waits for its own signals. */
static int shares_signals(void *arg)
{
	int *fd = arg;

	add(fd[0], fd[1], EPOLLIN | EPOLLET, 6);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_TELLS(fd[0], 0, 0);
	raise(SIGUSR1);
	CHECK_TELLS(fd[0], 1, 6);
	return 0;
}

CKPT_TEST(signals_of_another)
{
	int fd[2] = { epoll(), signals() };
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(shares_signals, fd);
	ckpt_gate_wait(&up);
	ckpt_ready();
	raise(SIGUSR2);
	CHECK_TELLS(fd[0], 0, 0);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* The one who added it is dead: nothing is told any more. */
static int adds(void *arg)
{
	int *fd = arg;

	add(fd[0], fd[1], EPOLLIN | EPOLLET, 6);
	return 3;
}

CKPT_TEST(signals_of_the_dead)
{
	int fd[2] = { epoll(), signals() };
	pid_t zombie = ckpt_fork(adds, fd), pid;

	ckpt_wait_state(zombie, 'Z');
	/* under another number, since the item is there still */
	fd[1] = dup(fd[1]);
	pid = ckpt_fork(adds, fd);
	ckpt_join(pid, 3);
	/* that it went made the kernel look */
	CHECK_TELLS(fd[0], 0, 0);
	ckpt_ready();
	raise(SIGUSR1);
	CHECK_TELLS(fd[0], 0, 0);
	ckpt_join(zombie, 3);
}

static int waits(void *arg)
{
	struct epoll_event ev = {};

	return epoll_wait(*(int *)arg, &ev, 1, -1) == 1 &&
	       ev.data.u64 == 11 ? 0 : 1;
}

CKPT_TEST(blocked)
{
	int ep = epoll(), outer = epoll(), fd = counter(0);
	pid_t pid;

	add(ep, fd, EPOLLIN | EPOLLET, 1);
	add(outer, ep, EPOLLIN | EPOLLET, 11);
	pid = ckpt_fork(waits, &outer);
	ckpt_wait_blocked(pid, pid, -1);
	ckpt_ready();
	up_by_one(fd);
	ckpt_join(pid, 0);
}

/* Poll on the epoll itself */
CKPT_TEST(polled)
{
	int ep = epoll(), fd = counter(1);
	struct pollfd pfd = { .fd = ep, .events = POLLIN };

	add(ep, fd, EPOLLIN, 1);
	ckpt_ready();
	CHECK_EQ(poll(&pfd, 1, 0), 1);
	CHECK(!eventfd_read(fd, &(eventfd_t){ 0 }));
	CHECK_EQ(poll(&pfd, 1, 0), 0);
}

/* -------------------------------------------------------------- outside */

/* Closed in the tree, but not outside: given again, and looked at. */
CKPT_VICTIM(waits_for_external)
{
	int ep = epoll();

	add(ep, 100, EPOLLIN | EPOLLET, 1);
	close(100);
	ckpt_ready();
	CHECK_TELLS(ep, 1, 1);
	CHECK_TELLS(ep, 0, 0);
}

DRIVER_TEST(external_item)
{
	struct ckpt_victim *v = &self->v;
	int fd = eventfd(0, EFD_CLOEXEC);
	long ret;

	ASSERT_LE(0, fd);
	ckpt_pass(fd, 100);
	ckpt_start(v, "waits_for_external", 0);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOENT, ret);
	EXPECT_TRUE(ckpt_logged(v, "external")) TH_LOG("%s", v->log);
	ASSERT_EQ(0, eventfd_write(fd, 1));
	ckpt_inherit_link(v, fd);
	ckpt_restart_finish(v);
}

/* ----------------------------------------------------------------- many */

#define MANY		50000
#define FILES		1000

/* Each of a thousand files under fifty numbers, every other file ready */
CKPT_TEST_ONLY(many_items, 0)
{
	struct rlimit limit = { .rlim_cur = 2000, .rlim_max = 2000 };
	static struct epoll_event ev[MANY];
	static unsigned char seen[MANY];
	/* the same number for each file, and for those that are ready */
	int many = MANY / ckpt_step() / (2 * FILES) * (2 * FILES);
	int ep, i, fd[FILES], tmp, n;

	REQUIRE(!setrlimit(RLIMIT_NOFILE, &limit));
	ep = epoll();
	for (i = 0; i < FILES; i++)
		fd[i] = counter(0);
	/* the number of an item is that of a descriptor, open or not */
	for (i = 0; i < many; i++) {
		tmp = dup2(fd[i % FILES], 1500 + i / FILES);
		REQUIRE(tmp >= 0);
		add(ep, tmp, EPOLLIN | EPOLLET, i);
		close(tmp);
	}
	for (i = 0; i < FILES; i += 2)
		up_by_one(fd[i]);
	ckpt_ready();
	n = epoll_wait(ep, ev, MANY, 0);
	CHECK_EQ(n, many / 2);
	for (i = 0; i < n; i++)
		seen[ev[i].data.u64]++;
	for (i = 0; i < many; i++)
		if (seen[i] != !(i % 2)) {
			CHECK_EQ(seen[i], !(i % 2));
			break;
		}
	CHECK_EQ(epoll_wait(ep, ev, MANY, 0), 0);
	for (i = 1; i < FILES; i += 2)
		up_by_one(fd[i]);
	CHECK_EQ(epoll_wait(ep, ev, MANY, 0), many / 2);
}

TEST_HARNESS_MAIN
