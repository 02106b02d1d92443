// SPDX-License-Identifier: GPL-2.0
/*
 * What a descriptor table is told about a directory: F_NOTIFY. Included at the
 * end of dnotify.c.
 */

#include <linux/checkpoint_types.h>

/* The opposite of convert_arg() */
static u32 notify_arg(u32 mask)
{
	static const struct {
		u32 event;
		u32 arg;
	} table[] = {
		{ FS_DN_MULTISHOT, DN_MULTISHOT },
		{ FS_DELETE, DN_DELETE },
		{ FS_MODIFY, DN_MODIFY },
		{ FS_ACCESS, DN_ACCESS },
		{ FS_ATTRIB, DN_ATTRIB },
		{ FS_RENAME, DN_RENAME },
		{ FS_CREATE, DN_CREATE },
	};
	u32 arg = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (mask & table[i].event)
			arg |= table[i].arg;
	return arg;
}

/**
 * ckpt_dnotify_get - what is a descriptor table told about a directory?
 * @file: an open file
 * @owner: the table
 * @fd: where to put the descriptor that the signals tell
 *
 * Context: process context, may sleep.
 * Return: DN_*, or 0 if it is told nothing.
 */
u32 ckpt_dnotify_get(struct file *file, fl_owner_t owner, u32 *fd)
{
	struct fsnotify_mark *fsn_mark;
	struct dnotify_mark *dn_mark;
	struct dnotify_struct *dn;
	u32 arg = 0;

	if (!S_ISDIR(file_inode(file)->i_mode))
		return 0;
	fsn_mark = fsnotify_find_inode_mark(file_inode(file), dnotify_group);
	if (!fsn_mark)
		return 0;
	dn_mark = container_of(fsn_mark, struct dnotify_mark, fsn_mark);
	spin_lock(&fsn_mark->lock);
	for (dn = dn_mark->dn; dn; dn = dn->dn_next) {
		if (dn->dn_owner != owner || dn->dn_filp != file)
			continue;
		arg = notify_arg(dn->dn_mask);
		*fd = dn->dn_fd;
	}
	spin_unlock(&fsn_mark->lock);
	fsnotify_put_mark(fsn_mark);
	return arg;
}
