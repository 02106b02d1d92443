// SPDX-License-Identifier: GPL-2.0
/*
 * What is in a regular file of any file system, as reading gives it: pages of
 * data, and the holes between them.
 */

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "checkpoint.h"

/**
 * struct data_walk - a walk through a file that is read
 * @file: the file, open for reading
 * @size: its length in bytes
 * @pos: where the walk stopped, a multiple of the page size
 * @end: up to where there is data from there on, likewise
 */
struct data_walk {
	struct file *file;
	loff_t size;
	loff_t pos;
	loff_t end;
};

/* Go to the next data. Returns whether there is any, or a negative errno. */
static int find_data(struct data_walk *w)
{
	loff_t data, hole;

	if (w->pos < w->end)
		return 1;
	if (w->pos >= w->size)
		return 0;
	data = vfs_llseek(w->file, w->pos, SEEK_DATA);
	if (data == -ENXIO)
		return 0;
	hole = data < 0 ? data : vfs_llseek(w->file, data, SEEK_HOLE);
	/* it does not know its holes */
	if (data == -EINVAL || hole == -EINVAL) {
		data = w->pos;
		hole = w->size;
	}
	if (data < 0 || hole < 0)
		return min(data, hole);
	w->pos = max(w->pos, round_down(data, PAGE_SIZE));
	w->end = round_up(min(hole, w->size), PAGE_SIZE);
	return w->pos < w->end;
}

/* New pages behind those that @p has; how many there are to be had */
static unsigned int new_pages(struct ckpt_pages *p, unsigned int nr)
{
	struct page **page = p->page + p->nr;

	memset(page, 0, nr * sizeof(*page));
	nr = alloc_pages_bulk_array(GFP_KERNEL_ACCOUNT, nr, page);
	if (nr)
		return nr;
	*page = alloc_page(GFP_KERNEL_ACCOUNT);
	return !!*page;
}

static void make_bvec(struct ckpt_pages *p, unsigned int from, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		bvec_set_page(&p->bvec[i], p->page[from + i], PAGE_SIZE, 0);
}

static int read_pages(struct data_walk *w, struct ckpt_pages *p,
		      unsigned int nr)
{
	size_t len = (size_t)nr << PAGE_SHIFT;
	loff_t pos = w->pos;
	struct iov_iter iter;
	ssize_t n;

	make_bvec(p, p->nr, nr);
	iov_iter_bvec(&iter, ITER_DEST, p->bvec, nr, len);
	while (iov_iter_count(&iter)) {
		n = ckpt_iter_read(w->file, &iter, &pos);
		if (n < 0)
			return n;
		if (!n)
			break;
	}
	/* behind the end of the file */
	iov_iter_zero(iov_iter_count(&iter), &iter);
	return 0;
}

static int data_walk(struct data_walk *w, struct ckpt_pages *p)
{
	unsigned int nr, i;
	int ret;

	p->own = true;
	while (p->nr < CKPT_PAGES_MAX_PAGES) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		ret = find_data(w);
		if (ret <= 0)
			return ret;
		nr = min_t(loff_t, (w->end - w->pos) >> PAGE_SHIFT,
			   CKPT_PAGES_MAX_PAGES - p->nr);
		nr = new_pages(p, nr);
		if (!nr)
			return -ENOMEM;
		ret = read_pages(w, p, nr);
		for (i = 0; i < nr; i++)
			p->addr[p->nr + i] = w->pos + ((loff_t)i << PAGE_SHIFT);
		p->nr += nr;
		if (ret)
			return ret;
		w->pos += (loff_t)nr << PAGE_SHIFT;
	}
	return 1;
}

static int data_gather(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct data_walk *w = priv;
	int ret = data_walk(w, p);

	if (ret < 0)
		ckpt_err(ctx, ret, "'%pD' at %#llx cannot be read: error %d",
			 w->file, w->pos, ret);
	return ret;
}

/**
 * ckpt_file_data_write - write what is in a file
 * @ctx: the context of a checkpoint
 * @file: a regular file, open for reading
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, -EINTR, or the errno of the read or write.
 */
int ckpt_file_data_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct data_walk w = {
		.file = file,
		.size = i_size_read(file_inode(file)),
	};
	u64 begin = ktime_get_ns();
	int err;

	err = ckpt_pages_write(ctx, data_gather, &w);
	ctx->stats.memory_ns += ktime_get_ns() - begin;
	return err;
}

static int data_alloc(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	unsigned int i, n, nr = 0;

	for (i = 0; i < p->in->nr_extents; i++)
		nr += p->in->extents[i].nr_pages;
	while (nr) {
		n = new_pages(p, nr);
		if (!n)
			return -ENOMEM;
		p->nr += n;
		nr -= n;
	}
	return 0;
}

static int write_extent(struct file *file, struct ckpt_pages *p,
			unsigned int from, const struct ckpt_extent *ext)
{
	size_t len = (size_t)ext->nr_pages << PAGE_SHIFT;
	loff_t pos = ext->addr;
	struct iov_iter iter;
	ssize_t n;

	len = min_t(loff_t, len, i_size_read(file_inode(file)) - pos);
	make_bvec(p, from, ext->nr_pages);
	iov_iter_bvec(&iter, ITER_SOURCE, p->bvec, ext->nr_pages, len);
	while (iov_iter_count(&iter)) {
		n = ckpt_iter_write(file, &iter, &pos);
		if (n <= 0)
			return n ?: -EIO;
	}
	return 0;
}

static int data_install(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	unsigned int i, from = 0;
	int err;

	for (i = 0; i < p->in->nr_extents; i++) {
		err = write_extent(priv, p, from, &p->in->extents[i]);
		if (err)
			return err;
		from += p->in->extents[i].nr_pages;
		cond_resched();
	}
	return 0;
}

static const struct ckpt_load_ops data_load_ops = {
	.alloc		= data_alloc,
	.install	= data_install,
	.drop		= ckpt_pages_put,
};

/**
 * ckpt_file_data_read - read what is in a file
 * @ctx: the context of a restart
 * @file: a regular file, open for writing, that is a hole of its full length
 *
 * Context: the restoring task, may sleep.
 * Return: 0, -EINVAL for a malformed image, -ENOMEM, -EINTR, or the errno of
 * the read or write.
 */
int ckpt_file_data_read(struct ckpt_ctx *ctx, struct file *file)
{
	u64 end = round_up(i_size_read(file_inode(file)), PAGE_SIZE);
	u64 begin = ktime_get_ns();
	int err;

	err = ckpt_pages_read(ctx, end, &data_load_ops, file);
	ctx->stats.memory_ns += ktime_get_ns() - begin;
	return err;
}
