// SPDX-License-Identifier: GPL-2.0
/* Rulesets of nftables: what netlink tells of them, handles too, and does. */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NFT(type)	(NFNL_SUBSYS_NFTABLES << 8 | (type))

static void own_net(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
}

/* --------------------------------------------------------- making rules */

/**
 * struct batch - requests that are all done, or none of them
 * @len: length of @data
 * @data: the requests
 */
struct batch {
	size_t len;
	char data[65536];
};

static struct batch batch;

static void add(struct net_msg *m)
{
	REQUIRE(batch.len + m->nlh.nlmsg_len <= sizeof(batch.data));
	memcpy(batch.data + batch.len, m, m->nlh.nlmsg_len);
	batch.len += NLMSG_ALIGN(m->nlh.nlmsg_len);
}

static void edge(int type, int flags)
{
	struct nfgenmsg nfg = { .res_id = htons(NFNL_SUBSYS_NFTABLES) };
	struct net_msg m;

	net_begin(&m, type, flags, &nfg, sizeof(nfg));
	add(&m);
}

static void begin_batch(void)
{
	batch.len = 0;
	edge(NFNL_MSG_BATCH_BEGIN, 0);
}

static int nft_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0)
		ckpt_skip("nfnetlink: %m");
	return fd;
}

static int end_batch(void)
{
	char buf[65536];
	struct nlmsghdr *nlh = (void *)buf;
	struct nlmsgerr *e = NLMSG_DATA(nlh);
	int fd = nft_socket(), err = -errno;

	edge(NFNL_MSG_BATCH_END, NLM_F_ACK);
	if (send(fd, batch.data, batch.len, 0) == (ssize_t)batch.len &&
	    recv(fd, buf, sizeof(buf), 0) > 0 && nlh->nlmsg_type == NLMSG_ERROR)
		err = e->error;
	close(fd);
	return err;
}

static void begin(struct net_msg *m, int type, int family, int flags)
{
	struct nfgenmsg nfg = { .nfgen_family = family };

	net_begin(m, NFT(type), NLM_F_CREATE | flags, &nfg, sizeof(nfg));
}

static void put_be32(struct net_msg *m, int type, uint32_t value)
{
	net_put_u32(m, type, htonl(value));
}

static void put_be64(struct net_msg *m, int type, uint64_t value)
{
	value = htobe64(value);
	net_put(m, type, &value, sizeof(value));
}

static void table(const char *name)
{
	struct net_msg m;

	begin(&m, NFT_MSG_NEWTABLE, NFPROTO_INET, 0);
	net_put_str(&m, NFTA_TABLE_NAME, name);
	add(&m);
}

static void chain(const char *name, const char *type, int hook, int priority)
{
	struct rtattr *nest;
	struct net_msg m;

	begin(&m, NFT_MSG_NEWCHAIN, NFPROTO_INET, 0);
	net_put_str(&m, NFTA_CHAIN_TABLE, "t");
	net_put_str(&m, NFTA_CHAIN_NAME, name);
	if (type) {
		nest = net_nest(&m, NFTA_CHAIN_HOOK);
		put_be32(&m, NFTA_HOOK_HOOKNUM, hook);
		put_be32(&m, NFTA_HOOK_PRIORITY, priority);
		net_nest_end(&m, nest);
		net_put_str(&m, NFTA_CHAIN_TYPE, type);
		put_be32(&m, NFTA_CHAIN_POLICY, NF_ACCEPT);
	}
	add(&m);
}

static void set(const char *name, uint32_t id, uint32_t flags, uint32_t dtype,
		uint32_t dlen, uint64_t timeout)
{
	struct net_msg m;

	begin(&m, NFT_MSG_NEWSET, NFPROTO_INET, 0);
	net_put_str(&m, NFTA_SET_TABLE, "t");
	net_put_str(&m, NFTA_SET_NAME, name);
	put_be32(&m, NFTA_SET_ID, id);
	put_be32(&m, NFTA_SET_FLAGS, flags);
	put_be32(&m, NFTA_SET_KEY_TYPE, 7);
	put_be32(&m, NFTA_SET_KEY_LEN, 4);
	if (flags & NFT_SET_MAP) {
		put_be32(&m, NFTA_SET_DATA_TYPE, dtype);
		put_be32(&m, NFTA_SET_DATA_LEN, dlen);
	}
	if (flags & NFT_SET_OBJECT)
		put_be32(&m, NFTA_SET_OBJ_TYPE, NFT_OBJECT_COUNTER);
	if (timeout)
		put_be64(&m, NFTA_SET_TIMEOUT, timeout);
	add(&m);
}

static void put_data(struct net_msg *m, int type, const void *data, size_t len)
{
	struct rtattr *nest = net_nest(m, type);

	net_put(m, NFTA_DATA_VALUE, data, len);
	net_nest_end(m, nest);
}

static void put_verdict(struct net_msg *m, int type, int code, const char *to)
{
	struct rtattr *data = net_nest(m, type), *verdict;

	verdict = net_nest(m, NFTA_DATA_VERDICT);
	put_be32(m, NFTA_VERDICT_CODE, code);
	if (to)
		net_put_str(m, NFTA_VERDICT_CHAIN, to);
	net_nest_end(m, verdict);
	net_nest_end(m, data);
}

/* Elements of a set, each a number, with @flags, an object or a chain */
static void elements(const char *name, uint32_t id, const uint32_t *key, int nr,
		     const uint32_t *flags, const char *object,
		     const char *jump)
{
	struct rtattr *list, *one;
	struct net_msg m;
	uint32_t value;
	int i;

	begin(&m, NFT_MSG_NEWSETELEM, NFPROTO_INET, 0);
	net_put_str(&m, NFTA_SET_ELEM_LIST_TABLE, "t");
	net_put_str(&m, NFTA_SET_ELEM_LIST_SET, name);
	put_be32(&m, NFTA_SET_ELEM_LIST_SET_ID, id);
	list = net_nest(&m, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (i = 0; i < nr; i++) {
		one = net_nest(&m, NFTA_LIST_ELEM);
		value = htonl(key[i]);
		put_data(&m, NFTA_SET_ELEM_KEY, &value, sizeof(value));
		if (flags && flags[i])
			put_be32(&m, NFTA_SET_ELEM_FLAGS, flags[i]);
		if (object)
			net_put_str(&m, NFTA_SET_ELEM_OBJREF, object);
		if (jump)
			put_verdict(&m, NFTA_SET_ELEM_DATA, NFT_JUMP, jump);
		net_nest_end(&m, one);
	}
	net_nest_end(&m, list);
	add(&m);
}

/* A rule under construction */
static struct rtattr *rule_begin(struct net_msg *m, const char *in)
{
	begin(m, NFT_MSG_NEWRULE, NFPROTO_INET, NLM_F_APPEND);
	net_put_str(m, NFTA_RULE_TABLE, "t");
	net_put_str(m, NFTA_RULE_CHAIN, in);
	return net_nest(m, NFTA_RULE_EXPRESSIONS);
}

static void rule_end(struct net_msg *m, struct rtattr *list)
{
	net_nest_end(m, list);
	add(m);
}

/**
 * struct expr - an expression under construction
 * @elem: its place in the list
 * @data: what it says
 */
struct expr {
	struct rtattr *elem;
	struct rtattr *data;
};

static struct expr expr_begin(struct net_msg *m, const char *name)
{
	struct expr e = { .elem = net_nest(m, NFTA_LIST_ELEM) };

	net_put_str(m, NFTA_EXPR_NAME, name);
	e.data = net_nest(m, NFTA_EXPR_DATA);
	return e;
}

static void expr_end(struct net_msg *m, struct expr e)
{
	net_nest_end(m, e.data);
	net_nest_end(m, e.elem);
}

static void counter(struct net_msg *m, uint64_t packets)
{
	struct expr e = expr_begin(m, "counter");

	put_be64(m, NFTA_COUNTER_PACKETS, packets);
	put_be64(m, NFTA_COUNTER_BYTES, 100 * packets);
	expr_end(m, e);
}

/* The destination address of IPv4 */
static void daddr(struct net_msg *m)
{
	struct expr e = expr_begin(m, "payload");

	put_be32(m, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_be32(m, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	put_be32(m, NFTA_PAYLOAD_OFFSET, 16);
	put_be32(m, NFTA_PAYLOAD_LEN, 4);
	expr_end(m, e);
}

static void lookup(struct net_msg *m, const char *name, uint32_t id, int dreg)
{
	struct expr e = expr_begin(m, "lookup");

	net_put_str(m, NFTA_LOOKUP_SET, name);
	put_be32(m, NFTA_LOOKUP_SET_ID, id);
	put_be32(m, NFTA_LOOKUP_SREG, NFT_REG_1);
	if (dreg >= 0)
		put_be32(m, NFTA_LOOKUP_DREG, dreg);
	expr_end(m, e);
}

static void verdict(struct net_msg *m, int code, const char *to)
{
	struct expr e = expr_begin(m, "immediate");

	put_be32(m, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	put_verdict(m, NFTA_IMMEDIATE_DATA, code, to);
	expr_end(m, e);
}

static void ct_state(struct net_msg *m)
{
	struct expr e = expr_begin(m, "ct");

	put_be32(m, NFTA_CT_KEY, NFT_CT_STATE);
	put_be32(m, NFTA_CT_DREG, NFT_REG_1);
	expr_end(m, e);
}

static void quota(struct net_msg *m)
{
	struct expr e = expr_begin(m, "quota");

	put_be64(m, NFTA_QUOTA_BYTES, 1000000);
	put_be64(m, NFTA_QUOTA_CONSUMED, 777);
	expr_end(m, e);
}

static void object(const char *name, uint64_t packets)
{
	struct rtattr *data;
	struct net_msg m;

	begin(&m, NFT_MSG_NEWOBJ, NFPROTO_INET, 0);
	net_put_str(&m, NFTA_OBJ_TABLE, "t");
	net_put_str(&m, NFTA_OBJ_NAME, name);
	put_be32(&m, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	data = net_nest(&m, NFTA_OBJ_DATA);
	put_be64(&m, NFTA_COUNTER_PACKETS, packets);
	put_be64(&m, NFTA_COUNTER_BYTES, packets * 10);
	net_nest_end(&m, data);
	add(&m);
}

static void delete_rule(const char *in, uint64_t handle)
{
	struct net_msg m;

	begin(&m, NFT_MSG_DELRULE, NFPROTO_INET, 0);
	net_put_str(&m, NFTA_RULE_TABLE, "t");
	net_put_str(&m, NFTA_RULE_CHAIN, in);
	put_be64(&m, NFTA_RULE_HANDLE, handle);
	add(&m);
}

/* ------------------------------------------------------- looking at them */

/**
 * struct look - all that netlink tells of a ruleset
 * @len: length of @data
 * @sets: names of sets, one after the other
 * @sets_len: their length
 * @rules: handles of rules
 * @nr: how many
 * @data: the messages
 */
struct look {
	size_t len;
	char sets[1024];
	size_t sets_len;
	uint64_t rules[2048];
	int nr;
	char data[1048576];
};

static void keep(struct look *l, const void *data, size_t len)
{
	REQUIRE(l->len + len <= sizeof(l->data));
	memcpy(l->data + l->len, data, len);
	l->len += len;
}

static int compare(const void *a, const void *b)
{
	const struct rtattr *x = *(struct rtattr **)a, *y = *(struct rtattr **)b;

	return x->rta_len != y->rta_len ? x->rta_len - y->rta_len :
	       memcmp(x, y, x->rta_len);
}

/* Elements are listed in no order, where they are found by a hash. */
static void keep_sorted(struct look *l, struct rtattr *list)
{
	struct rtattr *a = RTA_DATA(list), *all[64];
	int left = RTA_PAYLOAD(list), nr = 0, i;

	for (; RTA_OK(a, left) && nr < 64; a = RTA_NEXT(a, left))
		all[nr++] = a;
	qsort(all, nr, sizeof(all[0]), compare);
	for (i = 0; i < nr; i++)
		keep(l, all[i], all[i]->rta_len);
}

static void see(struct look *l, struct nlmsghdr *nlh)
{
	struct rtattr *a = (void *)NLMSG_DATA(nlh) + sizeof(struct nfgenmsg);
	int left = nlh->nlmsg_len - NLMSG_LENGTH(sizeof(struct nfgenmsg));
	int type = nlh->nlmsg_type & 0xff, at;

	keep(l, &type, sizeof(type));
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		at = a->rta_type & NLA_TYPE_MASK;
		if (type == NFT_MSG_NEWSET && at == NFTA_SET_NAME) {
			memcpy(l->sets + l->sets_len, RTA_DATA(a),
			       RTA_PAYLOAD(a));
			l->sets_len += RTA_PAYLOAD(a);
		}
		if (type == NFT_MSG_NEWRULE && at == NFTA_RULE_HANDLE)
			l->rules[l->nr++] = be64toh(*(uint64_t *)RTA_DATA(a));
		if (type == NFT_MSG_NEWSETELEM &&
		    at == NFTA_SET_ELEM_LIST_ELEMENTS)
			keep_sorted(l, a);
		else
			keep(l, a, a->rta_len);
	}
}

static void list(struct look *l, struct net_msg *m)
{
	char buf[32768];
	int fd = nft_socket(), left;
	struct nlmsghdr *nlh;
	bool more = true;

	m->nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	REQUIRE(send(fd, m, m->nlh.nlmsg_len, 0) == (ssize_t)m->nlh.nlmsg_len);
	while (more) {
		left = recv(fd, buf, sizeof(buf), 0);
		REQUIRE(left > 0);
		for (nlh = (void *)buf; NLMSG_OK(nlh, left);
		     nlh = NLMSG_NEXT(nlh, left)) {
			more = nlh->nlmsg_type != NLMSG_DONE &&
			       nlh->nlmsg_type != NLMSG_ERROR;
			if (more)
				see(l, nlh);
		}
	}
	close(fd);
}

static struct look *look(void)
{
	static const int kinds[] = {
		NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETSET,
		NFT_MSG_GETOBJ, NFT_MSG_GETFLOWTABLE, NFT_MSG_GETRULE,
	};
	struct look *l = calloc(1, sizeof(*l));
	struct net_msg m;
	const char *name;
	size_t i;

	REQUIRE(l);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		begin(&m, kinds[i], NFPROTO_UNSPEC, 0);
		list(l, &m);
	}
	for (name = l->sets; name < l->sets + l->sets_len;
	     name += strlen(name) + 1) {
		/* when it expires is another time each time */
		if (!strcmp(name, "timed"))
			continue;
		begin(&m, NFT_MSG_GETSETELEM, NFPROTO_INET, 0);
		net_put_str(&m, NFTA_SET_ELEM_LIST_TABLE, "t");
		net_put_str(&m, NFTA_SET_ELEM_LIST_SET, name);
		list(l, &m);
	}
	return l;
}

static void same(struct look *was)
{
	struct look *is = look();

	CHECK_EQ(is->len, was->len);
	CHECK(!memcmp(is->data, was->data, was->len));
	free(is);
	free(was);
}

/* --------------------------------------------------------------- tests */

CKPT_TEST(chains)
{
	struct rtattr *list;
	struct look *was;
	struct net_msg m;
	int i, nr;

	own_net();
	begin_batch();
	table("t");
	chain("in", "filter", NF_INET_LOCAL_IN, 10);
	chain("other", NULL, 0, 0);
	for (i = 0; i < 5; i++) {
		list = rule_begin(&m, i % 2 ? "other" : "in");
		counter(&m, i + 7);
		if (i == 2)
			verdict(&m, NFT_JUMP, "other");
		rule_end(&m, list);
	}
	if (end_batch())
		ckpt_skip("no nftables");
	was = look();
	nr = was->nr;
	REQUIRE(nr == 5);
	begin_batch();
	delete_rule("in", was->rules[0]);
	REQUIRE(!end_batch());
	free(was);
	was = look();
	ckpt_ready();
	same(was);
	/* the next one is a new one, and one that is there is found */
	was = look();
	begin_batch();
	list = rule_begin(&m, "in");
	counter(&m, 1);
	rule_end(&m, list);
	CHECK_EQ(end_batch(), 0);
	begin_batch();
	delete_rule("in", was->rules[0]);
	CHECK_EQ(end_batch(), 0);
	free(was);
	was = look();
	CHECK_EQ(was->nr, 4);
	CHECK(was->rules[1] > was->rules[0]);
	CHECK(was->rules[1] != was->rules[2] && was->rules[1] != was->rules[3]);
	free(was);
}

static const uint32_t addrs[] = { 0x0a000001, 0x0a000002, 0x0a0000ff };
static const uint32_t bounds[] = {
	0x0a000000, 0x0a000100, 0x0a000100, 0x0a000200, 0x0a010000, 0x0a020000,
	0xc0a80000,
};

static const uint32_t bound_flags[] = {
	0, NFT_SET_ELEM_INTERVAL_END, 0, NFT_SET_ELEM_INTERVAL_END, 0,
	NFT_SET_ELEM_INTERVAL_END, 0,
};

CKPT_TEST(sets)
{
	struct rtattr *list;
	struct look *was;
	struct net_msg m;

	own_net();
	begin_batch();
	table("t");
	chain("out", "filter", NF_INET_LOCAL_OUT, -5);
	chain("other", NULL, 0, 0);
	object("seen", 42);
	object("unused", 0);
	set("plain", 1, 0, 0, 0, 0);
	elements("plain", 1, addrs, 3, NULL, NULL, NULL);
	set("ranges", 2, NFT_SET_INTERVAL, 0, 0, 0);
	elements("ranges", 2, bounds, ARRAY_SIZE(bounds), bound_flags, NULL,
		 NULL);
	set("verdicts", 3, NFT_SET_MAP, NFT_DATA_VERDICT, 0, 0);
	elements("verdicts", 3, addrs, 2, NULL, NULL, "other");
	set("objects", 4, NFT_SET_OBJECT, 0, 0, 0);
	elements("objects", 4, addrs, 2, NULL, "seen", NULL);
	set("timed", 5, NFT_SET_TIMEOUT, 0, 0, 1000000);
	elements("timed", 5, addrs, 2, NULL, NULL, NULL);
	set("__set%d", 6, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT, 0, 0, 0);
	elements("__set%d", 6, addrs, 3, NULL, NULL, NULL);
	list = rule_begin(&m, "out");
	daddr(&m);
	lookup(&m, "__set%d", 6, -1);
	counter(&m, 1);
	rule_end(&m, list);
	list = rule_begin(&m, "out");
	daddr(&m);
	lookup(&m, "ranges", 2, -1);
	quota(&m);
	rule_end(&m, list);
	list = rule_begin(&m, "out");
	daddr(&m);
	lookup(&m, "verdicts", 3, NFT_REG_VERDICT);
	rule_end(&m, list);
	if (end_batch())
		ckpt_skip("no nftables");
	was = look();
	ckpt_ready();
	same(was);
	begin_batch();
	elements("timed", 0, addrs, 3, NULL, NULL, NULL);
	CHECK_EQ(end_batch(), 0);
}

static bool reaches_itself(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int a = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int b = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(addr);
	bool came;
	char c;

	REQUIRE(a >= 0 && b >= 0);
	REQUIRE(!bind(a, (struct sockaddr *)&addr, sizeof(addr)));
	REQUIRE(!getsockname(a, (struct sockaddr *)&addr, &len));
	came = sendto(b, "x", 1, 0, (struct sockaddr *)&addr, len) == 1 &&
	       recv(a, &c, 1, 0) == 1;
	close(a);
	close(b);
	return came;
}

/* With connection tracking, and it does what it did. */
CKPT_TEST(tracks_and_drops)
{
	struct rtattr *list;
	struct look *was;
	struct net_msg m;

	own_net();
	begin_batch();
	table("t");
	chain("in", "filter", NF_INET_LOCAL_IN, 0);
	chain("nat", "nat", NF_INET_POST_ROUTING, 100);
	list = rule_begin(&m, "in");
	ct_state(&m);
	counter(&m, 3);
	verdict(&m, NF_DROP, NULL);
	rule_end(&m, list);
	if (end_batch())
		ckpt_skip("no connection tracking");
	REQUIRE(!reaches_itself());
	was = look();
	ckpt_ready();
	same(was);
	CHECK(!reaches_itself());
	was = look();
	begin_batch();
	delete_rule("in", was->rules[0]);
	CHECK_EQ(end_batch(), 0);
	CHECK(reaches_itself());
	free(was);
}

CKPT_TEST_ONLY(many, CKPT_CONTAINER)
{
	int nr = 2000 / (int)ckpt_step(), i;
	struct rtattr *list;
	struct look *was;
	struct net_msg m;

	own_net();
	begin_batch();
	table("t");
	chain("in", NULL, 0, 0);
	if (end_batch())
		ckpt_skip("no nftables");
	for (i = 0; i < nr; i++) {
		if (i % 100 == 0)
			begin_batch();
		list = rule_begin(&m, "in");
		counter(&m, i);
		rule_end(&m, list);
		if (i % 100 == 99 || i == nr - 1)
			REQUIRE(!end_batch());
	}
	was = look();
	CHECK_EQ(was->nr, nr);
	ckpt_ready();
	same(was);
}

CKPT_VICTIM(has_rules)
{
	struct rtattr *list;
	struct net_msg m;

	own_net();
	begin_batch();
	table("t");
	chain("in", "filter", NF_INET_LOCAL_IN, 0);
	object("seen", 42);
	set("ranges", 2, NFT_SET_INTERVAL, 0, 0, 0);
	elements("ranges", 2, bounds, ARRAY_SIZE(bounds), bound_flags, NULL,
		 NULL);
	list = rule_begin(&m, "in");
	daddr(&m);
	lookup(&m, "ranges", 2, -1);
	counter(&m, 1);
	verdict(&m, NF_ACCEPT, NULL);
	rule_end(&m, list);
	if (end_batch())
		ckpt_skip("no nftables");
	ckpt_ready();
}

/* Whatever is wrong is refused, or else it is what could be done by hand. */
DRIVER_TEST(broken_data)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_net_data *h;
	unsigned int nr, seen = 0;
	struct image image;
	size_t at;

	ckpt_start(v, "has_rules", CKPT_CONTAINER);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (nr = 0; image_find(&image, CKPT_HDR_NET_DATA, nr); nr++) {
		h = image_at(&image, CKPT_HDR_NET_DATA, nr);
		if (h->section != CKPT_NET_NFT)
			continue;
		seen++;
		for (at = sizeof(*h); at < h->h.len; at += 7 * ckpt_step())
			image_try_flipped(v, &image, (char *)h + at, 0x41);
	}
	EXPECT_EQ(1, seen);
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
