// SPDX-License-Identifier: GPL-2.0
/*
 * Shared objects: written once, before their first user, and named by an
 * objref after that. A table finds them by pointer and by objref, and counts
 * how often they are used from inside the tree.
 */

#include <kunit/static_stub.h>
#include <linux/hash.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include "internal.h"
#include <trace/events/checkpoint.h>

/*
 * Objects inside of objects, as deep as an image may nest them. Each is read by
 * a function that the one around it has called: all must fit on the stack.
 */
#define CKPT_OBJ_DEPTH_MAX	8

/* The same for the collect pass, where what is written side by side may nest */
#define CKPT_OBJ_COLLECT_MAX	16

/* How often, and how far apart, the users of an object are counted again */
#define CKPT_LEAK_TRIES		20
#define CKPT_LEAK_DELAY		(HZ / 100 ?: 1)

/* The table of kinds: adding one is an entry here. */
static const struct ckpt_obj_ops *const ckpt_obj_table[CKPT_OBJ_MAX] = {
	[CKPT_OBJ_NSPROXY]	= &ckpt_nsproxy_obj_ops,
	[CKPT_OBJ_UTS_NS]	= &ckpt_uts_ns_obj_ops,
	[CKPT_OBJ_IPC_NS]	= &ckpt_ipc_ns_obj_ops,
	[CKPT_OBJ_MNT_NS]	= &ckpt_mnt_ns_obj_ops,
	[CKPT_OBJ_PID_NS]	= &ckpt_pid_ns_obj_ops,
	[CKPT_OBJ_CRED]		= &ckpt_cred_obj_ops,
	[CKPT_OBJ_SIGHAND]	= &ckpt_sighand_obj_ops,
	[CKPT_OBJ_SECCOMP_FILTER] = &ckpt_seccomp_filter_obj_ops,
	[CKPT_OBJ_KEY]		= &ckpt_key_obj_ops,
	[CKPT_OBJ_CORE_COOKIE]	= &ckpt_core_cookie_obj_ops,
	[CKPT_OBJ_AUTOGROUP]	= &ckpt_autogroup_obj_ops,
	[CKPT_OBJ_FS]		= &ckpt_fs_obj_ops,
	[CKPT_OBJ_FILES]	= &ckpt_files_obj_ops,
	[CKPT_OBJ_FILE]		= &ckpt_file_obj_ops,
	[CKPT_OBJ_PIPE]		= &ckpt_pipe_obj_ops,
	[CKPT_OBJ_MM]		= &ckpt_mm_obj_ops,
	[CKPT_OBJ_SHMEM]	= &ckpt_shmem_obj_ops,
	[CKPT_OBJ_SHM_FILE]	= &ckpt_shm_file_obj_ops,
	[CKPT_OBJ_SEM_UNDO]	= &ckpt_sem_undo_obj_ops,
	[CKPT_OBJ_MQUEUE]	= &ckpt_mqueue_obj_ops,
	[CKPT_OBJ_SB]		= &ckpt_sb_obj_ops,
	[CKPT_OBJ_MNT]		= &ckpt_mnt_obj_ops,
	[CKPT_OBJ_TIME_NS]	= &ckpt_time_ns_obj_ops,
	[CKPT_OBJ_CGROUP_NS]	= &ckpt_cgroup_ns_obj_ops,
	[CKPT_OBJ_USER_NS]	= &ckpt_user_ns_obj_ops,
	[CKPT_OBJ_DEAD_PID]	= &ckpt_dead_pid_obj_ops,
	[CKPT_OBJ_REMOVED]	= &ckpt_removed_obj_ops,
	[CKPT_OBJ_SOCK]		= &ckpt_sock_obj_ops,
	[CKPT_OBJ_NET_NS]	= &ckpt_net_ns_obj_ops,
	[CKPT_OBJ_ANON]		= &ckpt_anon_obj_ops,
	[CKPT_OBJ_MEMFD]	= &ckpt_memfd_obj_ops,
};

/* NULL if there is no such kind */
static const struct ckpt_obj_ops *obj_ops(u32 type)
{
	KUNIT_STATIC_STUB_REDIRECT(obj_ops, type);
	return type < CKPT_OBJ_MAX ? ckpt_obj_table[type] : NULL;
}

/**
 * struct ckpt_obj - a shared object
 * @key: what it is found by
 * @key.ptr: the object, referenced unless @borrowed
 * @key.type: its kind
 * @node: in the table by pointer
 * @list: in the order in which they were met
 * @objref: its number in the image, 0 until it is written
 * @count: uses from inside the tree, met by the collect pass
 * @mark: bits of the kind's own
 * @outside: in use outside of the tree too
 * @borrowed: the table has no reference
 */
struct ckpt_obj {
	struct ckpt_obj_key {
		void *ptr;
		unsigned long type;
	} key;
	struct rhash_head node;
	struct list_head list;
	u32 objref;
	u32 count;
	u32 mark;
	bool outside;
	bool borrowed;
};

/**
 * struct ckpt_objhash - the objects of one checkpoint or restart
 * @by_ptr: by pointer and kind
 * @by_ref: by objref
 * @list: all of them
 * @count: number of objects
 * @last_ref: last objref given out
 * @depth: objects being read inside of each other
 */
struct ckpt_objhash {
	struct rhashtable by_ptr;
	struct xarray by_ref;
	struct list_head list;
	u64 count;
	u32 last_ref;
	unsigned int depth;
};

static const struct rhashtable_params ckpt_obj_params = {
	.key_len	= sizeof(struct ckpt_obj_key),
	.key_offset	= offsetof(struct ckpt_obj, key),
	.head_offset	= offsetof(struct ckpt_obj, node),
	.automatic_shrinking = false,
};

/**
 * ckpt_objhash_alloc - an empty table
 *
 * Context: process context, may sleep.
 * Return: the table or NULL.
 */
struct ckpt_objhash *ckpt_objhash_alloc(void)
{
	struct ckpt_objhash *hash = kzalloc(sizeof(*hash), GFP_KERNEL_ACCOUNT);

	if (!hash)
		return NULL;
	if (rhashtable_init(&hash->by_ptr, &ckpt_obj_params)) {
		kfree(hash);
		return NULL;
	}
	xa_init_flags(&hash->by_ref, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&hash->list);
	return hash;
}

/**
 * ckpt_objhash_free - drop all objects and the table
 * @hash: the table, or NULL
 *
 * Context: process context, may sleep.
 */
void ckpt_objhash_free(struct ckpt_objhash *hash)
{
	const struct ckpt_obj_ops *ops;
	struct ckpt_obj *obj, *next;

	if (!hash)
		return;
	xa_destroy(&hash->by_ref);
	rhashtable_destroy(&hash->by_ptr);
	/* what was met last may live inside of what was met before */
	list_for_each_entry_safe_reverse(obj, next, &hash->list, list) {
		ops = obj_ops(obj->key.type);
		if (ops->drop && !obj->borrowed)
			ops->drop(obj->key.ptr);
		kfree(obj);
	}
	kfree(hash);
}

/**
 * ckpt_obj_count - number of objects in a table
 * @hash: the table
 *
 * Return: how many there are.
 */
u64 ckpt_obj_count(const struct ckpt_objhash *hash)
{
	return hash->count;
}

static struct ckpt_obj *obj_find(struct ckpt_ctx *ctx, void *ptr,
				 enum ckpt_obj_type type)
{
	struct ckpt_obj_key key = { .ptr = ptr, .type = type };

	return rhashtable_lookup_fast(&ctx->objhash->by_ptr, &key,
				      ckpt_obj_params);
}

/* Enter @ptr; its reference becomes the table's. */
static struct ckpt_obj *obj_enter(struct ckpt_ctx *ctx, void *ptr,
				  enum ckpt_obj_type type)
{
	struct ckpt_objhash *hash = ctx->objhash;
	struct ckpt_obj *obj;
	int err;

	obj = kzalloc(sizeof(*obj), GFP_KERNEL_ACCOUNT);
	if (!obj)
		return ERR_PTR(-ENOMEM);
	obj->key.ptr = ptr;
	obj->key.type = type;
	err = rhashtable_insert_fast(&hash->by_ptr, &obj->node, ckpt_obj_params);
	if (err) {
		kfree(obj);
		return ERR_PTR(err);
	}
	list_add_tail(&obj->list, &hash->list);
	hash->count++;
	return obj;
}

/* Meet @ptr: enter it with a reference of the table's own. */
static struct ckpt_obj *obj_meet(struct ckpt_ctx *ctx, void *ptr,
				 enum ckpt_obj_type type)
{
	const struct ckpt_obj_ops *ops = obj_ops(type);
	struct ckpt_obj *obj;

	obj = obj_enter(ctx, ptr, type);
	if (IS_ERR(obj))
		return obj;
	obj->borrowed = !ops->grab;
	if (ops->grab)
		ops->grab(ptr);
	return obj;
}

/* ---------------------------------------------------------- checkpoint */

/* Each level of what is in something else takes stack. */
static int enter_object(struct ckpt_ctx *ctx, const struct ckpt_obj_ops *ops,
			unsigned int max)
{
	if (ctx->objhash->depth >= max)
		return ckpt_err(ctx, -ENOSYS, "%s: nested in others more than %u levels deep: not supported",
				ops->name, max);
	ctx->objhash->depth++;
	return 0;
}

/**
 * ckpt_obj_collect_n - count uses of an object from inside the tree
 * @ctx: the context
 * @ptr: the object
 * @type: its kind
 * @n: number of uses
 *
 * Context: process context, may sleep; the user of the object is parked.
 * Return: 0, -ENOMEM, -ENOSYS if it is nested too deeply, or the errno of its
 * kind's collect function.
 */
int ckpt_obj_collect_n(struct ckpt_ctx *ctx, void *ptr,
		       enum ckpt_obj_type type, unsigned int n)
{
	const struct ckpt_obj_ops *ops = obj_ops(type);
	struct ckpt_obj *obj = obj_find(ctx, ptr, type);
	int err;

	if (obj) {
		obj->count += n;
		return 0;
	}
	obj = obj_meet(ctx, ptr, type);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	obj->count = n;
	if (!ops->collect)
		return 0;
	err = enter_object(ctx, ops, CKPT_OBJ_COLLECT_MAX);
	if (err)
		return err;
	err = ops->collect(ctx, ptr);
	ctx->objhash->depth--;
	return err;
}

/**
 * ckpt_obj_collect - count a use of an object from inside the tree
 * @ctx: the context
 * @ptr: the object
 * @type: its kind
 *
 * Context: process context, may sleep; the user of the object is parked.
 * Return: as of ckpt_obj_collect_n().
 */
int ckpt_obj_collect(struct ckpt_ctx *ctx, void *ptr, enum ckpt_obj_type type)
{
	return ckpt_obj_collect_n(ctx, ptr, type, 1);
}

/**
 * ckpt_obj_outside - is an object in use outside of the tree, too?
 * @ctx: the context; the collect pass is over
 * @ptr: the object
 * @type: its kind
 *
 * Return: true if it is, or if the collect pass did not meet it.
 */
bool ckpt_obj_outside(struct ckpt_ctx *ctx, void *ptr, enum ckpt_obj_type type)
{
	struct ckpt_obj *obj = obj_find(ctx, ptr, type);

	if (!obj)
		return true;
	/* somebody who reads /proc holds a reference for a moment only */
	if (obj->outside && obj_ops(type)->users(ptr) - 1 == obj->count)
		obj->outside = false;
	return obj->outside;
}

/**
 * ckpt_obj_left_out - is an object of the tree in use outside of it, too?
 * @ctx: the context
 * @ptr: the object
 * @type: its kind
 *
 * Return: true if the collect pass has met it, and it is: with
 * CHECKPOINT_SUBTREE such a namespace is not saved.
 */
bool ckpt_obj_left_out(struct ckpt_ctx *ctx, void *ptr, enum ckpt_obj_type type)
{
	return ckpt_obj_collected(ctx, ptr, type) &&
	       ckpt_obj_outside(ctx, ptr, type);
}

/**
 * ckpt_obj_collected - has the collect pass met an object?
 * @ctx: the context
 * @ptr: the object
 * @type: its kind
 *
 * Return: true if it has.
 */
bool ckpt_obj_collected(struct ckpt_ctx *ctx, void *ptr, enum ckpt_obj_type type)
{
	return obj_find(ctx, ptr, type);
}

/**
 * ckpt_obj_mark - set bits of its kind's own on an object
 * @ctx: the context
 * @ptr: the object
 * @type: its kind
 * @mark: bits to set
 *
 * Return: all bits that are set; 0 for an object that was not met.
 */
u32 ckpt_obj_mark(struct ckpt_ctx *ctx, void *ptr, enum ckpt_obj_type type,
		  u32 mark)
{
	struct ckpt_obj *obj = obj_find(ctx, ptr, type);

	if (!obj)
		return 0;
	obj->mark |= mark;
	return obj->mark;
}

/**
 * ckpt_obj_for_each - call a function for every object of a kind
 * @ctx: the context
 * @type: the kind
 * @fn: what to call; anything but 0 ends this
 * @arg: passed to @fn
 *
 * Return: what @fn returned last, 0 if there is no such object.
 */
int ckpt_obj_for_each(struct ckpt_ctx *ctx, enum ckpt_obj_type type,
		      int (*fn)(struct ckpt_ctx *ctx, void *ptr, void *arg),
		      void *arg)
{
	struct ckpt_obj *obj;
	int ret;

	list_for_each_entry(obj, &ctx->objhash->list, list) {
		if (obj->key.type != type)
			continue;
		ret = fn(ctx, obj->key.ptr, arg);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Somebody who reads /proc holds a reference for a moment: count again for a
 * while before it is a leak. So does what was closed and RCU is yet to free, a
 * UDP socket of a namespace for one: wait for that before the last count. What
 * may be outside is not waited for here, but counted again when it is written.
 */
static int obj_users(struct ckpt_obj *obj, int tries)
{
	const struct ckpt_obj_ops *ops = obj_ops(obj->key.type);
	int users;

	for (;;) {
		users = ops->users(obj->key.ptr) - 1;
		if (users == obj->count || !--tries ||
		    fatal_signal_pending(current))
			return users;
		if (tries == 1)
			rcu_barrier();
		else
			schedule_timeout_killable(CKPT_LEAK_DELAY);
	}
}

/* Longest name of who uses an object */
#define CKPT_HOLDER_MAX		96

static int refuse_leak(struct ckpt_ctx *ctx, struct ckpt_obj *obj, int users)
{
	const struct ckpt_obj_ops *ops = obj_ops(obj->key.type);
	char who[CKPT_HOLDER_MAX] = "";

	if (ops->holder)
		ops->holder(ctx, obj->key.ptr, who, sizeof(who));
	return ckpt_err(ctx, -EBUSY,
			"%s: %d uses, %u of them in the tree: shared with a task outside of it%s%s",
			ops->name, users, obj->count, *who ? ": " : "", who);
}

/**
 * ckpt_obj_check_leaks - find the objects that are in use outside of the tree
 * @ctx: the context; everything is collected
 *
 * Context: process context, may sleep.
 * Return: 0, or -EBUSY for an object that must not be.
 */
int ckpt_obj_check_leaks(struct ckpt_ctx *ctx)
{
	bool subtree = ctx->uflags & CHECKPOINT_SUBTREE;
	const struct ckpt_obj_ops *ops;
	struct ckpt_obj *obj;
	bool may;
	int users;

	list_for_each_entry(obj, &ctx->objhash->list, list) {
		ops = obj_ops(obj->key.type);
		if (!ops->users)
			continue;
		may = ops->outside_ok || (ops->subtree_ok && subtree);
		users = obj_users(obj, ops->outside_ok ? 1 : CKPT_LEAK_TRIES);
		if (users == obj->count)
			continue;
		if (users < (int)obj->count)
			return ckpt_err(ctx, -EBUSY,
					"%s: %u uses counted, but it has only %d: it changed meanwhile, try again",
					ops->name, obj->count, users);
		if (!may)
			return refuse_leak(ctx, obj, users);
		obj->outside = true;
	}
	return 0;
}

/**
 * ckpt_obj_checkpoint - write an object unless that was done before
 * @ctx: the context
 * @ptr: the object
 * @type: its kind
 *
 * Context: process context, may sleep.
 * Return: its objref, positive, or a negative errno: -EBUSY if the collect
 * pass has not met it, -ENOSYS if it is nested too deeply, -ENOMEM, the errno of
 * the write.
 */
int ckpt_obj_checkpoint(struct ckpt_ctx *ctx, void *ptr,
			enum ckpt_obj_type type)
{
	const struct ckpt_obj_ops *ops = obj_ops(type);
	struct ckpt_hdr_object h = { .objtype = type };
	struct ckpt_obj *obj = obj_find(ctx, ptr, type);
	int err;

	if (!obj)
		return ckpt_err(ctx, -EBUSY,
				"%s: appeared while the tree was being read, try again",
				ops->name);
	if (obj->objref)
		return obj->objref;

	obj->objref = ++ctx->objhash->last_ref;
	h.objref = obj->objref;
	err = enter_object(ctx, ops, CKPT_OBJ_DEPTH_MAX);
	if (err)
		return err;
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_OBJECT, sizeof(h));
	if (!err)
		err = ops->checkpoint(ctx, ptr);
	ctx->objhash->depth--;
	trace_checkpoint_object(ctx->id, ops->name, obj->objref, err);
	return err < 0 ? err : obj->objref;
}

/* ------------------------------------------------------------- restart */

/**
 * ckpt_obj_restore - make the object that a record announces
 * @ctx: the context
 * @h: the record, not checked yet
 *
 * Context: the restoring task, may sleep.
 * Return: 0, -EINVAL for an unknown kind, an objref in use or objects nested
 * too deeply, -ENOMEM, or the errno of the restore.
 */
int ckpt_obj_restore(struct ckpt_ctx *ctx, const struct ckpt_hdr_object *h)
{
	const struct ckpt_obj_ops *ops = obj_ops(h->objtype);
	struct ckpt_objhash *hash = ctx->objhash;
	struct ckpt_obj *obj;
	void *ptr;
	int err;

	if (!ops)
		return ckpt_err(ctx, -EINVAL,
				"image: object %u is of unknown kind %u",
				h->objref, h->objtype);
	if (!h->objref || h->objref > INT_MAX || xa_load(&hash->by_ref, h->objref))
		return ckpt_err(ctx, -EINVAL,
				"image: object %u (%s): not a new number",
				h->objref, ops->name);
	if (hash->depth >= CKPT_OBJ_DEPTH_MAX)
		return ckpt_err(ctx, -EINVAL,
				"image: object %u (%s): nested too deeply",
				h->objref, ops->name);

	hash->depth++;
	ptr = ops->restore(ctx);
	hash->depth--;
	trace_restart_object(ctx->id, ops->name, h->objref,
			     PTR_ERR_OR_ZERO(ptr));
	if (IS_ERR(ptr))
		return ckpt_err(ctx, PTR_ERR(ptr),
				"object %u (%s): cannot be restored: error %ld",
				h->objref, ops->name, PTR_ERR(ptr));

	obj = kzalloc(sizeof(*obj), GFP_KERNEL_ACCOUNT);
	if (!obj) {
		err = -ENOMEM;
		goto drop;
	}
	obj->key.ptr = ptr;
	obj->key.type = h->objtype;
	obj->objref = h->objref;
	err = xa_insert(&hash->by_ref, h->objref, obj, GFP_KERNEL_ACCOUNT);
	if (err) {
		kfree(obj);
		goto drop;
	}
	list_add_tail(&obj->list, &hash->list);
	hash->count++;
	return 0;

drop:
	if (ops->drop)
		ops->drop(ptr);
	return ckpt_err(ctx, err, "object %u (%s): error %d", h->objref,
			ops->name, err);
}

/**
 * ckpt_obj_fetch - the object that an objref names
 * @ctx: the context
 * @objref: from the image, not checked yet
 * @type: the kind that it must be of
 *
 * Return: the object, borrowed from the table, or ERR_PTR(-EINVAL), reported.
 */
void *ckpt_obj_fetch(struct ckpt_ctx *ctx, u32 objref, enum ckpt_obj_type type)
{
	struct ckpt_obj *obj = xa_load(&ctx->objhash->by_ref, objref);

	if (!obj || obj->key.type != type)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
					"image: object %u is %s; a %s is wanted",
					objref,
					obj ? obj_ops(obj->key.type)->name : "missing",
					obj_ops(type)->name));
	return obj->key.ptr;
}

/**
 * ckpt_obj_commit - the tree is restored and about to run: tell the objects
 * @ctx: the context of a restart
 *
 * Context: the caller of restart, may sleep.
 */
void ckpt_obj_commit(struct ckpt_ctx *ctx)
{
	struct ckpt_obj *obj;

	list_for_each_entry(obj, &ctx->objhash->list, list)
		if (obj_ops(obj->key.type)->commit)
			obj_ops(obj->key.type)->commit(ctx, obj->key.ptr);
}

static int __init ckpt_obj_table_check(void)
{
	int i;

	/* CKPT_OBJ_PID stands for a row of the pid table, and has no records */
	for (i = CKPT_OBJ_PID + 1; i < CKPT_OBJ_MAX; i++)
		if (WARN_ON(!ckpt_obj_table[i] || !ckpt_obj_table[i]->name ||
			    !ckpt_obj_table[i]->checkpoint ||
			    !ckpt_obj_table[i]->restore))
			return -EINVAL;
	return 0;
}
late_initcall(ckpt_obj_table_check);

#ifdef CONFIG_CHECKPOINT_KUNIT_TEST
#include "objhash_kunit.c"
#endif
