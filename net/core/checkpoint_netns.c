// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces. All of a tree are made before anything is made in one of
 * them, since a device may have its peer in any other. Then all get their
 * devices, then their addresses, and then their routes.
 */

#include <linux/checkpoint_types.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/netlink.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "checkpoint_netns.h"

static void net_ns_grab(void *ptr)
{
	get_net(ptr);
}

static void net_ns_drop(void *ptr)
{
	put_net(ptr);
}

static int net_ns_users(void *ptr)
{
	struct net *net = ptr;

	return ckpt_ns_users(&net->ns);
}

static void net_ns_holder(struct ckpt_ctx *ctx, void *ptr, char *buf,
			  size_t size)
{
	struct net *net = ptr;

	ckpt_ns_holder(ctx, &net->ns, buf, size);
}

/* -------------------------------------------------- the set of an image */

static struct ckpt_nets *nets_alloc(u32 nr)
{
	struct ckpt_nets *nets;
	u32 i;

	nets = kvzalloc(struct_size(nets, net, nr), GFP_KERNEL_ACCOUNT);
	if (!nets)
		return NULL;
	nets->nr = nr;
	INIT_LIST_HEAD(&nets->tuns);
	for (i = 0; i < nr; i++)
		xa_init_flags(&nets->net[i].by_index, XA_FLAGS_ACCOUNT);
	return nets;
}

/**
 * ckpt_nets_free - drop what is known of network namespaces
 * @ctx: the context
 *
 * Context: process context, may sleep.
 */
void ckpt_nets_free(struct ckpt_ctx *ctx)
{
	struct ckpt_nets *nets = ctx->nets;
	u32 i, section;

	if (!nets)
		return;
	if (!nets->keep)
		ckpt_netdevs_undo(ctx);
	ckpt_tuns_free(nets);
	ckpt_msgs_free(&nets->outside);
	for (i = 0; i < nets->nr; i++) {
		for (section = 0; section < CKPT_NET_MAX; section++)
			ckpt_msgs_free(&nets->net[i].data[section]);
		xa_destroy(&nets->net[i].by_index);
		if (ctx->restart && nets->net[i].net)
			put_net(nets->net[i].net);
	}
	kvfree(nets);
	ctx->nets = NULL;
}

/**
 * ckpt_net_index - the number of a network namespace in the image
 * @ctx: the context
 * @net: the namespace
 *
 * Return: its number, or -ENOENT if it is none of the tree.
 */
int ckpt_net_index(struct ckpt_ctx *ctx, const struct net *net)
{
	u32 mark = ckpt_obj_mark(ctx, (void *)net, CKPT_OBJ_NET_NS, 0);

	return mark ? mark - 1 : -ENOENT;
}

/* ---------------------------------------------------------- checkpoint */

static int net_ns_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct net *net = ptr;
	int err;

	err = ckpt_user_ns_collect(ctx, net->user_ns, "network namespace");
	if (!err)
		err = ckpt_net_check(ctx, net);
	return err ?: ckpt_netdevs_collect(ctx, net);
}

/**
 * ckpt_net_write - write a part of what is in a network namespace
 * @ctx: the context
 * @index: number of the namespace
 * @section: CKPT_NET_*
 * @m: what to write
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_net_write(struct ckpt_ctx *ctx, u32 index, u32 section,
		   const struct ckpt_msgs *m)
{
	struct ckpt_hdr_net_data h = {
		.net = index, .section = section, .size = m->len,
	};

	return ckpt_write_rec_tail(ctx, &h, CKPT_HDR_NET_DATA, sizeof(h),
				   m->data, m->len);
}

/**
 * ckpt_net_flush - write what has come together, and begin anew
 * @ctx: the context
 * @index: number of the namespace
 * @section: CKPT_NET_*
 * @m: what to write, emptied
 * @limit: not yet if it is no more than this, in bytes
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_net_flush(struct ckpt_ctx *ctx, u32 index, u32 section,
		   struct ckpt_msgs *m, size_t limit)
{
	int err;

	if (m->len <= limit)
		return 0;
	err = ckpt_net_write(ctx, index, section, m);
	m->len = 0;
	return err;
}

/* Names and values are pairs that no record parts. */
static int write_sysctls(struct ckpt_ctx *ctx, u32 index, struct net *net)
{
	struct ckpt_msgs all = {}, part;
	size_t at = 0, next, end;
	int err;

	err = ckpt_net_sysctl_save(ctx, net, &all);
	while (!err && at < all.len) {
		for (end = at; end < all.len; end = next) {
			next = end + strlen(all.data + end) + 1;
			next = ALIGN(next + strlen(all.data + next) + 1, 4);
			if (next - at > CKPT_REC_MAX / 2)
				break;
		}
		if (end == at) {
			err = ckpt_err(ctx, -E2BIG, "network namespace: the value of %s is too long",
				       (char *)all.data + at);
			break;
		}
		part.data = all.data + at;
		part.len = end - at;
		err = ckpt_net_write(ctx, index, CKPT_NET_SYSCTL, &part);
		at = end;
	}
	ckpt_msgs_free(&all);
	return err;
}

/* What the namespace calls others; what it calls those outside is not kept. */
static int write_ids(struct ckpt_ctx *ctx, u32 index, struct net *net)
{
	struct ckpt_msgs m = {};
	struct ckpt_netnsid e;
	struct net *peer;
	int id, nr, err = 0;

	for (id = 0; !err; id++) {
		spin_lock_bh(&net->nsid_lock);
		peer = idr_get_next(&net->netns_ids, &id);
		spin_unlock_bh(&net->nsid_lock);
		if (!peer)
			break;
		/* compared and not looked at: it may go */
		nr = ckpt_net_index(ctx, peer);
		if (nr < 0 && peer != ctx->caller_ns->net_ns)
			continue;
		e.id = id;
		e.net = nr < 0 ? 0 : nr + 1;
		err = ckpt_msgs_add(&m, &e, sizeof(e));
		if (!err)
			err = ckpt_net_flush(ctx, index, CKPT_NET_NSID, &m,
					     CKPT_REC_MAX / 2);
	}
	if (!err)
		err = ckpt_net_flush(ctx, index, CKPT_NET_NSID, &m, 0);
	ckpt_msgs_free(&m);
	return err;
}

static int write_content(struct ckpt_ctx *ctx, u32 index, u32 *left_out)
{
	struct net *net = ctx->nets->net[index].net;
	struct ckpt_msgs none = {};
	struct ckpt_nl nl;
	int err;

	err = ckpt_nl_open(ctx, &nl, net, NETLINK_ROUTE);
	if (err)
		return err;
	err = ckpt_netdevs_checkpoint(ctx, index, net, &nl);
	if (!err)
		err = write_sysctls(ctx, index, net);
	if (!err)
		err = ckpt_netroute_checkpoint(ctx, index, net, &nl,
					       CKPT_NET_ADDR4, CKPT_NET_FDB);
	if (!err)
		err = write_ids(ctx, index, net);
	if (!err)
		err = ckpt_nft_checkpoint(ctx, index, net);
	if (!err)
		err = ckpt_netsched_checkpoint(ctx, index, net, &nl);
	if (!err)
		err = ckpt_tuns_checkpoint(ctx, index, net);
	if (!err)
		err = ckpt_netroute_checkpoint(ctx, index, net, &nl,
					       CKPT_NET_BRVLAN, CKPT_NET_MDB);
	if (!err)
		err = ckpt_ct_checkpoint(ctx, index, net, left_out);
	if (!err)
		err = ckpt_netroute_checkpoint(ctx, index, net, &nl,
					       CKPT_NET_BRGLOBAL,
					       CKPT_NET_BRGLOBAL);
	if (!err)
		err = ckpt_net_write(ctx, index, CKPT_NET_END, &none);
	ckpt_nl_close(&nl);
	return err;
}

static int count_net(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	u32 *nr = arg;

	*nr += !ckpt_obj_left_out(ctx, ptr, CKPT_OBJ_NET_NS);
	return 0;
}

static int list_net(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	u32 *nr = arg;

	if (*nr == ctx->nets->nr ||
	    ckpt_obj_left_out(ctx, ptr, CKPT_OBJ_NET_NS))
		return 0;
	ctx->nets->net[(*nr)++].net = ptr;
	/* for ckpt_net_index() */
	ckpt_obj_mark(ctx, ptr, CKPT_OBJ_NET_NS, *nr);
	return 0;
}

/* Which namespaces are in the image is decided once. */
static int list_nets(struct ckpt_ctx *ctx)
{
	u32 nr = 0, listed = 0;

	if (ctx->nets)
		return 0;
	ckpt_obj_for_each(ctx, CKPT_OBJ_NET_NS, count_net, &nr);
	ctx->nets = nets_alloc(nr);
	if (!ctx->nets)
		return -ENOMEM;
	ckpt_obj_for_each(ctx, CKPT_OBJ_NET_NS, list_net, &listed);
	if (listed != nr)
		return ckpt_err(ctx, -EBUSY, "network namespace: its users changed meanwhile, try again");
	return 0;
}

/**
 * ckpt_net_ns_save - write a network namespace unless that was done before
 * @ctx: the context
 * @net: the namespace, met by ckpt_net_ns_collect()
 *
 * Context: process context, may sleep.
 * Return: its objref, 0 if others use it too, or a negative errno.
 */
int ckpt_net_ns_save(struct ckpt_ctx *ctx, struct net *net)
{
	int err;

	if (!ckpt_obj_collected(ctx, net, CKPT_OBJ_NET_NS))
		return ckpt_obj_checkpoint(ctx, net, CKPT_OBJ_NET_NS);
	err = list_nets(ctx);
	if (err)
		return err;
	if (ckpt_net_index(ctx, net) < 0)
		return 0;
	/* the first one has all the others inside */
	err = ckpt_obj_checkpoint(ctx, ctx->nets->net[0].net, CKPT_OBJ_NET_NS);
	return err < 0 ? err : ckpt_obj_checkpoint(ctx, net, CKPT_OBJ_NET_NS);
}

static int net_ns_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct net *net = ptr;
	struct ckpt_hdr_net_ns h = {};
	int owner, err, ref;
	u32 i, left_out = 0;

	owner = ckpt_user_ns_checkpoint(ctx, net->user_ns);
	if (owner < 0)
		return owner;
	h.user_ns = owner;
	h.index = ckpt_net_index(ctx, net);
	if (!h.index)
		h.nr = ctx->nets->nr;
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_NET_NS, sizeof(h));
	if (err || h.index)
		return err;
	for (i = 1; i < h.nr; i++) {
		ref = ckpt_obj_checkpoint(ctx, ctx->nets->net[i].net,
					  CKPT_OBJ_NET_NS);
		if (ref < 0)
			return ref;
	}
	for (i = 0; i < h.nr && !err; i++)
		err = write_content(ctx, i, &left_out);
	if (!err && left_out)
		ckpt_note(ctx, "%u entries of connection tracking are left out, as CHECKPOINT_CONNTRACK is not given",
			  left_out);
	return err;
}

/* ------------------------------------------------------------- restart */

/* Most network namespaces of an image */
#define NETS_MAX	65536

static struct net *make_net(struct ckpt_ctx *ctx, u32 user_ns)
{
	const struct cred *cred;
	struct nsproxy *new;
	struct net *net;
	int err;

	if (ctx->join & CLONE_NEWNET)
		return get_net(ctx->caller_ns->net_ns);
	cred = ckpt_user_ns_cred(ctx, user_ns);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	/* with the checks and the accounting of unshare(2) */
	err = unshare_nsproxy_namespaces(CLONE_NEWNET, &new,
					 (struct cred *)cred, NULL);
	put_cred(cred);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "cannot make a network namespace: error %d",
					err));
	net = get_net(new->net_ns);
	put_nsproxy(new);
	return net;
}

/* Strings in pairs, the next pair aligned */
static bool sysctls_ok(const char *data, u32 size)
{
	u32 at = 0, i, len;

	while (at < size) {
		for (i = 0; i < 2; i++) {
			len = strnlen(data + at, size - at);
			if (at + len == size)
				return false;
			at += len + 1;
		}
		at = ALIGN(at, 4);
	}
	return at == size;
}

static bool ids_ok(struct ckpt_ctx *ctx, const struct ckpt_msgs *m)
{
	const struct ckpt_netnsid *e = m->data, *end = m->data + m->len;

	if (m->len % sizeof(*e))
		return false;
	for (; e < end; e++)
		if (e->id >= INT_MAX || e->net > ctx->nets->nr)
			return false;
	return true;
}

static int check_data(struct ckpt_ctx *ctx, const struct ckpt_hdr_net_data *h,
		      const struct ckpt_msgs *m)
{
	switch (h->section) {
	case CKPT_NET_DEV:
		return ckpt_netdevs_check(ctx, m);
	case CKPT_NET_SYSCTL:
		if (sysctls_ok(m->data, m->len))
			return 0;
		return ckpt_err(ctx, -EINVAL, "image: network namespace %u: malformed sysctls",
				h->net);
	case CKPT_NET_NSID:
		if (ids_ok(ctx, m))
			return 0;
		return ckpt_err(ctx, -EINVAL, "image: network namespace %u: malformed ids of others",
				h->net);
	case CKPT_NET_NFT:
		return ckpt_nft_check(ctx, m);
	case CKPT_NET_SCHED:
		return ckpt_netsched_check(ctx, m);
	case CKPT_NET_TUN:
		return ckpt_tuns_check(ctx, m);
	case CKPT_NET_CT:
		return ckpt_ct_check(ctx, m);
	default:
		return ckpt_netroute_check(ctx, h->section, m);
	}
}

/* Returns the section, or a negative errno. */
static int read_data(struct ckpt_ctx *ctx, u32 index, u32 last)
{
	struct ckpt_hdr_net_data *h;
	struct ckpt_msgs m;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_NET_DATA, sizeof(*h), CKPT_REC_MAX);
	if (IS_ERR(h))
		return PTR_ERR(h);
	m.data = h->data;
	m.len = h->size;
	if (h->net != index || h->reserved || h->size > CKPT_REC_MAX ||
	    h->h.len != round_up(struct_size(h, data, h->size), 8) ||
	    (h->section && h->section < last) || (!h->section && h->size))
		err = ckpt_err(ctx, -EINVAL, "image: network namespace %u: malformed part, of section %u",
			       index, h->section);
	else
		err = h->section ? check_data(ctx, h, &m) : 0;
	if (!err && h->section)
		err = ckpt_msgs_add(&ctx->nets->net[index].data[h->section],
				    m.data, m.len);
	err = err ?: h->section;
	kvfree(h);
	return err;
}

static int read_content(struct ckpt_ctx *ctx, u32 index)
{
	int section = CKPT_NET_DEV;

	do {
		section = read_data(ctx, index, section);
	} while (section > 0);
	return section;
}

static int give_id(struct ckpt_ctx *ctx, struct net *net, struct xarray *met,
		   const struct ckpt_netnsid *e)
{
	struct net *peer = e->net ? ctx->nets->net[e->net - 1].net :
				    ctx->caller_ns->net_ns;
	int err;

	err = xa_insert(met, ckpt_ptr_index(peer), peer, GFP_KERNEL_ACCOUNT);
	if (err)
		return err == -EBUSY ? -EEXIST : err;
	spin_lock_bh(&net->nsid_lock);
	err = idr_alloc(&net->netns_ids, peer, e->id, e->id + 1, GFP_ATOMIC);
	spin_unlock_bh(&net->nsid_lock);
	return min(err, 0);
}

/* An id is free until there are devices, and no other has two. */
static int set_ids(struct ckpt_ctx *ctx, struct ckpt_net *n)
{
	const struct ckpt_msgs *m = &n->data[CKPT_NET_NSID];
	const struct ckpt_netnsid *e = m->data, *end = m->data + m->len;
	struct xarray met;
	int err = 0;

	xa_init_flags(&met, XA_FLAGS_ACCOUNT);
	for (; e < end && !err; e++) {
		err = give_id(ctx, n->net, &met, e);
		if (err)
			ckpt_err(ctx, err, "network namespace: id %u of another one cannot be given: error %d",
				 e->id, err);
		else if (fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	xa_destroy(&met);
	return err;
}

/* Addresses and routes: the devices are all there, and up. */
static int restore_routes(struct ckpt_ctx *ctx, struct ckpt_net *n)
{
	struct ckpt_nl nl;
	int err;

	err = ckpt_nl_open(ctx, &nl, n->net, NETLINK_ROUTE);
	if (err)
		return err;
	err = ckpt_netroute_restore(ctx, n, &nl, CKPT_NET_ADDR6,
				    CKPT_NET_ADDRLABEL6);
	if (!err)
		err = ckpt_netdevs_finish(ctx, n, &nl);
	/* some follow the device when it is raised */
	if (!err)
		err = ckpt_net_sysctl_set(ctx, n->net,
					  &n->data[CKPT_NET_SYSCTL], false);
	if (!err)
		err = ckpt_netroute_restore(ctx, n, &nl, CKPT_NET_RULE4,
					    CKPT_NET_FDB);
	if (!err)
		err = ckpt_netroute_restore(ctx, n, &nl, CKPT_NET_MDB,
					    CKPT_NET_MDB);
	if (!err)
		err = ckpt_netsched_restore(ctx, n, &nl);
	ckpt_nl_close(&nl);
	if (!err)
		err = ckpt_nft_restore(ctx, n);
	return err ?: ckpt_ct_restore(ctx, n);
}

/* What does not work in a device that is down, before it is raised */
static int prepare_net(struct ckpt_ctx *ctx, struct ckpt_net *n)
{
	struct ckpt_nl nl;
	int err;

	err = ckpt_nl_open(ctx, &nl, n->net, NETLINK_ROUTE);
	if (err)
		return err;
	err = ckpt_net_sysctl_set(ctx, n->net, &n->data[CKPT_NET_SYSCTL], true);
	if (!err)
		err = ckpt_netdevs_set(ctx, n, &nl);
	if (!err)
		err = ckpt_netroute_restore(ctx, n, &nl, CKPT_NET_BRVLAN,
					    CKPT_NET_BRVLAN);
	if (!err)
		err = ckpt_netroute_restore(ctx, n, &nl, CKPT_NET_BRGLOBAL,
					    CKPT_NET_BRGLOBAL);
	if (!err)
		err = ckpt_netroute_restore(ctx, n, &nl, CKPT_NET_ADDR4,
					    CKPT_NET_ADDR4);
	ckpt_nl_close(&nl);
	return err;
}

static int restore_content(struct ckpt_ctx *ctx)
{
	struct ckpt_nets *nets = ctx->nets;
	int err = 0;
	u32 i;

	for (i = 0; i < nets->nr && !err; i++)
		err = read_content(ctx, i);
	/* the caller's network takes its place */
	if (err || (ctx->join & CLONE_NEWNET))
		return err;
	for (i = 0; i < nets->nr; i++)
		if (!nets->net[i].net)
			return ckpt_err(ctx, -EINVAL, "image: network namespace %u is missing",
					i);
	for (i = 0; i < nets->nr; i++)
		if (!ns_capable(nets->net[i].net->user_ns, CAP_NET_ADMIN))
			return ckpt_err(ctx, -EPERM, "network namespace: no CAP_NET_ADMIN in it");
	for (i = 0; i < nets->nr && !err; i++)
		err = set_ids(ctx, &nets->net[i]);
	if (!err)
		err = ckpt_netdevs_make(ctx);
	for (i = 0; i < nets->nr && !err; i++)
		err = prepare_net(ctx, &nets->net[i]);
	if (!err)
		err = ckpt_netdevs_raise(ctx);
	for (i = 0; i < nets->nr && !err; i++)
		err = restore_routes(ctx, &nets->net[i]);
	return err;
}

static void *net_ns_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_net_ns h;
	struct net *net;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_NET_NS, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (h.reserved || h.nr > NETS_MAX || !h.nr != !!ctx->nets ||
	    (ctx->nets ? h.index >= ctx->nets->nr ||
			 ctx->nets->net[h.index].net : h.index))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: network namespace %u of %u",
					h.index, h.nr));
	if (!ctx->nets)
		ctx->nets = nets_alloc(h.nr);
	if (!ctx->nets)
		return ERR_PTR(-ENOMEM);
	net = make_net(ctx, h.user_ns);
	if (IS_ERR(net))
		return net;
	ctx->nets->net[h.index].net = get_net(net);
	/* the others stand before what is in the first */
	err = h.index ? 0 : restore_content(ctx);
	if (err) {
		put_net(net);
		return ERR_PTR(err);
	}
	return net;
}

/* Only now may others reach it. */
static void net_ns_commit(struct ckpt_ctx *ctx, void *ptr)
{
	if (ctx->nets->keep)
		return;
	ctx->nets->keep = true;
	ckpt_netdevs_commit(ctx);
}

const struct ckpt_obj_ops ckpt_net_ns_obj_ops = {
	.name		= "network namespace",
	.subtree_ok	= true,
	.grab		= net_ns_grab,
	.drop		= net_ns_drop,
	.users		= net_ns_users,
	.holder		= net_ns_holder,
	.collect	= net_ns_collect,
	.checkpoint	= net_ns_checkpoint,
	.restore	= net_ns_restore,
	.commit		= net_ns_commit,
};
