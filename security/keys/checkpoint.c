// SPDX-License-Identifier: GPL-2.0
/*
 * Keyrings of threads, processes and sessions, and the keys in them.
 *
 * A key is an object: a keyring that several have is one again, and so is a key
 * that is in several keyrings. Keys that are nested are written one after the
 * other, from below. The keyrings of a user belong to the machine: of them the
 * image has whose they are.
 *
 * A restart makes each key anew, charged to its owner, whom the caller must be
 * or may become.
 */

#include <linux/capability.h>
#include <linux/checkpoint_types.h>
#include <linux/cred.h>
#include <linux/key.h>
#include <linux/key-type.h>
#include <linux/keyctl.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/sched/user.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>
#include <keys/user-type.h>

#include "internal.h"

/* Keyrings inside of keyrings: more than the kernel searches */
#define CKPT_KEY_DEPTH_MAX	8

/* Keys that a record has room for */
#define CKPT_KEY_LINKS_MAX \
	((CKPT_REC_MAX - sizeof(struct ckpt_hdr_key)) / sizeof(__u32))

/*
 * How often numbers that are about to become free are waited for: each time for
 * the credentials, or the outermost of the keyrings, to go
 */
#define CKPT_KEY_SERIAL_TRIES	(CKPT_KEY_DEPTH_MAX + 4)

/* No key expires later: this has room in jiffies, and KEYCTL_SET_TIMEOUT ends */
#define CKPT_KEY_LAST		0x10000000000LL

/* Bits of ckpt_obj_mark(): a keyring with n - 1 others inside, and written */
#define CKPT_KEY_MARK_HEIGHT(n)	BIT((n) - 1)
#define CKPT_KEY_MARK_HEIGHTS	(BIT(CKPT_KEY_DEPTH_MAX) - 1)
#define CKPT_KEY_MARK_WRITTEN	BIT(31)

#define CKPT_KEY_PERMS \
	(KEY_POS_ALL | KEY_USR_ALL | KEY_GRP_ALL | KEY_OTH_ALL)

/* Those that the kernel sets on keys of its own */
#define CKPT_KEY_FLAGS_REFUSED \
	(BIT(KEY_FLAG_BUILTIN) | BIT(KEY_FLAG_KEEP) | \
	 BIT(KEY_FLAG_ROOT_CAN_CLEAR) | BIT(KEY_FLAG_ROOT_CAN_INVAL))

static bool is_keyring(const struct key *key)
{
	return key->type == &key_type_keyring;
}

static bool is_revoked(const struct key *key)
{
	return test_bit(KEY_FLAG_REVOKED, &key->flags);
}

static bool is_uid_keyring(const struct key *key)
{
	return test_bit(KEY_FLAG_UID_KEYRING, &key->flags);
}

/* As add_key(2) refuses it */
static bool has_kernel_name(const struct key *key)
{
	return is_keyring(key) && key->description[0] == '.';
}

/* Not the session keyring of the caller, which that of restart takes over */
static struct key *own_session(struct ckpt_ctx *ctx, const struct cred *cred)
{
	if (cred->session_keyring == ctx->caller_cred->session_keyring)
		return NULL;
	return cred->session_keyring;
}

/* ---------------------------------------------------- what is in a keyring */

static void put_keys(struct key **keys, u32 nr)
{
	while (nr)
		key_put(keys[--nr]);
	kvfree(keys);
}

static u32 look_up(struct key **keys, const key_serial_t *ids, u32 nr)
{
	struct key *key;
	u32 i, found = 0;

	for (i = 0; i < nr; i++) {
		key = key_lookup(ids[i]);
		if (IS_ERR(key))
			continue;
		/* such a link is gone for all who search it */
		if (key->flags & (BIT(KEY_FLAG_INVALIDATED) |
				  BIT(KEY_FLAG_DEAD)))
			key_put(key);
		else
			keys[found++] = key;
	}
	return found;
}

/* The keys in @keyring, referenced: their number, -E2BIG or -ENOMEM. */
static int keys_in(struct key *keyring, struct key ***keys)
{
	key_serial_t *ids = NULL;
	long size;
	int ret;

	*keys = NULL;
	down_read(&keyring->sem);
	size = key_type_keyring.read(keyring, NULL, 0);
	if (size > CKPT_KEY_LINKS_MAX * sizeof(*ids)) {
		ret = -E2BIG;
	} else {
		ids = kvmalloc(size, GFP_KERNEL_ACCOUNT);
		ret = ids ? 0 : -ENOMEM;
	}
	if (!ret)
		key_type_keyring.read(keyring, (char *)ids, size);
	up_read(&keyring->sem);

	if (!ret) {
		size /= sizeof(*ids);
		*keys = kvcalloc(size, sizeof(**keys), GFP_KERNEL_ACCOUNT);
		ret = *keys ? look_up(*keys, ids, size) : -ENOMEM;
	}
	kvfree(ids);
	return ret;
}

/* -------------------------------------------------------- what is refused */

/* The user namespace that a user's keyring is registered in, or NULL */
static struct user_namespace *uid_keyring_ns(const struct cred *cred,
					     struct key *key)
{
	struct user_namespace *ns;
	struct key *reg;
	key_ref_t ref;
	bool same;

	for (ns = cred->user_ns; ns; ns = ns->parent) {
		reg = READ_ONCE(ns->user_keyring_register);
		if (!reg)
			continue;
		ref = keyring_search(make_key_ref(reg, true), &key_type_keyring,
				     key->description, false);
		if (IS_ERR(ref))
			continue;
		same = key_ref_to_ptr(ref) == key;
		key_ref_put(ref);
		if (same)
			return ns;
	}
	return NULL;
}

/* As search_keyrings_rcu() and search_nested_keyrings() find keys */
static bool searches(const struct cred *cred, struct key *key, bool possessed)
{
	return possessed && !key_task_permission(make_key_ref(key, true), cred,
						 KEY_NEED_SEARCH);
}

/*
 * Could the task read it, as it is or because it finds it in a keyring? Then so
 * may whoever can checkpoint the task. What nobody can read takes the right to
 * look into the kernel. @possessed: it was come to through keyrings that the
 * task may search, from one of its own.
 */
static bool may_read(const struct cred *cred, struct key *key, bool possessed)
{
	if (capable(CAP_SYS_ADMIN))
		return true;
	if (!key->type->read)
		return false;
	return !key_task_permission(make_key_ref(key, false), cred,
				    KEY_NEED_READ) ||
	       (searches(cred, key, possessed) &&
		!key_task_permission(make_key_ref(key, true), cred,
				     KEY_NEED_READ));
}

static const char *key_refused(struct ckpt_ctx *ctx, const struct cred *cred,
			       struct key *key, bool possessed)
{
	short state = READ_ONCE(key->state);

	if (state < 0)
		return "negative key";
	if (state != KEY_IS_POSITIVE)
		return "key that is being made";
	if (key->flags & (BIT(KEY_FLAG_INVALIDATED) | BIT(KEY_FLAG_DEAD)))
		return "key that is invalidated";
	if ((key->flags & CKPT_KEY_FLAGS_REFUSED) || has_kernel_name(key))
		return "key that belongs to the kernel";
	/* of the machine, as that of a user, but not known as one */
	if (is_keyring(key) && !test_bit(KEY_FLAG_IN_QUOTA, &key->flags))
		return "persistent keyring";
	if (is_keyring(key) && key->restrict_link)
		return "keyring that is restricted";
	if (!kuid_has_mapping(ctx->caller_cred->user_ns, key->uid) ||
	    (gid_valid(key->gid) &&
	     !kgid_has_mapping(ctx->caller_cred->user_ns, key->gid)))
		return "key of a user or group that is not mapped";
	if (!may_read(cred, key, possessed))
		return "key that you may not read";
	return NULL;
}

static bool refused(struct ckpt_ctx *ctx, const struct cred *cred,
		    struct key *key, bool possessed, int depth, char *why,
		    size_t size);

/* One that is made anew with its user namespace, or that of the machine */
static bool uid_keyring_refused(struct ckpt_ctx *ctx, const struct cred *cred,
				struct key *key, char *why, size_t size)
{
	struct user_namespace *ns = uid_keyring_ns(cred, key);
	struct key **keys;
	bool found = false;
	int i, nr;

	if (ns == ctx->caller_cred->user_ns)
		return false;
	nr = ns && in_userns(ctx->caller_cred->user_ns, ns) ?
		keys_in(key, &keys) : -EPERM;
	for (i = 0; i < nr; i++)
		found |= !is_uid_keyring(keys[i]);
	if (nr >= 0)
		put_keys(keys, nr);
	if (nr >= 0 && !found)
		return false;
	snprintf(why, size, "key of a user in a user namespace");
	return true;
}

/* Keyrings from @key to the innermost one: 0 for one that is no keyring */
static int height_of(struct ckpt_ctx *ctx, struct key *key)
{
	return fls(ckpt_obj_mark(ctx, key, CKPT_OBJ_KEY, 0) &
		   CKPT_KEY_MARK_HEIGHTS);
}

static bool keyring_refused(struct ckpt_ctx *ctx, const struct cred *cred,
			    struct key *keyring, bool possessed, int depth,
			    int *height, char *why, size_t size)
{
	struct key **keys;
	bool ret = false;
	int i, nr;

	possessed = searches(cred, keyring, possessed);
	nr = depth < CKPT_KEY_DEPTH_MAX ? keys_in(keyring, &keys) : -ELOOP;
	if (nr < 0) {
		snprintf(why, size, "keyring with too much in it");
		return true;
	}
	for (i = 0; i < nr && !ret; i++) {
		ret = refused(ctx, cred, keys[i], possessed, depth + 1, why,
			      size);
		*height = max(*height, height_of(ctx, keys[i]) + 1);
	}
	put_keys(keys, nr);
	return ret;
}

static bool not_collected(struct ckpt_ctx *ctx, struct key *key, char *why,
			  size_t size)
{
	if (!ckpt_obj_collect(ctx, key, CKPT_OBJ_KEY))
		return false;
	snprintf(why, size, "key that there is no memory for");
	return true;
}

/*
 * Each key is looked at once, by whichever way it is reached first: there may
 * be more ways to it than can be gone. What passes is collected. What the task
 * cannot read by that way is refused, also if it can by another.
 */
static bool refused(struct ckpt_ctx *ctx, const struct cred *cred,
		    struct key *key, bool possessed, int depth, char *why,
		    size_t size)
{
	const char *what;
	int height = 1;

	if (is_uid_keyring(key))
		return uid_keyring_refused(ctx, cred, key, why, size) ||
		       not_collected(ctx, key, why, size);
	if (ckpt_obj_collected(ctx, key, CKPT_OBJ_KEY)) {
		if (depth + height_of(ctx, key) <= CKPT_KEY_DEPTH_MAX)
			return false;
		snprintf(why, size, "keyring with too much in it");
		return true;
	}
	if (!is_keyring(key) && key->type != &key_type_user &&
	    key->type != &key_type_logon) {
		snprintf(why, size, "key of type %s", key->type->name);
		return true;
	}
	what = key_refused(ctx, cred, key, possessed);
	if (what) {
		snprintf(why, size, "%s", what);
		return true;
	}
	if (!is_keyring(key) || is_revoked(key))
		height = 0;
	else if (keyring_refused(ctx, cred, key, possessed, depth, &height,
				 why, size))
		return true;
	if (not_collected(ctx, key, why, size))
		return true;
	if (height)
		ckpt_obj_mark(ctx, key, CKPT_OBJ_KEY,
			      CKPT_KEY_MARK_HEIGHT(height));
	return false;
}

static bool keys_refused(struct ckpt_ctx *ctx, const struct cred *cred,
			 char *why, size_t size)
{
	struct key *keyring[] = {
		cred->thread_keyring, cred->process_keyring,
		own_session(ctx, cred),
	};
	struct key *user_session;
	bool ret = false;
	int i, height = 1;

	if (cred->request_key_auth) {
		snprintf(why, size, "key that is being made by the task");
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(keyring) && !ret; i++)
		ret = keyring[i] &&
		      refused(ctx, cred, keyring[i], true, 0, why, size);
	if (ret || cred->user_ns == ctx->caller_cred->user_ns)
		return ret;

	/* those that the user has are in use without being in any of these */
	rcu_read_lock();
	user_session = get_user_session_keyring_rcu(cred);
	rcu_read_unlock();
	if (user_session) {
		ret = uid_keyring_refused(ctx, cred, user_session, why, size) ||
		      keyring_refused(ctx, cred, user_session, true, 0,
				      &height, why, size);
		key_put(user_session);
	}
	return ret;
}

/**
 * ckpt_keys_collect - look at the keyrings of credentials, and count them
 * @ctx: the context
 * @cred: the credentials
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOSYS if they cannot be saved, reported.
 */
int ckpt_keys_collect(struct ckpt_ctx *ctx, const struct cred *cred)
{
	char why[64];

	if (keys_refused(ctx, cred, why, sizeof(why)))
		return ckpt_err(ctx, -ENOSYS, "%s: not supported", why);
	return 0;
}

/* ------------------------------------------------------------- checkpoint */

static void key_grab(void *ptr)
{
	key_get(ptr);
}

static void key_drop(void *ptr)
{
	key_put(ptr);
}

/* What is in a keyring: objrefs. All of it is written. */
static int save_links(struct ckpt_ctx *ctx, struct key *keyring, u32 **refs)
{
	struct key **keys;
	int i, nr, ret = 0;

	nr = keys_in(keyring, &keys);
	if (nr < 0)
		return nr;
	*refs = kvmalloc_array(nr, sizeof(**refs), GFP_KERNEL_ACCOUNT);
	if (!*refs)
		ret = -ENOMEM;
	for (i = 0; i < nr && ret >= 0; i++) {
		ret = ckpt_obj_checkpoint(ctx, keys[i], CKPT_OBJ_KEY);
		(*refs)[i] = ret;
	}
	put_keys(keys, nr);
	return ret < 0 ? ret : nr * sizeof(**refs);
}

static int save_payload(struct key *key, void **data)
{
	const struct user_key_payload *payload;
	int len = 0;

	down_read(&key->sem);
	payload = user_key_payload_locked(key);
	if (payload) {
		len = payload->datalen;
		*data = kvmemdup(payload->data, len, GFP_KERNEL_ACCOUNT);
		if (!*data)
			len = -ENOMEM;
	}
	up_read(&key->sem);
	return len;
}

static void fill_key(struct ckpt_ctx *ctx, const struct key *key,
		     struct ckpt_hdr_key *h)
{
	struct user_namespace *own = ctx->caller_cred->user_ns;

	if (is_uid_keyring(key))
		h->kind = strstarts(key->description, "_uid_ses.") ?
			  CKPT_KEY_UID_SESSION : CKPT_KEY_UID;
	else if (is_keyring(key))
		h->kind = CKPT_KEY_KEYRING;
	else
		h->kind = key->type == &key_type_logon ? CKPT_KEY_LOGON :
							 CKPT_KEY_USER;
	h->uid = from_kuid(own, key->uid);
	h->gid = gid_valid(key->gid) ? from_kgid(own, key->gid) : (gid_t)-1;
	h->expiry = CKPT_KEY_FOREVER;
	if (is_uid_keyring(key))
		return;
	h->serial = key->serial;
	h->perm = key->perm;
	if (is_revoked(key))
		h->flags |= CKPT_KEY_REVOKED;
	else
		h->expiry = READ_ONCE(key->expiry);
}

static int key_obj_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct user_namespace *ns = ctx->key_cred->user_ns;
	struct ckpt_hdr_key h = {};
	struct key *key = ptr;
	void *data = NULL;
	int ret;

	fill_key(ctx, key, &h);
	if (is_uid_keyring(key)) {
		ns = uid_keyring_ns(ctx->key_cred, key);
		if (!ns)
			return ckpt_err(ctx, -EBUSY, "keyring of user %u: changed meanwhile, try again",
					h.uid);
	}
	ret = ckpt_user_ns_checkpoint(ctx, ns);
	if (ret < 0)
		return ret;
	h.user_ns = ret;
	ret = 0;
	if (h.kind == CKPT_KEY_KEYRING && !h.flags)
		ret = save_links(ctx, key, (u32 **)&data);
	else if ((h.kind == CKPT_KEY_USER || h.kind == CKPT_KEY_LOGON) &&
		 !h.flags)
		ret = save_payload(key, &data) ?: -EKEYREVOKED;
	if (ret == -EKEYREVOKED)
		return ckpt_err(ctx, -EBUSY, "key %d: revoked meanwhile, try again",
				key->serial);
	if (ret >= 0) {
		h.len = ret;
		ret = ckpt_write_rec_tail(ctx, &h, CKPT_HDR_KEY, sizeof(h),
					  data, h.len);
	}
	kvfree_sensitive(data, h.len);
	return ret ?: ckpt_write_string(ctx, key->description);
}

/*
 * What is in it first, so that objects do not nest; and what has been written,
 * by another way to it, not again.
 */
static int write_key(struct ckpt_ctx *ctx, struct key *key, int depth)
{
	u32 mark = ckpt_obj_mark(ctx, key, CKPT_OBJ_KEY, 0);
	struct key **keys;
	int i, nr, ret = 0;

	if (!(mark & CKPT_KEY_MARK_WRITTEN) && is_keyring(key) &&
	    !is_uid_keyring(key) && !is_revoked(key)) {
		nr = depth < CKPT_KEY_DEPTH_MAX ? keys_in(key, &keys) : -EBUSY;
		if (nr < 0)
			return nr;
		for (i = 0; i < nr && ret >= 0; i++)
			ret = write_key(ctx, keys[i], depth + 1);
		put_keys(keys, nr);
	}
	if (ret >= 0)
		ret = ckpt_obj_checkpoint(ctx, key, CKPT_OBJ_KEY);
	if (ret >= 0)
		ckpt_obj_mark(ctx, key, CKPT_OBJ_KEY, CKPT_KEY_MARK_WRITTEN);
	return ret;
}

static int save_keyring(struct ckpt_ctx *ctx, struct key *keyring, u32 *ref)
{
	int ret = keyring ? write_key(ctx, keyring, 0) : 0;

	if (ret < 0)
		return ret;
	*ref = ret;
	return 0;
}

/**
 * ckpt_keys_checkpoint - write the keyrings of credentials
 * @ctx: the context
 * @cred: the credentials
 * @h: their record, to be filled in
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_keys_checkpoint(struct ckpt_ctx *ctx, const struct cred *cred,
			 struct ckpt_hdr_cred *h)
{
	int err;

	ctx->key_cred = cred;
	err = save_keyring(ctx, cred->thread_keyring, &h->thread_keyring);
	if (!err)
		err = save_keyring(ctx, cred->process_keyring,
				   &h->process_keyring);
	if (!err)
		err = save_keyring(ctx, own_session(ctx, cred),
				   &h->session_keyring);
	ctx->key_cred = NULL;
	if (!cred->session_keyring && ctx->caller_cred->session_keyring)
		h->flags |= CKPT_CRED_NO_SESSION;
	h->jit_keyring = cred->jit_keyring;
	return err;
}

/* ---------------------------------------------------------------- restart */

/* Hook of key_alloc(): what the restoring task wants. */
void __checkpoint_key_serial(s32 *serial)
{
	if (current->ckpt_task->key_serial)
		*serial = current->ckpt_task->key_serial;
}

static int fill_keyring(struct ckpt_ctx *ctx, struct key *keyring,
			const struct ckpt_hdr_key *h)
{
	const u32 *refs = (const u32 *)h->data;
	struct key *key;
	int err = 0;
	u32 i;

	for (i = 0; i < h->len / sizeof(*refs) && !err; i++) {
		key = ckpt_obj_fetch(ctx, refs[i], CKPT_OBJ_KEY);
		if (IS_ERR(key))
			return PTR_ERR(key);
		err = key_link(keyring, key);
	}
	return err;
}

static struct key *make_key(struct ckpt_ctx *ctx, const struct ckpt_hdr_key *h,
			    const char *desc, kuid_t uid, kgid_t gid)
{
	struct key_type *type = &key_type_keyring;
	struct key *key;
	int err;

	if (h->kind == CKPT_KEY_USER)
		type = &key_type_user;
	else if (h->kind == CKPT_KEY_LOGON)
		type = &key_type_logon;
	key = key_alloc(type, desc, uid, gid, current_cred(), h->perm,
			KEY_ALLOC_IN_QUOTA, NULL);
	if (IS_ERR(key))
		return key;
	/* what is revoked has no payload any more, but had one */
	if (type == &key_type_keyring)
		err = key_instantiate_and_link(key, NULL, 0, NULL, NULL);
	else if (h->flags & CKPT_KEY_REVOKED)
		err = key_instantiate_and_link(key, "", 1, NULL, NULL);
	else
		err = key_instantiate_and_link(key, h->data, h->len, NULL,
					       NULL);
	if (!err && type == &key_type_keyring)
		err = fill_keyring(ctx, key, h);
	if (err) {
		key_put(key);
		return ERR_PTR(err);
	}
	if (h->flags & CKPT_KEY_REVOKED)
		key_revoke(key);
	else if (h->expiry != CKPT_KEY_FOREVER)
		key_set_expiry(key, h->expiry);
	return key;
}

/*
 * With the number that it had, if the caller may @keep it. Of a tree that was
 * just killed it is free, and so is the quota, when its credentials and then its
 * keys have been collected. That is waited for once in a restart.
 */
static struct key *make_numbered(struct ckpt_ctx *ctx,
				 const struct ckpt_hdr_key *h, const char *desc,
				 kuid_t uid, kgid_t gid, bool keep)
{
	struct key *key;
	bool taken;
	int i;

	for (i = 0; ; i++) {
		current->ckpt_task->key_serial = keep ? h->serial : 0;
		key = make_key(ctx, h, desc, uid, gid);
		current->ckpt_task->key_serial = 0;
		taken = !IS_ERR(key) && keep && key->serial != h->serial;
		if (!taken && key != ERR_PTR(-EDQUOT))
			return key;
		if (ctx->keys_waited || fatal_signal_pending(current)) {
			if (taken)
				ckpt_note(ctx, "key %d is here %d: the number is in use",
					  h->serial, key->serial);
			return key;
		}
		if (taken)
			key_put(key);
		rcu_barrier();
		flush_work(&key_gc_work);
		ctx->keys_waited = i + 1 == CKPT_KEY_SERIAL_TRIES;
	}
}

/* That of the machine, or of the user namespace, of a user */
static struct key *user_keyring(u32 kind, kuid_t uid)
{
	struct key *user = NULL, *session = NULL;
	const struct cred *old;
	struct cred *new;
	int err;

	new = prepare_creds();
	if (!new)
		return ERR_PTR(-ENOMEM);
	free_uid(new->user);
	new->user = alloc_uid(uid);
	if (!new->user) {
		new->user = get_uid(current_user());
		abort_creds(new);
		return ERR_PTR(-ENOMEM);
	}
	old = override_creds(new);
	err = look_up_user_keyrings(&user, &session);
	revert_creds(old);
	put_cred(new);
	if (err)
		return ERR_PTR(err);
	if (kind == CKPT_KEY_UID)
		swap(user, session);
	key_put(user);
	return session;
}

static bool key_valid(const struct ckpt_hdr_key *h)
{
	bool revoked = h->flags & CKPT_KEY_REVOKED;
	u32 room = h->h.len - sizeof(*h);

	if (!h->kind || h->kind >= CKPT_KEY_MAX ||
	    (h->flags & ~CKPT_KEY_REVOKED) || (h->perm & ~CKPT_KEY_PERMS) ||
	    h->len > room || ALIGN(h->len, 8) != room || h->expiry < 0 ||
	    (h->expiry > CKPT_KEY_LAST && h->expiry != CKPT_KEY_FOREVER))
		return false;
	switch (h->kind) {
	case CKPT_KEY_KEYRING:
		return h->serial >= 3 && !(h->len % sizeof(u32)) &&
		       !(revoked && h->len);
	case CKPT_KEY_USER:
	case CKPT_KEY_LOGON:
		return h->serial >= 3 && revoked == !h->len;
	default:
		return !h->serial && !h->perm && !h->flags && !h->len;
	}
}

/* Whose it is, and by whom it is known: as whoever may become that user */
static struct key *key_restore(struct ckpt_ctx *ctx,
			       const struct ckpt_hdr_key *h, const char *desc)
{
	kuid_t uid = make_kuid(current_user_ns(), h->uid);
	kgid_t gid = make_kgid(current_user_ns(), h->gid);
	bool may, keep = checkpoint_restore_ns_capable(&init_user_ns);
	const struct cred *in_ns, *old;
	struct key *key;
	int err;

	if (!uid_valid(uid) || (h->gid != (gid_t)-1 && !gid_valid(gid))) {
		err = ckpt_err(ctx, -EINVAL, "key '%s': its owner %u:%u is not mapped in the user namespace",
			       desc, h->uid, h->gid);
		return ERR_PTR(err);
	}
	in_ns = ckpt_user_ns_cred(ctx, h->user_ns);
	if (IS_ERR(in_ns))
		return ERR_CAST(in_ns);
	may = ckpt_may_become(in_ns, uid, gid);
	old = override_creds(in_ns);
	if (!may || (h->kind == CKPT_KEY_KEYRING && desc[0] == '.'))
		key = ERR_PTR(-EPERM);
	else if (h->kind == CKPT_KEY_UID || h->kind == CKPT_KEY_UID_SESSION)
		key = user_keyring(h->kind, uid);
	else
		key = make_numbered(ctx, h, desc, uid, gid, keep);
	revert_creds(old);
	put_cred(in_ns);
	if (IS_ERR(key))
		ckpt_err(ctx, PTR_ERR(key), "key '%s' of user %u, group %d: cannot be made: error %ld",
			 desc, h->uid, (int)h->gid, PTR_ERR(key));
	return key;
}

static void *key_obj_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_key *h;
	struct key *key;
	char *desc;

	h = ckpt_read_rec(ctx, CKPT_HDR_KEY, sizeof(*h), CKPT_REC_MAX);
	if (IS_ERR(h))
		return h;
	desc = ckpt_read_string(ctx, PAGE_SIZE);
	if (IS_ERR(desc)) {
		key = ERR_CAST(desc);
	} else if (!key_valid(h)) {
		key = ERR_PTR(ckpt_err(ctx, -EINVAL, "image: key '%s': malformed record",
				       desc));
		kvfree(desc);
	} else {
		key = key_restore(ctx, h, desc);
		kvfree(desc);
	}
	kvfree_sensitive(h, h->h.len);
	return key;
}

/* Others have keys, too: their users say nothing. */
const struct ckpt_obj_ops ckpt_key_obj_ops = {
	.name		= "key",
	.grab		= key_grab,
	.drop		= key_drop,
	.checkpoint	= key_obj_checkpoint,
	.restore	= key_obj_restore,
};

static int set_keyring(struct ckpt_ctx *ctx, struct key **slot, u32 ref,
		       bool of_session)
{
	struct key *key = NULL;

	if (ref) {
		key = ckpt_obj_fetch(ctx, ref, CKPT_OBJ_KEY);
		if (IS_ERR(key))
			return PTR_ERR(key);
		if (!is_keyring(key) || (is_uid_keyring(key) && !of_session))
			return ckpt_err(ctx, -EINVAL, "image: credentials: object %u is no keyring that they can have",
					ref);
	}
	key_put(*slot);
	*slot = key_get(key);
	return 0;
}

/**
 * ckpt_keys_restore - give credentials the keyrings that they had
 * @ctx: the context
 * @new: the credentials, with those of the caller of restart
 * @h: their record
 *
 * Context: the restoring task, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_keys_restore(struct ckpt_ctx *ctx, struct cred *new,
		      const struct ckpt_hdr_cred *h)
{
	int err;

	if ((h->flags & ~CKPT_CRED_NO_SESSION) ||
	    (h->flags && h->session_keyring) ||
	    h->jit_keyring > KEY_REQKEY_DEFL_REQUESTOR_KEYRING ||
	    h->jit_keyring == KEY_REQKEY_DEFL_GROUP_KEYRING)
		return ckpt_err(ctx, -EINVAL, "image: credentials: flags %#x, session keyring %u, requested keys go to %u",
				h->flags, h->session_keyring, h->jit_keyring);
	err = set_keyring(ctx, &new->thread_keyring, h->thread_keyring, false);
	if (!err)
		err = set_keyring(ctx, &new->process_keyring,
				  h->process_keyring, false);
	if (!err && (h->session_keyring || h->flags))
		err = set_keyring(ctx, &new->session_keyring,
				  h->session_keyring, true);
	new->jit_keyring = h->jit_keyring;
	/* what the caller was asked to make is no business of the tree */
	key_put(new->request_key_auth);
	new->request_key_auth = NULL;
	return err;
}
