// SPDX-License-Identifier: GPL-2.0
/*
 * The private pages of an address space: anonymous memory, and what was
 * copied on write of private file mappings.
 *
 * They are found by a walk of the page tables, and put back into them in
 * bulk: neither way goes through a page fault for each of them. What is not
 * in the page tables, or is the page of a file, is found again by a fault
 * after the restart.
 */

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/ktime.h>
#include <linux/memcontrol.h>
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
 * @vma_start: start of the mapping being walked
 * @zero_ok: a page of zeros need not be stored
 */
struct anon_walk {
	struct mm_struct *mm;
	struct ckpt_pages *pages;
	unsigned long next;
	unsigned long vma_start;
	bool zero_ok;
};

/* The reference to @page becomes that of @w->pages. */
static void anon_add(struct anon_walk *w, struct page *page,
		     unsigned long addr)
{
	struct ckpt_pages *p = w->pages;

	p->page[p->nr] = page;
	p->addr[p->nr] = addr | (addr == w->vma_start ? CKPT_PAGE_FIRST : 0) |
			 (w->zero_ok ? CKPT_PAGE_ZERO_OK : 0);
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
	w->zero_ok = vma_is_anonymous(vma);
	return 0;
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
static int anon_huge_entry(pmd_t pmd, unsigned long addr, unsigned long end,
			   struct mm_walk *walk)
{
	unsigned int i, nr = (end - addr) >> PAGE_SHIFT;
	struct anon_walk *w = walk->private;
	struct page *page;

	if (!pmd_present(pmd)) {
		w->next = addr;
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
	for (i = 0; i < nr; i++)
		anon_add(w, page + i, addr + i * PAGE_SIZE);
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

	if (pte_none(pte))
		return 0;
	if (!pte_present(pte)) {
		entry = pte_to_swp_entry(pte);
		if (is_pte_marker_entry(entry) && !is_poisoned_swp_entry(entry))
			return 0;
		w->next = addr;
		if (is_hwpoison_entry(entry) || is_poisoned_swp_entry(entry))
			return -EHWPOISON;
		return ANON_ABSENT;
	}
	page = vm_normal_page(walk->vma, addr, pte);
	if (!page || !folio_test_anon(page_folio(page)))
		return 0;
	if (w->pages->nr == CKPT_PAGES_MAX_PAGES) {
		w->next = addr;
		return ANON_FULL;
	}
	get_page(page);
	anon_add(w, page, addr);
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
	.walk_lock	= PGWALK_RDLOCK,
};

/*
 * Bring in what is swapped out, or wait for what is being moved: what a fault
 * would do. The page is taken right here, before it can go away again.
 */
static int anon_bring_in(struct mm_struct *mm, struct anon_walk *w,
			 int *locked)
{
	struct page *page;
	long n;

	n = get_user_pages_remote(mm, w->next, 1, FOLL_FORCE, &page, locked);
	if (n != 1)
		return n < 0 ? n : -EFAULT;
	if (folio_test_anon(page_folio(page)))
		anon_add(w, page, w->next);
	else
		put_page(page);
	w->next += PAGE_SIZE;
	return 0;
}

/* Returns ANON_FULL, 0 at the end of the address space, or an errno. */
static int anon_walk(struct mm_struct *mm, struct anon_walk *w)
{
	int ret, locked = 0;

	do {
		if (!locked && mmap_read_lock_killable(mm))
			return -EINTR;
		locked = 1;
		ret = 0;
		if (w->next < mm->task_size)
			ret = walk_page_range(mm, w->next, mm->task_size,
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
	int ret;

	w->pages = p;
	ret = anon_walk(w->mm, w);
	if (fatal_signal_pending(current))
		return -EINTR;
	if (test_bit(MMF_UNSTABLE, &w->mm->flags))
		return ckpt_err(ctx, -EBUSY, "its memory is being taken away by the OOM killer");
	if (ret < 0)
		return ckpt_err(ctx, ret, "memory at %#lx cannot be read: error %d",
				w->next, ret);
	return ret == ANON_FULL;
}

/**
 * ckpt_anon_checkpoint - write the private pages of an address space
 * @ctx: the context
 * @mm: the address space, whose tasks are parked
 *
 * Context: process context, may sleep; takes and drops the mmap lock.
 * Return: 0, -ENOMEM, -EINTR, -EBUSY if the OOM killer takes the memory
 * away, -EHWPOISON for a page that is broken, or the errno of the write.
 */
int ckpt_anon_checkpoint(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	struct anon_walk w = { .mm = mm };
	u64 begin = ktime_get_ns();
	int err = ckpt_pages_write(ctx, anon_gather, &w);

	ctx->stats.memory_ns += ktime_get_ns() - begin;
	return err;
}

/* ------------------------------------------------------------- restart */

/* The mapping that an extent is in, if it may have private pages. */
static struct vm_area_struct *anon_vma_lookup(struct mm_struct *mm,
					      const struct ckpt_extent *ext)
{
	struct vm_area_struct *vma = vma_lookup(mm, ext->addr);
	u64 len = (u64)ext->nr_pages << PAGE_SHIFT;

	if (!vma || len > vma->vm_end - ext->addr ||
	    (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB)) ||
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
			     unsigned long addr, struct folio *folio)
{
	struct mm_struct *mm = vma->vm_mm;
	pgtable_t pgtable;
	spinlock_t *ptl;	/* of the page table */
	pmd_t entry;
	int ret;

	pgtable = pte_alloc_one(mm);
	if (!pgtable)
		return -ENOMEM;
	__folio_mark_uptodate(folio);

	ptl = pmd_lock(mm, pmd);
	if (!pmd_none(*pmd)) {
		ret = pmd_trans_huge(*pmd) ? 0 : -EBUSY;
		spin_unlock(ptl);
		pte_free(mm, pgtable);
		return ret;
	}
	entry = mk_huge_pmd(&folio->page, vma->vm_page_prot);
	entry = maybe_pmd_mkwrite(pmd_mkdirty(entry), vma);
	folio_add_new_anon_rmap(folio, vma, addr, RMAP_EXCLUSIVE);
	folio_add_lru_vma(folio, vma);
	pgtable_trans_huge_deposit(mm, pmd, pgtable);
	set_pmd_at(mm, addr, pmd, entry);
	update_mmu_cache_pmd(vma, addr, pmd);
	add_mm_counter(mm, MM_ANONPAGES, HPAGE_PMD_NR);
	mm_inc_nr_ptes(mm);
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
			     unsigned long addr, struct folio *folio)
{
	return -EINVAL;
}
#endif

/*
 * Have in small pages what @p has from @p->done on in a huge one: somebody who
 * reads this memory from outside has brought a page table there, and that stays
 * even when it is empty.
 */
static int anon_split(struct mm_struct *mm, struct ckpt_pages *p)
{
	struct page *page, **pages = p->page + p->done;
	struct folio *folio = page_folio(*pages);
	unsigned int i, nr = folio_nr_pages(folio);

	for (i = 0; i < nr; i++) {
		page = alloc_page(GFP_HIGHUSER_MOVABLE);
		if (!page)
			goto undo;
		copy_highpage(page, folio_page(folio, i));
		pages[i] = page;
		if (mem_cgroup_charge(page_folio(page), mm, GFP_KERNEL)) {
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

static unsigned long anon_alloc_bulk(struct page **page, unsigned int nr)
{
	if (IS_ENABLED(CONFIG_NUMA))
		return alloc_pages_bulk_array_mempolicy(GFP_HIGHUSER_MOVABLE,
							nr, page);
	return alloc_pages_bulk_array(GFP_HIGHUSER_MOVABLE, nr, page);
}

static int anon_alloc_small(struct mm_struct *mm, struct ckpt_pages *p,
			    unsigned int nr)
{
	struct page **page = p->page + p->nr;
	unsigned long i, n, got = 0;

	memset(page, 0, nr * sizeof(*page));
	while (got < nr) {
		n = anon_alloc_bulk(page + got, nr - got);
		if (!n)
			break;
		got += n;
	}
	p->nr += got;
	if (got < nr)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		if (mem_cgroup_charge(page_folio(page[i]), mm, GFP_KERNEL))
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
		err = anon_alloc_small(vma->vm_mm, p, n);
		if (err)
			return err;
	}
	return 0;
}

static int anon_alloc(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct vm_area_struct *vma;
	struct mm_struct *mm = priv;
	unsigned int i;
	int err = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for (i = 0; i < p->in->nr_extents && !err; i++) {
		const struct ckpt_extent *ext = &p->in->extents[i];

		vma = anon_vma_lookup(mm, ext);
		if (vma)
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
		p->done += folio_nr_pages(folio);
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
 * if something is there, or an errno.
 */
static int anon_install_small(struct vm_area_struct *vma, pmd_t *pmd,
			      unsigned long addr, struct page **page,
			      unsigned int nr)
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
		/* what was read into it is visible before it is mapped */
		__folio_mark_uptodate(folio);
		entry = pte_mkdirty(mk_pte(page[i], vma->vm_page_prot));
		if (vma->vm_flags & VM_WRITE)
			entry = pte_mkwrite(entry, vma);
		folio_add_new_anon_rmap(folio, vma, addr, RMAP_EXCLUSIVE);
		folio_add_lru_vma(folio, vma);
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
	struct folio *folio;
	pmd_t *pmd;
	int n;

	if (anon_vma_prepare(vma))
		return -ENOMEM;
	for (; nr; nr -= n, addr += n * PAGE_SIZE, p->done += n) {
		folio = page_folio(p->page[p->done]);
		room = anon_table_room(addr, nr);
		pmd = anon_pmd_alloc(vma->vm_mm, addr);
		if (!pmd)
			return -ENOMEM;
		if (folio_test_large(folio))
			n = anon_install_huge(vma, pmd, addr, folio);
		else
			n = anon_install_small(vma, pmd, addr,
					       p->page + p->done, room);
		if (n == -EBUSY) {
			n = anon_split(vma->vm_mm, p);
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

static int anon_install(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv)
{
	struct vm_area_struct *vma;
	struct mm_struct *mm = priv;
	unsigned int i;
	int err = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for (i = 0; i < p->in->nr_extents && !err; i++) {
		const struct ckpt_extent *ext = &p->in->extents[i];

		vma = anon_vma_lookup(mm, ext);
		err = vma ? anon_install_extent(vma, ext, p) : -EINVAL;
		if (err)
			ckpt_err(ctx, err, "memory at %#llx cannot be restored: error %d",
				 ext->addr, err);
	}
	mmap_read_unlock(mm);
	return err;
}

static const struct ckpt_load_ops anon_load_ops = {
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
	u64 begin = ktime_get_ns();
	int err = ckpt_pages_read(ctx, mm->task_size, &anon_load_ops, mm);

	ctx->stats.memory_ns += ktime_get_ns() - begin;
	return err;
}
