// SPDX-License-Identifier: GPL-2.0
/*
 * Families of mappings that share pages copy-on-write. Included by rmap.c.
 *
 * What fork() leaves shared between address spaces is found again from a page
 * through the root of a tree of anon_vmas, which all mappings have in common
 * that may have the page. That root is the object: each mapping names it, and
 * at restart gets an anon_vma of its own below it, as a child of fork() does.
 * Pages that are shared belong to the root.
 */

#include "checkpoint.h"

/**
 * ckpt_anon_family - the family that a mapping is of
 * @vma: the mapping
 *
 * Context: the mmap lock is held.
 * Return: the root of its anon_vmas, referenced, or NULL if no other address
 * space has one below it.
 */
struct anon_vma *ckpt_anon_family(struct vm_area_struct *vma)
{
	struct anon_vma *anon_vma = vma->anon_vma;

	/* a root is a child of its own */
	if (!anon_vma || (anon_vma == anon_vma->root &&
			  READ_ONCE(anon_vma->num_children) < 2))
		return NULL;
	get_anon_vma(anon_vma->root);
	return anon_vma->root;
}

/**
 * ckpt_anon_join - make a mapping one of a family
 * @vma: the mapping, new and without pages
 * @root: what CKPT_OBJ_ANON is at restart
 *
 * Context: the mmap lock is held for writing, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_anon_join(struct vm_area_struct *vma, struct anon_vma *root)
{
	struct anon_vma_chain *old, *new;
	struct anon_vma *own;

	old = anon_vma_chain_alloc(GFP_KERNEL);
	new = anon_vma_chain_alloc(GFP_KERNEL);
	own = anon_vma_alloc();
	if (!old || !new || !own) {
		if (old)
			anon_vma_chain_free(old);
		if (new)
			anon_vma_chain_free(new);
		if (own)
			put_anon_vma(own);
		return -ENOMEM;
	}
	own->num_active_vmas++;
	own->root = root;
	own->parent = root;
	get_anon_vma(root);

	anon_vma_lock_write(root);
	/* what unlink_anon_vmas() of the last one takes away */
	if (RB_EMPTY_ROOT(&root->rb_root.rb_root)) {
		get_anon_vma(root);
		root->num_children++;
	}
	anon_vma_chain_assign(vma, old, root);
	anon_vma_interval_tree_insert(old, &root->rb_root);
	anon_vma_chain_assign(vma, new, own);
	anon_vma_interval_tree_insert(new, &own->rb_root);
	root->num_children++;
	vma->anon_vma = own;
	anon_vma_unlock_write(root);
	return 0;
}

static void anon_obj_grab(void *ptr)
{
	get_anon_vma(ptr);
}

static void anon_obj_drop(void *ptr)
{
	put_anon_vma(ptr);
}

static int anon_obj_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct ckpt_hdr_anon h = {};

	return ckpt_write_rec(ctx, &h, CKPT_HDR_ANON, sizeof(h));
}

static void *anon_obj_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_anon h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_ANON, sizeof(h));
	if (!err && h.reserved)
		err = ckpt_err(ctx, -EINVAL, "image: shared private memory: malformed record");
	if (err)
		return ERR_PTR(err);
	return anon_vma_alloc() ?: ERR_PTR(-ENOMEM);
}

const struct ckpt_obj_ops ckpt_anon_obj_ops = {
	.name		= "shared private memory",
	.grab		= anon_obj_grab,
	.drop		= anon_obj_drop,
	.checkpoint	= anon_obj_checkpoint,
	.restore	= anon_obj_restore,
};
