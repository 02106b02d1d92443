// SPDX-License-Identifier: GPL-2.0
/*
 * Restart blocks: what a system call that was interrupted goes on with.
 *
 * The kernel's own kinds are known by their function. They hold times at which
 * the wait ends; an image has what was left of it instead, since the clocks of
 * another machine show other times. A call that parking cut short and that has
 * nothing in its restart block is saved here all the same, as what it is. See
 * kernel/checkpoint_syscall.c.
 */

#include <linux/checkpoint_types.h>
#include <linux/ptrace.h>
#include <linux/sched/task_stack.h>
#include <linux/timekeeping.h>
#include <linux/unistd.h>

#include <asm/syscall.h>

#include "futex/futex.h"

#define FUTEX_KNOWN	(FLAGS_SIZE_MASK | FLAGS_SHARED | FLAGS_CLOCKRT | \
			 FLAGS_HAS_TIMEOUT)

typedef long restart_fn_t(struct restart_block *block);

/**
 * struct kind - one kind of restart block
 * @fn: where the function is named that it is known by
 * @known: is it one that can be saved? May be NULL
 * @save: put what it holds into a record
 * @check: may a record be restored?
 * @load: the reverse of @save, with the time at which the wait ends
 */
struct kind {
	restart_fn_t *const *fn;
	bool (*known)(const struct restart_block *block);
	void (*save)(struct ckpt_ctx *ctx, const struct restart_block *block,
		     struct ckpt_hdr_restart_block *h);
	bool (*check)(const struct ckpt_hdr_restart_block *h);
	void (*load)(struct restart_block *block,
		     const struct ckpt_hdr_restart_block *h, ktime_t end);
};

/* ------------------------------------------------------------------- times */

static bool clock_known(u32 clockid)
{
	switch (clockid) {
	case CLOCK_MONOTONIC:
	case CLOCK_REALTIME:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return true;
	default:
		return false;
	}
}

static ktime_t clock_now(u32 clockid)
{
	switch (clockid) {
	case CLOCK_REALTIME:
		return ktime_get_real();
	case CLOCK_BOOTTIME:
		return ktime_get_boottime();
	case CLOCK_TAI:
		return ktime_get_clocktai();
	default:
		return ktime_get();
	}
}

static void save_left(struct ckpt_ctx *ctx, struct ckpt_hdr_restart_block *h,
		      u32 clockid, ktime_t end)
{
	ktime_t since = ktime_sub(ktime_get(), ctx->stopped_at);

	h->clockid = clockid;
	h->has_timeout = 1;
	h->left_ns = ktime_sub(end, ktime_sub(clock_now(clockid), since));
}

/* When does the wait end? Time that has run out is a moment ago. */
static ktime_t load_left(const struct ckpt_hdr_restart_block *h)
{
	return ktime_add_safe(clock_now(h->clockid), max_t(s64, h->left_ns, 0));
}

/* ------------------------------------------------------------------- kinds */

static bool known_nanosleep(const struct restart_block *block)
{
	return block->nanosleep.type != TT_COMPAT;
}

static void save_nanosleep(struct ckpt_ctx *ctx,
			   const struct restart_block *block,
			   struct ckpt_hdr_restart_block *h)
{
	save_left(ctx, h, block->nanosleep.clockid, block->nanosleep.expires);
	h->type = block->nanosleep.type;
	h->rmtp = (uintptr_t)block->nanosleep.rmtp;
}

static bool check_nanosleep(const struct ckpt_hdr_restart_block *h)
{
	return clock_known(h->clockid) && h->has_timeout &&
	       (h->type == TT_NONE || h->type == TT_NATIVE);
}

static void load_nanosleep(struct restart_block *block,
			   const struct ckpt_hdr_restart_block *h, ktime_t end)
{
	block->nanosleep.clockid = h->clockid;
	block->nanosleep.type = h->type;
	block->nanosleep.rmtp = (void __user *)(uintptr_t)h->rmtp;
	block->nanosleep.expires = end;
}

static void save_poll(struct ckpt_ctx *ctx, const struct restart_block *block,
		      struct ckpt_hdr_restart_block *h)
{
	if (block->poll.has_timeout)
		save_left(ctx, h, CLOCK_MONOTONIC,
			  ktime_set(block->poll.tv_sec, block->poll.tv_nsec));
	h->addr = (uintptr_t)block->poll.ufds;
	h->nr = block->poll.nfds;
}

static bool check_poll(const struct ckpt_hdr_restart_block *h)
{
	return !h->has_timeout || h->clockid == CLOCK_MONOTONIC;
}

static void load_poll(struct restart_block *block,
		      const struct ckpt_hdr_restart_block *h, ktime_t end)
{
	struct timespec64 ts = ktime_to_timespec64(end);

	block->poll.ufds = (void __user *)(uintptr_t)h->addr;
	block->poll.nfds = h->nr;
	block->poll.has_timeout = h->has_timeout;
	block->poll.tv_sec = ts.tv_sec;
	block->poll.tv_nsec = ts.tv_nsec;
}

static bool known_futex(const struct restart_block *block)
{
	return !(block->futex.flags & ~FUTEX_KNOWN) &&
	       (block->futex.flags & FLAGS_SIZE_MASK) == FLAGS_SIZE_32;
}

static void save_futex(struct ckpt_ctx *ctx, const struct restart_block *block,
		       struct ckpt_hdr_restart_block *h)
{
	unsigned int flags = block->futex.flags;

	if (flags & FLAGS_CLOCKRT) {
		/* asked for as a time of day, which it stays */
		h->clockid = CLOCK_REALTIME;
		h->has_timeout = 1;
		h->left_ns = block->futex.time;
	} else {
		save_left(ctx, h, CLOCK_MONOTONIC, block->futex.time);
	}
	h->addr = (uintptr_t)block->futex.uaddr;
	h->val = block->futex.val;
	h->bitset = block->futex.bitset;
	if (flags & FLAGS_SHARED)
		h->flags |= CKPT_FUTEX_SHARED;
}

static bool check_futex(const struct ckpt_hdr_restart_block *h)
{
	return h->has_timeout && h->bitset &&
	       !(h->flags & ~CKPT_FUTEX_SHARED) &&
	       (h->clockid == CLOCK_MONOTONIC ||
		(h->clockid == CLOCK_REALTIME && h->left_ns >= 0));
}

static void load_futex(struct restart_block *block,
		       const struct ckpt_hdr_restart_block *h, ktime_t end)
{
	block->futex.uaddr = (void __user *)(uintptr_t)h->addr;
	block->futex.val = h->val;
	block->futex.bitset = h->bitset;
	block->futex.flags = FLAGS_SIZE_32 | FLAGS_HAS_TIMEOUT;
	if (h->flags & CKPT_FUTEX_SHARED)
		block->futex.flags |= FLAGS_SHARED;
	block->futex.time = end;
	if (h->clockid == CLOCK_REALTIME) {
		block->futex.flags |= FLAGS_CLOCKRT;
		block->futex.time = h->left_ns;
	}
}

static const struct kind kinds[] = {
	[CKPT_RESTART_NANOSLEEP] = {
		.fn = &ckpt_restart_nanosleep,
		.known = known_nanosleep,
		.save = save_nanosleep,
		.check = check_nanosleep,
		.load = load_nanosleep,
	},
	[CKPT_RESTART_POLL] = {
		.fn = &ckpt_restart_poll,
		.save = save_poll,
		.check = check_poll,
		.load = load_poll,
	},
	[CKPT_RESTART_FUTEX] = {
		.fn = &ckpt_restart_futex,
		.known = known_futex,
		.save = save_futex,
		.check = check_futex,
		.load = load_futex,
	},
};

static const struct kind *kind_of(const struct restart_block *block, u32 *fn)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *kind = &kinds[i];

		if (!kind->fn || *kind->fn != block->fn)
			continue;
		if (kind->known && !kind->known(block))
			return NULL;
		*fn = i;
		return kind;
	}
	return NULL;
}

/* ---------------------------------------------------------- the task state */

/*
 * Is the restart block going to be used? It stays as it is when the call that
 * set it has ended, so that most are of no use to anybody.
 */
static bool in_use(struct task_struct *t)
{
	struct pt_regs *regs = task_pt_regs(t);

	/* about to be told to call restart_syscall(2), or has been told */
	return t != current &&
	       ((syscall_get_nr(t, regs) != -1 &&
		 syscall_get_error(t, regs) == -ERESTART_RESTARTBLOCK) ||
		syscall_get_return_value(t, regs) == __NR_restart_syscall);
}

static int collect_restart_block(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const struct restart_block *block = &t->restart_block;
	u32 fn;

	if (block->fn == do_no_restart_syscall || kind_of(block, &fn) ||
	    !in_use(t))
		return 0;
	return ckpt_err(ctx, -ENOSYS,
			"waits in a system call that goes on with %ps: not supported, try again later",
			block->fn);
}

static int checkpoint_restart_block(struct ckpt_ctx *ctx,
				    struct task_struct *t)
{
	struct ckpt_hdr_restart_block h = { .fn = CKPT_RESTART_NONE };
	const struct ckpt_task *ct = t->ckpt_task;
	const struct kind *kind;

	if (t != current && ct && (ct->again || ct->bounded)) {
		h.fn = CKPT_RESTART_SYSCALL;
		h.nr = syscall_get_nr(t, task_pt_regs(t));
		if (ct->bounded)
			save_left(ctx, &h, CLOCK_MONOTONIC, ct->deadline);
	} else {
		kind = kind_of(&t->restart_block, &h.fn);
		if (kind)
			kind->save(ctx, &t->restart_block, &h);
	}
	return ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_RESTART_BLOCK, sizeof(h));
}

static bool record_ok(const struct ckpt_hdr_restart_block *h)
{
	if (h->has_timeout > 1)
		return false;
	switch (h->fn) {
	case CKPT_RESTART_NONE:
		return true;
	case CKPT_RESTART_SYSCALL:
		return !h->has_timeout || h->clockid == CLOCK_MONOTONIC;
	default:
		return h->fn < ARRAY_SIZE(kinds) && kinds[h->fn].check(h);
	}
}

static int restore_restart_block(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_restart_block *h;
	int err;

	h = ckpt_task_defer(ctx, CKPT_STATE_RESTART_BLOCK, sizeof(*h));
	if (!h)
		return -ENOMEM;
	err = ckpt_read_rec_into(ctx, h, CKPT_HDR_TASK_RESTART_BLOCK,
				 sizeof(*h));
	if (err)
		return err;
	if (!record_ok(h))
		return ckpt_err(ctx, -EINVAL, "restart block of kind %u: the record makes no sense",
				h->fn);
	return 0;
}

/* The clocks run on until now, when the time that was left begins. */
static void commit_restart_block(void *defer)
{
	const struct ckpt_hdr_restart_block *h = defer;
	struct restart_block *block = &current->restart_block;
	struct ckpt_task *ct = current->ckpt_task;

	/* until it is known whether there is a call to be made again */
	ckpt_task_keep();
	set_restart_fn(block, do_no_restart_syscall);
	switch (h->fn) {
	case CKPT_RESTART_NONE:
		break;
	case CKPT_RESTART_SYSCALL:
		/* which call it is, the registers say */
		ct->again = true;
		ct->bounded = h->has_timeout;
		ct->deadline = load_left(h);
		break;
	default:
		kinds[h->fn].load(block, h, load_left(h));
		set_restart_fn(block, *kinds[h->fn].fn);
	}
}

const struct ckpt_task_ops ckpt_restart_block_task_ops = {
	.name = "restart block",
	.collect = collect_restart_block,
	.checkpoint = checkpoint_restart_block,
	.restore = restore_restart_block,
	.commit = commit_restart_block,
};
