// SPDX-License-Identifier: GPL-2.0
/*
 * The context of one checkpoint or restart, and its messages.
 */

#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/nsproxy.h>
#include <linux/sched/task.h>
#include <linux/uio.h>

#include "internal.h"

static atomic64_t ckpt_last_id = ATOMIC64_INIT(0);

/**
 * ckpt_ctx_alloc - start a checkpoint or restart
 * @restart: a restart
 * @uflags: flags of the system call
 * @fd: descriptor of the image
 * @logfd: descriptor for messages, or negative for none
 *
 * Context: the caller of the system call, may sleep.
 * Return: the context, or ERR_PTR: -EBADF for a descriptor that is not open,
 * or not for this, -ENOMEM.
 */
struct ckpt_ctx *ckpt_ctx_alloc(bool restart, unsigned long uflags, int fd,
				int logfd)
{
	struct ckpt_ctx *ctx;
	int err;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return ERR_PTR(-ENOMEM);
	ctx->restart = restart;
	ctx->uflags = uflags;
	xa_init_flags(&ctx->removed, XA_FLAGS_ACCOUNT);
	xa_init_flags(&ctx->tcp_waiting, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&ctx->nodes);
	INIT_LIST_HEAD(&ctx->late_fds);
	INIT_LIST_HEAD(&ctx->late_owners);
	INIT_LIST_HEAD(&ctx->dups);
	ctx->caller = get_task_struct(current);
	get_nsproxy(current->nsproxy);
	ctx->caller_ns = current->nsproxy;
	ctx->caller_cred = get_current_cred();
	get_fs_root(current->fs, &ctx->root);

	err = -EBADF;
	ctx->file = fget(fd);
	if (!ctx->file)
		goto free;
	if (logfd >= 0) {
		ctx->logfile = fget(logfd);
		if (!ctx->logfile || !(ctx->logfile->f_mode & FMODE_WRITE))
			goto free;
	}
	ctx->stream = ckpt_stream_open(ctx->file, !restart);
	if (IS_ERR(ctx->stream)) {
		err = PTR_ERR(ctx->stream);
		ctx->stream = NULL;
		goto free;
	}
	err = -ENOMEM;
	ctx->objhash = ckpt_objhash_alloc();
	ctx->tree = ckpt_tree_alloc();
	if (!ctx->objhash || !ctx->tree)
		goto free;
	if (!restart)
		ctx->id = atomic64_inc_return(&ckpt_last_id) & INT_MAX ?: 1;
	return ctx;

free:
	ckpt_ctx_free(ctx);
	return ERR_PTR(err);
}

/**
 * ckpt_scratch - memory to put a record together in
 * @ctx: the context of a checkpoint
 * @size: how much, in bytes
 *
 * The same for whoever asks next, and not cleared: for what every task has, so
 * that nothing is allocated task by task while they stand still.
 *
 * Context: the caller of checkpoint(2), may sleep.
 * Return: the memory, or NULL.
 */
void *ckpt_scratch(struct ckpt_ctx *ctx, size_t size)
{
	if (size > ctx->scratch_size) {
		kvfree(ctx->scratch);
		ctx->scratch = kvmalloc(size, GFP_KERNEL_ACCOUNT);
		ctx->scratch_size = ctx->scratch ? size : 0;
	}
	return ctx->scratch;
}

/**
 * ckpt_drop_objects - drop the references that the table of objects holds
 * @ctx: the context
 *
 * To be called before the tree runs: it would see that somebody else holds
 * its files, its pipes, its root directory.
 *
 * Context: process context, may sleep.
 */
void ckpt_drop_objects(struct ckpt_ctx *ctx)
{
	if (ctx->objhash)
		ctx->stats.objects = ckpt_obj_count(ctx->objhash);
	ckpt_late_fds_free(ctx);
	ckpt_late_owners_free(ctx);
	ckpt_mnts_free(ctx);
	ckpt_nets_free(ctx);
	ckpt_objhash_free(ctx->objhash);
	ctx->objhash = NULL;
	ckpt_removed_free(ctx);
	xa_destroy(&ctx->tcp_waiting);
	ckpt_nodes_free(ctx, !ctx->err);
}

/**
 * ckpt_ctx_free - end a checkpoint or restart
 * @ctx: the context; no task takes part in it any more
 *
 * Context: process context, may sleep.
 */
void ckpt_ctx_free(struct ckpt_ctx *ctx)
{
	unsigned int i;

	ckpt_snapshot_free(ctx);
	ckpt_drop_objects(ctx);
	ckpt_tcp_thaw(ctx, false);
	ckpt_cgroups_free(ctx, !ctx->err);
	ckpt_tree_free(ctx->tree);
	kvfree(ctx->scratch);
	ckpt_stream_close(ctx->stream);
	for (i = 0; i < ctx->inherit_nr; i++) {
		kvfree(ctx->inherit[i].name);
		if (ctx->inherit[i].file)
			fput(ctx->inherit[i].file);
	}
	kvfree(ctx->inherit);
	for (i = 0; i < ctx->mounts_nr; i++) {
		kfree(ctx->mounts[i].name);
		path_put(&ctx->mounts[i].path);
	}
	kvfree(ctx->mounts);
	ckpt_ttys_free(ctx);
	kvfree(ctx->veths);
	if (ctx->tty)
		fput(ctx->tty);
	if (ctx->logfile)
		fput(ctx->logfile);
	if (ctx->file)
		fput(ctx->file);
	if (ctx->root_task)
		put_task_struct(ctx->root_task);
	path_put(&ctx->root);
	put_cred(ctx->caller_cred);
	put_nsproxy(ctx->caller_ns);
	put_task_struct(ctx->caller);
	kfree(ctx);
}

/**
 * ckpt_intr - does an errno mean that a signal came?
 * @err: negative errno
 *
 * A checkpoint or restart is not made again by itself: the image would be
 * continued in the middle.
 *
 * Return: true if it does.
 */
bool ckpt_intr(int err)
{
	return err == -EINTR || err == -ERESTARTSYS ||
	       err == -ERESTARTNOINTR || err == -ERESTARTNOHAND ||
	       err == -ERESTART_RESTARTBLOCK;
}

/* A name may hold anything; this is one line of text, for a terminal too. */
static void without_controls(char *line)
{
	for (; *line; line++)
		if (iscntrl(*line))
			*line = '?';
}

/**
 * ckpt_err - report an error
 * @ctx: the context
 * @err: negative errno
 * @fmt: one sentence, without a newline
 *
 * The first report wins: it is where the error was found, those that follow
 * are on the way out. The text is kept, with a '?' for each control character,
 * and written to the log once the tree runs again, since a log that is not read
 * must not stop it.
 *
 * Context: process context; for a restart, in the task that reads.
 * Return: @err.
 */
int ckpt_err(struct ckpt_ctx *ctx, int err, const char *fmt, ...)
{
	const struct ckpt_task_entry *e;
	size_t n = 0;
	va_list args;
	u32 nr;

	/* of a restart that is aborted, more than one task may report */
	if (cmpxchg(&ctx->err, 0, err))
		return err;
	if (ctx->task) {
		n = scnprintf(ctx->errmsg, sizeof(ctx->errmsg), "pid %d (%s): ",
			      task_pid_vnr(ctx->task), ctx->task->comm);
	} else if (ctx->restart) {
		e = ckpt_restoring(ctx, &nr);
		if (e)
			n = scnprintf(ctx->errmsg, sizeof(ctx->errmsg),
				      "pid %u (%s): ", nr, e->comm);
	}
	va_start(args, fmt);
	vscnprintf(ctx->errmsg + n, sizeof(ctx->errmsg) - n, fmt, args);
	va_end(args);
	without_controls(ctx->errmsg);
#ifdef CONFIG_CHECKPOINT_DEBUG
	pr_info("checkpoint: %s: %s (error %d)\n",
		ctx->restart ? "restart" : "checkpoint", ctx->errmsg, err);
#endif
	return err;
}

/**
 * ckpt_note - say something in the log that is no error
 * @ctx: the context
 * @fmt: one sentence, without a newline
 *
 * One is kept, the first, and written behind an error that was reported.
 *
 * Context: process context.
 */
void ckpt_note(struct ckpt_ctx *ctx, const char *fmt, ...)
{
	va_list args;

	if (*ctx->note)
		return;
	va_start(args, fmt);
	vscnprintf(ctx->note, sizeof(ctx->note), fmt, args);
	va_end(args);
	without_controls(ctx->note);
}

static void flush_line(struct ckpt_ctx *ctx, char *line)
{
	struct kvec kv[2] = {
		{ .iov_base = line, .iov_len = strlen(line) },
		{ .iov_base = "\n", .iov_len = 1 },
	};
	struct file *file = ctx->logfile;
	struct iov_iter iter;
	loff_t pos;
	ssize_t n;

	if (!file || !kv[0].iov_len)
		return;
	iov_iter_kvec(&iter, ITER_SOURCE, kv, 2, kv[0].iov_len + 1);
	while (iov_iter_count(&iter)) {
		pos = file->f_pos;
		n = ckpt_iter_write(file, &iter,
				    file->f_mode & FMODE_STREAM ? NULL : &pos);
		if (n <= 0)
			return;
		if (!(file->f_mode & FMODE_STREAM))
			file->f_pos = pos;
	}
}

/**
 * ckpt_flush_log - write what was reported to the log
 * @ctx: the context; the tree runs again
 *
 * Context: process context, may sleep.
 */
void ckpt_flush_log(struct ckpt_ctx *ctx)
{
	flush_line(ctx, ctx->errmsg);
	flush_line(ctx, ctx->note);
}
