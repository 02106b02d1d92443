// SPDX-License-Identifier: GPL-2.0
/*
 * Internet sockets: a UDP datagram that is not complete.
 *
 * What was given to the socket so far, with MSG_MORE or UDP_CORK, is in packets
 * that are not sent yet. It is given to it again, as by whoever did it.
 */

#include <linux/checkpoint_types.h>
#include <linux/in.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/udp.h>
#include <net/dst.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/udp.h>

#include "../core/checkpoint_sock.h"
#include "checkpoint_inet.h"

/**
 * ckpt_cork_refused - what about an incomplete datagram cannot be saved?
 * @sk: a UDP socket
 *
 * Return: a text, or NULL if there is nothing, or no such datagram.
 */
const char *ckpt_cork_refused(struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);
	const struct inet_cork *cork = &inet->cork.base;
	const char *why = NULL;
	struct sk_buff *skb;

	lock_sock(sk);
	if (!udp_sk(sk)->pending)
		goto out;
	if ((cork->flags & IPCORK_OPT) || cork->transmit_time ||
	    cork->mark != READ_ONCE(sk->sk_mark))
		why = "a datagram that is not complete, with options of its own";
#if IS_BUILTIN(CONFIG_IPV6)
	if (udp_sk(sk)->pending == AF_INET6 &&
	    (inet6_sk(sk)->cork.opt ||
	     (inet->cork.fl.u.ip6.flowlabel & IPV6_FLOWLABEL_MASK)))
		why = "a datagram that is not complete, with extension headers";
#endif
	skb_queue_walk(&sk->sk_write_queue, skb)
		if (skb_zcopy(skb))
			why = "a datagram that is not complete (MSG_ZEROCOPY)";
out:
	release_sock(sk);
	return why;
}

/* ---------------------------------------------------------- checkpoint */

static void map_addr(u8 *to, __be32 addr)
{
	struct in6_addr mapped;

	ipv6_addr_set_v4mapped(addr, &mapped);
	memcpy(to, &mapped, sizeof(mapped));
}

static void save_dest(struct sock *sk, struct ckpt_hdr_udp_cork *h)
{
	const struct inet_cork_full *cork = &inet_sk(sk)->cork;
	const struct flowi4 *fl4 = &cork->fl.u.ip4;
#if IS_BUILTIN(CONFIG_IPV6)
	const struct flowi6 *fl6 = &cork->fl.u.ip6;
	const struct ipv6_pinfo *np = inet6_sk(sk);

	if (h->family == AF_INET6) {
		h->dport = ntohs(fl6->fl6_dport);
		h->oif = fl6->flowi6_oif;
		h->ttl = np->cork.hop_limit;
		h->tos = np->cork.tclass;
		h->dontfrag = np->cork.dontfrag;
		memcpy(h->saddr, &fl6->saddr, sizeof(h->saddr));
		memcpy(h->daddr, &fl6->daddr, sizeof(h->daddr));
		return;
	}
#endif
	h->dport = ntohs(fl4->fl4_dport);
	/* elsewhere the route says it, as it did */
	if (ipv4_is_multicast(fl4->daddr) && cork->base.dst)
		h->oif = cork->base.dst->dev->ifindex;
	h->ttl = cork->base.ttl;
	h->tos = cork->base.tos;
	map_addr(h->saddr, fl4->saddr);
	map_addr(h->daddr, fl4->daddr);
}

/* What is in the packets behind their headers */
static int copy_data(struct sock *sk, void *buf, u32 len)
{
	const struct sk_buff *skb;
	u32 skip = sizeof(struct udphdr), at = 0;
	int from, err;

	skb_queue_walk(&sk->sk_write_queue, skb) {
		from = skb_transport_offset(skb) + skip;
		if (from < 0 || from > skb->len || skb->len - from > len - at)
			return -EIO;
		err = skb_copy_bits(skb, from, buf + at, skb->len - from);
		if (err)
			return err;
		at += skb->len - from;
		skip = 0;
	}
	return at == len ? 0 : -EIO;
}

/**
 * ckpt_cork_write - write an incomplete datagram
 * @ctx: the context
 * @sk: a UDP socket that has one
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_cork_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_sock_data d = {};
	struct ckpt_hdr_udp_cork h = {};
	void *buf;
	int err;

	buf = kvmalloc(CKPT_SOCK_DATA_MAX, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	lock_sock(sk);
	h.family = udp_sk(sk)->pending;
	h.len = udp_sk(sk)->len - sizeof(struct udphdr);
	h.gso_size = inet_sk(sk)->cork.base.gso_size;
	err = -EBUSY;
	if (h.family && h.len <= U16_MAX) {
		save_dest(sk, &h);
		err = copy_data(sk, buf, h.len);
	}
	release_sock(sk);
	if (err)
		ckpt_err(ctx, err, "UDP socket: a datagram that is not complete cannot be read: error %d",
			 err);
	if (!err)
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_UDP_CORK, sizeof(h));
	if (!err && h.len)
		err = ckpt_write_rec_tail(ctx, &d, CKPT_HDR_SOCK_DATA,
					  sizeof(d), buf, h.len);
	kvfree(buf);
	return err;
}

/* ------------------------------------------------------------- restart */

/* As much as add_cmsg() is called for at most */
#define CKPT_CORK_CONTROL	(CMSG_SPACE(sizeof(struct in6_pktinfo)) + \
				 4 * CMSG_SPACE(sizeof(int)))

static void add_cmsg(struct msghdr *msg, int level, int type, const void *data,
		     size_t len)
{
	struct cmsghdr *cmsg = msg->msg_control + msg->msg_controllen;

	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cmsg), data, len);
	msg->msg_controllen += CMSG_SPACE(len);
}

static void add_cmsg_int(struct msghdr *msg, int level, int type, int value)
{
	add_cmsg(msg, level, type, &value, sizeof(value));
}

static void set_control(struct msghdr *msg, const struct ckpt_hdr_udp_cork *h)
{
	struct in6_pktinfo info6 = { .ipi6_ifindex = h->oif };
	struct in_pktinfo info = { .ipi_ifindex = h->oif };
	u16 gso_size = h->gso_size;

	if (h->family == AF_INET6) {
		memcpy(&info6.ipi6_addr, h->saddr, sizeof(info6.ipi6_addr));
		add_cmsg(msg, SOL_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
		add_cmsg_int(msg, SOL_IPV6, IPV6_HOPLIMIT, h->ttl);
		add_cmsg_int(msg, SOL_IPV6, IPV6_TCLASS, h->tos);
		add_cmsg_int(msg, SOL_IPV6, IPV6_DONTFRAG, h->dontfrag);
	} else {
		memcpy(&info.ipi_spec_dst, h->saddr + 12,
		       sizeof(info.ipi_spec_dst));
		add_cmsg(msg, SOL_IP, IP_PKTINFO, &info, sizeof(info));
		if (h->ttl)
			add_cmsg_int(msg, SOL_IP, IP_TTL, h->ttl);
		if (h->tos >= 0)
			add_cmsg_int(msg, SOL_IP, IP_TOS, h->tos);
	}
	add_cmsg(msg, SOL_UDP, UDP_SEGMENT, &gso_size, sizeof(gso_size));
}

static bool cork_valid(const struct sock *sk, const struct ckpt_hdr_udp_cork *h)
{
	struct in6_addr saddr, daddr;
	bool mapped;

	memcpy(&saddr, h->saddr, sizeof(saddr));
	memcpy(&daddr, h->daddr, sizeof(daddr));
	mapped = ipv6_addr_v4mapped(&saddr) && ipv6_addr_v4mapped(&daddr);
	return (h->family == AF_INET ? mapped && !h->dontfrag :
		h->family == AF_INET6 && sk->sk_family == PF_INET6) &&
	       h->len <= U16_MAX && h->dport && h->dport <= U16_MAX &&
	       h->oif <= INT_MAX && h->ttl >= 0 && h->ttl <= U8_MAX &&
	       h->tos >= -1 && h->tos <= U8_MAX && h->gso_size <= U16_MAX &&
	       h->dontfrag <= 1;
}

static int send_again(struct sock *sk, const struct ckpt_hdr_udp_cork *h,
		      void *data)
{
	u8 control[CKPT_CORK_CONTROL] __aligned(sizeof(long)) = {};
	struct sockaddr_storage addr = {};
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&addr;
	struct sockaddr_in *sin = (struct sockaddr_in *)&addr;
	struct kvec vec = { .iov_base = data, .iov_len = h->len };
	struct msghdr msg = {
		.msg_name = &addr,
		.msg_control = control,
		.msg_flags = MSG_MORE | MSG_DONTWAIT,
	};
	int ret;

	if (sk->sk_family == PF_INET) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(h->dport);
		memcpy(&sin->sin_addr, h->daddr + 12, sizeof(sin->sin_addr));
		msg.msg_namelen = sizeof(*sin);
	} else {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(h->dport);
		memcpy(&sin6->sin6_addr, h->daddr, sizeof(sin6->sin6_addr));
		msg.msg_namelen = sizeof(*sin6);
	}
	set_control(&msg, h);
	ret = kernel_sendmsg(sk->sk_socket, &msg, &vec, 1, h->len);
	if (ret < 0)
		return ret;
	return ret == h->len ? 0 : -EIO;
}

/**
 * ckpt_cork_restore - read an incomplete datagram
 * @ctx: the context
 * @sk: a UDP socket, which is where it was, and has none
 *
 * Context: a restored task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_cork_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_sock_data *d = NULL;
	struct ckpt_hdr_udp_cork h;
	size_t len;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_UDP_CORK, sizeof(h));
	if (err)
		return err;
	if (!cork_valid(sk, &h))
		return ckpt_err(ctx, -EINVAL, "image: incomplete datagram of %u bytes to %pI6c port %u",
				h.len, h.daddr, h.dport);
	if (h.len) {
		len = sizeof(*d) + round_up(h.len, 8);
		d = ckpt_read_rec(ctx, CKPT_HDR_SOCK_DATA, len, len);
		if (IS_ERR(d))
			return PTR_ERR(d);
	}
	err = send_again(sk, &h, d ? d->data : NULL);
	kvfree(d);
	if (err)
		return ckpt_err(ctx, err, "UDP socket: a datagram to %pI6c port %u cannot be begun again: error %d",
				h.daddr, h.dport, err);
	return 0;
}
