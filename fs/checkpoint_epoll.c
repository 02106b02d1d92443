// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of epoll_create(2). Included by eventpoll.c.
 *
 * An item is an open file, which need not be in any descriptor table of the
 * tree, and the number that it was added as. Items are added when all files
 * are there: at that time no event tells of anything that the tree has not seen
 * before, so an item is ready if it was when the tree stood still.
 */

#include "checkpoint.h"

#define CKPT_EPOLL_ITEM_ALL	CKPT_EPOLL_READY

/**
 * ckpt_epoll_match - is this an epoll?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_epoll_match(struct file *file)
{
	return is_file_epoll(file);
}

/* ---------------------------------------------------------- checkpoint */

/**
 * struct saved_item - an item, as it was at one moment
 * @file: its file; referenced by items_get(), known to the table of objects
 *	after items_drop()
 * @sighand: of a signalfd: whose signals it tells, an address only, or NULL
 * @event: what it waits for, and says
 * @fd: number of the descriptor that it was added as
 * @ready: it is to be looked at by the next epoll_wait(2)
 */
struct saved_item {
	struct file *file;
	const struct sighand_struct *sighand;
	struct epoll_event event;
	int fd;
	bool ready;
};

/**
 * struct saved_items - the items of one epoll
 * @item: the items, those that are ready first and in their order
 * @nr: how many there are
 * @room: how many @item has room for
 */
struct saved_items {
	struct saved_item *item;
	u32 nr;
	u32 room;
};

/* Whose signals? NULL if that process is gone: there is nothing to tell. */
static const struct sighand_struct *item_sighand(const struct epitem *epi)
{
	wait_queue_head_t *whead;

	if (!epi->pwqlist)
		return NULL;
	/* pairs with that of POLLFREE in ep_poll_callback() */
	whead = smp_load_acquire(&epi->pwqlist->whead);
	return whead ? container_of(whead, struct sighand_struct,
				    signalfd_wqh) : NULL;
}

static void item_get(struct saved_items *s, struct epitem *epi, bool ready)
{
	struct saved_item *item;
	struct file *file;

	if (s->nr++ >= s->room)
		return;
	/* one whose file is on its way out goes with it */
	file = epi_fget(epi);
	if (!file) {
		s->nr--;
		return;
	}
	item = &s->item[s->nr - 1];
	item->file = file;
	item->fd = epi->ffd.fd;
	item->event = epi->event;
	item->ready = ready;
	item->sighand = ckpt_signalfd_match(file) ? item_sighand(epi) : NULL;
}

static void items_drop(struct saved_items *s)
{
	u32 i;

	for (i = 0; i < min(s->nr, s->room); i++)
		fput(s->item[i].file);
}

static int items_get(struct file *file, struct saved_items *s)
{
	struct eventpoll *ep = file->private_data;
	struct rb_node *node;
	struct list_head batch;
	struct epitem *epi;

	memset(s, 0, sizeof(*s));
	for (;;) {
		s->nr = 0;
		INIT_LIST_HEAD(&batch);
		mutex_lock(&ep->mtx);
		/* so that what becomes ready meanwhile waits aside */
		ep_start_scan(ep, &batch);
		list_for_each_entry(epi, &batch, rdllink)
			item_get(s, epi, true);
		for (node = rb_first_cached(&ep->rbr); node;
		     node = rb_next(node)) {
			epi = rb_entry(node, struct epitem, rbn);
			if (!ep_is_linked(epi))
				item_get(s, epi, epi_on_ovflist(epi));
		}
		ep_done_scan(ep, &batch);
		mutex_unlock(&ep->mtx);
		if (s->nr <= s->room)
			return 0;
		items_drop(s);
		kvfree(s->item);
		s->room = s->nr;
		s->item = kvcalloc(s->room, sizeof(*s->item),
				   GFP_KERNEL_ACCOUNT);
		if (!s->item)
			return -ENOMEM;
	}
}

/**
 * ckpt_epoll_collect - meet the files that an epoll waits for
 * @ctx: the context
 * @file: the file
 *
 * It does not use them: one that nobody else in the tree has is external.
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, or the errno of a file that cannot be saved.
 */
int ckpt_epoll_collect(struct ckpt_ctx *ctx, struct file *file)
{
	struct saved_items s;
	int err;
	u32 i;

	err = items_get(file, &s);
	if (err)
		return err;
	for (i = 0; i < s.nr && !err; i++) {
		err = ckpt_obj_collect_n(ctx, s.item[i].file, CKPT_OBJ_FILE, 0);
		if (!err)
			ckpt_obj_mark(ctx, s.item[i].file, CKPT_OBJ_FILE,
				      CKPT_FILE_MARK_FD);
	}
	items_drop(&s);
	kvfree(s.item);
	return err;
}

static int has_sighand(struct ckpt_ctx *ctx, struct task_struct *t, void *arg)
{
	if (rcu_access_pointer(t->sighand) != *(struct sighand_struct **)arg)
		return 0;
	return ckpt_pid_slot(ctx, task_pid(t)) + 1;
}

/* The pid slot of the process that @sighand belongs to + 1, or 0 */
static u32 sighand_slot(struct ckpt_ctx *ctx,
			const struct sighand_struct *sighand)
{
	return max(ckpt_tree_for_each(ctx, has_sighand, &sighand), 0);
}

/* Of a zombie it tells nothing any more, whether of the tree or not. */
static bool sighand_lives(const struct sighand_struct *sighand)
{
	struct task_struct *p;
	bool lives = false;

	rcu_read_lock();
	for_each_process(p) {
		lives = rcu_access_pointer(p->sighand) == sighand &&
			atomic_read(&p->signal->live);
		if (lives)
			break;
	}
	rcu_read_unlock();
	return lives;
}

/**
 * ckpt_epoll_checkpoint - see whether the items of an epoll can be saved
 * @ctx: the context
 * @file: the file
 * @h: its record, not used
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, or -ENOSYS, reported.
 */
int ckpt_epoll_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			  struct ckpt_hdr_file *h)
{
	struct saved_items s;
	char who[48];
	int err;
	u32 i;

	err = items_get(file, &s);
	if (err)
		return err;
	items_drop(&s);
	for (i = 0; i < s.nr && !err; i++) {
		const struct saved_item *item = &s.item[i];

		snprintf(who, sizeof(who), "epoll, added as fd %d", item->fd);
		if (!ckpt_obj_collected(ctx, item->file, CKPT_OBJ_FILE))
			err = ckpt_err(ctx, -EBUSY, "%s: added meanwhile, try again",
				       who);
		else if (item->sighand && !sighand_slot(ctx, item->sighand) &&
			 sighand_lives(item->sighand))
			err = ckpt_err(ctx, -ENOSYS, "%s: tells the signals of a process outside of the tree: not supported",
				       who);
		else
			err = ckpt_file_check(ctx, item->file, who);
		cond_resched();
	}
	kvfree(s.item);
	return err;
}

static int write_item(struct ckpt_ctx *ctx, const struct saved_item *item,
		      struct ckpt_epoll_item *to)
{
	int ref = ckpt_obj_checkpoint(ctx, item->file, CKPT_OBJ_FILE);

	if (ref < 0)
		return ref;
	*to = (struct ckpt_epoll_item) {
		.file = ref,
		.fd = item->fd,
		.events = (__force u32)item->event.events,
		.data = item->event.data,
		.task = item->sighand ? sighand_slot(ctx, item->sighand) : 0,
	};
	/* what takes the place of an external one may be ready: look at it */
	if (item->ready || (ckpt_obj_mark(ctx, item->file, CKPT_OBJ_FILE, 0) &
			    CKPT_FILE_MARK_EXTERNAL))
		to->flags = CKPT_EPOLL_READY;
	return 0;
}

static int write_items(struct ckpt_ctx *ctx, const struct saved_items *s)
{
	struct ckpt_hdr_epoll_items h = {};
	struct ckpt_epoll_item *buf;
	u32 i, n = 0;
	int err = 0;

	buf = kvcalloc(clamp(s->nr, 1, CKPT_EPOLL_ITEMS_MAX), sizeof(*buf),
		       GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < s->nr && !err; i++) {
		err = write_item(ctx, &s->item[i], &buf[n++]);
		if (err || (n < CKPT_EPOLL_ITEMS_MAX && i + 1 < s->nr))
			continue;
		err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_EPOLL_ITEMS,
					  sizeof(h), buf, n * sizeof(*buf));
		n = 0;
		cond_resched();
	}
	kvfree(buf);
	return err;
}

/**
 * ckpt_epoll_late_write - write the items of an epoll
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, or the errno of the write.
 */
int ckpt_epoll_late_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_hdr_epoll h = {};
	struct saved_items s;
	int err;
#ifdef CONFIG_NET_RX_BUSY_POLL
	struct eventpoll *ep = file->private_data;

	h.busy_poll_usecs = READ_ONCE(ep->busy_poll_usecs);
	h.busy_poll_budget = READ_ONCE(ep->busy_poll_budget);
	h.prefer_busy_poll = READ_ONCE(ep->prefer_busy_poll);
#endif
	err = items_get(file, &s);
	if (err)
		return err;
	items_drop(&s);
	h.nr = s.nr;
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_EPOLL, sizeof(h));
	if (!err)
		err = write_items(ctx, &s);
	kvfree(s.item);
	return err;
}

/* ------------------------------------------------------------- restart */

/**
 * ckpt_epoll_restore - make an epoll without items
 * @ctx: the context
 * @h: the record of the file
 * @name: what /proc/PID/fd/N showed, not used
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR: -EINVAL, reported, for a malformed record,
 * -ENFILE, -ENOMEM.
 */
struct file *ckpt_epoll_restore(struct ckpt_ctx *ctx,
				const struct ckpt_hdr_file *h,
				const char *name)
{
	const struct cred *cred = ckpt_file_cred(ctx, h), *old;
	struct eventpoll *ep;
	struct file *file;
	int err;

	if (IS_ERR(cred))
		return ERR_CAST(cred);
	/* its items are charged to whoever made it */
	old = override_creds(cred);
	err = ep_alloc(&ep);
	revert_creds(old);
	if (err)
		return ERR_PTR(err);
	file = ckpt_anon_file(ctx, h, "[eventpoll]", &eventpoll_fops, ep,
			      O_RDWR);
	if (IS_ERR(file))
		ep_clear_and_put(ep);
	else
		ep->file = file;
	return file;
}

static int restore_params(struct ckpt_ctx *ctx, struct eventpoll *ep,
			  const struct ckpt_hdr_epoll *h)
{
	if (!h->busy_poll_usecs && !h->busy_poll_budget && !h->prefer_busy_poll)
		return 0;
#ifdef CONFIG_NET_RX_BUSY_POLL
	/* as ep_eventpoll_bp_ioctl() */
	if (h->busy_poll_usecs > S32_MAX || h->busy_poll_budget > U16_MAX ||
	    h->prefer_busy_poll > 1)
		return ckpt_err(ctx, -EINVAL, "image: epoll that polls for %u us, %u packets",
				h->busy_poll_usecs, h->busy_poll_budget);
	if (h->busy_poll_budget > NAPI_POLL_WEIGHT && !capable(CAP_NET_ADMIN))
		return ckpt_err(ctx, -EPERM, "epoll that polls for %u packets: CAP_NET_ADMIN is needed",
				h->busy_poll_budget);
	ep->busy_poll_usecs = h->busy_poll_usecs;
	ep->busy_poll_budget = h->busy_poll_budget;
	ep->prefer_busy_poll = h->prefer_busy_poll;
	return 0;
#else
	return ckpt_err(ctx, -EOPNOTSUPP, "epoll: this kernel has no busy polling");
#endif
}

/*
 * Have the item told of events. Those of a signalfd are the signals of the task
 * that added it, not of current. A file that is an epoll need not be asked
 * whether it is ready: that would look at what it waits for with the eyes of
 * current, too.
 */
static int register_item(struct epitem *epi, struct sighand_struct *sighand)
{
	struct file *file = epi->ffd.file;
	struct ep_pqueue epq = { .epi = epi };
	struct eventpoll *tep;

	init_poll_funcptr(&epq.pt, ep_ptable_queue_proc);
	if (is_file_epoll(file)) {
		tep = file->private_data;
		poll_wait(file, &tep->poll_wait, &epq.pt);
	} else if (!ckpt_signalfd_match(file)) {
		/* whatever is ready now was before */
		vfs_poll(file, &epq.pt);
	} else if (sighand) {
		poll_wait(file, &sighand->signalfd_wqh, &epq.pt);
	}
	return epq.epi ? 0 : -ENOMEM;
}

/* As EPOLL_CTL_ADD, but that it is the image which says what is ready */
static int insert(struct eventpoll *ep, struct file *file,
		  const struct ckpt_epoll_item *i,
		  struct sighand_struct *sighand)
{
	struct epoll_event event = {
		.events = (__force __poll_t)i->events, .data = i->data,
	};
	struct eventpoll *tep = NULL;
	struct epitem *epi;
	int err;

	lockdep_assert_held(&epnested_mutex);
	if (is_file_epoll(file)) {
		tep = file->private_data;
		if (tep == ep)
			return -EINVAL;
		if (ep_loop_check(ep, tep))
			return -ELOOP;
	}
	mutex_lock(&ep->mtx);
	err = -EEXIST;
	if (ep_find(ep, file, i->fd))
		goto unlock;
	epi = ep_alloc_epitem(ep, &event, file, i->fd);
	err = PTR_ERR_OR_ZERO(epi);
	if (err)
		goto unlock;
	err = ep_register_epitem(ep, epi, tep, 1);
	if (err)
		goto unlock;
	if (reverse_path_check())
		err = -EINVAL;
	if (!err && (i->events & (__force u32)EPOLLWAKEUP))
		err = ep_create_wakeup_source(epi);
	if (!err)
		err = register_item(epi, sighand);
	if (err) {
		ep_remove(ep, epi);
		goto unlock;
	}
	spin_lock_irq(&ep->lock);
	if ((i->flags & CKPT_EPOLL_READY) && !ep_is_linked(epi)) {
		list_add_tail(&epi->rdllink, &ep->rdllist);
		ep_pm_stay_awake(epi);
	}
	spin_unlock_irq(&ep->lock);
unlock:
	mutex_unlock(&ep->mtx);
	return err;
}

static int check_item(struct ckpt_ctx *ctx, struct file *file,
		      const struct ckpt_epoll_item *i)
{
	const u32 exclusive = (__force u32)EPOLLEXCLUSIVE;
	const u32 wakeup = (__force u32)EPOLLWAKEUP;

	if (i->fd > INT_MAX || (i->flags & ~CKPT_EPOLL_ITEM_ALL) ||
	    i->reserved || !file_can_poll(file) ||
	    (i->task && !ckpt_signalfd_match(file)) ||
	    ((i->events & exclusive) &&
	     (is_file_epoll(file) ||
	      (i->events & ~(__force u32)EPOLLEXCLUSIVE_OK_BITS))))
		return ckpt_err(ctx, -EINVAL, "image: epoll, fd %u with events %#x",
				i->fd, i->events);
	/* EPOLL_CTL_ADD would drop it without a word */
	if ((i->events & wakeup) &&
	    (!IS_ENABLED(CONFIG_PM_SLEEP) || !capable(CAP_BLOCK_SUSPEND)))
		return ckpt_err(ctx, -EPERM, "epoll, fd %u with EPOLLWAKEUP: CAP_BLOCK_SUSPEND is needed",
				i->fd);
	return 0;
}

static int restore_item(struct ckpt_ctx *ctx, struct eventpoll *ep,
			const struct ckpt_epoll_item *i)
{
	struct sighand_struct *sighand = NULL;
	struct task_struct *t = NULL;
	struct file *file;
	struct pid *pid;
	int err;

	file = ckpt_obj_fetch(ctx, i->file, CKPT_OBJ_FILE);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = check_item(ctx, file, i);
	if (err)
		return err;
	if (i->task) {
		pid = ckpt_slot_pid(ctx, i->task - 1);
		if (IS_ERR(pid))
			return PTR_ERR(pid);
		t = get_pid_task(pid, PIDTYPE_PID);
		rcu_read_lock();
		sighand = t ? rcu_dereference(t->sighand) : NULL;
		/* it waits in the restart: only SIGKILL takes it away */
		if (sighand && !refcount_inc_not_zero(&sighand->count))
			sighand = NULL;
		rcu_read_unlock();
		if (t)
			put_task_struct(t);
	}

	mutex_lock(&epnested_mutex);
	loop_check_gen++;
	err = insert(ep, file, i, sighand);
	clear_tfile_check_list();
	loop_check_gen++;
	mutex_unlock(&epnested_mutex);
	if (sighand)
		__cleanup_sighand(sighand);
	if (err)
		return ckpt_err(ctx, err, "epoll: fd %u cannot be added: error %d",
				i->fd, err);
	return 0;
}

static int restore_items(struct ckpt_ctx *ctx, struct eventpoll *ep, u32 nr)
{
	struct ckpt_hdr_epoll_items *h;
	int err = 0;
	u32 n, i;

	while (nr && !err) {
		n = min_t(u32, nr, CKPT_EPOLL_ITEMS_MAX);
		h = ckpt_read_rec(ctx, CKPT_HDR_EPOLL_ITEMS,
				  struct_size(h, items, n),
				  struct_size(h, items, n));
		if (IS_ERR(h))
			return PTR_ERR(h);
		for (i = 0; i < n && !err; i++) {
			err = restore_item(ctx, ep, &h->items[i]);
			cond_resched();
		}
		kvfree(h);
		nr -= n;
	}
	return err;
}

/**
 * ckpt_epoll_late_restore - read the items of an epoll, and add them
 * @ctx: the context
 * @file: the file
 *
 * Context: a restored task, may sleep.
 * Return: 0, or a negative errno, reported: -EINVAL for a malformed record,
 * -ELOOP for epolls that wait for each other, -ENOSPC for too many items of
 * one user, -EPERM for what the caller may not have.
 */
int ckpt_epoll_late_restore(struct ckpt_ctx *ctx, struct file *file)
{
	struct eventpoll *ep = file->private_data;
	struct ckpt_hdr_epoll h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_EPOLL, sizeof(h));
	if (!err)
		err = restore_params(ctx, ep, &h);
	return err ?: restore_items(ctx, ep, h.nr);
}
