// SPDX-License-Identifier: GPL-2.0
/*
 * Open files and directories that cannot be saved: refused by name.
 */

#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/magic.h>
#include <linux/namei.h>
#include <linux/pid.h>

#include "checkpoint.h"

/* What a file is called that is of no kind that is supported */
static void describe(struct file *file, char *buf, size_t size, char *path)
{
	const struct super_block *sb = file_inode(file)->i_sb;
	const char *name;

	switch (sb->s_magic) {
	case ANON_INODE_FS_MAGIC:
		name = file->f_path.dentry->d_name.name;
		if (*name == '[')
			name++;
		scnprintf(buf, size, "%.*s", (int)strcspn(name, "]"), name);
		return;
	case SOCKFS_MAGIC:
		strscpy(buf, "socket", size);
		return;
	case PID_FS_MAGIC:
		strscpy(buf, "pidfd", size);
		return;
	}
	name = d_path(file_user_path(file), path, PATH_MAX);
	if (IS_ERR(name))
		name = "?";
	if (file->f_mode & FMODE_PATH)
		scnprintf(buf, size, "'%s' (%s), opened with O_PATH", name,
			  sb->s_type->name);
	else if (S_ISCHR(file_inode(file)->i_mode))
		scnprintf(buf, size, "'%s' (device %u:%u)", name,
			  imajor(file_inode(file)), iminor(file_inode(file)));
	else
		scnprintf(buf, size, "'%s' (%s)", name, sb->s_type->name);
}

/**
 * ckpt_file_owner - who is told by signals about a file
 * @file: the file
 * @type: as what the owner is told
 *
 * Return: its pid, referenced, or NULL if there is nobody, or nobody left.
 */
struct pid *ckpt_file_owner(struct file *file, enum pid_type *type)
{
	struct fown_struct *f_owner = file_f_owner(file);
	struct pid *pid = NULL;

	if (!f_owner)
		return NULL;
	read_lock_irq(&f_owner->lock);
	rcu_read_lock();
	if (f_owner->pid && pid_task(f_owner->pid, f_owner->pid_type)) {
		pid = get_pid(f_owner->pid);
		*type = f_owner->pid_type;
	}
	rcu_read_unlock();
	read_unlock_irq(&f_owner->lock);
	return pid;
}

/* Signals on @file: is there anything about them that cannot be saved? */
static const char *bad_owner(struct ckpt_ctx *ctx, struct file *file, int kind)
{
	const char *what = NULL;
	enum pid_type type;
	struct pid *pid;

	if ((file->f_flags & FASYNC) && file->f_op->fasync &&
	    !ckpt_file_kind_ops(kind)->fasync)
		return "O_ASYNC";
	pid = ckpt_file_owner(file, &type);
	if (!pid)
		return NULL;
	if (ckpt_kind_is_external(kind))
		what = "F_SETOWN";
	else if (ckpt_pid_slot(ctx, pid) < 0)
		what = "F_SETOWN to a process outside of the tree";
	put_pid(pid);
	return what;
}

/**
 * ckpt_path_check - refuse a path that does not lead where it did
 * @ctx: the context of a checkpoint
 * @path: the path
 * @who: what is there, for the message
 * @buf: room for PATH_MAX bytes
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOSYS, reported.
 */
int ckpt_path_check(struct ckpt_ctx *ctx, const struct path *path,
		    const char *who, char *buf)
{
	const char *name, *why;
	int err;

	err = ckpt_path_verify(ctx, path, buf, PATH_MAX);
	if (!err)
		return 0;

	name = d_path(path, buf, PATH_MAX);
	if (IS_ERR(name))
		name = "?";
	if (d_unlinked(path->dentry))
		why = "it was removed, or another took its place";
	else if (err == -ESTALE)
		why = "its path leads to another file now";
	else if (err == -ENAMETOOLONG)
		why = "its path is too long";
	else if (err == -ENOENT)
		why = "it cannot be reached from the root directory";
	else
		why = "its path cannot be followed";
	return ckpt_err(ctx, -ENOSYS, "%s: '%s': %s: not supported", who, name,
			why);
}

/**
 * ckpt_file_refuse - refuse an open file that cannot be saved
 * @ctx: the context of a checkpoint; the collect pass is over
 * @file: the file
 * @kind: the kind that it would be saved as, or negative if there is none
 * @who: where it was met, for the message
 * @buf: room for PATH_MAX bytes
 *
 * Context: process context, may sleep.
 * Return: 0 if it can be saved, as far as its path does not matter, or
 * -ENOSYS, reported.
 */
int ckpt_file_refuse(struct ckpt_ctx *ctx, struct file *file, int kind,
		     const char *who, char *buf)
{
	bool external = ckpt_kind_is_external(kind);
	const char *why = NULL;
	char what[128];

	if (kind < 0 || kind == CKPT_FILE_PTM || kind == CKPT_FILE_PTS)
		why = ckpt_pty_refused(ctx, file);
	if (kind < 0 && !why)
		why = "";
	/* what others set on an open file that they share is theirs */
	if (!why && !(external && ckpt_obj_outside(ctx, file, CKPT_OBJ_FILE)))
		why = bad_owner(ctx, file, kind);
	if (!why && kind == CKPT_FILE_MEMFD)
		why = ckpt_memfd_refused(ctx, file);
	if (!why && kind == CKPT_FILE_PSEUDO)
		why = ckpt_pseudo_refuse(ctx, file);
	if (!why && !external && kind != CKPT_FILE_REG &&
	    kind != CKPT_FILE_DIR && kind != CKPT_FILE_REMOVED &&
	    kind != CKPT_FILE_MEMFD &&
	    ckpt_file_nonotify(file))
		why = "opened by fanotify";
	if (!why && ckpt_sock_match(file) &&
	    !ckpt_obj_outside(ctx, file, CKPT_OBJ_FILE))
		why = ckpt_sock_refused(ctx, file, external);
	if (!why)
		return 0;

	describe(file, what, sizeof(what), buf);
	return ckpt_err(ctx, -ENOSYS, "%s: %s%s%s: not supported", who, what,
			*why ? ": " : "", why);
}
