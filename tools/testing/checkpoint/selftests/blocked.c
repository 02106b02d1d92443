// SPDX-License-Identifier: GPL-2.0
/*
 * System calls that a process waits in: it waits on after the restart, for
 * what it waited for, and no longer than it wanted to.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#define SECOND	1000000000LL

static int pipe_fd[2];
static uint64_t started;

static void set_up(void)
{
	REQUIRE(!pipe(pipe_fd));
	started = ckpt_now();
}

/* Run @fn in a child until it is in the call @nr, then be checkpointed. */
static pid_t wait_in(int (*fn)(void *), long nr)
{
	pid_t pid;

	set_up();
	pid = ckpt_fork(fn, NULL);
	ckpt_wait_blocked(pid, pid, nr);
	ckpt_ready();
	return pid;
}

static int reads(void *arg)
{
	char c = 0;

	CHECK_EQ(read(pipe_fd[0], &c, 1), 1);
	return c;
}

CKPT_TEST(in_read)
{
	pid_t pid = wait_in(reads, SYS_read);

	CHECK_EQ(write(pipe_fd[1], "\7", 1), 1);
	ckpt_join(pid, 7);
}

static int sleeps(void *arg)
{
	struct timespec ts = { 2, 500000000 };

	CHECK(!syscall(SYS_nanosleep, &ts, NULL));
	CHECK(ckpt_now() - started >= 2500000000ULL);
	return 0;
}

CKPT_TEST(in_nanosleep)
{
	ckpt_join(wait_in(sleeps, SYS_nanosleep), 0);
}

static int sleeps_until(void *arg)
{
	struct timespec ts;

	CHECK(!clock_gettime(CLOCK_MONOTONIC, &ts));
	/* not over before the last round */
	ts.tv_sec += 3 * ckpt_rounds();
	CHECK(!syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &ts,
		       NULL));
	CHECK(ckpt_now() >= (uint64_t)(ts.tv_sec * SECOND + ts.tv_nsec));
	return 0;
}

CKPT_TEST(in_absolute_sleep)
{
	ckpt_join(wait_in(sleeps_until, SYS_clock_nanosleep), 0);
}

static volatile int interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

/* Tells how much was left, to where it was asked to. */
static int sleeps_until_signal(void *arg)
{
	struct timespec ts = { 5000, 0 }, left = { 0 };

	signal(SIGUSR1, on_signal);
	CHECK_EQ(syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, &ts, &left), -1);
	CHECK_EQ(errno, EINTR);
	CHECK(left.tv_sec > 4000 && left.tv_sec <= 5000);
	return 0;
}

CKPT_TEST(in_sleep_then_signal)
{
	pid_t pid = wait_in(sleeps_until_signal, SYS_clock_nanosleep);

	kill(pid, SIGUSR1);
	ckpt_join(pid, 0);
}

static int polls_for_ever(void *arg)
{
	struct pollfd pfd = { .fd = pipe_fd[0], .events = POLLIN };

	CHECK_EQ(poll(&pfd, 1, -1), 1);
	CHECK_EQ(pfd.revents, POLLIN);
	return 0;
}

CKPT_TEST(in_poll)
{
	pid_t pid = wait_in(polls_for_ever, SYS_poll);

	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	ckpt_join(pid, 0);
}

static int polls_with_timeout(void *arg)
{
	struct pollfd pfd = { .fd = pipe_fd[0], .events = POLLIN };

	CHECK_EQ(poll(&pfd, 1, 2500), 0);
	CHECK(ckpt_now() - started >= 2490000000ULL);
	return 0;
}

CKPT_TEST(in_poll_until_timeout)
{
	ckpt_join(wait_in(polls_with_timeout, SYS_poll), 0);
}

static int selects(void *arg)
{
	struct timespec ts = { 2, 500000000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipe_fd[0], &set);
	CHECK_EQ(pselect(pipe_fd[0] + 1, &set, NULL, NULL, &ts, NULL), 0);
	CHECK(ckpt_now() - started >= 2490000000ULL);
	return 0;
}

CKPT_TEST(in_select_until_timeout)
{
	ckpt_join(wait_in(selects, SYS_pselect6), 0);
}

static int selects_for_ever(void *arg)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipe_fd[0], &set);
	CHECK_EQ(select(pipe_fd[0] + 1, &set, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(pipe_fd[0], &set));
	return 0;
}

CKPT_TEST(in_select)
{
	pid_t pid = wait_in(selects_for_ever, -1);

	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	ckpt_join(pid, 0);
}

static uint32_t *word;

static int waits_for_futex(void *arg)
{
	while (!__atomic_load_n(word, __ATOMIC_SEQ_CST)) {
		long ret = syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL);

		CHECK(!ret || errno == EAGAIN);
	}
	return 0;
}

CKPT_TEST(in_futex)
{
	pid_t pid;

	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(word != MAP_FAILED);
	pid = wait_in(waits_for_futex, SYS_futex);
	__atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX);
	ckpt_join(pid, 0);
}

static int waits_for_futex_and_time(void *arg)
{
	struct timespec ts = { 2, 500000000 };
	uint32_t zero = 0;

	CHECK_EQ(syscall(SYS_futex, &zero, FUTEX_WAIT_PRIVATE, 0, &ts), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	CHECK(ckpt_now() - started >= 2490000000ULL);
	return 0;
}

CKPT_TEST(in_futex_until_timeout)
{
	ckpt_join(wait_in(waits_for_futex_and_time, SYS_futex), 0);
}

static int waits_for_bits(void *arg)
{
	struct timespec ts;
	uint32_t zero = 0;

	CHECK(!clock_gettime(CLOCK_MONOTONIC, &ts));
	ts.tv_sec += 3 * ckpt_rounds();
	CHECK_EQ(syscall(SYS_futex, &zero, FUTEX_WAIT_BITSET_PRIVATE, 0, &ts,
			 NULL, 0x10), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	CHECK(ckpt_now() >= (uint64_t)(ts.tv_sec * SECOND + ts.tv_nsec));
	return 0;
}

CKPT_TEST(in_futex_bitset_until_time)
{
	ckpt_join(wait_in(waits_for_bits, SYS_futex), 0);
}

static struct ckpt_gate go;

static int exits_later(void *arg)
{
	ckpt_gate_wait(&go);
	return 13;
}

static int waits_for_child(void *arg)
{
	ckpt_join(ckpt_fork(exits_later, NULL), 13);
	return 0;
}

CKPT_TEST(in_wait)
{
	pid_t pid;

	ckpt_gate_init(&go);
	pid = wait_in(waits_for_child, SYS_wait4);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

static int pauses(void *arg)
{
	signal(SIGUSR1, on_signal);
	CHECK_EQ(pause(), -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(interrupted, SIGUSR1);
	return 0;
}

CKPT_TEST(in_pause)
{
	pid_t pid = wait_in(pauses, -1);

	kill(pid, SIGUSR1);
	ckpt_join(pid, 0);
}

/* ------------------------------------------------- what libc makes of it */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t sem;
static volatile int turn, count;
static volatile pid_t tids[4];

static void announce(void *arg)
{
	tids[(intptr_t)arg] = syscall(SYS_gettid);
}

static void *locks(void *arg)
{
	announce(arg);
	pthread_mutex_lock(&mutex);
	count++;
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void *waits_on_cond(void *arg)
{
	announce(arg);
	pthread_mutex_lock(&mutex);
	while (turn != (intptr_t)arg)
		pthread_cond_wait(&cond, &mutex);
	turn++;
	count++;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void *waits_on_sem(void *arg)
{
	announce(arg);
	sem_wait(&sem);
	__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *read_locks(void *arg)
{
	announce(arg);
	pthread_rwlock_rdlock(&rwlock);
	__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
	pthread_rwlock_unlock(&rwlock);
	return NULL;
}

static void *waits_at_barrier(void *arg)
{
	announce(arg);
	pthread_barrier_wait(&barrier);
	__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Four threads wait in a futex; whatever @release does lets all go on. */
static void four(void *(*fn)(void *), void (*release)(void))
{
	pthread_t thread[4];
	intptr_t i;

	for (i = 0; i < 4; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, fn, (void *)i));
	for (i = 0; i < 4; i++) {
		CKPT_WAIT_FOR(tids[i]);
		ckpt_wait_blocked(getpid(), tids[i], SYS_futex);
	}
	ckpt_ready();
	CHECK_EQ(count, 0);
	release();
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	CHECK_EQ(count, 4);
}

static void unlock_mutex(void)
{
	pthread_mutex_unlock(&mutex);
}

CKPT_TEST(mutex)
{
	pthread_mutex_lock(&mutex);
	four(locks, unlock_mutex);
}

/* Of which the kernel keeps the owner by its thread id */
CKPT_TEST(mutex_with_inheritance)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&mutex, &attr);
	pthread_mutex_lock(&mutex);
	four(locks, unlock_mutex);
}

static void start_turns(void)
{
	pthread_mutex_lock(&mutex);
	turn = 0;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
}

CKPT_TEST(condition)
{
	turn = -1;
	four(waits_on_cond, start_turns);
}

static void post_four(void)
{
	int i;

	for (i = 0; i < 4; i++)
		sem_post(&sem);
}

CKPT_TEST(semaphore)
{
	sem_init(&sem, 0, 0);
	four(waits_on_sem, post_four);
}

static void unlock_rwlock(void)
{
	pthread_rwlock_unlock(&rwlock);
}

CKPT_TEST(rwlock)
{
	pthread_rwlock_wrlock(&rwlock);
	four(read_locks, unlock_rwlock);
}

static void reach_barrier(void)
{
	pthread_barrier_wait(&barrier);
}

CKPT_TEST(barrier)
{
	pthread_barrier_init(&barrier, NULL, 5);
	four(waits_at_barrier, reach_barrier);
}

TEST_HARNESS_MAIN
