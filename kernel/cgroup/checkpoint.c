// SPDX-License-Identifier: GPL-2.0
/*
 * Cgroups: which one a thread is in, and cgroup namespaces. Of the cgroups
 * themselves an image has only the names, and which of them are threaded; their
 * limits are not in it.
 *
 * The lowest cgroup that all threads of the tree, and the roots of its
 * cgroup namespaces, are in is the base. It is not saved: a directory that the
 * caller of restart gives takes its place, or else the cgroup that the caller
 * is in. All others are named by their path below the base, and made there if
 * they are missing, by the files that a user would do it with, and with the
 * rights of the caller. Only the v2 hierarchy is saved.
 */

#include <linux/capability.h>
#include <linux/checkpoint_types.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>

#include "cgroup-internal.h"

/* As deep as an image may nest cgroups below the base */
#define CKPT_CGROUP_DEPTH	64

/**
 * struct ckpt_cgroups - what a checkpoint or restart has to do with cgroups
 * @base: checkpoint: the base, referenced; NULL until a process was met
 * @dir: restart: the directory that takes the place of the base, or NULL
 * @made: restart: cgroups that were made, the last one first; removed again
 *	if the restart fails
 */
struct ckpt_cgroups {
	struct cgroup *base;
	struct file *dir;
	struct list_head made;
};

/**
 * struct made_cgroup - a cgroup that the restart made
 * @list: in struct ckpt_cgroups
 * @path: its directory, referenced
 */
struct made_cgroup {
	struct list_head list;
	struct path path;
};

static struct ckpt_cgroups *cgroups_of(struct ckpt_ctx *ctx)
{
	struct ckpt_cgroups *c = ctx->cgroups;

	if (!c) {
		c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
		if (!c)
			return NULL;
		INIT_LIST_HEAD(&c->made);
		ctx->cgroups = c;
	}
	return c;
}

/**
 * ckpt_cgroups_set_dir - take what the caller of restart gives for the base
 * @ctx: the context
 * @fd: descriptor of a directory of the v2 hierarchy
 *
 * Context: the caller of the system call, may sleep.
 * Return: 0, -EBADF, -EINVAL if it is no such directory, or -ENOMEM.
 */
int ckpt_cgroups_set_dir(struct ckpt_ctx *ctx, int fd)
{
	struct ckpt_cgroups *c = cgroups_of(ctx);
	struct inode *inode;

	if (!c)
		return -ENOMEM;
	c->dir = fget_raw(fd);
	if (!c->dir)
		return -EBADF;
	inode = file_inode(c->dir);
	if (!S_ISDIR(inode->i_mode) ||
	    inode->i_sb->s_magic != CGROUP2_SUPER_MAGIC)
		return ckpt_err(ctx, -EINVAL, "what is given as cgroup is no directory of a cgroup v2 file system");
	return 0;
}

/* All that was in it has exited. */
static void remove_made(struct made_cgroup *m)
{
	struct dentry *parent = dget_parent(m->path.dentry);

	if (!mnt_want_write(m->path.mnt)) {
		inode_lock_nested(d_inode(parent), I_MUTEX_PARENT);
		if (m->path.dentry->d_parent == parent &&
		    !d_unhashed(m->path.dentry))
			vfs_rmdir(mnt_idmap(m->path.mnt), d_inode(parent),
				  m->path.dentry);
		inode_unlock(d_inode(parent));
		mnt_drop_write(m->path.mnt);
	}
	dput(parent);
}

/**
 * ckpt_cgroups_free - end what a context has to do with cgroups
 * @ctx: the context; no task takes part in it any more
 * @keep: leave the cgroups that were made
 *
 * Context: process context, may sleep.
 */
void ckpt_cgroups_free(struct ckpt_ctx *ctx, bool keep)
{
	struct ckpt_cgroups *c = ctx->cgroups;
	struct made_cgroup *m, *next;

	if (!c)
		return;
	list_for_each_entry_safe(m, next, &c->made, list) {
		if (!keep)
			remove_made(m);
		path_put(&m->path);
		kfree(m);
	}
	if (c->base)
		cgroup_put(c->base);
	if (c->dir)
		fput(c->dir);
	kfree(c);
	ctx->cgroups = NULL;
}

/* --------------------------------------------------------- checkpoint */

/* The cgroup of @t in the v2 hierarchy, referenced */
static struct cgroup *get_task_cgroup(struct task_struct *t)
{
	struct cgroup *cgrp;

	spin_lock_irq(&css_set_lock);
	cgrp = task_css_set(t)->dfl_cgrp;
	cgroup_get(cgrp);
	spin_unlock_irq(&css_set_lock);
	return cgrp;
}

/* Raise the base until @cgrp is in it. */
static int raise_base(struct ckpt_ctx *ctx, struct cgroup *cgrp)
{
	struct ckpt_cgroups *c = cgroups_of(ctx);
	struct cgroup *base;

	if (!c)
		return -ENOMEM;
	base = c->base ?: cgrp;
	while (!cgroup_is_descendant(cgrp, base))
		base = cgroup_parent(base);
	if (base != c->base) {
		cgroup_get(base);
		if (c->base)
			cgroup_put(c->base);
		c->base = base;
	}
	return 0;
}

/* Are @a and @b in different cgroups of a v1 hierarchy? */
static bool differ_in_v1(struct css_set *a, struct css_set *b)
{
	struct cgrp_cset_link *la, *lb;

	lockdep_assert_held(&css_set_lock);
	list_for_each_entry(la, &a->cgrp_links, cgrp_link) {
		if (la->cgrp->root == &cgrp_dfl_root)
			continue;
		list_for_each_entry(lb, &b->cgrp_links, cgrp_link)
			if (lb->cgrp->root == la->cgrp->root &&
			    lb->cgrp != la->cgrp)
				return true;
	}
	return false;
}

/* How many of the cgroups from @cgrp up to the base are threaded */
static u32 count_threaded(struct ckpt_ctx *ctx, struct cgroup *cgrp)
{
	const struct ckpt_cgroups *c = ctx->cgroups;
	u32 nr = 0;

	/* those below one that is threaded are, too */
	for (; cgrp && c && cgrp != c->base &&
	     READ_ONCE(cgrp->dom_cgrp) != cgrp; cgrp = cgroup_parent(cgrp))
		nr++;
	return nr;
}

/*
 * Write the path of @cgrp, as a record of @type that has nothing else but what
 * is in @h, of @size bytes.
 */
static int write_path(struct ckpt_ctx *ctx, struct cgroup *cgrp, u32 type,
		      struct ckpt_hdr *h, size_t size)
{
	const struct ckpt_cgroups *c = ctx->cgroups;
	char *buf, *name;
	int len, err;

	if (!c || !c->base || !cgroup_is_descendant(cgrp, c->base))
		return ckpt_err(ctx, -EBUSY, "was moved to another cgroup meanwhile, try again");
	buf = __getname();
	if (!buf)
		return -ENOMEM;
	len = kernfs_path_from_node(cgrp->kn, c->base->kn, buf, PATH_MAX);
	name = buf;
	while (*name == '/')
		name++;
	if (len < 0)
		err = ckpt_err(ctx, -ENAMETOOLONG, "the path of its cgroup is too long");
	else if (cgroup_is_dead(cgrp))
		err = ckpt_err(ctx, -ENOSYS, "cgroup '%s' was removed: not supported",
			       name);
	else
		err = ckpt_write_rec_tail(ctx, h, type, size, name,
					  strlen(name) + 1);
	__putname(buf);
	return err;
}

/*
 * Are the threads of a process in several cgroups, and in several cgroup
 * namespaces, too? To make one of these all of them go where its root is.
 */
static bool is_scattered(struct task_struct *t)
{
	struct cgroup_namespace *ns = NULL;
	bool cgroups = false, nss = false;
	struct cgroup *cgrp = NULL;
	struct task_struct *p;

	rcu_read_lock();
	for_each_thread(t, p) {
		task_lock(p);
		if (p->nsproxy) {
			nss |= ns && p->nsproxy->cgroup_ns != ns;
			ns = p->nsproxy->cgroup_ns;
			cgroups |= cgrp && task_css_set(p)->dfl_cgrp != cgrp;
			cgrp = task_css_set(p)->dfl_cgrp;
		}
		task_unlock(p);
	}
	rcu_read_unlock();
	return cgroups && nss;
}

static int cgroup_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct cgroup *cgrp = get_task_cgroup(t);
	bool v1;
	int err;

	spin_lock_irq(&css_set_lock);
	v1 = differ_in_v1(task_css_set(t), task_css_set(ctx->root_task));
	spin_unlock_irq(&css_set_lock);

	if (ckpt_of_leader(ctx) && is_scattered(t))
		err = ckpt_err(ctx, -ENOSYS, "threads in different cgroups and cgroup namespaces: not supported");
	else if (v1)
		err = ckpt_err(ctx, -ENOSYS, "in another cgroup of a v1 hierarchy than the root of the tree: not supported");
	else
		err = raise_base(ctx, cgrp);
	cgroup_put(cgrp);
	return err;
}

static int cgroup_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct cgroup *cgrp = get_task_cgroup(t);
	struct ckpt_hdr_task_cgroup h = {
		.threaded = count_threaded(ctx, cgrp),
	};
	int err;

	err = write_path(ctx, cgrp, CKPT_HDR_TASK_CGROUP, &h.h, sizeof(h));
	cgroup_put(cgrp);
	return err;
}

/* ------------------------------------------------------------ restart */

/* Look @name up in @path, and make it if it is missing: *@made then. */
static struct dentry *lookup_or_make(const struct path *path, const char *name,
				     int len, bool *made)
{
	struct inode *dir = d_inode(path->dentry);
	struct dentry *dentry;
	int err;

	inode_lock_nested(dir, I_MUTEX_PARENT);
	dentry = lookup_one_len(name, path->dentry, len);
	if (!IS_ERR(dentry) && d_really_is_negative(dentry)) {
		err = vfs_mkdir(mnt_idmap(path->mnt), dir, dentry, 0755);
		dput(dentry);
		*made = !err;
		/* kernfs leaves the dentry as it was */
		dentry = err ? ERR_PTR(err) :
			       lookup_one_len(name, path->dentry, len);
	}
	inode_unlock(dir);
	if (!IS_ERR(dentry) && !d_is_dir(dentry)) {
		dput(dentry);
		dentry = ERR_PTR(-ENOTDIR);
	}
	return dentry;
}

/* Write @text to the file @name of the cgroup @path. */
static int write_file(const struct path *path, const char *name,
		      const char *text)
{
	struct file *file;
	loff_t pos = 0;
	ssize_t n;

	file = file_open_root(path, name, O_WRONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	n = kernel_write(file, text, strlen(text), &pos);
	/* not when the tree runs: it may watch who closes this */
	__fput_sync(file);
	return n < 0 ? n : 0;
}

/*
 * Go on from @path to @name, which is made if it is missing, as one that is
 * @threaded or not.
 */
static int enter_cgroup(struct ckpt_cgroups *c, struct path *path,
			const char *name, int len, bool threaded)
{
	struct made_cgroup *m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	struct dentry *dentry;
	bool made = false;
	int err;

	if (!m)
		return -ENOMEM;
	err = mnt_want_write(path->mnt);
	if (err)
		goto free;
	dentry = lookup_or_make(path, name, len, &made);
	mnt_drop_write(path->mnt);
	if (IS_ERR(dentry)) {
		err = PTR_ERR(dentry);
		goto free;
	}
	dput(path->dentry);
	path->dentry = dentry;
	if (made) {
		m->path = *path;
		path_get(&m->path);
		list_add(&m->list, &c->made);
		return threaded ? write_file(path, "cgroup.type", "threaded") :
				  0;
	}
free:
	kfree(m);
	return err;
}

static bool is_current_in(const struct path *path)
{
	struct cgroup *cgrp = get_task_cgroup(current);
	bool is = cgrp->kn == kernfs_node_from_dentry(path->dentry);

	cgroup_put(cgrp);
	return is;
}

/* How deep it is below the base */
static u32 path_depth(const char *name)
{
	u32 depth = *name ? 1 : 0;

	for (; *name; name++)
		depth += *name == '/';
	return depth;
}

/**
 * struct cgroup_place - where to go
 * @name: path below the base
 * @threaded: the last so many of its components are threaded, if they are made
 * @thread: the current thread alone goes, not its process
 */
struct cgroup_place {
	const char *name;
	u32 threaded;
	bool thread;
};

/* Move the current process, or thread, to a cgroup below the base. */
static int place_current(struct ckpt_ctx *ctx, const struct cgroup_place *at)
{
	struct ckpt_cgroups *c = ctx->cgroups;
	const char *name = at->name, *p = name, *end;
	u32 depth = 0, deepest = path_depth(name);
	struct path path;
	int err = 0;

	if (at->threaded > deepest)
		return ckpt_err(ctx, -EINVAL, "image: cgroup '%s': %u threaded ones",
				name, at->threaded);
	if (ctx->join & CLONE_NEWCGROUP)
		return 0;
	if (!c || !c->dir)
		return *name ? ckpt_err(ctx, -ENOENT, "cgroup '%s' below that of the tree: give the directory of the latter with --cgroup",
					name) : 0;
	path = c->dir->f_path;
	path_get(&path);
	while (!err && *p) {
		end = strchrnul(p, '/');
		if (end == p || ++depth > CKPT_CGROUP_DEPTH)
			err = -EINVAL;
		else
			err = enter_cgroup(c, &path, p, end - p,
					   depth + at->threaded > deepest);
		p = *end ? end + 1 : end;
	}
	if (!err && !at->thread)
		err = write_file(&path, "cgroup.procs", "0");
	else if (!err && !is_current_in(&path))
		err = write_file(&path, "cgroup.threads", "0");
	path_put(&path);
	if (err)
		return ckpt_err(ctx, err, "cgroup '%s': cannot be entered: error %d",
				name, err);
	return 0;
}

static int cgroup_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_cgroup *h;
	struct cgroup_place at;
	size_t size;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_TASK_CGROUP, sizeof(*h) + 8,
			  sizeof(*h) + PATH_MAX);
	if (IS_ERR(h))
		return PTR_ERR(h);
	size = h->h.len - sizeof(*h);
	at = (struct cgroup_place) {
		.name = h->path,
		.threaded = h->threaded,
		.thread = !thread_group_leader(current),
	};
	if (strnlen(h->path, size) == size)
		err = ckpt_err(ctx, -EINVAL, "image: cgroup of a task: its path has no end");
	else if (h->reserved)
		err = ckpt_err(ctx, -EINVAL, "image: cgroup of a task: unknown state %#x",
			       h->reserved);
	else
		err = place_current(ctx, &at);
	kvfree(h);
	return err;
}

const struct ckpt_task_ops ckpt_cgroup_task_ops = {
	.name		= "cgroup",
	.both		= true,
	.collect	= cgroup_collect,
	.checkpoint	= cgroup_checkpoint,
	.restore	= cgroup_restore,
};

/* ---------------------------------------------------------- namespace */

static void cgroup_ns_grab(void *ptr)
{
	get_cgroup_ns(ptr);
}

static void cgroup_ns_drop(void *ptr)
{
	put_cgroup_ns(ptr);
}

static int cgroup_ns_users(void *ptr)
{
	struct cgroup_namespace *ns = ptr;

	return ckpt_ns_users(&ns->ns);
}

static void cgroup_ns_holder(struct ckpt_ctx *ctx, void *ptr, char *buf,
			     size_t size)
{
	struct cgroup_namespace *ns = ptr;

	ckpt_ns_holder(ctx, &ns->ns, buf, size);
}

static int cgroup_ns_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct cgroup_namespace *ns = ptr;
	bool v1;
	int err;

	err = ckpt_user_ns_collect(ctx, ns->user_ns, "cgroup namespace");
	if (err)
		return err;
	spin_lock_irq(&css_set_lock);
	v1 = differ_in_v1(ns->root_cset, task_css_set(ctx->root_task));
	spin_unlock_irq(&css_set_lock);
	if (v1)
		return ckpt_err(ctx, -ENOSYS, "cgroup namespace: its root in a v1 hierarchy is another than the cgroup of the tree: not supported");
	return raise_base(ctx, ns->root_cset->dfl_cgrp);
}

static int cgroup_ns_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct cgroup_namespace *ns = ptr;
	struct ckpt_hdr_cgroup_ns h = {};
	struct ckpt_hdr_string root = {};
	int owner, err;

	owner = ckpt_user_ns_checkpoint(ctx, ns->user_ns);
	if (owner < 0)
		return owner;
	h.user_ns = owner;
	h.threaded = count_threaded(ctx, ns->root_cset->dfl_cgrp);
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_CGROUP_NS, sizeof(h));
	return err ?: write_path(ctx, ns->root_cset->dfl_cgrp, CKPT_HDR_STRING,
				 &root.h, sizeof(root));
}

static struct cgroup_namespace *make_ns(struct ckpt_ctx *ctx, u32 owner)
{
	struct cgroup_namespace *ns;
	const struct cred *cred;
	struct nsproxy *new;
	int err;

	cred = ckpt_user_ns_cred(ctx, owner);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	/* with the checks and the accounting of unshare(2) */
	err = unshare_nsproxy_namespaces(CLONE_NEWCGROUP, &new,
					 (struct cred *)cred, NULL);
	put_cred(cred);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "cannot make a cgroup namespace: error %d",
					err));
	ns = new->cgroup_ns;
	get_cgroup_ns(ns);
	put_nsproxy(new);
	return ns;
}

/* Where the current process was placed, below the base */
static int own_path(struct ckpt_ctx *ctx, char *buf)
{
	struct ckpt_cgroups *c = ctx->cgroups;
	struct cgroup *cgrp;
	int len;

	*buf = 0;
	if (!c || !c->dir)
		return 0;
	cgrp = get_task_cgroup(current);
	len = kernfs_path_from_node(cgrp->kn,
				    kernfs_node_from_dentry(c->dir->f_path.dentry),
				    buf, PATH_MAX);
	cgroup_put(cgrp);
	return len < 0 ? len : 0;
}

/*
 * The root of a new namespace is where the task that makes it is: go there,
 * and back to where the task was placed.
 */
static struct cgroup_namespace *make_ns_at(struct ckpt_ctx *ctx,
					   const struct ckpt_hdr_cgroup_ns *h,
					   const char *root, char *buf)
{
	struct cgroup_place there = { .name = root, .threaded = h->threaded };
	struct cgroup_place back = {};
	struct cgroup_namespace *ns;
	int err;

	err = own_path(ctx, buf);
	if (!err)
		err = place_current(ctx, &there);
	if (err)
		return ERR_PTR(err);
	ns = make_ns(ctx, h->user_ns);
	if (IS_ERR(ns))
		return ns;
	back.name = buf + strspn(buf, "/");
	err = place_current(ctx, &back);
	if (err) {
		put_cgroup_ns(ns);
		return ERR_PTR(err);
	}
	return ns;
}

static void *cgroup_ns_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_cgroup_ns h;
	char *root, *buf;
	void *ns;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_CGROUP_NS, sizeof(h));
	if (err)
		return ERR_PTR(err);
	root = ckpt_read_string(ctx, PATH_MAX);
	if (IS_ERR(root))
		return root;
	if (ctx->join & CLONE_NEWCGROUP) {
		kvfree(root);
		get_cgroup_ns(ctx->caller_ns->cgroup_ns);
		return ctx->caller_ns->cgroup_ns;
	}
	buf = __getname();
	if (buf) {
		ns = make_ns_at(ctx, &h, root, buf);
		__putname(buf);
	} else {
		ns = ERR_PTR(-ENOMEM);
	}
	kvfree(root);
	return ns;
}

/* Is @dentry below what a mount in @ns shows, and might the caller make that? */
static bool ns_may_show(const struct cgroup_namespace *ns,
			struct dentry *dentry)
{
	struct dentry *top;
	bool ok;

	if (!ns_capable(ns->user_ns, CAP_SYS_ADMIN))
		return false;
	/* as cgroup_do_get_tree() */
	top = kernfs_node_dentry(ns->root_cset->dfl_cgrp->kn, dentry->d_sb);
	if (IS_ERR(top))
		return false;
	ok = is_subdir(dentry, top);
	dput(top);
	return ok;
}

/**
 * ckpt_cgroup_may_show - may the caller make a mount with this root?
 * @ctx: the context of a restart
 * @dentry: the root, of any file system
 *
 * Who mounts the v2 hierarchy sees it from the root of its cgroup namespace on.
 *
 * Context: the restoring task, may sleep.
 * Return: false for a cgroup that is not below the root of the caller's cgroup
 * namespace, nor of that of the current task, if it may mount there.
 */
bool ckpt_cgroup_may_show(struct ckpt_ctx *ctx, struct dentry *dentry)
{
	return dentry->d_sb->s_magic != CGROUP2_SUPER_MAGIC ||
	       capable(CAP_SYS_ADMIN) ||
	       ns_may_show(ctx->caller_ns->cgroup_ns, dentry) ||
	       ns_may_show(current->nsproxy->cgroup_ns, dentry);
}

const struct ckpt_obj_ops ckpt_cgroup_ns_obj_ops = {
	.name		= "cgroup namespace",
	.subtree_ok	= true,
	.grab		= cgroup_ns_grab,
	.drop		= cgroup_ns_drop,
	.users		= cgroup_ns_users,
	.holder		= cgroup_ns_holder,
	.collect	= cgroup_ns_collect,
	.checkpoint	= cgroup_ns_checkpoint,
	.restore	= cgroup_ns_restore,
};
