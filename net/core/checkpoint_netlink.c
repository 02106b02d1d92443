// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink from inside of the kernel: the network of a namespace is saved as
 * what netlink tells of it, and rebuilt by telling netlink the same. The socket
 * has a file that was opened with the credentials of the caller, as a socket of
 * its own would have: no more is granted than could be done with ip(8).
 */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/sockptr.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "checkpoint_netns.h"

/* The longest that netlink_dump() makes what it answers */
#define CKPT_NL_BUF	32768

/**
 * ckpt_msgs_add - put something behind the messages
 * @m: the messages
 * @data: what to add
 * @len: its length, in bytes
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, or -E2BIG.
 */
int ckpt_msgs_add(struct ckpt_msgs *m, const void *data, size_t len)
{
	size_t room = max_t(size_t, m->room, PAGE_SIZE);
	size_t need = m->len + NLMSG_ALIGN(len);
	void *new;

	if (need > CKPT_MSGS_MAX)
		return -E2BIG;
	while (room < need)
		room *= 2;
	if (room != m->room) {
		new = kvzalloc(room, GFP_KERNEL_ACCOUNT);
		if (!new)
			return -ENOMEM;
		if (m->len)
			memcpy(new, m->data, m->len);
		kvfree(m->data);
		m->data = new;
		m->room = room;
	}
	memcpy(m->data + m->len, data, len);
	memset(m->data + m->len + len, 0, need - m->len - len);
	m->len = need;
	return 0;
}

/**
 * ckpt_msgs_nest - begin an attribute that has others inside
 * @m: the messages
 * @type: of the attribute
 *
 * Context: process context, may sleep.
 * Return: where it begins, for ckpt_msgs_nest_end(), -ENOMEM, or -E2BIG.
 */
int ckpt_msgs_nest(struct ckpt_msgs *m, int type)
{
	struct nlattr a = { .nla_type = type | NLA_F_NESTED };
	int at = m->len;

	return ckpt_msgs_add(m, &a, sizeof(a)) ?: at;
}

/**
 * ckpt_msgs_nest_end - end an attribute that has others inside
 * @m: the messages
 * @at: where it began
 */
void ckpt_msgs_nest_end(struct ckpt_msgs *m, int at)
{
	struct nlattr *a = m->data + at;

	a->nla_len = m->len - at;
}

/**
 * ckpt_msgs_end - end the copy of a message that netlink told
 * @m: the messages
 * @start: where it begins
 *
 * What says whom it answered is not kept.
 *
 * Return: the message, which stays there until more is added.
 */
struct nlmsghdr *ckpt_msgs_end(struct ckpt_msgs *m, size_t start)
{
	struct nlmsghdr *nlh = m->data + start;

	nlh->nlmsg_len = m->len - start;
	nlh->nlmsg_flags = 0;
	nlh->nlmsg_seq = 0;
	nlh->nlmsg_pid = 0;
	return nlh;
}

/**
 * ckpt_msgs_free - free messages
 * @m: the messages
 */
void ckpt_msgs_free(struct ckpt_msgs *m)
{
	kvfree(m->data);
	memset(m, 0, sizeof(*m));
}

static int set_option(struct socket *sock, int option)
{
	int one = 1;

	return sock->ops->setsockopt(sock, SOL_NETLINK, option,
				     KERNEL_SOCKPTR(&one), sizeof(one));
}

/**
 * ckpt_nl_open - open a netlink socket in a namespace
 * @ctx: the context
 * @nl: filled in
 * @net: the namespace, which must stay until ckpt_nl_close()
 * @protocol: NETLINK_*
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_nl_open(struct ckpt_ctx *ctx, struct ckpt_nl *nl, struct net *net,
		 int protocol)
{
	struct file *file;
	int err;

	memset(nl, 0, sizeof(*nl));
	nl->ctx = ctx;
	nl->buf = kvmalloc(CKPT_NL_BUF, GFP_KERNEL_ACCOUNT);
	if (!nl->buf)
		return -ENOMEM;
	/* of the kernel's own: it is no use of the namespace */
	err = sock_create_kern(net, AF_NETLINK, SOCK_RAW, protocol, &nl->sock);
	if (err)
		goto fail;
	file = sock_alloc_file(nl->sock, O_NONBLOCK, NULL);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto fail;
	}
	nl->file = file;
	err = set_option(nl->sock, NETLINK_EXT_ACK);
	if (!err)
		err = set_option(nl->sock, NETLINK_CAP_ACK);
	if (!err && protocol == NETLINK_ROUTE)
		err = set_option(nl->sock, NETLINK_GET_STRICT_CHK);
	if (!err)
		return 0;
fail:
	ckpt_nl_close(nl);
	return ckpt_err(ctx, err, "network namespace: netlink: error %d", err);
}

/**
 * ckpt_nl_close - close a netlink socket
 * @nl: the socket
 *
 * Context: process context, may sleep.
 */
void ckpt_nl_close(struct ckpt_nl *nl)
{
	/* now, and not when the system call returns */
	if (nl->file)
		__fput_sync(nl->file);
	kvfree(nl->buf);
	memset(nl, 0, sizeof(*nl));
}

static int nl_send(struct ckpt_nl *nl, struct nlmsghdr *nlh)
{
	struct msghdr msg = {};
	struct kvec vec = { .iov_base = nlh, .iov_len = nlh->nlmsg_len };
	int ret;

	nlh->nlmsg_seq = ++nl->seq;
	nlh->nlmsg_pid = 0;
	nl->why[0] = 0;
	ret = kernel_sendmsg(nl->sock, &msg, &vec, 1, nlh->nlmsg_len);
	return ret < 0 ? ret : 0;
}

/* Bytes received, or an errno */
static int nl_receive(struct ckpt_nl *nl)
{
	struct kvec vec = { .iov_base = nl->buf, .iov_len = CKPT_NL_BUF };
	struct msghdr msg = {};
	int ret;

	ret = kernel_recvmsg(nl->sock, &msg, &vec, 1, CKPT_NL_BUF,
			     MSG_DONTWAIT);
	if (ret == -EAGAIN)
		return -EIO;
	return msg.msg_flags & MSG_TRUNC ? -E2BIG : ret;
}

/* The text that goes with an answer */
static void read_why(struct ckpt_nl *nl, const struct nlmsghdr *nlh, int hdrlen)
{
	const struct nlattr *a;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	a = nlmsg_find_attr(nlh, hdrlen, NLMSGERR_ATTR_MSG);
	if (a) {
		nl->why[0] = ':';
		nl->why[1] = ' ';
		nla_strscpy(nl->why + 2, a, sizeof(nl->why) - 2);
	}
}

static int read_ack(struct ckpt_nl *nl, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = nlmsg_data(nlh);

	if (nlmsg_len(nlh) < (int)sizeof(*e))
		return -EIO;
	read_why(nl, nlh, sizeof(*e));
	return e->error;
}

/**
 * ckpt_nl_talk - send a request and wait for the answer
 * @nl: the socket
 * @nlh: the message, whose flags, number and sender are filled in
 *
 * Context: process context, may sleep.
 * Return: what the answer says, 0 or a negative errno, not reported; @nl->why
 * may say more.
 */
int ckpt_nl_talk(struct ckpt_nl *nl, struct nlmsghdr *nlh)
{
	struct nlmsghdr *answer;
	int len, err;

	/* there may be very many of them */
	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;
	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	err = nl_send(nl, nlh);
	if (err)
		return err;
	for (;;) {
		len = nl_receive(nl);
		if (len < 0)
			return len;
		answer = nl->buf;
		for (; nlmsg_ok(answer, len); answer = nlmsg_next(answer, &len))
			if (answer->nlmsg_type == NLMSG_ERROR)
				return read_ack(nl, answer);
	}
}

/**
 * ckpt_nl_send - as ckpt_nl_talk(), for a message that was put together
 * @nl: the socket
 * @skb: the message, freed; NULL if there was no memory for it
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, not reported.
 */
int ckpt_nl_send(struct ckpt_nl *nl, struct sk_buff *skb)
{
	int err;

	if (!skb)
		return -ENOMEM;
	err = ckpt_nl_talk(nl, nlmsg_hdr(skb));
	nlmsg_free(skb);
	return err;
}

/**
 * ckpt_nl_batch - send requests that are all done, or none of them
 * @nl: the socket
 * @m: the requests, the last of which asks for an answer
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, not reported: what the first answer that is
 * an error says, or -EIO if there is no answer; @nl->why may say more.
 */
int ckpt_nl_batch(struct ckpt_nl *nl, const struct ckpt_msgs *m)
{
	struct kvec vec = { .iov_base = m->data, .iov_len = m->len };
	struct sock *sk = nl->sock->sk;
	struct nlmsghdr *answer;
	struct msghdr msg = {};
	int ret, len, err = -EIO;

	/* of the kernel's own: nobody waits for room in it */
	sk->sk_sndbuf = max_t(int, sk->sk_sndbuf, m->len + PAGE_SIZE);
	nl->why[0] = 0;
	ret = kernel_sendmsg(nl->sock, &msg, &vec, 1, m->len);
	if (ret < 0)
		return ret;
	/* all answers are there */
	for (;;) {
		len = nl_receive(nl);
		if (len < 0)
			return len == -EIO ? err : len;
		answer = nl->buf;
		for (; nlmsg_ok(answer, len); answer = nlmsg_next(answer, &len))
			if (answer->nlmsg_type == NLMSG_ERROR &&
			    (err == -EIO || !err))
				err = read_ack(nl, answer);
	}
}

/* As ckpt_nl_dump(), with these flags */
static int nl_ask(struct ckpt_nl *nl, u16 type, u16 flags, const void *hdr,
		  size_t len, ckpt_nl_fn fn, void *arg)
{
	struct sk_buff *skb = nlmsg_new(len, GFP_KERNEL);
	struct nlmsghdr *nlh;
	int left, err, ret = 0;

	if (!skb)
		return -ENOMEM;
	nlh = nlmsg_put(skb, 0, 0, type, len, NLM_F_REQUEST | flags);
	memcpy(nlmsg_data(nlh), hdr, len);
	err = nl_send(nl, nlh);
	nlmsg_free(skb);
	if (err)
		return err;
	/* to the end in any case: the next request must find nothing */
	for (;;) {
		left = nl_receive(nl);
		if (left < 0)
			return ret ?: left;
		nlh = nl->buf;
		for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				ret = ret ?: -EAGAIN;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				err = read_ack(nl, nlh);
				if (!err && !(flags & NLM_F_ACK))
					err = -EIO;
				return ret ?: err;
			}
			if (nlh->nlmsg_type == NLMSG_DONE) {
				if (nlmsg_len(nlh) < (int)sizeof(int))
					return -EIO;
				return ret ?: *(int *)nlmsg_data(nlh);
			}
			if (!ret && nlh->nlmsg_type >= NLMSG_MIN_TYPE)
				ret = fn(arg, nlh);
			cond_resched();
		}
	}
}

/**
 * ckpt_nl_get - look at one thing
 * @nl: the socket
 * @type: RTM_GET*, for one
 * @hdr: what the request has behind its header
 * @len: its length
 * @fn: called for the answer
 * @arg: passed to @fn
 *
 * Context: process context, may sleep.
 * Return: 0, what @fn returned, or a negative errno, not reported.
 */
int ckpt_nl_get(struct ckpt_nl *nl, u16 type, const void *hdr, size_t len,
		ckpt_nl_fn fn, void *arg)
{
	return nl_ask(nl, type, NLM_F_ACK, hdr, len, fn, arg);
}

/**
 * ckpt_nl_dump - look at all that there is of something
 * @nl: the socket
 * @type: RTM_GET*, for one
 * @hdr: what the request has behind its header
 * @len: its length
 * @fn: called for each message; anything but 0 ends this
 * @arg: passed to @fn
 *
 * Context: process context, may sleep.
 * Return: 0, what @fn returned, or a negative errno, not reported: -EAGAIN if
 * it changed meanwhile.
 */
int ckpt_nl_dump(struct ckpt_nl *nl, u16 type, const void *hdr, size_t len,
		 ckpt_nl_fn fn, void *arg)
{
	return nl_ask(nl, type, NLM_F_DUMP, hdr, len, fn, arg);
}
