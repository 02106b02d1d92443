// SPDX-License-Identifier: GPL-2.0
/*
 * Open files.
 *
 * A table says what kinds of them there are. A file whose content lies in a
 * file system is saved as its path, flags and position. One that a task
 * outside of the tree has a part in is external, whatever its kind: its name
 * is saved, and whoever restarts gives another one for it.
 */

#include <linux/anon_inodes.h>
#include <linux/backing-dev.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/kdev_t.h>
#include <linux/major.h>
#include <linux/miscdevice.h>
#include <linux/namei.h>
#include <linux/pid.h>
#include <linux/signal.h>
#include <linux/stat.h>
#include <linux/time64.h>
#include <linux/uuid.h>
#include <uapi/linux/pidfd.h>

#include "checkpoint_mnt.h"

/* What may stand in f_flags of a file that is saved */
#define CKPT_F_FLAGS	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | __O_SYNC | \
			 FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | \
			 O_NOFOLLOW | O_NOATIME | O_PATH | __O_TMPFILE)

#define CKPT_FILEF_ALL	(CKPT_FILEF_UNCHANGED | CKPT_FILEF_NOWAIT | \
			 CKPT_FILEF_NO_HUP | CKPT_FILEF_RANDOM | \
			 CKPT_FILEF_NOREUSE | CKPT_FILEF_OUTSIDE | \
			 CKPT_FILEF_LOCKS | CKPT_FILEF_THREAD | \
			 CKPT_FILEF_SEQUENTIAL | CKPT_FILEF_NONOTIFY | \
			 CKPT_FILEF_HUNG_UP | CKPT_FILEF_CREATED)

/* /dev/console */
#define CONSOLE_DEV	MKDEV(TTYAUX_MAJOR, 1)

/* --------------------------------------------------------- kinds of files */

/* Does the path of @file lie in a file system that keeps what is in it? */
static bool in_file_system(struct file *file)
{
	const struct path *path = file_user_path(file);

	return READ_ONCE(real_mount(path->mnt)->mnt_ns) != MNT_NS_INTERNAL &&
	       !(path->dentry->d_sb->s_flags & SB_KERNMOUNT) &&
	       !ckpt_fs_refused(path->dentry->d_sb);
}

static umode_t file_type(struct file *file)
{
	return file_inode(file)->i_mode & S_IFMT;
}

static bool reg_match(struct file *file)
{
	return file_type(file) == S_IFREG && in_file_system(file) &&
	       !ckpt_removed_match(file);
}

static bool dir_match(struct file *file)
{
	return file_type(file) == S_IFDIR && in_file_system(file) &&
	       !ckpt_removed_match(file);
}

/* The log of the kernel */
static bool is_kmsg(const struct inode *inode)
{
	return inode->i_rdev == MKDEV(MEM_MAJOR, 11);
}

/*
 * /dev/null, zero, full, random, urandom: nothing but their number matters.
 * Nearly so with kmsg: it is read on with what is new.
 */
static bool is_mem_device(const struct inode *inode)
{
	if (!S_ISCHR(inode->i_mode) || imajor(inode) != MEM_MAJOR)
		return false;
	switch (iminor(inode)) {
	case 3:
	case 5:
	case 7:
	case 8:
	case 9:
	case 11:
		return true;
	}
	return false;
}

static bool mem_match(struct file *file)
{
	return is_mem_device(file_inode(file)) && in_file_system(file);
}

static bool fifo_match(struct file *file)
{
	return ckpt_fifo_match(file) && in_file_system(file);
}

#if defined(CONFIG_CHECKPOINT_NETNS) && IS_BUILTIN(CONFIG_TUN)
static bool tun_match(struct file *file)
{
	return ckpt_tun_match(file) && in_file_system(file);
}
#endif

/* Of those that are found by their path, is it one that has none any more? */
static bool is_removed(struct file *file, int kind)
{
	return kind == CKPT_FILE_REMOVED ||
	       ((kind == CKPT_FILE_MEM || kind == CKPT_FILE_FIFO) &&
		ckpt_path_removed(file_user_path(file)));
}

static bool path_match(struct file *file)
{
	return (file->f_mode & FMODE_PATH) && in_file_system(file) &&
	       !d_unlinked(file->f_path.dentry);
}

/* Read ahead twice as far as usual, as POSIX_FADV_SEQUENTIAL has it */
static unsigned long sequential_pages(struct file *file)
{
	return 2 * inode_to_bdi(file->f_mapping->host)->ra_pages;
}

/* Where reads and writes go on, and where a directory is read on */
static int restore_pos(struct ckpt_ctx *ctx, struct file *file,
		       const struct ckpt_hdr_file *h, const char *name)
{
	loff_t pos;

	if ((h->f_flags & O_PATH) || (loff_t)h->f_pos == file->f_pos)
		return 0;
	pos = vfs_llseek(file, h->f_pos, SEEK_SET);
	if (pos == (loff_t)h->f_pos)
		return 0;
	if (pos >= 0)
		pos = -EINVAL;
	return ckpt_err(ctx, pos, "'%s': cannot go to position %llu: error %lld",
			name, h->f_pos, pos);
}

/* Is @file on the file system that the image has it on, wherever that is now? */
static bool same_file_system(const struct file *file,
			     const struct ckpt_hdr_file *h)
{
	const uuid_t *uuid = &file->f_path.dentry->d_sb->s_uuid;

	BUILD_BUG_ON(sizeof(h->fs_uuid) != sizeof(*uuid));
	return !uuid_is_null(uuid) &&
	       !memcmp(uuid, h->fs_uuid, sizeof(h->fs_uuid));
}

static int check_unchanged(struct ckpt_ctx *ctx, struct file *file,
			   const struct ckpt_hdr_file *h, const char *name)
{
	const char *what;
	struct kstat stat;
	int err;

	if (ctx->uflags & RESTART_FORCE)
		return 0;
	err = vfs_getattr(&file->f_path, &stat,
			  STATX_SIZE | STATX_MTIME | STATX_INO,
			  AT_STATX_SYNC_AS_STAT);
	if (err)
		return ckpt_err(ctx, err, "'%s': cannot tell whether it was changed: error %d",
				name, err);
	if (stat.size != h->size || timespec64_to_ns(&stat.mtime) != h->mtime_ns)
		what = "changed or replaced";
	else if (stat.ino != h->ino && same_file_system(file, h))
		what = "replaced by another of its size and age";
	else
		return 0;
	return ckpt_err(ctx, -ESTALE,
			"'%s' was %s since the checkpoint: put the same file there, or use --force",
			name, what);
}

static struct file *path_file_restore(struct ckpt_ctx *ctx,
				      const struct ckpt_hdr_file *h,
				      const char *name)
{
	struct file *file;
	int err = 0;

	if (h->kind == CKPT_FILE_PSEUDO)
		file = ckpt_pseudo_file_restore(ctx, h, name);
	else if (h->kind == CKPT_FILE_MEMFD)
		file = ckpt_memfd_open(ctx, h);
	else
		file = ckpt_file_open(ctx, h, name, h->f_flags);
	if (IS_ERR(file))
		return file;
	if ((h->flags & CKPT_FILEF_NONOTIFY) && !capable(CAP_SYS_ADMIN))
		err = ckpt_err(ctx, -EPERM, "'%s' was opened by fanotify: CAP_SYS_ADMIN is needed",
			       name);
	if (!err && (h->flags & CKPT_FILEF_UNCHANGED))
		err = check_unchanged(ctx, file, h, name);
	if (!err)
		err = restore_pos(ctx, file, h, name);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	/* as generic_fadvise(), and as fanotify opens it */
	spin_lock(&file->f_lock);
	if (h->flags & CKPT_FILEF_NONOTIFY) {
		file->f_flags |= __FMODE_NONOTIFY;
		file->f_mode &= ~FMODE_FSNOTIFY_MASK;
		file->f_mode |= FMODE_NONOTIFY;
	}
	if (h->flags & CKPT_FILEF_RANDOM)
		file->f_mode |= FMODE_RANDOM;
	if (h->flags & CKPT_FILEF_NOREUSE)
		file->f_mode |= FMODE_NOREUSE;
	spin_unlock(&file->f_lock);
	if ((h->flags & CKPT_FILEF_SEQUENTIAL) && !(h->f_flags & O_PATH))
		file->f_ra.ra_pages = sequential_pages(file);
	return file;
}

/* The file that whoever restarts gives for @name, or NULL */
static struct file *given_file(struct ckpt_ctx *ctx, const char *name)
{
	unsigned int i;

	for (i = 0; i < ctx->inherit_nr; i++)
		if (!strcmp(ctx->inherit[i].name, name))
			return get_file(ctx->inherit[i].file);
	return NULL;
}

static struct file *mem_restore(struct ckpt_ctx *ctx,
				const struct ckpt_hdr_file *h, const char *name)
{
	struct file *file = NULL;

	if (h->flags & CKPT_FILEF_OUTSIDE)
		file = given_file(ctx, name);
	if (file)
		return file;
	file = ckpt_file_open(ctx, h, name, h->f_flags);
	if (!IS_ERR(file) && is_kmsg(file_inode(file)) &&
	    (file->f_mode & FMODE_READ))
		vfs_llseek(file, 0, SEEK_END);
	return file;
}

/* There is one wherever there is no other terminal. */
static struct file *console_open(struct ckpt_ctx *ctx,
				 const struct ckpt_hdr_file *h,
				 const char *name)
{
	/* those that a terminal knows */
	const unsigned int flags = O_ACCMODE | O_NONBLOCK | O_APPEND |
				   O_LARGEFILE;
	struct file *file;
	struct path path;
	int err;

	err = ckpt_path_lookup(ctx, 0, name, LOOKUP_FOLLOW, &path);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "'%s': cannot be found: error %d",
					name, err));
	if (S_ISCHR(d_inode(path.dentry)->i_mode) &&
	    d_inode(path.dentry)->i_rdev == CONSOLE_DEV)
		file = file_open_root(&path, "", (h->f_flags & flags) | O_NOCTTY,
				      0);
	else
		file = ERR_PTR(-ESTALE);
	path_put(&path);
	if (IS_ERR(file))
		ckpt_err(ctx, PTR_ERR(file), "'%s': cannot be opened: error %ld",
			 name, PTR_ERR(file));
	return file;
}

static struct file *external_restore(struct ckpt_ctx *ctx,
				     const struct ckpt_hdr_file *h,
				     const char *name)
{
	struct file *file = given_file(ctx, name);
	int err;

	/* what the tree had mapped of it is not in the image */
	if (file && (h->flags & CKPT_FILEF_UNCHANGED)) {
		err = check_unchanged(ctx, file, h, name);
		if (err) {
			fput(file);
			return ERR_PTR(err);
		}
	}
	if (file)
		return file;
	if (h->kind == CKPT_FILE_TTY && ctx->tty)
		return get_file(ctx->tty);
	if (h->kind == CKPT_FILE_TTY && h->rdev == huge_encode_dev(CONSOLE_DEV))
		return console_open(ctx, h, name);
	return ERR_PTR(ckpt_err(ctx, -ENOENT,
				"an open file is external: give it with --inherit-fd '%s'=FD",
				name));
}

/* Its settings are read, whatever takes its place. */
static struct file *tty_restore(struct ckpt_ctx *ctx,
				const struct ckpt_hdr_file *h, const char *name)
{
	struct file *file = external_restore(ctx, h, name);
	int err;

	if (IS_ERR(file))
		return file;
	err = ckpt_tty_restore(ctx, file);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

/* The table of kinds: adding one is an entry here. */
static const struct ckpt_file_ops ckpt_file_table[CKPT_FILE_MAX] = {
	[CKPT_FILE_EXTERNAL] = {
		.name		= "external file",
		.restore	= external_restore,
	},
	[CKPT_FILE_TTY] = {
		.name		= "terminal",
		.write		= ckpt_tty_write,
		.restore	= tty_restore,
	},
	[CKPT_FILE_REG] = {
		.name		= "regular file",
		.by_path	= true,
		.match		= reg_match,
		.restore	= path_file_restore,
	},
	[CKPT_FILE_DIR] = {
		.name		= "directory",
		.by_path	= true,
		.match		= dir_match,
		.restore	= path_file_restore,
	},
	[CKPT_FILE_MEM] = {
		.name		= "memory device",
		.by_path	= true,
		.match		= mem_match,
		.restore	= mem_restore,
	},
	[CKPT_FILE_PIPE] = {
		.name		= "pipe",
		.match		= ckpt_pipe_match,
		.collect	= ckpt_pipe_file_collect,
		.checkpoint	= ckpt_pipe_file_checkpoint,
		.restore	= ckpt_pipe_file_restore,
		.fasync		= ckpt_pipe_fasync,
	},
	[CKPT_FILE_FIFO] = {
		.name		= "fifo",
		.by_path	= true,
		.match		= fifo_match,
		.collect	= ckpt_pipe_file_collect,
		.checkpoint	= ckpt_pipe_file_checkpoint,
		.restore	= ckpt_fifo_file_restore,
		.fasync		= ckpt_pipe_fasync,
	},
#ifdef CONFIG_POSIX_MQUEUE
	[CKPT_FILE_MQUEUE] = {
		.name		= "POSIX message queue",
		.match		= ckpt_mqueue_match,
		.collect	= ckpt_mqueue_file_collect,
		.checkpoint	= ckpt_mqueue_file_checkpoint,
		.restore	= ckpt_mqueue_file_restore,
	},
#endif
	[CKPT_FILE_NS] = {
		.name		= "namespace",
		.match		= ckpt_ns_file_match,
		.collect	= ckpt_ns_file_collect,
		.checkpoint	= ckpt_ns_file_checkpoint,
		.restore	= ckpt_ns_file_restore,
	},
	[CKPT_FILE_MEMFD] = {
		.name		= "memfd",
		.match		= ckpt_memfd_match,
		.collect	= ckpt_memfd_file_collect,
		.checkpoint	= ckpt_memfd_file_checkpoint,
		.restore	= path_file_restore,
	},
	[CKPT_FILE_EVENTFD] = {
		.name		= "eventfd",
		.match		= ckpt_eventfd_match,
		.write		= ckpt_eventfd_write,
		.restore	= ckpt_eventfd_restore,
	},
	[CKPT_FILE_TIMERFD] = {
		.name		= "timerfd",
		.match		= ckpt_timerfd_match,
		.write		= ckpt_timerfd_write,
		.restore	= ckpt_timerfd_restore,
		.commit		= ckpt_timerfd_commit,
	},
	[CKPT_FILE_SIGNALFD] = {
		.name		= "signalfd",
		.match		= ckpt_signalfd_match,
		.write		= ckpt_signalfd_write,
		.restore	= ckpt_signalfd_restore,
	},
	[CKPT_FILE_EPOLL] = {
		.name		= "epoll",
		.match		= ckpt_epoll_match,
		.collect	= ckpt_epoll_collect,
		.checkpoint	= ckpt_epoll_checkpoint,
		.restore	= ckpt_epoll_restore,
		.late_write	= ckpt_epoll_late_write,
		.late_restore	= ckpt_epoll_late_restore,
	},
	[CKPT_FILE_INOTIFY] = {
		.name		= "inotify",
		.match		= ckpt_inotify_match,
		.checkpoint	= ckpt_inotify_checkpoint,
		.restore	= ckpt_inotify_restore,
		.fasync		= ckpt_inotify_fasync,
		.late_write	= ckpt_inotify_late_write,
		.late_restore	= ckpt_inotify_late_restore,
	},
	[CKPT_FILE_PIDFD] = {
		.name		= "pidfd",
		.late_fd	= true,
		.match		= ckpt_pidfd_match,
		.collect	= ckpt_pidfd_collect,
		.checkpoint	= ckpt_pidfd_checkpoint,
		.restore	= ckpt_pidfd_restore,
		.late_write	= ckpt_pidfd_late_write,
		.late_restore	= ckpt_pidfd_late_restore,
	},
	[CKPT_FILE_REMOVED] = {
		.name		= "removed file",
		.by_path	= true,
		.match		= ckpt_removed_match,
		.restore	= path_file_restore,
	},
	[CKPT_FILE_PSEUDO] = {
		.name		= "file of proc, sysfs or cgroupfs",
		.by_path	= true,
		.match		= ckpt_pseudo_match,
		.collect	= ckpt_pseudo_file_collect,
		.checkpoint	= ckpt_pseudo_file_checkpoint,
		.restore	= path_file_restore,
	},
	[CKPT_FILE_PATH] = {
		.name		= "path",
		.by_path	= true,
		.match		= path_match,
		.restore	= path_file_restore,
	},
#ifdef CONFIG_FANOTIFY
	[CKPT_FILE_FANOTIFY] = {
		.name		= "fanotify",
		.match		= ckpt_fanotify_match,
		.checkpoint	= ckpt_fanotify_checkpoint,
		.write		= ckpt_fanotify_write,
		.restore	= ckpt_fanotify_restore,
		.late_write	= ckpt_fanotify_late_write,
		.late_restore	= ckpt_fanotify_late_restore,
		.commit		= ckpt_fanotify_commit,
	},
#endif
	[CKPT_FILE_SOCKET] = {
		.name		= "socket",
		.match		= ckpt_sock_match,
		.fasync		= ckpt_sock_fasync,
		.collect	= ckpt_sock_file_collect,
		.checkpoint	= ckpt_sock_file_checkpoint,
		.restore	= ckpt_sock_file_restore,
	},
	[CKPT_FILE_PTM] = {
		.name		= "terminal master",
		.by_path	= true,
		.match		= ckpt_ptm_match,
		.collect	= ckpt_ptm_collect,
		.write		= ckpt_ptm_write,
		.restore	= ckpt_ptm_restore,
		.late_write	= ckpt_ptm_late_write,
		.late_restore	= ckpt_ptm_late_restore,
		.commit		= ckpt_ptm_commit,
	},
	/* what it is saved as depends on its other end: see saved_kind() */
	[CKPT_FILE_PTS] = {
		.name		= "terminal",
		.by_path	= true,
		.checkpoint	= ckpt_pts_checkpoint,
		.restore	= ckpt_pts_restore,
	},
	[CKPT_FILE_HUNG_UP] = {
		.name		= "terminal that was hung up",
		.restore	= ckpt_hung_up_restore,
	},
#if defined(CONFIG_CHECKPOINT_NETNS) && IS_BUILTIN(CONFIG_TUN)
	[CKPT_FILE_TUN] = {
		.name		= "tun",
		.by_path	= true,
		.match		= tun_match,
		.collect	= ckpt_tun_file_collect,
		.checkpoint	= ckpt_tun_file_checkpoint,
		.write		= ckpt_tun_file_write,
		.restore	= ckpt_tun_file_restore,
		.fasync		= ckpt_tun_fasync,
	},
#endif
};

/**
 * ckpt_file_kind_ops - how files of a kind are saved and restored
 * @kind: enum ckpt_file_kind, not checked yet
 *
 * Return: its entry in the table, or NULL if there is no such kind.
 */
const struct ckpt_file_ops *ckpt_file_kind_ops(u32 kind)
{
	return kind < CKPT_FILE_MAX ? &ckpt_file_table[kind] : NULL;
}

/**
 * ckpt_file_late_fd - are the descriptors of a file to be filled late?
 * @file: the file
 *
 * Return: true if it is of a kind whose files are not complete so far.
 */
bool ckpt_file_late_fd(struct file *file)
{
	int kind;

	for (kind = 0; kind < CKPT_FILE_MAX; kind++)
		if (ckpt_file_table[kind].late_fd &&
		    ckpt_file_table[kind].match(file))
			return true;
	return false;
}

/* The kind of @file by itself, or -ENOSYS */
static int file_kind(struct file *file)
{
	int kind;

	for (kind = 0; kind < CKPT_FILE_MAX; kind++)
		if (ckpt_file_table[kind].match &&
		    ckpt_file_table[kind].match(file))
			return kind;
	return -ENOSYS;
}

/*
 * The kind that @file is saved as. A file that was met as a mapping only is
 * opened again by its path, whoever shares it.
 */
static int saved_kind(struct ckpt_ctx *ctx, struct file *file)
{
	int kind = file_kind(file), tty;

	if (!(ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE, 0) & CKPT_FILE_MARK_FD))
		return kind;
	tty = ckpt_tty_kind(ctx, file);
	if (tty != -ENOTTY)
		return tty;
	/* to share it with somebody is to share nothing */
	if (kind == CKPT_FILE_MEM)
		return kind;
	if (ckpt_obj_outside(ctx, file, CKPT_OBJ_FILE))
		return CKPT_FILE_EXTERNAL;
	if (ckpt_kind_is_pipe(kind) && ckpt_pipe_external(ctx, file))
		return CKPT_FILE_EXTERNAL;
	if (kind == CKPT_FILE_SOCKET && ckpt_sock_external(ctx, file))
		return CKPT_FILE_EXTERNAL;
	return kind;
}

/**
 * ckpt_file_check - refuse an open file that cannot be saved
 * @ctx: the context of a checkpoint; the collect pass is over
 * @file: the file
 * @who: where it was met, for the message
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, or -ENOSYS, reported.
 */
int ckpt_file_check(struct ckpt_ctx *ctx, struct file *file, const char *who)
{
	int err, kind;
	char *buf;

	if (ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE, 0) & CKPT_FILE_MARK_CHECKED)
		return 0;
	buf = __getname();
	if (!buf)
		return -ENOMEM;
	kind = saved_kind(ctx, file);
	err = ckpt_file_refuse(ctx, file, kind, who, buf);
	if (!err && is_removed(file, kind))
		err = ckpt_removed_check(ctx, file_user_path(file), who, buf);
	else if (!err && ckpt_file_table[kind].by_path)
		err = ckpt_path_check(ctx, file_user_path(file), who, buf);
	if (!err)
		ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE, CKPT_FILE_MARK_CHECKED);
	__putname(buf);
	return err;
}

/* --------------------------------------------------------------- the object */

/**
 * ckpt_file_collect - count the use of an open file that is mapped
 * @ctx: the context
 * @file: the file of a mapping, or of an exe link
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_file_collect(struct ckpt_ctx *ctx, struct file *file)
{
	int err = ckpt_obj_collect(ctx, file, CKPT_OBJ_FILE);

	if (!err)
		ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE, CKPT_FILE_MARK_MAPPED);
	return err;
}

/**
 * ckpt_file_collect_sent - count the use of an open file that is in a message
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_file_collect_sent(struct ckpt_ctx *ctx, struct file *file)
{
	int err = ckpt_obj_collect(ctx, file, CKPT_OBJ_FILE);

	if (!err)
		ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE, CKPT_FILE_MARK_FD);
	return err;
}

static void file_grab(void *ptr)
{
	get_file(ptr);
}

static void file_drop(void *ptr)
{
	fput(ptr);
}

static int file_users(void *ptr)
{
	struct file *file = ptr;

	return file_count(file);
}

/*
 * Whoever looks into a file system of such a server waits for it. No path is
 * looked up before all open files of the tree are known.
 */
static bool is_fuse_server(struct file *file)
{
	const struct inode *inode = file_inode(file);

	return !(file->f_mode & FMODE_PATH) && S_ISCHR(inode->i_mode) &&
	       inode->i_rdev == MKDEV(MISC_MAJOR, FUSE_MINOR);
}

static int file_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct file *file = ptr;
	int err, kind = file_kind(file);

	if (is_fuse_server(file))
		return ckpt_err(ctx, -ENOSYS, "'/dev/fuse' (device %u:%u) is open: the server of a file system (FUSE): not supported",
				MISC_MAJOR, FUSE_MINOR);
	err = ckpt_file_cred_collect(ctx, file->f_cred);
	if (err)
		return err;
	/* what is not supported may still turn out to be external */
	if (kind < 0)
		return 0;
	if (ckpt_file_table[kind].by_path) {
		err = ckpt_path_collect(ctx, file_user_path(file));
		if (!err && is_removed(file, kind))
			err = ckpt_removed_collect(ctx, file_user_path(file));
		if (err)
			return err;
	}
	if (!ckpt_file_table[kind].collect)
		return 0;
	return ckpt_file_table[kind].collect(ctx, file);
}

/* One that is given, or may be, is as whoever gives it wants it to be. */
static bool is_given(const struct ckpt_hdr_file *h)
{
	return ckpt_kind_is_external(h->kind) || (h->flags & CKPT_FILEF_OUTSIDE);
}

static int save_owner(struct ckpt_ctx *ctx, struct file *file,
		      struct ckpt_hdr_file *h)
{
	static const u32 type[] = {
		[PIDTYPE_PID] = F_OWNER_TID,
		[PIDTYPE_TGID] = F_OWNER_PID,
		[PIDTYPE_PGID] = F_OWNER_PGRP,
	};
	struct fown_struct *f_owner = file_f_owner(file);
	struct user_namespace *user_ns = current_user_ns();
	enum pid_type t;
	struct pid *pid;
	int slot;

	if (!f_owner)
		return 0;
	h->owner_signal = f_owner->signum;
	pid = ckpt_file_owner(file, &t);
	if (!pid)
		return 0;
	slot = ckpt_pid_slot(ctx, pid);
	put_pid(pid);
	if (slot < 0 || t >= ARRAY_SIZE(type))
		return ckpt_err(ctx, -EBUSY,
				"an open file changed its owner meanwhile, try again");
	h->owner = slot + 1;
	h->owner_type = type[t];
	read_lock_irq(&f_owner->lock);
	h->owner_uid = from_kuid_munged(user_ns, f_owner->uid);
	h->owner_euid = from_kuid_munged(user_ns, f_owner->euid);
	read_unlock_irq(&f_owner->lock);
	return 0;
}

/* What file_ns_capable() and others ask about who opened it */
static int save_cred(struct ckpt_ctx *ctx, struct file *file,
		     struct ckpt_hdr_file *h)
{
	void *cred = (void *)file->f_cred;
	int ret;

	if (!ckpt_obj_collected(ctx, cred, CKPT_OBJ_CRED))
		return 0;
	ret = ckpt_obj_checkpoint(ctx, cred, CKPT_OBJ_CRED);
	if (ret < 0)
		return ret;
	h->cred = ret;
	return 0;
}

/* The descriptor that signals about @file tell, one that it has or had */
static u32 fasync_fd(struct file *file, int kind)
{
	struct fasync_struct **list = ckpt_file_table[kind].fasync(file), *fa;
	u32 fd = CKPT_FASYNC_NONE;

	/* as kill_fasync(), which may find one that is about to be freed */
	rcu_read_lock();
	for (fa = rcu_dereference_raw(*list); fa;
	     fa = rcu_dereference_raw(fa->fa_next)) {
		read_lock_irq(&fa->fa_lock);
		if (fa->fa_file == file)
			fd = fa->fa_fd;
		read_unlock_irq(&fa->fa_lock);
	}
	rcu_read_unlock();
	return fd;
}

static int save_flags(struct ckpt_ctx *ctx, struct file *file, int kind,
		      struct ckpt_hdr_file *h)
{
	unsigned int flags = file->f_flags;

	/* how the kernel opened it, and not how the task did */
	flags &= ~(__FMODE_EXEC | __FMODE_NONOTIFY | O_CLOEXEC);
	if (file->f_mode & FMODE_BACKING)
		flags &= ~O_NOATIME;
	if (ckpt_kind_is_external(kind))
		flags &= CKPT_F_FLAGS;
	/* saved with the kind's own fields */
	if (kind == CKPT_FILE_PIDFD)
		flags &= ~PIDFD_THREAD;
	if (flags & ~CKPT_F_FLAGS)
		return ckpt_err(ctx, -ENOSYS, "open file with flags %#x: not supported",
				flags);
	h->f_flags = flags;
	if (ckpt_file_table[kind].fasync && (flags & FASYNC))
		h->fasync_fd = fasync_fd(file, kind);
	if (kind == CKPT_FILE_MEM && ckpt_obj_outside(ctx, file, CKPT_OBJ_FILE))
		h->flags |= CKPT_FILEF_OUTSIDE;
	if (ckpt_file_nonotify(file) && !ckpt_kind_is_external(kind))
		h->flags |= CKPT_FILEF_NONOTIFY;
	if (kind == CKPT_FILE_REG || kind == CKPT_FILE_REMOVED ||
	    kind == CKPT_FILE_MEMFD) {
		if (file->f_mode & FMODE_RANDOM)
			h->flags |= CKPT_FILEF_RANDOM;
		if (file->f_mode & FMODE_NOREUSE)
			h->flags |= CKPT_FILEF_NOREUSE;
		if (!(file->f_mode & FMODE_PATH) && file->f_ra.ra_pages &&
		    file->f_ra.ra_pages == sequential_pages(file))
			h->flags |= CKPT_FILEF_SEQUENTIAL;
	}
	return 0;
}

/*
 * What is mapped of a file is not in the image, nor is what is read of it: it
 * must be in the file still. One that somebody writes to is expected to change.
 */
static bool must_be_unchanged(struct ckpt_ctx *ctx, struct file *file, int kind)
{
	if (file_type(file) != S_IFREG || (file->f_mode & FMODE_WRITE))
		return false;
	if (ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE, 0) & CKPT_FILE_MARK_MAPPED)
		return true;
	return (kind == CKPT_FILE_REG || kind == CKPT_FILE_REMOVED) &&
	       (file->f_mode & FMODE_READ) &&
	       !inode_is_open_for_write(file_inode(file));
}

/* What tells whether it is the same file, and what it was */
static int save_attr(struct ckpt_ctx *ctx, struct file *file, int kind,
		     struct ckpt_hdr_file *h)
{
	const struct inode *inode = file_inode(file);
	struct kstat stat;
	int err;

	h->i_mode = inode->i_mode;
	h->ino = inode->i_ino;
	h->dev = huge_encode_dev(inode->i_sb->s_dev);
	if (S_ISCHR(inode->i_mode) || S_ISBLK(inode->i_mode))
		h->rdev = huge_encode_dev(inode->i_rdev);
	if (must_be_unchanged(ctx, file, kind) &&
	    ((kind != CKPT_FILE_REMOVED && kind != CKPT_FILE_MEMFD) ||
	     inode->i_nlink))
		h->flags |= CKPT_FILEF_UNCHANGED;
	else if (!ckpt_file_table[kind].by_path || kind == CKPT_FILE_REMOVED)
		return 0;

	err = vfs_getattr(file_user_path(file), &stat, STATX_BASIC_STATS,
			  AT_STATX_DONT_SYNC);
	if (err)
		return err;
	h->i_mode = stat.mode;
	h->ino = stat.ino;
	h->dev = huge_encode_dev(stat.dev);
	h->size = stat.size;
	h->mtime_ns = timespec64_to_ns(&stat.mtime);
	memcpy(h->fs_uuid, &file_user_path(file)->dentry->d_sb->s_uuid,
	       sizeof(h->fs_uuid));
	return 0;
}

static int file_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct file *file = ptr;
	const struct path *path = file_user_path(file);
	const struct ckpt_file_ops *ops;
	struct ckpt_hdr_file h = {};
	char *buf, *name;
	int err, kind;

	err = ckpt_file_check(ctx, file, "mapped file");
	if (err)
		return err;
	kind = saved_kind(ctx, file);
	if (kind < 0)
		return ckpt_err(ctx, -EBUSY,
				"an open file changed meanwhile, try again");
	ops = &ckpt_file_table[kind];
	h.kind = kind;
	/*
	 * Without f_pos_lock: the tasks that move it are parked, and of a file
	 * that others have a part in it is not used. It is set with that lock
	 * not held either, while nobody else has the file.
	 */
	h.f_pos = file->f_pos;
	err = save_flags(ctx, file, kind, &h);
	if (!err)
		err = save_attr(ctx, file, kind, &h);
	if (!err && !is_given(&h))
		err = save_owner(ctx, file, &h);
	if (!err && !is_given(&h))
		err = save_cred(ctx, file, &h);
	if (!is_given(&h) && ckpt_file_has_locks(file, file))
		h.flags |= CKPT_FILEF_LOCKS;
	if (!err && ops->by_path) {
		err = ckpt_path_mnt(ctx, path);
		if (err >= 0) {
			h.mnt = err;
			err = 0;
		}
	}
	if (!err && is_removed(file, kind)) {
		err = ckpt_removed_checkpoint(ctx, path, &h.parent);
		if (err >= 0) {
			h.removed = err;
			err = 0;
		}
	}
	if (!err && ops->checkpoint)
		err = ops->checkpoint(ctx, file, &h);
	if (err)
		return err;
	if (ckpt_kind_is_external(kind))
		ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE, CKPT_FILE_MARK_EXTERNAL);
	if (ops->late_write)
		ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE, CKPT_FILE_MARK_LATE);

	buf = __getname();
	if (!buf)
		return -ENOMEM;
	if (h.removed)
		name = ckpt_removed_name(ctx, path, buf, PATH_MAX);
	else if (ops->by_path)
		name = ckpt_path_name(ctx, path, buf, PATH_MAX);
	else
		name = d_path(&file->f_path, buf, PATH_MAX);
	if (IS_ERR(name)) {
		err = ckpt_err(ctx, PTR_ERR(name), "%s: its path cannot be told: error %ld",
			       ops->name, PTR_ERR(name));
	} else {
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_FILE, sizeof(h));
		if (!err)
			err = ckpt_write_string(ctx, name);
	}
	__putname(buf);
	if (!err && ops->write)
		err = ops->write(ctx, file);
	if (err || !(h.flags & CKPT_FILEF_LOCKS))
		return err;
	err = ckpt_locks_write(ctx, file, file, 0);
	return err ?: ckpt_locks_write_end(ctx);
}

/* Can what @path leads to be opened as @h has it, and nothing happens? */
static bool may_open(const struct ckpt_hdr_file *h, const struct path *path)
{
	const struct inode *inode = d_backing_inode(path->dentry);

	if (h->kind == CKPT_FILE_PSEUDO)
		return ckpt_pseudo_sb(path->dentry->d_sb) &&
		       (S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode) ||
			(h->f_flags & O_PATH));
	/* in a devpts, or elsewhere: its own open looks at that */
	if (h->kind == CKPT_FILE_PTM)
		return S_ISCHR(inode->i_mode) &&
		       inode->i_rdev == MKDEV(TTYAUX_MAJOR, 2);
	if (ckpt_fs_refused(path->dentry->d_sb))
		return false;
	switch (h->kind) {
	case CKPT_FILE_TUN:
		return S_ISCHR(inode->i_mode) &&
		       inode->i_rdev == MKDEV(MISC_MAJOR, TUN_MINOR);
	case CKPT_FILE_REG:
		return S_ISREG(inode->i_mode);
	case CKPT_FILE_DIR:
		return S_ISDIR(inode->i_mode);
	case CKPT_FILE_MEM:
		return is_mem_device(inode);
	case CKPT_FILE_FIFO:
		return S_ISFIFO(inode->i_mode);
	case CKPT_FILE_PATH:
		return h->f_flags & O_PATH;
	case CKPT_FILE_REMOVED:
		return S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode) ||
		       (h->f_flags & O_PATH);
	default:
		return false;
	}
}

/**
 * ckpt_file_open - open a file of the image by its path
 * @ctx: the context
 * @h: the record of the file
 * @name: its path, from the root of the mount namespace
 * @flags: O_*
 *
 * What the path leads to is looked at before it is opened: opening a device
 * or a fifo that took the place of a file could do anything.
 *
 * Context: the restoring task, may sleep.
 * Return: the file or ERR_PTR, reported: -ESTALE if it is of another type
 * than it was, or the errno of the lookup or the open.
 */
struct file *ckpt_file_open(struct ckpt_ctx *ctx,
			    const struct ckpt_hdr_file *h, const char *name,
			    int flags)
{
	const struct inode *inode;
	struct file *file;
	struct path path;
	int err;

	if (h->removed) {
		err = ckpt_removed_path(ctx, h, name, &path);
		if (err)
			return ERR_PTR(err);
	} else {
		err = ckpt_path_lookup(ctx, h->mnt,
				       name + strlen(ckpt_mnt_name(ctx, h->mnt)),
				       S_ISLNK(h->i_mode) ? 0 : LOOKUP_FOLLOW,
				       &path);
		if (err)
			return ERR_PTR(ckpt_err(ctx, err, "'%s': cannot be found: error %d",
						name, err));
	}
	inode = d_backing_inode(path.dentry);
	if ((inode->i_mode ^ h->i_mode) & S_IFMT ||
	    (S_ISCHR(inode->i_mode) &&
	     huge_encode_dev(inode->i_rdev) != h->rdev)) {
		path_put(&path);
		return ERR_PTR(ckpt_err(ctx, -ESTALE, "'%s' is of another type than it was",
					name));
	}
	/* the image may call a watchdog a regular file */
	if (!may_open(h, &path)) {
		path_put(&path);
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "'%s' is no %s", name,
					ckpt_file_table[h->kind].name));
	}
	file = h->removed ? ckpt_removed_open(ctx, h, &path, flags) :
			    file_open_root(&path, "", flags, 0);
	path_put(&path);
	if (IS_ERR(file))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(file), "'%s': cannot be opened: error %ld",
					name, PTR_ERR(file)));
	if (!ckpt_file_table[h->kind].match(file)) {
		fput(file);
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "'%s' is no %s", name,
					ckpt_file_table[h->kind].name));
	}
	return file;
}

/**
 * ckpt_file_cred - the credentials that a file was opened with
 * @ctx: the context
 * @h: the record of the file
 *
 * Return: the credentials, borrowed, those of the caller of restart where the
 * image has none, or ERR_PTR(-EINVAL), reported.
 */
const struct cred *ckpt_file_cred(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h)
{
	return h->cred ? ckpt_obj_fetch(ctx, h->cred, CKPT_OBJ_CRED) :
			 current_cred();
}

/**
 * ckpt_anon_file - make a file that has no inode of its own
 * @ctx: the context
 * @h: the record of the file
 * @class: what the file is called
 * @fops: how it works
 * @priv: what it works on; not freed if this fails
 * @access: the access mode that it must have
 *
 * Context: the restoring task, may sleep.
 * Return: the file or ERR_PTR: -EINVAL, reported, for flags that such a file
 * does not have, -ENFILE, -ENOMEM.
 */
struct file *ckpt_anon_file(struct ckpt_ctx *ctx,
			    const struct ckpt_hdr_file *h, const char *class,
			    const struct file_operations *fops, void *priv,
			    unsigned int access)
{
	/* those that F_SETFL changes */
	const unsigned int flags = O_APPEND | O_NONBLOCK | O_NOATIME;
	struct file *file;

	if ((h->f_flags & ~(flags | FASYNC)) != access || h->inner)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: %s with flags %#x",
					class, h->f_flags));
	file = anon_inode_getfile(class, fops, priv, access);
	if (IS_ERR(file))
		return file;
	file->f_flags |= h->f_flags & flags;
	file->f_iocb_flags = iocb_flags(file);
	return file;
}

/* Who may be told by signals about a file is what its setter might send. */
static int owner_uid(struct ckpt_ctx *ctx, u32 id, kuid_t self, kuid_t *uid)
{
	*uid = make_kuid(current_user_ns(), id);
	if (!uid_valid(*uid))
		return ckpt_err(ctx, -EINVAL, "image: file owner set by user %u",
				id);
	if (!uid_eq(*uid, self) && !ns_capable(current_user_ns(), CAP_SETUID))
		return ckpt_err(ctx, -EPERM, "file owner was set by user %u", id);
	return 0;
}

/**
 * struct late_owner - who is told by signals about a file, yet to be made
 * @list: in @late_owners of the context
 * @file: the file, referenced
 * @slot: the pid slot of the owner
 * @type: as what it is told
 * @uid: real user id of who set it
 * @euid: effective user id
 */
struct late_owner {
	struct list_head list;
	struct file *file;
	u32 slot;
	enum pid_type type;
	kuid_t uid;
	kuid_t euid;
};

static int set_owner(struct ckpt_ctx *ctx, const struct late_owner *o)
{
	struct fown_struct *f_owner = file_f_owner(o->file);
	struct pid *pid = ckpt_slot_pid(ctx, o->slot);

	if (IS_ERR(pid))
		return PTR_ERR(pid);
	__f_setown(o->file, pid, o->type, 1);
	write_lock_irq(&f_owner->lock);
	f_owner->uid = o->uid;
	f_owner->euid = o->euid;
	write_unlock_irq(&f_owner->lock);
	return 0;
}

static int set_owner_later(struct ckpt_ctx *ctx, const struct late_owner *o)
{
	struct late_owner *late;

	late = kmemdup(o, sizeof(*o), GFP_KERNEL_ACCOUNT);
	if (!late)
		return -ENOMEM;
	get_file(late->file);
	list_add_tail(&late->list, &ctx->late_owners);
	return 0;
}

/**
 * ckpt_late_owners_set - set the owners of files that were yet to be made
 * @ctx: the context of a restart; all tasks are made
 *
 * Context: a restored task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_late_owners_set(struct ckpt_ctx *ctx)
{
	struct late_owner *late;
	int err;

	list_for_each_entry(late, &ctx->late_owners, list) {
		err = set_owner(ctx, late);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/**
 * ckpt_late_owners_free - done with the owners that were yet to be made
 * @ctx: the context
 *
 * Context: process context, may sleep.
 */
void ckpt_late_owners_free(struct ckpt_ctx *ctx)
{
	struct late_owner *late, *next;

	list_for_each_entry_safe(late, next, &ctx->late_owners, list) {
		list_del(&late->list);
		fput(late->file);
		kfree(late);
	}
}

static int restore_owner(struct ckpt_ctx *ctx, struct file *file,
			 const struct ckpt_hdr_file *h)
{
	static const enum pid_type type[] = {
		[F_OWNER_TID] = PIDTYPE_PID,
		[F_OWNER_PID] = PIDTYPE_TGID,
		[F_OWNER_PGRP] = PIDTYPE_PGID,
	};
	struct late_owner o = { .file = file };
	int err;

	if (!h->owner && !h->owner_signal)
		return 0;
	if (h->owner_type >= ARRAY_SIZE(type) || h->owner_signal > _NSIG)
		return ckpt_err(ctx, -EINVAL, "image: file owner of type %u with signal %u",
				h->owner_type, h->owner_signal);
	err = file_f_owner_allocate(file);
	if (err)
		return err;
	file_f_owner(file)->signum = h->owner_signal;
	if (!h->owner)
		return 0;

	o.slot = h->owner - 1;
	o.type = type[h->owner_type];
	err = owner_uid(ctx, h->owner_uid, current_uid(), &o.uid);
	if (!err)
		err = owner_uid(ctx, h->owner_euid, current_euid(), &o.euid);
	if (err)
		return err;
	/* a thread, of this process or of another */
	return ckpt_slot_is_later(ctx, o.slot) ? set_owner_later(ctx, &o) :
						 set_owner(ctx, &o);
}

static int restore_fasync(struct file *file, const struct ckpt_hdr_file *h)
{
	if (file->f_op->fasync && h->fasync_fd != CKPT_FASYNC_NONE)
		return file->f_op->fasync(h->fasync_fd, file, 1);
	/* given to open(2), and of no effect */
	spin_lock(&file->f_lock);
	file->f_flags |= FASYNC;
	spin_unlock(&file->f_lock);
	return 0;
}

/*
 * The file was opened with the rights of the caller of restart, who could
 * become whoever opened it; nobody else has it yet.
 */
static int restore_cred(struct ckpt_ctx *ctx, struct file *file,
			const struct ckpt_hdr_file *h)
{
	const struct cred *cred;

	if (!h->cred)
		return 0;
	cred = ckpt_file_cred(ctx, h);
	if (IS_ERR(cred))
		return PTR_ERR(cred);
	put_cred(file->f_cred);
	file->f_cred = get_cred(cred);
	return 0;
}

static int check_record(struct ckpt_ctx *ctx, const struct ckpt_hdr_file *h)
{
	bool removed = h->kind == CKPT_FILE_REMOVED;

	if (h->kind >= CKPT_FILE_MAX || !ckpt_file_table[h->kind].restore)
		return ckpt_err(ctx, -EINVAL, "image: open file of unknown kind %u",
				h->kind);
	if ((h->f_flags & ~CKPT_F_FLAGS) ||
	    (!removed && (h->f_flags & __O_TMPFILE)) || h->reserved ||
	    (removed && !h->removed) || (h->parent && !h->removed) ||
	    (h->removed && !removed && h->kind != CKPT_FILE_MEM &&
	     h->kind != CKPT_FILE_FIFO) ||
	    (h->flags & ~CKPT_FILEF_ALL) || h->f_pos > LLONG_MAX ||
	    (h->fasync_fd > INT_MAX && h->fasync_fd != CKPT_FASYNC_NONE) ||
	    (h->inner && !ckpt_file_table[h->kind].checkpoint) ||
	    ((h->flags & CKPT_FILEF_LOCKS) && is_given(h)) ||
	    ((h->flags & CKPT_FILEF_NONOTIFY) &&
	     ckpt_file_table[h->kind].restore != path_file_restore) ||
	    (h->mnt && !ckpt_file_table[h->kind].by_path &&
	     h->kind != CKPT_FILE_NS))
		return ckpt_err(ctx, -EINVAL, "image: %s with flags %#x, %#x at position %llu",
				ckpt_file_table[h->kind].name, h->f_flags,
				h->flags, h->f_pos);
	return 0;
}

/* What follows the record: its path, with what leads to its mount before it */
static char *read_name(struct ckpt_ctx *ctx, const struct ckpt_hdr_file *h)
{
	char *full, *name = ckpt_read_string(ctx, PATH_MAX);

	if (IS_ERR(name) || !*ckpt_mnt_name(ctx, h->mnt))
		return name;
	full = kasprintf(GFP_KERNEL_ACCOUNT, "%s%s", ckpt_mnt_name(ctx, h->mnt),
			 name);
	kvfree(name);
	return full ?: ERR_PTR(-ENOMEM);
}

static void *file_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_file h;
	struct file *file;
	char *name;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_FILE, sizeof(h));
	if (!err)
		err = check_record(ctx, &h);
	/* one that comes later would change what its paths begin with */
	if (!err && h.mnt && ckpt_file_table[h.kind].by_path)
		err = PTR_ERR_OR_ZERO(ckpt_mnt_fetch(ctx, h.mnt));
	if (err)
		return ERR_PTR(err);
	name = read_name(ctx, &h);
	if (IS_ERR(name))
		return name;

	file = ckpt_file_table[h.kind].restore(ctx, &h, name);
	if (!IS_ERR(file) && !is_given(&h)) {
		err = h.flags & CKPT_FILEF_LOCKS ? ckpt_locks_read(ctx, file) :
						   0;
		if (!err)
			err = restore_owner(ctx, file, &h);
		if (!err)
			err = restore_cred(ctx, file, &h);
		if (!err && (h.f_flags & FASYNC))
			err = restore_fasync(file, &h);
		if (err < 0) {
			fput(file);
			file = ERR_PTR(err);
		}
	}
	kvfree(name);
	return file;
}

static void file_commit(struct ckpt_ctx *ctx, void *ptr)
{
	int kind = file_kind(ptr);

	if (kind >= 0 && ckpt_file_table[kind].commit)
		ckpt_file_table[kind].commit(ptr);
}

const struct ckpt_obj_ops ckpt_file_obj_ops = {
	.name		= "open file",
	.outside_ok	= true,
	.grab		= file_grab,
	.drop		= file_drop,
	.users		= file_users,
	.collect	= file_collect,
	.checkpoint	= file_checkpoint,
	.restore	= file_restore,
	.commit		= file_commit,
};
