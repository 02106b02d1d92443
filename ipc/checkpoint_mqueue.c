// SPDX-License-Identifier: GPL-2.0
/*
 * POSIX message queues. Included by mqueue.c.
 *
 * Those that have a name are saved with their namespace, open or not. One that
 * has none any more is saved with the first file that is open on it.
 */

#include <linux/dcache.h>
#include <linux/namei.h>

#include "checkpoint.h"

/* ------------------------------------------------------- notification */

/**
 * struct mq_notice - who is to be notified of a message
 * @owner: the process, referenced, or NULL
 * @user_ns: its user namespace, referenced, or NULL
 * @event: how
 * @exec_id: its self_exec_id when it asked for it
 */
struct mq_notice {
	struct pid *owner;
	struct user_namespace *user_ns;
	struct sigevent event;
	u32 exec_id;
};

static void notice_get(struct inode *inode, struct mq_notice *n)
{
	struct mqueue_inode_info *info = MQUEUE_I(inode);

	memset(n, 0, sizeof(*n));
	spin_lock(&info->lock);
	if (info->notify_owner) {
		n->owner = get_pid(info->notify_owner);
		n->user_ns = get_user_ns(info->notify_user_ns);
		n->event = info->notify;
		n->exec_id = info->notify_self_exec_id;
	}
	spin_unlock(&info->lock);
}

static void notice_put(struct mq_notice *n)
{
	put_pid(n->owner);
	put_user_ns(n->user_ns);
}

static int notice_check(struct ckpt_ctx *ctx, const struct mq_notice *n,
			const char *name)
{
	if (n->event.sigev_notify == SIGEV_THREAD)
		return ckpt_err(ctx, -ENOSYS, "POSIX message queue '%s': notification by a thread (SIGEV_THREAD): not supported",
				name);
	if (ckpt_pid_slot(ctx, n->owner) < 0)
		return ckpt_err(ctx, -ENOSYS, "POSIX message queue '%s': notifies process %d outside of the tree: not supported",
				name, pid_vnr(n->owner));
	return 0;
}

static int mq_collect(struct ckpt_ctx *ctx, struct inode *inode,
		      const char *name)
{
	struct mq_notice n;
	int err = 0;

	notice_get(inode, &n);
	if (n.owner) {
		err = notice_check(ctx, &n, name);
		if (!err)
			err = ckpt_user_ns_collect(ctx, n.user_ns,
						   "notification of a POSIX message queue");
	}
	notice_put(&n);
	return err;
}

/* Has @owner called exec since it asked to be notified? */
static bool notice_stale(struct pid *owner, u32 exec_id)
{
	struct task_struct *t;
	bool stale;

	rcu_read_lock();
	t = pid_task(owner, PIDTYPE_TGID);
	stale = !t || READ_ONCE(t->self_exec_id) != exec_id;
	rcu_read_unlock();
	return stale;
}

static int notice_save(struct ckpt_ctx *ctx, struct inode *inode,
		       const char *name, struct ckpt_hdr_mqueue *h)
{
	struct mq_notice n;
	int ret = 0;

	notice_get(inode, &n);
	if (!n.owner)
		return 0;
	ret = notice_check(ctx, &n, name);
	if (!ret)
		ret = ckpt_user_ns_checkpoint(ctx, n.user_ns);
	if (ret >= 0) {
		h->user_ns = ret;
		h->flags |= CKPT_MQ_NOTIFY;
		if (n.event.sigev_notify == SIGEV_SIGNAL) {
			h->flags |= CKPT_MQ_SIGNAL;
			h->signo = n.event.sigev_signo;
			h->value = (unsigned long)n.event.sigev_value.sival_ptr;
		}
		if (notice_stale(n.owner, n.exec_id))
			h->flags |= CKPT_MQ_STALE;
		h->owner = ckpt_pid_slot(ctx, n.owner) + 1;
		ret = 0;
	}
	notice_put(&n);
	return ret;
}

static int notice_restore(struct ckpt_ctx *ctx, struct inode *inode,
			  const struct ckpt_hdr_mqueue *h)
{
	struct mqueue_inode_info *info = MQUEUE_I(inode);
	struct task_struct *t;
	const struct cred *cred;
	struct pid *pid;
	u32 exec_id = 0;

	if (!(h->flags & CKPT_MQ_NOTIFY))
		return 0;
	if (!h->owner || !valid_signal(h->signo))
		return ckpt_err(ctx, -EINVAL, "image: POSIX message queue: malformed notification");
	pid = ckpt_slot_pid(ctx, h->owner - 1);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	rcu_read_lock();
	t = pid_task(pid, PIDTYPE_TGID);
	if (t)
		exec_id = READ_ONCE(t->self_exec_id);
	rcu_read_unlock();
	if (!t)
		return ckpt_err(ctx, -EINVAL, "image: POSIX message queue: notifies no process");
	cred = ckpt_user_ns_cred(ctx, h->user_ns);
	if (IS_ERR(cred))
		return PTR_ERR(cred);

	spin_lock(&info->lock);
	info->notify.sigev_notify = SIGEV_NONE;
	if (h->flags & CKPT_MQ_SIGNAL) {
		info->notify.sigev_notify = SIGEV_SIGNAL;
		info->notify.sigev_signo = h->signo;
		info->notify.sigev_value.sival_ptr =
			(void __user *)(unsigned long)h->value;
	}
	info->notify_self_exec_id = exec_id - !!(h->flags & CKPT_MQ_STALE);
	info->notify_owner = get_pid(pid);
	info->notify_user_ns = get_user_ns(cred->user_ns);
	spin_unlock(&info->lock);
	put_cred(cred);
	return 0;
}

/* ------------------------------------------------------------- a queue */

static s64 to_ns(struct timespec64 ts)
{
	return timespec64_to_ns(&ts);
}

static bool mq_copy(struct mqueue_inode_info *info, struct ckpt_ipc_text *t)
{
	struct posix_msg_tree_node *leaf;
	struct msg_msg *msg;
	struct rb_node *node;
	bool ok = true;

	spin_lock(&info->lock);
	for (node = rb_first(&info->msg_tree); node && ok;
	     node = rb_next(node)) {
		leaf = rb_entry(node, struct posix_msg_tree_node, rb_node);
		list_for_each_entry(msg, &leaf->msg_list, m_list) {
			ok = ckpt_text_add(t, msg);
			if (!ok)
				break;
		}
	}
	spin_unlock(&info->lock);
	return ok;
}

static int owner_save(struct ckpt_ctx *ctx, const struct inode *inode,
		      u32 *uid, u32 *gid, u32 *mode)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;

	*uid = from_kuid(user_ns, inode->i_uid);
	*gid = from_kgid(user_ns, inode->i_gid);
	*mode = inode->i_mode & S_IALLUGO;
	if (*uid == (uid_t)-1 || *gid == (gid_t)-1)
		return ckpt_err(ctx, -ENOSYS, "POSIX message queue: its owner is not mapped in the caller's user namespace: not supported");
	return 0;
}

/* Whose limit it counts for, where the image has that user namespace */
static int payer_save(struct ckpt_ctx *ctx, struct inode *inode,
		      struct ckpt_hdr_mqueue *h)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;
	struct ucounts *ucounts = MQUEUE_I(inode)->ucounts;
	int ret;

	h->payer = -1;
	if (ucounts->ns != user_ns &&
	    !ckpt_obj_collected(ctx, ucounts->ns, CKPT_OBJ_USER_NS))
		return 0;
	ret = ckpt_user_ns_checkpoint(ctx, ucounts->ns);
	if (ret < 0)
		return ret;
	h->payer = from_kuid(user_ns, ucounts->uid);
	h->payer_ns = ret;
	return 0;
}

static int mq_save_as(struct ckpt_ctx *ctx, struct inode *inode,
		      const char *name, struct ckpt_ipc_text *t)
{
	struct mqueue_inode_info *info = MQUEUE_I(inode);
	struct ckpt_hdr_mqueue h = {
		.maxmsg = info->attr.mq_maxmsg,
		.msgsize = info->attr.mq_msgsize,
		.atime_ns = to_ns(inode_get_atime(inode)),
		.mtime_ns = to_ns(inode_get_mtime(inode)),
		.ctime_ns = to_ns(inode_get_ctime(inode)),
		.nr = t->nr,
	};
	int err;

	err = owner_save(ctx, inode, &h.uid, &h.gid, &h.mode);
	if (!err)
		err = payer_save(ctx, inode, &h);
	if (!err)
		err = notice_save(ctx, inode, name, &h);
	if (!err)
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_MQUEUE, sizeof(h));
	if (!err)
		err = ckpt_write_string(ctx, name);
	return err ?: ckpt_text_write(ctx, t);
}

static int mq_save(struct ckpt_ctx *ctx, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct mqueue_inode_info *info = MQUEUE_I(inode);
	struct name_snapshot name;
	struct ckpt_ipc_text t;
	int err;

	take_dentry_name_snapshot(&name, dentry);
	err = ckpt_text_alloc(ctx, &t, READ_ONCE(info->attr.mq_curmsgs),
			      READ_ONCE(info->qsize));
	if (!err && !mq_copy(info, &t))
		err = ckpt_ipc_changed(ctx, "POSIX message queues");
	if (!err)
		err = mq_save_as(ctx, inode, name.name.name, &t);
	ckpt_text_free(&t);
	release_dentry_name_snapshot(&name);
	return err;
}

/* What chown() and chmod() would do, with the rights that they need */
static int owner_restore(struct dentry *dentry, u32 uid, u32 gid, u32 mode)
{
	struct user_namespace *user_ns = current_user_ns();
	struct inode *inode = d_inode(dentry);
	struct iattr attr = {
		.ia_valid = ATTR_MODE,
		.ia_mode = mode | (inode->i_mode & S_IFMT),
	};
	kuid_t kuid = make_kuid(user_ns, uid);
	kgid_t kgid = make_kgid(user_ns, gid);
	int err;

	if (!uid_valid(kuid) || !gid_valid(kgid) || (mode & ~S_IALLUGO))
		return -EINVAL;
	if (!uid_eq(kuid, inode->i_uid)) {
		attr.ia_valid |= ATTR_UID;
		attr.ia_vfsuid = VFSUIDT_INIT(kuid);
	}
	if (!gid_eq(kgid, inode->i_gid)) {
		attr.ia_valid |= ATTR_GID;
		attr.ia_vfsgid = VFSGIDT_INIT(kgid);
	}
	inode_lock(inode);
	err = notify_change(&nop_mnt_idmap, dentry, &attr, NULL);
	inode_unlock(inode);
	return err;
}

/* What mqueue_evict_inode() takes back */
static unsigned long mq_charge(const struct mq_attr *attr)
{
	return attr->mq_maxmsg * (sizeof(struct msg_msg) + attr->mq_msgsize) +
	       min_t(unsigned int, attr->mq_maxmsg, MQ_PRIO_MAX) *
	       sizeof(struct posix_msg_tree_node);
}

/*
 * It counts for who made it, if the caller of restart could do so as that user,
 * and for the caller otherwise.
 */
static int payer_restore(struct ckpt_ctx *ctx, struct inode *inode,
			 const struct ckpt_hdr_mqueue *h)
{
	struct mqueue_inode_info *info = MQUEUE_I(inode);
	unsigned long bytes = mq_charge(&info->attr);
	kuid_t uid = make_kuid(current_user_ns(), h->payer);
	struct user_namespace *ns;
	struct ucounts *ucounts;
	long used, limit;

	ns = ckpt_user_ns_fetch(ctx, h->payer_ns);
	if (IS_ERR(ns))
		return PTR_ERR(ns);
	if (!uid_valid(uid) || !kuid_has_mapping(ns, uid) ||
	    (ns == info->ucounts->ns && uid_eq(uid, info->ucounts->uid)) ||
	    !ns_capable(ns, CAP_SETUID))
		return 0;
	ucounts = alloc_ucounts(ns, uid);
	if (!ucounts)
		return -ENOMEM;
	limit = capable(CAP_SYS_RESOURCE) ? LONG_MAX :
		min_t(unsigned long, rlimit(RLIMIT_MSGQUEUE), LONG_MAX);
	spin_lock(&mq_lock);
	used = inc_rlimit_ucounts(ucounts, UCOUNT_RLIMIT_MSGQUEUE, bytes);
	if (used != LONG_MAX && used <= limit)
		swap(ucounts, info->ucounts);
	else
		used = -EMFILE;
	dec_rlimit_ucounts(ucounts, UCOUNT_RLIMIT_MSGQUEUE, bytes);
	spin_unlock(&mq_lock);
	put_ucounts(ucounts);
	return used < 0 ? used : 0;
}

static int mq_insert(struct inode *inode, struct msg_msg *msg)
{
	struct mqueue_inode_info *info = MQUEUE_I(inode);
	struct posix_msg_tree_node *leaf = NULL;
	int err;

	if (msg->m_type < 0 || msg->m_type >= MQ_PRIO_MAX ||
	    msg->m_ts > info->attr.mq_msgsize)
		return -EINVAL;
	if (!info->node_cache) {
		leaf = kmalloc(sizeof(*leaf), GFP_KERNEL_ACCOUNT);
		if (!leaf)
			return -ENOMEM;
		INIT_LIST_HEAD(&leaf->msg_list);
	}
	spin_lock(&info->lock);
	if (!info->node_cache)
		info->node_cache = leaf;
	else
		kfree(leaf);
	err = msg_insert(msg, info);
	spin_unlock(&info->lock);
	return err;
}

static int mq_restore_text(struct ckpt_ctx *ctx, struct inode *inode, u32 nr)
{
	struct msg_msg *msg;
	int err;

	while (nr--) {
		msg = ckpt_text_read(ctx);
		if (IS_ERR(msg))
			return PTR_ERR(msg);
		err = mq_insert(inode, msg);
		if (err) {
			ckpt_err(ctx, err, "POSIX message queue: a message of %zu bytes with priority %ld: error %d",
				 msg->m_ts, msg->m_type, err);
			free_msg(msg);
			return err;
		}
	}
	return 0;
}

/* Make a queue, in the directory or as one that was removed from there. */
static struct dentry *mq_make(struct ipc_namespace *ns, const char *name,
			      bool linked, struct mq_attr *attr)
{
	struct dentry *root = ns->mq_mnt->mnt_root, *dentry;
	struct inode *dir = d_inode(root);
	int err;

	err = mnt_want_write(ns->mq_mnt);
	if (err)
		return ERR_PTR(err);
	inode_lock(dir);
	if (linked)
		dentry = lookup_one_len(name, root, strlen(name));
	else
		dentry = d_alloc_name(root, name) ?: ERR_PTR(-ENOMEM);
	if (IS_ERR(dentry))
		goto out;
	if (d_really_is_positive(dentry))
		err = -EEXIST;
	else if (linked)
		err = vfs_mkobj(dentry, 0600, mqueue_create_attr,
				attr);
	else
		err = mqueue_create_attr(dentry, S_IFREG | 0600,
					 attr);
	/* as mq_unlink() leaves it */
	if (!err && !linked)
		mqueue_unlink(dir, dentry);
	if (err) {
		dput(dentry);
		dentry = ERR_PTR(err);
	}
out:
	inode_unlock(dir);
	mnt_drop_write(ns->mq_mnt);
	return dentry;
}

/*
 * RLIMIT_MSGQUEUE was asked when the queue was first made, and here is that of
 * the caller of restart. Who may raise it with setrlimit(2) need not do so.
 */
static struct dentry *mq_make_again(struct ipc_namespace *ns, const char *name,
				    bool linked, struct mq_attr *attr)
{
	struct rlimit *limit = &current->signal->rlim[RLIMIT_MSGQUEUE];
	bool raise = capable(CAP_SYS_RESOURCE);
	struct task_struct *leader = current->group_leader;
	struct dentry *dentry;
	struct rlimit own;

	if (raise) {
		task_lock(leader);
		own = *limit;
		limit->rlim_cur = RLIM_INFINITY;
		limit->rlim_max = RLIM_INFINITY;
		task_unlock(leader);
	}
	dentry = mq_make(ns, name, linked, attr);
	if (raise) {
		task_lock(leader);
		*limit = own;
		task_unlock(leader);
	}
	return dentry;
}

static int mq_fill(struct ckpt_ctx *ctx, struct dentry *dentry,
		   const struct ckpt_hdr_mqueue *h)
{
	struct inode *inode = d_inode(dentry);
	int err;

	err = owner_restore(dentry, h->uid, h->gid, h->mode);
	if (err)
		return ckpt_err(ctx, err, "POSIX message queue '%pd': owned by %u:%u with mode %#o: error %d",
				dentry, h->uid, h->gid, h->mode, err);
	err = payer_restore(ctx, inode, h);
	if (err)
		return ckpt_err(ctx, err, "POSIX message queue '%pd': counts for user %u: error %d, see RLIMIT_MSGQUEUE",
				dentry, h->payer, err);
	err = mq_restore_text(ctx, inode, h->nr);
	if (!err)
		err = notice_restore(ctx, inode, h);
	inode_set_atime_to_ts(inode, ns_to_timespec64(h->atime_ns));
	inode_set_mtime_to_ts(inode, ns_to_timespec64(h->mtime_ns));
	inode_set_ctime_to_ts(inode, ns_to_timespec64(h->ctime_ns));
	return err;
}

static struct dentry *mq_restore(struct ckpt_ctx *ctx, struct ipc_namespace *ns,
				 bool linked)
{
	struct ckpt_hdr_mqueue *h;
	struct dentry *dentry;
	struct mq_attr attr;
	char *name;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_MQUEUE, sizeof(*h), sizeof(*h));
	if (IS_ERR(h))
		return ERR_CAST(h);
	if ((h->flags & ~(CKPT_MQ_NOTIFY | CKPT_MQ_SIGNAL | CKPT_MQ_STALE)) ||
	    h->nr > h->maxmsg) {
		kvfree(h);
		ckpt_err(ctx, -EINVAL, "image: POSIX message queue: malformed record");
		return ERR_PTR(-EINVAL);
	}
	name = ckpt_read_string(ctx, NAME_MAX + 1);
	if (IS_ERR(name)) {
		kvfree(h);
		return ERR_CAST(name);
	}
	attr.mq_maxmsg = h->maxmsg;
	attr.mq_msgsize = h->msgsize;
	dentry = mq_make_again(ns, name, linked, &attr);
	if (IS_ERR(dentry)) {
		ckpt_err(ctx, PTR_ERR(dentry), "POSIX message queue '%s': cannot be made: error %ld",
			 name, PTR_ERR(dentry));
	} else {
		err = mq_fill(ctx, dentry, h);
		if (err) {
			dput(dentry);
			dentry = ERR_PTR(err);
		}
	}
	kvfree(name);
	kvfree(h);
	return dentry;
}

/* --------------------------------------------- those of a namespace */

/**
 * struct mq_list - the queues of a namespace
 * @queue: their dentries, referenced, newest first
 * @nr: how many there are
 */
struct mq_list {
	struct dentry **queue;
	u32 nr;
};

static void list_put(struct mq_list *list)
{
	while (list->nr)
		dput(list->queue[--list->nr]);
	kvfree(list->queue);
}

/* Those there is room for, or only count them. The directory is locked. */
static u32 list_fill(struct dentry *root, struct mq_list *list, u32 room)
{
	struct dentry *child;
	u32 nr = 0;

	spin_lock(&root->d_lock);
	hlist_for_each_entry(child, &root->d_children, d_sib) {
		spin_lock_nested(&child->d_lock, DENTRY_D_LOCK_NESTED);
		if (simple_positive(child)) {
			if (nr < room)
				list->queue[nr] = dget_dlock(child);
			nr++;
		}
		spin_unlock(&child->d_lock);
	}
	spin_unlock(&root->d_lock);
	return nr;
}

static int list_get(struct ipc_namespace *ns, struct mq_list *list)
{
	struct dentry *root = ns->mq_mnt->mnt_root;
	int err = 0;
	u32 nr;

	list->nr = 0;
	list->queue = NULL;
	/* nobody makes or removes one */
	inode_lock_shared(d_inode(root));
	nr = list_fill(root, list, 0);
	if (nr) {
		list->queue = kvcalloc(nr, sizeof(*list->queue),
				       GFP_KERNEL_ACCOUNT);
		if (list->queue)
			list->nr = list_fill(root, list, nr);
		else
			err = -ENOMEM;
	}
	inode_unlock_shared(d_inode(root));
	return err;
}

/**
 * ckpt_mqueues_collect - refuse what cannot be saved of the queues
 * @ctx: the context
 * @ns: the namespace
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOSYS, reported, or -ENOMEM.
 */
int ckpt_mqueues_collect(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	struct mq_list list;
	int err;
	u32 i;

	err = list_get(ns, &list);
	for (i = 0; i < list.nr && !err; i++)
		err = mq_collect(ctx, d_inode(list.queue[i]),
				 list.queue[i]->d_name.name);
	list_put(&list);
	return err;
}

/**
 * ckpt_mqueues_checkpoint - write the queues that have a name
 * @ctx: the context
 * @ns: the namespace
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_mqueues_checkpoint(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	struct ckpt_hdr_mqueues h = {};
	struct mq_list list;
	int err;
	u32 i;

	err = list_get(ns, &list);
	if (err)
		return err;
	h.nr = list.nr;
	err = owner_save(ctx, d_inode(ns->mq_mnt->mnt_root), &h.uid, &h.gid,
			 &h.mode);
	if (!err)
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_MQUEUES, sizeof(h));
	/* as they were made, or they would be listed in another order */
	for (i = list.nr; i-- && !err;)
		err = mq_save(ctx, list.queue[i]);
	list_put(&list);
	return err;
}

/**
 * ckpt_mqueues_restore - read the queues that have a name
 * @ctx: the context
 * @ns: the namespace, which nobody uses yet
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_mqueues_restore(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	struct ckpt_hdr_mqueues h;
	struct dentry *dentry;
	int err;
	u32 i;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_MQUEUES, sizeof(h));
	if (err)
		return err;
	for (i = 0; i < h.nr; i++) {
		dentry = mq_restore(ctx, ns, true);
		if (IS_ERR(dentry))
			return PTR_ERR(dentry);
		dput(dentry);
	}
	err = owner_restore(ns->mq_mnt->mnt_root, h.uid, h.gid, h.mode);
	if (err)
		return ckpt_err(ctx, err, "directory of POSIX message queues, owned by %u:%u with mode %#o: error %d",
				h.uid, h.gid, h.mode, err);
	return 0;
}

/* ---------------------------------------------- one that is open */

/* To the table the object is the dentry of the queue. */
static void mqueue_grab(void *ptr)
{
	dget(ptr);
}

/* Has whoever asked to be notified closed all its files, since it exits? */
static bool owner_gone(struct pid *owner)
{
	struct task_struct *leader, *t;
	bool gone = true;

	rcu_read_lock();
	leader = pid_task(owner, PIDTYPE_TGID);
	if (leader)
		for_each_thread(leader, t)
			gone &= !READ_ONCE(t->files);
	rcu_read_unlock();
	return gone;
}

/*
 * One that was killed while it was parked was not the last to use its files,
 * and nobody is told then that it closes them.
 */
static void mqueue_drop(void *ptr)
{
	struct dentry *dentry = ptr;
	struct mqueue_inode_info *info = MQUEUE_I(d_inode(dentry));

	spin_lock(&info->lock);
	if (info->notify_owner && owner_gone(info->notify_owner))
		remove_notification(info);
	spin_unlock(&info->lock);
	dput(dentry);
}

/* It would not be notified any more. */
static int check_outside(struct ckpt_ctx *ctx, struct dentry *dentry)
{
	struct mq_notice n;
	int err = 0;

	if (d_unlinked(dentry))
		return ckpt_err(ctx, -ENOSYS, "POSIX message queue '%pd': removed from an ipc namespace that is not of the tree: not supported",
				dentry);
	notice_get(d_inode(dentry), &n);
	if (n.owner && ckpt_pid_slot(ctx, n.owner) >= 0)
		err = ckpt_err(ctx, -ENOSYS, "POSIX message queue '%pd': of an ipc namespace that is not of the tree, and notifies process %d, which is: not supported",
			       dentry, pid_vnr(n.owner));
	notice_put(&n);
	return err;
}

/* It has no name any more, and is in no list of its namespace. */
static int mqueue_obj_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct dentry *dentry = ptr;
	struct ipc_namespace *ns = get_ns_from_inode(d_inode(dentry));
	struct ckpt_hdr_mqueue_ref h = { .unlinked = d_unlinked(dentry) };
	int ret = 0;

	if (!ns)
		return ckpt_err(ctx, -ENOSYS, "POSIX message queue '%pd': of an ipc namespace that is gone: not supported",
				dentry);
	if (ckpt_ipc_ns_outside(ctx, ns))
		ret = check_outside(ctx, dentry);
	else
		ret = ckpt_obj_checkpoint(ctx, ns, CKPT_OBJ_IPC_NS);
	put_ipc_ns(ns);
	if (ret < 0)
		return ret;
	h.ns = ret;
	ret = ckpt_write_rec(ctx, &h, CKPT_HDR_MQUEUE_REF, sizeof(h));
	if (ret)
		return ret;
	if (h.unlinked)
		return mq_save(ctx, dentry);
	return ckpt_write_string(ctx, dentry->d_name.name);
}

static void *mqueue_find(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	struct dentry *root = ns->mq_mnt->mnt_root, *dentry;
	char *name = ckpt_read_string(ctx, NAME_MAX + 1);

	if (IS_ERR(name))
		return name;
	inode_lock(d_inode(root));
	dentry = lookup_one_len(name, root, strlen(name));
	inode_unlock(d_inode(root));
	if (!IS_ERR(dentry) && d_really_is_negative(dentry)) {
		dput(dentry);
		dentry = ERR_PTR(-ENOENT);
	}
	if (IS_ERR(dentry))
		ckpt_err(ctx, PTR_ERR(dentry), "POSIX message queue '%s': cannot be found: error %ld",
			 name, PTR_ERR(dentry));
	kvfree(name);
	return dentry;
}

static void *mqueue_obj_restore(struct ckpt_ctx *ctx)
{
	struct ipc_namespace *ns = ctx->caller_ns->ipc_ns;
	struct ckpt_hdr_mqueue_ref h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_MQUEUE_REF, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (h.unlinked > 1 || (h.unlinked && !h.ns)) {
		ckpt_err(ctx, -EINVAL, "image: POSIX message queue: malformed record");
		return ERR_PTR(-EINVAL);
	}
	if (h.ns)
		ns = ckpt_obj_fetch(ctx, h.ns, CKPT_OBJ_IPC_NS);
	if (IS_ERR(ns))
		return ns;
	return h.unlinked ? mq_restore(ctx, ns, false) : mqueue_find(ctx, ns);
}

const struct ckpt_obj_ops ckpt_mqueue_obj_ops = {
	.name		= "POSIX message queue",
	.grab		= mqueue_grab,
	.drop		= mqueue_drop,
	.checkpoint	= mqueue_obj_checkpoint,
	.restore	= mqueue_obj_restore,
};

/* --------------------------------------------------------- open files */

/**
 * ckpt_mqueue_match - is a file open on a POSIX message queue?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_mqueue_match(struct file *file)
{
	return file->f_op == &mqueue_file_operations;
}

/**
 * ckpt_mqueue_file_collect - meet what an open queue belongs to
 * @ctx: the context
 * @file: a file on a POSIX message queue
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_mqueue_file_collect(struct ckpt_ctx *ctx, struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;
	struct ipc_namespace *ns;
	int err = 0;

	/* refused when it is saved: it may turn out to be external */
	ns = get_ns_from_inode(file_inode(file));
	if (!ns)
		return 0;
	/* the file does not keep it alive */
	if (ns != ctx->caller_ns->ipc_ns)
		err = ckpt_obj_collect_n(ctx, ns, CKPT_OBJ_IPC_NS, 0);
	put_ipc_ns(ns);
	if (!err && d_unlinked(dentry))
		err = mq_collect(ctx, file_inode(file), dentry->d_name.name);
	return err ?: ckpt_obj_collect(ctx, dentry, CKPT_OBJ_MQUEUE);
}

/**
 * ckpt_mqueue_file_checkpoint - write the queue that a file is open on
 * @ctx: the context
 * @file: the file
 * @h: its record
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_mqueue_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
				struct ckpt_hdr_file *h)
{
	int ref = ckpt_obj_checkpoint(ctx, file->f_path.dentry,
				      CKPT_OBJ_MQUEUE);

	if (ref < 0)
		return ref;
	h->inner = ref;
	return 0;
}

/* As mq_open() asks for it of a queue that is there */
static int may_open_queue(struct inode *inode, unsigned int flags)
{
	static const int oflag2acc[O_ACCMODE] = {
		MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE
	};

	return inode_permission(&nop_mnt_idmap, inode,
				oflag2acc[flags & O_ACCMODE]);
}

/**
 * ckpt_mqueue_file_restore - open a queue again
 * @ctx: the context
 * @h: record of the file, not checked yet
 * @name: its path, for messages
 *
 * Context: the restoring task, may sleep.
 * Return: the file or an ERR_PTR, reported.
 */
struct file *ckpt_mqueue_file_restore(struct ckpt_ctx *ctx,
				      const struct ckpt_hdr_file *h,
				      const char *name)
{
	struct dentry *dentry = ckpt_obj_fetch(ctx, h->inner, CKPT_OBJ_MQUEUE);
	struct ipc_namespace *ns;
	struct file *file;
	struct path path;
	int err = 0;

	if (IS_ERR(dentry))
		return ERR_CAST(dentry);
	if ((h->f_flags & O_ACCMODE) == O_ACCMODE ||
	    (h->f_flags & (O_PATH | O_DIRECTORY)))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: POSIX message queue '%s': flags %#x",
					name, h->f_flags));
	ns = get_ns_from_inode(d_inode(dentry));
	if (!ns)
		return ERR_PTR(ckpt_err(ctx, -ESTALE, "POSIX message queue '%s': its ipc namespace is gone",
					name));
	/* what was made here is the task's, whatever its mode is */
	if (ns == ctx->caller_ns->ipc_ns)
		err = may_open_queue(d_inode(dentry), h->f_flags);
	path.mnt = ns->mq_mnt;
	path.dentry = dentry;
	file = err ? ERR_PTR(err) : dentry_open(&path, h->f_flags,
						current_cred());
	put_ipc_ns(ns);
	if (IS_ERR(file))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(file), "POSIX message queue '%s': cannot be opened: error %ld",
					name, PTR_ERR(file)));
	file->f_pos = h->f_pos;
	return file;
}
