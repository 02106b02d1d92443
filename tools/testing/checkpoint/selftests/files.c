// SPDX-License-Identifier: GPL-2.0
/*
 * Open files: offsets and flags, who shares them, directories, devices, and
 * the root and working directory.
 */
#include "libckpttest.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static struct ckpt_gate up, go;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

static int make_file(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

CKPT_TEST(offsets)
{
	int a = make_file("a", "0123456789"), b, c;
	char buf[4] = "";

	b = open("a", O_RDONLY);
	c = open("a", O_RDWR);
	REQUIRE(b >= 0 && c >= 0);
	REQUIRE(lseek(b, 3, SEEK_SET) == 3);
	REQUIRE(lseek(c, 1LL << 40, SEEK_SET) == 1LL << 40);
	ckpt_ready();
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 10);
	CHECK_EQ(lseek(c, 0, SEEK_CUR), 1LL << 40);
	CHECK_EQ(read(b, buf, 3), 3);
	CHECK(!strcmp(buf, "345"));
	CHECK_EQ(write(a, "abc", 3), 3);
	CHECK_EQ(pread(b, buf, 3, 10), 3);
	CHECK(!strcmp(buf, "abc"));
}

CKPT_TEST(flags)
{
	static const int flags[] = {
		O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_APPEND,
		O_RDWR | O_SYNC, O_RDWR | O_DSYNC, O_RDONLY | O_NONBLOCK,
		O_RDONLY | O_NOATIME, O_RDONLY | O_NOFOLLOW,
	};
	int fd[ARRAY_SIZE(flags)], had[ARRAY_SIZE(flags)];
	unsigned int i;
	char c;

	close(make_file("a", "text"));
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		fd[i] = open("a", flags[i]);
		REQUIRE(fd[i] >= 0);
		had[i] = fcntl(fd[i], F_GETFL);
	}
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		CHECK_EQ(fcntl(fd[i], F_GETFL), had[i]);
	CHECK_EQ(write(fd[0], "x", 1), -1);
	CHECK_EQ(read(fd[1], &c, 1), -1);
	CHECK_EQ(write(fd[3], "end", 3), 3);
	CHECK_EQ(lseek(fd[3], 0, SEEK_CUR), 7);
}

/* Made, truncated, exclusive: what was done once is not done again. */
CKPT_TEST(creation_flags)
{
	int fd = open("a", O_RDWR | O_CREAT | O_TRUNC | O_EXCL, 0600);
	char buf[5] = "";

	REQUIRE(fd >= 0 && write(fd, "data", 4) == 4);
	ckpt_ready();
	CHECK_EQ(pread(fd, buf, 4, 0), 4);
	CHECK(!strcmp(buf, "data"));
}

/* Opened with rights that its mode does not give any more */
CKPT_TEST(mode_changed_since)
{
	int fd = make_file("a", "data");

	REQUIRE(!fchmod(fd, 0));
	ckpt_ready();
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
}

CKPT_TEST(renamed_since)
{
	int fd = make_file("a", "data");
	char buf[5] = "";

	REQUIRE(!rename("a", "b"));
	ckpt_ready();
	CHECK_EQ(pread(fd, buf, 4, 0), 4);
	CHECK(!strcmp(buf, "data"));
	CHECK_EQ(access("a", F_OK), -1);
}

static int same_file(int a, int b)
{
	return syscall(SYS_kcmp, getpid(), getpid(), 0 /* KCMP_FILE */, a, b);
}

CKPT_TEST(dup_shares_the_offset)
{
	int a = make_file("a", "0123456789"), b = dup(a), c;

	c = open("a", O_RDWR);
	REQUIRE(b >= 0 && c >= 0);
	ckpt_ready();
	CHECK_EQ(lseek(a, 4, SEEK_SET), 4);
	CHECK_EQ(lseek(b, 0, SEEK_CUR), 4);
	CHECK_EQ(lseek(c, 0, SEEK_CUR), 0);
	CHECK_EQ(same_file(a, b), 0);
	CHECK(same_file(a, c) > 0);
	/* Flags are of the open file, close-on-exec is of the descriptor. */
	CHECK(!fcntl(a, F_SETFL, O_APPEND));
	CHECK(fcntl(b, F_GETFL) & O_APPEND);
}

static int child_seeks(void *arg)
{
	int fd = *(int *)arg;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(lseek(fd, 2, SEEK_SET), 2);
	/* But its table is its own. */
	close(fd);
	return 0;
}

CKPT_TEST(fork_shares_the_offset)
{
	int fd = make_file("a", "0123456789");
	pid_t pid;

	gates();
	pid = ckpt_fork(child_seeks, &fd);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(lseek(fd, 6, SEEK_SET), 6);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2);
}

static char clone_stack[65536] __attribute__((aligned(16)));

static int opens_for_both(void *arg)
{
	int fd;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	fd = open("/dev/zero", O_RDONLY);
	CHECK_EQ(dup2(fd, 77), 77);
	umask(0123);
	return chdir("/") ? 1 : 0;
}

/* A process that shares the table, and the working directory, too */
CKPT_TEST(clone_shares_the_table)
{
	char buf[256] = "";
	pid_t pid;

	gates();
	pid = clone(opens_for_both, clone_stack + sizeof(clone_stack),
		    CLONE_FILES | CLONE_FS | SIGCHLD, NULL);
	REQUIRE(pid > 0);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(fcntl(77, F_GETFD), -1);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK_EQ(read(77, buf, 1), 1);
	CHECK(getcwd(buf, sizeof(buf)));
	CHECK(!strcmp(buf, "/"));
	CHECK_EQ(umask(0), 0123);
}

CKPT_TEST(close_on_exec)
{
	int a = open("/dev/null", O_RDONLY | O_CLOEXEC), b = dup(a);
	int p[2];

	REQUIRE(a >= 0 && b >= 0 && !pipe2(p, O_CLOEXEC));
	REQUIRE(!fcntl(p[1], F_SETFD, 0));
	ckpt_ready();
	CHECK_EQ(fcntl(a, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(b, F_GETFD), 0);
	CHECK_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(p[1], F_GETFD), 0);
}

CKPT_TEST(high_descriptors)
{
	struct rlimit lim;
	int fd = open("/dev/null", O_RDONLY);

	REQUIRE(!getrlimit(RLIMIT_NOFILE, &lim));
	REQUIRE(dup2(fd, 1000) == 1000);
	lim.rlim_cur = lim.rlim_max < 4096 ? lim.rlim_max : 4096;
	REQUIRE(!setrlimit(RLIMIT_NOFILE, &lim));
	REQUIRE(dup2(fd, lim.rlim_cur - 1) >= 0);
	close(fd);
	ckpt_ready();
	CHECK_EQ(fcntl(1000, F_GETFD), 0);
	CHECK_EQ(fcntl(lim.rlim_cur - 1, F_GETFD), 0);
	CHECK_EQ(fcntl(999, F_GETFD), -1);
	/* The lowest free one is given out. */
	CHECK_EQ(open("/dev/null", O_RDONLY), fd);
}

CKPT_TEST(many_descriptors)
{
	int fd[500], i;

	for (i = 0; i < 500; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i % 50);
		fd[i] = i % 3 ? make_file(name, name) : dup(0);
		REQUIRE(fd[i] >= 0);
	}
	ckpt_ready();
	for (i = 0; i < 500; i++)
		CHECK_EQ(lseek(fd[i], 0, SEEK_CUR),
			 i % 3 ? (i % 50 < 10 ? 1 : 2) : 0);
}

static int count_entries(DIR *dir, bool *seen)
{
	struct dirent *de;
	int n = 0;

	while ((de = readdir(dir))) {
		int i = atoi(de->d_name);

		if (de->d_name[0] == '.')
			continue;
		CHECK(i >= 0 && i < 300 && !seen[i]);
		if (i >= 0 && i < 300)
			seen[i] = true;
		n++;
	}
	return n;
}

/* In the middle of a directory, which its kernel half alone knows about */
CKPT_TEST(directory_position)
{
	static char buf[1024];
	bool seen[300] = { false };
	int fd, i, n = 0;
	ssize_t len;
	DIR *dir;

	REQUIRE(!mkdir("d", 0755));
	for (i = 0; i < 300; i++) {
		snprintf(buf, sizeof(buf), "d/%d", i);
		close(make_file(buf, ""));
	}
	fd = open("d", O_RDONLY | O_DIRECTORY);
	REQUIRE(fd >= 0);
	len = syscall(SYS_getdents64, fd, buf, sizeof(buf));
	REQUIRE(len > 0);
	while (len > 0) {
		struct dirent64 *de = (void *)(buf + n);

		if (de->d_name[0] != '.')
			seen[atoi(de->d_name)] = true;
		n += de->d_reclen;
		len -= de->d_reclen;
	}
	ckpt_ready();
	for (i = 0, n = 0; i < 300; i++)
		n += seen[i];
	dir = fdopendir(fd);
	CHECK(dir);
	CHECK_EQ(n + count_entries(dir, seen), 300);
	rewinddir(dir);
	memset(seen, 0, sizeof(seen));
	CHECK_EQ(count_entries(dir, seen), 300);
}

CKPT_TEST(memory_devices)
{
	static const char * const names[] = {
		"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
		"/dev/urandom",
	};
	int fd[ARRAY_SIZE(names)];
	char buf[8] = "\1\1\1\1\1\1\1", other[8];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		fd[i] = open(names[i], O_RDWR);
		REQUIRE(fd[i] >= 0);
	}
	ckpt_ready();
	CHECK_EQ(read(fd[0], buf, 8), 0);
	CHECK_EQ(write(fd[0], buf, 8), 8);
	CHECK_EQ(read(fd[1], buf, 8), 8);
	CHECK_EQ(buf[7], 0);
	CHECK_EQ(write(fd[2], buf, 8), -1);
	CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(read(fd[3], buf, 8), 8);
	CHECK_EQ(read(fd[4], other, 8), 8);
	CHECK(memcmp(buf, other, 8));
}

/*
 * Opened again, as nobody gives a terminal: that of who restarts, which is on
 * another mount than that of a container.
 */
CKPT_TEST_ONLY(console, 0)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || !isatty(fd))
		ckpt_skip("/dev/console: %m");
	ckpt_ready();
	CHECK(isatty(fd));
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_rdev, makedev(5, 1));
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

/* POSIX shared memory: one that has a name, and one that has lost it */
CKPT_TEST(shared_memory_objects)
{
	char name[2][32], *mem[2];
	int fd[2], i;

	for (i = 0; i < 2; i++) {
		snprintf(name[i], sizeof(name[i]), "/files.%d.%d", getpid(), i);
		fd[i] = shm_open(name[i], O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd[i] < 0)
			ckpt_skip("%s: %m", name[i]);
		REQUIRE(!ftruncate(fd[i], 8192));
		mem[i] = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd[i], 0);
		REQUIRE(mem[i] != MAP_FAILED);
		ckpt_fill(mem[i], 8192, i);
	}
	REQUIRE(!shm_unlink(name[1]));
	ckpt_ready();
	for (i = 0; i < 2; i++) {
		CHECK(ckpt_filled(mem[i], 8192, i));
		mem[i][5000] = 's';
		CHECK_EQ(pread(fd[i], mem[i], 1, 5000), 1);
		CHECK_EQ(mem[i][0], 's');
	}
	CHECK_EQ(shm_open(name[1], O_RDWR, 0), -1);
	CHECK(!shm_unlink(name[0]));
}

CKPT_TEST(working_directory)
{
	char before[256], after[256];
	struct stat st;

	REQUIRE(!mkdir("sub", 0755) && !chdir("sub") &&
		getcwd(before, sizeof(before)));
	umask(027);
	ckpt_ready();
	CHECK(getcwd(after, sizeof(after)));
	CHECK(!strcmp(before, after));
	close(make_file("made", ""));
	CHECK(!stat("made", &st));
	CHECK_EQ(st.st_mode & 0777, 0640);
	CHECK(!access("../sub/made", F_OK));
	CHECK_EQ(umask(0), 027);
}

static int in_chroot(void *arg)
{
	char cwd[256] = "";

	REQUIRE(!chroot("jail") && !chdir("/below"));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK(!strcmp(cwd, "/below"));
	CHECK(!access("/marker", F_OK));
	CHECK_EQ(access("/proc", F_OK), -1);
	return 0;
}

CKPT_TEST(changed_root)
{
	pid_t pid;

	gates();
	REQUIRE(!mkdir("jail", 0755) && !mkdir("jail/below", 0755));
	close(make_file("jail/marker", ""));
	pid = ckpt_fork(in_chroot, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(access("/marker", F_OK), -1);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* Opened only to name what is there */
CKPT_TEST(path_only)
{
	int dir, file;
	char c;

	REQUIRE(!mkdir("d", 0755));
	close(make_file("d/inside", "x"));
	dir = open("d", O_PATH | O_DIRECTORY);
	file = open("d/inside", O_PATH);
	REQUIRE(dir >= 0 && file >= 0);
	ckpt_ready();
	CHECK_EQ(fcntl(dir, F_GETFL) & O_PATH, O_PATH);
	CHECK_EQ(read(file, &c, 1), -1);
	CHECK_EQ(errno, EBADF);
	CHECK(openat(dir, "inside", O_RDONLY) >= 0);
}

/* Who is told of what happens to a file, and how */
CKPT_TEST(signal_owner)
{
	struct f_owner_ex owner = { F_OWNER_PID, getpid() }, now;
	int p[2];

	REQUIRE(!pipe(p));
	REQUIRE(!fcntl(p[0], F_SETOWN_EX, &owner));
	REQUIRE(!fcntl(p[0], F_SETSIG, SIGRTMIN));
	ckpt_ready();
	CHECK(!fcntl(p[0], F_GETOWN_EX, &now));
	CHECK_EQ(now.type, F_OWNER_PID);
	CHECK_EQ(now.pid, getpid());
	CHECK_EQ(fcntl(p[0], F_GETSIG), SIGRTMIN);
}

static struct ckpt_gate started, ending;
static pid_t thread_id;

static void *owner_thread(void *arg)
{
	thread_id = syscall(SYS_gettid);
	ckpt_gate_open(&started, 1);
	ckpt_gate_wait(&ending);
	return NULL;
}

static void expect_owner(int fd, pid_t tid, int sig)
{
	struct f_owner_ex now = { 0 };

	CHECK(!fcntl(fd, F_GETOWN_EX, &now));
	CHECK_EQ(now.type, F_OWNER_TID);
	CHECK_EQ(now.pid, tid);
	CHECK_EQ(fcntl(fd, F_GETSIG), sig);
}

static int inherited_owner(void *arg)
{
	int *p = arg;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_owner(p[1], thread_id, SIGRTMIN + 1);
	return 0;
}

/* A thread, which is made after the files; and of another process's */
CKPT_TEST(signal_owner_is_a_thread)
{
	struct f_owner_ex owner = { .type = F_OWNER_TID };
	pthread_t thread;
	int p[2];
	pid_t pid;

	gates();
	ckpt_gate_init(&started);
	ckpt_gate_init(&ending);
	REQUIRE(!pipe(p));
	REQUIRE(!pthread_create(&thread, NULL, owner_thread, NULL));
	ckpt_gate_wait(&started);
	owner.pid = thread_id;
	REQUIRE(!fcntl(p[0], F_SETOWN_EX, &owner));
	REQUIRE(!fcntl(p[0], F_SETSIG, SIGRTMIN));
	REQUIRE(!fcntl(p[1], F_SETOWN_EX, &owner));
	REQUIRE(!fcntl(p[1], F_SETSIG, SIGRTMIN + 1));
	pid = ckpt_fork(inherited_owner, p);
	close(p[1]);
	ckpt_gate_wait(&up);
	ckpt_ready();
	/* its number may be a new one, as it is told it */
	CHECK_EQ(syscall(SYS_tgkill, getpid(), thread_id, 0), 0);
	expect_owner(p[0], thread_id, SIGRTMIN);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	ckpt_gate_open(&ending, 1);
	CHECK(!pthread_join(thread, NULL));
}

/* A signal for each write, which tells the descriptor */
CKPT_TEST(signals_of_a_pipe)
{
	struct timespec none = { 0 };
	int p[2], both, i, fd[2];
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	REQUIRE(!sigprocmask(SIG_BLOCK, &set, NULL));
	REQUIRE(!pipe(p) && !mkfifo("fifo", 0600));
	both = open("fifo", O_RDWR);
	fd[0] = p[0];
	fd[1] = both;
	for (i = 0; i < 2; i++) {
		REQUIRE(!fcntl(fd[i], F_SETOWN, getpid()));
		REQUIRE(!fcntl(fd[i], F_SETSIG, SIGRTMIN + 1));
		REQUIRE(!fcntl(fd[i], F_SETFL, fcntl(fd[i], F_GETFL) | O_ASYNC));
	}
	ckpt_ready();
	CHECK_EQ(sigtimedwait(&set, &info, &none), -1);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(sigtimedwait(&set, &info, &none), SIGRTMIN + 1);
	CHECK_EQ(info.si_fd, p[0]);
	CHECK_EQ(info.si_band & POLLIN, POLLIN);
	CHECK_EQ(write(both, "x", 1), 1);
	CHECK_EQ(sigtimedwait(&set, &info, &none), SIGRTMIN + 1);
	CHECK_EQ(info.si_fd, both);
	CHECK(!fcntl(p[0], F_SETFL, 0));
	while (sigtimedwait(&set, &info, &none) > 0)
		;
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(sigtimedwait(&set, &info, &none), -1);
}

static int own_root_fd(void *arg)
{
	struct stat st;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	/* A descriptor that the other one has under another number */
	CHECK(!fstat(50, &st));
	CHECK(S_ISDIR(st.st_mode));
	return openat(50, "inside", O_RDONLY) >= 0 ? 0 : 1;
}

CKPT_TEST(directory_shared_by_fork)
{
	int fd;
	pid_t pid;

	gates();
	REQUIRE(!mkdir("d", 0755));
	close(make_file("d/inside", "x"));
	fd = open("d", O_RDONLY | O_DIRECTORY);
	REQUIRE(dup2(fd, 50) == 50);
	pid = ckpt_fork(own_root_fd, NULL);
	ckpt_gate_wait(&up);
	close(50);
	ckpt_ready();
	CHECK_EQ(fcntl(50, F_GETFD), -1);
	CHECK(openat(fd, "inside", O_RDONLY) >= 0);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* ----------------------------------------------------- very many of them */

/* Open files of a file and of pipes, and copies of their descriptors */
static void many(int nr)
{
	struct rlimit lim = { nr + 100, nr + 100 };
	int *fd = calloc(nr, sizeof(*fd)), i, opened = 0;

	REQUIRE(fd);
	if (setrlimit(RLIMIT_NOFILE, &lim))
		ckpt_skip("RLIMIT_NOFILE: %m");
	close(make_file("a", "text"));
	for (i = 0; i < nr; i++) {
		if (i % 10 == 0 && i + 1 < nr) {
			REQUIRE(!pipe(fd + i));
			i++;
		} else if (i % 10 < 5) {
			fd[i] = open("a", O_RDWR);
			REQUIRE(fd[i] >= 0 && lseek(fd[i], i, SEEK_SET) == i);
			opened = i;
		} else {
			fd[i] = fcntl(fd[opened], F_DUPFD, 0);
			REQUIRE(fd[i] >= 0);
		}
	}
	ckpt_ready();
	for (i = 0; i < nr; i++) {
		if (i % 10 == 0 && i + 1 < nr) {
			i++;
		} else {
			opened = i % 10 < 5 ? i : opened;
			if (lseek(fd[i], 0, SEEK_CUR) != opened)
				break;
		}
	}
	CHECK_EQ(i, nr);
	CHECK_EQ(same_file(fd[opened], fd[nr - 1]), 0);
	CHECK_EQ(fcntl(fd[nr - 1] + 1, F_GETFD), -1);
	free(fd);
}

CKPT_VICTIM(many_files)
{
	many(100000 / (ckpt_step() * ckpt_step()));
}

/* Once: restarts of restarts are what the other tests are for. */
DRIVER_TEST(very_many_descriptors)
{
	struct ckpt_victim *v = &self->v;

	ckpt_start(v, "many_files", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

/* ------------------------------------- files that are not what they were */

static const struct timespec long_ago[2] = { { 1000, 1 }, { 1000, 1 } };

/* Read, mapped, and written by another descriptor */
CKPT_VICTIM(reads_files)
{
	int read_only = make_file("read", "text");
	int mapped = make_file("mapped", "text");
	int grows = make_file("grows", "text");
	int tail = open("grows", O_RDONLY);
	char *mem, c;

	REQUIRE(!futimens(read_only, long_ago) && !futimens(mapped, long_ago));
	close(read_only);
	close(mapped);
	read_only = open("read", O_RDONLY);
	mapped = open("mapped", O_RDONLY);
	REQUIRE(read_only >= 0 && mapped >= 0 && grows >= 0 && tail >= 0);
	mem = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, mapped, 0);
	REQUIRE(mem != MAP_FAILED && mem[0] == 't');
	close(mapped);
	REQUIRE(read(read_only, &c, 1) == 1);
	ckpt_ready();
	CHECK_EQ(read(read_only, &c, 1), 1);
	CHECK_EQ(lseek(tail, 0, SEEK_END), lseek(grows, 0, SEEK_END));
	CHECK(mem[1]);
}

static void put_file(const char *dir, const char *name, const char *text,
		     const struct timespec *times)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    (times && futimens(fd, times)))
		ckpt_die("%s: %m", path);
	close(fd);
}

/* Another one of the same size and age takes its place. */
static void replace_file(const char *dir, const char *name)
{
	char from[128], to[128];

	put_file(dir, "new", "text", long_ago);
	snprintf(from, sizeof(from), "%s/new", dir);
	snprintf(to, sizeof(to), "%s/%s", dir, name);
	if (rename(from, to))
		ckpt_die("%s: %m", to);
}

/* Restart, and checkpoint again: as it is now is right from then on. */
static void again(struct __test_metadata *_metadata, struct ckpt_victim *v,
		  unsigned long flags)
{
	long ret = ckpt_restart(v, flags);

	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_checkpoint_kill(v);
}

static void refused(struct __test_metadata *_metadata, struct ckpt_victim *v,
		    const char *text)
{
	EXPECT_EQ(-ESTALE, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, text))
		TH_LOG("the log has no \"%s\": %s", text, v->log);
}

DRIVER_TEST(changed_files)
{
	struct ckpt_victim *v = &self->v;

	ckpt_start(v, "reads_files", 0);
	ckpt_checkpoint_kill(v);

	/* what is appended to may have grown */
	put_file(v->dir, "grows", "longer text", NULL);
	again(_metadata, v, 0);

	put_file(v->dir, "read", "TEXT", NULL);
	refused(_metadata, v, "read' was changed or replaced");
	again(_metadata, v, RESTART_FORCE);

	put_file(v->dir, "mapped", "longer text", long_ago);
	refused(_metadata, v, "mapped' was changed or replaced");
	again(_metadata, v, RESTART_FORCE);

	replace_file(v->dir, "read");
	again(_metadata, v, RESTART_FORCE);
	/* as it was, but it is another one */
	replace_file(v->dir, "read");
	refused(_metadata, v, "read' was replaced by another");
	ASSERT_LT(0, ckpt_restart(v, RESTART_FORCE)) TH_LOG("%s", v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
