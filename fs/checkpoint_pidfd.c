// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of pidfd_open(2).
 *
 * A thread is made after the descriptors of its leader. So a pidfd is made for
 * any pid at first, and gets its own when all are there; nobody sees it before.
 */

#include <linux/file.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/pidfs.h>
#include <linux/sched.h>
#include <uapi/linux/pidfd.h>

#include "checkpoint.h"

/**
 * ckpt_pidfd_match - is this a pidfd?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_pidfd_match(struct file *file)
{
	return !IS_ERR(pidfd_pid(file));
}

/* Of a task that is gone, and of which nothing else in the tree knows */
static bool is_dead(struct ckpt_ctx *ctx, struct pid *pid)
{
	return !pid_has_task(pid, PIDTYPE_PID) && ckpt_pid_slot(ctx, pid) < 0;
}

/**
 * ckpt_pidfd_collect - meet the pid of a task that is gone
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_pidfd_collect(struct ckpt_ctx *ctx, struct file *file)
{
	struct pid *pid = pidfd_pid(file);

	if (!is_dead(ctx, pid))
		return 0;
	return ckpt_obj_collect_n(ctx, pid, CKPT_OBJ_DEAD_PID, 0);
}

/**
 * ckpt_pidfd_checkpoint - see whether a pidfd can be saved
 * @ctx: the context
 * @file: the file
 * @h: its record: its flag is filled in
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOSYS, reported.
 */
int ckpt_pidfd_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			  struct ckpt_hdr_file *h)
{
	struct pid *pid = pidfd_pid(file);

	if (file->f_flags & PIDFD_THREAD)
		h->flags |= CKPT_FILEF_THREAD;
	if (ckpt_pid_slot(ctx, pid) >= 0 ||
	    (is_dead(ctx, pid) &&
	     ckpt_obj_collected(ctx, pid, CKPT_OBJ_DEAD_PID)))
		return 0;
	return ckpt_err(ctx, -ENOSYS, "pidfd of process %d outside of the tree: not supported",
			pid_vnr(pid));
}

/**
 * ckpt_pidfd_late_write - write what a pidfd refers to
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_pidfd_late_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct pid *pid = pidfd_pid(file);
	struct ckpt_hdr_pidfd h = {};
	int ret = ckpt_pid_slot(ctx, pid);

	if (ret >= 0) {
		h.pid = ret + 1;
	} else {
		ret = ckpt_obj_checkpoint(ctx, pid, CKPT_OBJ_DEAD_PID);
		if (ret < 0)
			return ret;
		h.dead = ret;
	}
	return ckpt_write_rec(ctx, &h, CKPT_HDR_PIDFD, sizeof(h));
}

/**
 * ckpt_pidfd_restore - make a pidfd, of current so far
 * @ctx: the context
 * @h: the record of the file
 * @name: what /proc/PID/fd/N showed, not used
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR: -EINVAL, reported, for a malformed record,
 * -ENFILE, -ENOMEM.
 */
struct file *ckpt_pidfd_restore(struct ckpt_ctx *ctx,
				const struct ckpt_hdr_file *h, const char *name)
{
	/* those that F_SETFL changes */
	const unsigned int flags = O_APPEND | O_NONBLOCK | O_NOATIME;
	struct file *file;

	if ((h->f_flags & ~(flags | FASYNC)) != O_RDWR || h->inner)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: pidfd with flags %#x",
					h->f_flags));
	file = pidfs_alloc_file(task_pid(current), O_RDWR);
	if (IS_ERR(file))
		return file;
	file->f_flags |= h->f_flags & flags;
	file->f_iocb_flags = iocb_flags(file);
	if (h->flags & CKPT_FILEF_THREAD)
		file->f_flags |= PIDFD_THREAD;
	return file;
}

/**
 * ckpt_pidfd_late_restore - read what a pidfd refers to
 * @ctx: the context
 * @file: the file
 *
 * Context: a restored task, may sleep.
 * Return: 0, or a negative errno, reported: -EINVAL for a malformed record,
 * -ENFILE, -ENOMEM.
 */
int ckpt_pidfd_late_restore(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_hdr_pidfd h;
	struct file *other;
	struct pid *pid;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_PIDFD, sizeof(h));
	if (err)
		return err;
	if (!h.pid == !h.dead)
		return ckpt_err(ctx, -EINVAL, "image: pidfd of slot %u and object %u",
				h.pid, h.dead);
	pid = h.pid ? ckpt_slot_pid(ctx, h.pid - 1) :
		      ckpt_obj_fetch(ctx, h.dead, CKPT_OBJ_DEAD_PID);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	other = pidfs_alloc_file(pid, O_RDWR);
	if (IS_ERR(other))
		return PTR_ERR(other);
	/* no descriptor leads to the file so far, and both are opened alike */
	swap(file->f_path, other->f_path);
	swap(file->f_inode, other->f_inode);
	swap(file->f_mapping, other->f_mapping);
	fput(other);
	return 0;
}

/* ------------------------------------------------- pids of the dead */

/**
 * ckpt_any_pid_collect - meet a pid, whether a process of the tree has it or not
 * @ctx: the context
 * @pid: the pid, or NULL
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_any_pid_collect(struct ckpt_ctx *ctx, struct pid *pid)
{
	if (!pid || ckpt_pid_slot(ctx, pid) >= 0)
		return 0;
	return ckpt_obj_collect_n(ctx, pid, CKPT_OBJ_DEAD_PID, 0);
}

/**
 * ckpt_any_pid_save - name a pid in the image
 * @ctx: the context
 * @pid: the pid, or NULL
 * @slot: where to put its slot + 1, or 0
 * @dead: where to put the objref of one that no process of the tree has, or 0
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_any_pid_save(struct ckpt_ctx *ctx, struct pid *pid, u32 *slot,
		      u32 *dead)
{
	int ret;

	*slot = 0;
	*dead = 0;
	if (!pid)
		return 0;
	ret = ckpt_pid_slot(ctx, pid);
	if (ret >= 0) {
		*slot = ret + 1;
		return 0;
	}
	ret = ckpt_obj_checkpoint(ctx, pid, CKPT_OBJ_DEAD_PID);
	if (ret < 0)
		return ret;
	*dead = ret;
	return 0;
}

/**
 * ckpt_any_pid_fetch - the pid that the image names
 * @ctx: the context
 * @slot: slot + 1, or 0
 * @dead: objref of one that no process of the tree has, or 0
 *
 * Return: the pid, borrowed, NULL for none, or ERR_PTR(-EINVAL), reported.
 */
struct pid *ckpt_any_pid_fetch(struct ckpt_ctx *ctx, u32 slot, u32 dead)
{
	if (slot && dead)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: a pid of slot %u and object %u",
					slot, dead));
	if (slot)
		return ckpt_slot_pid(ctx, slot - 1);
	return dead ? ckpt_obj_fetch(ctx, dead, CKPT_OBJ_DEAD_PID) : NULL;
}

static void dead_pid_grab(void *ptr)
{
	get_pid(ptr);
}

static void dead_pid_drop(void *ptr)
{
	put_pid(ptr);
}

static int dead_pid_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct pid_namespace *root = task_active_pid_ns(ctx->root_task);
	struct pid *pid = ptr;
	struct ckpt_hdr_dead_pid h = { .ino = pid->ino };
	unsigned int level;
	int ns;

	BUILD_BUG_ON(CKPT_PID_LEVELS <= MAX_PID_NS_LEVEL);

	ns = ckpt_pid_ns_index(ctx, ns_of_pid(pid));
	if (ns > 0)
		h.ns = ns;
	h.numbers[0] = pid_nr_ns(pid, root);
	for (level = root->level + 1; h.ns && level <= pid->level; level++)
		h.numbers[level - root->level] = pid->numbers[level].nr;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_DEAD_PID, sizeof(h));
}

/*
 * One that nobody will ever have, and that is found by none of its numbers: they
 * are only looked at. So it can have those that it had, whoever has them now,
 * and be of a namespace that nobody may come into any more.
 */
static struct pid *make_dead_pid(struct pid_namespace *root,
				 struct pid_namespace *ns, const u32 *numbers)
{
	struct pid_namespace *up = get_pid_ns(ns);
	struct pid *pid, *spare;
	int i;

	pid = kmem_cache_zalloc(ns->pid_cachep, GFP_KERNEL);
	/* for the number of its inode, which is nobody else's then */
	spare = alloc_pid(task_active_pid_ns(current), NULL, 0);
	if (!pid || IS_ERR(spare))
		goto fail;
	pid->ino = spare->ino;
	free_pid(spare);
	pid->level = ns->level;
	for (i = ns->level; i >= 0; i--, up = up->parent) {
		pid->numbers[i].ns = up;
		if (i >= root->level)
			pid->numbers[i].nr = numbers[i - root->level];
	}
	refcount_set(&pid->count, 1);
	spin_lock_init(&pid->lock);
	for (i = 0; i < PIDTYPE_MAX; i++)
		INIT_HLIST_HEAD(&pid->tasks[i]);
	INIT_HLIST_HEAD(&pid->inodes);
	init_waitqueue_head(&pid->wait_pidfd);
	return pid;

fail:
	if (!IS_ERR(spare))
		free_pid(spare);
	if (pid)
		kmem_cache_free(ns->pid_cachep, pid);
	put_pid_ns(ns);
	return IS_ERR(spare) ? spare : ERR_PTR(-ENOMEM);
}

static void *dead_pid_restore(struct ckpt_ctx *ctx)
{
	struct pid_namespace *root, *ns;
	struct ckpt_hdr_dead_pid h;
	unsigned int i;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_DEAD_PID, sizeof(h));
	if (err)
		return ERR_PTR(err);
	for (i = 0; i < CKPT_PID_LEVELS; i++)
		if (h.numbers[i] >= PID_MAX_LIMIT)
			return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: dead process with the number %u",
						h.numbers[i]));
	root = ckpt_index_pid_ns(ctx, 0);
	if (IS_ERR(root))
		return root;
	ns = ckpt_dead_pid_ns(ctx, h.ns);
	if (IS_ERR(ns))
		return ns;
	/* others know processes by it, whom the caller may not deceive */
	if (!checkpoint_restore_ns_capable(root->user_ns))
		h.numbers[0] = 0;
	return make_dead_pid(root, ns, h.numbers);
}

const struct ckpt_obj_ops ckpt_dead_pid_obj_ops = {
	.name		= "pid of a process that is gone",
	.grab		= dead_pid_grab,
	.drop		= dead_pid_drop,
	.checkpoint	= dead_pid_checkpoint,
	.restore	= dead_pid_restore,
};
