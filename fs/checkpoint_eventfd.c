// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of eventfd(2). Included by eventfd.c.
 */

#include "checkpoint.h"

/**
 * ckpt_eventfd_match - is this an eventfd?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_eventfd_match(struct file *file)
{
	return file->f_op == &eventfd_fops;
}

/**
 * ckpt_eventfd_write - write what follows the record of an eventfd
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOSYS, reported, if the kernel signals through it, or the errno
 * of the write.
 */
int ckpt_eventfd_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct eventfd_ctx *e = file->private_data;
	struct ckpt_hdr_eventfd h = {
		.semaphore = !!(e->flags & EFD_SEMAPHORE),
	};

	if (kref_read(&e->kref) != 1)
		return ckpt_err(ctx, -ENOSYS, "eventfd that the kernel was told to signal: not supported");
	spin_lock_irq(&e->wqh.lock);
	h.count = e->count;
	spin_unlock_irq(&e->wqh.lock);
	return ckpt_write_rec(ctx, &h, CKPT_HDR_EVENTFD, sizeof(h));
}

/**
 * ckpt_eventfd_restore - make an eventfd
 * @ctx: the context
 * @h: the record of the file
 * @name: what /proc/PID/fd/N showed, not used
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR: -EINVAL, reported, for a malformed record,
 * -ENFILE, -ENOMEM.
 */
struct file *ckpt_eventfd_restore(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h,
				  const char *name)
{
	struct ckpt_hdr_eventfd r;
	struct eventfd_ctx *e;
	struct file *file;
	int err;

	err = ckpt_read_rec_into(ctx, &r, CKPT_HDR_EVENTFD, sizeof(r));
	if (err)
		return ERR_PTR(err);
	if (r.semaphore > 1 || r.reserved)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: eventfd: malformed record"));

	/* as do_eventfd(), which can neither count so far nor do without fd */
	e = kmalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return ERR_PTR(-ENOMEM);
	kref_init(&e->kref);
	init_waitqueue_head(&e->wqh);
	e->count = r.count;
	e->flags = r.semaphore ? EFD_SEMAPHORE : 0;
	e->id = ida_alloc(&eventfd_ida, GFP_KERNEL);
	file = ckpt_anon_file(ctx, h, "[eventfd]", &eventfd_fops, e, O_RDWR);
	if (IS_ERR(file)) {
		eventfd_free_ctx(e);
		return file;
	}
	file->f_mode |= FMODE_NOWAIT;
	return file;
}
