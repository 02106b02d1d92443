// SPDX-License-Identifier: GPL-2.0
/*
 * The other ways to use the system calls: a task that checkpoints itself, one
 * that is replaced, and trees that are left stopped.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* Where nothing else is mapped */
#define SELECTOR_AT	((char *)0x100000000000UL)

static struct ckpt_gate up, go;

/* Writes what the call returned into a file, for the driver to see. */
CKPT_VICTIM(checkpoints_itself)
{
	int fd = open("image", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *mem = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int out = open("returned", O_RDWR | O_CREAT, 0600);
	long id;

	REQUIRE(fd >= 0 && mem != MAP_FAILED && out >= 0);
	ckpt_fill(mem, 1 << 20, 1);
	id = sys_checkpoint(0, fd, CHECKPOINT_SUBTREE, -1, NULL, 0);
	CHECK(id >= 0);
	CHECK_EQ(write(out, id ? "o" : "r", 1), 1);
	CHECK(ckpt_filled(mem, 1 << 20, 1));
	/* What happens after that is not in the image. */
	ckpt_fill(mem, 1 << 20, 2);
	ckpt_ready();
}

static void get_returned(struct ckpt_victim *v, char *buf, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/returned", v->dir);
	if (ckpt_read_file(path, buf, size) < 0)
		ckpt_die("%s: nothing was written", path);
}

static int own_image(struct ckpt_victim *v)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/image", v->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		ckpt_die("%s: %s", path, strerror(errno));
	return fd;
}

static void *saves_all(void *arg)
{
	int fd = open("image", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int out = open("returned", O_RDWR | O_CREAT, 0600);
	long id = sys_checkpoint(0, fd, CHECKPOINT_SUBTREE, -1, NULL, 0);

	CHECK(fd >= 0 && out >= 0 && id >= 0);
	CHECK_EQ(write(out, id ? "o" : "r", 1), 1);
	return &up;
}

static int waits_for_go(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 9;
}

static void *thread_waits(void *arg)
{
	waits_for_go(NULL);
	return NULL;
}

/* The call comes from one thread of several, not the first; and a child */
CKPT_VICTIM(threads_checkpoint_themselves)
{
	pthread_t saver, other;
	void *ret;
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(waits_for_go, NULL);
	REQUIRE(!pthread_create(&other, NULL, thread_waits, NULL));
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	REQUIRE(!pthread_create(&saver, NULL, saves_all, NULL));
	REQUIRE(!pthread_join(saver, &ret) && ret == &up);
	ckpt_ready();
	ckpt_gate_open(&go, 2);
	pthread_join(other, NULL);
	ckpt_join(pid, 9);
}

/* It returns twice, as fork() does. */
static void returns_twice(struct __test_metadata *_metadata,
			  struct ckpt_victim *v, const char *name)
{
	char buf[8];
	long ret;
	int i;

	ckpt_start(v, name, 0);
	get_returned(v, buf, sizeof(buf));
	EXPECT_STREQ("o", buf);
	ckpt_finish(v);

	for (i = 0; i < 2; i++) {
		ret = ckpt_restart_from(v, 0, own_image(v));
		ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret),
					 v->log);
		ckpt_wait_ready(v);
		get_returned(v, buf, sizeof(buf));
		/* The file position was that of before. */
		EXPECT_STREQ("r", buf);
		ckpt_finish(v);
	}
	ckpt_end(v);
}

DRIVER_TEST(process_returns_twice)
{
	returns_twice(_metadata, &self->v, "checkpoints_itself");
}

DRIVER_TEST(thread_returns_twice)
{
	returns_twice(_metadata, &self->v, "threads_checkpoint_themselves");
}

CKPT_VICTIM(single)
{
	static char data[4096];
	char cwd[256], now[256];
	int fd = open("a", O_RDWR | O_CREAT, 0600);

	REQUIRE(fd >= 0 && write(fd, "abc", 3) == 3);
	REQUIRE(getcwd(cwd, sizeof(cwd)));
	ckpt_fill(data, sizeof(data), 3);
	signal(SIGUSR1, SIG_IGN);
	ckpt_ready();
	CHECK(ckpt_filled(data, sizeof(data), 3));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
	CHECK(getcwd(now, sizeof(now)));
	CHECK(!strcmp(cwd, now));
	CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
	/* Nothing of whom it replaced is left. */
	CHECK_EQ(fcntl(99, F_GETFD), -1);
}

/*
 * Calls restart(2), and becomes the victim, under its own pid; or exits with
 * the errno, the log being where the victim reports.
 */
static pid_t replace(struct ckpt_victim *v, bool dispatched)
{
	char *selector;

	struct restart_args args = {
		.inherit = (uintptr_t)v->inherit,
		.inherit_nr = v->nr_inherit,
		.tty_fd = -1,
	};
	pid_t pid = fork();

	if (pid < 0)
		ckpt_die("fork: %s", strerror(errno));
	if (pid)
		return pid;
	dup2(0, 99);
	lseek(v->image, 0, SEEK_SET);
	if (dispatched) {
		/* where the victim has nothing */
		selector = mmap(SELECTOR_AT, 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS |
				MAP_FIXED_NOREPLACE, -1, 0);
		if (selector != SELECTOR_AT ||
		    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0,
			  0, selector))
			_exit(errno);
	}
	if (sys_restart(0, v->image, RESTART_TASKSELF, v->report[1], &args,
			sizeof(args)))
		_exit(errno);
	_exit(0);
}

DRIVER_TEST(takes_the_place_of_the_caller)
{
	struct ckpt_victim *v = &self->v;

	ckpt_start(v, "single", 0);
	ckpt_checkpoint_kill(v);
	ckpt_adopt(v, replace(v, false));
	ckpt_ping(v);
	ckpt_finish(v);
	ckpt_end(v);
}

/* Nobody looks for its selector in the memory of the image. */
DRIVER_TEST(dispatch_of_the_caller_ends)
{
	struct ckpt_victim *v = &self->v;

	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0))
		SKIP(return, "PR_SET_SYSCALL_USER_DISPATCH: %m");
	ckpt_start(v, "single", 0);
	ckpt_checkpoint_kill(v);
	ckpt_adopt(v, replace(v, true));
	ckpt_ping(v);
	ckpt_finish(v);
	ckpt_end(v);
}

static void *idle(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return NULL;
}

static int idle_process(void *arg)
{
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, idle, NULL));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	pthread_join(thread, NULL);
	return 14;
}

/* Three processes, two with a second thread */
CKPT_VICTIM(family)
{
	pthread_t thread;
	pid_t pid[2];
	int i, status;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	for (i = 0; i < 2; i++)
		pid[i] = ckpt_fork(idle_process, NULL);
	REQUIRE(!pthread_create(&thread, NULL, idle, NULL));
	for (i = 0; i < 5; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	/* Nobody told their parent that they had stopped. */
	CHECK_EQ(waitpid(-1, &status, WUNTRACED | WNOHANG), 0);
	ckpt_gate_open(&go, 5);
	for (i = 0; i < 2; i++)
		ckpt_join(pid[i], 14);
	pthread_join(thread, NULL);
}

/* Two tasks, or more, have no place in one caller. */
DRIVER_TEST(a_family_cannot_take_the_place)
{
	struct ckpt_victim *v = &self->v;
	int status;
	pid_t pid;

	ckpt_start(v, "family", 0);
	ckpt_checkpoint_kill(v);
	pid = replace(v, false);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(EINVAL << 8, status);
	ckpt_end(v);
}

static char state_of(pid_t pid, pid_t tid)
{
	char path[64], buf[512], *paren;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	if (ckpt_read_file(path, buf, sizeof(buf)) <= 0)
		return 0;
	paren = strrchr(buf, ')');
	return paren ? paren[2] : 0;
}

/* Returns how many of its threads are in group stop, or -1 if not all are. */
static int stopped_threads(pid_t pid)
{
	struct dirent *de;
	char path[64];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && n >= 0 && (de = readdir(dir))) {
		if (!isdigit(de->d_name[0]))
			continue;
		n = state_of(pid, atoi(de->d_name)) == 'T' ? n + 1 : -1;
	}
	if (dir)
		closedir(dir);
	return n;
}

/* All processes of the tree, the root first */
static int tree(pid_t root, pid_t *pids, int room)
{
	char path[64], buf[1024], *p, *end;
	int n = 1;
	long pid;

	pids[0] = root;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", root, root);
	if (ckpt_read_file(path, buf, sizeof(buf)) < 0)
		return n;
	for (p = buf; n < room && (pid = strtol(p, &end, 10)) > 0; p = end)
		pids[n++] = pid;
	return n;
}

static void expect_stopped(struct __test_metadata *_metadata,
			   struct ckpt_victim *v)
{
	pid_t pids[8];
	int i, n, status;

	n = tree(v->pid, pids, 8);
	EXPECT_EQ(3, n);
	/* As the call returns, all of them are. */
	for (i = 0; i < n; i++)
		EXPECT_LT(0, stopped_threads(pids[i]));
	/* The parent of the root was not told either. */
	EXPECT_EQ(0, waitpid(v->pid, &status, WUNTRACED | WNOHANG));
	for (i = 0; i < n; i++)
		kill(pids[i], SIGCONT);
}

DRIVER_TEST(left_stopped_by_checkpoint)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "family", 0);
	ret = ckpt_checkpoint(v, CHECKPOINT_STOP);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	expect_stopped(_metadata, v);
	ckpt_ping(v);
	ckpt_finish(v);
	ckpt_end(v);
}

DRIVER_TEST(left_stopped_by_restart)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "family", 0);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, RESTART_FROZEN);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	expect_stopped(_metadata, v);
	ckpt_ping(v);
	ckpt_finish(v);
	ckpt_end(v);
}

/* Stopped by the one, stopped in the image, and stopped after the other */
DRIVER_TEST(stopped_all_the_way)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "family", CKPT_CONTAINER);
	ret = ckpt_checkpoint(v, CHECKPOINT_STOP);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	/* A stopped tree can be checkpointed, and stays stopped. */
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	expect_stopped(_metadata, v);
	ckpt_ping(v);
	ckpt_finish(v);
	ckpt_end(v);
}

/* The id is positive, and another one each time; the statistics tell. */
DRIVER_TEST(ids_and_statistics)
{
	struct ckpt_victim *v = &self->v;
	long first, second, ret;

	ckpt_start(v, "family", 0);
	first = ckpt_checkpoint(v, 0);
	ASSERT_LT(0, first) TH_LOG("checkpoint: %s\n%s", strerror(-first),
				   v->log);
	EXPECT_EQ(6, v->stats.tasks);
	EXPECT_LT(0, v->stats.objects);
	EXPECT_LT(0, v->stats.pages);
	EXPECT_EQ(lseek(v->image, 0, SEEK_END), v->stats.bytes);
	EXPECT_LT(0, v->stats.total_ns);
	EXPECT_LT(0, v->stats.stopped_ns);
	EXPECT_LE(v->stats.stopped_ns, v->stats.total_ns);
	EXPECT_LE(v->stats.memory_ns, v->stats.tasks_ns);
	second = ckpt_checkpoint(v, CHECKPOINT_KILL);
	ASSERT_LT(0, second);
	EXPECT_NE(first, second);
	ckpt_reaped(v);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret);
	EXPECT_EQ(6, v->stats.tasks);
	EXPECT_EQ(lseek(v->image, 0, SEEK_END), v->stats.bytes);
	ckpt_finish(v);
	ckpt_end(v);
}

/* Through pipes, which do not seek: the image is a stream. */
DRIVER_TEST(through_pipes)
{
	struct ckpt_victim *v = &self->v;
	int in[2], out[2], status;
	char buf[65536];
	pid_t pid;
	ssize_t n;
	long ret;

	ckpt_start(v, "family", CKPT_CONTAINER);
	v->image = ckpt_tmpfile();
	ASSERT_EQ(0, pipe2(in, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		close(in[1]);
		while ((n = read(in[0], buf, sizeof(buf))) > 0)
			ckpt_write_all(v->image, buf, n);
		_exit(n != 0);
	}
	close(in[0]);
	ret = ckpt_checkpoint_to(v, CHECKPOINT_KILL, in[1]);
	close(in[1]);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ckpt_reaped(v);

	ASSERT_EQ(0, pipe2(out, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		close(out[0]);
		lseek(v->image, 0, SEEK_SET);
		while ((n = read(v->image, buf, sizeof(buf))) > 0)
			ckpt_write_all(out[1], buf, n);
		_exit(n != 0);
	}
	close(out[1]);
	ret = ckpt_restart_from(v, 0, out[0]);
	close(out[0]);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ckpt_finish(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
