// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of signalfd(2). Included by signalfd.c.
 *
 * What can be read from one is what is pending for whoever reads.
 */

#include "checkpoint.h"

/**
 * ckpt_signalfd_match - is this a signalfd?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_signalfd_match(struct file *file)
{
	return file->f_op == &signalfd_fops;
}

/**
 * ckpt_signalfd_write - write what follows the record of a signalfd
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_signalfd_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct signalfd_ctx *s = file->private_data;
	/* it is kept inverted */
	struct ckpt_hdr_signalfd h = {
		.mask.sig = ~READ_ONCE(s->sigmask.sig[0]),
	};

	return ckpt_write_rec(ctx, &h, CKPT_HDR_SIGNALFD, sizeof(h));
}

/**
 * ckpt_signalfd_restore - make a signalfd
 * @ctx: the context
 * @h: the record of the file
 * @name: what /proc/PID/fd/N showed, not used
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR: -EINVAL, reported, for a malformed record,
 * -ENFILE, -ENOMEM.
 */
struct file *ckpt_signalfd_restore(struct ckpt_ctx *ctx,
				   const struct ckpt_hdr_file *h,
				   const char *name)
{
	struct ckpt_hdr_signalfd r;
	struct signalfd_ctx *s;
	struct file *file;
	int err;

	err = ckpt_read_rec_into(ctx, &r, CKPT_HDR_SIGNALFD, sizeof(r));
	if (err)
		return ERR_PTR(err);
	if (r.mask.sig & (sigmask(SIGKILL) | sigmask(SIGSTOP)))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: signalfd of signals %#llx",
					r.mask.sig));
	s = kmalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->sigmask.sig[0] = ~r.mask.sig;
	file = ckpt_anon_file(ctx, h, "[signalfd]", &signalfd_fops, s, O_RDWR);
	if (IS_ERR(file)) {
		kfree(s);
		return file;
	}
	file->f_mode |= FMODE_NOWAIT;
	return file;
}
