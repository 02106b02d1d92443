// SPDX-License-Identifier: GPL-2.0
/*
 * TCP sockets: listening, connected, closing, what is in their queues, and that
 * a peer outside of the tree sees nothing but a pause.
 */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/errqueue.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/net.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As linux/tcp.h has them, which does not go together with netinet/tcp.h */
#ifndef TCP_INQ
#define TCP_INQ			36
#endif

/* An address of either family */
union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage room;
};

static void own_net(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
}

static socklen_t make_addr(union addr *a, const char *text, int port)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(port);
		return sizeof(a->in);
	}
	REQUIRE(inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1);
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = htons(port);
	return sizeof(a->in6);
}

/* A socket that listens on a port that is free, or @port */
static int listening(const char *text, int port, int backlog)
{
	union addr a;
	socklen_t len = make_addr(&a, text, port);
	int fd = socket(a.sa.sa_family, SOCK_STREAM, 0), one = 1;

	REQUIRE(fd >= 0);
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	REQUIRE(!bind(fd, &a.sa, len));
	REQUIRE(!listen(fd, backlog));
	return fd;
}

static int port_of(int fd)
{
	union addr a = {};
	socklen_t len = sizeof(a);

	REQUIRE(!getsockname(fd, &a.sa, &len));
	return ntohs(a.in.sin_port);
}

static int connected(const char *text, int port)
{
	union addr a;
	socklen_t len = make_addr(&a, text, port);
	int fd = socket(a.sa.sa_family, SOCK_STREAM, 0);

	REQUIRE(fd >= 0);
	REQUIRE(!connect(fd, &a.sa, len));
	return fd;
}

/* Both ends of a connection; what listened for it is closed. */
static void make_pair(int fd[2], const char *server, const char *client)
{
	int l = listening(server, 0, 5);

	fd[0] = connected(client, port_of(l));
	fd[1] = accept(l, NULL, NULL);
	REQUIRE(fd[1] >= 0);
	close(l);
}

static void say(int fd, const char *text)
{
	CHECK_EQ(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void hear(int fd, const char *text)
{
	char buf[256] = "";

	CHECK_EQ(recv(fd, buf, strlen(text), MSG_WAITALL), strlen(text));
	if (strcmp(buf, text))
		ckpt_fail(__FILE__, __LINE__, "'%s', not '%s'", buf, text);
}

static void talk(int a, int b)
{
	say(a, "to b");
	say(b, "to a");
	hear(b, "to b");
	hear(a, "to a");
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK(!getsockopt(fd, level, name, &value, &len));
	return value;
}

static void set_option(int fd, int level, int name, int value)
{
	REQUIRE(!setsockopt(fd, level, name, &value, sizeof(value)));
}

static struct tcp_info info(int fd)
{
	struct tcp_info i = {};
	socklen_t len = sizeof(i);

	CHECK(!getsockopt(fd, SOL_TCP, TCP_INFO, &i, &len));
	return i;
}

static int count(int fd, unsigned long what)
{
	int n = -1;

	CHECK(!ioctl(fd, what, &n));
	return n;
}

/* ------------------------------------------------------------ not connected */

static const struct { int name, value; } numbers[] = {
	{ TCP_NODELAY, 1 },
	{ TCP_KEEPIDLE, 77 },
	{ TCP_KEEPINTVL, 7 },
	{ TCP_KEEPCNT, 3 },
	{ TCP_SYNCNT, 4 },
	{ TCP_LINGER2, 11 },
	{ TCP_DEFER_ACCEPT, 3 },
	{ TCP_USER_TIMEOUT, 12345 },
	{ TCP_THIN_LINEAR_TIMEOUTS, 1 },
	{ TCP_NOTSENT_LOWAT, 4096 },
	{ TCP_INQ, 1 },
	{ TCP_MAXSEG, 1000 },
};

CKPT_TEST(options)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0), was[ARRAY_SIZE(numbers)];
	char name[16] = "";
	socklen_t len = sizeof(name);
	size_t i;

	REQUIRE(fd >= 0);
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		set_option(fd, SOL_TCP, numbers[i].name, numbers[i].value);
		was[i] = option(fd, SOL_TCP, numbers[i].name);
	}
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	REQUIRE(!setsockopt(fd, SOL_TCP, TCP_CONGESTION, "reno", 4));
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		CHECK_EQ(option(fd, SOL_TCP, numbers[i].name), was[i]);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	CHECK(!getsockopt(fd, SOL_TCP, TCP_CONGESTION, name, &len));
	CHECK(!strcmp(name, "reno"));
	CHECK_EQ(info(fd).tcpi_state, TCP_CLOSE);
}

CKPT_TEST_ONLY(bound, CKPT_CONTAINER)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), port, l;
	union addr a;
	socklen_t len = make_addr(&a, "127.0.0.2", 0);

	own_net();
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(!bind(fd, &a.sa, len));
	port = port_of(fd);
	ckpt_ready();
	CHECK_EQ(port_of(fd), port);
	CHECK(!listen(fd, 3));
	l = connected("127.0.0.2", port);
	close(l);
}

static void listen_on(const char *server, const char *client)
{
	int l = listening(server, 0, 7), port = port_of(l), a, b;

	set_option(l, SOL_TCP, TCP_DEFER_ACCEPT, 0);
	a = connected(client, port);
	b = accept(l, NULL, NULL);
	REQUIRE(b >= 0);
	ckpt_ready();
	CHECK_EQ(port_of(l), port);
	CHECK_EQ(info(l).tcpi_state, TCP_LISTEN);
	/* tcpi_sacked is the backlog */
	CHECK_EQ(info(l).tcpi_sacked, 7);
	talk(a, b);
	close(a);
	a = connected(client, port);
	close(b);
	b = accept(l, NULL, NULL);
	CHECK(b >= 0);
	talk(a, b);
}

CKPT_TEST_ONLY(listen_v4, CKPT_CONTAINER)
{
	listen_on("127.0.0.1", "127.0.0.1");
}

CKPT_TEST_ONLY(listen_any, CKPT_CONTAINER)
{
	own_net();
	listen_on("0.0.0.0", "127.0.0.1");
}

CKPT_TEST_ONLY(listen_v6, CKPT_CONTAINER)
{
	own_net();
	listen_on("::", "::1");
}

CKPT_TEST(listen_mapped)
{
	own_net();
	listen_on("::", "127.0.0.1");
}

/* Two with one port, and a connection of it that none of them lets share */
CKPT_TEST_ONLY(share_port, CKPT_CONTAINER)
{
	int l[2], i, port, one = 1, a, b;
	union addr addr;
	socklen_t len;

	own_net();
	len = make_addr(&addr, "127.0.0.1", 0);
	for (i = 0; i < 2; i++) {
		l[i] = socket(AF_INET, SOCK_STREAM, 0);
		REQUIRE(l[i] >= 0);
		REQUIRE(!setsockopt(l[i], SOL_SOCKET, SO_REUSEPORT, &one,
				    sizeof(one)));
		REQUIRE(!bind(l[i], &addr.sa, len));
		len = sizeof(addr);
		REQUIRE(!getsockname(l[i], &addr.sa, &len));
		if (i)
			REQUIRE(!listen(l[i], 4));
	}
	port = port_of(l[0]);
	a = connected("127.0.0.1", port);
	b = accept(l[1], NULL, NULL);
	REQUIRE(b >= 0);
	REQUIRE(!listen(l[0], 4));
	ckpt_ready();
	CHECK_EQ(port_of(l[0]), port);
	CHECK_EQ(port_of(l[1]), port);
	CHECK_EQ(option(l[1], SOL_SOCKET, SO_REUSEPORT), 1);
	CHECK_EQ(option(b, SOL_SOCKET, SO_REUSEPORT), 1);
	talk(a, b);
	/* as after bind(2): nobody else may have it */
	close(l[0]);
	l[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(bind(l[0], &addr.sa, len) < 0 && errno == EADDRINUSE);
}

/* ---------------------------------------------------------------- connected */

static void check_names(int a, int b)
{
	union addr own, peer;
	socklen_t len = sizeof(own), peer_len = sizeof(peer);

	CHECK(!getsockname(a, &own.sa, &len));
	CHECK(!getpeername(b, &peer.sa, &peer_len));
	CHECK_EQ(own.in.sin_port, peer.in.sin_port);
}

static void pair(const char *server, const char *client)
{
	struct tcp_info was, now;
	int fd[2];
	char c;

	make_pair(fd, server, client);
	talk(fd[0], fd[1]);
	say(fd[0], "unread by b");
	say(fd[1], "unread by a");
	/* it has got there */
	CKPT_WAIT_FOR(count(fd[0], FIONREAD) == 11 &&
		      count(fd[1], FIONREAD) == 11);
	was = info(fd[0]);
	ckpt_ready();
	now = info(fd[0]);
	CHECK_EQ(now.tcpi_state, TCP_ESTABLISHED);
	CHECK_EQ(now.tcpi_options, was.tcpi_options);
	CHECK_EQ(now.tcpi_snd_wscale, was.tcpi_snd_wscale);
	CHECK_EQ(now.tcpi_rcv_wscale, was.tcpi_rcv_wscale);
	check_names(fd[0], fd[1]);
	check_names(fd[1], fd[0]);
	CHECK_EQ(count(fd[0], FIONREAD), 11);
	hear(fd[1], "unread by b");
	hear(fd[0], "unread by a");
	talk(fd[0], fd[1]);
	/* and it ends as any other */
	close(fd[0]);
	CHECK_EQ(read(fd[1], &c, 1), 0);
}

CKPT_TEST(pair_v4)
{
	pair("127.0.0.1", "127.0.0.1");
}

CKPT_TEST_ONLY(pair_v4_own, CKPT_CONTAINER)
{
	own_net();
	pair("127.0.0.1", "127.0.0.1");
}

/* What it is told of data that was sent from where it was */
static uint32_t completed(int fd)
{
	char control[256];
	struct msghdr m = {
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct pollfd p = { .fd = fd };
	struct sock_extended_err *e;

	REQUIRE(poll(&p, 1, CKPT_WAIT_S * 1000) == 1);
	REQUIRE(!recvmsg(fd, &m, MSG_ERRQUEUE) && CMSG_FIRSTHDR(&m));
	e = (void *)CMSG_DATA(CMSG_FIRSTHDR(&m));
	CHECK_EQ(e->ee_origin, SO_EE_ORIGIN_ZEROCOPY);
	return e->ee_data;
}

/* The numbers of these go on. */
CKPT_TEST_ONLY(zerocopy, CKPT_CONTAINER)
{
	int fd[2];
	uint32_t i;

	own_net();
	make_pair(fd, "127.0.0.1", "127.0.0.1");
	set_option(fd[0], SOL_SOCKET, SO_ZEROCOPY, 1);
	for (i = 0; i < 4; i++) {
		if (i == 2)
			ckpt_ready();
		CHECK_EQ(send(fd[0], "here", 4, MSG_ZEROCOPY), 4);
		hear(fd[1], "here");
		CHECK_EQ(completed(fd[0]), i);
	}
}

CKPT_TEST(pair_v6)
{
	own_net();
	pair("::1", "::1");
}

CKPT_TEST_ONLY(pair_mapped, CKPT_CONTAINER)
{
	own_net();
	pair("::", "::ffff:127.0.0.1");
}

/* Byte @at of a stream that has no two parts that are the same */
static unsigned char byte_at(size_t at)
{
	return at ^ at >> 8 ^ at >> 16;
}

/* Send until there is no more room: how much it was. */
static size_t send_all(int fd, size_t at)
{
	unsigned char buf[3000];
	size_t i, from = at;
	ssize_t n;

	for (;;) {
		for (i = 0; i < sizeof(buf); i++)
			buf[i] = byte_at(at + i);
		n = send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			break;
		at += n;
	}
	CHECK_EQ(errno, EAGAIN);
	return at - from;
}

static void recv_all(int fd, size_t at, size_t left)
{
	unsigned char buf[8192];
	size_t n, i;
	ssize_t got;

	for (; left; left -= got) {
		n = left < sizeof(buf) ? left : sizeof(buf);
		got = recv(fd, buf, n, 0);
		CHECK(got > 0);
		if (got <= 0)
			return;
		for (i = 0; i < (size_t)got; i++, at++) {
			if (buf[i] == byte_at(at))
				continue;
			ckpt_fail(__FILE__, __LINE__, "byte %zu is wrong", at);
			return;
		}
	}
}

/* Sent and not read, sent and not acknowledged, and not sent, for want of room */
static void full(void)
{
	size_t n[2];
	int fd[2], i;

	make_pair(fd, "127.0.0.1", "127.0.0.1");
	for (i = 0; i < 2; i++) {
		set_option(fd[i], SOL_SOCKET, SO_SNDBUF, 100000);
		set_option(fd[i], SOL_SOCKET, SO_RCVBUF, 30000);
	}
	n[0] = send_all(fd[0], 0);
	n[1] = send_all(fd[1], 0);
	CHECK(n[0] > 50000);
	CHECK(count(fd[0], SIOCOUTQNSD) > 0);
	ckpt_ready();
	/* what there is no room for was not sent */
	CHECK(count(fd[0], SIOCOUTQNSD) > 0);
	recv_all(fd[1], 0, n[0]);
	recv_all(fd[0], 0, n[1]);
	talk(fd[0], fd[1]);
}

CKPT_TEST(full_queues)
{
	full();
}

CKPT_TEST_ONLY(full_queues_own, CKPT_CONTAINER)
{
	own_net();
	full();
}

static int echo(void *arg)
{
	char buf[4096];
	int fd = *(int *)arg;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(fd, buf, n) != n)
			return 1;
	return n ? 2 : 0;
}

/* One waits in recv(2) for the other. */
CKPT_TEST(waits)
{
	int fd[2];
	pid_t pid;

	own_net();
	make_pair(fd, "127.0.0.1", "127.0.0.1");
	pid = ckpt_fork(echo, &fd[1]);
	close(fd[1]);
	say(fd[0], "hello");
	hear(fd[0], "hello");
	ckpt_wait_blocked(pid, pid, -1);
	ckpt_ready();
	say(fd[0], "world");
	hear(fd[0], "world");
	CHECK(!shutdown(fd[0], SHUT_WR));
	ckpt_join(pid, 0);
}

CKPT_TEST_ONLY(urgent, CKPT_CONTAINER)
{
	int fd[2], mark = -1;
	char c = 0;

	own_net();
	make_pair(fd, "127.0.0.1", "127.0.0.1");
	say(fd[0], "abc");
	CHECK_EQ(send(fd[0], "U", 1, MSG_OOB), 1);
	say(fd[0], "def");
	CKPT_WAIT_FOR(count(fd[1], FIONREAD) == 3 || count(fd[1], FIONREAD) == 6);
	ckpt_ready();
	CHECK_EQ(recv(fd[1], &c, 1, MSG_OOB), 1);
	CHECK_EQ(c, 'U');
	hear(fd[1], "abc");
	CHECK(!ioctl(fd[1], SIOCATMARK, &mark));
	CHECK_EQ(mark, 1);
	hear(fd[1], "def");
	talk(fd[0], fd[1]);
}

/* Without TCP_CORK they would be sent. */
CKPT_TEST_ONLY(corked, CKPT_CONTAINER)
{
	int fd[2];

	own_net();
	make_pair(fd, "127.0.0.1", "127.0.0.1");
	set_option(fd[0], SOL_TCP, TCP_CORK, 1);
	say(fd[0], "held");
	ckpt_ready();
	CHECK_EQ(option(fd[0], SOL_TCP, TCP_CORK), 1);
	set_option(fd[0], SOL_TCP, TCP_CORK, 0);
	hear(fd[1], "held");
	talk(fd[0], fd[1]);
}

/* ------------------------------------------------- on the way in, or out */

static void not_accepted(void)
{
	int l = listening("127.0.0.1", 0, 9), a[3], b, i;
	char text[16];

	for (i = 0; i < 3; i++) {
		a[i] = connected("127.0.0.1", port_of(l));
		snprintf(text, sizeof(text), "number %d", i);
		say(a[i], text);
	}
	ckpt_ready();
	for (i = 0; i < 3; i++) {
		b = accept(l, NULL, NULL);
		CHECK(b >= 0);
		snprintf(text, sizeof(text), "number %d", i);
		hear(b, text);
		talk(a[i], b);
		close(b);
		close(a[i]);
	}
	close(l);
}

CKPT_TEST(waiting)
{
	not_accepted();
}

CKPT_TEST_ONLY(waiting_own, CKPT_CONTAINER)
{
	own_net();
	not_accepted();
}

/* Whoever listens speaks MPTCP, and who connects does not: it is TCP then. */
CKPT_TEST_ONLY(no_mptcp, CKPT_CONTAINER)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(5557),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int l, from, to;

	own_net();
	l = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	if (l < 0)
		ckpt_skip("no MPTCP: %m");
	REQUIRE(!bind(l, (void *)&in, sizeof(in)) && !listen(l, 1));
	to = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(!connect(to, (void *)&in, sizeof(in)));
	from = accept(l, NULL, NULL);
	REQUIRE(from >= 0 && !close(l));
	say(to, "before");
	ckpt_ready();
	hear(from, "before");
	say(from, "after");
	hear(to, "after");
}

CKPT_TEST_ONLY(syn_sent, CKPT_CONTAINER)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), port;
	union addr a;
	socklen_t len = make_addr(&a, "10.7.7.7", 7);

	close(fd);
	own_net();
	REQUIRE(!net_make("dummy0", "dummy", 0));
	REQUIRE(!net_up("dummy0", true));
	REQUIRE(!net_addr("dummy0", "10.7.7.1", 24, 0));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	REQUIRE(fd >= 0);
	REQUIRE(connect(fd, &a.sa, len) < 0 && errno == EINPROGRESS);
	port = port_of(fd);
	ckpt_ready();
	CHECK_EQ(info(fd).tcpi_state, TCP_SYN_SENT);
	CHECK_EQ(port_of(fd), port);
	CHECK(connect(fd, &a.sa, len) < 0);
	CHECK_EQ(errno, EALREADY);
}

static int state(int fd)
{
	return info(fd).tcpi_state;
}

static void closing_states(void)
{
	int half[2], done[2], stuck[2], last[2], reset[2];
	struct linger linger = { 1, 0 };
	size_t n, m;
	char c;

	/* FIN_WAIT2 and CLOSE_WAIT, with something unread */
	make_pair(half, "127.0.0.1", "127.0.0.1");
	say(half[0], "last words");
	CHECK(!shutdown(half[0], SHUT_WR));
	/* both have ended: TIME_WAIT is nobody's */
	make_pair(done, "127.0.0.1", "127.0.0.1");
	say(done[0], "goodbye");
	CHECK(!shutdown(done[0], SHUT_WR) && !shutdown(done[1], SHUT_WR));
	/* FIN_WAIT1: there is no room for the end */
	make_pair(stuck, "127.0.0.1", "127.0.0.1");
	set_option(stuck[0], SOL_SOCKET, SO_SNDBUF, 60000);
	set_option(stuck[1], SOL_SOCKET, SO_RCVBUF, 10000);
	n = send_all(stuck[0], 0);
	CHECK(!shutdown(stuck[0], SHUT_WR));
	/* LAST_ACK: the same from the other end */
	make_pair(last, "127.0.0.1", "127.0.0.1");
	set_option(last[0], SOL_SOCKET, SO_SNDBUF, 60000);
	set_option(last[1], SOL_SOCKET, SO_RCVBUF, 10000);
	CHECK(!shutdown(last[1], SHUT_WR));
	m = send_all(last[0], 0);
	CKPT_WAIT_FOR(state(last[0]) == TCP_CLOSE_WAIT);
	CHECK(!shutdown(last[0], SHUT_WR));
	/* reset by the peer */
	make_pair(reset, "127.0.0.1", "127.0.0.1");
	REQUIRE(!setsockopt(reset[0], SOL_SOCKET, SO_LINGER, &linger,
			    sizeof(linger)));
	close(reset[0]);
	CKPT_WAIT_FOR(state(half[0]) == TCP_FIN_WAIT2 &&
		      state(half[1]) == TCP_CLOSE_WAIT &&
		      state(done[0]) == TCP_CLOSE &&
		      state(stuck[0]) == TCP_FIN_WAIT1 &&
		      state(last[0]) == TCP_LAST_ACK &&
		      state(reset[1]) == TCP_CLOSE);
	ckpt_ready();
	CHECK_EQ(state(half[0]), TCP_FIN_WAIT2);
	CHECK_EQ(state(half[1]), TCP_CLOSE_WAIT);
	CHECK_EQ(state(stuck[0]), TCP_FIN_WAIT1);
	CHECK_EQ(state(last[0]), TCP_LAST_ACK);
	hear(half[1], "last words");
	CHECK_EQ(read(half[1], &c, 1), 0);
	say(half[1], "answer");
	hear(half[0], "answer");
	CHECK(send(half[0], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
	close(half[1]);
	CHECK_EQ(read(half[0], &c, 1), 0);
	hear(done[1], "goodbye");
	CHECK_EQ(read(done[1], &c, 1), 0);
	CHECK_EQ(read(done[0], &c, 1), 0);
	recv_all(stuck[1], 0, n);
	CHECK_EQ(read(stuck[1], &c, 1), 0);
	CHECK_EQ(read(last[0], &c, 1), 0);
	recv_all(last[1], 0, m);
	CHECK_EQ(read(last[1], &c, 1), 0);
	CHECK(read(reset[1], &c, 1) < 0 && errno == ECONNRESET);
	CHECK_EQ(read(reset[1], &c, 1), 0);
}

CKPT_TEST_ONLY(closing, 0)
{
	closing_states();
}

CKPT_TEST(closing_own)
{
	own_net();
	closing_states();
}

/* Nobody has a descriptor of it, and it has still to send nearly all. */
CKPT_TEST(orphan)
{
	int fd[2];
	size_t n;
	char c;

	own_net();
	make_pair(fd, "127.0.0.1", "127.0.0.1");
	set_option(fd[0], SOL_SOCKET, SO_SNDBUF, 60000);
	set_option(fd[1], SOL_SOCKET, SO_RCVBUF, 10000);
	n = send_all(fd[0], 0);
	close(fd[0]);
	ckpt_ready();
	CHECK_EQ(state(fd[1]), TCP_ESTABLISHED);
	recv_all(fd[1], 0, n);
	CHECK_EQ(read(fd[1], &c, 1), 0);
}

/* ------------------------------------------------------ as if it was reset */

CKPT_VICTIM(reset_victim)
{
	int l = listening("127.0.0.1", 0, 5), fd[2], a, b;
	char c;

	make_pair(fd, "127.0.0.1", "127.0.0.1");
	say(fd[0], "unread");
	a = connected("127.0.0.1", port_of(l));
	ckpt_ready();
	CHECK(read(fd[1], &c, 1) < 0 && errno == ECONNRESET);
	CHECK_EQ(read(fd[1], &c, 1), 0);
	CHECK(send(fd[0], "x", 1, MSG_NOSIGNAL) < 0 && errno == ECONNRESET);
	CHECK(send(fd[0], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
	close(a);
	/* one that was waiting comes with its error */
	b = accept(l, NULL, NULL);
	CHECK(b >= 0);
	CHECK(read(b, &c, 1) < 0 && errno == ECONNRESET);
	close(b);
	a = connected("127.0.0.1", port_of(l));
	b = accept(l, NULL, NULL);
	CHECK(b >= 0);
	talk(a, b);
}

DRIVER_TEST(reset)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	ckpt_start(v, "reset_victim", 0);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, RESTART_CONN_RESET);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

/* ---------------------------------------------- the other end is outside */

#define PORT	5555
#define PEERS	3

static int serve(void *arg)
{
	char buf[4096];
	int l = *(int *)arg, fd;
	ssize_t n;

	for (;;) {
		fd = accept(l, NULL, NULL);
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			if (write(fd, buf, n) != n)
				return 1;
		close(fd);
	}
}

/* Echoes what it gets. */
static void run_server(void)
{
	int l = listening("0.0.0.0", PORT, 16), i;
	pid_t pid[PEERS];

	for (i = 0; i < PEERS; i++)
		pid[i] = ckpt_fork(serve, &l);
	ckpt_ready();
	for (i = 0; i < PEERS; i++) {
		CHECK(!kill(pid[i], SIGKILL));
		CHECK(waitpid(pid[i], NULL, 0) == pid[i]);
	}
}

CKPT_VICTIM(server)
{
	run_server();
}

/* The same, on a veth whose other end is a port of the driver's bridge */
CKPT_VICTIM(server_veth)
{
	int old = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), own;

	own_net();
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	REQUIRE(old >= 0 && own >= 0);
	REQUIRE(!net_pair("eth0", "out0", old));
	REQUIRE(!setns(old, CLONE_NEWNET));
	REQUIRE(!net_up("out0", true) && !net_master("out0", "br0"));
	REQUIRE(!setns(own, CLONE_NEWNET));
	close(old);
	close(own);
	REQUIRE(!net_up("eth0", true));
	REQUIRE(!net_addr("eth0", "10.5.0.2", 24, 0));
	run_server();
}

/* A socket that gets a copy of each packet of @name, IPv4 alone */
static int sniffer(const char *name)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			htons(ETH_P_IP)), size = 8 << 20;

	if (fd < 0 || bind(fd, (void *)&ll, sizeof(ll)))
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

/* How many of them end a connection of the server */
static int goodbyes(int fd)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} p;
	int n = 0;

	while (recv(fd, &p, sizeof(p), 0) > 0)
		if (p.ip.protocol == IPPROTO_TCP &&
		    p.tcp.source == htons(PORT) && (p.tcp.rst || p.tcp.fin))
			n++;
	return n;
}

static size_t send_some(int fd, size_t at, size_t len)
{
	unsigned char buf[1000];
	size_t i, n;

	for (; len; len -= n, at += n) {
		n = len < sizeof(buf) ? len : sizeof(buf);
		for (i = 0; i < n; i++)
			buf[i] = byte_at(at + i);
		if (send(fd, buf, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
	}
	return at;
}

/* Whether what comes next are these bytes */
static bool got_all(int fd, size_t at, size_t left)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned char buf[4096];
	ssize_t n, i;

	while (left) {
		if (poll(&p, 1, CKPT_WAIT_S * 1000) != 1)
			return false;
		n = recv(fd, buf, left < sizeof(buf) ? left : sizeof(buf), 0);
		if (n <= 0)
			return false;
		for (i = 0; i < n; i++)
			if (buf[i] != byte_at(at + i))
				return false;
		at += n;
		left -= n;
	}
	return true;
}

/* Bytes go round before, while and after the server is in an image. */
static void outside(struct __test_metadata *_metadata, struct ckpt_victim *v,
		    const char *address, const char *device)
{
	size_t sent[PEERS] = {}, got[PEERS] = {};
	int fd[PEERS], sniff, i, round;
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
	};
	long ret;

	sniff = sniffer(device);
	ASSERT_LE(0, sniff);
	ASSERT_EQ(1, inet_pton(AF_INET, address, &in.sin_addr));
	for (i = 0; i < PEERS; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ASSERT_EQ(0, connect(fd[i], (void *)&in, sizeof(in)));
	}
	for (round = 0; round < 3; round++) {
		for (i = 0; i < PEERS; i++)
			sent[i] = send_some(fd[i], sent[i], 30000);
		ckpt_checkpoint_kill(v);
		for (i = 0; i < PEERS; i++)
			sent[i] = send_some(fd[i], sent[i], 5000);
		ret = ckpt_restart(v, 0);
		ASSERT_LT(0, ret)
			TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
		for (i = 0; i < PEERS; i++) {
			sent[i] = send_some(fd[i], sent[i], 5000);
			ASSERT_TRUE(got_all(fd[i], got[i], sent[i] - got[i]))
				TH_LOG("round %d, connection %d", round, i);
			got[i] = sent[i];
		}
	}
	EXPECT_EQ(0, goodbyes(sniff));
	for (i = 0; i < PEERS; i++)
		close(fd[i]);
	close(sniff);
	ckpt_finish(v);
	ckpt_end(v);
}

DRIVER_TEST(outside_veth)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_make("br0", "bridge", 0));
	ASSERT_EQ(0, net_up("br0", true));
	ASSERT_EQ(0, net_addr("br0", "10.5.0.1", 24, 0));
	ckpt_start(&self->v, "server_veth", CKPT_CONTAINER);
	if (self->v.skip[0])
		SKIP(return, "%s", self->v.skip);
	outside(_metadata, &self->v, "10.5.0.2", "br0");
}

/**
 * struct peer - a thread that talks to the server all the time
 * @thread: the thread
 * @fd: its connection
 * @stop: it is to end, atomic as what follows
 * @rounds: how often its bytes went round
 * @failed: they did not come back as they were
 */
struct peer {
	pthread_t thread;
	int fd;
	bool stop;
	unsigned long rounds;
	bool failed;
};

static bool get(const bool *b)
{
	return __atomic_load_n(b, __ATOMIC_SEQ_CST);
}

static void set(bool *b)
{
	__atomic_store_n(b, true, __ATOMIC_SEQ_CST);
}

static unsigned long rounds_of(const struct peer *p)
{
	return __atomic_load_n(&p->rounds, __ATOMIC_SEQ_CST);
}

static void *be_busy(void *arg)
{
	struct peer *p = arg;
	size_t sent = 0, got = 0;

	while (!get(&p->stop) && !p->failed) {
		/* the next ones are on their way while these come back */
		sent = send_some(p->fd, sent, 3000);
		if (!got_all(p->fd, got, sent - got - 1000))
			set(&p->failed);
		got = sent - 1000;
		__atomic_add_fetch(&p->rounds, 1, __ATOMIC_SEQ_CST);
	}
	if (!p->failed && !got_all(p->fd, got, sent - got))
		set(&p->failed);
	return NULL;
}

/* Whether bytes go round, with a bound */
static bool goes_on(const struct peer *p)
{
	uint64_t end = ckpt_now() + CKPT_WAIT_S * 1000000000ULL;
	unsigned long enough = rounds_of(p) + 3;

	while (rounds_of(p) < enough && !get(&p->failed) && ckpt_now() < end)
		ckpt_pause();
	return rounds_of(p) >= enough;
}

/* Its connections are never idle, whatever is done to the server. */
static void busy(struct __test_metadata *_metadata, struct ckpt_victim *v,
		 const char *address, const char *device)
{
	struct peer peer[PEERS] = {};
	int sniff, i, round, rounds = 4 / ckpt_step() + 2;
	long ret;

	sniff = sniffer(device);
	ASSERT_LE(0, sniff);
	for (i = 0; i < PEERS; i++) {
		peer[i].fd = connected(address, PORT);
		ASSERT_EQ(0, pthread_create(&peer[i].thread, NULL, be_busy,
					    &peer[i]));
	}
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < PEERS; i++)
			ASSERT_TRUE(goes_on(&peer[i]))
				TH_LOG("round %d, connection %d", round, i);
		ckpt_checkpoint_kill(v);
		ret = ckpt_restart(v, 0);
		ASSERT_LT(0, ret)
			TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	}
	for (i = 0; i < PEERS; i++)
		set(&peer[i].stop);
	for (i = 0; i < PEERS; i++) {
		pthread_join(peer[i].thread, NULL);
		EXPECT_FALSE(peer[i].failed);
	}
	EXPECT_EQ(0, goodbyes(sniff));
	for (i = 0; i < PEERS; i++)
		close(peer[i].fd);
	close(sniff);
	ckpt_finish(v);
	ckpt_end(v);
}

DRIVER_TEST(busy_veth)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_make("br0", "bridge", 0));
	ASSERT_EQ(0, net_up("br0", true));
	ASSERT_EQ(0, net_addr("br0", "10.5.0.1", 24, 0));
	ckpt_start(&self->v, "server_veth", CKPT_CONTAINER);
	if (self->v.skip[0])
		SKIP(return, "%s", self->v.skip);
	busy(_metadata, &self->v, "10.5.0.2", "br0");
}

DRIVER_TEST(busy_same_net)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	ckpt_start(&self->v, "server", 0);
	busy(_metadata, &self->v, "127.0.0.1", "lo");
}

/* In a network namespace that stays: the rest of it hears and answers. */
DRIVER_TEST(outside_same_net)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	ckpt_start(&self->v, "server", 0);
	outside(_metadata, &self->v, "127.0.0.1", "lo");
}

/* Nobody restarts it: its peer is told when the time is over, and not before. */
DRIVER_TEST(silence_ends)
{
	struct checkpoint_args args = { .silence_ms = 1500 };
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct pollfd p = { .events = POLLIN };
	struct ckpt_victim *v = &self->v;
	char c;
	int fd;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	ckpt_start(v, "server", 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, connect(fd, (void *)&in, sizeof(in)));
	ASSERT_EQ(10, send_some(fd, 0, 10));
	ASSERT_TRUE(got_all(fd, 0, 10));
	v->image = ckpt_tmpfile();
	/* only where the tree is killed */
	EXPECT_EQ(-1, sys_checkpoint(v->pid, v->image, CHECKPOINT_SUBTREE, -1,
				     &args, sizeof(args)));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_LT(0, sys_checkpoint(v->pid, v->image,
				    CHECKPOINT_SUBTREE | CHECKPOINT_KILL, -1,
				    &args, sizeof(args)));
	ckpt_reaped(v);
	p.fd = fd;
	ASSERT_EQ(1, send(fd, "x", 1, MSG_NOSIGNAL));
	EXPECT_EQ(0, poll(&p, 1, 300));
	/* it sends again, and there is nobody who answers for the port */
	ASSERT_EQ(1, poll(&p, 1, CKPT_WAIT_S * 1000));
	EXPECT_EQ(-1, recv(fd, &c, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
	close(fd);
	ckpt_end(v);
}

/* What comes back does not live long enough to be heard. */
CKPT_VICTIM(connects)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), ttl = 255;
	union addr from, to;
	socklen_t len = make_addr(&from, "127.0.0.1", PORT + 1);

	make_addr(&to, "127.0.0.1", PORT);
	REQUIRE(!setsockopt(fd, IPPROTO_IP, IP_MINTTL, &ttl, sizeof(ttl)));
	REQUIRE(!bind(fd, &from.sa, len));
	REQUIRE(connect(fd, &to.sa, len) < 0 && errno == EINPROGRESS);
	ckpt_ready();
}

/* One that was not there yet leaves no silence behind. */
DRIVER_TEST(nobody_silenced)
{
	struct pollfd p = { .events = POLLOUT };
	struct ckpt_victim *v = &self->v;
	union addr from, to;
	socklen_t len = make_addr(&from, "127.0.0.1", PORT + 1);
	int l;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	l = listening("127.0.0.1", PORT, 5);
	ckpt_start(v, "connects", 0);
	ckpt_checkpoint_kill(v);
	make_addr(&to, "127.0.0.1", PORT);
	p.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, bind(p.fd, &from.sa, len));
	if (connect(p.fd, &to.sa, len))
		ASSERT_EQ(EINPROGRESS, errno);
	EXPECT_EQ(1, poll(&p, 1, CKPT_WAIT_S * 1000));
	close(p.fd);
	close(l);
	ckpt_end(v);
}

CKPT_VICTIM(hears_ipv6)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in6 in = {
		.sin6_family = AF_INET6, .sin6_port = htons(PORT),
	};

	REQUIRE(!setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
	REQUIRE(!bind(fd, (void *)&in, sizeof(in)) && !listen(fd, 5));
	ckpt_ready();
}

/* Who connects to @l is heard while the checkpoint of the tree goes on. */
static void heard_meanwhile(struct __test_metadata *_metadata,
			    struct ckpt_victim *v, int l)
{
	struct pollfd p = { .fd = l, .events = POLLIN };
	union addr a;
	socklen_t len = make_addr(&a, "127.0.0.1", PORT);
	int fd, pipe, status;
	pid_t writer;
	char c;

	writer = ckpt_start_writer(v, &pipe, 0);
	/* what is to be saved is known when it begins to write */
	ASSERT_EQ(1, read(pipe, &c, 1));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connect(fd, &a.sa, len))
		ASSERT_EQ(EINPROGRESS, errno);
	EXPECT_EQ(1, poll(&p, 1, CKPT_WAIT_S * 1000));
	/* it waits for room in the pipe */
	EXPECT_EQ(0, waitpid(writer, &status, WNOHANG));
	ckpt_skip_bytes(pipe, SIZE_MAX);
	ASSERT_EQ(writer, waitpid(writer, &status, 0));
	EXPECT_EQ(0, status);
	close(pipe);
	close(fd);
	close(l);
	ckpt_finish(v);
	ckpt_end(v);
}

/* Whoever may not keep others from being heard does not, for how long ever. */
DRIVER_TEST(listener_of_others)
{
	int l;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	l = listening("127.0.0.1", PORT, 5);
	ckpt_start(&self->v, "hears_ipv6", 0);
	ckpt_caps_drop(1ull << CAP_NET_ADMIN);
	heard_meanwhile(_metadata, &self->v, l);
}

CKPT_VICTIM(kept_alive)
{
	int fd[2], one = 1;

	net_own();
	make_pair(fd, "127.0.0.1", "127.0.0.1");
	REQUIRE(!setsockopt(fd[0], SOL_SOCKET, SO_KEEPALIVE, &one,
			    sizeof(one)));
	ckpt_ready();
	say(fd[0], "x");
	hear(fd[1], "x");
}

/* Does a connection of the network of @pid wait for an answer? */
static bool has_timer(pid_t pid)
{
	unsigned int state, timer;
	char path[64], line[256];
	bool has = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/net/tcp", pid);
	f = fopen(path, "re");
	if (!f)
		ckpt_die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d: %*s %*s %x %*x:%*x %x:", &state,
			   &timer) == 2)
			has |= state == TCP_ESTABLISHED && timer;
	fclose(f);
	return has;
}

/* While nothing can answer, nobody is given up for want of an answer. */
DRIVER_TEST(timers_wait)
{
	struct ckpt_victim *v = &self->v;
	pid_t pid;
	int fd;

	ckpt_start(v, "kept_alive", 0);
	EXPECT_TRUE(has_timer(v->pid));
	pid = ckpt_start_parked(v, &fd);
	EXPECT_FALSE(has_timer(v->pid));
	EXPECT_EQ(0, ckpt_end_writer(pid, fd));
	EXPECT_TRUE(has_timer(v->pid));
	ckpt_ping(v);
	ckpt_finish(v);
	ckpt_end(v);
}

#define PASSED	100

CKPT_VICTIM(borrower)
{
	ckpt_ready();
	hear(PASSED, "for whoever reads");
}

/* A connection that is given again is not in the image, and goes on meanwhile. */
DRIVER_TEST(passed)
{
	struct pollfd p = { .events = POLLIN };
	struct ckpt_victim *v = &self->v;
	char c = 0;
	int fd[2];
	long ret;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	make_pair(fd, "127.0.0.1", "127.0.0.1");
	ckpt_pass(fd[1], PASSED);
	ckpt_start(v, "borrower", 0);
	ckpt_checkpoint_kill(v);
	p.fd = fd[1];
	ASSERT_EQ(1, send(fd[0], "x", 1, 0));
	ASSERT_EQ(1, poll(&p, 1, CKPT_WAIT_S * 1000));
	EXPECT_EQ(1, read(fd[1], &c, 1));
	EXPECT_EQ('x', c);
	ckpt_inherit_link(v, fd[1]);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	say(fd[0], "for whoever reads");
	ckpt_finish(v);
	ckpt_end(v);
	close(fd[0]);
	close(fd[1]);
}

CKPT_VICTIM(worker)
{
	ckpt_ready();
	CHECK_EQ(option(PASSED, SOL_SOCKET, SO_ACCEPTCONN), 1);
}

/* Others who listen with it go on while the image is written. */
DRIVER_TEST(shared_listener)
{
	int l;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	l = listening("127.0.0.1", PORT, 5);
	ckpt_pass(l, PASSED);
	ckpt_start(&self->v, "worker", 0);
	heard_meanwhile(_metadata, &self->v, l);
}

/* ------------------------------------------------- what is not allowed */

/* A restart connects nothing that whoever restarts could not connect. */
static void not_allowed(struct __test_metadata *_metadata,
			struct ckpt_victim *v, const char *name)
{
	int fd;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	ckpt_start(v, name, 0);
	ckpt_checkpoint_kill(v);
	fd = net_forbid(BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			BPF_CGROUP_INET4_CONNECT);
	ASSERT_LE(0, fd) TH_LOG("%s", strerror(errno));
	EXPECT_EQ(-EPERM, ckpt_restart(v, 0)) TH_LOG("%s", v->log);
	close(fd);
	ckpt_restart_finish(v);
}

CKPT_VICTIM(connection)
{
	int fd[2];

	make_pair(fd, "127.0.0.1", "127.0.0.1");
	ckpt_ready();
	talk(fd[0], fd[1]);
}

DRIVER_TEST(connection_not_allowed)
{
	not_allowed(_metadata, &self->v, "connection");
}

CKPT_VICTIM(datagrams)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	union addr a;
	socklen_t len = make_addr(&a, "127.0.0.1", PORT);

	REQUIRE(!connect(fd, &a.sa, len));
	ckpt_ready();
	CHECK(!getpeername(fd, &a.sa, &len));
	CHECK_EQ(ntohs(a.in.sin_port), PORT);
}

DRIVER_TEST(datagrams_not_allowed)
{
	not_allowed(_metadata, &self->v, "datagrams");
}

/* ------------------------------------------------------- broken images */

CKPT_VICTIM(small)
{
	int l = listening("127.0.0.1", 0, 5), fd[2], a;

	make_pair(fd, "127.0.0.1", "127.0.0.1");
	say(fd[0], "unread");
	set_option(fd[0], SOL_TCP, TCP_CORK, 1);
	say(fd[0], "unsent");
	a = connected("127.0.0.1", port_of(l));
	say(a, "not accepted");
	ckpt_ready();
	hear(fd[1], "unread");
}

static const uint32_t broken_types[] = {
	CKPT_HDR_TCP, CKPT_HDR_TCP_LATE, CKPT_HDR_TCP_SEG, CKPT_HDR_TCP_WAITING,
};

/* Whatever is wrong is refused, or else it is what TCP_REPAIR could do. */
DRIVER_TEST(broken)
{
	unsigned int type, nth, at, len, step = ckpt_step();
	struct ckpt_victim *v = &self->v;
	struct image_rec *rec;
	struct image image;
	unsigned char *h;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	ckpt_start(v, "small", 0);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (type = 0; type < ARRAY_SIZE(broken_types); type++) {
		for (nth = 0; nth < 3; nth++) {
			rec = image_find(&image, broken_types[type], nth);
			if (!rec)
				break;
			len = rec->len;
			for (at = 8 + nth; at < len;
			     at += (3 + len / 16) * step) {
				h = image_at(&image, broken_types[type], nth);
				image_try_flipped(v, &image, h + at,
						  at & 1 ? 0x80 : 0x05);
			}
		}
		EXPECT_LT(0, nth);
	}
	image_restart_finish(v, &image);
}

/* What no checkpoint writes: @len bytes of a record, the first of them @value */
static const struct wrong {
	uint32_t type;
	unsigned int off;
	unsigned int len;
	unsigned char value;
} wrong[] = {
	/* addresses by which it would be found where it is not */
	{ CKPT_HDR_INET_ADDR, offsetof(struct ckpt_hdr_inet_addr, saddr),
	  16, 0 },
	{ CKPT_HDR_INET_ADDR, offsetof(struct ckpt_hdr_inet_addr, bound),
	  16, 0 },
	{ CKPT_HDR_INET_ADDR, offsetof(struct ckpt_hdr_inet_addr, daddr),
	  16, 0 },
	{ CKPT_HDR_INET_ADDR, offsetof(struct ckpt_hdr_inet_addr, saddr) + 15,
	  1, 9 },
	/* that it ended is not in its send queue: it would never end */
	{ CKPT_HDR_TCP_LATE, offsetof(struct ckpt_hdr_tcp_late, state),
	  4, TCP_FIN_WAIT1 },
	{ CKPT_HDR_TCP_LATE, offsetof(struct ckpt_hdr_tcp_late, state),
	  4, TCP_CLOSING },
	{ CKPT_HDR_TCP_LATE, offsetof(struct ckpt_hdr_tcp_late, state),
	  4, TCP_LAST_ACK },
};

/* Of each of the connections: the first record of a kind is that of @l. */
DRIVER_TEST(hostile)
{
	struct ckpt_victim *v = &self->v;
	struct image good, image;
	unsigned int i, nth;
	unsigned char *h;
	long ret;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	ckpt_start(v, "small", 0);
	ckpt_checkpoint_kill(v);
	image_load(&good, v->image);
	for (i = 0; i < ARRAY_SIZE(wrong) * 4; i++) {
		const struct wrong *w = &wrong[i / 4];

		nth = i % 4 + 1;
		ASSERT_NE(NULL, image_find(&good, w->type, nth));
		image_copy(&image, &good);
		h = image_at(&image, w->type, nth);
		memset(h + w->off, 0, w->len);
		h[w->off] = w->value;
		ret = image_restart(v, &image);
		EXPECT_EQ(-EINVAL, ret)
			TH_LOG("change %u of record %u: %s", i / 4, nth, v->log);
		image_free(&image);
		if (ret > 0)
			ckpt_kill(v);
	}
	image_free(&good);
	ckpt_restart_finish(v);
}

CKPT_VICTIM(closed)
{
	struct linger linger = { .l_onoff = 1 };
	struct pollfd p = { .events = POLLIN };
	int fd[2];

	make_pair(fd, "127.0.0.1", "127.0.0.1");
	say(fd[0], "unread");
	REQUIRE(!setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &linger,
			    sizeof(linger)));
	close(fd[0]);
	p.fd = fd[1];
	do
		REQUIRE(poll(&p, 1, CKPT_WAIT_S * 1000) == 1);
	while (!(p.revents & POLLHUP));
	ckpt_ready();
	hear(fd[1], "unread");
}

/* What connect(2) and listen(2) go by says that they may, or may not, go on. */
static void wrong_state(struct __test_metadata *_metadata,
			struct ckpt_victim *v, const char *name, int sockets)
{
	struct image good, image;
	struct ckpt_hdr_sock *h;
	int i, nr = 0;
	long ret;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	ckpt_start(v, name, 0);
	ckpt_checkpoint_kill(v);
	image_load(&good, v->image);
	for (i = 0; image_find(&good, CKPT_HDR_SOCK, i); i++) {
		image_copy(&image, &good);
		h = image_at(&image, CKPT_HDR_SOCK, i);
		if (h->family == AF_INET && !h->flags) {
			h->state = h->state == SS_UNCONNECTED ? SS_CONNECTED :
								SS_UNCONNECTED;
			nr++;
			ret = image_restart(v, &image);
			EXPECT_EQ(-EINVAL, ret)
				TH_LOG("state of socket %d: %s", i, v->log);
			if (ret > 0)
				ckpt_kill(v);
		}
		image_free(&image);
	}
	EXPECT_EQ(sockets, nr);
	image_free(&good);
	ckpt_restart_finish(v);
}

DRIVER_TEST(wrong_states)
{
	wrong_state(_metadata, &self->v, "small", 4);
}

DRIVER_TEST(wrong_state_closed)
{
	wrong_state(_metadata, &self->v, "closed", 1);
}

TEST_HARNESS_MAIN
