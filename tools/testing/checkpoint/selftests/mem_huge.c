// SPDX-License-Identifier: GPL-2.0
/*
 * Huge pages of hugetlbfs: private and shared, of a memfd, of a System V
 * segment. Those of 1 GiB are in mem_giant.c.
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>

#define MB	(1024UL * 1024)
#define PAGE	4096UL
#define HUGE	(2 * MB)
#define POOL	"/proc/sys/vm/nr_hugepages"

static struct ckpt_gate up, go;

/* A pool that is large enough for all that a test has, twice */
static void pool(void)
{
	char buf[32];

	ckpt_write_file(POOL, "24");
	REQUIRE(ckpt_read_file(POOL, buf, sizeof(buf)) > 0);
	if (atoi(buf) < 24)
		ckpt_skip("no memory for huge pages");
}

static char *map_huge(size_t len, int prot, int flags)
{
	char *mem = mmap(NULL, len, prot, flags | MAP_ANONYMOUS | MAP_HUGETLB,
			 -1, 0);

	if (mem == MAP_FAILED)
		ckpt_skip("MAP_HUGETLB: %m");
	return mem;
}

static bool zero(const char *mem, size_t len)
{
	while (len--)
		if (*mem++)
			return false;
	return true;
}

CKPT_TEST(private)
{
	char *mem;

	pool();
	mem = map_huge(4 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	ckpt_fill(mem, HUGE, 1);
	ckpt_fill(mem + 2 * HUGE + PAGE, PAGE, 2);
	ckpt_ready();
	CHECK(ckpt_filled(mem, HUGE, 1));
	CHECK(zero(mem + HUGE, HUGE));
	CHECK(zero(mem + 2 * HUGE, PAGE));
	CHECK(ckpt_filled(mem + 2 * HUGE + PAGE, PAGE, 2));
	ckpt_fill(mem, 4 * HUGE, 3);
	CHECK(ckpt_filled(mem, 4 * HUGE, 3));
	CHECK(!munmap(mem + HUGE, HUGE));
	CHECK_EQ(ckpt_fault(mem + HUGE, false), SIGSEGV);
}

/* Data behind other protections, and mappings that were split */
CKPT_TEST(protected)
{
	char *mem;

	pool();
	mem = map_huge(4 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	ckpt_fill(mem, 4 * HUGE, 1);
	REQUIRE(!mprotect(mem, HUGE, PROT_READ));
	REQUIRE(!mprotect(mem + HUGE, HUGE, PROT_NONE));
	REQUIRE(!munmap(mem + 2 * HUGE, HUGE));
	ckpt_ready();
	CHECK_EQ(ckpt_fault(mem, false), 0);
	CHECK_EQ(ckpt_fault(mem, true), SIGSEGV);
	CHECK_EQ(ckpt_fault(mem + HUGE, false), SIGSEGV);
	CHECK_EQ(ckpt_fault(mem + 2 * HUGE, false), SIGSEGV);
	CHECK(!mprotect(mem, 2 * HUGE, PROT_READ | PROT_WRITE));
	CHECK(ckpt_filled(mem, 2 * HUGE, 1));
	CHECK_EQ(ckpt_fault(mem + 3 * HUGE, true), 0);
}

static int has_a_copy(void *arg)
{
	char *mem = arg;

	ckpt_fill(mem, HUGE, 2);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem, HUGE, 2));
	CHECK(ckpt_filled(mem + HUGE, HUGE, 1));
	ckpt_fill(mem + HUGE, HUGE, 3);
	return 0;
}

CKPT_TEST(copy_on_write)
{
	pid_t pid;
	char *mem;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pool();
	mem = map_huge(2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	ckpt_fill(mem, HUGE, 1);
	ckpt_fill(mem + HUGE, HUGE, 1);
	pid = ckpt_fork(has_a_copy, mem);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK(ckpt_filled(mem, HUGE, 1));
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK(ckpt_filled(mem + HUGE, HUGE, 1));
}

static int writes(void *arg)
{
	char *mem = arg;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem + HUGE, HUGE, 1));
	ckpt_fill(mem, HUGE, 2);
	return 0;
}

CKPT_TEST(shared)
{
	pid_t pid;
	char *mem;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pool();
	mem = map_huge(3 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	ckpt_fill(mem + HUGE, HUGE, 1);
	pid = ckpt_fork(writes, mem);
	REQUIRE(!munmap(mem + 2 * HUGE, HUGE));
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK(zero(mem, HUGE));
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK(ckpt_filled(mem, HUGE, 2));
}

CKPT_TEST(memfd)
{
	char *mem, *own;
	struct stat st;
	int fd;

	pool();
	fd = memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING);
	if (fd < 0)
		ckpt_skip("MFD_HUGETLB: %m");
	REQUIRE(!ftruncate(fd, 3 * HUGE));
	mem = mmap(NULL, 3 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	own = mmap(NULL, 3 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (mem == MAP_FAILED || own == MAP_FAILED)
		ckpt_skip("MFD_HUGETLB: %m");
	ckpt_fill(mem, HUGE, 1);
	ckpt_fill(mem + 2 * HUGE, HUGE, 2);
	own[0] = 'x';
	CHECK_EQ(own[2 * HUGE], mem[2 * HUGE]);
	REQUIRE(!fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	ckpt_ready();
	CHECK(ckpt_filled(mem, HUGE, 1));
	CHECK(zero(mem + HUGE, HUGE));
	CHECK(ckpt_filled(mem + 2 * HUGE, HUGE, 2));
	CHECK_EQ(own[0], 'x');
	CHECK_EQ(own[1], mem[1]);
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_size, 3 * HUGE);
	CHECK_EQ(st.st_blksize, HUGE);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_GROW);
	CHECK_EQ(ftruncate(fd, 4 * HUGE), -1);
	mem[2 * HUGE] = 'y';
	CHECK_EQ(own[2 * HUGE], 'y');
}

CKPT_TEST_ONLY(segment, CKPT_CONTAINER)
{
	char *mem;
	int id;

	pool();
	id = shmget(0x77, 2 * HUGE, SHM_HUGETLB | IPC_CREAT | 0600);
	if (id < 0)
		ckpt_skip("SHM_HUGETLB: %m");
	mem = shmat(id, NULL, 0);
	REQUIRE(mem != (void *)-1);
	ckpt_fill(mem, HUGE, 1);
	ckpt_ready();
	CHECK_EQ(shmget(0x77, 2 * HUGE, SHM_HUGETLB), id);
	CHECK(ckpt_filled(mem, HUGE, 1));
	CHECK(zero(mem + HUGE, HUGE));
	CHECK(!shmdt(mem));
	CHECK(!shmctl(id, IPC_RMID, NULL));
}

CKPT_VICTIM(takes_all)
{
	char *mem;

	pool();
	mem = map_huge(2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	ckpt_fill(mem, 2 * HUGE, 1);
	ckpt_ready();
	CHECK(ckpt_filled(mem, 2 * HUGE, 1));
}

/* Where there are none the restart says so, and is undone. */
DRIVER_TEST(none_left)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_world world;
	long ret;

	ckpt_start(v, "takes_all", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	ckpt_write_file(POOL, "1");
	ckpt_world_take(&world);
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOMEM, ret) TH_LOG("%ld: %s", ret, v->log);
	ckpt_world_expect(&world, 4 * MB / 1024);
	ckpt_write_file(POOL, "24");
	ckpt_restart_finish(v);
	ckpt_write_file(POOL, "0");
}

TEST_HARNESS_MAIN
