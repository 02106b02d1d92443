/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint and restart of socket filters.
 */
#ifndef _NET_CORE_CHECKPOINT_FILTER_H
#define _NET_CORE_CHECKPOINT_FILTER_H

#include <linux/types.h>

struct bpf_prog;
struct sock;
struct sock_filter;

u32 ckpt_prog_insns(const struct bpf_prog *prog, struct sock_filter *insns);
struct bpf_prog *ckpt_prog_make(const struct sock_filter *insns, u32 len);
int ckpt_filter_get(struct sock *sk, struct sock_filter **insns);
int ckpt_filter_attach(struct sock *sk, struct bpf_prog *prog);

#endif /* _NET_CORE_CHECKPOINT_FILTER_H */
