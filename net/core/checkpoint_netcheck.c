// SPDX-License-Identifier: GPL-2.0
/*
 * What a network namespace may have and is not saved: it is looked for, and
 * refused by name.
 */

#include <linux/checkpoint_types.h>
#include <linux/cred.h>
#include <linux/fou.h>
#include <linux/init_task.h>
#include <linux/ioam6_genl.h>
#include <linux/mptcp_pm.h>
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_genl.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/xfrm.h>

#include "checkpoint_netns.h"

static int refuse(struct ckpt_ctx *ctx, const char *what)
{
	return ckpt_err(ctx, -ENOSYS, "network namespace: %s: not supported",
			what);
}

static int found_any(void *arg, struct nlmsghdr *nlh)
{
	*(bool *)arg = true;
	return 0;
}

/* What a dump is of, and what is asked for by it */
struct dump {
	int protocol;
	u16 type;
	const void *hdr;
	size_t len;
	ckpt_nl_fn fn;
	const char *name;
};

/* Has @d->fn found something? Or a negative errno, reported */
static int look_for(struct ckpt_ctx *ctx, struct net *net, const struct dump *d)
{
	bool found = false;
	struct ckpt_nl nl;
	int err;

	err = ckpt_nl_open(ctx, &nl, net, d->protocol);
	if (err)
		return err;
	err = ckpt_nl_dump(&nl, d->type, d->hdr, d->len, d->fn, &found);
	ckpt_nl_close(&nl);
	if (err)
		return ckpt_err(ctx, err, "network namespace: %s: error %d",
				d->name, err);
	return found;
}

/* ------------------------------------- filters, policies, and programs */

#ifdef CONFIG_NETFILTER
/* What they ask is asked in every namespace, by themselves. */
#define LSM_HOOKS	(IS_ENABLED(CONFIG_SECURITY_SELINUX) ||		\
			 IS_ENABLED(CONFIG_SECURITY_SMACK_NETFILTER) ||	\
			 (IS_ENABLED(CONFIG_SECURITY_APPARMOR) &&	\
			  IS_ENABLED(CONFIG_NETWORK_SECMARK)))

/*
 * What a bridge has by itself is of the first priority, and of no table. With
 * nftables come its own, and those of the connection tracking that it uses.
 */
static bool hook_known(const struct nf_hook_ops *ops, bool nft)
{
	if (ops->hook_ops_type == NF_HOOK_OP_NF_TABLES)
		return nft;
	if (ops->hook_ops_type != NF_HOOK_OP_UNDEFINED)
		return false;
	switch (ops->priority) {
	case NF_IP_PRI_FIRST:
		return true;
	case NF_IP_PRI_SELINUX_FIRST:
	case NF_IP_PRI_SELINUX_LAST:
		return LSM_HOOKS;
	case NF_IP_PRI_CONNTRACK_DEFRAG:
	case NF_IP_PRI_CONNTRACK:
	case NF_IP_PRI_CONNTRACK_CONFIRM:
	case NF_IP_PRI_CONNTRACK_CONFIRM - 1:	/* of IPv6, and of SYN proxies */
		return nft;
	case NF_IP_PRI_NAT_DST:
	case NF_IP_PRI_NAT_SRC:
		/* or that of iptables: see has_iptables() */
		return nft && !IS_MODULE(CONFIG_NETFILTER_XTABLES);
	default:
		return false;
	}
}

#ifdef CONFIG_NETFILTER_FAMILY_BRIDGE
/*
 * Among bridges: what hands packets on to the other families, and with nftables
 * the connection tracking. Each table of ebtables has a hook at another place.
 */
static bool bridge_hook_known(const struct nf_hook_ops *ops, bool nft)
{
	if (ops->hook_ops_type == NF_HOOK_OP_NF_TABLES)
		return nft;
	if (ops->hook_ops_type != NF_HOOK_OP_UNDEFINED)
		return false;
	switch (ops->priority) {
	case NF_BR_PRI_BRNF:
	case NF_BR_PRI_LAST:
		return true;
	case NF_IP_PRI_CONNTRACK:
		/* where it is not the table filter that has such */
		return nft && ops->hooknum == NF_BR_PRE_ROUTING;
	default:
		return false;
	}
}
#endif

typedef bool (*hook_known_fn)(const struct nf_hook_ops *ops, bool nft);

static bool hooks_used(struct nf_hook_entries __rcu *const *hooks, int nr,
		       hook_known_fn known, bool nft)
{
	const struct nf_hook_entries *e;
	struct nf_hook_ops **ops;
	bool used = false;
	int i, j;

	rcu_read_lock();
	for (i = 0; i < nr; i++) {
		e = rcu_dereference(hooks[i]);
		ops = e ? nf_hook_entries_get_hook_ops(e) : NULL;
		for (j = 0; e && j < e->num_hook_entries; j++)
			used |= !known(ops[j], nft);
	}
	rcu_read_unlock();
	return used;
}
#endif

/* Is there anything that asks to see packets, and is not known? */
static bool has_hooks(struct net *net, bool nft)
{
	bool used = false;

#ifdef CONFIG_NETFILTER
	used = hooks_used(net->nf.hooks_ipv4, ARRAY_SIZE(net->nf.hooks_ipv4),
			  hook_known, nft) ||
	       hooks_used(net->nf.hooks_ipv6, ARRAY_SIZE(net->nf.hooks_ipv6),
			  hook_known, nft);
#endif
#ifdef CONFIG_NETFILTER_FAMILY_ARP
	used |= hooks_used(net->nf.hooks_arp, ARRAY_SIZE(net->nf.hooks_arp),
			   hook_known, nft);
#endif
#ifdef CONFIG_NETFILTER_FAMILY_BRIDGE
	used |= hooks_used(net->nf.hooks_bridge,
			   ARRAY_SIZE(net->nf.hooks_bridge),
			   bridge_hook_known, nft);
#endif
	return used;
}

/* A table is there from when it is used for the first time. */
static bool has_iptables(struct net *net)
{
	bool found = false;
#if IS_BUILTIN(CONFIG_NETFILTER_XTABLES)
	static const char * const names[] = {
		"filter", "nat", "mangle", "raw", "security",
	};
	static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_ARP };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (j = 0; j < ARRAY_SIZE(names); j++)
			found |= !!xt_find_table(net, families[i], names[j]);
#endif
	return found;
}

#if IS_ENABLED(CONFIG_NF_TABLES)
/* Are there tables of nftables? Or a negative errno, reported */
static int has_tables(struct ckpt_ctx *ctx, struct net *net)
{
	struct nfgenmsg hdr = { .version = NFNETLINK_V0 };
	const struct dump d = {
		NETLINK_NETFILTER, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETTABLE,
		&hdr, sizeof(hdr), found_any, "nftables"
	};
	int ret = look_for(ctx, net, &d);

	if (ret > 0 && IS_MODULE(CONFIG_NF_TABLES))
		return refuse(ctx, "nftables as a module");
	return ret;
}
#else
static int has_tables(struct ckpt_ctx *ctx, struct net *net)
{
	return 0;
}
#endif

static bool has_policies(struct net *net)
{
#ifdef CONFIG_XFRM
	int i;

	for (i = 0; i < ARRAY_SIZE(net->xfrm.policy_count); i++)
		if (net->xfrm.policy_count[i])
			return true;
	return net->xfrm.state_num;
#else
	return false;
#endif
}

/* Flow dissectors and the like, which nobody need have a descriptor of */
static bool has_programs(struct net *net)
{
	int i;

	for (i = 0; i < MAX_NETNS_BPF_ATTACH_TYPE; i++)
		if (rcu_access_pointer(net->bpf.run_array[i]))
			return true;
	return false;
}

/* ------------------------------------------- what generic netlink tells */

/* The attribute @type of an answer of generic netlink, or NULL */
static const struct nlattr *answer_attr(const struct nlmsghdr *nlh, int type)
{
	return nlmsg_find_attr(nlh, GENL_HDRLEN, type);
}

/* Most subflows, if nobody has set another limit: see pm_nl_init_net() */
#define CKPT_MPTCP_SUBFLOWS	2

static int found_limits(void *arg, struct nlmsghdr *nlh)
{
	const struct nlattr *addrs, *subflows;

	addrs = answer_attr(nlh, MPTCP_PM_ATTR_RCV_ADD_ADDRS);
	subflows = answer_attr(nlh, MPTCP_PM_ATTR_SUBFLOWS);
	if (!addrs || !subflows)
		return -EIO;
	*(bool *)arg = nla_get_u32(addrs) ||
		       nla_get_u32(subflows) != CKPT_MPTCP_SUBFLOWS;
	return 0;
}

static int found_source(void *arg, struct nlmsghdr *nlh)
{
	const struct nlattr *source = answer_attr(nlh, SEG6_ATTR_DST);

	if (!source || nla_len(source) != sizeof(struct in6_addr))
		return -EIO;
	*(bool *)arg = memchr_inv(nla_data(source), 0, nla_len(source));
	return 0;
}

/**
 * struct asked - a question to a family of generic netlink
 * @family: its name
 * @cmd: the command that tells
 * @one: sees the one answer to it; NULL if it is a dump, and any answer is one
 *	too many
 * @what: what there is then
 */
struct asked {
	const char *family;
	u8 cmd;
	ckpt_nl_fn one;
	const char *what;
};

static const struct asked asked[] = {
	{ "fou", FOU_CMD_GET, NULL, "port of FOU" },
	{ "IOAM6", IOAM6_CMD_DUMP_NAMESPACES, NULL, "IOAM namespace" },
	{ "IOAM6", IOAM6_CMD_DUMP_SCHEMAS, NULL, "IOAM schema" },
	{ "mptcp_pm", MPTCP_PM_CMD_GET_ADDR, NULL, "endpoint of MPTCP" },
	{ "mptcp_pm", MPTCP_PM_CMD_GET_LIMITS, found_limits,
	  "limit of MPTCP" },
	{ "SEG6", SEG6_CMD_DUMPHMAC, NULL, "key of segment routing" },
	{ "SEG6", SEG6_CMD_GET_TUNSRC, found_source,
	  "source of segment routing" },
};

/* A family that has no such command here has nothing of the kind. */
static bool unknown(int err)
{
	return err == -EOPNOTSUPP || err == -ENOTSUPP;
}

/* Which number each family has here, or 0: it is not there */
static int found_family(void *arg, struct nlmsghdr *nlh)
{
	const struct nlattr *name, *id;
	u16 *ids = arg;
	int i;

	name = answer_attr(nlh, CTRL_ATTR_FAMILY_NAME);
	id = answer_attr(nlh, CTRL_ATTR_FAMILY_ID);
	if (!name || !id)
		return -EIO;
	for (i = 0; i < ARRAY_SIZE(asked); i++)
		if (!nla_strcmp(name, asked[i].family))
			ids[i] = nla_get_u16(id);
	return 0;
}

static int ask(struct ckpt_ctx *ctx, struct ckpt_nl *nl)
{
	/* all of them, since a family that is asked for by name is loaded */
	struct genlmsghdr hdr = { .cmd = CTRL_CMD_GETFAMILY, .version = 2 };
	u16 ids[ARRAY_SIZE(asked)] = {};
	int i, err;

	err = ckpt_nl_dump(nl, GENL_ID_CTRL, &hdr, sizeof(hdr), found_family,
			   ids);
	if (err)
		return ckpt_err(ctx, err, "network namespace: generic netlink: error %d",
				err);
	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		const struct asked *a = &asked[i];
		bool found = false;

		if (!ids[i])
			continue;
		hdr = (struct genlmsghdr){ .cmd = a->cmd, .version = 1 };
		if (a->one)
			err = ckpt_nl_get(nl, ids[i], &hdr, sizeof(hdr),
					  a->one, &found);
		else
			err = ckpt_nl_dump(nl, ids[i], &hdr, sizeof(hdr),
					   found_any, &found);
		if (err && !unknown(err))
			return ckpt_err(ctx, err, "network namespace: %s: error %d",
					a->family, err);
		if (found)
			return refuse(ctx, a->what);
	}
	return 0;
}

static int check_generic(struct ckpt_ctx *ctx, struct net *net)
{
	const struct cred *old;
	struct ckpt_nl nl;
	int err;

	/*
	 * Some want CAP_NET_ADMIN in the initial user namespace, also for one
	 * that belongs to another. The caller learns but that there is something.
	 */
	old = override_creds(&init_cred);
	err = ckpt_nl_open(ctx, &nl, net, NETLINK_GENERIC);
	if (!err) {
		err = ask(ctx, &nl);
		ckpt_nl_close(&nl);
	}
	revert_creds(old);
	return err;
}

/* ------------------------------------------------------ what others tell */

/* Without MPLS the routes of all families are the answer. */
static int found_label(void *arg, struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = nlmsg_data(nlh);

	if (nlmsg_len(nlh) < (int)sizeof(*rtm))
		return -EIO;
	*(bool *)arg |= rtm->rtm_family == AF_MPLS;
	return 0;
}

static int check_mpls(struct ckpt_ctx *ctx, struct net *net)
{
	struct rtmsg hdr = { .rtm_family = AF_MPLS };
	const struct dump d = {
		NETLINK_ROUTE, RTM_GETROUTE, &hdr, sizeof(hdr), found_label,
		"MPLS"
	};
	int ret;

	if (!IS_ENABLED(CONFIG_MPLS_ROUTING))
		return 0;
	ret = look_for(ctx, net, &d);
	return ret > 0 ? refuse(ctx, "route of MPLS") : ret;
}

static int check_ipsets(struct ckpt_ctx *ctx, struct net *net)
{
	struct {
		struct nfgenmsg nf;
		struct nlattr attr;
		u8 protocol;
		u8 pad[3];
	} hdr = {
		.nf.version = NFNETLINK_V0,
		.attr = { .nla_type = IPSET_ATTR_PROTOCOL,
			  .nla_len = nla_attr_size(sizeof(u8)) },
		.protocol = IPSET_PROTOCOL,
	};
	const struct dump d = {
		NETLINK_NETFILTER, (NFNL_SUBSYS_IPSET << 8) | IPSET_CMD_LIST,
		&hdr, sizeof(hdr), found_any, "ipset"
	};
	int ret;

	if (!IS_BUILTIN(CONFIG_IP_SET))
		return 0;
	ret = look_for(ctx, net, &d);
	return ret > 0 ? refuse(ctx, "ipset") : ret;
}

/**
 * ckpt_net_check - refuse what a network namespace has and is not saved
 * @ctx: the context
 * @net: the namespace
 *
 * But for its devices, which are looked at one by one.
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOSYS if there is something, or another negative errno,
 * reported.
 */
int ckpt_net_check(struct ckpt_ctx *ctx, struct net *net)
{
	int err, nft;

	nft = has_tables(ctx, net);
	if (nft < 0)
		return nft;
	if (has_iptables(net))
		return refuse(ctx, "tables of iptables");
	if (has_hooks(net, nft))
		return refuse(ctx, "packet filter or connection tracking");
	if (has_programs(net))
		return refuse(ctx, "BPF program");
	if (has_policies(net))
		return refuse(ctx, "IPsec");
	err = check_generic(ctx, net);
	if (!err)
		err = check_mpls(ctx, net);
	return err ?: check_ipsets(ctx, net);
}
