// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the record stream; part of stream.c. An image that is not
 * exactly as it should be must be refused with -EINVAL, whatever is wrong.
 */

#include <linux/pipe_fs_i.h>

#include "kunit.h"

/* Bytes in a record of page payload that the tests write */
#define PAGES_REC_LEN	(sizeof(struct ckpt_hdr_pages) + sizeof(struct ckpt_extent))

/**
 * struct image - the bytes of an image, for a test to spoil
 * @len: how many
 * @data: they
 */
struct image {
	size_t len;
	u8 *data;
};

/* One page for payload, filled so that no two are alike */
static struct page *test_page(struct kunit *test, unsigned int n)
{
	u32 *p = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	for (i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		p[i] = i * 0x01000193U + n;
	return virt_to_page(p);
}

static int write_pages(struct ckpt_ctx *ctx, struct page **pages,
		       unsigned int nr)
{
	DEFINE_RAW_FLEX(struct ckpt_hdr_pages, rec, extents, 1);
	struct bio_vec bvec[4];
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++)
		bvec_set_page(&bvec[i], pages[i], PAGE_SIZE, 0);
	rec->nr_extents = 1;
	rec->pad = ckpt_payload_pad(ctx, PAGES_REC_LEN);
	rec->extents[0].nr_pages = nr;
	err = ckpt_write_rec(ctx, rec, CKPT_HDR_PAGES, PAGES_REC_LEN);
	return err ?: ckpt_write_payload(ctx, rec->pad, bvec, nr, nr * PAGE_SIZE);
}

static int read_pages(struct ckpt_ctx *ctx, struct page **pages,
		      unsigned int nr)
{
	DEFINE_RAW_FLEX(struct ckpt_hdr_pages, rec, extents, 1);
	struct bio_vec bvec[4];
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++)
		bvec_set_page(&bvec[i], pages[i], PAGE_SIZE, 0);
	err = ckpt_read_rec_into(ctx, rec, CKPT_HDR_PAGES, PAGES_REC_LEN);
	return err ?: ckpt_read_payload(ctx, rec->pad, bvec, nr, nr * PAGE_SIZE);
}

/* What most tests write: a bit of everything, @nr pages among it */
static int write_image(struct ckpt_ctx *ctx, struct page **pages,
		       unsigned int nr)
{
	struct ckpt_hdr_tree tree = { .nr_tasks = 1, .nr_pids = 2 };
	int err;

	err = ckpt_write_header(ctx);
	if (!err)
		err = ckpt_write_string(ctx, "a string of some length");
	if (!err)
		err = ckpt_write_rec(ctx, &tree, CKPT_HDR_TREE, sizeof(tree));
	if (!err && nr)
		err = write_pages(ctx, pages, nr);
	if (!err)
		err = ckpt_write_string(ctx, "");
	return err ?: ckpt_write_trailer(ctx);
}

static int read_string(struct ckpt_ctx *ctx, size_t max, const char *wanted)
{
	char *s = ckpt_read_string(ctx, max);
	int diff;

	if (IS_ERR(s))
		return PTR_ERR(s);
	diff = strcmp(s, wanted);
	kvfree(s);
	return diff ? 1 : 0;
}

/* Returns 0 if the image is as write_image() made it, or what is wrong. */
static int read_image(struct ckpt_ctx *ctx, struct page **pages,
		      unsigned int nr)
{
	struct ckpt_hdr_tree tree;
	int err, diff;

	err = ckpt_read_header(ctx);
	if (err)
		return err;
	diff = read_string(ctx, 64, "a string of some length");
	if (diff < 0)
		return diff;
	err = ckpt_read_rec_into(ctx, &tree, CKPT_HDR_TREE, sizeof(tree));
	if (err)
		return err;
	diff |= tree.nr_tasks != 1 || tree.nr_pids != 2;
	if (nr)
		err = read_pages(ctx, pages, nr);
	if (!err)
		err = read_string(ctx, 64, "");
	if (err < 0)
		return err;
	diff |= err;
	err = ckpt_read_trailer(ctx);
	return err ?: diff;
}

/* The bytes of what write_image() writes */
static void make_image(struct kunit *test, struct image *img,
		       struct page **pages, unsigned int nr)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	loff_t pos = 0;

	KUNIT_ASSERT_EQ(test, 0, write_image(ctx, pages, nr));
	img->len = i_size_read(file_inode(ctx->file));
	KUNIT_ASSERT_EQ(test, img->len, ckpt_stream_bytes(ctx->stream));
	img->data = kunit_kzalloc(test, img->len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, img->data);
	KUNIT_ASSERT_EQ(test, img->len,
			kernel_read(ctx->file, img->data, img->len, &pos));
	ckpt_kunit_put(test, ctx);
}

/* ---------------------------------------------------------- round trips */

static void stream_test_round_trip(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct page *in[3], *out[3];
	loff_t end;
	int i;

	for (i = 0; i < 3; i++) {
		in[i] = test_page(test, i);
		out[i] = test_page(test, 100);
	}
	ctx->id = 42;
	KUNIT_EXPECT_EQ(test, 0, write_image(ctx, in, 3));
	KUNIT_EXPECT_EQ(test, 6, ctx->stream->records);
	end = ctx->file->f_pos;
	KUNIT_EXPECT_EQ(test, end, ckpt_stream_bytes(ctx->stream));

	ctx->id = 0;
	ckpt_kunit_rewind(test, ctx);
	KUNIT_EXPECT_EQ(test, 0, read_image(ctx, out, 3));
	KUNIT_EXPECT_EQ(test, 42, ctx->id);
	KUNIT_EXPECT_EQ(test, 6, ctx->stream->records);
	KUNIT_EXPECT_EQ(test, end, ckpt_stream_bytes(ctx->stream));
	KUNIT_EXPECT_EQ(test, end, ctx->file->f_pos);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_MEMEQ(test, page_address(in[i]),
				   page_address(out[i]), PAGE_SIZE);
	KUNIT_EXPECT_STREQ(test, "", ctx->errmsg);
	ckpt_kunit_put(test, ctx);
}

/* A file that is not written or read as a whole, and says so by a number alone */
static const struct file_operations *odd_file;

static ssize_t odd_write_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	struct iov_iter some = *iter;

	iov_iter_truncate(&some, 1000);
	return odd_file->write_iter(iocb, &some);
}

static ssize_t odd_read_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	struct iov_iter some = *iter;

	iov_iter_truncate(&some, 1000);
	iov_iter_advance(iter, iov_iter_count(iter));
	return odd_file->read_iter(iocb, &some);
}

static const struct file_operations odd_fops = {
	.write_iter	= odd_write_iter,
	.read_iter	= odd_read_iter,
};

static void stream_test_odd_iterators(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct page *in[3], *out[3];
	int i;

	for (i = 0; i < 3; i++) {
		in[i] = test_page(test, i);
		out[i] = test_page(test, 100);
	}
	odd_file = ctx->file->f_op;
	ctx->file->f_op = &odd_fops;
	KUNIT_EXPECT_EQ(test, 0, write_image(ctx, in, 3));
	KUNIT_EXPECT_EQ(test, ckpt_stream_bytes(ctx->stream),
			i_size_read(file_inode(ctx->file)));
	ckpt_kunit_rewind(test, ctx);
	KUNIT_EXPECT_EQ(test, 0, read_image(ctx, out, 3));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_MEMEQ(test, page_address(in[i]),
				   page_address(out[i]), PAGE_SIZE);
	ctx->file->f_op = odd_file;
	ckpt_kunit_put(test, ctx);
}

/* In a file that has something before and after the image */
static void stream_test_in_the_middle(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct page *in = test_page(test, 1), *out = test_page(test, 2);
	loff_t begin = 100, end, pos;
	char c = 'x';

	ckpt_kunit_close(ctx);
	ctx->file->f_pos = begin;
	ckpt_kunit_open(test, ctx, true);
	KUNIT_EXPECT_EQ(test, 0, write_image(ctx, &in, 1));
	end = ctx->file->f_pos;
	KUNIT_EXPECT_EQ(test, end - begin, ckpt_stream_bytes(ctx->stream));
	pos = end;
	KUNIT_ASSERT_EQ(test, 1, kernel_write(ctx->file, &c, 1, &pos));

	ckpt_kunit_close(ctx);
	ctx->file->f_pos = begin;
	ckpt_kunit_open(test, ctx, false);
	KUNIT_EXPECT_EQ(test, 0, read_image(ctx, &out, 1));
	KUNIT_EXPECT_EQ(test, end, ctx->file->f_pos);
	KUNIT_EXPECT_MEMEQ(test, page_address(in), page_address(out), PAGE_SIZE);
	ckpt_kunit_put(test, ctx);
}

/* A context over one end of a pipe; the file becomes the context's. */
static struct ckpt_ctx *pipe_ctx(struct kunit *test, struct file *file,
				 bool write)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);

	ckpt_kunit_close(ctx);
	fput(ctx->file);
	ctx->file = file;
	ckpt_kunit_open(test, ctx, write);
	return ctx;
}

/* A pipe cannot be read ahead: what follows the image stays in it. */
static void stream_test_pipe(struct kunit *test)
{
	struct page *in = test_page(test, 1), *out = test_page(test, 2);
	struct ckpt_ctx *wr, *rd;
	struct file *files[2];
	char after[8] = {};

	KUNIT_ASSERT_EQ(test, 0, create_pipe_files(files, 0));
	rd = pipe_ctx(test, files[0], false);
	wr = pipe_ctx(test, files[1], true);
	KUNIT_EXPECT_EQ(test, 0, write_image(wr, &in, 1));
	KUNIT_EXPECT_EQ(test, 5, kernel_write(wr->file, "after", 5, NULL));
	KUNIT_EXPECT_EQ(test, 0, read_image(rd, &out, 1));
	KUNIT_EXPECT_MEMEQ(test, page_address(in), page_address(out), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, ckpt_stream_bytes(wr->stream),
			ckpt_stream_bytes(rd->stream));
	KUNIT_EXPECT_EQ(test, 5, kernel_read(rd->file, after, 5, NULL));
	KUNIT_EXPECT_STREQ(test, "after", after);
	ckpt_kunit_put(test, wr);
	ckpt_kunit_put(test, rd);
}

/* Records that do not fit into the buffer, and many that share it */
static void stream_test_long_records(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	static const size_t sizes[] = {
		8, 16, CKPT_BUF_SIZE - 8, CKPT_BUF_SIZE, CKPT_BUF_SIZE + 8, 24,
		CKPT_BUF_SIZE / 2, CKPT_BUF_SIZE / 2 + 8, CKPT_REC_MAX, 8,
		CKPT_REC_MAX, CKPT_REC_MAX, CKPT_REC_MAX - 8, 24, CKPT_REC_MAX,
	};
	struct ckpt_hdr *h;
	int i, j;

	h = kvzalloc(CKPT_REC_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, h);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(h, i + 1, sizes[i]);
		KUNIT_EXPECT_EQ(test, 0, ckpt_write_rec(ctx, h, 9000 + i,
							sizes[i]));
	}
	kvfree(h);
	KUNIT_EXPECT_EQ(test, 0, ckpt_write_trailer(ctx));

	ckpt_kunit_rewind(test, ctx);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		h = ckpt_read_rec(ctx, 9000 + i, 8, CKPT_REC_MAX);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, h);
		KUNIT_EXPECT_EQ(test, sizes[i], h->len);
		for (j = sizeof(*h); j < sizes[i]; j++)
			if (((u8 *)h)[j] != i + 1)
				break;
		KUNIT_EXPECT_EQ(test, sizes[i], j);
		kvfree(h);
	}
	KUNIT_EXPECT_EQ(test, 0, ckpt_read_trailer(ctx));
	ckpt_kunit_put(test, ctx);
}

/* An image in a file is in the buffer as long as it fits, pages and all. */
static void stream_test_held_back(struct kunit *test)
{
	const int nr = CKPT_HELD_SIZE / PAGE_SIZE / 2;
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct inode *inode = file_inode(ctx->file);
	struct page *in[4], *out[2];
	int i;

	for (i = 0; i < 4; i++)
		in[i] = test_page(test, i);
	for (i = 0; i < 2; i++)
		out[i] = test_page(test, 100);
	/* each takes three pages, with its record and the padding */
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, 0, write_pages(ctx, &in[i % 3], 2));
		if (3 * (i + 1) <= 2 * nr)
			KUNIT_EXPECT_EQ(test, 0, i_size_read(inode));
		else
			KUNIT_EXPECT_EQ(test, ckpt_stream_bytes(ctx->stream) -
					      ctx->stream->tail,
					i_size_read(inode));
	}
	KUNIT_EXPECT_LT(test, CKPT_HELD_SIZE, i_size_read(inode));
	KUNIT_EXPECT_EQ(test, 0, ckpt_write_trailer(ctx));

	ckpt_kunit_rewind(test, ctx);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, 0, read_pages(ctx, out, 2));
		if (memcmp(page_address(in[i % 3]), page_address(out[0]),
			   PAGE_SIZE) ||
		    memcmp(page_address(in[i % 3 + 1]), page_address(out[1]),
			   PAGE_SIZE))
			break;
	}
	KUNIT_EXPECT_EQ(test, nr, i);
	KUNIT_EXPECT_EQ(test, 0, ckpt_read_trailer(ctx));
	ckpt_kunit_put(test, ctx);
}

static void stream_test_record_padding(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct ckpt_hdr h;
	u8 tail[17], rec[24];
	loff_t pos = 0;
	size_t n, len;

	memset(tail, 0xa5, sizeof(tail));
	for (n = 0; n < sizeof(tail); n++)
		KUNIT_EXPECT_EQ(test, 0, ckpt_write_rec_tail(ctx, &h, 77,
							     sizeof(h), tail, n));
	KUNIT_EXPECT_EQ(test, 0, ckpt_stream_flush(ctx));
	for (n = 0; n < sizeof(tail); n++) {
		len = sizeof(h) + round_up(n, 8);
		KUNIT_ASSERT_EQ(test, len, kernel_read(ctx->file, rec, len, &pos));
		memcpy(&h, rec, sizeof(h));
		KUNIT_EXPECT_EQ(test, 77, h.type);
		KUNIT_EXPECT_EQ(test, len, h.len);
		KUNIT_EXPECT_NULL(test, memchr_inv(rec + sizeof(h), 0xa5, n));
		KUNIT_EXPECT_NULL(test, memchr_inv(rec + sizeof(h) + n, 0,
						   len - sizeof(h) - n));
	}
	KUNIT_EXPECT_EQ(test, pos, i_size_read(file_inode(ctx->file)));
	ckpt_kunit_put(test, ctx);
}

/* Payload starts at a page boundary, wherever its record ends. */
static void stream_test_payload_alignment(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct page *in = test_page(test, 1);
	struct ckpt_hdr h;
	u8 *out = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	size_t n;

	KUNIT_ASSERT_NOT_NULL(test, out);
	for (n = 0; n < 600; n += 40) {
		loff_t pos;
		u64 end;

		KUNIT_EXPECT_EQ(test, 0, ckpt_write_rec_tail(ctx, &h, 77,
							     sizeof(h), out, n));
		KUNIT_EXPECT_LT(test, ckpt_payload_pad(ctx, PAGES_REC_LEN),
				PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, 0, write_pages(ctx, &in, 1));
		end = ckpt_stream_bytes(ctx->stream);
		KUNIT_EXPECT_EQ(test, 0, end % PAGE_SIZE);
		/* the first of them was held back */
		KUNIT_EXPECT_EQ(test, 0, ckpt_stream_flush(ctx));
		pos = end - PAGE_SIZE;
		KUNIT_EXPECT_EQ(test, PAGE_SIZE,
				kernel_read(ctx->file, out, PAGE_SIZE, &pos));
		KUNIT_EXPECT_MEMEQ(test, page_address(in), out, PAGE_SIZE);
		memset(out, 0, PAGE_SIZE);
	}
	/* right at a boundary there is nothing to fill */
	n = PAGE_SIZE - PAGES_REC_LEN - sizeof(h);
	KUNIT_EXPECT_EQ(test, 0, ckpt_write_rec_tail(ctx, &h, 77, sizeof(h), out,
						     n));
	KUNIT_EXPECT_EQ(test, 0, ckpt_payload_pad(ctx, PAGES_REC_LEN));
	ckpt_kunit_put(test, ctx);
}

/* The trailer sums the records, and nothing else. */
static void stream_test_crc(struct kunit *test)
{
	struct page *in = test_page(test, 1);
	struct ckpt_hdr_trailer *t;
	struct image img;
	size_t before, after;
	u32 crc = ~0;

	make_image(test, &img, &in, 1);
	t = (void *)img.data + img.len - sizeof(*t);
	after = sizeof(struct ckpt_hdr_string) + 8;
	before = sizeof(struct ckpt_hdr_header) +
		 sizeof(struct ckpt_hdr_string) + 24 +
		 sizeof(struct ckpt_hdr_tree) + PAGES_REC_LEN;
	KUNIT_ASSERT_EQ(test, round_up(before, PAGE_SIZE) + PAGE_SIZE + after +
			      sizeof(*t), img.len);
	crc = crc32c(crc, img.data, before);
	crc = crc32c(crc, (void *)t - after, after);
	KUNIT_EXPECT_EQ(test, CKPT_TRAILER_MAGIC, t->magic);
	KUNIT_EXPECT_EQ(test, crc, t->crc32c);
	KUNIT_EXPECT_EQ(test, 5, t->records);
	KUNIT_EXPECT_EQ(test, 0, t->reserved);
}

/* ------------------------------------------------------------- writing */

static void stream_test_write_limits(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct ckpt_hdr *h = kvzalloc(CKPT_REC_MAX + 8, GFP_KERNEL);
	char *s = kvmalloc(CKPT_STRING_MAX + 1, GFP_KERNEL);
	u64 bytes;

	if (!h || !s) {
		kvfree(h);
		kvfree(s);
		kunit_skip(test, "no memory");
	}
	KUNIT_EXPECT_EQ(test, -E2BIG, ckpt_write_rec(ctx, h, 77, CKPT_REC_MAX + 8));
	ckpt_kunit_said(test, ctx, -E2BIG, "are too many");
	KUNIT_EXPECT_EQ(test, -E2BIG,
			ckpt_write_rec_tail(ctx, h, 77, 8, h, CKPT_REC_MAX - 7));
	ckpt_kunit_said(test, ctx, -E2BIG, "are too many");

	memset(s, 'a', CKPT_STRING_MAX);
	s[CKPT_STRING_MAX] = 0;
	KUNIT_EXPECT_EQ(test, -ENAMETOOLONG, ckpt_write_string(ctx, s));
	ckpt_kunit_said(test, ctx, -ENAMETOOLONG, "is too long");
	KUNIT_EXPECT_EQ(test, 0, ckpt_stream_bytes(ctx->stream));

	s[CKPT_STRING_MAX - 1] = 0;
	KUNIT_EXPECT_EQ(test, 0, ckpt_write_string(ctx, s));
	bytes = ckpt_stream_bytes(ctx->stream);
	KUNIT_EXPECT_EQ(test, CKPT_STRING_MAX + sizeof(*h), bytes);
	ckpt_kunit_rewind(test, ctx);
	KUNIT_EXPECT_EQ(test, 0, read_string(ctx, CKPT_STRING_MAX, s));
	ckpt_kunit_put(test, ctx);
	kvfree(h);
	kvfree(s);
}

/* Nobody reads: the error is kept, and nothing more is written. */
static void stream_test_write_fails(struct kunit *test)
{
	struct file *files[2];
	struct ckpt_ctx *ctx;

	KUNIT_ASSERT_EQ(test, 0, create_pipe_files(files, 0));
	/* the last reference must be gone now, not some time later */
	__fput_sync(files[0]);
	ctx = pipe_ctx(test, files[1], true);
	KUNIT_EXPECT_EQ(test, 0, ckpt_write_header(ctx));
	KUNIT_EXPECT_EQ(test, -EPIPE, ckpt_stream_flush(ctx));
	ckpt_kunit_said(test, ctx, -EPIPE, "cannot write at byte 0");
	KUNIT_EXPECT_EQ(test, -EPIPE, ckpt_write_string(ctx, "more"));
	KUNIT_EXPECT_EQ(test, -EPIPE, ckpt_write_trailer(ctx));
	ckpt_write_error(ctx);
	KUNIT_EXPECT_EQ(test, -EPIPE, ckpt_stream_flush(ctx));
	ckpt_kunit_put(test, ctx);
}

static void stream_test_wrong_direction(struct kunit *test)
{
	struct file *files[2];

	KUNIT_ASSERT_EQ(test, 0, create_pipe_files(files, 0));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EBADF),
			    (void *)ckpt_stream_open(files[0], true));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EBADF),
			    (void *)ckpt_stream_open(files[1], false));
	fput(files[0]);
	fput(files[1]);
}

/* ---------------------------------------------------- malformed records */

/* A reader of one record of @type with @len in its header, @bytes of it here */
static struct ckpt_ctx *one_record(struct kunit *test, u32 type, u32 len,
				   size_t bytes)
{
	struct ckpt_ctx *ctx;
	struct ckpt_hdr *h;

	h = kunit_kzalloc(test, max(bytes, sizeof(*h)), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, h);
	h->type = type;
	h->len = len;
	ctx = ckpt_kunit_reader(test, h, bytes);
	kunit_kfree(test, h);
	return ctx;
}

static void stream_test_bad_length(struct kunit *test)
{
	static const u32 bad[] = {
		0, 1, 4, 7, 9, 12, 15, 25, 31, 33, CKPT_REC_MAX - 4,
		CKPT_REC_MAX + 4, CKPT_REC_MAX + 8, 0x40000000, 0x7ffffff8,
		0x80000000, 0xfffffff8, U32_MAX,
	};
	struct ckpt_ctx *ctx;
	u8 rec[64];
	void *ret;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ctx = one_record(test, 77, bad[i], 4096);
		ret = ckpt_read_rec(ctx, 77, 8, CKPT_REC_MAX);
		KUNIT_EXPECT_PTR_EQ_MSG(test, ERR_PTR(-EINVAL), ret,
					"length %u", bad[i]);
		ckpt_kunit_said(test, ctx, -EINVAL, "has a length of");
		ckpt_kunit_put(test, ctx);

		/* even when the reader has put no bound on it */
		ctx = one_record(test, 77, bad[i], 4096);
		ret = ckpt_read_rec(ctx, 77, 0, SIZE_MAX);
		KUNIT_EXPECT_PTR_EQ_MSG(test, ERR_PTR(-EINVAL), ret,
					"length %u", bad[i]);
		ckpt_kunit_put(test, ctx);

		ctx = one_record(test, 77, bad[i], 4096);
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    ckpt_read_rec_into(ctx, rec, 77, sizeof(rec)),
				    "length %u", bad[i]);
		ckpt_kunit_put(test, ctx);
	}
}

static void stream_test_wrong_type(struct kunit *test)
{
	static const u32 bad[] = {
		0, 76, 78, CKPT_HDR_HEADER, CKPT_HDR_TRAILER, CKPT_HDR_STRING,
		CKPT_HDR_PAGES, 77 + 0x10000, INT_MAX, U32_MAX,
	};
	struct ckpt_ctx *ctx;
	u8 rec[32];
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ctx = one_record(test, bad[i], sizeof(rec), 64);
		KUNIT_EXPECT_PTR_EQ_MSG(test, ERR_PTR(-EINVAL),
					ckpt_read_rec(ctx, 77, 8, 64),
					"type %u", bad[i]);
		ckpt_kunit_said(test, ctx, -EINVAL, "type 77");
		KUNIT_EXPECT_EQ(test, 0, ctx->stream->records);
		ckpt_kunit_put(test, ctx);

		ctx = one_record(test, bad[i], sizeof(rec), 64);
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    ckpt_read_rec_into(ctx, rec, 77, sizeof(rec)),
				    "type %u", bad[i]);
		ckpt_kunit_said(test, ctx, -EINVAL, "type 77");
		ckpt_kunit_put(test, ctx);
	}
}

static void stream_test_wrong_size(struct kunit *test)
{
	struct ckpt_ctx *ctx;
	struct ckpt_hdr *h;
	u8 rec[32];
	u32 len;

	for (len = 8; len <= 64; len += 8) {
		ctx = one_record(test, 77, len, 64);
		KUNIT_EXPECT_EQ(test, len == sizeof(rec) ? 0 : -EINVAL,
				ckpt_read_rec_into(ctx, rec, 77, sizeof(rec)));
		if (len != sizeof(rec))
			ckpt_kunit_said(test, ctx, -EINVAL, "belongs there");
		ckpt_kunit_put(test, ctx);

		ctx = one_record(test, 77, len, 64);
		h = ckpt_read_rec(ctx, 77, 24, 40);
		if (len >= 24 && len <= 40) {
			KUNIT_ASSERT_NOT_ERR_OR_NULL(test, h);
			KUNIT_EXPECT_EQ(test, len, h->len);
			kvfree(h);
		} else {
			KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL), (void *)h);
			ckpt_kunit_said(test, ctx, -EINVAL, "belongs there");
		}
		ckpt_kunit_put(test, ctx);
	}
}

static void stream_test_bad_string(struct kunit *test)
{
	static const struct {
		const char *text;	/* with its padding */
		u32 bytes;
		size_t max;
		const char *says;	/* or NULL: a good one */
	} cases[] = {
		{ "hello\0\0", 8, 64, NULL },
		{ "hello\0\0", 8, 6, NULL },
		{ "1234567", 8, 8, NULL },
		{ "\0\0\0\0\0\0\0", 8, 1, NULL },
		{ "12345678", 8, 64, "without an end" },
		{ "12345678", 8, 8, "without an end" },
		{ "123456789abcdef0", 16, 64, "without an end" },
		/* it ends, but behind what the reader has room for */
		{ "hello\0\0", 8, 5, "without an end" },
		{ "1234567", 8, 7, "without an end" },
		{ "a\0\0\0\0\0\0", 8, 1, "without an end" },
		/* no room for a NUL; more than the reader has room for */
		{ "", 0, 64, "belongs there" },
		{ "1234567\0\0\0\0\0\0\0\0", 16, 8, "belongs there" },
	};
	struct {
		struct ckpt_hdr h;
		char text[16];
	} rec;
	struct ckpt_ctx *ctx;
	char *s;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		rec.h.type = CKPT_HDR_STRING;
		rec.h.len = sizeof(rec.h) + cases[i].bytes;
		memcpy(rec.text, cases[i].text, cases[i].bytes);
		ctx = ckpt_kunit_reader(test, &rec, rec.h.len);
		s = ckpt_read_string(ctx, cases[i].max);
		if (cases[i].says) {
			KUNIT_EXPECT_PTR_EQ_MSG(test, ERR_PTR(-EINVAL),
						(void *)s, "case %d", i);
			ckpt_kunit_said(test, ctx, -EINVAL, cases[i].says);
		} else {
			KUNIT_EXPECT_NOT_ERR_OR_NULL(test, s);
		}
		if (!IS_ERR(s)) {
			KUNIT_EXPECT_STREQ(test, cases[i].text, s);
			kvfree(s);
		}
		ckpt_kunit_put(test, ctx);
	}
}

static void stream_test_bad_trailer(struct kunit *test)
{
	struct ckpt_hdr_trailer *t;
	struct image img;
	struct ckpt_ctx *ctx;
	int i;

	for (i = 0; i < 6; i++) {
		make_image(test, &img, NULL, 0);
		t = (void *)img.data + img.len - sizeof(*t);
		switch (i) {
		case 0:
			t->magic ^= 1ULL << 63;
			break;
		case 1:
			t->records++;
			break;
		case 2:
			t->records += 1ULL << 32;
			break;
		case 3:
			t->crc32c ^= 1;
			break;
		case 4:
			t->crc32c = ~t->crc32c;
			break;
		case 5:
			t->reserved = 1;
			break;
		}
		ctx = ckpt_kunit_reader(test, img.data, img.len);
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, read_image(ctx, NULL, 0),
				    "case %d", i);
		ckpt_kunit_said(test, ctx, -EINVAL, "damaged");
		ckpt_kunit_put(test, ctx);
	}
}

/* A constant of another kernel, in a header that is good but for it */
static void stream_test_bad_header(struct kunit *test)
{
	static const struct {
		struct ckpt_hdr_header flip;	/* bits to change */
		const char *says;
	} cases[] = {
		{ { .magic = 1 }, "not a checkpoint image" },
		{ { .magic = 1ULL << 63 }, "not a checkpoint image" },
		{ { .magic = CKPT_MAGIC }, "not a checkpoint image" },
		{ { .magic = CKPT_MAGIC ^ CKPT_TRAILER_MAGIC }, "not a checkpoint image" },
		{ { .version = CKPT_VERSION }, "version 0" },
		{ { .version = 2 }, "this kernel reads version" },
		{ { .version = 1U << 31 }, "this kernel reads version" },
		{ { .incompat = 1 }, "features 0x1" },
		{ { .incompat = 1ULL << 63 }, "features 0x8000000000000000" },
		{ { .arch = 1 }, "another kind of machine" },
		{ { .arch = CKPT_ARCH_X86_64 }, "another kind of machine" },
		{ { .page_size = 65536 }, "another kind of machine" },
		{ { .page_size = PAGE_SIZE }, "another kind of machine" },
		{ { .user_hz = 1024 }, "another kind of machine" },
		{ { .nsig = 1 }, "another kind of machine" },
		{ { .rlim_nlimits = 1 }, "another kind of machine" },
		{ { .rlim_nlimits = 1U << 31 }, "another kind of machine" },
		{ { .task_comm_len = 32 }, "another kind of machine" },
		{ { .uflags = CKPT_CHECKPOINT_FLAGS + 1 }, "unknown flags" },
		{ { .uflags = 1U << 31 }, "unknown flags" },
	};
	struct ckpt_ctx *ctx;
	struct image img;
	size_t j;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		make_image(test, &img, NULL, 0);
		for (j = 0; j < sizeof(cases[i].flip); j++)
			img.data[j] ^= ((const u8 *)&cases[i].flip)[j];
		ctx = ckpt_kunit_reader(test, img.data, img.len);
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, ckpt_read_header(ctx),
				    "case %d", i);
		ckpt_kunit_said(test, ctx, -EINVAL, cases[i].says);
		ckpt_kunit_put(test, ctx);
	}
}

/* What differs from one run or build to the next does not matter. */
static void stream_test_other_header(struct kunit *test)
{
	struct ckpt_hdr_header *h;
	struct ckpt_ctx *ctx;
	struct image img;

	make_image(test, &img, NULL, 0);
	h = (void *)img.data;
	h->compat = ~0ULL;
	h->uflags = CKPT_CHECKPOINT_FLAGS;
	h->id = 12345;
	h->realtime_ns = ~0ULL;
	h->monotonic_ns = ~0ULL;
	h->boottime_ns = ~0ULL;
	memset(h->release, 'x', sizeof(h->release));
	memset(h->kversion, 'x', sizeof(h->kversion));
	ctx = ckpt_kunit_reader(test, img.data, img.len);
	KUNIT_EXPECT_EQ(test, 0, ckpt_read_header(ctx));
	KUNIT_EXPECT_EQ(test, 12345, ctx->id);
	ckpt_kunit_put(test, ctx);
}

/* What is no image, and one of a version whose header has become longer */
static void stream_test_no_image(struct kunit *test)
{
	static const char text[] = "#!/bin/sh\necho this is not an image\n";
	struct ckpt_hdr_header *h;
	struct ckpt_ctx *ctx;
	struct image img;

	ctx = ckpt_kunit_reader(test, text, sizeof(text));
	KUNIT_EXPECT_EQ(test, -EINVAL, ckpt_read_header(ctx));
	ckpt_kunit_said(test, ctx, -EINVAL, "not a checkpoint image");
	ckpt_kunit_put(test, ctx);

	make_image(test, &img, NULL, 0);
	h = (void *)img.data;
	h->h.len += 8;
	h->version++;
	ctx = ckpt_kunit_reader(test, img.data, img.len);
	KUNIT_EXPECT_EQ(test, -EINVAL, ckpt_read_header(ctx));
	ckpt_kunit_said(test, ctx, -EINVAL, "this kernel reads version");
	ckpt_kunit_put(test, ctx);
}

static void stream_test_bad_padding(struct kunit *test)
{
	struct page *in = test_page(test, 1), *out = test_page(test, 2);
	struct ckpt_hdr_pages *h;
	struct ckpt_ctx *ctx;
	struct image img;
	size_t at;
	u32 pad;
	int i;

	at = sizeof(struct ckpt_hdr_header) + sizeof(struct ckpt_hdr_string) +
	     24 + sizeof(struct ckpt_hdr_tree);

	for (i = 0; i < 8; i++) {
		make_image(test, &img, &in, 1);
		h = (void *)img.data + at;
		KUNIT_ASSERT_EQ(test, CKPT_HDR_PAGES, h->h.type);
		pad = h->pad;
		KUNIT_ASSERT_GT(test, pad, 8);
		switch (i) {
		case 0:
			h->pad = 0;
			break;
		case 1:
			h->pad--;
			break;
		case 2:
			h->pad++;
			break;
		case 3:
			h->pad += PAGE_SIZE;
			break;
		case 4:
			h->pad = U32_MAX;
			break;
		case 5:
			img.data[at + PAGES_REC_LEN] = 1;
			break;
		case 6:
			img.data[at + PAGES_REC_LEN + pad / 2] = 0x80;
			break;
		case 7:
			img.data[at + PAGES_REC_LEN + pad - 1] = 0xff;
			break;
		}
		ctx = ckpt_kunit_reader(test, img.data, img.len);
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, read_image(ctx, &out, 1),
				    "case %d", i);
		ckpt_kunit_said(test, ctx, -EINVAL, "padding");
		ckpt_kunit_put(test, ctx);
	}
}

/* ------------------------------------------------- objects and errors */

static const struct ckpt_task_entry *restoring(struct ckpt_ctx *ctx, u32 *nr)
{
	static const struct ckpt_task_entry e = { .comm = "kunit" };

	if (nr)
		*nr = 1;
	return &e;
}

/* Objects are made by the tasks that use them: nobody else takes one. */
static void stream_test_object_outside(struct kunit *test)
{
	struct ckpt_hdr_object obj[2] = {
		{ .objref = 1, .objtype = CKPT_OBJ_FILE },
	};
	struct ckpt_ctx *ctx;

	obj[0].h.type = CKPT_HDR_OBJECT;
	obj[0].h.len = sizeof(obj[0]);
	obj[1].h.type = 77;
	obj[1].h.len = sizeof(obj[1]);

	ctx = ckpt_kunit_reader(test, obj, sizeof(obj));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    ckpt_read_rec(ctx, 77, 8, 64));
	ckpt_kunit_said(test, ctx, -EINVAL, "type 77");
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_count(ctx->objhash));
	ckpt_kunit_put(test, ctx);

	/* a restoring task goes on to make it: of an unknown kind, here */
	kunit_activate_static_stub(test, ckpt_restoring, restoring);
	obj[0].objtype = CKPT_OBJ_NONE;
	ctx = ckpt_kunit_reader(test, obj, sizeof(obj));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    ckpt_read_rec(ctx, 77, 8, 64));
	ckpt_kunit_said(test, ctx, -EINVAL, "unknown kind");
	ckpt_kunit_put(test, ctx);

	/* a record that announces one has one length */
	obj[0].h.len = 2 * sizeof(obj[0]);
	ctx = ckpt_kunit_reader(test, obj, sizeof(obj));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    ckpt_read_rec(ctx, 77, 8, 64));
	ckpt_kunit_said(test, ctx, -EINVAL, "type 77");
	obj[0].h.len = sizeof(obj[0].h);
	ckpt_kunit_put(test, ctx);
	ctx = ckpt_kunit_reader(test, obj, sizeof(obj));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    ckpt_read_rec(ctx, 77, 8, 64));
	ckpt_kunit_said(test, ctx, -EINVAL, "type 77");
	ckpt_kunit_put(test, ctx);

	/* and may be cut off like any other */
	obj[0].h.len = sizeof(obj[0]);
	ctx = ckpt_kunit_reader(test, obj, sizeof(obj[0]) - 4);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    ckpt_read_rec(ctx, 77, 8, 64));
	ckpt_kunit_said(test, ctx, -EINVAL, "ends at byte");
	ckpt_kunit_put(test, ctx);
}

static void stream_test_error_record(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	DEFINE_RAW_FLEX(struct ckpt_hdr_error, rec, text, 8);
	const size_t len = sizeof(*rec) + 8;

	KUNIT_EXPECT_EQ(test, 0, ckpt_write_header(ctx));
	ckpt_err(ctx, -EBUSY, "pid 17: it would not stand still");
	ckpt_write_error(ctx);
	ctx->err = 0;
	ctx->errmsg[0] = 0;
	ckpt_kunit_rewind(test, ctx);
	KUNIT_EXPECT_EQ(test, 0, ckpt_read_header(ctx));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    ckpt_read_rec(ctx, CKPT_HDR_TREE, 8, 64));
	ckpt_kunit_said(test, ctx, -EINVAL, "pid 17: it would not stand still");
	ckpt_kunit_put(test, ctx);

	/* a text that has no end is given one */
	memset(rec->text, 'x', 8);
	rec->h.type = CKPT_HDR_ERROR;
	rec->h.len = len;
	ctx = ckpt_kunit_reader(test, rec, len);
	KUNIT_EXPECT_EQ(test, -EINVAL, ckpt_read_header(ctx));
	ckpt_kunit_said(test, ctx, -EINVAL, "failed: xxxxxxx");
	ckpt_kunit_put(test, ctx);

	rec->h.len = sizeof(*rec);
	ctx = ckpt_kunit_reader(test, rec, len);
	KUNIT_EXPECT_EQ(test, -EINVAL, ckpt_read_header(ctx));
	ckpt_kunit_said(test, ctx, -EINVAL, "of a checkpoint that failed");
	ckpt_kunit_put(test, ctx);

	rec->h.len = sizeof(rec->h);
	ctx = ckpt_kunit_reader(test, rec, len);
	KUNIT_EXPECT_EQ(test, -EINVAL, ckpt_read_header(ctx));
	ckpt_kunit_said(test, ctx, -EINVAL, "of a checkpoint that failed");
	ckpt_kunit_put(test, ctx);
}

/* -------------------------------------------------------- damaged images */

/* Cut off anywhere */
static void stream_test_truncated(struct kunit *test)
{
	struct ckpt_ctx *ctx;
	struct image img;
	size_t n;

	make_image(test, &img, NULL, 0);
	for (n = 0; n < img.len; n++) {
		ctx = ckpt_kunit_reader(test, img.data, n);
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, read_image(ctx, NULL, 0),
				    "cut at %zu", n);
		ckpt_kunit_said(test, ctx, -EINVAL, n ? "ends at byte" :
				"there is nothing in it");
		ckpt_kunit_put(test, ctx);
	}
}

static void stream_test_truncated_payload(struct kunit *test)
{
	struct page *in[2], *out[2];
	struct ckpt_ctx *ctx;
	struct image img;
	size_t n;
	int i;

	for (i = 0; i < 2; i++) {
		in[i] = test_page(test, i);
		out[i] = test_page(test, 100);
	}
	make_image(test, &img, in, 2);
	for (n = PAGE_SIZE - 3; n < img.len; n += 61) {
		ctx = ckpt_kunit_reader(test, img.data, n);
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, read_image(ctx, out, 2),
				    "cut at %zu", n);
		ckpt_kunit_said(test, ctx, -EINVAL, "ends at byte");
		ckpt_kunit_put(test, ctx);
	}
}

/* A pipe whose writer went away */
static void stream_test_truncated_pipe(struct kunit *test)
{
	struct file *files[2];
	struct ckpt_ctx *ctx;
	struct image img;
	size_t n;

	make_image(test, &img, NULL, 0);
	for (n = 0; n < img.len; n += 7) {
		KUNIT_ASSERT_EQ(test, 0, create_pipe_files(files, 0));
		KUNIT_EXPECT_EQ(test, n, kernel_write(files[1], img.data, n,
						      NULL));
		__fput_sync(files[1]);
		ctx = pipe_ctx(test, files[0], false);
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, read_image(ctx, NULL, 0),
				    "cut at %zu", n);
		ckpt_kunit_said(test, ctx, -EINVAL, n ? "ends at byte" :
				"there is nothing in it");
		ckpt_kunit_put(test, ctx);
	}
}

/* A byte that has changed, anywhere outside of page payload */
static void stream_test_flipped(struct kunit *test)
{
	struct ckpt_ctx *ctx;
	struct image img;
	size_t n;

	make_image(test, &img, NULL, 0);
	for (n = 0; n < img.len; n++) {
		u8 flip = 1 << n % 8;

		img.data[n] ^= flip;
		ctx = ckpt_kunit_reader(test, img.data, img.len);
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, read_image(ctx, NULL, 0),
				    "byte %zu changed by %#x", n, flip);
		KUNIT_EXPECT_EQ(test, -EINVAL, ctx->err);
		ckpt_kunit_put(test, ctx);
		img.data[n] ^= flip;
	}
	ctx = ckpt_kunit_reader(test, img.data, img.len);
	KUNIT_EXPECT_EQ(test, 0, read_image(ctx, NULL, 0));
	ckpt_kunit_put(test, ctx);
}

static struct kunit_case stream_test_cases[] = {
	KUNIT_CASE(stream_test_round_trip),
	KUNIT_CASE(stream_test_odd_iterators),
	KUNIT_CASE(stream_test_in_the_middle),
	KUNIT_CASE(stream_test_pipe),
	KUNIT_CASE(stream_test_long_records),
	KUNIT_CASE(stream_test_held_back),
	KUNIT_CASE(stream_test_record_padding),
	KUNIT_CASE(stream_test_payload_alignment),
	KUNIT_CASE(stream_test_crc),
	KUNIT_CASE(stream_test_write_limits),
	KUNIT_CASE(stream_test_write_fails),
	KUNIT_CASE(stream_test_wrong_direction),
	KUNIT_CASE(stream_test_bad_length),
	KUNIT_CASE(stream_test_wrong_type),
	KUNIT_CASE(stream_test_wrong_size),
	KUNIT_CASE(stream_test_bad_string),
	KUNIT_CASE(stream_test_bad_trailer),
	KUNIT_CASE(stream_test_bad_header),
	KUNIT_CASE(stream_test_other_header),
	KUNIT_CASE(stream_test_no_image),
	KUNIT_CASE(stream_test_bad_padding),
	KUNIT_CASE(stream_test_object_outside),
	KUNIT_CASE(stream_test_error_record),
	KUNIT_CASE(stream_test_truncated),
	KUNIT_CASE(stream_test_truncated_payload),
	KUNIT_CASE(stream_test_truncated_pipe),
	KUNIT_CASE_SLOW(stream_test_flipped),
	{}
};

static struct kunit_suite stream_test_suite = {
	.name		= "checkpoint_stream",
	.test_cases	= stream_test_cases,
};

kunit_test_suite(stream_test_suite);
