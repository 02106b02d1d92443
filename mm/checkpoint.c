// SPDX-License-Identifier: GPL-2.0
/*
 * Address spaces: bounds, flags, and the mappings and pages in them.
 *
 * A restored task gets a fresh one, as exec makes it, and never a copy of
 * what it had before: everything is mapped by the functions that serve
 * mmap(), with their checks.
 */

#include <linux/auxvec.h>
#include <linux/binfmts.h>
#include <linux/buildid.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/elf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/khugepaged.h>
#include <linux/ksm.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmu_context.h>
#include <linux/mount.h>
#include <linux/nsproxy.h>
#include <linux/oom.h>
#include <linux/pkeys.h>
#include <linux/rseq.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/unaligned.h>
#include <linux/user_events.h>

#include <asm/ldt.h>
#include <asm/vdso.h>

#include "internal.h"
#include "checkpoint.h"

/* What a program, or exec for it, chose for its address space */
#define CKPT_MMF	(MMF_DUMPABLE_MASK | MMF_DUMP_FILTER_MASK |	\
			 MMF_DISABLE_THP_MASK | MMF_HAS_MDWE_MASK |	\
			 BIT(MMF_HAS_MDWE_NO_INHERIT) |			\
			 MMF_VM_MERGE_ANY_MASK | BIT(MMF_TOPDOWN))

/* Those that are in force only once everything is mapped */
#define CKPT_MMF_LATE	(MMF_HAS_MDWE_MASK | BIT(MMF_HAS_MDWE_NO_INHERIT))

#define CKPT_DEF_FLAGS	(VM_LOCKED_MASK | VM_NOHUGEPAGE)

#define CKPT_MEMBARRIER							\
	(MEMBARRIER_STATE_PRIVATE_EXPEDITED_READY |			\
	 MEMBARRIER_STATE_PRIVATE_EXPEDITED |				\
	 MEMBARRIER_STATE_GLOBAL_EXPEDITED_READY |			\
	 MEMBARRIER_STATE_GLOBAL_EXPEDITED |				\
	 MEMBARRIER_STATE_PRIVATE_EXPEDITED_SYNC_CORE_READY |		\
	 MEMBARRIER_STATE_PRIVATE_EXPEDITED_SYNC_CORE |			\
	 MEMBARRIER_STATE_PRIVATE_EXPEDITED_RSEQ_READY |		\
	 MEMBARRIER_STATE_PRIVATE_EXPEDITED_RSEQ)

/* ------------------------------------------- what the architecture has */

static const char *arch_refused(struct mm_struct *mm)
{
	if (!is_64bit_mm(mm) || mm->task_size != TASK_SIZE_MAX ||
	    (mm->context.vdso_image && mm->context.vdso_image != &vdso_image_64))
		return "32-bit program";
	if (mm_lam_cr3_mask(mm))
		return "linear address masking";
	return NULL;
}

#ifndef CONFIG_MODIFY_LDT_SYSCALL
int ckpt_ldt_save(struct mm_struct *mm, u64 **copy)
{
	*copy = NULL;
	return 0;
}

int ckpt_ldt_restore(struct ckpt_ctx *ctx, const u64 *ldt, unsigned int nr)
{
	return ckpt_err(ctx, -EINVAL, "local descriptor table: this kernel has none");
}
#endif

static void arch_save(struct ckpt_hdr_mm *h, struct mm_struct *mm)
{
#ifdef CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS
	h->pkeys = mm->context.pkey_allocation_map;
	h->exec_pkey = mm->context.execute_only_pkey;
#endif
}

static bool arch_valid(const struct ckpt_hdr_mm *h)
{
	/* with page tables of four levels, or of five */
	if (h->task_size != BIT_ULL(47) - PAGE_SIZE &&
	    h->task_size != BIT_ULL(56) - PAGE_SIZE)
		return false;
	/* from a CPU without them, or one on which only key 0 is in use */
	if (!arch_pkeys_enabled())
		return h->pkeys <= 1 && h->exec_pkey <= 0;
	return h->pkeys <= U16_MAX && h->exec_pkey >= -1 &&
	       h->exec_pkey < arch_max_pkey();
}

static void arch_restore(struct mm_struct *mm, const struct ckpt_hdr_mm *h)
{
	__set_bit(MM_CONTEXT_HAS_VSYSCALL, &mm->context.flags);
#ifdef CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS
	if (arch_pkeys_enabled() && h->pkeys) {
		mm->context.pkey_allocation_map = h->pkeys | 1;
		mm->context.execute_only_pkey = h->exec_pkey;
	}
#endif
}

/* The start of its build id: the code is patched for the CPU, this is not. */
static u64 vdso_id(const struct vdso_image *image)
{
	unsigned char id[BUILD_ID_SIZE_MAX] = {};
	const struct elf64_hdr *eh = image->data;
	const struct elf64_phdr *ph = image->data + eh->e_phoff;
	int i;

	for (i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_NOTE &&
		    !build_id_parse_buf(image->data + ph[i].p_offset, id,
					ph[i].p_filesz))
			break;
	return get_unaligned_le64(id);
}

static int restore_vdso(struct ckpt_ctx *ctx, struct mm_struct *mm,
			const struct ckpt_hdr_mm *h)
{
	const struct vdso_image *image = &vdso_image_64;
	unsigned long data_len = -image->sym_vvar_start;
	unsigned long vvar, vdso;
	u64 id = vdso_id(image);
	int err;

	if (!h->vdso && !h->vvar)
		return 0;
	if (h->vdso_id != id)
		return ckpt_err(ctx, -EINVAL, "image: of another build of the kernel: its vdso has the build id %*phN, that of this kernel %*phN",
				(int)sizeof(id), &h->vdso_id,
				(int)sizeof(id), &id);
	vvar = h->vvar ?: h->vdso - data_len;
	vdso = vvar + data_len;
	if (!PAGE_ALIGNED(vvar) || !vvar || vvar >= mm->task_size ||
	    (h->vdso && h->vdso != vdso))
		return ckpt_err(ctx, -EINVAL, "image: vdso at %#llx, its data at %#llx",
				h->vdso, h->vvar);

	/* an address there is a hint: nothing else is mapped yet */
	err = map_vdso_once(image, vvar);
	if (!err && mm->context.vdso != (void __user *)vdso)
		err = -ENOMEM;
	if (!err && !h->vvar)
		err = vm_munmap(vvar, data_len);
	if (!err && !h->vdso)
		err = vm_munmap(vdso, image->size);
	if (err)
		return ckpt_err(ctx, err, "the vdso cannot be mapped at %#lx: error %d",
				vdso, err);
	return 0;
}

/* ---------------------------------------------------------- checkpoint */

static const char *mm_refused(struct mm_struct *mm)
{
	const char *refused = arch_refused(mm);

	if (refused)
		return refused;
	if (test_bit(MMF_HAS_UPROBES, &mm->flags))
		return "uprobes";
#ifdef CONFIG_AIO
	if (rcu_access_pointer(mm->ioctx_table))
		return "asynchronous I/O contexts (io_setup())";
#endif
#ifdef CONFIG_IOMMU_MM_DATA
	if (mm->iommu_mm)
		return "address space shared with a device";
#endif
	/* it writes the core dumps */
	if (mm->binfmt != current->mm->binfmt)
		return "binary format";
	return NULL;
}

/* Count the mappings, and find those of the vdso. */
static int mm_survey(struct ckpt_ctx *ctx, struct mm_struct *mm,
		     struct ckpt_hdr_mm *h)
{
	VMA_ITERATOR(vmi, mm, 0);
	const struct vdso_image *image = &vdso_image_64;
	struct vm_area_struct *vma;
	unsigned long len;
	bool parts = false;
	int special;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for_each_vma(vmi, vma) {
		special = ckpt_vma_special(vma);
		len = vma->vm_end - vma->vm_start;
		h->nr_vmas++;
		if (special == CKPT_VMA_VDSO) {
			h->vdso = vma->vm_start;
			parts |= len != image->size;
		} else if (special == CKPT_VMA_VVAR) {
			h->vvar = vma->vm_start;
			parts |= len != -image->sym_vvar_start;
		}
	}
	mmap_read_unlock(mm);
	if (parts)
		return ckpt_err(ctx, -ENOSYS,
				"vdso of which a part was unmapped or changed: not supported");
	if (h->vdso && h->vvar && h->vdso + image->sym_vvar_start != h->vvar)
		return ckpt_err(ctx, -ENOSYS, "vdso at %#llx, away from its data at %#llx: not supported",
				h->vdso, h->vvar);
	return 0;
}

static void mm_grab(void *ptr)
{
	mmget(ptr);
}

static void mm_drop(void *ptr)
{
	mmput(ptr);
}

static int mm_obj_users(void *ptr)
{
	struct mm_struct *mm = ptr;

	return atomic_read(&mm->mm_users);
}

static int mm_obj_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct mm_struct *mm = ptr;
	const char *refused = mm_refused(mm);
	struct ckpt_hdr_mm *h;
	struct ckpt_vma v;
	struct file *exe;
	unsigned long addr;
	int ret;

	if (in_userns(ctx->caller_cred->user_ns, mm->user_ns)) {
		ret = ckpt_user_ns_collect(ctx, mm->user_ns, "address space");
		if (ret)
			return ret;
	}
	if (refused)
		return ckpt_err(ctx, -ENOSYS, "address space: %s: not supported",
				refused);
	h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h)
		return -ENOMEM;
	ret = mm_survey(ctx, mm, h);
	kfree(h);
	if (ret)
		return ret;

	exe = get_mm_exe_file(mm);
	if (exe) {
		ret = ckpt_file_collect(ctx, exe);
		fput(exe);
		if (ret)
			return ret;
	}
	for (addr = 0; (ret = ckpt_vma_find(mm, addr, &v)) > 0; addr = v.h.end) {
		ret = ckpt_vma_collect(ctx, &v);
		ckpt_vma_put(&v);
		if (ret)
			return ret;
	}
	return ret;
}

static void mm_fill(struct ckpt_hdr_mm *h, struct mm_struct *mm)
{
	BUILD_BUG_ON(AT_VECTOR_SIZE > CKPT_AUXV_MAX);

	h->flags = mm->flags & CKPT_MMF;
	h->def_flags = mm->def_flags & CKPT_DEF_FLAGS;
	spin_lock(&mm->arg_lock);
	h->start_code = mm->start_code;
	h->end_code = mm->end_code;
	h->start_data = mm->start_data;
	h->end_data = mm->end_data;
	h->start_brk = mm->start_brk;
	h->brk = mm->brk;
	h->start_stack = mm->start_stack;
	h->arg_start = mm->arg_start;
	h->arg_end = mm->arg_end;
	h->env_start = mm->env_start;
	h->env_end = mm->env_end;
	spin_unlock(&mm->arg_lock);
	h->mmap_base = mm->mmap_base;
	h->mmap_legacy_base = mm->mmap_legacy_base;
	h->task_size = mm->task_size;
	h->vdso_id = vdso_id(&vdso_image_64);
#ifdef CONFIG_MEMBARRIER
	h->membarrier_state = atomic_read(&mm->membarrier_state);
#endif
	memcpy(h->saved_auxv, mm->saved_auxv, sizeof(mm->saved_auxv));
	arch_save(h, mm);
}

static int mm_write_vmas(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 nr)
{
	struct ckpt_vma v;
	unsigned long addr;
	u32 n = 0;
	int ret;

	for (addr = 0; (ret = ckpt_vma_find(mm, addr, &v)) > 0; addr = v.h.end) {
		ret = ckpt_vma_checkpoint(ctx, &v);
		ckpt_vma_put(&v);
		if (ret)
			return ret;
		n++;
	}
	if (!ret && n != nr)
		return ckpt_err(ctx, -EBUSY, "its mappings changed while they were being read, try again");
	return ret;
}

static int mm_obj_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct mm_struct *mm = ptr;
	struct ckpt_hdr_mm *h;
	struct file *exe;
	u64 *ldt = NULL;
	int err;

	h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h)
		return -ENOMEM;
	err = mm_survey(ctx, mm, h);
	if (err)
		goto out;
	mm_fill(h, mm);
	/* that of the caller for one that is not below it */
	if (in_userns(ctx->caller_cred->user_ns, mm->user_ns)) {
		err = ckpt_user_ns_checkpoint(ctx, mm->user_ns);
		if (err < 0)
			goto out;
		h->user_ns = err;
	}
	exe = get_mm_exe_file(mm);
	if (exe) {
		err = ckpt_obj_checkpoint(ctx, exe, CKPT_OBJ_FILE);
		fput(exe);
		if (err < 0)
			goto out;
		h->exe_file = err;
	}
	err = ckpt_ldt_save(mm, &ldt);
	if (err < 0)
		goto out;
	err = ckpt_write_rec_tail(ctx, h, CKPT_HDR_MM, sizeof(*h), ldt,
				  err * sizeof(*ldt));
	if (!err)
		err = mm_write_vmas(ctx, mm, h->nr_vmas);
	if (!err)
		err = ckpt_anon_checkpoint(ctx, mm);
	if (!err)
		ckpt_obj_mark(ctx, mm, CKPT_OBJ_MM, CKPT_MM_MARK_WRITTEN);
out:
	kvfree(ldt);
	kfree(h);
	return err;
}

/* ------------------------------------------------------------- restart */

/*
 * The relations that prctl(PR_SET_MM_MAP) asks for. They are not compared
 * with the mappings there either: these may be gone.
 */
static bool bounds_valid(const struct ckpt_hdr_mm *h)
{
	const u64 bounds[] = {
		h->start_code, h->end_code, h->start_data, h->end_data,
		h->start_brk, h->brk, h->start_stack, h->arg_start,
		h->arg_end, h->env_start, h->env_end, h->mmap_base,
		h->mmap_legacy_base, h->vdso, h->vvar,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bounds); i++)
		if (bounds[i] >= TASK_SIZE_MAX)
			return false;
	return h->start_code <= h->end_code && h->start_data <= h->end_data &&
	       h->start_brk <= h->brk && h->arg_start <= h->arg_end &&
	       h->env_start <= h->env_end && PAGE_ALIGNED(h->mmap_base) &&
	       PAGE_ALIGNED(h->mmap_legacy_base) &&
	       !check_data_rlimit(rlimit(RLIMIT_DATA), h->brk, h->start_brk,
				  h->end_data, h->start_data);
}

static bool mm_valid(const struct ckpt_hdr_mm *h)
{
	if ((h->flags & ~CKPT_MMF) || (h->def_flags & ~CKPT_DEF_FLAGS) ||
	    (h->flags & MMF_DUMPABLE_MASK) > SUID_DUMP_ROOT ||
	    ((h->flags & MMF_VM_MERGE_ANY_MASK) && !IS_ENABLED(CONFIG_KSM)))
		return false;
	if ((h->membarrier_state & ~CKPT_MEMBARRIER) ||
	    (h->membarrier_state && !IS_ENABLED(CONFIG_MEMBARRIER)))
		return false;
	return bounds_valid(h) && arch_valid(h);
}

/* As of prctl(PR_SET_MM_EXE_FILE); nobody else sees the new @mm yet. */
static int restore_exe(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref)
{
	struct file *file;
	int err;

	if (!objref)
		return 0;
	file = ckpt_obj_fetch(ctx, objref, CKPT_OBJ_FILE);
	if (IS_ERR(file))
		return PTR_ERR(file);
	if (!checkpoint_restore_ns_capable(mm->user_ns))
		err = -EPERM;
	else if (!S_ISREG(file_inode(file)->i_mode) ||
		 path_noexec(&file->f_path))
		err = -EACCES;
	else
		err = file_permission(file, MAY_EXEC);
	if (!err)
		err = set_mm_exe_file(mm, file);
	if (err)
		return ckpt_err(ctx, err, "%pD: cannot be made the executable: error %d",
				file, err);
	return 0;
}

/* Flags of the address space that its mappings depend on */
static int restore_early_flags(struct mm_struct *mm, const struct ckpt_hdr_mm *h)
{
	unsigned long flags = h->flags & ~(CKPT_MMF_LATE | MMF_VM_MERGE_ANY_MASK);
	int err = 0;

	/* only the system's administrator decides that root gets the cores */
	if ((flags & MMF_DUMPABLE_MASK) == SUID_DUMP_ROOT &&
	    suid_dumpable != SUID_DUMP_ROOT)
		flags &= ~MMF_DUMPABLE_MASK;
	/* what the caller may not do stays forbidden */
	mm->flags = flags | (mm->flags & MMF_HAS_MDWE_MASK);
	mm->def_flags = 0;
#ifdef CONFIG_KSM
	if (h->flags & MMF_VM_MERGE_ANY_MASK) {
		mmap_write_lock(mm);
		err = ksm_enable_merge_any(mm);
		mmap_write_unlock(mm);
	}
#endif
	return err;
}

static void restore_layout(struct mm_struct *mm, const struct ckpt_hdr_mm *h)
{
	struct rlimit stack;

	task_lock(current->group_leader);
	stack = current->signal->rlim[RLIMIT_STACK];
	task_unlock(current->group_leader);
	/* for the bases of 32-bit calls; the rest is as it was */
	arch_pick_mmap_layout(mm, &stack);
	mm->mmap_base = h->mmap_base;
	mm->mmap_legacy_base = h->mmap_legacy_base;
	mm->task_size = TASK_SIZE_MAX;
}

/* A new address space, which nobody uses yet. */
static struct mm_struct *mm_make(struct ckpt_ctx *ctx,
				 const struct ckpt_hdr_mm *h)
{
	struct user_namespace *ns = ckpt_user_ns_fetch(ctx, h->user_ns);
	struct mm_struct *mm;
	int err;

	if (IS_ERR(ns))
		return ERR_CAST(ns);
	mm = mm_alloc();
	if (!mm)
		return ERR_PTR(-ENOMEM);
	put_user_ns(mm->user_ns);
	mm->user_ns = get_user_ns(ns);
	restore_layout(mm, h);
	err = restore_early_flags(mm, h);
	if (!err)
		err = restore_exe(ctx, mm, h->exe_file);
	if (err) {
		mmput(mm);
		return ERR_PTR(err);
	}
	arch_restore(mm, h);
	mm->binfmt = current->mm->binfmt;
	if (mm->binfmt)
		__module_get(mm->binfmt->module);
	return mm;
}

/* Put the current task into @mm, as exec does; it owns @mm then. */
static int mm_switch(struct mm_struct *mm)
{
	int err;

	sched_mm_cid_before_execve(current);
	err = ckpt_exec_mmap(mm);
	sched_mm_cid_after_execve(current);
	if (err)
		return err;
	/* what pointed into the old one */
	rseq_execve(current);
	user_events_execve(current);
	up_write(&current->signal->exec_update_lock);
	return 0;
}

/*
 * Is another process in @mm, with the clocks that the current task has? A page
 * of its time namespace is mapped there. And nobody's @mm has no owner, so that
 * what is brought into it would be charged to nobody.
 */
static bool mm_may_join(const struct mm_struct *mm)
{
	struct task_struct *p, *t;
	bool found = false, may = false;

	rcu_read_lock();
	for_each_process_thread(p, t) {
		if (READ_ONCE(t->mm) != mm || t->flags & PF_KTHREAD)
			continue;
		task_lock(t);
		found = t->mm == mm;
		may = found && t->nsproxy &&
		      t->nsproxy->time_ns == current->nsproxy->time_ns;
		task_unlock(t);
		if (found)
			goto out;
	}
out:
	rcu_read_unlock();
	return may;
}

/*
 * Put the current task into @mm, in which another process was restored. Not by
 * way of exec, which takes it that nobody uses the new one so far.
 */
static int mm_join(struct mm_struct *mm)
{
	struct mm_struct *old = current->mm;

	if (down_write_killable(&current->signal->exec_update_lock))
		return -EINTR;
	sched_mm_cid_before_execve(current);
	exec_mm_release(current, old);
	mmget(mm);
	/* as fork does: oom_score_adj is that of all of them */
	set_bit(MMF_MULTIPROCESS, &mm->flags);
	task_lock(current);
	/* no IPI is to find the one without the other */
	local_irq_disable();
	current->active_mm = mm;
	current->mm = mm;
	membarrier_update_current_mm(mm);
	switch_mm_irqs_off(old, mm, current);
	local_irq_enable();
	task_unlock(current);
	lru_gen_use_mm(mm);
	sched_mm_cid_after_execve(current);
	rseq_execve(current);
	user_events_execve(current);
	up_write(&current->signal->exec_update_lock);
	mm_update_next_owner(old);
	mmput(old);
	return 0;
}

/* Bring in what mlock() holds in memory and is not in the image. */
static void populate_locked(struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	unsigned long start, end = 0;

	while (mm->locked_vm && !fatal_signal_pending(current)) {
		VMA_ITERATOR(vmi, mm, end);

		start = end;
		if (mmap_read_lock_killable(mm))
			return;
		for_each_vma(vmi, vma) {
			if ((vma->vm_flags & VM_LOCKED_MASK) != VM_LOCKED)
				continue;
			start = vma->vm_start;
			end = vma->vm_end;
			break;
		}
		mmap_read_unlock(mm);
		if (start == end)
			return;
		mm_populate(start, end - start);
	}
}

/* Everything is mapped and in its place: let khugepaged look at it. */
static int enter_khugepaged(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	for_each_vma(vmi, vma)
		khugepaged_enter_vma(vma, vma->vm_flags);
	mmap_write_unlock(mm);
	return 0;
}

static void restore_membarrier(struct mm_struct *mm, u32 state)
{
#ifdef CONFIG_MEMBARRIER
	/* this task alone uses it: no other CPU has to learn of it */
	preempt_disable();
	atomic_set(&mm->membarrier_state, state);
	membarrier_update_current_mm(mm);
	smp_mb();	/* as for registration with a single user */
	preempt_enable();
#endif
}

static void restore_bounds(struct mm_struct *mm, const struct ckpt_hdr_mm *h)
{
	spin_lock(&mm->arg_lock);
	mm->start_code = h->start_code;
	mm->end_code = h->end_code;
	mm->start_data = h->start_data;
	mm->end_data = h->end_data;
	mm->start_brk = h->start_brk;
	mm->brk = h->brk;
	mm->start_stack = h->start_stack;
	mm->arg_start = h->arg_start;
	mm->arg_end = h->arg_end;
	mm->env_start = h->env_start;
	mm->env_end = h->env_end;
	spin_unlock(&mm->arg_lock);
	memcpy(mm->saved_auxv, h->saved_auxv, sizeof(mm->saved_auxv));
	mm->saved_auxv[AT_VECTOR_SIZE - 2] = AT_NULL;
	mm->saved_auxv[AT_VECTOR_SIZE - 1] = AT_NULL;
}

/* Fill the address space of the current task. */
static int mm_fill_in(struct ckpt_ctx *ctx, struct mm_struct *mm,
		      const struct ckpt_hdr_mm *h)
{
	u32 nr_ldt = (h->h.len - sizeof(*h)) / sizeof(h->ldt[0]);
	u64 pos = 0;
	int err;
	u32 i;

	err = nr_ldt ? ckpt_ldt_restore(ctx, h->ldt, nr_ldt) : 0;
	if (!err)
		err = restore_vdso(ctx, mm, h);
	for (i = 0; i < h->nr_vmas && !err; i++)
		err = ckpt_vma_restore(ctx, mm, &pos);
	if (!err)
		err = ckpt_anon_restore(ctx, mm);
	if (!err && current->mm != mm)
		err = ckpt_err(ctx, -EINVAL, "image: an address space inside of another");
	if (!err && (h->def_flags & VM_LOCKED) && !can_do_mlock())
		err = ckpt_err(ctx, -EPERM, "future mappings are to be locked: RLIMIT_MEMLOCK forbids it");
	if (!err)
		err = enter_khugepaged(mm);
	if (err)
		return err;

	populate_locked(mm);
	/* from here on /proc shows what is there */
	restore_bounds(mm, h);
	restore_membarrier(mm, h->membarrier_state);
	mm->def_flags = h->def_flags;
	set_mask_bits(&mm->flags, 0, h->flags & CKPT_MMF_LATE);
	return 0;
}

static void *mm_restore(struct ckpt_ctx *ctx, const struct ckpt_hdr_mm *h)
{
	struct mm_struct *mm;
	int err;

	if (!arch_pkeys_enabled() && h->pkeys > 1) {
		err = ckpt_err(ctx, -EINVAL, "uses memory protection keys, which this CPU does not have: restart on one that has them");
		return ERR_PTR(err);
	}
	if (!mm_valid(h)) {
		err = ckpt_err(ctx, -EINVAL, "image: address space: malformed record, or above RLIMIT_DATA");
		return ERR_PTR(err);
	}
	mm = mm_make(ctx, h);
	if (IS_ERR(mm))
		return mm;
	/* the reference returned; it also outlasts a switch away from here */
	mmget(mm);
	err = mm_switch(mm);
	if (err) {
		mmput(mm);
		mmput(mm);
		return ERR_PTR(err);
	}
	err = mm_fill_in(ctx, mm, h);
	if (err) {
		mmput(mm);
		return ERR_PTR(err);
	}
	return mm;
}

static void *mm_obj_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_mm *h;
	void *mm;

	h = ckpt_read_rec(ctx, CKPT_HDR_MM, sizeof(*h),
			  struct_size(h, ldt, LDT_ENTRIES));
	if (IS_ERR(h))
		return h;
	if (!thread_group_leader(current) || !thread_group_empty(current))
		mm = ERR_PTR(ckpt_err(ctx, -EINVAL, "image: an address space of a thread"));
	else if (TASK_SIZE != TASK_SIZE_MAX)
		mm = ERR_PTR(ckpt_err(ctx, -EINVAL, "restart must be called by a 64-bit program"));
	else
		mm = mm_restore(ctx, h);
	kvfree(h);
	return mm;
}

const struct ckpt_obj_ops ckpt_mm_obj_ops = {
	.name		= "address space",
	.grab		= mm_grab,
	.drop		= mm_drop,
	.users		= mm_obj_users,
	.collect	= mm_obj_collect,
	.checkpoint	= mm_obj_checkpoint,
	.restore	= mm_obj_restore,
};

/* ------------------------------------------------------------ of a task */

#ifndef CONFIG_NUMA
static int mempolicy_task_checkpoint(struct ckpt_ctx *ctx,
				     struct task_struct *t)
{
	struct ckpt_hdr_mempolicy h = { .home_node = NUMA_NO_NODE };

	return ckpt_write_rec(ctx, &h, CKPT_HDR_MEMPOLICY, sizeof(h));
}

static int mempolicy_task_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_mempolicy *h = ckpt_mempolicy_read(ctx);
	int err = 0;

	if (IS_ERR(h))
		return PTR_ERR(h);
	if (h->mode)
		err = ckpt_err(ctx, -EINVAL, "NUMA memory policy: this kernel has none");
	kvfree(h);
	return err;
}

const struct ckpt_task_ops ckpt_mempolicy_task_ops = {
	.name		= "NUMA memory policy",
	.checkpoint	= mempolicy_task_checkpoint,
	.restore	= mempolicy_task_restore,
};
#endif

/*
 * Count the threads of @t that use @mm, and look for what they do with it
 * that is not supported.
 */
static unsigned int mm_threads(struct task_struct *t, struct mm_struct *mm,
			       const char **refused)
{
	struct task_struct *p;
	unsigned int n = 0;

	rcu_read_lock();
	for_each_thread(t, p) {
		if (READ_ONCE(p->mm) != mm)
			continue;
		n++;
#ifdef CONFIG_USER_EVENTS
		if (READ_ONCE(p->user_event_mm))
			*refused = "user events";
#endif
	}
	rcu_read_unlock();
	return n;
}

/* The pid of a process outside of the tree that uses @mm, or 0. */
static pid_t mm_sharer(struct ckpt_ctx *ctx, struct task_struct *t,
		       struct mm_struct *mm)
{
	struct task_struct *p, *q;
	pid_t pid = 0;

	rcu_read_lock();
	for_each_process(p) {
		if (same_thread_group(p, t) || (p->flags & PF_KTHREAD) ||
		    ckpt_pid_slot(ctx, task_pid(p)) >= 0)
			continue;
		for_each_thread(p, q) {
			struct mm_struct *qmm = READ_ONCE(q->mm);

			if (!qmm)
				continue;
			if (qmm == mm)
				pid = task_pid_vnr(p) ?: -1;
			break;
		}
		if (pid)
			break;
	}
	rcu_read_unlock();
	return pid;
}

static int mm_task_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct mm_struct *mm = get_task_mm(t);
	const char *refused = NULL;
	unsigned int n;
	pid_t pid = 0;
	int err;

	if (!mm)
		return ckpt_err(ctx, -EBUSY, "is exiting, try again");
	n = mm_threads(t, mm, &refused);
	/* one more for get_task_mm(): the others may only read /proc */
	if (atomic_read(&mm->mm_users) > n + 1)
		pid = mm_sharer(ctx, t, mm);
	if (refused)
		err = ckpt_err(ctx, -ENOSYS, "%s: not supported", refused);
	else if (pid)
		err = ckpt_err(ctx, -ENOSYS, "shares its address space with a process outside of the tree (pid %d): not supported",
			       pid);
	else
		err = ckpt_obj_collect_n(ctx, mm, CKPT_OBJ_MM, n);
	mmput(mm);
	return err;
}

static int mm_task_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_task_ref h = {};
	struct mm_struct *mm = get_task_mm(t);
	int ref;

	if (!mm)
		return ckpt_err(ctx, -EBUSY, "is exiting, try again");
	ref = ckpt_obj_checkpoint(ctx, mm, CKPT_OBJ_MM);
	mmput(mm);
	if (ref < 0)
		return ref;
	h.objref = ref;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_MM, sizeof(h));
}

static int mm_task_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_ref h;
	struct mm_struct *mm;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TASK_MM, sizeof(h));
	if (err)
		return err;
	mm = ckpt_obj_fetch(ctx, h.objref, CKPT_OBJ_MM);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	if (h.reserved)
		return ckpt_err(ctx, -EINVAL, "image: memory: reserved field is %u",
				h.reserved);
	/* the task went into it when it was restored; or another one did */
	if (mm == current->mm)
		return 0;
	if (!thread_group_empty(current))
		return ckpt_err(ctx, -EINVAL, "image: an address space of a thread");
	if (!mm_may_join(mm))
		return ckpt_err(ctx, -EINVAL, "image: an address space that nobody is in, or with other clocks");
	err = mm_join(mm);
	if (err)
		return ckpt_err(ctx, err, "address space: cannot be shared: error %d",
				err);
	return 0;
}

const struct ckpt_task_ops ckpt_mm_task_ops = {
	.name		= "memory",
	.process	= true,
	.collect	= mm_task_collect,
	.checkpoint	= mm_task_checkpoint,
	.restore	= mm_task_restore,
};
