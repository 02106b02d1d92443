// SPDX-License-Identifier: GPL-2.0
/*
 * TCP sockets: which are met, what is refused, their options, and silence.
 *
 * From before a socket is looked at until the tree runs on, and from before it
 * is connected again until the restored tree runs, its packets go nowhere.
 * tcp_sock.repair keeps it silent if it is closed meanwhile: a tree that is
 * killed, or that a restart did not complete, sends neither FIN nor RST.
 */

#include <linux/checkpoint_types.h>
#include <linux/net.h>
#include <linux/user_namespace.h>
#include <net/inet_connection_sock.h>
#include <net/inet_hashtables.h>
#include <net/tcp.h>

#include "../core/checkpoint_sock.h"
#include "checkpoint_inet.h"
#include "checkpoint_tcp.h"

/* -------------------------------------------------------------- silence */

/**
 * ckpt_tcp_any_local - what listens to any address of IPv4 is found as any
 * @t: where it listens
 */
void ckpt_tcp_any_local(struct ckpt_tuple *t)
{
	if (ipv6_addr_v4mapped(&t->local) && !t->local.s6_addr32[3])
		t->local = in6addr_any;
}

/**
 * ckpt_tcp_tuple - what the packets of a socket are known by
 * @sk: the socket, locked
 * @t: is filled in
 */
void ckpt_tcp_tuple(const struct sock *sk, struct ckpt_tuple *t)
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
		ckpt_tcp_any_local(t);
		return;
	}
#endif
	if (!listens)
		ipv6_addr_set_v4mapped(inet->inet_daddr, &t->remote);
	ipv6_addr_set_v4mapped(inet->inet_rcv_saddr, &t->local);
	ckpt_tcp_any_local(t);
}

/**
 * ckpt_tcp_silence - let the packets of a socket go nowhere
 * @ctx: the context
 * @sk: the socket
 * @t: what they are known by
 *
 * Those to a port may be meant for the listener of somebody else, whom only who
 * administers the network namespace may keep from being heard.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_tcp_silence(struct ckpt_ctx *ctx, struct sock *sk,
		     const struct ckpt_tuple *t)
{
	struct net *net = sock_net(sk);
	int err;

	if (!t->rport && !ns_capable(net->user_ns, CAP_NET_ADMIN))
		return 0;
	err = ckpt_silence(ctx, net, t);
	if (err == -EOPNOTSUPP)
		return ckpt_err(ctx, -ENOSYS, "TCP connection: not supported in a kernel without CONFIG_NETFILTER");
	if (err)
		return ckpt_err(ctx, err, "TCP socket: its packets cannot be stopped: error %d",
				err);
	return 0;
}

static bool listens(const struct sock *sk)
{
	return READ_ONCE(sk->sk_state) == TCP_LISTEN;
}

/* It has timers that wait for an answer of its peer. */
static bool awaits_peer(const struct sock *sk)
{
	return ckpt_tcp_connected(sk->sk_state) || sk->sk_state == TCP_SYN_SENT;
}

/*
 * For as long as there is no answer, which is not the peer's fault. In
 * icsk_timeout there remains when the retransmission, or the probe, was due.
 */
static void stop_timers(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	if (!awaits_peer(sk))
		return;
	if (icsk->icsk_pending != ICSK_TIME_RETRANS &&
	    icsk->icsk_pending != ICSK_TIME_PROBE0)
		icsk->icsk_timeout = jiffies + icsk->icsk_rto;
	inet_csk_clear_xmit_timers(sk);
}

/* They run on from where they were: what has passed was no silence of the peer. */
static void shift_clocks(struct sock *sk, ktime_t since)
{
	s64 us = ktime_us_delta(ktime_get(), since);
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->retrans_stamp)
		tp->retrans_stamp += tp->tcp_usec_ts ? us : us / USEC_PER_MSEC;
	if (icsk->icsk_probes_tstamp)
		icsk->icsk_probes_tstamp += usecs_to_jiffies(us);
	/* keepalive */
	tp->rcv_tstamp = tcp_jiffies32;
}

/* Once for each time that they were stopped */
static void start_timers(struct sock *sk, ktime_t since)
{
	s64 elapsed = ktime_to_ns(ktime_sub(ktime_get(), since));
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	long left;

	if (!awaits_peer(sk))
		return;
	left = icsk->icsk_timeout + nsecs_to_jiffies(elapsed) - jiffies;
	left = clamp(left, 1L, (long)TCP_RTO_MAX);
	shift_clocks(sk, since);
	tcp_mstamp_refresh(tp);
	if (tp->packets_out || tcp_send_head(sk))
		inet_csk_reset_xmit_timer(sk, tp->packets_out ?
					  ICSK_TIME_RETRANS : ICSK_TIME_PROBE0,
					  left, TCP_RTO_MAX);
	if (sk->sk_state == TCP_SYN_SENT)
		return;
	/* one that was delayed */
	if (tp->rcv_nxt != tp->rcv_wup)
		tcp_send_ack(sk);
	if (sock_flag(sk, SOCK_DEAD) && sk->sk_state == TCP_FIN_WAIT2)
		inet_csk_reset_keepalive_timer(sk, tcp_fin_time(sk));
	else if (sock_flag(sk, SOCK_KEEPOPEN))
		inet_csk_reset_keepalive_timer(sk, icsk->icsk_probes_out ?
					       keepalive_intvl_when(tp) :
					       keepalive_time_when(tp));
}

/**
 * ckpt_tcp_freeze - stop the packets and the timers of a socket
 * @ctx: the context
 * @sk: a socket of any family
 *
 * When RCU readers are done, and the socket was locked once more, nothing of it
 * changes.
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
	ckpt_tcp_tuple(sk, &t);
	release_sock(sk);
	if (idle)
		return 0;
	err = ckpt_tcp_silence(ctx, sk, &t);
	if (err)
		return err;
	lock_sock(sk);
	stop_timers(sk);
	release_sock(sk);
	return 1;
}

/**
 * ckpt_tcp_unfreeze - a socket that is not to be saved goes on
 * @ctx: the context; ckpt_tcp_freeze() has stopped the packets of the socket
 * @sk: a socket of any family
 *
 * Context: process context, may sleep.
 */
void ckpt_tcp_unfreeze(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_tuple t;

	if (!sk_is_tcp(sk))
		return;
	lock_sock(sk);
	ckpt_tcp_tuple(sk, &t);
	release_sock(sk);
	ckpt_silence_undo(ctx, sock_net(sk), &t);
	lock_sock(sk);
	start_timers(sk, ctx->stopped_at);
	release_sock(sk);
}

static int go_on(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	u32 mark = ckpt_obj_mark(ctx, ptr, CKPT_OBJ_SOCK, 0);
	struct sock *sk = ptr;

	if (!(mark & CKPT_SOCK_MARK_SILENT) || (mark & CKPT_SOCK_MARK_LET_GO))
		return 0;
	/* one that is closed may have ended meanwhile */
	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		return 0;
	lock_sock(sk);
	start_timers(sk, ctx->stopped_at);
	release_sock(sk);
	sock_put(sk);
	cond_resched();
	return 0;
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
	struct ckpt_tuple t;
	bool connected;

	if (!sk_is_tcp(sk) || !(ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, 0) &
				CKPT_SOCK_MARK_SAVED))
		return 0;
	/* one that is closed may have ended meanwhile */
	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		return 0;
	lock_sock(sk);
	ckpt_tcp_tuple(sk, &t);
	connected = ckpt_tcp_connected(sk->sk_state);
	/* who connects to one that listens now is not in the image: a reset */
	if (!listens(sk)) {
		tcp_sk(sk)->repair = 1;
		tcp_sk(sk)->repair_queue = TCP_NO_QUEUE;
	}
	if (sock_flag(sk, SOCK_DEAD))
		end_orphan(sk);
	release_sock(sk);
	/* one that has no peer so far connects again */
	if (connected)
		ckpt_silence_keep(sock_net(sk), &t);
	sock_put(sk);
	return 0;
}

/**
 * ckpt_tcp_thaw - a checkpoint is over
 * @ctx: the context, whose table of objects is still there, if it had sockets
 * @killed: the image is complete, and the tree is about to be killed
 *
 * Context: process context, may sleep.
 */
void ckpt_tcp_thaw(struct ckpt_ctx *ctx, bool killed)
{
	if (!killed) {
		ckpt_silence_end(ctx);
		if (ctx->objhash)
			ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, go_on, NULL);
		return;
	}
	ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, hush, NULL);
	ckpt_silence_leave(ctx);
}

/* ------------------------------------------------------------- collect */

/**
 * ckpt_tcp_waiting_put - forget connections that wait to be accepted
 * @w: the connections
 */
void ckpt_tcp_waiting_put(struct ckpt_tcp_waiting *w)
{
	while (w->nr)
		sock_put(w->sk[--w->nr]);
	kvfree(w->sk);
}

/**
 * ckpt_tcp_waiting_get - list the connections that wait to be accepted
 * @sk: the socket that listens
 * @w: is filled in, and to be put whatever is returned
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_tcp_waiting_get(struct sock *sk, struct ckpt_tcp_waiting *w)
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

/*
 * Each of them, and the namespace that it is in: they wait at @listener, or
 * nowhere. Puts what @w holds.
 */
static int collect_waiting(struct ckpt_ctx *ctx, struct sock *listener,
			   struct ckpt_tcp_waiting *w)
{
	int err = 0;
	u32 i;

	for (i = 0; i < w->nr && !err; i++) {
		err = ckpt_obj_collect_n(ctx, w->sk[i], CKPT_OBJ_SOCK, 0);
		if (!err && listener)
			err = xa_err(xa_store(&ctx->tcp_waiting,
					      (unsigned long)w->sk[i], listener,
					      GFP_KERNEL_ACCOUNT));
		if (err)
			break;
		ckpt_obj_mark(ctx, w->sk[i], CKPT_OBJ_SOCK,
			      CKPT_SOCK_MARK_WAITS);
		err = ckpt_sock_net_collect(ctx, w->sk[i]);
	}
	ckpt_tcp_waiting_put(w);
	return err;
}

static int tcp_collect(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct net *net = sock_net(sk);
	struct ckpt_tcp_waiting w;
	int err;

	/* what came while its packets were stopped */
	lock_sock(sk);
	release_sock(sk);
	/* as TCP_REPAIR, which tells the same, and closes as silently */
	if (ckpt_tcp_connected(READ_ONCE(sk->sk_state)) &&
	    !ns_capable(net->user_ns, CAP_NET_ADMIN))
		return ckpt_err(ctx, -EPERM, "TCP connection: CAP_NET_ADMIN is needed in the user namespace of its network namespace");
	if (!listens(sk))
		return 0;
	err = ckpt_tcp_waiting_get(sk, &w);
	return err ?: collect_waiting(ctx, sk, &w);
}

/* Closed here, and not yet there: nobody has a descriptor of it. */
static bool is_orphan(const struct sock *sk)
{
	return sock_flag(sk, SOCK_DEAD) && ckpt_tcp_connected(READ_ONCE(sk->sk_state));
}

static bool is_orphan_of_tree(struct ckpt_ctx *ctx, struct sock *sk)
{
	u32 state = READ_ONCE(sk->sk_state);

	/* others are no whole sockets */
	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV &&
	       is_orphan(sk) &&
	       sock_net(sk) != ctx->caller_ns->net_ns &&
	       ckpt_obj_collected(ctx, sock_net(sk), CKPT_OBJ_NET_NS);
}

/*
 * The orphans of the tree in a table, whose locks keep them while they are
 * looked at; false if there is no room for all.
 */
static bool list_orphans(struct ckpt_ctx *ctx, struct inet_hashinfo *hashinfo,
			 struct ckpt_tcp_waiting *w, u32 *found)
{
	const struct hlist_nulls_node *node;
	struct inet_ehash_bucket *head;
	struct sock *sk;
	u32 i;

	*found = 0;
	for (i = 0; i <= hashinfo->ehash_mask; i++) {
		cond_resched();
		head = &hashinfo->ehash[i];
		if (hlist_nulls_empty(&head->chain))
			continue;
		spin_lock_bh(inet_ehash_lockp(hashinfo, i));
		sk_nulls_for_each(sk, node, &head->chain) {
			if (!is_orphan_of_tree(ctx, sk))
				continue;
			if (w->nr < w->room &&
			    refcount_inc_not_zero(&sk->sk_refcnt))
				w->sk[w->nr++] = sk;
			(*found)++;
		}
		spin_unlock_bh(inet_ehash_lockp(hashinfo, i));
	}
	return *found <= w->room;
}

/**
 * ckpt_tcp_orphans - meet connections that nobody has a descriptor of
 * @ctx: the context
 * @net: the network namespace, met by the collect pass
 * @all: in a table of their own they are met for each namespace; the one that
 *	the others have in common is looked through once, and this is set
 *
 * They have sent, or have still to send, what was written before they were
 * closed. Each uses the namespace. Those of whoever asks are not of the tree.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_tcp_orphans(struct ckpt_ctx *ctx, struct net *net, bool *all)
{
	struct inet_hashinfo *hashinfo = net->ipv4.tcp_death_row.hashinfo;
	struct ckpt_tcp_waiting w = {};
	u32 found;

	if (net == ctx->caller_ns->net_ns)
		return 0;
	if (hashinfo == &tcp_hashinfo) {
		if (*all)
			return 0;
		*all = true;
	}
	while (!list_orphans(ctx, hashinfo, &w, &found)) {
		ckpt_tcp_waiting_put(&w);
		w.room = found + 8;
		w.sk = kvcalloc(w.room, sizeof(*w.sk), GFP_KERNEL_ACCOUNT);
		if (!w.sk)
			return -ENOMEM;
	}
	return collect_waiting(ctx, NULL, &w);
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

static bool tcp_in_tree(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct sock *listener;

	if (sock_flag(sk, SOCK_DEAD))
		return ckpt_tcp_orphan(ctx, sk);
	listener = xa_load(&ctx->tcp_waiting, (unsigned long)sk);
	return listener && ckpt_sock_in_tree(ctx, listener);
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
	       inet_test_bit(DEFER_CONNECT, sk) ||
	       /* data went with the SYN */
	       (sk->sk_state == TCP_SYN_SENT &&
		tp->write_seq - tp->snd_una > 1);
}

/* What the sender is to be told about what is in the queue, or NULL */
static const char *to_be_told(struct sock *sk)
{
	bool zerocopy = false, stamp = false;
	struct sk_buff *skb;

	lock_sock(sk);
	skb_rbtree_walk(skb, &sk->tcp_rtx_queue) {
		zerocopy |= !!skb_zcopy(skb);
		stamp |= TCP_SKB_CB(skb)->txstamp_ack;
	}
	skb_queue_walk(&sk->sk_write_queue, skb) {
		zerocopy |= !!skb_zcopy(skb);
		stamp |= TCP_SKB_CB(skb)->txstamp_ack ||
			 (skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP);
	}
	release_sock(sk);
	return zerocopy ? "MSG_ZEROCOPY data that was not acknowledged" :
	       stamp ? "data that is to be timestamped (SO_TIMESTAMPING) and was not acknowledged" :
	       NULL;
}

static const char *tcp_refused(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 state = READ_ONCE(sk->sk_state);

	if (sk_is_mptcp(sk))
		return "MPTCP";
	if (inet_csk(sk)->icsk_ulp_ops)
		return "TCP_ULP (kernel TLS and the like)";
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
	    state != TCP_SYN_SENT && !ckpt_tcp_connected(state))
		return "TCP connection that is half open";
	if (!skb_queue_empty_lockless(&sk->sk_error_queue))
		return "errors, timestamps or completions that were not received (MSG_ERRQUEUE)";
	return state != TCP_LISTEN ? to_be_told(sk) : NULL;
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
	.detach		= ckpt_tcp_detach,
	.release	= ckpt_tcp_release,
	.late_write	= ckpt_tcp_late_write,
	.late_restore	= ckpt_tcp_late_restore,
};
