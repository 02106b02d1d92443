// SPDX-License-Identifier: GPL-2.0
/*
 * What a program asked for a mapping, and what that does later: seals,
 * protection keys, merging by KSM, no gain of execution, NUMA policy.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef SYS_mseal
#define SYS_mseal	462
#endif

#define PAGE	4096UL

static char *map_rw(size_t len)
{
	char *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(mem != MAP_FAILED);
	return mem;
}

CKPT_TEST(sealed)
{
	char *mem = map_rw(4 * PAGE);
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	char *file;

	REQUIRE(fd >= 0 && !ftruncate(fd, PAGE));
	file = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	REQUIRE(file != MAP_FAILED);
	ckpt_fill(mem, 4 * PAGE, 1);
	REQUIRE(!mprotect(mem + 2 * PAGE, PAGE, PROT_READ));
	if (syscall(SYS_mseal, mem, 3 * PAGE, 0))
		ckpt_skip("mseal: %m");
	REQUIRE(!syscall(SYS_mseal, file, PAGE, 0));
	ckpt_ready();
	CHECK(ckpt_filled(mem, 4 * PAGE, 1));
	mem[0] = 'x';
	CHECK_EQ(munmap(mem, PAGE), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(mprotect(mem + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(munmap(file, PAGE), -1);
	CHECK(!munmap(mem + 3 * PAGE, PAGE));
}

CKPT_TEST(protection_key)
{
	int denied = pkey_alloc(0, PKEY_DISABLE_ACCESS), free, next;
	char *mem = map_rw(2 * PAGE);

	if (denied < 0)
		ckpt_skip("pkey_alloc: %m");
	free = pkey_alloc(0, 0);
	REQUIRE(free >= 0);
	ckpt_fill(mem, 2 * PAGE, 1);
	REQUIRE(!pkey_mprotect(mem, PAGE, PROT_READ | PROT_WRITE, denied));
	REQUIRE(!pkey_mprotect(mem + PAGE, PAGE, PROT_READ | PROT_WRITE, free));
	ckpt_ready();
	CHECK_EQ(pkey_get(denied), PKEY_DISABLE_ACCESS);
	CHECK_EQ(pkey_get(free), 0);
	CHECK_EQ(ckpt_fault(mem + PAGE, true), 0);
	CHECK(!pkey_set(denied, PKEY_DISABLE_WRITE));
	CHECK_EQ(mem[0], *(volatile char *)mem);
	CHECK(!pkey_set(denied, 0));
	CHECK(ckpt_filled(mem, PAGE, 1));
	/* Both are in use. */
	next = pkey_alloc(0, 0);
	CHECK(next != denied && next != free);
}

/* A page that KSM has merged, until it is written to */
CKPT_TEST(merged)
{
	char *mem = map_rw(64 * PAGE);
	size_t i;

	ckpt_write_file("/sys/kernel/mm/ksm/sleep_millisecs", "1");
	ckpt_write_file("/sys/kernel/mm/ksm/pages_to_scan", "1000");
	if (ckpt_write_file("/sys/kernel/mm/ksm/run", "1"))
		ckpt_skip("no KSM");
	for (i = 0; i < 64; i++)
		ckpt_fill(mem + i * PAGE, PAGE, 1);
	if (madvise(mem, 64 * PAGE, MADV_MERGEABLE))
		ckpt_skip("MADV_MERGEABLE: %m");
	CKPT_WAIT_FOR(({
		char buf[64];

		ckpt_read_file("/sys/kernel/mm/ksm/pages_sharing", buf,
			       sizeof(buf)) > 0 && atoi(buf) >= 32;
	}));
	ckpt_ready();
	for (i = 0; i < 64; i++)
		CHECK(ckpt_filled(mem + i * PAGE, PAGE, 1));
	mem[5 * PAGE] ^= 1;
	CHECK(ckpt_filled(mem + 4 * PAGE, PAGE, 1));
	CHECK(ckpt_filled(mem + 6 * PAGE, PAGE, 1));
	ckpt_write_file("/sys/kernel/mm/ksm/run", "0");
}

/* Pages of zeros that KSM has dropped, and that hide what a file has */
CKPT_TEST(merged_zeros)
{
	int fd = open("full", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	char buf[64 * PAGE], zeros[PAGE] = "", *mem;
	size_t i;

	ckpt_write_file("/sys/kernel/mm/ksm/sleep_millisecs", "1");
	ckpt_write_file("/sys/kernel/mm/ksm/pages_to_scan", "1000");
	if (ckpt_write_file("/sys/kernel/mm/ksm/use_zero_pages", "1") ||
	    ckpt_write_file("/sys/kernel/mm/ksm/run", "1"))
		ckpt_skip("no KSM");
	memset(buf, 'f', sizeof(buf));
	REQUIRE(write(fd, buf, sizeof(buf)) == sizeof(buf));
	mem = mmap(NULL, sizeof(buf), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
		   0);
	REQUIRE(mem != MAP_FAILED);
	memset(mem + PAGE, 0, sizeof(buf) - PAGE);
	if (madvise(mem, sizeof(buf), MADV_MERGEABLE))
		ckpt_skip("MADV_MERGEABLE: %m");
	CKPT_WAIT_FOR(({
		char text[256], *at;

		ckpt_read_file("/proc/self/ksm_stat", text, sizeof(text)) > 0 &&
		(at = strstr(text, "ksm_zero_pages ")) &&
		atoi(at + strlen("ksm_zero_pages ")) == 63;
	}));
	ckpt_ready();
	CHECK_EQ(mem[0], 'f');
	for (i = 1; i < 64; i++)
		CHECK(!memcmp(mem + i * PAGE, zeros, PAGE));
	ckpt_write_file("/sys/kernel/mm/ksm/use_zero_pages", "0");
	ckpt_write_file("/sys/kernel/mm/ksm/run", "0");
}

/* What is mapped later may be merged, too. */
CKPT_TEST(merges_any)
{
	if (prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0))
		ckpt_skip("PR_SET_MEMORY_MERGE: %m");
	ckpt_ready();
	CHECK_EQ(prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0), 1);
	CHECK(!prctl(PR_SET_MEMORY_MERGE, 0, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0), 0);
}

static void no_exec_gain(unsigned long flags)
{
	char *mem = map_rw(PAGE), *code;

	code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(code != MAP_FAILED);
	if (prctl(PR_SET_MDWE, flags, 0, 0, 0))
		ckpt_skip("PR_SET_MDWE: %m");
	ckpt_ready();
	CHECK_EQ(prctl(PR_GET_MDWE, 0, 0, 0, 0), flags);
	CHECK(mprotect(mem, PAGE, PROT_READ | PROT_EXEC));
	CHECK_EQ(errno, EACCES);
	CHECK(!mprotect(code, PAGE, PROT_READ));
	CHECK(prctl(PR_SET_MDWE, 0, 0, 0, 0));
}

CKPT_TEST(no_gain_of_execution)
{
	no_exec_gain(PR_MDWE_REFUSE_EXEC_GAIN);
}

static int may_gain(void *arg)
{
	CHECK_EQ(prctl(PR_GET_MDWE, 0, 0, 0, 0), 0);
	return 0;
}

CKPT_TEST(no_gain_of_execution_not_inherited)
{
	no_exec_gain(PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT);
	ckpt_join(ckpt_fork(may_gain, NULL), 0);
}

/* A file that is larger than what is mapped, and one that was cut since */
CKPT_TEST(other_sizes)
{
	int large = open("large", O_RDWR | O_CREAT, 0600);
	int cut = open("cut", O_RDWR | O_CREAT, 0600);
	char *mem, *end;

	REQUIRE(large >= 0 && !ftruncate(large, 1024 * PAGE));
	REQUIRE(cut >= 0 && !ftruncate(cut, 8 * PAGE));
	mem = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, large,
		   512 * PAGE);
	end = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, cut, 0);
	REQUIRE(mem != MAP_FAILED && end != MAP_FAILED);
	REQUIRE(pwrite(large, "x", 1, 513 * PAGE) == 1);
	mem[0] = 'y';
	memset(end, 'z', 2 * PAGE);
	REQUIRE(!ftruncate(cut, PAGE));
	ckpt_ready();
	CHECK_EQ(mem[0], 'y');
	CHECK_EQ(mem[PAGE], 'x');
	CHECK_EQ(end[0], 'z');
	CHECK_EQ(ckpt_fault(end + PAGE, false), SIGBUS);
	CHECK(!ftruncate(cut, 2 * PAGE));
	CHECK_EQ(ckpt_fault(end + PAGE, false), 0);
}

static pthread_barrier_t barrier;

static void check_policy(void *addr, int mode, unsigned long nodes)
{
	unsigned long seen[16] = {};
	int got = -1;

	CHECK(!syscall(SYS_get_mempolicy, &got, seen, 1024UL, addr,
		       addr ? MPOL_F_ADDR : 0));
	CHECK_EQ(got, mode);
	CHECK_EQ(seen[0], nodes);
}

static void *other_policy(void *arg)
{
	unsigned long nodes = 1;

	REQUIRE(!syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &nodes, 64UL));
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	check_policy(NULL, MPOL_INTERLEAVE, 1);
	return NULL;
}

CKPT_TEST(numa_policy)
{
	char *mem = map_rw(8 * PAGE), *shared;
	unsigned long nodes = 1;
	pthread_t thread;

	if (syscall(SYS_set_mempolicy, MPOL_BIND | MPOL_F_STATIC_NODES, &nodes,
		    64UL))
		ckpt_skip("set_mempolicy: %m");
	shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	REQUIRE(!syscall(SYS_mbind, mem, 2 * PAGE, MPOL_PREFERRED, &nodes, 64UL,
			 0));
	REQUIRE(!syscall(SYS_mbind, mem + 4 * PAGE, 2 * PAGE, MPOL_LOCAL, NULL,
			 0UL, 0));
	REQUIRE(!syscall(SYS_mbind, shared, 2 * PAGE, MPOL_INTERLEAVE, &nodes,
			 64UL, 0));
	ckpt_fill(mem, 8 * PAGE, 1);
	REQUIRE(!pthread_barrier_init(&barrier, NULL, 2));
	REQUIRE(!pthread_create(&thread, NULL, other_policy, NULL));
	pthread_barrier_wait(&barrier);
	ckpt_ready();
	CHECK(ckpt_filled(mem, 8 * PAGE, 1));
	check_policy(NULL, MPOL_BIND | MPOL_F_STATIC_NODES, 1);
	check_policy(mem, MPOL_PREFERRED, 1);
	check_policy(mem + 4 * PAGE, MPOL_LOCAL, 0);
	check_policy(mem + 6 * PAGE, MPOL_DEFAULT, 0);
	check_policy(shared, MPOL_INTERLEAVE, 1);
	pthread_barrier_wait(&barrier);
	CHECK(!pthread_join(thread, NULL));
}

/* The first one is that of the process itself. */
DRIVER_TEST(numa_policy_of_an_image)
{
	static const uint64_t absent = 1ULL << 40, none;
	static const uint32_t modes[] = { MPOL_DEFAULT, MPOL_LOCAL, 99 };
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_mempolicy *policy;
	struct image image;
	unsigned int i;

	ckpt_start(v, "numa_policy", 0);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	policy = image_at(&image, CKPT_HDR_MEMPOLICY, 0);
	ASSERT_NE(NULL, policy);
	ASSERT_EQ(MPOL_BIND, policy->mode);
	ASSERT_EQ(sizeof(*policy) + sizeof(absent), policy->h.len);
	EXPECT_EQ(1, policy->nodes[0]);
	image_refused(v, &image, &policy->nodes[0], &absent, sizeof(absent));
	image_refused(v, &image, &policy->nodes[0], &none, sizeof(none));
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		image_refused(v, &image, &policy->mode, &modes[i],
			      sizeof(modes[i]));
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
