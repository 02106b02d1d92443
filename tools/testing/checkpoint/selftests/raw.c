// SPDX-License-Identifier: GPL-2.0
/* Raw and ping sockets. */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef ICMP_FILTER
#define ICMP_FILTER	1
#endif

static const struct sockaddr_in lo = {
	.sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f,
};

static const struct sockaddr_in6 lo6 = {
	.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT,
};

static int raw(int family, int protocol)
{
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK, protocol);

	REQUIRE(fd >= 0);
	return fd;
}

static void send4(int fd, const char *text)
{
	CHECK_EQ(sendto(fd, text, strlen(text), 0, (void *)&lo, sizeof(lo)),
		 strlen(text));
}

static void send6(int fd, const char *text)
{
	CHECK_EQ(sendto(fd, text, strlen(text), 0, (void *)&lo6, sizeof(lo6)),
		 strlen(text));
}

/* With the IP header that a raw IPv4 socket gives */
static void expect4(int fd, const char *text)
{
	char buf[256];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	CHECK_EQ(n, sizeof(struct iphdr) + strlen(text));
	CHECK(n > (ssize_t)sizeof(struct iphdr) &&
	      !memcmp(buf + sizeof(struct iphdr), text, strlen(text)));
}

static void expect6(int fd, const char *text)
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

/* 253 and 254 are for experiments. */
CKPT_TEST(queue4)
{
	int fd, other;

	net_own();
	fd = raw(AF_INET, 253);
	other = raw(AF_INET, 254);
	send4(fd, "one");
	send4(fd, "two");
	ckpt_ready();
	expect4(fd, "one");
	expect4(fd, "two");
	expect_none(fd);
	expect_none(other);
	send4(other, "three");
	expect4(other, "three");
	expect_none(fd);
}

CKPT_TEST_ONLY(queue6, CKPT_CONTAINER)
{
	int fd;

	net_own();
	fd = raw(AF_INET6, 253);
	send6(fd, "one");
	ckpt_ready();
	expect6(fd, "one");
	send6(fd, "two");
	expect6(fd, "two");
	expect_none(fd);
}

CKPT_TEST_ONLY(addresses, CKPT_CONTAINER)
{
	struct sockaddr_in a = lo;
	socklen_t len = sizeof(a);
	int fd;

	net_own();
	REQUIRE(!net_addr("lo", "10.1.1.1", 24, 0));
	fd = raw(AF_INET, 253);
	REQUIRE(!bind(fd, (void *)&lo, sizeof(lo)));
	/* without a port, nobody is told who the peer is */
	a.sin_port = htons(1);
	REQUIRE(!connect(fd, (void *)&a, sizeof(a)));
	ckpt_ready();
	CHECK(!getsockname(fd, (void *)&a, &len));
	CHECK_EQ(a.sin_addr.s_addr, lo.sin_addr.s_addr);
	CHECK(!getpeername(fd, (void *)&a, &len));
	CHECK_EQ(a.sin_addr.s_addr, lo.sin_addr.s_addr);
	CHECK_EQ(send(fd, "x", 1, 0), 1);
	expect4(fd, "x");
	/* what is sent to another address is not for it */
	a.sin_addr.s_addr = inet_addr("10.1.1.1");
	CHECK_EQ(sendto(raw(AF_INET, 253), "y", 1, 0, (void *)&a, sizeof(a)),
		 1);
	expect_none(fd);
}

CKPT_TEST_ONLY(own_header, CKPT_CONTAINER)
{
	struct { struct iphdr ip; char data[4]; } p = {
		.ip = { .version = 4, .ihl = 5, .ttl = 9, .protocol = 253,
			.saddr = 0x0100007f, .daddr = 0x0100007f },
		.data = "mine",
	};
	int fd, on = -1;
	socklen_t len = sizeof(on);

	net_own();
	fd = raw(AF_INET, 253);
	REQUIRE(!setsockopt(fd, SOL_IP, IP_HDRINCL, &(int){ 1 }, sizeof(int)));
	ckpt_ready();
	CHECK(!getsockopt(fd, SOL_IP, IP_HDRINCL, &on, &len));
	CHECK_EQ(on, 1);
	CHECK_EQ(sendto(fd, &p, sizeof(p), 0, (void *)&lo, sizeof(lo)),
		 sizeof(p));
	expect4(fd, "mine");
}

CKPT_TEST_ONLY(icmp_filter, CKPT_CONTAINER)
{
	struct icmphdr echo = { .type = ICMP_ECHO };
	uint32_t mask = ~(1U << ICMP_ECHOREPLY), now = 0;
	struct { struct iphdr ip; struct icmphdr icmp; } p;
	socklen_t len = sizeof(now);
	int fd;

	net_own();
	fd = raw(AF_INET, IPPROTO_ICMP);
	REQUIRE(!setsockopt(fd, SOL_RAW, ICMP_FILTER, &mask, sizeof(mask)));
	ckpt_ready();
	CHECK(!getsockopt(fd, SOL_RAW, ICMP_FILTER, &now, &len));
	CHECK_EQ(now, mask);
	echo.checksum = ~htons(ICMP_ECHO << 8);
	CHECK_EQ(sendto(fd, &echo, sizeof(echo), 0, (void *)&lo, sizeof(lo)),
		 sizeof(echo));
	/* the answer, and not the question */
	CHECK_EQ(recv(fd, &p, sizeof(p), 0), sizeof(p));
	CHECK_EQ(p.icmp.type, ICMP_ECHOREPLY);
	expect_none(fd);
}

CKPT_TEST_ONLY(icmp6_filter, CKPT_CONTAINER)
{
	struct icmp6_filter f, now = {};
	socklen_t len = sizeof(now);
	int fd, at = 0;

	net_own();
	fd = raw(AF_INET6, IPPROTO_ICMPV6);
	memset(&f, 0xff, sizeof(f));
	f.data[129 / 32] &= ~(1U << 129 % 32);
	REQUIRE(!setsockopt(fd, SOL_ICMPV6, 1, &f, sizeof(f)));
	ckpt_ready();
	CHECK(!getsockopt(fd, SOL_ICMPV6, 1, &now, &len));
	CHECK(!memcmp(&now, &f, sizeof(f)));
	len = sizeof(at);
	CHECK(!getsockopt(fd, SOL_RAW, IPV6_CHECKSUM, &at, &len));
	CHECK_EQ(at, 2);
}

CKPT_TEST_ONLY(checksum6, CKPT_CONTAINER)
{
	int fd, at = -1;
	socklen_t len = sizeof(at);
	char buf[8] = "";

	net_own();
	fd = raw(AF_INET6, 253);
	REQUIRE(!setsockopt(fd, SOL_RAW, IPV6_CHECKSUM, &(int){ 4 },
			    sizeof(int)));
	REQUIRE(sendto(fd, "abcdefgh", 8, 0, (void *)&lo6, sizeof(lo6)) == 8);
	ckpt_ready();
	CHECK(!getsockopt(fd, SOL_RAW, IPV6_CHECKSUM, &at, &len));
	CHECK_EQ(at, 4);
	CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 8);
	CHECK(!memcmp(buf, "abcd", 4) && !memcmp(buf + 6, "gh", 2));
	CHECK(memcmp(buf + 4, "ef", 2));
}

/* For everybody */
static void may_ping(void)
{
	REQUIRE(!ckpt_write_file("/proc/sys/net/ipv4/ping_group_range",
				 "0 2147483647"));
}

CKPT_TEST(ping4)
{
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo.sequence = 7 }, got;
	struct sockaddr_in a = lo;
	socklen_t len = sizeof(a);
	int fd;

	net_own();
	may_ping();
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_ICMP);
	REQUIRE(fd >= 0);
	a.sin_port = htons(4711);
	REQUIRE(!bind(fd, (void *)&a, sizeof(a)));
	REQUIRE(sendto(fd, &echo, sizeof(echo), 0, (void *)&lo, sizeof(lo)) ==
		sizeof(echo));
	ckpt_ready();
	CHECK_EQ(recvfrom(fd, &got, sizeof(got), 0, (void *)&a, &len),
		 sizeof(got));
	CHECK_EQ(got.type, ICMP_ECHOREPLY);
	CHECK_EQ(got.un.echo.sequence, 7);
	CHECK_EQ(got.un.echo.id, htons(4711));
	CHECK_EQ(a.sin_addr.s_addr, lo.sin_addr.s_addr);
	CHECK_EQ(sendto(fd, &echo, sizeof(echo), 0, (void *)&lo, sizeof(lo)),
		 sizeof(echo));
	CHECK_EQ(recv(fd, &got, sizeof(got), 0), sizeof(got));
	CHECK_EQ(got.un.echo.id, htons(4711));
}

CKPT_TEST_ONLY(ping6, CKPT_CONTAINER)
{
	struct icmp6hdr echo = { .icmp6_type = ICMPV6_ECHO_REQUEST }, got;
	int fd;

	net_own();
	may_ping();
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	REQUIRE(fd >= 0);
	REQUIRE(!connect(fd, (void *)&lo6, sizeof(lo6)));
	REQUIRE(send(fd, &echo, sizeof(echo), 0) == sizeof(echo));
	ckpt_ready();
	CHECK_EQ(recv(fd, &got, sizeof(got), 0), sizeof(got));
	CHECK_EQ(got.icmp6_type, ICMPV6_ECHO_REPLY);
	CHECK_EQ(send(fd, &echo, sizeof(echo), 0), sizeof(echo));
	CHECK_EQ(recv(fd, &got, sizeof(got), 0), sizeof(got));
}

CKPT_VICTIM(has_message)
{
	int fd;

	net_own();
	fd = raw(AF_INET6, 253);
	send6(fd, "one");
	ckpt_ready();
	expect6(fd, "one");
}

/* Its header would be read as that of IPv6 all the same. */
DRIVER_TEST(other_family)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_inet_skb *h;
	struct image image;

	ckpt_start(v, "has_message", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	h = image_at(&image, CKPT_HDR_INET_SKB, 0);
	h->flags &= ~CKPT_INET_SKB_IPV6;
	ASSERT_EQ(-EINVAL, image_restart(v, &image));
	h->flags |= CKPT_INET_SKB_IPV6;
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
