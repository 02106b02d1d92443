/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint and restart of TCP sockets: what its files share.
 */
#ifndef _NET_IPV4_CHECKPOINT_TCP_H
#define _NET_IPV4_CHECKPOINT_TCP_H

#include <linux/checkpoint_types.h>
#include <net/tcp.h>

#include "checkpoint_silence.h"

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

/* It has a peer. */
static inline bool ckpt_tcp_connected(u32 state)
{
	return state < TCP_MAX_STATES && ((1 << state) & CKPT_TCP_CONNECTED);
}

/* This end has ended the stream. */
static inline bool ckpt_tcp_closed(u32 state)
{
	return state < TCP_MAX_STATES && ((1 << state) & CKPT_TCP_ENDED);
}

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

/* checkpoint_tcp.c */
void ckpt_tcp_any_local(struct ckpt_tuple *t);
void ckpt_tcp_tuple(const struct sock *sk, struct ckpt_tuple *t);
int ckpt_tcp_silence(struct ckpt_ctx *ctx, struct sock *sk,
		     const struct ckpt_tuple *t);
int ckpt_tcp_waiting_get(struct sock *sk, struct ckpt_tcp_waiting *w);
void ckpt_tcp_waiting_put(struct ckpt_tcp_waiting *w);

/* checkpoint_tcp_save.c */
int ckpt_tcp_late_write(struct ckpt_ctx *ctx, struct sock *sk);

/* checkpoint_tcp_restore.c */
void ckpt_tcp_detach(struct sock *sk);
void ckpt_tcp_release(struct sock *sk);
int ckpt_tcp_late_restore(struct ckpt_ctx *ctx, struct sock *sk);

#endif /* _NET_IPV4_CHECKPOINT_TCP_H */
