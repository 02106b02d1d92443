// SPDX-License-Identifier: GPL-2.0
/*
 * NUMA policies of tasks and of mappings. Included by mempolicy.c.
 *
 * Of a policy the nodes are saved that were asked for. What is not there where
 * it is restored is left out, as set_mempolicy() does it; where nothing is left
 * the restart fails.
 */

#include <linux/bitmap.h>

#include "checkpoint.h"

static_assert(MAX_NUMNODES <= 64 * CKPT_NODES_WORDS);

/**
 * ckpt_mempolicy_save - how a policy is saved
 * @pol: the policy, or NULL for that of the system
 * @p: what is to be filled in
 *
 * Context: @pol cannot change.
 */
void ckpt_mempolicy_save(const struct mempolicy *pol, struct ckpt_mempolicy *p)
{
	const nodemask_t *nodes;

	memset(p, 0, sizeof(*p));
	p->h.mode = MPOL_DEFAULT;
	p->h.home_node = NUMA_NO_NODE;
	if (!pol)
		return;
	p->h.mode = pol->mode;
	p->h.flags = pol->flags & MPOL_MODE_FLAGS;
	p->h.home_node = pol->home_node;
	nodes = mpol_store_user_nodemask(pol) ? &pol->w.user_nodemask :
						&pol->nodes;
	if (pol->mode != MPOL_LOCAL)
		bitmap_to_arr64(p->nodes, nodes->bits, MAX_NUMNODES);
}

/**
 * ckpt_mempolicy_write - write a policy
 * @ctx: the context
 * @p: as ckpt_mempolicy_save() has filled it in
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_mempolicy_write(struct ckpt_ctx *ctx, struct ckpt_mempolicy *p)
{
	unsigned int words = CKPT_NODES_WORDS;

	while (words && !p->nodes[words - 1])
		words--;
	return ckpt_write_rec_tail(ctx, &p->h, CKPT_HDR_MEMPOLICY, sizeof(p->h),
				   p->nodes, words * sizeof(*p->nodes));
}

/* The policy or NULL for that of the system, as mbind() makes it, or ERR_PTR */
static struct mempolicy *make_policy(const struct ckpt_hdr_mempolicy *h)
{
	NODEMASK_SCRATCH(scratch);
	int err, mode = h->mode | h->flags;
	u64 words[CKPT_NODES_WORDS] = {};
	unsigned short flags;
	struct mempolicy *pol;
	nodemask_t nodes;

	if (!scratch)
		return ERR_PTR(-ENOMEM);
	memcpy(words, h->nodes, h->h.len - sizeof(*h));
	bitmap_from_arr64(nodes.bits, words, MAX_NUMNODES);
	err = -EINVAL;
	if (!h->reserved && !(h->flags & ~MPOL_MODE_FLAGS) &&
	    h->mode < MPOL_MAX && h->home_node >= NUMA_NO_NODE &&
	    h->home_node < MAX_NUMNODES)
		err = sanitize_mpol_flags(&mode, &flags);
	/* a mode with its flags is what that takes, and gives back */
	pol = err ? ERR_PTR(err) : mpol_new(mode, flags, &nodes);
	if (!IS_ERR_OR_NULL(pol)) {
		task_lock(current);
		err = mpol_set_nodemask(pol, &nodes, scratch);
		task_unlock(current);
		if (!err && h->home_node != NUMA_NO_NODE &&
		    ((mode != MPOL_BIND && mode != MPOL_PREFERRED_MANY) ||
		     !node_online(h->home_node)))
			err = -EINVAL;
		pol->home_node = h->home_node;
		if (err) {
			mpol_put(pol);
			pol = ERR_PTR(err);
		}
	}
	NODEMASK_SCRATCH_FREE(scratch);
	return pol;
}

/**
 * ckpt_mempolicy_restore - give a policy to a mapping
 * @vma: the mapping, new and without pages
 * @h: the record, not checked yet
 *
 * Context: the mmap lock is held for writing, may sleep.
 * Return: 0, -EINVAL for a malformed record or nodes that are not there, or
 * -ENOMEM.
 */
int ckpt_mempolicy_restore(struct vm_area_struct *vma,
			   const struct ckpt_hdr_mempolicy *h)
{
	struct mempolicy *pol = make_policy(h);
	int err;

	if (IS_ERR_OR_NULL(pol))
		return PTR_ERR_OR_ZERO(pol);
	vma_start_write(vma);
	err = vma_replace_policy(vma, pol);
	mpol_put(pol);
	return err;
}

/* ------------------------------------------------------------ of a task */

static int mempolicy_task_checkpoint(struct ckpt_ctx *ctx,
				     struct task_struct *t)
{
	struct ckpt_mempolicy p;

	/* nobody but the task itself changes it, and that is parked */
	task_lock(t);
	ckpt_mempolicy_save(t->mempolicy, &p);
	task_unlock(t);
	return ckpt_mempolicy_write(ctx, &p);
}

static int mempolicy_task_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_mempolicy *h = ckpt_mempolicy_read(ctx);
	struct mempolicy *pol, *old;
	int err;

	if (IS_ERR(h))
		return PTR_ERR(h);
	pol = make_policy(h);
	err = PTR_ERR_OR_ZERO(pol);
	if (err)
		ckpt_err(ctx, err, "NUMA memory policy %u: cannot be set, are its nodes there? error %d",
			 h->mode, err);
	kvfree(h);
	if (err)
		return err;
	/* as set_mempolicy(); not that of who restarts */
	task_lock(current);
	old = current->mempolicy;
	current->mempolicy = pol;
	if (pol && (pol->mode == MPOL_INTERLEAVE ||
		    pol->mode == MPOL_WEIGHTED_INTERLEAVE)) {
		current->il_prev = MAX_NUMNODES - 1;
		current->il_weight = 0;
	}
	task_unlock(current);
	mpol_put(old);
	return 0;
}

const struct ckpt_task_ops ckpt_mempolicy_task_ops = {
	.name		= "NUMA memory policy",
	.checkpoint	= mempolicy_task_checkpoint,
	.restore	= mempolicy_task_restore,
};
