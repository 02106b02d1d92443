// SPDX-License-Identifier: GPL-2.0
/* Queueing disciplines and their classes. */
#include "libckptnet.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void begin(struct net_msg *m, int type, const char *dev, uint32_t handle,
		  uint32_t parent, const char *kind)
{
	struct tcmsg tcm = {
		.tcm_ifindex = if_nametoindex(dev), .tcm_handle = handle,
		.tcm_parent = parent,
	};

	net_begin(m, type, NLM_F_CREATE | NLM_F_EXCL, &tcm, sizeof(tcm));
	net_put_str(m, TCA_KIND, kind);
}

static int htb(const char *dev, uint32_t handle)
{
	struct tc_htb_glob glob = {
		.version = TC_HTB_PROTOVER, .rate2quantum = 10, .defcls = 0x20,
	};
	struct rtattr *options;
	struct net_msg m;

	begin(&m, RTM_NEWQDISC, dev, handle, TC_H_ROOT, "htb");
	options = net_nest(&m, TCA_OPTIONS);
	net_put(&m, TCA_HTB_INIT, &glob, sizeof(glob));
	net_put_u32(&m, TCA_HTB_DIRECT_QLEN, 77);
	net_nest_end(&m, options);
	return net_talk(&m);
}

static int class(const char *dev, uint32_t handle, uint32_t parent,
		 uint32_t rate)
{
	struct tc_htb_opt opt = {
		.rate = { .rate = rate, .linklayer = TC_LINKLAYER_ETHERNET },
		.ceil = {
			.rate = 2 * rate, .linklayer = TC_LINKLAYER_ETHERNET,
		},
		.buffer = 50000, .cbuffer = 60000, .quantum = 1500, .prio = 3,
	};
	struct rtattr *options;
	struct net_msg m;

	begin(&m, RTM_NEWTCLASS, dev, handle, parent, "htb");
	options = net_nest(&m, TCA_OPTIONS);
	net_put(&m, TCA_HTB_PARMS, &opt, sizeof(opt));
	net_nest_end(&m, options);
	return net_talk(&m);
}

static int fifo(const char *dev, const char *kind, uint32_t handle,
		uint32_t parent, uint32_t limit)
{
	struct tc_fifo_qopt opt = { .limit = limit };
	struct net_msg m;

	begin(&m, RTM_NEWQDISC, dev, handle, parent, kind);
	net_put(&m, TCA_OPTIONS, &opt, sizeof(opt));
	return net_talk(&m);
}

static int fq(const char *dev, uint32_t handle, uint32_t parent)
{
	struct rtattr *options;
	struct net_msg m;

	begin(&m, RTM_NEWQDISC, dev, handle, parent, "fq");
	options = net_nest(&m, TCA_OPTIONS);
	net_put_u32(&m, TCA_FQ_PLIMIT, 777);
	net_put_u32(&m, TCA_FQ_QUANTUM, 3000);
	net_nest_end(&m, options);
	return net_talk(&m);
}

static int netem(const char *dev, uint32_t handle, uint32_t parent,
		 uint32_t jitter)
{
	struct tc_netem_qopt opt = {
		.latency = 100000, .limit = 55, .loss = 0x10000000,
		.jitter = jitter,
	};
	struct net_msg m;

	begin(&m, RTM_NEWQDISC, dev, handle, parent, "netem");
	net_put(&m, TCA_OPTIONS, &opt, sizeof(opt));
	return net_talk(&m);
}

/**
 * struct seen - what netlink tells of one qdisc or class
 * @tcm: where it is
 * @kind: its kind
 * @len: length of @options
 * @options: TCA_OPTIONS
 */
struct seen {
	struct tcmsg tcm;
	char kind[16];
	size_t len;
	char options[512];
};

/* They are listed in no order. */
static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct seen));
}

static void see(struct seen *s, struct nlmsghdr *nlh)
{
	struct rtattr *a = (void *)NLMSG_DATA(nlh) + sizeof(s->tcm);
	int left = nlh->nlmsg_len - NLMSG_LENGTH(sizeof(s->tcm));
	struct tc_htb_glob *glob;

	memset(s, 0, sizeof(*s));
	memcpy(&s->tcm, NLMSG_DATA(nlh), sizeof(s->tcm));
	/* who uses it, or the handle of what is in it */
	if (nlh->nlmsg_type == RTM_NEWQDISC)
		s->tcm.tcm_info = 0;
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == TCA_KIND)
			snprintf(s->kind, sizeof(s->kind), "%s",
				 (char *)RTA_DATA(a));
		if (a->rta_type == TCA_OPTIONS &&
		    RTA_PAYLOAD(a) <= sizeof(s->options)) {
			s->len = RTA_PAYLOAD(a);
			memcpy(s->options, RTA_DATA(a), s->len);
		}
	}
	/* packets that came before there were classes */
	if (nlh->nlmsg_type == RTM_NEWQDISC && !strcmp(s->kind, "htb")) {
		glob = (void *)(s->options + sizeof(*a));
		glob->direct_pkts = 0;
	}
}

#define SEEN_MAX	64

static int list(struct seen *s, int nr, int type, int index)
{
	struct tcmsg tcm = { .tcm_ifindex = index };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), left;
	struct nlmsghdr *nlh;
	struct net_msg m;
	char buf[32768];
	bool more = true;

	REQUIRE(fd >= 0);
	net_begin(&m, type, NLM_F_DUMP, &tcm, sizeof(tcm));
	REQUIRE(send(fd, &m, m.nlh.nlmsg_len, 0) == (ssize_t)m.nlh.nlmsg_len);
	while (more) {
		left = recv(fd, buf, sizeof(buf), 0);
		REQUIRE(left > 0);
		for (nlh = (void *)buf; NLMSG_OK(nlh, left);
		     nlh = NLMSG_NEXT(nlh, left)) {
			more = nlh->nlmsg_type != NLMSG_DONE &&
			       nlh->nlmsg_type != NLMSG_ERROR;
			if (more) {
				REQUIRE(nr < SEEN_MAX);
				see(&s[nr++], nlh);
			}
		}
	}
	close(fd);
	return nr;
}

static int look(struct seen *s)
{
	int nr;

	memset(s, 0, SEEN_MAX * sizeof(*s));
	nr = list(s, 0, RTM_GETQDISC, 0);
	nr = list(s, nr, RTM_GETTCLASS, if_nametoindex("dm0"));
	qsort(s, nr, sizeof(*s), compare);
	return nr;
}

CKPT_TEST(qdiscs)
{
	static struct seen was[SEEN_MAX], is[SEEN_MAX];
	int nr, i;

	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_up("dm0", true));
	REQUIRE(!net_make("dm1", "dummy", 0) && !net_up("dm1", true));
	REQUIRE(!net_make("dm2", "dummy", 0));
	if (htb("dm0", 0x10000))
		ckpt_skip("no htb");
	/* the inner ones are listed before those that they are in, perhaps */
	REQUIRE(!class("dm0", 0x10007, 0x10000, 1000000));
	REQUIRE(!class("dm0", 0x10020, 0x10007, 500000));
	REQUIRE(!class("dm0", 0x10005, 0x10007, 250000));
	REQUIRE(!class("dm0", 0x10006, 0x10005, 125000));
	REQUIRE(!fq("dm0", 0x20000, 0x10006));
	REQUIRE(!netem("lo", 0x70000, TC_H_ROOT, 0));
	REQUIRE(!fifo("lo", "bfifo", 0x80000, 0x70001, 4711));
	REQUIRE(!fifo("dm1", "pfifo", 0x30000, TC_H_ROOT, 17));
	REQUIRE(!fq("dm2", 0x40000, TC_H_ROOT));
	nr = look(was);
	ckpt_ready();
	CHECK_EQ(look(is), nr);
	for (i = 0; i < nr; i++) {
		if (!memcmp(&was[i], &is[i], sizeof(is[i])))
			continue;
		ckpt_fail(__FILE__, __LINE__, "%s %x in %x is %s %x in %x",
			  was[i].kind, was[i].tcm.tcm_handle,
			  was[i].tcm.tcm_parent, is[i].kind,
			  is[i].tcm.tcm_handle, is[i].tcm.tcm_parent);
	}
}

/* ------------------------------------------------- delays that vary */

/* A delay that is drawn from tables, with what netem has beside it */
static int varied(const char *dev, uint32_t handle, const int16_t *table,
		  size_t len)
{
	struct tc_netem_slot slot = {
		.dist_delay = 1000000, .dist_jitter = 300000, .max_packets = 5,
	};
	struct tc_netem_gemodel loss = {
		.p = 0x1000000, .r = 0x2000000, .h = 0x3000000, .k1 = 4000,
	};
	struct tc_netem_corr corr = { .delay_corr = 0x40000000 };
	struct tc_netem_qopt opt = { .limit = 55 };
	int64_t latency = 2000000, jitter = 300000;
	uint64_t seed = 4711;
	struct rtattr *options, *nest;
	struct net_msg m;

	begin(&m, RTM_NEWQDISC, dev, handle, TC_H_ROOT, "netem");
	options = (void *)&m + NLMSG_ALIGN(m.nlh.nlmsg_len);
	net_put(&m, TCA_OPTIONS, &opt, sizeof(opt));
	net_put(&m, TCA_NETEM_LATENCY64, &latency, sizeof(latency));
	net_put(&m, TCA_NETEM_JITTER64, &jitter, sizeof(jitter));
	net_put(&m, TCA_NETEM_CORR, &corr, sizeof(corr));
	nest = net_nest(&m, TCA_NETEM_LOSS);
	net_put(&m, NETEM_LOSS_GE, &loss, sizeof(loss));
	net_nest_end(&m, nest);
	net_put(&m, TCA_NETEM_SLOT, &slot, sizeof(slot));
	net_put(&m, TCA_NETEM_PRNG_SEED, &seed, sizeof(seed));
	if (len) {
		net_put(&m, TCA_NETEM_DELAY_DIST, table, len);
		net_put(&m, TCA_NETEM_SLOT_DIST, table + 1, len - 2);
	}
	options->rta_len = (void *)&m + NLMSG_ALIGN(m.nlh.nlmsg_len) -
			   (void *)options;
	return net_talk(&m);
}

#define SAME_DIST	101

/* In a table of one value, it is what every delay is. */
static int64_t delay_of(int sender, int receiver)
{
	struct timespec a, b;
	char c;

	clock_gettime(CLOCK_MONOTONIC, &a);
	CHECK_EQ(send(sender, "x", 1, 0), 1);
	CHECK_EQ(recv(receiver, &c, 1, 0), 1);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return (b.tv_sec - a.tv_sec) * 1000 +
	       (b.tv_nsec - a.tv_nsec) / 1000000;
}

CKPT_TEST(delays)
{
	static struct seen was[SEEN_MAX], is[SEEN_MAX];
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int64_t latency = 1000000, jitter = 400000000;
	struct tc_netem_qopt opt = { .limit = 55 };
	int16_t table[SAME_DIST], one = 8192;
	socklen_t len = sizeof(in);
	struct rtattr *options;
	int nr, i, fd[2];
	struct net_msg m;

	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
	REQUIRE(!net_make("dm0", "dummy", 0) && !net_make("dm1", "dummy", 0));
	for (i = 0; i < SAME_DIST; i++)
		table[i] = i * 321 - 16000;
	if (varied("dm0", 0x70000, table, sizeof(table)))
		ckpt_skip("no netem");
	REQUIRE(!varied("dm1", 0x70000, NULL, 0));
	/* a millisecond, and as many as the only entry of the table says */
	begin(&m, RTM_NEWQDISC, "lo", 0x80000, TC_H_ROOT, "netem");
	options = (void *)&m + NLMSG_ALIGN(m.nlh.nlmsg_len);
	net_put(&m, TCA_OPTIONS, &opt, sizeof(opt));
	net_put(&m, TCA_NETEM_LATENCY64, &latency, sizeof(latency));
	net_put(&m, TCA_NETEM_JITTER64, &jitter, sizeof(jitter));
	net_put(&m, TCA_NETEM_DELAY_DIST, &one, sizeof(one));
	options->rta_len = (void *)&m + NLMSG_ALIGN(m.nlh.nlmsg_len) -
			   (void *)options;
	REQUIRE(!net_talk(&m));
	nr = look(was);
	fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	fd[1] = socket(AF_INET, SOCK_DGRAM, 0);
	REQUIRE(!bind(fd[1], (void *)&in, sizeof(in)));
	REQUIRE(!getsockname(fd[1], (void *)&in, &len));
	REQUIRE(!connect(fd[0], (void *)&in, sizeof(in)));
	ckpt_ready();
	CHECK_EQ(look(is), nr);
	for (i = 0; i < nr; i++)
		CHECK(!memcmp(&was[i], &is[i], sizeof(is[i])));
	/* without the table it would be from 0 to 800, and now and then below */
	for (i = 0; i < 4; i++)
		CHECK(delay_of(fd[0], fd[1]) >= 400);
}

/* Two tables that no message has room for */
REFUSED(has_long_tables,
	"qdisc netem with two long tables of distributions: not supported")
{
	static const int types[] = { TCA_NETEM_DELAY_DIST, TCA_NETEM_SLOT_DIST };
	static struct {
		struct net_msg m;
		int16_t room[16384];
	} big;
	struct tc_netem_qopt opt = { .limit = 55 };
	struct net_msg *m = &big.m;
	struct rtattr *options, *a;
	int i;

	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_make("dm0", "dummy", 0));
	if (netem("dm0", 0x70000, TC_H_ROOT, 0))
		ckpt_skip("no netem");
	for (i = 0; i < 2; i++) {
		begin(m, RTM_NEWQDISC, "dm0", 0x70000, TC_H_ROOT, "netem");
		m->nlh.nlmsg_flags &= ~(NLM_F_CREATE | NLM_F_EXCL);
		options = (void *)m + NLMSG_ALIGN(m->nlh.nlmsg_len);
		net_put(m, TCA_OPTIONS, &opt, sizeof(opt));
		a = (void *)m + NLMSG_ALIGN(m->nlh.nlmsg_len);
		a->rta_type = types[i];
		a->rta_len = RTA_LENGTH(sizeof(big.room));
		m->nlh.nlmsg_len = (void *)a + a->rta_len - (void *)m;
		options->rta_len = (void *)a + a->rta_len - (void *)options;
		REQUIRE(!net_talk(m));
	}
	ckpt_ready();
}

TEST_HARNESS_MAIN
