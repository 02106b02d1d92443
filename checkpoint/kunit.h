/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit tests share: a context that writes its image to a file in
 * memory and reads it back, or reads one that the test made up.
 */
#ifndef _CHECKPOINT_KUNIT_H
#define _CHECKPOINT_KUNIT_H

#include <kunit/resource.h>
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/shmem_fs.h>

#include "internal.h"

static inline void ckpt_kunit_free(void *arg)
{
	struct ckpt_ctx *ctx = arg;

	ckpt_objhash_free(ctx->objhash);
	ckpt_tree_free(ctx->tree);
	ckpt_stream_close(ctx->stream);
	if (ctx->file)
		fput(ctx->file);
}

static inline void ckpt_kunit_open(struct kunit *test, struct ckpt_ctx *ctx,
				   bool write)
{
	struct ckpt_stream *s = ckpt_stream_open(ctx->file, write);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	ctx->stream = s;
	ctx->restart = !write;
}

static inline void ckpt_kunit_close(struct ckpt_ctx *ctx)
{
	ckpt_stream_close(ctx->stream);
	ctx->stream = NULL;
}

/* A context over an empty file, to write to it. */
static inline struct ckpt_ctx *ckpt_kunit_writer(struct kunit *test)
{
	struct ckpt_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	struct file *file;

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, ckpt_kunit_free, ctx));
	ctx->objhash = ckpt_objhash_alloc();
	ctx->tree = ckpt_tree_alloc();
	KUNIT_ASSERT_NOT_NULL(test, ctx->objhash);
	KUNIT_ASSERT_NOT_NULL(test, ctx->tree);
	file = shmem_kernel_file_setup("checkpoint-kunit", 0, VM_NORESERVE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	/* it has a position, as one that was opened by path */
	file->f_mode |= FMODE_LSEEK;
	ctx->file = file;
	ckpt_kunit_open(test, ctx, true);
	return ctx;
}

/* Turn a context round: what was written is read from now on. */
static inline void ckpt_kunit_rewind(struct kunit *test, struct ckpt_ctx *ctx)
{
	KUNIT_ASSERT_EQ(test, 0, ckpt_stream_flush(ctx));
	ckpt_kunit_close(ctx);
	ctx->file->f_pos = 0;
	ckpt_kunit_open(test, ctx, false);
}

/* A context that reads @len bytes from @image. */
static inline struct ckpt_ctx *ckpt_kunit_reader(struct kunit *test,
						 const void *image, size_t len)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	loff_t pos = 0;

	KUNIT_ASSERT_EQ(test, len, kernel_write(ctx->file, image, len, &pos));
	ckpt_kunit_rewind(test, ctx);
	return ctx;
}

/* Give a context back before the test ends: it may make hundreds. */
static inline void ckpt_kunit_put(struct kunit *test, struct ckpt_ctx *ctx)
{
	kunit_release_action(test, ckpt_kunit_free, ctx);
	kunit_kfree(test, ctx);
}

/* An error was reported with @text in it; the next may be looked for. */
static inline void ckpt_kunit_said(struct kunit *test, struct ckpt_ctx *ctx,
				   int err, const char *text)
{
	KUNIT_EXPECT_EQ(test, err, ctx->err);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(ctx->errmsg, text),
				  "'%s' has no '%s'", ctx->errmsg, text);
	ctx->err = 0;
	ctx->errmsg[0] = 0;
}

#endif /* _CHECKPOINT_KUNIT_H */
