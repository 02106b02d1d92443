// SPDX-License-Identifier: GPL-2.0
/* Tun and tap devices, and the open files that are their queues. */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/if_arp.h and net/if.h do not go together */
#define LINK_IEEE802154		804

static int open_tun(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	if (fd < 0)
		ckpt_skip("/dev/net/tun: %m");
	return fd;
}

static int attach(int fd, const char *name, int flags)
{
	struct ifreq ifr = { .ifr_flags = flags };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(fd, TUNSETIFF, &ifr);
}

static int make_tun(const char *name, int flags)
{
	int fd = open_tun();

	REQUIRE(!attach(fd, name, flags));
	return fd;
}

static int flags_of(int fd)
{
	struct ifreq ifr = {};

	return ioctl(fd, TUNGETIFF, &ifr) ? -errno :
					    (unsigned short)ifr.ifr_flags;
}

static void check_name(int fd, const char *name)
{
	struct ifreq ifr = {};

	CHECK(!ioctl(fd, TUNGETIFF, &ifr));
	CHECK(!strcmp(ifr.ifr_name, name));
}

static int set_queue(int fd, int flags)
{
	struct ifreq ifr = { .ifr_flags = flags };

	return ioctl(fd, TUNSETQUEUE, &ifr);
}

/* No packets but those of the test */
static void quiet(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
	ckpt_write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	REQUIRE(!net_up("lo", true));
}

/* A datagram of one letter goes out through the device. */
static void send_letter(const char *to, char letter)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(7777),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, to, &sin.sin_addr);
	REQUIRE(sendto(fd, &letter, 1, 0, (void *)&sin, sizeof(sin)) == 1);
	close(fd);
}

/* The letter of the next packet that is a datagram, or 0 */
static int get_letter(int fd, size_t head)
{
	unsigned char buf[2048];
	ssize_t len = read(fd, buf, sizeof(buf));

	if (len <= (ssize_t)head + 28 || buf[head] >> 4 != 4)
		return len < 0 ? -errno : 0;
	return buf[len - 1];
}

/* The other way: a datagram comes in through the device. */
static void put_letter(int fd, char letter)
{
	unsigned char p[29] = {
		0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0,
		10, 7, 0, 9, 10, 7, 0, 1, 0, 1, 0x1e, 0x61, 0, 9, 0, 0, letter,
	};
	unsigned int sum = 0, i;

	for (i = 0; i < 20; i += 2)
		sum += p[i] << 8 | p[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	p[10] = sum >> 8;
	p[11] = sum;
	CHECK_EQ(write(fd, p, sizeof(p)), sizeof(p));
}

CKPT_TEST(packets)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(7777),
	};
	int fd, in, i;
	char *was, c;

	quiet();
	fd = make_tun("tun7", IFF_TUN | IFF_NO_PI);
	REQUIRE(!net_addr("tun7", "10.7.0.1", 24, 0));
	REQUIRE(!net_up("tun7", true));
	in = socket(AF_INET, SOCK_DGRAM, 0);
	REQUIRE(!bind(in, (void *)&sin, sizeof(sin)));
	for (i = 0; i < 30; i++)
		send_letter("10.7.0.9", 'A' + i);
	REQUIRE(get_letter(fd, 0) == 'A');
	REQUIRE(get_letter(fd, 0) == 'B');
	was = net_look();
	ckpt_ready();
	net_same(was);
	check_name(fd, "tun7");
	CHECK_EQ(flags_of(fd), IFF_TUN | IFF_NO_PI | IFF_NOFILTER);
	for (i = 2; i < 30; i++)
		CHECK_EQ(get_letter(fd, 0), 'A' + i);
	CHECK_EQ(get_letter(fd, 0), -EAGAIN);
	/* it works in both directions, and goes with its last file */
	send_letter("10.7.0.9", 'x');
	CHECK_EQ(get_letter(fd, 0), 'x');
	put_letter(fd, 'y');
	CHECK_EQ(recv(in, &c, 1, 0), 1);
	CHECK_EQ(c, 'y');
	CHECK(if_nametoindex("tun7"));
	close(fd);
	CHECK(!if_nametoindex("tun7"));
}

CKPT_TEST(options)
{
	struct { struct tun_filter f; unsigned char addr[2][6]; } filter = {
		.f.count = 2, .addr = { { 2, 0, 0, 0, 0, 9 },
					{ 0x33, 0x33, 0, 0, 0, 1 } },
	};
	int fd, size = 12, sndbuf = 54321, le = 1, off = 0, now = 0;
	char *was;

	quiet();
	fd = make_tun("tap7", IFF_TAP | IFF_VNET_HDR);
	REQUIRE(!ioctl(fd, TUNSETVNETHDRSZ, &size));
	REQUIRE(!ioctl(fd, TUNSETSNDBUF, &sndbuf));
	REQUIRE(!ioctl(fd, TUNSETVNETLE, &le));
	REQUIRE(!ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4));
	REQUIRE(!ioctl(fd, TUNSETOWNER, 1000));
	REQUIRE(!ioctl(fd, TUNSETGROUP, 0));
	REQUIRE(ioctl(fd, TUNSETTXFILTER, &filter) == 2);
	REQUIRE(!ioctl(fd, TUNSETCARRIER, &off));
	REQUIRE(!net_up("tap7", true));
	CKPT_WAIT_FOR(!net_running("tap7"));
	was = net_look();
	ckpt_ready();
	net_same(was);
	CHECK_EQ(flags_of(fd), IFF_TAP | IFF_VNET_HDR | IFF_NOFILTER);
	CHECK(!ioctl(fd, TUNGETVNETHDRSZ, &now));
	CHECK_EQ(now, 12);
	CHECK(!ioctl(fd, TUNGETSNDBUF, &now));
	CHECK_EQ(now, 54321);
	CHECK(!ioctl(fd, TUNGETVNETLE, &now));
	CHECK_EQ(now, 1);
	CHECK(!net_running("tap7"));
	off = 1;
	CHECK(!ioctl(fd, TUNSETCARRIER, &off));
}

/* What a filter lets through is an address that it was told. */
CKPT_TEST(tx_filter)
{
	struct { struct tun_filter f; unsigned char addr[1][6]; } filter = {
		.f.count = 1, .addr = { { 2, 0, 0, 0, 0, 9 } },
	};
	unsigned char frame[60] = { 2, 0, 0, 0, 0, 8, 2, 0, 0, 0, 0, 1, 8 };
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
	};
	unsigned char buf[128];
	int fd, out;

	quiet();
	fd = make_tun("tap7", IFF_TAP | IFF_NO_PI);
	REQUIRE(ioctl(fd, TUNSETTXFILTER, &filter) == 1);
	REQUIRE(!net_up("tap7", true));
	ckpt_ready();
	out = socket(AF_PACKET, SOCK_RAW, 0);
	sll.sll_ifindex = if_nametoindex("tap7");
	CHECK_EQ(sendto(out, frame, sizeof(frame), 0, (void *)&sll,
			sizeof(sll)), sizeof(frame));
	frame[5] = 9;
	CHECK_EQ(sendto(out, frame, sizeof(frame), 0, (void *)&sll,
			sizeof(sll)), sizeof(frame));
	CHECK_EQ(read(fd, buf, sizeof(buf)), sizeof(frame));
	CHECK_EQ(buf[5], 9);
	CHECK_EQ(read(fd, buf, sizeof(buf)), -1);
}

/* Headers of packets of which a checksum has yet to be made */
CKPT_TEST(vnet_header)
{
	struct virtio_net_hdr was = {}, is = {};
	unsigned char a[2048], b[2048];
	ssize_t len;
	int fd;

	quiet();
	fd = make_tun("tun7", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
	REQUIRE(!ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM));
	REQUIRE(!net_addr("tun7", "10.7.0.1", 24, 0));
	REQUIRE(!net_up("tun7", true));
	send_letter("10.7.0.9", 'A');
	send_letter("10.7.0.9", 'A');
	len = read(fd, a, sizeof(a));
	memcpy(&was, a, sizeof(was));
	REQUIRE(was.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
	ckpt_ready();
	CHECK_EQ(read(fd, b, sizeof(b)), len);
	memcpy(&is, b, sizeof(is));
	CHECK(!memcmp(&was, &is, sizeof(is)));
}

static int nr_queues(const char *name)
{
	char path[96];
	int nr = 0;

	for (;; nr++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/queues/tx-%d",
			 name, nr);
		if (access(path, F_OK))
			return nr;
	}
}

CKPT_TEST(queues)
{
	const int flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE;
	int fd[4], nr = 0, i;

	quiet();
	for (i = 0; i < 4; i++)
		fd[i] = make_tun("tun7", flags | (i == 2 ? IFF_NAPI : 0));
	/* the last one takes its place */
	REQUIRE(!set_queue(fd[1], IFF_DETACH_QUEUE));
	REQUIRE(!net_addr("tun7", "10.7.0.1", 24, 0));
	REQUIRE(!net_up("tun7", true));
	for (i = 0; i < 20; i++)
		send_letter("10.7.0.9", 'A' + i);
	ckpt_ready();
	CHECK(nr_queues("tun7") == 0 || nr_queues("tun7") == 256);
	for (i = 0; i < 4; i++)
		check_name(fd[i], "tun7");
	CHECK(flags_of(fd[1]) & IFF_DETACH_QUEUE);
	CHECK(!(flags_of(fd[0]) & IFF_DETACH_QUEUE));
	CHECK_EQ(get_letter(fd[1], 0), -EAGAIN);
	/* each is in the queue of its flow */
	for (i = 0; i < 4; i++)
		while (get_letter(fd[i], 0) > 0)
			nr++;
	CHECK_EQ(nr, 20);
	CHECK(!set_queue(fd[1], IFF_ATTACH_QUEUE));
	CHECK(!set_queue(fd[0], IFF_DETACH_QUEUE));
	for (i = 0; i < 3; i++)
		close(fd[i]);
	CHECK(if_nametoindex("tun7"));
	close(fd[3]);
	CHECK(!if_nametoindex("tun7"));
}

CKPT_TEST(persistent)
{
	char *was;
	int fd;

	quiet();
	fd = make_tun("tap7", IFF_TAP | IFF_NO_PI);
	REQUIRE(!ioctl(fd, TUNSETPERSIST, 1) && !close(fd));
	REQUIRE(!net_addr("tap7", "10.7.0.1", 24, 0));
	REQUIRE(!net_up("tap7", true));
	fd = make_tun("tun8", IFF_TUN);
	REQUIRE(!ioctl(fd, TUNSETPERSIST, 1));
	REQUIRE(!ioctl(fd, TUNSETLINK, LINK_IEEE802154));
	CKPT_WAIT_FOR(!net_running("tap7"));
	was = net_look();
	ckpt_ready();
	net_same(was);
	CHECK(flags_of(fd) & IFF_PERSIST);
	close(fd);
	CHECK(if_nametoindex("tun8"));
	fd = open("/dev/net/tun", O_RDWR);
	CHECK(!attach(fd, "tap7", IFF_TAP | IFF_NO_PI));
	CHECK(flags_of(fd) & IFF_PERSIST);
	CHECK(!ioctl(fd, TUNSETPERSIST, 0));
	close(fd);
	CHECK(!if_nametoindex("tap7"));
}

/* Opened, and no device so far, or no more */
CKPT_TEST(without_device)
{
	int fd[2], index = 77;

	quiet();
	fd[0] = open_tun();
	REQUIRE(!ioctl(fd[0], TUNSETIFINDEX, &index));
	fd[1] = make_tun("tun8", IFF_TUN);
	/* one in another namespace than that which the task is in */
	REQUIRE(!unshare(CLONE_NEWNET));
	ckpt_ready();
	CHECK_EQ(flags_of(fd[0]), -EBADFD);
	CHECK(!attach(fd[0], "tun7", IFF_TUN | IFF_NO_PI));
	CHECK(!if_nametoindex("tun7"));
	check_name(fd[1], "tun8");
	CHECK(!setns(ioctl(fd[1], TUNGETDEVNETNS), CLONE_NEWNET));
	CHECK_EQ(if_nametoindex("tun7"), 77);
}

/* The device has moved on, away from where its file was opened. */
CKPT_TEST(moved)
{
	int fd, ns, index;
	struct net_msg m;

	quiet();
	ns = open("/proc/self/ns/net", O_RDONLY);
	fd = make_tun("tun7", IFF_TUN | IFF_NO_PI);
	index = if_nametoindex("tun7");
	quiet();
	net_link(&m, RTM_NEWLINK, 0, index);
	net_put_u32(&m, IFLA_NET_NS_FD, open("/proc/self/ns/net", O_RDONLY));
	REQUIRE(!setns(ns, CLONE_NEWNET));
	REQUIRE(!net_talk(&m));
	ckpt_ready();
	CHECK(!if_nametoindex("tun7"));
	check_name(fd, "tun7");
	CHECK(!setns(ioctl(fd, TUNGETDEVNETNS), CLONE_NEWNET));
	CHECK(if_nametoindex("tun7"));
}

static volatile sig_atomic_t told;

static void tell(int sig)
{
	told++;
}

CKPT_TEST(signals)
{
	int fd;

	quiet();
	signal(SIGIO, tell);
	fd = make_tun("tun7", IFF_TUN | IFF_NO_PI);
	REQUIRE(!fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC));
	REQUIRE(!net_addr("tun7", "10.7.0.1", 24, 0));
	REQUIRE(!net_up("tun7", true));
	ckpt_ready();
	told = 0;
	send_letter("10.7.0.9", 'x');
	CKPT_WAIT_FOR(told);
	CHECK_EQ(get_letter(fd, 0), 'x');
}

/* --------------------------------------------------------------- refused */

REFUSED(has_filter, "tap7: TUNATTACHFILTER: not supported")
{
	struct sock_filter insn = BPF_STMT(BPF_RET | BPF_K, 0xffff);
	struct sock_fprog prog = { .len = 1, .filter = &insn };
	int fd;

	quiet();
	fd = make_tun("tap7", IFF_TAP);
	REQUIRE(!ioctl(fd, TUNATTACHFILTER, &prog));
	ckpt_ready();
}

REFUSED(has_program, "tap7: BPF program that chooses a queue: not supported")
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)insns, .insn_cnt = 2,
		.license = (uintptr_t)"GPL",
	};
	int fd, prog = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (prog < 0)
		ckpt_skip("bpf: %m");
	quiet();
	fd = make_tun("tap7", IFF_TAP);
	REQUIRE(!ioctl(fd, TUNSETSTEERINGEBPF, &prog) && !close(prog));
	ckpt_ready();
}

/* -------------------------------------------------------- broken images */

CKPT_VICTIM(small)
{
	const int flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE;
	int fd[2], i;

	quiet();
	for (i = 0; i < 2; i++)
		fd[i] = make_tun("tun7", flags);
	REQUIRE(!set_queue(fd[1], IFF_DETACH_QUEUE));
	REQUIRE(!net_addr("tun7", "10.7.0.1", 24, 0));
	REQUIRE(!net_up("tun7", true));
	send_letter("10.7.0.9", 'A');
	ckpt_ready();
	CHECK_EQ(get_letter(fd[0], 0), 'A');
}

/* Change the numbers of a record, one after the other. */
static unsigned int break_record(struct ckpt_victim *v, struct image *image,
				 void *rec, size_t from, size_t end)
{
	static const uint32_t bits[] = { 1, 0x41, 0x80000000 };
	unsigned int tried = 0;
	size_t at;

	for (at = from; at + 4 <= end; at += 4 * ckpt_step())
		image_try_flipped(v, image, rec + at,
				  bits[tried++ % ARRAY_SIZE(bits)]);
	return tried;
}

DRIVER_TEST(broken)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_net_data *h;
	unsigned int i, tried = 0;
	struct image image;

	ckpt_start(v, "small", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (i = 0; image_find(&image, CKPT_HDR_NET_DATA, i); i++) {
		h = image_at(&image, CKPT_HDR_NET_DATA, i);
		if (h->section == CKPT_NET_TUN)
			tried += break_record(v, &image, h, sizeof(*h),
					      sizeof(*h) + h->size);
	}
	for (i = 0; image_find(&image, CKPT_HDR_TUN, i); i++)
		tried += break_record(v, &image,
				      image_at(&image, CKPT_HDR_TUN, i), 8,
				      sizeof(struct ckpt_hdr_tun));
	tried += break_record(v, &image,
			      image_at(&image, CKPT_HDR_TUN_PACKET, 0), 8,
			      sizeof(struct ckpt_hdr_tun_packet));
	EXPECT_LT(30 / ckpt_step(), tried);
	image_restart_finish(v, &image);
}

/* A device whose queue somebody outside has: its namespace is shared, too. */
DRIVER_TEST(shared_queue)
{
	struct ckpt_victim *v = &self->v;
	struct ifreq ifr = { .ifr_name = "tun7", .ifr_flags = IFF_TUN };
	int fd;
	struct net_msg m;

	ckpt_start(v, "plain", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	fd = open("/dev/net/tun", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(fd, TUNSETIFF, &ifr));
	/* it moves, and its file stays */
	net_link(&m, RTM_NEWLINK, 0, if_nametoindex("tun7"));
	net_put_u32(&m, IFLA_NET_NS_PID, v->pid);
	ASSERT_EQ(0, net_talk(&m));
	EXPECT_EQ(-EBUSY, ckpt_checkpoint(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "tun7: a task outside of the tree has an open file"));
	close(fd);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

CKPT_VICTIM(plain)
{
	quiet();
	ckpt_ready();
}

TEST_HARNESS_MAIN
