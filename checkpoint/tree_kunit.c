// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the task and pid tables; part of tree.c. Tables that make no
 * tree must be refused before the first task is created.
 */

#include "kunit.h"

#define NONE	CKPT_NO_SLOT

/*
 * A good tree: a root with two children; the first of them has a thread, and
 * a session and a process group of its own; the thread has a zombie child.
 */
static const struct ckpt_task_entry good_tasks[] = {
	{
		.tid = 0, .leader = 0, .parent = NONE, .pgrp = 0, .session = 0,
		.exit_signal = SIGCHLD, .rpid = 100, .comm = "root",
	}, {
		.tid = 1, .leader = 1, .parent = 0, .pgrp = 1, .session = 5,
		.exit_signal = SIGCHLD, .flags = CKPT_TASK_SUBREAPER,
		.comm = "child",
	}, {
		.tid = 2, .leader = 1, .parent = 1, .pgrp = NONE,
		.session = NONE, .flags = CKPT_TASK_THREAD, .comm = "thread",
	}, {
		.tid = 3, .leader = 3, .parent = 2, .pgrp = 1, .session = 5,
		.exit_signal = SIGCHLD, .exit_code = 7 << 8,
		.flags = CKPT_TASK_ZOMBIE, .comm = "zombie",
	}, {
		.tid = 4, .leader = 4, .parent = 0, .pgrp = 6, .session = 0,
		.exit_signal = 64, .comm = "other",
	},
};

/* The last two are a session and a process group whose leaders are gone. */
static const struct ckpt_pid_entry good_pids[] = {
	{}, {}, {}, {}, { .ns = 1, .depth = 1 }, {}, {},
};

/* The fifth task is the init of a pid namespace inside of that of the root. */
static const struct ckpt_pid_ns_entry good_nss[] = {
	{ .parent = NONE, .last_pid = 13, .init = 0 },
	{ .parent = 0, .level = 1, .last_pid = 1, .init = 4 },
	{ .parent = 1, .level = 2, .init = NONE },
};

static const u32 good_vpids[] = { 1, 10, 11, 12, 13, 1, 9, 8 };

/* Where the first number of the pid of @slot is in the above */
static u32 first(u32 slot)
{
	return slot + (slot > 4);
}

#define NR_TASKS	ARRAY_SIZE(good_tasks)
#define NR_PIDS		ARRAY_SIZE(good_pids)
#define NR_NSS		ARRAY_SIZE(good_nss)
#define NR_VPIDS	ARRAY_SIZE(good_vpids)

/**
 * struct tables - a task tree as an image has it, for a test to spoil
 * @h: what precedes the tables
 * @tasks: the task table
 * @nss: the table of pid namespaces
 * @pids: the pid table
 * @vpids: the numbers of the pids
 * @nr_tasks: entries of @tasks to write
 * @nr_nss: entries of @nss to write
 * @nr_pids: entries of @pids to write
 * @nr_vpids: entries of @vpids to write
 */
struct tables {
	struct ckpt_hdr_tree h;
	struct ckpt_task_entry tasks[NR_TASKS + 1];
	struct ckpt_pid_ns_entry nss[NR_NSS + 1];
	struct ckpt_pid_entry pids[NR_PIDS + 1];
	u32 vpids[NR_VPIDS + 2];
	u32 nr_tasks;
	u32 nr_nss;
	u32 nr_pids;
	u32 nr_vpids;
};

static struct tables *good_tables(struct kunit *test)
{
	struct tables *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->h.flags = CKPT_TREE_CONTAINER;
	t->nr_tasks = NR_TASKS;
	t->nr_pids = NR_PIDS;
	t->h.nr_tasks = NR_TASKS;
	t->h.nr_pids = NR_PIDS;
	t->nr_nss = NR_NSS;
	t->h.nr_pid_ns = NR_NSS;
	t->nr_vpids = NR_VPIDS;
	memcpy(t->tasks, good_tasks, sizeof(good_tasks));
	memcpy(t->nss, good_nss, sizeof(good_nss));
	memcpy(t->pids, good_pids, sizeof(good_pids));
	memcpy(t->vpids, good_vpids, sizeof(good_vpids));
	return t;
}

/* A context that is about to read the tables */
static struct ckpt_ctx *tables_ctx(struct kunit *test, struct tables *t)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct ckpt_hdr_pid_nss hn;
	struct ckpt_hdr_vpids hv;
	struct ckpt_hdr_tasks ht;
	struct ckpt_hdr_pids hp;

	KUNIT_ASSERT_EQ(test, 0, ckpt_write_rec(ctx, &t->h, CKPT_HDR_TREE,
						sizeof(t->h)));
	KUNIT_ASSERT_EQ(test, 0,
			ckpt_write_rec_tail(ctx, &ht, CKPT_HDR_TASKS,
					    sizeof(ht), t->tasks,
					    t->nr_tasks * sizeof(*t->tasks)));
	KUNIT_ASSERT_EQ(test, 0,
			ckpt_write_rec_tail(ctx, &hn, CKPT_HDR_PID_NSS,
					    sizeof(hn), t->nss,
					    t->nr_nss * sizeof(*t->nss)));
	KUNIT_ASSERT_EQ(test, 0,
			ckpt_write_rec_tail(ctx, &hp, CKPT_HDR_PIDS,
					    sizeof(hp), t->pids,
					    t->nr_pids * sizeof(*t->pids)));
	KUNIT_ASSERT_EQ(test, 0,
			ckpt_write_rec_tail(ctx, &hv, CKPT_HDR_VPIDS,
					    sizeof(hv), t->vpids,
					    t->nr_vpids * sizeof(*t->vpids)));
	ckpt_kunit_rewind(test, ctx);
	return ctx;
}

static void expect_refused(struct kunit *test, struct tables *t, int err,
			   const char *text)
{
	struct ckpt_ctx *ctx = tables_ctx(test, t);

	KUNIT_EXPECT_EQ(test, err, ckpt_tree_read(ctx));
	ckpt_kunit_said(test, ctx, err, text);
	ckpt_kunit_put(test, ctx);
}

static void expect_accepted(struct kunit *test, struct tables *t)
{
	struct ckpt_ctx *ctx = tables_ctx(test, t);

	KUNIT_EXPECT_EQ(test, 0, ckpt_tree_read(ctx));
	KUNIT_EXPECT_STREQ(test, "", ctx->errmsg);
	ckpt_kunit_put(test, ctx);
}

static void tree_test_good(struct kunit *test)
{
	struct tables *t = good_tables(test);
	struct ckpt_ctx *ctx = tables_ctx(test, t);
	struct ckpt_tree *tree = ctx->tree;
	int i;

	KUNIT_ASSERT_EQ(test, 0, ckpt_tree_read(ctx));
	KUNIT_EXPECT_STREQ(test, "", ctx->errmsg);
	KUNIT_EXPECT_EQ(test, CKPT_TREE_CONTAINER, tree->flags);
	KUNIT_ASSERT_EQ(test, NR_TASKS, tree->nr_tasks);
	KUNIT_ASSERT_EQ(test, NR_PIDS, tree->nr_pids);
	for (i = 0; i < NR_TASKS; i++) {
		KUNIT_EXPECT_MEMEQ(test, &good_tasks[i], &tree->tasks[i].e,
				   sizeof(good_tasks[i]));
		KUNIT_EXPECT_NULL(test, tree->tasks[i].task);
	}
	for (i = 0; i < NR_PIDS; i++) {
		KUNIT_EXPECT_EQ(test, good_pids[i].ns, tree->pids[i].ns);
		KUNIT_EXPECT_EQ(test, good_vpids[first(i)],
				ckpt_pid_nr(tree, i));
		KUNIT_EXPECT_EQ(test, i < NR_TASKS, tree->pids[i].task);
		KUNIT_EXPECT_FALSE(test, tree->pids[i].alone);
	}
	ckpt_kunit_put(test, ctx);
}

/* A name that has no end is given one. */
static void tree_test_comm(struct kunit *test)
{
	struct tables *t = good_tables(test);
	struct ckpt_ctx *ctx;

	memset(t->tasks[1].comm, 'x', sizeof(t->tasks[1].comm));
	ctx = tables_ctx(test, t);
	KUNIT_ASSERT_EQ(test, 0, ckpt_tree_read(ctx));
	KUNIT_EXPECT_STREQ(test, "xxxxxxxxxxxxxxx", ctx->tree->tasks[1].e.comm);
	ckpt_kunit_put(test, ctx);
}

/* ------------------------------------------------------------ task table */

/**
 * struct edit - one field of one task, spoilt
 * @row: of the task
 * @field: where in its entry
 * @value: what to write there
 */
struct edit {
	u32 row;
	size_t field;
	u32 value;
};

#define FIELD(member)	offsetof(struct ckpt_task_entry, member)

static void tree_test_bad_tasks(struct kunit *test)
{
	static const struct {
		struct edit edit[4];	/* those with no field change nothing */
		const char *says;
	} cases[] = {
		/* the root */
		{ { { 0, FIELD(parent), 0 } }, "cannot be the root" },
		{ { { 0, FIELD(parent), 1 } }, "cannot be the root" },
		{ { { 0, FIELD(leader), 1 } }, "cannot be the root" },
		{ { { 0, FIELD(flags), CKPT_TASK_THREAD } }, "cannot be the root" },
		{ { { 0, FIELD(flags), CKPT_TASK_ZOMBIE } }, "cannot be the root" },
		/* a second root; its own parent; one that comes later; none */
		{ { { 1, FIELD(parent), NONE } }, "does not stand before" },
		{ { { 1, FIELD(parent), 1 } }, "does not stand before" },
		{ { { 1, FIELD(parent), 2 } }, "does not stand before" },
		{ { { 1, FIELD(parent), NR_TASKS } }, "does not stand before" },
		{ { { 1, FIELD(parent), INT_MAX } }, "does not stand before" },
		/* a cycle */
		{ { { 1, FIELD(parent), 4 }, { 4, FIELD(parent), 1 } },
		  "does not stand before" },
		{ { { 1, FIELD(parent), 3 } }, "does not stand before" },
		/* leaders: of a process, itself; of a thread, one before */
		{ { { 1, FIELD(leader), 0 } }, "does not stand before" },
		{ { { 1, FIELD(leader), 4 } }, "does not stand before" },
		{ { { 2, FIELD(leader), 2 } }, "does not stand before" },
		{ { { 2, FIELD(leader), 4 } }, "does not stand before" },
		{ { { 2, FIELD(leader), NONE } }, "does not stand before" },
		{ { { 2, FIELD(parent), 4 } }, "does not stand before" },
		/* a thread of a thread, of a zombie; a zombie thread */
		{ { { 4, FIELD(flags), CKPT_TASK_THREAD },
		    { 4, FIELD(leader), 2 }, { 4, FIELD(exit_signal), 0 } },
		  "cannot have been made by task 2" },
		{ { { 4, FIELD(flags), CKPT_TASK_THREAD },
		    { 4, FIELD(leader), 3 }, { 4, FIELD(exit_signal), 0 } },
		  "cannot have been made by task 3" },
		{ { { 2, FIELD(flags), CKPT_TASK_THREAD | CKPT_TASK_ZOMBIE } },
		  "cannot have been made by task 1" },
		/* a child of a zombie */
		{ { { 4, FIELD(parent), 3 } }, "cannot have been made by task 3" },
		/* pid slots */
		{ { { 0, FIELD(tid), NR_PIDS } }, "pid slot" },
		{ { { 4, FIELD(tid), NR_PIDS } }, "pid slot" },
		{ { { 4, FIELD(tid), NONE } }, "pid slot" },
		{ { { 4, FIELD(tid), 1 } }, "another task's" },
		{ { { 2, FIELD(tid), 0 } }, "another task's" },
		/* process groups and sessions */
		{ { { 4, FIELD(pgrp), NR_PIDS } }, "not in the pid table" },
		{ { { 4, FIELD(pgrp), NONE - 1 } }, "not in the pid table" },
		{ { { 4, FIELD(session), NR_PIDS } }, "not in the pid table" },
		{ { { 3, FIELD(session), INT_MAX } }, "not in the pid table" },
		{ { { 4, FIELD(pgrp), 1 } }, "lies in two sessions" },
		{ { { 3, FIELD(session), NONE } }, "lies in two sessions" },
		{ { { 0, FIELD(session), NONE }, { 4, FIELD(pgrp), 0 } },
		  "lies in two sessions" },
		/* in a session whose number is a process group of another one */
		{ { { 4, FIELD(session), 1 } }, "lies in two sessions" },
		{ { { 4, FIELD(pgrp), NONE } }, "in no process group of it" },
		/* the leader of a process group is in another session */
		{ { { 1, FIELD(pgrp), 0 }, { 1, FIELD(session), 0 } },
		  "cannot have left" },
		/* the leader of a session is in another process group */
		{ { { 4, FIELD(session), 4 } }, "cannot have left" },
		/* the process group of a thread */
		{ { { 4, FIELD(pgrp), 2 } }, "cannot have left" },
		/* the rest */
		{ { { 1, FIELD(flags), 1U << 30 } }, "unknown flags" },
		{ { { 2, FIELD(flags), CKPT_TASK_THREAD | 1U << 31 } },
		  "unknown flags" },
		{ { { 1, FIELD(exit_signal), _NSIG + 1 } }, "exit signal" },
		{ { { 1, FIELD(exit_signal), U32_MAX } }, "exit signal" },
		{ { { 2, FIELD(exit_signal), SIGCHLD } }, "exit signal" },
		{ { { 1, FIELD(exit_code), 9 } }, "exit code" },
		{ { { 3, FIELD(exit_code), 0x10000 } }, "exit code" },
		{ { { 3, FIELD(exit_code), U32_MAX } }, "exit code" },
		{ { { 1, FIELD(cred), 1 } }, "exit code" },
		{ { { 1, FIELD(reserved), 1 } }, "exit code" },
		/* traced by nobody that is there, by itself; and not dead */
		{ { { 3, FIELD(tracer), NR_TASKS + 1 } }, "traced by" },
		{ { { 3, FIELD(tracer), 4 } }, "traced by" },
		{ { { 1, FIELD(tracer), 1 } }, "traced by" },
	};
	const struct edit *edit;
	struct tables *t;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		t = good_tables(test);
		for (j = 0; j < ARRAY_SIZE(cases[i].edit); j++) {
			edit = &cases[i].edit[j];
			/* flags are the first field: 0 is not written there */
			if (edit->field || edit->value)
				*(u32 *)((void *)&t->tasks[edit->row] +
					 edit->field) = edit->value;
		}
		kunit_info(test, "case %d: %s", i, cases[i].says);
		expect_refused(test, t, -EINVAL, cases[i].says);
	}
}

/* What looks odd and is right */
static void tree_test_odd_tasks(struct kunit *test)
{
	struct tables *t = good_tables(test);

	/* a zombie that was killed and dumped core; one that exits silently */
	t->tasks[3].exit_code = 0xffff;
	t->tasks[3].exit_signal = 0;
	/* a session with the pid of a process group, its leader gone */
	t->tasks[4].session = 6;
	expect_accepted(test, t);

	/* everything outside, as in a subtree */
	t = good_tables(test);
	t->h.flags = 0;
	t->tasks[0].pgrp = NONE;
	t->tasks[0].session = NONE;
	t->tasks[4].pgrp = NONE;
	t->tasks[4].session = NONE;
	expect_accepted(test, t);

	/* a process group of the tree in a session that is not */
	t = good_tables(test);
	t->tasks[1].session = NONE;
	t->tasks[3].session = NONE;
	expect_accepted(test, t);
}

/* ------------------------------------------------------------- pid table */

static void tree_test_bad_pids(struct kunit *test)
{
	static const u32 bad[] = {
		0, PID_MAX_LIMIT, PID_MAX_LIMIT + 1, INT_MAX, 1U << 31, U32_MAX,
	};
	struct tables *t;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		t = good_tables(test);
		t->vpids[first(1)] = bad[i];
		expect_refused(test, t, -EINVAL, "is no pid");
		/* nor for the leader of a session, which has no task */
		t = good_tables(test);
		t->vpids[first(NR_PIDS - 1)] = bad[i];
		expect_refused(test, t, -EINVAL, "is no pid");
	}
	t = good_tables(test);
	t->pids[1].depth = 1;
	expect_refused(test, t, -EINVAL, "at depth 1 of pid namespace 0");
	t = good_tables(test);
	t->pids[1].ns = NR_NSS;
	expect_refused(test, t, -EINVAL, "of pid namespace 3");
}

static void tree_test_pid_max(struct kunit *test)
{
	struct tables *t = good_tables(test);
	struct ckpt_ctx *ctx;

	t->vpids[first(1)] = pid_max - 1;
	expect_accepted(test, t);
	if (pid_max >= PID_MAX_LIMIT)
		kunit_skip(test, "kernel.pid_max is as high as it can be");
	t->vpids[first(1)] = pid_max;
	expect_refused(test, t, -EINVAL, "kernel.pid_max");

	/* with new pids the old ones are only names */
	ctx = tables_ctx(test, t);
	ctx->uflags = RESTART_NOPIDS;
	KUNIT_EXPECT_EQ(test, 0, ckpt_tree_read(ctx));
	ckpt_kunit_put(test, ctx);
}

/* -------------------------------------------------------- pid namespaces */

static void tree_test_bad_nss(struct kunit *test)
{
	/* entry, what is wrong, and what is said of it */
	static const struct {
		u32 i;
		struct ckpt_pid_ns_entry e;
		const char *text;
	} bad[] = {
		{ 0, { .parent = 0 }, "pid namespace 0" },
		{ 0, { .parent = NONE, .level = 1 }, "pid namespace 0" },
		{ 0, { .parent = NONE, .init = 4 }, "cannot be its init" },
		{ 0, { .parent = NONE, .init = NONE }, "has no init" },
		{ 1, { .parent = 1, .level = 1, .init = 4 }, "pid namespace 1" },
		{ 1, { .parent = 2, .level = 1, .init = 4 }, "pid namespace 1" },
		{ 1, { .parent = NONE, .level = 1, .init = 4 }, "namespace 1" },
		{ 1, { .parent = 0, .level = 2, .init = 4 }, "pid namespace 1" },
		{ 1, { .parent = 0, .level = 1, .init = 4, .flags = 2 },
		  "pid namespace 1" },
		{ 1, { .parent = 0, .level = 1, .init = 4,
		       .last_pid = PID_MAX_LIMIT + 1 }, "pid namespace 1" },
		{ 1, { .parent = 0, .level = 1, .init = NONE }, "has no init" },
		{ 1, { .parent = 0, .level = 1, .init = 1 }, "cannot be its init" },
		{ 1, { .parent = 0, .level = 1, .init = 2 }, "cannot be its init" },
		{ 1, { .parent = 0, .level = 1, .init = NR_TASKS },
		  "cannot be its init" },
		/* none is made in one that is dead */
		{ 1, { .parent = 0, .level = 1, .init = 4,
		       .flags = CKPT_PID_NS_DEAD }, "pid namespace 2" },
		{ 0, { .parent = NONE, .init = NONE,
		       .flags = CKPT_PID_NS_DEAD }, "pid namespace 1" },
		{ 2, { .parent = 1, .level = 2, .init = 4,
		       .flags = CKPT_PID_NS_DEAD }, "cannot be its init" },
		{ 2, { .parent = 0, .level = 2, .init = NONE }, "namespace 2" },
		/* the next pid would be no init */
		{ 2, { .parent = 1, .level = 2, .init = NONE, .last_pid = 1 },
		  "cannot be its init" },
		{ 2, { .parent = 1, .level = 2, .init = 4 }, "cannot be its init" },
	};
	struct tables *t;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		t = good_tables(test);
		t->nss[bad[i].i] = bad[i].e;
		expect_refused(test, t, -EINVAL, bad[i].text);
	}

	/* an init has number 1 */
	t = good_tables(test);
	t->vpids[first(4) + 1] = 2;
	expect_refused(test, t, -EINVAL, "cannot be its init");

	/* and a parent right outside */
	t = good_tables(test);
	t->tasks[3].flags = 0;
	t->tasks[3].exit_code = 0;
	t->tasks[4].parent = 3;
	expect_accepted(test, t);
	t->nss[1].init = 3;
	t->nss[2].init = 4;
	t->pids[3] = (struct ckpt_pid_entry){ .ns = 1, .depth = 1 };
	t->pids[4] = (struct ckpt_pid_entry){ .ns = 2, .depth = 2 };
	memcpy(t->vpids + 3, (u32 []){ 12, 1, 13, 2, 1, 9, 8 }, 7 * sizeof(u32));
	t->nr_vpids = 10;
	expect_accepted(test, t);
	t->tasks[4].parent = 0;
	expect_refused(test, t, -EINVAL, "it comes from 0");

	/* nobody is made from inside */
	t = good_tables(test);
	t->tasks[4].parent = 1;
	t->pids[1] = (struct ckpt_pid_entry){ .ns = 1, .depth = 1 };
	memcpy(t->vpids, (u32 []){ 1, 10, 2, 11, 12, 13, 1, 9, 8, 0 },
	       10 * sizeof(u32));
	t->nr_vpids = 10;
	expect_refused(test, t, -EINVAL, "in pid namespace");

	/* who lives in one whose init is dead */
	t = good_tables(test);
	t->tasks[4].flags = CKPT_TASK_ZOMBIE;
	expect_accepted(test, t);
	t->pids[3] = (struct ckpt_pid_entry){ .ns = 1, .depth = 1 };
	memcpy(t->vpids + 3, (u32 []){ 12, 2, 13, 1, 9, 8, 0 }, 7 * sizeof(u32));
	t->nr_vpids = 10;
	expect_refused(test, t, -EINVAL, "has no init");

	/* in one that has had no pid, or takes no other one, there is none */
	t = good_tables(test);
	t->nss[2].flags = CKPT_PID_NS_DEAD;
	expect_accepted(test, t);
	t->pids[6] = (struct ckpt_pid_entry){ .ns = 2, .depth = 2 };
	memcpy(t->vpids + 7, (u32 []){ 8, 2, 1 }, 3 * sizeof(u32));
	t->nr_vpids = 10;
	expect_refused(test, t, -EINVAL, "which has no init");
	t->nss[2].flags = 0;
	expect_refused(test, t, -EINVAL, "which has no init");
}

/* --------------------------------------------------------------- lengths */

static void tree_test_bad_counts(struct kunit *test)
{
	struct ckpt_ctx *ctx;
	struct tables *t;

	t = good_tables(test);
	t->h.nr_tasks = 0;
	expect_refused(test, t, -EINVAL, "0 tasks");

	t = good_tables(test);
	t->h.nr_pids = NR_TASKS - 1;
	expect_refused(test, t, -EINVAL, "5 tasks with 4 pids");

	t = good_tables(test);
	t->h.nr_pids = 3 * NR_TASKS + 1;
	expect_refused(test, t, -EINVAL, "5 tasks with 16 pids");

	t = good_tables(test);
	t->h.flags = 1U << 31;
	expect_refused(test, t, -EINVAL, "unknown flags");

	/* refused before memory is allocated for them */
	t = good_tables(test);
	t->h.nr_tasks = pid_max + 1;
	t->h.nr_pids = pid_max + 1;
	expect_refused(test, t, -E2BIG, "kernel.pid_max is");

	t = good_tables(test);
	t->h.nr_tasks = U32_MAX;
	t->h.nr_pids = U32_MAX;
	expect_refused(test, t, -E2BIG, "kernel.pid_max is");

	/* no memory for more than the image has given */
	t = good_tables(test);
	t->h.nr_tasks = pid_max;
	t->h.nr_pids = pid_max;
	ctx = tables_ctx(test, t);
	KUNIT_EXPECT_EQ(test, -EINVAL, ckpt_tree_read(ctx));
	KUNIT_EXPECT_EQ(test, 0, ctx->tree->max_tasks);
	ckpt_kunit_put(test, ctx);
}

/* The records do not hold as many entries as they should. */
static void tree_test_bad_lengths(struct kunit *test)
{
	struct tables *t;

	t = good_tables(test);
	t->nr_tasks--;
	expect_refused(test, t, -EINVAL, "belongs there");

	t = good_tables(test);
	t->nr_tasks++;
	expect_refused(test, t, -EINVAL, "belongs there");

	t = good_tables(test);
	t->nr_tasks = 0;
	expect_refused(test, t, -EINVAL, "belongs there");

	t = good_tables(test);
	t->nr_pids--;
	expect_refused(test, t, -EINVAL, "belongs there");

	t = good_tables(test);
	t->nr_pids++;
	expect_refused(test, t, -EINVAL, "belongs there");

	t = good_tables(test);
	t->h.nr_pids++;
	expect_refused(test, t, -EINVAL, "belongs there");
}

/* Tables that take several records, and their ends */
static void tree_test_round_trip(struct kunit *test)
{
	static const u32 sizes[] = {
		1, CKPT_TASKS_CHUNK - 1, CKPT_TASKS_CHUNK, CKPT_TASKS_CHUNK + 1,
		2048, 4097,
	};
	struct ckpt_tree *tree;
	struct ckpt_ctx *ctx;
	u32 i, j, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = sizes[i];
		ctx = ckpt_kunit_writer(test);
		tree = ctx->tree;
		tree->tasks = kvcalloc(n, sizeof(*tree->tasks), GFP_KERNEL);
		tree->pids = kvcalloc(2 * n, sizeof(*tree->pids), GFP_KERNEL);
		tree->nss = kvcalloc(1, sizeof(*tree->nss), GFP_KERNEL);
		tree->vpids = kvcalloc(2 * n, sizeof(u32), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, tree->tasks);
		KUNIT_ASSERT_NOT_NULL(test, tree->pids);
		KUNIT_ASSERT_NOT_NULL(test, tree->nss);
		KUNIT_ASSERT_NOT_NULL(test, tree->vpids);
		tree->nr_tasks = n;
		tree->nr_pids = 2 * n;
		tree->nr_vpids = 2 * n;
		tree->nr_pid_ns = 1;
		tree->nss[0].ns = get_pid_ns(task_active_pid_ns(current));
		tree->nss[0].e.parent = NONE;
		ctx->caller = current;
		for (j = 0; j < n; j++) {
			struct ckpt_task_entry *e = &tree->tasks[j].e;

			e->tid = j;
			e->leader = j;
			e->parent = j ? j / 2 : NONE;
			e->pgrp = j;
			e->session = n + j;
		}
		for (j = 0; j < 2 * n; j++)
			tree->vpids[j] = j + 1;
		KUNIT_EXPECT_EQ(test, 0, ckpt_tree_write(ctx));
		KUNIT_EXPECT_EQ(test, 0, ckpt_write_trailer(ctx));

		ckpt_tree_free(tree);
		tree = ckpt_tree_alloc();
		ctx->tree = tree;
		KUNIT_ASSERT_NOT_NULL(test, tree);
		ckpt_kunit_rewind(test, ctx);
		ctx->uflags = RESTART_NOPIDS;
		KUNIT_EXPECT_EQ(test, 0, ckpt_tree_read(ctx));
		KUNIT_EXPECT_STREQ(test, "", ctx->errmsg);
		KUNIT_EXPECT_EQ(test, 0, ckpt_read_trailer(ctx));
		KUNIT_ASSERT_EQ(test, n, tree->nr_tasks);
		KUNIT_ASSERT_EQ(test, 2 * n, tree->nr_pids);
		for (j = 0; j < n; j++)
			if (tree->tasks[j].e.session != n + j ||
			    tree->tasks[j].e.parent != (j ? j / 2 : NONE))
				break;
		KUNIT_EXPECT_EQ(test, n, j);
		for (j = 0; j < 2 * n; j++)
			if (ckpt_pid_nr(tree, j) != j + 1)
				break;
		KUNIT_EXPECT_EQ(test, 2 * n, j);
		ckpt_kunit_put(test, ctx);
	}
}

/* ----------------------------------------------------------------- slots */

static void tree_test_slots(struct kunit *test)
{
	struct ckpt_ctx *ctx = ckpt_kunit_writer(test);
	struct ckpt_tree *tree = ctx->tree;
	struct pid *self = task_pid(current), *init = task_pid(&init_task);

	tree->pid_ns = get_pid_ns(&init_pid_ns);
	KUNIT_EXPECT_EQ(test, -ENOENT, ckpt_pid_slot(ctx, self));
	KUNIT_EXPECT_EQ(test, 0, ckpt_pid_add(ctx, self));
	KUNIT_EXPECT_EQ(test, 1, ckpt_pid_add(ctx, init));
	KUNIT_EXPECT_EQ(test, 0, ckpt_pid_add(ctx, self));
	KUNIT_EXPECT_EQ(test, 2, tree->nr_pids);
	KUNIT_EXPECT_EQ(test, 0, ckpt_pid_slot(ctx, self));
	KUNIT_EXPECT_EQ(test, 1, ckpt_pid_slot(ctx, init));
	KUNIT_EXPECT_EQ(test, pid_nr(self), ckpt_pid_nr(tree, 0));

	KUNIT_EXPECT_PTR_EQ(test, self, ckpt_slot_pid(ctx, 0));
	KUNIT_EXPECT_EQ(test, 0, ctx->err);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    (void *)ckpt_slot_pid(ctx, 2));
	ckpt_kunit_said(test, ctx, -EINVAL, "no pid slot 2");
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    (void *)ckpt_slot_pid(ctx, NONE));
	ckpt_kunit_said(test, ctx, -EINVAL, "no pid slot");

	/* one that has not been made yet */
	KUNIT_ASSERT_EQ(test, 0, ckpt_table_grow((void **)&tree->pids, 2,
						 &tree->max_pids, 1,
						 sizeof(*tree->pids)));
	tree->nr_pids = 3;
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    (void *)ckpt_slot_pid(ctx, 2));
	ckpt_kunit_said(test, ctx, -EINVAL, "no pid slot 2");
	ckpt_kunit_put(test, ctx);
}

static struct kunit_case tree_test_cases[] = {
	KUNIT_CASE(tree_test_good),
	KUNIT_CASE(tree_test_comm),
	KUNIT_CASE(tree_test_bad_tasks),
	KUNIT_CASE(tree_test_odd_tasks),
	KUNIT_CASE(tree_test_bad_pids),
	KUNIT_CASE(tree_test_pid_max),
	KUNIT_CASE(tree_test_bad_nss),
	KUNIT_CASE(tree_test_bad_counts),
	KUNIT_CASE(tree_test_bad_lengths),
	KUNIT_CASE(tree_test_round_trip),
	KUNIT_CASE(tree_test_slots),
	{}
};

static struct kunit_suite tree_test_suite = {
	.name		= "checkpoint_tree",
	.test_cases	= tree_test_cases,
};

kunit_test_suite(tree_test_suite);
