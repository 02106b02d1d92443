// SPDX-License-Identifier: GPL-2.0
/*
 * What is in a regular file of a tmpfs or a ramfs, or in shared memory, which
 * is a file in a tmpfs of the kernel's own: its pages, and its holes.
 *
 * A page of zeros of a file is stored, too: SEEK_DATA would tell it from a hole.
 * Of a huge page of hugetlbfs, which is there or not, one is.
 * Pages that fallocate() got and nobody wrote to are only named.
 */

#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/xarray.h>

#include "checkpoint.h"

/**
 * struct file_walk - a walk for the pages of a file
 * @inode: where they are
 * @index: where the walk stopped
 * @end: where it ends
 * @flags: CKPT_PAGE_ZERO_OK if nobody can look for holes in it
 */
struct file_walk {
	struct inode *inode;
	unsigned long index;
	unsigned long end;
	unsigned long flags;
};

static unsigned long pages_end(const struct inode *inode)
{
	return DIV_ROUND_UP_ULL(i_size_read(inode), PAGE_SIZE);
}

/* The folio at @index, referenced, or NULL if nobody has written to it. */
static int get_folio(struct inode *inode, unsigned long index,
		     struct folio **foliop)
{
	struct folio *folio;
	int err;

	if (shmem_mapping(inode->i_mapping)) {
		/* what is swapped out comes back in */
		err = shmem_get_folio(inode, index, 0, foliop, SGP_READ);
		if (!err && *foliop)
			folio_unlock(*foliop);
		return err;
	}
	folio = filemap_get_folio(inode->i_mapping, index);
	if (IS_ERR(folio)) {
		folio = NULL;
	} else if (!folio_test_uptodate(folio)) {
		folio_put(folio);
		folio = NULL;
	}
	*foliop = folio;
	return 0;
}

/* Add the pages of @folio from @w->index on, as many as there is room for. */
static int add_folio(struct file_walk *w, struct ckpt_pages *p,
		     struct folio *folio)
{
	unsigned long end = min(folio_next_index(folio), w->end);
	unsigned long flags;
	struct page *page;

	for (; w->index < end && p->nr < CKPT_PAGES_MAX_PAGES; w->index++) {
		page = folio_file_page(folio, w->index);
		if (PageHWPoison(page))
			return -EHWPOISON;
		flags = w->flags;
		/* it is there as a whole: its first page stands for it */
		if (folio_test_hugetlb(folio))
			flags = w->index == folio->index ? 0 :
							   CKPT_PAGE_ZERO_OK;
		folio_get(folio);
		p->page[p->nr] = page;
		p->addr[p->nr] = (w->index << PAGE_SHIFT) | flags;
		p->nr++;
	}
	return 0;
}

static int walk_pages(struct file_walk *w, struct ckpt_pages *p)
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
		err = get_folio(w->inode, w->index, &folio);
		if (err)
			return err;
		if (!folio) {
			w->index++;
			continue;
		}
		err = add_folio(w, p, folio);
		folio_put(folio);
		if (err)
			return err;
	}
	return 0;
}

static int file_gather(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct file_walk *w = priv;
	int ret = walk_pages(w, p);

	if (ret < 0)
		ckpt_err(ctx, ret, "%s: inode %lu at %#lx cannot be read: error %d",
			 w->inode->i_sb->s_type->name, w->inode->i_ino,
			 w->index << PAGE_SHIFT, ret);
	return ret;
}

/**
 * ckpt_file_pages_write - write the pages of a file
 * @ctx: the context
 * @inode: a regular file of a tmpfs or a ramfs, or shared memory
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, -EINTR, -EHWPOISON, or the errno of the read or write.
 */
int ckpt_file_pages_write(struct ckpt_ctx *ctx, struct inode *inode)
{
	struct file_walk w = {
		.inode = inode,
		.end = pages_end(inode),
		.flags = IS_PRIVATE(inode) ? CKPT_PAGE_ZERO_OK : 0,
	};
	u64 begin = ktime_get_ns();
	int err;

	err = ckpt_pages_write(ctx, file_gather, &w);
	ctx->stats.memory_ns += ktime_get_ns() - begin;
	return err;
}

/* The page at @index, allocated, with a reference; its content is undefined. */
static struct page *new_page(struct inode *inode, unsigned long index)
{
	struct address_space *mapping = inode->i_mapping;
	struct folio *folio;
	int err;

	if (shmem_mapping(mapping)) {
		err = shmem_get_folio(inode, index, 0, &folio, SGP_WRITE);
		if (err)
			return ERR_PTR(err);
	} else {
		folio = __filemap_get_folio(mapping, index,
					    FGP_LOCK | FGP_CREAT,
					    mapping_gfp_mask(mapping));
		if (IS_ERR(folio))
			return ERR_CAST(folio);
	}
	/* of a large one, only some pages may be in the image */
	if (folio_test_large(folio) && !folio_test_uptodate(folio)) {
		folio_zero_range(folio, 0, folio_size(folio));
		folio_mark_uptodate(folio);
	}
	/*
	 * Nobody else can reach this file, and the reference keeps reclaim
	 * off: no need to hold the lock while the image is read.
	 */
	folio_unlock(folio);
	return folio_file_page(folio, index);
}

static int file_alloc(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct page *page;
	unsigned int i, j;

	for (i = 0; i < p->in->nr_extents; i++) {
		const struct ckpt_extent *ext = &p->in->extents[i];

		for (j = 0; j < ext->nr_pages; j++) {
			page = new_page(priv, (ext->addr >> PAGE_SHIFT) + j);
			if (IS_ERR(page))
				return PTR_ERR(page);
			p->page[p->nr++] = page;
		}
	}
	return 0;
}

static int file_install(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
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

static const struct ckpt_load_ops file_load_ops = {
	.alloc		= file_alloc,
	.install	= file_install,
	.drop		= ckpt_pages_put,
};

/**
 * ckpt_file_pages_read - read the pages of a file
 * @ctx: the context
 * @inode: as for ckpt_file_pages_write(), new, with its size, and nobody else
 *	can reach it
 *
 * Context: the restoring task, may sleep.
 * Return: 0, -EINVAL for a malformed image, -ENOSPC, -ENOMEM, -EINTR, or the
 * errno of the read.
 */
int ckpt_file_pages_read(struct ckpt_ctx *ctx, struct inode *inode)
{
	u64 begin = ktime_get_ns();
	int err;

	err = ckpt_pages_read(ctx, (u64)pages_end(inode) << PAGE_SHIFT,
			      &file_load_ops, inode);
	ctx->stats.memory_ns += ktime_get_ns() - begin;
	return err;
}

/* ------------------------------------------ memory that fallocate() got */

static int write_runs(struct ckpt_ctx *ctx, struct ckpt_hdr_sb_alloc *h)
{
	int err;

	err = ckpt_write_rec(ctx, h, CKPT_HDR_SB_ALLOC,
			     struct_size(h, runs, h->nr));
	h->nr = 0;
	return err;
}

/* Add pages to the runs; write these if there is no room left. */
static int add_run(struct ckpt_ctx *ctx, struct ckpt_hdr_sb_alloc *h,
		   unsigned long index, unsigned long end)
{
	struct ckpt_sb_run *run;
	int err = 0;

	if (h->nr) {
		run = &h->runs[h->nr - 1];
		if (run->index + run->nr == index) {
			run->nr += end - index;
			return 0;
		}
	}
	if (h->nr == CKPT_SB_ALLOC_MAX)
		err = write_runs(ctx, h);
	run = &h->runs[h->nr++];
	run->index = index;
	run->nr = end - index;
	return err;
}

static int write_alloc(struct ckpt_ctx *ctx, struct inode *inode,
		       struct ckpt_hdr_sb_alloc *h)
{
	unsigned long index = 0, next, end = SHMEM_I(inode)->fallocend;
	struct folio *folio;
	int err = 0;

	while (!err && index < end &&
	       xa_find(&inode->i_mapping->i_pages, &index, end - 1,
		       XA_PRESENT)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		next = index + 1;
		folio = filemap_get_entry(inode->i_mapping, index);
		if (folio && !xa_is_value(folio)) {
			next = min(folio_next_index(folio), end);
			if (!folio_test_uptodate(folio))
				err = add_run(ctx, h, index, next);
			folio_put(folio);
		}
		index = next;
	}
	if (!err && h->nr)
		err = write_runs(ctx, h);
	/* one without entries ends this */
	return err ?: write_runs(ctx, h);
}

/**
 * ckpt_file_alloc_write - write what fallocate() got and nobody wrote to
 * @ctx: the context
 * @inode: a regular file of a tmpfs
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, -EINTR, or the errno of the write.
 */
int ckpt_file_alloc_write(struct ckpt_ctx *ctx, struct inode *inode)
{
	struct ckpt_hdr_sb_alloc *h;
	int err;

	h = kzalloc(struct_size(h, runs, CKPT_SB_ALLOC_MAX),
		    GFP_KERNEL_ACCOUNT);
	if (!h)
		return -ENOMEM;
	err = write_alloc(ctx, inode, h);
	kfree(h);
	return err;
}

/* As shmem_fallocate() */
static int alloc_run(struct inode *inode, unsigned long index,
		     unsigned long end)
{
	struct folio *folio;
	int err;

	while (index < end) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		err = shmem_get_folio(inode, index, 0, &folio, SGP_FALLOC);
		if (err)
			return err;
		index = folio_next_index(folio);
		folio_mark_dirty(folio);
		folio_unlock(folio);
		folio_put(folio);
	}
	return 0;
}

/* Returns the number of runs, or a negative errno. */
static int read_runs(struct ckpt_ctx *ctx, struct inode *inode, u64 *pos,
		     u64 end)
{
	struct ckpt_hdr_sb_alloc *h;
	unsigned int i;
	int err = 0;

	h = ckpt_read_rec(ctx, CKPT_HDR_SB_ALLOC, sizeof(*h),
			  struct_size(h, runs, CKPT_SB_ALLOC_MAX));
	if (IS_ERR(h))
		return PTR_ERR(h);
	if (h->nr > CKPT_SB_ALLOC_MAX || h->reserved ||
	    h->h.len != struct_size(h, runs, h->nr))
		err = -EINVAL;
	for (i = 0; !err && i < h->nr; i++) {
		const struct ckpt_sb_run *run = &h->runs[i];

		if (run->index < *pos || run->index >= end || !run->nr ||
		    run->nr > end - run->index) {
			err = -EINVAL;
			break;
		}
		*pos = run->index + run->nr;
		err = alloc_run(inode, run->index, *pos);
	}
	if (err)
		ckpt_err(ctx, err, "memory cannot be allocated to a file of a tmpfs: error %d",
			 err);
	else
		err = h->nr;
	kvfree(h);
	return err;
}

/**
 * ckpt_file_alloc_read - get what fallocate() had got
 * @ctx: the context
 * @inode: a regular file of a tmpfs that nobody else can reach, with its pages
 * @end: page up to which there may be something
 *
 * Context: the restoring task, may sleep.
 * Return: 0, -EINVAL for a malformed image, -ENOSPC, -ENOMEM, -EINTR, or the
 * errno of the read.
 */
int ckpt_file_alloc_read(struct ckpt_ctx *ctx, struct inode *inode, u64 end)
{
	u64 pos = 0;
	int ret;

	if (!shmem_mapping(inode->i_mapping) ||
	    end > inode->i_sb->s_maxbytes >> PAGE_SHIFT)
		return ckpt_err(ctx, -EINVAL, "image: pages up to %llu allocated to a file",
				end);
	do {
		ret = read_runs(ctx, inode, &pos, end);
	} while (ret > 0);
	if (!ret)
		SHMEM_I(inode)->fallocend = end;
	return ret;
}
