// SPDX-License-Identifier: GPL-2.0
/* Options of internet sockets, and the groups that they are members of. */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef SOL_UDP
#define SOL_UDP		17
#endif
#define OPTS_MAX	128
#define VALUE_MAX	256

static const int levels[] = { SOL_SOCKET, SOL_IP, SOL_IPV6, SOL_UDP };

/**
 * struct look - all options that a socket has
 * @len: length of each, or a negative errno
 * @value: the value
 */
struct look {
	int len[ARRAY_SIZE(levels)][OPTS_MAX];
	char value[ARRAY_SIZE(levels)][OPTS_MAX][VALUE_MAX];
};

/* Those that make something, or are numbers of the kernel's */
static bool left_out(int level, int name)
{
	return level == SOL_SOCKET &&
	       (name == SO_COOKIE || name == SO_PEERSEC || name == SO_MEMINFO ||
		name == 71 /* SO_NETNS_COOKIE */ ||
		name == 77 /* SO_PEERPIDFD */);
}

static struct look *look_at(int fd)
{
	struct look *l = calloc(1, sizeof(*l));
	socklen_t len;
	size_t i;
	int name;

	REQUIRE(l);
	for (i = 0; i < ARRAY_SIZE(levels); i++)
		for (name = 0; name < OPTS_MAX; name++) {
			if (left_out(levels[i], name))
				continue;
			len = VALUE_MAX;
			l->len[i][name] =
				getsockopt(fd, levels[i], name,
					   l->value[i][name], &len) ?
				-errno : (int)len;
		}
	return l;
}

static void looks_same(int fd, struct look *was)
{
	struct look *now = look_at(fd);
	size_t i;
	int name;

	for (i = 0; i < ARRAY_SIZE(levels); i++)
		for (name = 0; name < OPTS_MAX; name++)
			if (now->len[i][name] != was->len[i][name] ||
			    memcmp(now->value[i][name], was->value[i][name],
				   VALUE_MAX))
				ckpt_fail(__FILE__, __LINE__,
					  "option %d of level %d: %d bytes, %#x, not %d bytes, %#x",
					  name, levels[i], now->len[i][name],
					  *(int *)now->value[i][name],
					  was->len[i][name],
					  *(int *)was->value[i][name]);
	free(now);
	free(was);
}

/**
 * struct option - an option that is a number
 * @level: its level
 * @name: its name
 * @value: not its default
 */
struct option {
	int level;
	int name;
	int value;
};

static void set(int fd, const struct option *o)
{
	if (setsockopt(fd, o->level, o->name, &o->value, sizeof(o->value)))
		ckpt_fail(__FILE__, __LINE__, "option %d of level %d: %m",
			  o->name, o->level);
}

static const struct option any[] = {
	{ SOL_SOCKET, SO_REUSEADDR, 1 },
	{ SOL_SOCKET, SO_REUSEPORT, 1 },
	{ SOL_SOCKET, SO_DONTROUTE, 1 },
	{ SOL_SOCKET, SO_BROADCAST, 1 },
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ SOL_SOCKET, SO_SNDBUF, 20000 },
	{ SOL_SOCKET, SO_RCVBUF, 30000 },
	{ SOL_SOCKET, SO_RCVLOWAT, 5 },
	{ SOL_SOCKET, SO_TIMESTAMPNS, 1 },
	{ SOL_SOCKET, SO_MARK, 77 },
	{ SOL_SOCKET, SO_RXQ_OVFL, 1 },
	{ SOL_SOCKET, SO_BUSY_POLL, 50 },
	{ SOL_SOCKET, SO_MAX_PACING_RATE, 1000000 },
	{ SOL_SOCKET, SO_INCOMING_CPU, 0 },
	{ SOL_SOCKET, SO_BINDTOIFINDEX, 1 },
	{ SOL_SOCKET, 74 /* SO_TXREHASH */, 0 },
	{ SOL_IP, IP_PKTINFO, 1 },
	{ SOL_IP, IP_RECVTTL, 1 },
	{ SOL_IP, IP_RECVTOS, 1 },
	{ SOL_IP, IP_RECVOPTS, 1 },
	{ SOL_IP, IP_RETOPTS, 1 },
	{ SOL_IP, IP_RECVORIGDSTADDR, 1 },
	{ SOL_IP, IP_RECVFRAGSIZE, 1 },
	{ SOL_IP, IP_RECVERR, 1 },
	{ SOL_IP, IP_FREEBIND, 1 },
	{ SOL_IP, IP_TRANSPARENT, 1 },
	{ SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1 },
	{ SOL_IP, IP_TTL, 33 },
	{ SOL_IP, IP_MINTTL, 3 },
	{ SOL_IP, IP_MULTICAST_TTL, 7 },
	{ SOL_IP, IP_MULTICAST_LOOP, 0 },
	{ SOL_IP, IP_MULTICAST_ALL, 0 },
	{ SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE },
	{ SOL_IP, IP_TOS, 0x48 },
	{ SOL_IP, 51 /* IP_LOCAL_PORT_RANGE */, 20000 | 20100 << 16 },
	{ SOL_IP, 23 /* IP_CHECKSUM */, 1 },
	/* after IP_TOS, which sets it, too */
	{ SOL_SOCKET, SO_PRIORITY, 5 },
};

static const struct option of_v6[] = {
	{ SOL_IPV6, IPV6_V6ONLY, 1 },
	{ SOL_IPV6, IPV6_UNICAST_HOPS, 33 },
	{ SOL_IPV6, IPV6_MULTICAST_HOPS, 9 },
	{ SOL_IPV6, IPV6_MULTICAST_LOOP, 0 },
	{ SOL_IPV6, 29 /* IPV6_MULTICAST_ALL */, 0 },
	{ SOL_IPV6, IPV6_MULTICAST_IF, 1 },
	{ SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE },
	{ SOL_IPV6, IPV6_RECVERR, 1 },
	{ SOL_IPV6, IPV6_MINHOPCOUNT, 2 },
	{ SOL_IPV6, IPV6_DONTFRAG, 1 },
	{ SOL_IPV6, IPV6_AUTOFLOWLABEL, 0 },
	{ SOL_IPV6, 33 /* IPV6_FLOWINFO_SEND */, 1 },
	{ SOL_IPV6, IPV6_TCLASS, 0x24 },
	{ SOL_IPV6, IPV6_RECVPKTINFO, 1 },
	{ SOL_IPV6, IPV6_RECVHOPLIMIT, 1 },
	{ SOL_IPV6, IPV6_RECVRTHDR, 1 },
	{ SOL_IPV6, IPV6_RECVHOPOPTS, 1 },
	{ SOL_IPV6, IPV6_RECVDSTOPTS, 1 },
	{ SOL_IPV6, IPV6_RECVTCLASS, 1 },
	{ SOL_IPV6, 11 /* IPV6_FLOWINFO */, 1 },
	{ SOL_IPV6, IPV6_RECVPATHMTU, 1 },
	{ SOL_IPV6, IPV6_RECVORIGDSTADDR, 1 },
	{ SOL_IPV6, IPV6_RECVFRAGSIZE, 1 },
	{ SOL_IPV6, 72 /* IPV6_ADDR_PREFERENCES */, 2 },
};

static int with(int family, const struct option *opts, size_t nr)
{
	int fd = socket(family, SOCK_DGRAM, 0);
	size_t i;

	REQUIRE(fd >= 0);
	for (i = 0; i < nr; i++)
		set(fd, &opts[i]);
	return fd;
}

CKPT_TEST(numbers4)
{
	struct look *was, *none;
	int fd, bare;

	net_own();
	fd = with(AF_INET, any, ARRAY_SIZE(any));
	bare = socket(AF_INET, SOCK_DGRAM, 0);
	was = look_at(fd);
	none = look_at(bare);
	ckpt_ready();
	looks_same(fd, was);
	looks_same(bare, none);
}

CKPT_TEST(numbers6)
{
	struct look *was, *was6, *none;
	int fd, fd6, bare;

	net_own();
	fd = with(AF_INET6, any, ARRAY_SIZE(any));
	fd6 = with(AF_INET6, of_v6, ARRAY_SIZE(of_v6));
	bare = socket(AF_INET6, SOCK_DGRAM, 0);
	was = look_at(fd);
	was6 = look_at(fd6);
	none = look_at(bare);
	ckpt_ready();
	looks_same(fd, was);
	looks_same(fd6, was6);
	looks_same(bare, none);
}

CKPT_TEST_ONLY(not_numbers, CKPT_CONTAINER)
{
	/* record route; one header with padding */
	static const unsigned char route[] = { 7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const unsigned char pad[8] = { 0, 0, 1, 4 };
	struct in6_pktinfo info = {
		.ipi6_addr = IN6ADDR_LOOPBACK_INIT, .ipi6_ifindex = 1,
	};
	struct ip_mreqn mreq = {
		.imr_address.s_addr = htonl(INADDR_LOOPBACK), .imr_ifindex = 1,
	};
	struct look *was, *was6;
	int fd, fd6;

	net_own();
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	REQUIRE(!setsockopt(fd, SOL_IP, IP_OPTIONS, route, sizeof(route)));
	REQUIRE(!setsockopt(fd, SOL_IP, IP_MULTICAST_IF, &mreq, sizeof(mreq)));
	REQUIRE(!setsockopt(fd, SOL_IP, IP_UNICAST_IF, &(int){ htonl(1) },
			    sizeof(int)));
	fd6 = socket(AF_INET6, SOCK_DGRAM, 0);
	REQUIRE(!setsockopt(fd6, SOL_IPV6, IPV6_HOPOPTS, pad, sizeof(pad)));
	REQUIRE(!setsockopt(fd6, SOL_IPV6, IPV6_DSTOPTS, pad, sizeof(pad)));
	REQUIRE(!setsockopt(fd6, SOL_IPV6, IPV6_RTHDRDSTOPTS, pad,
			    sizeof(pad)));
	REQUIRE(!setsockopt(fd6, SOL_IPV6, IPV6_PKTINFO, &info, sizeof(info)));
	was = look_at(fd);
	was6 = look_at(fd6);
	ckpt_ready();
	looks_same(fd, was);
	looks_same(fd6, was6);
}

CKPT_TEST_ONLY(stamps, CKPT_CONTAINER)
{
	struct { int flags, phc; } ts = {
		.flags = SOF_TIMESTAMPING_SOFTWARE |
			 SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID,
	};
	struct { clockid_t clock; unsigned int flags; } txtime = {
		.clock = CLOCK_TAI, .flags = 1,
	};
	struct look *was, *was_new;
	int fd, fd_new;

	net_own();
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &ts, sizeof(ts)));
	REQUIRE(!setsockopt(fd, SOL_SOCKET, 61 /* SO_TXTIME */, &txtime,
			    sizeof(txtime)));
	fd_new = socket(AF_INET, SOCK_DGRAM, 0);
	REQUIRE(!setsockopt(fd_new, SOL_SOCKET, 65 /* SO_TIMESTAMPING_NEW */,
			    &ts, sizeof(ts)));
	was = look_at(fd);
	was_new = look_at(fd_new);
	ckpt_ready();
	looks_same(fd, was);
	looks_same(fd_new, was_new);
}

/* Nothing shorter than three bytes, with the header of UDP */
static void attach(int fd, int shortest)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, shortest, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {
		.len = ARRAY_SIZE(insns), .filter = insns,
	};

	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			    sizeof(prog)));
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &(int){ 1 },
			    sizeof(int)));
}

static void filtered(int fd)
{
	struct sock_filter insns[16];
	socklen_t len = 16;
	char buf[8];

	CHECK(!getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, insns, &len));
	CHECK_EQ(len, 4);
	CHECK_EQ(insns[1].code, BPF_JMP | BPF_JGE | BPF_K);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &len,
			    sizeof(len)), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), 3);
	CHECK(!memcmp(buf, "now", 3));
	CHECK_EQ(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), 4);
	CHECK(!memcmp(buf, "then", 4));
	CHECK_EQ(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
}

CKPT_TEST(filter)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(1000),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd, pair[2];

	net_own();
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	REQUIRE(!bind(fd, (void *)&to, sizeof(to)));
	attach(fd, 8 + 3);
	REQUIRE(!socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	attach(pair[0], 3);
	REQUIRE(sendto(fd, "now", 3, 0, (void *)&to, sizeof(to)) == 3);
	REQUIRE(write(pair[1], "now", 3) == 3);
	ckpt_ready();
	CHECK_EQ(sendto(fd, "no", 2, 0, (void *)&to, sizeof(to)), 2);
	CHECK_EQ(sendto(fd, "then", 4, 0, (void *)&to, sizeof(to)), 4);
	CHECK_EQ(write(pair[1], "no", 2), 2);
	CHECK_EQ(write(pair[1], "then", 4), 4);
	filtered(fd);
	filtered(pair[0]);
}

/* ---------------------------------------------------------------- groups */

static struct sockaddr_storage addr_of(const char *ip)
{
	struct sockaddr_storage ss = {};
	struct sockaddr_in6 *in6 = (void *)&ss;
	struct sockaddr_in *in = (void *)&ss;

	if (strchr(ip, ':')) {
		in6->sin6_family = AF_INET6;
		REQUIRE(inet_pton(AF_INET6, ip, &in6->sin6_addr) == 1);
	} else {
		in->sin_family = AF_INET;
		REQUIRE(inet_pton(AF_INET, ip, &in->sin_addr) == 1);
	}
	return ss;
}

static int join(int fd, int name, const char *group, const char *source)
{
	int level = strchr(group, ':') ? SOL_IPV6 : SOL_IP;
	struct group_source_req src = { .gsr_interface = 1 };
	struct group_req req = { .gr_interface = 1 };

	req.gr_group = addr_of(group);
	if (!source)
		return setsockopt(fd, level, name, &req, sizeof(req)) ?
		       -errno : 0;
	src.gsr_group = req.gr_group;
	src.gsr_source = addr_of(source);
	return setsockopt(fd, level, name, &src, sizeof(src)) ? -errno : 0;
}

struct filter {
	struct group_filter gf;
	struct sockaddr_storage more[7];
};

/* Returns the number of sources, or a negative errno. */
static int filter_of(int fd, const char *group, struct filter *f)
{
	int level = strchr(group, ':') ? SOL_IPV6 : SOL_IP;
	socklen_t len = sizeof(*f);

	memset(f, 0, sizeof(*f));
	f->gf.gf_interface = 1;
	f->gf.gf_group = addr_of(group);
	f->gf.gf_numsrc = 8;
	if (getsockopt(fd, level, MCAST_MSFILTER, f, &len))
		return -errno;
	return f->gf.gf_numsrc;
}

static void groups(const char *all, const char *some, const char *none,
		   const char *s1, const char *s2)
{
	int family = strchr(all, ':') ? AF_INET6 : AF_INET, fd;
	struct filter was, now;

	net_own();
	fd = socket(family, SOCK_DGRAM, 0);
	REQUIRE(fd >= 0);
	if (join(fd, MCAST_JOIN_GROUP, all, NULL))
		ckpt_skip("no multicast: %m");
	REQUIRE(!join(fd, MCAST_BLOCK_SOURCE, all, s1));
	REQUIRE(!join(fd, MCAST_JOIN_SOURCE_GROUP, some, s1));
	REQUIRE(!join(fd, MCAST_JOIN_SOURCE_GROUP, some, s2));
	REQUIRE(filter_of(fd, some, &was) == 2);
	ckpt_ready();
	CHECK_EQ(filter_of(fd, some, &now), 2);
	CHECK(!memcmp(&now, &was, sizeof(now)));
	CHECK_EQ(now.gf.gf_fmode, MCAST_INCLUDE);
	CHECK_EQ(filter_of(fd, all, &now), 1);
	CHECK_EQ(now.gf.gf_fmode, MCAST_EXCLUDE);
	CHECK_EQ(filter_of(fd, none, &now), -EADDRNOTAVAIL);
	CHECK_EQ(join(fd, MCAST_JOIN_GROUP, all, NULL), -EADDRINUSE);
	CHECK_EQ(join(fd, MCAST_LEAVE_GROUP, all, NULL), 0);
	CHECK_EQ(join(fd, MCAST_LEAVE_SOURCE_GROUP, some, s2), 0);
	CHECK_EQ(filter_of(fd, some, &now), 1);
}

CKPT_TEST(groups4)
{
	groups("239.1.2.3", "232.1.2.3", "239.1.2.4", "10.0.0.1", "10.0.0.2");
}

CKPT_TEST_ONLY(groups6, CKPT_CONTAINER)
{
	groups("ff15::1", "ff35::2", "ff15::3", "fd00::1", "fd00::2");
}

/* What is sent to a group comes to who is a member of it. */
CKPT_TEST_ONLY(received, CKPT_CONTAINER)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(1000),
	};
	struct ip_mreqn mreq = { .imr_ifindex = 1 };
	int fd, from;
	char c;

	net_own();
	inet_pton(AF_INET, "239.1.2.3", &to.sin_addr);
	mreq.imr_multiaddr = to.sin_addr;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	REQUIRE(!bind(fd, (void *)&to, sizeof(to)));
	if (setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq)))
		ckpt_skip("no multicast: %m");
	from = socket(AF_INET, SOCK_DGRAM, 0);
	mreq.imr_address.s_addr = htonl(INADDR_LOOPBACK);
	REQUIRE(!setsockopt(from, SOL_IP, IP_MULTICAST_IF, &mreq,
			    sizeof(mreq)));
	if (sendto(from, "x", 1, 0, (void *)&to, sizeof(to)) != 1)
		ckpt_skip("no multicast through lo: %m");
	REQUIRE(recv(fd, &c, 1, 0) == 1);
	REQUIRE(sendto(from, "y", 1, 0, (void *)&to, sizeof(to)) == 1);
	ckpt_ready();
	CHECK_EQ(recv(fd, &c, 1, 0), 1);
	CHECK_EQ(c, 'y');
	CHECK_EQ(sendto(from, "z", 1, 0, (void *)&to, sizeof(to)), 1);
	CHECK_EQ(recv(fd, &c, 1, 0), 1);
	CHECK_EQ(c, 'z');
}

/* A restart would not find it. */
REFUSED_AS(device_gone, CKPT_CONTAINER,
	   "MULTICAST_IF of a device that is gone: not supported")
{
	struct net_msg m;
	int fd, index;

	net_own();
	REQUIRE(!net_make("dm0", "dummy", 0));
	index = if_nametoindex("dm0");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	REQUIRE(!setsockopt(fd, SOL_IP, IP_UNICAST_IF, &(int){ htonl(index) },
			    sizeof(int)));
	net_link(&m, RTM_DELLINK, 0, index);
	REQUIRE(!net_talk(&m));
	ckpt_ready();
}

TEST_HARNESS_MAIN
