// SPDX-License-Identifier: GPL-2.0
/*
 * Entries of connection tracking. Included by nf_conntrack_netlink.c.
 *
 * They are saved as ctnetlink tells of them, and made anew with its messages,
 * each as a connection that is not translated and is then bound to what it was
 * translated to: so NAT knows of it, too. What ctnetlink cannot tell or take is
 * set in the entry itself.
 */

#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_timeout.h>
#include <net/tcp.h>

#include "../core/checkpoint_netns.h"

#define CKPT_CTA(attr)	BIT_ULL(attr)

/* What a request takes as it was told */
#define CKPT_CTA_SENT	(CKPT_CTA(CTA_TUPLE_ORIG) | CKPT_CTA(CTA_PROTOINFO) |  \
			 CKPT_CTA(CTA_MARK) | CKPT_CTA(CTA_ZONE) |	       \
			 CKPT_CTA(CTA_TUPLE_MASTER) |			       \
			 CKPT_CTA(CTA_SEQ_ADJ_ORIG) |			       \
			 CKPT_CTA(CTA_SEQ_ADJ_REPLY) | CKPT_CTA(CTA_LABELS) |  \
			 CKPT_CTA(CTA_SYNPROXY))

/* What it takes in another form, and what is set later */
#define CKPT_CTA_SET	(CKPT_CTA(CTA_TUPLE_REPLY) | CKPT_CTA(CTA_STATUS) |    \
			 CKPT_CTA(CTA_TIMEOUT) |			       \
			 CKPT_CTA(CTA_COUNTERS_ORIG) |			       \
			 CKPT_CTA(CTA_COUNTERS_REPLY) |			       \
			 CKPT_CTA(CTA_TIMESTAMP))

#define CKPT_CTA_SAVED	(CKPT_CTA_SENT | CKPT_CTA_SET)

/* What follows from where it is in memory, and from who looks at it */
#define CKPT_CTA_IGNORED	(CKPT_CTA(CTA_ID) | CKPT_CTA(CTA_USE))

/* Longer than any message there is, in bytes */
#define CKPT_CT_MSG_MAX	4096

/**
 * struct ckpt_ct - what a message tells of an entry
 * @a: its attributes
 * @zone: its zone
 * @orig: its first packet
 * @reply: the answer to that
 * @status: IPS_*
 */
struct ckpt_ct {
	struct nlattr *a[CTA_MAX + 1];
	struct nf_conntrack_zone zone;
	struct nf_conntrack_tuple orig;
	struct nf_conntrack_tuple reply;
	u32 status;
};

static int ckpt_ct_tuple(const struct ckpt_ct *c,
			 struct nf_conntrack_tuple *tuple, u32 type,
			 u8 family, struct nf_conntrack_zone *zone)
{
	return ctnetlink_parse_tuple((const struct nlattr * const *)c->a, tuple,
				     type, family, zone);
}

/* As ctnetlink understands it. Returns 0 or a negative errno, not reported. */
static int ckpt_ct_parse(const struct nlmsghdr *nlh, struct ckpt_ct *c)
{
	const struct nfgenmsg *nfg = nlmsg_data(nlh);
	int err;

	err = nlmsg_parse_deprecated(nlh, sizeof(*nfg), c->a, CTA_MAX,
				     ct_nla_policy, NULL);
	if (err)
		return err;
	if (!c->a[CTA_TUPLE_ORIG] || !c->a[CTA_TUPLE_REPLY] ||
	    !c->a[CTA_STATUS] || !c->a[CTA_TIMEOUT])
		return -EINVAL;
	c->status = ntohl(nla_get_be32(c->a[CTA_STATUS]));
	err = ctnetlink_parse_zone(c->a[CTA_ZONE], &c->zone);
	if (!err)
		err = ckpt_ct_tuple(c, &c->orig, CTA_TUPLE_ORIG,
				    nfg->nfgen_family, &c->zone);
	if (!err)
		err = ckpt_ct_tuple(c, &c->reply, CTA_TUPLE_REPLY,
				    nfg->nfgen_family, &c->zone);
	if (!err && c->orig.dst.protonum != c->reply.dst.protonum)
		err = -EINVAL;
	return err;
}

/* Referenced, or NULL */
static struct nf_conn *ckpt_ct_find(struct net *net, const struct ckpt_ct *c,
				    const struct nf_conntrack_tuple *tuple)
{
	struct nf_conntrack_tuple_hash *h;

	h = nf_conntrack_find_get(net, &c->zone, tuple);
	return h ? nf_ct_tuplehash_to_ctrack(h) : NULL;
}

/* ---------------------------------------------------------- checkpoint */

/**
 * struct ckpt_ct_save - saving entries
 * @ctx: the context
 * @index: number of the namespace in the image
 * @net: the namespace
 * @m: what is to be written next
 * @later: what comes behind all others: what another connection has led to
 * @written: what has been written, in bytes
 */
struct ckpt_ct_save {
	struct ckpt_ctx *ctx;
	u32 index;
	struct net *net;
	struct ckpt_msgs m;
	struct ckpt_msgs later;
	size_t written;
};

static int ckpt_ct_refuse(struct ckpt_ctx *ctx, const char *what)
{
	return ckpt_err(ctx, -ENOSYS, "network namespace: connection tracking: %s: not supported",
			what);
}

static int ckpt_ct_write(struct ckpt_ct_save *s, size_t limit)
{
	if (s->m.len <= limit)
		return 0;
	s->written += s->m.len;
	if (s->written > CKPT_MSGS_MAX)
		return ckpt_ct_refuse(s->ctx, "more than 256 MiB of entries");
	return ckpt_net_flush(s->ctx, s->index, CKPT_NET_CT, &s->m, 0);
}

/* What is added to the message */
struct ckpt_ct_attr {
	struct nlattr a;
	struct ckpt_ct_more more;
};

static void ckpt_ct_look(struct nf_conn *ct, struct ckpt_ct_more *more)
{
	const struct nf_conntrack_ecache *e = nf_ct_ecache_find(ct);
	const struct ip_ct_tcp_state *seen = ct->proto.tcp.seen;
	int dir;

#if IS_ENABLED(CONFIG_NF_NAT_MASQUERADE)
	if (nfct_nat(ct))
		more->masquerade = nfct_nat(ct)->masq_index;
#endif
	if (e) {
		more->ctmask = READ_ONCE(e->ctmask);
		more->expmask = READ_ONCE(e->expmask);
	}
	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return;
	spin_lock_bh(&ct->lock);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		more->window[dir].end = seen[dir].td_end;
		more->window[dir].maxend = seen[dir].td_maxend;
		more->window[dir].maxwin = seen[dir].td_maxwin;
		more->window[dir].maxack = seen[dir].td_maxack;
	}
	spin_unlock_bh(&ct->lock);
}

/* The one that has led to it must be found again. */
static const char *ckpt_ct_master_refused(struct net *net, struct ckpt_ct *c,
					  u8 family)
{
	struct nf_conntrack_tuple tuple;
	const char *why = NULL;
	struct nf_conn *master;

	if (ckpt_ct_tuple(c, &tuple, CTA_TUPLE_MASTER, family, NULL))
		return "connection expected by an unknown one";
	master = ckpt_ct_find(net, c, &tuple);
	if (!master)
		return "connection expected by one that has ended";
	if (master->status & IPS_EXPECTED)
		why = "connection expected by one that was expected";
	nf_ct_put(master);
	return why;
}

static const char *ckpt_ct_refused(struct net *net, const struct nlmsghdr *nlh,
				   struct ckpt_ct *c)
{
	const struct nfgenmsg *nfg = nlmsg_data(nlh);

	if (c->a[CTA_HELP])
		return "helper";
	if (c->status & (IPS_OFFLOAD | IPS_HW_OFFLOAD))
		return "connection in a flowtable";
	if (c->a[CTA_TUPLE_MASTER])
		return ckpt_ct_master_refused(net, c, nfg->nfgen_family);
	return NULL;
}

static int ckpt_ct_copy(struct ckpt_ct_save *s, const struct nlmsghdr *nlh,
			struct ckpt_msgs *m, const struct ckpt_ct_attr *more)
{
	size_t start = m->len;
	struct nfgenmsg *nfg;
	const struct nlattr *a;
	int left, err;
	u64 bit;

	err = ckpt_msgs_add(m, nlh, NLMSG_HDRLEN + sizeof(*nfg));
	nlmsg_for_each_attr(a, nlh, sizeof(*nfg), left) {
		bit = nla_type(a) < 64 ? CKPT_CTA(nla_type(a)) : 0;
		if (!err && !(bit & (CKPT_CTA_SAVED | CKPT_CTA_IGNORED)))
			err = ckpt_err(s->ctx, -ENOSYS, "network namespace: connection tracking: entry with attribute %d: not supported",
				       nla_type(a));
		if (!err && (bit & CKPT_CTA_SAVED))
			err = ckpt_msgs_add(m, a, a->nla_len);
	}
	if (!err)
		err = ckpt_msgs_add(m, more, sizeof(*more));
	if (err)
		return err;
	nfg = nlmsg_data(ckpt_msgs_end(m, start));
	nfg->res_id = 0;
	return 0;
}

static int ckpt_ct_save_one(void *arg, struct nlmsghdr *nlh)
{
	struct ckpt_ct_attr more = {
		.a = { .nla_len = sizeof(more), .nla_type = CKPT_CTA_MORE },
	};
	struct ckpt_ct_save *s = arg;
	struct ckpt_ct c;
	struct nf_conn *ct;
	const char *why;
	int err;

	if (nlmsg_len(nlh) < (int)sizeof(struct nfgenmsg))
		return 0;
	err = ckpt_ct_parse(nlh, &c);
	/* one in a flowtable has no time limit of its own */
	if (err && !(c.a[CTA_STATUS] && !c.a[CTA_TIMEOUT]))
		return ckpt_err(s->ctx, err, "network namespace: connection tracking: entry of a kind that cannot be made: error %d",
				err);
	if (err)
		return ckpt_ct_refuse(s->ctx, "connection in a flowtable");
	why = ckpt_ct_refused(s->net, nlh, &c);
	if (why)
		return ckpt_ct_refuse(s->ctx, why);
	ct = ckpt_ct_find(s->net, &c, &c.orig);
	/* it has ended meanwhile */
	if (!ct)
		return 0;
	if (nf_ct_timeout_find(ct))
		why = "time limits of its own";
	else
		ckpt_ct_look(ct, &more.more);
	nf_ct_put(ct);
	if (why)
		return ckpt_ct_refuse(s->ctx, why);
	if (c.a[CTA_TUPLE_MASTER])
		return ckpt_ct_copy(s, nlh, &s->later, &more);
	err = ckpt_ct_copy(s, nlh, &s->m, &more);
	return err ?: ckpt_ct_write(s, CKPT_REC_MAX / 2);
}

/* Behind those that have led to them */
static int ckpt_ct_write_later(struct ckpt_ct_save *s)
{
	const struct nlmsghdr *nlh = s->later.data;
	int left = s->later.len, err = 0;

	for (; nlmsg_ok(nlh, left) && !err; nlh = nlmsg_next(nlh, &left)) {
		err = ckpt_msgs_add(&s->m, nlh, nlh->nlmsg_len);
		if (!err)
			err = ckpt_ct_write(s, CKPT_REC_MAX / 2);
	}
	return err ?: ckpt_ct_write(s, 0);
}

/**
 * ckpt_ct_checkpoint - write the entries of a namespace, with the flag
 * @ctx: the context
 * @index: number of the namespace in the image
 * @net: the namespace
 * @left_out: without the flag: how many there are is added
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_ct_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net,
		       u32 *left_out)
{
	struct ckpt_ct_save s = { .ctx = ctx, .index = index, .net = net };
	struct nfgenmsg all = { .version = NFNETLINK_V0 };
	struct ckpt_nl nl;
	int err;

	if (!(ctx->uflags & CHECKPOINT_CONNTRACK)) {
		*left_out += nf_conntrack_count(net);
		return 0;
	}
	if (READ_ONCE(nf_ct_pernet(net)->expect_count))
		return ckpt_ct_refuse(ctx, "expectation");
	err = ckpt_nl_open(ctx, &nl, net, NETLINK_NETFILTER);
	if (err)
		return err;
	err = ckpt_nl_dump(&nl,
			   NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
			   &all, sizeof(all), ckpt_ct_save_one, &s);
	if (err)
		err = ckpt_err(ctx, err, "network namespace: connection tracking: error %d%s",
			       err, nl.why);
	else
		err = ckpt_ct_write_later(&s);
	ckpt_msgs_free(&s.m);
	ckpt_msgs_free(&s.later);
	ckpt_nl_close(&nl);
	return err;
}

/* ------------------------------------------------------------- restart */

static bool ckpt_ct_valid(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *nfg = nlmsg_data(nlh);
	const struct nlattr *a;
	struct ckpt_ct c;
	int left;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
	    nlh->nlmsg_flags || nlh->nlmsg_seq || nlh->nlmsg_pid ||
	    nlmsg_len(nlh) < (int)sizeof(*nfg) ||
	    nlh->nlmsg_len > CKPT_CT_MSG_MAX || nfg->version || nfg->res_id)
		return false;
	nlmsg_for_each_attr(a, nlh, sizeof(*nfg), left)
		if (nla_type(a) >= 64 ||
		    !(CKPT_CTA(nla_type(a)) &
		      (CKPT_CTA_SAVED | CKPT_CTA(CKPT_CTA_MORE))))
			return false;
	a = nlmsg_find_attr(nlh, sizeof(*nfg), CKPT_CTA_MORE);
	return !left && a && nla_len(a) == sizeof(struct ckpt_ct_more) &&
	       !ckpt_ct_parse(nlh, &c);
}

/**
 * ckpt_ct_check - are these entries?
 * @ctx: the context
 * @m: the messages of a record
 *
 * The kernel checks each message against its policies when it is sent.
 *
 * Return: 0, or -EINVAL, reported.
 */
int ckpt_ct_check(struct ckpt_ctx *ctx, const struct ckpt_msgs *m)
{
	const struct nlmsghdr *nlh = m->data;
	int left = m->len;

	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left))
		if (!ckpt_ct_valid(nlh))
			return ckpt_err(ctx, -EINVAL, "image: network namespace: malformed entry of connection tracking");
	if (left)
		return ckpt_err(ctx, -EINVAL, "image: network namespace: connection tracking: %d bytes too many",
				left);
	return 0;
}

/* What is told of TCP's flags comes without a mask of what is to be set. */
static void ckpt_ct_unmask(const struct nlattr *info)
{
	const struct nlattr *tcp, *a;
	struct nf_ct_tcp_flags *f;
	int left;

	tcp = nla_find_nested(info, CTA_PROTOINFO_TCP);
	if (!tcp)
		return;
	nla_for_each_nested(a, tcp, left) {
		if ((nla_type(a) != CTA_PROTOINFO_TCP_FLAGS_ORIGINAL &&
		     nla_type(a) != CTA_PROTOINFO_TCP_FLAGS_REPLY) ||
		    nla_len(a) != sizeof(*f))
			continue;
		f = nla_data(a);
		f->mask = U8_MAX;
	}
}

/* The answer that there would be if nothing were translated */
static int ckpt_ct_put_reply(struct sk_buff *skb, const struct ckpt_ct *c)
{
	struct nf_conntrack_tuple reply;
	struct nlattr *nest;

	if (!nf_ct_invert_tuple(&reply, &c->orig))
		return -EINVAL;
	nest = nla_nest_start(skb, CTA_TUPLE_REPLY);
	if (!nest || ctnetlink_dump_tuples(skb, &reply) < 0 ||
	    ctnetlink_dump_zone_id(skb, CTA_TUPLE_ZONE, &c->zone,
				   NF_CT_ZONE_DIR_REPL) < 0)
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int ckpt_ct_put_range(struct sk_buff *skb, u16 type, u8 family,
			     const union nf_inet_addr *addr, const __be16 *port)
{
	struct nlattr *nest = nla_nest_start(skb, type), *proto;
	int err;

	if (!nest)
		return -EMSGSIZE;
	if (family == NFPROTO_IPV4)
		err = nla_put_in_addr(skb, CTA_NAT_V4_MINIP, addr->ip);
	else
		err = nla_put_in6_addr(skb, CTA_NAT_V6_MINIP, &addr->in6);
	if (err)
		return err;
	if (port) {
		proto = nla_nest_start(skb, CTA_NAT_PROTO);
		if (!proto ||
		    nla_put_be16(skb, CTA_PROTONAT_PORT_MIN, *port) ||
		    nla_put_be16(skb, CTA_PROTONAT_PORT_MAX, *port))
			return -EMSGSIZE;
		nla_nest_end(skb, proto);
	}
	nla_nest_end(skb, nest);
	return 0;
}

static bool ckpt_ct_is_icmp(const struct ckpt_ct *c)
{
	return c->orig.dst.protonum == IPPROTO_ICMP ||
	       c->orig.dst.protonum == IPPROTO_ICMPV6;
}

/* What it is translated to is the other end of the answer. */
static int ckpt_ct_put_nat(struct sk_buff *skb, const struct ckpt_ct *c)
{
	u8 family = c->orig.src.l3num;
	struct nf_conntrack_tuple to;
	int err;

	if (!(c->status & (IPS_NAT_MASK | IPS_NAT_DONE_MASK)))
		return 0;
	if (!nf_ct_invert_tuple(&to, &c->reply))
		return -EINVAL;
	err = ckpt_ct_put_range(skb, CTA_NAT_DST, family, &to.dst.u3,
				ckpt_ct_is_icmp(c) ? NULL : &to.dst.u.all);
	return err ?: ckpt_ct_put_range(skb, CTA_NAT_SRC, family, &to.src.u3,
					&to.src.u.all);
}

static int ckpt_ct_fill(struct sk_buff *skb, const struct nlmsghdr *nlh,
			const struct ckpt_ct *c)
{
	u32 timeout = ntohl(nla_get_be32(c->a[CTA_TIMEOUT]));
	const struct nlattr *a, *copy;
	int left, err;

	nlmsg_for_each_attr(a, nlh, sizeof(struct nfgenmsg), left) {
		if (!(CKPT_CTA(nla_type(a)) & CKPT_CTA_SENT))
			continue;
		copy = (struct nlattr *)skb_tail_pointer(skb);
		if (nla_put(skb, a->nla_type, nla_len(a), nla_data(a)))
			return -EMSGSIZE;
		if (nla_type(a) == CTA_PROTOINFO)
			ckpt_ct_unmask(copy);
	}
	/* what follows from other attributes is not asked for */
	if (nla_put_be32(skb, CTA_STATUS,
			 htonl((c->status & ~IPS_UNCHANGEABLE_MASK) |
			       IPS_CONFIRMED)) ||
	    nla_put_be32(skb, CTA_TIMEOUT, htonl(max(timeout, 1U))))
		return -EMSGSIZE;
	err = ckpt_ct_put_reply(skb, c);
	return err ?: ckpt_ct_put_nat(skb, c);
}

static int ckpt_ct_send(struct ckpt_nl *nl, const struct nlmsghdr *nlh,
			const struct ckpt_ct *c)
{
	/* with what is put in the place of what is not sent */
	struct sk_buff *skb = nlmsg_new(nlmsg_len(nlh) + 512, GFP_KERNEL);
	struct nlmsghdr *req;
	struct nfgenmsg *nfg;
	int err;

	if (!skb)
		return -ENOMEM;
	req = nlmsg_put(skb, 0, 0, nlh->nlmsg_type, sizeof(*nfg),
			NLM_F_CREATE | NLM_F_EXCL);
	nfg = nlmsg_data(req);
	memcpy(nfg, nlmsg_data(nlh), sizeof(*nfg));
	err = ckpt_ct_fill(skb, nlh, c);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	nlmsg_end(skb, req);
	return ckpt_nl_send(nl, skb);
}

static u64 ckpt_ct_u64(const struct nlattr *nest, int type)
{
	const struct nlattr *a = nla_find_nested(nest, type);

	return a && nla_len(a) == sizeof(u64) ?
	       be64_to_cpu(nla_get_be64(a)) : 0;
}

static void ckpt_ct_count_back(struct nf_conn_acct *acct,
			       const struct nlattr *a, int dir)
{
	if (!acct || !a)
		return;
	atomic64_add(ckpt_ct_u64(a, CTA_COUNTERS_PACKETS),
		     &acct->counter[dir].packets);
	atomic64_add(ckpt_ct_u64(a, CTA_COUNTERS_BYTES),
		     &acct->counter[dir].bytes);
}

static u8 ckpt_ct_scale(const struct nlattr *info, int type)
{
	const struct nlattr *tcp = nla_find_nested(info, CTA_PROTOINFO_TCP);
	const struct nlattr *a = tcp ? nla_find_nested(tcp, type) : NULL;

	return a && nla_len(a) ? min_t(u8, nla_get_u8(a), TCP_MAX_WSCALE) : 0;
}

/* ctnetlink takes a scale only if there are two: half-open ones have one. */
static void ckpt_ct_set_window(struct nf_conn *ct, const struct nlattr *info,
			       const struct ckpt_ct_more *more)
{
	struct ip_ct_tcp_state *seen = ct->proto.tcp.seen;
	int dir;

	spin_lock_bh(&ct->lock);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		seen[dir].td_end = more->window[dir].end;
		seen[dir].td_maxend = more->window[dir].maxend;
		seen[dir].td_maxwin = more->window[dir].maxwin;
		seen[dir].td_maxack = more->window[dir].maxack;
	}
	if (info) {
		seen[IP_CT_DIR_ORIGINAL].td_scale =
			ckpt_ct_scale(info, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL);
		seen[IP_CT_DIR_REPLY].td_scale =
			ckpt_ct_scale(info, CTA_PROTOINFO_TCP_WSCALE_REPLY);
	}
	spin_unlock_bh(&ct->lock);
}

/* What ctnetlink does not take. The message was not aligned for 64 bits. */
static void ckpt_ct_complete(struct nf_conn *ct, const struct nlmsghdr *nlh,
			     const struct ckpt_ct *c)
{
	struct nf_conn_tstamp *tstamp = nf_conn_tstamp_find(ct);
	struct nf_conntrack_ecache *e = nf_ct_ecache_find(ct);
	struct nf_conn_acct *acct = nf_conn_acct_find(ct);
	struct ckpt_ct_more more;

	memcpy(&more, nla_data(nlmsg_find_attr(nlh, sizeof(struct nfgenmsg),
					       CKPT_CTA_MORE)), sizeof(more));
#if IS_ENABLED(CONFIG_NF_NAT_MASQUERADE)
	if (nfct_nat(ct))
		nfct_nat(ct)->masq_index = more.masquerade;
#endif
	if (e) {
		WRITE_ONCE(e->ctmask, more.ctmask);
		WRITE_ONCE(e->expmask, more.expmask);
	}
	if (nf_ct_protonum(ct) == IPPROTO_TCP)
		ckpt_ct_set_window(ct, c->a[CTA_PROTOINFO], &more);
	ckpt_ct_count_back(acct, c->a[CTA_COUNTERS_ORIG], IP_CT_DIR_ORIGINAL);
	ckpt_ct_count_back(acct, c->a[CTA_COUNTERS_REPLY], IP_CT_DIR_REPLY);
	if (tstamp && c->a[CTA_TIMESTAMP])
		tstamp->start = ckpt_ct_u64(c->a[CTA_TIMESTAMP],
					    CTA_TIMESTAMP_START);
}

static int ckpt_ct_make(struct ckpt_nl *nl, struct net *net,
			const struct nlmsghdr *nlh)
{
	struct ckpt_ct c;
	struct nf_conn *ct;
	int err;

	err = ckpt_ct_parse(nlh, &c);
	if (!err)
		err = ckpt_ct_send(nl, nlh, &c);
	if (err)
		return err;
	ct = ckpt_ct_find(net, &c, &c.orig);
	/* its time is over already */
	if (!ct)
		return 0;
	if (nf_ct_tuple_equal(nf_ct_tuple(ct, IP_CT_DIR_REPLY), &c.reply))
		ckpt_ct_complete(ct, nlh, &c);
	else
		err = -EADDRINUSE;
	nf_ct_put(ct);
	return err;
}

/**
 * ckpt_ct_restore - make the entries of a namespace
 * @ctx: the context
 * @n: the namespace, with what is to be in it; its ruleset is there
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_ct_restore(struct ckpt_ctx *ctx, struct ckpt_net *n)
{
	const struct ckpt_msgs *m = &n->data[CKPT_NET_CT];
	const struct nlmsghdr *nlh = m->data;
	int left = m->len, err;
	struct ckpt_nl nl;
	u32 nr = 0;

	if (!m->len)
		return 0;
	err = ckpt_nl_open(ctx, &nl, n->net, NETLINK_NETFILTER);
	if (err)
		return err;
	/* an entry has room for labels where somebody uses them */
	err = nf_connlabels_get(n->net, NF_CT_LABELS_MAX_SIZE * BITS_PER_BYTE - 1);
	if (err) {
		ckpt_nl_close(&nl);
		return ckpt_err(ctx, err, "network namespace: connection tracking: labels: error %d",
				err);
	}
	for (; nlmsg_ok(nlh, left) && !err; nlh = nlmsg_next(nlh, &left)) {
		nr++;
		err = ckpt_ct_make(&nl, n->net, nlh);
	}
	nf_connlabels_put(n->net);
	if (err)
		err = ckpt_err(ctx, err, "network namespace: connection tracking: entry %u cannot be made: error %d%s",
			       nr, err, nl.why);
	ckpt_nl_close(&nl);
	return err;
}
