// SPDX-License-Identifier: GPL-2.0
/*
 * Files and processes: waits without a timeout, and calls that take long.
 */
#include "librestart.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct timespec span = {
	.tv_sec = RESTART_MS / 1000,
	.tv_nsec = RESTART_MS % 1000 * 1000000,
};

static int fds[2];

static int write_late(void *arg)
{
	CHECK_EQ(nanosleep(&span, NULL), 0);
	return write(fds[1], "abc", 3) != 3;
}

RESTART_TEST(readv_pipe, SYS_readv)
{
	char buf[8] = {};
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	pid_t pid;

	REQUIRE(!pipe(fds));
	ckpt_ready();
	pid = ckpt_fork(write_late, NULL);
	CHECK_EQ(syscall(SYS_readv, fds[0], &iov, 1), 3);
	CHECK(!strcmp(buf, "abc"));
	ckpt_join(pid, 0);
}

static int read_late(void *arg)
{
	static char buf[65536];

	CHECK_EQ(nanosleep(&span, NULL), 0);
	return read(fds[0], buf, sizeof(buf)) != (ssize_t)sizeof(buf);
}

RESTART_TEST(writev_pipe, SYS_writev)
{
	static char full[65536];
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	pid_t pid;

	REQUIRE(!pipe(fds));
	REQUIRE(fcntl(fds[1], F_SETPIPE_SZ, sizeof(full)) == sizeof(full));
	REQUIRE(write(fds[1], full, sizeof(full)) == sizeof(full));
	ckpt_ready();
	pid = ckpt_fork(read_late, NULL);
	CHECK_EQ(syscall(SYS_writev, fds[1], &iov, 1), 1);
	ckpt_join(pid, 0);
}

static int exit_late(void *arg)
{
	CHECK_EQ(nanosleep(&span, NULL), 0);
	return 33;
}

RESTART_TEST(wait4_child, SYS_wait4)
{
	int status = 0;
	pid_t pid;

	ckpt_ready();
	pid = ckpt_fork(exit_late, NULL);
	CHECK_EQ(syscall(SYS_wait4, pid, &status, 0, NULL), pid);
	CHECK_EQ(WEXITSTATUS(status), 33);
}

RESTART_TEST(waitid_child, SYS_waitid)
{
	siginfo_t info = {};
	pid_t pid;

	ckpt_ready();
	pid = ckpt_fork(exit_late, NULL);
	CHECK_EQ(syscall(SYS_waitid, P_PID, pid, &info, WEXITED, NULL), 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 33);
}

static int open_late(void *arg)
{
	CHECK_EQ(nanosleep(&span, NULL), 0);
	return open("fifo", O_WRONLY) < 0;
}

RESTART_TEST(openat_fifo, SYS_openat)
{
	pid_t pid;

	REQUIRE(!mkfifo("fifo", 0600));
	ckpt_ready();
	pid = ckpt_fork(open_late, NULL);
	CHECK(syscall(SYS_openat, AT_FDCWD, "fifo", O_RDONLY) >= 0);
	ckpt_join(pid, 0);
}

/*
 * Memory for a file in a tmpfs: undone, and started again, when something
 * interrupts it. The file system is what refuses the checkpoint, if anything.
 */
RESTART_TEST(fallocate_shmem, SYS_fallocate)
{
	const long size = 96 << 20;
	struct stat st;
	int fd, i;

	fd = open("/dev/shm/ckpt.fallocate", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		fd = open("fallocate", O_RDWR | O_CREAT | O_TRUNC, 0600);
	REQUIRE(fd >= 0);
	if (syscall(SYS_fallocate, fd, 0, 0, 4096L))
		ckpt_skip("fallocate: %m");
	ckpt_ready();
	for (i = 0; i < 3; i++) {
		CHECK_EQ(syscall(SYS_fallocate, fd, 0, 0, size), 0);
		CHECK(!fstat(fd, &st));
		CHECK_EQ(st.st_size, size);
		CHECK(!ftruncate(fd, 0));
	}
	unlink("/dev/shm/ckpt.fallocate");
}

TEST_HARNESS_MAIN
