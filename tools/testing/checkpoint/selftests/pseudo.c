// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of proc, sysfs and cgroupfs, the log of the kernel, and what is
 * opened with O_PATH.
 */
#include "libckpttest.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A file that may not be there, or not for us */
static int open_or_skip(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		ckpt_skip("%s: %m", path);
	return fd;
}

/* The number after "Pid:" in a status file */
static long pid_in_status(int fd)
{
	char buf[4096] = "", *p;

	CHECK(pread(fd, buf, sizeof(buf) - 1, 0) > 0);
	p = strstr(buf, "\nPid:");
	return p ? atol(p + 5) : -1;
}

static struct ckpt_gate go;

static int waits(void *arg)
{
	ckpt_gate_wait(&go);
	return 0;
}

CKPT_TEST(of_processes)
{
	int self, other, adj, dir;
	char path[64], buf[16] = "";
	pid_t pid;

	ckpt_gate_init(&go);
	pid = ckpt_fork(waits, NULL);
	self = open_or_skip("/proc/self/status", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	other = open_or_skip(path, O_RDONLY);
	adj = open_or_skip("/proc/self/oom_score_adj", O_RDWR);
	snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = open_or_skip(path, O_RDONLY | O_DIRECTORY);
	REQUIRE(read(self, buf, 5) == 5);
	ckpt_ready();
	CHECK_EQ(lseek(self, 0, SEEK_CUR), 5);
	CHECK_EQ(pid_in_status(self), getpid());
	CHECK_EQ(pid_in_status(other), pid);
	CHECK_EQ(write(adj, "100", 3), 3);
	CHECK_EQ(lseek(adj, 0, SEEK_SET), 0);
	CHECK_EQ(read(adj, buf, sizeof(buf)), 4);
	CHECK(!strncmp(buf, "100\n", 4));
	CHECK_EQ(pid_in_status(openat(dir, "status", O_RDONLY)), pid);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK_EQ(openat(dir, "status", O_RDONLY), -1);
}

CKPT_TEST(of_proc)
{
	int info = open_or_skip("/proc/meminfo", O_RDONLY);
	int type = open_or_skip("/proc/sys/kernel/ostype", O_RDONLY);
	int mounts = open_or_skip("/proc/self/mountinfo", O_RDONLY);
	int root = open_or_skip("/proc", O_PATH);
	char buf[4096] = "", *sum = NULL;
	size_t len = 0;
	FILE *f;

	REQUIRE(read(info, buf, 20) == 20);
	ckpt_ready();
	CHECK_EQ(lseek(info, 0, SEEK_CUR), 20);
	CHECK(read(info, buf, sizeof(buf)) > 100);
	memset(buf, 0, sizeof(buf));
	CHECK_EQ(read(type, buf, sizeof(buf)), 6);
	CHECK(!strcmp(buf, "Linux\n"));
	f = fdopen(mounts, "r");
	CHECK(f && getline(&sum, &len, f) > 0);
	CHECK(openat(root, "self/stat", O_RDONLY) >= 0);
}

CKPT_TEST(of_sysfs)
{
	int fd = open_or_skip("/sys/devices/system/cpu/online", O_RDONLY);
	int dir = open_or_skip("/sys/devices/system/cpu", O_RDONLY | O_DIRECTORY);
	char buf[16];

	ckpt_ready();
	CHECK(read(fd, buf, sizeof(buf)) > 0);
	CHECK(openat(dir, "online", O_RDONLY) >= 0);
}

CKPT_TEST(of_cgroups)
{
	int fd = open_or_skip("/sys/fs/cgroup/cgroup.procs", O_RDWR);
	int dir = open_or_skip("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);
	char buf[4096];

	ckpt_ready();
	CHECK(read(fd, buf, sizeof(buf)) > 0);
	CHECK(openat(dir, "cgroup.controllers", O_RDONLY) >= 0);
}

CKPT_TEST(kernel_log)
{
	int out = open_or_skip("/dev/kmsg", O_WRONLY);
	int in = open_or_skip("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	char buf[8192];
	ssize_t n;

	ckpt_ready();
	while ((n = read(in, buf, sizeof(buf))) > 0)
		;
	CHECK_EQ(n, -1);
	CHECK_EQ(write(out, "<7>test\n", 8), 8);
	n = read(in, buf, sizeof(buf) - 1);
	CHECK(n > 0);
	buf[n > 0 ? n : 0] = '\0';
	CHECK(strstr(buf, "test"));
}

static mode_t type_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_mode & S_IFMT;
}

CKPT_TEST(paths)
{
	int link, fifo, sock, dev, file, dir, exe;
	char buf[64] = "";
	struct stat st;

	REQUIRE(!symlink("nowhere", "link") && !mkfifo("fifo", 0600));
	REQUIRE(!mknod("sock", S_IFSOCK | 0600, 0));
	REQUIRE(!mkdir("dir", 0700));
	link = open("link", O_PATH | O_NOFOLLOW);
	fifo = open("fifo", O_PATH);
	sock = open("sock", O_PATH);
	file = open("file", O_RDWR | O_CREAT, 0600);
	REQUIRE(file >= 0 && write(file, "text", 4) == 4);
	close(file);
	file = open("file", O_PATH);
	dir = open("dir", O_PATH | O_DIRECTORY);
	exe = open("/proc/self/exe", O_PATH | O_NOFOLLOW);
	/* /dev/ptmx makes a terminal when it is opened in any other way */
	dev = open("/dev/ptmx", O_PATH);
	REQUIRE(link >= 0 && fifo >= 0 && sock >= 0 && file >= 0 && dir >= 0 &&
		exe >= 0 && dev >= 0);
	ckpt_ready();
	CHECK_EQ(type_of(link), S_IFLNK);
	CHECK_EQ(readlinkat(link, "", buf, sizeof(buf)), 7);
	CHECK(!strcmp(buf, "nowhere"));
	CHECK_EQ(type_of(fifo), S_IFIFO);
	CHECK_EQ(type_of(sock), S_IFSOCK);
	CHECK_EQ(type_of(file), S_IFREG);
	CHECK_EQ(type_of(exe), S_IFLNK);
	CHECK(!fstat(dev, &st));
	CHECK_EQ(st.st_rdev, makedev(5, 2));
	CHECK_EQ(read(fifo, buf, 1), -1);
	CHECK_EQ(errno, EBADF);
	CHECK_EQ(fcntl(fifo, F_GETFL) & O_PATH, O_PATH);
	CHECK(!fchdir(dir));
}

static struct ckpt_gate up;

static void new_ns(int flags)
{
	if (unshare(flags))
		ckpt_skip("unshare(%#x): %m", flags);
}

REFUSED(of_network, "it shows a network namespace")
{
	open_or_skip("/proc/self/net/dev", O_RDONLY);
	ckpt_ready();
}

/* Its directory */
CKPT_TEST(of_all_network)
{
	int dir = open_or_skip("/proc/self/net", O_RDONLY | O_DIRECTORY);

	ckpt_ready();
	CHECK(openat(dir, "dev", O_RDONLY) >= 0);
}

REFUSED(of_network_outside, "of a process outside of the tree")
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/net/dev", getppid());
	open_or_skip(path, O_RDONLY);
	ckpt_ready();
}

/* Each is in another network than it was. */
REFUSED(of_network_it_had, "it shows a network namespace")
{
	open_or_skip("/proc/self/net/dev", O_RDONLY);
	new_ns(CLONE_NEWNET);
	ckpt_ready();
}

static int elsewhere(void *arg)
{
	new_ns(CLONE_NEWNET);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 0;
}

REFUSED(sysctl_of_network_it_had, "it shows a namespace that its process is not in")
{
	int fd = open_or_skip("/proc/sys/net/ipv4/ip_forward", O_RDONLY);
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(elsewhere, NULL);
	close(fd);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

REFUSED(sysctl_of_ipc_it_had, "it shows a namespace that its process is not in")
{
	open_or_skip("/proc/sys/kernel/shmmax", O_RDONLY);
	new_ns(CLONE_NEWIPC);
	ckpt_ready();
}

/* In the network that it is in */
CKPT_TEST(sysctl_of_network)
{
	int fd = open_or_skip("/proc/sys/net/ipv4/ip_forward", O_RDONLY);
	char c;

	ckpt_ready();
	CHECK_EQ(read(fd, &c, 1), 1);
}

static const char *const id_maps[] = {
	"uid_map", "gid_map", "projid_map", "setgroups"
};

static int open_self(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	return open_or_skip(path, O_RDONLY);
}

/* Of the user namespace of who restarts */
CKPT_TEST(id_maps_of_the_caller)
{
	int fd[ARRAY_SIZE(id_maps)], i;
	char c;

	for (i = 0; i < (int)ARRAY_SIZE(id_maps); i++)
		fd[i] = open_self(id_maps[i]);
	ckpt_ready();
	for (i = 0; i < (int)ARRAY_SIZE(id_maps); i++)
		CHECK(read(fd[i], &c, 1) >= 0);
}

REFUSED(uid_map, "it shows a user namespace of the tree")
{
	new_ns(CLONE_NEWUSER);
	open_self("uid_map");
	ckpt_ready();
}

REFUSED(gid_map, "it shows a user namespace of the tree")
{
	new_ns(CLONE_NEWUSER);
	open_self("gid_map");
	ckpt_ready();
}

/* Opened before there was a user namespace of its own */
REFUSED(projid_map, "it shows a user namespace of the tree")
{
	open_self("projid_map");
	new_ns(CLONE_NEWUSER);
	ckpt_ready();
}

REFUSED(setgroups, "it shows a user namespace of the tree")
{
	open_self("setgroups");
	new_ns(CLONE_NEWUSER);
	ckpt_ready();
}

REFUSED(attribute, "it belongs to memory")
{
	open_self("attr/current");
	ckpt_ready();
}

REFUSED(of_an_open_file, "of an open file or a mapping of a process")
{
	open_self("fdinfo/0");
	ckpt_ready();
}

REFUSED(link_of_an_open_file, "of an open file or a mapping of a process")
{
	open_or_skip("/proc/self/fd/0", O_PATH | O_NOFOLLOW);
	ckpt_ready();
}

/* The directories themselves */
CKPT_TEST(of_all_open_files)
{
	int info = open_or_skip("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY);
	int fd = open_or_skip("/proc/self/fd", O_RDONLY | O_DIRECTORY);
	char name[16];

	ckpt_ready();
	snprintf(name, sizeof(name), "%d", info);
	CHECK(openat(info, name, O_RDONLY) >= 0);
	CHECK(openat(fd, name, O_RDONLY) >= 0);
}

TEST_HARNESS_MAIN
