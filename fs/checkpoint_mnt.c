// SPDX-License-Identifier: GPL-2.0
/*
 * Mount namespaces, saved mount by mount.
 *
 * A file system that is mounted in the tree only is a shared object, and made
 * anew. One that is mounted elsewhere too, or cannot be made anew, is external:
 * whoever restarts gives another place for its mount, or else what is found at
 * the same path takes its place.
 *
 * The trees of mounts are read under mount_lock: nothing is added to, taken
 * from or changed in a namespace that is in use without it.
 */

#include <linux/cred.h>
#include <linux/fs_struct.h>
#include <linux/mnt_idmapping.h>
#include <linux/mnt_namespace.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/sched/task.h>
#include <linux/user_namespace.h>

#include "checkpoint_mnt.h"

static const struct {
	u32 image;
	int mnt;
} mnt_flags[] = {
	{ CKPT_MNT_READONLY,		MNT_READONLY },
	{ CKPT_MNT_NOSUID,		MNT_NOSUID },
	{ CKPT_MNT_NODEV,		MNT_NODEV },
	{ CKPT_MNT_NOEXEC,		MNT_NOEXEC },
	{ CKPT_MNT_NOATIME,		MNT_NOATIME },
	{ CKPT_MNT_NODIRATIME,		MNT_NODIRATIME },
	{ CKPT_MNT_RELATIME,		MNT_RELATIME },
	{ CKPT_MNT_NOSYMFOLLOW,		MNT_NOSYMFOLLOW },
	{ CKPT_MNT_SHRINKABLE,		MNT_SHRINKABLE },
	{ CKPT_MNT_UNBINDABLE,		MNT_UNBINDABLE },
	{ CKPT_MNT_LOCK_READONLY,	MNT_LOCK_READONLY },
	{ CKPT_MNT_LOCK_NOSUID,		MNT_LOCK_NOSUID },
	{ CKPT_MNT_LOCK_NODEV,		MNT_LOCK_NODEV },
	{ CKPT_MNT_LOCK_NOEXEC,		MNT_LOCK_NOEXEC },
	{ CKPT_MNT_LOCK_ATIME,		MNT_LOCK_ATIME },
	{ CKPT_MNT_LOCKED,		MNT_LOCKED },
};

/**
 * ckpt_mnt_flags - flags of a mount, as the kernel has them
 * @flags: CKPT_MNT_*
 *
 * Return: MNT_*.
 */
int ckpt_mnt_flags(u32 flags)
{
	int i, ret = 0;

	for (i = 0; i < ARRAY_SIZE(mnt_flags); i++)
		if (flags & mnt_flags[i].image)
			ret |= mnt_flags[i].mnt;
	return ret;
}

static u32 image_flags(int flags)
{
	u32 ret = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(mnt_flags); i++)
		if (flags & mnt_flags[i].mnt)
			ret |= mnt_flags[i].image;
	return ret;
}

/* ---------------------------------------------------------- the table */

static int note_mnt_ns(struct ckpt_ctx *ctx, struct task_struct *t, void *arg)
{
	struct ckpt_mnts *m = arg;
	struct mnt_namespace *ns;

	task_lock(t);
	ns = t->nsproxy ? t->nsproxy->mnt_ns : NULL;
	task_unlock(t);
	if (!ns || ns == ctx->caller_ns->mnt_ns)
		return 0;
	return xa_err(xa_store(&m->first, (unsigned long)ns, xa_mk_value(0),
			       GFP_KERNEL_ACCOUNT));
}

/**
 * ckpt_mnts - the table of mounts, made when it is first needed
 * @ctx: the context
 *
 * Context: process context, may sleep.
 * Return: the table or ERR_PTR(-ENOMEM).
 */
struct ckpt_mnts *ckpt_mnts(struct ckpt_ctx *ctx)
{
	struct ckpt_mnts *m = ctx->mnts;
	int err;

	if (m)
		return m;
	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return ERR_PTR(-ENOMEM);
	xa_init_flags(&m->mnts, XA_FLAGS_ACCOUNT);
	xa_init_flags(&m->numbers, XA_FLAGS_ACCOUNT);
	xa_init_flags(&m->first, XA_FLAGS_ACCOUNT);
	xa_init_flags(&m->groups, XA_FLAGS_ACCOUNT);
	ctx->mnts = m;
	if (ctx->restart)
		return m;
	/* what is mounted in one of these is not mounted outside */
	err = ckpt_tree_for_each(ctx, note_mnt_ns, m);
	return err ? ERR_PTR(err) : m;
}

static void put_path(struct path *path)
{
	if (path->mnt)
		path_put(path);
}

/**
 * ckpt_mnts_free - drop the references to mounts
 * @ctx: the context
 *
 * Context: process context, may sleep.
 */
void ckpt_mnts_free(struct ckpt_ctx *ctx)
{
	struct ckpt_mnts *m = ctx->mnts;
	struct ckpt_mnt *e;
	unsigned long i;

	if (!m)
		return;
	xa_for_each(&m->mnts, i, e) {
		put_path(&e->at);
		put_path(&e->src);
		kvfree(e->name);
		kvfree(e->where);
		mntput(e->bare);
		mntput(e->mnt);
		kfree(e);
	}
	for (i = 0; i < m->nr_caller; i++)
		mntput(m->caller[i]);
	kvfree(m->caller);
	xa_destroy(&m->mnts);
	xa_destroy(&m->numbers);
	xa_destroy(&m->first);
	xa_destroy(&m->groups);
	kfree(m);
	ctx->mnts = NULL;
}

/**
 * ckpt_mnt_add - enter a mount
 * @m: the table
 * @mnt: the mount, whose reference becomes the table's, also if this fails, or
 *	NULL
 * @number: its number, which must be free
 *
 * Context: process context, may sleep.
 * Return: its entry, or ERR_PTR: -EBUSY, -ENOMEM.
 */
struct ckpt_mnt *ckpt_mnt_add(struct ckpt_mnts *m, struct vfsmount *mnt,
			      u32 number)
{
	struct ckpt_mnt *e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (e) {
		e->mnt = mnt;
		e->number = number;
		err = xa_insert(&m->mnts, number, e, GFP_KERNEL_ACCOUNT);
		if (!err)
			return e;
		kfree(e);
	}
	mntput(mnt);
	return ERR_PTR(err);
}

/* ------------------------------------------------------------ collect */

static struct mount *first_mount(struct mnt_namespace *ns)
{
	return rb_entry_safe(rb_first(&ns->mounts), struct mount, mnt_node);
}

static struct mount *next_mount(struct mount *m)
{
	return rb_entry_safe(rb_next(&m->mnt_node), struct mount, mnt_node);
}

/* All mounts of @ns, referenced, in the order in which they were made */
static struct vfsmount **list_mounts(struct mnt_namespace *ns,
				     unsigned int *nr)
{
	struct vfsmount **list;
	struct mount *m;
	unsigned int room;

	for (;;) {
		room = READ_ONCE(ns->nr_mounts);
		list = kvcalloc(room + 1, sizeof(*list), GFP_KERNEL_ACCOUNT);
		if (!list)
			return ERR_PTR(-ENOMEM);
		*nr = 0;
		read_seqlock_excl(&mount_lock);
		for (m = first_mount(ns); m && *nr < room; m = next_mount(m))
			list[(*nr)++] = mntget(&m->mnt);
		read_sequnlock_excl(&mount_lock);
		if (!m)
			return list;
		while (*nr)
			mntput(list[--*nr]);
		kvfree(list);
	}
}

/**
 * ckpt_sb_outside - is a file system also mounted outside of the tree?
 * @ctx: the context of a checkpoint, which has met a mount
 * @sb: the file system, referenced
 *
 * Context: any; takes mount_lock.
 * Return: true if it is mounted in a mount namespace that is not the tree's, or
 * that is left out since others live in it. Mounts of the kernel's own and
 * those that are detached don't count.
 */
bool ckpt_sb_outside(struct ckpt_ctx *ctx, struct super_block *sb)
{
	struct ckpt_mnts *m = ctx->mnts;
	struct mnt_namespace *ns;
	bool outside = false;
	struct mount *mnt;

	read_seqlock_excl(&mount_lock);
	list_for_each_entry(mnt, &sb->s_mounts, mnt_instance) {
		ns = mnt->mnt_ns;
		if (IS_ERR_OR_NULL(ns))
			continue;
		outside = !xa_load(&m->first, (unsigned long)ns) ||
			  ckpt_mnt_ns_outside(ctx, ns);
		if (outside)
			break;
	}
	read_sequnlock_excl(&mount_lock);
	return outside;
}

static void mnt_ns_grab(void *ptr)
{
	get_mnt_ns(ptr);
}

static void mnt_ns_drop(void *ptr)
{
	put_mnt_ns(ptr);
}

static int mnt_ns_users(void *ptr)
{
	struct mnt_namespace *ns = ptr;

	return ckpt_ns_users(&ns->ns);
}

static void mnt_ns_holder(struct ckpt_ctx *ctx, void *ptr, char *buf,
			  size_t size)
{
	struct mnt_namespace *ns = ptr;

	ckpt_ns_holder(ctx, &ns->ns, buf, size);
}

/* Give it a number, by which it is found from now on; takes the reference. */
static int number_mount(struct ckpt_ctx *ctx, struct mnt_namespace *ns,
			struct vfsmount *mnt)
{
	struct ckpt_mnts *m = ctx->mnts;
	int id = real_mount(mnt)->mnt_id, group = real_mount(mnt)->mnt_group_id;
	struct ckpt_mnt *e;
	int err;

	e = ckpt_mnt_add(m, mnt, ++m->last);
	if (IS_ERR(e))
		return PTR_ERR(e);
	e->ns = ns;
	err = xa_err(xa_store(&m->numbers, id, e, GFP_KERNEL_ACCOUNT));
	if (!err && group)
		err = xa_err(xa_store(&m->groups, group, e, GFP_KERNEL_ACCOUNT));
	return err;
}

/* Meet what is mounted: a namespace, or a file system that can be saved. */
static int collect_what(struct ckpt_ctx *ctx, struct vfsmount *mnt)
{
	struct super_block *sb = mnt->mnt_sb;

	if (ckpt_is_ns_mount(mnt))
		return ckpt_ns_collect(ctx, d_inode(mnt->mnt_root));
	/* who was not outside before is not looked for at each mount again */
	if (!ckpt_sb_supported(sb) ||
	    (!ckpt_obj_collected(ctx, sb, CKPT_OBJ_SB) &&
	     ckpt_sb_outside(ctx, sb)))
		return 0;
	return ckpt_obj_collect(ctx, sb, CKPT_OBJ_SB);
}

static int mnt_ns_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct mnt_namespace *ns = ptr;
	struct ckpt_mnts *m = ckpt_mnts(ctx);
	struct vfsmount **list;
	unsigned int i, nr;
	int err;

	if (IS_ERR(m))
		return PTR_ERR(m);
	err = ckpt_user_ns_collect(ctx, ns->user_ns, "mount namespace");
	if (!err)
		err = xa_err(xa_store(&m->first, (unsigned long)ns,
				      xa_mk_value(m->last + 1),
				      GFP_KERNEL_ACCOUNT));
	if (err)
		return err;
	list = list_mounts(ns, &nr);
	if (IS_ERR(list))
		return PTR_ERR(list);
	/* one after the other: what is mounted may have mounts of its own */
	for (i = 0; i < nr; i++) {
		if (err)
			mntput(list[i]);
		else
			err = number_mount(ctx, ns, list[i]);
	}
	for (i = 0; i < nr && !err; i++)
		err = collect_what(ctx, list[i]);
	kvfree(list);
	return err;
}

/* --------------------------------------------------------- checkpoint */

/**
 * struct mnt_state - a mount of the tree, as it is written
 * @h: its record
 * @on: its mount point, referenced; nothing for the root of a namespace
 * @top: the root directory of its namespace, referenced; nothing if it is in
 *	none
 * @name: its mount point, as a path from @top, or an empty string
 * @under: how many mounts cover it there, ~0 if it cannot be reached
 * @origin: where the caller has the same, or an empty string
 * @name_buf: room for @name
 * @origin_buf: room for @origin
 * @buf: room for a path
 */
struct mnt_state {
	struct ckpt_hdr_mnt h;
	struct path on;
	struct path top;
	char *name;
	u32 under;
	char *origin;
	char *name_buf;
	char *origin_buf;
	char *buf;
};

static int refuse(struct ckpt_ctx *ctx, struct vfsmount *mnt, char *buf,
		  const char *why)
{
	struct path path = { .mnt = mnt, .dentry = mnt->mnt_root };
	const char *name = d_path(&path, buf, PATH_MAX);

	return ckpt_err(ctx, -ENOSYS, "mount namespace: %s (%s): %s: not supported",
			IS_ERR(name) ? "?" : name, mnt->mnt_sb->s_type->name,
			why);
}

/* What can change as long as mount_lock is not held */
static int read_state(struct ckpt_ctx *ctx, struct ckpt_mnt *e,
		      struct mnt_state *s)
{
	struct mount *m = real_mount(e->mnt);
	struct ckpt_mnt *parent = NULL, *member;
	int flags;

	read_seqlock_excl(&mount_lock);
	flags = m->mnt.mnt_flags;
	if (flags & MNT_SHARED)
		s->h.group = m->mnt_group_id;
	if (m->mnt_master)
		s->h.master = m->mnt_master->mnt_group_id;
	if (mnt_has_parent(m)) {
		parent = xa_load(&ctx->mnts->numbers, m->mnt_parent->mnt_id);
		s->on.mnt = mntget(&m->mnt_parent->mnt);
		s->on.dentry = dget(m->mnt_mountpoint);
	}
	read_sequnlock_excl(&mount_lock);
	if ((e->ns && (flags & MNT_UMOUNT)) ||
	    (s->on.mnt && (!parent || parent->mnt != s->on.mnt)))
		return ckpt_err(ctx, -EBUSY, "mount namespace: changed while it was being read, try again");
	s->h.flags = image_flags(flags);
	s->h.parent = parent ? parent->number : 0;
	member = xa_load(&ctx->mnts->groups, s->h.master);
	if (s->h.master &&
	    (!member || ckpt_mnt_ns_outside(ctx, (void *)member->ns)))
		s->h.flags |= CKPT_MNT_MASTER_OUTSIDE;
	if (mnt_idmap(e->mnt) != &nop_mnt_idmap)
		s->h.flags |= CKPT_MNT_IDMAPPED;
	return 0;
}

/* Where is it in its namespace? */
static int find_name(struct ckpt_ctx *ctx, struct ckpt_mnt *e,
		     struct mnt_state *s)
{
	struct path path = { .mnt = e->mnt, .dentry = e->mnt->mnt_root };
	int err;

	s->name = "";
	s->under = ~0U;
	if (!s->top.mnt)
		return 0;
	err = ckpt_path_locate(&s->top, &path, s->name_buf, &s->name,
			       &s->under);
	if (err == -ENAMETOOLONG)
		return refuse(ctx, e->mnt, s->buf, "its path is too long");
	if (err)
		s->under = ~0U;
	return 0;
}

/* How good would it be to make a copy of @c, which is at @name, to get @m? */
static int likeness(struct mount *c, struct mount *m, const char *name,
		    u32 under, const struct mnt_state *s)
{
	int group = READ_ONCE(c->mnt_group_id), like = 1;

	if (group && (group == s->h.group || group == s->h.master))
		like += 8;
	if (c->mnt.mnt_root == m->mnt.mnt_root)
		like += 4;
	if (under == s->under && !strcmp(name, s->name))
		like += 2;
	return like;
}

/* Is all that @m shows in @c, too? */
static bool has_all_of(struct mount *c, struct mount *m)
{
	return c->mnt.mnt_sb == m->mnt.mnt_sb &&
	       mnt_idmap(&c->mnt) == mnt_idmap(&m->mnt) &&
	       is_subdir(m->mnt.mnt_root, c->mnt.mnt_root);
}

/* Find what an external mount can be made of in the caller's namespace. */
static int find_origin(struct ckpt_ctx *ctx, struct ckpt_mnt *e,
		       struct mnt_state *s)
{
	struct path place = { .dentry = e->mnt->mnt_root };
	struct mount *c, *m = real_mount(e->mnt);
	struct ckpt_mnts *mnts = ctx->mnts;
	int like, best = 0;
	unsigned int i;
	char *name;
	u32 under;

	if (!mnts->caller) {
		mnts->caller = list_mounts(ctx->caller_ns->mnt_ns,
					   &mnts->nr_caller);
		if (IS_ERR(mnts->caller)) {
			mnts->caller = NULL;
			return -ENOMEM;
		}
	}
	for (i = 0; i < mnts->nr_caller; i++) {
		c = real_mount(mnts->caller[i]);
		if (!has_all_of(c, m))
			continue;
		if (s->h.group && READ_ONCE(c->mnt_group_id) == s->h.group)
			s->h.flags |= CKPT_MNT_PEERS_OUTSIDE;
		place.mnt = &c->mnt;
		if (ckpt_path_locate(&ctx->root, &place, s->buf, &name, &under))
			continue;
		like = likeness(c, m, name, under, s);
		if (like <= best)
			continue;
		best = like;
		s->h.under = under;
		strscpy(s->origin_buf, name, PATH_MAX);
		s->origin = s->origin_buf;
	}
	return 0;
}

/* What whoever restarts calls the mount: see the record */
static int write_name(struct ckpt_ctx *ctx, struct ckpt_mnt *e,
		      struct mnt_state *s)
{
	if (!s->under)
		return ckpt_write_string(ctx, s->name);
	scnprintf(s->buf, PATH_MAX, "%.*s#%u", PATH_MAX - 16, s->name,
		  e->number);
	return ckpt_write_string(ctx, s->buf);
}

static int write_strings(struct ckpt_ctx *ctx, struct ckpt_mnt *e,
			 struct mnt_state *s)
{
	struct path root = s->on;
	char *name = "/";
	int err;

	if (s->on.mnt) {
		root.dentry = s->on.mnt->mnt_root;
		name = __d_path(&s->on, &root, s->buf, PATH_MAX);
		if (IS_ERR_OR_NULL(name) || d_unlinked(s->on.dentry))
			return refuse(ctx, e->mnt, s->buf,
				      "its mount point has no path");
	}
	err = ckpt_write_string(ctx, name);
	if (err)
		return err;
	/* a namespace has none */
	name = s->h.ns_type ? "/" :
	       dentry_path_raw(e->mnt->mnt_root, s->buf, PATH_MAX);
	if (IS_ERR(name))
		return refuse(ctx, e->mnt, s->buf, "its root has no path");
	err = ckpt_write_string(ctx, name);
	if (!err)
		err = ckpt_write_string(ctx, real_mount(e->mnt)->mnt_devname ?:
					     "none");
	if (!err)
		err = write_name(ctx, e, s);
	if (!err)
		err = ckpt_write_string(ctx, s->origin);
	return err;
}

#define CKPT_SB_MARK_ASKED	0x1	/* it is known whether it is ... */
#define CKPT_SB_MARK_OUTSIDE	0x2	/* ... also mounted outside */

/* As ckpt_sb_outside(), which looks at all its mounts: asked once */
static bool sb_outside(struct ckpt_ctx *ctx, struct super_block *sb)
{
	u32 mark = ckpt_obj_mark(ctx, sb, CKPT_OBJ_SB, 0);

	if (!(mark & CKPT_SB_MARK_ASKED)) {
		mark = CKPT_SB_MARK_ASKED;
		if (ckpt_sb_outside(ctx, sb))
			mark |= CKPT_SB_MARK_OUTSIDE;
		ckpt_obj_mark(ctx, sb, CKPT_OBJ_SB, mark);
	}
	return mark & CKPT_SB_MARK_OUTSIDE;
}

/* What is mounted: a namespace, a file system of the tree, or another */
static int write_what(struct ckpt_ctx *ctx, struct ckpt_mnt *e,
		      struct mnt_state *s)
{
	struct super_block *sb = e->mnt->mnt_sb;
	int ret;

	if (ckpt_is_ns_mount(e->mnt))
		ret = ckpt_ns_checkpoint(ctx, d_inode(e->mnt->mnt_root),
					 &s->h.ns_type);
	else if (!ckpt_obj_collected(ctx, sb, CKPT_OBJ_SB) ||
		 sb_outside(ctx, sb))
		ret = find_origin(ctx, e, s);
	else if (s->h.flags & CKPT_MNT_IDMAPPED)
		ret = refuse(ctx, e->mnt, s->buf, "idmapped");
	else if (d_unlinked(e->mnt->mnt_root) ||
		 !is_subdir(e->mnt->mnt_root, sb->s_root))
		ret = refuse(ctx, e->mnt, s->buf, "its root was removed");
	else if (ckpt_pty_node(e->mnt->mnt_root))
		ret = refuse(ctx, e->mnt, s->buf, "a terminal");
	else
		ret = ckpt_obj_checkpoint(ctx, sb, CKPT_OBJ_SB);
	if (ret < 0)
		return ret;
	s->h.sb = ret;
	return 0;
}

static int write_mount(struct ckpt_ctx *ctx, struct ckpt_mnt *e,
		       struct mnt_state *s)
{
	int err;

	memset(&s->h, 0, sizeof(s->h));
	s->origin = "";
	err = read_state(ctx, e, s);
	if (!err)
		err = find_name(ctx, e, s);
	if (!err)
		err = write_what(ctx, e, s);
	if (!err)
		err = ckpt_write_rec(ctx, &s->h, CKPT_HDR_MNT, sizeof(s->h));
	if (!err)
		err = write_strings(ctx, e, s);
	put_path(&s->on);
	s->on.mnt = NULL;
	return err;
}

/* The mounts from @h->first on; all of @ns, or the one that is in none */
static int write_mounts(struct ckpt_ctx *ctx, struct mnt_namespace *ns,
			struct ckpt_hdr_mnt_ns *h)
{
	struct xarray *mnts = &ctx->mnts->mnts;
	struct mnt_state *s;
	u32 i;
	int err;

	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	s->buf = __getname();
	s->name_buf = __getname();
	s->origin_buf = __getname();
	err = s->buf && s->name_buf && s->origin_buf ? 0 : -ENOMEM;
	if (!err && ns)
		err = ckpt_mnt_ns_top(ns, &s->top);
	if (!err)
		err = ckpt_write_rec(ctx, h, CKPT_HDR_MNT_NS, sizeof(*h));
	for (i = 0; !err && i < h->nr_mounts; i++)
		err = write_mount(ctx, xa_load(mnts, h->first + i), s);
	put_path(&s->top);
	if (s->buf)
		__putname(s->buf);
	if (s->name_buf)
		__putname(s->name_buf);
	if (s->origin_buf)
		__putname(s->origin_buf);
	kfree(s);
	return err;
}

static int mnt_ns_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct ckpt_mnts *m = ctx->mnts;
	struct mnt_namespace *ns = ptr;
	struct ckpt_mnt *e = ckpt_mnt_of(ctx, &ns->root->mnt);
	struct ckpt_hdr_mnt_ns h = {};
	int ret;

	if (!e || ckpt_mnt_ns_outside(ctx, ns))
		return ckpt_err(ctx, -EBUSY, "mount namespace: also used outside of the tree");
	ret = ckpt_user_ns_checkpoint(ctx, ns->user_ns);
	if (ret < 0)
		return ret;
	h.user_ns = ret;
	h.first = xa_to_value(xa_load(&m->first, (unsigned long)ns));
	h.root = e->number;
	while ((e = xa_load(&m->mnts, h.first + h.nr_mounts)) && e->ns == ns)
		h.nr_mounts++;
	return write_mounts(ctx, ns, &h);
}

/* The oldest namespace that was not begun so far, up to the age of @ns */
static struct mnt_namespace *next_oldest(struct ckpt_ctx *ctx,
					 struct mnt_namespace *ns)
{
	struct mnt_namespace *best = ns, *other;
	unsigned long index;
	void *first;

	xa_for_each(&ctx->mnts->first, index, first) {
		other = (struct mnt_namespace *)index;
		if (xa_to_value(first) && other->seq > ctx->mnts->written &&
		    other->seq < best->seq && !ckpt_mnt_ns_outside(ctx, other))
			best = other;
	}
	return best;
}

/**
 * ckpt_mnt_ns_checkpoint - write a mount namespace, unless that was done before
 * @ctx: the context
 * @ns: the namespace
 *
 * Those that are older are written before, as they have to be made: a namespace
 * may be mounted in older ones only.
 *
 * Context: process context, may sleep.
 * Return: its objref, or a negative errno, reported.
 */
int ckpt_mnt_ns_checkpoint(struct ckpt_ctx *ctx, struct mnt_namespace *ns)
{
	struct ckpt_mnts *m = ckpt_mnts(ctx);
	struct mnt_namespace *next;
	int ret;

	if (IS_ERR(m))
		return PTR_ERR(m);
	while (m->written < ns->seq) {
		next = next_oldest(ctx, ns);
		m->written = next->seq;
		ret = ckpt_obj_checkpoint(ctx, next, CKPT_OBJ_MNT_NS);
		if (ret < 0)
			return ret;
	}
	return ckpt_obj_checkpoint(ctx, ns, CKPT_OBJ_MNT_NS);
}

const struct ckpt_obj_ops ckpt_mnt_ns_obj_ops = {
	.name		= "mount namespace",
	.subtree_ok	= true,
	.grab		= mnt_ns_grab,
	.drop		= mnt_ns_drop,
	.users		= mnt_ns_users,
	.holder		= mnt_ns_holder,
	.collect	= mnt_ns_collect,
	.checkpoint	= mnt_ns_checkpoint,
	.restore	= ckpt_mnt_ns_restore,
};

/* ---------------------------------------- a mount that was detached */

static void mnt_grab(void *ptr)
{
	mntget(ptr);
}

static void mnt_drop(void *ptr)
{
	mntput(ptr);
}

static int mnt_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct ckpt_mnts *m = ckpt_mnts(ctx);
	int err;

	if (IS_ERR(m))
		return PTR_ERR(m);
	err = number_mount(ctx, NULL, mntget(ptr));
	return err ?: collect_what(ctx, ptr);
}

static int mnt_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct ckpt_mnt *e = ckpt_mnt_of(ctx, ptr);
	struct ckpt_hdr_mnt_ns h = { .nr_mounts = 1 };

	h.first = e->number;
	h.root = e->number;
	return write_mounts(ctx, NULL, &h);
}

const struct ckpt_obj_ops ckpt_mnt_obj_ops = {
	.name		= "detached mount",
	.grab		= mnt_grab,
	.drop		= mnt_drop,
	.collect	= mnt_collect,
	.checkpoint	= mnt_checkpoint,
	.restore	= ckpt_mnt_restore,
};
