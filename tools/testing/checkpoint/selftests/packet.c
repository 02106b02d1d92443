// SPDX-License-Identifier: GPL-2.0
/* Packet sockets: what they are bound to, options, what was not received. */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void own_net(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
}

static int make(int type, const char *dev, int protocol)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(protocol),
		.sll_ifindex = dev ? if_nametoindex(dev) : 0,
	};
	int fd = socket(AF_PACKET, type | SOCK_NONBLOCK, 0);

	REQUIRE(fd >= 0);
	REQUIRE(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}

static void set(int fd, int option, int value)
{
	REQUIRE(!setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)));
}

static int get(int fd, int option)
{
	socklen_t len = sizeof(int);
	int value = -1;

	CHECK(!getsockopt(fd, SOL_PACKET, option, &value, &len));
	return value;
}

static struct sockaddr_ll name_of(int fd)
{
	struct sockaddr_ll addr = {};
	socklen_t len = sizeof(addr);

	CHECK(!getsockname(fd, (struct sockaddr *)&addr, &len));
	return addr;
}

/* Datagrams on the loopback, to somebody: nobody complains of them. */
static void send_some(int nr)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	char text[] = "packet 0";
	int fd = socket(AF_INET, SOCK_DGRAM, 0), i;
	int other = socket(AF_INET, SOCK_DGRAM, 0);

	REQUIRE(fd >= 0 && other >= 0);
	REQUIRE(!bind(other, (struct sockaddr *)&to, sizeof(to)));
	for (i = 0; i < nr; i++) {
		text[7] = '0' + i % 10;
		REQUIRE(sendto(fd, text, sizeof(text), 0, (struct sockaddr *)&to,
			       sizeof(to)) == sizeof(text));
	}
	close(fd);
	close(other);
}

/* The datagrams among what was received */
static int receive_all(int fd)
{
	char buf[2048];
	int nr = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) >= 0)
		nr += !!memmem(buf, n, "packet ", 7);
	CHECK_EQ(errno, EAGAIN);
	return nr;
}

static const struct { int option, value; } options[] = {
	{ PACKET_AUXDATA, 1 }, { PACKET_ORIGDEV, 1 },
	{ PACKET_TX_HAS_OFF, 1 }, { PACKET_LOSS, 1 },
	{ PACKET_QDISC_BYPASS, 1 }, { PACKET_IGNORE_OUTGOING, 1 },
	{ PACKET_VERSION, TPACKET_V2 }, { PACKET_RESERVE, 64 },
	{ PACKET_TIMESTAMP, 1 }, { PACKET_COPY_THRESH, 77 },
	{ PACKET_VNET_HDR, 1 },
};

CKPT_TEST(options_each)
{
	int fd[ARRAY_SIZE(options)], none;
	size_t i, j;

	own_net();
	none = make(SOCK_RAW, NULL, 0);
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		fd[i] = make(SOCK_RAW, NULL, 0);
		set(fd[i], options[i].option, options[i].value);
	}
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		CHECK_EQ(get(none, options[i].option), 0);
		for (j = 0; j < ARRAY_SIZE(options); j++)
			CHECK_EQ(get(fd[i], options[j].option),
				 i == j ? options[j].value : 0);
	}
}

CKPT_TEST(bound)
{
	int one, all, idle, later;

	own_net();
	REQUIRE(!net_make("dm0", "dummy", 0));
	one = make(SOCK_RAW, "lo", ETH_P_IP);
	all = make(SOCK_DGRAM, NULL, ETH_P_ALL);
	idle = make(SOCK_RAW, "lo", 0);
	later = make(SOCK_RAW, "dm0", ETH_P_IP);
	CHECK_EQ(recv(later, NULL, 0, 0), -1);
	CHECK_EQ(errno, ENETDOWN);
	receive_all(all);
	ckpt_ready();
	CHECK_EQ(name_of(one).sll_ifindex, if_nametoindex("lo"));
	CHECK_EQ(name_of(one).sll_protocol, htons(ETH_P_IP));
	CHECK_EQ(name_of(all).sll_ifindex, 0);
	CHECK_EQ(name_of(all).sll_protocol, htons(ETH_P_ALL));
	CHECK_EQ(name_of(later).sll_ifindex, if_nametoindex("dm0"));
	send_some(3);
	CHECK_EQ(receive_all(one), 3);
	/* on their way out, too */
	CHECK_EQ(receive_all(all), 6);
	CHECK_EQ(receive_all(idle), 0);
	CHECK_EQ(receive_all(later), 0);
}

/* The device that it was bound to is there no more. */
CKPT_TEST(device_gone)
{
	struct net_msg m;
	socklen_t len = sizeof(int);
	int fd, err = 0;

	own_net();
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_up("dm0", true));
	fd = make(SOCK_RAW, "dm0", ETH_P_ALL);
	net_link(&m, RTM_DELLINK, 0, if_nametoindex("dm0"));
	REQUIRE(!net_talk(&m));
	ckpt_ready();
	CHECK_EQ(name_of(fd).sll_ifindex, -1);
	CHECK_EQ(name_of(fd).sll_protocol, htons(ETH_P_ALL));
	CHECK(!getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len));
	CHECK_EQ(err, ENETDOWN);
	send_some(1);
	CHECK_EQ(receive_all(fd), 0);
}

/* Two that get the same: one is asked now, the other one in another life. */
static void unread(int type, bool vnet)
{
	int fd[2], i, one = 1;
	struct net_got *was, *is;

	own_net();
	for (i = 0; i < 2; i++) {
		fd[i] = make(type, "lo", ETH_P_ALL);
		set(fd[i], PACKET_AUXDATA, 1);
		if (vnet)
			set(fd[i], PACKET_VNET_HDR, 1);
		REQUIRE(!setsockopt(fd[i], SOL_SOCKET, SO_TIMESTAMPNS, &one,
				    sizeof(one)));
	}
	send_some(5);
	was = net_receive(fd[0]);
	REQUIRE(was->nr >= 10);
	ckpt_ready();
	is = net_receive(fd[1]);
	CHECK_EQ(is->nr, was->nr);
	CHECK_EQ(is->len, was->len);
	CHECK(!memcmp(is->data, was->data, was->len));
	send_some(2);
	CHECK_EQ(receive_all(fd[1]), 4);
	free(was);
	free(is);
}

CKPT_TEST(unread_raw)
{
	unread(SOCK_RAW, false);
}

CKPT_TEST(unread_dgram)
{
	unread(SOCK_DGRAM, false);
}

CKPT_TEST(unread_vnet)
{
	unread(SOCK_RAW, true);
}

CKPT_TEST(statistics)
{
	struct tpacket_stats st = {};
	socklen_t len = sizeof(st);
	int fd, size = 1;

	own_net();
	fd = make(SOCK_RAW, "lo", ETH_P_IP);
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	send_some(30);
	ckpt_ready();
	CHECK(!getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st, &len));
	CHECK(st.tp_packets >= 30);
	CHECK(st.tp_drops > 0 && st.tp_drops < st.tp_packets);
	CHECK_EQ(receive_all(fd), st.tp_packets - st.tp_drops);
}

static bool joined(void)
{
	char buf[4096] = "";

	REQUIRE(ckpt_read_file("/proc/net/dev_mcast", buf, sizeof(buf)) >= 0);
	return strstr(buf, "01005e070707");
}

CKPT_TEST(memberships)
{
	struct packet_mreq mreq = {
		.mr_type = PACKET_MR_MULTICAST, .mr_alen = 6,
		.mr_address = "\1\0\136\7\7\7",
	}, promisc = { .mr_type = PACKET_MR_PROMISC };
	int fd, i;

	own_net();
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_up("dm0", true));
	fd = make(SOCK_RAW, "dm0", ETH_P_IP);
	mreq.mr_ifindex = if_nametoindex("dm0");
	promisc.mr_ifindex = if_nametoindex("dm0");
	for (i = 0; i < 2; i++)
		REQUIRE(!setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq,
				    sizeof(mreq)));
	REQUIRE(!setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc,
			    sizeof(promisc)));
	REQUIRE(joined());
	ckpt_ready();
	for (i = 0; i < 2; i++) {
		CHECK(joined());
		CHECK(!setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &mreq,
				  sizeof(mreq)));
	}
	CHECK(!joined());
}

CKPT_TEST(fanout)
{
	uint32_t group = 7 | (PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_DEFRAG |
			      PACKET_FANOUT_FLAG_IGNORE_OUTGOING) << 16;
	int fd[3], i, nr[3];

	own_net();
	for (i = 0; i < 3; i++) {
		fd[i] = make(SOCK_RAW, "lo", ETH_P_IP);
		if (i < 2)
			set(fd[i], PACKET_FANOUT, group);
	}
	ckpt_ready();
	for (i = 0; i < 2; i++)
		CHECK_EQ((uint32_t)get(fd[i], PACKET_FANOUT), group);
	CHECK_EQ(get(fd[2], PACKET_FANOUT), 0);
	send_some(10);
	for (i = 0; i < 3; i++)
		nr[i] = receive_all(fd[i]);
	CHECK_EQ(nr[0] + nr[1], 10);
	CHECK_EQ(nr[0], nr[1]);
	CHECK_EQ(nr[2], 10);
}

CKPT_TEST_ONLY(sends, CKPT_CONTAINER)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(0x88b5),
		.sll_halen = 6,
	};
	char buf[64];
	int a, b;

	own_net();
	a = make(SOCK_DGRAM, "lo", 0);
	b = make(SOCK_DGRAM, "lo", 0x88b5);
	ckpt_ready();
	to.sll_ifindex = if_nametoindex("lo");
	CHECK_EQ(sendto(a, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)),
		 5);
	CHECK_EQ(recv(b, buf, sizeof(buf), 0), 5);
}

/* A filter that cuts off where the checksum is yet to be written */
CKPT_TEST_ONLY(cut, CKPT_CONTAINER)
{
	struct sock_filter insn = BPF_STMT(BPF_RET | BPF_K, 30);
	struct sock_fprog prog = { .len = 1, .filter = &insn };
	char buf[64];
	int fd;

	own_net();
	fd = make(SOCK_RAW, "lo", ETH_P_IP);
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			    sizeof(prog)));
	send_some(1);
	ckpt_ready();
	CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 30);
}

CKPT_VICTIM(has_packets)
{
	int fd;

	own_net();
	fd = make(SOCK_RAW, "lo", ETH_P_IP);
	send_some(2);
	ckpt_ready();
	receive_all(fd);
}

/* Whatever is wrong is refused, or else it is what could be done by hand. */
DRIVER_TEST(broken_data)
{
	static const uint32_t types[] = {
		CKPT_HDR_PACKET, CKPT_HDR_PACKET_LATE, CKPT_HDR_PACKET_MSG,
	};
	struct ckpt_victim *v = &self->v;
	struct image image;
	struct ckpt_hdr *h;
	unsigned int i;
	size_t at;

	ckpt_start(v, "has_packets", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		h = image_at(&image, types[i], 0);
		for (at = sizeof(*h); at < h->len; at += 4 * ckpt_step())
			image_try_flipped(v, &image, (char *)h + at,
					  0x81000041);
	}
	image_restart_finish(v, &image);
}

/* Bound by the protocol of socket(2), and then to a device that is gone */
DRIVER_TEST(bound_twice)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_packet_late *late;
	struct ckpt_hdr_sock *sock;
	struct image image;

	ckpt_start(v, "has_packets", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	sock = image_at(&image, CKPT_HDR_SOCK, 0);
	ASSERT_EQ(AF_PACKET, sock->family);
	sock->protocol = htons(ETH_P_ALL);
	late = image_at(&image, CKPT_HDR_PACKET_LATE, 0);
	late->ifindex = -1;
	ASSERT_EQ(-EINVAL, image_restart(v, &image));
	image_free(&image);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
