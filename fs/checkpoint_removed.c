// SPDX-License-Identifier: GPL-2.0
/*
 * Files and directories that were removed, and are still open, mapped, or a
 * working directory.
 *
 * The object is the inode. What is in a file is in the image, unless the file
 * has another name: then it is found by that. At restart an inode is made that
 * has no name, in the directory where it was, or in the nearest one above that
 * there still is. Each of its files gets a dentry that leads to it and is in
 * no directory, with the name that it had: so /proc shows what it showed.
 */

#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/posix_acl_xattr.h>
#include <linux/random.h>
#include <linux/shmem_fs.h>
#include <linux/xattr.h>

#include "checkpoint.h"
#include "mount.h"

/* A bit of ckpt_obj_mark() */
#define CKPT_REMOVED_MARK_WRITTEN	0x1

/* Tries to find a name that nobody has */
#define CKPT_HIDDEN_TRIES	16

/**
 * struct ckpt_removed - an inode without a name
 * @inode: checkpoint: the inode, which whoever uses it holds
 * @path: checkpoint: how it was met, held likewise; restart: a dentry of it,
 *	or of the name that it has elsewhere, and the mount, referenced
 * @made: restart: it was made here, and not found by a name. That it has no
 *	name does not tell: who may remove the name may not open the file
 * @named: restart: what was made here has the name of an open file in @path
 */
struct ckpt_removed {
	struct inode *inode;
	struct path path;
	bool made;
	bool named;
};

/**
 * ckpt_path_removed - does a path lead to something that was removed?
 * @path: the path of an open file, or a working directory
 *
 * Return: true if it is a file or directory without its name, on a file system
 * that keeps what is in it.
 */
bool ckpt_path_removed(const struct path *path)
{
	const struct inode *inode = d_backing_inode(path->dentry);

	if (!d_unlinked(path->dentry) || path->dentry == path->mnt->mnt_root ||
	    ckpt_fs_refused(path->dentry->d_sb) ||
	    (path->dentry->d_sb->s_flags & SB_KERNMOUNT) ||
	    READ_ONCE(real_mount(path->mnt)->mnt_ns) == MNT_NS_INTERNAL)
		return false;
	return !S_ISDIR(inode->i_mode) || IS_DEADDIR(inode);
}

/**
 * ckpt_removed_match - is this an open file that was removed?
 * @file: the file
 *
 * Return: true if it is, and is nothing but its content, if it has any.
 */
bool ckpt_removed_match(struct file *file)
{
	umode_t mode = file_inode(file)->i_mode;

	return ckpt_path_removed(file_user_path(file)) &&
	       (S_ISREG(mode) || S_ISDIR(mode) || (file->f_mode & FMODE_PATH));
}

/* What is reached through @mnt: may it be through @found in the same ways? */
static bool allows_no_more(const struct inode *inode,
			   const struct vfsmount *mnt,
			   const struct vfsmount *found)
{
	int denied = MNT_READONLY | MNT_NOSUID | MNT_NOEXEC;

	if (S_ISCHR(inode->i_mode) || S_ISBLK(inode->i_mode))
		denied |= MNT_NODEV;
	return !(found->mnt_flags & ~mnt->mnt_flags & denied) &&
	       mnt_idmap(found) == mnt_idmap(mnt);
}

/* ---------------------------------------------------------- checkpoint */

static struct ckpt_removed *find_removed(struct ckpt_ctx *ctx,
					 const struct inode *inode)
{
	return xa_load(&ctx->removed, (unsigned long)inode);
}

static int collect_one(struct ckpt_ctx *ctx, const struct path *path)
{
	struct inode *inode = d_backing_inode(path->dentry);
	struct ckpt_removed *r = find_removed(ctx, inode);
	int err;

	if (!r) {
		r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
		if (!r)
			return -ENOMEM;
		r->inode = inode;
		r->path = *path;
		err = xa_insert(&ctx->removed, (unsigned long)inode, r,
				GFP_KERNEL_ACCOUNT);
		if (err) {
			kfree(r);
			return err;
		}
	} else if (!S_ISDIR(inode->i_mode) &&
		   !allows_no_more(inode, path->mnt, r->path.mnt)) {
		/* it is found, or made, where that is allowed */
		r->path = *path;
	}
	return ckpt_obj_collect(ctx, r, CKPT_OBJ_REMOVED);
}

/**
 * ckpt_removed_collect - count the use of something that was removed
 * @ctx: the context
 * @path: its path; it and its parents stay while the context has its user
 *
 * Context: process context, may sleep; the user is parked.
 * Return: 0 or -ENOMEM.
 */
int ckpt_removed_collect(struct ckpt_ctx *ctx, const struct path *path)
{
	struct path p = *path;
	bool known;
	int err;

	do {
		/* what is above a directory was met with it */
		known = d_is_dir(p.dentry) &&
			find_removed(ctx, d_backing_inode(p.dentry));
		err = collect_one(ctx, &p);
		p.dentry = p.dentry->d_parent;
	} while (!err && !known && ckpt_path_removed(&p));
	return err;
}

/**
 * ckpt_removed_free - forget what was met by ckpt_removed_collect()
 * @ctx: the context
 *
 * Context: process context, may sleep.
 */
void ckpt_removed_free(struct ckpt_ctx *ctx)
{
	struct ckpt_removed *r;
	unsigned long i;

	xa_for_each(&ctx->removed, i, r)
		kfree(r);
	xa_destroy(&ctx->removed);
}

/* The nearest directory above that was not removed; held by what is below */
static struct path home_of(const struct path *path)
{
	struct path home = { .mnt = path->mnt,
			     .dentry = path->dentry->d_parent };

	while (ckpt_path_removed(&home))
		home.dentry = home.dentry->d_parent;
	return home;
}

/* Such a name among those that are in the dcache, referenced, or NULL */
static struct dentry *known_name(struct ckpt_ctx *ctx, struct vfsmount *mnt,
				 struct inode *inode, char *buf)
{
	struct dentry *d, *prev = NULL;
	struct path path = { .mnt = mnt };
	struct hlist_node *next;

	for (;;) {
		path.dentry = NULL;
		spin_lock(&inode->i_lock);
		/* in the list for as long as it is a name of the inode */
		if (!prev)
			next = inode->i_dentry.first;
		else if (d_inode(prev) == inode)
			next = prev->d_u.d_alias.next;
		else
			next = NULL;
		d = hlist_entry_safe(next, struct dentry, d_u.d_alias);
		hlist_for_each_entry_from(d, d_u.d_alias) {
			if (!d_unhashed(d)) {
				path.dentry = dget(d);
				break;
			}
		}
		spin_unlock(&inode->i_lock);
		dput(prev);
		cond_resched();
		if (!path.dentry ||
		    (is_subdir(path.dentry, mnt->mnt_root) &&
		     !ckpt_path_verify(ctx, &path, buf, PATH_MAX)))
			return path.dentry;
		prev = path.dentry;
		if (fatal_signal_pending(current)) {
			dput(prev);
			return NULL;
		}
	}
}

/**
 * struct name_search - a search for a name in a directory
 * @ctx: of iterate_dir()
 * @ino: the inode number that it has
 * @name: where to put the name
 */
struct name_search {
	struct dir_context ctx;
	u64 ino;
	char name[NAME_MAX + 1];
};

/* Returns whether to go on. */
static bool compare_name(struct dir_context *ctx, const char *name, int len,
			 loff_t offset, u64 ino, unsigned int type)
{
	struct name_search *s = container_of(ctx, struct name_search, ctx);

	if (ino != s->ino || len > NAME_MAX)
		return true;
	memcpy(s->name, name, len);
	s->name[len] = '\0';
	return false;
}

/* Bring a name that the file has in @dir into the dcache. */
static void search_name(const struct path *dir, const struct path *path)
{
	struct name_search *s;
	struct dentry *found;
	struct file *file;
	struct kstat stat;

	if (vfs_getattr(path, &stat, STATX_INO, AT_STATX_DONT_SYNC))
		return;
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return;
	s->ctx.actor = compare_name;
	s->ino = stat.ino;
	/* it may be the tree that would have to permit it */
	file = dentry_open(dir, O_RDONLY | O_DIRECTORY | O_NOATIME |
			   __FMODE_NONOTIFY, current_cred());
	if (!IS_ERR(file)) {
		iterate_dir(file, &s->ctx);
		__fput_sync(file);
	}
	if (*s->name) {
		found = lookup_one_unlocked(mnt_idmap(dir->mnt), s->name,
					    dir->dentry, strlen(s->name));
		if (!IS_ERR(found))
			dput(found);
	}
	kfree(s);
}

/*
 * Another name of a file, referenced, or NULL. All names of a tmpfs are in the
 * dcache; of another file system those that were used, and one that is in the
 * directory where the file was can be found.
 */
static struct dentry *other_name(struct ckpt_ctx *ctx, const struct path *path,
				 char *buf)
{
	struct inode *inode = d_backing_inode(path->dentry);
	struct path home = home_of(path);
	struct dentry *d = known_name(ctx, path->mnt, inode, buf);

	if (d)
		return d;
	search_name(&home, path);
	return known_name(ctx, path->mnt, inode, buf);
}

/* Would opening it take a lease from its holder, and wait for that? */
static bool has_write_lease(struct inode *inode)
{
	struct file_lock_context *flctx = locks_inode_context(inode);
	struct file_lock_core *flc;
	bool found = false;

	if (!flctx)
		return false;
	spin_lock(&flctx->flc_lock);
	list_for_each_entry(flc, &flctx->flc_lease, flc_list)
		found |= flc->flc_type == F_WRLCK;
	spin_unlock(&flctx->flc_lock);
	return found;
}

/**
 * ckpt_removed_check - refuse something removed that cannot be saved
 * @ctx: the context of a checkpoint
 * @path: its path
 * @who: where it was met, for the message
 * @buf: room for PATH_MAX bytes
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOSYS or -EACCES, reported.
 */
int ckpt_removed_check(struct ckpt_ctx *ctx, const struct path *path,
		       const char *who, char *buf)
{
	struct inode *inode = d_backing_inode(path->dentry);
	struct path home = home_of(path);
	struct ckpt_removed *removed;
	struct dentry *other;
	const char *name;
	int err;

	err = ckpt_path_check(ctx, &home, who, buf);
	if (err || S_ISDIR(inode->i_mode))
		return err;
	if (inode->i_nlink) {
		removed = find_removed(ctx, inode);
		if (removed &&
		    !allows_no_more(inode, path->mnt, removed->path.mnt)) {
			name = d_path(path, buf, PATH_MAX);
			return ckpt_err(ctx, -ENOSYS, "%s: '%s': it was removed, and is open through mounts of which each allows what another does not: not supported",
					who, IS_ERR(name) ? "?" : name);
		}
		other = other_name(ctx, path, buf);
		dput(other);
		if (other)
			return 0;
		name = d_path(path, buf, PATH_MAX);
		return ckpt_err(ctx, -ENOSYS,
				"%s: '%s': it was removed, and the other name that it has cannot be found: not supported",
				who, IS_ERR(name) ? "?" : name);
	}
	if (!S_ISREG(inode->i_mode))
		return 0;
	if (!shmem_mapping(inode->i_mapping) && has_write_lease(inode)) {
		name = d_path(path, buf, PATH_MAX);
		return ckpt_err(ctx, -ENOSYS, "%s: '%s': it was removed, and has a lease for writing: not supported",
				who, IS_ERR(name) ? "?" : name);
	}
	/* it would come back as a file like any other there */
	if (IS_VERITY(inode) ||
	    (IS_ENCRYPTED(inode) && !IS_ENCRYPTED(d_inode(home.dentry)))) {
		name = d_path(path, buf, PATH_MAX);
		return ckpt_err(ctx, -ENOSYS, "%s: '%s': it was removed, and is %s: not supported",
				who, IS_ERR(name) ? "?" : name,
				IS_VERITY(inode) ? "sealed by fs-verity" :
				"encrypted, in a directory that is not");
	}
	err = inode_permission(mnt_idmap(path->mnt), inode, MAY_READ);
	if (err) {
		name = d_path(path, buf, PATH_MAX);
		return ckpt_err(ctx, err, "%s: '%s': it was removed, and the caller may not read it",
				who, IS_ERR(name) ? "?" : name);
	}
	return 0;
}

/* Those above first: so objects do not nest as deep as directories do. */
static int write_removed(struct ckpt_ctx *ctx, const struct path *path)
{
	struct ckpt_removed *r;
	struct path p;
	int ret;

	do {
		p = *path;
		for (;;) {
			struct path above = { .mnt = p.mnt,
					      .dentry = p.dentry->d_parent };

			if (!ckpt_path_removed(&above))
				break;
			r = find_removed(ctx, d_backing_inode(above.dentry));
			if (r && (ckpt_obj_mark(ctx, r, CKPT_OBJ_REMOVED, 0) &
				  CKPT_REMOVED_MARK_WRITTEN))
				break;
			p = above;
		}
		r = find_removed(ctx, d_backing_inode(p.dentry));
		ret = ckpt_obj_checkpoint(ctx, r, CKPT_OBJ_REMOVED);
	} while (ret > 0 && p.dentry != path->dentry);
	return ret;
}

/* The directory that @path was in: its objref if that was removed, too */
static int parent_ref(struct ckpt_ctx *ctx, const struct path *path)
{
	struct path above = { .mnt = path->mnt,
			      .dentry = path->dentry->d_parent };

	return ckpt_path_removed(&above) ? write_removed(ctx, &above) : 0;
}

/**
 * ckpt_removed_checkpoint - write something that was removed
 * @ctx: the context of a checkpoint
 * @path: its path
 * @parent: where to put the objref of the directory that it was in, if that
 *	was removed, too, else 0
 *
 * Context: process context, may sleep.
 * Return: its objref, or a negative errno, reported.
 */
int ckpt_removed_checkpoint(struct ckpt_ctx *ctx, const struct path *path,
			    u32 *parent)
{
	int ret;

	if (!find_removed(ctx, d_backing_inode(path->dentry)))
		return ckpt_err(ctx, -EBUSY, "'%pd' was removed meanwhile, try again",
				path->dentry);
	ret = parent_ref(ctx, path);
	if (ret < 0)
		return ret;
	*parent = ret;
	return write_removed(ctx, path);
}

/**
 * ckpt_removed_find - find something that was removed by its inode
 * @ctx: the context of a checkpoint; the collect pass is over
 * @inode: the inode
 * @home: where to put the nearest directory above that there still is,
 *	referenced
 * @objref: where to put its objref, 0 if nothing of it is in the image so far
 *
 * Context: process context, may sleep.
 * Return: false if the collect pass has not met it.
 */
bool ckpt_removed_find(struct ckpt_ctx *ctx, const struct inode *inode,
		       struct path *home, u32 *objref)
{
	struct ckpt_removed *r = find_removed(ctx, inode);

	if (!r)
		return false;
	*home = home_of(&r->path);
	path_get(home);
	*objref = 0;
	if (ckpt_obj_mark(ctx, r, CKPT_OBJ_REMOVED, 0) &
	    CKPT_REMOVED_MARK_WRITTEN)
		/* which does nothing more, then */
		*objref = ckpt_obj_checkpoint(ctx, r, CKPT_OBJ_REMOVED);
	return true;
}

/**
 * ckpt_removed_name - the path that something removed had, in its mount
 * @ctx: the context of a checkpoint
 * @path: its path
 * @buf: room for the name
 * @size: of @buf, in bytes
 *
 * Context: process context, may sleep.
 * Return: the name: that of the directory, which is the nearest one above that
 * was not removed, and what it was called itself; or ERR_PTR.
 */
char *ckpt_removed_name(struct ckpt_ctx *ctx, const struct path *path,
			char *buf, int size)
{
	struct path home = home_of(path);
	struct name_snapshot name;
	char *dir;
	int len;

	take_dentry_name_snapshot(&name, path->dentry);
	len = name.name.len;
	memmove(buf + size - len - 1, name.name.name, len + 1);
	release_dentry_name_snapshot(&name);
	size -= len + 1;
	dir = ckpt_path_name(ctx, &home, buf, size);
	if (IS_ERR(dir))
		return dir;
	/* its NUL becomes the slash, but for a root, which ends in one */
	if (dir[1]) {
		buf[size - 1] = '/';
		return dir;
	}
	buf[size - 1] = '/';
	return buf + size - 1;
}

static void save_rdev(const struct inode *inode, struct ckpt_hdr_removed *h)
{
	if (S_ISCHR(inode->i_mode) || S_ISBLK(inode->i_mode))
		h->rdev = huge_encode_dev(inode->i_rdev);
}

static int save_attr(struct ckpt_ctx *ctx, const struct path *path,
		     struct ckpt_hdr_removed *h)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;
	struct inode *inode = d_backing_inode(path->dentry);
	struct kstat stat;
	int err;

	err = vfs_getattr(path, &stat, STATX_BASIC_STATS, AT_STATX_SYNC_AS_STAT);
	if (err)
		return ckpt_err(ctx, err, "'%pd': cannot be looked at: error %d",
				path->dentry, err);
	h->mode = stat.mode;
	save_rdev(inode, h);
	h->uid = from_kuid(user_ns, stat.uid);
	h->gid = from_kgid(user_ns, stat.gid);
	if (h->uid == (uid_t)-1 || h->gid == (gid_t)-1)
		return ckpt_err(ctx, -ENOSYS, "'%pd': its owner has no number in the caller's user namespace: not supported",
				path->dentry);
	h->atime = stat.atime.tv_sec;
	h->atime_nsec = stat.atime.tv_nsec;
	h->mtime = stat.mtime.tv_sec;
	h->mtime_nsec = stat.mtime.tv_nsec;
	if (S_ISREG(stat.mode))
		h->size = stat.size;
	if (S_ISREG(stat.mode) && (inode->i_state & I_LINKABLE))
		h->flags |= CKPT_REMOVED_LINKABLE;
	if (S_ISREG(stat.mode) && shmem_mapping(inode->i_mapping))
		h->alloc_end = SHMEM_I(inode)->fallocend;
	return 0;
}

static int write_xattrs(struct ckpt_ctx *ctx, const struct path *path,
			const char *list, ssize_t list_len)
{
	const char *name;
	ssize_t len;
	void *value;
	int err = 0;

	for (name = list; !err && name < list + list_len;
	     name += strlen(name) + 1) {
		value = ckpt_xattr_get(ctx, path->mnt, path->dentry, name,
				       &len);
		if (value == ERR_PTR(-EOVERFLOW))
			return ckpt_err(ctx, -ENOSYS, "'%pd': an id in its access control list has no number in the caller's user namespace: not supported",
					path->dentry);
		if (IS_ERR(value))
			return ckpt_err(ctx, PTR_ERR(value), "'%pd': extended attribute '%s' cannot be read: error %ld",
					path->dentry, name, PTR_ERR(value));
		err = ckpt_xattr_write(ctx, name, value, len);
		kvfree(value);
	}
	return err;
}

static int write_content(struct ckpt_ctx *ctx, const struct path *path,
			 const struct ckpt_hdr_removed *h)
{
	struct inode *inode = d_backing_inode(path->dentry);
	struct file *file;
	int err;

	if (shmem_mapping(inode->i_mapping)) {
		err = ckpt_file_pages_write(ctx, inode);
		if (!err && h->alloc_end)
			err = ckpt_file_alloc_write(ctx, inode);
		return err;
	}
	file = dentry_open(path, O_RDONLY | O_LARGEFILE | O_NOATIME |
			   __FMODE_NONOTIFY, current_cred());
	if (IS_ERR(file))
		return ckpt_err(ctx, PTR_ERR(file), "'%pd': cannot be opened: error %ld",
				path->dentry, PTR_ERR(file));
	err = ckpt_file_data_write(ctx, file);
	__fput_sync(file);
	return err;
}

static int write_home(struct ckpt_ctx *ctx, const struct path *home)
{
	char *buf = __getname(), *name;
	int err;

	if (!buf)
		return -ENOMEM;
	name = ckpt_path_name(ctx, home, buf, PATH_MAX);
	err = IS_ERR(name) ? PTR_ERR(name) : ckpt_write_string(ctx, name);
	if (IS_ERR(name))
		ckpt_err(ctx, err, "'%pd': where it is cannot be told: error %d",
			 home->dentry, err);
	__putname(buf);
	return err;
}

/* A file that has a name elsewhere: found by that, with what is in it */
static int write_linked(struct ckpt_ctx *ctx, const struct path *path,
			struct ckpt_hdr_removed *h)
{
	struct path other = { .mnt = path->mnt };
	char *buf = __getname();
	int err;

	if (!buf)
		return -ENOMEM;
	other.dentry = other_name(ctx, path, buf);
	__putname(buf);
	if (!other.dentry)
		return ckpt_err(ctx, -EBUSY, "'%pd': its other name was removed meanwhile, try again",
				path->dentry);
	h->flags = CKPT_REMOVED_LINKED;
	h->mode = d_backing_inode(path->dentry)->i_mode & S_IFMT;
	save_rdev(d_backing_inode(path->dentry), h);
	err = ckpt_write_rec(ctx, h, CKPT_HDR_REMOVED, sizeof(*h));
	if (!err)
		err = write_home(ctx, &other);
	dput(other.dentry);
	return err;
}

/* Where a symbolic link leads */
static int write_target(struct ckpt_ctx *ctx, const struct path *path)
{
	DEFINE_DELAYED_CALL(done);
	const char *target = vfs_get_link(path->dentry, &done);
	int err;

	if (IS_ERR(target))
		return ckpt_err(ctx, PTR_ERR(target), "'%pd': cannot be followed: error %ld",
				path->dentry, PTR_ERR(target));
	err = ckpt_write_string(ctx, target);
	do_delayed_call(&done);
	return err;
}

static int removed_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct ckpt_removed *r = ptr;
	const struct path *path = &r->path;
	struct path home = home_of(path);
	struct ckpt_hdr_removed h = {};
	struct name_snapshot name;
	ssize_t len;
	char *list;
	int ret;

	ckpt_obj_mark(ctx, r, CKPT_OBJ_REMOVED, CKPT_REMOVED_MARK_WRITTEN);
	ret = ckpt_path_mnt(ctx, &home);
	if (ret < 0)
		return ret;
	h.mnt = ret;
	if (!S_ISDIR(r->inode->i_mode) && r->inode->i_nlink)
		return write_linked(ctx, path, &h);
	if (S_ISDIR(r->inode->i_mode)) {
		ret = parent_ref(ctx, path);
		if (ret < 0)
			return ret;
		h.parent = ret;
	}
	ret = save_attr(ctx, path, &h);
	if (ret)
		return ret;
	list = ckpt_xattr_list(path->dentry, &len, &h.nr_xattrs);
	if (list == ERR_PTR(-EPERM))
		return ckpt_err(ctx, -EPERM, "'%pd': only root may read all its extended attributes",
				path->dentry);
	if (IS_ERR(list))
		return ckpt_err(ctx, PTR_ERR(list), "'%pd': its extended attributes cannot be read: error %ld",
				path->dentry, PTR_ERR(list));
	ret = ckpt_write_rec(ctx, &h, CKPT_HDR_REMOVED, sizeof(h));
	if (!ret)
		ret = write_home(ctx, &home);
	if (!ret && S_ISDIR(h.mode)) {
		take_dentry_name_snapshot(&name, path->dentry);
		ret = ckpt_write_string(ctx, name.name.name);
		release_dentry_name_snapshot(&name);
	}
	if (!ret && S_ISLNK(h.mode))
		ret = write_target(ctx, path);
	if (!ret)
		ret = write_xattrs(ctx, path, list, len);
	kvfree(list);
	if (!ret && S_ISREG(h.mode))
		ret = write_content(ctx, path, &h);
	return ret;
}

/* ------------------------------------------------------------- restart */

static void removed_drop(void *ptr)
{
	struct ckpt_removed *r = ptr;

	path_put(&r->path);
	kfree(r);
}

/*
 * A dentry of @inode that is in no directory, but says that it was in @parent.
 * An overlay keeps flags there, other file systems have nothing to find.
 */
static struct dentry *unnamed(struct dentry *parent, const char *name,
			      struct inode *inode, void *fsdata)
{
	struct qstr q = QSTR_INIT(name, strlen(name));
	struct dentry *dentry = d_alloc(parent, &q);

	if (!dentry)
		return ERR_PTR(-ENOMEM);
	if (inode->i_sb->s_magic == OVERLAYFS_SUPER_MAGIC)
		dentry->d_fsdata = fsdata;
	ihold(inode);
	d_instantiate(dentry, inode);
	return dentry;
}

/* A name in @home that is not there yet: the dentry, and @home is locked */
static struct dentry *hidden_name(const struct path *home)
{
	struct dentry *d;
	char name[32];
	int i;

	inode_lock_nested(d_inode(home->dentry), I_MUTEX_PARENT);
	for (i = 0; i < CKPT_HIDDEN_TRIES; i++) {
		scnprintf(name, sizeof(name), ".restart.%016llx",
			  get_random_u64());
		d = lookup_one(mnt_idmap(home->mnt), name, home->dentry,
			       strlen(name));
		if (IS_ERR(d) || d_is_negative(d))
			break;
		dput(d);
		d = ERR_PTR(-EEXIST);
	}
	if (IS_ERR(d))
		inode_unlock(d_inode(home->dentry));
	return d;
}

/* @text: where a symbolic link leads */
static int make_node(const struct path *home, struct dentry *d,
		     const struct ckpt_hdr_removed *h, const char *text)
{
	struct mnt_idmap *idmap = mnt_idmap(home->mnt);
	struct inode *in = d_inode(home->dentry);

	switch (h->mode & S_IFMT) {
	case S_IFDIR:
		return vfs_mkdir(idmap, in, d, 0700);
	case S_IFREG:
		return vfs_create(idmap, in, d, S_IFREG | 0600, true);
	case S_IFLNK:
		return vfs_symlink(idmap, in, d, text);
	default:
		return vfs_mknod(idmap, in, d, (h->mode & S_IFMT) | 0600,
				 huge_decode_dev(h->rdev));
	}
}

/* Remove what was just made in @home, which is locked. */
static int remove_node(const struct path *home, struct dentry *d, umode_t mode)
{
	struct mnt_idmap *idmap = mnt_idmap(home->mnt);
	struct inode *in = d_inode(home->dentry);

	return S_ISDIR(mode) ? vfs_rmdir(idmap, in, d) :
			       vfs_unlink(idmap, in, d, NULL);
}

/* Remove what was made by the name that @d has, and is not in @d. */
static void remove_unseen(const struct path *home, struct dentry *d,
			  umode_t mode)
{
	struct dentry *found;

	found = lookup_one(mnt_idmap(home->mnt), d->d_name.name, home->dentry,
			   d->d_name.len);
	if (IS_ERR(found))
		return;
	if (d_is_positive(found))
		remove_node(home, found, mode);
	dput(found);
}

/* Make it under a name that nobody sees, and remove it. */
static struct dentry *make_hidden(const struct path *home,
				  const struct ckpt_hdr_removed *h,
				  const char *text)
{
	struct inode *in = d_inode(home->dentry);
	struct dentry *d;
	int err;

	d = hidden_name(home);
	if (IS_ERR(d))
		return d;
	/* what is made in an append-only directory cannot be removed again */
	err = IS_APPEND(in) ? -EPERM : make_node(home, d, h, text);
	if (err)
		goto out;
	/* mkdir(2) of some network file systems leaves it to be looked up */
	if (d_really_is_negative(d)) {
		remove_unseen(home, d, h->mode);
		err = -EOPNOTSUPP;
		goto out;
	}
	/* with a second user the dentry keeps its inode, and no name */
	dget(d);
	err = remove_node(home, d, h->mode);
	dput(d);
	if (!err && (d_really_is_negative(d) || !d_unhashed(d)))
		err = -EOPNOTSUPP;
out:
	inode_unlock(in);
	if (err) {
		dput(d);
		return ERR_PTR(err);
	}
	return d;
}

/* An inode without a name, by a dentry of it, and with no name to be seen */
static struct dentry *make_inode(struct ckpt_ctx *ctx, const struct path *home,
				 const struct ckpt_hdr_removed *h,
				 const char *text)
{
	bool linkable = h->flags & CKPT_REMOVED_LINKABLE;
	struct dentry *d;
	struct file *file;
	int err;

	err = mnt_want_write(home->mnt);
	if (err)
		return ERR_PTR(err);
	file = !S_ISREG(h->mode) ? ERR_PTR(-EOPNOTSUPP) :
	       kernel_tmpfile_open(mnt_idmap(home->mnt), home, S_IFREG | 0600,
				   O_RDWR | O_LARGEFILE |
				   (linkable ? 0 : O_EXCL), current_cred());
	if (!IS_ERR(file)) {
		d = dget(file->f_path.dentry);
		__fput_sync(file);
	} else if (!linkable &&
		   (PTR_ERR(file) == -EOPNOTSUPP || PTR_ERR(file) == -EISDIR)) {
		/* without O_TMPFILE there is none that may get a name */
		d = make_hidden(home, h, text);
	} else {
		d = ERR_CAST(file);
	}
	mnt_drop_write(home->mnt);
	return d;
}

/* Those that it got from the directory that it was made in */
static int drop_acls(const struct path *path)
{
	struct mnt_idmap *idmap = mnt_idmap(path->mnt);
	int err;

	if (!IS_POSIXACL(d_inode(path->dentry)))
		return 0;
	err = mnt_want_write(path->mnt);
	if (err)
		return err;
	err = vfs_remove_acl(idmap, path->dentry, XATTR_NAME_POSIX_ACL_ACCESS);
	if (!err && d_is_dir(path->dentry))
		err = vfs_remove_acl(idmap, path->dentry,
				     XATTR_NAME_POSIX_ACL_DEFAULT);
	mnt_drop_write(path->mnt);
	return err == -EOPNOTSUPP ? 0 : err;
}

static int read_content(struct ckpt_ctx *ctx, const struct path *path,
			const struct ckpt_hdr_removed *h)
{
	struct inode *inode = d_inode(path->dentry);
	struct file *file;
	int err;

	if (h->alloc_end && !shmem_mapping(inode->i_mapping))
		return -EINVAL;
	if (h->size) {
		err = mnt_want_write(path->mnt);
		if (err)
			return err;
		err = do_truncate(mnt_idmap(path->mnt), path->dentry, h->size,
				  0, NULL);
		mnt_drop_write(path->mnt);
		if (err)
			return err;
	}
	if (shmem_mapping(inode->i_mapping)) {
		err = ckpt_file_pages_read(ctx, inode);
		if (!err && h->alloc_end)
			err = ckpt_file_alloc_read(ctx, inode, h->alloc_end);
		return err;
	}
	file = dentry_open(path, O_RDWR | O_LARGEFILE, current_cred());
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = ckpt_file_data_read(ctx, file);
	__fput_sync(file);
	return err;
}

/* In an order in which nothing undoes what was done before */
static int fill(struct ckpt_ctx *ctx, const struct path *path,
		const struct ckpt_hdr_removed *h)
{
	struct timespec64 atime = { h->atime, h->atime_nsec };
	struct timespec64 mtime = { h->mtime, h->mtime_nsec };
	int err = drop_acls(path);
	u32 i;

	for (i = 0; i < h->nr_xattrs && !err; i++)
		err = ckpt_xattr_read(ctx, path->mnt, path->dentry);
	if (!err && S_ISREG(h->mode))
		err = read_content(ctx, path, h);
	if (!err)
		err = ckpt_set_owner(ctx, path->mnt, path->dentry, h->uid,
				     h->gid);
	if (!err)
		err = ckpt_set_mode(path->mnt, path->dentry, h->mode);
	return err ?: ckpt_set_times(path->mnt, path->dentry, atime, mtime);
}

/* The file that has the name: nothing is made, its type is checked. */
static int find_linked(const struct path *found,
		       const struct ckpt_hdr_removed *h, struct ckpt_removed *r)
{
	const struct inode *inode = d_inode(found->dentry);

	if ((inode->i_mode ^ h->mode) & S_IFMT ||
	    (h->rdev && huge_encode_dev(inode->i_rdev) != h->rdev) ||
	    ckpt_fs_refused(found->dentry->d_sb))
		return -ESTALE;
	r->path = *found;
	path_get(&r->path);
	return 0;
}

static int make_removed(struct ckpt_ctx *ctx, const struct path *home,
			const struct ckpt_hdr_removed *h, const char *text,
			struct ckpt_removed *r)
{
	struct ckpt_removed *above = NULL;
	struct path path = { .mnt = home->mnt };
	struct inode *inode;
	void *fsdata;
	int err;

	if (!d_is_dir(home->dentry) || ckpt_fs_refused(home->dentry->d_sb))
		return -ENOTDIR;
	if (h->parent) {
		above = ckpt_obj_fetch(ctx, h->parent, CKPT_OBJ_REMOVED);
		if (IS_ERR(above))
			return PTR_ERR(above);
		if (!d_is_dir(above->path.dentry) ||
		    above->path.dentry->d_sb != home->dentry->d_sb)
			return -EINVAL;
	}
	path.dentry = make_inode(ctx, home, h, text);
	if (IS_ERR(path.dentry))
		return PTR_ERR(path.dentry);
	err = fill(ctx, &path, h);
	if (!err && S_ISDIR(h->mode)) {
		/* a directory has one dentry: not the hidden one, but this */
		inode = d_inode(path.dentry);
		fsdata = path.dentry->d_fsdata;
		ihold(inode);
		dput(path.dentry);
		path.dentry = unnamed(above ? above->path.dentry : home->dentry,
				      text, inode, fsdata);
		iput(inode);
		if (IS_ERR(path.dentry))
			return PTR_ERR(path.dentry);
	}
	if (err) {
		dput(path.dentry);
		return err;
	}
	mntget(path.mnt);
	r->path = path;
	r->made = true;
	return 0;
}

static bool name_valid(const char *name)
{
	return *name && strlen(name) <= NAME_MAX && !strchr(name, '/') &&
	       strcmp(name, ".") && strcmp(name, "..");
}

static int check_record(struct ckpt_ctx *ctx, const struct ckpt_hdr_removed *h)
{
	bool linked = h->flags & CKPT_REMOVED_LINKED;
	bool reg = S_ISREG(h->mode), dir = S_ISDIR(h->mode);
	bool dev = S_ISCHR(h->mode) || S_ISBLK(h->mode);

	if ((!reg && !dir && !dev && !S_ISLNK(h->mode) && !S_ISFIFO(h->mode) &&
	     !S_ISSOCK(h->mode)) ||
	    (h->mode & ~(S_IFMT | S_IALLUGO)) ||
	    (h->flags & ~(CKPT_REMOVED_LINKED | CKPT_REMOVED_LINKABLE)) ||
	    (!reg && (h->size || h->alloc_end ||
		      (h->flags & CKPT_REMOVED_LINKABLE))) ||
	    (linked && (dir || h->nr_xattrs || h->size || h->alloc_end)) ||
	    (!dir && h->parent) || h->size > MAX_LFS_FILESIZE ||
	    (h->rdev && (!dev || h->rdev > U32_MAX)) ||
	    h->nr_xattrs > CKPT_SB_XATTRS_MAX || h->reserved ||
	    h->atime_nsec >= NSEC_PER_SEC || h->mtime_nsec >= NSEC_PER_SEC)
		return ckpt_err(ctx, -EINVAL, "image: removed file with mode %#o and flags %#x: malformed record",
				h->mode, h->flags);
	return 0;
}

static int restore_removed(struct ckpt_ctx *ctx,
			   const struct ckpt_hdr_removed *h,
			   struct ckpt_removed *r)
{
	char *home = ckpt_read_string(ctx, PATH_MAX), *text = NULL;
	bool linked = h->flags & CKPT_REMOVED_LINKED;
	struct path found;
	int err;

	if (IS_ERR(home))
		return PTR_ERR(home);
	if (S_ISDIR(h->mode) || (S_ISLNK(h->mode) && !linked)) {
		text = ckpt_read_string(ctx, PATH_MAX);
		if (IS_ERR(text)) {
			err = PTR_ERR(text);
			text = NULL;
			goto out;
		}
	}
	if (S_ISDIR(h->mode) && !name_valid(text)) {
		err = ckpt_err(ctx, -EINVAL, "image: removed directory '%s'",
			       text);
		goto out;
	}
	if (S_ISLNK(h->mode) && !linked && !*text) {
		err = ckpt_err(ctx, -EINVAL, "image: removed symbolic link to nothing");
		goto out;
	}
	err = ckpt_path_lookup(ctx, h->mnt, home,
			       linked && S_ISLNK(h->mode) ? 0 : LOOKUP_FOLLOW,
			       &found);
	if (err) {
		ckpt_err(ctx, err, "'%s%s': cannot be found: error %d",
			 ckpt_mnt_name(ctx, h->mnt), home, err);
		goto out;
	}
	if (linked)
		err = find_linked(&found, h, r);
	else
		err = make_removed(ctx, &found, h, text, r);
	path_put(&found);
	if (err)
		ckpt_err(ctx, err, "'%s%s': what was removed cannot be had again there: error %d",
			 ckpt_mnt_name(ctx, h->mnt), home, err);
out:
	kvfree(text);
	kvfree(home);
	return err;
}

static void *removed_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_removed *h;
	struct ckpt_removed *r;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_REMOVED, sizeof(*h), sizeof(*h));
	if (IS_ERR(h))
		return h;
	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	err = r ? check_record(ctx, h) : -ENOMEM;
	if (!err)
		err = restore_removed(ctx, h, r);
	kvfree(h);
	if (!err)
		return r;
	kfree(r);
	return ERR_PTR(err);
}

const struct ckpt_obj_ops ckpt_removed_obj_ops = {
	.name		= "removed file",
	.drop		= removed_drop,
	.checkpoint	= removed_checkpoint,
	.restore	= removed_restore,
};

/**
 * ckpt_removed_dir - a directory that was removed, made again
 * @ctx: the context of a restart
 * @objref: which one, not checked yet
 * @path: where to put its path, referenced
 *
 * Return: 0, or -EINVAL, reported.
 */
int ckpt_removed_dir(struct ckpt_ctx *ctx, u32 objref, struct path *path)
{
	struct ckpt_removed *r = ckpt_obj_fetch(ctx, objref, CKPT_OBJ_REMOVED);

	if (IS_ERR(r))
		return PTR_ERR(r);
	if (!d_is_dir(r->path.dentry))
		return ckpt_err(ctx, -EINVAL, "image: '%pd' is no removed directory",
				r->path.dentry);
	*path = r->path;
	path_get(path);
	return 0;
}

/**
 * ckpt_removed_step - go to something that was removed, made again
 * @ctx: the context of a restart
 * @objref: which one, not checked yet
 * @path: a referenced path, replaced by that
 *
 * Return: 0, or -EINVAL, reported.
 */
int ckpt_removed_step(struct ckpt_ctx *ctx, u32 objref, struct path *path)
{
	struct ckpt_removed *r = ckpt_obj_fetch(ctx, objref, CKPT_OBJ_REMOVED);

	if (IS_ERR(r))
		return PTR_ERR(r);
	path_put(path);
	*path = r->path;
	path_get(path);
	return 0;
}

/*
 * A dentry for an open file of it. Who watches an inode without a name is told
 * that it is gone with the first dentry: so files of the same name have one,
 * and that of the name that nobody has seen goes now.
 */
static struct dentry *open_dentry(struct ckpt_removed *r, struct dentry *parent,
				  const char *name)
{
	struct dentry *d = r->path.dentry;

	if (d_is_dir(d) || (r->named && d->d_parent == parent &&
			    !strcmp(d->d_name.name, name)))
		return dget(d);
	d = unnamed(parent, name, d_inode(d), d->d_fsdata);
	if (!IS_ERR(d) && r->made && !r->named) {
		dput(r->path.dentry);
		r->path.dentry = dget(d);
		r->named = true;
	}
	return d;
}

/* Where the directory of @name is, referenced, and its last component */
static int find_parent(struct ckpt_ctx *ctx, const struct ckpt_hdr_file *h,
		       char *name, const char **last, struct path *path)
{
	char *dir = name + strlen(ckpt_mnt_name(ctx, h->mnt));
	char *slash = strrchr(dir, '/');
	int err;

	if (!slash || !name_valid(slash + 1))
		return ckpt_err(ctx, -EINVAL, "image: removed file '%s'", name);
	*last = slash + 1;
	if (h->parent)
		return ckpt_removed_dir(ctx, h->parent, path);
	*slash = '\0';
	err = ckpt_path_lookup(ctx, h->mnt, *dir ? dir : "/",
			       LOOKUP_FOLLOW | LOOKUP_DIRECTORY, path);
	*slash = '/';
	if (err)
		ckpt_err(ctx, err, "'%s': its directory cannot be found: error %d",
			 name, err);
	return err;
}

/* May the caller open it in this way? */
static int may_open_linked(const struct path *path, unsigned int flags)
{
	struct file *file = file_open_root(path, "", flags, 0);

	if (IS_ERR(file))
		return PTR_ERR(file);
	__fput_sync(file);
	return 0;
}

/**
 * ckpt_removed_path - a path to something that was removed, made again
 * @ctx: the context of a restart
 * @h: the record of an open file, with the objref of what was removed
 * @name: the path that it had
 * @path: where to put the path, referenced: of no name, but /proc shows @name
 *
 * Context: the restoring task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_removed_path(struct ckpt_ctx *ctx, const struct ckpt_hdr_file *h,
		      const char *name, struct path *path)
{
	struct path parent = {};
	struct ckpt_removed *r;
	const char *last;
	char *copy;
	int err;

	r = ckpt_obj_fetch(ctx, h->removed, CKPT_OBJ_REMOVED);
	if (IS_ERR(r))
		return PTR_ERR(r);
	copy = kstrdup(name, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	err = find_parent(ctx, h, copy, &last, &parent);
	if (err)
		goto out;
	if (parent.dentry->d_sb != r->path.dentry->d_sb) {
		err = ckpt_err(ctx, -ESTALE, "'%s' is on another file system now",
			       name);
		goto out;
	}
	if (!r->made && !allows_no_more(d_inode(r->path.dentry), parent.mnt,
					r->path.mnt)) {
		err = ckpt_err(ctx, -EACCES, "'%s': the mount of its other name allows less than its own",
			       name);
		goto out;
	}
	path->dentry = open_dentry(r, parent.dentry, last);
	if (IS_ERR(path->dentry))
		err = PTR_ERR(path->dentry);
	else
		path->mnt = mntget(parent.mnt);
out:
	if (parent.dentry)
		path_put(&parent);
	kfree(copy);
	return err;
}

/**
 * ckpt_removed_open - open something that was removed
 * @ctx: the context of a restart
 * @h: the record of the open file
 * @path: what ckpt_removed_path() gave
 * @flags: O_*
 *
 * What was made here is open to whoever made it. What was found by another name
 * is asked for the right to open it.
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR.
 */
struct file *ckpt_removed_open(struct ckpt_ctx *ctx,
			       const struct ckpt_hdr_file *h,
			       const struct path *path, unsigned int flags)
{
	const struct inode *inode = d_inode(path->dentry);
	const unsigned int tmpfile = O_TMPFILE;
	struct ckpt_removed *r;
	int err = 0;

	r = ckpt_obj_fetch(ctx, h->removed, CKPT_OBJ_REMOVED);
	if (IS_ERR(r))
		return ERR_CAST(r);
	flags &= ~FASYNC;
	if (!(flags & O_PATH) && !r->made)
		err = S_ISREG(inode->i_mode) ?
		      may_open_linked(&r->path, flags & ~tmpfile) :
		      path_permission(&r->path, ACC_MODE(flags));
	if (!err && S_ISCHR(inode->i_mode) && !(flags & O_PATH) &&
	    !may_open_dev(path))
		err = -EACCES;
	return err ? ERR_PTR(err) : dentry_open(path, flags, current_cred());
}
