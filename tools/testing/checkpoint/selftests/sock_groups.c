// SPDX-License-Identifier: GPL-2.0
/*
 * Groups of sockets of which a program chooses one by its number: SO_REUSEPORT
 * of UDP and TCP, and fanout of packet sockets.
 */
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

#ifndef SO_ATTACH_REUSEPORT_CBPF
#define SO_ATTACH_REUSEPORT_CBPF	51
#endif
#ifndef SO_DETACH_REUSEPORT_BPF
#define SO_DETACH_REUSEPORT_BPF		68
#endif

#define PORT	1000

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t make_addr(union addr *a, const char *ip, int port)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	a->in.sin_port = htons(port);
	REQUIRE(inet_pton(a->sa.sa_family, ip,
			  a->sa.sa_family == AF_INET ?
				  (void *)&a->in.sin_addr :
				  (void *)&a->in6.sin6_addr) == 1);
	return a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

static void set(int fd, int option, int value)
{
	REQUIRE(!setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)));
}

/* One that shares its address, and has none so far */
static int sharing(int type, const char *ip)
{
	int fd = socket(strchr(ip, ':') ? AF_INET6 : AF_INET,
			type | SOCK_NONBLOCK, 0);

	REQUIRE(fd >= 0);
	set(fd, SO_REUSEPORT, 1);
	return fd;
}

static void bind_to(int fd, const char *ip, int port)
{
	union addr a;
	socklen_t len = make_addr(&a, ip, port);

	CHECK(!bind(fd, &a.sa, len));
}

static int attach(int fd, struct sock_filter *insns, int nr)
{
	struct sock_fprog prog = { .len = nr, .filter = insns };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
			  sizeof(prog));
}

static int detach(int fd)
{
	return setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &(int){ 0 },
			  sizeof(int)) ? -errno : 0;
}

/* The first byte of a datagram is the number of who gets it. */
static void choose_by_byte(int fd)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	REQUIRE(!attach(fd, insns, ARRAY_SIZE(insns)));
}

/* The port that a connection comes from, less 2000, is. */
static void choose_by_port(int fd)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, SKF_NET_OFF + 20),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 2000),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	REQUIRE(!attach(fd, insns, ARRAY_SIZE(insns)));
}

static void send_byte(char byte, const char *ip)
{
	union addr a;
	socklen_t len = make_addr(&a, ip, PORT);
	int fd = socket(a.sa.sa_family, SOCK_DGRAM, 0);

	REQUIRE(fd >= 0);
	CHECK_EQ(sendto(fd, &byte, 1, 0, &a.sa, len), 1);
	close(fd);
}

static void expect_byte(int fd, char byte)
{
	char c = -1;

	CHECK_EQ(recv(fd, &c, 1, 0), 1);
	CHECK_EQ(c, byte);
}

static void expect_none(int fd)
{
	char c;

	CHECK_EQ(recv(fd, &c, 1, 0), -1);
	CHECK_EQ(errno, EAGAIN);
}

/* ------------------------------------------------------------------- UDP */

/*
 * Sockets in an order that is none of their descriptors: the last one takes
 * the place of one that is closed.
 */
static void make_udp(int fd[3], const char *ip)
{
	int i, other[4];

	for (i = 0; i < 4; i++) {
		other[i] = sharing(SOCK_DGRAM, ip);
		bind_to(other[i], ip, PORT);
	}
	close(other[1]);
	fd[0] = other[0];
	fd[1] = other[3];
	fd[2] = other[2];
}

static void try_udp(const int fd[3], const char *ip)
{
	int i;

	for (i = 0; i < 3; i++)
		send_byte(2 - i, ip);
	for (i = 0; i < 3; i++)
		expect_byte(fd[i], i);
	for (i = 0; i < 3; i++)
		expect_none(fd[i]);
}

/* Who comes next is the next one. */
static void try_more(const int fd[3], const char *ip)
{
	int more = sharing(SOCK_DGRAM, ip);

	try_udp(fd, ip);
	bind_to(more, ip, PORT);
	send_byte(3, ip);
	expect_byte(more, 3);
	CHECK_EQ(detach(fd[1]), 0);
	CHECK_EQ(detach(fd[1]), -ENOENT);
}

CKPT_TEST(udp)
{
	int fd[3];

	net_own();
	make_udp(fd, "127.0.0.1");
	choose_by_byte(fd[2]);
	try_udp(fd, "127.0.0.1");
	ckpt_ready();
	try_more(fd, "127.0.0.1");
}

CKPT_TEST_ONLY(udp6, CKPT_CONTAINER)
{
	int fd[3];

	net_own();
	make_udp(fd, "::1");
	choose_by_byte(fd[0]);
	try_udp(fd, "::1");
	ckpt_ready();
	try_more(fd, "::1");
}

/* More than the kernel makes room for at first */
CKPT_TEST_ONLY(udp_many, CKPT_CONTAINER)
{
	int fd[200], i;

	net_own();
	for (i = 0; i < 200; i++) {
		fd[i] = sharing(SOCK_DGRAM, "127.0.0.1");
		bind_to(fd[i], "127.0.0.1", PORT);
	}
	choose_by_byte(fd[150]);
	close(fd[10]);
	fd[10] = fd[199];
	ckpt_ready();
	for (i = 0; i < 199; i++)
		send_byte(i, "127.0.0.1");
	for (i = 0; i < 199; i++) {
		expect_byte(fd[i], i);
		expect_none(fd[i]);
	}
}

/* The program is that of the group, and can be changed if it is not locked. */
CKPT_TEST_ONLY(locked, CKPT_CONTAINER)
{
	struct sock_filter first = BPF_STMT(BPF_RET | BPF_K, 0);
	int fd[3];

	net_own();
	make_udp(fd, "127.0.0.1");
	choose_by_byte(fd[0]);
	set(fd[0], SO_LOCK_FILTER, 1);
	set(fd[1], SO_LOCK_FILTER, 1);
	ckpt_ready();
	try_udp(fd, "127.0.0.1");
	CHECK_EQ(attach(fd[0], &first, 1), -1);
	CHECK_EQ(errno, EPERM);
	CHECK(!attach(fd[2], &first, 1));
	send_byte(2, "127.0.0.1");
	expect_byte(fd[0], 2);
}

/* Instructions of every length, and a scratch memory: as they were given */
CKPT_TEST_ONLY(long_program, CKPT_CONTAINER)
{
	struct sock_filter insns[BPF_MAXINSNS];
	int fd[3], i = 0;

	net_own();
	make_udp(fd, "127.0.0.1");
	insns[i++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0);
	insns[i++] = (struct sock_filter)BPF_STMT(BPF_ST, 3);
	while (i < 500)
		insns[i++] = (struct sock_filter)
			BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1);
	insns[i++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						  498, 0, 1);
	insns[i++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	insns[i++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_MEM, 3);
	insns[i++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	REQUIRE(!attach(fd[0], insns, i));
	try_udp(fd, "127.0.0.1");
	ckpt_ready();
	try_udp(fd, "127.0.0.1");
}

/* What got its address by connect(2) is in no group any more. */
CKPT_TEST(udp_connected)
{
	union addr a;
	socklen_t len = make_addr(&a, "127.0.0.1", 2000);
	int fd[3], peer, c, i;

	net_own();
	peer = sharing(SOCK_DGRAM, "127.0.0.1");
	bind_to(peer, "127.0.0.1", 2000);
	make_udp(fd, "127.0.0.1");
	choose_by_byte(fd[0]);
	c = sharing(SOCK_DGRAM, "127.0.0.1");
	bind_to(c, "0.0.0.0", PORT);
	REQUIRE(!connect(c, &a.sa, len));
	ckpt_ready();
	try_udp(fd, "127.0.0.1");
	/* it is none of those that are chosen where no number fits */
	for (i = 0; i < 20; i++)
		send_byte(3, "127.0.0.1");
	expect_none(c);
	len = make_addr(&a, "127.0.0.1", PORT);
	CHECK_EQ(sendto(peer, "\1", 1, 0, &a.sa, len), 1);
	expect_byte(c, 1);
}

/* A group of one that is connected by its address: it may not be chosen */
CKPT_TEST_ONLY(udp_member_connected, CKPT_CONTAINER)
{
	union addr a;
	socklen_t len = make_addr(&a, "127.0.0.1", 2000);
	int fd[3], peer;

	net_own();
	peer = sharing(SOCK_DGRAM, "127.0.0.1");
	bind_to(peer, "127.0.0.1", 2000);
	make_udp(fd, "127.0.0.1");
	choose_by_byte(fd[0]);
	REQUIRE(!connect(fd[2], &a.sa, len));
	ckpt_ready();
	send_byte(1, "127.0.0.1");
	expect_byte(fd[1], 1);
	len = make_addr(&a, "127.0.0.1", PORT);
	CHECK_EQ(sendto(peer, "\0", 1, 0, &a.sa, len), 1);
	expect_byte(fd[2], 0);
}

/* A program that is there before there is an address */
CKPT_TEST_ONLY(udp_unbound, CKPT_CONTAINER)
{
	int fd, more;

	net_own();
	fd = sharing(SOCK_DGRAM, "127.0.0.1");
	choose_by_byte(fd);
	ckpt_ready();
	bind_to(fd, "127.0.0.1", PORT);
	more = sharing(SOCK_DGRAM, "127.0.0.1");
	bind_to(more, "127.0.0.1", PORT);
	send_byte(1, "127.0.0.1");
	expect_byte(more, 1);
	send_byte(0, "127.0.0.1");
	expect_byte(fd, 0);
	CHECK_EQ(detach(fd), 0);
}

/* Sockets of several processes */
static int hold(void *arg)
{
	struct ckpt_gate *gate = arg;
	int fd = sharing(SOCK_DGRAM, "127.0.0.1");

	bind_to(fd, "127.0.0.1", PORT);
	ckpt_gate_open(&gate[0], 1);
	ckpt_gate_wait(&gate[1]);
	expect_byte(fd, 1);
	expect_none(fd);
	return 0;
}

CKPT_TEST(udp_processes)
{
	struct ckpt_gate gate[2];
	pid_t pid;
	int fd;

	net_own();
	ckpt_gate_init(&gate[0]);
	ckpt_gate_init(&gate[1]);
	fd = sharing(SOCK_DGRAM, "127.0.0.1");
	bind_to(fd, "127.0.0.1", PORT);
	pid = ckpt_fork(hold, gate);
	ckpt_gate_wait(&gate[0]);
	choose_by_byte(fd);
	ckpt_ready();
	send_byte(1, "127.0.0.1");
	send_byte(0, "127.0.0.1");
	expect_byte(fd, 0);
	expect_none(fd);
	ckpt_gate_open(&gate[1], 1);
	ckpt_join(pid, 0);
}

/* ------------------------------------------------------------------- TCP */

static void make_tcp(int fd[3])
{
	int i, other[4];

	for (i = 0; i < 4; i++) {
		other[i] = sharing(SOCK_STREAM, "127.0.0.1");
		bind_to(other[i], "127.0.0.1", PORT);
		REQUIRE(!listen(other[i], 5));
	}
	close(other[1]);
	fd[0] = other[0];
	fd[1] = other[3];
	fd[2] = other[2];
}

/* From the port that chooses the socket of this number; it is left open. */
static int connect_from(int number)
{
	union addr a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len;

	REQUIRE(fd >= 0);
	set(fd, SO_REUSEADDR, 1);
	bind_to(fd, "127.0.0.1", 2000 + number);
	len = make_addr(&a, "127.0.0.1", PORT);
	CHECK(!connect(fd, &a.sa, len));
	return fd;
}

/* Closed by who has connected, so that the port may be had again */
static void expect_from(int l, int number, int client)
{
	struct linger reset = { .l_onoff = 1 };
	union addr a = {};
	socklen_t len = sizeof(a);
	int fd = accept(l, &a.sa, &len);

	CHECK(fd >= 0);
	CHECK_EQ(ntohs(a.in.sin_port), 2000 + number);
	CHECK(!setsockopt(client, SOL_SOCKET, SO_LINGER, &reset,
			  sizeof(reset)));
	close(client);
	close(fd);
}

static void try_tcp(const int fd[3])
{
	int i, client[3];

	for (i = 0; i < 3; i++)
		client[i] = connect_from(i);
	for (i = 0; i < 3; i++)
		expect_from(fd[i], i, client[i]);
	for (i = 0; i < 3; i++)
		CHECK(accept(fd[i], NULL, NULL) == -1 && errno == EAGAIN);
}

CKPT_TEST(tcp)
{
	int fd[3], client;

	net_own();
	make_tcp(fd);
	choose_by_port(fd[1]);
	try_tcp(fd);
	/* one that waits stays where it is */
	client = connect_from(2);
	ckpt_ready();
	expect_from(fd[2], 2, client);
	try_tcp(fd);
}

/* It would not find its group by what it is bound to now. */
CKPT_TEST_ONLY(tcp_device, CKPT_CONTAINER)
{
	int fd[3];

	net_own();
	make_tcp(fd);
	choose_by_port(fd[0]);
	REQUIRE(!setsockopt(fd[1], SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	REQUIRE(!setsockopt(fd[2], SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	try_tcp(fd);
	ckpt_ready();
	try_tcp(fd);
}

/* It has a port, and a program, and does not listen yet. */
CKPT_TEST_ONLY(tcp_bound, CKPT_CONTAINER)
{
	int fd, more;

	net_own();
	fd = sharing(SOCK_STREAM, "127.0.0.1");
	bind_to(fd, "127.0.0.1", PORT);
	choose_by_port(fd);
	ckpt_ready();
	CHECK(!listen(fd, 5));
	more = sharing(SOCK_STREAM, "127.0.0.1");
	bind_to(more, "127.0.0.1", PORT);
	CHECK(!listen(more, 5));
	expect_from(more, 1, connect_from(1));
	expect_from(fd, 0, connect_from(0));
}

/* ---------------------------------------------------------------- packet */

/* The first byte of a UDP datagram is the number of who gets the packet. */
static void fanout_by_byte(int fd)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 28),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog prog = {
		.len = ARRAY_SIZE(insns), .filter = insns,
	};

	REQUIRE(!setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &prog,
			    sizeof(prog)));
}

static int packet(int type)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = if_nametoindex("lo"),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int group = 7 | type << 16;

	REQUIRE(fd >= 0);
	REQUIRE(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	REQUIRE(!setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &group,
			    sizeof(group)));
	return fd;
}

static void expect_packet(int fd, char byte)
{
	char buf[64];

	CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 29);
	CHECK_EQ(buf[28], byte);
}

static void make_packet(int fd[3], int type)
{
	int i, other[4];

	for (i = 0; i < 4; i++)
		other[i] = packet(type);
	close(other[1]);
	fd[0] = other[0];
	fd[1] = other[3];
	fd[2] = other[2];
}

static void try_packet(const int fd[3])
{
	int i, to = sharing(SOCK_DGRAM, "127.0.0.1");

	/* nobody complains of these */
	bind_to(to, "127.0.0.1", PORT);
	for (i = 0; i < 3; i++)
		send_byte(5 - i, "127.0.0.1");
	for (i = 0; i < 3; i++) {
		expect_packet(fd[i], 3 + i);
		expect_none(fd[i]);
	}
	close(to);
}

CKPT_TEST(fanout)
{
	int fd[3];

	net_own();
	make_packet(fd, PACKET_FANOUT_CBPF);
	fanout_by_byte(fd[1]);
	try_packet(fd);
	ckpt_ready();
	try_packet(fd);
	fanout_by_byte(fd[2]);
	try_packet(fd);
}

/* Without a program the first one gets all; and it may come later. */
CKPT_TEST_ONLY(fanout_none, CKPT_CONTAINER)
{
	int fd[3], to, i;

	net_own();
	make_packet(fd, PACKET_FANOUT_CBPF);
	ckpt_ready();
	to = sharing(SOCK_DGRAM, "127.0.0.1");
	bind_to(to, "127.0.0.1", PORT);
	for (i = 0; i < 3; i++)
		send_byte(i, "127.0.0.1");
	close(to);
	for (i = 0; i < 3; i++)
		expect_packet(fd[0], i);
	fanout_by_byte(fd[1]);
	try_packet(fd);
}

/* ---------------------------------------------------------- what is refused */

CKPT_VICTIM(shared_udp)
{
	int fd = sharing(SOCK_DGRAM, "127.0.0.1");

	bind_to(fd, "127.0.0.1", PORT);
	choose_by_byte(fd);
	ckpt_ready();
}

CKPT_VICTIM(shared_fanout)
{
	fanout_by_byte(packet(PACKET_FANOUT_CBPF));
	ckpt_ready();
}

/* A part of the sockets that a program chooses from is somebody else's. */
DRIVER_TEST(shared)
{
	int fd;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	fd = sharing(SOCK_DGRAM, "127.0.0.1");
	bind_to(fd, "127.0.0.1", PORT);
	packet(PACKET_FANOUT_CBPF);
	ASSERT_EQ(NULL, ckpt_refused(&self->v, "shared_udp", 0,
				     "REUSEPORT_CBPF that chooses sockets outside"));
	ASSERT_EQ(NULL, ckpt_refused(&self->v, "shared_fanout", 0,
				     "FANOUT_CBPF that chooses sockets outside"));
}

/* At restart somebody else has come to be chosen. */
static void in_the_way(struct __test_metadata *_metadata,
		       struct ckpt_victim *v, const char *name, const char *what,
		       int (*come)(void))
{
	struct ckpt_world before;
	int fd;

	ckpt_start(v, name, 0);
	ckpt_checkpoint_kill(v);
	fd = come();
	ckpt_world_take(&before);
	ASSERT_EQ(-EADDRINUSE, ckpt_restart(v, 0)) TH_LOG("%s", v->log);
	EXPECT_TRUE(ckpt_logged(v, what)) TH_LOG("%s", v->log);
	ckpt_world_expect(&before, 16384);
	close(fd);
	ckpt_restart_finish(v);
}

static int come_udp(void)
{
	int fd = sharing(SOCK_DGRAM, "127.0.0.1");

	bind_to(fd, "127.0.0.1", PORT);
	return fd;
}

static int come_fanout(void)
{
	return packet(PACKET_FANOUT_CBPF);
}

DRIVER_TEST(in_the_way)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	in_the_way(_metadata, &self->v, "shared_udp", "SO_ATTACH_REUSEPORT_CBPF",
		   come_udp);
	in_the_way(_metadata, &self->v, "shared_fanout", "PACKET_FANOUT_CBPF",
		   come_fanout);
}

/* --------------------------------------------------------- broken images */

CKPT_VICTIM(groups)
{
	int udp[3], pk[3];

	net_own();
	make_udp(udp, "127.0.0.1");
	choose_by_byte(udp[0]);
	make_packet(pk, PACKET_FANOUT_CBPF);
	fanout_by_byte(pk[0]);
	ckpt_ready();
	try_udp(udp, "127.0.0.1");
}

/* Which of the two groups a record is of */
static const char *const program[] = {
	"SO_ATTACH_REUSEPORT_CBPF: the program cannot be made",
	"PACKET_FANOUT_CBPF: the program cannot be made",
};

static int group_of(struct image *image, unsigned int nth)
{
	struct ckpt_hdr_sock_group *h;
	struct ckpt_hdr_sock *s;
	unsigned int i;

	h = image_at(image, CKPT_HDR_SOCK_GROUP, nth);
	for (i = 0; i < image->nr; i++) {
		struct ckpt_hdr_object *o;

		if (image->rec[i].type != CKPT_HDR_OBJECT)
			continue;
		o = (void *)(image->data + image->rec[i].off);
		if (o->objref != h->socks[0])
			continue;
		s = (void *)(image->data + image->rec[i + 1].off);
		return s->family == AF_PACKET;
	}
	return -1;
}

/* A program that no setsockopt(2) would take, or that does what it may not */
DRIVER_TEST(bad_program)
{
	static const struct ckpt_sock_insn bad[] = {
		{ .code = 0xffff },
		{ .code = BPF_LD | BPF_MEM, .k = BPF_MEMWORDS },
		{ .code = BPF_JMP | BPF_JA, .k = 100 },
		{ .code = BPF_ALU | BPF_DIV | BPF_K },
	};
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_sock_filter *f;
	struct ckpt_world before;
	struct ckpt_sock_insn good;
	struct image image;
	unsigned int i, nth;

	ckpt_start(v, "groups", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	ASSERT_NE(NULL, image_find(&image, CKPT_HDR_SOCK_FILTER, 1));
	ckpt_world_take(&before);
	for (nth = 0; nth < 2; nth++) {
		f = image_at(&image, CKPT_HDR_SOCK_FILTER, nth);
		good = f->insns[0];
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			f->insns[0] = bad[i];
			ASSERT_EQ(-EINVAL, image_restart(v, &image));
			EXPECT_TRUE(ckpt_logged(v, program[group_of(&image, nth)]))
				TH_LOG("%s", v->log);
		}
		f->insns[0] = good;
	}
	ckpt_world_expect(&before, 16384);
	image_restart_finish(v, &image);
}

DRIVER_TEST(bad_group)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_sock_group *h;
	struct ckpt_hdr *rec;
	struct image image;
	uint32_t zero = 0, two = 2, four = 4, other;
	unsigned int nth;
	size_t at;

	ckpt_start(v, "groups", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (nth = 0; nth < 2; nth++) {
		h = image_at(&image, CKPT_HDR_SOCK_GROUP, nth);
		other = ((struct ckpt_hdr_sock_group *)
			 image_at(&image, CKPT_HDR_SOCK_GROUP, !nth))->socks[0];
		ASSERT_EQ(3, h->nr);
		image_refused(v, &image, &h->nr, &zero, 4);
		image_refused(v, &image, &h->flags, &two, 4);
		image_refused(v, &image, &h->flags, &four, 4);
		image_refused(v, &image, &h->reserved, &two, 4);
		image_refused(v, &image, &h->socks[0], &h->socks[1], 4);
		image_refused(v, &image, &h->socks[1], &h->socks[2], 4);
		image_refused(v, &image, &h->socks[2], &other, 4);
		image_refused(v, &image, &h->socks[2], &zero, 4);
		/* of any other change, only that it does no harm */
		rec = (void *)h;
		for (at = sizeof(*rec); at < rec->len; at += 4 * ckpt_step())
			image_try_flipped(v, &image, (char *)rec + at, 0x5);
		rec = image_at(&image, CKPT_HDR_SOCK_FILTER, nth);
		for (at = sizeof(*rec); at < rec->len; at += 4 * ckpt_step())
			image_try_flipped(v, &image, (char *)rec + at, 0x10041);
	}
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
