// SPDX-License-Identifier: GPL-2.0
/* What a network namespace may have and is not saved: each is refused by name. */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fou.h>
#include <linux/genetlink.h>
#include <linux/ioam6_genl.h>
#include <linux/mptcp.h>
#include <linux/mptcp_pm.h>
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/seg6_genl.h>
#include <linux/seg6_hmac.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef AF_MPLS
#define AF_MPLS		28
#endif

/* The number of a family of generic netlink, or a negative errno */
static int family(const char *name)
{
	struct genlmsghdr hdr = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	char buf[8192];
	struct nlmsghdr *nlh = (void *)buf;
	struct net_msg m;
	struct rtattr *a;
	ssize_t len;

	REQUIRE(fd >= 0);
	net_begin(&m, GENL_ID_CTRL, 0, &hdr, sizeof(hdr));
	net_put_str(&m, CTRL_ATTR_FAMILY_NAME, name);
	REQUIRE(send(fd, &m, m.nlh.nlmsg_len, 0) > 0);
	len = recv(fd, buf, sizeof(buf), 0);
	close(fd);
	REQUIRE(len >= (ssize_t)NLMSG_LENGTH(sizeof(hdr)));
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
	a = NLMSG_DATA(nlh) + NLMSG_ALIGN(sizeof(hdr));
	len = NLMSG_PAYLOAD(nlh, sizeof(hdr));
	for (; RTA_OK(a, len); a = RTA_NEXT(a, len))
		if (a->rta_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)RTA_DATA(a);
	return -EIO;
}

static void begin(struct net_msg *m, const char *name, int cmd)
{
	struct genlmsghdr hdr = { .cmd = cmd, .version = 1 };
	int id = family(name);

	if (id == -ENOENT)
		ckpt_skip("this kernel does not have it");
	REQUIRE(id > 0);
	net_begin(m, id, 0, &hdr, sizeof(hdr));
}

static void set(struct net_msg *m)
{
	CHECK_EQ(net_talk_to(NETLINK_GENERIC, m), 0);
	ckpt_ready();
}

REFUSED(fou_port, "port of FOU: not supported")
{
	struct net_msg m;

	net_own();
	begin(&m, FOU_GENL_NAME, FOU_CMD_ADD);
	net_put_u16(&m, FOU_ATTR_PORT, htons(5555));
	net_put_u8(&m, FOU_ATTR_AF, AF_INET);
	net_put_u8(&m, FOU_ATTR_TYPE, FOU_ENCAP_GUE);
	set(&m);
}

REFUSED(ioam_namespace, "IOAM namespace: not supported")
{
	struct net_msg m;

	net_own();
	begin(&m, IOAM6_GENL_NAME, IOAM6_CMD_ADD_NAMESPACE);
	net_put_u16(&m, IOAM6_ATTR_NS_ID, 123);
	set(&m);
}

REFUSED(ioam_schema, "IOAM schema: not supported")
{
	struct net_msg m;

	net_own();
	begin(&m, IOAM6_GENL_NAME, IOAM6_CMD_ADD_SCHEMA);
	net_put_u32(&m, IOAM6_ATTR_SC_ID, 7);
	net_put(&m, IOAM6_ATTR_SC_DATA, "data", 4);
	set(&m);
}

REFUSED(mptcp_endpoint, "endpoint of MPTCP: not supported")
{
	uint32_t addr = htonl(INADDR_LOOPBACK);
	struct rtattr *endpoint;
	struct net_msg m;

	net_own();
	begin(&m, MPTCP_PM_NAME, MPTCP_PM_CMD_ADD_ADDR);
	endpoint = net_nest(&m, MPTCP_PM_ENDPOINT_ADDR);
	net_put_u16(&m, MPTCP_PM_ADDR_ATTR_FAMILY, AF_INET);
	net_put(&m, MPTCP_PM_ADDR_ATTR_ADDR4, &addr, sizeof(addr));
	net_put_u32(&m, MPTCP_PM_ADDR_ATTR_FLAGS, MPTCP_PM_ADDR_FLAG_SUBFLOW);
	net_nest_end(&m, endpoint);
	set(&m);
}

static void limits(uint32_t addrs, uint32_t subflows)
{
	struct net_msg m;

	net_own();
	begin(&m, MPTCP_PM_NAME, MPTCP_PM_CMD_SET_LIMITS);
	net_put_u32(&m, MPTCP_PM_ATTR_RCV_ADD_ADDRS, addrs);
	net_put_u32(&m, MPTCP_PM_ATTR_SUBFLOWS, subflows);
	set(&m);
}

REFUSED(mptcp_addresses, "limit of MPTCP: not supported")
{
	limits(1, 2);
}

REFUSED(mptcp_subflows, "limit of MPTCP: not supported")
{
	limits(0, 3);
}

REFUSED(seg6_key, "key of segment routing: not supported")
{
	struct net_msg m;

	net_own();
	begin(&m, SEG6_GENL_NAME, SEG6_CMD_SETHMAC);
	net_put_u32(&m, SEG6_ATTR_HMACKEYID, 1);
	net_put_u8(&m, SEG6_ATTR_SECRETLEN, 4);
	net_put_u8(&m, SEG6_ATTR_ALGID, SEG6_HMAC_ALGO_SHA256);
	net_put(&m, SEG6_ATTR_SECRET, "key", 4);
	set(&m);
}

REFUSED(seg6_source, "source of segment routing: not supported")
{
	struct in6_addr addr = IN6ADDR_LOOPBACK_INIT;
	struct net_msg m;

	net_own();
	begin(&m, SEG6_GENL_NAME, SEG6_CMD_SET_TUNSRC);
	net_put(&m, SEG6_ATTR_DST, &addr, sizeof(addr));
	set(&m);
}

REFUSED(mpls_route, "route of MPLS: not supported")
{
	struct rtmsg rtm = {
		.rtm_family = AF_MPLS, .rtm_dst_len = 20,
		.rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST,
	};
	/* label 50, the last one */
	uint32_t label = htonl(50 << 12 | 1 << 8);
	struct net_msg m;
	int fd;

	net_own();
	fd = open("/proc/sys/net/mpls/platform_labels", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		ckpt_skip("no MPLS");
	CHECK_EQ(write(fd, "100", 3), 3);
	close(fd);
	net_begin(&m, RTM_NEWROUTE, NLM_F_CREATE, &rtm, sizeof(rtm));
	net_put(&m, RTA_DST, &label, sizeof(label));
	net_put_u32(&m, RTA_OIF, 1);
	CHECK_EQ(net_talk(&m), 0);
	ckpt_ready();
}

REFUSED(ipset, "ipset: not supported")
{
	struct nfgenmsg hdr = {
		.nfgen_family = AF_INET, .version = NFNETLINK_V0,
	};
	struct net_msg m;

	net_own();
	net_begin(&m, NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_CREATE,
		  NLM_F_CREATE | NLM_F_EXCL, &hdr, sizeof(hdr));
	net_put_u8(&m, IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL);
	net_put_str(&m, IPSET_ATTR_SETNAME, "set");
	net_put_str(&m, IPSET_ATTR_TYPENAME, "hash:ip");
	net_put_u8(&m, IPSET_ATTR_REVISION, 0);
	net_put_u8(&m, IPSET_ATTR_FAMILY, NFPROTO_IPV4);
	net_nest_end(&m, net_nest(&m, IPSET_ATTR_DATA));
	CHECK_EQ(net_talk_to(NETLINK_NETFILTER, &m), 0);
	ckpt_ready();
}

TEST_HARNESS_MAIN
