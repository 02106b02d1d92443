// SPDX-License-Identifier: GPL-2.0
/*
 * Small state of processes and threads that has no better place: resource
 * limits, and what prctl(2) and its like set. What cannot be saved is refused
 * here by name.
 */

#include <linux/capability.h>
#include <linux/checkpoint_types.h>
#include <linux/cpufeature.h>
#include <linux/cred.h>
#include <linux/futex.h>
#include <linux/nospec.h>
#include <linux/oom.h>
#include <linux/perf_event.h>
#include <linux/posix-timers.h>
#include <linux/resource.h>
#include <linux/rseq.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>
#include <linux/security.h>
#include <linux/signal.h>
#include <linux/syscall_user_dispatch.h>
#include <linux/thread_info.h>
#include <linux/uaccess.h>
#include <linux/uprobes.h>
#include <linux/user_events.h>
#include <linux/user_namespace.h>
#include <uapi/linux/prctl.h>
#ifdef CONFIG_X86
#include <asm/prctl.h>
#include <asm/proto.h>
#endif

#include "checkpoint.h"

/* ------------------------------------------------------------- limits */

static int limits_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct signal_struct *sig = t->signal;
	struct ckpt_hdr_task_limits h = {};
	int i;

	BUILD_BUG_ON(ARRAY_SIZE(h.rlim) != RLIM_NLIMITS);

	task_lock(t);
	for (i = 0; i < RLIM_NLIMITS; i++) {
		h.rlim[i].cur = sig->rlim[i].rlim_cur;
		h.rlim[i].max = sig->rlim[i].rlim_max;
	}
	task_unlock(t);
	mutex_lock(&oom_adj_mutex);
	h.oom_score_adj = sig->oom_score_adj;
	h.oom_score_adj_min = sig->oom_score_adj_min;
	mutex_unlock(&oom_adj_mutex);

	return ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_LIMITS, sizeof(h));
}

/* As prlimit(2) checks it */
static int check_rlimit(struct ckpt_ctx *ctx, int i, const struct ckpt_rlimit *r)
{
	struct rlimit new = { .rlim_cur = r->cur, .rlim_max = r->max };
	int err;

	if (r->cur > r->max)
		return ckpt_err(ctx, -EINVAL, "image: resource limit %d: %llu is above its hard limit %llu",
				i, r->cur, r->max);
	if (r->max > rlimit_max(i) && !capable(CAP_SYS_RESOURCE))
		return ckpt_err(ctx, -EPERM, "resource limit %d: %llu is above the hard limit of the caller of restart, %lu",
				i, r->max, rlimit_max(i));
	if (i == RLIMIT_NOFILE && r->max > sysctl_nr_open)
		return ckpt_err(ctx, -EPERM, "RLIMIT_NOFILE: %llu is above fs.nr_open, which is %u here",
				r->max, sysctl_nr_open);
	task_lock(current->group_leader);
	err = security_task_setrlimit(current, i, &new);
	task_unlock(current->group_leader);
	return err;
}

static int limits_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_limits h, *d;
	int i, err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TASK_LIMITS, sizeof(h));
	for (i = 0; i < ARRAY_SIZE(h.rlim) && !err; i++)
		err = check_rlimit(ctx, i, &h.rlim[i]);
	if (err)
		return err;
	if (h.oom_score_adj < h.oom_score_adj_min ||
	    h.oom_score_adj_min < OOM_SCORE_ADJ_MIN ||
	    h.oom_score_adj > OOM_SCORE_ADJ_MAX)
		return ckpt_err(ctx, -EINVAL, "image: oom_score_adj %d, at least %d",
				h.oom_score_adj, h.oom_score_adj_min);
	if (h.oom_score_adj_min < current->signal->oom_score_adj_min &&
	    !capable(CAP_SYS_RESOURCE))
		return ckpt_err(ctx, -EPERM, "oom_score_adj: %d is below what the caller of restart may set, %d",
				h.oom_score_adj_min,
				current->signal->oom_score_adj_min);

	d = ckpt_task_defer(ctx, CKPT_STATE_LIMITS, sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = h;
	return 0;
}

static void limits_commit(void *defer)
{
	const struct ckpt_hdr_task_limits *h = defer;
	struct signal_struct *sig = current->signal;
	int i;

	task_lock(current->group_leader);
	for (i = 0; i < RLIM_NLIMITS; i++) {
		sig->rlim[i].rlim_cur = h->rlim[i].cur;
		sig->rlim[i].rlim_max = h->rlim[i].max;
	}
	task_unlock(current->group_leader);
	if (h->rlim[RLIMIT_CPU].cur != RLIM_INFINITY)
		update_rlimit_cpu(current->group_leader,
				  h->rlim[RLIMIT_CPU].cur);

	mutex_lock(&oom_adj_mutex);
	sig->oom_score_adj = h->oom_score_adj;
	sig->oom_score_adj_min = h->oom_score_adj_min;
	mutex_unlock(&oom_adj_mutex);
}

const struct ckpt_task_ops ckpt_limits_task_ops = {
	.name		= "resource limits",
	.process	= true,
	.checkpoint	= limits_checkpoint,
	.restore	= limits_restore,
	.commit		= limits_commit,
};

/* ---------------------------------------------------- what is refused */

#ifdef CONFIG_PERF_EVENTS
static bool has_perf_events(struct task_struct *t)
{
	struct perf_event_context *perf;
	bool has;

	/*
	 * The context stays when the last event is gone. Hardware breakpoints
	 * that ptrace has set are saved with the registers.
	 */
	rcu_read_lock();
	perf = READ_ONCE(t->perf_event_ctxp);
	has = perf && READ_ONCE(perf->nr_events) > ckpt_arch_breakpoints(t);
	rcu_read_unlock();
	return has;
}
#endif

static const char *refused(struct task_struct *t)
{
#ifdef CONFIG_PERF_EVENTS
	if (has_perf_events(t))
		return "perf events";
#endif
#ifdef CONFIG_UPROBES
	if (t->utask && (t->utask->active_uprobe || t->utask->return_instances))
		return "uprobe in progress";
#endif
#ifdef CONFIG_USER_EVENTS
	if (t->user_event_mm)
		return "user events";
#endif
#ifdef CONFIG_COMPAT
	if (t->compat_robust_list)
		return "robust futexes of 32-bit code";
#endif
#ifdef CONFIG_FUTEX_PI
	if (!list_empty(&t->pi_state_list))
		return "priority inheritance futex that a task outside of the tree waits for";
#endif
	return NULL;
}

/* -------------------------------------------------------- speculation */

/**
 * struct spec_kind - what PR_SET_SPECULATION_CTRL controls
 * @name: the name of its number
 * @normal: what it is if nothing was set
 * @others: PR_SPEC_* that it may be set to
 */
struct spec_kind {
	const char *name;
	int normal;
	int others;
};

static const struct spec_kind spec_kinds[CKPT_SPEC_MAX] = {
	[PR_SPEC_STORE_BYPASS] = {
		"PR_SPEC_STORE_BYPASS", PR_SPEC_ENABLE,
		PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE |
		PR_SPEC_DISABLE_NOEXEC,
	},
	[PR_SPEC_INDIRECT_BRANCH] = {
		"PR_SPEC_INDIRECT_BRANCH", PR_SPEC_ENABLE,
		PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE,
	},
	[PR_SPEC_L1D_FLUSH] = {
		"PR_SPEC_L1D_FLUSH", PR_SPEC_DISABLE, PR_SPEC_ENABLE,
	},
};

/* What it is set to, or 0 if it is not, or cannot be set here */
static int spec_get(struct task_struct *t, int which)
{
	int ctrl = arch_prctl_spec_ctrl_get(t, which);

	if (ctrl < 0 || !(ctrl & PR_SPEC_PRCTL))
		return 0;
	ctrl &= ~PR_SPEC_PRCTL;
	return ctrl == spec_kinds[which].normal ? 0 : ctrl;
}

/* Can the task, which has what the caller of restart has, be set to @want? */
static int spec_check(struct ckpt_ctx *ctx, int which, int want)
{
	const struct spec_kind *kind = &spec_kinds[which];
	int now = arch_prctl_spec_ctrl_get(current, which);

	if (want & (want - 1) || want & ~kind->others)
		return ckpt_err(ctx, -EINVAL, "image: speculation control %s is %#x",
				kind->name, want);
	if (now < 0 || !(now & PR_SPEC_PRCTL)) {
		if (!want)
			return 0;
		return ckpt_err(ctx, -EINVAL, "speculation control %s: cannot be set on this CPU, or by how this kernel was started",
				kind->name);
	}
	if ((now & PR_SPEC_FORCE_DISABLE) && want != PR_SPEC_FORCE_DISABLE)
		return ckpt_err(ctx, -EPERM, "the caller of restart has speculation control %s for good, which a restored task would inherit",
				kind->name);
	return 0;
}

/* What seccomp has forced on the task here stays. */
static void spec_set(int which, int want)
{
	if (spec_get(current, which) != want)
		arch_prctl_spec_ctrl_set(current, which,
					 want ?: spec_kinds[which].normal);
}

/* --------------------------------------------------------------- misc */

/* task->flags that prctl(2) sets: current alone changes them */
static const struct {
	u32 flag;
	unsigned int pf;
} prctl_flags[] = {
	{ CKPT_MISC_MCE_PROCESS, PF_MCE_PROCESS },
	{ CKPT_MISC_MCE_EARLY, PF_MCE_EARLY },
	{ CKPT_MISC_IO_FLUSHER, PF_MEMALLOC_NOIO | PF_LOCAL_THROTTLE },
};

#define CKPT_MISC_FLAGS	(CKPT_MISC_MCE_PROCESS | CKPT_MISC_MCE_EARLY | \
			 CKPT_MISC_IO_FLUSHER | CKPT_MISC_EXECED | \
			 CKPT_MISC_NPROC_EXCEEDED | CKPT_MISC_NO_TSC | \
			 CKPT_MISC_DISPATCH | CKPT_MISC_NO_CPUID)

/* PR_SET_TSC, which seccomp's strict mode sets, too */
static bool tsc_disabled(struct task_struct *t)
{
#ifdef TIF_NOTSC
	return test_tsk_thread_flag(t, TIF_NOTSC);
#else
	return false;
#endif
}

static void set_tsc_disabled(bool disabled)
{
#ifdef TIF_NOTSC
	set_tsc_mode(disabled ? PR_TSC_SIGSEGV : PR_TSC_ENABLE);
#endif
}

/* ARCH_SET_CPUID */
static bool cpuid_disabled(struct task_struct *t)
{
#ifdef TIF_NOCPUID
	return test_tsk_thread_flag(t, TIF_NOCPUID);
#else
	return false;
#endif
}

static bool can_disable_cpuid(void)
{
#ifdef TIF_NOCPUID
	return boot_cpu_has(X86_FEATURE_CPUID_FAULT);
#else
	return false;
#endif
}

static void set_cpuid_disabled(bool disabled)
{
#ifdef TIF_NOCPUID
	if (disabled != cpuid_disabled(current))
		do_arch_prctl_common(ARCH_SET_CPUID, !disabled);
#endif
}

/**
 * struct misc_defer - what is put aside until commit
 * @h: the record
 * @check_nproc: the task becomes another user's, as by setuid(2), or the caller
 *	of restart has exceeded RLIMIT_NPROC so, and may not exceed it
 */
struct misc_defer {
	struct ckpt_hdr_task_misc h;
	bool check_nproc;
};

static int misc_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const char *what = refused(t);

	if (what)
		return ckpt_err(ctx, -ENOSYS, "%s: not supported", what);
	return 0;
}

static void dispatch_save(struct task_struct *t, struct ckpt_hdr_task_misc *h)
{
#ifdef CONFIG_GENERIC_ENTRY
	const struct syscall_user_dispatch *sd = &t->syscall_dispatch;

	if (!test_task_syscall_work(t, SYSCALL_USER_DISPATCH))
		return;
	h->flags |= CKPT_MISC_DISPATCH;
	h->dispatch_offset = sd->offset;
	h->dispatch_len = sd->len;
	h->dispatch_selector = (unsigned long)sd->selector;
#endif
}

static int misc_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_task_misc h = {
		.personality = t->personality,
		.pdeath_signal = t->pdeath_signal,
		.set_child_tid = (unsigned long)t->set_child_tid,
		.clear_child_tid = (unsigned long)t->clear_child_tid,
	};
	int i;

	BUILD_BUG_ON(sizeof(h.comm) != sizeof(t->comm));

#ifdef CONFIG_FUTEX
	h.robust_list = (unsigned long)t->robust_list;
#endif
#ifdef CONFIG_RSEQ
	h.rseq = (unsigned long)t->rseq;
	h.rseq_len = t->rseq_len;
	h.rseq_sig = t->rseq_sig;
#endif
	for (i = 0; i < ARRAY_SIZE(prctl_flags); i++)
		if ((t->flags & prctl_flags[i].pf) == prctl_flags[i].pf)
			h.flags |= prctl_flags[i].flag;
	if (!(t->flags & PF_FORKNOEXEC))
		h.flags |= CKPT_MISC_EXECED;
	if (t->flags & PF_NPROC_EXCEEDED)
		h.flags |= CKPT_MISC_NPROC_EXCEEDED;
	if (tsc_disabled(t))
		h.flags |= CKPT_MISC_NO_TSC;
	if (cpuid_disabled(t))
		h.flags |= CKPT_MISC_NO_CPUID;
	for (i = 0; i < CKPT_SPEC_MAX; i++)
		h.speculation[i] = spec_get(t, i);
	dispatch_save(t, &h);
	get_task_comm(h.comm, ctx->saved);

	return ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_MISC, sizeof(h));
}

/* As prctl(PR_SET_SYSCALL_USER_DISPATCH) checks it */
static bool dispatch_ok(const struct ckpt_hdr_task_misc *h)
{
	if (!(h->flags & CKPT_MISC_DISPATCH))
		return !h->dispatch_offset && !h->dispatch_len &&
		       !h->dispatch_selector;
	if (h->dispatch_offset &&
	    h->dispatch_offset + h->dispatch_len <= h->dispatch_offset)
		return false;
	return IS_ENABLED(CONFIG_GENERIC_ENTRY) &&
	       access_ok((char __user *)(unsigned long)h->dispatch_selector, 1);
}

/* The size that struct rseq had at first, and is aligned to then */
#define CKPT_RSEQ_ORIG_SIZE	32

/* As rseq(2) checks it */
static bool rseq_ok(const struct ckpt_hdr_task_misc *h)
{
	if (!h->rseq)
		return !h->rseq_len && !h->rseq_sig;
#ifdef CONFIG_RSEQ
	if (h->rseq_len < CKPT_RSEQ_ORIG_SIZE ||
	    h->rseq_len < offsetof(struct rseq, end) ||
	    !IS_ALIGNED(h->rseq, h->rseq_len == CKPT_RSEQ_ORIG_SIZE ?
				 CKPT_RSEQ_ORIG_SIZE :
				 __alignof__(struct rseq)))
		return false;
	return access_ok((void __user *)(unsigned long)h->rseq, h->rseq_len);
#else
	return false;
#endif
}

static int misc_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_misc h;
	struct misc_defer *d;
	int err, i;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TASK_MISC, sizeof(h));
	if (err)
		return err;
	if ((h.flags & ~CKPT_MISC_FLAGS) || h.reserved ||
	    !valid_signal(h.pdeath_signal) ||
	    strnlen(h.comm, sizeof(h.comm)) == sizeof(h.comm))
		return ckpt_err(ctx, -EINVAL, "image: flags %#x, parent death signal %u, or the name is malformed",
				h.flags, h.pdeath_signal);
	if ((h.flags & CKPT_MISC_NO_CPUID) && !can_disable_cpuid())
		return ckpt_err(ctx, -EINVAL, "CPUID disabled (ARCH_SET_CPUID): this CPU cannot do that (cpuid_fault)");
	if (!rseq_ok(&h))
		return ckpt_err(ctx, -EINVAL, "rseq area at %#llx, %u bytes: malformed, or not known here",
				h.rseq, h.rseq_len);
	if (!dispatch_ok(&h))
		return ckpt_err(ctx, -EINVAL, "image: dispatch of system calls: %#llx bytes from %#llx, selector at %#llx",
				h.dispatch_len, h.dispatch_offset,
				h.dispatch_selector);
	if ((h.flags & CKPT_MISC_IO_FLUSHER) && !capable(CAP_SYS_RESOURCE))
		return ckpt_err(ctx, -EPERM, "PR_SET_IO_FLUSHER: you may not set it");
	for (i = 0; i < CKPT_SPEC_MAX; i++) {
		err = spec_check(ctx, i, h.speculation[i]);
		if (err)
			return err;
	}

	d = ckpt_task_defer(ctx, CKPT_STATE_MISC, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->h = h;
	d->check_nproc = (!uid_eq(ckpt_new_cred()->uid, current_uid()) ||
			  (current->flags & PF_NPROC_EXCEEDED)) &&
			 !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN);
	/* of a task that replaces itself: in the address space that is gone */
	rseq_execve(current);
	return 0;
}

/*
 * Until here these would have been used by the exit of a task whose restart
 * failed: memory that is shared must not see that.
 */
static void commit_pointers(const struct ckpt_hdr_task_misc *h)
{
	current->set_child_tid = (int __user *)(unsigned long)h->set_child_tid;
	current->clear_child_tid =
		(int __user *)(unsigned long)h->clear_child_tid;
#ifdef CONFIG_FUTEX
	current->robust_list =
		(struct robust_list_head __user *)(unsigned long)h->robust_list;
#endif
#ifdef CONFIG_RSEQ
	/*
	 * The checkpoint was a preemption: a critical section is left through
	 * its abort handler, once the saved registers are in place.
	 */
	preempt_disable();
	current->rseq = (struct rseq __user *)(unsigned long)h->rseq;
	current->rseq_len = h->rseq_len;
	current->rseq_sig = h->rseq_sig;
	rseq_preempt(current);
	preempt_enable();
#endif
}

/*
 * What setuid(2) does where it exceeds RLIMIT_NPROC: the next exec fails. The
 * credentials and the limits are in force already.
 */
static void commit_nproc(const struct misc_defer *d)
{
	current->flags &= ~PF_NPROC_EXCEEDED;
	if ((d->h.flags & CKPT_MISC_NPROC_EXCEEDED) ||
	    (d->check_nproc && current_user() != INIT_USER &&
	     is_rlimit_overlimit(current_ucounts(), UCOUNT_RLIMIT_NPROC,
				 rlimit(RLIMIT_NPROC))))
		current->flags |= PF_NPROC_EXCEEDED;
}

/* What was checked cannot fail. */
static void commit_dispatch(const struct ckpt_hdr_task_misc *h)
{
	char __user *sel = (char __user *)(unsigned long)h->dispatch_selector;

	if (h->flags & CKPT_MISC_DISPATCH)
		set_syscall_user_dispatch(PR_SYS_DISPATCH_ON,
					  h->dispatch_offset, h->dispatch_len,
					  sel);
	else
		/* of a task that replaces itself: as above */
		set_syscall_user_dispatch(PR_SYS_DISPATCH_OFF, 0, 0, NULL);
}

static void misc_commit(void *defer)
{
	const struct misc_defer *d = defer;
	const struct ckpt_hdr_task_misc *h = &d->h;
	int i;

	commit_pointers(h);
	for (i = 0; i < ARRAY_SIZE(prctl_flags); i++) {
		current->flags &= ~prctl_flags[i].pf;
		if (h->flags & prctl_flags[i].flag)
			current->flags |= prctl_flags[i].pf;
	}
	if (h->flags & CKPT_MISC_EXECED)
		current->flags &= ~PF_FORKNOEXEC;
	else
		current->flags |= PF_FORKNOEXEC;
	set_tsc_disabled(h->flags & CKPT_MISC_NO_TSC);
	set_cpuid_disabled(h->flags & CKPT_MISC_NO_CPUID);
	for (i = 0; i < CKPT_SPEC_MAX; i++)
		spec_set(i, h->speculation[i]);
	commit_dispatch(h);
	commit_nproc(d);
	current->personality = h->personality;
	/* after the credentials, which clear it */
	current->pdeath_signal = h->pdeath_signal;
	set_task_comm(current, h->comm);
}

const struct ckpt_task_ops ckpt_misc_task_ops = {
	.name		= "small state",
	.collect	= misc_collect,
	.checkpoint	= misc_checkpoint,
	.restore	= misc_restore,
	.commit		= misc_commit,
};
