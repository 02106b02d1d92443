// SPDX-License-Identifier: GPL-2.0
/*
 * Filters of queueing disciplines and of classes, with their actions: saved as
 * rtnetlink shows them, in an order in which they can be made. That is theirs,
 * but for u32: its hash tables come first, since filters refer to them, and of
 * these the first one of each priority, which is made by itself, in the order
 * of their numbers.
 */

#include <linux/mm.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_skbedit.h>
#include <net/netlink.h>
#include <net/pkt_sched.h>
#include <net/sch_generic.h>

#include "checkpoint_netns.h"

#define A(attr)		BIT_ULL(attr)
#define FILTER_KEEP	(A(TCA_KIND) | A(TCA_OPTIONS) | A(TCA_CHAIN))
#define FILTER_IGNORE	(A(TCA_STATS) | A(TCA_XSTATS) | A(TCA_STATS2) | \
			 A(TCA_PAD) | A(TCA_FCNT))
#define ACTION_KEEP	(A(TCA_ACT_KIND) | A(TCA_ACT_OPTIONS) |	\
			 A(TCA_ACT_COOKIE) | A(TCA_ACT_FLAGS) |	\
			 A(TCA_ACT_HW_STATS))

/* What a user says, and not what became of it */
#define FILTER_FLAGS	(TCA_CLS_FLAGS_SKIP_HW | TCA_CLS_FLAGS_SKIP_SW | \
			 TCA_CLS_FLAGS_VERBOSE)

/**
 * struct kind - one kind of filters
 * @name: its name
 * @act: attribute with its actions
 * @flags: attribute with its flags, or 0
 * @drop: attribute that only counts, or 0
 * @refuse: attributes that are not supported
 * @alone: one without any options says something
 */
struct kind {
	const char *name;
	u16 act;
	u16 flags;
	u16 drop;
	u16 refuse[2];
	bool alone;
};

/* The table of kinds: adding one is an entry here. */
static const struct kind kinds[] = {
	{
		.name = "u32", .act = TCA_U32_ACT, .flags = TCA_U32_FLAGS,
		.drop = TCA_U32_PCNT, .refuse = { TCA_U32_POLICE },
		.alone = true,
	},
	{
		.name = "fw", .act = TCA_FW_ACT, .refuse = { TCA_FW_POLICE },
		.alone = true,
	},
	{
		.name = "basic", .act = TCA_BASIC_ACT, .drop = TCA_BASIC_PCNT,
		.refuse = { TCA_BASIC_EMATCHES, TCA_BASIC_POLICE },
	},
	{
		.name = "matchall", .act = TCA_MATCHALL_ACT,
		.flags = TCA_MATCHALL_FLAGS, .drop = TCA_MATCHALL_PCNT,
	},
	{
		.name = "flower", .act = TCA_FLOWER_ACT,
		.flags = TCA_FLOWER_FLAGS, .drop = TCA_FLOWER_IN_HW_COUNT,
	},
};

/* Actions that tell of all that they were told */
static const char * const actions[] = { "gact", "mirred", "skbedit" };

/* Others that there may be, with no filter that has them */
static const char * const other_actions[] = {
	"police", "pedit", "vlan", "nat", "csum", "connmark", "ct", "ctinfo",
	"tunnel_key", "bpf", "simple", "skbmod", "sample", "ife", "mpls",
	"gate", "xt",
};

static const struct kind *find_kind(const struct nlattr *a)
{
	int i;

	for (i = 0; a && i < ARRAY_SIZE(kinds); i++)
		if (!nla_strcmp(a, kinds[i].name))
			return &kinds[i];
	return NULL;
}

static bool action_known(const struct nlattr *a)
{
	int i;

	for (i = 0; a && i < ARRAY_SIZE(actions); i++)
		if (!nla_strcmp(a, actions[i]))
			return true;
	return false;
}

static struct nlattr *attr(const struct nlmsghdr *nlh, int type)
{
	return nlmsg_find_attr(nlh, sizeof(struct tcmsg), type);
}

/* ---------------------------------------------------------- checkpoint */

/* The first hash table of the first priority; numbers go on from here. */
#define U32_ROOT		0x80000000U
#define U32_ROOT_STEP		0x00100000U

/**
 * struct u32_root - the first hash table of a priority
 * @handle: its number
 * @head: where in the messages is what makes it
 */
struct u32_root {
	u32 handle;
	u32 head;
};

/**
 * struct filters - writing filters
 * @ctx: the context
 * @net: the namespace
 * @index: its number in the image
 * @block: what is listed now: the place of a qdisc, or a class
 * @m: what is to be written next
 * @in_u32: what is listed now is of a priority of u32
 * @heads: what makes a priority of u32, with its first hash table
 * @roots: the first hash tables, struct u32_root
 * @table: the hash table that was listed last: the last of a priority is its
 *	first one
 * @tables: all others
 * @rest: all other filters
 * @u32: qdiscs that have u32 in one place, by index of the device and handle:
 *	all places of a qdisc have their hash tables in common
 */
struct filters {
	struct ckpt_ctx *ctx;
	struct net *net;
	u32 index;
	const struct tcmsg *block;
	struct ckpt_msgs m;
	bool in_u32;
	struct ckpt_msgs heads;
	struct ckpt_msgs roots;
	struct ckpt_msgs table;
	struct ckpt_msgs tables;
	struct ckpt_msgs rest;
	struct xarray u32;
};

static int refuse(struct filters *f, const struct tcmsg *tcm,
		  const struct nlattr *kind, const char *what)
{
	return ckpt_err(f->ctx, -ENOSYS, "network device %u: filter %s%s: not supported",
			tcm->tcm_ifindex,
			kind ? (const char *)nla_data(kind) : "", what);
}

static int copy_action(struct filters *f, const struct tcmsg *tcm,
		       struct ckpt_msgs *to, const struct nlattr *action)
{
	const struct nlattr *kind = nla_find_nested(action, TCA_ACT_KIND), *a;
	int at, left, err = 0;

	if (!action_known(kind))
		return refuse(f, tcm, kind, " as an action");
	at = ckpt_msgs_nest(to, nla_type(action));
	if (at < 0)
		return at;
	nla_for_each_nested(a, action, left)
		if (!err && nla_type(a) < 64 &&
		    (A(nla_type(a)) & ACTION_KEEP))
			err = ckpt_msgs_add(to, a, a->nla_len);
	if (!err)
		ckpt_msgs_nest_end(to, at);
	return err;
}

static int copy_actions(struct filters *f, const struct tcmsg *tcm,
			struct ckpt_msgs *to, const struct nlattr *all)
{
	int at = ckpt_msgs_nest(to, nla_type(all)), left, err;
	const struct nlattr *a;

	if (at < 0)
		return at;
	nla_for_each_nested(a, all, left) {
		err = copy_action(f, tcm, to, a);
		if (err)
			return err;
	}
	ckpt_msgs_nest_end(to, at);
	return 0;
}

static int copy_option(struct filters *f, const struct nlmsghdr *nlh,
		       const struct kind *kind, struct ckpt_msgs *to,
		       const struct nlattr *a)
{
	struct { struct nlattr a; u32 value; } flags;
	int type = nla_type(a);

	if (type && (type == kind->refuse[0] || type == kind->refuse[1]))
		return refuse(f, nlmsg_data(nlh), attr(nlh, TCA_KIND),
			      " with a policer or other matches");
	if (type == kind->act)
		return copy_actions(f, nlmsg_data(nlh), to, a);
	if (kind->drop && type == kind->drop)
		return 0;
	if (!kind->flags || type != kind->flags)
		return ckpt_msgs_add(to, a, a->nla_len);
	flags.a = *a;
	flags.value = nla_get_u32(a) & FILTER_FLAGS;
	return ckpt_msgs_add(to, &flags, sizeof(flags));
}

static int copy_options(struct filters *f, const struct nlmsghdr *nlh,
			const struct kind *kind, struct ckpt_msgs *to,
			const struct nlattr *options)
{
	int at = ckpt_msgs_nest(to, TCA_OPTIONS), left, err;
	const struct nlattr *a;

	if (at < 0)
		return at;
	nla_for_each_nested(a, options, left) {
		err = copy_option(f, nlh, kind, to, a);
		if (err)
			return err;
	}
	ckpt_msgs_nest_end(to, at);
	return 0;
}

static int copy_filter(struct filters *f, const struct nlmsghdr *nlh,
		       const struct kind *kind, struct ckpt_msgs *to)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);
	size_t start = to->len;
	const struct nlattr *a;
	int left, err;
	u64 bit;

	err = ckpt_msgs_add(to, nlh, NLMSG_HDRLEN + sizeof(*tcm));
	nlmsg_for_each_attr(a, nlh, sizeof(*tcm), left) {
		if (err)
			return err;
		bit = nla_type(a) < 64 ? A(nla_type(a)) : 0;
		if (bit == A(TCA_OPTIONS))
			err = copy_options(f, nlh, kind, to, a);
		else if (bit & FILTER_KEEP)
			err = ckpt_msgs_add(to, a, a->nla_len);
		else if (!(bit & FILTER_IGNORE))
			err = refuse(f, tcm, attr(nlh, TCA_KIND),
				     " with a rate or other attributes");
	}
	if (err)
		return err;
	ckpt_msgs_end(to, start);
	return 0;
}

/* All of a priority was listed. */
static int end_priority(struct filters *f)
{
	const struct nlmsghdr *table = f->table.data;
	struct u32_root *root = f->roots.data + f->roots.len;

	if (!f->in_u32)
		return 0;
	f->in_u32 = false;
	if (!f->table.len)
		return -EIO;
	root--;
	root->handle = ((struct tcmsg *)nlmsg_data(table))->tcm_handle;
	f->table.len = 0;
	return 0;
}

/* A priority begins; that says something only where one can do without more. */
static int begin_priority(struct filters *f, const struct nlmsghdr *nlh,
			  const struct kind *kind)
{
	struct u32_root root = { .head = f->heads.len };
	int err = end_priority(f);

	if (err || !kind->alone)
		return err;
	if (kind != &kinds[0])
		return copy_filter(f, nlh, kind, &f->rest);
	f->in_u32 = true;
	err = ckpt_msgs_add(&f->roots, &root, sizeof(root));
	return err ?: copy_filter(f, nlh, kind, &f->heads);
}

static int found_filter(void *arg, struct nlmsghdr *nlh)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);
	struct filters *f = arg;
	const struct kind *kind;
	int err = 0;

	if (nlh->nlmsg_type != RTM_NEWTFILTER ||
	    nlmsg_len(nlh) < (int)sizeof(*tcm))
		return 0;
	kind = find_kind(attr(nlh, TCA_KIND));
	if (!kind)
		return refuse(f, tcm, attr(nlh, TCA_KIND), "");
	if (!attr(nlh, TCA_OPTIONS))
		return begin_priority(f, nlh, kind);
	if (kind != &kinds[0] || TC_U32_KEY(tcm->tcm_handle))
		return copy_filter(f, nlh, kind, &f->rest);
	/* a hash table, and the one before it was not the first one */
	if (f->table.len)
		err = ckpt_msgs_add(&f->tables, f->table.data, f->table.len);
	f->table.len = 0;
	return err ?: copy_filter(f, nlh, kind, &f->table);
}

static int write_some(struct filters *f, size_t limit)
{
	return ckpt_net_flush(f->ctx, f->index, CKPT_NET_SCHED, &f->m, limit);
}

static int put_one(struct filters *f, const struct nlmsghdr *nlh)
{
	int err = ckpt_msgs_add(&f->m, nlh, nlh->nlmsg_len);

	return err ?: write_some(f, CKPT_REC_MAX / 2);
}

static struct tcf_block *find_block(struct net *net, const struct tcmsg *at)
{
	struct net_device *dev = __dev_get_by_index(net, at->tcm_ifindex);
	const struct Qdisc_class_ops *ops;
	unsigned long class = 0;
	struct Qdisc *q;

	ASSERT_RTNL();
	q = dev ? qdisc_lookup(dev, TC_H_MAJ(at->tcm_parent)) : NULL;
	ops = q ? q->ops->cl_ops : NULL;
	if (!ops || !ops->tcf_block)
		return NULL;
	if (TC_H_MIN(at->tcm_parent)) {
		class = ops->find(q, at->tcm_parent);
		if (!class)
			return NULL;
	}
	return ops->tcf_block(q, class, NULL);
}

/* Nobody tells whether a chain stays when its last filter goes. */
static bool chain_stays(struct filters *f, u32 index)
{
	struct tcf_chain *chain;
	struct tcf_block *block;
	bool stays = false;

	rtnl_lock();
	block = find_block(f->net, f->block);
	if (block) {
		mutex_lock(&block->lock);
		list_for_each_entry(chain, &block->chain_list, list)
			if (chain->index == index)
				stays = chain->explicitly_created;
		mutex_unlock(&block->lock);
	}
	rtnl_unlock();
	return stays;
}

/* One that was made by itself: before its filters */
static int found_chain(void *arg, struct nlmsghdr *nlh)
{
	struct {
		struct nlmsghdr nlh;
		struct tcmsg tcm;
		struct nlattr a;
		u32 index;
	} msg = {
		.nlh.nlmsg_len = sizeof(msg),
		.nlh.nlmsg_type = RTM_NEWCHAIN,
		.a.nla_len = NLA_HDRLEN + sizeof(u32),
		.a.nla_type = TCA_CHAIN,
	};
	struct filters *f = arg;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWCHAIN ||
	    nlmsg_len(nlh) < (int)sizeof(struct tcmsg))
		return 0;
	if (attr(nlh, TCA_KIND))
		return refuse(f, nlmsg_data(nlh), attr(nlh, TCA_KIND),
			      " as the template of a chain");
	a = attr(nlh, TCA_CHAIN);
	msg.index = a ? nla_get_u32(a) : 0;
	if (!chain_stays(f, msg.index))
		return 0;
	msg.tcm.tcm_ifindex = f->block->tcm_ifindex;
	msg.tcm.tcm_parent = f->block->tcm_parent;
	return put_one(f, &msg.nlh);
}

static int put_all(struct filters *f, struct ckpt_msgs *from)
{
	const struct nlmsghdr *nlh = from->data;
	int left = from->len, err;

	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
		err = put_one(f, nlh);
		if (err)
			return err;
	}
	from->len = 0;
	return 0;
}

/* The one that was made last is listed first. */
static int put_tables(struct filters *f)
{
	const struct nlmsghdr *nlh = f->tables.data, **table;
	int left = f->tables.len, err = 0;
	u32 nr = 0;

	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left))
		nr++;
	table = kvmalloc_array(nr, sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	nlh = f->tables.data;
	left = f->tables.len;
	for (nr = 0; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left))
		table[nr++] = nlh;
	while (nr && !err)
		err = put_one(f, table[--nr]);
	kvfree(table);
	f->tables.len = 0;
	return err;
}

/* Of the hash tables of a qdisc nobody tells in which place they are. */
static int only_place(struct filters *f, const struct tcmsg *block)
{
	unsigned long key = (u64)block->tcm_ifindex << 32 |
			    TC_H_MAJ(block->tcm_parent);
	int err = xa_insert(&f->u32, key, xa_mk_value(0), GFP_KERNEL_ACCOUNT);

	if (err != -EBUSY)
		return err;
	return refuse(f, block, NULL, "u32 in several places of a qdisc");
}

/* They get their numbers one after the other when they are made. */
static int put_heads(struct filters *f, const struct tcmsg *block)
{
	const struct u32_root *root = f->roots.data;
	u32 nr = f->roots.len / sizeof(*root), i, j;
	int err = nr ? only_place(f, block) : 0;

	if (err)
		return err;
	for (i = 0; i < nr; i++) {
		for (j = 0; j < nr; j++)
			if (root[j].handle == U32_ROOT + i * U32_ROOT_STEP)
				break;
		if (j == nr)
			return refuse(f, block, NULL, "u32 with hash tables that are not numbered one after the other");
		err = put_one(f, f->heads.data + root[j].head);
		if (err)
			return err;
		cond_resched();
	}
	f->heads.len = 0;
	f->roots.len = 0;
	return 0;
}

static int save_block(struct filters *f, struct ckpt_nl *nl,
		      const struct tcmsg *block)
{
	int err;

	f->block = block;
	err = ckpt_nl_dump(nl, RTM_GETCHAIN, block, sizeof(*block),
			   found_chain, f);
	if (!err)
		err = ckpt_nl_dump(nl, RTM_GETTFILTER, block, sizeof(*block),
				   found_filter, f);
	if (!err)
		err = end_priority(f);
	if (!err)
		err = put_heads(f, block);
	if (!err)
		err = put_tables(f);
	return err ?: put_all(f, &f->rest);
}

static int check_action(struct filters *f, const struct nlattr *action)
{
	const struct nlattr *kind = nla_find_nested(action, TCA_ACT_KIND);
	const struct nlattr *options, *parms = NULL;
	const struct tc_gact *p;

	BUILD_BUG_ON((int)TCA_GACT_PARMS != (int)TCA_MIRRED_PARMS ||
		     (int)TCA_GACT_PARMS != (int)TCA_SKBEDIT_PARMS);

	/* what they begin with is the same */
	options = nla_find_nested(action, TCA_ACT_OPTIONS);
	if (action_known(kind) && options)
		parms = nla_find_nested(options, TCA_GACT_PARMS);
	p = parms && nla_len(parms) >= (int)sizeof(*p) ? nla_data(parms) : NULL;
	if (p && p->refcnt <= p->bindcnt)
		return 0;
	return ckpt_err(f->ctx, -ENOSYS, "network namespace: action %s that is there without a filter: not supported",
			kind ? (const char *)nla_data(kind) : "");
}

static int found_actions(void *arg, struct nlmsghdr *nlh)
{
	const struct nlattr *all, *a;
	int left, err;

	if (nlmsg_len(nlh) < (int)sizeof(struct tcamsg))
		return 0;
	all = nlmsg_find_attr(nlh, sizeof(struct tcamsg), TCA_ACT_TAB);
	if (!all)
		return 0;
	nla_for_each_nested(a, all, left) {
		err = check_action(arg, a);
		if (err)
			return err;
	}
	return 0;
}

/* Is there any of this kind that no filter has? */
static int look_for_actions(struct filters *f, struct ckpt_nl *nl,
			    const char *kind)
{
	struct {
		struct tcamsg t;
		struct nlattr tab;
		struct nlattr first;
		struct nlattr kind;
		char name[16];
	} ask = {
		.tab.nla_type = TCA_ACT_TAB,
		.tab.nla_len = sizeof(ask) - sizeof(ask.t),
		.first.nla_type = 1,
		.first.nla_len = sizeof(ask.first) + sizeof(ask.kind) +
				 sizeof(ask.name),
		.kind.nla_type = TCA_ACT_KIND,
		.kind.nla_len = sizeof(ask.kind) + sizeof(ask.name),
	};

	strscpy(ask.name, kind);
	return ckpt_nl_dump(nl, RTM_GETACTION, &ask, sizeof(ask),
			    found_actions, f);
}

static int check_actions(struct filters *f, struct ckpt_nl *nl)
{
	int i, err = 0;

	if (!IS_ENABLED(CONFIG_NET_CLS_ACT))
		return 0;
	for (i = 0; i < ARRAY_SIZE(actions) && !err; i++)
		err = look_for_actions(f, nl, actions[i]);
	for (i = 0; i < ARRAY_SIZE(other_actions) && !err; i++)
		err = look_for_actions(f, nl, other_actions[i]);
	return err;
}

/**
 * ckpt_tcfilter_checkpoint - write filters
 * @ctx: the context
 * @index: number of the namespace in the image
 * @net: the namespace
 * @nl: a socket in it
 * @blocks: struct tcmsg, what filters are asked of
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno: -ENOSYS is reported.
 */
int ckpt_tcfilter_checkpoint(struct ckpt_ctx *ctx, u32 index,
			     struct net *net, struct ckpt_nl *nl,
			     const struct ckpt_msgs *blocks)
{
	const struct tcmsg *block = blocks->data;
	const struct tcmsg *end = blocks->data + blocks->len;
	struct filters f = { .ctx = ctx, .net = net, .index = index };
	int err = 0;

	if (!IS_ENABLED(CONFIG_NET_CLS))
		return 0;
	xa_init_flags(&f.u32, XA_FLAGS_ACCOUNT);
	for (; block < end && !err; block++)
		err = save_block(&f, nl, block);
	if (!err)
		err = check_actions(&f, nl);
	if (!err)
		err = write_some(&f, 0);
	ckpt_msgs_free(&f.m);
	ckpt_msgs_free(&f.heads);
	ckpt_msgs_free(&f.roots);
	ckpt_msgs_free(&f.table);
	ckpt_msgs_free(&f.tables);
	ckpt_msgs_free(&f.rest);
	xa_destroy(&f.u32);
	return err;
}

/* ------------------------------------------------------------- restart */

static bool actions_ok(const struct nlattr *all)
{
	const struct nlattr *a;
	int left;

	nla_for_each_nested(a, all, left)
		if (!action_known(nla_find_nested(a, TCA_ACT_KIND)))
			return false;
	return true;
}

static bool chain_ok(const struct nlmsghdr *nlh)
{
	const struct nlattr *a = attr(nlh, TCA_CHAIN);

	return a && nla_len(a) == sizeof(u32) &&
	       nlmsg_len(nlh) == NLMSG_ALIGN(sizeof(struct tcmsg)) + a->nla_len;
}

/**
 * ckpt_tcfilter_ok - is this a filter, or a chain, that a checkpoint writes?
 * @nlh: a message, of which nothing but its length was checked
 *
 * The kernel checks it against its policies when it is sent.
 *
 * Return: true if it is.
 */
bool ckpt_tcfilter_ok(const struct nlmsghdr *nlh)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);
	const struct nlattr *options, *a;
	const struct kind *kind;
	int left;

	if ((nlh->nlmsg_type != RTM_NEWTFILTER &&
	     nlh->nlmsg_type != RTM_NEWCHAIN) || nlh->nlmsg_flags ||
	    nlh->nlmsg_seq || nlh->nlmsg_pid ||
	    nlmsg_len(nlh) < (int)sizeof(*tcm) || tcm->tcm_ifindex <= 0)
		return false;
	if (nlh->nlmsg_type == RTM_NEWCHAIN)
		return chain_ok(nlh);
	nlmsg_for_each_attr(a, nlh, sizeof(*tcm), left)
		if (nla_type(a) >= 64 || !(A(nla_type(a)) & FILTER_KEEP))
			return false;
	a = attr(nlh, TCA_KIND);
	kind = find_kind(a);
	/* a message shows it, too */
	if (left || !kind || strnlen(nla_data(a), nla_len(a)) == nla_len(a))
		return false;
	options = attr(nlh, TCA_OPTIONS);
	if (!options)
		return kind->alone;
	nla_for_each_nested(a, options, left)
		if ((nla_type(a) && nla_type(a) == kind->refuse[0]) ||
		    (kind->refuse[1] && nla_type(a) == kind->refuse[1]) ||
		    (nla_type(a) == kind->act && !actions_ok(a)))
			return false;
	return true;
}
