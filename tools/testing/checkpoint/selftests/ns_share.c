// SPDX-License-Identifier: GPL-2.0
/*
 * Namespaces that tasks share unevenly, descriptors of namespaces, those of
 * the caller of restart instead, and who else holds one.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static struct ckpt_gate up, go;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

static void expect_name(const char *name)
{
	char buf[65] = "";

	CHECK(!gethostname(buf, sizeof(buf)));
	if (strcmp(buf, name))
		ckpt_fail(__FILE__, __LINE__, "the host is %s, not %s", buf,
			  name);
}

static void name_it(const char *name)
{
	REQUIRE(!sethostname(name, strlen(name)));
}

static void link_of(pid_t pid, const char *ns, char *buf, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, ns);
	n = readlink(path, buf, size - 1);
	buf[n > 0 ? n : 0] = 0;
	CHECK(n > 0);
}

static bool same_ns(pid_t a, pid_t b, const char *ns)
{
	char x[64], y[64];

	link_of(a, ns, x, sizeof(x));
	link_of(b, ns, y, sizeof(y));
	return !strcmp(x, y);
}

/* ------------------------------------------------------------ uts, unevenly */

/* a has its own; b too, and b's child is in that of b; c is in a's */
static int uts_child(void *arg)
{
	const char *name = arg;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_name(name);
	return 0;
}

static int uts_own(void *arg)
{
	pid_t pid;

	REQUIRE(!unshare(CLONE_NEWUTS));
	name_it(arg);
	pid = ckpt_fork(uts_child, arg);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_name(arg);
	ckpt_join(pid, 0);
	return 0;
}

static int uts_entered(void *arg)
{
	int fd = *(int *)arg;

	REQUIRE(!setns(fd, CLONE_NEWUTS));
	close(fd);
	return uts_child("a");
}

CKPT_TEST(uts_unevenly)
{
	char path[64];
	pid_t pid[3];
	int i, fd;

	gates();
	pid[0] = ckpt_fork(uts_own, "a");
	pid[1] = ckpt_fork(uts_own, "b");
	for (i = 0; i < 4; i++)
		ckpt_gate_wait(&up);
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid[0]);
	fd = open(path, O_RDONLY);
	REQUIRE(fd >= 0);
	pid[2] = ckpt_fork(uts_entered, &fd);
	ckpt_gate_wait(&up);
	close(fd);
	ckpt_ready();
	CHECK(same_ns(pid[0], pid[2], "uts"));
	CHECK(!same_ns(pid[0], pid[1], "uts"));
	CHECK(!same_ns(pid[0], getpid(), "uts"));
	ckpt_gate_open(&go, 5);
	for (i = 0; i < 3; i++)
		ckpt_join(pid[i], 0);
}

/* -------------------------------------------------------------- descriptors */

static const char * const kinds[] = {
	"uts", "ipc", "mnt", "pid", "cgroup", "time", "user", "net",
};

static bool refers_to(int fd, const char *ns)
{
	struct stat a, b;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", ns);
	return !fstat(fd, &a) && !stat(path, &b) && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/* Those that one is in, whoever made them */
CKPT_TEST(descriptors_of_its_own)
{
	int fd[ARRAY_SIZE(kinds)];
	char path[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		fd[i] = open(path, i & 1 ? O_RDONLY : O_RDONLY | O_CLOEXEC);
		REQUIRE(fd[i] >= 0);
	}
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		CHECK(refers_to(fd[i], kinds[i]));
		CHECK_EQ(fcntl(fd[i], F_GETFD), i & 1 ? 0 : FD_CLOEXEC);
	}
	CHECK_EQ(ioctl(fd[0], NS_GET_NSTYPE), CLONE_NEWUTS);
}

/* Nobody is in it but for these descriptors, one of them twice. */
CKPT_TEST(kept_by_a_descriptor)
{
	int fd, twice, old = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	int of_old;

	REQUIRE(old >= 0);
	REQUIRE(!unshare(CLONE_NEWUTS));
	name_it("kept");
	fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	twice = dup(fd);
	REQUIRE(!setns(old, CLONE_NEWUTS));
	close(old);
	of_old = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	REQUIRE(of_old >= 0);
	ckpt_ready();
	CHECK(!refers_to(fd, "uts"));
	CHECK(refers_to(of_old, "uts"));
	CHECK(!setns(fd, CLONE_NEWUTS));
	expect_name("kept");
	CHECK(refers_to(twice, "uts"));
	CHECK(!refers_to(of_old, "uts"));
	CHECK(!setns(of_old, CLONE_NEWUTS));
}

/* Kept by a mount; one is the caller's own. */
CKPT_TEST_ONLY(kept_by_a_mount, CKPT_CONTAINER)
{
	int old = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC), fd;
	char was[128] = "", is[128] = "", link[64];
	struct stat a, b;

	REQUIRE(old >= 0);
	REQUIRE(!mknod("uts", S_IFREG | 0600, 0));
	REQUIRE(!mknod("net", S_IFREG | 0600, 0));
	REQUIRE(!unshare(CLONE_NEWUTS));
	name_it("mounted");
	REQUIRE(!mount("/proc/self/ns/uts", "uts", NULL, MS_BIND, NULL));
	REQUIRE(!mount("/proc/self/ns/net", "net", NULL, MS_BIND, NULL));
	REQUIRE(!setns(old, CLONE_NEWUTS));
	close(old);
	fd = open("uts", O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	REQUIRE(readlink(link, was, sizeof(was) - 1) > 0);
	ckpt_ready();
	CHECK(readlink(link, is, sizeof(is) - 1) > 0);
	CHECK(!strcmp(was, is));
	CHECK(!stat("uts", &a) && !fstat(fd, &b));
	CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	CHECK(!stat("net", &a) && !stat("/proc/self/ns/net", &b));
	CHECK(a.st_ino == b.st_ino);
	CHECK(!refers_to(fd, "uts"));
	CHECK(!setns(fd, CLONE_NEWUTS));
	expect_name("mounted");
	close(fd);
	REQUIRE(!umount("uts") && !umount("net"));
	REQUIRE(!unlink("uts") && !unlink("net"));
}

/* That of a child, held by its parent */
static int has_its_own(void *arg)
{
	REQUIRE(!unshare(CLONE_NEWUSER));
	REQUIRE(!unshare(CLONE_NEWUTS | CLONE_NEWTIME | CLONE_NEWCGROUP));
	name_it("childs");
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_name("childs");
	return 0;
}

CKPT_TEST(descriptors_of_a_child)
{
	static const char * const of_child[] = {
		"uts", "user", "cgroup", "time_for_children",
	};
	int fd[ARRAY_SIZE(of_child)];
	unsigned int i;
	struct stat a, b;
	char path[64];
	pid_t pid;

	gates();
	pid = ckpt_fork(has_its_own, NULL);
	ckpt_gate_wait(&up);
	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid,
			 of_child[i]);
		fd[i] = open(path, O_RDONLY | O_CLOEXEC);
		REQUIRE(fd[i] >= 0);
	}
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid,
			 of_child[i]);
		CHECK(!fstat(fd[i], &a) && !stat(path, &b));
		CHECK(a.st_ino == b.st_ino);
	}
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* ------------------------------------- every way that two tasks can share */

/*
 * Bit N: the child has a namespace of its own of the Nth kind. The user
 * namespace, which owns the others, is the last.
 */
static const struct {
	const char *name;
	int flag;
} own[] = {
	{ "uts", CLONE_NEWUTS },
	{ "ipc", CLONE_NEWIPC },
	{ "mnt", CLONE_NEWNS },
	{ "cgroup", CLONE_NEWCGROUP },
	{ "time_for_children", CLONE_NEWTIME },
	{ "pid_for_children", CLONE_NEWPID },
	{ "user", CLONE_NEWUSER },
};

#define WAYS	128

static int flags_of(unsigned int way)
{
	int flags = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(own); i++)
		if (way & (1 << i))
			flags |= own[i].flag;
	return flags;
}

static int lives_in_it(void *arg)
{
	CHECK_EQ(getpid(), 1);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(getpid(), 1);
	return 0;
}

static int one_way(void *arg)
{
	int flags = flags_of((long)arg);
	pid_t pid;

	REQUIRE(!unshare(flags));
	if (flags & CLONE_NEWPID) {
		pid = ckpt_fork(lives_in_it, NULL);
		ckpt_join(pid, 0);
		return 0;
	}
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 0;
}

/*
 * A child for each way that has all of @with and nothing of @without, or for
 * some of them, where not all is to be tried
 */
static void share_in_ways(int with, int without)
{
	unsigned int way, i, nth = 0, step = ckpt_step();
	pid_t pid[WAYS] = {};
	int n = 0;

	gates();
	for (way = 0; way < WAYS; way++) {
		if ((flags_of(way) & with) != with ||
		    flags_of(way) & without || nth++ % step)
			continue;
		pid[way] = ckpt_fork(one_way, (void *)(long)way);
		n++;
	}
	for (i = 0; (int)i < n; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	for (way = 0; way < WAYS; way++)
		for (i = 0; pid[way] && i < ARRAY_SIZE(own); i++)
			CHECK_EQ(same_ns(getpid(), pid[way], own[i].name),
				 !(way & (1 << i)));
	ckpt_gate_open(&go, n);
	for (way = 0; way < WAYS; way++)
		if (pid[way])
			ckpt_join(pid[way], 0);
}

/* In four parts, each with half a hundred namespaces of a kind or none */
CKPT_VICTIM(two_tasks)
{
	share_in_ways(0, CLONE_NEWUSER | CLONE_NEWPID);
}

CKPT_VICTIM(two_tasks_and_pids)
{
	share_in_ways(CLONE_NEWPID, CLONE_NEWUSER);
}

CKPT_VICTIM(two_tasks_and_users)
{
	share_in_ways(CLONE_NEWUSER, CLONE_NEWPID);
}

CKPT_VICTIM(two_tasks_and_all)
{
	share_in_ways(CLONE_NEWUSER | CLONE_NEWPID, 0);
}

static void shares(struct __test_metadata *_metadata, const char *victim,
		   unsigned int flags)
{
	enum ckpt_pids pids = flags ? CKPT_PIDS_INNER : CKPT_PIDS_SAME;
	static struct ckpt_victim v;
	struct ckpt_snap before;
	long ret;

	ckpt_start(&v, victim, flags);
	if (v.skip[0])
		SKIP(return, "%s", v.skip);
	ckpt_snap_take(&before, v.pid, pids);
	ckpt_checkpoint_kill(&v);
	ret = ckpt_restart(&v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v.log);
	ckpt_snap_expect(&before, v.pid, pids);
	ckpt_snap_free(&before);
	ckpt_finish(&v);
	ckpt_end(&v);
}

DRIVER_TEST(all_ways_in_a_subtree)
{
	shares(_metadata, "two_tasks", 0);
}

DRIVER_TEST(all_ways_in_a_container)
{
	shares(_metadata, "two_tasks", CKPT_CONTAINER);
}

DRIVER_TEST(all_ways_with_pids)
{
	shares(_metadata, "two_tasks_and_pids", CKPT_CONTAINER);
}

DRIVER_TEST(all_ways_with_users)
{
	shares(_metadata, "two_tasks_and_users", 0);
}

DRIVER_TEST(all_ways_with_both)
{
	shares(_metadata, "two_tasks_and_all", CKPT_CONTAINER);
}

/* -------------------------------------------- the namespaces of the caller */

static long restart_join(struct ckpt_victim *v, unsigned int join,
			 unsigned long flags)
{
	struct restart_args args = {
		.inherit = (uintptr_t)v->inherit,
		.inherit_nr = v->nr_inherit,
		.tty_fd = -1,
		.join = join,
	};
	int log;
	long ret;

	if (lseek(v->image, 0, SEEK_SET))
		ckpt_die("lseek: %m");
	ckpt_log_open(&log);
	ret = sys_restart(0, v->image, flags, log, &args, sizeof(args));
	if (ret < 0)
		ret = -errno;
	ckpt_log_read(v, log);
	if (ret > 0)
		ckpt_adopt(v, ret);
	return ret;
}

#define HAD	(CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWTIME | CLONE_NEWIPC | \
		 CLONE_NEWNS)

/* A file of the caller's is found where mounts of its own are not made. */
static void ready_with_file(void)
{
	struct stat before, after;
	int fd;

	fd = open("file", O_RDWR | O_CREAT, 0600);
	REQUIRE(fd >= 0 && !fstat(fd, &before));
	ckpt_ready();
	CHECK(!fstat(fd, &after) && before.st_ino == after.st_ino);
	CHECK(!stat("file", &after) && before.st_ino == after.st_ino);
	REQUIRE(!unlink("file"));
}

CKPT_VICTIM(has_five)
{
	REQUIRE(!unshare(HAD));
	ready_with_file();
}

/* It would be lost. */
CKPT_VICTIM(has_a_queue)
{
	int id;

	REQUIRE(!unshare(CLONE_NEWIPC));
	id = msgget(IPC_PRIVATE, 0600);
	REQUIRE(id >= 0);
	ckpt_ready();
	CHECK(!msgctl(id, IPC_RMID, NULL));
}

DRIVER_TEST(joined)
{
	struct ckpt_victim *v = &self->v;
	unsigned int i, k;
	long ret;

	ckpt_start(v, "has_five", 0);
	ckpt_checkpoint_kill(v);
	EXPECT_EQ(-EINVAL, restart_join(v, CLONE_VM, 0));
	for (i = 0; i < ARRAY_SIZE(own); i++) {
		if (!(own[i].flag & HAD))
			continue;
		ret = restart_join(v, own[i].flag, 0);
		ASSERT_LT(0, ret)
			TH_LOG("%s: %s\n%s", own[i].name, strerror(-ret),
			       v->log);
		for (k = 0; k < ARRAY_SIZE(own); k++)
			EXPECT_EQ(i == k || !(own[k].flag & HAD),
				  same_ns(v->pid, getpid(), own[k].name));
		ckpt_kill(v);
	}
	ret = restart_join(v, HAD, 0);
	ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
	for (k = 0; k < ARRAY_SIZE(own); k++)
		EXPECT_TRUE(same_ns(v->pid, getpid(), own[k].name));
	ckpt_finish(v);
	ckpt_end(v);
}

DRIVER_TEST(joined_without_its_queue)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "has_a_queue", 0);
	ckpt_checkpoint_kill(v);
	EXPECT_EQ(-EINVAL, restart_join(v, CLONE_NEWIPC, 0));
	EXPECT_TRUE(ckpt_logged(v, "restart without joining")) TH_LOG("%s", v->log);
	ret = restart_join(v, CLONE_NEWUTS, 0);
	ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

/* A list to undo with nothing in it any more */
CKPT_VICTIM(had_a_set)
{
	struct sembuf op = { .sem_op = 1, .sem_flg = SEM_UNDO };
	int id;

	REQUIRE(!unshare(CLONE_NEWIPC));
	id = semget(IPC_PRIVATE, 1, 0600);
	REQUIRE(id >= 0 && !semop(id, &op, 1) && !semctl(id, 0, IPC_RMID));
	ckpt_ready();
}

/* What the caller's has is not an image's to undo. */
DRIVER_TEST(joined_to_undo)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_sem_undo *undo;
	struct image image;
	int fd;

	ckpt_start(v, "had_a_set", 0);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	undo = image_at(&image, CKPT_HDR_SEM_UNDO, 0);
	undo->ns = image_objref(&image, CKPT_OBJ_IPC_NS, undo);
	undo->nr = 1;
	image_seal(&image);
	fd = v->image;
	v->image = image_file(&image, image.size);
	EXPECT_EQ(-EINVAL, restart_join(v, CLONE_NEWIPC, 0));
	EXPECT_TRUE(ckpt_logged(v, "to undo in the caller's ipc namespace"))
		TH_LOG("%s", v->log);
	close(v->image);
	v->image = fd;
	image_free(&image);
	ckpt_restart_finish(v);
}

CKPT_VICTIM(is_init)
{
	ckpt_ready();
	/* one of many now */
	CHECK(getpid() != 1);
}

DRIVER_TEST(joined_pids)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "is_init", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	ret = restart_join(v, CLONE_NEWPID, 0);
	EXPECT_EQ(-EEXIST, ret);
	ret = restart_join(v, CLONE_NEWPID, RESTART_NOPIDS);
	ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
	EXPECT_TRUE(same_ns(v->pid, getpid(), "pid"));
	EXPECT_FALSE(same_ns(v->pid, getpid(), "uts"));
	ckpt_finish(v);
	ckpt_end(v);
}

CKPT_VICTIM(has_a_network)
{
	char before[64], after[64];
	int fd;

	if (unshare(CLONE_NEWNET))
		ckpt_skip("no network namespaces: %m");
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	REQUIRE(fd >= 0);
	link_of(getpid(), "net", before, sizeof(before));
	ckpt_ready();
	link_of(getpid(), "net", after, sizeof(after));
	CHECK(strcmp(before, after));
	CHECK_EQ(socket(AF_UNIX, SOCK_DGRAM, 0), fd + 1);
}

DRIVER_TEST(joined_network)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "has_a_network", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	ret = restart_join(v, CLONE_NEWNET, 0);
	ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
	EXPECT_TRUE(same_ns(v->pid, getpid(), "net"));
	EXPECT_FALSE(same_ns(v->pid, getpid(), "uts"));
	ckpt_finish(v);
	ckpt_end(v);
}

CKPT_VICTIM(is_root_in_there)
{
	REQUIRE(!getuid() && !getgid());
	ckpt_ready();
	CHECK(!getuid() && !getgid());
}

DRIVER_TEST(joined_users)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "is_root_in_there", CKPT_USER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	ret = restart_join(v, CLONE_NEWUSER, 0);
	ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
	EXPECT_TRUE(same_ns(v->pid, getpid(), "user"));
	EXPECT_FALSE(same_ns(v->pid, getpid(), "uts"));
	ckpt_finish(v);
	ckpt_end(v);
}

/* -------------------------------------------------------- who holds it too */

CKPT_VICTIM(has_one)
{
	REQUIRE(!unshare(CLONE_NEWUTS));
	name_it("mine");
	ckpt_ready();
}

/* With CHECKPOINT_SUBTREE that of others is not the tree's. */
CKPT_VICTIM(had_one)
{
	char name[64] = "";

	REQUIRE(!unshare(CLONE_NEWUTS));
	name_it("theirs");
	ckpt_ready();
	CHECK(!gethostname(name, sizeof(name)) && strcmp(name, "theirs"));
}

static int open_ns(pid_t pid, const char *ns)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		ckpt_die("%s: %m", path);
	return fd;
}

DRIVER_TEST(open_outside)
{
	struct ckpt_victim *v = &self->v;
	char text[64];
	long ret;
	int fd;

	ckpt_start(v, "has_one", CKPT_CONTAINER);
	fd = open_ns(v->pid, "uts");
	ret = ckpt_checkpoint(v, 0);
	EXPECT_EQ(-EBUSY, ret);
	EXPECT_TRUE(ckpt_logged(v, "uts namespace: 2 uses, 1 of them in the tree"))
		TH_LOG("%s", v->log);
	snprintf(text, sizeof(text), "pid %d (", getpid());
	EXPECT_TRUE(ckpt_logged(v, text)) TH_LOG("%s", v->log);
	snprintf(text, sizeof(text), "open as fd %d", fd);
	EXPECT_TRUE(ckpt_logged(v, text)) TH_LOG("%s", v->log);
	close(fd);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

/* In a mount namespace of its own, which the tree knows nothing of */
static pid_t mount_it(struct ckpt_victim *v, const char *ns, const char *path)
{
	char link[64];
	pid_t pid;

	snprintf(link, sizeof(link), "/proc/%d/ns/%s", v->pid, ns);
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount(link, path, NULL, MS_BIND, NULL))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	ckpt_wait_state(pid, 'T');
	return pid;
}

DRIVER_TEST(mounted_outside)
{
	struct ckpt_victim *v = &self->v;
	char path[64];
	pid_t pid;
	long ret;
	int fd;

	ckpt_start(v, "has_one", CKPT_CONTAINER);
	snprintf(path, sizeof(path), "/tmp/ckpt.ns.%d", getpid());
	fd = open(path, O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, fd);
	close(fd);
	pid = mount_it(v, "uts", path);
	ret = ckpt_checkpoint(v, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	EXPECT_EQ(-EBUSY, ret);
	EXPECT_TRUE(ckpt_logged(v, "mounted")) TH_LOG("%s", v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

CKPT_VICTIM(made_with_time)
{
	CHECK_EQ(getpid(), 1);
	expect_name("made");
	ckpt_ready();
	CHECK_EQ(getpid(), 1);
	expect_name("made");
}

static void *outlives(void *arg)
{
	ckpt_ready();
	return NULL;
}

CKPT_VICTIM(made_and_outlived)
{
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, outlives, NULL));
	syscall(SYS_exit, 0);
}

/* Called by who stayed outside, when it is told who the root is */
static pid_t checkpointer(int from, int image, int log)
{
	pid_t pid = fork(), root;

	if (pid)
		return pid;
	if (read(from, &root, sizeof(root)) != sizeof(root))
		_exit(2);
	_exit(sys_checkpoint(root, image, 0, log, NULL, 0) <= 0);
}

/*
 * As unshare(1) does it: it goes to the new namespaces, makes the init, and
 * waits. With a time namespace it has a set of namespaces of its own.
 */
static void saved_beside_maker(struct __test_metadata *_metadata,
			       struct ckpt_victim *v, const char *name,
			       bool outlived)
{
	int image = ckpt_tmpfile(), log, fd[2], status;
	pid_t pid;

	ASSERT_EQ(0, pipe(fd));
	ckpt_log_open(&log);
	pid = checkpointer(fd[0], image, log);
	ASSERT_EQ(0, unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID |
			     CLONE_NEWCGROUP | CLONE_NEWTIME));
	ASSERT_EQ(0, sethostname("made", 4));
	ckpt_start(v, name, 0);
	if (outlived)
		ckpt_wait_state(v->pid, 'Z');
	ASSERT_EQ((ssize_t)sizeof(v->pid),
		  write(fd[1], &v->pid, sizeof(v->pid)));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ckpt_log_read(v, log);
	EXPECT_EQ(0, status) TH_LOG("%s", v->log);
	close(image);
}

DRIVER_TEST(its_maker_waits)
{
	saved_beside_maker(_metadata, &self->v, "made_with_time", false);
	ckpt_finish(&self->v);
	ckpt_end(&self->v);
}

DRIVER_TEST(its_maker_waits_for_a_thread)
{
	saved_beside_maker(_metadata, &self->v, "made_and_outlived", true);
	ckpt_kill(&self->v);
	ckpt_end(&self->v);
}

/* A task in it */
static pid_t enter(struct ckpt_victim *v, const char *ns, int type)
{
	int fd = open_ns(v->pid, ns);
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (setns(fd, type))
			_exit(1);
		close(fd);
		raise(SIGSTOP);
		pause();
		_exit(0);
	}
	close(fd);
	ckpt_wait_state(pid, 'T');
	return pid;
}

DRIVER_TEST(entered_by)
{
	struct ckpt_victim *v = &self->v;
	char text[64];
	pid_t pid;
	long ret;

	ckpt_start(v, "has_one", CKPT_CONTAINER);
	pid = enter(v, "uts", CLONE_NEWUTS);
	ret = ckpt_checkpoint(v, 0);
	EXPECT_EQ(-EBUSY, ret);
	snprintf(text, sizeof(text), "pid %d (ns_share)", pid);
	EXPECT_TRUE(ckpt_logged(v, text)) TH_LOG("%s", v->log);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ckpt_finish(v);
	ckpt_end(v);
}

/* One of its own of each kind that others could share */
CKPT_VICTIM(has_all)
{
	int fd;

	if (unshare(CLONE_NEWCGROUP | CLONE_NEWTIME | CLONE_NEWNET))
		ckpt_skip("unshare: %m");
	fd = open("/proc/self/ns/time_for_children", O_RDONLY);
	REQUIRE(fd >= 0 && !setns(fd, CLONE_NEWTIME));
	close(fd);
	ckpt_ready();
}

static void shared_with(struct __test_metadata *_metadata,
			struct ckpt_victim *v, const char *kind,
			const char *how, const char *who)
{
	char text[64];

	EXPECT_EQ(-EBUSY, ckpt_checkpoint(v, CHECKPOINT_KILL))
		TH_LOG("%s, %s", kind, how);
	snprintf(text, sizeof(text), "%s namespace: ", kind);
	EXPECT_TRUE(ckpt_logged(v, text) && ckpt_logged(v, who))
		TH_LOG("%s, %s: %s", kind, how, v->log);
}

/* Each kind, entered by a task, open in one, and mounted */
DRIVER_TEST(each_kind_outside)
{
	static const struct {
		const char *name;
		const char *ns;
		int flag;
		bool mountable;
	} kinds[] = {
		{ "uts", "uts", CLONE_NEWUTS, true },
		{ "ipc", "ipc", CLONE_NEWIPC, true },
		{ "mount", "mnt", CLONE_NEWNS, false },
		{ "cgroup", "cgroup", CLONE_NEWCGROUP, true },
		{ "time", "time", CLONE_NEWTIME, true },
		{ "network", "net", CLONE_NEWNET, true },
	};
	struct ckpt_victim *v = &self->v;
	char path[64], who[64];
	unsigned int i;
	pid_t pid;
	int fd;

	ckpt_start(v, "has_all", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	snprintf(path, sizeof(path), "/tmp/ckpt.ns.%d", getpid());
	fd = open(path, O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, fd);
	close(fd);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		fd = open_ns(v->pid, kinds[i].ns);
		snprintf(who, sizeof(who), "open as fd %d", fd);
		shared_with(_metadata, v, kinds[i].name, "open", who);
		close(fd);

		pid = enter(v, kinds[i].ns, kinds[i].flag);
		snprintf(who, sizeof(who), "pid %d (", pid);
		shared_with(_metadata, v, kinds[i].name, "entered", who);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);

		if (!kinds[i].mountable)
			continue;
		pid = mount_it(v, kinds[i].ns, path);
		shared_with(_metadata, v, kinds[i].name, "mounted", "mounted");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	unlink(path);
	ckpt_ping(v);
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

CKPT_VICTIM(had_mounts)
{
	REQUIRE(!unshare(CLONE_NEWNS));
	ready_with_file();
}

CKPT_VICTIM(had_queues)
{
	REQUIRE(!unshare(CLONE_NEWIPC));
	ckpt_ready();
}

static void is_outside(struct __test_metadata *_metadata, const char *victim,
		       const char *ns, int type)
{
	static struct ckpt_victim v;
	pid_t pid;
	long ret;

	ckpt_start(&v, victim, 0);
	pid = enter(&v, ns, type);
	ret = ckpt_checkpoint(&v, CHECKPOINT_KILL);
	ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v.log);
	kill(pid, SIGKILL);
	ckpt_reaped(&v);
	ret = ckpt_restart(&v, 0);
	ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v.log);
	EXPECT_TRUE(same_ns(v.pid, getpid(), ns));
	ckpt_finish(&v);
	ckpt_end(&v);
}

DRIVER_TEST(outside_of_a_subtree)
{
	is_outside(_metadata, "had_one", "uts", CLONE_NEWUTS);
	is_outside(_metadata, "had_mounts", "mnt", CLONE_NEWNS);
	is_outside(_metadata, "had_queues", "ipc", CLONE_NEWIPC);
}

/* What is in the namespace would be lost. */
CKPT_VICTIM(has_a_segment)
{
	void *p;
	int id;

	REQUIRE(!unshare(CLONE_NEWIPC));
	id = shmget(IPC_PRIVATE, 4096, 0600);
	REQUIRE(id >= 0);
	p = shmat(id, NULL, 0);
	REQUIRE(p != (void *)-1);
	ckpt_ready();
	CHECK(!shmdt(p));
}

DRIVER_TEST(segment_of_others)
{
	struct ckpt_victim *v = &self->v;
	pid_t pid;

	ckpt_start(v, "has_a_segment", 0);
	pid = enter(v, "ipc", CLONE_NEWIPC);
	EXPECT_EQ(-EBUSY, ckpt_checkpoint(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "ipc namespace: others use it too"))
		TH_LOG("%s", v->log);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ckpt_finish(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
