// SPDX-License-Identifier: GPL-2.0
/*
 * Paths as the image has them: from the root of their mount namespace.
 *
 * Of the caller's namespace that is the caller's root directory, of a copy of
 * that namespace the copy of it. So the same path leads to the same file in
 * either of them.
 */

#include <linux/fs_struct.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/string.h>

#include "checkpoint.h"
#include "mount.h"

/*
 * File systems that show the state of the kernel, not that of a disk or of
 * memory: an open file of theirs is more than its path and position.
 */
static const char *const ckpt_pseudo_fs[] = {
	"anon_inodefs", "apparmorfs", "bdev", "binder", "binfmt_misc", "bpf",
	"cgroup", "cgroup2", "configfs", "dax", "debugfs", "devpts", "dmabuf",
	"drm", "efivarfs", "functionfs", "fusectl", "gadgetfs", "mqueue",
	"nfsd", "nsfs", "pidfs", "pipefs", "proc", "pstore", "resctrl",
	"rpc_pipefs", "secretmem", "securityfs", "selinuxfs", "smackfs",
	"sockfs", "sysfs", "tracefs", "xenfs",
};

/**
 * ckpt_fs_refused - is a path on this file system not enough to save a file?
 * @sb: the file system
 *
 * Return: true if it shows the state of the kernel, as proc does.
 */
bool ckpt_fs_refused(const struct super_block *sb)
{
	return match_string(ckpt_pseudo_fs, ARRAY_SIZE(ckpt_pseudo_fs),
			    sb->s_type->name) >= 0;
}

static struct mnt_namespace *caller_mnt_ns(struct ckpt_ctx *ctx)
{
	return ctx->caller_ns->mnt_ns;
}

/* The child of @parent that is a copy of @mnt */
static struct mount *child_copy(struct mount *parent, const struct mount *mnt)
{
	struct mount *m;

	list_for_each_entry(m, &parent->mnt_mounts, mnt_child) {
		if (m->mnt_mountpoint == mnt->mnt_mountpoint &&
		    m->mnt.mnt_root == mnt->mnt.mnt_root &&
		    m->mnt.mnt_sb == mnt->mnt.mnt_sb)
			return m;
	}
	return NULL;
}

/*
 * The mount in @ns that is what the caller's root directory is on in the
 * caller's namespace, found along the mounts above it.
 */
static struct mount *root_mount_copy(struct ckpt_ctx *ctx,
				     struct mnt_namespace *ns)
{
	struct mount *mnt = real_mount(ctx->root.mnt);
	struct mount *m, *copy = ns->root;
	int i, depth = 0;

	for (m = mnt; mnt_has_parent(m); m = m->mnt_parent)
		depth++;
	if (m != caller_mnt_ns(ctx)->root ||
	    m->mnt.mnt_root != copy->mnt.mnt_root)
		return NULL;

	while (copy && depth--) {
		for (m = mnt, i = 0; i < depth; i++)
			m = m->mnt_parent;
		copy = child_copy(copy, m);
	}
	return copy;
}

/**
 * ckpt_mnt_base - where the paths of a mount namespace start
 * @ctx: the context
 * @ns: the caller's namespace, or a copy of it
 * @base: that place, referenced
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOENT if there is none in @ns.
 */
int ckpt_mnt_base(struct ckpt_ctx *ctx, struct mnt_namespace *ns,
		  struct path *base)
{
	struct mount *mnt;

	*base = ctx->root;
	if (ns != caller_mnt_ns(ctx)) {
		read_seqlock_excl(&mount_lock);
		mnt = root_mount_copy(ctx, ns);
		base->mnt = mnt ? mntget(&mnt->mnt) : NULL;
		read_sequnlock_excl(&mount_lock);
		if (!mnt)
			return -ENOENT;
		dget(base->dentry);
	} else {
		path_get(base);
	}
	return 0;
}

/* The namespace that a mount is in, if it is the caller's or of the tree */
static struct mnt_namespace *path_mnt_ns(struct ckpt_ctx *ctx,
					 const struct path *path)
{
	struct mnt_namespace *ns = READ_ONCE(real_mount(path->mnt)->mnt_ns);

	if (IS_ERR_OR_NULL(ns))
		return NULL;
	/* not followed before it is known to be pinned */
	if (ns == caller_mnt_ns(ctx) ||
	    ckpt_obj_collected(ctx, ns, CKPT_OBJ_MNT_NS))
		return ns;
	return NULL;
}

/**
 * ckpt_path_mnt - the mount namespace that a path is in
 * @ctx: the context of a checkpoint
 * @path: the path
 *
 * Context: process context, may sleep.
 * Return: its objref, 0 for that of the caller, -ENOENT if it is in none that
 * is known, or the errno of writing it.
 */
int ckpt_path_mnt(struct ckpt_ctx *ctx, const struct path *path)
{
	struct mnt_namespace *ns = path_mnt_ns(ctx, path);

	if (!ns)
		return -ENOENT;
	if (ns == caller_mnt_ns(ctx))
		return 0;
	return ckpt_obj_checkpoint(ctx, ns, CKPT_OBJ_MNT_NS);
}

static char *path_name(struct ckpt_ctx *ctx, const struct path *path,
		       struct path *base, char *buf, int size)
{
	struct mnt_namespace *ns = path_mnt_ns(ctx, path);
	char *name;
	int err;

	if (!ns || d_unlinked(path->dentry))
		return ERR_PTR(-ENOENT);
	err = ckpt_mnt_base(ctx, ns, base);
	if (err)
		return ERR_PTR(err);
	name = __d_path(path, base, buf, size);
	if (!name)
		name = ERR_PTR(-ENOENT);
	if (IS_ERR(name))
		path_put(base);
	return name;
}

/**
 * ckpt_path_name - the name of a path, from the root of its mount namespace
 * @ctx: the context of a checkpoint
 * @path: the path
 * @buf: room for the name
 * @size: of @buf, in bytes
 *
 * Context: process context, may sleep.
 * Return: the name, somewhere in @buf; ERR_PTR(-ENOENT) if the path was
 * removed or cannot be reached, ERR_PTR(-ENAMETOOLONG).
 */
char *ckpt_path_name(struct ckpt_ctx *ctx, const struct path *path,
		     char *buf, int size)
{
	struct path base;
	char *name = path_name(ctx, path, &base, buf, size);

	if (!IS_ERR(name))
		path_put(&base);
	return name;
}

static bool same_file(const struct path *a, const struct path *b)
{
	struct kstat sa, sb;

	if (d_inode(a->dentry) == d_inode(b->dentry))
		return true;
	/* some network file systems make a new inode at each lookup */
	if (a->dentry->d_sb != b->dentry->d_sb ||
	    vfs_getattr(a, &sa, STATX_INO, AT_STATX_DONT_SYNC) ||
	    vfs_getattr(b, &sb, STATX_INO, AT_STATX_DONT_SYNC))
		return false;
	return sa.ino == sb.ino && sa.dev == sb.dev;
}

/**
 * ckpt_path_verify - does the name of a path lead to it?
 * @ctx: the context of a checkpoint
 * @path: the path
 * @buf: room for the name
 * @size: of @buf, in bytes
 *
 * It does not if something was mounted over it since.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOENT if it was removed or cannot be reached, -ESTALE if its
 * name leads elsewhere, -ENAMETOOLONG, or the errno of the lookup.
 */
int ckpt_path_verify(struct ckpt_ctx *ctx, const struct path *path, char *buf,
		     int size)
{
	struct path base, found;
	char *name = path_name(ctx, path, &base, buf, size);
	int err;

	if (IS_ERR(name))
		return PTR_ERR(name);
	err = vfs_path_lookup(base.dentry, base.mnt, name, 0, &found);
	path_put(&base);
	if (err)
		return err == -ENOENT ? -ESTALE : err;
	if (!same_file(path, &found))
		err = -ESTALE;
	path_put(&found);
	return err;
}

/**
 * ckpt_path_lookup - find a path of the image
 * @ctx: the context of a restart
 * @mnt: objref of the mount namespace that it is in, or 0
 * @name: as ckpt_path_name() gave it
 * @lookup_flags: LOOKUP_*
 * @path: where it leads, referenced
 *
 * Context: the restoring task, may sleep.
 * Return: 0, -EINVAL for a wrong objref, or the errno of the lookup.
 */
int ckpt_path_lookup(struct ckpt_ctx *ctx, u32 mnt, const char *name,
		     unsigned int lookup_flags, struct path *path)
{
	struct mnt_namespace *ns = caller_mnt_ns(ctx);
	struct path base;
	int err;

	if (mnt) {
		ns = ckpt_obj_fetch(ctx, mnt, CKPT_OBJ_MNT_NS);
		if (IS_ERR(ns))
			return PTR_ERR(ns);
	}
	err = ckpt_mnt_base(ctx, ns, &base);
	if (err)
		return err;
	err = vfs_path_lookup(base.dentry, base.mnt, name, lookup_flags, path);
	path_put(&base);
	return err;
}
