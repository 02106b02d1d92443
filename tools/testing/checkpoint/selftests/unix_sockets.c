// SPDX-License-Identifier: GPL-2.0
/*
 * Unix sockets: names, connections, options, who is at the other end.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/sockios.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD	77
#endif

#define DATA_OFFSET	offsetof(struct sockaddr_un, sun_path)

static struct ckpt_gate up;

static socklen_t address(struct sockaddr_un *addr, const char *name)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	memcpy(addr->sun_path, name[0] == '@' ? name + 1 : name, strlen(name));
	if (name[0] != '@')
		return sizeof(*addr);
	memmove(addr->sun_path + 1, addr->sun_path, strlen(name) - 1);
	addr->sun_path[0] = 0;
	return DATA_OFFSET + strlen(name);
}

static int bound(int type, const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = address(&addr, name);
	int fd = socket(AF_UNIX, type, 0);

	REQUIRE(fd >= 0);
	REQUIRE(!bind(fd, (void *)&addr, len));
	return fd;
}

static int connect_to(int fd, const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = address(&addr, name);

	return connect(fd, (void *)&addr, len) ? -errno : 0;
}

static int connected(int type, const char *name)
{
	int fd = socket(AF_UNIX, type, 0);

	REQUIRE(fd >= 0);
	CHECK_EQ(connect_to(fd, name), 0);
	return fd;
}

/* As getsockname(2) has it, and getpeername(2) if @peer */
static void check_name(int fd, bool peer, const char *name)
{
	struct sockaddr_un addr = {}, want;
	socklen_t len = sizeof(addr), wanted = DATA_OFFSET;

	if (peer)
		CHECK(!getpeername(fd, (void *)&addr, &len));
	else
		CHECK(!getsockname(fd, (void *)&addr, &len));
	memset(&want, 0, sizeof(want));
	want.sun_family = AF_UNIX;
	if (name) {
		address(&want, name);
		wanted += strlen(name) + (name[0] != '@');
	}
	CHECK_EQ(len, wanted);
	CHECK(!memcmp(&addr, &want, len));
}

static void say(int fd, const char *text)
{
	CHECK_EQ(send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT),
		 strlen(text));
}

static void hear(int fd, const char *text)
{
	char buf[256] = "";

	CHECK_EQ(recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT), strlen(text));
	CHECK(!strcmp(buf, text));
}

static void talk(int a, int b)
{
	say(a, "to b");
	say(b, "to a");
	hear(b, "to b");
	hear(a, "to a");
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK(!getsockopt(fd, SOL_SOCKET, name, &value, &len));
	return value;
}

static void set_option(int fd, int name, int value)
{
	REQUIRE(!setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)));
}

static struct ucred peer_of(int fd)
{
	struct ucred cred = {};
	socklen_t len = sizeof(cred);

	CHECK(!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	return cred;
}

/* ------------------------------------------------------------ connections */

static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

CKPT_TEST(pairs)
{
	int fd[ARRAY_SIZE(types)][2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		REQUIRE(!socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC |
				    (i ? 0 : SOCK_NONBLOCK), 0, fd[i]));
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		CHECK_EQ(option(fd[i][0], SO_TYPE), types[i]);
		CHECK_EQ(option(fd[i][0], SO_DOMAIN), AF_UNIX);
		CHECK_EQ(fcntl(fd[i][1], F_GETFD), FD_CLOEXEC);
		CHECK_EQ(fcntl(fd[i][1], F_GETFL),
			 O_RDWR | (i ? 0 : O_NONBLOCK));
		check_name(fd[i][0], false, NULL);
		check_name(fd[i][0], true, NULL);
		talk(fd[i][0], fd[i][1]);
	}
}

CKPT_TEST(unconnected)
{
	int fd[ARRAY_SIZE(types)], one[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		fd[i] = socket(AF_UNIX, types[i], 0);
		REQUIRE(fd[i] >= 0);
	}
	ckpt_ready();
	REQUIRE(!socketpair(AF_UNIX, SOCK_DGRAM, 0, one));
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		CHECK_EQ(send(fd[i], "x", 1, MSG_NOSIGNAL), -1);
		CHECK_EQ(errno, ENOTCONN);
		CHECK_EQ(connect_to(fd[i], "nobody"), -ENOENT);
	}
}

/* Both ends in different processes */
static int other_end(void *arg)
{
	int fd = *(int *)arg;
	char c;

	ckpt_gate_open(&up, 1);
	if (read(fd, &c, 1) != 1 || c != 'x')
		return 1;
	return write(fd, "y", 1) == 1 && read(fd, &c, 1) == 0 ? 7 : 2;
}

CKPT_TEST(two_processes)
{
	int fd[2];
	pid_t pid;
	char c;

	ckpt_gate_init(&up);
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid) {
		close(fd[0]);
		_exit(other_end(&fd[1]));
	}
	close(fd[1]);
	ckpt_gate_wait(&up);
	ckpt_wait_blocked(pid, pid, -1);
	ckpt_ready();
	CHECK_EQ(write(fd[0], "x", 1), 1);
	CHECK_EQ(read(fd[0], &c, 1), 1);
	CHECK_EQ(c, 'y');
	close(fd[0]);
	ckpt_join(pid, 7);
}

/* A server that goes on to accept, at a name of each kind */
static void server(int type, const char *name)
{
	int fd = bound(type, name), client, end, late;

	REQUIRE(!listen(fd, 3));
	client = connected(type, name);
	end = accept(fd, NULL, NULL);
	REQUIRE(end >= 0);
	ckpt_ready();
	CHECK_EQ(option(fd, SO_ACCEPTCONN), 1);
	check_name(fd, false, name);
	check_name(end, false, name);
	check_name(end, true, NULL);
	check_name(client, true, name);
	talk(client, end);
	late = connected(type, name);
	end = accept(fd, NULL, NULL);
	CHECK(end >= 0);
	talk(end, late);
	close(fd);
	CHECK_EQ(connect_to(socket(AF_UNIX, type, 0), name), -ECONNREFUSED);
	unlink(name);
}

CKPT_TEST(stream_server)
{
	server(SOCK_STREAM, "socket");
}

CKPT_TEST(seqpacket_server)
{
	server(SOCK_SEQPACKET, "socket");
}

CKPT_TEST(abstract_server)
{
	server(SOCK_STREAM, "@ckpt a name with \t in it");
}

CKPT_TEST(datagrams)
{
	int fd = bound(SOCK_DGRAM, "server"), client = bound(SOCK_DGRAM, "client");
	int connected_one, mute = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un addr;
	char buf[16];
	socklen_t len;

	connected_one = connected(SOCK_DGRAM, "server");
	ckpt_ready();
	check_name(fd, false, "server");
	len = address(&addr, "server");
	CHECK_EQ(sendto(client, "1", 1, 0, (void *)&addr, len), 1);
	CHECK_EQ(sendto(mute, "2", 1, 0, (void *)&addr, len), 1);
	say(connected_one, "3");
	memset(&addr, 0, sizeof(addr));
	len = sizeof(addr);
	CHECK_EQ(recvfrom(fd, buf, 16, 0, (void *)&addr, &len), 1);
	CHECK(!strcmp(addr.sun_path, "client"));
	hear(fd, "2");
	hear(fd, "3");
	unlink("server");
	unlink("client");
}

/* One is connected to itself. */
CKPT_TEST(to_itself)
{
	int fd = bound(SOCK_DGRAM, "@ckpt itself");

	CHECK_EQ(connect_to(fd, "@ckpt itself"), 0);
	ckpt_ready();
	say(fd, "me");
	hear(fd, "me");
}

/* Three in a row: a is connected to b, which is connected to c. */
CKPT_TEST(chain)
{
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = bound(SOCK_DGRAM, "@ckpt b");
	int c = bound(SOCK_DGRAM, "@ckpt c");

	CHECK_EQ(connect_to(a, "@ckpt b"), 0);
	CHECK_EQ(connect_to(b, "@ckpt c"), 0);
	ckpt_ready();
	say(b, "to c");
	hear(c, "to c");
	CHECK_EQ(send(a, "x", 1, MSG_DONTWAIT), -1);
	CHECK_EQ(errno, EPERM);
}

/* ------------------------------------------------------------------ names */

CKPT_TEST(autobind)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX }, again;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), client;
	socklen_t len = sizeof(addr), len2 = sizeof(again);

	REQUIRE(!bind(fd, (void *)&addr, sizeof(sa_family_t)));
	REQUIRE(!getsockname(fd, (void *)&addr, &len));
	ckpt_ready();
	CHECK(!getsockname(fd, (void *)&again, &len2));
	CHECK_EQ(len, len2);
	CHECK(!memcmp(&addr, &again, len));
	client = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK(!connect(client, (void *)&addr, len));
	say(client, "x");
	hear(fd, "x");
}

CKPT_TEST(longest_names)
{
	struct sockaddr_un path, abstract, seen = {};
	int fd[2], client;
	socklen_t len;

	memset(&path, 'p', sizeof(path));
	memset(&abstract, 'a', sizeof(abstract));
	path.sun_family = AF_UNIX;
	abstract.sun_family = AF_UNIX;
	abstract.sun_path[0] = 0;
	fd[0] = socket(AF_UNIX, SOCK_DGRAM, 0);
	fd[1] = socket(AF_UNIX, SOCK_DGRAM, 0);
	REQUIRE(!bind(fd[0], (void *)&path, sizeof(path)));
	REQUIRE(!bind(fd[1], (void *)&abstract, sizeof(abstract)));
	ckpt_ready();
	len = sizeof(seen);
	CHECK(!getsockname(fd[0], (void *)&seen, &len));
	CHECK_EQ(len, sizeof(path) + 1);
	CHECK(!memcmp(&seen, &path, sizeof(path)));
	client = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK(!connect(client, (void *)&path, sizeof(path)));
	say(client, "x");
	hear(fd[0], "x");
	client = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK(!connect(client, (void *)&abstract, sizeof(abstract)));
	say(client, "y");
	hear(fd[1], "y");
}

CKPT_TEST(unlinked)
{
	int fd = bound(SOCK_STREAM, "socket"), client, end;

	REQUIRE(!listen(fd, 1));
	client = connected(SOCK_STREAM, "socket");
	REQUIRE(!unlink("socket"));
	ckpt_ready();
	check_name(fd, false, "socket");
	CHECK_EQ(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "socket"), -ENOENT);
	end = accept(fd, NULL, NULL);
	CHECK(end >= 0);
	talk(client, end);
}

CKPT_TEST(renamed)
{
	int fd = bound(SOCK_DGRAM, "socket");
	int other, client;

	REQUIRE(!rename("socket", "elsewhere"));
	other = bound(SOCK_DGRAM, "socket");
	REQUIRE(!link("elsewhere", "second name"));
	ckpt_ready();
	check_name(fd, false, "socket");
	client = connected(SOCK_DGRAM, "elsewhere");
	say(client, "old");
	hear(fd, "old");
	CHECK_EQ(connect_to(client, "socket"), 0);
	say(client, "new");
	hear(other, "new");
	CHECK_EQ(connect_to(client, "second name"), 0);
	say(client, "linked");
	hear(fd, "linked");
}

/* The path was one from another directory. */
CKPT_TEST(relative)
{
	int fd, client;

	REQUIRE(!mkdir("dir", 0700) && !chdir("dir"));
	fd = bound(SOCK_DGRAM, "socket");
	REQUIRE(!chdir(".."));
	ckpt_ready();
	check_name(fd, false, "socket");
	client = connected(SOCK_DGRAM, "dir/socket");
	say(client, "x");
	hear(fd, "x");
}

CKPT_TEST_ONLY(own_tmpfs, CKPT_CONTAINER)
{
	int fd, hidden, client;

	REQUIRE(!mkdir("mnt", 0700) &&
		!mount("none", "mnt", "tmpfs", 0, NULL));
	fd = bound(SOCK_DGRAM, "mnt/socket");
	REQUIRE(!mkdir("mnt/covered", 0700));
	hidden = bound(SOCK_DGRAM, "mnt/covered/socket");
	REQUIRE(!mount("none", "mnt/covered", "tmpfs", 0, NULL));
	ckpt_ready();
	client = connected(SOCK_DGRAM, "mnt/socket");
	say(client, "x");
	hear(fd, "x");
	CHECK_EQ(connect_to(client, "mnt/covered/socket"), -ENOENT);
	CHECK(!umount("mnt/covered"));
	CHECK_EQ(connect_to(client, "mnt/covered/socket"), 0);
	say(client, "y");
	hear(hidden, "y");
}

/* A server, and a client that gets the credentials of who sent it something */
static void in_a_user_namespace(void)
{
	int fd = bound(SOCK_STREAM, "socket"), client, end, one = 1;

	REQUIRE(!listen(fd, 1));
	client = connected(SOCK_STREAM, "socket");
	REQUIRE(!setsockopt(client, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	end = accept(fd, NULL, NULL);
	say(end, "before");
	ckpt_ready();
	hear(client, "before");
	talk(client, end);
	CHECK_EQ(peer_of(end).uid, 0);
	CHECK_EQ(peer_of(client).pid, getpid());
	client = connected(SOCK_STREAM, "socket");
	close(fd);
	CHECK_EQ(option(client, SO_ERROR), ECONNRESET);
}

/* All in a user namespace of its own, but for the network */
CKPT_TEST_ONLY(own_user_namespace, CKPT_USER)
{
	in_a_user_namespace();
}

CKPT_VICTIM(rootless)
{
	in_a_user_namespace();
}

/* An ordinary user does it all. */
DRIVER_TEST(by_an_ordinary_user)
{
	const char *why;

	ASSERT_EQ(0, ckpt_ordinary_user());
	why = ckpt_run("rootless", CKPT_USER, false);
	if (why)
		SKIP(return, "%s", why);
}

static int says_and_leaves(void *arg)
{
	return setuid(5) || write(*(int *)arg, "x", 1) != 1;
}

CKPT_VICTIM(was_sent_by_another)
{
	int fd[2];

	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	set_option(fd[0], SO_PASSCRED, 1);
	ckpt_join(ckpt_fork(says_and_leaves, &fd[1]), 0);
	ckpt_ready();
	hear(fd[0], "x");
}

CKPT_VICTIM(bound_to_what_another_owns)
{
	bound(SOCK_STREAM, "socket");
	REQUIRE(!chown("socket", 7, 7));
	ckpt_ready();
}

CKPT_VICTIM(has_a_mark)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	set_option(fd, SO_MARK, 12);
	ckpt_ready();
	CHECK_EQ(option(fd, SO_MARK), 12);
}

/* Restart without @caps: what is refused says @text. */
static void expect_refused(struct __test_metadata *_metadata,
			   const char *victim, uint64_t caps, const char *text)
{
	static struct ckpt_victim v;
	int status;
	pid_t pid;
	long ret;

	ckpt_start(&v, victim, 0);
	if (v.skip[0])
		SKIP(return, "%s", v.skip);
	ckpt_checkpoint_kill(&v);
	pid = fork();
	if (!pid) {
		ckpt_caps_drop(caps);
		_exit(ckpt_restart(&v, 0) != -EPERM || !ckpt_logged(&v, text));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status) TH_LOG("%s", victim);
	ret = ckpt_restart(&v, 0);
	ASSERT_LT(0, ret) TH_LOG("%s", v.log);
	ckpt_finish(&v);
	ckpt_end(&v);
}

DRIVER_TEST(without_rights)
{
	expect_refused(_metadata, "was_sent_by_another", 1 << CAP_SETUID,
		       "a message of user 5");
	expect_refused(_metadata, "bound_to_what_another_owns",
		       1 << CAP_FOWNER, "cannot be bound");
	expect_refused(_metadata, "has_a_mark",
		       1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW,
		       "socket option 36");
}

CKPT_TEST(node_attributes)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un addr;
	struct stat before, st;

	REQUIRE(!fchmod(fd, 0640) && !fchown(fd, 7, 8));
	REQUIRE(!bind(fd, (void *)&addr, address(&addr, "socket")));
	REQUIRE(!chmod("socket", 0611));
	REQUIRE(!stat("socket", &before));
	ckpt_ready();
	CHECK(!fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFSOCK | 0640);
	CHECK_EQ(st.st_uid, 7);
	CHECK_EQ(st.st_gid, 8);
	CHECK(!stat("socket", &st));
	CHECK_EQ(st.st_mode, S_IFSOCK | 0611);
	CHECK_EQ(st.st_ino, before.st_ino);
}

/* Both names are gone, or taken, when the tree comes back. */
CKPT_VICTIM(at_two_names)
{
	int fd = bound(SOCK_DGRAM, "one"), other = bound(SOCK_DGRAM, "two");
	struct stat st;
	int client;

	REQUIRE(!chown("one", 7, 8) && !chmod("one", 04640));
	ckpt_ready();
	CHECK(!stat("one", &st));
	CHECK_EQ(st.st_mode, S_IFSOCK | 04640);
	CHECK_EQ(st.st_uid, 7);
	CHECK_EQ(st.st_gid, 8);
	client = connected(SOCK_DGRAM, "one");
	say(client, "x");
	hear(fd, "x");
	CHECK_EQ(connect_to(client, "two"), 0);
	say(client, "y");
	hear(other, "y");
}

static char *in_dir(struct ckpt_victim *v, const char *name)
{
	static char path[2][128];
	static int n;

	n = !n;
	snprintf(path[n], sizeof(path[n]), "%s/%s", v->dir, name);
	return path[n];
}

DRIVER_TEST(name_is_gone)
{
	struct ckpt_victim *v = &self->v;
	struct stat st;
	long ret;

	ckpt_start(v, "at_two_names", 0);
	ckpt_checkpoint_kill(v);

	/* what is in the way stays, and what was made goes */
	ASSERT_EQ(0, unlink(in_dir(v, "one")));
	ASSERT_EQ(0, unlink(in_dir(v, "two")));
	ASSERT_EQ(0, mknod(in_dir(v, "two"), S_IFREG | 0600, 0));
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOTSOCK, ret);
	EXPECT_TRUE(ckpt_logged(v, "something else is in the way")) TH_LOG("%s", v->log);
	EXPECT_EQ(-1, stat(in_dir(v, "one"), &st));
	EXPECT_EQ(ENOENT, errno);
	ASSERT_EQ(0, stat(in_dir(v, "two"), &st));
	EXPECT_EQ(S_IFREG | 0600, st.st_mode);

	/* as is one that leads elsewhere */
	ASSERT_EQ(0, unlink(in_dir(v, "two")));
	ASSERT_EQ(0, symlink("nowhere", in_dir(v, "two")));
	EXPECT_EQ(-ENOTSOCK, ckpt_restart(v, 0));
	ASSERT_EQ(0, unlink(in_dir(v, "two")));

	ckpt_restart_finish(v);
}

/* ----------------------------------------------------------------- states */

static short ready(int fd)
{
	struct pollfd pfd = {
		.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP,
	};

	CHECK(poll(&pfd, 1, 0) >= 0);
	return pfd.revents;
}

CKPT_TEST(shut_down)
{
	int fd[4][2], i;

	for (i = 0; i < 4; i++) {
		REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd[i]));
		if (i < 3)
			REQUIRE(!shutdown(fd[i][0], i));
	}
	ckpt_ready();
	/* SHUT_RD */
	CHECK_EQ(send(fd[0][1], "x", 1, MSG_NOSIGNAL), -1);
	CHECK_EQ(errno, EPIPE);
	say(fd[0][0], "x");
	hear(fd[0][1], "x");
	/* SHUT_WR */
	CHECK_EQ(send(fd[1][0], "x", 1, MSG_NOSIGNAL), -1);
	CHECK_EQ(ready(fd[1][1]), POLLIN | POLLOUT | POLLRDHUP);
	hear(fd[1][1], "");
	say(fd[1][1], "x");
	hear(fd[1][0], "x");
	/* SHUT_RDWR */
	CHECK_EQ(ready(fd[2][0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_EQ(ready(fd[2][1]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_EQ(ready(fd[3][0]), POLLOUT);
}

CKPT_TEST(peer_is_closed)
{
	int fd[3][2], server = bound(SOCK_STREAM, "@ckpt closed"), client;

	REQUIRE(!listen(server, 1));
	client = connected(SOCK_STREAM, "@ckpt closed");
	close(accept(server, NULL, NULL));
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd[0]));
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd[1]));
	REQUIRE(!socketpair(AF_UNIX, SOCK_DGRAM, 0, fd[2]));
	/* with what it had not received */
	say(fd[0][0], "lost");
	close(fd[0][1]);
	say(fd[1][1], "last");
	close(fd[1][1]);
	close(fd[2][1]);
	ckpt_ready();
	CHECK_EQ(option(fd[0][0], SO_ERROR), ECONNRESET);
	CHECK_EQ(option(fd[0][0], SO_ERROR), 0);
	hear(fd[0][0], "");
	hear(fd[1][0], "last");
	hear(fd[1][0], "");
	CHECK_EQ(send(fd[1][0], "x", 1, MSG_NOSIGNAL), -1);
	CHECK_EQ(errno, EPIPE);
	CHECK_EQ(send(fd[2][0], "x", 1, 0), -1);
	CHECK_EQ(errno, ECONNREFUSED);
	CHECK_EQ(send(fd[2][0], "x", 1, 0), -1);
	CHECK_EQ(errno, ENOTCONN);
	hear(client, "");
	check_name(client, true, "@ckpt closed");
}

/* ----------------------------------------------------------------- options */

CKPT_TEST(options)
{
	struct timeval tv = { .tv_sec = 3, .tv_usec = 500000 }, none;
	struct linger linger = { .l_onoff = 1, .l_linger = 5 }, seen;
	socklen_t len = sizeof(none);
	int fd[2], plain[2];

	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, plain));
	REQUIRE(!setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	tv.tv_sec = 100000;
	REQUIRE(!setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	REQUIRE(!setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &linger,
			    sizeof(linger)));
	set_option(fd[0], SO_SNDBUF, 20000);
	set_option(fd[0], SO_RCVBUF, 30000);
	set_option(fd[0], SO_PASSCRED, 1);
	set_option(fd[0], SO_PASSSEC, 1);
	set_option(fd[0], SO_OOBINLINE, 1);
	set_option(fd[0], SO_RCVLOWAT, 17);
	set_option(fd[0], SO_PRIORITY, 5);
	set_option(fd[0], SO_MARK, 12);
	set_option(fd[0], SO_PEEK_OFF, 3);
	set_option(fd[0], SO_TIMESTAMPNS, 1);
	set_option(fd[0], SO_BROADCAST, 1);
	ckpt_ready();
	CHECK(!getsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &none, &len));
	CHECK_EQ(none.tv_sec * 1000000 + none.tv_usec, 3500000);
	CHECK(!getsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &none, &len));
	CHECK_EQ(none.tv_sec, 100000);
	CHECK(!getsockopt(plain[0], SOL_SOCKET, SO_SNDTIMEO, &none, &len));
	CHECK_EQ(none.tv_sec + none.tv_usec, 0);
	len = sizeof(seen);
	CHECK(!getsockopt(fd[0], SOL_SOCKET, SO_LINGER, &seen, &len));
	CHECK_EQ(seen.l_onoff, 1);
	CHECK_EQ(seen.l_linger, 5);
	CHECK_EQ(option(fd[0], SO_SNDBUF), 40000);
	CHECK_EQ(option(fd[0], SO_RCVBUF), 60000);
	CHECK_EQ(option(plain[0], SO_SNDBUF), option(fd[1], SO_SNDBUF));
	CHECK_EQ(option(fd[0], SO_PASSCRED), 1);
	CHECK_EQ(option(fd[1], SO_PASSCRED), 0);
	CHECK_EQ(option(fd[0], SO_PASSSEC), 1);
	CHECK_EQ(option(fd[0], SO_OOBINLINE), 1);
	CHECK_EQ(option(fd[0], SO_RCVLOWAT), 17);
	CHECK_EQ(option(fd[0], SO_PRIORITY), 5);
	CHECK_EQ(option(fd[0], SO_MARK), 12);
	CHECK_EQ(option(fd[0], SO_PEEK_OFF), 3);
	CHECK_EQ(option(fd[0], SO_TIMESTAMPNS), 1);
	CHECK_EQ(option(fd[0], SO_TIMESTAMP), 0);
	CHECK_EQ(option(fd[0], SO_BROADCAST), 1);
}

static volatile sig_atomic_t signals;

static void count_signal(int sig)
{
	signals++;
}

CKPT_TEST(signal_driven)
{
	int fd[2];

	signal(SIGIO, count_signal);
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	REQUIRE(!fcntl(fd[0], F_SETOWN, getpid()));
	REQUIRE(!fcntl(fd[0], F_SETFL, O_ASYNC));
	ckpt_ready();
	CHECK_EQ(fcntl(fd[0], F_GETFL), O_RDWR | O_ASYNC);
	CHECK_EQ(fcntl(fd[0], F_GETOWN), getpid());
	signals = 0;
	say(fd[1], "x");
	CKPT_WAIT_FOR(signals == 1);
	hear(fd[0], "x");
}

/* -------------------------------------------------- who is at the other end */

/* A descriptor of who is at the other end, or why there is none */
static int peer_pidfd(int fd)
{
	int pidfd = -1;
	socklen_t len = sizeof(pidfd);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len))
		return -errno;
	return pidfd;
}

static int connects_and_leaves(void *arg)
{
	static const gid_t groups[] = { 20, 30 };

	if (setgroups(2, groups) || setgid(4) || setuid(3))
		return 1;
	return connect_to(*(int *)arg, "@ckpt creds") ? 2 : 5;
}

CKPT_TEST(peer_credentials)
{
	int server = bound(SOCK_STREAM, "@ckpt creds"), client, gone, end, fd[2];
	gid_t groups[4] = {};
	socklen_t len = sizeof(groups);
	struct ucred cred;
	int why, pidfd;
	pid_t pid;

	REQUIRE(!listen(server, 4));
	gone = socket(AF_UNIX, SOCK_STREAM, 0);
	pid = ckpt_fork(connects_and_leaves, &gone);
	ckpt_join(pid, 5);
	end = accept(server, NULL, NULL);
	client = connected(SOCK_STREAM, "@ckpt creds");
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	why = peer_pidfd(end);
	REQUIRE(why < 0);
	ckpt_ready();
	CHECK_EQ(peer_pidfd(end), why);
	CHECK(!getsockopt(end, SOL_SOCKET, SO_PEERGROUPS, groups, &len));
	CHECK_EQ(len, 2 * sizeof(gid_t));
	CHECK_EQ(groups[0], 20);
	CHECK_EQ(groups[1], 30);
	pidfd = peer_pidfd(client);
	if (pidfd >= 0)
		CHECK(!syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
	cred = peer_of(end);
	CHECK_EQ(cred.pid, pid);
	CHECK_EQ(cred.uid, 3);
	CHECK_EQ(cred.gid, 4);
	cred = peer_of(gone);
	CHECK_EQ(cred.pid, getpid());
	CHECK_EQ(cred.uid, 0);
	cred = peer_of(client);
	CHECK_EQ(cred.pid, getpid());
	cred = peer_of(fd[1]);
	CHECK_EQ(cred.pid, getpid());
	cred = peer_of(server);
	CHECK_EQ(cred.pid, getpid());
}

/* ------------------------------------------------------------- outside */

#define PASSED	100

CKPT_VICTIM(talks)
{
	char c = 0;

	ckpt_ready();
	CHECK_EQ(write(PASSED, "hello", 5), 5);
	CHECK_EQ(read(PASSED, &c, 1), 1);
	CHECK_EQ(c, 'y');
}

static void link_of(int fd, char *name, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, size - 1);
	name[n > 0 ? n : 0] = 0;
}

/* One end is that of the tree alone, the other that of somebody else. */
DRIVER_TEST(peer_outside)
{
	struct ckpt_victim *v = &self->v;
	int fd[2], other[2];
	char buf[8], name[64];
	long ret;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other));
	link_of(fd[1], name, sizeof(name));
	ckpt_pass(fd[1], PASSED);
	ckpt_start(v, "talks", 0);
	close(fd[1]);

	/* what would be lost is refused */
	ASSERT_EQ(1, write(fd[0], "x", 1));
	ret = ckpt_checkpoint(v, 0);
	EXPECT_EQ(-ENOSYS, ret);
	EXPECT_TRUE(ckpt_logged(v, "not received yet")) TH_LOG("%s", v->log);
	ckpt_kill(v);
	ckpt_end(v);
	close(fd[0]);

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	link_of(fd[1], name, sizeof(name));
	ckpt_pass(fd[1], PASSED);
	ckpt_start(v, "talks", 0);
	close(fd[1]);
	ckpt_checkpoint_kill(v);
	EXPECT_EQ(0, read(fd[0], buf, 1));
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOENT, ret);
	EXPECT_TRUE(ckpt_logged(v, name)) TH_LOG("%s", v->log);
	ckpt_inherit(v, name, other[1]);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ASSERT_EQ(1, write(other[0], "y", 1));
	ckpt_finish(v);
	EXPECT_EQ(5, read(other[0], buf, sizeof(buf)));
	ckpt_end(v);
}

CKPT_VICTIM(listens)
{
	int fd = bound(SOCK_STREAM, "@ckpt taken");
	int path = bound(SOCK_STREAM, "socket");

	REQUIRE(!listen(fd, 3) && !listen(path, 3));
	ckpt_ready();
	CHECK_EQ(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "@ckpt taken"), 0);
	CHECK_EQ(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "socket"), 0);
}

/* Somebody else has taken a name meanwhile. */
DRIVER_TEST(name_in_use)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_world world;
	struct sockaddr_un addr;
	char path[128];
	socklen_t len;
	long ret;
	int fd;

	ckpt_start(v, "listens", 0);
	ckpt_checkpoint_kill(v);
	ckpt_world_take(&world);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	len = address(&addr, "@ckpt taken");
	ASSERT_EQ(0, bind(fd, (void *)&addr, len));
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-EADDRINUSE, ret);
	EXPECT_TRUE(ckpt_logged(v, "'@ckpt taken'")) TH_LOG("%s", v->log);
	close(fd);

	snprintf(path, sizeof(path), "%s/socket", v->dir);
	ASSERT_EQ(0, unlink(path));
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOTSOCK, ret);
	EXPECT_TRUE(ckpt_logged(v, "/socket'")) TH_LOG("%s", v->log);
	close(fd);
	unlink(path);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	len = address(&addr, path);
	ASSERT_EQ(0, bind(fd, (void *)&addr, len));
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-EADDRINUSE, ret);
	close(fd);
	ckpt_world_expect(&world, 8192);

	ckpt_restart_finish(v);
}

/* A connection that it has not accepted would be lost. */
DRIVER_TEST(connection_from_outside)
{
	struct ckpt_victim *v = &self->v;
	struct sockaddr_un addr;
	socklen_t len;
	long ret;
	int fd;

	ckpt_start(v, "listens", 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	len = address(&addr, "@ckpt taken");
	ASSERT_EQ(0, connect(fd, (void *)&addr, len));
	ret = ckpt_checkpoint(v, 0);
	EXPECT_EQ(-ENOSYS, ret);
	EXPECT_TRUE(ckpt_logged(v, "waits to be accepted")) TH_LOG("%s", v->log);
	close(fd);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

CKPT_VICTIM(logs)
{
	int path = connected(SOCK_DGRAM, "/tmp/ckpt-log"), abstract;

	abstract = connected(SOCK_DGRAM, "@ckpt log");
	ckpt_ready();
	check_name(path, true, "/tmp/ckpt-log");
	say(path, "by path");
	say(abstract, "by name");
}

static int log_server(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;
	socklen_t len = address(&addr, name);

	return bind(fd, (void *)&addr, len) ? -1 : fd;
}

static bool got(int fd, const char *text)
{
	char buf[64] = "";

	return recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT) ==
	       (ssize_t)strlen(text) && !strcmp(buf, text);
}

/* As syslog(3): who has the name now does as well. */
DRIVER_TEST(server_outside)
{
	struct ckpt_victim *v = &self->v;
	int path, abstract;
	static const char name[] = "/tmp/ckpt-log";
	long ret;

	unlink(name);
	path = log_server(name);
	abstract = log_server("@ckpt log");
	if (path < 0 || abstract < 0)
		SKIP(return, "cannot bind to %s", name);
	ckpt_start(v, "logs", 0);
	if (v->skip[0]) {
		unlink(name);
		SKIP(return, "%s", v->skip);
	}
	ckpt_checkpoint_kill(v);
	close(abstract);
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ECONNREFUSED, ret);
	EXPECT_TRUE(ckpt_logged(v, "cannot be connected")) TH_LOG("%s", v->log);
	abstract = log_server("@ckpt log");
	close(path);
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ECONNREFUSED, ret);
	unlink(name);
	path = log_server(name);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	EXPECT_TRUE(got(path, "by path"));
	EXPECT_TRUE(got(abstract, "by name"));
	unlink(name);
	ckpt_end(v);
}

/* The inode of the network namespace that a socket lives in */
static ino_t network_of(int fd)
{
	int ns = ioctl(fd, SIOCGSKNS);
	struct stat st;

	REQUIRE(ns >= 0 && !fstat(ns, &st));
	close(ns);
	return st.st_ino;
}

static ino_t own_network_ino(void)
{
	struct stat st;

	REQUIRE(!stat("/proc/self/ns/net", &st));
	return st.st_ino;
}

/*
 * Some live in a network namespace that only they hold, with one that nobody
 * but a message of its own holds, and one that waits to be accepted
 */
CKPT_TEST(left_in_a_network)
{
	int fd, client, end, first, mute, datagrams;
	struct sockaddr_un addr;
	socklen_t len;

	if (unshare(CLONE_NEWNET))
		ckpt_skip("no network namespaces: %m");
	fd = bound(SOCK_STREAM, "@ckpt network");
	REQUIRE(!listen(fd, 2));
	first = connected(SOCK_STREAM, "@ckpt network");
	datagrams = bound(SOCK_DGRAM, "@ckpt datagrams");
	mute = socket(AF_UNIX, SOCK_DGRAM, 0);
	len = address(&addr, "@ckpt datagrams");
	REQUIRE(sendto(mute, "from me", 7, 0, (void *)&addr, len) == 7);
	close(mute);
	REQUIRE(!unshare(CLONE_NEWNET));
	mute = bound(SOCK_DGRAM, "@ckpt datagrams");
	ckpt_ready();
	CHECK(network_of(fd) != own_network_ino());
	CHECK_EQ(network_of(first), network_of(fd));
	CHECK_EQ(network_of(datagrams), network_of(fd));
	CHECK_EQ(network_of(mute), own_network_ino());
	end = accept(fd, NULL, NULL);
	CHECK(end >= 0);
	CHECK_EQ(network_of(end), network_of(fd));
	talk(first, end);
	hear(datagrams, "from me");
	/* the name is that of another one here */
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(connect_to(client, "@ckpt network"), -ECONNREFUSED);
}

CKPT_VICTIM(own_network)
{
	int fd, client, end;

	if (unshare(CLONE_NEWNET))
		ckpt_skip("no network namespaces: %m");
	fd = bound(SOCK_STREAM, "@ckpt network");
	REQUIRE(!listen(fd, 1));
	client = connected(SOCK_STREAM, "@ckpt network");
	ckpt_ready();
	end = accept(fd, NULL, NULL);
	CHECK(end >= 0);
	talk(client, end);
	/* all in the same one, whose names are others */
	client = connected(SOCK_STREAM, "@ckpt network");
}

/* They live in the network namespace of whoever restarts. */
DRIVER_TEST(network_left_out)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "own_network", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ret = ckpt_checkpoint(v, CHECKPOINT_NONETNS | CHECKPOINT_KILL);
	ASSERT_LT(0, ret) TH_LOG("%s", v->log);
	ckpt_reaped(v);
	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
