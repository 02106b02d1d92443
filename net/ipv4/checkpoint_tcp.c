// SPDX-License-Identifier: GPL-2.0
/*
 * TCP sockets.
 *
 * A connection is restored as TCP_REPAIR does it: it is connected without a
 * word to the peer, gets its sequence numbers, options and windows, and then
 * what was in its queues. What was sent and not acknowledged is sent again when
 * the timer says so; what was received out of order was dropped: the peer sends
 * it again.
 *
 * From before a socket is looked at until the tree runs on, and from before it
 * is connected again until the restored tree runs, its packets go nowhere.
 * tcp_sock.repair keeps it silent if it is closed meanwhile: a tree that is
 * killed, or that a restart did not complete, sends neither FIN nor RST.
 */

#include <linux/checkpoint_types.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/user_namespace.h>
#include <net/inet_common.h>
#include <net/inet_connection_sock.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "../core/checkpoint_sock.h"
#include "checkpoint_inet.h"
#include "checkpoint_silence.h"

#define CKPT_TCP_ALL	(CKPT_TCP_TSTAMP | CKPT_TCP_USEC | CKPT_TCP_SACK | \
			 CKPT_TCP_WSCALE | CKPT_TCP_DONE | CKPT_TCP_PINGPONG)
#define CKPT_TCP_SEG_ALL \
	(CKPT_TCP_SENT | CKPT_TCP_PUSH | CKPT_TCP_EOR | CKPT_TCP_FIN)
#define CKPT_TCP_ECN_ALL	(TCP_ECN_OK | TCP_ECN_QUEUE_CWR | \
				 TCP_ECN_DEMAND_CWR | TCP_ECN_SEEN)
#define CKPT_TCP_NAGLE_ALL \
	(TCP_NAGLE_OFF | TCP_NAGLE_CORK | TCP_NAGLE_PUSH)

/* States of a socket that has a peer */
#define CKPT_TCP_CONNECTED	(TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | \
				 TCPF_FIN_WAIT2 | TCPF_CLOSE_WAIT | \
				 TCPF_LAST_ACK | TCPF_CLOSING)
/* Those of them in which this end has ended the stream */
#define CKPT_TCP_ENDED		(TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | \
				 TCPF_LAST_ACK | TCPF_CLOSING)

/* Most that a clock of timestamps is put forward: the peer believes no more */
#define CKPT_TCP_TS_MAX		(1U << 30)

static bool is_connected(u32 state)
{
	return state < TCP_MAX_STATES && ((1 << state) & CKPT_TCP_CONNECTED);
}

/* This end has ended the stream. */
static bool is_closed(u32 state)
{
	return state < TCP_MAX_STATES && ((1 << state) & CKPT_TCP_ENDED);
}

/* -------------------------------------------------------------- silence */

/* What listens to any IPv4 address is found as what listens to any. */
static void any_local(struct ckpt_tuple *t)
{
	if (ipv6_addr_v4mapped(&t->local) && !t->local.s6_addr32[3])
		t->local = in6addr_any;
}

static void get_tuple(const struct sock *sk, struct ckpt_tuple *t)
{
	const struct inet_sock *inet = inet_sk(sk);
	bool listens = sk->sk_state == TCP_LISTEN;

	memset(t, 0, sizeof(*t));
	t->lport = inet->inet_sport;
	if (!listens)
		t->rport = inet->inet_dport;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		t->local = sk->sk_v6_rcv_saddr;
		if (!listens)
			t->remote = sk->sk_v6_daddr;
		any_local(t);
		return;
	}
#endif
	if (!listens)
		ipv6_addr_set_v4mapped(inet->inet_daddr, &t->remote);
	ipv6_addr_set_v4mapped(inet->inet_rcv_saddr, &t->local);
	any_local(t);
}

static int silence(struct ckpt_ctx *ctx, struct sock *sk,
		   const struct ckpt_tuple *t)
{
	int err = ckpt_silence(ctx, sock_net(sk), t);

	if (err == -EOPNOTSUPP)
		return ckpt_err(ctx, -ENOSYS, "TCP connection: not supported in a kernel without CONFIG_NETFILTER");
	if (err)
		return ckpt_err(ctx, err, "TCP socket: its packets cannot be stopped: error %d",
				err);
	return 0;
}

/**
 * ckpt_tcp_freeze - stop the packets of a socket
 * @ctx: the context
 * @sk: a socket of any family
 *
 * When RCU readers are done, and the socket was locked once more, nothing of it
 * changes but by its timers.
 *
 * Context: process context, may sleep.
 * Return: 1 if they were stopped, 0 if there is nothing to stop, or a negative
 * errno, reported.
 */
int ckpt_tcp_freeze(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_tuple t;
	bool idle;
	int err;

	if (!sk_is_tcp(sk))
		return 0;
	lock_sock(sk);
	idle = sk->sk_state == TCP_CLOSE;
	get_tuple(sk, &t);
	release_sock(sk);
	if (idle)
		return 0;
	err = silence(ctx, sk, &t);
	return err ?: 1;
}

/* Nobody else does: it would keep its network namespace. */
static void end_orphan(struct sock *sk)
{
	local_bh_disable();
	bh_lock_sock(sk);
	if (sk->sk_state != TCP_CLOSE)
		tcp_done(sk);
	bh_unlock_sock(sk);
	local_bh_enable();
}

/* Its tree is about to be killed: let it be closed without a word. */
static int hush(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	struct sock *sk = ptr;

	if (!sk_is_tcp(sk) || !(ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, 0) &
				CKPT_SOCK_MARK_SAVED))
		return 0;
	/* one that is closed may have ended meanwhile */
	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		return 0;
	lock_sock(sk);
	tcp_sk(sk)->repair = 1;
	tcp_sk(sk)->repair_queue = TCP_NO_QUEUE;
	if (sock_flag(sk, SOCK_DEAD))
		end_orphan(sk);
	release_sock(sk);
	sock_put(sk);
	return 0;
}

/**
 * ckpt_tcp_thaw - a checkpoint is over
 * @ctx: the context, whose table of objects is still there
 * @killed: the image is complete, and the tree is about to be killed
 *
 * Context: process context, may sleep.
 */
void ckpt_tcp_thaw(struct ckpt_ctx *ctx, bool killed)
{
	if (!killed) {
		ckpt_silence_end(ctx);
		return;
	}
	ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, hush, NULL);
	ckpt_silence_leave(ctx);
}

/* ------------------------------------------------------------- collect */

/**
 * struct ckpt_tcp_waiting - connections that wait to be accepted
 * @sk: their sockets, referenced
 * @nr: how many there are
 * @room: how many @sk has room for
 */
struct ckpt_tcp_waiting {
	struct sock **sk;
	u32 nr;
	u32 room;
};

static void waiting_put(struct ckpt_tcp_waiting *w)
{
	while (w->nr)
		sock_put(w->sk[--w->nr]);
	kvfree(w->sk);
}

static int waiting_get(struct sock *sk, struct ckpt_tcp_waiting *w)
{
	struct request_sock_queue *queue = &inet_csk(sk)->icsk_accept_queue;
	struct request_sock *req;
	u32 len;

	memset(w, 0, sizeof(*w));
	for (;;) {
		len = 0;
		spin_lock_bh(&queue->rskq_lock);
		for (req = queue->rskq_accept_head; req; req = req->dl_next)
			len++;
		if (len <= w->room)
			break;
		spin_unlock_bh(&queue->rskq_lock);
		kvfree(w->sk);
		w->room = len + 8;
		w->sk = kvcalloc(w->room, sizeof(*w->sk), GFP_KERNEL_ACCOUNT);
		if (!w->sk)
			return -ENOMEM;
	}
	for (req = queue->rskq_accept_head; req; req = req->dl_next) {
		sock_hold(req->sk);
		w->sk[w->nr++] = req->sk;
	}
	spin_unlock_bh(&queue->rskq_lock);
	return 0;
}

static bool listens(const struct sock *sk)
{
	return READ_ONCE(sk->sk_state) == TCP_LISTEN;
}

static int tcp_collect(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct net *net = sock_net(sk);
	struct ckpt_tcp_waiting w;
	int err;
	u32 i;

	/* what came while its packets were stopped */
	lock_sock(sk);
	release_sock(sk);
	/* as TCP_REPAIR, which tells the same, and closes as silently */
	if (is_connected(READ_ONCE(sk->sk_state)) &&
	    !ns_capable(net->user_ns, CAP_NET_ADMIN))
		return ckpt_err(ctx, -EPERM, "TCP connection: CAP_NET_ADMIN is needed in the user namespace of its network namespace");
	if (!listens(sk))
		return 0;
	err = waiting_get(sk, &w);
	for (i = 0; i < w.nr && !err; i++) {
		err = ckpt_obj_collect_n(ctx, w.sk[i], CKPT_OBJ_SOCK, 0);
		if (err)
			break;
		ckpt_obj_mark(ctx, w.sk[i], CKPT_OBJ_SOCK,
			      CKPT_SOCK_MARK_WAITS);
		err = ckpt_sock_net_collect(ctx, w.sk[i]);
	}
	waiting_put(&w);
	return err;
}

/* Closed here, and not yet there: nobody has a descriptor of it. */
static bool is_orphan(const struct sock *sk)
{
	return sock_flag(sk, SOCK_DEAD) && is_connected(READ_ONCE(sk->sk_state));
}

static bool is_orphan_of(struct sock *sk, const struct net *net)
{
	u32 state = READ_ONCE(sk->sk_state);

	/* others are no whole sockets */
	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV &&
	       net_eq(sock_net(sk), net) && is_orphan(sk);
}

/* The orphans of a network namespace; false if there is no room for all. */
static bool list_orphans(struct net *net, struct ckpt_tcp_waiting *w,
			 u32 *found)
{
	struct inet_hashinfo *hashinfo = net->ipv4.tcp_death_row.hashinfo;
	const struct hlist_nulls_node *node;
	struct inet_ehash_bucket *head;
	struct sock *sk;
	spinlock_t *lock;
	u32 i;

	*found = 0;
	for (i = 0; i <= hashinfo->ehash_mask; i++) {
		head = &hashinfo->ehash[i];
		if (hlist_nulls_empty(&head->chain))
			continue;
		lock = inet_ehash_lockp(hashinfo, i);
		spin_lock_bh(lock);
		sk_nulls_for_each(sk, node, &head->chain) {
			if (!is_orphan_of(sk, net))
				continue;
			if (w->nr < w->room &&
			    refcount_inc_not_zero(&sk->sk_refcnt))
				w->sk[w->nr++] = sk;
			(*found)++;
		}
		spin_unlock_bh(lock);
		cond_resched();
	}
	return *found <= w->room;
}

/**
 * ckpt_tcp_orphans - meet connections that nobody has a descriptor of
 * @ctx: the context
 * @net: the network namespace, met by the collect pass
 *
 * They have sent, or have still to send, what was written before they were
 * closed. Each uses the namespace.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_tcp_orphans(struct ckpt_ctx *ctx, struct net *net)
{
	struct ckpt_tcp_waiting w = {};
	u32 i, found;
	int err = 0;

	while (!list_orphans(net, &w, &found)) {
		waiting_put(&w);
		w.room = found + 8;
		w.sk = kvcalloc(w.room, sizeof(*w.sk), GFP_KERNEL_ACCOUNT);
		if (!w.sk)
			return -ENOMEM;
	}
	for (i = 0; i < w.nr && !err; i++) {
		err = ckpt_obj_collect_n(ctx, w.sk[i], CKPT_OBJ_SOCK, 0);
		if (err)
			break;
		ckpt_obj_mark(ctx, w.sk[i], CKPT_OBJ_SOCK,
			      CKPT_SOCK_MARK_WAITS);
		err = ckpt_sock_net_collect(ctx, w.sk[i]);
	}
	waiting_put(&w);
	return err;
}

/**
 * ckpt_tcp_orphan - is this a connection that nobody has a descriptor of?
 * @ctx: the context; the collect pass is over
 * @sk: a socket of any family
 *
 * Return: true for one that is in a network namespace of the tree.
 */
bool ckpt_tcp_orphan(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct net *net = sock_net(sk);

	return sk_is_tcp(sk) && is_orphan(sk) &&
	       ckpt_obj_collected(ctx, net, CKPT_OBJ_NET_NS) &&
	       !ckpt_obj_left_out(ctx, net, CKPT_OBJ_NET_NS);
}

/**
 * struct find_waiting - who a socket waits to be accepted by
 * @sk: the socket
 * @found: one of the tree
 */
struct find_waiting {
	struct sock *sk;
	bool found;
};

static int waits_for(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	struct find_waiting *f = arg;
	struct sock *sk = ptr;
	struct request_sock_queue *queue;
	struct request_sock *req;
	bool found = false;

	if (!sk_is_tcp(sk) || !listens(sk))
		return 0;
	queue = &inet_csk(sk)->icsk_accept_queue;
	spin_lock_bh(&queue->rskq_lock);
	for (req = queue->rskq_accept_head; req && !found; req = req->dl_next)
		found = req->sk == f->sk;
	spin_unlock_bh(&queue->rskq_lock);
	if (!found)
		return 0;
	f->found = ckpt_sock_in_tree(ctx, sk);
	return 1;
}

static bool tcp_in_tree(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct find_waiting f = { .sk = sk };

	if (sock_flag(sk, SOCK_DEAD))
		return ckpt_tcp_orphan(ctx, sk);
	ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, waits_for, &f);
	return f.found;
}

/* --------------------------------------------------------- what is refused */

static bool has_keys(const struct sock *sk)
{
	bool has = false;

#ifdef CONFIG_TCP_MD5SIG
	has |= !!rcu_access_pointer(tcp_sk(sk)->md5sig_info);
#endif
#ifdef CONFIG_TCP_AO
	has |= !!rcu_access_pointer(tcp_sk(sk)->ao_info);
#endif
	return has;
}

static bool has_fastopen(const struct sock *sk)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	const struct tcp_sock *tp = tcp_sk(sk);

	return (sk->sk_state == TCP_LISTEN &&
		READ_ONCE(icsk->icsk_accept_queue.fastopenq.max_qlen)) ||
	       rcu_access_pointer(icsk->icsk_accept_queue.fastopenq.ctx) ||
	       tp->fastopen_req || rcu_access_pointer(tp->fastopen_rsk) ||
	       tp->fastopen_connect || tp->fastopen_no_cookie ||
	       inet_test_bit(DEFER_CONNECT, sk);
}

static bool has_zerocopy(struct sock *sk)
{
	struct sk_buff *skb;
	bool has = false;

	lock_sock(sk);
	skb_rbtree_walk(skb, &sk->tcp_rtx_queue)
		has |= !!skb_zcopy(skb);
	skb_queue_walk(&sk->sk_write_queue, skb)
		has |= !!skb_zcopy(skb);
	release_sock(sk);
	return has;
}

static const char *tcp_refused(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 state = READ_ONCE(sk->sk_state);

	if (inet_csk(sk)->icsk_ulp_ops)
		return "TCP_ULP (kernel TLS and the like)";
	if (sk_is_mptcp(sk))
		return "MPTCP";
#if IS_ENABLED(CONFIG_SMC)
	if (tp->syn_smc)
		return "SMC";
#endif
	if (has_keys(sk))
		return "TCP_MD5SIG or TCP-AO";
	if (has_fastopen(sk))
		return "TCP_FASTOPEN";
	if (BPF_SOCK_OPS_TEST_FLAG(tp, ~0))
		return "BPF program (sock_ops)";
	if (tp->saved_syn)
		return "TCP_SAVED_SYN";
	if (tp->repair)
		return "TCP_REPAIR";
	if (!xa_empty(&sk->sk_user_frags))
		return "device memory";
	if (state != TCP_CLOSE && state != TCP_LISTEN &&
	    state != TCP_SYN_SENT && !is_connected(state))
		return "TCP connection that is half open";
	if (state != TCP_LISTEN && has_zerocopy(sk))
		return "MSG_ZEROCOPY data that was not acknowledged";
	return NULL;
}

/* -------------------------------------------------------------- options */

/* Those of SOL_TCP that are a number, and set as they are shown */
static const u32 options[] = {
	TCP_NODELAY, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT,
	TCP_SYNCNT, TCP_LINGER2, TCP_DEFER_ACCEPT, TCP_USER_TIMEOUT,
	TCP_THIN_LINEAR_TIMEOUTS, TCP_SAVE_SYN, TCP_NOTSENT_LOWAT, TCP_INQ,
	TCP_TX_DELAY,
};

static bool read_option(struct sock *sk, u32 name, int *val)
{
	int len = sizeof(*val);

	return !do_tcp_getsockopt(sk, SOL_TCP, name, KERNEL_SOCKPTR(val),
				  KERNEL_SOCKPTR(&len)) && len == sizeof(*val);
}

static int tcp_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct ckpt_sock_opt *opts;
	struct ckpt_hdr_tcp h = {};
	int i, val, err;

	BUILD_BUG_ON(ARRAY_SIZE(options) > CKPT_TCP_OPTS_MAX);
	BUILD_BUG_ON(sizeof(h.ca) != TCP_CA_NAME_MAX);

	opts = kcalloc(ARRAY_SIZE(options), sizeof(*opts), GFP_KERNEL_ACCOUNT);
	if (!opts)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (!read_option(sk, options[i], &val))
			continue;
		opts[h.nr_opts].name = options[i];
		opts[h.nr_opts].len = sizeof(val);
		memcpy(opts[h.nr_opts++].value, &val, sizeof(val));
	}
	lock_sock(sk);
	if (icsk->icsk_ca_ops)
		strscpy_pad((char *)h.ca, icsk->icsk_ca_ops->name,
			    sizeof(h.ca));
	h.user_mss = tcp_sk(sk)->rx_opt.user_mss;
	release_sock(sk);
	err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_TCP, sizeof(h), opts,
				  h.nr_opts * sizeof(*opts));
	kfree(opts);
	return err;
}

static bool is_option(const struct ckpt_sock_opt *opt)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i] == opt->name && opt->len == sizeof(int))
			return true;
	return false;
}

/* As setsockopt(2), where it is not so yet */
static int write_option(struct ckpt_ctx *ctx, struct sock *sk,
			const struct ckpt_sock_opt *opt)
{
	int val, now, err;

	if (!is_option(opt))
		return ckpt_err(ctx, -EINVAL, "image: TCP option %u of %u bytes",
				opt->name, opt->len);
	memcpy(&val, opt->value, sizeof(val));
	if (read_option(sk, opt->name, &now) && now == val)
		return 0;
	err = do_tcp_setsockopt(sk, SOL_TCP, opt->name, KERNEL_SOCKPTR(&val),
				sizeof(val));
	if (err)
		return ckpt_err(ctx, err, "TCP option %u: cannot be set: error %d",
				opt->name, err);
	return 0;
}

static int restore_ca(struct ckpt_ctx *ctx, struct sock *sk, const char *name)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	bool admin = ns_capable(sock_net(sk)->user_ns, CAP_NET_ADMIN);
	int err = 0;

	lock_sock(sk);
	if (strcmp(icsk->icsk_ca_ops->name, name))
		err = tcp_set_congestion_control(sk, name, true, admin);
	release_sock(sk);
	if (err)
		return ckpt_err(ctx, err, "TCP congestion control '%s': cannot be set: error %d",
				name, err);
	return 0;
}

static int restore_options(struct ckpt_ctx *ctx, struct sock *sk,
			   struct ckpt_hdr_tcp *h)
{
	int err = 0;
	u32 i;

	if (h->nr_opts > CKPT_TCP_OPTS_MAX ||
	    h->h.len != struct_size(h, opts, h->nr_opts) ||
	    h->user_mss > MAX_TCP_WINDOW ||
	    (h->user_mss && h->user_mss < TCP_MIN_MSS) ||
	    strnlen((char *)h->ca, sizeof(h->ca)) == sizeof(h->ca))
		return ckpt_err(ctx, -EINVAL, "image: TCP socket with %u options",
				h->nr_opts);
	for (i = 0; i < h->nr_opts && !err; i++)
		err = write_option(ctx, sk, &h->opts[i]);
	if (!err && h->ca[0])
		err = restore_ca(ctx, sk, (char *)h->ca);
	if (err)
		return err;
	lock_sock(sk);
	tcp_sk(sk)->rx_opt.user_mss = h->user_mss;
	release_sock(sk);
	return 0;
}

static int tcp_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_tcp *h;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_TCP, sizeof(*h),
			  struct_size(h, opts, CKPT_TCP_OPTS_MAX));
	if (IS_ERR(h))
		return PTR_ERR(h);
	err = restore_options(ctx, sk, h);
	kvfree(h);
	return err;
}

/* ------------------------------------------------------------ checkpoint */

/**
 * struct ckpt_tcp_data - what was in the queues at one moment
 * @rcv: bytes that were not read
 * @snd: bytes that were not acknowledged
 * @seg: what they are made of
 * @nr: number of entries in @seg
 * @late: the record
 */
struct ckpt_tcp_data {
	void *rcv;
	void *snd;
	struct ckpt_hdr_tcp_seg *seg;
	u32 nr;
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

	err = waiting_get(sk, &w);
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
	waiting_put(&w);
	return err;
}

static int tcp_late_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_tcp_data *d;
	const char *why;
	int err;

	/* of one that was not accepted, nobody has asked so far */
	why = tcp_refused(ctx, sk);
	if (why)
		return ckpt_err(ctx, -ENOSYS, "TCP socket: %s: not supported",
				why);
	d = kmalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return -ENOMEM;
	err = ckpt_inet_addr_write(ctx, sk);
	if (!err) {
		err = take_data(sk, d);
		if (!err && d->late.state == TCP_LISTEN)
			err = write_listener(ctx, sk, &d->late);
		else if (!err)
			err = write_data(ctx, d);
		data_free(d);
	}
	kfree(d);
	return err;
}

/* --------------------------------------------------------------- restart */

/* Nothing: it waits to be accepted as it is. */
static void tcp_detach(struct sock *sk)
{
}

static void tcp_release(struct sock *sk)
{
	tcp_close(sk, 0);
}

/* As tcp_repair_set_window() and tcp_repair_options_est() ask for, and more */
static bool late_valid(const struct ckpt_hdr_inet_addr *a,
		       const struct ckpt_hdr_tcp_late *h)
{
	bool connected = is_connected(h->state);
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
	    ((connected || h->state == TCP_SYN_SENT) && !a->dport))
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
	page = alloc_page(GFP_KERNEL);
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

/* All that is in the queue was sent: nothing leaves here. */
static void mark_sent(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->repair_queue = TCP_SEND_QUEUE;
	__tcp_push_pending_frames(sk, tcp_current_mss(sk), TCP_NAGLE_PUSH);
	tp->repair_queue = TCP_NO_QUEUE;
}

static bool seg_valid(const struct ckpt_hdr_tcp_seg *h, u32 last, bool may_end)
{
	return h->len <= CKPT_TCP_SEG_MAX && !(h->flags & ~CKPT_TCP_SEG_ALL) &&
	       (h->len || (h->flags & CKPT_TCP_FIN)) &&
	       (may_end || !(h->flags & CKPT_TCP_FIN)) &&
	       !(last & CKPT_TCP_FIN) &&
	       ((last & CKPT_TCP_SENT) || !(h->flags & CKPT_TCP_SENT));
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
		/* before the first one that was not */
		if (!(seg->flags & CKPT_TCP_SENT))
			mark_sent(sk);
		err = put_seg(sk, seg, h ? h->data : NULL);
		release_sock(sk);
	}
	kvfree(h);
	return err;
}

static int restore_snd(struct ckpt_ctx *ctx, struct sock *sk,
		       const struct ckpt_hdr_tcp_late *late, bool reset)
{
	bool ended = is_closed(late->state);
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
		if (!seg_valid(&seg, last, ended) ||
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
	    (late->nr_segs && ended != !!(last & CKPT_TCP_FIN)))
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
 * struct ckpt_peer - whom to connect to
 * @addr: any of the two
 * @len: length of the one that it is, in bytes
 */
struct ckpt_peer {
	union {
		struct sockaddr addr;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	int len;
};

static void get_peer(const struct sock *sk, const struct ckpt_hdr_inet_addr *a,
		     struct ckpt_peer *p)
{
	memset(p, 0, sizeof(*p));
	if (sk->sk_family == AF_INET) {
		p->in.sin_family = AF_INET;
		memcpy(&p->in.sin_addr, a->daddr + 12, 4);
		p->in.sin_port = htons(a->dport);
		p->len = sizeof(p->in);
		return;
	}
	p->in6.sin6_family = AF_INET6;
	memcpy(&p->in6.sin6_addr, a->daddr, sizeof(p->in6.sin6_addr));
	p->in6.sin6_port = htons(a->dport);
	p->len = sizeof(p->in6);
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
	struct ckpt_peer peer;
	int err;

	get_peer(sk, a, &peer);
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
	connect_tuple(a, &t);
	err = silence(ctx, sk, &t);
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
	mark_sent(sk);
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

/* As tcp_check_req() leaves it to be accepted */
static int add_waiting(struct ckpt_ctx *ctx, struct sock *sk, u32 objref)
{
	struct sock *child = ckpt_obj_fetch(ctx, objref, CKPT_OBJ_SOCK);
	struct request_sock *req;

	if (IS_ERR(child))
		return PTR_ERR(child);
	if (!ckpt_sock_pending(child) || child->sk_socket || child == sk ||
	    child->sk_family != sk->sk_family || !sk_is_tcp(child) ||
	    sock_net(child) != sock_net(sk))
		return ckpt_err(ctx, -EINVAL, "image: socket %u cannot wait to be accepted",
				objref);
	req = inet_reqsk_alloc(sk->sk_prot->rsk_prot, sk, true);
	if (!req)
		return -ENOMEM;
	tcp_rsk(req)->tfo_listener = false;
	tcp_rsk(req)->is_mptcp = false;
	refcount_set(&req->rsk_refcnt, 1);
	ckpt_sock_taken(child);
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
	memcpy(&t.local, a->bound, sizeof(t.local));
	any_local(&t);
	t.lport = htons(a->sport);
	err = silence(ctx, sk, &t);
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

static int restore_state(struct ckpt_ctx *ctx, struct sock *sk,
			 const struct ckpt_hdr_inet_addr *a,
			 const struct ckpt_hdr_tcp_late *h)
{
	if (!late_valid(a, h) || sk->sk_state != TCP_CLOSE ||
	    inet_sk(sk)->inet_num)
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

static int tcp_late_restore(struct ckpt_ctx *ctx, struct sock *sk)
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
				       !is_closed(sk->sk_state))))
		return;
	/* of all connections: one may have both ends in the tree */
	ckpt_silence_end(ctx);
	lock_sock(sk);
	connected = is_connected(sk->sk_state) || sk->sk_state == TCP_SYN_SENT;
	get_tuple(sk, &t);
	release_sock(sk);
	if (!connected)
		return;
	ckpt_silence_forget(sock_net(sk), &t);
	lock_sock(sk);
	if (tcp_sk(sk)->repair && is_connected(sk->sk_state)) {
		if (ckpt_sock_pending(sk))
			make_orphan(sk);
		go_live(sk);
	}
	release_sock(sk);
}

const struct ckpt_inet_proto ckpt_tcp_proto = {
	.type		= SOCK_STREAM,
	.protocol	= IPPROTO_TCP,
	.protocol6	= IPPROTO_TCP,
	.name		= "TCP",
	.collect	= tcp_collect,
	.in_tree	= tcp_in_tree,
	.refused	= tcp_refused,
	.write		= tcp_write,
	.restore	= tcp_restore,
	.detach		= tcp_detach,
	.release	= tcp_release,
	.late_write	= tcp_late_write,
	.late_restore	= tcp_late_restore,
};
