// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for a futex: it goes on, by restart_syscall(2) or by itself, until
 * the time at which it was to end.
 *
 * guest: --smp 2
 */
#include "librestart.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv	449
#endif

static const struct timespec span = {
	.tv_sec = RESTART_MS / 1000,
	.tv_nsec = RESTART_MS % 1000 * 1000000,
};

static struct timespec later(clockid_t clock)
{
	struct timespec ts;

	REQUIRE(!clock_gettime(clock, &ts));
	ts.tv_sec += span.tv_sec;
	ts.tv_nsec += span.tv_nsec;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

static void wait_until(int op, const struct timespec *ts)
{
	static uint32_t word;
	uint64_t start = ckpt_now();

	CHECK_EQ(syscall(SYS_futex, &word, op, 0, ts, NULL, ~0U), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	CHECK_WAITED(start);
}

RESTART_TEST(futex_relative, SYS_futex)
{
	ckpt_ready();
	wait_until(FUTEX_WAIT_PRIVATE, &span);
}

RESTART_TEST(futex_shared, SYS_futex)
{
	ckpt_ready();
	wait_until(FUTEX_WAIT, &span);
}

RESTART_TEST(futex_until, SYS_futex)
{
	struct timespec ts;

	ckpt_ready();
	ts = later(CLOCK_MONOTONIC);
	wait_until(FUTEX_WAIT_BITSET_PRIVATE, &ts);
}

RESTART_TEST(futex_time_of_day, SYS_futex)
{
	struct timespec ts;

	ckpt_ready();
	ts = later(CLOCK_REALTIME);
	wait_until(FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, &ts);
}

struct waiter {
	uint64_t val;
	uint64_t uaddr;
	uint32_t flags;
	uint32_t reserved;
};

RESTART_TEST(futex_waitv_until, SYS_futex_waitv)
{
	static uint32_t word;
	struct waiter waiter = {
		.uaddr = (uintptr_t)&word, .flags = 2 | 128,
	};
	struct timespec ts;
	uint64_t start;

	ckpt_ready();
	start = ckpt_now();
	ts = later(CLOCK_MONOTONIC);
	CHECK_EQ(syscall(SYS_futex_waitv, &waiter, 1, 0, &ts, CLOCK_MONOTONIC),
		 -1);
	CHECK_EQ(errno, ETIMEDOUT);
	CHECK_WAITED(start);
}

static int wake_late(void *arg)
{
	uint32_t *word = arg;

	CHECK_EQ(nanosleep(&span, NULL), 0);
	*word = 1;
	/* the parent may be parked, and then looks at the word by itself */
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
	return 0;
}

RESTART_TEST(futex_woken, SYS_futex)
{
	static const struct timespec hour = { .tv_sec = 3600 };
	uint32_t *word;
	pid_t pid;
	long ret;

	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(word != MAP_FAILED);
	ckpt_ready();
	pid = ckpt_fork(wake_late, word);
	ret = syscall(SYS_futex, word, FUTEX_WAIT, 0, &hour, NULL, 0);
	CHECK(!ret || errno == EAGAIN);
	CHECK_EQ(*word, 1);
	ckpt_join(pid, 0);
}

TEST_HARNESS_MAIN
