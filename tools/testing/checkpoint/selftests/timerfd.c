// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors of timerfd_create(2): every clock, and what was not read yet.
 */
#include "libckpttest.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>

#define S		1000000000LL
#define MS		1000000LL
/* Longer than any checkpoint, restart and emulation take */
#define LONG		(100000 * S)

static const clockid_t clocks[] = {
	CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME,
	CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM,
};

static int64_t ns(struct timespec ts)
{
	return ts.tv_sec * S + ts.tv_nsec;
}

static struct timespec ts(int64_t t)
{
	return (struct timespec){ t / S, t % S };
}

static int64_t now(clockid_t clock)
{
	struct timespec t;

	if (clock == CLOCK_REALTIME_ALARM)
		clock = CLOCK_REALTIME;
	if (clock == CLOCK_BOOTTIME_ALARM)
		clock = CLOCK_BOOTTIME;
	REQUIRE(!clock_gettime(clock, &t));
	return ns(t);
}

static int timer(clockid_t clock)
{
	int fd = timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		ckpt_skip("timerfd_create(%d): %m", clock);
	return fd;
}

static void set(int fd, int flags, int64_t value, int64_t interval)
{
	struct itimerspec spec = {
		.it_value = ts(value), .it_interval = ts(interval),
	};

	REQUIRE(!timerfd_settime(fd, flags, &spec, NULL));
}

static int64_t left(int fd, int64_t *interval)
{
	struct itimerspec spec;

	REQUIRE(!timerfd_gettime(fd, &spec));
	if (interval)
		*interval = ns(spec.it_interval);
	return ns(spec.it_value);
}

static int64_t ticks(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? (int64_t)n : -errno;
}

static void wait_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&pfd, 1, CKPT_WAIT_S * 1000), 1);
}

/* What was left is what is left, and no time goes by while it is stopped. */
CKPT_TEST(span)
{
	int64_t interval, before[ARRAY_SIZE(clocks)];
	int fd[ARRAY_SIZE(clocks)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		fd[i] = timer(clocks[i]);
		set(fd[i], 0, LONG, 3 * S);
		before[i] = left(fd[i], NULL);
	}
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		int64_t after = left(fd[i], &interval);

		CHECK_EQ(interval, 3 * S);
		CHECK(after > 0 && after <= before[i]);
		CHECK(after > before[i] - CKPT_TEST_S * S);
		CHECK_EQ(ticks(fd[i]), -EAGAIN);
	}
}

/* A time of the clock that the machine goes by stays that time. */
CKPT_TEST(real_time)
{
	const clockid_t real[] = { CLOCK_REALTIME, CLOCK_REALTIME_ALARM };
	int64_t at[ARRAY_SIZE(real)];
	int fd[ARRAY_SIZE(real)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(real); i++) {
		fd[i] = timer(real[i]);
		at[i] = now(real[i]) + LONG;
		set(fd[i], TFD_TIMER_ABSTIME, at[i], 0);
	}
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(real); i++) {
		int64_t a = now(real[i]), l = left(fd[i], NULL);

		CHECK(l <= at[i] - a);
		CHECK(l >= at[i] - now(real[i]));
	}
}

/* Of the others it is what was left that counts. */
CKPT_TEST(absolute)
{
	const clockid_t mono[] = {
		CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM,
	};
	int fd[ARRAY_SIZE(mono)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mono); i++) {
		fd[i] = timer(mono[i]);
		set(fd[i], TFD_TIMER_ABSTIME, now(mono[i]) + LONG, 0);
	}
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(mono); i++) {
		CHECK(left(fd[i], NULL) <= LONG);
		CHECK(left(fd[i], NULL) > LONG - CKPT_TEST_S * S);
	}
}

/* It expires, wakes who waits, and goes on expiring. */
static int waits(void *arg)
{
	int fd = *(int *)arg;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) != sizeof(n) || !n)
		return 1;
	return read(fd, &n, sizeof(n)) != sizeof(n) || !n;
}

CKPT_TEST(expires)
{
	int fd[ARRAY_SIZE(clocks)], blocking;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		fd[i] = timer(clocks[i]);
		set(fd[i], 0, 3 * S, 1 * S);
	}
	blocking = timerfd_create(CLOCK_MONOTONIC, 0);
	REQUIRE(blocking >= 0);
	set(blocking, 0, 3 * S, 1 * S);
	pid = ckpt_fork(waits, &blocking);
	ckpt_wait_blocked(pid, pid, SYS_read);
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		wait_readable(fd[i]);
		CHECK(ticks(fd[i]) > 0);
		wait_readable(fd[i]);
		CHECK(ticks(fd[i]) > 0);
	}
	ckpt_join(pid, 0);
}

/* Expirations that were not read yet */
CKPT_TEST(unread)
{
	int once[ARRAY_SIZE(clocks)], twice[ARRAY_SIZE(clocks)];
	int64_t interval;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		once[i] = timer(clocks[i]);
		set(once[i], 0, 1, 0);
		wait_readable(once[i]);
		/* the next one is far away: exactly one so far */
		twice[i] = timer(clocks[i]);
		set(twice[i], 0, 1, LONG);
		wait_readable(twice[i]);
	}
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		CHECK_EQ(left(once[i], NULL), 0);
		CHECK_EQ(ticks(once[i]), 1);
		CHECK_EQ(ticks(once[i]), -EAGAIN);
		CHECK_EQ(ticks(twice[i]), 1);
		CHECK(left(twice[i], &interval) > LONG - CKPT_TEST_S * S);
		CHECK_EQ(interval, LONG);
	}
}

/* Looked at, and so armed again, but not read */
CKPT_TEST(looked_at)
{
	int fd = timer(CLOCK_MONOTONIC);

	set(fd, 0, 1, LONG);
	wait_readable(fd);
	REQUIRE(left(fd, NULL) > 0);
	ckpt_ready();
	CHECK(left(fd, NULL) > LONG - CKPT_TEST_S * S);
	CHECK_EQ(ticks(fd), 1);
	CHECK_EQ(ticks(fd), -EAGAIN);
}

CKPT_TEST(disarmed)
{
	int never = timer(CLOCK_REALTIME), off = timer(CLOCK_BOOTTIME);

	set(off, 0, LONG, LONG);
	set(off, 0, 0, 0);
	ckpt_ready();
	CHECK_EQ(left(never, NULL), 0);
	CHECK_EQ(left(off, NULL), 0);
	CHECK_EQ(ticks(never), -EAGAIN);
	set(never, 0, 1, 0);
	wait_readable(never);
	CHECK_EQ(ticks(never), 1);
}

/* By a little, so that nothing else in the guest notices */
static void set_clock(void)
{
	struct timespec t = ts(now(CLOCK_REALTIME) + 1 * MS);

	if (clock_settime(CLOCK_REALTIME, &t))
		ckpt_skip("clock_settime: %m");
}

CKPT_TEST(cancel_on_set)
{
	int fd = timer(CLOCK_REALTIME);

	set(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
	    now(CLOCK_REALTIME) + LONG, 0);
	ckpt_ready();
	/* a checkpoint is no change of the clock */
	CHECK_EQ(ticks(fd), -EAGAIN);
	set_clock();
	wait_readable(fd);
	CHECK_EQ(ticks(fd), -ECANCELED);
	CHECK_EQ(ticks(fd), -EAGAIN);
}

CKPT_TEST(canceled)
{
	int fd = timer(CLOCK_REALTIME);

	set(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
	    now(CLOCK_REALTIME) + LONG, 0);
	set_clock();
	wait_readable(fd);
	ckpt_ready();
	CHECK_EQ(ticks(fd), -ECANCELED);
	CHECK_EQ(ticks(fd), -EAGAIN);
}

/* Both clocks of the namespace stand still, and so does what is left. */
static int in_time_ns(void *arg)
{
	int fd = timer(CLOCK_MONOTONIC), boot = timer(CLOCK_BOOTTIME);
	int64_t at = now(CLOCK_MONOTONIC) + LONG;
	int64_t boot_at = now(CLOCK_BOOTTIME) + LONG, off;

	set(fd, TFD_TIMER_ABSTIME, at, 0);
	set(boot, TFD_TIMER_ABSTIME, boot_at, 0);
	ckpt_gate_open(&((struct ckpt_gate *)arg)[0], 1);
	ckpt_gate_wait(&((struct ckpt_gate *)arg)[1]);
	off = at - now(CLOCK_MONOTONIC) - left(fd, NULL);
	CHECK(llabs(off) < 500 * MS);
	off = boot_at - now(CLOCK_BOOTTIME) - left(boot, NULL);
	CHECK(llabs(off) < 500 * MS);
	return 0;
}

CKPT_TEST_ONLY(time_namespace, CKPT_CONTAINER)
{
	struct ckpt_gate gates[2];

	ckpt_new_time("monotonic 7200 0\nboottime 3600 0\n");
	ckpt_gate_init(&gates[0]);
	ckpt_gate_init(&gates[1]);
	ckpt_ready_beside(in_time_ns, gates, &gates[0], &gates[1]);
}

CKPT_VICTIM(wakes_the_machine)
{
	int fd = timer(CLOCK_BOOTTIME_ALARM);

	set(fd, 0, LONG, 0);
	ckpt_ready();
	CHECK(left(fd, NULL) > 0);
}

DRIVER_TEST(alarm_needs_its_capability)
{
	struct ckpt_victim *v = &self->v;

	ckpt_start(v, "wakes_the_machine", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	ckpt_caps_drop(1ULL << CAP_WAKE_ALARM);
	EXPECT_EQ(-EPERM, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "CAP_WAKE_ALARM")) TH_LOG("%s", v->log);
	ckpt_caps_back();
	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
