// SPDX-License-Identifier: GPL-2.0
/*
 * Network devices: saved as rtnetlink shows them, and made by telling it the
 * same, kind by kind. A device comes down into the world, since many can only
 * be changed so, and is raised when all are there.
 */

#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>
#include <net/tcx.h>

#include "../ipv4/checkpoint_silence.h"
#include "checkpoint_netns.h"
#include "dev.h"

#define A(attr)		BIT_ULL(attr)

/* Attributes are numbered up to more than a u64 has bits. */
static const u8 keep_attrs[] = {
	IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER,
	IFLA_TXQLEN, IFLA_LINKMODE, IFLA_LINKINFO, IFLA_IFALIAS, IFLA_AF_SPEC,
	IFLA_GROUP, IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES, IFLA_GSO_MAX_SEGS,
	IFLA_GSO_MAX_SIZE, IFLA_GRO_MAX_SIZE, IFLA_GSO_IPV4_MAX_SIZE,
	IFLA_GRO_IPV4_MAX_SIZE, IFLA_PROP_LIST, IFLA_PROTO_DOWN,
	IFLA_BROADCAST, IFLA_CARRIER,
};

static const struct nla_policy link_policy[IFLA_MAX + 1] = {
	[IFLA_ADDRESS]		= { .type = NLA_BINARY, .len = MAX_ADDR_LEN },
	[IFLA_BROADCAST]	= { .type = NLA_BINARY, .len = MAX_ADDR_LEN },
	[IFLA_IFNAME]		= { .type = NLA_NUL_STRING,
				    .len = IFNAMSIZ - 1 },
	[IFLA_MTU]		= { .type = NLA_U32 },
	[IFLA_LINK]		= { .type = NLA_U32 },
	[IFLA_MASTER]		= { .type = NLA_U32 },
	[IFLA_TXQLEN]		= { .type = NLA_U32 },
	[IFLA_LINKMODE]		= { .type = NLA_U8 },
	[IFLA_LINKINFO]		= { .type = NLA_NESTED },
	[IFLA_IFALIAS]		= { .type = NLA_BINARY, .len = IFALIASZ - 1 },
	[IFLA_AF_SPEC]		= { .type = NLA_NESTED },
	[IFLA_GROUP]		= { .type = NLA_U32 },
	[IFLA_NUM_TX_QUEUES]	= { .type = NLA_U32 },
	[IFLA_NUM_RX_QUEUES]	= { .type = NLA_U32 },
	[IFLA_GSO_MAX_SEGS]	= { .type = NLA_U32 },
	[IFLA_GSO_MAX_SIZE]	= { .type = NLA_U32 },
	[IFLA_GRO_MAX_SIZE]	= { .type = NLA_U32 },
	[IFLA_GSO_IPV4_MAX_SIZE] = { .type = NLA_U32 },
	[IFLA_GRO_IPV4_MAX_SIZE] = { .type = NLA_U32 },
	[IFLA_PROP_LIST]	= { .type = NLA_NESTED },
	[IFLA_PROTO_DOWN]	= { .type = NLA_U8 },
	[IFLA_CARRIER]		= { .type = NLA_U8 },
};

static const struct nla_policy info_policy[IFLA_INFO_MAX + 1] = {
	[IFLA_INFO_KIND]	= { .type = NLA_NUL_STRING, .len = 31 },
	[IFLA_INFO_DATA]	= { .type = NLA_NESTED },
	[IFLA_INFO_SLAVE_KIND]	= { .type = NLA_NUL_STRING, .len = 31 },
	[IFLA_INFO_SLAVE_DATA]	= { .type = NLA_NESTED },
};

#define INFO_KEEP	(A(IFLA_INFO_KIND) | A(IFLA_INFO_DATA) |	\
			 A(IFLA_INFO_SLAVE_KIND) | A(IFLA_INFO_SLAVE_DATA))
#define INET6_KEEP	(A(IFLA_INET6_TOKEN) | A(IFLA_INET6_ADDR_GEN_MODE))

/* Flags that a user sets */
#define DEV_FLAGS	(IFF_DEBUG | IFF_NOTRAILERS | IFF_NOARP | IFF_DYNAMIC | \
			 IFF_MULTICAST | IFF_PORTSEL | IFF_AUTOMEDIA |	      \
			 IFF_PROMISC | IFF_ALLMULTI)

/**
 * struct kind - one kind of devices
 * @name: as in ip link add type NAME
 * @drop: what it tells of itself that it does not take
 * @pair: it comes with a peer
 * @no_addr: its address is that of another, or follows from its parameters
 * @no_link: what it is made on is among its parameters; IFLA_LINK is itself
 * @carrier: it has one unless it is told that it has none
 * @extra: say in its own way what is among @drop, from IFLA_INFO_DATA; may be
 *	NULL
 * @refused: what of a device cannot be made, or NULL; may be NULL
 * @make: make it in a way of its own, since rtnetlink does not; may be NULL
 */
struct kind {
	const char *name;
	u64 drop;
	bool pair;
	bool no_addr;
	bool no_link;
	bool carrier;
	int (*extra)(struct sk_buff *skb, const struct nlattr *from);
	const char *(*refused)(struct net_device *dev);
	int (*make)(struct ckpt_ctx *ctx, struct ckpt_net *n, const char *name,
		    u32 ifindex);
};

/* It tells of no flags if there are none, and else masks more than it has. */
static int put_vlan(struct sk_buff *skb, const struct nlattr *from)
{
	const struct nlattr *a = nla_find_nested(from, IFLA_VLAN_FLAGS);
	struct ifla_vlan_flags f = {};

	if (a && nla_len(a) >= (int)sizeof(f))
		f = *(struct ifla_vlan_flags *)nla_data(a);
	f.mask = VLAN_FLAG_REORDER_HDR | VLAN_FLAG_GVRP |
		 VLAN_FLAG_LOOSE_BINDING | VLAN_FLAG_MVRP |
		 VLAN_FLAG_BRIDGE_BINDING;
	return nla_put(skb, IFLA_VLAN_FLAGS, sizeof(f), &f);
}

/* One that is off may be one that cannot be on here. */
static int put_bridge(struct sk_buff *skb, const struct nlattr *from)
{
	const struct nlattr *a = nla_find_nested(from, IFLA_BR_MULTI_BOOLOPT);
	struct br_boolopt_multi opt;

	if (!a || nla_len(a) != sizeof(opt))
		return 0;
	opt = *(struct br_boolopt_multi *)nla_data(a);
	opt.optmask &= opt.optval;
	return nla_put(skb, IFLA_BR_MULTI_BOOLOPT, sizeof(opt), &opt);
}

/* A number there, a flag here */
static int put_vxlan(struct sk_buff *skb, const struct nlattr *from)
{
	const struct nlattr *a = nla_find_nested(from, IFLA_VXLAN_TTL_INHERIT);

	if (!a || nla_len(a) != 1 || !nla_get_u8(a))
		return 0;
	return nla_put_flag(skb, IFLA_VXLAN_TTL_INHERIT);
}

/* The table of kinds: adding one is an entry here. */
static const struct kind kinds[] = {
	{ .name = "dummy", .carrier = true },
	{ .name = "sit", .no_addr = true },
	{ .name = "ipip", .no_addr = true },
	{ .name = "gre", .no_addr = true },
	{ .name = "gretap" },
	{ .name = "erspan" },
	{ .name = "ifb" },
	{ .name = "vrf" },
	{ .name = "veth", .pair = true },
	{
		.name = "bridge",
		.drop = GENMASK_ULL(IFLA_BR_GC_TIMER, IFLA_BR_ROOT_ID) |
			A(IFLA_BR_MCAST_QUERIER_STATE) |
			A(IFLA_BR_FDB_N_LEARNED) | A(IFLA_BR_PAD) |
			A(IFLA_BR_MULTI_BOOLOPT),
		.extra = put_bridge,
	},
	{ .name = "vlan", .drop = A(IFLA_VLAN_FLAGS), .extra = put_vlan },
	{
		.name = "macvlan",
		.drop = A(IFLA_MACVLAN_MACADDR_COUNT) |
			A(IFLA_MACVLAN_MACADDR_DATA) |
			A(IFLA_MACVLAN_BC_QUEUE_LEN_USED),
	},
	{ .name = "ipvlan", .no_addr = true },
	{
		.name = "vxlan", .drop = A(IFLA_VXLAN_TTL_INHERIT),
		.no_link = true, .extra = put_vxlan,
	},
#if IS_BUILTIN(CONFIG_TUN)
	{
		.name = "tun", .refused = ckpt_tun_refused,
		.make = ckpt_tun_make,
	},
#endif
};

static const struct kind *find_kind(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

/* ------------------------------------------------------------- collect */

static int refuse(struct ckpt_ctx *ctx, const struct net_device *dev,
		  const char *what)
{
	return ckpt_err(ctx, -ENOSYS, "network device %s: %s: not supported",
			dev->name, what);
}

static struct net *link_net(const struct net_device *dev)
{
	const struct rtnl_link_ops *ops = dev->rtnl_link_ops;

	return ops && ops->get_link_net ? ops->get_link_net(dev) : dev_net(dev);
}

/* One that no socket has joined: see SIOCADDMULTI */
static bool has_static_group(struct net_device *dev)
{
	struct netdev_hw_addr *ha;
	bool found = false;

	netif_addr_lock_bh(dev);
	netdev_for_each_mc_addr(ha, dev)
		found |= ha->global_use;
	netif_addr_unlock_bh(dev);
	return found;
}

static bool has_tcx(struct net_device *dev, bool ingress)
{
#ifdef CONFIG_NET_XGRESS
	/* clsact has an entry, too, and no programs in it */
	struct bpf_mprog_entry *entry = tcx_entry_fetch(dev, ingress);

	return entry && bpf_mprog_total(entry);
#else
	return false;
#endif
}

static int collect_dev(struct ckpt_ctx *ctx, struct net_device *dev)
{
	struct net *net = dev_net(dev);
	const struct kind *kind;
	const char *qdisc;
	char text[48];

	if (dev != net->loopback_dev) {
		if (!dev->rtnl_link_ops)
			return refuse(ctx, dev, "physical, or of a kind that cannot be made");
		kind = find_kind(dev->rtnl_link_ops->kind);
		if (!kind)
			return refuse(ctx, dev, dev->rtnl_link_ops->kind);
		if (kind->refused && kind->refused(dev))
			return refuse(ctx, dev, kind->refused(dev));
	}
	if (dev_xdp_prog_count(dev))
		return refuse(ctx, dev, "XDP program");
	if (has_static_group(dev))
		return refuse(ctx, dev, "multicast address added by hand");
	if (READ_ONCE(dev->proto_down_reason))
		return refuse(ctx, dev, "reason of protodown");
	qdisc = ckpt_netsched_refused(dev);
	if (qdisc) {
		scnprintf(text, sizeof(text), "qdisc %s", qdisc);
		return refuse(ctx, dev, text);
	}
	if (has_tcx(dev, true) || has_tcx(dev, false))
		return refuse(ctx, dev, "tcx program");
	return 0;
}

/**
 * ckpt_netdevs_collect - can all devices of a namespace be made anew?
 * @ctx: the context
 * @net: the namespace
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOSYS, reported.
 */
int ckpt_netdevs_collect(struct ckpt_ctx *ctx, struct net *net)
{
	struct net_device *dev;
	int err = 0;

	rtnl_lock();
	for_each_netdev(net, dev) {
		err = collect_dev(ctx, dev);
		if (err)
			break;
	}
	rtnl_unlock();
	return err;
}

/* ---------------------------------------------------------- checkpoint */

/**
 * struct save - writing the devices of a namespace
 * @ctx: the context
 * @net: the namespace
 * @index: its number
 * @m: what is to be written next
 */
struct save {
	struct ckpt_ctx *ctx;
	struct net *net;
	u32 index;
	struct ckpt_msgs m;
};

static bool keep_attr(int type)
{
	return memchr(keep_attrs, type, sizeof(keep_attrs));
}

static int copy_some(struct ckpt_msgs *m, const struct nlattr *from, int type,
		     u64 keep)
{
	const struct nlattr *a;
	int at = ckpt_msgs_nest(m, type), left, err;

	if (at < 0)
		return at;
	nla_for_each_nested(a, from, left) {
		if (nla_type(a) >= 64 || !(A(nla_type(a)) & keep))
			continue;
		err = ckpt_msgs_add(m, a, a->nla_len);
		if (err)
			return err;
	}
	ckpt_msgs_nest_end(m, at);
	return 0;
}

/* Of the address families the part that is no sysctl */
static int save_af(struct ckpt_msgs *m, const struct nlattr *from)
{
	const struct nlattr *a;
	int at = ckpt_msgs_nest(m, IFLA_AF_SPEC), left, err;

	if (at < 0)
		return at;
	nla_for_each_nested(a, from, left) {
		if (nla_type(a) != AF_INET6)
			continue;
		err = copy_some(m, a, AF_INET6, INET6_KEEP);
		if (err)
			return err;
	}
	ckpt_msgs_nest_end(m, at);
	return 0;
}

static int save_attr(struct save *s, const struct nlattr *a)
{
	switch (nla_type(a)) {
	case IFLA_LINKINFO:
		return copy_some(&s->m, a, IFLA_LINKINFO, INFO_KEEP);
	case IFLA_AF_SPEC:
		return save_af(&s->m, a);
	case IFLA_PROTO_DOWN:
		/* not every kind takes it, but each tells of it */
		return nla_get_u8(a) ? ckpt_msgs_add(&s->m, a, a->nla_len) : 0;
	case IFLA_CARRIER:
		return nla_get_u8(a) ? 0 : ckpt_msgs_add(&s->m, a, a->nla_len);
	default:
		return keep_attr(nla_type(a)) ?
		       ckpt_msgs_add(&s->m, a, a->nla_len) : 0;
	}
}

/* The other end of a pair, or NULL; it stays while the network stands still. */
static struct net_device *peer_of(struct net_device *dev)
{
	struct net_device *peer = NULL;

	ASSERT_RTNL();
	rcu_read_lock();
	if (dev->netdev_ops->ndo_get_peer_dev)
		peer = dev->netdev_ops->ndo_get_peer_dev(dev);
	rcu_read_unlock();
	return peer;
}

/*
 * A peer that is no device of the tree: what it takes to make one like it. What
 * it is called is the affair of whoever can see it.
 */
static void save_outside(struct ckpt_ctx *ctx, struct net_device *dev,
			 struct ckpt_netdev *d)
{
	struct net_device *peer = peer_of(dev), *bridge;

	if (!peer)
		return;
	d->peer_flags = !!(peer->flags & IFF_UP);
	d->peer_mtu = peer->mtu;
	d->peer_txqlen = peer->tx_queue_len;
	d->peer_tx = peer->num_tx_queues;
	d->peer_rx = peer->num_rx_queues;
	if (dev_net(peer) != ctx->caller_ns->net_ns)
		return;
	strscpy(d->peer_name, peer->name);
	memcpy(d->peer_addr, peer->dev_addr, ETH_ALEN);
	bridge = netdev_master_upper_dev_get(peer);
	if (bridge && netif_is_bridge_master(bridge))
		strscpy(d->peer_bridge, bridge->name);
}

/* What the message does not tell, or in numbers that are none of the image's */
static int save_fixed(struct save *s, int ifindex)
{
	const struct kind *kind = NULL;
	struct ckpt_netdev d = {};
	struct net_device *dev;
	int peer, err = 0;

	rtnl_lock();
	dev = __dev_get_by_index(s->net, ifindex);
	if (dev && dev->rtnl_link_ops)
		kind = find_kind(dev->rtnl_link_ops->kind);
	if (kind && !kind->pair && link_net(dev) != s->net) {
		d.flags = CKPT_NETDEV_LINK;
		peer = ckpt_net_index(s->ctx, link_net(dev));
		if (peer < 0)
			err = refuse(s->ctx, dev, "what it is made on is in a network namespace outside of the tree");
		d.peer_net = peer + 1;
	}
	if (kind && kind->pair) {
		d.flags = CKPT_NETDEV_PEER;
		peer = ckpt_net_index(s->ctx, link_net(dev));
		if (peer < 0) {
			save_outside(s->ctx, dev, &d);
		} else {
			d.peer_net = peer + 1;
			d.peer = dev_get_iflink(dev);
		}
	}
	rtnl_unlock();
	if (err)
		return err;
	return dev ? ckpt_msgs_add(&s->m, &d, sizeof(d)) : -EAGAIN;
}

/* What of a device of a kind that can be made cannot, or NULL */
static const char *not_made(const struct nlmsghdr *nlh)
{
	const struct br_boolopt_multi *opts;
	struct nlattr *a, *kind, *data;

	a = nlmsg_find_attr(nlh, sizeof(struct ifinfomsg), IFLA_LINKINFO);
	if (!a)
		return NULL;
	kind = nla_find_nested(a, IFLA_INFO_KIND);
	data = nla_find_nested(a, IFLA_INFO_DATA);
	if (!kind || !data)
		return NULL;
	if (!strcmp(nla_data(kind), "bridge")) {
		a = nla_find_nested(data, IFLA_BR_MULTI_BOOLOPT);
		opts = a ? nla_data(a) : NULL;
		if (opts && (opts->optval & BIT(BR_BOOLOPT_MCAST_VLAN_SNOOPING)))
			return "multicast snooping per VLAN";
		if (opts && (opts->optval & BIT(BR_BOOLOPT_MST_ENABLE)))
			return "multiple spanning trees";
	}
	if (!strcmp(nla_data(kind), "vxlan")) {
		a = nla_find_nested(data, IFLA_VXLAN_VNIFILTER);
		if (a && nla_get_u8(a))
			return "VNI filtering";
	}
	if (!strcmp(nla_data(kind), "macvlan")) {
		a = nla_find_nested(data, IFLA_MACVLAN_MODE);
		if (a && nla_get_u32(a) == MACVLAN_MODE_SOURCE)
			return "mode source";
	}
	return NULL;
}

/* Does a bridge run the spanning tree protocol? Or a negative errno */
static int has_stp(const struct net_device *br)
{
	struct sk_buff *skb = nlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	const struct nlattr *a;
	int ret;

	if (!skb)
		return -ENOMEM;
	ret = br->rtnl_link_ops->fill_info(skb, br);
	if (!ret) {
		a = nla_find((struct nlattr *)skb->data, skb->len,
			     IFLA_BR_STP_STATE);
		ret = a && nla_get_u32(a);
	}
	nlmsg_free(skb);
	return ret;
}

/* The state that a port of a bridge tells */
static u8 port_state(const struct nlattr *port)
{
	const struct nlattr *a = nla_find_nested(port, IFLA_BRPORT_STATE);

	return a && nla_len(a) == sizeof(u8) ? nla_get_u8(a) :
					       BR_STATE_FORWARDING;
}

/*
 * Is a port of a bridge that is up, with these flags and what it tells of
 * itself, in a state that it came into neither by itself nor by the spanning
 * tree protocol?
 */
static bool state_by_hand(unsigned int flags, const struct nlattr *port,
			  bool stp)
{
	u8 state = port_state(port);

	return (flags & IFF_RUNNING) && (stp ? state == BR_STATE_DISABLED :
					       state != BR_STATE_FORWARDING);
}

/* Does it stay where others are on their way, as one that was just raised? */
static bool state_stays(const struct nlattr *port)
{
	const struct nlattr *timer;

	if (port_state(port) == BR_STATE_DISABLED)
		return false;
	timer = nla_find_nested(port, IFLA_BRPORT_FORWARD_DELAY_TIMER);
	return !timer || !nla_get_u64(timer);
}

static bool peer_outside(struct ckpt_ctx *ctx, const struct net_device *dev)
{
	const struct kind *kind = dev->rtnl_link_ops ?
				  find_kind(dev->rtnl_link_ops->kind) : NULL;

	return kind && kind->pair && ckpt_net_index(ctx, link_net(dev)) < 0;
}

static int check_state(struct save *s, struct net_device *dev,
		       const struct nlmsghdr *nlh, const struct nlattr *port)
{
	const struct ifinfomsg *ifm = nlmsg_data(nlh);
	struct net_device *br = netdev_master_upper_dev_get(dev);
	int stp;

	if (!br || !netif_is_bridge_master(br) || !netif_running(br))
		return 0;
	stp = has_stp(br);
	if (stp < 0 || !state_by_hand(ifm->ifi_flags, port, stp))
		return min(stp, 0);
	if (stp)
		return refuse(s->ctx, dev, "port of a bridge with STP that was disabled by hand");
	if (state_stays(port))
		return refuse(s->ctx, dev, "port of a bridge that is kept listening or learning by hand");
	/* it gets its carrier when the tree runs, and with it another state */
	if (peer_outside(s->ctx, dev))
		return refuse(s->ctx, dev, "port of a bridge whose state was set by hand, with its other end outside of the tree");
	return 0;
}

/* Can what a device is as a port of a bridge be told it again? */
static int check_port(struct save *s, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifm = nlmsg_data(nlh);
	const struct nlattr *info, *kind, *port;
	struct net_device *dev;
	int err;

	info = nlmsg_find_attr(nlh, sizeof(*ifm), IFLA_LINKINFO);
	kind = info ? nla_find_nested(info, IFLA_INFO_SLAVE_KIND) : NULL;
	port = info ? nla_find_nested(info, IFLA_INFO_SLAVE_DATA) : NULL;
	if (!kind || !port || strcmp(nla_data(kind), "bridge"))
		return 0;
	rtnl_lock();
	dev = __dev_get_by_index(s->net, ifm->ifi_index);
	err = dev ? check_state(s, dev, nlh, port) : -EAGAIN;
	rtnl_unlock();
	return err;
}

static int save_dev(void *arg, struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifm = nlmsg_data(nlh);
	struct save *s = arg;
	const struct nlattr *a;
	size_t start;
	int left, err;

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_len(nlh) < (int)sizeof(*ifm))
		return 0;
	a = nlmsg_find_attr(nlh, sizeof(*ifm), IFLA_IFNAME);
	if (not_made(nlh))
		return ckpt_err(s->ctx, -ENOSYS, "network device %s: %s: not supported",
				a ? (char *)nla_data(a) : "", not_made(nlh));
	err = check_port(s, nlh);
	if (!err)
		err = ckpt_net_flush(s->ctx, s->index, CKPT_NET_DEV, &s->m,
				     CKPT_REC_MAX / 2);
	if (!err)
		err = save_fixed(s, ifm->ifi_index);
	start = s->m.len;
	if (!err)
		err = ckpt_msgs_add(&s->m, nlh, NLMSG_HDRLEN + sizeof(*ifm));
	nlmsg_for_each_attr(a, nlh, sizeof(*ifm), left)
		if (!err)
			err = save_attr(s, a);
	if (!err)
		ckpt_msgs_end(&s->m, start);
	return err;
}

/**
 * ckpt_netdevs_checkpoint - write the devices of a namespace
 * @ctx: the context
 * @index: its number in the image
 * @net: the namespace
 * @nl: a socket in it
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_netdevs_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net,
			    struct ckpt_nl *nl)
{
	struct save s = { .ctx = ctx, .net = net, .index = index };
	struct ifinfomsg hdr = {};
	int err;

	err = ckpt_nl_dump(nl, RTM_GETLINK, &hdr, sizeof(hdr), save_dev, &s);
	if (err == -EAGAIN)
		err = ckpt_err(ctx, -EBUSY, "network namespace: its devices changed meanwhile, try again");
	else if (err)
		err = ckpt_err(ctx, err, "network namespace: its devices: error %d",
			       err);
	if (!err)
		err = ckpt_net_flush(ctx, index, CKPT_NET_DEV, &s.m, 0);
	ckpt_msgs_free(&s.m);
	return err;
}

/* --------------------------------------------------------------- parse */

/**
 * struct dev - a device of the image
 * @fixed: what is no netlink message
 * @nlh: the message
 * @ifm: its fixed part
 * @kind: its kind, or NULL: loopback
 * @tb: its attributes
 * @info: those in IFLA_LINKINFO
 * @next: behind it
 */
struct dev {
	const struct ckpt_netdev *fixed;
	const struct nlmsghdr *nlh;
	const struct ifinfomsg *ifm;
	const struct kind *kind;
	struct nlattr *tb[IFLA_MAX + 1];
	struct nlattr *info[IFLA_INFO_MAX + 1];
	void *next;
};

static bool attrs_ok(const struct nlmsghdr *nlh)
{
	const struct nlattr *a;
	int left;

	nlmsg_for_each_attr(a, nlh, sizeof(struct ifinfomsg), left)
		if (!keep_attr(nla_type(a)))
			return false;
	return !left;
}

/* A name, and no pattern */
static bool name_ok(const char *name)
{
	return dev_valid_name(name) && !strchr(name, '%');
}

static bool outside_ok(const struct ckpt_netdev *f)
{
	if (f->peer_name[sizeof(f->peer_name) - 1] ||
	    f->peer_bridge[sizeof(f->peer_bridge) - 1] ||
	    is_multicast_ether_addr(f->peer_addr))
		return false;
	return f->peer_net || !f->flags || !f->peer_name[0] ||
	       name_ok(f->peer_name);
}

/* With a peer, or made on what is elsewhere, as its kind allows it */
static bool flags_ok(const struct dev *d)
{
	const struct kind *kind = d->kind;

	if (d->fixed->flags == CKPT_NETDEV_LINK)
		return kind && !kind->pair && !kind->make && d->fixed->peer_net;
	return d->fixed->flags == (kind && kind->pair ? CKPT_NETDEV_PEER : 0);
}

/* The device at @data, with @left bytes; false if it is malformed. */
static bool parse_dev(void *data, size_t left, struct dev *d)
{
	const struct ckpt_netdev *f = data;
	struct nlmsghdr *nlh;

	memset(d, 0, sizeof(*d));
	if (left < sizeof(*f))
		return false;
	nlh = data + sizeof(*f);
	left -= sizeof(*f);
	if (!nlmsg_ok(nlh, left) || nlmsg_len(nlh) < (int)sizeof(*d->ifm) ||
	    nlh->nlmsg_type != RTM_NEWLINK || !attrs_ok(nlh))
		return false;
	d->fixed = f;
	d->nlh = nlh;
	d->ifm = nlmsg_data(nlh);
	d->next = (void *)nlh + NLMSG_ALIGN(nlh->nlmsg_len);
	if (nlmsg_parse_deprecated(nlh, sizeof(*d->ifm), d->tb, IFLA_MAX,
				   link_policy, NULL))
		return false;
	if (d->tb[IFLA_LINKINFO] &&
	    nla_parse_nested_deprecated(d->info, IFLA_INFO_MAX,
					d->tb[IFLA_LINKINFO], info_policy,
					NULL))
		return false;
	if (d->info[IFLA_INFO_KIND]) {
		d->kind = find_kind(nla_data(d->info[IFLA_INFO_KIND]));
		if (!d->kind)
			return false;
	}
	return d->ifm->ifi_index > 0 && d->tb[IFLA_IFNAME] && outside_ok(f) &&
	       flags_ok(d);
}

static const char *dev_ifname(const struct dev *d)
{
	return nla_data(d->tb[IFLA_IFNAME]);
}

/**
 * ckpt_netdevs_check - are these devices?
 * @ctx: the context
 * @m: what a record has
 *
 * Context: process context, may sleep.
 * Return: 0, or -EINVAL, reported, or -ENOMEM.
 */
int ckpt_netdevs_check(struct ckpt_ctx *ctx, const struct ckpt_msgs *m)
{
	struct dev *d = kmalloc(sizeof(*d), GFP_KERNEL);
	void *at = m->data, *end = m->data + m->len;
	int err = 0;

	if (!d)
		return -ENOMEM;
	while (at < end && !err) {
		if (!parse_dev(at, end - at, d))
			err = ckpt_err(ctx, -EINVAL, "image: network device: malformed, or of a kind that is not supported in this build");
		at = d->next;
	}
	kfree(d);
	return err;
}

/* Devices are looked for by their index, in messages that stay where they are. */
static int index_dev(struct dev *d, void *arg)
{
	struct ckpt_net *n = arg;
	unsigned long at = (void *)d->fixed - n->data[CKPT_NET_DEV].data;

	return xa_insert(&n->by_index, d->ifm->ifi_index, xa_mk_value(at),
			 GFP_KERNEL_ACCOUNT);
}

static bool has_index(struct ckpt_net *n, int ifindex)
{
	return xa_load(&n->by_index, ifindex);
}

/* The device of that index; false if there is none. */
static bool load_dev(struct ckpt_net *n, u32 ifindex, struct dev *d)
{
	const struct ckpt_msgs *m = &n->data[CKPT_NET_DEV];
	void *at = xa_load(&n->by_index, ifindex);

	return at && parse_dev(m->data + xa_to_value(at),
			       m->len - xa_to_value(at), d);
}

/* Call @fn for each device of a namespace until it returns something. */
static int walk_devs(struct ckpt_net *n,
		     int (*fn)(struct dev *d, void *arg), void *arg)
{
	const struct ckpt_msgs *m = &n->data[CKPT_NET_DEV];
	void *at = m->data, *end = m->data + m->len;
	struct dev *d = kmalloc(sizeof(*d), GFP_KERNEL);
	int ret = 0;

	if (!d)
		return -ENOMEM;
	while (at < end && !ret) {
		if (!parse_dev(at, end - at, d)) {
			ret = -EINVAL;
			break;
		}
		at = d->next;
		ret = fn(d, arg);
	}
	kfree(d);
	return ret;
}

/* ---------------------------------------------------------------- make */

/**
 * struct make - working on the devices of a namespace
 * @ctx: the context
 * @n: the namespace
 * @nl: a socket in it
 * @done: how many were made or raised in this round
 * @left: how many have to wait for another one
 * @waits: the name of one of them
 */
struct make {
	struct ckpt_ctx *ctx;
	struct ckpt_net *n;
	struct ckpt_nl *nl;
	u32 done;
	u32 left;
	char waits[IFNAMSIZ];
};

static int failed(struct make *k, const struct dev *d, int err,
		  const char *what)
{
	return ckpt_err(k->ctx, err, "network device %s: cannot be %s: error %d%s",
			dev_ifname(d), what, err, k->nl->why);
}

/* Send @skb, unless it is NULL or @err says that it could not be filled. */
static int send(struct make *k, const struct dev *d, struct sk_buff *skb,
		int err, const char *what)
{
	if (!skb)
		return -ENOMEM;
	if (err) {
		nlmsg_free(skb);
	} else {
		nlmsg_end(skb, nlmsg_hdr(skb));
		err = ckpt_nl_send(k->nl, skb);
	}
	return err ? failed(k, d, err, what) : 0;
}

static struct sk_buff *link_msg(u16 type, u16 flags, int ifindex,
				unsigned int set, unsigned int change)
{
	struct sk_buff *skb = nlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	struct ifinfomsg *ifm;
	struct nlmsghdr *nlh;

	if (!skb)
		return NULL;
	nlh = nlmsg_put(skb, 0, 0, type, sizeof(*ifm), flags);
	ifm = nlmsg_data(nlh);
	memset(ifm, 0, sizeof(*ifm));
	ifm->ifi_index = ifindex;
	ifm->ifi_flags = set;
	ifm->ifi_change = change;
	return skb;
}

static int put_attr(struct sk_buff *skb, const struct nlattr *a, int type)
{
	return a ? nla_put(skb, type, nla_len(a), nla_data(a)) : 0;
}

static int put_attrs(struct sk_buff *skb, const struct dev *d, const u8 *types,
		     int nr)
{
	int i, err = 0;

	for (i = 0; i < nr && !err; i++)
		err = put_attr(skb, d->tb[types[i]], types[i]);
	return err;
}

/* What can be said only when a device is made */
static const u8 make_attrs[] = {
	IFLA_MTU, IFLA_LINK, IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES,
};

/* A device that is on its way to another namespace */
#define APART_INDEX	0x7ffffffe
#define APART_NAME	"ckptapart%d"

/* The other end of @d in the image: false if there is none that says so, too */
static bool get_peer(struct make *k, const struct dev *d, struct dev *peer)
{
	struct ckpt_nets *nets = k->ctx->nets;
	u32 net = d->fixed->peer_net;

	if (!net || net > nets->nr ||
	    !load_dev(&nets->net[net - 1], d->fixed->peer, peer))
		return false;
	return peer->kind == d->kind && peer->fixed->peer_net &&
	       &nets->net[peer->fixed->peer_net - 1] == k->n &&
	       peer->fixed->peer == d->ifm->ifi_index;
}

/*
 * A bridge has the lowest address of its ports, unless it was given one. Until
 * the tree runs it is not to change that for one that may still be in use where
 * the image comes from: over this bridge, perhaps. Later it is as it was.
 */
static int put_address(struct sk_buff *skb, const struct ckpt_netdev *f)
{
	u8 addr[ETH_ALEN];

	if (is_zero_ether_addr(f->peer_addr))
		return 0;
	memcpy(addr, f->peer_addr, ETH_ALEN);
	addr[0] = 0xfe;
	return nla_put(skb, IFLA_ADDRESS, ETH_ALEN, addr);
}

/* What is said of the other end of a pair where that is outside of the tree */
static int put_outer(struct sk_buff *skb, const struct ckpt_netdev *f,
		     const char *name)
{
	if (nla_put_string(skb, IFLA_IFNAME, name) || put_address(skb, f) ||
	    nla_put_u32(skb, IFLA_MTU, f->peer_mtu) ||
	    nla_put_u32(skb, IFLA_TXQLEN, f->peer_txqlen) ||
	    nla_put_u32(skb, IFLA_NUM_TX_QUEUES, f->peer_tx) ||
	    nla_put_u32(skb, IFLA_NUM_RX_QUEUES, f->peer_rx))
		return -EMSGSIZE;
	return 0;
}

/*
 * What makes the other end of a pair, in the namespace that current is in: see
 * send_from(). It is @peer, or one outside of the tree with the name @outer.
 */
static int put_peer(struct sk_buff *skb, const struct dev *d,
		    const struct dev *peer, const char *outer)
{
	static const u8 attrs[] = {
		IFLA_IFNAME, IFLA_MTU, IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES,
	};
	struct nlattr *data = nla_nest_start(skb, IFLA_INFO_DATA), *nest;
	struct ifinfomsg *ifm;
	int err;

	nest = data ? nla_nest_start(skb, VETH_INFO_PEER) : NULL;
	ifm = nest ? nlmsg_append(skb, sizeof(*ifm)) : NULL;
	if (!ifm)
		return -EMSGSIZE;
	memset(ifm, 0, sizeof(*ifm));
	if (!outer)
		ifm->ifi_index = peer->ifm->ifi_index;
	err = outer ? put_outer(skb, d->fixed, outer) :
		      put_attrs(skb, peer, attrs, ARRAY_SIZE(attrs));
	if (err || nla_put_u32(skb, IFLA_NET_NS_PID, task_pid_vnr(current)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	nla_nest_end(skb, data);
	return 0;
}

/* What it is, without what it only tells of itself */
static int put_data(struct sk_buff *skb, const struct dev *d)
{
	const struct nlattr *from = d->info[IFLA_INFO_DATA], *a;
	struct nlattr *data;
	int left;

	if (!from)
		return 0;
	data = nla_nest_start(skb, IFLA_INFO_DATA);
	if (!data)
		return -EMSGSIZE;
	nla_for_each_nested(a, from, left) {
		if (nla_type(a) < 64 && (A(nla_type(a)) & d->kind->drop))
			continue;
		if (nla_put(skb, a->nla_type, nla_len(a), nla_data(a)))
			return -EMSGSIZE;
	}
	if (d->kind->extra && d->kind->extra(skb, from))
		return -EMSGSIZE;
	nla_nest_end(skb, data);
	return 0;
}

static int put_make(struct sk_buff *skb, const struct dev *d,
		    const char *name, const struct dev *peer, const char *outer)
{
	struct nlattr *info;
	int err;

	err = nla_put_string(skb, IFLA_IFNAME, name);
	if (!err)
		err = put_attrs(skb, d, make_attrs, ARRAY_SIZE(make_attrs));
	if (!err && !d->kind->no_addr)
		err = put_attr(skb, d->tb[IFLA_ADDRESS], IFLA_ADDRESS);
	info = err ? NULL : nla_nest_start(skb, IFLA_LINKINFO);
	if (!info || nla_put_string(skb, IFLA_INFO_KIND, d->kind->name))
		return -EMSGSIZE;
	err = d->kind->pair ? put_peer(skb, d, peer, outer) : put_data(skb, d);
	nla_nest_end(skb, info);
	return err;
}

/*
 * Have a message answered while current is in the namespace @net, which is
 * where it has a peer made. A device that is made elsewhere and moved there
 * costs a barrier and some grace periods.
 */
static int send_from(struct ckpt_nl *nl, struct net *net, struct sk_buff *skb)
{
	struct nsproxy *old = current->nsproxy, *new;
	int err;

	if (net == old->net_ns)
		return ckpt_nl_send(nl, skb);
	new = ckpt_copy_nsproxy();
	if (IS_ERR(new)) {
		nlmsg_free(skb);
		return PTR_ERR(new);
	}
	ckpt_nsproxy_set_net(new, net);
	get_nsproxy(old);
	switch_task_namespaces(current, new);
	err = ckpt_nl_send(nl, skb);
	switch_task_namespaces(current, old);
	return err;
}

/* Make a device, and its peer in @to if it has one; not reported */
static int send_make(struct make *k, const struct dev *d,
		     const struct dev *peer, const char *outer, struct net *to)
{
	struct sk_buff *skb = link_msg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
				       d->ifm->ifi_index, 0, 0);
	int err;

	if (!skb)
		return -ENOMEM;
	err = put_make(skb, d, dev_ifname(d), peer, outer);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	nlmsg_end(skb, nlmsg_hdr(skb));
	return send_from(k->nl, to, skb);
}

/* -------------------------------------------- a peer outside of the tree */

/* How long one of the same name may take that is about to go, in jiffies */
#define OUTSIDE_WAIT	(10 * HZ)

/**
 * struct outer - the other end of a pair, as it is to be
 * @name: its name in the namespace of the caller
 * @bridge: the bridge that it is to be a port of, or an empty string
 */
struct outer {
	const char *name;
	const char *bridge;
};

static struct outer choose_outer(struct ckpt_ctx *ctx, const struct dev *d)
{
	struct outer o = { d->fixed->peer_name, d->fixed->peer_bridge };
	u32 i;

	for (i = 0; i < ctx->veths_nr; i++) {
		if (strcmp(ctx->veths[i].name, dev_ifname(d)))
			continue;
		o.name = ctx->veths[i].outside;
		o.bridge = ctx->veths[i].bridge;
	}
	return o;
}

/*
 * One whose peer is in a namespace that nobody is in any more: sockets of a
 * tree that was killed may hold it for a moment.
 */
static bool about_to_go(struct net *net, const char *name)
{
	struct net_device *dev, *peer;
	bool going;

	rtnl_lock();
	dev = __dev_get_by_name(net, name);
	/* or it went just now */
	going = !dev;
	if (dev && dev->netdev_ops->ndo_get_peer_dev) {
		peer = peer_of(dev);
		going = !peer || !check_net(dev_net(peer)) ||
			ckpt_silence_whole(dev_net(peer));
	}
	rtnl_unlock();
	return going;
}

static void delete_pair(struct net_device *dev)
{
	LIST_HEAD(kill);

	dev->rtnl_link_ops->dellink(dev, &kill);
	unregister_netdevice_many(&kill);
}

/* Note the outer end, to be raised or removed; returns its index. */
static int note_outer(struct make *k, const struct dev *d, struct net *net)
{
	struct ckpt_outside out = { .up = d->fixed->peer_flags };
	struct net_device *dev, *peer = NULL;
	int err = -ENODEV;

	rtnl_lock();
	dev = __dev_get_by_index(k->n->net, d->ifm->ifi_index);
	if (dev)
		peer = peer_of(dev);
	if (peer && dev_net(peer) == net) {
		out.ifindex = peer->ifindex;
		memcpy(out.addr, d->fixed->peer_addr, ETH_ALEN);
		err = ckpt_msgs_add(&k->ctx->nets->outside, &out, sizeof(out));
		/* nobody would remove it */
		if (err)
			delete_pair(dev);
	}
	rtnl_unlock();
	return err ?: out.ifindex;
}

static int join_bridge(struct make *k, const struct dev *d, struct net *net,
		       int ifindex, const char *bridge)
{
	struct net_device *dev;
	struct sk_buff *skb;
	struct ckpt_nl nl;
	int index = 0, err;

	rcu_read_lock();
	dev = dev_get_by_name_rcu(net, bridge);
	if (dev && netif_is_bridge_master(dev))
		index = dev->ifindex;
	rcu_read_unlock();
	if (!index)
		return ckpt_err(k->ctx, -ENOENT, "network device %s: there is no bridge %s here for its outer end: give another one, or none, with --veth",
				dev_ifname(d), bridge);
	skb = link_msg(RTM_NEWLINK, 0, ifindex, 0, 0);
	if (!skb || nla_put_u32(skb, IFLA_MASTER, index)) {
		nlmsg_free(skb);
		return -ENOMEM;
	}
	nlmsg_end(skb, nlmsg_hdr(skb));
	err = ckpt_nl_open(k->ctx, &nl, net, NETLINK_ROUTE);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	err = ckpt_nl_send(&nl, skb);
	if (err)
		ckpt_err(k->ctx, err, "network device %s: its outer end cannot be a port of %s: error %d%s",
			 dev_ifname(d), bridge, err, nl.why);
	ckpt_nl_close(&nl);
	return err;
}

/* What is made from another namespace is made whatever one may do here. */
static int make_outer(struct make *k, const struct dev *d, struct net *net,
		      const char *name)
{
	unsigned long end = jiffies + OUTSIDE_WAIT;
	int err = -EPERM;

	while (ns_capable(net->user_ns, CAP_NET_ADMIN)) {
		err = send_make(k, d, NULL, name, net);
		if (err != -EEXIST || !about_to_go(net, name) ||
		    time_after(jiffies, end) || fatal_signal_pending(current))
			break;
		schedule_timeout_killable(HZ / 50 ?: 1);
	}
	return err;
}

static bool has_name(struct net *net, const char *name)
{
	bool has;

	rcu_read_lock();
	has = dev_get_by_name_rcu(net, name);
	rcu_read_unlock();
	return has;
}

/* A pair with one end in the namespace of the caller, which is down for now */
static int create_outer(struct make *k, const struct dev *d)
{
	struct net *net = k->ctx->caller_ns->net_ns;
	struct outer o = choose_outer(k->ctx, d);
	int ret;

	if (!o.name[0])
		return ckpt_err(k->ctx, -EINVAL, "network device %s: its outer end was in another network namespace than that of the caller: say with --veth what it is to be called",
				dev_ifname(d));
	if (!name_ok(o.name))
		return ckpt_err(k->ctx, -EINVAL, "network device %s: '%s' is no name for its outer end",
				dev_ifname(d), o.name);
	if (has_name(k->n->net, dev_ifname(d)))
		return failed(k, d, -EEXIST, "made");
	ret = make_outer(k, d, net, o.name);
	if (ret)
		return ckpt_err(k->ctx, ret, "network device %s: its outer end cannot be made as %s: error %d%s",
				dev_ifname(d), o.name, ret, k->nl->why);
	ret = note_outer(k, d, net);
	if (ret < 0)
		return failed(k, d, ret, "made");
	return o.bridge[0] ? join_bridge(k, d, net, ret, o.bridge) : 0;
}

/*
 * What follows from that others are up: a carrier, which goes up from the
 * device to what is made on it. Without it a packet is lost.
 */
static void settle(struct net *net)
{
	struct net_device *dev;
	int level;

	for (level = 0; level <= MAX_NEST_DEV; level++)
		for_each_netdev(net, dev)
			linkwatch_sync_dev(dev);
}

/* Whoever refuses it, as a bridge may, leaves the one that it has. */
static void set_address(struct net_device *dev, const u8 *addr)
{
	struct sockaddr sa = { .sa_family = dev->type };

	if (is_zero_ether_addr(addr))
		return;
	memcpy(sa.sa_data, addr, ETH_ALEN);
	dev_set_mac_address(dev, &sa, NULL);
}

static void raise_outer(struct net_device *dev)
{
	struct net_device *bridge;

	dev_change_flags(dev, dev->flags | IFF_UP, NULL);
	linkwatch_sync_dev(dev);
	bridge = netdev_master_upper_dev_get(dev);
	if (bridge)
		linkwatch_sync_dev(bridge);
}

/*
 * Bridges and switches have seen the addresses of the tree elsewhere, and would
 * send nothing here until they see them again.
 */
static void announce(struct net_device *lower)
{
	struct net_device *dev;

	for_each_netdev(dev_net(lower), dev)
		if ((dev == lower || netdev_has_upper_dev(lower, dev)) &&
		    netif_running(dev) && netif_carrier_ok(dev))
			__netdev_notify_peers(dev);
}

/**
 * ckpt_netdevs_commit - the tree is about to run: let others reach it
 * @ctx: the context
 *
 * Context: the caller of restart, may sleep.
 */
void ckpt_netdevs_commit(struct ckpt_ctx *ctx)
{
	const struct ckpt_msgs *m = &ctx->nets->outside;
	const struct ckpt_outside *o = m->data, *end = m->data + m->len;
	struct net_device *dev, *peer;
	u32 i;

	if (!m->len)
		return;
	rtnl_lock();
	for (; o < end; o++) {
		dev = __dev_get_by_index(ctx->caller_ns->net_ns, o->ifindex);
		/* another one may have got its index */
		if (!dev || !peer_of(dev))
			continue;
		set_address(dev, o->addr);
		if (o->up)
			raise_outer(dev);
		cond_resched();
	}
	/* each namespace once, and not once for each of its devices */
	for (i = 0; i < ctx->nets->nr; i++)
		settle(ctx->nets->net[i].net);
	for (o = m->data; o < end; o++) {
		dev = __dev_get_by_index(ctx->caller_ns->net_ns, o->ifindex);
		peer = dev && o->up ? peer_of(dev) : NULL;
		if (peer)
			announce(peer);
		cond_resched();
	}
	rtnl_unlock();
}

/**
 * ckpt_netdevs_undo - remove what was made outside of the tree
 * @ctx: the context of a restart that failed
 *
 * Context: process context, may sleep.
 */
void ckpt_netdevs_undo(struct ckpt_ctx *ctx)
{
	const struct ckpt_msgs *m = &ctx->nets->outside;
	const struct ckpt_outside *o = m->data, *end = m->data + m->len;
	struct net_device *dev;

	if (!m->len)
		return;
	rtnl_lock();
	for (; o < end; o++) {
		dev = __dev_get_by_index(ctx->caller_ns->net_ns, o->ifindex);
		if (dev && dev->netdev_ops->ndo_get_peer_dev)
			delete_pair(dev);
	}
	rtnl_unlock();
}

/* Where what a device is made on is; NULL if the image has no such namespace. */
static struct ckpt_net *lower_net(struct make *k, const struct dev *d)
{
	struct ckpt_nets *nets = k->ctx->nets;
	u32 net = d->fixed->peer_net;

	if (d->fixed->flags != CKPT_NETDEV_LINK)
		return k->n;
	return net <= nets->nr ? &nets->net[net - 1] : NULL;
}

/* To where it belongs, with its index and its name */
static int move_apart(struct net *from, const struct dev *d, struct net *to)
{
	struct net_device *dev;
	int err = -ENODEV;

	rtnl_lock();
	dev = __dev_get_by_index(from, APART_INDEX);
	if (dev)
		err = __dev_change_net_namespace(dev, to, dev_ifname(d),
						 d->ifm->ifi_index, NULL);
	if (!err)
		err = dev_change_name(dev, dev_ifname(d));
	rtnl_unlock();
	return err;
}

/* Made beside what it is made on, and moved, as somebody did it before */
static int create_apart(struct make *k, const struct dev *d,
			struct ckpt_net *lower)
{
	struct make there = { .ctx = k->ctx, .n = lower };
	struct sk_buff *skb;
	struct ckpt_nl nl;
	int err;

	skb = link_msg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, APART_INDEX, 0,
		       0);
	if (!skb)
		return -ENOMEM;
	err = put_make(skb, d, APART_NAME, NULL, NULL);
	if (err) {
		nlmsg_free(skb);
		return failed(k, d, err, "made");
	}
	nlmsg_end(skb, nlmsg_hdr(skb));
	err = ckpt_nl_open(k->ctx, &nl, lower->net, NETLINK_ROUTE);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	there.nl = &nl;
	err = ckpt_nl_send(&nl, skb);
	if (!err)
		err = move_apart(lower->net, d, k->n->net);
	if (err)
		failed(&there, d, err, "made");
	ckpt_nl_close(&nl);
	return err;
}

/* Before anything is made on it, which takes no more than it has */
static int set_mtu(struct make *k, const struct dev *d)
{
	struct sk_buff *skb = link_msg(RTM_NEWLINK, 0, d->ifm->ifi_index, 0, 0);
	int err = skb ? put_attr(skb, d->tb[IFLA_MTU], IFLA_MTU) : 0;

	return send(k, d, skb, err, "made");
}

static int create_dev(struct make *k, struct dev *d, struct dev *peer)
{
	struct ckpt_nets *nets = k->ctx->nets;
	struct net *to = k->n->net;
	int err;

	if (d->kind->make) {
		err = d->kind->make(k->ctx, k->n, dev_ifname(d),
				    d->ifm->ifi_index);
		return err ?: set_mtu(k, d);
	}
	if (lower_net(k, d) != k->n)
		return create_apart(k, d, lower_net(k, d));
	if (d->kind->pair && !d->fixed->peer_net)
		return create_outer(k, d);
	if (d->kind->pair) {
		if (!get_peer(k, d, peer))
			return ckpt_err(k->ctx, -EINVAL, "image: network device %s: its peer does not have it for one",
					dev_ifname(d));
		to = nets->net[d->fixed->peer_net - 1].net;
	}
	err = send_make(k, d, peer, NULL, to);
	return err ? failed(k, d, err, "made") : 0;
}

/* Is it there already, as a peer, or since every namespace has one? */
static int is_there(struct make *k, const struct dev *d)
{
	struct net_device *dev;
	bool same = false;
	int err = 0;

	rtnl_lock();
	dev = __dev_get_by_index(k->n->net, d->ifm->ifi_index);
	if (dev && !d->kind)
		same = dev == k->n->net->loopback_dev;
	else if (dev && dev->rtnl_link_ops)
		same = !strcmp(dev->rtnl_link_ops->kind, d->kind->name);
	/* its sysctls have its name */
	if (same)
		err = dev_change_name(dev, dev_ifname(d));
	rtnl_unlock();
	if (err)
		return failed(k, d, err, "given its name");
	if (dev && !same)
		return ckpt_err(k->ctx, -EEXIST, "network device %s: its index %d is that of another one here, which a new network namespace has by itself",
				dev_ifname(d), d->ifm->ifi_index);
	return same;
}

/* What it is made on has to be there first. */
static bool must_wait(const struct dev *d, const struct ckpt_net *lower)
{
	struct net_device *dev;

	if (!d->tb[IFLA_LINK] || d->kind->pair || d->kind->no_link)
		return false;
	rcu_read_lock();
	dev = dev_get_by_index_rcu(lower->net, nla_get_u32(d->tb[IFLA_LINK]));
	rcu_read_unlock();
	return !dev && nla_get_u32(d->tb[IFLA_LINK]);
}

static int make_dev(struct dev *d, void *arg)
{
	struct make *k = arg;
	struct dev *peer;
	int ret = is_there(k, d);

	if (ret)
		return ret < 0 ? ret : 0;
	if (!d->kind)
		return ckpt_err(k->ctx, -EINVAL, "image: network device %s: not of any kind",
				dev_ifname(d));
	if (!lower_net(k, d) ||
	    (d->fixed->flags == CKPT_NETDEV_LINK && lower_net(k, d) == k->n))
		return ckpt_err(k->ctx, -EINVAL, "image: network device %s: made on one of no other network namespace",
				dev_ifname(d));
	if (must_wait(d, lower_net(k, d))) {
		k->left++;
		strscpy(k->waits, dev_ifname(d));
		return 0;
	}
	peer = kmalloc(sizeof(*peer), GFP_KERNEL);
	if (!peer)
		return -ENOMEM;
	ret = create_dev(k, d, peer);
	kfree(peer);
	k->done++;
	return ret;
}

static int one_round(struct make *k, struct ckpt_net *n,
		     int (*fn)(struct dev *d, void *arg))
{
	struct ckpt_nl nl;
	int err;

	err = ckpt_nl_open(k->ctx, &nl, n->net, NETLINK_ROUTE);
	if (err)
		return err;
	k->n = n;
	k->nl = &nl;
	err = walk_devs(n, fn, k);
	ckpt_nl_close(&nl);
	return err;
}

/*
 * Round by round through all namespaces, until nothing is left, or nothing can
 * be done any more
 */
static int in_rounds(struct ckpt_ctx *ctx, int (*fn)(struct dev *d, void *arg),
		     const char *what)
{
	struct ckpt_nets *nets = ctx->nets;
	struct make k = { .ctx = ctx };
	int err = 0;
	u32 i;

	do {
		k.done = 0;
		k.left = 0;
		for (i = 0; i < nets->nr && !err; i++)
			err = one_round(&k, &nets->net[i], fn);
	} while (!err && k.left && k.done);
	if (!err && k.left)
		err = ckpt_err(ctx, -EINVAL, "network device %s: cannot be %s: what it is made on is not there",
			       k.waits, what);
	return err;
}

/* A new namespace may have devices that the old one did not have. */
static int check_others(struct ckpt_ctx *ctx, struct ckpt_net *n)
{
	struct net_device *dev;
	int err = 0;

	rtnl_lock();
	for_each_netdev(n->net, dev) {
		if (!has_index(n, dev->ifindex))
			err = ckpt_err(ctx, -EINVAL, "network device %s: every new network namespace has one here, and the one of the image has not: see net.core.fb_tunnels_only_for_init_net",
				       dev->name);
		if (err)
			break;
	}
	rtnl_unlock();
	return err;
}

/**
 * ckpt_netdevs_make - make the devices of all namespaces of the image
 * @ctx: the context
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_netdevs_make(struct ckpt_ctx *ctx)
{
	struct ckpt_nets *nets = ctx->nets;
	int err = 0;
	u32 i;

	for (i = 0; i < nets->nr && !err; i++) {
		err = walk_devs(&nets->net[i], index_dev, &nets->net[i]);
		if (err == -EBUSY)
			err = ckpt_err(ctx, -EINVAL, "image: network namespace %u: two devices of one index",
				       i);
	}
	if (!err)
		err = in_rounds(ctx, make_dev, "made");
	for (i = 0; i < nets->nr && !err; i++)
		err = check_others(ctx, &nets->net[i]);
	return err;
}

/* ----------------------------------------------------------------- set */

/* What can be changed in any device */
static const u8 set_attrs[] = {
	IFLA_IFNAME, IFLA_TXQLEN, IFLA_LINKMODE, IFLA_GROUP, IFLA_IFALIAS,
	IFLA_GSO_MAX_SEGS, IFLA_GSO_MAX_SIZE, IFLA_GRO_MAX_SIZE,
	IFLA_GSO_IPV4_MAX_SIZE, IFLA_GRO_IPV4_MAX_SIZE, IFLA_MTU,
};

/* How IPv6 is to make an address of the device's own; -1: it is not there */
static int gen_mode(const struct dev *d)
{
	const struct nlattr *af = d->tb[IFLA_AF_SPEC], *a;
	int left;

	if (!af)
		return -1;
	a = nla_find_nested(af, AF_INET6);
	a = a ? nla_find_nested(a, IFLA_INET6_ADDR_GEN_MODE) : NULL;
	left = a ? nla_len(a) : 0;
	return left == 1 ? nla_get_u8(a) : -1;
}

static int put_gen_mode(struct sk_buff *skb, u8 mode,
			const struct nlattr *token)
{
	struct nlattr *af = nla_nest_start(skb, IFLA_AF_SPEC), *in6;

	in6 = af ? nla_nest_start(skb, AF_INET6) : NULL;
	if (!in6 || nla_put_u8(skb, IFLA_INET6_ADDR_GEN_MODE, mode) ||
	    put_attr(skb, token, IFLA_INET6_TOKEN))
		return -EMSGSIZE;
	nla_nest_end(skb, in6);
	nla_nest_end(skb, af);
	return 0;
}

/* Of its own address or its broadcast address: is it not the device's yet? */
static bool other_addr(struct make *k, const struct dev *d, int type)
{
	const struct nlattr *a = d->tb[type];
	struct net_device *dev;
	bool other = false;

	if (!a)
		return false;
	rcu_read_lock();
	dev = dev_get_by_index_rcu(k->n->net, d->ifm->ifi_index);
	if (dev)
		other = nla_len(a) != dev->addr_len ||
			memcmp(nla_data(a), type == IFLA_ADDRESS ?
			       dev->dev_addr : dev->broadcast, dev->addr_len);
	rcu_read_unlock();
	return other;
}

static int set_dev(struct dev *d, void *arg)
{
	struct make *k = arg;
	struct sk_buff *skb;
	int err;

	skb = link_msg(RTM_NEWLINK, 0, d->ifm->ifi_index,
		       d->ifm->ifi_flags & DEV_FLAGS, DEV_FLAGS);
	if (!skb)
		return -ENOMEM;
	err = put_attrs(skb, d, set_attrs, ARRAY_SIZE(set_attrs));
	if (!err && d->kind && !d->kind->no_addr &&
	    other_addr(k, d, IFLA_ADDRESS))
		err = put_attr(skb, d->tb[IFLA_ADDRESS], IFLA_ADDRESS);
	if (!err && other_addr(k, d, IFLA_BROADCAST))
		err = put_attr(skb, d->tb[IFLA_BROADCAST], IFLA_BROADCAST);
	/* until it has the addresses that it had */
	if (!err && gen_mode(d) >= 0)
		err = put_gen_mode(skb, IN6_ADDR_GEN_MODE_NONE, NULL);
	err = send(k, d, skb, err, "set up as it was");
	if (err || !d->tb[IFLA_PROP_LIST])
		return err;
	skb = link_msg(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND,
		       d->ifm->ifi_index, 0, 0);
	err = skb ? put_attr(skb, d->tb[IFLA_PROP_LIST],
			     IFLA_PROP_LIST | NLA_F_NESTED) : 0;
	return send(k, d, skb, err, "given its other names");
}

/* What a port of a bridge takes of what it tells */
#define PORT_KEEP	(A(IFLA_BRPORT_PRIORITY) | A(IFLA_BRPORT_COST) |	\
			 A(IFLA_BRPORT_MODE) | A(IFLA_BRPORT_GUARD) |		\
			 A(IFLA_BRPORT_PROTECT) | A(IFLA_BRPORT_FAST_LEAVE) |	\
			 A(IFLA_BRPORT_LEARNING) |				\
			 A(IFLA_BRPORT_UNICAST_FLOOD) |				\
			 A(IFLA_BRPORT_PROXYARP) |				\
			 A(IFLA_BRPORT_PROXYARP_WIFI) |				\
			 A(IFLA_BRPORT_MULTICAST_ROUTER) |			\
			 A(IFLA_BRPORT_MCAST_FLOOD) |				\
			 A(IFLA_BRPORT_MCAST_TO_UCAST) |			\
			 A(IFLA_BRPORT_VLAN_TUNNEL) |				\
			 A(IFLA_BRPORT_BCAST_FLOOD) |				\
			 A(IFLA_BRPORT_GROUP_FWD_MASK) |			\
			 A(IFLA_BRPORT_NEIGH_SUPPRESS) |			\
			 A(IFLA_BRPORT_ISOLATED) |				\
			 A(IFLA_BRPORT_BACKUP_PORT) |				\
			 A(IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT) |			\
			 A(IFLA_BRPORT_LOCKED) | A(IFLA_BRPORT_MAB) |		\
			 A(IFLA_BRPORT_MCAST_MAX_GROUPS) |			\
			 A(IFLA_BRPORT_NEIGH_VLAN_SUPPRESS) |			\
			 A(IFLA_BRPORT_BACKUP_NHID))

/* What @d tells of itself as a port of a bridge, or NULL: it is none */
static const struct nlattr *port_of(const struct dev *d)
{
	const struct nlattr *kind = d->info[IFLA_INFO_SLAVE_KIND];

	if (!d->tb[IFLA_MASTER] || !kind || strcmp(nla_data(kind), "bridge"))
		return NULL;
	return d->info[IFLA_INFO_SLAVE_DATA];
}

static int put_port(struct sk_buff *skb, const struct dev *d)
{
	const struct nlattr *from = d->info[IFLA_INFO_SLAVE_DATA], *a;
	struct nlattr *info = nla_nest_start(skb, IFLA_LINKINFO), *data;
	int left;

	if (!info || put_attr(skb, d->info[IFLA_INFO_SLAVE_KIND],
			      IFLA_INFO_SLAVE_KIND))
		return -EMSGSIZE;
	data = nla_nest_start(skb, IFLA_INFO_SLAVE_DATA);
	if (!data)
		return -EMSGSIZE;
	nla_for_each_nested(a, from, left)
		if (nla_type(a) < 64 && (A(nla_type(a)) & PORT_KEEP) &&
		    nla_put(skb, nla_type(a), nla_len(a), nla_data(a)))
			return -EMSGSIZE;
	nla_nest_end(skb, data);
	nla_nest_end(skb, info);
	return 0;
}

/* When all ports are there: one may be the backup of another. */
static int set_port(struct dev *d, void *arg)
{
	struct make *k = arg;
	struct sk_buff *skb;

	if (!port_of(d))
		return 0;
	skb = link_msg(RTM_NEWLINK, 0, d->ifm->ifi_index, 0, 0);
	return send(k, d, skb, skb ? put_port(skb, d) : 0,
		    "made a port as it was");
}

static int set_master(struct dev *d, void *arg)
{
	struct make *k = arg;
	struct sk_buff *skb;
	int err;

	if (!d->tb[IFLA_MASTER])
		return 0;
	skb = link_msg(RTM_NEWLINK, 0, d->ifm->ifi_index, 0, 0);
	err = skb ? put_attr(skb, d->tb[IFLA_MASTER], IFLA_MASTER) : 0;
	return send(k, d, skb, err, "given to its master");
}

/**
 * ckpt_netdevs_set - make the devices of a namespace what they were, but down
 * @ctx: the context
 * @n: the namespace
 * @nl: a socket in it
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_netdevs_set(struct ckpt_ctx *ctx, struct ckpt_net *n,
		     struct ckpt_nl *nl)
{
	struct make k = { .ctx = ctx, .n = n, .nl = nl };
	int err;

	err = walk_devs(n, set_master, &k);
	if (!err)
		err = walk_devs(n, set_port, &k);
	return err ?: walk_devs(n, set_dev, &k);
}

static bool is_up(struct make *k, const struct dev *d)
{
	struct net_device *dev;
	bool up;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(k->n->net, d->ifm->ifi_index);
	up = dev && (dev->flags & IFF_UP);
	rcu_read_unlock();
	return up;
}

static int raise_dev(struct dev *d, void *arg)
{
	struct make *k = arg;
	struct sk_buff *skb;
	int err;

	if (!(d->ifm->ifi_flags & IFF_UP) || is_up(k, d))
		return 0;
	skb = link_msg(RTM_NEWLINK, 0, d->ifm->ifi_index, IFF_UP, IFF_UP);
	if (!skb)
		return -ENOMEM;
	nlmsg_end(skb, nlmsg_hdr(skb));
	err = ckpt_nl_send(k->nl, skb);
	/* what it is made on has to be up first */
	if (err == -ENETDOWN) {
		k->left++;
		strscpy(k->waits, dev_ifname(d));
		return 0;
	}
	k->done++;
	return err ? failed(k, d, err, "raised") : 0;
}

/* A VLAN is raised with what it is made on, whether it was up or not. */
static int lower_dev(struct dev *d, void *arg)
{
	struct make *k = arg;
	struct sk_buff *skb;

	if ((d->ifm->ifi_flags & IFF_UP) || !is_up(k, d))
		return 0;
	skb = link_msg(RTM_NEWLINK, 0, d->ifm->ifi_index, 0, IFF_UP);
	return send(k, d, skb, 0, "lowered");
}

/**
 * ckpt_netdevs_raise - raise the devices of all namespaces that were up
 * @ctx: the context
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_netdevs_raise(struct ckpt_ctx *ctx)
{
	struct ckpt_nets *nets = ctx->nets;
	int err;
	u32 i;

	err = in_rounds(ctx, raise_dev, "raised");
	if (!err)
		err = in_rounds(ctx, lower_dev, "lowered");
	/* what is made on one may be in a namespace that comes before it */
	rtnl_lock();
	for (i = 0; i < nets->nr && !err; i++)
		settle(nets->net[i].net);
	rtnl_unlock();
	return err;
}

static int finish_dev(struct dev *d, void *arg)
{
	const struct nlattr *token = NULL;
	struct make *k = arg;
	struct sk_buff *skb;
	int err, mode = gen_mode(d);

	if (d->tb[IFLA_CARRIER] && d->kind && d->kind->carrier) {
		skb = link_msg(RTM_NEWLINK, 0, d->ifm->ifi_index, 0, 0);
		err = skb ? put_attr(skb, d->tb[IFLA_CARRIER],
				     IFLA_CARRIER) : 0;
		err = send(k, d, skb, err, "left without a carrier");
		if (err)
			return err;
	}
	if (d->tb[IFLA_PROTO_DOWN]) {
		skb = link_msg(RTM_NEWLINK, 0, d->ifm->ifi_index, 0, 0);
		err = skb ? put_attr(skb, d->tb[IFLA_PROTO_DOWN],
				     IFLA_PROTO_DOWN) : 0;
		err = send(k, d, skb, err, "kept without a carrier");
		if (err)
			return err;
	}
	if (mode < 0)
		return 0;
	token = nla_find_nested(nla_find_nested(d->tb[IFLA_AF_SPEC], AF_INET6),
				IFLA_INET6_TOKEN);
	if (token && !memchr_inv(nla_data(token), 0, nla_len(token)))
		token = NULL;
	skb = link_msg(RTM_NEWLINK, 0, d->ifm->ifi_index, 0, 0);
	err = skb ? put_gen_mode(skb, mode, token) : 0;
	return send(k, d, skb, err, "told how it makes its IPv6 address");
}

/* Was a port in a state that it was told, without the protocol? */
static bool told_state(struct make *k, const struct dev *d, struct dev *br)
{
	const struct nlattr *data, *stp;

	if (!port_of(d) ||
	    !load_dev(k->n, nla_get_u32(d->tb[IFLA_MASTER]), br) ||
	    !(br->ifm->ifi_flags & IFF_UP))
		return false;
	data = br->info[IFLA_INFO_DATA];
	stp = data ? nla_find_nested(data, IFLA_BR_STP_STATE) : NULL;
	if (stp && nla_len(stp) == sizeof(u32) && nla_get_u32(stp))
		return false;
	return state_by_hand(d->ifm->ifi_flags, port_of(d), false);
}

/*
 * As bridge(8) does: whatever else changes a device has it checked whether it
 * has a carrier, and a port that has one is not disabled then.
 */
static struct sk_buff *state_msg(const struct dev *d)
{
	struct sk_buff *skb = link_msg(RTM_SETLINK, 0, d->ifm->ifi_index, 0, 0);
	struct ifinfomsg *ifm;
	struct nlattr *nest;

	if (!skb)
		return NULL;
	ifm = nlmsg_data(nlmsg_hdr(skb));
	ifm->ifi_family = PF_BRIDGE;
	/* there is room */
	nest = nla_nest_start(skb, IFLA_PROTINFO);
	nla_put_u8(skb, IFLA_BRPORT_STATE, port_state(port_of(d)));
	nla_nest_end(skb, nest);
	return skb;
}

/* A port is told its state when it is up: then it comes into one by itself. */
static int set_state(struct dev *d, void *arg)
{
	struct dev *br = kmalloc(sizeof(*br), GFP_KERNEL);
	struct make *k = arg;
	bool told;

	if (!br)
		return -ENOMEM;
	told = told_state(k, d, br);
	kfree(br);
	if (!told)
		return 0;
	return send(k, d, state_msg(d), 0,
		    "made a port in the state that it had");
}

/**
 * ckpt_netdevs_finish - what waits until devices are up and have addresses
 * @ctx: the context
 * @n: the namespace
 * @nl: a socket in it
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_netdevs_finish(struct ckpt_ctx *ctx, struct ckpt_net *n,
			struct ckpt_nl *nl)
{
	struct make k = { .ctx = ctx, .n = n, .nl = nl };

	rtnl_lock();
	settle(n->net);
	rtnl_unlock();
	return walk_devs(n, finish_dev, &k) ?: walk_devs(n, set_state, &k);
}
