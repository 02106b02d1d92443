// SPDX-License-Identifier: GPL-2.0
/*
 * Scheduling: policy, nice, priority, clamps, affinity, I/O priority, timer
 * slack.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define IOPRIO_BEST_EFFORT	(2 << 13)

#define KEEP_ALL		0x18
#define CLAMP_MIN		0x20
#define CLAMP_MAX		0x40

struct attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
	uint32_t util_min;
	uint32_t util_max;
};

static int get_attr(struct attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	return syscall(SYS_sched_getattr, 0, attr, sizeof(*attr), 0);
}

static void keep_attr(void)
{
	struct attr before, after;

	REQUIRE(!get_attr(&before));
	ckpt_ready();
	CHECK(!get_attr(&after));
	CHECK_EQ(after.policy, before.policy);
	CHECK_EQ(after.flags, before.flags);
	CHECK_EQ(after.nice, before.nice);
	CHECK_EQ(after.priority, before.priority);
	CHECK_EQ(after.runtime, before.runtime);
	CHECK_EQ(after.deadline, before.deadline);
	CHECK_EQ(after.period, before.period);
	CHECK_EQ(after.util_min, before.util_min);
	CHECK_EQ(after.util_max, before.util_max);
}

static void set_policy(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(0, policy, &param))
		ckpt_skip("sched_setscheduler: %m");
}

CKPT_TEST(nice)
{
	errno = 0;
	REQUIRE(nice(7) == 7);
	keep_attr();
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 7);
}

CKPT_TEST(nice_below_zero)
{
	REQUIRE(!setpriority(PRIO_PROCESS, 0, -15));
	keep_attr();
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), -15);
}

CKPT_TEST(batch)
{
	set_policy(SCHED_BATCH, 0);
	REQUIRE(!setpriority(PRIO_PROCESS, 0, 3));
	keep_attr();
}

CKPT_TEST(idle)
{
	set_policy(SCHED_IDLE, 0);
	keep_attr();
}

CKPT_TEST(fifo)
{
	set_policy(SCHED_FIFO, 17);
	keep_attr();
}

CKPT_TEST(round_robin)
{
	set_policy(SCHED_RR | SCHED_RESET_ON_FORK, 42);
	keep_attr();
}

CKPT_TEST(deadline)
{
	struct attr attr = {
		.size = sizeof(attr), .policy = SCHED_DEADLINE,
		.runtime = 10000000, .deadline = 50000000, .period = 100000000,
	};

	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		ckpt_skip("SCHED_DEADLINE: %m");
	keep_attr();
}

/* Set clamps of the calling thread, with @flags. */
static void clamp(uint64_t flags, uint32_t min, uint32_t max)
{
	struct attr attr = {
		.size = sizeof(attr), .flags = KEEP_ALL | flags,
		.util_min = min, .util_max = max,
	};

	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		ckpt_skip("utilization clamps: %m");
}

static void check_clamps(int min, int max)
{
	struct attr attr;

	CHECK(!get_attr(&attr));
	CHECK_EQ(attr.util_min, min);
	CHECK_EQ(attr.util_max, max);
}

CKPT_TEST(clamps)
{
	clamp(CLAMP_MIN | CLAMP_MAX, 100, 800);
	keep_attr();
	check_clamps(100, 800);
	/* another policy leaves alone what was set */
	set_policy(SCHED_FIFO, 1);
	check_clamps(100, 800);
}

CKPT_TEST(one_clamp)
{
	clamp(CLAMP_MAX, 0, 300);
	keep_attr();
	check_clamps(0, 300);
	/* and what was not set is as the policy has it */
	set_policy(SCHED_FIFO, 1);
	check_clamps(1024, 300);
}

CKPT_TEST(clamp_of_real_time)
{
	set_policy(SCHED_RR, 3);
	clamp(CLAMP_MIN, 0, 0);
	keep_attr();
	check_clamps(0, 1024);
	set_policy(SCHED_OTHER, 0);
	set_policy(SCHED_RR, 3);
	check_clamps(0, 1024);
}

CKPT_TEST(clamp_of_deadline)
{
	struct attr attr = {
		.size = sizeof(attr), .policy = SCHED_DEADLINE,
		.flags = CLAMP_MAX,
		.runtime = 10000000, .deadline = 50000000, .period = 100000000,
		.util_max = 700,
	};

	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		ckpt_skip("SCHED_DEADLINE with a clamp: %m");
	keep_attr();
	set_policy(SCHED_OTHER, 0);
	check_clamps(0, 700);
}

static int is_not_clamped(void *arg)
{
	check_clamps(0, 1024);
	return 0;
}

CKPT_TEST(clamps_reset_on_fork)
{
	set_policy(SCHED_OTHER | SCHED_RESET_ON_FORK, 0);
	clamp(CLAMP_MIN | CLAMP_MAX, 200, 600);
	keep_attr();
	check_clamps(200, 600);
	ckpt_join(ckpt_fork(is_not_clamped, NULL), 0);
}

CKPT_TEST(affinity)
{
	cpu_set_t set, now;
	int cpu;

	REQUIRE(!sched_getaffinity(0, sizeof(set), &set));
	if (CPU_COUNT(&set) < 2)
		ckpt_skip("there is one CPU");
	for (cpu = 0; !CPU_ISSET(cpu, &set); cpu++)
		;
	CPU_CLR(cpu, &set);
	REQUIRE(!sched_setaffinity(0, sizeof(set), &set));
	ckpt_ready();
	CHECK(!sched_getaffinity(0, sizeof(now), &now));
	CHECK(CPU_EQUAL(&set, &now));
	CHECK(sched_getcpu() != cpu);
	/* It may be widened again. */
	CPU_SET(cpu, &set);
	CHECK(!sched_setaffinity(0, sizeof(set), &set));
}

CKPT_TEST(io_priority)
{
	int prio = IOPRIO_BEST_EFFORT | 6;

	if (syscall(SYS_ioprio_set, 1, 0, prio))
		ckpt_skip("ioprio_set: %m");
	ckpt_ready();
	CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), prio);
}

CKPT_TEST(timer_slack)
{
	int before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);

	REQUIRE(!prctl(PR_SET_TIMERSLACK, 123456, 0, 0, 0));
	ckpt_ready();
	CHECK_EQ(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), 123456);
	/* 0: back to the default */
	CHECK(!prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), before);
}

static struct ckpt_gate up, go;

static void *own_priority(void *arg)
{
	int n = (intptr_t)arg, cpu;
	struct attr attr;
	cpu_set_t set;

	REQUIRE(!setpriority(PRIO_PROCESS, syscall(SYS_gettid), n));
	REQUIRE(!prctl(PR_SET_TIMERSLACK, 1000 * (n + 1), 0, 0, 0));
	clamp(CLAMP_MIN, 100 * n, 0);
	cpu = sched_getcpu();
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	REQUIRE(!sched_setaffinity(0, sizeof(set), &set));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(!get_attr(&attr));
	CHECK_EQ(attr.nice, n);
	CHECK_EQ(attr.util_min, 100 * n);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), 1000 * (n + 1));
	CHECK_EQ(sched_getcpu(), cpu);
	return NULL;
}

CKPT_TEST(threads_with_their_own)
{
	pthread_t thread[3];
	intptr_t i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	for (i = 0; i < 3; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, own_priority,
					(void *)(i + 1)));
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
	ckpt_gate_open(&go, 3);
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
}

TEST_HARNESS_MAIN
