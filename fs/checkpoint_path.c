// SPDX-License-Identifier: GPL-2.0
/*
 * Paths as the image has them: a mount of the image, by its number, and a path
 * within that mount. What is mounted on it does not matter: so a file is found
 * again that was opened before something covered it.
 *
 * In the mount namespace of the caller, which has the number 0, the path is one
 * from the caller's root directory. So it is, with CHECKPOINT_SUBTREE, in one
 * that others use, too: from its root.
 */

#include <linux/capability.h>
#include <linux/exportfs.h>
#include <linux/fs_struct.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/stat.h>
#include <linux/string.h>

#include "checkpoint_mnt.h"

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

/* ------------------------------------------------------------- mounts */

/**
 * ckpt_mnt_of - which mount of the image is this?
 * @ctx: the context of a checkpoint
 * @mnt: a mount
 *
 * Return: its entry, or NULL if it is none.
 */
struct ckpt_mnt *ckpt_mnt_of(struct ckpt_ctx *ctx, const struct vfsmount *mnt)
{
	const struct mount *m = container_of(mnt, struct mount, mnt);
	struct ckpt_mnt *e;

	if (!ctx->mnts)
		return NULL;
	e = xa_load(&ctx->mnts->numbers, m->mnt_id);
	return e && e->mnt == mnt ? e : NULL;
}

/**
 * ckpt_mnt_fetch - the mount that a number of the image names
 * @ctx: the context
 * @number: the number, not checked yet
 *
 * Return: its entry, or ERR_PTR(-EINVAL), reported.
 */
struct ckpt_mnt *ckpt_mnt_fetch(struct ckpt_ctx *ctx, u32 number)
{
	struct ckpt_mnt *e = NULL;

	if (ctx->mnts)
		e = xa_load(&ctx->mnts->mnts, number);
	if (!e)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: there is no mount %u",
					number));
	return e;
}

/**
 * ckpt_mnt_name - what to put before a path of the image in a message
 * @ctx: the context of a restart
 * @number: number of the mount that the path is in, or 0
 *
 * Return: the mount point, "" where the path says it all.
 */
const char *ckpt_mnt_name(struct ckpt_ctx *ctx, u32 number)
{
	struct ckpt_mnt *e = NULL;

	if (ctx->mnts)
		e = xa_load(&ctx->mnts->mnts, number);
	return e && e->name && strcmp(e->name, "/") ? e->name : "";
}

/* The mount alone, as if nothing were mounted on it */
static int bare(struct ckpt_mnt *e)
{
	struct path root = { .mnt = e->mnt, .dentry = e->mnt->mnt_root };
	struct vfsmount *mnt;

	if (e->bare)
		return 0;
	mnt = mnt_clone_internal(&root);
	if (IS_ERR(mnt))
		return PTR_ERR(mnt);
	e->bare = mnt;
	return 0;
}

static int lookup_within(struct ckpt_mnt *e, const char *name,
			 unsigned int flags, struct path *path)
{
	int err = bare(e);

	/* a file that is mounted by itself is all that is there */
	if (!err && !d_is_dir(e->bare->mnt_root)) {
		if (strcmp(name, "/") || (flags & LOOKUP_DIRECTORY))
			return -ENOTDIR;
		path->mnt = mntget(e->mnt);
		path->dentry = dget(e->bare->mnt_root);
		return 0;
	}
	if (!err)
		err = vfs_path_lookup(e->bare->mnt_root, e->bare, name, flags,
				      path);
	if (err)
		return err;
	/* a link of proc may lead anywhere */
	if (path->mnt != e->bare) {
		path_put(path);
		return -EXDEV;
	}
	mntput(path->mnt);
	path->mnt = mntget(e->mnt);
	return 0;
}

/* Is @path below a child of @m that is locked, or that @all are taken for? */
static bool is_below_locked(const struct mount *m, const struct path *path,
			    bool all)
{
	struct mount *child;

	list_for_each_entry(child, &m->mnt_mounts, mnt_child)
		if ((all || (child->mnt.mnt_flags & MNT_LOCKED)) &&
		    is_subdir(path->dentry, child->mnt_mountpoint))
			return true;
	return false;
}

/*
 * What a locked mount covers must not be seen by who cannot unmount it, neither
 * here nor in what the mount was made of.
 */
static bool is_locked_away(const struct ckpt_mnt *e, const struct path *path)
{
	bool all, locked;

	if (capable(CAP_SYS_ADMIN))
		return false;
	all = e->src.mnt && !ckpt_mnt_may_reveal(real_mount(e->src.mnt));
	read_seqlock_excl(&mount_lock);
	locked = is_below_locked(real_mount(e->mnt), path, false) ||
		 (e->src.mnt &&
		  is_below_locked(real_mount(e->src.mnt), path, all));
	read_sequnlock_excl(&mount_lock);
	return locked;
}

/**
 * ckpt_path_below - step from the root of a mount to what it covers
 * @path: a path, referenced
 *
 * Context: process context, may sleep.
 * Return: false, and @path as it was, if it is not the root of a mount that is
 * mounted on something.
 */
bool ckpt_path_below(struct path *path)
{
	struct mount *m = real_mount(path->mnt);
	struct path below = {};

	read_seqlock_excl(&mount_lock);
	if (path->dentry == m->mnt.mnt_root && mnt_has_parent(m)) {
		below.mnt = mntget(&m->mnt_parent->mnt);
		below.dentry = dget(m->mnt_mountpoint);
	}
	read_sequnlock_excl(&mount_lock);
	if (!below.mnt)
		return false;
	path_put(path);
	*path = below;
	return true;
}

/**
 * ckpt_path_locate - how to get from one path to another
 * @base: a root directory
 * @path: the path
 * @buf: room for PATH_MAX bytes
 * @name: where to put the path from @base, somewhere in @buf
 * @under: where to put the number of mounts that cover @path there
 *
 * Context: process context, may sleep.
 * Return: 0; -ESTALE if something that leads to @path is covered, with what
 * would lead there in @name; -ENOENT if nothing would; -ENAMETOOLONG.
 */
int ckpt_path_locate(const struct path *base, const struct path *path,
		     char *buf, char **name, u32 *under)
{
	struct path found;
	char *text;
	bool above;
	int err;

	text = __d_path(path, base, buf, PATH_MAX);
	if (IS_ERR(text))
		return PTR_ERR(text);
	/* the root directory itself may cover it */
	above = !text;
	if (above) {
		strscpy(buf, "/", PATH_MAX);
		text = buf;
	}
	*name = text;
	*under = 0;
	err = vfs_path_lookup(base->dentry, base->mnt, text, 0, &found);
	if (err)
		return above ? -ENOENT : -ESTALE;
	while (!path_equal(&found, path)) {
		if (!ckpt_path_below(&found)) {
			err = above ? -ENOENT : -ESTALE;
			break;
		}
		++*under;
	}
	path_put(&found);
	return err;
}

/* -------------------------------------------------------------- paths */

/**
 * ckpt_mnt_ns_outside - is a mount namespace not of the tree?
 * @ctx: the context of a checkpoint
 * @ns: the namespace
 *
 * Context: the collect pass is over, or else all but the caller's is of the
 * tree.
 * Return: true if it is the caller's, or with CHECKPOINT_SUBTREE one that
 * others use, too, and whose place that of whoever restarts will take.
 */
bool ckpt_mnt_ns_outside(struct ckpt_ctx *ctx, struct mnt_namespace *ns)
{
	return ns == ctx->caller_ns->mnt_ns ||
	       (ns && ckpt_obj_left_out(ctx, ns, CKPT_OBJ_MNT_NS));
}

/**
 * ckpt_mnt_ns_top - the root directory of a mount namespace
 * @ns: the namespace
 * @top: where to put it, referenced: what covers the first mount, if anything
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the lookup.
 */
int ckpt_mnt_ns_top(struct mnt_namespace *ns, struct path *top)
{
	struct vfsmount *root = &ns->root->mnt;

	return vfs_path_lookup(root->mnt_root, root, "/", LOOKUP_DOWN, top);
}

/*
 * What the name of a path in the image begins at. Returns 1 if that is the root
 * of a namespace, which is not saved, 0 if it is the root of a mount.
 */
static int find_base(struct ckpt_ctx *ctx, const struct path *path,
		     struct path *base)
{
	struct mnt_namespace *ns = READ_ONCE(real_mount(path->mnt)->mnt_ns);
	int err;

	if (ns == ctx->caller_ns->mnt_ns) {
		*base = ctx->root;
		path_get(base);
		return 1;
	}
	if (!ckpt_mnt_of(ctx, path->mnt))
		return -ENOENT;
	if (ckpt_mnt_ns_outside(ctx, ns)) {
		err = ckpt_mnt_ns_top(ns, base);
		return err ?: 1;
	}
	base->mnt = path->mnt;
	base->dentry = path->mnt->mnt_root;
	path_get(base);
	return 0;
}

/**
 * ckpt_path_collect - count the use of a path
 * @ctx: the context
 * @path: the path of an open file, or a root or working directory
 *
 * A mount that is in no namespace any more lives by its users. One that others
 * are still mounted on, or that is still on another, is left alone: its paths
 * are refused later.
 *
 * Context: process context, may sleep; the user of the path is parked.
 * Return: 0 or a negative errno.
 */
int ckpt_path_collect(struct ckpt_ctx *ctx, const struct path *path)
{
	struct mount *m = real_mount(path->mnt);
	bool alone;

	read_seqlock_excl(&mount_lock);
	alone = !m->mnt_ns && (m->mnt.mnt_flags & MNT_UMOUNT) &&
		!mnt_has_parent(m) && list_empty(&m->mnt_mounts);
	read_sequnlock_excl(&mount_lock);
	return alone ? ckpt_obj_collect(ctx, path->mnt, CKPT_OBJ_MNT) : 0;
}

/**
 * ckpt_path_mnt - the mount that a path is in, as the image has it
 * @ctx: the context of a checkpoint
 * @path: the path
 *
 * The mount is written unless that was done before.
 *
 * Context: process context, may sleep.
 * Return: its number, 0 if it is in a namespace that is not of the tree,
 * -ENOENT if it is in none that is known, or the errno of writing it.
 */
int ckpt_path_mnt(struct ckpt_ctx *ctx, const struct path *path)
{
	struct mnt_namespace *ns = READ_ONCE(real_mount(path->mnt)->mnt_ns);
	struct ckpt_mnt *e = ckpt_mnt_of(ctx, path->mnt);
	int ret;

	if (ckpt_mnt_ns_outside(ctx, ns))
		return 0;
	if (!e || e->ns != ns)
		return -ENOENT;
	ret = ns ? ckpt_mnt_ns_checkpoint(ctx, ns) :
		   ckpt_obj_checkpoint(ctx, path->mnt, CKPT_OBJ_MNT);
	return ret < 0 ? ret : e->number;
}

/**
 * ckpt_path_name - the name of a path within its mount
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
	char *name;
	int err;

	if (d_unlinked(path->dentry))
		return ERR_PTR(-ENOENT);
	err = find_base(ctx, path, &base);
	if (err < 0)
		return ERR_PTR(err);
	name = __d_path(path, &base, buf, size);
	path_put(&base);
	return name ?: ERR_PTR(-ENOENT);
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
 * In a namespace that is not of the tree it does not if something was mounted
 * over it since.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOENT if it was removed or cannot be reached, -ESTALE if its
 * name leads elsewhere, -ENAMETOOLONG, or the errno of the lookup.
 */
int ckpt_path_verify(struct ckpt_ctx *ctx, const struct path *path, char *buf,
		     int size)
{
	struct path base, found;
	char *name;
	int err;

	name = ckpt_path_name(ctx, path, buf, size);
	if (IS_ERR(name))
		return PTR_ERR(name);
	err = find_base(ctx, path, &base);
	if (err < 0)
		return err;
	if (err)
		err = vfs_path_lookup(base.dentry, base.mnt, name, 0, &found);
	else
		err = lookup_within(ckpt_mnt_of(ctx, path->mnt), name, 0,
				    &found);
	path_put(&base);
	if (err)
		return err == -ENOENT ? -ESTALE : err;
	if (!same_file(path, &found))
		err = -ESTALE;
	path_put(&found);
	return err;
}

/* The mount number @skip, counted from 0, of those that have @dentry in them */
static struct vfsmount *mount_of(struct ckpt_ctx *ctx, struct super_block *sb,
				 struct dentry *dentry, bool tree,
				 unsigned int skip)
{
	struct vfsmount *found = NULL;
	struct mount *m;
	bool ok;

	read_seqlock_excl(&mount_lock);
	list_for_each_entry(m, &sb->s_mounts, mnt_instance) {
		if (tree)
			ok = ckpt_mnt_of(ctx, &m->mnt);
		else
			ok = m->mnt_ns == ctx->caller_ns->mnt_ns;
		if (ok && dentry)
			ok = is_subdir(dentry, m->mnt.mnt_root);
		if (ok && !skip--) {
			found = mntget(&m->mnt);
			break;
		}
	}
	read_sequnlock_excl(&mount_lock);
	return found;
}

/*
 * A mount that has @dentry in it, or any if that is NULL, and a path in it that
 * can be found again: @dentry, or its root
 */
static int find_mount(struct ckpt_ctx *ctx, struct super_block *sb,
		      struct dentry *dentry, struct path *path, char *buf)
{
	unsigned int skip;
	int tree;

	for (tree = 1; tree >= 0; tree--) {
		for (skip = 0; ; skip++) {
			path->mnt = mount_of(ctx, sb, dentry, tree, skip);
			if (!path->mnt)
				break;
			path->dentry = dget(dentry ?: path->mnt->mnt_root);
			if (!ckpt_path_verify(ctx, path, buf, PATH_MAX))
				return 0;
			path_put(path);
		}
	}
	return -ENOENT;
}

/**
 * ckpt_inode_path - a path that leads to an inode
 * @ctx: the context of a checkpoint; the collect pass is over
 * @inode: the inode
 * @path: where to put it, referenced; where the kernel knows no name of the
 *	inode, the root of a mount that it is below, as far as can be told
 * @buf: room for PATH_MAX bytes
 *
 * A mount of the tree is better than one of the caller's.
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOENT if it cannot be reached.
 */
int ckpt_inode_path(struct ckpt_ctx *ctx, struct inode *inode,
		    struct path *path, char *buf)
{
	struct dentry *dentry = d_find_alias(inode);
	int err;

	/* a file system may know inodes that it has not looked up by name */
	if (dentry && (dentry->d_flags & DCACHE_DISCONNECTED)) {
		dput(dentry);
		dentry = NULL;
	}
	err = find_mount(ctx, inode->i_sb, dentry, path, buf);
	dput(dentry);
	return err;
}

/**
 * ckpt_sb_path - a path that leads to a file system
 * @ctx: the context of a checkpoint; the collect pass is over
 * @sb: the file system
 * @path: where to put it, referenced: the root of a mount
 * @buf: room for PATH_MAX bytes
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOENT if it cannot be reached.
 */
int ckpt_sb_path(struct ckpt_ctx *ctx, struct super_block *sb,
		 struct path *path, char *buf)
{
	return find_mount(ctx, sb, NULL, path, buf);
}

/**
 * ckpt_inode_find - how to find again an inode that is watched
 * @ctx: the context of a checkpoint; the collect pass is over
 * @inode: the inode
 * @who: what watches it, for messages
 * @path: where to put a path, referenced
 * @buf: room for PATH_MAX bytes
 * @handle: where to put what leads from there to the inode, if the path does
 *	not: its @len is 0 if it does
 *
 * Something removed is in @handle if an open file or a working directory of it
 * is in the image: those of the tree are when all tasks are.
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOSYS, reported.
 */
int ckpt_inode_find(struct ckpt_ctx *ctx, struct inode *inode, const char *who,
		    struct path *path, char *buf, struct ckpt_handle *handle)
{
	int len = sizeof(handle->data) / sizeof(u32), type, err;

	memset(handle, 0, sizeof(*handle));
	if (!inode->i_nlink) {
		if (ckpt_removed_find(ctx, inode, path, &handle->removed))
			return 0;
		return ckpt_err(ctx, -ENOSYS, "%s: what it watches was removed: not supported",
				who);
	}
	err = ckpt_inode_path(ctx, inode, path, buf);
	if (err)
		return ckpt_err(ctx, err == -ENOENT ? -ENOSYS : err,
				"%s (%s): what it watches cannot be reached: not supported",
				who, inode->i_sb->s_type->name);
	if (d_inode(path->dentry) == inode)
		return 0;
	type = FILEID_INVALID;
	if (exportfs_can_decode_fh(inode->i_sb->s_export_op))
		type = exportfs_encode_inode_fh(inode,
						(struct fid *)handle->data,
						&len, NULL, 0);
	if (type < 0 || type == FILEID_INVALID) {
		path_put(path);
		return ckpt_err(ctx, -ENOSYS, "%s (%s): what it watches has no path: not supported",
				who, inode->i_sb->s_type->name);
	}
	handle->type = type;
	handle->len = len * sizeof(u32);
	return 0;
}

static int any_dentry(void *context, struct dentry *dentry)
{
	return 1;
}

/**
 * ckpt_inode_step - go from a path to what a handle means
 * @ctx: the context of a restart
 * @handle: the handle, not checked yet
 * @who: what watches it, for messages
 * @path: the path, referenced: as open_by_handle_at(2) in its mount
 *
 * Context: process context, may sleep.
 * Return: 0, also if the handle is empty; -EINVAL, -EPERM, reported; -ESTALE.
 */
int ckpt_inode_step(struct ckpt_ctx *ctx, struct ckpt_handle *handle,
		    const char *who, struct path *path)
{
	const struct export_operations *ops = path->mnt->mnt_sb->s_export_op;
	struct dentry *dentry;

	if (handle->len > sizeof(handle->data) || handle->len % sizeof(u32) ||
	    !handle->len != !handle->type || handle->type >= FILEID_INVALID ||
	    (handle->len && handle->removed) || handle->reserved)
		return ckpt_err(ctx, -EINVAL, "image: %s: handle of type %u, %u bytes",
				who, handle->type, handle->len);
	if (handle->removed)
		return ckpt_removed_step(ctx, handle->removed, path);
	if (!handle->len)
		return 0;
	if (!capable(CAP_DAC_READ_SEARCH))
		return ckpt_err(ctx, -EPERM, "%s: CAP_DAC_READ_SEARCH is needed to find what it watches",
				who);
	if (!exportfs_can_decode_fh(ops))
		return -ESTALE;
	dentry = exportfs_decode_fh(path->mnt, (struct fid *)handle->data,
				    handle->len / sizeof(u32), handle->type,
				    any_dentry, NULL);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	dput(path->dentry);
	path->dentry = dentry;
	return 0;
}

/* As lookup_within(), where the caller's namespace took the place of all */
static int lookup_joined(struct ckpt_ctx *ctx, const struct ckpt_mnt *e,
			 const char *name, unsigned int flags,
			 struct path *path)
{
	char *full = kasprintf(GFP_KERNEL_ACCOUNT, "%s%s", e->name, name);
	int err;

	if (!full)
		return -ENOMEM;
	err = vfs_path_lookup(ctx->root.dentry, ctx->root.mnt, full, flags,
			      path);
	kfree(full);
	return err;
}

/**
 * ckpt_path_lookup - find a path of the image
 * @ctx: the context of a restart
 * @mnt: number of the mount that it is in, or 0
 * @name: as ckpt_path_name() gave it
 * @lookup_flags: LOOKUP_*
 * @path: where it leads, referenced
 *
 * Context: the restoring task, may sleep.
 * Return: 0, -EINVAL for a number that is not known, -EPERM for what a mount
 * covers that the caller may not unmount, or the errno of the lookup.
 */
int ckpt_path_lookup(struct ckpt_ctx *ctx, u32 mnt, const char *name,
		     unsigned int lookup_flags, struct path *path)
{
	struct ckpt_mnt *e;
	int err;

	if (!mnt)
		return vfs_path_lookup(ctx->root.dentry, ctx->root.mnt, name,
				       lookup_flags, path);
	e = ckpt_mnt_fetch(ctx, mnt);
	if (IS_ERR(e))
		return PTR_ERR(e);
	if (!e->mnt)
		return lookup_joined(ctx, e, name, lookup_flags, path);
	err = lookup_within(e, name, lookup_flags, path);
	if (!err && is_locked_away(e, path)) {
		path_put(path);
		err = -EPERM;
	}
	return err;
}
