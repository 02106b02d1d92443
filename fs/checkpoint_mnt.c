// SPDX-License-Identifier: GPL-2.0
/*
 * Mount namespaces: a copy of the caller's, with fresh mounts of proc.
 *
 * The trees of mounts are read under mount_lock: nothing is added to, taken
 * from or changed in a namespace that is in use without it.
 */

#include <linux/fs_struct.h>
#include <linux/magic.h>
#include <linux/mnt_namespace.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/proc_ns.h>
#include <linux/sched/task.h>
#include <uapi/linux/mount.h>

#include "checkpoint.h"
#include "internal.h"
#include "pnode.h"

static struct mnt_namespace *caller_mnt_ns(struct ckpt_ctx *ctx)
{
	return ctx->caller_ns->mnt_ns;
}

/* Flags that are not a copy's own */
#define CKPT_MNT_FLAGS	(MNT_USER_SETTABLE_MASK | MNT_LOCK_ATIME | \
			 MNT_LOCK_NOEXEC | MNT_LOCK_NOSUID | MNT_LOCK_NODEV | \
			 MNT_LOCK_READONLY | MNT_LOCKED)
#define CKPT_MNT_LOCKS	(CKPT_MNT_FLAGS & ~MNT_USER_SETTABLE_MASK)

/* Flags that a fresh mount of proc can be made with */
#define CKPT_PROC_MS	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | \
			 MS_NOATIME | MS_NODIRATIME | MS_STRICTATIME | \
			 MS_NOSYMFOLLOW)

/**
 * struct mnt_proc - a fresh mount of proc
 * @mnt: the mount, referenced
 * @where: its mount point, referenced
 * @ms_flags: MS_* that make it
 */
struct mnt_proc {
	struct vfsmount *mnt;
	struct path where;
	u32 ms_flags;
};

/**
 * struct mnt_diff - how a mount namespace differs from the caller's
 * @propagation: bit N is set if CKPT_MNT_* N accounts for all its mounts
 * @nr_proc: entries in use in @proc
 * @proc: fresh mounts of proc
 * @bad: a mount that is no copy, or that has none: its root, referenced
 * @missing: @bad is the caller's
 * @why: what is wrong with it
 */
struct mnt_diff {
	unsigned int propagation;
	unsigned int nr_proc;
	struct mnt_proc proc[CKPT_MNT_PROC_MAX];
	struct path bad;
	bool missing;
	const char *why;
};

/* The mount after @m in the tree below @root, parents first; see next_mnt() */
static struct mount *mnt_next(struct mount *m, struct mount *root, bool skip)
{
	struct list_head *next = m->mnt_mounts.next;

	if (skip || next == &m->mnt_mounts) {
		for (;; m = m->mnt_parent) {
			if (m == root)
				return NULL;
			next = m->mnt_child.next;
			if (next != &m->mnt_parent->mnt_mounts)
				break;
		}
	}
	return list_entry(next, struct mount, mnt_child);
}

/* Copying a namespace leaves out what would hold a namespace in a loop. */
static bool is_mnt_ns_mount(struct mount *m)
{
	struct dentry *dentry = m->mnt.mnt_root;

	return dentry->d_op == &ns_dentry_operations &&
	       get_proc_ns(d_inode(dentry))->ops == &mntns_operations;
}

static bool is_below(struct mount *m, const struct mount *top)
{
	for (; m != top; m = m->mnt_parent)
		if (!mnt_has_parent(m))
			return false;
	return true;
}

static int mnt_group(const struct mount *m)
{
	return m ? m->mnt_group_id : 0;
}

/* Which CKPT_MNT_* make the propagation of @q out of that of @p? */
static unsigned int propagations(const struct mount *p, const struct mount *q)
{
	const int flags = MNT_SHARED | MNT_UNBINDABLE;
	unsigned int mask = 0;

	if (((p->mnt.mnt_flags ^ q->mnt.mnt_flags) & flags) == 0 &&
	    mnt_group(p) == mnt_group(q) &&
	    mnt_group(p->mnt_master) == mnt_group(q->mnt_master)) {
		mask |= BIT(CKPT_MNT_COPIED);
		if (!IS_MNT_SHARED(p))
			mask |= BIT(CKPT_MNT_SLAVE);
	}
	if (!(q->mnt.mnt_flags & flags) && !q->mnt_master)
		mask |= BIT(CKPT_MNT_PRIVATE);
	if (IS_MNT_SHARED(p) && !(q->mnt.mnt_flags & flags) &&
	    mnt_group(q->mnt_master) == mnt_group(p))
		mask |= BIT(CKPT_MNT_SLAVE);
	return mask;
}

static u32 proc_ms_flags(const struct vfsmount *mnt)
{
	int flags = mnt->mnt_flags;
	u32 ms = 0;

	if (flags & MNT_READONLY)
		ms |= MS_RDONLY;
	if (flags & MNT_NOSUID)
		ms |= MS_NOSUID;
	if (flags & MNT_NODEV)
		ms |= MS_NODEV;
	if (flags & MNT_NOEXEC)
		ms |= MS_NOEXEC;
	if (flags & MNT_NOATIME)
		ms |= MS_NOATIME;
	else if (!(flags & MNT_RELATIME))
		ms |= MS_STRICTATIME;
	if (flags & MNT_NODIRATIME)
		ms |= MS_NODIRATIME;
	if (flags & MNT_NOSYMFOLLOW)
		ms |= MS_NOSYMFOLLOW;
	return ms;
}

/* Is @q what mount("proc", path, "proc", flags, NULL) in the tree makes? */
static bool is_fresh_proc(const struct mount *q, struct pid_namespace *pid_ns)
{
	struct super_block *sb = q->mnt.mnt_sb;
	const struct proc_fs_info *info;

	if (sb->s_magic != PROC_SUPER_MAGIC || q->mnt.mnt_root != sb->s_root)
		return false;
	info = proc_sb_info(sb);
	return info->pid_ns == pid_ns && info->hide_pid == HIDEPID_OFF &&
	       info->pidonly == PROC_PIDONLY_OFF &&
	       gid_eq(info->pid_gid, GLOBAL_ROOT_GID) &&
	       !(q->mnt.mnt_flags & (CKPT_MNT_LOCKS | MNT_UNBINDABLE)) &&
	       !IS_MNT_SHARED(q) && !IS_MNT_SLAVE(q) &&
	       sb_rdonly(sb) == !!(q->mnt.mnt_flags & MNT_READONLY) &&
	       !(sb->s_flags & (SB_SYNCHRONOUS | SB_DIRSYNC | SB_LAZYTIME));
}

static void diff_bad(struct mnt_diff *d, struct mount *m, bool missing,
		     const char *why)
{
	d->bad.mnt = mntget(&m->mnt);
	d->bad.dentry = dget(m->mnt.mnt_root);
	d->missing = missing;
	d->why = why;
}

static void mnt_diff_free(struct mnt_diff *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_proc; i++) {
		mntput(d->proc[i].mnt);
		path_put(&d->proc[i].where);
	}
	if (d->bad.mnt)
		path_put(&d->bad);
	kfree(d);
}

/**
 * struct mnt_cursor - a walk through two trees of mounts side by side
 * @p: a mount of the caller's
 * @q: one of the other namespace
 * @sp: the last of the caller's that has a copy, or one above it
 * @sq: its copy
 */
struct mnt_cursor {
	struct mount *p, *q, *sp, *sq;
};

/* Is @c->q the copy of @c->p? */
static bool is_copy(struct mnt_cursor *c)
{
	struct mount *p = c->p, *q = c->q;

	if (mnt_has_parent(p) != mnt_has_parent(q))
		return false;
	if (mnt_has_parent(p)) {
		while (c->sp != p->mnt_parent) {
			c->sp = c->sp->mnt_parent;
			c->sq = c->sq->mnt_parent;
		}
		if (q->mnt_parent != c->sq ||
		    p->mnt_mountpoint != q->mnt_mountpoint)
			return false;
	}
	if (p->mnt.mnt_root != q->mnt.mnt_root ||
	    p->mnt.mnt_sb != q->mnt.mnt_sb ||
	    ((p->mnt.mnt_flags ^ q->mnt.mnt_flags) & CKPT_MNT_FLAGS) ||
	    mnt_idmap(&p->mnt) != mnt_idmap(&q->mnt))
		return false;
	c->sp = p;
	c->sq = q;
	return true;
}

/* Is @c.q the copy of a mount after @c.p? Then it is @c.p that has none. */
static bool is_later_copy(struct mnt_cursor c, struct mount *root)
{
	while (c.p) {
		c.p = mnt_next(c.p, root, true);
		if (c.p && is_copy(&c))
			return true;
	}
	return false;
}

static void diff_proc(struct mnt_diff *d, struct mount *q)
{
	struct mnt_proc *proc = &d->proc[d->nr_proc++];

	proc->mnt = mntget(&q->mnt);
	proc->where.mnt = mntget(&q->mnt_parent->mnt);
	proc->where.dentry = dget(q->mnt_mountpoint);
	proc->ms_flags = proc_ms_flags(&q->mnt);
}

static void mnt_diff_walk(struct ckpt_ctx *ctx, struct mnt_namespace *ns,
			  struct mnt_diff *d)
{
	struct pid_namespace *pid_ns = task_active_pid_ns(ctx->root_task);
	struct mount *root = caller_mnt_ns(ctx)->root;
	struct mount *base = real_mount(ctx->root.mnt);
	struct mnt_cursor c = { .p = root, .q = ns->root };
	unsigned int mask;
	bool missing;

	d->propagation = BIT(CKPT_MNT_COPIED) | BIT(CKPT_MNT_PRIVATE) |
			 BIT(CKPT_MNT_SLAVE);

	lockdep_assert_held(&mount_lock.lock);
	while (c.p || c.q) {
		if (c.p && c.q && is_copy(&c)) {
			mask = propagations(c.p, c.q);
			if (is_below(c.p, base))
				d->propagation &= mask;
			else if (!(mask & BIT(CKPT_MNT_COPIED)))
				d->propagation = 0;
			if (!d->propagation) {
				diff_bad(d, c.q, false,
					 "propagation is not as of any copy");
				return;
			}
			c.p = mnt_next(c.p, root, false);
			c.q = mnt_next(c.q, ns->root, false);
		} else if (c.p && is_mnt_ns_mount(c.p)) {
			c.p = mnt_next(c.p, root, true);
		} else if (c.q && is_fresh_proc(c.q, pid_ns)) {
			if (d->nr_proc == CKPT_MNT_PROC_MAX) {
				diff_bad(d, c.q, false,
					 "one mount of proc too many");
				return;
			}
			diff_proc(d, c.q);
			c.q = mnt_next(c.q, ns->root, false);
		} else {
			missing = !c.q || is_later_copy(c, root);
			diff_bad(d, missing ? c.p : c.q, missing,
				 "no copy of the caller's");
			return;
		}
	}
}

static int report_bad(struct ckpt_ctx *ctx, const struct mnt_diff *d, char *buf)
{
	const char *type = d->bad.mnt->mnt_sb->s_type->name;
	const char *name = d_path(&d->bad, buf, PATH_MAX);

	if (IS_ERR(name))
		name = "?";
	if (d->missing)
		return ckpt_err(ctx, -ENOSYS,
				"mount namespace: %s (%s) of the caller's is not in it: not supported",
				name, type);
	return ckpt_err(ctx, -ENOSYS, "mount namespace: %s (%s): %s: not supported",
			name, type, d->why);
}

/*
 * Compare @ns with the caller's namespace. Returns what is to be done to a
 * copy of the one to make the other, or an ERR_PTR, reported.
 */
static struct mnt_diff *mnt_diff(struct ckpt_ctx *ctx, struct mnt_namespace *ns)
{
	struct mnt_diff *d;
	char *buf;
	int err;

	if (ns->user_ns != caller_mnt_ns(ctx)->user_ns) {
		err = ckpt_err(ctx, -ENOSYS,
			       "mount namespace: owned by another user namespace: not supported");
		return ERR_PTR(err);
	}

	buf = __getname();
	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!buf || !d) {
		if (buf)
			__putname(buf);
		kfree(d);
		return ERR_PTR(-ENOMEM);
	}

	read_seqlock_excl(&mount_lock);
	mnt_diff_walk(ctx, ns, d);
	read_sequnlock_excl(&mount_lock);

	if (d->bad.mnt) {
		err = report_bad(ctx, d, buf);
		mnt_diff_free(d);
		d = ERR_PTR(err);
	}
	__putname(buf);
	return d;
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

	return refcount_read(&ns->ns.count);
}

static int mnt_ns_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct mnt_diff *d = mnt_diff(ctx, ptr);

	if (IS_ERR(d))
		return PTR_ERR(d);
	mnt_diff_free(d);
	return 0;
}

static int write_proc(struct ckpt_ctx *ctx, const struct mnt_proc *proc,
		      char *buf)
{
	struct ckpt_hdr_mnt_proc h = { .ms_flags = proc->ms_flags };
	const char *source = real_mount(proc->mnt)->mnt_devname ?: "none";
	const char *name;
	int err;

	name = ckpt_path_name(ctx, &proc->where, buf, PATH_MAX);
	if (IS_ERR(name))
		return ckpt_err(ctx, -ENOSYS,
				"mount namespace: a mount of proc cannot be reached from the root: not supported");
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_MNT_PROC, sizeof(h));
	if (!err)
		err = ckpt_write_string(ctx, name);
	if (!err)
		err = ckpt_write_string(ctx, source);
	return err;
}

static int mnt_ns_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct ckpt_hdr_mnt_ns h = {};
	struct mnt_diff *d;
	unsigned int i;
	char *buf;
	int err;

	if (ckpt_obj_outside(ctx, ptr, CKPT_OBJ_MNT_NS))
		return ckpt_err(ctx, -EBUSY, "mount namespace: also used outside of the tree");

	d = mnt_diff(ctx, ptr);
	if (IS_ERR(d))
		return PTR_ERR(d);
	buf = __getname();
	if (!buf) {
		mnt_diff_free(d);
		return -ENOMEM;
	}
	h.propagation = __ffs(d->propagation);
	h.nr_proc = d->nr_proc;
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_MNT_NS, sizeof(h));
	for (i = 0; !err && i < d->nr_proc; i++)
		err = write_proc(ctx, &d->proc[i], buf);
	__putname(buf);
	mnt_diff_free(d);
	return err;
}

/* ----------------------------------------------------------------- restart */

static int mount_proc(struct ckpt_ctx *ctx, const struct path *base)
{
	struct ckpt_hdr_mnt_proc h;
	char *name, *source;
	struct path where;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_MNT_PROC, sizeof(h));
	if (err)
		return err;
	if ((h.ms_flags & ~CKPT_PROC_MS) || h.reserved)
		return ckpt_err(ctx, -EINVAL, "image: mount of proc with flags %#x",
				h.ms_flags);
	name = ckpt_read_string(ctx, PATH_MAX);
	if (IS_ERR(name))
		return PTR_ERR(name);
	source = ckpt_read_string(ctx, PAGE_SIZE);
	if (IS_ERR(source)) {
		err = PTR_ERR(source);
		goto out;
	}
	err = vfs_path_lookup(base->dentry, base->mnt, name,
			      LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &where);
	if (!err) {
		err = path_mount(source, &where, "proc", h.ms_flags, NULL);
		path_put(&where);
	}
	if (err)
		ckpt_err(ctx, err, "mount namespace: proc cannot be mounted on '%s': error %d",
			 name, err);
	kvfree(source);
out:
	kvfree(name);
	return err;
}

/* Make of @ns, a copy of the caller's, what was saved; current is in it. */
static int mnt_ns_apply(struct ckpt_ctx *ctx, struct mnt_namespace *ns,
			const struct ckpt_hdr_mnt_ns *h)
{
	static const unsigned long type[] = {
		[CKPT_MNT_PRIVATE] = MS_REC | MS_PRIVATE,
		[CKPT_MNT_SLAVE] = MS_REC | MS_SLAVE,
	};
	struct path base, top;
	unsigned int i;
	int err;

	err = ckpt_mnt_base(ctx, ns, &base);
	if (err)
		return err;
	if (h->propagation != CKPT_MNT_COPIED) {
		top.mnt = base.mnt;
		top.dentry = base.mnt->mnt_root;
		err = path_mount("none", &top, NULL, type[h->propagation],
				 NULL);
	}
	for (i = 0; !err && i < h->nr_proc; i++)
		err = mount_proc(ctx, &base);
	path_put(&base);
	return err;
}

/* A copy of the caller's mount namespace, in a set of namespaces like theirs */
static struct nsproxy *copy_caller_ns(struct ckpt_ctx *ctx)
{
	struct nsproxy *new;
	struct fs_struct *fs;
	int err;

	/* root and working directory would follow into the new namespace */
	fs = copy_fs_struct(current->fs);
	if (!fs)
		return ERR_PTR(-ENOMEM);
	err = unshare_nsproxy_namespaces(CLONE_NEWNS, &new, NULL, fs);
	free_fs_struct(fs);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "mount namespace: cannot be made: error %d",
					err));
	return new;
}

/*
 * Mounts are made by a task that is in the namespace: current goes there for
 * that, by way of the caller's, and comes back.
 */
static void *mnt_ns_restore(struct ckpt_ctx *ctx)
{
	struct nsproxy *new, *old = current->nsproxy;
	struct mnt_namespace *ns = NULL;
	struct ckpt_hdr_mnt_ns h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_MNT_NS, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (h.propagation > CKPT_MNT_SLAVE || h.nr_proc > CKPT_MNT_PROC_MAX)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
					"image: mount namespace with propagation %u and %u mounts of proc",
					h.propagation, h.nr_proc));

	get_nsproxy(old);
	get_nsproxy(ctx->caller_ns);
	switch_task_namespaces(current, ctx->caller_ns);
	new = copy_caller_ns(ctx);
	if (!IS_ERR(new)) {
		ns = new->mnt_ns;
		get_mnt_ns(ns);
		switch_task_namespaces(current, new);
		err = mnt_ns_apply(ctx, ns, &h);
		if (err)
			put_mnt_ns(ns);
	} else {
		err = PTR_ERR(new);
	}
	switch_task_namespaces(current, old);
	return err ? ERR_PTR(err) : ns;
}

const struct ckpt_obj_ops ckpt_mnt_ns_obj_ops = {
	.name		= "mount namespace",
	.grab		= mnt_ns_grab,
	.drop		= mnt_ns_drop,
	.users		= mnt_ns_users,
	.collect	= mnt_ns_collect,
	.checkpoint	= mnt_ns_checkpoint,
	.restore	= mnt_ns_restore,
};
