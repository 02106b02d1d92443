// SPDX-License-Identifier: GPL-2.0
/* Filters of qdiscs and classes, and their actions. */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_skbedit.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INGRESS		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define EGRESS		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

static int qdisc(const char *dev, const char *kind, uint32_t handle,
		 uint32_t parent)
{
	struct tcmsg tcm = {
		.tcm_ifindex = if_nametoindex(dev), .tcm_handle = handle,
		.tcm_parent = parent,
	};
	struct tc_htb_glob glob = {
		.version = TC_HTB_PROTOVER, .rate2quantum = 10,
	};
	struct rtattr *options;
	struct net_msg m;

	net_begin(&m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &tcm,
		  sizeof(tcm));
	net_put_str(&m, TCA_KIND, kind);
	if (!strcmp(kind, "htb")) {
		options = net_nest(&m, TCA_OPTIONS);
		net_put(&m, TCA_HTB_INIT, &glob, sizeof(glob));
		net_nest_end(&m, options);
	}
	return net_talk(&m);
}

static int class(const char *dev, uint32_t handle)
{
	struct tcmsg tcm = {
		.tcm_ifindex = if_nametoindex(dev), .tcm_handle = handle,
		.tcm_parent = TC_H_MAJ(handle),
	};
	struct tc_htb_opt opt = {
		.rate = {
			.rate = 1000000, .linklayer = TC_LINKLAYER_ETHERNET,
		},
		.ceil = {
			.rate = 1000000, .linklayer = TC_LINKLAYER_ETHERNET,
		},
		.buffer = 50000, .cbuffer = 60000, .quantum = 1500,
	};
	struct rtattr *options;
	struct net_msg m;

	net_begin(&m, RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_EXCL, &tcm,
		  sizeof(tcm));
	net_put_str(&m, TCA_KIND, "htb");
	options = net_nest(&m, TCA_OPTIONS);
	net_put(&m, TCA_HTB_PARMS, &opt, sizeof(opt));
	net_nest_end(&m, options);
	return net_talk(&m);
}

/* Begin a filter; what it is follows, and then talk(). */
static struct rtattr *begin(struct net_msg *m, const char *dev, uint32_t parent,
			    int prio, int protocol, uint32_t handle,
			    const char *kind, uint32_t chain)
{
	struct tcmsg tcm = {
		.tcm_ifindex = if_nametoindex(dev), .tcm_handle = handle,
		.tcm_parent = parent,
		.tcm_info = (uint32_t)prio << 16 | htons(protocol),
	};

	net_begin(m, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &tcm,
		  sizeof(tcm));
	net_put_str(m, TCA_KIND, kind);
	if (chain)
		net_put_u32(m, TCA_CHAIN, chain);
	return net_nest(m, TCA_OPTIONS);
}

static int talk(struct net_msg *m, struct rtattr *options)
{
	net_nest_end(m, options);
	return net_talk(m);
}

/* One action; of several each has its own number. */
static void action(struct net_msg *m, int nr, const char *kind, int type,
		   const void *parms, size_t len)
{
	struct rtattr *one = net_nest(m, nr), *options;

	net_put_str(m, TCA_ACT_KIND, kind);
	net_put(m, TCA_ACT_COOKIE, "biscuit", 8);
	options = net_nest(m, TCA_ACT_OPTIONS);
	net_put(m, type, parms, len);
	if (!strcmp(kind, "skbedit"))
		net_put_u32(m, TCA_SKBEDIT_MARK, 77);
	net_nest_end(m, options);
	net_nest_end(m, one);
}

static void gact(struct net_msg *m, int type, uint32_t index, int what)
{
	struct tc_gact parms = { .index = index, .action = what };
	struct rtattr *all = net_nest(m, type);

	action(m, 1, "gact", TCA_GACT_PARMS, &parms, sizeof(parms));
	net_nest_end(m, all);
}

static void edit_and_mirror(struct net_msg *m, int type, const char *to)
{
	struct tc_skbedit edit = { .index = 5, .action = TC_ACT_PIPE };
	struct tc_mirred mirror = {
		.index = 9, .action = TC_ACT_PIPE,
		.eaction = TCA_EGRESS_MIRROR,
		.ifindex = if_nametoindex(to),
	};
	struct rtattr *all = net_nest(m, type);

	action(m, 1, "skbedit", TCA_SKBEDIT_PARMS, &edit, sizeof(edit));
	action(m, 2, "mirred", TCA_MIRRED_PARMS, &mirror, sizeof(mirror));
	net_nest_end(m, all);
}

/* --------------------------------------------------- what there is of them */

static char *text_add(char *at, const char *name, const void *data, size_t len)
{
	const unsigned char *p = data;

	at += sprintf(at, " %s=", name);
	while (len--)
		at += sprintf(at, "%02x", *p++);
	return at;
}

static char *show_actions(char *at, struct rtattr *all)
{
	struct rtattr *one = RTA_DATA(all), *a, *b;
	int left = RTA_PAYLOAD(all), in, inner;

	for (; RTA_OK(one, left); one = RTA_NEXT(one, left)) {
		at += sprintf(at, " action %d", one->rta_type & NLA_TYPE_MASK);
		in = RTA_PAYLOAD(one);
		for (a = RTA_DATA(one); RTA_OK(a, in); a = RTA_NEXT(a, in)) {
			switch (a->rta_type & NLA_TYPE_MASK) {
			case TCA_ACT_KIND:
			case TCA_ACT_COOKIE:
				at = text_add(at, "a", RTA_DATA(a),
					      RTA_PAYLOAD(a));
				break;
			case TCA_ACT_OPTIONS:
				inner = RTA_PAYLOAD(a);
				/* what comes first are times */
				for (b = RTA_DATA(a); RTA_OK(b, inner);
				     b = RTA_NEXT(b, inner))
					if (b->rta_type > 1)
						at = text_add(at, "o",
							      RTA_DATA(b),
							      RTA_PAYLOAD(b));
				break;
			}
		}
	}
	return at;
}

static char *show(char *at, struct nlmsghdr *nlh)
{
	struct rtattr *a = (void *)NLMSG_DATA(nlh) + sizeof(struct tcmsg), *b;
	int left = nlh->nlmsg_len - NLMSG_LENGTH(sizeof(struct tcmsg)), in;
	const char *kind = "";
	int act, drop;

	at = text_add(at, "filter", NLMSG_DATA(nlh), sizeof(struct tcmsg));
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == TCA_KIND)
			kind = RTA_DATA(a);
		if (a->rta_type == TCA_CHAIN || a->rta_type == TCA_KIND)
			at = text_add(at, "t", RTA_DATA(a), RTA_PAYLOAD(a));
		if (a->rta_type != TCA_OPTIONS)
			continue;
		act = !strcmp(kind, "u32") ? TCA_U32_ACT :
		      !strcmp(kind, "flower") ? TCA_FLOWER_ACT :
		      !strcmp(kind, "matchall") ? TCA_MATCHALL_ACT :
		      !strcmp(kind, "fw") ? TCA_FW_ACT : TCA_BASIC_ACT;
		drop = !strcmp(kind, "matchall") ? TCA_MATCHALL_PCNT :
		       !strcmp(kind, "basic") ? TCA_BASIC_PCNT : -1;
		in = RTA_PAYLOAD(a);
		for (b = RTA_DATA(a); RTA_OK(b, in); b = RTA_NEXT(b, in)) {
			at += sprintf(at, " %d:", b->rta_type & NLA_TYPE_MASK);
			if ((b->rta_type & NLA_TYPE_MASK) == act)
				at = show_actions(at, b);
			else if (b->rta_type != drop)
				at = text_add(at, "v", RTA_DATA(b),
					      RTA_PAYLOAD(b));
		}
	}
	return at + sprintf(at, "\n");
}

static char *list(char *at, const char *dev, uint32_t parent)
{
	struct tcmsg tcm = {
		.tcm_ifindex = if_nametoindex(dev), .tcm_parent = parent,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), left;
	struct nlmsghdr *nlh;
	struct net_msg m;
	char buf[32768];
	bool more = true;

	REQUIRE(fd >= 0);
	net_begin(&m, RTM_GETTFILTER, NLM_F_DUMP, &tcm, sizeof(tcm));
	REQUIRE(send(fd, &m, m.nlh.nlmsg_len, 0) > 0);
	while (more) {
		left = recv(fd, buf, sizeof(buf), 0);
		REQUIRE(left > 0);
		for (nlh = (void *)buf; NLMSG_OK(nlh, left);
		     nlh = NLMSG_NEXT(nlh, left)) {
			more = nlh->nlmsg_type != NLMSG_DONE &&
			       nlh->nlmsg_type != NLMSG_ERROR;
			if (more)
				at = show(at, nlh);
		}
	}
	close(fd);
	return at;
}

/* Wait with what is there, and find the same in the other life. */
static void same(const char *dev, const uint32_t *parents, int nr)
{
	static char was[65536], is[65536];
	char *a = was, *b = is, *save_a, *save_b;
	int i;

	for (i = 0; i < nr; i++)
		a = list(a, dev, parents[i]);
	REQUIRE(a > was);
	ckpt_ready();
	for (i = 0; i < nr; i++)
		b = list(b, dev, parents[i]);
	for (a = strtok_r(was, "\n", &save_a), b = strtok_r(is, "\n", &save_b);
	     a && b && !strcmp(a, b); a = strtok_r(NULL, "\n", &save_a),
	     b = strtok_r(NULL, "\n", &save_b))
		;
	if (a || b)
		ckpt_fail(__FILE__, __LINE__, "was %s, is %s", a ?: "-",
			  b ?: "-");
}

static void devices(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_make("dm1", "dummy", 0));
	REQUIRE(!net_up("dm0", true) && !net_up("dm1", true));
}

/* ------------------------------------------------------------------ u32 */

/* A key that matches the word at @off of the packet; @hash: buckets by it */
struct sel {
	struct tc_u32_sel sel;
	struct tc_u32_key key;
};

static int u32_table(uint32_t parent, int prio, uint32_t id, uint32_t size)
{
	struct net_msg m;
	struct rtattr *o = begin(&m, "dm0", parent, prio, ETH_P_IP, id, "u32",
				 0);

	net_put_u32(&m, TCA_U32_DIVISOR, size);
	return talk(&m, o);
}

static int u32_key(uint32_t parent, int prio, uint32_t handle, uint32_t table,
		   uint32_t classid, uint32_t link, uint32_t value)
{
	struct sel sel = {
		.sel.flags = link ? 0 : TC_U32_TERMINAL, .sel.nkeys = 1,
		.sel.hmask = link ? htonl(0xff) : 0, .sel.hoff = link ? 16 : 0,
		.key = {
			.mask = htonl(0xffffff00), .val = htonl(value),
			.off = 16,
		},
	};
	struct net_msg m;
	struct rtattr *o = begin(&m, "dm0", parent, prio, ETH_P_IP, handle,
				 "u32", 0);

	if (classid)
		net_put_u32(&m, TCA_U32_CLASSID, classid);
	if (table)
		net_put_u32(&m, TCA_U32_HASH, table);
	if (link)
		net_put_u32(&m, TCA_U32_LINK, link);
	net_put(&m, TCA_U32_SEL, &sel, sizeof(sel));
	return talk(&m, o);
}

CKPT_TEST(u32)
{
	static const uint32_t parents[] = { 0x10000 };

	devices();
	if (qdisc("dm0", "htb", 0x10000, TC_H_ROOT))
		ckpt_skip("no htb");
	REQUIRE(!class("dm0", 0x10020) && !class("dm0", 0x10021));
	/* the second priority is made first, and its table comes first */
	if (u32_key(0x10000, 20, 0, 0, 0x10021, 0, 0x0a000200))
		ckpt_skip("no u32");
	REQUIRE(!u32_table(0x10000, 10, 0x00700000, 256));
	REQUIRE(!u32_table(0x10000, 10, 0x00300000, 16));
	/* into buckets of these tables, some with numbers of their own */
	REQUIRE(!u32_key(0x10000, 10, 0, 0x00705000, 0x10020, 0, 0x0a000105));
	REQUIRE(!u32_key(0x10000, 10, 0x123, 0x00706000, 0x10021, 0,
			 0x0a000106));
	REQUIRE(!u32_key(0x10000, 10, 0x77, 0x00302000, 0x10020, 0,
			 0x0a000302));
	/* and from the first one to them */
	REQUIRE(!u32_key(0x10000, 10, 0, 0, 0, 0x00700000, 0x0a000100));
	REQUIRE(!u32_key(0x10000, 10, 0x801, 0, 0, 0x00300000, 0x0a000300));
	same("dm0", parents, ARRAY_SIZE(parents));
}

/* --------------------------------------------------------------- others */

CKPT_TEST(clsact)
{
	static const uint32_t parents[] = { INGRESS, EGRESS };
	unsigned char mac[6] = { 2, 0, 0, 0, 0, 7 };
	unsigned char mask[6] = { 255, 255, 255, 255, 255, 0 };
	uint16_t type = htons(ETH_P_IP), port = htons(80);
	struct rtattr *o;
	struct net_msg m;
	uint32_t addr;
	uint8_t tcp = 6;

	devices();
	if (qdisc("dm0", "clsact", 0xffff0000, TC_H_CLSACT))
		ckpt_skip("no clsact");
	o = begin(&m, "dm0", INGRESS, 10, ETH_P_ALL, 1, "matchall", 0);
	gact(&m, TCA_MATCHALL_ACT, 7, TC_ACT_GOTO_CHAIN | 42);
	REQUIRE(!talk(&m, o));
	o = begin(&m, "dm0", INGRESS, 3, ETH_P_IP, 17, "flower", 42);
	net_put(&m, TCA_FLOWER_KEY_ETH_TYPE, &type, sizeof(type));
	net_put(&m, TCA_FLOWER_KEY_ETH_DST, mac, sizeof(mac));
	net_put(&m, TCA_FLOWER_KEY_ETH_DST_MASK, mask, sizeof(mask));
	net_put(&m, TCA_FLOWER_KEY_IP_PROTO, &tcp, sizeof(tcp));
	net_put(&m, TCA_FLOWER_KEY_TCP_DST, &port, sizeof(port));
	inet_pton(AF_INET, "10.1.2.3", &addr);
	net_put(&m, TCA_FLOWER_KEY_IPV4_SRC, &addr, sizeof(addr));
	edit_and_mirror(&m, TCA_FLOWER_ACT, "dm1");
	REQUIRE(!talk(&m, o));
	/* the action of the one above, too */
	o = begin(&m, "dm0", EGRESS, 10, ETH_P_ALL, 1, "matchall", 0);
	gact(&m, TCA_MATCHALL_ACT, 7, TC_ACT_GOTO_CHAIN | 42);
	REQUIRE(!talk(&m, o));
	o = begin(&m, "dm0", EGRESS, 20, ETH_P_ALL, 5, "basic", 0);
	gact(&m, TCA_BASIC_ACT, 11, TC_ACT_OK);
	REQUIRE(!talk(&m, o));
	same("dm0", parents, ARRAY_SIZE(parents));
}

/* Make a chain, or remove all of its filters. */
static int chain(int type, uint32_t parent, uint32_t index)
{
	struct tcmsg tcm = {
		.tcm_ifindex = if_nametoindex("dm0"), .tcm_parent = parent,
	};
	struct net_msg m;

	net_begin(&m, type, type == RTM_NEWCHAIN ? NLM_F_CREATE | NLM_F_EXCL :
						   0, &tcm, sizeof(tcm));
	net_put_u32(&m, TCA_CHAIN, index);
	return net_talk(&m);
}

/* Chains that were made by themselves, with a filter or without, and another */
CKPT_TEST(chains)
{
	static const uint32_t parents[] = { INGRESS, EGRESS };
	struct rtattr *o;
	struct net_msg m;
	int i;

	devices();
	if (qdisc("dm0", "clsact", 0xffff0000, TC_H_CLSACT))
		ckpt_skip("no clsact");
	if (chain(RTM_NEWCHAIN, INGRESS, 5))
		ckpt_skip("no chains");
	REQUIRE(!chain(RTM_NEWCHAIN, INGRESS, 0));
	REQUIRE(!chain(RTM_NEWCHAIN, EGRESS, 9));
	for (i = 5; i < 7; i++) {
		o = begin(&m, "dm0", INGRESS, 10, ETH_P_ALL, 1, "matchall", i);
		gact(&m, TCA_MATCHALL_ACT, i, TC_ACT_SHOT);
		REQUIRE(!talk(&m, o));
	}
	same("dm0", parents, ARRAY_SIZE(parents));
	/* one that is there cannot be made; the other one goes with its filter */
	for (i = 5; i < 7; i++)
		CHECK(!chain(RTM_DELTFILTER, INGRESS, i));
	CHECK_EQ(chain(RTM_NEWCHAIN, INGRESS, 0), -EEXIST);
	CHECK_EQ(chain(RTM_NEWCHAIN, INGRESS, 5), -EEXIST);
	CHECK_EQ(chain(RTM_NEWCHAIN, EGRESS, 9), -EEXIST);
	CHECK(!chain(RTM_NEWCHAIN, INGRESS, 6));
	CHECK(!chain(RTM_NEWCHAIN, EGRESS, 5));
}

CKPT_TEST(ingress)
{
	static const uint32_t parents[] = { 0xffff0000 };
	struct rtattr *o;
	struct net_msg m;

	devices();
	if (qdisc("dm0", "ingress", 0xffff0000, TC_H_INGRESS))
		ckpt_skip("no ingress");
	o = begin(&m, "dm0", 0xffff0000, 10, ETH_P_ALL, 1, "matchall", 0);
	gact(&m, TCA_MATCHALL_ACT, 0, TC_ACT_SHOT);
	REQUIRE(!talk(&m, o));
	same("dm0", parents, ARRAY_SIZE(parents));
}

CKPT_TEST(marks)
{
	static const uint32_t parents[] = { 0x10000 };
	struct rtattr *o;
	struct net_msg m;

	devices();
	if (qdisc("dm0", "htb", 0x10000, TC_H_ROOT))
		ckpt_skip("no htb");
	REQUIRE(!class("dm0", 0x10020));
	o = begin(&m, "dm0", 0x10000, 10, ETH_P_ALL, 0x23, "fw", 0);
	net_put_u32(&m, TCA_FW_MASK, 0xff);
	net_put_u32(&m, TCA_FW_CLASSID, 0x10020);
	if (talk(&m, o))
		ckpt_skip("no fw");
	same("dm0", parents, ARRAY_SIZE(parents));
}

/* ------------------------------------------------------------- effects */

/* What is dropped on its way in is dropped still, and all else is not. */
CKPT_TEST(drops)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(7777),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	uint16_t type = htons(ETH_P_IP), port = htons(7777);
	struct rtattr *o;
	struct net_msg m;
	uint8_t udp = 17;
	int in, out;
	char c;

	devices();
	if (qdisc("lo", "clsact", 0xffff0000, TC_H_CLSACT))
		ckpt_skip("no clsact");
	o = begin(&m, "lo", INGRESS, 1, ETH_P_IP, 1, "flower", 0);
	net_put(&m, TCA_FLOWER_KEY_ETH_TYPE, &type, sizeof(type));
	net_put(&m, TCA_FLOWER_KEY_IP_PROTO, &udp, sizeof(udp));
	net_put(&m, TCA_FLOWER_KEY_UDP_DST, &port, sizeof(port));
	gact(&m, TCA_FLOWER_ACT, 0, TC_ACT_SHOT);
	REQUIRE(!talk(&m, o));
	ckpt_ready();
	in = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	out = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(!bind(in, (void *)&sin, sizeof(sin)));
	CHECK_EQ(sendto(out, "x", 1, 0, (void *)&sin, sizeof(sin)), 1);
	CHECK_EQ(recv(in, &c, 1, 0), -1);
	close(in);
	sin.sin_port = htons(7778);
	in = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(!bind(in, (void *)&sin, sizeof(sin)));
	CHECK_EQ(sendto(out, "y", 1, 0, (void *)&sin, sizeof(sin)), 1);
	CHECK_EQ(recv(in, &c, 1, 0), 1);
}

/* --------------------------------------------------------------- refused */

/* Of three priorities the first is gone: nobody can make the others so. */
REFUSED(has_gaps, "u32 with hash tables that are not numbered one after the other")
{
	struct tcmsg tcm = {
		.tcm_parent = 0x10000,
		.tcm_info = 20U << 16 | htons(ETH_P_IP),
	};
	struct net_msg m;
	int i;

	devices();
	if (qdisc("dm0", "htb", 0x10000, TC_H_ROOT))
		ckpt_skip("no htb");
	for (i = 10; i < 40; i += 10)
		if (u32_key(0x10000, i, 0, 0, 0x10021, 0, 0x0a000200))
			ckpt_skip("no u32");
	tcm.tcm_ifindex = if_nametoindex("dm0");
	net_begin(&m, RTM_DELTFILTER, 0, &tcm, sizeof(tcm));
	REQUIRE(!net_talk(&m));
	ckpt_ready();
}

/* Each place lists the hash tables of both. */
REFUSED(has_places, "u32 in several places of a qdisc")
{
	devices();
	if (qdisc("dm0", "clsact", 0xffff0000, TC_H_CLSACT))
		ckpt_skip("no clsact");
	if (u32_key(INGRESS, 10, 0, 0, 0x10021, 0, 0x0a000200))
		ckpt_skip("no u32");
	REQUIRE(!u32_key(EGRESS, 10, 0, 0, 0x10021, 0, 0x0a000200));
	ckpt_ready();
}

REFUSED(has_action, "action gact that is there without a filter: not supported")
{
	struct tcamsg t = {};
	struct net_msg m;

	devices();
	net_begin(&m, RTM_NEWACTION, NLM_F_CREATE | NLM_F_EXCL, &t, sizeof(t));
	gact(&m, TCA_ACT_TAB, 3, TC_ACT_SHOT);
	if (net_talk(&m))
		ckpt_skip("no actions");
	ckpt_ready();
}

REFUSED(has_template, "flower as the template of a chain: not supported")
{
	struct tcmsg tcm = { .tcm_parent = INGRESS };
	uint16_t type = htons(ETH_P_IP);
	struct rtattr *o;
	struct net_msg m;

	devices();
	if (qdisc("dm0", "clsact", 0xffff0000, TC_H_CLSACT))
		ckpt_skip("no clsact");
	tcm.tcm_ifindex = if_nametoindex("dm0");
	net_begin(&m, RTM_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, &tcm,
		  sizeof(tcm));
	net_put_u32(&m, TCA_CHAIN, 5);
	net_put_str(&m, TCA_KIND, "flower");
	o = net_nest(&m, TCA_OPTIONS);
	net_put(&m, TCA_FLOWER_KEY_ETH_TYPE, &type, sizeof(type));
	if (talk(&m, o))
		ckpt_skip("no templates");
	ckpt_ready();
}

TEST_HARNESS_MAIN
