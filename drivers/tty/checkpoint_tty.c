// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of terminals, as tty_io.c has them. Included by it.
 */

#include "checkpoint.h"

/**
 * ckpt_file_tty - the terminal that a file is open on
 * @file: the file
 *
 * Return: the terminal, borrowed from @file, or NULL if it is open on none.
 */
struct tty_struct *ckpt_file_tty(struct file *file)
{
	if (file->f_op->unlocked_ioctl != tty_ioctl && !tty_hung_up_p(file))
		return NULL;
	return file_tty(file);
}

/**
 * ckpt_tty_redirected - does a terminal get what is written to the console?
 * @tty: the terminal
 *
 * Return: true if TIOCCONS has made it so.
 */
bool ckpt_tty_redirected(const struct tty_struct *tty)
{
	bool ret;

	spin_lock(&redirect_lock);
	ret = redirect && file_tty(redirect) == tty;
	spin_unlock(&redirect_lock);
	return ret;
}

/**
 * ckpt_tty_hang_up_file - let a file be one that was open at a hangup
 * @file: a file that is open on a terminal, which nobody else has so far
 */
void ckpt_tty_hang_up_file(struct file *file)
{
	struct tty_struct *tty = file_tty(file);

	spin_lock(&tty->files_lock);
	file->f_op = &hung_up_tty_fops;
	spin_unlock(&tty->files_lock);
}
