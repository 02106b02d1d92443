// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is swapped out when it is checkpointed. Swap space is made for
 * the test, on a loop device over a temporary file.
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/swap.h>

#define MB		(1024UL * 1024)
#define SWAP_SIZE	(32 * MB)
#define MEM_SIZE	(8 * MB)

static struct ckpt_gate up, go;

static size_t swapped_kb(void)
{
	char buf[8192], *line;

	REQUIRE(ckpt_read_file("/proc/self/status", buf, sizeof(buf)) > 0);
	line = strstr(buf, "VmSwap:");
	REQUIRE(line);
	return strtoul(line + 7, NULL, 10);
}

static char *swapped_memory(void)
{
	char *mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(mem != MAP_FAILED);
	ckpt_fill(mem, MEM_SIZE, 1);
	if (madvise(mem, MEM_SIZE, MADV_PAGEOUT) || !swapped_kb())
		ckpt_skip("nothing is swapped out");
	return mem;
}

/* What is read for the image does not come back into the page tables. */
CKPT_VICTIM(stays_out)
{
	char *mem = swapped_memory();
	size_t kb = swapped_kb();

	ckpt_ready();
	CHECK_EQ(swapped_kb(), kb);
	CHECK(ckpt_filled(mem, MEM_SIZE, 1));
}

static int has_it_too(void *mem)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem, MEM_SIZE, 1));
	ckpt_fill(mem, MEM_SIZE, 3);
	return 0;
}

/* Swapped out, and shared with a child */
CKPT_VICTIM(inherited)
{
	char *mem = swapped_memory();

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_ready_beside(has_it_too, mem, &up, &go);
	CHECK(ckpt_filled(mem, MEM_SIZE, 1));
}

CKPT_VICTIM(private)
{
	char *mem = swapped_memory();

	ckpt_ready();
	CHECK(ckpt_filled(mem, MEM_SIZE, 1));
}

static int look_at(void *mem)
{
	CHECK(ckpt_filled(mem, MEM_SIZE, 2));
	return 0;
}

CKPT_VICTIM(shared)
{
	char *mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	REQUIRE(mem != MAP_FAILED);
	ckpt_fill(mem, MEM_SIZE, 2);
	madvise(mem, MEM_SIZE, MADV_PAGEOUT);
	ckpt_ready();
	ckpt_join(ckpt_fork(look_at, mem), 0);
}

FIXTURE(swap) {
	int loop;
	char path[64];
};

FIXTURE_SETUP(swap)
{
	/* As mkswap makes it: version, last page, and the magic */
	struct {
		char boot[1024];
		uint32_t version;
		uint32_t last_page;
	} head = { .version = 1 };
	struct loop_config config = { 0 };
	int control, file, n;

	if (!ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		SKIP(return, "no loop devices");
	n = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	ASSERT_LE(0, n);
	snprintf(self->path, sizeof(self->path), "/dev/loop%d", n);
	file = ckpt_tmpfile();
	head.last_page = SWAP_SIZE / getpagesize() - 1;
	ASSERT_EQ(0, ftruncate(file, SWAP_SIZE));
	ASSERT_EQ(sizeof(head), pwrite(file, &head, sizeof(head), 0));
	ASSERT_EQ(10, pwrite(file, "SWAPSPACE2", 10, getpagesize() - 10));
	self->loop = open(self->path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->loop);
	config.fd = file;
	config.block_size = getpagesize();
	ASSERT_EQ(0, ioctl(self->loop, LOOP_CONFIGURE, &config));
	close(file);
	if (swapon(self->path, 0)) {
		ioctl(self->loop, LOOP_CLR_FD);
		SKIP(return, "swapon: %s", strerror(errno));
	}
}

FIXTURE_TEARDOWN(swap)
{
	ckpt_cleanup();
	swapoff(self->path);
	ioctl(self->loop, LOOP_CLR_FD);
}

TEST_F_TIMEOUT(swap, private, CKPT_TEST_S)
{
	const char *why = ckpt_run("private", 0, false);

	if (why)
		SKIP(return, "%s", why);
}

TEST_F_TIMEOUT(swap, stays_out, CKPT_TEST_S)
{
	const char *why = ckpt_run("stays_out", 0, true);

	if (why)
		SKIP(return, "%s", why);
}

/* In the image once */
TEST_F_TIMEOUT(swap, inherited, CKPT_TEST_S)
{
	struct ckpt_victim v;
	long ret;

	ckpt_start(&v, "inherited", 0);
	if (v.skip[0])
		SKIP(return, "%s", v.skip);
	ckpt_checkpoint_kill(&v);
	EXPECT_GT(MEM_SIZE + MEM_SIZE / 2, v.stats.bytes);
	ret = ckpt_restart(&v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v.log);
	ckpt_finish(&v);
	ckpt_end(&v);
}

TEST_F_TIMEOUT(swap, shared, CKPT_TEST_S)
{
	const char *why = ckpt_run("shared", 0, false);

	if (why)
		SKIP(return, "%s", why);
}

TEST_HARNESS_MAIN
