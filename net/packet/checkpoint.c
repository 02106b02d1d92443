// SPDX-License-Identifier: GPL-2.0
/*
 * Packet sockets. Included by af_packet.c.
 *
 * A socket is bound, and so sees packets, when its queue is full again. It has
 * its rings when it is made, so that they can be mapped.
 */

#include <linux/security.h>
#include <linux/virtio_net.h>

#include "../core/checkpoint_filter.h"
#include "../core/checkpoint_sock.h"

#include "checkpoint_ring.c"

/* Flags of the socket, and of the record */
static const struct {
	u32 flag;
	enum packet_sock_flags bit;
} ckpt_flags[] = {
	{ CKPT_PACKET_ORIGDEV, PACKET_SOCK_ORIGDEV },
	{ CKPT_PACKET_AUXDATA, PACKET_SOCK_AUXDATA },
	{ CKPT_PACKET_TX_HAS_OFF, PACKET_SOCK_TX_HAS_OFF },
	{ CKPT_PACKET_LOSS, PACKET_SOCK_TP_LOSS },
	{ CKPT_PACKET_QDISC_BYPASS, PACKET_SOCK_QDISC_BYPASS },
};

#define CKPT_PACKET_ALL		(CKPT_PACKET_ORIGDEV | CKPT_PACKET_AUXDATA | \
				 CKPT_PACKET_TX_HAS_OFF | CKPT_PACKET_LOSS | \
				 CKPT_PACKET_QDISC_BYPASS |		     \
				 CKPT_PACKET_IGNORE_OUTGOING |		     \
				 CKPT_PACKET_RX_RING | CKPT_PACKET_TX_RING)

/* As alloc_skb_with_frags() makes it in pieces that can be had */
#define CKPT_PACKET_FRAGS_MAX \
	(MAX_SKB_FRAGS * (PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER))

/* Most memberships of a socket that go into one record */
#define CKPT_PACKET_GROUPS_MAX	2048

/* --------------------------------------------------------- what is refused */

static int ckpt_pk_collect(struct ckpt_ctx *ctx, struct sock *sk)
{
	return 0;
}

static bool ckpt_pk_external(struct ckpt_ctx *ctx, struct sock *sk)
{
	return false;
}

static const char *ckpt_fanout_refused(struct packet_sock *po)
{
	const char *why = NULL;

	mutex_lock(&fanout_mutex);
	if (po->fanout && po->fanout->type == PACKET_FANOUT_EBPF)
		why = "PACKET_FANOUT_EBPF";
	else if (po->fanout && !packet_sock_flag(po, PACKET_SOCK_RUNNING))
		why = "PACKET_FANOUT on a device that is down";
	mutex_unlock(&fanout_mutex);
	return why;
}

static const char *ckpt_pk_refused(struct ckpt_ctx *ctx, struct sock *sk,
				   bool external)
{
	if (external)
		return NULL;
	if (sk->sk_type == SOCK_PACKET)
		return "SOCK_PACKET";
	if (!skb_queue_empty_lockless(&sk->sk_error_queue))
		return "PACKET_TX_TIMESTAMP that was not received";
	return ckpt_fanout_refused(pkt_sk(sk));
}

/* ---------------------------------------------------------- checkpoint */

/* The number of memberships, or -E2BIG */
static int ckpt_list_members(struct packet_sock *po,
			     struct ckpt_packet_member *member)
{
	struct packet_mclist *ml;
	int nr = 0;

	BUILD_BUG_ON(sizeof(member->addr) != sizeof(ml->addr));

	rtnl_lock();
	for (ml = po->mclist; ml; ml = ml->next, nr++, member++) {
		if (nr == CKPT_PACKET_GROUPS_MAX) {
			nr = -E2BIG;
			break;
		}
		member->ifindex = ml->ifindex;
		member->count = ml->count;
		member->type = ml->type;
		member->alen = ml->alen;
		memcpy(member->addr, ml->addr, sizeof(member->addr));
	}
	rtnl_unlock();
	return nr;
}

static int ckpt_pk_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct packet_sock *po = pkt_sk(sk);
	struct ckpt_packet_member *member;
	struct ckpt_hdr_packet h = {
		.version = po->tp_version,
		.reserve = po->tp_reserve,
		.tstamp = READ_ONCE(po->tp_tstamp),
		.copy_thresh = READ_ONCE(po->copy_thresh),
		.vnet_hdr_sz = READ_ONCE(po->vnet_hdr_sz),
	};
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(ckpt_flags); i++)
		if (packet_sock_flag(po, ckpt_flags[i].bit))
			h.flags |= ckpt_flags[i].flag;
	if (READ_ONCE(po->prot_hook.ignore_outgoing))
		h.flags |= CKPT_PACKET_IGNORE_OUTGOING;
	mutex_lock(&po->pg_vec_lock);
	if (po->rx_ring.pg_vec)
		h.flags |= CKPT_PACKET_RX_RING;
	if (po->tx_ring.pg_vec)
		h.flags |= CKPT_PACKET_TX_RING;
	mutex_unlock(&po->pg_vec_lock);
	member = kvcalloc(CKPT_PACKET_GROUPS_MAX, sizeof(*member),
			  GFP_KERNEL_ACCOUNT);
	if (!member)
		return -ENOMEM;
	ret = ckpt_list_members(po, member);
	if (ret < 0) {
		ret = ckpt_err(ctx, ret, "packet socket: more than %u memberships",
			       CKPT_PACKET_GROUPS_MAX);
	} else {
		h.nr_members = ret;
		ret = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_PACKET, sizeof(h),
					  member, ret * sizeof(*member));
	}
	kvfree(member);
	if (!ret && (h.flags & CKPT_PACKET_RX_RING))
		ret = ckpt_ring_write(ctx, po, false);
	if (!ret && (h.flags & CKPT_PACKET_TX_RING))
		ret = ckpt_ring_write(ctx, po, true);
	return ret;
}

static int ckpt_save_gso(struct ckpt_ctx *ctx, const struct sk_buff *skb,
			 struct ckpt_hdr_packet_msg *h)
{
	const struct skb_shared_info *s = skb_shinfo(skb);
	int gso = ckpt_gso_of(skb);

	if (gso < 0)
		return ckpt_err(ctx, -ENOSYS, "packet socket: a packet of several segments of type %#x: not supported",
				s->gso_type);
	h->gso = gso;
	if (gso) {
		h->gso_size = s->gso_size;
		h->gso_segs = s->gso_segs;
	}
	return 0;
}

/* Longer addresses than it says go on behind it. */
static u8 *ckpt_addr_of(const struct sk_buff *skb)
{
	return (u8 *)skb->cb + offsetof(struct packet_skb_cb, sa.ll.sll_addr);
}

static void ckpt_save_packet(const struct sk_buff *skb,
			     struct ckpt_hdr_packet_msg *h)
{
	const struct sockaddr_ll *sll = &PACKET_SKB_CB(skb)->sa.ll;

	h->orig_len = PACKET_SKB_CB(skb)->sa.origlen;
	h->ifindex = sll->sll_ifindex;
	h->hatype = sll->sll_hatype;
	h->halen = sll->sll_halen;
	memcpy(h->addr, ckpt_addr_of(skb),
	       min_t(u32, h->halen, sizeof(h->addr)));
	h->pkttype = skb->pkt_type;
	h->protocol = ntohs(skb->protocol);
	h->len = skb->len;
	h->head = skb_headlen(skb);
	/* anything else is where no header is */
	if (abs(skb_network_offset(skb)) <= CKPT_PACKET_MAC_MAX)
		h->network = min_t(int, skb_network_offset(skb), h->head);
	if (skb->mac_len >= VLAN_HLEN && skb->mac_len <= CKPT_PACKET_MAC_MAX)
		h->mac_len = skb->mac_len;
	h->time_ns = ktime_to_ns(skb->tstamp);
	h->csum = skb->ip_summed;
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		h->csum_start = skb_checksum_start_offset(skb);
		h->csum_offset = skb->csum_offset;
	}
	if (skb_csum_unnecessary(skb))
		h->flags |= CKPT_PACKET_CSUM_VALID;
	if (skb_vlan_tag_present(skb)) {
		h->flags |= CKPT_PACKET_VLAN;
		h->vlan_tci = skb_vlan_tag_get(skb);
		h->vlan_proto = ntohs(skb->vlan_proto);
	}
}

/* With the header that stands before what is received of a datagram socket */
static int ckpt_write_packet(struct ckpt_ctx *ctx, struct sk_buff *skb)
{
	struct ckpt_hdr_packet_msg h = {};
	struct sk_buff *all;
	int err;

	ckpt_save_packet(skb, &h);
	err = ckpt_save_gso(ctx, skb, &h);
	if (err)
		return err;
	all = skb_clone(skb, GFP_KERNEL);
	if (!all)
		return -ENOMEM;
	if (skb_mac_header_was_set(all) && skb_mac_offset(all) < 0 &&
	    -skb_mac_offset(all) <= CKPT_PACKET_MAC_MAX) {
		h.mac = -skb_mac_offset(all);
		skb_push(all, h.mac);
	}
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_PACKET_MSG, sizeof(h));
	if (!err)
		err = ckpt_sock_data_write(ctx, all, 0);
	kfree_skb(all);
	return err;
}

/* What it is bound to, and what was counted */
static void ckpt_save_late(struct sock *sk, struct ckpt_hdr_packet_late *h)
{
	struct packet_sock *po = pkt_sk(sk);

	h->ifindex = READ_ONCE(po->ifindex);
	h->protocol = ntohs(READ_ONCE(po->num));
	h->err = READ_ONCE(sk->sk_err);
	h->drops = atomic_read(&po->tp_drops);
	spin_lock_bh(&sk->sk_receive_queue.lock);
	h->packets = po->stats.stats1.tp_packets;
	spin_unlock_bh(&sk->sk_receive_queue.lock);
	mutex_lock(&fanout_mutex);
	if (po->fanout) {
		h->fanout_id = po->fanout->id;
		h->fanout_type = po->fanout->type | po->fanout->flags << 8;
		h->fanout_max = po->fanout->max_num_members;
	}
	mutex_unlock(&fanout_mutex);
}

static int ckpt_pk_late_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_packet_late h = {};
	struct ckpt_skbs q;
	int err;
	u32 i;

	err = ckpt_skbs_get(&sk->sk_receive_queue, &q);
	if (err)
		return err;
	ckpt_save_late(sk, &h);
	h.nr = q.nr;
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_PACKET_LATE, sizeof(h));
	for (i = 0; i < q.nr && !err; i++) {
		err = ckpt_write_packet(ctx, q.skb[i]);
		cond_resched();
	}
	ckpt_skbs_put(&q);
	return err;
}

/* ------------------------------------------------------------- restart */

static bool ckpt_pk_valid(struct sock *sk, const struct ckpt_hdr_packet *h)
{
	if ((h->flags & ~CKPT_PACKET_ALL) || h->version > TPACKET_V3 ||
	    h->reserve > INT_MAX || h->reserved || h->nr_members > CKPT_PACKET_GROUPS_MAX ||
	    h->h.len != struct_size(h, member, h->nr_members) ||
	    sk->sk_socket->state != SS_UNCONNECTED ||
	    sk->sk_type == SOCK_PACKET)
		return false;
	return !h->vnet_hdr_sz ||
	       (sk->sk_type == SOCK_RAW &&
		(h->vnet_hdr_sz == sizeof(struct virtio_net_hdr) ||
		 h->vnet_hdr_sz == sizeof(struct virtio_net_hdr_mrg_rxbuf)));
}

/* As PACKET_ADD_MEMBERSHIP, as often as it was done */
static int ckpt_join(struct ckpt_ctx *ctx, struct sock *sk,
		     const struct ckpt_packet_member *member)
{
	struct packet_mreq_max mreq = {
		.mr_ifindex = member->ifindex,
		.mr_type = member->type,
		.mr_alen = member->alen,
	};
	struct packet_mclist *ml;
	int err;

	if (member->alen > sizeof(member->addr) || member->type > U16_MAX ||
	    !member->count || member->count > INT_MAX)
		return ckpt_err(ctx, -EINVAL, "image: packet socket with a membership of type %u, %u times",
				member->type, member->count);
	memcpy(mreq.mr_address, member->addr, member->alen);
	err = packet_mc_add(sk, &mreq);
	if (err)
		return ckpt_err(ctx, err, "packet socket: a membership on the device of index %d cannot be had: error %d",
				member->ifindex, err);
	rtnl_lock();
	/* a new one is the first, unless its device has just gone */
	ml = pkt_sk(sk)->mclist;
	if (ml && ml->ifindex == mreq.mr_ifindex && ml->count == 1)
		ml->count = member->count;
	rtnl_unlock();
	return 0;
}

static int ckpt_set_packet(struct ckpt_ctx *ctx, struct sock *sk,
			   const struct ckpt_hdr_packet *h)
{
	struct packet_sock *po = pkt_sk(sk);
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(ckpt_flags); i++)
		packet_sock_flag_set(po, ckpt_flags[i].bit,
				     h->flags & ckpt_flags[i].flag);
	po->prot_hook.ignore_outgoing = h->flags & CKPT_PACKET_IGNORE_OUTGOING;
	po->tp_version = h->version;
	po->tp_reserve = h->reserve;
	po->tp_tstamp = h->tstamp;
	po->copy_thresh = h->copy_thresh;
	po->vnet_hdr_sz = h->vnet_hdr_sz;
	/* the last one that was added stands first */
	for (i = h->nr_members; i && !err; i--)
		err = ckpt_join(ctx, sk, &h->member[i - 1]);
	return err;
}

static int ckpt_pk_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_packet *h;
	u32 flags;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_PACKET, sizeof(*h),
			  struct_size(h, member, CKPT_PACKET_GROUPS_MAX));
	if (IS_ERR(h))
		return PTR_ERR(h);
	if (ckpt_pk_valid(sk, h))
		err = ckpt_set_packet(ctx, sk, h);
	else
		err = ckpt_err(ctx, -EINVAL, "image: packet socket with flags %#x, %u memberships and headers of %u bytes",
			       h->flags, h->nr_members, h->vnet_hdr_sz);
	flags = h->flags;
	kvfree(h);
	if (!err && (flags & CKPT_PACKET_RX_RING))
		err = ckpt_ring_restore(ctx, sk, false);
	if (!err && (flags & CKPT_PACKET_TX_RING))
		err = ckpt_ring_restore(ctx, sk, true);
	return err;
}

static bool ckpt_packet_valid(const struct ckpt_hdr_packet_msg *h)
{
	if ((h->flags & ~(CKPT_PACKET_VLAN | CKPT_PACKET_CSUM_VALID)) ||
	    h->len > INT_MAX / 2 || h->mac > CKPT_PACKET_MAC_MAX ||
	    h->mac_len > CKPT_PACKET_MAC_MAX ||
	    (h->mac_len && h->mac_len < VLAN_HLEN) ||
	    h->head > h->len || h->head > KMALLOC_MAX_SIZE / 2 ||
	    h->len - h->head > CKPT_PACKET_FRAGS_MAX || h->time_ns < 0)
		return false;
	if (h->hatype > U16_MAX || h->pkttype > PACKET_KERNEL ||
	    h->halen > sizeof(h->addr) || h->protocol > U16_MAX ||
	    h->network < -CKPT_PACKET_MAC_MAX || h->network > (s32)h->head)
		return false;
	/* where a sum belongs a filter may have cut: nobody writes it there */
	if (h->csum > CHECKSUM_PARTIAL ||
	    (h->csum == CHECKSUM_PARTIAL &&
	     (h->csum_start > U16_MAX / 2 || h->csum_offset > U16_MAX / 2)))
		return false;
	if (h->vlan_tci > U16_MAX || h->vlan_proto > U16_MAX ||
	    (!(h->flags & CKPT_PACKET_VLAN) && (h->vlan_tci || h->vlan_proto)))
		return false;
	return ckpt_gso_valid(h->gso, h->gso_size, h->gso_segs);
}

static void ckpt_set_skb(struct sk_buff *skb,
			 const struct ckpt_hdr_packet_msg *h)
{
	struct sockaddr_ll *sll = &PACKET_SKB_CB(skb)->sa.ll;

	PACKET_SKB_CB(skb)->sa.origlen = h->orig_len;
	sll->sll_ifindex = h->ifindex;
	sll->sll_hatype = h->hatype;
	sll->sll_pkttype = h->pkttype;
	sll->sll_halen = h->halen;
	memcpy(ckpt_addr_of(skb), h->addr, h->halen);
	skb->pkt_type = h->pkttype;
	skb->protocol = htons(h->protocol);
	skb->tstamp = ns_to_ktime(h->time_ns);
	if (h->flags & CKPT_PACKET_VLAN)
		__vlan_hwaccel_put_tag(skb, htons(h->vlan_proto), h->vlan_tci);
	ckpt_gso_set(skb, h->gso, h->gso_size, h->gso_segs);
}

static struct sk_buff *ckpt_make_packet(struct ckpt_ctx *ctx,
					const struct ckpt_hdr_packet_msg *h)
{
	u32 room = CKPT_PACKET_MAC_MAX;
	struct sk_buff *skb;
	int err;

	/* the link layer header is a part of what is in one piece */
	skb = alloc_skb_with_frags(room + h->head, h->len - h->head,
				   PAGE_ALLOC_COSTLY_ORDER, &err, GFP_KERNEL);
	if (!skb)
		return ERR_PTR(err);
	skb_reserve(skb, room - h->mac);
	skb_reset_mac_header(skb);
	skb_put(skb, h->mac + h->head);
	skb->data_len = h->len - h->head;
	skb->len += h->len - h->head;
	err = ckpt_sock_data_read(ctx, skb, 0);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	__skb_pull(skb, h->mac);
	skb_set_network_header(skb, h->network);
	skb->mac_len = h->mac_len;
	skb->ip_summed = h->csum;
	if (h->csum == CHECKSUM_PARTIAL) {
		skb->csum_start = skb_headroom(skb) + h->csum_start;
		skb->csum_offset = h->csum_offset;
	}
	skb->csum_valid = !!(h->flags & CKPT_PACKET_CSUM_VALID);
	ckpt_set_skb(skb, h);
	return skb;
}

/* As much as was let into the queue, however much room that was then */
static bool ckpt_has_room(struct sock *sk, u32 len)
{
	u64 max = max_t(u64, READ_ONCE(sk->sk_rcvbuf), 2ULL * sysctl_rmem_max);

	return (len <= max && atomic_read(&sk->sk_rmem_alloc) <= max) ||
	       capable(CAP_NET_ADMIN);
}

static int ckpt_restore_queue(struct ckpt_ctx *ctx, struct sock *sk, u32 nr)
{
	struct ckpt_hdr_packet_msg h;
	struct sk_buff *skb;
	int err;

	while (nr--) {
		err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_PACKET_MSG,
					 sizeof(h));
		if (err)
			return err;
		if (!ckpt_packet_valid(&h))
			return ckpt_err(ctx, -EINVAL, "image: packet of %u bytes with flags %#x",
					h.len, h.flags);
		if (!ckpt_has_room(sk, h.len))
			return ckpt_err(ctx, -EINVAL, "image: more packets than a queue has room for");
		skb = ckpt_make_packet(ctx, &h);
		if (IS_ERR(skb))
			return PTR_ERR(skb);
		skb_set_owner_r(skb, sk);
		skb_queue_tail(&sk->sk_receive_queue, skb);
		cond_resched();
	}
	return 0;
}

static int ckpt_bind(struct ckpt_ctx *ctx, struct sock *sk,
		     const struct ckpt_hdr_packet_late *h)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET };
	struct packet_sock *po = pkt_sk(sk);
	__be16 protocol = htons(h->protocol);
	int err;

	/* its device went long ago */
	if (h->ifindex < 0) {
		spin_lock(&po->bind_lock);
		WRITE_ONCE(po->ifindex, -1);
		WRITE_ONCE(po->num, protocol);
		po->prot_hook.type = protocol;
		spin_unlock(&po->bind_lock);
		return 0;
	}
	if (!h->ifindex && !protocol)
		return 0;
	ll.sll_protocol = protocol;
	ll.sll_ifindex = h->ifindex;
	err = security_socket_bind(sk->sk_socket, (struct sockaddr *)&ll,
				   sizeof(ll));
	if (!err)
		err = packet_do_bind(sk, NULL, h->ifindex, protocol);
	if (err)
		return ckpt_err(ctx, err, "packet socket: cannot be bound to the device of index %d: error %d",
				h->ifindex, err);
	return 0;
}

static int ckpt_join_fanout(struct ckpt_ctx *ctx, struct sock *sk,
			    const struct ckpt_hdr_packet_late *h)
{
	struct fanout_args args = {
		.id = h->fanout_id,
		.type_flags = h->fanout_type,
		.max_num_members = h->fanout_max,
	};
	int err;

	if (!h->fanout_max)
		return 0;
	err = fanout_add(sk, &args);
	if (err)
		return ckpt_err(ctx, err, "packet socket: cannot join fanout group %u: error %d",
				h->fanout_id, err);
	return 0;
}

static bool ckpt_late_valid(const struct ckpt_hdr_packet_late *h)
{
	u8 type = h->fanout_type;

	if (h->reserved || h->ifindex < -1 || h->protocol > U16_MAX ||
	    h->err > MAX_ERRNO || h->drops > INT_MAX)
		return false;
	if (!h->fanout_max)
		return !h->fanout_id && !h->fanout_type;
	/* a new id is not looked for */
	return h->fanout_id <= U16_MAX && h->fanout_type <= U16_MAX &&
	       !(h->fanout_type & PACKET_FANOUT_FLAG_UNIQUEID) &&
	       type != PACKET_FANOUT_EBPF &&
	       h->fanout_max <= PACKET_FANOUT_MAX;
}

static int ckpt_pk_late_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct packet_sock *po = pkt_sk(sk);
	struct ckpt_hdr_packet_late h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_PACKET_LATE, sizeof(h));
	if (err)
		return err;
	/* one that is bound has its hook in a list, by its protocol */
	if (!ckpt_late_valid(&h) || READ_ONCE(po->num) ||
	    READ_ONCE(po->ifindex))
		return ckpt_err(ctx, -EINVAL, "image: packet socket on the device of index %d, in fanout group %u",
				h.ifindex, h.fanout_id);
	err = ckpt_restore_queue(ctx, sk, h.nr);
	if (!err)
		err = ckpt_bind(ctx, sk, &h);
	if (!err)
		err = ckpt_join_fanout(ctx, sk, &h);
	if (err)
		return err;
	spin_lock_bh(&sk->sk_receive_queue.lock);
	po->stats.stats1.tp_packets += h.packets;
	spin_unlock_bh(&sk->sk_receive_queue.lock);
	atomic_add(h.drops, &po->tp_drops);
	WRITE_ONCE(sk->sk_err, h.err);
	return 0;
}

/* -------------------------------------------------------- fanout groups */

static void ckpt_list_fanout(struct packet_fanout *f, struct ckpt_sock_group *g)
{
	struct bpf_prog *prog = NULL;
	struct sock *sk;
	u32 i;

	for (i = 0; i < f->num_members; i++) {
		sk = rcu_dereference_protected(f->arr[i],
					       lockdep_is_held(&f->lock));
		sock_hold(sk);
		g->sk[g->nr++] = sk;
	}
	if (f->type == PACKET_FANOUT_CBPF)
		prog = rcu_dereference_protected(f->bpf_prog,
						 lockdep_is_held(&f->lock));
	if (prog)
		g->nr_insns = ckpt_prog_insns(prog, g->insns);
	g->loaded = prog && !g->nr_insns;
}

static const struct sock *ckpt_fanout_first(struct sock *sk, bool *prog)
{
	const struct sock *first = sk;
	struct packet_fanout *f;

	*prog = false;
	mutex_lock(&fanout_mutex);
	f = pkt_sk(sk)->fanout;
	if (f) {
		spin_lock(&f->lock);
		first = f->num_members ? rcu_access_pointer(f->arr[0]) : NULL;
		*prog = f->type == PACKET_FANOUT_CBPF ||
			f->type == PACKET_FANOUT_EBPF;
		spin_unlock(&f->lock);
	}
	mutex_unlock(&fanout_mutex);
	return first;
}

/* Its members are open files, or about to leave it, which waits for the mutex. */
static int ckpt_fanout_list(struct sock *sk, struct ckpt_sock_group *g)
{
	struct packet_fanout *f;
	int err = 0;

	mutex_lock(&fanout_mutex);
	f = pkt_sk(sk)->fanout;
	if (f) {
		err = ckpt_sock_group_room(g, f->max_num_members,
					   f->type == PACKET_FANOUT_CBPF);
		spin_lock(&f->lock);
		if (!err)
			ckpt_list_fanout(f, g);
		spin_unlock(&f->lock);
	}
	mutex_unlock(&fanout_mutex);
	return err;
}

/* Somebody else may have come, whom the order does not know of. */
static int ckpt_order_fanout(struct packet_fanout *f, struct ckpt_sock_group *g)
{
	bool same;
	u32 i;

	if (!f || g->flags || (g->prog && f->type != PACKET_FANOUT_CBPF))
		return -EINVAL;
	spin_lock(&f->lock);
	same = f->num_members == g->nr;
	for (i = 0; i < g->nr && same; i++)
		same = ckpt_sock_group_has(g, rcu_access_pointer(f->arr[i]));
	for (i = 0; i < g->nr && same; i++)
		rcu_assign_pointer(f->arr[i], g->sk[i]);
	spin_unlock(&f->lock);
	return same || !g->prog ? 0 : -EADDRINUSE;
}

/* As setsockopt(2), whether SO_LOCK_FILTER is set or not */
static int ckpt_fanout_restore(struct ckpt_ctx *ctx, struct ckpt_sock_group *g)
{
	struct packet_fanout *f;
	int err;

	mutex_lock(&fanout_mutex);
	f = pkt_sk(g->sk[0])->fanout;
	err = ckpt_order_fanout(f, g);
	mutex_unlock(&fanout_mutex);
	/* its members are of the image, and stay in it */
	if (!err && g->prog) {
		__fanout_set_data_bpf(f, g->prog);
		g->prog = NULL;
	}
	return err;
}

static const struct ckpt_sock_group_kind ckpt_fanout_kind = {
	.name		= "PACKET_FANOUT_CBPF",
	.loaded		= "PACKET_FANOUT_EBPF",
	.shared		= "PACKET_FANOUT_CBPF that chooses sockets outside of the tree",
	.first		= ckpt_fanout_first,
	.list		= ckpt_fanout_list,
	.restore	= ckpt_fanout_restore,
};

const struct ckpt_sock_family ckpt_packet_family = {
	.family		= PF_PACKET,
	.name		= "packet",
	.collect	= ckpt_pk_collect,
	.external	= ckpt_pk_external,
	.refused	= ckpt_pk_refused,
	.write		= ckpt_pk_write,
	.restore	= ckpt_pk_restore,
	.late_write	= ckpt_pk_late_write,
	.late_restore	= ckpt_pk_late_restore,
	.group		= &ckpt_fanout_kind,
};
