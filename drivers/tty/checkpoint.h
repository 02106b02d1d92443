/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of drivers/tty/ that checkpoint and restart share with each
 * other.
 */
#ifndef _TTY_CHECKPOINT_H
#define _TTY_CHECKPOINT_H

#include <linux/checkpoint_types.h>
#include <linux/tty.h>

#include "../../fs/checkpoint.h"

/* Most bytes that ckpt_n_tty_save() fills in */
#define CKPT_N_TTY_MAX	(2 * N_TTY_BUF_SIZE + N_TTY_BUF_SIZE / 8)

/* checkpoint_tty.c */
bool ckpt_tty_redirected(const struct tty_struct *tty);
void ckpt_tty_hang_up_file(struct file *file);

/* checkpoint_n_tty.c */
size_t ckpt_n_tty_save(struct tty_struct *tty, struct ckpt_hdr_tty_end *h,
		       u8 *buf);
void ckpt_n_tty_restore(struct tty_struct *tty,
			const struct ckpt_hdr_tty_end *h, const u8 *buf);

#endif /* _TTY_CHECKPOINT_H */
