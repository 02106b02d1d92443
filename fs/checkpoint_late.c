// SPDX-License-Identifier: GPL-2.0
/*
 * What is left of open files when all of them are there: some refer to others,
 * which may be restored after them, and may refer to them. That stands in the
 * image behind the tasks.
 */

#include "checkpoint.h"

/*
 * In this order, and after the sockets, which may have files in messages: an
 * epoll does not take for news what is put into the others before.
 */
static const u32 late_kinds[] = {
	CKPT_FILE_PTM,
	CKPT_FILE_PIDFD,
	CKPT_FILE_INOTIFY,
	CKPT_FILE_FANOTIFY,
	CKPT_FILE_EPOLL,
};

static int late_write(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	struct ckpt_hdr_late_file h = { .kind = *(u32 *)arg };
	const struct ckpt_file_ops *ops = ckpt_file_kind_ops(h.kind);
	struct file *file = ptr;
	int ret;

	/* in the image, and not as one that is external */
	if (!ops->match(file) ||
	    !(ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE, 0) & CKPT_FILE_MARK_LATE))
		return 0;
	ret = ckpt_obj_checkpoint(ctx, file, CKPT_OBJ_FILE);
	if (ret < 0)
		return ret;
	h.file = ret;
	ret = ckpt_write_rec(ctx, &h, CKPT_HDR_LATE_FILE, sizeof(h));
	if (!ret)
		ret = ops->late_write(ctx, file);
	cond_resched();
	return ret;
}

/**
 * ckpt_late_write - write what is left of the open files
 * @ctx: the context; the tasks are written
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_late_write(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_late_file end = {};
	int i, err;
	u32 kind;

	err = ckpt_socks_late_write(ctx);
	for (i = 0; i < ARRAY_SIZE(late_kinds) && !err; i++) {
		kind = late_kinds[i];
		err = ckpt_obj_for_each(ctx, CKPT_OBJ_FILE, late_write, &kind);
	}
	if (err)
		return err;
	return ckpt_write_rec(ctx, &end, CKPT_HDR_LATE_FILE, sizeof(end));
}

/* One that the caller of restart gave is not the image's to change. */
static bool is_given(struct ckpt_ctx *ctx, const struct file *file)
{
	unsigned int i;

	for (i = 0; i < ctx->inherit_nr; i++)
		if (ctx->inherit[i].file == file)
			return true;
	return file == ctx->tty;
}

/* The place of a kind in late_kinds; 0 for sockets and groups of them: first */
static int late_place(u32 kind)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(late_kinds); i++)
		if (late_kinds[i] == kind)
			return i + 1;
	return 0;
}

/**
 * ckpt_late_restore - read what is left of the open files
 * @ctx: the context; all tasks are restored
 *
 * Context: a restored task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_late_restore(struct ckpt_ctx *ctx)
{
	const struct ckpt_file_ops *ops;
	int err, place, last = 0;
	struct ckpt_hdr_late_file h;
	struct file *file;

	for (;;) {
		err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_LATE_FILE,
					 sizeof(h));
		if (err)
			return err;
		if (!h.file && !h.kind) {
			err = ckpt_late_owners_set(ctx);
			if (!err)
				err = ckpt_late_fds_fill(ctx);
			return err ?: ckpt_socks_check(ctx);
		}
		/* a pidfd has its own pid before an epoll looks at it */
		place = late_place(h.kind);
		if (place < last)
			return ckpt_err(ctx, -EINVAL, "image: open file %u of kind %u comes too late",
					h.file, h.kind);
		last = place;
		if (h.kind == CKPT_FILE_SOCKET ||
		    h.kind == CKPT_FILE_SOCK_GROUP) {
			err = h.kind == CKPT_FILE_SOCKET ?
			      ckpt_sock_late_restore(ctx, h.file) :
			      ckpt_sock_group_restore(ctx, h.file);
			if (err)
				return err;
			cond_resched();
			continue;
		}
		file = ckpt_obj_fetch(ctx, h.file, CKPT_OBJ_FILE);
		if (IS_ERR(file))
			return PTR_ERR(file);
		ops = ckpt_file_kind_ops(h.kind);
		if (!ops || !ops->late_restore || !ops->match(file) ||
		    is_given(ctx, file))
			return ckpt_err(ctx, -EINVAL, "image: open file %u is not of kind %u, or has nothing left",
					h.file, h.kind);
		err = ops->late_restore(ctx, file);
		if (err)
			return ckpt_err(ctx, err, "%s: cannot be completed: error %d",
					ops->name, err);
		cond_resched();
	}
}
