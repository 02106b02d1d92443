// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of inotify_init(2). Included by inotify_user.c.
 *
 * A watch is on an inode, and is found again by a path that leads to it. Where
 * memory was short the kernel may have forgotten how the inode is called: then
 * a handle of its file system finds it. One that was removed, and is open in the
 * tree, is that which is made again of it. Watches are set when all files of the
 * tree are open, so that this is not among what they tell.
 */

#include "../../checkpoint.h"

#define CKPT_WATCH_MASK		(IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT)
#define CKPT_EVENT_MASK		(IN_ALL_EVENTS | IN_ISDIR | IN_UNMOUNT | \
				 IN_IGNORED | IN_Q_OVERFLOW)

/**
 * ckpt_inotify_match - is this an inotify instance?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_inotify_match(struct file *file)
{
	return file->f_op == &inotify_fops;
}

/**
 * ckpt_inotify_fasync - who is told by signals about an inotify instance
 * @file: the file
 *
 * Return: the list.
 */
struct fasync_struct **ckpt_inotify_fasync(struct file *file)
{
	struct fsnotify_group *group = file->private_data;

	return &group->fsn_fa;
}

/* ---------------------------------------------------------- checkpoint */

/**
 * struct saved_watch - a watch, as it was at one moment
 * @inode: what is watched, referenced
 * @mask: IN_*
 * @wd: watch descriptor
 */
struct saved_watch {
	struct inode *inode;
	u32 mask;
	int wd;
};

/**
 * struct saved_watches - the watches of one instance
 * @watch: the watches, oldest first
 * @nr: how many there are
 * @room: how many @watch has room for
 */
struct saved_watches {
	struct saved_watch *watch;
	u32 nr;
	u32 room;
};

static void watches_put(struct saved_watches *s)
{
	u32 i;

	for (i = 0; i < min(s->nr, s->room); i++)
		iput(s->watch[i].inode);
	kvfree(s->watch);
	s->watch = NULL;
}

static void watch_get(struct saved_watches *s, struct fsnotify_mark *mark)
{
	struct fsnotify_mark_connector *conn;
	struct saved_watch *w;
	int wd;

	wd = container_of(mark, struct inotify_inode_mark, fsn_mark)->wd;
	spin_lock(&mark->lock);
	conn = mark->connector;
	/* one that is on its way out has told that already */
	if (wd == -1 || !conn || !(mark->flags & FSNOTIFY_MARK_FLAG_ALIVE) ||
	    conn->type != FSNOTIFY_OBJ_TYPE_INODE)
		goto out;
	/* without a reference, which may be the last one when it is put */
	if (s->nr >= s->room) {
		s->nr++;
		goto out;
	}
	w = &s->watch[s->nr];
	w->inode = igrab(conn->obj);
	w->mask = inotify_mark_user_mask(mark);
	w->wd = wd;
	if (w->inode)
		s->nr++;
out:
	spin_unlock(&mark->lock);
}

static int watches_get(struct fsnotify_group *group, struct saved_watches *s)
{
	struct fsnotify_mark *mark;

	memset(s, 0, sizeof(*s));
	for (;;) {
		s->nr = 0;
		fsnotify_group_lock(group);
		list_for_each_entry_reverse(mark, &group->marks_list, g_list)
			watch_get(s, mark);
		fsnotify_group_unlock(group);
		if (s->nr <= s->room)
			return 0;
		watches_put(s);
		s->room = s->nr;
		s->watch = kvcalloc(s->room, sizeof(*s->watch),
				    GFP_KERNEL_ACCOUNT);
		if (!s->watch)
			return -ENOMEM;
	}
}

#define WATCH_NAME_MAX		32

/* What a watch is called in messages */
static const char *watch_name(int wd, char *buf)
{
	scnprintf(buf, WATCH_NAME_MAX, "inotify, watch %d", wd);
	return buf;
}

/**
 * ckpt_inotify_checkpoint - see whether the watches can be saved
 * @ctx: the context
 * @file: the file
 * @h: its record, not used
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, or -ENOSYS, reported.
 */
int ckpt_inotify_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			    struct ckpt_hdr_file *h)
{
	char who[WATCH_NAME_MAX], *buf;
	struct ckpt_handle *handle;
	struct saved_watches s;
	struct path path;
	int err;
	u32 i;

	handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	buf = __getname();
	err = -ENOMEM;
	if (!handle || !buf)
		goto out;
	err = watches_get(file->private_data, &s);
	if (err)
		goto out;
	for (i = 0; i < s.nr && !err; i++) {
		err = ckpt_inode_find(ctx, s.watch[i].inode,
				      watch_name(s.watch[i].wd, who), &path,
				      buf, handle);
		if (!err)
			path_put(&path);
		cond_resched();
	}
	watches_put(&s);
out:
	if (buf)
		__putname(buf);
	kfree(handle);
	return err;
}

static int watch_write(struct ckpt_ctx *ctx, const struct saved_watch *w,
		       struct ckpt_hdr_inotify_watch *h, char *buf)
{
	char who[WATCH_NAME_MAX], *name;
	struct path path;
	int ret;

	memset(h, 0, sizeof(*h));
	h->wd = w->wd;
	h->mask = w->mask;
	h->i_mode = w->inode->i_mode;
	ret = ckpt_inode_find(ctx, w->inode, watch_name(w->wd, who), &path, buf,
			      &h->handle);
	if (ret)
		return ret;
	/* it is open, but in an external file alone */
	if (!w->inode->i_nlink && !h->handle.removed) {
		path_put(&path);
		return ckpt_err(ctx, -ENOSYS, "inotify, watch %d: what it watches was removed: not supported",
				w->wd);
	}
	ret = ckpt_path_mnt(ctx, &path);
	if (ret >= 0) {
		h->mnt = ret;
		name = ckpt_path_name(ctx, &path, buf, PATH_MAX);
		ret = PTR_ERR_OR_ZERO(name);
	}
	path_put(&path);
	if (ret)
		return ckpt_err(ctx, ret, "inotify, watch %d: what it watches was moved meanwhile, try again",
				w->wd);
	ret = ckpt_write_rec(ctx, h, CKPT_HDR_INOTIFY_WATCH, sizeof(*h));
	return ret ?: ckpt_write_string(ctx, name);
}

static int watches_write(struct ckpt_ctx *ctx, const struct saved_watches *s)
{
	struct ckpt_hdr_inotify_watch *h;
	char *buf = __getname();
	int err = 0;
	u32 i;

	h = kmalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h || !buf)
		err = -ENOMEM;
	for (i = 0; i < s->nr && !err; i++) {
		err = watch_write(ctx, &s->watch[i], h, buf);
		cond_resched();
	}
	kfree(h);
	if (buf)
		__putname(buf);
	return err;
}

/* All events that wait to be read, one after another, and how many they are */
static void *events_get(struct fsnotify_group *group, u32 *nr)
{
	struct ckpt_hdr_inotify_event *h;
	struct inotify_event_info *event;
	struct fsnotify_event *e;
	size_t size, room = 0;
	void *buf = NULL;

	for (;;) {
		size = 0;
		*nr = 0;
		spin_lock(&group->notification_lock);
		list_for_each_entry(e, &group->notification_list, list) {
			event = INOTIFY_E(e);
			h = buf + size;
			size += struct_size(h, name,
					    round_up(event->name_len, 8));
			if (size > room)
				continue;
			memset(h, 0, sizeof(*h));
			h->mask = event->mask & CKPT_EVENT_MASK;
			if (event->mask & FS_EVENT_ON_CHILD)
				h->flags |= CKPT_INOTIFY_ON_CHILD;
			h->wd = event->wd;
			h->cookie = event->sync_cookie;
			h->name_len = event->name_len;
			memcpy(h->name, event->name, event->name_len);
			++*nr;
		}
		spin_unlock(&group->notification_lock);
		if (size <= room)
			return buf;
		kvfree(buf);
		room = size;
		buf = kvzalloc(room, GFP_KERNEL_ACCOUNT);
		if (!buf)
			return ERR_PTR(-ENOMEM);
	}
}

static int events_write(struct ckpt_ctx *ctx, void *buf, u32 nr)
{
	struct ckpt_hdr_inotify_event *h;
	int err = 0;
	size_t len;

	for (; nr && !err; nr--) {
		h = buf;
		len = struct_size(h, name, round_up(h->name_len, 8));
		err = ckpt_write_rec(ctx, h, CKPT_HDR_INOTIFY_EVENT, len);
		buf += len;
		cond_resched();
	}
	return err;
}

/**
 * ckpt_inotify_late_write - write the watches and the queue
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, -ENOSYS or -EBUSY, reported, or the errno of the write.
 */
int ckpt_inotify_late_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct fsnotify_group *group = file->private_data;
	struct inotify_group_private_data *data = &group->inotify_data;
	struct ckpt_hdr_inotify h = { .max_events = group->max_events };
	struct saved_watches s;
	void *events;
	int err;

	err = watches_get(group, &s);
	if (err)
		return err;
	spin_lock(&data->idr_lock);
	h.next_wd = idr_get_cursor(&data->idr);
	spin_unlock(&data->idr_lock);
	/* what a watch tells before it goes away comes after that */
	events = events_get(group, &h.nr_events);
	if (IS_ERR(events)) {
		watches_put(&s);
		return PTR_ERR(events);
	}
	h.nr_watches = s.nr;
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_INOTIFY, sizeof(h));
	if (!err)
		err = events_write(ctx, events, h.nr_events);
	if (!err)
		err = watches_write(ctx, &s);
	kvfree(events);
	watches_put(&s);
	return err;
}

/* ------------------------------------------------------------- restart */

/**
 * ckpt_inotify_restore - make an instance without watches
 * @ctx: the context
 * @h: the record of the file
 * @name: what /proc/PID/fd/N showed, not used
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR: -EINVAL, reported, for a malformed record,
 * -EMFILE for too many instances of one user, -ENFILE, -ENOMEM.
 */
struct file *ckpt_inotify_restore(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h,
				  const char *name)
{
	const struct cred *cred = ckpt_file_cred(ctx, h), *old;
	struct fsnotify_group *group;
	struct file *file;

	if (IS_ERR(cred))
		return ERR_CAST(cred);
	/* it counts for whoever made it */
	old = override_creds(cred);
	group = inotify_new_group(inotify_max_queued_events);
	revert_creds(old);
	if (IS_ERR(group))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(group), "inotify: cannot be made: error %ld, see fs.inotify.max_user_instances",
					PTR_ERR(group)));
	file = ckpt_anon_file(ctx, h, "inotify", &inotify_fops, group,
			      O_RDONLY);
	if (IS_ERR(file))
		fsnotify_destroy_group(group);
	return file;
}

/*
 * As fsnotify_insert_event(), but that no signal tells of what was told of
 * before the checkpoint.
 */
static int event_queue(struct fsnotify_group *group, struct fsnotify_event *e)
{
	bool room;

	spin_lock(&group->notification_lock);
	/* there can be one more, which says that the queue was full */
	room = list_empty(&e->list) &&
	       (e == group->overflow_event ||
		group->q_len < group->max_events);
	if (room) {
		group->q_len++;
		list_add_tail(&e->list, &group->notification_list);
	}
	spin_unlock(&group->notification_lock);
	if (!room)
		return -EINVAL;
	wake_up(&group->notification_waitq);
	return 0;
}

static int event_insert(struct fsnotify_group *group,
			const struct ckpt_hdr_inotify_event *h)
{
	struct inotify_event_info *event;

	if (h->mask & IN_Q_OVERFLOW)
		return event_queue(group, group->overflow_event);
	event = kmalloc(struct_size(event, name, h->name_len + 1),
			GFP_KERNEL_ACCOUNT);
	if (!event)
		return -ENOMEM;
	fsnotify_init_event(&event->fse);
	event->mask = h->mask;
	if (h->flags & CKPT_INOTIFY_ON_CHILD)
		event->mask |= FS_EVENT_ON_CHILD;
	event->wd = h->wd;
	event->sync_cookie = h->cookie;
	event->name_len = h->name_len;
	memcpy(event->name, h->name, h->name_len);
	event->name[h->name_len] = 0;
	if (!event_queue(group, &event->fse))
		return 0;
	fsnotify_destroy_event(group, &event->fse);
	return -EINVAL;
}

static int event_restore(struct ckpt_ctx *ctx, struct fsnotify_group *group)
{
	const size_t fixed = sizeof(struct ckpt_hdr_inotify_event);
	struct ckpt_hdr_inotify_event *h;
	int err = -EINVAL;

	h = ckpt_read_rec(ctx, CKPT_HDR_INOTIFY_EVENT, fixed,
			  fixed + round_up(NAME_MAX, 8));
	if (IS_ERR(h))
		return PTR_ERR(h);
	if (h->name_len <= NAME_MAX &&
	    h->h.len == struct_size(h, name, round_up(h->name_len, 8)) &&
	    strnlen(h->name, h->name_len) == h->name_len &&
	    !memchr(h->name, '/', h->name_len) &&
	    !(h->mask & ~CKPT_EVENT_MASK) && h->wd >= -1 &&
	    !(h->flags & ~CKPT_INOTIFY_ON_CHILD) && !h->reserved)
		err = event_insert(group, h);
	if (err)
		ckpt_err(ctx, err, "image: inotify: event %#x of watch %d: error %d",
			 h->mask, h->wd, err);
	kvfree(h);
	return err;
}

/* As inotify_add_watch(2), but that it is known how the watch is called */
static int watch_add(struct fsnotify_group *group, struct path *path,
		     const struct ckpt_hdr_inotify_watch *h)
{
	struct inotify_group_private_data *data = &group->inotify_data;
	struct inode *inode = d_backing_inode(path->dentry);
	int ret;

	if ((inode->i_mode ^ h->i_mode) & S_IFMT)
		return -ESTALE;
	ret = path_permission(path, MAY_READ);
	if (!ret)
		ret = security_path_notify(path, h->mask & IN_ALL_EVENTS,
					   FSNOTIFY_OBJ_TYPE_INODE);
	if (ret)
		return ret;

	fsnotify_group_lock(group);
	spin_lock(&data->idr_lock);
	idr_set_cursor(&data->idr, h->wd);
	spin_unlock(&data->idr_lock);
	ret = inotify_new_watch(group, inode, h->mask);
	fsnotify_group_unlock(group);
	if (ret < 0)
		return ret;
	return ret == h->wd ? 0 : -EINVAL;
}

static int watch_restore(struct ckpt_ctx *ctx, struct fsnotify_group *group,
			 struct ckpt_hdr_inotify_watch *h)
{
	char who[WATCH_NAME_MAX], *name;
	struct path path;
	int err;

	if (h->wd < 1 || (h->mask & ~CKPT_WATCH_MASK))
		return ckpt_err(ctx, -EINVAL, "image: inotify: watch %d of events %#x",
				h->wd, h->mask);
	name = ckpt_read_string(ctx, PATH_MAX);
	if (IS_ERR(name))
		return PTR_ERR(name);
	err = ckpt_path_lookup(ctx, h->mnt, name, 0, &path);
	if (!err) {
		err = ckpt_inode_step(ctx, &h->handle, watch_name(h->wd, who),
				      &path);
		if (!err)
			err = watch_add(group, &path, h);
		path_put(&path);
	}
	if (err)
		err = ckpt_err(ctx, err, "inotify, watch %d: '%s%s'%s: error %d",
			       h->wd, ckpt_mnt_name(ctx, h->mnt), name,
			       h->handle.len ? ", a file in there" : "", err);
	kvfree(name);
	return err;
}

static int watches_restore(struct ckpt_ctx *ctx, struct fsnotify_group *group,
			   u32 nr)
{
	struct ckpt_hdr_inotify_watch *h;
	int err = 0;

	while (nr-- && !err) {
		h = ckpt_read_rec(ctx, CKPT_HDR_INOTIFY_WATCH, sizeof(*h),
				  sizeof(*h));
		if (IS_ERR(h))
			return PTR_ERR(h);
		err = watch_restore(ctx, group, h);
		kvfree(h);
		cond_resched();
	}
	return err;
}

/**
 * ckpt_inotify_late_restore - read the queue and the watches
 * @ctx: the context
 * @file: the file
 *
 * Context: a restored task, may sleep.
 * Return: 0, or a negative errno, reported: -EINVAL for a malformed record,
 * -ESTALE for what is of another type than it was, -ENOSPC for too many watches
 * of one user, -EPERM and -EACCES for what the caller may not have, the errno
 * of a lookup.
 */
int ckpt_inotify_late_restore(struct ckpt_ctx *ctx, struct file *file)
{
	struct fsnotify_group *group = file->private_data;
	struct inotify_group_private_data *data = &group->inotify_data;
	struct ckpt_hdr_inotify h;
	int err;
	u32 i;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_INOTIFY, sizeof(h));
	if (err)
		return err;
	if (h.max_events > INT_MAX || h.next_wd > INT_MAX + 1U ||
	    h.nr_events > h.max_events + 1)
		return ckpt_err(ctx, -EINVAL, "image: inotify: %u of %u events, next watch %u",
				h.nr_events, h.max_events, h.next_wd);
	if (h.max_events > inotify_max_queued_events &&
	    !capable(CAP_SYS_RESOURCE))
		return ckpt_err(ctx, -EPERM, "inotify: up to %u events, fs.inotify.max_queued_events is %d",
				h.max_events, inotify_max_queued_events);
	group->max_events = h.max_events;
	for (i = 0; i < h.nr_events && !err; i++) {
		err = event_restore(ctx, group);
		cond_resched();
	}
	if (!err)
		err = watches_restore(ctx, group, h.nr_watches);
	spin_lock(&data->idr_lock);
	idr_set_cursor(&data->idr, h.next_wd);
	spin_unlock(&data->idr_lock);
	return err;
}
