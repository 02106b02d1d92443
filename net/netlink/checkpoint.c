// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink sockets. Included by af_netlink.c.
 *
 * A program may know its port id, and so may whom it has told: it is kept, and
 * a restart is refused where somebody else has it. What was not received goes
 * into the queue before the groups are joined, so that it comes before what
 * happens meanwhile.
 */

#include "../core/checkpoint_sock.h"

/* Flags and the options that set them */
static const struct {
	u32 flag;
	u32 bit;
	int option;
} ckpt_options[] = {
	{ CKPT_NETLINK_PKTINFO, NETLINK_F_RECV_PKTINFO, NETLINK_PKTINFO },
	{
		CKPT_NETLINK_BROADCAST_ERROR, NETLINK_F_BROADCAST_SEND_ERROR,
		NETLINK_BROADCAST_ERROR,
	},
	{
		CKPT_NETLINK_NO_ENOBUFS, NETLINK_F_RECV_NO_ENOBUFS,
		NETLINK_NO_ENOBUFS,
	},
	{
		CKPT_NETLINK_ALL_NSID, NETLINK_F_LISTEN_ALL_NSID,
		NETLINK_LISTEN_ALL_NSID,
	},
	{ CKPT_NETLINK_CAP_ACK, NETLINK_F_CAP_ACK, NETLINK_CAP_ACK },
	{ CKPT_NETLINK_EXT_ACK, NETLINK_F_EXT_ACK, NETLINK_EXT_ACK },
	{ CKPT_NETLINK_STRICT, NETLINK_F_STRICT_CHK, NETLINK_GET_STRICT_CHK },
};

#define CKPT_NETLINK_STATE	(CKPT_NETLINK_BOUND | CKPT_NETLINK_CONNECTED | \
				 CKPT_NETLINK_CONGESTED)

/* As many groups as go into one record */
#define CKPT_NETLINK_GROUPS_MAX	(CKPT_REC_MAX / 8)

static u32 ckpt_known_flags(void)
{
	u32 i, flags = CKPT_NETLINK_STATE;

	for (i = 0; i < ARRAY_SIZE(ckpt_options); i++)
		flags |= ckpt_options[i].flag;
	return flags;
}

/* --------------------------------------------------------- what is refused */

static int ckpt_nl_collect(struct ckpt_ctx *ctx, struct sock *sk)
{
	return 0;
}

static bool ckpt_nl_external(struct ckpt_ctx *ctx, struct sock *sk)
{
	return false;
}

/* What a protocol knows of a port, and nobody can ask it for */
static const char *ckpt_nl_protocol(struct sock *sk)
{
	bool bound = READ_ONCE(nlk_sk(sk)->bound);

	switch (sk->sk_protocol) {
	case NETLINK_ROUTE:
	case NETLINK_USERSOCK:
	case NETLINK_SOCK_DIAG:
	case NETLINK_XFRM:
	case NETLINK_FIB_LOOKUP:
	case NETLINK_CONNECTOR:
	case NETLINK_KOBJECT_UEVENT:
	case NETLINK_GENERIC:
	case NETLINK_CRYPTO:
		return NULL;
	case NETLINK_NETFILTER:
		/* queues and logs belong to the port that has made them */
		if ((IS_ENABLED(CONFIG_NETFILTER_NETLINK_QUEUE) ||
		     IS_ENABLED(CONFIG_NETFILTER_NETLINK_LOG)) && bound)
			return "netlink: packets may be queued or logged to it";
		return NULL;
	case NETLINK_AUDIT:
		return bound ? "netlink: in use for auditing" : NULL;
	default:
		return "netlink of another protocol";
	}
}

static const char *ckpt_nl_refused(struct ckpt_ctx *ctx, struct sock *sk,
				   bool external)
{
	if (external)
		return NULL;
	if (READ_ONCE(nlk_sk(sk)->cb_running))
		return "netlink: a list that was asked for is not received to its end";
	return ckpt_nl_protocol(sk);
}

/* ---------------------------------------------------------- checkpoint */

static u32 ckpt_nl_flags(struct sock *sk)
{
	struct netlink_sock *nlk = nlk_sk(sk);
	u32 i, flags = 0;

	for (i = 0; i < ARRAY_SIZE(ckpt_options); i++)
		if (test_bit(ckpt_options[i].bit, &nlk->flags))
			flags |= ckpt_options[i].flag;
	if (READ_ONCE(nlk->bound))
		flags |= CKPT_NETLINK_BOUND;
	if (READ_ONCE(sk->sk_state) == NETLINK_CONNECTED)
		flags |= CKPT_NETLINK_CONNECTED;
	if (test_bit(NETLINK_S_CONGESTED, &nlk->state))
		flags |= CKPT_NETLINK_CONGESTED;
	return flags;
}

static int ckpt_nl_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct netlink_sock *nlk = nlk_sk(sk);
	struct ckpt_hdr_netlink h = {
		.flags = ckpt_nl_flags(sk),
		.portid = READ_ONCE(nlk->portid),
		.dst_portid = READ_ONCE(nlk->dst_portid),
		.dst_group = READ_ONCE(nlk->dst_group),
	};

	return ckpt_write_rec(ctx, &h, CKPT_HDR_NETLINK, sizeof(h));
}

static int ckpt_save_creds(struct ckpt_ctx *ctx, struct sk_buff *skb,
			   struct ckpt_hdr_netlink_msg *h)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;
	const struct scm_creds *creds = NETLINK_CREDS(skb);

	/* the kernel's own, whoever there is in this namespace */
	if (!h->portid && !creds->pid && uid_eq(creds->uid, GLOBAL_ROOT_UID) &&
	    gid_eq(creds->gid, GLOBAL_ROOT_GID)) {
		h->flags |= CKPT_NETLINK_KERNEL;
		return 0;
	}
	h->pid = creds->pid;
	h->uid = from_kuid(user_ns, creds->uid);
	h->gid = from_kgid(user_ns, creds->gid);
	if (h->uid == (uid_t)-1 || h->gid == (gid_t)-1)
		return ckpt_err(ctx, -ENOSYS, "netlink socket: the sender of a message is not mapped in the caller's user namespace: not supported");
	return 0;
}

static int ckpt_write_message(struct ckpt_ctx *ctx, struct sk_buff *skb)
{
	struct ckpt_hdr_netlink_msg h = {
		.portid = NETLINK_CB(skb).portid,
		.dst_group = NETLINK_CB(skb).dst_group,
		.len = skb->len,
	};
	int err;

	if (NETLINK_CB(skb).nsid_is_set) {
		h.flags |= CKPT_NETLINK_NSID;
		h.nsid = NETLINK_CB(skb).nsid;
	}
	err = ckpt_save_creds(ctx, skb, &h);
	if (!err)
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_NETLINK_MSG, sizeof(h));
	return err ?: ckpt_sock_data_write(ctx, skb, 0);
}

/* The groups that it has joined: how many, or -E2BIG */
static int ckpt_list_groups(struct sock *sk, u32 *groups)
{
	struct netlink_sock *nlk = nlk_sk(sk);
	unsigned long group;
	int nr = 0;

	netlink_lock_table();
	for_each_set_bit(group, nlk->groups, nlk->ngroups) {
		if (nr == CKPT_NETLINK_GROUPS_MAX) {
			nr = -E2BIG;
			break;
		}
		groups[nr++] = group + 1;
	}
	netlink_unlock_table();
	return nr;
}

static int ckpt_write_late(struct ckpt_ctx *ctx, struct sock *sk,
			   const struct ckpt_skbs *q, u32 *groups)
{
	struct ckpt_hdr_netlink_late h = {
		.nr = q->nr,
		.err = READ_ONCE(sk->sk_err),
	};
	int nr = ckpt_list_groups(sk, groups), err;
	u32 i;

	if (nr < 0)
		return ckpt_err(ctx, nr, "netlink socket: it has joined more than %d groups",
				CKPT_NETLINK_GROUPS_MAX);
	h.nr_groups = nr;
	err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_NETLINK_LATE, sizeof(h),
				  groups, nr * sizeof(*groups));
	for (i = 0; i < q->nr && !err; i++) {
		err = ckpt_write_message(ctx, q->skb[i]);
		cond_resched();
	}
	return err;
}

static int ckpt_nl_late_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_skbs q;
	u32 *groups;
	int err;

	groups = kvmalloc_array(CKPT_NETLINK_GROUPS_MAX, sizeof(*groups),
				GFP_KERNEL_ACCOUNT);
	if (!groups)
		return -ENOMEM;
	err = ckpt_skbs_get(&sk->sk_receive_queue, &q);
	if (!err) {
		err = ckpt_write_late(ctx, sk, &q, groups);
		ckpt_skbs_put(&q);
	}
	kvfree(groups);
	return err;
}

/* ------------------------------------------------------------- restart */

/* As setsockopt(2), with the rights that it asks for */
static int ckpt_set_option(struct sock *sk, int option, u32 value)
{
	struct socket *sock = sk->sk_socket;

	return sock->ops->setsockopt(sock, SOL_NETLINK, option,
				     KERNEL_SOCKPTR(&value), sizeof(value));
}

static int ckpt_set_address(struct ckpt_ctx *ctx, struct sock *sk,
			    const struct ckpt_hdr_netlink *h)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK, .nl_pid = h->portid,
	};
	struct socket *sock = sk->sk_socket;
	int err;

	if (!(h->flags & CKPT_NETLINK_BOUND))
		return 0;
	err = security_socket_bind(sock, (struct sockaddr *)&addr,
				   sizeof(addr));
	if (!err)
		err = netlink_bind(sock, (struct sockaddr *)&addr,
				   sizeof(addr));
	if (err)
		return ckpt_err(ctx, err, "netlink socket of protocol %u: its port id %u is in use, or not allowed: error %d",
				sk->sk_protocol, h->portid, err);
	if (!(h->flags & CKPT_NETLINK_CONNECTED))
		return 0;
	addr.nl_pid = h->dst_portid;
	addr.nl_groups = netlink_group_mask(h->dst_group);
	err = ckpt_sock_may_connect(sk, (struct sockaddr *)&addr, sizeof(addr));
	if (!err)
		err = netlink_connect(sock, (struct sockaddr *)&addr,
				      sizeof(addr), 0);
	if (err)
		return ckpt_err(ctx, err, "netlink socket of protocol %u: cannot be connected to port id %u and group %u: error %d",
				sk->sk_protocol, h->dst_portid, h->dst_group,
				err);
	return 0;
}

static bool ckpt_nl_valid(struct sock *sk, const struct ckpt_hdr_netlink *h)
{
	bool connected = h->flags & CKPT_NETLINK_CONNECTED;

	if ((h->flags & ~ckpt_known_flags()) ||
	    sk->sk_socket->state != SS_UNCONNECTED)
		return false;
	if (!(h->flags & CKPT_NETLINK_BOUND))
		return !h->portid && !connected;
	return h->portid && h->dst_group <= 32 &&
	       (connected || (!h->dst_portid && !h->dst_group));
}

static int ckpt_nl_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_netlink h;
	const char *why;
	u32 i;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_NETLINK, sizeof(h));
	if (err)
		return err;
	if (!ckpt_nl_valid(sk, &h))
		return ckpt_err(ctx, -EINVAL, "image: netlink socket of port id %u with flags %#x",
				h.portid, h.flags);
	for (i = 0; i < ARRAY_SIZE(ckpt_options) && !err; i++)
		if (h.flags & ckpt_options[i].flag)
			err = ckpt_set_option(sk, ckpt_options[i].option, 1);
	if (err)
		return ckpt_err(ctx, err, "netlink socket of protocol %u: an option cannot be set: error %d",
				sk->sk_protocol, err);
	err = ckpt_set_address(ctx, sk, &h);
	if (err)
		return err;
	if (h.flags & CKPT_NETLINK_CONGESTED)
		set_bit(NETLINK_S_CONGESTED, &nlk_sk(sk)->state);
	/* what it is for here may be something that is not supported */
	why = ckpt_nl_protocol(sk);
	return why ? ckpt_err(ctx, -EINVAL, "image: %s", why) : 0;
}

/*
 * What the kernel says in a namespace is up to who administers that. Programs
 * know it by its port, whatever the credentials.
 */
static int ckpt_restore_creds(struct ckpt_ctx *ctx, struct sock *sk,
			      struct sk_buff *skb,
			      const struct ckpt_hdr_netlink_msg *h)
{
	struct user_namespace *user_ns = current_user_ns();
	struct scm_creds *creds = NETLINK_CREDS(skb);

	if (!h->portid && !ns_capable(sock_net(sk)->user_ns, CAP_NET_ADMIN))
		return ckpt_err(ctx, -EPERM, "netlink socket with messages of the kernel: CAP_NET_ADMIN is needed");
	/* as for SCM_CREDENTIALS; whoever may not say who sends says nobody */
	if (ns_capable(task_active_pid_ns(current)->user_ns, CAP_SYS_ADMIN))
		creds->pid = h->pid;
	if (h->flags & CKPT_NETLINK_KERNEL) {
		creds->uid = GLOBAL_ROOT_UID;
		creds->gid = GLOBAL_ROOT_GID;
		return 0;
	}
	creds->uid = make_kuid(user_ns, h->uid);
	creds->gid = make_kgid(user_ns, h->gid);
	if (!uid_valid(creds->uid) || !gid_valid(creds->gid))
		return ckpt_err(ctx, -EINVAL, "image: message of user %u and group %u",
				h->uid, h->gid);
	if ((!uid_eq(creds->uid, current_uid()) &&
	     !ns_capable(user_ns, CAP_SETUID)) ||
	    (!gid_eq(creds->gid, current_gid()) &&
	     !ns_capable(user_ns, CAP_SETGID)))
		return ckpt_err(ctx, -EPERM, "netlink socket: a message of user %u and group %u",
				h->uid, h->gid);
	return 0;
}

static bool ckpt_message_valid(const struct ckpt_hdr_netlink_msg *h)
{
	if ((h->flags & ~(CKPT_NETLINK_KERNEL | CKPT_NETLINK_NSID)) ||
	    !h->len || h->len > INT_MAX / 2)
		return false;
	if (!(h->flags & CKPT_NETLINK_NSID) && h->nsid)
		return false;
	return !(h->flags & CKPT_NETLINK_KERNEL) ||
	       (!h->portid && !h->pid && !h->uid && !h->gid);
}

/* As much as was let into the queue, however much room that was then */
static bool ckpt_fits(struct sock *sk, u32 len)
{
	u64 max = max_t(u64, READ_ONCE(sk->sk_rcvbuf), 2ULL * sysctl_rmem_max);

	return (len <= max && atomic_read(&sk->sk_rmem_alloc) <= max) ||
	       capable(CAP_NET_ADMIN);
}

static int ckpt_add_message(struct ckpt_ctx *ctx, struct sock *sk,
			    const struct ckpt_hdr_netlink_msg *h)
{
	struct sk_buff *skb;
	int err;

	if (!ckpt_message_valid(h))
		return ckpt_err(ctx, -EINVAL, "image: netlink message of %u bytes with flags %#x",
				h->len, h->flags);
	if (!ckpt_fits(sk, h->len))
		return ckpt_err(ctx, -EINVAL, "image: more netlink messages than a queue has room for");
	skb = netlink_alloc_large_skb(h->len, 0);
	if (!skb)
		return -ENOMEM;
	skb_put(skb, h->len);
	NETLINK_CB(skb).portid = h->portid;
	NETLINK_CB(skb).dst_group = h->dst_group;
	NETLINK_CB(skb).nsid_is_set = h->flags & CKPT_NETLINK_NSID;
	NETLINK_CB(skb).nsid = h->nsid;
	err = ckpt_restore_creds(ctx, sk, skb, h);
	if (!err)
		err = ckpt_sock_data_read(ctx, skb, 0);
	if (err) {
		kfree_skb(skb);
		return err;
	}
	atomic_add(skb->truesize, &sk->sk_rmem_alloc);
	netlink_skb_set_owner_r(skb, sk);
	skb_queue_tail(&sk->sk_receive_queue, skb);
	return 0;
}

static int ckpt_restore_queue(struct ckpt_ctx *ctx, struct sock *sk, u32 nr)
{
	struct ckpt_hdr_netlink_msg h;
	int err = 0;

	while (nr-- && !err) {
		err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_NETLINK_MSG,
					 sizeof(h));
		if (!err)
			err = ckpt_add_message(ctx, sk, &h);
		cond_resched();
	}
	return err;
}

static int ckpt_join_groups(struct ckpt_ctx *ctx, struct sock *sk,
			    const struct ckpt_hdr_netlink_late *h)
{
	int err = 0;
	u32 i;

	for (i = 0; i < h->nr_groups && !err; i++) {
		if (i && h->groups[i] <= h->groups[i - 1])
			return ckpt_err(ctx, -EINVAL, "image: netlink socket with its groups in disorder");
		err = ckpt_set_option(sk, NETLINK_ADD_MEMBERSHIP, h->groups[i]);
		if (err)
			return ckpt_err(ctx, err, "netlink socket of protocol %u: group %u cannot be joined: error %d",
					sk->sk_protocol, h->groups[i], err);
		cond_resched();
	}
	return 0;
}

static int ckpt_nl_late_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_netlink_late *h;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_NETLINK_LATE, sizeof(*h), CKPT_REC_MAX);
	if (IS_ERR(h))
		return PTR_ERR(h);
	if (h->reserved || h->err > MAX_ERRNO ||
	    h->nr_groups > CKPT_NETLINK_GROUPS_MAX ||
	    h->h.len != round_up(struct_size(h, groups, h->nr_groups), 8))
		err = ckpt_err(ctx, -EINVAL, "image: netlink socket with %u groups and error %u",
			       h->nr_groups, h->err);
	else
		err = ckpt_restore_queue(ctx, sk, h->nr);
	if (!err)
		err = ckpt_join_groups(ctx, sk, h);
	if (!err)
		WRITE_ONCE(sk->sk_err, h->err);
	kvfree(h);
	return err;
}

const struct ckpt_sock_family ckpt_netlink_family = {
	.family		= PF_NETLINK,
	.name		= "netlink",
	.collect	= ckpt_nl_collect,
	.external	= ckpt_nl_external,
	.refused	= ckpt_nl_refused,
	.write		= ckpt_nl_write,
	.restore	= ckpt_nl_restore,
	.late_write	= ckpt_nl_late_write,
	.late_restore	= ckpt_nl_late_restore,
};
