// SPDX-License-Identifier: GPL-2.0
/*
 * CPU state of a thread: user registers, segments, and the FPU with all that
 * XSAVE covers.
 *
 * At a checkpoint the thread is off the CPU, so that all is in its struct
 * thread_struct and struct pt_regs; or it is the caller itself, whose live
 * registers are put there first. At a restart what can fail is done at once,
 * in the thread's own FPU state, which is not loaded before user mode, and the
 * rest at the very end.
 */

#include <linux/checkpoint_types.h>
#include <linux/find.h>
#include <linux/hw_breakpoint.h>
#include <linux/mmu_context.h>
#include <linux/ptrace.h>
#include <linux/regset.h>
#include <linux/sched/task_stack.h>
#include <linux/uprobes.h>

#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/fpu/sched.h>
#include <asm/fpu/signal.h>
#include <asm/fpu/xstate.h>
#include <asm/fsgsbase.h>
#include <asm/gsseg.h>
#include <asm/io_bitmap.h>
#include <asm/pkru.h>
#include <asm/prctl.h>
#include <asm/proto.h>
#include <asm/shstk.h>
#include <asm/syscall.h>
#include <asm/syscalls.h>
#include <asm/vsyscall.h>

#include "fpu/context.h"
#include "fpu/internal.h"
#include "fpu/legacy.h"
#include "fpu/xstate.h"
#include "tls.h"

/* What user space can set by itself in its flags register */
#define USER_FLAGS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | \
			 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_TF | \
			 X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_NT | \
			 X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID)
#define FIXED_FLAGS	(X86_EFLAGS_FIXED | X86_EFLAGS_IF)

/* PKRU of whoever never touched it: all keys but 0 are closed */
#define PKRU_UNTOUCHED	0x55555554

/* An XSAVE area with no extended state */
#define XSAVE_MIN_SIZE	(FXSAVE_SIZE + XSAVE_HDR_SIZE)

/**
 * ckpt_arch_syscall - make a system call with the arguments in registers
 * @regs: user registers of current
 * @nr: its number
 *
 * Context: current, no locks held, may sleep.
 * Return: what the call returns.
 */
long ckpt_arch_syscall(struct pt_regs *regs, int nr)
{
	regs->ax = -ENOSYS;
	return x64_sys_call(regs, nr);
}

/**
 * ckpt_arch_syscall_args - make a system call with other arguments
 * @nr: its number
 * @args: six arguments
 *
 * For a call that does not look at the registers of current, as few do.
 *
 * Context: current, on its way to user mode, no locks held, may sleep.
 * Return: what the call returns.
 */
long ckpt_arch_syscall_args(int nr, const unsigned long *args)
{
	struct pt_regs regs = *current_pt_regs();

	regs.di = args[0];
	regs.si = args[1];
	regs.dx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	return ckpt_arch_syscall(&regs, nr);
}

/**
 * ckpt_arch_breakpoints - how many perf events are breakpoints of ptrace?
 * @t: the task, parked
 *
 * Context: any.
 * Return: their number, of those that are disabled too.
 */
unsigned int ckpt_arch_breakpoints(struct task_struct *t)
{
	unsigned int i, nr = 0;

	for (i = 0; i < HBP_NUM; i++)
		if (t->thread.ptrace_bps[i])
			nr++;
	return nr;
}

/* ----------------------------------------------------- what is supported */

static bool null_selector(u16 sel)
{
	return !(sel & ~SEGMENT_RPL_MASK);
}

static bool tls_selector(u16 sel)
{
	return (sel & (SEGMENT_RPL_MASK | SEGMENT_TI_MASK)) == USER_RPL &&
	       sel >> 3 >= GDT_ENTRY_TLS_MIN && sel >> 3 <= GDT_ENTRY_TLS_MAX;
}

/* One that is not there, or not for data, is loaded as none. */
static bool ldt_selector(u16 sel)
{
	return (sel & SEGMENT_RPL_MASK) == USER_RPL &&
	       (sel & SEGMENT_TI_MASK) == SEGMENT_LDT;
}

static bool selector_ok(u16 sel)
{
	return null_selector(sel) || sel == __USER_DS || tls_selector(sel) ||
	       ldt_selector(sel);
}

/*
 * As ptrace has it. The stack pointer may be anything: 64-bit code can use it
 * for what it likes.
 */
static const char *wrong_register(const struct ckpt_hdr_cpu_x86 *h)
{
	if (h->cs != __USER_CS)
		return "code segment";
	if (h->ss != __USER_DS)
		return "stack segment";
	if (!selector_ok(h->ds) || !selector_ok(h->es) ||
	    !selector_ok(h->fs) || !selector_ok(h->gs))
		return "data segment";
	if (h->fs_base >= TASK_SIZE_MAX || h->gs_base >= TASK_SIZE_MAX)
		return "base of a data segment";
	if (h->flags & ~(u64)(USER_FLAGS | FIXED_FLAGS))
		return "flags register";
	if (h->ip >= TASK_SIZE_MAX && (h->ip & PAGE_MASK) != VSYSCALL_ADDR)
		return "instruction pointer";
	return NULL;
}

static bool has_shadow_stack(struct task_struct *t)
{
#ifdef CONFIG_X86_USER_SHADOW_STACK
	return t->thread.features || t->thread.features_locked;
#else
	return false;
#endif
}

static bool has_pasid(struct task_struct *t)
{
#ifdef CONFIG_ARCH_HAS_CPU_PASID
	return t->pasid_activated;
#else
	return false;
#endif
}

static bool has_uprobe(struct task_struct *t)
{
#ifdef CONFIG_UPROBES
	return t->utask &&
	       (t->utask->active_uprobe || t->utask->return_instances);
#else
	return false;
#endif
}

/* Permission for a state that is not there by default: AMX tiles */
static bool has_dynamic_state(struct task_struct *t)
{
	const struct fpu *fpu = &t->group_leader->thread.fpu;

	return ((READ_ONCE(fpu->perm.__state_perm) |
		 READ_ONCE(fpu->guest_perm.__state_perm)) &
		XFEATURE_MASK_USER_DYNAMIC) ||
	       (t->thread.fpu.fpstate->user_xfeatures &
		XFEATURE_MASK_USER_DYNAMIC);
}

bool ckpt_arch_is_compat(struct task_struct *t)
{
	return test_tsk_thread_flag(t, TIF_ADDR32);
}

static const char *unsupported(struct task_struct *t)
{
	if (task_pt_regs(t)->cs != __USER_CS ||
	    test_tsk_thread_flag(t, TIF_ADDR32))
		return "32-bit code";
	if (task_thread_info(t)->status & TS_COMPAT)
		return "a 32-bit system call";
	if (has_shadow_stack(t))
		return "a shadow stack";
	if (t->mm && mm_lam_cr3_mask(t->mm))
		return "linear address masking";
	if (has_dynamic_state(t))
		return "AMX";
	if (has_pasid(t))
		return "a process address space ID";
	if (has_uprobe(t))
		return "uprobes";
	return NULL;
}

/* ------------------------------------------------------------- checkpoint */

static u32 step_of(struct task_struct *t)
{
	u32 step = 0;

	if (test_tsk_thread_flag(t, TIF_SINGLESTEP))
		step |= CKPT_X86_SINGLESTEP;
	if (test_tsk_thread_flag(t, TIF_FORCED_TF))
		step |= CKPT_X86_FORCED_TF;
	if (test_tsk_thread_flag(t, TIF_BLOCKSTEP))
		step |= CKPT_X86_BLOCKSTEP;
	return step;
}

/* Put what current has in registers where the scheduler would put it. */
static void sync_current(void)
{
	current_save_fsgs();
	savesegment(ds, current->thread.ds);
	savesegment(es, current->thread.es);
	fpu_sync_fpstate(&current->thread.fpu);
}

static void fill_cpu(struct task_struct *t, struct ckpt_hdr_cpu_x86 *h)
{
	const struct pt_regs *regs = task_pt_regs(t);
	const struct thread_struct *thread = &t->thread;
	int i;

	h->r15 = regs->r15;
	h->r14 = regs->r14;
	h->r13 = regs->r13;
	h->r12 = regs->r12;
	h->bp = regs->bp;
	h->bx = regs->bx;
	h->r11 = regs->r11;
	h->r10 = regs->r10;
	h->r9 = regs->r9;
	h->r8 = regs->r8;
	h->ax = regs->ax;
	h->cx = regs->cx;
	h->dx = regs->dx;
	h->si = regs->si;
	h->di = regs->di;
	h->orig_ax = regs->orig_ax;
	h->ip = regs->ip;
	h->cs = regs->cs;
	h->flags = regs->flags;
	h->sp = regs->sp;
	h->ss = regs->ss;
	h->ds = thread->ds;
	h->es = thread->es;
	h->fs = thread->fsindex;
	h->gs = thread->gsindex;
	h->fs_base = x86_fsbase_read_task(t);
	h->gs_base = x86_gsbase_read_task(t);
	BUILD_BUG_ON(sizeof(h->tls) != sizeof(thread->tls_array));
	memcpy(h->tls, thread->tls_array, sizeof(h->tls));
	h->cr2 = thread->cr2;
	h->trap_nr = thread->trap_nr;
	h->error_code = thread->error_code;
	h->iopl = thread->iopl_emul;
	h->step = step_of(t);
	/* as PTRACE_PEEKUSER shows them; they stay when the tracer is gone */
	BUILD_BUG_ON(ARRAY_SIZE(h->dr) != HBP_NUM);
	for (i = 0; i < HBP_NUM; i++)
		if (thread->ptrace_bps[i])
			h->dr[i] = thread->ptrace_bps[i]->hw.info.address;
	h->dr6 = thread->virtual_dr6;
	h->dr7 = thread->ptrace_dr7;

	/* in whoever checkpoints itself the call returns once more, with 0 */
	if (t == current) {
		h->ax = 0;
		h->orig_ax = -1;
	}
}

static int collect_cpu(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_cpu_x86 h = {};
	const char *what = unsupported(t);

	if (what)
		return ckpt_err(ctx, -ENOSYS, "uses %s: not supported", what);
	if (t == current)
		sync_current();
	fill_cpu(t, &h);
	what = wrong_register(&h);
	if (what)
		return ckpt_err(ctx, -ENOSYS,
				"has a special value in its %s: not supported",
				what);
	return 0;
}

/* What FXSAVE has of x87 before MXCSR */
#define X87_CONTROL_SIZE	offsetof(struct fxregs_state, mxcsr)

static_assert(CKPT_XSTATE_FP_SIZE ==
	      X87_CONTROL_SIZE + sizeof_field(struct fxregs_state, st_space));
static_assert(CKPT_XSTATE_SSE_SIZE ==
	      sizeof_field(struct fxregs_state, xmm_space));

/*
 * Where a state stands in an XSAVE area that is not compacted, in bytes; not
 * for x87. Asked for once: a hypervisor answers CPUID, which takes it longer
 * than the rest of a thread's registers takes us.
 */
static struct {
	u32 offset, size;
} states_at[CKPT_XSTATE_MAX] __ro_after_init;

static int __init find_states(void)
{
	u32 ecx, edx;
	int i;

	states_at[XFEATURE_SSE].offset =
		offsetof(struct fxregs_state, xmm_space);
	states_at[XFEATURE_SSE].size = CKPT_XSTATE_SSE_SIZE;
	if (!use_xsave())
		return 0;
	for (i = FIRST_EXTENDED_XFEATURE; i < XFEATURE_MAX; i++)
		if (fpu_user_cfg.max_features & BIT_ULL(i))
			cpuid_count(XSTATE_CPUID, i, &states_at[i].size,
				    &states_at[i].offset, &ecx, &edx);
	return 0;
}
arch_initcall(find_states);

static bool x87_initial(const struct fxregs_state *x)
{
	return !memcmp(x, &init_fpstate.regs.fxsave, X87_CONTROL_SIZE) &&
	       !memchr_inv(x->st_space, 0, sizeof(x->st_space));
}

static void pack_x87(u8 *to, const struct fxregs_state *x)
{
	memcpy(to, x, X87_CONTROL_SIZE);
	memcpy(to + X87_CONTROL_SIZE, x->st_space, sizeof(x->st_space));
}

static void unpack_x87(struct fxregs_state *x, const u8 *from)
{
	memcpy(x, from, X87_CONTROL_SIZE);
	memcpy(x->st_space, from + X87_CONTROL_SIZE, sizeof(x->st_space));
}

/*
 * Store one state, unless it is as it is initially: all zero, but for x87.
 * Returns how much it takes.
 */
static u32 pack_state(struct ckpt_xstate *to, int nr,
		      const struct xregs_state *from)
{
	const void *p;
	u32 size;

	if (nr == XFEATURE_FP) {
		if (x87_initial(&from->i387))
			return 0;
		size = CKPT_XSTATE_FP_SIZE;
		pack_x87(to->data, &from->i387);
	} else {
		p = (const void *)from + states_at[nr].offset;
		size = states_at[nr].size;
		if (!memchr_inv(p, 0, size))
			return 0;
		memcpy(to->data, p, size);
	}
	to->nr = nr;
	to->size = size;
	return struct_size(to, data, size);
}

/* Returns how much they take, in bytes. MXCSR and PKRU are apart. */
static u32 pack_states(void *to, const struct xregs_state *from)
{
	u64 used = from->header.xfeatures & ~XFEATURE_MASK_PKRU;
	u32 size = 0;
	int i;

	for (i = 0; i < CKPT_XSTATE_MAX; i++)
		if (used & BIT_ULL(i))
			size += pack_state(to + size, i, from);
	return size;
}

static int checkpoint_fpu(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_fpu_x86 h = { .xfeatures = XFEATURE_MASK_FPSSE };
	struct fpstate *fpstate = t->thread.fpu.fpstate;
	size_t size = XSAVE_MIN_SIZE;
	struct xregs_state *xsave;
	void *states;

	if (use_xsave()) {
		h.xfeatures = fpstate->user_xfeatures;
		size = fpstate->user_size;
	}
	size = round_up(size, __alignof__(*xsave));
	xsave = ckpt_scratch(ctx, 2 * size +
			     CKPT_XSTATE_MAX * sizeof(struct ckpt_xstate));
	if (!xsave)
		return -ENOMEM;
	states = (void *)xsave + size;
	if (use_xsave()) {
		copy_xstate_to_uabi_buf((struct membuf){ xsave, size }, t,
					XSTATE_COPY_XSAVE);
	} else {
		xsave->i387 = fpstate->regs.fxsave;
		xsave->header.xfeatures = XFEATURE_MASK_FPSSE;
	}
	h.mxcsr = xsave->i387.mxcsr;
	h.pkru = t == current ? read_pkru() : t->thread.pkru;
	h.size = pack_states(states, xsave);
	return ckpt_write_rec_tail(ctx, &h, CKPT_HDR_TASK_FPU, sizeof(h),
				   states, h.size);
}

static int checkpoint_cpu(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const struct io_bitmap *io = t->thread.io_bitmap;
	struct ckpt_hdr_cpu_x86 h = {};
	int err;

	if (t == current)
		sync_current();
	fill_cpu(t, &h);
	err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_TASK_CPU, sizeof(h),
				  io ? io->bitmap : NULL, io ? io->max : 0);
	return err ?: checkpoint_fpu(ctx, t);
}

/* ---------------------------------------------------------------- restart */

/**
 * struct cpu_defer - what waits until commit
 * @pkru: protection keys
 * @regs: the registers
 */
struct cpu_defer {
	u32 pkru;
	struct ckpt_hdr_cpu_x86 regs;
};

/* What the thread got from the caller of restart, and must not keep */
static int drop_inherited(struct ckpt_ctx *ctx)
{
	/* one that was made for this thread lies in the caller's memory */
	if (shstk_is_enabled())
		return ckpt_err(ctx, -EINVAL,
				"restart was called by a program with a shadow stack: not supported");
	if (has_dynamic_state(current))
		return ckpt_err(ctx, -EINVAL,
				"restart was called by a program that uses AMX: not supported");
	reset_thread_features();
	current->thread.iopl_emul = 0;
	if (test_thread_flag(TIF_IO_BITMAP))
		io_bitmap_exit(current);
	flush_ptrace_hw_breakpoint(current);
	current->thread.virtual_dr6 = 0;
	current->thread.ptrace_dr7 = 0;
	return 0;
}

/*
 * Can this CPU have a base that is not the one in the descriptor? The tables
 * of descriptors are restored.
 */
static bool base_ok(u16 sel, u64 base)
{
	return !sel || boot_cpu_has(X86_FEATURE_FSGSBASE) ||
	       base == x86_fsgsbase_read_task(current, sel);
}

/* As ioperm(2) and iopl(2) */
static int restore_io(struct ckpt_ctx *ctx, const struct ckpt_hdr_cpu_x86 *h)
{
	const unsigned long *denied = (const unsigned long *)h->io_denied;
	unsigned long nr = (h->h.len - sizeof(*h)) * BITS_PER_BYTE;
	struct pt_regs args = { .di = h->iopl };
	unsigned long from, to;
	long err = 0;

	if (h->iopl > 3)
		return ckpt_err(ctx, -EINVAL, "image: iopl %u", h->iopl);
	for_each_clear_bitrange(from, to, denied, nr) {
		err = ksys_ioperm(from, to - from, 1);
		if (err)
			break;
	}
	if (!err && h->iopl)
		err = x64_sys_call(&args, __NR_iopl);
	if (err)
		return ckpt_err(ctx, err, "I/O ports (ioperm(), iopl()): you may not use them, or they are not known here: error %ld",
				err);
	return 0;
}

/* Through what set_thread_area(2) goes through, with its checks */
static int restore_tls(struct ckpt_ctx *ctx, const struct ckpt_hdr_cpu_x86 *h)
{
	const struct desc_struct *desc = (const struct desc_struct *)h->tls;
	struct user_desc info[GDT_ENTRY_TLS_ENTRIES] = {};
	int i;

	for (i = 0; i < GDT_ENTRY_TLS_ENTRIES; i++) {
		info[i].entry_number = GDT_ENTRY_TLS_MIN + i;
		info[i].base_addr = get_desc_base(&desc[i]);
		info[i].limit = get_desc_limit(&desc[i]);
		info[i].seg_32bit = desc[i].d;
		info[i].contents = desc[i].type >> 2;
		info[i].read_exec_only = !(desc[i].type & 2);
		info[i].limit_in_pages = desc[i].g;
		info[i].seg_not_present = !desc[i].p;
		info[i].useable = desc[i].avl;
		info[i].lm = desc[i].l;
	}
	if (regset_tls_set(current, NULL, 0, sizeof(info), info, NULL) ||
	    memcmp(current->thread.tls_array, h->tls, sizeof(h->tls)))
		return ckpt_err(ctx, -EINVAL,
				"TLS descriptors: not those of data segments");
	return 0;
}

/*
 * The FPU state in memory is what counts from now on, until it is loaded on
 * the way to user mode. As for the frame of a 32-bit signal.
 */
static void take_fpu_to_memory(void)
{
	struct fpu *fpu = &current->thread.fpu;

	fpregs_lock();
	if (!test_thread_flag(TIF_NEED_FPU_LOAD)) {
		save_fpregs_to_fpstate(fpu);
		set_thread_flag(TIF_NEED_FPU_LOAD);
	}
	__fpu_invalidate_fpregs_state(fpu);
	__cpu_invalidate_fpregs_state();
	fpregs_unlock();
}

/* The instructions that have an extended state */
static const char *state_name(int i)
{
	static const char *const names[] = {
		[XFEATURE_YMM]			= "AVX",
		[XFEATURE_BNDREGS]		= "MPX",
		[XFEATURE_BNDCSR]		= "MPX",
		[XFEATURE_OPMASK]		= "AVX-512",
		[XFEATURE_ZMM_Hi256]		= "AVX-512",
		[XFEATURE_Hi16_ZMM]		= "AVX-512",
		[XFEATURE_XTILE_CFG]		= "AMX",
		[XFEATURE_XTILE_DATA]		= "AMX",
	};

	return i < ARRAY_SIZE(names) && names[i] ? names[i] : "of unknown name";
}

/*
 * Bring the states that are in use to where this CPU has them. @to has room
 * for all @have, the user states of this CPU, and has them as they are
 * initially.
 */
static int unpack_states(struct ckpt_ctx *ctx, struct xregs_state *to,
			 const struct ckpt_hdr_fpu_x86 *h, u64 have)
{
	u64 left = h->xfeatures & ~XFEATURE_MASK_PKRU;
	const struct ckpt_xstate *s;
	u32 at, size;

	for (at = 0; at < h->size; at += sizeof(*s) + s->size) {
		s = (const void *)h->states + at;
		if (h->size - at < sizeof(*s) || s->nr >= CKPT_XSTATE_MAX ||
		    !(left & BIT_ULL(s->nr)))
			return ckpt_err(ctx, -EINVAL,
					"FPU state: what is at %u makes no sense",
					at);
		left &= ~BIT_ULL(s->nr);
		if (!(have & BIT_ULL(s->nr)))
			return ckpt_err(ctx, -EINVAL,
					"uses CPU state %u (%s) that this CPU does not have: restart on one that has it",
					s->nr, state_name(s->nr));
		size = s->nr == XFEATURE_FP ? CKPT_XSTATE_FP_SIZE :
					      states_at[s->nr].size;
		if (s->size != size || size > h->size - at - sizeof(*s))
			return ckpt_err(ctx, -EINVAL,
					"FPU state %u: %u bytes, this CPU has %u bytes of it",
					s->nr, s->size, size);
		if (s->nr == XFEATURE_FP)
			unpack_x87(&to->i387, s->data);
		else
			memcpy((void *)to + states_at[s->nr].offset, s->data,
			       size);
		to->header.xfeatures |= BIT_ULL(s->nr);
	}
	return 0;
}

static int install_fpu(struct ckpt_ctx *ctx, const struct ckpt_hdr_fpu_x86 *h)
{
	struct fpstate *fpstate = current->thread.fpu.fpstate;
	u64 have = XFEATURE_MASK_FPSSE;
	size_t size = XSAVE_MIN_SIZE;
	struct xregs_state *to;
	u32 pkru;
	int err;

	if (use_xsave()) {
		have = fpstate->user_xfeatures;
		size = fpstate->user_size;
	}
	if (h->mxcsr & ~mxcsr_feature_mask)
		return ckpt_err(ctx, -EINVAL,
				"MXCSR %#x: this CPU does not have all of these bits",
				h->mxcsr);

	to = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!to)
		return -ENOMEM;
	to->i387 = init_fpstate.regs.fxsave;
	to->i387.mxcsr = h->mxcsr;
	/* or MXCSR would not be taken */
	to->header.xfeatures = XFEATURE_MASK_SSE;
	err = unpack_states(ctx, to, h, have);
	if (err)
		goto free;
	take_fpu_to_memory();
	if (use_xsave())
		err = copy_uabi_from_kernel_to_xstate(fpstate, to, &pkru);
	else
		fpstate->regs.fxsave = to->i387;
free:
	kvfree(to);
	return err;
}

static int choose_pkru(struct ckpt_ctx *ctx, const struct ckpt_hdr_fpu_x86 *h,
		       u32 *pkru)
{
	*pkru = pkru_get_init_value();
	if (!(h->xfeatures & XFEATURE_MASK_PKRU))
		return 0;
	if (!cpu_feature_enabled(X86_FEATURE_OSPKE) &&
	    h->pkru && h->pkru != PKRU_UNTOUCHED)
		return ckpt_err(ctx, -EINVAL,
				"uses memory protection keys, which this CPU does not have: restart on one that has them");
	*pkru = h->pkru;
	return 0;
}

static int restore_fpu(struct ckpt_ctx *ctx, struct cpu_defer *defer)
{
	struct ckpt_hdr_fpu_x86 *h;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_TASK_FPU, sizeof(*h), CKPT_REC_MAX);
	if (IS_ERR(h))
		return PTR_ERR(h);
	if (h->reserved || h->size != h->h.len - sizeof(*h) ||
	    h->xfeatures >> CKPT_XSTATE_MAX)
		err = ckpt_err(ctx, -EINVAL, "FPU state: %u bytes in a record of %u, of states %#llx",
			       h->size, h->h.len, h->xfeatures);
	else
		err = choose_pkru(ctx, h, &defer->pkru) ?: install_fpu(ctx, h);
	kvfree(h);
	return err;
}

/* As PTRACE_SINGLESTEP and PTRACE_SINGLEBLOCK leave it */
static int check_step(struct ckpt_ctx *ctx, const struct ckpt_hdr_cpu_x86 *h)
{
	u32 step = h->step;

	if ((step & ~(CKPT_X86_SINGLESTEP | CKPT_X86_FORCED_TF |
		      CKPT_X86_BLOCKSTEP)) ||
	    ((step & CKPT_X86_BLOCKSTEP) && !(step & CKPT_X86_SINGLESTEP)))
		return ckpt_err(ctx, -EINVAL, "image: single-stepping: flags %#x",
				step);
	if ((step & CKPT_X86_BLOCKSTEP) && !arch_has_block_step())
		return ckpt_err(ctx, -EINVAL, "PTRACE_SINGLEBLOCK: this CPU cannot do it");
	return 0;
}

static int poke_debug(int i, unsigned long value)
{
	return arch_ptrace(current, PTRACE_POKEUSR,
			   offsetof(struct user, u_debugreg) +
			   i * sizeof(value), value);
}

/* The addresses of those that are enabled, or of the others */
static int poke_addresses(const struct ckpt_hdr_cpu_x86 *h, bool enabled)
{
	int i, err = 0;

	for (i = 0; i < HBP_NUM && !err; i++)
		if (h->dr[i] && enabled == !!(h->dr7 >> i * DR_ENABLE_SIZE &
					      (DR_LOCAL_ENABLE |
					       DR_GLOBAL_ENABLE)))
			err = poke_debug(i, h->dr[i]);
	return err;
}

/*
 * Through what a tracer goes through, with its checks. An address that comes
 * after DR7 need not be aligned to the length that a breakpoint which is
 * disabled has there.
 */
static int restore_breakpoints(struct ckpt_ctx *ctx,
			       const struct ckpt_hdr_cpu_x86 *h)
{
	int err = poke_addresses(h, true);

	if (!err && h->dr7)
		err = poke_debug(7, h->dr7);
	if (!err)
		err = poke_addresses(h, false);
	if (err)
		return ckpt_err(ctx, err, "hardware breakpoints (DR7 %#llx): cannot be set here: error %d",
				h->dr7, err);
	return 0;
}

static int restore_regs(struct ckpt_ctx *ctx, const struct ckpt_hdr_cpu_x86 *h)
{
	const char *what = wrong_register(h);
	int err;

	if (what)
		return ckpt_err(ctx, -EINVAL,
				"registers: the %s is not one that user space can have",
				what);
	err = check_step(ctx, h);
	if (err)
		return err;
	err = restore_tls(ctx, h);
	if (err)
		return err;
	if (!base_ok(h->fs, h->fs_base) || !base_ok(h->gs, h->gs_base))
		return ckpt_err(ctx, -EINVAL,
				"registers: the base of FS or GS needs a CPU with FSGSBASE: restart on one that has it");
	err = restore_breakpoints(ctx, h);
	return err ?: restore_io(ctx, h);
}

static int restore_cpu(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_cpu_x86 *h;
	struct cpu_defer *defer;
	int err;

	err = drop_inherited(ctx);
	if (err)
		return err;
	defer = ckpt_task_defer(ctx, CKPT_STATE_CPU, sizeof(*defer));
	if (!defer)
		return -ENOMEM;
	h = ckpt_read_rec(ctx, CKPT_HDR_TASK_CPU, sizeof(*h),
			  struct_size(h, io_denied,
				      IO_BITMAP_BITS / BITS_PER_LONG));
	if (IS_ERR(h))
		return PTR_ERR(h);
	defer->regs = *h;
	err = restore_regs(ctx, h);
	kvfree(h);
	return err ?: restore_fpu(ctx, defer);
}

static void commit_segments(const struct ckpt_hdr_cpu_x86 *h)
{
	bool any_base = boot_cpu_has(X86_FEATURE_FSGSBASE);
	struct thread_struct *thread = &current->thread;

	preempt_disable();
	loadsegment(ds, h->ds);
	loadsegment(es, h->es);
	loadsegment(fs, h->fs);
	load_gs_index(h->gs);
	thread->ds = h->ds;
	thread->es = h->es;
	thread->fsindex = h->fs;
	thread->gsindex = h->gs;
	/* without FSGSBASE the base goes with the selector, if there is one */
	if (any_base || !h->fs) {
		x86_fsbase_write_cpu(h->fs_base);
		thread->fsbase = h->fs_base;
	}
	if (any_base || !h->gs) {
		x86_gsbase_write_cpu_inactive(h->gs_base);
		thread->gsbase = h->gs_base;
	}
	preempt_enable();
}

/* The trap flag itself is in the flags register. */
static void commit_step(u32 step)
{
	if (step & CKPT_X86_SINGLESTEP) {
		set_thread_flag(TIF_SINGLESTEP);
		set_syscall_work(SYSCALL_EXIT_TRAP);
	}
	if (step & CKPT_X86_FORCED_TF)
		set_thread_flag(TIF_FORCED_TF);
	if (step & CKPT_X86_BLOCKSTEP)
		set_task_blockstep(current, true);
}

static void commit_cpu(void *data)
{
	const struct cpu_defer *defer = data;
	const struct ckpt_hdr_cpu_x86 *h = &defer->regs;
	struct pt_regs *regs = current_pt_regs();

	regs->r15 = h->r15;
	regs->r14 = h->r14;
	regs->r13 = h->r13;
	regs->r12 = h->r12;
	regs->bp = h->bp;
	regs->bx = h->bx;
	regs->r11 = h->r11;
	regs->r10 = h->r10;
	regs->r9 = h->r9;
	regs->r8 = h->r8;
	regs->ax = h->ax;
	regs->cx = h->cx;
	regs->dx = h->dx;
	regs->si = h->si;
	regs->di = h->di;
	regs->orig_ax = h->orig_ax;
	regs->ip = h->ip;
	regs->cs = h->cs;
	regs->flags = h->flags | FIXED_FLAGS;
	regs->sp = h->sp;
	regs->ss = h->ss;

	current->thread.cr2 = h->cr2;
	current->thread.trap_nr = h->trap_nr;
	current->thread.error_code = h->error_code;
	/* and not what commit has touched */
	current->thread.virtual_dr6 = h->dr6;
	commit_segments(h);
	commit_step(h->step);
	write_pkru(defer->pkru);
}

const struct ckpt_task_ops ckpt_cpu_task_ops = {
	.name = "registers",
	.collect = collect_cpu,
	.checkpoint = checkpoint_cpu,
	.restore = restore_cpu,
	.commit = commit_cpu,
};
