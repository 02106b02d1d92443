// SPDX-License-Identifier: GPL-2.0
/*
 * Internet sockets: what those of all protocols have in common.
 *
 * A socket gets its options when it is made, and its address when all tasks
 * are there: nobody can reach it before it is what it was, and holds what it
 * held. An address is what bind(2) would give to whoever restarts, and options
 * are what setsockopt(2) would; what a call does not set, since it belongs to a
 * connection or to a state that is not there yet, is set here and checked.
 */

#include <linux/checkpoint_types.h>
#include <linux/in.h>
#include <linux/igmp.h>
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/net.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <linux/security.h>
#include <net/addrconf.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "../core/checkpoint_sock.h"
#include "../core/dev.h"
#include "checkpoint_inet.h"

#define CKPT_INET_ADDR_ALL	(CKPT_INET_ADDR_LOCK | CKPT_INET_PORT_LOCK | \
				 CKPT_INET_CONNECTED)

/* The table of protocols: adding one is an entry here. */
static const struct ckpt_inet_proto *const protos[] = {
	&ckpt_udp_proto,
	&ckpt_udplite_proto,
	&ckpt_tcp_proto,
	&ckpt_ping_proto,
	&ckpt_raw_proto,
};

static const struct ckpt_inet_proto *find_proto(u32 family, u32 type,
						u32 protocol)
{
	u32 has;
	int i;

	for (i = 0; i < ARRAY_SIZE(protos); i++) {
		has = family == PF_INET ? protos[i]->protocol :
					  protos[i]->protocol6;
		if (protos[i]->type == type && (!has || has == protocol))
			return protos[i];
	}
	return NULL;
}

static const struct ckpt_inet_proto *proto_of(const struct sock *sk)
{
	return find_proto(sk->sk_family, sk->sk_type, sk->sk_protocol);
}

/* -------------------------------------------------------------- options */

static const u16 ip_opts[] = {
	IP_PKTINFO,
	IP_RECVTTL,
	IP_RECVTOS,
	IP_RECVOPTS,
	IP_RETOPTS,
	IP_PASSSEC,
	IP_RECVORIGDSTADDR,
	IP_CHECKSUM,
	IP_RECVFRAGSIZE,
	IP_RECVERR,
	IP_RECVERR_RFC4884,
	IP_FREEBIND,
	IP_TRANSPARENT,
	IP_HDRINCL,
	IP_NODEFRAG,
	IP_BIND_ADDRESS_NO_PORT,
	IP_ROUTER_ALERT,
	IP_TTL,
	IP_MINTTL,
	IP_MULTICAST_TTL,
	IP_MULTICAST_LOOP,
	IP_MULTICAST_ALL,
	IP_MTU_DISCOVER,
	IP_TOS,
	IP_LOCAL_PORT_RANGE,
};

static const u16 ip_data[] = {
	IP_OPTIONS,
};

static bool ip_read(struct sock *sk, u32 name, s32 *value)
{
	int len = sizeof(*value);

	/* not the default in its place */
	if (name == IP_TTL) {
		*value = READ_ONCE(inet_sk(sk)->uc_ttl);
		return true;
	}
	return !do_ip_getsockopt(sk, SOL_IP, name, KERNEL_SOCKPTR(value),
				 KERNEL_SOCKPTR(&len)) &&
	       len == sizeof(*value);
}

static int ip_write(struct sock *sk, u32 name, s32 value)
{
	struct inet_sock *inet = inet_sk(sk);

	switch (name) {
	/* of a connection, bits of the protocol's own are in it */
	case IP_TOS:
		if (value < 0 || value > U8_MAX)
			return -EINVAL;
		WRITE_ONCE(inet->tos, value);
		return 0;
	/* of a connection, what its first packet had */
	case IP_MULTICAST_TTL:
		if (value < 0 || value > U8_MAX)
			return -EINVAL;
		WRITE_ONCE(inet->mc_ttl, value);
		return 0;
	}
	return do_ip_setsockopt(sk, SOL_IP, name, KERNEL_SOCKPTR(&value),
				sizeof(value));
}

static int ip_read_data(struct sock *sk, u32 name, void *buf, int size)
{
	int len = size, err;

	err = do_ip_getsockopt(sk, SOL_IP, name, KERNEL_SOCKPTR(buf),
			       KERNEL_SOCKPTR(&len));
	return err ?: len;
}

static int ip_write_data(struct sock *sk, u32 name, void *buf, int len)
{
	return do_ip_setsockopt(sk, SOL_IP, name, KERNEL_SOCKPTR(buf), len);
}

static void map_addr(u8 *to, __be32 addr)
{
	struct in6_addr mapped;

	ipv6_addr_set_v4mapped(addr, &mapped);
	memcpy(to, &mapped, sizeof(mapped));
}

static bool is_mapped(const u8 *addr)
{
	struct in6_addr a;

	memcpy(&a, addr, sizeof(a));
	return ipv6_addr_v4mapped(&a);
}

static bool is_any(const u8 *addr)
{
	return !memchr_inv(addr, 0, sizeof(struct in6_addr));
}

/* The last four bytes: 0 for any */
static __be32 unmap_addr(const u8 *addr)
{
	__be32 v4;

	memcpy(&v4, addr + 12, sizeof(v4));
	return v4;
}

/**
 * ckpt_inet_group_add - one more group that a socket is a member of
 * @list: the others: it is put before them, the kernel has the last one first
 * @nr_src: number of its sources
 *
 * Context: process context, may sleep.
 * Return: the group, its record zeroed but for @nr_src, or NULL.
 */
struct ckpt_inet_group *ckpt_inet_group_add(struct list_head *list, u32 nr_src)
{
	size_t len = struct_size_t(struct ckpt_hdr_inet_group, src, nr_src);
	struct ckpt_inet_group *g;

	g = kvzalloc(offsetof(struct ckpt_inet_group, rec) + len,
		     GFP_KERNEL_ACCOUNT);
	if (!g)
		return NULL;
	g->len = len;
	g->rec.nr_src = nr_src;
	list_add(&g->list, list);
	return g;
}

static int ip_groups(struct sock *sk, struct list_head *list)
{
	const struct ip_mc_socklist *mc;
	const struct ip_sf_socklist *src;
	struct ckpt_inet_group *g;
	u32 nr, i;

	ASSERT_RTNL();

	for (mc = rtnl_dereference(inet_sk(sk)->mc_list); mc;
	     mc = rtnl_dereference(mc->next_rcu)) {
		src = rtnl_dereference(mc->sflist);
		nr = src ? src->sl_count : 0;
		g = ckpt_inet_group_add(list, nr);
		if (!g)
			return -ENOMEM;
		g->rec.level = SOL_IP;
		g->rec.mode = mc->sfmode == MCAST_INCLUDE ? CKPT_INET_INCLUDE :
							    CKPT_INET_EXCLUDE;
		g->rec.ifindex = mc->multi.imr_ifindex;
		g->rec.iface = (__force u32)mc->multi.imr_address.s_addr;
		map_addr(g->rec.group, mc->multi.imr_multiaddr.s_addr);
		for (i = 0; i < nr; i++)
			map_addr(g->rec.src[i], src->sl_addr[i]);
	}
	return 0;
}

static int ip_filter(struct sock *sk, const struct ckpt_hdr_inet_group *h)
{
	struct ip_msfilter *msf;
	int err;
	u32 i;

	msf = kvzalloc(IP_MSFILTER_SIZE(h->nr_src), GFP_KERNEL_ACCOUNT);
	if (!msf)
		return -ENOMEM;
	msf->imsf_multiaddr = unmap_addr(h->group);
	msf->imsf_interface = (__force __be32)h->iface;
	msf->imsf_fmode = h->mode == CKPT_INET_INCLUDE ? MCAST_INCLUDE :
							 MCAST_EXCLUDE;
	msf->imsf_numsrc = h->nr_src;
	for (i = 0; i < h->nr_src; i++)
		msf->imsf_slist_flex[i] = unmap_addr(h->src[i]);
	err = ip_mc_msfilter(sk, msf, h->ifindex);
	kvfree(msf);
	return err;
}

static int ip_join(struct sock *sk, const struct ckpt_hdr_inet_group *h)
{
	struct ip_mreqn mreq = {
		.imr_multiaddr.s_addr = unmap_addr(h->group),
		.imr_address.s_addr = (__force __be32)h->iface,
		.imr_ifindex = h->ifindex,
	};
	int err;
	u32 i;

	ASSERT_RTNL();

	if (h->mode == CKPT_INET_ANYCAST || !is_mapped(h->group))
		return -EINVAL;
	for (i = 0; i < h->nr_src; i++)
		if (!is_mapped(h->src[i]))
			return -EINVAL;
	if (h->nr_src > READ_ONCE(sock_net(sk)->ipv4.sysctl_igmp_max_msf))
		return -ENOBUFS;
	err = ip_mc_join_group_ssm(sk, &mreq, h->mode == CKPT_INET_INCLUDE ?
				   MCAST_INCLUDE : MCAST_EXCLUDE);
	if (!err && h->nr_src)
		err = ip_filter(sk, h);
	return err;
}

static const struct ckpt_inet_level ckpt_ip_level = {
	.level		= SOL_IP,
	.opts		= ip_opts,
	.nr_opts	= ARRAY_SIZE(ip_opts),
	.data		= ip_data,
	.nr_data	= ARRAY_SIZE(ip_data),
	.read		= ip_read,
	.write		= ip_write,
	.read_data	= ip_read_data,
	.write_data	= ip_write_data,
	.groups		= ip_groups,
	.join		= ip_join,
};

static const struct ckpt_inet_level *const levels[] = {
	&ckpt_ip_level,
#if IS_BUILTIN(CONFIG_IPV6)
	&ckpt_ipv6_level,
#endif
};

static bool has_level(const struct sock *sk, const struct ckpt_inet_level *l)
{
	return l->level == SOL_IP || sk->sk_family == PF_INET6;
}

static const struct ckpt_inet_level *find_level(const struct sock *sk,
						u32 level)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(levels); i++)
		if (levels[i]->level == level && has_level(sk, levels[i]))
			return levels[i];
	return NULL;
}

static bool find_name(const u16 *names, u32 nr, u32 name)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (names[i] == name)
			return true;
	return false;
}

/**
 * ckpt_inet_has_dev - is there such a device?
 * @sk: a socket, in the namespace where to look
 * @ifindex: index of the device
 *
 * Return: true if there is, or if @ifindex is 0.
 */
bool ckpt_inet_has_dev(struct sock *sk, u32 ifindex)
{
	bool found;

	rcu_read_lock();
	found = !ifindex || (ifindex <= INT_MAX &&
			     dev_get_by_index_rcu(sock_net(sk), ifindex));
	rcu_read_unlock();
	return found;
}

/* ---------------------------------------------------------- checkpoint */

static int sk_collect(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct ckpt_inet_proto *proto = proto_of(sk);

	return proto && proto->collect ? proto->collect(ctx, sk) : 0;
}

static bool sk_external(struct ckpt_ctx *ctx, struct sock *sk)
{
	return false;
}

static bool sk_in_tree(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct ckpt_inet_proto *proto = proto_of(sk);

	return proto && proto->in_tree && proto->in_tree(ctx, sk);
}

static const char *protocol_name(const struct sock *sk)
{
	switch (sk->sk_protocol) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_MPTCP:
		return "MPTCP";
	case IPPROTO_SCTP:
		return "SCTP";
	case IPPROTO_SMC:
		return "SMC";
	case IPPROTO_DCCP:
		return "DCCP";
	case IPPROTO_L2TP:
		return "L2TP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_UDPLITE:
		return "UDP-Lite";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "ICMP";
	default:
		return "its protocol";
	}
}

static bool has_mroute(struct sock *sk)
{
#ifdef CONFIG_IP_MROUTE
	return sk->sk_type == SOCK_RAW && sk->sk_protocol == IPPROTO_IGMP &&
	       IPV4_DEVCONF_ALL_RO(sock_net(sk), MC_FORWARDING);
#else
	return false;
#endif
}

static bool has_policy(struct sock *sk)
{
#ifdef CONFIG_XFRM
	return rcu_access_pointer(sk->sk_policy[0]) ||
	       rcu_access_pointer(sk->sk_policy[1]);
#else
	return false;
#endif
}

/* Of a connection, the device that it came through may be gone. */
static bool devs_there(struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);

	return ckpt_inet_has_dev(sk, READ_ONCE(inet->uc_index)) &&
	       (sk->sk_type == SOCK_STREAM ||
		ckpt_inet_has_dev(sk, READ_ONCE(inet->mc_index)));
}

static const char *sk_refused(struct ckpt_ctx *ctx, struct sock *sk,
			      bool external)
{
	const struct ckpt_inet_proto *proto = proto_of(sk);
	const char *why = NULL;

	if (external)
		return NULL;
	if (!proto)
		return sk->sk_type == SOCK_RAW ? "raw" : protocol_name(sk);
	if (has_policy(sk))
		return "IPsec policy";
	if (has_mroute(sk))
		return "multicast routing";
	if (!devs_there(sk))
		return "IP_UNICAST_IF or IP_MULTICAST_IF of a device that is gone";
	if (sk->sk_family == PF_INET6)
		why = ckpt_inet6_refused(sk);
	if (!why && proto->refused)
		why = proto->refused(ctx, sk);
	return why;
}

static void save_fields(struct sock *sk, struct ckpt_hdr_inet *h)
{
	const struct inet_sock *inet = inet_sk(sk);

	h->rcv_tos = inet->rcv_tos;
	h->uc_index = READ_ONCE(inet->uc_index);
	h->mc_index = READ_ONCE(inet->mc_index);
	h->mc_addr = (__force u32)READ_ONCE(inet->mc_addr);
	h->tskey = atomic_read(&sk->sk_tskey);
	h->zckey = atomic_read(&sk->sk_zckey);
	h->drops = atomic_read(&sk->sk_drops);
	h->stamped = sock_flag(sk, SOCK_TIMESTAMP);
	h->stamp_ns = ktime_to_ns(sock_read_timestamp(sk));
	/* of one that is gone there is no name */
	netdev_get_name(sock_net(sk), (char *)h->bound_dev,
			READ_ONCE(sk->sk_bound_dev_if));
	if (sk->sk_family == PF_INET6)
		ckpt_inet6_save(sk, h);
}

static void save_opts(struct sock *sk, struct ckpt_hdr_inet *h)
{
	const struct ckpt_inet_level *l;
	struct ckpt_inet_opt *opt;
	s32 value;
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		l = levels[i];
		if (!has_level(sk, l))
			continue;
		for (j = 0; j < l->nr_opts; j++) {
			if (!l->read(sk, l->opts[j], &value))
				continue;
			opt = &h->opts[h->nr_opts];
			if (WARN_ON_ONCE(h->nr_opts == CKPT_INET_OPTS_MAX))
				return;
			h->nr_opts++;
			opt->level = l->level;
			opt->name = l->opts[j];
			opt->value = value;
		}
	}
}

/* Count the options that are no numbers, or write them. */
static int for_data(struct ckpt_ctx *ctx, struct sock *sk, bool write)
{
	struct ckpt_hdr_inet_data h = {};
	const struct ckpt_inet_level *l;
	int len, err = 0, nr = 0;
	u32 i, j;
	void *buf;

	buf = kmalloc(CKPT_INET_DATA_MAX, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(levels) && !err; i++) {
		l = levels[i];
		if (!has_level(sk, l))
			continue;
		for (j = 0; j < l->nr_data && !err; j++) {
			len = l->read_data(sk, l->data[j], buf,
					   CKPT_INET_DATA_MAX);
			if (len <= 0) {
				err = len;
				continue;
			}
			nr++;
			if (!write)
				continue;
			h.level = l->level;
			h.name = l->data[j];
			h.len = len;
			err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_INET_DATA,
						  sizeof(h), buf, len);
		}
	}
	kfree(buf);
	return err ?: nr;
}

static void free_groups(struct list_head *list)
{
	struct ckpt_inet_group *g, *next;

	list_for_each_entry_safe(g, next, list, list)
		kvfree(g);
}

static int list_groups(struct sock *sk, struct list_head *list)
{
	int i, err = 0;

	rtnl_lock();
	lock_sock(sk);
	for (i = 0; i < ARRAY_SIZE(levels) && !err; i++)
		if (has_level(sk, levels[i]))
			err = levels[i]->groups(sk, list);
	release_sock(sk);
	rtnl_unlock();
	return err;
}

static int write_inet(struct ckpt_ctx *ctx, struct sock *sk,
		      struct ckpt_hdr_inet *h, struct list_head *groups)
{
	struct ckpt_inet_group *g;
	int ret;

	save_fields(sk, h);
	save_opts(sk, h);
	ret = for_data(ctx, sk, false);
	if (ret < 0)
		return ret;
	h->nr_data = ret;
	list_for_each_entry(g, groups, list) {
		if (g->rec.nr_src > CKPT_INET_SRC_MAX)
			return ckpt_err(ctx, -E2BIG, "socket: a multicast group with %u sources",
					g->rec.nr_src);
		if (!ckpt_inet_has_dev(sk, g->rec.ifindex))
			return ckpt_err(ctx, -ENOSYS, "socket: member of a multicast group on a device that is gone: not supported");
		h->nr_groups++;
	}
	ret = ckpt_write_rec(ctx, h, CKPT_HDR_INET,
			     struct_size(h, opts, h->nr_opts));
	if (!ret)
		ret = for_data(ctx, sk, true);
	if (ret < 0)
		return ret;
	ret = 0;
	list_for_each_entry(g, groups, list) {
		ret = ckpt_write_rec(ctx, &g->rec, CKPT_HDR_INET_GROUP, g->len);
		if (ret)
			break;
	}
	return ret;
}

static int sk_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct ckpt_inet_proto *proto = proto_of(sk);
	struct ckpt_hdr_inet *h;
	LIST_HEAD(groups);
	int err;

	if (!proto || !(ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, 0) &
			CKPT_SOCK_MARK_SAVED))
		return ckpt_err(ctx, -EBUSY, "socket: its users changed meanwhile, try again");
	h = kzalloc(struct_size(h, opts, CKPT_INET_OPTS_MAX),
		    GFP_KERNEL_ACCOUNT);
	if (!h)
		return -ENOMEM;
	err = list_groups(sk, &groups);
	if (!err)
		err = write_inet(ctx, sk, h, &groups);
	free_groups(&groups);
	kfree(h);
	if (!err && proto->write)
		err = proto->write(ctx, sk);
	return err;
}

static int sk_late_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct ckpt_inet_proto *proto = proto_of(sk);
	const char *why = NULL;

	/* of one without a file, nobody has asked so far */
	if (!sk->sk_socket)
		why = ckpt_sk_refused(ctx, sk, false);
	if (why)
		return ckpt_err(ctx, -ENOSYS, "%s socket: %s: not supported",
				proto->name, why);
	return proto->late_write(ctx, sk);
}

/**
 * ckpt_inet_addr_take - where a socket is, and who its peer is
 * @sk: the socket
 * @h: is filled in
 *
 * Context: any; what can change meanwhile is locked.
 */
void ckpt_inet_addr_take(struct sock *sk, struct ckpt_hdr_inet_addr *h)
{
	const struct inet_sock *inet = inet_sk(sk);

	*h = (struct ckpt_hdr_inet_addr){
		.sport = inet->inet_num,
		.dport = ntohs(inet->inet_dport),
		.shutdown = sk->sk_shutdown,
		.err = READ_ONCE(sk->sk_err),
		.err_soft = READ_ONCE(sk->sk_err_soft),
	};
	if (sk->sk_userlocks & SOCK_BINDADDR_LOCK)
		h->flags |= CKPT_INET_ADDR_LOCK;
	if (sk->sk_userlocks & SOCK_BINDPORT_LOCK)
		h->flags |= CKPT_INET_PORT_LOCK;
	if (sk->sk_type != SOCK_STREAM && sk->sk_state == TCP_ESTABLISHED)
		h->flags |= CKPT_INET_CONNECTED;
	if (sk->sk_family == PF_INET) {
		if (inet->inet_rcv_saddr)
			map_addr(h->bound, inet->inet_rcv_saddr);
		if (inet->inet_saddr)
			map_addr(h->saddr, inet->inet_saddr);
		if (inet->inet_daddr)
			map_addr(h->daddr, inet->inet_daddr);
	} else {
#if IS_BUILTIN(CONFIG_IPV6)
		memcpy(h->bound, &sk->sk_v6_rcv_saddr, sizeof(h->bound));
		memcpy(h->saddr, &inet6_sk(sk)->saddr, sizeof(h->saddr));
		memcpy(h->daddr, &sk->sk_v6_daddr, sizeof(h->daddr));
		h->flow_label = (__force u32)inet6_sk(sk)->flow_label;
#endif
	}
}

/* ------------------------------------------------------------- restart */

static int restore_opt(struct ckpt_ctx *ctx, struct sock *sk,
		       const struct ckpt_inet_opt *opt)
{
	const struct ckpt_inet_level *l = find_level(sk, opt->level);
	s32 now;
	int err;

	if (!l || !find_name(l->opts, l->nr_opts, opt->name))
		return ckpt_err(ctx, -EINVAL, "image: socket option %u of level %u",
				opt->name, opt->level);
	if (l->read(sk, opt->name, &now) && now == opt->value)
		return 0;
	err = l->write(sk, opt->name, opt->value);
	if (!err && (!l->read(sk, opt->name, &now) || now != opt->value))
		err = -EINVAL;
	if (err)
		return ckpt_err(ctx, err, "socket option %u of level %u: cannot be set to %d: error %d",
				opt->name, opt->level, opt->value, err);
	return 0;
}

static int restore_data(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct ckpt_inet_level *l;
	struct ckpt_hdr_inet_data *h;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_INET_DATA, sizeof(*h),
			  struct_size(h, data, CKPT_INET_DATA_MAX));
	if (IS_ERR(h))
		return PTR_ERR(h);
	l = find_level(sk, h->level);
	if (!l || !find_name(l->data, l->nr_data, h->name) || h->reserved ||
	    !h->len || h->len > CKPT_INET_DATA_MAX ||
	    h->h.len != round_up(struct_size(h, data, h->len), 8)) {
		err = ckpt_err(ctx, -EINVAL, "image: socket option %u of level %u with %u bytes",
			       h->name, h->level, h->len);
	} else {
		err = l->write_data(sk, h->name, h->data, h->len);
		if (err)
			ckpt_err(ctx, err, "socket option %u of level %u: cannot be set: error %d",
				 h->name, h->level, err);
	}
	kvfree(h);
	return err;
}

static int restore_group(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct ckpt_inet_level *l;
	struct ckpt_hdr_inet_group *h;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_INET_GROUP, sizeof(*h),
			  struct_size(h, src, CKPT_INET_SRC_MAX));
	if (IS_ERR(h))
		return PTR_ERR(h);
	l = find_level(sk, h->level);
	if (!l || h->mode >= CKPT_INET_MODE_MAX || h->reserved || !h->ifindex ||
	    h->ifindex > INT_MAX || h->nr_src > CKPT_INET_SRC_MAX ||
	    h->h.len != struct_size(h, src, h->nr_src) ||
	    /* as setsockopt(2): a connection can only be in anycast groups */
	    (inet_test_bit(IS_ICSK, sk) && h->mode != CKPT_INET_ANYCAST) ||
	    (h->mode == CKPT_INET_ANYCAST && h->nr_src)) {
		err = ckpt_err(ctx, -EINVAL, "image: multicast group of level %u with %u sources",
			       h->level, h->nr_src);
	} else {
		rtnl_lock();
		lock_sock(sk);
		err = l->join(sk, h);
		release_sock(sk);
		rtnl_unlock();
		if (err)
			ckpt_err(ctx, err, "socket: cannot be a member of %pI6c on device %u: error %d",
				 h->group, h->ifindex, err);
	}
	kvfree(h);
	return err;
}

static bool restore_fields(struct sock *sk, const struct ckpt_hdr_inet *h)
{
	struct inet_sock *inet = inet_sk(sk);

	/* of a connection, the device that it came through: it may be gone */
	if (h->rcv_tos > U8_MAX || h->uc_index > INT_MAX ||
	    h->mc_index > INT_MAX || h->stamped > 1 ||
	    h->stamp_ns < -NSEC_PER_SEC || !ckpt_inet_has_dev(sk, h->uc_index) ||
	    (sk->sk_type != SOCK_STREAM && !ckpt_inet_has_dev(sk, h->mc_index)))
		return false;
	if (sk->sk_family == PF_INET6) {
		if (!ckpt_inet6_restore(sk, h))
			return false;
	} else if (h->v6only || h->srcprefs || h->rcv_flowinfo ||
		   h->ucast_oif || h->mcast_oif) {
		return false;
	}
	inet->rcv_tos = h->rcv_tos;
	WRITE_ONCE(inet->uc_index, h->uc_index);
	WRITE_ONCE(inet->mc_index, h->mc_index);
	WRITE_ONCE(inet->mc_addr, (__force __be32)h->mc_addr);
	atomic_set(&sk->sk_tskey, h->tskey);
	atomic_set(&sk->sk_zckey, h->zckey);
	atomic_set(&sk->sk_drops, h->drops);
	sock_write_timestamp(sk, ns_to_ktime(h->stamp_ns));
	if (h->stamped)
		sock_enable_timestamp(sk, SOCK_TIMESTAMP);
	return true;
}

/*
 * In the namespace of whoever restarts the device may have another index. To be
 * bound to one was allowed when the option was set.
 */
static int restore_dev(struct ckpt_ctx *ctx, struct sock *sk,
		       const struct ckpt_hdr_inet *h)
{
	const char *want = (const char *)h->bound_dev;
	struct net *net = sock_net(sk);
	char name[IFNAMSIZ];
	struct net_device *dev;

	BUILD_BUG_ON(sizeof(h->bound_dev) != IFNAMSIZ);

	if (!memchr_inv(want, 0, IFNAMSIZ))
		return 0;
	if (!dev_valid_name(want) || !sk->sk_bound_dev_if)
		return ckpt_err(ctx, -EINVAL, "image: socket bound to device '%.16s'",
				want);
	if (!netdev_get_name(net, name, sk->sk_bound_dev_if) &&
	    !strcmp(name, want))
		return 0;
	dev = dev_get_by_name(net, want);
	if (!dev)
		return ckpt_err(ctx, -ENODEV, "socket: the device '%s' that it is bound to is not there",
				want);
	WRITE_ONCE(sk->sk_bound_dev_if, dev->ifindex);
	dev_put(dev);
	return 0;
}

static bool sk_valid(const struct ckpt_hdr_sock *h)
{
	const struct ckpt_inet_proto *proto;

	proto = find_proto(h->family, h->type, h->protocol);
	return proto && (!h->flags || (h->flags == CKPT_SOCK_NO_FILE &&
				       proto->detach));
}

static int restore_inet(struct ckpt_ctx *ctx, struct sock *sk,
			const struct ckpt_hdr_inet *h)
{
	int err;
	u32 i;

	if (h->nr_opts > CKPT_INET_OPTS_MAX ||
	    h->h.len != struct_size(h, opts, h->nr_opts))
		return ckpt_err(ctx, -EINVAL, "image: socket with %u options",
				h->nr_opts);
	if (!restore_fields(sk, h))
		return ckpt_err(ctx, -EINVAL, "image: internet socket is malformed, or a device that it uses is not there");
	err = restore_dev(ctx, sk, h);
	for (i = 0; i < h->nr_opts && !err; i++)
		err = restore_opt(ctx, sk, &h->opts[i]);
	for (i = 0; i < h->nr_data && !err; i++)
		err = restore_data(ctx, sk);
	for (i = 0; i < h->nr_groups && !err; i++) {
		err = restore_group(ctx, sk);
		cond_resched();
	}
	return err;
}

static int sk_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct ckpt_inet_proto *proto = proto_of(sk);
	struct ckpt_hdr_inet *h;
	int err;

	/* of an option of this level the protocol itself may be a part */
	if (!proto)
		return ckpt_err(ctx, -EINVAL, "image: internet socket of protocol %u",
				sk->sk_protocol);
	h = ckpt_read_rec(ctx, CKPT_HDR_INET, sizeof(*h),
			  struct_size(h, opts, CKPT_INET_OPTS_MAX));
	if (IS_ERR(h))
		return PTR_ERR(h);
	err = restore_inet(ctx, sk, h);
	kvfree(h);
	if (!err && proto->restore)
		err = proto->restore(ctx, sk);
	return err;
}

static void sk_detach(struct sock *sk)
{
#if IS_BUILTIN(CONFIG_IPV6)
	/* only a file that is closed would do this */
	if (sk->sk_family == PF_INET6)
		ipv6_sock_ac_close(sk);
#endif
	proto_of(sk)->detach(sk);
}

static void sk_release(struct sock *sk)
{
	proto_of(sk)->release(sk);
}

static int sk_late_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	return proto_of(sk)->late_restore(ctx, sk);
}

static bool addr_valid(const struct sock *sk, const u8 *addr)
{
	if (is_any(addr))
		return true;
	if (sk->sk_family == PF_INET)
		return is_mapped(addr) && unmap_addr(addr);
	return !is_mapped(addr) || !ipv6_only_sock(sk);
}

/**
 * ckpt_inet_addr_read - read where a socket is to be
 * @ctx: the context
 * @sk: the socket
 * @a: the record: families of addresses, ports, flags and errors are checked
 *
 * Context: a restored task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_inet_addr_read(struct ckpt_ctx *ctx, struct sock *sk,
			struct ckpt_hdr_inet_addr *a)
{
	int err = ckpt_read_rec_into(ctx, a, CKPT_HDR_INET_ADDR, sizeof(*a));

	if (err)
		return err;
	if ((a->flags & ~CKPT_INET_ADDR_ALL) || a->sport > U16_MAX ||
	    a->dport > U16_MAX || (a->shutdown & ~SHUTDOWN_MASK) ||
	    a->err > MAX_ERRNO || a->err_soft > MAX_ERRNO || a->reserved ||
	    ((__force __be32)a->flow_label & ~IPV6_TCLASS_MASK) ||
	    (sk->sk_family == PF_INET && a->flow_label) ||
	    !addr_valid(sk, a->bound) || !addr_valid(sk, a->saddr) ||
	    !addr_valid(sk, a->daddr))
		return ckpt_err(ctx, -EINVAL, "image: internet socket at %pI6c port %u with flags %#x",
				a->bound, a->sport, a->flags);
	return 0;
}

static int bind_to(struct sock *sk, const struct ckpt_hdr_inet_addr *a)
{
	struct socket *sock = sk->sk_socket;
	struct sockaddr_storage addr = {};
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&addr;
	struct sockaddr_in *sin = (struct sockaddr_in *)&addr;
	int len, err;

	if (sk->sk_family == PF_INET) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(a->sport);
		sin->sin_addr.s_addr = unmap_addr(a->bound);
		len = sizeof(*sin);
	} else {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(a->sport);
		memcpy(&sin6->sin6_addr, a->bound, sizeof(a->bound));
		len = sizeof(*sin6);
	}
	err = security_socket_bind(sock, (struct sockaddr *)&addr, len);
	return err ?: READ_ONCE(sock->ops)->bind(sock, (struct sockaddr *)&addr,
						 len);
}

/*
 * As bind(2), which the option that @bit stands for changes. Both may be set by
 * everybody.
 */
static int bind_with(struct sock *sk, const struct ckpt_hdr_inet_addr *a,
		     int bit)
{
	unsigned long *flags = &inet_sk(sk)->inet_flags;
	bool was = test_and_set_bit(bit, flags);
	int err = bind_to(sk, a);

	if (!was)
		clear_bit(bit, flags);
	return err;
}

static void set_saddr(struct sock *sk, const struct ckpt_hdr_inet_addr *a)
{
	struct inet_sock *inet = inet_sk(sk);

	if (sk->sk_family == PF_INET) {
		inet->inet_saddr = unmap_addr(a->saddr);
		return;
	}
#if IS_BUILTIN(CONFIG_IPV6)
	memcpy(&inet6_sk(sk)->saddr, a->saddr, sizeof(a->saddr));
	if (is_mapped(a->saddr))
		inet->inet_saddr = unmap_addr(a->saddr);
#endif
}

/**
 * ckpt_inet_bind - bind a socket to where it was
 * @ctx: the context
 * @sk: the socket, that of an open file
 * @a: where
 *
 * With the rights and the conflicts that bind(2) would have. An address that
 * was not the machine's own any more in a namespace of the image is none again.
 *
 * Context: a restored task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_inet_bind(struct ckpt_ctx *ctx, struct sock *sk,
		   const struct ckpt_hdr_inet_addr *a)
{
	bool v6only = sk->sk_ipv6only;
	u32 locks = 0;
	int err;

	if (!a->sport && is_any(a->bound))
		return 0;
	err = a->sport ? bind_to(sk, a) :
			 bind_with(sk, a, INET_FLAGS_BIND_ADDRESS_NO_PORT);
	if (err == -EADDRNOTAVAIL && sock_net(sk) != ctx->caller_ns->net_ns)
		err = bind_with(sk, a, INET_FLAGS_FREEBIND);
	if (!err && inet_sk(sk)->inet_num != a->sport)
		err = -EADDRINUSE;
	if (err)
		return ckpt_err(ctx, err, "%s socket: cannot be bound to %pI6c port %u again: error %d",
				proto_of(sk)->name, a->bound, a->sport, err);
	if (a->flags & CKPT_INET_ADDR_LOCK)
		locks |= SOCK_BINDADDR_LOCK;
	if (a->flags & CKPT_INET_PORT_LOCK)
		locks |= SOCK_BINDPORT_LOCK;
	lock_sock(sk);
	sk->sk_ipv6only = v6only;
	sk->sk_userlocks = (sk->sk_userlocks & ~SOCK_BINDADDR_LOCK &
			    ~SOCK_BINDPORT_LOCK) | locks;
	set_saddr(sk, a);
	release_sock(sk);
	return 0;
}

/**
 * ckpt_inet_set_peer - set the address of the peer of a socket
 * @sk: the socket, locked, bound to where it is
 * @a: the addresses
 *
 * Fields only: it is not found by them, and has no other state.
 */
void ckpt_inet_set_peer(struct sock *sk, const struct ckpt_hdr_inet_addr *a)
{
	struct inet_sock *inet = inet_sk(sk);

	lockdep_assert_held(&sk->sk_lock);

	set_saddr(sk, a);
	inet->inet_dport = htons(a->dport);
	if (sk->sk_family == PF_INET) {
		inet->inet_daddr = unmap_addr(a->daddr);
		return;
	}
#if IS_BUILTIN(CONFIG_IPV6)
	memcpy(&sk->sk_v6_daddr, a->daddr, sizeof(a->daddr));
	inet6_sk(sk)->flow_label = (__force __be32)a->flow_label;
	if (is_mapped(a->daddr))
		inet->inet_daddr = unmap_addr(a->daddr);
#endif
}

/**
 * ckpt_inet_set_err - set what a socket says of its state
 * @sk: the socket
 * @a: the record
 */
void ckpt_inet_set_err(struct sock *sk, const struct ckpt_hdr_inet_addr *a)
{
	WRITE_ONCE(sk->sk_shutdown, a->shutdown);
	WRITE_ONCE(sk->sk_err, a->err);
	WRITE_ONCE(sk->sk_err_soft, a->err_soft);
}

#define INET_FAMILY(pf) {						\
	.family		= pf,						\
	.name		= "internet",					\
	.collect	= sk_collect,					\
	.external	= sk_external,					\
	.refused	= sk_refused,					\
	.in_tree	= sk_in_tree,					\
	.valid		= sk_valid,					\
	.write		= sk_write,					\
	.restore	= sk_restore,					\
	.detach		= sk_detach,					\
	.release	= sk_release,					\
	.late_write	= sk_late_write,				\
	.late_restore	= sk_late_restore,				\
	.group		= &ckpt_reuseport_kind,				\
}

const struct ckpt_sock_family ckpt_inet_family = INET_FAMILY(PF_INET);
const struct ckpt_sock_family ckpt_inet6_family = INET_FAMILY(PF_INET6);
