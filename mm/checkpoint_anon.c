// SPDX-License-Identifier: GPL-2.0
/*
 * The private pages of an address space: anonymous memory, and what was
 * copied on write of private file mappings.
 *
 * They are found by a walk of the page tables, and put back into them in
 * bulk: neither way goes through a page fault for each of them. What is not
 * in the page tables, or is the page of a file, is found again by a fault
 * after the restart. What several address spaces share copy-on-write is in the
 * image once, see checkpoint_share.c, and is mapped from the first of them into
 * the others.
 */

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/hugetlb.h>
#include <linux/ktime.h>
#include <linux/memcontrol.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pagewalk.h>
#include <linux/pgalloc.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/sched/coredump.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/swapops.h>

#include "internal.h"
#include "swap.h"
#include "checkpoint.h"

/* ---------------------------------------------------------- checkpoint */

/* Why a walk stopped before the end */
enum {
	ANON_FULL = 1,		/* no room for more pages */
	ANON_ABSENT,		/* the page is not in memory, or on the move */
};

/**
 * struct anon_walk - a walk for private pages
 * @mm: the address space
 * @pages: where they are gathered
 * @next: address where the walk stopped
 * @end: where it ends
 * @vma_start: start of the mapping being walked
 * @zero_ok: a page of zeros need not be stored
 * @keep_out: what is swapped out is not to be mapped
 * @absent: ANON_ABSENT: what the page table has at @next; 0 if no page table
 * @kin: an address space that shares pages with this one, or NULL so far
 */
struct anon_walk {
	struct mm_struct *mm;
	struct ckpt_pages *pages;
	unsigned long next;
	unsigned long end;
	unsigned long vma_start;
	bool zero_ok;
	bool keep_out;
	pte_t absent;
	struct mm_struct *kin;
};

/*
 * Is a page, or the huge page that it is part of and that is mapped as one, of
 * a single address space, which may write to it?
 */
static bool anon_exclusive(struct folio *folio, struct page *page)
{
	return PageAnonExclusive(page) ||
	       (folio_test_large(folio) && PageAnonExclusive(&folio->page));
}

/* May another address space have it? One that KSM merged is merged again. */
static bool anon_shared(struct folio *folio, struct page *page)
{
	if (folio_test_ksm(folio) || anon_exclusive(folio, page))
		return false;
	return folio_test_large(folio) || folio_mapcount(folio) > 1 ||
	       folio_test_swapcache(folio);
}

/* The reference to @page becomes that of @w->pages. */
static void anon_add(struct anon_walk *w, struct page *page,
		     unsigned long addr, bool shared)
{
	struct ckpt_pages *p = w->pages;

	p->page[p->nr] = page;
	p->addr[p->nr] = addr | (addr == w->vma_start ? CKPT_PAGE_FIRST : 0) |
			 (w->zero_ok ? CKPT_PAGE_ZERO_OK : 0) |
			 (shared ? CKPT_PAGE_COW : 0);
	p->from[p->nr] = 0;
	p->nr++;
}

static int anon_test_walk(unsigned long start, unsigned long end,
			  struct mm_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;
	struct anon_walk *w = walk->private;

	if (!vma->anon_vma || (vma->vm_flags & (VM_SHARED | VM_PFNMAP)))
		return 1;
	w->vma_start = vma->vm_start;
	/* elsewhere a page of zeros hides what the file has there */
	w->zero_ok = vma_is_anonymous(vma) || ckpt_huge_anon(vma);
	return 0;
}

#ifdef CONFIG_HUGETLB_PAGE
/* Of huge pages of hugetlbfs, which may be larger than there is room for */
static int anon_hugetlb_entry(pte_t *ptep, unsigned long hmask,
			      unsigned long addr, unsigned long end,
			      struct mm_walk *walk)
{
	unsigned int i, nr = (end - addr) >> PAGE_SHIFT, room;
	struct hstate *h = hstate_vma(walk->vma);
	struct anon_walk *w = walk->private;
	struct folio *folio = NULL;
	struct page *page;
	spinlock_t *ptl;	/* of the page table */
	int ret = 0;
	pte_t pte;

	ptl = huge_pte_lock(h, walk->mm, ptep);
	pte = huge_ptep_get(walk->mm, addr & hmask, ptep);
	if (pte_present(pte))
		folio = page_folio(pte_page(pte));
	if (folio && folio_test_anon(folio)) {
		room = CKPT_PAGES_MAX_PAGES - w->pages->nr;
		page = pte_page(pte) + ((addr & ~hmask) >> PAGE_SHIFT);
		if (nr > room) {
			nr = room;
			w->next = addr + ((unsigned long)nr << PAGE_SHIFT);
			ret = ANON_FULL;
		}
		if (nr)
			folio_ref_add(folio, nr);
		for (i = 0; i < nr; i++)
			anon_add(w, page + i, addr + i * PAGE_SIZE, false);
	} else if (!folio && !huge_pte_none_mostly(pte)) {
		w->next = addr;
		w->absent = __pte(0);
		ret = ANON_ABSENT;
	}
	spin_unlock(ptl);
	return ret;
}
#else
#define anon_hugetlb_entry	NULL
#endif

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
static int anon_huge_entry(pmd_t pmd, unsigned long addr, unsigned long end,
			   struct mm_walk *walk)
{
	unsigned int i, nr = (end - addr) >> PAGE_SHIFT;
	struct anon_walk *w = walk->private;
	struct page *page;
	bool shared;

	if (!pmd_present(pmd)) {
		w->next = addr;
		w->absent = __pte(0);
		return ANON_ABSENT;
	}
	page = vm_normal_page_pmd(walk->vma, addr, pmd);
	if (!page || !folio_test_anon(page_folio(page)))
		return 0;
	/* in one record, so that it can be a huge page again */
	if (nr > CKPT_PAGES_MAX_PAGES - w->pages->nr) {
		w->next = addr;
		return ANON_FULL;
	}
	page += (addr & ~HPAGE_PMD_MASK) >> PAGE_SHIFT;
	folio_ref_add(page_folio(page), nr);
	shared = anon_shared(page_folio(page), page);
	for (i = 0; i < nr; i++)
		anon_add(w, page + i, addr + i * PAGE_SIZE, shared);
	return 0;
}
#else
static int anon_huge_entry(pmd_t pmd, unsigned long addr, unsigned long end,
			   struct mm_walk *walk)
{
	return 0;
}
#endif

static int anon_pte_entry(pte_t pte, unsigned long addr, struct mm_walk *walk)
{
	struct anon_walk *w = walk->private;
	struct page *page;
	swp_entry_t entry;
	bool zeros;

	if (pte_none(pte))
		return 0;
	if (!pte_present(pte)) {
		entry = pte_to_swp_entry(pte);
		if (is_pte_marker_entry(entry) && !is_poisoned_swp_entry(entry))
			return 0;
		w->next = addr;
		w->absent = pte;
		if (is_hwpoison_entry(entry) || is_poisoned_swp_entry(entry))
			return -EHWPOISON;
		return ANON_ABSENT;
	}
	/* which KSM can make of a page of zeros */
	zeros = !w->zero_ok && is_zero_pfn(pte_pfn(pte));
	page = zeros ? pte_page(pte) : vm_normal_page(walk->vma, addr, pte);
	if (!page || (!zeros && !folio_test_anon(page_folio(page))))
		return 0;
	if (w->pages->nr == CKPT_PAGES_MAX_PAGES) {
		w->next = addr;
		return ANON_FULL;
	}
	get_page(page);
	anon_add(w, page, addr,
		 !zeros && anon_shared(page_folio(page), page));
	return 0;
}

static int anon_pmd_entry(pmd_t *pmd, unsigned long addr, unsigned long end,
			  struct mm_walk *walk)
{
	pte_t *start, *pte;
	spinlock_t *ptl;	/* of the page table */
	int ret = 0;

	ptl = pmd_trans_huge_lock(pmd, walk->vma);
	if (ptl) {
		__acquire(ptl);		/* sparse cannot see it */
		ret = anon_huge_entry(*pmd, addr, end, walk);
		spin_unlock(ptl);
		return ret;
	}

	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	__acquire(ptl);		/* sparse cannot see it */
	for (pte = start; addr != end && !ret; pte++, addr += PAGE_SIZE)
		ret = anon_pte_entry(ptep_get(pte), addr, walk);
	pte_unmap_unlock(start, ptl);
	cond_resched();
	return ret;
}

static const struct mm_walk_ops anon_walk_ops = {
	.test_walk	= anon_test_walk,
	.pmd_entry	= anon_pmd_entry,
	.hugetlb_entry	= anon_hugetlb_entry,
	.walk_lock	= PGWALK_RDLOCK,
};

#ifdef CONFIG_SWAP
/*
 * Does the page table still have @pte? Somebody who reads this memory from
 * outside may have brought in what is swapped out, and the swap entry may be
 * that of another process by now.
 */
static bool anon_still_out(struct vm_area_struct *vma, unsigned long addr,
			   pte_t pte)
{
	pmd_t *pmd = mm_find_pmd(vma->vm_mm, addr);
	pte_t *ptep = NULL;
	spinlock_t *ptl;	/* of the page table */
	bool same;

	if (pmd)
		ptep = pte_offset_map_lock(vma->vm_mm, pmd, addr, &ptl);
	if (!ptep)
		return false;
	__acquire(ptl);		/* sparse cannot see it */
	same = pte_same(ptep_get(ptep), pte);
	pte_unmap_unlock(ptep, ptl);
	return same;
}

/* The page of a swap entry that a page table of @vma has; NULL if it fails */
static struct page *anon_swap_page(struct vm_area_struct *vma,
				   unsigned long addr, pte_t pte)
{
	swp_entry_t entry = pte_to_swp_entry(pte);
	struct page *page = NULL;
	struct mempolicy *mpol;
	struct folio *folio;
	pgoff_t ilx, i;

	mpol = get_vma_policy(vma, addr, 0, &ilx);
	folio = swap_cluster_readahead(entry, GFP_HIGHUSER_MOVABLE, mpol, ilx);
	mpol_cond_put(mpol);
	if (!folio)
		return NULL;
	if (!folio_lock_killable(folio)) {
		i = swp_offset(entry) - swp_offset(folio->swap);
		if (folio_test_swapcache(folio) && folio_test_uptodate(folio) &&
		    swp_type(folio->swap) == swp_type(entry) &&
		    i < folio_nr_pages(folio) &&
		    anon_still_out(vma, addr, pte))
			page = folio_page(folio, i);
		folio_unlock(folio);
	}
	if (!page || PageHWPoison(page)) {
		folio_put(folio);
		return NULL;
	}
	return page;
}

/*
 * Read what is swapped out through the swap cache, which gives the page back
 * when memory is wanted: the page table stays as it is, and so does what the
 * process has in memory. Returns whether this could be done.
 */
static bool anon_read_swap(struct mm_struct *mm, struct anon_walk *w)
{
	swp_entry_t entry = pte_to_swp_entry(w->absent);
	struct swap_info_struct *si;
	struct page *page;

	if (!w->keep_out || pte_none(w->absent) || non_swap_entry(entry))
		return false;
	si = get_swap_device(entry);
	if (!si)
		return false;
	page = anon_swap_page(vma_lookup(mm, w->next), w->next, w->absent);
	put_swap_device(si);
	if (!page)
		return false;
	anon_add(w, page, w->next, !pte_swp_exclusive(w->absent));
	w->next += PAGE_SIZE;
	return true;
}
#else
static bool anon_read_swap(struct mm_struct *mm, struct anon_walk *w)
{
	return false;
}
#endif

/*
 * Bring in what is swapped out, or wait for what is being moved: what a fault
 * would do. The page is taken right here, before it can go away again.
 */
static int anon_bring_in(struct mm_struct *mm, struct anon_walk *w,
			 int *locked)
{
	struct folio *folio;
	struct page *page;
	long n;

	if (anon_read_swap(mm, w))
		return 0;
	n = get_user_pages_remote(mm, w->next, 1, FOLL_FORCE, &page, locked);
	if (n != 1)
		return n < 0 ? n : -EFAULT;
	folio = page_folio(page);
	if (folio_test_anon(folio))
		anon_add(w, page, w->next, anon_shared(folio, page));
	else
		put_page(page);
	w->next += PAGE_SIZE;
	return 0;
}

/* Returns ANON_FULL, 0 at the end of the walk, or an errno. */
static int anon_walk(struct mm_struct *mm, struct anon_walk *w)
{
	int ret, locked = 0;

	do {
		if (!locked && mmap_read_lock_killable(mm))
			return -EINTR;
		locked = 1;
		ret = 0;
		if (w->next < w->end)
			ret = walk_page_range(mm, w->next, w->end,
					      &anon_walk_ops, w);
		if (ret != ANON_ABSENT)
			break;
		ret = ANON_FULL;
		if (w->pages->nr == CKPT_PAGES_MAX_PAGES)
			break;
		if (fatal_signal_pending(current))
			ret = -EINTR;
		else
			ret = anon_bring_in(mm, w, &locked);
	} while (!ret);
	if (locked)
		mmap_read_unlock(mm);
	return ret;
}

static int anon_gather(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct anon_walk *w = priv;
	int err, ret;

	w->pages = p;
	ret = anon_walk(w->mm, w);
	err = ret < 0 ? 0 : ckpt_share_find(ctx, p, w->mm, &w->kin);
	if (err < 0)
		return err;
	if (fatal_signal_pending(current))
		return -EINTR;
	if (test_bit(MMF_UNSTABLE, &w->mm->flags))
		return ckpt_err(ctx, -EBUSY, "its memory is being taken away by the OOM killer");
	/* set before there is a breakpoint that would be saved with its page */
	if (test_bit(MMF_HAS_UPROBES, &w->mm->flags))
		return ckpt_err(ctx, -EBUSY, "somebody has put uprobes into its memory: try again when they are gone");
	if (ret < 0)
		return ckpt_err(ctx, ret, "memory at %#lx cannot be read: error %d",
				w->next, ret);
	return ret == ANON_FULL;
}

/**
 * ckpt_anon_write - write the private pages of an address space
 * @ctx: the context
 * @mm: the address space, whose tasks are parked; or its duplicate, when the
 *	tree runs and the table of objects is gone
 *
 * Context: process context, may sleep; takes and drops the mmap lock.
 * Return: 0, -ENOMEM, -EINTR, -EBUSY if the OOM killer takes the memory
 * away, -EHWPOISON for a page that is broken, or the errno of the write.
 */
int ckpt_anon_write(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	struct anon_walk w = {
		.mm = mm, .end = mm->task_size, .keep_out = true,
	};

	return ckpt_pages_write(ctx, anon_gather, &w);
}

/**
 * ckpt_anon_checkpoint - write the private pages of an address space
 * @ctx: the context
 * @mm: the address space, whose tasks are parked
 *
 * While a snapshot is taken it is duplicated, and written later.
 *
 * Context: process context, may sleep; takes and drops the mmap lock.
 * Return: 0, or the errno of ckpt_anon_write() or ckpt_mm_duplicate().
 */
int ckpt_anon_checkpoint(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	u64 begin = ktime_get_ns();
	int err = 0;

	if (ctx->snapshot)
		err = ckpt_mm_duplicate(ctx, mm);
	/* there is none, or it has just been given up */
	if (!err && !ctx->snapshot)
		err = ckpt_anon_write(ctx, mm);
	ctx->stats.memory_ns += ktime_get_ns() - begin;
	return err;
}

/* ------------------------------------------------------------- restart */

/* How a page comes into a page table */
enum anon_how {
	ANON_EXCLUSIVE,		/* new, and of this address space alone */
	ANON_COW,		/* new, and others may come to share it */
	ANON_SAME,		/* that of another address space */
};

/**
 * struct anon_load - private pages on their way into an address space
 * @mm: the address space
 * @same: buffer for what it shares with another, or NULL so far
 */
struct anon_load {
	struct mm_struct *mm;
	struct ckpt_pages *same;
};

/* The mapping that an extent is in, if it may have private pages. */
static struct vm_area_struct *anon_vma_lookup(struct mm_struct *mm,
					      const struct ckpt_extent *ext)
{
	struct vm_area_struct *vma = vma_lookup(mm, ext->addr);
	u64 len = (u64)ext->nr_pages << PAGE_SHIFT;

	if (!vma || len > vma->vm_end - ext->addr ||
	    (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP)) ||
	    !is_cow_mapping(vma->vm_flags))
		return NULL;
	return vma;
}

/* Pages from @addr to the end of its page table, at most @nr. */
static unsigned int anon_table_room(unsigned long addr, unsigned int nr)
{
	return min_t(unsigned long, nr,
		     (pmd_addr_end(addr, ULONG_MAX) - addr) >> PAGE_SHIFT);
}

/* Let the reverse map and reclaim know of a new folio; its table is locked. */
static void anon_add_new(struct vm_area_struct *vma, unsigned long addr,
			 struct folio *folio, enum anon_how how)
{
	if (how == ANON_EXCLUSIVE) {
		folio_add_new_anon_rmap(folio, vma, addr, RMAP_EXCLUSIVE);
		folio_add_lru_vma(folio, vma);
		return;
	}
	/* nobody else knows it yet */
	__folio_set_locked(folio);
	folio_add_new_anon_rmap(folio, vma, addr, RMAP_NONE);
	folio_add_lru_vma(folio, vma);
	folio_unlock(folio);
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/* A huge page if a fault at @addr might get one, and all of it has data. */
static struct folio *anon_alloc_huge(struct vm_area_struct *vma,
				     unsigned long addr, unsigned int nr)
{
	struct folio *folio;
	gfp_t gfp;

	if (!IS_ALIGNED(addr, HPAGE_PMD_SIZE) || nr < HPAGE_PMD_NR ||
	    !vma_is_anonymous(vma) || !vma_is_accessible(vma) ||
	    !thp_vma_allowable_order(vma, vma->vm_flags,
				     TVA_IN_PF | TVA_ENFORCE_SYSFS, PMD_ORDER))
		return NULL;
	gfp = vma_thp_gfp_mask(vma);
	folio = vma_alloc_folio(gfp, HPAGE_PMD_ORDER, vma, addr, true);
	if (folio && mem_cgroup_charge(folio, vma->vm_mm, gfp)) {
		folio_put(folio);
		return NULL;
	}
	return folio;
}

/*
 * Returns the number of pages, 0 if something is there, -EBUSY if a page table
 * is, which takes small pages only, or an errno.
 */
static int anon_install_huge(struct vm_area_struct *vma, pmd_t *pmd,
			     unsigned long addr, struct folio *folio,
			     enum anon_how how)
{
	struct mm_struct *mm = vma->vm_mm;
	pgtable_t pgtable;
	spinlock_t *ptl;	/* of the page table */
	pmd_t entry;
	int ret;

	pgtable = pte_alloc_one(mm);
	if (!pgtable)
		return -ENOMEM;
	if (how != ANON_SAME)
		__folio_mark_uptodate(folio);

	ptl = pmd_lock(mm, pmd);
	if (!pmd_none(*pmd)) {
		ret = pmd_trans_huge(*pmd) ? 0 : -EBUSY;
		spin_unlock(ptl);
		pte_free(mm, pgtable);
		return ret;
	}
	entry = pmd_mkdirty(mk_huge_pmd(&folio->page, vma->vm_page_prot));
	if (how == ANON_EXCLUSIVE)
		entry = maybe_pmd_mkwrite(entry, vma);
	if (how == ANON_SAME)
		folio_add_anon_rmap_pmd(folio, &folio->page, vma, addr,
					RMAP_NONE);
	else
		anon_add_new(vma, addr, folio, how);
	pgtable_trans_huge_deposit(mm, pmd, pgtable);
	set_pmd_at(mm, addr, pmd, entry);
	update_mmu_cache_pmd(vma, addr, pmd);
	add_mm_counter(mm, MM_ANONPAGES, HPAGE_PMD_NR);
	mm_inc_nr_ptes(mm);
	if (how != ANON_SAME)
		deferred_split_folio(folio, false);
	spin_unlock(ptl);
	return HPAGE_PMD_NR;
}
#else
static struct folio *anon_alloc_huge(struct vm_area_struct *vma,
				     unsigned long addr, unsigned int nr)
{
	return NULL;
}

static int anon_install_huge(struct vm_area_struct *vma, pmd_t *pmd,
			     unsigned long addr, struct folio *folio,
			     enum anon_how how)
{
	return -EINVAL;
}
#endif

/*
 * Have in small pages what @p has from @p->done on in a huge one: somebody who
 * reads this memory from outside has brought a page table there, and that stays
 * even when it is empty.
 */
static int anon_split(struct vm_area_struct *vma, unsigned long addr,
		      struct ckpt_pages *p)
{
	struct page *page, **pages = p->page + p->done;
	struct folio *folio = page_folio(*pages);
	unsigned int i, nr = folio_nr_pages(folio);

	for (i = 0; i < nr; i++) {
		page = alloc_page_vma(GFP_HIGHUSER_MOVABLE, vma,
				      addr + i * PAGE_SIZE);
		if (!page)
			goto undo;
		copy_highpage(page, folio_page(folio, i));
		pages[i] = page;
		if (mem_cgroup_charge(page_folio(page), vma->vm_mm,
				      GFP_KERNEL)) {
			i++;
			goto undo;
		}
	}
	folio_put(folio);
	return 0;
undo:
	while (i--) {
		put_page(pages[i]);
		pages[i] = folio_page(folio, i);
	}
	return -ENOMEM;
}

/* Where the policy of the mapping has them, or else that of the task */
static unsigned long anon_alloc_bulk(struct vm_area_struct *vma,
				     unsigned long addr, struct page **page,
				     unsigned int nr)
{
	if (vma_policy(vma)) {
		*page = alloc_page_vma(GFP_HIGHUSER_MOVABLE, vma, addr);
		return !!*page;
	}
	if (IS_ENABLED(CONFIG_NUMA))
		return alloc_pages_bulk_array_mempolicy(GFP_HIGHUSER_MOVABLE,
							nr, page);
	return alloc_pages_bulk_array(GFP_HIGHUSER_MOVABLE, nr, page);
}

static int anon_alloc_small(struct vm_area_struct *vma, unsigned long addr,
			    struct ckpt_pages *p, unsigned int nr)
{
	struct page **page = p->page + p->nr;
	unsigned long i, n, got = 0;

	memset(page, 0, nr * sizeof(*page));
	while (got < nr) {
		n = anon_alloc_bulk(vma, addr + got * PAGE_SIZE, page + got,
				    nr - got);
		if (!n)
			break;
		got += n;
	}
	p->nr += got;
	if (got < nr)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		if (mem_cgroup_charge(page_folio(page[i]), vma->vm_mm,
				      GFP_KERNEL))
			return -ENOMEM;
	return 0;
}

static int anon_alloc_extent(struct vm_area_struct *vma, struct ckpt_pages *p,
			     const struct ckpt_extent *ext)
{
	unsigned int i, n, nr = ext->nr_pages;
	unsigned long addr = ext->addr;
	struct folio *folio;
	int err;

	for (; nr; nr -= n, addr += n * PAGE_SIZE) {
		n = anon_table_room(addr, nr);
		folio = anon_alloc_huge(vma, addr, nr);
		if (folio) {
			for (i = 0; i < n; i++)
				p->page[p->nr++] = folio_page(folio, i);
			continue;
		}
		err = anon_alloc_small(vma, addr, p, n);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Huge pages of hugetlbfs come into the page tables by a fault, and the content
 * into them: each page has a reference of its own.
 */
static int anon_alloc_hugetlb(struct vm_area_struct *vma, struct ckpt_pages *p,
			      const struct ckpt_extent *ext)
{
	unsigned long addr = ext->addr;
	unsigned int nr = ext->nr_pages;
	unsigned int flags = FOLL_FORCE;
	long i, n;

	/* not the page of the file, where there is one */
	if (vma->vm_flags & VM_WRITE)
		flags |= FOLL_WRITE;
	for (; nr; nr -= n, addr += n * PAGE_SIZE) {
		n = get_user_pages_remote(vma->vm_mm, addr, nr, flags,
					  p->page + p->nr, NULL);
		if (n <= 0)
			return n == -EFAULT || !n ? -ENOMEM : n;
		p->nr += n;
		/* what the file has, and others see */
		for (i = p->nr - n; i < p->nr; i++)
			if (!folio_test_anon(page_folio(p->page[i])))
				return -EINVAL;
	}
	return 0;
}

static int anon_alloc(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct vm_area_struct *vma;
	struct anon_load *l = priv;
	struct mm_struct *mm = l->mm;
	unsigned int i;
	int err = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for (i = 0; i < p->in->nr_extents && !err; i++) {
		const struct ckpt_extent *ext = &p->in->extents[i];

		vma = anon_vma_lookup(mm, ext);
		if (vma && ext->kind == CKPT_EXTENT_SAME)
			continue;
		if (vma && is_vm_hugetlb_page(vma))
			err = anon_alloc_hugetlb(vma, p, ext);
		else if (vma)
			err = anon_alloc_extent(vma, p, ext);
		else
			err = ckpt_err(ctx, -EINVAL, "image: %u pages at %#llx are in no private mapping",
				       ext->nr_pages, ext->addr);
	}
	mmap_read_unlock(mm);
	return err;
}

/* A huge page has one reference for all of its pages. */
static void anon_drop(struct ckpt_pages *p)
{
	struct folio *folio;

	while (p->done < p->nr) {
		folio = page_folio(p->page[p->done]);
		p->done += folio_test_hugetlb(folio) ? 1 :
						       folio_nr_pages(folio);
		folio_put(folio);
	}
}

static pmd_t *anon_pmd_alloc(struct mm_struct *mm, unsigned long addr)
{
	p4d_t *p4d = p4d_alloc(mm, pgd_offset(mm, addr), addr);
	pud_t *pud = p4d ? pud_alloc(mm, p4d, addr) : NULL;

	return pud ? pmd_alloc(mm, pud, addr) : NULL;
}

/*
 * Install up to @nr pages in one page table. Returns the number of pages, 0
 * if something is there, or an errno. One that another address space has must
 * be locked.
 */
static int anon_install_small(struct vm_area_struct *vma, pmd_t *pmd,
			      unsigned long addr, struct page **page,
			      unsigned int nr, enum anon_how how)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned long start = addr;
	struct folio *folio;
	spinlock_t *ptl;	/* of the page table */
	pte_t *pte, entry;
	unsigned int i;

	if (pte_alloc(mm, pmd))
		return -ENOMEM;
	pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!pte)
		return 0;
	__acquire(ptl);		/* sparse cannot see it */
	for (i = 0; i < nr; i++, addr += PAGE_SIZE) {
		if (!pte_none(ptep_get(pte + i)))
			break;
		folio = page_folio(page[i]);
		entry = pte_mkdirty(mk_pte(page[i], vma->vm_page_prot));
		if (how == ANON_EXCLUSIVE && (vma->vm_flags & VM_WRITE))
			entry = pte_mkwrite(entry, vma);
		if (how == ANON_SAME) {
			folio_add_anon_rmap_ptes(folio, page[i], 1, vma, addr,
						 RMAP_NONE);
		} else {
			/* what was read into it is visible before it is mapped */
			__folio_mark_uptodate(folio);
			anon_add_new(vma, addr, folio, how);
		}
		set_pte_at(mm, addr, pte + i, entry);
	}
	add_mm_counter(mm, MM_ANONPAGES, i);
	if (i)
		update_mmu_cache_range(NULL, vma, start, pte, i);
	pte_unmap_unlock(pte, ptl);
	return i;
}

static int anon_install_extent(struct vm_area_struct *vma,
			       const struct ckpt_extent *ext,
			       struct ckpt_pages *p)
{
	unsigned int room, nr = ext->nr_pages;
	unsigned long addr = ext->addr;
	enum anon_how how = ANON_EXCLUSIVE;
	struct folio *folio;
	pmd_t *pmd;
	int n;

	if (is_vm_hugetlb_page(vma)) {
		while (nr--)
			put_page(p->page[p->done++]);
		return 0;
	}
	if (ext->kind == CKPT_EXTENT_COW)
		how = ANON_COW;
	if (anon_vma_prepare(vma))
		return -ENOMEM;
	for (; nr; nr -= n, addr += n * PAGE_SIZE, p->done += n) {
		folio = page_folio(p->page[p->done]);
		room = anon_table_room(addr, nr);
		pmd = anon_pmd_alloc(vma->vm_mm, addr);
		if (!pmd)
			return -ENOMEM;
		if (folio_test_large(folio))
			n = anon_install_huge(vma, pmd, addr, folio, how);
		else
			n = anon_install_small(vma, pmd, addr,
					       p->page + p->done, room, how);
		if (n == -EBUSY) {
			n = anon_split(vma, addr, p);
			if (!n)
				continue;
		}
		if (n < 0)
			return n;
		if (n)
			continue;
		/*
		 * Somebody who reads this memory from outside has faulted in
		 * the zero page, or that of the file. The next page may have
		 * been installed by us: leave it alone.
		 */
		if (fatal_signal_pending(current))
			return -EINTR;
		zap_page_range_single(vma, addr, folio_size(folio), NULL);
	}
	return 0;
}

/*
 * One page, which becomes that of the page table with the reference that the
 * caller has.
 */
static int anon_install_page(struct vm_area_struct *vma, unsigned long addr,
			     struct page *page, enum anon_how how)
{
	pmd_t *pmd = anon_pmd_alloc(vma->vm_mm, addr);
	int n;

	if (!pmd)
		return -ENOMEM;
	while (!(n = anon_install_small(vma, pmd, addr, &page, 1, how))) {
		if (fatal_signal_pending(current))
			return -EINTR;
		zap_page_range_single(vma, addr, PAGE_SIZE, NULL);
	}
	return min(n, 0);
}

/*
 * Can @vma have a page, locked, that another mapping has at the same address?
 * Not if that may write to it, or if the reverse map would not find it here:
 * the page may have been swapped out since it was restored.
 */
static bool anon_can_share(struct vm_area_struct *vma, unsigned long addr,
			   struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_anon(folio) && !folio_test_ksm(folio) &&
	       !anon_exclusive(folio, page) && vma->anon_vma &&
	       folio_anon_vma(folio) == vma->anon_vma->root &&
	       page_to_pgoff(page) == linear_page_index(vma, addr);
}

/* What cannot be shared is copied. */
static int anon_install_copy(struct vm_area_struct *vma, unsigned long addr,
			     struct page *page)
{
	struct page *copy = alloc_page_vma(GFP_HIGHUSER_MOVABLE, vma, addr);
	int err;

	if (!copy)
		return -ENOMEM;
	copy_highpage(copy, page);
	err = -ENOMEM;
	if (!mem_cgroup_charge(page_folio(copy), vma->vm_mm, GFP_KERNEL) &&
	    !anon_vma_prepare(vma))
		err = anon_install_page(vma, addr, copy, ANON_EXCLUSIVE);
	if (err)
		put_page(copy);
	return err;
}

/* Do the pages from @i on make up all of @folio, in a row? */
static bool anon_all_of(const struct folio *folio, const struct ckpt_pages *p,
			unsigned int i)
{
	unsigned long addr = p->addr[i] & PAGE_MASK;
	unsigned int j;

	if (p->nr - i < HPAGE_PMD_NR)
		return false;
	for (j = 0; j < HPAGE_PMD_NR; j++)
		if (p->page[i + j] != folio_page(folio, j) ||
		    (p->addr[i + j] & PAGE_MASK) != addr + j * PAGE_SIZE)
			return false;
	return true;
}

/*
 * A huge page that somebody has as one, and of which the other has replaced no
 * part; no mapping of a file can have one. Returns the number of pages, or 0 if
 * it is to be mapped page by page.
 */
static int anon_share_huge(struct vm_area_struct *vma, unsigned long addr,
			   struct ckpt_pages *p, unsigned int i)
{
	struct page *page = p->page[i];
	struct folio *folio = page_folio(page);
	pmd_t *pmd;
	int n;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ||
	    !vma_is_anonymous(vma) ||
	    !IS_ALIGNED(addr, HPAGE_PMD_SIZE) ||
	    !folio_test_pmd_mappable(folio) || !folio_entire_mapcount(folio) ||
	    !anon_all_of(folio, p, i) || !anon_can_share(vma, addr, page))
		return 0;
	pmd = anon_pmd_alloc(vma->vm_mm, addr);
	if (!pmd)
		return -ENOMEM;
	folio_get(folio);
	n = anon_install_huge(vma, pmd, addr, folio, ANON_SAME);
	if (n <= 0)
		folio_put(folio);
	return n == -EBUSY ? 0 : n;
}

/* Map what was gathered of another address space. */
static int anon_share(struct vm_area_struct *vma, struct ckpt_pages *p)
{
	unsigned long addr;
	struct page *page;
	unsigned int i;
	int n;

	for (i = 0; i < p->nr; i += n) {
		page = p->page[i];
		addr = p->addr[i] & PAGE_MASK;
		if (folio_lock_killable(page_folio(page)))
			return -EINTR;
		n = anon_share_huge(vma, addr, p, i);
		if (!n && anon_can_share(vma, addr, page)) {
			get_page(page);
			n = anon_install_page(vma, addr, page, ANON_SAME) ?: 1;
			if (n < 0)
				put_page(page);
		}
		folio_unlock(page_folio(page));
		if (!n)
			n = anon_install_copy(vma, addr, page) ?: 1;
		if (n < 0)
			return n;
		cond_resched();
	}
	return 0;
}

static int anon_install_same(struct ckpt_ctx *ctx, struct anon_load *l,
			     const struct ckpt_extent *ext)
{
	struct mm_struct *kin = ckpt_obj_fetch(ctx, ext->from, CKPT_OBJ_MM);
	struct anon_walk w = {
		.mm = kin,
		.next = ext->addr,
		.end = ext->addr + ((u64)ext->nr_pages << PAGE_SHIFT),
	};
	struct vm_area_struct *vma;
	unsigned int found = 0;
	bool holes = false;
	int err, more;

	if (IS_ERR(kin))
		return PTR_ERR(kin);
	if (!l->same)
		l->same = ckpt_pages_alloc(NULL);
	if (!l->same)
		return -ENOMEM;
	w.pages = l->same;
	do {
		more = anon_walk(kin, &w);
		found += l->same->nr;
		err = min(more, 0);
		if (!err && mmap_read_lock_killable(l->mm))
			err = -EINTR;
		if (!err) {
			vma = anon_vma_lookup(l->mm, ext);
			err = -EINVAL;
			if (vma && !is_vm_hugetlb_page(vma))
				err = anon_share(vma, l->same);
			holes = vma && vma_is_anonymous(vma);
			mmap_read_unlock(l->mm);
		}
		ckpt_pages_put(l->same);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
	} while (!err && more);
	/* elsewhere there would be what the file has */
	if (!err && !holes && found < ext->nr_pages)
		err = -EINVAL;
	return err;
}

static int anon_install(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct vm_area_struct *vma;
	struct anon_load *l = priv;
	unsigned int i;
	int err = 0;

	for (i = 0; i < p->in->nr_extents && !err; i++) {
		const struct ckpt_extent *ext = &p->in->extents[i];

		if (ext->kind == CKPT_EXTENT_SAME) {
			err = anon_install_same(ctx, l, ext);
		} else {
			if (mmap_read_lock_killable(l->mm))
				return -EINTR;
			vma = anon_vma_lookup(l->mm, ext);
			err = vma ? anon_install_extent(vma, ext, p) : -EINVAL;
			mmap_read_unlock(l->mm);
		}
		if (err)
			ckpt_err(ctx, err, "memory at %#llx cannot be restored: error %d",
				 ext->addr, err);
	}
	return err;
}

static const struct ckpt_load_ops anon_load_ops = {
	.cow		= true,
	.alloc		= anon_alloc,
	.install	= anon_install,
	.drop		= anon_drop,
};

/**
 * ckpt_anon_restore - read private pages into an address space
 * @ctx: the context
 * @mm: the address space of the current task, with all of its mappings
 *
 * Context: the restoring task, may sleep; takes and drops the mmap lock.
 * Return: 0, -EINVAL for a malformed image, -ENOMEM, -EINTR, or the errno of
 * the read.
 */
int ckpt_anon_restore(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	struct anon_load l = { .mm = mm };
	u64 begin = ktime_get_ns();
	int err = ckpt_pages_read(ctx, mm->task_size, &anon_load_ops, &l);

	kvfree(l.same);
	ctx->stats.memory_ns += ktime_get_ns() - begin;
	return err;
}
