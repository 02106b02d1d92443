// SPDX-License-Identifier: GPL-2.0
/*
 * Shared anonymous memory: what one process writes after the restart, the
 * other one reads.
 */
#include "libckpttest.h"

#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGES	64

static struct ckpt_gate up, go;
static size_t page;

static char *map(size_t pages)
{
	char *mem;

	page = getpagesize();
	mem = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(mem != MAP_FAILED);
	return mem;
}

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

static int echo(void *arg)
{
	char *mem = arg;

	ckpt_fill(mem + page, page, 2);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem, page, 1));
	CHECK(ckpt_filled(mem + 2 * page, page, 3));
	ckpt_fill(mem + 3 * page, page, 4);
	return 0;
}

CKPT_TEST(parent_and_child)
{
	char *mem = map(PAGES);
	pid_t pid;

	gates();
	ckpt_fill(mem, page, 1);
	pid = ckpt_fork(echo, mem);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK(ckpt_filled(mem + page, page, 2));
	ckpt_fill(mem + 2 * page, page, 3);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK(ckpt_filled(mem + 3 * page, page, 4));
	/* Never touched by anybody */
	CHECK_EQ(mem[40 * page], 0);
}

/* Only a part of it is mapped in either, and another part in each. */
static int has_the_end(void *arg)
{
	char *mem = arg;

	REQUIRE(!munmap(mem, 32 * page));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem + 40 * page, page, 5));
	ckpt_fill(mem + 41 * page, page, 6);
	CHECK_EQ(ckpt_fault(mem, false), SIGSEGV);
	return 0;
}

CKPT_TEST(parts)
{
	char *mem = map(PAGES);
	pid_t pid;

	gates();
	pid = ckpt_fork(has_the_end, mem);
	ckpt_gate_wait(&up);
	ckpt_fill(mem + 10 * page, page, 7);
	ckpt_fill(mem + 60 * page, page, 8);
	REQUIRE(!munmap(mem + 50 * page, 14 * page));
	REQUIRE(!mprotect(mem + 10 * page, page, PROT_READ));
	ckpt_ready();
	CHECK(ckpt_filled(mem + 10 * page, page, 7));
	CHECK_EQ(ckpt_fault(mem + 10 * page, true), SIGSEGV);
	CHECK_EQ(ckpt_fault(mem + 60 * page, false), SIGSEGV);
	ckpt_fill(mem + 40 * page, page, 5);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK(ckpt_filled(mem + 41 * page, page, 6));
}

/* Data that no process has mapped at the moment is data still. */
CKPT_TEST(hidden_data)
{
	char *mem = map(PAGES), *copy;

	ckpt_fill(mem, PAGES * page, 9);
	/* A second mapping of the same, of which only one page is left */
	copy = mremap(mem, 0, PAGES * page, MREMAP_MAYMOVE);
	REQUIRE(copy != MAP_FAILED);
	REQUIRE(!munmap(copy + page, (PAGES - 1) * page));
	REQUIRE(!munmap(mem, PAGES * page));
	ckpt_ready();
	mem = mremap(copy, page, PAGES * page, MREMAP_MAYMOVE);
	CHECK(mem != MAP_FAILED);
	CHECK(ckpt_filled(mem, PAGES * page, 9));
}

static int only_user(void *arg)
{
	char *mem = arg;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem, PAGES * page, 10));
	return 0;
}

CKPT_TEST(left_to_the_child)
{
	char *mem = map(PAGES);
	pid_t pid;

	gates();
	ckpt_fill(mem, PAGES * page, 10);
	pid = ckpt_fork(only_user, mem);
	ckpt_gate_wait(&up);
	REQUIRE(!munmap(mem, PAGES * page));
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* Twice in the same process */
CKPT_TEST(alias)
{
	char *mem = map(PAGES), *copy;

	ckpt_fill(mem, PAGES * page, 11);
	copy = mremap(mem, 0, PAGES * page, MREMAP_MAYMOVE);
	REQUIRE(copy != MAP_FAILED);
	ckpt_ready();
	CHECK(ckpt_filled(copy, PAGES * page, 11));
	ckpt_fill(mem, page, 12);
	CHECK(ckpt_filled(copy, page, 12));
	ckpt_fill(copy + page, page, 13);
	CHECK(ckpt_filled(mem + page, page, 13));
}

/* Two objects that are not to be taken for one */
CKPT_TEST(two_of_them)
{
	char *a = map(4), *b = map(4);

	ckpt_fill(a, 4 * page, 14);
	ckpt_fill(b, 4 * page, 15);
	ckpt_ready();
	CHECK(ckpt_filled(a, 4 * page, 14));
	CHECK(ckpt_filled(b, 4 * page, 15));
}

static int waiter(void *arg)
{
	uint32_t *word = arg;

	ckpt_gate_open(&up, 1);
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0)
		CHECK(!syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0) ||
		      errno == EAGAIN);
	__atomic_store_n(word + 1, 1, __ATOMIC_SEQ_CST);
	return 0;
}

CKPT_TEST(futex_between_processes)
{
	uint32_t *word = (uint32_t *)map(1);
	pid_t pid;

	gates();
	pid = ckpt_fork(waiter, word);
	ckpt_gate_wait(&up);
	ckpt_wait_blocked(pid, pid, SYS_futex);
	ckpt_ready();
	/* It waits: to change the word is not enough. */
	__atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
	CKPT_WAIT_FOR(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) ||
		      __atomic_load_n(word + 1, __ATOMIC_SEQ_CST));
	ckpt_join(pid, 0);
}

#define RESERVE_MB	256

CKPT_VICTIM(not_reserved)
{
	char *mem = mmap(NULL, RESERVE_MB << 20, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	REQUIRE(mem != MAP_FAILED);
	mem[5] = 'x';
	ckpt_ready();
	CHECK_EQ(mem[5], 'x');
}

static long committed_mb(void)
{
	char buf[8192], *line;

	if (ckpt_read_file("/proc/meminfo", buf, sizeof(buf)) < 0)
		return -1;
	line = strstr(buf, "Committed_AS:");
	return line ? strtol(line + 13, NULL, 10) >> 10 : -1;
}

/* With strict overcommit nothing is exempt: as where mmap() makes it. */
DRIVER_TEST(strict_overcommit)
{
	struct ckpt_victim *v = &self->v;
	char mode[16], ratio[16];
	long ret, before, after;

	ASSERT_LT(0, ckpt_read_file("/proc/sys/vm/overcommit_memory", mode,
				    sizeof(mode)));
	ASSERT_LT(0, ckpt_read_file("/proc/sys/vm/overcommit_ratio", ratio,
				    sizeof(ratio)));
	ckpt_start(v, "not_reserved", 0);
	ckpt_checkpoint_kill(v);
	before = committed_mb();
	ckpt_write_file("/proc/sys/vm/overcommit_ratio", "100");
	ckpt_write_file("/proc/sys/vm/overcommit_memory", "2");
	ret = ckpt_restart(v, 0);
	after = committed_mb();
	ckpt_write_file("/proc/sys/vm/overcommit_memory", mode);
	ckpt_write_file("/proc/sys/vm/overcommit_ratio", ratio);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	EXPECT_LE(before + RESERVE_MB, after);
	ckpt_finish(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
