// SPDX-License-Identifier: GPL-2.0
/*
 * Futexes that more is known of than who waits: those that inherit priority,
 * held and waited for, and those whose waiters were, or will be, moved to
 * another one.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define WAITERS		3

static struct ckpt_gate up, go;

/**
 * struct shared - what the waiters have in common, in several processes, too
 * @mutex: it inherits priority
 * @taken: how often a waiter has had it
 * @tid: of the waiters
 */
struct shared {
	pthread_mutex_t mutex;
	atomic_int taken;
	atomic_int tid[WAITERS];
};

static struct shared *shared;

static void make_shared(int pshared)
{
	pthread_mutexattr_t attr;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	pthread_mutexattr_init(&attr);
	REQUIRE(!pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
	REQUIRE(!pthread_mutexattr_setpshared(&attr, pshared));
	REQUIRE(!pthread_mutex_init(&shared->mutex, &attr));
}

static void *takes(void *arg)
{
	long i = (long)arg;

	shared->tid[i] = syscall(SYS_gettid);
	CHECK(!pthread_mutex_lock(&shared->mutex));
	atomic_fetch_add(&shared->taken, 1);
	CHECK(!pthread_mutex_unlock(&shared->mutex));
	return NULL;
}

/* The field "priority" of /proc/PID/stat */
static int priority(void)
{
	char path[64], buf[512], *p;
	int prio = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/stat",
		 syscall(SYS_gettid));
	REQUIRE(ckpt_read_file(path, buf, sizeof(buf)) > 0);
	p = strrchr(buf, ')');
	REQUIRE(p);
	REQUIRE(sscanf(p + 2, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d",
		       &prio) == 1);
	return prio;
}

CKPT_TEST(inherits_priority)
{
	struct sched_param fifo = { .sched_priority = 10 };
	pthread_t thread[WAITERS];
	pthread_attr_t attr;
	bool boosted;
	long i;

	make_shared(PTHREAD_PROCESS_PRIVATE);
	REQUIRE(!pthread_mutex_lock(&shared->mutex));
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &fifo);
	for (i = 0; i < WAITERS; i++) {
		REQUIRE(!pthread_create(&thread[i], i ? NULL : &attr, takes,
					(void *)i));
		CKPT_WAIT_FOR(shared->tid[i]);
		ckpt_wait_blocked(getpid(), shared->tid[i], SYS_futex);
	}
	boosted = priority() == -11;
	ckpt_ready();
	CHECK_EQ(shared->taken, 0);
	if (boosted)
		CKPT_WAIT_FOR(priority() == -11);
	CHECK_EQ(pthread_mutex_trylock(&shared->mutex), EBUSY);
	CHECK(!pthread_mutex_unlock(&shared->mutex));
	for (i = 0; i < WAITERS; i++)
		pthread_join(thread[i], NULL);
	CHECK_EQ(shared->taken, WAITERS);
	CHECK(priority() != -11);
}

static int takes_in_child(void *arg)
{
	takes(arg);
	return 0;
}

/* Held by one process, and waited for by others; then by these */
CKPT_TEST(between_processes)
{
	pid_t pid[WAITERS];
	long i;

	make_shared(PTHREAD_PROCESS_SHARED);
	REQUIRE(!pthread_mutex_lock(&shared->mutex));
	for (i = 0; i < WAITERS; i++) {
		pid[i] = ckpt_fork(takes_in_child, (void *)i);
		ckpt_wait_blocked(pid[i], pid[i], SYS_futex);
	}
	ckpt_ready();
	CHECK_EQ(shared->taken, 0);
	CHECK(!pthread_mutex_unlock(&shared->mutex));
	for (i = 0; i < WAITERS; i++)
		ckpt_join(pid[i], 0);
	CHECK_EQ(shared->taken, WAITERS);
	CHECK(!pthread_mutex_lock(&shared->mutex));
}

/* ---------------------------------------------------------------- requeue */

static atomic_int cond, lock, other, done, waiting;

static long futex(atomic_int *addr, int op, int val, long val2, void *addr2,
		  int val3)
{
	return syscall(SYS_futex, addr, op | FUTEX_PRIVATE_FLAG, val, val2,
		       addr2, val3);
}

static void *waits_requeue_pi(void *arg)
{
	int tid = syscall(SYS_gettid);
	long ret;

	waiting = tid;
	ret = futex(&cond, FUTEX_WAIT_REQUEUE_PI, 0, 0, &lock, 0);
	CHECK_EQ(ret, 0);
	/* it has been given the lock */
	CHECK_EQ(lock & FUTEX_TID_MASK, tid);
	done = 1;
	CHECK_EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, 0, NULL, 0), 0);
	return NULL;
}

/* One that waits to be moved to a lock that inherits priority */
CKPT_TEST(to_be_requeued)
{
	pthread_t thread;

	if (futex(&lock, FUTEX_LOCK_PI, 0, 0, NULL, 0))
		ckpt_skip("FUTEX_LOCK_PI: %m");
	REQUIRE(!pthread_create(&thread, NULL, waits_requeue_pi, NULL));
	CKPT_WAIT_FOR(waiting);
	ckpt_wait_blocked(getpid(), waiting, SYS_futex);
	ckpt_ready();
	CHECK_EQ(done, 0);
	/* the thread may be on its way back to where it waits */
	CKPT_WAIT_FOR(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, INT_MAX, &lock,
			    0) == 1);
	CHECK_EQ(done, 0);
	CHECK_EQ(futex(&lock, FUTEX_UNLOCK_PI, 0, 0, NULL, 0), 0);
	pthread_join(thread, NULL);
	CHECK_EQ(done, 1);
}

static void *waits(void *arg)
{
	waiting = syscall(SYS_gettid);
	while (!done)
		futex(&cond, FUTEX_WAIT, 0, 0, NULL, 0);
	return NULL;
}

/*
 * One that was moved: as after a signal, it waits again where it had begun to,
 * and finds a value that has changed.
 */
CKPT_TEST(requeued)
{
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, waits, NULL));
	CKPT_WAIT_FOR(waiting);
	ckpt_wait_blocked(getpid(), waiting, SYS_futex);
	REQUIRE(futex(&cond, FUTEX_CMP_REQUEUE, 0, 1, &other, 0) == 1);
	ckpt_ready();
	done = 1;
	cond = 1;
	futex(&cond, FUTEX_WAKE, INT_MAX, 0, NULL, 0);
	futex(&other, FUTEX_WAKE, INT_MAX, 0, NULL, 0);
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
