/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint and restart of internet sockets: what its protocols share.
 */
#ifndef _NET_IPV4_CHECKPOINT_INET_H
#define _NET_IPV4_CHECKPOINT_INET_H

#include <linux/checkpoint_types.h>
#include <linux/list.h>
#include <net/sock.h>

/**
 * struct ckpt_inet_proto - sockets of one protocol, of both families
 * @type: SOCK_*
 * @protocol: IPPROTO_*, or 0 for any
 * @protocol6: the same of AF_INET6
 * @name: for messages
 * @collect: meet what is in the socket; may be NULL
 * @in_tree: of a socket that has no open file: does it belong to one that is
 *	of the tree? NULL if there are none of these
 * @refused: what about it cannot be saved; may be NULL
 * @write: write what the protocol has of its own, behind the options that all
 *	have; may be NULL
 * @restore: read it; the socket has no address so far; may be NULL
 * @detach: restart: see struct ckpt_sock_family; NULL if none of these sockets
 *	is ever without a file
 * @release: restart: likewise
 * @late_write: write where it is, who its peer is, and what it holds
 * @late_restore: read that
 */
struct ckpt_inet_proto {
	u32 type;
	u32 protocol;
	u32 protocol6;
	const char *name;
	int (*collect)(struct ckpt_ctx *ctx, struct sock *sk);
	bool (*in_tree)(struct ckpt_ctx *ctx, struct sock *sk);
	const char *(*refused)(struct ckpt_ctx *ctx, struct sock *sk);
	int (*write)(struct ckpt_ctx *ctx, struct sock *sk);
	int (*restore)(struct ckpt_ctx *ctx, struct sock *sk);
	void (*detach)(struct sock *sk);
	void (*release)(struct sock *sk);
	int (*late_write)(struct ckpt_ctx *ctx, struct sock *sk);
	int (*late_restore)(struct ckpt_ctx *ctx, struct sock *sk);
};

/**
 * struct ckpt_inet_group - a group that a socket is a member of
 * @list: the others
 * @len: length of @rec, in bytes
 * @rec: the record
 */
struct ckpt_inet_group {
	struct list_head list;
	size_t len;
	struct ckpt_hdr_inet_group rec;
};

/**
 * struct ckpt_inet_level - options of one level
 * @level: SOL_IP or SOL_IPV6
 * @opts: those that are numbers, in the order in which they are set
 * @nr_opts: how many
 * @data: those that are not
 * @nr_data: how many
 * @read: the value of one that is a number; false if there is nothing to set
 * @write: set it, with the rights that setsockopt(2) asks for
 * @read_data: the value of another one: its length, 0 if it is not set
 * @write_data: set it
 * @groups: list the groups that a socket is a member of
 * @join: be a member of one; the record is checked but for its addresses
 */
struct ckpt_inet_level {
	u32 level;
	const u16 *opts;
	u32 nr_opts;
	const u16 *data;
	u32 nr_data;
	bool (*read)(struct sock *sk, u32 name, s32 *value);
	int (*write)(struct sock *sk, u32 name, s32 value);
	int (*read_data)(struct sock *sk, u32 name, void *buf, int size);
	int (*write_data)(struct sock *sk, u32 name, void *buf, int len);
	int (*groups)(struct sock *sk, struct list_head *list);
	int (*join)(struct sock *sk, const struct ckpt_hdr_inet_group *h);
};

/* checkpoint_dgram.c */
extern const struct ckpt_inet_proto ckpt_udp_proto;
extern const struct ckpt_inet_proto ckpt_udplite_proto;
extern const struct ckpt_inet_proto ckpt_ping_proto;
extern const struct ckpt_inet_proto ckpt_raw_proto;

/* checkpoint_tcp.c */
extern const struct ckpt_inet_proto ckpt_tcp_proto;

/* checkpoint_cork.c */
const char *ckpt_cork_refused(struct sock *sk);
int ckpt_cork_write(struct ckpt_ctx *ctx, struct sock *sk);
int ckpt_cork_restore(struct ckpt_ctx *ctx, struct sock *sk);

/* checkpoint_inet.c */
struct ckpt_inet_group *ckpt_inet_group_add(struct list_head *list, u32 nr_src);
bool ckpt_inet_has_dev(struct sock *sk, u32 ifindex);
void ckpt_inet_addr_take(struct sock *sk, struct ckpt_hdr_inet_addr *h);
int ckpt_inet_addr_read(struct ckpt_ctx *ctx, struct sock *sk,
			struct ckpt_hdr_inet_addr *a);
int ckpt_inet_bind(struct ckpt_ctx *ctx, struct sock *sk,
		   const struct ckpt_hdr_inet_addr *a);
void ckpt_inet_set_peer(struct sock *sk, const struct ckpt_hdr_inet_addr *a);
void ckpt_inet_set_err(struct sock *sk, const struct ckpt_hdr_inet_addr *a);

/* net/ipv6/checkpoint_inet6.c */
#if IS_BUILTIN(CONFIG_IPV6)
extern const struct ckpt_inet_level ckpt_ipv6_level;
void ckpt_inet6_save(struct sock *sk, struct ckpt_hdr_inet *h);
bool ckpt_inet6_restore(struct sock *sk, const struct ckpt_hdr_inet *h);
const char *ckpt_inet6_refused(struct sock *sk);
#else
static inline void ckpt_inet6_save(struct sock *sk, struct ckpt_hdr_inet *h)
{
}

static inline bool ckpt_inet6_restore(struct sock *sk,
				      const struct ckpt_hdr_inet *h)
{
	return false;
}

static inline const char *ckpt_inet6_refused(struct sock *sk)
{
	return NULL;
}
#endif

#endif /* _NET_IPV4_CHECKPOINT_INET_H */
