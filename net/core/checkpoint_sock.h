/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the families of sockets and what they have in common share.
 */
#ifndef _NET_CORE_CHECKPOINT_SOCK_H
#define _NET_CORE_CHECKPOINT_SOCK_H

#include <linux/checkpoint_types.h>
#include <net/sock.h>

/* Bits of ckpt_obj_mark() on a socket */
#define CKPT_SOCK_MARK_FILE	0x1	/* met with its open file */
#define CKPT_SOCK_MARK_WAITS	0x2	/* met as one that waits to be accepted */
#define CKPT_SOCK_MARK_MET	0x4	/* so was what is in it */
#define CKPT_SOCK_MARK_SAVED	0x8	/* in the image, not only its name */
#define CKPT_SOCK_MARK_QUEUED	0x10	/* so is that it waits, and where */
#define CKPT_SOCK_MARK_LATE	0x20	/* so is what it holds */
#define CKPT_SOCK_MARK_NET	0x40	/* its use of its network namespace counts */
#define CKPT_SOCK_MARK_FROZEN	0x80	/* its packets are stopped, if it has any */
#define CKPT_SOCK_MARK_SILENT	0x100	/* and it has some */
#define CKPT_SOCK_MARK_LET_GO	0x200	/* they go on: it is others', too */

/**
 * struct ckpt_sock_group - sockets of which one is chosen for what comes
 * @sk: they, in the order in which they are numbered, referenced
 * @nr: how many there are
 * @room: how many @sk has room for
 * @flags: CKPT_SOCK_GROUP_*
 * @insns: checkpoint: room for the program that chooses; NULL if there is none
 * @nr_insns: checkpoint: number of its instructions
 * @loaded: checkpoint: the program is one that was loaded by bpf(2)
 * @sorted: restart: the same sockets, by where they are in memory
 * @prog: restart: the program, or NULL; whoever takes it sets this to NULL
 */
struct ckpt_sock_group {
	struct sock **sk;
	u32 nr;
	u32 room;
	u32 flags;
	struct sock_filter *insns;
	u32 nr_insns;
	bool loaded;
	struct sock **sorted;
	struct bpf_prog *prog;
};

/**
 * struct ckpt_sock_group_kind - one kind of groups
 * @name: of the program that chooses, for messages
 * @loaded: what is said of one that was loaded by bpf(2)
 * @shared: what is said of one that also chooses sockets outside of the tree
 * @first: the first socket of the group that a socket is in, not to be looked
 *	at; itself where it is alone, NULL for a group that has none so far; and
 *	whether a program chooses
 * @list: list the sockets of the group that a socket is in, which may be none
 * @restore: give a group of complete sockets its order, flags and program
 */
struct ckpt_sock_group_kind {
	const char *name;
	const char *loaded;
	const char *shared;
	const struct sock *(*first)(struct sock *sk, bool *prog);
	int (*list)(struct sock *sk, struct ckpt_sock_group *g);
	int (*restore)(struct ckpt_ctx *ctx, struct ckpt_sock_group *g);
};

/**
 * struct ckpt_sock_family - one family of sockets
 * @family: AF_*
 * @name: for messages
 * @collect: meet what is in the socket
 * @external: does it lead out of the tree?
 * @refused: what about it cannot be saved, or NULL; of one that is external,
 *	what would be lost
 * @in_tree: of a socket that has no open file: does it belong to one that is
 *	of the tree?
 * @valid: restart: may there be such a socket? NULL for all
 * @write: write the record of the family
 * @restore: read it
 * @kill: restart: make it one that is closed
 * @detach: restart: its open file is gone: make it one that was not accepted;
 *	NULL, as @in_tree, @kill and @release, if all have an open file
 * @release: restart: nobody wants a socket that @detach was called for
 * @late_write: write what it is connected to, and what it holds
 * @late_restore: read that
 * @group: the groups of which one is chosen for what comes, or NULL
 */
struct ckpt_sock_family {
	int family;
	const char *name;
	int (*collect)(struct ckpt_ctx *ctx, struct sock *sk);
	bool (*external)(struct ckpt_ctx *ctx, struct sock *sk);
	const char *(*refused)(struct ckpt_ctx *ctx, struct sock *sk,
			       bool external);
	bool (*in_tree)(struct ckpt_ctx *ctx, struct sock *sk);
	bool (*valid)(const struct ckpt_hdr_sock *h);
	int (*write)(struct ckpt_ctx *ctx, struct sock *sk);
	int (*restore)(struct ckpt_ctx *ctx, struct sock *sk);
	void (*kill)(struct sock *sk);
	void (*detach)(struct sock *sk);
	void (*release)(struct sock *sk);
	int (*late_write)(struct ckpt_ctx *ctx, struct sock *sk);
	int (*late_restore)(struct ckpt_ctx *ctx, struct sock *sk);
	const struct ckpt_sock_group_kind *group;
};

/* net/unix/checkpoint.c */
extern const struct ckpt_sock_family ckpt_unix_family;
/* net/ipv4/checkpoint_inet.c */
extern const struct ckpt_sock_family ckpt_inet_family;
extern const struct ckpt_sock_family ckpt_inet6_family;

/* net/ipv4/checkpoint_tcp*.c: packets of TCP sockets; of others nothing is done */
#ifdef CONFIG_INET
int ckpt_tcp_freeze(struct ckpt_ctx *ctx, struct sock *sk);
void ckpt_tcp_unfreeze(struct ckpt_ctx *ctx, struct sock *sk);
int ckpt_tcp_orphans(struct ckpt_ctx *ctx, struct net *net, bool *all);
bool ckpt_tcp_orphan(struct ckpt_ctx *ctx, struct sock *sk);
void ckpt_tcp_commit(struct ckpt_ctx *ctx, struct sock *sk);
#else
static inline int ckpt_tcp_freeze(struct ckpt_ctx *ctx, struct sock *sk)
{
	return 0;
}

static inline void ckpt_tcp_unfreeze(struct ckpt_ctx *ctx, struct sock *sk)
{
}

static inline int ckpt_tcp_orphans(struct ckpt_ctx *ctx, struct net *net,
				   bool *all)
{
	return 0;
}

static inline bool ckpt_tcp_orphan(struct ckpt_ctx *ctx, struct sock *sk)
{
	return false;
}

static inline void ckpt_tcp_commit(struct ckpt_ctx *ctx, struct sock *sk)
{
}
#endif
/* net/netlink/checkpoint.c */
extern const struct ckpt_sock_family ckpt_netlink_family;
/* net/packet/checkpoint.c */
extern const struct ckpt_sock_family ckpt_packet_family;

/**
 * struct ckpt_skbs - what is in a queue at one moment
 * @skb: the messages, referenced
 * @nr: how many there are
 * @room: how many @skb has room for
 */
struct ckpt_skbs {
	struct sk_buff **skb;
	u32 nr;
	u32 room;
};

int ckpt_skbs_get(struct sk_buff_head *list, struct ckpt_skbs *q);
void ckpt_skbs_put(struct ckpt_skbs *q);

bool ckpt_sock_in_tree(struct ckpt_ctx *ctx, struct sock *sk);
int ckpt_sock_net_collect(struct ckpt_ctx *ctx, struct sock *sk);
bool ckpt_sock_pending(const struct sock *sk);
int ckpt_sock_may_connect(struct sock *sk, const struct sockaddr *addr,
			  int len);
void ckpt_sock_taken(struct sock *sk);
int ckpt_sock_data_write(struct ckpt_ctx *ctx, const struct sk_buff *skb,
			 u32 from);
int ckpt_sock_data_read(struct ckpt_ctx *ctx, struct sk_buff *skb, u32 from);

int ckpt_sock_prog_write(struct ckpt_ctx *ctx, const struct sock_filter *insns,
			 u32 nr);
struct bpf_prog *ckpt_sock_prog_read(struct ckpt_ctx *ctx, u32 nr,
				     const char *what);
const struct ckpt_sock_group_kind *ckpt_sock_group_kind(const struct sock *sk);

/* checkpoint_sock_group.c */
extern const struct ckpt_sock_group_kind ckpt_reuseport_kind;
bool ckpt_sock_group_fits(const struct ckpt_sock_group *g, u32 nr, bool prog);
int ckpt_sock_group_room(struct ckpt_sock_group *g, u32 nr, bool prog);
bool ckpt_sock_group_has(const struct ckpt_sock_group *g,
			 const struct sock *sk);
const char *ckpt_sk_refused(struct ckpt_ctx *ctx, struct sock *sk,
			    bool external);
const char *ckpt_sock_group_refused(struct ckpt_ctx *ctx, struct sock *sk);
int ckpt_sock_groups_write(struct ckpt_ctx *ctx);

int ckpt_gso_of(const struct sk_buff *skb);
bool ckpt_gso_valid(u32 gso, u32 size, u32 segs);
void ckpt_gso_set(struct sk_buff *skb, u32 gso, u32 size, u32 segs);

#endif /* _NET_CORE_CHECKPOINT_SOCK_H */
