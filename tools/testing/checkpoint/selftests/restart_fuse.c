// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that a server of FUSE is asked for. It is told of the interruption and
 * answers EINTR, which the caller must not see: the call is made again, and the
 * server is asked anew. Whether a checkpoint is refused, for a file that is
 * open there, does not matter: the tasks were parked.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PLACE	"/tmp/fuse"
#define THE(name)	PLACE "/" name

/* ------------------------------------------------------------- the server */

enum {
	FILE_INO = FUSE_ROOT_ID + 1,
	DIR_INO,
	LINK_INO,
	CACHED_INO,
	PROGRAM_INO,
};

static const struct {
	const char *name;
	uint64_t ino;
	mode_t mode;
} files[] = {
	{ "file", FILE_INO, S_IFREG | 0644 },
	{ "dir", DIR_INO, S_IFDIR | 0755 },
	{ "link", LINK_INO, S_IFLNK | 0777 },
	{ "cached", CACHED_INO, S_IFREG | 0644 },
	{ "program", PROGRAM_INO, S_IFREG | 0755 },
};

#define ANY	0	/* FUSE_* begin with 1 */
#define NONE	(~0U)

/**
 * struct server - what the thread that answers shares with the test
 * @fd: of /dev/fuse
 * @lock: of all that follows
 * @changed: a request is held
 * @hold: the next request of this kind is not answered: FUSE_*, ANY, or NONE
 * @unique: the one that is held; or 0
 * @opcode: its kind, also when it is not held any more
 * @interrupted: that has been
 */
static struct server {
	int fd;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t hold;
	uint64_t unique;
	uint32_t opcode;
	bool interrupted;
} server = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.hold = NONE,
};

static void answer(uint64_t unique, int err, const void *data, size_t len)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + (err ? 0 : len),
		.error = -err,
		.unique = unique,
	};
	struct iovec iov[2] = {
		{ .iov_base = &out, .iov_len = sizeof(out) },
		{ .iov_base = (void *)data, .iov_len = err ? 0 : len },
	};

	/* ENOENT: the caller is gone */
	if (writev(server.fd, iov, 2) < 0 && errno != ENOENT)
		ckpt_die("fuse: %s", strerror(errno));
}

static struct fuse_attr attr_of(uint64_t ino)
{
	struct fuse_attr attr = {
		.ino = ino, .mode = S_IFDIR | 0755, .nlink = 1, .size = 1 << 20,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i].ino == ino)
			attr.mode = files[i].mode;
	return attr;
}

/* Valid for no time: it is looked up again by each call. */
static void answer_entry(uint64_t unique, uint64_t ino, mode_t mode)
{
	struct fuse_entry_out entry = { .nodeid = ino, .attr = attr_of(ino) };

	if (mode)
		entry.attr.mode = mode;
	answer(unique, 0, &entry, sizeof(entry));
}

static void look_up(uint64_t unique, const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(files[i].name, name)) {
			answer_entry(unique, files[i].ino, 0);
			return;
		}
	answer(unique, ENOENT, NULL, 0);
}

static void answer_xattr(uint64_t unique, const struct fuse_getxattr_in *in,
			 const char *text)
{
	struct fuse_getxattr_out out = { .size = strlen(text) + 1 };

	if (in->size)
		answer(unique, 0, text, out.size);
	else
		answer(unique, 0, &out, sizeof(out));
}

static void serve(const struct fuse_in_header *in, const void *arg)
{
	/* so that a new one is not one of the files */
	static uint64_t next = 100;
	static char zeros[65536];
	const struct fuse_read_in *rd = arg;
	const struct fuse_write_in *wr = arg;
	const struct fuse_copy_file_range_in *copy = arg;
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = 36,
		.max_write = sizeof(zeros),
	};
	struct fuse_attr_out about = { .attr = attr_of(in->nodeid) };
	struct fuse_open_out opened = {
		.open_flags = in->nodeid == FILE_INO ? FOPEN_DIRECT_IO : 0,
	};
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} created = {
		.open.open_flags = FOPEN_DIRECT_IO,
	};
	struct fuse_statfs_out stats = { .st.bsize = 4096 };
	struct fuse_write_out written = { 0 };
	struct fuse_lseek_out sought = { .offset = 7 };
	struct fuse_ioctl_out ioctled = { 0 };

	switch (in->opcode) {
	case FUSE_INIT:
		answer(in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		look_up(in->unique, arg);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		answer(in->unique, 0, &about, sizeof(about));
		break;
	case FUSE_READLINK:
		answer(in->unique, 0, "file", 4);
		break;
	case FUSE_MKDIR:
		answer_entry(in->unique, next++, S_IFDIR | 0755);
		break;
	case FUSE_MKNOD:
		answer_entry(in->unique, next++, S_IFREG | 0644);
		break;
	case FUSE_SYMLINK:
		answer_entry(in->unique, next++, S_IFLNK | 0777);
		break;
	case FUSE_LINK:
		answer_entry(in->unique, FILE_INO, 0);
		break;
	case FUSE_CREATE:
		created.entry.nodeid = next++;
		created.entry.attr = attr_of(FILE_INO);
		answer(in->unique, 0, &created, sizeof(created));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(in->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		answer(in->unique, 0, zeros, rd->size);
		break;
	case FUSE_WRITE:
		written.size = wr->size;
		answer(in->unique, 0, &written, sizeof(written));
		break;
	case FUSE_COPY_FILE_RANGE:
		written.size = copy->len;
		answer(in->unique, 0, &written, sizeof(written));
		break;
	case FUSE_READDIR:
		answer(in->unique, 0, NULL, 0);
		break;
	case FUSE_STATFS:
		answer(in->unique, 0, &stats, sizeof(stats));
		break;
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		answer_xattr(in->unique, arg, "user.value");
		break;
	case FUSE_LSEEK:
		answer(in->unique, 0, &sought, sizeof(sought));
		break;
	case FUSE_IOCTL:
		answer(in->unique, 0, &ioctled, sizeof(ioctled));
		break;
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_FSYNC:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_ACCESS:
	case FUSE_FALLOCATE:
		answer(in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	default:
		answer(in->unique, ENOSYS, NULL, 0);
	}
}

/* Does nobody wait for the answer? These come at any time. */
static bool is_late(uint32_t opcode)
{
	return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET ||
	       opcode == FUSE_RELEASE || opcode == FUSE_RELEASEDIR;
}

/* Returns whether the request is not to be answered now. */
static bool held(const struct fuse_in_header *in)
{
	bool hold;

	pthread_mutex_lock(&server.lock);
	hold = server.hold == in->opcode ||
	       (server.hold == ANY && !is_late(in->opcode));
	if (hold) {
		server.hold = NONE;
		server.unique = in->unique;
		server.opcode = in->opcode;
		pthread_cond_broadcast(&server.changed);
	}
	pthread_mutex_unlock(&server.lock);
	return hold;
}

static void interrupt(const struct fuse_interrupt_in *in)
{
	bool ours;

	pthread_mutex_lock(&server.lock);
	ours = in->unique == server.unique;
	if (ours) {
		server.unique = 0;
		server.interrupted = true;
	}
	pthread_mutex_unlock(&server.lock);
	if (ours)
		answer(in->unique, EINTR, NULL, 0);
}

static void *serve_all(void *arg)
{
	static char buf[131072] __attribute__((aligned(8)));
	struct fuse_in_header *in = (void *)buf;

	/* ENODEV: it is not mounted any more */
	while (read(server.fd, buf, sizeof(buf)) > 0)
		if (in->opcode == FUSE_INTERRUPT)
			interrupt((void *)(in + 1));
		else if (!held(in))
			serve(in, in + 1);
	return NULL;
}

/* --------------------------------------------------------------- the calls */

/*
 * What the victim has open: a file, one whose pages are cached and mapped, a
 * directory, a pipe to write to, and for inotify and fanotify
 */
static int file, cached, dir, fds[2], watch, fan;
static char *mapped;
static char buf[64];
static struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
static struct stat st;
static struct statfs sfs;
static struct statx stx;
static struct open_how how;
static struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
static char *no_args[] = { NULL };
static loff_t far = 1 << 19;

#define HERE	AT_FDCWD
#define MISSING	THE("none")

/**
 * struct call - one that the server is asked for
 * @name: of the system call
 * @make: makes it: -1 and errno if it fails
 * @opcode: what the server is asked for, besides looking the path up: FUSE_*
 * @err: its errno, or 0
 */
static struct call {
	const char *name;
	long (*make)(void);
	uint32_t opcode;
	int err;
} calls[128];

static unsigned int nr_calls;

/* A call, what it is there for, its errno, and its arguments */
#define ASKS(nr, asked, error, ...)					\
	static long make_##nr(void)					\
	{								\
		return syscall(__NR_##nr, __VA_ARGS__);			\
	}								\
	static void __attribute__((constructor(9000))) add_##nr(void)	\
	{								\
		calls[nr_calls++] = (struct call){			\
			.name = #nr, .make = make_##nr,			\
			.opcode = FUSE_##asked, .err = error,		\
		};							\
	}

ASKS(open, OPEN, 0, THE("file"), O_RDONLY)
ASKS(openat, OPEN, 0, HERE, THE("file"), O_RDONLY)
ASKS(openat2, OPEN, 0, HERE, THE("file"), &how, sizeof(how))
ASKS(creat, CREATE, 0, THE("new"), 0644)
ASKS(stat, LOOKUP, 0, THE("file"), &st)
ASKS(lstat, LOOKUP, 0, THE("file"), &st)
ASKS(fstat, GETATTR, 0, file, &st)
ASKS(newfstatat, LOOKUP, 0, HERE, THE("file"), &st, 0)
ASKS(statx, LOOKUP, 0, HERE, THE("file"), 0, STATX_ALL, &stx)
ASKS(statfs, STATFS, 0, THE("file"), &sfs)
ASKS(fstatfs, STATFS, 0, file, &sfs)
ASKS(access, ACCESS, 0, THE("file"), R_OK)
ASKS(faccessat, ACCESS, 0, HERE, THE("file"), R_OK)
ASKS(faccessat2, ACCESS, 0, HERE, THE("file"), R_OK, 0)
ASKS(readlink, READLINK, 0, THE("link"), buf, 64)
ASKS(readlinkat, READLINK, 0, HERE, THE("link"), buf, 64)
ASKS(getdents, READDIR, 0, dir, buf, 64)
ASKS(getdents64, READDIR, 0, dir, buf, 64)
ASKS(chdir, ACCESS, 0, THE("dir"))
ASKS(fchdir, ACCESS, 0, dir)
ASKS(truncate, SETATTR, 0, THE("file"), 100)
ASKS(ftruncate, SETATTR, 0, file, 100)
ASKS(chmod, SETATTR, 0, THE("file"), 0644)
ASKS(fchmod, SETATTR, 0, file, 0644)
ASKS(fchmodat, SETATTR, 0, HERE, THE("file"), 0644)
ASKS(fchmodat2, SETATTR, 0, HERE, THE("file"), 0644, 0)
ASKS(chown, SETATTR, 0, THE("file"), 0, 0)
ASKS(fchown, SETATTR, 0, file, 0, 0)
ASKS(lchown, SETATTR, 0, THE("file"), 0, 0)
ASKS(fchownat, SETATTR, 0, HERE, THE("file"), 0, 0, 0)
ASKS(utime, SETATTR, 0, THE("file"), NULL)
ASKS(utimes, SETATTR, 0, THE("file"), NULL)
ASKS(futimesat, SETATTR, 0, HERE, THE("file"), NULL)
ASKS(utimensat, SETATTR, 0, HERE, THE("file"), NULL, 0)
ASKS(getxattr, GETXATTR, 0, THE("file"), "user.a", buf, 64)
ASKS(lgetxattr, GETXATTR, 0, THE("file"), "user.a", buf, 64)
ASKS(fgetxattr, GETXATTR, 0, file, "user.a", buf, 64)
ASKS(listxattr, LISTXATTR, 0, THE("file"), buf, 64)
ASKS(llistxattr, LISTXATTR, 0, THE("file"), buf, 64)
ASKS(flistxattr, LISTXATTR, 0, file, buf, 64)
ASKS(setxattr, SETXATTR, 0, THE("file"), "user.a", "b", 1, 0)
ASKS(lsetxattr, SETXATTR, 0, THE("file"), "user.a", "b", 1, 0)
ASKS(fsetxattr, SETXATTR, 0, file, "user.a", "b", 1, 0)
ASKS(removexattr, REMOVEXATTR, 0, THE("file"), "user.a")
ASKS(lremovexattr, REMOVEXATTR, 0, THE("file"), "user.a")
ASKS(fremovexattr, REMOVEXATTR, 0, file, "user.a")
ASKS(link, LINK, 0, THE("file"), THE("a"))
ASKS(linkat, LINK, 0, HERE, THE("file"), HERE, THE("b"), 0)
ASKS(unlink, UNLINK, 0, THE("file"))
ASKS(unlinkat, UNLINK, 0, HERE, THE("file"), 0)
ASKS(rename, RENAME, 0, THE("file"), THE("c"))
ASKS(renameat, RENAME, 0, HERE, THE("file"), HERE, THE("d"))
ASKS(renameat2, RENAME2, 0, HERE, THE("file"), HERE, THE("e"), RENAME_NOREPLACE)
ASKS(mkdir, MKDIR, 0, THE("f"), 0755)
ASKS(mkdirat, MKDIR, 0, HERE, THE("g"), 0755)
ASKS(rmdir, RMDIR, 0, THE("dir"))
ASKS(symlink, SYMLINK, 0, "x", THE("h"))
ASKS(symlinkat, SYMLINK, 0, "x", HERE, THE("i"))
ASKS(mknod, MKNOD, 0, THE("j"), S_IFREG | 0644, 0)
ASKS(mknodat, MKNOD, 0, HERE, THE("k"), S_IFREG | 0644, 0)
ASKS(read, READ, 0, file, buf, 64)
ASKS(readv, READ, 0, file, &iov, 1)
ASKS(pread64, READ, 0, file, buf, 64, 0)
ASKS(preadv, READ, 0, file, &iov, 1, 0, 0)
ASKS(preadv2, READ, 0, file, &iov, 1, 0, 0, 0)
ASKS(write, WRITE, 0, file, buf, 64)
ASKS(writev, WRITE, 0, file, &iov, 1)
ASKS(pwrite64, WRITE, 0, file, buf, 64, 0)
ASKS(pwritev, WRITE, 0, file, &iov, 1, 0, 0)
ASKS(pwritev2, WRITE, 0, file, &iov, 1, 0, 0, 0)
ASKS(sendfile, READ, 0, fds[1], file, NULL, 16)
ASKS(splice, READ, 0, file, &far, fds[1], NULL, 16, 0)
ASKS(copy_file_range, COPY_FILE_RANGE, 0, file, NULL, file, &far, 16, 0)
ASKS(ioctl, IOCTL, 0, file, _IO('f', 99), 0)
ASKS(fallocate, FALLOCATE, 0, file, 0, 0, 4096)
ASKS(lseek, LSEEK, 0, file, 0, SEEK_DATA)
ASKS(fsync, FSYNC, 0, file)
ASKS(fdatasync, FSYNC, 0, file)
ASKS(msync, FSYNC, 0, mapped, 4096, MS_SYNC)
ASKS(execve, OPEN, ENOEXEC, THE("program"), no_args, no_args)
ASKS(execveat, OPEN, ENOEXEC, HERE, THE("program"), no_args, no_args, 0)
ASKS(chroot, LOOKUP, ENOENT, MISSING)
ASKS(pivot_root, LOOKUP, ENOENT, MISSING, MISSING)
ASKS(mount, LOOKUP, ENOENT, "none", MISSING, "tmpfs", 0, NULL)
ASKS(umount2, LOOKUP, ENOENT, MISSING, 0)
ASKS(open_tree, LOOKUP, ENOENT, HERE, MISSING, 0)
ASKS(move_mount, LOOKUP, ENOENT, HERE, MISSING, HERE, "/", 0)
ASKS(fspick, LOOKUP, ENOENT, HERE, MISSING, 0)
ASKS(mount_setattr, LOOKUP, ENOENT, HERE, MISSING, 0, &attr, sizeof(attr))
ASKS(name_to_handle_at, LOOKUP, ENOENT, HERE, MISSING, buf, buf, 0)
ASKS(swapon, LOOKUP, ENOENT, MISSING, 0)
ASKS(swapoff, LOOKUP, ENOENT, MISSING)
ASKS(inotify_add_watch, LOOKUP, ENOENT, watch, MISSING, IN_OPEN)
ASKS(fanotify_mark, LOOKUP, ENOENT, fan, FAN_MARK_ADD, FAN_OPEN, HERE, MISSING)

/* From and to the driver: which call to make; its errno */
#define TOLD	100
#define DONE	101
static int told[2], done[2];

CKPT_VICTIM(asks_a_server)
{
	unsigned int i;
	int err;

	REQUIRE(!pipe2(fds, O_NONBLOCK));
	file = open(THE("file"), O_RDWR);
	cached = open(THE("cached"), O_RDWR);
	dir = open(THE("dir"), O_RDONLY | O_DIRECTORY);
	watch = inotify_init();
	fan = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
	REQUIRE(file >= 0 && cached >= 0 && dir >= 0);
	REQUIRE(watch >= 0 && fan >= 0);
	mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, cached, 0);
	REQUIRE(mapped != MAP_FAILED);
	ckpt_ready();
	while (read(TOLD, &i, sizeof(i)) == sizeof(i) && i < nr_calls) {
		err = calls[i].make() < 0 ? errno : 0;
		REQUIRE(write(DONE, &err, sizeof(err)) == sizeof(err));
	}
}

static void start_server(pthread_t *thread)
{
	char options[128];

	/* gone with the test, whatever happens */
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		ckpt_die("mount namespace: %s", strerror(errno));
	server.fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40755,user_id=0,group_id=0", server.fd);
	if (server.fd < 0 || (mkdir(PLACE, 0755) && errno != EEXIST) ||
	    mount("test", PLACE, "fuse", 0, options))
		ckpt_die("fuse: %s", strerror(errno));
	if (pthread_create(thread, NULL, serve_all, NULL))
		ckpt_die("no thread");
}

/* Wait, with a bound, until the server holds a request. */
static bool wait_held(void)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CKPT_WAIT_S;
	pthread_mutex_lock(&server.lock);
	while (!server.unique && !err)
		err = pthread_cond_timedwait(&server.changed, &server.lock,
					     &until);
	pthread_mutex_unlock(&server.lock);
	return !err;
}

/* Make a call, and checkpoint while the server has not answered @opcode. */
static void interrupt_call(struct __test_metadata *const _metadata,
			   struct ckpt_victim *v, unsigned int i,
			   uint32_t opcode)
{
	const char *name = calls[i].name;
	int err;
	long ret;

	pthread_mutex_lock(&server.lock);
	server.interrupted = false;
	server.hold = opcode;
	pthread_mutex_unlock(&server.lock);
	ASSERT_EQ(sizeof(i), write(told[1], &i, sizeof(i)));
	ASSERT_TRUE(wait_held()) TH_LOG("%s: %u: not asked", name, opcode);
	ret = ckpt_checkpoint(v, 0);
	EXPECT_TRUE(ret > 0 || ret == -ENOSYS)
		TH_LOG("%s: checkpoint: %s\n%s", name, strerror(-ret), v->log);
	EXPECT_TRUE(server.interrupted) TH_LOG("%s: not interrupted", name);
	ASSERT_EQ(sizeof(err), read(done[0], &err, sizeof(err)));
	EXPECT_EQ(calls[i].err, err)
		TH_LOG("%s: %u: %s", name, opcode, strerror(err));
}

DRIVER_TEST(calls_to_a_server)
{
	struct ckpt_victim *v = &self->v;
	pthread_t thread;
	unsigned int i;

	start_server(&thread);
	ASSERT_EQ(0, pipe2(told, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(done, O_CLOEXEC));
	ckpt_pass(told[0], TOLD);
	ckpt_pass(done[1], DONE);
	ckpt_start(v, "asks_a_server", 0);
	close(told[0]);
	close(done[1]);
	ckpt_go(v);
	for (i = 0; i < nr_calls; i++) {
		/* as a path is looked up, and by what the call is there for */
		interrupt_call(_metadata, v, i, ANY);
		if (server.opcode != calls[i].opcode)
			interrupt_call(_metadata, v, i, calls[i].opcode);
	}
	ASSERT_EQ(sizeof(i), write(told[1], &i, sizeof(i)));
	ckpt_verdict(v);
	ckpt_end(v);
	ASSERT_EQ(0, umount2(PLACE, MNT_DETACH));
	pthread_join(thread, NULL);
	rmdir(PLACE);
}

TEST_HARNESS_MAIN
