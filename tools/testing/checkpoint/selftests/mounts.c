// SPDX-License-Identifier: GPL-2.0
/*
 * Mount namespaces: what is mounted where, over what, with which flags, and to
 * where it propagates. Each test is compared by /proc/PID/mountinfo, too.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW	256
#endif

static struct ckpt_gate up, go, later;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_gate_init(&later);
}

/* A directory with a file in it that has the name of the directory */
static int make_dir(const char *name)
{
	char path[64];
	int fd;

	if (mkdir(name, 0755) && errno != EEXIST)
		return -1;
	snprintf(path, sizeof(path), "%s/is_%s", name, name);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* Is @name what is seen at @dir? */
static bool shows(const char *dir, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/is_%s", dir, name);
	return !access(path, F_OK);
}

static int bind_to(const char *from, const char *to)
{
	return mount(from, to, NULL, MS_BIND, NULL);
}

static int set_flags(const char *dir, unsigned long flags)
{
	return mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | flags, NULL);
}

static int set_type(const char *dir, unsigned long type)
{
	return mount(NULL, dir, NULL, type, NULL);
}

CKPT_TEST_ONLY(bind_mounts, CKPT_CONTAINER)
{
	REQUIRE(!make_dir("a") && !make_dir("b") && !make_dir("c"));
	REQUIRE(!bind_to("a", "b") && !bind_to("b", "c"));
	REQUIRE(!bind_to("a/is_a", "c/is_a"));
	ckpt_ready();
	CHECK(shows("b", "a") && shows("c", "a"));
	CHECK(!umount("c/is_a"));
	CHECK(!umount("b") && shows("b", "b"));
	CHECK(shows("c", "a"));
	CHECK(!umount("c") && shows("c", "c"));
}

CKPT_TEST_ONLY(flags, CKPT_CONTAINER)
{
	static const unsigned long flags[] = {
		MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME,
		MS_NODIRATIME, MS_STRICTATIME, MS_NOSYMFOLLOW,
		MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME,
	};
	char name[16];
	size_t i;

	REQUIRE(!make_dir("a"));
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		snprintf(name, sizeof(name), "m%zu", i);
		REQUIRE(!make_dir(name) && !bind_to("a", name));
		REQUIRE(!set_flags(name, flags[i]));
	}
	ckpt_ready();
	CHECK(open("m0/new", O_CREAT | O_WRONLY, 0644) == -1 && errno == EROFS);
	CHECK(!set_flags("m0", 0));
	CHECK(open("m0/new", O_CREAT | O_WRONLY, 0644) >= 0);
}

/* What was mounted on what, and what was open before it was covered */
CKPT_TEST_ONLY(stacked, CKPT_CONTAINER)
{
	int below, middle, dir;
	char c = 0;

	REQUIRE(!make_dir("a") && !make_dir("b") && !make_dir("c"));
	REQUIRE(!make_dir("on"));
	below = open("on/file", O_CREAT | O_RDWR, 0644);
	REQUIRE(below >= 0 && write(below, "1", 1) == 1);
	dir = open("on", O_RDONLY | O_DIRECTORY);
	REQUIRE(!bind_to("a", "on"));
	middle = open("on/file", O_CREAT | O_RDWR, 0644);
	REQUIRE(middle >= 0 && write(middle, "2", 1) == 1);
	REQUIRE(!bind_to("b", "on") && !bind_to("c", "on"));
	ckpt_ready();
	CHECK(pread(below, &c, 1, 0) == 1 && c == '1');
	CHECK(pread(middle, &c, 1, 0) == 1 && c == '2');
	CHECK(!faccessat(dir, "is_on", F_OK, 0));
	CHECK(!close(middle));
	CHECK(shows("on", "c") && !umount("on"));
	CHECK(shows("on", "b") && !umount("on"));
	CHECK(shows("on", "a") && !umount("on"));
	CHECK(shows("on", "on"));
}

/* A mount that another one hides with all that was below it */
CKPT_TEST_ONLY(hidden, CKPT_CONTAINER)
{
	REQUIRE(!make_dir("a") && !make_dir("b") && !make_dir("on"));
	REQUIRE(!make_dir("c") && (!mkdir("a/in", 0755) || errno == EEXIST));
	REQUIRE(!bind_to("a", "on") && !bind_to("c", "on/in"));
	REQUIRE(!bind_to("b", "on"));
	ckpt_ready();
	CHECK(shows("on", "b") && !umount("on"));
	CHECK(shows("on", "a") && shows("on/in", "c"));
}

/* In the order of their making a mount may come before what it is on. */
CKPT_TEST_ONLY(moved, CKPT_CONTAINER)
{
	REQUIRE(!make_dir("a") && !make_dir("b") && !make_dir("on"));
	REQUIRE(!make_dir("other"));
	REQUIRE(!mkdir("b/in", 0755) || errno == EEXIST);
	REQUIRE(!bind_to("a", "other") && !bind_to("b", "on"));
	REQUIRE(!mount("other", "on/in", NULL, MS_MOVE, NULL));
	ckpt_ready();
	CHECK(shows("on", "b") && shows("on/in", "a") && shows("other", "other"));
}

CKPT_TEST_ONLY(propagation, CKPT_CONTAINER)
{
	REQUIRE(!make_dir("a") && !make_dir("peer") && !make_dir("slave"));
	REQUIRE(!make_dir("both") && !make_dir("c") && !make_dir("own"));
	REQUIRE(!mkdir("a/in", 0755) || errno == EEXIST);
	REQUIRE(!bind_to("a", "a") && !set_type("a", MS_SHARED));
	REQUIRE(!bind_to("a", "peer") && !bind_to("a", "slave"));
	REQUIRE(!bind_to("a", "both") && !bind_to("a", "own"));
	REQUIRE(!set_type("slave", MS_SLAVE) && !set_type("both", MS_SLAVE));
	REQUIRE(!set_type("both", MS_SHARED));
	REQUIRE(!set_type("own", MS_UNBINDABLE));
	ckpt_ready();
	CHECK(!bind_to("c", "peer/in"));
	CHECK(shows("a/in", "c") && shows("slave/in", "c"));
	CHECK(shows("both/in", "c") && !shows("own/in", "c"));
	CHECK(!umount("a/in"));
	CHECK(!shows("peer/in", "c") && !shows("both/in", "c"));
	CHECK(!bind_to("c", "both/in"));
	CHECK(!shows("a/in", "c") && !umount("both/in"));
	CHECK(bind_to("own", "c") == -1 && errno == EINVAL);
}

static int another_ns(void *arg)
{
	REQUIRE(!unshare(CLONE_NEWNS));
	REQUIRE(!set_type("slave", MS_SLAVE) && !set_type("own", MS_PRIVATE));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(shows("peer/in", "c") && shows("slave/in", "c"));
	CHECK(!shows("own/in", "c"));
	CHECK(!umount("peer/in") && !umount("slave/in"));
	return 0;
}

CKPT_TEST_ONLY(propagation_to_another_namespace, CKPT_CONTAINER)
{
	static const char *const dirs[] = { "peer", "slave", "own" };
	char in[16];
	pid_t pid;
	size_t i;

	gates();
	REQUIRE(!make_dir("c"));
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(in, sizeof(in), "%s/in", dirs[i]);
		REQUIRE(!make_dir(dirs[i]));
		REQUIRE(!mkdir(in, 0755) || errno == EEXIST);
		REQUIRE(!bind_to(dirs[i], dirs[i]));
		REQUIRE(!set_type(dirs[i], MS_SHARED));
	}
	pid = ckpt_fork(another_ns, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(in, sizeof(in), "%s/in", dirs[i]);
		CHECK(!bind_to("c", in));
	}
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK(!shows("peer/in", "c") && shows("slave/in", "c"));
	CHECK(shows("own/in", "c"));
}

/* The master is in a namespace that is restored later than the slave's. */
static int slave_ns(void *arg)
{
	REQUIRE(!unshare(CLONE_NEWNS) && !set_type("on", MS_SLAVE));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&later);
	CHECK(shows("on/in", "c"));
	return 0;
}

static int master_ns(void *arg)
{
	ckpt_gate_wait(&go);
	CHECK(!bind_to("c", "on/in"));
	ckpt_gate_open(&later, 1);
	return 0;
}

CKPT_TEST_ONLY(slave_first, CKPT_CONTAINER)
{
	pid_t slave, master;

	gates();
	REQUIRE(!make_dir("c") && !make_dir("on"));
	REQUIRE(!mkdir("on/in", 0755) || errno == EEXIST);
	REQUIRE(!bind_to("on", "on") && !set_type("on", MS_SHARED));
	/* the one goes to a namespace of its own, the other stays behind */
	slave = ckpt_fork(slave_ns, NULL);
	ckpt_gate_wait(&up);
	master = ckpt_fork(master_ns, NULL);
	REQUIRE(!unshare(CLONE_NEWNS) && !set_type("on", MS_PRIVATE));
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(master, 0);
	ckpt_join(slave, 0);
	CHECK(!shows("on/in", "c"));
}

/* The old root stays below the new one. */
CKPT_TEST_ONLY(pivoted, CKPT_CONTAINER)
{
	struct stat st;

	REQUIRE(!mkdir("new", 0755) || errno == EEXIST);
	REQUIRE(!bind_to("/", "new") && !chdir("new"));
	REQUIRE(!syscall(SYS_pivot_root, ".", "mnt"));
	REQUIRE(!chdir("/mnt"));
	ckpt_ready();
	CHECK(!stat("/mnt/proc/self", &st));
	CHECK(stat("/proc/self", &st) == -1);
	CHECK(!chroot("/mnt") && !stat("/proc/self", &st));
}

/* As container managers do it: nothing of the old root is left, but the exe. */
CKPT_TEST_ONLY(pivoted_away, CKPT_CONTAINER)
{
	struct stat st;

	REQUIRE(!mkdir("new", 0755) || errno == EEXIST);
	REQUIRE(!bind_to("/", "new") && !chdir("new"));
	REQUIRE(!mount("proc", "proc", "proc", 0, NULL));
	REQUIRE(!syscall(SYS_pivot_root, ".", "."));
	REQUIRE(!umount2(".", MNT_DETACH) && !chdir("/"));
	ckpt_ready();
	CHECK(!stat("/proc/self", &st));
	CHECK(stat("/dev/null", &st) == -1 || !S_ISCHR(st.st_mode));
}

/* What was open in a mount that is nowhere any more */
CKPT_TEST_ONLY(detached, CKPT_CONTAINER)
{
	char c = 0;
	int fd;

	REQUIRE(!make_dir("a") && !make_dir("on") && !bind_to("a", "on"));
	fd = open("on/file", O_CREAT | O_RDWR, 0644);
	REQUIRE(fd >= 0 && pwrite(fd, "1", 1, 0) == 1);
	REQUIRE(!set_flags("on", MS_NOEXEC) && !chdir("on"));
	REQUIRE(!umount2(".", MNT_DETACH));
	ckpt_ready();
	CHECK(pread(fd, &c, 1, 0) == 1 && c == '1');
	CHECK(!access("is_a", F_OK) && access("../is_on", F_OK));
	CHECK(pwrite(fd, "2", 1, 0) == 1);
}

/* Root and working directory in a place that is covered for others */
CKPT_TEST_ONLY(chrooted, CKPT_CONTAINER)
{
	REQUIRE(!make_dir("a") && !make_dir("b") && !make_dir("on"));
	REQUIRE(!bind_to("a", "on"));
	REQUIRE(!chdir("on") && !chroot("."));
	ckpt_ready();
	CHECK(!access("/is_a", F_OK) && !access("is_a", F_OK));
	CHECK(access("/proc", F_OK) == -1);
}

static int roots(void *arg)
{
	REQUIRE(!chdir("on") && !chroot("."));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(!access("/is_a", F_OK));
	return 0;
}

CKPT_TEST_ONLY(covered_root, CKPT_CONTAINER)
{
	pid_t pid;

	gates();
	REQUIRE(!make_dir("a") && !make_dir("b") && !make_dir("on"));
	REQUIRE(!bind_to("a", "on"));
	pid = ckpt_fork(roots, NULL);
	ckpt_gate_wait(&up);
	REQUIRE(!bind_to("b", "on"));
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK(shows("on", "b"));
}

/* A part of proc, as read-only as container managers make it */
CKPT_TEST_ONLY(part_of_proc, CKPT_CONTAINER)
{
	REQUIRE(!bind_to("/proc/sys", "/proc/sys"));
	REQUIRE(!set_flags("/proc/sys", MS_RDONLY));
	REQUIRE(!bind_to("/dev/null", "/proc/timer_list"));
	ckpt_ready();
	CHECK(ckpt_write_file("/proc/sys/kernel/hostname", "x"));
	CHECK(!umount("/proc/sys"));
	CHECK(!ckpt_write_file("/proc/sys/kernel/hostname", "x"));
}

/* A namespace of its own that is no container's */
CKPT_TEST_ONLY(in_a_subtree, 0)
{
	REQUIRE(!unshare(CLONE_NEWNS) && !set_type("/", MS_REC | MS_PRIVATE));
	REQUIRE(!make_dir("a") && !make_dir("on") && !bind_to("a", "on"));
	ckpt_ready();
	CHECK(shows("on", "a") && !umount("on") && shows("on", "on"));
}

/* A namespace that is mounted in an older one, in which its maker stayed */
static int holds_younger(void *arg)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", getppid());
	ckpt_gate_wait(&later);
	REQUIRE(!bind_to(path, "held"));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(!umount("held"));
	CHECK(!bind_to(path, "held") && !umount("held"));
	return 0;
}

static pid_t enter_younger(void)
{
	pid_t pid;
	int fd;

	gates();
	fd = open("held", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	REQUIRE(fd >= 0);
	close(fd);
	pid = ckpt_fork(holds_younger, NULL);
	REQUIRE(!unshare(CLONE_NEWNS));
	ckpt_gate_open(&later, 1);
	ckpt_gate_wait(&up);
	return pid;
}

static void leave_older(pid_t pid)
{
	char path[64];

	/* they must not hold each other */
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	CHECK(bind_to(path, "held") == -1 && errno == EINVAL);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

CKPT_TEST_ONLY(younger, CKPT_CONTAINER)
{
	pid_t pid = enter_younger();

	ckpt_ready();
	leave_older(pid);
}

CKPT_VICTIM(is_younger)
{
	pid_t pid = enter_younger();

	ckpt_ready();
	leave_older(pid);
}

/* An image cannot have what mount(2) does not make. */
DRIVER_TEST(loop)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_mnt *mnt;
	uint32_t callers = 0;
	struct image image;
	unsigned int i = 0;

	ckpt_start(v, "is_younger", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	do
		mnt = image_at(&image, CKPT_HDR_MNT, i++);
	while (mnt->ns_type != CLONE_NEWNS);
	ASSERT_NE(0, mnt->sb);
	image_refused(v, &image, &mnt->sb, &callers, sizeof(callers));
	EXPECT_TRUE(ckpt_logged(v, "not younger")) TH_LOG("%s", v->log);
	image_restart_finish(v, &image);
}

/* What one link of a chain of namespaces and the one before it say */
struct link {
	int left;
	int up[2];
	int down[2];
};

static int is_link(void *arg);

/* Mount a new namespace, that has another mounted, and so on. */
static void hold_chain(int left)
{
	struct link link = { .left = left };
	char path[64], c;
	pid_t pid;

	REQUIRE(!pipe2(link.up, O_CLOEXEC) && !pipe2(link.down, O_CLOEXEC));
	pid = ckpt_fork(is_link, &link);
	close(link.up[1]);
	close(link.down[0]);
	REQUIRE(read(link.up[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	REQUIRE(!bind_to(path, "held"));
	close(link.down[1]);
	ckpt_join(pid, 0);
	close(link.up[0]);
}

static int is_link(void *arg)
{
	const struct link *link = arg;
	char c;

	close(link->up[0]);
	close(link->down[1]);
	REQUIRE(!unshare(CLONE_NEWNS));
	if (link->left)
		hold_chain(link->left - 1);
	REQUIRE(write(link->up[1], "u", 1) == 1);
	REQUIRE(!read(link->down[0], &c, 1));
	return 0;
}

static void begin_chain(int left)
{
	int fd = open("held", O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	REQUIRE(fd >= 0 && !set_type("/", MS_REC | MS_PRIVATE));
	close(fd);
	hold_chain(left);
}

/* Nobody is in them, and what was mounted later has its place. */
CKPT_TEST_ONLY(chain, CKPT_CONTAINER)
{
	begin_chain(2);
	REQUIRE(!make_dir("a") && !make_dir("on") && !bind_to("a", "on"));
	ckpt_ready();
	CHECK(shows("on", "a") && !umount("on") && shows("on", "on"));
	CHECK(!umount("held"));
}

REFUSED_AS(long_chain, CKPT_CONTAINER, "mount namespace: nested in others")
{
	begin_chain(40);
	ckpt_ready();
	CHECK(!umount("held"));
}

/* ------------------------------------------------------- external mounts */

CKPT_VICTIM(has_volume)
{
	REQUIRE(!make_dir("volume") && !bind_to("../ckpt.given", "volume"));
	ckpt_ready();
	CHECK(shows("volume", "second"));
}

static void make_volume(const char *path, const char *name)
{
	char file[128];
	int fd;

	mkdir(path, 0755);
	snprintf(file, sizeof(file), "%s/is_%s", path, name);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		ckpt_die("%s: %s", file, strerror(errno));
	close(fd);
}

static void remove_volume(const char *path, const char *name)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/is_%s", path, name);
	unlink(file);
	rmdir(path);
}

DRIVER_TEST(volume)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_world before;
	char name[128];
	long ret;

	make_volume("/tmp/ckpt.given", "first");
	ckpt_start(v, "has_volume", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	remove_volume("/tmp/ckpt.given", "first");
	ckpt_world_take(&before);
	snprintf(name, sizeof(name), "%s/volume", v->dir);
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOENT, ret);
	EXPECT_TRUE(ckpt_logged(v, name)) TH_LOG("%s", v->log);
	EXPECT_TRUE(ckpt_logged(v, "--mount")) TH_LOG("%s", v->log);
	ckpt_world_expect(&before, 8192);

	make_volume("/tmp/ckpt.second", "second");
	ckpt_give_mount(v, name, "/tmp/ckpt.second/is_second");
	ret = ckpt_restart(v, 0);
	EXPECT_EQ(-ENOTDIR, ret);
	v->nr_mounts = 0;
	ckpt_give_mount(v, name, "/tmp/ckpt.second");
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	remove_volume("/tmp/ckpt.second", "second");
	ckpt_end(v);
}

/* The root of a container, as its manager has it: nothing else is there. */
CKPT_VICTIM(has_root)
{
	REQUIRE(!mkdir("new", 0755) || errno == EEXIST);
	REQUIRE(!bind_to("../ckpt.given", "new") && !chdir("new"));
	REQUIRE(!syscall(SYS_pivot_root, ".", "."));
	REQUIRE(!umount2(".", MNT_DETACH) && !chdir("/"));
	ckpt_ready();
	CHECK(!access("/is_second", F_OK) && !access("is_second", F_OK));
	CHECK(access("/is_first", F_OK));
}

DRIVER_TEST(root_of_a_container)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	make_volume("/tmp/ckpt.given", "first");
	make_volume("/tmp/ckpt.second", "second");
	ckpt_start(v, "has_root", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	ckpt_give_mount(v, "/", "/tmp/ckpt.second");
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	remove_volume("/tmp/ckpt.given", "first");
	remove_volume("/tmp/ckpt.second", "second");
	ckpt_end(v);
}

CKPT_VICTIM(follows)
{
	ckpt_ready();
	CHECK(!access("/tmp/ckpt.given/is_there", F_OK));
	CHECK(!bind_to("/tmp", "/tmp/ckpt.given"));
}

/* A slave of the caller's mounts is one again. */
DRIVER_TEST(slave_of_the_callers)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	long ret;

	make_volume("/tmp/ckpt.given", "first");
	make_volume("/tmp/ckpt.second", "there");
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, set_type("/", MS_REC | MS_PRIVATE));
	ASSERT_EQ(0, set_type("/", MS_REC | MS_SHARED));
	ckpt_start(v, "follows", CKPT_CONTAINER | CKPT_SLAVE);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_INNER);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_snap_expect(&before, v->pid, CKPT_PIDS_INNER);
	ckpt_snap_free(&before);
	ASSERT_EQ(0, bind_to("/tmp/ckpt.second", "/tmp/ckpt.given"));
	ckpt_finish(v);
	EXPECT_EQ(0, access("/tmp/ckpt.given/is_there", F_OK));
	EXPECT_EQ(0, umount("/tmp/ckpt.given"));
	remove_volume("/tmp/ckpt.given", "first");
	remove_volume("/tmp/ckpt.second", "there");
	ckpt_end(v);
}

/* And a peer a peer. */
CKPT_VICTIM(shares)
{
	ckpt_ready();
	CHECK(!bind_to("/tmp/ckpt.second", "/tmp/ckpt.given"));
}

DRIVER_TEST(peer_of_the_callers)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	make_volume("/tmp/ckpt.given", "first");
	make_volume("/tmp/ckpt.second", "there");
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, set_type("/", MS_REC | MS_PRIVATE));
	ASSERT_EQ(0, bind_to("/tmp/ckpt.given", "/tmp/ckpt.given"));
	ASSERT_EQ(0, set_type("/tmp/ckpt.given", MS_SHARED));
	ckpt_start(v, "shares", CKPT_CONTAINER | CKPT_PEER);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	EXPECT_EQ(0, access("/tmp/ckpt.given/is_there", F_OK));
	EXPECT_EQ(0, umount("/tmp/ckpt.given"));
	EXPECT_EQ(0, umount("/tmp/ckpt.given"));
	remove_volume("/tmp/ckpt.given", "first");
	remove_volume("/tmp/ckpt.second", "there");
	ckpt_end(v);
}

/* ------------------------------------------------------ who else is in it */

CKPT_VICTIM(stays)
{
	ckpt_ready();
}

DRIVER_TEST(held_from_outside)
{
	struct ckpt_victim *v = &self->v;
	char path[64];
	int fd;

	ckpt_start(v, "stays", CKPT_CONTAINER);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", v->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, ckpt_checkpoint(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "mount namespace")) TH_LOG("%s", v->log);
	close(fd);
	EXPECT_LT(0, ckpt_checkpoint(v, 0)) TH_LOG("%s", v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

CKPT_VICTIM(mounts_later)
{
	REQUIRE(!make_dir("a") && !make_dir("on"));
	ckpt_ready();
	CHECK(!bind_to("a", "on") && shows("on", "a"));
}

static ino_t mnt_ns_of(const char *pid)
{
	struct stat st = {};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
	stat(path, &st);
	return st.st_ino;
}

/* A namespace of its own for what had none */
DRIVER_TEST(own_namespace)
{
	struct ckpt_victim *v = &self->v;
	char pid[32], path[128];
	long ret;

	ckpt_start(v, "mounts_later", 0);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, RESTART_MNTNS);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	snprintf(pid, sizeof(pid), "%ld", ret);
	EXPECT_NE(mnt_ns_of("self"), mnt_ns_of(pid));
	snprintf(path, sizeof(path), "%s/on/is_on", v->dir);
	ckpt_finish(v);
	EXPECT_EQ(0, access(path, F_OK));
	ckpt_end(v);
}

/* ------------------------------------------- while it is being put together */

CKPT_VICTIM(has_many)
{
	int i;

	REQUIRE(!make_dir("a") && !make_dir("on"));
	for (i = 0; i < 2000; i++)
		REQUIRE(!bind_to("a", "on"));
	ckpt_ready();
	CHECK(shows("on", "a") && !umount("on"));
}

/**
 * struct watch - what is seen of namespaces that are made
 * @ready: it has begun
 * @end: no more are made
 * @nr: how many there were
 * @least: mounts in the one that had the fewest when it was first seen
 */
struct watch {
	bool ready, end;
	unsigned int nr, least;
};

/* Look at each that is younger than that of the caller once it can be found. */
static void *watch_fn(void *arg)
{
	int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), next;
	struct mnt_ns_info info;
	struct watch *w = arg;
	bool end;

	__atomic_store_n(&w->ready, true, __ATOMIC_RELEASE);
	for (;;) {
		end = __atomic_load_n(&w->end, __ATOMIC_ACQUIRE);
		next = ioctl(fd, NS_MNT_GET_NEXT, &info);
		if (next < 0 && end)
			break;
		if (next < 0)
			continue;
		if (!w->nr++ || info.nr_mounts < w->least)
			w->least = info.nr_mounts;
		close(fd);
		fd = next;
	}
	close(fd);
	return NULL;
}

static unsigned int count_mounts(pid_t pid)
{
	unsigned int nr = 0;
	char path[64];
	FILE *f;
	int c;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	f = fopen(path, "re");
	if (!f)
		ckpt_die("%s: %s", path, strerror(errno));
	while ((c = getc(f)) != EOF)
		nr += c == '\n';
	fclose(f);
	return nr;
}

/* Nobody gets at what will be covered before it is. */
DRIVER_TEST(found_when_complete)
{
	struct ckpt_victim *v = &self->v;
	struct watch w = {};
	unsigned int nr;
	pthread_t thread;
	long ret;

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ckpt_start(v, "has_many", CKPT_CONTAINER);
	nr = count_mounts(v->pid);
	ckpt_checkpoint_kill(v);
	ASSERT_EQ(0, pthread_create(&thread, NULL, watch_fn, &w));
	CKPT_WAIT_FOR(__atomic_load_n(&w.ready, __ATOMIC_ACQUIRE));
	ret = ckpt_restart(v, 0);
	__atomic_store_n(&w.end, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	EXPECT_LT(0, w.nr);
	EXPECT_LE(nr, w.least) TH_LOG("of %u found", w.nr);
	ckpt_finish(v);
	ckpt_end(v);
}

/* ------------------------------------------------- as an ordinary user */

/* Change all mounts of the last image of @v, and restart. */
static long restart_changed(struct ckpt_victim *v, uint32_t clear)
{
	struct ckpt_hdr_mnt *mnt;
	struct image image;
	unsigned int i;
	long ret;

	image_load(&image, v->image);
	for (i = 0; image_find(&image, CKPT_HDR_MNT, i); i++) {
		mnt = image_at(&image, CKPT_HDR_MNT, i);
		mnt->flags &= ~clear;
	}
	ret = image_restart(v, &image);
	image_free(&image);
	return ret;
}

CKPT_VICTIM(is_locked_in)
{
	ckpt_ready();
	CHECK(umount("/proc") == 0);
	CHECK(umount("/proc") == -1 && errno == EINVAL);
	CHECK(umount("/tmp") == -1);
}

/* Whose mounts are locked keeps them so, whatever the image says. */
DRIVER_TEST(locked_mounts)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	long ret;

	ckpt_enter_user_ns(CLONE_NEWNS);
	ckpt_start(v, "is_locked_in", CKPT_CONTAINER);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_INNER);
	ckpt_checkpoint_kill(v);
	EXPECT_EQ(-EPERM, restart_changed(v, CKPT_MNT_LOCKED));
	EXPECT_TRUE(ckpt_logged(v, "locked")) TH_LOG("%s", v->log);
	EXPECT_EQ(-EPERM, restart_changed(v, CKPT_MNT_RELATIME));
	EXPECT_TRUE(ckpt_logged(v, "locked")) TH_LOG("%s", v->log);
	EXPECT_EQ(-EPERM, restart_changed(v, CKPT_MNT_NOSUID));
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_snap_expect(&before, v->pid, CKPT_PIDS_INNER);
	ckpt_snap_free(&before);
	ckpt_finish(v);
	ckpt_end(v);
}

CKPT_VICTIM(has_its_proc)
{
	ckpt_ready();
	CHECK(!access("/proc/tty/drivers", F_OK));
	CHECK(!access("/proc/self/status", F_OK));
}

/* Give a place for the mount that is covered at @where: that has a number. */
static void give_below(struct ckpt_victim *v, const char *where,
		       const char *path)
{
	struct ckpt_hdr_string *s;
	size_t len = strlen(where);
	struct image image;
	unsigned int i;

	image_load(&image, v->image);
	for (i = 0; image_find(&image, CKPT_HDR_STRING, i); i++) {
		s = image_at(&image, CKPT_HDR_STRING, i);
		if (!strncmp(s->text, where, len) && s->text[len] == '#') {
			ckpt_give_mount(v, s->text, path);
			break;
		}
	}
	image_free(&image);
}

/* Restart without CAP_SYS_ADMIN, as is refused as long as less may be seen. */
static void expect_too_revealing(struct __test_metadata *_metadata,
				 struct ckpt_victim *v)
{
	long ret;

	ckpt_caps_drop(1ULL << CAP_SYS_ADMIN);
	ret = ckpt_restart(v, 0);
	ckpt_caps_back();
	EXPECT_EQ(-EPERM, ret);
	EXPECT_TRUE(ckpt_logged(v, "more than you may see")) TH_LOG("%s", v->log);
	if (ret > 0)
		ckpt_kill(v);
}

/* What is covered is so for who could not uncover it, locked or not. */
DRIVER_TEST(covered_proc)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, set_type("/", MS_REC | MS_PRIVATE));
	ASSERT_EQ(0, mount("none", "/mnt", "tmpfs", 0, NULL));
	ckpt_start(v, "has_its_proc", CKPT_USER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	/* not what takes the place of the one below its own */
	give_below(v, "/proc", "/mnt");
	ASSERT_EQ(0, mount("none", "/proc/tty", "tmpfs", 0, NULL));
	expect_too_revealing(_metadata, v);
	ASSERT_EQ(0, umount("/proc/tty"));
	ASSERT_EQ(0, set_flags("/proc", MS_RDONLY));
	expect_too_revealing(_metadata, v);
	ASSERT_EQ(0, set_flags("/proc", MS_NOATIME));
	expect_too_revealing(_metadata, v);
	ASSERT_EQ(0, set_flags("/proc", MS_RELATIME));
	ckpt_caps_drop(1ULL << CAP_SYS_ADMIN);
	ret = ckpt_restart(v, 0);
	ckpt_caps_back();
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
