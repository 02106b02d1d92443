// SPDX-License-Identifier: GPL-2.0
/*
 * A restart that fails, or that is killed, leaves nothing behind: no task, no
 * pid, no namespace, no open file, no memory. And the log says why.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#define KB		1024UL
#define SLACK_KB	(16 * KB)

static struct ckpt_gate up, go;

static void *waits(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return NULL;
}

static int child(void *arg)
{
	waits(NULL);
	return 16;
}

/* A thread, a child, shared memory, a pipe with data in it, a file */
CKPT_VICTIM(family)
{
	char *private = mmap(NULL, 256 * KB, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, 64 * KB, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd[2], file = open("file", O_RDWR | O_CREAT, 0600);
	pthread_t thread;
	char buf[8];
	pid_t pid;

	REQUIRE(private != MAP_FAILED && shared != MAP_FAILED && file >= 0);
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(child, NULL);
	REQUIRE(!pthread_create(&thread, NULL, waits, NULL));
	REQUIRE(!pipe(fd) && write(fd[1], "in it", 5) == 5);
	ckpt_fill(private, 256 * KB, 1);
	ckpt_fill(shared, 64 * KB, 2);
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK(ckpt_filled(private, 256 * KB, 1));
	CHECK(ckpt_filled(shared, 64 * KB, 2));
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 5);
	ckpt_gate_open(&go, 2);
	ckpt_join(pid, 16);
	pthread_join(thread, NULL);
}

FIXTURE(fail) {
	struct ckpt_victim v;
	struct image image;
	struct ckpt_world before;
};

FIXTURE_VARIANT(fail) {
	unsigned int flags;
	unsigned int step;	/* each record of the image, or each fifth */
};

FIXTURE_VARIANT_ADD(fail, subtree) {
	.step = 5,
};

FIXTURE_VARIANT_ADD(fail, container) {
	.flags = CKPT_CONTAINER,
	.step = 1,
};

FIXTURE_SETUP(fail)
{
	if (!ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
	ckpt_start(&self->v, "family", variant->flags);
	ckpt_checkpoint_kill(&self->v);
	image_load(&self->image, self->v.image);
	ckpt_world_take(&self->before);
}

FIXTURE_TEARDOWN(fail)
{
	ckpt_cleanup();
}

#define FAIL_TEST(name)		TEST_F_TIMEOUT(fail, name, CKPT_TEST_S)

/* Nothing is left, and the image itself is as good as ever. */
static void finish(struct __test_metadata *_metadata, struct ckpt_victim *v,
		   const struct ckpt_world *before)
{
	ckpt_world_expect(before, SLACK_KB);
	ckpt_restart_finish(v);
}

static void expect_refused(struct __test_metadata *_metadata,
			   struct ckpt_victim *v, int fd, const char *what,
			   unsigned int i, uint32_t type)
{
	long ret = ckpt_restart_from(v, 0, fd);

	close(fd);
	if (ret > 0) {
		ckpt_kill(v);
		ret = 0;
	}
	EXPECT_GT(0, ret)
		TH_LOG("%s record %u (%s)", what, i, image_rec_name(type));
	EXPECT_NE(0, v->log[0])
		TH_LOG("nothing in the log: %s record %u (%s): %s", what, i,
		       image_rec_name(type), strerror(-ret));
}

FAIL_TEST(cut_off)
{
	struct image *image = &self->image;
	unsigned int i;

	for (i = 0; i < image->nr; i += variant->step * ckpt_step()) {
		struct image_rec *rec = &image->rec[i];
		size_t inside = rec->off + rec->len / 2;

		expect_refused(_metadata, &self->v, image_file(image, rec->off),
			       "cut off before", i, rec->type);
		expect_refused(_metadata, &self->v, image_file(image, inside),
			       "cut off inside of", i, rec->type);
		if (rec->payload)
			expect_refused(_metadata, &self->v,
				       image_file(image, rec->off + rec->len +
						  rec->pad + rec->payload / 2),
				       "cut off in the pages of", i, rec->type);
	}
	finish(_metadata, &self->v, &self->before);
}

static int seeds(void)
{
	const char *s = getenv("CKPT_SEEDS");

	return s && *s ? atoi(s) : 1;
}

/* A flipped bit, anywhere in a record: another one with each seed */
FAIL_TEST(flipped)
{
	struct image *image = &self->image;
	uint64_t random;
	int seed, fd;
	unsigned int i;

	for (seed = 0; seed < seeds(); seed++) {
		for (i = 0; i < image->nr; i += variant->step * ckpt_step()) {
			struct image_rec *rec = &image->rec[i];
			size_t at;

			ckpt_fill(&random, sizeof(random), seed * 1000 + i);
			at = rec->off + random % rec->len;
			image->data[at] ^= 1 << (random >> 32) % 8;
			fd = image_file(image, image->size);
			image->data[at] ^= 1 << (random >> 32) % 8;
			expect_refused(_metadata, &self->v, fd, "flipped", i,
				       rec->type);
			if (!rec->payload)
				continue;
			at = rec->off + rec->len + rec->pad +
			     random % rec->payload;
			image->data[at] ^= 0x10;
			fd = image_file(image, image->size);
			image->data[at] ^= 0x10;
			expect_refused(_metadata, &self->v, fd,
				       "flipped in the pages of", i, rec->type);
		}
	}
	finish(_metadata, &self->v, &self->before);
}

/* One record is missing, and the trailer does not know of it. */
FAIL_TEST(left_out)
{
	struct image *image = &self->image, other;
	unsigned int i;

	for (i = 0; i + 1 < image->nr; i += variant->step * ckpt_step()) {
		struct image_rec *rec = &image->rec[i];
		size_t len = rec->len + rec->pad + rec->payload;
		int fd;

		fd = ckpt_tmpfile();
		ckpt_write_all(fd, image->data, rec->off);
		ckpt_write_all(fd, image->data + rec->off + len,
			       image->size - rec->off - len);
		/* But for pages: that some are not there is no mistake. */
		if (i && !rec->payload) {
			image_load(&other, fd);
			image_seal(&other);
			close(fd);
			fd = image_file(&other, other.size);
			image_free(&other);
		}
		lseek(fd, 0, SEEK_SET);
		expect_refused(_metadata, &self->v, fd, "without", i,
			       rec->type);
	}
	finish(_metadata, &self->v, &self->before);
}

/* Somebody who restarts from a pipe */
static pid_t start_restart(struct ckpt_victim *v, int fd, int close_too)
{
	struct restart_args args = {
		.inherit = (uintptr_t)v->inherit,
		.inherit_nr = v->nr_inherit,
		.tty_fd = -1,
	};
	pid_t pid = fork();

	if (pid < 0)
		ckpt_die("fork: %s", strerror(errno));
	if (!pid) {
		close(close_too);
		_exit(sys_restart(0, fd, 0, -1, &args, sizeof(args)) < 0 ?
		      errno : 0);
	}
	return pid;
}

static void feed(int fd, const struct image *image, size_t len, pid_t reader)
{
	int held, status;

	ckpt_write_all(fd, image->data, len);
	/* Until all of it has been read, by the restart or one of its tasks */
	for (;;) {
		if (ioctl(fd, FIONREAD, &held))
			ckpt_die("FIONREAD: %s", strerror(errno));
		if (!held)
			break;
		if (waitpid(reader, &status, WNOHANG) == reader)
			ckpt_die("restart ended: status %#x", status);
		ckpt_pause();
	}
}

FAIL_TEST(killed_while_it_reads)
{
	struct image *image = &self->image;
	unsigned int i;

	for (i = 0; i < image->nr; i += variant->step * ckpt_step()) {
		int fd[2], status;
		pid_t pid;

		ASSERT_EQ(0, pipe2(fd, O_CLOEXEC));
		pid = start_restart(&self->v, fd[0], fd[1]);
		close(fd[0]);
		feed(fd[1], image, image->rec[i].off, pid);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(SIGKILL, status);
		close(fd[1]);
		/* Children of whom was killed would have come to this one. */
		ckpt_reaped(&self->v);
	}
	finish(_metadata, &self->v, &self->before);
}

/* The writer of the pipe goes away instead. */
FAIL_TEST(stream_ends)
{
	struct image *image = &self->image;
	unsigned int i;

	for (i = 0; i < image->nr; i += 7 * ckpt_step()) {
		int fd[2], status;
		pid_t pid;

		ASSERT_EQ(0, pipe2(fd, O_CLOEXEC));
		pid = start_restart(&self->v, fd[0], fd[1]);
		close(fd[0]);
		feed(fd[1], image, image->rec[i].off, pid);
		close(fd[1]);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(EINVAL << 8, status);
	}
	finish(_metadata, &self->v, &self->before);
}

/* The first child of a process, as the caller numbers it */
static pid_t first_child(pid_t pid)
{
	char path[64], buf[256];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	return ckpt_read_file(path, buf, sizeof(buf)) > 0 ? atoi(buf) : 0;
}

/* Before the last record: all tasks are there, and wait for the rest. */
static pid_t half_restored(struct __test_metadata *_metadata,
			   struct ckpt_victim *v, struct image *image, int *fd)
{
	int p[2];
	pid_t pid;

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	pid = start_restart(v, p[0], p[1]);
	close(p[0]);
	feed(p[1], image, image->rec[image->nr - 1].off, pid);
	*fd = p[1];
	return pid;
}

/* Trace all threads of a process. Returns how many there are. */
static int seize_threads(pid_t pid)
{
	struct dirent *de;
	char path[64];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((de = readdir(dir)))
		if (isdigit(de->d_name[0]) &&
		    !ptrace(PTRACE_SEIZE, atoi(de->d_name), NULL,
			    PTRACE_O_TRACEEXIT))
			n++;
	closedir(dir);
	return n;
}

/* All are reaped by whoever restarted: nobody comes to this process. */
static void expect_failed(struct __test_metadata *_metadata, pid_t pid,
			  int error)
{
	int status;

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(error << 8, status);
	EXPECT_EQ(-1, waitpid(-1, &status, __WALL));
	EXPECT_EQ(ECHILD, errno);
}

/* A task of the tree to be is killed, when it is half made. */
FAIL_TEST(a_restored_task_is_killed)
{
	pid_t pid, victim;
	int fd, child;

	for (child = 0; child < 2; child++) {
		pid = half_restored(_metadata, &self->v, &self->image, &fd);
		victim = first_child(pid);
		if (child)
			victim = first_child(victim);
		ASSERT_LT(0, victim);
		/* It does not take the rest of the image to notice. */
		kill(victim, SIGKILL);
		expect_failed(_metadata, pid, EINTR);
		close(fd);
	}
	finish(_metadata, &self->v, &self->before);
}

/* Whoever traces a task of the tree to be does not keep it. */
FAIL_TEST(a_restored_task_is_traced)
{
	pid_t pid, root;
	int fd;

	pid = half_restored(_metadata, &self->v, &self->image, &fd);
	root = first_child(pid);
	ASSERT_LT(0, root);
	EXPECT_EQ(2, seize_threads(root));
	EXPECT_EQ(1, seize_threads(first_child(root)));
	close(fd);
	expect_failed(_metadata, pid, EINVAL);
	finish(_metadata, &self->v, &self->before);
}

/* The program of that name, its image from @fd */
static pid_t start_tool(struct ckpt_victim *v, int fd, int close_too)
{
	char names[CKPT_INHERIT_MAX][300], *argv[2 * CKPT_INHERIT_MAX + 2];
	unsigned int i, n = 0;
	pid_t pid = fork();

	if (pid < 0)
		ckpt_die("fork: %s", strerror(errno));
	if (pid)
		return pid;
	close(close_too);
	argv[n++] = "restart";
	for (i = 0; i < v->nr_inherit; i++) {
		snprintf(names[i], sizeof(names[i]), "%s=%d",
			 v->inherit_name[i], (int)v->inherit[i].fd);
		fcntl(v->inherit[i].fd, F_SETFD, 0);
		argv[n++] = "--inherit-fd";
		argv[n++] = names[i];
	}
	argv[n] = NULL;
	dup2(fd, 0);
	/* A shell that runs this in the background has these ignored. */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	execvp(argv[0], argv);
	_exit(127);
}

FAIL_TEST(the_tool_gets_a_signal)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct image *image = &self->image;
	unsigned int i;
	int p[2], status;
	pid_t pid;

	if (access("/usr/local/bin/restart", X_OK))
		SKIP(return, "no restart(1)");
	for (i = 0; i < ARRAY_SIZE(sigs); i++) {
		ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
		pid = start_tool(&self->v, p[0], p[1]);
		close(p[0]);
		feed(p[1], image, image->rec[image->nr - 1].off, pid);
		kill(pid, sigs[i]);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(sigs[i], status);
		EXPECT_EQ(-1, waitpid(-1, &status, __WALL));
		close(p[1]);
	}
	finish(_metadata, &self->v, &self->before);
}

/* What the image names is not there any more. */
FAIL_TEST(file_is_missing)
{
	struct ckpt_victim *v = &self->v;
	char from[128], to[128];
	long ret;

	snprintf(from, sizeof(from), "%s/file", v->dir);
	snprintf(to, sizeof(to), "%s/elsewhere", v->dir);
	ASSERT_EQ(0, rename(from, to));
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOENT, ret);
	EXPECT_TRUE(ckpt_logged(v, from)) TH_LOG("%s", v->log);
	ASSERT_EQ(0, mkdir(from, 0700));
	ret = ckpt_restart(v, 0);
	EXPECT_GT(0, ret);
	EXPECT_TRUE(ckpt_logged(v, from)) TH_LOG("%s", v->log);
	ASSERT_EQ(0, rmdir(from));
	ASSERT_EQ(0, rename(to, from));
	finish(_metadata, v, &self->before);
}

/* A pid that the tree wants is taken by somebody else. */
FAIL_TEST(pid_is_taken)
{
	struct ckpt_victim *v = &self->v;
	struct eclone_args args = { .nr_pids = 1 };
	uint32_t nrs[2];
	struct image_rec *rec;
	pid_t pid, taken;
	long ret;

	if (variant->flags & CKPT_CONTAINER)
		SKIP(return, "its pids are its own");
	/* That of the last task of the tree, so that others are made first */
	rec = image_find(&self->image, CKPT_HDR_VPIDS, 0);
	ASSERT_NE(NULL, rec);
	memcpy(nrs, self->image.data + rec->off + rec->len - sizeof(nrs),
	       sizeof(nrs));
	/* The last may be there to fill up the record. */
	taken = nrs[1] ? nrs[1] : nrs[0];
	pid = sys_eclone(SIGCHLD, &args, sizeof(args), &taken);
	if (!pid)
		_exit(pause());
	ASSERT_EQ(taken, pid);
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-EEXIST, ret);
	EXPECT_TRUE(ckpt_logged(v, "in use")) TH_LOG("%s", v->log);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	finish(_metadata, v, &self->before);
}

TEST_HARNESS_MAIN
