// SPDX-License-Identifier: GPL-2.0
/*
 * Entries of connection tracking. Included by nf_conntrack_netlink.c.
 *
 * They are saved as ctnetlink tells of them, and made anew with its messages,
 * each as a connection that is not translated and is then bound to what it was
 * translated to: so NAT knows of it, too. What ctnetlink cannot tell or take is
 * set in the entry itself. The connections that an entry expects follow it.
 */

#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_helper.h>
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
			 CKPT_CTA(CTA_SYNPROXY) | CKPT_CTA(CTA_HELP))

/* What it takes in another form, and what is set later */
#define CKPT_CTA_SET	(CKPT_CTA(CTA_TUPLE_REPLY) | CKPT_CTA(CTA_STATUS) |    \
			 CKPT_CTA(CTA_TIMEOUT) |			       \
			 CKPT_CTA(CTA_COUNTERS_ORIG) |			       \
			 CKPT_CTA(CTA_COUNTERS_REPLY) |			       \
			 CKPT_CTA(CTA_TIMESTAMP))

#define CKPT_CTA_SAVED	(CKPT_CTA_SENT | CKPT_CTA_SET)

/* What follows from where it is in memory, and from who looks at it */
#define CKPT_CTA_IGNORED	(CKPT_CTA(CTA_ID) | CKPT_CTA(CTA_USE))

/* What is saved of a connection that is expected, and what describes it */
#define CKPT_EXP_SAVED	(CKPT_CTA(CTA_EXPECT_MASTER) |			       \
			 CKPT_CTA(CTA_EXPECT_TUPLE) |			       \
			 CKPT_CTA(CTA_EXPECT_MASK) |			       \
			 CKPT_CTA(CTA_EXPECT_TIMEOUT) |			       \
			 CKPT_CTA(CTA_EXPECT_HELP_NAME) |		       \
			 CKPT_CTA(CTA_EXPECT_FLAGS) |			       \
			 CKPT_CTA(CTA_EXPECT_CLASS) |			       \
			 CKPT_CTA(CTA_EXPECT_NAT) | CKPT_CTA(CTA_EXPECT_FN))

#define CKPT_EXP_IGNORED	CKPT_CTA(CTA_EXPECT_ID)

#define CKPT_CT_NEW	(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW)
#define CKPT_EXP_NEW	(NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_NEW)

/* Longer than any message there is, in bytes */
#define CKPT_CT_MSG_MAX	4096
/* Longer than any of a connection that is expected */
#define CKPT_EXP_MSG_MAX	512

/* Helpers whose from_nlattr() makes what they know of a connection anew */
static const char * const ckpt_ct_helpers[] = {
	"ftp",
};

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

/* Returns NULL if none is named. */
static const char *ckpt_ct_helper_name(const struct ckpt_ct *c)
{
	struct nlattr *info = NULL;
	char *name = NULL;

	if (!c->a[CTA_HELP] ||
	    ctnetlink_parse_help(c->a[CTA_HELP], &name, &info))
		return NULL;
	return name;
}

static int ckpt_ct_helper_refused(struct ckpt_ctx *ctx,
				  const struct ckpt_ct *c)
{
	const char *name = ckpt_ct_helper_name(c);

	if (!c->a[CTA_HELP] ||
	    (name && match_string(ckpt_ct_helpers, ARRAY_SIZE(ckpt_ct_helpers),
				  name) >= 0))
		return 0;
	return ckpt_err(ctx, -ENOSYS, "network namespace: connection tracking: helper '%s': not supported",
			name ?: "");
}

static const char *ckpt_ct_refused(struct net *net, const struct nlmsghdr *nlh,
				   struct ckpt_ct *c)
{
	const struct nfgenmsg *nfg = nlmsg_data(nlh);

	if (c->status & (IPS_OFFLOAD | IPS_HW_OFFLOAD))
		return "connection in a flowtable";
	if (c->a[CTA_TUPLE_MASTER])
		return ckpt_ct_master_refused(net, c, nfg->nfgen_family);
	return NULL;
}

static int ckpt_ct_copy(struct ckpt_ct_save *s, const struct nlmsghdr *nlh,
			struct ckpt_msgs *m, u64 saved, u64 ignored)
{
	const struct nlattr *a;
	int left, err;
	u64 bit;

	err = ckpt_msgs_add(m, nlh, NLMSG_HDRLEN + sizeof(struct nfgenmsg));
	nlmsg_for_each_attr(a, nlh, sizeof(struct nfgenmsg), left) {
		bit = nla_type(a) < 64 ? CKPT_CTA(nla_type(a)) : 0;
		if (!err && !(bit & (saved | ignored)))
			err = ckpt_err(s->ctx, -ENOSYS, "network namespace: connection tracking: %s with attribute %d: not supported",
				       saved == CKPT_EXP_SAVED ?
					       "expectation" : "entry",
				       nla_type(a));
		if (!err && (bit & saved))
			err = ckpt_msgs_add(m, a, a->nla_len);
	}
	return err;
}

/* With what netlink does not tell, if there is something */
static int ckpt_ct_add(struct ckpt_ct_save *s, const struct nlmsghdr *nlh,
		       struct ckpt_msgs *m, const struct ckpt_ct_attr *more)
{
	size_t start = m->len;
	struct nfgenmsg *nfg;
	int err;

	if (more)
		err = ckpt_ct_copy(s, nlh, m, CKPT_CTA_SAVED, CKPT_CTA_IGNORED);
	else
		err = ckpt_ct_copy(s, nlh, m, CKPT_EXP_SAVED, CKPT_EXP_IGNORED);
	if (!err && more)
		err = ckpt_msgs_add(m, more, sizeof(*more));
	if (err)
		return err;
	nfg = nlmsg_data(ckpt_msgs_end(m, start));
	nfg->res_id = 0;
	return 0;
}

static const char *ckpt_exp_refused(const struct nf_conntrack_expect *exp)
{
	if (!rcu_access_pointer(exp->helper))
		return "expectation without a helper";
	if (rcu_access_pointer(exp->assign_helper))
		return "expectation that gives a helper";
	if (exp->expectfn &&
	    !nf_ct_helper_expectfn_find_by_symbol(exp->expectfn))
		return "expectation with a function that has no name";
	return NULL;
}

/* Returns how many there may be. */
static u32 ckpt_exp_count(const struct nf_conn_help *help)
{
	u32 i, nr = 0;

	for (i = 0; i < NF_CT_MAX_EXPECT_CLASSES; i++)
		nr += READ_ONCE(help->expecting[i]);
	return nr;
}

static int ckpt_exp_list(struct nf_conn_help *help, struct sk_buff *skb,
			 const char **why)
{
	struct nf_conntrack_expect *exp;
	int err = 0;

	rcu_read_lock();
	hlist_for_each_entry_rcu(exp, &help->expectations, lnode) {
		if (nf_ct_exp_is_expired(exp))
			continue;
		*why = ckpt_exp_refused(exp);
		if (!*why &&
		    ctnetlink_exp_fill_info(skb, 0, 0, IPCTNL_MSG_EXP_NEW,
					    exp) < 0)
			err = -EBUSY;
		if (*why || err)
			break;
	}
	rcu_read_unlock();
	return err;
}

/* The connections that this one has announced: they follow it. */
static int ckpt_exp_save(struct ckpt_ct_save *s, struct nf_conn *ct,
			 struct ckpt_msgs *m)
{
	struct nf_conn_help *help = nfct_help(ct);
	u32 nr = help ? ckpt_exp_count(help) : 0;
	const struct nlmsghdr *nlh;
	const char *why = NULL;
	struct sk_buff *skb;
	int left, err;

	if (!nr)
		return 0;
	skb = nlmsg_new(nr * CKPT_EXP_MSG_MAX, GFP_KERNEL_ACCOUNT);
	if (!skb)
		return -ENOMEM;
	err = ckpt_exp_list(help, skb, &why);
	if (err)
		err = ckpt_err(s->ctx, err, "network namespace: connection tracking: expectations changed meanwhile, try again");
	else if (why)
		err = ckpt_ct_refuse(s->ctx, why);
	nlh = nlmsg_hdr(skb);
	for (left = skb->len; !err && nlmsg_ok(nlh, left);
	     nlh = nlmsg_next(nlh, &left))
		err = ckpt_ct_add(s, nlh, m, NULL);
	nlmsg_free(skb);
	return err;
}

static int ckpt_ct_save_one(void *arg, struct nlmsghdr *nlh)
{
	struct ckpt_ct_attr more = {
		.a = { .nla_len = sizeof(more), .nla_type = CKPT_CTA_MORE },
	};
	struct ckpt_ct_save *s = arg;
	struct ckpt_msgs *m;
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
	err = ckpt_ct_helper_refused(s->ctx, &c);
	if (err)
		return err;
	ct = ckpt_ct_find(s->net, &c, &c.orig);
	/* it has ended meanwhile */
	if (!ct)
		return 0;
	if (nf_ct_timeout_find(ct))
		err = ckpt_ct_refuse(s->ctx, "time limits of its own");
	else
		ckpt_ct_look(ct, &more.more);
	m = c.a[CTA_TUPLE_MASTER] ? &s->later : &s->m;
	if (!err)
		err = ckpt_ct_add(s, nlh, m, &more);
	if (!err)
		err = ckpt_exp_save(s, ct, m);
	nf_ct_put(ct);
	return err ?: ckpt_ct_write(s, CKPT_REC_MAX / 2);
}

/* Behind those that have led to them */
static int ckpt_ct_write_later(struct ckpt_ct_save *s)
{
	const struct nlmsghdr *nlh = s->later.data;
	int left = s->later.len, err = 0;

	for (; nlmsg_ok(nlh, left) && !err; nlh = nlmsg_next(nlh, &left)) {
		/* what one expects is in the same record */
		if (nlh->nlmsg_type == CKPT_CT_NEW)
			err = ckpt_ct_write(s, CKPT_REC_MAX / 2);
		if (!err)
			err = ckpt_msgs_add(&s->m, nlh, nlh->nlmsg_len);
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

static bool ckpt_ct_has_only(const struct nlmsghdr *nlh, u64 attrs)
{
	const struct nlattr *a;
	int left;

	nlmsg_for_each_attr(a, nlh, sizeof(struct nfgenmsg), left)
		if (nla_type(a) >= 64 || !(CKPT_CTA(nla_type(a)) & attrs))
			return false;
	return !left;
}

static bool ckpt_ct_is_entry(const struct nlmsghdr *nlh)
{
	const struct nlattr *a;
	struct ckpt_ct c;

	a = nlmsg_find_attr(nlh, sizeof(struct nfgenmsg), CKPT_CTA_MORE);
	return ckpt_ct_has_only(nlh, CKPT_CTA_SAVED |
				     CKPT_CTA(CKPT_CTA_MORE)) &&
	       a && nla_len(a) == sizeof(struct ckpt_ct_more) &&
	       !ckpt_ct_parse(nlh, &c) &&
	       (!c.a[CTA_HELP] || ckpt_ct_helper_name(&c));
}

/**
 * struct ckpt_exp - what a message tells of a connection that is expected
 * @a: its attributes
 * @tuple: its first packet
 * @mask: what of it is known
 * @master: the first packet of the connection that has announced it
 */
struct ckpt_exp {
	struct nlattr *a[CTA_EXPECT_MAX + 1];
	struct nf_conntrack_tuple tuple;
	struct nf_conntrack_tuple mask;
	struct nf_conntrack_tuple master;
};

static int ckpt_exp_tuple(const struct ckpt_exp *e,
			  struct nf_conntrack_tuple *tuple, u32 type, u8 family)
{
	return e->a[type] ?
	       ctnetlink_parse_tuple((const struct nlattr * const *)e->a, tuple,
				     type, family, NULL) : -EINVAL;
}

/* As ctnetlink understands it. Returns 0 or a negative errno, not reported. */
static int ckpt_exp_parse(const struct nlmsghdr *nlh, struct ckpt_exp *e)
{
	const struct nfgenmsg *nfg = nlmsg_data(nlh);
	u8 family = nfg->nfgen_family;
	int err;

	err = nlmsg_parse_deprecated(nlh, sizeof(*nfg), e->a, CTA_EXPECT_MAX,
				     exp_nla_policy, NULL);
	if (err)
		return err;
	if (!e->a[CTA_EXPECT_TIMEOUT] || !e->a[CTA_EXPECT_FLAGS] ||
	    !e->a[CTA_EXPECT_CLASS] || !e->a[CTA_EXPECT_HELP_NAME] ||
	    (ntohl(nla_get_be32(e->a[CTA_EXPECT_FLAGS])) & ~NF_CT_EXPECT_MASK))
		return -EINVAL;
	err = ckpt_exp_tuple(e, &e->tuple, CTA_EXPECT_TUPLE, family);
	if (!err)
		err = ckpt_exp_tuple(e, &e->mask, CTA_EXPECT_MASK, family);
	if (!err)
		err = ckpt_exp_tuple(e, &e->master, CTA_EXPECT_MASTER, family);
	return err;
}

static bool ckpt_ct_is_expectation(const struct nlmsghdr *nlh)
{
	struct ckpt_exp e;

	return ckpt_ct_has_only(nlh, CKPT_EXP_SAVED) &&
	       !ckpt_exp_parse(nlh, &e);
}

static bool ckpt_ct_valid(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *nfg = nlmsg_data(nlh);

	if (nlh->nlmsg_flags || nlh->nlmsg_seq || nlh->nlmsg_pid ||
	    nlmsg_len(nlh) < (int)sizeof(*nfg) ||
	    nlh->nlmsg_len > CKPT_CT_MSG_MAX || nfg->version || nfg->res_id)
		return false;
	return nlh->nlmsg_type == CKPT_CT_NEW ? ckpt_ct_is_entry(nlh) :
	       nlh->nlmsg_type == CKPT_EXP_NEW && ckpt_ct_is_expectation(nlh);
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
		if (!ckpt_ct_valid(nlh) ||
		    (nlh == m->data && nlh->nlmsg_type != CKPT_CT_NEW))
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

/*
 * Referenced: it must not go while an entry is made that has it. Whoever may
 * not make one is told so by netlink, and has no module loaded.
 */
static int ckpt_ct_helper_get(struct ckpt_ctx *ctx, struct net *net,
			      const struct ckpt_ct *c,
			      struct nf_conntrack_helper **helper)
{
	const char *name = ckpt_ct_helper_name(c);

	*helper = NULL;
	if (!name || !ns_capable(net->user_ns, CAP_NET_ADMIN))
		return 0;
	*helper = nf_conntrack_helper_try_module_get(name, c->orig.src.l3num,
						     c->orig.dst.protonum);
	if (*helper)
		return 0;
	return ckpt_err(ctx, -ENOENT, "network namespace: connection tracking: the helper '%s' is not there",
			name);
}

/* Returns the entry, or NULL, or ERR_PTR. */
static struct nf_conn *ckpt_ct_make(struct ckpt_nl *nl, struct net *net,
				    const struct nlmsghdr *nlh)
{
	struct nf_conntrack_helper *helper;
	struct ckpt_ct c;
	struct nf_conn *ct;
	int err;

	err = ckpt_ct_parse(nlh, &c);
	if (!err)
		err = ckpt_ct_helper_get(nl->ctx, net, &c, &helper);
	if (err)
		return ERR_PTR(err);
	err = ckpt_ct_send(nl, nlh, &c);
	if (helper)
		nf_conntrack_helper_put(helper);
	if (err)
		return ERR_PTR(err);
	ct = ckpt_ct_find(net, &c, &c.orig);
	/* its time is over already */
	if (!ct)
		return NULL;
	if (nf_ct_tuple_equal(nf_ct_tuple(ct, IP_CT_DIR_REPLY), &c.reply)) {
		ckpt_ct_complete(ct, nlh, &c);
		return ct;
	}
	nf_ct_put(ct);
	return ERR_PTR(-EADDRINUSE);
}

/* Was it announced by this connection, by its helper? */
static bool ckpt_exp_is_of(const struct ckpt_exp *e,
			   const struct nf_conn *master)
{
	const struct nf_conn_help *help = nfct_help(master);
	const struct nf_conntrack_helper *helper;

	helper = help ? rcu_dereference(help->helper) : NULL;
	return helper &&
	       !strcmp(helper->name, nla_data(e->a[CTA_EXPECT_HELP_NAME])) &&
	       nf_ct_tuple_equal(nf_ct_tuple(master, IP_CT_DIR_ORIGINAL),
				 &e->master);
}

/*
 * As ctnetlink does it, with the time that was left. Whoever could make its
 * master has the right to. Returns 0, or a negative errno, not reported:
 * -ESRCH if it is of another connection.
 */
static int ckpt_exp_insert(struct ckpt_exp *e, struct nf_conn *master)
{
	u32 seconds = ntohl(nla_get_be32(e->a[CTA_EXPECT_TIMEOUT]));
	struct nf_conntrack_expect *exp;
	int err;

	if (!ckpt_exp_is_of(e, master))
		return -ESRCH;
	if (e->a[CTA_EXPECT_FN] &&
	    !nf_ct_helper_expectfn_find_by_name(nla_data(e->a[CTA_EXPECT_FN])))
		return -ENOENT;
	exp = ctnetlink_alloc_expect((const struct nlattr * const *)e->a,
				     master, NULL, &e->tuple,
				     &e->mask);
	if (IS_ERR(exp))
		return PTR_ERR(exp);
	err = nf_ct_expect_related_report(exp, 0, 0, 0);
	seconds = clamp(seconds, 1U, (u32)(INT_MAX / HZ));
	if (!err)
		WRITE_ONCE(exp->timeout, nfct_time_stamp + seconds * HZ);
	nf_ct_expect_put(exp);
	return err;
}

static int ckpt_exp_make(struct ckpt_ctx *ctx, struct nf_conn *master,
			 const struct nlmsghdr *nlh)
{
	struct ckpt_exp e;
	int err;

	err = ckpt_exp_parse(nlh, &e);
	if (err)
		return err;
	rcu_read_lock();
	err = ckpt_exp_insert(&e, master);
	rcu_read_unlock();
	if (err == -ESRCH)
		return ckpt_err(ctx, -EINVAL, "image: network namespace: connection tracking: expectation of another connection");
	if (err == -ENOENT)
		return ckpt_err(ctx, err, "network namespace: connection tracking: the function '%s' of an expectation is not there",
				(char *)nla_data(e.a[CTA_EXPECT_FN]));
	return err;
}

/* All messages, of which the one that failed is counted */
static int ckpt_ct_make_all(struct ckpt_nl *nl, struct net *net,
			    const struct ckpt_msgs *m, u32 *nr)
{
	const struct nlmsghdr *nlh = m->data;
	struct nf_conn *ct = NULL;
	int left = m->len, err = 0;

	for (; nlmsg_ok(nlh, left) && !err; nlh = nlmsg_next(nlh, &left)) {
		(*nr)++;
		if (nlh->nlmsg_type == CKPT_EXP_NEW) {
			/* with the time of its master, its own is over */
			if (ct)
				err = ckpt_exp_make(nl->ctx, ct, nlh);
			continue;
		}
		if (ct)
			nf_ct_put(ct);
		ct = ckpt_ct_make(nl, net, nlh);
		if (IS_ERR(ct)) {
			err = PTR_ERR(ct);
			ct = NULL;
		}
	}
	if (ct)
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
	struct ckpt_nl nl;
	u32 nr = 0;
	int err;

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
	err = ckpt_ct_make_all(&nl, n->net, m, &nr);
	nf_connlabels_put(n->net);
	if (err)
		err = ckpt_err(ctx, err, "network namespace: connection tracking: entry %u cannot be made: error %d%s",
			       nr, err, nl.why);
	ckpt_nl_close(&nl);
	return err;
}
