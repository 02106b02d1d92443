// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of fanotify_init(2). Included by fanotify_user.c; what waits to be
 * read is in checkpoint_fanotify_event.c.
 *
 * As with inotify, marks are set when all files of the tree are open. Until the
 * tree runs a group takes no events: whoever reads the image, for one, would wait
 * for the permission of a task that stands still. For the same reason a
 * checkpoint opens no file in a way that asks for one.
 */

#include "../../checkpoint.h"

#define CKPT_INIT_FLAGS		(FANOTIFY_INIT_FLAGS | FANOTIFY_UNPRIV | \
				 FAN_ENABLE_AUDIT)
#define CKPT_MARK_FLAGS		(FAN_MARK_IGNORED_SURV_MODIFY | \
				 FAN_MARK_EVICTABLE | FAN_MARK_IGNORE)
#define CKPT_MARK_PERM		\
	(IS_ENABLED(CONFIG_FANOTIFY_ACCESS_PERMISSIONS) ? \
	 FANOTIFY_PERM_EVENTS : 0)
#define CKPT_MARK_MASK		(FANOTIFY_EVENTS | FANOTIFY_EVENT_FLAGS | \
				 CKPT_MARK_PERM)

/**
 * ckpt_fanotify_match - is this a fanotify group?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_fanotify_match(struct file *file)
{
	return file->f_op == &fanotify_fops;
}

/* ---------------------------------------------------------- checkpoint */

/**
 * struct saved_mark - a mark, as it was at one moment
 * @type: FSNOTIFY_OBJ_TYPE_*
 * @mask: events that are told of
 * @ignored: events that are not
 * @flags: FAN_MARK_*
 * @fsid: of the file system, where events tell that
 * @obj: what is marked, referenced
 */
struct saved_mark {
	unsigned int type;
	u32 mask;
	u32 ignored;
	u32 flags;
	__kernel_fsid_t fsid;
	void *obj;
};

/**
 * struct saved_marks - the marks of one group
 * @mark: the marks, oldest first
 * @nr: how many there are
 * @room: how many @mark has room for
 */
struct saved_marks {
	struct saved_mark *mark;
	u32 nr;
	u32 room;
};

/* NULL if it is on its way out */
static void *object_get(unsigned int type, void *obj)
{
	struct super_block *sb = obj;
	struct vfsmount *mnt = obj;

	switch (type) {
	case FSNOTIFY_OBJ_TYPE_INODE:
		return igrab(obj);
	case FSNOTIFY_OBJ_TYPE_SB:
		return atomic_inc_not_zero(&sb->s_active) ? sb : NULL;
	case FSNOTIFY_OBJ_TYPE_VFSMOUNT:
		/* it is there, but may have nobody left: see mntput() */
		read_seqlock_excl(&mount_lock);
		if (mnt->mnt_flags & MNT_DOOMED)
			mnt = NULL;
		else
			mntget(mnt);
		read_sequnlock_excl(&mount_lock);
		return mnt;
	default:
		return NULL;
	}
}

static void object_put(unsigned int type, void *obj)
{
	if (type == FSNOTIFY_OBJ_TYPE_INODE)
		iput(obj);
	else if (type == FSNOTIFY_OBJ_TYPE_SB)
		deactivate_super(obj);
	else
		mntput(obj);
}

static void marks_put(struct saved_marks *s)
{
	u32 i;

	for (i = 0; i < min(s->nr, s->room); i++)
		object_put(s->mark[i].type, s->mark[i].obj);
	kvfree(s->mark);
	s->mark = NULL;
}

static void mark_get(struct saved_marks *s, struct fsnotify_mark *mark)
{
	struct fsnotify_mark_connector *conn;
	struct saved_mark *m;

	spin_lock(&mark->lock);
	conn = mark->connector;
	if (!conn || !(mark->flags & FSNOTIFY_MARK_FLAG_ALIVE))
		goto out;
	/* without a reference, which may be the last one when it is put */
	if (s->nr >= s->room) {
		s->nr++;
		goto out;
	}
	m = &s->mark[s->nr];
	m->type = conn->type;
	m->mask = mark->mask;
	m->ignored = mark->ignore_mask;
	m->flags = fanotify_mark_user_flags(mark);
	m->fsid = FANOTIFY_MARK(mark)->fsid;
	m->obj = object_get(m->type, conn->obj);
	if (m->obj)
		s->nr++;
out:
	spin_unlock(&mark->lock);
}

static int marks_get(struct fsnotify_group *group, struct saved_marks *s)
{
	struct fsnotify_mark *mark;

	memset(s, 0, sizeof(*s));
	for (;;) {
		s->nr = 0;
		fsnotify_group_lock(group);
		list_for_each_entry_reverse(mark, &group->marks_list, g_list)
			mark_get(s, mark);
		fsnotify_group_unlock(group);
		if (s->nr <= s->room)
			return 0;
		marks_put(s);
		s->room = s->nr;
		s->mark = kvcalloc(s->room, sizeof(*s->mark),
				   GFP_KERNEL_ACCOUNT);
		if (!s->mark)
			return -ENOMEM;
	}
}

/* How to find again what is marked */
static int mark_find(struct ckpt_ctx *ctx, const struct saved_mark *m,
		     struct path *path, char *buf, struct ckpt_handle *handle)
{
	int err;

	memset(handle, 0, sizeof(*handle));
	switch (m->type) {
	case FSNOTIFY_OBJ_TYPE_INODE:
		return ckpt_inode_find(ctx, m->obj, "fanotify, mark", path, buf,
				       handle);
	case FSNOTIFY_OBJ_TYPE_SB:
		err = ckpt_sb_path(ctx, m->obj, path, buf);
		break;
	default:
		path->mnt = mntget(m->obj);
		path->dentry = dget(path->mnt->mnt_root);
		err = ckpt_path_verify(ctx, path, buf, PATH_MAX);
		if (err)
			path_put(path);
	}
	if (err)
		return ckpt_err(ctx, -ENOSYS, "fanotify, mark: the mount or file system cannot be reached: not supported");
	return 0;
}

/**
 * ckpt_fanotify_checkpoint - see whether marks and events can be saved
 * @ctx: the context
 * @file: the file
 * @h: its record, not used
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, or -ENOSYS, reported.
 */
int ckpt_fanotify_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			     struct ckpt_hdr_file *h)
{
	struct fsnotify_group *group = file->private_data;
	struct ckpt_fanotify_events *events;
	struct ckpt_handle *handle;
	struct saved_marks s;
	struct path path;
	bool waits;
	char *buf;
	int err;
	u32 i;

	spin_lock(&group->notification_lock);
	waits = !list_empty(&group->fanotify_data.access_list);
	spin_unlock(&group->notification_lock);
	if (waits)
		return ckpt_err(ctx, -ENOSYS, "fanotify: a permission event that waits for its answer: not supported");
	handle = kmalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	buf = __getname();
	err = handle && buf ? marks_get(group, &s) : -ENOMEM;
	if (err)
		goto out;
	for (i = 0; i < s.nr && !err; i++) {
		err = mark_find(ctx, &s.mark[i], &path, buf, handle);
		if (!err)
			path_put(&path);
		cond_resched();
	}
	marks_put(&s);
	if (err)
		goto out;
	events = ckpt_fanotify_events_get(group);
	if (IS_ERR(events)) {
		err = PTR_ERR(events);
		goto out;
	}
	err = ckpt_fanotify_events_check(ctx, events, buf);
	ckpt_fanotify_events_free(events);
out:
	if (buf)
		__putname(buf);
	kfree(handle);
	return err;
}

/**
 * ckpt_fanotify_write - write what the group was made with
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_fanotify_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct fsnotify_group *group = file->private_data;
	struct ckpt_hdr_fanotify h = {
		.flags = group->fanotify_data.flags,
		.event_f_flags = group->fanotify_data.f_flags,
		.max_events = group->max_events,
	};

	return ckpt_write_rec(ctx, &h, CKPT_HDR_FANOTIFY, sizeof(h));
}

static u32 mark_type(const struct saved_mark *m)
{
	switch (m->type) {
	case FSNOTIFY_OBJ_TYPE_INODE:
		return FAN_MARK_INODE;
	case FSNOTIFY_OBJ_TYPE_SB:
		return FAN_MARK_FILESYSTEM;
	default:
		return FAN_MARK_MOUNT;
	}
}

static int mark_write(struct ckpt_ctx *ctx, const struct saved_mark *m,
		      struct ckpt_hdr_fanotify_mark *h, char *buf)
{
	struct path path;
	char *name;
	int ret;

	memset(h, 0, sizeof(*h));
	h->flags = m->flags | mark_type(m);
	h->mask = m->mask;
	h->ignored_mask = m->ignored;
	memcpy(h->fsid, &m->fsid, sizeof(h->fsid));
	ret = mark_find(ctx, m, &path, buf, &h->handle);
	if (ret)
		return ret;
	h->i_mode = d_inode(path.dentry)->i_mode;
	if (m->type == FSNOTIFY_OBJ_TYPE_INODE) {
		const struct inode *inode = m->obj;

		h->i_mode = inode->i_mode;
		/* it is open, but in an external file alone */
		if (!inode->i_nlink && !h->handle.removed) {
			path_put(&path);
			return ckpt_err(ctx, -ENOSYS, "fanotify, mark: what it watches was removed: not supported");
		}
	}
	ret = ckpt_path_mnt(ctx, &path);
	if (ret >= 0) {
		h->mnt = ret;
		name = ckpt_path_name(ctx, &path, buf, PATH_MAX);
		ret = PTR_ERR_OR_ZERO(name);
	}
	path_put(&path);
	if (ret)
		return ckpt_err(ctx, ret, "fanotify: what is marked was moved meanwhile, try again");
	ret = ckpt_write_rec(ctx, h, CKPT_HDR_FANOTIFY_MARK, sizeof(*h));
	return ret ?: ckpt_write_string(ctx, name);
}

/**
 * ckpt_fanotify_late_write - write the marks and the queue
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, -ENOSYS or -EBUSY, reported, or the errno of the write.
 */
int ckpt_fanotify_late_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_hdr_fanotify_queue q = {};
	struct ckpt_fanotify_events *events;
	struct ckpt_hdr_fanotify_mark *h;
	struct saved_marks s;
	char *buf;
	int err;
	u32 i;

	err = marks_get(file->private_data, &s);
	if (err)
		return err;
	/* what a mark tells before it goes away comes after that */
	events = ckpt_fanotify_events_get(file->private_data);
	h = kmalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	buf = __getname();
	if (IS_ERR(events) || !h || !buf) {
		err = -ENOMEM;
		goto out;
	}
	q.nr_events = ckpt_fanotify_events_nr(events);
	q.nr_marks = s.nr;
	err = ckpt_write_rec(ctx, &q, CKPT_HDR_FANOTIFY_QUEUE, sizeof(q));
	if (!err)
		err = ckpt_fanotify_events_write(ctx, events, buf);
	for (i = 0; i < s.nr && !err; i++) {
		err = mark_write(ctx, &s.mark[i], h, buf);
		cond_resched();
	}
out:
	if (buf)
		__putname(buf);
	kfree(h);
	if (!IS_ERR(events))
		ckpt_fanotify_events_free(events);
	marks_put(&s);
	return err;
}

/* ------------------------------------------------------------- restart */

/* As fanotify_init(2) asks; a group of an unprivileged user stays one. */
static int check_group(struct ckpt_ctx *ctx, const struct ckpt_hdr_fanotify *h)
{
	unsigned int mode = h->flags & FANOTIFY_FID_BITS;
	bool unpriv = h->flags & FANOTIFY_UNPRIV;
	bool unlimited = h->flags & FAN_UNLIMITED_QUEUE;

	if ((h->flags & ~CKPT_INIT_FLAGS) || h->reserved ||
	    (h->event_f_flags & ~FANOTIFY_INIT_ALL_EVENT_F_BITS) ||
	    (h->event_f_flags & O_ACCMODE) == O_ACCMODE ||
	    (h->flags & FANOTIFY_CLASS_BITS) == FANOTIFY_CLASS_BITS ||
	    (mode && (h->flags & FANOTIFY_CLASS_BITS) != FAN_CLASS_NOTIF) ||
	    ((mode & FAN_REPORT_NAME) && !(mode & FAN_REPORT_DIR_FID)) ||
	    ((mode & FAN_REPORT_TARGET_FID) &&
	     (!(mode & FAN_REPORT_NAME) || !(mode & FAN_REPORT_FID))) ||
	    ((h->flags & FAN_REPORT_PIDFD) && (h->flags & FAN_REPORT_TID)) ||
	    (unpriv && (!mode || (h->flags & FANOTIFY_ADMIN_INIT_FLAGS))) ||
	    (unlimited ? h->max_events != UINT_MAX : h->max_events > INT_MAX))
		return ckpt_err(ctx, -EINVAL, "image: fanotify with flags %#x and %#x, up to %u events",
				h->flags, h->event_f_flags, h->max_events);
	if (!unpriv && !capable(CAP_SYS_ADMIN))
		return ckpt_err(ctx, -EPERM, "fanotify: CAP_SYS_ADMIN is needed");
	if ((h->flags & FAN_ENABLE_AUDIT) && !capable(CAP_AUDIT_WRITE))
		return ckpt_err(ctx, -EPERM, "fanotify: CAP_AUDIT_WRITE is needed");
	if (!unlimited && h->max_events > fanotify_max_queued_events &&
	    !capable(CAP_SYS_RESOURCE))
		return ckpt_err(ctx, -EPERM, "fanotify: up to %u events, fs.fanotify.max_queued_events is %d",
				h->max_events, fanotify_max_queued_events);
	return 0;
}

/* As fanotify_init(2) makes it; it counts for the owner of @cred. */
static struct fsnotify_group *make_group(const struct ckpt_hdr_fanotify *h,
					 const struct cred *cred)
{
	struct fanotify_group_private_data *data;
	struct fsnotify_group *group;

	group = fsnotify_alloc_group(&fanotify_fsnotify_ops,
				     FSNOTIFY_GROUP_USER);
	if (IS_ERR(group))
		return group;
	data = &group->fanotify_data;
	data->flags = h->flags;
	data->f_flags = h->event_f_flags;
	init_waitqueue_head(&data->access_waitq);
	INIT_LIST_HEAD(&data->access_list);
	group->max_events = h->max_events;
	group->priority = FSNOTIFY_PRIO_NORMAL;
	if (h->flags & FAN_CLASS_CONTENT)
		group->priority = FSNOTIFY_PRIO_CONTENT;
	if (h->flags & FAN_CLASS_PRE_CONTENT)
		group->priority = FSNOTIFY_PRIO_PRE_CONTENT;
	group->memcg = get_mem_cgroup_from_mm(current->mm);
	data->ucounts = inc_ucount(cred->user_ns, cred->euid,
				   UCOUNT_FANOTIFY_GROUPS);
	if (!data->ucounts) {
		fsnotify_destroy_group(group);
		return ERR_PTR(-EMFILE);
	}
	data->merge_hash = fanotify_alloc_merge_hash();
	group->overflow_event = fanotify_alloc_overflow_event();
	if (!data->merge_hash || !group->overflow_event) {
		fsnotify_destroy_group(group);
		return ERR_PTR(-ENOMEM);
	}
	return group;
}

/**
 * ckpt_fanotify_restore - make a group without marks
 * @ctx: the context
 * @h: the record of the file
 * @name: what /proc/PID/fd/N showed, not used
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR: -EINVAL, reported, for a malformed record,
 * -EPERM, reported, -EMFILE for too many groups of one user, -ENFILE, -ENOMEM.
 */
struct file *ckpt_fanotify_restore(struct ckpt_ctx *ctx,
				   const struct ckpt_hdr_file *h,
				   const char *name)
{
	const struct cred *cred = ckpt_file_cred(ctx, h);
	struct ckpt_hdr_fanotify rec;
	struct fsnotify_group *group;
	struct file *file;
	int err;

	if (IS_ERR(cred))
		return ERR_CAST(cred);
	err = ckpt_read_rec_into(ctx, &rec, CKPT_HDR_FANOTIFY, sizeof(rec));
	if (!err)
		err = check_group(ctx, &rec);
	if (err)
		return ERR_PTR(err);
	group = make_group(&rec, cred);
	if (IS_ERR(group))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(group), "fanotify: cannot be made: error %ld, see fs.fanotify.max_user_groups",
					PTR_ERR(group)));
	file = ckpt_anon_file(ctx, h, "[fanotify]", &fanotify_fops, group,
			      O_RDWR);
	if (IS_ERR(file))
		fsnotify_destroy_group(group);
	return file;
}

static int check_mark(struct ckpt_ctx *ctx, struct fsnotify_group *group,
		      const struct ckpt_hdr_fanotify_mark *h)
{
	unsigned int mode = FAN_GROUP_FLAG(group, FANOTIFY_FID_BITS);
	u32 type = h->flags & FANOTIFY_MARK_TYPE_BITS;

	if ((h->flags & ~(CKPT_MARK_FLAGS | FANOTIFY_MARK_TYPE_BITS)) ||
	    ((h->mask | h->ignored_mask) & ~CKPT_MARK_MASK) ||
	    (type != FAN_MARK_INODE && type != FAN_MARK_MOUNT &&
	     type != FAN_MARK_FILESYSTEM) ||
	    (((h->mask | h->ignored_mask) & FANOTIFY_PERM_EVENTS) &&
	     group->priority < FSNOTIFY_PRIO_CONTENT) ||
	    ((h->flags & FAN_MARK_EVICTABLE) && type != FAN_MARK_INODE) ||
	    ((h->mask & FAN_FS_ERROR) && type != FAN_MARK_FILESYSTEM) ||
	    ((h->mask & ~(FANOTIFY_FD_EVENTS | FANOTIFY_EVENT_FLAGS)) &&
	     (!mode || type == FAN_MARK_MOUNT)) ||
	    ((h->mask & FAN_RENAME) && !(mode & FAN_REPORT_NAME)) ||
	    (type != FAN_MARK_INODE &&
	     (h->handle.len || h->handle.removed)) || h->reserved)
		return ckpt_err(ctx, -EINVAL, "image: fanotify: mark %#x of events %#x and %#x",
				h->flags, h->mask, h->ignored_mask);
	if (type != FAN_MARK_INODE &&
	    (!capable(CAP_SYS_ADMIN) || FAN_GROUP_FLAG(group, FANOTIFY_UNPRIV)))
		return ckpt_err(ctx, -EPERM, "fanotify: CAP_SYS_ADMIN is needed for marks of mounts and file systems");
	return 0;
}

/* The masks of a mark, each as fanotify_mark(2) would set it */
static int add_masks(struct fsnotify_group *group, void *obj,
		     unsigned int obj_type,
		     const struct ckpt_hdr_fanotify_mark *h,
		     struct fan_fsid *fsid)
{
	u32 flags = h->flags & FAN_MARK_EVICTABLE;
	int err;

	err = fanotify_add_mark(group, obj, obj_type, h->mask, flags, fsid);
	if (err || !(h->ignored_mask ||
		     (h->flags & (FAN_MARK_IGNORE |
				  FAN_MARK_IGNORED_SURV_MODIFY))))
		return err;
	flags |= h->flags & FAN_MARK_IGNORED_SURV_MODIFY;
	flags |= h->flags & FAN_MARK_IGNORE ?: FAN_MARK_IGNORED_MASK;
	return fanotify_add_mark(group, obj, obj_type, h->ignored_mask, flags,
				 fsid);
}

/* As fanotify_mark(2). With @told, events tell the id of the file system. */
static int add_mark(struct fsnotify_group *group, const struct path *path,
		    const struct ckpt_hdr_fanotify_mark *h, bool told)
{
	struct inode *inode = d_backing_inode(path->dentry);
	u32 type = h->flags & FANOTIFY_MARK_TYPE_BITS;
	unsigned int obj_type = FSNOTIFY_OBJ_TYPE_INODE;
	struct fan_fsid id, *fsid = NULL;
	void *obj = inode;
	int err;

	if ((inode->i_mode ^ h->i_mode) & S_IFMT)
		return -ESTALE;
	if (type == FAN_MARK_MOUNT) {
		if (path->dentry != path->mnt->mnt_root)
			return -ESTALE;
		obj_type = FSNOTIFY_OBJ_TYPE_VFSMOUNT;
		obj = path->mnt;
	} else if (type == FAN_MARK_FILESYSTEM) {
		obj_type = FSNOTIFY_OBJ_TYPE_SB;
		obj = path->mnt->mnt_sb;
	}
	/* of a file, this may be the kernel's own */
	err = fanotify_events_supported(group, path,
					h->mask & ~FAN_EVENT_ON_CHILD, type);
	if (!err)
		err = path_permission(path, MAY_READ);
	if (!err)
		err = security_path_notify(path, h->mask, obj_type);
	if (!err && FAN_GROUP_FLAG(group, FANOTIFY_FID_BITS)) {
		fsid = &id;
		err = fanotify_test_fsid(path->dentry, type, fsid);
		if (!err)
			err = fanotify_test_fid(path->dentry, type);
		/* events that are queued would tell of another one */
		if (!err && told && memcmp(&id.id, h->fsid, sizeof(h->fsid)))
			err = -ESTALE;
	}
	return err ?: add_masks(group, obj, obj_type, h, fsid);
}

static int mark_restore(struct ckpt_ctx *ctx, struct fsnotify_group *group,
			bool told)
{
	struct ckpt_hdr_fanotify_mark *h;
	struct path path;
	char *name;
	int err;

	h = ckpt_read_rec(ctx, CKPT_HDR_FANOTIFY_MARK, sizeof(*h), sizeof(*h));
	if (IS_ERR(h))
		return PTR_ERR(h);
	name = ckpt_read_string(ctx, PATH_MAX);
	if (IS_ERR(name)) {
		kvfree(h);
		return PTR_ERR(name);
	}
	err = check_mark(ctx, group, h);
	if (!err)
		err = ckpt_path_lookup(ctx, h->mnt, name, 0, &path);
	if (!err) {
		err = ckpt_inode_step(ctx, &h->handle, "fanotify, mark", &path);
		if (!err)
			err = add_mark(group, &path, h, told);
		path_put(&path);
	}
	if (err)
		ckpt_err(ctx, err, "fanotify, mark: '%s%s'%s: error %d",
			 ckpt_mnt_name(ctx, h->mnt), name,
			 h->handle.len ? ", a file in there" : "", err);
	kvfree(name);
	kvfree(h);
	return err;
}

/**
 * ckpt_fanotify_late_restore - read the queue and the marks
 * @ctx: the context
 * @file: the file
 *
 * Context: a restored task, may sleep.
 * Return: 0, or a negative errno, reported: -EINVAL for a malformed record,
 * -ESTALE for what is not what it was, -ENOSPC for too many marks of one user,
 * -EPERM and -EACCES for what the caller may not have, the errno of a lookup.
 */
int ckpt_fanotify_late_restore(struct ckpt_ctx *ctx, struct file *file)
{
	struct fsnotify_group *group = file->private_data;
	struct ckpt_hdr_fanotify_queue q;
	int err;
	u32 i;

	err = ckpt_read_rec_into(ctx, &q, CKPT_HDR_FANOTIFY_QUEUE, sizeof(q));
	if (err)
		return err;
	if (q.nr_events > (u64)group->max_events + 1)
		return ckpt_err(ctx, -EINVAL, "image: fanotify: %u of %u events",
				q.nr_events, group->max_events);
	for (i = 0; i < q.nr_events && !err; i++) {
		err = ckpt_fanotify_event_restore(ctx, group);
		cond_resched();
	}
	/* as if it were on its way out: permission is granted, too */
	fsnotify_group_stop_queueing(group);
	for (i = 0; i < q.nr_marks && !err; i++) {
		err = mark_restore(ctx, group, q.nr_events);
		cond_resched();
	}
	return err;
}

/**
 * ckpt_fanotify_commit - the tree is about to run: let a group take events
 * @file: a fanotify group, perhaps not one that was restored
 *
 * Context: process context.
 */
void ckpt_fanotify_commit(struct file *file)
{
	struct fsnotify_group *group = file->private_data;

	spin_lock(&group->notification_lock);
	group->shutdown = false;
	spin_unlock(&group->notification_lock);
}
