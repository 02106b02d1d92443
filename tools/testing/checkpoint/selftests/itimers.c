// SPDX-License-Identifier: GPL-2.0
/* Interval timers: time that is left, intervals, and that they fire. */
#include "libckpttest.h"

#include <signal.h>
#include <sys/time.h>

static int64_t us(struct timeval *tv)
{
	return tv->tv_sec * 1000000LL + tv->tv_usec;
}

/*
 * Seconds that are far more than the test may take: time goes on for them
 * only while the process lives.
 */
CKPT_TEST(time_left)
{
	static const int which[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
	struct itimerval set, before[3], now;
	int i;

	for (i = 0; i < 3; i++) {
		set.it_value = (struct timeval){ 10000 * (i + 1), 0 };
		set.it_interval = (struct timeval){ 50 * (i + 1), 1000 * i };
		REQUIRE(!setitimer(which[i], &set, NULL));
		REQUIRE(!getitimer(which[i], &before[i]));
	}
	ckpt_ready();
	for (i = 0; i < 3; i++) {
		CHECK(!getitimer(which[i], &now));
		CHECK(us(&now.it_value) <= us(&before[i].it_value));
		CHECK(us(&now.it_value) > us(&before[i].it_value) -
					  1000 * 1000000LL);
		CHECK_EQ(us(&now.it_interval), us(&before[i].it_interval));
	}
}

static volatile sig_atomic_t fired[65];

static void on_signal(int sig)
{
	fired[sig]++;
}

static void fires(int which, int sig)
{
	struct itimerval set = {
		.it_value = { 0, 100000 },
		.it_interval = { 0, 100000 },
	};
	struct sigaction act = { .sa_handler = on_signal,
				 .sa_flags = SA_RESTART };
	volatile unsigned long n = 0;
	sig_atomic_t before;
	uint64_t end;

	REQUIRE(!sigaction(sig, &act, NULL));
	REQUIRE(!setitimer(which, &set, NULL));
	ckpt_ready();
	before = fired[sig];
	/*
	 * Two of them count only the time that is spent computing, as sampled
	 * at each tick: who sleeps between the ticks is never seen to compute.
	 */
	end = ckpt_now() + CKPT_WAIT_S * 1000000000ULL;
	while (fired[sig] <= before + 2 && ckpt_now() < end)
		n++;
	CHECK(fired[sig] > before + 2);
}

CKPT_TEST(real_fires)
{
	fires(ITIMER_REAL, SIGALRM);
}

CKPT_TEST(virtual_fires)
{
	fires(ITIMER_VIRTUAL, SIGVTALRM);
}

CKPT_TEST(prof_fires)
{
	fires(ITIMER_PROF, SIGPROF);
}

/* It expired, and its signal was taken: it is not armed again. */
CKPT_TEST(expired)
{
	struct itimerval now;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ualarm(1000, 0);
	REQUIRE(!sigwait(&set, &sig));
	ckpt_ready();
	CHECK(!getitimer(ITIMER_REAL, &now));
	CHECK_EQ(us(&now.it_value), 0);
	sigpending(&set);
	CHECK(!sigismember(&set, SIGALRM));
	CHECK_EQ(alarm(0), 0);
}

/* It expired while its signal is blocked. */
CKPT_TEST(pending)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ualarm(1000, 0);
	CKPT_WAIT_FOR(!sigpending(&set) && sigismember(&set, SIGALRM));
	ckpt_ready();
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGALRM);
	CHECK_EQ(info.si_code, SI_KERNEL);
}

TEST_HARNESS_MAIN
