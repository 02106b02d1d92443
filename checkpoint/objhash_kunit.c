// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the table of shared objects; part of objhash.c. Kinds of
 * their own take the place of the real ones.
 */

#include "kunit.h"

/**
 * struct fake - an object of the tests
 * @refs: references that the table has
 * @users: what its kind says about its users
 * @passing: users that are gone when asked again, one each time
 * @collects: how often what is inside was collected
 * @collect_err: what that comes to
 * @writes: how often it was written
 * @inner: an object inside of it
 * @dropped: when it was dropped last, as a number that grows
 */
struct fake {
	int refs;
	int users;
	int passing;
	int collects;
	int collect_err;
	int writes;
	struct fake *inner;
	int dropped;
};

/**
 * struct fakes - what the kinds of the tests know
 * @obj: objects to collect and to write; not on the stack of a test, since
 *	the table drops them after a test that was cut short
 * @made: objects that were restored
 * @nr_made: how many
 * @drops: references that were dropped, by all of them
 * @nest: objects that the next one restored is to have inside of each other
 * @restore_err: what a restore comes to
 */
struct fakes {
	struct fake obj[3];
	struct fake made[64];
	unsigned int nr_made;
	int drops;
	unsigned int nest;
	int restore_err;
};

static struct fakes *fakes(void)
{
	return kunit_get_current_test()->priv;
}

static void fake_grab(void *ptr)
{
	((struct fake *)ptr)->refs++;
}

static void fake_drop(void *ptr)
{
	struct fake *f = ptr;

	f->refs--;
	f->dropped = ++fakes()->drops;
}

static int fake_users(void *ptr)
{
	struct fake *f = ptr;
	int users = f->users + f->passing;

	if (f->passing)
		f->passing--;
	return users;
}

static int fake_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct fake *f = ptr;

	f->collects++;
	if (f->collect_err)
		return f->collect_err;
	return f->inner ? ckpt_obj_collect(ctx, f->inner, CKPT_OBJ_PIPE) : 0;
}

static int fake_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct fake *f = ptr;
	int ret;

	f->writes++;
	if (f->inner) {
		ret = ckpt_obj_checkpoint(ctx, f->inner, CKPT_OBJ_PIPE);
		if (ret < 0)
			return ret;
	}
	return ckpt_write_string(ctx, "fake");
}

/* An object that has others inside, as deep as the test asks for */
static void *fake_restore(struct ckpt_ctx *ctx)
{
	struct fakes *all = fakes();
	struct ckpt_hdr_object h = { .objtype = CKPT_OBJ_PIPE };
	struct fake *f;
	int err;

	if (all->restore_err)
		return ERR_PTR(all->restore_err);
	if (all->nest) {
		h.objref = 1000 + all->nest--;
		err = ckpt_obj_restore(ctx, &h);
		if (err)
			return ERR_PTR(err);
	}
	f = &all->made[all->nr_made++];
	f->refs = 1;
	return f;
}

/* Counted, and not to be shared with a task outside */
static const struct ckpt_obj_ops fake_counted_ops = {
	.name		= "counted",
	.grab		= fake_grab,
	.drop		= fake_drop,
	.users		= fake_users,
	.collect	= fake_collect,
	.checkpoint	= fake_checkpoint,
	.restore	= fake_restore,
};

/* Counted, and it may be shared */
static const struct ckpt_obj_ops fake_outside_ops = {
	.name		= "shareable",
	.outside_ok	= true,
	.grab		= fake_grab,
	.drop		= fake_drop,
	.users		= fake_users,
	.checkpoint	= fake_checkpoint,
	.restore	= fake_restore,
};

/* Without references, not counted */
static const struct ckpt_obj_ops fake_plain_ops = {
	.name		= "plain",
	.checkpoint	= fake_checkpoint,
	.restore	= fake_restore,
};

/* Of which a checkpoint holds no reference, but a restart does */
static const struct ckpt_obj_ops fake_borrowed_ops = {
	.name		= "borrowed",
	.drop		= fake_drop,
	.checkpoint	= fake_checkpoint,
	.restore	= fake_restore,
};

static const struct ckpt_obj_ops *fake_ops(u32 type)
{
	switch (type) {
	case CKPT_OBJ_FILE:
		return &fake_counted_ops;
	case CKPT_OBJ_PIPE:
		return &fake_outside_ops;
	case CKPT_OBJ_FS:
		return &fake_plain_ops;
	case CKPT_OBJ_SEM_UNDO:
		return &fake_borrowed_ops;
	default:
		return NULL;
	}
}

static int objhash_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct fakes), GFP_KERNEL);
	if (!test->priv)
		return -ENOMEM;
	/* before any context, so that it outlives them */
	kunit_activate_static_stub(test, obj_ops, fake_ops);
	return 0;
}

static struct ckpt_obj *must_find(struct kunit *test, struct ckpt_ctx *ctx,
				  void *ptr, enum ckpt_obj_type type)
{
	struct ckpt_obj *obj = obj_find(ctx, ptr, type);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	return obj;
}

/* ---------------------------------------------------------- collecting */

static void objhash_test_find(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];
	struct fake *b = &fakes()->obj[1];
	struct fake *c = &fakes()->obj[2];

	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, b, CKPT_OBJ_FILE));
	/* the same pointer as another kind is another object */
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_PIPE));

	KUNIT_EXPECT_PTR_EQ(test, (void *)a,
			    must_find(test, ctx, a, CKPT_OBJ_FILE)->key.ptr);
	KUNIT_EXPECT_PTR_NE(test, obj_find(ctx, a, CKPT_OBJ_FILE),
			    obj_find(ctx, a, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_PTR_NE(test, obj_find(ctx, a, CKPT_OBJ_FILE),
			    obj_find(ctx, b, CKPT_OBJ_FILE));
	KUNIT_EXPECT_NULL(test, obj_find(ctx, b, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_NULL(test, obj_find(ctx, c, CKPT_OBJ_FILE));
	KUNIT_EXPECT_TRUE(test, ckpt_obj_collected(ctx, a, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_FALSE(test, ckpt_obj_collected(ctx, c, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 3, ckpt_obj_count(ctx->objhash));
	ckpt_kunit_put(test, ctx);
}

/* Many objects: the table has to grow. */
static void objhash_test_many(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *f;
	int i, n = 5000;

	f = kvcalloc(n, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	for (i = 0; i < n; i++)
		if (ckpt_obj_collect(ctx, &f[i], CKPT_OBJ_FILE))
			break;
	KUNIT_EXPECT_EQ(test, n, i);
	for (i = 0; i < n; i++)
		if (!ckpt_obj_collected(ctx, &f[i], CKPT_OBJ_FILE) ||
		    f[i].refs != 1)
			break;
	KUNIT_EXPECT_EQ(test, n, i);
	KUNIT_EXPECT_EQ(test, n, ckpt_obj_count(ctx->objhash));
	ckpt_kunit_put(test, ctx);
	for (i = 0; i < n; i++)
		if (f[i].refs)
			break;
	KUNIT_EXPECT_EQ(test, n, i);
	kvfree(f);
}

static void objhash_test_count(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *inner = &fakes()->obj[0];
	struct fake *a = &fakes()->obj[1];

	a->inner = inner;
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect_n(ctx, a, CKPT_OBJ_FILE, 5));
	KUNIT_EXPECT_EQ(test, 7, must_find(test, ctx, a, CKPT_OBJ_FILE)->count);
	/* what is inside is met once, on first sight */
	KUNIT_EXPECT_EQ(test, 1, a->collects);
	KUNIT_EXPECT_EQ(test, 1, must_find(test, ctx, inner, CKPT_OBJ_PIPE)->count);
	KUNIT_EXPECT_EQ(test, 1, a->refs);
	KUNIT_EXPECT_EQ(test, 1, inner->refs);
	ckpt_kunit_put(test, ctx);
	KUNIT_EXPECT_EQ(test, 0, a->refs);
	KUNIT_EXPECT_EQ(test, 0, inner->refs);
}

static void objhash_test_collect_fails(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];

	a->collect_err = -ENXIO;
	KUNIT_EXPECT_EQ(test, -ENXIO, ckpt_obj_collect(ctx, a, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 1, a->refs);
	ckpt_kunit_put(test, ctx);
	KUNIT_EXPECT_EQ(test, 0, a->refs);
}

static void objhash_test_drop_order(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];
	struct fake *b = &fakes()->obj[1];
	struct fake *c = &fakes()->obj[2];

	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, b, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, c, CKPT_OBJ_FILE));
	ckpt_kunit_put(test, ctx);
	KUNIT_EXPECT_EQ(test, 3, fakes()->drops);
	KUNIT_EXPECT_EQ(test, 1, c->dropped);
	KUNIT_EXPECT_EQ(test, 2, b->dropped);
	KUNIT_EXPECT_EQ(test, 3, a->dropped);
}

static void objhash_test_borrowed(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];

	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_SEM_UNDO));
	KUNIT_EXPECT_EQ(test, 1, ckpt_obj_checkpoint(ctx, a,
						     CKPT_OBJ_SEM_UNDO));
	ckpt_kunit_put(test, ctx);
	KUNIT_EXPECT_EQ(test, 0, a->refs);
	KUNIT_EXPECT_EQ(test, 0, fakes()->drops);
}

static void objhash_test_no_leak(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];
	struct fake *b = &fakes()->obj[1];
	struct fake *c = &fakes()->obj[2];

	/* the reference of the table is among the users */
	a->users = 2 + 1;
	b->users = 1 + 1;
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect_n(ctx, a, CKPT_OBJ_FILE, 2));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, b, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, c, CKPT_OBJ_FS));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_check_leaks(ctx));
	KUNIT_EXPECT_FALSE(test, ckpt_obj_outside(ctx, a, CKPT_OBJ_FILE));
	KUNIT_EXPECT_FALSE(test, ckpt_obj_outside(ctx, b, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_FALSE(test, ckpt_obj_outside(ctx, c, CKPT_OBJ_FS));
	KUNIT_EXPECT_EQ(test, 0, ctx->err);
}

static void objhash_test_leak(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];

	a->users = 2 + 1;
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, -EBUSY, ckpt_obj_check_leaks(ctx));
	ckpt_kunit_said(test, ctx, -EBUSY, "counted: 2 uses, 1 of them in the tree");
	ckpt_kunit_put(test, ctx);
}

static void objhash_test_too_few_users(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];

	a->users = 2 + 1;
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect_n(ctx, a, CKPT_OBJ_PIPE, 3));
	KUNIT_EXPECT_EQ(test, -EBUSY, ckpt_obj_check_leaks(ctx));
	ckpt_kunit_said(test, ctx, -EBUSY, "shareable: 3 uses counted");
	ckpt_kunit_put(test, ctx);
}

/* Somebody who holds a reference for a moment is waited for. */
static void objhash_test_passing_user(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];

	a->users = 1 + 1;
	a->passing = 3;
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_check_leaks(ctx));
	KUNIT_EXPECT_EQ(test, 0, ctx->err);
	ckpt_kunit_put(test, ctx);
}

static void objhash_test_outside(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];
	struct fake *b = &fakes()->obj[1];
	struct fake *c = &fakes()->obj[2];

	a->users = 2 + 1;
	b->users = 1 + 1;
	b->passing = 1;
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, b, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_check_leaks(ctx));
	KUNIT_EXPECT_TRUE(test, must_find(test, ctx, b, CKPT_OBJ_PIPE)->outside);
	KUNIT_EXPECT_TRUE(test, ckpt_obj_outside(ctx, a, CKPT_OBJ_PIPE));
	/* that one is gone when it matters */
	KUNIT_EXPECT_FALSE(test, ckpt_obj_outside(ctx, b, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_TRUE(test, ckpt_obj_outside(ctx, c, CKPT_OBJ_PIPE));
	ckpt_kunit_put(test, ctx);
}

static void objhash_test_mark(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];
	struct fake *b = &fakes()->obj[1];

	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_mark(ctx, a, CKPT_OBJ_FILE, 1));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, b, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_mark(ctx, a, CKPT_OBJ_FILE, 0));
	KUNIT_EXPECT_EQ(test, 1, ckpt_obj_mark(ctx, a, CKPT_OBJ_FILE, 1));
	KUNIT_EXPECT_EQ(test, 5, ckpt_obj_mark(ctx, a, CKPT_OBJ_FILE, 4));
	KUNIT_EXPECT_EQ(test, 5, ckpt_obj_mark(ctx, a, CKPT_OBJ_FILE, 0));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_mark(ctx, b, CKPT_OBJ_FILE, 0));
	ckpt_kunit_put(test, ctx);
}

/* Note which objects come, and stop at the one that is asked for. */
struct fake_walk {
	struct fake *seen[4];
	int nr;
	struct fake *stop;
};

static int fake_visit(struct ckpt_ctx *ctx, void *ptr, void *arg)
{
	struct fake_walk *walk = arg;

	if (walk->nr < ARRAY_SIZE(walk->seen))
		walk->seen[walk->nr] = ptr;
	walk->nr++;
	return ptr == walk->stop ? 17 : 0;
}

static void objhash_test_for_each(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];
	struct fake *b = &fakes()->obj[1];
	struct fake *c = &fakes()->obj[2];
	struct fake_walk walk = {};

	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, c, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, b, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_FILE));

	/* those of the kind, in the order in which they were met */
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_for_each(ctx, CKPT_OBJ_FILE,
						   fake_visit, &walk));
	KUNIT_EXPECT_EQ(test, 2, walk.nr);
	KUNIT_EXPECT_PTR_EQ(test, c, walk.seen[0]);
	KUNIT_EXPECT_PTR_EQ(test, a, walk.seen[1]);

	walk = (struct fake_walk){ .stop = c };
	KUNIT_EXPECT_EQ(test, 17, ckpt_obj_for_each(ctx, CKPT_OBJ_FILE,
						    fake_visit, &walk));
	KUNIT_EXPECT_EQ(test, 1, walk.nr);

	walk = (struct fake_walk){};
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_for_each(ctx, CKPT_OBJ_FS,
						   fake_visit, &walk));
	KUNIT_EXPECT_EQ(test, 0, walk.nr);
	ckpt_kunit_put(test, ctx);
}

/* ------------------------------------------------------------- writing */

/* The next record must announce an object. */
static void expect_object(struct kunit *test, struct ckpt_ctx *ctx, u32 objref,
			  u32 type)
{
	struct ckpt_hdr_object h = {};

	KUNIT_EXPECT_EQ(test, 0, ckpt_read_rec_into(ctx, &h, CKPT_HDR_OBJECT,
						    sizeof(h)));
	KUNIT_EXPECT_EQ(test, objref, h.objref);
	KUNIT_EXPECT_EQ(test, type, h.objtype);
}

static void expect_fake(struct kunit *test, struct ckpt_ctx *ctx)
{
	char *s = ckpt_read_string(ctx, 16);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	KUNIT_EXPECT_STREQ(test, "fake", s);
	kvfree(s);
}

static void objhash_test_objrefs(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *inner = &fakes()->obj[0];
	struct fake *a = &fakes()->obj[1];
	struct fake *b = &fakes()->obj[2];

	a->inner = inner;
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, b, CKPT_OBJ_FS));
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, a, CKPT_OBJ_FILE));
	/* numbers are given out in the order of the image, each once */
	KUNIT_EXPECT_EQ(test, 1, ckpt_obj_checkpoint(ctx, a, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 2, ckpt_obj_checkpoint(ctx, inner, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_EQ(test, 3, ckpt_obj_checkpoint(ctx, b, CKPT_OBJ_FS));
	KUNIT_EXPECT_EQ(test, 1, ckpt_obj_checkpoint(ctx, a, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 1, a->writes);
	KUNIT_EXPECT_EQ(test, 1, b->writes);
	KUNIT_EXPECT_EQ(test, 1, inner->writes);
	KUNIT_EXPECT_EQ(test, 0, ckpt_write_trailer(ctx));

	ckpt_kunit_rewind(test, ctx);
	expect_object(test, ctx, 1, CKPT_OBJ_FILE);
	expect_object(test, ctx, 2, CKPT_OBJ_PIPE);
	expect_fake(test, ctx);
	expect_fake(test, ctx);
	expect_object(test, ctx, 3, CKPT_OBJ_FS);
	expect_fake(test, ctx);
	KUNIT_EXPECT_EQ(test, 0, ckpt_read_trailer(ctx));
	ckpt_kunit_put(test, ctx);
}

/* What the collect pass has not met was not looked at: it is not written. */
static void objhash_test_not_collected(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fake *a = &fakes()->obj[0];

	KUNIT_EXPECT_EQ(test, -EBUSY,
			ckpt_obj_checkpoint(ctx, a, CKPT_OBJ_FILE));
	ckpt_kunit_said(test, ctx, -EBUSY, "counted: appeared");
	KUNIT_EXPECT_EQ(test, 0, a->writes);
	KUNIT_EXPECT_EQ(test, 0, a->refs);
	ckpt_kunit_put(test, ctx);
}

/* ------------------------------------------------------------ restoring */

static int restore_fake(struct ckpt_ctx *ctx, u32 objref, u32 type)
{
	struct ckpt_hdr_object h = { .objref = objref, .objtype = type };

	return ckpt_obj_restore(ctx, &h);
}

static void objhash_test_fetch(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fakes *all = fakes();
	static const u32 missing[] = { 0, 8, 100, INT_MAX, U32_MAX };
	int i;

	KUNIT_EXPECT_EQ(test, 0, restore_fake(ctx, 7, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 0, restore_fake(ctx, INT_MAX - 1, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_EQ(test, 2, ckpt_obj_count(ctx->objhash));
	KUNIT_EXPECT_PTR_EQ(test, (void *)&all->made[0],
			    ckpt_obj_fetch(ctx, 7, CKPT_OBJ_FILE));
	KUNIT_EXPECT_PTR_EQ(test, (void *)&all->made[0],
			    ckpt_obj_fetch(ctx, 7, CKPT_OBJ_FILE));
	KUNIT_EXPECT_PTR_EQ(test, (void *)&all->made[1],
			    ckpt_obj_fetch(ctx, INT_MAX - 1, CKPT_OBJ_PIPE));
	KUNIT_EXPECT_EQ(test, 0, ctx->err);
	/* borrowed, not taken */
	KUNIT_EXPECT_EQ(test, 1, all->made[0].refs);

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    ckpt_obj_fetch(ctx, 7, CKPT_OBJ_PIPE));
	ckpt_kunit_said(test, ctx, -EINVAL,
			"object 7 is counted; a shareable is wanted");
	for (i = 0; i < ARRAY_SIZE(missing); i++) {
		KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
				    ckpt_obj_fetch(ctx, missing[i], CKPT_OBJ_FILE));
		ckpt_kunit_said(test, ctx, -EINVAL, "is missing");
	}
	ckpt_kunit_put(test, ctx);
	KUNIT_EXPECT_EQ(test, 0, all->made[0].refs);
	KUNIT_EXPECT_EQ(test, 0, all->made[1].refs);
}

static void objhash_test_bad_objref(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	static const u32 bad[] = { 0, 7, INT_MAX + 1U, U32_MAX };
	int i;

	KUNIT_EXPECT_EQ(test, 0, restore_fake(ctx, 7, CKPT_OBJ_FILE));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				restore_fake(ctx, bad[i], CKPT_OBJ_FILE));
		ckpt_kunit_said(test, ctx, -EINVAL, "not a new number");
		/* nor as another kind */
		KUNIT_EXPECT_EQ(test, -EINVAL,
				restore_fake(ctx, bad[i], CKPT_OBJ_FS));
		ckpt_kunit_said(test, ctx, -EINVAL, "not a new number");
	}
	KUNIT_EXPECT_EQ(test, 1, fakes()->nr_made);
	KUNIT_EXPECT_EQ(test, 1, ckpt_obj_count(ctx->objhash));
	ckpt_kunit_put(test, ctx);
}

static void objhash_test_unknown_kind(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	static const u32 bad[] = {
		CKPT_OBJ_NONE, CKPT_OBJ_PID, CKPT_OBJ_MAX, CKPT_OBJ_MAX + 1,
		INT_MAX, INT_MAX + 1U, U32_MAX,
	};
	int i;

	/* the real table, which has none of these */
	kunit_deactivate_static_stub(test, obj_ops);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ(test, -EINVAL, restore_fake(ctx, 1, bad[i]));
		ckpt_kunit_said(test, ctx, -EINVAL, "is of unknown kind");
	}
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_count(ctx->objhash));
	ckpt_kunit_put(test, ctx);
}

static void objhash_test_depth(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct fakes *all = fakes();
	int i;

	all->nest = CKPT_OBJ_DEPTH_MAX - 1;
	KUNIT_EXPECT_EQ(test, 0, restore_fake(ctx, 1, CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, CKPT_OBJ_DEPTH_MAX, all->nr_made);
	KUNIT_EXPECT_EQ(test, 0, ctx->objhash->depth);
	ckpt_kunit_put(test, ctx);

	ctx = ckpt_kunit_writer(test);
	all->nr_made = 0;
	all->nest = CKPT_OBJ_DEPTH_MAX;
	KUNIT_EXPECT_EQ(test, -EINVAL, restore_fake(ctx, 1, CKPT_OBJ_FILE));
	ckpt_kunit_said(test, ctx, -EINVAL, "nested too deeply");
	KUNIT_EXPECT_EQ(test, 0, all->nr_made);
	KUNIT_EXPECT_EQ(test, 0, ctx->objhash->depth);
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_count(ctx->objhash));

	/* side by side they may be any number */
	all->nest = 0;
	for (i = 1; i <= 2 * CKPT_OBJ_DEPTH_MAX; i++)
		KUNIT_EXPECT_EQ(test, 0, restore_fake(ctx, i, CKPT_OBJ_FILE));
	ckpt_kunit_put(test, ctx);
}

/* What is nested more deeply than can be restored is not saved. */
static void objhash_test_depth_saved(struct kunit *test)
{
	struct fake *f = kunit_kcalloc(test, CKPT_OBJ_DEPTH_MAX + 1, sizeof(*f),
				       GFP_KERNEL);
	struct ckpt_ctx *ctx;
	int deep, i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	for (i = 1; i <= CKPT_OBJ_DEPTH_MAX; i++)
		f[i].inner = &f[i - 1];
	for (deep = 0; deep < 2; deep++) {
		ctx = ckpt_kunit_writer(test);
		for (i = 0; i <= CKPT_OBJ_DEPTH_MAX; i++)
			KUNIT_EXPECT_EQ(test, 0, ckpt_obj_collect(ctx, &f[i],
								  CKPT_OBJ_PIPE));
		i = ckpt_obj_checkpoint(ctx, &f[CKPT_OBJ_DEPTH_MAX - 1 + deep],
					CKPT_OBJ_PIPE);
		if (deep) {
			KUNIT_EXPECT_EQ(test, -ENOSYS, i);
			ckpt_kunit_said(test, ctx, -ENOSYS, "nested in others");
		} else {
			KUNIT_EXPECT_LT(test, 0, i);
		}
		KUNIT_EXPECT_EQ(test, 0, ctx->objhash->depth);
		ckpt_kunit_put(test, ctx);
	}

	ctx = ckpt_kunit_writer(test);
	ctx->objhash->depth = CKPT_OBJ_COLLECT_MAX;
	KUNIT_EXPECT_EQ(test, -ENOSYS,
			ckpt_obj_collect(ctx, &f[0], CKPT_OBJ_FILE));
	KUNIT_EXPECT_EQ(test, 0, f[0].collects);
	ctx->objhash->depth = 0;
	ckpt_kunit_put(test, ctx);
}

static void objhash_test_restore_fails(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);

	fakes()->restore_err = -EPERM;
	KUNIT_EXPECT_EQ(test, -EPERM, restore_fake(ctx, 3, CKPT_OBJ_FILE));
	ckpt_kunit_said(test, ctx, -EPERM, "object 3 (counted)");
	KUNIT_EXPECT_EQ(test, 0, ckpt_obj_count(ctx->objhash));
	KUNIT_EXPECT_EQ(test, 0, ctx->objhash->depth);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    ckpt_obj_fetch(ctx, 3, CKPT_OBJ_FILE));
	ckpt_kunit_put(test, ctx);
	KUNIT_EXPECT_EQ(test, 0, fakes()->drops);
}

/* Every kind that the image format names is in the real table. */
static void objhash_test_table(struct kunit *test)
{
	int i;

	kunit_deactivate_static_stub(test, obj_ops);
	for (i = CKPT_OBJ_PID + 1; i < CKPT_OBJ_MAX; i++) {
		const struct ckpt_obj_ops *ops = obj_ops(i);

		KUNIT_ASSERT_NOT_NULL_MSG(test, ops, "kind %d", i);
		KUNIT_EXPECT_NOT_NULL_MSG(test, ops->name, "kind %d", i);
		KUNIT_EXPECT_NOT_NULL(test, ops->checkpoint);
		KUNIT_EXPECT_NOT_NULL(test, ops->restore);
		/* a reference that is taken is also put */
		if (ops->grab)
			KUNIT_EXPECT_NOT_NULL(test, ops->drop);
		/* it can only be outside if that is found out */
		if (ops->outside_ok)
			KUNIT_EXPECT_NOT_NULL(test, ops->users);
	}
	KUNIT_EXPECT_NULL(test, obj_ops(CKPT_OBJ_NONE));
	KUNIT_EXPECT_NULL(test, obj_ops(CKPT_OBJ_MAX));
}

static struct kunit_case objhash_test_cases[] = {
	KUNIT_CASE(objhash_test_find),
	KUNIT_CASE(objhash_test_many),
	KUNIT_CASE(objhash_test_count),
	KUNIT_CASE(objhash_test_collect_fails),
	KUNIT_CASE(objhash_test_drop_order),
	KUNIT_CASE(objhash_test_borrowed),
	KUNIT_CASE(objhash_test_no_leak),
	KUNIT_CASE(objhash_test_leak),
	KUNIT_CASE(objhash_test_too_few_users),
	KUNIT_CASE(objhash_test_passing_user),
	KUNIT_CASE(objhash_test_outside),
	KUNIT_CASE(objhash_test_mark),
	KUNIT_CASE(objhash_test_for_each),
	KUNIT_CASE(objhash_test_objrefs),
	KUNIT_CASE(objhash_test_not_collected),
	KUNIT_CASE(objhash_test_fetch),
	KUNIT_CASE(objhash_test_bad_objref),
	KUNIT_CASE(objhash_test_unknown_kind),
	KUNIT_CASE(objhash_test_depth),
	KUNIT_CASE(objhash_test_depth_saved),
	KUNIT_CASE(objhash_test_restore_fails),
	KUNIT_CASE(objhash_test_table),
	{}
};

static struct kunit_suite objhash_test_suite = {
	.name		= "checkpoint_objhash",
	.init		= objhash_test_init,
	.test_cases	= objhash_test_cases,
};

kunit_test_suite(objhash_test_suite);
