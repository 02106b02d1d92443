// SPDX-License-Identifier: GPL-2.0
/*
 * Time namespaces. An image has what the clocks showed inside when the tree
 * stood still, and not the offsets: the clocks go on from there, whatever time
 * those of the machine show.
 */

#include <linux/checkpoint_types.h>
#include <linux/cred.h>
#include <linux/nsproxy.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>

#include "checkpoint.h"

static void time_ns_grab(void *ptr)
{
	get_time_ns(ptr);
}

static void time_ns_drop(void *ptr)
{
	put_time_ns(ptr);
}

static int time_ns_users(void *ptr)
{
	struct time_namespace *ns = ptr;

	return ckpt_ns_users(&ns->ns);
}

static void time_ns_holder(struct ckpt_ctx *ctx, void *ptr, char *buf,
			   size_t size)
{
	struct time_namespace *ns = ptr;

	ckpt_ns_holder(ctx, &ns->ns, buf, size);
}

static int time_ns_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct time_namespace *ns = ptr;

	return ckpt_user_ns_collect(ctx, ns->user_ns, "time namespace");
}

static int time_ns_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct time_namespace *ns = ptr;
	ktime_t boot = ktime_mono_to_any(ctx->stopped_at, TK_OFFS_BOOT);
	struct ckpt_hdr_time_ns h = {
		.monotonic_ns = ktime_to_ns(ctx->stopped_at) +
				timespec64_to_ns(&ns->offsets.monotonic),
		.boottime_ns = ktime_to_ns(boot) +
			       timespec64_to_ns(&ns->offsets.boottime),
		.frozen = READ_ONCE(ns->frozen_offsets),
	};
	int owner;

	owner = ckpt_user_ns_checkpoint(ctx, ns->user_ns);
	if (owner < 0)
		return owner;
	h.user_ns = owner;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_TIME_NS, sizeof(h));
}

/* The range that /proc/PID/timens_offsets allows for a clock inside */
static bool clock_ok(s64 ns)
{
	return ns >= 0 && ns / NSEC_PER_SEC <= KTIME_SEC_MAX / 2;
}

/*
 * Until the tree is about to run, the offsets are what the clocks showed: see
 * time_ns_commit().
 */
static void *time_ns_restore(struct ckpt_ctx *ctx)
{
	struct time_namespace *ns;
	struct ckpt_hdr_time_ns h;
	const struct cred *cred;
	struct nsproxy *new;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TIME_NS, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (!clock_ok(h.monotonic_ns) || !clock_ok(h.boottime_ns) ||
	    h.frozen > 1)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: time namespace with clocks at %lld and %lld ns",
					h.monotonic_ns, h.boottime_ns));

	if (ctx->join & CLONE_NEWTIME)
		return get_time_ns(ctx->caller_ns->time_ns);

	cred = ckpt_user_ns_cred(ctx, h.user_ns);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	/* with the checks and the accounting of unshare(2) */
	err = unshare_nsproxy_namespaces(CLONE_NEWTIME, &new,
					 (struct cred *)cred, NULL);
	put_cred(cred);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "cannot make a time namespace: error %d",
					err));
	ns = get_time_ns(new->time_ns_for_children);
	put_nsproxy(new);
	if (!ns_capable(ns->user_ns, CAP_SYS_TIME)) {
		put_time_ns(ns);
		err = ckpt_err(ctx, -EPERM, "time namespace: CAP_SYS_TIME is needed to set its clocks");
		return ERR_PTR(err);
	}
	ns->offsets.monotonic = ns_to_timespec64(h.monotonic_ns);
	ns->offsets.boottime = ns_to_timespec64(h.boottime_ns);
	ns->frozen_offsets = h.frozen;
	return ns;
}

/* The clocks go on now. */
static void time_ns_commit(struct ckpt_ctx *ctx, void *ptr)
{
	struct time_namespace *ns = ptr;
	struct timens_offsets *offsets = &ns->offsets;
	bool frozen = ns->frozen_offsets;
	struct timespec64 now;

	if (ns == ctx->caller_ns->time_ns)
		return;
	ns->frozen_offsets = false;
	ktime_get_ts64(&now);
	offsets->monotonic = timespec64_sub(offsets->monotonic, now);
	ktime_get_boottime_ts64(&now);
	offsets->boottime = timespec64_sub(offsets->boottime, now);
	/* the page that tasks in it read the offsets from */
	if (frozen)
		timens_commit(current, ns);
}

const struct ckpt_obj_ops ckpt_time_ns_obj_ops = {
	.name		= "time namespace",
	.subtree_ok	= true,
	.grab		= time_ns_grab,
	.drop		= time_ns_drop,
	.users		= time_ns_users,
	.holder		= time_ns_holder,
	.collect	= time_ns_collect,
	.checkpoint	= time_ns_checkpoint,
	.restore	= time_ns_restore,
	.commit		= time_ns_commit,
};
