// SPDX-License-Identifier: GPL-2.0
/*
 * A checkpoint that fails, or whose process is killed, leaves the tree running
 * as before.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#define MB	(1024UL * 1024)

static struct ckpt_gate up, go;
static volatile bool enough;

static void *computes(void *arg)
{
	volatile unsigned long n = 0;

	/* libc has let signals through by now: the first look is at that */
	ckpt_gate_open(&up, 1);
	while (!enough)
		n++;
	return NULL;
}

static int child(void *arg)
{
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, computes, NULL));
	ckpt_gate_wait(&go);
	enough = true;
	pthread_join(thread, NULL);
	return 15;
}

/* Some memory, a child, and a thread that computes */
CKPT_VICTIM(busy)
{
	char *mem = mmap(NULL, 2 * MB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	REQUIRE(mem != MAP_FAILED);
	ckpt_fill(mem, 2 * MB, 1);
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(child, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK(ckpt_filled(mem, 2 * MB, 1));
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 15);
}

/* It answers, and looks as before; at last it passes, and can be saved. */
static void unharmed(struct ckpt_victim *v, const struct ckpt_snap *before)
{
	ckpt_ping(v);
	ckpt_snap_expect(before, v->pid, CKPT_PIDS_SAME);
}

static void finish(struct __test_metadata *_metadata, struct ckpt_victim *v,
		   struct ckpt_snap *before)
{
	unharmed(v, before);
	ckpt_snap_free(before);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

DRIVER_TEST(disk_full)
{
	struct ckpt_victim *v = &self->v;
	char dir[] = "/tmp/ckpt.full.XXXXXX", path[64];
	struct ckpt_snap before;
	long ret;
	int fd;

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ckpt_start(v, "busy", 0);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	ASSERT_NE(NULL, mkdtemp(dir));
	ASSERT_EQ(0, mount("tmpfs", dir, "tmpfs", 0, "size=256k"));
	snprintf(path, sizeof(path), "%s/image", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	ret = ckpt_checkpoint_to(v, CHECKPOINT_KILL, fd);
	EXPECT_EQ(-ENOSPC, ret);
	close(fd);
	ASSERT_EQ(0, umount(dir));
	ASSERT_EQ(0, rmdir(dir));
	finish(_metadata, v, &before);
}

DRIVER_TEST(device_full)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	long ret;

	ckpt_start(v, "busy", 0);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	ret = ckpt_checkpoint_to(v, CHECKPOINT_KILL, fd);
	EXPECT_GT(0, ret);
	close(fd);
	finish(_metadata, v, &before);
}

DRIVER_TEST(pipe_closed)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	int fd[2];
	long ret;

	ckpt_start(v, "busy", 0);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	ASSERT_EQ(0, pipe2(fd, O_CLOEXEC));
	close(fd[0]);
	ret = ckpt_checkpoint_to(v, CHECKPOINT_KILL, fd[1]);
	EXPECT_EQ(-EPIPE, ret);
	close(fd[1]);
	finish(_metadata, v, &before);
}

/* That nobody can read the messages is no reason to do harm. */
DRIVER_TEST(log_full)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	int log = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int fd = ckpt_tmpfile(), full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ckpt_start(v, "busy", 0);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	sys_checkpoint(v->pid, fd, CHECKPOINT_SUBTREE, log, NULL, 0);
	unharmed(v, &before);
	EXPECT_EQ(-1, sys_checkpoint(v->pid, full, CHECKPOINT_SUBTREE, log,
				     NULL, 0));
	finish(_metadata, v, &before);
}

/* Killed while it waits for room in the pipe, at each record of the image */
DRIVER_TEST(killed_while_it_writes)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	struct image image;
	unsigned int i;
	long ret;

	ckpt_start(v, "busy", 0);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	ret = ckpt_checkpoint(v, 0);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	image_load(&image, v->image);
	for (i = 0; i < image.nr; i += ckpt_step()) {
		size_t at = image.rec[i].off + (i % 3) * image.rec[i].len / 3;
		int fd, status;
		pid_t pid;

		/* What the pipe holds is written without waiting. */
		if (at + 2 * 4096 > image.size)
			break;
		pid = ckpt_start_writer(v, &fd, i % 2 ? CHECKPOINT_KILL : 0);
		ckpt_skip_bytes(fd, at);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(SIGKILL, status);
		close(fd);
		ckpt_ping(v);
	}
	EXPECT_LT(20, i);
	image_free(&image);
	finish(_metadata, v, &before);
}

/* Killed at other moments: as soon as it has used so much time */
DRIVER_TEST(killed_at_any_time)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	int i, status, out;
	pid_t pid;

	ckpt_start(v, "busy", 0);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	out = ckpt_tmpfile();
	for (i = 0; i < 50; i++) {
		pid = fork();
		if (!pid) {
			struct itimerval timer = { .it_value.tv_usec =
						   100 + 400 * i };

			/* Without a handler, it kills. */
			signal(SIGALRM, SIG_DFL);
			setitimer(ITIMER_REAL, &timer, NULL);
			for (;;) {
				lseek(out, 0, SEEK_SET);
				sys_checkpoint(v->pid, out, CHECKPOINT_SUBTREE,
					       -1, NULL, 0);
			}
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(SIGALRM, status);
		ckpt_ping(v);
	}
	finish(_metadata, v, &before);
}

static void on_alarm(int sig)
{
}

/* A signal ends it with EINTR: it waits for a pipe that nobody reads. */
DRIVER_TEST(interrupted)
{
	struct ckpt_victim *v = &self->v;
	struct sigaction act = { .sa_handler = on_alarm };
	struct itimerval timer = {
		.it_value.tv_usec = 200000,
		.it_interval.tv_usec = 200000,
	};
	struct ckpt_snap before;
	int fd[2];
	long ret;

	ckpt_start(v, "busy", 0);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	ASSERT_EQ(0, pipe2(fd, O_CLOEXEC));
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	ret = ckpt_checkpoint_to(v, CHECKPOINT_KILL, fd[1]);
	memset(&timer, 0, sizeof(timer));
	setitimer(ITIMER_REAL, &timer, NULL);
	EXPECT_EQ(-EINTR, ret);
	close(fd[0]);
	close(fd[1]);
	finish(_metadata, v, &before);
}

/* Into a pipe that only a task of the tree would read, which stands still */
DRIVER_TEST(read_by_the_tree)
{
	struct ckpt_victim *v = &self->v;
	struct checkpoint_args args = { .write_timeout_ms = 300 };
	struct ckpt_snap before;
	int fd[2], log;

	ASSERT_EQ(0, pipe2(fd, O_CLOEXEC));
	ckpt_pass(fd[0], 100);
	ckpt_start(v, "busy", 0);
	close(fd[0]);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	ckpt_log_open(&log);
	EXPECT_EQ(-1, sys_checkpoint(v->pid, fd[1],
				     CHECKPOINT_SUBTREE | CHECKPOINT_KILL, log,
				     &args, sizeof(args)));
	EXPECT_EQ(ETIMEDOUT, errno);
	ckpt_log_read(v, log);
	EXPECT_TRUE(ckpt_logged(v, "nobody has taken any of it for 300 ms"))
		TH_LOG("%s", v->log);
	close(fd[1]);
	finish(_metadata, v, &before);
}

/* A reader that is slow, but reads, does not run out of time. */
DRIVER_TEST(read_slowly)
{
	struct ckpt_victim *v = &self->v;
	struct checkpoint_args args = { .write_timeout_ms = 200 };
	struct ckpt_snap before;
	int fd[2], status, log;
	char page[4096];
	pid_t pid;

	ckpt_start(v, "busy", 0);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	ASSERT_EQ(0, pipe2(fd, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		int i;

		close(fd[1]);
		/* together more than that */
		for (i = 0; i < 40; i++) {
			struct timespec ts = { .tv_nsec = 10000000 };

			nanosleep(&ts, NULL);
			if (read(fd[0], page, sizeof(page)) <= 0)
				_exit(1);
		}
		while (read(fd[0], page, sizeof(page)) > 0)
			;
		_exit(0);
	}
	close(fd[0]);
	ckpt_log_open(&log);
	EXPECT_LT(0, sys_checkpoint(v->pid, fd[1], CHECKPOINT_SUBTREE, log,
				    &args, sizeof(args)))
		TH_LOG("checkpoint: %s", strerror(errno));
	ckpt_log_read(v, log);
	EXPECT_STREQ("", v->log);
	close(fd[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	finish(_metadata, v, &before);
}

/* A checkpoint that has begun to write, and waits for room in its pipe */
static pid_t half_written(struct ckpt_victim *v, int *fd)
{
	pid_t pid = ckpt_start_writer(v, fd, 0);
	int held = 0;

	while (!ioctl(*fd, FIONREAD, &held) && !held)
		ckpt_pause();
	return pid;
}

static void expect_end(struct __test_metadata *_metadata, pid_t pid, int fd,
		       int error)
{
	int status;

	ckpt_skip_bytes(fd, SIZE_MAX);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(error << 8, status);
	close(fd);
}

static void stop(struct ckpt_victim *v)
{
	int status;

	kill(v->pid, SIGSTOP);
	if (waitpid(v->pid, &status, WUNTRACED) != v->pid || !WIFSTOPPED(status))
		ckpt_die("%s: cannot be stopped", v->name);
}

/* Its tracer could stop it elsewhere, and change it. */
static void traced_while_written(struct __test_metadata *_metadata,
				 struct ckpt_victim *v, bool stopped)
{
	struct ckpt_snap before;
	int fd, status;
	pid_t pid;

	ckpt_start(v, "busy", 0);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	if (stopped)
		stop(v);
	pid = half_written(v, &fd);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, v->pid, NULL, NULL));
	expect_end(_metadata, pid, fd, EBUSY);
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, v->pid, NULL, NULL));
	ASSERT_EQ(v->pid, waitpid(v->pid, &status, __WALL));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, v->pid, NULL, NULL));
	if (stopped)
		kill(v->pid, SIGCONT);
	finish(_metadata, v, &before);
}

DRIVER_TEST(traced_while_it_is_written)
{
	traced_while_written(_metadata, &self->v, false);
}

DRIVER_TEST(traced_out_of_a_stop)
{
	traced_while_written(_metadata, &self->v, true);
}

/* It runs on; what is written is a process that is stopped. */
DRIVER_TEST(continued_while_it_is_written)
{
	struct ckpt_victim *v = &self->v;
	char buf[65536];
	pid_t pid;
	ssize_t n;
	int fd;

	ckpt_start(v, "busy", 0);
	stop(v);
	v->image = ckpt_tmpfile();
	pid = half_written(v, &fd);
	kill(v->pid, SIGCONT);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		ckpt_write_all(v->image, buf, n);
	expect_end(_metadata, pid, fd, 0);
	ckpt_ping(v);
	ckpt_kill(v);
	n = ckpt_restart(v, 0);
	ASSERT_LT(0, n) TH_LOG("restart: %s\n%s", strerror(-n), v->log);
	ckpt_wait_state(v->pid, 'T');
	kill(v->pid, SIGCONT);
	ckpt_finish(v);
	ckpt_end(v);
}

/* ---------------------------------------------------------------- leaks */

/* Whatever this process shares with whom it was forked from */
static void drop_shared_memory(void)
{
	unsigned long start, end;
	static char buf[65536];
	char perms[8], *line, *save;

	ckpt_read_file("/proc/self/maps", buf, sizeof(buf));
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "%lx-%lx %7s", &start, &end, perms) == 3 &&
		    perms[3] == 's')
			munmap((void *)start, end - start);
}

/*
 * The init of a new pid namespace that was not executed: made with @flags, it
 * shares something with this process.
 */
static pid_t start_sharing(unsigned long flags, bool memory)
{
	pid_t pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD | flags, 0, NULL,
			    NULL, 0);

	if (pid < 0)
		ckpt_die("clone: %s", strerror(errno));
	if (!pid) {
		if (!memory)
			drop_shared_memory();
		for (;;)
			pause();
	}
	return pid;
}

static void expect_leak(struct __test_metadata *_metadata,
			struct ckpt_victim *v, pid_t pid, const char *text)
{
	int log, status;

	ckpt_log_open(&log);
	errno = 0;
	EXPECT_EQ(-1, sys_checkpoint(pid, ckpt_tmpfile(), CHECKPOINT_KILL, log,
				     NULL, 0));
	EXPECT_EQ(EBUSY, errno);
	ckpt_log_read(v, log);
	EXPECT_TRUE(ckpt_logged(v, text))
		TH_LOG("the log has no \"%s\": %s", text, v->log);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
}

DRIVER_TEST(shares_memory_with_outside)
{
	expect_leak(_metadata, &self->v, start_sharing(0, true), "shared");
}

DRIVER_TEST(shares_descriptors_with_outside)
{
	expect_leak(_metadata, &self->v, start_sharing(CLONE_FILES, false),
		    "descriptor table");
}

DRIVER_TEST(shares_directory_with_outside)
{
	expect_leak(_metadata, &self->v, start_sharing(CLONE_FS, false),
		    "root and working directory");
}

static pid_t enter(pid_t pid, const char *ns, int type, bool again)
{
	int fd, ready[2];
	char path[64], c;
	pid_t child;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pipe(ready))
		ckpt_die("%s: %s", path, strerror(errno));
	child = fork();
	if (!child) {
		if (setns(fd, type))
			_exit(1);
		close(fd);
		/* In a pid namespace are only the children. */
		if (again) {
			child = fork();
			if (child)
				_exit(waitpid(child, NULL, 0) != child);
		}
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(pause());
	}
	close(fd);
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		ckpt_die("%s: cannot be entered", path);
	close(ready[0]);
	return child;
}

static void leave(pid_t pid, bool again)
{
	char path[64], buf[64] = "";

	if (again) {
		/* Its child, which is reaped by it */
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid,
			 pid);
		ckpt_read_file(path, buf, sizeof(buf));
		if (atoi(buf) <= 0)
			ckpt_die("%s: %s", path, buf);
		kill(atoi(buf), SIGKILL);
	} else {
		kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

/* Somebody outside has entered a namespace, and leaves it again. */
static void entered(struct __test_metadata *_metadata, struct ckpt_victim *v,
		    const char *ns, int type, const char *text)
{
	struct ckpt_snap before;
	pid_t other;
	long ret;

	ckpt_start(v, "busy", CKPT_CONTAINER);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	other = enter(v->pid, ns, type, type == CLONE_NEWPID);
	ret = ckpt_checkpoint(v, CHECKPOINT_KILL);
	EXPECT_EQ(-EBUSY, ret);
	EXPECT_TRUE(ckpt_logged(v, text))
		TH_LOG("the log has no \"%s\": %s", text, v->log);
	unharmed(v, &before);
	ckpt_snap_free(&before);
	leave(other, type == CLONE_NEWPID);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

DRIVER_TEST(uts_namespace_entered)
{
	entered(_metadata, &self->v, "uts", CLONE_NEWUTS, "uts namespace");
}

DRIVER_TEST(ipc_namespace_entered)
{
	entered(_metadata, &self->v, "ipc", CLONE_NEWIPC, "ipc namespace");
}

CKPT_VICTIM(has_segment)
{
	int id = shmget(21, 4096, IPC_CREAT | 0600);

	REQUIRE(id >= 0);
	ckpt_ready();
	CHECK_EQ(shmget(21, 4096, 0), id);
}

/* Attached to the segment, and in the caller's namespace again */
static pid_t attach_and_leave(pid_t pid)
{
	int own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC), ready[2];
	pid_t child;
	char c;

	if (own < 0 || pipe(ready))
		ckpt_die("/proc/self/ns/ipc: %s", strerror(errno));
	child = fork();
	if (!child) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/ns/ipc", pid);
		if (setns(open(path, O_RDONLY | O_CLOEXEC), CLONE_NEWIPC) ||
		    shmat(shmget(21, 0, 0), NULL, 0) == (void *)-1 ||
		    setns(own, CLONE_NEWIPC) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		/* that of the namespace, too */
		closefrom(3);
		_exit(pause());
	}
	close(own);
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		ckpt_die("the segment cannot be attached");
	close(ready[0]);
	return child;
}

DRIVER_TEST(segment_attached_from_outside)
{
	struct ckpt_victim *v = &self->v;
	pid_t other;
	long ret;

	ckpt_start(v, "has_segment", CKPT_CONTAINER);
	other = attach_and_leave(v->pid);
	ret = ckpt_checkpoint(v, CHECKPOINT_KILL);
	EXPECT_EQ(-EBUSY, ret);
	EXPECT_TRUE(ckpt_logged(v, "ipc namespace"))
		TH_LOG("the log: %s", v->log);
	ckpt_ping(v);
	leave(other, false);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

DRIVER_TEST(mnt_namespace_entered)
{
	entered(_metadata, &self->v, "mnt", CLONE_NEWNS, "mount namespace");
}

DRIVER_TEST(pid_namespace_entered)
{
	entered(_metadata, &self->v, "pid", CLONE_NEWPID, "pid namespace");
}

TEST_HARNESS_MAIN
