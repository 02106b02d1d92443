// SPDX-License-Identifier: GPL-2.0
/*
 * Private memory that processes share since a fork: the pages that were shared
 * are in the image once, are shared again after a restart, and each process
 * still writes to a copy of its own.
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define MB		(1024UL * 1024)
#define PAGE		4096UL
#define MAX_PROCS	12
#define MAX_PAGES	2048

static struct ckpt_gate up, go, done;

static char *map_rw(size_t len)
{
	char *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(mem != MAP_FAILED);
	return mem;
}

static void fill_pages(char *mem, size_t from, size_t to, uint64_t seed)
{
	for (; from < to; from++)
		ckpt_fill(mem + from * PAGE, PAGE, seed + from);
}

static bool pages_filled(const char *mem, size_t from, size_t to, uint64_t seed)
{
	for (; from < to; from++)
		if (!ckpt_filled(mem + from * PAGE, PAGE, seed + from))
			return false;
	return true;
}

/* ------------------------------------------------- who shares what page */

/**
 * struct sharing - which processes have the same pages
 * @nr: number of pages
 * @shared: pages that several processes have
 * @first: for each page and process the first one that has the same, or 255 if
 *	it has none there
 */
struct sharing {
	size_t nr;
	size_t shared;
	uint8_t first[MAX_PAGES][MAX_PROCS];
};

static void look(struct sharing *s, const char *mem, size_t nr,
		 const pid_t *pid, unsigned int procs)
{
	static uint64_t frame[MAX_PROCS][MAX_PAGES];
	unsigned int p, q;
	char path[64];
	size_t i;
	int fd;

	memset(s, 0xff, sizeof(*s));
	s->nr = nr;
	s->shared = 0;
	for (p = 0; p < procs; p++) {
		snprintf(path, sizeof(path), "/proc/%d/pagemap", pid[p]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		REQUIRE(fd >= 0);
		REQUIRE(pread(fd, frame[p], nr * 8, (uintptr_t)mem / PAGE * 8) ==
			(ssize_t)nr * 8);
		close(fd);
	}
	for (i = 0; i < nr; i++)
		for (p = 0; p < procs; p++) {
			/* bit 63: it is there; below bit 55: the frame */
			if (!(frame[p][i] >> 63))
				continue;
			for (q = 0; (frame[q][i] ^ frame[p][i]) << 9; q++)
				;
			s->first[i][p] = q;
			s->shared += q != p;
		}
}

static void check_sharing(const struct sharing *before, const char *mem,
			  const pid_t *pid, unsigned int procs)
{
	static struct sharing now;
	size_t i;

	look(&now, mem, before->nr, pid, procs);
	CHECK_EQ(now.shared, before->shared);
	for (i = 0; i < now.nr; i++)
		if (memcmp(now.first[i], before->first[i], procs)) {
			CHECK_EQ(i, -1);
			break;
		}
}

/* ------------------------------------------------------------- families */

#define PAGES	256

static char *mem;

/* Child 0 writes the first half again, child 1 nothing, child 2 unmaps. */
static int child(void *arg)
{
	long nr = (long)arg;

	if (nr == 0)
		fill_pages(mem, 0, PAGES / 2, 5000);
	if (nr == 2) {
		REQUIRE(!munmap(mem + 8 * PAGE, 8 * PAGE));
		REQUIRE(!mprotect(mem + 64 * PAGE, 8 * PAGE, PROT_READ));
	}
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(pages_filled(mem, nr == 0 ? PAGES / 2 : 16, PAGES, 0));
	if (nr == 0)
		CHECK(pages_filled(mem, 0, PAGES / 2, 5000));
	if (nr == 1)
		fill_pages(mem, 0, PAGES, 7000);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&done);
	if (nr == 1)
		CHECK(pages_filled(mem, 0, PAGES, 7000));
	if (nr == 2) {
		CHECK(pages_filled(mem, 0, 8, 0));
		CHECK(pages_filled(mem, 16, PAGES, 0));
		CHECK_EQ(ckpt_fault(mem + 64 * PAGE, true), SIGSEGV);
		CHECK_EQ(ckpt_fault(mem + 8 * PAGE, false), SIGSEGV);
	}
	return 0;
}

static void family(void)
{
	static struct sharing before;
	pid_t pid[4] = { getpid() };
	long i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_gate_init(&done);
	fill_pages(mem, 0, PAGES, 0);
	for (i = 0; i < 3; i++)
		pid[i + 1] = ckpt_fork(child, (void *)i);
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	/* what the children still share, and the parent does not */
	fill_pages(mem, PAGES - 16, PAGES, 9000);
	look(&before, mem, PAGES, pid, 4);
	REQUIRE(before.shared > PAGES);
	ckpt_ready();
	check_sharing(&before, mem, pid, 4);
	CHECK(pages_filled(mem, 0, PAGES - 16, 0));
	ckpt_gate_open(&go, 3);
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	CHECK(pages_filled(mem, 0, PAGES - 16, 0));
	CHECK(pages_filled(mem, PAGES - 16, PAGES, 9000));
	fill_pages(mem, 0, PAGES, 11000);
	ckpt_gate_open(&done, 3);
	for (i = 0; i < 3; i++)
		ckpt_join(pid[i + 1], 0);
	CHECK(pages_filled(mem, 0, PAGES, 11000));
}

CKPT_TEST(parent_and_children)
{
	mem = map_rw(PAGES * PAGE);
	family();
}

/* Own copies of pages of a file */
CKPT_TEST(private_file)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);

	REQUIRE(fd >= 0 && !ftruncate(fd, PAGES * PAGE));
	mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
		   0);
	REQUIRE(mem != MAP_FAILED);
	family();
}

/* Several mappings in one process are one in another. */
CKPT_TEST(split)
{
	size_t i;

	mem = map_rw(PAGES * PAGE);
	mem[0] = 1;
	for (i = 80; i < PAGES - 32; i += 16)
		REQUIRE(!madvise(mem + i * PAGE, 8 * PAGE, MADV_DONTDUMP));
	family();
}

/* At another place than where it was filled */
CKPT_TEST(moved)
{
	char *old = map_rw(PAGES * PAGE), *to = map_rw(PAGES * PAGE);

	fill_pages(old, 0, PAGES, 0);
	mem = mremap(old, PAGES * PAGE, PAGES * PAGE,
		     MREMAP_MAYMOVE | MREMAP_FIXED, to);
	REQUIRE(mem == to);
	family();
}

static int generation(void *arg)
{
	long nr = (long)arg;
	pid_t pid;

	fill_pages(mem, 16 * nr, 16 * (nr + 1), 1000 * (nr + 1));
	if (nr == 6) {
		ckpt_gate_open(&up, 1);
		ckpt_gate_wait(&go);
		return 0;
	}
	pid = ckpt_fork(generation, (void *)(nr + 1));
	REQUIRE(write(done.fd[1], &pid, sizeof(pid)) == sizeof(pid));
	ckpt_gate_wait(&go);
	CHECK(pages_filled(mem, 16 * nr, 16 * (nr + 1), 1000 * (nr + 1)));
	CHECK(pages_filled(mem, 16 * (nr + 1), PAGES, 0));
	ckpt_join(pid, 0);
	return 0;
}

/* Each is a child of the one before, and has written something. */
CKPT_TEST(generations)
{
	static struct sharing before;
	pid_t pid[8] = { getpid() };
	unsigned int i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_gate_init(&done);
	mem = map_rw(PAGES * PAGE);
	fill_pages(mem, 0, PAGES, 0);
	pid[1] = ckpt_fork(generation, (void *)0);
	for (i = 2; i < 8; i++)
		REQUIRE(read(done.fd[0], &pid[i], sizeof(pid_t)) ==
			sizeof(pid_t));
	ckpt_gate_wait(&up);
	look(&before, mem, PAGES, pid, 8);
	REQUIRE(before.shared > 4 * PAGES);
	ckpt_ready();
	check_sharing(&before, mem, pid, 8);
	ckpt_gate_open(&go, 7);
	ckpt_join(pid[1], 0);
}

static int orphan(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(pages_filled(mem, 0, PAGES, 0));
	fill_pages(mem, 0, PAGES, 3000);
	return 0;
}

/* The process from which they have it is gone. */
CKPT_TEST(orphans)
{
	static struct sharing before;
	pid_t pid[2], parent;
	int i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_gate_init(&done);
	mem = map_rw(PAGES * PAGE);
	REQUIRE(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	parent = fork();
	if (!parent) {
		fill_pages(mem, 0, PAGES, 0);
		for (i = 0; i < 2; i++)
			pid[i] = ckpt_fork(orphan, NULL);
		REQUIRE(write(done.fd[1], pid, sizeof(pid)) == sizeof(pid));
		_exit(0);
	}
	ckpt_join(parent, 0);
	REQUIRE(read(done.fd[0], pid, sizeof(pid)) == sizeof(pid));
	for (i = 0; i < 2; i++)
		ckpt_gate_wait(&up);
	look(&before, mem, PAGES, pid, 2);
	REQUIRE(before.shared == PAGES);
	ckpt_ready();
	check_sharing(&before, mem, pid, 2);
	ckpt_gate_open(&go, 2);
	for (i = 0; i < 2; i++)
		ckpt_join(pid[i], 0);
}

#define HUGE	(2 * MB)

static int with_part(void *arg)
{
	/* half of the second one is not here, some of the third is its own */
	REQUIRE(!munmap(mem + HUGE + HUGE / 2, HUGE / 2));
	ckpt_fill(mem + 2 * HUGE + 5 * PAGE, PAGE, 4);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem, HUGE, 1));
	CHECK(ckpt_filled(mem + 2 * HUGE + 5 * PAGE, PAGE, 4));
	ckpt_fill(mem, HUGE, 6);
	return 0;
}

/* Room for @nr huge pages, where there can be some */
static char *map_huge(size_t nr)
{
	char *area = map_rw((nr + 1) * HUGE);

	area = (char *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1));
	if (madvise(area, nr * HUGE, MADV_HUGEPAGE))
		ckpt_skip("MADV_HUGEPAGE: %m");
	return area;
}

CKPT_TEST(huge_pages)
{
	static struct sharing before;
	pid_t pid[2] = { getpid() };

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	mem = map_huge(3);
	ckpt_fill(mem, HUGE, 1);
	ckpt_fill(mem + HUGE, HUGE, 2);
	ckpt_fill(mem + 2 * HUGE, HUGE, 3);
	pid[1] = ckpt_fork(with_part, NULL);
	ckpt_gate_wait(&up);
	look(&before, mem, 3 * HUGE / PAGE, pid, 2);
	REQUIRE(before.shared == 3 * HUGE / PAGE - HUGE / PAGE / 2 - 1);
	ckpt_ready();
	check_sharing(&before, mem, pid, 2);
	CHECK(ckpt_filled(mem, HUGE, 1));
	ckpt_fill(mem, PAGE, 5);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid[1], 0);
	CHECK(ckpt_filled(mem, PAGE, 5));
	CHECK(ckpt_filled(mem + HUGE, HUGE, 2));
	CHECK(ckpt_filled(mem + 2 * HUGE, HUGE, 3));
}

/*
 * The child has written to a page of each huge one, the grandchild to nothing:
 * the first still has huge pages, of which the others have all but one page.
 */
#define BLOCKS		4
#define WRITTEN		5

static pid_t *third;

static void check_blocks(bool written)
{
	char *block;
	size_t i;

	for (i = 0; i < BLOCKS; i++) {
		block = mem + i * HUGE;
		CHECK(pages_filled(block, 0, WRITTEN, i));
		CHECK(pages_filled(block, WRITTEN, WRITTEN + 1,
				   written ? 9000 + i : i));
		CHECK(pages_filled(block, WRITTEN + 1, HUGE / PAGE, i));
	}
}

static int as_it_was(void *arg)
{
	*third = getpid();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	check_blocks(true);
	return 0;
}

static int with_written(void *arg)
{
	pid_t child;
	size_t i;

	for (i = 0; i < BLOCKS; i++)
		fill_pages(mem + i * HUGE, WRITTEN, WRITTEN + 1, 9000 + i);
	child = ckpt_fork(as_it_was, NULL);
	ckpt_gate_wait(&go);
	check_blocks(true);
	ckpt_join(child, 0);
	return 0;
}

CKPT_TEST(huge_generations)
{
	static struct sharing before;
	pid_t pid[3] = { getpid() };
	size_t i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	third = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(third != MAP_FAILED);
	mem = map_huge(BLOCKS);
	for (i = 0; i < BLOCKS; i++)
		fill_pages(mem + i * HUGE, 0, HUGE / PAGE, i);
	pid[1] = ckpt_fork(with_written, NULL);
	ckpt_gate_wait(&up);
	pid[2] = *third;
	look(&before, mem, BLOCKS * HUGE / PAGE, pid, 3);
	ckpt_ready();
	check_sharing(&before, mem, pid, 3);
	check_blocks(false);
	ckpt_gate_open(&go, 2);
	ckpt_join(pid[1], 0);
}

/* -------------------------------------------------------------- the image */

#define CHILDREN	10
#define BIG		(16 * MB)

static int looks(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem, BIG, 1));
	return 0;
}

CKPT_VICTIM(ten_children)
{
	pid_t pid[CHILDREN];
	int i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	mem = map_rw(BIG);
	ckpt_fill(mem, BIG, 1);
	for (i = 0; i < CHILDREN; i++)
		pid[i] = ckpt_fork(looks, NULL);
	for (i = 0; i < CHILDREN; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, CHILDREN);
	for (i = 0; i < CHILDREN; i++)
		ckpt_join(pid[i], 0);
}

/* Once in the image, and, again and again, once in memory */
DRIVER_TEST(stored_once)
{
	struct ckpt_victim *v = &self->v;
	int i, rounds = ckpt_rounds();
	struct ckpt_world world;
	long ret;

	ckpt_start(v, "ten_children", 0);
	ckpt_world_take(&world);
	for (i = 0; i < rounds; i++) {
		ckpt_checkpoint_kill(v);
		EXPECT_GT(BIG + BIG / 2, v->stats.bytes);
		ret = ckpt_restart(v, 0);
		ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret),
					 v->log);
	}
	close(v->image);
	v->image = -1;
	ckpt_world_expect(&world, 2 * BIG / 1024);
	ckpt_finish(v);
	ckpt_end(v);
}

/* A reservation costs what is in it. */
#define TB	(1024 * 1024 * MB)

CKPT_VICTIM(reserved)
{
	char *none = mmap(NULL, 64 * TB, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *heap = mmap(NULL, 16 * TB, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned int i;

	if (none == MAP_FAILED || heap == MAP_FAILED)
		ckpt_skip("64 TiB: %m");
	for (i = 0; i < 16; i++)
		ckpt_fill(heap + i * TB + i * PAGE, PAGE, i);
	REQUIRE(!mprotect(none + TB, PAGE, PROT_READ | PROT_WRITE));
	none[TB] = 'x';
	ckpt_ready();
	for (i = 0; i < 16; i++)
		CHECK(ckpt_filled(heap + i * TB + i * PAGE, PAGE, i));
	CHECK_EQ(none[TB], 'x');
	CHECK_EQ(ckpt_fault(none, false), SIGSEGV);
}

DRIVER_TEST(reservation)
{
	struct ckpt_victim *v = &self->v;

	ckpt_start(v, "reserved", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	EXPECT_GT(2 * MB, v->stats.bytes);
	ckpt_restart_finish(v);
}

/* ------------------------------------------------ what is not of the family */

static int has_new_memory(void *arg)
{
	REQUIRE(mmap(mem, 16 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == mem);
	fill_pages(mem, 0, 16, 5000);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(pages_filled(mem, 0, 16, 5000));
	CHECK(pages_filled(mem, 16, BIG / PAGE, 0));
	return 0;
}

CKPT_VICTIM(new_in_front)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	mem = map_rw(BIG);
	fill_pages(mem, 0, BIG / PAGE, 0);
	ckpt_ready_beside(has_new_memory, NULL, &up, &go);
}

/* Behind pages of its own, the shared ones are found in duplicates, too. */
DRIVER_TEST(in_duplicates)
{
	struct ckpt_victim *v = &self->v;
	uint64_t bytes;
	long ret;

	ckpt_start(v, "new_in_front", 0);
	ret = ckpt_checkpoint(v, 0);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	bytes = v->stats.bytes;
	EXPECT_GT(BIG + BIG / 2, bytes);
	ret = ckpt_checkpoint(v, CHECKPOINT_SNAPSHOT);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	EXPECT_EQ(1, v->stats.snapshot);
	EXPECT_GT(bytes + MB, v->stats.bytes);
	ckpt_finish(v);
	ckpt_end(v);
}

static int writes_one(void *arg)
{
	ckpt_gate_wait(&go);
	fill_pages(mem, 0, 1, 5000);
	CHECK(pages_filled(mem, 1, HUGE / PAGE, 0));
	return 0;
}

CKPT_VICTIM(huge_page)
{
	pid_t pid;

	ckpt_gate_init(&go);
	mem = mmap((void *)TB, HUGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	REQUIRE(mem == (void *)TB);
	if (madvise(mem, HUGE, MADV_HUGEPAGE))
		ckpt_skip("MADV_HUGEPAGE: %m");
	fill_pages(mem, 0, HUGE / PAGE, 0);
	pid = ckpt_fork(writes_one, NULL);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* A hostile image: what is a huge page here is of a mapping of a file there. */
DRIVER_TEST(huge_page_of_a_file)
{
	struct ckpt_victim *v = &self->v;
	unsigned int i, found = 0;
	struct ckpt_hdr_vma *vma;
	struct image image;
	uint32_t file = 0;

	ckpt_start(v, "huge_page", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (i = 0; image_find(&image, CKPT_HDR_VMA, i); i++) {
		vma = image_at(&image, CKPT_HDR_VMA, i);
		if (vma->kind == CKPT_VMA_FILE)
			file = vma->file;
		if (vma->start != TB || ++found != 2)
			continue;
		vma->kind = CKPT_VMA_FILE;
		vma->file = file;
		vma->pgoff = TB / PAGE;
	}
	ASSERT_EQ(2, found);
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
