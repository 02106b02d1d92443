// SPDX-License-Identifier: GPL-2.0
/*
 * Pipes and fifos: what is in them is an object of its own, the inode's, that
 * the open files at its ends share.
 *
 * A fifo lives in a file system and has a pipe only while somebody has it
 * open. So its content is put into a pipe of its own at first, and moves over
 * to the fifo when the first of its files is opened.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/pipe_fs_i.h>
#include <linux/uio.h>
#include <linux/user_namespace.h>

#include "checkpoint.h"
#include "internal.h"

/* Bits of ckpt_obj_mark() on a pipe */
#define PIPE_MARK_DECIDED	0x1
#define PIPE_MARK_EXTERNAL	0x2

/* Largest ring there can be, in slots: round_pipe_size() */
#define PIPE_SLOTS_MAX		((1U << 31) >> PAGE_SHIFT)

static bool is_pipefs(const struct inode *inode)
{
	return inode->i_sb->s_magic == PIPEFS_MAGIC;
}

/* -------------------------------------------------------------- open files */

/**
 * ckpt_pipe_match - is this an end of a pipe?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_pipe_match(struct file *file)
{
	return get_pipe_info(file, false) && is_pipefs(file_inode(file));
}

/**
 * ckpt_fifo_match - is this an end of a fifo?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_fifo_match(struct file *file)
{
	return get_pipe_info(file, false) && !is_pipefs(file_inode(file));
}

/**
 * ckpt_pipe_file_collect - count the pipe that an open file is an end of
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_pipe_file_collect(struct ckpt_ctx *ctx, struct file *file)
{
	return ckpt_obj_collect(ctx, file_inode(file), CKPT_OBJ_PIPE);
}

static int mark_outside(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	struct file *file = ptr;

	if (get_pipe_info(file, false) &&
	    ckpt_obj_outside(ctx, file, CKPT_OBJ_FILE))
		ckpt_obj_mark(ctx, file_inode(file), CKPT_OBJ_PIPE,
			      PIPE_MARK_EXTERNAL);
	return 0;
}

/**
 * ckpt_pipe_external - does a pipe lead out of the tree?
 * @ctx: the context; the collect pass is over
 * @file: one of its ends, of a pipe or of a fifo
 *
 * It does if a task outside of the tree has one of its ends open, be it that
 * the open file is shared with the tree.
 *
 * Return: true if it does.
 */
bool ckpt_pipe_external(struct ckpt_ctx *ctx, struct file *file)
{
	struct inode *inode = file_inode(file);
	u32 mark = ckpt_obj_mark(ctx, inode, CKPT_OBJ_PIPE, 0);

	if (mark & PIPE_MARK_DECIDED)
		return mark & PIPE_MARK_EXTERNAL;
	/* once for all pipes: there may be as many as there are files */
	if (!ctx->pipes_marked)
		ckpt_obj_for_each(ctx, CKPT_OBJ_FILE, mark_outside, NULL);
	ctx->pipes_marked = true;
	mark = PIPE_MARK_DECIDED;
	if (ckpt_obj_outside(ctx, inode, CKPT_OBJ_PIPE))
		mark |= PIPE_MARK_EXTERNAL;
	return ckpt_obj_mark(ctx, inode, CKPT_OBJ_PIPE, mark) &
	       PIPE_MARK_EXTERNAL;
}

/**
 * ckpt_pipe_fasync - who is told by signals about an end of a pipe
 * @file: an end of a pipe or of a fifo
 *
 * Return: the list; one for both directions is in both, with the same
 * descriptor.
 */
struct fasync_struct **ckpt_pipe_fasync(struct file *file)
{
	struct pipe_inode_info *pipe = file->private_data;

	return file->f_mode & FMODE_READ ? &pipe->fasync_readers :
					   &pipe->fasync_writers;
}

/**
 * ckpt_pipe_file_checkpoint - write the pipe of an open file
 * @ctx: the context
 * @file: an end of a pipe or of a fifo
 * @h: the record of the file, to be completed
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_pipe_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			      struct ckpt_hdr_file *h)
{
	struct pipe_inode_info *pipe = file->private_data;
	int objref;

	objref = ckpt_obj_checkpoint(ctx, file_inode(file), CKPT_OBJ_PIPE);
	if (objref < 0)
		return objref;
	h->inner = objref;
	if (file->f_mode & FMODE_NOWAIT)
		h->flags |= CKPT_FILEF_NOWAIT;
	if (file->f_pipe && file->f_pipe == pipe->w_counter)
		h->flags |= CKPT_FILEF_NO_HUP;
	return 0;
}

static void set_flags(struct file *file, u32 f_flags)
{
	const unsigned int flags = O_NONBLOCK | O_DIRECT;

	spin_lock(&file->f_lock);
	file->f_flags = (file->f_flags & ~flags) | (f_flags & flags);
	file->f_iocb_flags = iocb_flags(file);
	spin_unlock(&file->f_lock);
}

/**
 * ckpt_pipe_file_restore - make one more end of a pipe
 * @ctx: the context
 * @h: the record of the file
 * @name: what /proc/PID/fd/N showed, for information
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR: -EINVAL for a malformed record, -ENFILE,
 * -ENOMEM.
 */
struct file *ckpt_pipe_file_restore(struct ckpt_ctx *ctx,
				    const struct ckpt_hdr_file *h,
				    const char *name)
{
	struct pipe_inode_info *pipe;
	struct inode *inode;
	struct file *file;

	inode = ckpt_obj_fetch(ctx, h->inner, CKPT_OBJ_PIPE);
	if (IS_ERR(inode))
		return ERR_CAST(inode);
	if ((h->f_flags & O_ACCMODE) == O_ACCMODE ||
	    (h->f_flags & (O_PATH | O_DIRECTORY)) || inode->i_private)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: '%s' is no end of a pipe",
					name));

	ihold(inode);
	file = ckpt_pipe_file(inode, h->f_flags & ~FASYNC);
	if (IS_ERR(file)) {
		iput(inode);
		return file;
	}

	pipe = inode->i_pipe;
	spin_lock(&inode->i_lock);
	pipe->files++;
	spin_unlock(&inode->i_lock);
	file->private_data = pipe;
	file->f_pipe = 0;
	mutex_lock(&pipe->mutex);
	if (file->f_mode & FMODE_READ)
		pipe->readers++;
	if (file->f_mode & FMODE_WRITE)
		pipe->writers++;
	mutex_unlock(&pipe->mutex);
	stream_open(inode, file);
	if (h->flags & CKPT_FILEF_NOWAIT)
		file->f_mode |= FMODE_NOWAIT;
	return file;
}

/*
 * May the caller put something into the fifo that is open as @file? Whoever has
 * it open for writing may, and so may its owner, who can change its mode.
 */
static int may_fill(struct file *file)
{
	if ((file->f_mode & FMODE_WRITE) ||
	    inode_owner_or_capable(file_mnt_idmap(file), file_inode(file)))
		return 0;
	return file_permission(file, MAY_WRITE);
}

/*
 * Move the content of @from, a pipe of ours, over to the fifo that has just
 * been opened as @file: once, for the first file of it, which made one reader.
 * Nobody else is to read of it before it is known that the tree will run.
 */
static int move_to_fifo(struct ckpt_ctx *ctx, struct inode *from,
			struct file *file, const char *name)
{
	struct inode *fifo = file_inode(file);
	struct pipe_inode_info *src = from->i_pipe, *dst = fifo->i_pipe;
	const char *why = NULL;
	int err;

	if (from->i_private) {
		if (from->i_private != fifo)
			return ckpt_err(ctx, -EINVAL, "'%s' is not the fifo that it was",
					name);
		return 0;
	}
	/* an end of a pipe was made of it: it is no fifo */
	if (src->readers || src->writers)
		return ckpt_err(ctx, -EINVAL, "image: '%s' is a pipe and a fifo",
				name);
	/* nobody else has it so far: what is in it does not change */
	err = pipe_empty(src->head, src->tail) ? 0 : may_fill(file);
	if (err)
		return ckpt_err(ctx, err, "fifo '%s': you may not write to it: error %d",
				name, err);

	pipe_double_lock(src, dst);
	if (!pipe_empty(dst->head, dst->tail)) {
		why = "there is data in it";
	} else if (!pipe_empty(src->head, src->tail) &&
		   dst->readers > 1) {
		why = "somebody else has it open, and would read what is to be in it";
	} else {
		swap(src->bufs, dst->bufs);
		swap(src->head, dst->head);
		swap(src->tail, dst->tail);
		swap(src->ring_size, dst->ring_size);
		swap(src->max_usage, dst->max_usage);
		swap(src->nr_accounted, dst->nr_accounted);
		swap(src->user, dst->user);
		dst->poll_usage |= src->poll_usage;
	}
	pipe_unlock(src);
	pipe_unlock(dst);
	if (why)
		return ckpt_err(ctx, -EBUSY, "fifo '%s' is in use: %s", name,
				why);
	/* whoever is outside and waits */
	wake_up_interruptible_all(&dst->rd_wait);
	wake_up_interruptible_all(&dst->wr_wait);
	/* compared only: the first file of the fifo is in the table */
	from->i_private = fifo;
	return 0;
}

/**
 * ckpt_fifo_file_restore - open a fifo
 * @ctx: the context
 * @h: the record of the file
 * @name: its path
 *
 * Opening a fifo waits for the other end: it is opened without that, and one
 * for writing has a reader meanwhile.
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR: -EINVAL for a malformed record, -EBUSY if
 * somebody has put data into the fifo, or would read what is to be in it,
 * -EACCES if the caller may not put it there, the errno of the open.
 */
struct file *ckpt_fifo_file_restore(struct ckpt_ctx *ctx,
				    const struct ckpt_hdr_file *h,
				    const char *name)
{
	struct file *file, *reader = NULL;
	struct pipe_inode_info *pipe;
	struct inode *inode;
	int err;

	inode = ckpt_obj_fetch(ctx, h->inner, CKPT_OBJ_PIPE);
	if (IS_ERR(inode))
		return ERR_CAST(inode);
	if ((h->f_flags & O_ACCMODE) == O_ACCMODE || (h->f_flags & O_PATH))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: '%s' is no end of a fifo",
					name));

	if ((h->f_flags & O_ACCMODE) == O_WRONLY) {
		reader = ckpt_file_open(ctx, h, name, O_RDONLY | O_NONBLOCK);
		if (IS_ERR(reader))
			return reader;
	}
	file = ckpt_file_open(ctx, h, name,
			      (h->f_flags & ~(O_DIRECT | FASYNC)) | O_NONBLOCK);
	if (IS_ERR(file))
		goto out;
	err = move_to_fifo(ctx, inode, file, name);
	if (err) {
		fput(file);
		file = ERR_PTR(err);
		goto out;
	}
	set_flags(file, h->f_flags);
	pipe = file->private_data;
	file->f_pipe = h->flags & CKPT_FILEF_NO_HUP ? pipe->w_counter : 0;
	if (h->flags & CKPT_FILEF_NOWAIT)
		file->f_mode |= FMODE_NOWAIT;
out:
	if (reader)
		__fput_sync(reader);
	return file;
}

/* ---------------------------------------------------------------- contents */

/*
 * The object is the inode: held, with its pipe, which would go away with its
 * last file otherwise.
 */
static void pipe_grab(void *ptr)
{
	struct inode *inode = ptr;

	ihold(inode);
	spin_lock(&inode->i_lock);
	inode->i_pipe->files++;
	spin_unlock(&inode->i_lock);
}

static void pipe_drop(void *ptr)
{
	struct inode *inode = ptr;
	struct pipe_inode_info *pipe;
	bool kill = false;

	/* as put_pipe_info() */
	spin_lock(&inode->i_lock);
	pipe = inode->i_pipe;
	if (!--pipe->files) {
		inode->i_pipe = NULL;
		kill = true;
	}
	spin_unlock(&inode->i_lock);
	if (kill)
		free_pipe_info(pipe);
	iput(inode);
}

static int pipe_users(void *ptr)
{
	struct inode *inode = ptr;

	return READ_ONCE(inode->i_pipe->files);
}

static u32 save_flags(unsigned int flags)
{
	u32 ret = 0;

	if (flags & PIPE_BUF_FLAG_PACKET)
		ret |= CKPT_PIPE_PACKET;
	if (flags & PIPE_BUF_FLAG_CAN_MERGE)
		ret |= CKPT_PIPE_CAN_MERGE;
	if (flags & PIPE_BUF_FLAG_WHOLE)
		ret |= CKPT_PIPE_WHOLE;
	return ret;
}

static unsigned int restore_flags(u32 flags)
{
	unsigned int ret = 0;

	if (flags & CKPT_PIPE_PACKET)
		ret |= PIPE_BUF_FLAG_PACKET;
	if (flags & CKPT_PIPE_CAN_MERGE)
		ret |= PIPE_BUF_FLAG_CAN_MERGE;
	if (flags & CKPT_PIPE_WHOLE)
		ret |= PIPE_BUF_FLAG_WHOLE;
	return ret;
}

/**
 * struct pipe_save - a pipe on its way into the image
 * @ctx: the context
 * @inode: the pipe's
 * @pipe: the pipe
 * @head: end of what is in it
 * @slot: next slot to write
 * @page: room for the content of a slot
 * @bufs: room for CKPT_PIPE_BUFS_MAX slots
 * @slots: which ones they are
 */
struct pipe_save {
	struct ckpt_ctx *ctx;
	struct inode *inode;
	struct pipe_inode_info *pipe;
	unsigned int head;
	unsigned int slot;
	u8 page[PAGE_SIZE];
	struct ckpt_pipe_buf bufs[CKPT_PIPE_BUFS_MAX];
	unsigned int slots[CKPT_PIPE_BUFS_MAX];
};

/* The next slots that have bytes in them: how many, or a negative errno */
static int save_next_bufs(struct pipe_save *s)
{
	struct pipe_inode_info *pipe = s->pipe;
	struct pipe_buffer *buf;
	int n = 0, err = 0;

	mutex_lock(&pipe->mutex);
	for (; n < CKPT_PIPE_BUFS_MAX && s->slot != s->head; s->slot++) {
		buf = pipe_buf(pipe, s->slot);
		/* left behind by a write that faulted: readers pass it over */
		if (!buf->len)
			continue;
		if (buf->len > PAGE_SIZE) {
			err = -ENOSYS;
			break;
		}
		s->slots[n] = s->slot;
		s->bufs[n].offset = buf->offset;
		if (buf->offset + buf->len > PAGE_SIZE)
			s->bufs[n].offset = 0;
		s->bufs[n].len = buf->len;
		s->bufs[n].flags = save_flags(buf->flags);
		n++;
	}
	mutex_unlock(&pipe->mutex);
	if (err)
		return ckpt_err(s->ctx, err,
				"pipe:[%lu]: a buffer of more than a page: not supported",
				s->inode->i_ino);
	return n;
}

static int save_data(struct pipe_save *s, unsigned int slot, u32 len)
{
	struct kvec kv = { .iov_base = s->page, .iov_len = len };
	struct pipe_inode_info *pipe = s->pipe;
	struct ckpt_hdr_pipe_data h = {};
	struct pipe_buffer *buf;
	struct iov_iter iter;
	int err;

	mutex_lock(&pipe->mutex);
	buf = pipe_buf(pipe, slot);
	if (pipe->head != s->head || buf->len != len || !buf->ops) {
		err = -EBUSY;
	} else {
		err = pipe_buf_confirm(pipe, buf);
		iov_iter_kvec(&iter, ITER_DEST, &kv, 1, len);
		if (!err && copy_page_to_iter(buf->page, buf->offset, len,
					      &iter) != len)
			err = -EFAULT;
	}
	mutex_unlock(&pipe->mutex);
	if (err)
		return ckpt_err(s->ctx, err, "pipe:[%lu]: cannot read what is in it: error %d",
				s->inode->i_ino, err);
	return ckpt_write_rec_tail(s->ctx, &h, CKPT_HDR_PIPE_DATA, sizeof(h),
				   s->page, len);
}

static int save_bufs(struct pipe_save *s)
{
	struct ckpt_hdr_pipe_bufs h = {};
	int i, n, err;

	for (;;) {
		n = save_next_bufs(s);
		if (n <= 0)
			return n;
		err = ckpt_write_rec_tail(s->ctx, &h, CKPT_HDR_PIPE_BUFS,
					  sizeof(h), s->bufs,
					  n * sizeof(s->bufs[0]));
		for (i = 0; !err && i < n; i++)
			err = save_data(s, s->slots[i], s->bufs[i].len);
		if (err)
			return err;
	}
}

static int pipe_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct inode *inode = ptr;
	struct pipe_inode_info *pipe = inode->i_pipe;
	struct user_namespace *user_ns = current_user_ns();
	struct ckpt_hdr_pipe h = {};
	struct pipe_save *s;
	unsigned int i;
	int err;

	if (pipe_has_watch_queue(pipe))
		return ckpt_err(ctx, -ENOSYS, "pipe:[%lu]: notification pipe: not supported",
				inode->i_ino);
	if (is_pipefs(inode)) {
		h.uid = from_kuid(user_ns, inode->i_uid);
		h.gid = from_kgid(user_ns, inode->i_gid);
		h.mode = inode->i_mode & S_IALLUGO;
		if (h.uid == (uid_t)-1 || h.gid == (gid_t)-1)
			return ckpt_err(ctx, -EOVERFLOW,
					"pipe:[%lu]: its owner has no id in the user namespace",
					inode->i_ino);
	} else {
		h.flags |= CKPT_PIPEF_FIFO;
	}

	s = kvzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	s->ctx = ctx;
	s->inode = inode;
	s->pipe = pipe;

	mutex_lock(&pipe->mutex);
	s->head = pipe->head;
	s->slot = pipe->tail;
	for (i = pipe->tail; i != pipe->head; i++)
		if (pipe_buf(pipe, i)->len)
			h.nr_bufs++;
	h.ring_size = pipe->ring_size;
	h.nr_accounted = pipe->nr_accounted;
	if (pipe->poll_usage)
		h.flags |= CKPT_PIPEF_POLLED;
	mutex_unlock(&pipe->mutex);

	err = ckpt_write_rec(ctx, &h, CKPT_HDR_PIPE, sizeof(h));
	if (!err)
		err = save_bufs(s);
	kvfree(s);
	return err;
}

/* Fill one slot of the pipe that @file writes to. */
static int restore_buf(struct ckpt_ctx *ctx, struct file *file,
		       const struct ckpt_pipe_buf *b, u8 *page)
{
	struct pipe_inode_info *pipe = file->private_data;
	struct ckpt_hdr_pipe_data *data;
	struct pipe_buffer *buf;
	ssize_t n;
	size_t len;

	if (!b->len || b->len > PAGE_SIZE || b->offset > PAGE_SIZE - b->len ||
	    (b->flags & ~(CKPT_PIPE_PACKET | CKPT_PIPE_CAN_MERGE |
			  CKPT_PIPE_WHOLE)) || b->reserved)
		return ckpt_err(ctx, -EINVAL, "image: pipe buffer of %u bytes at %u with flags %#x",
				b->len, b->offset, b->flags);
	len = sizeof(*data) + round_up(b->len, 8);
	data = ckpt_read_rec(ctx, CKPT_HDR_PIPE_DATA, len, len);
	if (IS_ERR(data))
		return PTR_ERR(data);
	memset(page, 0, b->offset);
	memcpy(page + b->offset, data->data, b->len);
	kvfree(data);

	/*
	 * A slot of its own: the flags of the one before it, which say whether
	 * bytes may be added to that, are set afterwards.
	 */
	n = kernel_write(file, page, b->offset + b->len, NULL);
	if (n != b->offset + b->len)
		return n < 0 ? n : -EIO;
	buf = pipe_buf(pipe, pipe->head - 1);
	buf->offset = b->offset;
	buf->len = b->len;
	buf->flags = 0;
	return 0;
}

static int restore_bufs(struct ckpt_ctx *ctx, struct file *file, u32 nr)
{
	struct pipe_inode_info *pipe = file->private_data;
	struct ckpt_hdr_pipe_bufs *h;
	u32 i, n, flags = 0;
	u8 *page;
	int err = 0;

	page = kmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;

	while (nr) {
		n = min_t(u32, nr, CKPT_PIPE_BUFS_MAX);
		h = ckpt_read_rec(ctx, CKPT_HDR_PIPE_BUFS,
				  struct_size(h, bufs, n),
				  struct_size(h, bufs, n));
		if (IS_ERR(h)) {
			err = PTR_ERR(h);
			break;
		}
		for (i = 0; i < n; i++) {
			err = restore_buf(ctx, file, &h->bufs[i], page);
			if (err)
				break;
			if (pipe_occupancy(pipe->head, pipe->tail) > 1)
				pipe_buf(pipe, pipe->head - 2)->flags = flags;
			flags = restore_flags(h->bufs[i].flags);
		}
		kvfree(h);
		if (err)
			break;
		nr -= n;
	}
	if (!pipe_empty(pipe->head, pipe->tail))
		pipe_buf(pipe, pipe->head - 1)->flags = flags;
	kfree(page);
	return err;
}

/* As by fchown() and fchmod(), with the rights of whoever restarts */
static int restore_owner(struct ckpt_ctx *ctx, struct file *file,
			 const struct ckpt_hdr_pipe *h)
{
	struct user_namespace *user_ns = current_user_ns();
	struct inode *inode = file_inode(file);
	kuid_t uid = make_kuid(user_ns, h->uid);
	kgid_t gid = make_kgid(user_ns, h->gid);
	int err = 0;

	if (!uid_valid(uid) || !gid_valid(gid))
		return ckpt_err(ctx, -EINVAL, "image: pipe of user %u and group %u",
				h->uid, h->gid);
	if (!uid_eq(uid, inode->i_uid) || !gid_eq(gid, inode->i_gid))
		err = chown_common(&file->f_path, h->uid, h->gid);
	if (!err && h->mode != (inode->i_mode & S_IALLUGO))
		err = chmod_common(&file->f_path, h->mode);
	if (err)
		return ckpt_err(ctx, err, "pipe: cannot be given to user %u and group %u: error %d",
				h->uid, h->gid, err);
	return 0;
}

static int restore_pipe(struct ckpt_ctx *ctx, struct file *file,
			const struct ckpt_hdr_pipe *h)
{
	struct pipe_inode_info *pipe = file->private_data;
	long ret;
	int err;

	if (h->ring_size != pipe->ring_size) {
		ret = pipe_fcntl(file, F_SETPIPE_SZ, h->ring_size << PAGE_SHIFT);
		if (ret < 0)
			return ckpt_err(ctx, ret, "pipe: cannot have a size of %u pages: error %ld",
					h->ring_size, ret);
	}
	err = restore_bufs(ctx, file, h->nr_bufs);
	if (err)
		return ckpt_err(ctx, err, "pipe: cannot be filled: error %d",
				err);
	pipe->poll_usage = h->flags & CKPT_PIPEF_POLLED;
	return h->flags & CKPT_PIPEF_FIFO ? 0 : restore_owner(ctx, file, h);
}

static void *pipe_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_pipe h;
	struct file *files[2];
	struct inode *inode;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_PIPE, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (!is_power_of_2(h.ring_size) || h.ring_size > PIPE_SLOTS_MAX ||
	    h.nr_bufs > h.ring_size || (h.flags & ~(CKPT_PIPEF_POLLED | CKPT_PIPEF_FIFO)) ||
	    (h.mode & ~S_IALLUGO) || h.reserved)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: pipe with %u of %u slots in use",
					h.nr_bufs, h.ring_size));

	/* not to wait for a reader where more is written than there is room */
	err = create_pipe_files(files, O_NONBLOCK);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "pipe: cannot be made: error %d",
					err));
	inode = file_inode(files[1]);
	err = restore_pipe(ctx, files[1], &h);
	if (!err)
		pipe_grab(inode);

	/* at once: the ends that the tree has come after this */
	__fput_sync(files[0]);
	__fput_sync(files[1]);
	return err ? ERR_PTR(err) : inode;
}

const struct ckpt_obj_ops ckpt_pipe_obj_ops = {
	.name		= "pipe",
	.outside_ok	= true,
	.grab		= pipe_grab,
	.drop		= pipe_drop,
	.users		= pipe_users,
	.checkpoint	= pipe_checkpoint,
	.restore	= pipe_restore,
};
