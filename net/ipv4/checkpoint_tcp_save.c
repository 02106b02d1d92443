// SPDX-License-Identifier: GPL-2.0
/*
 * TCP sockets: the state of a connection, and what is in its queues, are copied
 * while the socket is locked, and written when it is not. What was received out
 * of order is left out: the peer sends it again.
 */

#include <linux/checkpoint_types.h>
#include <linux/mm.h>
#include <net/tcp.h>

#include "../core/checkpoint_sock.h"
#include "checkpoint_inet.h"
#include "checkpoint_tcp.h"

/**
 * struct ckpt_tcp_data - what was in the queues at one moment
 * @rcv: bytes that were not read
 * @snd: bytes that were not acknowledged
 * @seg: what they are made of
 * @nr: number of entries in @seg
 * @addr: the record of where it was
 * @late: the record
 */
struct ckpt_tcp_data {
	void *rcv;
	void *snd;
	struct ckpt_hdr_tcp_seg *seg;
	u32 nr;
	struct ckpt_hdr_inet_addr addr;
	struct ckpt_hdr_tcp_late late;
};

static void data_free(struct ckpt_tcp_data *d)
{
	kvfree(d->seg);
	kvfree(d->snd);
	kvfree(d->rcv);
}

/* How many bytes of a segment in the receive queue were read before */
static u32 rcv_offset(const struct tcp_sock *tp, const struct sk_buff *skb)
{
	u32 seq = TCP_SKB_CB(skb)->seq;

	if (TCP_SKB_CB(skb)->tcp_flags & TCPHDR_SYN)
		seq++;
	if (!after(tp->copied_seq, seq))
		return 0;
	return min(tp->copied_seq - seq, skb->len);
}

static int take_rcv(struct sock *sk, struct ckpt_tcp_data *d)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 total = 0, at = 0, off;
	struct sk_buff *skb;
	int err = 0;

	skb_queue_walk(&sk->sk_receive_queue, skb)
		total += skb->len - rcv_offset(tp, skb);
	if (!total)
		return 0;
	d->rcv = kvmalloc(total, GFP_KERNEL_ACCOUNT);
	if (!d->rcv)
		return -ENOMEM;
	skb_queue_walk(&sk->sk_receive_queue, skb) {
		off = rcv_offset(tp, skb);
		if (!err && off < skb->len)
			err = skb_copy_bits(skb, off, d->rcv + at,
					    skb->len - off);
		at += skb->len - off;
	}
	d->late.rcv_bytes = total;
	return err;
}

/* How many bytes of a segment in the send queue were acknowledged before */
static u32 snd_offset(const struct tcp_sock *tp, const struct sk_buff *skb)
{
	u32 seq = TCP_SKB_CB(skb)->seq;

	if (!after(tp->snd_una, seq))
		return 0;
	return min(tp->snd_una - seq, skb->len);
}

/* A segment, in pieces */
static int take_seg(struct sock *sk, struct ckpt_tcp_data *d,
		    struct sk_buff *skb, u32 sent, u32 *at)
{
	const struct tcp_skb_cb *tcb = TCP_SKB_CB(skb);
	u32 off = snd_offset(tcp_sk(sk), skb), n;
	bool last;
	int err;

	/* it is made again */
	if (tcb->tcp_flags & TCPHDR_SYN)
		return 0;
	for (;;) {
		n = min_t(u32, skb->len - off, CKPT_TCP_SEG_MAX);
		last = off + n == skb->len;
		if (!n && !(tcb->tcp_flags & TCPHDR_FIN))
			return 0;
		err = skb_copy_bits(skb, off, d->snd + *at, n);
		if (err)
			return err;
		d->seg[d->nr].len = n;
		d->seg[d->nr].flags = sent;
		if (last && (tcb->tcp_flags & TCPHDR_PSH))
			d->seg[d->nr].flags |= CKPT_TCP_PUSH;
		if (last && tcb->eor)
			d->seg[d->nr].flags |= CKPT_TCP_EOR;
		if (last && (tcb->tcp_flags & TCPHDR_FIN))
			d->seg[d->nr].flags |= CKPT_TCP_FIN;
		d->nr++;
		*at += n;
		off += n;
		if (last)
			return 0;
	}
}

static void count_seg(const struct sk_buff *skb, u32 *nr, u32 *total)
{
	*nr += skb->len / CKPT_TCP_SEG_MAX + 1;
	*total += skb->len;
}

static int take_snd(struct sock *sk, struct ckpt_tcp_data *d)
{
	u32 nr = 0, total = 0, at = 0;
	struct sk_buff *skb;
	int err = 0;

	skb_rbtree_walk(skb, &sk->tcp_rtx_queue)
		count_seg(skb, &nr, &total);
	skb_queue_walk(&sk->sk_write_queue, skb)
		count_seg(skb, &nr, &total);
	if (!nr)
		return 0;
	d->snd = kvmalloc(total ?: 1, GFP_KERNEL_ACCOUNT);
	d->seg = kvcalloc(nr, sizeof(*d->seg), GFP_KERNEL_ACCOUNT);
	if (!d->snd || !d->seg)
		return -ENOMEM;
	skb_rbtree_walk(skb, &sk->tcp_rtx_queue)
		if (!err)
			err = take_seg(sk, d, skb, CKPT_TCP_SENT, &at);
	skb_queue_walk(&sk->sk_write_queue, skb)
		if (!err)
			err = take_seg(sk, d, skb, 0, &at);
	d->late.nr_segs = d->nr;
	return err;
}

static void take_state(struct sock *sk, struct ckpt_hdr_tcp_late *h)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_options_received *opt = &tp->rx_opt;

	h->state = sk->sk_state;
	h->flags = (opt->tstamp_ok ? CKPT_TCP_TSTAMP : 0) |
		   (tp->tcp_usec_ts ? CKPT_TCP_USEC : 0) |
		   (opt->sack_ok ? CKPT_TCP_SACK : 0) |
		   (opt->wscale_ok ? CKPT_TCP_WSCALE : 0) |
		   (sock_flag(sk, SOCK_DONE) ? CKPT_TCP_DONE : 0) |
		   (inet_csk_in_pingpong_mode(sk) ? CKPT_TCP_PINGPONG : 0);
	h->backlog = sk->sk_max_ack_backlog;
	h->snd_una = tp->snd_una;
	h->snd_nxt = tp->snd_nxt;
	h->write_seq = tp->write_seq;
	h->rcv_nxt = tp->rcv_nxt;
	h->copied_seq = tp->copied_seq;
	h->rcv_wup = tp->rcv_wup;
	h->rcv_wnd = tp->rcv_wnd;
	h->snd_wl1 = tp->snd_wl1;
	h->snd_wnd = tp->snd_wnd;
	h->max_window = tp->max_window;
	h->window_clamp = tp->window_clamp;
	h->rcv_ssthresh = tp->rcv_ssthresh;
	h->snd_wscale = opt->snd_wscale;
	h->rcv_wscale = opt->rcv_wscale;
	h->mss_clamp = opt->mss_clamp;
	h->ecn = tp->ecn_flags & CKPT_TCP_ECN_ALL;
	h->nonagle = tp->nonagle & CKPT_TCP_NAGLE_ALL;
	h->urg_seq = tp->urg_seq;
	h->urg_data = tp->urg_data;
	h->snd_up = tp->snd_up;
	h->tsval = tcp_clock_ts(tp->tcp_usec_ts) + tp->tsoffset;
	h->time_ns = ktime_get_real_ns();
	h->ts_recent = opt->ts_recent;
	h->ts_recent_age_s = U32_MAX;
	if (opt->ts_recent_stamp)
		h->ts_recent_age_s = ktime_get_seconds() -
				     opt->ts_recent_stamp;
	h->srtt_us = tp->srtt_us;
	h->rttvar_us = tp->rttvar_us;
}

/* All of it, of one moment; written when the socket is not locked any more */
static int take_data(struct sock *sk, struct ckpt_tcp_data *d)
{
	int err;

	memset(d, 0, sizeof(*d));
	lock_sock(sk);
	ckpt_inet_addr_take(sk, &d->addr);
	take_state(sk, &d->late);
	if (sk->sk_state == TCP_LISTEN) {
		release_sock(sk);
		return 0;
	}
	err = take_rcv(sk, d);
	if (!err && sk->sk_state != TCP_CLOSE)
		err = take_snd(sk, d);
	release_sock(sk);
	return err;
}

static int write_bytes(struct ckpt_ctx *ctx, const void *data, u32 len)
{
	struct ckpt_hdr_sock_data h = {};
	int err = 0;
	u32 n;

	for (; len && !err; len -= n, data += n) {
		n = min_t(u32, len, CKPT_SOCK_DATA_MAX);
		err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_SOCK_DATA,
					  sizeof(h), data, n);
	}
	return err;
}

static int write_data(struct ckpt_ctx *ctx, struct ckpt_tcp_data *d)
{
	u32 i, at = 0;
	int err;

	err = ckpt_write_rec(ctx, &d->late, CKPT_HDR_TCP_LATE,
			     sizeof(d->late));
	if (!err)
		err = write_bytes(ctx, d->rcv, d->late.rcv_bytes);
	for (i = 0; i < d->nr && !err; i++) {
		err = ckpt_write_rec(ctx, &d->seg[i], CKPT_HDR_TCP_SEG,
				     sizeof(d->seg[i]));
		if (!err)
			err = write_bytes(ctx, d->snd + at, d->seg[i].len);
		at += d->seg[i].len;
		cond_resched();
	}
	return err;
}

static int write_listener(struct ckpt_ctx *ctx, struct sock *sk,
			  struct ckpt_hdr_tcp_late *late)
{
	struct ckpt_hdr_tcp_waiting h = {};
	struct ckpt_tcp_waiting w;
	int ref, err;
	u32 i;

	err = ckpt_tcp_waiting_get(sk, &w);
	if (!err) {
		late->nr_waiting = w.nr;
		err = ckpt_write_rec(ctx, late, CKPT_HDR_TCP_LATE,
				     sizeof(*late));
	}
	for (i = 0; i < w.nr && !err; i++) {
		ref = ckpt_obj_checkpoint(ctx, w.sk[i], CKPT_OBJ_SOCK);
		if (ref < 0) {
			err = ref;
			break;
		}
		h.sock = ref;
		ckpt_obj_mark(ctx, w.sk[i], CKPT_OBJ_SOCK,
			      CKPT_SOCK_MARK_QUEUED);
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_TCP_WAITING, sizeof(h));
	}
	ckpt_tcp_waiting_put(&w);
	return err;
}

/**
 * ckpt_tcp_late_write - write where a socket is, its state, and what it holds
 * @ctx: the context
 * @sk: the socket
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_tcp_late_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_tcp_data *d;
	int err;

	d = kmalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return -ENOMEM;
	err = take_data(sk, d);
	if (!err)
		err = ckpt_write_rec(ctx, &d->addr, CKPT_HDR_INET_ADDR,
				     sizeof(d->addr));
	if (!err && d->late.state == TCP_LISTEN)
		err = write_listener(ctx, sk, &d->late);
	else if (!err)
		err = write_data(ctx, d);
	data_free(d);
	kfree(d);
	return err;
}
