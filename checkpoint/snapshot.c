// SPDX-License-Identifier: GPL-2.0
/*
 * A checkpoint by copy on write: the image is gathered in memory while the tree
 * is parked, and written once it runs again.
 *
 * What is gathered is a list, in the order of the image: bytes of records, and
 * things that are written later, such as the pages of an address space, of
 * which there is a duplicate by then. The image is the same as one that is
 * written at once.
 *
 * Should memory run short, what was gathered so far is written while the tree
 * is parked, and all that follows too: see ckpt_snapshot_give_up().
 */

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "internal.h"

/**
 * struct later - a piece of the image that is to be written
 * @list: in the list of struct ckpt_snapshot
 * @write: writes it; NULL for @data
 * @free: frees @priv, written or not; may be NULL
 * @priv: for both
 * @len: bytes in @data
 * @data: records, or a part of one
 */
struct later {
	struct list_head list;
	ckpt_later_t *write;
	void (*free)(void *priv);
	void *priv;
	size_t len;
	u8 data[];
};

/* Memory of a piece that has records, and how many bytes of them it has */
#define CKPT_PIECE_PAGES	2
#define CKPT_PIECE_BYTES	\
	(CKPT_PIECE_PAGES * PAGE_SIZE - sizeof(struct later))

/**
 * struct ckpt_snapshot - an image that is being gathered
 * @pieces: of struct later, in the order of the image
 * @room: pages that there still are for it
 */
struct ckpt_snapshot {
	struct list_head pieces;
	unsigned long room;
};

static void later_free(struct later *piece)
{
	list_del(&piece->list);
	if (piece->free)
		piece->free(piece->priv);
	kfree(piece);
}

static void snapshot_free(struct ckpt_snapshot *snap)
{
	struct later *piece, *next;

	list_for_each_entry_safe(piece, next, &snap->pieces, list)
		later_free(piece);
	kfree(snap);
}

/**
 * ckpt_snapshot_free - drop what was gathered and not written
 * @ctx: the context
 *
 * Context: process context, may sleep.
 */
void ckpt_snapshot_free(struct ckpt_ctx *ctx)
{
	if (ctx->snapshot)
		snapshot_free(ctx->snapshot);
	ctx->snapshot = NULL;
	ckpt_dups_free(ctx);
}

/**
 * ckpt_snapshot_begin - gather the image, if that was asked for
 * @ctx: the context; everything is collected, and the tree is parked
 *
 * Where there is no room for the copies that this may take, or so little to
 * be written that it is not worth it, the image is written at once.
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, -EINTR.
 */
int ckpt_snapshot_begin(struct ckpt_ctx *ctx)
{
	struct ckpt_snapshot *snap;
	unsigned long room;
	int ret;

	if (!(ctx->uflags & CHECKPOINT_SNAPSHOT))
		return 0;
	ret = ckpt_snapshot_room(ctx, &room);
	if (ret <= 0)
		return ret;
	snap = kzalloc(sizeof(*snap), GFP_KERNEL_ACCOUNT);
	if (!snap)
		return -ENOMEM;
	INIT_LIST_HEAD(&snap->pieces);
	snap->room = room;
	ctx->snapshot = snap;
	ctx->stats.snapshot = 1;
	return 0;
}

/**
 * ckpt_snapshot_take - take pages of the room that there is
 * @ctx: the context, which has a snapshot
 * @nr: how many
 *
 * Return: whether there were so many.
 */
bool ckpt_snapshot_take(struct ckpt_ctx *ctx, unsigned long nr)
{
	struct ckpt_snapshot *snap = ctx->snapshot;

	if (snap->room < nr)
		return false;
	snap->room -= nr;
	return true;
}

/*
 * Not at any price: whoever is killed for want of memory must not be killed for
 * a checkpoint.
 */
static struct later *later_alloc(struct ckpt_snapshot *snap, size_t size)
{
	struct later *piece;

	piece = kmalloc(struct_size(piece, data, size), CKPT_GFP_SNAPSHOT);
	if (!piece)
		return NULL;
	memset(piece, 0, sizeof(*piece));
	list_add_tail(&piece->list, &snap->pieces);
	return piece;
}

/**
 * ckpt_snapshot_put - gather bytes of the image
 * @ctx: the context, which has a snapshot
 * @data: a record, or a part of one
 * @len: its length in bytes
 *
 * Context: process context, may sleep.
 * Return: how many bytes were taken: less than @len if there is no room.
 */
size_t ckpt_snapshot_put(struct ckpt_ctx *ctx, const void *data, size_t len)
{
	struct ckpt_snapshot *snap = ctx->snapshot;
	struct later *last;
	size_t n, done;

	for (done = 0; done < len; done += n) {
		last = list_empty(&snap->pieces) ? NULL :
			list_last_entry(&snap->pieces, struct later, list);
		if (!last || last->write || last->len == CKPT_PIECE_BYTES) {
			if (!ckpt_snapshot_take(ctx, CKPT_PIECE_PAGES))
				break;
			last = later_alloc(snap, CKPT_PIECE_BYTES);
			if (!last)
				break;
		}
		n = min(len - done, CKPT_PIECE_BYTES - last->len);
		memcpy(last->data + last->len, data + done, n);
		last->len += n;
	}
	return done;
}

/**
 * ckpt_snapshot_later - have something written when the image is
 * @ctx: the context, which has a snapshot
 * @write: what writes it, once the tree runs, and has the table of objects no
 *	longer
 * @free: frees @priv in any case, unless this fails; may be NULL
 * @priv: passed to both
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_snapshot_later(struct ckpt_ctx *ctx, ckpt_later_t *write,
			void (*free)(void *priv), void *priv)
{
	struct later *piece = later_alloc(ctx->snapshot, 0);

	if (!piece)
		return -ENOMEM;
	piece->write = write;
	piece->free = free;
	piece->priv = priv;
	return 0;
}

/**
 * ckpt_snapshot_write - write what was gathered
 * @ctx: the context; there is no snapshot afterwards, but the duplicates
 *
 * Context: process context, may sleep.
 * Return: 0, -EINTR, or the errno of the write.
 */
int ckpt_snapshot_write(struct ckpt_ctx *ctx)
{
	struct ckpt_snapshot *snap = ctx->snapshot;
	struct later *piece;
	int err = 0;

	/* from here on records go to the stream */
	ctx->snapshot = NULL;
	while (!err && !list_empty(&snap->pieces)) {
		piece = list_first_entry(&snap->pieces, struct later, list);
		if (fatal_signal_pending(current))
			err = -EINTR;
		else if (piece->write)
			err = piece->write(ctx, piece->priv);
		else
			err = ckpt_stream_put(ctx, piece->data, piece->len);
		later_free(piece);
		cond_resched();
	}
	snapshot_free(snap);
	return err;
}

/**
 * ckpt_snapshot_give_up - write what was gathered while the tree is parked
 * @ctx: the context, which has a snapshot, and none afterwards
 * @why: for the log
 *
 * Context: process context, may sleep.
 * Return: 0, -EINTR, or the errno of the write.
 */
int ckpt_snapshot_give_up(struct ckpt_ctx *ctx, const char *why)
{
	ckpt_note(ctx, "no copy on write: %s: the tree stands still until its image is written",
		  why);
	ctx->stats.snapshot = 0;
	return ckpt_snapshot_write(ctx);
}
