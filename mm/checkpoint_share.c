// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that address spaces share copy-on-write: found when they are saved.
 *
 * fork() leaves a page at the same address in parent and child. So the pages
 * of an address space that are not its own are looked for in the page tables
 * of those that were written before, at the same address: what is found there
 * is in the image. This takes no memory, and two address spaces are never
 * locked at once, since the tree is parked.
 *
 * Where they are duplicates, no page is exclusive, and it is the duplicates
 * that are looked through, which nobody writes to: those that come later, too,
 * for what a page is shared with. But a page that a duplicate has with its
 * original alone, or that the original has copied since, is nobody else's.
 */

#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>

#include "internal.h"
#include "checkpoint.h"

/* In the place of an objref: one that is written later */
#define SHARE_LATER	(~0U)

/**
 * struct share_walk - a walk that looks for pages in another address space
 * @pages: what is looked for
 * @i: the next of them
 * @left: how many have not been found
 * @objref: of the address space that is looked at
 * @dups: they are duplicates
 * @own: it is the original of the duplicate that the pages are of
 * @self: the address space that they are of
 * @kin: the last one in which something was found, or NULL
 */
struct share_walk {
	struct ckpt_pages *pages;
	unsigned int i;
	unsigned int left;
	u32 objref;
	bool dups;
	bool own;
	struct mm_struct *self;
	struct mm_struct *kin;
};

static bool wanted(const struct ckpt_pages *p, unsigned int i)
{
	return (p->addr[i] & CKPT_PAGE_COW) && !p->from[i];
}

/* The next page that is looked for from @addr on: is it before @end? */
static bool next_wanted(struct share_walk *w, unsigned long addr,
			unsigned long end)
{
	const struct ckpt_pages *p = w->pages;

	while (w->i < p->nr && ((p->addr[w->i] & PAGE_MASK) < addr ||
				!wanted(p, w->i)))
		w->i++;
	return w->i < p->nr && (p->addr[w->i] & PAGE_MASK) < end;
}

/* A duplicate holds on to what it has: so nobody has it but so many. */
static bool is_had_by(const struct page *page, int nr)
{
	const struct folio *folio = page_folio(page);

	return folio_mapcount(folio) <= nr && !folio_test_swapcache(folio);
}

static void compare(struct share_walk *w, bool same)
{
	struct ckpt_pages *p = w->pages;

	if (w->own)
		same = same && is_had_by(p->page[w->i], 2);
	if (same && w->own)
		p->addr[w->i] &= ~CKPT_PAGE_COW;
	else if (same)
		p->from[w->i] = w->objref;
	w->left -= same;
	w->i++;
}

/*
 * Are all of @w that @vma might have of another family than it? Of duplicates
 * all are looked for, and most are shared with nobody. They hold on to what
 * their pages point to.
 */
static bool other_family(struct share_walk *w, struct vm_area_struct *vma,
			 unsigned long start, unsigned long end)
{
	const struct ckpt_pages *p = w->pages;
	struct anon_vma *anon;
	unsigned int i;

	if (!w->dups)
		return false;
	if (!next_wanted(w, start, end))
		return true;
	for (i = w->i; i < p->nr && (p->addr[i] & PAGE_MASK) < end; i++) {
		if (!wanted(p, i))
			continue;
		anon = folio_anon_vma(page_folio(p->page[i]));
		if (!anon || anon->root == vma->anon_vma->root)
			return false;
	}
	return true;
}

static int share_test_walk(unsigned long start, unsigned long end,
			   struct mm_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;

	return !vma->anon_vma || (vma->vm_flags & (VM_SHARED | VM_PFNMAP)) ||
	       other_family(walk->private, vma, start, end);
}

/* One that is swapped out there may be in the swap cache here. */
static bool same_page(pte_t pte, struct page *page)
{
	swp_entry_t entry;

	if (pte_present(pte))
		return pte_pfn(pte) == page_to_pfn(page);
	if (pte_none(pte))
		return false;
	entry = pte_to_swp_entry(pte);
	return !non_swap_entry(entry) &&
	       folio_test_swapcache(page_folio(page)) &&
	       page_swap_entry(page).val == entry.val;
}

static void compare_huge(struct share_walk *w, pmd_t pmd, unsigned long addr,
			 unsigned long end)
{
	unsigned long at, first = pmd_pfn(pmd) -
				  ((addr & PMD_MASK) >> PAGE_SHIFT);

	if (!pmd_present(pmd))
		return;
	while (next_wanted(w, addr, end)) {
		at = w->pages->addr[w->i] >> PAGE_SHIFT;
		compare(w, page_to_pfn(w->pages->page[w->i]) == first + at);
	}
}

static int share_pmd_entry(pmd_t *pmd, unsigned long addr, unsigned long end,
			   struct mm_walk *walk)
{
	struct share_walk *w = walk->private;
	pte_t *start, *pte;
	spinlock_t *ptl;	/* of the page table */

	if (!next_wanted(w, addr, end))
		return w->i == w->pages->nr;
	ptl = pmd_trans_huge_lock(pmd, walk->vma);
	if (ptl) {
		__acquire(ptl);		/* sparse cannot see it */
		compare_huge(w, *pmd, addr, end);
		spin_unlock(ptl);
		return 0;
	}
	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start)
		return 0;
	__acquire(ptl);		/* sparse cannot see it */
	while (next_wanted(w, addr, end)) {
		pte = start + (((w->pages->addr[w->i] & PAGE_MASK) - addr) >>
			       PAGE_SHIFT);
		compare(w, same_page(ptep_get(pte), w->pages->page[w->i]));
	}
	pte_unmap_unlock(start, ptl);
	cond_resched();
	return 0;
}

static const struct mm_walk_ops share_walk_ops = {
	.test_walk	= share_test_walk,
	.pmd_entry	= share_pmd_entry,
	.walk_lock	= PGWALK_RDLOCK,
};

/* Returns 1 if nothing is left to be found, 0, or a negative errno. */
static int look_in(struct share_walk *w, struct mm_struct *mm, u32 objref)
{
	struct ckpt_pages *p = w->pages;
	unsigned int left = w->left;

	w->objref = objref;
	w->i = 0;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	if (next_wanted(w, 0, ULONG_MAX))
		walk_page_range(mm, p->addr[w->i] & PAGE_MASK,
				(p->addr[p->nr - 1] & PAGE_MASK) + PAGE_SIZE,
				&share_walk_ops, w);
	mmap_read_unlock(mm);
	if (w->left < left)
		w->kin = mm;
	return !w->left;
}

static int look_in_written(struct ckpt_ctx *ctx, void *ptr, void *priv)
{
	struct share_walk *w = priv;
	int ref;

	if (ptr == w->self ||
	    !(ckpt_obj_mark(ctx, ptr, CKPT_OBJ_MM, 0) & CKPT_MM_MARK_WRITTEN))
		return 0;
	ref = ckpt_obj_checkpoint(ctx, ptr, CKPT_OBJ_MM);
	return ref < 0 ? ref : look_in(w, ptr, ref);
}

static struct ckpt_dup *find_dup(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	struct ckpt_dup *dup;

	list_for_each_entry(dup, &ctx->dups, list)
		if (dup->mm == mm)
			return dup;
	return NULL;
}

/*
 * Which of the pages are its own? The original is looked at as it is by now:
 * what it has no more, it does not have with anybody. Returns 1 if all are, 0,
 * or a negative errno.
 */
static int look_in_original(struct share_walk *w, const struct ckpt_dup *dup)
{
	struct ckpt_pages *p = w->pages;
	unsigned int i;
	int ret;

	for (i = 0; i < p->nr; i++) {
		if (!wanted(p, i) || !is_had_by(p->page[i], 1))
			continue;
		p->addr[i] &= ~CKPT_PAGE_COW;
		w->left--;
	}
	if (!w->left)
		return 1;
	if (!mmget_not_zero(dup->orig))
		return 0;
	w->own = true;
	ret = look_in(w, dup->orig, 0);
	w->own = false;
	mmput(dup->orig);
	return ret;
}

/*
 * Pages that no other duplicate has are exclusive again; but a large folio of
 * which another has a part stays together, so that it can be a huge page again.
 * What only a later one has too is not in the image so far.
 */
static void settle(struct ckpt_pages *p)
{
	struct folio *folio;
	unsigned int i, end;
	bool shared;

	for (i = 0; i < p->nr; i = end) {
		folio = page_folio(p->page[i]);
		shared = false;
		for (end = i; end < p->nr; end++) {
			if (end > i && page_folio(p->page[end]) != folio)
				break;
			shared |= (p->addr[end] & CKPT_PAGE_COW) &&
				  p->from[end];
		}
		for (; i < end; i++) {
			if (!shared)
				p->addr[i] &= ~CKPT_PAGE_COW;
			else if (p->from[i] == SHARE_LATER)
				p->from[i] = 0;
		}
	}
}

/*
 * Which of the pages are those of another duplicate? That they are not
 * exclusive does not tell.
 */
static int look_in_dups(struct ckpt_ctx *ctx, struct ckpt_pages *p,
			struct share_walk *w, const struct ckpt_dup *self)
{
	struct ckpt_dup *dup;
	bool later = false;
	int ret = 0;

	w->dups = true;
	if (!list_is_singular(&ctx->dups))
		ret = look_in_original(w, self);
	list_for_each_entry(dup, &ctx->dups, list) {
		if (ret)
			break;
		if (dup == self) {
			later = true;
			continue;
		}
		ret = look_in(w, dup->mm, later ? SHARE_LATER : dup->objref);
		cond_resched();
	}
	settle(p);
	return ret;
}

/**
 * ckpt_share_find - find pages in address spaces that were written before
 * @ctx: the context of a checkpoint
 * @p: pages of @mm; of those that have CKPT_PAGE_COW, @from is set
 * @mm: the address space, or a duplicate of one
 * @kin: where to begin, or NULL; replaced
 *
 * Context: process context, may sleep; takes and drops the mmap lock of one
 * address space after another.
 * Return: 0 or -EINTR.
 */
int ckpt_share_find(struct ckpt_ctx *ctx, struct ckpt_pages *p,
		    struct mm_struct *mm, struct mm_struct **kin)
{
	struct share_walk w = { .pages = p, .self = mm, .kin = *kin };
	const struct ckpt_dup *dup = find_dup(ctx, mm);
	unsigned int i;
	int ret = 0;

	for (i = 0; i < p->nr; i++)
		w.left += wanted(p, i);
	if (!w.left)
		return 0;
	if (dup)
		return min(look_in_dups(ctx, p, &w, dup), 0);
	if (*kin)
		ret = look_in_written(ctx, *kin, &w);
	if (!ret)
		ret = ckpt_obj_for_each(ctx, CKPT_OBJ_MM, look_in_written, &w);
	*kin = w.kin;
	return min(ret, 0);
}
