// SPDX-License-Identifier: GPL-2.0
/*
 * Rulesets of nftables. Included by nf_tables_api.c.
 *
 * All that there is in a namespace is saved as nfnetlink tells of it, and is
 * made anew in one batch, whose messages are in an order in which nothing is
 * named before it is there. Whoever manages a ruleset knows what is in it by
 * the handles that the kernel has given, so that these are set to what they
 * were.
 */

#include "../core/checkpoint_netns.h"

#define CKPT_A(attr)	BIT_ULL(attr)

/**
 * struct ckpt_nft_kind - one kind of things in a ruleset
 * @name: for messages
 * @get: NFT_MSG_GET*, which lists all
 * @new: NFT_MSG_NEW*
 * @handle: the attribute with its handle, or 0
 * @flags: NLM_F_* to make one with
 * @keep: attributes that are saved
 * @ignore: attributes that follow from others
 */
struct ckpt_nft_kind {
	const char *name;
	u8 get;
	u8 new;
	u8 handle;
	u16 flags;
	u64 keep;
	u64 ignore;
};

/* In the order in which they are made */
static const struct ckpt_nft_kind ckpt_nft_kinds[] = {
	{
		.name = "table", .get = NFT_MSG_GETTABLE,
		.new = NFT_MSG_NEWTABLE, .handle = NFTA_TABLE_HANDLE,
		.flags = NLM_F_CREATE | NLM_F_EXCL,
		.keep = CKPT_A(NFTA_TABLE_NAME) | CKPT_A(NFTA_TABLE_FLAGS) |
			CKPT_A(NFTA_TABLE_HANDLE) | CKPT_A(NFTA_TABLE_USERDATA),
		.ignore = CKPT_A(NFTA_TABLE_USE) | CKPT_A(NFTA_TABLE_PAD),
	},
	{
		.name = "chain", .get = NFT_MSG_GETCHAIN,
		.new = NFT_MSG_NEWCHAIN, .handle = NFTA_CHAIN_HANDLE,
		.flags = NLM_F_CREATE | NLM_F_EXCL,
		.keep = CKPT_A(NFTA_CHAIN_TABLE) | CKPT_A(NFTA_CHAIN_HANDLE) |
			CKPT_A(NFTA_CHAIN_NAME) | CKPT_A(NFTA_CHAIN_HOOK) |
			CKPT_A(NFTA_CHAIN_POLICY) | CKPT_A(NFTA_CHAIN_TYPE) |
			CKPT_A(NFTA_CHAIN_COUNTERS) | CKPT_A(NFTA_CHAIN_FLAGS) |
			CKPT_A(NFTA_CHAIN_USERDATA),
		.ignore = CKPT_A(NFTA_CHAIN_USE) | CKPT_A(NFTA_CHAIN_PAD),
	},
	{
		.name = "set", .get = NFT_MSG_GETSET, .new = NFT_MSG_NEWSET,
		.handle = NFTA_SET_HANDLE, .flags = NLM_F_CREATE | NLM_F_EXCL,
		.keep = CKPT_A(NFTA_SET_TABLE) | CKPT_A(NFTA_SET_NAME) |
			CKPT_A(NFTA_SET_FLAGS) | CKPT_A(NFTA_SET_KEY_TYPE) |
			CKPT_A(NFTA_SET_KEY_LEN) | CKPT_A(NFTA_SET_DATA_TYPE) |
			CKPT_A(NFTA_SET_DATA_LEN) | CKPT_A(NFTA_SET_POLICY) |
			CKPT_A(NFTA_SET_DESC) | CKPT_A(NFTA_SET_TIMEOUT) |
			CKPT_A(NFTA_SET_GC_INTERVAL) |
			CKPT_A(NFTA_SET_USERDATA) | CKPT_A(NFTA_SET_OBJ_TYPE) |
			CKPT_A(NFTA_SET_HANDLE) | CKPT_A(NFTA_SET_EXPR) |
			CKPT_A(NFTA_SET_EXPRESSIONS),
		.ignore = CKPT_A(NFTA_SET_PAD),
	},
	{
		.name = "object", .get = NFT_MSG_GETOBJ, .new = NFT_MSG_NEWOBJ,
		.handle = NFTA_OBJ_HANDLE, .flags = NLM_F_CREATE | NLM_F_EXCL,
		.keep = CKPT_A(NFTA_OBJ_TABLE) | CKPT_A(NFTA_OBJ_NAME) |
			CKPT_A(NFTA_OBJ_TYPE) | CKPT_A(NFTA_OBJ_DATA) |
			CKPT_A(NFTA_OBJ_HANDLE) | CKPT_A(NFTA_OBJ_USERDATA),
		.ignore = CKPT_A(NFTA_OBJ_USE) | CKPT_A(NFTA_OBJ_PAD),
	},
	{
		.name = "flowtable", .get = NFT_MSG_GETFLOWTABLE,
		.new = NFT_MSG_NEWFLOWTABLE, .handle = NFTA_FLOWTABLE_HANDLE,
		.flags = NLM_F_CREATE | NLM_F_EXCL,
		.keep = CKPT_A(NFTA_FLOWTABLE_TABLE) |
			CKPT_A(NFTA_FLOWTABLE_NAME) |
			CKPT_A(NFTA_FLOWTABLE_HOOK) |
			CKPT_A(NFTA_FLOWTABLE_HANDLE) |
			CKPT_A(NFTA_FLOWTABLE_FLAGS),
		.ignore = CKPT_A(NFTA_FLOWTABLE_USE) |
			  CKPT_A(NFTA_FLOWTABLE_PAD),
	},
	{
		.name = "set element", .get = NFT_MSG_GETSETELEM,
		.new = NFT_MSG_NEWSETELEM, .flags = NLM_F_CREATE,
		.keep = CKPT_A(NFTA_SET_ELEM_LIST_TABLE) |
			CKPT_A(NFTA_SET_ELEM_LIST_SET) |
			CKPT_A(NFTA_SET_ELEM_LIST_ELEMENTS),
	},
	{
		.name = "rule", .get = NFT_MSG_GETRULE, .new = NFT_MSG_NEWRULE,
		.handle = NFTA_RULE_HANDLE,
		.flags = NLM_F_CREATE | NLM_F_APPEND,
		.keep = CKPT_A(NFTA_RULE_TABLE) | CKPT_A(NFTA_RULE_CHAIN) |
			CKPT_A(NFTA_RULE_HANDLE) |
			CKPT_A(NFTA_RULE_EXPRESSIONS) |
			CKPT_A(NFTA_RULE_USERDATA),
		.ignore = CKPT_A(NFTA_RULE_POSITION) | CKPT_A(NFTA_RULE_PAD),
	},
};

static const struct ckpt_nft_kind *ckpt_nft_kind(const struct nlmsghdr *nlh)
{
	int i;

	if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_NFTABLES)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(ckpt_nft_kinds); i++)
		if (ckpt_nft_kinds[i].new == NFNL_MSG_TYPE(nlh->nlmsg_type))
			return &ckpt_nft_kinds[i];
	return NULL;
}

static struct nlattr *ckpt_nft_attr(const struct nlmsghdr *nlh, int type)
{
	return nlmsg_find_attr(nlh, sizeof(struct nfgenmsg), type);
}

/* ---------------------------------------------------------- checkpoint */

/**
 * struct ckpt_nft_save - saving a ruleset
 * @ctx: the context
 * @index: number of the namespace in the image
 * @kind: what is being listed
 * @m: what is to be written next
 * @sets: the sets, whose elements are listed when all are known
 */
struct ckpt_nft_save {
	struct ckpt_ctx *ctx;
	u32 index;
	const struct ckpt_nft_kind *kind;
	struct ckpt_msgs m;
	struct ckpt_msgs sets;
};

static int ckpt_nft_refuse(struct ckpt_nft_save *s, const char *what)
{
	return ckpt_err(s->ctx, -ENOSYS, "network namespace: nftables: %s: not supported",
			what);
}

/* Matches and targets of xtables are told of without their protocol. */
static bool ckpt_nft_xtables(const struct nlmsghdr *nlh)
{
	const struct nlattr *list = ckpt_nft_attr(nlh, NFTA_RULE_EXPRESSIONS);
	const struct nlattr *expr, *name;
	int left;

	if (!list)
		return false;
	nla_for_each_nested(expr, list, left) {
		name = nla_find_nested(expr, NFTA_EXPR_NAME);
		if (name && (!nla_strcmp(name, "match") ||
			     !nla_strcmp(name, "target")))
			return true;
	}
	return false;
}

static const char *ckpt_nft_refused(const struct nlmsghdr *nlh)
{
	const struct nlattr *a;

	switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
	case NFT_MSG_NEWTABLE:
		if (ckpt_nft_attr(nlh, NFTA_TABLE_OWNER))
			return "table that belongs to a program";
		break;
	case NFT_MSG_NEWCHAIN:
		a = ckpt_nft_attr(nlh, NFTA_CHAIN_FLAGS);
		if (a && (ntohl(nla_get_be32(a)) & NFT_CHAIN_BINDING))
			return "chain without a name";
		if (a && (ntohl(nla_get_be32(a)) & NFT_CHAIN_HW_OFFLOAD))
			return "chain that is offloaded";
		break;
	case NFT_MSG_NEWRULE:
		if (ckpt_nft_xtables(nlh))
			return "matches and targets of xtables";
		break;
	}
	return NULL;
}

static int ckpt_nft_write(struct ckpt_nft_save *s, size_t limit)
{
	return ckpt_net_flush(s->ctx, s->index, CKPT_NET_NFT, &s->m, limit);
}

static int ckpt_nft_copy(struct ckpt_nft_save *s, const struct nlmsghdr *nlh)
{
	size_t start = s->m.len;
	struct nlmsghdr *copy;
	struct nfgenmsg *nfg;
	const struct nlattr *a;
	int left, err;
	u64 bit;

	err = ckpt_msgs_add(&s->m, nlh, NLMSG_HDRLEN + sizeof(*nfg));
	nlmsg_for_each_attr(a, nlh, sizeof(*nfg), left) {
		bit = nla_type(a) < 64 ? CKPT_A(nla_type(a)) : 0;
		if (!err && !(bit & (s->kind->keep | s->kind->ignore)))
			err = ckpt_err(s->ctx, -ENOSYS, "network namespace: nftables: %s with attribute %d: not supported",
				       s->kind->name, nla_type(a));
		if (!err && (bit & s->kind->keep))
			err = ckpt_msgs_add(&s->m, a, a->nla_len);
	}
	if (err)
		return err;
	copy = ckpt_msgs_end(&s->m, start);
	nfg = nlmsg_data(copy);
	nfg->res_id = 0;
	if (NFNL_MSG_TYPE(nlh->nlmsg_type) == NFT_MSG_NEWSET)
		return ckpt_msgs_add(&s->sets, copy, copy->nlmsg_len);
	return 0;
}

static int ckpt_nft_save_one(void *arg, struct nlmsghdr *nlh)
{
	struct ckpt_nft_save *s = arg;
	const char *why;
	int err;

	if (ckpt_nft_kind(nlh) != s->kind ||
	    nlmsg_len(nlh) < (int)sizeof(struct nfgenmsg))
		return 0;
	why = ckpt_nft_refused(nlh);
	if (why)
		return ckpt_nft_refuse(s, why);
	err = ckpt_nft_copy(s, nlh);
	return err ?: ckpt_nft_write(s, CKPT_REC_MAX / 2);
}

static int ckpt_nft_list(struct ckpt_nft_save *s, struct ckpt_nl *nl,
			 const void *hdr, size_t len)
{
	int err;

	err = ckpt_nl_dump(nl, NFNL_SUBSYS_NFTABLES << 8 | s->kind->get, hdr,
			   len, ckpt_nft_save_one, s);
	if (err == -EAGAIN)
		return ckpt_err(s->ctx, -EBUSY, "network namespace: nftables changed while it was being read, try again");
	if (err)
		return ckpt_err(s->ctx, err, "network namespace: nftables: %s: error %d%s",
				s->kind->name, err, nl->why);
	return 0;
}

/* The elements of one set after the other */
static int ckpt_nft_elements(struct ckpt_nft_save *s, struct ckpt_nl *nl)
{
	const struct nlmsghdr *set = s->sets.data;
	const struct nlattr *table, *name;
	int left = s->sets.len, err = 0;
	struct nfgenmsg *nfg;
	struct sk_buff *skb;

	for (; nlmsg_ok(set, left) && !err; set = nlmsg_next(set, &left)) {
		table = ckpt_nft_attr(set, NFTA_SET_TABLE);
		name = ckpt_nft_attr(set, NFTA_SET_NAME);
		if (!table || !name)
			continue;
		skb = alloc_skb(NLMSG_GOODSIZE, GFP_KERNEL);
		if (!skb)
			return -ENOMEM;
		nfg = skb_put_zero(skb, sizeof(*nfg));
		nfg->nfgen_family = *(u8 *)nlmsg_data(set);
		if (nla_put(skb, NFTA_SET_ELEM_LIST_TABLE, nla_len(table),
			    nla_data(table)) ||
		    nla_put(skb, NFTA_SET_ELEM_LIST_SET, nla_len(name),
			    nla_data(name)))
			err = -EMSGSIZE;
		else
			err = ckpt_nft_list(s, nl, skb->data, skb->len);
		kfree_skb(skb);
	}
	return err;
}

/**
 * ckpt_nft_checkpoint - write the ruleset of a namespace
 * @ctx: the context
 * @index: number of the namespace in the image
 * @net: the namespace
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_nft_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net)
{
	struct nfgenmsg all = { .version = NFNETLINK_V0 };
	struct ckpt_nft_save s = { .ctx = ctx, .index = index };
	struct ckpt_nl nl;
	int i, err;

	err = ckpt_nl_open(ctx, &nl, net, NETLINK_NETFILTER);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(ckpt_nft_kinds) && !err; i++) {
		s.kind = &ckpt_nft_kinds[i];
		if (s.kind->new == NFT_MSG_NEWSETELEM)
			err = ckpt_nft_elements(&s, &nl);
		else
			err = ckpt_nft_list(&s, &nl, &all, sizeof(all));
	}
	if (!err)
		err = ckpt_nft_write(&s, 0);
	ckpt_msgs_free(&s.m);
	ckpt_msgs_free(&s.sets);
	ckpt_nl_close(&nl);
	return err;
}

/* ------------------------------------------------------------- restart */

static bool ckpt_nft_valid(const struct nlmsghdr *nlh)
{
	const struct ckpt_nft_kind *kind = ckpt_nft_kind(nlh);
	const struct nfgenmsg *nfg = nlmsg_data(nlh);
	const struct nlattr *a;
	int left;

	if (!kind || nlh->nlmsg_flags || nlh->nlmsg_seq || nlh->nlmsg_pid ||
	    nlmsg_len(nlh) < (int)sizeof(*nfg) || nfg->version || nfg->res_id)
		return false;
	nlmsg_for_each_attr(a, nlh, sizeof(*nfg), left)
		if (nla_type(a) >= 64 || !(CKPT_A(nla_type(a)) & kind->keep))
			return false;
	a = kind->handle ? ckpt_nft_attr(nlh, kind->handle) : NULL;
	return !left && (!kind->handle || (a && nla_len(a) == sizeof(u64)));
}

/**
 * ckpt_nft_check - is this a ruleset?
 * @ctx: the context
 * @m: the messages of a record
 *
 * The kernel checks each message against its policies when it is sent.
 *
 * Return: 0, or -EINVAL, reported.
 */
int ckpt_nft_check(struct ckpt_ctx *ctx, const struct ckpt_msgs *m)
{
	const struct nlmsghdr *nlh = m->data;
	int left = m->len;

	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left))
		if (!ckpt_nft_valid(nlh))
			return ckpt_err(ctx, -EINVAL, "image: network namespace: malformed ruleset");
	if (left)
		return ckpt_err(ctx, -EINVAL, "image: network namespace: ruleset: %d bytes too many",
				left);
	return 0;
}

static int ckpt_nft_put_edge(struct ckpt_msgs *batch, u16 type, u16 flags)
{
	struct {
		struct nlmsghdr nlh;
		struct nfgenmsg nfg;
	} edge = {
		.nlh = {
			.nlmsg_len = sizeof(edge),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | flags,
		},
		.nfg = {
			.version = NFNETLINK_V0,
			.res_id = htons(NFNL_SUBSYS_NFTABLES),
		},
	};

	return ckpt_msgs_add(batch, &edge, sizeof(edge));
}

/* What has been saved, as a request: its handle is the kernel's affair. */
static int ckpt_nft_put(struct ckpt_msgs *batch, const struct nlmsghdr *nlh,
			u32 nr)
{
	const struct ckpt_nft_kind *kind = ckpt_nft_kind(nlh);
	struct { struct nlattr a; __be32 nr; } id = {
		.a = { .nla_len = sizeof(id), .nla_type = NFTA_SET_ID },
		.nr = htonl(nr),
	};
	size_t start = batch->len;
	struct nlmsghdr *copy;
	const struct nlattr *a;
	int left, err;

	err = ckpt_msgs_add(batch, nlh,
			    NLMSG_HDRLEN + sizeof(struct nfgenmsg));
	nlmsg_for_each_attr(a, nlh, sizeof(struct nfgenmsg), left)
		if (!err && (!kind->handle || nla_type(a) != kind->handle))
			err = ckpt_msgs_add(batch, a, a->nla_len);
	if (!err && kind->new == NFT_MSG_NEWSET)
		err = ckpt_msgs_add(batch, &id, sizeof(id));
	if (err)
		return err;
	copy = batch->data + start;
	copy->nlmsg_len = batch->len - start;
	copy->nlmsg_flags = NLM_F_REQUEST | kind->flags;
	return 0;
}

static int ckpt_nft_batch(const struct ckpt_msgs *m, struct ckpt_msgs *batch)
{
	const struct nlmsghdr *nlh = m->data;
	int left = m->len, err;
	u32 nr = 0;

	err = ckpt_nft_put_edge(batch, NFNL_MSG_BATCH_BEGIN, 0);
	for (; nlmsg_ok(nlh, left) && !err; nlh = nlmsg_next(nlh, &left)) {
		err = ckpt_nft_put(batch, nlh, ++nr);
		cond_resched();
	}
	return err ?: ckpt_nft_put_edge(batch, NFNL_MSG_BATCH_END, NLM_F_ACK);
}

/**
 * struct ckpt_nft_place - where in a ruleset a rule is
 * @chain: its chain, or NULL
 * @rule: the last one of that chain whose handle was set, or NULL
 */
struct ckpt_nft_place {
	struct nft_chain *chain;
	struct nft_rule *rule;
};

/* Rules stand in the order in which they were made. */
static void ckpt_nft_set_rule(struct net *net, struct nft_table *table,
			      const struct nlmsghdr *nlh, u64 handle,
			      struct ckpt_nft_place *p)
{
	struct nft_chain *chain;
	struct list_head *next;

	chain = nft_chain_lookup(net, table,
				 ckpt_nft_attr(nlh, NFTA_RULE_CHAIN),
				 nft_genmask_cur(net));
	if (IS_ERR(chain))
		return;
	if (chain != p->chain)
		p->rule = NULL;
	p->chain = chain;
	next = p->rule ? p->rule->list.next : chain->rules.next;
	if (next == &chain->rules)
		return;
	p->rule = list_entry(next, struct nft_rule, list);
	p->rule->handle = handle;
}

/* What is found by its name in a table, and has a handle */
static u64 *ckpt_nft_handle_of(struct net *net, struct nft_table *table,
			       const struct nlmsghdr *nlh)
{
	u8 genmask = nft_genmask_cur(net);
	struct nft_flowtable *flowtable;
	const struct nlattr *type;
	struct nft_object *obj;
	struct nft_chain *chain;
	struct nft_set *set;

	switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
	case NFT_MSG_NEWTABLE:
		return &table->handle;
	case NFT_MSG_NEWCHAIN:
		chain = nft_chain_lookup(net, table,
					 ckpt_nft_attr(nlh, NFTA_CHAIN_NAME),
					 genmask);
		return IS_ERR(chain) ? NULL : &chain->handle;
	case NFT_MSG_NEWSET:
		set = nft_set_lookup(table, ckpt_nft_attr(nlh, NFTA_SET_NAME),
				     genmask);
		return IS_ERR(set) ? NULL : &set->handle;
	case NFT_MSG_NEWOBJ:
		type = ckpt_nft_attr(nlh, NFTA_OBJ_TYPE);
		if (!type)
			return NULL;
		obj = nft_obj_lookup(net, table,
				     ckpt_nft_attr(nlh, NFTA_OBJ_NAME),
				     ntohl(nla_get_be32(type)), genmask);
		return IS_ERR(obj) ? NULL : &obj->handle;
	case NFT_MSG_NEWFLOWTABLE:
		flowtable = nft_flowtable_lookup(table,
						 ckpt_nft_attr(nlh, NFTA_FLOWTABLE_NAME),
						 genmask);
		return IS_ERR(flowtable) ? NULL : &flowtable->handle;
	default:
		return NULL;
	}
}

/* The name of the table is the first attribute of each kind. */
#define CKPT_NFT_TABLE		1

/* Most that a rule has room for: see struct nft_rule */
#define CKPT_NFT_HANDLE_MAX	GENMASK_ULL(41, 0)

static void ckpt_nft_set_handle(struct net *net, const struct nlmsghdr *nlh,
				struct ckpt_nft_place *p)
{
	const struct ckpt_nft_kind *kind = ckpt_nft_kind(nlh);
	struct nftables_pernet *nft_net = nft_pernet(net);
	const struct nlattr *name;
	struct nft_table *table;
	u64 handle, *place;

	BUILD_BUG_ON(NFTA_TABLE_NAME != CKPT_NFT_TABLE);
	BUILD_BUG_ON(NFTA_CHAIN_TABLE != CKPT_NFT_TABLE);
	BUILD_BUG_ON(NFTA_SET_TABLE != CKPT_NFT_TABLE);
	BUILD_BUG_ON(NFTA_OBJ_TABLE != CKPT_NFT_TABLE);
	BUILD_BUG_ON(NFTA_FLOWTABLE_TABLE != CKPT_NFT_TABLE);
	BUILD_BUG_ON(NFTA_RULE_TABLE != CKPT_NFT_TABLE);

	name = ckpt_nft_attr(nlh, CKPT_NFT_TABLE);
	if (!kind->handle || !name)
		return;
	handle = be64_to_cpu(nla_get_be64(ckpt_nft_attr(nlh, kind->handle)));
	table = nft_table_lookup(net, name, *(u8 *)nlmsg_data(nlh),
				 nft_genmask_cur(net), 0);
	if (IS_ERR(table) || !handle || handle > CKPT_NFT_HANDLE_MAX)
		return;
	if (kind->new == NFT_MSG_NEWRULE) {
		ckpt_nft_set_rule(net, table, nlh, handle, p);
	} else {
		place = ckpt_nft_handle_of(net, table, nlh);
		if (place)
			*place = handle;
	}
	/* the next one is new */
	if (kind->new == NFT_MSG_NEWTABLE)
		nft_net->table_handle = max(nft_net->table_handle, handle);
	else
		table->hgenerator = max(table->hgenerator, handle);
}

static void ckpt_nft_set_handles(struct net *net, const struct ckpt_msgs *m)
{
	struct nftables_pernet *nft_net = nft_pernet(net);
	const struct nlmsghdr *nlh = m->data;
	struct ckpt_nft_place place = {};
	int left = m->len;

	mutex_lock(&nft_net->commit_mutex);
	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
		ckpt_nft_set_handle(net, nlh, &place);
		cond_resched();
	}
	mutex_unlock(&nft_net->commit_mutex);
}

/**
 * ckpt_nft_restore - make the ruleset of a namespace
 * @ctx: the context
 * @n: the namespace, with what is to be in it; its devices are there
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_nft_restore(struct ckpt_ctx *ctx, struct ckpt_net *n)
{
	const struct ckpt_msgs *m = &n->data[CKPT_NET_NFT];
	struct ckpt_msgs batch = {};
	struct ckpt_nl nl;
	int err;

	if (!m->len)
		return 0;
	err = ckpt_nl_open(ctx, &nl, n->net, NETLINK_NETFILTER);
	if (err)
		return err;
	err = ckpt_nft_batch(m, &batch);
	if (!err)
		err = ckpt_nl_batch(&nl, &batch);
	if (err)
		err = ckpt_err(ctx, err, "network namespace: nftables: the ruleset cannot be made: error %d%s",
			       err, nl.why);
	else
		ckpt_nft_set_handles(n->net, m);
	ckpt_msgs_free(&batch);
	ckpt_nl_close(&nl);
	return err;
}
