// SPDX-License-Identifier: GPL-2.0
/*
 * Terminals of devpts, of which both ends are in the tree; the settings of
 * those that were there before it; controlling terminals. Included by pty.c.
 *
 * Such a terminal begins and ends with the open file of its master, of which
 * there is one. With that it is made anew, and gets the number that it had. The
 * files of the other end refer to it. What is in its buffers, and what may keep
 * a file from being opened, is restored when all files are open.
 *
 * What others might notice waits until nothing can fail any more: which session
 * a terminal controls, and the settings of one that is not the tree's.
 */

#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>

#include "checkpoint.h"

#define CKPT_TTY_MASTER_FLAGS	(CKPT_TTY_LOCKED | CKPT_TTY_PACKET)
#define CKPT_TTY_ALL		(CKPT_TTY_MASTER_FLAGS | CKPT_TTY_EXCLUSIVE | \
				 CKPT_TTY_STOPPED | CKPT_TTY_TCO_STOPPED | \
				 CKPT_TTY_IO_ERROR | CKPT_TTY_OTHER_CLOSED | \
				 CKPT_TTY_HUNG_UP | CKPT_TTY_LNEXT | \
				 CKPT_TTY_ERASING | CKPT_TTY_PUSH)
/* What only a line discipline has */
#define CKPT_TTY_LDISC_FLAGS	(CKPT_TTY_LNEXT | CKPT_TTY_ERASING | CKPT_TTY_PUSH)

/**
 * struct ckpt_tty - what waits until the tree is about to run
 * @next: the next one of the context
 * @file: a file of the terminal, referenced
 * @given: whoever restarts gave it: set what is in @h
 * @h: its record
 * @session: the session that it is to control, referenced, or NULL
 * @pgrp: its foreground process group, referenced, or NULL
 */
struct ckpt_tty {
	struct ckpt_tty *next;
	struct file *file;
	bool given;
	struct ckpt_hdr_tty h;
	struct pid *session;
	struct pid *pgrp;
};

static struct tty_struct *master_of(struct tty_struct *tty)
{
	if (tty->driver == ptm_driver)
		return tty;
	return tty->driver == pts_driver ? tty->link : NULL;
}

/* The open file of a master, or NULL if that is closed */
static struct file *master_file(struct tty_struct *master)
{
	struct tty_file_private *priv;
	struct file *file;

	spin_lock(&master->files_lock);
	priv = list_first_entry_or_null(&master->tty_files,
					struct tty_file_private, list);
	file = priv ? priv->file : NULL;
	spin_unlock(&master->files_lock);
	return file;
}

/* Are all open files of one end in the tree, and nowhere else? */
static bool files_inside(struct ckpt_ctx *ctx, struct tty_struct *tty)
{
	struct tty_file_private *priv;
	bool inside = true;

	spin_lock(&tty->files_lock);
	list_for_each_entry(priv, &tty->tty_files, list) {
		inside = !ckpt_obj_outside(ctx, priv->file, CKPT_OBJ_FILE);
		if (!inside)
			break;
	}
	spin_unlock(&tty->files_lock);
	return inside;
}

/* Those of the slave: asked for each of them, and found out once */
static bool slaves_inside(struct ckpt_ctx *ctx, struct tty_struct *master)
{
	struct file *file = master_file(master);

	if (ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE, 0) & CKPT_FILE_MARK_SLAVES)
		return true;
	if (!files_inside(ctx, master->link))
		return false;
	ckpt_obj_mark(ctx, file, CKPT_OBJ_FILE, CKPT_FILE_MARK_SLAVES);
	return true;
}

/* Is @pid nobody's, or somebody's of the tree? */
static bool pid_inside(struct ckpt_ctx *ctx, struct pid *pid)
{
	return !pid || ckpt_pid_slot(ctx, pid) >= 0;
}

static struct pid *get_session(struct tty_struct *tty)
{
	struct pid *pid;

	spin_lock_irq(&tty->ctrl.lock);
	pid = get_pid(tty->ctrl.session);
	spin_unlock_irq(&tty->ctrl.lock);
	return pid;
}

static bool session_inside(struct ckpt_ctx *ctx, struct tty_struct *tty)
{
	struct pid *session = get_session(tty);
	bool inside = pid_inside(ctx, session);

	put_pid(session);
	return inside;
}

/* ---------------------------------------------------------- what there is */

/**
 * ckpt_ptm_match - is this the master of a terminal of devpts?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_ptm_match(struct file *file)
{
	struct tty_struct *tty = ckpt_file_tty(file);

	return tty && tty->driver == ptm_driver;
}

static bool pair_inside(struct ckpt_ctx *ctx, struct tty_struct *master)
{
	return master_file(master) && files_inside(ctx, master) &&
	       slaves_inside(ctx, master) &&
	       session_inside(ctx, master->link);
}

/**
 * ckpt_tty_kind - the kind that an open file of a terminal is saved as
 * @ctx: the context of a checkpoint; the collect pass is over
 * @file: the file
 *
 * Return: enum ckpt_file_kind, -ENOSYS for one that cannot be saved, or
 * -ENOTTY for one that is no terminal.
 */
int ckpt_tty_kind(struct ckpt_ctx *ctx, struct file *file)
{
	struct tty_struct *tty = ckpt_file_tty(file), *master;

	if (!tty)
		return -ENOTTY;
	master = master_of(tty);
	if (master && pair_inside(ctx, master))
		return tty == master ? CKPT_FILE_PTM : CKPT_FILE_PTS;
	if (tty_hung_up_p(file))
		return CKPT_FILE_HUNG_UP;
	/* of a pty, the side where the programs are */
	if (tty->driver->type != TTY_DRIVER_TYPE_PTY ||
	    tty->driver->subtype != PTY_TYPE_MASTER)
		return CKPT_FILE_TTY;
	return ckpt_obj_outside(ctx, file, CKPT_OBJ_FILE) ?
	       CKPT_FILE_EXTERNAL : -ENOSYS;
}

static bool other_ldisc(struct tty_struct *tty)
{
	struct tty_ldisc *ld = tty_ldisc_ref_wait(tty);
	bool other;

	if (!ld)
		return false;
	other = ld->ops->num != N_TTY;
	tty_ldisc_deref(ld);
	return other;
}

/**
 * ckpt_pty_refused - why can the terminal of an open file not be saved?
 * @ctx: the context of a checkpoint; the collect pass is over
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: the reason, or NULL if it can, or is none of devpts with its master
 * in the tree.
 */
const char *ckpt_pty_refused(struct ckpt_ctx *ctx, struct file *file)
{
	struct tty_struct *tty = ckpt_file_tty(file), *master;

	master = tty ? master_of(tty) : NULL;
	if (!master || !master_file(master) || !files_inside(ctx, master))
		return NULL;
	if (!slaves_inside(ctx, master))
		return "its other end is also open outside of the tree";
	if (!session_inside(ctx, master->link))
		return "it controls a session outside of the tree";
	if (test_bit(TTY_HUPPED, &master->flags))
		return "its master was hung up";
	if (other_ldisc(master) || other_ldisc(master->link))
		return "a line discipline other than N_TTY";
	if (ckpt_tty_redirected(master->link) || ckpt_tty_redirected(master))
		return "TIOCCONS";
	return NULL;
}

/**
 * ckpt_pty_node - is this the node of a terminal of devpts?
 * @dentry: the node
 *
 * Return: true if it is, and its master is open.
 */
bool ckpt_pty_node(struct dentry *dentry)
{
	return devpts_get_priv(dentry);
}

/**
 * ckpt_pty_sb_refused - why can the terminals of a devpts not be saved?
 * @ctx: the context of a checkpoint; the collect pass is over
 * @sb: the devpts, which is not mounted outside of the tree
 *
 * Context: process context, may sleep.
 * Return: the reason, or NULL if they can.
 */
const char *ckpt_pty_sb_refused(struct ckpt_ctx *ctx, struct super_block *sb)
{
	const char *why = NULL;
	struct tty_struct *tty;
	struct dentry *d;

	/* no terminal loses its name meanwhile */
	mutex_lock(&devpts_mutex);
	spin_lock(&sb->s_root->d_lock);
	hlist_for_each_entry(d, &sb->s_root->d_children, d_sib) {
		tty = d->d_fsdata;
		if (tty && !pair_inside(ctx, tty->link))
			why = "a terminal in it that is also used outside of the tree";
	}
	spin_unlock(&sb->s_root->d_lock);
	mutex_unlock(&devpts_mutex);
	return why;
}

/**
 * ckpt_ptm_collect - let what was written to a terminal arrive
 * @ctx: the context
 * @file: its master
 *
 * What a worker would still bring from one end to the other might be signals to
 * tasks: they must not be on their way while these are written.
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ckpt_ptm_collect(struct ckpt_ctx *ctx, struct file *file)
{
	struct tty_struct *master = ckpt_file_tty(file);
	struct pid *pgrp;
	int err = 0;

	tty_buffer_flush_work(master->link->port);
	/* echoes, too */
	tty_buffer_flush_work(master->port);

	pgrp = tty_get_pgrp(master->link);
	if (!pid_inside(ctx, pgrp) && !pid_has_task(pgrp, PIDTYPE_PGID))
		err = ckpt_obj_collect_n(ctx, pgrp, CKPT_OBJ_DEAD_PID, 0);
	put_pid(pgrp);
	return err;
}

/* ------------------------------------------------------------- settings */

static void save_termios(const struct ktermios *t, struct ckpt_termios *to)
{
	BUILD_BUG_ON(sizeof(to->cc) != sizeof(t->c_cc));

	to->iflag = t->c_iflag;
	to->oflag = t->c_oflag;
	to->cflag = t->c_cflag;
	to->lflag = t->c_lflag;
	to->ispeed = t->c_ispeed;
	to->ospeed = t->c_ospeed;
	to->line = t->c_line;
	memcpy(to->cc, t->c_cc, sizeof(to->cc));
}

static void load_termios(const struct ckpt_termios *from, struct ktermios *t)
{
	t->c_iflag = from->iflag;
	t->c_oflag = from->oflag;
	t->c_cflag = from->cflag;
	t->c_lflag = from->lflag;
	t->c_ispeed = from->ispeed;
	t->c_ospeed = from->ospeed;
	t->c_line = from->line;
	memcpy(t->c_cc, from->cc, sizeof(from->cc));
}

/*
 * Is the foreground process group of the tree, at least in part? Where there is
 * none, the terminal is of whoever has it.
 */
static bool in_front(struct ckpt_ctx *ctx, struct pid *pgrp)
{
	struct task_struct *t;
	bool ret = !pgrp;

	read_lock(&tasklist_lock);
	do_each_pid_task(pgrp, PIDTYPE_PGID, t) {
		ret |= pid_inside(ctx, task_pid(t));
	} while_each_pid_task(pgrp, PIDTYPE_PGID, t);
	read_unlock(&tasklist_lock);
	return ret;
}

static int write_tty(struct ckpt_ctx *ctx, struct tty_struct *tty)
{
	struct pid *session = get_session(tty), *pgrp = tty_get_pgrp(tty);
	struct ckpt_hdr_tty h = {};
	int ret;

	down_read(&tty->termios_rwsem);
	save_termios(&tty->termios, &h.termios);
	save_termios(&tty->termios_locked, &h.locked);
	up_read(&tty->termios_rwsem);
	mutex_lock(&tty->winsize_mutex);
	h.row = tty->winsize.ws_row;
	h.col = tty->winsize.ws_col;
	h.xpixel = tty->winsize.ws_xpixel;
	h.ypixel = tty->winsize.ws_ypixel;
	mutex_unlock(&tty->winsize_mutex);

	if (in_front(ctx, pgrp))
		h.flags = CKPT_TTY_IN_FRONT;
	ret = session ? ckpt_pid_slot(ctx, session) : -ENOENT;
	if (ret >= 0)
		h.session = ret + 1;
	ret = pgrp ? ckpt_pid_slot(ctx, pgrp) : -ENOENT;
	if (ret >= 0) {
		h.pgrp = ret + 1;
	} else if (pgrp && h.session &&
		   ckpt_obj_collected(ctx, pgrp, CKPT_OBJ_DEAD_PID)) {
		ret = ckpt_obj_checkpoint(ctx, pgrp, CKPT_OBJ_DEAD_PID);
		h.dead_pgrp = ret;
	}
	put_pid(session);
	put_pid(pgrp);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_TTY, sizeof(h));
}

/**
 * ckpt_tty_write - write the settings of a terminal that is external
 * @ctx: the context
 * @file: a file that is open on it
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_tty_write(struct ckpt_ctx *ctx, struct file *file)
{
	return write_tty(ctx, ckpt_file_tty(file));
}

/* Put aside whom a terminal is to control, and what a given one is to be. */
static int put_aside(struct ckpt_ctx *ctx, struct file *file, bool given,
		     const struct ckpt_hdr_tty *h)
{
	struct pid *session = NULL, *pgrp = NULL;
	struct ckpt_tty *t;

	if ((h->flags & ~CKPT_TTY_IN_FRONT) || h->termios.line >= NR_LDISCS ||
	    memchr_inv(h->termios.reserved, 0, sizeof(h->termios.reserved)) ||
	    memchr_inv(h->locked.reserved, 0, sizeof(h->locked.reserved)) ||
	    (h->pgrp && h->dead_pgrp) || (h->dead_pgrp && !h->session))
		return ckpt_err(ctx, -EINVAL, "image: terminal of session %u, group %u, with line discipline %u",
				h->session, h->pgrp, h->termios.line);
	if (h->session)
		session = ckpt_slot_pid(ctx, h->session - 1);
	if (h->pgrp)
		pgrp = ckpt_slot_pid(ctx, h->pgrp - 1);
	else if (h->dead_pgrp)
		pgrp = ckpt_obj_fetch(ctx, h->dead_pgrp, CKPT_OBJ_DEAD_PID);
	if (IS_ERR(session) || IS_ERR(pgrp))
		return -EINVAL;
	t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	if (!t)
		return -ENOMEM;
	t->file = get_file(file);
	t->given = given;
	t->h = *h;
	t->session = get_pid(session);
	t->pgrp = get_pid(pgrp);
	t->next = ctx->ttys;
	ctx->ttys = t;
	return 0;
}

/**
 * ckpt_tty_restore - read the settings of a terminal that is external
 * @ctx: the context
 * @file: what was given for it
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported: -EINVAL for a malformed record,
 * -ENOMEM.
 */
int ckpt_tty_restore(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_hdr_tty h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TTY, sizeof(h));
	return err ?: put_aside(ctx, file, true, &h);
}

static void set_termios(struct tty_struct *tty, const struct ckpt_hdr_tty *h)
{
	struct ktermios t;

	load_termios(&h->termios, &t);
	tty_set_termios(tty, &t);
}

static void signal_foreground(struct tty_struct *tty, int sig)
{
	struct pid *pgrp = tty_get_pgrp(tty);

	if (pgrp)
		kill_pgrp(pgrp, sig, 1);
	put_pid(pgrp);
}

/*
 * How programs see a terminal is the job's, how it is connected is not. Nor is
 * its size, unless nobody knows it: then the job is told that it is another one.
 */
static void set_given(struct tty_struct *tty, const struct ckpt_hdr_tty *h)
{
	struct winsize size = {
		.ws_row = h->row, .ws_col = h->col,
		.ws_xpixel = h->xpixel, .ws_ypixel = h->ypixel,
	};
	struct ktermios t, now;
	bool known, same;

	down_read(&tty->termios_rwsem);
	now = tty->termios;
	up_read(&tty->termios_rwsem);
	load_termios(&h->termios, &t);
	t.c_cflag = now.c_cflag;
	t.c_ispeed = now.c_ispeed;
	t.c_ospeed = now.c_ospeed;
	t.c_line = now.c_line;
	tty_set_termios(tty, &t);

	mutex_lock(&tty->winsize_mutex);
	known = tty->winsize.ws_row && tty->winsize.ws_col;
	same = !memcmp(&tty->winsize, &size, sizeof(size));
	mutex_unlock(&tty->winsize_mutex);
	if (!known)
		tty_do_resize(tty, &size);
	else if (!same)
		signal_foreground(tty, SIGWINCH);
}

/* Does the leader of @session have @tty? Or nobody would ever let go of it. */
static bool leader_has(struct pid *session, struct tty_struct *tty)
{
	struct task_struct *leader;
	bool ret;

	read_lock(&tasklist_lock);
	leader = pid_task(session, PIDTYPE_TGID);
	ret = leader && READ_ONCE(leader->signal->tty) == tty;
	read_unlock(&tasklist_lock);
	return ret;
}

static void set_ctrl(struct tty_struct *tty, struct pid *session,
		     struct pid *pgrp)
{
	tty_lock(tty);
	spin_lock_irq(&tty->ctrl.lock);
	if (!tty->ctrl.session) {
		put_pid(tty->ctrl.pgrp);
		tty->ctrl.session = get_pid(session);
		tty->ctrl.pgrp = get_pid(pgrp);
	}
	spin_unlock_irq(&tty->ctrl.lock);
	tty_unlock(tty);
}

/* Would the caller be stopped if it used @tty? */
static bool in_background(struct ckpt_ctx *ctx, struct tty_struct *tty)
{
	struct pid *pgrp = tty_get_pgrp(tty);
	bool ret;

	rcu_read_lock();
	ret = READ_ONCE(ctx->caller->signal->tty) == tty &&
	      pgrp != task_pgrp(ctx->caller);
	rcu_read_unlock();
	put_pid(pgrp);
	return ret;
}

/*
 * A process group of the tree was in the foreground of the session that it is
 * in, as it is now in that of the caller: as the caller is it, too.
 */
static void set_foreground(struct ckpt_ctx *ctx, struct tty_struct *tty,
			   struct pid *pgrp)
{
	struct task_struct *p;

	rcu_read_lock();
	p = pid_task(pgrp, PIDTYPE_PGID);
	spin_lock_irq(&tty->ctrl.lock);
	if (p && tty->ctrl.session &&
	    tty->ctrl.session == task_session(ctx->caller) &&
	    tty->ctrl.session == task_session(p) &&
	    tty->ctrl.pgrp == task_pgrp(ctx->caller)) {
		put_pid(tty->ctrl.pgrp);
		tty->ctrl.pgrp = get_pid(pgrp);
	}
	spin_unlock_irq(&tty->ctrl.lock);
	rcu_read_unlock();
}

/**
 * ckpt_ttys_commit - the tree is about to run: set what was put aside
 * @ctx: the context of a restart
 *
 * Context: the caller of restart, may sleep.
 */
void ckpt_ttys_commit(struct ckpt_ctx *ctx)
{
	struct tty_struct *tty;
	struct ckpt_tty *t;
	bool set;

	for (t = ctx->ttys; t; t = t->next) {
		tty = ckpt_file_tty(t->file);
		/* what was given may be anything */
		if (!tty || (t->given && tty->driver->subtype == PTY_TYPE_MASTER &&
			     tty->driver->type == TTY_DRIVER_TYPE_PTY))
			continue;
		if (tty->driver == ptm_driver)
			tty = tty->link;
		set = t->given && (t->h.flags & CKPT_TTY_IN_FRONT) &&
		      !tty_hung_up_p(t->file) && !in_background(ctx, tty);
		if (!t->session || (ctx->uflags & RESTART_TASKSELF)) {
			if (set && t->pgrp)
				set_foreground(ctx, tty, t->pgrp);
		} else if (!tty_hung_up_p(t->file) &&
			   leader_has(t->session, tty)) {
			set_ctrl(tty, t->session, t->pgrp);
		}
		if (set)
			set_given(tty, &t->h);
	}
	ckpt_ttys_free(ctx);
}

/**
 * ckpt_ttys_free - drop what was put aside
 * @ctx: the context
 *
 * Context: process context, may sleep.
 */
void ckpt_ttys_free(struct ckpt_ctx *ctx)
{
	struct ckpt_tty *t;

	while (ctx->ttys) {
		t = ctx->ttys;
		ctx->ttys = t->next;
		fput(t->file);
		put_pid(t->session);
		put_pid(t->pgrp);
		kfree(t);
	}
}

/* -------------------------------------------------------- masters, saved */

/**
 * ckpt_ptm_write - write the number of a terminal, and its node
 * @ctx: the context
 * @file: its master
 *
 * Context: process context, may sleep.
 * Return: 0, -EOVERFLOW for an owner that has no id in the user namespace of
 * the caller, reported, or the errno of the write.
 */
int ckpt_ptm_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct tty_struct *master = ckpt_file_tty(file);
	struct dentry *dentry = master->link->driver_data;
	struct inode *inode = d_inode(dentry);
	struct ckpt_hdr_ptm h = {
		.index = master->index,
		.mode = inode->i_mode & S_IALLUGO,
		.uid = from_kuid(current_user_ns(), inode->i_uid),
		.gid = from_kgid(current_user_ns(), inode->i_gid),
	};
	struct timespec64 ts;

	if (h.uid == (uid_t)-1 || h.gid == (gid_t)-1)
		return ckpt_err(ctx, -EOVERFLOW, "terminal %d: its owner has no id in the user namespace",
				master->index);
	ts = inode_get_atime(inode);
	h.atime_ns = timespec64_to_ns(&ts);
	ts = inode_get_mtime(inode);
	h.mtime_ns = timespec64_to_ns(&ts);
	ts = inode_get_ctime(inode);
	h.ctime_ns = timespec64_to_ns(&ts);
	return ckpt_write_rec(ctx, &h, CKPT_HDR_PTM, sizeof(h));
}

/* What is on its way to @tty, and is not read by its line discipline */
static int save_flip(struct tty_struct *tty, struct ckpt_hdr_tty_end *h,
		     u8 *to)
{
	struct tty_bufhead *buf = &tty->port->buf;
	struct tty_buffer *b;
	unsigned int n;
	int err = 0;

	mutex_lock(&buf->lock);
	/* pairs with __tty_buffer_request_room() */
	for (b = buf->head; b; b = smp_load_acquire(&b->next)) {
		/* pairs with tty_flip_buffer_commit() */
		n = smp_load_acquire(&b->commit) - b->read;
		if (n > CKPT_TTY_FLIP_MAX - h->flip) {
			err = -E2BIG;
			break;
		}
		memcpy(to + h->flip, char_buf_ptr(b, b->read), n);
		h->flip += n;
	}
	mutex_unlock(&buf->lock);
	h->lookahead = min(h->lookahead, h->flip);
	return err;
}

static void save_flags(struct tty_struct *tty, struct ckpt_hdr_tty_end *h)
{
	if (tty->driver == ptm_driver && test_bit(TTY_PTY_LOCK, &tty->flags))
		h->flags |= CKPT_TTY_LOCKED;
	if (test_bit(TTY_EXCLUSIVE, &tty->flags))
		h->flags |= CKPT_TTY_EXCLUSIVE;
	if (test_bit(TTY_IO_ERROR, &tty->flags))
		h->flags |= CKPT_TTY_IO_ERROR;
	if (test_bit(TTY_OTHER_CLOSED, &tty->flags))
		h->flags |= CKPT_TTY_OTHER_CLOSED;
	if (test_bit(TTY_HUPPED, &tty->flags))
		h->flags |= CKPT_TTY_HUNG_UP;
	spin_lock_irq(&tty->flow.lock);
	if (tty->flow.stopped)
		h->flags |= CKPT_TTY_STOPPED;
	if (tty->flow.tco_stopped)
		h->flags |= CKPT_TTY_TCO_STOPPED;
	spin_unlock_irq(&tty->flow.lock);
	spin_lock_irq(&tty->ctrl.lock);
	if (tty->driver == ptm_driver && tty->ctrl.packet)
		h->flags |= CKPT_TTY_PACKET;
	h->pktstatus = tty->ctrl.pktstatus;
	spin_unlock_irq(&tty->ctrl.lock);
}

static int write_end(struct ckpt_ctx *ctx, struct tty_struct *tty)
{
	struct ckpt_hdr_tty_end h = {};
	struct tty_ldisc *ld;
	size_t len = 0;
	int err = 0;
	u8 *buf;

	buf = kvzalloc(CKPT_N_TTY_MAX + CKPT_TTY_FLIP_MAX, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	save_flags(tty, &h);
	ld = tty_ldisc_ref_wait(tty);
	if (ld) {
		if (ld->ops->num == N_TTY)
			len = ckpt_n_tty_save(tty, &h, buf);
		else
			err = ckpt_err(ctx, -EBUSY, "terminal %d got another line discipline meanwhile, try again",
				       tty->index);
		tty_ldisc_deref(ld);
	}
	if (!err)
		err = save_flip(tty, &h, buf + len);
	if (!err)
		err = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_TTY_END, sizeof(h),
					  buf, len + h.flip);
	kvfree_sensitive(buf, CKPT_N_TTY_MAX + CKPT_TTY_FLIP_MAX);
	return err;
}

/**
 * ckpt_ptm_late_write - write what is in a terminal
 * @ctx: the context
 * @file: its master
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, or the errno of the write.
 */
int ckpt_ptm_late_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct tty_struct *master = ckpt_file_tty(file);
	int err;

	err = write_tty(ctx, master->link);
	if (!err)
		err = write_end(ctx, master);
	return err ?: write_end(ctx, master->link);
}

/* ----------------------------------------------------- masters, restored */

/* Give a new terminal, that nobody knows of so far, another number. */
static int renumber(struct tty_struct *master, int index)
{
	struct tty_struct *slave = master->link;
	struct pts_fs_info *fsi = master->driver_data;
	int err, old = master->index;
	struct dentry *dentry;

	if (index == old)
		return 0;
	err = ckpt_devpts_take_index(fsi, index);
	if (err)
		return err;
	dentry = devpts_pty_new(fsi, index, slave);
	if (IS_ERR(dentry)) {
		devpts_kill_index(fsi, index);
		return PTR_ERR(dentry);
	}
	tty_lock(master);
	tty_lock_slave(slave);
	mutex_lock(&devpts_mutex);
	devpts_pty_kill(slave->driver_data);
	slave->driver_data = dentry;
	mutex_unlock(&devpts_mutex);
	master->index = index;
	slave->index = index;
	snprintf(master->name, sizeof(master->name), "%s%d", ptm_driver->name,
		 index);
	snprintf(slave->name, sizeof(slave->name), "%s%d", pts_driver->name,
		 index);
	tty_unlock_slave(slave);
	tty_unlock(master);
	devpts_kill_index(fsi, old);
	return 0;
}

/* As chown(2) and chmod(2) would do it to what is the caller's */
static int restore_node(struct dentry *dentry, const struct ckpt_hdr_ptm *h)
{
	struct inode *inode = d_inode(dentry);
	struct user_namespace *user_ns = current_user_ns();
	kuid_t uid = make_kuid(user_ns, h->uid);
	kgid_t gid = make_kgid(user_ns, h->gid);
	struct iattr attr = {};
	int err = 0;

	if (!uid_valid(uid) || !gid_valid(gid))
		return -EINVAL;
	inode_lock(inode);
	if (!uid_eq(uid, inode->i_uid) || !gid_eq(gid, inode->i_gid)) {
		attr.ia_valid = ATTR_UID | ATTR_GID;
		attr.ia_vfsuid = VFSUIDT_INIT(uid);
		attr.ia_vfsgid = VFSGIDT_INIT(gid);
	}
	if (h->mode != (inode->i_mode & S_IALLUGO)) {
		attr.ia_valid |= ATTR_MODE;
		attr.ia_mode = S_IFCHR | h->mode;
	}
	if (attr.ia_valid)
		err = notify_change(&nop_mnt_idmap, dentry, &attr, NULL);
	inode_set_atime_to_ts(inode, ns_to_timespec64(h->atime_ns));
	inode_set_mtime_to_ts(inode, ns_to_timespec64(h->mtime_ns));
	inode_set_ctime_to_ts(inode, ns_to_timespec64(h->ctime_ns));
	inode_unlock(inode);
	return err;
}

/**
 * ckpt_ptm_restore - make a terminal
 * @ctx: the context
 * @h: the record of the open file of its master
 * @name: path of the ptmx that it was opened by
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR, reported: -EINVAL for a malformed record,
 * -EEXIST if its number is in use, -EPERM for an owner that the caller may not
 * give it, the errno of the open.
 */
struct file *ckpt_ptm_restore(struct ckpt_ctx *ctx,
			      const struct ckpt_hdr_file *h, const char *name)
{
	struct tty_struct *master;
	struct ckpt_hdr_ptm ptm;
	struct file *file;
	int err;

	err = ckpt_read_rec_into(ctx, &ptm, CKPT_HDR_PTM, sizeof(ptm));
	if (err)
		return ERR_PTR(err);
	if (ptm.index >= NR_UNIX98_PTY_MAX || (ptm.mode & ~S_IALLUGO))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: terminal %u with mode %o",
					ptm.index, ptm.mode));
	file = ckpt_file_open(ctx, h, name, (h->f_flags & ~FASYNC) | O_NOCTTY);
	if (IS_ERR(file))
		return file;
	master = ckpt_file_tty(file);
	err = renumber(master, ptm.index);
	if (err == -EEXIST)
		ckpt_err(ctx, err, "'%s': terminal %u is in use here", name,
			 ptm.index);
	if (!err)
		err = restore_node(master->link->driver_data, &ptm);
	if (err) {
		fput(file);
		return ERR_PTR(ckpt_err(ctx, err, "'%s': terminal %u cannot be made: error %d",
					name, ptm.index, err));
	}
	/* it is locked again when its files are open */
	clear_bit(TTY_PTY_LOCK, &master->flags);
	return file;
}

static int restore_flip(struct tty_struct *tty,
			const struct ckpt_hdr_tty_end *h, const u8 *data)
{
	struct tty_bufhead *buf = &tty->port->buf;
	unsigned int n, left = h->lookahead;
	struct tty_buffer *b;
	unsigned long flags;

	if (!h->flip)
		return 0;
	mutex_lock(&buf->lock);
	spin_lock_irqsave(&tty->port->lock, flags);
	/* it was there in pieces of other sizes */
	buf->mem_limit += CKPT_TTY_FLIP_MAX;
	n = tty_insert_flip_string(tty->port, data, h->flip);
	buf->mem_limit -= CKPT_TTY_FLIP_MAX;
	/* pairs with save_flip(), flush_to_ldisc() */
	smp_store_release(&buf->tail->commit, buf->tail->used);
	spin_unlock_irqrestore(&tty->port->lock, flags);
	for (b = buf->head; b; b = b->next) {
		b->lookahead = b->read + min(left, b->commit - b->read);
		left -= b->lookahead - b->read;
	}
	mutex_unlock(&buf->lock);
	return n == h->flip ? 0 : -ENOMEM;
}

static void restore_flags(struct tty_struct *tty,
			  const struct ckpt_hdr_tty_end *h)
{
	if (tty->driver == ptm_driver)
		assign_bit(TTY_PTY_LOCK, &tty->flags,
			   h->flags & CKPT_TTY_LOCKED);
	assign_bit(TTY_EXCLUSIVE, &tty->flags, h->flags & CKPT_TTY_EXCLUSIVE);
	assign_bit(TTY_IO_ERROR, &tty->flags, h->flags & CKPT_TTY_IO_ERROR);
	assign_bit(TTY_OTHER_CLOSED, &tty->flags,
		   h->flags & CKPT_TTY_OTHER_CLOSED);
	spin_lock_irq(&tty->flow.lock);
	tty->flow.stopped = !!(h->flags & CKPT_TTY_STOPPED);
	tty->flow.tco_stopped = !!(h->flags & CKPT_TTY_TCO_STOPPED);
	spin_unlock_irq(&tty->flow.lock);
	spin_lock_irq(&tty->ctrl.lock);
	tty->ctrl.packet = !!(h->flags & CKPT_TTY_PACKET);
	tty->ctrl.pktstatus = h->pktstatus;
	spin_unlock_irq(&tty->ctrl.lock);
}

static bool end_ok(const struct tty_struct *tty,
		   const struct ckpt_hdr_tty_end *h)
{
	bool master = tty->driver == ptm_driver;
	u64 len;

	if ((h->flags & ~CKPT_TTY_ALL) || h->pktstatus > U8_MAX ||
	    (h->flags & (master ? CKPT_TTY_HUNG_UP : CKPT_TTY_MASTER_FLAGS)) ||
	    (master && h->pktstatus))
		return false;
	if (h->read > CKPT_TTY_READ_MAX || h->canon > h->read ||
	    h->commit > h->read || h->echo > CKPT_TTY_READ_MAX ||
	    h->echo_commit > h->echo || h->echo_mark > h->echo ||
	    h->flip > CKPT_TTY_FLIP_MAX || h->lookahead > h->flip)
		return false;
	if ((h->flags & CKPT_TTY_HUNG_UP) &&
	    (h->read || h->echo || (h->flags & CKPT_TTY_LDISC_FLAGS)))
		return false;
	len = sizeof(*h) + h->read + DIV_ROUND_UP(h->read, 8) + h->echo + h->flip;
	return round_up(len, 8) == h->h.len;
}

static int read_end(struct ckpt_ctx *ctx, struct tty_struct *tty)
{
	struct ckpt_hdr_tty_end *h;
	struct tty_ldisc *ld;
	int err = -EINVAL;
	size_t n;

	BUILD_BUG_ON(CKPT_TTY_READ_MAX != N_TTY_BUF_SIZE);

	h = ckpt_read_rec(ctx, CKPT_HDR_TTY_END, sizeof(*h), sizeof(*h) +
			  CKPT_N_TTY_MAX + CKPT_TTY_FLIP_MAX);
	if (IS_ERR(h))
		return PTR_ERR(h);
	if (!end_ok(tty, h)) {
		ckpt_err(ctx, err, "image: terminal %d with flags %#x, %u bytes of input, %u of echo, %u that wait",
			 tty->index, h->flags, h->read, h->echo, h->flip);
		goto out;
	}
	if (h->flags & CKPT_TTY_HUNG_UP)
		tty_vhangup(tty);
	ld = tty_ldisc_ref_wait(tty);
	err = 0;
	if (ld) {
		/* somebody else may have opened it */
		if (ld->ops->num == N_TTY)
			ckpt_n_tty_restore(tty, h, h->data);
		else
			err = ckpt_err(ctx, -EBUSY, "terminal %d got another line discipline meanwhile",
				       tty->index);
		tty_ldisc_deref(ld);
	}
	if (err)
		goto out;
	n = h->read + DIV_ROUND_UP(h->read, 8) + h->echo;
	err = restore_flip(tty, h, h->data + n);
	restore_flags(tty, h);
out:
	kvfree_sensitive(h, h->h.len);
	return err;
}

/**
 * ckpt_ptm_late_restore - read what is in a terminal
 * @ctx: the context
 * @file: its master
 *
 * Context: a restored task, may sleep.
 * Return: 0, or a negative errno, reported: -EINVAL for a malformed record,
 * -EPERM for settings that the caller may not lock, -ENOMEM.
 */
int ckpt_ptm_late_restore(struct ckpt_ctx *ctx, struct file *file)
{
	struct tty_struct *master = ckpt_file_tty(file), *slave = master->link;
	struct ckpt_hdr_tty h;
	bool locked;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TTY, sizeof(h));
	if (!err)
		err = put_aside(ctx, file, false, &h);
	if (err)
		return err;
	/* as ioctl(TIOCSLCKTRMIOS) */
	locked = memchr_inv(&h.locked, 0, sizeof(h.locked));
	if (locked && !checkpoint_restore_ns_capable(&init_user_ns))
		return ckpt_err(ctx, -EPERM, "terminal with locked settings: no CAP_CHECKPOINT_RESTORE in the initial user namespace");
	set_termios(slave, &h);
	mutex_lock(&slave->winsize_mutex);
	slave->winsize = (struct winsize) {
		.ws_row = h.row, .ws_col = h.col,
		.ws_xpixel = h.xpixel, .ws_ypixel = h.ypixel,
	};
	mutex_unlock(&slave->winsize_mutex);
	err = read_end(ctx, master);
	if (!err)
		err = read_end(ctx, slave);
	if (err)
		return err;
	/* a hangup has reset them */
	if (test_bit(TTY_HUPPED, &slave->flags))
		set_termios(slave, &h);
	down_write(&slave->termios_rwsem);
	load_termios(&h.locked, &slave->termios_locked);
	up_write(&slave->termios_rwsem);
	return 0;
}

/**
 * ckpt_ptm_commit - the tree is about to run: let what waits arrive
 * @file: master of a terminal
 */
void ckpt_ptm_commit(struct file *file)
{
	struct tty_struct *master = ckpt_file_tty(file);

	tty_buffer_restart_work(master->port);
	tty_buffer_restart_work(master->link->port);
}

/* ---------------------------------------------------------- other ends */

/**
 * ckpt_pts_checkpoint - write the master of a terminal
 * @ctx: the context
 * @file: a file that is open on the other end
 * @h: its record, to be completed
 *
 * Context: process context, may sleep.
 * Return: 0 or the errno of the write.
 */
int ckpt_pts_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			struct ckpt_hdr_file *h)
{
	struct file *master = master_file(ckpt_file_tty(file)->link);
	int ref;

	if (!master)
		return ckpt_err(ctx, -EBUSY, "a terminal was closed meanwhile, try again");
	ref = ckpt_obj_checkpoint(ctx, master, CKPT_OBJ_FILE);
	if (ref < 0)
		return ref;
	h->inner = ref;
	if (tty_hung_up_p(file))
		h->flags |= CKPT_FILEF_HUNG_UP;
	return 0;
}

/* Open /dev/tty as if @tty were the controlling terminal of current. */
static struct file *open_ctty(const struct path *path, int flags,
			      struct tty_struct *tty)
{
	struct signal_struct *sig = current->signal;
	struct tty_struct *old;
	struct file *file;

	tty_kref_get(tty);
	spin_lock_irq(&current->sighand->siglock);
	old = sig->tty;
	sig->tty = tty;
	spin_unlock_irq(&current->sighand->siglock);
	file = dentry_open(path, flags, current_cred());
	spin_lock_irq(&current->sighand->siglock);
	/* a hangup may have taken it */
	if (sig->tty == tty)
		sig->tty = old;
	else
		tty = old;
	spin_unlock_irq(&current->sighand->siglock);
	tty_kref_put(tty);
	return file;
}

/**
 * ckpt_pts_restore - open the other end of a terminal
 * @ctx: the context
 * @h: the record of the file
 * @name: its path, that of the node or of /dev/tty
 *
 * Whoever has the master may open it, whatever the mode of its node is, as
 * TIOCGPTPEER does.
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR, reported: -EINVAL for a malformed record,
 * -ESTALE if something else is at its path, the errno of the open.
 */
struct file *ckpt_pts_restore(struct ckpt_ctx *ctx,
			      const struct ckpt_hdr_file *h, const char *name)
{
	int flags = (h->f_flags & ~FASYNC) | O_NOCTTY, err;
	struct file *file, *master;
	struct tty_struct *tty;
	struct inode *inode;
	struct path path;

	master = ckpt_obj_fetch(ctx, h->inner, CKPT_OBJ_FILE);
	if (IS_ERR(master))
		return master;
	if (!ckpt_ptm_match(master) || (h->f_flags & (O_PATH | O_DIRECTORY)))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: '%s' is no end of a terminal",
					name));
	tty = ckpt_file_tty(master)->link;
	err = ckpt_path_lookup(ctx, h->mnt,
			       name + strlen(ckpt_mnt_name(ctx, h->mnt)),
			       LOOKUP_FOLLOW, &path);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "'%s': cannot be found: error %d",
					name, err));
	inode = d_backing_inode(path.dentry);
	if (path.dentry == tty->driver_data)
		file = dentry_open(&path, flags, current_cred());
	else if (S_ISCHR(inode->i_mode) &&
		 inode->i_rdev == MKDEV(TTYAUX_MAJOR, 0))
		file = open_ctty(&path, flags, tty);
	else
		file = ERR_PTR(-ESTALE);
	path_put(&path);
	if (IS_ERR(file))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(file), "'%s': cannot be opened as terminal %d: error %ld",
					name, tty->index, PTR_ERR(file)));
	if (h->flags & CKPT_FILEF_HUNG_UP)
		ckpt_tty_hang_up_file(file);
	return file;
}

/* Where files are that were open at a hangup, of whichever terminal */
static struct vfsmount *hung_up_mnt;

static int __init ckpt_hung_up_init(void)
{
	struct file_system_type *type = get_fs_type("devpts");

	hung_up_mnt = type ? kern_mount(type) : ERR_PTR(-ENODEV);
	if (type)
		put_filesystem(type);
	if (!IS_ERR(hung_up_mnt))
		ckpt_devpts_no_reserve(hung_up_mnt->mnt_sb);
	return PTR_ERR_OR_ZERO(hung_up_mnt);
}
late_initcall(ckpt_hung_up_init);

/**
 * ckpt_hung_up_restore - make a file that is as any is after a hangup
 * @ctx: the context
 * @h: the record of the file
 * @name: what /proc/PID/fd/N showed, not used
 *
 * It was open on a terminal that is gone, and with which it has nothing in
 * common any more: it gets one of its own, which is hung up.
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR: -EINVAL, reported, for a malformed record, the
 * errno of the open.
 */
struct file *ckpt_hung_up_restore(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h,
				  const char *name)
{
	struct path path = { .mnt = hung_up_mnt };
	struct file *file, *master;
	struct tty_struct *tty;

	if (h->f_flags & (O_PATH | O_DIRECTORY | FASYNC))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: terminal that was hung up, with flags %#x",
					h->f_flags));
	if (IS_ERR(hung_up_mnt))
		return ERR_CAST(hung_up_mnt);
	path.dentry = ckpt_devpts_ptmx(path.mnt->mnt_sb);
	master = dentry_open(&path, O_RDWR | O_NOCTTY, current_cred());
	file = master;
	if (!IS_ERR(master)) {
		tty = ckpt_file_tty(master);
		clear_bit(TTY_PTY_LOCK, &tty->flags);
		path.dentry = tty->link->driver_data;
		file = dentry_open(&path, h->f_flags | O_NOCTTY,
				   current_cred());
		__fput_sync(master);
	}
	return file;
}

/* ------------------------------------------------- controlling terminals */

/* An open file that the image has of @tty, or of its master; borrowed */
static struct file *file_of(struct ckpt_ctx *ctx, struct tty_struct *tty)
{
	struct tty_struct *master = master_of(tty);
	struct tty_file_private *priv;
	struct file *file = NULL;

	if (master && pair_inside(ctx, master))
		return master_file(master);
	spin_lock(&tty->files_lock);
	list_for_each_entry(priv, &tty->tty_files, list)
		if ((ckpt_obj_mark(ctx, priv->file, CKPT_OBJ_FILE, 0) &
		     CKPT_FILE_MARK_FD) && !tty_hung_up_p(priv->file))
			file = priv->file;
	spin_unlock(&tty->files_lock);
	return file;
}

static int save_ctty(struct ckpt_ctx *ctx, struct tty_struct *tty,
		     struct ckpt_hdr_task_jobctl *h)
{
	struct file *file;
	int ref;

	h->flags |= CKPT_JOBCTL_TTY;
	/* that of a session outside of the tree is the shell's own */
	if (!session_inside(ctx, tty))
		return 0;
	file = file_of(ctx, tty);
	if (!file)
		return ckpt_err(ctx, -ENOSYS, "its controlling terminal is not open in the tree: not supported");
	ref = ckpt_obj_checkpoint(ctx, file, CKPT_OBJ_FILE);
	if (ref < 0)
		return ref;
	h->tty = ref;
	return 0;
}

/**
 * ckpt_ctty_checkpoint - save which terminal controls a process
 * @ctx: the context
 * @t: its group leader
 * @h: the record of its job control, to be completed
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOSYS, reported, or the errno of the write.
 */
int ckpt_ctty_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t,
			 struct ckpt_hdr_task_jobctl *h)
{
	/* it is kept from leaving by the core */
	struct sighand_struct *sighand =
		rcu_dereference_protected(t->sighand, true);
	struct tty_struct *tty;
	struct pid *old;
	int ret;

	spin_lock_irq(&sighand->siglock);
	tty = tty_kref_get(t->signal->tty);
	old = get_pid(t->signal->tty_old_pgrp);
	spin_unlock_irq(&sighand->siglock);
	/* nobody has to be told in a process group that is empty */
	ret = old ? ckpt_pid_slot(ctx, old) : -ENOENT;
	if (ret >= 0)
		h->old_pgrp = ret + 1;
	ret = tty ? save_ctty(ctx, tty, h) : 0;
	put_pid(old);
	tty_kref_put(tty);
	return ret;
}

/**
 * ckpt_ctty_restore - give current the terminal that controls it
 * @ctx: the context
 * @file: an open file of the terminal or of its master, or NULL for none
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported: -EINVAL for a file that is no
 * terminal, -EPERM for one that controls another session, or that the caller
 * may not have as a controlling terminal.
 */
int ckpt_ctty_restore(struct ckpt_ctx *ctx, struct file *file)
{
	struct tty_struct *tty = file ? ckpt_file_tty(file) : NULL, *old;
	struct pid *session;

	if (file && !tty)
		return ckpt_err(ctx, -EINVAL, "what was given for its controlling terminal is no terminal");
	if (tty && tty->driver->type == TTY_DRIVER_TYPE_PTY &&
	    tty->driver->subtype == PTY_TYPE_MASTER)
		tty = tty->link;
	if (tty) {
		session = get_session(tty);
		put_pid(session);
		if (session)
			return ckpt_err(ctx, -EPERM, "the terminal that was given for its controlling terminal controls another session");
		/* as tiocsctty() */
		if (!(file->f_mode & FMODE_READ) && !capable(CAP_SYS_ADMIN))
			return ckpt_err(ctx, -EPERM, "the terminal that was given for its controlling terminal is not open for reading");
	}
	tty_kref_get(tty);
	spin_lock_irq(&current->sighand->siglock);
	old = current->signal->tty;
	current->signal->tty = tty;
	spin_unlock_irq(&current->sighand->siglock);
	tty_kref_put(old);
	return 0;
}

/**
 * ckpt_ctty_commit - let go of a terminal that does not control the session
 *
 * Whoever was first may have it, and an image may say what it likes; the kernel
 * takes a terminal away from those alone whose session it controls.
 *
 * Context: a restored task that is about to run, under siglock.
 */
void ckpt_ctty_commit(void)
{
	struct signal_struct *sig = current->signal;
	struct tty_struct *tty = sig->tty;
	bool lost;

	if (!tty)
		return;
	rcu_read_lock();
	spin_lock(&tty->ctrl.lock);
	lost = tty->ctrl.session != task_session(current);
	spin_unlock(&tty->ctrl.lock);
	rcu_read_unlock();
	if (lost) {
		sig->tty = NULL;
		tty_kref_put(tty);
	}
}
