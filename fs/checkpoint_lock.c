// SPDX-License-Identifier: GPL-2.0
/*
 * Locks on files: POSIX record locks, which belong to a descriptor table; OFD
 * locks, flocks and leases, which belong to an open file. And, as it belongs to
 * a table in the same way, what F_NOTIFY asked for.
 *
 * They are taken when their owner is restored: nothing that the tree does is
 * older, nobody in it contends for them, and if the restart fails they go with
 * their owner. Whoever waited for one makes the system call again.
 */

#include <linux/dnotify.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/security.h>
#include <linux/xarray.h>

#include "checkpoint.h"

/* What a lock is called in messages */
static const char *const lock_name[CKPT_LOCK_MAX] = {
	[CKPT_LOCK_POSIX]	= "record lock",
	[CKPT_LOCK_OFD]		= "OFD lock",
	[CKPT_LOCK_FLOCK]	= "flock",
	[CKPT_LOCK_LEASE]	= "lease",
	[CKPT_LOCK_NOTIFY]	= "watch of F_NOTIFY",
};

static u32 lock_kind(const struct file_lock_core *flc)
{
	if (flc->flc_flags & FL_LEASE)
		return CKPT_LOCK_LEASE;
	if (flc->flc_flags & FL_FLOCK)
		return CKPT_LOCK_FLOCK;
	return flc->flc_flags & FL_OFDLCK ? CKPT_LOCK_OFD : CKPT_LOCK_POSIX;
}

/**
 * struct lock_walk - a walk for locks
 * @file: the open file that they were set through
 * @owner: who has them: @file, or a descriptor table
 * @skip: how many to pass over
 * @nr: how many are in @locks
 * @locks: what was found
 */
struct lock_walk {
	struct file *file;
	fl_owner_t owner;
	unsigned int skip;
	unsigned int nr;
	struct ckpt_lock locks[CKPT_LOCKS_MAX];
};

/* Milliseconds until @then, at least one; 0 if that never comes */
static u32 ms_until(unsigned long then)
{
	unsigned long now = jiffies;

	if (!then)
		return 0;
	return time_after(then, now) ? jiffies_to_msecs(then - now) ?: 1 : 1;
}

/* What /proc/sys/fs/lease-break-time is unless the administrator changes it */
#define LEASE_BREAK_MS	(45 * MSEC_PER_SEC)

/*
 * When a lease ends that is being broken. Whoever opens the file waits for that:
 * no longer than for leases that were made here, and never for ever.
 */
static unsigned long jiffies_in(u32 ms)
{
	if (!ms || ms > LEASE_BREAK_MS)
		ms = LEASE_BREAK_MS;
	return (jiffies + msecs_to_jiffies(ms)) ?: 1;
}

static void save_lease(const struct file_lock_core *flc, struct ckpt_lock *l)
{
	const struct file_lease *lease =
			container_of_const(flc, struct file_lease, c);
	const struct fasync_struct *fa;

	l->fd = CKPT_FASYNC_NONE;
	for (fa = lease->fl_fasync; fa; fa = fa->fa_next)
		if (fa->fa_file == flc->flc_file)
			l->fd = fa->fa_fd;
	if (flc->flc_flags & FL_UNLOCK_PENDING) {
		l->flags |= CKPT_LOCK_UNLOCK;
		l->unlock_ms = ms_until(lease->fl_break_time);
	}
	if (flc->flc_flags & FL_DOWNGRADE_PENDING) {
		l->flags |= CKPT_LOCK_DOWNGRADE;
		l->downgrade_ms = ms_until(lease->fl_downgrade_time);
	}
}

/* Under flc_lock. The pid is that of the first pid namespace for now. */
static void save_lock(const struct file_lock_core *flc, struct ckpt_lock *l)
{
	const struct file_lock *fl =
			container_of_const(flc, struct file_lock, c);

	*l = (struct ckpt_lock) {
		.kind = lock_kind(flc),
		.type = flc->flc_type,
		.pid = flc->flc_pid,
	};
	if (l->kind == CKPT_LOCK_LEASE) {
		save_lease(flc, l);
	} else if (l->kind != CKPT_LOCK_FLOCK) {
		l->start = fl->fl_start;
		l->end = fl->fl_end;
	}
}

static void walk_list(struct lock_walk *w, struct list_head *list)
{
	struct file_lock_core *flc;
	unsigned int n = 0;

	list_for_each_entry(flc, list, flc_list) {
		if (flc->flc_file != w->file || flc->flc_owner != w->owner ||
		    (flc->flc_flags & (FL_DELEG | FL_LAYOUT)))
			continue;
		if (n++ < w->skip)
			continue;
		if (w->nr == CKPT_LOCKS_MAX)
			return;
		save_lock(flc, &w->locks[w->nr++]);
	}
	w->skip -= min(n, w->skip);
}

/* Find the locks from number @skip on, as many as there is room for. */
static void walk_locks(struct lock_walk *w, unsigned int skip)
{
	struct file_lock_context *flctx;

	w->nr = 0;
	w->skip = skip;
	flctx = locks_inode_context(file_inode(w->file));
	if (!flctx)
		return;
	spin_lock(&flctx->flc_lock);
	walk_list(w, &flctx->flc_posix);
	walk_list(w, &flctx->flc_flock);
	walk_list(w, &flctx->flc_lease);
	spin_unlock(&flctx->flc_lock);
}

/**
 * ckpt_file_has_locks - is there a lock that was set through an open file?
 * @file: the file
 * @owner: who has the lock: @file, or a descriptor table
 *
 * Return: true if there is.
 */
bool ckpt_file_has_locks(struct file *file, fl_owner_t owner)
{
	struct file_lock_context *flctx;
	struct file_lock_core *flc;
	struct list_head *lists[3];
	bool found = false;
	int i;

	flctx = locks_inode_context(file_inode(file));
	if (!flctx)
		return false;
	lists[0] = &flctx->flc_posix;
	lists[1] = &flctx->flc_flock;
	lists[2] = &flctx->flc_lease;
	spin_lock(&flctx->flc_lock);
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		list_for_each_entry(flc, lists[i], flc_list)
			if (flc->flc_file == file && flc->flc_owner == owner)
				found = true;
	spin_unlock(&flctx->flc_lock);
	return found;
}

/* The slot of a process, and one more; 0 if it is outside, or gone */
static u32 pid_slot(struct ckpt_ctx *ctx, pid_t nr)
{
	struct pid *pid;
	int slot = -ENOENT;

	rcu_read_lock();
	pid = nr > 0 ? get_pid(find_pid_ns(nr, &init_pid_ns)) : NULL;
	rcu_read_unlock();
	if (pid)
		slot = ckpt_pid_slot(ctx, pid);
	put_pid(pid);
	return slot < 0 ? 0 : slot + 1;
}

/**
 * ckpt_locks_write - write the locks that were set through an open file
 * @ctx: the context of a checkpoint
 * @file: the file
 * @owner: who has them: @file, or a descriptor table
 * @fd: its descriptor in that table
 *
 * Context: process context, may sleep; the owner is parked.
 * Return: 0, -ENOMEM, or the errno of the write.
 */
int ckpt_locks_write(struct ckpt_ctx *ctx, struct file *file, fl_owner_t owner,
		     u32 fd)
{
	struct ckpt_hdr_locks h = {};
	unsigned int i, skip = 0;
	struct lock_walk *w;
	int err = 0;

	/* it gets its inode when all locks are there */
	if (ckpt_pidfd_match(file) && ckpt_file_has_locks(file, owner))
		return ckpt_err(ctx, -ENOSYS, "lock on a pidfd: not supported");
	w = kvzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	if (!w)
		return -ENOMEM;
	w->file = file;
	w->owner = owner;
	for (;;) {
		walk_locks(w, skip);
		if (!w->nr)
			break;
		for (i = 0; i < w->nr; i++) {
			w->locks[i].pid = pid_slot(ctx, w->locks[i].pid);
			if (w->locks[i].kind == CKPT_LOCK_POSIX)
				w->locks[i].fd = fd;
		}
		err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_LOCKS, sizeof(h),
					  w->locks,
					  w->nr * sizeof(w->locks[0]));
		if (err)
			break;
		skip += w->nr;
		cond_resched();
	}
	kvfree(w);
	return err;
}

/**
 * ckpt_notify_write - write what a descriptor table is told about a directory
 * @ctx: the context of a checkpoint
 * @arg: DN_*
 * @fd: the descriptor that the signals tell
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_notify_write(struct ckpt_ctx *ctx, u32 arg, u32 fd)
{
	struct ckpt_hdr_locks h = {};
	struct ckpt_lock l = {
		.kind = CKPT_LOCK_NOTIFY,
		.type = arg,
		.fd = fd,
	};

	return ckpt_write_rec_tail(ctx, &h, CKPT_HDR_LOCKS, sizeof(h), &l,
				   sizeof(l));
}

/**
 * ckpt_locks_write_end - write that there are no more locks
 * @ctx: the context of a checkpoint
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_locks_write_end(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_locks h = {};

	return ckpt_write_rec(ctx, &h, CKPT_HDR_LOCKS, sizeof(h));
}

/* ------------------------------------------------------------- restart */

/* Say whose lock is in the way of @l. */
static int report(struct ckpt_ctx *ctx, struct file *file,
		  const struct ckpt_lock *l, pid_t holder, int err)
{
	bool lease = l->kind == CKPT_LOCK_LEASE;
	char by[32] = "", *buf = __getname();
	const char *name = "?";
	struct pid *pid;
	pid_t nr = 0;

	if (!buf)
		return -ENOMEM;
	name = d_path(file_user_path(file), buf, PATH_MAX);
	if (IS_ERR(name))
		name = "?";
	if (err == -EAGAIN) {
		rcu_read_lock();
		pid = holder > 0 ? find_pid_ns(holder, &init_pid_ns) : NULL;
		if (pid)
			nr = pid_nr_ns(pid, ctx->caller_ns->pid_ns_for_children);
		rcu_read_unlock();
		if (nr)
			scnprintf(by, sizeof(by), " (pid %d)", nr);
		err = ckpt_err(ctx, -EBUSY,
			       "'%s': the %s cannot be had: another process%s has it %s",
			       name, lock_name[l->kind], by,
			       lease ? "open" : "locked");
	} else {
		err = ckpt_err(ctx, err, "'%s': the %s cannot be had: error %d",
			       name, lock_name[l->kind], err);
	}
	__putname(buf);
	return err;
}

/* As sys_flock() and fcntl_setlk() */
static int set_lock(struct ckpt_ctx *ctx, struct file *file,
		    const struct ckpt_lock *l, pid_t pid)
{
	struct file_lock *fl = locks_alloc_lock(), *conf = locks_alloc_lock();
	pid_t holder = 0;
	int err = -ENOMEM;

	if (!fl || !conf)
		goto out;
	fl->c.flc_flags = l->kind == CKPT_LOCK_FLOCK ? FL_FLOCK : FL_POSIX;
	if (l->kind == CKPT_LOCK_OFD)
		fl->c.flc_flags |= FL_OFDLCK;
	fl->c.flc_owner = l->kind == CKPT_LOCK_POSIX ? (void *)current->files :
						       (void *)file;
	fl->c.flc_file = file;
	fl->c.flc_type = l->type;
	fl->c.flc_pid = pid;
	fl->fl_start = l->start;
	fl->fl_end = l->kind == CKPT_LOCK_FLOCK ? OFFSET_MAX : l->end;

	err = security_file_lock(file, l->type);
	if (err)
		goto out;
	if (l->kind != CKPT_LOCK_FLOCK) {
		err = vfs_lock_file(file, F_SETLK, fl, conf);
		holder = conf->c.flc_pid;
	} else if (file->f_op->flock) {
		err = file->f_op->flock(file, F_SETLK, fl);
	} else {
		err = locks_lock_file_wait(file, fl);
	}
out:
	if (fl)
		locks_free_lock(fl);
	if (conf)
		locks_free_lock(conf);
	return err ? report(ctx, file, l, holder, err < 0 ? err : -EAGAIN) : 0;
}

/* The lease is there: make it what it was. */
static void complete_lease(struct file *file, const struct ckpt_lock *l,
			   pid_t pid)
{
	struct file_lock_context *flctx;
	struct file_lock_core *flc;
	struct file_lease *lease;

	flctx = locks_inode_context(file_inode(file));
	if (!flctx)
		return;
	spin_lock(&flctx->flc_lock);
	list_for_each_entry(flc, &flctx->flc_lease, flc_list) {
		if (flc->flc_file != file || flc->flc_owner != file)
			continue;
		lease = container_of(flc, struct file_lease, c);
		flc->flc_pid = pid;
		if (l->flags & CKPT_LOCK_UNLOCK) {
			flc->flc_flags |= FL_UNLOCK_PENDING;
			lease->fl_break_time = jiffies_in(l->unlock_ms);
		}
		if (l->flags & CKPT_LOCK_DOWNGRADE) {
			flc->flc_flags |= FL_DOWNGRADE_PENDING;
			lease->fl_downgrade_time = jiffies_in(l->downgrade_ms);
		}
	}
	spin_unlock(&flctx->flc_lock);
}

static int set_lease(struct ckpt_ctx *ctx, struct file *file,
		     const struct ckpt_lock *l, pid_t pid)
{
	int err = fcntl_setlease(l->fd, file, l->type);

	if (err)
		return report(ctx, file, l, 0, err);
	complete_lease(file, l, pid);
	/* this made current the owner of the file; the image knows better */
	f_delown(file);
	return 0;
}

static int set_notify(struct ckpt_ctx *ctx, struct file *file,
		      const struct ckpt_lock *l)
{
	enum pid_type type;
	struct pid *owner = ckpt_file_owner(file, &type);
	int err = fcntl_dirnotify(l->fd, file, l->type);

	/* this made current the owner of the file; the image knows better */
	if (!err && !owner)
		f_delown(file);
	put_pid(owner);
	return err ? report(ctx, file, l, 0, err) : 0;
}

static bool type_valid(const struct ckpt_lock *l)
{
	const u32 events = DN_ACCESS | DN_MODIFY | DN_CREATE | DN_DELETE |
			   DN_RENAME | DN_ATTRIB;

	if (l->kind != CKPT_LOCK_NOTIFY)
		return l->type == F_RDLCK || l->type == F_WRLCK;
	return (l->type & events) && !(l->type & ~(events | (u32)DN_MULTISHOT));
}

static int check_lock(struct ckpt_ctx *ctx, const struct ckpt_lock *l,
		      bool table)
{
	bool lease = l->kind == CKPT_LOCK_LEASE;
	bool of_table = l->kind == CKPT_LOCK_POSIX ||
			l->kind == CKPT_LOCK_NOTIFY;

	if (l->kind >= CKPT_LOCK_MAX || l->reserved || of_table != table ||
	    !type_valid(l) ||
	    l->start > l->end || l->end > OFFSET_MAX ||
	    (l->fd > INT_MAX && !(lease && l->fd == CKPT_FASYNC_NONE)) ||
	    (l->flags & ~(CKPT_LOCK_UNLOCK | CKPT_LOCK_DOWNGRADE)) ||
	    (!lease && (l->flags || l->unlock_ms || l->downgrade_ms)))
		return ckpt_err(ctx, -EINVAL, "image: lock of kind %u and type %u, with flags %#x",
				l->kind, l->type, l->flags);
	return 0;
}

/* What fcntl(2) and flock(2) ask of the file */
static bool mode_allows(struct file *file, const struct ckpt_lock *l)
{
	if (file->f_mode & FMODE_PATH)
		return false;
	switch (l->kind) {
	case CKPT_LOCK_POSIX:
	case CKPT_LOCK_OFD:
		return file->f_mode & (l->type == F_RDLCK ? FMODE_READ :
							    FMODE_WRITE);
	case CKPT_LOCK_FLOCK:
		return file->f_mode & (FMODE_READ | FMODE_WRITE);
	default:
		return true;
	}
}

static int restore_lock(struct ckpt_ctx *ctx, struct file *file,
			const struct ckpt_lock *l)
{
	struct file *through = NULL;
	struct pid *pid = NULL;
	int err;

	err = check_lock(ctx, l, !file);
	if (err)
		return err;
	if (l->pid) {
		pid = ckpt_slot_pid(ctx, l->pid - 1);
		if (IS_ERR(pid))
			return PTR_ERR(pid);
	}
	/* by its descriptor: with that the lock goes if the table does */
	if (!file) {
		through = fget(l->fd);
		if (!through)
			return ckpt_err(ctx, -EINVAL, "image: record lock through descriptor %u",
					l->fd);
		file = through;
	}
	if (ckpt_pidfd_match(file))
		err = ckpt_err(ctx, -EINVAL, "image: lock on a pidfd");
	else if (!mode_allows(file, l))
		err = report(ctx, file, l, 0, -EBADF);
	else if (l->kind == CKPT_LOCK_NOTIFY)
		err = set_notify(ctx, file, l);
	else if (l->kind == CKPT_LOCK_LEASE)
		err = set_lease(ctx, file, l, pid_nr(pid));
	else
		err = set_lock(ctx, file, l, pid_nr(pid));
	if (through)
		fput(through);
	return err;
}

/**
 * ckpt_locks_read - take the locks of an open file or of a descriptor table
 * @ctx: the context of a restart
 * @file: the file, or NULL: the table is that of current, complete
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported: -EINVAL for a malformed record,
 * -EBUSY if somebody else has a lock that is in the way.
 */
int ckpt_locks_read(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_hdr_locks *h;
	unsigned int i, nr;
	int err = 0;

	do {
		h = ckpt_read_rec(ctx, CKPT_HDR_LOCKS, sizeof(*h),
				  struct_size(h, locks, CKPT_LOCKS_MAX));
		if (IS_ERR(h))
			return PTR_ERR(h);
		nr = (h->h.len - sizeof(*h)) / sizeof(h->locks[0]);
		if (h->h.len != struct_size(h, locks, nr))
			err = ckpt_err(ctx, -EINVAL, "image: locks in %u bytes",
				       h->h.len);
		for (i = 0; i < nr && !err; i++)
			err = restore_lock(ctx, file, &h->locks[i]);
		kvfree(h);
		cond_resched();
	} while (nr && !err);
	return err;
}
