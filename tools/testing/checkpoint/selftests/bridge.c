// SPDX-License-Identifier: GPL-2.0
/* Bridges with VLANs, multicast groups, and ports that are told many things. */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One that looks at VLANs: ports get VLAN 7 by themselves. */
static int make_bridge(const char *name, uint32_t options)
{
	struct br_boolopt_multi opt = { .optval = options, .optmask = options };
	struct rtattr *info, *data;
	struct net_msg m;

	net_link(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	net_put_str(&m, IFLA_IFNAME, name);
	/* that of no port: a table has one entry for an address in a VLAN */
	net_put(&m, IFLA_ADDRESS, "\2\0\0\0\0\x99", 6);
	info = net_nest(&m, IFLA_LINKINFO);
	net_put_str(&m, IFLA_INFO_KIND, "bridge");
	data = net_nest(&m, IFLA_INFO_DATA);
	net_put_u8(&m, IFLA_BR_VLAN_FILTERING, 1);
	net_put_u16(&m, IFLA_BR_VLAN_DEFAULT_PVID, 7);
	net_put_u8(&m, IFLA_BR_VLAN_STATS_ENABLED, 1);
	net_put_u32(&m, IFLA_BR_AGEING_TIME, 12345);
	net_put_u32(&m, IFLA_BR_FDB_MAX_LEARNED, 99);
	net_put_u8(&m, IFLA_BR_MCAST_IGMP_VERSION, 2);
	net_put(&m, IFLA_BR_MULTI_BOOLOPT, &opt, sizeof(opt));
	net_nest_end(&m, data);
	net_nest_end(&m, info);
	return net_talk(&m);
}

/* VLANs @from to @to of a bridge or of one of its ports */
static int vlans(int type, const char *dev, int from, int to, int flags,
		 int state, uint32_t tunnel)
{
	struct br_vlan_msg bvm = {
		.family = AF_BRIDGE, .ifindex = if_nametoindex(dev),
	};
	struct bridge_vlan_info info = { .vid = from, .flags = flags };
	struct rtattr *entry, *nest;
	struct net_msg m;

	net_begin(&m, type, 0, &bvm, sizeof(bvm));
	entry = net_nest(&m, BRIDGE_VLANDB_ENTRY);
	net_put(&m, BRIDGE_VLANDB_ENTRY_INFO, &info, sizeof(info));
	if (to > from)
		net_put_u16(&m, BRIDGE_VLANDB_ENTRY_RANGE, to);
	if (state >= 0)
		net_put_u8(&m, BRIDGE_VLANDB_ENTRY_STATE, state);
	if (tunnel) {
		nest = net_nest(&m, BRIDGE_VLANDB_ENTRY_TUNNEL_INFO);
		net_put_u32(&m, BRIDGE_VLANDB_TINFO_ID, tunnel);
		net_put_u32(&m, BRIDGE_VLANDB_TINFO_CMD, RTM_SETLINK);
		net_nest_end(&m, nest);
	}
	net_nest_end(&m, entry);
	return net_talk(&m);
}

/* What a port is told: numbers of options, each of them 1 */
static int port(const char *dev, const int *options, int nr, const char *backup)
{
	struct rtattr *info, *data;
	struct net_msg m;
	int i;

	net_link(&m, RTM_NEWLINK, 0, if_nametoindex(dev));
	info = net_nest(&m, IFLA_LINKINFO);
	net_put_str(&m, IFLA_INFO_SLAVE_KIND, "bridge");
	data = net_nest(&m, IFLA_INFO_SLAVE_DATA);
	for (i = 0; i < nr; i++)
		net_put_u8(&m, options[i], 1);
	if (nr) {
		net_put_u8(&m, IFLA_BRPORT_LEARNING, 0);
		net_put_u8(&m, IFLA_BRPORT_UNICAST_FLOOD, 0);
		net_put_u16(&m, IFLA_BRPORT_PRIORITY, 5);
		net_put_u32(&m, IFLA_BRPORT_COST, 77);
	}
	if (backup)
		net_put_u32(&m, IFLA_BRPORT_BACKUP_PORT,
			    if_nametoindex(backup));
	net_nest_end(&m, data);
	net_nest_end(&m, info);
	return net_talk(&m);
}

static int entry(const char *dev, const char *mac, int vid)
{
	struct ndmsg ndm = {
		.ndm_family = AF_BRIDGE, .ndm_ifindex = if_nametoindex(dev),
		.ndm_state = NUD_NOARP, .ndm_flags = NTF_MASTER,
	};
	struct net_msg m;

	net_begin(&m, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, &ndm,
		  sizeof(ndm));
	net_put(&m, NDA_LLADDR, mac, 6);
	if (vid)
		net_put_u16(&m, NDA_VLAN, vid);
	return net_talk(&m);
}

static void quiet(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
	ckpt_write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	REQUIRE(!net_up("lo", true));
}

static void bridge_with_ports(void)
{
	quiet();
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_make("dm1", "dummy", 0));
	if (make_bridge("br0", 0))
		ckpt_skip("no VLAN filtering");
	REQUIRE(!net_master("dm0", "br0") && !net_master("dm1", "br0"));
}

static void raise_all(void)
{
	REQUIRE(!net_up("br0", true) && !net_up("dm0", true) &&
		!net_up("dm1", true));
	CKPT_WAIT_FOR(net_running("br0") && net_running("dm0") &&
		      net_running("dm1"));
}

CKPT_TEST(vlan_tables)
{
	static const int tunnel[] = { IFLA_BRPORT_VLAN_TUNNEL };
	char *was;

	bridge_with_ports();
	REQUIRE(!port("dm1", tunnel, 1, NULL));
	/* without the one that it got by itself, and one that has another */
	REQUIRE(!vlans(RTM_DELVLAN, "dm0", 7, 7, 0, -1, 0));
	REQUIRE(!vlans(RTM_NEWVLAN, "dm0", 20, 40, 0, -1, 0));
	REQUIRE(!vlans(RTM_NEWVLAN, "dm0", 30, 30, 0, BR_STATE_BLOCKING, 0));
	REQUIRE(!vlans(RTM_NEWVLAN, "dm1", 10, 10, BRIDGE_VLAN_INFO_PVID |
		       BRIDGE_VLAN_INFO_UNTAGGED, -1, 0));
	REQUIRE(!vlans(RTM_NEWVLAN, "dm1", 4000, 4094, 0, -1, 0));
	REQUIRE(!vlans(RTM_NEWVLAN, "dm1", 50, 53, 0, -1, 1000));
	REQUIRE(!vlans(RTM_NEWVLAN, "br0", 20, 22, BRIDGE_VLAN_INFO_UNTAGGED,
		       -1, 0));
	raise_all();
	REQUIRE(!entry("dm0", "\2\0\0\0\0\7", 20));
	REQUIRE(!entry("dm1", "\2\0\0\0\0\7", 10));
	was = net_look();
	ckpt_ready();
	net_same(was);
}

/* What the bridge is to do with all of a VLAN */
static int global(int from, int to)
{
	struct br_vlan_msg bvm = {
		.family = AF_BRIDGE, .ifindex = if_nametoindex("br0"),
	};
	uint64_t interval = 7700;
	struct rtattr *options;
	struct net_msg m;

	net_begin(&m, RTM_NEWVLAN, 0, &bvm, sizeof(bvm));
	options = net_nest(&m, BRIDGE_VLANDB_GLOBAL_OPTIONS);
	net_put_u16(&m, BRIDGE_VLANDB_GOPTS_ID, from);
	if (to > from)
		net_put_u16(&m, BRIDGE_VLANDB_GOPTS_RANGE, to);
	net_put_u8(&m, BRIDGE_VLANDB_GOPTS_MCAST_SNOOPING, 0);
	net_put_u8(&m, BRIDGE_VLANDB_GOPTS_MCAST_IGMP_VERSION, 3);
	net_put_u8(&m, BRIDGE_VLANDB_GOPTS_MCAST_QUERIER, 1);
	net_put_u32(&m, BRIDGE_VLANDB_GOPTS_MCAST_LAST_MEMBER_CNT, 9);
	net_put_u32(&m, BRIDGE_VLANDB_GOPTS_MCAST_STARTUP_QUERY_CNT, 11);
	net_put(&m, BRIDGE_VLANDB_GOPTS_MCAST_QUERY_INTVL, &interval,
		sizeof(interval));
	net_put(&m, BRIDGE_VLANDB_GOPTS_MCAST_MEMBERSHIP_INTVL, &interval,
		sizeof(interval));
	net_nest_end(&m, options);
	return net_talk(&m);
}

/* What the kernel answers to a dump, which fits into one message of @type */
static size_t list(struct net_msg *m, int type, char *buf, size_t size)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct nlmsghdr *nlh = (void *)buf;
	size_t len;

	REQUIRE(fd >= 0);
	REQUIRE(send(fd, m, m->nlh.nlmsg_len, 0) > 0);
	memset(buf, 0, size);
	REQUIRE(recv(fd, buf, size, 0) > 0);
	REQUIRE(nlh->nlmsg_type == type);
	len = nlh->nlmsg_len;
	/* its sequence number and port */
	memset(buf, 0, sizeof(*nlh));
	close(fd);
	return len;
}

/* All that is told of that */
static size_t list_globals(char *buf, size_t size)
{
	struct br_vlan_msg bvm = { .family = AF_BRIDGE };
	struct net_msg m;

	net_begin(&m, RTM_GETVLAN, NLM_F_DUMP, &bvm, sizeof(bvm));
	net_put_u32(&m, BRIDGE_VLANDB_DUMP_FLAGS, BRIDGE_VLANDB_DUMPF_GLOBAL);
	return list(&m, RTM_NEWVLAN, buf, size);
}

CKPT_TEST(global_options)
{
	static char was[8192], is[8192];
	size_t len;

	bridge_with_ports();
	REQUIRE(!vlans(RTM_NEWVLAN, "dm0", 20, 40, 0, -1, 0));
	REQUIRE(!vlans(RTM_NEWVLAN, "br0", 20, 22, 0, -1, 0));
	if (global(21, 25))
		ckpt_skip("no global options");
	REQUIRE(!global(7, 7));
	raise_all();
	len = list_globals(was, sizeof(was));
	ckpt_ready();
	CHECK_EQ(list_globals(is, sizeof(is)), len);
	CHECK(!memcmp(was, is, len));
}

CKPT_TEST(port_options)
{
	static const int options[] = {
		IFLA_BRPORT_MODE, IFLA_BRPORT_GUARD, IFLA_BRPORT_PROTECT,
		IFLA_BRPORT_FAST_LEAVE, IFLA_BRPORT_PROXYARP,
		IFLA_BRPORT_MCAST_TO_UCAST, IFLA_BRPORT_NEIGH_SUPPRESS,
		IFLA_BRPORT_ISOLATED,
	};
	char *was;

	bridge_with_ports();
	REQUIRE(!port("dm0", options, ARRAY_SIZE(options), "dm1"));
	raise_all();
	was = net_look();
	ckpt_ready();
	net_same(was);
}

/* As bridge(8) does: to the port, which is not looked at again then */
static int port_state(const char *dev, int state)
{
	struct ifinfomsg ifm = {
		.ifi_family = AF_BRIDGE, .ifi_index = if_nametoindex(dev),
	};
	struct rtattr *info;
	struct net_msg m;

	net_begin(&m, RTM_SETLINK, 0, &ifm, sizeof(ifm));
	info = net_nest(&m, IFLA_PROTINFO | NLA_F_NESTED);
	net_put_u8(&m, IFLA_BRPORT_STATE, state);
	net_nest_end(&m, info);
	return net_talk(&m);
}

/* One that is disabled, and one that is left alone */
CKPT_TEST(port_states)
{
	char *was;

	bridge_with_ports();
	raise_all();
	REQUIRE(!port_state("dm0", BR_STATE_DISABLED));
	was = net_look();
	ckpt_ready();
	net_same(was);
}

/* A bridge that is down has disabled its ports, and they come back with it. */
CKPT_TEST(states_of_bridge_down)
{
	char *was;

	bridge_with_ports();
	raise_all();
	REQUIRE(!net_up("br0", false));
	was = net_look();
	ckpt_ready();
	net_same(was);
	/* it has a carrier while one of them forwards */
	REQUIRE(!net_up("br0", true));
	CKPT_WAIT_FOR(net_running("br0"));
}

/* ------------------------------------------------------ multicast groups */

static int group(const char *dev, int family, const char *addr,
		 const char *source, int vid)
{
	struct br_port_msg bpm = {
		.family = AF_BRIDGE, .ifindex = if_nametoindex("br0"),
	};
	struct br_mdb_entry e = {
		.ifindex = if_nametoindex(dev), .state = MDB_PERMANENT,
		.vid = vid,
	};
	struct rtattr *attrs;
	struct net_msg m;
	uint32_t from;

	if (family == AF_INET) {
		e.addr.proto = htons(ETH_P_IP);
		inet_pton(AF_INET, addr, &e.addr.u);
	} else if (family == AF_INET6) {
		e.addr.proto = htons(ETH_P_IPV6);
		inet_pton(AF_INET6, addr, &e.addr.u);
	} else {
		memcpy(e.addr.u.mac_addr, addr, 6);
	}
	net_begin(&m, RTM_NEWMDB, NLM_F_CREATE, &bpm, sizeof(bpm));
	net_put(&m, MDBA_SET_ENTRY, &e, sizeof(e));
	if (source) {
		attrs = net_nest(&m, MDBA_SET_ENTRY_ATTRS);
		inet_pton(AF_INET, source, &from);
		net_put(&m, MDBE_ATTR_SOURCE, &from, sizeof(from));
		net_put_u8(&m, MDBE_ATTR_RTPROT, RTPROT_ZEBRA);
		net_nest_end(&m, attrs);
	}
	return net_talk(&m);
}

/* All that is told of groups: none of them has a timer that runs. */
static size_t list_groups(char *buf, size_t size)
{
	struct br_port_msg bpm = { .family = AF_BRIDGE };
	struct net_msg m;

	net_begin(&m, RTM_GETMDB, NLM_F_DUMP, &bpm, sizeof(bpm));
	return list(&m, RTM_GETMDB, buf, size);
}

CKPT_TEST(groups)
{
	static char was[8192], is[8192];
	size_t len;

	bridge_with_ports();
	REQUIRE(!vlans(RTM_NEWVLAN, "dm0", 20, 22, 0, -1, 0));
	raise_all();
	/* the one that was made last is listed first */
	if (group("dm0", AF_INET, "239.255.0.1", NULL, 20))
		ckpt_skip("no multicast groups");
	REQUIRE(!group("dm1", AF_INET, "239.255.0.2", "10.1.2.3", 7));
	REQUIRE(!group("dm1", AF_INET6, "ff0e::77", NULL, 7));
	REQUIRE(!group("dm0", AF_UNSPEC, "\1\0\0\0\0\7", NULL, 21));
	REQUIRE(!group("br0", AF_UNSPEC, "\1\0\0\0\0\x9", NULL, 7));
	len = list_groups(was, sizeof(was));
	ckpt_ready();
	CHECK_EQ(list_groups(is, sizeof(is)), len);
	CHECK(!memcmp(was, is, len));
}

/* --------------------------------------------------------------- refused */

REFUSED(is_down, "multicast groups entered by hand, while it is down")
{
	bridge_with_ports();
	raise_all();
	if (group("dm0", AF_INET, "239.255.0.1", NULL, 7))
		ckpt_skip("no multicast groups");
	REQUIRE(!net_up("br0", false));
	ckpt_ready();
}

/* Set a number that a bridge has */
static int set_bridge(const char *bridge, int option, uint32_t value)
{
	struct rtattr *info, *data;
	struct net_msg m;

	net_link(&m, RTM_NEWLINK, 0, if_nametoindex(bridge));
	info = net_nest(&m, IFLA_LINKINFO);
	net_put_str(&m, IFLA_INFO_KIND, "bridge");
	data = net_nest(&m, IFLA_INFO_DATA);
	net_put_u32(&m, option, value);
	net_nest_end(&m, data);
	net_nest_end(&m, info);
	return net_talk(&m);
}

REFUSED(disabled_with_stp,
	"dm0: port of a bridge with STP that was disabled by hand: not supported")
{
	bridge_with_ports();
	raise_all();
	REQUIRE(!port_state("dm0", BR_STATE_DISABLED));
	REQUIRE(!set_bridge("br0", IFLA_BR_STP_STATE, 1));
	ckpt_ready();
}

REFUSED(kept_listening,
	"dm0: port of a bridge that is kept listening or learning by hand")
{
	bridge_with_ports();
	/* nor does it go on by itself then */
	REQUIRE(!set_bridge("br0", IFLA_BR_FORWARD_DELAY, 0));
	raise_all();
	REQUIRE(!port_state("dm0", BR_STATE_LISTENING));
	ckpt_ready();
}

REFUSED(has_trees, "br0: multiple spanning trees: not supported")
{
	quiet();
	if (make_bridge("br0", 1 << BR_BOOLOPT_MST_ENABLE))
		ckpt_skip("no multiple spanning trees");
	ckpt_ready();
}

TEST_HARNESS_MAIN
