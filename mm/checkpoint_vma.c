// SPDX-License-Identifier: GPL-2.0
/*
 * One mapping of an address space: told apart, saved, and made again at its
 * exact place with its exact flags.
 */

#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/ksm.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pkeys.h>
#include <linux/rmap.h>
#include <linux/sched/signal.h>
#include <linux/secretmem.h>
#include <linux/security.h>
#include <linux/shmem_fs.h>

#include "internal.h"
#include "vma.h"
#include "checkpoint.h"

#define CKPT_VM_MAY	(VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)

/* What mmap() decides on, for good */
#define CKPT_VM_FIXED	(VM_SHARED | VM_MAYSHARE | VM_GROWSDOWN | VM_DROPPABLE)

/* What a program can change later, of a mapping of the vdso too */
#define CKPT_VM_TUNABLE	(VM_ACCESS_FLAGS | VM_SEQ_READ | VM_RAND_READ |	\
			 VM_DONTCOPY | VM_WIPEONFORK | VM_DONTDUMP |	\
			 VM_HUGEPAGE | VM_NOHUGEPAGE | VM_ACCOUNT |	\
			 ARCH_VM_PKEY_FLAGS | VM_SEALED | VM_SOFTDIRTY)

/* All that is saved of a mapping of memory or of a file */
#define CKPT_VM_FLAGS	(CKPT_VM_FIXED | CKPT_VM_TUNABLE | CKPT_VM_MAY | \
			 VM_LOCKED_MASK | VM_NORESERVE | VM_MERGEABLE)

/* On every mapping of huge pages of hugetlbfs */
#define CKPT_VM_HUGE	(VM_HUGETLB | VM_DONTEXPAND)

/*
 * On a new mapping while it is made: such a one is never merged with its
 * neighbours, and khugepaged and KSM leave it alone.
 */
#define CKPT_VM_MAKING	VM_DONTEXPAND

static bool kind_special(u32 kind)
{
	return kind == CKPT_VMA_VDSO || kind == CKPT_VMA_VVAR;
}

/* ---------------------------------------------------------- checkpoint */

/**
 * ckpt_vma_special - is a mapping one of the vdso?
 * @vma: the mapping
 *
 * Context: the mmap lock is held.
 * Return: CKPT_VMA_VDSO, CKPT_VMA_VVAR, or -1 for any other mapping.
 */
int ckpt_vma_special(struct vm_area_struct *vma)
{
	const char *name;

	if (vma->vm_file || !vma->vm_ops || !vma->vm_ops->name)
		return -1;
	name = vma->vm_ops->name(vma);
	if (name && !strcmp(name, "[vdso]"))
		return CKPT_VMA_VDSO;
	if (name && !strcmp(name, "[vvar]"))
		return CKPT_VMA_VVAR;
	return -1;
}

/* Why the mapping of a file cannot be saved, or NULL. */
static const char *file_refused(struct vm_area_struct *vma)
{
	struct file *file = vma->vm_file;
	struct inode *inode = file_inode(file);

	if (vma_is_secretmem(vma))
		return "memory of memfd_secret()";
	if (ckpt_ring_mapped(vma))
		return ckpt_ring_refused(vma);
	if (vma_is_dax(vma))
		return "DAX";
	if (is_vm_hugetlb_page(vma) && !ckpt_huge_internal(file))
		return "huge pages of hugetlbfs";
	/* they come back by a fault that writes */
	if (is_vm_hugetlb_page(vma) && vma->anon_vma &&
	    !(vma->vm_flags & VM_WRITE) && !ckpt_huge_anon(vma))
		return "private huge pages of a file, write protected";
	if (is_vm_hugetlb_page(vma))
		return NULL;
	if (shmem_mapping(file->f_mapping)) {
		if (ckpt_is_shm_file(file) || ckpt_is_shmem(vma))
			return NULL;
		if (IS_PRIVATE(inode))
			return "memory of the kernel's own tmpfs";
	}
	/* a private mapping of /dev/zero is anonymous */
	if (!S_ISREG(inode->i_mode) && !vma_is_anonymous(vma))
		return "no regular file";
	return NULL;
}

/* Those that mmap() gives to what is mapped, and that are not saved */
static vm_flags_t vma_given(struct vm_area_struct *vma)
{
	if (is_vm_hugetlb_page(vma))
		return CKPT_VM_HUGE;
	return ckpt_ring_mapped(vma) ? VM_MIXEDMAP : 0;
}

/* What is saved of its flags */
static vm_flags_t vma_flags(struct vm_area_struct *vma)
{
	return vma->vm_flags & ~vma_given(vma);
}

/* Why a mapping cannot be saved, or NULL. */
static const char *vma_refused(struct vm_area_struct *vma, bool special)
{
	static const struct {
		vm_flags_t flags;
		const char *name;
	} table[] = {
		{ VM_UFFD_MISSING | VM_UFFD_WP | VM_UFFD_MINOR, "userfaultfd" },
		{ VM_SHADOW_STACK, "shadow stack" },
		{ VM_IO | VM_PFNMAP | VM_MIXEDMAP, "memory of a device" },
		{ VM_SYNC, "MAP_SYNC" },
		{ VM_DONTEXPAND, "mapping made by the kernel" },
		{ ~CKPT_VM_FLAGS, "flags not known" },
	};
	int i;

	if (special)
		return vma_policy(vma) ? "NUMA memory policy" : NULL;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (vma_flags(vma) & table[i].flags)
			return table[i].name;
	if (vma->vm_file)
		return file_refused(vma);
	return vma_is_anonymous(vma) ? NULL : "mapping made by the kernel";
}

static u32 vma_kind(struct vm_area_struct *vma)
{
	int special = ckpt_vma_special(vma);

	if (special >= 0)
		return special;
	if (ckpt_huge_anon(vma))
		return CKPT_VMA_HUGE;
	if (ckpt_is_shmem(vma))
		return CKPT_VMA_SHMEM;
	if (vma->vm_file && ckpt_is_shm_file(vma->vm_file))
		return CKPT_VMA_SYSV;
	if (vma->vm_flags & VM_MAYSHARE)
		return CKPT_VMA_SHARED;
	return vma->vm_file ? CKPT_VMA_FILE : CKPT_VMA_ANON;
}

static void vma_fill(struct ckpt_vma *v, struct vm_area_struct *vma)
{
	struct anon_vma_name *name = anon_vma_name(vma);

	v->h.kind = vma_kind(vma);
	v->h.start = vma->vm_start;
	v->h.end = vma->vm_end;
	v->h.flags = vma_flags(vma);
	v->refused = vma_refused(vma, kind_special(v->h.kind));
	if (vma->vm_file) {
		v->file = get_file(vma->vm_file);
		v->h.pgoff = vma->vm_pgoff;
	}
	if ((v->h.kind == CKPT_VMA_ANON || v->h.kind == CKPT_VMA_FILE) &&
	    !is_vm_hugetlb_page(vma))
		v->anon = ckpt_anon_family(vma);
	if (name) {
		v->h.name = 1;
		strscpy(v->name, name->name);
	}
	if (vma_policy(vma)) {
		v->h.policy = 1;
		ckpt_mempolicy_save(vma_policy(vma), &v->policy);
	}
}

/**
 * ckpt_vma_find - look at the next mapping
 * @mm: the address space
 * @addr: the mapping that ends behind this
 * @v: what it is, to be put with ckpt_vma_put()
 *
 * The lock is not kept: what is to be done about the mapping may take long,
 * and need other locks.
 *
 * Context: process context, may sleep; takes and drops the mmap lock.
 * Return: 1, 0 if there is none, or -EINTR.
 */
int ckpt_vma_find(struct mm_struct *mm, unsigned long addr, struct ckpt_vma *v)
{
	struct vm_area_struct *vma;

	/* not the policy and the name, which are large, and seldom there */
	memset(v, 0, offsetof(struct ckpt_vma, policy));
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, addr);
	if (vma)
		vma_fill(v, vma);
	mmap_read_unlock(mm);
	return !!vma;
}

/**
 * ckpt_vma_put - done with what ckpt_vma_find() found
 * @v: the mapping
 *
 * Context: process context, may sleep.
 */
void ckpt_vma_put(struct ckpt_vma *v)
{
	if (v->file)
		fput(v->file);
	v->file = NULL;
	if (v->anon)
		put_anon_vma(v->anon);
	v->anon = NULL;
}

static enum ckpt_obj_type vma_file_type(u32 kind)
{
	switch (kind) {
	case CKPT_VMA_SHMEM:
	case CKPT_VMA_HUGE:
		return CKPT_OBJ_SHMEM;
	case CKPT_VMA_SYSV:
		return CKPT_OBJ_SHM_FILE;
	default:
		return CKPT_OBJ_FILE;
	}
}

/**
 * ckpt_vma_collect - count what a mapping uses, refuse what is not supported
 * @ctx: the context
 * @v: the mapping
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOSYS, -ENOMEM, or the errno of the collect of the file.
 */
int ckpt_vma_collect(struct ckpt_ctx *ctx, const struct ckpt_vma *v)
{
	int err = 0;

	if (v->refused && v->file)
		return ckpt_err(ctx, -ENOSYS, "memory %#llx-%#llx (%pD): %s: not supported",
				v->h.start, v->h.end, v->file, v->refused);
	if (v->refused)
		return ckpt_err(ctx, -ENOSYS, "memory %#llx-%#llx: %s: not supported",
				v->h.start, v->h.end, v->refused);
	if (v->anon)
		err = ckpt_obj_collect(ctx, v->anon, CKPT_OBJ_ANON);
	if (err || !v->file)
		return err;
	if (vma_file_type(v->h.kind) != CKPT_OBJ_FILE)
		return ckpt_obj_collect(ctx, v->file, vma_file_type(v->h.kind));
	return ckpt_file_collect(ctx, v->file);
}

/**
 * ckpt_vma_checkpoint - write a mapping
 * @ctx: the context
 * @v: the mapping
 *
 * Context: process context, may sleep.
 * Return: 0, -EBUSY for one that was not there in the collect pass, or the
 * errno of the write.
 */
int ckpt_vma_checkpoint(struct ckpt_ctx *ctx, struct ckpt_vma *v)
{
	int err, ref;

	if (v->refused)
		return ckpt_err(ctx, -EBUSY, "memory %#llx-%#llx: appeared while the tree was being read, try again",
				v->h.start, v->h.end);
	if (v->file) {
		ref = ckpt_obj_checkpoint(ctx, v->file,
					  vma_file_type(v->h.kind));
		if (ref < 0)
			return ref;
		v->h.file = ref;
	}
	/* one that was not met is of a process outside that came or went */
	if (v->anon && ckpt_obj_collected(ctx, v->anon, CKPT_OBJ_ANON)) {
		ref = ckpt_obj_checkpoint(ctx, v->anon, CKPT_OBJ_ANON);
		if (ref < 0)
			return ref;
		v->h.anon = ref;
	}
	err = ckpt_write_rec(ctx, &v->h, CKPT_HDR_VMA, sizeof(v->h));
	if (!err && v->h.name)
		err = ckpt_write_string(ctx, v->name);
	if (!err && v->h.policy)
		err = ckpt_mempolicy_write(ctx, &v->policy);
	return err;
}

/* ------------------------------------------------------------- restart */

/* As prctl(PR_SET_VMA_ANON_NAME) wants it */
static bool name_valid(const char *name)
{
	for (; *name; name++)
		if (*name < 0x20 || *name > 0x7e || strchr("\\`$[]", *name))
			return false;
	return IS_ENABLED(CONFIG_ANON_VMA_NAME);
}

/* Could a program have given these flags to a mapping of this kind? */
static bool flags_valid(u32 kind, u64 flags)
{
	static const u64 without[CKPT_VMA_MAX] = {
		[CKPT_VMA_ANON] = VM_SHARED | VM_MAYSHARE,
		[CKPT_VMA_FILE] = VM_SHARED | VM_MAYSHARE | VM_GROWSDOWN |
				  VM_WIPEONFORK | VM_DROPPABLE,
		[CKPT_VMA_SHARED] = VM_GROWSDOWN | VM_WIPEONFORK |
				    VM_DROPPABLE | VM_ACCOUNT | VM_MERGEABLE,
		[CKPT_VMA_SHMEM] = VM_GROWSDOWN | VM_WIPEONFORK |
				   VM_DROPPABLE | VM_ACCOUNT | VM_MERGEABLE,
		[CKPT_VMA_SYSV] = VM_GROWSDOWN | VM_WIPEONFORK |
				  VM_DROPPABLE | VM_ACCOUNT | VM_MERGEABLE,
		[CKPT_VMA_HUGE] = VM_GROWSDOWN | VM_WIPEONFORK |
				  VM_DROPPABLE | VM_ACCOUNT | VM_MERGEABLE,
	};
	static const u64 with[CKPT_VMA_MAX] = {
		[CKPT_VMA_SHARED] = VM_MAYSHARE,
		[CKPT_VMA_SHMEM] = VM_MAYSHARE | VM_SHARED,
		[CKPT_VMA_SYSV] = VM_MAYSHARE,
	};
	const u64 droppable = VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;

	/* VM_MAY% is four bits above VM_% */
	if ((flags & ~(flags >> 4)) & VM_ACCESS_FLAGS)
		return false;
	if (hweight64(flags & (VM_SEQ_READ | VM_RAND_READ)) > 1 ||
	    hweight64(flags & (VM_HUGEPAGE | VM_NOHUGEPAGE)) > 1)
		return false;
	if ((flags & ARCH_VM_PKEY_FLAGS) && !arch_pkeys_enabled())
		return false;
	if ((flags & (VM_HUGEPAGE | VM_NOHUGEPAGE)) &&
	    !IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		return false;
	if (kind_special(kind))
		return true;

	if ((flags & ~CKPT_VM_FLAGS) || (flags & without[kind]) ||
	    (flags & with[kind]) != with[kind])
		return false;
	if ((flags & VM_LOCKED_MASK) == VM_LOCKONFAULT)
		return false;
	if ((flags & VM_MERGEABLE) && !IS_ENABLED(CONFIG_KSM))
		return false;
	return !(flags & VM_DROPPABLE) ||
	       ((flags & droppable) == droppable &&
		!(flags & (VM_GROWSDOWN | VM_LOCKED_MASK | VM_MERGEABLE)));
}

static bool vma_valid(const struct ckpt_hdr_vma *h, u64 pos, u64 end)
{
	bool file = h->kind == CKPT_VMA_FILE || h->kind == CKPT_VMA_SHARED ||
		    h->kind == CKPT_VMA_SHMEM || h->kind == CKPT_VMA_SYSV ||
		    h->kind == CKPT_VMA_HUGE;

	if (h->kind >= CKPT_VMA_MAX || h->name > 1 || h->policy > 1 ||
	    h->reserved || (h->policy && kind_special(h->kind)) ||
	    (h->anon && h->kind != CKPT_VMA_ANON && h->kind != CKPT_VMA_FILE))
		return false;
	if (!PAGE_ALIGNED(h->start) || !PAGE_ALIGNED(h->end) ||
	    h->start < pos || h->end <= h->start || h->end > end)
		return false;
	if (!h->file != !file || (!file && h->pgoff))
		return false;
	if (h->name && (h->kind == CKPT_VMA_SYSV || h->kind == CKPT_VMA_HUGE))
		return false;
	return flags_valid(h->kind, h->flags);
}

static int set_name(struct vm_area_struct *vma, const char *name)
{
#ifdef CONFIG_ANON_VMA_NAME
	if (!name)
		return 0;
	anon_vma_name_put(vma->anon_name);
	vma->anon_name = anon_vma_name_alloc(name);
	if (!vma->anon_name)
		return -ENOMEM;
#endif
	return 0;
}

/* What mlock() would check and count */
static int set_locked(struct vm_area_struct *vma, vm_flags_t flags)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned long len = vma->vm_end - vma->vm_start;

	if (!(flags & VM_LOCKED))
		return 0;
	if (!vma_supports_mlock(vma))
		return -EINVAL;
	if (!can_do_mlock() || !mlock_future_ok(mm, flags, len))
		return -EPERM;
	vm_flags_set(vma, flags & VM_LOCKED_MASK);
	mm->locked_vm += len >> PAGE_SHIFT;
	return 0;
}

static int set_mergeable(struct vm_area_struct *vma, vm_flags_t flags)
{
	unsigned long new = 0;
	int err;

	if (!(flags & VM_MERGEABLE))
		return 0;
	err = ksm_madvise(vma, vma->vm_start, vma->vm_end, MADV_MERGEABLE,
			  &new);
	if (!err)
		vm_flags_set(vma, new);
	return err;
}

/*
 * Give a mapping the flags that it had, beginning from those that mmap() gave
 * it now: what the file, its mount and the limits do not allow any more is
 * not granted.
 */
static int vma_set_flags(struct vm_area_struct *vma, u32 kind, vm_flags_t want,
			 const char *name)
{
	bool huge = is_vm_hugetlb_page(vma);
	vm_flags_t given = vma_given(vma);
	vm_flags_t got = vma->vm_flags & ~given;
	unsigned long pages = vma_pages(vma);
	struct mm_struct *mm = vma->vm_mm;
	int err;

	if (kind_special(kind)) {
		if ((want ^ got) & ~CKPT_VM_TUNABLE)
			return -EINVAL;
	} else {
		got &= ~CKPT_VM_MAKING;
		if ((got & ~CKPT_VM_FLAGS) || ((want ^ got) & CKPT_VM_FIXED) ||
		    (huge && (want & (VM_ACCOUNT | VM_LOCKED_MASK |
				      VM_MERGEABLE))) ||
		    (kind == CKPT_VMA_HUGE && !huge))
			return -EINVAL;
		if (want & ~got & CKPT_VM_MAY)
			return -EACCES;
		/* with strict overcommit there is no way around accounting */
		want &= ~VM_NORESERVE | got;
	}
	/* that of the caller: what was saved is in force only later */
	if (map_deny_write_exec(got, want))
		return -EACCES;
	want |= got & VM_ACCOUNT;
	if ((want & ~got & VM_ACCOUNT) && security_vm_enough_memory_mm(mm, pages))
		return -ENOMEM;

	/*
	 * The file counts the shared mappings that may write. One that may not
	 * is of a memfd that was sealed before.
	 */
	if ((want & VM_SHARED) && (vma->vm_flags & ~want & VM_MAYWRITE))
		mapping_unmap_writable(vma->vm_file->f_mapping);
	vm_stat_account(mm, vma->vm_flags, -pages);
	vm_stat_account(mm, want, pages);
	vma_start_write(vma);
	vm_flags_reset(vma, given | (want & ~(VM_LOCKED_MASK | VM_MERGEABLE)));
	vma_set_page_prot(vma);

	err = set_locked(vma, want);
	if (!err)
		err = set_mergeable(vma, want);
	/* as prctl(2) checks it */
	if (!err && name && vma->vm_file && !vma_is_anon_shmem(vma))
		err = -EINVAL;
	if (!err)
		err = set_name(vma, name);
	return err;
}

/**
 * struct vma_more - what the record of a mapping refers to
 * @name: its name, or NULL
 * @policy: its NUMA policy, or NULL; not checked yet
 * @anon: the family that it is of, or NULL
 */
struct vma_more {
	char *name;
	struct ckpt_hdr_mempolicy *policy;
	struct anon_vma *anon;
};

/* Map it; the mmap lock is held for writing. */
static int vma_map(struct mm_struct *mm, const struct ckpt_hdr_vma *h,
		   struct file *file, unsigned long prot, unsigned long flags,
		   const struct vma_more *more)
{
	struct vm_area_struct *vma;
	unsigned long addr, populate;
	LIST_HEAD(uf);
	int err;

	addr = do_mmap(file, h->start, h->end - h->start, prot, flags,
		       CKPT_VM_MAKING, h->pgoff, &populate, &uf);
	if (IS_ERR_VALUE(addr))
		return addr;
	vma = vma_lookup(mm, addr);
	if (!vma || vma->vm_start != h->start || vma->vm_end != h->end)
		return -EINVAL;
	err = vma_set_flags(vma, h->kind, h->flags, more->name);
	if (!err && h->policy)
		err = ckpt_mempolicy_restore(vma, more->policy);
	if (!err && more->anon)
		err = ckpt_anon_join(vma, more->anon);
	return err;
}

static int vma_restore_mapping(struct mm_struct *mm,
			       const struct ckpt_hdr_vma *h, struct file *file,
			       const struct vma_more *more)
{
	unsigned long prot = h->flags & VM_ACCESS_FLAGS;
	unsigned long flags = MAP_FIXED_NOREPLACE;
	int err;

	/* or mmap() would look for a protection key */
	if (prot == PROT_EXEC)
		prot |= PROT_READ;
	if (h->flags & VM_MAYSHARE)
		flags |= MAP_SHARED;
	else if (h->flags & VM_DROPPABLE)
		flags |= MAP_DROPPABLE;
	else
		flags |= MAP_PRIVATE;
	if (!file)
		flags |= MAP_ANONYMOUS;
	if (h->flags & VM_GROWSDOWN)
		flags |= MAP_GROWSDOWN;
	if (h->flags & VM_NORESERVE)
		flags |= MAP_NORESERVE;

	err = security_mmap_file(file, prot, flags);
	if (err)
		return err;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	err = vma_map(mm, h, file, prot, flags, more);
	mmap_write_unlock(mm);
	return err;
}

/* The mapping is there, made with the address space. */
static int vma_restore_special(struct mm_struct *mm,
			       const struct ckpt_hdr_vma *h, const char *name)
{
	unsigned long prot = h->flags & VM_ACCESS_FLAGS;
	struct vm_area_struct *vma;
	int err = -EINVAL;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, h->start);
	if (vma && vma->vm_start == h->start && vma->vm_end == h->end &&
	    ckpt_vma_special(vma) == h->kind)
		err = 0;
	/* what the program did with mprotect() since exec mapped it */
	if (!err && prot != (vma->vm_flags & VM_ACCESS_FLAGS))
		err = security_file_mprotect(vma, prot, prot);
	if (!err)
		err = vma_set_flags(vma, h->kind, h->flags, name);
	mmap_write_unlock(mm);
	return err;
}

static int vma_restore(struct ckpt_ctx *ctx, struct mm_struct *mm,
		       const struct ckpt_hdr_vma *h, struct vma_more *more)
{
	struct ckpt_shm_stamp stamp;
	struct file *file = NULL;
	int err;

	if (kind_special(h->kind))
		return vma_restore_special(mm, h, more->name);
	if (h->file) {
		file = ckpt_obj_fetch(ctx, h->file, vma_file_type(h->kind));
		if (IS_ERR(file))
			return PTR_ERR(file);
	}
	if (h->anon) {
		more->anon = ckpt_obj_fetch(ctx, h->anon, CKPT_OBJ_ANON);
		if (IS_ERR(more->anon))
			return PTR_ERR(more->anon);
	}
	if (h->kind != CKPT_VMA_SYSV)
		return vma_restore_mapping(mm, h, file, more);
	ckpt_shm_stamp_get(file, &stamp);
	err = vma_restore_mapping(mm, h, file, more);
	ckpt_shm_stamp_put(file, &stamp);
	return err;
}

/**
 * ckpt_vma_restore - read a mapping and make it
 * @ctx: the context
 * @mm: the address space of the current task
 * @pos: lowest address that may come; moved behind what came
 *
 * Context: the restoring task, may sleep; takes and drops the mmap lock.
 * Return: 0, -EINVAL for a malformed record, or the errno that mmap() would
 * give: -EACCES, -EPERM, -ENOMEM, -EEXIST ...
 */
int ckpt_vma_restore(struct ckpt_ctx *ctx, struct mm_struct *mm, u64 *pos)
{
	struct vma_more more = {};
	struct ckpt_hdr_vma h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_VMA, sizeof(h));
	if (err)
		return err;
	if (!vma_valid(&h, *pos, mm->task_size))
		return ckpt_err(ctx, -EINVAL, "image: memory %#llx-%#llx: malformed record (kind %u, flags %#llx)",
				h.start, h.end, h.kind, h.flags);
	*pos = h.end;
	if (h.name) {
		more.name = ckpt_read_string(ctx, CKPT_VMA_NAME_MAX);
		if (IS_ERR(more.name))
			return PTR_ERR(more.name);
	}
	if (h.policy) {
		more.policy = ckpt_mempolicy_read(ctx);
		if (IS_ERR(more.policy)) {
			kvfree(more.name);
			return PTR_ERR(more.policy);
		}
	}
	if (current->mm != mm)
		err = ckpt_err(ctx, -EINVAL, "image: an address space inside of another");
	else if (more.name && !name_valid(more.name))
		err = ckpt_err(ctx, -EINVAL, "image: memory %#llx-%#llx: malformed name",
			       h.start, h.end);
	else
		err = vma_restore(ctx, mm, &h, &more);
	kvfree(more.policy);
	kvfree(more.name);
	if (err)
		ckpt_err(ctx, err, "memory %#llx-%#llx: cannot be mapped as it was: error %d",
			 h.start, h.end, err);
	return err;
}
