// SPDX-License-Identifier: GPL-2.0
/*
 * Shared anonymous memory: what mmap() makes of MAP_SHARED | MAP_ANONYMOUS,
 * or of a shared mapping of /dev/zero.
 *
 * The object is the struct file inside the kernel that all mappings of the
 * same memory have in common: fork() shares it, and nobody can open it. So it is
 * with huge pages of hugetlbfs, where memory that is private has one, too.
 */

#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/shmem_fs.h>

#include "checkpoint.h"

/* The name that shmem_zero_setup() gives it */
#define SHMEM_NAME	"dev/zero"

/**
 * ckpt_is_shmem - is a mapping one of shared anonymous memory?
 * @vma: the mapping
 *
 * Context: the mmap lock is held.
 * Return: true if it is; @vma->vm_file is the object then. Not for a file in
 * tmpfs, for a memfd or for System V shared memory.
 */
bool ckpt_is_shmem(struct vm_area_struct *vma)
{
	return vma->vm_file && IS_PRIVATE(file_inode(vma->vm_file)) &&
	       (vma->vm_flags & VM_SHARED) && vma_is_anon_shmem(vma);
}

static void shmem_grab(void *ptr)
{
	get_file(ptr);
}

static void shmem_drop(void *ptr)
{
	fput(ptr);
}

/*
 * /proc/PID/map_files can be opened: another file with the same pages. Whoever
 * only looks a path up there holds the dentry for a moment.
 */
static int shmem_users(void *ptr)
{
	struct file *file = ptr;

	return file_count(file) + d_count(file->f_path.dentry) - 1;
}

static int shmem_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct inode *inode = file_inode(ptr);
	struct ckpt_hdr_shmem h = {
		.size = i_size_read(inode),
		.huge = ckpt_huge_shift(ptr),
	};
	int err;

	if (!h.huge)
		h.flags = SHMEM_I(inode)->flags & VM_NORESERVE;
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_SHMEM, sizeof(h));
	if (!err)
		err = ckpt_write_string(ctx, h.huge ? HUGETLB_ANON_FILE :
						      SHMEM_NAME);
	return err ?: ckpt_file_pages_write(ctx, inode);
}

static struct file *make_file(const struct ckpt_hdr_shmem *h)
{
	unsigned long flags = h->flags;

	/* what is to be reserved is when it is mapped */
	if (h->huge)
		return hugetlb_file_setup(HUGETLB_ANON_FILE, h->size,
					  VM_NORESERVE, HUGETLB_ANONHUGE_INODE,
					  h->huge);
	/* as for mmap(): with strict overcommit all of it is accounted */
	if (sysctl_overcommit_memory == OVERCOMMIT_NEVER)
		flags = 0;
	return shmem_kernel_file_setup(SHMEM_NAME, h->size, flags);
}

static bool shmem_valid(const struct ckpt_hdr_shmem *h, const char *name)
{
	if (strcmp(name, h->huge ? HUGETLB_ANON_FILE : SHMEM_NAME) ||
	    !h->size || h->size > MAX_LFS_FILESIZE)
		return false;
	if (h->huge)
		return h->huge > PAGE_SHIFT && h->huge < BITS_PER_LONG - 1 &&
		       IS_ALIGNED(h->size, 1ULL << h->huge) && !h->flags;
	return PAGE_ALIGNED(h->size) && !(h->flags & ~(u32)VM_NORESERVE);
}

static void *shmem_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_shmem h;
	struct file *file;
	bool valid;
	char *name;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_SHMEM, sizeof(h));
	if (err)
		return ERR_PTR(err);
	name = ckpt_read_string(ctx, sizeof(HUGETLB_ANON_FILE));
	if (IS_ERR(name))
		return name;
	valid = shmem_valid(&h, name);
	kvfree(name);
	if (!valid) {
		err = ckpt_err(ctx, -EINVAL, "image: shared anonymous memory: malformed record");
		return ERR_PTR(err);
	}

	file = make_file(&h);
	if (IS_ERR(file)) {
		ckpt_err(ctx, PTR_ERR(file), "%llu bytes of shared anonymous memory cannot be had%s",
			 h.size, h.huge ? ": huge pages of this size" : "");
		return file;
	}
	if (h.huge)
		err = ckpt_huge_file_read(ctx, file);
	else
		err = ckpt_file_pages_read(ctx, file_inode(file));
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

const struct ckpt_obj_ops ckpt_shmem_obj_ops = {
	.name		= "shared anonymous memory",
	.grab		= shmem_grab,
	.drop		= shmem_drop,
	.users		= shmem_users,
	.checkpoint	= shmem_checkpoint,
	.restore	= shmem_restore,
};
