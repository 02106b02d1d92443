/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Networks for tests: requests to netlink, and all that it tells of a
 * namespace, to be compared.
 */
#ifndef LIBCKPTNET_H
#define LIBCKPTNET_H

#include "libckpttest.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/**
 * struct net_msg - a request under construction
 * @nlh: its header
 * @room: the rest of it
 */
struct net_msg {
	struct nlmsghdr nlh;
	char room[4096];
};

/* Begin a request with @len bytes of @hdr. */
void net_begin(struct net_msg *m, int type, int flags, const void *hdr,
	       size_t len);
/* Begin one about the device @index, RTM_NEWLINK for one. */
void net_link(struct net_msg *m, int type, int flags, int index);
void net_put(struct net_msg *m, int type, const void *data, size_t len);
void net_put_u8(struct net_msg *m, int type, uint8_t value);
void net_put_u16(struct net_msg *m, int type, uint16_t value);
void net_put_u32(struct net_msg *m, int type, uint32_t value);
void net_put_str(struct net_msg *m, int type, const char *text);
/* Begin and end an attribute with others inside. */
struct rtattr *net_nest(struct net_msg *m, int type);
void net_nest_end(struct net_msg *m, struct rtattr *nest);
/* Send it. Returns 0 or a negative errno. */
int net_talk(struct net_msg *m);
/* The same, to NETLINK_@protocol instead of NETLINK_ROUTE */
int net_talk_to(int protocol, struct net_msg *m);

/* Raise a device, or bring it down. */
int net_up(const char *name, bool up);
/* Add an address, "10.0.0.1" or "fd00::1", with these IFA_F_* */
int net_addr(const char *name, const char *addr, int prefix, uint32_t flags);
/* Make a device of @kind that needs nothing else, with index @index or 0. */
int net_make(const char *name, const char *kind, int index);
/* Let @name be a port of the bridge @master, or a device of another kind. */
int net_master(const char *name, const char *master);
/* Make a pair; its second end goes to the namespace of @fd, or stays for -1. */
int net_pair(const char *name, const char *peer, int fd);

/* The namespace that the caller is in, as a descriptor, and to go into one */
int net_this(void);
void net_enter(int net);
/*
 * Put three namespaces in a row, of which the second one forwards, by "dev0" in
 * the first one, "left" and "right", and "dev0" in the third one, which get these
 * addresses. The caller is in the second one afterwards.
 */
void net_row(const int net[3], const char * const addr[4]);

/* A network namespace of its own, whose loopback device has its addresses */
void net_own(void);

/*
 * Wait until no address has to be asked for any more, and until @name, if it is
 * not NULL, has given itself one.
 */
void net_settle(const char *name);
/* Whether a device is found to have a carrier: some time after it has one */
bool net_running(const char *name);

/**
 * struct net_got - all that a socket had in its queue
 * @nr: how many messages
 * @len: length of @data
 * @data: what recvmsg(2) has told of each
 */
struct net_got {
	int nr;
	size_t len;
	char data[65536];
};

/* Receive all that there is; to be freed. */
struct net_got *net_receive(int fd);

/*
 * A program of this type (enum bpf_prog_type) that forbids what it is attached
 * to (enum bpf_attach_type) in all cgroups, as long as the descriptor is open
 */
int net_forbid(int type, int attach);

/* All that netlink tells of the namespace that the caller is in */
char *net_look(void);
/* Check that it tells the same now; frees @before. */
void net_same(char *before);

#endif /* LIBCKPTNET_H */
