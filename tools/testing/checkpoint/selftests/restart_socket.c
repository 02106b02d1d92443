// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets with a timeout answer EINTR to whatever interrupts them. Those of the
 * internet are not supported: the checkpoint is refused, but the tasks were
 * parked.
 */
#include "librestart.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const struct timespec span = {
	.tv_sec = RESTART_MS / 1000,
	.tv_nsec = RESTART_MS % 1000 * 1000000,
};

static void set_timeout(int fd, int option)
{
	struct timeval tv = {
		.tv_sec = RESTART_MS / 1000,
		.tv_usec = RESTART_MS % 1000 * 1000,
	};

	REQUIRE(!setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)));
}

static int unix_pair(int type, int option)
{
	int fd[2];

	REQUIRE(!socketpair(AF_UNIX, type, 0, fd));
	set_timeout(fd[0], option);
	return fd[0];
}

#define CHECK_TIMED_OUT(call, err)					\
	do {								\
		uint64_t __start = ckpt_now();				\
									\
		CHECK_EQ(call, -1);					\
		CHECK_EQ(errno, err);					\
		CHECK_WAITED(__start);					\
	} while (0)

RESTART_TEST(recvfrom_stream_timeout, SYS_recvfrom)
{
	int fd = unix_pair(SOCK_STREAM, SO_RCVTIMEO);
	char c;

	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_recvfrom, fd, &c, 1, 0, NULL, NULL),
			EAGAIN);
}

RESTART_TEST(recvfrom_datagram_timeout, SYS_recvfrom)
{
	int fd = unix_pair(SOCK_DGRAM, SO_RCVTIMEO);
	char c;

	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_recvfrom, fd, &c, 1, 0, NULL, NULL),
			EAGAIN);
}

RESTART_TEST(recvmsg_timeout, SYS_recvmsg)
{
	int fd = unix_pair(SOCK_DGRAM, SO_RCVTIMEO);
	char c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_recvmsg, fd, &msg, 0), EAGAIN);
}

RESTART_TEST(recvmmsg_timeout, SYS_recvmmsg)
{
	int fd = unix_pair(SOCK_DGRAM, SO_RCVTIMEO);
	char c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct mmsghdr msg = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };

	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_recvmmsg, fd, &msg, 1, 0, NULL), EAGAIN);
}

RESTART_TEST(readv_timeout, SYS_readv)
{
	int fd = unix_pair(SOCK_STREAM, SO_RCVTIMEO);
	char c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };

	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_readv, fd, &iov, 1), EAGAIN);
}

/* So that the next byte has to wait */
static void fill(int fd)
{
	char buf[4096] = {};

	while (send(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	while (send(fd, buf, 1, MSG_DONTWAIT) > 0)
		;
	REQUIRE(errno == EAGAIN);
}

RESTART_TEST(sendto_timeout, SYS_sendto)
{
	int fd = unix_pair(SOCK_STREAM, SO_SNDTIMEO);

	fill(fd);
	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_sendto, fd, "x", 1, 0, NULL, 0), EAGAIN);
}

RESTART_TEST(sendmsg_timeout, SYS_sendmsg)
{
	int fd = unix_pair(SOCK_STREAM, SO_SNDTIMEO);
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	fill(fd);
	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_sendmsg, fd, &msg, 0), EAGAIN);
}

RESTART_TEST(writev_timeout, SYS_writev)
{
	int fd = unix_pair(SOCK_STREAM, SO_SNDTIMEO);
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };

	fill(fd);
	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_writev, fd, &iov, 1), EAGAIN);
}

static int pair[2];

static int send_late(void *arg)
{
	CHECK_EQ(nanosleep(&span, NULL), 0);
	return send(pair[1], "xyz", 3, 0) != 3;
}

/* With a timeout that is long, and data that come before it is over */
RESTART_TEST(recvfrom_event, SYS_recvfrom)
{
	struct timeval tv = { .tv_sec = 3600 };
	char buf[8] = {};
	pid_t pid;

	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	REQUIRE(!setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	ckpt_ready();
	pid = ckpt_fork(send_late, NULL);
	CHECK_EQ(syscall(SYS_recvfrom, pair[0], buf, 8, 0, NULL, NULL), 3);
	CHECK(!strcmp(buf, "xyz"));
	ckpt_join(pid, 0);
}

/* ------------------------------------------------------------ connections */

static int unix_listener(struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	REQUIRE(fd >= 0);
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	strcpy(addr->sun_path, "socket");
	REQUIRE(!bind(fd, (void *)addr, sizeof(*addr)));
	REQUIRE(!listen(fd, 0));
	return fd;
}

RESTART_TEST(accept_timeout, SYS_accept)
{
	struct sockaddr_un addr;
	int fd = unix_listener(&addr);

	set_timeout(fd, SO_RCVTIMEO);
	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_accept, fd, NULL, NULL), EAGAIN);
}

/* A listener that has as many connections waiting as it wants */
RESTART_TEST(connect_unix_timeout, SYS_connect)
{
	struct sockaddr_un addr;
	int fd;

	unix_listener(&addr);
	do {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		REQUIRE(fd >= 0);
	} while (!connect(fd, (void *)&addr, sizeof(addr)));
	REQUIRE(errno == EAGAIN);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	REQUIRE(fd >= 0);
	set_timeout(fd, SO_SNDTIMEO);
	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_connect, fd, &addr, sizeof(addr)), EAGAIN);
}

static int inet_listener(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = restart_inet_socket();

	memset(addr, 0, sizeof(*addr));
	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	REQUIRE(!bind(fd, (void *)addr, sizeof(*addr)));
	REQUIRE(!listen(fd, 0));
	REQUIRE(!getsockname(fd, (void *)addr, &len));
	return fd;
}

RESTART_TEST_REFUSED(accept4_tcp_timeout, SYS_accept4)
{
	struct sockaddr_in addr;
	int fd = inet_listener(&addr);

	set_timeout(fd, SO_RCVTIMEO);
	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_accept4, fd, NULL, NULL, 0), EAGAIN);
}

/* When the time is over, the connection is still being made. */
RESTART_TEST_REFUSED(connect_tcp_timeout, SYS_connect)
{
	struct sockaddr_in addr;
	struct timespec ts = { .tv_nsec = 200000000 };
	int fd, i;

	inet_listener(&addr);
	/* until the first packets of new ones are dropped */
	for (i = 0; i < 4; i++) {
		fd = restart_inet_socket();
		REQUIRE(!ioctl(fd, FIONBIO, &(int){ 1 }));
		connect(fd, (void *)&addr, sizeof(addr));
	}
	nanosleep(&ts, NULL);
	fd = restart_inet_socket();
	set_timeout(fd, SO_SNDTIMEO);
	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_connect, fd, &addr, sizeof(addr)),
			EINPROGRESS);
}

static int waiting[4];

/* Makes room for the connection, and counts what comes through it. */
static void *take_all(void *arg)
{
	const struct timespec ts = span;
	int fd, i, listener = *(int *)arg;
	long total = 0;
	char buf[16];
	ssize_t n;

	nanosleep(&ts, NULL);
	for (i = 0; i < 4; i++)
		close(waiting[i]);
	while (!total) {
		fd = accept(listener, NULL, NULL);
		REQUIRE(fd >= 0);
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			total += n;
		close(fd);
	}
	return (void *)total;
}

/* What went with the SYN is not sent once more. */
RESTART_TEST_REFUSED(fastopen, SYS_sendto)
{
	int fd, i, sysctl, listener;
	struct sockaddr_in addr;
	struct pollfd poll_fd;
	pthread_t thread;
	void *total;

	REQUIRE(!unshare(CLONE_NEWNET));
	listener = inet_listener(&addr);
	sysctl = open("/proc/sys/net/ipv4/tcp_fastopen", O_WRONLY | O_CLOEXEC);
	/* a client, also without a cookie */
	REQUIRE(sysctl >= 0 && write(sysctl, "5", 1) == 1);
	close(sysctl);
	for (i = 0; i < 4; i++) {
		waiting[i] = restart_inet_socket();
		REQUIRE(!ioctl(waiting[i], FIONBIO, &(int){ 1 }));
		connect(waiting[i], (void *)&addr, sizeof(addr));
	}
	fd = restart_inet_socket();
	REQUIRE(!pthread_create(&thread, NULL, take_all, &listener));
	ckpt_ready();
	CHECK_EQ(syscall(SYS_sendto, fd, "abc", 3, MSG_FASTOPEN, &addr,
			 sizeof(addr)), 3);
	/* it may have been cut short before there was a connection */
	poll_fd = (struct pollfd){ .fd = fd, .events = POLLOUT };
	CHECK_EQ(poll(&poll_fd, 1, -1), 1);
	CHECK(!shutdown(fd, SHUT_WR));
	CHECK(!pthread_join(thread, &total));
	CHECK_EQ((long)total, 3);
}

RESTART_TEST_REFUSED(recvfrom_tcp_timeout, SYS_recvfrom)
{
	struct sockaddr_in addr;
	int fd, listener = inet_listener(&addr);
	char c;

	fd = restart_inet_socket();
	REQUIRE(!connect(fd, (void *)&addr, sizeof(addr)));
	REQUIRE(accept(listener, NULL, NULL) >= 0);
	set_timeout(fd, SO_RCVTIMEO);
	ckpt_ready();
	CHECK_TIMED_OUT(syscall(SYS_recvfrom, fd, &c, 1, 0, NULL, NULL),
			EAGAIN);
}

TEST_HARNESS_MAIN
