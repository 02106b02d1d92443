// SPDX-License-Identifier: GPL-2.0
/*
 * What was sent to a unix socket and not received yet; connections that were
 * not accepted yet.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/sockios.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD	76
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD	0x04
#endif

#define DATA_OFFSET	offsetof(struct sockaddr_un, sun_path)

static char big[300000], back[300000];

static socklen_t address(struct sockaddr_un *addr, const char *name)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	strcpy(addr->sun_path + 1, name);
	return DATA_OFFSET + 1 + strlen(name);
}

/* Abstract names here, all of them */
static int bound(int type, const char *name)
{
	struct sockaddr_un addr;
	int fd = socket(AF_UNIX, type, 0);

	REQUIRE(fd >= 0 && !bind(fd, (void *)&addr, address(&addr, name)));
	return fd;
}

static int connect_to(int fd, const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = address(&addr, name);

	return connect(fd, (void *)&addr, len) ? -errno : 0;
}

static void send_to(int fd, const char *text, const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = address(&addr, name);

	REQUIRE(sendto(fd, text, strlen(text), MSG_DONTWAIT, (void *)&addr,
		       len) == (ssize_t)strlen(text));
}

/* The next message is @text, from a socket with the name @from, if not NULL */
static void heard(int fd, const char *text, const char *from)
{
	struct sockaddr_un addr = {};
	socklen_t len = sizeof(addr);
	char buf[256] = "";

	CHECK_EQ(recvfrom(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT, (void *)&addr,
			  &len), strlen(text));
	CHECK(!strcmp(buf, text));
	if (!from)
		return;
	CHECK_EQ(len, DATA_OFFSET + 1 + strlen(from));
	CHECK(!memcmp(addr.sun_path + 1, from, strlen(from)));
}

static void nothing_left(int fd)
{
	char c;

	CHECK_EQ(recv(fd, &c, 1, MSG_DONTWAIT), -1);
	CHECK_EQ(errno, EAGAIN);
}

static int queued(int fd, unsigned long how)
{
	int n = -1;

	CHECK(!ioctl(fd, how, &n));
	return n;
}

static void pair(int type, int *fd)
{
	REQUIRE(!socketpair(AF_UNIX, type, 0, fd));
}

/* ------------------------------------------------------------------ data */

CKPT_TEST(stream)
{
	char buf[64];
	int fd[2], out;

	pair(SOCK_STREAM, fd);
	REQUIRE(write(fd[1], "hello ", 6) == 6);
	REQUIRE(write(fd[1], "world", 5) == 5);
	REQUIRE(read(fd[0], buf, 2) == 2);
	REQUIRE(write(fd[0], "back", 4) == 4);
	out = queued(fd[1], SIOCOUTQ);
	ckpt_ready();
	CHECK_EQ(queued(fd[0], SIOCINQ), 9);
	CHECK_EQ(queued(fd[1], SIOCOUTQ), out);
	CHECK_EQ(write(fd[1], "!", 1), 1);
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 10);
	CHECK(!memcmp(buf, "llo world!", 10));
	CHECK_EQ(read(fd[1], buf, sizeof(buf)), 4);
	CHECK_EQ(queued(fd[1], SIOCOUTQ), 0);
	nothing_left(fd[0]);
}

/* As much as it takes: the sender is told that it has to wait. */
CKPT_TEST(full_stream)
{
	struct pollfd pfd;
	ssize_t n, all = 0, got = 0;
	int fd[2];

	ckpt_fill(big, sizeof(big), 3);
	pair(SOCK_STREAM, fd);
	while ((n = send(fd[1], big + all, sizeof(big) - all > 50000 ? 50000 :
			 sizeof(big) - all, MSG_DONTWAIT)) > 0)
		all += n;
	REQUIRE(all > 100000);
	pfd = (struct pollfd){ .fd = fd[1], .events = POLLOUT };
	ckpt_ready();
	CHECK_EQ(poll(&pfd, 1, 0), 0);
	CHECK_EQ(queued(fd[0], SIOCINQ), all);
	CHECK_EQ(send(fd[1], "x", 1, MSG_DONTWAIT), -1);
	CHECK_EQ(errno, EAGAIN);
	while (got < all && (n = read(fd[0], back + got, 7777)) > 0)
		got += n;
	CHECK_EQ(got, all);
	CHECK(!memcmp(big, back, all));
	CHECK_EQ(poll(&pfd, 1, 0), 1);
}

static void bounds(int type)
{
	int fd[2], out;

	pair(type, fd);
	REQUIRE(send(fd[1], "one", 3, 0) == 3);
	REQUIRE(send(fd[1], "", 0, 0) == 0);
	REQUIRE(send(fd[1], "three", 5, 0) == 5);
	ckpt_fill(big, 150000, 4);
	REQUIRE(send(fd[1], big, 150000, 0) == 150000);
	out = queued(fd[1], SIOCOUTQ);
	ckpt_ready();
	CHECK_EQ(queued(fd[1], SIOCOUTQ), out);
	heard(fd[0], "one", NULL);
	CHECK_EQ(recv(fd[0], back, 10, MSG_DONTWAIT), 0);
	heard(fd[0], "three", NULL);
	CHECK_EQ(recv(fd[0], back, sizeof(back), MSG_DONTWAIT), 150000);
	CHECK(ckpt_filled(back, 150000, 4));
	nothing_left(fd[0]);
}

CKPT_TEST(datagram_bounds)
{
	bounds(SOCK_DGRAM);
}

CKPT_TEST(seqpacket_bounds)
{
	bounds(SOCK_SEQPACKET);
}

/* Who sent it is closed, or connected elsewhere, by now. */
CKPT_TEST(senders)
{
	int fd = bound(SOCK_DGRAM, "ckpt q"), gone = bound(SOCK_DGRAM, "ckpt gone");
	int other = bound(SOCK_DGRAM, "ckpt other"), mute, away;

	send_to(gone, "1", "ckpt q");
	send_to(gone, "2", "ckpt q");
	close(gone);
	mute = socket(AF_UNIX, SOCK_DGRAM, 0);
	send_to(mute, "3", "ckpt q");
	close(mute);
	away = bound(SOCK_DGRAM, "ckpt away");
	send_to(away, "4", "ckpt q");
	REQUIRE(!connect_to(away, "ckpt other"));
	ckpt_ready();
	heard(fd, "1", "ckpt gone");
	heard(fd, "2", "ckpt gone");
	heard(fd, "3", NULL);
	heard(fd, "4", "ckpt away");
	nothing_left(fd);
	mute = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_EQ(connect_to(mute, "ckpt gone"), -ECONNREFUSED);
	CHECK_EQ(send(away, "x", 1, 0), 1);
	heard(other, "x", "ckpt away");
}

/* A queue that is full by its number of messages */
CKPT_TEST(full_of_datagrams)
{
	int fd = bound(SOCK_DGRAM, "ckpt q"), client, n = 0, i;
	struct pollfd pfd;
	char c;

	client = socket(AF_UNIX, SOCK_DGRAM, 0);
	REQUIRE(!connect_to(client, "ckpt q"));
	while (send(client, "x", 1, MSG_DONTWAIT) == 1)
		n++;
	REQUIRE(n > 2 && errno == EAGAIN);
	pfd = (struct pollfd){ .fd = client, .events = POLLOUT };
	ckpt_ready();
	CHECK_EQ(poll(&pfd, 1, 0), 0);
	for (i = 0; i < n; i++)
		CHECK_EQ(recv(fd, &c, 1, MSG_DONTWAIT), 1);
	nothing_left(fd);
	CHECK_EQ(poll(&pfd, 1, 0), 1);
}

CKPT_TEST(peek_offset)
{
	int fd[2], off = 2;
	char buf[16];

	pair(SOCK_STREAM, fd);
	REQUIRE(!setsockopt(fd[0], SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off)));
	REQUIRE(write(fd[1], "abcdef", 6) == 6);
	REQUIRE(recv(fd[0], buf, 1, MSG_PEEK) == 1 && buf[0] == 'c');
	ckpt_ready();
	CHECK_EQ(recv(fd[0], buf, 2, MSG_PEEK), 2);
	CHECK(!memcmp(buf, "de", 2));
	CHECK_EQ(recv(fd[0], buf, 6, 0), 6);
}

CKPT_TEST(urgent)
{
	int fd[3][2], i, mark = -1;
	char buf[16] = "";

	for (i = 0; i < 3; i++) {
		pair(SOCK_STREAM, fd[i]);
		REQUIRE(send(fd[i][1], "ab", 2, 0) == 2);
		if (send(fd[i][1], "!", 1, MSG_OOB) != 1)
			ckpt_skip("no MSG_OOB in this kernel");
		REQUIRE(send(fd[i][1], "cd", 2, 0) == 2);
	}
	REQUIRE(recv(fd[1][0], buf, 1, MSG_OOB) == 1 && buf[0] == '!');
	i = 1;
	REQUIRE(!setsockopt(fd[2][0], SOL_SOCKET, SO_OOBINLINE, &i, sizeof(i)));
	ckpt_ready();
	/* not received yet */
	CHECK_EQ(recv(fd[0][0], buf, sizeof(buf), 0), 2);
	CHECK(!ioctl(fd[0][0], SIOCATMARK, &mark));
	CHECK_EQ(mark, 1);
	CHECK_EQ(recv(fd[0][0], buf, 1, MSG_OOB), 1);
	CHECK_EQ(buf[0], '!');
	CHECK_EQ(recv(fd[0][0], buf, sizeof(buf), 0), 2);
	CHECK(!memcmp(buf, "cd", 2));
	/* received, with what stands before it left */
	CHECK_EQ(recv(fd[1][0], buf, 1, MSG_OOB | MSG_DONTWAIT), -1);
	CHECK_EQ(recv(fd[1][0], buf, 2, 0), 2);
	CHECK(!memcmp(buf, "ab", 2));
	CHECK_EQ(recv(fd[1][0], buf, sizeof(buf), 0), 2);
	CHECK(!memcmp(buf, "cd", 2));
	/* among the rest */
	CHECK_EQ(recv(fd[2][0], buf, sizeof(buf), 0), 2);
	CHECK_EQ(recv(fd[2][0], buf, sizeof(buf), 0), 3);
	CHECK(!memcmp(buf, "!cd", 3));
}

/* A page that came by a pipe, and is not the sender's own */
CKPT_TEST(spliced)
{
	int fd[2], end[2];
	char buf[64];

	pair(SOCK_STREAM, fd);
	REQUIRE(!pipe(end));
	REQUIRE(write(end[1], "through a pipe", 14) == 14);
	REQUIRE(splice(end[0], NULL, fd[1], NULL, 14, 0) == 14);
	ckpt_ready();
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 14);
	CHECK(!memcmp(buf, "through a pipe", 14));
}

/* -------------------------------------------------------------- ancillary */

static void set_option(int fd, int name)
{
	int value = 1;

	if (setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)))
		ckpt_skip("socket option %d: %m", name);
}

/* What comes with the next message, of @type */
static int ancillary(int fd, int type, void *data, size_t size)
{
	char control[256] __attribute__((aligned(8)));
	char c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;

	if (recvmsg(fd, &msg, MSG_DONTWAIT) != 1)
		return -errno;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == type) {
			memcpy(data, CMSG_DATA(cmsg), size);
			return 0;
		}
	return -ENOENT;
}

static int sends_and_leaves(void *arg)
{
	if (setgid(6) || setuid(5))
		return 1;
	return write(*(int *)arg, "x", 1) == 1 ? 5 : 2;
}

CKPT_TEST(credentials)
{
	struct ucred cred;
	int fd[2], dgram[2], pidfd;
	pid_t pid;

	pair(SOCK_STREAM, fd);
	pair(SOCK_DGRAM, dgram);
	set_option(fd[0], SO_PASSCRED);
	set_option(dgram[0], SO_PASSCRED);
	set_option(dgram[0], SO_PASSPIDFD);
	REQUIRE(write(fd[1], "x", 1) == 1);
	pid = ckpt_fork(sends_and_leaves, &fd[1]);
	ckpt_join(pid, 5);
	REQUIRE(write(dgram[1], "x", 1) == 1);
	ckpt_ready();
	/* those of different senders are not glued together */
	CHECK_EQ(ancillary(fd[0], SCM_CREDENTIALS, &cred, sizeof(cred)), 0);
	CHECK_EQ(cred.pid, getpid());
	CHECK_EQ(cred.uid, 0);
	CHECK_EQ(ancillary(fd[0], SCM_CREDENTIALS, &cred, sizeof(cred)), 0);
	CHECK_EQ(cred.pid, pid);
	CHECK_EQ(cred.uid, 5);
	CHECK_EQ(cred.gid, 6);
	CHECK_EQ(ancillary(dgram[0], SCM_PIDFD, &pidfd, sizeof(pidfd)), 0);
	CHECK(!syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
}

CKPT_TEST(timestamps)
{
	struct timespec ts, now;
	int fd[2];

	pair(SOCK_DGRAM, fd);
	set_option(fd[0], SO_TIMESTAMPNS);
	REQUIRE(write(fd[1], "x", 1) == 1);
	clock_gettime(CLOCK_REALTIME, &now);
	ckpt_ready();
	CHECK_EQ(ancillary(fd[0], SO_TIMESTAMPNS, &ts, sizeof(ts)), 0);
	CHECK(ts.tv_sec < now.tv_sec ||
	      (ts.tv_sec == now.tv_sec && ts.tv_nsec <= now.tv_nsec));
	CHECK(ts.tv_sec + 60 > now.tv_sec);
}

/* ------------------------------------------------ not accepted so far */

static void backlog(int type)
{
	int fd = bound(type, "ckpt listen"), client[4], end, i;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	char buf[16];

	REQUIRE(!listen(fd, 8));
	for (i = 0; i < 4; i++) {
		client[i] = socket(AF_UNIX, type, 0);
		REQUIRE(!connect_to(client[i], "ckpt listen"));
		snprintf(buf, sizeof(buf), "from %d", i);
		REQUIRE(write(client[i], buf, strlen(buf)) ==
			(ssize_t)strlen(buf));
	}
	REQUIRE(!shutdown(client[1], SHUT_WR));
	close(client[2]);
	ckpt_ready();
	for (i = 0; i < 4; i++) {
		end = accept(fd, NULL, NULL);
		CHECK(end >= 0);
		CHECK(!getsockopt(end, SOL_SOCKET, SO_PEERCRED, &cred, &len));
		CHECK_EQ(cred.pid, getpid());
		snprintf(buf, sizeof(buf), "from %d", i);
		heard(end, buf, NULL);
		CHECK_EQ(send(end, "answer", 6, MSG_NOSIGNAL), i == 2 ? -1 : 6);
		if (i != 2)
			heard(client[i], "answer", NULL);
		if (i == 1 || i == 2)
			CHECK_EQ(recv(end, buf, 1, MSG_DONTWAIT), 0);
	}
	CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK));
	CHECK_EQ(accept(fd, NULL, NULL), -1);
	CHECK_EQ(errno, EAGAIN);
}

CKPT_TEST(stream_backlog)
{
	backlog(SOCK_STREAM);
}

CKPT_TEST(seqpacket_backlog)
{
	backlog(SOCK_SEQPACKET);
}

CKPT_TEST(full_backlog)
{
	int fd = bound(SOCK_STREAM, "ckpt listen"), client, n = 0, i;

	REQUIRE(!listen(fd, 2));
	for (;;) {
		client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect_to(client, "ckpt listen"))
			break;
		n++;
	}
	REQUIRE(n == 3);
	ckpt_ready();
	CHECK_EQ(connect_to(client, "ckpt listen"), -EAGAIN);
	for (i = 0; i < n; i++)
		CHECK(accept(fd, NULL, NULL) >= 0);
	CHECK_EQ(connect_to(client, "ckpt listen"), 0);
}

/* The listener is closed: whoever waited hears of it. */
CKPT_TEST(never_accepted)
{
	int fd = bound(SOCK_STREAM, "ckpt listen");
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	REQUIRE(!listen(fd, 2) && !connect_to(client, "ckpt listen"));
	REQUIRE(write(client, "x", 1) == 1);
	ckpt_ready();
	close(fd);
	CHECK_EQ(read(client, &c, 1), -1);
	CHECK_EQ(errno, ECONNRESET);
}

/* ------------------------------------------------------------ outside */

#define PASSED	100

CKPT_VICTIM(is_sent_to)
{
	int fd = bound(SOCK_DGRAM, "ckpt in");

	ckpt_ready();
	heard(fd, "from outside", "ckpt out");
	nothing_left(fd);
}

/* A message of somebody else is in the tree's own socket. */
DRIVER_TEST(sender_outside)
{
	struct ckpt_victim *v = &self->v;
	struct sockaddr_un addr;
	socklen_t len;
	int fd;

	ckpt_start(v, "is_sent_to", 0);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	len = address(&addr, "ckpt out");
	ASSERT_EQ(0, bind(fd, (void *)&addr, len));
	len = address(&addr, "ckpt in");
	ASSERT_EQ(12, sendto(fd, "from outside", 12, 0, (void *)&addr, len));
	ckpt_checkpoint_kill(v);
	close(fd);
	ckpt_restart_finish(v);
}

static volatile pid_t receiver;
static struct ckpt_gate received;

static void *receive_three(void *arg)
{
	struct mmsghdr msgs[3] = {};
	struct iovec iov[3];
	char c[3];
	long got;
	int i;

	receiver = syscall(SYS_gettid);
	for (i = 0; i < 3; i++) {
		iov[i] = (struct iovec){ &c[i], 1 };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	got = syscall(SYS_recvmmsg, *(int *)arg, msgs, 3, 0, NULL);
	ckpt_gate_wait(&received);
	return (void *)got;
}

/* That it waited for more is no error of the socket. */
CKPT_TEST(recvmmsg_has_some)
{
	struct pollfd poll_fd;
	pthread_t thread;
	int fd[2], err;
	socklen_t len = sizeof(err);
	void *got;
	char c;

	REQUIRE(!socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	REQUIRE(write(fd[1], "a", 1) == 1 && write(fd[1], "b", 1) == 1);
	ckpt_gate_init(&received);
	REQUIRE(!pthread_create(&thread, NULL, receive_three, &fd[0]));
	CKPT_WAIT_FOR(receiver);
	ckpt_wait_blocked(getpid(), receiver, SYS_recvmmsg);
	ckpt_ready();
	REQUIRE(write(fd[1], "c", 1) == 1);
	ckpt_gate_open(&received, 1);
	CHECK(!pthread_join(thread, &got));
	CHECK((long)got == 2 || (long)got == 3);
	poll_fd = (struct pollfd){ .fd = fd[0] };
	CHECK_EQ(poll(&poll_fd, 1, 0), 0);
	CHECK(!getsockopt(fd[0], SOL_SOCKET, SO_ERROR, &err, &len) && !err);
	if ((long)got == 2)
		CHECK(read(fd[0], &c, 1) == 1 && c == 'c');
}

TEST_HARNESS_MAIN
