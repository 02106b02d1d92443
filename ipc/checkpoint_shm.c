// SPDX-License-Identifier: GPL-2.0
/*
 * System V shared memory. Included by shm.c.
 *
 * A segment is saved with its namespace, attached or not. A struct file made
 * by shmat(2) stands between it and the mappings: it is an object of its own.
 */

#include <linux/xarray.h>

#include "checkpoint.h"

static_assert(CKPT_IPC_DEST == SHM_DEST);

/* ------------------------------------------------------------ segments */

static struct shmid_kernel *to_shm(struct kern_ipc_perm *perm)
{
	return container_of(perm, struct shmid_kernel, shm_perm);
}

/* The memory of a segment, referenced, or NULL if it was removed. */
static struct file *shm_memory(struct kern_ipc_perm *perm)
{
	struct file *file = NULL;

	rcu_read_lock();
	ipc_lock_object(perm);
	if (ipc_valid_object(perm))
		file = get_file(to_shm(perm)->shm_file);
	ipc_unlock_object(perm);
	rcu_read_unlock();
	return file;
}

static void shm_fill(struct ckpt_ctx *ctx, struct shmid_kernel *shp,
		     struct ckpt_hdr_ipc_shm *h)
{
	rcu_read_lock();
	ipc_lock_object(&shp->shm_perm);
	h->size = shp->shm_segsz;
	h->atime = shp->shm_atim;
	h->dtime = shp->shm_dtim;
	h->ctime = shp->shm_ctim;
	ckpt_ipc_save_pid(ctx, shp->shm_cprid, &h->cpid);
	ckpt_ipc_save_pid(ctx, shp->shm_lprid, &h->lpid);
	ipc_unlock_object(&shp->shm_perm);
	rcu_read_unlock();
}

static int shm_save(struct ckpt_ctx *ctx, struct kern_ipc_perm *perm)
{
	struct file *file = shm_memory(perm);
	struct ckpt_hdr_ipc_shm h = {};
	int err;

	if (!file)
		return ckpt_ipc_changed(ctx, ckpt_ipc_shm_kind.name);
	shm_fill(ctx, to_shm(perm), &h);
	h.flags = ckpt_huge_shift(file) << CKPT_SHM_HUGE_SHIFT;
	if (h.flags ? !ckpt_huge_reserved(file_inode(file)) :
		      SHMEM_I(file_inode(file))->flags & VM_NORESERVE)
		h.flags |= CKPT_SHM_NORESERVE;
	if (READ_ONCE(perm->mode) & SHM_LOCKED)
		h.flags |= CKPT_SHM_LOCKED;
	/* "SYSV%08x", which /proc/PID/maps shows */
	err = kstrtou32(file->f_path.dentry->d_name.name + 4, 16, &h.name);
	if (!err)
		err = ckpt_ipc_save_perm(ctx, perm, &h.perm);
	if (!err)
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_IPC_SHM, sizeof(h));
	if (!err)
		err = ckpt_file_pages_write(ctx, file_inode(file));
	fput(file);
	return err;
}

/* It belongs to nobody until who created it claims it. */
static void shm_disown(struct shmid_kernel *shp)
{
	task_lock(current);
	list_del_init(&shp->shm_clist);
	task_unlock(current);
}

/* As shmctl(SHM_LOCK); nobody else knows the segment yet. */
static int lock_in_memory(struct ckpt_ctx *ctx, struct shmid_kernel *shp)
{
	struct ucounts *ucounts = current_ucounts();
	int err = -EPERM;

	if (can_do_mlock())
		err = shmem_lock(shp->shm_file, 1, ucounts);
	if (err)
		return ckpt_err(ctx, err, "shared memory segment %d: cannot be locked in memory (RLIMIT_MEMLOCK): error %d",
				shp->shm_perm.id, err);
	shp->shm_perm.mode |= SHM_LOCKED;
	shp->mlock_ucounts = ucounts;
	return 0;
}

static int shm_restore(struct ckpt_ctx *ctx, struct ipc_namespace *ns)
{
	static const struct ipc_ops ops = {
		.getnew = newseg,
		.associate = security_shm_associate,
	};
	struct ipc_params params = {};
	struct kern_ipc_perm *perm;
	struct ckpt_hdr_ipc_shm h;
	struct shmid_kernel *shp;
	u32 huge, flags;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_IPC_SHM, sizeof(h));
	if (err)
		return err;
	huge = h.flags >> CKPT_SHM_HUGE_SHIFT;
	flags = h.flags & ~(huge << CKPT_SHM_HUGE_SHIFT);
	if ((flags & ~(CKPT_SHM_NORESERVE | CKPT_SHM_LOCKED)) ||
	    (huge && (flags & CKPT_SHM_LOCKED)) ||
	    h.size > MAX_LFS_FILESIZE ||
	    (!(h.perm.mode & SHM_DEST) && h.name != h.perm.key) ||
	    ((h.perm.mode & SHM_DEST) && h.perm.key != IPC_PRIVATE))
		return ckpt_err(ctx, -EINVAL, "image: shared memory segment %d: malformed record",
				h.perm.id);
	params.key = h.name;
	params.u.size = h.size;
	if (h.flags & CKPT_SHM_NORESERVE)
		params.flg = SHM_NORESERVE;
	if (huge)
		params.flg |= SHM_HUGETLB | (int)(huge << SHM_HUGE_SHIFT);
	perm = ckpt_ipc_make(ctx, ns, IPC_SHM_IDS, &ops, &params, &h.perm);
	if (IS_ERR(perm))
		return PTR_ERR(perm);
	shp = to_shm(perm);
	shm_disown(shp);
	shp->shm_atim = h.atime;
	shp->shm_dtim = h.dtime;
	shp->shm_ctim = h.ctime;
	err = ckpt_ipc_restore_pid(ctx, &h.cpid, &shp->shm_cprid);
	if (!err)
		err = ckpt_ipc_restore_pid(ctx, &h.lpid, &shp->shm_lprid);
	if (!err && huge)
		err = ckpt_huge_file_read(ctx, shp->shm_file);
	else if (!err)
		err = ckpt_file_pages_read(ctx, file_inode(shp->shm_file));
	if (!err && (h.flags & CKPT_SHM_LOCKED))
		err = lock_in_memory(ctx, shp);
	return err;
}

static void shm_put(struct kern_ipc_perm *perm)
{
	ipc_rcu_putref(perm, shm_rcu_free);
}

const struct ckpt_ipc_kind ckpt_ipc_shm_kind = {
	.name		= "shared memory segments",
	.save		= shm_save,
	.restore	= shm_restore,
	.put		= shm_put,
};

/* -------------------------------------------------- who created them */

/**
 * ckpt_shm_created - the segments that go when a task exits
 * @ctx: the context
 * @t: the task, parked
 * @id: filled in with their identifiers
 * @max: room in @id
 *
 * Context: process context.
 * Return: how many there are, more than @max perhaps, or -ENOSYS, reported,
 * if they are in the namespace of the caller, or in one that the task left.
 */
int ckpt_shm_created(struct ckpt_ctx *ctx, struct task_struct *t, u32 *id,
		     u32 max)
{
	struct ipc_namespace *ns = ctx->caller_ns->ipc_ns;
	bool outside = false, left = false;
	struct shmid_kernel *shp;
	u32 nr = 0;

	task_lock(t);
	list_for_each_entry(shp, &t->sysvshm.shm_clist, shm_clist) {
		outside = outside || shp->ns == ns;
		left = left || !t->nsproxy || shp->ns != t->nsproxy->ipc_ns;
		if (nr < max)
			id[nr] = shp->shm_perm.id;
		nr++;
	}
	task_unlock(t);
	if (outside)
		return ckpt_err(ctx, -ENOSYS, "System V shared memory that it created in the caller's ipc namespace: not supported");
	if (left)
		return ckpt_err(ctx, -ENOSYS, "System V shared memory that it created in an ipc namespace that it has left: not supported");
	return nr;
}

static int shm_claim(struct ipc_namespace *ns, int id)
{
	struct shmid_kernel *shp;

	shp = shm_lock(ns, id);
	if (IS_ERR(shp))
		return -EINVAL;
	if (!list_empty(&shp->shm_clist)) {
		shm_unlock(shp);
		return -EINVAL;
	}
	task_lock(current);
	shp->shm_creator = current;
	list_add_tail(&shp->shm_clist, &current->sysvshm.shm_clist);
	task_unlock(current);
	shm_unlock(shp);
	return 0;
}

/**
 * ckpt_shm_restore_created - let segments go with the current task
 * @ctx: the context
 * @id: their identifiers, in the namespace of the current task, which is a
 *	restored one if there are any
 * @nr: how many there are
 *
 * Context: the restoring task, may sleep.
 * Return: 0 or -EINVAL, reported.
 */
int ckpt_shm_restore_created(struct ckpt_ctx *ctx, const u32 *id, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (shm_claim(current->nsproxy->ipc_ns, id[i]))
			return ckpt_err(ctx, -EINVAL, "image: it created shared memory segment %u, which is not there, or another's",
					id[i]);
	return 0;
}

/* ------------------------------------------------------------ attached */

/**
 * ckpt_is_shm_file - was a file made by shmat(2)?
 * @file: the file of a mapping
 *
 * Return: true if it was; one of huge pages too.
 */
bool ckpt_is_shm_file(struct file *file)
{
	return file->f_op == &shm_file_operations ||
	       file->f_op == &shm_file_operations_huge;
}

/**
 * ckpt_shm_stamp_get - see what mapping a segment is going to change
 * @file: made by shmat(2); its namespace is not in use yet
 * @stamp: what to give to ckpt_shm_stamp_put()
 *
 * Context: process context.
 */
void ckpt_shm_stamp_get(struct file *file, struct ckpt_shm_stamp *stamp)
{
	struct shm_file_data *sfd = shm_file_data(file);
	struct shmid_kernel *shp = shm_lock(sfd->ns, sfd->id);

	stamp->atime = 0;
	stamp->lpid = NULL;
	if (IS_ERR(shp))
		return;
	stamp->atime = shp->shm_atim;
	stamp->lpid = get_pid(shp->shm_lprid);
	shm_unlock(shp);
}

/**
 * ckpt_shm_stamp_put - put it back
 * @file: as for ckpt_shm_stamp_get()
 * @stamp: from ckpt_shm_stamp_get()
 *
 * Context: process context.
 */
void ckpt_shm_stamp_put(struct file *file, struct ckpt_shm_stamp *stamp)
{
	struct shm_file_data *sfd = shm_file_data(file);
	struct shmid_kernel *shp = shm_lock(sfd->ns, sfd->id);

	/* one to be removed is, if it could not be mapped */
	if (IS_ERR(shp))
		goto out;
	shp->shm_atim = stamp->atime;
	ipc_update_pid(&shp->shm_lprid, stamp->lpid);
	shm_unlock(shp);
out:
	put_pid(stamp->lpid);
}

static void shm_file_grab(void *ptr)
{
	get_file(ptr);
}

static void shm_file_drop(void *ptr)
{
	fput(ptr);
}

static int shm_file_users(void *ptr)
{
	return file_count((struct file *)ptr);
}

static int shm_file_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct shm_file_data *sfd = shm_file_data((struct file *)ptr);

	if (sfd->ns == ctx->caller_ns->ipc_ns)
		return ckpt_err(ctx, -ENOSYS, "System V shared memory segment %d of the caller's ipc namespace: not supported",
				sfd->id);
	/* which it holds, whatever namespace the task is in by now */
	return ckpt_obj_collect(ctx, sfd->ns, CKPT_OBJ_IPC_NS);
}

static int shm_file_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct file *file = ptr;
	struct shm_file_data *sfd = shm_file_data(file);
	struct ckpt_hdr_shm_file h = {
		.id = sfd->id,
		.flags = file->f_mode & FMODE_WRITE ? 0 : CKPT_SHMF_RDONLY,
	};
	int ref;

	ref = ckpt_obj_checkpoint(ctx, sfd->ns, CKPT_OBJ_IPC_NS);
	if (ref < 0)
		return ref;
	h.ns = ref;
	return ckpt_write_rec(ctx, &h, CKPT_HDR_SHM_FILE, sizeof(h));
}

/* The memory of segment @id, referenced, if the current task may attach it. */
static struct file *shm_attachable(struct ipc_namespace *ns, int id, int flags)
{
	struct file *base = ERR_PTR(-EINVAL);
	struct shmid_kernel *shp;
	int err;

	rcu_read_lock();
	shp = shm_obtain_object_check(ns, id);
	if (!IS_ERR(shp)) {
		err = security_shm_shmat(&shp->shm_perm, NULL, flags);
		ipc_lock_object(&shp->shm_perm);
		if (err)
			base = ERR_PTR(err);
		else if (ipc_valid_object(&shp->shm_perm))
			base = get_file(shp->shm_file);
		ipc_unlock_object(&shp->shm_perm);
	}
	rcu_read_unlock();
	return base;
}

/* What do_shmat() makes before it maps it */
static struct file *shm_file_make(struct ipc_namespace *ns, int id, bool rdonly)
{
	struct shm_file_data *sfd;
	struct file *base, *file;

	base = shm_attachable(ns, id, rdonly ? SHM_RDONLY : 0);
	if (IS_ERR(base))
		return base;
	sfd = kzalloc(sizeof(*sfd), GFP_KERNEL);
	if (!sfd) {
		fput(base);
		return ERR_PTR(-ENOMEM);
	}
	file = alloc_file_clone(base, rdonly ? O_RDONLY : O_RDWR,
				is_file_hugepages(base) ?
					&shm_file_operations_huge :
					&shm_file_operations);
	if (IS_ERR(file)) {
		kfree(sfd);
		fput(base);
		return file;
	}
	sfd->id = id;
	sfd->ns = get_ipc_ns(ns);
	sfd->file = base;
	file->private_data = sfd;
	return file;
}

static void *shm_file_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_shm_file h;
	struct ipc_namespace *ns;
	struct file *file;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_SHM_FILE, sizeof(h));
	if (err)
		return ERR_PTR(err);
	ns = ckpt_obj_fetch(ctx, h.ns, CKPT_OBJ_IPC_NS);
	if (IS_ERR(ns))
		return ns;
	if ((h.flags & ~CKPT_SHMF_RDONLY) || h.reserved)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: attached shared memory segment %d: unknown state",
					h.id));
	/* nobody has asked whether the caller may attach those in there */
	if (ns == ctx->caller_ns->ipc_ns)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: attached shared memory segment %d: of the caller's ipc namespace",
					h.id));
	file = shm_file_make(ns, h.id, h.flags & CKPT_SHMF_RDONLY);
	if (IS_ERR(file))
		ckpt_err(ctx, PTR_ERR(file), "shared memory segment %d: cannot be attached: error %ld",
			 h.id, PTR_ERR(file));
	return file;
}

const struct ckpt_obj_ops ckpt_shm_file_obj_ops = {
	.name		= "attached System V shared memory",
	.grab		= shm_file_grab,
	.drop		= shm_file_drop,
	.users		= shm_file_users,
	.collect	= shm_file_collect,
	.checkpoint	= shm_file_checkpoint,
	.restore	= shm_file_restore,
};
