// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets: what all families have in common.
 *
 * A socket is an object of its own: an open file leads to one, and so do its
 * peer, what it has sent, and a listening socket that has not accepted it yet.
 * It is made without regard to others; what it is connected to, and what is in
 * its queue, comes behind the tasks, when all of them are there. So chains of
 * sockets that are in messages to each other need no recursion.
 *
 * Of a socket that is closed, or belongs to others, what can be seen is its
 * name, by who has got a message of it, or is connected to it.
 */

#include <linux/bpf-cgroup.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/net_tstamp.h>
#include <linux/nsproxy.h>
#include <linux/security.h>
#include <linux/skbuff.h>
#include <linux/user_namespace.h>
#include <net/af_unix.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "checkpoint_filter.h"
#include "checkpoint_sock.h"

#define CKPT_SOCK_ALL		(CKPT_SOCK_NO_FILE | CKPT_SOCK_DEAD)

/* The table of families: adding one is an entry here. */
static const struct ckpt_sock_family *const families[] = {
	&ckpt_unix_family,
	&ckpt_netlink_family,
#ifdef CONFIG_INET
	&ckpt_inet_family,
#endif
#if IS_BUILTIN(CONFIG_IPV6)
	&ckpt_inet6_family,
#endif
#if IS_BUILTIN(CONFIG_PACKET)
	&ckpt_packet_family,
#endif
};

static const struct ckpt_sock_family *find_family(u32 family)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i]->family == family)
			return families[i];
	return NULL;
}

static const struct ckpt_sock_family *family_of(const struct sock *sk)
{
	return find_family(sk->sk_family);
}

/**
 * ckpt_sock_group_kind - the groups that a socket may be in
 * @sk: the socket
 *
 * Return: their kind, or NULL.
 */
const struct ckpt_sock_group_kind *ckpt_sock_group_kind(const struct sock *sk)
{
	const struct ckpt_sock_family *family = family_of(sk);

	return family ? family->group : NULL;
}

/* -------------------------------------------------------------- options */

/*
 * Those of SOL_SOCKET, in the order in which they are set. What is an option,
 * but set otherwise, is in the record of the socket.
 */
static const struct {
	u32 name;
	u32 len;
} options[] = {
	{ SO_BUF_LOCK, 4 },
	{ SO_REUSEADDR, 4 },
	{ SO_REUSEPORT, 4 },
	{ SO_DONTROUTE, 4 },
	{ SO_BROADCAST, 4 },
	{ SO_KEEPALIVE, 4 },
	{ SO_OOBINLINE, 4 },
	{ SO_NO_CHECK, 4 },
	{ SO_PRIORITY, 4 },
	{ SO_LINGER, sizeof(struct linger) },
	{ SO_RCVLOWAT, 4 },
	{ SO_PASSCRED, 4 },
	{ SO_PASSPIDFD, 4 },
	{ SO_PASSSEC, 4 },
	{ SO_TIMESTAMPING_OLD, sizeof(struct so_timestamping) },
	{ SO_TIMESTAMPING_NEW, sizeof(struct so_timestamping) },
	{ SO_TXTIME, sizeof(struct sock_txtime) },
	{ SO_TIMESTAMP_OLD, 4 },
	{ SO_TIMESTAMPNS_OLD, 4 },
	{ SO_TIMESTAMP_NEW, 4 },
	{ SO_TIMESTAMPNS_NEW, 4 },
	{ SO_MARK, 4 },
	{ SO_RCVMARK, 4 },
	{ SO_RXQ_OVFL, 4 },
	{ SO_WIFI_STATUS, 4 },
	{ SO_PEEK_OFF, 4 },
	{ SO_NOFCS, 4 },
	{ SO_SELECT_ERR_QUEUE, 4 },
	{ SO_BUSY_POLL, 4 },
	{ SO_PREFER_BUSY_POLL, 4 },
	{ SO_BUSY_POLL_BUDGET, 4 },
	{ SO_MAX_PACING_RATE, 8 },
	{ SO_INCOMING_CPU, 4 },
	{ SO_ZEROCOPY, 4 },
	{ SO_BINDTOIFINDEX, 4 },
	{ SO_RESERVE_MEM, 4 },
	{ SO_TXREHASH, 4 },
	{ SO_DEBUG, 4 },
	{ SO_LOCK_FILTER, 4 },
};

/* Is it kept with the open file? A socket that waits has none so far. */
static bool needs_file(u32 name)
{
	return name == SO_PASSCRED || name == SO_PASSPIDFD ||
	       name == SO_PASSSEC || name == SO_PEEK_OFF;
}

/* Returns false for one that this kernel, or this socket, does not have. */
static bool read_option(struct sock *sk, int i, struct ckpt_sock_opt *opt)
{
	int len = options[i].len;

	memset(opt, 0, sizeof(*opt));
	opt->name = options[i].name;
	opt->len = len;
	if ((!sk->sk_socket && needs_file(opt->name)) ||
	    (opt->name == SO_TXTIME && !sock_flag(sk, SOCK_TXTIME)))
		return false;
	if (opt->name == SO_BUSY_POLL_BUDGET) {
#ifdef CONFIG_NET_RX_BUSY_POLL
		u32 budget = READ_ONCE(sk->sk_busy_poll_budget);

		memcpy(opt->value, &budget, sizeof(budget));
		return true;
#else
		return false;
#endif
	}
	return !sk_getsockopt(sk, SOL_SOCKET, opt->name,
			      KERNEL_SOCKPTR(opt->value),
			      KERNEL_SOCKPTR(&len)) && len == opt->len;
}

static u32 save_options(struct sock *sk, struct ckpt_sock_opt *opts)
{
	u32 nr = 0;
	int i;

	BUILD_BUG_ON(ARRAY_SIZE(options) > CKPT_SOCK_OPTS_MAX);

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (read_option(sk, i, &opts[nr]))
			nr++;
	return nr;
}

static int find_option(const struct ckpt_sock_opt *opt)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].name == opt->name && options[i].len == opt->len)
			return i;
	return -EINVAL;
}

/*
 * As setsockopt(2). To number packets it wants a connection, and begins at 0:
 * the number is restored with the protocol, and only that it is asked for here.
 */
static int set_option(struct sock *sk, struct ckpt_sock_opt *opt)
{
	struct so_timestamping ts;
	u32 numbers;
	int err;

	/* as 1, and so is what a listening socket of MPTCP made of TCP */
	if (opt->name == SO_RCVLOWAT && !memchr_inv(opt->value, 0, opt->len)) {
		WRITE_ONCE(sk->sk_rcvlowat, 0);
		return 0;
	}
	if (opt->name != SO_TIMESTAMPING_OLD &&
	    opt->name != SO_TIMESTAMPING_NEW)
		return sk_setsockopt(sk, SOL_SOCKET, opt->name,
				     KERNEL_SOCKPTR(opt->value), opt->len);
	memcpy(&ts, opt->value, sizeof(ts));
	numbers = ts.flags & SOF_TIMESTAMPING_OPT_ID;
	ts.flags &= ~SOF_TIMESTAMPING_OPT_ID;
	if (numbers)
		numbers |= ts.flags & SOF_TIMESTAMPING_OPT_ID_TCP;
	ts.flags &= ~SOF_TIMESTAMPING_OPT_ID_TCP;
	err = sk_setsockopt(sk, SOL_SOCKET, opt->name, KERNEL_SOCKPTR(&ts),
			    sizeof(ts));
	if (!err)
		WRITE_ONCE(sk->sk_tsflags, READ_ONCE(sk->sk_tsflags) | numbers);
	return err;
}

/* With the rights that setsockopt(2) asks for, where it is not so yet */
static int write_option(struct ckpt_ctx *ctx, struct sock *sk,
			struct ckpt_sock_opt *opt)
{
	struct ckpt_sock_opt now;
	int i, err;

	i = find_option(opt);
	if (i < 0)
		return ckpt_err(ctx, -EINVAL, "image: socket option %u of %u bytes",
				opt->name, opt->len);
	if (read_option(sk, i, &now) && !memcmp(now.value, opt->value, opt->len))
		return 0;
	err = needs_file(opt->name) && !sk->sk_socket ? -EINVAL :
							set_option(sk, opt);
	if (!err && (!read_option(sk, i, &now) ||
		     memcmp(now.value, opt->value, opt->len)))
		err = -EINVAL;
	if (err)
		return ckpt_err(ctx, err, "socket option %u: cannot be set: error %d",
				opt->name, err);
	return 0;
}

static int restore_options(struct ckpt_ctx *ctx, struct sock *sk, u32 nr)
{
	struct ckpt_hdr_sock_opts *h;
	int err = 0;
	u32 i;

	h = ckpt_read_rec(ctx, CKPT_HDR_SOCK_OPTS, struct_size(h, opts, nr),
			  struct_size(h, opts, nr));
	if (IS_ERR(h))
		return PTR_ERR(h);
	for (i = 0; i < nr && !err; i++)
		err = write_option(ctx, sk, &h->opts[i]);
	kvfree(h);
	return err;
}

/* ---------------------------------------------------------------- filter */

/**
 * ckpt_sock_prog_write - write the program of a socket, or of a group of them
 * @ctx: the context
 * @insns: the program
 * @nr: number of its instructions
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_sock_prog_write(struct ckpt_ctx *ctx, const struct sock_filter *insns,
			 u32 nr)
{
	struct ckpt_hdr_sock_filter h = {};

	BUILD_BUG_ON(sizeof(struct ckpt_sock_insn) != sizeof(*insns) ||
		     offsetof(struct ckpt_sock_insn, jt) !=
			     offsetof(struct sock_filter, jt) ||
		     offsetof(struct ckpt_sock_insn, k) !=
			     offsetof(struct sock_filter, k));
	BUILD_BUG_ON(CKPT_SOCK_INSNS_MAX != BPF_MAXINSNS);

	return ckpt_write_rec_tail(ctx, &h, CKPT_HDR_SOCK_FILTER, sizeof(h),
				   insns, nr * sizeof(*insns));
}

/**
 * ckpt_sock_prog_read - read such a program
 * @ctx: the context
 * @nr: number of its instructions, at most CKPT_SOCK_INSNS_MAX
 * @what: what it is, for messages
 *
 * Context: process context, may sleep.
 * Return: the program, to be freed with bpf_prog_destroy(), or an ERR_PTR,
 * reported: -EINVAL for one that the kernel does not accept.
 */
struct bpf_prog *ckpt_sock_prog_read(struct ckpt_ctx *ctx, u32 nr,
				     const char *what)
{
	struct ckpt_hdr_sock_filter *h;
	struct bpf_prog *prog;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_SOCK_FILTER,
			  struct_size(h, insns, nr), struct_size(h, insns, nr));
	if (IS_ERR(h))
		return ERR_CAST(h);
	prog = ckpt_prog_make((const struct sock_filter *)h->insns, nr);
	kvfree(h);
	if (!IS_ERR(prog))
		return prog;
	err = PTR_ERR(prog);
	return ERR_PTR(ckpt_err(ctx, err, "%s: the program cannot be made: error %d",
				what, err));
}

static int restore_filter(struct ckpt_ctx *ctx, struct sock *sk, u32 nr)
{
	struct bpf_prog *prog = ckpt_sock_prog_read(ctx, nr, "SO_ATTACH_FILTER");
	int err;

	if (IS_ERR(prog))
		return PTR_ERR(prog);
	err = ckpt_filter_attach(sk, prog);
	if (!err)
		return 0;
	bpf_prog_destroy(prog);
	return ckpt_err(ctx, err, "SO_ATTACH_FILTER: cannot be set: error %d",
			err);
}

/* ------------------------------------------------------ buffers, timeouts */

/* A century is for ever, and does not overflow. */
#define CKPT_TIMEO_MAX_S	U32_MAX

static u64 timeo_save(long timeo)
{
	return timeo / HZ > CKPT_TIMEO_MAX_S ? U64_MAX :
	       div_u64((u64)timeo * USEC_PER_SEC, HZ);
}

static long timeo_restore(u64 us)
{
	if (us > (u64)CKPT_TIMEO_MAX_S * USEC_PER_SEC)
		return MAX_SCHEDULE_TIMEOUT;
	return DIV64_U64_ROUND_UP(us * HZ, USEC_PER_SEC);
}

/*
 * Half of what a buffer may be without CAP_NET_ADMIN: @max is for all sockets,
 * @tcp for those of TCP, which grow.
 */
static u32 buf_max(const struct sock *sk, u32 max, int tcp)
{
	return sk_is_tcp(sk) ? max(max, tcp / 2U + 1) : max;
}

static u32 sndbuf_max(const struct sock *sk)
{
	int tcp = 0;

#ifdef CONFIG_INET
	tcp = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_wmem[2]);
#endif
	return buf_max(sk, READ_ONCE(sysctl_wmem_max), tcp);
}

static u32 rcvbuf_max(const struct sock *sk)
{
	int tcp = 0;

#ifdef CONFIG_INET
	tcp = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_rmem[2]);
#endif
	return buf_max(sk, READ_ONCE(sysctl_rmem_max), tcp);
}

/* As much as setsockopt(2) gives to everybody, or what it is given anyway */
static int restore_buf(struct ckpt_ctx *ctx, u32 size, u32 max, int *buf)
{
	if (size == *buf)
		return 0;
	if (size < SOCK_MIN_RCVBUF || size > INT_MAX)
		return ckpt_err(ctx, -EINVAL, "image: socket with a buffer of %u bytes",
				size);
	if (size > max(2ULL * max, SOCK_MIN_SNDBUF) &&
	    size > *buf && !capable(CAP_NET_ADMIN))
		return ckpt_err(ctx, -EPERM, "socket: a buffer of %u bytes: CAP_NET_ADMIN is needed",
				size);
	WRITE_ONCE(*buf, size);
	return 0;
}

/* ------------------------------------------------- which sockets are saved */

/* The socket that an open file is, of a family we know, or NULL */
static struct socket *ckpt_sock_of_file(struct file *file)
{
	struct socket *sock = sock_from_file(file);

	return sock && sock->sk && family_of(sock->sk) ? sock : NULL;
}

/**
 * ckpt_sock_match - is this a socket of a family that is supported?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_sock_match(struct file *file)
{
	return ckpt_sock_of_file(file);
}

static struct file *sock_file(struct sock *sk)
{
	struct file *file = NULL;

	read_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_socket)
		file = sk->sk_socket->file;
	read_unlock_bh(&sk->sk_callback_lock);
	return file;
}

/* Do others have a socket open, too, of which the collect pass met a file? */
static bool ckpt_sock_shared(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct file *file = sock_file(sk);

	return !file || ckpt_obj_outside(ctx, file, CKPT_OBJ_FILE);
}

/**
 * ckpt_sock_in_tree - does a socket belong to the tree alone?
 * @ctx: the context; the collect pass is over
 * @sk: the socket
 *
 * One that is not accepted yet belongs to whom the listening one does.
 *
 * Return: true if it does.
 */
bool ckpt_sock_in_tree(struct ckpt_ctx *ctx, struct sock *sk)
{
	u32 mark = ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, 0);

	if (mark & CKPT_SOCK_MARK_FILE)
		return !ckpt_sock_shared(ctx, sk);
	return (mark & CKPT_SOCK_MARK_WAITS) &&
	       family_of(sk)->in_tree(ctx, sk);
}

/**
 * ckpt_sock_external - does a socket lead out of the tree?
 * @ctx: the context; the collect pass is over
 * @file: the open file, of which others have no part
 *
 * Return: true if it does.
 */
bool ckpt_sock_external(struct ckpt_ctx *ctx, struct file *file)
{
	struct sock *sk = ckpt_sock_of_file(file)->sk;

	return family_of(sk)->external(ctx, sk);
}

/* One that bpf(2) has loaded is not in the socket alone. */
static bool has_loaded_filter(struct sock *sk)
{
	const struct sk_filter *filter;
	bool found;

	rcu_read_lock();
	filter = rcu_dereference(sk->sk_filter);
	found = filter && !filter->prog->orig_prog;
	rcu_read_unlock();
	return found;
}

/**
 * ckpt_sk_refused - what about a socket cannot be saved?
 * @ctx: the context; the collect pass is over
 * @sk: the socket, of which others have no part
 * @external: it is given again by whoever restarts
 *
 * Return: a text, or NULL if there is nothing.
 */
const char *ckpt_sk_refused(struct ckpt_ctx *ctx, struct sock *sk,
			    bool external)
{
	const char *why;

	if (!external) {
		if (has_loaded_filter(sk))
			return "SO_ATTACH_BPF";
		why = ckpt_sock_group_refused(ctx, sk);
		if (why)
			return why;
		if (READ_ONCE(sk->sk_user_data))
			return "used by the kernel, or in a sockmap";
		if (sk->sk_peer_cred &&
		    !ckpt_obj_collected(ctx, (void *)sk->sk_peer_cred,
					CKPT_OBJ_CRED))
			return "SO_PEERCRED of a process whose credentials cannot be saved";
	}
	return family_of(sk)->refused(ctx, sk, external);
}

/**
 * ckpt_sock_refused - what about a socket that is an open file cannot be saved?
 * @ctx: the context; the collect pass is over
 * @file: the open file, of which others have no part
 * @external: it is given again by whoever restarts
 *
 * Return: a text, or NULL if there is nothing.
 */
const char *ckpt_sock_refused(struct ckpt_ctx *ctx, struct file *file,
			      bool external)
{
	return ckpt_sk_refused(ctx, ckpt_sock_of_file(file)->sk, external);
}

/**
 * ckpt_sock_fasync - who is told by signals of a socket
 * @file: the open file
 *
 * Return: the list.
 */
struct fasync_struct **ckpt_sock_fasync(struct file *file)
{
	return &ckpt_sock_of_file(file)->wq.fasync_list;
}

/**
 * ckpt_sock_net_collect - count the use that a socket makes of its namespace
 * @ctx: the context
 * @sk: the socket, met by ckpt_obj_collect_n(); it holds its network namespace
 *	from when it is made until it is freed
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_sock_net_collect(struct ckpt_ctx *ctx, struct sock *sk)
{
	if ((ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, 0) & CKPT_SOCK_MARK_NET) ||
	    !sk->sk_net_refcnt)
		return 0;
	ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, CKPT_SOCK_MARK_NET);
	return ckpt_net_ns_collect(ctx, sock_net(sk));
}

/*
 * Its subflows, which nobody has a descriptor of, use the network namespace,
 * too: it is refused before that seems to be shared with somebody outside.
 */
static bool is_mptcp_of_tree(const struct ckpt_ctx *ctx, const struct sock *sk)
{
	return sk_is_inet(sk) && sk->sk_protocol == IPPROTO_MPTCP &&
	       sock_net(sk) != ctx->caller_ns->net_ns &&
	       !(ctx->uflags & (CHECKPOINT_SUBTREE | CHECKPOINT_NONETNS));
}

/**
 * ckpt_sock_file_collect - meet the socket of an open file
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, or -ENOSYS, reported.
 */
int ckpt_sock_file_collect(struct ckpt_ctx *ctx, struct file *file)
{
	struct sock *sk = ckpt_sock_of_file(file)->sk;
	int err;

	if (is_mptcp_of_tree(ctx, sk))
		return ckpt_err(ctx, -ENOSYS, "socket: MPTCP: not supported");
	err = ckpt_obj_collect_n(ctx, sk, CKPT_OBJ_SOCK, 0);
	if (err)
		return err;
	ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, CKPT_SOCK_MARK_FILE);
	return ckpt_sock_net_collect(ctx, sk);
}

static int collect_one(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	u32 mark = ckpt_obj_mark(ctx, ptr, CKPT_OBJ_SOCK, 0);
	const struct cred *cred;
	struct sock *sk = ptr;
	struct pid *pid;
	int err = 0;

	if (!(mark & (CKPT_SOCK_MARK_FILE | CKPT_SOCK_MARK_WAITS)) ||
	    (mark & CKPT_SOCK_MARK_MET))
		return 0;
	ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, CKPT_SOCK_MARK_MET);
	*(bool *)arg = true;

	spin_lock(&sk->sk_peer_lock);
	pid = get_pid(sk->sk_peer_pid);
	cred = get_cred(sk->sk_peer_cred);
	spin_unlock(&sk->sk_peer_lock);
	if (cred)
		err = ckpt_file_cred_collect(ctx, cred);
	if (!err)
		err = ckpt_any_pid_collect(ctx, pid);
	put_cred(cred);
	put_pid(pid);
	cond_resched();
	return err ?: family_of(sk)->collect(ctx, sk);
}

static int collect_orphans(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	return ckpt_tcp_orphans(ctx, ptr, arg);
}

static int freeze_one(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	u32 mark = ckpt_obj_mark(ctx, ptr, CKPT_OBJ_SOCK, 0);
	int ret;

	if (!(mark & (CKPT_SOCK_MARK_FILE | CKPT_SOCK_MARK_WAITS)) ||
	    (mark & CKPT_SOCK_MARK_FROZEN))
		return 0;
	ckpt_obj_mark(ctx, ptr, CKPT_OBJ_SOCK, CKPT_SOCK_MARK_FROZEN);
	ret = ckpt_tcp_freeze(ctx, ptr);
	if (ret > 0) {
		ckpt_obj_mark(ctx, ptr, CKPT_OBJ_SOCK, CKPT_SOCK_MARK_SILENT);
		*(bool *)arg = true;
	}
	return min(ret, 0);
}

/* Until ckpt_tcp_thaw(): what is in them, and who waits, stays as it is */
static int freeze_socks(struct ckpt_ctx *ctx)
{
	bool some = false;
	int err;

	err = ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, freeze_one, &some);
	/* packets that were let in before */
	if (!err && some)
		synchronize_rcu_expedited();
	return err;
}

/**
 * ckpt_socks_collect - meet what is in the sockets of the tree
 * @ctx: the context; all tasks are collected
 *
 * What is in a message may be a socket, with messages in it. What is in one that
 * nobody can receive goes before. Connections are stopped first.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_socks_collect(struct ckpt_ctx *ctx)
{
	bool again, all = false;
	int err;

	/* a peer that only such a message has is as good as closed */
	if (READ_ONCE(unix_tot_inflight)) {
		ckpt_unix_gc();
		flush_delayed_fput();
	}
	err = ckpt_obj_for_each(ctx, CKPT_OBJ_NET_NS, collect_orphans, &all);
	if (err)
		return err;
	do {
		again = false;
		err = freeze_socks(ctx);
		if (!err)
			err = ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, collect_one,
						&again);
	} while (!err && again);
	return err;
}

static bool to_be_saved(struct ckpt_ctx *ctx, struct sock *sk)
{
	return ckpt_sock_in_tree(ctx, sk) && !family_of(sk)->external(ctx, sk);
}

static int unfreeze_one(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	u32 mark = ckpt_obj_mark(ctx, ptr, CKPT_OBJ_SOCK, 0);

	if ((mark & CKPT_SOCK_MARK_SILENT) && !to_be_saved(ctx, ptr)) {
		ckpt_obj_mark(ctx, ptr, CKPT_OBJ_SOCK, CKPT_SOCK_MARK_LET_GO);
		ckpt_tcp_unfreeze(ctx, ptr);
	}
	cond_resched();
	return 0;
}

/**
 * ckpt_socks_unfreeze - let the connections of others go on
 * @ctx: the context; it is known what is in use outside of the tree, too
 *
 * Context: process context, may sleep.
 */
void ckpt_socks_unfreeze(struct ckpt_ctx *ctx)
{
	ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, unfreeze_one, NULL);
}

/* ---------------------------------------------------------- checkpoint */

/*
 * A reference of its own: one that is closed may live by what it has sent
 * alone, and that is all that counts then.
 */
static void sock_grab(void *ptr)
{
	struct sock *sk = ptr;

	refcount_inc(&sk->sk_wmem_alloc);
}

static int save_owner(struct ckpt_ctx *ctx, struct socket *sock,
		      struct ckpt_hdr_sock *h)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;
	const struct inode *inode = SOCK_INODE(sock);

	h->uid = from_kuid(user_ns, inode->i_uid);
	h->gid = from_kgid(user_ns, inode->i_gid);
	h->mode = inode->i_mode & S_IALLUGO;
	if (h->uid == (uid_t)-1 || h->gid == (gid_t)-1)
		return ckpt_err(ctx, -ENOSYS, "socket: its owner is not mapped in the caller's user namespace: not supported");
	return 0;
}

static int save_peer(struct ckpt_ctx *ctx, struct sock *sk,
		     struct ckpt_hdr_sock *h)
{
	const struct cred *cred;
	struct pid *pid;
	int ret;

	spin_lock(&sk->sk_peer_lock);
	pid = get_pid(sk->sk_peer_pid);
	cred = get_cred(sk->sk_peer_cred);
	spin_unlock(&sk->sk_peer_lock);
	ret = ckpt_any_pid_save(ctx, pid, &h->peer_pid, &h->peer_dead);
	if (!ret && cred) {
		ret = ckpt_obj_checkpoint(ctx, (void *)cred, CKPT_OBJ_CRED);
		if (ret > 0) {
			h->peer_cred = ret;
			ret = 0;
		}
	}
	put_cred(cred);
	put_pid(pid);
	return ret;
}

static int write_sock(struct ckpt_ctx *ctx, struct sock *sk,
		      struct ckpt_sock_opt *opts, struct sock_filter **insns)
{
	u32 mark = ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, 0);
	struct ckpt_hdr_sock_opts ho = {};
	struct ckpt_hdr_sock h = {
		.family = sk->sk_family,
		.type = sk->sk_type,
		.protocol = sk->sk_protocol,
		.sndbuf = READ_ONCE(sk->sk_sndbuf),
		.rcvbuf = READ_ONCE(sk->sk_rcvbuf),
		.rcvtimeo_us = timeo_save(READ_ONCE(sk->sk_rcvtimeo)),
		.sndtimeo_us = timeo_save(READ_ONCE(sk->sk_sndtimeo)),
	};
	int ret = 0;

	if (!(mark & CKPT_SOCK_MARK_SAVED)) {
		h.flags = CKPT_SOCK_DEAD;
	} else {
		ret = ckpt_net_ns_checkpoint(ctx, sock_net(sk));
		if (ret < 0)
			return ret;
		h.net = ret;
		ret = save_peer(ctx, sk, &h);
		if (!ret && (mark & CKPT_SOCK_MARK_FILE)) {
			ret = save_owner(ctx, sk->sk_socket, &h);
			h.state = sk->sk_socket->state;
		} else {
			h.flags = CKPT_SOCK_NO_FILE;
		}
		h.nr_opts = save_options(sk, opts);
		if (!ret)
			ret = ckpt_filter_get(sk, insns);
		if (ret == -EACCES)
			ckpt_err(ctx, -ENOSYS, "socket: SO_ATTACH_BPF: not supported");
		if (ret > 0) {
			h.nr_insns = ret;
			ret = 0;
		}
	}
	if (!ret)
		ret = ckpt_write_rec(ctx, &h, CKPT_HDR_SOCK, sizeof(h));
	if (!ret && h.nr_opts)
		ret = ckpt_write_rec_tail(ctx, &ho, CKPT_HDR_SOCK_OPTS,
					  sizeof(ho), opts,
					  h.nr_opts * sizeof(*opts));
	if (!ret && h.nr_insns)
		ret = ckpt_sock_prog_write(ctx, *insns, h.nr_insns);
	return ret ?: family_of(sk)->write(ctx, sk);
}

static int sock_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct sock_filter *insns = NULL;
	struct ckpt_sock_opt *opts;
	struct sock *sk = ptr;
	int err;

	if (to_be_saved(ctx, sk)) {
		/* what its peer sends since then would be missing */
		if (ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK,
				  CKPT_SOCK_MARK_SAVED) & CKPT_SOCK_MARK_LET_GO)
			return ckpt_err(ctx, -EBUSY,
					"socket: was open outside of the tree, too, a moment ago: try again");
	}
	opts = kcalloc(ARRAY_SIZE(options), sizeof(*opts), GFP_KERNEL_ACCOUNT);
	if (!opts)
		return -ENOMEM;
	err = write_sock(ctx, sk, opts, &insns);
	kfree(insns);
	kfree(opts);
	return err;
}

/**
 * ckpt_sock_file_checkpoint - write the socket of an open file
 * @ctx: the context
 * @file: the file
 * @h: its record, to be completed
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_sock_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			      struct ckpt_hdr_file *h)
{
	int objref = ckpt_obj_checkpoint(ctx, ckpt_sock_of_file(file)->sk,
					 CKPT_OBJ_SOCK);

	if (objref < 0)
		return objref;
	h->inner = objref;
	return 0;
}

static int late_write_one(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	struct ckpt_hdr_late_file h = { .kind = CKPT_FILE_SOCKET };
	u32 mark = ckpt_obj_mark(ctx, ptr, CKPT_OBJ_SOCK, 0);
	struct sock *sk = ptr;
	int ret;

	if (!(mark & CKPT_SOCK_MARK_SAVED) || (mark & CKPT_SOCK_MARK_LATE) ||
	    !(mark & (CKPT_SOCK_MARK_FILE | CKPT_SOCK_MARK_QUEUED)))
		return 0;
	ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, CKPT_SOCK_MARK_LATE);
	*(bool *)arg = true;
	ret = ckpt_obj_checkpoint(ctx, sk, CKPT_OBJ_SOCK);
	if (ret < 0)
		return ret;
	h.file = ret;
	ret = ckpt_write_rec(ctx, &h, CKPT_HDR_LATE_FILE, sizeof(h));
	cond_resched();
	return ret ?: family_of(sk)->late_write(ctx, sk);
}

/* Nobody names it but the namespace that it is in. */
static int write_orphan(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	int ret;

	if (!ckpt_tcp_orphan(ctx, ptr))
		return 0;
	ret = ckpt_obj_checkpoint(ctx, ptr, CKPT_OBJ_SOCK);
	if (ret < 0)
		return ret;
	ckpt_obj_mark(ctx, ptr, CKPT_OBJ_SOCK, CKPT_SOCK_MARK_QUEUED);
	return 0;
}

/* A port is taken by who listens on it before connections join in. */
static int late_write_listener(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	struct sock *sk = ptr;

	return sk_is_tcp(sk) && READ_ONCE(sk->sk_state) == TCP_LISTEN ?
	       late_write_one(ctx, ptr, arg) : 0;
}

/**
 * ckpt_socks_late_write - write what the sockets are connected to, and hold
 * @ctx: the context; the tasks are written
 *
 * Files in messages are written with that, and sockets among them are to be
 * completed, too.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_socks_late_write(struct ckpt_ctx *ctx)
{
	bool again;
	int err;

	err = ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, write_orphan, NULL);
	if (err)
		return err;
	do {
		again = false;
		err = ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, late_write_listener,
					&again);
		if (!err)
			err = ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK,
						late_write_one, &again);
	} while (!err && again);
	return err ?: ckpt_sock_groups_write(ctx);
}

/**
 * ckpt_skbs_get - look at what is in a queue
 * @list: the queue, to which more may be added meanwhile
 * @q: filled in
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_skbs_get(struct sk_buff_head *list, struct ckpt_skbs *q)
{
	struct sk_buff *skb;
	u32 len;

	memset(q, 0, sizeof(*q));
	for (;;) {
		spin_lock_irq(&list->lock);
		len = skb_queue_len(list);
		if (len <= q->room)
			break;
		spin_unlock_irq(&list->lock);
		kvfree(q->skb);
		q->room = len + 8;
		q->skb = kvcalloc(q->room, sizeof(*q->skb), GFP_KERNEL_ACCOUNT);
		if (!q->skb)
			return -ENOMEM;
	}
	skb_queue_walk(list, skb)
		q->skb[q->nr++] = skb_get(skb);
	spin_unlock_irq(&list->lock);
	return 0;
}

/**
 * ckpt_skbs_put - drop what ckpt_skbs_get() has found
 * @q: it
 */
void ckpt_skbs_put(struct ckpt_skbs *q)
{
	while (q->nr)
		consume_skb(q->skb[--q->nr]);
	kvfree(q->skb);
}

/* Bits of SKB_GSO_* that say nothing of how a packet is to be segmented */
#define GSO_HINTS	(SKB_GSO_DODGY | SKB_GSO_TCP_FIXEDID | SKB_GSO_PARTIAL)

/* SKB_GSO_*, by CKPT_PACKET_GSO_* */
static const u32 gso_types[] = {
	[CKPT_PACKET_GSO_NONE]		= 0,
	[CKPT_PACKET_GSO_TCP4]		= SKB_GSO_TCPV4,
	[CKPT_PACKET_GSO_TCP4_ECN]	= SKB_GSO_TCPV4 | SKB_GSO_TCP_ECN,
	[CKPT_PACKET_GSO_TCP6]		= SKB_GSO_TCPV6,
	[CKPT_PACKET_GSO_TCP6_ECN]	= SKB_GSO_TCPV6 | SKB_GSO_TCP_ECN,
	[CKPT_PACKET_GSO_UDP]		= SKB_GSO_UDP_L4,
};

/**
 * ckpt_gso_of - how a packet is to be segmented
 * @skb: the packet, as a device or a program made it
 *
 * Return: CKPT_PACKET_GSO_*, or -EOPNOTSUPP in a way that no image has.
 */
int ckpt_gso_of(const struct sk_buff *skb)
{
	u32 type = skb_is_gso(skb) ? skb_shinfo(skb)->gso_type & ~GSO_HINTS : 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(gso_types); i++)
		if (gso_types[i] == type)
			return i;
	return -EOPNOTSUPP;
}

/**
 * ckpt_gso_valid - can a packet of an image be segmented like this?
 * @gso: CKPT_PACKET_GSO_*
 * @size: of a segment, in bytes
 * @segs: how many segments
 *
 * Return: true if it can.
 */
bool ckpt_gso_valid(u32 gso, u32 size, u32 segs)
{
	return gso < ARRAY_SIZE(gso_types) && size <= U16_MAX &&
	       segs <= U16_MAX && !gso == !size;
}

/**
 * ckpt_gso_set - say how a packet is to be segmented
 * @skb: the packet
 * @gso: CKPT_PACKET_GSO_*, as ckpt_gso_valid() has found it
 * @size: of a segment, in bytes
 * @segs: how many segments
 */
void ckpt_gso_set(struct sk_buff *skb, u32 gso, u32 size, u32 segs)
{
	skb_shinfo(skb)->gso_type = gso_types[gso];
	skb_shinfo(skb)->gso_size = size;
	skb_shinfo(skb)->gso_segs = segs;
}

/**
 * ckpt_sock_data_write - write what is in a message
 * @ctx: the context
 * @skb: the message
 * @from: how many bytes at its beginning to leave out
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, or the errno of the write.
 */
int ckpt_sock_data_write(struct ckpt_ctx *ctx, const struct sk_buff *skb,
			 u32 from)
{
	struct ckpt_hdr_sock_data h = {};
	int err = 0;
	void *buf;
	u32 n;

	if (from >= skb->len)
		return 0;
	buf = kvmalloc(min_t(u32, skb->len - from, CKPT_SOCK_DATA_MAX),
		       GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	for (; from < skb->len && !err; from += n) {
		n = min_t(u32, skb->len - from, CKPT_SOCK_DATA_MAX);
		err = skb_copy_bits(skb, from, buf, n);
		if (!err)
			err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_SOCK_DATA,
						  sizeof(h), buf, n);
	}
	kvfree(buf);
	return err;
}

/* -------------------------------------------------------------- restart */

/*
 * What sk_user_data points to of a socket that the table of objects alone has;
 * the lowest bits of such a pointer are flags
 */
static const u64 pending_mark;

/**
 * ckpt_sock_pending - does nobody have this socket so far?
 * @sk: a socket
 *
 * Return: true for one that is restored, and is neither the socket of an open
 * file nor waits to be accepted.
 */
bool ckpt_sock_pending(const struct sock *sk)
{
	return READ_ONCE(sk->sk_user_data) == &pending_mark;
}

/**
 * ckpt_sock_taken - a restored socket belongs to somebody
 * @sk: the socket
 */
void ckpt_sock_taken(struct sock *sk)
{
	WRITE_ONCE(sk->sk_user_data, NULL);
}

static void sock_drop(void *ptr)
{
	struct sock *sk = ptr;

	if (ckpt_sock_pending(sk)) {
		ckpt_sock_taken(sk);
		if (sock_flag(sk, SOCK_DEAD))
			sock_put(sk);
		else if (sk->sk_socket)
			sock_release(sk->sk_socket);
		else
			family_of(sk)->release(sk);
	}
	sk_free(sk);
}

static int restore_peer(struct ckpt_ctx *ctx, struct sock *sk,
			const struct ckpt_hdr_sock *h)
{
	const struct cred *cred = NULL;
	struct pid *pid;

	/* whoever restarts could become who it was: see the credentials */
	if (h->peer_cred)
		cred = ckpt_obj_fetch(ctx, h->peer_cred, CKPT_OBJ_CRED);
	if (IS_ERR(cred))
		return PTR_ERR(cred);
	pid = ckpt_any_pid_fetch(ctx, h->peer_pid, h->peer_dead);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	spin_lock(&sk->sk_peer_lock);
	sk->sk_peer_pid = get_pid(pid);
	sk->sk_peer_cred = get_cred(cred);
	spin_unlock(&sk->sk_peer_lock);
	return 0;
}

/* Checked when the open file is there: see may_own() */
static int restore_owner(struct ckpt_ctx *ctx, struct socket *sock,
			 const struct ckpt_hdr_sock *h)
{
	struct inode *inode = SOCK_INODE(sock);
	kuid_t uid = make_kuid(current_user_ns(), h->uid);
	kgid_t gid = make_kgid(current_user_ns(), h->gid);

	if (!uid_valid(uid) || !gid_valid(gid))
		return ckpt_err(ctx, -EINVAL, "image: socket of user %u and group %u",
				h->uid, h->gid);
	inode->i_uid = uid;
	inode->i_gid = gid;
	inode->i_mode = S_IFSOCK | h->mode;
	sock->sk->sk_uid = uid;
	return 0;
}

static int restore_sock(struct ckpt_ctx *ctx, struct socket *sock,
			const struct ckpt_hdr_sock *h)
{
	struct sock *sk = sock->sk;
	int err;

	err = restore_buf(ctx, h->sndbuf, sndbuf_max(sk), &sk->sk_sndbuf);
	if (!err)
		err = restore_buf(ctx, h->rcvbuf, rcvbuf_max(sk),
				  &sk->sk_rcvbuf);
	if (!err && !(h->flags & CKPT_SOCK_DEAD))
		err = restore_peer(ctx, sk, h);
	if (!err && !h->flags)
		err = restore_owner(ctx, sock, h);
	if (!err && h->nr_opts)
		err = restore_options(ctx, sk, h->nr_opts);
	if (!err && h->nr_insns)
		err = restore_filter(ctx, sk, h->nr_insns);
	if (err)
		return err;
	WRITE_ONCE(sk->sk_rcvtimeo, timeo_restore(h->rcvtimeo_us));
	WRITE_ONCE(sk->sk_sndtimeo, timeo_restore(h->sndtimeo_us));
	if (!h->flags)
		sock->state = h->state;
	return family_of(sk)->restore(ctx, sk);
}

/* No open file leads to it. */
static void detach(struct socket *sock)
{
	struct sock *sk = sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	sk_set_socket(sk, NULL);
	rcu_assign_pointer(sk->sk_wq, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
	family_of(sk)->detach(sk);
	sock->sk = NULL;
	sock_release(sock);
}

/* That of an open file: only an internet socket is connecting for a while. */
static bool state_valid(const struct ckpt_hdr_sock *h)
{
	return h->state == SS_UNCONNECTED || h->state == SS_CONNECTED ||
	       (h->family != PF_UNIX && (h->state == SS_CONNECTING ||
					 h->state == SS_DISCONNECTING));
}

static bool sock_valid(const struct ckpt_hdr_sock *h)
{
	const struct ckpt_sock_family *family = find_family(h->family);
	bool file = !h->flags;

	/* there are families in which nothing waits to be accepted */
	if (!file && family && !family->detach)
		return false;
	return family && h->protocol <= INT_MAX &&
	       (!family->valid || family->valid(h)) &&
	       !(h->flags & ~CKPT_SOCK_ALL) && h->flags != CKPT_SOCK_ALL &&
	       !(h->mode & ~S_IALLUGO) && h->nr_opts <= CKPT_SOCK_OPTS_MAX &&
	       h->nr_insns <= CKPT_SOCK_INSNS_MAX &&
	       (file ? state_valid(h) :
		       !h->state && ((!h->nr_opts && !h->nr_insns) ||
				     !(h->flags & CKPT_SOCK_DEAD)));
}

static struct sock *make_sock(struct ckpt_ctx *ctx,
			      const struct ckpt_hdr_sock *h)
{
	struct socket *sock;
	struct sock *sk;
	struct net *net;
	int err;

	if (!sock_valid(h))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: socket of family %u with flags %#x",
					h->family, h->flags));
	net = ckpt_net_ns_fetch(ctx, h->net);
	if (IS_ERR(net))
		return ERR_CAST(net);
	err = __sock_create(net, h->family, h->type, h->protocol, &sock, 0);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "socket of family %u and type %u: cannot be made: error %d",
					h->family, h->type, err));
	sk = sock->sk;
	err = sk->sk_type == h->type ? restore_sock(ctx, sock, h) :
	      ckpt_err(ctx, -EINVAL, "image: socket of type %u", h->type);
	if (err) {
		sock_release(sock);
		return ERR_PTR(err);
	}
	sock_grab(sk);
	WRITE_ONCE(sk->sk_user_data, (void *)&pending_mark);
	if (h->flags)
		detach(sock);
	if (h->flags & CKPT_SOCK_DEAD) {
		/* the reference is the table's: what is closed has none */
		sock_hold(sk);
		family_of(sk)->kill(sk);
	}
	return sk;
}

static void *sock_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_sock *h;
	struct sock *sk;

	/* not on the stack: objects may stand inside of each other */
	h = ckpt_read_rec(ctx, CKPT_HDR_SOCK, sizeof(*h), sizeof(*h));
	if (IS_ERR(h))
		return h;
	sk = make_sock(ctx, h);
	kvfree(h);
	return sk;
}

/* A program of a cgroup gets the address to change it: not here. */
static int pre_connect(struct sock *sk, const struct sockaddr *addr, int len)
{
	struct sockaddr_storage copy = {};
	int err;

	memcpy(&copy, addr, len);
	/* others lock it themselves */
	if (sk_is_tcp(sk))
		lock_sock(sk);
	err = sk->sk_prot->pre_connect(sk, (struct sockaddr *)&copy, len);
	if (sk_is_tcp(sk))
		release_sock(sk);
	return err ?: memcmp(&copy, addr, len) ? -EPERM : 0;
}

/**
 * ckpt_sock_may_connect - may whoever restarts connect a socket?
 * @sk: the socket, not locked; one without a file was connected by others
 * @addr: to whom
 * @len: length of @addr, in bytes, at most that of struct sockaddr_storage
 *
 * As connect(2) asks security modules and the programs of the cgroup.
 *
 * Context: a restored task, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_sock_may_connect(struct sock *sk, const struct sockaddr *addr, int len)
{
	int err;

	if (!sk->sk_socket)
		return 0;
	err = security_socket_connect(sk->sk_socket, (struct sockaddr *)addr,
				      len);
	if (!err && BPF_CGROUP_PRE_CONNECT_ENABLED(sk))
		err = pre_connect(sk, addr, len);
	return err;
}

/* As fchown(2), or as whoever has made it */
static bool may_own(const struct inode *inode, const struct cred *cred)
{
	struct user_namespace *user_ns = current_user_ns();

	return (uid_eq(inode->i_uid, current_fsuid()) ||
		uid_eq(inode->i_uid, cred->fsuid) ||
		ns_capable(user_ns, CAP_CHOWN)) &&
	       (in_group_p(inode->i_gid) ||
		gid_eq(inode->i_gid, cred->fsgid) ||
		ns_capable(user_ns, CAP_CHOWN));
}

/**
 * ckpt_sock_file_restore - open a socket
 * @ctx: the context
 * @h: the record of the file
 * @name: what /proc/PID/fd/N showed, for messages
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR: -EINVAL, reported, for a malformed record,
 * -EPERM for an owner that the caller may not set, -ENFILE, -ENOMEM.
 */
struct file *ckpt_sock_file_restore(struct ckpt_ctx *ctx,
				    const struct ckpt_hdr_file *h,
				    const char *name)
{
	/* those that F_SETFL changes */
	const unsigned int flags = O_APPEND | O_NONBLOCK | O_NOATIME;
	const struct cred *cred = ckpt_file_cred(ctx, h);
	struct sock *sk = ckpt_obj_fetch(ctx, h->inner, CKPT_OBJ_SOCK);
	struct file *file;

	if (IS_ERR(cred))
		return ERR_CAST(cred);
	if (IS_ERR(sk))
		return ERR_CAST(sk);
	if (!ckpt_sock_pending(sk) || !sk->sk_socket ||
	    (h->f_flags & ~(flags | FASYNC)) != O_RDWR)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: '%s' with flags %#x, or in use",
					name, h->f_flags));
	if (!may_own(SOCK_INODE(sk->sk_socket), cred))
		return ERR_PTR(ckpt_err(ctx, -EPERM, "'%s': CAP_CHOWN is needed to give it to who had it",
					name));
	ckpt_sock_taken(sk);
	file = sock_alloc_file(sk->sk_socket, h->f_flags & O_NONBLOCK, NULL);
	if (IS_ERR(file))
		return file;
	file->f_flags |= h->f_flags & flags;
	file->f_iocb_flags = iocb_flags(file);
	return file;
}

/**
 * ckpt_sock_late_restore - read what a socket is connected to, and holds
 * @ctx: the context
 * @objref: of the socket, not checked yet
 *
 * Context: a restored task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_sock_late_restore(struct ckpt_ctx *ctx, u32 objref)
{
	struct sock *sk = ckpt_obj_fetch(ctx, objref, CKPT_OBJ_SOCK);
	int err;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	/* of an open file, or waiting to be accepted, or nobody's any more */
	if (ckpt_sock_pending(sk) && (!sk_is_tcp(sk) || sk->sk_socket))
		return ckpt_err(ctx, -EINVAL, "image: socket %u: nobody has it",
				objref);
	err = family_of(sk)->late_restore(ctx, sk);
	if (err)
		return ckpt_err(ctx, err, "%s socket: cannot be completed: error %d",
				family_of(sk)->name, err);
	return 0;
}

/* connect(2) takes it that nobody was at the other end before. */
static int check_peer(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	const struct sock *sk = ptr;

	if (sk->sk_family != PF_UNIX || sk->sk_type == SOCK_DGRAM ||
	    sk->sk_state != TCP_CLOSE ||
	    (!sk->sk_peer_pid && !sk->sk_peer_cred))
		return 0;
	return ckpt_err(ctx, -EINVAL, "image: unix socket with a peer, and not connected");
}

/**
 * ckpt_socks_check - check what can be seen only when all sockets are complete
 * @ctx: the context of a restart
 *
 * Return: 0, or -EINVAL, reported.
 */
int ckpt_socks_check(struct ckpt_ctx *ctx)
{
	return ckpt_obj_for_each(ctx, CKPT_OBJ_SOCK, check_peer, NULL);
}

/**
 * ckpt_sock_data_read - fill a message
 * @ctx: the context
 * @skb: the message, of the size that it is to have
 * @from: how many bytes at its beginning the image does not have
 *
 * Context: a restored task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_sock_data_read(struct ckpt_ctx *ctx, struct sk_buff *skb, u32 from)
{
	struct ckpt_hdr_sock_data *h;
	size_t len;
	int err = 0;
	u32 n, i;

	for (i = 0; i < from && !err; i += n) {
		n = min_t(u32, from - i, PAGE_SIZE);
		err = skb_store_bits(skb, i, page_address(ZERO_PAGE(0)), n);
	}
	for (; from < skb->len && !err; from += n) {
		n = min_t(u32, skb->len - from, CKPT_SOCK_DATA_MAX);
		len = sizeof(*h) + round_up(n, 8);
		h = ckpt_read_rec(ctx, CKPT_HDR_SOCK_DATA, len, len);
		if (IS_ERR(h))
			return PTR_ERR(h);
		err = skb_store_bits(skb, from, h->data, n);
		kvfree(h);
	}
	return err;
}

static void sock_commit(struct ckpt_ctx *ctx, void *ptr)
{
	ckpt_tcp_commit(ctx, ptr);
}

const struct ckpt_obj_ops ckpt_sock_obj_ops = {
	.name		= "socket",
	.grab		= sock_grab,
	.drop		= sock_drop,
	.checkpoint	= sock_checkpoint,
	.restore	= sock_restore,
	.commit		= sock_commit,
};
