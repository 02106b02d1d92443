// SPDX-License-Identifier: GPL-2.0
/*
 * Open files that refer to a namespace, as of /proc/PID/ns/uts, and bind mounts
 * of such files. They are opened and mounted again on what takes the place of
 * that namespace, which may be one that no task is in.
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

#include "checkpoint_mnt.h"

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
	KIND(NET, NET_NS, struct net, "network"),
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

/* The namespace that @inode refers to, and the index of its kind, or -EINVAL */
static void *inode_ns(const struct inode *inode, int *kind)
{
	struct ns_common *ns = get_proc_ns(inode);

	*kind = kind_of(ns->ops->type);
	return *kind < 0 ? NULL : (void *)ns - kinds[*kind].ns_offset;
}

/* By its pid: what is left of an init that was reaped is not to be touched. */
static bool init_inside(struct ckpt_ctx *ctx, struct pid_namespace *ns)
{
	struct pid *init;
	bool inside;

	rcu_read_lock();
	init = find_pid_ns(1, ns);
	inside = init && ckpt_pid_slot(ctx, init) >= 0;
	rcu_read_unlock();
	return inside;
}

/**
 * ckpt_ns_collect - count the use of a namespace by an open file or a mount
 * @ctx: the context
 * @inode: of nsfs
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_ns_collect(struct ckpt_ctx *ctx, const struct inode *inode)
{
	int kind, err;
	void *ns;

	ns = inode_ns(inode, &kind);
	if (!ns)
		return ckpt_err(ctx, -ENOSYS, "file of a namespace of an unknown kind: not supported");
	if (ns == caller_ns(ctx, kinds[kind].type))
		return 0;
	switch (kinds[kind].type) {
	case CLONE_NEWNET:
		return ckpt_net_ns_collect(ctx, ns);
	case CLONE_NEWPID:
		/* it is made with its tasks, not before */
		if (!init_inside(ctx, ns))
			return ckpt_err(ctx, -ENOSYS, "file of a pid namespace whose init is not in the tree: not supported");
		break;
	case CLONE_NEWUSER:
		err = ckpt_user_ns_collect(ctx, ns, "file of a namespace");
		if (err)
			return err;
		break;
	}
	return ckpt_obj_collect(ctx, ns, kinds[kind].obj);
}

/**
 * ckpt_ns_checkpoint - write the namespace that a file of nsfs refers to
 * @ctx: the context
 * @inode: of nsfs
 * @type: where to put its kind, CLONE_NEW*
 *
 * Context: process context, may sleep.
 * Return: its objref, 0 for one that is not of the tree, or a negative errno,
 * reported.
 */
int ckpt_ns_checkpoint(struct ckpt_ctx *ctx, const struct inode *inode,
		       u32 *type)
{
	int kind;
	void *ns;

	ns = inode_ns(inode, &kind);
	if (!ns)
		return -EBUSY;
	*type = kinds[kind].type;
	if (*type == CLONE_NEWNET)
		return ckpt_net_ns_checkpoint(ctx, ns);
	if (ns == caller_ns(ctx, *type) ||
	    ckpt_obj_left_out(ctx, ns, kinds[kind].obj))
		return 0;
	if (*type == CLONE_NEWUSER)
		return ckpt_user_ns_checkpoint(ctx, ns);
	if (*type == CLONE_NEWNS)
		return ckpt_mnt_ns_checkpoint(ctx, ns);
	return ckpt_obj_checkpoint(ctx, ns, kinds[kind].obj);
}

static struct ns_common *get_ns(void *ns)
{
	refcount_inc(&((struct ns_common *)ns)->count);
	return ns;
}

/**
 * ckpt_ns_path - the file of a namespace of the image
 * @ctx: the context
 * @type: its kind, not checked yet
 * @objref: of the namespace, or 0; not checked yet
 * @path: where to put the path, referenced
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_ns_path(struct ckpt_ctx *ctx, u32 type, u32 objref, struct path *path)
{
	int kind = kind_of(type);
	void *ns;

	if (kind < 0 || (objref && !kinds[kind].obj))
		return ckpt_err(ctx, -EINVAL, "image: file of a namespace of kind %#x: not supported in this build",
				type);
	ns = objref ? ckpt_obj_fetch(ctx, objref, kinds[kind].obj) :
		      caller_ns(ctx, type);
	if (IS_ERR(ns))
		return PTR_ERR(ns);
	return ns_get_path_cb(path, get_ns, ns + kinds[kind].ns_offset);
}

/* ---------------------------------------------------------- open files */

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
	return ckpt_ns_collect(ctx, file_inode(file));
}

/**
 * ckpt_ns_file_checkpoint - write the namespace that a file refers to
 * @ctx: the context
 * @file: the file
 * @h: its record: the namespace and its kind are filled in, and the mount, if
 *	it was opened through one
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_ns_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			    struct ckpt_hdr_file *h)
{
	u32 type;
	int ret;

	ret = ckpt_ns_checkpoint(ctx, file_inode(file), &type);
	if (ret < 0)
		return ret;
	h->rdev = type;
	h->inner = ret;
	if (!ckpt_mnt_of(ctx, file->f_path.mnt))
		return 0;
	ret = ckpt_path_mnt(ctx, &file->f_path);
	if (ret < 0)
		return ret;
	h->mnt = ret;
	return 0;
}

/* Let @path, of a namespace, go through mount @number instead. */
static int go_through(struct ckpt_ctx *ctx, u32 number, struct path *path)
{
	struct ckpt_mnt *e = ckpt_mnt_fetch(ctx, number);

	if (IS_ERR(e))
		return PTR_ERR(e);
	/* no such mount where the caller's namespace was joined */
	if (!e->mnt)
		return 0;
	if (e->mnt->mnt_root != path->dentry)
		return ckpt_err(ctx, -EINVAL, "image: file of a namespace in mount %u, which is of another",
				number);
	mntput(path->mnt);
	path->mnt = mntget(e->mnt);
	return 0;
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
	struct file *file;
	struct path path;
	int err;

	if (h->rdev > U32_MAX ||
	    (h->f_flags & (O_ACCMODE | O_PATH | O_DIRECTORY)))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: open file of a namespace of kind %#llx, with flags %#x",
					h->rdev, h->f_flags));
	err = ckpt_ns_path(ctx, h->rdev, h->inner, &path);
	if (err)
		return ERR_PTR(err);
	err = h->mnt ? go_through(ctx, h->mnt, &path) : 0;
	file = err ? ERR_PTR(err) : dentry_open(&path, h->f_flags,
						current_cred());
	path_put(&path);
	return file;
}
