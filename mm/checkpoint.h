/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint and restart of memory: what its files share with each other.
 */
#ifndef __MM_CHECKPOINT_H
#define __MM_CHECKPOINT_H

#include <linux/bvec.h>
#include <linux/checkpoint_types.h>
#include <linux/workqueue.h>

struct anon_vma;
struct mempolicy;
struct vm_area_struct;

/* A bit of ckpt_obj_mark() on an address space: its pages are in the image */
#define CKPT_MM_MARK_WRITTEN	0x1

/* In the low bits of struct ckpt_pages.addr */
#define CKPT_PAGE_FIRST		0x1UL	/* continues no run that ends here */
#define CKPT_PAGE_ZERO_OK	0x2UL	/* a page of zeros need not be stored */
#define CKPT_PAGE_COW		0x4UL	/* other address spaces may share it */

/**
 * struct ckpt_pages - pages on their way to the image, or from it
 * @nr: how many there are
 * @done: writing: those in @rec, and before; reading: those installed
 * @page: the pages, referenced
 * @addr: writing: where they belong, an address or an offset in bytes, with
 *	CKPT_PAGE_* in its low bits
 * @from: writing: where @addr has CKPT_PAGE_COW: the objref of an address space
 *	that has this page, or 0
 * @bvec: segments of the payload
 * @nr_bvec: number of segments
 * @nr_rec: writing: number of pages of @rec
 * @work: what another CPU does meanwhile: makes @rec, or verifies the pages
 * @queued: @work has been started and not been waited for
 * @own: writing: they are copies, nobody else has them
 * @err: reading: what came of it
 * @in: reading: the record, to be freed with kvfree(), or NULL
 * @rec: writing: the record, with room for CKPT_PAGES_MAX_EXTENTS
 *
 * Two of these are the buffer that memory needs, however much there is of it.
 */
struct ckpt_pages {
	unsigned int nr;
	unsigned int done;
	struct page *page[CKPT_PAGES_MAX_PAGES];
	unsigned long addr[CKPT_PAGES_MAX_PAGES];
	u32 from[CKPT_PAGES_MAX_PAGES];
	struct bio_vec bvec[CKPT_PAGES_MAX_PAGES];
	unsigned int nr_bvec;
	unsigned int nr_rec;
	struct work_struct work;
	bool queued;
	bool own;
	int err;
	struct ckpt_hdr_pages *in;
	struct ckpt_hdr_pages rec;
};

/*
 * Fill in pages, in ascending order of their addresses over all calls.
 * Returns 1 if there may be more, 0 at the end, or a negative errno, reported.
 */
typedef int ckpt_gather_t(struct ckpt_ctx *ctx, struct ckpt_pages *p,
			  void *priv);

/**
 * struct ckpt_load_ops - where pages that are read go
 * @cow: extents of all kinds may come, and not CKPT_EXTENT_DATA alone
 * @alloc: fill in pages for the extents of @in that have a payload; @in is
 *	well-formed; they may hold anything
 * @install: put them where they belong: they have their content now
 * @drop: put the references that are left; called whatever happened before
 */
struct ckpt_load_ops {
	bool cow;
	int (*alloc)(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv);
	int (*install)(struct ckpt_ctx *ctx, struct ckpt_pages *p, void *priv);
	void (*drop)(struct ckpt_pages *p);
};

/* checkpoint_pages.c */
struct ckpt_pages *ckpt_pages_alloc(work_func_t work);
void ckpt_pages_put(struct ckpt_pages *p);
int ckpt_pages_write(struct ckpt_ctx *ctx, ckpt_gather_t *gather, void *priv);
int ckpt_pages_read(struct ckpt_ctx *ctx, u64 end,
		    const struct ckpt_load_ops *ops, void *priv);

/* checkpoint_anon.c */
int ckpt_anon_checkpoint(struct ckpt_ctx *ctx, struct mm_struct *mm);
int ckpt_anon_write(struct ckpt_ctx *ctx, struct mm_struct *mm);
int ckpt_anon_restore(struct ckpt_ctx *ctx, struct mm_struct *mm);

/* checkpoint_share.c */
int ckpt_share_find(struct ckpt_ctx *ctx, struct ckpt_pages *p,
		    struct mm_struct *mm, struct mm_struct **kin);

/* checkpoint_rmap.c */
struct anon_vma *ckpt_anon_family(struct vm_area_struct *vma);
int ckpt_anon_join(struct vm_area_struct *vma, struct anon_vma *root);

/**
 * struct ckpt_mempolicy - a NUMA memory policy as it was found
 * @h: its record, without nodes
 * @nodes: those; zeros at the end are not written
 */
struct ckpt_mempolicy {
	struct ckpt_hdr_mempolicy h;
	u64 nodes[CKPT_NODES_WORDS];
};

/**
 * ckpt_mempolicy_read - read a policy
 * @ctx: the context
 *
 * Context: process context, may sleep.
 * Return: the record, with no more nodes than there can be, and nothing else of
 * it checked, to be freed with kvfree(); or ERR_PTR as of ckpt_read_rec().
 */
static inline struct ckpt_hdr_mempolicy *
ckpt_mempolicy_read(struct ckpt_ctx *ctx)
{
	return ckpt_read_rec(ctx, CKPT_HDR_MEMPOLICY,
			     sizeof(struct ckpt_hdr_mempolicy),
			     sizeof(struct ckpt_mempolicy));
}

/* checkpoint_mempolicy.c */
#ifdef CONFIG_NUMA
void ckpt_mempolicy_save(const struct mempolicy *pol, struct ckpt_mempolicy *p);
int ckpt_mempolicy_write(struct ckpt_ctx *ctx, struct ckpt_mempolicy *p);
int ckpt_mempolicy_restore(struct vm_area_struct *vma,
			   const struct ckpt_hdr_mempolicy *h);
#else
static inline void ckpt_mempolicy_save(const struct mempolicy *pol,
				       struct ckpt_mempolicy *p)
{
}

static inline int ckpt_mempolicy_write(struct ckpt_ctx *ctx,
				       struct ckpt_mempolicy *p)
{
	return -ENOSYS;
}

static inline int ckpt_mempolicy_restore(struct vm_area_struct *vma,
					 const struct ckpt_hdr_mempolicy *h)
{
	return -EINVAL;
}
#endif

/**
 * struct ckpt_vma - a mapping as it was found
 * @h: its record, without objrefs
 * @file: the file mapped, referenced, or NULL
 * @anon: of ckpt_anon_family(), or NULL
 * @refused: why it cannot be saved, or NULL
 * @policy: if @h.policy, else undefined
 * @name: if @h.name, else undefined
 */
struct ckpt_vma {
	struct ckpt_hdr_vma h;
	struct file *file;
	struct anon_vma *anon;
	const char *refused;
	struct ckpt_mempolicy policy;
	char name[CKPT_VMA_NAME_MAX];
};

/* checkpoint_vma.c */
int ckpt_vma_special(struct vm_area_struct *vma);
int ckpt_vma_find(struct mm_struct *mm, unsigned long addr, struct ckpt_vma *v);
void ckpt_vma_put(struct ckpt_vma *v);
int ckpt_vma_collect(struct ckpt_ctx *ctx, const struct ckpt_vma *v);
int ckpt_vma_checkpoint(struct ckpt_ctx *ctx, struct ckpt_vma *v);
int ckpt_vma_restore(struct ckpt_ctx *ctx, struct mm_struct *mm, u64 *pos);

/* checkpoint_huge.c */
bool ckpt_huge_internal(struct file *file);
bool ckpt_huge_anon(struct vm_area_struct *vma);

/* checkpoint_snapshot.c */
int ckpt_mm_duplicate(struct ckpt_ctx *ctx, struct mm_struct *mm);

/* checkpoint_shmem.c */
bool ckpt_is_shmem(struct vm_area_struct *vma);

#endif /* __MM_CHECKPOINT_H */
