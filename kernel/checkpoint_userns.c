// SPDX-License-Identifier: GPL-2.0
/*
 * User namespaces: who owns the namespaces of the tree. That of the caller of
 * checkpoint is not saved: that of the caller of restart takes its place.
 */

#include <linux/checkpoint_types.h>
#include <linux/cred.h>
#include <linux/user_namespace.h>

/**
 * ckpt_user_ns_collect - count a use of a user namespace
 * @ctx: the context
 * @ns: the user namespace that owns something in the tree
 * @what: that, for messages: "uts namespace"
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOSYS.
 */
int ckpt_user_ns_collect(struct ckpt_ctx *ctx, struct user_namespace *ns,
			 const char *what)
{
	if (ns != ctx->caller_cred->user_ns)
		return ckpt_err(ctx, -ENOSYS, "%s: owned by another user namespace than the caller's: not supported",
				what);
	return 0;
}

/**
 * ckpt_user_ns_checkpoint - write a user namespace unless that was done before
 * @ctx: the context
 * @ns: the user namespace, met by ckpt_user_ns_collect()
 *
 * Context: process context, may sleep.
 * Return: its objref, 0 for that of the caller, or a negative errno.
 */
int ckpt_user_ns_checkpoint(struct ckpt_ctx *ctx, struct user_namespace *ns)
{
	return ns == ctx->caller_cred->user_ns ? 0 : -ENOSYS;
}

/**
 * ckpt_user_ns_cred - credentials to make something with
 * @ctx: the context
 * @objref: of a user namespace in the image, or 0, not checked yet
 *
 * What is made with them, by unshare_nsproxy_namespaces() for one, is owned by
 * that user namespace.
 *
 * Context: the restoring task, may sleep.
 * Return: those of the current task in that user namespace, to be put with
 * put_cred(), or ERR_PTR(-EINVAL), reported.
 */
const struct cred *ckpt_user_ns_cred(struct ckpt_ctx *ctx, u32 objref)
{
	if (objref)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: user namespace %u: not supported in this build",
					objref));
	return get_current_cred();
}
