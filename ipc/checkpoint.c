// SPDX-License-Identifier: GPL-2.0
/*
 * The ipc namespace: its limits, the identifiers of System V objects and what
 * they have in common, and what a task has of System V IPC.
 */

#include <linux/checkpoint_types.h>
#include <linux/cred.h>
#include <linux/ipc.h>
#include <linux/ipc_namespace.h>
#include <linux/msg.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>
#include <linux/sem.h>
#include <linux/shm.h>
#include <linux/user_namespace.h>

#include "checkpoint.h"
#include "util.h"

static const struct ckpt_ipc_kind *const ipc_kinds[] = {
	[IPC_SEM_IDS]	= &ckpt_ipc_sem_kind,
	[IPC_MSG_IDS]	= &ckpt_ipc_msg_kind,
	[IPC_SHM_IDS]	= &ckpt_ipc_shm_kind,
};

static_assert(CKPT_IPC_SEM == IPC_SEM_IDS && CKPT_IPC_MSG == IPC_MSG_IDS &&
	      CKPT_IPC_SHM == IPC_SHM_IDS);

/* ----------------------------------------------------- who did it last */

/**
 * ckpt_ipc_changed - somebody entered the namespace while it was being read
 * @ctx: the context
 * @what: what is not what it was
 *
 * Return: -EBUSY, reported.
 */
int ckpt_ipc_changed(struct ckpt_ctx *ctx, const char *what)
{
	return ckpt_err(ctx, -EBUSY, "ipc namespace: its %s changed meanwhile, try again",
			what);
}

/**
 * ckpt_ipc_save_pid - name who did something last
 * @ctx: the context
 * @pid: who, or NULL
 * @p: filled in
 *
 * Context: any; @pid must stay.
 */
void ckpt_ipc_save_pid(struct ckpt_ctx *ctx, struct pid *pid,
		       struct ckpt_ipc_pid *p)
{
	struct pid_namespace *ns;
	int slot;

	if (!pid)
		return;
	slot = ckpt_pid_slot(ctx, pid);
	if (slot >= 0) {
		p->slot = slot + 1;
		return;
	}
	rcu_read_lock();
	ns = task_active_pid_ns(ctx->root_task);
	if (ns)
		p->nr = pid_nr_ns(pid, ns);
	rcu_read_unlock();
}

/*
 * A pid that is nobody's: it keeps its numbers, which others may get. If
 * another has it already, that one is as good.
 */
static struct pid *gone_pid(struct pid_namespace *ns, pid_t nr)
{
	struct pid *pid;

	rcu_read_lock();
	pid = get_pid(find_pid_ns(nr, ns));
	rcu_read_unlock();
	if (pid)
		return pid;
	pid = alloc_pid(ns, &nr, 1);
	if (!IS_ERR(pid)) {
		get_pid(pid);
		free_pid(pid);
	}
	return pid;
}

/**
 * ckpt_ipc_restore_pid - who did something last
 * @ctx: the context
 * @p: from the image, not checked yet
 * @pid: where to put it; what is there is replaced
 *
 * Context: the restoring task, may sleep.
 * Return: 0, -EINVAL for a slot or a number that cannot be, -EPERM, -ENOMEM.
 */
int ckpt_ipc_restore_pid(struct ckpt_ctx *ctx, const struct ckpt_ipc_pid *p,
			 struct pid **pid)
{
	/* RESTART_TASKSELF makes no root */
	struct task_struct *root = ctx->root_task ?: current;
	struct pid *new = NULL;

	if (p->slot) {
		new = ckpt_slot_pid(ctx, p->slot - 1);
		if (IS_ERR(new))
			return PTR_ERR(new);
		get_pid(new);
	} else if (p->nr) {
		if (p->nr > PID_MAX_LIMIT)
			return ckpt_err(ctx, -EINVAL, "image: ipc namespace: process %u",
					p->nr);
		new = gone_pid(task_active_pid_ns(root), p->nr);
		if (IS_ERR(new))
			return ckpt_err(ctx, PTR_ERR(new), "ipc namespace: pid %u of a process that is gone: error %ld",
					p->nr, PTR_ERR(new));
	}
	ipc_update_pid(pid, new);
	put_pid(new);
	return 0;
}

/* ------------------------------------------------- identity and owner */

/**
 * ckpt_ipc_save_perm - save identity and owner of a System V object
 * @ctx: the context
 * @perm: of the object, referenced
 * @p: filled in
 *
 * Context: process context.
 * Return: 0, or -ENOSYS, reported.
 */
int ckpt_ipc_save_perm(struct ckpt_ctx *ctx, const struct kern_ipc_perm *perm,
		       struct ckpt_ipc_perm *p)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;

	p->id = perm->id;
	p->key = perm->key;
	p->uid = from_kuid(user_ns, perm->uid);
	p->gid = from_kgid(user_ns, perm->gid);
	p->cuid = from_kuid(user_ns, perm->cuid);
	p->cgid = from_kgid(user_ns, perm->cgid);
	/* whether it is locked in memory is saved with the segment */
	p->mode = perm->mode & (0777 | CKPT_IPC_DEST);
	if (p->uid == (uid_t)-1 || p->gid == (gid_t)-1 ||
	    p->cuid == (uid_t)-1 || p->cgid == (gid_t)-1)
		return ckpt_err(ctx, -ENOSYS, "ipc namespace: an owner of id %d is not mapped in the caller's user namespace: not supported",
				perm->id);
	return 0;
}

/*
 * The owner may be anybody, as with IPC_SET; but who makes an object is its
 * creator.
 */
static int restore_owner(struct ckpt_ctx *ctx, struct kern_ipc_perm *perm,
			 const struct ckpt_ipc_perm *p)
{
	struct user_namespace *user_ns = current_user_ns();
	kuid_t uid = make_kuid(user_ns, p->uid);
	kgid_t gid = make_kgid(user_ns, p->gid);
	kuid_t cuid = make_kuid(user_ns, p->cuid);
	kgid_t cgid = make_kgid(user_ns, p->cgid);

	if (!uid_valid(uid) || !gid_valid(gid) || !uid_valid(cuid) ||
	    !gid_valid(cgid))
		return ckpt_err(ctx, -EINVAL, "ipc namespace: id %d: owned by a user or group that is not mapped here",
				p->id);
	if ((!uid_eq(cuid, current_euid()) &&
	     !ns_capable(user_ns, CAP_SETUID)) ||
	    (!gid_eq(cgid, current_egid()) && !ns_capable(user_ns, CAP_SETGID)))
		return ckpt_err(ctx, -EPERM, "ipc namespace: id %d: created by user %u, group %u",
				p->id, p->cuid, p->cgid);
	perm->uid = uid;
	perm->gid = gid;
	perm->cuid = cuid;
	perm->cgid = cgid;
	return 0;
}

/**
 * ckpt_ipc_make - make a System V object with its old identity and owner
 * @ctx: the context
 * @ns: the namespace, which nobody uses yet
 * @kind: IPC_*_IDS
 * @ops: how to make one
 * @params: how it is to be: @params->flg has flags only, no permissions, and
 *	@params->key what it is in a segment that is to be removed
 * @p: from the image, not checked yet
 *
 * Context: the restoring task, may sleep.
 * Return: its perm, or an ERR_PTR, reported. The object stays whatever comes:
 * it goes with its namespace.
 */
struct kern_ipc_perm *ckpt_ipc_make(struct ckpt_ctx *ctx,
				    struct ipc_namespace *ns, int kind,
				    const struct ipc_ops *ops,
				    struct ipc_params *params,
				    const struct ckpt_ipc_perm *p)
{
	struct ipc_ids *ids = &ns->ids[kind];
	u32 modes = 0777 | (kind == IPC_SHM_IDS ? CKPT_IPC_DEST : 0);
	struct kern_ipc_perm *perm;
	int id, err;

	if (p->id < 0 || (p->mode & ~modes) || p->reserved)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: ipc namespace: %s: id %d with mode %#o",
					ipc_kinds[kind]->name, p->id, p->mode));
	if (!(p->mode & CKPT_IPC_DEST))
		params->key = p->key;
	params->flg |= (p->mode & 0777) | IPC_CREAT | IPC_EXCL;
	ids->next_id = p->id;
	id = ipcget(ns, ids, ops, params);
	ids->next_id = -1;
	if (id >= 0 && id != p->id)
		id = -EEXIST;
	if (id < 0)
		return ERR_PTR(ckpt_err(ctx, id, "ipc namespace: %s: id %d cannot be made: error %d",
					ipc_kinds[kind]->name, p->id, id));

	down_write(&ids->rwsem);
	rcu_read_lock();
	perm = ipc_obtain_object_check(ids, id);
	if (WARN_ON_ONCE(IS_ERR(perm))) {
		rcu_read_unlock();
		up_write(&ids->rwsem);
		return perm;
	}
	ipc_lock_object(perm);
	if (p->mode & CKPT_IPC_DEST) {
		ipc_set_key_private(ids, perm);
		perm->mode |= CKPT_IPC_DEST;
	}
	err = restore_owner(ctx, perm, p);
	ipc_unlock_object(perm);
	rcu_read_unlock();
	up_write(&ids->rwsem);
	return err ? ERR_PTR(err) : perm;
}

/* ------------------------------------------------------- identifiers */

/* The next object from *@idx on, referenced, or NULL. */
static struct kern_ipc_perm *next_perm(struct ipc_ids *ids, int *idx)
{
	struct kern_ipc_perm *perm;

	down_read(&ids->rwsem);
	perm = idr_get_next(&ids->ipcs_idr, idx);
	if (perm && !ipc_rcu_getref(perm))
		perm = NULL;
	up_read(&ids->rwsem);
	++*idx;
	return perm;
}

static int collect_ids(struct ckpt_ctx *ctx, struct ipc_namespace *ns, int kind)
{
	const struct ckpt_ipc_kind *ops = ipc_kinds[kind];
	struct kern_ipc_perm *perm;
	int err = 0, idx = 0;

	while (!err && ops->collect &&
	       (perm = next_perm(&ns->ids[kind], &idx))) {
		err = ops->collect(ctx, perm);
		ops->put(perm);
	}
	return err;
}

/* Those with CKPT_IPC_DEST, or the others. Returns how many, or an errno. */
static int save_perms(struct ckpt_ctx *ctx, struct ipc_namespace *ns, int kind,
		      bool dest)
{
	const struct ckpt_ipc_kind *ops = ipc_kinds[kind];
	struct kern_ipc_perm *perm;
	int err = 0, nr = 0, idx = 0;

	while (!err && (perm = next_perm(&ns->ids[kind], &idx))) {
		if (!(READ_ONCE(perm->mode) & CKPT_IPC_DEST) != dest) {
			err = ops->save(ctx, perm);
			nr++;
		}
		ops->put(perm);
	}
	return err ?: nr;
}

static int save_ids(struct ckpt_ctx *ctx, struct ipc_namespace *ns, int kind)
{
	struct ipc_ids *ids = &ns->ids[kind];
	struct ckpt_hdr_ipc_ids h = { .kind = kind };
	int err, dest, rest;

	down_read(&ids->rwsem);
	h.nr = ids->in_use;
	h.seq = ids->seq;
	h.last_idx = ids->last_idx;
	h.next_id = ids->next_id;
	h.cursor = idr_get_cursor(&ids->ipcs_idr);
	up_read(&ids->rwsem);

	err = ckpt_write_rec(ctx, &h, CKPT_HDR_IPC_IDS, sizeof(h));
	if (err)
		return err;
	/* a segment may have the key that one to be removed had before */
	dest = save_perms(ctx, ns, kind, true);
	if (dest < 0)
		return dest;
	rest = save_perms(ctx, ns, kind, false);
	if (rest < 0)
		return rest;
	return dest + rest == h.nr ? 0 :
		ckpt_ipc_changed(ctx, ipc_kinds[kind]->name);
}

static int restore_ids(struct ckpt_ctx *ctx, struct ipc_namespace *ns, int kind)
{
	struct ipc_ids *ids = &ns->ids[kind];
	struct ckpt_hdr_ipc_ids h;
	int err;
	u32 i;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_IPC_IDS, sizeof(h));
	if (err)
		return err;
	if (h.kind != kind || h.nr > ipc_mni || h.seq > ipcid_seq_max() ||
	    h.last_idx < -1 || h.last_idx >= ipc_mni || h.next_id < -1 ||
	    h.cursor > INT_MAX)
		return ckpt_err(ctx, -EINVAL, "image: ipc namespace: malformed identifiers of its %s",
				ipc_kinds[kind]->name);
	for (i = 0; i < h.nr; i++) {
		err = ipc_kinds[kind]->restore(ctx, ns);
		if (err)
			return err;
	}
	down_write(&ids->rwsem);
	ids->seq = h.seq;
	ids->last_idx = h.last_idx;
	ids->next_id = h.next_id;
	idr_set_cursor(&ids->ipcs_idr, h.cursor);
	up_write(&ids->rwsem);
	return 0;
}

/* ---------------------------------------------------------- namespace */

static void ipc_ns_grab(void *ptr)
{
	get_ipc_ns(ptr);
}

static void ipc_ns_drop(void *ptr)
{
	put_ipc_ns(ptr);
}

static int ipc_ns_users(void *ptr)
{
	struct ipc_namespace *ns = ptr;

	return ckpt_ns_users(&ns->ns);
}

#ifndef CONFIG_POSIX_MQUEUE
int ckpt_mqueues_collect(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	return 0;
}

int ckpt_mqueues_checkpoint(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	struct ckpt_hdr_mqueues h = {};

	return ckpt_write_rec(ctx, &h, CKPT_HDR_MQUEUES, sizeof(h));
}

int ckpt_mqueues_restore(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	struct ckpt_hdr_mqueues h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_MQUEUES, sizeof(h));
	if (!err && h.nr)
		err = ckpt_err(ctx, -EINVAL, "image: POSIX message queues: not supported in this build");
	return err;
}

static int mqueue_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	return -ENOSYS;
}

static void *mqueue_restore(struct ckpt_ctx *ctx)
{
	ckpt_err(ctx, -EINVAL, "image: POSIX message queue: not supported in this build");
	return ERR_PTR(-EINVAL);
}

const struct ckpt_obj_ops ckpt_mqueue_obj_ops = {
	.name		= "POSIX message queue",
	.checkpoint	= mqueue_checkpoint,
	.restore	= mqueue_restore,
};
#endif

static void ipc_ns_holder(struct ckpt_ctx *ctx, void *ptr, char *buf,
			  size_t size)
{
	struct ipc_namespace *ns = ptr;

	ckpt_ns_holder(ctx, &ns->ns, buf, size);
}

static int ipc_ns_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct ipc_namespace *ns = ptr;
	int err, kind;

	err = ckpt_user_ns_collect(ctx, ns->user_ns, "ipc namespace");
	for (kind = 0; kind < ARRAY_SIZE(ipc_kinds) && !err; kind++)
		err = collect_ids(ctx, ns, kind);
	return err ?: ckpt_mqueues_collect(ctx, ns);
}

/**
 * ckpt_ipc_ns_outside - is an ipc namespace not of the tree?
 * @ctx: the context of a checkpoint; the collect pass is over
 * @ns: the namespace
 *
 * Return: true if it is the caller's, or with CHECKPOINT_SUBTREE one that
 * others use, too, and whose place that of whoever restarts will take.
 */
bool ckpt_ipc_ns_outside(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	return ns == ctx->caller_ns->ipc_ns ||
	       ckpt_obj_left_out(ctx, ns, CKPT_OBJ_IPC_NS);
}

static int ipc_ns_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct ipc_namespace *ns = ptr;
	struct ckpt_hdr_ipc_ns h = {
		.msg_ctlmax = ns->msg_ctlmax,
		.msg_ctlmnb = ns->msg_ctlmnb,
		.msg_ctlmni = ns->msg_ctlmni,
		.shm_rmid_forced = ns->shm_rmid_forced,
		.shm_ctlmax = ns->shm_ctlmax,
		.shm_ctlall = ns->shm_ctlall,
		.shm_ctlmni = ns->shm_ctlmni,
		.mq_queues_max = ns->mq_queues_max,
		.mq_msg_max = ns->mq_msg_max,
		.mq_msgsize_max = ns->mq_msgsize_max,
		.mq_msg_default = ns->mq_msg_default,
		.mq_msgsize_default = ns->mq_msgsize_default,
	};
	int i, owner, err;

	BUILD_BUG_ON(ARRAY_SIZE(h.sem_ctls) != ARRAY_SIZE(ns->sem_ctls));

	/* with CHECKPOINT_SUBTREE, something that is in it belongs to a task */
	if (ckpt_ipc_ns_outside(ctx, ns))
		return ckpt_err(ctx, -EBUSY, "ipc namespace: others use it too, so that its shared memory, queues and semaphores to undo cannot be saved");
	for (i = 0; i < ARRAY_SIZE(h.sem_ctls); i++)
		h.sem_ctls[i] = ns->sem_ctls[i];
	owner = ckpt_user_ns_checkpoint(ctx, ns->user_ns);
	if (owner < 0)
		return owner;
	h.user_ns = owner;
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_IPC_NS, sizeof(h));
	for (i = 0; i < ARRAY_SIZE(ipc_kinds) && !err; i++)
		err = save_ids(ctx, ns, i);
	return err ?: ckpt_mqueues_checkpoint(ctx, ns);
}

/* The ranges that the sysctls have: what is not here may be any number. */
static bool limits_ok(const struct ckpt_hdr_ipc_ns *h)
{
	return h->sem_ctls[3] <= ipc_mni && h->msg_ctlmax <= INT_MAX &&
	       h->msg_ctlmnb <= INT_MAX && h->msg_ctlmni <= ipc_mni &&
	       h->shm_ctlmni <= ipc_mni && h->shm_rmid_forced <= 1;
}

static bool mq_limits_ok(const struct ckpt_hdr_ipc_ns *h)
{
#ifdef CONFIG_POSIX_MQUEUE
	return h->mq_msg_max >= MIN_MSGMAX &&
	       h->mq_msg_max <= HARD_MSGMAX &&
	       h->mq_msg_default >= MIN_MSGMAX &&
	       h->mq_msg_default <= HARD_MSGMAX &&
	       h->mq_msgsize_max >= MIN_MSGSIZEMAX &&
	       h->mq_msgsize_max <= HARD_MSGSIZEMAX &&
	       h->mq_msgsize_default >= MIN_MSGSIZEMAX &&
	       h->mq_msgsize_default <= HARD_MSGSIZEMAX;
#else
	return true;
#endif
}

static void set_limits(struct ipc_namespace *ns,
		       const struct ckpt_hdr_ipc_ns *h)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ns->sem_ctls); i++)
		ns->sem_ctls[i] = h->sem_ctls[i];
	ns->msg_ctlmax = h->msg_ctlmax;
	ns->msg_ctlmnb = h->msg_ctlmnb;
	ns->msg_ctlmni = h->msg_ctlmni;
	ns->shm_ctlmax = h->shm_ctlmax;
	ns->shm_ctlall = h->shm_ctlall;
	ns->shm_ctlmni = h->shm_ctlmni;
	ns->shm_rmid_forced = h->shm_rmid_forced;
#ifdef CONFIG_POSIX_MQUEUE
	ns->mq_queues_max = h->mq_queues_max;
	ns->mq_msg_max = h->mq_msg_max;
	ns->mq_msgsize_max = h->mq_msgsize_max;
	ns->mq_msg_default = h->mq_msg_default;
	ns->mq_msgsize_default = h->mq_msgsize_default;
#endif
}

/*
 * The most that root in the namespace could set: what is there may have been
 * made before the limits were lowered.
 */
static void lift_limits(struct ipc_namespace *ns)
{
	const struct ckpt_hdr_ipc_ns h = {
		/* semaphores are counted in an int */
		.sem_ctls = { INT_MAX, INT_MAX / 2, INT_MAX, ipc_mni },
		.msg_ctlmax = INT_MAX,
		.msg_ctlmnb = INT_MAX,
		.msg_ctlmni = ipc_mni,
		.shm_ctlmax = ULONG_MAX,
		.shm_ctlall = ULONG_MAX,
		.shm_ctlmni = ipc_mni,
		.mq_queues_max = INT_MAX,
		.mq_msg_max = HARD_MSGMAX,
		.mq_msgsize_max = HARD_MSGSIZEMAX,
		.mq_msg_default = HARD_MSGMAX,
		.mq_msgsize_default = HARD_MSGSIZEMAX,
	};

	set_limits(ns, &h);
}

static struct ipc_namespace *ipc_ns_make(struct ckpt_ctx *ctx, u32 user_ns)
{
	struct ipc_namespace *ns;
	const struct cred *cred;
	struct nsproxy *new;
	int err;

	cred = ckpt_user_ns_cred(ctx, user_ns);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	/* with the checks and the accounting of unshare(2) */
	err = unshare_nsproxy_namespaces(CLONE_NEWIPC, &new,
					 (struct cred *)cred, NULL);
	put_cred(cred);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "cannot make an ipc namespace: error %d",
					err));
	ns = get_ipc_ns(new->ipc_ns);
	put_nsproxy(new);
	return ns;
}

/* The caller's takes its place, and what is in it has none. */
static int may_join(struct ckpt_ctx *ctx, const struct ipc_namespace *ns)
{
	bool used = false;
	int kind;

#ifdef CONFIG_POSIX_MQUEUE
	used = ns->mq_queues_count;
#endif
	for (kind = 0; kind < ARRAY_SIZE(ns->ids) && !used; kind++)
		used = ns->ids[kind].in_use;
	if (!used)
		return 0;
	return ckpt_err(ctx, -EINVAL, "ipc namespace: there are queues, semaphores or shared memory in it: restart without joining that of the caller");
}

static void *ipc_ns_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_ipc_ns h;
	struct ipc_namespace *ns;
	int err, kind;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_IPC_NS, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (!limits_ok(&h) || !mq_limits_ok(&h) || h.reserved)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
					"ipc namespace: a limit that cannot be set here"));
	ns = ipc_ns_make(ctx, h.user_ns);
	if (IS_ERR(ns))
		return ns;
	lift_limits(ns);
	for (kind = 0; kind < ARRAY_SIZE(ipc_kinds) && !err; kind++)
		err = restore_ids(ctx, ns, kind);
	if (!err)
		err = ckpt_mqueues_restore(ctx, ns);
	if (!err && ctx->join & CLONE_NEWIPC)
		err = may_join(ctx, ns);
	if (err) {
		put_ipc_ns(ns);
		return ERR_PTR(err);
	}
	if (ctx->join & CLONE_NEWIPC) {
		put_ipc_ns(ns);
		return get_ipc_ns(ctx->caller_ns->ipc_ns);
	}
	set_limits(ns, &h);
	return ns;
}

const struct ckpt_obj_ops ckpt_ipc_ns_obj_ops = {
	.name		= "ipc namespace",
	.subtree_ok	= true,
	.grab		= ipc_ns_grab,
	.drop		= ipc_ns_drop,
	.users		= ipc_ns_users,
	.holder		= ipc_ns_holder,
	.collect	= ipc_ns_collect,
	.checkpoint	= ipc_ns_checkpoint,
	.restore	= ipc_ns_restore,
};

/* --------------------------------------------------------------- task */

/* As many as a record has room for */
#define CREATED_MAX \
	((CKPT_REC_MAX - sizeof(struct ckpt_hdr_task_sysvipc)) / sizeof(u32))

static int sysvipc_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	int nr = ckpt_shm_created(ctx, t, NULL, 0);

	return nr < 0 ? nr : ckpt_sem_undo_collect(ctx, t);
}

static int save_created(struct ckpt_ctx *ctx, struct task_struct *t,
			struct ckpt_hdr_task_sysvipc *h, u32 nr)
{
	u32 *id;
	int ret;

	if (nr > CREATED_MAX)
		return ckpt_err(ctx, -E2BIG, "it created %u System V shared memory segments, more than %zu: not supported",
				nr, CREATED_MAX);
	id = kvmalloc_array(nr, sizeof(*id), GFP_KERNEL);
	if (!id)
		return -ENOMEM;
	ret = ckpt_shm_created(ctx, t, id, nr);
	if (ret >= 0) {
		h->nr_shm = min_t(u32, ret, nr);
		ret = ckpt_write_rec_tail(ctx, h, CKPT_HDR_TASK_SYSVIPC,
					  sizeof(*h), id,
					  h->nr_shm * sizeof(*id));
	}
	kvfree(id);
	return ret;
}

static int sysvipc_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_task_sysvipc h = {};
	int ret, nr;

	ret = ckpt_sem_undo_checkpoint(ctx, t);
	if (ret < 0)
		return ret;
	h.undo = ret;
	ret = ckpt_shm_created(ctx, t, NULL, 0);
	if (ret > 0) {
		nr = ret;
		/* in which they are: see ckpt_shm_created() */
		ret = ckpt_obj_checkpoint(ctx, t->nsproxy->ipc_ns,
					  CKPT_OBJ_IPC_NS);
		return ret < 0 ? ret : save_created(ctx, t, &h, nr);
	}
	return ret ?: ckpt_write_rec(ctx, &h, CKPT_HDR_TASK_SYSVIPC, sizeof(h));
}

static int sysvipc_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_sysvipc *h;
	int err;

	/* RESTART_TASKSELF: what the caller had */
	exit_sem(current);
	exit_shm(current);
	shm_init_task(current);

	h = ckpt_read_rec(ctx, CKPT_HDR_TASK_SYSVIPC, sizeof(*h), CKPT_REC_MAX);
	if (IS_ERR(h))
		return PTR_ERR(h);
	if (h->nr_shm > CREATED_MAX ||
	    h->h.len != round_up(struct_size(h, shm, h->nr_shm), 8) ||
	    (h->nr_shm && current->nsproxy->ipc_ns == ctx->caller_ns->ipc_ns))
		err = ckpt_err(ctx, -EINVAL, "image: System V IPC of a task: malformed record, with %u segments",
			       h->nr_shm);
	else
		err = ckpt_sem_undo_restore(ctx, h->undo);
	if (!err)
		err = ckpt_shm_restore_created(ctx, h->shm, h->nr_shm);
	kvfree(h);
	return err;
}

const struct ckpt_task_ops ckpt_sysvipc_task_ops = {
	.name		= "System V IPC",
	.collect	= sysvipc_collect,
	.checkpoint	= sysvipc_checkpoint,
	.restore	= sysvipc_restore,
};
