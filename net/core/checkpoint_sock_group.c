// SPDX-License-Identifier: GPL-2.0
/*
 * Groups of sockets of which one is chosen for what comes: SO_REUSEPORT, and
 * what packet sockets have.
 *
 * A socket joins its group as it did before, when it is completed. What the
 * group has of its own comes behind all of them: in which order they are
 * numbered, which is what a program names them by, and that program.
 */

#include <linux/bsearch.h>
#include <linux/filter.h>
#include <linux/sort.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/sock_reuseport.h>
#include <net/tcp_states.h>

#include "checkpoint_filter.h"
#include "checkpoint_sock.h"

/**
 * ckpt_sock_group_fits - is there room for what is in a group?
 * @g: the group
 * @nr: how many sockets it has
 * @prog: it has a program
 *
 * Return: true if there is.
 */
bool ckpt_sock_group_fits(const struct ckpt_sock_group *g, u32 nr, bool prog)
{
	return nr <= g->room && (!prog || g->insns);
}

/**
 * ckpt_sock_group_room - make room for what is in a group
 * @g: the group, which is empty
 * @nr: how many sockets it has
 * @prog: it has a program
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_sock_group_room(struct ckpt_sock_group *g, u32 nr, bool prog)
{
	if (nr > g->room) {
		kvfree(g->sk);
		g->room = nr + 8;
		g->sk = kvcalloc(g->room, sizeof(*g->sk), GFP_KERNEL_ACCOUNT);
		if (!g->sk)
			g->room = 0;
	}
	if (prog && !g->insns)
		g->insns = kvcalloc(BPF_MAXINSNS, sizeof(*g->insns),
				    GFP_KERNEL_ACCOUNT);
	return ckpt_sock_group_fits(g, nr, prog) ? 0 : -ENOMEM;
}

static void group_put(struct ckpt_sock_group *g)
{
	while (g->nr)
		sock_put(g->sk[--g->nr]);
	kvfree(g->sk);
	kvfree(g->sorted);
	kvfree(g->insns);
	if (g->prog)
		bpf_prog_destroy(g->prog);
}

/* ---------------------------------------------------------- checkpoint */

static bool all_in_tree(struct ckpt_ctx *ctx, const struct ckpt_sock_group *g)
{
	u32 i;

	for (i = 0; i < g->nr; i++)
		if (!ckpt_sock_in_tree(ctx, g->sk[i]))
			return false;
	return true;
}

/**
 * ckpt_sock_group_refused - what about the group of a socket cannot be saved?
 * @ctx: the context; the collect pass is over
 * @sk: the socket
 *
 * Who else is in a group without a program makes no difference to its sockets.
 *
 * Context: process context, may sleep.
 * Return: a text, or NULL if there is nothing.
 */
const char *ckpt_sock_group_refused(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct ckpt_sock_group_kind *kind = ckpt_sock_group_kind(sk);
	struct ckpt_sock_group g = {};
	const struct sock *first;
	const char *why = NULL;
	bool prog;

	if (!kind)
		return NULL;
	/* the first one asks for all, and the others for the first one */
	first = kind->first(sk, &prog);
	if (first != sk && (!prog || ckpt_sock_in_tree(ctx, (void *)first)))
		return NULL;
	if (kind->list(sk, &g))
		why = "a group that there is no memory to look at";
	else if (g.loaded)
		why = kind->loaded;
	else if (g.nr_insns && !all_in_tree(ctx, &g))
		why = kind->shared;
	group_put(&g);
	return why;
}

/* Returns 1, or 0 if some are not in the image, or a negative errno. */
static int save_members(struct ckpt_ctx *ctx, const struct ckpt_sock_group *g,
			u32 *ref)
{
	u32 i;
	int ret;

	for (i = 0; i < g->nr; i++) {
		if (!(ckpt_obj_mark(ctx, g->sk[i], CKPT_OBJ_SOCK, 0) &
		      CKPT_SOCK_MARK_LATE))
			return 0;
		ret = ckpt_obj_checkpoint(ctx, g->sk[i], CKPT_OBJ_SOCK);
		if (ret < 0)
			return ret;
		ref[i] = ret;
	}
	return 1;
}

static int write_members(struct ckpt_ctx *ctx, const struct ckpt_sock_group *g)
{
	struct ckpt_hdr_late_file late = { .kind = CKPT_FILE_SOCK_GROUP };
	struct ckpt_hdr_sock_group h = {
		.nr = g->nr,
		.flags = g->flags,
		.nr_insns = g->nr_insns,
	};
	u32 *ref;
	int ret;

	ref = kvcalloc(g->nr, sizeof(*ref), GFP_KERNEL_ACCOUNT);
	if (!ref)
		return -ENOMEM;
	ret = save_members(ctx, g, ref);
	if (!ret && g->nr_insns)
		ret = ckpt_err(ctx, -EBUSY, "socket: who is in its group changed meanwhile, try again");
	if (ret > 0) {
		late.file = ref[0];
		ret = ckpt_write_rec(ctx, &late, CKPT_HDR_LATE_FILE,
				     sizeof(late));
		if (!ret)
			ret = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_SOCK_GROUP,
						  sizeof(h), ref,
						  g->nr * sizeof(*ref));
		if (!ret && g->nr_insns)
			ret = ckpt_sock_prog_write(ctx, g->insns, g->nr_insns);
	}
	kvfree(ref);
	return ret;
}

/* With the first one of its group; those that are in none at their time */
static int write_group(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	const u32 *none = arg;
	const struct ckpt_sock_group_kind *kind = ckpt_sock_group_kind(ptr);
	struct ckpt_sock_group g = {};
	bool prog;
	int err;

	if (!kind || !(ckpt_obj_mark(ctx, ptr, CKPT_OBJ_SOCK, 0) &
		       CKPT_SOCK_MARK_LATE) || kind->first(ptr, &prog) != ptr)
		return 0;
	err = kind->list(ptr, &g);
	if (!err && g.loaded)
		err = ckpt_err(ctx, -EBUSY, "socket: its group got another program meanwhile, try again");
	else if (!err && g.nr > CKPT_SOCK_GROUP_MAX)
		err = ckpt_err(ctx, -E2BIG, "socket: a group of %u sockets",
			       g.nr);
	else if (!err && g.nr && g.sk[0] == ptr &&
		 (g.flags & CKPT_SOCK_GROUP_NONE) == *none &&
		 (*none || g.nr > 1 || g.nr_insns))
		err = write_members(ctx, &g);
	group_put(&g);
	cond_resched();
	return err;
}

/**
 * ckpt_sock_groups_write - write the groups that sockets are in
 * @ctx: the context; the sockets are written
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_sock_groups_write(struct ckpt_ctx *ctx)
{
	u32 none = CKPT_SOCK_GROUP_NONE;
	int err;

	err = ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, write_group, &none);
	none = 0;
	return err ?: ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, write_group, &none);
}

/* ------------------------------------------------------------- restart */

static int compare(const void *a, const void *b)
{
	const struct sock *x = *(struct sock **)a, *y = *(struct sock **)b;

	return x < y ? -1 : x > y;
}

/* Nobody is in it twice. */
static int sort_members(struct ckpt_ctx *ctx, struct ckpt_sock_group *g)
{
	u32 i;

	g->sorted = kvmemdup(g->sk, g->nr * sizeof(*g->sk), GFP_KERNEL_ACCOUNT);
	if (!g->sorted)
		return -ENOMEM;
	sort(g->sorted, g->nr, sizeof(*g->sorted), compare, NULL);
	for (i = 1; i < g->nr; i++)
		if (g->sorted[i] == g->sorted[i - 1])
			return ckpt_err(ctx, -EINVAL, "image: socket group with a socket twice");
	return 0;
}

/**
 * ckpt_sock_group_has - is a socket in a group of an image?
 * @g: the group
 * @sk: the socket
 *
 * Return: true if it is.
 */
bool ckpt_sock_group_has(const struct ckpt_sock_group *g,
			 const struct sock *sk)
{
	return bsearch(&sk, g->sorted, g->nr, sizeof(*g->sorted), compare);
}

/* They are of one kind, and each belongs to an open file. */
static int fetch_members(struct ckpt_ctx *ctx, struct ckpt_sock_group *g,
			 const struct ckpt_hdr_sock_group *h)
{
	const struct sock *first;
	struct sock *sk;
	u32 i;

	for (i = 0; i < h->nr; i++) {
		sk = ckpt_obj_fetch(ctx, h->socks[i], CKPT_OBJ_SOCK);
		if (IS_ERR(sk))
			return PTR_ERR(sk);
		first = i ? g->sk[0] : sk;
		if (ckpt_sock_pending(sk) || !sk->sk_socket ||
		    !ckpt_sock_group_kind(sk) ||
		    sk->sk_family != first->sk_family ||
		    sk->sk_type != first->sk_type ||
		    sk->sk_protocol != first->sk_protocol ||
		    sock_net(sk) != sock_net(first))
			return ckpt_err(ctx, -EINVAL, "image: socket group with socket %u",
					h->socks[i]);
		sock_hold(sk);
		g->sk[g->nr++] = sk;
	}
	return sort_members(ctx, g);
}

static bool group_valid(const struct ckpt_hdr_sock_group *h, u32 objref)
{
	return h->nr && h->nr <= CKPT_SOCK_GROUP_MAX &&
	       h->h.len == round_up(struct_size(h, socks, h->nr), 8) &&
	       !(h->flags & ~(CKPT_SOCK_GROUP_CONNS | CKPT_SOCK_GROUP_NONE)) &&
	       !h->reserved && h->nr_insns <= CKPT_SOCK_INSNS_MAX &&
	       h->socks[0] == objref;
}

static int read_group(struct ckpt_ctx *ctx, u32 objref,
		      struct ckpt_sock_group *g)
{
	const struct ckpt_sock_group_kind *kind;
	struct ckpt_hdr_sock_group *h;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_SOCK_GROUP, struct_size(h, socks, 2),
			  struct_size(h, socks, CKPT_SOCK_GROUP_MAX));
	if (IS_ERR(h))
		return PTR_ERR(h);
	if (group_valid(h, objref)) {
		err = ckpt_sock_group_room(g, h->nr, false);
		if (!err)
			err = fetch_members(ctx, g, h);
	} else {
		err = ckpt_err(ctx, -EINVAL, "image: socket group of %u with flags %#x",
			       h->nr, h->flags);
	}
	g->flags = h->flags;
	if (!err && h->nr_insns) {
		kind = ckpt_sock_group_kind(g->sk[0]);
		g->prog = ckpt_sock_prog_read(ctx, h->nr_insns, kind->name);
		if (IS_ERR(g->prog)) {
			err = PTR_ERR(g->prog);
			g->prog = NULL;
		}
	}
	kvfree(h);
	return err;
}

/**
 * ckpt_sock_group_restore - read a group of sockets
 * @ctx: the context
 * @objref: of its first socket, not checked yet
 *
 * Context: a restored task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_sock_group_restore(struct ckpt_ctx *ctx, u32 objref)
{
	const struct ckpt_sock_group_kind *kind;
	struct ckpt_sock_group g = {};
	int err;

	err = read_group(ctx, objref, &g);
	if (!err) {
		kind = ckpt_sock_group_kind(g.sk[0]);
		err = kind->restore(ctx, &g);
		if (err)
			ckpt_err(ctx, err, "%s: the group of socket %u cannot be completed: error %d",
				 kind->name, objref, err);
	}
	group_put(&g);
	return err;
}

/* ---------------------------------------------------------- SO_REUSEPORT */

static struct sock_reuseport *reuse_of(const struct sock *sk)
{
	return rcu_dereference_protected(sk->sk_reuseport_cb,
					 lockdep_is_held(&reuseport_lock));
}

static struct bpf_prog *reuse_prog(const struct sock_reuseport *reuse)
{
	return rcu_dereference_protected(reuse->prog,
					 lockdep_is_held(&reuseport_lock));
}

/* Those that were closed are only there to hand over what they had. */
static void list_reuse(const struct sock_reuseport *reuse,
		       struct ckpt_sock_group *g)
{
	struct bpf_prog *prog = reuse_prog(reuse);
	u32 i;

	for (i = 0; i < reuse->num_socks; i++)
		if (refcount_inc_not_zero(&reuse->socks[i]->sk_refcnt))
			g->sk[g->nr++] = reuse->socks[i];
	if (reuse->has_conns)
		g->flags |= CKPT_SOCK_GROUP_CONNS;
	if (prog)
		g->nr_insns = ckpt_prog_insns(prog, g->insns);
	g->loaded = prog && !g->nr_insns;
}

/* Has it a port, at which it is found? */
static bool is_found(struct sock *sk)
{
	return inet_sk(sk)->inet_num && sk_hashed(sk) &&
	       sk->sk_type != SOCK_RAW &&
	       (!sk_is_tcp(sk) || READ_ONCE(sk->sk_state) == TCP_LISTEN);
}

static const struct sock *reuse_first(struct sock *sk, bool *prog)
{
	const struct sock *first = sk;
	struct sock_reuseport *reuse;

	*prog = false;
	spin_lock_bh(&reuseport_lock);
	reuse = reuse_of(sk);
	if (reuse) {
		first = reuse->num_socks ? reuse->socks[0] : NULL;
		*prog = reuse_prog(reuse);
	}
	spin_unlock_bh(&reuseport_lock);
	return first;
}

/* Who would be in a group, and is not, is one that has left it. */
static void list_none(struct sock *sk, struct ckpt_sock_group *g)
{
	sock_hold(sk);
	g->sk[g->nr++] = sk;
	g->flags = CKPT_SOCK_GROUP_NONE;
}

static int reuse_list(struct sock *sk, struct ckpt_sock_group *g)
{
	struct sock_reuseport *reuse;
	bool prog = false, fits;
	int err = 0;
	u32 nr = 0;

	do {
		err = ckpt_sock_group_room(g, nr, prog);
		if (err)
			return err;
		spin_lock_bh(&reuseport_lock);
		reuse = reuse_of(sk);
		nr = reuse ? reuse->num_socks : sk->sk_reuseport;
		prog = reuse && reuse_prog(reuse);
		fits = ckpt_sock_group_fits(g, nr, prog);
		if (fits && reuse)
			list_reuse(reuse, g);
		else if (fits && nr && is_found(sk))
			list_none(sk, g);
		spin_unlock_bh(&reuseport_lock);
	} while (!fits);
	return 0;
}

static bool same_group(const struct sock *a, const struct sock *b)
{
	return rcu_access_pointer(a->sk_reuseport_cb) &&
	       rcu_access_pointer(a->sk_reuseport_cb) ==
	       rcu_access_pointer(b->sk_reuseport_cb);
}

/* What it shares a port by, such as its owner, may have changed since then. */
static int join(struct sock *sk, struct sock *first)
{
	struct sock_reuseport *reuse;
	bool any;
	int err;

	if (same_group(sk, first))
		return 0;
	if (!is_found(sk) || !is_found(first) ||
	    inet_sk(sk)->inet_num != inet_sk(first)->inet_num)
		return -EINVAL;
	lock_sock(sk);
	if (rcu_access_pointer(sk->sk_reuseport_cb))
		reuseport_detach_sock(sk);
	spin_lock_bh(&reuseport_lock);
	reuse = reuse_of(first);
	any = reuse && reuse->bind_inany;
	spin_unlock_bh(&reuseport_lock);
	err = reuseport_add_sock(sk, first, any);
	release_sock(sk);
	return err;
}

static void take_order(struct sock_reuseport *reuse, struct ckpt_sock_group *g)
{
	u32 i;

	for (i = 0; i < g->nr; i++)
		WRITE_ONCE(reuse->socks[i], g->sk[i]);
	rcu_assign_pointer(reuse->prog, g->prog);
	g->prog = NULL;
	if (g->flags & CKPT_SOCK_GROUP_CONNS)
		reuse->has_conns = 1;
}

/* Somebody else may have come, whom the order does not know of. */
static int set_group(struct ckpt_sock_group *g)
{
	struct sock_reuseport *reuse;
	bool same;
	int err = 0;
	u32 i;

	spin_lock_bh(&reuseport_lock);
	reuse = reuse_of(g->sk[0]);
	same = reuse && reuse->num_socks == g->nr;
	for (i = 0; i < g->nr && same; i++)
		same = ckpt_sock_group_has(g, reuse->socks[i]);
	if (!same)
		err = g->prog ? -EADDRINUSE : 0;
	else if (reuse_prog(reuse))
		err = -EINVAL;
	else
		take_order(reuse, g);
	spin_unlock_bh(&reuseport_lock);
	return err;
}

static int leave(struct sock *sk, const struct ckpt_sock_group *g)
{
	if (g->nr != 1 || g->prog)
		return -EINVAL;
	lock_sock(sk);
	if (rcu_access_pointer(sk->sk_reuseport_cb))
		reuseport_detach_sock(sk);
	release_sock(sk);
	return 0;
}

/* As setsockopt(2), whether SO_LOCK_FILTER is set or not */
static int reuse_restore(struct ckpt_ctx *ctx, struct ckpt_sock_group *g)
{
	struct sock *first = g->sk[0];
	struct net *net = sock_net(first);
	int err;
	u32 i;

	if (g->flags & CKPT_SOCK_GROUP_NONE)
		return leave(first, g);
	if (g->prog && bpf_prog_size(g->prog->len) >
		       READ_ONCE(net->core.sysctl_optmem_max))
		return -ENOMEM;
	/* also of one that has no address, or does not listen, so far */
	err = rcu_access_pointer(first->sk_reuseport_cb) ? 0 :
	      reuseport_alloc(first, false);
	for (i = 1; i < g->nr && !err; i++) {
		err = join(g->sk[i], first);
		cond_resched();
	}
	return err ?: set_group(g);
}

const struct ckpt_sock_group_kind ckpt_reuseport_kind = {
	.name		= "SO_ATTACH_REUSEPORT_CBPF",
	.loaded		= "SO_ATTACH_REUSEPORT_EBPF",
	.shared		= "SO_ATTACH_REUSEPORT_CBPF that chooses sockets outside of the tree",
	.first		= reuse_first,
	.list		= reuse_list,
	.restore	= reuse_restore,
};
