// SPDX-License-Identifier: GPL-2.0
/*
 * Terminals of which both ends are in the tree, and the terminals that control
 * its sessions.
 */
#include "libckpttest.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASSED	100

/* Both ends of a terminal */
struct term {
	int m;
	int s;
	unsigned int nr;
	char name[32];
};

/* A terminal whose other end was never opened, and can be */
static void open_master(struct term *t, const char *ptmx, const char *dir)
{
	int unlock = 0;

	t->s = -1;
	t->m = open(ptmx, O_RDWR | O_NOCTTY);
	if (t->m < 0)
		ckpt_skip("no pseudo terminals");
	REQUIRE(!ioctl(t->m, TIOCSPTLCK, &unlock));
	REQUIRE(!ioctl(t->m, TIOCGPTN, &t->nr));
	snprintf(t->name, sizeof(t->name), "%s/%u", dir, t->nr);
}

static void open_term(struct term *t)
{
	open_master(t, "/dev/ptmx", "/dev/pts");
	t->s = open(t->name, O_RDWR | O_NOCTTY);
	REQUIRE(t->s >= 0);
}

static void get(int fd, struct termios *io)
{
	memset(io, 0, sizeof(*io));
	if (ioctl(fd, TCGETS, io))
		ckpt_fail(__FILE__, __LINE__, "TCGETS: %s", strerror(errno));
}

/* Change the modes of @t: these local ones are taken off, and no output mode */
static void plain(const struct term *t, unsigned int off)
{
	struct termios io;

	get(t->s, &io);
	io.c_lflag &= ~off;
	io.c_oflag = 0;
	REQUIRE(!ioctl(t->s, TCSETS, &io));
}

static void raw(const struct term *t)
{
	struct termios io;

	plain(t, ECHO | ICANON | ISIG | IEXTEN);
	get(t->s, &io);
	io.c_iflag = 0;
	REQUIRE(!ioctl(t->s, TCSETS, &io));
}

static void put(int fd, const char *text)
{
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
}

/* What is read next must be @text, all of it at once. */
static void expect(int fd, const char *text)
{
	char buf[256] = "";
	ssize_t n = read(fd, buf, sizeof(buf) - 1);

	if (n != (ssize_t)strlen(text) || strcmp(buf, text))
		ckpt_fail(__FILE__, __LINE__, "read %zd: '%s', not '%s'", n,
			  buf, text);
}

static void nonblock(int fd)
{
	REQUIRE(!fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK));
}

static void expect_nothing(int fd)
{
	char c;

	CHECK_EQ(read(fd, &c, 1), -1);
	CHECK_EQ(errno, EAGAIN);
}

static int in_queue(int fd)
{
	int n = -1;

	REQUIRE(!ioctl(fd, FIONREAD, &n));
	return n;
}

/* ------------------------------------------------------------- settings */

CKPT_TEST(settings)
{
	struct winsize size = { .ws_row = 17, .ws_col = 71, .ws_xpixel = 3,
				.ws_ypixel = 4 }, now;
	struct termios io, lock = { .c_lflag = ICANON }, after;
	struct stat st, st2;
	unsigned int nr;
	struct term t;

	open_term(&t);
	get(t.s, &io);
	io.c_iflag = ICRNL | IXANY;
	io.c_oflag = OPOST;
	io.c_lflag = ICANON | ECHO | TOSTOP;
	io.c_cc[VINTR] = 7;
	io.c_cc[VEOF] = 'e';
	REQUIRE(!ioctl(t.s, TCSETS, &io));
	get(t.s, &io);
	REQUIRE(!ioctl(t.s, TIOCSLCKTRMIOS, &lock));
	REQUIRE(!ioctl(t.s, TIOCSWINSZ, &size));
	REQUIRE(!fchmod(t.s, 0624) && !fchown(t.s, 12, 34));
	REQUIRE(!fstat(t.s, &st));
	nonblock(t.m);

	ckpt_ready();

	get(t.s, &after);
	CHECK(!memcmp(&io, &after, sizeof(io)));
	get(t.m, &after);
	CHECK(!memcmp(&io, &after, sizeof(io)));
	CHECK(!ioctl(t.s, TIOCGLCKTRMIOS, &after));
	CHECK_EQ(after.c_lflag, ICANON);
	CHECK(!ioctl(t.m, TIOCGWINSZ, &now));
	CHECK(!memcmp(&size, &now, sizeof(size)));
	CHECK(!ioctl(t.m, TIOCGPTN, &nr));
	CHECK_EQ(nr, t.nr);
	CHECK(!stat(t.name, &st2));
	CHECK_EQ(st2.st_mode, st.st_mode);
	CHECK_EQ(st2.st_uid, 12);
	CHECK_EQ(st2.st_gid, 34);
	CHECK_EQ(st2.st_rdev, st.st_rdev);
	CHECK_EQ(st2.st_mtime, st.st_mtime);
	CHECK(fcntl(t.m, F_GETFL) & O_NONBLOCK);
	CHECK(!(fcntl(t.s, F_GETFL) & O_NONBLOCK));
	put(t.m, "a\n");
	expect(t.s, "a\n");
}

CKPT_TEST(several_terminals)
{
	struct term t[3];
	int i, other;

	for (i = 0; i < 3; i++) {
		open_term(&t[i]);
		raw(&t[i]);
	}
	/* the first number is free by then */
	close(t[0].s);
	close(t[0].m);
	other = open(t[2].name, O_RDONLY | O_NOCTTY);
	REQUIRE(other >= 0 && dup2(t[2].s, 60) == 60);
	ckpt_ready();
	for (i = 1; i < 3; i++) {
		put(t[i].m, "down");
		expect(t[i].s, "down");
		put(t[i].s, "up");
		expect(t[i].m, "up");
	}
	put(t[2].m, "x");
	expect(other, "x");
	put(60, "y");
	expect(t[2].m, "y");
	CHECK_EQ(write(other, "z", 1), -1);
	/* the other end is closed with the last of its files */
	nonblock(t[2].m);
	close(t[2].s);
	close(60);
	expect_nothing(t[2].m);
	close(other);
	CHECK_EQ(read(t[2].m, &i, 1), -1);
	CHECK_EQ(errno, EIO);
}

/* -------------------------------------------------------------- buffers */

CKPT_TEST(lines)
{
	char buf[2];
	struct term t;

	open_term(&t);
	plain(&t, ECHO);
	put(t.m, "first\nsecond\n\004\004thi");
	CKPT_WAIT_FOR(in_queue(t.s) == 13);
	CHECK_EQ(read(t.s, buf, 2), 2);
	ckpt_ready();
	expect(t.s, "rst\n");
	expect(t.s, "second\n");
	/* two ends of file */
	expect(t.s, "");
	expect(t.s, "");
	nonblock(t.s);
	expect_nothing(t.s);
	/* the line that is being typed can still be changed */
	put(t.m, "\177\177wo\n");
	CKPT_WAIT_FOR(in_queue(t.s) == 4);
	expect(t.s, "two\n");
}

CKPT_TEST(next_is_literal)
{
	struct term t;

	open_term(&t);
	plain(&t, ECHO);
	put(t.m, "a\026");
	/* what was written before it has arrived with this */
	nonblock(t.s);
	expect_nothing(t.s);
	ckpt_ready();
	put(t.m, "\003\n");
	CKPT_WAIT_FOR(in_queue(t.s) == 3);
	expect(t.s, "a\003\n");
}

CKPT_TEST(raw_both_ways)
{
	struct term t;

	open_term(&t);
	raw(&t);
	put(t.m, "a\003\004\n");
	put(t.s, "out");
	CKPT_WAIT_FOR(in_queue(t.s) == 4 && in_queue(t.m) == 3);
	ckpt_ready();
	CHECK_EQ(in_queue(t.s), 4);
	expect(t.s, "a\003\004\n");
	expect(t.m, "out");
}

/* Typed without lines, then made into one by a change of the mode */
CKPT_TEST(pushed)
{
	struct termios io;
	struct term t;

	open_term(&t);
	raw(&t);
	put(t.m, "typed");
	CKPT_WAIT_FOR(in_queue(t.s) == 5);
	get(t.s, &io);
	io.c_lflag |= ICANON;
	REQUIRE(!ioctl(t.s, TCSETS, &io));
	ckpt_ready();
	expect(t.s, "typed");
	put(t.m, "more\n");
	CKPT_WAIT_FOR(in_queue(t.s) == 5);
	expect(t.s, "more\n");
}

/* As much as there is room for: what @to can read, and what waits for that */
static size_t fill(int from, int to, unsigned char next)
{
	unsigned char buf[100];
	bool full = false;
	size_t all = 0, i;
	ssize_t n;

	nonblock(from);
	for (;;) {
		for (i = 0; i < sizeof(buf); i++)
			buf[i] = next + i;
		n = write(from, buf, sizeof(buf));
		if (n <= 0 && full)
			return all;
		if (n <= 0) {
			CKPT_WAIT_FOR(in_queue(to) >= 4095);
			full = true;
			continue;
		}
		next += n;
		all += n;
	}
}

static void drain(int fd, size_t all, unsigned char next)
{
	unsigned char buf[1000];
	ssize_t n, i;

	while (all) {
		n = read(fd, buf, all < sizeof(buf) ? all : sizeof(buf));
		if (n <= 0) {
			ckpt_fail(__FILE__, __LINE__, "read %zd of %zu: %s", n,
				  all, strerror(errno));
			return;
		}
		for (i = 0; i < n; i++, next++)
			if (buf[i] != next) {
				ckpt_fail(__FILE__, __LINE__,
					  "%d is %d, %zu before the end",
					  next, buf[i], all);
				return;
			}
		all -= n;
	}
}

CKPT_TEST(full_both_ways)
{
	size_t nr_down, nr_up;
	struct term t;

	open_term(&t);
	raw(&t);
	nr_down = fill(t.m, t.s, 0);
	nr_up = fill(t.s, t.m, 100);
	REQUIRE(nr_down > 8192 && nr_up > 8192);
	ckpt_ready();
	fcntl(t.s, F_SETFL, 0);
	fcntl(t.m, F_SETFL, 0);
	drain(t.s, nr_down, 0);
	drain(t.m, nr_up, 100);
	put(t.m, "again");
	expect(t.s, "again");
}

CKPT_TEST(echoes)
{
	struct term t;

	open_term(&t);
	plain(&t, 0);
	REQUIRE(!ioctl(t.s, TCXONC, TCOOFF));
	put(t.m, "ab\001\177\t");
	/* erased, and what is typed is still there */
	nonblock(t.s);
	expect_nothing(t.s);
	nonblock(t.m);
	expect_nothing(t.m);
	ckpt_ready();
	expect_nothing(t.m);
	REQUIRE(!ioctl(t.s, TCXONC, TCOON));
	put(t.m, "c\n");
	CKPT_WAIT_FOR(in_queue(t.s) == 5);
	CKPT_WAIT_FOR(in_queue(t.m) == 13);
	expect(t.m, "ab^A\b \b\b \b\tc\n");
	expect(t.s, "ab\tc\n");
}

/* ---------------------------------------------------------------- flags */

CKPT_TEST(packets)
{
	int on = 1, is = 0;
	struct term t;
	char c;

	open_term(&t);
	raw(&t);
	REQUIRE(!ioctl(t.m, TIOCPKT, &on));
	put(t.s, "data");
	CKPT_WAIT_FOR(in_queue(t.m) == 4);
	REQUIRE(!ioctl(t.s, TCXONC, TCOOFF));
	ckpt_ready();
	CHECK(!ioctl(t.m, TIOCGPKT, &is));
	CHECK_EQ(is, 1);
	CHECK_EQ(read(t.m, &c, 1), 1);
	CHECK_EQ(c, TIOCPKT_STOP);
	CHECK(!ioctl(t.s, TCXONC, TCOON));
	CHECK_EQ(read(t.m, &c, 1), 1);
	CHECK_EQ(c, TIOCPKT_START);
	CHECK_EQ(read(t.m, &c, 1), 1);
	CHECK_EQ(c, TIOCPKT_DATA);
}

CKPT_TEST(stopped)
{
	struct pollfd p = { .events = POLLOUT };
	struct term t;

	open_term(&t);
	raw(&t);
	nonblock(t.s);
	REQUIRE(!ioctl(t.s, TCXONC, TCOOFF));
	ckpt_ready();
	p.fd = t.s;
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(write(t.s, "x", 1), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK(!ioctl(t.s, TCXONC, TCOON));
	CHECK_EQ(poll(&p, 1, 0), 1);
	put(t.s, "x");
	expect(t.m, "x");
}

CKPT_TEST(stopped_by_key)
{
	struct termios io;
	struct term t;

	open_term(&t);
	raw(&t);
	get(t.s, &io);
	io.c_iflag = IXON;
	REQUIRE(!ioctl(t.s, TCSETS, &io));
	nonblock(t.s);
	put(t.m, "\023");
	CKPT_WAIT_FOR(write(t.s, "x", 1) == -1);
	ckpt_ready();
	CHECK_EQ(write(t.s, "x", 1), -1);
	put(t.m, "\021");
	CKPT_WAIT_FOR(write(t.s, "y", 1) == 1);
}

CKPT_TEST(locked)
{
	int is = 0, on = 1;
	struct term t;

	open_term(&t);
	REQUIRE(!ioctl(t.m, TIOCSPTLCK, &on));
	ckpt_ready();
	CHECK(!ioctl(t.m, TIOCGPTLCK, &is));
	CHECK_EQ(is, 1);
	CHECK_EQ(open(t.name, O_RDWR | O_NOCTTY), -1);
	CHECK_EQ(errno, EIO);
	is = 0;
	CHECK(!ioctl(t.m, TIOCSPTLCK, &is));
	CHECK(open(t.name, O_RDWR | O_NOCTTY) >= 0);
}

CKPT_TEST(exclusive)
{
	int is = 0;
	struct term t;

	open_term(&t);
	REQUIRE(!ioctl(t.s, TIOCEXCL));
	ckpt_ready();
	CHECK(!ioctl(t.s, TIOCGEXCL, &is));
	CHECK_EQ(is, 1);
	CHECK(!ioctl(t.m, TIOCGEXCL, &is));
	CHECK_EQ(is, 0);
}

/* ---------------------------------------------------- one end, or no end */

CKPT_TEST(never_opened)
{
	struct pollfd p = { .events = POLLIN | POLLOUT };
	struct term t;

	open_master(&t, "/dev/ptmx", "/dev/pts");
	nonblock(t.m);
	put(t.m, "early\n");
	ckpt_ready();
	p.fd = t.m;
	expect(t.m, "early\r\n");
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	t.s = open(t.name, O_RDWR | O_NOCTTY);
	expect(t.s, "early\n");
}

CKPT_TEST(other_end_closed)
{
	struct pollfd p = { .events = POLLIN };
	struct term t;
	char c;

	open_term(&t);
	raw(&t);
	put(t.s, "last");
	put(t.m, "kept");
	CKPT_WAIT_FOR(in_queue(t.s) == 4);
	close(t.s);
	ckpt_ready();
	p.fd = t.m;
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN | POLLHUP);
	expect(t.m, "last");
	CHECK_EQ(read(t.m, &c, 1), -1);
	CHECK_EQ(errno, EIO);
	t.s = open(t.name, O_RDWR | O_NOCTTY);
	expect(t.s, "kept");
	put(t.s, "back");
	expect(t.m, "back");
}

static void check_hung_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct termios io;
	char c;

	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN | POLLERR | POLLHUP);
	CHECK_EQ(read(fd, &c, 1), 0);
	CHECK_EQ(write(fd, "x", 1), -1);
	CHECK_EQ(errno, EIO);
	CHECK_EQ(ioctl(fd, TCGETS, &io), -1);
	CHECK_EQ(errno, EIO);
}

CKPT_TEST(master_closed)
{
	struct term t;
	int fd;

	open_term(&t);
	put(t.m, "lost\n");
	close(t.m);
	nonblock(t.s);
	fd = dup(t.s);
	ckpt_ready();
	check_hung_up(t.s);
	fcntl(fd, F_SETFL, 0);
	CHECK_EQ(fcntl(t.s, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	CHECK_EQ(open(t.name, O_RDWR | O_NOCTTY), -1);
}

/* By a session that it controls for that */
static void hang_up(const struct term *t)
{
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (!pid) {
		signal(SIGHUP, SIG_IGN);
		if (setsid() < 0 || ioctl(t->s, TIOCSCTTY, 0))
			_exit(1);
		_exit(syscall(SYS_vhangup) != 0);
	}
	ckpt_join(pid, 0);
}

/* The terminal lives on, what was open does not. */
CKPT_TEST(hung_up)
{
	struct term t;
	int fd;

	open_term(&t);
	hang_up(&t);
	ckpt_ready();
	check_hung_up(t.s);
	fd = open(t.name, O_RDWR | O_NOCTTY);
	CHECK(fd >= 0);
	put(t.m, "new\n");
	expect(fd, "new\n");
	check_hung_up(t.s);
}

CKPT_TEST(hung_up_and_opened_again)
{
	struct term t;
	int fd;

	open_term(&t);
	hang_up(&t);
	fd = open(t.name, O_RDWR | O_NOCTTY);
	REQUIRE(fd >= 0);
	put(t.m, "one\n");
	ckpt_ready();
	check_hung_up(t.s);
	expect(fd, "one\n");
	put(t.m, "two\n");
	expect(fd, "two\n");
}

/* ------------------------------------------------------------- sessions */

static volatile sig_atomic_t interrupted;

static void on_int(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* A shell, or what matters of it: leads a session, and has a job */
struct session {
	struct term t;
	struct ckpt_gate ready;
	struct ckpt_gate go;
	struct ckpt_gate done;
	bool no_files;
	bool in_front;
};

static int job(void *arg)
{
	struct session *s = arg;

	setpgid(0, 0);
	signal(SIGINT, on_int);
	ckpt_gate_open(&s->ready, 1);
	ckpt_gate_wait(&s->go);
	CKPT_WAIT_FOR(interrupted);
	CHECK_EQ(open("/dev/tty", O_RDWR) >= 0, 1);
	return 7;
}

static int shell(void *arg)
{
	struct session *s = arg;
	int tty = -1, pgrp, sid;
	pid_t pid, now;

	REQUIRE(setsid() == getpid());
	signal(SIGTTOU, SIG_IGN);
	close(s->t.m);
	REQUIRE(!ioctl(s->t.s, TIOCSCTTY, 0));
	tty = open("/dev/tty", O_RDWR);
	REQUIRE(tty >= 0);
	pid = ckpt_fork(job, s);
	setpgid(pid, pid);
	pgrp = s->in_front ? pid : getpid();
	REQUIRE(!ioctl(tty, TIOCSPGRP, &pgrp));
	if (s->no_files) {
		close(tty);
		close(s->t.s);
	}
	ckpt_gate_open(&s->ready, 1);
	ckpt_gate_wait(&s->go);

	if (s->no_files)
		tty = open("/dev/tty", O_RDWR);
	CHECK(tty >= 0);
	CHECK(!ioctl(tty, TIOCGPGRP, &now));
	CHECK_EQ(now, pgrp);
	CHECK(!ioctl(tty, TIOCGSID, &sid));
	CHECK_EQ(sid, getpid());
	if (!s->in_front) {
		pgrp = pid;
		CHECK(!ioctl(tty, TIOCSPGRP, &pgrp));
	}
	ckpt_gate_open(&s->done, 1);
	ckpt_join(pid, 7);
	return 3;
}

static void run_session(bool no_files, bool in_front)
{
	struct session s = { .no_files = no_files, .in_front = in_front };
	pid_t pid;

	open_term(&s.t);
	ckpt_gate_init(&s.ready);
	ckpt_gate_init(&s.go);
	ckpt_gate_init(&s.done);
	pid = ckpt_fork(shell, &s);
	close(s.t.s);
	ckpt_gate_wait(&s.ready);
	ckpt_gate_wait(&s.ready);
	ckpt_ready();
	ckpt_gate_open(&s.go, 2);
	ckpt_gate_wait(&s.done);
	put(s.t.m, "\003");
	ckpt_join(pid, 3);
}

CKPT_TEST(session)
{
	run_session(false, false);
}

CKPT_TEST(session_with_job_in_front)
{
	run_session(false, true);
}

CKPT_TEST(session_without_files)
{
	run_session(true, true);
}

static int reads(void *arg)
{
	struct term *t = arg;
	char buf[16] = "";

	if (read(t->s, buf, sizeof(buf)) != 5 || strcmp(buf, "line\n"))
		return 1;
	return 5;
}

#define MORE	20000

/* More than there may be room for after a restart */
static int writes(void *arg)
{
	static unsigned char buf[MORE];
	struct term *t = arg;
	size_t done = 0, i;
	ssize_t n;

	for (i = 0; i < MORE; i++)
		buf[i] = i;
	while (done < MORE) {
		n = write(t->s, buf + done, MORE - done);
		if (n <= 0)
			return 1;
		done += n;
	}
	return 6;
}

CKPT_TEST(blocked)
{
	struct term t;
	size_t nr;
	pid_t r, w;

	open_term(&t);
	plain(&t, ECHO);
	nr = fill(t.s, t.m, 0);
	fcntl(t.s, F_SETFL, 0);
	r = ckpt_fork(reads, &t);
	w = ckpt_fork(writes, &t);
	ckpt_wait_blocked(r, r, SYS_read);
	ckpt_wait_blocked(w, w, SYS_write);
	ckpt_ready();
	drain(t.m, nr, 0);
	drain(t.m, MORE, 0);
	ckpt_join(w, 6);
	put(t.m, "line\n");
	ckpt_join(r, 5);
}

/* What was told already is not told again. */
CKPT_TEST(polled)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET }, got;
	int ep = epoll_create1(0);
	struct term t;

	open_term(&t);
	raw(&t);
	REQUIRE(ep >= 0 && !epoll_ctl(ep, EPOLL_CTL_ADD, t.m, &event));
	put(t.s, "a");
	CKPT_WAIT_FOR(in_queue(t.m) == 1);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	ckpt_ready();
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	put(t.s, "b");
	CHECK_EQ(epoll_wait(ep, &got, 1, -1), 1);
}

/* ------------------------------------------------- a devpts of the tree's */

CKPT_TEST_ONLY(devpts_of_its_own, CKPT_CONTAINER)
{
	struct term t, t2;
	struct stat st;

	REQUIRE(!mkdir("pts", 0755));
	REQUIRE(!mount("devpts", "pts", "devpts", 0,
		       "newinstance,ptmxmode=0600,gid=5,mode=620"));
	REQUIRE(!chmod("pts/ptmx", 0666));
	open_master(&t, "pts/ptmx", "pts");
	close(t.m);
	open_master(&t, "pts/ptmx", "pts");
	t.s = open(t.name, O_RDWR | O_NOCTTY);
	REQUIRE(t.s >= 0);
	raw(&t);
	put(t.m, "down");
	CKPT_WAIT_FOR(in_queue(t.s) == 4);
	/* by a mount of that node alone, as /dev/ptmx of many containers is */
	REQUIRE(open("ptmx", O_RDONLY | O_CREAT, 0600) >= 0);
	REQUIRE(!mount("pts/ptmx", "ptmx", NULL, MS_BIND, NULL));
	open_master(&t2, "ptmx", "pts");
	t2.s = open(t2.name, O_RDWR | O_NOCTTY);
	REQUIRE(t2.s >= 0 && t2.nr == 1);
	raw(&t2);
	ckpt_ready();
	put(t2.m, "other");
	expect(t2.s, "other");
	CHECK(!stat("pts/ptmx", &st));
	CHECK_EQ(st.st_mode & 07777, 0666);
	CHECK(!stat(t.name, &st));
	CHECK_EQ(st.st_mode & 07777, 0620);
	CHECK_EQ(st.st_gid, 5);
	expect(t.s, "down");
	put(t.s, "up");
	expect(t.m, "up");
	close(t.m);
	CHECK_EQ(stat(t.name, &st), -1);
	check_hung_up(t.s);
}

/* ------------------------------------------------------ what is refused */

CKPT_VICTIM(has_terminal)
{
	struct term t;

	open_term(&t);
	ckpt_ready();
	put(t.m, "a\n");
	expect(t.s, "a\n");
}

DRIVER_TEST(other_end_open_outside)
{
	struct ckpt_victim *v = &self->v;
	char name[64];
	int fd, i;

	ckpt_start(v, "has_terminal", 0);
	for (i = 0, fd = -1; i < 64 && fd < 0; i++) {
		snprintf(name, sizeof(name), "/dev/pts/%d", i);
		fd = open(name, O_RDWR | O_NOCTTY);
	}
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOSYS, ckpt_checkpoint(v, CHECKPOINT_KILL));
	EXPECT_TRUE(ckpt_logged(v, "open outside of the tree"))
		TH_LOG("%s", v->log);
	close(fd);
	ckpt_checkpoint_kill(v);
	ckpt_end(v);
}

DRIVER_TEST(number_in_use)
{
	struct ckpt_victim *v = &self->v;
	int fd, i, fds[64], nr = 0;
	long ret;

	ckpt_start(v, "has_terminal", 0);
	ckpt_checkpoint_kill(v);
	for (i = 0; i < 8; i++) {
		fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		fds[nr++] = fd;
	}
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-EEXIST, ret);
	EXPECT_TRUE(ckpt_logged(v, "in use")) TH_LOG("%s", v->log);
	while (nr)
		close(fds[--nr]);
	ckpt_restart_finish(v);
}

/* An ordinary user cannot lock settings, by an image no more than by hand. */
DRIVER_TEST(locked_by_an_ordinary_user)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_tty *tty;
	struct image image;

	ASSERT_EQ(0, ckpt_ordinary_user());
	ckpt_start(v, "has_terminal", CKPT_USER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	tty = image_at(&image, CKPT_HDR_TTY, 0);
	ASSERT_TRUE(tty);
	tty->locked.lflag = ECHO;
	EXPECT_EQ(-EPERM, image_restart(v, &image));
	EXPECT_TRUE(ckpt_logged(v, "locked settings")) TH_LOG("%s", v->log);
	tty->locked.lflag = 0;
	image_restart_finish(v, &image);
}

REFUSED(other_discipline, "line discipline")
{
	int ldisc = 27 /* N_NULL */;
	struct term t;

	open_term(&t);
	REQUIRE(!ioctl(t.s, TIOCSETD, &ldisc));
	ckpt_ready();
}

/* ------------------------------------------- terminals from outside */

static int open_pty(char *name, size_t size)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), unlock = 0;
	int n;

	if (fd < 0 || ioctl(fd, TIOCSPTLCK, &unlock) ||
	    ioctl(fd, TIOCGPTN, &n))
		return -1;
	snprintf(name, size, "/dev/pts/%d", n);
	return fd;
}

CKPT_VICTIM(sets_terminal)
{
	struct termios io, after;
	struct winsize size;

	get(PASSED, &io);
	io.c_lflag &= ~(ECHO | ICANON);
	io.c_cc[VINTR] = 'i';
	REQUIRE(!ioctl(PASSED, TCSETS, &io));
	ckpt_ready();
	get(PASSED, &after);
	CHECK_EQ(after.c_lflag, io.c_lflag);
	CHECK_EQ(after.c_cc[VINTR], 'i');
	CHECK(!ioctl(PASSED, TIOCGWINSZ, &size));
	CHECK_EQ(size.ws_row, 11);
}

DRIVER_TEST(settings_of_a_given_one)
{
	struct winsize size = { .ws_row = 11, .ws_col = 22 };
	struct ckpt_victim *v = &self->v;
	int master[2], slave[2], i;
	struct termios io;
	char name[64];
	long ret;

	for (i = 0; i < 2; i++) {
		master[i] = open_pty(name, sizeof(name));
		if (master[i] < 0)
			SKIP(return, "no pseudo terminals");
		slave[i] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
		ASSERT_LE(0, slave[i]);
	}
	ASSERT_EQ(0, ioctl(slave[0], TIOCSWINSZ, &size));
	ckpt_pass(slave[0], PASSED);
	ckpt_start(v, "sets_terminal", 0);
	ckpt_checkpoint_kill(v);
	/* one that fails changes nothing */
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOENT, ret);
	get(slave[1], &io);
	EXPECT_TRUE(io.c_lflag & ECHO);
	v->tty_fd = slave[1];
	ckpt_restart_finish(v);
}

CKPT_VICTIM(leads_session)
{
	int sid, fd, pgrp;

	REQUIRE(!ioctl(PASSED, TIOCSCTTY, 0));
	ckpt_ready();
	fd = open("/dev/tty", O_RDWR);
	CHECK(fd >= 0);
	CHECK(!ioctl(fd, TIOCGSID, &sid));
	CHECK_EQ(sid, getpid());
	CHECK(!ioctl(fd, TIOCGPGRP, &pgrp));
	CHECK_EQ(pgrp, getpgrp());
}

/* A job that has the terminal of a session outside, as one of a shell has */
CKPT_VICTIM(in_front)
{
	int fd = open("/dev/tty", O_RDWR), group, now;
	struct termios io;

	signal(SIGTTOU, SIG_IGN);
	REQUIRE(fd >= 0 && !setpgid(0, 0));
	group = getpgrp();
	REQUIRE(!ioctl(fd, TIOCSPGRP, &group));
	get(fd, &io);
	io.c_cc[VINTR] = 'i';
	REQUIRE(!ioctl(fd, TCSETS, &io));
	ckpt_ready();
	CHECK(!ioctl(fd, TIOCGPGRP, &now));
	CHECK_EQ(now, group);
	get(fd, &io);
	CHECK_EQ(io.c_cc[VINTR], 'i');
}

CKPT_VICTIM(in_background)
{
	int fd = open("/dev/tty", O_RDWR), now;
	struct termios io;

	REQUIRE(fd >= 0 && !setpgid(0, 0));
	ckpt_ready();
	CHECK(!ioctl(fd, TIOCGPGRP, &now));
	CHECK(now != getpgrp());
	get(fd, &io);
	CHECK_EQ(io.c_cc[VINTR], 'x');
}

/* As a shell, with a job, and then another one: restart */
static void run_job(int slave, struct ckpt_victim *v, const char *victim)
{
	struct termios io;
	int group;
	long ret;

	signal(SIGTTOU, SIG_IGN);
	if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0))
		ckpt_die("no controlling terminal: %s", strerror(errno));
	ckpt_start(v, victim, CKPT_SAME_SESSION);
	ckpt_checkpoint_kill(v);
	group = getpgrp();
	if (ioctl(slave, TIOCSPGRP, &group) || ioctl(slave, TCGETS, &io))
		ckpt_die("terminal: %s", strerror(errno));
	io.c_cc[VINTR] = 'x';
	if (ioctl(slave, TCSETS, &io))
		ckpt_die("terminal: %s", strerror(errno));
	v->tty_fd = slave;
	ret = ckpt_restart(v, 0);
	if (ret <= 0)
		ckpt_die("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	ckpt_end(v);
	_exit(0);
}

static int run_job_on_terminal(struct ckpt_victim *v, const char *victim)
{
	char name[64];
	int master = open_pty(name, sizeof(name)), slave, status;
	pid_t pid;

	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || slave < 0)
		return -1;
	pid = fork();
	if (!pid)
		run_job(slave, v, victim);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	close(slave);
	close(master);
	return status;
}

DRIVER_TEST(job_in_front)
{
	EXPECT_EQ(0, run_job_on_terminal(&self->v, "in_front"));
}

DRIVER_TEST(job_in_background)
{
	EXPECT_EQ(0, run_job_on_terminal(&self->v, "in_background"));
}

/* It is that of the session again, if it is that of no other one. */
DRIVER_TEST(session_on_a_given_one)
{
	struct ckpt_victim *v = &self->v;
	int master[2], slave[2], i;
	char name[64];
	pid_t pid;
	long ret;

	for (i = 0; i < 2; i++) {
		master[i] = open_pty(name, sizeof(name));
		if (master[i] < 0)
			SKIP(return, "no pseudo terminals");
		slave[i] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
		ASSERT_LE(0, slave[i]);
	}
	ckpt_pass(slave[0], PASSED);
	ckpt_start(v, "leads_session", 0);
	ckpt_checkpoint_kill(v);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (setsid() < 0 || ioctl(slave[1], TIOCSCTTY, 0))
			_exit(1);
		pause();
		_exit(0);
	}
	while (ioctl(master[1], TIOCGSID, &i) || i != pid)
		ckpt_pause();
	v->tty_fd = slave[1];
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-EPERM, ret);
	EXPECT_TRUE(ckpt_logged(v, "another session")) TH_LOG("%s", v->log);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
