// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped files: private with pages of its own, shared, read-only, executable.
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#define PAGES	16

static size_t page;

static int make_file(const char *name, uint64_t seed)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	char buf[PAGES * 4096];

	page = getpagesize();
	REQUIRE(fd >= 0);
	ckpt_fill(buf, sizeof(buf), seed);
	REQUIRE(write(fd, buf, sizeof(buf)) == sizeof(buf));
	return fd;
}

static char *map(int fd, size_t pages, int prot, int flags, size_t offset)
{
	char *mem = mmap(NULL, pages * page, prot, flags, fd, offset * page);

	REQUIRE(mem != MAP_FAILED);
	return mem;
}

static char expected[PAGES * 4096];

static void expect(const char *mem, size_t from, size_t pages, uint64_t seed)
{
	ckpt_fill(expected, sizeof(expected), seed);
	CHECK(!memcmp(mem, expected + from * page, pages * page));
}

/* Some pages written to, some read, some never touched */
CKPT_TEST(private_with_own_pages)
{
	int fd = make_file("file", 1);
	char *mem = map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	char buf[4096];
	int i;

	close(fd);
	for (i = 0; i < PAGES; i += 2)
		ckpt_fill(mem + i * page, page, 100 + i);
	ckpt_ready();
	for (i = 0; i < PAGES; i++) {
		if (i % 2)
			expect(mem + i * page, i, 1, 1);
		else
			CHECK(ckpt_filled(mem + i * page, page, 100 + i));
	}
	/* The file never saw it, and its own pages do not see the file. */
	fd = open("file", O_RDWR);
	CHECK_EQ(pread(fd, buf, page, 0), page);
	expect(buf, 0, 1, 1);
	memset(buf, 0, sizeof(buf));
	CHECK_EQ(pwrite(fd, buf, page, 0), page);
	CHECK(ckpt_filled(mem, page, 100));
	CHECK_EQ(pwrite(fd, buf, page, page), page);
	CHECK(!memcmp(mem + page, buf, page));
}

CKPT_TEST(private_read_only_data)
{
	int fd = make_file("file", 2);
	char *mem = map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);

	ckpt_fill(mem + 3 * page, page, 50);
	REQUIRE(!mprotect(mem, PAGES * page, PROT_READ));
	ckpt_ready();
	CHECK(ckpt_filled(mem + 3 * page, page, 50));
	expect(mem, 0, 3, 2);
	CHECK_EQ(ckpt_fault(mem, true), SIGSEGV);
	CHECK(!mprotect(mem, PAGES * page, PROT_READ | PROT_WRITE));
	CHECK_EQ(ckpt_fault(mem, true), 0);
}

CKPT_TEST(shared_and_writable)
{
	int fd = make_file("file", 3);
	char *mem = map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	char buf[4096];

	ckpt_fill(mem + page, page, 51);
	ckpt_ready();
	CHECK(ckpt_filled(mem + page, page, 51));
	CHECK_EQ(pread(fd, buf, page, page), page);
	CHECK(ckpt_filled(buf, page, 51));
	/* Both ways, also after that */
	ckpt_fill(mem + 2 * page, page, 52);
	CHECK_EQ(pread(fd, buf, page, 2 * page), page);
	CHECK(ckpt_filled(buf, page, 52));
	CHECK_EQ(pwrite(fd, buf, page, 5 * page), page);
	CHECK(ckpt_filled(mem + 5 * page, page, 52));
}

/* Of a file opened for reading only: may not be made writable. */
CKPT_TEST(shared_read_only)
{
	char *mem;
	int fd;

	close(make_file("file", 4));
	fd = open("file", O_RDONLY);
	mem = map(fd, PAGES, PROT_READ, MAP_SHARED, 0);
	close(fd);
	ckpt_ready();
	expect(mem, 0, PAGES, 4);
	CHECK_EQ(mprotect(mem, page, PROT_READ | PROT_WRITE), -1);
	CHECK_EQ(errno, EACCES);
	CHECK_EQ(ckpt_fault(mem, true), SIGSEGV);
}

CKPT_TEST(parts_at_offsets)
{
	int fd = make_file("file", 5);
	char *tail = map(fd, 4, PROT_READ, MAP_SHARED, 12);
	char *middle = map(fd, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, 6);

	ckpt_fill(middle + page, page, 53);
	REQUIRE(!munmap(middle + 2 * page, page));
	ckpt_ready();
	expect(tail, 12, 4, 5);
	expect(middle, 6, 1, 5);
	CHECK(ckpt_filled(middle + page, page, 53));
	CHECK_EQ(ckpt_fault(middle + 2 * page, false), SIGSEGV);
	expect(middle + 3 * page, 9, 1, 5);
}

/* Longer than the file, which was cut off after that too. */
CKPT_TEST(beyond_the_end)
{
	int fd = make_file("file", 6);
	char *shared = map(fd, 2 * PAGES, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	char *private = map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);

	ckpt_fill(private, page, 54);
	REQUIRE(!ftruncate(fd, 4 * page + 100));
	ckpt_ready();
	expect(shared, 0, 4, 6);
	CHECK_EQ(ckpt_fault(shared + 4 * page, false), 0);
	CHECK_EQ(ckpt_fault(shared + 5 * page, false), SIGBUS);
	CHECK_EQ(ckpt_fault(shared + 20 * page, false), SIGBUS);
	CHECK(ckpt_filled(private, page, 54));
	CHECK_EQ(ckpt_fault(private + 5 * page, false), SIGBUS);
}

static struct ckpt_gate up, go;

static int other_side(void *arg)
{
	char *mem = arg;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem, page, 55));
	ckpt_fill(mem + page, page, 56);
	return 0;
}

CKPT_TEST(shared_by_processes)
{
	int fd = make_file("file", 7);
	char *mem = map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(other_side, mem);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_fill(mem, page, 55);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK(ckpt_filled(mem + page, page, 56));
}

CKPT_TEST(executable)
{
	static const unsigned char code[] = {
		0x8d, 0x47, 0x07,	/* lea 7(%rdi), %eax */
		0xc3,			/* ret */
	};
	int fd = make_file("file", 8), (*fn)(int);
	char *mem;

	REQUIRE(pwrite(fd, code, sizeof(code), page) == sizeof(code));
	close(fd);
	fd = open("file", O_RDONLY);
	mem = map(fd, 2, PROT_READ | PROT_EXEC, MAP_PRIVATE, 1);
	close(fd);
	fn = (int (*)(int))(uintptr_t)mem;
	ckpt_ready();
	CHECK_EQ(fn(35), 42);
}

/* The same open file mapped twice, and open beside it */
CKPT_TEST(one_file_many_mappings)
{
	int fd = make_file("file", 9);
	char *a = map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	char *b = map(fd, PAGES, PROT_READ, MAP_SHARED, 0);
	char *c = map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);

	ckpt_fill(c, page, 57);
	REQUIRE(lseek(fd, 12345, SEEK_SET) == 12345);
	ckpt_ready();
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 12345);
	ckpt_fill(a + page, page, 58);
	CHECK(ckpt_filled(b + page, page, 58));
	CHECK(ckpt_filled(c + page, page, 58));
	CHECK(ckpt_filled(c, page, 57));
}

/* /dev/zero, mapped: anonymous memory with a file, and without */
CKPT_TEST(dev_zero)
{
	int fd = open("/dev/zero", O_RDWR);
	char *private, *shared;

	page = getpagesize();
	REQUIRE(fd >= 0);
	private = map(fd, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	shared = map(fd, 4, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	close(fd);
	ckpt_fill(private + page, page, 59);
	ckpt_fill(shared + page, page, 60);
	ckpt_ready();
	CHECK(ckpt_filled(private + page, page, 59));
	CHECK(ckpt_filled(shared + page, page, 60));
	CHECK_EQ(private[0], 0);
	CHECK_EQ(shared[3 * page], 0);
}

TEST_HARNESS_MAIN
