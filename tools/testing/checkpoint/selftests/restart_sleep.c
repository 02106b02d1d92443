// SPDX-License-Identifier: GPL-2.0
/*
 * Sleeping: it goes on for what was left.
 */
#include "librestart.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

RESTART_TEST(nanosleep_relative, SYS_nanosleep)
{
	struct timespec left = {};
	uint64_t start;

	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_nanosleep, &span, &left), 0);
	CHECK_WAITED(start);
}

RESTART_TEST(nanosleep_no_rest, SYS_nanosleep)
{
	uint64_t start;

	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_nanosleep, &span, NULL), 0);
	CHECK_WAITED(start);
}

static void sleep_on(clockid_t clock, int flags)
{
	struct timespec ts = flags ? later(clock) : span, left = {};
	uint64_t start = ckpt_now();

	CHECK_EQ(syscall(SYS_clock_nanosleep, clock, flags, &ts, &left), 0);
	CHECK_WAITED(start);
}

RESTART_TEST(clock_nanosleep_monotonic, SYS_clock_nanosleep)
{
	ckpt_ready();
	sleep_on(CLOCK_MONOTONIC, 0);
}

RESTART_TEST(clock_nanosleep_realtime, SYS_clock_nanosleep)
{
	ckpt_ready();
	sleep_on(CLOCK_REALTIME, 0);
}

RESTART_TEST(clock_nanosleep_boottime, SYS_clock_nanosleep)
{
	ckpt_ready();
	sleep_on(CLOCK_BOOTTIME, 0);
}

RESTART_TEST(clock_nanosleep_tai, SYS_clock_nanosleep)
{
	ckpt_ready();
	sleep_on(CLOCK_TAI, 0);
}

RESTART_TEST(clock_nanosleep_until, SYS_clock_nanosleep)
{
	ckpt_ready();
	sleep_on(CLOCK_MONOTONIC, TIMER_ABSTIME);
}

RESTART_TEST(clock_nanosleep_time_of_day, SYS_clock_nanosleep)
{
	ckpt_ready();
	sleep_on(CLOCK_REALTIME, TIMER_ABSTIME);
}

/* A filter that has not heard of restart_syscall(2) kills nobody. */
RESTART_TEST_REFUSED(nanosleep_filtered, SYS_nanosleep)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_restart_syscall, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };
	uint64_t start;

	REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		ckpt_skip("PR_SET_SECCOMP: %m");
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_nanosleep, &span, NULL), 0);
	CHECK_WAITED(start);
}

TEST_HARNESS_MAIN
