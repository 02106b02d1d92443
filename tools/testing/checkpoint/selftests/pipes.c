// SPDX-License-Identifier: GPL-2.0
/*
 * Pipes and fifos: what is in them, who is at their ends, and who waits.
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static struct ckpt_gate up, go;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

static void set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	CHECK(!fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK :
				       flags & ~O_NONBLOCK));
}

static int held(int fd)
{
	int n = -1;

	CHECK(!ioctl(fd, FIONREAD, &n));
	return n;
}

CKPT_TEST(data_in_order)
{
	char buf[64] = "";
	int fd[2];

	REQUIRE(!pipe(fd));
	REQUIRE(write(fd[1], "hello ", 6) == 6);
	REQUIRE(write(fd[1], "world", 5) == 5);
	ckpt_ready();
	CHECK_EQ(held(fd[0]), 11);
	CHECK_EQ(write(fd[1], "!", 1), 1);
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 12);
	CHECK(!strcmp(buf, "hello world!"));
}

CKPT_TEST(empty)
{
	int fd[2];
	char c;

	REQUIRE(!pipe2(fd, O_NONBLOCK));
	ckpt_ready();
	CHECK_EQ(read(fd[0], &c, 1), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(fcntl(fd[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

/* Partly read: the slot begins in its middle. */
CKPT_TEST(half_read_slot)
{
	char in[4000], out[5000];
	int fd[2];

	REQUIRE(!pipe(fd));
	ckpt_fill(in, sizeof(in), 1);
	REQUIRE(write(fd[1], in, sizeof(in)) == sizeof(in));
	REQUIRE(read(fd[0], out, 1000) == 1000);
	ckpt_ready();
	CHECK_EQ(held(fd[0]), 3000);
	CHECK_EQ(read(fd[0], out, sizeof(out)), 3000);
	CHECK(!memcmp(out, in + 1000, 3000));
}

static char big[1 << 20], back[1 << 20];

/* As much as it takes */
static ssize_t fill(int fd)
{
	ssize_t n, all = 0;

	ckpt_fill(big, sizeof(big), 2);
	set_nonblock(fd, true);
	while ((n = write(fd, big + all, 3000)) > 0)
		all += n;
	while ((n = write(fd, big + all, 1)) > 0)
		all += n;
	set_nonblock(fd, false);
	return all;
}

static void drain(int fd, ssize_t all)
{
	ssize_t n, got = 0;

	while (got < all && (n = read(fd, back + got, sizeof(back) - got)) > 0)
		got += n;
	CHECK_EQ(got, all);
	CHECK(!memcmp(big, back, all));
}

CKPT_TEST(full)
{
	struct pollfd pfd;
	ssize_t all;
	int fd[2];

	REQUIRE(!pipe(fd));
	all = fill(fd[1]);
	REQUIRE(all > 0);
	pfd = (struct pollfd){ .fd = fd[1], .events = POLLOUT };
	ckpt_ready();
	CHECK_EQ(held(fd[0]), all);
	CHECK_EQ(poll(&pfd, 1, 0), 0);
	drain(fd[0], all);
	CHECK_EQ(poll(&pfd, 1, 0), 1);
	CHECK_EQ(held(fd[0]), 0);
}

CKPT_TEST(size)
{
	ssize_t all;
	int fd[2], small[2], size;

	REQUIRE(!pipe(fd) && !pipe(small));
	size = fcntl(fd[1], F_SETPIPE_SZ, 256 * 1024);
	REQUIRE(size >= 256 * 1024);
	REQUIRE(fcntl(small[1], F_SETPIPE_SZ, 4096) == 4096);
	all = fill(fd[1]);
	REQUIRE(all > 128 * 1024);
	ckpt_ready();
	CHECK_EQ(fcntl(fd[0], F_GETPIPE_SZ), size);
	CHECK_EQ(fcntl(small[0], F_GETPIPE_SZ), 4096);
	drain(fd[0], all);
}

/* Each write is a packet of its own. */
CKPT_TEST(packets)
{
	char buf[64];
	int fd[2];

	REQUIRE(!pipe2(fd, O_DIRECT));
	REQUIRE(write(fd[1], "one", 3) == 3);
	REQUIRE(write(fd[1], "three", 5) == 5);
	ckpt_ready();
	CHECK_EQ(fcntl(fd[1], F_GETFL) & O_DIRECT, O_DIRECT);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 3);
	CHECK(!memcmp(buf, "one", 3));
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 5);
	CHECK(!memcmp(buf, "three", 5));
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 1);
}

CKPT_TEST(reader_is_gone)
{
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	REQUIRE(!pipe(fd));
	REQUIRE(write(fd[1], "x", 1) == 1);
	close(fd[0]);
	ckpt_ready();
	CHECK_EQ(write(fd[1], "x", 1), -1);
	CHECK_EQ(errno, EPIPE);
}

CKPT_TEST(writer_is_gone)
{
	char buf[8];
	int fd[2];

	REQUIRE(!pipe(fd));
	REQUIRE(write(fd[1], "last", 4) == 4);
	close(fd[1]);
	ckpt_ready();
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 4);
	CHECK(!memcmp(buf, "last", 4));
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 0);
}

static int reader(void *arg)
{
	int *fd = arg, sum = 0;
	char c;

	close(fd[1]);
	ckpt_gate_open(&up, 1);
	while (read(fd[0], &c, 1) == 1)
		sum++;
	return sum > 0;
}

/* Several wait at one pipe; each byte goes to one of them. */
CKPT_TEST(several_readers)
{
	pid_t pid[4];
	int fd[2], i;

	gates();
	REQUIRE(!pipe(fd));
	for (i = 0; i < 4; i++)
		pid[i] = ckpt_fork(reader, fd);
	close(fd[0]);
	for (i = 0; i < 4; i++)
		ckpt_gate_wait(&up);
	for (i = 0; i < 4; i++)
		ckpt_wait_blocked(pid[i], pid[i], 0 /* read */);
	ckpt_ready();
	for (i = 0; i < 400; i++) {
		CHECK_EQ(write(fd[1], "x", 1), 1);
		if (i % 10 == 9)
			CKPT_WAIT_FOR(held(fd[1]) == 0);
	}
	close(fd[1]);
	for (i = 0; i < 4; i++) {
		int status;

		CHECK_EQ(waitpid(pid[i], &status, 0), pid[i]);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	}
}

static int writer(void *arg)
{
	int *fd = arg;
	size_t done = 0;

	close(fd[0]);
	ckpt_fill(big, sizeof(big), 2);
	/* What cannot be written at once may end short. */
	while (done < sizeof(big)) {
		ssize_t n = write(fd[1], big + done, sizeof(big) - done);

		if (n <= 0) {
			CHECK_EQ(n, sizeof(big) - done);
			return 1;
		}
		done += n;
	}
	return 0;
}

CKPT_TEST(writer_waits)
{
	pid_t pid;
	int fd[2];

	REQUIRE(!pipe(fd));
	pid = ckpt_fork(writer, fd);
	close(fd[1]);
	ckpt_wait_blocked(pid, pid, 1 /* write */);
	ckpt_fill(big, sizeof(big), 2);
	ckpt_ready();
	drain(fd[0], sizeof(big));
	ckpt_join(pid, 0);
	CHECK_EQ(read(fd[0], back, 1), 0);
}

static int end_of_line(void *arg)
{
	int *fd = arg;
	uint64_t sum = 0;
	ssize_t n, i;

	close(fd[1]);
	while ((n = read(fd[0], back, 10000)) > 0)
		for (i = 0; i < n; i++)
			sum += (unsigned char)back[i];
	return n < 0 ? 255 : sum % 251;
}

struct two {
	int in[2];
	int out[2];
};

static int middle(void *arg)
{
	struct two *two = arg;
	ssize_t n, i, done;

	close(two->in[1]);
	close(two->out[0]);
	while ((n = read(two->in[0], back, 7000)) > 0) {
		for (i = 0; i < n; i++)
			back[i]++;
		for (done = 0; done < n; done += i) {
			i = write(two->out[1], back + done, n - done);
			if (i <= 0)
				return 1;
		}
	}
	return n < 0;
}

static int source(void *arg)
{
	struct two *two = arg;
	uint64_t sum = 0;
	int round;
	size_t i;

	close(two->in[0]);
	close(two->out[0]);
	close(two->out[1]);
	ckpt_fill(big, sizeof(big), 3);
	set_nonblock(go.fd[0], true);
	for (round = 0; held(go.fd[0]) == 0 || round < 3; round++) {
		size_t done = 0;

		while (done < sizeof(big)) {
			ssize_t n = write(two->in[1], big + done,
					  sizeof(big) - done);

			if (n <= 0)
				return 255;
			done += n;
		}
		for (i = 0; i < sizeof(big); i++)
			sum += (unsigned char)(big[i] + 1);
	}
	return sum % 251;
}

/* A pipeline at work */
CKPT_TEST(stream)
{
	struct two two;
	pid_t pid[3];
	int status, sum;

	gates();
	REQUIRE(!pipe(two.in) && !pipe(two.out));
	pid[0] = ckpt_fork(source, &two);
	pid[1] = ckpt_fork(middle, &two);
	close(two.in[0]);
	close(two.in[1]);
	pid[2] = ckpt_fork(end_of_line, two.out);
	close(two.out[0]);
	close(two.out[1]);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	CHECK_EQ(waitpid(pid[0], &status, 0), pid[0]);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 255);
	sum = WEXITSTATUS(status);
	ckpt_join(pid[1], 0);
	ckpt_join(pid[2], sum);
}

static int named(const char *name, int flags)
{
	int fd;

	if (mkfifo(name, 0600))
		REQUIRE(errno == EEXIST);
	fd = open(name, flags);
	REQUIRE(fd >= 0);
	return fd;
}

CKPT_TEST(fifo)
{
	int both = named("fifo", O_RDWR), in = named("fifo", O_RDONLY);
	int out = named("fifo", O_WRONLY);
	char buf[8] = "";

	close(both);
	REQUIRE(write(out, "fifo", 4) == 4);
	ckpt_ready();
	CHECK_EQ(write(out, "s", 1), 1);
	CHECK_EQ(read(in, buf, sizeof(buf)), 5);
	CHECK(!strcmp(buf, "fifos"));
	close(out);
	CHECK_EQ(read(in, buf, sizeof(buf)), 0);
	/* It is the one of that name. */
	out = open("fifo", O_WRONLY | O_NONBLOCK);
	CHECK(out >= 0);
	CHECK_EQ(write(out, "x", 1), 1);
	CHECK_EQ(read(in, buf, sizeof(buf)), 1);
}

CKPT_TEST(fifo_opened_for_both)
{
	int fd = named("fifo", O_RDWR);
	char buf[8];

	REQUIRE(write(fd, "abc", 3) == 3);
	ckpt_ready();
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 3);
}

CKPT_TEST(fifo_reader_only)
{
	int fd = named("fifo", O_RDONLY | O_NONBLOCK);
	char c;

	ckpt_ready();
	CHECK_EQ(read(fd, &c, 1), 0);
}

/* Had a writer once: its data is there, its end is not. */
CKPT_TEST(fifo_writer_is_gone)
{
	int both = named("fifo", O_RDWR), fd = named("fifo", O_RDONLY);
	char buf[8];

	REQUIRE(write(both, "abc", 3) == 3);
	close(both);
	ckpt_ready();
	CHECK_EQ(read(fd, buf, sizeof(buf)), 3);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 0);
}

/* Its reader is gone, and what was in it, too, once a new one comes. */
CKPT_TEST(fifo_writer_only)
{
	int in = named("fifo", O_RDONLY | O_NONBLOCK);
	int out = named("fifo", O_WRONLY);
	char buf[8];

	signal(SIGPIPE, SIG_IGN);
	REQUIRE(write(out, "abc", 3) == 3);
	close(in);
	ckpt_ready();
	CHECK_EQ(write(out, "x", 1), -1);
	CHECK_EQ(errno, EPIPE);
	in = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK(in >= 0);
	CHECK_EQ(write(out, "d", 1), 1);
	CHECK_EQ(read(in, buf, sizeof(buf)), 4);
	CHECK(!memcmp(buf, "abcd", 4));
	close(out);
	CHECK_EQ(read(in, buf, sizeof(buf)), 0);
}

/* Somebody else who reads it would take what the tree is to have. */
DRIVER_TEST(fifo_in_use)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_world before;
	char path[128], c;
	int fd;

	ckpt_start(v, "fifo_opened_for_both", 0);
	ckpt_checkpoint_kill(v);
	snprintf(path, sizeof(path), "%s/fifo", v->dir);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ckpt_world_take(&before);
	EXPECT_EQ(-EBUSY, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "somebody else has it open")) TH_LOG("%s", v->log);
	ckpt_world_expect(&before, 8192);
	EXPECT_EQ(0, read(fd, &c, 1));
	close(fd);
	ckpt_restart_finish(v);
}

/* Open for reading only, of somebody else, who alone may write to it */
CKPT_VICTIM(fifo_of_another)
{
	int both = named("fifo", O_RDWR), fd = named("fifo", O_RDONLY);
	char buf[8];

	REQUIRE(!fchmod(fd, 0644) && !fchown(fd, 4321, 4321));
	REQUIRE(write(both, "abc", 3) == 3);
	close(both);
	ckpt_ready();
	CHECK_EQ(read(fd, buf, sizeof(buf)), 3);
}

/* Whoever restarts puts nothing where they may only read. */
DRIVER_TEST(fifo_not_to_be_written)
{
	struct ckpt_victim *v = &self->v;
	int status;
	pid_t pid;

	ckpt_start(v, "fifo_of_another", 0);
	ckpt_checkpoint_kill(v);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		ckpt_caps_drop(1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_FOWNER);
		_exit(ckpt_restart(v, 0) != -EACCES ||
		      !ckpt_logged(v, "you may not write to it"));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ckpt_restart_finish(v);
}

/* Somebody who wants to write waits for the reader that is to come back. */
DRIVER_TEST(fifo_waited_for)
{
	struct ckpt_victim *v = &self->v;
	char path[128], c;
	pid_t pid;
	int fd[2];

	ckpt_start(v, "fifo_opened_for_both", 0);
	ckpt_checkpoint_kill(v);
	snprintf(path, sizeof(path), "%s/fifo", v->dir);
	ASSERT_EQ(0, pipe2(fd, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(open(path, O_WRONLY | O_CLOEXEC) < 0 ||
		      write(fd[1], "x", 1) != 1);
	close(fd[1]);
	ckpt_wait_blocked(pid, pid, SYS_openat);
	ckpt_restart_finish(v);
	EXPECT_EQ(1, read(fd[0], &c, 1));
	close(fd[0]);
}

/* Two fifos in two directories under the same name */
CKPT_TEST(two_fifos)
{
	int a, b;
	char c;

	REQUIRE(!mkdir("x", 0755) && !mkdir("y", 0755));
	a = named("x/fifo", O_RDWR);
	b = named("y/fifo", O_RDWR);
	REQUIRE(write(a, "a", 1) == 1 && write(b, "b", 1) == 1);
	ckpt_ready();
	CHECK(read(a, &c, 1) == 1 && c == 'a');
	CHECK(read(b, &c, 1) == 1 && c == 'b');
}

/* Slots that are not the pipe's own pages: a file's, and the user's */
CKPT_TEST(spliced)
{
	char *mem = aligned_alloc(4096, 4096), buf[10000];
	int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct iovec iov = { mem, 4096 };
	loff_t at = 100;
	int fd[2];

	ckpt_fill(buf, sizeof(buf), 4);
	REQUIRE(mem && write(file, buf, sizeof(buf)) == sizeof(buf));
	ckpt_fill(mem, 4096, 5);
	REQUIRE(!pipe(fd));
	REQUIRE(splice(file, &at, fd[1], NULL, 5000, 0) == 5000);
	REQUIRE(vmsplice(fd[1], &iov, 1, 0) == 4096);
	REQUIRE(write(fd[1], "end", 3) == 3);
	ckpt_ready();
	CHECK_EQ(held(fd[0]), 5000 + 4096 + 3);
	CHECK_EQ(read(fd[0], back, 5000), 5000);
	CHECK(!memcmp(back, buf + 100, 5000));
	CHECK_EQ(read(fd[0], back, 4096), 4096);
	CHECK(ckpt_filled(back, 4096, 5));
	CHECK_EQ(read(fd[0], back, 10), 3);
	/* Nothing of it was the file's to lose. */
	CHECK_EQ(pread(file, back, sizeof(buf), 0), sizeof(buf));
	CHECK(!memcmp(back, buf, sizeof(buf)));
}

/* Open in one process only for reading, in the other only for writing */
static int far_end(void *arg)
{
	int *fd = arg;
	char c;

	close(fd[1]);
	ckpt_gate_open(&up, 1);
	CHECK_EQ(read(fd[0], &c, 1), 1);
	CHECK_EQ(c, 'z');
	CHECK_EQ(read(fd[0], &c, 1), 0);
	return 0;
}

CKPT_TEST(one_end_each)
{
	pid_t pid;
	int fd[2];

	gates();
	REQUIRE(!pipe(fd));
	pid = ckpt_fork(far_end, fd);
	close(fd[0]);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(write(fd[1], "z", 1), 1);
	close(fd[1]);
	ckpt_join(pid, 0);
}

TEST_HARNESS_MAIN
