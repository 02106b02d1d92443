// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors of eventfd(2): what they have counted, and who waits.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct ckpt_gate up;

static uint64_t take(int fd)
{
	eventfd_t value = 0;

	CHECK(!eventfd_read(fd, &value));
	return value;
}

static short ready(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK(poll(&pfd, 1, 0) >= 0);
	return pfd.revents;
}

CKPT_TEST(counter)
{
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);

	REQUIRE(fd >= 0 && !eventfd_write(fd, 1ULL << 40));
	ckpt_ready();
	CHECK_EQ(ready(fd), POLLIN | POLLOUT);
	CHECK_EQ(take(fd), (1ULL << 40) + 3);
	CHECK_EQ(eventfd_read(fd, &(eventfd_t){ 0 }), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(ready(fd), POLLOUT);
}

CKPT_TEST(full)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	REQUIRE(fd >= 0 && !eventfd_write(fd, ~1ULL));
	ckpt_ready();
	CHECK_EQ(ready(fd), POLLIN);
	CHECK_EQ(eventfd_write(fd, 1), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(take(fd), ~1ULL);
}

CKPT_TEST(semaphore)
{
	int fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);

	REQUIRE(fd >= 0);
	ckpt_ready();
	CHECK_EQ(take(fd), 1);
	CHECK_EQ(take(fd), 1);
	CHECK_EQ(ready(fd), POLLOUT);
}

CKPT_TEST(flags)
{
	int fd = eventfd(0, 0);

	REQUIRE(fd >= 0);
	REQUIRE(!fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND | O_NOATIME));
	REQUIRE(!fcntl(fd, F_SETOWN, getpid()) && !fcntl(fd, F_SETSIG, 10));
	ckpt_ready();
	CHECK_EQ(fcntl(fd, F_GETFL),
		 O_RDWR | O_NONBLOCK | O_APPEND | O_NOATIME);
	CHECK_EQ(fcntl(fd, F_GETOWN), getpid());
	CHECK_EQ(fcntl(fd, F_GETSIG), 10);
}

/* One counter behind two descriptors, and two processes */
static int adds(void *arg)
{
	ckpt_gate_wait(&up);
	return eventfd_write(*(int *)arg, 5) ? 1 : 0;
}

CKPT_TEST(shared)
{
	int fd = eventfd(1, 0), other = dup(fd);
	pid_t pid;

	ckpt_gate_init(&up);
	REQUIRE(fd >= 0 && other >= 0);
	pid = ckpt_fork(adds, &fd);
	close(fd);
	ckpt_ready();
	ckpt_gate_open(&up, 1);
	ckpt_join(pid, 0);
	CHECK_EQ(take(other), 6);
}

static int blocks_in_read(void *arg)
{
	return take(*(int *)arg) == 7 ? 0 : 1;
}

static int blocks_in_write(void *arg)
{
	return eventfd_write(*(int *)arg, 2) ? 1 : 0;
}

CKPT_TEST(blocked)
{
	int empty = eventfd(0, 0), full = eventfd(0, 0);
	pid_t reader, writer;

	REQUIRE(empty >= 0 && full >= 0 && !eventfd_write(full, ~1ULL));
	reader = ckpt_fork(blocks_in_read, &empty);
	writer = ckpt_fork(blocks_in_write, &full);
	ckpt_wait_blocked(reader, reader, SYS_read);
	ckpt_wait_blocked(writer, writer, SYS_write);
	ckpt_ready();
	CHECK(!eventfd_write(empty, 7));
	ckpt_join(reader, 0);
	CHECK_EQ(take(full), ~1ULL);
	ckpt_join(writer, 0);
	CHECK_EQ(take(full), 2);
}

/* Another process has it, too: it is external, and counts on meanwhile. */
CKPT_VICTIM(given)
{
	ckpt_ready();
	CHECK_EQ(take(100), 9);
}

DRIVER_TEST(external)
{
	struct ckpt_victim *v = &self->v;
	int fd = eventfd(4, EFD_CLOEXEC);

	ASSERT_LE(0, fd);
	ckpt_pass(fd, 100);
	ckpt_start(v, "given", 0);
	ckpt_checkpoint_kill(v);
	ASSERT_EQ(0, eventfd_write(fd, 5));
	ckpt_inherit_link(v, fd);
	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
