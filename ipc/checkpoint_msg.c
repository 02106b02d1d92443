// SPDX-License-Identifier: GPL-2.0
/*
 * System V message queues. Included by msg.c.
 *
 * Who waits to send or to receive is on no list while the tree is parked: the
 * call is made again.
 */

#include "checkpoint.h"

/* The messages as they are now, copied to @t, and the rest of @msq. */
static bool msg_copy(struct ckpt_ctx *ctx, struct msg_queue *msq,
		     struct ckpt_hdr_ipc_msg *h, struct ckpt_ipc_text *t)
{
	struct msg_msg *msg;
	bool ok;

	rcu_read_lock();
	ipc_lock_object(&msq->q_perm);
	ok = ipc_valid_object(&msq->q_perm);
	if (ok)
		list_for_each_entry(msg, &msq->q_messages, m_list) {
			ok = ckpt_text_add(t, msg);
			if (!ok)
				break;
		}
	h->stime = msq->q_stime;
	h->rtime = msq->q_rtime;
	h->ctime = msq->q_ctime;
	h->qbytes = msq->q_qbytes;
	ckpt_ipc_save_pid(ctx, msq->q_lspid, &h->lspid);
	ckpt_ipc_save_pid(ctx, msq->q_lrpid, &h->lrpid);
	ipc_unlock_object(&msq->q_perm);
	rcu_read_unlock();
	h->nr = t->nr;
	return ok;
}

static int msg_save(struct ckpt_ctx *ctx, struct kern_ipc_perm *perm)
{
	struct msg_queue *msq = container_of(perm, struct msg_queue, q_perm);
	struct ckpt_hdr_ipc_msg h = {};
	struct ckpt_ipc_text t;
	int err;

	err = ckpt_text_alloc(ctx, &t, READ_ONCE(msq->q_qnum),
			      READ_ONCE(msq->q_cbytes));
	if (err)
		return err;
	if (!msg_copy(ctx, msq, &h, &t))
		err = ckpt_ipc_changed(ctx, "message queues");
	if (!err)
		err = ckpt_ipc_save_perm(ctx, perm, &h.perm);
	if (!err)
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_IPC_MSG, sizeof(h));
	if (!err)
		err = ckpt_text_write(ctx, &t);
	ckpt_text_free(&t);
	return err;
}

static int msg_restore_text(struct ckpt_ctx *ctx, struct ipc_namespace *ns,
			    struct msg_queue *msq, u32 nr)
{
	struct msg_msg *msg;

	while (nr--) {
		msg = ckpt_text_read(ctx);
		if (IS_ERR(msg))
			return PTR_ERR(msg);
		if (msg->m_type < 1) {
			free_msg(msg);
			return ckpt_err(ctx, -EINVAL, "image: message queue %d: a message of no type",
					msq->q_perm.id);
		}
		ipc_lock_object(&msq->q_perm);
		list_add_tail(&msg->m_list, &msq->q_messages);
		msq->q_cbytes += msg->m_ts;
		msq->q_qnum++;
		ipc_unlock_object(&msq->q_perm);
		percpu_counter_add_local(&ns->percpu_msg_bytes, msg->m_ts);
		percpu_counter_add_local(&ns->percpu_msg_hdrs, 1);
	}
	return 0;
}

static int msg_restore(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	static const struct ipc_ops ops = {
		.getnew = newque,
		.associate = security_msg_queue_associate,
	};
	struct ipc_params params = {};
	struct kern_ipc_perm *perm;
	struct ckpt_hdr_ipc_msg h;
	struct msg_queue *msq;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_IPC_MSG, sizeof(h));
	if (err)
		return err;
	if (h.qbytes > INT_MAX || h.reserved)
		return ckpt_err(ctx, -EINVAL, "image: message queue %d: of %llu bytes",
				h.perm.id, h.qbytes);
	perm = ckpt_ipc_make(ctx, ns, IPC_MSG_IDS, &ops, &params, &h.perm);
	if (IS_ERR(perm))
		return PTR_ERR(perm);
	msq = container_of(perm, struct msg_queue, q_perm);
	msq->q_stime = h.stime;
	msq->q_rtime = h.rtime;
	msq->q_ctime = h.ctime;
	msq->q_qbytes = h.qbytes;
	err = ckpt_ipc_restore_pid(ctx, &h.lspid, &msq->q_lspid);
	if (!err)
		err = ckpt_ipc_restore_pid(ctx, &h.lrpid, &msq->q_lrpid);
	return err ?: msg_restore_text(ctx, ns, msq, h.nr);
}

static void msg_put(struct kern_ipc_perm *perm)
{
	ipc_rcu_putref(perm, msg_rcu_free);
}

const struct ckpt_ipc_kind ckpt_ipc_msg_kind = {
	.name		= "message queues",
	.save		= msg_save,
	.restore	= msg_restore,
	.put		= msg_put,
};
