// SPDX-License-Identifier: GPL-2.0
/*
 * Namespaces: the set that a task uses, uts and pid namespaces.
 *
 * A namespace that the caller of checkpoint is in is not saved: that of the
 * caller of restart takes its place.
 */

#include <linux/checkpoint_types.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ipc_namespace.h>
#include <linux/mnt_namespace.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/proc_ns.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sem.h>
#include <linux/shm.h>
#include <linux/string.h>
#include <linux/time_namespace.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>
#include <net/net_namespace.h>

/* ----------------------------------------------------------- counts */

/**
 * ckpt_ns_opened - how often is a namespace open, or mounted?
 * @ns: the namespace
 *
 * Return: the number of open files of nsfs and of bind mounts that it has.
 */
int ckpt_ns_opened(const struct ns_common *ns)
{
	struct dentry *dentry;
	int n = 0;

	rcu_read_lock();
	dentry = READ_ONCE(ns->stashed);
	if (dentry)
		n = max(0, (int)d_count(dentry));
	rcu_read_unlock();
	return n;
}

/**
 * ckpt_ns_users - how often is a namespace used?
 * @ns: the namespace
 *
 * Return: its reference count, where each open file and bind mount of it
 * counts, and not their inode that holds the reference.
 */
int ckpt_ns_users(const struct ns_common *ns)
{
	int n = refcount_read(&ns->count);

	if (READ_ONCE(ns->stashed))
		n += ckpt_ns_opened(ns) - 1;
	return n;
}

/* Is @t in a namespace, or are its future children going to be? */
static bool task_in_ns(struct task_struct *t, const struct ns_common *ns)
{
	struct nsproxy *its;
	bool in = false;

	task_lock(t);
	its = t->nsproxy;
	if (its)
		in = ns == &its->uts_ns->ns || ns == &its->ipc_ns->ns ||
		     ns == from_mnt_ns(its->mnt_ns) ||
		     ns == &its->cgroup_ns->ns || ns == &its->time_ns->ns ||
		     ns == &its->time_ns_for_children->ns ||
		     (IS_ENABLED(CONFIG_NET_NS) && ns == &its->net_ns->ns);
	task_unlock(t);
	return in;
}

/* Has @t a namespace open? Its descriptor, or -1 */
static int task_ns_fd(struct task_struct *t, const struct ns_common *ns)
{
	unsigned int fd = 0;
	struct file *file;
	bool found;

	for (;; fd++) {
		file = task_lookup_next_fdget_rcu(t, &fd);
		if (!file)
			return -1;
		found = proc_ns_file(file) &&
			get_proc_ns(file_inode(file)) == ns;
		fput(file);
		if (found)
			return fd;
	}
}

/**
 * ckpt_ns_holder - who outside of the tree is in a namespace, or has it open?
 * @ctx: the context of a checkpoint; the collect pass has begun
 * @ns: the namespace
 * @buf: for the answer, for messages; left as it is if nobody is found
 * @size: its size
 *
 * Context: process context, may sleep.
 */
void ckpt_ns_holder(struct ckpt_ctx *ctx, const struct ns_common *ns, char *buf,
		    size_t size)
{
	struct task_struct *p, *t, *maker;
	int fd = -1;

	rcu_read_lock();
	maker = rcu_dereference(ctx->root_task->real_parent);
	for_each_process_thread(p, t) {
		if ((t->flags & PF_KTHREAD) ||
		    ckpt_pid_slot(ctx, task_pid(t)) >= 0)
			continue;
		if (READ_ONCE(ns->stashed))
			fd = task_ns_fd(t, ns);
		if (fd >= 0)
			scnprintf(buf, size, "pid %d (%s) has it open as fd %d",
				  task_pid_vnr(t), t->comm, fd);
		else if (!same_thread_group(t, maker) && task_in_ns(t, ns))
			scnprintf(buf, size, "pid %d (%s)", task_pid_vnr(t),
				  t->comm);
		else
			continue;
		goto out;
	}
	if (READ_ONCE(ns->stashed))
		strscpy(buf, "it is mounted, or in flight", size);
out:
	rcu_read_unlock();
}

/* ------------------------------------------------------------ uts */

static void uts_ns_grab(void *ptr)
{
	get_uts_ns(ptr);
}

static void uts_ns_drop(void *ptr)
{
	put_uts_ns(ptr);
}

static int uts_ns_users(void *ptr)
{
	struct uts_namespace *ns = ptr;

	return ckpt_ns_users(&ns->ns);
}

static void uts_ns_holder(struct ckpt_ctx *ctx, void *ptr, char *buf,
			  size_t size)
{
	struct uts_namespace *ns = ptr;

	ckpt_ns_holder(ctx, &ns->ns, buf, size);
}

static int uts_ns_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct uts_namespace *ns = ptr;

	return ckpt_user_ns_collect(ctx, ns->user_ns, "uts namespace");
}

static int uts_ns_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct uts_namespace *ns = ptr;
	struct ckpt_hdr_uts_ns h = {};
	int owner;

	BUILD_BUG_ON(sizeof(h.nodename) < sizeof(ns->name.nodename));

	owner = ckpt_user_ns_checkpoint(ctx, ns->user_ns);
	if (owner < 0)
		return owner;
	h.user_ns = owner;

	down_read(&uts_sem);
	strscpy(h.sysname, ns->name.sysname);
	strscpy(h.nodename, ns->name.nodename);
	strscpy(h.release, ns->name.release);
	strscpy(h.version, ns->name.version);
	strscpy(h.machine, ns->name.machine);
	strscpy(h.domainname, ns->name.domainname);
	up_read(&uts_sem);

	return ckpt_write_rec(ctx, &h, CKPT_HDR_UTS_NS, sizeof(h));
}

static void *uts_ns_make(struct ckpt_ctx *ctx, const struct ckpt_hdr_uts_ns *h)
{
	struct uts_namespace *ns;
	const struct cred *cred;
	struct nsproxy *new;
	int err;

	if (h->reserved)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: uts namespace: unknown state %#x",
					h->reserved));
	if (strnlen(h->nodename, sizeof(h->nodename)) > __NEW_UTS_LEN ||
	    strnlen(h->domainname, sizeof(h->domainname)) > __NEW_UTS_LEN)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: a name in the uts namespace is longer than %d bytes",
					__NEW_UTS_LEN));

	if (ctx->join & CLONE_NEWUTS) {
		get_uts_ns(ctx->caller_ns->uts_ns);
		return ctx->caller_ns->uts_ns;
	}
	cred = ckpt_user_ns_cred(ctx, h->user_ns);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	/* with the checks and the accounting of unshare(2) */
	err = unshare_nsproxy_namespaces(CLONE_NEWUTS, &new,
					 (struct cred *)cred, NULL);
	put_cred(cred);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "cannot make a uts namespace: error %d",
					err));
	ns = new->uts_ns;
	get_uts_ns(ns);
	put_nsproxy(new);

	down_write(&uts_sem);
	strscpy_pad(ns->name.nodename, h->nodename);
	strscpy_pad(ns->name.domainname, h->domainname);
	up_write(&uts_sem);
	return ns;
}

/* The record is not on the stack: objects may stand inside of each other. */
static void *uts_ns_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_uts_ns *h;
	void *ns;

	h = ckpt_read_rec(ctx, CKPT_HDR_UTS_NS, sizeof(*h), sizeof(*h));
	if (IS_ERR(h))
		return h;
	ns = uts_ns_make(ctx, h);
	kvfree(h);
	return ns;
}

const struct ckpt_obj_ops ckpt_uts_ns_obj_ops = {
	.name		= "uts namespace",
	.subtree_ok	= true,
	.grab		= uts_ns_grab,
	.drop		= uts_ns_drop,
	.users		= uts_ns_users,
	.holder		= uts_ns_holder,
	.collect	= uts_ns_collect,
	.checkpoint	= uts_ns_checkpoint,
	.restore	= uts_ns_restore,
};

/* ------------------------------------------------------------ pid */

static void pid_ns_grab(void *ptr)
{
	get_pid_ns(ptr);
}

static void pid_ns_drop(void *ptr)
{
	put_pid_ns(ptr);
}

/*
 * The count of a pid namespace says nothing: every struct pid in it holds
 * one. Whoever lives in it must be in the tree.
 */
static int pid_ns_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct pid_namespace *ns = ptr;
	struct task_struct *t;
	struct pid *pid;
	bool inside;
	int nr = 1, err;

	err = ckpt_user_ns_collect(ctx, ns->user_ns, "pid namespace");
	if (err)
		return err;
	if (ctx->uflags & CHECKPOINT_SUBTREE)
		return 0;

	for (;; nr++) {
		rcu_read_lock();
		pid = find_ge_pid(nr, ns);
		if (!pid) {
			rcu_read_unlock();
			return 0;
		}
		nr = pid_nr_ns(pid, ns);
		t = pid_task(pid, PIDTYPE_PID);
		inside = !t || READ_ONCE(t->exit_state) == EXIT_DEAD ||
			 ckpt_pid_slot(ctx, pid) >= 0;
		rcu_read_unlock();
		if (!inside)
			return ckpt_err(ctx, -EBUSY, "pid namespace: task %d lives in it, but is not in the tree",
					nr);
		cond_resched();
	}
}

static int pid_ns_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct pid_namespace *ns = ptr;
	struct ckpt_hdr_pid_ns h = {};
	int index = ckpt_pid_ns_index(ctx, ns);

	if (index < 0)
		return ckpt_err(ctx, -EBUSY, "pid namespace: appeared while the tree was being read, try again");
	h.index = index;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_PID_NS, sizeof(h));
}

/* The namespaces were made with the tasks: they only get their names. */
static void *pid_ns_restore(struct ckpt_ctx *ctx)
{
	struct pid_namespace *ns;
	struct ckpt_hdr_pid_ns h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_PID_NS, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (h.reserved)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: pid namespace %u: unknown state %#x",
					h.index, h.reserved));
	ns = ckpt_index_pid_ns(ctx, h.index);
	return IS_ERR(ns) ? ns : get_pid_ns(ns);
}

const struct ckpt_obj_ops ckpt_pid_ns_obj_ops = {
	.name		= "pid namespace",
	.grab		= pid_ns_grab,
	.drop		= pid_ns_drop,
	.collect	= pid_ns_collect,
	.checkpoint	= pid_ns_checkpoint,
	.restore	= pid_ns_restore,
};

/* -------------------------------------------------------- network */

/**
 * ckpt_net_ns_collect - count a use of a network namespace
 * @ctx: the context
 * @net: the namespace
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported: -ENOSYS where this build saves none.
 */
int ckpt_net_ns_collect(struct ckpt_ctx *ctx, struct net *net)
{
	if (net == ctx->caller_ns->net_ns ||
	    (ctx->uflags & CHECKPOINT_NONETNS))
		return 0;
	if (!IS_ENABLED(CONFIG_CHECKPOINT_NETNS))
		return ckpt_err(ctx, -ENOSYS, "network namespace: not supported in this build, leave it out with CHECKPOINT_NONETNS");
	return ckpt_obj_collect(ctx, net, CKPT_OBJ_NET_NS);
}

/**
 * ckpt_net_ns_checkpoint - write a network namespace unless that was done
 * @ctx: the context
 * @net: the namespace, met by ckpt_net_ns_collect()
 *
 * Context: process context, may sleep.
 * Return: its objref, 0 for that of the caller and for one that is left out, or
 * a negative errno, reported.
 */
int ckpt_net_ns_checkpoint(struct ckpt_ctx *ctx, struct net *net)
{
	if (net == ctx->caller_ns->net_ns ||
	    (ctx->uflags & CHECKPOINT_NONETNS))
		return 0;
	return ckpt_net_ns_save(ctx, net);
}

/**
 * ckpt_net_ns_fetch - the network namespace that an objref names
 * @ctx: the context
 * @objref: from the image, not checked yet; 0 is that of the caller
 *
 * Return: the namespace, borrowed, or ERR_PTR(-EINVAL), reported.
 */
struct net *ckpt_net_ns_fetch(struct ckpt_ctx *ctx, u32 objref)
{
	if (!objref || ctx->join & CLONE_NEWNET)
		return ctx->caller_ns->net_ns;
	return ckpt_obj_fetch(ctx, objref, CKPT_OBJ_NET_NS);
}

#ifndef CONFIG_CHECKPOINT_NETNS
int ckpt_net_ns_save(struct ckpt_ctx *ctx, struct net *net)
{
	return -ENOSYS;
}

void ckpt_nets_free(struct ckpt_ctx *ctx)
{
}

static int net_ns_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	return -ENOSYS;
}

static void *net_ns_restore(struct ckpt_ctx *ctx)
{
	ckpt_err(ctx, -EINVAL, "image: network namespace: not supported in this build");
	return ERR_PTR(-EINVAL);
}

const struct ckpt_obj_ops ckpt_net_ns_obj_ops = {
	.name		= "network namespace",
	.checkpoint	= net_ns_checkpoint,
	.restore	= net_ns_restore,
};
#endif

/* -------------------------------------------------------- nsproxy */

static void nsproxy_grab(void *ptr)
{
	get_nsproxy(ptr);
}

static void nsproxy_drop(void *ptr)
{
	put_nsproxy(ptr);
}

static int nsproxy_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct nsproxy *ns = ptr, *caller = ctx->caller_ns;
	int err;

	err = ckpt_net_ns_collect(ctx, ns->net_ns);
	if (!err && ns->cgroup_ns != caller->cgroup_ns)
		err = ckpt_obj_collect(ctx, ns->cgroup_ns, CKPT_OBJ_CGROUP_NS);
	if (!err && ns->time_ns != caller->time_ns)
		err = ckpt_obj_collect(ctx, ns->time_ns, CKPT_OBJ_TIME_NS);
	if (!err && ns->time_ns_for_children != caller->time_ns)
		err = ckpt_obj_collect(ctx, ns->time_ns_for_children,
				       CKPT_OBJ_TIME_NS);
	if (!err && ns->uts_ns != caller->uts_ns)
		err = ckpt_obj_collect(ctx, ns->uts_ns, CKPT_OBJ_UTS_NS);
	if (!err && ns->ipc_ns != caller->ipc_ns)
		err = ckpt_obj_collect(ctx, ns->ipc_ns, CKPT_OBJ_IPC_NS);
	if (!err && ns->mnt_ns != caller->mnt_ns)
		err = ckpt_obj_collect(ctx, ns->mnt_ns, CKPT_OBJ_MNT_NS);
	/* children of the caller may be told to live elsewhere than it does */
	if (!err && ns->pid_ns_for_children != task_active_pid_ns(ctx->caller))
		err = ckpt_obj_collect(ctx, ns->pid_ns_for_children,
				       CKPT_OBJ_PID_NS);
	return err;
}

static int save_ns(struct ckpt_ctx *ctx, void *ns, const void *caller,
		   enum ckpt_obj_type type, u32 *objref)
{
	int ret;

	/* with CHECKPOINT_SUBTREE, one that others use too is the caller's */
	if (ns == caller || ckpt_obj_left_out(ctx, ns, type))
		return 0;
	ret = type == CKPT_OBJ_MNT_NS ? ckpt_mnt_ns_checkpoint(ctx, ns) :
					ckpt_obj_checkpoint(ctx, ns, type);
	if (ret < 0)
		return ret;
	*objref = ret;
	return 0;
}

static int nsproxy_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct nsproxy *ns = ptr, *caller = ctx->caller_ns;
	struct ckpt_hdr_nsproxy h = {};
	int err;

	/* before the mounts: a sysfs shows one */
	err = ckpt_net_ns_checkpoint(ctx, ns->net_ns);
	if (err < 0)
		return err;
	h.net = err;
	err = save_ns(ctx, ns->uts_ns, caller->uts_ns, CKPT_OBJ_UTS_NS, &h.uts);
	if (!err)
		err = save_ns(ctx, ns->ipc_ns, caller->ipc_ns, CKPT_OBJ_IPC_NS,
			      &h.ipc);
	if (!err)
		err = save_ns(ctx, ns->mnt_ns, caller->mnt_ns, CKPT_OBJ_MNT_NS,
			      &h.mnt);
	if (!err)
		err = save_ns(ctx, ns->pid_ns_for_children,
			      task_active_pid_ns(ctx->caller), CKPT_OBJ_PID_NS,
			      &h.pid);
	if (!err)
		err = save_ns(ctx, ns->cgroup_ns, caller->cgroup_ns,
			      CKPT_OBJ_CGROUP_NS, &h.cgroup);
	if (!err)
		err = save_ns(ctx, ns->time_ns, caller->time_ns,
			      CKPT_OBJ_TIME_NS, &h.time);
	if (!err)
		err = save_ns(ctx, ns->time_ns_for_children, caller->time_ns,
			      CKPT_OBJ_TIME_NS, &h.time_for_children);
	if (err)
		return err;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_NSPROXY, sizeof(h));
}

/*
 * The namespace that takes the place of @objref, borrowed: @caller for 0, and
 * for one of a kind that is joined.
 */
static void *fetch_ns(struct ckpt_ctx *ctx, u32 objref, void *caller,
		      enum ckpt_obj_type type, u32 kind)
{
	if (!objref || ctx->join & kind)
		return caller;
	return ckpt_obj_fetch(ctx, objref, type);
}

static void set_cgroup_ns(struct nsproxy *new, struct cgroup_namespace *ns)
{
	get_cgroup_ns(ns);
	put_cgroup_ns(new->cgroup_ns);
	new->cgroup_ns = ns;
}

static void set_time_ns(struct nsproxy *new, struct time_namespace *ns,
			struct time_namespace *for_children)
{
	get_time_ns(ns);
	put_time_ns(new->time_ns);
	new->time_ns = ns;

	get_time_ns(for_children);
	put_time_ns(new->time_ns_for_children);
	new->time_ns_for_children = for_children;
}

/**
 * ckpt_nsproxy_set_net - replace the network namespace of a set
 * @new: the set, which nobody uses yet
 * @ns: the namespace
 */
void ckpt_nsproxy_set_net(struct nsproxy *new, struct net *ns)
{
#ifdef CONFIG_NET_NS
	get_net(ns);
	put_net(new->net_ns);
	new->net_ns = ns;
#endif
}

static void *nsproxy_restore(struct ckpt_ctx *ctx)
{
	struct pid_namespace *active = task_active_pid_ns(ctx->caller), *pid_ns;
	struct nsproxy *new, *caller = ctx->caller_ns;
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct cgroup_namespace *cgroup_ns;
	struct time_namespace *time_ns, *for_children;
	struct net *net_ns;
	struct ckpt_hdr_nsproxy h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_NSPROXY, sizeof(h));
	if (err)
		return ERR_PTR(err);
	uts_ns = fetch_ns(ctx, h.uts, caller->uts_ns, CKPT_OBJ_UTS_NS,
			  CLONE_NEWUTS);
	if (IS_ERR(uts_ns))
		return uts_ns;
	ipc_ns = fetch_ns(ctx, h.ipc, caller->ipc_ns, CKPT_OBJ_IPC_NS,
			  CLONE_NEWIPC);
	if (IS_ERR(ipc_ns))
		return ipc_ns;
	mnt_ns = fetch_ns(ctx, h.mnt, caller->mnt_ns, CKPT_OBJ_MNT_NS,
			  CLONE_NEWNS);
	if (IS_ERR(mnt_ns))
		return mnt_ns;
	/* to join is for the outermost one: see ckpt_pids_begin() */
	pid_ns = fetch_ns(ctx, h.pid, active, CKPT_OBJ_PID_NS, 0);
	if (IS_ERR(pid_ns))
		return pid_ns;
	cgroup_ns = fetch_ns(ctx, h.cgroup, caller->cgroup_ns,
			     CKPT_OBJ_CGROUP_NS, CLONE_NEWCGROUP);
	if (IS_ERR(cgroup_ns))
		return cgroup_ns;
	time_ns = fetch_ns(ctx, h.time, caller->time_ns, CKPT_OBJ_TIME_NS,
			   CLONE_NEWTIME);
	if (IS_ERR(time_ns))
		return time_ns;
	for_children = fetch_ns(ctx, h.time_for_children, caller->time_ns,
				CKPT_OBJ_TIME_NS, CLONE_NEWTIME);
	if (IS_ERR(for_children))
		return for_children;
	net_ns = ckpt_net_ns_fetch(ctx, h.net);
	if (IS_ERR(net_ns))
		return net_ns;
	if (!time_ns->frozen_offsets) {
		err = ckpt_err(ctx, -EINVAL, "image: a task in a time namespace that is not in use yet");
		return ERR_PTR(err);
	}

	new = ckpt_copy_nsproxy();
	if (IS_ERR(new))
		return new;
	get_uts_ns(uts_ns);
	put_uts_ns(new->uts_ns);
	new->uts_ns = uts_ns;

	get_ipc_ns(ipc_ns);
	put_ipc_ns(new->ipc_ns);
	new->ipc_ns = ipc_ns;

	refcount_inc(&from_mnt_ns(mnt_ns)->count);
	put_mnt_ns(new->mnt_ns);
	new->mnt_ns = mnt_ns;

	get_pid_ns(pid_ns);
	put_pid_ns(new->pid_ns_for_children);
	new->pid_ns_for_children = pid_ns;

	set_cgroup_ns(new, cgroup_ns);
	set_time_ns(new, time_ns, for_children);
	ckpt_nsproxy_set_net(new, net_ns);
	return new;
}

/*
 * Not counted: the set is no object that a user sees. Whoever made the tree
 * with unshare(1) and waits for it uses the same one.
 */
const struct ckpt_obj_ops ckpt_nsproxy_obj_ops = {
	.name		= "set of namespaces",
	.grab		= nsproxy_grab,
	.drop		= nsproxy_drop,
	.collect	= nsproxy_collect,
	.checkpoint	= nsproxy_checkpoint,
	.restore	= nsproxy_restore,
};

/* ----------------------------------------------------------- task */

/* The namespaces of a parked task, referenced, or an ERR_PTR. */
static struct nsproxy *task_nsproxy(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct nsproxy *ns;

	task_lock(t);
	ns = t->nsproxy;
	if (ns)
		get_nsproxy(ns);
	task_unlock(t);
	if (!ns)
		return ERR_PTR(ckpt_err(ctx, -EBUSY, "is exiting: try again"));
	return ns;
}

static void count_shared(struct ckpt_ctx *ctx, void *ns, enum ckpt_obj_type type)
{
	if (ckpt_obj_collected(ctx, ns, type))
		ckpt_obj_collect(ctx, ns, type);
}

/*
 * The parent of the root, which made it and waits for it, as unshare(1) does:
 * that it is in namespaces of the tree is no leak. It may have the same set,
 * or, since its children only are in a new time namespace, one like it.
 */
static void collect_maker(struct ckpt_ctx *ctx, const struct nsproxy *ns)
{
	struct task_struct *maker;
	struct nsproxy *its;

	rcu_read_lock();
	maker = rcu_dereference(ctx->root_task->real_parent);
	task_lock(maker);
	its = maker->nsproxy;
	if (its)
		get_nsproxy(its);
	task_unlock(maker);
	rcu_read_unlock();
	if (!its)
		return;
	if (its != ns) {
		count_shared(ctx, its->uts_ns, CKPT_OBJ_UTS_NS);
		count_shared(ctx, its->ipc_ns, CKPT_OBJ_IPC_NS);
		count_shared(ctx, its->mnt_ns, CKPT_OBJ_MNT_NS);
		count_shared(ctx, its->cgroup_ns, CKPT_OBJ_CGROUP_NS);
		count_shared(ctx, its->time_ns, CKPT_OBJ_TIME_NS);
		count_shared(ctx, its->time_ns_for_children, CKPT_OBJ_TIME_NS);
		count_shared(ctx, its->net_ns, CKPT_OBJ_NET_NS);
	}
	put_nsproxy(its);
}

static int ns_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct nsproxy *ns = task_nsproxy(ctx, t);
	const struct cred *cred;
	int err;

	if (IS_ERR(ns))
		return PTR_ERR(ns);
	/* before its files, some of which were opened in it */
	cred = get_task_cred(t);
	err = ckpt_user_ns_collect(ctx, cred->user_ns, "credentials");
	put_cred(cred);
	if (!err)
		err = ckpt_obj_collect(ctx, ns, CKPT_OBJ_NSPROXY);
	/* the leader of the root may have exited: by the first thread then */
	if (!err && !ctx->maker_met && same_thread_group(t, ctx->root_task)) {
		ctx->maker_met = true;
		collect_maker(ctx, ns);
	}
	put_nsproxy(ns);
	return err;
}

static int ns_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct nsproxy *ns = task_nsproxy(ctx, t);
	struct ckpt_hdr_task_ref h = {};
	const struct cred *cred;
	int ret;

	if (IS_ERR(ns))
		return PTR_ERR(ns);
	/* a user namespace cannot be made by a task that is in a chroot */
	cred = get_task_cred(t);
	ret = ckpt_user_ns_checkpoint(ctx, cred->user_ns);
	put_cred(cred);
	if (ret >= 0)
		ret = ckpt_obj_checkpoint(ctx, ns, CKPT_OBJ_NSPROXY);
	put_nsproxy(ns);
	if (ret < 0)
		return ret;
	h.objref = ret;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_NS, sizeof(h));
}

/* Has the process the clocks of @ns? A leader that was killed has none. */
static bool same_clocks(const struct nsproxy *ns)
{
	struct task_struct *leader = current->group_leader;
	bool same;

	task_lock(leader);
	same = !leader->nsproxy || leader->nsproxy->time_ns == ns->time_ns;
	task_unlock(leader);
	return same;
}

static int ns_restore(struct ckpt_ctx *ctx)
{
	struct pid_namespace *active = task_active_pid_ns(current), *pid_ns;
	struct ckpt_hdr_task_ref h;
	struct nsproxy *ns;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TASK_NS, sizeof(h));
	if (err)
		return err;
	if (h.reserved)
		return ckpt_err(ctx, -EINVAL, "image: namespaces of a task: reserved field is %u",
				h.reserved);
	ns = ckpt_obj_fetch(ctx, h.objref, CKPT_OBJ_NSPROXY);
	if (IS_ERR(ns))
		return PTR_ERR(ns);
	/* as for setns(2): children live here or inside of it */
	pid_ns = ns->pid_ns_for_children;
	while (pid_ns && pid_ns->level > active->level)
		pid_ns = pid_ns->parent;
	if (pid_ns != active)
		return ckpt_err(ctx, -EINVAL, "image: namespaces of a task in another pid namespace");
	/* one address space has the clocks of one */
	if (!thread_group_leader(current) && !same_clocks(ns))
		return ckpt_err(ctx, -EINVAL, "image: threads in different time namespaces");
	if (ns == current->nsproxy)
		return 0;

	/* as unshare(2): semaphores and segments there cannot be reached */
	if (ns->ipc_ns != current->nsproxy->ipc_ns) {
		exit_sem(current);
		exit_shm(current);
		shm_init_task(current);
	}
	get_nsproxy(ns);
	switch_task_namespaces(current, ns);
	return 0;
}

const struct ckpt_task_ops ckpt_ns_task_ops = {
	.name		= "namespaces",
	.collect	= ns_collect,
	.checkpoint	= ns_checkpoint,
	.restore	= ns_restore,
};
