/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint and restart of socket filters.
 */
#ifndef _NET_CORE_CHECKPOINT_FILTER_H
#define _NET_CORE_CHECKPOINT_FILTER_H

#include <linux/types.h>

struct sock;
struct sock_filter;

int ckpt_filter_get(struct sock *sk, struct sock_filter **insns);
int ckpt_filter_attach(struct sock *sk, const struct sock_filter *insns,
		       u32 len);

#endif /* _NET_CORE_CHECKPOINT_FILTER_H */
