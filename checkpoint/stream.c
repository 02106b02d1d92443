// SPDX-License-Identifier: GPL-2.0
/*
 * The record stream: written and read strictly forward, so that it may be a
 * pipe or a socket. Records go through a small buffer and into the CRC of the
 * trailer; page payload goes past both.
 */

#include <linux/bvec.h>
#include <linux/crc32c.h>
#include <linux/elf.h>
#include <linux/fs.h>
#include <linux/resource.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>
#include <linux/timer.h>
#include <linux/uio.h>
#include <linux/utsname.h>
#include <generated/utsrelease.h>

#include "internal.h"

#define CKPT_BUF_SIZE	(32 * 1024)

/*
 * Of an image in a file so much is held back until the tree runs on. A pipe has
 * a reader that may go on meanwhile.
 */
#define CKPT_HELD_SIZE	(1024 * 1024)

/**
 * struct ckpt_stream - an image being written or read
 * @file: where to, or from
 * @ppos: position in @file, or NULL if it has none
 * @pos: what @ppos points to
 * @off: bytes of the image so far, those in @buf not yet written included
 * @records: records so far
 * @crc: CRC32C of the records so far; writing: up to @summed
 * @summed: writing: end of what in @buf is in @crc
 * @head: first byte in @buf that was not consumed (reading)
 * @tail: end of what is in @buf
 * @size: of @buf, in bytes
 * @buf: records on their way
 * @failed: an error that left the stream in an unknown state, or 0
 * @timeout: how long a write may take that gets nowhere, in jiffies, or 0
 * @timer: interrupts a write after that time
 * @writer: whom it interrupts
 * @expired: it did
 * @cleared: what says so was cleared, and may have said more
 */
struct ckpt_stream {
	struct file *file;
	loff_t *ppos;
	loff_t pos;
	u64 off;
	u64 records;
	u32 crc;
	size_t summed;
	size_t head;
	size_t tail;
	size_t size;
	u8 *buf;
	int failed;
	unsigned long timeout;
	struct timer_list timer;
	struct task_struct *writer;
	bool expired;
	bool cleared;
};

static void stream_expired(struct timer_list *timer)
{
	struct ckpt_stream *s = from_timer(s, timer, timer);

	WRITE_ONCE(s->expired, true);
	set_notify_signal(s->writer);
}

/**
 * ckpt_stream_open - start to write or to read an image
 * @file: open for it, kept open by the caller until ckpt_stream_close()
 * @write: write, not read
 *
 * Context: process context, may sleep.
 * Return: the stream, or ERR_PTR: -EBADF if @file is not open for it, -ENOMEM.
 */
struct ckpt_stream *ckpt_stream_open(struct file *file, bool write)
{
	struct ckpt_stream *s;

	if (!(file->f_mode & (write ? FMODE_WRITE : FMODE_READ)))
		return ERR_PTR(-EBADF);

	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->file = file;
	s->crc = ~0;
	timer_setup(&s->timer, stream_expired, 0);
	if (!(file->f_mode & FMODE_STREAM) && (file->f_mode & FMODE_LSEEK)) {
		s->pos = file->f_pos;
		s->ppos = &s->pos;
	}
	s->size = write && s->ppos ? CKPT_HELD_SIZE : CKPT_BUF_SIZE;
	s->buf = kvmalloc(s->size, GFP_KERNEL_ACCOUNT);
	if (!s->buf) {
		kfree(s);
		return ERR_PTR(-ENOMEM);
	}
	return s;
}

/**
 * ckpt_stream_close - done with an image
 * @s: the stream, or NULL
 *
 * Leaves the file position behind what was written or consumed.
 *
 * Context: process context, may sleep.
 */
void ckpt_stream_close(struct ckpt_stream *s)
{
	if (!s)
		return;
	if (s->cleared && task_work_pending(current))
		set_notify_signal(current);
	kvfree(s->buf);
	kfree(s);
}

/**
 * ckpt_stream_set_timeout - bound the time that the image may not be taken
 * @s: the stream
 * @timeout: in jiffies, or 0 for no bound
 *
 * The tree stands still while its image is written: whoever reads that must
 * not keep it for ever, as a task of the tree itself would.
 */
void ckpt_stream_set_timeout(struct ckpt_stream *s, unsigned long timeout)
{
	s->timeout = timeout;
}

/**
 * ckpt_stream_bytes - size of the image so far
 * @s: the stream
 *
 * Return: the number of bytes.
 */
u64 ckpt_stream_bytes(const struct ckpt_stream *s)
{
	return s->off;
}

/**
 * ckpt_iter_write - vfs_iter_write(), with an iterator that tells what is left
 * @file: where to
 * @iter: of kernel memory; moved by what was written
 * @pos: position in @file, or NULL if it has none
 *
 * Not every file system moves the iterator by what it returns: one of netfs
 * without a page cache leaves it where it was, or at its end.
 *
 * Context: process context, may sleep.
 * Return: the number of bytes written, or a negative errno.
 */
ssize_t ckpt_iter_write(struct file *file, struct iov_iter *iter, loff_t *pos)
{
	struct iov_iter rest = *iter;
	ssize_t n = vfs_iter_write(file, &rest, pos, 0);

	if (n > 0)
		iov_iter_advance(iter, n);
	return n;
}

/**
 * ckpt_iter_read - vfs_iter_read(), with an iterator that tells what is left
 * @file: where from
 * @iter: of kernel memory; moved by what was read
 * @pos: position in @file, or NULL if it has none
 *
 * As ckpt_iter_write().
 *
 * Context: process context, may sleep.
 * Return: the number of bytes read, 0 at the end, or a negative errno.
 */
ssize_t ckpt_iter_read(struct file *file, struct iov_iter *iter, loff_t *pos)
{
	struct iov_iter rest = *iter;
	ssize_t n = vfs_iter_read(file, &rest, pos, 0);

	if (n > 0)
		iov_iter_advance(iter, n);
	return n;
}

static void stream_set_pos(struct ckpt_stream *s)
{
	if (s->ppos)
		s->file->f_pos = s->pos;
}

/* ------------------------------------------------------------- writing */

/* As ckpt_iter_write(): what was written before the time was up is progress. */
static ssize_t write_some(struct ckpt_stream *s, struct iov_iter *iter)
{
	ssize_t n;

	s->writer = current;
	s->expired = false;
	if (s->timeout)
		mod_timer(&s->timer, jiffies + s->timeout);
	n = ckpt_iter_write(s->file, iter, s->ppos);
	if (s->timeout)
		timer_delete_sync(&s->timer);
	if (n < 0 && ckpt_intr(n))
		n = s->expired && !task_sigpending(current) ? -ETIMEDOUT :
							      -EINTR;
	if (s->expired) {
		clear_notify_signal();
		s->cleared = true;
	}
	return n;
}

static int stream_out(struct ckpt_ctx *ctx, struct iov_iter *iter)
{
	struct ckpt_stream *s = ctx->stream;
	ssize_t n;

	while (iov_iter_count(iter)) {
		n = write_some(s, iter);
		if (n == 0)
			n = -EIO;
		if (n == -ETIMEDOUT && s->expired) {
			s->failed = n;
			return ckpt_err(ctx, n,
					"image: nobody has taken any of it for %u ms at byte %llu, while the tree stood still: its reader must not be in the tree",
					jiffies_to_msecs(s->timeout),
					s->off - s->tail);
		}
		if (n < 0) {
			s->failed = n;
			return ckpt_err(ctx, n,
					"image: cannot write at byte %llu: error %zd",
					s->off - s->tail, n);
		}
	}
	stream_set_pos(s);
	return 0;
}

/* All at once: the sum of each piece would cost more than the pieces do. */
static void stream_sum(struct ckpt_stream *s)
{
	s->crc = crc32c(s->crc, s->buf + s->summed, s->tail - s->summed);
	s->summed = s->tail;
}

/**
 * ckpt_stream_flush - write what is buffered
 * @ctx: the context
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_stream_flush(struct ckpt_ctx *ctx)
{
	struct ckpt_stream *s = ctx->stream;
	struct kvec kv = { .iov_base = s->buf, .iov_len = s->tail };
	struct iov_iter iter;
	int err;

	if (s->failed)
		return s->failed;
	stream_sum(s);
	iov_iter_kvec(&iter, ITER_SOURCE, &kv, 1, s->tail);
	err = stream_out(ctx, &iter);
	s->tail = 0;
	s->summed = 0;
	return err;
}

/**
 * ckpt_stream_put - write a piece of the image
 * @ctx: the context
 * @data: records, or a part of one
 * @len: its length in bytes
 *
 * While a snapshot is taken it is only gathered.
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_stream_put(struct ckpt_ctx *ctx, const void *data, size_t len)
{
	struct ckpt_stream *s = ctx->stream;
	size_t n;
	int err;

	if (ctx->snapshot) {
		n = ckpt_snapshot_put(ctx, data, len);
		if (n == len)
			return 0;
		data += n;
		len -= n;
		err = ckpt_snapshot_give_up(ctx, "no memory for what is gathered");
		if (err)
			return err;
	}
	while (len) {
		if (s->tail == s->size) {
			err = ckpt_stream_flush(ctx);
			if (err)
				return err;
		}
		n = min(len, s->size - s->tail);
		memcpy(s->buf + s->tail, data, n);
		s->tail += n;
		s->off += n;
		data += n;
		len -= n;
	}
	return s->failed;
}

/**
 * ckpt_write_rec - write one record
 * @ctx: the context
 * @rec: starts with a struct ckpt_hdr, which is filled in
 * @type: enum ckpt_hdr_type
 * @len: in bytes, a multiple of 8, at most CKPT_REC_MAX
 *
 * Context: process context, may sleep.
 * Return: 0, -E2BIG for a record that is too long, or the errno of the write.
 */
int ckpt_write_rec(struct ckpt_ctx *ctx, void *rec, u32 type, size_t len)
{
	return ckpt_write_rec_tail(ctx, rec, type, len, NULL, 0);
}

/**
 * ckpt_write_rec_tail - write one record that is in two pieces
 * @ctx: the context
 * @fixed: starts with a struct ckpt_hdr, which is filled in
 * @type: enum ckpt_hdr_type
 * @fixed_len: length of @fixed in bytes, a multiple of 8
 * @tail: the rest, or NULL
 * @tail_len: its length in bytes; zeros are added to a multiple of 8
 *
 * Context: process context, may sleep.
 * Return: 0, -E2BIG for a record that is too long, or the errno of the write.
 */
int ckpt_write_rec_tail(struct ckpt_ctx *ctx, void *fixed, u32 type,
			size_t fixed_len, const void *tail, size_t tail_len)
{
	static const u64 zero;
	struct ckpt_hdr *h = fixed;
	size_t pad = round_up(tail_len, 8) - tail_len;
	int err;

	if (WARN_ON_ONCE(fixed_len % 8))
		return -EINVAL;
	if (fixed_len + tail_len + pad > CKPT_REC_MAX)
		return ckpt_err(ctx, -E2BIG,
				"record of type %u: %zu bytes are too many",
				type, fixed_len + tail_len);
	h->type = type;
	h->len = fixed_len + tail_len + pad;
	err = ckpt_stream_put(ctx, fixed, fixed_len);
	if (!err && tail_len)
		err = ckpt_stream_put(ctx, tail, tail_len);
	if (!err && pad)
		err = ckpt_stream_put(ctx, &zero, pad);
	if (!err)
		ctx->stream->records++;
	return err;
}

/**
 * ckpt_write_string - write a path, a name
 * @ctx: the context
 * @str: the string
 *
 * Context: process context, may sleep.
 * Return: 0, -ENAMETOOLONG, or the errno of the write.
 */
int ckpt_write_string(struct ckpt_ctx *ctx, const char *str)
{
	struct ckpt_hdr_string h = {};
	size_t len = strlen(str) + 1;

	if (len > CKPT_STRING_MAX)
		return ckpt_err(ctx, -ENAMETOOLONG,
				"'%.64s...' is too long",
				str);
	return ckpt_write_rec_tail(ctx, &h, CKPT_HDR_STRING, sizeof(h), str, len);
}

/**
 * ckpt_payload_pad - padding that page payload needs
 * @ctx: the context
 * @rec_len: length of the record that will stand before it, in bytes
 *
 * Return: the number of zero bytes between that record and the payload.
 */
u32 ckpt_payload_pad(struct ckpt_ctx *ctx, size_t rec_len)
{
	return -(ctx->stream->off + rec_len) & (PAGE_SIZE - 1);
}

/* Is the image still in the buffer as a whole, and is there room for more? */
static bool holds_back(const struct ckpt_stream *s, size_t bytes)
{
	return s->size == CKPT_HELD_SIZE && s->off == s->tail &&
	       bytes <= s->size - s->tail;
}

/**
 * ckpt_write_payload - write page payload
 * @ctx: the context
 * @pad: zero bytes to write first, from ckpt_payload_pad()
 * @bvec: the pages
 * @nr: number of segments in @bvec
 * @bytes: their length
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_write_payload(struct ckpt_ctx *ctx, u32 pad, struct bio_vec *bvec,
		       unsigned int nr, size_t bytes)
{
	struct ckpt_stream *s = ctx->stream;
	struct iov_iter iter;
	bool held;
	int err;

	if (pad > s->size - s->tail) {
		err = ckpt_stream_flush(ctx);
		if (err)
			return err;
	}
	stream_sum(s);
	memset(s->buf + s->tail, 0, pad);
	s->tail += pad;
	s->off += pad;
	iov_iter_bvec(&iter, ITER_SOURCE, bvec, nr, bytes);
	held = holds_back(s, bytes);
	if (held)
		s->tail += copy_from_iter(s->buf + s->tail, bytes, &iter);
	s->summed = s->tail;
	err = held ? s->failed : ckpt_stream_flush(ctx);
	if (err)
		return err;
	s->off += bytes;
	return stream_out(ctx, &iter);
}

/* ------------------------------------------------------------- reading */

static int ended(struct ckpt_ctx *ctx, size_t got)
{
	struct ckpt_stream *s = ctx->stream;
	u64 end = s->off + (s->tail - s->head) + got;

	if (!end)
		return ckpt_err(ctx, -EINVAL, "image: there is nothing in it");
	return ckpt_err(ctx, -EINVAL,
			"image: ends at byte %llu, in record %llu: it is not complete",
			end, s->records + 1);
}

static int stream_in(struct ckpt_ctx *ctx, struct iov_iter *iter, size_t at_least)
{
	struct ckpt_stream *s = ctx->stream;
	size_t got = 0;
	ssize_t n;

	while (got < at_least) {
		n = ckpt_iter_read(s->file, iter, s->ppos);
		/* not a fault of the image: whoever waits knows the reason */
		if (n < 0 && ckpt_intr(n))
			return -EINTR;
		if (n < 0)
			return ckpt_err(ctx, n,
					"image: cannot read at byte %llu: error %zd",
					s->off, n);
		if (n == 0)
			return ended(ctx, got);
		got += n;
	}
	return got;
}

/*
 * Have at least @need bytes in the buffer. A file is read ahead; of a pipe or
 * a socket no more is taken than the image has.
 */
static int stream_fill(struct ckpt_ctx *ctx, size_t need)
{
	struct ckpt_stream *s = ctx->stream;
	struct iov_iter iter;
	struct kvec kv;
	size_t want;
	int n;

	if (s->tail - s->head >= need)
		return 0;
	if (s->head) {
		memmove(s->buf, s->buf + s->head, s->tail - s->head);
		s->tail -= s->head;
		s->head = 0;
	}
	want = s->ppos ? s->size - s->tail : need - s->tail;
	kv.iov_base = s->buf + s->tail;
	kv.iov_len = want;
	iov_iter_kvec(&iter, ITER_DEST, &kv, 1, want);
	n = stream_in(ctx, &iter, need - s->tail);
	if (n < 0)
		return n;
	s->tail += n;
	return 0;
}

static void stream_consumed(struct ckpt_stream *s, size_t n)
{
	s->head += n;
	s->off += n;
	if (s->ppos)
		s->file->f_pos = s->pos - (s->tail - s->head);
}

static int stream_get(struct ckpt_ctx *ctx, void *to, size_t len)
{
	struct ckpt_stream *s = ctx->stream;
	size_t n;
	int err;

	while (len) {
		n = min_t(size_t, len, s->size / 2);
		err = stream_fill(ctx, n);
		if (err)
			return err;
		memcpy(to, s->buf + s->head, n);
		stream_consumed(s, n);
		to += n;
		len -= n;
	}
	return 0;
}

static int stream_get_summed(struct ckpt_ctx *ctx, void *to, size_t len)
{
	int err = stream_get(ctx, to, len);

	if (!err)
		ctx->stream->crc = crc32c(ctx->stream->crc, to, len);
	return err;
}

/* The length of a record can be trusted after this. */
static int check_hdr(struct ckpt_ctx *ctx, const struct ckpt_hdr *h)
{
	if (h->len < sizeof(*h) || h->len % 8 || h->len > CKPT_REC_MAX)
		return ckpt_err(ctx, -EINVAL,
				"image: record %llu of type %u at byte %llu has a length of %u",
				ctx->stream->records + 1, h->type,
				ctx->stream->off - sizeof(*h), h->len);
	return 0;
}

/* The image tells why the checkpoint failed. */
static int read_error(struct ckpt_ctx *ctx, const struct ckpt_hdr *h)
{
	struct ckpt_hdr_error *e;
	int err;

	if (h->len <= sizeof(*e))
		return ckpt_err(ctx, -EINVAL,
				"image: of a checkpoint that failed");
	e = kvmalloc(h->len, GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	err = stream_get_summed(ctx, (void *)e + sizeof(*h), h->len - sizeof(*h));
	if (!err) {
		((char *)e)[h->len - 1] = 0;
		err = ckpt_err(ctx, -EINVAL,
			       "image: of a checkpoint that failed: %s",
			       e->text);
	}
	kvfree(e);
	return err;
}

/*
 * Read the header of the next record, which must be of @type and between
 * @min and @max bytes long. Objects on the way to it are restored.
 */
static int next_hdr(struct ckpt_ctx *ctx, struct ckpt_hdr *h, u32 type,
		    size_t min, size_t max)
{
	struct ckpt_hdr_object obj;
	int err;

	for (;;) {
		err = stream_get_summed(ctx, h, sizeof(*h));
		if (!err)
			err = check_hdr(ctx, h);
		if (err)
			return err;
		if (h->type != CKPT_HDR_OBJECT || type == CKPT_HDR_OBJECT)
			break;
		if (h->len != sizeof(obj))
			goto bad;
		obj.h = *h;
		err = stream_get_summed(ctx, &obj.objref,
					sizeof(obj) - sizeof(obj.h));
		if (err)
			return err;
		/*
		 * Objects are made by the tasks that use them, with what these
		 * may do, but for what these are made with.
		 */
		if (current_cred() != current_real_cred())
			goto bad;
		if (obj.objtype != CKPT_OBJ_USER_NS &&
		    obj.objtype != CKPT_OBJ_CRED && !ckpt_restoring(ctx, NULL))
			goto bad;
		ctx->stream->records++;
		err = ckpt_obj_restore(ctx, &obj);
		if (err)
			return err;
	}
	if (h->type == CKPT_HDR_ERROR && type != CKPT_HDR_ERROR)
		return read_error(ctx, h);
	if (h->type != type || h->len < min || h->len > max)
		goto bad;
	return 0;

bad:
	return ckpt_err(ctx, -EINVAL,
			"image: record %llu at byte %llu is of type %u and %u bytes long; type %u with %zu to %zu bytes belongs there",
			ctx->stream->records + 1,
			ctx->stream->off - sizeof(*h), h->type, h->len, type,
			min, max);
}

/**
 * ckpt_read_rec - read the next record
 * @ctx: the context
 * @type: what it must be, enum ckpt_hdr_type
 * @min: shortest length that is accepted, in bytes, struct ckpt_hdr included
 * @max: longest length that is accepted
 *
 * Objects that stand before it are restored first.
 *
 * Context: process context, may sleep.
 * Return: the record, to be freed with kvfree(), its length checked; or an
 * ERR_PTR, reported: -EINVAL for another record or the end of the image,
 * -ENOMEM, the errno of the read, or of the restore of an object.
 */
void *ckpt_read_rec(struct ckpt_ctx *ctx, u32 type, size_t min, size_t max)
{
	struct ckpt_hdr h;
	void *rec;
	int err;

	err = next_hdr(ctx, &h, type, max(min, sizeof(h)), max);
	if (err)
		return ERR_PTR(err);
	rec = kvmalloc(h.len, GFP_KERNEL_ACCOUNT);
	if (!rec)
		return ERR_PTR(-ENOMEM);
	memcpy(rec, &h, sizeof(h));
	err = stream_get_summed(ctx, rec + sizeof(h), h.len - sizeof(h));
	if (err) {
		kvfree(rec);
		return ERR_PTR(err);
	}
	ctx->stream->records++;
	return rec;
}

/**
 * ckpt_read_rec_into - read the next record into memory of the caller
 * @ctx: the context
 * @rec: where to
 * @type: what it must be, enum ckpt_hdr_type
 * @len: its exact length in bytes
 *
 * Context: process context, may sleep.
 * Return: 0 or what ckpt_read_rec() returns as ERR_PTR.
 */
int ckpt_read_rec_into(struct ckpt_ctx *ctx, void *rec, u32 type, size_t len)
{
	struct ckpt_hdr h;
	int err;

	err = next_hdr(ctx, &h, type, len, len);
	if (err)
		return err;
	memcpy(rec, &h, sizeof(h));
	err = stream_get_summed(ctx, rec + sizeof(h), len - sizeof(h));
	if (!err)
		ctx->stream->records++;
	return err;
}

/**
 * ckpt_read_string - read a path, a name
 * @ctx: the context
 * @max: longest that is accepted, in bytes with its NUL
 *
 * Context: process context, may sleep.
 * Return: the string, to be freed with kvfree(); or an ERR_PTR as of
 * ckpt_read_rec(), -EINVAL too for a string without an end.
 */
char *ckpt_read_string(struct ckpt_ctx *ctx, size_t max)
{
	struct ckpt_hdr_string *h;
	size_t len;

	h = ckpt_read_rec(ctx, CKPT_HDR_STRING, sizeof(*h) + 8,
			  sizeof(*h) + round_up(max, 8));
	if (IS_ERR(h))
		return ERR_CAST(h);
	len = h->h.len - sizeof(*h);
	if (strnlen(h->text, len) >= min(len, max)) {
		kvfree(h);
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
					"image: record %llu: a string without an end",
					ctx->stream->records));
	}
	memmove(h, h->text, len);
	return (char *)h;
}

/**
 * ckpt_read_payload - read page payload
 * @ctx: the context
 * @pad: number of zero bytes before it; hostile, checked here
 * @bvec: where to
 * @nr: number of segments in @bvec
 * @bytes: their length
 *
 * Context: process context, may sleep.
 * Return: 0, -EINVAL for wrong padding or the end of the image, or the errno
 * of the read.
 */
int ckpt_read_payload(struct ckpt_ctx *ctx, u32 pad, struct bio_vec *bvec,
		      unsigned int nr, size_t bytes)
{
	struct ckpt_stream *s = ctx->stream;
	struct iov_iter iter;
	size_t n;
	int err;

	if (pad != ckpt_payload_pad(ctx, 0))
		return ckpt_err(ctx, -EINVAL,
				"image: record %llu: %u bytes of padding",
				s->records, pad);
	err = stream_fill(ctx, pad);
	if (err)
		return err;
	if (memchr_inv(s->buf + s->head, 0, pad))
		return ckpt_err(ctx, -EINVAL,
				"image: record %llu: padding that is not zero",
				s->records);
	stream_consumed(s, pad);

	iov_iter_bvec(&iter, ITER_DEST, bvec, nr, bytes);
	n = min(bytes, s->tail - s->head);
	if (copy_to_iter(s->buf + s->head, n, &iter) != n)
		return -EFAULT;
	stream_consumed(s, n);
	bytes -= n;
	if (!bytes)
		return 0;
	err = stream_in(ctx, &iter, bytes);
	if (err < 0)
		return err;
	stream_consumed(s, 0);
	s->off += bytes;
	return 0;
}

/* --------------------------------------------- header, trailer, error */

/* The constants of this kernel that the meaning of an image hangs on */
static void fill_constants(struct ckpt_hdr_header *h)
{
	BUILD_BUG_ON(sizeof_field(struct ckpt_hdr_task_limits, rlim) !=
		     sizeof(struct ckpt_rlimit) * RLIM_NLIMITS);
	BUILD_BUG_ON(_NSIG != 64);
	BUILD_BUG_ON(sizeof_field(struct ckpt_task_entry, comm) != TASK_COMM_LEN);

	h->magic = CKPT_MAGIC;
	h->version = CKPT_VERSION;
	h->arch = CKPT_ARCH_X86_64;
	h->page_size = PAGE_SIZE;
	h->user_hz = USER_HZ;
	h->nsig = _NSIG;
	h->rlim_nlimits = RLIM_NLIMITS;
	h->task_comm_len = TASK_COMM_LEN;
	strscpy_pad(h->release, UTS_RELEASE);
	strscpy_pad(h->kversion, init_utsname()->version);
}

/**
 * ckpt_write_header - write the first record
 * @ctx: the context; @stopped_at is set
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_write_header(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_header h = {};
	struct timespec64 ts;

	fill_constants(&h);
	h.uflags = ctx->uflags;
	h.id = ctx->id;
	h.realtime_ns = ktime_to_ns(ktime_mono_to_real(ctx->stopped_at));
	ts = ktime_to_timespec64(ctx->stopped_at);
	timens_add_monotonic(&ts);
	h.monotonic_ns = timespec64_to_ns(&ts);
	ts = ktime_to_timespec64(ktime_mono_to_any(ctx->stopped_at, TK_OFFS_BOOT));
	timens_add_boottime(&ts);
	h.boottime_ns = timespec64_to_ns(&ts);
	return ckpt_write_rec(ctx, &h, CKPT_HDR_HEADER, sizeof(h));
}

/*
 * Is it an image, and one of this version? Of the header no more is looked at
 * than other versions have, too. It may be the error of a checkpoint that
 * failed before it came to it.
 */
static int check_version(struct ckpt_ctx *ctx)
{
	struct ckpt_stream *s = ctx->stream;
	const struct ckpt_hdr_header *h = (void *)s->buf;
	int err;

	err = stream_fill(ctx, sizeof(h->h));
	if (err || h->h.type == CKPT_HDR_ERROR)
		return err;
	if (h->h.type != CKPT_HDR_HEADER ||
	    h->h.len < offsetof(struct ckpt_hdr_header, arch))
		return ckpt_err(ctx, -EINVAL, "image: not a checkpoint image");
	err = stream_fill(ctx, offsetof(struct ckpt_hdr_header, arch));
	if (err)
		return err;
	if (h->magic != CKPT_MAGIC)
		return ckpt_err(ctx, -EINVAL, "image: not a checkpoint image");
	if (h->version != CKPT_VERSION)
		return ckpt_err(ctx, -EINVAL,
				"image: version %u; this kernel reads version %u: restart it on one that reads it",
				h->version, CKPT_VERSION);
	return 0;
}

static int check_header(struct ckpt_ctx *ctx, struct ckpt_hdr_header *h,
			const struct ckpt_hdr_header *own)
{
	h->release[sizeof(h->release) - 1] = 0;
	if (h->incompat)
		return ckpt_err(ctx, -EINVAL,
				"image: features %#llx are not known to this kernel",
				h->incompat);
	if (h->arch != own->arch || h->page_size != own->page_size ||
	    h->user_hz != own->user_hz || h->nsig != own->nsig ||
	    h->rlim_nlimits != own->rlim_nlimits ||
	    h->task_comm_len != own->task_comm_len)
		return ckpt_err(ctx, -EINVAL,
				"image: of another kind of machine or kernel (release %s)",
				h->release);
	if (h->uflags & ~CKPT_CHECKPOINT_FLAGS)
		return ckpt_err(ctx, -EINVAL,
				"image: taken with unknown flags %#x",
				h->uflags);
	return 0;
}

/**
 * ckpt_read_header - read the first record
 * @ctx: the context
 *
 * Context: process context, may sleep.
 * Return: 0, -EINVAL for what is no image, or one of another version or kind
 * of machine, or the errno of the read.
 */
int ckpt_read_header(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_header *h, *own;
	int err;

	err = check_version(ctx);
	if (err)
		return err;
	own = kzalloc(sizeof(*own), GFP_KERNEL_ACCOUNT);
	if (!own)
		return -ENOMEM;
	h = ckpt_read_rec(ctx, CKPT_HDR_HEADER, sizeof(*h), sizeof(*h));
	err = PTR_ERR_OR_ZERO(h);
	if (err)
		goto free;
	fill_constants(own);
	err = check_header(ctx, h, own);
	if (!err)
		ctx->id = h->id;
	kvfree(h);
free:
	kfree(own);
	return err;
}

/**
 * ckpt_write_trailer - write the last record
 * @ctx: the context
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_write_trailer(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_trailer h = {
		.magic = CKPT_TRAILER_MAGIC,
		.records = ctx->stream->records,
	};
	int err;

	stream_sum(ctx->stream);
	h.crc32c = ctx->stream->crc;
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_TRAILER, sizeof(h));
	return err ?: ckpt_stream_flush(ctx);
}

/**
 * ckpt_read_trailer - read the last record and verify what was read before
 * @ctx: the context
 *
 * Context: process context, may sleep.
 * Return: 0, -EINVAL if the sum or the count is wrong, or the errno of the
 * read.
 */
int ckpt_read_trailer(struct ckpt_ctx *ctx)
{
	u64 records = ctx->stream->records;
	u32 crc = ctx->stream->crc;
	struct ckpt_hdr_trailer h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TRAILER, sizeof(h));
	if (err)
		return err;
	if (h.magic != CKPT_TRAILER_MAGIC || h.records != records ||
	    h.reserved || h.crc32c != crc)
		return ckpt_err(ctx, -EINVAL,
				"image: damaged: the sum of %llu records is %08x, not %08x",
				records, crc, h.crc32c);
	return 0;
}

/**
 * ckpt_write_error - end an image with the reason why it is of no use
 * @ctx: the context; ckpt_err() was called
 *
 * Context: process context, may sleep; the tree runs again, since the reader
 * may be slow.
 */
void ckpt_write_error(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_error h = { .err = -ctx->err };

	if (ctx->stream->failed)
		return;
	if (!ckpt_write_rec_tail(ctx, &h, CKPT_HDR_ERROR, sizeof(h), ctx->errmsg,
				 strlen(ctx->errmsg) + 1))
		ckpt_stream_flush(ctx);
}

#ifdef CONFIG_CHECKPOINT_KUNIT_TEST
#include "stream_kunit.c"
#endif
