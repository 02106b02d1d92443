// SPDX-License-Identifier: GPL-2.0
/*
 * What waits to be read from a fanotify group. Included by fanotify.c, which
 * knows how events are found that a new one is merged with.
 *
 * An event has a path, or handles and names. Handles are kept as they are: they
 * mean the same for as long as the file system is there.
 */

#include "../../checkpoint.h"

#define CKPT_EVENT_MASK		((FANOTIFY_OUTGOING_EVENTS | \
				  FANOTIFY_EVENT_FLAGS) & \
				 ~(FANOTIFY_PERM_EVENTS | FAN_FS_ERROR | \
				   FAN_Q_OVERFLOW))

/* ---------------------------------------------------------- checkpoint */

/**
 * struct saved_event - what is referenced by an event
 * @path: the path that it tells of, or NULL pointers
 * @pid: who did it, or NULL
 */
struct saved_event {
	struct path path;
	struct pid *pid;
};

/**
 * struct ckpt_fanotify_events - the queue of one group, as it was at one moment
 * @nr: how many events there are
 * @room: how many @event has room for
 * @size: of @buf, in bytes
 * @event: what they refer to
 * @buf: their records, one after another
 */
struct ckpt_fanotify_events {
	u32 nr;
	u32 room;
	size_t size;
	struct saved_event *event;
	void *buf;
};

/**
 * struct parts - what an event has of variable length
 * @fh: handle of the object, of its directory, of the one it was moved to
 * @name: names in the second and third
 */
struct parts {
	struct fanotify_fh *fh[3];
	const char *name[2];
};

static void parts_of(struct fanotify_event *event, struct parts *p)
{
	struct fanotify_info *info = fanotify_event_info(event);

	memset(p, 0, sizeof(*p));
	if (event->type == FANOTIFY_EVENT_TYPE_FID)
		p->fh[0] = &FANOTIFY_FE(event)->object_fh;
	if (!info)
		return;
	if (info->file_fh_totlen)
		p->fh[0] = fanotify_info_file_fh(info);
	if (info->dir_fh_totlen)
		p->fh[1] = fanotify_info_dir_fh(info);
	if (info->dir2_fh_totlen)
		p->fh[2] = fanotify_info_dir2_fh(info);
	p->name[0] = fanotify_info_name(info);
	p->name[1] = fanotify_info_name2(info);
}

static size_t event_size(struct fanotify_event *event)
{
	const struct ckpt_hdr_fanotify_event *h;
	size_t len = 0;
	struct parts p;
	int i;

	parts_of(event, &p);
	for (i = 0; i < ARRAY_SIZE(p.fh); i++)
		len += p.fh[i] ? p.fh[i]->len : 0;
	for (i = 0; i < ARRAY_SIZE(p.name); i++)
		len += p.name[i] ? strlen(p.name[i]) : 0;
	return struct_size(h, data, round_up(len, 8));
}

static u32 event_kind(const struct fanotify_event *event)
{
	switch (event->type) {
	case FANOTIFY_EVENT_TYPE_OVERFLOW:
		return CKPT_FANOTIFY_OVERFLOW;
	case FANOTIFY_EVENT_TYPE_PATH:
		return CKPT_FANOTIFY_PATH;
	case FANOTIFY_EVENT_TYPE_FID:
		return CKPT_FANOTIFY_FID;
	case FANOTIFY_EVENT_TYPE_FID_NAME:
		return CKPT_FANOTIFY_NAME;
	default:
		return CKPT_FANOTIFY_KIND_MAX;
	}
}

static void event_save(struct fanotify_event *event, size_t size,
		       struct ckpt_hdr_fanotify_event *h, struct saved_event *e)
{
	__kernel_fsid_t *fsid = fanotify_event_fsid(event);
	const struct path *path = fanotify_event_path(event);
	struct parts p;
	u8 *to = h->data;
	int i;

	memset(h, 0, size);
	h->h.len = size;
	h->kind = event_kind(event);
	h->mask = event->mask;
	if (fsid)
		memcpy(h->fsid, fsid, sizeof(h->fsid));
	parts_of(event, &p);
	for (i = 0; i < ARRAY_SIZE(p.fh); i++) {
		if (!p.fh[i])
			continue;
		h->handle_type[i] = p.fh[i]->type;
		h->handle_len[i] = p.fh[i]->len;
		memcpy(to, fanotify_fh_buf(p.fh[i]), p.fh[i]->len);
		to += p.fh[i]->len;
	}
	for (i = 0; i < ARRAY_SIZE(p.name); i++) {
		if (!p.name[i])
			continue;
		h->name_len[i] = strlen(p.name[i]);
		memcpy(to, p.name[i], h->name_len[i]);
		to += h->name_len[i];
	}
	e->pid = get_pid(event->pid);
	memset(&e->path, 0, sizeof(e->path));
	if (path && h->kind == CKPT_FANOTIFY_PATH) {
		e->path = *path;
		path_get(&e->path);
	}
}

static void events_clear(struct ckpt_fanotify_events *s)
{
	u32 i;

	for (i = 0; i < s->nr; i++) {
		path_put(&s->event[i].path);
		put_pid(s->event[i].pid);
	}
	kvfree(s->event);
	kvfree(s->buf);
	memset(s, 0, sizeof(*s));
}

/* Returns whether there was room for all of them, or how much is needed. */
static bool events_walk(struct fsnotify_group *group,
			struct ckpt_fanotify_events *s)
{
	struct fsnotify_event *e;
	size_t size, at = 0;
	u32 nr = 0;

	spin_lock(&group->notification_lock);
	list_for_each_entry(e, &group->notification_list, list) {
		size = event_size(FANOTIFY_E(e));
		/* what comes after one that has no room has none either */
		if (nr < s->room && at + size <= s->size) {
			event_save(FANOTIFY_E(e), size, s->buf + at,
				   &s->event[nr]);
			s->nr++;
		}
		at += size;
		nr++;
	}
	spin_unlock(&group->notification_lock);
	if (s->nr == nr)
		return true;
	events_clear(s);
	s->room = nr;
	s->size = at;
	return false;
}

/**
 * ckpt_fanotify_events_get - what waits to be read from a group
 * @group: the group
 *
 * Context: process context, may sleep.
 * Return: the events, to be freed with ckpt_fanotify_events_free(), or
 * ERR_PTR(-ENOMEM).
 */
struct ckpt_fanotify_events *
ckpt_fanotify_events_get(struct fsnotify_group *group)
{
	struct ckpt_fanotify_events *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return ERR_PTR(-ENOMEM);
	while (!events_walk(group, s)) {
		s->event = kvcalloc(s->room, sizeof(*s->event),
				    GFP_KERNEL_ACCOUNT);
		s->buf = kvmalloc(s->size, GFP_KERNEL_ACCOUNT);
		if (!s->event || !s->buf) {
			ckpt_fanotify_events_free(s);
			return ERR_PTR(-ENOMEM);
		}
	}
	return s;
}

/**
 * ckpt_fanotify_events_free - free what ckpt_fanotify_events_get() returned
 * @s: it
 */
void ckpt_fanotify_events_free(struct ckpt_fanotify_events *s)
{
	events_clear(s);
	kfree(s);
}

/**
 * ckpt_fanotify_events_nr - how many events there are
 * @s: the events
 *
 * Return: their number.
 */
u32 ckpt_fanotify_events_nr(const struct ckpt_fanotify_events *s)
{
	return s->nr;
}

/**
 * ckpt_fanotify_events_check - refuse events that cannot be saved
 * @ctx: the context of a checkpoint; the collect pass is over
 * @s: the events
 * @buf: room for PATH_MAX bytes
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOSYS, reported.
 */
int ckpt_fanotify_events_check(struct ckpt_ctx *ctx,
			       const struct ckpt_fanotify_events *s, char *buf)
{
	const struct ckpt_hdr_fanotify_event *h = s->buf;
	const struct path *path;
	u32 i;

	for (i = 0; i < s->nr; i++) {
		path = &s->event[i].path;
		if (h->kind == CKPT_FANOTIFY_KIND_MAX)
			return ckpt_err(ctx, -ENOSYS, "fanotify: %s: not supported",
					fanotify_is_perm_event(h->mask) ?
					"a permission event that waits for its answer" :
					"a queued error of a file system");
		if (path->mnt && ckpt_path_verify(ctx, path, buf, PATH_MAX))
			return ckpt_err(ctx, -ENOSYS, "fanotify: a queued event of '%pd', which cannot be reached any more: not supported",
					path->dentry);
		h = (void *)h + h->h.len;
		cond_resched();
	}
	return 0;
}

static int event_write(struct ckpt_ctx *ctx, struct ckpt_hdr_fanotify_event *h,
		       const struct saved_event *e, char *buf)
{
	int ret = e->pid ? ckpt_pid_slot(ctx, e->pid) : -ENOENT;
	char *name = NULL;

	/* one outside, or gone, has no number that means anything later */
	h->pid = ret < 0 ? 0 : ret + 1;
	if (e->path.mnt) {
		ret = ckpt_path_mnt(ctx, &e->path);
		if (ret < 0)
			return ret;
		h->mnt = ret;
		name = ckpt_path_name(ctx, &e->path, buf, PATH_MAX);
		if (IS_ERR(name))
			return ckpt_err(ctx, -EBUSY, "fanotify: '%pd' was removed meanwhile, try again",
					e->path.dentry);
	}
	ret = ckpt_write_rec(ctx, h, CKPT_HDR_FANOTIFY_EVENT, h->h.len);
	if (!ret && name)
		ret = ckpt_write_string(ctx, name);
	return ret;
}

/**
 * ckpt_fanotify_events_write - write events
 * @ctx: the context of a checkpoint
 * @s: the events
 * @buf: room for PATH_MAX bytes
 *
 * Context: process context, may sleep.
 * Return: 0, -EBUSY, reported, or the errno of the write.
 */
int ckpt_fanotify_events_write(struct ckpt_ctx *ctx,
			       struct ckpt_fanotify_events *s, char *buf)
{
	struct ckpt_hdr_fanotify_event *h = s->buf;
	u32 i, len;
	int err;

	for (i = 0; i < s->nr; i++) {
		if (h->kind == CKPT_FANOTIFY_KIND_MAX)
			return ckpt_err(ctx, -EBUSY, "fanotify: more events meanwhile, try again");
		len = h->h.len;
		err = event_write(ctx, h, &s->event[i], buf);
		if (err)
			return err;
		h = (void *)h + len;
		cond_resched();
	}
	return 0;
}

/* ------------------------------------------------------------- restart */

static bool part_valid(const u8 *name, u32 len)
{
	return len < PATH_MAX && !memchr(name, '\0', len) &&
	       !memchr(name, '/', len);
}

/* What the file system, or the kernel, would have made of it */
static bool event_valid(struct fsnotify_group *group,
			const struct ckpt_hdr_fanotify_event *h)
{
	unsigned int mode = FAN_GROUP_FLAG(group, FANOTIFY_FID_BITS);
	const u8 *name = h->data;
	size_t len = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(h->handle_len); i++) {
		if (h->handle_len[i] > MAX_HANDLE_SZ || h->handle_len[i] % 4 ||
		    h->handle_type[i] > FILEID_INVALID)
			return false;
		len += h->handle_len[i];
	}
	if (h->name_len[0] >= PATH_MAX || h->name_len[1] >= PATH_MAX)
		return false;
	name += len;
	len += h->name_len[0] + h->name_len[1];
	if (h->h.len != struct_size(h, data, round_up(len, 8)) ||
	    !part_valid(name, h->name_len[0]) ||
	    !part_valid(name + h->name_len[0], h->name_len[1]))
		return false;
	switch (h->kind) {
	case CKPT_FANOTIFY_OVERFLOW:
		return h->mask == FAN_Q_OVERFLOW && !len;
	case CKPT_FANOTIFY_PATH:
		return !(h->mask & ~CKPT_EVENT_MASK) && !mode && !len;
	case CKPT_FANOTIFY_FID:
		return !(h->mask & ~CKPT_EVENT_MASK) && mode &&
		       len == h->handle_len[0];
	case CKPT_FANOTIFY_NAME:
		/* two directories and two names are of FAN_RENAME */
		return !(h->mask & ~CKPT_EVENT_MASK) &&
		       (mode & FAN_REPORT_DIR_FID) &&
		       (!h->name_len[0] || h->handle_len[1]) &&
		       !h->name_len[1] == !h->handle_len[2] &&
		       (!h->handle_len[2] || (h->mask & FAN_RENAME)) &&
		       (!(h->mask & FAN_RENAME) ||
			!h->name_len[0] == !h->handle_len[1]);
	default:
		return false;
	}
}

static void set_fh(struct fanotify_fh *fh, u32 type, u32 len, const u8 *data,
		   unsigned int *hash)
{
	fh->type = type;
	fh->len = len;
	fh->flags = 0;
	fh->pad = 0;
	memcpy(fh->buf, data, len);
	*hash ^= fanotify_hash_fh(fh);
}

static struct fanotify_event *
make_fid(const struct ckpt_hdr_fanotify_event *h, unsigned int *hash)
{
	u32 len = h->handle_len[0];
	struct fanotify_fid_event *ffe;
	struct fanotify_fh *fh;
	u8 *ext;

	ffe = kmem_cache_zalloc(fanotify_fid_event_cachep, GFP_KERNEL_ACCOUNT);
	if (!ffe)
		return NULL;
	memcpy(&ffe->fsid, h->fsid, sizeof(ffe->fsid));
	fh = &ffe->object_fh;
	if (len <= FANOTIFY_INLINE_FH_LEN) {
		set_fh(fh, h->handle_type[0], len, h->data, hash);
	} else {
		ext = kmemdup(h->data, len, GFP_KERNEL_ACCOUNT);
		if (!ext) {
			kmem_cache_free(fanotify_fid_event_cachep, ffe);
			return NULL;
		}
		fh->type = h->handle_type[0];
		fh->len = len;
		fh->flags = FANOTIFY_FH_FLAG_EXT_BUF;
		*fanotify_fh_ext_buf_ptr(fh) = ext;
		*hash ^= fanotify_hash_fh(fh);
	}
	return &ffe->fae;
}

static void set_name(char *to, const u8 *name, u32 len, unsigned int *hash)
{
	memcpy(to, name, len);
	to[len] = '\0';
	*hash ^= full_name_hash((void *)(unsigned long)len, to, len);
}

static struct fanotify_event *
make_name(const struct ckpt_hdr_fanotify_event *h, unsigned int *hash)
{
	const u8 *object = h->data, *dir = object + h->handle_len[0];
	const u8 *dir2 = dir + h->handle_len[1];
	const u8 *name = dir2 + h->handle_len[2];
	const u32 *type = h->handle_type, *len = h->handle_len;
	struct fanotify_name_event *fne;
	struct fanotify_info *info;
	size_t size;
	int i;

	size = sizeof(*fne) + h->name_len[0] + h->name_len[1] + 2;
	for (i = 0; i < ARRAY_SIZE(h->handle_len); i++)
		if (len[i])
			size += FANOTIFY_FH_HDR_LEN + len[i];
	fne = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!fne)
		return NULL;
	memcpy(&fne->fsid, h->fsid, sizeof(fne->fsid));
	info = &fne->info;
	fanotify_info_init(info);
	/* in this order: each begins where the one before it ends */
	if (len[1]) {
		set_fh(fanotify_info_dir_fh(info), type[1], len[1], dir, hash);
		fanotify_info_set_dir_fh(info, FANOTIFY_FH_HDR_LEN + len[1]);
	}
	if (len[2]) {
		set_fh(fanotify_info_dir2_fh(info), type[2], len[2], dir2, hash);
		fanotify_info_set_dir2_fh(info, FANOTIFY_FH_HDR_LEN + len[2]);
	}
	if (len[0]) {
		set_fh(fanotify_info_file_fh(info), type[0], len[0], object,
		       hash);
		fanotify_info_set_file_fh(info, FANOTIFY_FH_HDR_LEN + len[0]);
	}
	info->name_len = h->name_len[0];
	info->name2_len = h->name_len[1];
	if (info->name_len)
		set_name(fanotify_info_name(info), name, info->name_len, hash);
	if (info->name2_len)
		set_name(fanotify_info_name2(info), name + info->name_len,
			 info->name2_len, hash);
	return &fne->fae;
}

static struct fanotify_event *make_event(const struct ckpt_hdr_fanotify_event *h,
					 const struct path *path,
					 struct pid *pid)
{
	struct fanotify_path_event *fpe;
	struct fanotify_event *event = NULL;
	unsigned int hash = 0, type;
	__kernel_fsid_t fsid;

	if (path) {
		type = FANOTIFY_EVENT_TYPE_PATH;
		fpe = kmem_cache_alloc(fanotify_path_event_cachep,
				       GFP_KERNEL_ACCOUNT);
		if (fpe) {
			fpe->path = *path;
			path_get(&fpe->path);
			hash = fanotify_hash_path(path);
			event = &fpe->fae;
		}
	} else {
		memcpy(&fsid, h->fsid, sizeof(fsid));
		hash = fanotify_hash_fsid(&fsid);
		type = h->kind == CKPT_FANOTIFY_FID ?
		       FANOTIFY_EVENT_TYPE_FID : FANOTIFY_EVENT_TYPE_FID_NAME;
		event = h->kind == CKPT_FANOTIFY_FID ? make_fid(h, &hash) :
						       make_name(h, &hash);
	}
	if (!event)
		return NULL;
	/* as fanotify_alloc_event(), so that more of the same are merged */
	hash ^= hash_long((unsigned long)pid | !!(h->mask & FAN_ONDIR),
			  FANOTIFY_EVENT_HASH_BITS);
	fanotify_init_event(event, hash, h->mask);
	event->type = type;
	event->pid = get_pid(pid);
	return event;
}

static int find_path(struct ckpt_ctx *ctx,
		     const struct ckpt_hdr_fanotify_event *h, struct path *path)
{
	char *name = ckpt_read_string(ctx, PATH_MAX);
	int err;

	if (IS_ERR(name))
		return PTR_ERR(name);
	err = ckpt_path_lookup(ctx, h->mnt, name, 0, path);
	if (!err && !d_is_reg(path->dentry) && !d_can_lookup(path->dentry)) {
		path_put(path);
		err = -ESTALE;
	}
	if (err)
		ckpt_err(ctx, err, "fanotify: '%s%s', of a queued event: error %d",
			 ckpt_mnt_name(ctx, h->mnt), name, err);
	kvfree(name);
	return err;
}

static int event_insert(struct ckpt_ctx *ctx, struct fsnotify_group *group,
			const struct ckpt_hdr_fanotify_event *h)
{
	bool by_path = h->kind == CKPT_FANOTIFY_PATH;
	struct fanotify_event *event;
	struct path path = {};
	struct pid *pid = NULL;
	int err;

	if (h->kind == CKPT_FANOTIFY_OVERFLOW) {
		fsnotify_queue_overflow(group);
		return 0;
	}
	if (h->pid) {
		pid = ckpt_slot_pid(ctx, h->pid - 1);
		if (IS_ERR(pid))
			return PTR_ERR(pid);
	}
	if (by_path) {
		err = find_path(ctx, h, &path);
		if (err)
			return err;
	}
	event = make_event(h, by_path ? &path : NULL, pid);
	path_put(&path);
	if (!event)
		return -ENOMEM;
	if (!fsnotify_insert_event(group, &event->fse, NULL,
				   fanotify_insert_event))
		return 0;
	fsnotify_destroy_event(group, &event->fse);
	return -EINVAL;
}

/**
 * ckpt_fanotify_event_restore - read an event, and queue it
 * @ctx: the context of a restart
 * @group: the group
 *
 * Context: a restored task, may sleep.
 * Return: 0, or a negative errno, reported: -EINVAL for a malformed record,
 * the errno of the lookup of a path.
 */
int ckpt_fanotify_event_restore(struct ckpt_ctx *ctx,
				struct fsnotify_group *group)
{
	struct ckpt_hdr_fanotify_event *h;
	int err = -EINVAL;

	h = ckpt_read_rec(ctx, CKPT_HDR_FANOTIFY_EVENT, sizeof(*h),
			  sizeof(*h) + 3 * MAX_HANDLE_SZ + 2 * PATH_MAX);
	if (IS_ERR(h))
		return PTR_ERR(h);
	if (event_valid(group, h))
		err = event_insert(ctx, group, h);
	if (err)
		ckpt_err(ctx, err, "image: fanotify: event %#x of kind %u: error %d",
			 h->mask, h->kind, err);
	kvfree(h);
	return err;
}
