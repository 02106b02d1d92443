// SPDX-License-Identifier: GPL-2.0
/*
 * Trees of several network namespaces: such as services have that get one of
 * their own each, and a route through three of them.
 */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Taken by a socket in each namespace, which hears nothing of the others */
#define PORT		7000

static void own_net(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
}

static ino_t id_of(int net)
{
	struct stat st;

	REQUIRE(!fstat(net, &st));
	return st.st_ino;
}

static struct sockaddr_in addr_of(const char *text, int port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(port),
	};

	REQUIRE(inet_pton(AF_INET, text, &a.sin_addr) == 1);
	return a;
}

static int make_udp(void)
{
	struct sockaddr_in a = addr_of("127.0.0.1", PORT);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	REQUIRE(fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

/* It gets what it sends to its own address, and nothing else. */
static void talks_to_itself(int fd)
{
	struct sockaddr_in a = addr_of("127.0.0.1", PORT);
	char c = 0;

	CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), 1);
	CHECK_EQ(recv(fd, &c, 1, 0), 1);
	CHECK_EQ(recv(fd, &c, 1, 0), -1);
	CHECK_EQ(errno, EAGAIN);
}

/* ------------------------------------------------------ private networks */

/**
 * struct services - what all of their processes share
 * @id: of the namespace of each process
 */
static struct services {
	ino_t id[4];
} *services;

static struct ckpt_gate up, go;

/* A process of a service; it has its network, or made one. */
static int serve(int nr, int fd)
{
	char *was = net_look();
	int net;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	net = net_this();
	services->id[nr] = id_of(net);
	close(net);
	net_same(was);
	if (fd >= 0)
		talks_to_itself(fd);
	return 0;
}

/* Two processes that have one network, whose socket the second has */
static int service_of_two(void *arg)
{
	int fd;
	pid_t pid;

	own_net();
	fd = make_udp();
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid)
		_exit(serve(1, fd));
	close(fd);
	serve(0, -1);
	ckpt_join(pid, 0);
	return 0;
}

static int service_of_one(void *arg)
{
	own_net();
	return serve(2, make_udp());
}

/* In the network that it was started in */
static int service_outside(void *arg)
{
	return serve(3, -1);
}

/* Namespaces with a loopback each, shared unevenly, or held by no process */
CKPT_TEST(private_networks)
{
	int (*start[])(void *arg) = {
		service_of_two, service_of_one, service_outside,
	};
	int held, fd, net, i;
	char *was[3];
	pid_t pid[3];

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	services = mmap(NULL, sizeof(*services), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(services != MAP_FAILED);
	/* one that a descriptor holds, one that a socket does, and its own */
	own_net();
	held = net_this();
	REQUIRE(!net_addr("lo", "10.9.0.1", 32, 0));
	was[0] = net_look();
	own_net();
	fd = make_udp();
	REQUIRE(!net_addr("lo", "10.9.0.2", 32, 0));
	was[1] = net_look();
	own_net();
	was[2] = net_look();
	for (i = 0; i < 3; i++)
		pid[i] = ckpt_fork(start[i], NULL);
	for (i = 0; i < 4; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 4);
	for (i = 0; i < 3; i++)
		ckpt_join(pid[i], 0);
	net = net_this();
	CHECK_EQ(services->id[0], services->id[1]);
	CHECK(services->id[0] != services->id[2]);
	CHECK_EQ(services->id[3], id_of(net));
	close(net);
	net_same(was[2]);
	talks_to_itself(fd);
	net = ioctl(fd, SIOCGSKNS);
	CHECK(net >= 0 && id_of(net) != id_of(held));
	net_enter(net);
	net_same(was[1]);
	net_enter(held);
	net_same(was[0]);
}

/* --------------------------------------------------------- three in a row */

static void route(const char *to, int len, const char *gateway)
{
	struct rtmsg rtm = {
		.rtm_family = AF_INET, .rtm_dst_len = len,
		.rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST,
		.rtm_protocol = RTPROT_STATIC,
	};
	struct net_msg m;
	char addr[4];

	net_begin(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &rtm,
		  sizeof(rtm));
	REQUIRE(inet_pton(AF_INET, to, addr) == 1);
	net_put(&m, RTA_DST, addr, sizeof(addr));
	REQUIRE(inet_pton(AF_INET, gateway, addr) == 1);
	net_put(&m, RTA_GATEWAY, addr, sizeof(addr));
	REQUIRE(!net_talk(&m));
}

/* The caller is in the second one afterwards. */
static void make_row(int net[3])
{
	static const char * const addr[] = {
		"10.1.0.1", "10.1.0.254", "10.2.0.254", "10.2.0.1",
	};
	int i;

	for (i = 0; i < 3; i++) {
		own_net();
		net[i] = net_this();
	}
	net_row(net, addr);
	net_enter(net[0]);
	route("10.2.0.0", 24, "10.1.0.254");
	net_enter(net[2]);
	route("10.1.0.0", 24, "10.2.0.254");
	net_enter(net[1]);
}

/**
 * struct stream - what is known of it on all sides
 * @stop: it is to end soon
 * @sent: bytes that were sent
 * @received: bytes that were received
 */
static struct stream {
	bool stop;
	uint64_t sent;
	uint64_t received;
} *stream;

static int row[3];

static unsigned char byte_at(uint64_t at)
{
	return (at * 2654435761u) >> 13;
}

static int send_stream(void *arg)
{
	struct sockaddr_in a = addr_of("10.2.0.1", PORT);
	uint64_t end = UINT64_MAX, at = 0;
	unsigned char buf[5000];
	int fd, i;
	ssize_t n;

	net_enter(row[0]);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(fd >= 0);
	CKPT_WAIT_FOR(!connect(fd, (struct sockaddr *)&a, sizeof(a)));
	while (at < end) {
		for (i = 0; i < (int)sizeof(buf); i++)
			buf[i] = byte_at(at + i);
		n = send(fd, buf, sizeof(buf), MSG_NOSIGNAL);
		REQUIRE(n > 0);
		at += n;
		__atomic_store_n(&stream->sent, at, __ATOMIC_RELEASE);
		/* and some more from then on */
		if (end == UINT64_MAX &&
		    __atomic_load_n(&stream->stop, __ATOMIC_ACQUIRE))
			end = at + 500000;
	}
	CHECK(!shutdown(fd, SHUT_WR));
	CHECK_EQ(recv(fd, buf, 1, 0), 0);
	return 0;
}

static int receive_stream(void *arg)
{
	struct sockaddr_in a = addr_of("10.2.0.1", PORT);
	unsigned char buf[5000];
	uint64_t at = 0;
	int fd, l, i;
	ssize_t n;

	net_enter(row[2]);
	l = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(l >= 0 && !bind(l, (struct sockaddr *)&a, sizeof(a)));
	REQUIRE(!listen(l, 1));
	fd = accept(l, NULL, NULL);
	REQUIRE(fd >= 0);
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		for (i = 0; i < n && buf[i] == byte_at(at + i); i++)
			;
		if (i < n)
			ckpt_fail(__FILE__, __LINE__, "byte %llu is wrong",
				  (unsigned long long)at + i);
		at += n;
		__atomic_store_n(&stream->received, at, __ATOMIC_RELEASE);
	}
	CHECK_EQ(n, 0);
	return 0;
}

static uint64_t received(void)
{
	return __atomic_load_n(&stream->received, __ATOMIC_ACQUIRE);
}

CKPT_VICTIM(row)
{
	uint64_t before;
	pid_t pid[2];
	int i;

	stream = mmap(NULL, sizeof(*stream), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(stream != MAP_FAILED);
	make_row(row);
	pid[0] = ckpt_fork(receive_stream, NULL);
	pid[1] = ckpt_fork(send_stream, NULL);
	/* the processes are all that holds the two at the ends */
	for (i = 0; i < 3; i++)
		close(row[i]);
	CKPT_WAIT_FOR(received() > 100000);
	ckpt_ready();
	before = received();
	CKPT_WAIT_FOR(received() > before + 100000);
	__atomic_store_n(&stream->stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < 2; i++)
		ckpt_join(pid[i], 0);
	CHECK_EQ(stream->received, stream->sent);
}

/* A stream through the middle one goes on, whenever it is interrupted. */
DRIVER_TEST(row)
{
	struct ckpt_victim *v = &self->v;
	int i;
	long ret;

	ckpt_start(v, "row", CKPT_CONTAINER);
	ASSERT_FALSE(v->failed);
	for (i = 0; i < ckpt_rounds(); i++) {
		ret = ckpt_checkpoint(v, i % 2 ? 0 : CHECKPOINT_SNAPSHOT);
		ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
		ckpt_ping(v);
		ckpt_checkpoint_kill(v);
		ret = ckpt_restart(v, 0);
		ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
		ckpt_ping(v);
	}
	ckpt_finish(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
