// SPDX-License-Identifier: GPL-2.0
/*
 * Cgroups: the place of each process, and of each thread, below the first
 * cgroup of the tree, and cgroup namespaces with their roots.
 */
#include "libckpttest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define CGROUP_ROOT	"/sys/fs/cgroup"

/* Descriptor of the cgroup that the driver made for the victim */
#define DIR_FD		100

static struct ckpt_gate up, go;

/* What a thread of the victim sees of its own cgroup */
static void expect_cgroup(const char *path)
{
	char buf[1024] = "", *line;

	ckpt_read_file("/proc/thread-self/cgroup", buf, sizeof(buf));
	line = strstr(buf, "0::");
	CHECK(line);
	if (!line)
		return;
	line += 3;
	line[strcspn(line, "\n")] = 0;
	if (strcmp(line, path))
		ckpt_fail(__FILE__, __LINE__, "the cgroup is %s, not %s", line,
			  path);
}

static void tell(const char *name, const char *file, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", name, file);
	fd = openat(DIR_FD, path, O_WRONLY);
	REQUIRE(fd >= 0 && write(fd, text, strlen(text)) > 0);
	close(fd);
}

/* Go to a cgroup below that of the victim, which is made. */
static void enter(const char *name)
{
	REQUIRE(!mkdirat(DIR_FD, name, 0755) || errno == EEXIST);
	tell(name, "cgroup.procs", "0");
}

static int in_a_leaf(void *arg)
{
	enter("kids");
	enter("kids/leaf");
	close(DIR_FD);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_cgroup("/kids/leaf");
	return 0;
}

/* One namespace below the other, whose root is the cgroup it is made in */
static int in_a_namespace(void *arg)
{
	enter("kids");
	enter("kids/inner");
	REQUIRE(!unshare(CLONE_NEWCGROUP));
	enter("kids/inner/deep");
	close(DIR_FD);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_cgroup("/deep");
	return 0;
}

CKPT_VICTIM(family)
{
	pid_t pid[2];
	int i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	enter(".");
	REQUIRE(!unshare(CLONE_NEWCGROUP));
	pid[0] = ckpt_fork(in_a_leaf, NULL);
	pid[1] = ckpt_fork(in_a_namespace, NULL);
	for (i = 0; i < 2; i++)
		ckpt_gate_wait(&up);
	enter("parent");
	close(DIR_FD);
	expect_cgroup("/parent");
	ckpt_ready();
	expect_cgroup("/parent");
	ckpt_gate_open(&go, 2);
	for (i = 0; i < 2; i++)
		ckpt_join(pid[i], 0);
}

static void make_threaded(const char *name)
{
	REQUIRE(!mkdirat(DIR_FD, name, 0755));
	tell(name, "cgroup.type", "threaded");
}

static void *in_a_thread(void *arg)
{
	const char *name = arg;

	tell(name + 1, "cgroup.threads", "0");
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_cgroup(name);
	return NULL;
}

/* In a namespace that has such a cgroup for its root */
static int all_threaded(void *arg)
{
	tell("pool/a/b", "cgroup.procs", "0");
	REQUIRE(!unshare(CLONE_NEWCGROUP));
	close(DIR_FD);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_cgroup("/");
	return 0;
}

/* Threads in cgroups of their own, and a process whose leader is in one */
CKPT_VICTIM(threads)
{
	static char *const at[] = { "/pool/a", "/pool/a/b", "/pool", "/pool/c" };
	pthread_t thread[ARRAY_SIZE(at)];
	size_t i;
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	enter(".");
	REQUIRE(!unshare(CLONE_NEWCGROUP));
	enter("pool");
	make_threaded("pool/a");
	make_threaded("pool/a/b");
	make_threaded("pool/c");
	pid = ckpt_fork(all_threaded, NULL);
	for (i = 0; i < ARRAY_SIZE(at); i++)
		REQUIRE(!pthread_create(&thread[i], NULL, in_a_thread, at[i]));
	for (i = 0; i < ARRAY_SIZE(at) + 1; i++)
		ckpt_gate_wait(&up);
	close(DIR_FD);
	ckpt_ready();
	expect_cgroup("/pool");
	ckpt_gate_open(&go, ARRAY_SIZE(at) + 1);
	for (i = 0; i < ARRAY_SIZE(at); i++)
		CHECK(!pthread_join(thread[i], NULL));
	ckpt_join(pid, 0);
}

FIXTURE(cgroup) {
	struct ckpt_victim v;
	char dir[2][128];
	int fd[2];
};

static void remove_tree(const char *path)
{
	struct dirent *de;
	char sub[512];
	DIR *dir = opendir(path);

	while (dir && (de = readdir(dir))) {
		if (de->d_type != DT_DIR || de->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name);
		remove_tree(sub);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

FIXTURE_SETUP(cgroup)
{
	int i;

	if (!ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
	if (access(CGROUP_ROOT "/cgroup.procs", W_OK))
		SKIP(return, "no cgroup v2 at " CGROUP_ROOT);
	for (i = 0; i < 2; i++) {
		snprintf(self->dir[i], sizeof(self->dir[i]),
			 CGROUP_ROOT "/ckpt.%d.%d", getpid(), i);
		ASSERT_EQ(0, mkdir(self->dir[i], 0755));
		self->fd[i] = open(self->dir[i],
				   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ASSERT_LE(0, self->fd[i]);
	}
}

FIXTURE_TEARDOWN(cgroup)
{
	int i;

	ckpt_cleanup();
	for (i = 0; i < 2; i++) {
		close(self->fd[i]);
		remove_tree(self->dir[i]);
	}
}

#define CGROUP_TEST(name)	TEST_F_TIMEOUT(cgroup, name, CKPT_TEST_S)

static long restart_in(struct ckpt_victim *v, int fd, unsigned int join)
{
	struct restart_args args = {
		.inherit = (uintptr_t)v->inherit,
		.inherit_nr = v->nr_inherit,
		.tty_fd = -1,
		.cgroup_fd = fd < 0 ? 0 : fd,
		.join = join,
	};
	int log;
	long ret;

	if (lseek(v->image, 0, SEEK_SET))
		ckpt_die("lseek: %m");
	ckpt_log_open(&log);
	ret = sys_restart(0, v->image, fd < 0 ? 0 : RESTART_CGROUP, log, &args,
			  sizeof(args));
	if (ret < 0)
		ret = -errno;
	ckpt_log_read(v, log);
	if (ret > 0)
		ckpt_adopt(v, ret);
	return ret;
}

static int exists(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return !access(path, F_OK);
}

static void start(struct _test_data_cgroup *self, const char *name,
		  unsigned int flags)
{
	ckpt_pass(self->fd[0], DIR_FD);
	ckpt_start(&self->v, name, flags);
}

static void comes_back(struct __test_metadata *_metadata,
		       struct _test_data_cgroup *self, const char *name,
		       const char *deepest, unsigned int flags)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	long ret;
	int i;

	start(self, name, flags);
	ckpt_snap_take(&before, v->pid, flags ? CKPT_PIDS_INNER :
						CKPT_PIDS_SAME);
	for (i = 0; i < 3; i++) {
		ckpt_checkpoint_kill(v);
		/* Below the cgroup that it was in, and below another */
		ret = restart_in(v, self->fd[(i + 1) % 2], 0);
		ASSERT_LT(0, ret)
			TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
		ckpt_snap_expect(&before, v->pid, flags ? CKPT_PIDS_INNER :
							  CKPT_PIDS_SAME);
		EXPECT_TRUE(exists(self->dir[(i + 1) % 2], deepest));
		/* Nobody is left in the first, whose cgroups can go. */
		remove_tree(self->dir[i % 2]);
		EXPECT_EQ(0, mkdir(self->dir[i % 2], 0755));
		close(self->fd[i % 2]);
		self->fd[i % 2] = open(self->dir[i % 2],
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	ckpt_snap_free(&before);
	ckpt_finish(v);
	ckpt_end(v);
}

CGROUP_TEST(subtree)
{
	comes_back(_metadata, self, "family", "kids/inner/deep", 0);
}

CGROUP_TEST(container)
{
	comes_back(_metadata, self, "family", "kids/inner/deep",
		   CKPT_CONTAINER);
}

CGROUP_TEST(threads_of_a_subtree)
{
	comes_back(_metadata, self, "threads", "pool/a/b", 0);
}

CGROUP_TEST(threads_of_a_container)
{
	comes_back(_metadata, self, "threads", "pool/a/b", CKPT_CONTAINER);
}

CKPT_VICTIM(watches_its_cgroup)
{
	int fd = inotify_init1(IN_NONBLOCK);
	char path[64], buf[4096];

	enter(".");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", DIR_FD);
	REQUIRE(fd >= 0 && inotify_add_watch(fd, path, IN_CLOSE_WRITE) > 0);
	close(DIR_FD);
	ckpt_ready();
	CHECK_EQ(read(fd, buf, sizeof(buf)), -1);
}

/* How it is placed there is no news. */
CGROUP_TEST(watched)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_pass(self->fd[0], DIR_FD);
	ckpt_start(v, "watches_its_cgroup", 0);
	ckpt_checkpoint_kill(v);
	ret = restart_in(v, self->fd[0], 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

/* Cgroups that are not the caller's have to be somewhere. */
CGROUP_TEST(not_given)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	start(self, "family", 0);
	ckpt_checkpoint_kill(v);
	ret = restart_in(v, -1, 0);
	EXPECT_EQ(-ENOENT, ret);
	EXPECT_TRUE(ckpt_logged(v, "--cgroup")) TH_LOG("%s", v->log);
	/* A directory of another file system is none. */
	ret = restart_in(v, open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			 0);
	EXPECT_EQ(-EINVAL, ret);
	EXPECT_TRUE(ckpt_logged(v, "cgroup")) TH_LOG("%s", v->log);
	ret = restart_in(v, self->fd[1], 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

/* A restart that fails leaves no cgroup behind. */
CGROUP_TEST(failed_restart)
{
	struct ckpt_victim *v = &self->v;
	unsigned int given;
	long ret;

	start(self, "family", 0);
	ckpt_checkpoint_kill(v);
	given = v->nr_inherit;
	v->nr_inherit = 0;
	ret = restart_in(v, self->fd[1], 0);
	v->nr_inherit = given;
	EXPECT_EQ(-ENOENT, ret);
	EXPECT_FALSE(exists(self->dir[1], "parent"));
	EXPECT_FALSE(exists(self->dir[1], "kids"));
	ret = restart_in(v, self->fd[1], 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	EXPECT_TRUE(exists(self->dir[1], "parent"));
	ckpt_finish(v);
	ckpt_end(v);
}

CKPT_VICTIM(mounts_queues)
{
	REQUIRE(!unshare(CLONE_NEWIPC));
	REQUIRE(!mkdir("mnt", 0755) || errno == EEXIST);
	if (mount("none", "mnt", "mqueue", 0, NULL))
		ckpt_skip("mqueue: %m");
	ckpt_ready();
}

/*
 * Let an image mount the whole v2 hierarchy instead of message queues, for who
 * has a cgroup namespace with the root @cgroup.
 */
static long mounts_all(struct _test_data_cgroup *self, const char *cgroup)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_sb *sb;
	struct image image, bad;
	char path[160];
	long ret;
	int out;

	out = open(CGROUP_ROOT "/cgroup.procs", O_WRONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	if (out < 0 || ckpt_write_file(path, "0"))
		ckpt_die("%s: %m", path);
	ckpt_enter_user_ns(CLONE_NEWNS | CLONE_NEWCGROUP);
	ckpt_start(v, "mounts_queues", CKPT_CONTAINER);
	if (v->skip[0])
		return 0;
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	image_copy(&bad, &image);
	sb = image_sb(&bad, "mqueue");
	sb->ns = 0;
	memcpy(image_string(&bad, sb, "mqueue"), "cgroup2", 8);
	ret = image_restart(v, &bad);
	image_free(&bad);
	if (ret > 0)
		ckpt_kill(v);
	else if (!ckpt_logged(v, "not below the root of your cgroup namespace"))
		ckpt_die("restart: %s", v->log);
	image_restart_finish(v, &image);
	if (write(out, "0", 1) != 1)
		ckpt_die("%s: %m", CGROUP_ROOT);
	close(out);
	return ret;
}

/* Who mounts it sees no more than mount(2) would show. */
CGROUP_TEST(mounted_from_below)
{
	long ret = mounts_all(self, self->dir[0]);

	if (self->v.skip[0])
		SKIP(return, "%s", self->v.skip);
	EXPECT_EQ(-EPERM, ret);
}

CGROUP_TEST(mounted_from_the_root)
{
	long ret = mounts_all(self, CGROUP_ROOT);

	if (self->v.skip[0])
		SKIP(return, "%s", self->v.skip);
	EXPECT_LT(0, ret);
}

TEST_HARNESS_MAIN
