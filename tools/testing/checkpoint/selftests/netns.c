// SPDX-License-Identifier: GPL-2.0
/* Network namespaces: loopback, addresses, sysctls, who holds them. */
#include "libckptnet.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/lwtunnel.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/nexthop.h>
#include <linux/fib_rules.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* linux/if_tunnel.h and net/if.h do not go together */
#define IFLA_IPTUN_LOCAL	2
#define IFLA_IPTUN_REMOTE	3
#define IFLA_GRE_LOCAL		6
#define IFLA_GRE_REMOTE		7

static struct ckpt_gate up, go;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

static void own_net(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
}

CKPT_TEST(empty)
{
	char *was;

	own_net();
	was = net_look();
	ckpt_ready();
	net_same(was);
	CHECK(!net_up("lo", true));
}

CKPT_TEST(loopback)
{
	char *was;

	own_net();
	REQUIRE(!net_up("lo", true));
	REQUIRE(!net_addr("lo", "10.1.2.3", 24, 0));
	REQUIRE(!net_addr("lo", "10.1.2.4", 24, 0));
	REQUIRE(!net_addr("lo", "fd00::17", 64, 0));
	REQUIRE(!net_addr("lo", "fd00::18", 128, IFA_F_NOPREFIXROUTE));
	net_settle(NULL);
	was = net_look();
	ckpt_ready();
	net_same(was);
}

/* More than fit in any buffer */
CKPT_TEST_ONLY(thousand, CKPT_CONTAINER)
{
	int i, step = ckpt_step(), nr = 1000 / (step * step) + 10;
	char addr[64], *was;

	own_net();
	REQUIRE(!net_up("lo", true));
	for (i = 0; i < nr; i++) {
		snprintf(addr, sizeof(addr), "10.%d.%d.1", i / 250, i % 250);
		REQUIRE(!net_addr("lo", addr, 24, 0));
		snprintf(addr, sizeof(addr), "fd00:%x::1", i);
		REQUIRE(!net_addr("lo", addr, 64, 0));
	}
	net_settle(NULL);
	was = net_look();
	ckpt_ready();
	net_same(was);
}

static void expect_sysctl(const char *name, const char *value)
{
	char path[256], buf[256] = "";

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	REQUIRE(ckpt_read_file(path, buf, sizeof(buf)) >= 0);
	buf[strcspn(buf, "\n")] = 0;
	if (strcmp(buf, value))
		ckpt_fail(__FILE__, __LINE__, "%s is %s, not %s", name, buf,
			  value);
}

static const struct { const char *name, *value; } sysctls[] = {
	{ "ipv4/ip_forward", "1" },
	{ "ipv4/ip_local_port_range", "20000\t30000" },
	{ "ipv4/ip_local_reserved_ports", "21000-21010,22222" },
	{ "ipv4/tcp_keepalive_time", "77" },
	{ "ipv4/conf/all/rp_filter", "2" },
	{ "ipv4/conf/default/arp_ignore", "3" },
	{ "ipv4/conf/lo/arp_announce", "1" },
	{ "ipv4/neigh/lo/gc_stale_time", "33" },
	{ "ipv6/conf/lo/hop_limit", "12" },
	{ "ipv6/conf/lo/mtu", "2000" },
	{ "ipv6/conf/default/accept_ra", "0" },
	{ "core/somaxconn", "333" },
	{ "unix/max_dgram_qlen", "17" },
};

CKPT_TEST(sysctl)
{
	char path[256];
	size_t i;

	own_net();
	REQUIRE(!net_up("lo", true));
	for (i = 0; i < ARRAY_SIZE(sysctls); i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/%s",
			 sysctls[i].name);
		if (ckpt_write_file(path, sysctls[i].value))
			ckpt_skip("%s: %m", path);
	}
	ckpt_ready();
	for (i = 0; i < ARRAY_SIZE(sysctls); i++)
		expect_sysctl(sysctls[i].name, sysctls[i].value);
}

/* A program that may forbid to write to them is asked. */
CKPT_VICTIM(forwards)
{
	own_net();
	REQUIRE(!ckpt_write_file("/proc/sys/net/ipv4/ip_forward", "1"));
	ckpt_ready();
	expect_sysctl("ipv4/ip_forward", "1");
}

DRIVER_TEST(sysctl_not_allowed)
{
	struct ckpt_victim *v = &self->v;
	int fd;

	ckpt_start(v, "forwards", 0);
	ckpt_checkpoint_kill(v);
	fd = net_forbid(BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL);
	ASSERT_LE(0, fd) TH_LOG("%s", strerror(errno));
	EXPECT_EQ(-EPERM, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "sysctl net/ipv4/")) TH_LOG("%s", v->log);
	close(fd);
	ckpt_restart_finish(v);
}

static ino_t net_of(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	REQUIRE(!stat(path, &st));
	return st.st_ino;
}

static int another(void *arg)
{
	char *was;

	own_net();
	REQUIRE(!net_addr("lo", arg, 8, 0));
	was = net_look();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	net_same(was);
	return 0;
}

static int the_same(void *arg)
{
	ckpt_gate_open(&up, 1);
	while (pause() < 0)
		;
	return 0;
}

/* Two with one of their own each, two in that of the first */
CKPT_TEST(several)
{
	pid_t pid[3];
	char *was;
	int i;

	gates();
	own_net();
	REQUIRE(!net_up("lo", true));
	pid[0] = ckpt_fork(another, "10.0.0.1");
	pid[1] = ckpt_fork(another, "11.0.0.1");
	pid[2] = ckpt_fork(the_same, NULL);
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	was = net_look();
	ckpt_ready();
	net_same(was);
	CHECK_EQ(net_of(pid[2]), net_of(getpid()));
	CHECK(net_of(pid[0]) != net_of(getpid()));
	CHECK(net_of(pid[0]) != net_of(pid[1]));
	ckpt_gate_open(&go, 2);
	ckpt_join(pid[0], 0);
	ckpt_join(pid[1], 0);
	CHECK(!kill(pid[2], SIGKILL));
	CHECK(waitpid(pid[2], NULL, 0) == pid[2]);
}

/* No task is in it: a descriptor keeps it. */
CKPT_TEST(held_by_descriptor)
{
	int old = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), fd;
	char *was;

	REQUIRE(old >= 0);
	own_net();
	REQUIRE(!net_addr("lo", "10.7.7.7", 8, 0));
	was = net_look();
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	REQUIRE(!setns(old, CLONE_NEWNET));
	ckpt_ready();
	CHECK(!setns(fd, CLONE_NEWNET));
	net_same(was);
	CHECK(!setns(old, CLONE_NEWNET));
	close(fd);
	close(old);
}

/* A fresh sysfs shows the devices of the namespace, and does so again. */
CKPT_TEST_ONLY(sysfs, CKPT_CONTAINER)
{
	struct stat st;

	own_net();
	REQUIRE(!net_make("dm0", "dummy", 0));
	REQUIRE(!mkdir("sys", 0755) && !mount("sysfs", "sys", "sysfs", 0, NULL));
	REQUIRE(!stat("sys/class/net/dm0", &st));
	ckpt_ready();
	CHECK(!stat("sys/class/net/dm0", &st));
	CHECK(!net_make("dm1", "dummy", 0));
	CHECK(!stat("sys/class/net/dm1", &st));
	CHECK(!umount("sys"));
}

/* The network of a container of an ordinary user */
CKPT_TEST_ONLY(of_user_namespace, CKPT_CONTAINER)
{
	char *was;

	REQUIRE(!unshare(CLONE_NEWUSER | CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
	REQUIRE(!net_addr("lo", "10.1.2.3", 24, 0));
	was = net_look();
	ckpt_ready();
	net_same(was);
	CHECK(!net_addr("lo", "10.1.2.4", 24, 0));
}

static void put_ip(struct net_msg *m, int type, const char *ip)
{
	char bytes[16];
	int family = strchr(ip, ':') ? AF_INET6 : AF_INET;

	inet_pton(family, ip, bytes);
	net_put(m, type, bytes, family == AF_INET ? 4 : 16);
}

static int route(const char *dst, int len, const char *gw, const char *dev,
		 int type, uint32_t table, uint32_t metric)
{
	struct rtmsg r = {
		.rtm_family = strchr(dst, ':') ? AF_INET6 : AF_INET,
		.rtm_dst_len = len,
		.rtm_table = table < 256 ? table : RT_TABLE_COMPAT,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = gw || type != RTN_UNICAST ? RT_SCOPE_UNIVERSE :
							  RT_SCOPE_LINK,
		.rtm_type = type,
	};
	struct rtattr *nest;
	struct net_msg m;

	net_begin(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &r, sizeof(r));
	put_ip(&m, RTA_DST, dst);
	net_put_u32(&m, RTA_TABLE, table);
	if (gw)
		put_ip(&m, RTA_GATEWAY, gw);
	if (dev)
		net_put_u32(&m, RTA_OIF, if_nametoindex(dev));
	if (metric) {
		net_put_u32(&m, RTA_PRIORITY, metric);
		nest = net_nest(&m, RTA_METRICS);
		net_put_u32(&m, RTAX_MTU, 1400);
		net_nest_end(&m, nest);
	}
	return net_talk(&m);
}

static int neigh(const char *dev, const char *ip, int state, int flags)
{
	struct ndmsg ndm = {
		.ndm_family = strchr(ip, ':') ? AF_INET6 : AF_INET,
		.ndm_ifindex = if_nametoindex(dev),
		.ndm_state = state,
		.ndm_flags = flags,
	};
	struct net_msg m;

	net_begin(&m, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, &ndm,
		  sizeof(ndm));
	put_ip(&m, NDA_DST, ip);
	if (!(flags & NTF_PROXY))
		net_put(&m, NDA_LLADDR, "\2\3\4\5\6\7", 6);
	return net_talk(&m);
}

static int rule(int family, uint32_t priority, uint32_t table, uint32_t mark)
{
	struct fib_rule_hdr r = {
		.family = family, .action = FR_ACT_TO_TBL,
	};
	struct net_msg m;

	net_begin(&m, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &r, sizeof(r));
	net_put_u32(&m, FRA_PRIORITY, priority);
	net_put_u32(&m, FRA_TABLE, table);
	net_put_u32(&m, FRA_FWMARK, mark);
	return net_talk(&m);
}

static int nexthop(uint32_t id, const char *gw, const char *dev)
{
	struct nhmsg nhm = { .nh_family = AF_INET };
	struct net_msg m;

	net_begin(&m, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_EXCL, &nhm,
		  sizeof(nhm));
	net_put_u32(&m, NHA_ID, id);
	put_ip(&m, NHA_GATEWAY, gw);
	net_put_u32(&m, NHA_OIF, if_nametoindex(dev));
	return net_talk(&m);
}

static int group(uint32_t id, uint32_t a, uint32_t b)
{
	struct nexthop_grp grp[2] = { { .id = a, .weight = 3 }, { .id = b } };
	struct nhmsg nhm = {};
	struct net_msg m;

	net_begin(&m, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_EXCL, &nhm,
		  sizeof(nhm));
	net_put_u32(&m, NHA_ID, id);
	net_put(&m, NHA_GROUP, grp, sizeof(grp));
	return net_talk(&m);
}

static int nexthop_route(const char *dst, uint32_t id)
{
	struct rtmsg r = {
		.rtm_family = AF_INET, .rtm_dst_len = 24,
		.rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC,
		.rtm_type = RTN_UNICAST,
	};
	struct net_msg m;

	net_begin(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &r, sizeof(r));
	put_ip(&m, RTA_DST, dst);
	net_put_u32(&m, RTA_NH_ID, id);
	return net_talk(&m);
}

CKPT_TEST(routes)
{
	char *was;

	own_net();
	REQUIRE(!net_up("lo", true));
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_up("dm0", true));
	REQUIRE(!net_addr("dm0", "10.0.0.1", 24, 0));
	REQUIRE(!net_addr("dm0", "fd00::1", 64, IFA_F_NODAD));
	REQUIRE(!route("10.9.0.0", 16, "10.0.0.9", "dm0", RTN_UNICAST,
		       RT_TABLE_MAIN, 0));
	REQUIRE(!route("10.10.0.0", 16, NULL, "dm0", RTN_UNICAST, 1000, 77));
	REQUIRE(!route("10.11.0.0", 16, NULL, NULL, RTN_BLACKHOLE,
		       RT_TABLE_MAIN, 0));
	REQUIRE(!route("10.12.0.0", 16, NULL, NULL, RTN_UNREACHABLE, 1000, 0));
	REQUIRE(!route("fd01::", 64, "fd00::9", "dm0", RTN_UNICAST,
		       RT_TABLE_MAIN, 0));
	REQUIRE(!route("fd02::", 64, NULL, "dm0", RTN_UNICAST, 1000, 88));
	REQUIRE(!route("fd03::", 64, NULL, "lo", RTN_BLACKHOLE, RT_TABLE_MAIN,
		       0));
	REQUIRE(!rule(AF_INET, 100, 1000, 7) && !rule(AF_INET6, 100, 1000, 7));
	REQUIRE(!nexthop(20, "10.0.0.20", "dm0"));
	REQUIRE(!nexthop(30, "10.0.0.30", "dm0"));
	REQUIRE(!group(10, 20, 30));
	REQUIRE(!nexthop_route("10.20.0.0", 10));
	REQUIRE(!nexthop_route("10.30.0.0", 30));
	REQUIRE(!neigh("dm0", "10.0.0.9", NUD_PERMANENT, 0));
	REQUIRE(!neigh("dm0", "fd00::9", NUD_STALE, 0));
	REQUIRE(!neigh("dm0", "10.0.0.77", 0, NTF_PROXY));
	net_settle("dm0");
	was = net_look();
	ckpt_ready();
	net_same(was);
}

/* Both ends in one namespace, and in two */
static int holds_peer(void *arg)
{
	char *was;

	own_net();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	REQUIRE(!net_up("veth9", true));
	REQUIRE(!net_addr("veth9", "10.3.0.2", 24, 0));
	net_settle("veth9");
	was = net_look();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	net_same(was);
	return 0;
}

CKPT_TEST(veth)
{
	char path[64], *was;
	pid_t pid;
	int fd;

	gates();
	own_net();
	pid = ckpt_fork(holds_peer, NULL);
	ckpt_gate_wait(&up);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	REQUIRE(!net_pair("veth0", "veth1", -1));
	REQUIRE(!net_pair("veth2", "veth9", fd));
	close(fd);
	REQUIRE(!net_up("veth2", true));
	REQUIRE(!net_addr("veth2", "10.3.0.1", 24, 0));
	ckpt_gate_open(&go, 1);
	ckpt_gate_wait(&up);
	net_settle("veth2");
	was = net_look();
	ckpt_ready();
	net_same(was);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

static int give_id(pid_t pid, uint32_t id)
{
	struct rtgenmsg hdr = {};
	struct net_msg m;

	net_begin(&m, RTM_NEWNSID, 0, &hdr, sizeof(hdr));
	net_put_u32(&m, NETNSA_PID, pid);
	net_put_u32(&m, NETNSA_NSID, id);
	return net_talk(&m);
}

/* What one namespace calls another: each has one id, and no two have the same. */
CKPT_TEST(ids)
{
	pid_t pid[2];
	int i;

	gates();
	own_net();
	pid[0] = ckpt_fork(another, "10.0.0.1");
	pid[1] = ckpt_fork(another, "11.0.0.1");
	for (i = 0; i < 2; i++)
		ckpt_gate_wait(&up);
	REQUIRE(!give_id(pid[0], 7));
	ckpt_ready();
	CHECK_EQ(give_id(pid[0], 8), -EEXIST);
	CHECK(give_id(pid[1], 7) < 0);
	CHECK(!give_id(pid[1], 0));
	ckpt_gate_open(&go, 2);
	ckpt_join(pid[0], 0);
	ckpt_join(pid[1], 0);
}

/* -------------------------------------------------------- more devices */

/* Begin a request for a device of @kind on top of @lower, NULL for none. */
static struct rtattr *begin_kind(struct net_msg *m, const char *name,
				 const char *kind, const char *lower,
				 struct rtattr **data)
{
	struct rtattr *info;

	net_link(m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	net_put_str(m, IFLA_IFNAME, name);
	if (lower)
		net_put_u32(m, IFLA_LINK, if_nametoindex(lower));
	info = net_nest(m, IFLA_LINKINFO);
	net_put_str(m, IFLA_INFO_KIND, kind);
	*data = net_nest(m, IFLA_INFO_DATA);
	return info;
}

static int end_kind(struct net_msg *m, struct rtattr *info,
		    struct rtattr *data)
{
	net_nest_end(m, data);
	net_nest_end(m, info);
	return net_talk(m);
}

static int make_u32(const char *name, const char *kind, const char *lower,
		    int type, uint32_t value)
{
	struct rtattr *info, *data;
	struct net_msg m;

	info = begin_kind(&m, name, kind, lower, &data);
	net_put_u32(&m, type, value);
	return end_kind(&m, info, data);
}

static int make_u16(const char *name, const char *kind, const char *lower,
		    int type, uint16_t value)
{
	struct rtattr *info, *data;
	struct net_msg m;

	info = begin_kind(&m, name, kind, lower, &data);
	net_put(&m, type, &value, sizeof(value));
	return end_kind(&m, info, data);
}

static int make_tunnel(const char *name, const char *kind, int local, int remote)
{
	struct rtattr *info, *data;
	struct net_msg m;

	info = begin_kind(&m, name, kind, NULL, &data);
	put_ip(&m, local, "10.0.0.1");
	put_ip(&m, remote, "10.0.0.2");
	return end_kind(&m, info, data);
}

static int fdb(const char *dev, int flags, const char *ip)
{
	struct ndmsg ndm = {
		.ndm_family = AF_BRIDGE,
		.ndm_ifindex = if_nametoindex(dev),
		.ndm_state = NUD_PERMANENT | NUD_NOARP,
		.ndm_flags = flags,
	};
	struct net_msg m;

	net_begin(&m, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, &ndm,
		  sizeof(ndm));
	net_put(&m, NDA_LLADDR, "\2\3\4\5\6\7", 6);
	if (ip)
		put_ip(&m, NDA_DST, ip);
	return net_talk(&m);
}

static int set_link(const char *name, int type, const void *data, size_t len)
{
	struct net_msg m;

	net_link(&m, RTM_NEWLINK, 0, if_nametoindex(name));
	net_put(&m, type, data, len);
	return net_talk(&m);
}

static int other_name(const char *name, const char *other)
{
	struct rtattr *list;
	struct net_msg m;

	net_link(&m, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND,
		 if_nametoindex(name));
	list = net_nest(&m, IFLA_PROP_LIST);
	net_put_str(&m, IFLA_ALT_IFNAME, other);
	net_nest_end(&m, list);
	return net_talk(&m);
}

CKPT_TEST(dummy)
{
	uint32_t group = 7, mtu = 1300, qlen = 77;
	char *was;

	own_net();
	REQUIRE(!net_make("dm0", "dummy", 77));
	REQUIRE(!set_link("dm0", IFLA_ADDRESS, "\2\1\1\1\1\1", 6));
	REQUIRE(!set_link("dm0", IFLA_BROADCAST, "\377\377\377\377\377\7", 6));
	REQUIRE(!set_link("dm0", IFLA_GROUP, &group, sizeof(group)));
	REQUIRE(!set_link("dm0", IFLA_MTU, &mtu, sizeof(mtu)));
	REQUIRE(!set_link("dm0", IFLA_TXQLEN, &qlen, sizeof(qlen)));
	REQUIRE(!set_link("dm0", IFLA_IFALIAS, "an alias", 8));
	REQUIRE(!other_name("dm0", "a-rather-long-other-name"));
	was = net_look();
	ckpt_ready();
	net_same(was);
}

/* One that is up, one that is down, and one that has it */
CKPT_TEST(without_carrier)
{
	uint8_t off = 0;
	char *was;

	own_net();
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_make("dm1", "dummy", 0));
	REQUIRE(!net_make("dm2", "dummy", 0));
	REQUIRE(!net_up("dm0", true) && !net_up("dm2", true));
	REQUIRE(!net_addr("dm0", "10.6.0.1", 24, 0));
	net_settle("dm0");
	REQUIRE(!set_link("dm0", IFLA_CARRIER, &off, sizeof(off)));
	REQUIRE(!set_link("dm1", IFLA_CARRIER, &off, sizeof(off)));
	CKPT_WAIT_FOR(!net_running("dm0") && net_running("dm2"));
	net_settle("dm2");
	was = net_look();
	ckpt_ready();
	net_same(was);
}

CKPT_TEST(bridge)
{
	char *was;

	own_net();
	REQUIRE(!make_u32("br0", "bridge", NULL, IFLA_BR_AGEING_TIME, 12300));
	REQUIRE(!net_pair("veth0", "veth1", -1));
	REQUIRE(!net_master("veth0", "br0"));
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_master("dm0", "br0"));
	REQUIRE(!net_up("br0", true) && !net_up("veth0", true) &&
		!net_up("veth1", true));
	REQUIRE(!net_addr("br0", "10.5.0.1", 24, 0));
	REQUIRE(!fdb("veth0", NTF_MASTER, NULL));
	net_settle("br0");
	net_settle("veth1");
	was = net_look();
	ckpt_ready();
	net_same(was);
}

CKPT_TEST(stacked)
{
	static const char *const large[] = { "veth0", "veth1", "vl0", "vl1" };
	uint32_t mtu = 9000;
	uint8_t one = 1;
	unsigned int i;
	char *was;

	own_net();
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_up("dm0", true));
	REQUIRE(!net_addr("dm0", "10.0.0.1", 24, 0));
	REQUIRE(!net_pair("veth0", "veth1", -1));
	REQUIRE(!make_u16("vl0", "vlan", "veth0", IFLA_VLAN_ID, 7));
	REQUIRE(!make_u16("vl1", "vlan", "veth1", IFLA_VLAN_ID, 7));
	for (i = 0; i < sizeof(large) / sizeof(*large); i++)
		REQUIRE(!set_link(large[i], IFLA_MTU, &mtu, sizeof(mtu)));
	REQUIRE(!make_u16("vlan5", "vlan", "dm0", IFLA_VLAN_ID, 5));
	REQUIRE(!make_u32("mac0", "macvlan", "dm0", IFLA_MACVLAN_MODE,
			  MACVLAN_MODE_BRIDGE));
	REQUIRE(!net_make("dm1", "dummy", 0) && !net_up("dm1", true));
	REQUIRE(!make_u16("ipv0", "ipvlan", "dm1", IFLA_IPVLAN_MODE,
			  IPVLAN_MODE_L3));
	REQUIRE(!make_tunnel("tun0", "ipip", IFLA_IPTUN_LOCAL,
			     IFLA_IPTUN_REMOTE));
	REQUIRE(!make_tunnel("six0", "sit", IFLA_IPTUN_LOCAL,
			     IFLA_IPTUN_REMOTE));
	REQUIRE(!make_tunnel("gre7", "gre", IFLA_GRE_LOCAL, IFLA_GRE_REMOTE));
	REQUIRE(!make_u32("vx0", "vxlan", NULL, IFLA_VXLAN_ID, 42));
	REQUIRE(!fdb("vx0", NTF_SELF, "10.0.0.3"));
	REQUIRE(!net_up("vlan5", true) && !net_up("mac0", true) &&
		!net_up("ipv0", true) && !net_up("tun0", true) &&
		!net_up("vx0", true));
	REQUIRE(!net_addr("vlan5", "10.6.0.1", 24, 0));
	REQUIRE(!make_u32("mac1", "macvlan", "dm0", IFLA_MACVLAN_MODE,
			  MACVLAN_MODE_BRIDGE));
	REQUIRE(!net_up("mac1", true));
	net_settle("mac1");
	REQUIRE(!set_link("mac1", IFLA_PROTO_DOWN, &one, sizeof(one)));
	CKPT_WAIT_FOR(!net_running("mac1"));
	net_settle("vlan5");
	net_settle("mac0");
	net_settle("vx0");
	was = net_look();
	ckpt_ready();
	net_same(was);
}

/* The kernel raises it with what it is made on. */
CKPT_TEST(vlan_down)
{
	own_net();
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_up("dm0", true));
	REQUIRE(!make_u16("vlan6", "vlan", "dm0", IFLA_VLAN_ID, 6));
	ckpt_ready();
	CHECK(net_running("dm0"));
	CHECK(!net_running("vlan6"));
}

static int holds_upper(void *arg)
{
	const char *const *name = arg;
	char *was;
	int i;

	own_net();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	for (i = 0; name[i]; i++)
		REQUIRE(!net_up(name[i], true));
	REQUIRE(!net_addr(name[0], "10.3.0.2", 24, 0));
	for (i = 0; name[i]; i++)
		net_settle(name[i]);
	was = net_look();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	net_same(was);
	/* and it is on top of what it was */
	CHECK(!net_up(name[0], false) && !net_up(name[0], true));
	return 0;
}

/* Made in one network, and moved to another: in both orders of the two */
static void apart(const char *const *first, const char *const *second)
{
	const char *const *const names[] = { first, second };
	char path[64], *was;
	int fd[2], i, j;
	pid_t pid[2];

	gates();
	own_net();
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_make("dm1", "dummy", 0));
	REQUIRE(!net_up("dm0", true) && !net_up("dm1", true));
	REQUIRE(!net_addr("dm0", "10.0.0.1", 24, 0));
	for (i = 0; i < 2; i++) {
		pid[i] = ckpt_fork(holds_upper, (void *)names[i]);
		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid[i]);
		ckpt_gate_wait(&up);
		fd[i] = open(path, O_RDONLY | O_CLOEXEC);
		REQUIRE(fd[i] >= 0);
	}
	REQUIRE(!make_u16("vlan5", "vlan", "dm0", IFLA_VLAN_ID, 5));
	REQUIRE(!make_u32("mac0", "macvlan", "dm0", IFLA_MACVLAN_MODE,
			  MACVLAN_MODE_BRIDGE));
	/* its name is taken here when it is made again */
	REQUIRE(!make_u16("ipv0", "ipvlan", "dm1", IFLA_IPVLAN_MODE,
			  IPVLAN_MODE_L3));
	REQUIRE(!make_tunnel("tun0", "ipip", IFLA_IPTUN_LOCAL,
			     IFLA_IPTUN_REMOTE));
	REQUIRE(!make_tunnel("gre7", "gre", IFLA_GRE_LOCAL, IFLA_GRE_REMOTE));
	REQUIRE(!make_u32("vx0", "vxlan", NULL, IFLA_VXLAN_ID, 42));
	for (i = 0; i < 2; i++)
		for (j = 0; names[i][j]; j++)
			REQUIRE(!set_link(names[i][j], IFLA_NET_NS_FD, &fd[i],
					  sizeof(fd[i])));
	close(fd[0]);
	close(fd[1]);
	REQUIRE(!net_make("ipv0", "dummy", 0));
	ckpt_gate_open(&go, 2);
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	net_settle("dm0");
	was = net_look();
	ckpt_ready();
	net_same(was);
	ckpt_gate_open(&go, 2);
	ckpt_join(pid[0], 0);
	ckpt_join(pid[1], 0);
}

CKPT_TEST(lower_elsewhere)
{
	static const char *const first[] = { "mac0", "tun0", "vx0", NULL };
	static const char *const second[] = { "ipv0", "vlan5", "gre7", NULL };

	apart(first, second);
}

/* What it is made on is in no network of the tree. */
CKPT_VICTIM(has_far_lower)
{
	int old = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), own;

	own_net();
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	REQUIRE(old >= 0 && own >= 0 && !setns(old, CLONE_NEWNET));
	REQUIRE(!net_make("far0", "dummy", 0));
	REQUIRE(!make_u32("mac0", "macvlan", "far0", IFLA_MACVLAN_MODE,
			  MACVLAN_MODE_BRIDGE));
	REQUIRE(!set_link("mac0", IFLA_NET_NS_FD, &own, sizeof(own)));
	REQUIRE(!setns(own, CLONE_NEWNET));
	close(old);
	close(own);
	ckpt_ready();
	CHECK(if_nametoindex("mac0"));
}

DRIVER_TEST(lower_outside)
{
	struct ckpt_victim *v = &self->v;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ckpt_start(v, "has_far_lower", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	EXPECT_EQ(-ENOSYS, ckpt_checkpoint(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "mac0: what it is made on is in a network namespace outside"))
		TH_LOG("%s", v->log);
	ckpt_finish(v);
	ckpt_end(v);
}

/* Routes of what belongs to it are in a table of its own. */
CKPT_TEST(vrf)
{
	char *was;

	own_net();
	if (make_u32("vrf7", "vrf", NULL, IFLA_VRF_TABLE, 77))
		ckpt_skip("no vrf");
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_master("dm0", "vrf7"));
	REQUIRE(!net_up("vrf7", true) && !net_up("dm0", true));
	REQUIRE(!net_addr("dm0", "10.7.0.1", 24, 0));
	REQUIRE(!route("10.9.0.0", 16, "10.7.0.9", "dm0", RTN_UNICAST, 77, 0));
	if (!net_make("red7", "ifb", 0))
		REQUIRE(!net_up("red7", true));
	net_settle("dm0");
	was = net_look();
	ckpt_ready();
	net_same(was);
}

/* The attribute @type of a route, or NULL */
static struct rtattr *route_attr(struct nlmsghdr *nlh, int type)
{
	struct rtattr *a = RTM_RTA(NLMSG_DATA(nlh));
	int left = RTM_PAYLOAD(nlh);

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type)
			return a;
	return NULL;
}

/* The first route of IPv4 in an image that goes to a device, or NULL */
static struct nlmsghdr *find_route(struct image *image)
{
	struct ckpt_hdr_net_data *d;
	struct nlmsghdr *nlh;
	unsigned int i;
	int left;

	for (i = 0; image_find(image, CKPT_HDR_NET_DATA, i); i++) {
		d = image_at(image, CKPT_HDR_NET_DATA, i);
		if (d->section != CKPT_NET_ROUTE4)
			continue;
		nlh = (void *)d->data;
		left = d->size;
		for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left))
			if (route_attr(nlh, RTA_OIF) &&
			    route_attr(nlh, RTA_PREFSRC))
				return nlh;
	}
	return NULL;
}

/* Packets that a program is to see: it would be another one here. */
DRIVER_TEST(route_with_a_program)
{
	static const uint16_t kinds[] = {
		LWTUNNEL_ENCAP_BPF, LWTUNNEL_ENCAP_IOAM6, 0, 1000,
	};
	struct ckpt_victim *v = &self->v;
	struct image good, bad;
	struct nlmsghdr *nlh;
	struct rtattr *a;
	size_t i;

	ckpt_start(v, "routes", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&good, v->image);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		image_copy(&bad, &good);
		nlh = find_route(&bad);
		ASSERT_NE(NULL, nlh);
		/* as long as they were, with what fills them up */
		a = route_attr(nlh, RTA_OIF);
		a->rta_type = RTA_ENCAP_TYPE;
		a->rta_len = RTA_LENGTH(sizeof(kinds[i]));
		memset(RTA_DATA(a), 0, 4);
		memcpy(RTA_DATA(a), &kinds[i], sizeof(kinds[i]));
		a = route_attr(nlh, RTA_PREFSRC);
		a->rta_type = RTA_ENCAP;
		EXPECT_EQ(-EINVAL, image_restart(v, &bad));
		EXPECT_TRUE(ckpt_logged(v, "malformed route"))
			TH_LOG("encapsulation %u: %s", kinds[i], v->log);
		image_free(&bad);
	}
	image_free(&good);
	ckpt_restart_finish(v);
}

/* ------------------------------------------------- one end outside of it */

CKPT_VICTIM(has_veth)
{
	int old = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), own;
	char *was;

	own_net();
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	REQUIRE(old >= 0 && own >= 0);
	REQUIRE(!net_pair("eth0", "out0", old));
	REQUIRE(!setns(old, CLONE_NEWNET));
	REQUIRE(!net_make("br0", "bridge", 0) && !net_up("br0", true));
	REQUIRE(!net_up("out0", true) && !net_master("out0", "br0"));
	REQUIRE(!setns(own, CLONE_NEWNET));
	close(old);
	close(own);
	REQUIRE(!net_up("lo", true) && !net_up("eth0", true));
	REQUIRE(!net_addr("eth0", "10.0.0.2", 24, 0));
	REQUIRE(!route("0.0.0.0", 0, "10.0.0.1", "eth0", RTN_UNICAST,
		       RT_TABLE_MAIN, 0));
	net_settle("eth0");
	was = net_look();
	ckpt_ready();
	net_same(was);
}

/* Wait, with a bound, until the network of a tree that is gone is gone. */
static bool gone(const char *name)
{
	uint64_t end = ckpt_now() + CKPT_WAIT_S * 1000000000ULL;

	while (if_nametoindex(name)) {
		if (ckpt_now() > end)
			return false;
		ckpt_pause();
	}
	return true;
}

static void delete(const char *name)
{
	struct net_msg m;

	net_link(&m, RTM_DELLINK, 0, if_nametoindex(name));
	net_talk(&m);
}

DRIVER_TEST(veth_outside)
{
	struct ckpt_victim *v = &self->v;
	int i, status;
	pid_t pid;
	long ret;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ckpt_start(v, "has_veth", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	/* its old name: the device of the tree that was killed may still go */
	for (i = 0; i < 3; i++) {
		ckpt_checkpoint_kill(v);
		ret = ckpt_restart(v, 0);
		ASSERT_LT(0, ret)
			TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
		ASSERT_TRUE(if_nametoindex("out0"));
	}
	ckpt_checkpoint_kill(v);
	ASSERT_TRUE(gone("out0"));

	/* nobody else's name */
	ASSERT_EQ(0, net_make("out0", "dummy", 0));
	EXPECT_EQ(-EEXIST, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "cannot be made as out0"));
	delete("out0");

	/* no bridge, and nothing is left */
	delete("br0");
	EXPECT_EQ(-ENOENT, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "there is no bridge br0"));
	EXPECT_FALSE(if_nametoindex("out0"));

	/* nobody who may do anything, but not here */
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			_exit(1);
		_exit(ckpt_restart(v, 0) != -EPERM ||
		      !ckpt_logged(v, "cannot be made as out0"));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status) TH_LOG("%s", v->log);
	EXPECT_FALSE(if_nametoindex("out0"));

	/* another name, and another bridge */
	ASSERT_EQ(0, net_make("br7", "bridge", 0));
	ASSERT_EQ(0, net_up("br7", true));
	v->veth = (struct restart_veth){ "eth0", "new0", "br7" };
	v->nr_veths = 1;
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	EXPECT_TRUE(if_nametoindex("new0"));
	ckpt_finish(v);
	ckpt_end(v);
}

/* Lower than that of any other port of a bridge */
static const unsigned char outer_addr[ETH_ALEN] = { 2, 0, 0, 0, 0, 1 };

CKPT_VICTIM(has_addresses)
{
	int own;

	own_net();
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	REQUIRE(own >= 0);
	REQUIRE(!net_pair("eth0", "out0", 100));
	REQUIRE(!net_up("eth0", true));
	REQUIRE(!make_u16("vlan5", "vlan", "eth0", IFLA_VLAN_ID, 5));
	REQUIRE(!net_up("vlan5", true));
	REQUIRE(!net_addr("eth0", "10.0.0.2", 24, 0));
	REQUIRE(!net_addr("eth0", "fd00::2", 64, IFA_F_NODAD));
	REQUIRE(!net_addr("vlan5", "10.5.0.2", 24, 0));
	REQUIRE(!setns(100, CLONE_NEWNET));
	REQUIRE(!set_link("out0", IFLA_ADDRESS, outer_addr, ETH_ALEN));
	REQUIRE(!net_up("out0", true));
	REQUIRE(!setns(own, CLONE_NEWNET) && !close(100) && !close(own));
	net_settle("eth0");
	net_settle("vlan5");
	ckpt_ready();
}

/*
 * Is this frame one in which whoever has @ip says so to all: an ARP request for
 * its own address, or an unsolicited neighbour advertisement?
 */
static bool announces(const unsigned char *frame, ssize_t len, const char *ip)
{
	unsigned char addr[16];

	if (inet_pton(AF_INET, ip, addr) == 1)
		return len >= 42 && !memcmp(frame + 12, "\x08\x06", 2) &&
		       !memcmp(frame + 28, addr, 4) &&
		       !memcmp(frame + 38, addr, 4);
	return len >= 78 && inet_pton(AF_INET6, ip, addr) == 1 &&
	       !memcmp(frame + 12, "\x86\xdd", 2) && frame[54] == 136 &&
	       !memcmp(frame + 62, addr, 16);
}

/* The address of @name in a message about a device, or NULL */
static const unsigned char *told_addr(struct nlmsghdr *n, const char *name)
{
	struct ifinfomsg *ifi = NLMSG_DATA(n);
	struct rtattr *a = IFLA_RTA(ifi);
	int len = IFLA_PAYLOAD(n);
	const unsigned char *addr = NULL;
	bool named = false;

	if (n->nlmsg_type != RTM_NEWLINK)
		return NULL;
	for (; RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == IFLA_IFNAME)
			named = !strcmp(RTA_DATA(a), name);
		if (a->rta_type == IFLA_ADDRESS)
			addr = RTA_DATA(a);
	}
	return named ? addr : NULL;
}

/* How often @name was said to have @addr, and if that was so from the first */
static int count_addr(int fd, const char *name, const unsigned char *addr,
		      bool *first)
{
	const unsigned char *told;
	static char buf[65536];
	struct nlmsghdr *n;
	int len, seen = 0, nr = 0;

	*first = false;
	while ((len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		for (n = (void *)buf; NLMSG_OK(n, len); n = NLMSG_NEXT(n, len)) {
			told = told_addr(n, name);
			if (!told)
				continue;
			nr += !memcmp(told, addr, ETH_ALEN);
			if (!seen++)
				*first = nr;
		}
	}
	return nr;
}

/* An image of a pair whose other end was in a network of the driver's own */
static void end_outside(struct __test_metadata *_metadata,
			struct ckpt_victim *v)
{
	int fd;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ckpt_pass(fd, 100);
	ckpt_start(v, "has_addresses", CKPT_CONTAINER);
	close(fd);
	if (v->skip[0])
		return;
	ckpt_checkpoint_kill(v);
	ASSERT_TRUE(gone("out0"));
}

/*
 * A bridge that it becomes a port of takes the lowest address for its own. Where
 * the image comes from another one has it still: only in the end is it taken.
 */
DRIVER_TEST(veth_late_address)
{
	struct sockaddr_nl links = {
		.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK,
	};
	struct ckpt_victim *v = &self->v;
	bool first;
	long ret;
	int fd;

	end_outside(_metadata, v);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bind(fd, (void *)&links, sizeof(links)));
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	EXPECT_LT(0, count_addr(fd, "out0", outer_addr, &first));
	EXPECT_FALSE(first);
	close(fd);
	ckpt_finish(v);
	ckpt_end(v);
}

/* A switch that has seen its address elsewhere learns where it is now. */
DRIVER_TEST(veth_announced)
{
	static const char * const ips[] = { "10.0.0.2", "fd00::2", "10.5.0.2" };
	unsigned int i, heard = 0;
	struct ckpt_victim *v = &self->v;
	struct sockaddr_ll any = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
	};
	struct timeval wait = { .tv_sec = CKPT_WAIT_S };
	unsigned char frame[256];
	ssize_t len;
	int fd;
	long ret;

	end_outside(_metadata, v);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bind(fd, (void *)&any, sizeof(any)));
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait,
				sizeof(wait)));
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	while (heard != 7) {
		len = recv(fd, frame, sizeof(frame), 0);
		ASSERT_LE(0, len) TH_LOG("heard only 0x%x", heard);
		for (i = 0; i < ARRAY_SIZE(ips); i++)
			if (announces(frame, len, ips[i]))
				heard |= 1U << i;
	}
	close(fd);
	ckpt_finish(v);
	ckpt_end(v);
}

CKPT_VICTIM(has_far_veth)
{
	own_net();
	REQUIRE(!net_pair("eth0", "far0", 100) && !close(100));
	ckpt_ready();
	CHECK(if_nametoindex("eth0"));
}

/* Is it in what is said of devices? */
static bool has_text(struct image *image, const char *text)
{
	struct ckpt_hdr_net_data *h;
	unsigned int i;

	for (i = 0; image_find(image, CKPT_HDR_NET_DATA, i); i++) {
		h = image_at(image, CKPT_HDR_NET_DATA, i);
		if (memmem(h, h->h.len, text, strlen(text)))
			return true;
	}
	return false;
}

/* Of a network that the caller is not in, the image says nothing. */
DRIVER_TEST(veth_far)
{
	struct ckpt_victim *v = &self->v;
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct image image;
	long ret;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ckpt_pass(fd, 100);
	ckpt_start(v, "has_far_veth", CKPT_CONTAINER);
	close(fd);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	EXPECT_TRUE(has_text(&image, "eth0"));
	EXPECT_FALSE(has_text(&image, "far0"));
	image_free(&image);
	EXPECT_EQ(-EINVAL, ckpt_restart(v, 0));
	EXPECT_TRUE(ckpt_logged(v, "say with --veth"));
	v->veth = (struct restart_veth){ "eth0", "near0", "" };
	v->nr_veths = 1;
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	EXPECT_TRUE(if_nametoindex("near0"));
	ckpt_finish(v);
	ckpt_end(v);
}

/* ------------------------------------------------------- broken images */

CKPT_VICTIM(small_net)
{
	own_net();
	REQUIRE(!net_up("lo", true));
	REQUIRE(!net_pair("veth0", "veth1", -1));
	REQUIRE(!make_u16("vlan5", "vlan", "veth0", IFLA_VLAN_ID, 5));
	REQUIRE(!net_up("veth0", true));
	REQUIRE(!net_addr("veth0", "10.0.0.1", 24, 0));
	REQUIRE(!route("10.9.0.0", 16, "10.0.0.9", "veth0", RTN_UNICAST,
		       RT_TABLE_MAIN, 0));
	ckpt_ready();
}

/* Bytes of a record that are changed, one at a time */
#define BROKEN_BYTES	7

CKPT_VICTIM(has_three_addresses)
{
	own_net();
	REQUIRE(!net_up("lo", true));
	REQUIRE(!net_addr("lo", "fd00::1", 128, 0));
	REQUIRE(!net_addr("lo", "fd00::2", 128, 0));
	REQUIRE(!net_addr("lo", "fd00::3", 128, 0));
	ckpt_ready();
}

static void *attribute(struct nlmsghdr *nlh, int type)
{
	struct rtattr *a = IFA_RTA(NLMSG_DATA(nlh));
	int len = IFA_PAYLOAD(nlh);

	for (; RTA_OK(a, len); a = RTA_NEXT(a, len))
		if (a->rta_type == type)
			return RTA_DATA(a);
	return NULL;
}

/* All global ones of a section become the first, temporary every other time. */
static unsigned int make_one_of_three(struct ckpt_hdr_net_data *h)
{
	struct nlmsghdr *nlh = (void *)h->data;
	unsigned char *addr, *first = NULL;
	unsigned int len = h->size, n = 0;
	uint32_t *flags;

	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		addr = attribute(nlh, IFA_ADDRESS);
		flags = attribute(nlh, IFA_FLAGS);
		if (!addr || !flags || addr[0] != 0xfd)
			continue;
		first = first ?: addr;
		memmove(addr, first, 16);
		if (n++ % 2)
			*flags &= ~IFA_F_TEMPORARY;
		else
			*flags |= IFA_F_TEMPORARY;
	}
	return n;
}

/* An address is on the list of temporary ones once, and stays there. */
DRIVER_TEST(temporary_twice)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_net_data *h;
	unsigned int nr, found = 0;
	struct image image;

	ckpt_start(v, "has_three_addresses", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (nr = 0; image_find(&image, CKPT_HDR_NET_DATA, nr); nr++) {
		h = image_at(&image, CKPT_HDR_NET_DATA, nr);
		if (h->section == CKPT_NET_ADDR6)
			found += make_one_of_three(h);
	}
	EXPECT_EQ(3, found);
	/* whatever is said of that: its network can be taken down */
	if (image_restart(v, &image) > 0)
		ckpt_kill(v);
	image_free(&image);
	ckpt_restart_finish(v);
}

/* Whatever is wrong is refused, or else it is what could be done by hand. */
DRIVER_TEST(broken_data)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_net_data *h;
	struct image image;
	unsigned int i, nr;
	size_t at;

	ckpt_start(v, "small_net", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (nr = 0; image_find(&image, CKPT_HDR_NET_DATA, nr); nr++) {
		h = image_at(&image, CKPT_HDR_NET_DATA, nr);
		for (i = 0; i < BROKEN_BYTES; i++) {
			at = h->h.len * i / BROKEN_BYTES;
			at = at < 8 ? 8 + i : at + i % 4;
			image_try_flipped(v, &image, (char *)h + at, 0x41);
		}
	}
	EXPECT_LT(5, nr);
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
