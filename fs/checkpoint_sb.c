// SPDX-License-Identifier: GPL-2.0
/*
 * File systems that are made anew: proc.
 */

#include <linux/fs_context.h>
#include <linux/magic.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>

#include "checkpoint.h"

/**
 * ckpt_sb_supported - can a file system be made anew?
 * @sb: its super block
 *
 * Return: true if it can.
 */
bool ckpt_sb_supported(struct super_block *sb)
{
	const struct proc_fs_info *info;

	if (sb->s_magic != PROC_SUPER_MAGIC)
		return false;
	info = proc_sb_info(sb);
	return info->hide_pid == HIDEPID_OFF &&
	       info->pidonly == PROC_PIDONLY_OFF &&
	       gid_eq(info->pid_gid, GLOBAL_ROOT_GID);
}

static void sb_grab(void *ptr)
{
	struct super_block *sb = ptr;

	atomic_inc(&sb->s_active);
}

static void sb_drop(void *ptr)
{
	deactivate_super(ptr);
}

static int sb_collect(struct ckpt_ctx *ctx, void *ptr)
{
	if (proc_sb_info(ptr)->pid_ns != task_active_pid_ns(ctx->root_task))
		return ckpt_err(ctx, -ENOSYS, "proc of another pid namespace: not supported");
	return 0;
}

static int sb_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct super_block *sb = ptr;
	struct ckpt_hdr_sb h = { .flags = sb_rdonly(sb) ? CKPT_SB_RDONLY : 0 };

	return ckpt_write_rec(ctx, &h, CKPT_HDR_SB, sizeof(h));
}

static void *sb_restore(struct ckpt_ctx *ctx)
{
	struct file_system_type *type;
	struct super_block *sb;
	struct fs_context *fc;
	struct ckpt_hdr_sb h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_SB, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if ((h.flags & ~CKPT_SB_RDONLY) || h.reserved)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: file system with flags %#x",
					h.flags));
	type = get_fs_type("proc");
	if (!type)
		return ERR_PTR(-ENODEV);
	fc = fs_context_for_mount(type, h.flags & CKPT_SB_RDONLY ? SB_RDONLY : 0);
	put_filesystem(type);
	if (IS_ERR(fc))
		return fc;
	err = ns_capable(fc->user_ns, CAP_SYS_ADMIN) ? vfs_get_tree(fc) : -EPERM;
	if (!err) {
		sb = fc->root->d_sb;
		atomic_inc(&sb->s_active);
		up_write(&sb->s_umount);
	}
	put_fs_context(fc);
	return err ? ERR_PTR(err) : sb;
}

const struct ckpt_obj_ops ckpt_sb_obj_ops = {
	.name		= "file system",
	.grab		= sb_grab,
	.drop		= sb_drop,
	.collect	= sb_collect,
	.checkpoint	= sb_checkpoint,
	.restore	= sb_restore,
};
