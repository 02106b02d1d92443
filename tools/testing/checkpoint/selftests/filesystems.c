// SPDX-License-Identifier: GPL-2.0
/*
 * File systems that live inside of the container: made anew at restart, with
 * their options and with what was in them.
 */
#include "libckpttest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PAGE	4096

/* ------------------------------------------------ what a directory shows */

/**
 * struct text - a text that grows
 * @s: the text
 * @len: its length
 * @room: bytes allocated
 */
struct text {
	char *s;
	size_t len, room;
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *t, const char *fmt, ...)
{
	va_list args;
	char buf[1024];
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	REQUIRE(n >= 0 && n < (int)sizeof(buf));
	if (t->len + n + 1 > t->room) {
		t->room = 2 * t->room + n + 4096;
		t->s = realloc(t->s, t->room);
		REQUIRE(t->s);
	}
	memcpy(t->s + t->len, buf, n + 1);
	t->len += n;
}

static void add_time(struct text *t, const struct statx_timestamp *ts)
{
	add(t, " %lld.%09u", (long long)ts->tv_sec, ts->tv_nsec);
}

static void add_statx(struct text *t, int dirfd, const char *name, bool ino)
{
	struct statx stx;

	REQUIRE(!statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH,
		       STATX_BASIC_STATS | STATX_BTIME, &stx));
	add(t, " mode %o nlink %u uid %u gid %u size %llu blocks %llu rdev %u:%u attributes %llx",
	    stx.stx_mode, stx.stx_nlink, stx.stx_uid, stx.stx_gid,
	    (long long)stx.stx_size, (long long)stx.stx_blocks,
	    stx.stx_rdev_major, stx.stx_rdev_minor,
	    (long long)(stx.stx_attributes & ~STATX_ATTR_MOUNT_ROOT));
	if (ino)
		add(t, " ino %llu", (long long)stx.stx_ino);
	add_time(t, &stx.stx_atime);
	add_time(t, &stx.stx_mtime);
	add_time(t, &stx.stx_ctime);
	if (stx.stx_mask & STATX_BTIME)
		add_time(t, &stx.stx_btime);
}

static void add_xattrs(struct text *t, const char *path)
{
	char list[4096], value[4096];
	ssize_t i, j, n, len = llistxattr(path, list, sizeof(list));

	for (i = 0; i < len; i += strlen(list + i) + 1) {
		n = lgetxattr(path, list + i, value, sizeof(value));
		REQUIRE(n >= 0 && n < 200);
		add(t, " %s=", list + i);
		for (j = 0; j < n; j++)
			add(t, "%02x", (unsigned char)value[j]);
	}
}

/* Where there is data, and what */
static void add_data(struct text *t, int fd)
{
	unsigned char buf[PAGE];
	off_t data = 0, hole;
	uint32_t flags = 0;
	uint64_t sum = 0;
	ssize_t i, n;

	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags))
		add(t, " flags %x", flags);
	while ((data = lseek(fd, data, SEEK_DATA)) >= 0) {
		hole = lseek(fd, data, SEEK_HOLE);
		add(t, " data %lld-%lld", (long long)data, (long long)hole);
		data = hole;
	}
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i++)
			sum = sum * 31 + buf[i];
	add(t, " sum %llx", (unsigned long long)sum);
}

#define SHOW_INO	0x1	/* inode numbers, and places in directories */
#define SHOW_ORDER	0x2	/* the order of names */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void describe(struct text *t, const char *path, int show);

static void add_dir(struct text *t, const char *path, int show)
{
	char *names[1024], sub[2048];
	struct dirent *de;
	int i, nr = 0;
	DIR *dir;

	dir = opendir(path);
	REQUIRE(dir);
	while ((de = readdir(dir))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		REQUIRE(nr < 1024);
		names[nr++] = strdup(de->d_name);
		if (show & SHOW_INO)
			add(t, " %s at %ld", de->d_name, (long)de->d_off);
	}
	closedir(dir);
	add(t, "\n");
	if (!(show & SHOW_ORDER))
		qsort(names, nr, sizeof(*names), by_name);
	for (i = 0; i < nr; i++) {
		snprintf(sub, sizeof(sub), "%s/%s", path, names[i]);
		describe(t, sub, show);
		free(names[i]);
	}
}

static void describe(struct text *t, const char *path, int show)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;
	int fd;

	REQUIRE(!lstat(path, &st));
	add(t, "%s", path);
	add_statx(t, AT_FDCWD, path, show & SHOW_INO);
	add_xattrs(t, path);
	if (S_ISLNK(st.st_mode)) {
		n = readlink(path, target, sizeof(target) - 1);
		REQUIRE(n > 0);
		target[n] = 0;
		add(t, " -> %.500s", target);
	}
	if (S_ISREG(st.st_mode)) {
		fd = open(path, O_RDONLY | O_NOATIME);
		REQUIRE(fd >= 0);
		add_data(t, fd);
		close(fd);
	}
	if (S_ISDIR(st.st_mode))
		add_dir(t, path, show);
	else
		add(t, "\n");
}

/* The same text, or the first line that differs */
static void expect_same(const struct text *before, const struct text *after)
{
	const char *a = before->s, *b = after->s;
	size_t la, lb;

	while (*a && *b) {
		la = strcspn(a, "\n");
		lb = strcspn(b, "\n");
		if (la != lb || memcmp(a, b, la)) {
			ckpt_fail(__FILE__, __LINE__, "was: %.*s", (int)la, a);
			ckpt_fail(__FILE__, __LINE__, "is:  %.*s", (int)lb, b);
			return;
		}
		a += la + !!a[la];
		b += lb + !!b[lb];
	}
	CHECK(!*a && !*b);
}

/*
 * The lines of /proc/self/mountinfo about what is mounted below the working
 * directory, without the numbers that the kernel hands out.
 */
static void add_mounts(struct text *t)
{
	char line[4096], cwd[PATH_MAX], root[512], where[1024], opts[512];
	size_t len;
	char *rest;
	FILE *f;

	REQUIRE(getcwd(cwd, sizeof(cwd)));
	len = strlen(cwd);
	f = fopen("/proc/self/mountinfo", "r");
	REQUIRE(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*d %*d %*s %511s %1023s %511s", root, where,
			   opts) != 3)
			continue;
		if (strncmp(where, cwd, len) || where[len] != '/')
			continue;
		rest = strstr(line, " - ");
		REQUIRE(rest);
		add(t, "%s %s %s%s", where + len, root, opts, rest);
	}
	fclose(f);
}

static void make_mount(const char *where, const char *source, const char *type,
		       unsigned long flags, const char *options)
{
	REQUIRE(!mkdir(where, 0755) || errno == EEXIST);
	if (mount(source, where, type, flags, options))
		ckpt_skip("%s with %s: %m", type, options ?: "no options");
}

static void put(const char *path, mode_t mode, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, data, len) == (ssize_t)len);
	REQUIRE(!fchmod(fd, mode));
	close(fd);
}

static void set_flags(const char *path, uint32_t flags)
{
	int fd = open(path, O_RDONLY);

	REQUIRE(fd >= 0 && !ioctl(fd, FS_IOC_SETFLAGS, &flags));
	close(fd);
}

static void set_times(const char *path, long atime, long mtime)
{
	struct timespec ts[2] = {
		{ .tv_sec = atime, .tv_nsec = 123456789 },
		{ .tv_sec = mtime, .tv_nsec = 987654321 },
	};

	REQUIRE(!utimensat(AT_FDCWD, path, ts, AT_SYMLINK_NOFOLLOW));
}

/* The state that the current directory is in must be the same after. */
static void expect_unchanged(int show)
{
	struct text before = {}, after = {};

	describe(&before, "mnt", show);
	add_mounts(&before);
	ckpt_ready();
	describe(&after, "mnt", show);
	add_mounts(&after);
	expect_same(&before, &after);
	free(before.s);
	free(after.s);
}

/* ---------------------------------------------------------------- tmpfs */

static void fill_holes(void)
{
	char page[PAGE];
	int fd;

	memset(page, 'x', sizeof(page));
	fd = open("mnt/holes", O_RDWR | O_CREAT, 0644);
	REQUIRE(fd >= 0);
	REQUIRE(pwrite(fd, page, sizeof(page), 5 * PAGE) == PAGE);
	/* zeros that were written are no hole */
	memset(page, 0, sizeof(page));
	REQUIRE(pwrite(fd, page, sizeof(page), 7 * PAGE) == PAGE);
	REQUIRE(pwrite(fd, "end", 3, 20 * PAGE + 17) == 3);
	REQUIRE(!ftruncate(fd, 1 << 30));
	close(fd);

	/* memory that nobody has written to, also behind the end */
	fd = open("mnt/allocated", O_RDWR | O_CREAT, 0644);
	REQUIRE(fd >= 0);
	REQUIRE(pwrite(fd, "data", 4, 3 * PAGE) == 4);
	REQUIRE(!fallocate(fd, 0, PAGE, 8 * PAGE));
	REQUIRE(!fallocate(fd, FALLOC_FL_KEEP_SIZE, 12 * PAGE, 3 * PAGE));
	REQUIRE(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			   5 * PAGE, PAGE));
	close(fd);
	put("mnt/empty", 0, "", 0);
}

static void fill_names(void)
{
	char name[256];
	int i;

	memset(name, 'n', 255);
	name[255] = 0;
	REQUIRE(!chdir("mnt"));
	put(name, 0644, "long", 4);
	put("\n\001 \377", 0644, "odd", 3);
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "gone%d", i);
		put(name, 0600, name, 4);
	}
	for (i = 0; i < 20; i += 2) {
		snprintf(name, sizeof(name), "gone%d", i);
		REQUIRE(!unlink(name));
	}
	REQUIRE(!symlink("a target that is not there", "symlink"));
	memset(name, 't', 200);
	name[200] = 0;
	REQUIRE(!symlink(name, "long symlink"));
	REQUIRE(!lchown("symlink", 12, 34));
	REQUIRE(!chdir(".."));
}

static void fill_types(void)
{
	REQUIRE(!mknod("mnt/null", S_IFCHR | 0666, makedev(1, 3)));
	REQUIRE(!mknod("mnt/disk", S_IFBLK | 0660, makedev(259, 70000)));
	REQUIRE(!mknod("mnt/whiteout", S_IFCHR, 0));
	REQUIRE(!mkfifo("mnt/fifo", 0640));
	REQUIRE(!mknod("mnt/socket", S_IFSOCK | 0755, 0));
	REQUIRE(!mkdir("mnt/sticky", 0700) && !chmod("mnt/sticky", 01777));
	REQUIRE(!mkdir("mnt/setgid", 0700) && !chown("mnt/setgid", 1, 2) &&
		!chmod("mnt/setgid", 02755));
	put("mnt/setgid/in", 0644, "in", 2);
	REQUIRE(!mkdir("mnt/locked", 0700));
	put("mnt/locked/in", 04755, "setuid", 6);
	REQUIRE(!link("mnt/locked/in", "mnt/sticky/in"));
	REQUIRE(!link("mnt/locked/in", "mnt/in"));
	REQUIRE(!link("mnt/fifo", "mnt/locked/fifo"));
	REQUIRE(!chmod("mnt/locked", 0));
	REQUIRE(!chown("mnt/locked", 1000, 2000));
}

static void fill_attrs(void)
{
	/* version 2, permitted cap_net_raw */
	static const unsigned char cap[20] = { 0, 0, 0, 2, 0, 0x20 };
	/* version 2: user::rw- user:7:r-- group::r-- mask::rw- other::--- */
	static const unsigned char acl[44] = {
		2, 0, 0, 0,
		0x01, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,
		0x02, 0, 4, 0, 7, 0, 0, 0,
		0x04, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,
		0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,
		0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
	};
	char big[150];

	put("mnt/attrs", 0640, "x", 1);
	memset(big, 'b', sizeof(big));
	REQUIRE(!setxattr("mnt/attrs", "user.big", big, sizeof(big), 0));
	REQUIRE(!setxattr("mnt/attrs", "user.none", "", 0, 0));
	REQUIRE(!setxattr("mnt/attrs", "trusted.x", "y", 1, 0));
	REQUIRE(!setxattr("mnt/attrs", "security.capability", cap, 20, 0));
	REQUIRE(!setxattr("mnt/attrs", "system.posix_acl_access", acl, 44, 0));
	REQUIRE(!mkdir("mnt/attrs.d", 0755));
	REQUIRE(!setxattr("mnt/attrs.d", "system.posix_acl_default", acl, 44,
			  0));
	REQUIRE(!setxattr("mnt/attrs.d", "user.dir", "1", 1, 0));
	put("mnt/attrs.d/inherits", 0600, "", 0);
	REQUIRE(!lsetxattr("mnt/symlink", "trusted.link", "z", 1, 0));
	REQUIRE(!setxattr("mnt", "user.root", "r", 1, 0));

	put("mnt/immutable", 0644, "i", 1);
	REQUIRE(!link("mnt/immutable", "mnt/attrs.d/immutable"));
	set_flags("mnt/immutable", FS_IMMUTABLE_FL);
	put("mnt/append", 0644, "a", 1);
	set_flags("mnt/append", FS_APPEND_FL | FS_NOATIME_FL);
	REQUIRE(!mkdir("mnt/fixed", 0755));
	set_flags("mnt/fixed", FS_NODUMP_FL);
	REQUIRE(!symlink("x", "mnt/fixed/link"));
	put("mnt/fixed/file", 0644, "f", 1);
	set_flags("mnt/fixed", FS_IMMUTABLE_FL);
}

/* Everything that there can be in one */
CKPT_TEST_ONLY(tmpfs_content, CKPT_CONTAINER)
{
	make_mount("mnt", "a source", "tmpfs", MS_NOATIME | MS_NODEV,
		   "size=8m,nr_inodes=500,mode=1771,uid=3,gid=4");
	fill_holes();
	fill_names();
	fill_types();
	fill_attrs();
	set_times("mnt/holes", 1, -1000000000);
	set_times("mnt/symlink", 1000, 2000);
	set_times("mnt/locked", 8000000000, 9000000000);
	set_times("mnt", 111, 222);
	expect_unchanged(SHOW_INO | SHOW_ORDER);
	/* and numbers go on from there */
	put("mnt/new", 0644, "new", 3);
	set_flags("mnt/fixed", 0);
	set_flags("mnt/immutable", 0);
}

/* Deeper than any path is long, and more than one record has room for */
CKPT_TEST_ONLY(tmpfs_deep, CKPT_CONTAINER)
{
	char name[201];
	int i, fd, up;

	make_mount("mnt", "tmpfs", "tmpfs", 0, NULL);
	memset(name, 'd', 200);
	name[200] = 0;
	fd = open("mnt", O_RDONLY | O_DIRECTORY);
	for (i = 0; i < 100; i++) {
		REQUIRE(!mkdirat(fd, name, 0755));
		up = fd;
		fd = openat(up, name, O_RDONLY | O_DIRECTORY);
		REQUIRE(fd >= 0);
		close(up);
	}
	REQUIRE(!symlinkat("here", fd, "bottom"));
	close(fd);
	for (i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "mnt/file%d", i);
		put(name, 0644, name, strlen(name));
	}
	ckpt_ready();
	memset(name, 'd', 200);
	name[200] = 0;
	fd = open("mnt", O_RDONLY | O_DIRECTORY);
	for (i = 0; i < 100; i++) {
		up = fd;
		fd = openat(up, name, O_RDONLY | O_DIRECTORY);
		CHECK(fd >= 0);
		close(up);
	}
	CHECK(readlinkat(fd, "bottom", name, 10) == 4);
	close(fd);
	for (i = 0; i < 500; i++) {
		char buf[64] = "";

		snprintf(name, sizeof(name), "mnt/file%d", i);
		CHECK(ckpt_read_file(name, buf, sizeof(buf)) > 0);
		CHECK(!strcmp(name, buf));
	}
}

/* Open, mapped and the working directory */
CKPT_TEST_ONLY(tmpfs_in_use, CKPT_CONTAINER)
{
	char *shared, *private, buf[16];
	const size_t len = 100 * PAGE;
	struct dirent *de;
	char seen[256];
	int fd, ro;
	DIR *dir;

	make_mount("mnt", "tmpfs", "tmpfs", MS_NOSUID, "size=4m");
	REQUIRE(!chdir("mnt"));
	fd = open("file", O_RDWR | O_CREAT, 0644);
	REQUIRE(fd >= 0 && !ftruncate(fd, len));
	shared = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ro = open("file", O_RDONLY);
	private = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0);
	close(ro);
	REQUIRE(shared != MAP_FAILED && private != MAP_FAILED);
	ckpt_fill(shared, len, 1);
	private[0] = 'p';
	REQUIRE(lseek(fd, 1000, SEEK_SET) == 1000);
	put("other", 0644, "1", 1);
	dir = opendir(".");
	REQUIRE(dir && readdir(dir) && readdir(dir));
	de = readdir(dir);
	REQUIRE(de);
	snprintf(seen, sizeof(seen), "%s", de->d_name);
	ckpt_ready();
	CHECK(ckpt_filled(shared, len, 1));
	CHECK_EQ(private[0], 'p');
	CHECK(!memcmp(private + 1, shared + 1, len - 1));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 1000);
	CHECK(pwrite(fd, "through", 7, 50) == 7);
	CHECK(!memcmp(shared + 50, "through", 7));
	CHECK(!access("other", F_OK));
	CHECK(pread(fd, buf, 4, 50) == 4);
	de = readdir(dir);
	CHECK(de && strcmp(de->d_name, seen));
	closedir(dir);
}

CKPT_TEST_ONLY(tmpfs_options, CKPT_CONTAINER)
{
	struct text before = {}, after = {};
	char buf[16];

	REQUIRE(!mkdir("mnt", 0755));
	make_mount("mnt/a", "none", "tmpfs", MS_RELATIME, "size=123k,mode=700");
	make_mount("mnt/a/in", "none", "tmpfs", 0, NULL);
	put("mnt/a/in/file", 0400, "in", 2);
	/* read-only as a whole */
	REQUIRE(!mount(NULL, "mnt/a/in", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	make_mount("mnt/b", "b b", "tmpfs", MS_NOEXEC | MS_NOSUID,
		   "nr_inodes=17,uid=1,gid=65534,inode32");
	make_mount("mnt/c", "none", "tmpfs", MS_SYNCHRONOUS | MS_DIRSYNC |
		   MS_LAZYTIME, "size=0,nr_inodes=0,noswap");
	put("mnt/c/file", 0400, "c", 1);
	add_mounts(&before);
	ckpt_ready();
	add_mounts(&after);
	expect_same(&before, &after);
	CHECK_EQ(ckpt_read_file("mnt/a/in/file", buf, sizeof(buf)), 2);
	CHECK_EQ(ckpt_read_file("mnt/c/file", buf, sizeof(buf)), 1);
	CHECK(open("mnt/a/in/new", O_WRONLY | O_CREAT, 0644) < 0);
	CHECK_EQ(errno, EROFS);
}

CKPT_TEST_ONLY(tmpfs_full, CKPT_CONTAINER)
{
	char page[PAGE];
	int fd, n = 0;

	make_mount("mnt", "tmpfs", "tmpfs", MS_NOATIME,
		   "size=64k,nr_inodes=4");
	memset(page, 1, sizeof(page));
	fd = open("mnt/file", O_WRONLY | O_CREAT, 0644);
	REQUIRE(fd >= 0);
	while (write(fd, page, sizeof(page)) == PAGE)
		n++;
	CHECK_EQ(n, 16);
	close(fd);
	REQUIRE(!link("mnt/file", "mnt/link") && !mkdir("mnt/dir", 0755));
	REQUIRE(mkdir("mnt/more", 0755) && errno == ENOSPC);
	expect_unchanged(SHOW_INO);
	CHECK(mkdir("mnt/more", 0755) && errno == ENOSPC);
}

/* ------------------------------------------------------------ the others */

CKPT_TEST_ONLY(ramfs, CKPT_CONTAINER)
{
	struct text filled = {};

	make_mount("mnt", "ramfs", "ramfs", MS_NOATIME, "mode=1777");
	put("mnt/one", 04711, "one", 3);
	REQUIRE(!mkdir("mnt/dir", 0750) && !chown("mnt/dir", 5, 6));
	REQUIRE(!link("mnt/one", "mnt/dir/two"));
	REQUIRE(!symlink("dir/two", "mnt/link"));
	REQUIRE(!mknod("mnt/zero", S_IFCHR | 0666, makedev(1, 5)));
	REQUIRE(!mkfifo("mnt/fifo", 0600));
	put("mnt/holes", 0644, "start", 5);
	REQUIRE(!truncate("mnt/holes", 100 * PAGE + 1));
	set_times("mnt/holes", 10, 20);
	set_times("mnt", 30, 40);
	/* to read a hole there is to fill it */
	describe(&filled, "mnt", 0);
	free(filled.s);
	expect_unchanged(SHOW_ORDER);
}

CKPT_TEST_ONLY(proc, CKPT_CONTAINER)
{
	struct text before = {}, after = {};

	make_mount("plain", "proc", "proc", MS_NOSUID, NULL);
	make_mount("hidepid", "proc", "proc", MS_RDONLY,
		   "hidepid=invisible,gid=7");
	make_mount("subset", "any", "proc", 0, "hidepid=ptraceable,subset=pid");
	add_mounts(&before);
	ckpt_ready();
	add_mounts(&after);
	expect_same(&before, &after);
	CHECK(!access("plain/1/status", F_OK));
	CHECK(!access("plain/meminfo", F_OK));
	CHECK(access("subset/meminfo", F_OK));
	CHECK(!access("subset/self/status", F_OK));
}

/* Without anything in them that could be saved */
CKPT_TEST_ONLY(by_options, CKPT_CONTAINER)
{
	static const struct {
		const char *type, *options;
	} table[] = {
		{ "devpts", "newinstance,gid=5,mode=620,ptmxmode=666,max=10" },
		{ "devpts", "newinstance" },
		{ "mqueue", NULL },
		{ "sysfs", NULL },
		{ "cgroup2", NULL },
		{ "debugfs", NULL },
		{ "tracefs", NULL },
		{ "securityfs", NULL },
		{ "binfmt_misc", NULL },
		{ "bpf", "mode=700,uid=1" },
		{ "hugetlbfs", "pagesize=2M,size=4M,mode=1770,uid=9" },
	};
	struct text before = {}, after = {};
	unsigned int i, made = 0;
	struct stat st;
	char where[16];

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		snprintf(where, sizeof(where), "%u", i);
		REQUIRE(!mkdir(where, 0755));
		made += !mount("source", where, table[i].type, MS_NOSUID,
			       table[i].options);
	}
	REQUIRE(made > 5);
	add_mounts(&before);
	ckpt_ready();
	add_mounts(&after);
	expect_same(&before, &after);
	CHECK(!stat("0/ptmx", &st) && (st.st_mode & 0777) == 0666);
	CHECK(!access("3/kernel", F_OK));
}

static void absolute(char *buf, size_t size, const char *fmt)
{
	char cwd[64];

	REQUIRE(getcwd(cwd, sizeof(cwd)));
	snprintf(buf, size, fmt, cwd, cwd, cwd, cwd);
}

CKPT_TEST_ONLY(overlay, CKPT_CONTAINER)
{
	char options[1024], buf[16] = "";
	struct text before = {}, after = {};

	make_mount("low", "tmpfs", "tmpfs", 0, NULL);
	make_mount("up", "tmpfs", "tmpfs", 0, NULL);
	REQUIRE(!mkdir("low/1", 0755) && !mkdir("low/2", 0755));
	REQUIRE(!mkdir("up/upper", 0755) && !mkdir("up/work", 0755));
	put("low/1/changed", 0644, "low", 3);
	put("low/1/removed", 0644, "low", 3);
	put("low/2/kept", 0644, "low", 3);
	absolute(options, sizeof(options),
		 "lowerdir=%s/low/1:%s/low/2,upperdir=%s/up/upper,workdir=%s/up/work");
	make_mount("mnt", "over", "overlay", MS_NODEV, options);
	REQUIRE(!unlink("mnt/removed"));
	REQUIRE(!ckpt_write_file("mnt/changed", "up"));
	put("mnt/new", 0600, "new", 3);
	add_mounts(&before);
	ckpt_ready();
	add_mounts(&after);
	expect_same(&before, &after);
	CHECK(access("mnt/removed", F_OK) && errno == ENOENT);
	CHECK(!access("low/1/removed", F_OK));
	CHECK(!access("mnt/kept", F_OK) && !access("mnt/new", F_OK));
	CHECK(ckpt_read_file("mnt/changed", buf, sizeof(buf)) > 0);
	CHECK(!strncmp(buf, "up", 2));
	CHECK(ckpt_read_file("low/1/changed", buf, sizeof(buf)) > 0);
	CHECK(!strncmp(buf, "low", 3));
	put("mnt/after", 0600, "after", 5);
	CHECK(!access("up/upper/after", F_OK));
}

/* Directories that the paths given do not lead to, and others outside */
CKPT_TEST_ONLY(overlay_hidden, CKPT_CONTAINER)
{
	struct text before = {}, after = {};

	REQUIRE(!mkdir("outside", 0755));
	put("outside/file", 0644, "o", 1);
	make_mount("low", "tmpfs", "tmpfs", 0, NULL);
	make_mount("up", "tmpfs", "tmpfs", 0, NULL);
	REQUIRE(!mkdir("low/a:b, c", 0755) && !mkdir("up/u", 0755) &&
		!mkdir("up/w", 0755));
	put("low/a:b, c/in", 0644, "i", 1);
	REQUIRE(!chdir("low"));
	REQUIRE(!mkdir("../mnt", 0755));
	REQUIRE(!mount("over", "../mnt", "overlay", 0,
		       "lowerdir=a\\:b\\, c:../outside,upperdir=../up/u,workdir=../up/w"));
	REQUIRE(!chdir(".."));
	REQUIRE(!rename("up/u", "up/renamed"));
	add_mounts(&before);
	ckpt_ready();
	add_mounts(&after);
	expect_same(&before, &after);
	CHECK(!access("mnt/in", F_OK) && !access("mnt/file", F_OK));
	put("mnt/new", 0644, "new", 3);
	CHECK(!access("up/renamed/new", F_OK));
}

/* A machine with other defaults */
CKPT_VICTIM(by_default)
{
	struct text t = {};

	make_mount("low", "tmpfs", "tmpfs", 0, NULL);
	make_mount("up", "tmpfs", "tmpfs", 0, NULL);
	REQUIRE(!mkdir("up/u", 0755) && !mkdir("up/w", 0755));
	make_mount("mnt", "over", "overlay", 0,
		   "lowerdir=low,upperdir=up/u,workdir=up/w");
	ckpt_ready();
	add_mounts(&t);
	CHECK(strstr(t.s, ",index=off"));
	CHECK(strstr(t.s, ",metacopy=off"));
	CHECK(strstr(t.s, ",redirect_dir=follow") ||
	      strstr(t.s, ",redirect_dir=nofollow"));
	free(t.s);
}

DRIVER_TEST(overlay_defaults)
{
	static const char *const names[] = { "index", "metacopy", "redirect_dir" };
	char path[3][64], was[3][8] = {};
	struct ckpt_victim *v = &self->v;
	unsigned int i;
	long ret;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path[i], sizeof(path[i]),
			 "/sys/module/overlay/parameters/%s", names[i]);
		if (ckpt_read_file(path[i], was[i], sizeof(was[i])) < 0)
			SKIP(return, "%s: %s", path[i], strerror(errno));
		ASSERT_EQ(0, ckpt_write_file(path[i], "N"));
	}
	ckpt_start(v, "by_default", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_EQ(0, ckpt_write_file(path[i], "Y"));
	ret = ckpt_restart(v, 0);
	if (ret > 0)
		ckpt_finish(v);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_EQ(0, ckpt_write_file(path[i], was[i]));
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_end(v);
}

/* ----------------------------------------------------------- refusals */

REFUSED_AS(hugetlbfs_file, CKPT_CONTAINER, "hugetlbfs (device 0:")
{
	int fd;

	make_mount("mnt", "none", "hugetlbfs", 0, "pagesize=2M");
	fd = open("mnt/file", O_RDWR | O_CREAT, 0600);
	REQUIRE(fd >= 0);
	close(fd);
	ckpt_ready();
}

REFUSED_AS(overlay_removed, CKPT_CONTAINER, "overlay: its lowerdir+")
{
	make_mount("low", "tmpfs", "tmpfs", 0, NULL);
	REQUIRE(!mkdir("low/1", 0755) && !mkdir("low/2", 0755));
	make_mount("mnt", "over", "overlay", 0, "lowerdir=low/1:low/2");
	REQUIRE(!rmdir("low/2"));
	ckpt_ready();
}

static struct ckpt_gate up, go;

static int in_user_ns(void *arg)
{
	REQUIRE(!unshare(CLONE_NEWUSER));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 0;
}

/* Mount what is at @from once more, with root's files belonging to another. */
static void mount_idmapped(const char *from, const char *where)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	char path[64];
	pid_t pid;
	int fd;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(in_user_ns, NULL);
	ckpt_gate_wait(&up);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	REQUIRE(!ckpt_write_file(path, "0 1000 1"));
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	REQUIRE(!ckpt_write_file(path, "0 1000 1"));
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	attr.userns_fd = fd;
	fd = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	REQUIRE(fd >= 0);
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		ckpt_skip("idmapped mount: %m");
	REQUIRE(!mkdir(where, 0755));
	REQUIRE(!move_mount(fd, "", AT_FDCWD, where, MOVE_MOUNT_F_EMPTY_PATH));
	close(fd);
	close(attr.userns_fd);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* The owners that it shows are those of a mount that nobody sees any more. */
REFUSED_AS(overlay_idmapped, CKPT_CONTAINER, "is on an idmapped mount")
{
	struct stat st;

	make_mount("low", "tmpfs", "tmpfs", 0, NULL);
	make_mount("other", "tmpfs", "tmpfs", 0, NULL);
	put("low/file", 0644, "f", 1);
	mount_idmapped("low", "mapped");
	make_mount("mnt", "over", "overlay", 0, "lowerdir=other:mapped");
	REQUIRE(!umount("mapped"));
	ckpt_ready();
	CHECK(!stat("mnt/file", &st));
	CHECK_EQ(st.st_uid, 1000);
}

/* ------------------------------------------------------ images made to hurt */

CKPT_VICTIM(small)
{
	make_mount("mnt", "tmpfs", "tmpfs", 0, "size=1m,nr_inodes=50");
	REQUIRE(!mkdir("mnt/dir", 0755));
	put("mnt/file", 0644, "file", 4);
	REQUIRE(!link("mnt/file", "mnt/name"));
	REQUIRE(!setxattr("mnt/file", "user.x", "y", 1, 0));
	ckpt_ready();
}

/**
 * struct wrong - a field that is made wrong
 * @type: of the record
 * @nth: which one of that type
 * @off: where in it
 * @size: bytes of the field
 * @value: what is written there
 */
struct wrong {
	uint32_t type;
	unsigned int nth;
	size_t off, size;
	uint64_t value;
};

#define WRONG(t, n, s, field, value)					\
	{ CKPT_HDR_##t, n, offsetof(struct s, field),			\
	  sizeof(((struct s *)NULL)->field), value }
#define NODE(n, field, value)	WRONG(SB_NODE, n, ckpt_hdr_sb_node, field, value)
#define SB(field, value)	WRONG(SB, 1, ckpt_hdr_sb, field, value)

/* The steps of small: into dir, out of it, file, name, out of the root */
static const struct wrong wrong[] = {
	SB(flags, 0xffffffff),
	SB(user_ns, 9999),
	SB(ns, 1),
	SB(content, 0),
	SB(content, 2),
	SB(nr_layers, 1),
	SB(nr_layers, 0xffffffff),
	SB(ptmx_mode, 010000), SB(ptmx_uid, 1),
	NODE(0, what, CKPT_SB_WHAT_MAX),
	NODE(0, what, CKPT_SB_FILE),
	NODE(0, what, CKPT_SB_LEAVE),
	NODE(0, mode, S_IFREG | 0755),
	NODE(0, mode, 0xffffffff),
	NODE(0, offset, 0),
	NODE(0, offset, ~0ULL),
	NODE(0, ino, 0),
	NODE(1, mode, 0755),
	NODE(1, uid, 0xffffffff),
	NODE(1, gid, 0xffffffff),
	NODE(1, reserved, 1),
	NODE(2, what, CKPT_SB_LINK),
	NODE(2, mode, S_IFDIR | 0755),
	NODE(2, mode, 0170644),
	NODE(2, size, ~0ULL),
	NODE(2, size, 1ULL << 63),
	NODE(2, fsflags, 0xffffffff),
	NODE(2, flags, 0xffffffff),
	NODE(2, nr_xattrs, 0xffffffff),
	NODE(2, nr_xattrs, 0),
	NODE(2, mtime_nsec, 1000000000),
	NODE(2, alloc_end, ~0ULL),
	NODE(3, ino, 77),
	NODE(4, what, CKPT_SB_ENTER),
	WRONG(SB_XATTR, 0, ckpt_hdr_sb_xattr, len, 0xffffffff),
	WRONG(SB_XATTR, 0, ckpt_hdr_sb_xattr, len, 100),
};

static long restart_wrong(struct ckpt_victim *v, struct image *bad)
{
	long ret;

	ret = image_restart(v, bad);
	image_free(bad);
	if (ret > 0)
		ckpt_kill(v);
	return ret;
}

DRIVER_TEST(hostile)
{
	static const char *const names[] = { ".", "..", "", "a/b", "/", "file" };
	struct ckpt_world before;
	struct image image, bad;
	unsigned int i;
	char *name;
	long ret;

	ckpt_start(&self->v, "small", CKPT_CONTAINER);
	ckpt_checkpoint_kill(&self->v);
	image_load(&image, self->v.image);
	ckpt_world_take(&before);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		const struct wrong *w = &wrong[i];

		image_copy(&bad, &image);
		ASSERT_NE(NULL, image_find(&bad, w->type, w->nth));
		memcpy((char *)image_at(&bad, w->type, w->nth) + w->off,
		       &w->value, w->size);
		ret = restart_wrong(&self->v, &bad);
		EXPECT_GT(0, ret) TH_LOG("change %u is accepted", i);
		EXPECT_NE(0, self->v.log[0]) TH_LOG("change %u: no log", i);
	}
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		image_copy(&bad, &image);
		name = image_string(&bad, bad.data, "name");
		ASSERT_NE(NULL, name);
		memset(name, 0, 4);
		memcpy(name, names[i], strlen(names[i]));
		ret = restart_wrong(&self->v, &bad);
		EXPECT_GT(0, ret) TH_LOG("the name '%s' is accepted", names[i]);
	}
	image_copy(&bad, &image);
	name = image_string(&bad, image_at(&bad, CKPT_HDR_SB, 1), "tmpfs");
	ASSERT_NE(NULL, name);
	memcpy(name, "ext4\0", 5);
	EXPECT_EQ(-EINVAL, restart_wrong(&self->v, &bad));
	ckpt_world_expect(&before, 16384);
	ret = ckpt_restart(&self->v, 0);
	ASSERT_LT(0, ret) TH_LOG("%s", self->v.log);
	ckpt_finish(&self->v);
	ckpt_end(&self->v);
	image_free(&image);
}

CKPT_VICTIM(layered)
{
	make_mount("low", "tmpfs", "tmpfs", 0, NULL);
	make_mount("proc", "proc", "proc", 0, NULL);
	make_mount("other", "tmpfs", "tmpfs", 0, NULL);
	make_mount("mnt", "over", "overlay", 0, "lowerdir=low:other");
	ckpt_ready();
	CHECK(access("mnt/self", F_OK));
}

/* What shows the machine is no layer for who could not mount it elsewhere. */
DRIVER_TEST(hostile_layer)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_sb_layer *layer;
	struct image image;
	uint32_t sb;
	long ret;

	ckpt_enter_user_ns(CLONE_NEWNS);
	ckpt_start(v, "layered", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	/* the text of lowerdir= comes first */
	layer = image_at(&image, CKPT_HDR_SB_LAYER, 1);
	ASSERT_EQ(CKPT_LAYER_LOWER, layer->kind);
	sb = layer->sb;
	layer->sb = image_objref(&image, CKPT_OBJ_SB, image_sb(&image, "proc"));
	ASSERT_NE(sb, layer->sb);
	ret = image_restart(v, &image);
	EXPECT_EQ(-EPERM, ret);
	EXPECT_TRUE(ckpt_logged(v, "overlay: its lowerdir")) TH_LOG("%s", v->log);
	if (ret > 0)
		ckpt_kill(v);
	layer->sb = sb;
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
