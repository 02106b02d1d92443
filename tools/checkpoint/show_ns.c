// SPDX-License-Identifier: GPL-2.0
/*
 * Who shares which namespaces: a row for each process, a column for each kind;
 * then the namespaces, with their owners and what there is to say of each.
 */
#include <stdint.h>
#include <string.h>

#include "array.h"
#include "records.h"
#include "show.h"
#include "text.h"

#define NAME_WIDTH	28

enum column { UTS, IPC, MNT, PID, NET, CGROUP, TIME, CHILDREN, USER, COLUMNS };

static const char *const column_name[COLUMNS] = {
	"uts", "ipc", "mnt", "pid", "net", "cgroup", "time", "(next)", "user",
};

/* The namespaces of task @i; 0 for one that is outside */
static bool namespaces_of(const struct model *m, uint32_t i,
			  uint32_t ref[COLUMNS])
{
	const struct model_object *ns = model_task_object(m, i, MODEL_NSPROXY);
	const struct model_object *cred = model_task_object(m, i, MODEL_CRED);
	const struct ckpt_hdr_nsproxy *r;

	if (!ns || !cred)
		return false;
	r = (struct ckpt_hdr_nsproxy *)ns->rec;
	ref[UTS] = r->uts;
	ref[IPC] = r->ipc;
	ref[MNT] = r->mnt;
	ref[PID] = r->pid;
	ref[NET] = r->net;
	ref[CGROUP] = r->cgroup;
	ref[TIME] = r->time;
	ref[CHILDREN] = r->time_for_children;
	ref[USER] = ((struct ckpt_hdr_cred *)cred->rec)->user_ns;
	return true;
}

static unsigned int depth_of(const struct model *m, uint32_t i)
{
	unsigned int depth = 0;

	/* a parent stands before its children */
	while (m->tasks[i].e.parent < i && depth < NAME_WIDTH / 2) {
		i = m->tasks[m->tasks[i].e.parent].e.leader;
		depth++;
	}
	return depth;
}

static void show_row(const struct view *v, const struct model *m, uint32_t i)
{
	uint32_t ref[COLUMNS], leader[COLUMNS];
	uint32_t l = m->tasks[i].e.leader;
	int c, width;

	if (!namespaces_of(m, i, ref))
		return;
	/* a thread is news where it differs */
	if (l != i && namespaces_of(m, l, leader) &&
	    !memcmp(ref, leader, sizeof(ref)))
		return;
	width = 2 * (depth_of(m, l) + (l != i));
	fprintf(v->f, "%*s", width, "");
	width += fprintf(v->f, "%u ", model_pid(m, m->tasks[i].e.tid));
	text_put(v->f, m->tasks[i].e.comm, v->utf8);
	width += strlen(m->tasks[i].e.comm);
	fprintf(v->f, "%*s", width < NAME_WIDTH ? NAME_WIDTH - width : 1, "");
	for (c = 0; c < COLUMNS; c++) {
		if (ref[c])
			fprintf(v->f, " %6u", ref[c]);
		else
			fprintf(v->f, " %6s", "-");
	}
	fputc('\n', v->f);
}

/* ----------------------------------------------------------- each of them */

static void show_map(const struct view *v, const struct ckpt_hdr_user_ns *r,
		     int which, const char *name)
{
	const struct ckpt_id_extent *e = r->extents;
	uint32_t i;
	int k;

	for (k = 0; k < which; k++)
		e += r->nr_extents[k];
	for (i = 0; i < r->nr_extents[which]; i++, e++)
		fprintf(v->f, "%s%u:%u:%u", i ? "," : name, e->first,
			e->lower_first, e->count);
}

/* The user namespace that owns @o; of one of these, the parent */
/* Its entry in the table, or NULL if there is none */
static const struct ckpt_pid_ns_entry *pid_ns_of(const struct model *m,
						 const struct model_object *o)
{
	uint32_t i = ((struct ckpt_hdr_pid_ns *)o->rec)->index;

	return i < m->nr_pid_ns ? &m->pid_ns[i] : NULL;
}

static uint32_t owner_of(const struct model *m, const struct model_object *o)
{
	const struct ckpt_pid_ns_entry *p;

	switch (o->type) {
	case CKPT_OBJ_UTS_NS:
		return ((struct ckpt_hdr_uts_ns *)o->rec)->user_ns;
	case CKPT_OBJ_IPC_NS:
		return ((struct ckpt_hdr_ipc_ns *)o->rec)->user_ns;
	case CKPT_OBJ_PID_NS:
		p = pid_ns_of(m, o);
		return p ? p->user_ns : 0;
	case CKPT_OBJ_MNT_NS:
		return ((struct ckpt_hdr_mnt_ns *)o->rec)->user_ns;
	case CKPT_OBJ_TIME_NS:
		return ((struct ckpt_hdr_time_ns *)o->rec)->user_ns;
	case CKPT_OBJ_CGROUP_NS:
		return ((struct ckpt_hdr_cgroup_ns *)o->rec)->user_ns;
	case CKPT_OBJ_NET_NS:
		return ((struct ckpt_hdr_net_ns *)o->rec)->user_ns;
	case CKPT_OBJ_USER_NS:
		return ((struct ckpt_hdr_user_ns *)o->rec)->parent;
	default:
		return 0;
	}
}

static void show_detail(const struct view *v, const struct model *m,
			const struct model_object *o)
{
	const struct ckpt_pid_ns_entry *p;
	const struct ckpt_hdr_user_ns *u;
	const struct ckpt_hdr_time_ns *t;
	const struct ckpt_hdr_uts_ns *n;

	switch (o->type) {
	case CKPT_OBJ_UTS_NS:
		n = (struct ckpt_hdr_uts_ns *)o->rec;
		fputs("host ", v->f);
		text_put(v->f, n->nodename, v->utf8);
		break;
	case CKPT_OBJ_PID_NS:
		p = pid_ns_of(m, o);
		if (p)
			fprintf(v->f, "level %u, last pid %u", p->level,
				p->last_pid);
		break;
	case CKPT_OBJ_TIME_NS:
		t = (struct ckpt_hdr_time_ns *)o->rec;
		fprintf(v->f, "monotonic %jd s, boottime %jd s",
			(intmax_t)t->monotonic_ns / 1000000000,
			(intmax_t)t->boottime_ns / 1000000000);
		break;
	case CKPT_OBJ_CGROUP_NS:
		fputs("root /", v->f);
		if (o->nr_strings)
			text_put(v->f, o->strings[0], v->utf8);
		break;
	case CKPT_OBJ_USER_NS:
		u = (struct ckpt_hdr_user_ns *)o->rec;
		fprintf(v->f, "of user %u", u->owner);
		show_map(v, u, 0, ", uids ");
		show_map(v, u, 1, ", gids ");
		show_map(v, u, 2, ", projids ");
		break;
	}
}

static bool is_namespace(uint32_t type)
{
	switch (type) {
	case CKPT_OBJ_UTS_NS:
	case CKPT_OBJ_IPC_NS:
	case CKPT_OBJ_MNT_NS:
	case CKPT_OBJ_PID_NS:
	case CKPT_OBJ_TIME_NS:
	case CKPT_OBJ_CGROUP_NS:
	case CKPT_OBJ_USER_NS:
	case CKPT_OBJ_NET_NS:
		return true;
	}
	return false;
}

void show_namespaces(const struct view *v, const struct model *m)
{
	const struct model_object *o;
	uint32_t owner;
	size_t i;
	int c;

	fprintf(v->f, "%-*s", NAME_WIDTH, "PROCESS");
	for (c = 0; c < COLUMNS; c++)
		fprintf(v->f, " %6s", column_name[c]);
	fputc('\n', v->f);
	for (i = 0; i < m->nr_tasks; i++)
		show_row(v, m, i);

	fprintf(v->f, "\n%-10s %6s %6s\n", "NAMESPACE", "OBJECT", "OWNER");
	for (i = 0; i < m->nr_objects; i++) {
		o = m->objects[i];
		if (!is_namespace(o->type))
			continue;
		fprintf(v->f, "%-10s %6u", ckpt_object_name(o->type), o->ref);
		owner = owner_of(m, o);
		if (owner)
			fprintf(v->f, " %6u  ", owner);
		else
			fprintf(v->f, " %6s  ", "-");
		show_detail(v, m, o);
		fputc('\n', v->f);
	}
}
