// SPDX-License-Identifier: GPL-2.0
/*
 * Shared anonymous memory: what mmap() makes of MAP_SHARED | MAP_ANONYMOUS,
 * or of a shared mapping of /dev/zero.
 *
 * The object is the struct file inside the kernel that all mappings of the
 * same memory have in common: fork() shares it, and nobody can open it.
 */

#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/xarray.h>

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

/**
 * struct shmem_walk - a walk for the pages of shared memory
 * @inode: where they are
 * @index: where the walk stopped
 * @end: where it ends
 */
struct shmem_walk {
	struct inode *inode;
	unsigned long index;
	unsigned long end;
};

/* Add the pages of @folio from @w->index on, as many as there is room for. */
static int shmem_add(struct shmem_walk *w, struct ckpt_pages *p,
		     struct folio *folio)
{
	unsigned long end = min(folio_next_index(folio), w->end);
	struct page *page;

	for (; w->index < end && p->nr < CKPT_PAGES_MAX_PAGES; w->index++) {
		page = folio_file_page(folio, w->index);
		if (PageHWPoison(page))
			return -EHWPOISON;
		folio_get(folio);
		p->page[p->nr] = page;
		p->addr[p->nr] = (w->index << PAGE_SHIFT) | CKPT_PAGE_ZERO_OK;
		p->nr++;
	}
	return 0;
}

static int shmem_walk(struct shmem_walk *w, struct ckpt_pages *p)
{
	struct folio *folio;
	int err;

	while (w->index < w->end &&
	       xa_find(&w->inode->i_mapping->i_pages, &w->index, w->end - 1,
		       XA_PRESENT)) {
		if (p->nr == CKPT_PAGES_MAX_PAGES)
			return 1;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		/* what is swapped out comes back in */
		err = shmem_get_folio(w->inode, w->index, 0, &folio, SGP_READ);
		if (err)
			return err;
		if (!folio) {
			/* allocated, but nobody has written to it */
			w->index++;
			continue;
		}
		folio_unlock(folio);
		err = shmem_add(w, p, folio);
		folio_put(folio);
		if (err)
			return err;
	}
	return 0;
}

static int shmem_gather(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct shmem_walk *w = priv;
	int ret = shmem_walk(w, p);

	if (ret < 0)
		ckpt_err(ctx, ret, "shared memory (inode %lu) at %#lx cannot be read: error %d",
			 w->inode->i_ino, w->index << PAGE_SHIFT, ret);
	return ret;
}

/**
 * ckpt_shmem_write - write the pages of a file in the kernel's own tmpfs
 * @ctx: the context
 * @file: shared anonymous memory, or that of a System V segment
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_shmem_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct inode *inode = file_inode(file);
	struct shmem_walk w = {
		.inode = inode,
		.end = DIV_ROUND_UP(i_size_read(inode), PAGE_SIZE),
	};
	u64 begin = ktime_get_ns();
	int err;

	err = ckpt_pages_write(ctx, shmem_gather, &w);
	ctx->stats.memory_ns += ktime_get_ns() - begin;
	return err;
}

static int shmem_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct inode *inode = file_inode(ptr);
	struct ckpt_hdr_shmem h = {
		.size = i_size_read(inode),
		.flags = SHMEM_I(inode)->flags & VM_NORESERVE,
	};
	int err;

	err = ckpt_write_rec(ctx, &h, CKPT_HDR_SHMEM, sizeof(h));
	if (!err)
		err = ckpt_write_string(ctx, SHMEM_NAME);
	return err ?: ckpt_shmem_write(ctx, ptr);
}

/* The page at @index, allocated, with a reference; its content is undefined. */
static struct page *shmem_new_page(struct inode *inode, unsigned long index)
{
	struct folio *folio;
	int err;

	err = shmem_get_folio(inode, index, 0, &folio, SGP_WRITE);
	if (err)
		return ERR_PTR(err);
	/* of a large one, only some pages may be in the image */
	if (folio_test_large(folio) && !folio_test_uptodate(folio)) {
		folio_zero_range(folio, 0, folio_size(folio));
		folio_mark_uptodate(folio);
	}
	/*
	 * Nobody has this file mapped, and the reference keeps reclaim off:
	 * no need to hold the lock while the image is read.
	 */
	folio_unlock(folio);
	return folio_file_page(folio, index);
}

static int shmem_alloc(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct page *page;
	unsigned int i, j;

	for (i = 0; i < p->in->nr_extents; i++) {
		const struct ckpt_extent *ext = &p->in->extents[i];

		for (j = 0; j < ext->nr_pages; j++) {
			page = shmem_new_page(priv,
					      (ext->addr >> PAGE_SHIFT) + j);
			if (IS_ERR(page))
				return PTR_ERR(page);
			p->page[p->nr++] = page;
		}
	}
	return 0;
}

static int shmem_install(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct folio *folio;
	unsigned int i;

	for (i = 0; i < p->nr; i++) {
		folio = page_folio(p->page[i]);
		folio_mark_uptodate(folio);
		folio_mark_dirty(folio);
	}
	return 0;
}

static const struct ckpt_load_ops shmem_load_ops = {
	.alloc		= shmem_alloc,
	.install	= shmem_install,
	.drop		= ckpt_pages_put,
};

/**
 * ckpt_shmem_read - read the pages of a file in the kernel's own tmpfs
 * @ctx: the context
 * @file: as for ckpt_shmem_write(), new, and mapped by nobody
 *
 * Context: the restoring task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_shmem_read(struct ckpt_ctx *ctx, struct file *file)
{
	struct inode *inode = file_inode(file);
	u64 begin = ktime_get_ns();
	int err;

	err = ckpt_pages_read(ctx, PAGE_ALIGN(i_size_read(inode)),
			      &shmem_load_ops, inode);
	ctx->stats.memory_ns += ktime_get_ns() - begin;
	return err;
}

static void *shmem_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_shmem h;
	struct file *file;
	char *name;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_SHMEM, sizeof(h));
	if (err)
		return ERR_PTR(err);
	name = ckpt_read_string(ctx, sizeof(SHMEM_NAME));
	if (IS_ERR(name))
		return name;
	err = strcmp(name, SHMEM_NAME);
	kvfree(name);
	if (err || !h.size || !PAGE_ALIGNED(h.size) ||
	    h.size > MAX_LFS_FILESIZE || (h.flags & ~VM_NORESERVE)) {
		err = ckpt_err(ctx, -EINVAL, "image: shared anonymous memory: malformed record");
		return ERR_PTR(err);
	}

	/* as for mmap(): with strict overcommit all of it is accounted */
	if (sysctl_overcommit_memory == OVERCOMMIT_NEVER)
		h.flags = 0;
	file = shmem_kernel_file_setup(SHMEM_NAME, h.size, h.flags);
	if (IS_ERR(file)) {
		ckpt_err(ctx, PTR_ERR(file), "%llu bytes of shared anonymous memory cannot be had",
			 h.size);
		return file;
	}
	err = ckpt_shmem_read(ctx, file);
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
