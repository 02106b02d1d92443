// SPDX-License-Identifier: GPL-2.0
/*
 * Trees without their network namespace, also on a kernel that can save none:
 * there nothing else can be done with one that has a namespace of its own.
 */
#include "libckptnet.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT	4711

/* A socket on all addresses, of IPv6 as well with @family AF_INET6 */
static int make(int family, int type, int port)
{
	struct sockaddr_in6 a = {
		.sin6_family = AF_INET6, .sin6_port = htons(port),
	};
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(port),
	};
	int fd = socket(family, type, 0), err;

	REQUIRE(fd >= 0);
	if (family == AF_INET)
		err = bind(fd, (struct sockaddr *)&in, sizeof(in));
	else
		err = bind(fd, (struct sockaddr *)&a, sizeof(a));
	REQUIRE(!err);
	if (type == SOCK_STREAM)
		REQUIRE(!listen(fd, 5));
	return fd;
}

CKPT_VICTIM(listens)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int tcp, udp, end;
	char buf[16];

	REQUIRE(!unshare(CLONE_NEWNET));
	tcp = make(AF_INET6, SOCK_STREAM, PORT);
	udp = make(AF_INET, SOCK_DGRAM, PORT);
	ckpt_ready();
	end = accept(tcp, NULL, NULL);
	CHECK(end >= 0);
	CHECK_EQ(recv(end, buf, 5, MSG_WAITALL), 5);
	CHECK_EQ(send(end, buf, 5, 0), 5);
	CHECK_EQ(recvfrom(udp, buf, sizeof(buf), 0, (struct sockaddr *)&from,
			  &len), 5);
	CHECK_EQ(sendto(udp, buf, 5, 0, (struct sockaddr *)&from, len), 5);
}

static void ask(struct __test_metadata *_metadata, int type)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, type, 0);
	char buf[16] = "";

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&a, sizeof(a)));
	ASSERT_EQ(5, send(fd, "hello", 5, 0));
	EXPECT_EQ(5, recv(fd, buf, 5, MSG_WAITALL));
	EXPECT_STREQ("hello", buf);
	close(fd);
}

/* They are in the network of whoever restarts, and heard there. */
DRIVER_TEST(left_out)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, net_up("lo", true));
	ckpt_start(v, "listens", CKPT_CONTAINER);
	ret = ckpt_checkpoint(v, CHECKPOINT_NONETNS | CHECKPOINT_KILL);
	ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
	ckpt_reaped(v);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
	ckpt_go(v);
	ask(_metadata, SOCK_STREAM);
	ask(_metadata, SOCK_DGRAM);
	ckpt_verdict(v);
	ckpt_end(v);
}

CKPT_VICTIM(in_one)
{
	REQUIRE(!unshare(CLONE_NEWNET));
	ckpt_ready();
}

CKPT_VICTIM(has_descriptor)
{
	int old = open("/proc/self/ns/net", O_RDONLY), fd;

	REQUIRE(old >= 0 && !unshare(CLONE_NEWNET));
	fd = open("/proc/self/ns/net", O_RDONLY);
	REQUIRE(fd >= 0 && !setns(old, CLONE_NEWNET));
	ckpt_ready();
	CHECK(!close(fd));
}

CKPT_VICTIM(has_socket)
{
	int old = open("/proc/self/ns/net", O_RDONLY), fd;

	REQUIRE(old >= 0 && !unshare(CLONE_NEWNET));
	fd = make(AF_INET, SOCK_DGRAM, PORT);
	REQUIRE(!setns(old, CLONE_NEWNET));
	ckpt_ready();
	CHECK(!close(fd));
}

/* However it is held: saved, or refused by name, and then left out */
static void held(struct __test_metadata *_metadata, struct ckpt_victim *v,
		 const char *name)
{
	long ret;

	ckpt_start(v, name, CKPT_CONTAINER);
	ret = ckpt_checkpoint(v, 0);
	if (ret == -ENOSYS) {
		EXPECT_TRUE(ckpt_logged(v, "not supported in this build, leave it out with"))
			TH_LOG("%s", v->log);
	} else {
		EXPECT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
	}
	ret = ckpt_checkpoint(v, CHECKPOINT_NONETNS | CHECKPOINT_KILL);
	ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
	ckpt_reaped(v);
	ckpt_restart_finish(v);
}

DRIVER_TEST(by_task)
{
	held(_metadata, &self->v, "in_one");
}

DRIVER_TEST(by_descriptor)
{
	held(_metadata, &self->v, "has_descriptor");
}

DRIVER_TEST(by_socket)
{
	held(_metadata, &self->v, "has_socket");
}

TEST_HARNESS_MAIN
