// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel knows of an address space beside its mappings: arguments,
 * environment, auxiliary vector, executable, and the vdso.
 */
#include "libckpttest.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

extern char **environ;

CKPT_TEST(auxiliary_vector)
{
	static const unsigned long types[] = {
		AT_PHDR, AT_ENTRY, AT_SYSINFO_EHDR, AT_RANDOM, AT_PLATFORM,
		AT_EXECFN, AT_HWCAP, AT_HWCAP2, AT_PAGESZ, AT_CLKTCK,
	};
	char before[4096], after[4096], random[16];
	unsigned long value[ARRAY_SIZE(types)];
	ssize_t n = ckpt_read_file("/proc/self/auxv", before, sizeof(before));
	unsigned int i;

	REQUIRE(n > 0);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		value[i] = getauxval(types[i]);
	memcpy(random, (void *)getauxval(AT_RANDOM), sizeof(random));
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(types); i++)
		CHECK_EQ(getauxval(types[i]), value[i]);
	CHECK(!memcmp(random, (void *)getauxval(AT_RANDOM), sizeof(random)));
	CHECK_EQ(ckpt_read_file("/proc/self/auxv", after, sizeof(after)), n);
	CHECK(!memcmp(before, after, n));
}

CKPT_TEST(arguments_and_environment)
{
	char cmdline[4096], env[4096], now[4096];
	ssize_t nr_cmd, nr_env;

	nr_cmd = ckpt_read_file("/proc/self/cmdline", cmdline, sizeof(cmdline));
	nr_env = ckpt_read_file("/proc/self/environ", env, sizeof(env));
	REQUIRE(nr_cmd > 0 && nr_env > 0);
	ckpt_ready();
	CHECK(!strcmp(getenv("CKPT_TEST"), "arguments_and_environment"));
	CHECK_EQ(ckpt_read_file("/proc/self/cmdline", now, sizeof(now)), nr_cmd);
	CHECK(!memcmp(cmdline, now, nr_cmd));
	CHECK_EQ(ckpt_read_file("/proc/self/environ", now, sizeof(now)), nr_env);
	CHECK(!memcmp(env, now, nr_env));
	/* It is the memory that is shown, not a copy. */
	environ[0][0] = 'X';
	CHECK(ckpt_read_file("/proc/self/environ", now, sizeof(now)) > 0);
	CHECK_EQ(now[0], 'X');
}

/* As setproctitle() does: the arguments lie elsewhere. */
CKPT_TEST(moved_arguments)
{
	/* The kernel shows it only of anonymous memory. */
	size_t size = getpagesize();
	char *title = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long at = (uintptr_t)title;
	char now[256];

	REQUIRE(title != MAP_FAILED);
	strcpy(title, "another title");
	if (prctl(PR_SET_MM, PR_SET_MM_ARG_START, at, 0, 0) ||
	    prctl(PR_SET_MM, PR_SET_MM_ARG_END, at + size, 0, 0)) {
		/* In the other order where the old end is below. */
		if (prctl(PR_SET_MM, PR_SET_MM_ARG_END, at + size, 0,
			  0) ||
		    prctl(PR_SET_MM, PR_SET_MM_ARG_START, at, 0, 0))
			ckpt_skip("PR_SET_MM: %m");
	}
	ckpt_ready();
	CHECK(ckpt_read_file("/proc/self/cmdline", now, sizeof(now)) > 0);
	CHECK(!strcmp(now, "another title"));
}

CKPT_TEST(executable_link)
{
	char before[256] = "", after[256] = "";

	REQUIRE(readlink("/proc/self/exe", before, sizeof(before) - 1) > 0);
	ckpt_ready();
	CHECK(readlink("/proc/self/exe", after, sizeof(after) - 1) > 0);
	CHECK(!strcmp(before, after));
}

static void *vdso_symbol(const char *name)
{
	return ckpt_elf_symbol((void *)getauxval(AT_SYSINFO_EHDR), name);
}

static int64_t ns(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000LL + ts->tv_nsec;
}

/* By function pointers that were taken before */
CKPT_TEST(vdso)
{
	int (*gettime)(clockid_t id, struct timespec *ts);
	int (*gettimeofday_fn)(struct timeval *tv, void *zone);
	long (*getcpu_fn)(unsigned int *cpu, unsigned int *node, void *unused);
	struct timespec before, fast, raw, after;
	struct timeval tv;
	unsigned int cpu;

	gettime = vdso_symbol("__vdso_clock_gettime");
	gettimeofday_fn = vdso_symbol("__vdso_gettimeofday");
	getcpu_fn = vdso_symbol("__vdso_getcpu");
	if (!gettime || !gettimeofday_fn || !getcpu_fn)
		ckpt_skip("the vdso has other functions");
	CHECK(!gettime(CLOCK_MONOTONIC, &before));
	ckpt_ready();
	CHECK(!syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &raw));
	CHECK(!gettime(CLOCK_MONOTONIC, &fast));
	CHECK(!syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &after));
	CHECK(ns(&before) <= ns(&raw));
	CHECK(ns(&raw) <= ns(&fast));
	CHECK(ns(&fast) <= ns(&after));
	CHECK(!syscall(SYS_clock_gettime, CLOCK_REALTIME, &raw));
	CHECK(!gettimeofday_fn(&tv, NULL));
	CHECK(tv.tv_sec - raw.tv_sec <= 1 && tv.tv_sec >= raw.tv_sec);
	CHECK(!getcpu_fn(&cpu, NULL, NULL));
	CHECK(cpu < CPU_SETSIZE);
	CHECK(!clock_gettime(CLOCK_BOOTTIME, &raw));
}

/* prctl(PR_SET_MM_MAP_SIZE) and others show the bounds only in /proc. */
CKPT_TEST(transparent_huge_pages_disabled)
{
	REQUIRE(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	ckpt_ready();
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
}

CKPT_TEST(core_filter)
{
	char buf[32];

	REQUIRE(!ckpt_write_file("/proc/self/coredump_filter", "0x1a"));
	ckpt_ready();
	CHECK(ckpt_read_file("/proc/self/coredump_filter", buf,
			     sizeof(buf)) > 0);
	CHECK_EQ(strtoul(buf, NULL, 16), 0x1a);
}

TEST_HARNESS_MAIN
