/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files that save and restore mount namespaces share.
 */
#ifndef _FS_CHECKPOINT_MNT_H
#define _FS_CHECKPOINT_MNT_H

#include <linux/xarray.h>
#include <uapi/linux/magic.h>

#include "checkpoint.h"
#include "pnode.h"

/**
 * struct ckpt_mnt - a mount of the image
 * @mnt: the mount, referenced; NULL if the caller's namespace takes the place
 *	of the one that it was in
 * @bare: a clone of it that nothing is mounted on, or NULL so far
 * @number: its number in the image
 * @ns: checkpoint: the address of the namespace that it was met in, NULL of
 *	one that was detached
 * @name: restart: what the image calls it
 * @where: restart: its mount point within @parent, until it is mounted
 * @at: restart: the same, looked up, referenced
 * @src: restart: what an external one was made of, referenced
 * @flags: restart: CKPT_MNT_*
 * @parent: restart: number of the mount that it is on, 0 of the root
 * @group: restart: id of its peer group in the image, or 0
 * @master: restart: id of the peer group that it is a slave of, or 0
 * @next: restart: number of the next one in whichever list it is in
 * @listed: restart: it is to be mounted next
 * @mounted: restart: it is
 */
struct ckpt_mnt {
	struct vfsmount *mnt;
	struct vfsmount *bare;
	u32 number;
	const void *ns;
	char *name;
	char *where;
	struct path at;
	struct path src;
	u32 flags;
	u32 parent;
	u32 group;
	u32 master;
	u32 next;
	bool listed;
	bool mounted;
};

/**
 * struct ckpt_mnts - the mounts of one checkpoint or restart
 * @mnts: struct ckpt_mnt, by number
 * @numbers: checkpoint: the same, by mount id
 * @first: checkpoint: number of the first mount of a namespace of the tree,
 *	by the address of the namespace; 0 of one that was not met so far
 * @groups: checkpoint: peer groups with a member in the tree, by id; restart:
 *	struct ckpt_mnt of the first member, by id
 * @last: checkpoint: last number given out
 * @written: checkpoint: age of the youngest namespace that was begun
 * @caller: checkpoint: the mounts of the caller's namespace, referenced, or
 *	NULL so far
 * @nr_caller: number of entries in @caller
 * @pending: restart: number of the first mount whose master group is not there
 */
struct ckpt_mnts {
	struct xarray mnts;
	struct xarray numbers;
	struct xarray first;
	struct xarray groups;
	u32 last;
	u64 written;
	struct vfsmount **caller;
	unsigned int nr_caller;
	u32 pending;
};

/* Is it of a namespace? That has an inode of nsfs. */
static inline bool ckpt_is_ns_mount(const struct vfsmount *mnt)
{
	return d_inode(mnt->mnt_root)->i_sb->s_magic == NSFS_MAGIC;
}

/* checkpoint_mnt.c */
struct ckpt_mnts *ckpt_mnts(struct ckpt_ctx *ctx);
struct ckpt_mnt *ckpt_mnt_add(struct ckpt_mnts *m, struct vfsmount *mnt,
			      u32 number);
int ckpt_mnt_flags(u32 flags);

/* checkpoint_path.c */
bool ckpt_mnt_ns_outside(struct ckpt_ctx *ctx, struct mnt_namespace *ns);
bool ckpt_sb_outside(struct ckpt_ctx *ctx, struct super_block *sb);
int ckpt_mnt_ns_top(struct mnt_namespace *ns, struct path *top);
struct ckpt_mnt *ckpt_mnt_of(struct ckpt_ctx *ctx, const struct vfsmount *mnt);
struct ckpt_mnt *ckpt_mnt_fetch(struct ckpt_ctx *ctx, u32 number);
bool ckpt_path_below(struct path *path);
int ckpt_path_locate(const struct path *base, const struct path *path,
		     char *buf, char **name, u32 *under);

/* checkpoint_mnt_restore.c */
bool ckpt_mnt_may_reveal(const struct mount *m);
void *ckpt_mnt_ns_restore(struct ckpt_ctx *ctx);
void *ckpt_mnt_restore(struct ckpt_ctx *ctx);

#endif /* _FS_CHECKPOINT_MNT_H */
