// SPDX-License-Identifier: GPL-2.0
/*
 * Groups of fanotify_init(2): what they have marked, and what was not read yet.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID			0x1000
#endif
#ifndef FAN_RENAME
#define FAN_RENAME				0x10000000
#define FAN_EVENT_INFO_TYPE_OLD_DFID_NAME	10
#define FAN_EVENT_INFO_TYPE_NEW_DFID_NAME	12
#endif
#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE			0x200
#endif
#ifndef FAN_MARK_IGNORE
#define FAN_MARK_IGNORE				0x400
#endif

#define FIDS	(FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_FID)

static int group(unsigned int flags)
{
	int fd = fanotify_init(flags | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY);

	if (fd < 0)
		ckpt_skip("fanotify_init %#x: %m", flags);
	return fd;
}

static void mark(int fd, unsigned int flags, uint64_t mask, const char *path)
{
	if (fanotify_mark(fd, FAN_MARK_ADD | flags, mask, AT_FDCWD, path))
		ckpt_give_up(__FILE__, __LINE__, "fanotify_mark");
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	REQUIRE(fd >= 0);
	close(fd);
}

/* Is there nothing to be read? */
static void no_event(int fd, int line)
{
	char buf[4096];

	errno = 0;
	if (read(fd, buf, sizeof(buf)) != -1 || errno != EAGAIN)
		ckpt_fail(__FILE__, line, "there is an event");
}

#define NO_EVENT(fd)	no_event(fd, __LINE__)

/* The next event must be this one, of the file at @path, by process @pid. */
static void expect_path(int fd, int line, uint64_t mask, const char *path,
			pid_t pid)
{
	struct fanotify_event_metadata event;
	struct stat want, have;

	if (read(fd, &event, sizeof(event)) != sizeof(event)) {
		ckpt_fail(__FILE__, line, "no event: %m");
		return;
	}
	if (event.mask != mask || event.pid != pid || event.fd < 0) {
		ckpt_fail(__FILE__, line, "mask %#llx, pid %d, fd %d",
			  (unsigned long long)event.mask, event.pid, event.fd);
		return;
	}
	if (stat(path, &want) || fstat(event.fd, &have) ||
	    want.st_ino != have.st_ino || want.st_dev != have.st_dev)
		ckpt_fail(__FILE__, line, "not of %s", path);
	close(event.fd);
}

#define EVENT(fd, mask, path, pid)	expect_path(fd, __LINE__, mask, path, pid)

static int reads(void *arg)
{
	return close(open(arg, O_RDONLY));
}

/* By descriptors: from this process, and from one that is gone */
CKPT_TEST(files)
{
	int fd = group(FAN_CLASS_NOTIF);

	REQUIRE(!mkdir("d", 0700));
	touch("d/a");
	touch("b");
	mark(fd, 0, FAN_OPEN | FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD, "d");
	mark(fd, 0, FAN_CLOSE_NOWRITE, "b");
	touch("d/a");
	ckpt_join(ckpt_fork(reads, "b"), 0);
	ckpt_ready();
	EVENT(fd, FAN_OPEN | FAN_CLOSE_WRITE, "d/a", getpid());
	/* alive, its number is there; after a restart, nobody has it */
	{
		struct fanotify_event_metadata event;

		CHECK_EQ(read(fd, &event, sizeof(event)), sizeof(event));
		CHECK_EQ(event.mask, FAN_CLOSE_NOWRITE);
		close(event.fd);
	}
	NO_EVENT(fd);
	touch("d/a");
	EVENT(fd, FAN_OPEN | FAN_CLOSE_WRITE, "d/a", getpid());
	reads("b");
	EVENT(fd, FAN_CLOSE_NOWRITE, "b", getpid());
	NO_EVENT(fd);
	unlink("d/a");
	rmdir("d");
	unlink("b");
}

/* A mark of a file that has no name any more, while one of two has it open */
CKPT_TEST(removed)
{
	int fd = group(FAN_CLASS_NOTIF), f, again;
	char path[32];

	f = open("a", O_RDWR | O_CREAT, 0600);
	again = open("a", O_RDWR);
	REQUIRE(f >= 0 && again >= 0);
	mark(fd, 0, FAN_MODIFY, "a");
	REQUIRE(!unlink("a"));
	ckpt_ready();
	NO_EVENT(fd);
	close(f);
	CHECK_EQ(write(again, "x", 1), 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", again);
	EVENT(fd, FAN_MODIFY, path, getpid());
	NO_EVENT(fd);
}

/*
 * What a restart does itself, all sorts of files being opened and made again in
 * a directory and closed here and there, is no news to who watches that.
 */
CKPT_TEST(restart_is_silent)
{
	const uint64_t all = FAN_ACCESS | FAN_MODIFY | FAN_OPEN | FAN_CLOSE |
			     FAN_ONDIR | FAN_EVENT_ON_CHILD;
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "s" };
	int fd, in, a, b, p, d, s, s2;
	char *mem, buf[4096];

	a = open("a", O_RDWR | O_CREAT, 0600);
	b = open("b", O_RDWR | O_CREAT, 0600);
	REQUIRE(a >= 0 && b >= 0);
	REQUIRE(write(a, "x", 1) == 1 && write(b, "x", 1) == 1);
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0);
	REQUIRE(mem != MAP_FAILED);
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, b, 0);
	REQUIRE(mem != MAP_FAILED);
	*mem = 'y';
	REQUIRE(!mkfifo("p", 0600) && !mkdir("d", 0700));
	p = open("p", O_RDONLY | O_NONBLOCK);
	d = open("d", O_RDONLY | O_DIRECTORY);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	s2 = socket(AF_UNIX, SOCK_STREAM, 0);
	REQUIRE(p >= 0 && d >= 0 && s >= 0 && s2 >= 0);
	REQUIRE(!bind(s, (void *)&name, sizeof(name)) && !listen(s, 1));
	REQUIRE(!connect(s2, (void *)&name, sizeof(name)));
	REQUIRE(!unlink("b"));
	fd = group(FAN_CLASS_NOTIF);
	mark(fd, 0, all, ".");
	mark(fd, 0, all, "a");
	in = inotify_init1(IN_NONBLOCK);
	REQUIRE(in >= 0 && inotify_add_watch(in, ".", IN_ALL_EVENTS) > 0);
	ckpt_ready();
	NO_EVENT(fd);
	CHECK_EQ(read(in, buf, sizeof(buf)), -1);
	CHECK_EQ(errno, EAGAIN);
	reads("a");
	EVENT(fd, FAN_OPEN | FAN_CLOSE_NOWRITE, "a", getpid());
	CHECK(read(in, buf, sizeof(buf)) > 0);
	unlink("a");
	unlink("p");
	unlink("s");
	rmdir("d");
}

/* Give or refuse permission for what must wait for it next. */
static void answer(int fd, uint64_t mask, uint32_t response)
{
	struct fanotify_response r = { .response = response };
	struct fanotify_event_metadata event;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&p, 1, CKPT_WAIT_S * 1000), 1);
	CHECK_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	CHECK_EQ(event.mask, mask);
	r.fd = event.fd;
	CHECK_EQ(write(fd, &r, sizeof(r)), sizeof(r));
	close(event.fd);
}

static int opens(void *arg)
{
	return open(arg, O_RDONLY) < 0 ? errno : 0;
}

static void ask(int fd)
{
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (!pid)
		_exit(opens("a"));
	answer(fd, FAN_OPEN_PERM, FAN_DENY);
	ckpt_join(pid, EPERM);
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid)
		_exit(opens("a"));
	answer(fd, FAN_OPEN_PERM, FAN_ALLOW);
	ckpt_join(pid, 0);
}

/* Of a file that is open, too, and of one whose content is in the image */
CKPT_TEST(permission)
{
	int fd = group(FAN_CLASS_CONTENT), held, gone;

	held = open("a", O_RDWR | O_CREAT, 0600);
	gone = open("b", O_RDWR | O_CREAT, 0600);
	REQUIRE(held >= 0 && gone >= 0 && write(gone, "x", 1) == 1);
	mark(fd, 0, FAN_OPEN_PERM, "a");
	mark(fd, 0, FAN_OPEN_PERM | FAN_ACCESS_PERM, "b");
	REQUIRE(!unlink("b"));
	ask(fd);
	ckpt_ready();
	NO_EVENT(fd);
	ask(fd);
	close(fd);
	CHECK_EQ(pread(gone, &held, 1, 0), 1);
	CHECK_EQ(opens("a"), 0);
	unlink("a");
}

/* Merged with what waits, also when that was restored */
CKPT_TEST(merges)
{
	int fd = group(FAN_CLASS_NOTIF);
	int named = group(FIDS), n = 0, m = 0;

	touch("a");
	mark(fd, 0, FAN_OPEN | FAN_CLOSE, "a");
	mark(named, 0, FAN_CREATE | FAN_DELETE, ".");
	reads("a");
	touch("b");
	REQUIRE(!unlink("b"));
	REQUIRE(!ioctl(fd, FIONREAD, &n));
	ckpt_ready();
	CHECK(!ioctl(fd, FIONREAD, &m));
	CHECK_EQ(m, n);
	reads("a");
	CHECK(!ioctl(fd, FIONREAD, &m));
	CHECK_EQ(m, n);
	EVENT(fd, FAN_OPEN | FAN_CLOSE_NOWRITE, "a", getpid());
	NO_EVENT(fd);
	CHECK(!ioctl(named, FIONREAD, &n));
	touch("b");
	unlink("b");
	CHECK(!ioctl(named, FIONREAD, &m));
	CHECK_EQ(m, n);
	unlink("a");
}

/* One record of an event, as text: "type name", and whose handle it is */
static void record_text(const struct fanotify_event_info_header *h, char *to,
			size_t size)
{
	const struct fanotify_event_info_fid *fid = (const void *)h;
	const struct file_handle *handle = (const void *)fid->handle;
	const char *name = (const char *)handle->f_handle +
			   handle->handle_bytes;
	unsigned int i, n;

	n = snprintf(to, size, "%u ", h->info_type);
	for (i = 0; i < sizeof(fid->fsid); i++)
		n += snprintf(to + n, size - n, "%02x",
			      ((const unsigned char *)&fid->fsid)[i]);
	n += snprintf(to + n, size - n, " %x:", handle->handle_type);
	for (i = 0; i < handle->handle_bytes; i++)
		n += snprintf(to + n, size - n, "%02x", handle->f_handle[i]);
	if (h->info_type != FAN_EVENT_INFO_TYPE_FID &&
	    h->info_type != FAN_EVENT_INFO_TYPE_DFID)
		n += snprintf(to + n, size - n, " %s", name);
	snprintf(to + n, size - n, "\n");
}

/* All events that wait, as text */
static void events_text(int fd, char *to, size_t size)
{
	static char buf[65536] __attribute__((aligned(8)));
	struct fanotify_event_metadata *event = (void *)buf;
	ssize_t n = read(fd, buf, sizeof(buf));
	size_t used = 0, at;

	*to = '\0';
	for (; n > 0 && FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n)) {
		used += snprintf(to + used, size - used, "%#llx\n",
				 (unsigned long long)event->mask);
		at = event->metadata_len;
		while (at < event->event_len) {
			struct fanotify_event_info_header *h =
				(void *)event + at;

			record_text(h, to + used, size - used);
			used += strlen(to + used);
			at += h->len;
		}
	}
}

static void make_news(void)
{
	REQUIRE(!mkdir("d", 0700) && !mkdir("e", 0700));
	touch("d/a");
	REQUIRE(!rename("d/a", "e/a name that is rather long"));
	touch("e/b");
	REQUIRE(!unlink("e/b") && !chmod("e", 0711) && !rmdir("d"));
}

/* By handles: what two groups were told, one reads before the checkpoint. */
static void handles(unsigned int init, unsigned int flags, uint64_t mask)
{
	static char before[16384], after[16384];
	int a = group(init), b = group(init);

	mark(a, flags, mask, ".");
	mark(b, flags, mask, ".");
	make_news();
	events_text(a, before, sizeof(before));
	REQUIRE(strlen(before) > 100);
	ckpt_ready();
	NO_EVENT(a);
	events_text(b, after, sizeof(after));
	if (strcmp(before, after))
		ckpt_fail(__FILE__, __LINE__, "'%s' is not '%s'", after,
			  before);
	touch("e/c");
	unlink("e/c");
	events_text(a, before, sizeof(before));
	events_text(b, after, sizeof(after));
	CHECK(strlen(before) > 10 || !(flags & FAN_MARK_FILESYSTEM));
	CHECK(!strcmp(before, after));
	unlink("e/a name that is rather long");
	rmdir("e");
}

#define CHANGES	(FAN_CREATE | FAN_DELETE | FAN_MOVE | FAN_ATTRIB | FAN_ONDIR)

CKPT_TEST(named)
{
	handles(FIDS, 0, CHANGES | FAN_EVENT_ON_CHILD);
}

CKPT_TEST(unnamed)
{
	handles(FAN_REPORT_FID, 0, CHANGES | FAN_EVENT_ON_CHILD);
}

static void go_to_tmpfs(void)
{
	REQUIRE(!mkdir("mnt", 0755));
	if (mount("none", "mnt", "tmpfs", 0, NULL))
		ckpt_skip("tmpfs: %m");
	REQUIRE(!chdir("mnt"));
}

/* A file system of the container's own, made anew: its handles stay. */
CKPT_TEST_ONLY(file_system, CKPT_CONTAINER)
{
	go_to_tmpfs();
	handles(FIDS, FAN_MARK_FILESYSTEM, CHANGES);
}

CKPT_TEST_ONLY(renames, CKPT_CONTAINER)
{
	go_to_tmpfs();
	handles(FIDS | FAN_REPORT_TARGET_FID, FAN_MARK_FILESYSTEM,
		CHANGES | FAN_RENAME);
}

/* One mount of two of the same file system */
CKPT_TEST_ONLY(mount_marks, CKPT_CONTAINER)
{
	int fd = group(FAN_CLASS_NOTIF);

	go_to_tmpfs();
	touch("a");
	REQUIRE(!mkdir("again", 0700));
	REQUIRE(!mount(".", "again", NULL, MS_BIND, NULL));
	mark(fd, FAN_MARK_MOUNT, FAN_OPEN, "again");
	reads("again/a");
	ckpt_ready();
	EVENT(fd, FAN_OPEN, "again/a", getpid());
	reads("a");
	NO_EVENT(fd);
	reads("again/a");
	EVENT(fd, FAN_OPEN, "again/a", getpid());
}

/* What is ignored, until it is written to, or even then */
CKPT_TEST(ignored)
{
	int fd = group(FAN_CLASS_NOTIF), f;

	REQUIRE(!mkdir("d", 0700));
	touch("d/a");
	touch("d/b");
	touch("d/c");
	mark(fd, 0, FAN_OPEN | FAN_EVENT_ON_CHILD, "d");
	mark(fd, FAN_MARK_IGNORED_MASK, FAN_OPEN, "d/a");
	mark(fd, FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN,
	     "d/b");
	mark(fd, FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY |
		 FAN_MARK_EVICTABLE, FAN_OPEN, "d/c");
	ckpt_ready();
	reads("d/a");
	reads("d/b");
	reads("d/c");
	NO_EVENT(fd);
	f = open("d/a", O_WRONLY);
	CHECK_EQ(write(f, "x", 1), 1);
	close(f);
	reads("d/a");
	EVENT(fd, FAN_OPEN, "d/a", getpid());
	f = open("d/b", O_WRONLY);
	CHECK_EQ(write(f, "x", 1), 1);
	close(f);
	reads("d/b");
	NO_EVENT(fd);
	unlink("d/a");
	unlink("d/b");
	unlink("d/c");
	rmdir("d");
}

/* What an event opened tells of nothing itself. */
CKPT_TEST(opened)
{
	int fd = group(FAN_CLASS_NOTIF), flags;
	struct fanotify_event_metadata event;
	char c;

	touch("a");
	REQUIRE(!ckpt_write_file("a", "text"));
	mark(fd, 0, FAN_OPEN | FAN_ACCESS | FAN_CLOSE, "a");
	reads("a");
	REQUIRE(read(fd, &event, sizeof(event)) == sizeof(event));
	REQUIRE(event.fd >= 0);
	flags = fcntl(event.fd, F_GETFL);
	ckpt_ready();
	CHECK_EQ(fcntl(event.fd, F_GETFL), flags);
	CHECK_EQ(read(event.fd, &c, 1), 1);
	CHECK_EQ(c, 't');
	close(event.fd);
	NO_EVENT(fd);
	reads("a");
	EVENT(fd, FAN_OPEN | FAN_CLOSE_NOWRITE, "a", getpid());
	unlink("a");
}

/* More than the queue has room for */
CKPT_TEST(overflow)
{
	struct fanotify_event_metadata event;
	char old[32], name[16];
	int fd, i, n = 0;

	REQUIRE(ckpt_read_file("/proc/sys/fs/fanotify/max_queued_events", old,
			       sizeof(old)) > 0);
	REQUIRE(!ckpt_write_file("/proc/sys/fs/fanotify/max_queued_events", "8"));
	fd = fanotify_init(FAN_NONBLOCK, O_RDONLY);
	ckpt_write_file("/proc/sys/fs/fanotify/max_queued_events", old);
	if (fd < 0)
		ckpt_skip("fanotify_init: %m");
	mark(fd, 0, FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD, ".");
	for (i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		touch(name);
	}
	ckpt_ready();
	while (read(fd, &event, sizeof(event)) == sizeof(event)) {
		CHECK_EQ(event.mask, n < 8 ? FAN_CLOSE_WRITE : FAN_Q_OVERFLOW);
		if (event.fd >= 0)
			close(event.fd);
		n++;
	}
	CHECK_EQ(n, 9);
	for (i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		touch(name);
		unlink(name);
	}
	for (n = 0; read(fd, &event, sizeof(event)) == sizeof(event); n++)
		if (event.fd >= 0)
			close(event.fd);
	CHECK_EQ(n, 9);
}

static int waits_for_news(void *arg)
{
	struct fanotify_event_metadata event;
	int fd = *(int *)arg;

	CHECK(!fcntl(fd, F_SETFL, 0));
	CHECK_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	CHECK_EQ(event.mask, FAN_OPEN);
	return 0;
}

/* Somebody waits for an event, and somebody polls */
CKPT_TEST(blocked)
{
	struct pollfd p = { .events = POLLIN };
	int fd = group(FAN_CLASS_NOTIF);
	pid_t pid;

	touch("a");
	mark(fd, 0, FAN_OPEN, "a");
	pid = ckpt_fork(waits_for_news, &fd);
	ckpt_wait_blocked(pid, pid, 0 /* read */);
	ckpt_ready();
	p.fd = fd;
	CHECK_EQ(poll(&p, 1, 0), 0);
	reads("a");
	ckpt_join(pid, 0);
	CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK));
	NO_EVENT(fd);
	unlink("a");
}

TEST_HARNESS_MAIN
