// SPDX-License-Identifier: GPL-2.0
/*
 * Locks on files: record locks, OFD locks, flock, leases; who has them, who
 * waits for them, and who is in the way at restart.
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static struct ckpt_gate up, go;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

static int open_a(int flags)
{
	int fd = open("a", flags | O_CREAT, 0600);

	REQUIRE(fd >= 0);
	return fd;
}

static int lock(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &fl);
}

/* What of the file from @start on is locked for others, and by whom? */
static struct flock look(int fd, int cmd, off_t start)
{
	struct flock fl = { .l_type = F_WRLCK, .l_start = start };

	CHECK(!fcntl(fd, cmd, &fl));
	return fl;
}

static void expect_lock(int fd, off_t at, short type, off_t start, off_t len,
			pid_t pid)
{
	struct flock fl = look(fd, F_GETLK, at);

	CHECK_EQ(fl.l_type, type);
	if (fl.l_type == F_UNLCK)
		return;
	CHECK_EQ(fl.l_start, start);
	CHECK_EQ(fl.l_len, len);
	CHECK_EQ(fl.l_pid, pid);
}

/* ----------------------------------------------------------- record locks */

static int has_record_locks(void *arg)
{
	int fd = open_a(O_RDWR);

	REQUIRE(!lock(fd, F_SETLK, F_WRLCK, 10, 5));
	REQUIRE(!lock(fd, F_SETLK, F_RDLCK, 100, 1));
	REQUIRE(!lock(fd, F_SETLK, F_WRLCK, 1LL << 40, 0));
	/* Another file of the same, and another descriptor of it */
	REQUIRE(open_a(O_RDONLY) >= 0 && dup(fd) >= 0);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	/* They are gone with the first descriptor that is closed. */
	close(fd);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 0;
}

CKPT_TEST(record_locks)
{
	int fd = open_a(O_RDWR);
	pid_t pid;

	gates();
	pid = ckpt_fork(has_record_locks, NULL);
	ckpt_gate_wait(&up);
	REQUIRE(!lock(fd, F_SETLK, F_WRLCK, 0, 10));
	ckpt_ready();
	expect_lock(fd, 0, F_WRLCK, 10, 5, pid);
	expect_lock(fd, 15, F_RDLCK, 100, 1, pid);
	expect_lock(fd, 101, F_WRLCK, 1LL << 40, 0, pid);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 12, 1), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 100, 1), -1);
	CHECK_EQ(lock(fd, F_SETLK, F_RDLCK, 100, 1), 0);
	ckpt_gate_open(&go, 1);
	ckpt_gate_wait(&up);
	expect_lock(fd, 0, F_UNLCK, 0, 0, 0);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

static int sees_locks_of_parent(void *arg)
{
	int fd = *(int *)arg;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	/* Of the same open file, and of another table all the same */
	expect_lock(fd, 0, F_WRLCK, 3, 4, getppid());
	/* To close it here is nothing to the parent's lock. */
	close(fd);
	fd = open_a(O_RDWR);
	expect_lock(fd, 0, F_WRLCK, 3, 4, getppid());
	return 0;
}

CKPT_TEST(locks_are_not_inherited)
{
	int fd = open_a(O_RDWR);
	pid_t pid;

	gates();
	REQUIRE(!lock(fd, F_SETLK, F_WRLCK, 3, 4));
	pid = ckpt_fork(sees_locks_of_parent, &fd);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK(!lock(fd, F_SETLK, F_UNLCK, 0, 0));
}

/* More than one record of the image has room for */
CKPT_TEST(many_locks)
{
	int fd = open_a(O_RDWR), i;
	pid_t pid;

	for (i = 0; i < 1000; i++)
		REQUIRE(!lock(fd, F_SETLK, i % 3 ? F_WRLCK : F_RDLCK, 2 * i, 1));
	ckpt_ready();
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid) {
		for (i = 0; i < 1000; i++)
			expect_lock(fd, 2 * i, i % 3 ? F_WRLCK : F_RDLCK, 2 * i,
				    1, getppid());
		expect_lock(fd, 2000, F_UNLCK, 0, 0, 0);
		_exit(0);
	}
	ckpt_join(pid, 0);
}

static int waits_for_record(void *arg)
{
	int fd = open_a(O_RDWR);

	REQUIRE(!lock(fd, F_SETLK, F_WRLCK, 50, 1));
	ckpt_gate_open(&up, 1);
	CHECK(!lock(fd, F_SETLKW, F_WRLCK, 0, 10));
	CHECK_EQ(lock(fd, F_SETLK, F_UNLCK, 0, 0), 0);
	return 0;
}

/* Those who wait for a lock, and for who waits */
CKPT_TEST(waiters)
{
	int fd = open_a(O_RDWR), i;
	pid_t pid[3];

	gates();
	REQUIRE(!lock(fd, F_SETLK, F_WRLCK, 0, 20));
	pid[0] = ckpt_fork(waits_for_record, NULL);
	ckpt_gate_wait(&up);
	ckpt_wait_blocked(pid[0], pid[0], SYS_fcntl);
	ckpt_ready();
	ckpt_wait_blocked(pid[0], pid[0], SYS_fcntl);
	expect_lock(fd, 0, F_WRLCK, 50, 1, pid[0]);
	/* It would wait for who waits for it. */
	CHECK_EQ(lock(fd, F_SETLKW, F_WRLCK, 50, 1), -1);
	CHECK_EQ(errno, EDEADLK);
	CHECK(!lock(fd, F_SETLK, F_UNLCK, 0, 0));
	ckpt_join(pid[0], 0);
	for (i = 0; i < 3; i++)
		CHECK(!lock(fd, F_SETLK, F_WRLCK, 0, 100));
}

static char clone_stack[65536] __attribute__((aligned(16)));

static int sets_lock_for_both(void *arg)
{
	REQUIRE(!lock(*(int *)arg, F_SETLK, F_WRLCK, 7, 1));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 0;
}

/* The table is one, and so is the owner, but another process set the lock. */
CKPT_TEST(lock_of_a_shared_table)
{
	int fd = open_a(O_RDWR), other;
	pid_t pid, child;

	gates();
	pid = clone(sets_lock_for_both, clone_stack + sizeof(clone_stack),
		    CLONE_FILES | SIGCHLD, &fd);
	REQUIRE(pid > 0);
	ckpt_gate_wait(&up);
	ckpt_ready();
	child = fork();
	REQUIRE(child >= 0);
	if (!child) {
		expect_lock(fd, 0, F_WRLCK, 7, 1, pid);
		_exit(0);
	}
	ckpt_join(child, 0);
	CHECK(!lock(fd, F_SETLK, F_WRLCK, 7, 1));
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	other = open_a(O_RDWR);
	close(other);
}

/* ------------------------------------------------------- OFD locks, flock */

static int waits_for_ofd(void *arg)
{
	int *inherited = arg, fd = open_a(O_RDWR);

	close(inherited[0]);
	close(inherited[1]);
	ckpt_gate_open(&up, 1);
	CHECK(!lock(fd, F_OFD_SETLKW, F_WRLCK, 0, 1));
	return 0;
}

CKPT_TEST(ofd_locks)
{
	int a = open_a(O_RDWR), b = open_a(O_RDWR), c = dup(a);
	int has[] = { a, c };
	struct flock fl;
	pid_t pid;

	gates();
	REQUIRE(!lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	REQUIRE(!lock(b, F_OFD_SETLK, F_RDLCK, 20, 10));
	pid = ckpt_fork(waits_for_ofd, has);
	ckpt_gate_wait(&up);
	ckpt_wait_blocked(pid, pid, SYS_fcntl);
	ckpt_ready();
	fl = look(b, F_OFD_GETLK, 0);
	CHECK_EQ(fl.l_type, F_WRLCK);
	CHECK_EQ(fl.l_len, 10);
	CHECK_EQ(fl.l_pid, -1);
	fl = look(a, F_OFD_GETLK, 0);
	CHECK_EQ(fl.l_type, F_RDLCK);
	CHECK_EQ(fl.l_start, 20);
	/* The open file has it as long as there is a descriptor. */
	close(a);
	CHECK_EQ(look(b, F_OFD_GETLK, 0).l_type, F_WRLCK);
	ckpt_wait_blocked(pid, pid, SYS_fcntl);
	close(c);
	ckpt_join(pid, 0);
	CHECK_EQ(look(b, F_OFD_GETLK, 0).l_type, F_UNLCK);
}

static int waits_for_flock(void *arg)
{
	int fd = open_a(O_RDONLY);

	ckpt_gate_open(&up, 1);
	CHECK(!flock(fd, LOCK_EX));
	return 0;
}

static int has_flock_too(void *arg)
{
	ckpt_gate_wait(&go);
	return 0;
}

CKPT_TEST(flock_exclusive)
{
	int a = open_a(O_RDWR), b = open_a(O_RDONLY);
	pid_t has, waits;

	gates();
	REQUIRE(!flock(a, LOCK_EX));
	has = ckpt_fork(has_flock_too, NULL);
	waits = ckpt_fork(waits_for_flock, NULL);
	ckpt_gate_wait(&up);
	ckpt_wait_blocked(waits, waits, SYS_flock);
	ckpt_ready();
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), -1);
	CHECK_EQ(errno, EWOULDBLOCK);
	/* It is also the child's, which shares the open file. */
	close(a);
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), -1);
	ckpt_wait_blocked(waits, waits, SYS_flock);
	ckpt_gate_open(&go, 1);
	ckpt_join(has, 0);
	/* who waits inherited the file before it */
	kill(waits, SIGKILL);
	CHECK_EQ(waitpid(waits, NULL, 0), waits);
	CHECK(!flock(b, LOCK_SH | LOCK_NB));
}

CKPT_TEST(flock_shared)
{
	int a = open_a(O_RDWR), b = open_a(O_RDONLY), c = open_a(O_RDWR);

	REQUIRE(!flock(a, LOCK_SH) && !flock(b, LOCK_SH));
	ckpt_ready();
	CHECK(!flock(c, LOCK_SH | LOCK_NB));
	CHECK_EQ(flock(c, LOCK_EX | LOCK_NB), -1);
	CHECK(!flock(a, LOCK_UN));
	CHECK_EQ(flock(c, LOCK_EX | LOCK_NB), -1);
	CHECK(!flock(b, LOCK_UN));
	CHECK(!flock(c, LOCK_EX | LOCK_NB));
}

/* ----------------------------------------------------------------- leases */

static int opens(void *flags)
{
	int fd = open("a", *(int *)flags);

	CHECK(fd >= 0);
	return 0;
}

/* A signal that tells a descriptor */
static void wait_for_signal(int fd, int sig)
{
	struct timespec limit = { .tv_sec = CKPT_WAIT_S };
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK_EQ(sigtimedwait(&set, &info, &limit), sig);
	CHECK_EQ(info.si_fd, fd);
}

static void block(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	REQUIRE(!sigprocmask(SIG_BLOCK, &set, NULL));
}

CKPT_TEST(read_lease)
{
	int fd = open_a(O_RDONLY), flags = O_WRONLY;
	pid_t pid;

	block(SIGRTMIN + 1);
	REQUIRE(!fcntl(fd, F_SETSIG, SIGRTMIN + 1));
	REQUIRE(!fcntl(fd, F_SETLEASE, F_RDLCK));
	ckpt_ready();
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_RDLCK);
	CHECK_EQ(open("a", O_WRONLY | O_NONBLOCK), -1);
	CHECK_EQ(errno, EWOULDBLOCK);
	wait_for_signal(fd, SIGRTMIN + 1);
	pid = ckpt_fork(opens, &flags);
	ckpt_wait_blocked(pid, pid, -1);
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
	CHECK(!fcntl(fd, F_SETLEASE, F_UNLCK));
	ckpt_join(pid, 0);
}

CKPT_TEST(write_lease)
{
	int fd = open_a(O_RDWR), flags = O_RDONLY;
	pid_t pid;

	block(SIGIO);
	REQUIRE(!fcntl(fd, F_SETSIG, SIGIO));
	REQUIRE(!fcntl(fd, F_SETLEASE, F_WRLCK));
	ckpt_ready();
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_WRLCK);
	pid = ckpt_fork(opens, &flags);
	wait_for_signal(fd, SIGIO);
	/* One for reading is what may stay. */
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_RDLCK);
	CHECK(!fcntl(fd, F_SETLEASE, F_UNLCK));
	ckpt_join(pid, 0);
}

/* Somebody waits for the lease to be given up. */
CKPT_TEST(lease_being_broken)
{
	int fd = open_a(O_RDONLY), flags = O_WRONLY;
	pid_t pid;

	block(SIGRTMIN + 1);
	REQUIRE(!fcntl(fd, F_SETSIG, SIGRTMIN + 1));
	REQUIRE(!fcntl(fd, F_SETLEASE, F_RDLCK));
	pid = ckpt_fork(opens, &flags);
	wait_for_signal(fd, SIGRTMIN + 1);
	ckpt_wait_blocked(pid, pid, -1);
	ckpt_ready();
	ckpt_wait_blocked(pid, pid, -1);
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
	CHECK(!fcntl(fd, F_SETLEASE, F_UNLCK));
	ckpt_join(pid, 0);
}

/* ---------------------------------------------------- watched directories */

CKPT_TEST(watched_directories)
{
	int d, again, once;

	REQUIRE(!mkdir("d", 0700));
	d = open("d", O_RDONLY);
	once = open("d", O_RDONLY);
	again = dup(d);
	REQUIRE(d >= 0 && once >= 0 && again >= 0);
	block(SIGRTMIN + 1);
	block(SIGRTMIN + 2);
	REQUIRE(!fcntl(d, F_SETSIG, SIGRTMIN + 1));
	REQUIRE(!fcntl(once, F_SETSIG, SIGRTMIN + 2));
	REQUIRE(!fcntl(d, F_NOTIFY, DN_CREATE | DN_RENAME | DN_MULTISHOT));
	REQUIRE(!fcntl(once, F_NOTIFY, DN_DELETE));
	ckpt_ready();
	CHECK(!mkdir("d/a", 0700));
	wait_for_signal(d, SIGRTMIN + 1);
	CHECK(!rename("d/a", "d/b"));
	wait_for_signal(d, SIGRTMIN + 1);
	CHECK(!rmdir("d/b"));
	wait_for_signal(once, SIGRTMIN + 2);
	CHECK(!fcntl(d, F_NOTIFY, 0));
	close(again);
}

/* ------------------------------------------------- somebody is in the way */

CKPT_VICTIM(has_all_kinds)
{
	int a = open_a(O_RDWR), b = open("b", O_RDWR | O_CREAT, 0600);

	REQUIRE(!lock(a, F_SETLK, F_WRLCK, 0, 10));
	REQUIRE(!lock(a, F_OFD_SETLK, F_WRLCK, 20, 10));
	REQUIRE(b >= 0 && !flock(b, LOCK_EX));
	ckpt_ready();
	CHECK_EQ(open_a(O_RDWR) < 0, 0);
	CHECK_EQ(flock(open("b", O_RDWR), LOCK_SH | LOCK_NB), -1);
}

static int driver_open(struct ckpt_victim *v, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", v->dir, name);
	fd = open(path, O_RDWR);
	if (fd < 0)
		ckpt_die("%s: %s", path, strerror(errno));
	return fd;
}

DRIVER_TEST(outsider_is_in_the_way)
{
	struct ckpt_victim *v = &self->v;
	char pid[32];
	int a, b;

	snprintf(pid, sizeof(pid), "(pid %d)", getpid());
	ckpt_start(v, "has_all_kinds", 0);
	ckpt_checkpoint_kill(v);
	a = driver_open(v, "a");
	b = driver_open(v, "b");

	ASSERT_EQ(0, lock(a, F_SETLK, F_RDLCK, 9, 1));
	EXPECT_EQ(-EBUSY, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "record lock"));
	EXPECT_TRUE(ckpt_logged(v, pid))
		TH_LOG("the log has no \"%s\": %s", pid, v->log);
	ASSERT_EQ(0, lock(a, F_SETLK, F_UNLCK, 0, 0));

	ASSERT_EQ(0, lock(a, F_SETLK, F_WRLCK, 20, 1));
	EXPECT_EQ(-EBUSY, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "OFD lock"));
	ASSERT_EQ(0, lock(a, F_SETLK, F_UNLCK, 0, 0));

	ASSERT_EQ(0, flock(b, LOCK_SH));
	EXPECT_EQ(-EBUSY, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "flock"));
	/* What was taken before it failed is free again. */
	EXPECT_EQ(0, lock(a, F_SETLK, F_WRLCK, 0, 0));
	ASSERT_EQ(0, lock(a, F_SETLK, F_UNLCK, 0, 0));
	ASSERT_EQ(0, flock(b, LOCK_UN));

	ASSERT_LT(0, ckpt_restart(v, 0));
	EXPECT_EQ(-1, lock(a, F_SETLK, F_RDLCK, 9, 1));
	EXPECT_EQ(-1, lock(a, F_SETLK, F_RDLCK, 29, 1));
	EXPECT_EQ(-1, flock(b, LOCK_SH | LOCK_NB));
	ckpt_finish(v);
	EXPECT_EQ(0, lock(a, F_SETLK, F_WRLCK, 0, 0));
	EXPECT_EQ(0, flock(b, LOCK_EX | LOCK_NB));
	close(a);
	close(b);
	ckpt_end(v);
}

CKPT_VICTIM(has_a_lease)
{
	int fd = open_a(O_RDWR);

	REQUIRE(!fcntl(fd, F_SETLEASE, F_WRLCK));
	ckpt_ready();
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_WRLCK);
}

DRIVER_TEST(leased_file_is_open)
{
	struct ckpt_victim *v = &self->v;
	int fd;

	ckpt_start(v, "has_a_lease", 0);
	ckpt_checkpoint_kill(v);
	fd = driver_open(v, "a");
	EXPECT_EQ(-EBUSY, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "lease"));
	close(fd);
	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
