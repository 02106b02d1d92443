// SPDX-License-Identifier: GPL-2.0
/*
 * Entries of connection tracking: what ctnetlink tells of them, that a
 * connection through NAT goes on, and that one is known that another one, with
 * a helper, has announced.
 */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CT(type)	(NFNL_SUBSYS_CTNETLINK << 8 | (type))
#define EXP(type)	(NFNL_SUBSYS_CTNETLINK_EXP << 8 | (type))
#define NFT(type)	(NFNL_SUBSYS_NFTABLES << 8 | (type))

static int nf_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0)
		ckpt_skip("nfnetlink: %m");
	return fd;
}

static void begin(struct net_msg *m, int type, int flags, int family, int res)
{
	struct nfgenmsg nfg = { .nfgen_family = family, .res_id = htons(res) };

	net_begin(m, type, flags, &nfg, sizeof(nfg));
}

static void put_be32(struct net_msg *m, int type, uint32_t value)
{
	net_put_u32(m, type, htonl(value));
}

static void put_be16(struct net_msg *m, int type, uint16_t value)
{
	value = htons(value);
	net_put(m, type, &value, sizeof(value));
}

/* ------------------------------------------------------- looking at them */

#define ENTRIES_MAX	1024

/**
 * struct entry - what is told of an entry
 * @len: length of @data
 * @data: its attributes, but those that no two looks have in common
 */
struct entry {
	size_t len;
	unsigned char data[512];
};

/**
 * struct look - all entries
 * @nr: how many
 * @packets: that were counted
 * @entry: each of them
 */
struct look {
	int nr;
	uint64_t packets;
	struct entry entry[ENTRIES_MAX];
};

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->len != y->len ? (int)x->len - (int)y->len :
	       memcmp(x->data, y->data, x->len);
}

static void count(struct look *l, struct rtattr *nest)
{
	struct rtattr *a = RTA_DATA(nest);
	int left = RTA_PAYLOAD(nest);
	uint64_t value;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if ((a->rta_type & NLA_TYPE_MASK) != CTA_COUNTERS_PACKETS)
			continue;
		memcpy(&value, RTA_DATA(a), sizeof(value));
		l->packets += be64toh(value);
	}
}

/* Whether the last bytes are on their way is of this moment. */
static void forget_moment(struct rtattr *nest, int tcp)
{
	struct rtattr *a = RTA_DATA(nest);
	int left = RTA_PAYLOAD(nest), type;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		type = a->rta_type & NLA_TYPE_MASK;
		if (!tcp && type == CTA_PROTOINFO_TCP)
			forget_moment(a, 1);
		else if (tcp && (type == CTA_PROTOINFO_TCP_FLAGS_ORIGINAL ||
				 type == CTA_PROTOINFO_TCP_FLAGS_REPLY))
			*(uint8_t *)RTA_DATA(a) &=
				~IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;
	}
}

/* What no two looks have in common, of an entry or of an expectation */
static bool is_of_moment(const struct nlmsghdr *nlh, int type)
{
	if (NFNL_SUBSYS_ID(nlh->nlmsg_type) == NFNL_SUBSYS_CTNETLINK_EXP)
		return type == CTA_EXPECT_TIMEOUT || type == CTA_EXPECT_ID;
	return type == CTA_TIMEOUT || type == CTA_ID || type == CTA_USE;
}

static bool is_entry(const struct nlmsghdr *nlh)
{
	return NFNL_SUBSYS_ID(nlh->nlmsg_type) == NFNL_SUBSYS_CTNETLINK;
}

static void see(struct look *l, struct nlmsghdr *nlh)
{
	struct rtattr *a = (void *)NLMSG_DATA(nlh) + sizeof(struct nfgenmsg);
	int left = nlh->nlmsg_len - NLMSG_LENGTH(sizeof(struct nfgenmsg));
	struct entry *e = &l->entry[l->nr++];
	int type;

	REQUIRE(l->nr < ENTRIES_MAX);
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		type = a->rta_type & NLA_TYPE_MASK;
		if (is_entry(nlh) && (type == CTA_COUNTERS_ORIG ||
				      type == CTA_COUNTERS_REPLY)) {
			count(l, a);
		} else if (!is_of_moment(nlh, type)) {
			if (is_entry(nlh) && type == CTA_PROTOINFO)
				forget_moment(a, 0);
			REQUIRE(e->len + a->rta_len <= sizeof(e->data));
			memcpy(e->data + e->len, a, a->rta_len);
			e->len += a->rta_len;
		}
	}
}

static struct look *look_at(int type)
{
	static char buf[65536];
	struct look *l = calloc(1, sizeof(*l));
	int fd = nf_socket(), left;
	struct nlmsghdr *nlh;
	struct net_msg m;
	bool more = true;

	REQUIRE(l);
	begin(&m, type, NLM_F_DUMP, AF_UNSPEC, 0);
	REQUIRE(send(fd, &m, m.nlh.nlmsg_len, 0) == (ssize_t)m.nlh.nlmsg_len);
	while (more) {
		left = recv(fd, buf, sizeof(buf), 0);
		REQUIRE(left > 0);
		for (nlh = (void *)buf; NLMSG_OK(nlh, left) && more;
		     nlh = NLMSG_NEXT(nlh, left)) {
			more = nlh->nlmsg_type != NLMSG_DONE &&
			       nlh->nlmsg_type != NLMSG_ERROR;
			if (more)
				see(l, nlh);
		}
	}
	close(fd);
	qsort(l->entry, l->nr, sizeof(l->entry[0]), compare);
	return l;
}

static struct look *look(void)
{
	return look_at(CT(IPCTNL_MSG_CT_GET));
}

static struct look *look_expected(void)
{
	return look_at(EXP(IPCTNL_MSG_EXP_GET));
}

static void same_entry(const struct entry *is, const struct entry *was)
{
	const struct rtattr *a, *b;
	size_t at;

	CHECK_EQ(is->len, was->len);
	for (at = 0; at < is->len && at < was->len; at += a->rta_len) {
		a = (const void *)(is->data + at);
		b = (const void *)(was->data + at);
		if (a->rta_len == b->rta_len && !memcmp(a, b, a->rta_len))
			continue;
		ckpt_fail(__FILE__, __LINE__, "attribute %d is %#x, was %#x",
			  a->rta_type, ntohl(*(uint32_t *)RTA_DATA(a)),
			  ntohl(*(uint32_t *)RTA_DATA(b)));
		break;
	}
}

/* Frees both */
static void same_as(struct look *is, struct look *was)
{
	int i;

	CHECK_EQ(is->nr, was->nr);
	for (i = 0; i < is->nr && i < was->nr; i++)
		same_entry(&is->entry[i], &was->entry[i]);
	CHECK(is->packets >= was->packets);
	free(is);
	free(was);
}

static void same(struct look *was)
{
	same_as(look(), was);
}

/* ---------------------------------------------------------- making them */

static void put_ends(struct net_msg *m, int family, const char *src,
		     const char *dst)
{
	int v6 = family == AF_INET6, len = v6 ? 16 : 4;
	struct rtattr *nest = net_nest(m, CTA_TUPLE_IP);
	char addr[16];

	REQUIRE(inet_pton(family, src, addr) == 1);
	net_put(m, v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, addr, len);
	REQUIRE(inet_pton(family, dst, addr) == 1);
	net_put(m, v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, addr, len);
	net_nest_end(m, nest);
}

/* A packet, to be ended; of ICMP, @sport is its id and @dport its type */
static struct rtattr *begin_tuple(struct net_msg *m, int type, int family,
				  int proto, const char *src, int sport,
				  const char *dst, int dport)
{
	struct rtattr *tuple = net_nest(m, type), *nest;

	put_ends(m, family, src, dst);
	nest = net_nest(m, CTA_TUPLE_PROTO);
	net_put_u8(m, CTA_PROTO_NUM, proto);
	if (proto == IPPROTO_ICMP) {
		put_be16(m, CTA_PROTO_ICMP_ID, sport);
		net_put_u8(m, CTA_PROTO_ICMP_TYPE, dport);
		net_put_u8(m, CTA_PROTO_ICMP_CODE, 0);
	} else {
		put_be16(m, CTA_PROTO_SRC_PORT, sport);
		put_be16(m, CTA_PROTO_DST_PORT, dport);
	}
	net_nest_end(m, nest);
	return tuple;
}

static void put_tuple(struct net_msg *m, int type, int family, int proto,
		      const char *src, int sport, const char *dst, int dport)
{
	net_nest_end(m, begin_tuple(m, type, family, proto, src, sport, dst,
				    dport));
}

static void begin_entry(struct net_msg *m, int family, uint32_t status,
			uint32_t seconds)
{
	begin(m, CT(IPCTNL_MSG_CT_NEW), NLM_F_CREATE | NLM_F_EXCL, family, 0);
	put_be32(m, CTA_STATUS, status | IPS_CONFIRMED);
	put_be32(m, CTA_TIMEOUT, seconds);
}

static int talk(struct net_msg *m)
{
	char buf[8192];
	struct nlmsghdr *nlh = (void *)buf;
	struct nlmsgerr *e = NLMSG_DATA(nlh);
	int fd = nf_socket(), err = -EIO;

	m->nlh.nlmsg_flags |= NLM_F_ACK;
	if (send(fd, m, m->nlh.nlmsg_len, 0) == (ssize_t)m->nlh.nlmsg_len &&
	    recv(fd, buf, sizeof(buf), 0) > 0 && nlh->nlmsg_type == NLMSG_ERROR)
		err = e->error;
	close(fd);
	return err;
}

static void put_range(struct net_msg *m, int type, const char *addr, int port)
{
	struct rtattr *nest = net_nest(m, type), *proto;
	char bytes[4];

	REQUIRE(inet_pton(AF_INET, addr, bytes) == 1);
	net_put(m, CTA_NAT_V4_MINIP, bytes, sizeof(bytes));
	if (port) {
		proto = net_nest(m, CTA_NAT_PROTO);
		put_be16(m, CTA_PROTONAT_PORT_MIN, port);
		net_nest_end(m, proto);
	}
	net_nest_end(m, nest);
}

static void put_seq_adj(struct net_msg *m, int type, uint32_t seed)
{
	struct rtattr *nest = net_nest(m, type);

	put_be32(m, CTA_SEQADJ_CORRECTION_POS, seed);
	put_be32(m, CTA_SEQADJ_OFFSET_BEFORE, seed + 1);
	put_be32(m, CTA_SEQADJ_OFFSET_AFTER, seed + 2);
	net_nest_end(m, nest);
}

static void put_tcp(struct net_msg *m, int state)
{
	struct nf_ct_tcp_flags f = {
		.flags = IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM,
		.mask = 0xff,
	};
	struct rtattr *nest = net_nest(m, CTA_PROTOINFO), *tcp;

	tcp = net_nest(m, CTA_PROTOINFO_TCP);
	net_put_u8(m, CTA_PROTOINFO_TCP_STATE, state);
	net_put_u8(m, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, 7);
	net_put_u8(m, CTA_PROTOINFO_TCP_WSCALE_REPLY, 9);
	net_put(m, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, &f, sizeof(f));
	net_put(m, CTA_PROTOINFO_TCP_FLAGS_REPLY, &f, sizeof(f));
	net_nest_end(m, tcp);
	net_nest_end(m, nest);
}

static void own_net(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
	/* of this namespace, for what is made from now on */
	REQUIRE(!ckpt_write_file("/proc/sys/net/netfilter/nf_conntrack_acct",
				 "1"));
	REQUIRE(!ckpt_write_file("/proc/sys/net/netfilter/nf_conntrack_timestamp",
				 "1"));
}

static void make_tcp(void)
{
	struct net_msg m;

	begin_entry(&m, AF_INET, IPS_SEEN_REPLY | IPS_ASSURED, 10000);
	put_tuple(&m, CTA_TUPLE_ORIG, AF_INET, IPPROTO_TCP, "10.1.0.1", 4000,
		  "10.1.0.2", 80);
	put_tuple(&m, CTA_TUPLE_REPLY, AF_INET, IPPROTO_TCP, "10.1.0.2", 80,
		  "10.1.0.1", 4000);
	put_be32(&m, CTA_MARK, 77);
	put_tcp(&m, TCP_CONNTRACK_ESTABLISHED);
	put_seq_adj(&m, CTA_SEQ_ADJ_ORIG, 1000);
	put_seq_adj(&m, CTA_SEQ_ADJ_REPLY, 2000);
	REQUIRE(!talk(&m));
	/* what that one has led to */
	begin_entry(&m, AF_INET, 0, 10000);
	put_tuple(&m, CTA_TUPLE_ORIG, AF_INET, IPPROTO_TCP, "10.1.0.2", 20,
		  "10.1.0.1", 4001);
	put_tuple(&m, CTA_TUPLE_REPLY, AF_INET, IPPROTO_TCP, "10.1.0.1", 4001,
		  "10.1.0.2", 20);
	put_tuple(&m, CTA_TUPLE_MASTER, AF_INET, IPPROTO_TCP, "10.1.0.1", 4000,
		  "10.1.0.2", 80);
	put_tcp(&m, TCP_CONNTRACK_SYN_RECV);
	REQUIRE(!talk(&m));
}

static void make_others(void)
{
	struct net_msg m;

	begin_entry(&m, AF_INET6, 0, 10000);
	put_tuple(&m, CTA_TUPLE_ORIG, AF_INET6, IPPROTO_UDP, "fd00::1", 4000,
		  "fd00::2", 53);
	put_tuple(&m, CTA_TUPLE_REPLY, AF_INET6, IPPROTO_UDP, "fd00::2", 53,
		  "fd00::1", 4000);
	REQUIRE(!talk(&m));
	begin_entry(&m, AF_INET, IPS_SEEN_REPLY, 10000);
	put_tuple(&m, CTA_TUPLE_ORIG, AF_INET, IPPROTO_ICMP, "10.1.0.1", 7,
		  "10.1.0.2", 8);
	put_tuple(&m, CTA_TUPLE_REPLY, AF_INET, IPPROTO_ICMP, "10.1.0.2", 7,
		  "10.1.0.1", 0);
	REQUIRE(!talk(&m));
}

/* The answer is given for what is not translated. */
static void make_nat(void)
{
	struct net_msg m;

	begin_entry(&m, AF_INET, IPS_SEEN_REPLY, 10000);
	put_tuple(&m, CTA_TUPLE_ORIG, AF_INET, IPPROTO_UDP, "10.1.0.1", 5000,
		  "10.1.0.254", 53);
	put_tuple(&m, CTA_TUPLE_REPLY, AF_INET, IPPROTO_UDP, "10.1.0.254", 53,
		  "10.1.0.1", 5000);
	put_range(&m, CTA_NAT_DST, "10.2.0.2", 5353);
	put_range(&m, CTA_NAT_SRC, "10.2.0.1", 6000);
	REQUIRE(!talk(&m));
	begin_entry(&m, AF_INET, IPS_SEEN_REPLY, 10000);
	put_tuple(&m, CTA_TUPLE_ORIG, AF_INET, IPPROTO_ICMP, "10.1.0.1", 99,
		  "10.1.0.254", 8);
	put_tuple(&m, CTA_TUPLE_REPLY, AF_INET, IPPROTO_ICMP, "10.1.0.254", 99,
		  "10.1.0.1", 0);
	put_range(&m, CTA_NAT_DST, "10.2.0.2", 0);
	put_range(&m, CTA_NAT_SRC, "10.2.0.1", 100);
	REQUIRE(!talk(&m));
}

/* In both directions, or in that of the first packet, or in that of the answer */
static void make_in_zone(int port, int zone, int orig, int reply)
{
	struct rtattr *tuple;
	struct net_msg m;

	begin_entry(&m, AF_INET, IPS_SEEN_REPLY, 10000);
	tuple = begin_tuple(&m, CTA_TUPLE_ORIG, AF_INET, IPPROTO_UDP,
			    "10.3.0.1", port, "10.3.0.2", 53);
	if (orig)
		put_be16(&m, CTA_TUPLE_ZONE, orig);
	net_nest_end(&m, tuple);
	tuple = begin_tuple(&m, CTA_TUPLE_REPLY, AF_INET, IPPROTO_UDP,
			    "10.3.0.2", 53, "10.3.0.1", port);
	if (reply)
		put_be16(&m, CTA_TUPLE_ZONE, reply);
	net_nest_end(&m, tuple);
	if (zone)
		put_be16(&m, CTA_ZONE, zone);
	REQUIRE(!talk(&m));
}

static void put_help(struct net_msg *m)
{
	struct rtattr *nest = net_nest(m, CTA_HELP);

	net_put_str(m, CTA_HELP_NAME, "ftp");
	net_nest_end(m, nest);
}

/* One that expects others, in a zone; returns 0 or a negative errno */
static int make_helped(int zone)
{
	struct net_msg m;

	begin_entry(&m, AF_INET, IPS_SEEN_REPLY | IPS_ASSURED, 10000);
	put_tuple(&m, CTA_TUPLE_ORIG, AF_INET, IPPROTO_TCP, "10.3.0.1", 4000,
		  "10.3.0.2", 21);
	put_tuple(&m, CTA_TUPLE_REPLY, AF_INET, IPPROTO_TCP, "10.3.0.2", 21,
		  "10.3.0.1", 4000);
	put_tcp(&m, TCP_CONNTRACK_ESTABLISHED);
	put_be16(&m, CTA_ZONE, zone);
	put_help(&m);
	return talk(&m);
}

/* The connection to a port that it expects: made, or looked for */
static int expectation(int type, int flags, int zone, int port)
{
	struct net_msg m;

	begin(&m, EXP(type), flags, AF_INET, 0);
	put_tuple(&m, CTA_EXPECT_TUPLE, AF_INET, IPPROTO_TCP, "10.3.0.2", 0,
		  "10.3.0.1", port);
	put_tuple(&m, CTA_EXPECT_MASK, AF_INET, IPPROTO_TCP, "255.255.255.255",
		  0, "255.255.255.255", 0xffff);
	put_tuple(&m, CTA_EXPECT_MASTER, AF_INET, IPPROTO_TCP, "10.3.0.1", 4000,
		  "10.3.0.2", 21);
	put_be16(&m, CTA_EXPECT_ZONE, zone);
	put_be32(&m, CTA_EXPECT_FLAGS, NF_CT_EXPECT_PERMANENT);
	return talk(&m);
}

/* What that one has led to already: it is in the same zone. */
static void make_child(int zone)
{
	struct net_msg m;

	begin_entry(&m, AF_INET, 0, 10000);
	put_tuple(&m, CTA_TUPLE_ORIG, AF_INET, IPPROTO_TCP, "10.3.0.2", 20,
		  "10.3.0.1", 4001);
	put_tuple(&m, CTA_TUPLE_REPLY, AF_INET, IPPROTO_TCP, "10.3.0.1", 4001,
		  "10.3.0.2", 20);
	put_tuple(&m, CTA_TUPLE_MASTER, AF_INET, IPPROTO_TCP, "10.3.0.1", 4000,
		  "10.3.0.2", 21);
	put_tcp(&m, TCP_CONNTRACK_SYN_RECV);
	put_be16(&m, CTA_ZONE, zone);
	REQUIRE(!talk(&m));
}

static int delete_in_zone(int port, int zone)
{
	struct net_msg m;

	begin(&m, CT(IPCTNL_MSG_CT_DELETE), 0, AF_INET, 0);
	put_tuple(&m, CTA_TUPLE_ORIG, AF_INET, IPPROTO_UDP, "10.3.0.1", port,
		  "10.3.0.2", 53);
	if (zone)
		put_be16(&m, CTA_ZONE, zone);
	return talk(&m);
}

CKPT_VICTIM(zones)
{
	struct look *was;

	own_net();
	/* the same packets in several zones, and in none */
	make_in_zone(1, 0, 0, 0);
	make_in_zone(1, 5, 0, 0);
	make_in_zone(1, 6, 0, 0);
	make_in_zone(2, 0, 7, 0);
	make_in_zone(3, 0, 0, 8);
	was = look();
	REQUIRE(was->nr == 5);
	ckpt_ready();
	same(was);
	CHECK_EQ(delete_in_zone(1, 7), -ENOENT);
	CHECK_EQ(delete_in_zone(2, 0), -ENOENT);
	CHECK_EQ(delete_in_zone(1, 5), 0);
	CHECK_EQ(delete_in_zone(1, 5), -ENOENT);
	CHECK_EQ(delete_in_zone(1, 0), 0);
	CHECK_EQ(delete_in_zone(1, 6), 0);
	CHECK_EQ(delete_in_zone(2, 7), 0);
	CHECK_EQ(delete_in_zone(3, 0), 0);
}

/* An entry with a helper, what it has led to, and what it expects, in a zone */
CKPT_VICTIM(helped)
{
	struct look *was, *expected;

	own_net();
	if (make_helped(9))
		ckpt_skip("no helper");
	make_child(9);
	REQUIRE(!expectation(IPCTNL_MSG_EXP_NEW, NLM_F_CREATE | NLM_F_EXCL, 9,
			     4002));
	was = look();
	expected = look_expected();
	REQUIRE(was->nr == 2 && expected->nr == 1);
	ckpt_ready();
	same(was);
	same_as(look_expected(), expected);
	CHECK_EQ(expectation(IPCTNL_MSG_EXP_DELETE, 0, 0, 4002), -ENOENT);
	CHECK_EQ(expectation(IPCTNL_MSG_EXP_DELETE, 0, 9, 4003), -ENOENT);
	CHECK_EQ(expectation(IPCTNL_MSG_EXP_DELETE, 0, 9, 4002), 0);
	/* its helper has room for others */
	CHECK_EQ(expectation(IPCTNL_MSG_EXP_NEW, NLM_F_CREATE | NLM_F_EXCL, 9,
			     4003), 0);
}

CKPT_VICTIM(entries)
{
	struct look *was;

	own_net();
	make_tcp();
	make_others();
	make_nat();
	was = look();
	REQUIRE(was->nr == 6);
	ckpt_ready();
	same(was);
}

CKPT_VICTIM(left_out)
{
	struct look *is;

	own_net();
	make_others();
	ckpt_ready();
	is = look();
	CHECK_EQ(is->nr, 0);
	free(is);
}

/* --------------------------------------------------- a network with NAT */

/* A batch of requests to nftables */
static struct {
	size_t len;
	char data[16384];
} batch;

static void add(struct net_msg *m)
{
	REQUIRE(batch.len + m->nlh.nlmsg_len <= sizeof(batch.data));
	memcpy(batch.data + batch.len, m, m->nlh.nlmsg_len);
	batch.len += NLMSG_ALIGN(m->nlh.nlmsg_len);
}

static void chain(const char *name, const char *type, int hook, int priority)
{
	struct rtattr *nest;
	struct net_msg m;

	begin(&m, NFT(NFT_MSG_NEWCHAIN), NLM_F_CREATE, NFPROTO_IPV4, 0);
	net_put_str(&m, NFTA_CHAIN_TABLE, "t");
	net_put_str(&m, NFTA_CHAIN_NAME, name);
	nest = net_nest(&m, NFTA_CHAIN_HOOK);
	put_be32(&m, NFTA_HOOK_HOOKNUM, hook);
	put_be32(&m, NFTA_HOOK_PRIORITY, priority);
	net_nest_end(&m, nest);
	net_put_str(&m, NFTA_CHAIN_TYPE, type);
	add(&m);
}

static void load(struct net_msg *m, int reg, const void *data, size_t len)
{
	struct rtattr *elem = net_nest(m, NFTA_LIST_ELEM), *expr, *value;

	net_put_str(m, NFTA_EXPR_NAME, "immediate");
	expr = net_nest(m, NFTA_EXPR_DATA);
	put_be32(m, NFTA_IMMEDIATE_DREG, reg);
	value = net_nest(m, NFTA_IMMEDIATE_DATA);
	net_put(m, NFTA_DATA_VALUE, data, len);
	net_nest_end(m, value);
	net_nest_end(m, expr);
	net_nest_end(m, elem);
}

static struct rtattr *rule(struct net_msg *m, const char *in)
{
	begin(m, NFT(NFT_MSG_NEWRULE), NLM_F_CREATE | NLM_F_APPEND,
	      NFPROTO_IPV4, 0);
	net_put_str(m, NFTA_RULE_TABLE, "t");
	net_put_str(m, NFTA_RULE_CHAIN, in);
	return net_nest(m, NFTA_RULE_EXPRESSIONS);
}

static void dnat(const char *to, int port)
{
	struct rtattr *list, *elem, *expr;
	uint16_t be = htons(port);
	struct net_msg m;
	char addr[4];

	REQUIRE(inet_pton(AF_INET, to, addr) == 1);
	list = rule(&m, "pre");
	load(&m, NFT_REG_1, addr, sizeof(addr));
	load(&m, NFT_REG_2, &be, sizeof(be));
	elem = net_nest(&m, NFTA_LIST_ELEM);
	net_put_str(&m, NFTA_EXPR_NAME, "nat");
	expr = net_nest(&m, NFTA_EXPR_DATA);
	put_be32(&m, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	put_be32(&m, NFTA_NAT_FAMILY, NFPROTO_IPV4);
	put_be32(&m, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
	put_be32(&m, NFTA_NAT_REG_PROTO_MIN, NFT_REG_2);
	net_nest_end(&m, expr);
	net_nest_end(&m, elem);
	net_nest_end(&m, list);
	add(&m);
}

static void masquerade(void)
{
	struct rtattr *list, *elem;
	struct net_msg m;

	list = rule(&m, "post");
	elem = net_nest(&m, NFTA_LIST_ELEM);
	net_put_str(&m, NFTA_EXPR_NAME, "masq");
	net_nest_end(&m, elem);
	net_nest_end(&m, list);
	add(&m);
}

static void begin_batch(void)
{
	struct net_msg m;

	batch.len = 0;
	begin(&m, NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);
	add(&m);
}

/* Returns 0 or a negative errno. */
static int end_batch(void)
{
	char buf[8192];
	struct nlmsghdr *nlh = (void *)buf;
	struct nlmsgerr *e = NLMSG_DATA(nlh);
	int fd = nf_socket();
	struct net_msg m;

	begin(&m, NFNL_MSG_BATCH_END, NLM_F_ACK, 0, NFNL_SUBSYS_NFTABLES);
	add(&m);
	REQUIRE(send(fd, batch.data, batch.len, 0) == (ssize_t)batch.len);
	REQUIRE(recv(fd, buf, sizeof(buf), 0) > 0);
	REQUIRE(nlh->nlmsg_type == NLMSG_ERROR);
	close(fd);
	return e->error;
}

static void table(void)
{
	struct net_msg m;

	begin(&m, NFT(NFT_MSG_NEWTABLE), NLM_F_CREATE, NFPROTO_IPV4, 0);
	net_put_str(&m, NFTA_TABLE_NAME, "t");
	add(&m);
}

static void translate(void)
{
	int err;

	begin_batch();
	table();
	chain("pre", "nat", NF_INET_PRE_ROUTING, -100);
	chain("post", "nat", NF_INET_POST_ROUTING, 100);
	dnat("10.2.0.2", 8080);
	masquerade();
	err = end_batch();
	if (err)
		ckpt_skip("no NAT: error %d", err);
}

/* The client's network, that in between, and the server's */
static void make_networks(int net[3])
{
	static const char * const addr[] = {
		"10.1.0.1", "10.1.0.254", "10.2.0.1", "10.2.0.2",
	};
	int i;

	for (i = 0; i < 3; i++) {
		own_net();
		net[i] = net_this();
	}
	net_row(net, addr);
	translate();
}

static struct sockaddr_in addr_of(const char *text, int port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(port),
	};

	REQUIRE(inet_pton(AF_INET, text, &a.sin_addr) == 1);
	return a;
}

/* Both ends of a connection that is translated at both ends */
static void make_stream(const int net[3], int fd[2])
{
	struct sockaddr_in a = addr_of("10.2.0.2", 8080);
	socklen_t len = sizeof(a);
	int l;

	net_enter(net[2]);
	l = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(l >= 0 && !bind(l, (struct sockaddr *)&a, sizeof(a)));
	REQUIRE(!listen(l, 5));
	net_enter(net[0]);
	a = addr_of("10.1.0.254", 80);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(fd[0] >= 0);
	REQUIRE(!connect(fd[0], (struct sockaddr *)&a, sizeof(a)));
	fd[1] = accept(l, (struct sockaddr *)&a, &len);
	REQUIRE(fd[1] >= 0);
	REQUIRE(a.sin_addr.s_addr == inet_addr("10.2.0.1"));
	close(l);
}

static void pass(int from, int to, uint64_t seed)
{
	static char out[3000], in[3000];

	ckpt_fill(out, sizeof(out), seed);
	CHECK_EQ(send(from, out, sizeof(out), MSG_NOSIGNAL), sizeof(out));
	CHECK_EQ(recv(to, in, sizeof(in), MSG_WAITALL), sizeof(in));
	CHECK(ckpt_filled(in, sizeof(in), seed));
}

CKPT_VICTIM(stream)
{
	int net[3], fd[2], i;
	struct look *was;

	make_networks(net);
	make_stream(net, fd);
	for (i = 0; i < 5; i++) {
		pass(fd[0], fd[1], i);
		pass(fd[1], fd[0], i + 100);
	}
	net_enter(net[1]);
	was = look();
	REQUIRE(was->nr == 1);
	ckpt_ready();
	same(was);
	for (i = 0; i < 5; i++) {
		pass(fd[1], fd[0], i + 200);
		pass(fd[0], fd[1], i + 300);
	}
	was = look();
	CHECK_EQ(was->nr, 1);
	free(was);
}

/* --------------------------------------------------- what a helper does */

/* Every new connection of TCP gets the helper for FTP. */
static int help(void)
{
	struct rtattr *list, *elem, *expr;
	struct net_msg m;

	begin_batch();
	begin(&m, NFT(NFT_MSG_NEWOBJ), NLM_F_CREATE, NFPROTO_IPV4, 0);
	net_put_str(&m, NFTA_OBJ_TABLE, "t");
	net_put_str(&m, NFTA_OBJ_NAME, "ftp");
	put_be32(&m, NFTA_OBJ_TYPE, NFT_OBJECT_CT_HELPER);
	expr = net_nest(&m, NFTA_OBJ_DATA);
	net_put_str(&m, NFTA_CT_HELPER_NAME, "ftp");
	net_put_u8(&m, NFTA_CT_HELPER_L4PROTO, IPPROTO_TCP);
	net_nest_end(&m, expr);
	add(&m);
	chain("help", "filter", NF_INET_PRE_ROUTING, 0);
	list = rule(&m, "help");
	elem = net_nest(&m, NFTA_LIST_ELEM);
	net_put_str(&m, NFTA_EXPR_NAME, "objref");
	expr = net_nest(&m, NFTA_EXPR_DATA);
	put_be32(&m, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_CT_HELPER);
	net_put_str(&m, NFTA_OBJREF_IMM_NAME, "ftp");
	net_nest_end(&m, expr);
	net_nest_end(&m, elem);
	net_nest_end(&m, list);
	add(&m);
	return end_batch();
}

static void line(const int fd[2], const char *say, const char *heard)
{
	char buf[64] = "";

	CHECK_EQ(send(fd[0], say, strlen(say), MSG_NOSIGNAL), strlen(say));
	CHECK_EQ(recv(fd[1], buf, strlen(heard), MSG_WAITALL), strlen(heard));
	if (strcmp(buf, heard))
		ckpt_fail(__FILE__, __LINE__, "'%s', not '%s'", buf, heard);
}

/* The client, whose address is translated, waits for the server. */
static int await(const int net[3], int port)
{
	struct sockaddr_in a = addr_of("10.1.0.1", port);
	int fd;

	net_enter(net[0]);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof(a)));
	REQUIRE(!listen(fd, 1));
	return fd;
}

/* The server comes, as it was told; the connection is known for what it is. */
static void come(const int net[3], int l, int port)
{
	struct sockaddr_in a = addr_of("10.2.0.1", port);
	struct timeval limit = { .tv_sec = CKPT_WAIT_S };
	int fd[2];

	net_enter(net[2]);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(fd[0] >= 0);
	REQUIRE(!setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &limit,
			    sizeof(limit)));
	CHECK(!connect(fd[0], (struct sockaddr *)&a, sizeof(a)));
	REQUIRE(!setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &limit,
			    sizeof(limit)));
	fd[1] = accept(l, NULL, NULL);
	REQUIRE(fd[1] >= 0);
	pass(fd[0], fd[1], port);
}

/* How many of the entries another connection has led to */
static int related(void)
{
	struct look *l = look();
	const struct rtattr *a;
	int i, nr = 0;
	size_t at;

	for (i = 0; i < l->nr; i++)
		for (at = 0; at < l->entry[i].len; at += a->rta_len) {
			a = (const void *)(l->entry[i].data + at);
			nr += (a->rta_type & NLA_TYPE_MASK) == CTA_TUPLE_MASTER;
		}
	free(l);
	return nr;
}

CKPT_VICTIM(ftp)
{
	struct look *was, *expected;
	int net[3], fd[2], l, more;

	make_networks(net);
	if (help())
		ckpt_skip("no helper");
	make_stream(net, fd);
	l = await(net, 4096);
	more = await(net, 4097);
	line(fd, "USER me\r\n", "USER me\r\n");
	/* it is told where it can reach the client */
	line(fd, "PORT 10,1,0,1,16,0\r\n", "PORT 10,2,0,1,16,0\r\n");
	net_enter(net[1]);
	was = look();
	expected = look_expected();
	REQUIRE(was->nr == 1 && expected->nr == 1);
	ckpt_ready();
	same(was);
	same_as(look_expected(), expected);
	come(net, l, 4096);
	net_enter(net[1]);
	CHECK_EQ(related(), 1);
	expected = look_expected();
	CHECK_EQ(expected->nr, 0);
	free(expected);
	/* and it goes on to help */
	line(fd, "PORT 10,1,0,1,16,1\r\n", "PORT 10,2,0,1,16,1\r\n");
	come(net, more, 4097);
	net_enter(net[1]);
	CHECK_EQ(related(), 2);
}

/* -------------------------------------------------------------- labels */

/* A rule that sets a label: from now on entries have room for some. */
static int use_labels(void)
{
	unsigned char bits[16] = { 1 };
	struct rtattr *list, *elem, *expr;
	struct net_msg m;

	begin_batch();
	table();
	chain("pre", "nat", NF_INET_PRE_ROUTING, -100);
	list = rule(&m, "pre");
	load(&m, NFT_REG_1, bits, sizeof(bits));
	elem = net_nest(&m, NFTA_LIST_ELEM);
	net_put_str(&m, NFTA_EXPR_NAME, "ct");
	expr = net_nest(&m, NFTA_EXPR_DATA);
	put_be32(&m, NFTA_CT_KEY, NFT_CT_LABELS);
	put_be32(&m, NFTA_CT_SREG, NFT_REG_1);
	net_nest_end(&m, expr);
	net_nest_end(&m, elem);
	net_nest_end(&m, list);
	add(&m);
	return end_batch();
}

CKPT_VICTIM(labels)
{
	static const unsigned char labels[16] = { 0x81, [7] = 0x42, [15] = 3 };
	struct look *was;
	struct net_msg m;

	own_net();
	if (use_labels())
		ckpt_skip("no labels");
	begin_entry(&m, AF_INET, IPS_SEEN_REPLY, 10000);
	put_tuple(&m, CTA_TUPLE_ORIG, AF_INET, IPPROTO_UDP, "10.1.0.1", 4000,
		  "10.1.0.2", 53);
	put_tuple(&m, CTA_TUPLE_REPLY, AF_INET, IPPROTO_UDP, "10.1.0.2", 53,
		  "10.1.0.1", 4000);
	net_put(&m, CTA_LABELS, labels, sizeof(labels));
	REQUIRE(!talk(&m));
	was = look();
	REQUIRE(was->nr == 1);
	/* they are there, and not only room for them */
	REQUIRE(memmem(was->entry[0].data, was->entry[0].len, labels,
		       sizeof(labels)));
	ckpt_ready();
	same(was);
}

/* -------------------------------------------------------------- driving */

static void save(struct ckpt_victim *v, unsigned long flags)
{
	long ret = ckpt_checkpoint(v, flags | CHECKPOINT_KILL);

	if (ret <= 0)
		ckpt_die("checkpoint: %s\n%s", strerror(-ret), v->log);
	ckpt_reaped(v);
}

static void comes_back(struct __test_metadata *_metadata,
		       struct ckpt_victim *v, const char *name)
{
	int i;
	long ret;

	ckpt_start(v, name, CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ASSERT_FALSE(v->failed);
	for (i = 0; i < ckpt_rounds(); i++) {
		/* and once while it runs on */
		ret = ckpt_checkpoint(v, CHECKPOINT_CONNTRACK);
		ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
		save(v, CHECKPOINT_CONNTRACK);
		EXPECT_FALSE(ckpt_logged(v, "left out"));
		ret = ckpt_restart(v, 0);
		ASSERT_LT(0, ret) TH_LOG("%s\n%s", strerror(-ret), v->log);
	}
	ckpt_finish(v);
	ckpt_end(v);
}

DRIVER_TEST(entries)
{
	comes_back(_metadata, &self->v, "entries");
}

DRIVER_TEST(zones)
{
	comes_back(_metadata, &self->v, "zones");
}

DRIVER_TEST(helped)
{
	comes_back(_metadata, &self->v, "helped");
}

DRIVER_TEST(ftp)
{
	comes_back(_metadata, &self->v, "ftp");
}

DRIVER_TEST(stream)
{
	comes_back(_metadata, &self->v, "stream");
}

DRIVER_TEST(labels)
{
	comes_back(_metadata, &self->v, "labels");
}

DRIVER_TEST(left_out)
{
	struct ckpt_victim *v = &self->v;

	ckpt_start(v, "left_out", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	save(v, 0);
	EXPECT_TRUE(ckpt_logged(v, "2 entries of connection tracking are left out"))
		TH_LOG("%s", v->log);
	ckpt_restart_finish(v);
}

/* The record with the entries of the only namespace that has some */
static struct ckpt_hdr_net_data *find_entries(struct image *image)
{
	struct ckpt_hdr_net_data *h, *found = NULL;
	unsigned int nr;

	for (nr = 0; image_find(image, CKPT_HDR_NET_DATA, nr); nr++) {
		h = image_at(image, CKPT_HDR_NET_DATA, nr);
		if (h->section != CKPT_NET_CT || !h->size)
			continue;
		if (found)
			ckpt_die("two records of entries");
		found = h;
	}
	if (!found)
		ckpt_die("no record of entries");
	return found;
}

/* Whatever is wrong is refused, or else it is what could be done by hand. */
static void broken(struct __test_metadata *_metadata, struct ckpt_victim *v,
		   const char *name)
{
	struct ckpt_hdr_net_data *h;
	struct image image;
	size_t at;

	ckpt_start(v, name, CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	save(v, CHECKPOINT_CONNTRACK);
	image_load(&image, v->image);
	h = find_entries(&image);
	for (at = sizeof(*h); at < h->h.len; at += 43 * ckpt_step())
		image_try_flipped(v, &image, (void *)h + at, 0x41);
	image_restart_finish(v, &image);
}

DRIVER_TEST(broken_data)
{
	broken(_metadata, &self->v, "entries");
}

DRIVER_TEST(broken_help)
{
	broken(_metadata, &self->v, "helped");
}

/* Restart with what is there @nth as @name called by another one */
static void renamed(struct __test_metadata *_metadata, struct ckpt_victim *v,
		    struct image *image, const char *name, int nth,
		    long expected, const char *text)
{
	struct ckpt_hdr_net_data *h = find_entries(image);
	char *at = (char *)h->data, *end = at + h->size;

	while ((at = memmem(at, end - at, name, strlen(name) + 1)) && nth--)
		at++;
	ASSERT_NE(NULL, at);
	*at ^= 1;
	ASSERT_EQ(expected, image_restart(v, image));
	EXPECT_TRUE(ckpt_logged(v, text)) TH_LOG("%s", v->log);
	*at ^= 1;
}

/* What the image wants of the kernel is not in it, or is not what it says. */
DRIVER_TEST(no_helper)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_world before;
	struct image image;

	ckpt_start(v, "ftp", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	save(v, CHECKPOINT_CONNTRACK);
	image_load(&image, v->image);
	ckpt_world_take(&before);
	renamed(_metadata, v, &image, "ftp", 0, -ENOENT,
		"the helper 'gtp' is not there");
	renamed(_metadata, v, &image, "ftp", 1, -EINVAL,
		"expectation of another connection");
	renamed(_metadata, v, &image, "nat-follow-master", 0, -ENOENT,
		"the function 'oat-follow-master' of an expectation is not there");
	ckpt_world_expect(&before, 16384);
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
