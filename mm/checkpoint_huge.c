// SPDX-License-Identifier: GPL-2.0
/*
 * Huge pages of hugetlbfs: in memory that was asked for with MAP_HUGETLB,
 * SHM_HUGETLB or MFD_HUGETLB. All of these are files in a mount of the
 * kernel's own; private memory is in the page tables.
 */

#include <linux/dcache.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "checkpoint.h"

/**
 * ckpt_huge_internal - is a file of hugetlbfs in a mount of the kernel's own?
 * @file: the file
 *
 * Return: true if it is: nobody can find it by a path.
 */
bool ckpt_huge_internal(struct file *file)
{
	return is_file_hugepages(file) &&
	       (file_inode(file)->i_sb->s_flags & SB_KERNMOUNT);
}

/**
 * ckpt_huge_anon - is a mapping one of MAP_ANONYMOUS | MAP_HUGETLB?
 * @vma: the mapping
 *
 * Context: the mmap lock is held.
 * Return: true if it is; @vma->vm_file is the object then.
 */
bool ckpt_huge_anon(struct vm_area_struct *vma)
{
	return is_vm_hugetlb_page(vma) && ckpt_huge_internal(vma->vm_file) &&
	       !strcmp(vma->vm_file->f_path.dentry->d_name.name,
		       HUGETLB_ANON_FILE);
}

#ifdef CONFIG_HUGETLBFS
/**
 * ckpt_huge_shift - the size of the pages of a file
 * @file: the file
 *
 * Return: its logarithm, or 0 for pages of the usual size.
 */
unsigned int ckpt_huge_shift(struct file *file)
{
	return is_file_hugepages(file) ? huge_page_shift(hstate_file(file)) : 0;
}

/**
 * ckpt_huge_reserved - are pages reserved for the whole of a file?
 * @inode: a file of huge pages, which tasks that are parked use
 *
 * Context: process context.
 * Return: true if they are.
 */
bool ckpt_huge_reserved(struct inode *inode)
{
	struct resv_map *map = inode->i_data.i_private_data;
	struct file_region *first;
	bool all;

	spin_lock(&map->lock);
	first = list_first_entry_or_null(&map->regions, struct file_region,
					 link);
	all = first && !first->from &&
	      first->to >= i_size_read(inode) >>
			   huge_page_shift(hstate_inode(inode));
	spin_unlock(&map->lock);
	return all;
}

/* The page at @index, with a reference */
static struct page *huge_file_page(struct file *file, unsigned long index)
{
	struct address_space *mapping = file->f_mapping;
	struct folio *folio;
	int err;

	folio = filemap_get_folio(mapping, index);
	if (IS_ERR(folio)) {
		err = file->f_op->fallocate(file, FALLOC_FL_KEEP_SIZE,
					    (loff_t)index << PAGE_SHIFT,
					    PAGE_SIZE);
		if (err)
			return ERR_PTR(err);
		folio = filemap_get_folio(mapping, index);
	}
	return IS_ERR(folio) ? ERR_CAST(folio) : folio_file_page(folio, index);
}

static int huge_file_alloc(struct ckpt_ctx *ctx, struct ckpt_pages *p,
			   void *priv)
{
	struct page *page;
	unsigned int i, j;

	for (i = 0; i < p->in->nr_extents; i++) {
		const struct ckpt_extent *ext = &p->in->extents[i];

		for (j = 0; j < ext->nr_pages; j++) {
			page = huge_file_page(priv,
					      (ext->addr >> PAGE_SHIFT) + j);
			if (IS_ERR(page))
				return ckpt_err(ctx, PTR_ERR(page), "huge pages cannot be had: error %ld",
						PTR_ERR(page));
			p->page[p->nr++] = page;
		}
	}
	return 0;
}

/* They are where they belong. */
static int huge_install(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	return 0;
}

static const struct ckpt_load_ops huge_load_ops = {
	.alloc		= huge_file_alloc,
	.install	= huge_install,
	.drop		= ckpt_pages_put,
};

/**
 * ckpt_huge_file_read - read the pages of a file of huge pages
 * @ctx: the context
 * @file: the file, new, with its size, and nobody else can reach it
 *
 * Context: the restoring task, may sleep.
 * Return: 0, -EINVAL for a malformed image, -ENOSPC, -ENOMEM, -EINTR, or the
 * errno of the read.
 */
int ckpt_huge_file_read(struct ckpt_ctx *ctx, struct file *file)
{
	u64 begin = ktime_get_ns();
	int err;

	err = ckpt_pages_read(ctx, i_size_read(file_inode(file)),
			      &huge_load_ops, file);
	ctx->stats.memory_ns += ktime_get_ns() - begin;
	return err;
}
#endif
