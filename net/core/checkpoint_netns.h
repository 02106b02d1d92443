/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint and restart of network namespaces: what its files share.
 */
#ifndef _NET_CORE_CHECKPOINT_NETNS_H
#define _NET_CORE_CHECKPOINT_NETNS_H

#include <linux/checkpoint_types.h>
#include <linux/if_ether.h>
#include <net/netlink.h>

struct net;
struct net_device;
struct Qdisc;

/**
 * struct ckpt_nl - a netlink socket of the kernel's own
 * @ctx: the context
 * @sock: the socket, in the namespace that is read or rebuilt
 * @file: its open file: netlink asks for the rights of who opened it
 * @buf: room for what it receives, CKPT_NL_BUF bytes
 * @seq: number of the last request
 * @why: what netlink said of the last request that it refused
 */
struct ckpt_nl {
	struct ckpt_ctx *ctx;
	struct socket *sock;
	struct file *file;
	void *buf;
	u32 seq;
	char why[80];
};

/**
 * struct ckpt_msgs - netlink messages, one after the other
 * @data: the messages, each aligned to NLMSG_ALIGNTO
 * @len: bytes in use
 * @room: bytes there are
 */
struct ckpt_msgs {
	void *data;
	size_t len;
	size_t room;
};

/* Most bytes of messages of one section that are held at a time */
#define CKPT_MSGS_MAX	(256U << 20)

int ckpt_msgs_add(struct ckpt_msgs *m, const void *data, size_t len);
int ckpt_msgs_nest(struct ckpt_msgs *m, int type);
void ckpt_msgs_nest_end(struct ckpt_msgs *m, int at);
struct nlmsghdr *ckpt_msgs_end(struct ckpt_msgs *m, size_t start);
void ckpt_msgs_free(struct ckpt_msgs *m);

typedef int (*ckpt_nl_fn)(void *arg, struct nlmsghdr *nlh);

/* checkpoint_netlink.c */
int ckpt_nl_open(struct ckpt_ctx *ctx, struct ckpt_nl *nl, struct net *net,
		 int protocol);
void ckpt_nl_close(struct ckpt_nl *nl);
int ckpt_nl_dump(struct ckpt_nl *nl, u16 type, const void *hdr, size_t len,
		 ckpt_nl_fn fn, void *arg);
int ckpt_nl_get(struct ckpt_nl *nl, u16 type, const void *hdr, size_t len,
		ckpt_nl_fn fn, void *arg);
int ckpt_nl_talk(struct ckpt_nl *nl, struct nlmsghdr *nlh);
int ckpt_nl_send(struct ckpt_nl *nl, struct sk_buff *skb);
int ckpt_nl_batch(struct ckpt_nl *nl, const struct ckpt_msgs *m);

/**
 * struct ckpt_net - one network namespace of an image
 * @net: the namespace; checkpoint: borrowed from the table of objects;
 *	restart: referenced
 * @data: restart: what is to be in it, by section
 * @by_index: restart: where in the section CKPT_NET_DEV the device of an index
 *	is
 */
struct ckpt_net {
	struct net *net;
	struct ckpt_msgs data[CKPT_NET_MAX];
	struct xarray by_index;
};

/**
 * struct ckpt_nets - the network namespaces of an image
 * @outside: restart: what was made in the namespace of the caller, struct
 *	ckpt_outside
 * @keep: restart: and stays there
 * @tuns: restart: open files that keep queues of tun devices until those of the
 *	image are there
 * @nr: how many namespaces there are
 * @net: each of them
 */
struct ckpt_nets {
	struct ckpt_msgs outside;
	bool keep;
	struct list_head tuns;
	u32 nr;
	struct ckpt_net net[] __counted_by(nr);
};

/* checkpoint_netcheck.c */
int ckpt_net_check(struct ckpt_ctx *ctx, struct net *net);

/* checkpoint_netns.c */
int ckpt_net_write(struct ckpt_ctx *ctx, u32 index, u32 section,
		   const struct ckpt_msgs *m);
int ckpt_net_flush(struct ckpt_ctx *ctx, u32 index, u32 section,
		   struct ckpt_msgs *m, size_t limit);
int ckpt_net_index(struct ckpt_ctx *ctx, const struct net *net);

/* checkpoint_netdev.c */
int ckpt_netdevs_collect(struct ckpt_ctx *ctx, struct net *net);
int ckpt_netdevs_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net,
			    struct ckpt_nl *nl);
int ckpt_netdevs_check(struct ckpt_ctx *ctx, const struct ckpt_msgs *m);
int ckpt_netdevs_make(struct ckpt_ctx *ctx);
int ckpt_netdevs_set(struct ckpt_ctx *ctx, struct ckpt_net *n,
		     struct ckpt_nl *nl);
int ckpt_netdevs_raise(struct ckpt_ctx *ctx);
int ckpt_netdevs_finish(struct ckpt_ctx *ctx, struct ckpt_net *n,
			struct ckpt_nl *nl);

/**
 * struct ckpt_outside - the end of a pair that is outside of the tree
 * @ifindex: its index in the namespace of the caller of restart
 * @up: it is to be raised when the tree runs
 * @addr: the address that it gets then, or zeros
 */
struct ckpt_outside {
	int ifindex;
	u32 up;
	u8 addr[ETH_ALEN];
};

void ckpt_netdevs_commit(struct ckpt_ctx *ctx);
void ckpt_netdevs_undo(struct ckpt_ctx *ctx);

/* checkpoint_netroute.c: what belongs to a namespace beside its devices */
int ckpt_netroute_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net,
			     struct ckpt_nl *nl, u32 first, u32 last);
int ckpt_netroute_check(struct ckpt_ctx *ctx, u32 section,
			const struct ckpt_msgs *m);
int ckpt_netroute_restore(struct ckpt_ctx *ctx, struct ckpt_net *n,
			  struct ckpt_nl *nl, u32 first, u32 last);

/* net/netfilter/checkpoint_nft.c: the ruleset of nftables */
#if IS_BUILTIN(CONFIG_NF_TABLES)
int ckpt_nft_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net);
int ckpt_nft_check(struct ckpt_ctx *ctx, const struct ckpt_msgs *m);
int ckpt_nft_restore(struct ckpt_ctx *ctx, struct ckpt_net *n);
#else
static inline int ckpt_nft_checkpoint(struct ckpt_ctx *ctx, u32 index,
				      struct net *net)
{
	return 0;
}

static inline int ckpt_nft_check(struct ckpt_ctx *ctx,
				 const struct ckpt_msgs *m)
{
	return ckpt_err(ctx, -EINVAL, "image: network namespace: nftables: not supported in this build");
}

static inline int ckpt_nft_restore(struct ckpt_ctx *ctx, struct ckpt_net *n)
{
	return 0;
}
#endif

/* net/netfilter/checkpoint_ct.c: the entries of connection tracking */
#if IS_BUILTIN(CONFIG_NF_CT_NETLINK)
int ckpt_ct_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net,
		       u32 *left_out);
int ckpt_ct_check(struct ckpt_ctx *ctx, const struct ckpt_msgs *m);
int ckpt_ct_restore(struct ckpt_ctx *ctx, struct ckpt_net *n);
#else
static inline int ckpt_ct_checkpoint(struct ckpt_ctx *ctx, u32 index,
				     struct net *net, u32 *left_out)
{
	if (!IS_ENABLED(CONFIG_NF_CONNTRACK) ||
	    !(ctx->uflags & CHECKPOINT_CONNTRACK))
		return 0;
	return ckpt_err(ctx, -ENOSYS, "network namespace: connection tracking: not supported in this build");
}

static inline int ckpt_ct_check(struct ckpt_ctx *ctx, const struct ckpt_msgs *m)
{
	return ckpt_err(ctx, -EINVAL, "image: network namespace: connection tracking: not supported in this build");
}

static inline int ckpt_ct_restore(struct ckpt_ctx *ctx, struct ckpt_net *n)
{
	return 0;
}
#endif

/* checkpoint_netsched.c: queueing disciplines and classes */
const char *ckpt_netsched_refused(struct net_device *dev);
int ckpt_netsched_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net,
			     struct ckpt_nl *nl);
int ckpt_netsched_check(struct ckpt_ctx *ctx, const struct ckpt_msgs *m);
int ckpt_netsched_restore(struct ckpt_ctx *ctx, struct ckpt_net *n,
			  struct ckpt_nl *nl);

/* net/sched/checkpoint_netem.c: what netem does not tell of itself */
#if IS_BUILTIN(CONFIG_NET_SCH_NETEM)
int ckpt_netem_dists(struct Qdisc *q, struct ckpt_msgs *m);
#else
static inline int ckpt_netem_dists(struct Qdisc *q, struct ckpt_msgs *m)
{
	return -EOPNOTSUPP;
}
#endif

/* checkpoint_tcfilter.c: their filters */
int ckpt_tcfilter_checkpoint(struct ckpt_ctx *ctx, u32 index,
			     struct net *net, struct ckpt_nl *nl,
			     const struct ckpt_msgs *blocks);
bool ckpt_tcfilter_ok(const struct nlmsghdr *nlh);

/* drivers/net/checkpoint_tun.c: tun and tap devices */
#if IS_BUILTIN(CONFIG_TUN)
const char *ckpt_tun_refused(struct net_device *dev);
int ckpt_tuns_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net);
int ckpt_tuns_check(struct ckpt_ctx *ctx, const struct ckpt_msgs *m);
int ckpt_tun_make(struct ckpt_ctx *ctx, struct ckpt_net *n, const char *name,
		  u32 ifindex);
void ckpt_tuns_free(struct ckpt_nets *nets);
#else
static inline int ckpt_tuns_checkpoint(struct ckpt_ctx *ctx, u32 index,
				       struct net *net)
{
	return 0;
}

static inline int ckpt_tuns_check(struct ckpt_ctx *ctx,
				  const struct ckpt_msgs *m)
{
	return ckpt_err(ctx, -EINVAL, "image: network namespace: tun devices: not supported in this build");
}

static inline void ckpt_tuns_free(struct ckpt_nets *nets)
{
}
#endif

/* fs/proc/checkpoint_sysctl.c */
int ckpt_net_sysctl_save(struct ckpt_ctx *ctx, struct net *net,
			 struct ckpt_msgs *m);
int ckpt_net_sysctl_set(struct ckpt_ctx *ctx, struct net *net,
			const struct ckpt_msgs *m, bool first);

#endif /* _NET_CORE_CHECKPOINT_NETNS_H */
