// SPDX-License-Identifier: GPL-2.0
/*
 * The ipc namespace: its limits. What is in it is not supported yet.
 */

#include <linux/checkpoint_types.h>
#include <linux/cred.h>
#include <linux/ipc.h>
#include <linux/ipc_namespace.h>
#include <linux/msg.h>
#include <linux/nsproxy.h>
#include <linux/rwsem.h>
#include <linux/user_namespace.h>

#include "util.h"

static void ipc_ns_grab(void *ptr)
{
	get_ipc_ns(ptr);
}

static void ipc_ns_drop(void *ptr)
{
	put_ipc_ns(ptr);
}

static int ipc_ns_users(void *ptr)
{
	struct ipc_namespace *ns = ptr;

	return refcount_read(&ns->ns.count);
}

static int refuse_ids(struct ckpt_ctx *ctx, struct ipc_namespace *ns, int id,
		      const char *what)
{
	struct ipc_ids *ids = &ns->ids[id];
	int in_use, next_id;

	down_read(&ids->rwsem);
	in_use = ids->in_use;
	next_id = ids->next_id;
	up_read(&ids->rwsem);

	if (in_use)
		return ckpt_err(ctx, -ENOSYS, "ipc namespace: %d %s in it: not supported, remove with ipcrm",
				in_use, what);
	if (next_id != -1)
		return ckpt_err(ctx, -ENOSYS, "ipc namespace: an id chosen for the next of its %s: not supported",
				what);
	return 0;
}

static int refuse_mqueues(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
#ifdef CONFIG_POSIX_MQUEUE
	unsigned int count;

	spin_lock(&mq_lock);
	count = ns->mq_queues_count;
	spin_unlock(&mq_lock);
	if (count)
		return ckpt_err(ctx, -ENOSYS, "ipc namespace: %u POSIX message queues in it: not supported",
				count);
#endif
	return 0;
}

static int ipc_ns_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct ipc_namespace *ns = ptr;
	int err;

	err = ckpt_user_ns_collect(ctx, ns->user_ns, "ipc namespace");
	if (!err)
		err = refuse_ids(ctx, ns, IPC_SEM_IDS, "semaphore sets");
	if (!err)
		err = refuse_ids(ctx, ns, IPC_MSG_IDS, "message queues");
	if (!err)
		err = refuse_ids(ctx, ns, IPC_SHM_IDS, "shared memory segments");
	if (!err)
		err = refuse_mqueues(ctx, ns);
	return err;
}

static int ipc_ns_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct ipc_namespace *ns = ptr;
	struct ckpt_hdr_ipc_ns h = {
		.msg_ctlmax = ns->msg_ctlmax,
		.msg_ctlmnb = ns->msg_ctlmnb,
		.msg_ctlmni = ns->msg_ctlmni,
		.shm_rmid_forced = ns->shm_rmid_forced,
		.shm_ctlmax = ns->shm_ctlmax,
		.shm_ctlall = ns->shm_ctlall,
		.shm_ctlmni = ns->shm_ctlmni,
		.mq_queues_max = ns->mq_queues_max,
		.mq_msg_max = ns->mq_msg_max,
		.mq_msgsize_max = ns->mq_msgsize_max,
		.mq_msg_default = ns->mq_msg_default,
		.mq_msgsize_default = ns->mq_msgsize_default,
	};
	int i, owner;

	BUILD_BUG_ON(ARRAY_SIZE(h.sem_ctls) != ARRAY_SIZE(ns->sem_ctls));

	for (i = 0; i < ARRAY_SIZE(h.sem_ctls); i++)
		h.sem_ctls[i] = ns->sem_ctls[i];
	owner = ckpt_user_ns_checkpoint(ctx, ns->user_ns);
	if (owner < 0)
		return owner;
	h.user_ns = owner;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_IPC_NS, sizeof(h));
}

/* The ranges that the sysctls have: what is not here may be any number. */
static bool limits_ok(const struct ckpt_hdr_ipc_ns *h)
{
	return h->sem_ctls[3] <= ipc_mni && h->msg_ctlmax <= INT_MAX &&
	       h->msg_ctlmnb <= INT_MAX && h->msg_ctlmni <= ipc_mni &&
	       h->shm_ctlmni <= ipc_mni && h->shm_rmid_forced <= 1;
}

static bool mq_limits_ok(const struct ckpt_hdr_ipc_ns *h)
{
#ifdef CONFIG_POSIX_MQUEUE
	return h->mq_msg_max >= MIN_MSGMAX &&
	       h->mq_msg_max <= HARD_MSGMAX &&
	       h->mq_msg_default >= MIN_MSGMAX &&
	       h->mq_msg_default <= HARD_MSGMAX &&
	       h->mq_msgsize_max >= MIN_MSGSIZEMAX &&
	       h->mq_msgsize_max <= HARD_MSGSIZEMAX &&
	       h->mq_msgsize_default >= MIN_MSGSIZEMAX &&
	       h->mq_msgsize_default <= HARD_MSGSIZEMAX;
#else
	return true;
#endif
}

static void set_limits(struct ipc_namespace *ns,
		       const struct ckpt_hdr_ipc_ns *h)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ns->sem_ctls); i++)
		ns->sem_ctls[i] = h->sem_ctls[i];
	ns->msg_ctlmax = h->msg_ctlmax;
	ns->msg_ctlmnb = h->msg_ctlmnb;
	ns->msg_ctlmni = h->msg_ctlmni;
	ns->shm_ctlmax = h->shm_ctlmax;
	ns->shm_ctlall = h->shm_ctlall;
	ns->shm_ctlmni = h->shm_ctlmni;
	ns->shm_rmid_forced = h->shm_rmid_forced;
#ifdef CONFIG_POSIX_MQUEUE
	ns->mq_queues_max = h->mq_queues_max;
	ns->mq_msg_max = h->mq_msg_max;
	ns->mq_msgsize_max = h->mq_msgsize_max;
	ns->mq_msg_default = h->mq_msg_default;
	ns->mq_msgsize_default = h->mq_msgsize_default;
#endif
}

static void *ipc_ns_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_ipc_ns h;
	struct ipc_namespace *ns;
	const struct cred *cred;
	struct nsproxy *new;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_IPC_NS, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (!limits_ok(&h) || !mq_limits_ok(&h) || h.reserved)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
					"ipc namespace: a limit that cannot be set here"));

	cred = ckpt_user_ns_cred(ctx, h.user_ns);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	/* with the checks and the accounting of unshare(2) */
	err = unshare_nsproxy_namespaces(CLONE_NEWIPC, &new,
					 (struct cred *)cred, NULL);
	put_cred(cred);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "cannot make an ipc namespace: error %d",
					err));
	ns = get_ipc_ns(new->ipc_ns);
	put_nsproxy(new);
	set_limits(ns, &h);
	return ns;
}

const struct ckpt_obj_ops ckpt_ipc_ns_obj_ops = {
	.name		= "ipc namespace",
	.grab		= ipc_ns_grab,
	.drop		= ipc_ns_drop,
	.users		= ipc_ns_users,
	.collect	= ipc_ns_collect,
	.checkpoint	= ipc_ns_checkpoint,
	.restore	= ipc_ns_restore,
};
