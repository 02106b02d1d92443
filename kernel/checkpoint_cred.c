// SPDX-License-Identifier: GPL-2.0
/*
 * Credentials. They are prepared when they are read, with the checks that
 * setresuid(2), setgroups(2), capset(2) and their like make of the caller of
 * restart, and installed at the very end: until then a restored task acts
 * with the rights of the caller.
 */

#include <linux/capability.h>
#include <linux/checkpoint_types.h>
#include <linux/cred.h>
#include <linux/fs_struct.h>
#include <linux/mm.h>
#include <linux/nsproxy.h>
#include <linux/path.h>
#include <linux/pid_namespace.h>
#include <linux/sched/coredump.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>
#include <linux/securebits.h>
#include <linux/security.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "checkpoint.h"

#ifdef CONFIG_SECURITY_LANDLOCK
#include "../security/landlock/cred.h"
#endif

/* More groups do not fit into a record */
#define CKPT_GROUPS_MAX \
	((CKPT_REC_MAX - sizeof(struct ckpt_hdr_cred)) / sizeof(__u32) - 1)

/*
 * A mark on credentials: a task has them. Keyrings are of use to a task: those
 * that a file was opened with, by somebody who has others now, or a zombie had,
 * are not looked at. The caller might not have the right to, either.
 */
#define CKPT_CRED_MARK_TASK	0x1

/* ---------------------------------------------------- what is refused */

/* What it is about @cred that cannot be saved, or NULL */
static const char *refused(const struct cred *cred)
{
#ifdef CONFIG_SECURITY_LANDLOCK
	if (landlock_initialized && landlock_cred(cred)->domain)
		return "landlock";
#endif
	return NULL;
}

/* A restored task has the label of the caller of restart. */
static int refuse_label(struct ckpt_ctx *ctx, struct task_struct *t)
{
	u32 label, caller;

	security_task_getsecid_obj(t, &label);
	security_task_getsecid_obj(ctx->caller, &caller);
	if (label != caller)
		return ckpt_err(ctx, -ENOSYS,
				"security label other than that of the caller: not supported");
	return 0;
}

/* --------------------------------------------------------- checkpoint */

static void cred_grab(void *ptr)
{
	get_cred(ptr);
}

static void cred_drop(void *ptr)
{
	put_cred((const struct cred *)ptr);
}

static int cred_obj_collect(struct ckpt_ctx *ctx, void *ptr)
{
	const struct cred *cred = ptr;
	const char *what;
	int err;

	err = ckpt_user_ns_collect(ctx, cred->user_ns, "credentials");
	if (err)
		return err;
	if (cred->group_info->ngroups > CKPT_GROUPS_MAX)
		return ckpt_err(ctx, -E2BIG, "%d supplementary groups: at most %zu are supported",
				cred->group_info->ngroups, CKPT_GROUPS_MAX);
	what = refused(cred);
	return what ? ckpt_err(ctx, -ENOSYS, "%s: not supported", what) : 0;
}

static int save_uid(struct ckpt_ctx *ctx, kuid_t kuid, u32 *uid)
{
	*uid = from_kuid(ctx->caller_cred->user_ns, kuid);
	if (*uid == (uid_t)-1)
		return ckpt_err(ctx, -ENOSYS, "a user id that is not mapped in the user namespace: not supported");
	return 0;
}

static int save_gid(struct ckpt_ctx *ctx, kgid_t kgid, u32 *gid)
{
	*gid = from_kgid(ctx->caller_cred->user_ns, kgid);
	if (*gid == (gid_t)-1)
		return ckpt_err(ctx, -ENOSYS, "a group id that is not mapped in the user namespace: not supported");
	return 0;
}

static int save_ids(struct ckpt_ctx *ctx, const struct cred *cred,
		    struct ckpt_hdr_cred *h)
{
	int err;

	err = save_uid(ctx, cred->uid, &h->uid);
	if (!err)
		err = save_uid(ctx, cred->suid, &h->suid);
	if (!err)
		err = save_uid(ctx, cred->euid, &h->euid);
	if (!err)
		err = save_uid(ctx, cred->fsuid, &h->fsuid);
	if (!err)
		err = save_gid(ctx, cred->gid, &h->gid);
	if (!err)
		err = save_gid(ctx, cred->sgid, &h->sgid);
	if (!err)
		err = save_gid(ctx, cred->egid, &h->egid);
	if (!err)
		err = save_gid(ctx, cred->fsgid, &h->fsgid);
	return err;
}

static int cred_obj_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	const struct cred *cred = ptr;
	const struct group_info *gi = cred->group_info;
	struct ckpt_hdr_cred h = {
		.securebits = cred->securebits,
		.ngroups = gi->ngroups,
		.cap_inheritable = cred->cap_inheritable.val,
		.cap_permitted = cred->cap_permitted.val,
		.cap_effective = cred->cap_effective.val,
		.cap_bset = cred->cap_bset.val,
		.cap_ambient = cred->cap_ambient.val,
	};
	u32 *groups;
	int i, err;

	err = ckpt_user_ns_checkpoint(ctx, cred->user_ns);
	if (err < 0)
		return err;
	h.user_ns = err;
	err = save_ids(ctx, cred, &h);
	if (!err && (ckpt_obj_mark(ctx, ptr, CKPT_OBJ_CRED, 0) &
		     CKPT_CRED_MARK_TASK))
		err = ckpt_keys_checkpoint(ctx, cred, &h);
	if (err)
		return err;
	groups = kvmalloc_array(gi->ngroups, sizeof(*groups),
				GFP_KERNEL_ACCOUNT);
	if (!groups)
		return -ENOMEM;
	for (i = 0; i < gi->ngroups && !err; i++)
		err = save_gid(ctx, gi->gid[i], &groups[i]);
	if (!err)
		err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_CRED, sizeof(h),
					  groups, gi->ngroups * sizeof(*groups));
	kvfree(groups);
	return err;
}

static bool ids_mapped(struct user_namespace *ns, const struct cred *cred)
{
	const struct group_info *gi = cred->group_info;
	int i;

	for (i = 0; i < gi->ngroups; i++)
		if (!kgid_has_mapping(ns, gi->gid[i]))
			return false;
	return kuid_has_mapping(ns, cred->uid) &&
	       kuid_has_mapping(ns, cred->suid) &&
	       kuid_has_mapping(ns, cred->euid) &&
	       kuid_has_mapping(ns, cred->fsuid) &&
	       kgid_has_mapping(ns, cred->gid) &&
	       kgid_has_mapping(ns, cred->sgid) &&
	       kgid_has_mapping(ns, cred->egid) &&
	       kgid_has_mapping(ns, cred->fsgid);
}

/* Of credentials that need not be saved: can they be? */
static bool can_save(struct ckpt_ctx *ctx, const struct cred *cred)
{
	return cred->group_info->ngroups <= CKPT_GROUPS_MAX &&
	       ids_mapped(ctx->caller_cred->user_ns, cred) &&
	       !refused(cred);
}

/**
 * ckpt_zombie_cred_collect - count the credentials of a zombie
 * @ctx: the context
 * @t: the zombie
 *
 * They have done all that they could, and are only looked at: what cannot be
 * saved is left out, and the zombie has those of whoever restarts.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_zombie_cred_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const struct cred *cred = get_task_cred(t);
	int err = 0;

	if (in_userns(ctx->caller_cred->user_ns, cred->user_ns) &&
	    can_save(ctx, cred))
		err = ckpt_obj_collect(ctx, (void *)cred, CKPT_OBJ_CRED);
	put_cred(cred);
	return err;
}

/**
 * ckpt_zombie_cred_checkpoint - write the credentials of a zombie
 * @ctx: the context
 * @t: the zombie
 *
 * Context: process context, may sleep.
 * Return: their objref, 0 if they are left out, or a negative errno.
 */
int ckpt_zombie_cred_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const struct cred *cred = get_task_cred(t);
	int ret = 0;

	if (ckpt_obj_collected(ctx, (void *)cred, CKPT_OBJ_CRED))
		ret = ckpt_obj_checkpoint(ctx, (void *)cred, CKPT_OBJ_CRED);
	put_cred(cred);
	return ret;
}

/**
 * ckpt_file_cred_collect - count the credentials that a file was opened with
 * @ctx: the context
 * @cred: the credentials
 *
 * What cannot be saved, or belongs to a user namespace of others, is left out:
 * the file then has those of whoever restarts. There may be such files from
 * outside, that no task of the tree could have opened.
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_file_cred_collect(struct ckpt_ctx *ctx, const struct cred *cred)
{
	struct user_namespace *own = ctx->caller_cred->user_ns;

	if ((cred->user_ns != own &&
	     !ckpt_obj_collected(ctx, cred->user_ns, CKPT_OBJ_USER_NS)) ||
	    !can_save(ctx, cred))
		return 0;
	return ckpt_obj_collect(ctx, (void *)cred, CKPT_OBJ_CRED);
}

/* ------------------------------------------------------------ restart */

static int refuse(struct ckpt_ctx *ctx, const char *what)
{
	return ckpt_err(ctx, -EPERM, "credentials: you may not set its %s",
			what);
}

/*
 * As setresuid(2), before the user namespace is entered, or in it: any of the
 * caller's own, or CAP_SETUID.
 */
static bool may_set_uid(const struct cred *old, kuid_t uid)
{
	return uid_eq(uid, old->uid) || uid_eq(uid, old->euid) ||
	       uid_eq(uid, old->suid) ||
	       ns_capable_setid(current_user_ns(), CAP_SETUID) ||
	       (kuid_has_mapping(old->user_ns, uid) &&
		ns_capable_setid(old->user_ns, CAP_SETUID));
}

static bool may_set_gid(const struct cred *old, kgid_t gid)
{
	return gid_eq(gid, old->gid) || gid_eq(gid, old->egid) ||
	       gid_eq(gid, old->sgid) ||
	       ns_capable_setid(current_user_ns(), CAP_SETGID) ||
	       (kgid_has_mapping(old->user_ns, gid) &&
		ns_capable_setid(old->user_ns, CAP_SETGID));
}

/**
 * ckpt_may_become - may something be made in the name of a user and group?
 * @old: what the caller of restart would have in the user namespace
 * @uid: the user
 * @gid: the group, or INVALID_GID for none
 *
 * Context: the restoring task.
 * Return: true if it is the caller's own, or one that it could become.
 */
bool ckpt_may_become(const struct cred *old, kuid_t uid, kgid_t gid)
{
	return may_set_uid(old, uid) &&
	       (!gid_valid(gid) || may_set_gid(old, gid) || in_group_p(gid));
}

/* The same of setgroups(2) */
static bool may_set_groups(const struct cred *old, const struct group_info *gi)
{
	int i;

	if (may_setgroups())
		return true;
	if (!ns_capable_setid(old->user_ns, CAP_SETGID) ||
	    !userns_may_setgroups(old->user_ns))
		return false;
	for (i = 0; i < gi->ngroups; i++)
		if (!kgid_has_mapping(old->user_ns, gi->gid[i]))
			return false;
	return true;
}

static int set_uids(struct ckpt_ctx *ctx, struct cred *new,
		    const struct cred *old, const struct ckpt_hdr_cred *h)
{
	struct user_namespace *ns = current_user_ns();
	struct user_struct *user;
	kuid_t fsuid = make_kuid(ns, h->fsuid);
	int err;

	new->uid = make_kuid(ns, h->uid);
	new->euid = make_kuid(ns, h->euid);
	new->suid = make_kuid(ns, h->suid);
	new->fsuid = new->euid;
	if (!uid_valid(new->uid) || !uid_valid(new->euid) ||
	    !uid_valid(new->suid) || !uid_valid(fsuid))
		return ckpt_err(ctx, -EINVAL, "credentials: a user id that is not mapped in the user namespace");
	if (!may_set_uid(old, new->uid) || !may_set_uid(old, new->euid) ||
	    !may_set_uid(old, new->suid) ||
	    (!uid_eq(fsuid, old->fsuid) && !may_set_uid(old, fsuid)))
		return refuse(ctx, "user ids");

	if (!uid_eq(new->uid, old->uid)) {
		user = alloc_uid(new->uid);
		if (!user)
			return -EAGAIN;
		free_uid(new->user);
		new->user = user;
	}
	err = security_task_fix_setuid(new, old, LSM_SETID_RES);
	if (err)
		return err;
	if (!uid_eq(fsuid, new->fsuid)) {
		new->fsuid = fsuid;
		err = security_task_fix_setuid(new, old, LSM_SETID_FS);
		if (err)
			return err;
	}
	return set_cred_ucounts(new);
}

static int set_gids(struct ckpt_ctx *ctx, struct cred *new,
		    const struct cred *old, const struct ckpt_hdr_cred *h)
{
	struct user_namespace *ns = current_user_ns();
	kgid_t fsgid = make_kgid(ns, h->fsgid);
	int err;

	new->gid = make_kgid(ns, h->gid);
	new->egid = make_kgid(ns, h->egid);
	new->sgid = make_kgid(ns, h->sgid);
	new->fsgid = new->egid;
	if (!gid_valid(new->gid) || !gid_valid(new->egid) ||
	    !gid_valid(new->sgid) || !gid_valid(fsgid))
		return ckpt_err(ctx, -EINVAL, "credentials: a group id that is not mapped in the user namespace");
	if (!may_set_gid(old, new->gid) || !may_set_gid(old, new->egid) ||
	    !may_set_gid(old, new->sgid) ||
	    (!gid_eq(fsgid, old->fsgid) && !may_set_gid(old, fsgid)))
		return refuse(ctx, "group ids");

	err = security_task_fix_setgid(new, old, LSM_SETID_RES);
	if (!err && !gid_eq(fsgid, new->fsgid)) {
		new->fsgid = fsgid;
		err = security_task_fix_setgid(new, old, LSM_SETID_FS);
	}
	return err;
}

static bool same_groups(const struct group_info *a, const struct group_info *b)
{
	int i;

	if (a->ngroups != b->ngroups)
		return false;
	for (i = 0; i < a->ngroups; i++)
		if (!gid_eq(a->gid[i], b->gid[i]))
			return false;
	return true;
}

static int set_group_list(struct ckpt_ctx *ctx, struct cred *new,
			  const struct cred *old,
			  const struct ckpt_hdr_cred *h)
{
	struct group_info *gi;
	int err = 0;
	u32 i;

	gi = groups_alloc(h->ngroups);
	if (!gi)
		return -ENOMEM;
	for (i = 0; i < h->ngroups; i++) {
		gi->gid[i] = make_kgid(current_user_ns(), h->groups[i]);
		if (!gid_valid(gi->gid[i])) {
			err = ckpt_err(ctx, -EINVAL, "credentials: group %u is not mapped in the user namespace",
				       h->groups[i]);
			goto put;
		}
	}
	groups_sort(gi);
	if (same_groups(gi, old->group_info))
		goto put;
	if (!may_set_groups(old, gi)) {
		err = refuse(ctx, "supplementary groups");
		goto put;
	}
	set_groups(new, gi);
	err = security_task_fix_setgroups(new, old);
put:
	put_group_info(gi);
	return err;
}

/* As prctl(PR_SET_SECUREBITS), and PR_SET_KEEPCAPS for the one bit */
static bool may_set_securebits(const struct cred *old, u32 bits)
{
	u32 changed = old->securebits ^ bits;

	if (!changed)
		return true;
	if ((((old->securebits & SECURE_ALL_LOCKS) >> 1) & changed) ||
	    (old->securebits & SECURE_ALL_LOCKS & ~bits))
		return false;
	return changed == SECBIT_KEEP_CAPS ||
	       ns_capable(old->user_ns, CAP_SETPCAP);
}

static int set_caps(struct ckpt_ctx *ctx, struct cred *new,
		    const struct cred *old, const struct ckpt_hdr_cred *h)
{
	kernel_cap_t inheritable = { h->cap_inheritable };
	kernel_cap_t permitted = { h->cap_permitted };
	kernel_cap_t effective = { h->cap_effective };
	kernel_cap_t ambient = { h->cap_ambient };
	kernel_cap_t bset = { h->cap_bset };
	int err;

	if ((h->cap_inheritable | h->cap_permitted | h->cap_effective |
	     h->cap_bset | h->cap_ambient) & ~CAP_VALID_MASK)
		return ckpt_err(ctx, -EINVAL, "credentials: a capability that is not known here");
	if (!cap_issubset(effective, permitted) ||
	    !cap_issubset(ambient, cap_intersect(permitted, inheritable)))
		return ckpt_err(ctx, -EINVAL, "image: capabilities that no task can have");
	if (h->securebits & ~(SECURE_ALL_BITS | SECURE_ALL_LOCKS))
		return ckpt_err(ctx, -EINVAL, "image: securebits %#x",
				h->securebits);

	/* as capset(2); what setuid(2) does to the sets is replaced */
	err = security_capset(new, old, &effective, &inheritable, &permitted);
	if (err == -EPERM)
		return refuse(ctx, "capabilities");
	if (err)
		return err;

	if (!cap_issubset(bset, old->cap_bset) ||
	    (!cap_issubset(old->cap_bset, bset) &&
	     !ns_capable(old->user_ns, CAP_SETPCAP)))
		return refuse(ctx, "capability bounding set");
	new->cap_bset = bset;

	if (!cap_issubset(ambient, old->cap_ambient) &&
	    (old->securebits & issecure_mask(SECURE_NO_CAP_AMBIENT_RAISE)))
		return refuse(ctx, "ambient capabilities");
	new->cap_ambient = ambient;

	if (!may_set_securebits(old, h->securebits))
		return refuse(ctx, "securebits");
	new->securebits = h->securebits;
	return 0;
}

/*
 * @old is what the caller would have, had it gone to the user namespace: its
 * own credentials if it is there.
 */
static int fill_cred(struct ckpt_ctx *ctx, struct cred *new,
		     const struct cred *old, const struct ckpt_hdr_cred *h)
{
	int err;

	if (new->user_ns != old->user_ns) {
		put_user_ns(new->user_ns);
		new->user_ns = get_user_ns(old->user_ns);
	}

	err = ckpt_keys_restore(ctx, new, h);
	if (!err)
		err = set_gids(ctx, new, old, h);
	if (!err)
		err = set_group_list(ctx, new, old, h);
	if (!err)
		err = set_uids(ctx, new, old, h);
	if (!err)
		err = set_caps(ctx, new, old, h);
	return err;
}

static void *cred_obj_restore(struct ckpt_ctx *ctx)
{
	const struct cred *old;
	struct ckpt_hdr_cred *h;
	struct cred *new;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_CRED, sizeof(*h), CKPT_REC_MAX);
	if (IS_ERR(h))
		return h;
	if (h->ngroups > CKPT_GROUPS_MAX ||
	    h->h.len != ALIGN(struct_size(h, groups, h->ngroups), 8) ||
	    (h->ngroups % 2 && h->groups[h->ngroups])) {
		err = ckpt_err(ctx, -EINVAL, "image: credentials with %u groups in %u bytes",
			       h->ngroups, h->h.len);
		goto free;
	}
	old = ckpt_user_ns_cred(ctx, h->user_ns);
	if (IS_ERR(old)) {
		err = PTR_ERR(old);
		goto free;
	}
	if (!checkpoint_restore_ns_capable(old->user_ns)) {
		err = refuse(ctx, "user namespace without CAP_CHECKPOINT_RESTORE");
		put_cred(old);
		goto free;
	}
	new = prepare_creds();
	if (new) {
		err = fill_cred(ctx, new, old, h);
		if (err)
			abort_creds(new);
	} else {
		err = -ENOMEM;
	}
	put_cred(old);
free:
	kvfree(h);
	return err ? ERR_PTR(err) : new;
}

/* Files, keys and sockets hold credentials, too: their users say nothing. */
const struct ckpt_obj_ops ckpt_cred_obj_ops = {
	.name		= "credentials",
	.grab		= cred_grab,
	.drop		= cred_drop,
	.collect	= cred_obj_collect,
	.checkpoint	= cred_obj_checkpoint,
	.restore	= cred_obj_restore,
};

/* --------------------------------------------------------------- task */

/**
 * struct cred_defer - what is put aside until commit
 * @cred: the new credentials, referenced; NULL once they are installed
 * @dumpable: of the restored address space: new credentials would reset it
 * @no_new_privs: to be set
 */
struct cred_defer {
	const struct cred *cred;
	int dumpable;
	bool no_new_privs;
};

static int keys_collect(struct ckpt_ctx *ctx, const struct cred *cred)
{
	if (ckpt_obj_mark(ctx, (void *)cred, CKPT_OBJ_CRED, 0) &
	    CKPT_CRED_MARK_TASK)
		return 0;
	ckpt_obj_mark(ctx, (void *)cred, CKPT_OBJ_CRED, CKPT_CRED_MARK_TASK);
	return ckpt_keys_collect(ctx, cred);
}

static int cred_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const struct cred *cred;
	int err;

	if (rcu_access_pointer(t->real_cred) != rcu_access_pointer(t->cred))
		return ckpt_err(ctx, -EBUSY, "acts with other credentials for a moment: try again");
	err = refuse_label(ctx, t);
	if (err)
		return err;
	cred = get_task_cred(t);
	err = ckpt_obj_collect(ctx, (void *)cred, CKPT_OBJ_CRED);
	if (!err)
		err = keys_collect(ctx, cred);
	put_cred(cred);
	return err;
}

static int cred_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_task_cred h = {
		.no_new_privs = task_no_new_privs(t),
	};
	const struct cred *cred = get_task_cred(t);
	int ret;

	ret = ckpt_obj_checkpoint(ctx, (void *)cred, CKPT_OBJ_CRED);
	put_cred(cred);
	if (ret < 0)
		return ret;
	h.cred = ret;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_CRED, sizeof(h));
}

static bool in_own_ns(struct ckpt_ctx *ctx)
{
	const struct nsproxy *ns = current->nsproxy, *caller = ctx->caller_ns;
	const struct pid_namespace *pid_ns = task_active_pid_ns(ctx->caller);

	return ns->uts_ns != caller->uts_ns || ns->ipc_ns != caller->ipc_ns ||
	       ns->mnt_ns != caller->mnt_ns || ns->net_ns != caller->net_ns ||
	       ns->cgroup_ns != caller->cgroup_ns ||
	       ns->time_ns != caller->time_ns ||
	       ns->time_ns_for_children != caller->time_ns ||
	       ns->pid_ns_for_children != pid_ns ||
	       task_active_pid_ns(current) != pid_ns;
}

/*
 * As setns(2) and chroot(2) by whoever has the credentials: what it finds in
 * namespaces that it could not enter, as another /etc, would give a program
 * that is set-user-id there more than it may have.
 */
static int may_live_here(struct ckpt_ctx *ctx, const struct cred *cred)
{
	struct path root;
	bool same;

	if (in_own_ns(ctx) && !ns_capable(cred->user_ns, CAP_SYS_ADMIN))
		return ckpt_err(ctx, -EPERM, "credentials: CAP_SYS_ADMIN is needed in their user namespace to be in other namespaces than yours");
	get_fs_root(current->fs, &root);
	same = path_equal(&root, &ctx->root);
	path_put(&root);
	if (!same && !ns_capable(cred->user_ns, CAP_SYS_CHROOT))
		return ckpt_err(ctx, -EPERM, "credentials: CAP_SYS_CHROOT is needed in their user namespace to have another root directory than yours");
	return 0;
}

static int cred_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_cred h;
	struct cred_defer *d;
	struct cred *cred;
	int err, dumpable;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TASK_CRED, sizeof(h));
	if (err)
		return err;
	if (h.no_new_privs > 1)
		return ckpt_err(ctx, -EINVAL, "image: no_new_privs is %u",
				h.no_new_privs);
	/* a way out of it would be a way to new privileges */
	if (!h.no_new_privs && task_no_new_privs(current))
		return ckpt_err(ctx, -EPERM, "the caller of restart has no_new_privs set, the task had not");
	cred = ckpt_obj_fetch(ctx, h.cred, CKPT_OBJ_CRED);
	if (IS_ERR(cred))
		return PTR_ERR(cred);
	err = may_live_here(ctx, cred);
	if (err)
		return err;
	dumpable = get_dumpable(current->mm);
	if (dumpable > SUID_DUMP_ROOT)
		return ckpt_err(ctx, -EINVAL, "image: dumpable is %d", dumpable);

	d = ckpt_task_defer(ctx, CKPT_STATE_CRED, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->cred = get_cred(cred);
	d->dumpable = dumpable;
	d->no_new_privs = h.no_new_privs;
	return 0;
}

static void cred_commit(void *defer)
{
	struct cred_defer *d = defer;

	if (d->no_new_privs)
		task_set_no_new_privs(current);
	commit_creds((struct cred *)d->cred);
	d->cred = NULL;
	set_dumpable(current->mm, d->dumpable);
}

static void cred_discard(void *defer)
{
	struct cred_defer *d = defer;

	put_cred(d->cred);
}

/**
 * ckpt_new_cred - what the restoring task is about to become
 *
 * What is made on behalf of it, and lives on, is to be charged to these.
 *
 * Context: the restoring task, its CKPT_STATE_CRED is restored.
 * Return: the credentials, borrowed; its present ones if there are no others.
 */
const struct cred *ckpt_new_cred(void)
{
	struct cred_defer *d = current->ckpt_task->defer[CKPT_STATE_CRED];

	return d ? d->cred : current_cred();
}

/**
 * ckpt_cred_of - what another task of a restart is about to become
 * @ct: its part; it is restored, and not committed
 *
 * Return: the credentials, borrowed from it, or NULL if it was not restored.
 */
const struct cred *ckpt_cred_of(struct ckpt_task *ct)
{
	struct cred_defer *d = ct->defer[CKPT_STATE_CRED];

	return d ? d->cred : NULL;
}

/**
 * ckpt_new_no_new_privs - is the restoring task about to have no_new_privs?
 *
 * Context: the restoring task, its CKPT_STATE_CRED is restored.
 * Return: true if it is.
 */
bool ckpt_new_no_new_privs(void)
{
	struct cred_defer *d = current->ckpt_task->defer[CKPT_STATE_CRED];

	return d ? d->no_new_privs : task_no_new_privs(current);
}

const struct ckpt_task_ops ckpt_cred_task_ops = {
	.name		= "credentials",
	.collect	= cred_collect,
	.checkpoint	= cred_checkpoint,
	.restore	= cred_restore,
	.commit		= cred_commit,
	.discard	= cred_discard,
};
