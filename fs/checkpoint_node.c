// SPDX-License-Identifier: GPL-2.0
/*
 * Names of unix sockets in the file system.
 *
 * They outlive the tree, and are found again. One that was removed meanwhile, as
 * whatever cleans /run does, is made again where its directory still is.
 */

#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/security.h>

#include "checkpoint.h"

/**
 * struct made_node - a name that a restart has made
 * @list: in @nodes of the context
 * @path: its path, referenced
 */
struct made_node {
	struct list_head list;
	struct path path;
};

/**
 * ckpt_node_save - what is needed to make the name of a socket again
 * @ctx: the context of a checkpoint
 * @path: its path
 * @h: its record: mode and owner are filled in
 *
 * An owner that has no number in the caller's user namespace is -1: such a node
 * is found, but not made.
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_node_save(struct ckpt_ctx *ctx, const struct path *path,
		   struct ckpt_hdr_unix_late *h)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;
	struct kstat stat;
	int err;

	err = vfs_getattr(path, &stat, STATX_MODE | STATX_UID | STATX_GID,
			  AT_STATX_SYNC_AS_STAT);
	if (err)
		return ckpt_err(ctx, err, "'%pd': cannot be looked at: error %d",
				path->dentry, err);
	h->mode = stat.mode & S_IALLUGO;
	h->uid = from_kuid(user_ns, stat.uid);
	h->gid = from_kgid(user_ns, stat.gid);
	return 0;
}

/* As whoever calls bind(2), and then chown(2) and chmod(2) */
static int set_attr(struct ckpt_ctx *ctx, const struct path *path,
		    const struct ckpt_hdr_unix_late *h)
{
	struct iattr attr = {
		.ia_valid = ATTR_MODE,
		.ia_mode = S_IFSOCK | h->mode,
	};
	int err;

	err = ckpt_owner_attr(ctx, path->mnt, path->dentry, h->uid, h->gid,
			      &attr);
	if (!err)
		err = security_path_chmod(path, h->mode);
	if (!err && attr.ia_valid & (ATTR_UID | ATTR_GID))
		err = security_path_chown(path, vfsuid_into_kuid(attr.ia_vfsuid),
					  vfsgid_into_kgid(attr.ia_vfsgid));
	return err ?: ckpt_set_attr(path->mnt, path->dentry, &attr);
}

static int make_node(const struct path *dir, const char *name,
		     struct path *path)
{
	struct mnt_idmap *idmap = mnt_idmap(dir->mnt);
	const umode_t mode = S_IFSOCK | 0600;
	struct inode *in = d_inode(dir->dentry);
	struct dentry *d;
	int err;

	inode_lock_nested(in, I_MUTEX_PARENT);
	d = lookup_one(idmap, name, dir->dentry, strlen(name));
	err = PTR_ERR_OR_ZERO(d);
	if (!err)
		err = security_path_mknod(dir, d, mode, 0);
	if (!err)
		err = vfs_mknod(idmap, in, d, mode, 0);
	/* some network file systems leave it to be looked up */
	if (!err && d_really_is_negative(d))
		err = -EOPNOTSUPP;
	inode_unlock(in);
	if (!err) {
		path->mnt = mntget(dir->mnt);
		path->dentry = d;
	} else if (!IS_ERR(d)) {
		dput(d);
	}
	return err;
}

static int make_in(struct ckpt_ctx *ctx, const struct path *dir,
		   const char *name, const struct ckpt_hdr_unix_late *h,
		   struct path *path)
{
	struct made_node *n;
	int err;

	n = kmalloc(sizeof(*n), GFP_KERNEL_ACCOUNT);
	if (!n)
		return -ENOMEM;
	err = mnt_want_write(dir->mnt);
	if (!err) {
		err = make_node(dir, name, &n->path);
		mnt_drop_write(dir->mnt);
	}
	if (err) {
		kfree(n);
		return err;
	}
	list_add(&n->list, &ctx->nodes);
	err = set_attr(ctx, &n->path, h);
	if (!err) {
		*path = n->path;
		path_get(path);
	}
	return err;
}

/**
 * ckpt_node_make - make the name of a socket again
 * @ctx: the context of a restart
 * @h: the record of the socket, of which mode and owner are not checked yet
 * @name: the path that it had, within its mount; nothing is there
 * @path: where to put its path, referenced
 *
 * It goes away again if the restart fails.
 *
 * Context: the restoring task, may sleep.
 * Return: 0, -EINVAL for a malformed record, or the errno that bind(2) would
 * have had.
 */
int ckpt_node_make(struct ckpt_ctx *ctx, const struct ckpt_hdr_unix_late *h,
		   const char *name, struct path *path)
{
	const char *last = strrchr(name, '/');
	struct path dir;
	char *parent;
	int err;

	if (h->mode & ~S_IALLUGO)
		return -EINVAL;
	if (!last || !last[1])
		return -ENOENT;
	parent = kasprintf(GFP_KERNEL_ACCOUNT, "%.*s/", (int)(last - name),
			   name);
	if (!parent)
		return -ENOMEM;
	err = ckpt_path_lookup(ctx, h->mnt, parent,
			       LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir);
	kfree(parent);
	if (err)
		return err;
	err = make_in(ctx, &dir, last + 1, h, path);
	path_put(&dir);
	return err;
}

static void remove_node(const struct path *path)
{
	struct dentry *dir = dget_parent(path->dentry);
	struct inode *in = d_inode(dir);

	if (!mnt_want_write(path->mnt)) {
		inode_lock_nested(in, I_MUTEX_PARENT);
		/* unless it was moved or removed since */
		if (path->dentry->d_parent == dir && !d_unhashed(path->dentry))
			vfs_unlink(mnt_idmap(path->mnt), in, path->dentry,
				   NULL);
		inode_unlock(in);
		mnt_drop_write(path->mnt);
	}
	dput(dir);
}

/**
 * ckpt_nodes_free - end what a context has to do with names of sockets
 * @ctx: the context
 * @keep: leave those that were made
 *
 * Context: the caller of restart, may sleep.
 */
void ckpt_nodes_free(struct ckpt_ctx *ctx, bool keep)
{
	struct made_node *n, *next;

	list_for_each_entry_safe(n, next, &ctx->nodes, list) {
		list_del(&n->list);
		if (!keep)
			remove_node(&n->path);
		path_put(&n->path);
		kfree(n);
	}
}
