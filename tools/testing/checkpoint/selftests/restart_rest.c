// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that have moved a part of their data when the task is parked: they
 * return when all is moved, as if nobody had looked. The other side is slow, so
 * that there is time for many checkpoints on the way.
 */
#include "librestart.h"

#include <arpa/inet.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define STEPS	40

/* What is written, or read, in all: more than is kept on the way */
#define SIZE	(STEPS * 32768)

static char all[SIZE];
static int here, there;

static const struct timespec step = {
	.tv_nsec = RESTART_MS * 1000000L / STEPS,
};

static char byte_at(size_t i)
{
	return i * 7 % 251;
}

static void fill(void)
{
	size_t i;

	for (i = 0; i < sizeof(all); i++)
		all[i] = byte_at(i);
}

static void check_all(void)
{
	size_t i;

	for (i = 0; i < sizeof(all); i++)
		if (all[i] != byte_at(i))
			ckpt_fail(__FILE__, __LINE__, "byte %zu is wrong", i);
}

static int take_slowly(void *arg)
{
	static char buf[SIZE / STEPS];
	size_t size = *(size_t *)arg, done, i;
	ssize_t n;

	close(here);
	for (done = 0; done < size; done += n) {
		nanosleep(&step, NULL);
		n = read(there, buf, size / STEPS);
		if (n <= 0)
			return 1;
		for (i = 0; i < (size_t)n; i++)
			if (buf[i] != byte_at(done + i))
				return 2;
	}
	return 0;
}

static int give_slowly(void *arg)
{
	size_t i;

	close(here);
	for (i = 0; i < STEPS; i++) {
		nanosleep(&step, NULL);
		if (send(there, all + i * (SIZE / STEPS), SIZE / STEPS, 0) !=
		    SIZE / STEPS)
			return 1;
	}
	/* all is received before there is an end */
	return read(there, all, 1) != 0;
}

static size_t taken = SIZE;

#define CHECK_TAKEN(size, call)						\
	do {								\
		pid_t __pid;						\
									\
		taken = (size);						\
		fill();							\
		ckpt_ready();						\
		__pid = ckpt_fork(take_slowly, &taken);			\
		CHECK_EQ(call, (long)taken);				\
		ckpt_join(__pid, 0);					\
	} while (0)

/* In three parts that nobody aligned */
static void three_parts(struct iovec *iov)
{
	iov[0] = (struct iovec){ all, 1001 };
	iov[1] = (struct iovec){ all + 1001, SIZE / 2 };
	iov[2] = (struct iovec){ all + 1001 + SIZE / 2,
				 SIZE - 1001 - SIZE / 2 };
}

/* ----------------------------------------------------- pipes and terminals */

static void use_pipe(void)
{
	int fd[2];

	REQUIRE(!pipe(fd));
	here = fd[1];
	there = fd[0];
}

RESTART_TEST(write_pipe, SYS_write)
{
	use_pipe();
	CHECK_TAKEN(SIZE, syscall(SYS_write, here, all, SIZE));
}

RESTART_TEST(writev_pipe, SYS_writev)
{
	struct iovec iov[3];

	use_pipe();
	three_parts(iov);
	CHECK_TAKEN(SIZE, syscall(SYS_writev, here, iov, 3));
}

RESTART_TEST(write_terminal, SYS_write)
{
	struct termios io;
	int unlock = 0;

	there = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (there < 0)
		ckpt_skip("no pseudo terminals");
	REQUIRE(!ioctl(there, TIOCSPTLCK, &unlock));
	here = ioctl(there, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	REQUIRE(here >= 0);
	REQUIRE(!ioctl(here, TCGETS, &io));
	io.c_oflag = 0;
	REQUIRE(!ioctl(here, TCSETS, &io));
	CHECK_TAKEN(STEPS * 2048, syscall(SYS_write, here, all, STEPS * 2048));
}

/* ---------------------------------------------------------------- streams */

static void use_stream(void)
{
	int fd[2];

	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	here = fd[0];
	there = fd[1];
}

RESTART_TEST(sendto_stream, SYS_sendto)
{
	use_stream();
	CHECK_TAKEN(SIZE, syscall(SYS_sendto, here, all, SIZE, 0, NULL, 0));
}

RESTART_TEST(sendmsg_stream, SYS_sendmsg)
{
	struct iovec iov[3];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };

	use_stream();
	three_parts(iov);
	CHECK_TAKEN(SIZE, syscall(SYS_sendmsg, here, &msg, 0));
}

/* What has been sent is lost if the time is over: it must not be meanwhile. */
RESTART_TEST(write_stream_timeout, SYS_write)
{
	struct timeval tv = { .tv_sec = 3600 };

	use_stream();
	REQUIRE(!setsockopt(here, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	CHECK_TAKEN(SIZE, syscall(SYS_write, here, all, SIZE));
}

#define CHECK_GIVEN(call)						\
	do {								\
		pid_t __pid;						\
									\
		fill();							\
		__pid = ckpt_fork(give_slowly, NULL);			\
		close(there);						\
		memset(all, 0, sizeof(all));				\
		ckpt_ready();						\
		CHECK_EQ(call, SIZE);					\
		check_all();						\
		close(here);						\
		ckpt_join(__pid, 0);					\
	} while (0)

RESTART_TEST(recvfrom_all, SYS_recvfrom)
{
	use_stream();
	CHECK_GIVEN(syscall(SYS_recvfrom, here, all, SIZE, MSG_WAITALL, NULL,
			    NULL));
}

RESTART_TEST(recvmsg_all, SYS_recvmsg)
{
	struct iovec iov[3];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };

	use_stream();
	three_parts(iov);
	CHECK_GIVEN(syscall(SYS_recvmsg, here, &msg, MSG_WAITALL));
	CHECK_EQ(msg.msg_flags, 0);
}

static int give_little(void *arg)
{
	close(here);
	nanosleep(&step, NULL);
	if (send(there, "abc", 3, 0) != 3)
		return 1;
	usleep(RESTART_MS * 1000);
	return 0;
}

/* The end comes before all is there. */
RESTART_TEST(recvfrom_less, SYS_recvfrom)
{
	char buf[8] = {};
	pid_t pid;

	use_stream();
	ckpt_ready();
	pid = ckpt_fork(give_little, NULL);
	close(there);
	CHECK_EQ(syscall(SYS_recvfrom, here, buf, 8, MSG_WAITALL, NULL, NULL),
		 3);
	CHECK(!strcmp(buf, "abc"));
	ckpt_join(pid, 0);
}

/* So does the end of the time that it has. */
RESTART_TEST(recvfrom_timeout, SYS_recvfrom)
{
	struct timeval tv = { .tv_usec = RESTART_MS * 1000 };
	char buf[8] = {};
	uint64_t start;

	use_stream();
	REQUIRE(!setsockopt(here, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	REQUIRE(send(there, "abc", 3, 0) == 3);
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_recvfrom, here, buf, 8, MSG_WAITALL, NULL, NULL),
		 3);
	CHECK_WAITED(start);
}

static void use_tcp(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int fd = restart_inet_socket(), small = 32768;
	socklen_t len = sizeof(addr);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* or all of it is on the way at once */
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
	REQUIRE(!bind(fd, (void *)&addr, sizeof(addr)) && !listen(fd, 1));
	REQUIRE(!getsockname(fd, (void *)&addr, &len));
	here = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(!setsockopt(here, SOL_SOCKET, SO_SNDBUF, &small,
			    sizeof(small)));
	REQUIRE(!connect(here, (void *)&addr, len));
	there = accept(fd, NULL, NULL);
	REQUIRE(there >= 0);
	close(fd);
}

RESTART_TEST_REFUSED(write_tcp, SYS_write)
{
	use_tcp();
	CHECK_TAKEN(SIZE, syscall(SYS_write, here, all, SIZE));
}

RESTART_TEST_REFUSED(recvfrom_tcp_all, SYS_recvfrom)
{
	use_tcp();
	CHECK_GIVEN(syscall(SYS_recvfrom, here, all, SIZE, MSG_WAITALL, NULL,
			    NULL));
}

/* -------------------------------------------------- messages and events */

static void use_messages(struct mmsghdr *msg, struct iovec *iov, char *data)
{
	int i, fd[2];

	REQUIRE(!socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	here = fd[0];
	there = fd[1];
	memset(msg, 0, STEPS * sizeof(*msg));
	for (i = 0; i < STEPS; i++) {
		data[i] = i;
		iov[i] = (struct iovec){ data + i, 1 };
		msg[i].msg_hdr.msg_iov = iov + i;
		msg[i].msg_hdr.msg_iovlen = 1;
	}
}

static int give_messages(void *arg)
{
	char i;

	for (i = 0; i < STEPS; i++) {
		nanosleep(&step, NULL);
		if (send(there, &i, 1, 0) != 1)
			return 1;
	}
	return 0;
}

static int take_messages(void *arg)
{
	char i, c;

	for (i = 0; i < STEPS; i++) {
		nanosleep(&step, NULL);
		if (recv(there, &c, 1, 0) != 1 || c != i)
			return 1;
	}
	return recv(there, &c, 1, MSG_DONTWAIT) != -1;
}

RESTART_TEST(recvmmsg_all, SYS_recvmmsg)
{
	struct mmsghdr msg[STEPS];
	struct iovec iov[STEPS];
	char data[STEPS];
	pid_t pid;
	int i;

	use_messages(msg, iov, data);
	memset(data, -1, sizeof(data));
	ckpt_ready();
	pid = ckpt_fork(give_messages, NULL);
	CHECK_EQ(syscall(SYS_recvmmsg, here, msg, STEPS, 0, NULL), STEPS);
	for (i = 0; i < STEPS; i++) {
		CHECK_EQ(msg[i].msg_len, 1);
		CHECK_EQ(data[i], i);
	}
	ckpt_join(pid, 0);
}

RESTART_TEST(sendmmsg_all, SYS_sendmmsg)
{
	struct mmsghdr msg[STEPS];
	struct iovec iov[STEPS];
	char data[STEPS];
	pid_t pid;

	use_messages(msg, iov, data);
	ckpt_ready();
	pid = ckpt_fork(take_messages, NULL);
	CHECK_EQ(syscall(SYS_sendmmsg, here, msg, STEPS, 0), STEPS);
	ckpt_join(pid, 0);
}

#define EVENTS	4

static int event_pipe[EVENTS][2];

static int make_events(void *arg)
{
	int i;

	for (i = 0; i < EVENTS; i++) {
		usleep(RESTART_MS * 1000 / EVENTS);
		if (write(event_pipe[i][1], "x", 1) != 1)
			return 1;
	}
	return 0;
}

RESTART_TEST_REFUSED(io_getevents_all, SYS_io_getevents)
{
	struct iocb cb[EVENTS], *list[EVENTS];
	struct io_event event[EVENTS] = {};
	aio_context_t ctx = 0;
	unsigned int seen = 0;
	pid_t pid;
	int i;

	if (syscall(SYS_io_setup, EVENTS, &ctx))
		ckpt_skip("io_setup: %m");
	for (i = 0; i < EVENTS; i++) {
		REQUIRE(!pipe(event_pipe[i]));
		cb[i] = (struct iocb){
			.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN,
			.aio_fildes = event_pipe[i][0], .aio_data = i,
		};
		list[i] = &cb[i];
	}
	REQUIRE(syscall(SYS_io_submit, ctx, (long)EVENTS, list) == EVENTS);
	ckpt_ready();
	pid = ckpt_fork(make_events, NULL);
	CHECK_EQ(syscall(SYS_io_getevents, ctx, (long)EVENTS, (long)EVENTS,
			 event, NULL), EVENTS);
	for (i = 0; i < EVENTS; i++)
		seen |= 1 << event[i].data;
	CHECK_EQ(seen, (1 << EVENTS) - 1);
	ckpt_join(pid, 0);
}

/* --------------------------------------- what has all that is asked for */

/* Neither waits: they are at work. */
RESTART_TEST(read_zero, RESTART_RUNS)
{
	int fd = open("/dev/zero", O_RDONLY), i;
	const size_t size = 64 << 20;
	char *buf = malloc(size);

	REQUIRE(fd >= 0 && buf);
	ckpt_ready();
	for (i = 0; i < 20; i++)
		CHECK_EQ(read(fd, buf, size), (long)size);
}

RESTART_TEST(getrandom_much, RESTART_RUNS)
{
	const size_t size = 8 << 20;
	char *buf = malloc(size);
	int i;

	REQUIRE(buf);
	ckpt_ready();
	for (i = 0; i < 8; i++)
		CHECK_EQ(syscall(SYS_getrandom, buf, size, 0), (long)size);
}

TEST_HARNESS_MAIN
