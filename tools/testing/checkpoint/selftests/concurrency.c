// SPDX-License-Identifier: GPL-2.0
/*
 * Several at once: two checkpoints of a tree, two restarts of an image, and
 * trees that change while they are taken.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Where nothing else is mapped */
#define SHARED_AT	0x100000000000UL

#include "libckptproto.h"

static struct ckpt_gate up, go;

static int child(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 20;
}

CKPT_VICTIM(quiet)
{
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(child, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 20);
}

/* The second one is refused, and does the first no harm. */
DRIVER_TEST(two_checkpoints)
{
	struct ckpt_victim *v = &self->v;
	char path[64], buf[64];
	pid_t pid, root;
	int fd, i;
	long ret;

	ckpt_start(v, "quiet", 0);
	root = v->pid;
	pid = ckpt_start_parked(v, &fd);
	for (i = 0; i < 3; i++) {
		ret = ckpt_checkpoint(v, CHECKPOINT_KILL);
		EXPECT_EQ(-EBUSY, ret);
		EXPECT_TRUE(ckpt_logged(v, "another checkpoint"))
			TH_LOG("%s", v->log);
	}
	/* Nor of a part of it */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", root, root);
	ASSERT_LT(0, ckpt_read_file(path, buf, sizeof(buf)));
	v->pid = atoi(buf);
	EXPECT_EQ(-EBUSY, ckpt_checkpoint(v, CHECKPOINT_KILL));
	v->pid = root;
	EXPECT_EQ(0, ckpt_end_writer(pid, fd));
	ckpt_ping(v);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

/* The tree is killed under the hands of the checkpoint. */
DRIVER_TEST(killed_while_parked)
{
	struct ckpt_victim *v = &self->v;
	int fd, i;
	pid_t pid;

	for (i = 0; i < 8; i++) {
		char buf[4096];
		int n;

		ckpt_start(v, "quiet", i % 2 ? CKPT_CONTAINER : 0);
		pid = ckpt_start_parked(v, &fd);
		/* Further each time */
		for (n = 0; n < i * 2; n++)
			if (read(fd, buf, sizeof(buf)) <= 0)
				break;
		kill(v->pid, SIGKILL);
		ckpt_end_writer(pid, fd);
		ASSERT_EQ(v->pid, waitpid(v->pid, NULL, 0));
		ckpt_kill(v);
		ckpt_end(v);
	}
}

CKPT_VICTIM(has_terminal)
{
	int unlock = 0, n, m, slave;
	char name[64];

	m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	REQUIRE(m >= 0 && !ioctl(m, TIOCSPTLCK, &unlock) &&
		!ioctl(m, TIOCGPTN, &n));
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	slave = open(name, O_RDWR | O_NOCTTY);
	REQUIRE(slave >= 0);
	ckpt_ready();
	CHECK_EQ(write(m, "a\n", 2), 2);
	CHECK_EQ(read(slave, name, sizeof(name)), 2);
}

/* Its slave, from outside */
static int open_terminal(struct ckpt_victim *v)
{
	char path[64], name[64];
	int fd, i;

	for (i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", v->pid, i);
		memset(name, 0, sizeof(name));
		if (readlink(path, name, sizeof(name) - 1) < 0 ||
		    strncmp(name, "/dev/pts/", 9) ||
		    !strcmp(name, "/dev/pts/ptmx"))
			continue;
		fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	ckpt_die("no terminal");
}

/* Somebody changes the line discipline when it was found to be the usual one. */
DRIVER_TEST(other_discipline_while_parked)
{
	int fd, tty, other = 27 /* N_NULL */, usual = 0 /* N_TTY */, status;
	struct ckpt_victim *v = &self->v;
	pid_t pid;

	ckpt_start(v, "has_terminal", 0);
	pid = ckpt_start_parked(v, &fd);
	tty = open_terminal(v);
	ASSERT_EQ(0, ioctl(tty, TIOCSETD, &other));
	close(tty);
	status = ckpt_end_writer(pid, fd);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EBUSY, WEXITSTATUS(status));
	/* and one that stays so is refused at once */
	EXPECT_EQ(-ENOSYS, ckpt_checkpoint(v, CHECKPOINT_KILL));
	EXPECT_TRUE(ckpt_logged(v, "line discipline")) TH_LOG("%s", v->log);
	tty = open_terminal(v);
	ASSERT_EQ(0, ioctl(tty, TIOCSETD, &usual));
	close(tty);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

/* Other signals wait until the tree is let go. */
DRIVER_TEST(signalled_while_parked)
{
	struct ckpt_victim *v = &self->v;
	int fd, status;
	pid_t pid;

	ckpt_start(v, "quiet", 0);
	pid = ckpt_start_parked(v, &fd);
	kill(v->pid, SIGCONT);
	kill(v->pid, SIGWINCH);
	EXPECT_EQ(0, ckpt_end_writer(pid, fd));
	ckpt_ping(v);
	pid = ckpt_start_parked(v, &fd);
	kill(v->pid, SIGTERM);
	ckpt_end_writer(pid, fd);
	ASSERT_EQ(v->pid, waitpid(v->pid, &status, 0));
	EXPECT_EQ(SIGTERM, status);
	ckpt_kill(v);
	ckpt_end(v);
}

CKPT_VICTIM(shares_memory)
{
	char *shared;

	shared = mmap((void *)SHARED_AT, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	REQUIRE(shared == (void *)SHARED_AT);
	*shared = 'x';
	ckpt_ready();
	CHECK_EQ(*shared, 'x');
}

/* Whoever looks at it for a moment has no part in it. */
DRIVER_TEST(looked_at)
{
	struct ckpt_victim *v = &self->v;
	struct stat st;
	char path[64];
	long ret;
	pid_t pid;
	int i;

	ckpt_start(v, "shares_memory", 0);
	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", v->pid,
		 SHARED_AT, SHARED_AT + 4096);
	if (stat(path, &st))
		SKIP(return, "no /proc/PID/map_files: %s", strerror(errno));
	pid = fork();
	ASSERT_LE(0, pid);
	while (!pid)
		stat(path, &st);
	for (i = 0; i < 40; i++) {
		ret = ckpt_checkpoint(v, 0);
		EXPECT_LT(0, ret) TH_LOG("%s", v->log);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ckpt_finish(v);
	ckpt_end(v);
}

/* Containers from one image, side by side */
DRIVER_TEST(two_restarts)
{
	struct ckpt_victim *v = &self->v;
	pid_t pid[4];
	int i;

	ckpt_start(v, "quiet", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	for (i = 0; i < 4; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			int fd = ckpt_tmpfile();
			char buf[65536];
			off_t at = 0;
			ssize_t n;
			long ret;

			/* A file position of its own */
			while ((n = pread(v->image, buf, sizeof(buf), at)) > 0) {
				ckpt_write_all(fd, buf, n);
				at += n;
			}
			lseek(fd, 0, SEEK_SET);
			ret = ckpt_restart_from(v, 0, fd);
			if (ret < 0)
				_exit(-ret);
			kill(ret, SIGKILL);
			_exit(waitpid(ret, NULL, 0) != ret);
		}
	}
	for (i = 0; i < 4; i++) {
		int status;

		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	ckpt_end(v);
}

/* ------------------------------------------------- trees that do not rest */

struct count {
	volatile unsigned long threads;
	volatile unsigned long processes;
	volatile int stop;
};

static struct count *count;

static void *short_thread(void *arg)
{
	__atomic_add_fetch(&count->threads, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static int makes_threads(void *arg)
{
	pthread_t thread[4];
	int i;

	while (!count->stop) {
		for (i = 0; i < 4; i++)
			REQUIRE(!pthread_create(&thread[i], NULL, short_thread,
						NULL));
		for (i = 0; i < 4; i++)
			CHECK_EQ(pthread_join(thread[i], NULL), 0);
	}
	return 21;
}

static int makes_processes(void *arg)
{
	pid_t pid;

	while (!count->stop) {
		pid = fork();
		REQUIRE(pid >= 0);
		if (!pid) {
			__atomic_add_fetch(&count->processes, 1,
					   __ATOMIC_SEQ_CST);
			_exit(3);
		}
		ckpt_join(pid, 3);
	}
	return 22;
}

CKPT_VICTIM(restless)
{
	unsigned long threads, processes;
	pid_t pid[4];
	int i;

	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(count != MAP_FAILED);
	for (i = 0; i < 4; i++)
		pid[i] = ckpt_fork(i < 2 ? makes_threads : makes_processes,
				   NULL);
	CKPT_WAIT_FOR(count->threads > 10 && count->processes > 10);
	ckpt_ready();
	threads = count->threads;
	processes = count->processes;
	CKPT_WAIT_FOR(count->threads > threads + 10 &&
		      count->processes > processes + 10);
	count->stop = 1;
	for (i = 0; i < 4; i++)
		ckpt_join(pid[i], i < 2 ? 21 : 22);
}

static void *executes(void *arg)
{
	execl("/proc/self/exe", "/proc/self/exe", CKPT_VICTIM_OPTION,
	      "executes_itself", NULL);
	return NULL;
}

/* Not by its first thread, of which nothing but the pid is left each time */
CKPT_VICTIM(executes_itself)
{
	pthread_t thread;

	if (access("begun", F_OK)) {
		close(open("begun", O_CREAT | O_WRONLY, 0600));
		ckpt_ready();
	}
	if (!access("enough", F_OK)) {
		ckpt_ready();
		return;
	}
	REQUIRE(!pthread_create(&thread, NULL, executes, NULL));
	pthread_join(thread, NULL);
	REQUIRE(!"execl");
}

/* Whoever executes is the same task as before, with another pid. */
DRIVER_TEST(exec_by_a_thread)
{
	struct ckpt_victim *v = &self->v;
	char path[128];
	long ret;
	int i;

	ckpt_start(v, "executes_itself", 0);
	ckpt_go(v);
	for (i = 0; i < 50; i++) {
		ret = ckpt_checkpoint(v, 0);
		ASSERT_LT(0, ret) TH_LOG("checkpoint %d: %s\n%s", i,
					 strerror(-ret), v->log);
	}
	snprintf(path, sizeof(path), "%s/enough", v->dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	ckpt_wait_ready(v);
	ckpt_finish(v);
	ckpt_end(v);
}

/* All are parked, those too that were made meanwhile; what passes, passes. */
static long take(struct ckpt_victim *v, unsigned long flags)
{
	long ret;
	int i;

	for (i = 0; i < 200; i++) {
		ret = ckpt_checkpoint(v, flags);
		if (ret != -EBUSY)
			break;
	}
	return ret;
}

static void chase(struct __test_metadata *_metadata, struct ckpt_victim *v,
		  unsigned int flags)
{
	struct image image;
	int i, status;
	long ret;

	ckpt_start(v, "restless", flags);
	for (i = 0; i < 20; i++) {
		ret = take(v, 0);
		ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret),
					 v->log);
		image_load(&image, v->image);
		image_free(&image);
		ckpt_ping(v);
	}
	for (i = 0; i < 5; i++) {
		ret = take(v, CHECKPOINT_KILL);
		ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret),
					 v->log);
		ASSERT_EQ(v->pid, waitpid(v->pid, &status, 0));
		EXPECT_EQ(SIGKILL, status);
		ckpt_reaped(v);
		ret = ckpt_restart(v, 0);
		ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret),
					 v->log);
		ckpt_ping(v);
	}
	ckpt_finish(v);
	ckpt_end(v);
}

DRIVER_TEST(restless_subtree)
{
	chase(_metadata, &self->v, 0);
}

DRIVER_TEST(restless_container)
{
	chase(_metadata, &self->v, CKPT_CONTAINER);
}

TEST_HARNESS_MAIN
