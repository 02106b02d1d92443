// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptor tables.
 */

#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/xarray.h>

#include "checkpoint.h"

/* The first open descriptor from *@fd on: its file, referenced, or NULL */
static struct file *next_fd(struct files_struct *files, unsigned int *fd,
			    u32 *flags)
{
	struct file *file = NULL;
	struct fdtable *fdt;

	spin_lock(&files->file_lock);
	fdt = files_fdtable(files);
	for (;; ++*fd) {
		*fd = find_next_bit(fdt->open_fds, fdt->max_fds, *fd);
		if (*fd >= fdt->max_fds)
			break;
		file = files_lookup_fd_locked(files, *fd);
		if (!file)
			continue;
		get_file(file);
		*flags = close_on_exec(*fd, files) ? CKPT_FD_CLOEXEC : 0;
		break;
	}
	spin_unlock(&files->file_lock);
	return file;
}

/*
 * As next_fd(), after the collect pass: the file is borrowed from the table
 * of objects, so that its users are no more than they were when counted.
 */
static struct file *next_known_fd(struct ckpt_ctx *ctx,
				  struct files_struct *files, unsigned int *fd,
				  u32 *flags)
{
	struct file *file = next_fd(files, fd, flags);
	bool known;

	if (!file)
		return NULL;
	known = ckpt_obj_collected(ctx, file, CKPT_OBJ_FILE);
	fput(file);
	if (known)
		return file;
	return ERR_PTR(ckpt_err(ctx, -EBUSY, "fd %u: opened meanwhile, try again",
				*fd));
}

static unsigned int max_fds(struct files_struct *files)
{
	unsigned int ret;

	rcu_read_lock();
	ret = files_fdtable(files)->max_fds;
	rcu_read_unlock();
	return ret;
}

static void files_grab(void *ptr)
{
	struct files_struct *files = ptr;

	atomic_inc(&files->count);
}

static void files_drop(void *ptr)
{
	put_files_struct(ptr);
}

static int files_users(void *ptr)
{
	struct files_struct *files = ptr;

	return atomic_read(&files->count);
}

static int files_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct file *file;
	unsigned int fd;
	u32 flags;
	int err;

	for (fd = 0; (file = next_fd(ptr, &fd, &flags)); fd++) {
		err = ckpt_obj_collect(ctx, file, CKPT_OBJ_FILE);
		if (!err)
			ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE,
				      CKPT_FILE_MARK_FD);
		fput(file);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/* Refuse by its descriptor what cannot be saved; count the descriptors. */
static int files_check(struct ckpt_ctx *ctx, struct files_struct *files,
		       u32 *nr)
{
	struct file *file;
	unsigned int fd;
	char who[16];
	u32 flags;
	int err;

	*nr = 0;
	for (fd = 0; (file = next_known_fd(ctx, files, &fd, &flags)); fd++) {
		if (IS_ERR(file))
			return PTR_ERR(file);
		snprintf(who, sizeof(who), "fd %u", fd);
		err = ckpt_file_check(ctx, file, who);
		if (err)
			return err;
		++*nr;
		cond_resched();
	}
	return 0;
}

/* Once for each open file, which may have several descriptors */
static int locks_checkpoint(struct ckpt_ctx *ctx, struct files_struct *files)
{
	struct file *file;
	struct xarray seen;
	unsigned int fd;
	u32 flags, notify, told;
	int err = 0;

	xa_init_flags(&seen, XA_FLAGS_ACCOUNT);
	for (fd = 0; (file = next_known_fd(ctx, files, &fd, &flags)); fd++) {
		err = PTR_ERR_OR_ZERO(file);
		if (err)
			break;
		cond_resched();
		notify = ckpt_dnotify_get(file, files, &told);
		if (!notify && !ckpt_file_has_locks(file, files))
			continue;
		err = xa_insert(&seen, (unsigned long)file, xa_mk_value(0),
				GFP_KERNEL_ACCOUNT);
		if (!err)
			err = ckpt_locks_write(ctx, file, files, fd);
		if (!err && notify)
			err = ckpt_notify_write(ctx, notify, told);
		if (err == -EBUSY)
			err = 0;
		if (err)
			break;
	}
	xa_destroy(&seen);
	return err ?: ckpt_locks_write_end(ctx);
}

static int files_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct ckpt_hdr_files h = {};
	struct ckpt_hdr_fds fds = {};
	struct ckpt_fd *buf;
	u32 n, total = 0, flags;
	unsigned int fd = 0;
	struct file *file;
	int err;

	err = files_check(ctx, ptr, &h.nr);
	if (err)
		return err;
	h.max_fds = max_fds(ptr);
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_FILES, sizeof(h));
	if (err)
		return err;

	buf = kvcalloc(clamp(h.nr, 1, CKPT_FDS_MAX), sizeof(*buf),
		       GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	while (total < h.nr) {
		for (n = 0; n < CKPT_FDS_MAX && total + n < h.nr; n++, fd++) {
			file = next_known_fd(ctx, ptr, &fd, &flags);
			if (!file)
				break;
			err = IS_ERR(file) ? PTR_ERR(file) :
			      ckpt_obj_checkpoint(ctx, file, CKPT_OBJ_FILE);
			if (err < 0)
				goto out;
			cond_resched();
			buf[n] = (struct ckpt_fd) {
				.fd = fd,
				.flags = flags,
				.file = err,
			};
		}
		if (!n) {
			err = ckpt_err(ctx, -EBUSY,
				       "descriptor table: it changed meanwhile, try again");
			goto out;
		}
		err = ckpt_write_rec_tail(ctx, &fds, CKPT_HDR_FDS, sizeof(fds),
					  buf, n * sizeof(*buf));
		if (err)
			goto out;
		total += n;
	}
	err = locks_checkpoint(ctx, ptr);
out:
	kvfree(buf);
	return err;
}

/**
 * struct late_fd - a descriptor that is filled when its file is complete
 * @list: in @late_fds of the context
 * @files: the table that it is in, which the table of objects holds
 * @file: its file, which the table of objects holds
 * @fd: its number
 * @cloexec: it is closed by exec
 */
struct late_fd {
	struct list_head list;
	struct files_struct *files;
	struct file *file;
	unsigned int fd;
	bool cloexec;
};

static int install(struct ckpt_ctx *ctx, struct files_struct *files,
		   unsigned int fd, struct file *file, bool cloexec)
{
	int err = ckpt_fd_install(files, fd, file, cloexec);

	return err ? ckpt_err(ctx, err,
			      "fd %u: cannot be given: error %d, see fs.nr_open",
			      fd, err) : 0;
}

static int install_later(struct ckpt_ctx *ctx, struct files_struct *files,
			 unsigned int fd, struct file *file, bool cloexec)
{
	struct late_fd *late = kmalloc(sizeof(*late), GFP_KERNEL_ACCOUNT);

	if (!late)
		return -ENOMEM;
	late->files = files;
	late->file = file;
	late->fd = fd;
	late->cloexec = cloexec;
	list_add_tail(&late->list, &ctx->late_fds);
	return 0;
}

/**
 * ckpt_late_fds_fill - fill the descriptors that waited for their files
 * @ctx: the context of a restart; all files are complete
 *
 * Context: a restored task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_late_fds_fill(struct ckpt_ctx *ctx)
{
	struct late_fd *late;
	int err;

	list_for_each_entry(late, &ctx->late_fds, list) {
		err = install(ctx, late->files, late->fd, late->file,
			      late->cloexec);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/**
 * ckpt_late_fds_free - done with the descriptors that waited
 * @ctx: the context
 *
 * Context: process context.
 */
void ckpt_late_fds_free(struct ckpt_ctx *ctx)
{
	struct late_fd *late, *next;

	list_for_each_entry_safe(late, next, &ctx->late_fds, list) {
		list_del(&late->list);
		kfree(late);
	}
}

static int restore_fds(struct ckpt_ctx *ctx, struct files_struct *files,
		       const struct ckpt_hdr_fds *h, u32 n, u64 *next)
{
	const struct ckpt_fd *e;
	struct file *file;
	bool cloexec;
	int err;

	for (e = h->fds; n--; e++) {
		if (e->fd < *next || (e->flags & ~CKPT_FD_CLOEXEC) ||
		    e->reserved)
			return ckpt_err(ctx, -EINVAL,
					"image: descriptor %u with flags %#x, after %lld",
					e->fd, e->flags, (s64)*next - 1);
		*next = (u64)e->fd + 1;
		/* the soft limit may be lower than what is open */
		if (e->fd >= rlimit_max(RLIMIT_NOFILE) &&
		    !capable(CAP_SYS_RESOURCE))
			return ckpt_err(ctx, -EMFILE,
					"fd %u: above the hard RLIMIT_NOFILE of the caller of restart",
					e->fd);
		file = ckpt_obj_fetch(ctx, e->file, CKPT_OBJ_FILE);
		if (IS_ERR(file))
			return PTR_ERR(file);
		cloexec = e->flags & CKPT_FD_CLOEXEC;
		if (ckpt_file_late_fd(file))
			err = install_later(ctx, files, e->fd, file, cloexec);
		else
			err = install(ctx, files, e->fd, file, cloexec);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/* The table that current has becomes the one that is restored. */
static void *files_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_files h;
	struct files_struct *files;
	struct ckpt_hdr_fds *fds;
	u64 next = 0;
	u32 n;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_FILES, sizeof(h));
	if (err)
		return ERR_PTR(err);
	/* one of its own, and nothing in it of whoever restarts */
	err = __close_range(0, ~0U, CLOSE_RANGE_UNSHARE);
	if (err)
		return ERR_PTR(err);
	files = current->files;

	while (h.nr) {
		n = min_t(u32, h.nr, CKPT_FDS_MAX);
		fds = ckpt_read_rec(ctx, CKPT_HDR_FDS, struct_size(fds, fds, n),
				    struct_size(fds, fds, n));
		if (IS_ERR(fds))
			return fds;
		if (current->files != files)
			err = ckpt_err(ctx, -EINVAL,
				       "image: a descriptor table inside of another one");
		else
			err = restore_fds(ctx, files, fds, n, &next);
		kvfree(fds);
		if (err)
			return ERR_PTR(err);
		h.nr -= n;
	}
	err = ckpt_locks_read(ctx, NULL);
	if (!err && current->files != files)
		err = ckpt_err(ctx, -EINVAL,
			       "image: a descriptor table inside of another one");
	if (err)
		return ERR_PTR(err);
	files_grab(files);
	return files;
}

const struct ckpt_obj_ops ckpt_files_obj_ops = {
	.name		= "descriptor table",
	.grab		= files_grab,
	.drop		= files_drop,
	.users		= files_users,
	.collect	= files_collect,
	.checkpoint	= files_checkpoint,
	.restore	= files_restore,
};

static int files_task_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	int err = ckpt_obj_collect(ctx, t->files, CKPT_OBJ_FILES);

	/* a task that checkpoints itself: what it has open for that is its own */
	if (!err && t == current)
		err = ckpt_obj_collect(ctx, ctx->file, CKPT_OBJ_FILE);
	if (!err && t == current && ctx->logfile)
		err = ckpt_obj_collect(ctx, ctx->logfile, CKPT_OBJ_FILE);
	return err;
}

static int files_task_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_task_ref ref = {};
	int objref = ckpt_obj_checkpoint(ctx, t->files, CKPT_OBJ_FILES);

	if (objref < 0)
		return objref;
	ref.objref = objref;
	return ckpt_write_rec(ctx, &ref, CKPT_HDR_TASK_FILES, sizeof(ref));
}

static int files_task_restore(struct ckpt_ctx *ctx)
{
	struct files_struct *files, *old;
	struct ckpt_hdr_task_ref ref;
	int err;

	err = ckpt_read_rec_into(ctx, &ref, CKPT_HDR_TASK_FILES, sizeof(ref));
	if (err)
		return err;
	if (ref.reserved)
		return ckpt_err(ctx, -EINVAL, "image: descriptors of a task: reserved field is %u",
				ref.reserved);
	files = ckpt_obj_fetch(ctx, ref.objref, CKPT_OBJ_FILES);
	if (IS_ERR(files))
		return PTR_ERR(files);
	old = current->files;
	if (files == old)
		return 0;
	files_grab(files);
	task_lock(current);
	current->files = files;
	task_unlock(current);
	put_files_struct(old);
	return 0;
}

const struct ckpt_task_ops ckpt_files_task_ops = {
	.name		= "descriptors",
	.collect	= files_task_collect,
	.checkpoint	= files_task_checkpoint,
	.restore	= files_task_restore,
};
