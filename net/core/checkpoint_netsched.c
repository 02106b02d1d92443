// SPDX-License-Identifier: GPL-2.0
/*
 * Queueing disciplines that a user chose, and their classes: saved as rtnetlink
 * shows them, and made by telling it the same, each when that which it is in
 * is there, and then their filters. Packets that wait in one are lost, as on a
 * network.
 */

#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sched/signal.h>
#include <net/net_namespace.h>
#include <net/pkt_sched.h>
#include <net/sch_generic.h>

#include "checkpoint_netns.h"

#define A(attr)		BIT_ULL(attr)
#define SCHED_KEEP	(A(TCA_KIND) | A(TCA_OPTIONS))
#define SCHED_IGNORE	(A(TCA_STATS) | A(TCA_XSTATS) | A(TCA_STATS2) | \
			 A(TCA_PAD) | A(TCA_HW_OFFLOAD) | A(TCA_FCNT))

/* Kinds that tell of all that they were told; one with classes, and others */
static const char * const kinds[] = {
	"htb", "fq", "netem", "pfifo", "bfifo", "pfifo_head_drop",
	"ingress", "clsact",
};

static bool kind_known(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i], name))
			return true;
	return false;
}

/**
 * ckpt_netsched_refused - can what a device sends through be made anew?
 * @dev: the device
 *
 * Context: rtnl_lock.
 * Return: the name of a queueing discipline that cannot, or NULL.
 */
const char *ckpt_netsched_refused(struct net_device *dev)
{
	struct Qdisc *q = rtnl_dereference(dev->qdisc);
	struct netdev_queue *in = NULL;

	if (q && q->handle && !kind_known(q->ops->id))
		return q->ops->id;
#ifdef CONFIG_NET_CLS_ACT
	in = rtnl_dereference(dev->ingress_queue);
#endif
	q = in ? rtnl_dereference(in->qdisc_sleeping) : NULL;
	return q && q != &noop_qdisc && !kind_known(q->ops->id) ? q->ops->id :
								  NULL;
}

/* ---------------------------------------------------------- checkpoint */

/**
 * struct save - writing what the devices of a namespace send through
 * @ctx: the context
 * @net: the namespace
 * @index: its number in the image
 * @m: what is to be written next
 * @devs: indexes of devices that have classes perhaps, in any order
 * @blocks: struct tcmsg, what filters are asked of: qdiscs and classes
 */
struct save {
	struct ckpt_ctx *ctx;
	struct net *net;
	u32 index;
	struct ckpt_msgs m;
	struct ckpt_msgs devs;
	struct ckpt_msgs blocks;
};

static int refuse(struct save *s, const struct tcmsg *tcm, const char *kind,
		  const char *what)
{
	return ckpt_err(s->ctx, -ENOSYS, "network device %u: qdisc %s%s: not supported",
			tcm->tcm_ifindex, kind, what);
}

static struct nlattr *attr(const struct nlmsghdr *nlh, int type)
{
	return nlmsg_find_attr(nlh, sizeof(struct tcmsg), type);
}

static const char *kind_of(const struct nlmsghdr *nlh)
{
	const struct nlattr *a = attr(nlh, TCA_KIND);

	return a ? nla_data(a) : "";
}

/*
 * What netem tells does not say how a delay, or slots, are distributed. Returns
 * a negative errno, reported if it is -ENOSYS.
 */
static int copy_dists(struct save *s, const struct tcmsg *tcm, size_t options)
{
	struct net_device *dev;
	struct nlattr *a;
	struct Qdisc *q;
	int err = -EAGAIN;

	rtnl_lock();
	dev = __dev_get_by_index(s->net, tcm->tcm_ifindex);
	q = dev ? qdisc_lookup(dev, tcm->tcm_handle) : NULL;
	if (q && !strcmp(q->ops->id, "netem"))
		err = ckpt_netem_dists(q, &s->m);
	rtnl_unlock();
	if (err == -EOPNOTSUPP)
		return refuse(s, tcm, "netem", " in this build");
	if (err)
		return err;
	if (s->m.len - options > U16_MAX)
		return refuse(s, tcm, "netem", " with two long tables of distributions");
	a = s->m.data + options;
	a->nla_len = s->m.len - options;
	return 0;
}

/* It tells of more than the version that it takes. */
static void fix_htb(struct nlattr *options)
{
	struct nlattr *a = nla_find_nested(options, TCA_HTB_INIT);
	struct tc_htb_glob *glob;

	if (!a || nla_len(a) < (int)sizeof(*glob))
		return;
	glob = nla_data(a);
	glob->version = TC_HTB_PROTOVER;
	glob->direct_pkts = 0;
}

static int copy_message(struct save *s, const struct nlmsghdr *nlh)
{
	bool netem = !strcmp(kind_of(nlh), "netem") &&
		     nlh->nlmsg_type == RTM_NEWQDISC;
	const struct tcmsg *tcm = nlmsg_data(nlh);
	size_t start = s->m.len, at;
	struct nlmsghdr *copy;
	const struct nlattr *a;
	int left, err;
	u64 bit;

	err = ckpt_msgs_add(&s->m, nlh, NLMSG_HDRLEN + sizeof(*tcm));
	nlmsg_for_each_attr(a, nlh, sizeof(*tcm), left) {
		bit = nla_type(a) < 64 ? A(nla_type(a)) : 0;
		if (!err && !(bit & (SCHED_KEEP | SCHED_IGNORE)))
			err = refuse(s, tcm, kind_of(nlh), " with size tables, blocks or rates");
		if (err || !(bit & SCHED_KEEP))
			continue;
		at = s->m.len;
		err = ckpt_msgs_add(&s->m, a, a->nla_len);
		if (!err && netem && bit == A(TCA_OPTIONS))
			err = copy_dists(s, tcm, at);
	}
	if (err)
		return err;
	copy = ckpt_msgs_end(&s->m, start);
	((struct tcmsg *)nlmsg_data(copy))->tcm_info = 0;
	if (nlh->nlmsg_type == RTM_NEWQDISC && !strcmp(kind_of(nlh), "htb") &&
	    attr(copy, TCA_OPTIONS))
		fix_htb(attr(copy, TCA_OPTIONS));
	return 0;
}

static int write_some(struct save *s, size_t limit)
{
	return ckpt_net_flush(s->ctx, s->index, CKPT_NET_SCHED, &s->m, limit);
}

/* Filters are listed of one qdisc, or of one class. */
static int add_block(struct save *s, const struct tcmsg *tcm, u32 parent)
{
	struct tcmsg block = {
		.tcm_ifindex = tcm->tcm_ifindex,
		.tcm_parent = parent,
	};

	BUILD_BUG_ON(!IS_ALIGNED(sizeof(block), NLMSG_ALIGNTO));

	return ckpt_msgs_add(&s->blocks, &block, sizeof(block));
}

/* Those without a handle are the kernel's own choice, and come by themselves. */
static int save_qdisc(void *arg, struct nlmsghdr *nlh)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);
	const char *kind = kind_of(nlh);
	struct save *s = arg;
	int err;

	if (nlh->nlmsg_type != RTM_NEWQDISC ||
	    nlmsg_len(nlh) < (int)sizeof(*tcm) || !tcm->tcm_handle)
		return 0;
	if (!kind_known(kind))
		return refuse(s, tcm, kind, "");
	err = copy_message(s, nlh);
	if (!err && !strcmp(kind, "htb")) {
		err = ckpt_msgs_add(&s->devs, &tcm->tcm_ifindex,
				    sizeof(tcm->tcm_ifindex));
		err = err ?: add_block(s, tcm, tcm->tcm_handle);
	}
	/* those that come in, and those that go out */
	if (!err && tcm->tcm_parent == TC_H_INGRESS)
		err = add_block(s, tcm, TC_H_MAKE(TC_H_CLSACT,
						  TC_H_MIN_INGRESS));
	if (!err && !strcmp(kind, "clsact"))
		err = add_block(s, tcm, TC_H_MAKE(TC_H_CLSACT,
						  TC_H_MIN_EGRESS));
	return err ?: write_some(s, CKPT_REC_MAX / 2);
}

static int save_class(void *arg, struct nlmsghdr *nlh)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);
	struct save *s = arg;
	int err;

	if (nlh->nlmsg_type != RTM_NEWTCLASS ||
	    nlmsg_len(nlh) < (int)sizeof(struct tcmsg) ||
	    strcmp(kind_of(nlh), "htb"))
		return 0;
	err = copy_message(s, nlh);
	err = err ?: add_block(s, tcm, tcm->tcm_handle);
	return err ?: write_some(s, CKPT_REC_MAX / 2);
}

/* A device with several such is listed several times: once is enough. */
static int save_classes(struct save *s, struct ckpt_nl *nl)
{
	const int *dev = s->devs.data, *end = s->devs.data + s->devs.len;
	struct tcmsg tcm = {};
	int err = 0, last = 0;

	for (; dev < end && !err; dev++) {
		if (*dev == last)
			continue;
		last = *dev;
		tcm.tcm_ifindex = *dev;
		err = ckpt_nl_dump(nl, RTM_GETTCLASS, &tcm, sizeof(tcm),
				   save_class, s);
	}
	return err;
}

/**
 * ckpt_netsched_checkpoint - write queueing disciplines and classes
 * @ctx: the context
 * @index: number of the namespace in the image
 * @net: the namespace
 * @nl: a socket in it
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_netsched_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net,
			     struct ckpt_nl *nl)
{
	struct save s = { .ctx = ctx, .net = net, .index = index };
	struct tcmsg all = {};
	int err;

	/* a kernel without traffic control has none */
	if (!IS_ENABLED(CONFIG_NET_SCHED))
		return 0;
	err = ckpt_nl_dump(nl, RTM_GETQDISC, &all, sizeof(all), save_qdisc, &s);
	if (!err)
		err = save_classes(&s, nl);
	if (!err)
		err = write_some(&s, 0);
	if (!err)
		err = ckpt_tcfilter_checkpoint(ctx, index, net, nl, &s.blocks);
	if (err == -EAGAIN)
		err = ckpt_err(ctx, -EBUSY, "network namespace: its qdiscs changed meanwhile, try again");
	else if (err)
		err = ckpt_err(ctx, err, "network namespace: its qdiscs: error %d",
			       err);
	ckpt_msgs_free(&s.m);
	ckpt_msgs_free(&s.devs);
	ckpt_msgs_free(&s.blocks);
	return err;
}

/* ------------------------------------------------------------- restart */

static bool message_ok(const struct nlmsghdr *nlh)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);
	const struct nlattr *a;
	int left;

	if ((nlh->nlmsg_type != RTM_NEWQDISC &&
	     nlh->nlmsg_type != RTM_NEWTCLASS) || nlh->nlmsg_flags ||
	    nlh->nlmsg_seq || nlh->nlmsg_pid ||
	    nlmsg_len(nlh) < (int)sizeof(*tcm) || tcm->tcm_info ||
	    tcm->tcm_ifindex <= 0 || !tcm->tcm_handle)
		return false;
	nlmsg_for_each_attr(a, nlh, sizeof(*tcm), left)
		if (nla_type(a) >= 64 || !(A(nla_type(a)) & SCHED_KEEP))
			return false;
	a = attr(nlh, TCA_KIND);
	return !left && a && nla_len(a) &&
	       strnlen(nla_data(a), nla_len(a)) < nla_len(a) &&
	       kind_known(nla_data(a));
}

/**
 * ckpt_netsched_check - is this something that a checkpoint writes?
 * @ctx: the context
 * @m: the messages of a record
 *
 * The kernel checks each message against its policies when it is sent.
 *
 * Return: 0, or -EINVAL, reported.
 */
int ckpt_netsched_check(struct ckpt_ctx *ctx, const struct ckpt_msgs *m)
{
	const struct nlmsghdr *nlh = m->data;
	int left = m->len;

	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left))
		if (!message_ok(nlh) && !ckpt_tcfilter_ok(nlh))
			return ckpt_err(ctx, -EINVAL, "image: network namespace: malformed qdisc");
	if (left)
		return ckpt_err(ctx, -EINVAL, "image: network namespace: qdiscs: %d bytes too many",
				left);
	return 0;
}

/**
 * struct make - making queueing disciplines and classes
 * @ctx: the context
 * @nl: a socket in the namespace
 * @made: what is there, by make_key(): whether it has_classes()
 * @done: something was made in this round
 * @left: something has to wait
 */
struct make {
	struct ckpt_ctx *ctx;
	struct ckpt_nl *nl;
	struct xarray made;
	bool done;
	bool left;
};

/* A qdisc has a handle of which only the major number is not 0. */
static unsigned long make_key(const struct tcmsg *tcm, u32 handle)
{
	return (u64)tcm->tcm_ifindex << 32 | handle;
}

static bool has_classes(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_type == RTM_NEWQDISC && !strcmp(kind_of(nlh), "htb");
}

/*
 * A class that is in no other is in its qdisc. The only class of a qdisc of
 * another kind comes with that.
 */
static bool may_make(struct make *k, const struct nlmsghdr *nlh)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);
	u32 in = tcm->tcm_parent;
	void *qdisc;

	if (in == TC_H_ROOT || in == TC_H_INGRESS) {
		if (nlh->nlmsg_type == RTM_NEWQDISC)
			return true;
		in = TC_H_MAJ(tcm->tcm_handle);
	}
	if (xa_load(&k->made, make_key(tcm, in)))
		return true;
	qdisc = xa_load(&k->made, make_key(tcm, TC_H_MAJ(in)));
	return nlh->nlmsg_type == RTM_NEWQDISC && qdisc &&
	       !xa_to_value(qdisc);
}

static int make_one(struct make *k, struct nlmsghdr *nlh)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);
	unsigned long key = make_key(tcm, tcm->tcm_handle);
	struct nlmsghdr was = *nlh;
	int err;

	if (xa_load(&k->made, key))
		return 0;
	if (!may_make(k, nlh)) {
		k->left = true;
		return 0;
	}
	nlh->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	err = ckpt_nl_talk(k->nl, nlh);
	*nlh = was;
	if (err)
		return ckpt_err(k->ctx, err, "network device %u: qdisc %s or its class %x:%x cannot be made: error %d%s",
				tcm->tcm_ifindex, kind_of(nlh),
				TC_H_MAJ(tcm->tcm_handle) >> 16,
				TC_H_MIN(tcm->tcm_handle), err, k->nl->why);
	k->done = true;
	return xa_err(xa_store(&k->made, key, xa_mk_value(has_classes(nlh)),
			       GFP_KERNEL_ACCOUNT));
}

static bool is_filter(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_type == RTM_NEWTFILTER ||
	       nlh->nlmsg_type == RTM_NEWCHAIN;
}

/* And chains; they are in the order in which they can be made. */
static int make_filter(struct make *k, struct nlmsghdr *nlh)
{
	const struct tcmsg *tcm = nlmsg_data(nlh);
	struct nlmsghdr was = *nlh;
	int err;

	nlh->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	err = ckpt_nl_talk(k->nl, nlh);
	*nlh = was;
	if (err)
		return ckpt_err(k->ctx, err, "network device %u: filter %s %x of %x:%x cannot be made: error %d%s",
				tcm->tcm_ifindex, kind_of(nlh), tcm->tcm_handle,
				TC_H_MAJ(tcm->tcm_parent) >> 16,
				TC_H_MIN(tcm->tcm_parent), err, k->nl->why);
	return 0;
}

/**
 * ckpt_netsched_restore - make queueing disciplines and classes
 * @ctx: the context
 * @n: the namespace, with what is to be in it; its devices are up
 * @nl: a socket in it
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_netsched_restore(struct ckpt_ctx *ctx, struct ckpt_net *n,
			  struct ckpt_nl *nl)
{
	const struct ckpt_msgs *m = &n->data[CKPT_NET_SCHED];
	struct make k = { .ctx = ctx, .nl = nl };
	struct nlmsghdr *nlh;
	int left, err = 0;

	xa_init_flags(&k.made, XA_FLAGS_ACCOUNT);
	do {
		k.done = false;
		k.left = false;
		nlh = m->data;
		left = m->len;
		for (; nlmsg_ok(nlh, left) && !err;
		     nlh = nlmsg_next(nlh, &left)) {
			if (!is_filter(nlh))
				err = make_one(&k, nlh);
			cond_resched();
		}
		if (fatal_signal_pending(current))
			err = -EINTR;
	} while (!err && k.left && k.done);
	if (!err && k.left)
		err = ckpt_err(ctx, -EINVAL, "image: network namespace: a qdisc or class is in none");
	nlh = m->data;
	left = m->len;
	for (; nlmsg_ok(nlh, left) && !err; nlh = nlmsg_next(nlh, &left))
		if (is_filter(nlh))
			err = make_filter(&k, nlh);
	xa_destroy(&k.made);
	return err;
}
