// SPDX-License-Identifier: GPL-2.0
/*
 * TCP sockets: they listen again, and connections go on.
 *
 * A connection is restored as TCP_REPAIR does it: it is connected without a
 * word to the peer, gets its sequence numbers, options and windows, and then
 * what was in its queues. What was sent and not acknowledged is sent again when
 * the timer says so.
 */

#include <linux/checkpoint_types.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/security.h>
#include <linux/user_namespace.h>
#include <net/inet_common.h>
#include <net/inet_connection_sock.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "../core/checkpoint_sock.h"
#include "checkpoint_inet.h"
#include "checkpoint_tcp.h"

#define CKPT_TCP_ALL	(CKPT_TCP_TSTAMP | CKPT_TCP_USEC | CKPT_TCP_SACK | \
			 CKPT_TCP_WSCALE | CKPT_TCP_DONE | CKPT_TCP_PINGPONG)
#define CKPT_TCP_SEG_ALL \
	(CKPT_TCP_SENT | CKPT_TCP_PUSH | CKPT_TCP_EOR | CKPT_TCP_FIN)

/* Most that a clock of timestamps is put forward: the peer believes no more */
#define CKPT_TCP_TS_MAX		BIT(30)

/**
 * ckpt_tcp_detach - a restored socket has no file: it waits as it is
 * @sk: the socket
 */
void ckpt_tcp_detach(struct sock *sk)
{
}

/**
 * ckpt_tcp_release - a restored socket without a file belongs to nobody
 * @sk: the socket
 *
 * Context: process context, may sleep.
 */
void ckpt_tcp_release(struct sock *sk)
{
	tcp_close(sk, 0);
}

/* As connect(2) leaves it, which moves no socket that has a source address */
static bool ends_valid(const struct ckpt_hdr_inet_addr *a)
{
	return a->dport && !memcmp(a->bound, a->saddr, sizeof(a->bound)) &&
	       memchr_inv(a->bound, 0, sizeof(a->bound)) &&
	       memchr_inv(a->daddr, 0, sizeof(a->daddr));
}

/* As tcp_repair_set_window() and tcp_repair_options_est() ask for, and more */
static bool late_valid(const struct ckpt_hdr_inet_addr *a,
		       const struct ckpt_hdr_tcp_late *h)
{
	bool connected = ckpt_tcp_connected(h->state);
	u32 gap = h->rcv_nxt - h->copied_seq;
	bool fin;

	if (!connected && h->state != TCP_CLOSE && h->state != TCP_LISTEN &&
	    h->state != TCP_SYN_SENT)
		return false;
	if ((h->flags & ~CKPT_TCP_ALL) || h->reserved || h->time_ns < 0 ||
	    (h->ecn & ~CKPT_TCP_ECN_ALL) ||
	    (h->nonagle & ~CKPT_TCP_NAGLE_ALL) ||
	    (h->nr_waiting && h->state != TCP_LISTEN) ||
	    (h->nr_segs && !connected) ||
	    (h->rcv_bytes && !connected && h->state != TCP_CLOSE) ||
	    (h->state != TCP_CLOSE && !a->sport) ||
	    ((connected || h->state == TCP_SYN_SENT) && !ends_valid(a)))
		return false;
	if (h->state == TCP_LISTEN || h->state == TCP_SYN_SENT)
		return true;
	/* the end of the stream has a number, too */
	fin = h->flags & CKPT_TCP_DONE;
	if (gap != h->rcv_bytes && !(fin && gap == h->rcv_bytes + 1))
		return false;
	if (!connected)
		return true;
	return h->snd_wscale <= TCP_MAX_WSCALE &&
	       h->rcv_wscale <= TCP_MAX_WSCALE &&
	       h->max_window <= (u32)U16_MAX << TCP_MAX_WSCALE &&
	       h->rcv_wnd <= (u32)U16_MAX << TCP_MAX_WSCALE &&
	       h->window_clamp <= (u32)U16_MAX << TCP_MAX_WSCALE &&
	       h->snd_wnd <= h->max_window &&
	       h->mss_clamp && h->mss_clamp <= U16_MAX &&
	       !after(h->rcv_wup, h->rcv_nxt) &&
	       !after(h->snd_una, h->snd_nxt) &&
	       !after(h->snd_nxt, h->write_seq) &&
	       !(h->urg_data & ~(TCP_URG_VALID | TCP_URG_NOTYET |
				 TCP_URG_READ | 0xff)) &&
	       h->srtt_us <= INT_MAX / 2 && h->rttvar_us <= INT_MAX / 2;
}

/* As much as the queues of any socket may have, and some that is on its way */
static int check_size(struct ckpt_ctx *ctx, struct sock *sk, u32 rcv, u32 snd)
{
	struct net *net = sock_net(sk);
	u64 slack = 4 * U16_MAX;

	if (capable(CAP_NET_ADMIN))
		return 0;
	if (rcv > slack + max_t(u64, READ_ONCE(sk->sk_rcvbuf),
				READ_ONCE(net->ipv4.sysctl_tcp_rmem[2])) ||
	    snd > slack + max_t(u64, READ_ONCE(sk->sk_sndbuf),
				READ_ONCE(net->ipv4.sysctl_tcp_wmem[2])))
		return ckpt_err(ctx, -EPERM, "TCP connection with %u and %u bytes in its queues: CAP_NET_ADMIN is needed",
				rcv, snd);
	return 0;
}

static struct ckpt_hdr_sock_data *read_bytes(struct ckpt_ctx *ctx, u32 n)
{
	size_t len = sizeof(struct ckpt_hdr_sock_data) + round_up(n, 8);

	return ckpt_read_rec(ctx, CKPT_HDR_SOCK_DATA, len, len);
}

static int put_rcv(struct sock *sk, void *data, u32 len)
{
	struct msghdr msg = {};
	struct kvec vec;
	int n;

	while (len) {
		vec.iov_base = data;
		vec.iov_len = len;
		iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, len);
		n = tcp_send_rcvq(sk, &msg, len);
		if (n <= 0)
			return n ?: -ENOMEM;
		data += n;
		len -= n;
	}
	return 0;
}

/* What was not read; of a connection that is reset, nobody reads it. */
static int restore_rcv(struct ckpt_ctx *ctx, struct sock *sk, u32 left,
		       bool reset)
{
	struct ckpt_hdr_sock_data *h;
	int rcvbuf, err = 0;
	u32 n;

	for (; left && !err; left -= n) {
		n = min_t(u32, left, CKPT_SOCK_DATA_MAX);
		h = read_bytes(ctx, n);
		if (IS_ERR(h))
			return PTR_ERR(h);
		if (!reset) {
			lock_sock(sk);
			/* it had room for it, and perhaps otherwise packed */
			rcvbuf = sk->sk_rcvbuf;
			WRITE_ONCE(sk->sk_rcvbuf, INT_MAX / 2);
			err = put_rcv(sk, h->data, n);
			WRITE_ONCE(sk->sk_rcvbuf, rcvbuf);
			release_sock(sk);
		}
		kvfree(h);
		cond_resched();
	}
	return err;
}

/* As tcp_sendmsg_locked() adds it to the segment */
static int put_page_of(struct sock *sk, struct sk_buff *skb, const void *data,
		       u32 len)
{
	struct page *page;

	if (tcp_wmem_schedule(sk, len) < len)
		return -ENOMEM;
	page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	memcpy(page_address(page), data, len);
	skb_fill_page_desc(skb, skb_shinfo(skb)->nr_frags, page, 0, len);
	skb_len_add(skb, len);
	sk_wmem_queued_add(sk, len);
	sk_mem_charge(sk, len);
	return 0;
}

static int put_seg(struct sock *sk, const struct ckpt_hdr_tcp_seg *h,
		   const void *data)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;
	u32 at, n;
	int err;

	skb = tcp_stream_alloc_skb(sk, GFP_KERNEL, true);
	if (!skb)
		return -ENOMEM;
	tcp_skb_entail(sk, skb);
	for (at = 0; at < h->len; at += n) {
		n = min_t(u32, h->len - at, PAGE_SIZE);
		err = put_page_of(sk, skb, data + at, n);
		if (err)
			return err;
	}
	TCP_SKB_CB(skb)->end_seq += h->len;
	if (h->flags & CKPT_TCP_FIN) {
		TCP_SKB_CB(skb)->tcp_flags |= TCPHDR_FIN;
		TCP_SKB_CB(skb)->end_seq++;
	}
	WRITE_ONCE(tp->write_seq, TCP_SKB_CB(skb)->end_seq);
	tcp_skb_pcount_set(skb, 0);
	if (h->flags & CKPT_TCP_PUSH)
		tcp_mark_push(tp, skb);
	TCP_SKB_CB(skb)->eor = !!(h->flags & CKPT_TCP_EOR);
	if (h->flags & CKPT_TCP_SENT)
		TCP_SKB_CB(skb)->sacked |= TCPCB_REPAIRED;
	return 0;
}

/*
 * All that is in the queue so far was sent: nothing leaves here. Nobody can
 * answer so far, for which the timers wait: see go_live().
 */
static void mark_sent(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->repair_queue = TCP_SEND_QUEUE;
	__tcp_push_pending_frames(sk, tcp_current_mss(sk), TCP_NAGLE_PUSH);
	tp->repair_queue = TCP_NO_QUEUE;
	inet_csk_clear_xmit_timers(sk);
}

static bool seg_valid(const struct ckpt_hdr_tcp_seg *h, u32 last, bool may_end)
{
	return h->len <= CKPT_TCP_SEG_MAX && !(h->flags & ~CKPT_TCP_SEG_ALL) &&
	       (h->len || (h->flags & CKPT_TCP_FIN)) &&
	       (may_end || !(h->flags & CKPT_TCP_FIN)) &&
	       !(last & CKPT_TCP_FIN) &&
	       ((last & CKPT_TCP_SENT) || !(h->flags & CKPT_TCP_SENT));
}

/* However small its segments are: as send(2), which counts what they take */
static int check_queued(struct ckpt_ctx *ctx, struct sock *sk)
{
	u32 most = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_wmem[2]);
	u64 room = 4 * U16_MAX + 2 * (u64)max_t(u32, most, sk->sk_sndbuf);

	if (capable(CAP_NET_ADMIN) || room > INT_MAX / 2)
		room = INT_MAX / 2;
	if (sk->sk_wmem_queued > room)
		return ckpt_err(ctx, -EPERM, "TCP connection whose send queue takes more than %llu bytes of memory: not allowed",
				room);
	return 0;
}

static int restore_seg(struct ckpt_ctx *ctx, struct sock *sk,
		       const struct ckpt_hdr_tcp_seg *seg, bool reset)
{
	struct ckpt_hdr_sock_data *h = NULL;
	int err = 0;

	if (seg->len) {
		h = read_bytes(ctx, seg->len);
		if (IS_ERR(h))
			return PTR_ERR(h);
	}
	if (!reset) {
		lock_sock(sk);
		err = check_queued(ctx, sk);
		if (!err)
			err = put_seg(sk, seg, h ? h->data : NULL);
		/* those that were not come behind it */
		if (!err && (seg->flags & CKPT_TCP_SENT))
			mark_sent(sk);
		release_sock(sk);
	}
	kvfree(h);
	return err;
}

static int restore_snd(struct ckpt_ctx *ctx, struct sock *sk,
		       const struct ckpt_hdr_tcp_late *late, bool reset)
{
	/* in FIN_WAIT2 the end was acknowledged, and so was all before it */
	bool acked = late->state == TCP_FIN_WAIT2;
	bool ends = ckpt_tcp_closed(late->state) && !acked;
	u32 last = CKPT_TCP_SENT, i, sum = 0, sent = 0;
	struct ckpt_hdr_tcp_seg seg;
	int err = 0;

	for (i = 0; i < late->nr_segs && !err; i++) {
		err = ckpt_read_rec_into(ctx, &seg, CKPT_HDR_TCP_SEG,
					 sizeof(seg));
		if (err)
			return err;
		sum += seg.len + !!(seg.flags & CKPT_TCP_FIN);
		if (seg.flags & CKPT_TCP_SENT)
			sent = sum;
		/* never more than was checked to fit */
		if (!seg_valid(&seg, last, ends) || acked ||
		    sum > late->write_seq - late->snd_una)
			return ckpt_err(ctx, -EINVAL, "image: TCP segment of %u bytes with flags %#x",
					seg.len, seg.flags);
		last = seg.flags;
		err = restore_seg(ctx, sk, &seg, reset);
		cond_resched();
	}
	if (err)
		return err;
	if (sum != late->write_seq - late->snd_una ||
	    sent != late->snd_nxt - late->snd_una ||
	    ends != !!(last & CKPT_TCP_FIN))
		return ckpt_err(ctx, -EINVAL, "image: TCP connection with %u of %u bytes not acknowledged",
				sum, late->write_seq - late->snd_una);
	return 0;
}

/* How long it is since the socket was looked at, in nanoseconds */
static u64 elapsed_ns(const struct ckpt_hdr_tcp_late *h)
{
	s64 ns = ktime_get_real_ns() - h->time_ns;

	return ns > 0 ? ns : 0;
}

/* Whose timestamps must not go back, whatever this machine's clock shows */
static void restore_stamps(struct tcp_sock *tp,
			   const struct ckpt_hdr_tcp_late *h)
{
	u64 ns = elapsed_ns(h), ticks;
	time64_t age;

	tp->tcp_usec_ts = !!(h->flags & CKPT_TCP_USEC);
	ticks = div_u64(ns, tp->tcp_usec_ts ? NSEC_PER_USEC : NSEC_PER_MSEC);
	WRITE_ONCE(tp->tsoffset, h->tsval +
		   (u32)min_t(u64, ticks, CKPT_TCP_TS_MAX) -
		   tcp_clock_ts(tp->tcp_usec_ts));
	tp->rx_opt.ts_recent = h->ts_recent;
	tp->rx_opt.ts_recent_stamp = 0;
	if (h->ts_recent_age_s == U32_MAX)
		return;
	age = h->ts_recent_age_s + div_u64(ns, NSEC_PER_SEC);
	tp->rx_opt.ts_recent_stamp = max_t(time64_t, 1,
					   ktime_get_seconds() - age);
}

/* What the peer has agreed to, before anything is in the queues */
static void restore_agreed(struct sock *sk, const struct ckpt_hdr_tcp_late *h)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_options_received *opt = &tp->rx_opt;

	opt->tstamp_ok = !!(h->flags & CKPT_TCP_TSTAMP);
	opt->sack_ok = h->flags & CKPT_TCP_SACK ? TCP_SACK_SEEN : 0;
	opt->wscale_ok = !!(h->flags & CKPT_TCP_WSCALE);
	opt->snd_wscale = opt->wscale_ok ? h->snd_wscale : 0;
	opt->rcv_wscale = opt->wscale_ok ? h->rcv_wscale : 0;
	tp->tcp_header_len = sizeof(struct tcphdr);
	if (opt->tstamp_ok)
		tp->tcp_header_len += TCPOLEN_TSTAMP_ALIGNED;
	restore_stamps(tp, h);
	tp->ecn_flags = h->ecn;
	/* no segment is larger than half of that */
	tp->max_window = h->max_window;
	opt->mss_clamp = h->mss_clamp;
	tcp_mtup_init(sk);
	tcp_sync_mss(sk, icsk->icsk_pmtu_cookie);
	tcp_initialize_rcv_mss(sk);
	tp->srtt_us = h->srtt_us;
	tp->rttvar_us = h->rttvar_us;
	tp->mdev_us = h->rttvar_us;
	tp->mdev_max_us = h->rttvar_us;
	tp->rtt_seq = tp->snd_nxt;
	if (tp->srtt_us)
		icsk->icsk_rto = clamp_t(u32, __tcp_set_rto(tp), TCP_RTO_MIN,
					 TCP_RTO_MAX);
}

/* What is known of both ends, when the queues are full again */
static void restore_windows(struct sock *sk, const struct ckpt_hdr_tcp_late *h)
{
	struct tcp_sock *tp = tcp_sk(sk);

	WRITE_ONCE(tp->rcv_nxt, h->rcv_nxt);
	tp->snd_wl1 = h->snd_wl1;
	tp->snd_wnd = h->snd_wnd;
	tp->rcv_wnd = h->rcv_wnd;
	tp->rcv_wup = h->rcv_wup;
	WRITE_ONCE(tp->window_clamp, h->window_clamp);
	tp->rcv_ssthresh = min(h->rcv_ssthresh, h->window_clamp);
	WRITE_ONCE(tp->urg_seq, h->urg_seq);
	WRITE_ONCE(tp->urg_data, h->urg_data);
	tp->snd_up = h->snd_up;
	if (before(tp->snd_up, tp->snd_una) ||
	    after(tp->snd_up, tp->write_seq))
		tp->snd_up = tp->snd_una;
	tp->nonagle = h->nonagle;
	if (h->flags & CKPT_TCP_PINGPONG)
		inet_csk_enter_pingpong_mode(sk);
	else
		inet_csk_exit_pingpong_mode(sk);
}

/**
 * struct ckpt_end - an end of a connection, as system calls have it
 * @addr: any of the two
 * @in: an IPv4 one
 * @in6: an IPv6 one
 * @len: length of the one that it is, in bytes
 */
struct ckpt_end {
	union {
		struct sockaddr addr;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	int len;
};

static void get_end(const struct sock *sk, const __u8 *addr, u32 port,
		    struct ckpt_end *e)
{
	memset(e, 0, sizeof(*e));
	if (sk->sk_family == AF_INET) {
		e->in.sin_family = AF_INET;
		memcpy(&e->in.sin_addr, addr + 12, 4);
		e->in.sin_port = htons(port);
		e->len = sizeof(e->in);
		return;
	}
	e->in6.sin6_family = AF_INET6;
	memcpy(&e->in6.sin6_addr, addr, sizeof(e->in6.sin6_addr));
	e->in6.sin6_port = htons(port);
	e->len = sizeof(e->in6);
}

/* What others have connected, and waits to be accepted, nobody asks for. */
static int may_connect(struct sock *sk, const struct ckpt_hdr_inet_addr *a)
{
	struct ckpt_end end;
	int err;

	if (!sk->sk_socket)
		return 0;
	get_end(sk, a->bound, a->sport, &end);
	err = security_socket_bind(sk->sk_socket, &end.addr, end.len);
	if (err)
		return err;
	get_end(sk, a->daddr, a->dport, &end);
	return ckpt_sock_may_connect(sk, &end.addr, end.len);
}

static void set_rcv_saddr(struct sock *sk, const struct ckpt_hdr_inet_addr *a)
{
	__be32 v4;

	memcpy(&v4, a->bound + 12, sizeof(v4));
	if (sk->sk_family == AF_INET) {
		sk_rcv_saddr_set(sk, v4);
		return;
	}
#if IS_ENABLED(CONFIG_IPV6)
	memcpy(&sk->sk_v6_rcv_saddr, a->bound, sizeof(a->bound));
	if (ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr))
		sk_rcv_saddr_set(sk, v4);
#endif
}

/* The port that it had, whoever else has it: others are in its connections. */
static int take_port(struct sock *sk, const struct ckpt_hdr_inet_addr *a)
{
	struct inet_sock *inet = inet_sk(sk);
	unsigned char reuse = sk->sk_reuse;
	int err;

	sk->sk_reuse = SK_FORCE_REUSE;
	err = sk->sk_prot->get_port(sk, a->sport);
	sk->sk_reuse = reuse;
	if (err)
		return -EADDRINUSE;
	inet->inet_sport = htons(inet->inet_num);
	if (a->flags & CKPT_INET_ADDR_LOCK)
		sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
	if (a->flags & CKPT_INET_PORT_LOCK)
		sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	return 0;
}

/*
 * As TCP_REPAIR, bind(2) and connect(2): nothing is sent. One that has not had
 * an answer so far asks again, unheard as yet.
 */
static int connect_again(struct sock *sk, const struct ckpt_hdr_inet_addr *a,
			 const struct ckpt_hdr_tcp_late *h)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct ckpt_end peer;
	int err;

	get_end(sk, a->daddr, a->dport, &peer);
	ckpt_inet_set_peer(sk, a);
	set_rcv_saddr(sk, a);
	err = take_port(sk, a);
	if (err)
		return err;
	WRITE_ONCE(tp->write_seq, h->snd_una);
	if (h->state == TCP_SYN_SENT)
		return sk->sk_prot->connect(sk, &peer.addr, peer.len);
	tp->repair = 1;
	tp->repair_queue = TCP_NO_QUEUE;
	WRITE_ONCE(tp->rcv_nxt, h->copied_seq);
	err = sk->sk_prot->connect(sk, &peer.addr, peer.len);
	/* with the flow label, which that has not kept */
	if (!err)
		ckpt_inet_set_peer(sk, a);
	return err;
}

static void connect_tuple(const struct ckpt_hdr_inet_addr *a,
			  struct ckpt_tuple *t)
{
	memcpy(&t->local, a->bound, sizeof(t->local));
	memcpy(&t->remote, a->daddr, sizeof(t->remote));
	t->lport = htons(a->sport);
	t->rport = htons(a->dport);
}

static int restore_connection(struct ckpt_ctx *ctx, struct sock *sk,
			      const struct ckpt_hdr_inet_addr *a,
			      const struct ckpt_hdr_tcp_late *h)
{
	struct net *net = sock_net(sk);
	struct ckpt_tuple t;
	int err;

	if (!ns_capable(net->user_ns, CAP_NET_ADMIN) ||
	    (inet_port_requires_bind_service(net, a->sport) &&
	     !ns_capable(net->user_ns, CAP_NET_BIND_SERVICE)))
		return ckpt_err(ctx, -EPERM, "TCP connection: CAP_NET_ADMIN is needed in the user namespace of its network namespace");
	err = check_size(ctx, sk, h->rcv_bytes, h->write_seq - h->snd_una);
	if (err)
		return err;
	err = may_connect(sk, a);
	if (err)
		return ckpt_err(ctx, err, "TCP connection of %pI6c port %u to %pI6c port %u: not allowed: error %d",
				a->bound, a->sport, a->daddr, a->dport, err);
	connect_tuple(a, &t);
	err = ckpt_tcp_silence(ctx, sk, &t);
	if (err)
		return err;
	lock_sock(sk);
	err = connect_again(sk, a, h);
	if (!err && h->state != TCP_SYN_SENT)
		restore_agreed(sk, h);
	release_sock(sk);
	if (err)
		return ckpt_err(ctx, err, "TCP connection of %pI6c port %u to %pI6c port %u: cannot be restored: error %d",
				a->bound, a->sport, a->daddr, a->dport,
				err);
	if (h->state == TCP_SYN_SENT)
		return 0;
	err = restore_rcv(ctx, sk, h->rcv_bytes, false);
	if (!err)
		err = restore_snd(ctx, sk, h, false);
	if (err)
		return err;
	lock_sock(sk);
	restore_windows(sk, h);
	if (h->flags & CKPT_TCP_DONE)
		sock_set_flag(sk, SOCK_DONE);
	if (h->state != TCP_ESTABLISHED)
		tcp_set_state(sk, h->state);
	ckpt_inet_set_err(sk, a);
	release_sock(sk);
	return 0;
}

/* As if the peer had sent a reset */
static int restore_reset(struct ckpt_ctx *ctx, struct sock *sk,
			 const struct ckpt_hdr_tcp_late *h)
{
	int err;

	err = restore_rcv(ctx, sk, h->rcv_bytes, true);
	if (!err)
		err = restore_snd(ctx, sk, h, true);
	lock_sock(sk);
	WRITE_ONCE(sk->sk_err, ECONNRESET);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	release_sock(sk);
	return err;
}

static int restore_closed(struct ckpt_ctx *ctx, struct sock *sk,
			  const struct ckpt_hdr_inet_addr *a,
			  const struct ckpt_hdr_tcp_late *h)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int err = 0;

	/* one that was connected may have kept no more than its address */
	if (sk->sk_socket && (a->sport || (a->flags & CKPT_INET_ADDR_LOCK)))
		err = ckpt_inet_bind(ctx, sk, a);
	if (!err)
		err = check_size(ctx, sk, h->rcv_bytes, 0);
	if (err)
		return err;
	lock_sock(sk);
	WRITE_ONCE(tp->rcv_nxt, h->copied_seq);
	WRITE_ONCE(tp->copied_seq, h->copied_seq);
	WRITE_ONCE(tp->window_clamp, h->window_clamp);
	release_sock(sk);
	err = restore_rcv(ctx, sk, h->rcv_bytes, false);
	if (err)
		return err;
	lock_sock(sk);
	WRITE_ONCE(tp->rcv_nxt, h->rcv_nxt);
	WRITE_ONCE(tp->urg_seq, h->urg_seq);
	WRITE_ONCE(tp->urg_data, h->urg_data);
	if (h->flags & CKPT_TCP_DONE)
		sock_set_flag(sk, SOCK_DONE);
	ckpt_inet_set_err(sk, a);
	release_sock(sk);
	return 0;
}

/* accept(2) charges it, and all that it holds by then, to whoever accepts. */
static void uncharge(struct sock *sk)
{
#ifdef CONFIG_MEMCG
	mem_cgroup_sk_free(sk);
	sk->sk_memcg = NULL;
#endif
}

/* Nothing was restored of it so far: nothing is charged for it. */
static bool is_untouched(const struct sock *sk)
{
	return sk->sk_state == TCP_CLOSE && !inet_sk(sk)->inet_num &&
	       skb_queue_empty(&sk->sk_receive_queue) &&
	       !sk->sk_forward_alloc && !sk->sk_reserved_mem;
}

/* As tcp_check_req() leaves it to be accepted */
static int add_waiting(struct ckpt_ctx *ctx, struct sock *sk, u32 objref)
{
	struct sock *child = ckpt_obj_fetch(ctx, objref, CKPT_OBJ_SOCK);
	struct request_sock *req;

	if (IS_ERR(child))
		return PTR_ERR(child);
	if (!ckpt_sock_pending(child) || child->sk_socket || child == sk ||
	    child->sk_family != sk->sk_family || !sk_is_tcp(child) ||
	    sock_net(child) != sock_net(sk) || !is_untouched(child))
		return ckpt_err(ctx, -EINVAL, "image: socket %u cannot wait to be accepted",
				objref);
	req = inet_reqsk_alloc(sk->sk_prot->rsk_prot, sk, true);
	if (!req)
		return -ENOMEM;
	tcp_rsk(req)->tfo_listener = false;
	tcp_rsk(req)->is_mptcp = false;
	refcount_set(&req->rsk_refcnt, 1);
	ckpt_sock_taken(child);
	uncharge(child);
	local_bh_disable();
	inet_csk_reqsk_queue_add(sk, req, child);
	local_bh_enable();
	return 0;
}

static int restore_listener(struct ckpt_ctx *ctx, struct sock *sk,
			    const struct ckpt_hdr_inet_addr *a,
			    const struct ckpt_hdr_tcp_late *h)
{
	struct net *net = sock_net(sk);
	struct ckpt_hdr_tcp_waiting w;
	struct ckpt_tuple t = {};
	int err;
	u32 i;

	if (!sk->sk_socket)
		return ckpt_err(ctx, -EINVAL, "image: TCP socket that listens, and has no file");
	if (h->backlog > (u32)READ_ONCE(net->core.sysctl_somaxconn) &&
	    !ns_capable(net->user_ns, CAP_NET_ADMIN))
		return ckpt_err(ctx, -EPERM, "TCP socket with a queue of %u: CAP_NET_ADMIN is needed",
				h->backlog);
	err = ckpt_inet_bind(ctx, sk, a);
	if (err)
		return err;
	err = security_socket_listen(sk->sk_socket, h->backlog);
	if (err)
		return ckpt_err(ctx, err, "TCP socket: not allowed to listen: error %d",
				err);
	memcpy(&t.local, a->bound, sizeof(t.local));
	ckpt_tcp_any_local(&t);
	t.lport = htons(a->sport);
	err = ckpt_tcp_silence(ctx, sk, &t);
	if (err)
		return err;
	lock_sock(sk);
	WRITE_ONCE(sk->sk_max_ack_backlog, h->backlog);
	WRITE_ONCE(tcp_sk(sk)->window_clamp, h->window_clamp);
	err = inet_csk_listen_start(sk);
	release_sock(sk);
	if (err)
		return ckpt_err(ctx, err, "TCP socket: cannot listen to %pI6c port %u: error %d",
				a->bound, a->sport, err);
	for (i = 0; i < h->nr_waiting && !err; i++) {
		err = ckpt_read_rec_into(ctx, &w, CKPT_HDR_TCP_WAITING,
					 sizeof(w));
		if (!err)
			err = w.reserved ? -EINVAL :
			      add_waiting(ctx, sk, w.sock);
		cond_resched();
	}
	return err;
}

/* Nobody writes to one that waits to be accepted, nor ends it. */
static bool is_used(const struct sock *sk, const struct ckpt_hdr_tcp_late *h)
{
	return h->state == TCP_SYN_SENT ||
	       (!ckpt_sock_pending(sk) &&
		(ckpt_tcp_closed(h->state) || h->nr_segs));
}

/*
 * Does the state of the socket, by which the system calls go, fit? One that is
 * not connected gives connect(2) and listen(2) empty queues. What only began to
 * connect may have been answered, and reset, since.
 */
static bool socket_fits(const struct sock *sk,
			const struct ckpt_hdr_tcp_late *h)
{
	socket_state state;

	if (!sk->sk_socket)
		return true;
	state = sk->sk_socket->state;
	switch (h->state) {
	case TCP_LISTEN:
		return state == SS_UNCONNECTED;
	case TCP_SYN_SENT:
		return state == SS_CONNECTING;
	case TCP_CLOSE:
		return state != SS_UNCONNECTED || !h->rcv_bytes;
	default:
		return state != SS_UNCONNECTED;
	}
}

static int restore_state(struct ckpt_ctx *ctx, struct sock *sk,
			 const struct ckpt_hdr_inet_addr *a,
			 const struct ckpt_hdr_tcp_late *h)
{
	if (!late_valid(a, h) || sk->sk_state != TCP_CLOSE ||
	    inet_sk(sk)->inet_num || !skb_queue_empty(&sk->sk_receive_queue) ||
	    (!sk->sk_socket && is_used(sk, h)) || !socket_fits(sk, h))
		return ckpt_err(ctx, -EINVAL, "image: TCP socket in state %u with flags %#x",
				h->state, h->flags);
	switch (h->state) {
	case TCP_LISTEN:
		return restore_listener(ctx, sk, a, h);
	case TCP_CLOSE:
		return restore_closed(ctx, sk, a, h);
	default:
		if (ctx->uflags & RESTART_CONN_RESET)
			return restore_reset(ctx, sk, h);
		return restore_connection(ctx, sk, a, h);
	}
}

/**
 * ckpt_tcp_late_restore - read where a socket is, its state, and what it holds
 * @ctx: the context
 * @sk: the socket
 *
 * Context: a restored task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_tcp_late_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_inet_addr *a;
	struct ckpt_hdr_tcp_late *h;
	int err = -ENOMEM;

	a = kmalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);
	h = kmalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (a && h)
		err = ckpt_inet_addr_read(ctx, sk, a);
	if (!err)
		err = ckpt_read_rec_into(ctx, h, CKPT_HDR_TCP_LATE,
					 sizeof(*h));
	if (!err)
		err = restore_state(ctx, sk, a, h);
	kfree(h);
	kfree(a);
	return err;
}

/* It is heard again: tell the peer, which may have given up to send for long. */
static void go_live(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);

	tp->repair = 0;
	tcp_mstamp_refresh(tp);
	icsk->icsk_retransmits = 0;
	icsk->icsk_backoff = 0;
	tp->lsndtime = tcp_jiffies32;
	tp->rcv_tstamp = tcp_jiffies32;
	/* the next acknowledgment has the window as it is then */
	tp->snd_wl1 = tp->rcv_nxt - 1;
	tcp_fast_path_check(sk);
	if (sk->sk_state == TCP_ESTABLISHED)
		tcp_send_window_probe(sk);
	else
		tcp_send_ack(sk);
	tcp_push_pending_frames(sk);
	if (tp->packets_out)
		inet_csk_reset_xmit_timer(sk, ICSK_TIME_RETRANS,
					  icsk->icsk_rto, TCP_RTO_MAX);
	if (sock_flag(sk, SOCK_KEEPOPEN))
		inet_csk_reset_keepalive_timer(sk, keepalive_time_when(tp));
}

/* Nobody has it but the connection itself: as tcp_close() leaves it */
static void make_orphan(struct sock *sk)
{
	ckpt_sock_taken(sk);
	sock_orphan(sk);
	this_cpu_inc(*sk->sk_prot->orphan_count);
	if (sk->sk_state == TCP_FIN_WAIT2)
		inet_csk_reset_keepalive_timer(sk, tcp_fin_time(sk));
}

/**
 * ckpt_tcp_commit - a restored socket belongs to a tree that is about to run
 * @ctx: the context
 * @sk: a socket of any family
 *
 * Context: process context, may sleep.
 */
void ckpt_tcp_commit(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_tuple t;
	bool connected;

	/* what nobody has, and is not closed, goes with the table of objects */
	if (!sk_is_tcp(sk) ||
	    (ckpt_sock_pending(sk) && (sk->sk_socket ||
				       !ckpt_tcp_closed(sk->sk_state))))
		return;
	/* of all connections: one may have both ends in the tree */
	ckpt_silence_end(ctx);
	lock_sock(sk);
	connected = ckpt_tcp_connected(sk->sk_state) || sk->sk_state == TCP_SYN_SENT;
	ckpt_tcp_tuple(sk, &t);
	release_sock(sk);
	if (!connected)
		return;
	ckpt_silence_forget(sock_net(sk), &t);
	lock_sock(sk);
	if (tcp_sk(sk)->repair && ckpt_tcp_connected(sk->sk_state)) {
		go_live(sk);
		/* with a timer of its own */
		if (ckpt_sock_pending(sk))
			make_orphan(sk);
	}
	release_sock(sk);
}
