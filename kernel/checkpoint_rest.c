// SPDX-License-Identifier: GPL-2.0
/*
 * Parking must not show, either, in a system call that has moved a part of its
 * data. It ends with a short count, as it does for a signal; but one that would
 * have waited until all was moved goes on with the rest, and returns the sum.
 *
 * That is a call which does so by what it is, not by chance: a write to a pipe,
 * a terminal or a stream socket that blocks, what is received with MSG_WAITALL,
 * and what waits for a number of messages or events. If it ended short for
 * another reason, the end of a stream, an error or the end of its time, it meets
 * that again at once, and nothing is added.
 *
 * Not gone on with, since what was done cannot be told any more: messages with
 * control data, urgent data, data that is only looked at, recvmmsg(2) with a
 * timeout, sendmmsg(2) on a stream. Nor what others ask for again as a matter of
 * course: splice(2) and its like, sendfile(2), copy_file_range(2).
 */

#include <linux/aio_abi.h>
#include <linux/checkpoint_types.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/major.h>
#include <linux/net.h>
#include <linux/nospec.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/tcp.h>
#include <linux/uio.h>
#include <linux/unistd.h>

#include <net/inet_connection_sock.h>
#include <net/sock.h>
#include <net/tcp.h>

#include <asm/syscall.h>

/* How a call names what it moves */
enum what {
	NOTHING,
	/* bytes, of a descriptor: the arguments are fd, buffer, length */
	BUFFER,
	/* fd, array of struct iovec, its length */
	VECTOR,
	/* fd, struct msghdr */
	MESSAGE,
	/* of none: buffer, length */
	RANDOM,
	/* a number of: fd, array of struct mmsghdr, its length, flags */
	MESSAGES,
	/* context, least number, size of the array, struct io_event array */
	EVENTS,
};

/**
 * struct moves - what a system call moves
 * @what: of what kind it is
 * @in: is it read, not written?
 * @flags: MSG_*: which argument they are, or 0
 * @timeout: which argument that is, or 0
 */
struct moves {
	u8 what;
	bool in;
	u8 flags;
	u8 timeout;
};

static const struct moves moves[] = {
	[__NR_read]		= { BUFFER, true },
	[__NR_readv]		= { VECTOR, true },
	[__NR_recvfrom]		= { BUFFER, true, 3 },
	[__NR_recvmsg]		= { MESSAGE, true, 2 },
	[__NR_write]		= { BUFFER },
	[__NR_writev]		= { VECTOR },
	[__NR_sendto]		= { BUFFER, false, 3 },
	[__NR_sendmsg]		= { MESSAGE, false, 2 },
	[__NR_getrandom]	= { RANDOM, true },
	[__NR_recvmmsg]		= { MESSAGES, true, 3, 4 },
	[__NR_sendmmsg]		= { MESSAGES, false, 3 },
	[__NR_io_getevents]	= { EVENTS, true, 0, 4 },
	[__NR_io_pgetevents]	= { EVENTS, true, 0, 4 },
};

/**
 * struct rest - a call that has ended short
 * @call: what it moves
 * @nr: its number
 * @args: its arguments
 * @done: what it has moved so far
 */
struct rest {
	const struct moves *call;
	int nr;
	unsigned long args[6];
	long done;
};

static bool look(struct rest *r)
{
	struct pt_regs *regs = current_pt_regs();

	r->nr = syscall_get_nr(current, regs);
	r->done = syscall_get_return_value(current, regs);
	if (r->done <= 0 || r->nr < 0 || r->nr >= ARRAY_SIZE(moves))
		return false;
	r->call = &moves[array_index_nospec(r->nr, ARRAY_SIZE(moves))];
	syscall_get_arguments(current, regs, r->args);
	return r->call->what != NOTHING;
}

static unsigned int msg_flags(const struct rest *r)
{
	if (!r->call->flags)
		return 0;
	/* what nobody may say from user mode */
	return r->args[r->call->flags] &
	       ~(MSG_INTERNAL_SENDMSG_FLAGS | MSG_CMSG_COMPAT);
}

/* A wait that has a time to end is known by when that is. */
static bool end_known(void)
{
	const struct ckpt_task *ct = current->ckpt_task;

	return ct && (ct->timed || ct->bounded);
}

/* /dev/zero, full, random, urandom: they have all that is asked for. */
static bool is_endless(struct file *file)
{
	struct inode *inode = file_inode(file);

	if (!S_ISCHR(inode->i_mode) || imajor(inode) != MEM_MAJOR)
		return false;
	switch (iminor(inode)) {
	case 5:
	case 7:
	case 8:
	case 9:
		return true;
	}
	return false;
}

static bool file_waits(const struct rest *r, struct file *file)
{
	if (is_endless(file))
		return true;
	return !r->call->in && !(file->f_flags & O_NONBLOCK) &&
	       (get_pipe_info(file, false) || ckpt_file_tty(file));
}

/* What is received is never glued to what somebody else has sent. */
static bool tells_senders(const struct socket *sock)
{
	return test_bit(SOCK_PASSCRED, &sock->flags) ||
	       test_bit(SOCK_PASSPIDFD, &sock->flags) ||
	       test_bit(SOCK_PASSSEC, &sock->flags);
}

static bool stream_waits(const struct rest *r, struct socket *sock)
{
	unsigned int flags = msg_flags(r);
	struct sock *sk = sock->sk;

	if (sk_is_tcp(sk)) {
		if (inet_csk_has_ulp(sk) || READ_ONCE(sk->sk_err) ||
		    (r->call->in && READ_ONCE(tcp_sk(sk)->urg_data)))
			return false;
	} else if (!sk_is_stream_unix(sk)) {
		return false;
	}
	if (!r->call->in)
		return !(flags & (MSG_OOB | MSG_FASTOPEN | MSG_ZEROCOPY));
	return (flags & (MSG_WAITALL | MSG_OOB | MSG_PEEK | MSG_ERRQUEUE)) ==
	       MSG_WAITALL && !tells_senders(sock);
}

static bool messages_wait(const struct rest *r, const struct socket *sock)
{
	return sock->type != SOCK_STREAM && !READ_ONCE(sock->sk->sk_err) &&
	       !(msg_flags(r) & (MSG_WAITFORONE | MSG_PEEK | MSG_ERRQUEUE));
}

static bool socket_waits(const struct rest *r, struct file *file,
			 struct socket *sock)
{
	long timeo = r->call->in ? READ_ONCE(sock->sk->sk_rcvtimeo) :
				   READ_ONCE(sock->sk->sk_sndtimeo);

	if ((file->f_flags & O_NONBLOCK) || (msg_flags(r) & MSG_DONTWAIT) ||
	    (timeo != MAX_SCHEDULE_TIMEOUT && !end_known()))
		return false;
	return r->call->what == MESSAGES ? messages_wait(r, sock) :
					   stream_waits(r, sock);
}

static bool waits(const struct rest *r, struct file *file)
{
	struct socket *sock = sock_from_file(file);

	if (sock)
		return socket_waits(r, file, sock);
	return r->call->what != MESSAGES && file_waits(r, file);
}

/* How many messages it is about, at most, as __sys_sendmmsg() has it */
static unsigned int messages(const struct rest *r)
{
	unsigned int len = r->args[2];

	return r->call->in ? len : min(len, UIO_MAXIOV);
}

/* By its arguments alone: those in registers, and not yet what they point to */
static bool has_rest(const struct rest *r)
{
	switch (r->call->what) {
	case BUFFER:
		return r->done < r->args[2];
	case RANDOM:
		return r->done < r->args[1];
	case MESSAGES:
		return r->done < messages(r) &&
		       !(r->call->timeout && r->args[r->call->timeout]);
	case EVENTS:
		return r->done < (long)r->args[1] &&
		       (!r->args[r->call->timeout] || end_known());
	}
	return true;
}

/* Is it one of an open file? */
static bool has_file(const struct rest *r)
{
	return r->call->what != RANDOM && r->call->what != EVENTS;
}

/**
 * ckpt_rest_due - is there a rest that the call of current would have moved?
 *
 * Of what is in memory of the task alone, the length of a vector, nothing is
 * known here: ckpt_rest_call() may find that there is none.
 *
 * Context: current, on its way to user mode, no locks held, may sleep.
 * Return: true if there may be.
 */
bool ckpt_rest_due(void)
{
	struct rest r;

	if (!look(&r) || !has_rest(&r))
		return false;
	if (!has_file(&r))
		return true;

	CLASS(fd, f)(r.args[0]);

	return !fd_empty(f) && waits(&r, fd_file(f));
}

/* --------------------------------------------------------- going on */

static int get_iter(const struct rest *r, struct iov_iter *iter,
		    struct iovec **iov, struct user_msghdr *umsg)
{
	int dir = r->call->in ? ITER_DEST : ITER_SOURCE, nr = r->args[2];
	const struct iovec __user *from;
	ssize_t ret;

	if (r->call->what == BUFFER)
		return import_ubuf(dir, (void __user *)r->args[1], r->args[2],
				   iter);
	from = (const struct iovec __user *)r->args[1];
	if (r->call->what == MESSAGE) {
		if (copy_from_user(umsg, (void __user *)r->args[1],
				   sizeof(*umsg)))
			return -EFAULT;
		/* of what was received this is what is left of its length */
		if (umsg->msg_control)
			return -EOPNOTSUPP;
		from = umsg->msg_iov;
		nr = umsg->msg_iovlen;
	}
	ret = import_iovec(dir, from, nr, UIO_FASTIOV, iov, iter);
	return ret < 0 ? ret : 0;
}

/* An error of the connection is for the next call. */
static void keep_error(struct sock *sk, long err)
{
	switch (err) {
	case -EAGAIN:
	case -EFAULT:
	case -EINTR:
	case -ENOBUFS:
	case -ENOMEM:
	case -ENOTCONN:
	case -EPIPE:
	case -ERESTARTSYS:
		return;
	}
	if (err < 0 && sk_is_tcp(sk))
		cmpxchg(&sk->sk_err, 0, -err);
}

static long move_socket(const struct rest *r, struct socket *sock,
			struct iov_iter *iter, const struct user_msghdr *umsg)
{
	struct user_msghdr __user *to = (void __user *)r->args[1];
	struct msghdr msg = { .msg_iter = *iter };
	long ret;

	if (r->call->in) {
		ret = sock_recvmsg(sock, &msg, msg_flags(r));
		if (ret > 0 && r->call->what == MESSAGE &&
		    put_user(umsg->msg_flags | msg.msg_flags, &to->msg_flags))
			ret = -EFAULT;
	} else {
		/* SIGPIPE as well */
		msg.msg_flags = msg_flags(r) | MSG_NOSIGNAL;
		ret = sock_sendmsg(sock, &msg);
	}
	keep_error(sock->sk, ret);
	return ret;
}

static long move_bytes(const struct rest *r, struct file *file)
{
	struct iovec stack[UIO_FASTIOV], *iov = stack;
	struct socket *sock = sock_from_file(file);
	struct user_msghdr umsg;
	struct iov_iter iter;
	loff_t pos = 0;
	long ret;

	if (get_iter(r, &iter, &iov, &umsg))
		return 0;
	if (iov_iter_count(&iter) <= r->done) {
		ret = 0;
	} else {
		iov_iter_advance(&iter, r->done);
		if (sock)
			ret = move_socket(r, sock, &iter, &umsg);
		else if (r->call->in)
			ret = vfs_iter_read(file, &iter, &pos, 0);
		else
			ret = vfs_iter_write(file, &iter, &pos, 0);
	}
	if (iov != stack)
		kfree(iov);
	return ret;
}

/* By a call for what is left */
static long call_again(struct rest *r)
{
	switch (r->call->what) {
	case RANDOM:
		r->args[0] += r->done;
		r->args[1] -= r->done;
		break;
	case MESSAGES:
		r->args[1] += r->done * sizeof(struct mmsghdr);
		r->args[2] = messages(r) - r->done;
		break;
	case EVENTS:
		r->args[1] -= r->done;
		r->args[2] -= r->done;
		r->args[3] += r->done * sizeof(struct io_event);
		break;
	}
	return ckpt_arch_syscall_args(r->nr, r->args);
}

static long move_rest(struct rest *r)
{
	if (!has_file(r))
		return call_again(r);

	CLASS(fd, f)(r->args[0]);

	/* Another may be there by now: ask the one that it is moved to. */
	if (fd_empty(f) || !waits(r, fd_file(f)))
		return 0;
	return r->call->what == MESSAGES ? call_again(r) :
					   move_bytes(r, fd_file(f));
}

/**
 * ckpt_rest_call - go on with the rest of a call
 *
 * Context: current, on its way to user mode, no locks held, sleeps.
 * Return: all that the call has moved.
 */
long ckpt_rest_call(void)
{
	struct rest r;
	long ret = 0;

	if (look(&r) && has_rest(&r))
		ret = move_rest(&r);
	return r.done + max(ret, 0L);
}
