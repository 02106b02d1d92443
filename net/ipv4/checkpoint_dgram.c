// SPDX-License-Identifier: GPL-2.0
/*
 * Internet sockets: UDP, UDP-Lite, raw and ping, what they hold.
 *
 * A message is saved from its IP header on, with what receivers ask of it, and
 * goes back into the queue as it was: who sent it, and what came with it, is
 * read from its headers when it is received. Offsets into them are checked.
 */

#include <linux/checkpoint_types.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/raw.h>
#include <net/rawv6.h>
#include <net/sock.h>
#include <net/sock_reuseport.h>
#include <net/tcp_states.h>
#include <net/udp.h>
#include <net/udplite.h>

#include "../core/checkpoint_sock.h"
#include "checkpoint_inet.h"

#define CKPT_INET_SKB_ALL	(CKPT_INET_SKB_IPV6 | CKPT_INET_SKB_PEEKED | \
				 CKPT_INET_SKB_L3SLAVE | \
				 CKPT_INET_SKB_HOPOPTS | \
				 CKPT_INET_SKB_CHECKED | \
				 CKPT_INET_SKB_COMPLETE | CKPT_INET_SKB_PARTIAL)
#define CKPT_UDP_ALL		(CKPT_UDP_CORK | CKPT_UDP_NO_CHECK6_TX | \
				 CKPT_UDP_NO_CHECK6_RX | CKPT_UDP_GRO | \
				 CKPT_UDP_SEND_CSCOV | CKPT_UDP_RECV_CSCOV)

/* Up to here a message is in one piece. */
#define CKPT_INET_LINEAR	8192

static bool is_udp(const struct sock *sk)
{
	return sk->sk_type == SOCK_DGRAM &&
	       (sk->sk_protocol == IPPROTO_UDP ||
		sk->sk_protocol == IPPROTO_UDPLITE);
}

/* ------------------------------------------------------- what is in a queue */

/**
 * struct ckpt_inet_queue - what is in a queue at one moment
 * @skb: the messages, referenced
 * @nr: how many there are
 * @room: how many @skb has room for
 */
struct ckpt_inet_queue {
	struct sk_buff **skb;
	u32 nr;
	u32 room;
};

static void queue_put(struct ckpt_inet_queue *q)
{
	while (q->nr)
		consume_skb(q->skb[--q->nr]);
	kvfree(q->skb);
	q->skb = NULL;
}

static void queue_take(struct ckpt_inet_queue *q, struct sk_buff_head *list)
{
	struct sk_buff *skb;

	skb_queue_walk(list, skb)
		q->skb[q->nr++] = skb_get(skb);
}

/*
 * What is in @first, and then in @list; locked in the order of
 * __skb_recv_udp(). New messages may come.
 */
static int queue_get(struct ckpt_inet_queue *q, struct sk_buff_head *first,
		     struct sk_buff_head *list)
{
	u32 len;

	memset(q, 0, sizeof(*q));
	for (;;) {
		spin_lock_bh(&first->lock);
		spin_lock_irq(&list->lock);
		len = skb_queue_len(first) + skb_queue_len(list);
		if (len <= q->room) {
			queue_take(q, first);
			queue_take(q, list);
		}
		spin_unlock_irq(&list->lock);
		spin_unlock_bh(&first->lock);
		if (len <= q->room)
			return 0;
		kvfree(q->skb);
		q->room = len + 8;
		q->skb = kvcalloc(q->room, sizeof(*q->skb), GFP_KERNEL_ACCOUNT);
		if (!q->skb)
			return -ENOMEM;
	}
}

/* ---------------------------------------------------------- checkpoint */

static const char *dgram_refused(struct ckpt_ctx *ctx, struct sock *sk)
{
	if (!skb_queue_empty_lockless(&sk->sk_write_queue))
		return "a packet that is not complete (MSG_MORE)";
	return NULL;
}

static void save_csum(const struct sk_buff *skb, struct ckpt_hdr_inet_skb *h)
{
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		h->flags |= CKPT_INET_SKB_COMPLETE;
	if (skb_csum_unnecessary(skb))
		h->flags |= CKPT_INET_SKB_CHECKED;
	/* of one that has its sum to be computed, these are offsets */
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		h->csum = (__force u32)skb->csum;
}

static void save_parm(const struct sk_buff *skb, struct ckpt_hdr_inet_skb *h)
{
	const struct inet_skb_parm *parm = IPCB(skb);
#if IS_BUILTIN(CONFIG_IPV6)
	const struct inet6_skb_parm *parm6 = IP6CB(skb);

	if (h->flags & CKPT_INET_SKB_IPV6) {
		h->iif = parm6->iif;
		if (ipv6_l3mdev_skb(parm6->flags))
			h->flags |= CKPT_INET_SKB_L3SLAVE;
		if (parm6->flags & IP6SKB_HOPBYHOP)
			h->flags |= CKPT_INET_SKB_HOPOPTS;
		h->frag_max_size = parm6->frag_max_size;
		h->dst0 = parm6->dst0;
		h->srcrt = parm6->srcrt;
		h->dst1 = parm6->dst1;
		h->lastopt = parm6->lastopt;
		return;
	}
#endif
	h->iif = PKTINFO_SKB_CB(skb)->ipi_ifindex;
	h->spec_dst = (__force u32)PKTINFO_SKB_CB(skb)->ipi_spec_dst.s_addr;
	if (ipv4_l3mdev_skb(parm->flags))
		h->flags |= CKPT_INET_SKB_L3SLAVE;
	h->frag_max_size = parm->frag_max_size;
}

static void save_err(const struct sk_buff *skb, struct ckpt_hdr_inet_skb *h)
{
	const struct sock_exterr_skb *serr = SKB_EXT_ERR(skb);

	h->ee_errno = serr->ee.ee_errno;
	h->ee_origin = serr->ee.ee_origin;
	h->ee_type = serr->ee.ee_type;
	h->ee_code = serr->ee.ee_code;
	h->ee_info = serr->ee.ee_info;
	h->ee_data = serr->ee.ee_data;
	h->addr_offset = serr->addr_offset;
	h->port = (__force u16)serr->port;
}

static void save_rest(const struct sock *sk, const struct sk_buff *skb,
		      struct ckpt_hdr_inet_skb *h)
{
	const struct skb_shared_info *info = skb_shinfo(skb);

	h->skb_iif = skb->skb_iif;
	h->time_ns = ktime_to_ns(skb->tstamp);
	if (!(info->tx_flags & SKBTX_HW_TSTAMP_NETDEV))
		h->hwtime_ns = ktime_to_ns(info->hwtstamps.hwtstamp);
	h->mark = skb->mark;
	if (skb->peeked)
		h->flags |= CKPT_INET_SKB_PEEKED;
	if (info->gso_type & (SKB_GSO_UDP_L4 | SKB_GSO_FRAGLIST))
		h->gso_size = info->gso_size;
}

/* Where the saved bytes begin, before the data of @skb, or a negative errno */
static int saved_from(const struct sk_buff *skb, struct ckpt_hdr_inet_skb *h)
{
	int network = skb_network_offset(skb);
	int from = min(network, 0);
	int transport = skb_transport_header_was_set(skb) ?
			skb_transport_offset(skb) : 0;

	h->data = -from;
	h->network = network - from;
	h->transport = transport - from;
	h->len = skb->len - from;
	if (-from > skb_headroom(skb) || transport < from ||
	    h->len > CKPT_INET_SKB_MAX || h->data > CKPT_INET_HEAD_MAX ||
	    h->network > CKPT_INET_HEAD_MAX ||
	    h->transport > CKPT_INET_HEAD_MAX)
		return -ENOSYS;
	return -from;
}

static int write_skb(struct ckpt_ctx *ctx, struct sock *sk,
		     struct sk_buff *skb, bool error)
{
	struct ckpt_hdr_inet_skb h = {};
	struct sk_buff *copy;
	int from, err;

	from = saved_from(skb, &h);
	if (from < 0)
		return ckpt_err(ctx, from, "socket: a message of %u bytes with long headers: not supported",
				skb->len);
	if (skb->protocol == htons(ETH_P_IPV6))
		h.flags |= CKPT_INET_SKB_IPV6;
	else if (!error && IPCB(skb)->opt.optlen)
		return ckpt_err(ctx, -ENOSYS, "socket: a message with IP options that is not received yet: not supported");
	save_parm(skb, &h);
	save_rest(sk, skb, &h);
	if (error) {
		save_err(skb, &h);
	} else {
		save_csum(skb, &h);
		h.dropcount = SOCK_SKB_CB(skb)->dropcount;
	}
	if (!error && is_udp(sk)) {
		h.cscov = UDP_SKB_CB(skb)->cscov;
		if (UDP_SKB_CB(skb)->partial_cov)
			h.flags |= CKPT_INET_SKB_PARTIAL;
	}
	copy = skb_clone(skb, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	__skb_push(copy, from);
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_INET_SKB, sizeof(h));
	if (!err)
		err = ckpt_sock_data_write(ctx, copy, 0);
	consume_skb(copy);
	return err;
}

static int write_queue(struct ckpt_ctx *ctx, struct sock *sk,
		       const struct ckpt_inet_queue *q, bool error)
{
	int err = 0;
	u32 i;

	for (i = 0; i < q->nr && !err; i++) {
		err = write_skb(ctx, sk, q->skb[i], error);
		cond_resched();
	}
	return err;
}

static int dgram_late_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_inet_queue q = {}, errors = {};
	struct ckpt_hdr_inet_dgram h = {};
	struct ckpt_hdr_inet_addr addr;
	struct sk_buff_head none;
	int err;

	skb_queue_head_init(&none);
	ckpt_inet_addr_take(sk, &addr);
	err = ckpt_write_rec(ctx, &addr, CKPT_HDR_INET_ADDR, sizeof(addr));
	if (!err)
		err = queue_get(&q, is_udp(sk) ? &udp_sk(sk)->reader_queue :
						 &none, &sk->sk_receive_queue);
	if (!err)
		err = queue_get(&errors, &none, &sk->sk_error_queue);
	if (!err) {
		h.nr = q.nr;
		h.nr_err = errors.nr;
		h.corked = is_udp(sk) && READ_ONCE(udp_sk(sk)->pending);
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_INET_DGRAM, sizeof(h));
	}
	if (!err)
		err = write_queue(ctx, sk, &q, false);
	if (!err)
		err = write_queue(ctx, sk, &errors, true);
	if (!err && h.corked)
		err = ckpt_cork_write(ctx, sk);
	queue_put(&errors);
	queue_put(&q);
	return err;
}

/* ------------------------------------------------------------- restart */

static u32 network_len(const struct ckpt_hdr_inet_skb *h)
{
	return h->flags & CKPT_INET_SKB_IPV6 ? sizeof(struct ipv6hdr) :
					       sizeof(struct iphdr);
}

/* What a receiver of the message looks at, in one piece at its beginning */
static u32 head_len(const struct ckpt_hdr_inet_skb *h)
{
	return max3(h->data, h->transport, h->network + network_len(h));
}

/*
 * Is the address looked at that a message is about? One that says when a packet
 * was sent has none, and may have no header either.
 */
static bool has_addr(const struct ckpt_hdr_inet_skb *h)
{
	return h->port || h->ee_origin == SO_EE_ORIGIN_LOCAL ||
	       h->ee_origin == SO_EE_ORIGIN_ICMP ||
	       h->ee_origin == SO_EE_ORIGIN_ICMP6;
}

static bool err_valid(const struct ckpt_hdr_inet_skb *h)
{
	bool v6 = h->flags & CKPT_INET_SKB_IPV6;
	u32 first = v6 ? offsetof(struct ipv6hdr, daddr) : 0;
	u32 size = v6 ? sizeof(struct in6_addr) : sizeof(__be32);

	if (max3(h->data, h->transport, h->network) > h->len ||
	    ((has_addr(h) || h->iif) && head_len(h) > h->len))
		return false;
	return !has_addr(h) ||
	       (h->addr_offset >= first &&
		h->network + h->addr_offset + size <=
			min_t(u32, h->len, CKPT_INET_HEAD_MAX));
}

static bool skb_valid(const struct sock *sk, const struct ckpt_hdr_inet_skb *h,
		      bool error)
{
	if ((h->flags & ~CKPT_INET_SKB_ALL) || h->reserved ||
	    h->len > CKPT_INET_SKB_MAX || h->data > CKPT_INET_HEAD_MAX ||
	    h->network > CKPT_INET_HEAD_MAX - sizeof(struct ipv6hdr) ||
	    h->transport > CKPT_INET_HEAD_MAX || h->iif > INT_MAX ||
	    h->skb_iif > INT_MAX || h->time_ns < 0 || h->hwtime_ns < 0 ||
	    ((h->flags & CKPT_INET_SKB_IPV6) && sk->sk_family != PF_INET6) ||
	    h->ee_errno > MAX_ERRNO || h->port > U16_MAX)
		return false;
	if (error)
		return err_valid(h);
	if (h->ee_errno || h->ee_origin || h->ee_type || h->ee_code ||
	    h->ee_info || h->ee_data || h->addr_offset || h->port ||
	    head_len(h) > h->len)
		return false;
	if (!is_udp(sk))
		/* its header is read as one of the family of the socket */
		return sk->sk_family == PF_INET ||
		       (h->flags & CKPT_INET_SKB_IPV6);
	/*
	 * What receivers compute from these two must not be off. Behind the
	 * bytes that its checksum covers a filter may have cut one that was
	 * checked, nobody computes that again.
	 */
	return h->transport + sizeof(struct udphdr) == h->data &&
	       h->network + network_len(h) <= h->transport &&
	       ((h->flags & CKPT_INET_SKB_CHECKED) ||
		h->cscov <= h->len - h->data);
}

static void restore_parm(struct sk_buff *skb, const struct ckpt_hdr_inet_skb *h)
{
	struct inet_skb_parm *parm = IPCB(skb);
#if IS_BUILTIN(CONFIG_IPV6)
	struct inet6_skb_parm *parm6 = IP6CB(skb);
#endif

	memset(skb->cb, 0, sizeof(skb->cb));
#if IS_BUILTIN(CONFIG_IPV6)
	if (h->flags & CKPT_INET_SKB_IPV6) {
		parm6->iif = h->iif;
		if (h->flags & CKPT_INET_SKB_L3SLAVE)
			parm6->flags |= IP6SKB_L3SLAVE;
		if (h->flags & CKPT_INET_SKB_HOPOPTS)
			parm6->flags |= IP6SKB_HOPBYHOP;
		parm6->frag_max_size = h->frag_max_size;
		parm6->dst0 = h->dst0;
		parm6->srcrt = h->srcrt;
		parm6->dst1 = h->dst1;
		parm6->lastopt = h->lastopt;
		return;
	}
#endif
	PKTINFO_SKB_CB(skb)->ipi_ifindex = h->iif;
	PKTINFO_SKB_CB(skb)->ipi_spec_dst.s_addr = (__force __be32)h->spec_dst;
	if (h->flags & CKPT_INET_SKB_L3SLAVE)
		parm->flags |= IPSKB_L3SLAVE;
	parm->frag_max_size = h->frag_max_size;
}

static void restore_err(struct sk_buff *skb, const struct ckpt_hdr_inet_skb *h)
{
	struct sock_exterr_skb *serr = SKB_EXT_ERR(skb);

	serr->ee.ee_errno = h->ee_errno;
	serr->ee.ee_origin = h->ee_origin;
	serr->ee.ee_type = h->ee_type;
	serr->ee.ee_code = h->ee_code;
	serr->ee.ee_info = h->ee_info;
	serr->ee.ee_data = h->ee_data;
	serr->addr_offset = h->addr_offset;
	serr->port = (__force __be16)h->port;
}

static void restore_rest(struct sk_buff *skb, const struct ckpt_hdr_inet_skb *h)
{
	struct skb_shared_info *info = skb_shinfo(skb);

	skb->protocol = h->flags & CKPT_INET_SKB_IPV6 ? htons(ETH_P_IPV6) :
							htons(ETH_P_IP);
	skb->skb_iif = h->skb_iif;
	skb->tstamp = ns_to_ktime(h->time_ns);
	info->hwtstamps.hwtstamp = ns_to_ktime(h->hwtime_ns);
	skb->mark = h->mark;
	skb->peeked = !!(h->flags & CKPT_INET_SKB_PEEKED);
	skb->csum = (__force __wsum)h->csum;
	if (h->flags & CKPT_INET_SKB_COMPLETE) {
		skb->ip_summed = CHECKSUM_COMPLETE;
		skb->csum_valid = !!(h->flags & CKPT_INET_SKB_CHECKED);
	} else if (h->flags & CKPT_INET_SKB_CHECKED) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	}
	if (h->gso_size) {
		info->gso_size = h->gso_size;
		info->gso_type = SKB_GSO_UDP_L4;
		info->gso_segs = DIV_ROUND_UP(skb->len, h->gso_size);
	}
}

static struct sk_buff *make_skb(struct ckpt_ctx *ctx, struct sock *sk,
				const struct ckpt_hdr_inet_skb *h, bool error)
{
	struct sk_buff *skb;
	u32 linear;
	int err;

	if (!skb_valid(sk, h, error))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: message of %u bytes with headers at %u and %u, data at %u",
					h->len, h->network, h->transport,
					h->data));
	linear = min_t(u32, h->len, CKPT_INET_LINEAR);
	skb = alloc_skb_with_frags(linear, h->len - linear,
				   PAGE_ALLOC_COSTLY_ORDER, &err,
				   GFP_KERNEL_ACCOUNT);
	if (!skb)
		return ERR_PTR(err);
	skb_put(skb, linear);
	skb->data_len = h->len - linear;
	skb->len = h->len;
	err = ckpt_sock_data_read(ctx, skb, 0);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, h->network);
	skb_set_transport_header(skb, h->transport);
	__skb_pull(skb, h->data);
	restore_parm(skb, h);
	restore_rest(skb, h);
	if (error)
		restore_err(skb, h);
	if (!error && is_udp(sk)) {
		/* a sum by a device that was off is not kept in a queue */
		if (!skb_csum_unnecessary(skb))
			skb->ip_summed = CHECKSUM_NONE;
		UDP_SKB_CB(skb)->cscov = h->cscov;
		UDP_SKB_CB(skb)->partial_cov =
			!!(h->flags & CKPT_INET_SKB_PARTIAL);
	}
	return skb;
}

/*
 * The same bytes may take more memory than they did, and the limit may have
 * been higher when they came.
 */
static int raised_rcvbuf(int rcvbuf)
{
	u64 most = 4ULL * max_t(u32, rcvbuf, READ_ONCE(sysctl_rmem_max));

	return capable(CAP_NET_ADMIN) ? INT_MAX / 2 :
					min_t(u64, most, INT_MAX / 2);
}

/* The limit holds for what comes while the image is read. */
static int add_skb(struct ckpt_ctx *ctx, struct sock *sk,
		   const struct ckpt_hdr_inet_skb *h, bool error)
{
	struct sk_buff *skb = make_skb(ctx, sk, h, error);
	int rcvbuf, err;

	if (IS_ERR(skb))
		return PTR_ERR(skb);
	rcvbuf = READ_ONCE(sk->sk_rcvbuf);
	WRITE_ONCE(sk->sk_rcvbuf, max(rcvbuf, raised_rcvbuf(rcvbuf)));
	if (error) {
		err = sock_queue_err_skb(sk, skb);
	} else {
		/* as it is called when a packet comes */
		local_bh_disable();
		/* it takes this number with it */
		atomic_set(&sk->sk_drops, h->dropcount);
		err = is_udp(sk) ? __udp_enqueue_schedule_skb(sk, skb) :
				   __sock_queue_rcv_skb(sk, skb);
		local_bh_enable();
	}
	WRITE_ONCE(sk->sk_rcvbuf, rcvbuf);
	if (err)
		kfree_skb(skb);
	return err;
}

static int add_skbs(struct ckpt_ctx *ctx, struct sock *sk, u32 nr, bool error)
{
	struct ckpt_hdr_inet_skb h;
	int err = 0;

	while (nr-- && !err) {
		err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_INET_SKB, sizeof(h));
		if (!err)
			err = add_skb(ctx, sk, &h, error);
		cond_resched();
	}
	return err;
}

static int restore_queues(struct ckpt_ctx *ctx, struct sock *sk,
			  const struct ckpt_hdr_inet_dgram *h)
{
	int drops = atomic_read(&sk->sk_drops);
	int err;

	err = add_skbs(ctx, sk, h->nr, false);
	if (!err)
		err = add_skbs(ctx, sk, h->nr_err, true);
	atomic_set(&sk->sk_drops, drops);
	return err;
}

/* What came while it was not yet connected may be from anybody. */
static void drop_all(struct sock *sk)
{
	struct sk_buff *skb;
	int off = 0, err = 0;

	if (is_udp(sk)) {
		/* a pending error comes first, and is taken */
		while ((skb = __skb_recv_udp(sk, MSG_DONTWAIT, &off, &err)) ||
		       err != -EAGAIN)
			kfree_skb(skb);
	} else {
		skb_queue_purge(&sk->sk_receive_queue);
	}
	skb_errqueue_purge(&sk->sk_error_queue);
}

static int connect_to(struct sock *sk, const struct ckpt_hdr_inet_addr *a)
{
	struct sockaddr_storage addr = {};
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&addr;
	struct sockaddr_in *sin = (struct sockaddr_in *)&addr;
	int len, err;

	if (sk->sk_family == PF_INET) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(a->dport);
		memcpy(&sin->sin_addr, a->daddr + 12, sizeof(sin->sin_addr));
		len = sizeof(*sin);
	} else {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(a->dport);
		sin6->sin6_flowinfo = (__force __be32)a->flow_label;
		memcpy(&sin6->sin6_addr, a->daddr, sizeof(a->daddr));
		len = sizeof(*sin6);
	}
	err = ckpt_sock_may_connect(sk, (struct sockaddr *)&addr, len);
	if (err)
		return err;
	/* there need not be a route to it any more: it remains connected */
	if (sk->sk_prot->connect(sk, (struct sockaddr *)&addr, len)) {
		lock_sock(sk);
		reuseport_has_conns_set(sk);
		sk->sk_state = TCP_ESTABLISHED;
		sk_set_txhash(sk);
		release_sock(sk);
	}
	return 0;
}

static int dgram_late_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_inet_dgram h;
	struct ckpt_hdr_inet_addr a;
	int err;

	err = ckpt_inet_addr_read(ctx, sk, &a);
	if (!err)
		err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_INET_DGRAM,
					 sizeof(h));
	if (err)
		return err;
	if (h.corked > is_udp(sk) || h.reserved ||
	    sk->sk_state != TCP_CLOSE || sk->sk_shutdown ||
	    (sk->sk_type != SOCK_RAW && inet_sk(sk)->inet_num))
		return ckpt_err(ctx, -EINVAL, "image: internet socket in two states");
	err = ckpt_inet_bind(ctx, sk, &a);
	if (!err && (a.flags & CKPT_INET_CONNECTED))
		err = connect_to(sk, &a);
	if (err)
		return err;
	lock_sock(sk);
	ckpt_inet_set_peer(sk, &a);
	release_sock(sk);
	drop_all(sk);
	err = restore_queues(ctx, sk, &h);
	if (!err && h.corked)
		err = ckpt_cork_restore(ctx, sk);
	ckpt_inet_set_err(sk, &a);
	return err;
}

/* ------------------------------------------------------ UDP and UDP-Lite */

static const char *udp_refused(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct udp_sock *up = udp_sk(sk);

	if (READ_ONCE(up->encap_type) || READ_ONCE(up->encap_rcv))
		return "UDP_ENCAP";
	return ckpt_cork_refused(sk);
}

static int udp_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct udp_sock *up = udp_sk(sk);
	struct ckpt_hdr_udp h = {
		.gso_size = READ_ONCE(up->gso_size),
		.send_cscov = READ_ONCE(up->pcslen),
		.recv_cscov = READ_ONCE(up->pcrlen),
	};

	if (udp_test_bit(CORK, sk))
		h.flags |= CKPT_UDP_CORK;
	if (udp_get_no_check6_tx(sk))
		h.flags |= CKPT_UDP_NO_CHECK6_TX;
	if (udp_get_no_check6_rx(sk))
		h.flags |= CKPT_UDP_NO_CHECK6_RX;
	if (udp_test_bit(GRO_ENABLED, sk))
		h.flags |= CKPT_UDP_GRO;
	if (udp_test_bit(UDPLITE_SEND_CC, sk))
		h.flags |= CKPT_UDP_SEND_CSCOV;
	if (udp_test_bit(UDPLITE_RECV_CC, sk))
		h.flags |= CKPT_UDP_RECV_CSCOV;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_UDP, sizeof(h));
}

static int udp_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	const u32 lite = CKPT_UDP_SEND_CSCOV | CKPT_UDP_RECV_CSCOV;
	struct udp_sock *up = udp_sk(sk);
	struct ckpt_hdr_udp h;
	int err, on = 1;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_UDP, sizeof(h));
	if (err)
		return err;
	if ((h.flags & ~CKPT_UDP_ALL) || h.gso_size > U16_MAX ||
	    h.send_cscov > U16_MAX || h.recv_cscov > U16_MAX ||
	    (h.send_cscov && h.send_cscov < sizeof(struct udphdr)) ||
	    (h.recv_cscov && h.recv_cscov < sizeof(struct udphdr)) ||
	    (!IS_UDPLITE(sk) &&
	     (h.send_cscov || h.recv_cscov || (h.flags & lite))))
		return ckpt_err(ctx, -EINVAL, "image: UDP socket with flags %#x",
				h.flags);
	if (h.flags & CKPT_UDP_GRO)
		err = sk->sk_prot->setsockopt(sk, SOL_UDP, UDP_GRO,
					      KERNEL_SOCKPTR(&on), sizeof(on));
	if (err)
		return ckpt_err(ctx, err, "UDP_GRO: cannot be set: error %d",
				err);
	udp_assign_bit(CORK, sk, h.flags & CKPT_UDP_CORK);
	udp_set_no_check6_tx(sk, h.flags & CKPT_UDP_NO_CHECK6_TX);
	udp_set_no_check6_rx(sk, h.flags & CKPT_UDP_NO_CHECK6_RX);
	udp_assign_bit(UDPLITE_SEND_CC, sk, h.flags & CKPT_UDP_SEND_CSCOV);
	udp_assign_bit(UDPLITE_RECV_CC, sk, h.flags & CKPT_UDP_RECV_CSCOV);
	WRITE_ONCE(up->gso_size, h.gso_size);
	WRITE_ONCE(up->pcslen, h.send_cscov);
	WRITE_ONCE(up->pcrlen, h.recv_cscov);
	/* it follows the size of the buffer */
	WRITE_ONCE(up->forward_threshold, READ_ONCE(sk->sk_rcvbuf) >> 2);
	return 0;
}

const struct ckpt_inet_proto ckpt_udp_proto = {
	.type		= SOCK_DGRAM,
	.protocol	= IPPROTO_UDP,
	.protocol6	= IPPROTO_UDP,
	.name		= "UDP",
	.refused	= udp_refused,
	.write		= udp_write,
	.restore	= udp_restore,
	.late_write	= dgram_late_write,
	.late_restore	= dgram_late_restore,
};

const struct ckpt_inet_proto ckpt_udplite_proto = {
	.type		= SOCK_DGRAM,
	.protocol	= IPPROTO_UDPLITE,
	.protocol6	= IPPROTO_UDPLITE,
	.name		= "UDP-Lite",
	.refused	= udp_refused,
	.write		= udp_write,
	.restore	= udp_restore,
	.late_write	= dgram_late_write,
	.late_restore	= dgram_late_restore,
};

/* ----------------------------------------------------------- raw and ping */

static const char *raw_refused(struct ckpt_ctx *ctx, struct sock *sk)
{
	if (sk->sk_family == PF_INET && raw_sk(sk)->ipmr_table)
		return "MRT_TABLE";
#if IS_BUILTIN(CONFIG_IPV6)
	if (sk->sk_family == PF_INET6 && raw6_sk(sk)->ip6mr_table)
		return "MRT6_TABLE";
#endif
	return dgram_refused(ctx, sk);
}

static int raw_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_raw h = {};

	if (sk->sk_family == PF_INET) {
		h.filter[0] = raw_sk(sk)->filter.data;
	} else {
#if IS_BUILTIN(CONFIG_IPV6)
		const struct raw6_sock *rp = raw6_sk(sk);

		BUILD_BUG_ON(sizeof(h.filter) != sizeof(rp->filter.data));

		h.checksum = rp->checksum;
		h.offset = rp->offset;
		memcpy(h.filter, rp->filter.data, sizeof(h.filter));
#endif
	}
	return ckpt_write_rec(ctx, &h, CKPT_HDR_RAW, sizeof(h));
}

/* As IPV6_CHECKSUM: where it is in some protocols cannot be chosen. */
static bool raw_valid(const struct sock *sk, const struct ckpt_hdr_raw *h)
{
	if (sk->sk_family == PF_INET)
		return !h->checksum && !h->offset &&
		       !memchr_inv(h->filter + 1, 0,
				   sizeof(h->filter) - sizeof(h->filter[0]));
#if IS_BUILTIN(CONFIG_IPV6)
	if (inet_sk(sk)->inet_num == IPPROTO_ICMPV6)
		return h->checksum == raw6_sk(sk)->checksum &&
		       h->offset == raw6_sk(sk)->offset;
#endif
	return h->checksum <= 1 && h->offset <= U16_MAX && !(h->offset & 1);
}

static int raw_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_raw h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_RAW, sizeof(h));
	if (err)
		return err;
	if (!raw_valid(sk, &h))
		return ckpt_err(ctx, -EINVAL, "image: raw socket with a checksum at %u",
				h.offset);
	/* nothing comes before it is what it was */
	sk->sk_prot->unhash(sk);
	if (sk->sk_family == PF_INET) {
		raw_sk(sk)->filter.data = h.filter[0];
	} else {
#if IS_BUILTIN(CONFIG_IPV6)
		struct raw6_sock *rp = raw6_sk(sk);

		rp->checksum = h.checksum;
		rp->offset = h.offset;
		memcpy(rp->filter.data, h.filter, sizeof(h.filter));
#endif
	}
	return 0;
}

static int raw_late_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	int err;

	if (sk_hashed(sk))
		return ckpt_err(ctx, -EINVAL, "image: raw socket in two states");
	err = dgram_late_restore(ctx, sk);
	return err ?: sk->sk_prot->hash(sk);
}

const struct ckpt_inet_proto ckpt_raw_proto = {
	.type		= SOCK_RAW,
	.name		= "raw",
	.refused	= raw_refused,
	.write		= raw_write,
	.restore	= raw_restore,
	.late_write	= dgram_late_write,
	.late_restore	= raw_late_restore,
};

const struct ckpt_inet_proto ckpt_ping_proto = {
	.type		= SOCK_DGRAM,
	.protocol	= IPPROTO_ICMP,
	.protocol6	= IPPROTO_ICMPV6,
	.name		= "ICMP",
	.refused	= dgram_refused,
	.late_write	= dgram_late_write,
	.late_restore	= dgram_late_restore,
};
