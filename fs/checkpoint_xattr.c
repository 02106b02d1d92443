// SPDX-License-Identifier: GPL-2.0
/*
 * Extended attributes of a file that is made anew. In the image access control
 * lists and capabilities have ids as the caller has them.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/sched/task.h>
#include <linux/user_namespace.h>
#include <linux/xattr.h>

#include "checkpoint.h"

static struct mnt_idmap *idmap_of(const struct vfsmount *mnt)
{
	return mnt ? mnt_idmap(mnt) : &nop_mnt_idmap;
}

/*
 * How long the list of names is for somebody from whom nothing is hidden: file
 * systems show "trusted." to CAP_SYS_ADMIN only.
 */
static ssize_t whole_list(struct dentry *dentry)
{
	const struct cred *old;
	struct cred *cred;
	ssize_t len;

	cred = prepare_kernel_cred(&init_task);
	if (!cred)
		return -ENOMEM;
	old = override_creds(cred);
	len = vfs_listxattr(dentry, NULL, 0);
	revert_creds(old);
	put_cred(cred);
	return len;
}

/**
 * ckpt_xattr_list - the names of a file's extended attributes
 * @dentry: the file
 * @len: where to put how long the list is, in bytes; 0 if there are none
 * @nr: where to put how many they are
 *
 * Context: process context, may sleep.
 * Return: the names, each with a NUL behind it, to be freed with kvfree(), or
 * NULL if there are none, or ERR_PTR, not reported: -EPERM if the caller is
 * not shown all of them.
 */
char *ckpt_xattr_list(struct dentry *dentry, ssize_t *len, u32 *nr)
{
	char *list = NULL;
	ssize_t i, whole;

	*nr = 0;
	*len = vfs_listxattr(dentry, NULL, 0);
	if (*len == -EOPNOTSUPP)
		*len = 0;
	if (*len < 0)
		return ERR_PTR(*len);
	if (!capable(CAP_SYS_ADMIN)) {
		whole = whole_list(dentry);
		if (whole == -EOPNOTSUPP)
			whole = 0;
		if (whole != *len)
			return ERR_PTR(whole < 0 ? whole : -EPERM);
	}
	if (!*len)
		return NULL;
	list = kvmalloc(*len, GFP_KERNEL_ACCOUNT);
	if (!list)
		return ERR_PTR(-ENOMEM);
	*len = vfs_listxattr(dentry, list, *len);
	if (*len < 0) {
		kvfree(list);
		return ERR_PTR(*len);
	}
	for (i = 0; i < *len; i += strlen(list + i) + 1)
		++*nr;
	return list;
}

/* One that a restart would read in the same way */
static ssize_t acl_value(struct ckpt_ctx *ctx, const struct posix_acl *acl,
			 void *value, size_t size)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;
	struct posix_acl *back;
	ssize_t len;

	len = posix_acl_to_xattr(user_ns, acl, value, size);
	if (len < 0)
		return len;
	back = posix_acl_from_xattr(user_ns, value, len);
	if (IS_ERR(back))
		return -EOVERFLOW;
	posix_acl_release(back);
	return len;
}

/**
 * ckpt_xattr_get - the value of an extended attribute, as the image has it
 * @ctx: the context of a checkpoint
 * @mnt: a mount that leads to it, or NULL for one without an idmap
 * @dentry: the file
 * @name: the attribute
 * @len: where to put the length of the value, in bytes
 *
 * Context: process context, may sleep.
 * Return: the value, to be freed with kvfree(), or ERR_PTR, not reported:
 * -EOVERFLOW for an id without a number in the caller's user namespace.
 */
void *ckpt_xattr_get(struct ckpt_ctx *ctx, const struct vfsmount *mnt,
		     struct dentry *dentry, const char *name, ssize_t *len)
{
	struct mnt_idmap *idmap = idmap_of(mnt);
	struct posix_acl *acl = NULL;
	void *value;

	if (is_posix_acl_xattr(name)) {
		acl = vfs_get_acl(idmap, dentry, name);
		if (IS_ERR(acl))
			return ERR_CAST(acl);
		*len = posix_acl_xattr_size(acl->a_count);
	} else {
		*len = vfs_getxattr(idmap, dentry, name, NULL, 0);
		if (*len < 0)
			return ERR_PTR(*len);
	}
	value = kvmalloc(*len ?: 1, GFP_KERNEL_ACCOUNT);
	if (!value)
		*len = -ENOMEM;
	else if (acl)
		*len = acl_value(ctx, acl, value, *len);
	else if (*len)
		*len = vfs_getxattr(idmap, dentry, name, value, *len);
	posix_acl_release(acl);
	if (*len >= 0)
		return value;
	kvfree(value);
	return ERR_PTR(*len);
}

/**
 * ckpt_xattr_write - write an extended attribute
 * @ctx: the context of a checkpoint
 * @name: its name
 * @value: of ckpt_xattr_get()
 * @len: its length, in bytes
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_xattr_write(struct ckpt_ctx *ctx, const char *name, const void *value,
		     size_t len)
{
	struct ckpt_hdr_sb_xattr h = { .len = len };
	int err;

	err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_SB_XATTR, sizeof(h), value,
				  len);
	return err ?: ckpt_write_string(ctx, name);
}

/*
 * Capabilities of a file are for those whose user namespace has a certain root:
 * 0 if the value says nothing. It is said as current has it, who may be in
 * another user namespace than the caller. What is malformed, vfs_setxattr()
 * refuses.
 */
static int set_caps(struct ckpt_ctx *ctx, struct mnt_idmap *idmap,
		    struct dentry *dentry, const struct ckpt_hdr_sb_xattr *h)
{
	struct vfs_ns_cap_data cap = {};
	size_t len = h->len;
	u32 magic, id;

	if (len > sizeof(cap))
		return -EINVAL;
	memcpy(&cap, h->value, len);
	if (len == XATTR_CAPS_SZ_2 || len == XATTR_CAPS_SZ_3) {
		id = from_kuid(current_user_ns(),
			       make_kuid(ctx->caller_cred->user_ns,
					 le32_to_cpu(cap.rootid)));
		if (id == (u32)-1)
			return -EINVAL;
		cap.rootid = cpu_to_le32(id);
		magic = le32_to_cpu(cap.magic_etc);
		if (len == XATTR_CAPS_SZ_2 && id &&
		    (magic & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_2) {
			magic ^= VFS_CAP_REVISION_2 ^ VFS_CAP_REVISION_3;
			cap.magic_etc = cpu_to_le32(magic);
			len = XATTR_CAPS_SZ_3;
		}
	}
	return vfs_setxattr(idmap, dentry, XATTR_NAME_CAPS, &cap, len, 0);
}

static int set_xattr(struct ckpt_ctx *ctx, const struct vfsmount *mnt,
		     struct dentry *dentry, const char *name,
		     const struct ckpt_hdr_sb_xattr *h)
{
	struct mnt_idmap *idmap = idmap_of(mnt);
	struct posix_acl *acl;
	int err;

	if (!strcmp(name, XATTR_NAME_CAPS))
		return set_caps(ctx, idmap, dentry, h);
	if (!is_posix_acl_xattr(name))
		return vfs_setxattr(idmap, dentry, name, h->value, h->len, 0);
	acl = posix_acl_from_xattr(ctx->caller_cred->user_ns, h->value, h->len);
	if (IS_ERR_OR_NULL(acl))
		return acl ? PTR_ERR(acl) : -EINVAL;
	err = vfs_set_acl(idmap, dentry, name, acl);
	posix_acl_release(acl);
	return err;
}

/**
 * ckpt_xattr_read - read an extended attribute, and set it
 * @ctx: the context of a restart
 * @mnt: a mount that leads to it, or NULL if the file system has none so far
 * @dentry: the file
 *
 * Context: the restoring task, may sleep; write access to @mnt is had for as
 * long as it takes to set it, and not while the image is read.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_xattr_read(struct ckpt_ctx *ctx, struct vfsmount *mnt,
		    struct dentry *dentry)
{
	struct ckpt_hdr_sb_xattr *h;
	char *name;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_SB_XATTR, sizeof(*h),
			  sizeof(*h) + XATTR_SIZE_MAX);
	if (IS_ERR(h))
		return PTR_ERR(h);
	name = ckpt_read_string(ctx, XATTR_NAME_MAX + 1);
	if (IS_ERR(name)) {
		kvfree(h);
		return PTR_ERR(name);
	}
	err = mnt ? mnt_want_write(mnt) : 0;
	if (!err) {
		if (h->reserved || ALIGN(sizeof(*h) + h->len, 8) != h->h.len)
			err = -EINVAL;
		else
			err = set_xattr(ctx, mnt, dentry, name, h);
		if (mnt)
			mnt_drop_write(mnt);
	}
	if (err)
		ckpt_err(ctx, err, "%s: '%pd': extended attribute '%s' cannot be set: error %d",
			 dentry->d_sb->s_type->name, dentry, name, err);
	kvfree(name);
	kvfree(h);
	return err;
}
