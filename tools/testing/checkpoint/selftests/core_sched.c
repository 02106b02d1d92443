// SPDX-License-Identifier: GPL-2.0
/*
 * Core scheduling: who has the same cookie.
 *
 * guest: --smp 2,threads=2
 */
#include "libckpttest.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE		62
#define PR_SCHED_CORE_GET	0
#define PR_SCHED_CORE_CREATE	1
#define PR_SCHED_CORE_SHARE_TO	2
#define PR_SCHED_CORE_SHARE_FROM 3
#endif

/* enum pid_type of the kernel */
#define THREAD	0
#define GROUP	1

static struct ckpt_gate up, go;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

static void create(void)
{
	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, GROUP, 0))
		ckpt_skip("PR_SCHED_CORE_CREATE: %m");
}

/* What stands for the cookie of a thread, 0 for none */
static uint64_t cookie(pid_t tid)
{
	uint64_t id = ~0ULL;

	CHECK(!prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, tid, THREAD, &id));
	return id;
}

CKPT_TEST(of_one)
{
	create();
	ckpt_ready();
	CHECK(cookie(0));
	CHECK(!prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, THREAD, 0));
	CHECK(cookie(0));
}

static int waits(void *arg)
{
	if (arg)
		create();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 0;
}

static int ends(void *arg)
{
	return 7;
}

static void *thread_waits(void *arg)
{
	if (arg)
		REQUIRE(!prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, THREAD,
			       0));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return NULL;
}

/* Tasks with none, with the same one, with one of their own; a zombie */
CKPT_TEST(of_processes)
{
	pid_t none, same, own, zombie;

	gates();
	none = ckpt_fork(waits, NULL);
	create();
	same = ckpt_fork(waits, NULL);
	own = ckpt_fork(waits, "own");
	zombie = ckpt_fork(ends, NULL);
	ckpt_wait_state(zombie, 'Z');
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK(cookie(0));
	CHECK_EQ(cookie(none), 0);
	CHECK_EQ(cookie(same), cookie(0));
	CHECK(cookie(own));
	CHECK(cookie(own) != cookie(0));
	/* and what is forked has it */
	ckpt_join(zombie, 7);
	zombie = ckpt_fork(waits, NULL);
	ckpt_gate_wait(&up);
	CHECK_EQ(cookie(zombie), cookie(0));
	ckpt_gate_open(&go, 4);
	ckpt_join(none, 0);
	ckpt_join(same, 0);
	ckpt_join(own, 0);
	ckpt_join(zombie, 0);
}

/**
 * struct who - a thread of the test
 * @tid: its id
 * @own: not NULL: it has a cookie of its own
 */
struct who {
	pid_t tid;
	void *own;
};

static void *says_who(void *arg)
{
	struct who *who = arg;

	who->tid = syscall(SYS_gettid);
	return thread_waits(who->own);
}

CKPT_TEST(of_threads)
{
	struct who who[3] = { { .own = "own" } };
	pthread_t thread[3];
	int i;

	gates();
	create();
	for (i = 0; i < 3; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, says_who, &who[i]));
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK(cookie(0));
	CHECK(cookie(who[0].tid));
	CHECK(cookie(who[0].tid) != cookie(0));
	CHECK_EQ(cookie(who[1].tid), cookie(0));
	CHECK_EQ(cookie(who[2].tid), cookie(0));
	ckpt_gate_open(&go, 3);
	for (i = 0; i < 3; i++)
		CHECK(!pthread_join(thread[i], NULL));
}

static int leader_is_dead(void *arg)
{
	pthread_t thread;

	create();
	REQUIRE(!pthread_create(&thread, NULL, thread_waits, "own"));
	syscall(SYS_exit, 0);
	return 1;
}

/* Two cookies: that of the leader, and that of the thread which lives. */
CKPT_TEST(of_a_dead_leader)
{
	pid_t pid;

	gates();
	create();
	pid = ckpt_fork(leader_is_dead, NULL);
	ckpt_gate_wait(&up);
	ckpt_wait_state(pid, 'Z');
	ckpt_ready();
	CHECK(cookie(0));
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

CKPT_VICTIM(shares)
{
	create();
	ckpt_ready();
	CHECK(cookie(0));
}

/* A container does not take the cookie of somebody outside with it. */
DRIVER_TEST(shared_with_the_outside)
{
	struct ckpt_victim *v = &self->v;
	int in[2], out[2];
	pid_t pid;
	char c;

	ckpt_start(v, "shares", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ASSERT_EQ(0, pipe(in));
	ASSERT_EQ(0, pipe(out));
	pid = fork();
	if (!pid) {
		if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_FROM, v->pid,
			  THREAD, 0) || write(in[1], "", 1) != 1)
			_exit(1);
		_exit(read(out[0], &c, 1) != 1);
	}
	ASSERT_EQ(1, read(in[0], &c, 1));
	EXPECT_EQ(-EBUSY, ckpt_checkpoint(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "cookie: 2 uses, 1 of them in the tree"))
		TH_LOG("%s", v->log);
	ASSERT_EQ(1, write(out[1], "", 1));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

CKPT_VICTIM(has_none)
{
	ckpt_ready();
}

/* Who has one cannot make tasks that have none. */
DRIVER_TEST(of_the_caller)
{
	struct ckpt_victim *v = &self->v;

	ckpt_start(v, "has_none", 0);
	ckpt_checkpoint_kill(v);
	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, THREAD, 0))
		SKIP(return, "PR_SCHED_CORE_CREATE: %m");
	EXPECT_EQ(-EPERM, ckpt_restart(v, 0)) TH_LOG("%s", v->log);
	EXPECT_TRUE(ckpt_logged(v, "the caller of restart has a core"));
}

TEST_HARNESS_MAIN
