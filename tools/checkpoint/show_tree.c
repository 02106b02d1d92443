// SPDX-License-Identifier: GPL-2.0
/*
 * The process tree, and who shares what.
 */
#include <stdlib.h>
#include <sys/wait.h>

#include "array.h"
#include "show.h"
#include "text.h"

/* Deeper levels are drawn at this one. */
#define DEPTH_MAX	64
/* More users of an object are only counted. */
#define USERS_MAX	16

void show_task(const struct view *v, const struct model *m, uint32_t i)
{
	fprintf(v->f, "%u (", model_pid(m, m->tasks[i].e.tid));
	text_put(v->f, m->tasks[i].e.comm, v->utf8);
	fputc(')', v->f);
}

/**
 * struct node - a task in the drawn tree
 * @up: process that it is drawn below, or MODEL_NONE
 * @first: first drawn below it: threads before children
 * @next: next below the same one
 */
struct node {
	uint32_t up;
	uint32_t first;
	uint32_t next;
};

static bool is_thread(const struct model *m, uint32_t i)
{
	return m->tasks[i].e.flags & CKPT_TASK_THREAD;
}

static void hang(struct node *nodes, uint32_t i, uint32_t up)
{
	nodes[i].up = up;
	nodes[i].next = nodes[up].first;
	nodes[up].first = i;
}

static struct node *make_nodes(const struct model *m)
{
	struct node *nodes = malloc(m->nr_tasks * sizeof(*nodes));
	const struct ckpt_task_entry *e;
	uint32_t i;

	if (!nodes)
		return NULL;
	for (i = 0; i < m->nr_tasks; i++)
		nodes[i] = (struct node){ MODEL_NONE, MODEL_NONE, MODEL_NONE };
	/* Each is put in front of the others: the last must come first. */
	for (i = m->nr_tasks; --i; ) {
		e = &m->tasks[i].e;
		if (!is_thread(m, i))
			hang(nodes, i, m->tasks[e->parent].e.leader);
	}
	for (i = m->nr_tasks; --i; )
		if (is_thread(m, i))
			hang(nodes, i, m->tasks[i].e.leader);
	return nodes;
}

static void draw_branch(const struct view *v, const struct node *nodes,
			uint32_t i)
{
	uint32_t path[DEPTH_MAX];
	unsigned int depth = 0;

	for (; nodes[i].up != MODEL_NONE && depth < DEPTH_MAX;
	     i = nodes[i].up)
		path[depth++] = i;
	while (depth--) {
		bool more = nodes[path[depth]].next != MODEL_NONE;

		if (depth)
			fputs(!more ? "  " : v->utf8 ? "│ " : "| ", v->f);
		else if (v->utf8)
			fputs(more ? "├─" : "└─", v->f);
		else
			fputs(more ? "|-" : "`-", v->f);
	}
}

/* "zombie, exit 3" */
static void state_text(const struct model_task *t, bool stopped, char *buf,
		       size_t size)
{
	if (!(t->e.flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_OUTLIVED)))
		snprintf(buf, size, "%s", stopped ? "stopped" : "-");
	else if (WIFEXITED(t->e.exit_code))
		snprintf(buf, size, "zombie: exit %d",
			 WEXITSTATUS(t->e.exit_code));
	else
		snprintf(buf, size, "zombie: signal %d",
			 WTERMSIG(t->e.exit_code));
}

static void put_pid(const struct view *v, const struct model *m, uint32_t slot)
{
	if (slot == MODEL_NONE)
		fprintf(v->f, "%7s ", "outside");
	else
		fprintf(v->f, "%7u ", model_pid(m, slot));
}

static void draw_task(const struct view *v, const struct model *m,
		      const struct node *nodes, uint32_t i)
{
	const struct model_task *t = &m->tasks[i];
	const struct model_task *leader = &m->tasks[t->e.leader];
	bool stopped = leader->jobctl & CKPT_JOBCTL_STOPPED;
	char state[32];

	put_pid(v, m, t->e.tid);
	put_pid(v, m, leader->e.pgrp);
	put_pid(v, m, leader->e.session);
	state_text(t, stopped, state, sizeof(state));
	fprintf(v->f, "%-16s", state);
	draw_branch(v, nodes, i);
	fputs(is_thread(m, i) ? "{" : "", v->f);
	text_put(v->f, t->e.comm, v->utf8);
	fputs(is_thread(m, i) ? "}" : "", v->f);
	if (m->pids[t->e.tid].ns)
		fprintf(v->f, " (%u in pid namespace %u)",
			model_inner_pid(m, t->e.tid), m->pids[t->e.tid].ns);
	fputs(t->e.flags & CKPT_TASK_VFORK ? " (vfork)" : "", v->f);
	fputs(t->e.flags & CKPT_TASK_SUBREAPER ? " (subreaper)\n" : "\n", v->f);
}

/* Without recursion: a hostile tree may be one long branch. */
static void draw_tree(const struct view *v, const struct model *m,
		      const struct node *nodes)
{
	uint32_t i = 0;

	fprintf(v->f, "%7s %7s %7s %-16s%s\n", "PID", "GROUP", "SESSION",
		"STATE", "TASK");
	for (;;) {
		draw_task(v, m, nodes, i);
		if (nodes[i].first != MODEL_NONE) {
			i = nodes[i].first;
			continue;
		}
		while (i && nodes[i].next == MODEL_NONE)
			i = nodes[i].up;
		if (!i)
			return;
		i = nodes[i].next;
	}
}

/* Groups and sessions whose leader is gone */
static int show_lone_pids(const struct view *v, const struct model *m)
{
	enum { HAS_TASK = 1, GROUP = 2, SESSION = 4 };
	unsigned char *use = calloc(m->nr_pids, 1);
	const char *sep = "\npids without a task: ";
	const struct ckpt_task_entry *e;
	size_t i;

	if (!use)
		return -1;
	for (i = 0; i < m->nr_tasks; i++) {
		e = &m->tasks[i].e;
		use[e->tid] |= HAS_TASK;
		if (is_thread(m, i))
			continue;
		if (e->pgrp != MODEL_NONE)
			use[e->pgrp] |= GROUP;
		if (e->session != MODEL_NONE)
			use[e->session] |= SESSION;
	}
	for (i = 0; i < m->nr_pids; i++) {
		if (use[i] & HAS_TASK)
			continue;
		fprintf(v->f, "%s%u (%s)", sep, model_pid(m, i),
			use[i] & SESSION ? "session" :
			use[i] & GROUP ? "group" : "named by a file or signal");
		sep = ", ";
	}
	if (sep[0] == ',')
		fputc('\n', v->f);
	free(use);
	return 0;
}

/* ---------------------------------------------------------------- sharing */

/* The namespaces that a nsproxy holds, after the kinds of enum model_ref */
static const struct {
	const char *name;
	enum model_ref ref;
	size_t offset;
} shared_kinds[] = {
#define NS(n) { #n " namespace", MODEL_NSPROXY, \
		offsetof(struct ckpt_hdr_nsproxy, n) }
	NS(uts), NS(ipc), NS(mnt), NS(pid), NS(net), NS(cgroup), NS(time),
	{ "mm", MODEL_MM, 0 },
	{ "files", MODEL_FILES, 0 },
	{ "fs", MODEL_FS, 0 },
	{ "sighand", MODEL_SIGHAND, 0 },
};

/**
 * struct use - a task uses an object
 * @ref: the object
 * @task: the task
 */
struct use {
	uint32_t ref;
	uint32_t task;
};

static int compare_uses(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->ref != y->ref)
		return x->ref < y->ref ? -1 : 1;
	return (x->task > y->task) - (x->task < y->task);
}

/* Does task @i use something as its @kind? What goes to @ref. */
static bool task_use(const struct model *m, uint32_t i, size_t kind,
		     uint32_t *ref)
{
	const struct model_object *o;

	o = model_task_object(m, i, shared_kinds[kind].ref);
	if (!o)
		return false;
	*ref = shared_kinds[kind].ref != MODEL_NSPROXY ? o->ref :
		*(uint32_t *)((char *)o->rec + shared_kinds[kind].offset);
	return true;
}

static bool same_as_leader(const struct model *m, uint32_t i, size_t kind,
			   uint32_t ref)
{
	uint32_t leader = m->tasks[i].e.leader, other;

	return i != leader && task_use(m, leader, kind, &other) && other == ref;
}

/* One object and its users: @nr of them at @use */
static void show_sharing(const struct view *v, const struct model *m,
			 const char *kind, const struct use *use, size_t nr,
			 size_t all)
{
	size_t i;

	fprintf(v->f, "  %-16s ", kind);
	if (use->ref)
		fprintf(v->f, "%7u  ", use->ref);
	else
		fprintf(v->f, "%7s  ", "outside");
	if (nr == all && nr > 1) {
		fputs("all\n", v->f);
		return;
	}
	for (i = 0; i < nr && i < USERS_MAX; i++) {
		fputs(i ? ", " : "", v->f);
		show_task(v, m, use[i].task);
	}
	if (i < nr)
		fprintf(v->f, " and %zu more", nr - i);
	fputc('\n', v->f);
}

static void show_shared_kind(const struct view *v, const struct model *m,
			     size_t kind, struct use *uses)
{
	bool ns = shared_kinds[kind].ref == MODEL_NSPROXY;
	size_t i, end, nr = 0;
	uint32_t ref;

	for (i = 0; i < m->nr_tasks; i++)
		if (task_use(m, i, kind, &ref) &&
		    !same_as_leader(m, i, kind, ref))
			uses[nr++] = (struct use){ ref, i };
	qsort(uses, nr, sizeof(*uses), compare_uses);
	for (i = 0; i < nr; i = end) {
		for (end = i + 1; end < nr && uses[end].ref == uses[i].ref; )
			end++;
		/* A process's own files are no news, its namespaces are. */
		if (ns || end - i > 1)
			show_sharing(v, m, shared_kinds[kind].name, &uses[i],
				     end - i, nr);
	}
}

void show_users(const struct view *v, const struct model *m,
		enum model_ref kind, uint32_t ref)
{
	uint32_t i, leader, nr = 0;

	for (i = 0; i < m->nr_tasks; i++) {
		leader = m->tasks[i].e.leader;
		if (m->tasks[i].ref[kind] != ref ||
		    (i != leader && m->tasks[leader].ref[kind] == ref))
			continue;
		if (nr < USERS_MAX) {
			fputs(nr ? ", " : "", v->f);
			show_task(v, m, i);
		}
		nr++;
	}
	if (nr > USERS_MAX)
		fprintf(v->f, " and %u more", nr - USERS_MAX);
}

void show_tree(const struct view *v, const struct model *m)
{
	struct node *nodes = make_nodes(m);
	struct use *uses = malloc(m->nr_tasks * sizeof(*uses));
	size_t i;

	if (nodes && uses) {
		draw_tree(v, m, nodes);
		if (show_lone_pids(v, m))
			fputs("not enough memory\n", v->f);
		fprintf(v->f, "\n  %-16s %7s  %s\n", "SHARED", "OBJECT",
			"PROCESSES");
		for (i = 0; i < ARRAY_SIZE(shared_kinds); i++)
			show_shared_kind(v, m, i, uses);
	} else {
		fputs("not enough memory\n", v->f);
	}
	free(nodes);
	free(uses);
}
