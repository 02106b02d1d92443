// SPDX-License-Identifier: GPL-2.0
/*
 * POSIX timers: their ids, what is left of their time, what they send and to
 * whom, and what they have sent already.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define SECOND	1000000000LL
/* How much of the time of a test can pass */
#define SLACK	(CKPT_TEST_S * SECOND)
#define SIG	(SIGRTMIN + 3)

/* As the kernel has them: those of libc are not numbered */
static int make(clockid_t clock, int notify, int sig, pid_t tid)
{
	struct sigevent ev = {
		.sigev_notify = notify, .sigev_signo = sig,
		.sigev_value.sival_int = 4711,
	};
	int id = -1;

	ev._sigev_un._tid = tid;
	if (syscall(SYS_timer_create, clock, &ev, &id))
		return -errno;
	return id;
}

static void set(int id, int flags, int64_t value, int64_t interval)
{
	struct itimerspec spec = {
		.it_value = { value / SECOND, value % SECOND },
		.it_interval = { interval / SECOND, interval % SECOND },
	};

	REQUIRE(!syscall(SYS_timer_settime, id, flags, &spec, NULL));
}

static int64_t left(int id, int64_t *interval)
{
	struct itimerspec spec = { { -1 } };

	CHECK(!syscall(SYS_timer_gettime, id, &spec));
	if (interval)
		*interval = spec.it_interval.tv_sec * SECOND +
			    spec.it_interval.tv_nsec;
	return spec.it_value.tv_sec * SECOND + spec.it_value.tv_nsec;
}

static void drop(int id)
{
	CHECK(!syscall(SYS_timer_delete, id));
}

static void block(int sig)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, sig);
	REQUIRE(!pthread_sigmask(SIG_BLOCK, &mask, NULL));
}

static bool is_pending(int sig)
{
	sigset_t mask;

	return !sigpending(&mask) && sigismember(&mask, sig);
}

/* Take @sig, which must come, or be there, from timer @id. */
static int take(int id, int sig)
{
	struct timespec bound = { .tv_sec = CKPT_WAIT_S };
	siginfo_t info = { 0 };
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, sig);
	CHECK_EQ(sigtimedwait(&mask, &info, &bound), sig);
	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(info.si_timerid, id);
	CHECK_EQ(info.si_value.sival_int, 4711);
	CHECK_EQ(syscall(SYS_timer_getoverrun, id), info.si_overrun);
	return info.si_overrun;
}

static void compute(void)
{
	volatile unsigned int n;

	for (n = 0; n < 1000000; n++)
		;
}

static const clockid_t clocks[] = {
	CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI,
	CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
};

/* Ids with holes between them, and those that come next */
CKPT_TEST(ids_and_time)
{
	int id[2][ARRAY_SIZE(clocks)], i, n;
	int64_t value, interval;

	for (n = 0; n < 2; n++) {
		for (i = 0; i < (int)ARRAY_SIZE(clocks); i++) {
			drop(make(clocks[i], SIGEV_SIGNAL, SIG, 0));
			id[n][i] = make(clocks[i], n ? SIGEV_NONE :
					SIGEV_SIGNAL, SIG, 0);
			CHECK_EQ(id[n][i], 2 * (n * ARRAY_SIZE(clocks) + i) + 1);
			set(id[n][i], 0, (10000 + i) * SECOND, (i + 7) * SECOND);
		}
	}
	ckpt_ready();
	for (n = 0; n < 2; n++) {
		for (i = 0; i < (int)ARRAY_SIZE(clocks); i++) {
			value = left(id[n][i], &interval);
			CHECK(value <= (10000 + i) * SECOND);
			CHECK(value > (10000 + i) * SECOND - SLACK);
			CHECK_EQ(interval, (i + 7) * SECOND);
		}
	}
	CHECK_EQ(make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0),
		 4 * ARRAY_SIZE(clocks));
	CHECK_EQ(syscall(SYS_timer_delete, 0), -1);
}

/* Not set, set and taken back, expired and told */
CKPT_TEST(not_armed)
{
	int never, back, done;

	block(SIG);
	never = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG, 0);
	back = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIG, 0);
	done = make(CLOCK_BOOTTIME, SIGEV_SIGNAL, SIG, 0);
	set(back, 0, 100 * SECOND, SECOND);
	set(back, 0, 0, 0);
	set(done, 0, 1, 0);
	take(done, SIG);
	ckpt_ready();
	CHECK_EQ(left(never, NULL), 0);
	CHECK_EQ(left(back, NULL), 0);
	CHECK_EQ(left(done, NULL), 0);
	CHECK(!is_pending(SIG));
	set(never, 0, 1, 0);
	CHECK_EQ(take(never, SIG), 0);
}

static volatile sig_atomic_t fired, wrong;
static int fires_id;

static void on_timer(int sig, siginfo_t *info, void *context)
{
	fired++;
	wrong |= info->si_code != SI_TIMER || info->si_timerid != fires_id ||
		 info->si_value.sival_int != 4711;
}

static void handle(int sig)
{
	struct sigaction act = { .sa_sigaction = on_timer,
				 .sa_flags = SA_RESTART | SA_SIGINFO };

	REQUIRE(!sigaction(sig, &act, NULL));
}

static void fires(clockid_t clock, int64_t interval)
{
	sig_atomic_t before;

	handle(SIG);
	fires_id = make(clock, SIGEV_SIGNAL, SIG, 0);
	REQUIRE(fires_id >= 0);
	set(fires_id, 0, interval, interval);
	ckpt_ready();
	before = fired;
	/* time of the CPU has to be used up */
	CKPT_WAIT_FOR((compute(), fired > before + 2));
	CHECK(!wrong);
	drop(fires_id);
}

CKPT_TEST(monotonic_fires)
{
	fires(CLOCK_MONOTONIC, SECOND / 20);
}

CKPT_TEST(realtime_fires)
{
	fires(CLOCK_REALTIME, SECOND / 20);
}

CKPT_TEST(process_time_fires)
{
	fires(CLOCK_PROCESS_CPUTIME_ID, SECOND / 50);
}

CKPT_TEST(thread_time_fires)
{
	fires(CLOCK_THREAD_CPUTIME_ID, SECOND / 50);
}

/* It repeats, and its signal is blocked: what it counts comes with it. */
static void overruns(clockid_t clock)
{
	int id = make(clock, SIGEV_SIGNAL, SIG, 0), n;

	block(SIG);
	REQUIRE(id >= 0);
	set(id, 0, SECOND / 100, SECOND / 100);
	CKPT_WAIT_FOR((compute(), is_pending(SIG)));
	ckpt_ready();
	CHECK(is_pending(SIG));
	n = take(id, SIG);
	CHECK(n >= 0);
	CHECK(n < SLACK / (SECOND / 100));
	/* and it goes on */
	CKPT_WAIT_FOR((compute(), is_pending(SIG)));
	take(id, SIG);
}

CKPT_TEST(overrun)
{
	overruns(CLOCK_MONOTONIC);
}

CKPT_TEST(overrun_process_time)
{
	overruns(CLOCK_PROCESS_CPUTIME_ID);
}

/* Some have been counted for long when the signal is taken. */
CKPT_TEST(overrun_seen)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG, 0), seen;
	uint64_t end;

	block(SIG);
	set(id, 0, 1, SECOND / 1000);
	end = ckpt_now() + SECOND / 20;
	while (ckpt_now() < end)
		ckpt_pause();
	seen = take(id, SIG);
	CHECK(seen > 0);
	set(id, 0, 10000 * SECOND, 0);
	drop(make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG, 0));
	ckpt_ready();
	/* set anew, it has none */
	CHECK_EQ(syscall(SYS_timer_getoverrun, id), 0);
}

CKPT_TEST(last_overrun)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG, 0), seen;
	uint64_t end;

	block(SIG);
	set(id, 0, 1, SECOND / 20);
	end = ckpt_now() + SECOND / 4;
	while (ckpt_now() < end)
		ckpt_pause();
	seen = take(id, SIG);
	CHECK(seen > 0);
	/* it is pending again, which has not been told yet */
	CKPT_WAIT_FOR(is_pending(SIG));
	ckpt_ready();
	CHECK_EQ(syscall(SYS_timer_getoverrun, id), seen);
}

/* Once, and it is in the queue: it does not come twice. */
CKPT_TEST(once_and_pending)
{
	int rt = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG, 0);
	int alarm = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGALRM, 0);
	union sigval value = { .sival_int = 5 };
	siginfo_t info;
	sigset_t mask;

	block(SIG);
	block(SIGALRM);
	REQUIRE(!sigqueue(getpid(), SIG, value));
	set(rt, 0, 1, 0);
	set(alarm, 0, 1, 0);
	CKPT_WAIT_FOR(is_pending(SIGALRM));
	REQUIRE(!sigqueue(getpid(), SIG, value));
	ckpt_ready();
	/* in their order */
	sigemptyset(&mask);
	sigaddset(&mask, SIG);
	CHECK_EQ(sigwaitinfo(&mask, &info), SIG);
	CHECK_EQ(info.si_value.sival_int, 5);
	take(rt, SIG);
	CHECK_EQ(sigwaitinfo(&mask, &info), SIG);
	CHECK_EQ(info.si_value.sival_int, 5);
	take(alarm, SIGALRM);
	CHECK(!is_pending(SIG));
	CHECK(!is_pending(SIGALRM));
	CHECK_EQ(left(rt, NULL), 0);
}

/* Its signal is in the queue, and it is none any more. */
CKPT_TEST(deleted_and_pending)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG, 0);
	siginfo_t info;
	sigset_t mask;

	block(SIG);
	set(id, 0, 1, SECOND);
	CKPT_WAIT_FOR(is_pending(SIG));
	drop(id);
	ckpt_ready();
	sigemptyset(&mask);
	sigaddset(&mask, SIG);
	CHECK_EQ(sigwaitinfo(&mask, &info), SIG);
	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(info.si_timerid, id);
	CHECK_EQ(syscall(SYS_timer_delete, id), -1);
}

/* Set anew while its signal is in the queue, which does not set it again */
CKPT_TEST(armed_and_pending)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG, 0);
	int64_t interval;

	block(SIG);
	set(id, 0, 1, SECOND);
	CKPT_WAIT_FOR(is_pending(SIG));
	set(id, 0, 10000 * SECOND, 3 * SECOND);
	ckpt_ready();
	take(id, SIG);
	CHECK(left(id, &interval) > 10000 * SECOND - SLACK);
	CHECK_EQ(interval, 3 * SECOND);
}

/* A time, which comes as the clock has it: soon, and long ago */
CKPT_TEST(time_of_day)
{
	int far = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIG + 1, 0);
	int64_t until;
	struct timespec ts;

	handle(SIG);
	fires_id = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIG, 0);
	REQUIRE(!clock_gettime(CLOCK_REALTIME, &ts));
	until = (ts.tv_sec + 5000) * SECOND;
	set(far, TIMER_ABSTIME, until, 0);
	set(fires_id, TIMER_ABSTIME, ts.tv_sec * SECOND + ts.tv_nsec +
	    SECOND / 5, 0);
	ckpt_ready();
	CHECK(!clock_gettime(CLOCK_REALTIME, &ts));
	CHECK(llabs(left(far, NULL) - (until - ts.tv_sec * SECOND)) <
	      3 * SECOND);
	CKPT_WAIT_FOR(fired);
	CHECK_EQ(fired, 1);
	CHECK(!wrong);
}

/* ---------------------------------------------------------------- threads */

static struct ckpt_gate up, go;
static int thread_timer[3];
static pid_t thread_tid;
static clockid_t thread_clock;

static void *has_timers(void *arg)
{
	int i;

	thread_tid = syscall(SYS_gettid);
	pthread_getcpuclockid(pthread_self(), &thread_clock);
	block(SIG);
	block(SIG + 1);
	thread_timer[0] = make(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIG,
			       thread_tid);
	thread_timer[1] = make(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIG + 1,
			       thread_tid);
	thread_timer[2] = make(thread_clock, SIGEV_SIGNAL, SIG + 2, 0);
	for (i = 0; i < 3; i++)
		REQUIRE(thread_timer[i] >= 0);
	/* in the queue; in the queue, to come again; of its CPU time */
	set(thread_timer[0], 0, 1, 0);
	set(thread_timer[1], 0, SECOND / 20, SECOND / 20);
	set(thread_timer[2], 0, 5000 * SECOND, 0);
	CKPT_WAIT_FOR(is_pending(SIG) && is_pending(SIG + 1));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	take(thread_timer[0], SIG);
	for (i = 0; i < 3; i++)
		take(thread_timer[1], SIG + 1);
	CHECK(left(thread_timer[2], NULL) > 5000 * SECOND - SLACK);
	return NULL;
}

CKPT_TEST(of_a_thread)
{
	pthread_t thread;
	int later, i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	block(SIG);
	block(SIG + 1);
	REQUIRE(!pthread_create(&thread, NULL, has_timers, NULL));
	ckpt_gate_wait(&up);
	/* notifies one thread, about the time of the other */
	later = make(thread_clock, SIGEV_THREAD_ID, SIG + 1, getpid());
	REQUIRE(later >= 0);
	set(later, 0, 7000 * SECOND, 0);
	ckpt_ready();
	/* those for that thread alone are not seen by this one */
	CHECK(!is_pending(SIG));
	CHECK(left(later, NULL) > 7000 * SECOND - SLACK);
	ckpt_gate_open(&go, 1);
	CHECK(!pthread_join(thread, NULL));
	for (i = 0; i < 3; i++)
		drop(thread_timer[i]);
	drop(later);
}

static void *leaves(void *arg)
{
	thread_tid = syscall(SYS_gettid);
	pthread_getcpuclockid(pthread_self(), &thread_clock);
	thread_timer[0] = make(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIG,
			       thread_tid);
	thread_timer[1] = make(thread_clock, SIGEV_SIGNAL, SIG, 0);
	set(thread_timer[0], 0, 10000 * SECOND, 0);
	set(thread_timer[1], 0, 10000 * SECOND, 0);
	return NULL;
}

/* Of one that is gone: nobody will hear of it, but it is there. */
CKPT_TEST(of_a_dead_thread)
{
	pthread_t thread;
	int i;

	REQUIRE(!pthread_create(&thread, NULL, leaves, NULL));
	REQUIRE(!pthread_join(thread, NULL));
	for (i = 0; i < 2; i++)
		REQUIRE(thread_timer[i] >= 0);
	ckpt_ready();
	CHECK(left(thread_timer[0], NULL) > 10000 * SECOND - SLACK);
	CHECK_EQ(left(thread_timer[1], NULL), 0);
	set(thread_timer[0], 0, 1, 0);
	CKPT_WAIT_FOR(!left(thread_timer[0], NULL));
	for (i = 0; i < 2; i++)
		drop(thread_timer[i]);
}

static bool busy = true;

static int uses_time(void *arg)
{
	ckpt_gate_open(&up, 1);
	while (*(volatile bool *)arg)
		compute();
	return 0;
}

/* The time of another process */
CKPT_TEST(of_a_child)
{
	clockid_t clock;
	pid_t pid;
	int id;

	ckpt_gate_init(&up);
	block(SIG);
	pid = ckpt_fork(uses_time, &busy);
	ckpt_gate_wait(&up);
	REQUIRE(!clock_getcpuclockid(pid, &clock));
	id = make(clock, SIGEV_SIGNAL, SIG, 0);
	REQUIRE(id >= 0);
	set(id, 0, SECOND / 50, SECOND / 50);
	CKPT_WAIT_FOR(is_pending(SIG));
	ckpt_ready();
	take(id, SIG);
	take(id, SIG);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	drop(id);
}

static void *computes(void *arg)
{
	pthread_getcpuclockid(pthread_self(), &thread_clock);
	uses_time(&busy);
	return NULL;
}

/* The time of another thread, and a signal that was there before */
CKPT_TEST(of_a_thread_and_pending)
{
	pthread_t thread;
	int own, id, i;

	ckpt_gate_init(&up);
	block(SIG);
	block(SIG + 1);
	REQUIRE(!pthread_create(&thread, NULL, computes, NULL));
	ckpt_gate_wait(&up);
	own = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG, 0);
	id = make(thread_clock, SIGEV_SIGNAL, SIG + 1, 0);
	REQUIRE(own >= 0 && id >= 0);
	set(own, 0, SECOND / 100, SECOND / 100);
	set(id, 0, SECOND / 50, SECOND / 50);
	CKPT_WAIT_FOR(is_pending(SIG) && is_pending(SIG + 1));
	ckpt_ready();
	for (i = 0; i < 3; i++) {
		take(own, SIG);
		take(id, SIG + 1);
	}
	*(volatile bool *)&busy = false;
	REQUIRE(!pthread_join(thread, NULL));
	drop(own);
	drop(id);
}

static int waits(void *arg)
{
	ckpt_gate_wait(&go);
	return 0;
}

/* The time of one that is gone, whose number is still that of its group */
CKPT_TEST(of_a_dead_group_leader)
{
	pid_t leader, member;
	clockid_t clock;
	int id;

	ckpt_gate_init(&go);
	leader = ckpt_fork(waits, NULL);
	member = ckpt_fork(waits, NULL);
	REQUIRE(!setpgid(leader, leader) && !setpgid(member, leader));
	REQUIRE(!clock_getcpuclockid(leader, &clock));
	id = make(clock, SIGEV_SIGNAL, SIG, 0);
	REQUIRE(id >= 0);
	set(id, 0, 10000 * SECOND, 0);
	REQUIRE(!kill(leader, SIGKILL));
	REQUIRE(waitpid(leader, NULL, 0) == leader);
	ckpt_ready();
	CHECK_EQ(left(id, NULL), 0);
	drop(id);
	ckpt_gate_open(&go, 1);
	ckpt_join(member, 0);
}

/* ------------------------------------------------------------------ others */

CKPT_TEST(alarm_clocks)
{
	static const clockid_t alarms[] = {
		CLOCK_BOOTTIME_ALARM, CLOCK_REALTIME_ALARM,
	};
	int id[2], i;

	block(SIG);
	for (i = 0; i < 2; i++) {
		id[i] = make(alarms[i], SIGEV_SIGNAL, SIG, 0);
		if (id[i] < 0)
			ckpt_skip("timer_create(CLOCK_*_ALARM): %s",
				  strerror(-id[i]));
		set(id[i], 0, 10000 * SECOND, SECOND / 10);
	}
	ckpt_ready();
	for (i = 0; i < 2; i++) {
		CHECK(left(id[i], NULL) > 10000 * SECOND - SLACK);
		set(id[i], 0, 1, 0);
		take(id[i], SIG);
	}
}

CKPT_TEST(many)
{
	int id[600], i;

	for (i = 0; i < 600; i++) {
		id[i] = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG, 0);
		REQUIRE(id[i] == i);
		set(id[i], 0, (i + 5000) * SECOND, i);
	}
	ckpt_ready();
	for (i = 0; i < 600; i++) {
		int64_t interval;

		CHECK(llabs(left(id[i], &interval) - (i + 5000) * SECOND) <
		      SLACK);
		CHECK_EQ(interval, i);
	}
}

static int lives_later(void *arg)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG, 0);
	int early = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG + 1, 0);
	struct timespec ts;
	int64_t until;

	block(SIG);
	block(SIG + 1);
	/* before the machine was started, and over and over again */
	set(early, TIMER_ABSTIME, SECOND, SECOND);
	CKPT_WAIT_FOR(is_pending(SIG + 1));
	REQUIRE(!clock_gettime(CLOCK_MONOTONIC, &ts));
	CHECK(ts.tv_sec > 800000);
	until = (ts.tv_sec + 5000) * SECOND;
	set(id, TIMER_ABSTIME, until, 0);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(!clock_gettime(CLOCK_MONOTONIC, &ts));
	CHECK(llabs(left(id, NULL) - (until - ts.tv_sec * SECOND)) < 2 * SECOND);
	set(id, TIMER_ABSTIME, (ts.tv_sec + 1) * SECOND, 0);
	take(id, SIG);
	take(early, SIG + 1);
	take(early, SIG + 1);
	return 0;
}

/* Whose clocks are not those of the machine, here or there */
CKPT_TEST(in_a_time_namespace)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_new_time("monotonic 864000 0\n");
	ckpt_ready_beside(lives_later, NULL, &up, &go);
}

CKPT_VICTIM(has_timers)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIG, 0);
	int cpu = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIG, 0);

	block(SIG);
	set(id, 0, 1, 50 * SECOND);
	CKPT_WAIT_FOR(is_pending(SIG));
	set(cpu, 0, 5000 * SECOND, 0);
	ckpt_ready();
	take(id, SIG);
	CHECK(left(cpu, NULL) > 5000 * SECOND - SLACK);
}

#define FIELD(which, name, to)						\
	{ which, offsetof(struct ckpt_posix_timer, name),		\
	  sizeof(((struct ckpt_posix_timer *)0)->name), to }

/* Timers that no task can have, or would be armed twice */
DRIVER_TEST(hostile)
{
	static const struct {
		int which;
		size_t offset, size;
		int64_t to;
	} changes[] = {
		FIELD(0, id, 0x80000000), FIELD(0, id, 1), FIELD(1, id, 0),
		FIELD(0, clockid, 2), FIELD(0, clockid, 5),
		FIELD(0, clockid, 77), FIELD(0, clockid, -3),
		FIELD(0, clockid, -6), FIELD(1, clockid, -5),
		FIELD(1, clockid, -14), FIELD(1, clockid, CLOCK_MONOTONIC),
		FIELD(0, flags, 0x20), FIELD(0, flags, 0), FIELD(1, flags, 2),
		FIELD(0, flags, CKPT_TIMER_SET | CKPT_TIMER_ARMED |
			CKPT_TIMER_PENDING),
		FIELD(0, flags, CKPT_TIMER_SET | CKPT_TIMER_CLOCK |
			CKPT_TIMER_PENDING),
		FIELD(0, flags, CKPT_TIMER_PENDING),
		FIELD(0, notify, 3), FIELD(0, notify, 4), FIELD(0, notify, 5),
		FIELD(0, notify, SIGEV_NONE),
		FIELD(0, signo, 0), FIELD(0, signo, 65),
		FIELD(0, sig_private, 2), FIELD(1, sig_private, 1),
		FIELD(1, sig_overrun, 1), FIELD(1, requeue, 1),
		FIELD(0, value_ns, INT64_MIN), FIELD(1, value_ns, -1),
		FIELD(1, value_ns, 0), FIELD(0, interval_ns, -1),
		FIELD(0, overrun, -2), FIELD(0, overrun_last, -2),
		FIELD(0, pid, 1), FIELD(0, dead_pid, 1),
		FIELD(0, clock_pid, 1), FIELD(1, clock_pid, 0),
		FIELD(1, clock_pid, 0x7fffffff), FIELD(1, dead_clock_pid, 1),
	};
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_task_timers *h;
	struct image image;
	unsigned int i;

	ckpt_start(v, "has_timers", 0);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	h = image_at(&image, CKPT_HDR_TASK_TIMERS, 0);
	ASSERT_TRUE(h);
	for (i = 0; i < ARRAY_SIZE(changes); i++)
		image_refused(v, &image, (char *)&h->timers[changes[i].which] +
			      changes[i].offset, &changes[i].to,
			      changes[i].size);
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
