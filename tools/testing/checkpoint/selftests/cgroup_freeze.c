// SPDX-License-Identifier: GPL-2.0
/*
 * Trees that stand still already: in a frozen cgroup, or in group stop. A
 * checkpoint does not set them going, and the cgroup does not lose count.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#define CGROUP_ROOT	"/sys/fs/cgroup"

static struct ckpt_gate up, go;
static volatile bool enough;

static void *computes(void *arg)
{
	volatile unsigned long n = 0;

	while (!enough)
		n++;
	return NULL;
}

static int child(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 19;
}

static void handler(int sig)
{
}

/* One that waits, and one that computes */
CKPT_VICTIM(pair)
{
	pthread_t thread;
	pid_t pid;

	signal(SIGUSR1, handler);
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(child, NULL);
	REQUIRE(!pthread_create(&thread, NULL, computes, NULL));
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 19);
	enough = true;
	pthread_join(thread, NULL);
}

FIXTURE(freeze) {
	struct ckpt_victim v;
	char dir[128];
};

static void cgroup_file(char *path, size_t size, const char *dir,
			const char *name)
{
	snprintf(path, size, "%s/%s", dir, name);
}

static void cgroup_write(const char *dir, const char *name, const char *text)
{
	char path[256];

	cgroup_file(path, sizeof(path), dir, name);
	if (ckpt_write_file(path, text))
		ckpt_die("%s: cannot write %s: %s", path, text,
			 strerror(errno));
}

static int is_frozen(const char *dir)
{
	char path[256], buf[256], *line;

	cgroup_file(path, sizeof(path), dir, "cgroup.events");
	if (ckpt_read_file(path, buf, sizeof(buf)) <= 0)
		ckpt_die("%s: %s", path, strerror(errno));
	line = strstr(buf, "frozen ");
	return line ? atoi(line + 7) : -1;
}

static void wait_frozen(const char *dir, int value)
{
	uint64_t end = ckpt_now() + CKPT_WAIT_S * 1000000000ULL;

	while (is_frozen(dir) != value) {
		if (ckpt_now() > end)
			ckpt_die("%s: frozen is not %d", dir, value);
		ckpt_pause();
	}
}

/* The root of the victim and its one child */
static void move(struct ckpt_victim *v, const char *dir)
{
	char path[64], buf[64];

	snprintf(buf, sizeof(buf), "%d", v->pid);
	cgroup_write(dir, "cgroup.procs", buf);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", v->pid,
		 v->pid);
	if (ckpt_read_file(path, buf, sizeof(buf)) <= 0)
		ckpt_die("%s: nobody", path);
	cgroup_write(dir, "cgroup.procs", buf);
}

FIXTURE_SETUP(freeze)
{
	if (!ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
	if (access(CGROUP_ROOT "/cgroup.procs", W_OK))
		SKIP(return, "no cgroup v2 at " CGROUP_ROOT);
	snprintf(self->dir, sizeof(self->dir), CGROUP_ROOT "/ckpt.%d",
		 getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0755));
	ckpt_start(&self->v, "pair", 0);
	move(&self->v, self->dir);
}

FIXTURE_TEARDOWN(freeze)
{
	char path[256];

	cgroup_file(path, sizeof(path), self->dir, "cgroup.freeze");
	ckpt_write_file(path, "0");
	ckpt_cleanup();
	rmdir(self->dir);
}

#define FREEZE_TEST(name)	TEST_F_TIMEOUT(freeze, name, CKPT_TEST_S)

/* It was asked, and does not answer: nothing of it runs. */
static void expect_silence(struct __test_metadata *_metadata,
			   struct ckpt_victim *v)
{
	struct pollfd pfd = { .fd = v->report[0], .events = POLLIN };

	ASSERT_EQ(1, write(v->go[1], "p", 1));
	EXPECT_EQ(0, poll(&pfd, 1, 300));
}

static void expect_answer(struct __test_metadata *_metadata,
			  struct ckpt_victim *v)
{
	struct pollfd pfd = { .fd = v->report[0], .events = POLLIN };
	char buf[8];

	ASSERT_EQ(1, poll(&pfd, 1, CKPT_WAIT_S * 1000));
	ASSERT_EQ(2, read(v->report[0], buf, 2));
	EXPECT_EQ('P', buf[0]);
}

FREEZE_TEST(stays_frozen)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	int i;
	long ret;

	cgroup_write(self->dir, "cgroup.freeze", "1");
	wait_frozen(self->dir, 1);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	for (i = 0; i < 5; i++) {
		ret = ckpt_checkpoint(v, 0);
		ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret),
					 v->log);
		wait_frozen(self->dir, 1);
	}
	expect_silence(_metadata, v);
	EXPECT_EQ(1, is_frozen(self->dir));
	ckpt_snap_expect(&before, v->pid, CKPT_PIDS_SAME);
	ckpt_snap_free(&before);
	cgroup_write(self->dir, "cgroup.freeze", "0");
	wait_frozen(self->dir, 0);
	expect_answer(_metadata, v);
	ckpt_finish(v);
	ckpt_end(v);
}

/* What was frozen is a state of the cgroup, not of the tasks. */
FREEZE_TEST(restarted_outside)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	cgroup_write(self->dir, "cgroup.freeze", "1");
	wait_frozen(self->dir, 1);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_ping(v);
	/* Nobody is left in it. */
	wait_frozen(self->dir, 1);
	ASSERT_EQ(0, rmdir(self->dir));
	ckpt_finish(v);
	ckpt_end(v);
}

static void end_checkpoint(struct __test_metadata *_metadata, pid_t pid, int fd)
{
	EXPECT_EQ(0, ckpt_end_writer(pid, fd));
}

/* Parked counts as frozen, and leads to the freezer afterwards. */
FREEZE_TEST(frozen_while_parked)
{
	struct ckpt_victim *v = &self->v;
	pid_t pid;
	int fd;

	pid = ckpt_start_parked(v, &fd);
	cgroup_write(self->dir, "cgroup.freeze", "1");
	wait_frozen(self->dir, 1);
	end_checkpoint(_metadata, pid, fd);
	wait_frozen(self->dir, 1);
	expect_silence(_metadata, v);
	EXPECT_EQ(1, is_frozen(self->dir));
	cgroup_write(self->dir, "cgroup.freeze", "0");
	wait_frozen(self->dir, 0);
	expect_answer(_metadata, v);
	ckpt_finish(v);
	ckpt_end(v);
}

FREEZE_TEST(thawed_while_parked)
{
	struct ckpt_victim *v = &self->v;
	pid_t pid;
	int fd;

	cgroup_write(self->dir, "cgroup.freeze", "1");
	wait_frozen(self->dir, 1);
	pid = ckpt_start_parked(v, &fd);
	cgroup_write(self->dir, "cgroup.freeze", "0");
	wait_frozen(self->dir, 0);
	expect_silence(_metadata, v);
	end_checkpoint(_metadata, pid, fd);
	expect_answer(_metadata, v);
	EXPECT_EQ(0, is_frozen(self->dir));
	ckpt_finish(v);
	ckpt_end(v);
}

/* Killed in the freezer, and in the park */
FREEZE_TEST(killed_while_parked)
{
	struct ckpt_victim *v = &self->v;
	char buf[65536];
	pid_t pid;
	int fd;

	cgroup_write(self->dir, "cgroup.freeze", "1");
	wait_frozen(self->dir, 1);
	pid = ckpt_start_parked(v, &fd);
	cgroup_write(self->dir, "cgroup.kill", "1");
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
	/* However it ended: it did. */
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	ckpt_reaped(v);
	ckpt_end(v);
}

static char state_of(pid_t pid)
{
	char path[64], buf[512], *paren;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (ckpt_read_file(path, buf, sizeof(buf)) <= 0)
		return 0;
	paren = strrchr(buf, ')');
	return paren ? paren[2] : 0;
}

FREEZE_TEST(stays_stopped)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	int status;
	long ret;

	kill(v->pid, SIGSTOP);
	ASSERT_EQ(v->pid, waitpid(v->pid, &status, WUNTRACED));
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	ret = ckpt_checkpoint(v, 0);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	EXPECT_EQ('T', state_of(v->pid));
	/* Its parent is not told a second time. */
	EXPECT_EQ(0, waitpid(v->pid, &status, WUNTRACED | WNOHANG));
	expect_silence(_metadata, v);
	ckpt_snap_expect(&before, v->pid, CKPT_PIDS_SAME);
	ckpt_snap_free(&before);
	kill(v->pid, SIGCONT);
	expect_answer(_metadata, v);
	ckpt_finish(v);
	ckpt_end(v);
}

FREEZE_TEST(continued_while_parked)
{
	struct ckpt_victim *v = &self->v;
	int fd, status;
	pid_t pid;

	kill(v->pid, SIGSTOP);
	ASSERT_EQ(v->pid, waitpid(v->pid, &status, WUNTRACED));
	pid = ckpt_start_parked(v, &fd);
	kill(v->pid, SIGCONT);
	expect_silence(_metadata, v);
	end_checkpoint(_metadata, pid, fd);
	expect_answer(_metadata, v);
	ckpt_finish(v);
	ckpt_end(v);
}

static bool is_pending(pid_t pid, int sig)
{
	char path[64], buf[4096], *line;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (ckpt_read_file(path, buf, sizeof(buf)) <= 0)
		ckpt_die("%s: nobody", path);
	line = strstr(buf, "ShdPnd:");
	return line && strtoull(line + 7, NULL, 16) & 1ULL << (sig - 1);
}

/* A signal that it handles waits until it is released. */
FREEZE_TEST(thawed_and_continued_while_parked)
{
	struct ckpt_victim *v = &self->v;
	uint64_t end = ckpt_now() + CKPT_WAIT_S * 1000000000ULL;
	int fd, status;
	pid_t pid;

	kill(v->pid, SIGSTOP);
	ASSERT_EQ(v->pid, waitpid(v->pid, &status, WUNTRACED));
	kill(v->pid, SIGUSR1);
	cgroup_write(self->dir, "cgroup.freeze", "1");
	wait_frozen(self->dir, 1);
	pid = ckpt_start_parked(v, &fd);
	cgroup_write(self->dir, "cgroup.freeze", "0");
	kill(v->pid, SIGCONT);
	while (state_of(v->pid) != 'D') {
		ASSERT_GT(end, ckpt_now());
		ckpt_pause();
	}
	EXPECT_TRUE(is_pending(v->pid, SIGUSR1));
	expect_silence(_metadata, v);
	end_checkpoint(_metadata, pid, fd);
	expect_answer(_metadata, v);
	EXPECT_FALSE(is_pending(v->pid, SIGUSR1));
	ckpt_finish(v);
	ckpt_end(v);
}

FREEZE_TEST(stopped_while_parked)
{
	struct ckpt_victim *v = &self->v;
	int fd, status;
	pid_t pid;

	pid = ckpt_start_parked(v, &fd);
	kill(v->pid, SIGSTOP);
	end_checkpoint(_metadata, pid, fd);
	ASSERT_EQ(v->pid, waitpid(v->pid, &status, WUNTRACED));
	EXPECT_TRUE(WIFSTOPPED(status));
	expect_silence(_metadata, v);
	kill(v->pid, SIGCONT);
	expect_answer(_metadata, v);
	ckpt_finish(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
