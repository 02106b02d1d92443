// SPDX-License-Identifier: GPL-2.0
/* UDP and UDP-Lite: where sockets are, who they talk to, what they hold. */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/udp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE		136
#endif
#ifndef SOL_UDP
#define SOL_UDP			17
#endif
#define UDPLITE_SEND_CSCOV	10
#define UDPLITE_RECV_CSCOV	11
#define SOL_UDPLITE		136

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t make_addr(union addr *a, const char *ip, int port)
{
	memset(a, 0, sizeof(*a));
	if (strchr(ip, ':')) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(port);
		REQUIRE(inet_pton(AF_INET6, ip, &a->in6.sin6_addr) == 1);
		return sizeof(a->in6);
	}
	a->in.sin_family = AF_INET;
	a->in.sin_port = htons(port);
	REQUIRE(inet_pton(AF_INET, ip, &a->in.sin_addr) == 1);
	return sizeof(a->in);
}

static int try_bind(int fd, const char *ip, int port)
{
	union addr a;
	socklen_t len = make_addr(&a, ip, port);

	return bind(fd, &a.sa, len) ? -errno : 0;
}

static int udp(const char *ip)
{
	int fd = socket(strchr(ip, ':') ? AF_INET6 : AF_INET,
			SOCK_DGRAM | SOCK_NONBLOCK, 0);

	REQUIRE(fd >= 0);
	return fd;
}

static int bound(const char *ip, int port)
{
	int fd = udp(ip);

	REQUIRE(!try_bind(fd, ip, port));
	return fd;
}

static int connect_to(int fd, const char *ip, int port)
{
	union addr a;
	socklen_t len = make_addr(&a, ip, port);

	return connect(fd, &a.sa, len) ? -errno : 0;
}

static ssize_t send_to(int fd, const char *text, const char *ip, int port)
{
	union addr a;
	socklen_t len = make_addr(&a, ip, port);

	return sendto(fd, text, strlen(text), 0, &a.sa, len);
}

static int port_of(int fd)
{
	union addr a;
	socklen_t len = sizeof(a);

	CHECK(!getsockname(fd, &a.sa, &len));
	return ntohs(a.in.sin_port);
}

static void expect(int fd, const char *text)
{
	char buf[256];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	CHECK_EQ(n, strlen(text));
	CHECK(n >= 0 && !memcmp(buf, text, n));
}

static void expect_none(int fd)
{
	char c;

	CHECK_EQ(recv(fd, &c, 1, 0), -1);
	CHECK_EQ(errno, EAGAIN);
}

static int opt(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK(!getsockopt(fd, level, name, &value, &len));
	return value;
}

static void set(int fd, int level, int name, int value)
{
	REQUIRE(!setsockopt(fd, level, name, &value, sizeof(value)));
}

CKPT_TEST_ONLY(unbound, CKPT_CONTAINER)
{
	int fd, fd6;

	net_own();
	fd = udp("127.0.0.1");
	fd6 = udp("::1");
	ckpt_ready();
	CHECK_EQ(port_of(fd), 0);
	CHECK_EQ(port_of(fd6), 0);
	CHECK(!try_bind(fd, "127.0.0.1", 1111));
	CHECK_EQ(send_to(fd6, "x", "::ffff:127.0.0.1", 1111), 1);
	expect(fd, "x");
}

static void is_bound(const char *ip)
{
	int fd, any;

	net_own();
	fd = bound(ip, 53);
	any = bound(strchr(ip, ':') ? "::" : "0.0.0.0", 5353);
	ckpt_ready();
	CHECK_EQ(port_of(fd), 53);
	CHECK_EQ(port_of(any), 5353);
	CHECK_EQ(try_bind(udp(ip), ip, 53), -EADDRINUSE);
	CHECK_EQ(send_to(any, "to 53", ip, 53), 5);
	expect(fd, "to 53");
	CHECK_EQ(send_to(fd, "to any", ip, 5353), 6);
	expect(any, "to any");
}

CKPT_TEST(bound4)
{
	is_bound("127.0.0.1");
}

CKPT_TEST_ONLY(bound6, CKPT_CONTAINER)
{
	is_bound("::1");
}

/* Those of the namespace of whoever restarts */
CKPT_TEST(bound_outside)
{
	int fd = udp("127.0.0.1"), port;

	if (net_up("lo", true))
		ckpt_skip("lo cannot be brought up");
	REQUIRE(!try_bind(fd, "127.0.0.1", 0));
	port = port_of(fd);
	REQUIRE(send_to(fd, "waits", "127.0.0.1", port) == 5);
	ckpt_ready();
	CHECK_EQ(port_of(fd), port);
	CHECK_EQ(try_bind(udp("127.0.0.1"), "127.0.0.1", port), -EADDRINUSE);
	expect(fd, "waits");
	CHECK_EQ(send_to(fd, "self", "127.0.0.1", port), 4);
	expect(fd, "self");
}

static void are_connected(const char *ip, const char *peer)
{
	int fd, other, third;
	union addr a;
	socklen_t len = sizeof(a);

	net_own();
	fd = bound(ip, 1000);
	other = bound(peer, 2000);
	REQUIRE(!connect_to(fd, ip, 2000));
	REQUIRE(!connect_to(other, peer, 1000));
	REQUIRE(send(fd, "before", 6, 0) == 6);
	ckpt_ready();
	CHECK(!getpeername(fd, &a.sa, &len));
	CHECK_EQ(ntohs(a.in.sin_port), 2000);
	expect(other, "before");
	CHECK_EQ(send(other, "back", 4, 0), 4);
	expect(fd, "back");
	CHECK_EQ(send(fd, "on", 2, 0), 2);
	expect(other, "on");
	/* nobody else can send to it */
	third = udp(peer);
	CHECK_EQ(send_to(third, "x", peer, 2000), 1);
	expect_none(other);
}

CKPT_TEST(connected4)
{
	are_connected("127.0.0.1", "127.0.0.1");
}

CKPT_TEST_ONLY(connected6, CKPT_CONTAINER)
{
	are_connected("::1", "::1");
}

CKPT_TEST_ONLY(connected_mapped, CKPT_CONTAINER)
{
	are_connected("::ffff:127.0.0.1", "127.0.0.1");
}

/* The port that connect(2) chose goes with the connection. */
CKPT_TEST_ONLY(chosen_port, CKPT_CONTAINER)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int fd, port;

	net_own();
	fd = udp("127.0.0.1");
	REQUIRE(!connect_to(fd, "127.0.0.1", 7));
	port = port_of(fd);
	ckpt_ready();
	CHECK_EQ(port_of(fd), port);
	CHECK(!connect(fd, &none, sizeof(none)));
	CHECK_EQ(port_of(fd), 0);
}

/* There is no way to its peer any more. */
CKPT_TEST_ONLY(unreachable, CKPT_CONTAINER)
{
	int fd;
	union addr a;
	socklen_t len = sizeof(a);

	net_own();
	REQUIRE(!net_addr("lo", "10.1.1.1", 24, 0));
	fd = udp("10.1.1.1");
	REQUIRE(!try_bind(fd, "10.1.1.1", 99));
	REQUIRE(!connect_to(fd, "10.1.1.2", 100));
	REQUIRE(!net_up("lo", false));
	ckpt_ready();
	CHECK(!getpeername(fd, &a.sa, &len));
	CHECK_EQ(ntohs(a.in.sin_port), 100);
	CHECK_EQ(port_of(fd), 99);
}

CKPT_TEST(queue)
{
	int fd, from, n = -1;
	char *big, *got;
	union addr a;
	socklen_t len = sizeof(a);

	net_own();
	fd = bound("127.0.0.1", 1000);
	from = bound("127.0.0.1", 2000);
	big = malloc(60000);
	got = malloc(60000);
	REQUIRE(big && got);
	ckpt_fill(big, 60000, 1);
	REQUIRE(send_to(from, "first", "127.0.0.1", 1000) == 5);
	REQUIRE(send_to(from, "", "127.0.0.1", 1000) == 0);
	make_addr(&a, "127.0.0.1", 1000);
	REQUIRE(sendto(from, big, 60000, 0, &a.sa, sizeof(a.in)) == 60000);
	REQUIRE(send_to(from, "last", "127.0.0.1", 1000) == 4);
	ckpt_ready();
	CHECK(!ioctl(fd, FIONREAD, &n));
	CHECK_EQ(n, 5);
	CHECK_EQ(recvfrom(fd, got, 100, 0, &a.sa, &len), 5);
	CHECK(!memcmp(got, "first", 5));
	CHECK_EQ(ntohs(a.in.sin_port), 2000);
	CHECK_EQ(a.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	expect(fd, "");
	CHECK_EQ(recv(fd, got, 60000, 0), 60000);
	CHECK(ckpt_filled(got, 60000, 1));
	expect(fd, "last");
	expect_none(fd);
}

/* A reader takes all at once, and gives one. */
CKPT_TEST_ONLY(taken_by_reader, CKPT_CONTAINER)
{
	int fd;

	net_own();
	fd = bound("127.0.0.1", 1000);
	REQUIRE(send_to(fd, "one", "127.0.0.1", 1000) == 3);
	REQUIRE(send_to(fd, "two", "127.0.0.1", 1000) == 3);
	REQUIRE(send_to(fd, "three", "127.0.0.1", 1000) == 5);
	expect(fd, "one");
	REQUIRE(send_to(fd, "four", "127.0.0.1", 1000) == 4);
	ckpt_ready();
	expect(fd, "two");
	expect(fd, "three");
	expect(fd, "four");
	expect_none(fd);
}

/**
 * struct got - all that recvmsg(2) tells
 * @len: what it returned
 * @flags: msg_flags
 * @name_len: length of @name
 * @control_len: length of @control
 * @name: where it came from
 * @control: what came with it
 * @data: its bytes
 */
struct got {
	ssize_t len;
	int flags;
	socklen_t name_len;
	size_t control_len;
	char name[64];
	char control[1024];
	char data[128];
};

static void take(int fd, struct got *g, int flags)
{
	struct iovec iov = { .iov_base = g->data, .iov_len = sizeof(g->data) };
	struct msghdr m = {
		.msg_name = g->name, .msg_namelen = sizeof(g->name),
		.msg_control = g->control,
		.msg_controllen = sizeof(g->control),
		.msg_iov = &iov, .msg_iovlen = 1,
	};

	memset(g, 0, sizeof(*g));
	g->len = recvmsg(fd, &m, flags);
	g->flags = m.msg_flags;
	g->name_len = m.msg_namelen;
	g->control_len = m.msg_controllen;
}

static void same(const struct got *g, const struct got *was)
{
	CHECK_EQ(g->len, was->len);
	CHECK_EQ(g->flags, was->flags);
	CHECK_EQ(g->name_len, was->name_len);
	CHECK_EQ(g->control_len, was->control_len);
	CHECK(!memcmp(g->name, was->name, sizeof(g->name)));
	CHECK(!memcmp(g->data, was->data, sizeof(g->data)));
	CHECK(!memcmp(g->control, was->control, sizeof(g->control)));
}

static void want_all(int fd, bool v6)
{
	set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	set(fd, SOL_SOCKET, SO_RCVMARK, 1);
	set(fd, SOL_IP, IP_PKTINFO, 1);
	set(fd, SOL_IP, IP_RECVTTL, 1);
	set(fd, SOL_IP, IP_RECVTOS, 1);
	set(fd, SOL_IP, IP_RECVORIGDSTADDR, 1);
	if (!v6)
		return;
	set(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1);
	set(fd, SOL_IPV6, IPV6_RECVHOPLIMIT, 1);
	set(fd, SOL_IPV6, IPV6_RECVTCLASS, 1);
	set(fd, SOL_IPV6, IPV6_RECVORIGDSTADDR, 1);
	set(fd, SOL_IPV6, IPV6_RECVDSTOPTS, 1);
	set(fd, SOL_IPV6, IPV6_RECVHOPOPTS, 1);
}

static void with_control(const char *ip, const char *to)
{
	static const unsigned char pad[8] = { 0, 0, 1, 4 };
	bool v6 = strchr(to, ':');
	struct got was, now;
	int fd, from;

	net_own();
	fd = bound(ip, 1000);
	want_all(fd, strchr(ip, ':'));
	from = bound(to, 2000);
	if (v6) {
		set(from, SOL_IPV6, IPV6_UNICAST_HOPS, 33);
		set(from, SOL_IPV6, IPV6_TCLASS, 0x20);
		REQUIRE(!setsockopt(from, SOL_IPV6, IPV6_DSTOPTS, pad,
				    sizeof(pad)));
		REQUIRE(!setsockopt(from, SOL_IPV6, IPV6_HOPOPTS, pad,
				    sizeof(pad)));
	} else {
		set(from, SOL_IP, IP_TTL, 33);
		set(from, SOL_IP, IP_TOS, 0x20);
	}
	REQUIRE(send_to(from, "what comes with it", to, 1000) == 18);
	take(fd, &was, MSG_PEEK);
	REQUIRE(was.len == 18 && was.control_len > 100);
	ckpt_ready();
	take(fd, &now, 0);
	same(&now, &was);
	expect_none(fd);
}

CKPT_TEST_ONLY(control4, CKPT_CONTAINER)
{
	with_control("0.0.0.0", "127.0.0.1");
}

CKPT_TEST(control6)
{
	with_control("::", "::1");
}

CKPT_TEST_ONLY(control_mapped, CKPT_CONTAINER)
{
	with_control("::", "127.0.0.1");
}

/* Many in a group, by the same address */
CKPT_TEST(reuseport)
{
	int fd[3], i, n = 0;
	char c;

	net_own();
	for (i = 0; i < 3; i++) {
		fd[i] = udp("127.0.0.1");
		set(fd[i], SOL_SOCKET, SO_REUSEPORT, 1);
		REQUIRE(!try_bind(fd[i], "127.0.0.1", 1000));
	}
	ckpt_ready();
	for (i = 0; i < 30; i++)
		CHECK_EQ(send_to(udp("127.0.0.1"), "x", "127.0.0.1", 1000), 1);
	for (i = 0; i < 3; i++)
		while (recv(fd[i], &c, 1, 0) == 1)
			n++;
	CHECK_EQ(n, 30);
	CHECK_EQ(try_bind(udp("127.0.0.1"), "127.0.0.1", 1000), -EADDRINUSE);
}

CKPT_TEST_ONLY(reuseaddr, CKPT_CONTAINER)
{
	int fd, other;

	net_own();
	fd = udp("127.0.0.1");
	other = udp("127.0.0.1");
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set(other, SOL_SOCKET, SO_REUSEADDR, 1);
	REQUIRE(!try_bind(fd, "127.0.0.1", 1000));
	REQUIRE(!try_bind(other, "127.0.0.1", 1000));
	ckpt_ready();
	CHECK_EQ(port_of(fd), 1000);
	CHECK_EQ(port_of(other), 1000);
}

CKPT_TEST_ONLY(segments, CKPT_CONTAINER)
{
	struct got was, now;
	int fd, from, size = 3;

	net_own();
	fd = bound("127.0.0.1", 1000);
	set(fd, SOL_UDP, UDP_GRO, 1);
	from = bound("127.0.0.1", 2000);
	set(from, SOL_UDP, UDP_SEGMENT, size);
	REQUIRE(send_to(from, "aaabbbccc", "127.0.0.1", 1000) == 9);
	take(fd, &was, MSG_PEEK);
	ckpt_ready();
	take(fd, &now, 0);
	same(&now, &was);
	CHECK_EQ(opt(fd, SOL_UDP, UDP_GRO), 1);
	CHECK_EQ(opt(from, SOL_UDP, UDP_SEGMENT), 3);
	CHECK_EQ(send_to(from, "aaabbbccc", "127.0.0.1", 1000), 9);
	take(fd, &now, 0);
	same(&now, &was);
}

CKPT_TEST_ONLY(options, CKPT_CONTAINER)
{
	int fd, fd6;

	net_own();
	fd = bound("127.0.0.1", 1000);
	set(fd, SOL_SOCKET, SO_NO_CHECK, 1);
	set(fd, SOL_UDP, UDP_CORK, 1);
	fd6 = bound("::1", 1000);
	set(fd6, SOL_UDP, UDP_NO_CHECK6_TX, 1);
	set(fd6, SOL_UDP, UDP_NO_CHECK6_RX, 1);
	ckpt_ready();
	CHECK_EQ(opt(fd, SOL_SOCKET, SO_NO_CHECK), 1);
	CHECK_EQ(opt(fd, SOL_UDP, UDP_CORK), 1);
	CHECK_EQ(opt(fd6, SOL_UDP, UDP_NO_CHECK6_TX), 1);
	CHECK_EQ(opt(fd6, SOL_UDP, UDP_NO_CHECK6_RX), 1);
	CHECK_EQ(send_to(fd, "a", "127.0.0.1", 1000), 1);
	CHECK_EQ(send_to(fd, "b", "127.0.0.1", 1000), 1);
	expect_none(fd);
	CHECK(!setsockopt(fd, SOL_UDP, UDP_CORK, &(int){ 0 }, sizeof(int)));
	expect(fd, "ab");
}

/* Begun by one task, completed by another in another life */
static void corked(const char *ip)
{
	char *big, *got;
	union addr a;
	socklen_t len;
	int fd, from;

	net_own();
	big = malloc(30000);
	got = malloc(40000);
	REQUIRE(big && got);
	ckpt_fill(big, 30000, 1);
	fd = bound(ip, 1000);
	from = udp(ip);
	/* in more than one packet */
	REQUIRE(!setsockopt(from, SOL_IP, IP_MTU_DISCOVER,
			    &(int){ IP_PMTUDISC_DONT }, sizeof(int)));
	set(from, SOL_UDP, UDP_CORK, 1);
	len = make_addr(&a, ip, 1000);
	REQUIRE(sendto(from, big, 30000, 0, &a.sa, len) == 30000);
	REQUIRE(send(from, "middle", 6, 0) == 6);
	ckpt_ready();
	expect_none(fd);
	CHECK_EQ(send(from, "end", 3, 0), 3);
	expect_none(fd);
	CHECK(!setsockopt(from, SOL_UDP, UDP_CORK, &(int){ 0 }, sizeof(int)));
	CHECK_EQ(recv(fd, got, 40000, 0), 30009);
	CHECK(ckpt_filled(got, 30000, 1));
	CHECK(!memcmp(got + 30000, "middleend", 9));
}

CKPT_TEST_ONLY(corked4, CKPT_CONTAINER)
{
	corked("127.0.0.1");
}

CKPT_TEST_ONLY(corked6, CKPT_CONTAINER)
{
	corked("::1");
}

CKPT_TEST_ONLY(more, CKPT_CONTAINER)
{
	int fd;

	net_own();
	fd = bound("::ffff:127.0.0.1", 1000);
	REQUIRE(!connect_to(fd, "::ffff:127.0.0.1", 1000));
	REQUIRE(send(fd, "half", 4, MSG_MORE) == 4);
	ckpt_ready();
	expect_none(fd);
	CHECK_EQ(send(fd, " and half", 9, 0), 9);
	expect(fd, "half and half");
}

CKPT_TEST_ONLY(lite, CKPT_CONTAINER)
{
	int fd, from;
	union addr a;

	net_own();
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDPLITE);
	from = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDPLITE);
	if (fd < 0 || from < 0)
		ckpt_skip("no UDP-Lite in this kernel");
	REQUIRE(!try_bind(fd, "127.0.0.1", 1000));
	set(fd, SOL_UDPLITE, UDPLITE_RECV_CSCOV, 10);
	set(from, SOL_UDPLITE, UDPLITE_SEND_CSCOV, 12);
	make_addr(&a, "127.0.0.1", 1000);
	REQUIRE(sendto(from, "covered, or not", 15, 0, &a.sa,
		       sizeof(a.in)) == 15);
	ckpt_ready();
	CHECK_EQ(opt(fd, SOL_UDPLITE, UDPLITE_RECV_CSCOV), 10);
	CHECK_EQ(opt(from, SOL_UDPLITE, UDPLITE_SEND_CSCOV), 12);
	expect(fd, "covered, or not");
	CHECK_EQ(sendto(from, "again", 5, 0, &a.sa, sizeof(a.in)), 5);
	expect(fd, "again");
}

CKPT_TEST_ONLY(peek_offset, CKPT_CONTAINER)
{
	char buf[8] = "";
	int fd;

	net_own();
	fd = bound("127.0.0.1", 1000);
	REQUIRE(send_to(fd, "abcdef", "127.0.0.1", 1000) == 6);
	set(fd, SOL_SOCKET, SO_PEEK_OFF, 1);
	REQUIRE(recv(fd, buf, 2, MSG_PEEK) == 2 && !memcmp(buf, "bc", 2));
	ckpt_ready();
	CHECK_EQ(opt(fd, SOL_SOCKET, SO_PEEK_OFF), 3);
	CHECK_EQ(recv(fd, buf, 2, MSG_PEEK), 2);
	CHECK(!memcmp(buf, "de", 2));
	expect(fd, "abcdef");
}

CKPT_TEST_ONLY(shut, CKPT_CONTAINER)
{
	struct pollfd p = { .events = POLLRDHUP };

	net_own();
	p.fd = bound("127.0.0.1", 1000);
	REQUIRE(!connect_to(p.fd, "127.0.0.1", 1000));
	REQUIRE(!shutdown(p.fd, SHUT_RD));
	ckpt_ready();
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLRDHUP);
	CHECK_EQ(send(p.fd, "x", 1, 0), 1);
}

/* Nobody listens: an error is pending, and a message about it waits. */
static void with_error(const char *ip, int level, int name)
{
	struct pollfd p = { .events = POLLIN };
	struct got was, now;
	int fd;

	net_own();
	fd = bound(ip, 1000);
	set(fd, level, name, 1);
	want_all(fd, level == SOL_IPV6);
	REQUIRE(!connect_to(fd, ip, 2000));
	REQUIRE(send(fd, "to nobody", 9, 0) == 9);
	REQUIRE(send(fd, "again", 5, 0) == -1);
	p.fd = fd;
	REQUIRE(poll(&p, 1, 1000) == 1 && (p.revents & POLLERR));
	/* what another one tells, where no checkpoint is in the way */
	ckpt_ready();
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK(p.revents & POLLERR);
	take(fd, &was, MSG_ERRQUEUE);
	CHECK_EQ(was.len, 9);
	CHECK(!memcmp(was.data, "to nobody", 9));
	CHECK(was.flags & MSG_ERRQUEUE);
	take(fd, &now, MSG_ERRQUEUE);
	CHECK_EQ(now.len, -1);
	CHECK_EQ(opt(fd, SOL_SOCKET, SO_ERROR), 0);
	/* and now as it is without one */
	CHECK_EQ(send(fd, "to nobody", 9, 0), 9);
	take(fd, &now, MSG_ERRQUEUE);
	CHECK_EQ(now.len, was.len);
	CHECK_EQ(now.control_len, was.control_len);
	CHECK(!memcmp(now.name, was.name, sizeof(now.name)));
}

CKPT_TEST_ONLY(errors4, CKPT_CONTAINER)
{
	with_error("127.0.0.1", SOL_IP, IP_RECVERR);
}

CKPT_TEST_ONLY(errors6, CKPT_CONTAINER)
{
	with_error("::1", SOL_IPV6, IPV6_RECVERR);
}

static void when_sent(int fd, uint32_t number)
{
	struct sock_extended_err ee = {};
	struct cmsghdr *cmsg;
	struct msghdr m = {};
	bool stamped = false;
	struct got g;

	take(fd, &g, MSG_ERRQUEUE);
	CHECK(g.len >= 0);
	m.msg_control = g.control;
	m.msg_controllen = g.control_len;
	for (cmsg = CMSG_FIRSTHDR(&m); cmsg; cmsg = CMSG_NXTHDR(&m, cmsg)) {
		if (cmsg->cmsg_type == SO_TIMESTAMPING)
			stamped = *(long *)CMSG_DATA(cmsg);
		else
			memcpy(&ee, CMSG_DATA(cmsg), sizeof(ee));
	}
	CHECK(stamped);
	CHECK_EQ(ee.ee_errno, ENOMSG);
	CHECK_EQ(ee.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
	CHECK_EQ(ee.ee_data, number);
}

/* The kernel tells when a packet was sent, and which one. */
static void stamps(const char *ip, int more)
{
	int fd;

	net_own();
	fd = bound(ip, 1000);
	set(fd, SOL_SOCKET, SO_TIMESTAMPING,
	    SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
	    SOF_TIMESTAMPING_OPT_ID | more);
	REQUIRE(send_to(fd, "one", ip, 1000) == 3);
	REQUIRE(send_to(fd, "two", ip, 1000) == 3);
	ckpt_ready();
	when_sent(fd, 0);
	CHECK_EQ(send_to(fd, "three", ip, 1000), 5);
	when_sent(fd, 1);
	when_sent(fd, 2);
	expect(fd, "one");
}

CKPT_TEST_ONLY(sent_stamps4, CKPT_CONTAINER)
{
	stamps("127.0.0.1", SOF_TIMESTAMPING_OPT_CMSG);
}

CKPT_TEST_ONLY(sent_stamps6, CKPT_CONTAINER)
{
	stamps("::1", SOF_TIMESTAMPING_OPT_TSONLY);
}

CKPT_TEST_ONLY(pending_error, CKPT_CONTAINER)
{
	int fd;

	net_own();
	fd = bound("127.0.0.1", 1000);
	REQUIRE(!connect_to(fd, "127.0.0.1", 2000));
	REQUIRE(send(fd, "x", 1, 0) == 1);
	ckpt_ready();
	CHECK_EQ(opt(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	CHECK_EQ(opt(fd, SOL_SOCKET, SO_ERROR), 0);
}

/* A socket belongs to where it was made, wherever the task is. */
CKPT_TEST(another_namespace)
{
	int fd, here;

	net_own();
	fd = bound("127.0.0.1", 1000);
	net_own();
	here = bound("127.0.0.1", 1000);
	ckpt_ready();
	CHECK_EQ(send_to(fd, "there", "127.0.0.1", 1000), 5);
	expect_none(here);
	expect(fd, "there");
}

CKPT_VICTIM(holds_port)
{
	int fd = udp("127.0.0.1");

	if (net_up("lo", true))
		ckpt_skip("lo cannot be brought up");
	REQUIRE(!try_bind(fd, "127.0.0.1", 4321));
	ckpt_ready();
	CHECK_EQ(port_of(fd), 4321);
}

/* Without its network: its sockets are in that of whoever restarts. */
DRIVER_TEST(no_network)
{
	struct ckpt_victim *v = &self->v;
	union addr a;
	int fd;

	ckpt_start(v, "holds_port", CKPT_CONTAINER);
	ASSERT_LT(0, ckpt_checkpoint(v, CHECKPOINT_NONETNS | CHECKPOINT_KILL));
	ckpt_reaped(v);
	/* somebody else has the port meanwhile */
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	memset(&a, 0, sizeof(a));
	a.in.sin_family = AF_INET;
	a.in.sin_port = htons(4321);
	a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(0, bind(fd, &a.sa, sizeof(a.in)));
	ASSERT_EQ(-EADDRINUSE, ckpt_restart(v, 0));
	ASSERT_TRUE(ckpt_logged(v, "127.0.0.1 port 4321"));
	close(fd);
	ckpt_restart_finish(v);
}

CKPT_VICTIM(bound_to_device)
{
	char name[IFNAMSIZ] = "";
	socklen_t len = sizeof(name);
	int fd = udp("127.0.0.1");

	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "d0", 3));
	ckpt_ready();
	CHECK(!getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
	CHECK(!strcmp(name, "d0"));
}

static int delete(const char *name)
{
	struct net_msg m;

	net_link(&m, RTM_DELLINK, 0, if_nametoindex(name));
	return net_talk(&m);
}

/* The device has another index there, and another one has its. */
DRIVER_TEST(device_by_name)
{
	struct ckpt_victim *v = &self->v;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	if (net_make("d0", "dummy", 17))
		SKIP(return, "no dummy devices");
	ckpt_start(v, "bound_to_device", CKPT_CONTAINER);
	ASSERT_LT(0, ckpt_checkpoint(v, CHECKPOINT_NONETNS | CHECKPOINT_KILL));
	ckpt_reaped(v);
	ASSERT_EQ(0, delete("d0"));
	ASSERT_EQ(0, net_make("other", "dummy", 17));
	ASSERT_EQ(-ENODEV, ckpt_restart(v, 0));
	ASSERT_TRUE(ckpt_logged(v, "'d0' that it is bound to is not there"));
	ASSERT_EQ(0, net_make("d0", "dummy", 18));
	ckpt_restart_finish(v);
}

CKPT_VICTIM(has_message)
{
	int fd;

	net_own();
	fd = bound("127.0.0.1", 1000);
	REQUIRE(send_to(fd, "text", "127.0.0.1", 1000) == 4);
	ckpt_ready();
	expect(fd, "text");
}

/* A message whose checksum is not known yet, and what is said of that */
DRIVER_TEST(broken_checksum)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_inet_skb *h;
	struct image image;
	uint16_t word[2];
	uint32_t sum;

	ckpt_start(v, "has_message", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	h = image_at(&image, CKPT_HDR_INET_SKB, 0);
	h->flags &= ~CKPT_INET_SKB_CHECKED;
	h->cscov = 60000;
	ASSERT_EQ(-EINVAL, image_restart(v, &image));
	/* as by a device, and right only if that is not believed */
	memcpy(word, "text", 4);
	sum = word[0] + word[1];
	h->csum = 0xffff - ((sum & 0xffff) + (sum >> 16));
	h->cscov = 4;
	h->flags |= CKPT_INET_SKB_COMPLETE;
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
