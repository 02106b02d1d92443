// SPDX-License-Identifier: GPL-2.0
/*
 * One page about an image: what made it, and what is in it.
 */
#include <time.h>

#include "array.h"
#include "records.h"
#include "show.h"
#include "text.h"

static void show_when(const struct view *v, uint64_t realtime_ns)
{
	time_t t = realtime_ns / 1000000000;
	char text[64];
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(text, sizeof(text), "at %ju ns", realtime_ns);
	fputs(text, v->f);
}

static void show_flags(const struct view *v, uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
		{ CHECKPOINT_SUBTREE, "subtree" },
		{ CHECKPOINT_NONETNS, "nonetns" },
		{ CHECKPOINT_KILL, "kill" },
		{ CHECKPOINT_STOP, "leave-stopped" },
		{ CHECKPOINT_SNAPSHOT, "snapshot" },
		{ CHECKPOINT_CONNTRACK, "conntrack" },
	};
	const char *sep = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(flags & names[i].flag))
			continue;
		fprintf(v->f, "%s%s", sep, names[i].name);
		flags &= ~names[i].flag;
		sep = " ";
	}
	if (flags)
		fprintf(v->f, "%s%#x", sep, flags);
	else if (!*sep)
		fputs("none", v->f);
}

static void show_counts(const struct view *v, const struct model *m)
{
	size_t i, processes = 0, threads = 0, zombies = 0;
	uint32_t flags;

	for (i = 0; i < m->nr_tasks; i++) {
		flags = m->tasks[i].e.flags;
		if (flags & CKPT_TASK_ZOMBIE)
			zombies++;
		else if (flags & CKPT_TASK_THREAD)
			threads++;
		else
			processes++;
	}
	fprintf(v->f, "tasks    %zu: %zu process%s", m->nr_tasks, processes,
		processes == 1 ? "" : "es");
	if (threads)
		fprintf(v->f, ", %zu more thread%s", threads,
			threads == 1 ? "" : "s");
	if (zombies)
		fprintf(v->f, ", %zu zombie%s", zombies,
			zombies == 1 ? "" : "s");
	fputc('\n', v->f);
}

static void show_kind(const struct view *v, const char *kind, size_t nr,
		      uint64_t bytes, uint64_t payload)
{
	char size[TEXT_SIZE_LEN];

	fprintf(v->f, "%-9s %9zu %12s", kind, nr, text_size(size, bytes));
	if (payload)
		fprintf(v->f, " %12s", text_size(size, payload));
	fputc('\n', v->f);
}

static void show_kinds(const struct view *v, const struct model *m)
{
	struct {
		size_t nr;
		uint64_t bytes, pages;
	} kind[CKPT_OBJ_MAX] = {};
	uint64_t page_size = m->header.page_size, other = m->record_bytes;
	char size[TEXT_SIZE_LEN];
	size_t i, nr = 0;

	for (i = 0; i < m->nr_objects; i++) {
		const struct model_object *o = m->objects[i];

		kind[o->type].nr++;
		kind[o->type].bytes += o->bytes;
		kind[o->type].pages += o->pages;
		other -= o->bytes;
	}
	for (i = 0; i < m->nr_tasks; i++)
		nr += m->tasks[i].live;

	fprintf(v->f, "\n%-9s %9s %12s %12s\n", "KIND", "NUMBER", "RECORDS",
		"MEMORY");
	for (i = 0; i < CKPT_OBJ_MAX; i++)
		if (kind[i].nr)
			show_kind(v, ckpt_object_name(i), kind[i].nr,
				  kind[i].bytes, kind[i].pages * page_size);
	show_kind(v, "task", nr, other, 0);
	fprintf(v->f, "%-9s %9s %12s", "all", "",
		text_size(size, m->record_bytes));
	fprintf(v->f, " %12s", text_size(size, m->payload));
	fprintf(v->f, ", padding %s\n",
		text_size(size, m->bytes - m->payload - m->record_bytes));
}

void show_summary(const struct view *v, const struct model *m,
		  const char *name)
{
	const struct ckpt_hdr_header *h = &m->header;
	const struct model_task *root = &m->tasks[0];
	char size[TEXT_SIZE_LEN];

	fputs("image    ", v->f);
	text_put(v->f, name, v->utf8);
	fprintf(v->f, ", %s, %ju records; complete, all sums right\n",
		text_size(size, m->bytes), m->records);
	fprintf(v->f, "format   version %u, %s, pages of %u bytes\n", h->version,
		h->arch == CKPT_ARCH_X86_64 ? "x86-64" : "another machine",
		h->page_size);
	fputs("made     ", v->f);
	show_when(v, h->realtime_ns);
	fprintf(v->f, ", id %ju, flags: ", (uint64_t)h->id);
	show_flags(v, h->uflags);
	fputs("\non       Linux ", v->f);
	text_put(v->f, h->release, v->utf8);
	fputc(' ', v->f);
	text_put(v->f, h->kversion, v->utf8);
	fprintf(v->f, ", up %ju s\n",
		(uint64_t)h->boottime_ns / 1000000000);
	fputs("root     ", v->f);
	show_task(v, m, 0);
	fputs(m->tree.flags & CKPT_TREE_CONTAINER ? ", a container" :
						    ", a subtree", v->f);
	if (m->tree.flags & CKPT_TREE_SELF)
		fputs(" that checkpointed itself", v->f);
	if (root->e.rpid && root->e.rpid != model_pid(m, root->e.tid))
		fprintf(v->f, ", seen from outside as pid %u", root->e.rpid);
	fputc('\n', v->f);
	show_counts(v, m);
	show_kinds(v, m);
}
