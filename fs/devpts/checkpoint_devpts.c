// SPDX-License-Identifier: GPL-2.0
/*
 * What a checkpoint and a restart need to know of an instance of devpts.
 * Included by inode.c.
 */

#include "../checkpoint.h"

/**
 * ckpt_devpts_take_index - get a chosen number for a terminal
 * @fsi: the instance
 * @index: the number
 *
 * As devpts_new_index(), without the limit on all of them: the terminal has a
 * number that it gives back when it has this one.
 *
 * Context: process context, may sleep.
 * Return: 0, -EEXIST if another terminal has the number, -ENOSPC if it is
 * above what the instance was mounted with, -ENOMEM.
 */
int ckpt_devpts_take_index(struct pts_fs_info *fsi, int index)
{
	int ret;

	if (index >= fsi->mount_opts.max)
		return -ENOSPC;
	ret = ida_alloc_range(&fsi->allocated_ptys, index, index, GFP_KERNEL);
	if (ret < 0)
		return ret == -ENOSPC ? -EEXIST : ret;
	atomic_inc(&pty_count);
	return 0;
}

/**
 * ckpt_devpts_ptmx - the node that makes terminals
 * @sb: a devpts
 *
 * Return: its dentry, borrowed.
 */
struct dentry *ckpt_devpts_ptmx(struct super_block *sb)
{
	return DEVPTS_SB(sb)->ptmx_dentry;
}

/**
 * ckpt_devpts_no_reserve - keep off the terminals that are kept for the host
 * @sb: a devpts that nobody uses so far
 */
void ckpt_devpts_no_reserve(struct super_block *sb)
{
	DEVPTS_SB(sb)->mount_opts.reserve = 0;
}
