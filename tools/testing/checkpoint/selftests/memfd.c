// SPDX-License-Identifier: GPL-2.0
/*
 * Files of memfd_create(): what is in them, and what their seals allow.
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC	0x0020
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008U
#endif

#define PAGE	4096UL
#define SIZE	(16 * PAGE)

static int make(const char *name, unsigned int flags)
{
	int fd = memfd_create(name, flags);

	if (fd < 0)
		ckpt_skip("memfd_create: %m");
	REQUIRE(!ftruncate(fd, SIZE));
	return fd;
}

static char *map(int fd, int prot, int flags)
{
	char *mem = mmap(NULL, SIZE, prot, flags, fd, 0);

	REQUIRE(mem != MAP_FAILED);
	return mem;
}

CKPT_TEST(content)
{
	char text[8], link[64] = "", path[32];
	int fd = make("some content", MFD_CLOEXEC);
	struct stat st;

	REQUIRE(pwrite(fd, "first", 5, 0) == 5);
	REQUIRE(pwrite(fd, "last", 4, SIZE - 4) == 4);
	REQUIRE(!fchmod(fd, 0640));
	REQUIRE(lseek(fd, 2, SEEK_SET) == 2);
	ckpt_ready();
	CHECK_EQ(read(fd, text, 3), 3);
	CHECK(!memcmp(text, "rst", 3));
	CHECK_EQ(lseek(fd, 1, SEEK_DATA), 1);
	CHECK_EQ(lseek(fd, 1, SEEK_HOLE), (off_t)PAGE);
	CHECK_EQ(lseek(fd, PAGE, SEEK_DATA), (off_t)(SIZE - PAGE));
	CHECK_EQ(pread(fd, text, 8, SIZE - 4), 4);
	CHECK(!memcmp(text, "last", 4));
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(st.st_size, SIZE);
	CHECK_EQ(st.st_nlink, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, link, sizeof(link) - 1) > 0);
	CHECK(!strcmp(link, "/memfd:some content (deleted)"));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK(!ftruncate(fd, 2 * SIZE));
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
}

static struct ckpt_gate up, go;

static int writes(void *mem)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(ckpt_filled(mem, SIZE, 1));
	ckpt_fill(mem, SIZE, 2);
	return 0;
}

/* The descriptor is closed, two processes have it mapped. */
CKPT_TEST(mapped)
{
	int fd = make("mapped", 0);
	char *mem = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	char *own = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	close(fd);
	ckpt_fill(mem, SIZE, 1);
	own[PAGE] = 'x';
	pid = ckpt_fork(writes, mem);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(own[PAGE], 'x');
	CHECK(ckpt_filled(own, PAGE, 1));
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK(ckpt_filled(mem, SIZE, 2));
	CHECK_EQ(own[PAGE], 'x');
}

/* Two open files, one of them opened by its link; and by a path only */
CKPT_TEST(opened_again)
{
	int fd = make("twice", 0), ro, path;
	char name[32], c = 0;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ro = open(name, O_RDONLY);
	path = open(name, O_PATH);
	REQUIRE(ro >= 0 && path >= 0);
	REQUIRE(write(fd, "abc", 3) == 3);
	REQUIRE(lseek(ro, 1, SEEK_SET) == 1);
	ckpt_ready();
	CHECK_EQ(pwrite(fd, "B", 1, 1), 1);
	CHECK_EQ(read(ro, &c, 1), 1);
	CHECK_EQ(c, 'B');
	CHECK_EQ(write(ro, "x", 1), -1);
	CHECK_EQ(fcntl(path, F_GETFL) & O_PATH, O_PATH);
	close(fd);
	close(ro);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", path);
	fd = open(name, O_RDWR);
	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, &c, 1, 2), 1);
	CHECK_EQ(c, 'c');
}

CKPT_TEST(sizes)
{
	int fd = make("sizes", MFD_ALLOW_SEALING);
	char c = 'x';

	REQUIRE(!fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	ckpt_ready();
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_GROW | F_SEAL_SHRINK);
	CHECK_EQ(ftruncate(fd, 2 * SIZE), -1);
	CHECK_EQ(ftruncate(fd, PAGE), -1);
	CHECK_EQ(pwrite(fd, &c, 1, PAGE), 1);
	CHECK_EQ(pwrite(fd, &c, 1, SIZE), -1);
	/* One more can be added. */
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
}

CKPT_TEST(written_no_more)
{
	int fd = make("read only", MFD_ALLOW_SEALING);
	char c = 'x', *before, *after;

	REQUIRE(pwrite(fd, "data", 4, 0) == 4);
	before = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	REQUIRE(!fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
	after = map(fd, PROT_READ, MAP_SHARED);
	before[1] = 'A';
	ckpt_ready();
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_SEAL);
	CHECK(!memcmp(after, "data", 4));
	CHECK(!memcmp(before, "dAta", 4));
	CHECK_EQ(pwrite(fd, &c, 1, 0), -1);
	CHECK_EQ(mprotect(after, SIZE, PROT_READ | PROT_WRITE), -1);
	CHECK(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
	      MAP_FAILED);
}

/* Who had it mapped may write on, nobody else. */
CKPT_TEST(not_written_in_the_future)
{
	int fd = make("from now on", MFD_ALLOW_SEALING);
	char c = 'x', *before, *after;

	before = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	before[0] = '1';
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE))
		ckpt_skip("F_SEAL_FUTURE_WRITE: %m");
	after = map(fd, PROT_READ, MAP_SHARED);
	ckpt_ready();
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_FUTURE_WRITE);
	CHECK_EQ(after[0], '1');
	before[0] = '2';
	CHECK_EQ(after[0], '2');
	CHECK_EQ(pwrite(fd, &c, 1, 0), -1);
	CHECK_EQ(mprotect(after, SIZE, PROT_READ | PROT_WRITE), -1);
	CHECK(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
	      MAP_FAILED);
	CHECK(!munmap(after, SIZE));
	/* Not while one may write to it. */
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	CHECK(!munmap(before, SIZE));
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

CKPT_TEST(never_executed)
{
	int fd = memfd_create("data", MFD_NOEXEC_SEAL);
	struct stat st;

	if (fd < 0)
		ckpt_skip("MFD_NOEXEC_SEAL: %m");
	ckpt_ready();
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0666);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_EXEC);
	CHECK_EQ(fchmod(fd, 0777), -1);
	CHECK(!fchmod(fd, 0600));
}

static int executes(void *arg)
{
	static char *const argv[] = { "script", NULL }, *const envp[] = { NULL };

	fexecve((long)arg, argv, envp);
	return 1;
}

/* While it is open for writing, as the one that memfd_create() returns */
CKPT_TEST(executed)
{
	static const char script[] = "#!/bin/sh\nexit 7\n";
	int fd = memfd_create("script", 0);

	if (fd < 0)
		ckpt_skip("memfd_create: %m");
	REQUIRE(write(fd, script, strlen(script)) == (ssize_t)strlen(script));
	ckpt_join(ckpt_fork(executes, (void *)(long)fd), 7);
	ckpt_ready();
	ckpt_join(ckpt_fork(executes, (void *)(long)fd), 7);
}

CKPT_TEST(allocated)
{
	int fd = make("allocated", 0);
	struct stat before, after;

	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 2 * SIZE))
		ckpt_skip("fallocate: %m");
	REQUIRE(!fstat(fd, &before));
	ckpt_ready();
	CHECK(!fstat(fd, &after));
	CHECK_EQ(after.st_blocks, before.st_blocks);
	CHECK_EQ(after.st_size, before.st_size);
}

/* In a message that nobody has read: there is no descriptor. */
CKPT_TEST(in_flight)
{
	char data, room[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { .iov_base = &data, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof(room),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd = make("sent", 0), pair[2];
	char text[4];

	REQUIRE(pwrite(fd, "sent", 4, 0) == 4);
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	data = 'd';
	REQUIRE(sendmsg(pair[0], &msg, 0) == 1);
	close(fd);
	ckpt_ready();
	CHECK_EQ(recvmsg(pair[1], &msg, 0), 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	CHECK_EQ(pread(fd, text, 4, 0), 4);
	CHECK(!memcmp(text, "sent", 4));
}

CKPT_VICTIM(reached_from_outside)
{
	REQUIRE(dup2(make("reached", 0), 50) == 50);
	ckpt_ready();
	CHECK_EQ(pwrite(50, "x", 1, 0), 1);
}

/* Whoever has it open by itself would lose it. */
DRIVER_TEST(opened_outside)
{
	struct ckpt_victim *v = &self->v;
	char path[64];
	int fd;

	ckpt_start(v, "reached_from_outside", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	snprintf(path, sizeof(path), "/proc/%d/fd/50", v->pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, ckpt_checkpoint(v, CHECKPOINT_KILL));
	EXPECT_TRUE(ckpt_logged(v, "memfd"));
	EXPECT_TRUE(ckpt_logged(v, "shared with a task outside"));
	close(fd);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
