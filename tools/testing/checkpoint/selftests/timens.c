// SPDX-License-Identifier: GPL-2.0
/* Time namespaces: clocks that go on from where they stood. */
#include "libckpttest.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

#define SECOND	1000000000LL
#define DAY	(86400 * SECOND)
/* How much of the time of a test can pass unseen */
#define SLACK	(CKPT_TEST_S * SECOND)

static struct ckpt_gate up, go;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

/* The clock as the vdso has it, and as the kernel has it */
static int64_t now(clockid_t clock)
{
	struct timespec vdso, ts;
	int64_t a, b;

	CHECK(!clock_gettime(clock, &vdso));
	CHECK(!syscall(SYS_clock_gettime, clock, &ts));
	a = vdso.tv_sec * SECOND + vdso.tv_nsec;
	b = ts.tv_sec * SECOND + ts.tv_nsec;
	CHECK(a <= b);
	CHECK(b - a < SLACK);
	return a;
}

/* From now on children live @mono and @boot seconds later than this one. */
static void new_time(long mono, long boot)
{
	char buf[128];

	snprintf(buf, sizeof(buf), "monotonic %ld 5\nboottime %ld 7\n", mono,
		 boot);
	ckpt_new_time(buf);
}

/* A clock that showed @before shows @after: as one would expect? */
static void expect_goes_on(int64_t before, int64_t after)
{
	CHECK(after >= before);
	CHECK(after - before < SLACK);
}

static int lives_later(void *arg)
{
	int64_t mono = now(CLOCK_MONOTONIC), boot = now(CLOCK_BOOTTIME), left;
	struct timespec ts;

	CHECK(mono > 10 * DAY && mono < 11 * DAY);
	CHECK(boot > 20 * DAY && boot < 21 * DAY);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_goes_on(mono, now(CLOCK_MONOTONIC));
	expect_goes_on(boot, now(CLOCK_BOOTTIME));

	/* Absolute times are those of this clock. */
	mono = now(CLOCK_MONOTONIC) + SECOND / 5;
	ts.tv_sec = mono / SECOND;
	ts.tv_nsec = mono % SECOND;
	CHECK(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
	left = mono - now(CLOCK_MONOTONIC);
	CHECK(left <= 0 && left > -SLACK);
	return 0;
}

CKPT_TEST(clocks_go_on)
{
	gates();
	new_time(10 * 86400, 20 * 86400);
	ckpt_ready_beside(lives_later, NULL, &up, &go);
}

/* As long as nobody was in it, its offsets may be set again. */
CKPT_TEST(for_children_only)
{
	char buf[128] = "";
	long mono;
	pid_t pid;

	gates();
	new_time(10 * 86400, 20 * 86400);
	ckpt_ready();
	CHECK(now(CLOCK_MONOTONIC) < 9 * DAY);
	ckpt_read_file("/proc/self/timens_offsets", buf, sizeof(buf));
	CHECK(sscanf(buf, "monotonic %ld", &mono) == 1);
	CHECK(labs(mono - 10 * 86400) < CKPT_TEST_S);
	CHECK(!ckpt_write_file("/proc/self/timens_offsets",
			       "monotonic 864000 0\nboottime 1728000 0\n"));
	pid = ckpt_fork(lives_later, NULL);
	ckpt_gate_wait(&up);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK(ckpt_write_file("/proc/self/timens_offsets", "monotonic 1 0\n"));
}

/* It was used, and nobody is in it any more: its offsets stay. */
static int exit_fn(void *arg)
{
	return 0;
}

CKPT_TEST(frozen_for_children)
{
	pid_t pid;

	gates();
	new_time(10 * 86400, 20 * 86400);
	ckpt_join(ckpt_fork(exit_fn, NULL), 0);
	ckpt_ready();
	CHECK(ckpt_write_file("/proc/self/timens_offsets", "monotonic 1 0\n"));
	pid = ckpt_fork(lives_later, NULL);
	ckpt_gate_wait(&up);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

static int sleeps(void *arg)
{
	struct timespec until, left = { 1, SECOND / 2 };
	int64_t end = now(CLOCK_MONOTONIC) + 3 * SECOND / 2, late;

	until.tv_sec = end / SECOND;
	until.tv_nsec = end % SECOND;
	ckpt_gate_open(&up, 1);
	if (arg)
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until,
				       NULL) == EINTR)
			;
	else
		CHECK(!nanosleep(&left, NULL));
	late = now(CLOCK_MONOTONIC) - end;
	CHECK(late >= 0);
	CHECK(late < SLACK);
	return 0;
}

/* Those who sleep wake up when their clock says so, and not before. */
CKPT_VICTIM(sleepers)
{
	pid_t pid[2];
	int i;

	gates();
	new_time(10 * 86400, 20 * 86400);
	pid[0] = ckpt_fork(sleeps, NULL);
	pid[1] = ckpt_fork(sleeps, &up);
	for (i = 0; i < 2; i++)
		ckpt_gate_wait(&up);
	for (i = 0; i < 2; i++)
		ckpt_wait_blocked(pid[i], pid[i], -1);
	ckpt_ready();
	for (i = 0; i < 2; i++)
		ckpt_join(pid[i], 0);
}

/* They sleep for less time than five rounds take. */
DRIVER_TEST(sleepers_wake_in_time)
{
	struct ckpt_victim *v = &self->v;
	int container;
	long ret;

	for (container = 0; container < 2; container++) {
		ckpt_start(v, "sleepers", container ? CKPT_CONTAINER : 0);
		if (v->skip[0])
			SKIP(return, "%s", v->skip);
		ckpt_checkpoint_kill(v);
		ret = ckpt_restart(v, 0);
		ASSERT_LT(0, ret)
			TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
		ckpt_finish(v);
		ckpt_end(v);
	}
}

/* What an image says of the clocks is what they show; and it is checked. */
DRIVER_TEST(clocks_in_the_image)
{
	struct ckpt_hdr_time_ns *ns;
	struct ckpt_victim *v = &self->v;
	struct image image;
	long ret;

	ckpt_start(v, "clocks_go_on", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	ns = image_at(&image, CKPT_HDR_TIME_NS, 0);
	ASSERT_TRUE(ns);
	EXPECT_LT(10 * DAY, ns->monotonic_ns);
	EXPECT_LT(20 * DAY, ns->boottime_ns);

	/* Nobody can set a clock to this. */
	ns->monotonic_ns = -1;
	ret = image_restart(v, &image);
	EXPECT_EQ(-EINVAL, ret);
	ns->monotonic_ns = INT64_MAX;
	ret = image_restart(v, &image);
	EXPECT_EQ(-EINVAL, ret);
	image_free(&image);

	ckpt_restart_finish(v);
}

CKPT_VICTIM(child_later)
{
	pid_t pid;

	gates();
	new_time(10 * 86400, 20 * 86400);
	pid = ckpt_fork(lives_later, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* A page of the clocks is in the memory: those who share it share them. */
DRIVER_TEST(memory_of_other_clocks)
{
	struct ckpt_hdr_task_ref *parent, *child;
	struct ckpt_victim *v = &self->v;
	struct image image;

	ckpt_start(v, "child_later", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	parent = image_at(&image, CKPT_HDR_TASK_MM, 0);
	child = image_at(&image, CKPT_HDR_TASK_MM, 1);
	ASSERT_TRUE(parent && child);
	child->objref = parent->objref;
	EXPECT_EQ(-EINVAL, image_restart(v, &image));
	EXPECT_TRUE(ckpt_logged(v, "with other clocks")) TH_LOG("%s", v->log);
	image_free(&image);

	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
