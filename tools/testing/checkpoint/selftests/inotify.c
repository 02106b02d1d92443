// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors of inotify_init(2): what they watch, and what was not read yet.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int instance(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	REQUIRE(fd >= 0);
	return fd;
}

static int watch(int fd, const char *path, uint32_t mask)
{
	int wd = inotify_add_watch(fd, path, mask);

	REQUIRE(wd >= 0);
	return wd;
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	REQUIRE(fd >= 0);
	close(fd);
}

/* The next event must be this one; returns its cookie. */
static uint32_t expect_event(int fd, int line, int wd, uint32_t mask,
			     const char *name)
{
	char buf[sizeof(struct inotify_event) + 256];
	struct inotify_event *e = (void *)buf;
	/* room for exactly one */
	size_t room = name ? strlen(name) / 16 * 16 + 16 : 0;
	ssize_t n = read(fd, buf, sizeof(*e) + room);

	if (n < 0) {
		ckpt_fail(__FILE__, line, "no event: %m");
		return 0;
	}
	if (e->wd != wd || e->mask != mask ||
	    strcmp(e->len ? e->name : "", name ?: ""))
		ckpt_fail(__FILE__, line, "watch %d, %#x, '%s'", e->wd, e->mask,
			  e->len ? e->name : "");
	return e->cookie;
}

#define EVENT(fd, wd, mask, name)					\
	expect_event(fd, __LINE__, wd, mask, name)

#define NO_EVENT(fd)							\
	do {								\
		char __buf[512];					\
									\
		CHECK_EQ(read(fd, __buf, sizeof(__buf)), -1);		\
		CHECK_EQ(errno, EAGAIN);				\
	} while (0)

static int queued(int fd)
{
	int n = -1;

	CHECK(!ioctl(fd, FIONREAD, &n));
	return n;
}

CKPT_TEST(watches)
{
	int fd = instance(), dir, file, all;

	REQUIRE(!mkdir("d", 0700));
	touch("d/f");
	dir = watch(fd, "d", IN_CREATE | IN_DELETE);
	file = watch(fd, "d/f", IN_MODIFY | IN_DELETE_SELF);
	all = watch(fd, ".", IN_ALL_EVENTS);
	REQUIRE(!inotify_rm_watch(fd, all));
	EVENT(fd, all, IN_IGNORED, NULL);
	ckpt_ready();
	/* restoring has told nothing */
	NO_EVENT(fd);
	touch("d/g");
	EVENT(fd, dir, IN_CREATE, "g");
	REQUIRE(!truncate("d/f", 5));
	EVENT(fd, file, IN_MODIFY, NULL);
	/* the number that comes next, and not that of a watch that is gone */
	CHECK_EQ(watch(fd, "d", IN_CREATE | IN_DELETE), dir);
	CHECK_EQ(watch(fd, "d/g", IN_ATTRIB), all + 1);
	REQUIRE(!unlink("d/f"));
	EVENT(fd, file, IN_DELETE_SELF, NULL);
	EVENT(fd, file, IN_IGNORED, NULL);
	EVENT(fd, dir, IN_DELETE, "f");
	unlink("d/g");
	rmdir("d");
	CHECK(queued(fd) > 0);
}

/* A signal for each event, but not for those that it told of before */
CKPT_TEST(signals)
{
	struct timespec none = { 0 };
	int fd = instance(), wd;
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	REQUIRE(!sigprocmask(SIG_BLOCK, &set, NULL));
	wd = watch(fd, ".", IN_CREATE);
	REQUIRE(!fcntl(fd, F_SETOWN, getpid()));
	REQUIRE(!fcntl(fd, F_SETSIG, SIGRTMIN + 1));
	REQUIRE(!fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC));
	touch("a");
	touch("b");
	REQUIRE(sigtimedwait(&set, &info, &none) == SIGRTMIN + 1);
	ckpt_ready();
	CHECK_EQ(sigtimedwait(&set, &info, &none), SIGRTMIN + 1);
	CHECK_EQ(info.si_fd, fd);
	CHECK_EQ(sigtimedwait(&set, &info, &none), -1);
	touch("c");
	CHECK_EQ(sigtimedwait(&set, &info, &none), SIGRTMIN + 1);
	CHECK_EQ(info.si_fd, fd);
	EVENT(fd, wd, IN_CREATE, "a");
	EVENT(fd, wd, IN_CREATE, "b");
	EVENT(fd, wd, IN_CREATE, "c");
	NO_EVENT(fd);
	unlink("a");
	unlink("b");
	unlink("c");
	CHECK_EQ(sigtimedwait(&set, &info, &none), -1);
}

CKPT_TEST(flags)
{
	int fd = instance(), once, excl, open_fd;

	REQUIRE(!mkdir("once", 0700) && !mkdir("excl", 0700));
	once = watch(fd, "once", IN_CREATE | IN_ONESHOT);
	excl = watch(fd, "excl", IN_MODIFY | IN_EXCL_UNLINK);
	ckpt_ready();
	touch("once/a");
	touch("once/b");
	EVENT(fd, once, IN_CREATE, "a");
	EVENT(fd, once, IN_IGNORED, NULL);
	open_fd = open("excl/a", O_RDWR | O_CREAT, 0600);
	REQUIRE(open_fd >= 0 && write(open_fd, "x", 1) == 1);
	EVENT(fd, excl, IN_MODIFY, "a");
	REQUIRE(!unlink("excl/a") && write(open_fd, "x", 1) == 1);
	NO_EVENT(fd);
	close(open_fd);
	unlink("once/a");
	unlink("once/b");
	rmdir("once");
	rmdir("excl");
}

CKPT_TEST(queue)
{
	int fd = instance(), wd, gone;
	uint32_t from, to;

	REQUIRE(!mkdir("q", 0700));
	wd = watch(fd, "q", IN_CREATE | IN_MOVE | IN_DELETE);
	touch("q/a name that is a bit longer than the others");
	REQUIRE(!rename("q/a name that is a bit longer than the others",
			"q/b"));
	REQUIRE(!mkdir("q/sub", 0700));
	gone = watch(fd, "q/sub", IN_CREATE);
	touch("q/sub/x");
	REQUIRE(!inotify_rm_watch(fd, gone));
	ckpt_ready();
	EVENT(fd, wd, IN_CREATE, "a name that is a bit longer than the others");
	from = EVENT(fd, wd, IN_MOVED_FROM,
		     "a name that is a bit longer than the others");
	to = EVENT(fd, wd, IN_MOVED_TO, "b");
	CHECK(from && from == to);
	EVENT(fd, wd, IN_CREATE | IN_ISDIR, "sub");
	EVENT(fd, gone, IN_CREATE, "x");
	EVENT(fd, gone, IN_IGNORED, NULL);
	NO_EVENT(fd);
	unlink("q/sub/x");
	rmdir("q/sub");
	unlink("q/b");
	EVENT(fd, wd, IN_DELETE | IN_ISDIR, "sub");
	EVENT(fd, wd, IN_DELETE, "b");
	rmdir("q");
}

/* The same event again is none, before and after. */
CKPT_TEST(merges)
{
	int fd = instance(), wd;

	touch("m");
	wd = watch(fd, ".", IN_ATTRIB);
	REQUIRE(!chmod("m", 0600));
	ckpt_ready();
	REQUIRE(!chmod("m", 0640));
	EVENT(fd, wd, IN_ATTRIB, "m");
	NO_EVENT(fd);
	unlink("m");
}

CKPT_TEST(overflow)
{
	int fd, wd, i;
	char old[32], name[32];

	REQUIRE(ckpt_read_file("/proc/sys/fs/inotify/max_queued_events", old,
			       sizeof(old)) > 0);
	if (ckpt_write_file("/proc/sys/fs/inotify/max_queued_events", "3"))
		ckpt_skip("max_queued_events: %m");
	fd = instance();
	ckpt_write_file("/proc/sys/fs/inotify/max_queued_events", old);
	wd = watch(fd, ".", IN_CREATE);
	for (i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		touch(name);
		unlink(name);
	}
	ckpt_ready();
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		EVENT(fd, wd, IN_CREATE, name);
	}
	EVENT(fd, -1, IN_Q_OVERFLOW, NULL);
	NO_EVENT(fd);
	/* there is room for three still */
	for (i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		touch(name);
		unlink(name);
	}
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		EVENT(fd, wd, IN_CREATE, name);
	}
	EVENT(fd, -1, IN_Q_OVERFLOW, NULL);
	NO_EVENT(fd);
}

/* Told by an epoll before, or not yet */
CKPT_TEST(polled)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int told = instance(), untold = instance(), ep = epoll_create1(0);

	watch(told, ".", IN_CREATE);
	watch(untold, ".", IN_CREATE);
	ev.data.fd = told;
	REQUIRE(!epoll_ctl(ep, EPOLL_CTL_ADD, told, &ev));
	touch("p");
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	ev.events = EPOLLIN | EPOLLET;
	ev.data.fd = untold;
	REQUIRE(!epoll_ctl(ep, EPOLL_CTL_ADD, untold, &ev));
	ckpt_ready();
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	CHECK_EQ(ev.data.fd, untold);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	unlink("p");
}

static int waits(void *arg)
{
	char buf[sizeof(struct inotify_event) + 256];

	return read(*(int *)arg, buf, sizeof(buf)) > 0 ? 0 : 1;
}

CKPT_TEST(blocked)
{
	int fd = inotify_init();
	pid_t pid;

	REQUIRE(fd >= 0);
	watch(fd, ".", IN_CREATE);
	pid = ckpt_fork(waits, &fd);
	ckpt_wait_blocked(pid, pid, SYS_read);
	ckpt_ready();
	touch("w");
	ckpt_join(pid, 0);
	unlink("w");
}

/* In a file system of the container's own, that is made anew */
CKPT_TEST_ONLY(own_file_system, CKPT_CONTAINER)
{
	int fd = instance(), wd;

	REQUIRE(!mkdir("t", 0700));
	if (mount("t", "t", "tmpfs", 0, NULL))
		ckpt_skip("mount: %m");
	touch("t/f");
	wd = watch(fd, "t", IN_CREATE | IN_OPEN);
	ckpt_ready();
	NO_EVENT(fd);
	touch("t/g");
	EVENT(fd, wd, IN_CREATE, "g");
	EVENT(fd, wd, IN_OPEN, "g");
	CHECK(!umount2("t", MNT_DETACH));
	rmdir("t");
}

/* What is watched is open in the tree, and opened again by a restart. */
CKPT_TEST(opened_files)
{
	int fd = instance(), f = open("f", O_RDWR | O_CREAT, 0600), wd;

	REQUIRE(f >= 0);
	wd = watch(fd, ".", IN_ALL_EVENTS);
	ckpt_ready();
	NO_EVENT(fd);
	CHECK_EQ(write(f, "x", 1), 1);
	EVENT(fd, wd, IN_MODIFY, "f");
	unlink("f");
}

/* What is open, but has no name any more: two files, and a directory */
CKPT_TEST(removed)
{
	int fd = instance(), f, again, wd, gone, dir;

	REQUIRE(!mkdir("dir", 0700) && !mkdir("dir/below", 0700));
	f = open("file", O_RDWR | O_CREAT, 0600);
	again = open("file", O_RDWR);
	gone = open("dir/below/file", O_RDWR | O_CREAT, 0600);
	REQUIRE(f >= 0 && again >= 0 && gone >= 0);
	wd = watch(fd, "file", IN_MODIFY | IN_DELETE_SELF);
	dir = watch(fd, "dir/below", IN_MODIFY | IN_DELETE_SELF);
	REQUIRE(!unlink("file") && !unlink("dir/below/file"));
	REQUIRE(!chdir("dir/below") && !rmdir("../below"));
	ckpt_ready();
	NO_EVENT(fd);
	CHECK_EQ(write(f, "x", 1), 1);
	EVENT(fd, wd, IN_MODIFY, NULL);
	close(f);
	NO_EVENT(fd);
	CHECK_EQ(write(gone, "x", 1), 1);
	EVENT(fd, dir, IN_MODIFY, "file");
	close(again);
	EVENT(fd, wd, IN_DELETE_SELF, NULL);
	EVENT(fd, wd, IN_IGNORED, NULL);
	close(gone);
	REQUIRE(!chdir("../.."));
	EVENT(fd, dir, IN_DELETE_SELF, NULL);
	EVENT(fd, dir, IN_IGNORED, NULL);
	rmdir("dir");
}

/*
 * The kernel has forgotten what the watched are called: in a file system that
 * can tell again, unlike one that lives in the names alone.
 */
CKPT_TEST(forgotten_names)
{
	int fd = instance(), file, dir, i;
	char path[64];

	snprintf(path, sizeof(path), "/sys/fs/cgroup/inotify.%d", getpid());
	if (mkdir(path, 0700) || chdir(path))
		ckpt_skip("%s: %m", path);
	REQUIRE(!mkdir("d", 0700));
	file = watch(fd, "cgroup.freeze", IN_MODIFY);
	dir = watch(fd, "d", IN_CREATE);
	REQUIRE(!chdir("/"));
	for (i = 0; i < 3; i++)
		ckpt_write_file("/proc/sys/vm/drop_caches", "2");
	ckpt_ready();
	REQUIRE(!chdir(path));
	CHECK(!ckpt_write_file("cgroup.freeze", "0"));
	EVENT(fd, file, IN_MODIFY, NULL);
	REQUIRE(!mkdir("d/x", 0700));
	EVENT(fd, dir, IN_CREATE | IN_ISDIR, "x");
	CHECK(!rmdir("d/x") && !rmdir("d"));
	CHECK(!chdir("/"));
	CHECK(!rmdir(path));
}

/* That is what the test tests. */
DRIVER_TEST(names_were_forgotten)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_inotify_watch *w;
	struct image image;

	ckpt_start(v, "forgotten_names", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	w = image_at(&image, CKPT_HDR_INOTIFY_WATCH, 0);
	EXPECT_LT(0, w->handle.len);
	image_free(&image);
	ckpt_restart_finish(v);
}

/* ------------------------------------------------------- at the restart */

CKPT_VICTIM(watches_a_file)
{
	int fd = instance();

	touch("f");
	watch(fd, "f", IN_MODIFY);
	ckpt_ready();
	REQUIRE(!truncate("f", 5));
	CHECK(queued(fd) > 0);
	unlink("f");
}

DRIVER_TEST(changed_meanwhile)
{
	struct ckpt_victim *v = &self->v;
	char path[128];
	int fd;

	ckpt_start(v, "watches_a_file", 0);
	ckpt_checkpoint_kill(v);
	snprintf(path, sizeof(path), "%s/f", v->dir);
	ASSERT_EQ(0, unlink(path));
	EXPECT_EQ(-ENOENT, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "inotify, watch 1")) TH_LOG("%s", v->log);
	ASSERT_EQ(0, mkdir(path, 0700));
	EXPECT_EQ(-ESTALE, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "inotify, watch 1")) TH_LOG("%s", v->log);
	ASSERT_EQ(0, rmdir(path));
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ASSERT_LE(0, fd);
	close(fd);
	ckpt_restart_finish(v);
}

CKPT_VICTIM(watches_what_goes)
{
	int fd = instance(), wd;

	touch("f");
	wd = watch(fd, "f", IN_DELETE_SELF);
	ckpt_ready();
	EVENT(fd, wd, IN_DELETE_SELF, NULL);
	EVENT(fd, wd, IN_IGNORED, NULL);
}

/*
 * Removed, and open outside of the tree alone: when that is closed, or written
 * to, cannot be in an image. As soon as it is gone, that is.
 */
DRIVER_TEST(removed_outside)
{
	struct ckpt_victim *v = &self->v;
	char path[128];
	int fd;

	ckpt_start(v, "watches_what_goes", 0);
	snprintf(path, sizeof(path), "%s/f", v->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unlink(path));
	EXPECT_EQ(-ENOSYS, ckpt_checkpoint(v, CHECKPOINT_KILL));
	EXPECT_TRUE(ckpt_logged(v, "inotify, watch 1: what it watches was removed"))
		TH_LOG("%s", v->log);
	ckpt_ping(v);
	close(fd);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
