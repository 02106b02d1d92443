// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors that came from outside of the tree: named in the image, and
 * given again at restart.
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

#define PASSED	100

CKPT_VICTIM(has_nothing_else)
{
	ckpt_ready();
}

/* The driver still has both pipes, so it only must not give them. */
DRIVER_TEST(not_given)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_world before;
	unsigned int given;
	long ret;

	ckpt_start(v, "has_nothing_else", 0);
	ckpt_checkpoint_kill(v);
	ckpt_world_take(&before);
	given = v->nr_inherit;
	for (v->nr_inherit = 0; v->nr_inherit < given; v->nr_inherit++) {
		ret = ckpt_restart(v, 0);
		EXPECT_EQ(-ENOENT, ret);
		EXPECT_TRUE(ckpt_logged(v, "pipe:[")) TH_LOG("%s", v->log);
	}
	ckpt_world_expect(&before, 8192);
	/* Another name is another file. */
	v->inherit_name[0][0] = 'q';
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOENT, ret);
	v->inherit_name[0][0] = 'p';
	ckpt_restart_finish(v);
}

/*
 * Nobody outside has the same open file: that the other end of the pipe is
 * outside makes it external. Other pipes take their place.
 */
DRIVER_TEST(only_the_other_end_is_outside)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "has_nothing_else", 0);
	close(v->report[1]);
	close(v->go[0]);
	ckpt_checkpoint_kill(v);
	close(v->report[0]);
	close(v->go[1]);
	ASSERT_EQ(0, pipe2(v->report, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(v->go, O_CLOEXEC));
	v->inherit[0].fd = v->report[1];
	v->inherit[1].fd = v->go[0];
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_ping(v);
	ckpt_finish(v);
	ckpt_end(v);
}

CKPT_VICTIM(appends)
{
	CHECK_EQ(write(PASSED, "before ", 7), 7);
	ckpt_ready();
	CHECK_EQ(write(PASSED, "after", 5), 5);
}

/* As a shell's "> file": the open file is the shell's too. */
DRIVER_TEST(regular_file)
{
	struct ckpt_victim *v = &self->v;
	int fd, other = ckpt_tmpfile();
	char path[64], buf[32] = "";
	long ret;

	snprintf(path, sizeof(path), "/tmp/ckpt.out.%d", getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	ckpt_pass(fd, PASSED);
	ckpt_start(v, "appends", 0);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOENT, ret);
	EXPECT_TRUE(ckpt_logged(v, path)) TH_LOG("%s", v->log);
	ckpt_inherit_link(v, fd);
	v->inherit[2].fd = other;
	ASSERT_EQ(6, write(other, "other ", 6));
	ret = ckpt_restart(v, 0);
	unlink(path);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	ASSERT_EQ(11, pread(other, buf, sizeof(buf) - 1, 0));
	EXPECT_STREQ("other after", buf);
	ASSERT_EQ(7, pread(fd, buf, sizeof(buf) - 1, 0));
	ckpt_end(v);
}

/* The victim's own memory has nothing of it: it comes from the file. */
CKPT_VICTIM(maps)
{
	char *mem = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, PASSED, 0);

	REQUIRE(mem != MAP_FAILED);
	CHECK(!strcmp(mem, "mapped"));
	ckpt_ready();
	CHECK(!strcmp(mem, "mapped"));
}

/* One that is mapped, too, must have what was mapped. */
DRIVER_TEST(mapped_file)
{
	struct ckpt_victim *v = &self->v;
	int fd, other = ckpt_tmpfile();
	char path[64];
	long ret;

	snprintf(path, sizeof(path), "/tmp/ckpt.mapped.%d", getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(7, write(fd, "mapped", 7));
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	ASSERT_LE(0, fd);
	ckpt_pass(fd, PASSED);
	ckpt_start(v, "maps", 0);
	ckpt_checkpoint_kill(v);
	ckpt_inherit_link(v, fd);
	v->inherit[2].fd = other;
	ASSERT_EQ(8, write(other, "another", 8));
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ESTALE, ret);
	EXPECT_TRUE(ckpt_logged(v, "mapped")) TH_LOG("%s", v->log);
	v->inherit[2].fd = fd;
	ckpt_restart_finish(v);
}

CKPT_VICTIM(twice)
{
	CHECK_EQ(fcntl(PASSED, F_GETFL), fcntl(PASSED + 1, F_GETFL));
	ckpt_ready();
	CHECK_EQ(write(PASSED, "a", 1), 1);
	CHECK_EQ(write(PASSED + 1, "b", 1), 1);
	CHECK_EQ(fcntl(PASSED, F_GETFD), 0);
}

DRIVER_TEST(one_under_two_numbers)
{
	struct ckpt_victim *v = &self->v;
	char buf[4];
	int fd[2];
	long ret;

	ASSERT_EQ(0, pipe2(fd, O_CLOEXEC));
	ckpt_pass(fd[1], PASSED);
	ckpt_pass(fd[1], PASSED + 1);
	ckpt_start(v, "twice", CKPT_CONTAINER);
	ckpt_inherit_link(v, fd[1]);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	EXPECT_EQ(2, read(fd[0], buf, sizeof(buf)));
	ckpt_end(v);
}

CKPT_VICTIM(talks)
{
	char c = 0;

	ckpt_ready();
	CHECK_EQ(write(PASSED, "hello", 5), 5);
	CHECK_EQ(read(PASSED, &c, 1), 1);
	CHECK_EQ(c, 'y');
}

/* What cannot be saved can still be given again. */
DRIVER_TEST(socket)
{
	struct ckpt_victim *v = &self->v;
	int fd[2], other[2];
	char buf[8];
	long ret;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other));
	ckpt_pass(fd[1], PASSED);
	ckpt_start(v, "talks", 0);
	ckpt_inherit_link(v, fd[1]);
	v->inherit[2].fd = other[1];
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ASSERT_EQ(1, write(other[0], "y", 1));
	ckpt_finish(v);
	EXPECT_EQ(5, read(other[0], buf, sizeof(buf)));
	ckpt_end(v);
}

static int open_pty(char *name, size_t size)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), unlock = 0;
	struct termios raw;
	int n;

	if (fd < 0 || ioctl(fd, TIOCSPTLCK, &unlock) ||
	    ioctl(fd, TIOCGPTN, &n) || tcgetattr(fd, &raw))
		return -1;
	cfmakeraw(&raw);
	tcsetattr(fd, TCSANOW, &raw);
	snprintf(name, size, "/dev/pts/%d", n);
	return fd;
}

CKPT_VICTIM(uses_terminal)
{
	char c = 0;

	CHECK(isatty(PASSED));
	ckpt_ready();
	CHECK(isatty(PASSED));
	CHECK_EQ(write(PASSED, "on the terminal", 15), 15);
	CHECK_EQ(read(PASSED, &c, 1), 1);
	CHECK_EQ(c, 'k');
}

/* An external terminal becomes that of restart, by whatever name. */
DRIVER_TEST(terminal)
{
	struct ckpt_victim *v = &self->v;
	int master[2], slave[2], i;
	char name[64], buf[32] = "";
	long ret;

	for (i = 0; i < 2; i++) {
		master[i] = open_pty(name, sizeof(name));
		if (master[i] < 0)
			SKIP(return, "no pseudo terminals");
		slave[i] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
		ASSERT_LE(0, slave[i]);
	}
	ckpt_pass(slave[0], PASSED);
	ckpt_start(v, "uses_terminal", 0);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOENT, ret);
	v->tty_fd = slave[1];
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ASSERT_EQ(1, write(master[1], "k", 1));
	ckpt_finish(v);
	EXPECT_EQ(15, read(master[1], buf, sizeof(buf) - 1));
	EXPECT_STREQ("on the terminal", buf);
	ckpt_end(v);
}

/* Unless it is given by its name */
DRIVER_TEST(terminal_by_name)
{
	struct ckpt_victim *v = &self->v;
	int master, slave;
	char name[64], buf[32];
	long ret;

	master = open_pty(name, sizeof(name));
	if (master < 0)
		SKIP(return, "no pseudo terminals");
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ASSERT_LE(0, slave);
	ckpt_pass(slave, PASSED);
	ckpt_start(v, "uses_terminal", 0);
	ckpt_checkpoint_kill(v);
	ckpt_inherit(v, name, slave);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ASSERT_EQ(1, write(master, "k", 1));
	ckpt_finish(v);
	EXPECT_EQ(15, read(master, buf, sizeof(buf)));
	ckpt_end(v);
}

CKPT_VICTIM(has_terminal)
{
	int fd = open("/dev/tty", O_RDWR);

	REQUIRE(fd >= 0);
	close(fd);
	ckpt_ready();
	fd = open("/dev/tty", O_RDWR);
	CHECK(fd >= 0);
	CHECK(getsid(0) != getpid());
}

/* As a shell does for its user, and then this test under it */
static void lead_session(int slave, struct ckpt_victim *v)
{
	long ret;

	if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0))
		ckpt_die("no controlling terminal: %s", strerror(errno));
	ckpt_start(v, "has_terminal", CKPT_SAME_SESSION);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, 0);
	if (ret <= 0)
		ckpt_die("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

/* A job of an interactive shell has a terminal, which that of restart becomes. */
DRIVER_TEST(controlling_terminal)
{
	int master, slave, status;
	char name[64];
	pid_t pid;

	master = open_pty(name, sizeof(name));
	if (master < 0)
		SKIP(return, "no pseudo terminals");
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ASSERT_LE(0, slave);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		lead_session(slave, &self->v);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
