// SPDX-License-Identifier: GPL-2.0
/*
 * The local descriptor table of an address space: included in ldt.c.
 */

#include <linux/checkpoint_types.h>

/**
 * ckpt_ldt_save - copy the local descriptor table of an address space
 * @mm: the address space
 * @copy: set to the descriptors, to be freed with kvfree(), or to NULL
 *
 * Context: process context, may sleep.
 * Return: number of descriptors, 0 if there is no table, or -ENOMEM.
 */
int ckpt_ldt_save(struct mm_struct *mm, u64 **copy)
{
	struct ldt_struct *ldt;
	int nr = 0;

	BUILD_BUG_ON(sizeof(**copy) != LDT_ENTRY_SIZE);
	*copy = NULL;
	mutex_lock(&mm->context.lock);
	ldt = mm->context.ldt;
	if (ldt) {
		nr = ldt->nr_entries;
		*copy = kvmemdup(ldt->entries, nr * LDT_ENTRY_SIZE,
				 GFP_KERNEL_ACCOUNT);
		if (!*copy)
			nr = -ENOMEM;
	}
	mutex_unlock(&mm->context.lock);
	return nr;
}

/* Is this what write_ldt() makes? */
static bool ckpt_ldt_valid(const struct desc_struct *desc)
{
	struct user_desc info = {
		.base_addr = get_desc_base(desc),
		.limit = get_desc_limit(desc),
		.seg_32bit = desc->d,
		.contents = desc->type >> 2,
		.read_exec_only = !(desc->type & 2),
		.limit_in_pages = desc->g,
		.seg_not_present = !desc->p,
		.useable = desc->avl,
	};
	struct desc_struct made = {};

	if (!memchr_inv(desc, 0, sizeof(*desc)))
		return true;
	if (LDT_empty(&info) ||
	    (info.contents == 3 && !info.seg_not_present) ||
	    (!info.seg_32bit && !allow_16bit_segments()))
		return false;
	fill_ldt(&made, &info);
	return !memcmp(&made, desc, sizeof(made));
}

/**
 * ckpt_ldt_restore - give the current task a local descriptor table
 * @ctx: the context
 * @ldt: descriptors of the image
 * @nr: how many, at least 1, at most LDT_ENTRIES
 *
 * Context: the restoring task, alone in an address space that has no table.
 * Return: 0 or a negative errno, -EINVAL reported.
 */
int ckpt_ldt_restore(struct ckpt_ctx *ctx, const u64 *ldt, unsigned int nr)
{
	const struct desc_struct *desc = (const struct desc_struct *)ldt;
	struct mm_struct *mm = current->mm;
	struct ldt_struct *new_ldt;
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++)
		if (!ckpt_ldt_valid(&desc[i]))
			return ckpt_err(ctx, -EINVAL, "image: local descriptor table: entry %u is not one that modify_ldt(2) makes here",
					i);
	new_ldt = alloc_ldt_struct(nr);
	if (!new_ldt)
		return -ENOMEM;
	memcpy(new_ldt->entries, desc, nr * LDT_ENTRY_SIZE);
	finalize_ldt_struct(new_ldt);

	err = down_write_killable(&mm->context.ldt_usr_sem);
	if (err)
		goto free;
	err = map_ldt_struct(mm, new_ldt, 0);
	if (err)
		free_ldt_pgtables(mm);
	else
		install_ldt(mm, new_ldt);
	up_write(&mm->context.ldt_usr_sem);
free:
	if (err)
		free_ldt_struct(new_ldt);
	return err;
}
