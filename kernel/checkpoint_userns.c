// SPDX-License-Identifier: GPL-2.0
/*
 * User namespaces: who owns the namespaces of the tree, and what credentials
 * are good for. That of the caller of checkpoint is not saved: that of the
 * caller of restart takes its place. One below it is made anew, with the
 * rights that the caller has to make it by hand.
 *
 * An image is about ids as the caller sees them; only the maps are about those
 * of a namespace and of its parent.
 */

#include <linux/checkpoint_types.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/projid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/securebits.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "checkpoint.h"

/* The three maps, in the order of the image */
static const struct {
	size_t offset;
	int cap;
	const char *name;
} maps[] = {
	{ offsetof(struct user_namespace, uid_map), CAP_SETUID, "user" },
	{ offsetof(struct user_namespace, gid_map), CAP_SETGID, "group" },
	{ offsetof(struct user_namespace, projid_map), -1, "project" },
};

static struct uid_gid_map *ns_map(struct user_namespace *ns, int which)
{
	return (void *)ns + maps[which].offset;
}

static void user_ns_grab(void *ptr)
{
	get_user_ns(ptr);
}

static void user_ns_drop(void *ptr)
{
	put_user_ns(ptr);
}

/*
 * Credentials, namespaces, file systems and accounts hold references that
 * nobody can count: only those who have it open are. See also find_outsider().
 */
static int user_ns_users(void *ptr)
{
	struct user_namespace *ns = ptr;

	return 1 + ckpt_ns_opened(&ns->ns);
}

static void user_ns_holder(struct ckpt_ctx *ctx, void *ptr, char *buf,
			   size_t size)
{
	struct user_namespace *ns = ptr;

	ckpt_ns_holder(ctx, &ns->ns, buf, size);
}

/* --------------------------------------------------------- checkpoint */

/*
 * A task outside of the tree that lives in @ns or below it, or NULL. The
 * parent of the root, which made it and waits for it, may.
 */
static struct task_struct *find_outsider(struct ckpt_ctx *ctx,
					 struct user_namespace *ns)
{
	struct task_struct *p, *t, *maker, *found = NULL;

	rcu_read_lock();
	maker = rcu_dereference(ctx->root_task->real_parent);
	for_each_process_thread(p, t) {
		if ((t->flags & (PF_EXITING | PF_KTHREAD)) ||
		    !in_userns(ns, __task_cred(t)->user_ns) ||
		    same_thread_group(t, maker) ||
		    ckpt_pid_slot(ctx, task_pid(t)) >= 0)
			continue;
		found = get_task_struct(t);
		goto out;
	}
out:
	rcu_read_unlock();
	return found;
}

static int user_ns_obj_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct user_namespace *ns = ptr;
	struct task_struct *t;
	int err;

	if (from_kuid(ctx->caller_cred->user_ns, ns->owner) == (uid_t)-1 ||
	    from_kgid(ctx->caller_cred->user_ns, ns->group) == (gid_t)-1)
		return ckpt_err(ctx, -ENOSYS, "user namespace: its owner has no id in yours: not supported");
	t = find_outsider(ctx, ns);
	if (!t)
		return 0;
	err = ckpt_err(ctx, -EBUSY, "user namespace: pid %d (%s) lives in it, but is not in the tree",
		       task_pid_vnr(t), t->comm);
	put_task_struct(t);
	return err;
}

/**
 * ckpt_user_ns_collect - count a use of a user namespace
 * @ctx: the context
 * @ns: the user namespace that owns something in the tree
 * @what: that, for messages: "uts namespace"
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_user_ns_collect(struct ckpt_ctx *ctx, struct user_namespace *ns,
			 const char *what)
{
	struct user_namespace *own = ctx->caller_cred->user_ns;
	int err;

	if (ns == own)
		return 0;
	if (!in_userns(own, ns))
		return ckpt_err(ctx, -EPERM, "%s: owned by a user namespace that is not below yours",
				what);
	/* before it, and not inside of it: there may be many */
	err = ckpt_user_ns_collect(ctx, ns->parent, "user namespace");
	/* what it is used for says nothing: see user_ns_users() */
	return err ?: ckpt_obj_collect_n(ctx, ns, CKPT_OBJ_USER_NS, 0);
}

/**
 * ckpt_user_ns_checkpoint - write a user namespace unless that was done before
 * @ctx: the context
 * @ns: the user namespace, met by ckpt_user_ns_collect()
 *
 * Its parents are written before it, and not inside of it: there may be many.
 *
 * Context: process context, may sleep.
 * Return: its objref, 0 for that of the caller, or a negative errno.
 */
int ckpt_user_ns_checkpoint(struct ckpt_ctx *ctx, struct user_namespace *ns)
{
	int ret;

	if (ns == ctx->caller_cred->user_ns)
		return 0;
	if (!ns->parent)
		return ckpt_err(ctx, -EBUSY, "a task changed its user namespace meanwhile, try again");
	ret = ckpt_user_ns_checkpoint(ctx, ns->parent);
	return ret < 0 ? ret : ckpt_obj_checkpoint(ctx, ns, CKPT_OBJ_USER_NS);
}

static u32 lower_in_parent(struct user_namespace *parent, int which, u32 id)
{
	switch (maps[which].cap) {
	case CAP_SETUID:
		return from_kuid(parent, KUIDT_INIT(id));
	case CAP_SETGID:
		return from_kgid(parent, KGIDT_INIT(id));
	default:
		return from_kprojid(parent, KPROJIDT_INIT(id));
	}
}

/*
 * @nr is what was seen of its size: it may be written at any moment, once, by
 * somebody outside of the tree. What there is of a map does not change.
 */
static void save_map(struct user_namespace *ns, int which, u32 nr,
		     struct ckpt_id_extent *to)
{
	struct uid_gid_map *map = ns_map(ns, which);
	const struct uid_gid_extent *e;
	u32 i;

	e = nr <= UID_GID_MAP_MAX_BASE_EXTENTS ? map->extent : map->forward;
	for (i = 0; i < nr; i++, e++, to++) {
		to->first = e->first;
		to->lower_first = lower_in_parent(ns->parent, which,
						  e->lower_first);
		to->count = e->count;
	}
}

static int user_ns_obj_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct user_namespace *ns = ptr, *own = ctx->caller_cred->user_ns;
	u32 nr[ARRAY_SIZE(maps)], all = 0;
	struct ckpt_hdr_user_ns *h;
	int i, parent, err;

	BUILD_BUG_ON(CKPT_ID_EXTENTS_MAX != UID_GID_MAP_MAX_EXTENTS);
	BUILD_BUG_ON(CKPT_UCOUNTS < UCOUNT_COUNTS);
	BUILD_BUG_ON(CKPT_UCOUNT_RLIMITS != UCOUNT_RLIMIT_COUNTS);
	BUILD_BUG_ON(ARRAY_SIZE(h->nr_extents) != ARRAY_SIZE(maps));

	parent = ckpt_user_ns_checkpoint(ctx, ns->parent);
	if (parent < 0)
		return parent;
	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		/* a map is written once: pairs with the barrier in map_write() */
		nr[i] = smp_load_acquire(&ns_map(ns, i)->nr_extents);
		all += nr[i];
	}
	h = kvzalloc(struct_size(h, extents, all), GFP_KERNEL_ACCOUNT);
	if (!h)
		return -ENOMEM;
	h->parent = parent;
	h->owner = from_kuid(own, ns->owner);
	h->group = from_kgid(own, ns->group);
	if (READ_ONCE(ns->flags) & USERNS_SETGROUPS_ALLOWED)
		h->flags |= CKPT_USER_NS_SETGROUPS;
	if (ns->parent_could_setfcap)
		h->flags |= CKPT_USER_NS_SETFCAP;
	for (i = 0, all = 0; i < ARRAY_SIZE(maps); all += nr[i], i++) {
		h->nr_extents[i] = nr[i];
		save_map(ns, i, nr[i], &h->extents[all]);
	}
	for (i = 0; i < UCOUNT_COUNTS; i++)
		h->ucount_max[i] = READ_ONCE(ns->ucount_max[i]);
	for (i = 0; i < UCOUNT_RLIMIT_COUNTS; i++)
		h->rlimit_max[i] = ns->rlimit_max[i];
	err = ckpt_write_rec(ctx, h, CKPT_HDR_USER_NS,
			     struct_size(h, extents, all));
	kvfree(h);
	return err;
}

/* ------------------------------------------------------------ restart */

/*
 * The current credentials, as they would be after setns(2) to @ns, to be
 * changed.
 */
static struct cred *cred_in(struct ckpt_ctx *ctx, struct user_namespace *ns)
{
	struct cred *cred;
	int err;

	if (!ns_capable(ns, CAP_SYS_ADMIN))
		return ERR_PTR(ckpt_err(ctx, -EPERM, "user namespace: no CAP_SYS_ADMIN in it"));
	cred = prepare_creds();
	if (!cred)
		return ERR_PTR(-ENOMEM);
	put_user_ns(cred->user_ns);
	cred->user_ns = get_user_ns(ns);
	cred->securebits = SECUREBITS_DEFAULT;
	cred->cap_inheritable = CAP_EMPTY_SET;
	cred->cap_permitted = CAP_FULL_SET;
	cred->cap_effective = CAP_FULL_SET;
	cred->cap_ambient = CAP_EMPTY_SET;
	cred->cap_bset = CAP_FULL_SET;
	err = set_cred_ucounts(cred);
	if (err) {
		abort_creds(cred);
		return ERR_PTR(err);
	}
	return cred;
}

/**
 * ckpt_user_ns_fetch - the user namespace that an objref names
 * @ctx: the context
 * @objref: from the image, not checked yet; 0 is that of the caller
 *
 * Return: the user namespace, borrowed, or ERR_PTR(-EINVAL), reported.
 */
struct user_namespace *ckpt_user_ns_fetch(struct ckpt_ctx *ctx, u32 objref)
{
	return objref ? ckpt_obj_fetch(ctx, objref, CKPT_OBJ_USER_NS) :
			ctx->caller_cred->user_ns;
}

/**
 * ckpt_user_ns_cred - credentials to make something with
 * @ctx: the context
 * @objref: of a user namespace in the image, or 0, not checked yet
 *
 * What is made with them, by unshare_nsproxy_namespaces() for one, is owned by
 * that user namespace.
 *
 * Context: the restoring task, may sleep.
 * Return: those of the current task in that user namespace, to be put with
 * put_cred(), or an ERR_PTR, reported: -EINVAL for an object of another kind,
 * -EPERM without CAP_SYS_ADMIN in it, -ENOMEM.
 */
const struct cred *ckpt_user_ns_cred(struct ckpt_ctx *ctx, u32 objref)
{
	struct user_namespace *ns = ckpt_user_ns_fetch(ctx, objref);

	if (IS_ERR(ns))
		return ERR_CAST(ns);
	return ns == current_user_ns() ? get_current_cred() : cred_in(ctx, ns);
}

/* As setresuid(2) and setresgid(2) before unshare(2) */
static int set_owner(struct ckpt_ctx *ctx, struct cred *cred,
		     const struct ckpt_hdr_user_ns *h)
{
	struct user_namespace *own = ctx->caller_cred->user_ns;
	kuid_t uid = make_kuid(own, h->owner);
	kgid_t gid = make_kgid(own, h->group);

	if (!uid_valid(uid) || !gid_valid(gid))
		return ckpt_err(ctx, -EINVAL, "user namespace: its owner %u:%u has no id here",
				h->owner, h->group);
	if ((!uid_eq(uid, cred->euid) &&
	     !ns_capable_setid(cred->user_ns, CAP_SETUID)) ||
	    (!gid_eq(gid, cred->egid) &&
	     !ns_capable_setid(cred->user_ns, CAP_SETGID)))
		return ckpt_err(ctx, -EPERM, "user namespace: its owner is %u:%u: you may not make one in that name",
				h->owner, h->group);
	cred->euid = uid;
	cred->egid = gid;
	return 0;
}

static int write_map(struct ckpt_ctx *ctx, struct user_namespace *ns, int which,
		     const struct file *writer,
		     const struct ckpt_id_extent *extents, u32 nr)
{
	struct uid_gid_extent *to;
	int err;
	u32 i;

	if (!nr)
		return 0;
	to = kvcalloc(nr, sizeof(*to), GFP_KERNEL_ACCOUNT);
	if (!to)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		to[i].first = extents[i].first;
		to[i].lower_first = extents[i].lower_first;
		to[i].count = extents[i].count;
	}
	err = ckpt_write_id_map(writer, ns, maps[which].cap,
				ns_map(ns, which), ns_map(ns->parent, which),
				to, nr);
	kvfree(to);
	if (err)
		return ckpt_err(ctx, err, "user namespace: its %s ids cannot be mapped as they were: error %d",
				maps[which].name, err);
	return 0;
}

/* As who could write to the files in /proc of the first task in @ns */
static int write_maps(struct ckpt_ctx *ctx, struct user_namespace *ns,
		      const struct cred *cred, const struct ckpt_hdr_user_ns *h)
{
	const struct ckpt_id_extent *e = h->extents;
	struct file *writer;
	int i, err = 0;

	/* only its credentials are looked at */
	writer = kzalloc(sizeof(*writer), GFP_KERNEL_ACCOUNT);
	if (!writer)
		return -ENOMEM;
	writer->f_cred = cred;
	for (i = 0; i < ARRAY_SIZE(maps) && !err; i++) {
		err = write_map(ctx, ns, i, writer, e, h->nr_extents[i]);
		e += h->nr_extents[i];
	}
	kfree(writer);
	return err;
}

static int set_limits(struct ckpt_ctx *ctx, struct user_namespace *ns,
		      const struct ckpt_hdr_user_ns *h)
{
	int i;

	for (i = 0; i < CKPT_UCOUNTS; i++)
		if (h->ucount_max[i] < 0 || h->ucount_max[i] > INT_MAX)
			return ckpt_err(ctx, -EINVAL, "image: user namespace: limit %lld",
					h->ucount_max[i]);
	for (i = 0; i < CKPT_UCOUNT_RLIMITS; i++)
		if (h->rlimit_max[i] < 0)
			return ckpt_err(ctx, -EINVAL, "image: user namespace: resource limit %lld",
					h->rlimit_max[i]);
	for (i = 0; i < UCOUNT_COUNTS; i++)
		ns->ucount_max[i] = h->ucount_max[i];
	/* never more than whoever restarts has to give */
	for (i = 0; i < UCOUNT_RLIMIT_COUNTS; i++)
		ns->rlimit_max[i] = min_t(long, h->rlimit_max[i],
					  ns->rlimit_max[i]);
	return 0;
}

static int fill_user_ns(struct ckpt_ctx *ctx, struct user_namespace *ns,
			const struct ckpt_hdr_user_ns *h)
{
	const struct cred *cred;
	int err;

	if (!(h->flags & CKPT_USER_NS_SETFCAP))
		ns->parent_could_setfcap = false;
	if (!(h->flags & CKPT_USER_NS_SETGROUPS))
		ns->flags &= ~USERNS_SETGROUPS_ALLOWED;
	else if (!(ns->flags & USERNS_SETGROUPS_ALLOWED))
		return ckpt_err(ctx, -EPERM, "user namespace: setgroups(2) was allowed in it, and is not here");
	err = set_limits(ctx, ns, h);
	if (err)
		return err;
	cred = ckpt_user_ns_cred(ctx, h->parent);
	if (IS_ERR(cred))
		return PTR_ERR(cred);
	err = write_maps(ctx, ns, cred, h);
	put_cred(cred);
	return err;
}

/* As clone(2) and unshare(2) ask, beside what create_user_ns() does */
static bool may_make(void)
{
	return !&unprivileged_userns_clone || unprivileged_userns_clone ||
	       capable(CAP_SYS_ADMIN);
}

static struct user_namespace *make_user_ns(struct ckpt_ctx *ctx,
					   const struct ckpt_hdr_user_ns *h)
{
	struct user_namespace *parent = ckpt_user_ns_fetch(ctx, h->parent), *ns;
	struct cred *cred;
	int err;

	if (IS_ERR(parent))
		return parent;
	if (!may_make()) {
		err = ckpt_err(ctx, -EPERM, "user namespace: only root may make one here: see kernel.unprivileged_userns_clone");
		return ERR_PTR(err);
	}
	cred = parent == current_user_ns() ? prepare_creds() :
					     cred_in(ctx, parent);
	if (IS_ERR_OR_NULL(cred))
		return cred ? ERR_CAST(cred) : ERR_PTR(-ENOMEM);
	err = set_owner(ctx, cred, h);
	if (!err) {
		err = create_user_ns(cred);
		if (err)
			ckpt_err(ctx, err, "user namespace: cannot be made: error %d",
				 err);
	}
	if (err) {
		abort_creds(cred);
		return ERR_PTR(err);
	}
	ns = get_user_ns(cred->user_ns);
	abort_creds(cred);
	err = fill_user_ns(ctx, ns, h);
	if (err) {
		put_user_ns(ns);
		return ERR_PTR(err);
	}
	return ns;
}

static void *user_ns_obj_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_user_ns *h;
	u64 all = 0;
	void *ns;
	int i;

	h = ckpt_read_rec(ctx, CKPT_HDR_USER_NS, sizeof(*h),
			  struct_size(h, extents, ARRAY_SIZE(maps) *
						  CKPT_ID_EXTENTS_MAX));
	if (IS_ERR(h))
		return h;
	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		if (h->nr_extents[i] > CKPT_ID_EXTENTS_MAX)
			all = ULONG_MAX / 2;
		all += h->nr_extents[i];
	}
	if (all > ARRAY_SIZE(maps) * CKPT_ID_EXTENTS_MAX ||
	    h->h.len != struct_size(h, extents, all) || h->reserved ||
	    h->flags & ~(CKPT_USER_NS_SETGROUPS | CKPT_USER_NS_SETFCAP))
		ns = ERR_PTR(ckpt_err(ctx, -EINVAL, "image: user namespace with %llu extents in %u bytes",
				      all, h->h.len));
	else if (ctx->join & CLONE_NEWUSER)
		ns = get_user_ns(ctx->caller_cred->user_ns);
	else
		ns = make_user_ns(ctx, h);
	kvfree(h);
	return ns;
}

const struct ckpt_obj_ops ckpt_user_ns_obj_ops = {
	.name		= "user namespace",
	.grab		= user_ns_grab,
	.drop		= user_ns_drop,
	.users		= user_ns_users,
	.holder		= user_ns_holder,
	.collect	= user_ns_obj_collect,
	.checkpoint	= user_ns_obj_checkpoint,
	.restore	= user_ns_obj_restore,
};
