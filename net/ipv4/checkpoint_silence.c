// SPDX-License-Identifier: GPL-2.0
/*
 * Connections whose packets go nowhere: neither in nor out.
 *
 * While a connection is saved, nothing of it may change, and nothing may be
 * acknowledged that is not in the image. When its tree is killed, its peer must
 * not hear of that, nor be told by a reset that there is no such connection, as
 * long as it may be restored. And while one is restored it is not to answer
 * before the whole tree is there. The peer sees packets that are lost, and sends
 * them again.
 *
 * A network namespace of the tree falls silent as a whole when the tree is
 * killed: it goes with its devices a moment later. In one that is not of the
 * tree the connections alone do, until they are restored there, or for
 * as long as whoever saved them has said.
 */

#include <linux/checkpoint_types.h>
#include <linux/hashtable.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jhash.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/spinlock.h>
#include <linux/tcp.h>
#include <linux/workqueue.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/tcp.h>

#include "../core/checkpoint_netns.h"
#include "checkpoint_silence.h"

/**
 * struct silence - a connection whose packets go nowhere
 * @node: in the table, by its tuple
 * @list: in ctx->silenced; unhashed when it was left behind
 * @ctx: whose list that is
 * @net: its network namespace, not referenced: it goes with it
 * @tuple: the connection
 * @expires: when it ends, in jiffies, if it was left behind
 * @keep: it is in the image: to be left behind
 * @rcu: freed when nobody looks at it any more
 */
struct silence {
	struct hlist_node node;
	struct hlist_node list;
	const struct ckpt_ctx *ctx;
	struct net *net;
	struct ckpt_tuple tuple;
	unsigned long expires;
	bool keep;
	struct rcu_head rcu;
};

/**
 * struct silence_net - what is known of a network namespace
 * @users: entries of the table that are in it, under silence_lock
 * @hooked: the hooks are in place, under silence_mutex
 * @all: all of it is silent
 */
struct silence_net {
	unsigned int users;
	bool hooked;
	bool all;
};

static DEFINE_HASHTABLE(silence_table, 10);
/* the table, the lists, users */
static DEFINE_SPINLOCK(silence_lock);
/* hooks; silence_lock nests inside */
static DEFINE_MUTEX(silence_mutex);
static unsigned int silence_id __read_mostly;

static void expire(struct work_struct *work);
static DECLARE_DELAYED_WORK(expire_work, expire);

static u32 hash_tuple(const struct net *net, const struct ckpt_tuple *t)
{
	return jhash_3words(net_hash_mix(net) ^ ipv6_addr_hash(&t->remote),
			    ipv6_addr_hash(&t->local),
			    (__force u32)t->lport << 16 | (__force u32)t->rport,
			    0);
}

static bool same_tuple(const struct ckpt_tuple *a, const struct ckpt_tuple *b)
{
	return a->lport == b->lport && a->rport == b->rport &&
	       ipv6_addr_equal(&a->local, &b->local) &&
	       ipv6_addr_equal(&a->remote, &b->remote);
}

static bool is_silent(const struct net *net, const struct ckpt_tuple *t)
{
	struct silence *s;

	hash_for_each_possible_rcu(silence_table, s, node, hash_tuple(net, t))
		if (s->net == net && same_tuple(&s->tuple, t))
			return true;
	return false;
}

/* ------------------------------------------------------------- the hooks */

/* A connection that was made before, and is not silent, as it was looked at */
static bool is_live(struct net *net, const struct sk_buff *skb,
		    const struct ckpt_tuple *t)
{
	struct inet_hashinfo *hashinfo = net->ipv4.tcp_death_row.hashinfo;
	int dif = skb->skb_iif;
	struct sock *sk = NULL;
	bool live;

	if (ipv6_addr_v4mapped(&t->local))
		sk = __inet_lookup_established(net, hashinfo,
					       t->remote.s6_addr32[3], t->rport,
					       t->local.s6_addr32[3],
					       ntohs(t->lport), dif, 0);
#if IS_BUILTIN(CONFIG_IPV6)
	else
		sk = __inet6_lookup_established(net, hashinfo, &t->remote,
						t->rport, &t->local,
						ntohs(t->lport), dif, 0);
#endif
	if (!sk)
		return false;
	live = sk->sk_state != TCP_NEW_SYN_RECV;
	sock_gen_put(sk);
	return live;
}

/* What comes for a port on which somebody listens, and is silent */
static bool is_unheard(struct net *net, const struct sk_buff *skb,
		       struct ckpt_tuple t)
{
	struct ckpt_tuple l = { .local = t.local, .lport = t.lport };
	struct in6_addr any = in6addr_any;

	if (!is_silent(net, &l)) {
		l.local = any;
		if (!is_silent(net, &l))
			return false;
	}
	return !is_live(net, skb, &t);
}

static bool read_tuple(struct sk_buff *skb, const struct nf_hook_state *state,
		       struct ckpt_tuple *t)
{
	bool in = state->hook == NF_INET_LOCAL_IN;
	struct tcphdr *th, th_buf;
	struct in6_addr src, dst;
	unsigned int off = 0;

	if (state->pf == NFPROTO_IPV4) {
		if (ip_hdr(skb)->protocol != IPPROTO_TCP)
			return false;
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &src);
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &dst);
		off = skb_network_offset(skb) + ip_hdrlen(skb);
	} else {
		if (ipv6_find_hdr(skb, &off, IPPROTO_TCP, NULL, NULL) < 0)
			return false;
		src = ipv6_hdr(skb)->saddr;
		dst = ipv6_hdr(skb)->daddr;
	}
	th = skb_header_pointer(skb, off, sizeof(th_buf), &th_buf);
	if (!th)
		return false;
	t->local = in ? dst : src;
	t->remote = in ? src : dst;
	t->lport = in ? th->dest : th->source;
	t->rport = in ? th->source : th->dest;
	return true;
}

static unsigned int silence_hook(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct net *net = state->net;
	struct silence_net *sn = net_generic(net, silence_id);
	struct ckpt_tuple t;

	if (READ_ONCE(sn->all))
		return NF_DROP;
	if (!read_tuple(skb, state, &t))
		return NF_ACCEPT;
	if (is_silent(net, &t) ||
	    (state->hook == NF_INET_LOCAL_IN && is_unheard(net, skb, t)))
		return NF_DROP;
	return NF_ACCEPT;
}

/* Before all others: nobody is to track a connection that nobody sees. */
static const struct nf_hook_ops silence_ops[] = {
	{
		.hook		= silence_hook,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_LOCAL_IN,
		.priority	= NF_IP_PRI_FIRST,
	}, {
		.hook		= silence_hook,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_LOCAL_OUT,
		.priority	= NF_IP_PRI_FIRST,
	}, {
		.hook		= silence_hook,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_LOCAL_IN,
		.priority	= NF_IP6_PRI_FIRST,
	}, {
		.hook		= silence_hook,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_LOCAL_OUT,
		.priority	= NF_IP6_PRI_FIRST,
	},
};

static int hook(struct net *net)
{
	struct silence_net *sn = net_generic(net, silence_id);
	int err = 0;

	lockdep_assert_held(&silence_mutex);

	if (sn->hooked)
		return 0;
	err = nf_register_net_hooks(net, silence_ops, ARRAY_SIZE(silence_ops));
	sn->hooked = !err;
	return err;
}

/* The namespace is referenced. */
static void unhook_unused(struct net *net)
{
	struct silence_net *sn = net_generic(net, silence_id);

	mutex_lock(&silence_mutex);
	if (sn->hooked && !sn->all && !READ_ONCE(sn->users)) {
		nf_unregister_net_hooks(net, silence_ops,
					ARRAY_SIZE(silence_ops));
		sn->hooked = false;
	}
	mutex_unlock(&silence_mutex);
}

/* ------------------------------------------------------------- the table */

static void remove(struct silence *s)
{
	struct silence_net *sn = net_generic(s->net, silence_id);

	lockdep_assert_held(&silence_lock);

	hash_del_rcu(&s->node);
	hlist_del_init(&s->list);
	WRITE_ONCE(sn->users, sn->users - 1);
	kfree_rcu(s, rcu);
}

/**
 * ckpt_silence - let the packets of a connection go nowhere
 * @ctx: the context: until ckpt_silence_end()
 * @net: the network namespace, which the caller has a reference to
 * @t: the connection
 *
 * What is received at the same time may still be.
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM or -EOPNOTSUPP.
 */
int ckpt_silence(struct ckpt_ctx *ctx, struct net *net,
		 const struct ckpt_tuple *t)
{
	struct silence_net *sn = net_generic(net, silence_id);
	struct silence *s;
	int err;

	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	s->ctx = ctx;
	s->net = net;
	s->tuple = *t;
	mutex_lock(&silence_mutex);
	err = hook(net);
	if (!err) {
		spin_lock_bh(&silence_lock);
		WRITE_ONCE(sn->users, sn->users + 1);
		hash_add_rcu(silence_table, &s->node, hash_tuple(net, t));
		hlist_add_head(&s->list, &ctx->silenced);
		spin_unlock_bh(&silence_lock);
	}
	mutex_unlock(&silence_mutex);
	if (err)
		kfree(s);
	return err;
}

/* Take the first one of a list; its network namespace comes with a reference. */
static struct net *remove_first(struct ckpt_ctx *ctx)
{
	struct net *net = NULL;
	struct silence *s;

	spin_lock_bh(&silence_lock);
	while (!net && !hlist_empty(&ctx->silenced)) {
		s = hlist_entry(ctx->silenced.first, struct silence, list);
		net = maybe_get_net(s->net);
		remove(s);
	}
	spin_unlock_bh(&silence_lock);
	return net;
}

/**
 * ckpt_silence_end - the connections of a context are heard again
 * @ctx: the context
 *
 * Context: process context, may sleep.
 */
void ckpt_silence_end(struct ckpt_ctx *ctx)
{
	struct net *net;

	while ((net = remove_first(ctx))) {
		unhook_unused(net);
		put_net(net);
	}
}

/**
 * ckpt_silence_undo - a connection is heard again before the others are
 * @ctx: the context, which has let its packets go nowhere
 * @net: its network namespace, which the caller has a reference to
 * @t: the connection; if several are known by this, one of them
 *
 * Context: process context, may sleep.
 */
void ckpt_silence_undo(const struct ckpt_ctx *ctx, struct net *net,
		       const struct ckpt_tuple *t)
{
	struct silence *s, *found = NULL;

	spin_lock_bh(&silence_lock);
	hash_for_each_possible(silence_table, s, node, hash_tuple(net, t)) {
		if (s->net == net && same_tuple(&s->tuple, t) &&
		    s->ctx == ctx && !hlist_unhashed(&s->list)) {
			found = s;
			break;
		}
	}
	if (found)
		remove(found);
	spin_unlock_bh(&silence_lock);
	if (found)
		unhook_unused(net);
}

static bool listens(const struct silence *s)
{
	return !s->tuple.rport;
}

static bool is_own(const struct ckpt_ctx *ctx, const struct net *net)
{
	u32 i;

	for (i = 0; ctx->nets && i < ctx->nets->nr; i++)
		if (ctx->nets->net[i].net == net)
			return true;
	return false;
}

/* The namespace is one of the tree, which is killed: nothing in it answers. */
static void silence_net(struct net *net)
{
	struct silence_net *sn = net_generic(net, silence_id);

	mutex_lock(&silence_mutex);
	if (!hook(net))
		WRITE_ONCE(sn->all, true);
	mutex_unlock(&silence_mutex);
}

/**
 * ckpt_silence_whole - is a network namespace that of a tree that was killed?
 * @net: the network namespace
 *
 * Return: true if it is: it is about to go.
 */
bool ckpt_silence_whole(const struct net *net)
{
	const struct silence_net *sn = net_generic(net, silence_id);

	return READ_ONCE(sn->all);
}

/**
 * ckpt_silence_keep - a connection is in the image of a tree to be killed
 * @net: its network namespace
 * @t: the connection
 *
 * Others, which the tree shares with somebody, live on.
 */
void ckpt_silence_keep(const struct net *net, const struct ckpt_tuple *t)
{
	struct silence *s;

	spin_lock_bh(&silence_lock);
	hash_for_each_possible(silence_table, s, node, hash_tuple(net, t))
		if (s->net == net && same_tuple(&s->tuple, t))
			s->keep = true;
	spin_unlock_bh(&silence_lock);
}

/**
 * ckpt_silence_leave - the tree is about to be killed: leave silence behind
 * @ctx: the context of the checkpoint
 *
 * Context: process context, may sleep.
 */
void ckpt_silence_leave(struct ckpt_ctx *ctx)
{
	struct silence *s;
	struct hlist_node *next;
	u32 i;

	for (i = 0; ctx->nets && i < ctx->nets->nr; i++)
		silence_net(ctx->nets->net[i].net);
	spin_lock_bh(&silence_lock);
	hlist_for_each_entry_safe(s, next, &ctx->silenced, list) {
		/* others may listen there next */
		if (!s->keep || listens(s) || is_own(ctx, s->net))
			continue;
		hlist_del_init(&s->list);
		s->expires = jiffies + ctx->silence;
	}
	spin_unlock_bh(&silence_lock);
	/* it finds out when the first one is to end */
	mod_delayed_work(system_unbound_wq, &expire_work, 0);
	ckpt_silence_end(ctx);
}

/**
 * ckpt_silence_forget - a connection is restored: it was left for that
 * @net: its network namespace, which the caller has a reference to
 * @t: the connection
 *
 * Context: process context, may sleep.
 */
void ckpt_silence_forget(struct net *net, const struct ckpt_tuple *t)
{
	struct hlist_node *next;
	struct silence *s;
	bool found = false;

	spin_lock_bh(&silence_lock);
	hash_for_each_possible_safe(silence_table, s, next, node,
				    hash_tuple(net, t)) {
		if (s->net == net && same_tuple(&s->tuple, t) &&
		    hlist_unhashed(&s->list)) {
			remove(s);
			found = true;
		}
	}
	spin_unlock_bh(&silence_lock);
	if (found)
		unhook_unused(net);
}

/*
 * One that was left behind too long ago, or NULL, in the table from @bucket on;
 * how long the next one has
 */
static struct silence *find_expired(unsigned int *bucket, unsigned long *left)
{
	unsigned long now = jiffies;
	struct silence *s;

	for (; *bucket < HASH_SIZE(silence_table); ++*bucket)
		hlist_for_each_entry(s, &silence_table[*bucket], node) {
			if (!hlist_unhashed(&s->list))
				continue;
			if (!time_before(now, s->expires))
				return s;
			*left = min(*left, s->expires - now);
		}
	return NULL;
}

static void expire(struct work_struct *work)
{
	unsigned long left = ULONG_MAX;
	unsigned int bucket = 0;
	struct silence *s;
	struct net *net;

	for (;;) {
		net = NULL;
		spin_lock_bh(&silence_lock);
		s = find_expired(&bucket, &left);
		if (s) {
			net = maybe_get_net(s->net);
			remove(s);
		}
		spin_unlock_bh(&silence_lock);
		if (net) {
			unhook_unused(net);
			put_net(net);
		}
		if (!s)
			break;
		cond_resched();
	}
	/* unless it is to look again at once, for what was left meanwhile */
	if (left != ULONG_MAX)
		queue_delayed_work(system_unbound_wq, &expire_work, left + 1);
}

/* Its devices are gone. */
static void __net_exit silence_net_exit(struct net *net)
{
	struct silence_net *sn = net_generic(net, silence_id);
	struct hlist_node *next;
	struct silence *s;
	int i;

	if (sn->users) {
		spin_lock_bh(&silence_lock);
		hash_for_each_safe(silence_table, i, next, s, node)
			if (s->net == net)
				remove(s);
		spin_unlock_bh(&silence_lock);
	}
	if (sn->hooked)
		nf_unregister_net_hooks(net, silence_ops,
					ARRAY_SIZE(silence_ops));
}

static struct pernet_operations silence_net_ops = {
	.exit	= silence_net_exit,
	.id	= &silence_id,
	.size	= sizeof(struct silence_net),
};

static int __init silence_init(void)
{
	return register_pernet_subsys(&silence_net_ops);
}
subsys_initcall(silence_init);
