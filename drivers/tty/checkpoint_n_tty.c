// SPDX-License-Identifier: GPL-2.0
/*
 * What the line discipline N_TTY has of a terminal: input that was not read,
 * echoes that were not written. Included by n_tty.c.
 *
 * The two buffers are rings whose indices only grow. In the image both begin
 * at 0, with what is to be read, or echoed, next.
 */

#include "checkpoint.h"

/* Does it hand out lines? */
static bool reads_lines(const struct tty_struct *tty)
{
	const struct n_tty_data *ldata = tty->disc_data;

	return ldata->icanon && !L_EXTPROC(tty);
}

/**
 * ckpt_n_tty_save - what the line discipline has
 * @tty: one end of a terminal, whose line discipline is referenced
 * @h: its record, to be completed
 * @buf: room for CKPT_N_TTY_MAX bytes, zeroed: what follows the record
 *
 * Context: process context, may sleep.
 * Return: how many bytes follow.
 */
size_t ckpt_n_tty_save(struct tty_struct *tty, struct ckpt_hdr_tty_end *h,
		       u8 *buf)
{
	struct n_tty_data *ldata = tty->disc_data;
	size_t i, tail, n;

	down_write(&tty->termios_rwsem);
	mutex_lock(&ldata->output_lock);
	tail = ldata->read_tail;
	h->read = min_t(size_t, read_cnt(ldata), N_TTY_BUF_SIZE);
	if (reads_lines(tty))
		h->canon = min_t(size_t, ldata->canon_head - tail, h->read);
	else if (ldata->canon_head == ldata->read_head)
		h->canon = h->read;
	/* in a mode that does not look at it, it stays behind */
	if (!reads_lines(tty))
		h->commit = min_t(size_t, ldata->commit_head - tail, h->read);
	for (i = 0; i < h->read; i++)
		buf[i] = read_buf(ldata, tail + i);
	n = h->read;
	for (i = 0; i < h->read; i++)
		if (test_bit(MASK(tail + i), ldata->read_flags))
			buf[n + i / 8] |= 1 << i % 8;
	n += DIV_ROUND_UP(h->read, 8);

	tail = ldata->echo_tail;
	h->echo = min_t(size_t, ldata->echo_head - tail, N_TTY_BUF_SIZE);
	h->echo_commit = min_t(size_t, ldata->echo_commit - tail, h->echo);
	h->echo_mark = min_t(size_t, ldata->echo_mark - tail, h->echo);
	for (i = 0; i < h->echo; i++)
		buf[n++] = echo_buf(ldata, tail + i);

	h->column = ldata->column;
	h->canon_column = ldata->canon_column;
	h->lookahead = ldata->lookahead_count;
	if (ldata->lnext)
		h->flags |= CKPT_TTY_LNEXT;
	if (ldata->erasing)
		h->flags |= CKPT_TTY_ERASING;
	if (ldata->push)
		h->flags |= CKPT_TTY_PUSH;
	mutex_unlock(&ldata->output_lock);
	up_write(&tty->termios_rwsem);
	return n;
}

/**
 * ckpt_n_tty_restore - give the line discipline what it had
 * @tty: one end of a terminal that nobody uses so far, whose line discipline
 *	is referenced, and whose settings are restored
 * @h: its record, checked
 * @buf: what followed it
 *
 * Context: process context, may sleep.
 */
void ckpt_n_tty_restore(struct tty_struct *tty,
			const struct ckpt_hdr_tty_end *h, const u8 *buf)
{
	struct n_tty_data *ldata = tty->disc_data;
	size_t i;

	down_write(&tty->termios_rwsem);
	mutex_lock(&ldata->output_lock);
	reset_buffer_flags(ldata);
	memcpy(ldata->read_buf, buf, h->read);
	buf += h->read;
	for (i = 0; i < h->read; i++)
		if (buf[i / 8] & 1 << i % 8)
			set_bit(i, ldata->read_flags);
	buf += DIV_ROUND_UP(h->read, 8);
	ldata->read_head = h->read;
	ldata->canon_head = h->canon;
	ldata->commit_head = h->commit;

	memcpy(ldata->echo_buf, buf, h->echo);
	ldata->echo_tail = 0;
	ldata->echo_head = h->echo;
	ldata->echo_commit = h->echo_commit;
	ldata->echo_mark = h->echo_mark;

	ldata->column = h->column;
	ldata->canon_column = h->canon_column;
	ldata->lookahead_count = h->lookahead;
	ldata->lnext = !!(h->flags & CKPT_TTY_LNEXT);
	ldata->erasing = !!(h->flags & CKPT_TTY_ERASING);
	ldata->push = !!(h->flags & CKPT_TTY_PUSH);
	mutex_unlock(&ldata->output_lock);
	up_write(&tty->termios_rwsem);
}
