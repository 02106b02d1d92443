// SPDX-License-Identifier: GPL-2.0
/*
 * Filters of sockets. Included by filter.c.
 *
 * The kernel keeps the classic program that a filter was made from, and so it
 * can be made again. Of a program that was loaded by bpf(2) there is none.
 */

#include "checkpoint_filter.h"

/**
 * ckpt_prog_insns - the classic program that a program was made from
 * @prog: it, which nobody may free now
 * @insns: room for BPF_MAXINSNS instructions
 *
 * Return: the number of instructions, or 0 for one that was loaded by bpf(2).
 */
u32 ckpt_prog_insns(const struct bpf_prog *prog, struct sock_filter *insns)
{
	const struct sock_fprog_kern *fprog = prog->orig_prog;

	if (!fprog)
		return 0;
	memcpy(insns, fprog->filter, bpf_classic_proglen(fprog));
	return fprog->len;
}

/**
 * ckpt_prog_make - make a program from a classic one
 * @insns: that
 * @len: number of its instructions
 *
 * As setsockopt(2) does it with one of its caller.
 *
 * Context: process context, may sleep.
 * Return: the program, to be freed with bpf_prog_destroy(), or an ERR_PTR:
 * -EINVAL for a malformed one, -ENOMEM.
 */
struct bpf_prog *ckpt_prog_make(const struct sock_filter *insns, u32 len)
{
	struct sock_fprog fprog = { .len = len };
	struct bpf_prog *prog;
	int err;

	if (!bpf_check_basics_ok(insns, len))
		return ERR_PTR(-EINVAL);
	prog = bpf_prog_alloc(bpf_prog_size(len), 0);
	if (!prog)
		return ERR_PTR(-ENOMEM);
	memcpy(prog->insns, insns, len * sizeof(*insns));
	prog->len = len;
	err = bpf_prog_store_orig_filter(prog, &fprog);
	if (err) {
		__bpf_prog_free(prog);
		return ERR_PTR(err);
	}
	/* it frees the program if it fails */
	return bpf_prepare_filter(prog, NULL);
}

/**
 * ckpt_filter_get - the program that the filter of a socket was made from
 * @sk: the socket
 * @insns: set to a copy of it, to be freed with kfree()
 *
 * Context: process context, may sleep.
 * Return: the number of its instructions, 0 if there is no filter, or a
 * negative errno: -EACCES for one that was loaded by bpf(2), -ENOMEM.
 */
int ckpt_filter_get(struct sock *sk, struct sock_filter **insns)
{
	const struct sock_fprog_kern *fprog;
	const struct sk_filter *filter;
	int ret = 0;

	lock_sock(sk);
	filter = rcu_dereference_protected(sk->sk_filter,
					   lockdep_sock_is_held(sk));
	if (filter) {
		fprog = filter->prog->orig_prog;
		ret = fprog ? fprog->len : -EACCES;
	}
	if (ret > 0) {
		*insns = kmemdup(fprog->filter, bpf_classic_proglen(fprog),
				 GFP_KERNEL_ACCOUNT);
		if (!*insns)
			ret = -ENOMEM;
	}
	release_sock(sk);
	return ret;
}

/**
 * ckpt_filter_attach - give a socket a filter
 * @sk: the socket
 * @prog: the filter, which is the caller's if it fails
 *
 * As setsockopt(2) with SO_ATTACH_FILTER, whether SO_LOCK_FILTER is set or not.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno: -EPERM for one that the caller may not give to
 * this socket, -ENOMEM.
 */
int ckpt_filter_attach(struct sock *sk, struct bpf_prog *prog)
{
	int err;

	if (sk_is_tcp(sk) &&
	    !ns_capable(sock_net(sk)->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	lock_sock(sk);
	err = __sk_attach_prog(prog, sk);
	release_sock(sk);
	return err;
}
