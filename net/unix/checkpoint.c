// SPDX-License-Identifier: GPL-2.0
/*
 * Unix sockets. Included by af_unix.c.
 *
 * A name in the file system is the inode, which stays there while the tree
 * does not run: the socket that is restored is bound to the inode that it finds
 * under the path, as nothing else than a socket could be bound to it. Where there
 * is none any more it is made again.
 *
 * Messages are saved with the socket that has them in its queue. Each is charged
 * to the socket that sent it, which may be closed: it is still asked for its
 * name.
 */

#include <linux/io_uring.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pid_namespace.h>
#include <linux/sched/user.h>

#include "../core/checkpoint_sock.h"

#define CKPT_UNIX_LATE_ALL	(CKPT_UNIX_BOUND | CKPT_UNIX_PATH | \
				 CKPT_UNIX_SERVER | CKPT_UNIX_SERVER_PATH)
#define CKPT_UNIX_MSG_ALL	(CKPT_UNIX_OOB | CKPT_UNIX_CREDS)

/* How often, and how far apart, a name that is in use is tried again */
#define CKPT_BIND_TRIES		20
#define CKPT_BIND_DELAY		(HZ / 100 ?: 1)

/* As alloc_skb_with_frags() makes it in pieces that can be had */
#define CKPT_UNIX_FRAGS_MAX \
	(MAX_SKB_FRAGS * (PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER))

static bool connects(const struct sock *sk)
{
	return sk->sk_type == SOCK_STREAM || sk->sk_type == SOCK_SEQPACKET;
}

/* The path is set before the name, and both stay as they are then. */
static struct unix_address *sk_name(const struct sock *sk)
{
	/* pairs with unix_bind() and unix_stream_connect() */
	return smp_load_acquire(&unix_sk(sk)->addr);
}

/* One that was accepted shows the name of another. */
static bool is_bound(const struct sock *sk)
{
	return sk_name(sk) &&
	       (sk->sk_hash > UNIX_HASH_MOD ||
		!hlist_unhashed(&sk->sk_bind_node));
}

static bool queue_empty(struct sock *sk)
{
	return skb_queue_empty_lockless(&sk->sk_receive_queue);
}

/* ------------------------------------------------------------- collect */

static int collect_files(struct ckpt_ctx *ctx, const struct scm_fp_list *fpl)
{
	int i, err = 0;

	for (i = 0; fpl && i < fpl->count && !err; i++)
		err = ckpt_file_collect_sent(ctx, fpl->fp[i]);
	return err;
}

/* Another socket: one that is closed has nobody else who would count it. */
static int collect_other(struct ckpt_ctx *ctx, struct sock *sk)
{
	int err = ckpt_obj_collect_n(ctx, sk, CKPT_OBJ_SOCK, 0);

	if (!err && sock_flag(sk, SOCK_DEAD))
		err = ckpt_sock_net_collect(ctx, sk);
	return err;
}

static int collect_message(struct ckpt_ctx *ctx, struct sk_buff *skb)
{
	int err = 0;

	/* taken from a socket by a sockmap: that is refused */
	if (skb->sk)
		err = collect_other(ctx, skb->sk);
	if (!err)
		err = ckpt_any_pid_collect(ctx, UNIXCB(skb).pid);
	return err ?: collect_files(ctx, UNIXCB(skb).fp);
}

static int collect_waiting(struct ckpt_ctx *ctx, struct sock *sk)
{
	int err = ckpt_obj_collect_n(ctx, sk, CKPT_OBJ_SOCK, 0);

	if (err)
		return err;
	ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, CKPT_SOCK_MARK_WAITS);
	return ckpt_sock_net_collect(ctx, sk);
}

/* It may be that of another one, who closes it meanwhile. */
static bool get_path(struct sock *sk, struct path *path)
{
	unix_state_lock(sk);
	*path = unix_sk(sk)->path;
	if (path->dentry)
		path_get(path);
	unix_state_unlock(sk);
	return path->dentry;
}

static int sk_collect(struct ckpt_ctx *ctx, struct sock *sk)
{
	bool listens = READ_ONCE(sk->sk_state) == TCP_LISTEN;
	struct ckpt_skbs q;
	struct path path;
	struct sock *peer;
	int err = 0;
	u32 i;

	/* it is there before the name is seen */
	if (sk_name(sk) && get_path(sk, &path)) {
		err = ckpt_path_collect(ctx, &path);
		path_put(&path);
	}
	peer = unix_peer_get(sk);
	if (peer) {
		if (!err)
			err = collect_other(ctx, peer);
		sock_put(peer);
	}
	if (!err)
		err = ckpt_skbs_get(&sk->sk_receive_queue, &q);
	if (err)
		return err;
	for (i = 0; i < q.nr && !err; i++) {
		err = listens ? collect_waiting(ctx, q.skb[i]->sk) :
				collect_message(ctx, q.skb[i]);
		cond_resched();
	}
	ckpt_skbs_put(&q);
	return err;
}

/* --------------------------------------------------------- what is refused */

static bool is_dead(const struct sock *sk)
{
	return sock_flag(sk, SOCK_DEAD);
}

/*
 * A server of datagrams, as that of syslog(3), does not know who is connected to
 * it: another one with the same name does as well.
 */
static bool is_server(const struct sock *peer)
{
	return peer->sk_type == SOCK_DGRAM && is_bound(peer) && !unix_peer(peer);
}

/* A connection whose other end is not of the tree, and not closed */
static bool goes_outside(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct sock *peer = unix_peer_get(sk);
	bool outside;

	if (!peer)
		return false;
	outside = !is_dead(peer) && !ckpt_sock_in_tree(ctx, peer) &&
		  !is_server(peer);
	sock_put(peer);
	return outside;
}

static bool sk_external(struct ckpt_ctx *ctx, struct sock *sk)
{
	return goes_outside(ctx, sk);
}

/* As long as it waits, who it waits for is there. */
static bool sk_in_tree(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct sock *listener = unix_sk(sk)->listener;

	return listener && ckpt_sock_in_tree(ctx, listener);
}

static const char *refuse_waiting(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_skbs q;
	const char *why = NULL;
	u32 i;

	/* if there is no memory for it, saving it says so */
	if (ckpt_skbs_get(&sk->sk_receive_queue, &q))
		return NULL;
	for (i = 0; i < q.nr && !why; i++)
		if (goes_outside(ctx, q.skb[i]->sk))
			why = "a connection of a process outside of the tree waits to be accepted";
	ckpt_skbs_put(&q);
	return why;
}

static const char has_unread[] =
	"connected to a process outside of the tree, which sent what is not received yet";

static const char *sk_refused(struct ckpt_ctx *ctx, struct sock *sk,
			      bool external)
{
	const struct proto *prot = READ_ONCE(sk->sk_prot);

	if (prot != &unix_stream_proto && prot != &unix_dgram_proto)
		return "in a sockmap";
	if (external && !queue_empty(sk))
		return has_unread;
	if (external)
		return NULL;
	if (READ_ONCE(sk->sk_state) == TCP_LISTEN)
		return refuse_waiting(ctx, sk);
	return NULL;
}

/* ---------------------------------------------------------- checkpoint */

static int sk_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	const struct unix_address *addr = sk_name(sk);
	struct ckpt_hdr_unix h = {};

	if (addr) {
		h.name_len = addr->len;
		memcpy(h.name, addr->name,
		       min_t(size_t, addr->len, sizeof(h.name)));
	}
	return ckpt_write_rec(ctx, &h, CKPT_HDR_UNIX, sizeof(h));
}

static int save_creds(struct ckpt_ctx *ctx, struct sk_buff *skb,
		      struct ckpt_hdr_unix_msg *h)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;

	if (!uid_valid(UNIXCB(skb).uid) || !gid_valid(UNIXCB(skb).gid))
		return 0;
	h->flags |= CKPT_UNIX_CREDS;
	h->uid = from_kuid(user_ns, UNIXCB(skb).uid);
	h->gid = from_kgid(user_ns, UNIXCB(skb).gid);
	if (h->uid == (uid_t)-1 || h->gid == (gid_t)-1)
		return ckpt_err(ctx, -ENOSYS, "unix socket: the sender of a message is not mapped in the caller's user namespace: not supported");
	return 0;
}

static int save_files(struct ckpt_ctx *ctx, const struct scm_fp_list *fpl,
		      u32 *files, struct ckpt_hdr_unix_msg *h)
{
	int i, ret;

	BUILD_BUG_ON(CKPT_UNIX_FILES_MAX != SCM_MAX_FD);

	if (!fpl)
		return 0;
	h->user = from_kuid(ctx->caller_cred->user_ns, fpl->user->uid);
	if (h->user == (uid_t)-1)
		return ckpt_err(ctx, -ENOSYS, "unix socket: who sent an open file is not mapped in the caller's user namespace: not supported");
	for (i = 0; i < fpl->count; i++) {
		/* appeared after the collect pass: this says so */
		ret = ckpt_obj_collected(ctx, fpl->fp[i], CKPT_OBJ_FILE) ?
		      ckpt_file_check(ctx, fpl->fp[i], "open file in a message") :
		      0;
		if (!ret)
			ret = ckpt_obj_checkpoint(ctx, fpl->fp[i],
						  CKPT_OBJ_FILE);
		if (ret < 0)
			return ret;
		files[h->nr_files++] = ret;
		cond_resched();
	}
	return 0;
}

static int write_message(struct ckpt_ctx *ctx, struct sk_buff *skb, bool oob,
			 u32 *files)
{
	struct ckpt_hdr_unix_msg h = {
		.flags = oob ? CKPT_UNIX_OOB : 0,
		.len = skb->len,
		.head = skb_headlen(skb),
		.consumed = UNIXCB(skb).consumed,
		.time_ns = ktime_to_ns(skb->tstamp),
	};
	int ret;

	ret = skb->sk ? ckpt_obj_checkpoint(ctx, skb->sk, CKPT_OBJ_SOCK) :
			ckpt_err(ctx, -ENOSYS, "unix socket: a message of no socket: not supported");
	if (ret < 0)
		return ret;
	h.sock = ret;
	ret = save_creds(ctx, skb, &h);
	if (!ret)
		ret = ckpt_any_pid_save(ctx, UNIXCB(skb).pid, &h.pid, &h.dead);
	if (!ret)
		ret = save_files(ctx, UNIXCB(skb).fp, files, &h);
	if (!ret)
		ret = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_UNIX_MSG, sizeof(h),
					  files, h.nr_files * sizeof(*files));
	return ret ?: ckpt_sock_data_write(ctx, skb, h.consumed);
}

static int write_waiting(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_unix_msg h = {};
	int ret = ckpt_obj_checkpoint(ctx, sk, CKPT_OBJ_SOCK);

	if (ret < 0)
		return ret;
	h.sock = ret;
	ckpt_obj_mark(ctx, sk, CKPT_OBJ_SOCK, CKPT_SOCK_MARK_QUEUED);
	return ckpt_write_rec(ctx, &h, CKPT_HDR_UNIX_MSG, sizeof(h));
}

/*
 * The path that leads to the inode of a socket: 1 if there is one, 0 if nobody
 * can find it any more, or a negative errno.
 */
static int find_path(struct ckpt_ctx *ctx, struct sock *sk, char *buf,
		     struct path *path)
{
	struct inode *inode;
	struct path own;
	bool found;

	if (!get_path(sk, &own))
		return 0;
	if (!ckpt_path_verify(ctx, &own, buf, PATH_MAX)) {
		*path = own;
		return 1;
	}
	inode = d_backing_inode(own.dentry);
	if (!inode->i_nlink || !is_bound(sk)) {
		path_put(&own);
		return 0;
	}
	/* another name of it, perhaps */
	found = !ckpt_inode_path(ctx, inode, path, buf);
	if (found && d_backing_inode(path->dentry) != inode) {
		path_put(path);
		found = false;
	}
	path_put(&own);
	if (found)
		return 1;
	return ckpt_err(ctx, -ENOSYS, "unix socket '%.*s': no path leads to its inode: not supported",
			(int)sizeof(unix_sk(sk)->addr->name->sun_path),
			unix_sk(sk)->addr->name->sun_path);
}

/* A path as the image has it: its mount in *@mnt, or a negative errno */
static char *save_path(struct ckpt_ctx *ctx, const struct path *path, char *buf,
		       u32 *mnt)
{
	int ret = ckpt_path_mnt(ctx, path);
	char *name = ERR_PTR(ret);

	if (ret >= 0) {
		*mnt = ret;
		name = ckpt_path_name(ctx, path, buf, PATH_MAX);
		ret = PTR_ERR_OR_ZERO(name);
	}
	if (ret)
		ckpt_err(ctx, ret, "unix socket: its path cannot be told: error %d",
			 ret);
	return name;
}

/**
 * struct ckpt_unix_names - where a socket and its peer are
 * @path: room for the path of the socket
 * @server: room for that of its peer
 * @path_at: the path, or NULL
 * @server_at: that of its peer, or NULL
 */
struct ckpt_unix_names {
	char *path;
	char *server;
	const char *path_at;
	const char *server_at;
};

static int save_names(struct ckpt_ctx *ctx, struct sock *sk,
		      struct ckpt_hdr_unix_late *h, struct ckpt_unix_names *n)
{
	struct sock *peer;
	struct path path;
	int ret;

	ret = find_path(ctx, sk, n->path, &path);
	if (ret > 0) {
		h->flags |= CKPT_UNIX_PATH;
		n->path_at = save_path(ctx, &path, n->path, &h->mnt);
		ret = PTR_ERR_OR_ZERO(n->path_at);
		if (!ret && (h->flags & CKPT_UNIX_BOUND))
			ret = ckpt_node_save(ctx, &path, h);
		path_put(&path);
	}
	if (ret < 0 || !(h->flags & CKPT_UNIX_SERVER))
		return ret;
	peer = unix_peer_get(sk);
	ret = peer ? find_path(ctx, peer, n->server, &path) : 0;
	if (ret > 0) {
		h->flags |= CKPT_UNIX_SERVER_PATH;
		n->server_at = save_path(ctx, &path, n->server, &h->server_mnt);
		path_put(&path);
		ret = PTR_ERR_OR_ZERO(n->server_at);
	} else if (!ret && peer && sk_name(peer)->name->sun_path[0]) {
		ret = ckpt_err(ctx, -ENOSYS, "unix socket: connected to one outside of the tree whose name was removed: not supported");
	}
	if (peer)
		sock_put(peer);
	return ret;
}

static int save_state(struct ckpt_ctx *ctx, struct sock *sk,
		      struct ckpt_hdr_unix_late *h)
{
	struct sock *peer;
	int ret = 0;

	unix_state_lock(sk);
	switch (sk->sk_state) {
	case TCP_LISTEN:
		h->state = CKPT_UNIX_LISTEN;
		break;
	case TCP_ESTABLISHED:
		h->state = CKPT_UNIX_ESTABLISHED;
		break;
	}
	h->shutdown = sk->sk_shutdown;
	h->err = sk->sk_err;
	h->backlog = sk->sk_max_ack_backlog;
	unix_state_unlock(sk);
	if (is_bound(sk))
		h->flags |= CKPT_UNIX_BOUND;
	peer = unix_peer_get(sk);
	if (!peer)
		return 0;
	ret = ckpt_obj_checkpoint(ctx, peer, CKPT_OBJ_SOCK);
	if (!is_dead(peer) && !ckpt_sock_in_tree(ctx, peer))
		h->flags |= CKPT_UNIX_SERVER;
	sock_put(peer);
	if (ret < 0)
		return ret;
	h->peer = ret;
	return 0;
}

static int write_all(struct ckpt_ctx *ctx, struct sock *sk,
		     const struct ckpt_skbs *q, struct ckpt_unix_names *n)
{
	struct ckpt_hdr_unix_late h = { .nr = q->nr };
	u32 i, *files = (u32 *)n->path;
	const void *oob = NULL;
	int err;

#if IS_ENABLED(CONFIG_AF_UNIX_OOB)
	oob = READ_ONCE(unix_sk(sk)->oob_skb);
#endif
	BUILD_BUG_ON(SCM_MAX_FD * sizeof(*files) > PATH_MAX);

	err = save_state(ctx, sk, &h);
	if (!err)
		err = save_names(ctx, sk, &h, n);
	if (!err)
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_UNIX_LATE, sizeof(h));
	if (!err && n->path_at)
		err = ckpt_write_string(ctx, n->path_at);
	if (!err && n->server_at)
		err = ckpt_write_string(ctx, n->server_at);
	/* the names are written: there is room for objrefs */
	for (i = 0; i < q->nr && !err; i++) {
		if (h.state == CKPT_UNIX_LISTEN)
			err = write_waiting(ctx, q->skb[i]->sk);
		else
			err = write_message(ctx, q->skb[i],
					    q->skb[i] == oob, files);
		cond_resched();
	}
	return err;
}

static int sk_late_write(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_unix_names names = {};
	struct ckpt_skbs q;
	int err = -ENOMEM;

	names.path = __getname();
	names.server = __getname();
	if (names.path && names.server) {
		err = ckpt_skbs_get(&sk->sk_receive_queue, &q);
		if (!err)
			err = write_all(ctx, sk, &q, &names);
		ckpt_skbs_put(&q);
	}
	if (names.server)
		__putname(names.server);
	if (names.path)
		__putname(names.path);
	return err;
}

/* ------------------------------------------------------------- restart */

/* What a socket may be called: see unix_validate_addr(), unix_mkname_bsd() */
static bool name_valid(const struct ckpt_hdr_unix *h)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)h->name;
	const u32 offset = offsetof(struct sockaddr_un, sun_path);

	BUILD_BUG_ON(sizeof(h->name) < sizeof(*un) + 1);

	if (h->reserved)
		return false;
	if (!h->name_len)
		return true;
	if (h->name_len <= offset || un->sun_family != AF_UNIX)
		return false;
	if (!h->name[offset])
		return h->name_len <= sizeof(*un);
	return h->name_len <= sizeof(*un) + 1 &&
	       strnlen(h->name + offset, sizeof(h->name) - offset) + 1 ==
	       h->name_len - offset;
}

static int sk_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct unix_address *addr;
	struct ckpt_hdr_unix h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_UNIX, sizeof(h));
	if (err)
		return err;
	if (!name_valid(&h))
		return ckpt_err(ctx, -EINVAL, "image: unix socket with a name of %u bytes",
				h.name_len);
	if (!h.name_len)
		return 0;
	addr = unix_create_addr((struct sockaddr_un *)h.name, h.name_len);
	if (!addr)
		return -ENOMEM;
	/* not found by it: see bind_again(); pairs with sk_name() */
	smp_store_release(&unix_sk(sk)->addr, addr);
	return 0;
}

static void sk_kill(struct sock *sk)
{
	unix_release_sock(sk, 0);
}

static void sk_detach(struct sock *sk)
{
	RCU_INIT_POINTER(sk->sk_wq, &unix_sk(sk)->peer_wq);
}

static void sk_release(struct sock *sk)
{
	unix_release_sock(sk, 1);
}

static struct sock *fetch_sock(struct ckpt_ctx *ctx, const struct sock *sk,
			       u32 objref)
{
	struct sock *other = ckpt_obj_fetch(ctx, objref, CKPT_OBJ_SOCK);

	if (!IS_ERR(other) && (other->sk_family != PF_UNIX ||
			       other->sk_type != sk->sk_type))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: socket %u is of another type",
					objref));
	return other;
}

/* Both ends of a connection are tied at once: each is the other's only peer. */
static int connect_both(struct ckpt_ctx *ctx, struct sock *sk,
			struct sock *peer, u32 objref)
{
	int err;

	if (unix_peer(sk) == peer && !is_dead(peer))
		return 0;
	if (unix_peer(sk) || sk == peer || sk->sk_state != TCP_CLOSE ||
	    (!is_dead(peer) &&
	     (unix_peer(peer) || peer->sk_state != TCP_CLOSE)))
		return ckpt_err(ctx, -EINVAL, "image: socket %u cannot be a peer",
				objref);
	/* one that is closed, or waits to be accepted, has none */
	if (sk->sk_socket && peer->sk_socket) {
		err = security_socket_socketpair(sk->sk_socket,
						 peer->sk_socket);
		if (err)
			return ckpt_err(ctx, err, "unix socket: not allowed to be connected: error %d",
					err);
	}
	sock_hold(peer);
	unix_state_lock(sk);
	unix_peer(sk) = peer;
	WRITE_ONCE(sk->sk_state, TCP_ESTABLISHED);
	unix_state_unlock(sk);
	if (is_dead(peer))
		return 0;
	sock_hold(sk);
	unix_state_lock(peer);
	unix_peer(peer) = sk;
	WRITE_ONCE(peer->sk_state, TCP_ESTABLISHED);
	unix_state_unlock(peer);
	return 0;
}

/* As much as listen(2) gives, and a new datagram socket has, to everybody */
static int restore_backlog(struct ckpt_ctx *ctx, struct sock *sk, u32 backlog)
{
	struct net *net = sock_net(sk);

	if (backlog > sk->sk_max_ack_backlog &&
	    !(connects(sk) &&
	      backlog <= (u32)READ_ONCE(net->core.sysctl_somaxconn)) &&
	    !ns_capable(net->user_ns, CAP_NET_ADMIN))
		return ckpt_err(ctx, -EPERM, "unix socket with a queue of %u: CAP_NET_ADMIN is needed",
				backlog);
	WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
	return 0;
}

static int restore_state(struct ckpt_ctx *ctx, struct sock *sk,
			 const struct ckpt_hdr_unix_late *h)
{
	bool established = h->state == CKPT_UNIX_ESTABLISHED;
	struct sock *peer = NULL;
	int err = 0;

	if ((h->flags & ~CKPT_UNIX_LATE_ALL) ||
	    h->state >= CKPT_UNIX_STATE_MAX || h->err > MAX_ERRNO ||
	    (h->shutdown & ~SHUTDOWN_MASK) ||
	    ((h->flags & CKPT_UNIX_SERVER) &&
	     (!h->peer || sk->sk_type != SOCK_DGRAM)) ||
	    ((h->flags & CKPT_UNIX_SERVER_PATH) &&
	     !(h->flags & CKPT_UNIX_SERVER)) ||
	    ((h->flags & CKPT_UNIX_BOUND) &&
	     (!unix_sk(sk)->addr || is_bound(sk) || !sk->sk_socket)) ||
	    (h->peer && !established) ||
	    (connects(sk) && established && !h->peer) ||
	    (connects(sk) && h->state == CKPT_UNIX_CLOSE && h->nr) ||
	    (h->state == CKPT_UNIX_LISTEN &&
	     (!connects(sk) || !unix_sk(sk)->addr || !sk->sk_socket)))
		return ckpt_err(ctx, -EINVAL, "image: unix socket in state %u with flags %#x and peer %u",
				h->state, h->flags, h->peer);
	if (h->peer) {
		peer = fetch_sock(ctx, sk, h->peer);
		if (IS_ERR(peer))
			return PTR_ERR(peer);
	}
	if (peer && connects(sk)) {
		err = connect_both(ctx, sk, peer, h->peer);
	} else if (sk->sk_state != TCP_CLOSE || unix_peer(sk)) {
		err = ckpt_err(ctx, -EINVAL, "image: unix socket in two states");
	} else if (established && !(h->flags & CKPT_UNIX_SERVER)) {
		if (peer)
			sock_hold(peer);
		unix_state_lock(sk);
		unix_peer(sk) = peer;
		WRITE_ONCE(sk->sk_state, TCP_ESTABLISHED);
		unix_state_unlock(sk);
	}
	if (err)
		return err;
	if (h->state == CKPT_UNIX_LISTEN) {
		err = security_socket_listen(sk->sk_socket, h->backlog);
		if (err)
			return ckpt_err(ctx, err, "unix socket: not allowed to listen: error %d",
					err);
		/* nobody finds it yet: see bind_again() */
		unix_state_lock(sk);
		WRITE_ONCE(sk->sk_state, TCP_LISTEN);
		unix_state_unlock(sk);
	}
	WRITE_ONCE(sk->sk_shutdown, h->shutdown);
	WRITE_ONCE(sk->sk_err, h->err);
	return restore_backlog(ctx, sk, h->backlog);
}

/*
 * As scm_check_creds(): whose message this is said to be. The pid is one of the
 * tree, or of nobody.
 */
static int restore_creds(struct ckpt_ctx *ctx, struct sk_buff *skb,
			 const struct ckpt_hdr_unix_msg *h)
{
	struct user_namespace *user_ns = current_user_ns(), *inner = user_ns;
	kuid_t uid = INVALID_UID;
	kgid_t gid = INVALID_GID;
	struct pid *pid;

	pid = ckpt_any_pid_fetch(ctx, h->pid, h->dead);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	if (pid)
		inner = ns_of_pid(pid)->user_ns;
	if (h->flags & CKPT_UNIX_CREDS) {
		uid = make_kuid(user_ns, h->uid);
		gid = make_kgid(user_ns, h->gid);
		if (!uid_valid(uid) || !gid_valid(gid))
			return ckpt_err(ctx, -EINVAL, "image: message of user %u and group %u",
					h->uid, h->gid);
		if ((!uid_eq(uid, current_uid()) &&
		     !ns_capable(user_ns, CAP_SETUID) &&
		     !(kuid_has_mapping(inner, uid) &&
		       ns_capable(inner, CAP_SETUID))) ||
		    (!gid_eq(gid, current_gid()) &&
		     !ns_capable(user_ns, CAP_SETGID) &&
		     !(kgid_has_mapping(inner, gid) &&
		       ns_capable(inner, CAP_SETGID))))
			return ckpt_err(ctx, -EPERM, "unix socket: a message of user %u and group %u",
					h->uid, h->gid);
	}
	UNIXCB(skb).pid = get_pid(pid);
	UNIXCB(skb).uid = uid;
	UNIXCB(skb).gid = gid;
#ifdef CONFIG_SECURITY_NETWORK
	/* the label of a restored task is that of whoever restarts */
	if (skb->sk->sk_socket)
		security_socket_getpeersec_dgram(skb->sk->sk_socket, NULL,
						 &UNIXCB(skb).secid);
#endif
	return 0;
}

/* As scm_fp_copy() and unix_attach_fds() */
static int restore_files(struct ckpt_ctx *ctx, struct sk_buff *skb,
			 const struct ckpt_hdr_unix_msg *h)
{
	kuid_t uid = make_kuid(current_user_ns(), h->user);
	struct scm_fp_list *fpl;
	struct file *file;
	u32 i;

	if (!h->nr_files)
		return 0;
	if (!uid_valid(uid))
		return ckpt_err(ctx, -EINVAL, "image: open files of user %u",
				h->user);
	if (!uid_eq(uid, current_uid()) &&
	    !ns_capable(current_user_ns(), CAP_SETUID))
		return ckpt_err(ctx, -EPERM, "unix socket: open files that user %u has sent",
				h->user);
	fpl = kzalloc(sizeof(*fpl), GFP_KERNEL_ACCOUNT);
	if (!fpl)
		return -ENOMEM;
	fpl->max = SCM_MAX_FD;
	INIT_LIST_HEAD(&fpl->vertices);
	/* freed with the message from here on, as far as it is filled */
	UNIXCB(skb).fp = fpl;
	fpl->user = alloc_uid(uid);
	if (!fpl->user)
		return -ENOMEM;
	if (READ_ONCE(fpl->user->unix_inflight) > rlimit(RLIMIT_NOFILE) &&
	    !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
		return -ETOOMANYREFS;
	for (i = 0; i < h->nr_files; i++) {
		file = ckpt_obj_fetch(ctx, h->files[i], CKPT_OBJ_FILE);
		if (IS_ERR(file))
			return PTR_ERR(file);
		/* one that was given, perhaps: see scm_fp_copy() */
		if (io_is_uring_fops(file))
			return ckpt_err(ctx, -EINVAL, "image: io_uring in a message");
		fpl->fp[fpl->count++] = get_file(file);
		if (unix_get_socket(file))
			fpl->count_unix++;
	}
	return unix_prepare_fpl(fpl) ? -ENOMEM : 0;
}

static bool message_valid(const struct sock *sk,
			  const struct ckpt_hdr_unix_msg *h)
{
	bool stream = sk->sk_type == SOCK_STREAM;

	if ((h->flags & ~CKPT_UNIX_MSG_ALL) || h->reserved ||
	    h->nr_files > CKPT_UNIX_FILES_MAX || h->time_ns < 0 ||
	    h->len > INT_MAX / 2 || h->head > h->len ||
	    h->head > KMALLOC_MAX_SIZE / 2 ||
	    h->len - h->head > CKPT_UNIX_FRAGS_MAX)
		return false;
	if (!stream)
		return !h->consumed && !(h->flags & CKPT_UNIX_OOB);
	if ((h->flags & CKPT_UNIX_OOB) &&
	    (h->len != 1 || h->consumed || !IS_ENABLED(CONFIG_AF_UNIX_OOB)))
		return false;
	/* an urgent byte is left behind when it has been received */
	return h->len && (h->consumed < h->len ||
			  (h->consumed == 1 && h->len == 1));
}

/* As much as its sender could have sent without waiting, whenever that was */
static bool fits(const struct sock *sender, u32 len)
{
	u64 max = max_t(u64, sender->sk_sndbuf, 2ULL * sysctl_wmem_max);

	return (len <= max && sk_wmem_alloc_get(sender) < max) ||
	       capable(CAP_NET_ADMIN);
}

static struct sk_buff *make_message(struct ckpt_ctx *ctx, struct sock *sk,
				    const struct ckpt_hdr_unix_msg *h)
{
	struct sk_buff *skb;
	struct sock *sender;
	int err;

	if (!message_valid(sk, h))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: message of %u bytes, %u of them received, with flags %#x",
					h->len, h->consumed, h->flags));
	sender = fetch_sock(ctx, sk, h->sock);
	if (IS_ERR(sender))
		return ERR_CAST(sender);
	if (!fits(sender, h->len)) {
		err = ckpt_err(ctx, -EINVAL, "image: more messages than their sender may have sent");
		return ERR_PTR(err);
	}
	skb = alloc_skb_with_frags(h->head, h->len - h->head,
				   PAGE_ALLOC_COSTLY_ORDER, &err,
				   sk->sk_allocation);
	if (!skb)
		return ERR_PTR(err);
	skb_set_owner_w(skb, sender);
	UNIXCB(skb).uid = INVALID_UID;
	UNIXCB(skb).gid = INVALID_GID;
	skb->destructor = unix_wfree;
	skb_put(skb, h->head);
	skb->data_len = h->len - h->head;
	skb->len = h->len;
	skb->tstamp = ns_to_ktime(h->time_ns);
	UNIXCB(skb).consumed = h->consumed;
	err = restore_creds(ctx, skb, h);
	if (!err)
		err = restore_files(ctx, skb, h);
	if (!err)
		err = ckpt_sock_data_read(ctx, skb, h->consumed);
	if (!err)
		return skb;
	kfree_skb(skb);
	return ERR_PTR(err);
}

static int add_message(struct ckpt_ctx *ctx, struct sock *sk,
		       const struct ckpt_hdr_unix_msg *h)
{
	struct sk_buff *skb = make_message(ctx, sk, h);
	const struct sk_buff *last;
	int err = 0;

	if (IS_ERR(skb))
		return PTR_ERR(skb);
	unix_state_lock(sk);
	/* two in a row that were received: the kernel never leaves them so */
	last = skb_peek_tail(&sk->sk_receive_queue);
	if (sk->sk_type == SOCK_STREAM && last && !unix_skb_len(last) &&
	    !unix_skb_len(skb))
		err = -EINVAL;
#if IS_ENABLED(CONFIG_AF_UNIX_OOB)
	if ((h->flags & CKPT_UNIX_OOB) && unix_sk(sk)->oob_skb)
		err = -EINVAL;
#endif
	if (!err) {
		scm_stat_add(sk, skb);
		spin_lock(&sk->sk_receive_queue.lock);
#if IS_ENABLED(CONFIG_AF_UNIX_OOB)
		if (h->flags & CKPT_UNIX_OOB)
			WRITE_ONCE(unix_sk(sk)->oob_skb, skb);
#endif
		__skb_queue_tail(&sk->sk_receive_queue, skb);
		spin_unlock(&sk->sk_receive_queue.lock);
	}
	unix_state_unlock(sk);
	if (err)
		kfree_skb(skb);
	return err;
}

/* As unix_stream_connect() leaves it to be accepted */
static int add_waiting(struct ckpt_ctx *ctx, struct sock *sk,
		       const struct ckpt_hdr_unix_msg *h)
{
	struct sock *waits = fetch_sock(ctx, sk, h->sock);
	struct sk_buff *skb;

	if (IS_ERR(waits))
		return PTR_ERR(waits);
	if (!ckpt_sock_pending(waits) || is_dead(waits) || waits->sk_socket ||
	    h->flags || h->pid || h->dead || h->uid || h->gid || h->len ||
	    h->head || h->consumed || h->nr_files || h->user || h->reserved ||
	    h->time_ns)
		return ckpt_err(ctx, -EINVAL, "image: socket %u cannot wait to be accepted",
				h->sock);
	skb = sock_wmalloc(waits, 1, 1, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	unix_sk(waits)->listener = sk;
	ckpt_sock_taken(waits);
	skb_queue_tail(&sk->sk_receive_queue, skb);
	return 0;
}

/*
 * What bind(2) to a path would have needed: the inode is what it left, and is
 * its owner's, and so is the directory.
 */
static int may_bind(const struct path *path)
{
	struct mnt_idmap *idmap = mnt_idmap(path->mnt);
	struct inode *inode = d_backing_inode(path->dentry);
	struct dentry *dir;
	int err;

	if (!S_ISSOCK(inode->i_mode))
		return -ENOTSOCK;
	if (!inode_owner_or_capable(idmap, inode))
		return -EPERM;
	dir = dget_parent(path->dentry);
	err = inode_permission(idmap, d_inode(dir), MAY_WRITE | MAY_EXEC);
	dput(dir);
	return err;
}

/* As unix_bind_bsd(), to an inode that is there */
static int bind_path(struct sock *sk, const struct path *path)
{
	struct inode *inode = d_backing_inode(path->dentry);
	unsigned int old_hash = sk->sk_hash, new_hash = unix_bsd_hash(inode);
	struct unix_sock *u = unix_sk(sk);
	struct net *net = sock_net(sk);
	struct dentry *dentry;
	struct sock *other;
	int err;

	err = may_bind(path);
	if (err)
		return err;
	unix_table_double_lock(net, old_hash, new_hash);
	spin_lock(&bsd_socket_locks[new_hash]);
	sk_for_each_bound(other, &bsd_socket_buckets[new_hash]) {
		dentry = unix_sk(other)->path.dentry;
		if (dentry && d_backing_inode(dentry) == inode) {
			err = -EADDRINUSE;
			break;
		}
	}
	if (!err) {
		path_get(path);
		u->path = *path;
		__unix_set_addr_hash(net, sk, u->addr, new_hash);
		sk_add_bind_node(sk, &bsd_socket_buckets[new_hash]);
	}
	spin_unlock(&bsd_socket_locks[new_hash]);
	unix_table_double_unlock(net, old_hash, new_hash);
	return err;
}

static int bind_abstract(struct sock *sk)
{
	struct unix_address *addr = unix_sk(sk)->addr;
	unsigned int old_hash = sk->sk_hash, new_hash;
	struct net *net = sock_net(sk);
	int err = 0;

	new_hash = unix_abstract_hash(addr->name, addr->len, sk->sk_type);
	unix_table_double_lock(net, old_hash, new_hash);
	if (__unix_find_socket_byname(net, addr->name, addr->len, new_hash))
		err = -EADDRINUSE;
	else
		__unix_set_addr_hash(net, sk, addr, new_hash);
	unix_table_double_unlock(net, old_hash, new_hash);
	return err;
}

/*
 * What had the name may be in a message that nobody can receive any more: then
 * it goes in a moment.
 */
static int bind_patiently(struct sock *sk, const struct path *path)
{
	int tries, err;

	for (tries = 0;; tries++) {
		err = path ? bind_path(sk, path) : bind_abstract(sk);
		if (err != -EADDRINUSE || tries == CKPT_BIND_TRIES ||
		    fatal_signal_pending(current))
			return err;
		if (!tries)
			ckpt_unix_gc();
		schedule_timeout_killable(CKPT_BIND_DELAY);
	}
}

/* By the name that it had, once it holds all that it held */
static int bind_again(struct ckpt_ctx *ctx, struct sock *sk,
		      const struct ckpt_hdr_unix_late *h, const char *name)
{
	struct unix_address *addr = unix_sk(sk)->addr;
	struct path path;
	int err = 0;

	if (h->flags & CKPT_UNIX_BOUND)
		err = security_socket_bind(sk->sk_socket,
					   (struct sockaddr *)addr->name,
					   addr->len);
	if (err)
		return ckpt_err(ctx, err, "unix socket: not allowed to be bound: error %d",
				err);
	if (addr && !addr->name->sun_path[0]) {
		if (h->flags & CKPT_UNIX_PATH)
			return ckpt_err(ctx, -EINVAL, "image: unix socket with two names");
		if (h->flags & CKPT_UNIX_BOUND)
			err = bind_patiently(sk, NULL);
		if (err)
			return ckpt_err(ctx, err, "unix socket '@%.*s': its name is in use",
					(int)(addr->len - sizeof(sa_family_t) - 1),
					addr->name->sun_path + 1);
		return 0;
	}
	if (!(h->flags & CKPT_UNIX_PATH))
		return 0;
	if (!addr || unix_sk(sk)->path.dentry)
		return ckpt_err(ctx, -EINVAL, "image: unix socket with a path, and no name");
	err = ckpt_path_lookup(ctx, h->mnt, name, 0, &path);
	/* of one that was accepted it says where: nobody is to find it */
	if (!(h->flags & CKPT_UNIX_BOUND)) {
		if (!err && S_ISSOCK(d_backing_inode(path.dentry)->i_mode))
			unix_sk(sk)->path = path;
		else if (!err)
			path_put(&path);
		return 0;
	}
	if (err == -ENOENT)
		err = ckpt_node_make(ctx, h, name, &path);
	if (!err) {
		err = bind_patiently(sk, &path);
		path_put(&path);
	}
	if (err == -ENOTSOCK || err == -EEXIST)
		return ckpt_err(ctx, err, "unix socket '%s': something else is in the way",
				name);
	if (err)
		return ckpt_err(ctx, err, "unix socket '%s': cannot be bound to it again: error %d",
				name, err);
	return 0;
}

static int restore_queue(struct ckpt_ctx *ctx, struct sock *sk, u32 nr,
			 bool listens)
{
	struct ckpt_hdr_unix_msg *h;
	size_t files;
	int err = 0;

	while (nr-- && !err) {
		h = ckpt_read_rec(ctx, CKPT_HDR_UNIX_MSG, sizeof(*h),
				  round_up(struct_size(h, files,
						       CKPT_UNIX_FILES_MAX), 8));
		if (IS_ERR(h))
			return PTR_ERR(h);
		files = round_up((size_t)h->nr_files * sizeof(h->files[0]), 8);
		if (h->h.len != sizeof(*h) + files)
			err = ckpt_err(ctx, -EINVAL, "image: message with %u open files",
				       h->nr_files);
		else
			err = listens ? add_waiting(ctx, sk, h) :
					add_message(ctx, sk, h);
		kvfree(h);
		cond_resched();
	}
	return err;
}

static struct sock *find_server(struct ckpt_ctx *ctx, struct sock *sk,
				const struct ckpt_hdr_unix_late *h,
				const char *name)
{
	struct sock *old = fetch_sock(ctx, sk, h->peer), *other;
	struct unix_address *addr;
	struct path path;
	int err;

	if (IS_ERR(old))
		return old;
	addr = unix_sk(old)->addr;
	if (!addr || (!name && addr->name->sun_path[0]))
		return ERR_PTR(-EINVAL);
	err = ckpt_sock_may_connect(sk, (struct sockaddr *)addr->name,
				    addr->len);
	if (err)
		return ERR_PTR(err);
	if (!name)
		return unix_find_abstract(sock_net(sk), addr->name, addr->len,
					  sk->sk_type);
	/* as unix_find_bsd() */
	err = ckpt_path_lookup(ctx, h->server_mnt, name, LOOKUP_FOLLOW, &path);
	if (err)
		return ERR_PTR(err);
	err = path_permission(&path, MAY_WRITE);
	other = err ? ERR_PTR(err) :
		unix_find_socket_byinode(d_backing_inode(path.dentry)) ?:
		ERR_PTR(-ECONNREFUSED);
	path_put(&path);
	if (!IS_ERR(other) && other->sk_type != sk->sk_type) {
		sock_put(other);
		other = ERR_PTR(-EPROTOTYPE);
	}
	return other;
}

/* As connect(2) to whoever has the name now: see unix_dgram_connect() */
static int connect_server(struct ckpt_ctx *ctx, struct sock *sk,
			  const struct ckpt_hdr_unix_late *h, const char *name)
{
	struct sock *other = find_server(ctx, sk, h, name);
	int err = PTR_ERR_OR_ZERO(other);

	if (!err) {
		unix_state_double_lock(sk, other);
		if (is_dead(other))
			err = -ECONNREFUSED;
		else if (unix_peer(sk) || !unix_may_send(sk, other))
			err = -EPERM;
		else
			err = security_unix_may_send(sk->sk_socket,
						     other->sk_socket);
		if (!err) {
			WRITE_ONCE(sk->sk_state, TCP_ESTABLISHED);
			WRITE_ONCE(other->sk_state, TCP_ESTABLISHED);
			unix_peer(sk) = other;
		}
		unix_state_double_unlock(sk, other);
		if (err)
			sock_put(other);
	}
	if (err)
		return ckpt_err(ctx, err, "unix socket: cannot be connected to '%s' again: error %d",
				name ?: "(abstract)", err);
	return 0;
}

static int sk_late_restore(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct ckpt_hdr_unix_late h;
	char *name = NULL, *server = NULL;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_UNIX_LATE, sizeof(h));
	if (!err)
		err = restore_state(ctx, sk, &h);
	if (err)
		return err;
	if (h.flags & CKPT_UNIX_PATH) {
		name = ckpt_read_string(ctx, PATH_MAX);
		if (IS_ERR(name))
			return PTR_ERR(name);
	}
	if (h.flags & CKPT_UNIX_SERVER_PATH) {
		server = ckpt_read_string(ctx, PATH_MAX);
		if (IS_ERR(server)) {
			err = PTR_ERR(server);
			server = NULL;
		}
	}
	if (!err)
		err = restore_queue(ctx, sk, h.nr,
				    h.state == CKPT_UNIX_LISTEN);
	if (!err && (h.flags & CKPT_UNIX_SERVER))
		err = connect_server(ctx, sk, &h, server);
	if (!err)
		err = bind_again(ctx, sk, &h, name);
	kvfree(server);
	kvfree(name);
	return err;
}

const struct ckpt_sock_family ckpt_unix_family = {
	.family		= PF_UNIX,
	.name		= "unix",
	.collect	= sk_collect,
	.external	= sk_external,
	.refused	= sk_refused,
	.in_tree	= sk_in_tree,
	.write		= sk_write,
	.restore	= sk_restore,
	.kill		= sk_kill,
	.detach		= sk_detach,
	.release	= sk_release,
	.late_write	= sk_late_write,
	.late_restore	= sk_late_restore,
};
