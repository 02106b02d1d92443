// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoints by copy on write: the tree runs on while its image is written,
 * and the image is of one moment.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define KB		1024UL
#define MB		(1024 * KB)
#define PAGE		4096UL
#define FILE_PAGES	16

#define CGROUP		"/sys/fs/cgroup/ckpt-snapshot"
#define TRACING		"/sys/kernel/tracing"
#define HUGE_PAGES	"/proc/sys/vm/nr_hugepages"
#define OVERCOMMIT	"/proc/sys/vm/overcommit_memory"
#define OVERCOMMIT_KB	"/proc/sys/vm/overcommit_kbytes"

/* ---------------------------------------------- victims that write always */

/**
 * struct both - what two writers share
 * @stop: they are to end
 * @child: how often the child went through its memory
 */
struct both {
	bool stop;
	uint64_t child;
};

/**
 * struct writer - one that goes through its memory again and again
 * @mem: memory: the first word of each page tells how often it was here
 * @len: its lengths in bytes
 * @nr: how many pieces of memory
 * @file: a file, of which the same is true, or -1
 * @progress: where the driver finds how often it went through all, or -1
 * @passes: how often it did
 * @wrong: pages that did not say what it had written there
 * @both: what it shares with its parent or child
 */
struct writer {
	char *mem[8];
	size_t len[8];
	int nr;
	int file;
	int progress;
	volatile uint64_t passes;
	volatile uint64_t wrong;
	volatile struct both *both;
};

static void add_memory(struct writer *w, size_t len, int flags, int fd)
{
	char *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 fd < 0 ? flags | MAP_ANONYMOUS : flags, fd, 0);

	REQUIRE(mem != MAP_FAILED);
	w->mem[w->nr] = mem;
	w->len[w->nr++] = len;
}

static void write_file(struct writer *w)
{
	uint64_t seen;
	off_t pos;

	for (pos = 0; pos < (off_t)(FILE_PAGES * PAGE); pos += PAGE) {
		if (pread(w->file, &seen, sizeof(seen), pos) != sizeof(seen) ||
		    seen != w->passes)
			w->wrong++;
		seen = w->passes + 1;
		if (pwrite(w->file, &seen, sizeof(seen), pos) != sizeof(seen))
			w->wrong++;
	}
}

static void *writes(void *arg)
{
	struct writer *w = arg;
	uint64_t done;
	size_t pos;
	int i;

	while (!w->both->stop) {
		for (i = 0; i < w->nr; i++)
			for (pos = 0; pos < w->len[i]; pos += PAGE) {
				volatile uint64_t *word =
					(uint64_t *)(w->mem[i] + pos);

				/* ahead of us: it is of a later moment */
				if (*word != w->passes)
					w->wrong++;
				*word = w->passes + 1;
			}
		if (w->file >= 0)
			write_file(w);
		done = ++w->passes;
		if (w->progress >= 0)
			pwrite(w->progress, &done, sizeof(done), 0);
		else
			w->both->child = done;
	}
	return NULL;
}

static int child_writes(void *arg)
{
	struct writer *w = arg;

	w->progress = -1;
	w->file = -1;
	/* shared with the parent, which writes there */
	w->nr = 2;
	w->passes = 0;
	memset(w->mem[0], 0, w->len[0]);
	memset(w->mem[1], 0, w->len[1]);
	writes(w);
	CHECK_EQ(w->wrong, 0);
	return w->passes > 0 ? 21 : 22;
}

static int open_progress(void)
{
	int fd = open("progress", O_RDWR | O_CREAT, 0600);
	uint64_t none = 0;

	REQUIRE(fd >= 0 && pwrite(fd, &none, sizeof(none), 0) == sizeof(none));
	return fd;
}

static int removed_file(void)
{
	static const char zeros[FILE_PAGES * PAGE];
	int fd = open("removed", O_RDWR | O_CREAT, 0600);

	REQUIRE(fd >= 0 && pwrite(fd, zeros, sizeof(zeros), 0) == sizeof(zeros));
	REQUIRE(!unlink("removed"));
	return fd;
}

/* Writes everywhere: what a duplicate has, lacks, and shares with the tree */
CKPT_VICTIM(busy)
{
	static struct writer w = { .file = -1, .progress = -1 };
	int fd = open("mapped", O_RDWR | O_CREAT, 0600);
	int zero = open("/dev/zero", O_RDWR);
	pthread_t thread;
	struct both *both;
	uint64_t before;
	pid_t pid;

	REQUIRE(fd >= 0 && !ftruncate(fd, MB) && zero >= 0);
	both = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(both != MAP_FAILED);
	w.both = both;
	add_memory(&w, 4 * MB, MAP_PRIVATE, -1);
	add_memory(&w, MB, MAP_PRIVATE, fd);
	pid = ckpt_fork(child_writes, &w);
	add_memory(&w, MB, MAP_PRIVATE, -1);
	REQUIRE(!madvise(w.mem[2], MB, MADV_DONTFORK));
	add_memory(&w, MB, MAP_PRIVATE, -1);
	REQUIRE(!madvise(w.mem[3], MB, MADV_WIPEONFORK));
	add_memory(&w, 2 * MB, MAP_SHARED, -1);
	add_memory(&w, 64 * KB, MAP_PRIVATE, zero);
	/* the mappings alone hold these */
	close(fd);
	close(zero);
	w.file = removed_file();
	w.progress = open_progress();
	REQUIRE(!pthread_create(&thread, NULL, writes, &w));
	/* all memory is there */
	CKPT_WAIT_FOR(w.passes && w.both->child);
	ckpt_ready();
	before = w.passes;
	CKPT_WAIT_FOR(w.passes > before + 1);
	w.both->stop = true;
	pthread_join(thread, NULL);
	CHECK_EQ(w.wrong, 0);
	ckpt_join(pid, 21);
}

/* Memory that nobody writes to, and much more that has never been touched */
CKPT_VICTIM(quiet)
{
	char *mem = mmap(NULL, 160 * MB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(mem != MAP_FAILED);
	ckpt_fill(mem, 16 * MB, 1);
	ckpt_ready();
	CHECK(ckpt_filled(mem, 16 * MB, 1));
	ckpt_fill(mem, 16 * MB, 2);
	CHECK(ckpt_filled(mem, 16 * MB, 2));
}

static uint64_t passes_of(struct ckpt_victim *v)
{
	uint64_t passes = 0;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/progress", v->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &passes, sizeof(passes)) != sizeof(passes))
		ckpt_die("%s: %s", path, strerror(errno));
	close(fd);
	return passes;
}

static void wait_progress(struct ckpt_victim *v, unsigned int passes)
{
	uint64_t end = passes_of(v) + passes;

	while (passes_of(v) < end)
		ckpt_pause();
}

/* ----------------------------------- a call that a process of its own makes */

/**
 * struct call - a checkpoint that is going on
 * @pid: who makes it
 * @image: the end of its pipe
 * @log: its log
 * @ret: what it returned, or -errno
 * @stats: its statistics
 */
struct call {
	pid_t pid;
	int image;
	int log;
	long ret;
	struct checkpoint_stats stats;
};

/* Begin to checkpoint into a pipe that is not read so far. */
static struct call *begin(struct ckpt_victim *v, unsigned long flags)
{
	struct checkpoint_args args;
	struct call *call;
	int fd[2];
	pid_t pid;

	call = mmap(NULL, sizeof(*call), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (call == MAP_FAILED || pipe2(fd, O_CLOEXEC))
		ckpt_die("pipe: %s", strerror(errno));
	ckpt_log_open(&call->log);
	if (!(v->flags & CKPT_CONTAINER))
		flags |= CHECKPOINT_SUBTREE;
	call->image = fd[0];
	pid = fork();
	if (pid < 0)
		ckpt_die("fork: %s", strerror(errno));
	if (pid) {
		call->pid = pid;
		close(fd[1]);
		return call;
	}
	close(fd[0]);
	signal(SIGPIPE, SIG_IGN);
	memset(&args, 0, sizeof(args));
	args.stats = (uintptr_t)&call->stats;
	args.stats_size = sizeof(call->stats);
	call->ret = sys_checkpoint(v->pid, fd[1], flags, call->log, &args,
				   sizeof(args));
	if (call->ret < 0)
		call->ret = -errno;
	_exit(0);
}

/* Nothing is written before the tree runs. */
static void wait_written(struct call *call)
{
	struct pollfd p = { .fd = call->image, .events = POLLIN };

	if (poll(&p, 1, CKPT_WAIT_S * 1000) != 1)
		ckpt_die("nothing is written");
}

/* Take the image, if it is wanted, and see how it ended. */
static long end(struct ckpt_victim *v, struct call *call, bool take)
{
	static char buf[64 * KB];
	ssize_t n;
	int status;
	long ret;

	if (take) {
		v->image = ckpt_tmpfile();
		while ((n = read(call->image, buf, sizeof(buf))) > 0)
			ckpt_write_all(v->image, buf, n);
	}
	close(call->image);
	if (waitpid(call->pid, &status, 0) != call->pid)
		ckpt_die("waitpid: %s", strerror(errno));
	ckpt_log_read(v, call->log);
	v->stats = call->stats;
	ret = status ? -EINTR : call->ret;
	munmap(call, sizeof(*call));
	return ret;
}

/* --------------------------------------------------------------- the moment */

static void moment_holds(struct __test_metadata *_metadata,
			 struct ckpt_victim *v, unsigned int flags)
{
	struct call *call;
	unsigned int i;
	long ret;

	ckpt_start(v, "busy", flags);
	for (i = 0; i < 2; i++) {
		call = begin(v, CHECKPOINT_SNAPSHOT);
		wait_written(call);
		/* nobody reads the image, and it goes on all the same */
		wait_progress(v, 3);
		ckpt_ping(v);
		ret = end(v, call, true);
		ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret),
					 v->log);
		EXPECT_STREQ("", v->log);
		EXPECT_EQ(1, v->stats.snapshot);
		/* shared memory of 2 MiB, and the file */
		EXPECT_LE(512 + 1 + FILE_PAGES, v->stats.copied);
		EXPECT_GT(1024, v->stats.copied);
		EXPECT_LE(v->stats.duplicate_ns, v->stats.memory_ns);
		EXPECT_LE(v->stats.memory_ns, v->stats.tasks_ns);
		EXPECT_LT(v->stats.stopped_ns, v->stats.total_ns);
		EXPECT_LE(v->stats.write_ns,
			  v->stats.total_ns - v->stats.stopped_ns);
		EXPECT_EQ(lseek(v->image, 0, SEEK_END), v->stats.bytes);
		ckpt_kill(v);
		ret = ckpt_restart(v, 0);
		ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret),
					 v->log);
		close(v->image);
		v->image = -1;
	}
	ckpt_finish(v);
	ckpt_end(v);
}

DRIVER_TEST(moment_holds)
{
	moment_holds(_metadata, &self->v, 0);
}

DRIVER_TEST(moment_holds_in_a_container)
{
	moment_holds(_metadata, &self->v, CKPT_CONTAINER);
}

/* It is the image that it would be otherwise. */
DRIVER_TEST(same_image)
{
	struct ckpt_victim *v = &self->v;
	struct image parked, snapshot;
	unsigned int i;
	long ret;

	ckpt_start(v, "quiet", 0);
	ret = ckpt_checkpoint(v, 0);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	EXPECT_EQ(0, v->stats.snapshot);
	image_load(&parked, v->image);
	ret = ckpt_checkpoint(v, CHECKPOINT_SNAPSHOT);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	EXPECT_EQ(1, v->stats.snapshot);
	image_load(&snapshot, v->image);
	ASSERT_EQ(parked.nr, snapshot.nr);
	for (i = 0; i < parked.nr; i++) {
		ASSERT_EQ(parked.rec[i].type, snapshot.rec[i].type);
		ASSERT_EQ(parked.rec[i].len, snapshot.rec[i].len);
		ASSERT_EQ(parked.rec[i].payload, snapshot.rec[i].payload);
	}
	image_free(&parked);
	image_free(&snapshot);
	/* what was shared with the duplicate is its own again */
	ckpt_finish(v);
	ckpt_end(v);
}

/* Whoever is gone by then is in the image as it was. */
DRIVER_TEST(killed_while_it_is_written)
{
	struct ckpt_victim *v = &self->v;
	struct call *call;
	siginfo_t info;
	long ret;

	ckpt_start(v, "busy", 0);
	call = begin(v, CHECKPOINT_SNAPSHOT);
	wait_written(call);
	kill(v->pid, SIGKILL);
	ASSERT_EQ(0, waitid(P_PID, v->pid, &info, WEXITED | WNOWAIT));
	ret = end(v, call, true);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	ckpt_kill(v);
	ckpt_restart_finish(v);
}

/*
 * Two at a time, of the same tree: each has duplicates of its own, and neither
 * is a user from outside for the other.
 */
static void two_at_a_time(struct __test_metadata *_metadata,
			  struct ckpt_victim *v, unsigned int flags)
{
	struct call *first, *second;
	long ret;

	ckpt_start(v, "busy", flags);
	first = begin(v, CHECKPOINT_SNAPSHOT);
	wait_written(first);
	wait_progress(v, 2);
	second = begin(v, CHECKPOINT_SNAPSHOT);
	wait_written(second);
	wait_progress(v, 2);
	ret = end(v, first, true);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	close(v->image);
	ret = end(v, second, true);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	ckpt_kill(v);
	ckpt_restart_finish(v);
}

DRIVER_TEST(two_at_a_time)
{
	two_at_a_time(_metadata, &self->v, 0);
}

DRIVER_TEST(two_at_a_time_of_a_container)
{
	two_at_a_time(_metadata, &self->v, CKPT_CONTAINER);
}

/* A process that saves itself so */
CKPT_VICTIM(itself)
{
	int fd = open("image", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *mem = mmap(NULL, 8 * MB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long id;

	REQUIRE(fd >= 0 && mem != MAP_FAILED);
	ckpt_fill(mem, 8 * MB, 1);
	id = sys_checkpoint(0, fd, CHECKPOINT_SUBTREE | CHECKPOINT_SNAPSHOT,
			    -1, NULL, 0);
	CHECK(id >= 0);
	CHECK(ckpt_filled(mem, 8 * MB, 1));
	ckpt_fill(mem, 8 * MB, 2);
	ckpt_ready();
	CHECK(ckpt_filled(mem, 8 * MB, 2));
}

DRIVER_TEST(of_itself)
{
	struct ckpt_victim *v = &self->v;
	char path[128];
	long ret;
	int fd;

	ckpt_start(v, "itself", 0);
	ckpt_finish(v);
	snprintf(path, sizeof(path), "%s/image", v->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ret = ckpt_restart_from(v, 0, fd);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	close(fd);
	ckpt_wait_ready(v);
	ckpt_finish(v);
	ckpt_end(v);
}

/* ----------------------------------------------------------- what goes wrong */

/* Nothing of it is left, and the tree can be saved again. */
static void unharmed(struct __test_metadata *_metadata, struct ckpt_victim *v,
		     const struct ckpt_world *before)
{
	ckpt_ping(v);
	wait_progress(v, 2);
	/* less than the duplicates */
	ckpt_world_expect(before, 8 * KB);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

DRIVER_TEST(caller_killed)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_world before;
	struct call *call;

	ckpt_start(v, "busy", 0);
	ckpt_world_take(&before);
	call = begin(v, CHECKPOINT_SNAPSHOT);
	wait_written(call);
	wait_progress(v, 2);
	kill(call->pid, SIGKILL);
	EXPECT_EQ(-EINTR, end(v, call, false));
	unharmed(_metadata, v, &before);
}

DRIVER_TEST(reader_gone)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_world before;
	struct call *call;

	ckpt_start(v, "busy", 0);
	ckpt_world_take(&before);
	call = begin(v, CHECKPOINT_SNAPSHOT);
	wait_written(call);
	wait_progress(v, 2);
	EXPECT_EQ(-EPIPE, end(v, call, false));
	EXPECT_TRUE(ckpt_logged(v, "image: cannot write")) TH_LOG("%s", v->log);
	unharmed(_metadata, v, &before);
}

/* Found out when the tree runs again, and nobody waits for it */
DRIVER_TEST(disk_full)
{
	struct ckpt_victim *v = &self->v;
	char dir[] = "/tmp/ckpt.full.XXXXXX", path[64];
	struct ckpt_world before;
	int fd;

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_NE(NULL, mkdtemp(dir));
	ASSERT_EQ(0, mount("tmpfs", dir, "tmpfs", 0, "size=1m"));
	snprintf(path, sizeof(path), "%s/image", dir);
	ckpt_start(v, "busy", 0);
	ckpt_world_take(&before);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOSPC, ckpt_checkpoint_to(v, CHECKPOINT_SNAPSHOT, fd));
	close(fd);
	ASSERT_EQ(0, umount(dir));
	ASSERT_EQ(0, rmdir(dir));
	unharmed(_metadata, v, &before);
}

DRIVER_TEST(flags)
{
	struct ckpt_victim *v = &self->v;
	struct checkpoint_args args = { .snapshot_min = 1 };
	char old[CHECKPOINT_STATS_SIZE_VER0 + 8];
	int fd = ckpt_tmpfile();

	ckpt_start(v, "quiet", 0);
	EXPECT_EQ(-EINVAL, ckpt_checkpoint(v, CHECKPOINT_SNAPSHOT |
					      CHECKPOINT_KILL));
	EXPECT_EQ(-EINVAL, ckpt_checkpoint(v, CHECKPOINT_SNAPSHOT |
					      CHECKPOINT_STOP));
	EXPECT_EQ(-1, sys_checkpoint(v->pid, fd, CHECKPOINT_SUBTREE, -1, &args,
				     sizeof(args)));
	EXPECT_EQ(EINVAL, errno);
	args.snapshot_min = 0;
	args.stats_size = CHECKPOINT_STATS_SIZE_VER0 - 8;
	EXPECT_EQ(-1, sys_checkpoint(v->pid, fd, CHECKPOINT_SUBTREE, -1, &args,
				     sizeof(args)));
	EXPECT_EQ(EINVAL, errno);
	/* who does not say how much room there is gets what there was of old */
	memset(old, 0x55, sizeof(old));
	args.stats = (uintptr_t)old;
	args.stats_size = 0;
	EXPECT_LT(0, sys_checkpoint(v->pid, fd, CHECKPOINT_SUBTREE, -1, &args,
				    sizeof(args)));
	EXPECT_EQ(0x55, old[CHECKPOINT_STATS_SIZE_VER0]);
	EXPECT_EQ(0, old[CHECKPOINT_STATS_SIZE_VER0 - 1]);
	ckpt_finish(v);
	ckpt_end(v);
}

/* ---------------------------------------------- where there is to be none */

/* The tree stands still, and the log says why. */
static void expect_parked(struct __test_metadata *_metadata,
			  struct ckpt_victim *v, const char *why)
{
	long ret = ckpt_checkpoint(v, CHECKPOINT_SNAPSHOT);

	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	EXPECT_EQ(0, v->stats.snapshot);
	EXPECT_TRUE(ckpt_logged(v, why)) TH_LOG("log: %s", v->log);
	EXPECT_TRUE(ckpt_logged(v, "no copy on write"));
	ckpt_kill(v);
	ckpt_restart_finish(v);
}

DRIVER_TEST(too_little)
{
	struct ckpt_victim *v = &self->v;
	struct checkpoint_args args = {
		.stats = (uintptr_t)&v->stats,
		.stats_size = sizeof(v->stats),
		.snapshot_min = 64 * MB,
	};
	int log, fd = ckpt_tmpfile();

	ckpt_start(v, "quiet", 0);
	ckpt_log_open(&log);
	EXPECT_LT(0, sys_checkpoint(v->pid, fd, CHECKPOINT_SUBTREE |
				    CHECKPOINT_SNAPSHOT, log, &args,
				    sizeof(args)));
	ckpt_log_read(v, log);
	EXPECT_STREQ("", v->log);
	EXPECT_EQ(0, v->stats.snapshot);
	args.snapshot_min = 8 * MB;
	EXPECT_LT(0, sys_checkpoint(v->pid, fd, CHECKPOINT_SUBTREE |
				    CHECKPOINT_SNAPSHOT, -1, &args,
				    sizeof(args)));
	EXPECT_EQ(1, v->stats.snapshot);
	ckpt_finish(v);
	ckpt_end(v);
}

static unsigned long long number_in(const char *path)
{
	char buf[64];

	if (ckpt_read_file(path, buf, sizeof(buf)) <= 0)
		ckpt_die("%s: %s", path, strerror(errno));
	return strtoull(buf, NULL, 10);
}

static void write_number(const char *path, unsigned long long n)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%llu", n);
	if (ckpt_write_file(path, buf))
		ckpt_die("%s: cannot write %s: %s", path, buf, strerror(errno));
}

FIXTURE(memcg) {
	struct ckpt_victim v;
};

FIXTURE_SETUP(memcg)
{
	if (!ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
	if (mkdir(CGROUP, 0755) || access(CGROUP "/memory.max", W_OK)) {
		rmdir(CGROUP);
		SKIP(return, "no memory cgroup");
	}
	/* what it is started with is charged to it */
	write_number(CGROUP "/cgroup.procs", getpid());
	ckpt_start(&self->v, "quiet", 0);
	write_number("/sys/fs/cgroup/cgroup.procs", getpid());
}

FIXTURE_TEARDOWN(memcg)
{
	ckpt_cleanup();
	rmdir(CGROUP);
}

static void expect_no_victims(struct __test_metadata *_metadata)
{
	char buf[256];

	ASSERT_LT(0, ckpt_read_file(CGROUP "/memory.events", buf, sizeof(buf)));
	EXPECT_NE(NULL, strstr(buf, "oom_kill 0")) TH_LOG("%s", buf);
}

TEST_F(memcg, no_room)
{
	struct ckpt_victim *v = &self->v;

	write_number(CGROUP "/memory.max",
		     number_in(CGROUP "/memory.current") + 8 * MB);
	expect_parked(_metadata, v, "memory cgroup");
	expect_no_victims(_metadata);
}

/* The limit that slows it down counts as well. */
TEST_F(memcg, no_room_at_full_speed)
{
	struct ckpt_victim *v = &self->v;

	write_number(CGROUP "/memory.high",
		     number_in(CGROUP "/memory.current") + 8 * MB);
	expect_parked(_metadata, v, "memory cgroup");
}

TEST_F(memcg, room)
{
	struct ckpt_victim *v = &self->v;
	struct call *call;
	siginfo_t info;
	long ret;

	write_number(CGROUP "/memory.max",
		     number_in(CGROUP "/memory.current") + 24 * MB);
	call = begin(v, CHECKPOINT_SNAPSHOT);
	wait_written(call);
	/* it writes to all of its memory while there is the duplicate */
	ckpt_go(v);
	ASSERT_EQ(0, waitid(P_PID, v->pid, &info, WEXITED | WNOWAIT));
	expect_no_victims(_metadata);
	ret = end(v, call, true);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	EXPECT_EQ(1, v->stats.snapshot);
	ckpt_verdict(v);
	ckpt_restart_finish(v);
}

FIXTURE(overcommit) {
	unsigned long long mode;
	unsigned long long kb;
};

FIXTURE_SETUP(overcommit)
{
	if (!ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
	self->mode = number_in(OVERCOMMIT);
	self->kb = number_in(OVERCOMMIT_KB);
}

FIXTURE_TEARDOWN(overcommit)
{
	write_number(OVERCOMMIT, self->mode);
	if (self->kb)
		write_number(OVERCOMMIT_KB, self->kb);
	else
		write_number("/proc/sys/vm/overcommit_ratio", 50);
	ckpt_cleanup();
}

/* With strict overcommit a duplicate is charged as any memory is. */
TEST_F(overcommit, strict)
{
	static struct ckpt_victim v;
	unsigned long long committed;
	char buf[4096], *line;

	ckpt_start(&v, "quiet", 0);
	ASSERT_LT(0, ckpt_read_file("/proc/meminfo", buf, sizeof(buf)));
	line = strstr(buf, "Committed_AS:");
	ASSERT_NE(NULL, line);
	committed = strtoull(line + 13, NULL, 10);
	/* for the image, which is in memory, but not for a duplicate too */
	write_number(OVERCOMMIT_KB, committed + 96 * KB);
	write_number(OVERCOMMIT, 2);
	expect_parked(_metadata, &v, "duplicate of an address space");
}

FIXTURE(huge) {
	unsigned long long pages;
};

FIXTURE_SETUP(huge)
{
	if (!ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
	if (access(HUGE_PAGES, W_OK))
		SKIP(return, "no hugetlbfs");
	self->pages = number_in(HUGE_PAGES);
	write_number(HUGE_PAGES, self->pages + 4);
}

FIXTURE_TEARDOWN(huge)
{
	ckpt_cleanup();
	write_number(HUGE_PAGES, self->pages);
}

CKPT_VICTIM(huge_pages)
{
	char *mem = mmap(NULL, 4 * MB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (mem == MAP_FAILED)
		ckpt_skip("MAP_HUGETLB: %m");
	ckpt_fill(mem, 4 * MB, 1);
	ckpt_ready();
	CHECK(ckpt_filled(mem, 4 * MB, 1));
}

/* Its owner may take a private huge page from a duplicate: there is none. */
TEST_F(huge, private)
{
	static struct ckpt_victim v;
	long ret;

	ckpt_start(&v, "huge_pages", 0);
	if (v.skip[0])
		SKIP(return, "%s", v.skip);
	ret = ckpt_checkpoint(&v, CHECKPOINT_SNAPSHOT);
	if (ret == -ENOSYS) {
		EXPECT_TRUE(ckpt_logged(&v, "huge pages of hugetlbfs"))
			TH_LOG("%s", v.log);
		ckpt_finish(&v);
		ckpt_end(&v);
		return;
	}
	expect_parked(_metadata, &v, "private huge pages");
}

/* Zeros that were put where the memory of the file has something else */
CKPT_VICTIM(put_zeros)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_zeropage put = {};
	int fd = memfd_create("full", MFD_CLOEXEC), uffd;
	static const char zeros[PAGE];
	const size_t nr = 2048;
	char *mem;
	size_t i;

	REQUIRE(fd >= 0 && !ftruncate(fd, nr * PAGE));
	mem = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	REQUIRE(mem != MAP_FAILED);
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		ckpt_skip("userfaultfd: %m");
	reg.range.start = (uintptr_t)mem;
	reg.range.len = nr * PAGE;
	put.range.start = (uintptr_t)mem;
	put.range.len = PAGE;
	REQUIRE(!ioctl(uffd, UFFDIO_API, &api));
	REQUIRE(!ioctl(uffd, UFFDIO_REGISTER, &reg));
	REQUIRE(!ioctl(uffd, UFFDIO_ZEROPAGE, &put));
	REQUIRE(!ioctl(uffd, UFFDIO_UNREGISTER, &reg.range));
	REQUIRE(!close(uffd));
	for (i = 0; i < nr; i++)
		REQUIRE(pwrite(fd, "f", 1, i * PAGE) == 1);
	/* so many that a duplicate is worth it */
	memset(mem + PAGE, 'm', (nr - 1) * PAGE);
	ckpt_ready();
	CHECK(!memcmp(mem, zeros, PAGE));
	for (i = 1; i < nr; i++)
		CHECK_EQ(mem[i * PAGE], 'm');
}

DRIVER_TEST(hiding_zeros)
{
	ckpt_start(&self->v, "put_zeros", 0);
	if (self->v.skip[0])
		SKIP(return, "%s", self->v.skip);
	expect_parked(_metadata, &self->v, "zeros that hide what a file has");
}

/* ------------------------------------------------------- what is refused */

static void expect_refused(struct __test_metadata *_metadata,
			   struct ckpt_victim *v, const char *victim,
			   const char *why)
{
	ckpt_start(v, victim, 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	EXPECT_EQ(-ENOSYS, ckpt_checkpoint(v, CHECKPOINT_SNAPSHOT));
	EXPECT_TRUE(ckpt_logged(v, why)) TH_LOG("%s", v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

/* By userfaultfd, the descriptor of which is somebody else's */
CKPT_VICTIM(page_faults)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *mem = mmap(NULL, MB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		ckpt_skip("userfaultfd: %m");
	reg.range.start = (uintptr_t)mem;
	reg.range.len = MB;
	REQUIRE(!ioctl(fd, UFFDIO_API, &api));
	REQUIRE(!ioctl(fd, UFFDIO_REGISTER, &reg));
	ckpt_ready();
}

DRIVER_TEST(userfaultfd)
{
	expect_refused(_metadata, &self->v, "page_faults", "userfaultfd");
}

static __attribute__((noinline, used)) void probed(void)
{
	asm volatile("nop; nop; nop" ::: "memory");
}

CKPT_VICTIM(has_probe)
{
	ckpt_ready();
}

/* Where @addr is in the file that is run */
static unsigned long long file_offset(unsigned long addr)
{
	unsigned long start, stop, offset;
	unsigned long long found = 0;
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &stop,
			   &offset) == 3 && start <= addr && addr < stop)
			found = addr - start + offset;
	if (f)
		fclose(f);
	return found;
}

DRIVER_TEST(uprobe)
{
	char exe[256], probe[512];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	ASSERT_LT(0, n);
	exe[n] = 0;
	snprintf(probe, sizeof(probe), "p:ckpt/snapshot %s:%#llx", exe,
		 file_offset((uintptr_t)probed));
	if (ckpt_write_file(TRACING "/uprobe_events", probe))
		SKIP(return, "no uprobes: %s", strerror(errno));
	ASSERT_EQ(0, ckpt_write_file(TRACING "/events/ckpt/snapshot/enable",
				     "1"));
	expect_refused(_metadata, &self->v, "has_probe", "uprobes");
	EXPECT_EQ(0, ckpt_write_file(TRACING "/events/ckpt/snapshot/enable",
				     "0"));
	EXPECT_EQ(0, ckpt_write_file(TRACING "/uprobe_events",
				     "-:ckpt/snapshot"));
}

TEST_HARNESS_MAIN
