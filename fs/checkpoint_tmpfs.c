// SPDX-License-Identifier: GPL-2.0
/*
 * What is in a tmpfs or a ramfs: a walk through its directories, one record a
 * step, and the same walk again to fill a new one.
 *
 * All of it is in the dcache, and stays there. The walk keeps nothing but the
 * place where it is, however deep that is and however many files there are;
 * only files of several names are kept in mind.
 */

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/fileattr.h>
#include <linux/kdev_t.h>
#include <linux/magic.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/stat.h>
#include <linux/time64.h>
#include <linux/xarray.h>
#include <linux/xattr.h>

#include "checkpoint.h"

/* Where simple_offset_add() puts names, see fs/libfs.c */
#define CKPT_OFFSET_MIN	3
#define CKPT_OFFSET_MAX	S32_MAX

static bool is_tmpfs(const struct super_block *sb)
{
	return IS_ENABLED(CONFIG_TMPFS) && sb->s_magic == TMPFS_MAGIC;
}

/* Where its directory has the name of @dentry */
static u64 dentry_offset(const struct dentry *dentry)
{
	return (unsigned long)dentry->d_fsdata;
}

/* ---------------------------------------------------------- checkpoint */

/**
 * struct content_save - a walk through a file system that is saved
 * @sb: the file system
 * @dir: the directory where it is, referenced
 * @depth: of @dir below the root
 * @linked: numbers of the inodes with several names that were written
 * @h: the record being written
 * @buf: for paths, PATH_MAX bytes
 */
struct content_save {
	struct super_block *sb;
	struct dentry *dir;
	unsigned int depth;
	struct xarray linked;
	struct ckpt_hdr_sb_node h;
	char buf[PATH_MAX];
};

static int refuse(struct ckpt_ctx *ctx, struct content_save *s,
		  struct dentry *dentry, int err, const char *why)
{
	const char *name = dentry_path_raw(dentry, s->buf, sizeof(s->buf));

	if (IS_ERR(name))
		name = dentry->d_name.name;
	return ckpt_err(ctx, err, "%s (device %u:%u): '%s': %s",
			s->sb->s_type->name, MAJOR(s->sb->s_dev),
			MINOR(s->sb->s_dev), name, why);
}

static struct hlist_node *hlist_last(struct hlist_head *head)
{
	struct hlist_node *n = head->first;

	while (n && n->next)
		n = n->next;
	return n;
}

static struct hlist_node *hlist_before(struct hlist_head *head,
				       struct hlist_node *n)
{
	return n->pprev == &head->first ?
	       NULL : container_of(n->pprev, struct hlist_node, next);
}

/*
 * The name in @dir that was made after @prev, referenced; the first one if
 * that is NULL, NULL at the end. The list begins with what came last. As long
 * as @prev is referenced, it stays on a list.
 */
static struct dentry *child_after(struct dentry *dir, struct dentry *prev)
{
	struct dentry *d, *found = NULL;
	struct hlist_node *n;

	spin_lock(&dir->d_lock);
	if (prev && prev->d_parent != dir) {
		spin_unlock(&dir->d_lock);
		return ERR_PTR(-EBUSY);
	}
	n = prev ? hlist_before(&dir->d_children, &prev->d_sib) :
		   hlist_last(&dir->d_children);
	for (; n && !found; n = hlist_before(&dir->d_children, n)) {
		d = hlist_entry(n, struct dentry, d_sib);
		spin_lock_nested(&d->d_lock, DENTRY_D_LOCK_NESTED);
		if (simple_positive(d))
			found = dget_dlock(d);
		spin_unlock(&d->d_lock);
	}
	spin_unlock(&dir->d_lock);
	return found;
}

static int save_xattr(struct ckpt_ctx *ctx, struct content_save *s,
		      struct dentry *dentry, const char *name)
{
	void *value;
	ssize_t len;
	int err;

	value = ckpt_xattr_get(ctx, NULL, dentry, name, &len);
	if (value == ERR_PTR(-EOVERFLOW))
		return refuse(ctx, s, dentry, -ENOSYS,
			      "an id in its access control list has no number in the caller's user namespace: not supported");
	if (IS_ERR(value))
		return refuse(ctx, s, dentry, PTR_ERR(value),
			      "an extended attribute cannot be read");
	err = ckpt_xattr_write(ctx, name, value, len);
	kvfree(value);
	return err;
}

/* The names of the extended attributes; how many they are is left in @s */
static char *list_xattrs(struct ckpt_ctx *ctx, struct content_save *s,
			 struct dentry *dentry, ssize_t *len)
{
	char *list;

	*len = 0;
	if (!is_tmpfs(s->sb) || !d_inode(dentry)->i_op->listxattr)
		return NULL;
	list = ckpt_xattr_list(dentry, len, &s->h.nr_xattrs);
	if (list == ERR_PTR(-EPERM))
		return ERR_PTR(refuse(ctx, s, dentry, -EPERM,
				      "only root may read all its extended attributes"));
	return list;
}

/* What inodes of a tmpfs have that no system call shows */
static int save_shmem(struct ckpt_ctx *ctx, struct content_save *s,
		      struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct shmem_inode_info *info = SHMEM_I(inode);
	struct ckpt_hdr_sb_node *h = &s->h;

#ifdef CONFIG_NUMA
	if (!ckpt_shmem_sb(s->sb)->mpol && !RB_EMPTY_ROOT(&info->policy.root))
		return refuse(ctx, s, dentry, -ENOSYS,
			      "NUMA memory policy: not supported");
#endif
	if (info->seals & ~F_SEAL_SEAL)
		return refuse(ctx, s, dentry, -ENOSYS,
			      "sealed: not supported");
	h->fsflags = info->fsflags & SHMEM_FL_USER_MODIFIABLE;
	h->generation = inode->i_generation;
	if (!inode_unhashed(inode))
		h->flags |= CKPT_SB_HANDLE;
	h->btime = info->i_crtime.tv_sec;
	h->btime_nsec = info->i_crtime.tv_nsec;
	if (S_ISDIR(inode->i_mode))
		h->offset = info->dir_offsets.next_offset;
	if (S_ISREG(inode->i_mode))
		h->alloc_end = info->fallocend;
	return 0;
}

/* Would the caller be let in by the ordinary system calls? */
static int may_read(struct inode *inode)
{
	int mask = MAY_READ;

	if (S_ISDIR(inode->i_mode))
		mask |= MAY_EXEC;
	else if (!S_ISREG(inode->i_mode))
		return 0;
	return inode_permission(&nop_mnt_idmap, inode, mask);
}

static int save_attr(struct ckpt_ctx *ctx, struct content_save *s,
		     struct dentry *dentry)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;
	struct inode *inode = d_inode(dentry);
	struct ckpt_hdr_sb_node *h = &s->h;
	struct timespec64 ts;
	int err;

	err = may_read(inode);
	if (err)
		return refuse(ctx, s, dentry, err, "the caller may not read it");
	h->mode = inode->i_mode;
	h->nlink = inode->i_nlink;
	h->ino = inode->i_ino;
	h->uid = from_kuid(user_ns, inode->i_uid);
	h->gid = from_kgid(user_ns, inode->i_gid);
	if (h->uid == (uid_t)-1 || h->gid == (gid_t)-1)
		return refuse(ctx, s, dentry, -ENOSYS,
			      "its owner has no number in the caller's user namespace: not supported");
	if (S_ISREG(inode->i_mode))
		h->size = i_size_read(inode);
	if (S_ISCHR(inode->i_mode) || S_ISBLK(inode->i_mode))
		h->rdev = huge_encode_dev(inode->i_rdev);
	ts = inode_get_atime(inode);
	h->atime = ts.tv_sec;
	h->atime_nsec = ts.tv_nsec;
	ts = inode_get_mtime(inode);
	h->mtime = ts.tv_sec;
	h->mtime_nsec = ts.tv_nsec;
	ts = inode_get_ctime(inode);
	h->ctime = ts.tv_sec;
	h->ctime_nsec = ts.tv_nsec;
	return is_tmpfs(s->sb) ? save_shmem(ctx, s, dentry) : 0;
}

/* A name may be changed while it is read */
static int write_name(struct ckpt_ctx *ctx, struct dentry *dentry)
{
	struct name_snapshot name;
	int err;

	take_dentry_name_snapshot(&name, dentry);
	err = ckpt_write_string(ctx, name.name.name);
	release_dentry_name_snapshot(&name);
	return err;
}

static int write_target(struct ckpt_ctx *ctx, struct dentry *dentry)
{
	DEFINE_DELAYED_CALL(done);
	const char *link = vfs_get_link(dentry, &done);
	int err;

	if (IS_ERR(link))
		return PTR_ERR(link);
	err = ckpt_write_string(ctx, link);
	do_delayed_call(&done);
	return err;
}

static int write_node(struct ckpt_ctx *ctx, struct content_save *s)
{
	return ckpt_write_rec(ctx, &s->h, CKPT_HDR_SB_NODE, sizeof(s->h));
}

static int write_xattrs(struct ckpt_ctx *ctx, struct content_save *s,
			struct dentry *dentry, const char *list, ssize_t len)
{
	ssize_t i;
	int err = 0;

	for (i = 0; !err && i < len; i += strlen(list + i) + 1)
		err = save_xattr(ctx, s, dentry, list + i);
	return err;
}

/* A complete directory, or anything else but a directory */
static int save_inode(struct ckpt_ctx *ctx, struct content_save *s,
		      struct dentry *dentry, u32 what)
{
	struct inode *inode = d_inode(dentry);
	ssize_t len;
	char *list;
	int err;

	memset(&s->h, 0, sizeof(s->h));
	s->h.what = what;
	if (what == CKPT_SB_FILE && is_tmpfs(s->sb))
		s->h.offset = dentry_offset(dentry);
	err = save_attr(ctx, s, dentry);
	if (err)
		return err;
	list = list_xattrs(ctx, s, dentry, &len);
	if (IS_ERR(list))
		return PTR_ERR(list);

	err = write_node(ctx, s);
	if (!err && what == CKPT_SB_FILE)
		err = write_name(ctx, dentry);
	if (!err && S_ISLNK(inode->i_mode))
		err = write_target(ctx, dentry);
	if (!err)
		err = write_xattrs(ctx, s, dentry, list, len);
	kvfree(list);
	if (!err && S_ISREG(inode->i_mode)) {
		err = ckpt_file_pages_write(ctx, inode);
		if (!err && s->h.alloc_end)
			err = ckpt_file_alloc_write(ctx, inode);
	}
	return err;
}

/* Only the name is new */
static int save_name(struct ckpt_ctx *ctx, struct content_save *s,
		     struct dentry *dentry, u32 what)
{
	int err;

	memset(&s->h, 0, sizeof(s->h));
	s->h.what = what;
	s->h.mode = d_inode(dentry)->i_mode;
	s->h.ino = d_inode(dentry)->i_ino;
	if (is_tmpfs(s->sb))
		s->h.offset = dentry_offset(dentry);
	err = write_node(ctx, s);
	return err ?: write_name(ctx, dentry);
}

static int save_file(struct ckpt_ctx *ctx, struct content_save *s,
		     struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	int err;

	if (inode->i_nlink > 1) {
		if (xa_load(&s->linked, inode->i_ino))
			return save_name(ctx, s, dentry, CKPT_SB_LINK);
		err = xa_insert(&s->linked, inode->i_ino, inode,
				GFP_KERNEL_ACCOUNT);
		if (err)
			return err;
	}
	return save_inode(ctx, s, dentry, CKPT_SB_FILE);
}

static int enter_dir(struct ckpt_ctx *ctx, struct content_save *s,
		     struct dentry *dir)
{
	/* the directory above stays: it is the parent of this one */
	dput(s->dir);
	s->dir = dir;
	s->depth++;
	return save_name(ctx, s, dir, CKPT_SB_ENTER);
}

/* Returns the directory that is left, referenced, or an ERR_PTR. */
static struct dentry *leave_dir(struct ckpt_ctx *ctx, struct content_save *s)
{
	struct dentry *dir = s->dir;
	int err;

	err = save_inode(ctx, s, dir, CKPT_SB_LEAVE);
	if (err)
		return ERR_PTR(err);
	/* the root, and nothing else, has no parent */
	if (s->depth ? dir == s->sb->s_root : dir != s->sb->s_root)
		return ERR_PTR(-EBUSY);
	if (s->depth) {
		s->dir = dget_parent(dir);
		s->depth--;
	} else {
		s->dir = NULL;
	}
	return dir;
}

static int walk(struct ckpt_ctx *ctx, struct content_save *s)
{
	struct dentry *prev = NULL, *next;
	int err;

	while (s->dir) {
		if (fatal_signal_pending(current)) {
			dput(prev);
			return -EINTR;
		}
		cond_resched();
		next = child_after(s->dir, prev);
		dput(prev);
		prev = NULL;
		if (IS_ERR(next))
			return PTR_ERR(next);
		if (!next) {
			prev = leave_dir(ctx, s);
			if (IS_ERR(prev))
				return PTR_ERR(prev);
			continue;
		}
		if (d_is_dir(next)) {
			err = enter_dir(ctx, s, next);
		} else {
			err = save_file(ctx, s, next);
			prev = next;
		}
		if (err) {
			dput(prev);
			return err;
		}
	}
	dput(prev);
	return 0;
}

/**
 * ckpt_content_checkpoint - write what is in a file system
 * @ctx: the context
 * @sb: a tmpfs or a ramfs, with an active reference
 *
 * Context: process context, may sleep.
 * Return: 0, -EBUSY if it changes meanwhile, -ENOSYS or -EPERM for a file that
 * cannot be saved, reported, -ENOMEM, -EINTR, or the errno of the write.
 */
int ckpt_content_checkpoint(struct ckpt_ctx *ctx, struct super_block *sb)
{
	struct content_save *s;
	int err;

	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	s->sb = sb;
	s->dir = dget(sb->s_root);
	xa_init_flags(&s->linked, XA_FLAGS_ACCOUNT);
	err = walk(ctx, s);
	if (err == -EBUSY)
		ckpt_err(ctx, err, "%s (device %u:%u): it changed meanwhile, try again",
			 sb->s_type->name, MAJOR(sb->s_dev), MINOR(sb->s_dev));
	dput(s->dir);
	xa_destroy(&s->linked);
	kfree(s);
	return err;
}

/* ------------------------------------------------------------- restart */

/**
 * struct content_link - a file that will get other names
 * @dentry: its first one, referenced
 * @fsflags: FS_IMMUTABLE_FL and others: they would keep the names off
 * @ctime: time of the last change of the inode
 */
struct content_link {
	struct dentry *dentry;
	u32 fsflags;
	struct timespec64 ctime;
};

/**
 * struct content_fill - a walk through a new file system that is filled
 * @sb: the file system; nobody else can reach it
 * @dir: the directory where it is, referenced; NULL at the end
 * @linked: struct content_link, by inode number
 * @h: the record being read
 * @name: that came with it, to be freed with kvfree(), or NULL
 */
struct content_fill {
	struct super_block *sb;
	struct dentry *dir;
	struct xarray linked;
	struct ckpt_hdr_sb_node h;
	char *name;
};

static int node_err(struct ckpt_ctx *ctx, struct content_fill *f, int err,
		    const char *what)
{
	return ckpt_err(ctx, err, "%s: '%s': %s: error %d",
			f->sb->s_type->name, f->name ?: "directory", what, err);
}

static bool nsec_valid(const struct ckpt_hdr_sb_node *h)
{
	return h->atime_nsec < NSEC_PER_SEC && h->mtime_nsec < NSEC_PER_SEC &&
	       h->ctime_nsec < NSEC_PER_SEC && h->btime_nsec < NSEC_PER_SEC;
}

static bool node_valid(const struct content_fill *f)
{
	const struct ckpt_hdr_sb_node *h = &f->h;
	bool dir = S_ISDIR(h->mode);

	if (h->what >= CKPT_SB_WHAT_MAX || h->reserved ||
	    (h->mode & ~(S_IFMT | S_IALLUGO)) || !nsec_valid(h) ||
	    h->nr_xattrs > CKPT_SB_XATTRS_MAX || !h->ino ||
	    h->ino > ULONG_MAX || (h->flags & ~CKPT_SB_HANDLE) ||
	    (h->fsflags & ~SHMEM_FL_USER_MODIFIABLE))
		return false;
	switch (h->mode & S_IFMT) {
	case S_IFDIR:
	case S_IFREG:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		return false;
	}
	if (dir != (h->what == CKPT_SB_ENTER || h->what == CKPT_SB_LEAVE))
		return false;
	if (!S_ISREG(h->mode) && (h->size || h->alloc_end))
		return false;
	if (h->size > f->sb->s_maxbytes)
		return false;
	if (!is_tmpfs(f->sb))
		return !h->nr_xattrs && !h->fsflags && !h->flags &&
		       !h->alloc_end;
	return h->offset >= CKPT_OFFSET_MIN && h->offset <= CKPT_OFFSET_MAX;
}

static int read_node(struct ckpt_ctx *ctx, struct content_fill *f)
{
	int err;

	kvfree(f->name);
	f->name = NULL;
	err = ckpt_read_rec_into(ctx, &f->h, CKPT_HDR_SB_NODE, sizeof(f->h));
	if (err)
		return err;
	if (!node_valid(f))
		return ckpt_err(ctx, -EINVAL, "image: %s: step %u with mode %#o: malformed record",
				f->sb->s_type->name, f->h.what, f->h.mode);
	if (f->h.what == CKPT_SB_LEAVE)
		return 0;
	f->name = ckpt_read_string(ctx, NAME_MAX + 1);
	if (IS_ERR(f->name)) {
		err = PTR_ERR(f->name);
		f->name = NULL;
	}
	return err;
}

static int make(struct content_fill *f, struct dentry *dentry,
		const char *target)
{
	struct mnt_idmap *idmap = &nop_mnt_idmap;
	struct inode *dir = d_inode(f->dir);
	umode_t type = f->h.mode & S_IFMT;
	struct content_link *link;

	if (f->h.what == CKPT_SB_LINK) {
		link = xa_load(&f->linked, f->h.ino);
		return link ? vfs_link(link->dentry, idmap, dir, dentry, NULL) :
			      -EINVAL;
	}
	switch (type) {
	case S_IFDIR:
		return vfs_mkdir(idmap, dir, dentry, 0700);
	case S_IFREG:
		return vfs_create(idmap, dir, dentry, S_IFREG | 0600, true);
	case S_IFLNK:
		return vfs_symlink(idmap, dir, dentry, target);
	default:
		return vfs_mknod(idmap, dir, dentry, type | 0600,
				 S_ISCHR(type) || S_ISBLK(type) ?
				 new_decode_dev(f->h.rdev) : 0);
	}
}

/*
 * Make what the record says, with no more than its name. Nobody but the task
 * itself gets at it before it is complete.
 */
static struct dentry *make_node(struct ckpt_ctx *ctx, struct content_fill *f,
				const char *target)
{
	struct inode *dir = d_inode(f->dir);
	struct dentry *dentry;
	int err;

	inode_lock_nested(dir, I_MUTEX_PARENT);
	/* refuses "." and "..", and '/' */
	dentry = lookup_one(&nop_mnt_idmap, f->name, f->dir, strlen(f->name));
	if (IS_ERR(dentry)) {
		err = PTR_ERR(dentry);
		goto unlock;
	}
	if (is_tmpfs(f->sb))
		SHMEM_I(dir)->dir_offsets.next_offset = f->h.offset;
	err = d_is_positive(dentry) ? -EEXIST : make(f, dentry, target);
	if (err)
		dput(dentry);
unlock:
	inode_unlock(dir);
	if (err) {
		node_err(ctx, f, err, "cannot be made");
		return ERR_PTR(err);
	}
	if (is_tmpfs(f->sb) && f->h.what != CKPT_SB_LINK)
		d_inode(dentry)->i_ino = f->h.ino;
	return dentry;
}

static int set_fsflags(struct dentry *dentry, u32 fsflags)
{
	struct inode *inode = d_inode(dentry);
	struct fileattr fa;

	if (!fsflags)
		return 0;
	/* what a directory hands down to names that chattr(1) cannot change */
	if (!inode->i_op->fileattr_set) {
		if (fsflags & ~SHMEM_FL_INHERITED)
			return -EINVAL;
		SHMEM_I(inode)->fsflags = fsflags;
		inode_set_flags(inode, fsflags & FS_NOATIME_FL ? S_NOATIME : 0,
				S_NOATIME);
		return 0;
	}
	fileattr_fill_flags(&fa, fsflags);
	return vfs_fileattr_set(&nop_mnt_idmap, dentry, &fa);
}

/* What inodes of a tmpfs have that no system call sets */
static void set_shmem(struct content_fill *f, struct inode *inode)
{
	struct shmem_inode_info *info = SHMEM_I(inode);
	const struct ckpt_hdr_sb_node *h = &f->h;

	inode->i_generation = h->generation;
	if ((h->flags & CKPT_SB_HANDLE) && inode_unhashed(inode))
		__insert_inode_hash(inode, inode->i_ino + inode->i_generation);
	info->i_crtime.tv_sec = h->btime;
	info->i_crtime.tv_nsec = h->btime_nsec;
	if (S_ISDIR(inode->i_mode))
		info->dir_offsets.next_offset = h->offset;
}

/* After everything else that touches the inode */
static int set_last(struct dentry *dentry, u32 fsflags, struct timespec64 ctime)
{
	int err = set_fsflags(dentry, fsflags);

	inode_set_ctime_to_ts(d_inode(dentry), ctime);
	return err;
}

/* Remember a file that has other names, which are to come. */
static int keep_link(struct content_fill *f, struct dentry *dentry,
		     struct timespec64 ctime)
{
	struct content_link *link;
	int err;

	link = kzalloc(sizeof(*link), GFP_KERNEL_ACCOUNT);
	if (!link)
		return -ENOMEM;
	link->dentry = dget(dentry);
	link->fsflags = f->h.fsflags;
	link->ctime = ctime;
	err = xa_insert(&f->linked, f->h.ino, link, GFP_KERNEL_ACCOUNT);
	if (err) {
		dput(link->dentry);
		kfree(link);
	}
	return err == -EBUSY ? -EINVAL : err;
}

/* Attributes that the record has, in an order in which none undoes another */
static int fill_attr(struct ckpt_ctx *ctx, struct content_fill *f,
		     struct dentry *dentry)
{
	struct timespec64 ctime = { f->h.ctime, f->h.ctime_nsec };
	struct inode *inode = d_inode(dentry);
	int err = 0;
	u32 i;

	for (i = 0; i < f->h.nr_xattrs; i++) {
		err = ckpt_xattr_read(ctx, NULL, dentry);
		if (err)
			return err;
	}
	if (S_ISREG(inode->i_mode)) {
		err = ckpt_file_pages_read(ctx, inode);
		if (!err && f->h.alloc_end)
			err = ckpt_file_alloc_read(ctx, inode, f->h.alloc_end);
		if (err)
			return node_err(ctx, f, err, "content");
	}
	err = ckpt_set_owner(ctx, NULL, dentry, f->h.uid, f->h.gid);
	if (err)
		return node_err(ctx, f, err, "owner cannot be set");
	if (!S_ISLNK(inode->i_mode))
		err = ckpt_set_mode(NULL, dentry, f->h.mode);
	if (err)
		return node_err(ctx, f, err, "mode cannot be set");
	err = ckpt_set_times(NULL, dentry,
			     (struct timespec64){ f->h.atime, f->h.atime_nsec },
			     (struct timespec64){ f->h.mtime, f->h.mtime_nsec });
	if (is_tmpfs(f->sb))
		set_shmem(f, inode);
	if (!err && f->h.what == CKPT_SB_FILE && f->h.nlink > 1)
		err = keep_link(f, dentry, ctime);
	else if (!err)
		err = set_last(dentry, f->h.fsflags, ctime);
	return err ? node_err(ctx, f, err, "attributes cannot be set") : 0;
}

static int fill_file(struct ckpt_ctx *ctx, struct content_fill *f)
{
	struct iattr attr = { .ia_valid = ATTR_SIZE, .ia_size = f->h.size };
	struct dentry *dentry;
	char *target = NULL;
	int err = 0;

	if (S_ISLNK(f->h.mode)) {
		target = ckpt_read_string(ctx, PATH_MAX);
		if (IS_ERR(target))
			return PTR_ERR(target);
	}
	dentry = make_node(ctx, f, target);
	kvfree(target);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (f->h.size) {
		err = ckpt_set_attr(NULL, dentry, &attr);
		if (err)
			node_err(ctx, f, err, "size cannot be set");
	}
	if (!err)
		err = fill_attr(ctx, f, dentry);
	dput(dentry);
	return err;
}

static int fill_link(struct ckpt_ctx *ctx, struct content_fill *f)
{
	struct dentry *dentry = make_node(ctx, f, NULL);

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	dput(dentry);
	return 0;
}

static int fill_enter(struct ckpt_ctx *ctx, struct content_fill *f)
{
	struct dentry *dir = make_node(ctx, f, NULL);

	if (IS_ERR(dir))
		return PTR_ERR(dir);
	dput(f->dir);
	f->dir = dir;
	return 0;
}

static int fill_leave(struct ckpt_ctx *ctx, struct content_fill *f)
{
	struct dentry *dir = f->dir;
	int err;

	if (dir == f->sb->s_root && is_tmpfs(f->sb))
		d_inode(dir)->i_ino = f->h.ino;
	err = fill_attr(ctx, f, dir);
	if (err)
		return err;
	f->dir = dir == f->sb->s_root ? NULL : dget_parent(dir);
	dput(dir);
	return 0;
}

/* All names are there: what would have kept them off, and what they changed */
static int finish_links(struct ckpt_ctx *ctx, struct content_fill *f)
{
	struct content_link *link;
	unsigned long ino;
	int err;

	xa_for_each(&f->linked, ino, link) {
		err = set_last(link->dentry, link->fsflags, link->ctime);
		if (err)
			return node_err(ctx, f, err, "attributes cannot be set");
	}
	return 0;
}

static int fill(struct ckpt_ctx *ctx, struct content_fill *f)
{
	static int (*const step[CKPT_SB_WHAT_MAX])(struct ckpt_ctx *ctx,
						   struct content_fill *f) = {
		[CKPT_SB_ENTER]	= fill_enter,
		[CKPT_SB_LEAVE]	= fill_leave,
		[CKPT_SB_FILE]	= fill_file,
		[CKPT_SB_LINK]	= fill_link,
	};
	int err;

	while (f->dir) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		err = read_node(ctx, f);
		if (!err)
			err = step[f->h.what](ctx, f);
		if (err)
			return err;
	}
	return finish_links(ctx, f);
}

/**
 * ckpt_content_restore - read what is in a file system
 * @ctx: the context
 * @sb: a new tmpfs or ramfs, with an active reference, which nobody else can
 *	reach
 *
 * Everything is made with the ordinary functions and the rights of current.
 *
 * Context: the restoring task, may sleep.
 * Return: 0, -EINVAL for a malformed image, -EPERM, -EACCES, -ENOSPC, -ENOMEM,
 * -EINTR, or another errno that making a file gives.
 */
int ckpt_content_restore(struct ckpt_ctx *ctx, struct super_block *sb)
{
	struct content_link *link;
	struct content_fill *f;
	unsigned long ino;
	int err;

	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	f->sb = sb;
	f->dir = dget(sb->s_root);
	xa_init_flags(&f->linked, XA_FLAGS_ACCOUNT);
	err = fill(ctx, f);
	dput(f->dir);
	kvfree(f->name);
	xa_for_each(&f->linked, ino, link) {
		dput(link->dentry);
		kfree(link);
	}
	xa_destroy(&f->linked);
	kfree(f);
	return err;
}
