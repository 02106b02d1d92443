// SPDX-License-Identifier: GPL-2.0
/*
 * Internet sockets: what those of AF_INET6 have beside what all have.
 */

#include <linux/checkpoint_types.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "../ipv4/checkpoint_inet.h"

/* What setsockopt(2) may refuse by now is in struct ckpt_hdr_inet. */
static const u16 ipv6_opts[] = {
	IPV6_MULTICAST_ALL,
	IPV6_MULTICAST_LOOP,
	IPV6_UNICAST_HOPS,
	IPV6_MULTICAST_HOPS,
	IPV6_MTU_DISCOVER,
	IPV6_MTU,
	IPV6_RECVERR,
	IPV6_RECVERR_RFC4884,
	IPV6_MINHOPCOUNT,
	IPV6_DONTFRAG,
	IPV6_AUTOFLOWLABEL,
	IPV6_FLOWINFO_SEND,
	IPV6_ROUTER_ALERT_ISOLATE,
	IPV6_TCLASS,
	IPV6_RECVPKTINFO,
	IPV6_2292PKTINFO,
	IPV6_RECVHOPLIMIT,
	IPV6_2292HOPLIMIT,
	IPV6_RECVRTHDR,
	IPV6_2292RTHDR,
	IPV6_RECVHOPOPTS,
	IPV6_2292HOPOPTS,
	IPV6_RECVDSTOPTS,
	IPV6_2292DSTOPTS,
	IPV6_RECVTCLASS,
	IPV6_FLOWINFO,
	IPV6_RECVPATHMTU,
	IPV6_RECVORIGDSTADDR,
	IPV6_RECVFRAGSIZE,
};

static const u16 ipv6_data[] = {
	IPV6_HOPOPTS,
	IPV6_RTHDR,
	IPV6_RTHDRDSTOPTS,
	IPV6_DSTOPTS,
	IPV6_PKTINFO,
};

static bool ipv6_read(struct sock *sk, u32 name, s32 *value)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);
	int len = sizeof(*value);

	switch (name) {
	/* not what a route says in their place */
	case IPV6_UNICAST_HOPS:
		*value = READ_ONCE(np->hop_limit);
		return true;
	case IPV6_MULTICAST_HOPS:
		*value = READ_ONCE(np->mcast_hops);
		return true;
	case IPV6_MTU:
		*value = READ_ONCE(np->frag_size);
		return true;
	case IPV6_AUTOFLOWLABEL:
		*value = inet6_test_bit(AUTOFLOWLABEL, sk);
		return inet6_test_bit(AUTOFLOWLABEL_SET, sk);
	}
	return !do_ipv6_getsockopt(sk, SOL_IPV6, name, KERNEL_SOCKPTR(value),
				   KERNEL_SOCKPTR(&len)) &&
	       len == sizeof(*value);
}

static int ipv6_write(struct sock *sk, u32 name, s32 value)
{
	struct ipv6_pinfo *np = inet6_sk(sk);

	switch (name) {
	/* of a connection, bits of the protocol's own are in it */
	case IPV6_TCLASS:
		if (value < 0 || value > U8_MAX)
			return -EINVAL;
		np->tclass = value;
		return 0;
	/* of a connection, what its first packet had */
	case IPV6_MULTICAST_HOPS:
		if (value < 0 || value > U8_MAX)
			return -EINVAL;
		WRITE_ONCE(np->mcast_hops, value);
		return 0;
	}
	return do_ipv6_setsockopt(sk, SOL_IPV6, name, KERNEL_SOCKPTR(&value),
				  sizeof(value));
}

static int ipv6_read_data(struct sock *sk, u32 name, void *buf, int size)
{
	const struct in6_pktinfo *info = &inet6_sk(sk)->sticky_pktinfo;
	int len = size, err;

	if (name == IPV6_PKTINFO) {
		if (!memchr_inv(info, 0, sizeof(*info)))
			return 0;
		memcpy(buf, info, sizeof(*info));
		return sizeof(*info);
	}
	err = do_ipv6_getsockopt(sk, SOL_IPV6, name, KERNEL_SOCKPTR(buf),
				 KERNEL_SOCKPTR(&len));
	return err ?: len;
}

static int ipv6_write_data(struct sock *sk, u32 name, void *buf, int len)
{
	return do_ipv6_setsockopt(sk, SOL_IPV6, name, KERNEL_SOCKPTR(buf), len);
}

/* Both lists change with the socket locked. */
static int ipv6_groups(struct sock *sk, struct list_head *list)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);
	const struct ipv6_ac_socklist *ac;
	const struct ipv6_mc_socklist *mc;
	const struct ip6_sf_socklist *src;
	struct ckpt_inet_group *g;
	u32 nr;

	lockdep_assert_held(&sk->sk_lock);

	for (mc = rcu_dereference_protected(np->ipv6_mc_list,
					    lockdep_sock_is_held(sk)); mc;
	     mc = rcu_dereference_protected(mc->next,
					    lockdep_sock_is_held(sk))) {
		src = rcu_dereference_protected(mc->sflist,
						lockdep_sock_is_held(sk));
		nr = src ? src->sl_count : 0;
		g = ckpt_inet_group_add(list, nr);
		if (!g)
			return -ENOMEM;
		g->rec.level = SOL_IPV6;
		g->rec.mode = mc->sfmode == MCAST_INCLUDE ? CKPT_INET_INCLUDE :
							    CKPT_INET_EXCLUDE;
		g->rec.ifindex = mc->ifindex;
		memcpy(g->rec.group, &mc->addr, sizeof(mc->addr));
		if (nr)
			memcpy(g->rec.src, src->sl_addr,
			       nr * sizeof(src->sl_addr[0]));
	}
	for (ac = np->ipv6_ac_list; ac; ac = ac->acl_next) {
		g = ckpt_inet_group_add(list, 0);
		if (!g)
			return -ENOMEM;
		g->rec.level = SOL_IPV6;
		g->rec.mode = CKPT_INET_ANYCAST;
		g->rec.ifindex = ac->acl_ifindex;
		memcpy(g->rec.group, &ac->acl_addr, sizeof(ac->acl_addr));
	}
	return 0;
}

static int ipv6_filter(struct sock *sk, const struct ckpt_hdr_inet_group *h)
{
	struct group_filter gsf = {
		.gf_interface = h->ifindex,
		.gf_fmode = h->mode == CKPT_INET_INCLUDE ? MCAST_INCLUDE :
							   MCAST_EXCLUDE,
		.gf_numsrc = h->nr_src,
	};
	struct sockaddr_storage *list;
	struct sockaddr_in6 *sin6;
	int err;
	u32 i;

	list = kvcalloc(h->nr_src, sizeof(*list), GFP_KERNEL_ACCOUNT);
	if (!list)
		return -ENOMEM;
	sin6 = (struct sockaddr_in6 *)&gsf.gf_group;
	sin6->sin6_family = AF_INET6;
	memcpy(&sin6->sin6_addr, h->group, sizeof(sin6->sin6_addr));
	for (i = 0; i < h->nr_src; i++) {
		sin6 = (struct sockaddr_in6 *)&list[i];
		sin6->sin6_family = AF_INET6;
		memcpy(&sin6->sin6_addr, h->src[i], sizeof(sin6->sin6_addr));
	}
	err = ip6_mc_msfilter(sk, &gsf, list);
	kvfree(list);
	return err;
}

static int ipv6_join(struct sock *sk, const struct ckpt_hdr_inet_group *h)
{
	struct in6_addr addr;
	int err;

	ASSERT_RTNL();
	lockdep_assert_held(&sk->sk_lock);

	memcpy(&addr, h->group, sizeof(addr));
	if (h->mode == CKPT_INET_ANYCAST)
		return ipv6_sock_ac_join(sk, h->ifindex, &addr);
	if (h->nr_src > READ_ONCE(sysctl_mld_max_msf))
		return -ENOBUFS;
	err = ipv6_sock_mc_join_ssm(sk, h->ifindex, &addr,
				    h->mode == CKPT_INET_INCLUDE ?
				    MCAST_INCLUDE : MCAST_EXCLUDE);
	if (!err && h->nr_src)
		err = ipv6_filter(sk, h);
	return err;
}

/**
 * ckpt_inet6_save - what an AF_INET6 socket has that is no option
 * @sk: the socket
 * @h: the record, to be completed
 */
void ckpt_inet6_save(struct sock *sk, struct ckpt_hdr_inet *h)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);

	h->v6only = sk->sk_ipv6only;
	h->srcprefs = READ_ONCE(np->srcprefs);
	h->rcv_flowinfo = (__force u32)np->rcv_flowinfo;
	h->ucast_oif = READ_ONCE(np->ucast_oif);
	h->mcast_oif = READ_ONCE(np->mcast_oif);
}

/**
 * ckpt_inet6_restore - set what an AF_INET6 socket has that is no option
 * @sk: the socket
 * @h: the record
 *
 * Return: false if it is malformed, or names a device that is not there.
 */
bool ckpt_inet6_restore(struct sock *sk, const struct ckpt_hdr_inet *h)
{
	const u32 both = IPV6_PREFER_SRC_TMP | IPV6_PREFER_SRC_PUBLIC;
	struct ipv6_pinfo *np = inet6_sk(sk);

	/* of a connection, the device that it came through: it may be gone */
	if (h->v6only > 1 || (h->srcprefs & both) == both ||
	    (h->srcprefs & ~(both | IPV6_PREFER_SRC_COA)) ||
	    h->mcast_oif > INT_MAX || !ckpt_inet_has_dev(sk, h->ucast_oif) ||
	    (sk->sk_type != SOCK_STREAM &&
	     !ckpt_inet_has_dev(sk, h->mcast_oif)))
		return false;
	sk->sk_ipv6only = h->v6only;
	WRITE_ONCE(np->srcprefs, h->srcprefs);
	np->rcv_flowinfo = (__force __be32)h->rcv_flowinfo;
	WRITE_ONCE(np->ucast_oif, h->ucast_oif);
	WRITE_ONCE(np->mcast_oif, h->mcast_oif);
	return true;
}

static bool has_mroute(struct sock *sk)
{
#ifdef CONFIG_IPV6_MROUTE
	return sk->sk_type == SOCK_RAW && sk->sk_protocol == IPPROTO_ICMPV6 &&
	       atomic_read(&sock_net(sk)->ipv6.devconf_all->mc_forwarding);
#else
	return false;
#endif
}

/**
 * ckpt_inet6_refused - what about an AF_INET6 socket cannot be saved?
 * @sk: the socket
 *
 * Return: a text, or NULL if there is nothing.
 */
const char *ckpt_inet6_refused(struct sock *sk)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);

	if (rcu_access_pointer(inet_sk(sk)->ipv6_fl_list) ||
	    (np->flow_label & IPV6_FLOWLABEL_MASK) ||
	    inet6_test_bit(REPFLOW, sk))
		return "IPV6_FLOWLABEL_MGR";
	if (inet6_test_bit(RTALERT, sk) && sk->sk_type == SOCK_RAW)
		return "IPV6_ROUTER_ALERT";
	if (READ_ONCE(np->rxpmtu))
		return "a path MTU that is not received yet";
	if (READ_ONCE(np->pktoptions))
		return "IPV6_2292PKTOPTIONS";
	if (has_mroute(sk))
		return "multicast routing";
	/* of a connection, the device that it came through may be gone */
	if (!ckpt_inet_has_dev(sk, READ_ONCE(np->ucast_oif)) ||
	    (sk->sk_type != SOCK_STREAM &&
	     !ckpt_inet_has_dev(sk, READ_ONCE(np->mcast_oif))))
		return "IPV6_UNICAST_IF or IPV6_MULTICAST_IF of a device that is gone";
	return NULL;
}

const struct ckpt_inet_level ckpt_ipv6_level = {
	.level		= SOL_IPV6,
	.opts		= ipv6_opts,
	.nr_opts	= ARRAY_SIZE(ipv6_opts),
	.data		= ipv6_data,
	.nr_data	= ARRAY_SIZE(ipv6_data),
	.read		= ipv6_read,
	.write		= ipv6_write,
	.read_data	= ipv6_read_data,
	.write_data	= ipv6_write_data,
	.groups		= ipv6_groups,
	.join		= ipv6_join,
};
