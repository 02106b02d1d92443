// SPDX-License-Identifier: GPL-2.0
/*
 * Owner, mode and times of a file that is made anew, as chown(2), chmod(2) and
 * utimensat(2) would set them: with the rights of the caller of restart.
 */

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mount.h>

#include "checkpoint.h"

/**
 * ckpt_set_attr - change attributes of a file
 * @mnt: the mount that it is reached by, or NULL for a file system that has none
 * @dentry: the file
 * @attr: what to change
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_set_attr(struct vfsmount *mnt, struct dentry *dentry,
		  struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	int err = mnt ? mnt_want_write(mnt) : 0;

	if (err)
		return err;
	inode_lock(inode);
	err = notify_change(mnt ? mnt_idmap(mnt) : &nop_mnt_idmap, dentry, attr,
			    NULL);
	inode_unlock(inode);
	if (mnt)
		mnt_drop_write(mnt);
	return err;
}

/**
 * ckpt_owner_attr - add the change of an owner to other changes of a file
 * @ctx: the context
 * @mnt: the mount that it is reached by, or NULL for a file system that has none
 * @dentry: the file
 * @uid: its user in the user namespace of the caller of restart, from the image
 * @gid: its group there, from the image
 * @attr: what to change; ATTR_UID and ATTR_GID are added where these differ
 *
 * Return: 0, or -EINVAL if there is no such number.
 */
int ckpt_owner_attr(struct ckpt_ctx *ctx, struct vfsmount *mnt,
		    struct dentry *dentry, u32 uid, u32 gid,
		    struct iattr *attr)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;
	struct mnt_idmap *idmap = mnt ? mnt_idmap(mnt) : &nop_mnt_idmap;
	const struct inode *inode = d_inode(dentry);

	attr->ia_vfsuid = VFSUIDT_INIT(make_kuid(user_ns, uid));
	attr->ia_vfsgid = VFSGIDT_INIT(make_kgid(user_ns, gid));
	if (!vfsuid_valid(attr->ia_vfsuid) || !vfsgid_valid(attr->ia_vfsgid))
		return -EINVAL;
	if (!vfsuid_eq(attr->ia_vfsuid, i_uid_into_vfsuid(idmap, inode)))
		attr->ia_valid |= ATTR_UID;
	if (!vfsgid_eq(attr->ia_vfsgid, i_gid_into_vfsgid(idmap, inode)))
		attr->ia_valid |= ATTR_GID;
	return 0;
}

/**
 * ckpt_set_owner - set the owner of a file
 * @ctx: the context of a restart
 * @mnt: the mount that it is reached by, or NULL for a file system that has none
 * @dentry: the file
 * @uid: its owner, as the caller of restart numbers it
 * @gid: its group
 *
 * Only what differs: what it is already needs no right to be made so.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, -EINVAL if there is no such number.
 */
int ckpt_set_owner(struct ckpt_ctx *ctx, struct vfsmount *mnt,
		   struct dentry *dentry, u32 uid, u32 gid)
{
	struct iattr attr = {};
	int err = ckpt_owner_attr(ctx, mnt, dentry, uid, gid, &attr);

	if (err || !attr.ia_valid)
		return err;
	return ckpt_set_attr(mnt, dentry, &attr);
}

/**
 * ckpt_set_mode - set the mode of a file
 * @mnt: the mount that it is reached by, or NULL for a file system that has none
 * @dentry: the file
 * @mode: its type, which it has already, and its permissions
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, -EPERM if a set-group-id bit is not granted.
 */
int ckpt_set_mode(struct vfsmount *mnt, struct dentry *dentry, umode_t mode)
{
	const struct inode *inode = d_inode(dentry);
	struct iattr attr = { .ia_valid = ATTR_MODE, .ia_mode = mode };
	int err;

	if (inode->i_mode == mode)
		return 0;
	err = ckpt_set_attr(mnt, dentry, &attr);
	/* that bit is left out silently */
	if (!err && inode->i_mode != mode)
		err = -EPERM;
	return err;
}

/**
 * ckpt_set_times - set when a file was read and written last
 * @mnt: the mount that it is reached by, or NULL for a file system that has none
 * @dentry: the file
 * @atime: when it was read
 * @mtime: when it was written
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_set_times(struct vfsmount *mnt, struct dentry *dentry,
		   struct timespec64 atime, struct timespec64 mtime)
{
	struct iattr attr = {
		.ia_valid = ATTR_ATIME | ATTR_ATIME_SET | ATTR_MTIME |
			    ATTR_MTIME_SET,
		.ia_atime = atime,
		.ia_mtime = mtime,
	};

	return ckpt_set_attr(mnt, dentry, &attr);
}
