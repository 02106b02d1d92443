// SPDX-License-Identifier: GPL-2.0
/* What a process and a thread have used so far, and since when they are there. */
#include "libckpttest.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define SECOND	1000000000LL
/* What the test itself may use of a CPU, with five rounds, emulated */
#define SLACK	(60 * SECOND)

static struct ckpt_gate up, go;

struct used {
	int64_t process, thread, user, sys, children;
	long long faults, switches, start, rchar;
};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	CHECK(!clock_gettime(clock, &ts));
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static int64_t tv_ns(struct timeval tv)
{
	return tv.tv_sec * SECOND + tv.tv_usec * 1000LL;
}

/* Field @nr of /proc/thread-self/stat, the name of the program being 2 */
static long long stat_field(int nr)
{
	char buf[4096] = "", *p;

	CHECK(ckpt_read_file("/proc/thread-self/stat", buf, sizeof(buf)) > 0);
	p = strrchr(buf, ')');
	REQUIRE(p);
	for (nr -= 2; nr; nr--) {
		p = strchr(p + 1, ' ');
		REQUIRE(p);
	}
	return atoll(p);
}

static long long io_field(const char *name)
{
	char buf[4096] = "", *p;

	if (ckpt_read_file("/proc/thread-self/io", buf, sizeof(buf)) < 0)
		return 0;
	p = strstr(buf, name);
	return p ? atoll(p + strlen(name) + 1) : 0;
}

static void look(struct used *used)
{
	struct rusage self, children;

	CHECK(!getrusage(RUSAGE_SELF, &self));
	CHECK(!getrusage(RUSAGE_CHILDREN, &children));
	used->process = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	used->thread = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	used->user = tv_ns(self.ru_utime);
	used->sys = tv_ns(self.ru_stime);
	used->children = tv_ns(children.ru_utime) + tv_ns(children.ru_stime);
	used->faults = self.ru_minflt + self.ru_majflt;
	used->switches = self.ru_nvcsw + self.ru_nivcsw;
	used->rchar = io_field("rchar");
	used->start = stat_field(22);
}

static void goes_on(int64_t before, int64_t after)
{
	CHECK(after >= before);
	CHECK(after < before + SLACK);
}

static void expect(const struct used *before)
{
	struct used now;

	look(&now);
	goes_on(before->process, now.process);
	goes_on(before->thread, now.thread);
	goes_on(before->user, now.user);
	goes_on(before->sys, now.sys);
	CHECK_EQ(now.children, before->children);
	CHECK(now.faults >= before->faults);
	CHECK(now.switches >= before->switches);
	CHECK(now.rchar >= before->rchar);
	CHECK_EQ(now.start, before->start);
}

/* Use a CPU until @clock has gone on by @ns. */
static void use(clockid_t clock, int64_t ns)
{
	int64_t end = clock_ns(clock) + ns;

	while (clock_ns(clock) < end)
		;
}

static int uses_and_ends(void *arg)
{
	use(CLOCK_PROCESS_CPUTIME_ID, SECOND / 10);
	return 0;
}

static void *uses_and_waits(void *arg)
{
	struct used used;

	use(CLOCK_THREAD_CPUTIME_ID, SECOND / 10);
	ckpt_gate_open(&up, 1);
	look(&used);
	ckpt_gate_wait(&go);
	CHECK(clock_ns(CLOCK_THREAD_CPUTIME_ID) >= used.thread);
	CHECK(clock_ns(CLOCK_THREAD_CPUTIME_ID) < used.thread + SLACK);
	CHECK_EQ(stat_field(22), used.start);
	return NULL;
}

static void *uses_and_is_gone(void *arg)
{
	use(CLOCK_THREAD_CPUTIME_ID, SECOND / 10);
	return NULL;
}

/* Of a thread that is there and one that is not, and of a child */
CKPT_TEST(used)
{
	pthread_t thread, gone;
	struct used used;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_join(ckpt_fork(uses_and_ends, NULL), 0);
	REQUIRE(!pthread_create(&gone, NULL, uses_and_is_gone, NULL));
	REQUIRE(!pthread_join(gone, NULL));
	REQUIRE(!pthread_create(&thread, NULL, uses_and_waits, NULL));
	ckpt_gate_wait(&up);
	use(CLOCK_THREAD_CPUTIME_ID, SECOND / 20);
	look(&used);
	CHECK(used.process > SECOND / 5);
	CHECK(used.children > SECOND / 20);
	ckpt_ready();
	expect(&used);
	ckpt_gate_open(&go, 1);
	CHECK(!pthread_join(thread, NULL));
	/* and the children of the future are counted, too */
	ckpt_join(ckpt_fork(uses_and_ends, NULL), 0);
	look(&used);
	CHECK(used.children > SECOND / 10);
}

static int lives_later(void *arg)
{
	struct used used;

	look(&used);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect(&used);
	return 0;
}

/* It sees its start by a clock of its own. */
CKPT_TEST(in_a_time_namespace)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_new_time("boottime 1728000 5\n");
	ckpt_ready_beside(lives_later, NULL, &up, &go);
}

/* It is older than the clock that it goes by. */
CKPT_TEST(enters_a_time_namespace)
{
	struct timespec ts;
	char buf[64];
	int fd;

	REQUIRE(!clock_gettime(CLOCK_BOOTTIME, &ts));
	snprintf(buf, sizeof(buf), "boottime %lld %ld\n",
		 -(long long)ts.tv_sec - 1, 999999999 - ts.tv_nsec);
	ckpt_new_time(buf);
	fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0 && !setns(fd, CLONE_NEWTIME) && !close(fd));
	ckpt_ready();
}

/* What is counted says how long RLIMIT_CPU lets it live. */
CKPT_VICTIM(limited)
{
	struct rlimit limit = { .rlim_cur = 3, .rlim_max = 100 };

	use(CLOCK_PROCESS_CPUTIME_ID, SECOND);
	REQUIRE(!setrlimit(RLIMIT_CPU, &limit));
	ckpt_ready();
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) >= SECOND);
}

/* The clock of a process goes on, where that of the caller is limited, too. */
DRIVER_TEST(restarted_under_a_limit)
{
	struct ckpt_victim *v = &self->v;
	struct rlimit limit;

	ckpt_start(v, "limited", 0);
	ckpt_checkpoint_kill(v);
	ASSERT_EQ(0, getrlimit(RLIMIT_CPU, &limit));
	limit.rlim_cur = 1000;
	ASSERT_EQ(0, setrlimit(RLIMIT_CPU, &limit));
	ckpt_restart_finish(v);
}

static void *waits(void *arg)
{
	ckpt_gate_wait(&go);
	return NULL;
}

CKPT_VICTIM(four_threads)
{
	pthread_t thread[3];
	int i;

	ckpt_gate_init(&go);
	for (i = 0; i < 3; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, waits, NULL));
	ckpt_ready();
	ckpt_gate_open(&go, 3);
	for (i = 0; i < 3; i++)
		CHECK(!pthread_join(thread[i], NULL));
}

/* Each has used what it may have, but not all of them together. */
DRIVER_TEST(too_much_in_sum)
{
	struct ckpt_acct most = {
		.times.utime_ns = INT64_MAX / 4,
		.times.stime_ns = INT64_MAX / 4,
		.runtime_ns = INT64_MAX / 4,
	};
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_process_acct *p;
	struct ckpt_hdr_task_acct *h;
	struct image image;
	unsigned int i;
	long ret;

	ckpt_start(v, "four_threads", 0);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (i = 0; i < 4; i++) {
		h = image_at(&image, CKPT_HDR_TASK_ACCT, i);
		ASSERT_NE(NULL, h);
		h->own = most;
	}
	p = image_at(&image, CKPT_HDR_PROCESS_ACCT, 0);
	ASSERT_NE(NULL, p);
	p->dead = most;
	ret = image_restart(v, &image);
	EXPECT_EQ(-EINVAL, ret) TH_LOG("%s", v->log);
	image_free(&image);
	ckpt_restart_finish(v);
}

DRIVER_TEST(hostile)
{
	static const size_t changes[] = {
		offsetof(struct ckpt_hdr_task_acct, start_ns),
		offsetof(struct ckpt_hdr_task_acct, start_real_ns),
		offsetof(struct ckpt_hdr_task_acct, own.times.utime_ns),
		offsetof(struct ckpt_hdr_task_acct, own.times.stime_ns),
		offsetof(struct ckpt_hdr_task_acct, own.runtime_ns),
		offsetof(struct ckpt_hdr_task_acct, own.maxrss),
		offsetof(struct ckpt_hdr_task_acct, shown.utime_ns),
	};
	struct ckpt_victim *v = &self->v;
	struct image image;
	uint64_t bad = -1;
	unsigned int i;
	char *rec;

	ckpt_start(v, "limited", 0);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	rec = image_at(&image, CKPT_HDR_TASK_ACCT, 0);
	ASSERT_TRUE(rec);
	for (i = 0; i < ARRAY_SIZE(changes); i++)
		image_refused(v, &image, rec + changes[i], &bad, sizeof(bad));
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
