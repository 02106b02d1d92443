// SPDX-License-Identifier: GPL-2.0
/*
 * Open files that are in messages of unix sockets, and nowhere else perhaps.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define FILES_MAX	253

/* Send @nr descriptors with one byte. */
static int send_fds(int to, const int *fds, int nr)
{
	char control[CMSG_SPACE(FILES_MAX * sizeof(int))] = {};
	struct iovec iov = { .iov_base = "f", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = CMSG_SPACE(nr * sizeof(int)),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
	return sendmsg(to, &msg, MSG_DONTWAIT) == 1 ? 0 : -errno;
}

/* Send one, and close it. */
static void give(int to, int fd)
{
	REQUIRE(!send_fds(to, &fd, 1));
	close(fd);
}

/* Who would open it again is another process. */
REFUSED(namespace_of_another, "it shows a namespace of another process")
{
	int sv[2], fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);

	REQUIRE(fd >= 0 && !socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	give(sv[0], fd);
	ckpt_ready();
}

/* The descriptors of the next message: how many */
static int receive_fds(int from, int *fds, int max)
{
	char control[CMSG_SPACE(FILES_MAX * sizeof(int))], c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = CMSG_SPACE(max * sizeof(int)),
	};
	struct cmsghdr *cmsg;
	size_t len;

	if (recvmsg(from, &msg, MSG_DONTWAIT) != 1)
		return -errno;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS ||
	    (msg.msg_flags & MSG_CTRUNC))
		return -EBADMSG;
	len = cmsg->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(cmsg), len);
	return len / sizeof(int);
}

static int take(int from)
{
	int fd = -1;

	CHECK_EQ(receive_fds(from, &fd, 1), 1);
	return fd;
}

static void pair(int type, int *fd)
{
	REQUIRE(!socketpair(AF_UNIX, type, 0, fd));
}

static void says(int fd, const char *text)
{
	char buf[64] = "";

	CHECK_EQ(read(fd, buf, sizeof(buf) - 1), strlen(text));
	CHECK(!strcmp(buf, text));
}

static int files_in_messages(int fd)
{
	char path[64], buf[1024], *at;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	REQUIRE(ckpt_read_file(path, buf, sizeof(buf)) > 0);
	at = strstr(buf, "scm_fds:");
	return at ? atoi(at + 8) : -1;
}

/* ------------------------------------------------------------ of each kind */

CKPT_TEST(kinds)
{
	int fd[2], end[2], p2[2], f, ep, same, got[4];
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 12 };
	uint64_t count = 5;
	struct stat st, st2;

	pair(SOCK_STREAM, fd);
	REQUIRE(!pipe(end) && !pipe(p2));
	REQUIRE(write(end[1], "in a pipe", 9) == 9);
	f = open("file", O_RDWR | O_CREAT, 0600);
	REQUIRE(f >= 0 && write(f, "0123456789", 10) == 10);
	REQUIRE(lseek(f, 3, SEEK_SET) == 3);
	same = dup(f);
	give(fd[1], end[0]);
	give(fd[1], f);
	f = eventfd(count, 0);
	ep = epoll_create1(0);
	REQUIRE(!epoll_ctl(ep, EPOLL_CTL_ADD, f, &ev));
	give(fd[1], ep);
	give(fd[1], f);
	f = open(".", O_RDONLY | O_DIRECTORY);
	REQUIRE(!fstat(f, &st));
	got[0] = f;
	got[1] = syscall(SYS_pidfd_open, getpid(), 0);
	got[2] = got[0];
	got[3] = p2[0];
	REQUIRE(!send_fds(fd[1], got, 4));
	close(got[0]);
	close(got[1]);
	ckpt_ready();
	CHECK_EQ(files_in_messages(fd[0]), 8);
	f = take(fd[0]);
	says(f, "in a pipe");
	close(end[1]);
	says(f, "");
	/* the same open file as one that it has */
	f = take(fd[0]);
	CHECK_EQ(lseek(same, 0, SEEK_CUR), 3);
	CHECK_EQ(lseek(f, 5, SEEK_SET), 5);
	CHECK_EQ(lseek(same, 0, SEEK_CUR), 5);
	ep = take(fd[0]);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	CHECK_EQ(ev.data.u64, 12);
	f = take(fd[0]);
	CHECK_EQ(read(f, &count, 8), 8);
	CHECK_EQ(count, 5);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	CHECK_EQ(receive_fds(fd[0], got, 4), 4);
	CHECK(!fstat(got[0], &st2));
	CHECK_EQ(st.st_ino, st2.st_ino);
	CHECK(!syscall(SYS_pidfd_send_signal, got[1], 0, NULL, 0));
	CHECK(!fstat(got[2], &st2));
	CHECK_EQ(st.st_ino, st2.st_ino);
	CHECK_EQ(write(p2[1], "y", 1), 1);
	says(got[3], "y");
	CHECK_EQ(files_in_messages(fd[0]), 0);
}

CKPT_TEST(as_many_as_can_be)
{
	int fd[2], end[2], fds[FILES_MAX], i;

	pair(SOCK_DGRAM, fd);
	REQUIRE(!pipe(end));
	for (i = 0; i < FILES_MAX; i++)
		fds[i] = end[1];
	REQUIRE(!send_fds(fd[1], fds, FILES_MAX));
	close(end[1]);
	ckpt_ready();
	CHECK_EQ(receive_fds(fd[0], fds, FILES_MAX), FILES_MAX);
	for (i = 0; i < FILES_MAX; i++)
		CHECK(!close(fds[i]));
	says(end[0], "");
}

/* In the middle of a stream: what is before it was read */
CKPT_TEST(in_a_stream)
{
	int fd[2], end[2];
	char buf[16];

	pair(SOCK_STREAM, fd);
	REQUIRE(!pipe(end) && write(end[1], "p", 1) == 1);
	REQUIRE(write(fd[1], "before", 6) == 6);
	give(fd[1], end[0]);
	REQUIRE(write(fd[1], "after", 5) == 5);
	REQUIRE(read(fd[0], buf, 3) == 3);
	ckpt_ready();
	CHECK_EQ(recv(fd[0], buf, 3, MSG_DONTWAIT), 3);
	CHECK(!memcmp(buf, "ore", 3));
	says(take(fd[0]), "p");
	says(fd[0], "after");
}

/* ------------------------------------------------------- inside of others */

#define DEPTH	40

CKPT_TEST(nested)
{
	int fd[DEPTH][2], end[2], i, at;

	REQUIRE(!pipe(end) && write(end[1], "deep", 4) == 4);
	for (i = 0; i < DEPTH; i++)
		pair(SOCK_STREAM, fd[i]);
	/* each in the one before it; nothing is left of them but the first */
	give(fd[DEPTH - 1][1], end[0]);
	for (i = DEPTH - 1; i > 0; i--) {
		give(fd[i - 1][1], fd[i][0]);
		close(fd[i][1]);
	}
	ckpt_ready();
	for (at = fd[0][0], i = 1; i < DEPTH; i++)
		at = take(at);
	says(take(at), "deep");
}

static bool is_closed(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int other[2];

	/* whoever closes a socket collects what nobody has */
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, other));
	close(other[0]);
	close(other[1]);
	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP);
}

/* Each is in the queue of the other, and nobody has either: as good as closed */
CKPT_TEST(cycle_of_nobody)
{
	int a[2], b[2], end[2], both[2];

	pair(SOCK_STREAM, a);
	pair(SOCK_STREAM, b);
	REQUIRE(!pipe(end));
	both[0] = a[0];
	both[1] = end[1];
	REQUIRE(!send_fds(b[1], both, 2));
	both[0] = b[0];
	REQUIRE(!send_fds(a[1], both, 2));
	close(a[0]);
	close(b[0]);
	close(end[1]);
	ckpt_ready();
	CKPT_WAIT_FOR(is_closed(end[0]) && is_closed(a[1]) && is_closed(b[1]));
	CHECK_EQ(send(a[1], "x", 1, MSG_NOSIGNAL), -1);
}

/* A socket in its own queue, which the peer keeps alive for nobody */
CKPT_TEST(in_itself)
{
	int fd[2], end[2], both[2];
	struct pollfd pfd;

	pair(SOCK_DGRAM, fd);
	REQUIRE(!pipe(end));
	both[0] = fd[0];
	both[1] = end[1];
	REQUIRE(!send_fds(fd[1], both, 2));
	close(end[1]);
	ckpt_ready();
	pfd = (struct pollfd){ .fd = end[0], .events = POLLIN };
	CHECK_EQ(poll(&pfd, 1, 0), 0);
	close(fd[0]);
	CKPT_WAIT_FOR(is_closed(end[0]));
}

CKPT_TEST(cycle_that_is_held)
{
	int a[2], b[2], got, other;

	pair(SOCK_DGRAM, a);
	pair(SOCK_DGRAM, b);
	REQUIRE(!send_fds(a[1], &b[0], 1));
	REQUIRE(!send_fds(b[1], &a[0], 1));
	close(b[0]);
	REQUIRE(write(b[1], "last", 4) == 4);
	ckpt_ready();
	got = take(a[0]);
	other = take(got);
	says(got, "last");
	CHECK_EQ(write(a[1], "x", 1), 1);
	says(other, "x");
}

/* In the queue of a connection that waits to be accepted, itself in flight */
CKPT_TEST(waiting)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd[2], listener, client, end[2];
	socklen_t len = sizeof(sa_family_t) + 10;

	memcpy(addr.sun_path + 1, "ckpt wait", 9);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	REQUIRE(!bind(listener, (void *)&addr, len) && !listen(listener, 2));
	REQUIRE(!connect(client, (void *)&addr, len));
	REQUIRE(!pipe(end) && write(end[1], "waits", 5) == 5);
	give(client, end[0]);
	/* the listener is in a message to itself, and in one to somebody */
	REQUIRE(!send_fds(client, &listener, 1));
	pair(SOCK_STREAM, fd);
	give(fd[1], listener);
	ckpt_ready();
	listener = take(fd[0]);
	fd[0] = accept(listener, NULL, NULL);
	CHECK(fd[0] >= 0);
	says(take(fd[0]), "waits");
	close(take(fd[0]));
	CHECK_EQ(write(client, "x", 1), 1);
	says(fd[0], "x");
}

/* ----------------------------------------------------------- with others */

static int pass[2];

static int receives(void *arg)
{
	int fd;

	ckpt_gate_wait(arg);
	fd = take(pass[0]);
	return lseek(fd, 0, SEEK_CUR) == 7 ? 5 : 1;
}

/* The same open file in a message and in another process */
CKPT_TEST(shared)
{
	struct ckpt_gate go;
	pid_t pid;
	int f;

	ckpt_gate_init(&go);
	pair(SOCK_STREAM, pass);
	f = open("file", O_RDWR | O_CREAT, 0600);
	REQUIRE(f >= 0 && write(f, "0123456789", 10) == 10);
	REQUIRE(!send_fds(pass[1], &f, 1));
	pid = ckpt_fork(receives, &go);
	ckpt_ready();
	CHECK_EQ(lseek(f, 7, SEEK_SET), 7);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 5);
}

TEST_HARNESS_MAIN
