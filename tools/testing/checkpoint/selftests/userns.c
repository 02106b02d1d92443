// SPDX-License-Identifier: GPL-2.0
/*
 * User namespaces: their maps, who owns them, what they own, and what the
 * credentials in them are good for.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <linux/nsfs.h>

static struct ckpt_gate up, go, mapped;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_gate_init(&mapped);
}

static void expect_file(const char *path, const char *text)
{
	char buf[4096] = "", line[4096], *p = buf;
	int a, b, c, n;
	size_t len = 0;

	ckpt_read_file(path, buf, sizeof(buf));
	/* the columns of a map are aligned */
	line[0] = 0;
	while (sscanf(p, "%d %d %d%n", &a, &b, &c, &n) == 3) {
		len += snprintf(line + len, sizeof(line) - len, "%d %d %d\n",
				a, b, c);
		p += n;
	}
	if (strcmp(len ? line : buf, text))
		ckpt_fail(__FILE__, __LINE__, "%s is:\n%s", path,
			  len ? line : buf);
}

static void write_of(pid_t pid, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	REQUIRE(!ckpt_write_file(path, text));
}

static void new_user_ns(void)
{
	if (unshare(CLONE_NEWUSER))
		ckpt_skip("unshare(CLONE_NEWUSER): %m");
}

/* All capabilities of the user namespace that one is in, or none */
static void expect_caps(bool all)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct d[2];

	CHECK(!syscall(SYS_capget, &h, d));
	CHECK_EQ(d[0].effective, all ? 0xffffffff : 0);
	CHECK_EQ(d[0].permitted, all ? 0xffffffff : 0);
}

static void expect_ids(uid_t uid, gid_t gid)
{
	uid_t u[3];
	gid_t g[3];

	CHECK(!getresuid(&u[0], &u[1], &u[2]));
	CHECK(!getresgid(&g[0], &g[1], &g[2]));
	CHECK_EQ(u[0], uid);
	CHECK_EQ(u[1], uid);
	CHECK_EQ(u[2], uid);
	CHECK_EQ(g[1], gid);
}

static const char uid_map[] =
	"0 100000 1000\n1000 1000 1\n";
static const char gid_map[] =
	"0 100000 10\n20 200000 10\n40 300000 10\n60 400000 10\n"
	"80 500000 10\n100 600000 10\n120 700000 10\n";
static const char projid_map[] = "0 7 3\n";

static int maps_fn(void *arg)
{
	gid_t groups[3] = { 5, 25, 121 }, seen[8];

	new_user_ns();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&mapped);
	REQUIRE(!setgroups(3, groups));
	REQUIRE(!setresgid(21, 21, 21) && !setresuid(0, 0, 0));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_file("/proc/self/uid_map", uid_map);
	expect_file("/proc/self/gid_map", gid_map);
	expect_file("/proc/self/projid_map", projid_map);
	expect_file("/proc/self/setgroups", "allow\n");
	expect_ids(0, 21);
	CHECK_EQ(getgroups(8, seen), 3);
	CHECK(!memcmp(groups, seen, sizeof(groups)));
	expect_caps(true);
	/* Root of a part of the world only */
	CHECK(sethostname("x", 1) && errno == EPERM);
	CHECK(setuid(5000) && errno == EINVAL);
	CHECK(!setresuid(1000, 1000, 1000));
	expect_caps(false);
	CHECK(setuid(0) && errno == EPERM);
	return 0;
}

CKPT_TEST(maps)
{
	pid_t pid;

	gates();
	pid = ckpt_fork(maps_fn, NULL);
	ckpt_gate_wait(&up);
	write_of(pid, "uid_map", uid_map);
	write_of(pid, "gid_map", gid_map);
	write_of(pid, "projid_map", projid_map);
	ckpt_gate_open(&mapped, 1);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* It has no map yet: that can be written afterwards. */
static int unmapped_fn(void *arg)
{
	new_user_ns();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_ids(65534, 65534);
	expect_caps(true);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&mapped);
	expect_ids(3, 65534);
	return 0;
}

CKPT_TEST(no_map_yet)
{
	pid_t pid;

	gates();
	pid = ckpt_fork(unmapped_fn, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_gate_wait(&up);
	write_of(pid, "uid_map", "3 0 1\n");
	ckpt_gate_open(&mapped, 1);
	ckpt_join(pid, 0);
}

/* As an ordinary user does it: one id, and no setgroups */
static void map_self(uid_t in, uid_t out)
{
	char buf[64];

	REQUIRE(!ckpt_write_file("/proc/self/setgroups", "deny"));
	snprintf(buf, sizeof(buf), "%u %u 1\n", in, out);
	REQUIRE(!ckpt_write_file("/proc/self/uid_map", buf));
	REQUIRE(!ckpt_write_file("/proc/self/gid_map", buf));
}

static void expect_map_self(uid_t in, uid_t out)
{
	char buf[64];

	snprintf(buf, sizeof(buf), "%u %u 1\n", in, out);
	expect_file("/proc/self/uid_map", buf);
	expect_file("/proc/self/gid_map", buf);
	expect_file("/proc/self/setgroups", "deny\n");
	expect_ids(in, in);
	CHECK(setgroups(0, NULL) && errno == EPERM);
}

/* Who may map its own id in a user namespace that it made? */
static uid_t owner_of(const char *ns)
{
	uid_t uid = -1;
	int fd = open(ns, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(!ioctl(fd, NS_GET_OWNER_UID, &uid));
	close(fd);
	return uid;
}

static int ordinary_fn(void *arg)
{
	REQUIRE(!setresgid(77, 77, 77) && !setresuid(77, 77, 77));
	/* or else its files in /proc are root's */
	REQUIRE(!prctl(PR_SET_DUMPABLE, 1));
	new_user_ns();
	map_self(0, 77);
	REQUIRE(!unshare(CLONE_NEWUTS) && !sethostname("rootless", 8));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_map_self(0, 77);
	expect_caps(true);
	CHECK_EQ(owner_of("/proc/self/ns/user"), 0);
	CHECK(!sethostname("still", 5));
	return 0;
}

CKPT_TEST(of_an_ordinary_user)
{
	char path[64];
	pid_t pid;

	gates();
	pid = ckpt_fork(ordinary_fn, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	CHECK_EQ(owner_of(path), 77);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* One inside of the other, a uts namespace and a process in each */
#define DEPTH	32

static int nested_fn(void *arg)
{
	long depth = (long)arg;
	char name[32];
	pid_t pid = 0;

	new_user_ns();
	map_self(depth, depth - 1);
	snprintf(name, sizeof(name), "level%ld", depth);
	REQUIRE(!unshare(CLONE_NEWUTS) && !sethostname(name, strlen(name)));
	if (depth < DEPTH)
		pid = ckpt_fork(nested_fn, (void *)(depth + 1));
	else
		ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_map_self(depth, depth - 1);
	expect_caps(true);
	snprintf(name, sizeof(name), "LEVEL%ld", depth);
	CHECK(!sethostname(name, strlen(name)));
	if (pid)
		ckpt_join(pid, 0);
	return 0;
}

CKPT_TEST(nested)
{
	pid_t pid;

	gates();
	pid = ckpt_fork(nested_fn, (void *)1);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, DEPTH);
	ckpt_join(pid, 0);
}

/* Two processes in one namespace, one of them without capabilities */
static int second_fn(void *arg)
{
	REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	REQUIRE(!setresuid(9, 9, 9));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_caps(false);
	expect_ids(9, 0);
	return 0;
}

static int first_fn(void *arg)
{
	pid_t pid;

	new_user_ns();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&mapped);
	REQUIRE(!setresgid(0, 0, 0) && !setresuid(0, 0, 0));
	pid = ckpt_fork(second_fn, NULL);
	ckpt_gate_wait(&go);
	expect_caps(true);
	expect_ids(0, 0);
	ckpt_join(pid, 0);
	return 0;
}

CKPT_TEST(shared_by_two)
{
	char a[64] = "", b[64] = "", path[64];
	pid_t pid;

	gates();
	pid = ckpt_fork(first_fn, NULL);
	ckpt_gate_wait(&up);
	write_of(pid, "uid_map", "0 100000 10\n");
	write_of(pid, "gid_map", "0 100000 10\n");
	ckpt_gate_open(&mapped, 1);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK(readlink("/proc/self/ns/user", a, sizeof(a) - 1) > 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	CHECK(readlink(path, b, sizeof(b) - 1) > 0);
	CHECK(strcmp(a, b));
	ckpt_gate_open(&go, 2);
	ckpt_join(pid, 0);
}

/* What /proc tells of a zombie: who it was, in which user namespace */
static void ids_of(pid_t pid, char *ids, size_t size)
{
	char path[64], status[4096] = "", *line, *rest = status;
	size_t len = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	ckpt_read_file(path, status, sizeof(status));
	while ((line = strsep(&rest, "\n")))
		if (!strncmp(line, "Uid:", 4) || !strncmp(line, "Gid:", 4) ||
		    !strncmp(line, "Groups:", 7) || !strncmp(line, "Cap", 3))
			len += snprintf(ids + len, size - len, "%s\n", line);
	CHECK(len);
}

static bool same_user_ns(pid_t a, pid_t b)
{
	char path[64], ns[2][64] = { "", "" };

	snprintf(path, sizeof(path), "/proc/%d/ns/user", a);
	CHECK(readlink(path, ns[0], sizeof(ns[0]) - 1) > 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", b);
	CHECK(readlink(path, ns[1], sizeof(ns[1]) - 1) > 0);
	return !strcmp(ns[0], ns[1]);
}

static int exit_fn(void *arg)
{
	return 3;
}

static int exit_inside_fn(void *arg)
{
	new_user_ns();
	return 4;
}

static int exit_as_others_fn(void *arg)
{
	gid_t groups[3] = { 5, 6, 7 };

	REQUIRE(!setgroups(3, groups));
	REQUIRE(!setresgid(11, 12, 13) && !setresuid(21, 22, 23));
	return 5;
}

static int parent_of_zombies_fn(void *arg)
{
	char before[2048], after[2048];
	pid_t here, inside;

	new_user_ns();
	map_self(0, 0);
	here = ckpt_fork(exit_fn, NULL);
	inside = ckpt_fork(exit_inside_fn, NULL);
	ckpt_wait_state(here, 'Z');
	ckpt_wait_state(inside, 'Z');
	ids_of(here, before, sizeof(before));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	ids_of(here, after, sizeof(after));
	CHECK(!strcmp(before, after));
	CHECK(same_user_ns(getpid(), here));
	CHECK(!same_user_ns(getpid(), inside));
	ckpt_join(here, 3);
	ckpt_join(inside, 4);
	return 0;
}

CKPT_TEST(zombies)
{
	pid_t others = ckpt_fork(exit_as_others_fn, NULL), pid;
	char before[2048], after[2048];

	gates();
	pid = ckpt_fork(parent_of_zombies_fn, NULL);
	ckpt_gate_wait(&up);
	ckpt_wait_state(others, 'Z');
	ids_of(others, before, sizeof(before));
	ckpt_ready();
	ids_of(others, after, sizeof(after));
	CHECK(!strcmp(before, after));
	CHECK(same_user_ns(getpid(), others));
	ckpt_gate_open(&go, 1);
	ckpt_join(others, 5);
	ckpt_join(pid, 0);
}

/*
 * Be ready beside a child in a user namespace: it says that it is there, gets
 * its maps, says that it is ready, and is let go at the end.
 */
static void ready_beside_mapped(int (*fn)(void *arg), const char *uid_map)
{
	pid_t pid;

	gates();
	pid = ckpt_fork(fn, NULL);
	ckpt_gate_wait(&up);
	write_of(pid, "uid_map", uid_map);
	write_of(pid, "gid_map", "0 100000 10\n");
	ckpt_gate_open(&mapped, 1);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/*
 * What a file is capable of is for those below a certain root. Here @root is
 * its number in the namespace, 0 for that of version 2.
 */
static size_t file_caps(unsigned char cap[24], unsigned char root)
{
	memset(cap, 0, 24);
	cap[3] = root ? 3 : 2;
	/* permitted: CAP_NET_RAW */
	cap[5] = 0x20;
	cap[20] = root;
	return root ? 24 : 20;
}

/* 10 is the root of the caller. */
static const struct {
	const char *path;
	unsigned char root;
} capable[] = { { "/mnt/0", 0 }, { "/mnt/1", 1 }, { "/mnt/10", 10 } };

static int file_caps_fn(void *arg)
{
	unsigned char cap[24], seen[24];
	ssize_t len;
	size_t i;
	int fd;

	new_user_ns();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&mapped);
	REQUIRE(!setresgid(0, 0, 0) && !setresuid(0, 0, 0));
	REQUIRE(!unshare(CLONE_NEWNS));
	REQUIRE(!mount("none", "/mnt", "tmpfs", 0, NULL));
	for (i = 0; i < ARRAY_SIZE(capable); i++) {
		fd = open(capable[i].path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
		REQUIRE(fd >= 0);
		close(fd);
		REQUIRE(!setxattr(capable[i].path, "security.capability", cap,
				  file_caps(cap, capable[i].root), 0));
	}
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	for (i = 0; i < ARRAY_SIZE(capable); i++) {
		len = getxattr(capable[i].path, "security.capability", seen,
			       sizeof(seen));
		CHECK_EQ(len, file_caps(cap, capable[i].root));
		CHECK(len > 0 && !memcmp(cap, seen, len));
	}
	return 0;
}

CKPT_TEST_ONLY(file_capabilities, CKPT_CONTAINER)
{
	ready_beside_mapped(file_caps_fn, "0 100000 10\n10 0 1\n");
}

/* What belongs to nobody there cannot be made there. */
static int owned_by_nobody_fn(void *arg)
{
	new_user_ns();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&mapped);
	REQUIRE(!unshare(CLONE_NEWNS));
	REQUIRE(!mount("none", "/mnt", "tmpfs", 0, NULL));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 0;
}

REFUSED_AS(tmpfs_of_nobody, CKPT_CONTAINER, "its options cannot be told")
{
	ready_beside_mapped(owned_by_nobody_fn, "0 100000 10\n");
}

/* Limits are state of the namespace, too. */
static int limits_fn(void *arg)
{
	new_user_ns();
	map_self(0, 0);
	REQUIRE(!ckpt_write_file("/proc/sys/user/max_uts_namespaces", "2"));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_file("/proc/sys/user/max_uts_namespaces", "2\n");
	CHECK(!unshare(CLONE_NEWUTS));
	return 0;
}

CKPT_TEST(limits)
{
	gates();
	ckpt_ready_beside(limits_fn, NULL, &up, &go);
}

/* ------------------------------------------------------------ open files */

/* Who opened a file is what decides later about some of what it is used for. */
static int opened_fn(void *arg)
{
	int fd[2];
	char c;

	REQUIRE(!setresgid(77, 77, 77) && !setresuid(77, 77, 77));
	REQUIRE(!prctl(PR_SET_DUMPABLE, 1));
	new_user_ns();
	map_self(0, 77);
	REQUIRE(!pipe(fd));
	fd[1] = fcntl(fd[1], F_DUPFD, 50);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(read(fd[0], &c, 1), 1);
	return 0;
}

CKPT_VICTIM(opened)
{
	gates();
	ckpt_ready_beside(opened_fn, NULL, &up, &go);
}

/* The @nth record of @type, or NULL */
static void *record(struct image *image, uint32_t type, unsigned int nth)
{
	struct image_rec *rec = image_find(image, type, nth);

	return rec ? image->data + rec->off : NULL;
}

/* How many files have credentials? The last of them to @file. */
static unsigned int files_with_cred(struct image *image,
				    struct ckpt_hdr_file **file)
{
	struct ckpt_hdr_file *f;
	unsigned int i, n = 0;

	for (i = 0; (f = record(image, CKPT_HDR_FILE, i)); i++) {
		if (!f->cred)
			continue;
		*file = f;
		n++;
	}
	return n;
}

DRIVER_TEST(credentials_of_a_file)
{
	unsigned int i, files, nested = 0;
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_cred *cred;
	struct ckpt_hdr_file *file;
	struct image image;
	long ret;

	ckpt_start(v, "opened", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	files = files_with_cred(&image, &file);
	ASSERT_LT(2, files);
	for (i = 0; (cred = record(&image, CKPT_HDR_CRED, i)); i++)
		nested += cred->user_ns && cred->uid == 77;
	EXPECT_LT(0, nested);
	file->cred = 0x7fffffff;
	EXPECT_EQ(-EINVAL, image_restart(v, &image));
	image_free(&image);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	/* They are the same again. */
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	EXPECT_EQ(files, files_with_cred(&image, &file));
	image_free(&image);
	ckpt_restart_finish(v);
}

/* ------------------------------------------------------------- containers */

static int in_the_container(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	expect_map_self(0, (uid_t)(long)arg);
	expect_caps(true);
	CHECK(!sethostname("child", 5));
	return 0;
}

/* The pid and uts namespaces belong to the user namespace that it is in. */
static void container_made_by(uid_t uid)
{
	char name[64] = "";
	pid_t pid;

	gates();
	REQUIRE(!sethostname("inside", 6));
	CHECK_EQ(getpid(), 1);
	pid = ckpt_fork(in_the_container, (void *)(long)uid);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(getpid(), 1);
	CHECK(!gethostname(name, sizeof(name)) && !strcmp(name, "inside"));
	expect_map_self(0, uid);
	expect_caps(true);
	CHECK(mkdir("/proc/x", 0755));
	CHECK(!sethostname("again", 5));
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	/* what it owns, it may make more of */
	CHECK(!unshare(CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWIPC));
}

CKPT_TEST_ONLY(container, CKPT_USER)
{
	container_made_by(0);
}

CKPT_VICTIM(rootless)
{
	container_made_by(1234);
}

/* An ordinary user does it all. */
DRIVER_TEST(by_an_ordinary_user)
{
	const char *why;

	ASSERT_EQ(0, ckpt_ordinary_user());
	why = ckpt_run("rootless", CKPT_USER, false);
	if (why)
		SKIP(return, "%s", why);
}

/* What it could not do by hand, it cannot do this way. */
DRIVER_TEST(by_another_user)
{
	struct ckpt_victim *v = &self->v;
	int status;
	pid_t pid;

	ckpt_start(v, "container", CKPT_USER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	pid = fork();
	if (!pid) {
		if (setresgid(77, 77, 77) || setresuid(77, 77, 77))
			_exit(1);
		/* it was made by another, and maps the ids of another */
		_exit(ckpt_restart(v, 0) != -EPERM);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ckpt_restart_finish(v);
}

/* It is in a namespace of another user namespace, which it could enter. */
static int owns_another(void *arg)
{
	new_user_ns();
	REQUIRE(!unshare(CLONE_NEWUTS));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 0;
}

CKPT_VICTIM(lives_in_another)
{
	char path[64];
	pid_t pid;
	int fd;

	gates();
	pid = ckpt_fork(owns_another, NULL);
	ckpt_gate_wait(&up);
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0 && !setns(fd, CLONE_NEWUTS));
	close(fd);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

CKPT_VICTIM(has_another_root)
{
	REQUIRE(!mkdir("root", 0755) && !chroot("root") && !chdir("/"));
	ckpt_ready();
}

/* Restart without @cap: what is refused says @text. */
static void expect_refused(struct __test_metadata *_metadata, const char *victim,
			   int cap, const char *text)
{
	static struct ckpt_victim v;
	int status;
	pid_t pid;
	long ret;

	ckpt_start(&v, victim, 0);
	if (v.skip[0])
		SKIP(return, "%s", v.skip);
	ckpt_checkpoint_kill(&v);
	pid = fork();
	if (!pid) {
		ckpt_caps_drop(1ULL << cap);
		_exit(ckpt_restart(&v, 0) != -EPERM || !ckpt_logged(&v, text));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ret = ckpt_restart(&v, 0);
	ASSERT_LT(0, ret) TH_LOG("%s", v.log);
	ckpt_finish(&v);
	ckpt_end(&v);
}

DRIVER_TEST(by_who_could_not_enter)
{
	expect_refused(_metadata, "lives_in_another", CAP_SYS_ADMIN,
		       "CAP_SYS_ADMIN is needed");
	expect_refused(_metadata, "has_another_root", CAP_SYS_CHROOT,
		       "CAP_SYS_CHROOT is needed");
}

/* What Debian's kernel asks when unshare(2) would make one */
DRIVER_TEST(where_only_root_may)
{
	static const char name[] = "/proc/sys/kernel/unprivileged_userns_clone";

	if (access(name, W_OK))
		SKIP(return, "%s: %s", name, strerror(errno));
	ASSERT_EQ(0, ckpt_write_file(name, "0"));
	expect_refused(_metadata, "lives_in_another", CAP_SYS_ADMIN,
		       "only root may make one");
	EXPECT_EQ(0, ckpt_write_file(name, "1"));
}

/* ------------------------------------------------ what an image may ask for */

static void expect_hostile(struct __test_metadata *_metadata,
			   struct ckpt_victim *v, struct image *image,
			   long err, const char *what)
{
	long ret;

	ret = image_restart(v, image);
	EXPECT_EQ(err, ret) TH_LOG("%s: %s", what, v->log);
	if (ret > 0)
		ckpt_kill(v);
}

DRIVER_TEST(hostile)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_user_ns *ns, was;
	struct image image;

	ckpt_start(v, "maps", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	ns = image_at(&image, CKPT_HDR_USER_NS, 0);
	ASSERT_TRUE(ns);
	ASSERT_EQ(2, ns->nr_extents[0]);
	ASSERT_EQ(7, ns->nr_extents[1]);
	memcpy(&was, ns, sizeof(was));
#define HOSTILE(err, field, value)					\
	do {								\
		typeof(ns->field) __was = ns->field;			\
									\
		ns->field = (value);					\
		expect_hostile(_metadata, v, &image, err, #field);	\
		ns->field = __was;					\
	} while (0)
	HOSTILE(-EINVAL, parent, 1);
	HOSTILE(-EINVAL, parent, 0xffffffff);
	HOSTILE(-EINVAL, flags, 4);
	HOSTILE(-EINVAL, reserved, 1);
	HOSTILE(-EINVAL, nr_extents[0], 3);
	HOSTILE(-EINVAL, nr_extents[0], 0xffffffff);
	HOSTILE(-EINVAL, nr_extents[2], 341);
	HOSTILE(-EINVAL, ucount_max[0], -1);
	HOSTILE(-EINVAL, rlimit_max[0], -1);
	HOSTILE(-EINVAL, owner, 0xffffffff);
	HOSTILE(-EINVAL, extents[0].count, 0);
	HOSTILE(-EINVAL, extents[0].count, 0xffffffff);
	HOSTILE(-EINVAL, extents[0].count, 1001);
	HOSTILE(-EINVAL, extents[1].first, 10);
	HOSTILE(-EINVAL, extents[0].first, 0xffffffff);
	HOSTILE(-EINVAL, extents[0].lower_first, 0xffffffff);
	image_free(&image);

	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
