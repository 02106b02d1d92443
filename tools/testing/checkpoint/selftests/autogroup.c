// SPDX-License-Identifier: GPL-2.0
/*
 * Autogroups: which processes share one, and its nice value.
 */
#include "libckpttest.h"

#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ckpt_gate up, go;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

static void wait_here(void)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
}

/* The autogroup of a process, with its nice value; false if it has none */
static bool look(pid_t pid, long *id, int *nice)
{
	char path[64], buf[64];

	snprintf(path, sizeof(path), "/proc/%d/autogroup", pid);
	return ckpt_read_file(path, buf, sizeof(buf)) > 0 &&
	       sscanf(buf, "/autogroup-%ld nice %d", id, nice) == 2;
}

static long id_of(pid_t pid)
{
	int nice;
	long id;

	if (look(pid, &id, &nice))
		return id;
	CHECK(!"it is in an autogroup");
	return -1;
}

static int nice_of(pid_t pid)
{
	int nice;
	long id;

	if (look(pid, &id, &nice))
		return nice;
	CHECK(!"it is in an autogroup");
	return 99;
}

/* false if the kernel has no autogroups */
static bool set_nice(pid_t pid, const char *nice)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/autogroup", pid);
	return !ckpt_write_file(path, nice);
}

static void need_nice(const char *nice)
{
	if (!set_nice(getpid(), nice))
		ckpt_skip("/proc/self/autogroup: %m");
}

CKPT_TEST(nice_of_a_session)
{
	need_nice("7");
	ckpt_ready();
	CHECK_EQ(nice_of(getpid()), 7);
	/* and it can be changed */
	CHECK(set_nice(getpid(), "-3"));
	CHECK_EQ(nice_of(getpid()), -3);
}

CKPT_TEST(nice_below_zero)
{
	need_nice("-20");
	ckpt_ready();
	CHECK_EQ(nice_of(getpid()), -20);
}

CKPT_TEST(nice_of_none)
{
	need_nice("0");
	ckpt_ready();
	CHECK_EQ(nice_of(getpid()), 0);
}

static int stays(void *arg)
{
	wait_here();
	return 0;
}

static int leads(void *arg)
{
	REQUIRE(setsid() > 0);
	REQUIRE(set_nice(getpid(), arg));
	wait_here();
	return 0;
}

static int ends(void *arg)
{
	return 7;
}

/* Those of the same session, sessions of their own, a zombie */
CKPT_TEST(of_processes)
{
	pid_t same, own, other, zombie;

	gates();
	need_nice("3");
	same = ckpt_fork(stays, NULL);
	own = ckpt_fork(leads, "5");
	other = ckpt_fork(leads, "-9");
	zombie = ckpt_fork(ends, NULL);
	ckpt_wait_state(zombie, 'Z');
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(id_of(same), id_of(getpid()));
	CHECK(id_of(own) != id_of(getpid()));
	CHECK(id_of(other) != id_of(getpid()));
	CHECK(id_of(other) != id_of(own));
	CHECK_EQ(nice_of(getpid()), 3);
	CHECK_EQ(nice_of(own), 5);
	CHECK_EQ(nice_of(other), -9);
	/* it is one and the same */
	CHECK(set_nice(same, "4"));
	CHECK_EQ(nice_of(getpid()), 4);
	/* and what is forked is in it */
	ckpt_join(zombie, 7);
	zombie = ckpt_fork(stays, NULL);
	ckpt_gate_wait(&up);
	CHECK_EQ(id_of(zombie), id_of(getpid()));
	ckpt_gate_open(&go, 4);
	ckpt_join(same, 0);
	ckpt_join(own, 0);
	ckpt_join(other, 0);
	ckpt_join(zombie, 0);
}

static pid_t *left;

/* A session with two processes that outlive its leader */
static int leaves_two(void *arg)
{
	REQUIRE(setsid() > 0);
	REQUIRE(set_nice(getpid(), "11"));
	left[0] = ckpt_fork(stays, NULL);
	left[1] = ckpt_fork(stays, NULL);
	return 0;
}

CKPT_TEST(of_a_leader_that_is_gone)
{
	pid_t *shared;

	gates();
	need_nice("2");
	REQUIRE(!prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	left = shared;
	ckpt_join(ckpt_fork(leaves_two, NULL), 0);
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(id_of(left[0]), id_of(left[1]));
	CHECK(id_of(left[0]) != id_of(getpid()));
	CHECK_EQ(nice_of(left[0]), 11);
	CHECK_EQ(nice_of(getpid()), 2);
	ckpt_gate_open(&go, 2);
	ckpt_join(left[0], 0);
	ckpt_join(left[1], 0);
}

static void *thread_stays(void *arg)
{
	wait_here();
	return NULL;
}

static int leader_is_dead(void *arg)
{
	pthread_t thread;

	REQUIRE(setsid() > 0);
	REQUIRE(set_nice(getpid(), "6"));
	REQUIRE(!pthread_create(&thread, NULL, thread_stays, NULL));
	syscall(SYS_exit, 0);
	return 1;
}

/* The first thread has exited: the process is in it all the same. */
CKPT_TEST(of_threads)
{
	pid_t pid;

	gates();
	need_nice("1");
	pid = ckpt_fork(leader_is_dead, NULL);
	ckpt_gate_wait(&up);
	ckpt_wait_state(pid, 'Z');
	ckpt_ready();
	CHECK_EQ(nice_of(pid), 6);
	CHECK_EQ(nice_of(getpid()), 1);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

CKPT_VICTIM(is_in_that_of_the_driver)
{
	pid_t own;

	gates();
	own = ckpt_fork(leads, "8");
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(id_of(getpid()), id_of(getppid()));
	CHECK(id_of(own) != id_of(getpid()));
	CHECK_EQ(nice_of(own), 8);
	ckpt_gate_open(&go, 1);
	ckpt_join(own, 0);
}

/* One that somebody outside is in stays that, whatever its nice value is. */
DRIVER_TEST(of_the_outside)
{
	struct ckpt_victim *v = &self->v;

	/* one of its own: the harness may be in none */
	setsid();
	if (!set_nice(getpid(), "9"))
		SKIP(return, "/proc/self/autogroup: %m");
	ckpt_start(v, "is_in_that_of_the_driver", CKPT_SAME_SESSION);
	EXPECT_EQ(9, nice_of(v->pid));
	ckpt_checkpoint_kill(v);
	ASSERT_TRUE(set_nice(getpid(), "10"));
	ASSERT_LT(0, ckpt_restart(v, 0)) TH_LOG("%s", v->log);
	EXPECT_EQ(id_of(getpid()), id_of(v->pid));
	EXPECT_EQ(10, nice_of(v->pid));
	ckpt_finish(v);
}

CKPT_VICTIM(leads_two)
{
	pid_t own;

	gates();
	need_nice("-1");
	own = ckpt_fork(leads, "-2");
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(nice_of(getpid()), -1);
	CHECK_EQ(nice_of(own), -2);
	ckpt_gate_open(&go, 1);
	ckpt_join(own, 0);
}

/* Who may not set it by hand may not do so by a restart. */
DRIVER_TEST(permission)
{
	struct ckpt_victim *v = &self->v;
	struct rlimit old, limit = { .rlim_cur = 22, .rlim_max = 40 };
	long ret;

	ckpt_start(v, "leads_two", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	ckpt_caps_drop(1ULL << CAP_SYS_NICE);
	ret = ckpt_restart(v, 0);
	ckpt_caps_back();
	EXPECT_EQ(-EPERM, ret);
	EXPECT_TRUE(ckpt_logged(v, "autogroup with nice -1: you may not"))
		TH_LOG("%s", v->log);
	/* with this limit -2 is allowed; each is set after a while */
	ASSERT_EQ(0, getrlimit(RLIMIT_NICE, &old));
	ASSERT_EQ(0, setrlimit(RLIMIT_NICE, &limit));
	ckpt_caps_drop(1ULL << CAP_SYS_NICE | 1ULL << CAP_SYS_ADMIN);
	ret = ckpt_restart(v, 0);
	ckpt_caps_back();
	ASSERT_EQ(0, setrlimit(RLIMIT_NICE, &old));
	ASSERT_LT(0, ret) TH_LOG("%s", v->log);
	ckpt_finish(v);
}

DRIVER_TEST(hostile)
{
	struct ckpt_hdr_autogroup *h;
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_task_sched *s;
	const uint32_t bad[] = { 20, -21, INT32_MAX, INT32_MIN };
	struct image image, copy;
	unsigned int i;

	ckpt_start(v, "leads_two", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	h = image_at(&image, CKPT_HDR_AUTOGROUP, 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		image_refused(v, &image, &h->nice, &bad[i], sizeof(bad[i]));
	image_refused(v, &image, &h->reserved, &bad[0], sizeof(bad[0]));
	s = image_at(&image, CKPT_HDR_TASK_SCHED, 0);
	/* there is none of that number, and one of another kind */
	image_refused(v, &image, &s->autogroup, &bad[2], sizeof(bad[2]));
	i = ((struct ckpt_hdr_task_ref *)
	     image_at(&image, CKPT_HDR_TASK_FS, 0))->objref;
	image_refused(v, &image, &s->autogroup, &i, sizeof(i));
	/* what is changed to one that there is, both are in */
	image_copy(&copy, &image);
	s = image_at(&copy, CKPT_HDR_TASK_SCHED, 1);
	s->autogroup = ((struct ckpt_hdr_task_sched *)
			image_at(&copy, CKPT_HDR_TASK_SCHED, 0))->autogroup;
	ASSERT_LT(0, image_restart(v, &copy)) TH_LOG("%s", v->log);
	EXPECT_EQ(-1, nice_of(v->pid));
	ckpt_kill(v);
	image_free(&copy);
	image_restart_finish(v, &image);
}

CKPT_VICTIM(has_a_thread)
{
	pthread_t thread;

	gates();
	need_nice("12");
	REQUIRE(!pthread_create(&thread, NULL, thread_stays, NULL));
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(nice_of(getpid()), 12);
	ckpt_gate_open(&go, 1);
	CHECK(!pthread_join(thread, NULL));
}

/* A thread has none of its own. */
DRIVER_TEST(of_a_thread)
{
	struct ckpt_hdr_task_sched *process, *thread;
	struct ckpt_victim *v = &self->v;
	struct image image;

	ckpt_start(v, "has_a_thread", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	process = image_at(&image, CKPT_HDR_TASK_SCHED, 0);
	thread = image_at(&image, CKPT_HDR_TASK_SCHED, 1);
	ASSERT_NE(0, process->autogroup);
	ASSERT_EQ(0, thread->autogroup);
	image_refused(v, &image, &thread->autogroup, &process->autogroup,
		      sizeof(thread->autogroup));
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
