// SPDX-License-Identifier: GPL-2.0
/*
 * System V semaphores, and what tasks have to undo. Included by sem.c.
 *
 * Who waits for a semaphore is on no list while the tree is parked: the call
 * is made again.
 */

#include <linux/sched/signal.h>

#include "checkpoint.h"

/* ---------------------------------------------------------------- sets */

static struct sem_array *to_sem(struct kern_ipc_perm *perm)
{
	return container_of(perm, struct sem_array, sem_perm);
}

static int sem_collect(struct ckpt_ctx *ctx, struct kern_ipc_perm *perm)
{
	if (to_sem(perm)->sem_nsems <= CKPT_IPC_SEMS_MAX)
		return 0;
	return ckpt_err(ctx, -E2BIG, "ipc namespace: semaphore set %d: %d semaphores, more than %d: not supported",
			perm->id, to_sem(perm)->sem_nsems, CKPT_IPC_SEMS_MAX);
}

static int sem_save_values(struct ckpt_ctx *ctx, struct sem_array *sma,
			   struct ckpt_hdr_ipc_semvals *h)
{
	u32 i, n, done;
	bool ok;
	int err;

	for (done = 0; done < sma->sem_nsems; done += n) {
		n = min_t(u32, sma->sem_nsems - done, CKPT_IPC_SEMVALS_MAX);
		memset(h, 0, struct_size(h, sems, n));
		rcu_read_lock();
		sem_lock(sma, NULL, -1);
		ok = ipc_valid_object(&sma->sem_perm);
		for (i = 0; ok && i < n; i++) {
			struct sem *sem = &sma->sems[done + i];

			h->sems[i].val = sem->semval;
			ckpt_ipc_save_pid(ctx, sem->sempid, &h->sems[i].pid);
		}
		sem_unlock(sma, -1);
		rcu_read_unlock();
		if (!ok)
			return ckpt_ipc_changed(ctx, ckpt_ipc_sem_kind.name);
		err = ckpt_write_rec(ctx, h, CKPT_HDR_IPC_SEMVALS,
				     struct_size(h, sems, n));
		if (err)
			return err;
	}
	return 0;
}

static int sem_save(struct ckpt_ctx *ctx, struct kern_ipc_perm *perm)
{
	struct sem_array *sma = to_sem(perm);
	struct ckpt_hdr_ipc_semvals *vals;
	struct ckpt_hdr_ipc_sem h = {
		.otime = get_semotime(sma),
		.ctime = sma->sem_ctime,
		.nr = sma->sem_nsems,
	};
	int err;

	vals = kvmalloc(struct_size(vals, sems, CKPT_IPC_SEMVALS_MAX),
			GFP_KERNEL);
	if (!vals)
		return -ENOMEM;
	err = ckpt_ipc_save_perm(ctx, perm, &h.perm);
	if (!err)
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_IPC_SEM, sizeof(h));
	if (!err)
		err = sem_save_values(ctx, sma, vals);
	kvfree(vals);
	return err;
}

static int sem_restore_one(struct ckpt_ctx *ctx, struct sem_array *sma, u32 i,
			   const struct ckpt_ipc_semval *v,
			   const struct ckpt_ipc_semval *before)
{
	if (v->val > SEMVMX || v->reserved)
		return ckpt_err(ctx, -EINVAL, "image: semaphore set %d: value %u of semaphore %u",
				sma->sem_perm.id, v->val, i);
	sma->sems[i].semval = v->val;
	/* one that is gone is made once for many */
	if (before && !memcmp(&v->pid, &before->pid, sizeof(v->pid))) {
		ipc_update_pid(&sma->sems[i].sempid, sma->sems[i - 1].sempid);
		return 0;
	}
	return ckpt_ipc_restore_pid(ctx, &v->pid, &sma->sems[i].sempid);
}

static int sem_restore_values(struct ckpt_ctx *ctx, struct sem_array *sma)
{
	struct ckpt_hdr_ipc_semvals *h;
	u32 done, n, i;
	size_t len;
	int err = 0;

	for (done = 0; done < sma->sem_nsems && !err; done += n) {
		n = min_t(u32, sma->sem_nsems - done, CKPT_IPC_SEMVALS_MAX);
		len = struct_size(h, sems, n);
		h = ckpt_read_rec(ctx, CKPT_HDR_IPC_SEMVALS, len, len);
		if (IS_ERR(h))
			return PTR_ERR(h);
		for (i = 0; i < n && !err; i++)
			err = sem_restore_one(ctx, sma, done + i, &h->sems[i],
					      i ? &h->sems[i - 1] : NULL);
		kvfree(h);
	}
	return err;
}

static int sem_restore(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	static const struct ipc_ops ops = {
		.getnew = newary,
		.associate = security_sem_associate,
	};
	struct ipc_params params = {};
	struct kern_ipc_perm *perm;
	struct ckpt_hdr_ipc_sem h;
	struct sem_array *sma;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_IPC_SEM, sizeof(h));
	if (err)
		return err;
	if (!h.nr || h.nr > CKPT_IPC_SEMS_MAX || h.reserved)
		return ckpt_err(ctx, -EINVAL, "image: semaphore set %d: %u semaphores",
				h.perm.id, h.nr);
	params.u.nsems = h.nr;
	perm = ckpt_ipc_make(ctx, ns, IPC_SEM_IDS, &ops, &params, &h.perm);
	if (IS_ERR(perm))
		return PTR_ERR(perm);
	sma = to_sem(perm);
	sma->sem_ctime = h.ctime;
	/* that of the set is the latest of its semaphores */
	sma->sems[0].sem_otime = h.otime;
	return sem_restore_values(ctx, sma);
}

static void sem_put(struct kern_ipc_perm *perm)
{
	ipc_rcu_putref(perm, sem_rcu_free);
}

const struct ckpt_ipc_kind ckpt_ipc_sem_kind = {
	.name		= "semaphore sets",
	.collect	= sem_collect,
	.save		= sem_save,
	.restore	= sem_restore,
	.put		= sem_put,
};

/* ----------------------------------------------------- lists to undo */

/*
 * To a checkpoint the object is the struct sem_undo_list itself, which it
 * looks at only while a task that uses it is pinned: with a reference it could
 * become the last user, and would have to do what the exit of the task does.
 */

/**
 * struct ckpt_sem_undo - a list that is being restored
 * @ulp: the list, referenced
 * @ns: namespace of its semaphores, referenced
 */
struct ckpt_sem_undo {
	struct sem_undo_list *ulp;
	struct ipc_namespace *ns;
};

/* How many threads of @t's process use @ulp? */
static int undo_threads(struct task_struct *t, struct sem_undo_list *ulp)
{
	struct task_struct *thread;
	int nr = 0;

	for_each_thread(t, thread)
		nr += READ_ONCE(thread->sysvsem.undo_list) == ulp;
	return nr;
}

/**
 * ckpt_sem_undo_collect - meet the list of what a task has to undo
 * @ctx: the context
 * @t: the task, parked
 *
 * Context: process context, may sleep.
 * Return: 0, -EBUSY if a task outside of the tree shares it, or -ENOMEM.
 */
int ckpt_sem_undo_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct sem_undo_list *ulp = t->sysvsem.undo_list;
	struct task_struct *p, *other;
	pid_t outside = 0;

	if (!ulp)
		return 0;
	if (ckpt_obj_collected(ctx, ulp, CKPT_OBJ_SEM_UNDO))
		return 0;
	rcu_read_lock();
	/* mostly it is that of the threads of one process */
	if (refcount_read(&ulp->refcnt) != undo_threads(t, ulp)) {
		for_each_process_thread(p, other) {
			if (READ_ONCE(other->sysvsem.undo_list) == ulp &&
			    ckpt_pid_slot(ctx, task_pid(other)) < 0)
				outside = task_pid_vnr(other);
		}
	}
	rcu_read_unlock();
	if (outside)
		return ckpt_err(ctx, -EBUSY, "list of semaphores to undo: shared with task %d outside of the tree (CLONE_SYSVSEM)",
				outside);
	return ckpt_obj_collect(ctx, ulp, CKPT_OBJ_SEM_UNDO);
}

/**
 * ckpt_sem_undo_checkpoint - write the list of what a task has to undo
 * @ctx: the context
 * @t: the task, pinned
 *
 * Context: process context, may sleep.
 * Return: its objref, 0 if there is none, or a negative errno.
 */
int ckpt_sem_undo_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct sem_undo_list *ulp = t->sysvsem.undo_list;

	return ulp ? ckpt_obj_checkpoint(ctx, ulp, CKPT_OBJ_SEM_UNDO) : 0;
}

/*
 * The sets with something to undo: the ids of the first @max go to @ids. Returns
 * how many there are.
 */
static u32 undo_sets(struct sem_undo_list *ulp, struct ipc_namespace *ns,
		     int *ids, u32 max)
{
	struct sem_array *sma;
	struct sem_undo *un;
	u32 nr = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(un, &ulp->list_proc, list_proc) {
		int semid = READ_ONCE(un->semid);

		/* removed, perhaps with its set */
		if (semid == -1)
			continue;
		sma = sem_obtain_object_check(ns, semid);
		if (IS_ERR(sma) ||
		    !memchr_inv(un->semadj, 0,
				sma->sem_nsems * sizeof(un->semadj[0])))
			continue;
		if (nr < max)
			ids[nr] = semid;
		nr++;
	}
	rcu_read_unlock();
	return nr;
}

/*
 * What @ulp has to undo in the set @id: its number of semaphores and what to
 * add to each go to @h, which has room for CKPT_IPC_SEMS_MAX. False if there is
 * nothing any more.
 */
static bool undo_get(struct sem_undo_list *ulp, struct ipc_namespace *ns,
		     int id, struct ckpt_hdr_sem_adj *h)
{
	struct sem_array *sma;
	struct sem_undo *un;
	bool found = false;

	rcu_read_lock();
	sma = sem_obtain_object_check(ns, id);
	if (IS_ERR(sma) || sma->sem_nsems > CKPT_IPC_SEMS_MAX)
		goto out;
	sem_lock(sma, NULL, -1);
	list_for_each_entry(un, &sma->list_id, list_id) {
		if (un->ulp != ulp)
			continue;
		h->id = id;
		h->nr = sma->sem_nsems;
		memcpy(h->adj, un->semadj, h->nr * sizeof(h->adj[0]));
		found = true;
		break;
	}
	sem_unlock(sma, -1);
out:
	rcu_read_unlock();
	return found;
}

/* ctx->task uses the list: the semaphores are in its namespace. */
static int undo_obj_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct ipc_namespace *ns = ctx->task->nsproxy->ipc_ns;

	if (ns == ctx->caller_ns->ipc_ns && undo_sets(ptr, ns, NULL, 0))
		return ckpt_err(ctx, -ENOSYS, "System V semaphores to undo (SEM_UNDO) in the caller's ipc namespace: not supported");
	return 0;
}

static int undo_obj_save(struct ckpt_ctx *ctx, struct sem_undo_list *ulp,
			 struct ipc_namespace *ns, u32 nr)
{
	struct ckpt_hdr_sem_adj *h;
	int *ids, err = 0;
	u32 i;

	h = kvzalloc(struct_size(h, adj, CKPT_IPC_SEMS_MAX), GFP_KERNEL);
	ids = kvmalloc_array(nr, sizeof(*ids), GFP_KERNEL_ACCOUNT);
	if (!h || !ids)
		err = -ENOMEM;
	else if (undo_sets(ulp, ns, ids, nr) != nr)
		err = ckpt_ipc_changed(ctx, ckpt_ipc_sem_kind.name);
	for (i = 0; i < nr && !err; i++) {
		if (!undo_get(ulp, ns, ids[i], h))
			err = ckpt_ipc_changed(ctx, ckpt_ipc_sem_kind.name);
		else
			err = ckpt_write_rec_tail(ctx, h, CKPT_HDR_SEM_ADJ,
						  sizeof(*h), h->adj,
						  h->nr * sizeof(h->adj[0]));
		cond_resched();
	}
	kvfree(ids);
	kvfree(h);
	return err;
}

static int undo_obj_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct ipc_namespace *ns = ctx->task->nsproxy->ipc_ns;
	struct ckpt_hdr_sem_undo h = { .nr = undo_sets(ptr, ns, NULL, 0) };
	int ret;

	if (h.nr) {
		ret = ckpt_obj_checkpoint(ctx, ns, CKPT_OBJ_IPC_NS);
		if (ret < 0)
			return ret;
		h.ns = ret;
	}
	ret = ckpt_write_rec(ctx, &h, CKPT_HDR_SEM_UNDO, sizeof(h));
	if (!ret && h.nr)
		ret = undo_obj_save(ctx, ptr, ns, h.nr);
	return ret;
}

/*
 * Free a list that no task uses: the restart has failed. What it would undo
 * is left as it is.
 */
static void undo_free(struct sem_undo_list *ulp, struct ipc_namespace *ns)
{
	struct sem_undo *un, *next;
	struct sem_array *sma;

	list_for_each_entry_safe(un, next, &ulp->list_proc, list_proc) {
		rcu_read_lock();
		sma = sem_obtain_object_check(ns, un->semid);
		if (!WARN_ON_ONCE(IS_ERR(sma))) {
			sem_lock(sma, NULL, -1);
			list_del(&un->list_id);
			sem_unlock(sma, -1);
		}
		rcu_read_unlock();
		list_del_rcu(&un->list_proc);
		kvfree_rcu(un, rcu);
	}
	kfree(ulp);
}

/* Only of a restart: a checkpoint has no reference. */
static void undo_obj_drop(void *ptr)
{
	struct ckpt_sem_undo *undo = ptr;

	if (refcount_dec_and_test(&undo->ulp->refcnt))
		undo_free(undo->ulp, undo->ns);
	put_ipc_ns(undo->ns);
	kfree(undo);
}

/* Read what to add to the semaphores of one set, for the current task. */
static int undo_restore_adj(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	struct ckpt_hdr_sem_adj *h;
	struct sem_array *sma;
	struct sem_undo *un;
	int err = -EINVAL;
	size_t size;

	h = ckpt_read_rec(ctx, CKPT_HDR_SEM_ADJ, sizeof(*h),
			  round_up(struct_size(h, adj, CKPT_IPC_SEMS_MAX), 8));
	if (IS_ERR(h))
		return PTR_ERR(h);
	size = h->nr * sizeof(h->adj[0]);
	if (h->nr > CKPT_IPC_SEMS_MAX ||
	    h->h.len != round_up(sizeof(*h) + size, 8))
		goto out;
	un = find_alloc_undo(ns, h->id);
	if (IS_ERR(un)) {
		err = PTR_ERR(un);
		goto out;
	}
	/* find_alloc_undo() has locked */
	sma = sem_obtain_object_check(ns, h->id);
	if (!IS_ERR(sma) && sma->sem_nsems == h->nr) {
		memcpy(un->semadj, h->adj, size);
		err = 0;
	}
	rcu_read_unlock();
out:
	if (err)
		ckpt_err(ctx, err, "semaphore set %d: cannot be undone as before: error %d",
			 h->id, err);
	kvfree(h);
	return err;
}

/* The list is made as that of the current task, which uses it. */
static void *undo_obj_restore(struct ckpt_ctx *ctx)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	struct ckpt_sem_undo *undo;
	struct ckpt_hdr_sem_undo h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_SEM_UNDO, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (!h.ns != !h.nr || current->sysvsem.undo_list) {
		ckpt_err(ctx, -EINVAL, "image: list of semaphores to undo: malformed record, or of two tasks");
		return ERR_PTR(-EINVAL);
	}
	if (h.ns && ckpt_obj_fetch(ctx, h.ns, CKPT_OBJ_IPC_NS) != ns) {
		ckpt_err(ctx, -EINVAL, "image: semaphores to undo in another ipc namespace");
		return ERR_PTR(-EINVAL);
	}
	/* nobody has asked whether the caller may alter those in there */
	if (h.ns && ns == ctx->caller_ns->ipc_ns) {
		ckpt_err(ctx, -EINVAL, "image: semaphores to undo in the caller's ipc namespace");
		return ERR_PTR(-EINVAL);
	}
	undo = kzalloc(sizeof(*undo), GFP_KERNEL_ACCOUNT);
	if (!undo)
		return ERR_PTR(-ENOMEM);
	err = get_undo_list(&undo->ulp);
	while (!err && h.nr--)
		err = undo_restore_adj(ctx, ns);
	if (err) {
		kfree(undo);
		return ERR_PTR(err);
	}
	refcount_inc(&undo->ulp->refcnt);
	undo->ns = get_ipc_ns(ns);
	return undo;
}

const struct ckpt_obj_ops ckpt_sem_undo_obj_ops = {
	.name		= "list of semaphores to undo",
	.drop		= undo_obj_drop,
	.collect	= undo_obj_collect,
	.checkpoint	= undo_obj_checkpoint,
	.restore	= undo_obj_restore,
};

/**
 * ckpt_sem_undo_restore - let the current task use a list
 * @ctx: the context
 * @objref: of the list, or 0; not checked yet
 *
 * Context: the restoring task, in its namespaces.
 * Return: 0 or -EINVAL, reported.
 */
int ckpt_sem_undo_restore(struct ckpt_ctx *ctx, u32 objref)
{
	struct sem_undo_list *ulp = current->sysvsem.undo_list;
	struct ckpt_sem_undo *undo;

	if (!objref && ulp)
		return ckpt_err(ctx, -EINVAL, "image: list of semaphores to undo: of no task");
	if (!objref)
		return 0;
	undo = ckpt_obj_fetch(ctx, objref, CKPT_OBJ_SEM_UNDO);
	if (IS_ERR(undo))
		return PTR_ERR(undo);
	/* it is the one that was made here */
	if (ulp == undo->ulp)
		return 0;
	if (ulp || undo->ns != current->nsproxy->ipc_ns)
		return ckpt_err(ctx, -EINVAL, "image: list of semaphores to undo: of a task in another ipc namespace");
	refcount_inc(&undo->ulp->refcnt);
	current->sysvsem.undo_list = undo->ulp;
	return 0;
}
