/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections whose packets go nowhere.
 */
#ifndef _NET_IPV4_CHECKPOINT_SILENCE_H
#define _NET_IPV4_CHECKPOINT_SILENCE_H

#include <linux/in6.h>
#include <linux/types.h>

struct ckpt_ctx;
struct net;

/**
 * struct ckpt_tuple - a connection, or what listens for some
 * @local: this end, v4-mapped for IPv4; any, if what listens does so
 * @remote: the other end; any, for what listens
 * @lport: port of this end
 * @rport: port of the other end; 0 for what listens
 */
struct ckpt_tuple {
	struct in6_addr local;
	struct in6_addr remote;
	__be16 lport;
	__be16 rport;
};

#ifdef CONFIG_NETFILTER
int ckpt_silence(struct ckpt_ctx *ctx, struct net *net,
		 const struct ckpt_tuple *t);
void ckpt_silence_end(struct ckpt_ctx *ctx);
void ckpt_silence_undo(const struct ckpt_ctx *ctx, struct net *net,
		       const struct ckpt_tuple *t);
void ckpt_silence_keep(const struct net *net, const struct ckpt_tuple *t);
void ckpt_silence_leave(struct ckpt_ctx *ctx);
void ckpt_silence_forget(struct net *net, const struct ckpt_tuple *t);
bool ckpt_silence_whole(const struct net *net);
#else
static inline int ckpt_silence(struct ckpt_ctx *ctx, struct net *net,
			       const struct ckpt_tuple *t)
{
	return -EOPNOTSUPP;
}

static inline void ckpt_silence_end(struct ckpt_ctx *ctx)
{
}

static inline void ckpt_silence_undo(const struct ckpt_ctx *ctx,
				     struct net *net,
				     const struct ckpt_tuple *t)
{
}

static inline void ckpt_silence_keep(const struct net *net,
				     const struct ckpt_tuple *t)
{
}

static inline void ckpt_silence_leave(struct ckpt_ctx *ctx)
{
}

static inline void ckpt_silence_forget(struct net *net,
				       const struct ckpt_tuple *t)
{
}

static inline bool ckpt_silence_whole(const struct net *net)
{
	return false;
}
#endif

#endif /* _NET_IPV4_CHECKPOINT_SILENCE_H */
