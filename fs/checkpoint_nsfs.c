// SPDX-License-Identifier: GPL-2.0
/*
 * Open files that refer to a namespace, as of /proc/PID/ns/uts. They are
 * opened again on what takes the place of that namespace, which may be one
 * that no task is in.
 */

#include <linux/checkpoint_types.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/ipc_namespace.h>
#include <linux/mnt_namespace.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/proc_ns.h>
#include <linux/time_namespace.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>
#include <net/net_namespace.h>

#include "checkpoint.h"
#include "mount.h"

/*
 * A kind of namespaces: CLONE_NEW*, and its kind of objects, which is
 * CKPT_OBJ_NONE if there is none.
 */
static const struct {
	u32 type;
	enum ckpt_obj_type obj;
	size_t ns_offset;
	const char *name;
} kinds[] = {
#define KIND(t, o, s, n) { CLONE_NEW##t, CKPT_OBJ_##o, offsetof(s, ns), n }
	KIND(UTS, UTS_NS, struct uts_namespace, "uts"),
	KIND(IPC, IPC_NS, struct ipc_namespace, "ipc"),
	KIND(NS, MNT_NS, struct mnt_namespace, "mount"),
	KIND(PID, PID_NS, struct pid_namespace, "pid"),
	KIND(NET, NONE, struct net, "network"),
	KIND(CGROUP, CGROUP_NS, struct cgroup_namespace, "cgroup"),
	KIND(TIME, TIME_NS, struct time_namespace, "time"),
	KIND(USER, USER_NS, struct user_namespace, "user"),
};

static int kind_of(u32 type)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == type)
			return i;
	return -EINVAL;
}

/* The namespace of the caller of checkpoint or restart */
static void *caller_ns(struct ckpt_ctx *ctx, u32 type)
{
	struct nsproxy *ns = ctx->caller_ns;

	switch (type) {
	case CLONE_NEWUTS:
		return ns->uts_ns;
	case CLONE_NEWIPC:
		return ns->ipc_ns;
	case CLONE_NEWNS:
		return ns->mnt_ns;
	case CLONE_NEWPID:
		return task_active_pid_ns(ctx->caller);
	case CLONE_NEWNET:
		return ns->net_ns;
	case CLONE_NEWCGROUP:
		return ns->cgroup_ns;
	case CLONE_NEWTIME:
		return ns->time_ns;
	default:
		return ctx->caller_cred->user_ns;
	}
}

/**
 * ckpt_ns_file_match - does a file refer to a namespace?
 * @file: the file
 *
 * Return: true if it does.
 */
bool ckpt_ns_file_match(struct file *file)
{
	return proc_ns_file(file);
}

/* The namespace that @file refers to, and the index of its kind, or -EINVAL */
static void *file_ns(struct file *file, int *kind)
{
	struct ns_common *ns = get_proc_ns(file_inode(file));

	*kind = kind_of(ns->ops->type);
	return *kind < 0 ? NULL : (void *)ns - kinds[*kind].ns_offset;
}

/**
 * ckpt_ns_file_collect - count the use of a namespace by an open file
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_ns_file_collect(struct ckpt_ctx *ctx, struct file *file)
{
	struct pid_namespace *pid_ns;
	int kind, err;
	void *ns;

	ns = file_ns(file, &kind);
	if (!ns)
		return ckpt_err(ctx, -ENOSYS, "open file of a namespace of an unknown kind: not supported");
	if (ns == caller_ns(ctx, kinds[kind].type))
		return 0;
	switch (kinds[kind].type) {
	case CLONE_NEWNET:
		return ckpt_err(ctx, -ENOSYS, "open file of a network namespace other than yours: not supported in this build");
	case CLONE_NEWPID:
		/* it is made with its tasks, not before */
		pid_ns = ns;
		if (!pid_ns->child_reaper ||
		    ckpt_pid_slot(ctx, task_pid(pid_ns->child_reaper)) < 0)
			return ckpt_err(ctx, -ENOSYS, "open file of a pid namespace whose init is not in the tree: not supported");
		break;
	case CLONE_NEWUSER:
		err = ckpt_user_ns_collect(ctx, ns, "open file");
		if (err)
			return err;
		break;
	}
	return ckpt_obj_collect(ctx, ns, kinds[kind].obj);
}

/**
 * ckpt_ns_file_checkpoint - write the namespace that a file refers to
 * @ctx: the context
 * @file: the file
 * @h: its record: the namespace and its kind are filled in
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_ns_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			    struct ckpt_hdr_file *h)
{
	int kind, ret;
	void *ns;

	ns = file_ns(file, &kind);
	if (!ns)
		return -EBUSY;
	h->rdev = kinds[kind].type;
	if (ns == caller_ns(ctx, kinds[kind].type) ||
	    (ckpt_obj_collected(ctx, ns, kinds[kind].obj) &&
	     ckpt_obj_outside(ctx, ns, kinds[kind].obj)))
		return 0;
	ret = kinds[kind].type == CLONE_NEWUSER ?
	      ckpt_user_ns_checkpoint(ctx, ns) :
	      ckpt_obj_checkpoint(ctx, ns, kinds[kind].obj);
	if (ret < 0)
		return ret;
	h->inner = ret;
	return 0;
}

static struct ns_common *get_ns(void *ns)
{
	refcount_inc(&((struct ns_common *)ns)->count);
	return ns;
}

/**
 * ckpt_ns_file_restore - open a namespace
 * @ctx: the context
 * @h: the record of the file
 * @name: what the link in /proc showed
 *
 * Context: the restoring task, may sleep.
 * Return: the file or ERR_PTR, reported.
 */
struct file *ckpt_ns_file_restore(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h,
				  const char *name)
{
	int kind = kind_of(h->rdev);
	struct file *file;
	struct path path;
	void *ns;
	int err;

	if (h->rdev > U32_MAX || kind < 0 ||
	    (h->f_flags & (O_ACCMODE | O_PATH | O_DIRECTORY)))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: open file of a namespace of kind %#llx, with flags %#x",
					h->rdev, h->f_flags));
	if (h->inner && !kinds[kind].obj)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: open file of a %s namespace: not supported in this build",
					kinds[kind].name));
	ns = h->inner ? ckpt_obj_fetch(ctx, h->inner, kinds[kind].obj) :
			caller_ns(ctx, kinds[kind].type);
	if (IS_ERR(ns))
		return ns;
	err = ns_get_path_cb(&path, get_ns, ns + kinds[kind].ns_offset);
	if (err)
		return ERR_PTR(err);
	file = dentry_open(&path, h->f_flags, current_cred());
	path_put(&path);
	return file;
}
