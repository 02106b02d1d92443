// SPDX-License-Identifier: GPL-2.0
/*
 * Pages in the image: records of extents, each with its payload behind it.
 *
 * Pages that lie side by side in memory become one segment of the payload,
 * so that whoever moves it has few of them to look at. Checksums are left to
 * another CPU, while this one writes the record before, or reads the one
 * behind.
 */

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/xxhash.h>

#include "checkpoint.h"

/* Fewer pages than this are not worth waking another CPU for */
#define CKPT_PAGES_FEW	64

/**
 * ckpt_pages_alloc - an empty buffer for pages
 * @work: what another CPU can do for it
 *
 * Context: process context, may sleep.
 * Return: the buffer, to be freed with kvfree(), or NULL.
 */
struct ckpt_pages *ckpt_pages_alloc(work_func_t work)
{
	struct ckpt_pages *p;

	p = kvmalloc(struct_size(p, rec.extents, CKPT_PAGES_MAX_EXTENTS),
		     GFP_KERNEL_ACCOUNT);
	if (!p)
		return NULL;
	p->nr = 0;
	p->done = 0;
	p->queued = false;
	p->own = false;
	p->in = NULL;
	INIT_WORK(&p->work, work);
	return p;
}

/* Let another CPU do the work, if it is worth it. */
static void pages_start_work(struct ckpt_pages *p)
{
	p->queued = p->nr >= CKPT_PAGES_FEW;
	if (p->queued)
		queue_work(system_unbound_wq, &p->work);
}

/* Wait until work that was started is done. Returns whether there was any. */
static bool pages_wait_work(struct ckpt_pages *p)
{
	bool queued = p->queued;

	if (queued)
		flush_work(&p->work);
	p->queued = false;
	return queued;
}

/**
 * ckpt_pages_put - drop the pages, each with a reference of its own
 * @p: empty afterwards
 *
 * Context: process context, may sleep.
 */
void ckpt_pages_put(struct ckpt_pages *p)
{
	struct folio *folio;
	unsigned int i, n;

	for (i = 0; i < p->nr; i += n) {
		folio = page_folio(p->page[i]);
		n = 1;
		while (i + n < p->nr && page_folio(p->page[i + n]) == folio)
			n++;
		folio_put_refs(folio, n);
	}
	p->nr = 0;
	p->done = 0;
}

static bool page_is_zero(struct page *page)
{
	void *kaddr = kmap_local_page(page);
	bool zero = !memchr_inv(kaddr, 0, PAGE_SIZE);

	kunmap_local(kaddr);
	return zero;
}

static void page_hash(struct xxh64_state *xxh, struct page *page)
{
	void *kaddr = kmap_local_page(page);

	xxh64_update(xxh, kaddr, PAGE_SIZE);
	kunmap_local(kaddr);
}

/* Add a page to the payload, which has @nr segments so far. */
static unsigned int bvec_add(struct bio_vec *bvec, unsigned int nr,
			     struct page *page)
{
	struct bio_vec *last;

	if (nr) {
		last = bvec + nr - 1;
		if (page_to_pfn(page) == page_to_pfn(last->bv_page) +
					 (last->bv_len >> PAGE_SHIFT)) {
			last->bv_len += PAGE_SIZE;
			return nr;
		}
	}
	bvec_set_page(bvec + nr, page, PAGE_SIZE, 0);
	return nr + 1;
}

/* ------------------------------------------------------------- writing */

/* Nothing more comes into @ext, which may be NULL. */
static void end_extent(struct ckpt_extent *ext, struct xxh64_state *xxh)
{
	if (ext && ext->kind != CKPT_EXTENT_SAME)
		ext->xxh64 = xxh64_digest(xxh);
}

/* Make a record of the pages from @p->done on, as many as it has room for. */
static void make_record(struct ckpt_pages *p)
{
	struct ckpt_hdr_pages *rec = &p->rec;
	struct ckpt_extent *ext = NULL;
	unsigned long addr, flags, end = 0;
	struct xxh64_state xxh;
	struct page *page;
	u32 from, kind;

	rec->nr_extents = 0;
	p->nr_bvec = 0;
	p->nr_rec = 0;
	for (; p->done < p->nr; p->done++) {
		page = p->page[p->done];
		addr = p->addr[p->done] & PAGE_MASK;
		flags = p->addr[p->done] & ~PAGE_MASK;
		from = flags & CKPT_PAGE_COW ? p->from[p->done] : 0;
		/* where one of zeros is not in the image, it is in none */
		if (!from && (flags & CKPT_PAGE_ZERO_OK) && page_is_zero(page))
			continue;
		kind = CKPT_EXTENT_DATA;
		if (flags & CKPT_PAGE_COW)
			kind = from ? CKPT_EXTENT_SAME : CKPT_EXTENT_COW;
		if (!ext || addr != end || (flags & CKPT_PAGE_FIRST) ||
		    ext->kind != kind || (from && ext->from != from)) {
			if (rec->nr_extents == CKPT_PAGES_MAX_EXTENTS)
				break;
			end_extent(ext, &xxh);
			ext = &rec->extents[rec->nr_extents++];
			ext->addr = addr;
			ext->nr_pages = 0;
			ext->kind = kind;
			ext->from = from;
			xxh64_reset(&xxh, 0);
		}
		ext->nr_pages++;
		end = addr + PAGE_SIZE;
		if (from)
			continue;
		page_hash(&xxh, page);
		p->nr_bvec = bvec_add(p->bvec, p->nr_bvec, page);
		p->nr_rec++;
	}
	end_extent(ext, &xxh);
}

static void make_record_work(struct work_struct *work)
{
	make_record(container_of(work, struct ckpt_pages, work));
}

static int write_record(struct ckpt_ctx *ctx, struct ckpt_pages *p)
{
	struct ckpt_hdr_pages *rec = &p->rec;
	size_t len = struct_size(rec, extents, rec->nr_extents);
	int err;

	if (!rec->nr_extents)
		return 0;
	rec->pad = p->nr_rec ? ckpt_payload_pad(ctx, len) : 0;
	err = ckpt_write_rec(ctx, rec, CKPT_HDR_PAGES, len);
	if (!err && p->nr_rec)
		err = ckpt_write_payload(ctx, rec->pad, p->bvec, p->nr_bvec,
					 (size_t)p->nr_rec << PAGE_SHIFT);
	ctx->stats.pages += p->nr_rec;
	cond_resched();
	return err;
}

/* Write the pages and drop them. */
static int write_pages(struct ckpt_ctx *ctx, struct ckpt_pages *p)
{
	int err;

	if (!pages_wait_work(p))
		make_record(p);
	err = write_record(ctx, p);
	while (!err && p->done < p->nr) {
		make_record(p);
		err = write_record(ctx, p);
	}
	ckpt_pages_put(p);
	return err;
}

static int write_end(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_pages rec = {};

	return ckpt_write_rec(ctx, &rec, CKPT_HDR_PAGES, sizeof(rec));
}

static int pages_write(struct ckpt_ctx *ctx, ckpt_gather_t *gather, void *priv)
{
	struct ckpt_pages *p = ckpt_pages_alloc(make_record_work), *next = NULL;
	int more, err = 0;

	if (!p)
		return -ENOMEM;
	more = gather(ctx, p, priv);
	if (more > 0) {
		next = ckpt_pages_alloc(make_record_work);
		if (!next)
			err = -ENOMEM;
	}
	while (more > 0 && !err) {
		more = gather(ctx, next, priv);
		if (more < 0)
			break;
		pages_start_work(next);
		err = write_pages(ctx, p);
		swap(p, next);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
	}
	if (more < 0)
		err = more;
	if (!err)
		err = write_pages(ctx, p);
	if (!err)
		err = write_end(ctx);
	pages_wait_work(p);
	ckpt_pages_put(p);
	kvfree(p);
	if (next)
		ckpt_pages_put(next);
	kvfree(next);
	return err;
}

/* ---------------------------------- copies, written once the tree runs */

/**
 * struct kept - pages that are kept, as they were gathered
 * @batches: of struct kept_batch
 * @gather: gathers those behind them, or NULL
 * @priv: for @gather
 */
struct kept {
	struct list_head batches;
	ckpt_gather_t *gather;
	void *priv;
};

/**
 * struct kept_batch - some of them
 * @list: in the list of struct kept
 * @nr: how many
 * @pages: they, with what struct ckpt_pages has of them
 */
struct kept_batch {
	struct list_head list;
	unsigned int nr;
	struct {
		struct page *page;
		unsigned long addr;
	} pages[] __counted_by(nr);
};

static void kept_free(void *priv)
{
	struct kept_batch *batch, *next;
	struct kept *kept = priv;
	unsigned int i;

	list_for_each_entry_safe(batch, next, &kept->batches, list) {
		for (i = 0; i < batch->nr; i++)
			put_page(batch->pages[i].page);
		kvfree(batch);
		cond_resched();
	}
	kfree(kept);
}

static int kept_gather(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct kept *kept = priv;
	struct kept_batch *batch;

	batch = list_first_entry_or_null(&kept->batches, struct kept_batch,
					 list);
	if (!batch)
		return kept->gather ? kept->gather(ctx, p, kept->priv) : 0;
	for (; p->nr < batch->nr; p->nr++) {
		p->page[p->nr] = batch->pages[p->nr].page;
		p->addr[p->nr] = batch->pages[p->nr].addr;
		p->from[p->nr] = 0;
	}
	list_del(&batch->list);
	kvfree(batch);
	return !list_empty(&kept->batches) || kept->gather;
}

static int kept_write(struct ckpt_ctx *ctx, void *priv)
{
	return pages_write(ctx, kept_gather, priv);
}

/* The pages become those of @kept. */
static int keep(struct kept *kept, struct ckpt_pages *p)
{
	struct kept_batch *batch;
	unsigned int i;

	if (!p->nr)
		return 0;
	batch = kvmalloc(struct_size(batch, pages, p->nr), GFP_KERNEL_ACCOUNT);
	if (!batch)
		return -ENOMEM;
	batch->nr = p->nr;
	for (i = 0; i < p->nr; i++) {
		batch->pages[i].page = p->page[i];
		batch->pages[i].addr = p->addr[i];
	}
	list_add_tail(&batch->list, &kept->batches);
	p->nr = 0;
	return 0;
}

/* Put copies in the place of the pages. Returns whether there was memory. */
static bool copy_pages(struct ckpt_pages *p)
{
	unsigned int i, nr = 0;
	struct page *page;
	bool ok = true;

	for (i = 0; i < p->nr; i++) {
		page = p->page[i];
		if ((p->addr[i] & CKPT_PAGE_ZERO_OK) && page_is_zero(page)) {
			put_page(page);
			continue;
		}
		page = ok ? alloc_page(CKPT_GFP_SNAPSHOT) : NULL;
		ok = page;
		if (ok) {
			copy_highpage(page, p->page[i]);
			put_page(p->page[i]);
		}
		/* the others are as good while nobody changes them */
		p->page[nr] = page ?: p->page[i];
		p->addr[nr++] = p->addr[i];
	}
	p->nr = nr;
	return ok;
}

/* Keep what @gather gives. Returns 1 if there is no room for more of it. */
static int gather_kept(struct ckpt_ctx *ctx, struct kept *kept,
		       struct ckpt_pages *p)
{
	bool room;
	int more, err;

	do {
		p->own = false;
		more = kept->gather(ctx, p, kept->priv);
		if (more < 0)
			return more;
		room = ckpt_snapshot_take(ctx, p->nr) &&
		       (p->own || copy_pages(p));
		if (room)
			ctx->stats.copied += p->nr;
		err = keep(kept, p);
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (more && room);
	if (!more)
		kept->gather = NULL;
	return !room;
}

static int pages_keep(struct ckpt_ctx *ctx, ckpt_gather_t *gather, void *priv)
{
	struct kept *kept = kmalloc(sizeof(*kept), GFP_KERNEL_ACCOUNT);
	struct ckpt_pages *p = ckpt_pages_alloc(make_record_work);
	int ret = -ENOMEM;

	if (!kept || !p)
		goto free;
	INIT_LIST_HEAD(&kept->batches);
	kept->gather = gather;
	kept->priv = priv;
	ret = gather_kept(ctx, kept, p);
	if (!ret && ckpt_snapshot_later(ctx, kept_write, kept_free, kept))
		ret = 1;
	if (ret > 0)
		ret = ckpt_snapshot_give_up(ctx, "no memory for what is shared, or in files");
	if (!ret && !ctx->snapshot)
		ret = pages_write(ctx, kept_gather, kept);
	if (ret || !ctx->snapshot)
		kept_free(kept);
	ckpt_pages_put(p);
	kvfree(p);
	return ret;

free:
	kfree(kept);
	kvfree(p);
	return ret;
}

/**
 * ckpt_pages_write - write the pages of an object
 * @ctx: the context
 * @gather: fills in the pages
 * @priv: for @gather
 *
 * While a snapshot is taken they are copied, and written later.
 *
 * Context: process context, may sleep; no locks held, since the image may be
 * slow.
 * Return: 0, -ENOMEM, -EINTR, or the errno of @gather or of the write.
 */
int ckpt_pages_write(struct ckpt_ctx *ctx, ckpt_gather_t *gather, void *priv)
{
	if (ctx->snapshot)
		return pages_keep(ctx, gather, priv);
	return pages_write(ctx, gather, priv);
}

/* ------------------------------------------------------------- reading */

/*
 * Check the extents of a record: in order, page aligned, between *@pos and
 * @end, and not too many. *@pos is moved behind them.
 */
static bool record_valid(const struct ckpt_hdr_pages *rec, u64 *pos, u64 end,
			 bool cow)
{
	unsigned int i, room = CKPT_PAGES_MAX_PAGES;

	if (rec->nr_extents > CKPT_PAGES_MAX_EXTENTS ||
	    rec->h.len != struct_size(rec, extents, rec->nr_extents))
		return false;
	for (i = 0; i < rec->nr_extents; i++) {
		const struct ckpt_extent *ext = &rec->extents[i];
		u64 len = (u64)ext->nr_pages << PAGE_SHIFT;

		if (ext->kind >= CKPT_EXTENT_MAX ||
		    (ext->kind != CKPT_EXTENT_DATA && !cow) ||
		    !ext->nr_pages || !PAGE_ALIGNED(ext->addr) ||
		    ext->addr < *pos || ext->addr > end ||
		    len > end - ext->addr)
			return false;
		*pos = ext->addr + len;
		if (ext->kind == CKPT_EXTENT_SAME)
			continue;
		if (ext->nr_pages > room)
			return false;
		room -= ext->nr_pages;
	}
	/* without a payload there is none before it */
	return room < CKPT_PAGES_MAX_PAGES || !rec->pad;
}

static int read_record(struct ckpt_ctx *ctx, struct ckpt_pages *p, u64 *pos,
		       u64 end, bool cow)
{
	struct ckpt_hdr_pages *rec;

	rec = ckpt_read_rec(ctx, CKPT_HDR_PAGES, sizeof(*rec),
			    struct_size(rec, extents, CKPT_PAGES_MAX_EXTENTS));
	if (IS_ERR(rec))
		return PTR_ERR(rec);
	p->in = rec;
	if (record_valid(rec, pos, end, cow))
		return 0;
	return ckpt_err(ctx, -EINVAL, "image: pages after %#llx: malformed record",
			*pos);
}

static void verify(struct ckpt_pages *p)
{
	const struct ckpt_hdr_pages *rec = p->in;
	struct xxh64_state xxh;
	unsigned int i, j, n = 0;

	p->err = 0;
	for (i = 0; i < rec->nr_extents; i++) {
		if (rec->extents[i].kind == CKPT_EXTENT_SAME)
			continue;
		xxh64_reset(&xxh, 0);
		for (j = 0; j < rec->extents[i].nr_pages; j++)
			page_hash(&xxh, p->page[n++]);
		if (xxh64_digest(&xxh) != rec->extents[i].xxh64)
			p->err = -EINVAL;
	}
}

static void verify_work(struct work_struct *work)
{
	verify(container_of(work, struct ckpt_pages, work));
}

static int read_payload(struct ckpt_ctx *ctx, struct ckpt_pages *p)
{
	unsigned int i;
	int err;

	p->nr_bvec = 0;
	if (!p->nr)
		return 0;
	for (i = 0; i < p->nr; i++)
		p->nr_bvec = bvec_add(p->bvec, p->nr_bvec, p->page[i]);
	err = ckpt_read_payload(ctx, p->in->pad, p->bvec, p->nr_bvec,
				(size_t)p->nr << PAGE_SHIFT);
	if (err)
		return err;
	ctx->stats.pages += p->nr;
	pages_start_work(p);
	return 0;
}

static int verify_and_install(struct ckpt_ctx *ctx, struct ckpt_pages *p,
			      const struct ckpt_load_ops *ops, void *priv)
{
	if (!pages_wait_work(p))
		verify(p);
	if (p->err)
		return ckpt_err(ctx, p->err, "image: damaged: pages from %#llx on do not match their checksums",
				p->in->extents[0].addr);
	cond_resched();
	return ops->install(ctx, p, priv);
}

/* Drop what is left of a record. */
static void drop_record(struct ckpt_pages *p, const struct ckpt_load_ops *ops)
{
	pages_wait_work(p);
	ops->drop(p);
	kvfree(p->in);
	p->in = NULL;
	p->nr = 0;
	p->done = 0;
}

/**
 * ckpt_pages_read - read the pages of an object
 * @ctx: the context
 * @end: end of what there may be pages for
 * @ops: where they go
 * @priv: for @ops
 *
 * Context: the restoring task, may sleep; no locks held, since the image may
 * be slow.
 * Return: 0, -EINVAL for a malformed record or pages that do not match their
 * checksum, -ENOMEM, -EINTR, or the errno of @ops or of the read.
 */
int ckpt_pages_read(struct ckpt_ctx *ctx, u64 end,
		    const struct ckpt_load_ops *ops, void *priv)
{
	struct ckpt_pages *p = NULL, *next = ckpt_pages_alloc(verify_work);
	bool last = false;
	int err = next ? 0 : -ENOMEM;
	u64 pos = 0;

	while (!err && !last) {
		err = read_record(ctx, next, &pos, end, ops->cow);
		if (err)
			break;
		last = !next->in->nr_extents;
		if (!last)
			err = ops->alloc(ctx, next, priv);
		if (!last && !err)
			err = read_payload(ctx, next);
		if (p && !err)
			err = verify_and_install(ctx, p, ops, priv);
		if (fatal_signal_pending(current))
			err = -EINTR;
		if (p) {
			drop_record(p, ops);
		} else if (!last && !err) {
			p = ckpt_pages_alloc(verify_work);
			if (!p)
				err = -ENOMEM;
		}
		swap(p, next);
	}
	if (p)
		drop_record(p, ops);
	if (next)
		drop_record(next, ops);
	kvfree(p);
	kvfree(next);
	return err;
}
