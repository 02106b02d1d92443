// SPDX-License-Identifier: GPL-2.0
/*
 * Files and directories that are open, mapped or a working directory, and have
 * been removed: on the file system of the root, a tmpfs, an overlay, and ext4.
 */
#include "libckpttest.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define MIB	(1024 * 1024)

static const struct timespec times[2] = {
	{ 1000, 111111111 }, { 2000, 222222222 }
};

static int make_file(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static void expect_text(int fd, const char *text)
{
	char buf[64] = "";

	CHECK_EQ(pread(fd, buf, sizeof(buf) - 1, 0), strlen(text));
	CHECK(!strcmp(buf, text));
}

/* What /proc shows of a descriptor */
static void link_of(int fd, char *buf, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, buf, size - 1);
	REQUIRE(n > 0);
	buf[n] = '\0';
}

static int same_inode(int a, int b)
{
	struct stat sa, sb;

	REQUIRE(!fstat(a, &sa) && !fstat(b, &sb));
	return sa.st_ino == sb.st_ino && sa.st_dev == sb.st_dev;
}

/* Where there is data: begin and end of each piece */
static int data_map(int fd, off_t *map, int max)
{
	off_t pos = 0;
	int nr = 0;

	while (nr + 2 <= max && (pos = lseek(fd, pos, SEEK_DATA)) >= 0) {
		map[nr++] = pos;
		pos = lseek(fd, pos, SEEK_HOLE);
		map[nr++] = pos;
	}
	return nr;
}

static char pattern[8192], buf[8192];

/* With holes, open twice and mapped, and attributes of its own */
static void sparse_file(bool owner)
{
	char name[256], now[256], *shared, *own, value[16] = "";
	off_t before[16], after[16];
	int a, b, c, nr;
	bool xattr;
	struct stat st;

	a = open("a", O_RDWR | O_CREAT | O_EXCL, 0600);
	b = open("a", O_RDONLY);
	c = dup(a);
	REQUIRE(a >= 0 && b >= 0 && c >= 0);
	ckpt_fill(pattern, sizeof(pattern), 7);
	REQUIRE(pwrite(a, pattern, 5000, 0) == 5000);
	REQUIRE(pwrite(a, pattern, 8192, MIB + 100) == 8192);
	REQUIRE(!ftruncate(a, 3 * MIB + 17));
	shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, a, MIB);
	own = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, b, 0);
	REQUIRE(shared != MAP_FAILED && own != MAP_FAILED);
	own[4096] = 'o';
	if (owner)
		REQUIRE(!fchown(a, 1000, 1001));
	xattr = !fsetxattr(a, "user.test", "value", 5, 0);
	REQUIRE(!fchmod(a, 02640));
	REQUIRE(!futimens(a, times));
	REQUIRE(!unlink("a"));
	REQUIRE(lseek(b, 77, SEEK_SET) == 77);
	link_of(a, name, sizeof(name));
	nr = data_map(c, before, ARRAY_SIZE(before));
	REQUIRE(lseek(a, 123, SEEK_SET) == 123);
	ckpt_ready();
	CHECK_EQ(lseek(c, 0, SEEK_CUR), 123);
	CHECK_EQ(lseek(b, 0, SEEK_CUR), 77);
	CHECK(!fstat(a, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_size, 3 * MIB + 17);
	CHECK_EQ(st.st_mode, S_IFREG | 02640);
	CHECK_EQ(st.st_uid, owner ? 1000 : 0);
	CHECK_EQ(st.st_gid, owner ? 1001 : 0);
	CHECK_EQ(st.st_mtim.tv_sec, 2000);
	CHECK_EQ(st.st_mtim.tv_nsec, 222222222);
	if (xattr) {
		CHECK_EQ(fgetxattr(a, "user.test", value, sizeof(value)), 5);
		CHECK(!strcmp(value, "value"));
	}
	CHECK(same_inode(a, b) && same_inode(a, c));
	link_of(a, now, sizeof(now));
	CHECK(!strcmp(name, now));
	CHECK_EQ(data_map(c, after, ARRAY_SIZE(after)), nr);
	CHECK(!memcmp(before, after, nr * sizeof(before[0])));
	CHECK_EQ(pread(b, buf, 5000, 0), 5000);
	CHECK(!memcmp(buf, pattern, 5000));
	CHECK_EQ(pread(b, buf, 8192, MIB + 100), 8192);
	CHECK(!memcmp(buf, pattern, 8192));
	CHECK_EQ(pread(b, buf, 8192, 3 * MIB), 17);
	CHECK(!memcmp(own, pattern, 4096));
	CHECK_EQ(own[4096], 'o');
	/* One file, whichever way it is reached */
	CHECK(!memcmp(shared + 100, pattern, 8092));
	shared[5] = 's';
	CHECK_EQ(pread(b, buf, 1, MIB + 5), 1);
	CHECK_EQ(buf[0], 's');
	CHECK_EQ(pwrite(a, "w", 1, MIB + 6), 1);
	CHECK_EQ(shared[6], 'w');
	CHECK_EQ(access("a", F_OK), -1);
}

/* It has another name, or another file has its name. */
static void other_names(void)
{
	int fd = make_file("b", "linked"), old, new;
	struct stat st, other;

	REQUIRE(!link("b", "c") && !unlink("b"));
	old = make_file("d", "old");
	new = make_file("e", "new");
	REQUIRE(!rename("e", "d") && !futimens(old, times));
	ckpt_ready();
	CHECK(!fstat(fd, &st) && !stat("c", &other));
	CHECK_EQ(st.st_ino, other.st_ino);
	CHECK_EQ(st.st_nlink, 1);
	CHECK(!fstat(old, &st));
	CHECK_EQ(st.st_atim.tv_sec, 1000);
	CHECK_EQ(st.st_atim.tv_nsec, 111111111);
	CHECK_EQ(pwrite(fd, "L", 1, 0), 1);
	expect_text(open("c", O_RDONLY), "Linked");
	expect_text(old, "old");
	expect_text(new, "new");
	expect_text(open("d", O_RDONLY), "new");
	CHECK(!same_inode(old, new));
}

static int give_name(int fd, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

static void never_linked(void)
{
	int a = open(".", O_TMPFILE | O_RDWR, 0600), b, flags;

	if (a < 0)
		ckpt_skip("O_TMPFILE: %m");
	b = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	REQUIRE(b >= 0 && write(a, "a", 1) == 1 && write(b, "b", 1) == 1);
	flags = fcntl(a, F_GETFL);
	ckpt_ready();
	CHECK_EQ(fcntl(a, F_GETFL), flags);
	expect_text(a, "a");
	expect_text(b, "b");
	CHECK_EQ(give_name(b, "f"), -1);
	CHECK(!give_name(a, "f"));
	expect_text(open("f", O_RDONLY), "a");
	CHECK(same_inode(a, open("f", O_RDONLY)));
}

/* In each other, with a file in the innermost, which one is in */
static void directories(void)
{
	char name[256], now[256], cwd[256], file[256];
	int q, f, r2, dup_q;
	struct stat st, st2;
	ssize_t n;
	DIR *dir;

	REQUIRE(!mkdir("p", 0700) && !mkdir("p/q", 0751) && !mkdir("p/q/r", 0700));
	q = open("p/q", O_RDONLY | O_DIRECTORY);
	dup_q = open("p/q", O_RDONLY | O_DIRECTORY);
	REQUIRE(q >= 0 && dup_q >= 0 && !chdir("p/q/r"));
	f = make_file("f", "in a directory that was removed");
	r2 = open(".", O_PATH);
	REQUIRE(r2 >= 0 && !unlink("f") && !rmdir("../r") && !rmdir("../../q") &&
		!rmdir("../../../p"));
	link_of(q, name, sizeof(name));
	link_of(f, file, sizeof(file));
	n = readlink("/proc/self/cwd", cwd, sizeof(cwd) - 1);
	REQUIRE(n > 0);
	cwd[n] = '\0';
	ckpt_ready();
	link_of(q, now, sizeof(now));
	CHECK(!strcmp(name, now));
	link_of(f, now, sizeof(now));
	CHECK(!strcmp(file, now));
	n = readlink("/proc/self/cwd", now, sizeof(now) - 1);
	CHECK(n > 0);
	now[n > 0 ? n : 0] = '\0';
	CHECK(!strcmp(cwd, now));
	expect_text(f, "in a directory that was removed");
	CHECK(!getcwd(now, sizeof(now)));
	CHECK_EQ(errno, ENOENT);
	CHECK_EQ(open("x", O_RDWR | O_CREAT, 0600), -1);
	CHECK_EQ(errno, ENOENT);
	CHECK_EQ(mkdirat(q, "x", 0700), -1);
	CHECK(!fstat(q, &st));
	CHECK_EQ(st.st_mode, S_IFDIR | 0751);
	CHECK(same_inode(q, dup_q));
	CHECK(!stat(".", &st) && !fstat(r2, &st2));
	CHECK_EQ(st.st_ino, st2.st_ino);
	dir = fdopendir(q);
	CHECK(dir && !readdir(dir));
	CHECK(!chdir("/"));
}

/* Nothing is left of the names that it took to make them again. */
static void expect_empty(const char *path)
{
	struct dirent *de;
	DIR *dir = opendir(path);

	CHECK(dir);
	while (dir && (de = readdir(dir)))
		if (!strncmp(de->d_name, ".restart.", 9))
			CHECK(!"a hidden name is left");
	if (dir)
		closedir(dir);
}

CKPT_TEST(sparse)
{
	sparse_file(true);
	expect_empty(".");
}

CKPT_TEST(names)
{
	other_names();
	expect_empty(".");
}

CKPT_TEST(tmpfile)
{
	never_linked();
	expect_empty(".");
}

CKPT_TEST(dirs)
{
	int here = open(".", O_RDONLY | O_DIRECTORY);
	char path[64];

	REQUIRE(here >= 0);
	directories();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", here);
	expect_empty(path);
}

/* Larger than what is on its way at one time */
CKPT_TEST(large)
{
	int fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0600), i;

	REQUIRE(fd >= 0 && !unlink("a"));
	for (i = 0; i < 2500; i++) {
		ckpt_fill(buf, sizeof(buf), i);
		REQUIRE(write(fd, buf, sizeof(buf)) == sizeof(buf));
	}
	ckpt_ready();
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	for (i = 0; i < 2500; i++) {
		CHECK_EQ(read(fd, buf, sizeof(buf)), sizeof(buf));
		if (!ckpt_filled(buf, sizeof(buf), i)) {
			CHECK(!"what it held");
			break;
		}
	}
	CHECK_EQ(read(fd, buf, 1), 0);
}

/* Shared with a child, as an open file and as two */
CKPT_TEST(shared)
{
	struct ckpt_gate go;
	int a, b, p[2];
	pid_t pid;
	char c;

	ckpt_gate_init(&go);
	a = make_file("a", "text");
	REQUIRE(!pipe(p));
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid) {
		b = open("a", O_RDWR);
		REQUIRE(b >= 0 && write(p[1], "x", 1) == 1);
		ckpt_gate_wait(&go);
		CHECK_EQ(lseek(a, 0, SEEK_CUR), 2);
		expect_text(b, "Text");
		CHECK(same_inode(a, b));
		_exit(0);
	}
	REQUIRE(read(p[0], &c, 1) == 1 && !unlink("a"));
	ckpt_ready();
	CHECK_EQ(pwrite(a, "T", 1, 0), 1);
	CHECK_EQ(lseek(a, 2, SEEK_SET), 2);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* Nothing else has a file of what is mapped. */
CKPT_TEST(only_mapped)
{
	char *ro, *rw;
	int fd;

	ckpt_fill(buf, sizeof(buf), 3);
	fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0600);
	REQUIRE(fd >= 0 && write(fd, buf, sizeof(buf)) == sizeof(buf));
	rw = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	fd = open("a", O_RDONLY);
	ro = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
	REQUIRE(rw != MAP_FAILED && ro != MAP_FAILED);
	close(fd);
	REQUIRE(!unlink("a"));
	rw[17] = 'x';
	buf[17] = 'x';
	ckpt_ready();
	CHECK(!memcmp(rw, buf, sizeof(buf)));
	CHECK(!memcmp(ro, buf, sizeof(buf)));
	rw[18] = 'y';
	CHECK_EQ(ro[18], 'y');
}

/* A fifo, both of whose names are gone, and one that has another */
static void fifos(void)
{
	int both, in, linked;
	struct stat st, other;
	char name[256], now[256];

	REQUIRE(!mkfifo("fifo", 0640) && !mkfifo("one", 0600));
	REQUIRE(!chmod("fifo", 0640) && !link("one", "two"));
	both = open("fifo", O_RDWR);
	in = open("fifo", O_RDONLY | O_NONBLOCK);
	linked = open("one", O_RDWR);
	REQUIRE(both >= 0 && in >= 0 && linked >= 0);
	REQUIRE(write(both, "gone", 4) == 4 && write(linked, "here", 4) == 4);
	REQUIRE(!unlink("fifo") && !unlink("one"));
	link_of(in, name, sizeof(name));
	ckpt_ready();
	link_of(in, now, sizeof(now));
	CHECK(!strcmp(name, now));
	CHECK(!fstat(in, &st));
	CHECK_EQ(st.st_mode, S_IFIFO | 0640);
	CHECK_EQ(st.st_nlink, 0);
	CHECK(same_inode(both, in));
	CHECK_EQ(read(in, buf, sizeof(buf)), 4);
	CHECK(!memcmp(buf, "gone", 4));
	CHECK_EQ(write(both, "x", 1), 1);
	close(both);
	CHECK_EQ(read(in, buf, sizeof(buf)), 1);
	CHECK_EQ(read(in, buf, sizeof(buf)), 0);
	CHECK(!fstat(linked, &st) && !stat("two", &other));
	CHECK_EQ(st.st_ino, other.st_ino);
	CHECK_EQ(read(linked, buf, sizeof(buf)), 4);
	CHECK(!memcmp(buf, "here", 4));
	CHECK_EQ(access("fifo", F_OK), -1);
	expect_empty(".");
}

CKPT_TEST(removed_fifos)
{
	fifos();
}

/* Through a mount that allows less it is met first. */
static void two_mounts(bool named)
{
	int reads, writes;

	REQUIRE(!mkdir("dir", 0700) && !mkdir("bound", 0700));
	REQUIRE(!mount("dir", "bound", NULL, MS_BIND, NULL));
	REQUIRE(!mount(NULL, "bound", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY |
		       MS_NOSUID, NULL));
	close(make_file("dir/a", "text"));
	REQUIRE(!link("dir/a", "dir/b"));
	reads = open("bound/a", O_RDONLY);
	writes = open("dir/a", O_RDWR);
	REQUIRE(reads >= 0 && writes > reads && !unlink("dir/a"));
	REQUIRE(named || !unlink("dir/b"));
	ckpt_ready();
	CHECK(same_inode(reads, writes));
	CHECK_EQ(pwrite(writes, "T", 1, 0), 1);
	expect_text(reads, "Text");
	CHECK_EQ(openat(AT_FDCWD, "bound/b", O_RDWR), -1);
	CHECK_EQ(errno, named ? EROFS : ENOENT);
	close(reads);
	CHECK(!umount("bound") && !rmdir("bound"));
	CHECK(!named || !unlink("dir/b"));
	expect_empty("dir");
}

CKPT_TEST(two_mounts_of_a_file)
{
	two_mounts(false);
}

CKPT_TEST(two_mounts_of_a_name)
{
	two_mounts(true);
}

/* What can only be looked at */
CKPT_TEST(nodes)
{
	int node, sock, link, fifo;
	struct stat st;

	REQUIRE(!mknod("node", S_IFBLK | 0600, makedev(7, 200)));
	REQUIRE(!mknod("sock", S_IFSOCK | 0600, 0));
	REQUIRE(!symlink("nowhere", "link") && !mkfifo("fifo", 0600));
	node = open("node", O_PATH);
	sock = open("sock", O_PATH);
	link = open("link", O_PATH | O_NOFOLLOW);
	fifo = open("fifo", O_PATH);
	REQUIRE(node >= 0 && sock >= 0 && link >= 0 && fifo >= 0);
	REQUIRE(!unlink("node") && !unlink("sock") && !unlink("link") &&
		!unlink("fifo"));
	ckpt_ready();
	CHECK(!fstat(node, &st));
	CHECK_EQ(st.st_mode, S_IFBLK | 0600);
	CHECK_EQ(st.st_rdev, makedev(7, 200));
	CHECK(!fstat(sock, &st));
	CHECK_EQ(st.st_mode & S_IFMT, S_IFSOCK);
	CHECK(!fstat(fifo, &st));
	CHECK_EQ(st.st_mode & S_IFMT, S_IFIFO);
	CHECK_EQ(readlinkat(link, "", buf, sizeof(buf)), 7);
	CHECK(!memcmp(buf, "nowhere", 7));
	CHECK_EQ(read(fifo, buf, 1), -1);
	CHECK_EQ(errno, EBADF);
	expect_empty(".");
}

/* ------------------------------------------------- on other file systems */

static void go_to(const char *where, const char *type, const char *options)
{
	REQUIRE(!mkdir(where, 0755));
	if (mount("none", where, type, 0, options))
		ckpt_skip("%s: %m", type);
}

static void go_to_tmpfs(void)
{
	go_to("mnt", "tmpfs", NULL);
	REQUIRE(!chdir("mnt"));
}

static void go_to_overlay(void)
{
	go_to("up", "tmpfs", NULL);
	go_to("low", "tmpfs", NULL);
	REQUIRE(!mkdir("up/up", 0755) && !mkdir("up/work", 0755));
	go_to("mnt", "overlay", "lowerdir=low,upperdir=up/up,workdir=up/work");
	REQUIRE(!chdir("mnt"));
}

CKPT_TEST_ONLY(tmpfs_sparse, CKPT_CONTAINER)
{
	go_to_tmpfs();
	sparse_file(true);
	expect_empty(".");
}

CKPT_TEST_ONLY(tmpfs_names, CKPT_CONTAINER)
{
	go_to_tmpfs();
	other_names();
}

CKPT_TEST_ONLY(tmpfs_tmpfile, CKPT_CONTAINER)
{
	go_to_tmpfs();
	never_linked();
}

CKPT_TEST_ONLY(tmpfs_dirs, CKPT_CONTAINER)
{
	go_to_tmpfs();
	directories();
}

/* The container has a /dev/null of its own, and has removed it. */
CKPT_TEST_ONLY(tmpfs_device, CKPT_CONTAINER)
{
	struct stat st;
	int null;

	go_to_tmpfs();
	REQUIRE(!mknod("null", S_IFCHR | 0620, makedev(1, 3)));
	null = open("null", O_RDWR);
	REQUIRE(null >= 0 && !unlink("null"));
	ckpt_ready();
	CHECK_EQ(write(null, "x", 1), 1);
	CHECK_EQ(read(null, buf, 1), 0);
	CHECK(!fstat(null, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_mode & ~022, S_IFCHR | 0600);
	CHECK_EQ(st.st_rdev, makedev(1, 3));
	expect_empty(".");
}

CKPT_TEST_ONLY(tmpfs_fifos, CKPT_CONTAINER)
{
	go_to_tmpfs();
	fifos();
}

CKPT_TEST_ONLY(overlay_fifos, CKPT_CONTAINER)
{
	go_to_overlay();
	fifos();
}

CKPT_TEST_ONLY(overlay_sparse, CKPT_CONTAINER)
{
	go_to_overlay();
	sparse_file(true);
	expect_empty(".");
}

CKPT_TEST_ONLY(overlay_names, CKPT_CONTAINER)
{
	go_to_overlay();
	other_names();
}

CKPT_TEST_ONLY(overlay_tmpfile, CKPT_CONTAINER)
{
	go_to_overlay();
	never_linked();
}

CKPT_TEST_ONLY(overlay_dirs, CKPT_CONTAINER)
{
	go_to_overlay();
	directories();
}

/* A disk with ext4, made by the driver, which the victim goes to */
#define DISK	"/tmp/removed-disk"

CKPT_VICTIM(ext4_sparse)
{
	REQUIRE(!chdir(DISK));
	sparse_file(true);
	expect_empty(".");
}

CKPT_VICTIM(ext4_names)
{
	REQUIRE(!chdir(DISK));
	other_names();
}

CKPT_VICTIM(ext4_tmpfile)
{
	REQUIRE(!chdir(DISK));
	never_linked();
}

CKPT_VICTIM(ext4_fifos)
{
	REQUIRE(!chdir(DISK));
	fifos();
	CHECK(!unlink("two"));
}

CKPT_VICTIM(ext4_dirs)
{
	REQUIRE(!chdir(DISK));
	directories();
}

#define ADVICE_PAGES	256

/* How many pages are read ahead at most, when one is read after another */
static int read_ahead(int fd)
{
	unsigned char in[ADVICE_PAGES];
	int i, j, n, most = 0;
	char *mem;

	mem = mmap(NULL, ADVICE_PAGES * 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(mem != MAP_FAILED);
	CHECK(!fdatasync(fd));
	CHECK(!posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	for (i = 0; i < ADVICE_PAGES / 2; i++) {
		CHECK_EQ(pread(fd, buf, 4096, i * 4096), 4096);
		CHECK(!mincore(mem, sizeof(in) * 4096, in));
		for (n = 0, j = i + 1; j < ADVICE_PAGES; j++)
			n += in[j] & 1;
		most = n > most ? n : most;
	}
	CHECK(!munmap(mem, ADVICE_PAGES * 4096));
	return most;
}

/* Two open flags and what posix_fadvise(2) said, as they act */
CKPT_VICTIM(ext4_advice)
{
	static const int advice[3] = {
		POSIX_FADV_RANDOM, POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL
	};
	static char __attribute__((aligned(4096))) page[4096];
	int fd[3], ahead[3], direct, sync, i;

	REQUIRE(!chdir(DISK));
	sync = open("advice", O_RDWR | O_CREAT | O_SYNC, 0600);
	REQUIRE(sync >= 0);
	REQUIRE(!ftruncate(sync, 0));
	for (i = 0; i < ADVICE_PAGES; i++)
		REQUIRE(write(sync, page, 4096) == 4096);
	for (i = 0; i < 3; i++) {
		fd[i] = open("advice", O_RDONLY);
		REQUIRE(fd[i] >= 0);
		REQUIRE(!posix_fadvise(fd[i], 0, 0, advice[i]));
		ahead[i] = read_ahead(fd[i]);
	}
	/* what is still being read does not count, so they may differ a bit */
	REQUIRE(ahead[0] < ahead[1] && ahead[1] < ahead[2]);
	direct = open("advice", O_RDONLY | O_DIRECT);
	REQUIRE(direct >= 0);
	ckpt_ready();
	for (i = 0; i < 3; i++)
		ahead[i] = read_ahead(fd[i]);
	CHECK(ahead[0] < ahead[1] && ahead[1] < ahead[2]);
	CHECK_EQ(fcntl(direct, F_GETFL) & O_DIRECT, O_DIRECT);
	CHECK_EQ(pread(direct, page, 4096, 4096), 4096);
	CHECK_EQ(pread(direct, page, 1, 1), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(fcntl(sync, F_GETFL) & O_SYNC, O_SYNC);
	unlink("advice");
}

CKPT_VICTIM(has_a_hidden_attribute)
{
	int fd = make_file("a", "text");

	if (fsetxattr(fd, "trusted.test", "value", 5, 0))
		ckpt_skip("no trusted attributes here: %s", strerror(errno));
	REQUIRE(!unlink("a"));
	ckpt_ready();
}

/* Nothing is lost because the caller is not shown it. */
DRIVER_TEST(by_who_is_not_shown_all)
{
	static struct ckpt_victim v;
	int status;
	pid_t pid;

	ckpt_start(&v, "has_a_hidden_attribute", 0);
	if (v.skip[0])
		SKIP(return, "%s", v.skip);
	pid = fork();
	if (!pid) {
		ckpt_caps_drop(1ULL << CAP_SYS_ADMIN);
		_exit(ckpt_checkpoint(&v, 0) != -EPERM ||
		      !ckpt_logged(&v, "'a': only root may read all"));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ckpt_finish(&v);
	ckpt_end(&v);
}

CKPT_VICTIM(is_linked_elsewhere)
{
	int fd = make_file("a", "text"), fifo;

	REQUIRE(!mkfifo("fifo", 0600) && !chown("fifo", 7, 7));
	REQUIRE(!link("fifo", "other fifo"));
	fifo = open("fifo", O_RDWR);
	REQUIRE(fifo >= 0 && !unlink("fifo"));
	REQUIRE(!link("a", "b") && !chown("a", 7, 7) && !unlink("a"));
	ckpt_ready();
	expect_text(fd, "text");
	CHECK_EQ(write(fifo, "x", 1), 1);
}

/* What was not made here is not open to whoever restarts. */
DRIVER_TEST(with_another_name_of_another)
{
	static const char *const names[] = { "b", "other fifo" };
	struct ckpt_victim *v = &self->v;
	char path[128];
	int status, i;
	pid_t pid;

	ckpt_start(v, "is_linked_elsewhere", 0);
	ckpt_checkpoint_kill(v);
	/* first both, then the second alone */
	for (i = 0; i < 2; i++) {
		pid = fork();
		if (!pid) {
			ckpt_caps_drop(1ULL << CAP_DAC_OVERRIDE |
				       1ULL << CAP_DAC_READ_SEARCH);
			_exit(ckpt_restart(v, 0) != -EACCES ||
			      !ckpt_logged(v, "cannot be opened"));
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status) TH_LOG("%s", names[i]);
		snprintf(path, sizeof(path), "%s/%s", v->dir, names[i]);
		ASSERT_EQ(0, chmod(path, 0666));
	}
	ckpt_restart_finish(v);
}

static bool make_disk(void)
{
	mkdir(DISK, 0755);
	return !system("dd if=/dev/zero of=" DISK ".img bs=1M count=16") &&
	       !system("mke2fs -F -b 4096 -I 256 " DISK ".img") &&
	       !system("losetup /dev/loop0 " DISK ".img") &&
	       !system("mount -t ext4 -o user_xattr /dev/loop0 " DISK);
}

static void on_disk(struct __test_metadata *_metadata, const char *name)
{
	const char *why;
	bool mounted = make_disk();

	if (!mounted) {
		unlink(DISK ".img");
		SKIP(return, "no ext4 on a loop device");
	}
	why = ckpt_run(name, 0, false);
	EXPECT_EQ(0, umount2(DISK, 0))
		TH_LOG("%s", strerror(errno));
	EXPECT_EQ(0, system("losetup -d /dev/loop0"));
	unlink(DISK ".img");
	rmdir(DISK);
	if (why)
		SKIP(return, "%s", why);
}

#define ON_DISK(name)							\
	DRIVER_TEST(name)						\
	{								\
		on_disk(_metadata, #name);				\
	}

ON_DISK(ext4_sparse)
ON_DISK(ext4_names)
ON_DISK(ext4_tmpfile)
ON_DISK(ext4_dirs)
ON_DISK(ext4_fifos)
ON_DISK(ext4_advice)

TEST_HARNESS_MAIN
