// SPDX-License-Identifier: GPL-2.0
/*
 * Resource limits, also those that what the process has exceeds already: they
 * must not keep it from being restored.
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define MB	(1024UL * 1024)

CKPT_TEST(all)
{
	struct rlimit set[RLIM_NLIMITS], now;
	int i;

	for (i = 0; i < RLIM_NLIMITS; i++) {
		REQUIRE(!getrlimit(i, &set[i]));
		if (i == RLIMIT_NOFILE)
			set[i].rlim_cur = 512;
		else if (set[i].rlim_max == RLIM_INFINITY)
			set[i].rlim_max = 4096 * MB + i;
		if (i != RLIMIT_NOFILE && set[i].rlim_max > MB)
			set[i].rlim_cur = set[i].rlim_max - 1;
		REQUIRE(!setrlimit(i, &set[i]));
	}
	ckpt_ready();
	for (i = 0; i < RLIM_NLIMITS; i++) {
		CHECK(!getrlimit(i, &now));
		CHECK_EQ(now.rlim_cur, set[i].rlim_cur);
		CHECK_EQ(now.rlim_max, set[i].rlim_max);
	}
}

static void lower(int which, rlim_t to)
{
	struct rlimit lim = { to, to };

	REQUIRE(!setrlimit(which, &lim));
}

CKPT_TEST(address_space_exceeded)
{
	char *mem = mmap(NULL, 16 * MB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(mem != MAP_FAILED);
	ckpt_fill(mem, MB, 1);
	lower(RLIMIT_AS, MB);
	lower(RLIMIT_DATA, MB / 2);
	lower(RLIMIT_STACK, 8192);
	ckpt_ready();
	CHECK(ckpt_filled(mem, MB, 1));
	CHECK(mmap(NULL, MB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	      MAP_FAILED);
}

CKPT_TEST(descriptors_exceeded)
{
	int fd = open("/dev/null", O_RDONLY);

	REQUIRE(dup2(fd, 400) == 400);
	lower(RLIMIT_NOFILE, 10);
	ckpt_ready();
	CHECK_EQ(fcntl(400, F_GETFD), 0);
	CHECK_EQ(dup2(fd, 11), -1);
}

CKPT_TEST(locked_memory_exceeded)
{
	char *mem = mmap(NULL, MB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(mem != MAP_FAILED);
	ckpt_fill(mem, MB, 2);
	REQUIRE(!mlock(mem, MB));
	lower(RLIMIT_MEMLOCK, 4096);
	ckpt_ready();
	CHECK(ckpt_filled(mem, MB, 2));
}

CKPT_TEST(pending_signals_exceeded)
{
	union sigval value;
	siginfo_t info;
	sigset_t set;
	int i;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (i = 0; i < 20; i++) {
		value.sival_int = i;
		REQUIRE(!sigqueue(getpid(), SIGRTMIN, value));
	}
	lower(RLIMIT_SIGPENDING, 5);
	ckpt_ready();
	for (i = 0; i < 20; i++) {
		CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
		CHECK_EQ(info.si_value.sival_int, i);
	}
}

static struct ckpt_gate up, go, end;

static int waits(void *arg)
{
	ckpt_gate_wait(&go);
	return 0;
}

/* Of a user who has more processes than that */
CKPT_TEST(processes_exceeded)
{
	pid_t pid[4];
	int i;

	ckpt_gate_init(&go);
	REQUIRE(!setgid(7001) && !setuid(7001));
	for (i = 0; i < 4; i++)
		pid[i] = ckpt_fork(waits, NULL);
	lower(RLIMIT_NPROC, 2);
	ckpt_ready();
	CHECK_EQ(fork(), -1);
	ckpt_gate_open(&go, 4);
	for (i = 0; i < 4; i++)
		ckpt_join(pid[i], 0);
}

static int execs(void *arg)
{
	lower(RLIMIT_NPROC, 0);
	REQUIRE(!setgid(7002) && !setuid(7002));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(execl("/proc/self/exe", "exe", NULL), -1);
	CHECK_EQ(errno, EAGAIN);
	return 0;
}

static int other_user(void *arg)
{
	REQUIRE(!setgid(7002) && !setuid(7002));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&end);
	return 0;
}

/* setuid(2) lets it pass, and the next exec does not. */
CKPT_TEST(processes_exceeded_by_setuid)
{
	pid_t pid[2];

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_gate_init(&end);
	pid[0] = ckpt_fork(other_user, NULL);
	ckpt_gate_wait(&up);
	pid[1] = ckpt_fork(execs, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid[1], 0);
	ckpt_gate_open(&end, 1);
	ckpt_join(pid[0], 0);
}

CKPT_TEST(no_file_may_grow)
{
	int fd = open("a", O_RDWR | O_CREAT, 0600);

	signal(SIGXFSZ, SIG_IGN);
	REQUIRE(fd >= 0 && write(fd, "x", 1) == 1);
	lower(RLIMIT_FSIZE, 0);
	ckpt_ready();
	CHECK_EQ(write(fd, "x", 1), -1);
	CHECK_EQ(errno, EFBIG);
}

/* Not a limit, but how much a process is to be spared */
CKPT_TEST(oom_score)
{
	char buf[16];

	REQUIRE(!ckpt_write_file("/proc/self/oom_score_adj", "345"));
	ckpt_ready();
	CHECK(ckpt_read_file("/proc/self/oom_score_adj", buf, sizeof(buf)) > 0);
	CHECK_EQ(atoi(buf), 345);
}

TEST_HARNESS_MAIN
