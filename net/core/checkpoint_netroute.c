// SPDX-License-Identifier: GPL-2.0
/*
 * What rtnetlink tells of a network namespace beside its devices: addresses,
 * routes, rules, neighbours. Each message is saved with what makes the thing
 * what it is, and nothing that only describes it. In the rebuilt namespace the
 * kernel has made some on its own: what is there too much is deleted, and what
 * is missing added.
 */

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_addrlabel.h>
#include <linux/if_bridge.h>
#include <linux/inetdevice.h>
#include <linux/jhash.h>
#include <linux/lwtunnel.h>
#include <linux/mm.h>
#include <linux/neighbour.h>
#include <linux/netdevice.h>
#include <linux/nexthop.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/sched/signal.h>
#include <linux/seg6_local.h>
#include <net/addrconf.h>
#include <net/ip_fib.h>
#include <net/neighbour.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>
#include <net/rtnh.h>

#include "checkpoint_netns.h"

/* As much of a section as goes into one record, and room for one message */
#define CKPT_NET_CHUNK	(CKPT_REC_MAX / 2)

#define A(attr)		BIT_ULL(attr)

/**
 * struct section - one kind of things that a namespace has
 * @name: for messages
 * @get: RTM_GET*; RTM_NEW* and RTM_DEL* are the two before it
 * @family: AF_*
 * @hdrlen: length of what a message has before its attributes
 * @get_flags: ndm_flags to ask with
 * @flags: NLM_F_* to make one with
 * @keep: attributes that are saved
 * @ignore: attributes that describe only, or follow from others
 * @reverse: the kernel lists what was added last first
 * @ordered: of those for the same prefix the first is used
 * @set: what is there is changed, and never removed
 * @skip: is this none that is saved? May be NULL
 * @refused: what of one cannot be made of what is told of it, or NULL; may be
 *	NULL
 * @fix: leave out what only describes it; may be NULL
 * @ask: what to ask with, instead of @family; may be NULL
 * @ask_len: its length
 * @copy: copy an attribute that has others inside; may be NULL
 * @split: make messages that can be sent of one that lists them; may be NULL
 */
struct section {
	const char *name;
	u16 get;
	u8 family;
	u8 hdrlen;
	u8 get_flags;
	u16 flags;
	u64 keep;
	u64 ignore;
	bool reverse;
	bool ordered;
	bool set;
	bool (*skip)(struct net *net, const struct nlmsghdr *nlh);
	const char *(*refused)(const struct nlmsghdr *nlh);
	void (*fix)(struct nlmsghdr *nlh);
	const void *ask;
	u8 ask_len;
	int (*copy)(struct ckpt_msgs *m, const struct nlattr *a);
	int (*split)(struct ckpt_ctx *ctx, struct net *net,
		     const struct nlmsghdr *nlh, struct ckpt_msgs *m);
};

/* ------------------------------------------------------------ addresses */

/* When it was made and changed is not kept. */
static void fix_addr(struct nlmsghdr *nlh)
{
	struct nlattr *a = nlmsg_find_attr(nlh, sizeof(struct ifaddrmsg),
					   IFA_CACHEINFO);
	struct ifa_cacheinfo *ci;

	if (a && nla_len(a) >= (int)sizeof(*ci)) {
		ci = nla_data(a);
		ci->cstamp = 0;
		ci->tstamp = 0;
	}
}

#define ADDR_KEEP	(A(IFA_ADDRESS) | A(IFA_LOCAL) | A(IFA_LABEL) |	\
			 A(IFA_BROADCAST) | A(IFA_CACHEINFO) |		\
			 A(IFA_FLAGS) | A(IFA_RT_PRIORITY) | A(IFA_PROTO))

/* --------------------------------------------------------------- routes */

static bool skip_route(struct net *net, const struct nlmsghdr *nlh)
{
	const struct rtmsg *r = nlmsg_data(nlh);

	return r->rtm_flags & RTM_F_CLONED;
}

#define ROUTE_FLAGS	(RTNH_F_ONLINK | RTNH_F_PERVASIVE)

static void fix_nexthops(struct nlattr *a)
{
	struct rtnexthop *nh = nla_data(a);
	int left = nla_len(a);

	while (rtnh_ok(nh, left)) {
		nh->rtnh_flags &= ROUTE_FLAGS;
		nh = rtnh_next(nh, &left);
	}
}

static void fix_route(struct nlmsghdr *nlh)
{
	struct rtmsg *r = nlmsg_data(nlh);
	struct nlattr *a;

	r->rtm_flags &= ROUTE_FLAGS;
	a = nlmsg_find_attr(nlh, sizeof(*r), RTA_MULTIPATH);
	if (a)
		fix_nexthops(a);
}

#define ROUTE_KEEP	(A(RTA_DST) | A(RTA_SRC) | A(RTA_IIF) | A(RTA_OIF) | \
			 A(RTA_GATEWAY) | A(RTA_PRIORITY) | A(RTA_PREFSRC) | \
			 A(RTA_METRICS) | A(RTA_MULTIPATH) | A(RTA_FLOW) |    \
			 A(RTA_TABLE) | A(RTA_VIA) | A(RTA_PREF) |	      \
			 A(RTA_ENCAP_TYPE) | A(RTA_ENCAP) | A(RTA_EXPIRES) |  \
			 A(RTA_NH_ID))
/* What a route tells of the nexthop object that it names */
#define ROUTE_OF_NH	(A(RTA_OIF) | A(RTA_GATEWAY) | A(RTA_MULTIPATH) |     \
			 A(RTA_VIA) | A(RTA_ENCAP_TYPE) | A(RTA_ENCAP))
/* It can be made only when its gateway can be reached. */
#define ROUTE_LATER	(A(RTA_GATEWAY) | A(RTA_VIA) | A(RTA_MULTIPATH) |    \
			 A(RTA_NH_ID))

static const char encap_unknown[] =
	"encapsulation of a kind that does not take what it tells";

/*
 * What packets are to be wrapped in, told by the attributes @type and @encap
 * among @len bytes of @attrs, if it does not take what it tells: a program is
 * told by its id, and taken by a descriptor, and some want a flag with what is
 * nested that they do not tell it with.
 */
static const char *encap_refused(const struct nlattr *attrs, int len, int type,
				 int encap)
{
	const struct nlattr *a, *kind = NULL, *what = NULL;
	int left;

	nla_for_each_attr(a, attrs, len, left) {
		/* of two, who is to make it might look at the other one */
		if (nla_type(a) == type) {
			if (kind)
				return encap_unknown;
			kind = a;
		} else if (nla_type(a) == encap) {
			if (what)
				return encap_unknown;
			what = a;
		}
	}
	if (!kind && !what)
		return NULL;
	if (!kind || !what || nla_len(kind) != sizeof(u16))
		return encap_unknown;
	BUILD_BUG_ON((int)LWTUNNEL_IP_OPTS != (int)LWTUNNEL_IP6_OPTS);
	switch (nla_get_u16(kind)) {
	case LWTUNNEL_ENCAP_MPLS:
	case LWTUNNEL_ENCAP_ILA:
	case LWTUNNEL_ENCAP_SEG6:
		return NULL;
	case LWTUNNEL_ENCAP_IP:
	case LWTUNNEL_ENCAP_IP6:
		return nla_find_nested(what, LWTUNNEL_IP_OPTS) ?
		       "encapsulation with options" : NULL;
	case LWTUNNEL_ENCAP_SEG6_LOCAL:
		return nla_find_nested(what, SEG6_LOCAL_BPF) ?
		       "BPF program" : NULL;
	case LWTUNNEL_ENCAP_BPF:
		return "BPF program";
	default:
		return encap_unknown;
	}
}

static const char *nexthops_refused(const struct nlattr *a)
{
	const struct rtnexthop *nh = nla_data(a);
	const char *why = NULL;
	int left = nla_len(a);

	while (!why && rtnh_ok(nh, left)) {
		why = encap_refused(rtnh_attrs(nh), rtnh_attrlen(nh),
				    RTA_ENCAP_TYPE, RTA_ENCAP);
		nh = rtnh_next(nh, &left);
	}
	return why;
}

static const char *route_refused(const struct nlmsghdr *nlh)
{
	const int len = sizeof(struct rtmsg);
	const struct nlattr *a;
	const char *why;
	int left;

	why = encap_refused(nlmsg_attrdata(nlh, len), nlmsg_attrlen(nlh, len),
			    RTA_ENCAP_TYPE, RTA_ENCAP);
	nlmsg_for_each_attr(a, nlh, len, left)
		if (!why && nla_type(a) == RTA_MULTIPATH)
			why = nexthops_refused(a);
	return why;
}

static const char *nexthop_refused(const struct nlmsghdr *nlh)
{
	const int len = sizeof(struct nhmsg);

	return encap_refused(nlmsg_attrdata(nlh, len), nlmsg_attrlen(nlh, len),
			     NHA_ENCAP_TYPE, NHA_ENCAP);
}

static void fix_nexthop(struct nlmsghdr *nlh)
{
	struct nhmsg *nhm = nlmsg_data(nlh);

	nhm->nh_scope = 0;
	nhm->nh_flags &= RTNH_F_ONLINK;
}

static void fix_rule(struct nlmsghdr *nlh)
{
	struct fib_rule_hdr *r = nlmsg_data(nlh);

	r->flags &= FIB_RULE_PERMANENT | FIB_RULE_INVERT;
}

#define RULE_KEEP	(A(FRA_DST) | A(FRA_SRC) | A(FRA_IIFNAME) |	       \
			 A(FRA_GOTO) | A(FRA_PRIORITY) | A(FRA_FWMARK) |       \
			 A(FRA_FLOW) | A(FRA_TUN_ID) | A(FRA_SUPPRESS_IFGROUP) | \
			 A(FRA_SUPPRESS_PREFIXLEN) | A(FRA_TABLE) |	       \
			 A(FRA_FWMASK) | A(FRA_OIFNAME) | A(FRA_L3MDEV) |      \
			 A(FRA_UID_RANGE) | A(FRA_PROTOCOL) | A(FRA_IP_PROTO) | \
			 A(FRA_SPORT_RANGE) | A(FRA_DPORT_RANGE) | A(FRA_DSCP))

/* ----------------------------------------------------------- neighbours */

/* One that the kernel makes for what needs no resolution */
static bool is_noarp(struct net *net, const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = nlmsg_data(nlh);
	const struct nlattr *ll = nlmsg_find_attr(nlh, sizeof(*ndm),
						  NDA_LLADDR);
	struct net_device *dev;
	bool noarp = true;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(net, ndm->ndm_ifindex);
	if (dev && !(dev->flags & (IFF_NOARP | IFF_LOOPBACK)))
		noarp = !ll || nla_len(ll) < 1 || (*(u8 *)nla_data(ll) & 1);
	rcu_read_unlock();
	return noarp;
}

static bool skip_neigh(struct net *net, const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = nlmsg_data(nlh);

	/* asked for and not answered yet, or not at all */
	if (!(ndm->ndm_state & NUD_VALID))
		return true;
	return (ndm->ndm_state & NUD_NOARP) && is_noarp(net, nlh);
}

static void fix_neigh(struct nlmsghdr *nlh)
{
	struct ndmsg *ndm = nlmsg_data(nlh);

	ndm->ndm_type = 0;
	ndm->ndm_flags &= ~(NTF_OFFLOADED);
	if (ndm->ndm_state & (NUD_DELAY | NUD_PROBE))
		ndm->ndm_state = NUD_STALE;
}

#define NEIGH_KEEP	(A(NDA_DST) | A(NDA_LLADDR) | A(NDA_PROTOCOL) |	\
			 A(NDA_FLAGS_EXT))
#define NEIGH_IGNORE	(A(NDA_CACHEINFO) | A(NDA_PROBES))

/* Of a bridge, or of a vxlan: what was learned is learned again. */
static bool skip_fdb(struct net *net, const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = nlmsg_data(nlh);
	const struct rtnl_link_ops *ops;
	struct net_device *dev;
	bool vxlan = false;

	if (!(ndm->ndm_state & (NUD_PERMANENT | NUD_NOARP)))
		return true;
	if (nlmsg_find_attr(nlh, sizeof(*ndm), NDA_MASTER))
		return false;
	rcu_read_lock();
	dev = dev_get_by_index_rcu(net, ndm->ndm_ifindex);
	ops = dev ? dev->rtnl_link_ops : NULL;
	vxlan = ops && !strcmp(ops->kind, "vxlan");
	rcu_read_unlock();
	return !vxlan;
}

/* Who is to take it */
static void fix_fdb(struct nlmsghdr *nlh)
{
	struct ndmsg *ndm = nlmsg_data(nlh);
	struct nlattr *a = nlmsg_find_attr(nlh, sizeof(*ndm), NDA_MASTER);

	ndm->ndm_type = 0;
	ndm->ndm_flags &= ~NTF_OFFLOADED;
	if (a && nla_len(a) == sizeof(u32) &&
	    nla_get_u32(a) != ndm->ndm_ifindex)
		ndm->ndm_flags |= NTF_MASTER;
	else
		ndm->ndm_flags |= NTF_SELF;
}

#define FDB_KEEP	(A(NDA_LLADDR) | A(NDA_MASTER) | A(NDA_VLAN) |	\
			 A(NDA_DST) | A(NDA_PORT) | A(NDA_VNI) |	\
			 A(NDA_IFINDEX) | A(NDA_SRC_VNI) |		\
			 A(NDA_NH_ID) | A(NDA_FLAGS_EXT))

/* ------------------------------------- VLANs and multicast groups of bridges */

/* With its statistics, each VLAN is told by itself, and never one for many. */
static const struct {
	struct br_vlan_msg bvm;
	struct nlattr attr;
	u32 flags;
} ask_vlans = {
	.bvm.family = AF_BRIDGE,
	.attr.nla_len = NLA_HDRLEN + sizeof(u32),
	.attr.nla_type = BRIDGE_VLANDB_DUMP_FLAGS,
	.flags = BRIDGE_VLANDB_DUMPF_STATS,
};

static bool skip_vlans(struct net *net, const struct nlmsghdr *nlh)
{
	return !nlmsg_find_attr(nlh, sizeof(struct br_vlan_msg),
				BRIDGE_VLANDB_ENTRY);
}

static int copy_tunnel(struct ckpt_msgs *m, const struct nlattr *from)
{
	const struct nlattr *id = nla_find_nested(from, BRIDGE_VLANDB_TINFO_ID);
	struct { struct nlattr a; u32 value; } cmd = {
		.a.nla_len = sizeof(cmd),
		.a.nla_type = BRIDGE_VLANDB_TINFO_CMD,
		.value = RTM_SETLINK,
	};
	int at = ckpt_msgs_nest(m, BRIDGE_VLANDB_ENTRY_TUNNEL_INFO), err;

	if (at < 0 || !id)
		return at < 0 ? at : -EINVAL;
	err = ckpt_msgs_add(m, id, id->nla_len);
	if (!err)
		err = ckpt_msgs_add(m, &cmd, sizeof(cmd));
	if (!err)
		ckpt_msgs_nest_end(m, at);
	return err;
}

/* What is as it would be anyway cannot be said in every case. */
static bool vlan_default(const struct nlattr *a)
{
	switch (nla_type(a)) {
	case BRIDGE_VLANDB_ENTRY_STATE:
		return nla_get_u8(a) == BR_STATE_FORWARDING;
	case BRIDGE_VLANDB_ENTRY_MCAST_ROUTER:
		return nla_get_u8(a) == MDB_RTR_TYPE_TEMP_QUERY;
	case BRIDGE_VLANDB_ENTRY_NEIGH_SUPPRESS:
		return !nla_get_u8(a);
	default:
		return nla_type(a) != BRIDGE_VLANDB_ENTRY_INFO;
	}
}

static int copy_vlan(struct ckpt_msgs *m, const struct nlattr *entry)
{
	int at = ckpt_msgs_nest(m, BRIDGE_VLANDB_ENTRY), left, err = 0;
	const struct nlattr *a;

	if (at < 0)
		return at;
	nla_for_each_nested(a, entry, left) {
		if (nla_type(a) == BRIDGE_VLANDB_ENTRY_TUNNEL_INFO)
			err = copy_tunnel(m, a);
		else if (!vlan_default(a))
			err = ckpt_msgs_add(m, a, a->nla_len);
		if (err)
			return err;
	}
	ckpt_msgs_nest_end(m, at);
	return 0;
}

/* What a bridge keeps of a VLAN, for all of its ports */
static const struct {
	struct br_vlan_msg bvm;
	struct nlattr attr;
	u32 flags;
} ask_global = {
	.bvm.family = AF_BRIDGE,
	.attr.nla_len = NLA_HDRLEN + sizeof(u32),
	.attr.nla_type = BRIDGE_VLANDB_DUMP_FLAGS,
	.flags = BRIDGE_VLANDB_DUMPF_GLOBAL,
};

static bool skip_global(struct net *net, const struct nlmsghdr *nlh)
{
	return !nlmsg_find_attr(nlh, sizeof(struct br_vlan_msg),
				BRIDGE_VLANDB_GLOBAL_OPTIONS);
}

/* Without what was learned, and the spanning tree that all are in */
static int copy_global(struct ckpt_msgs *m, const struct nlattr *options)
{
	int at = ckpt_msgs_nest(m, BRIDGE_VLANDB_GLOBAL_OPTIONS), left, err;
	const struct nlattr *a;

	if (at < 0)
		return at;
	nla_for_each_nested(a, options, left) {
		switch (nla_type(a)) {
		case BRIDGE_VLANDB_GOPTS_PAD:
		case BRIDGE_VLANDB_GOPTS_MCAST_QUERIER_STATE:
		case BRIDGE_VLANDB_GOPTS_MCAST_ROUTER_PORTS:
			continue;
		case BRIDGE_VLANDB_GOPTS_MSTI:
			if (!nla_get_u16(a))
				continue;
		}
		err = ckpt_msgs_add(m, a, a->nla_len);
		if (err)
			return err;
	}
	ckpt_msgs_nest_end(m, at);
	return 0;
}

static const struct nlattr *group_attr(const struct nlattr *info, int type)
{
	const int at = NLA_ALIGN(sizeof(struct br_mdb_entry));

	return nla_find(nla_data(info) + at, nla_len(info) - at, type);
}

/* One that was entered, and neither learned nor made of another one */
static bool group_entered(const struct nlattr *info)
{
	const struct br_mdb_entry *e = nla_data(info);
	const struct nlattr *proto = group_attr(info, MDBA_MDB_EATTR_RTPROT);

	return e->state == MDB_PERMANENT &&
	       (!proto || nla_get_u8(proto) >= RTPROT_STATIC);
}

static int add_group(struct ckpt_msgs *m, const struct nlmsghdr *nlh,
		     const struct nlattr *info)
{
	const struct nlattr *source = group_attr(info, MDBA_MDB_EATTR_SOURCE);
	const struct nlattr *proto = group_attr(info, MDBA_MDB_EATTR_RTPROT);
	const struct br_port_msg *bpm = nlmsg_data(nlh);
	struct {
		struct nlmsghdr nlh;
		struct br_port_msg bpm;
		struct nlattr attr;
		struct br_mdb_entry e;
	} msg = {
		.nlh.nlmsg_type = RTM_NEWMDB,
		.bpm = *bpm,
		.attr.nla_len = NLA_HDRLEN + sizeof(msg.e),
		.attr.nla_type = MDBA_SET_ENTRY,
	};
	struct { struct nlattr a; u8 value[16]; } attr;
	size_t start = m->len;
	int at, err;

	BUILD_BUG_ON(!IS_ALIGNED(sizeof(msg.bpm), NLMSG_ALIGNTO));
	BUILD_BUG_ON(!IS_ALIGNED(sizeof(msg.e), NLA_ALIGNTO));

	msg.bpm.family = AF_BRIDGE;
	msg.e = *(struct br_mdb_entry *)nla_data(info);
	msg.e.flags = 0;
	err = ckpt_msgs_add(m, &msg, sizeof(msg));
	at = err ?: ckpt_msgs_nest(m, MDBA_SET_ENTRY_ATTRS);
	if (at < 0)
		return at;
	if (source && nla_len(source) <= (int)sizeof(attr.value)) {
		attr.a.nla_type = MDBE_ATTR_SOURCE;
		attr.a.nla_len = nla_attr_size(nla_len(source));
		memcpy(attr.value, nla_data(source), nla_len(source));
		err = ckpt_msgs_add(m, &attr, attr.a.nla_len);
	}
	if (!err && proto) {
		attr.a.nla_type = MDBE_ATTR_RTPROT;
		attr.a.nla_len = nla_attr_size(1);
		attr.value[0] = nla_get_u8(proto);
		err = ckpt_msgs_add(m, &attr, attr.a.nla_len);
	}
	if (err)
		return err;
	ckpt_msgs_nest_end(m, at);
	((struct nlmsghdr *)(m->data + start))->nlmsg_len = m->len - start;
	return 0;
}

static bool looks_for_groups(const struct net_device *dev)
{
#if IS_BUILTIN(CONFIG_BRIDGE)
	return br_multicast_enabled(dev);
#else
	return true;
#endif
}

/*
 * A bridge that is down, or does not look for groups, takes none, and a vxlan
 * has others.
 */
static bool takes_groups(struct net *net, int ifindex)
{
	struct net_device *dev;
	bool takes;

	rtnl_lock();
	dev = __dev_get_by_index(net, ifindex);
	takes = dev && netif_is_bridge_master(dev) && netif_running(dev) &&
		looks_for_groups(dev);
	rtnl_unlock();
	return takes;
}

static int save_group(struct ckpt_ctx *ctx, struct net *net,
		      const struct nlmsghdr *nlh, const struct nlattr *info,
		      struct ckpt_msgs *m)
{
	const struct br_port_msg *bpm = nlmsg_data(nlh);

	if (nla_len(info) < (int)sizeof(struct br_mdb_entry) ||
	    !group_entered(info))
		return 0;
	if (group_attr(info, MDBA_MDB_EATTR_SRC_LIST))
		return ckpt_err(ctx, -ENOSYS, "network device %u: multicast groups with lists of sources entered by hand: not supported",
				bpm->ifindex);
	if (!takes_groups(net, bpm->ifindex))
		return ckpt_err(ctx, -ENOSYS, "network device %u: multicast groups entered by hand, while it is down, does not look for groups or is no bridge: not supported",
				bpm->ifindex);
	return add_group(m, nlh, info);
}

static int split_groups(struct ckpt_ctx *ctx, struct net *net,
			const struct nlmsghdr *nlh, struct ckpt_msgs *m)
{
	const struct nlattr *mdb, *entry, *info;
	int left, inner, err;

	mdb = nlmsg_find_attr(nlh, sizeof(struct br_port_msg), MDBA_MDB);
	if (!mdb)
		return 0;
	nla_for_each_nested(entry, mdb, left) {
		nla_for_each_nested(info, entry, inner) {
			err = save_group(ctx, net, nlh, info, m);
			if (err)
				return err;
		}
	}
	return 0;
}

/* ------------------------------------------------------------- sections */

#define MAKE	(NLM_F_CREATE | NLM_F_REPLACE)

/* The table of kinds: adding one is an entry here. */
static const struct section sections[CKPT_NET_MAX] = {
	[CKPT_NET_ADDR4] = {
		.name = "address", .get = RTM_GETADDR, .family = AF_INET,
		.hdrlen = sizeof(struct ifaddrmsg), .flags = MAKE,
		.keep = ADDR_KEEP, .fix = fix_addr,
	},
	[CKPT_NET_ADDR6] = {
		.name = "IPv6 address", .get = RTM_GETADDR, .family = AF_INET6,
		.hdrlen = sizeof(struct ifaddrmsg), .flags = MAKE,
		.keep = ADDR_KEEP, .fix = fix_addr, .reverse = true,
	},
	[CKPT_NET_ADDRLABEL6] = {
		.name = "IPv6 address label", .get = RTM_GETADDRLABEL,
		.family = AF_INET6, .hdrlen = sizeof(struct ifaddrlblmsg),
		.flags = MAKE, .keep = A(IFAL_ADDRESS) | A(IFAL_LABEL),
	},
	[CKPT_NET_RULE4] = {
		.name = "rule", .get = RTM_GETRULE, .family = AF_INET,
		.hdrlen = sizeof(struct fib_rule_hdr), .flags = NLM_F_CREATE,
		.keep = RULE_KEEP, .ignore = A(FRA_PAD), .fix = fix_rule,
	},
	[CKPT_NET_RULE6] = {
		.name = "IPv6 rule", .get = RTM_GETRULE, .family = AF_INET6,
		.hdrlen = sizeof(struct fib_rule_hdr), .flags = NLM_F_CREATE,
		.keep = RULE_KEEP, .ignore = A(FRA_PAD), .fix = fix_rule,
	},
	[CKPT_NET_NEXTHOP] = {
		.name = "nexthop", .get = RTM_GETNEXTHOP,
		.hdrlen = sizeof(struct nhmsg), .flags = MAKE,
		.keep = A(NHA_ID) | A(NHA_GROUP) | A(NHA_GROUP_TYPE) |
			A(NHA_BLACKHOLE) | A(NHA_OIF) | A(NHA_GATEWAY) |
			A(NHA_ENCAP_TYPE) | A(NHA_ENCAP) | A(NHA_FDB),
		.ignore = A(NHA_OP_FLAGS),
		.refused = nexthop_refused, .fix = fix_nexthop,
	},
	[CKPT_NET_ROUTE4] = {
		.name = "route", .get = RTM_GETROUTE, .family = AF_INET,
		.hdrlen = sizeof(struct rtmsg),
		.flags = NLM_F_CREATE | NLM_F_APPEND,
		.keep = ROUTE_KEEP, .ignore = A(RTA_CACHEINFO) | A(RTA_PAD),
		.skip = skip_route, .refused = route_refused, .fix = fix_route,
	},
	[CKPT_NET_ROUTE6] = {
		.name = "IPv6 route", .get = RTM_GETROUTE, .family = AF_INET6,
		.hdrlen = sizeof(struct rtmsg), .flags = NLM_F_CREATE,
		.ordered = true,
		.keep = ROUTE_KEEP, .ignore = A(RTA_CACHEINFO) | A(RTA_PAD),
		.skip = skip_route, .refused = route_refused, .fix = fix_route,
	},
	[CKPT_NET_NEIGH4] = {
		.name = "neighbour", .get = RTM_GETNEIGH, .family = AF_INET,
		.hdrlen = sizeof(struct ndmsg), .flags = MAKE,
		.keep = NEIGH_KEEP, .ignore = NEIGH_IGNORE,
		.skip = skip_neigh, .fix = fix_neigh,
	},
	[CKPT_NET_NEIGH6] = {
		.name = "IPv6 neighbour", .get = RTM_GETNEIGH,
		.family = AF_INET6,
		.hdrlen = sizeof(struct ndmsg), .flags = MAKE,
		.keep = NEIGH_KEEP, .ignore = NEIGH_IGNORE,
		.skip = skip_neigh, .fix = fix_neigh,
	},
	[CKPT_NET_PROXY4] = {
		.name = "proxied neighbour", .get = RTM_GETNEIGH,
		.family = AF_INET, .get_flags = NTF_PROXY,
		.hdrlen = sizeof(struct ndmsg), .flags = MAKE,
		.keep = NEIGH_KEEP, .ignore = NEIGH_IGNORE, .fix = fix_neigh,
	},
	[CKPT_NET_PROXY6] = {
		.name = "proxied IPv6 neighbour", .get = RTM_GETNEIGH,
		.family = AF_INET6, .get_flags = NTF_PROXY,
		.hdrlen = sizeof(struct ndmsg), .flags = MAKE,
		.keep = NEIGH_KEEP, .ignore = NEIGH_IGNORE, .fix = fix_neigh,
	},
	[CKPT_NET_FDB] = {
		.name = "forwarding entry", .get = RTM_GETNEIGH,
		.family = AF_BRIDGE, .hdrlen = sizeof(struct ndmsg),
		.flags = MAKE, .keep = FDB_KEEP,
		.ignore = A(NDA_CACHEINFO) | A(NDA_FDB_EXT_ATTRS),
		.skip = skip_fdb, .fix = fix_fdb,
	},
	[CKPT_NET_BRVLAN] = {
		.name = "VLAN of a bridge", .get = RTM_GETVLAN,
		.family = AF_BRIDGE, .hdrlen = sizeof(struct br_vlan_msg),
		.keep = A(BRIDGE_VLANDB_ENTRY), .skip = skip_vlans,
		.ask = &ask_vlans, .ask_len = sizeof(ask_vlans),
		.copy = copy_vlan,
	},
	[CKPT_NET_BRGLOBAL] = {
		.name = "global options of a VLAN", .get = RTM_GETVLAN,
		.family = AF_BRIDGE, .hdrlen = sizeof(struct br_vlan_msg),
		.set = true,
		.keep = A(BRIDGE_VLANDB_GLOBAL_OPTIONS), .skip = skip_global,
		.ask = &ask_global, .ask_len = sizeof(ask_global),
		.copy = copy_global,
	},
	[CKPT_NET_MDB] = {
		.name = "multicast group of a bridge", .get = RTM_GETMDB,
		.family = AF_BRIDGE, .hdrlen = sizeof(struct br_port_msg),
		.flags = MAKE, .reverse = true,
		.keep = A(MDBA_SET_ENTRY) | A(MDBA_SET_ENTRY_ATTRS),
		.split = split_groups,
	},
};

static u16 new_type(const struct section *s)
{
	return s->get - (RTM_GETLINK - RTM_NEWLINK);
}

static u16 del_type(const struct section *s)
{
	return s->get - (RTM_GETLINK - RTM_DELLINK);
}

static bool has(const struct section *s, const struct nlmsghdr *nlh, u64 attrs)
{
	const struct nlattr *a;
	int left;

	nlmsg_for_each_attr(a, nlh, s->hdrlen, left)
		if (nla_type(a) < 64 && (A(nla_type(a)) & attrs))
			return true;
	return false;
}

/* ---------------------------------------------------------- checkpoint */

/**
 * struct look - looking at all there is of a section
 * @ctx: the context
 * @net: the namespace
 * @index: its number in the image
 * @section: CKPT_NET_*
 * @write: write what is found, in parts
 * @m: what was found
 */
struct look {
	struct ckpt_ctx *ctx;
	struct net *net;
	u32 index;
	u32 section;
	bool write;
	struct ckpt_msgs m;
};

/* A route that goes away by itself: how long it has, in seconds */
static u32 route_expires(const struct section *s, const struct nlattr *a)
{
	const struct rta_cacheinfo *ci = nla_data(a);

	if (s->get != RTM_GETROUTE || nla_type(a) != RTA_CACHEINFO ||
	    nla_len(a) < (int)sizeof(*ci) || s->family != AF_INET6 ||
	    (s32)ci->rta_expires <= 0)
		return 0;
	return DIV_ROUND_UP((u32)ci->rta_expires, USER_HZ);
}

static int add_attr(struct look *l, const struct section *s,
		    const struct nlattr *a, u64 drop)
{
	struct { struct nlattr a; u32 value; } expires = {
		.a = { .nla_len = sizeof(expires), .nla_type = RTA_EXPIRES },
	};
	u64 bit = nla_type(a) < 64 ? A(nla_type(a)) : 0;

	if (bit & s->keep & ~drop)
		return s->copy ? s->copy(&l->m, a) :
				 ckpt_msgs_add(&l->m, a, a->nla_len);
	expires.value = route_expires(s, a);
	if (expires.value)
		return ckpt_msgs_add(&l->m, &expires, sizeof(expires));
	if (bit & (s->ignore | drop))
		return 0;
	return ckpt_err(l->ctx, -ENOSYS, "network namespace: %s with attribute %d: not supported",
			s->name, nla_type(a));
}

static int look_one(struct look *l, struct nlmsghdr *nlh)
{
	const struct section *s = &sections[l->section];
	struct nlmsghdr *copy;
	size_t start = l->m.len;
	const char *why;
	struct nlattr *a;
	u64 drop = 0;
	int left, err;

	if (s->get == RTM_GETROUTE && has(s, nlh, A(RTA_NH_ID)))
		drop = ROUTE_OF_NH;
	err = ckpt_msgs_add(&l->m, nlh, NLMSG_HDRLEN + s->hdrlen);
	if (err)
		return err;
	nlmsg_for_each_attr(a, nlh, s->hdrlen, left) {
		err = add_attr(l, s, a, drop);
		if (err)
			return err;
	}
	copy = ckpt_msgs_end(&l->m, start);
	why = s->refused ? s->refused(copy) : NULL;
	if (why)
		return ckpt_err(l->ctx, -ENOSYS, "network namespace: %s: %s: not supported",
				s->name, why);
	if (s->fix)
		s->fix(copy);
	return 0;
}

static int look_at(void *arg, struct nlmsghdr *nlh)
{
	struct look *l = arg;
	const struct section *s = &sections[l->section];
	int err;

	/* those of bridges answer RTM_GETMDB by messages of that type */
	if ((nlh->nlmsg_type != new_type(s) && nlh->nlmsg_type != s->get) ||
	    nlmsg_len(nlh) < s->hdrlen ||
	    (s->skip && s->skip(l->net, nlh)))
		return 0;
	/* AF_UNSPEC is answered for a family that is not there, or for groups */
	if (s->family && !s->split && *(u8 *)nlmsg_data(nlh) != s->family)
		return 0;
	err = s->split ? s->split(l->ctx, l->net, nlh, &l->m) :
			 look_one(l, nlh);
	if (err)
		return err;
	if (!l->write)
		return 0;
	return ckpt_net_flush(l->ctx, l->index, l->section, &l->m,
			      CKPT_NET_CHUNK);
}

static int look(struct look *l, struct ckpt_nl *nl)
{
	const struct section *s = &sections[l->section];
	union {
		u8 family;
		struct ndmsg ndm;
		u8 room[32];
	} hdr = {};
	int err;

	BUILD_BUG_ON(sizeof(struct fib_rule_hdr) > sizeof(hdr));
	BUILD_BUG_ON(sizeof(struct rtmsg) > sizeof(hdr));
	hdr.family = s->family;
	if (s->get_flags)
		hdr.ndm.ndm_flags = s->get_flags;
	if (s->ask)
		err = ckpt_nl_dump(nl, s->get, s->ask, s->ask_len, look_at, l);
	else
		err = ckpt_nl_dump(nl, s->get, &hdr, s->hdrlen, look_at, l);
	/* a kernel without them has none */
	if (err == -EOPNOTSUPP || err == -EAFNOSUPPORT)
		err = 0;
	if (err == -EAGAIN)
		return ckpt_err(l->ctx, -EBUSY, "network namespace: a %s changed while it was being read, try again",
				s->name);
	if (err)
		return ckpt_err(l->ctx, err, "network namespace: %s: error %d%s",
				s->name, err, nl->why);
	return 0;
}

/**
 * ckpt_netroute_checkpoint - write addresses, routes and their like
 * @ctx: the context
 * @index: number of the namespace in the image
 * @net: the namespace
 * @nl: a socket in it
 * @first: first section, CKPT_NET_*
 * @last: last section
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_netroute_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net,
			     struct ckpt_nl *nl, u32 first, u32 last)
{
	struct look l = {
		.ctx = ctx, .net = net, .index = index, .write = true,
	};
	int err = 0;

	for (l.section = first; l.section <= last && !err; l.section++) {
		if (!sections[l.section].name)
			continue;
		err = look(&l, nl);
		if (!err)
			err = ckpt_net_flush(ctx, index, l.section, &l.m, 0);
	}
	ckpt_msgs_free(&l.m);
	return err;
}

/* --------------------------------------------------------------- check */

static bool message_ok(const struct section *s, const struct nlmsghdr *nlh)
{
	const struct nlattr *a;
	int left;

	if (nlh->nlmsg_type != new_type(s) || nlh->nlmsg_flags ||
	    nlh->nlmsg_seq || nlh->nlmsg_pid || nlmsg_len(nlh) < s->hdrlen ||
	    (s->family && *(u8 *)nlmsg_data(nlh) != s->family))
		return false;
	nlmsg_for_each_attr(a, nlh, s->hdrlen, left)
		if (nla_type(a) >= 64 || !(A(nla_type(a)) & s->keep))
			return false;
	return !left && !(s->refused && s->refused(nlh));
}

/**
 * ckpt_netroute_check - is this something that a checkpoint writes?
 * @ctx: the context
 * @section: CKPT_NET_*, not checked yet
 * @m: the messages of a record
 *
 * The kernel checks each message against its policies when it is sent.
 *
 * Return: 0, or -EINVAL, reported.
 */
int ckpt_netroute_check(struct ckpt_ctx *ctx, u32 section,
			const struct ckpt_msgs *m)
{
	const struct nlmsghdr *nlh = m->data;
	int left = m->len;

	if (section >= CKPT_NET_MAX || !sections[section].name)
		return ckpt_err(ctx, -EINVAL, "image: network namespace: unknown section %u",
				section);
	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left))
		if (!message_ok(&sections[section], nlh))
			return ckpt_err(ctx, -EINVAL, "image: network namespace: malformed %s",
					sections[section].name);
	if (left)
		return ckpt_err(ctx, -EINVAL, "image: network namespace: %s: %d bytes too many",
				sections[section].name, left);
	return 0;
}

/* ------------------------------------------------------------- restart */

/**
 * struct index - messages, to be found by what they say
 * @hash: what they are found by
 * @seed: of the hash: the image must not choose which ones are alike
 * @bits: of a hash
 * @head: number of the first one of each hash + 1, or 0
 * @nr: how many there are
 * @e: each of them
 */
struct index {
	u32 (*hash)(const struct nlmsghdr *nlh, u32 seed);
	u32 seed;
	unsigned int bits;
	u32 *head;
	u32 nr;
	struct index_entry {
		struct nlmsghdr *nlh;
		u32 next;
		bool found;
	} *e;
};

static u32 whole_hash(const struct nlmsghdr *nlh, u32 seed)
{
	return jhash(nlh, nlh->nlmsg_len, seed);
}

/* What a route answers for: see same_prefix() */
static const u8 prefix_attrs[] = { RTA_DST, RTA_SRC, RTA_TABLE, RTA_PRIORITY };

static u32 prefix_hash(const struct nlmsghdr *nlh, u32 seed)
{
	const struct rtmsg *r = nlmsg_data(nlh);
	u32 hash = jhash_2words(r->rtm_dst_len, r->rtm_src_len, seed);
	const struct nlattr *a;
	int i;

	for (i = 0; i < ARRAY_SIZE(prefix_attrs); i++) {
		a = nlmsg_find_attr(nlh, sizeof(*r), prefix_attrs[i]);
		if (a)
			hash = jhash(a, a->nla_len, hash);
	}
	return hash;
}

static u32 *index_head(const struct index *x, const struct nlmsghdr *nlh)
{
	return &x->head[x->hash(nlh, x->seed) & (BIT(x->bits) - 1)];
}

static void index_free(struct index *x)
{
	kvfree(x->head);
	kvfree(x->e);
}

static int index_make(struct index *x, const struct ckpt_msgs *m,
		      u32 (*hash)(const struct nlmsghdr *nlh, u32 seed))
{
	struct nlmsghdr *nlh;
	u32 *head;
	int left;

	memset(x, 0, sizeof(*x));
	x->hash = hash;
	x->seed = get_random_u32();
	nlh = m->data;
	left = m->len;
	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left))
		x->nr++;
	x->bits = order_base_2(x->nr + 1);
	x->head = kvcalloc(BIT(x->bits), sizeof(*x->head), GFP_KERNEL_ACCOUNT);
	x->e = kvcalloc(x->nr + 1, sizeof(*x->e), GFP_KERNEL_ACCOUNT);
	if (!x->head || !x->e) {
		index_free(x);
		return -ENOMEM;
	}
	x->nr = 0;
	nlh = m->data;
	left = m->len;
	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
		head = index_head(x, nlh);
		x->e[x->nr].nlh = nlh;
		x->e[x->nr].next = *head;
		*head = ++x->nr;
		cond_resched();
	}
	return 0;
}

/* One that says the same as @nlh, and was not found before */
static bool index_find(struct index *x, const struct nlmsghdr *nlh)
{
	struct index_entry *e;
	u32 i;

	for (i = *index_head(x, nlh); i; i = e->next) {
		e = &x->e[i - 1];
		if (e->found || e->nlh->nlmsg_len != nlh->nlmsg_len ||
		    memcmp(e->nlh, nlh, nlh->nlmsg_len))
			continue;
		e->found = true;
		return true;
	}
	return false;
}

/* Send a message, which stays as it was. */
static int talk(struct ckpt_nl *nl, struct nlmsghdr *nlh, u16 type, u16 flags)
{
	struct nlmsghdr was = *nlh;
	int err;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	err = ckpt_nl_talk(nl, nlh);
	*nlh = was;
	return err;
}

static int delete(struct ckpt_nl *nl, const struct section *s,
		  struct nlmsghdr *nlh)
{
	int err = talk(nl, nlh, del_type(s), 0);

	/* it went with another one */
	if (err == -ESRCH || err == -ENOENT || err == -EADDRNOTAVAIL)
		err = 0;
	if (err)
		return ckpt_err(nl->ctx, err, "network namespace: a %s that was not there cannot be removed: error %d%s",
				s->name, err, nl->why);
	return 0;
}

#if IS_ENABLED(CONFIG_IPV6)
/* What netlink shows of an address but does not take */
#define ADDR6_STATE	(IFA_F_TEMPORARY | IFA_F_STABLE_PRIVACY |	\
			 IFA_F_MANAGETEMPADDR | IFA_F_NODAD |		\
			 IFA_F_DADFAILED | IFA_F_TENTATIVE)

static u32 *addr_flags(struct nlmsghdr *nlh)
{
	struct nlattr *a = nlmsg_find_attr(nlh, sizeof(struct ifaddrmsg),
					   IFA_FLAGS);

	return a && nla_len(a) == sizeof(u32) ? nla_data(a) : NULL;
}

/*
 * It was found to be nobody else's before: it need not be asked again, unless
 * that was under way. Returns the flags that it is to have in the end.
 */
static u32 addr6_prepare(struct nlmsghdr *nlh)
{
	u32 *flags = addr_flags(nlh), old;

	if (!flags)
		return 0;
	old = *flags;
	*flags &= ~IFA_F_MANAGETEMPADDR;
	if ((old & IFA_F_DADFAILED) || !(old & IFA_F_TENTATIVE))
		*flags |= IFA_F_NODAD;
	return old;
}

/* The address that a temporary one was derived from */
static struct inet6_ifaddr *public_addr(struct inet6_dev *idev,
					struct inet6_ifaddr *ifp)
{
	struct inet6_ifaddr *p;

	list_for_each_entry(p, &idev->addr_list, if_list)
		if ((p->flags & IFA_F_MANAGETEMPADDR) && p != ifp &&
		    ipv6_prefix_equal(&p->addr, &ifp->addr, p->prefix_len))
			return p;
	return NULL;
}

/* As ipv6_add_addr() does for one that the kernel makes */
static void addr6_set_temporary(struct inet6_ifaddr *ifp)
{
	struct inet6_dev *idev = ifp->idev;

	write_lock_bh(&idev->lock);
	list_add(&ifp->tmp_list, &idev->tempaddr_list);
	in6_ifa_hold(ifp);
	ifp->ifpub = public_addr(idev, ifp);
	if (ifp->ifpub)
		in6_ifa_hold(ifp->ifpub);
	write_unlock_bh(&idev->lock);
}

static void addr6_set_flags(struct inet6_ifaddr *ifp, u32 flags)
{
	u32 kept = ADDR6_STATE & ~IFA_F_TENTATIVE;

	ASSERT_RTNL();
	if (ifp->state == INET6_IFADDR_STATE_DEAD)
		return;
	/* as long as it has the flag it is on the list, and only then */
	flags |= ifp->flags & IFA_F_TEMPORARY;
	if ((flags & IFA_F_TEMPORARY) && !(ifp->flags & IFA_F_TEMPORARY))
		addr6_set_temporary(ifp);
	spin_lock_bh(&ifp->lock);
	ifp->flags = (ifp->flags & ~kept) | (flags & kept);
	if (flags & IFA_F_DADFAILED)
		ifp->flags |= IFA_F_TENTATIVE;
	spin_unlock_bh(&ifp->lock);
}

static struct inet6_ifaddr *addr6_get(struct net *net, struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifm = nlmsg_data(nlh);
	struct nlattr *a = nlmsg_find_attr(nlh, sizeof(*ifm), IFA_LOCAL);
	struct inet6_ifaddr *ifp = NULL;
	struct net_device *dev;

	if (!a)
		a = nlmsg_find_attr(nlh, sizeof(*ifm), IFA_ADDRESS);
	if (!a || nla_len(a) != sizeof(struct in6_addr))
		return NULL;
	rtnl_lock();
	dev = __dev_get_by_index(net, ifm->ifa_index);
	if (dev)
		ifp = ipv6_get_ifaddr(net, nla_data(a), dev, 1);
	rtnl_unlock();
	return ifp;
}

static void addr6_finish(struct net *net, struct nlmsghdr *nlh, u32 flags)
{
	u32 *asked = addr_flags(nlh);
	struct inet6_ifaddr *ifp = asked ? addr6_get(net, nlh) : NULL;

	if (!ifp)
		return;
	/* a worker gives it its route: that would be found missing */
	if (*asked & IFA_F_NODAD)
		flush_delayed_work(&ifp->dad_work);
	rtnl_lock();
	addr6_set_flags(ifp, flags);
	rtnl_unlock();
	in6_ifa_put(ifp);
}
#else
static u32 addr6_prepare(struct nlmsghdr *nlh)
{
	return 0;
}

static void addr6_finish(struct net *net, struct nlmsghdr *nlh, u32 flags)
{
}
#endif

static int add(struct ckpt_nl *nl, struct net *net, u32 section,
	       struct nlmsghdr *nlh)
{
	const struct section *s = &sections[section];
	u32 flags = 0;
	int err;

	if (section == CKPT_NET_ADDR6)
		flags = addr6_prepare(nlh);
	err = talk(nl, nlh, new_type(s), s->flags);
	/* made by the kernel meanwhile */
	if (err == -EEXIST)
		err = 0;
	if (err)
		return ckpt_err(nl->ctx, err, "network namespace: a %s cannot be made: error %d%s",
				s->name, err, nl->why);
	if (section == CKPT_NET_ADDR6)
		addr6_finish(net, nlh, flags);
	return 0;
}

static bool is_later(const struct section *s, const struct nlmsghdr *nlh)
{
	if (s->get == RTM_GETROUTE)
		return has(s, nlh, ROUTE_LATER);
	return s->get == RTM_GETNEXTHOP && has(s, nlh, A(NHA_GROUP));
}

static int make_same(struct ckpt_nl *nl, struct ckpt_net *n, u32 section,
		     const struct ckpt_msgs *have)
{
	const struct section *s = &sections[section];
	struct index there, want;
	struct index_entry *e;
	int err, pass;
	u32 i;

	err = index_make(&want, &n->data[section], whole_hash);
	if (err)
		return err;
	err = index_make(&there, have, whole_hash);
	if (err)
		goto free_want;
	/* what is at both ends is left alone */
	for (i = 0; i < want.nr && !err; i++) {
		e = &want.e[i];
		e->found = index_find(&there, e->nlh);
		if (fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	for (i = 0; i < there.nr && !err; i++)
		if (!there.e[i].found && !s->set)
			err = delete(nl, s, there.e[i].nlh);
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < want.nr && !err; i++) {
			e = &want.e[s->reverse ? want.nr - 1 - i : i];
			if (!e->found && is_later(s, e->nlh) == pass)
				err = add(nl, n->net, section, e->nlh);
		}
	}
	index_free(&there);
free_want:
	index_free(&want);
	return err;
}

/* Do two routes answer for the same, with the same metric? */
static bool same_prefix(const struct nlmsghdr *a, const struct nlmsghdr *b)
{
	const struct rtmsg *ra = nlmsg_data(a), *rb = nlmsg_data(b);
	const struct nlattr *x, *y;
	int i;

	if (ra->rtm_dst_len != rb->rtm_dst_len ||
	    ra->rtm_src_len != rb->rtm_src_len)
		return false;
	for (i = 0; i < ARRAY_SIZE(prefix_attrs); i++) {
		x = nlmsg_find_attr(a, sizeof(*ra), prefix_attrs[i]);
		y = nlmsg_find_attr(b, sizeof(*rb), prefix_attrs[i]);
		if (!x != !y || (x && (x->nla_len != y->nla_len ||
				       memcmp(x, y, x->nla_len))))
			return false;
	}
	return true;
}

/*
 * How many from @from on answer for the same; those of the kernel's own without
 * a metric, which netlink cannot make so, one by one
 */
static u32 run_length(const struct index *x, u32 from)
{
	const struct nlattr *a = nlmsg_find_attr(x->e[from].nlh,
						 sizeof(struct rtmsg),
						 RTA_PRIORITY);
	u32 i = from + 1;

	if (!a || nla_len(a) != sizeof(u32) || !nla_get_u32(a))
		return 1;
	while (i < x->nr && same_prefix(x->e[from].nlh, x->e[i].nlh))
		i++;
	return i - from;
}

static int order_run(struct ckpt_nl *nl, struct ckpt_net *n, u32 section,
		     struct index_entry *want, u32 nr, struct index_entry *have,
		     u32 nr_have)
{
	bool same = nr == nr_have;
	int err = 0;
	u32 i;

	for (i = 0; i < nr && same; i++)
		same = want[i].nlh->nlmsg_len == have[i].nlh->nlmsg_len &&
		       !memcmp(want[i].nlh, have[i].nlh,
			       want[i].nlh->nlmsg_len);
	if (same)
		return 0;
	for (i = 0; i < nr_have && !err; i++)
		err = delete(nl, &sections[section], have[i].nlh);
	for (i = 0; i < nr && !err; i++)
		err = add(nl, n->net, section, want[i].nlh);
	return err;
}

/* The number of the first one that answers for the same, or x->nr */
static u32 find_first(const struct index *x, const struct nlmsghdr *nlh)
{
	u32 i, first = x->nr;

	/* those that were met last come first */
	for (i = *index_head(x, nlh); i; i = x->e[i - 1].next)
		if (same_prefix(x->e[i - 1].nlh, nlh))
			first = i - 1;
	return first;
}

/* What answers for the same is listed in a row. */
static int make_order(struct ckpt_nl *nl, struct ckpt_net *n, u32 section,
		      const struct ckpt_msgs *have)
{
	struct index there, want;
	u32 i, j, nr;
	int err;

	err = index_make(&want, &n->data[section], prefix_hash);
	if (err)
		return err;
	err = index_make(&there, have, prefix_hash);
	if (err)
		goto free_want;
	for (i = 0; i < want.nr && !err; i += nr) {
		cond_resched();
		if (fatal_signal_pending(current))
			err = -EINTR;
		nr = run_length(&want, i);
		if (nr == 1 || err)
			continue;
		j = find_first(&there, want.e[i].nlh);
		if (j < there.nr)
			err = order_run(nl, n, section, &want.e[i], nr,
					&there.e[j], run_length(&there, j));
	}
	index_free(&there);
free_want:
	index_free(&want);
	return err;
}

static int restore_section(struct look *l, struct ckpt_net *n,
			   struct ckpt_nl *nl)
{
	int err;

	l->m.len = 0;
	err = look(l, nl);
	if (!err)
		err = make_same(nl, n, l->section, &l->m);
	if (err || !sections[l->section].ordered)
		return err;
	l->m.len = 0;
	err = look(l, nl);
	return err ?: make_order(nl, n, l->section, &l->m);
}

/**
 * ckpt_netroute_restore - make addresses, routes and their like as they were
 * @ctx: the context
 * @n: the namespace, with what is to be in it; the messages are used up
 * @nl: a socket in it
 * @first: first section, CKPT_NET_*
 * @last: last section
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_netroute_restore(struct ckpt_ctx *ctx, struct ckpt_net *n,
			  struct ckpt_nl *nl, u32 first, u32 last)
{
	struct look l = { .ctx = ctx, .net = n->net };
	int err = 0;

	for (l.section = first; l.section <= last && !err; l.section++) {
		if (sections[l.section].name)
			err = restore_section(&l, n, nl);
	}
	ckpt_msgs_free(&l.m);
	return err;
}
