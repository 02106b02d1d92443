// SPDX-License-Identifier: GPL-2.0
/* Netlink sockets: ports, groups, options, what was not received. */
#include "libckptnet.h"

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

static void own_net(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
}

static int make(int protocol, uint32_t port, uint32_t groups)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol);

	REQUIRE(fd >= 0);
	REQUIRE(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}

static void set(int fd, int option, int value)
{
	REQUIRE(!setsockopt(fd, SOL_NETLINK, option, &value, sizeof(value)));
}

static int get(int fd, int option)
{
	socklen_t len = sizeof(int);
	int value = -1;

	CHECK(!getsockopt(fd, SOL_NETLINK, option, &value, &len));
	return value;
}

static struct sockaddr_nl name_of(int fd, bool peer)
{
	struct sockaddr_nl addr = {};
	socklen_t len = sizeof(addr);

	CHECK(!(peer ? getpeername : getsockname)(fd, (struct sockaddr *)&addr,
						  &len));
	return addr;
}

static const int options[] = {
	NETLINK_PKTINFO, NETLINK_BROADCAST_ERROR, NETLINK_NO_ENOBUFS,
	NETLINK_LISTEN_ALL_NSID, NETLINK_CAP_ACK, NETLINK_EXT_ACK,
	NETLINK_GET_STRICT_CHK,
};

CKPT_TEST(one_option_each)
{
	int fd[ARRAY_SIZE(options)];
	size_t i, j;

	own_net();
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		fd[i] = make(NETLINK_ROUTE, 0, 0);
		set(fd[i], options[i], 1);
	}
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(options); i++)
		for (j = 0; j < ARRAY_SIZE(options); j++)
			CHECK_EQ(get(fd[i], options[j]), i == j);
}

CKPT_TEST(ports)
{
	struct sockaddr_nl to = {
		.nl_family = AF_NETLINK, .nl_pid = 4712, .nl_groups = 4,
	};
	uint32_t own;
	int fd[4];

	own_net();
	fd[0] = make(NETLINK_ROUTE, 0, 0);
	fd[1] = make(NETLINK_GENERIC, 4711, 0);
	fd[2] = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG);
	REQUIRE(fd[2] >= 0);
	fd[3] = make(NETLINK_USERSOCK, 0x80000001, 0);
	REQUIRE(!connect(fd[3], (struct sockaddr *)&to, sizeof(to)));
	own = name_of(fd[0], false).nl_pid;
	ckpt_ready();
	CHECK_EQ(name_of(fd[0], false).nl_pid, own);
	CHECK_EQ(name_of(fd[1], false).nl_pid, 4711);
	CHECK_EQ(name_of(fd[2], false).nl_pid, 0);
	CHECK_EQ(name_of(fd[3], false).nl_pid, 0x80000001);
	CHECK_EQ(name_of(fd[3], true).nl_pid, 4712);
	CHECK_EQ(name_of(fd[3], true).nl_groups, 4);
	CHECK_EQ(name_of(fd[1], true).nl_pid, 0);
}

/* How many messages there are */
static int receive_all(int fd)
{
	char buf[32768];
	int nr = 0;

	while (recv(fd, buf, sizeof(buf), 0) > 0)
		nr++;
	CHECK_EQ(errno, EAGAIN);
	return nr;
}

CKPT_TEST(groups)
{
	int many, none, other;
	uint32_t list[8] = {};
	socklen_t len = sizeof(list);

	own_net();
	many = make(NETLINK_ROUTE, 0, RTMGRP_LINK);
	set(many, NETLINK_ADD_MEMBERSHIP, RTNLGRP_STATS);
	none = make(NETLINK_ROUTE, 0, RTMGRP_LINK);
	set(none, NETLINK_DROP_MEMBERSHIP, RTNLGRP_LINK);
	other = make(NETLINK_ROUTE, 0, RTMGRP_IPV4_IFADDR);
	receive_all(many);
	ckpt_ready();
	CHECK(!getsockopt(many, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, list,
			  &len));
	CHECK_EQ(list[0], RTMGRP_LINK);
	CHECK_EQ(list[1], 1 << (RTNLGRP_STATS - 33));
	CHECK(!net_make("dm0", "dummy", 0));
	CHECK(receive_all(many) > 0);
	CHECK_EQ(receive_all(none), 0);
	CHECK_EQ(receive_all(other), 0);
}

/* Two that get the same: one is asked now, the other one in another life. */
CKPT_TEST(unread)
{
	int fd[2], i, one = 1;
	struct net_got *was, *is;

	own_net();
	for (i = 0; i < 2; i++) {
		fd[i] = make(NETLINK_ROUTE, 0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
			     RTMGRP_IPV4_ROUTE);
		set(fd[i], NETLINK_PKTINFO, 1);
		set(fd[i], NETLINK_LISTEN_ALL_NSID, 1);
		REQUIRE(!setsockopt(fd[i], SOL_SOCKET, SO_PASSCRED, &one,
				    sizeof(one)));
	}
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_up("dm0", true));
	REQUIRE(!net_addr("dm0", "10.0.0.1", 24, 0));
	was = net_receive(fd[0]);
	REQUIRE(was->len > 1000);
	ckpt_ready();
	is = net_receive(fd[1]);
	CHECK_EQ(is->len, was->len);
	CHECK(!memcmp(is->data, was->data, was->len));
	CHECK(!net_up("dm0", false));
	CHECK(receive_all(fd[0]) > 0);
	CHECK(receive_all(fd[1]) > 0);
	free(was);
	free(is);
}

#define BIG	100000

/* From one program to another, longer than what is in one piece of memory */
CKPT_TEST(between_programs)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = 22 }, from;
	int one = 1, size = 4 * BIG, a, b;
	char *buf = malloc(BIG), control[256];
	struct iovec iov = { buf, BIG };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct ucred *cred;

	REQUIRE(buf);
	own_net();
	a = make(NETLINK_USERSOCK, 11, 0);
	b = make(NETLINK_USERSOCK, 22, 0);
	REQUIRE(!setsockopt(b, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	REQUIRE(!setsockopt(a, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)));
	REQUIRE(!setsockopt(b, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)));
	ckpt_fill(buf, BIG, 1);
	REQUIRE(sendto(a, buf, BIG, 0, (struct sockaddr *)&to, sizeof(to)) ==
		BIG);
	REQUIRE(sendto(a, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1);
	memset(buf, 0, BIG);
	ckpt_ready();
	CHECK_EQ(recvmsg(b, &msg, 0), BIG);
	CHECK(ckpt_filled(buf, BIG, 1));
	CHECK_EQ(from.nl_pid, 11);
	CHECK(CMSG_FIRSTHDR(&msg) &&
	      CMSG_FIRSTHDR(&msg)->cmsg_type == SCM_CREDENTIALS);
	if (CMSG_FIRSTHDR(&msg)) {
		cred = (struct ucred *)CMSG_DATA(CMSG_FIRSTHDR(&msg));
		CHECK_EQ(cred->uid, getuid());
		CHECK_EQ(cred->gid, getgid());
	}
	CHECK_EQ(recv(b, buf, BIG, 0), 1);
	CHECK_EQ(recv(b, buf, BIG, 0), -1);
	free(buf);
}

/* More was said than there was room for. */
CKPT_TEST(overrun)
{
	int fd, size = 1, i, nr;
	char buf[8192];

	own_net();
	REQUIRE(!net_make("dm0", "dummy", 0));
	fd = make(NETLINK_ROUTE, 0, RTMGRP_LINK);
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	for (i = 0; i < 20; i++)
		REQUIRE(!net_up("dm0", i % 2));
	ckpt_ready();
	CHECK_EQ(recv(fd, buf, sizeof(buf), 0), -1);
	CHECK_EQ(errno, ENOBUFS);
	nr = receive_all(fd);
	CHECK(nr > 0 && nr < 20);
	CHECK(!net_up("dm0", false));
	CHECK(receive_all(fd) > 0);
}

/* A request that is made and answered by sockets of an earlier life */
CKPT_TEST(request)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg ifm;
	} get = {
		.nlh = { sizeof(get), RTM_GETLINK, NLM_F_REQUEST, 1, 0 },
		.ifm = { .ifi_index = 1 },
	};
	struct nlmsghdr *nlh;
	char buf[8192];
	int fd, early;

	own_net();
	fd = make(NETLINK_ROUTE, 0, 0);
	early = make(NETLINK_ROUTE, 0, 0);
	REQUIRE(send(early, &get, sizeof(get), 0) == sizeof(get));
	ckpt_ready();
	nlh = (struct nlmsghdr *)buf;
	CHECK(recv(early, buf, sizeof(buf), 0) > (ssize_t)sizeof(*nlh));
	CHECK_EQ(nlh->nlmsg_type, RTM_NEWLINK);
	CHECK_EQ(nlh->nlmsg_pid, name_of(early, false).nl_pid);
	CHECK_EQ(send(fd, &get, sizeof(get), 0), (long)sizeof(get));
	CHECK(recv(fd, buf, sizeof(buf), 0) > (ssize_t)sizeof(*nlh));
	CHECK_EQ(nlh->nlmsg_type, RTM_NEWLINK);
	/* with the rights of who opened it */
	CHECK(!net_make("dm0", "dummy", 0));
}

CKPT_VICTIM(has_port)
{
	make(NETLINK_USERSOCK, 77777, 0);
	ckpt_ready();
}

DRIVER_TEST(port_in_use)
{
	struct ckpt_victim *v = &self->v;
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = 77777 };
	int fd;

	ckpt_start(v, "has_port", 0);
	ckpt_checkpoint_kill(v);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	EXPECT_EQ(-EADDRINUSE, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "its port id 77777 is in use"));
	close(fd);
	ckpt_restart_finish(v);
}

static void hold_messages(void)
{
	int fd = make(NETLINK_ROUTE, 17, RTMGRP_LINK);

	REQUIRE(!net_make("dm0", "dummy", 0));
	ckpt_ready();
	close(fd);
}

CKPT_VICTIM(has_messages)
{
	own_net();
	hold_messages();
}

CKPT_VICTIM(has_messages_of_others)
{
	hold_messages();
}

static void broken(struct __test_metadata *_metadata, struct ckpt_victim *v,
		   const struct image *image, uint32_t type, size_t at,
		   uint32_t value, int err)
{
	uint32_t *field, was;
	struct image copy;
	long ret;

	image_copy(&copy, image);
	field = image_at(&copy, type, 0) + at;
	was = *field;
	*field = value;
	ret = image_restart(v, &copy);
	EXPECT_EQ(err, ret)
		TH_LOG("%s: %u in place of %u at %zu", image_rec_name(type),
		       value, was, at);
	if (ret > 0)
		ckpt_kill(v);
	image_free(&copy);
}

#define BROKEN(type, field, value, err)					\
	broken(_metadata, v, &image, CKPT_HDR_##type,			\
	       offsetof(FIELDS, field), value, err)

DRIVER_TEST(broken_image)
{
	struct ckpt_victim *v = &self->v;
	struct image image;

	ckpt_start(v, "has_messages", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
#define FIELDS struct ckpt_hdr_netlink
	BROKEN(NETLINK, flags, 0x80000000, -EINVAL);
	BROKEN(NETLINK, flags, 0, -EINVAL);
	BROKEN(NETLINK, portid, 0, -EINVAL);
	BROKEN(NETLINK, dst_group, 1, -EINVAL);
#undef FIELDS
#define FIELDS struct ckpt_hdr_netlink_late
	BROKEN(NETLINK_LATE, err, 5000, -EINVAL);
	BROKEN(NETLINK_LATE, nr_groups, 99, -EINVAL);
	BROKEN(NETLINK_LATE, reserved, 1, -EINVAL);
	BROKEN(NETLINK_LATE, groups, 100000, -EINVAL);
	BROKEN(NETLINK_LATE, nr, 1 << 20, -EINVAL);
#undef FIELDS
#define FIELDS struct ckpt_hdr_netlink_msg
	BROKEN(NETLINK_MSG, flags, 0x10, -EINVAL);
	BROKEN(NETLINK_MSG, portid, 4, -EINVAL);
	BROKEN(NETLINK_MSG, len, 0, -EINVAL);
	BROKEN(NETLINK_MSG, len, 0x7fffffff, -EINVAL);
#undef FIELDS
#define FIELDS struct ckpt_hdr_sock
	BROKEN(SOCK, flags, CKPT_SOCK_NO_FILE, -EINVAL);
	BROKEN(SOCK, state, 3, -EINVAL);
	BROKEN(SOCK, protocol, NETLINK_AUDIT, -EPROTONOSUPPORT);
#undef FIELDS
	image_free(&image);
	ckpt_end(v);
}

/* To speak as the kernel takes the right to, whatever the credentials are. */
DRIVER_TEST(as_the_kernel)
{
	struct ckpt_victim *v = &self->v;
	struct image image;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ckpt_start(v, "has_messages_of_others", 0);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	ckpt_caps_drop(1ULL << CAP_NET_ADMIN);
#define FIELDS struct ckpt_hdr_netlink_msg
	BROKEN(NETLINK_MSG, flags, CKPT_NETLINK_KERNEL, -EPERM);
	BROKEN(NETLINK_MSG, flags, 0, -EPERM);
#undef FIELDS
	ckpt_caps_back();
	image_free(&image);
	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
