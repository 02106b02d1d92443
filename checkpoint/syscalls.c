// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls: their arguments are checked here, and nowhere else.
 */

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/pid_namespace.h>
#include <linux/string.h>
#include <linux/syscalls.h>
#include <linux/tty.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "internal.h"

/* How long to wait for a task to park, unless told otherwise; and at most */
#define CKPT_PARK_TIMEOUT_MS		(10 * MSEC_PER_SEC)
/* How long to wait for whoever takes the image, unless told otherwise */
#define CKPT_WRITE_TIMEOUT_MS		(60 * MSEC_PER_SEC)
/* How long a connection that was killed is kept for whoever restarts it */
#define CKPT_SILENCE_MS			(5 * 60 * MSEC_PER_SEC)
#define CKPT_TIMEOUT_MAX_MS		(24 * 60 * 60 * MSEC_PER_SEC)

static void put_stats(struct ckpt_ctx *ctx, u64 uptr, u64 size)
{
	BUILD_BUG_ON(sizeof(ctx->stats) != CHECKPOINT_STATS_SIZE_VER1);

	size = min_t(u64, size ?: CHECKPOINT_STATS_SIZE_VER0,
		     sizeof(ctx->stats));
	if (uptr && copy_to_user(u64_to_user_ptr(uptr), &ctx->stats, size))
		pr_debug("checkpoint: no room for the statistics at %#llx\n", uptr);
}

/**
 * sys_checkpoint - write the image of a task tree
 * @pid: root of the tree in the caller's pid namespace, or 0 for the caller
 * @fd: descriptor that the image is written to
 * @uflags: CHECKPOINT_*
 * @logfd: descriptor that messages are written to, or negative
 * @uargs: a struct checkpoint_args, or NULL
 * @usize: its size in bytes, or 0
 *
 * Return: a positive checkpoint id; 0 in a task that checkpointed itself and
 * came back by restart; or a negative errno:
 * -EINVAL unknown or conflicting flags, a pid that cannot be the root;
 * -E2BIG, -EFAULT for @uargs; -EBADF for @fd or @logfd; -ESRCH no such task;
 * -EPERM without CAP_CHECKPOINT_RESTORE, or ptrace access to a task;
 * -ENOSYS something in the tree is not supported; -EBUSY something may pass
 * if tried again; -ETIMEDOUT nobody takes the image; -EINTR; -ENOMEM; the
 * errno of the write.
 */
SYSCALL_DEFINE6(checkpoint, pid_t, pid, int, fd, unsigned long, uflags,
		int, logfd, struct checkpoint_args __user *, uargs,
		size_t, usize)
{
	struct checkpoint_args args = {};
	struct ckpt_ctx *ctx;
	u64 park_ms, write_ms;
	long ret;

	BUILD_BUG_ON(sizeof(args) != CHECKPOINT_ARGS_SIZE_VER2);

	if (uflags & ~CKPT_CHECKPOINT_FLAGS || pid < 0)
		return -EINVAL;
	if ((uflags & CHECKPOINT_KILL) && (uflags & CHECKPOINT_STOP))
		return -EINVAL;
	/* the image must be complete before the tree is killed or stopped */
	if ((uflags & CHECKPOINT_SNAPSHOT) &&
	    (uflags & (CHECKPOINT_KILL | CHECKPOINT_STOP)))
		return -EINVAL;
	/* whoever checkpoints itself comes back from the call */
	if (!pid && (uflags & (CHECKPOINT_KILL | CHECKPOINT_STOP)))
		return -EINVAL;
	if (usize) {
		if (usize < CHECKPOINT_ARGS_SIZE_VER0)
			return -EINVAL;
		if (usize > PAGE_SIZE)
			return -E2BIG;
		ret = copy_struct_from_user(&args, sizeof(args), uargs, usize);
		if (ret)
			return ret;
	} else if (uargs) {
		return -EINVAL;
	}
	park_ms = args.park_timeout_ms ?: CKPT_PARK_TIMEOUT_MS;
	write_ms = args.write_timeout_ms ?: CKPT_WRITE_TIMEOUT_MS;
	if (park_ms > CKPT_TIMEOUT_MAX_MS || write_ms > CKPT_TIMEOUT_MAX_MS)
		return -EINVAL;
	if ((args.stats_size && args.stats_size < CHECKPOINT_STATS_SIZE_VER0) ||
	    (args.snapshot_min && !(uflags & CHECKPOINT_SNAPSHOT)) ||
	    (args.silence_ms && !(uflags & CHECKPOINT_KILL)) ||
	    args.silence_ms > CKPT_TIMEOUT_MAX_MS)
		return -EINVAL;

	ctx = ckpt_ctx_alloc(false, uflags, fd, logfd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	ckpt_stream_set_timeout(ctx->stream, msecs_to_jiffies(write_ms));
	ctx->snapshot_min = args.snapshot_min;
	ctx->silence = msecs_to_jiffies(args.silence_ms ?: CKPT_SILENCE_MS);
	ret = ckpt_do_checkpoint(ctx, pid, msecs_to_jiffies(park_ms));
	ckpt_flush_log(ctx);
	/* the image is complete: statistics that cannot be stored do not undo it */
	if (!ret) {
		put_stats(ctx, args.stats, args.stats_size);
		ret = ctx->id;
	}
	ckpt_ctx_free(ctx);
	return ret;
}

/* The files that the caller gives for external ones */
static int get_inherit(struct ckpt_ctx *ctx, const struct restart_args *args)
{
	struct restart_inherit __user *user = u64_to_user_ptr(args->inherit);
	struct restart_inherit in;
	struct ckpt_inherit *to;
	u32 i;

	if (args->inherit_nr > RESTART_INHERIT_MAX)
		return -E2BIG;
	if (args->tty_fd >= 0) {
		ctx->tty = fget(args->tty_fd);
		if (!ctx->tty)
			return -EBADF;
	}
	if (!args->inherit_nr)
		return 0;
	ctx->inherit = kvcalloc(args->inherit_nr, sizeof(*ctx->inherit),
				GFP_KERNEL_ACCOUNT);
	if (!ctx->inherit)
		return -ENOMEM;
	for (i = 0; i < args->inherit_nr; i++) {
		if (copy_from_user(&in, &user[i], sizeof(in)))
			return -EFAULT;
		if (in.reserved)
			return -EINVAL;
		to = &ctx->inherit[ctx->inherit_nr++];
		to->name = strndup_user(u64_to_user_ptr(in.name), PATH_MAX);
		if (IS_ERR(to->name)) {
			int err = PTR_ERR(to->name);

			to->name = NULL;
			return err;
		}
		to->file = fget_raw(in.fd);
		if (!to->file)
			return -EBADF;
	}
	return 0;
}

/* The places that the caller gives for external mounts */
static int get_mounts(struct ckpt_ctx *ctx, const struct restart_args *args)
{
	struct restart_mount __user *user = u64_to_user_ptr(args->mounts);
	struct restart_mount in;
	char *name;
	int err;
	u32 i;

	if (args->mounts_nr > RESTART_MOUNTS_MAX)
		return -E2BIG;
	if (args->reserved)
		return -EINVAL;
	if (!args->mounts_nr)
		return 0;
	ctx->mounts = kvcalloc(args->mounts_nr, sizeof(*ctx->mounts),
			       GFP_KERNEL_ACCOUNT);
	if (!ctx->mounts)
		return -ENOMEM;
	for (i = 0; i < args->mounts_nr; i++) {
		if (copy_from_user(&in, &user[i], sizeof(in)))
			return -EFAULT;
		if (in.reserved)
			return -EINVAL;
		name = strndup_user(u64_to_user_ptr(in.name), PATH_MAX);
		if (IS_ERR(name))
			return PTR_ERR(name);
		err = ckpt_mnt_give(ctx, name, in.fd);
		if (err)
			return err;
	}
	return 0;
}

/* What the caller says of veths whose other end is outside */
static int get_veths(struct ckpt_ctx *ctx, const struct restart_args *args)
{
	struct restart_veth *v;
	u32 i;

	if (args->veths_nr > RESTART_VETHS_MAX)
		return -E2BIG;
	if (args->reserved2)
		return -EINVAL;
	if (!args->veths_nr)
		return 0;
	v = vmemdup_array_user(u64_to_user_ptr(args->veths), args->veths_nr,
			       sizeof(*v));
	if (IS_ERR(v))
		return PTR_ERR(v);
	ctx->veths = v;
	ctx->veths_nr = args->veths_nr;
	for (i = 0; i < args->veths_nr; i++, v++)
		if (v->name[sizeof(v->name) - 1] || !v->name[0] ||
		    v->outside[sizeof(v->outside) - 1] || !v->outside[0] ||
		    v->bridge[sizeof(v->bridge) - 1])
			return -EINVAL;
	return 0;
}

/**
 * sys_restart - rebuild a task tree from an image
 * @pid: 0
 * @fd: descriptor that the image is read from
 * @uflags: RESTART_*
 * @logfd: descriptor that messages are written to, or negative
 * @uargs: a struct restart_args, or NULL
 * @usize: its size in bytes, or 0
 *
 * Return: the pid of the restored root in the caller's pid namespace. With
 * RESTART_TASKSELF the caller becomes the restored task. Or a negative errno,
 * with nothing left behind:
 * -EINVAL unknown flags, or an image that is malformed, of another version,
 * or holds what is not supported here; -E2BIG, -EFAULT for @uargs; -EBADF for
 * a descriptor; -EPERM for what the caller may not do by hand; -EEXIST a pid
 * is in use; -ENOENT a file of the image is missing, or was not given; -EBUSY;
 * -EINTR; -ENOMEM; the errno of the read.
 */
SYSCALL_DEFINE6(restart, pid_t, pid, int, fd, unsigned long, uflags,
		int, logfd, struct restart_args __user *, uargs, size_t, usize)
{
	struct restart_args args = { .tty_fd = -1 };
	struct ckpt_ctx *ctx;
	long ret;

	BUILD_BUG_ON(sizeof(args) != RESTART_ARGS_SIZE_VER2);

	if (uflags & ~CKPT_RESTART_FLAGS || pid)
		return -EINVAL;
	if ((uflags & RESTART_TASKSELF) && (uflags & RESTART_NOPIDS))
		return -EINVAL;
	if (usize) {
		if (usize < RESTART_ARGS_SIZE_VER0)
			return -EINVAL;
		if (usize > PAGE_SIZE)
			return -E2BIG;
		ret = copy_struct_from_user(&args, sizeof(args), uargs, usize);
		if (ret)
			return ret;
	} else if (uargs) {
		return -EINVAL;
	}
	if (args.join & ~CKPT_JOIN_FLAGS ||
	    (args.cgroup_fd && !(uflags & RESTART_CGROUP)))
		return -EINVAL;

	ctx = ckpt_ctx_alloc(true, uflags, fd, logfd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	ctx->join = args.join;
	ret = get_inherit(ctx, &args);
	if (!ret && (uflags & RESTART_CGROUP))
		ret = ckpt_cgroups_set_dir(ctx, args.cgroup_fd);
	if (!ret)
		ret = get_mounts(ctx, &args);
	if (!ret)
		ret = get_veths(ctx, &args);
	if (!ret && (uflags & RESTART_MNTNS))
		ret = ckpt_mnt_own_ns(ctx);
	if (!ret)
		ret = ckpt_do_restart(ctx);
	ckpt_flush_log(ctx);
	/* the tree runs: that its statistics cannot be stored does not undo it */
	if (ret > 0)
		put_stats(ctx, args.stats, 0);
	ckpt_ctx_free(ctx);
	return ret;
}
