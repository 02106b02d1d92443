// SPDX-License-Identifier: GPL-2.0
/*
 * Files of memfd_create(): what is in them, and their seals.
 *
 * The object is the dentry, which all open files of the same memory have in
 * common: there is no other way to it. Seals hold at once, but for the one
 * against future writing: mappings that were there before may still write.
 */

#include <linux/dcache.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/hugetlb.h>
#include <linux/mount.h>
#include <linux/log2.h>
#include <linux/magic.h>
#include <linux/pagemap.h>
#include <linux/pid_namespace.h>
#include <linux/posix_acl.h>
#include <linux/shmem_fs.h>

#include "checkpoint.h"
#include "mount.h"

#define MEMFD_PREFIX	"memfd:"

#define MEMFD_SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | \
			 F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

/**
 * ckpt_memfd_match - is this a file of memfd_create()?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_memfd_match(struct file *file)
{
	const struct inode *inode = file_inode(file);

	return (shmem_mapping(inode->i_mapping) || is_file_hugepages(file)) &&
	       S_ISREG(inode->i_mode) &&
	       (inode->i_sb->s_flags & SB_KERNMOUNT) &&
	       !IS_PRIVATE(inode) && !inode->i_nlink &&
	       !strncmp(file->f_path.dentry->d_name.name, MEMFD_PREFIX,
			strlen(MEMFD_PREFIX));
}

/* The mount that all of them are in; it is the kernel's, and stays. */
static struct vfsmount *memfd_mount(struct dentry *dentry)
{
	struct mount *mnt;

	read_seqlock_excl(&mount_lock);
	mnt = list_first_entry(&dentry->d_sb->s_mounts, struct mount,
			       mnt_instance);
	read_sequnlock_excl(&mount_lock);
	return &mnt->mnt;
}

static bool is_huge(const struct inode *inode)
{
	return inode->i_sb->s_magic == HUGETLBFS_MAGIC;
}

static unsigned int *seals_of(struct inode *inode)
{
#ifdef CONFIG_HUGETLBFS
	if (is_huge(inode))
		return &HUGETLBFS_I(inode)->seals;
#endif
	return &SHMEM_I(inode)->seals;
}

/* ------------------------------------------------------------ open files */

/**
 * ckpt_memfd_file_collect - count the memory of an open file
 * @ctx: the context
 * @file: the file, of memfd_create()
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_memfd_file_collect(struct ckpt_ctx *ctx, struct file *file)
{
	return ckpt_obj_collect(ctx, file->f_path.dentry, CKPT_OBJ_MEMFD);
}

/* A tmpfs keeps it with the inode in memory, and nowhere else. */
static bool has_acl(struct inode *inode)
{
#ifdef CONFIG_FS_POSIX_ACL
	struct posix_acl *acl = get_cached_acl(inode, ACL_TYPE_ACCESS);

	/* of a hugetlbfs nobody knows so far, and there is none */
	if (is_uncached_acl(acl))
		return false;
	posix_acl_release(acl);
	return acl;
#else
	return false;
#endif
}

/**
 * ckpt_memfd_refused - why an open file cannot be saved
 * @ctx: the context; the collect pass is over
 * @file: the file, of memfd_create()
 *
 * Return: the reason or NULL.
 */
const char *ckpt_memfd_refused(struct ckpt_ctx *ctx, struct file *file)
{
	struct inode *inode = file_inode(file);

	if (ckpt_obj_outside(ctx, file, CKPT_OBJ_FILE))
		return "also mapped by a process outside of the tree";
	if (!is_huge(inode) && !RB_EMPTY_ROOT(&SHMEM_I(inode)->xattrs.rb_root))
		return "extended attributes of a memfd";
	return has_acl(inode) ? "access control list of a memfd" : NULL;
}

/**
 * ckpt_memfd_file_checkpoint - write the memory of an open file
 * @ctx: the context
 * @file: the file, of memfd_create()
 * @h: the record of the file, to be completed
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_memfd_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			       struct ckpt_hdr_file *h)
{
	int objref;

	objref = ckpt_obj_checkpoint(ctx, file->f_path.dentry, CKPT_OBJ_MEMFD);
	if (objref < 0)
		return objref;
	h->inner = objref;
	if ((file->f_mode & FMODE_WRITE) && !(file->f_mode & FMODE_WRITER))
		h->flags |= CKPT_FILEF_CREATED;
	return 0;
}

/* As memfd_create() makes it: whoever executes it need not wait for its end. */
static struct file *open_created(const struct path *path, int flags)
{
	struct file *base, *file;

	base = dentry_open(path, O_PATH, current_cred());
	if (IS_ERR(base))
		return base;
	file = alloc_file_clone(base, flags, d_inode(path->dentry)->i_fop);
	fput(base);
	if (!IS_ERR(file))
		file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	return file;
}

/**
 * ckpt_memfd_open - open a file of memfd_create() that was restored
 * @ctx: the context
 * @h: the record of the file
 *
 * Context: the restoring task, may sleep.
 * Return: the file or ERR_PTR, reported.
 */
struct file *ckpt_memfd_open(struct ckpt_ctx *ctx,
			     const struct ckpt_hdr_file *h)
{
	struct path path = {
		.dentry = ckpt_obj_fetch(ctx, h->inner, CKPT_OBJ_MEMFD),
	};
	struct file *file;

	if (IS_ERR(path.dentry))
		return ERR_CAST(path.dentry);
	if ((h->flags & CKPT_FILEF_CREATED) &&
	    ((h->f_flags & O_ACCMODE) != O_RDWR || (h->f_flags & O_PATH)))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: memfd with flags %#x, %#x",
					h->f_flags, h->flags));
	path.mnt = memfd_mount(path.dentry);
	if (h->flags & CKPT_FILEF_CREATED)
		file = open_created(&path, h->f_flags);
	else
		file = dentry_open(&path, h->f_flags, current_cred());
	if (IS_ERR(file))
		ckpt_err(ctx, PTR_ERR(file), "a memfd cannot be opened: error %ld",
			 PTR_ERR(file));
	return file;
}

/* --------------------------------------------------------------- the object */

static void memfd_grab(void *ptr)
{
	dget(ptr);
}

static void memfd_drop(void *ptr)
{
	dput(ptr);
}

/* Each open file holds it, and so does who looks a path up for a moment. */
static int memfd_users(void *ptr)
{
	struct dentry *dentry = ptr;

	return d_count(dentry);
}

static int memfd_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;
	struct dentry *dentry = ptr;
	struct inode *inode = d_inode(dentry);
	struct timespec64 atime = inode_get_atime(inode);
	struct timespec64 mtime = inode_get_mtime(inode);
	struct ckpt_hdr_memfd h = {
		.mode = inode->i_mode & S_IALLUGO,
		.uid = from_kuid(user_ns, inode->i_uid),
		.gid = from_kgid(user_ns, inode->i_gid),
		.seals = READ_ONCE(*seals_of(inode)),
		.size = i_size_read(inode),
		.atime = atime.tv_sec,
		.atime_nsec = atime.tv_nsec,
		.mtime = mtime.tv_sec,
		.mtime_nsec = mtime.tv_nsec,
	};
	int err;

	if (h.uid == (uid_t)-1 || h.gid == (gid_t)-1)
		return ckpt_err(ctx, -ENOSYS, "'%pd': its owner has no number in the caller's user namespace: not supported",
				dentry);
	if (is_huge(inode))
		h.huge = ilog2(inode->i_sb->s_blocksize);
	else
		h.alloc_end = SHMEM_I(inode)->fallocend;
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_MEMFD, sizeof(h));
	/* it has no other name */
	if (!err)
		err = ckpt_write_string(ctx, dentry->d_name.name);
	if (!err)
		err = ckpt_file_pages_write(ctx, inode);
	if (!err && h.alloc_end)
		err = ckpt_file_alloc_write(ctx, inode);
	return err;
}

/* With the rights of the caller of restart, who made the file */
static int set_all(struct ckpt_ctx *ctx, const struct path *path,
		   const struct ckpt_hdr_memfd *h)
{
	struct inode *inode = d_inode(path->dentry);
	struct timespec64 atime = { h->atime, h->atime_nsec };
	struct timespec64 mtime = { h->mtime, h->mtime_nsec };
	int err;

	err = ckpt_set_owner(ctx, path->mnt, path->dentry, h->uid, h->gid);
	if (!err)
		err = ckpt_set_mode(path->mnt, path->dentry, S_IFREG | h->mode);
	if (!err)
		err = ckpt_set_times(path->mnt, path->dentry, atime, mtime);
	/* as memfd_add_seals() */
	if (!err && (h->seals & F_SEAL_WRITE))
		err = mapping_deny_writable(inode->i_mapping);
	if (!err)
		*seals_of(inode) = h->seals & ~F_SEAL_FUTURE_WRITE;
	return err;
}

/* What vm.memfd_noexec forbids memfd_create() */
static bool exec_forbidden(const struct ckpt_hdr_memfd *h)
{
#if defined(CONFIG_SYSCTL) && defined(CONFIG_MEMFD_CREATE)
	return (h->mode & 0111) &&
	       pidns_memfd_noexec_scope(task_active_pid_ns(current)) >=
	       MEMFD_NOEXEC_SCOPE_NOEXEC_ENFORCED;
#else
	return false;
#endif
}

static struct file *make_memfd(struct ckpt_ctx *ctx,
			       const struct ckpt_hdr_memfd *h, const char *name)
{
	struct file *file;
	int err;

	if (exec_forbidden(h))
		return ERR_PTR(-EACCES);
	if (h->huge)
		file = hugetlb_file_setup(name, h->size, VM_NORESERVE,
					  HUGETLB_ANONHUGE_INODE, h->huge);
	else
		file = shmem_file_setup(name, h->size, VM_NORESERVE);
	if (IS_ERR(file))
		return file;
	if (h->huge)
		err = ckpt_huge_file_read(ctx, file);
	else
		err = ckpt_file_pages_read(ctx, file_inode(file));
	if (!err && h->alloc_end)
		err = ckpt_file_alloc_read(ctx, file_inode(file), h->alloc_end);
	if (!err)
		err = set_all(ctx, &file->f_path, h);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

static bool memfd_valid(const struct ckpt_hdr_memfd *h, const char *name)
{
	if (h->huge && (h->huge <= PAGE_SHIFT || h->huge >= BITS_PER_LONG - 1 ||
			!IS_ALIGNED(h->size, 1ULL << h->huge) || h->alloc_end))
		return false;
	return !(h->mode & ~S_IALLUGO) && !(h->seals & ~MEMFD_SEALS) &&
	       h->size <= MAX_LFS_FILESIZE && !h->reserved &&
	       h->atime_nsec < NSEC_PER_SEC && h->mtime_nsec < NSEC_PER_SEC &&
	       !strncmp(name, MEMFD_PREFIX, strlen(MEMFD_PREFIX));
}

static void *memfd_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_memfd h;
	struct dentry *dentry;
	struct file *file;
	char *name;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_MEMFD, sizeof(h));
	if (err)
		return ERR_PTR(err);
	name = ckpt_read_string(ctx, NAME_MAX + 1);
	if (IS_ERR(name))
		return name;
	if (memfd_valid(&h, name))
		file = make_memfd(ctx, &h, name);
	else
		file = ERR_PTR(ckpt_err(ctx, -EINVAL, "image: memfd: malformed record"));
	kvfree(name);
	if (IS_ERR(file))
		return file;
	dentry = dget(file->f_path.dentry);
	/* a field that nothing else has a use for: this seal has to wait */
	if (h.seals & F_SEAL_FUTURE_WRITE)
		dentry->d_fsdata = dentry;
	fput(file);
	return dentry;
}

static void memfd_commit(struct ckpt_ctx *ctx, void *ptr)
{
	struct dentry *dentry = ptr;

	if (dentry->d_fsdata)
		*seals_of(d_inode(dentry)) |= F_SEAL_FUTURE_WRITE;
	dentry->d_fsdata = NULL;
}

const struct ckpt_obj_ops ckpt_memfd_obj_ops = {
	.name		= "memfd",
	.grab		= memfd_grab,
	.drop		= memfd_drop,
	.users		= memfd_users,
	.checkpoint	= memfd_checkpoint,
	.restore	= memfd_restore,
	.commit		= memfd_commit,
};
