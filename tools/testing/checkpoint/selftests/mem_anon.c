// SPDX-License-Identifier: GPL-2.0
/*
 * Private anonymous memory: contents, protections, and what was asked for it.
 */
#include "libckpttest.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define KB	1024UL
#define MB	(1024 * KB)

#ifndef PR_SET_VMA
#define PR_SET_VMA		0x53564d41
#define PR_SET_VMA_ANON_NAME	0
#endif

static size_t page;

static void *map(size_t len, int prot)
{
	void *mem = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	page = getpagesize();
	REQUIRE(mem != MAP_FAILED);
	return mem;
}

static void *map_rw(size_t len)
{
	return map(len, PROT_READ | PROT_WRITE);
}

static bool zero(const char *mem, size_t len)
{
	while (len--)
		if (*mem++)
			return false;
	return true;
}

CKPT_TEST(pattern)
{
	char *mem = map_rw(8 * MB);

	ckpt_fill(mem, 8 * MB, 1);
	ckpt_ready();
	CHECK(ckpt_filled(mem, 8 * MB, 1));
	ckpt_fill(mem, 8 * MB, 2);
	CHECK(ckpt_filled(mem, 8 * MB, 2));
}

/* Every other page written, every third one zero, most never touched */
CKPT_TEST(sparse)
{
	char *mem = map_rw(64 * MB);
	size_t i;

	for (i = 0; i < 4 * MB / page; i += 2)
		ckpt_fill(mem + i * page, page, i);
	for (i = 0; i < 4 * MB / page; i += 6)
		memset(mem + i * page, 0, page);
	mem[63 * MB] = 'x';
	ckpt_ready();
	for (i = 0; i < 4 * MB / page; i++) {
		if (i % 2 || i % 6 == 0)
			CHECK(zero(mem + i * page, page));
		else
			CHECK(ckpt_filled(mem + i * page, page, i));
	}
	CHECK(zero(mem + 4 * MB, 59 * MB));
	CHECK_EQ(mem[63 * MB], 'x');
}

CKPT_TEST(brk)
{
	char *start = sbrk(MB), *end;

	REQUIRE(start != (void *)-1);
	ckpt_fill(start, MB, 3);
	end = sbrk(0);
	ckpt_ready();
	CHECK(sbrk(0) == end);
	CHECK(ckpt_filled(start, MB, 3));
	CHECK(sbrk(MB) == end);
	ckpt_fill(end, MB, 4);
	CHECK(ckpt_filled(start, MB, 3));
	CHECK(sbrk(-MB) == end + MB);
	CHECK(sbrk(0) == end);
}

static int __attribute__((noinline)) deeper(int depth)
{
	volatile char frame[16 * KB];

	frame[0] = depth;
	frame[sizeof(frame) - 1] = depth + 1;
	if (depth)
		return deeper(depth - 1) + frame[0] - frame[0] + 1;
	return 1;
}

CKPT_TEST(stack)
{
	char big[512 * KB];

	ckpt_fill(big, sizeof(big), 5);
	ckpt_ready();
	CHECK(ckpt_filled(big, sizeof(big), 5));
	/* It still grows. */
	CHECK_EQ(deeper(64), 65);
}

CKPT_TEST(grows_down)
{
	char *area, *mem;

	/* Room below it that nobody else is given */
	area = map(16 * MB, PROT_NONE);
	REQUIRE(!munmap(area, 16 * MB));
	mem = mmap(area + 15 * MB, 64 * KB, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED,
		   -1, 0);
	REQUIRE(mem != MAP_FAILED);
	mem[0] = 'x';
	ckpt_ready();
	CHECK_EQ(mem[0], 'x');
	CHECK_EQ(ckpt_fault(mem - 1, true), 0);
	CHECK_EQ(ckpt_fault(mem - 64 * KB, true), 0);
}

/* Data behind PROT_NONE comes back with PROT_READ. */
CKPT_TEST(no_access)
{
	char *mem = map_rw(3 * page + 3 * 4 * KB);

	ckpt_fill(mem, 3 * page, 6);
	REQUIRE(!mprotect(mem + page, page, PROT_NONE));
	REQUIRE(!mprotect(mem + 2 * page, page, PROT_READ));
	ckpt_ready();
	CHECK_EQ(ckpt_fault(mem, true), 0);
	CHECK_EQ(ckpt_fault(mem + page, false), SIGSEGV);
	CHECK_EQ(ckpt_fault(mem + 2 * page, false), 0);
	CHECK_EQ(ckpt_fault(mem + 2 * page, true), SIGSEGV);
	CHECK(!mprotect(mem, 3 * page, PROT_READ | PROT_WRITE));
	CHECK(ckpt_filled(mem, 3 * page, 6));
}

CKPT_TEST(guards)
{
	char *mem = map(64 * 3 * 4 * KB, PROT_NONE);
	size_t i;

	for (i = 0; i < 64; i++) {
		REQUIRE(!mprotect(mem + (3 * i + 1) * page, page,
				  PROT_READ | PROT_WRITE));
		ckpt_fill(mem + (3 * i + 1) * page, page, i);
		if (i % 4 == 3)
			REQUIRE(!munmap(mem + (3 * i + 2) * page, page));
	}
	ckpt_ready();
	for (i = 0; i < 64; i++) {
		CHECK_EQ(ckpt_fault(mem + 3 * i * page, false), SIGSEGV);
		CHECK(ckpt_filled(mem + (3 * i + 1) * page, page, i));
		CHECK_EQ(ckpt_fault(mem + (3 * i + 2) * page, false), SIGSEGV);
	}
}

CKPT_TEST(many_vmas)
{
	char *mem = map_rw(1000 * 4 * KB);
	size_t i;

	for (i = 0; i < 1000; i++) {
		ckpt_fill(mem + i * page, 64, i);
		if (i % 2)
			REQUIRE(!mprotect(mem + i * page, page, PROT_READ));
	}
	ckpt_ready();
	for (i = 0; i < 1000; i++)
		CHECK(ckpt_filled(mem + i * page, 64, i));
}

/* Code made at run time */
CKPT_TEST(generated_code)
{
	static const unsigned char code[] = {
		0x8d, 0x47, 0x07,	/* lea 7(%rdi), %eax */
		0xc3,			/* ret */
	};
	char *mem = map_rw(4 * KB);
	int (*fn)(int) = (int (*)(int))(uintptr_t)mem;

	memcpy(mem, code, sizeof(code));
	REQUIRE(!mprotect(mem, page, PROT_READ | PROT_EXEC));
	CHECK_EQ(fn(35), 42);
	ckpt_ready();
	CHECK_EQ(fn(35), 42);
	CHECK_EQ(ckpt_fault(mem, true), SIGSEGV);
}

static int see_after_fork(void *arg)
{
	char *mem = arg;

	CHECK_EQ(ckpt_fault(mem, false), SIGSEGV);
	CHECK(zero(mem + page, page));
	CHECK(ckpt_filled(mem + 2 * page, page, 7));
	return 0;
}

/* The flags themselves are compared through smaps; these two act at fork. */
CKPT_TEST(madvise_flags)
{
	static const int advice[] = {
		MADV_DONTFORK, MADV_WIPEONFORK, MADV_DONTDUMP, MADV_SEQUENTIAL,
		MADV_RANDOM, MADV_NOHUGEPAGE, MADV_HUGEPAGE,
	};
	char *mem = map_rw(ARRAY_SIZE(advice) * 4 * KB);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		ckpt_fill(mem + i * page, page, i < 2 ? i : 7);
		if (madvise(mem + i * page, page, advice[i]) &&
		    advice[i] != MADV_HUGEPAGE && advice[i] != MADV_NOHUGEPAGE)
			ckpt_give_up(__FILE__, __LINE__, "madvise");
	}
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(advice); i++)
		CHECK(ckpt_filled(mem + i * page, page, i < 2 ? i : 7));
	ckpt_join(ckpt_fork(see_after_fork, mem), 0);
}

CKPT_TEST(huge_pages_by_advice)
{
	char *mem = map_rw(8 * MB);
	char *aligned = (char *)(((uintptr_t)mem + 2 * MB - 1) & ~(2 * MB - 1));

	if (madvise(aligned, 4 * MB, MADV_HUGEPAGE))
		ckpt_skip("MADV_HUGEPAGE: %m");
	ckpt_fill(aligned, 4 * MB, 8);
	/* One that is split in parts */
	REQUIRE(!mprotect(aligned + 3 * MB, page, PROT_READ));
	ckpt_ready();
	CHECK(ckpt_filled(aligned, 4 * MB, 8));
	ckpt_fill(aligned, 3 * MB, 9);
	CHECK(ckpt_filled(aligned, 3 * MB, 9));
}

static size_t locked_kb(void)
{
	char buf[8192], *line;

	REQUIRE(ckpt_read_file("/proc/self/status", buf, sizeof(buf)) > 0);
	line = strstr(buf, "VmLck:");
	REQUIRE(line);
	return strtoul(line + 6, NULL, 10);
}

CKPT_TEST(locked)
{
	char *mem = map_rw(256 * KB);
	size_t before;

	ckpt_fill(mem, 64 * KB, 10);
	REQUIRE(!mlock(mem, 64 * KB));
	REQUIRE(!syscall(SYS_mlock2, mem + 128 * KB, 64 * KB, 1));
	before = locked_kb();
	ckpt_ready();
	CHECK_EQ(locked_kb(), before);
	CHECK(ckpt_filled(mem, 64 * KB, 10));
	CHECK(!munlock(mem, 64 * KB));
	CHECK_EQ(locked_kb(), before - 64);
}

CKPT_TEST(locked_in_the_future)
{
	size_t before;

	REQUIRE(!mlockall(MCL_FUTURE));
	before = locked_kb();
	ckpt_ready();
	map_rw(64 * KB);
	CHECK_EQ(locked_kb(), before + 64);
	CHECK(!munlockall());
}

CKPT_TEST(named)
{
	char *mem = map_rw(2 * 4 * KB);

	if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, mem, page, "a name"))
		ckpt_skip("PR_SET_VMA_ANON_NAME: %m");
	mem[0] = 1;
	ckpt_ready();
	CHECK_EQ(mem[0], 1);
}

/* What has no name in a file system may be given one. */
CKPT_TEST(named_memory_files)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	char *shared, *private;

	page = getpagesize();
	REQUIRE(fd >= 0 && !ftruncate(fd, 2 * page));
	shared = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
		       page);
	REQUIRE(shared != MAP_FAILED && private != MAP_FAILED);
	if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, shared, page, "shared") ||
	    prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, private, page, "private"))
		ckpt_skip("PR_SET_VMA_ANON_NAME: %m");
	shared[0] = 1;
	private[0] = 2;
	ckpt_ready();
	CHECK_EQ(shared[0], 1);
	CHECK_EQ(private[0], 2);
}

/* Moved: the offset of its pages is not what its address says. */
CKPT_TEST(moved)
{
	char *mem = map_rw(256 * KB), *to = map(256 * KB, PROT_NONE);
	char *moved;

	ckpt_fill(mem, 256 * KB, 11);
	moved = mremap(mem + 64 * KB, 64 * KB, 128 * KB,
		       MREMAP_MAYMOVE | MREMAP_FIXED, to);
	REQUIRE(moved == to);
	ckpt_fill(moved + 64 * KB, 64 * KB, 12);
	ckpt_ready();
	CHECK_EQ(ckpt_fault(mem + 64 * KB, false), SIGSEGV);
	CHECK(ckpt_filled(moved + 64 * KB, 64 * KB, 12));
	moved = mremap(moved, 64 * KB, 64 * KB, MREMAP_MAYMOVE | MREMAP_FIXED,
		       mem + 64 * KB);
	CHECK(moved == mem + 64 * KB);
	CHECK(ckpt_filled(mem, 256 * KB, 11));
}

static struct ckpt_gate up, go;

static int own_copy(void *arg)
{
	char *mem = arg;

	ckpt_fill(mem, page, 21);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem, page, 21));
	CHECK(ckpt_filled(mem + page, page, 20));
	ckpt_fill(mem + page, page, 22);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem + 2 * page, page, 20));
	return 0;
}

/* What fork left shared until it is written to, is not seen by the other. */
CKPT_TEST(copy_on_write)
{
	char *mem = map_rw(3 * 4 * KB);
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_fill(mem, 3 * page, 0);
	ckpt_fill(mem, page, 20);
	ckpt_fill(mem + page, page, 20);
	ckpt_fill(mem + 2 * page, page, 20);
	pid = ckpt_fork(own_copy, mem);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK(ckpt_filled(mem, page, 20));
	ckpt_gate_open(&go, 1);
	ckpt_gate_wait(&up);
	CHECK(ckpt_filled(mem + page, page, 20));
	ckpt_fill(mem + 2 * page, page, 23);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* Read only so far: the page tables hold the zero page. */
CKPT_TEST(zero_page)
{
	char *mem = map_rw(MB);

	CHECK(zero(mem, MB));
	ckpt_ready();
	CHECK(zero(mem, MB));
	ckpt_fill(mem, MB, 13);
	CHECK(ckpt_filled(mem, MB, 13));
}

CKPT_VICTIM(much_zero)
{
	char *mem = map_rw(64 * MB);

	memset(mem, 0, 64 * MB);
	ckpt_ready();
	CHECK(zero(mem, 64 * MB));
}

/* Pages that hold nothing but zeros do not take room in the image. */
DRIVER_TEST(zeros_are_not_stored)
{
	struct ckpt_victim *v = &self->v;

	ckpt_start(v, "much_zero", 0);
	ckpt_checkpoint_kill(v);
	EXPECT_GT(4 * MB, v->stats.bytes);
	EXPECT_GT(4 * MB, (size_t)lseek(v->image, 0, SEEK_END));
	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
