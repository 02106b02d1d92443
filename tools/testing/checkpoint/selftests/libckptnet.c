// SPDX-License-Identifier: GPL-2.0
/* Networks for tests, as libckptnet.h has it. */
#define LIBCKPTTEST_INTERNAL
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_addrlabel.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

void net_begin(struct net_msg *m, int type, int flags, const void *hdr,
	       size_t len)
{
	memset(m, 0, sizeof(*m));
	m->nlh.nlmsg_type = type;
	m->nlh.nlmsg_flags = NLM_F_REQUEST | flags;
	m->nlh.nlmsg_len = NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(&m->nlh), hdr, len);
}

void net_link(struct net_msg *m, int type, int flags, int index)
{
	struct ifinfomsg ifm = { .ifi_index = index };

	net_begin(m, type, flags, &ifm, sizeof(ifm));
}

void net_put(struct net_msg *m, int type, const void *data, size_t len)
{
	struct rtattr *a = (void *)m + NLMSG_ALIGN(m->nlh.nlmsg_len);

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	m->nlh.nlmsg_len = NLMSG_ALIGN(m->nlh.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

void net_put_u8(struct net_msg *m, int type, uint8_t value)
{
	net_put(m, type, &value, sizeof(value));
}

void net_put_u16(struct net_msg *m, int type, uint16_t value)
{
	net_put(m, type, &value, sizeof(value));
}

void net_put_u32(struct net_msg *m, int type, uint32_t value)
{
	net_put(m, type, &value, sizeof(value));
}

void net_put_str(struct net_msg *m, int type, const char *text)
{
	net_put(m, type, text, strlen(text) + 1);
}

struct rtattr *net_nest(struct net_msg *m, int type)
{
	struct rtattr *a = (void *)m + NLMSG_ALIGN(m->nlh.nlmsg_len);

	net_put(m, type | NLA_F_NESTED, NULL, 0);
	return a;
}

void net_nest_end(struct net_msg *m, struct rtattr *nest)
{
	nest->rta_len = (char *)m + m->nlh.nlmsg_len - (char *)nest;
}

static int net_socket(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int one = 1;

	if (fd >= 0 && protocol == NETLINK_ROUTE)
		setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one,
			   sizeof(one));
	return fd;
}

int net_talk_to(int protocol, struct net_msg *m)
{
	char buf[8192];
	struct nlmsghdr *nlh = (void *)buf;
	struct nlmsgerr *e = NLMSG_DATA(nlh);
	int fd = net_socket(protocol), err = -EIO;
	ssize_t n;

	if (fd < 0)
		return -errno;
	m->nlh.nlmsg_flags |= NLM_F_ACK;
	if (send(fd, m, m->nlh.nlmsg_len, 0) < 0) {
		err = -errno;
	} else {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n >= (ssize_t)NLMSG_LENGTH(sizeof(*e)) &&
		    nlh->nlmsg_type == NLMSG_ERROR)
			err = e->error;
	}
	close(fd);
	return err;
}

int net_talk(struct net_msg *m)
{
	return net_talk_to(NETLINK_ROUTE, m);
}

int net_up(const char *name, bool up)
{
	struct ifinfomsg ifm = {
		.ifi_index = if_nametoindex(name),
		.ifi_flags = up ? IFF_UP : 0,
		.ifi_change = IFF_UP,
	};
	struct net_msg m;

	net_begin(&m, RTM_NEWLINK, 0, &ifm, sizeof(ifm));
	return net_talk(&m);
}

int net_addr(const char *name, const char *addr, int prefix, uint32_t flags)
{
	struct ifaddrmsg ifa = {
		.ifa_family = strchr(addr, ':') ? AF_INET6 : AF_INET,
		.ifa_prefixlen = prefix,
		.ifa_index = if_nametoindex(name),
	};
	size_t len = ifa.ifa_family == AF_INET ? 4 : 16;
	struct net_msg m;
	char bytes[16];

	inet_pton(ifa.ifa_family, addr, bytes);
	net_begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &ifa,
		  sizeof(ifa));
	net_put(&m, IFA_LOCAL, bytes, len);
	net_put(&m, IFA_ADDRESS, bytes, len);
	if (flags)
		net_put_u32(&m, IFA_FLAGS, flags);
	return net_talk(&m);
}

int net_make(const char *name, const char *kind, int index)
{
	struct rtattr *info;
	struct net_msg m;

	net_link(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, index);
	net_put_str(&m, IFLA_IFNAME, name);
	info = net_nest(&m, IFLA_LINKINFO);
	net_put_str(&m, IFLA_INFO_KIND, kind);
	net_nest_end(&m, info);
	return net_talk(&m);
}

int net_master(const char *name, const char *master)
{
	struct net_msg m;

	net_link(&m, RTM_NEWLINK, 0, if_nametoindex(name));
	net_put_u32(&m, IFLA_MASTER, if_nametoindex(master));
	return net_talk(&m);
}

int net_pair(const char *name, const char *peer, int fd)
{
	struct rtattr *info, *data, *other;
	struct ifinfomsg ifm = {};
	struct net_msg m;

	net_link(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	net_put_str(&m, IFLA_IFNAME, name);
	info = net_nest(&m, IFLA_LINKINFO);
	net_put_str(&m, IFLA_INFO_KIND, "veth");
	data = net_nest(&m, IFLA_INFO_DATA);
	other = net_nest(&m, VETH_INFO_PEER);
	memcpy((char *)&m + m.nlh.nlmsg_len, &ifm, sizeof(ifm));
	m.nlh.nlmsg_len += sizeof(ifm);
	net_put_str(&m, IFLA_IFNAME, peer);
	if (fd >= 0)
		net_put_u32(&m, IFLA_NET_NS_FD, fd);
	net_nest_end(&m, other);
	net_nest_end(&m, data);
	net_nest_end(&m, info);
	return net_talk(&m);
}

static bool settled(const char *name)
{
	FILE *f = fopen("/proc/net/if_inet6", "r");
	unsigned int index, len, scope, flags;
	char addr[33], dev[32];
	bool own = !name, all = true;

	while (f && fscanf(f, "%32s %x %x %x %x %31s", addr, &index, &len,
			   &scope, &flags, dev) == 6) {
		if (flags & IFA_F_TENTATIVE)
			all = false;
		if (name && !strcmp(dev, name) && !strncmp(addr, "fe80", 4))
			own = true;
	}
	if (f)
		fclose(f);
	return own && all;
}

int net_this(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	REQUIRE(fd >= 0);
	return fd;
}

void net_enter(int net)
{
	REQUIRE(!setns(net, CLONE_NEWNET));
}

static void row_dev(const char *name, const char *addr)
{
	REQUIRE(!net_up(name, true));
	REQUIRE(!net_addr(name, addr, 24, 0));
}

void net_row(const int net[3], const char * const addr[4])
{
	net_enter(net[1]);
	REQUIRE(!net_pair("left", "dev0", net[0]));
	REQUIRE(!net_pair("right", "dev0", net[2]));
	REQUIRE(!ckpt_write_file("/proc/sys/net/ipv4/ip_forward", "1"));
	net_enter(net[0]);
	row_dev("dev0", addr[0]);
	net_enter(net[2]);
	row_dev("dev0", addr[3]);
	net_enter(net[1]);
	row_dev("left", addr[1]);
	row_dev("right", addr[2]);
}

void net_settle(const char *name)
{
	CKPT_WAIT_FOR(settled(name));
}

void net_own(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
	net_settle(NULL);
}

bool net_running(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = {};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	REQUIRE(fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &ifr));
	close(fd);
	return ifr.ifr_flags & IFF_RUNNING;
}

int net_forbid(int type, int attach)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr load = {
		.prog_type = type, .expected_attach_type = attach,
		.insn_cnt = ARRAY_SIZE(insns),
		.insns = (uintptr_t)insns, .license = (uintptr_t)"GPL",
	};
	union bpf_attr link = { .link_create.attach_type = attach };
	int root, prog, fd;

	root = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	prog = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	link.link_create.prog_fd = prog;
	link.link_create.target_fd = root;
	fd = syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link));
	close(prog);
	close(root);
	return fd;
}

/* ----------------------------------------------------------- comparing */

/**
 * struct net_text - lines
 * @text: the text so far
 * @len: its length
 * @room: bytes there are
 */
struct net_text {
	char *text;
	size_t len;
	size_t room;
};

static void add_text(struct net_text *t, const char *text, size_t len)
{
	if (t->len + len + 1 > t->room) {
		t->room = (t->len + len + 1) * 2;
		t->text = realloc(t->text, t->room);
		if (!t->text)
			ckpt_give_up(__FILE__, __LINE__, "memory");
	}
	memcpy(t->text + t->len, text, len);
	t->len += len;
	t->text[t->len] = 0;
}

static void add_hex(struct net_text *t, const void *data, size_t len)
{
	const unsigned char *p = data;
	char hex[3];

	for (; len; len--, p++) {
		snprintf(hex, sizeof(hex), "%02x", *p);
		add_text(t, hex, 2);
	}
}

/* A kind of things: how to ask, and what is not to be compared */
static const struct net_kind {
	const char *name;
	int get;
	int family;
	size_t hdrlen;
	int proxy;
	int ignore[40];
} net_kinds[] = {
	{
		"link", RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg), 0,
		{ IFLA_STATS, IFLA_STATS64, IFLA_CARRIER_CHANGES,
		  IFLA_CARRIER_UP_COUNT, IFLA_CARRIER_DOWN_COUNT, IFLA_AF_SPEC,
		  IFLA_LINK_NETNSID, IFLA_PROMISCUITY,
		  IFLA_QDISC, IFLA_OPERSTATE },
	},
	{
		"addr4", RTM_GETADDR, AF_INET, sizeof(struct ifaddrmsg), 0,
		{ IFA_CACHEINFO },
	},
	{
		"addr6", RTM_GETADDR, AF_INET6, sizeof(struct ifaddrmsg), 0,
		{ IFA_CACHEINFO },
	},
	{ "label", RTM_GETADDRLABEL, AF_INET6, sizeof(struct ifaddrlblmsg) },
	{ "rule4", RTM_GETRULE, AF_INET, sizeof(struct fib_rule_hdr) },
	{ "rule6", RTM_GETRULE, AF_INET6, sizeof(struct fib_rule_hdr) },
	{ "nexthop", RTM_GETNEXTHOP, AF_UNSPEC, sizeof(struct nhmsg) },
	{ "route4", RTM_GETROUTE, AF_INET, sizeof(struct rtmsg) },
	{
		"route6", RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg), 0,
		{ RTA_CACHEINFO },
	},
	{
		"neigh4", RTM_GETNEIGH, AF_INET, sizeof(struct ndmsg), 0,
		{ NDA_CACHEINFO, NDA_PROBES },
	},
	{
		"neigh6", RTM_GETNEIGH, AF_INET6, sizeof(struct ndmsg), 0,
		{ NDA_CACHEINFO, NDA_PROBES },
	},
	{
		"fdb", RTM_GETNEIGH, AF_BRIDGE, sizeof(struct ndmsg), 0,
		{ NDA_CACHEINFO },
	},
	{
		"proxy4", RTM_GETNEIGH, AF_INET, sizeof(struct ndmsg),
		NTF_PROXY, { NDA_CACHEINFO, NDA_PROBES },
	},
	{
		"proxy6", RTM_GETNEIGH, AF_INET6, sizeof(struct ndmsg),
		NTF_PROXY, { NDA_CACHEINFO, NDA_PROBES },
	},
	{ "brvlan", RTM_GETVLAN, AF_BRIDGE, sizeof(struct br_vlan_msg), 0 },
};

/* The index of a peer is another namespace's. */
static bool has_peer(struct rtattr *a, int left)
{
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == IFLA_LINK_NETNSID)
			return true;
	return false;
}

static bool ignored(const struct net_kind *k, int type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(k->ignore); i++)
		if (type && k->ignore[i] == type)
			return true;
	return false;
}

/* What a port of a bridge is told, and its state, and not what it learned */
static bool port_option(int type)
{
	switch (type) {
	case IFLA_BRPORT_STATE ... IFLA_BRPORT_UNICAST_FLOOD:
	case IFLA_BRPORT_PROXYARP:
	case IFLA_BRPORT_PROXYARP_WIFI:
	case IFLA_BRPORT_MCAST_FLOOD ... IFLA_BRPORT_NEIGH_SUPPRESS:
	case IFLA_BRPORT_ISOLATED:
	case IFLA_BRPORT_LOCKED:
	case IFLA_BRPORT_MCAST_MAX_GROUPS:
	case IFLA_BRPORT_NEIGH_VLAN_SUPPRESS:
		return true;
	}
	return false;
}

/* Which kind of device, and how it was made; not the timers of a bridge */
static void add_info(struct net_text *t, struct rtattr *info)
{
	struct rtattr *a = RTA_DATA(info), *b;
	int left = RTA_PAYLOAD(info), inner, type;
	bool bridge = false, port = false, ours;
	char text[32];

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		type = a->rta_type & NLA_TYPE_MASK;
		if (type == IFLA_INFO_KIND) {
			bridge = !strcmp(RTA_DATA(a), "bridge");
			add_text(t, RTA_DATA(a), strlen(RTA_DATA(a)));
		}
		if (type == IFLA_INFO_SLAVE_KIND)
			port = !strcmp(RTA_DATA(a), "bridge");
		if (type != IFLA_INFO_DATA &&
		    (type != IFLA_INFO_SLAVE_DATA || !port))
			continue;
		ours = type == IFLA_INFO_SLAVE_DATA;
		inner = RTA_PAYLOAD(a);
		for (b = RTA_DATA(a); RTA_OK(b, inner);
		     b = RTA_NEXT(b, inner)) {
			type = b->rta_type & NLA_TYPE_MASK;
			if (ours && !port_option(type))
				continue;
			if (!ours && bridge &&
			    ((type >= IFLA_BR_ROOT_ID &&
			      type <= IFLA_BR_GC_TIMER) ||
			     type == IFLA_BR_MCAST_QUERIER_STATE ||
			     type == IFLA_BR_FDB_N_LEARNED))
				continue;
			snprintf(text, sizeof(text), ",%d=", type);
			add_text(t, text, strlen(text));
			add_hex(t, RTA_DATA(b), RTA_PAYLOAD(b));
		}
	}
}

static void add_msg(struct net_text *t, const struct net_kind *k,
		    struct nlmsghdr *nlh)
{
	struct rtattr *a = (void *)NLMSG_DATA(nlh) + NLMSG_ALIGN(k->hdrlen);
	int left = nlh->nlmsg_len - NLMSG_LENGTH(NLMSG_ALIGN(k->hdrlen));
	struct ndmsg *ndm = NLMSG_DATA(nlh);
	bool peer = k->get == RTM_GETLINK && has_peer(a, left);
	char text[32];

	/* what the kernel has for what needs no neighbour */
	if (k->get == RTM_GETNEIGH && k->family != AF_BRIDGE &&
	    (ndm->ndm_state & NUD_NOARP))
		return;
	/* what a bridge has learned */
	if (k->get == RTM_GETNEIGH && k->family == AF_BRIDGE &&
	    !(ndm->ndm_state & NUD_PERMANENT))
		return;
	add_text(t, k->name, strlen(k->name));
	add_text(t, " ", 1);
	add_hex(t, NLMSG_DATA(nlh), k->hdrlen);
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (ignored(k, a->rta_type & NLA_TYPE_MASK) ||
		    (peer && a->rta_type == IFLA_LINK))
			continue;
		snprintf(text, sizeof(text), " %d:",
			 a->rta_type & NLA_TYPE_MASK);
		add_text(t, text, strlen(text));
		if (k->get == RTM_GETLINK && a->rta_type == IFLA_LINKINFO)
			add_info(t, a);
		else
			add_hex(t, RTA_DATA(a), RTA_PAYLOAD(a));
	}
	add_text(t, "\n", 1);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order of what is kept in a hash, or in no order, says nothing. */
static void sort_from(struct net_text *t, size_t from)
{
	char *copy = strdup(t->text ? t->text + from : ""), *next = copy, *line;
	size_t nr = 0, i;
	char **lines;

	for (i = from; i < t->len; i++)
		nr += t->text[i] == '\n';
	lines = calloc(nr + 1, sizeof(*lines));
	if (!copy || !lines)
		ckpt_give_up(__FILE__, __LINE__, "memory");
	nr = 0;
	while ((line = strsep(&next, "\n")))
		if (*line)
			lines[nr++] = line;
	qsort(lines, nr, sizeof(*lines), compare);
	t->len = from;
	for (i = 0; i < nr; i++) {
		add_text(t, lines[i], strlen(lines[i]));
		add_text(t, "\n", 1);
	}
	free(lines);
	free(copy);
}

static void look_at(struct net_text *t, const struct net_kind *k)
{
	static char buf[65536];
	struct net_msg m;
	struct nlmsghdr *nlh;
	char hdr[32] = { k->family };
	int fd = net_socket(NETLINK_ROUTE);
	ssize_t n;

	if (k->proxy)
		((struct ndmsg *)hdr)->ndm_flags = k->proxy;
	net_begin(&m, k->get, NLM_F_DUMP, hdr, k->hdrlen);
	if (fd < 0 || send(fd, &m, m.nlh.nlmsg_len, 0) < 0)
		ckpt_give_up(__FILE__, __LINE__, k->name);
	for (;;) {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n <= 0)
			ckpt_give_up(__FILE__, __LINE__, k->name);
		for (nlh = (void *)buf; NLMSG_OK(nlh, n);
		     nlh = NLMSG_NEXT(nlh, n)) {
			if (nlh->nlmsg_type == NLMSG_DONE ||
			    nlh->nlmsg_type == NLMSG_ERROR) {
				close(fd);
				return;
			}
			add_msg(t, k, nlh);
		}
	}
}

static void keep(struct net_got *g, const void *data, size_t len)
{
	REQUIRE(g->len + len <= sizeof(g->data));
	memcpy(g->data + g->len, data, len);
	g->len += len;
}

struct net_got *net_receive(int fd)
{
	struct net_got *g = calloc(1, sizeof(*g));
	char buf[8192], control[512];
	struct sockaddr_storage from;
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = {
		.msg_name = &from, .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control,
	};
	ssize_t n;

	REQUIRE(g);
	for (;;) {
		memset(control, 0, sizeof(control));
		msg.msg_namelen = sizeof(from);
		msg.msg_controllen = sizeof(control);
		n = recvmsg(fd, &msg, 0);
		if (n < 0)
			break;
		g->nr++;
		keep(g, &n, sizeof(n));
		keep(g, buf, n);
		keep(g, &from, msg.msg_namelen);
		keep(g, control, msg.msg_controllen);
	}
	CHECK_EQ(errno, EAGAIN);
	return g;
}

char *net_look(void)
{
	struct net_text t = {};
	unsigned int i;
	size_t from;

	for (i = 0; i < ARRAY_SIZE(net_kinds); i++) {
		from = t.len;
		look_at(&t, &net_kinds[i]);
		if (net_kinds[i].get == RTM_GETNEIGH ||
		    net_kinds[i].get == RTM_GETROUTE)
			sort_from(&t, from);
	}
	return t.text;
}

void net_same(char *before)
{
	uint64_t end = ckpt_now() + 20 * 1000000000ULL;
	char *now = net_look(), *a = before, *b;
	size_t i = 0, line = 0, from;

	/* what follows from that a device is up takes a moment */
	while (strcmp(before, now) && ckpt_now() < end) {
		free(now);
		ckpt_pause();
		now = net_look();
	}
	b = now;
	while (a[i] && a[i] == b[i]) {
		if (a[i] == '\n')
			line = i + 1;
		i++;
	}
	if (a[i] != b[i]) {
		/* a message has some hundred bytes: from where it differs */
		from = i > line + 40 ? i - 40 : line;
		ckpt_fail(__FILE__, __LINE__, "%.40s: was %.100s, is %.100s",
			  a + line, a + from, b + from);
	}
	free(before);
	free(now);
}
