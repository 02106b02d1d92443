// SPDX-License-Identifier: GPL-2.0
/* Namespaces: uts, limits of ipc, pid, and mnt with a fresh proc. */
#include "libckpttest.h"

#include <dirent.h>
#include <ctype.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>

static struct ckpt_gate up, go;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

static void expect_names(const char *node, const char *domain)
{
	struct utsname names;

	CHECK(!uname(&names));
	CHECK(!strcmp(names.nodename, node));
	CHECK(!strcmp(names.domainname, domain));
}

CKPT_TEST_ONLY(uts_names, CKPT_CONTAINER)
{
	REQUIRE(!sethostname("inside", 6) && !setdomainname("a.domain", 8));
	ckpt_ready();
	expect_names("inside", "a.domain");
	CHECK(!sethostname("again", 5));
	expect_names("again", "a.domain");
}

static int another_host(void *arg)
{
	REQUIRE(!unshare(CLONE_NEWUTS) && !sethostname("child", 5));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_names("child", "parent.domain");
	return 0;
}

/* One of the tree's processes has one of its own. */
CKPT_TEST_ONLY(uts_of_a_child, CKPT_CONTAINER)
{
	pid_t pid;

	gates();
	REQUIRE(!sethostname("parent", 6) && !setdomainname("parent.domain", 13));
	pid = ckpt_fork(another_host, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	expect_names("parent", "parent.domain");
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* The caller's names stay the caller's. */
CKPT_TEST_ONLY(uts_in_a_subtree, 0)
{
	REQUIRE(!unshare(CLONE_NEWUTS) && !sethostname("subtree", 7));
	ckpt_ready();
	expect_names("subtree", "(none)");
}

static long number(const char *path)
{
	char buf[64] = "-1";

	ckpt_read_file(path, buf, sizeof(buf));
	return atol(buf);
}

/* Empty, but with limits of its own */
CKPT_TEST_ONLY(ipc_limits, CKPT_CONTAINER)
{
	REQUIRE(!ckpt_write_file("/proc/sys/kernel/msgmax", "12345"));
	REQUIRE(!ckpt_write_file("/proc/sys/kernel/shmmni", "77"));
	REQUIRE(!ckpt_write_file("/proc/sys/kernel/sem", "250 32000 33 128"));
	ckpt_ready();
	CHECK_EQ(number("/proc/sys/kernel/msgmax"), 12345);
	CHECK_EQ(number("/proc/sys/kernel/shmmni"), 77);
}

static int exit_fn(void *arg)
{
	return 0;
}

static int count_processes(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *de;
	int n = 0;

	while (dir && (de = readdir(dir)))
		n += !!isdigit(de->d_name[0]);
	if (dir)
		closedir(dir);
	return n;
}

CKPT_TEST_ONLY(pids, CKPT_CONTAINER)
{
	pid_t last, next;

	CHECK_EQ(getpid(), 1);
	CHECK_EQ(getppid(), 0);
	last = ckpt_fork(exit_fn, NULL);
	ckpt_join(last, 0);
	ckpt_ready();
	CHECK_EQ(getpid(), 1);
	CHECK_EQ(getppid(), 0);
	/* Pids go on where they were: one that was seen does not come soon. */
	next = ckpt_fork(exit_fn, NULL);
	CHECK_EQ(next, last + 1);
	ckpt_join(next, 0);
}

/* The fresh proc shows what is inside, and nothing else. */
CKPT_TEST_ONLY(fresh_proc, CKPT_CONTAINER)
{
	char self[64] = "";

	CHECK_EQ(count_processes(), 1);
	ckpt_ready();
	CHECK_EQ(count_processes(), 1);
	CHECK(readlink("/proc/self", self, sizeof(self) - 1) > 0);
	CHECK(!strcmp(self, "1"));
	/* The mounts are its own to change. */
	CHECK(!mkdir("mnt", 0755));
	CHECK(!mount("tmpfs", "mnt", "tmpfs", 0, NULL));
	CHECK(!umount("mnt"));
}

/* An ipc or mnt namespace that only a child has */
static int unshares_all(void *arg)
{
	struct stat st;

	REQUIRE(!unshare(CLONE_NEWIPC | CLONE_NEWNS));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(!stat("/proc/self", &st));
	return 0;
}

CKPT_TEST_ONLY(ipc_and_mnt_of_a_child, CKPT_CONTAINER)
{
	gates();
	ckpt_ready_beside(unshares_all, NULL, &up, &go);
}

TEST_HARNESS_MAIN
