// SPDX-License-Identifier: GPL-2.0
/*
 * Mount namespaces, rebuilt mount by mount.
 *
 * All mounts of a namespace are made first, each alone, then mounted on each
 * other, the root first, and tied to their propagation groups last: so it does
 * not matter what covers what, and nothing is propagated meanwhile. Nobody can
 * find the namespace, and no task is in it, until it is complete and checked.
 *
 * A mount of what the caller has is as a bind mount of it, or the copy that a
 * new namespace gets: with the flags that cannot be changed, and with what must
 * not be revealed still covered.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs_context.h>
#include <linux/fs_struct.h>
#include <linux/mnt_idmapping.h>
#include <linux/mnt_namespace.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/proc_ns.h>
#include <linux/security.h>
#include <linux/user_namespace.h>
#include <uapi/linux/mount.h>

#include "checkpoint_mnt.h"
#include "internal.h"

#define CKPT_MNT_ALL	(CKPT_MNT_READONLY | CKPT_MNT_NOSUID | CKPT_MNT_NODEV | \
			 CKPT_MNT_NOEXEC | CKPT_MNT_NOATIME | \
			 CKPT_MNT_NODIRATIME | CKPT_MNT_RELATIME | \
			 CKPT_MNT_NOSYMFOLLOW | CKPT_MNT_SHRINKABLE | \
			 CKPT_MNT_UNBINDABLE | CKPT_MNT_LOCK_READONLY | \
			 CKPT_MNT_LOCK_NOSUID | CKPT_MNT_LOCK_NODEV | \
			 CKPT_MNT_LOCK_NOEXEC | CKPT_MNT_LOCK_ATIME | \
			 CKPT_MNT_LOCKED | CKPT_MNT_IDMAPPED | \
			 CKPT_MNT_PEERS_OUTSIDE | CKPT_MNT_MASTER_OUTSIDE)

#define MNT_LOCK_MASK	(MNT_LOCK_READONLY | MNT_LOCK_NOSUID | MNT_LOCK_NODEV | \
			 MNT_LOCK_NOEXEC | MNT_LOCK_ATIME)

/**
 * struct mnt_rec - what the image says of a mount
 * @h: the record
 * @where: path of the mount point within the parent
 * @root: path of its root within the file system
 * @source: what mountinfo shows as its source
 * @name: what whoever restarts calls it
 * @origin: path of an external one from the caller's root, or empty
 */
struct mnt_rec {
	struct ckpt_hdr_mnt h;
	char *where;
	char *root;
	char *source;
	char *name;
	char *origin;
};

/* ------------------------------------------------ what must not be seen */

/* Flags of @m in the hands of who cannot mount where it is; lock_mnt_tree() */
static int locked_flags(const struct mount *m)
{
	int flags = m->mnt.mnt_flags | MNT_LOCK_ATIME | MNT_LOCKED;

	if (flags & MNT_READONLY)
		flags |= MNT_LOCK_READONLY;
	if (flags & MNT_NODEV)
		flags |= MNT_LOCK_NODEV;
	if (flags & MNT_NOSUID)
		flags |= MNT_LOCK_NOSUID;
	if (flags & MNT_NOEXEC)
		flags |= MNT_LOCK_NOEXEC;
	return flags;
}

/* May a mount with the flags @old get those of @new? can_change_locked_flags() */
static bool locks_allow(int old, int new)
{
	if ((old & MNT_LOCK_READONLY) && !(new & MNT_READONLY))
		return false;
	if ((old & MNT_LOCK_NODEV) && !(new & MNT_NODEV))
		return false;
	if ((old & MNT_LOCK_NOSUID) && !(new & MNT_NOSUID))
		return false;
	if ((old & MNT_LOCK_NOEXEC) && !(new & MNT_NOEXEC))
		return false;
	return !(old & MNT_LOCK_ATIME) || !((old ^ new) & MNT_ATIME_MASK);
}

/**
 * ckpt_mnt_may_reveal - may the caller see what mounts cover?
 * @m: a mount of the caller's
 *
 * Return: true if it may mount and unmount where @m is, locked mounts aside.
 */
bool ckpt_mnt_may_reveal(const struct mount *m)
{
	struct mnt_namespace *ns = READ_ONCE(m->mnt_ns);

	return !IS_ERR_OR_NULL(ns) && ns_capable(ns->user_ns, CAP_SYS_ADMIN);
}

/* Flags of @m as the caller has it, who may reveal what it covers or not */
static int flags_for(const struct mount *m, bool may)
{
	return may ? m->mnt.mnt_flags : locked_flags(m);
}

/* Is something below @m covered by a locked mount? Empty directories aside. */
static bool is_covered(const struct mount *m, bool may)
{
	struct mount *c;

	list_for_each_entry(c, &m->mnt_mounts, mnt_child)
		if ((flags_for(c, may) & MNT_LOCKED) &&
		    !is_empty_dir_inode(d_inode(c->mnt_mountpoint)))
			return true;
	return false;
}

/*
 * Would a mount of @sb with these flags show more than those in @ns do? As
 * mnt_already_visible(), but who could not unmount there would see those in the
 * copy that a new namespace gets, where all are locked.
 */
static bool shows_more(struct mnt_namespace *ns, const struct super_block *sb,
		       int *flags)
{
	const int locks = MNT_LOCK_READONLY | MNT_LOCK_ATIME;
	bool may = ns_capable(ns->user_ns, CAP_SYS_ADMIN), more = true;
	struct mount *m, *next;
	int old;

	read_seqlock_excl(&mount_lock);
	rbtree_postorder_for_each_entry_safe(m, next, &ns->mounts, mnt_node) {
		if (m->mnt.mnt_sb->s_type != sb->s_type ||
		    m->mnt.mnt_root != m->mnt.mnt_sb->s_root)
			continue;
		old = flags_for(m, may) & (locks | MNT_ATIME_MASK);
		if (sb_rdonly(m->mnt.mnt_sb))
			old |= MNT_LOCK_READONLY;
		if (!locks_allow(old, *flags) || is_covered(m, may))
			continue;
		*flags |= old & locks;
		more = false;
		break;
	}
	read_sequnlock_excl(&mount_lock);
	return more;
}

/* ---------------------------------------------------------- one mount */

static struct vfsmount *mount_sb(struct super_block *sb,
				 const struct mnt_rec *r)
{
	struct vfsmount *mnt, *top;
	struct path path;
	int err;

	top = ckpt_dentry_mount(sb->s_root, r->source);
	if (IS_ERR(top) || !strcmp(r->root, "/"))
		return top;
	err = vfs_path_lookup(top->mnt_root, top, r->root, 0, &path);
	if (!err) {
		if (path.mnt != top)
			err = -EXDEV;
		else if (d_is_symlink(path.dentry))
			err = -ELOOP;
		mnt = err ? NULL : ckpt_dentry_mount(path.dentry, r->source);
		path_put(&path);
	}
	mntput(top);
	return err ? ERR_PTR(err) : mnt;
}

/* A mount of a file system that was made anew */
static struct vfsmount *make_anew(struct ckpt_ctx *ctx, const struct mnt_rec *r,
				  struct user_namespace *user_ns)
{
	struct super_block *sb = ckpt_obj_fetch(ctx, r->h.sb, CKPT_OBJ_SB);
	int flags = ckpt_mnt_flags(r->h.flags);
	struct vfsmount *mnt;
	int err;

	if (IS_ERR(sb))
		return ERR_CAST(sb);
	if ((r->h.flags & CKPT_MNT_IDMAPPED) || (sb->s_flags & SB_NOUSER))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: mount '%s': flags %#x",
					r->name, r->h.flags));
	if (user_ns != &init_user_ns && (sb->s_iflags & SB_I_USERNS_VISIBLE) &&
	    shows_more(ctx->caller_ns->mnt_ns, sb, &flags))
		return ERR_PTR(ckpt_err(ctx, -EPERM, "mount '%s' (%s): would show more than you may see",
					r->name, sb->s_type->name));
	mnt = mount_sb(sb, r);
	if (IS_ERR(mnt)) {
		err = PTR_ERR(mnt);
		return ERR_PTR(ckpt_err(ctx, err, "mount '%s' (%s): '%s' cannot be its root: error %d",
					r->name, sb->s_type->name, r->root,
					err));
	}
	if (!ckpt_cgroup_may_show(ctx, mnt->mnt_root)) {
		mntput(mnt);
		return ERR_PTR(ckpt_err(ctx, -EPERM, "mount '%s' (%s): '%s' is not below the root of your cgroup namespace",
					r->name, sb->s_type->name, r->root));
	}
	mnt->mnt_flags = flags;
	return mnt;
}

/* A mount of a namespace */
static struct vfsmount *make_ns_mount(struct ckpt_ctx *ctx,
				      const struct mnt_rec *r)
{
	struct vfsmount *mnt;
	struct path path;
	int err;

	if (r->h.flags & CKPT_MNT_IDMAPPED)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: mount '%s': flags %#x",
					r->name, r->h.flags));
	err = ckpt_ns_path(ctx, r->h.ns_type, r->h.sb, &path);
	if (err)
		return ERR_PTR(err);
	mnt = mnt_clone_internal(&path);
	path_put(&path);
	if (!IS_ERR(mnt))
		mnt->mnt_flags = ckpt_mnt_flags(r->h.flags);
	return mnt;
}

/*
 * Where the mount that takes the place of an external one begins. Returns 1 if
 * the caller gave it, 0 if it is what the origin leads to.
 */
static int find_place(struct ckpt_ctx *ctx, const struct mnt_rec *r,
		      struct path *place)
{
	unsigned int i;
	u32 under;
	int err;

	for (i = 0; i < ctx->mounts_nr; i++) {
		if (strcmp(ctx->mounts[i].name, r->name))
			continue;
		*place = ctx->mounts[i].path;
		path_get(place);
		return 1;
	}
	if (!*r->origin)
		return ckpt_err(ctx, -ENOENT, "mount '%s' is external: give it with --mount '%s'=PATH",
				r->name, r->name);
	err = vfs_path_lookup(ctx->root.dentry, ctx->root.mnt, r->origin, 0,
			      place);
	for (under = r->h.under; !err && under; under--) {
		if (!ckpt_path_below(place)) {
			path_put(place);
			err = -ENOENT;
		}
	}
	if (!err && READ_ONCE(real_mount(place->mnt)->mnt_ns) !=
		    ctx->caller_ns->mnt_ns) {
		path_put(place);
		err = -EINVAL;
	}
	if (err)
		ckpt_err(ctx, err, "mount '%s' is external, and '%s' cannot take its place: error %d: give it with --mount '%s'=PATH",
			 r->name, r->origin, err, r->name);
	return err;
}

/* What is mounted from no device may be called anything. */
static int set_source(struct vfsmount *mnt, const char *source)
{
	struct mount *m = real_mount(mnt);
	const char *name;

	if (mnt->mnt_sb->s_type->fs_flags & FS_REQUIRES_DEV)
		return 0;
	name = kstrdup(source, GFP_KERNEL_ACCOUNT);
	if (!name)
		return -ENOMEM;
	kfree_const(m->mnt_devname);
	m->mnt_devname = name;
	return 0;
}

/* A mount of what @place leads to */
static struct vfsmount *make_copy(struct ckpt_ctx *ctx, const struct mnt_rec *r,
				  const struct path *place)
{
	struct mount *m = real_mount(place->mnt);
	int old = ckpt_mnt_may_reveal(m) ? m->mnt.mnt_flags & ~MNT_LOCKED :
				  locked_flags(m);
	int flags = ckpt_mnt_flags(r->h.flags);
	struct vfsmount *mnt;

	if (is_idmapped_mnt(place->mnt) != !!(r->h.flags & CKPT_MNT_IDMAPPED))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "mount '%s': is%s idmapped: give one that is%s with --mount '%s'=PATH",
					r->name,
					is_idmapped_mnt(place->mnt) ? "" : " not",
					is_idmapped_mnt(place->mnt) ? " not" : "",
					r->name));
	if (!locks_allow(old, flags))
		return ERR_PTR(ckpt_err(ctx, -EPERM, "mount '%s': what takes its place has flags that are locked",
					r->name));
	if (d_is_symlink(place->dentry))
		return ERR_PTR(ckpt_err(ctx, -ELOOP, "mount '%s': what takes its place is a symbolic link",
					r->name));
	mnt = mnt_clone_internal(place);
	if (!IS_ERR(mnt))
		mnt->mnt_flags = flags | (old & (MNT_LOCK_MASK | MNT_LOCKED));
	return mnt;
}

/*
 * Would a mount of @root, in a namespace of the age @seq, be that of one which
 * is no younger? Then namespaces could hold each other: mnt_ns_loop().
 */
static bool makes_loop(u64 seq, const struct dentry *root)
{
	struct ns_common *ns;

	if (!seq || root->d_sb->s_magic != NSFS_MAGIC)
		return false;
	ns = get_proc_ns(d_inode(root));
	return ns->ops == &mntns_operations &&
	       container_of(ns, struct mnt_namespace, ns)->seq <= seq;
}

static struct ckpt_mnt *make_mount(struct ckpt_ctx *ctx, struct mnt_rec *r,
				   u32 number, struct user_namespace *user_ns,
				   u64 seq)
{
	struct path place = {};
	struct vfsmount *mnt;
	struct ckpt_mnt *e;
	int given, err;

	if (r->h.ns_type) {
		mnt = make_ns_mount(ctx, r);
	} else if (r->h.sb) {
		mnt = make_anew(ctx, r, user_ns);
	} else {
		given = find_place(ctx, r, &place);
		if (given < 0)
			return ERR_PTR(given);
		mnt = make_copy(ctx, r, &place);
		err = IS_ERR(mnt) || given ? 0 : set_source(mnt, r->source);
		if (err) {
			mntput(mnt);
			mnt = ERR_PTR(err);
		}
	}
	if (!IS_ERR(mnt) && makes_loop(seq, mnt->mnt_root)) {
		mntput(mnt);
		mnt = ERR_PTR(ckpt_err(ctx, -EINVAL, "mount '%s': of a mount namespace that is not younger than the one it is in",
				       r->name));
	}
	e = IS_ERR(mnt) ? ERR_CAST(mnt) : ckpt_mnt_add(ctx->mnts, mnt, number);
	if (IS_ERR(e)) {
		if (place.mnt)
			path_put(&place);
		return e;
	}
	e->src = place;
	e->flags = r->h.flags;
	e->parent = r->h.parent;
	e->group = r->h.group;
	e->master = r->h.master;
	swap(e->where, r->where);
	swap(e->name, r->name);
	return e;
}

static int read_strings(struct ckpt_ctx *ctx, struct mnt_rec *r)
{
	char **to[] = { &r->where, &r->root, &r->source, &r->name, &r->origin };
	char *s;
	int i;

	for (i = 0; i < ARRAY_SIZE(to); i++) {
		s = ckpt_read_string(ctx, PATH_MAX);
		if (IS_ERR(s))
			return PTR_ERR(s);
		*to[i] = s;
	}
	return 0;
}

/* What is in the caller's namespace instead is found by its name. */
static struct ckpt_mnt *join_mount(struct ckpt_ctx *ctx, struct mnt_rec *r,
				   u32 number)
{
	struct ckpt_mnt *e = ckpt_mnt_add(ctx->mnts, NULL, number);

	if (!IS_ERR(e))
		swap(e->name, r->name);
	return e;
}

/*
 * With no @user_ns, the namespace that it is in is not made; @seq is its age, 0
 * if it is in none.
 */
static int read_mount(struct ckpt_ctx *ctx, u32 number,
		      struct user_namespace *user_ns, u64 seq)
{
	struct mnt_rec *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	struct ckpt_mnt *e;
	int err;

	if (!r)
		return -ENOMEM;
	err = ckpt_read_rec_into(ctx, &r->h, CKPT_HDR_MNT, sizeof(r->h));
	if (!err)
		err = read_strings(ctx, r);
	if (!err && (r->h.flags & ~CKPT_MNT_ALL || r->h.reserved ||
		     (r->h.under && (r->h.sb || r->h.ns_type))))
		err = ckpt_err(ctx, -EINVAL, "image: mount %u with flags %#x, under %u others",
			       number, r->h.flags, r->h.under);
	if (!err) {
		e = user_ns ? make_mount(ctx, r, number, user_ns, seq) :
			      join_mount(ctx, r, number);
		if (IS_ERR(e))
			err = ckpt_err(ctx, PTR_ERR(e), "mount '%s': cannot be made: error %ld",
				       r->name, PTR_ERR(e));
	}
	kvfree(r->where);
	kvfree(r->root);
	kvfree(r->source);
	kvfree(r->name);
	kvfree(r->origin);
	kfree(r);
	return err;
}

/* ----------------------------------------------------------- the tree */

/**
 * struct mnt_tree - the mounts of a namespace that is being made
 * @ns: the namespace, or NULL so far
 * @seq: its age, from before its mounts were read
 * @first: number of the first mount
 * @nr: number of mounts
 * @root: number of the mount that all others are on
 */
struct mnt_tree {
	struct mnt_namespace *ns;
	u64 seq;
	u32 first;
	u32 nr;
	u32 root;
};

static struct ckpt_mnt *entry(struct ckpt_ctx *ctx, u32 number)
{
	return xa_load(&ctx->mnts->mnts, number);
}

/* Find its mount point, as long as nothing is mounted on anything. */
static int find_mountpoint(struct ckpt_ctx *ctx, const struct mnt_tree *t,
			   struct ckpt_mnt *e)
{
	struct vfsmount *parent;
	int err;

	if (e->number == t->root && !e->parent)
		return 0;
	if (e->number == t->root || e->parent < t->first ||
	    e->parent - t->first >= t->nr)
		return ckpt_err(ctx, -EINVAL, "image: mount %u on mount %u",
				e->number, e->parent);
	parent = entry(ctx, e->parent)->mnt;
	err = vfs_path_lookup(parent->mnt_root, parent, e->where, 0, &e->at);
	if (!err && e->at.mnt != parent)
		err = -EXDEV;
	else if (!err && d_is_dir(e->at.dentry) != d_is_dir(e->mnt->mnt_root))
		err = -ENOTDIR;
	if (!err)
		err = e->src.mnt ? security_move_mount(&e->src, &e->at) :
		      security_sb_mount(real_mount(e->mnt)->mnt_devname, &e->at,
					e->mnt->mnt_sb->s_type->name, 0, NULL);
	if (err)
		return ckpt_err(ctx, err, "mount '%s': there is no place for it: error %d",
				e->name, err);
	return 0;
}

static int mount_one(struct ckpt_ctx *ctx, struct ckpt_mnt *e)
{
	int err;

	mntget(e->mnt);
	err = ckpt_mnt_attach(real_mount(e->mnt), real_mount(e->at.mnt),
			      e->at.dentry);
	if (err) {
		mntput(e->mnt);
		return ckpt_err(ctx, err, "mount '%s': cannot be mounted: error %d",
				e->name, err);
	}
	e->mounted = true;
	return 0;
}

/* Mount @e after all that it is on. */
static int mount_with_parents(struct ckpt_ctx *ctx, struct ckpt_mnt *e)
{
	struct ckpt_mnt *parent;
	u32 list = 0;
	int err = 0;

	for (; !e->mounted; e = entry(ctx, e->parent)) {
		if (e->listed)
			return ckpt_err(ctx, -EINVAL, "image: mount %u is on itself",
					e->number);
		e->listed = true;
		e->next = list;
		list = e->number;
	}
	while (list && !err) {
		parent = entry(ctx, list);
		list = parent->next;
		err = mount_one(ctx, parent);
	}
	return err;
}

/*
 * Would a copy show what its caller must not see? It is below mounts that are
 * locked where it was taken from, and so must it be here.
 */
static int check_hidden(struct ckpt_ctx *ctx, const struct ckpt_mnt *e)
{
	struct mount *c, *cover, *m = real_mount(e->src.mnt);
	bool may = ckpt_mnt_may_reveal(m);
	struct dentry *shown = NULL;
	int err;

	read_seqlock_excl(&mount_lock);
	list_for_each_entry(c, &m->mnt_mounts, mnt_child) {
		if ((may && !(c->mnt.mnt_flags & MNT_LOCKED)) ||
		    !is_subdir(c->mnt_mountpoint, e->mnt->mnt_root))
			continue;
		cover = __lookup_mnt(e->mnt, c->mnt_mountpoint);
		if (!cover || !(cover->mnt.mnt_flags & MNT_LOCKED)) {
			shown = dget(c->mnt_mountpoint);
			break;
		}
	}
	read_sequnlock_excl(&mount_lock);
	if (!shown)
		return 0;
	err = ckpt_err(ctx, -EPERM, "mount '%s': would show what a locked mount on '%pd' hides",
		       e->name, shown);
	dput(shown);
	return err;
}

static int mount_all(struct ckpt_ctx *ctx, struct mnt_tree *t,
		     struct user_namespace *user_ns)
{
	struct ckpt_mnt *e, *root = entry(ctx, t->root);
	int err = 0;
	u32 i;

	for (i = 0; i < t->nr && !err; i++)
		err = find_mountpoint(ctx, t, entry(ctx, t->first + i));
	if (err)
		return err;
	mntget(root->mnt);
	t->ns = ckpt_mnt_ns_make(user_ns, real_mount(root->mnt), t->seq);
	if (IS_ERR(t->ns)) {
		err = PTR_ERR(t->ns);
		t->ns = NULL;
		mntput(root->mnt);
		return ckpt_err(ctx, err, "mount namespace: cannot be made: error %d",
				err);
	}
	root->mounted = true;
	for (i = 0; i < t->nr && !err; i++)
		err = mount_with_parents(ctx, entry(ctx, t->first + i));
	for (i = 0; i < t->nr && !err; i++) {
		e = entry(ctx, t->first + i);
		if (e->src.mnt)
			err = check_hidden(ctx, e);
	}
	return err;
}

/* -------------------------------------------------------- propagation */

static bool is_shared(const struct vfsmount *mnt)
{
	return mnt && (READ_ONCE(mnt->mnt_flags) & MNT_SHARED);
}

static int tie_peers(struct ckpt_ctx *ctx, struct ckpt_mnt *e)
{
	struct ckpt_mnt *peer = xa_load(&ctx->mnts->groups, e->group);
	struct vfsmount *with = e->mnt;

	if (peer)
		with = peer->mnt;
	else if ((e->flags & CKPT_MNT_PEERS_OUTSIDE) && is_shared(e->src.mnt))
		with = e->src.mnt;
	if (peer && peer->master != e->master)
		return -EINVAL;
	if (!peer && xa_err(xa_store(&ctx->mnts->groups, e->group, e,
				     GFP_KERNEL_ACCOUNT)))
		return -ENOMEM;
	return ckpt_mnt_join(real_mount(e->mnt), real_mount(with));
}

/*
 * Returns -EAGAIN if the master group is of a namespace that comes later. What
 * is above all groups of the image is above what takes the place of the mount.
 */
static int tie_master(struct ckpt_ctx *ctx, struct ckpt_mnt *e)
{
	struct ckpt_mnt *master;

	if (e->flags & CKPT_MNT_MASTER_OUTSIDE)
		return e->src.mnt ? ckpt_mnt_enslave(real_mount(e->mnt),
						     real_mount(e->src.mnt)) : 0;
	master = xa_load(&ctx->mnts->groups, e->master);
	if (!master)
		return -EAGAIN;
	return ckpt_mnt_enslave(real_mount(e->mnt), real_mount(master->mnt));
}

/* Tie those whose master group was not there. */
static int tie_pending(struct ckpt_ctx *ctx)
{
	u32 list = ctx->mnts->pending;
	struct ckpt_mnt *e;
	int err = 0;

	ctx->mnts->pending = 0;
	while (list && !err) {
		e = entry(ctx, list);
		list = e->next;
		err = tie_master(ctx, e);
		if (err == -EAGAIN) {
			e->next = ctx->mnts->pending;
			ctx->mnts->pending = e->number;
			err = 0;
		}
	}
	return err;
}

static int tie_all(struct ckpt_ctx *ctx, const struct mnt_tree *t)
{
	struct ckpt_mnt *e;
	int err = 0;
	u32 i;

	for (i = 0; i < t->nr && !err; i++) {
		e = entry(ctx, t->first + i);
		if (e->group)
			err = tie_peers(ctx, e);
		if (!err && e->master) {
			e->next = ctx->mnts->pending;
			ctx->mnts->pending = e->number;
		}
	}
	if (!err)
		err = tie_pending(ctx);
	if (err)
		return ckpt_err(ctx, err, "mount namespace: propagation cannot be restored: error %d",
				err);
	return 0;
}

/* ------------------------------------------------------ the namespace */

static int make_tree(struct ckpt_ctx *ctx, struct mnt_tree *t,
		     struct user_namespace *user_ns)
{
	int err = 0;
	u32 i;

	if (!ns_capable(user_ns, CAP_SYS_ADMIN))
		return ckpt_err(ctx, -EPERM, "mount namespace: CAP_SYS_ADMIN is needed in the user namespace that owns it");
	for (i = 0; i < t->nr && !err; i++)
		err = read_mount(ctx, t->first + i, user_ns, t->seq);
	if (!err)
		err = mount_all(ctx, t, user_ns);
	if (!err)
		err = tie_all(ctx, t);
	if (!err)
		ckpt_mnt_ns_publish(t->ns);
	else if (t->ns)
		ckpt_mnt_ns_abort(t->ns);
	return err;
}

static struct mnt_namespace *join_tree(struct ckpt_ctx *ctx,
				       const struct ckpt_hdr_mnt_ns *h)
{
	struct mnt_namespace *ns = ctx->caller_ns->mnt_ns;
	int err = 0;
	u32 i;

	for (i = 0; i < h->nr_mounts && !err; i++)
		err = read_mount(ctx, h->first + i, NULL, 0);
	if (err)
		return ERR_PTR(err);
	refcount_inc(&ns->ns.count);
	return ns;
}

static int read_tree(struct ckpt_ctx *ctx, struct ckpt_hdr_mnt_ns *h)
{
	int err = PTR_ERR_OR_ZERO(ckpt_mnts(ctx));

	if (!err)
		err = ckpt_read_rec_into(ctx, h, CKPT_HDR_MNT_NS, sizeof(*h));
	if (err)
		return err;
	if (!h->nr_mounts || !h->first || h->first > CKPT_MNT_MAX ||
	    h->nr_mounts > CKPT_MNT_MAX - h->first + 1 || h->root < h->first ||
	    h->root - h->first >= h->nr_mounts)
		return ckpt_err(ctx, -EINVAL, "image: %u mounts from number %u on, with root %u",
				h->nr_mounts, h->first, h->root);
	return 0;
}

/**
 * ckpt_mnt_ns_restore - make a mount namespace of the image
 * @ctx: the context
 *
 * Or let that of the caller take its place, if that is to be joined.
 *
 * Context: the restoring task, may sleep.
 * Return: the namespace, or an ERR_PTR, reported.
 */
void *ckpt_mnt_ns_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_mnt_ns h;
	const struct cred *cred;
	/* before those that its mounts are of */
	struct mnt_tree t = { .seq = ckpt_mnt_ns_seq() };
	int err;

	err = read_tree(ctx, &h);
	if (err)
		return ERR_PTR(err);
	if (ctx->join & CLONE_NEWNS)
		return join_tree(ctx, &h);
	t.first = h.first;
	t.nr = h.nr_mounts;
	t.root = h.root;
	cred = ckpt_user_ns_cred(ctx, h.user_ns);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	err = make_tree(ctx, &t, cred->user_ns);
	put_cred(cred);
	return err ? ERR_PTR(err) : t.ns;
}

/**
 * ckpt_mnt_restore - make a mount of the image that is in no namespace
 * @ctx: the context
 *
 * Context: the restoring task, may sleep.
 * Return: the mount, or an ERR_PTR, reported.
 */
void *ckpt_mnt_restore(struct ckpt_ctx *ctx)
{
	struct user_namespace *user_ns = ctx->caller_ns->mnt_ns->user_ns;
	struct ckpt_hdr_mnt_ns h;
	struct ckpt_mnt *e;
	int err;

	err = read_tree(ctx, &h);
	if (err)
		return ERR_PTR(err);
	if (h.nr_mounts != 1 || h.user_ns)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: %u detached mounts, owned by user namespace %u",
					h.nr_mounts, h.user_ns));
	if (!ns_capable(user_ns, CAP_SYS_ADMIN)) {
		err = ckpt_err(ctx, -EPERM, "detached mount: CAP_SYS_ADMIN is needed to make one");
		return ERR_PTR(err);
	}
	err = read_mount(ctx, h.first, user_ns, 0);
	if (err)
		return ERR_PTR(err);
	e = entry(ctx, h.first);
	if (e->src.mnt)
		err = check_hidden(ctx, e);
	if (err)
		return ERR_PTR(err);
	e->mnt->mnt_flags |= MNT_UMOUNT;
	return mntget(e->mnt);
}

/* ---------------------------------------- what the caller of restart says */

/**
 * ckpt_mnt_give - note a place that the caller gives for an external mount
 * @ctx: the context of a restart, whose @mounts has room
 * @name: the name of the mount in the image, allocated; it becomes the
 *	context's, or is freed
 * @fd: descriptor of the place
 *
 * Context: the caller of the system call, may sleep.
 * Return: 0, -EBADF, or -EINVAL for a place that is not in the caller's mount
 * namespace.
 */
int ckpt_mnt_give(struct ckpt_ctx *ctx, char *name, int fd)
{
	struct ckpt_given_mount *to = &ctx->mounts[ctx->mounts_nr];
	struct file *file = fget_raw(fd);
	int err = -EBADF;

	if (!file)
		goto free;
	err = -EINVAL;
	if (READ_ONCE(real_mount(file->f_path.mnt)->mnt_ns) !=
	    current->nsproxy->mnt_ns)
		goto put;
	to->name = name;
	to->path = file->f_path;
	path_get(&to->path);
	ctx->mounts_nr++;
	fput(file);
	return 0;

put:
	fput(file);
free:
	kfree(name);
	return err;
}

/**
 * ckpt_mnt_own_ns - let a copy of the caller's mount namespace stand for it
 * @ctx: the context of a restart
 *
 * What the caller mounts later is seen in the copy; what is mounted there is
 * not seen by the caller.
 *
 * Context: the caller of the system call, may sleep.
 * Return: 0, -EPERM without CAP_SYS_ADMIN, -ENOSPC, -ENOMEM.
 */
int ckpt_mnt_own_ns(struct ckpt_ctx *ctx)
{
	struct path top;
	struct nsproxy *new;
	struct fs_struct *fs;
	int err;

	/* root and working directory follow into the new namespace */
	fs = copy_fs_struct(current->fs);
	if (!fs)
		return -ENOMEM;
	err = unshare_nsproxy_namespaces(CLONE_NEWNS, &new, NULL, fs);
	if (!err) {
		top.mnt = &new->mnt_ns->root->mnt;
		top.dentry = top.mnt->mnt_root;
		err = path_mount("none", &top, NULL, MS_REC | MS_SLAVE, NULL);
		if (err)
			put_nsproxy(new);
	}
	if (!err) {
		path_put(&ctx->root);
		get_fs_root(fs, &ctx->root);
		put_nsproxy(ctx->caller_ns);
		ctx->caller_ns = new;
	}
	free_fs_struct(fs);
	return err;
}
