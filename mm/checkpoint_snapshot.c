// SPDX-License-Identifier: GPL-2.0
/*
 * Duplicates of address spaces, for a checkpoint by copy on write.
 *
 * A duplicate is made as fork() makes one, but of the private pages alone,
 * which are then found in it as they were while the tree runs on: also those
 * in mappings that fork() leaves out or wipes. It takes no mapping that has
 * none, and so touches no System V segment; and it keeps no file open.
 */

#include <linux/hugetlb.h>
#include <linux/ksm.h>
#include <linux/ktime.h>
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/page_counter.h>
#include <linux/pagewalk.h>
#include <linux/rmap.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/swap.h>
#include <linux/userfaultfd_k.h>
#include <linux/vmstat.h>

#include <asm/tlbflush.h>

#include "internal.h"
#include "vma.h"
#include "checkpoint.h"

/* ---------------------------------------------------------- is there room */

/**
 * struct need - what a snapshot may need
 * @pages: pages that the tree may copy while the image is written
 * @shared: pages of shared memory that are mapped
 * @why: why there is to be none, or NULL
 */
struct need {
	unsigned long pages;
	unsigned long shared;
	const char *why;
};

/* Has a mapping pages that anon_test_walk() goes for? */
static bool has_private(struct vm_area_struct *vma)
{
	return vma->anon_vma && !is_vm_hugetlb_page(vma) &&
	       !(vma->vm_flags & (VM_SHARED | VM_PFNMAP));
}

static int zeros_pmd_entry(pmd_t *pmd, unsigned long addr, unsigned long end,
			   struct mm_walk *walk)
{
	pte_t *pte, *start, entry;
	spinlock_t *ptl;	/* of the page table */
	int found = 0;

	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start)
		return 0;
	__acquire(ptl);		/* sparse cannot see it */
	for (pte = start; addr != end && !found; addr += PAGE_SIZE, pte++) {
		entry = ptep_get(pte);
		found = pte_present(entry) && is_zero_pfn(pte_pfn(entry));
	}
	pte_unmap_unlock(start, ptl);
	cond_resched();
	return found ?: fatal_signal_pending(current) ? -EINTR : 0;
}

static const struct mm_walk_ops zeros_walk_ops = {
	.pmd_entry	= zeros_pmd_entry,
	.walk_lock	= PGWALK_RDLOCK,
};

/*
 * Are there pages of zeros, by UFFDIO_ZEROPAGE for one, that hide what the file
 * has? A duplicate that lets go of the file loses them. Returns 1, 0, or -EINTR.
 */
static int has_hiding_zeros(struct vm_area_struct *vma)
{
	if (!has_private(vma) || vma_is_anonymous(vma))
		return 0;
	return walk_page_vma(vma, &zeros_walk_ops, NULL);
}

/* The end of a duplicate would take them from the count of all. */
static bool has_merged_zeros(struct mm_struct *mm)
{
#ifdef CONFIG_KSM
	return mm_ksm_zero_pages(mm) > 0;
#else
	return false;
#endif
}

/* What a duplicate would not keep. */
static int look_for_lost(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	struct mm_struct *mm = ptr;
	struct need *need = arg;
	struct vm_area_struct *vma;
	int ret = 0;

	VMA_ITERATOR(vmi, mm, 0);

	if (has_merged_zeros(mm)) {
		need->why = "pages of zeros that KSM has merged";
		return 1;
	}
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for_each_vma(vmi, vma) {
		/* a fault of their owner may take one from a duplicate */
		if (is_vm_hugetlb_page(vma) && !(vma->vm_flags & VM_MAYSHARE)) {
			need->why = "private huge pages of hugetlbfs";
			ret = 1;
			break;
		}
		ret = has_hiding_zeros(vma);
		if (ret > 0)
			need->why = "pages of zeros that hide what a file has";
		if (ret)
			break;
	}
	mmap_read_unlock(mm);
	return ret;
}

static int add_need(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	struct mm_struct *mm = ptr;
	struct need *need = arg;

	need->pages += get_mm_counter(mm, MM_ANONPAGES) +
		       get_mm_counter(mm, MM_SWAPENTS);
	need->shared += get_mm_counter(mm, MM_SHMEMPAGES);
	return 0;
}

#ifdef CONFIG_MEMCG
/* Pages that may be charged to @memcg before its limits are felt */
static unsigned long memcg_room(struct mem_cgroup *memcg)
{
	unsigned long limit = min(READ_ONCE(memcg->memory.max),
				  READ_ONCE(memcg->memory.high));
	unsigned long usage = page_counter_read(&memcg->memory);

	if (limit == PAGE_COUNTER_MAX)
		return limit;
	/* what the page cache has and nobody looks at goes without harm */
	mem_cgroup_flush_stats(memcg);
	limit += memcg_page_state(memcg, NR_INACTIVE_FILE);
	return limit > usage ? limit - usage : 0;
}

/* What the tree copies is charged to the memory cgroup that it is in. */
static int check_memcg(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(ptr), *m;
	struct need *need = arg;

	for (m = memcg; m && !need->why; m = parent_mem_cgroup(m))
		if (memcg_room(m) < need->pages)
			need->why = "the limit of its memory cgroup leaves no room for copies";
	mem_cgroup_put(memcg);
	return !!need->why;
}
#else
static int check_memcg(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	return 0;
}
#endif

/**
 * ckpt_snapshot_room - is there room for a snapshot, and is it worth it?
 * @ctx: the context; the address spaces of the tree are collected
 * @room: set to the pages that may be copied while the tree is parked
 *
 * Context: process context, may sleep.
 * Return: 1 if there is, 0 if not, which is said in the log, or -EINTR.
 */
int ckpt_snapshot_room(struct ckpt_ctx *ctx, unsigned long *room)
{
	unsigned long free = max(si_mem_available(), 0L);
	struct need need = {};
	int ret;

	ckpt_obj_for_each(ctx, CKPT_OBJ_MM, add_need, &need);
	if ((u64)(need.pages + need.shared) << PAGE_SHIFT < ctx->snapshot_min)
		return 0;
	ret = ckpt_obj_for_each(ctx, CKPT_OBJ_MM, look_for_lost, &need);
	if (ret < 0)
		return ret;
	/* pages that several of them have were counted more than once */
	need.pages = min(need.pages, global_node_page_state(NR_ANON_MAPPED) +
			 total_swap_pages - get_nr_swap_pages());
	if (!need.why && need.pages > free)
		need.why = "there is not enough memory for copies";
	if (!need.why)
		ckpt_obj_for_each(ctx, CKPT_OBJ_MM, check_memcg, &need);
	if (need.why) {
		ckpt_note(ctx, "no copy on write: %s: the tree stands still until its image is written",
			  need.why);
		return 0;
	}
	*room = (free - need.pages) / 2;
	return 1;
}

/* -------------------------------------------------------------- duplicates */

/* Not anonymous memory, of which a page of zeros need not be stored */
static const struct vm_operations_struct dup_file_vm_ops = {};

/*
 * Keep what was copied of a private mapping of a file, and let go of the file:
 * somebody else's open file would be one that is shared with the outside. The
 * mapping is among those of the file as long as it has pages of it. That of
 * /dev/zero is anonymous, and has none.
 */
static void drop_file(struct vm_area_struct *new)
{
	struct zap_details details = { .even_cows = false };

	if (!vma_is_anonymous(new)) {
		zap_page_range_single(new, new->vm_start,
				      new->vm_end - new->vm_start, &details);
		new->vm_ops = &dup_file_vm_ops;
	}
	unlink_file_vma(new);
	new->vm_file = NULL;
}

/*
 * See dup_mmap(). The file of @new is that of @vma, which keeps it for long
 * enough. Once @new is linked, it goes with its address space.
 */
static int dup_vma(struct mm_struct *dup, struct vm_area_struct *vma)
{
	unsigned long charge = vma->vm_flags & VM_ACCOUNT ? vma_pages(vma) : 0;
	struct vm_area_struct *new;
	int err;

	vma_start_write(vma);
	if (charge && security_vm_enough_memory_mm(vma->vm_mm, charge))
		return -ENOMEM;
	new = vm_area_dup(vma);
	if (!new)
		goto unacct;
	if (vma_dup_policy(vma, new))
		goto free;
	new->vm_mm = dup;
	vm_flags_clear(new, VM_LOCKED_MASK | VM_DONTCOPY | VM_WIPEONFORK);
	if (anon_vma_fork(new, vma))
		goto put_policy;
	if (vma_link(dup, new))
		goto unlink;
	err = copy_page_range(new, vma);
	drop_file(new);
	return err;

unlink:
	unlink_anon_vmas(new);
put_policy:
	mpol_put(vma_policy(new));
free:
	vm_area_free(new);
unacct:
	vm_unacct_memory(charge);
	return -ENOMEM;
}

static int dup_vmas(struct ckpt_ctx *ctx, struct mm_struct *dup,
		    struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	int err = 0;

	/* none is set while the lock is held */
	if (test_bit(MMF_HAS_UPROBES, &mm->flags))
		return ckpt_err(ctx, -ENOSYS, "address space: uprobes: not supported");
	if (has_merged_zeros(mm))
		return ckpt_err(ctx, -EBUSY, "address space: KSM has merged pages of zeros meanwhile: try again");
	for_each_vma(vmi, vma) {
		if (!has_private(vma))
			continue;
		/* by who has its descriptor, outside of the tree */
		if (userfaultfd_armed(vma))
			return ckpt_err(ctx, -EBUSY, "memory %#lx-%#lx: userfaultfd was set up while the tree was being read",
					vma->vm_start, vma->vm_end);
		err = has_hiding_zeros(vma);
		if (err > 0)
			return ckpt_err(ctx, -EBUSY, "memory %#lx-%#lx: pages of zeros came to hide its file meanwhile: try again",
					vma->vm_start, vma->vm_end);
		if (err || fatal_signal_pending(current))
			return -EINTR;
		err = dup_vma(dup, vma);
		if (err)
			return err;
		cond_resched();
	}
	if (test_bit(MMF_UNSTABLE, &mm->flags))
		return ckpt_err(ctx, -EBUSY, "its memory is being taken away by the OOM killer");
	return 0;
}

static int dup_fill(struct ckpt_ctx *ctx, struct mm_struct *dup,
		    struct mm_struct *mm)
{
	int err;

	/*
	 * Nobody owns it: it is freed before the caller is gone, but somebody
	 * who looks for what is swapped out may hold it for longer.
	 */
#ifdef CONFIG_MEMCG
	RCU_INIT_POINTER(dup->owner, NULL);
#endif
	dup->task_size = mm->task_size;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	mmap_write_lock_nested(dup, SINGLE_DEPTH_NESTING);
	err = dup_vmas(ctx, dup, mm);
	mmap_write_unlock(dup);
	/* its pages may be written to no longer */
	flush_tlb_mm(mm);
	mmap_write_unlock(mm);
	return err;
}

static void dup_free(struct ckpt_dup *dup)
{
	if (dup->mm)
		mmput(dup->mm);
	mmdrop(dup->orig);
	kfree(dup);
}

/**
 * ckpt_dups_free - free the duplicates of address spaces
 * @ctx: the context
 *
 * Context: process context, may sleep.
 */
void ckpt_dups_free(struct ckpt_ctx *ctx)
{
	struct ckpt_dup *dup, *next;

	list_for_each_entry_safe(dup, next, &ctx->dups, list) {
		list_del(&dup->list);
		dup_free(dup);
		cond_resched();
	}
}

static int dup_write(struct ckpt_ctx *ctx, void *priv)
{
	struct ckpt_dup *dup = priv;

	return ckpt_anon_write(ctx, dup->mm);
}

static int make_dup(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	struct ckpt_dup *dup = kzalloc(sizeof(*dup), GFP_KERNEL_ACCOUNT);
	int err;

	if (!dup)
		return -ENOMEM;
	dup->orig = mm;
	mmgrab(mm);
	/* it is being written: this only tells its number */
	dup->objref = ckpt_obj_checkpoint(ctx, mm, CKPT_OBJ_MM);
	dup->mm = mm_alloc();
	err = dup->mm ? dup_fill(ctx, dup->mm, mm) : -ENOMEM;
	if (!err)
		err = ckpt_snapshot_later(ctx, dup_write, NULL, dup);
	if (err)
		dup_free(dup);
	else
		list_add_tail(&dup->list, &ctx->dups);
	return err;
}

/**
 * ckpt_mm_duplicate - duplicate an address space, and write its pages later
 * @ctx: the context, which has a snapshot, and none if this found no memory
 * @mm: the address space, whose tasks are parked
 *
 * Context: process context, may sleep; takes and drops the mmap lock.
 * Return: 0, -EINTR, -EBUSY for one that is changed from outside, -ENOSYS, or
 * the errno of the write of what was gathered so far.
 */
int ckpt_mm_duplicate(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	u64 begin = ktime_get_ns();
	int err = make_dup(ctx, mm);

	ctx->stats.duplicate_ns += ktime_get_ns() - begin;
	if (err == -ENOMEM)
		err = ckpt_snapshot_give_up(ctx, "no memory for a duplicate of an address space");
	return err;
}
