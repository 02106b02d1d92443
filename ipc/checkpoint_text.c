// SPDX-License-Identifier: GPL-2.0
/*
 * The messages of System V and POSIX message queues. Included by msgutil.c.
 */

#include "checkpoint.h"

/* Copy @len bytes of @msg, from @off on: to @buf, or with @in from there. */
static void text_copy(struct msg_msg *msg, size_t off, void *buf, size_t len,
		      bool in)
{
	struct msg_msgseg *seg = msg->next;
	char *at = (char *)(msg + 1);
	size_t room = DATALEN_MSG, n;

	for (;;) {
		if (off < room) {
			n = min(len, room - off);
			if (in)
				memcpy(at + off, buf, n);
			else
				memcpy(buf, at + off, n);
			buf += n;
			len -= n;
			off = 0;
		} else {
			off -= room;
		}
		if (!len)
			return;
		at = (char *)(seg + 1);
		seg = seg->next;
		room = DATALEN_SEG;
	}
}

/**
 * ckpt_text_alloc - room for copies of messages
 * @ctx: the context
 * @t: to be freed with ckpt_text_free(), whatever is returned
 * @nr: how many there are
 * @bytes: in all of them together
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM, reported.
 */
int ckpt_text_alloc(struct ckpt_ctx *ctx, struct ckpt_ipc_text *t,
		    unsigned long nr, unsigned long bytes)
{
	t->used = 0;
	t->nr = 0;
	t->size = 0;
	t->buf = NULL;
	if (!nr)
		return 0;
	t->size = bytes + nr * (sizeof(struct ckpt_hdr_ipc_message) + 7);
	t->buf = kvmalloc(t->size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!t->buf)
		return ckpt_err(ctx, -ENOMEM, "%lu messages with %lu bytes: no memory for a copy",
				nr, bytes);
	return 0;
}

/**
 * ckpt_text_free - free the copies
 * @t: where they are
 */
void ckpt_text_free(struct ckpt_ipc_text *t)
{
	kvfree(t->buf);
}

/**
 * ckpt_text_add - copy a message
 * @t: where to
 * @msg: the message
 *
 * Context: any; the message must stay.
 * Return: false if there is no room, since there were fewer before.
 */
bool ckpt_text_add(struct ckpt_ipc_text *t, struct msg_msg *msg)
{
	struct ckpt_hdr_ipc_message *h = t->buf + t->used;
	size_t room = round_up(msg->m_ts, 8);

	if (t->size - t->used < sizeof(*h) ||
	    t->size - t->used - sizeof(*h) < room)
		return false;
	memset(h, 0, sizeof(*h));
	h->type = msg->m_type;
	h->size = msg->m_ts;
	if (room) {
		memset((void *)(h + 1) + room - 8, 0, 8);
		text_copy(msg, 0, h + 1, msg->m_ts, false);
	}
	t->used += sizeof(*h) + room;
	t->nr++;
	return true;
}

static int text_write_one(struct ckpt_ctx *ctx, struct ckpt_hdr_ipc_message *h)
{
	struct ckpt_hdr_ipc_text piece;
	void *text = h + 1;
	u32 size = h->size, n;
	int err;

	if (size > CKPT_IPC_MESSAGE_MAX)
		return ckpt_err(ctx, -E2BIG, "a message of %u bytes: more than %u: not supported",
				size, CKPT_IPC_MESSAGE_MAX);
	err = ckpt_write_rec(ctx, h, CKPT_HDR_IPC_MESSAGE, sizeof(*h));
	while (!err && size) {
		n = min_t(u32, size, CKPT_IPC_TEXT_MAX);
		err = ckpt_write_rec_tail(ctx, &piece, CKPT_HDR_IPC_TEXT,
					  sizeof(piece), text, n);
		text += n;
		size -= n;
	}
	return err;
}

/**
 * ckpt_text_write - write the copies
 * @ctx: the context
 * @t: where they are
 *
 * Context: process context, may sleep.
 * Return: 0, -E2BIG for a message that is too long, or the errno of the write.
 */
int ckpt_text_write(struct ckpt_ctx *ctx, const struct ckpt_ipc_text *t)
{
	struct ckpt_hdr_ipc_message *h;
	size_t at = 0;
	int err;

	while (at < t->used) {
		h = t->buf + at;
		at += sizeof(*h) + round_up(h->size, 8);
		err = text_write_one(ctx, h);
		if (err)
			return err;
	}
	return 0;
}

static int text_read(struct ckpt_ctx *ctx, struct msg_msg *msg, u32 size)
{
	struct ckpt_hdr_ipc_text *piece;
	size_t off, n, len;

	for (off = 0; off < size; off += n) {
		n = min_t(size_t, size - off, CKPT_IPC_TEXT_MAX);
		len = sizeof(*piece) + round_up(n, 8);
		piece = ckpt_read_rec(ctx, CKPT_HDR_IPC_TEXT, len, len);
		if (IS_ERR(piece))
			return PTR_ERR(piece);
		text_copy(msg, off, piece->text, n, true);
		kvfree(piece);
	}
	return 0;
}

/**
 * ckpt_text_read - read a message
 * @ctx: the context
 *
 * Context: the restoring task, may sleep.
 * Return: the message, to be freed with free_msg(), or an ERR_PTR, reported;
 * its type is not checked.
 */
struct msg_msg *ckpt_text_read(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_ipc_message h;
	struct msg_msg *msg;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_IPC_MESSAGE, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (h.size > CKPT_IPC_MESSAGE_MAX || h.reserved)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: a message of %u bytes",
					h.size));
	msg = alloc_msg(h.size);
	if (!msg)
		return ERR_PTR(ckpt_err(ctx, -ENOMEM, "no memory for a message of %u bytes",
					h.size));
	msg->m_type = h.type;
	msg->m_ts = h.size;
	err = text_read(ctx, msg, h.size);
	if (!err)
		err = security_msg_msg_alloc(msg);
	if (err) {
		free_msg(msg);
		return ERR_PTR(err);
	}
	return msg;
}
