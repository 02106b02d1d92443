// SPDX-License-Identifier: GPL-2.0
/*
 * Huge pages of 1 GiB: private and shared, of a memfd, with little in them.
 *
 * To clear one takes seconds where each byte of that is emulated, so let the
 * kernel do it by words.
 *
 * guest: --mem 6144 --cpu max,-erms --append 'hugepagesz=1G hugepages=2'
 */
#include "libckpttest.h"

#include <errno.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MB	(1024UL * 1024)
#define PAGE	4096UL
#define GIANT	(1024 * MB)
#define POOL	"/sys/kernel/mm/hugepages/hugepages-1048576kB/"

#ifndef MAP_HUGE_1GB
#define MAP_HUGE_1GB	(30 << 26)
#endif
#ifndef MFD_HUGE_1GB
#define MFD_HUGE_1GB	(30U << 26)
#endif

static long pool(const char *name)
{
	char path[128], buf[32];

	snprintf(path, sizeof(path), POOL "%s", name);
	return ckpt_read_file(path, buf, sizeof(buf)) > 0 ? atol(buf) : 0;
}

static char *map_giant(size_t len, int flags)
{
	char *mem;

	if (pool("nr_hugepages") < 2)
		ckpt_skip("there are no pages of 1 GiB");
	mem = mmap(NULL, len, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS |
		   MAP_HUGETLB | MAP_HUGE_1GB, -1, 0);
	REQUIRE(mem != MAP_FAILED);
	return mem;
}

/*
 * What is in a page: runs of several records, one that begins and one that ends
 * with it, and small pages one by one.
 */
static void fill(char *mem, uint64_t seed)
{
	size_t i;

	ckpt_fill(mem, 2 * PAGE, seed);
	ckpt_fill(mem + 100 * MB + PAGE, 9 * MB, seed + 1);
	for (i = 0; i < 1500; i++)
		ckpt_fill(mem + 200 * MB + 3 * i * PAGE, 64, seed + i);
	ckpt_fill(mem + GIANT - MB, MB, seed + 2);
}

static bool is_zero(const char *mem, size_t len)
{
	return !mem[0] && !memcmp(mem, mem + 1, len - 1);
}

static void check(const char *mem, uint64_t seed)
{
	bool same = true;
	size_t i;

	CHECK(ckpt_filled(mem, 2 * PAGE, seed));
	CHECK(is_zero(mem + 2 * PAGE, 2 * MB));
	CHECK(ckpt_filled(mem + 100 * MB + PAGE, 9 * MB, seed + 1));
	CHECK(is_zero(mem + 109 * MB + PAGE, MB));
	for (i = 0; i < 1500; i++)
		same &= ckpt_filled(mem + 200 * MB + 3 * i * PAGE, 64,
				    seed + i) &&
			is_zero(mem + 200 * MB + 3 * i * PAGE + 64,
				3 * PAGE - 64);
	CHECK(same);
	CHECK(is_zero(mem + GIANT - 2 * MB, MB));
	CHECK(ckpt_filled(mem + GIANT - MB, MB, seed + 2));
}

/* Both of them, the second one without anything in it */
CKPT_TEST_ONLY(private, 0)
{
	char *mem = map_giant(2 * GIANT, MAP_PRIVATE);

	fill(mem, 1);
	ckpt_ready();
	check(mem, 1);
	/* what nobody has written to is free still */
	CHECK_EQ(pool("free_hugepages"), 1);
	mem[GIANT + MB] = 'x';
	CHECK_EQ(pool("free_hugepages"), 0);
	CHECK_EQ(mem[GIANT], 0);
	CHECK(!munmap(mem, GIANT));
	CHECK_EQ(pool("free_hugepages"), 1);
	CHECK_EQ(ckpt_fault(mem, false), SIGSEGV);
}

static struct ckpt_gate up, go;

static int writes(void *arg)
{
	char *mem = arg;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(mem[GIANT + 5 * MB], 'x');
	mem[GIANT + 7 * MB] = 'y';
	return 0;
}

/* A page that has nothing but zeros is there all the same. */
CKPT_TEST_ONLY(shared, CKPT_CONTAINER)
{
	char *mem = map_giant(2 * GIANT, MAP_SHARED);
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	fill(mem, 10);
	mem[GIANT + PAGE] = 0;
	REQUIRE(pool("free_hugepages") == 0);
	pid = ckpt_fork(writes, mem);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(pool("free_hugepages"), 0);
	check(mem, 10);
	mem[GIANT + 5 * MB] = 'x';
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK_EQ(mem[GIANT + 7 * MB], 'y');
	CHECK(is_zero(mem + GIANT, 5 * MB));
}

/* With a hole, and a private mapping that has a page of its own */
CKPT_TEST_ONLY(memfd, 0)
{
	char *mem, *own;
	struct stat st;
	int fd;

	if (pool("nr_hugepages") < 2)
		ckpt_skip("there are no pages of 1 GiB");
	fd = memfd_create("giant", MFD_HUGETLB | MFD_HUGE_1GB);
	REQUIRE(fd >= 0);
	REQUIRE(!ftruncate(fd, 3 * GIANT));
	mem = mmap(NULL, GIANT, PROT_READ | PROT_WRITE,
		   MAP_SHARED, fd, GIANT);
	REQUIRE(mem != MAP_FAILED);
	own = mmap(NULL, GIANT, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_NORESERVE, fd, GIANT);
	REQUIRE(own != MAP_FAILED);
	fill(mem, 20);
	CHECK_EQ(own[0], mem[0]);
	ckpt_ready();
	check(mem, 20);
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_size, 3 * GIANT);
	CHECK_EQ(st.st_blocks, GIANT / 512);
	CHECK_EQ(st.st_blksize, GIANT);
	CHECK_EQ(pool("free_hugepages"), 1);
	mem[MB] = 'z';
	CHECK_EQ(own[MB], 'z');
	own[MB] = 'o';
	CHECK_EQ(mem[MB], 'z');
	CHECK_EQ(pool("free_hugepages"), 0);
}

CKPT_VICTIM(has_little)
{
	char *mem = map_giant(GIANT, MAP_SHARED);

	mem[300 * MB] = 'a';
	ckpt_ready();
	CHECK_EQ(mem[300 * MB], 'a');
	CHECK(is_zero(mem, 300 * MB));
}

/* Pages of zeros are not in the image. */
DRIVER_TEST(image_is_small)
{
	struct ckpt_victim *v = &self->v;
	struct stat st;

	ckpt_start(v, "has_little", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	ASSERT_EQ(0, fstat(v->image, &st));
	EXPECT_GT(4 * MB, (unsigned long)st.st_size);
	ckpt_restart_finish(v);
}

CKPT_VICTIM(takes_one)
{
	char *mem = map_giant(GIANT, MAP_PRIVATE);

	mem[0] = 'p';
	ckpt_ready();
	CHECK_EQ(mem[0], 'p');
}

/* Where there are none the restart says so, and is undone. */
DRIVER_TEST(none_left)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_world world;
	char *mem;
	long ret;

	ckpt_start(v, "takes_one", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	mem = mmap(NULL, 2 * GIANT, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		   MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_1GB, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	ckpt_world_take(&world);
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOMEM, ret) TH_LOG("%ld: %s", ret, v->log);
	ckpt_world_expect(&world, 4 * MB / 1024);
	ASSERT_EQ(0, munmap(mem, 2 * GIANT));
	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
