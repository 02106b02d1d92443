// SPDX-License-Identifier: GPL-2.0
/*
 * The tasks of an image, and the image as a whole.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "parser.h"
#include "records.h"

/* Highest pid that a kernel gives, and so the most tasks there can be */
#define PID_MAX		(4 * 1024 * 1024)

/* As deep as pid namespaces can be inside of each other */
#define PID_NS_LEVELS	32

/* ------------------------------------------------------------------ tasks */

/* Parents and leaders stand before: there is no cycle. */
static int check_task(struct parser *p, uint32_t i)
{
	const struct model_task *tasks = p->m->tasks;
	const struct ckpt_task_entry *e = &tasks[i].e;
	bool thread = e->flags & CKPT_TASK_THREAD;
	bool zombie = e->flags & CKPT_TASK_ZOMBIE;
	bool outlived = e->flags & CKPT_TASK_OUTLIVED;
	uint32_t above = thread ? e->leader : e->parent;

	if (e->cred && !zombie)
		return damaged(p, "task %u is no zombie, and names credentials",
			       i);
	if (e->tracer > p->m->nr_tasks || (e->tracer && !zombie) ||
	    (zombie && thread && !e->tracer))
		return damaged(p, "task %u: a zombie of tracer %u", i,
			       e->tracer);
	if (check_opt_ref(p, "cred", e->cred, CKPT_OBJ_CRED))
		return -1;
	if (!i)
		return thread || zombie || e->leader ||
		       e->parent != MODEL_NONE ?
			damaged(p, "task 0 is not a root") : 0;
	if (e->parent >= i || (thread ? e->leader >= i : e->leader != i))
		return damaged(p, "task %u: parent %u or leader %u is not before it",
			       i, e->parent, e->leader);
	if (outlived && (thread || zombie))
		return damaged(p, "task %u has outlived threads", i);
	if ((e->flags & CKPT_TASK_VFORK) && (thread || zombie || outlived))
		return damaged(p, "task %u is not waited for", i);
	if ((tasks[above].e.flags & CKPT_TASK_ZOMBIE && !(thread && zombie)) ||
	    (!thread && tasks[above].e.flags & CKPT_TASK_OUTLIVED) ||
	    (thread && tasks[above].e.flags & CKPT_TASK_THREAD))
		return damaged(p, "task %u cannot have been made by task %u", i,
			       above);
	if ((thread && e->exit_signal) ||
	    (!zombie && !outlived && e->exit_code))
		return damaged(p, "task %u: exit signal %u, exit code %#x", i,
			       e->exit_signal, e->exit_code);
	return 0;
}

static int read_task_table(struct parser *p)
{
	const struct ckpt_hdr_tasks *h;
	struct model *m = p->m;
	size_t i, nr;

	while (m->nr_tasks < m->tree.nr_tasks) {
		h = need(p, CKPT_HDR_TASKS);
		if (!h)
			return -1;
		nr = (h->h.len - sizeof(*h)) / sizeof(h->tasks[0]);
		if (!nr || nr > m->tree.nr_tasks - m->nr_tasks)
			return damaged(p, "these are not %u tasks together",
				       m->tree.nr_tasks);
		if (grow(p, &m->tasks, m->nr_tasks, nr, sizeof(*m->tasks)))
			return -1;
		for (i = 0; i < nr; i++) {
			memset(&m->tasks[m->nr_tasks], 0, sizeof(*m->tasks));
			m->tasks[m->nr_tasks].e = h->tasks[i];
			if (check_task(p, m->nr_tasks++))
				return -1;
		}
	}
	return 0;
}

static int read_pid_table(struct parser *p)
{
	const struct ckpt_hdr_pids *h;
	struct model *m = p->m;
	size_t i, nr;

	while (m->nr_pids < m->tree.nr_pids) {
		h = need(p, CKPT_HDR_PIDS);
		if (!h)
			return -1;
		nr = (h->h.len - sizeof(*h)) / sizeof(h->pids[0]);
		if (!nr || nr > m->tree.nr_pids - m->nr_pids)
			return damaged(p, "these are not %u pids together",
				       m->tree.nr_pids);
		if (grow(p, &m->pids, m->nr_pids, nr, sizeof(*m->pids)))
			return -1;
		for (i = 0; i < nr; i++) {
			const struct ckpt_pid_entry *e = &h->pids[i];

			if (e->ns >= m->nr_pid_ns ||
			    e->depth != m->pid_ns[e->ns].level)
				return damaged(p, "pid namespace %u has no level %u",
					       e->ns, e->depth);
			m->pids[m->nr_pids].ns = e->ns;
			m->pids[m->nr_pids++].first = p->nr_vpids;
			p->nr_vpids += e->depth + 1;
		}
	}
	return 0;
}

static int read_pid_ns_table(struct parser *p)
{
	const struct ckpt_hdr_pid_nss *h;
	struct model *m = p->m;
	size_t i, nr;

	while (m->nr_pid_ns < m->tree.nr_pid_ns) {
		h = need(p, CKPT_HDR_PID_NSS);
		if (!h)
			return -1;
		nr = (h->h.len - sizeof(*h)) / sizeof(h->nss[0]);
		if (!nr || nr > m->tree.nr_pid_ns - m->nr_pid_ns)
			return damaged(p, "these are not %u pid namespaces together",
				       m->tree.nr_pid_ns);
		if (grow(p, &m->pid_ns, m->nr_pid_ns, nr, sizeof(*m->pid_ns)))
			return -1;
		for (i = 0; i < nr; i++) {
			const struct ckpt_pid_ns_entry *e = &h->nss[i];
			size_t above = m->nr_pid_ns;

			if (!above ? e->level || e->parent != MODEL_NONE :
			    e->parent >= above || e->level > PID_NS_LEVELS ||
			    e->level != m->pid_ns[e->parent].level + 1)
				return damaged(p, "level %u below pid namespace %u",
					       e->level, e->parent);
			if (check_opt_ref(p, "user_ns", e->user_ns,
					  CKPT_OBJ_USER_NS))
				return -1;
			m->pid_ns[m->nr_pid_ns++] = *e;
		}
	}
	return 0;
}

static int read_vpids(struct parser *p)
{
	const struct ckpt_hdr_vpids *h;
	struct model *m = p->m;
	size_t i, nr;

	while (m->nr_vpids < p->nr_vpids) {
		h = need(p, CKPT_HDR_VPIDS);
		if (!h)
			return -1;
		nr = (h->h.len - sizeof(*h)) / sizeof(h->nrs[0]);
		/* Two of them are as long as a record must be a multiple of. */
		if (!nr || nr > p->nr_vpids - m->nr_vpids + 1)
			return damaged(p, "these are not %zu numbers together",
				       p->nr_vpids);
		if (nr > p->nr_vpids - m->nr_vpids)
			nr--;
		if (grow(p, &m->vpids, m->nr_vpids, nr, sizeof(*m->vpids)))
			return -1;
		for (i = 0; i < nr; i++) {
			if (!h->nrs[i] || h->nrs[i] > PID_MAX)
				return damaged(p, "%u is not a pid", h->nrs[i]);
			m->vpids[m->nr_vpids++] = h->nrs[i];
		}
	}
	return 0;
}

/**
 * struct pid_use - what a pid slot is used for
 * @task: by a task
 * @group: as a process group
 * @session: the session of that, a slot or MODEL_NONE
 */
struct pid_use {
	bool task;
	bool group;
	uint32_t session;
};

static int check_task_pids(struct parser *p, const struct ckpt_task_entry *e,
			   struct pid_use *use)
{
	if (check_slot(p, "tid of a task", e->tid))
		return -1;
	if (use[e->tid].task)
		return damaged(p, "two tasks have the pid slot %u", e->tid);
	use[e->tid].task = true;
	if (e->flags & CKPT_TASK_THREAD)
		return 0;
	if (e->session != MODEL_NONE &&
	    check_slot(p, "session of a task", e->session))
		return -1;
	if (e->pgrp == MODEL_NONE)
		return 0;
	if (check_slot(p, "process group of a task", e->pgrp))
		return -1;
	if (use[e->pgrp].group && use[e->pgrp].session != e->session)
		return damaged(p, "process group %u is in two sessions",
			       e->pgrp);
	use[e->pgrp].group = true;
	use[e->pgrp].session = e->session;
	return 0;
}

/* The task table names pids, which come after it. */
static int check_all_pids(struct parser *p)
{
	struct pid_use *use = calloc(p->m->nr_pids + 1, sizeof(*use));
	size_t i;
	int ret = 0;

	if (!use)
		return no_memory(p);
	for (i = 0; i < p->m->nr_tasks && !ret; i++)
		ret = check_task_pids(p, &p->m->tasks[i].e, use);
	free(use);
	return ret;
}

static int read_tree(struct parser *p)
{
	const struct ckpt_hdr_tree *h = need(p, CKPT_HDR_TREE);
	const uint32_t known = CKPT_TREE_CONTAINER | CKPT_TREE_SELF;

	if (!h)
		return -1;
	p->m->tree = *h;
	if (h->flags & ~known)
		return damaged(p, "unknown flags");
	if (!h->nr_tasks || h->nr_tasks > PID_MAX)
		return damaged(p, "nr_tasks is out of range");
	if (!h->nr_pid_ns)
		return damaged(p, "nr_pid_ns is out of range");
	/* A pid for each task, and for its group and its session */
	if (h->nr_pids > 3ull * h->nr_tasks)
		return damaged(p, "nr_pids is out of range");
	return read_task_table(p) || read_pid_ns_table(p) ||
	       read_pid_table(p) || read_vpids(p) || check_all_pids(p) ? -1 : 0;
}

static int check_sigpending(struct parser *p,
			    const struct ckpt_hdr_sigpending *h)
{
	size_t i, nr = (h->h.len - sizeof(*h)) / sizeof(h->queue[0]);

	for (i = 0; i < nr; i++) {
		const struct ckpt_siginfo *s = &h->queue[i];

		if (!s->sig || s->sig > 64)
			return damaged(p, "%u is not a signal", s->sig);
		if (s->flags & CKPT_SIGINFO_PID &&
		    check_slot(p, "sender of a signal", s->pid))
			return -1;
	}
	return 0;
}

/* A pid: of a slot + 1, or of a process that is gone, or none */
static int check_any_pid(struct parser *p, const char *what, uint32_t slot,
			 uint32_t dead)
{
	if (slot && check_slot(p, what, slot - 1))
		return -1;
	return check_opt_ref(p, what, dead, CKPT_OBJ_DEAD_PID);
}

static int check_timers(struct parser *p, const struct ckpt_hdr_task_timers *h)
{
	uint32_t i, n = (h->h.len - sizeof(*h)) / sizeof(h->timers[0]);

	for (i = 0; i < n; i++) {
		const struct ckpt_posix_timer *t = &h->timers[i];

		if (check_any_pid(p, "notified thread", t->pid, t->dead_pid) ||
		    check_any_pid(p, "owner of a clock", t->clock_pid,
				  t->dead_clock_pid))
			return -1;
	}
	return 0;
}

static int set_ref(struct parser *p, struct model_task *t, enum model_ref ref,
		   uint32_t objref, uint32_t type)
{
	struct model_object *o;

	if (check_ref(p, "objref", objref, type))
		return -1;
	t->ref[ref] = objref;
	o = model_object(p->m, objref);
	if (o->task == MODEL_NONE)
		o->task = p->place.task;
	return 0;
}

/* What the rest of the program wants to know of a record of a task's state */
static int read_state(struct parser *p, struct model_task *t,
		      const struct ckpt_hdr *h)
{
	uint32_t ref = ((struct ckpt_hdr_task_ref *)h)->objref;

	switch (h->type) {
	case CKPT_HDR_TASK_NS:
		return set_ref(p, t, MODEL_NSPROXY, ref, CKPT_OBJ_NSPROXY);
	case CKPT_HDR_TASK_FS:
		return set_ref(p, t, MODEL_FS, ref, CKPT_OBJ_FS);
	case CKPT_HDR_TASK_FILES:
		return set_ref(p, t, MODEL_FILES, ref, CKPT_OBJ_FILES);
	case CKPT_HDR_TASK_MM:
		return set_ref(p, t, MODEL_MM, ref, CKPT_OBJ_MM);
	case CKPT_HDR_TASK_SIGHAND:
		return set_ref(p, t, MODEL_SIGHAND, ref, CKPT_OBJ_SIGHAND);
	case CKPT_HDR_TASK_CRED:
		return set_ref(p, t, MODEL_CRED,
			       ((struct ckpt_hdr_task_cred *)h)->cred,
			       CKPT_OBJ_CRED);
	case CKPT_HDR_TASK_SYSVIPC:
		return check_opt_ref(p, "undo",
				     ((struct ckpt_hdr_task_sysvipc *)h)->undo,
				     CKPT_OBJ_SEM_UNDO);
	case CKPT_HDR_SIGPENDING:
		return check_sigpending(p, (struct ckpt_hdr_sigpending *)h);
	case CKPT_HDR_TASK_SECCOMP:
		return check_opt_ref(p, "filter",
				     ((struct ckpt_hdr_task_seccomp *)h)->filter,
				     CKPT_OBJ_SECCOMP_FILTER);
	case CKPT_HDR_TASK_SCHED:
		return check_opt_ref(p, "cookie",
				     ((struct ckpt_hdr_task_sched *)h)->cookie,
				     CKPT_OBJ_CORE_COOKIE) ?:
		       check_opt_ref(p, "autogroup",
				     ((struct ckpt_hdr_task_sched *)h)->autogroup,
				     CKPT_OBJ_AUTOGROUP);
	case CKPT_HDR_TASK_TIMERS:
		return check_timers(p, (struct ckpt_hdr_task_timers *)h);
	case CKPT_HDR_TASK_JOBCTL:
		t->jobctl = ((struct ckpt_hdr_task_jobctl *)h)->flags;
		return 0;
	default:
		return 0;
	}
}

/* Types of record that a task has, a bit each */
#define SEEN_WORDS	16

static bool seen(const uint64_t *words, uint32_t type)
{
	return words[type / 64] & 1ull << type % 64;
}

/* One record of the state of task @i */
static int read_state_record(struct parser *p, uint32_t i, uint64_t *words)
{
	const struct ckpt_hdr *rec = next(p);
	const struct record_type *type;

	if (!rec)
		return -1;
	type = record_type(rec->type);
	if (!(type->flags & RECORD_TASK) || rec->type >= SEEN_WORDS * 64 ||
	    (type->flags & RECORD_PROCESS && p->m->tasks[i].e.leader != i))
		return damaged(p, "it is not state of task %u", i);
	if (!(type->flags & RECORD_REPEATS) && seen(words, rec->type))
		return damaged(p, "task %u has it already", i);
	words[rec->type / 64] |= 1ull << rec->type % 64;
	return read_state(p, &p->m->tasks[i], rec);
}

static int check_state_complete(struct parser *p, uint32_t i,
				const uint64_t *words)
{
	const struct record_type *type;
	uint32_t t;

	for (t = 0; t < SEEN_WORDS * 64; t++) {
		type = record_type(t);
		if (!type || !(type->flags & RECORD_TASK) || seen(words, t) ||
		    (type->flags & RECORD_PROCESS &&
		     p->m->tasks[i].e.leader != i))
			continue;
		return damaged(p, "task %u before it has no %s", i, type->name);
	}
	return 0;
}

static int read_task(struct parser *p)
{
	const struct ckpt_hdr_task *h = need(p, CKPT_HDR_TASK);
	uint64_t words[SEEN_WORDS] = {};
	const struct ckpt_hdr *rec;
	uint32_t i, last = p->place.task;

	if (!h)
		return -1;
	/* In the order of the table, zombies left out */
	for (i = last == MODEL_NONE ? 0 : last + 1; i < p->m->nr_tasks; i++)
		if (!(p->m->tasks[i].e.flags & CKPT_TASK_ZOMBIE))
			break;
	if (i == p->m->nr_tasks || h->index != i)
		return damaged(p, "task %u is not the next one", h->index);
	p->m->tasks[i].live = true;
	p->place.task = i;

	while ((rec = peek(p))) {
		if (rec->type == CKPT_HDR_TASK ||
		    rec->type == CKPT_HDR_LATE_FILE)
			return check_state_complete(p, i, words);
		if (rec->type == CKPT_HDR_OBJECT) {
			if (read_object(p, (struct ckpt_hdr_object *)rec))
				return -1;
		} else if (read_state_record(p, i, words)) {
			return -1;
		}
	}
	return -1;
}

static int read_epoll_items(struct parser *p, uint32_t nr)
{
	const struct ckpt_hdr_epoll_items *h;
	uint32_t i, n;

	for (; nr; nr -= n) {
		n = nr < CKPT_EPOLL_ITEMS_MAX ? nr : CKPT_EPOLL_ITEMS_MAX;
		h = need(p, CKPT_HDR_EPOLL_ITEMS);
		if (!h)
			return -1;
		if (h->h.len != sizeof(*h) + n * sizeof(h->items[0]))
			return damaged(p, "it has not %u items", n);
		for (i = 0; i < n; i++)
			if (check_ref(p, "file", h->items[i].file,
				      CKPT_OBJ_FILE) ||
			    (h->items[i].task &&
			     check_slot(p, "task", h->items[i].task - 1)))
				return -1;
	}
	return 0;
}

static int read_late_epoll(struct parser *p)
{
	const struct ckpt_hdr_epoll *h = need(p, CKPT_HDR_EPOLL);

	return h ? read_epoll_items(p, h->nr) : -1;
}

static int read_late_inotify(struct parser *p)
{
	const struct ckpt_hdr_inotify *h = need(p, CKPT_HDR_INOTIFY);
	const struct ckpt_hdr_inotify_event *event;
	uint32_t events, watches;

	if (!h)
		return -1;
	events = h->nr_events;
	watches = h->nr_watches;
	while (events--) {
		event = need(p, CKPT_HDR_INOTIFY_EVENT);
		if (!event)
			return -1;
		if (event->h.len - sizeof(*event) !=
		    ((event->name_len + 7ull) & ~7ull))
			return damaged(p, "its name has not %u bytes",
				       event->name_len);
	}
	while (watches--)
		if (!need(p, CKPT_HDR_INOTIFY_WATCH) ||
		    !need(p, CKPT_HDR_STRING))
			return -1;
	return 0;
}

static int read_late_fanotify(struct parser *p)
{
	const struct ckpt_hdr_fanotify_queue *h = need(p, CKPT_HDR_FANOTIFY_QUEUE);
	const struct ckpt_hdr_fanotify_event *event;
	uint32_t events, marks;
	uint64_t len;

	if (!h)
		return -1;
	events = h->nr_events;
	marks = h->nr_marks;
	while (events--) {
		event = need(p, CKPT_HDR_FANOTIFY_EVENT);
		if (!event || (event->pid &&
			       check_slot(p, "pid", event->pid - 1)))
			return -1;
		len = (uint64_t)event->handle_len[0] + event->handle_len[1] +
		      event->handle_len[2] + event->name_len[0] +
		      event->name_len[1];
		if (event->h.len - sizeof(*event) != ((len + 7) & ~7ull))
			return damaged(p, "its handles and names have not %llu bytes",
				       (unsigned long long)len);
		if (event->kind == CKPT_FANOTIFY_PATH &&
		    !need(p, CKPT_HDR_STRING))
			return -1;
	}
	while (marks--)
		if (!need(p, CKPT_HDR_FANOTIFY_MARK) ||
		    !need(p, CKPT_HDR_STRING))
			return -1;
	return 0;
}

static int read_late_pidfd(struct parser *p)
{
	const struct ckpt_hdr_pidfd *h = need(p, CKPT_HDR_PIDFD);

	if (!h || (h->pid && check_slot(p, "pid", h->pid - 1)))
		return -1;
	return check_opt_ref(p, "dead", h->dead, CKPT_OBJ_DEAD_PID);
}

int read_sock_data(struct parser *p, uint64_t left)
{
	const struct ckpt_hdr_sock_data *data;
	uint64_t n;

	for (; left; left -= n) {
		n = left < CKPT_SOCK_DATA_MAX ? left : CKPT_SOCK_DATA_MAX;
		data = need(p, CKPT_HDR_SOCK_DATA);
		if (!data)
			return -1;
		if (data->h.len - sizeof(*data) != ((n + 7) & ~7ull))
			return damaged(p, "these are not %ju bytes", n);
	}
	return 0;
}

static int read_unix_msg(struct parser *p)
{
	const struct ckpt_hdr_unix_msg *h = need(p, CKPT_HDR_UNIX_MSG);
	uint32_t i;

	if (!h || check_ref(p, "sock", h->sock, CKPT_OBJ_SOCK) ||
	    check_opt_ref(p, "dead", h->dead, CKPT_OBJ_DEAD_PID) ||
	    (h->pid && check_slot(p, "pid", h->pid - 1)))
		return -1;
	for (i = 0; i < h->nr_files; i++)
		if (check_ref(p, "file", h->files[i], CKPT_OBJ_FILE))
			return -1;
	if (h->consumed > h->len)
		return damaged(p, "more was received than was sent");
	return read_sock_data(p, h->len - h->consumed);
}

static int read_late_inet(struct parser *p)
{
	const struct ckpt_hdr_inet_dgram *h;
	const struct ckpt_hdr_udp_cork *cork;
	const struct ckpt_hdr_inet_skb *skb;
	uint32_t corked;
	uint64_t nr;

	if (!need(p, CKPT_HDR_INET_ADDR))
		return -1;
	h = need(p, CKPT_HDR_INET_DGRAM);
	if (!h)
		return -1;
	corked = h->corked;
	for (nr = (uint64_t)h->nr + h->nr_err; nr; nr--) {
		skb = need(p, CKPT_HDR_INET_SKB);
		if (!skb || read_sock_data(p, skb->len))
			return -1;
	}
	if (!corked)
		return 0;
	cork = need(p, CKPT_HDR_UDP_CORK);
	return cork ? read_sock_data(p, cork->len) : -1;
}

static int read_tcp_waiting(struct parser *p)
{
	const struct ckpt_hdr_tcp_waiting *h = need(p, CKPT_HDR_TCP_WAITING);

	return h ? check_ref(p, "sock", h->sock, CKPT_OBJ_SOCK) : -1;
}

static int read_late_tcp(struct parser *p)
{
	const struct ckpt_hdr_tcp_late *h;
	const struct ckpt_hdr_tcp_seg *seg;
	uint32_t nr_waiting, nr_segs;

	if (!need(p, CKPT_HDR_INET_ADDR))
		return -1;
	h = need(p, CKPT_HDR_TCP_LATE);
	if (!h)
		return -1;
	nr_waiting = h->nr_waiting;
	nr_segs = h->nr_segs;
	if (read_sock_data(p, h->rcv_bytes))
		return -1;
	while (nr_waiting--)
		if (read_tcp_waiting(p))
			return -1;
	while (nr_segs--) {
		seg = need(p, CKPT_HDR_TCP_SEG);
		if (!seg || read_sock_data(p, seg->len))
			return -1;
	}
	return 0;
}

static int read_late_unix(struct parser *p)
{
	const struct ckpt_hdr_unix_late *h = need(p, CKPT_HDR_UNIX_LATE);
	uint32_t nr, flags;

	if (!h || check_opt_ref(p, "peer", h->peer, CKPT_OBJ_SOCK))
		return -1;
	nr = h->nr;
	flags = h->flags;
	if (((flags & CKPT_UNIX_PATH) && !need(p, CKPT_HDR_STRING)) ||
	    ((flags & CKPT_UNIX_SERVER_PATH) && !need(p, CKPT_HDR_STRING)))
		return -1;
	while (nr--)
		if (read_unix_msg(p))
			return -1;
	return 0;
}

static int read_late_netlink(struct parser *p)
{
	const struct ckpt_hdr_netlink_late *h = need(p, CKPT_HDR_NETLINK_LATE);
	const struct ckpt_hdr_netlink_msg *msg;
	uint32_t nr;

	if (!h)
		return -1;
	for (nr = h->nr; nr; nr--) {
		msg = need(p, CKPT_HDR_NETLINK_MSG);
		if (!msg || read_sock_data(p, msg->len))
			return -1;
	}
	return 0;
}

static int read_late_packet(struct parser *p)
{
	const struct ckpt_hdr_packet_late *h = need(p, CKPT_HDR_PACKET_LATE);
	const struct ckpt_hdr_packet_msg *msg;
	uint32_t nr;

	if (!h)
		return -1;
	for (nr = h->nr; nr; nr--) {
		msg = need(p, CKPT_HDR_PACKET_MSG);
		if (!msg || read_sock_data(p, (uint64_t)msg->mac + msg->len))
			return -1;
	}
	return 0;
}

static int read_late_sock(struct parser *p, uint32_t objref)
{
	const struct ckpt_hdr_sock *h;

	if (check_ref(p, "file", objref, CKPT_OBJ_SOCK))
		return -1;
	h = (void *)model_object(p->m, objref)->rec;
	switch (h->family) {
	case AF_UNIX:
		return read_late_unix(p);
	case AF_NETLINK:
		return read_late_netlink(p);
	case AF_PACKET:
		return read_late_packet(p);
	default:
		return h->type == SOCK_STREAM ? read_late_tcp(p) :
						read_late_inet(p);
	}
}

static int read_sock_group(struct parser *p, uint32_t objref)
{
	const struct ckpt_hdr_sock_group *h = need(p, CKPT_HDR_SOCK_GROUP);
	uint32_t i;

	if (!h)
		return -1;
	if (!h->nr || (h->h.len - sizeof(*h)) / sizeof(h->socks[0]) < h->nr ||
	    h->socks[0] != objref)
		return damaged(p, "a group of %u sockets", h->nr);
	for (i = 0; i < h->nr; i++)
		if (check_ref(p, "socks", h->socks[i], CKPT_OBJ_SOCK))
			return -1;
	return h->nr_insns && !need(p, CKPT_HDR_SOCK_FILTER) ? -1 : 0;
}

static int read_late_ptm(struct parser *p)
{
	const struct ckpt_hdr_tty *h = need(p, CKPT_HDR_TTY);
	const struct ckpt_hdr_tty_end *e;
	uint64_t len;
	int end;

	if (!h || (h->session && check_slot(p, "session", h->session - 1)) ||
	    (h->pgrp && check_slot(p, "pgrp", h->pgrp - 1)) ||
	    check_opt_ref(p, "dead_pgrp", h->dead_pgrp, CKPT_OBJ_DEAD_PID))
		return -1;
	for (end = 0; end < 2; end++) {
		e = need(p, CKPT_HDR_TTY_END);
		if (!e)
			return -1;
		len = e->read + (e->read + 7ull) / 8 + e->echo + e->flip;
		if (e->h.len - sizeof(*e) != ((len + 7) & ~7ull))
			return damaged(p, "these are not the %llu bytes of its buffers",
				       (unsigned long long)len);
	}
	return 0;
}

/* What is left of open files, behind the tasks */
static int read_late_files(struct parser *p)
{
	const struct ckpt_hdr_late_file *h;
	const struct ckpt_hdr_file *file;
	uint32_t kind;

	while ((h = need(p, CKPT_HDR_LATE_FILE)) && (h->file || h->kind)) {
		kind = h->kind;
		if (kind == CKPT_FILE_SOCKET) {
			if (read_late_sock(p, h->file))
				return -1;
			continue;
		}
		if (kind == CKPT_FILE_SOCK_GROUP) {
			if (read_sock_group(p, h->file))
				return -1;
			continue;
		}
		if (check_ref(p, "file", h->file, CKPT_OBJ_FILE))
			return -1;
		file = (void *)model_object(p->m, h->file)->rec;
		if (file->kind != kind)
			return damaged(p, "object %u is not of that kind",
				       h->file);
		switch (kind) {
		case CKPT_FILE_EPOLL:
			if (read_late_epoll(p))
				return -1;
			break;
		case CKPT_FILE_PIDFD:
			if (read_late_pidfd(p))
				return -1;
			break;
		case CKPT_FILE_PTM:
			if (read_late_ptm(p))
				return -1;
			break;
		case CKPT_FILE_INOTIFY:
			if (read_late_inotify(p))
				return -1;
			break;
		case CKPT_FILE_FANOTIFY:
			if (read_late_fanotify(p))
				return -1;
			break;
		default:
			return damaged(p, "nothing is left of such a file");
		}
	}
	return h ? 0 : -1;
}

static const struct ckpt_hdr_mnt_ns *mounts_of(const struct model_object *o)
{
	return (const struct ckpt_hdr_mnt_ns *)o->rec;
}

static int by_first_mount(const void *a, const void *b)
{
	uint32_t first = mounts_of(*(struct model_object *const *)a)->first;
	uint32_t other = mounts_of(*(struct model_object *const *)b)->first;

	return first < other ? -1 : first > other;
}

/* For model_mount() */
static int sort_mounts(struct parser *p)
{
	struct model *m = p->m;
	struct model_object *o;
	size_t i;

	m->mounts = calloc(m->nr_objects + 1, sizeof(struct model_object *));
	if (!m->mounts)
		return no_memory(p);
	for (i = 0; i < m->nr_objects; i++) {
		o = m->objects[i];
		if ((o->type == CKPT_OBJ_MNT_NS || o->type == CKPT_OBJ_MNT) &&
		    o->done)
			m->mounts[m->nr_mounts++] = o;
	}
	qsort(m->mounts, m->nr_mounts, sizeof(struct model_object *),
	      by_first_mount);
	return 0;
}

static int read_image(struct parser *p)
{
	const struct ckpt_hdr_header *h = need(p, CKPT_HDR_HEADER);
	const struct ckpt_hdr *rec;
	size_t i;

	if (!h)
		return -1;
	p->m->header = *h;
	if (read_tree(p))
		return -1;
	while ((rec = peek(p)) && rec->type != CKPT_HDR_LATE_FILE)
		if (read_task(p))
			return -1;
	if (!rec)
		return -1;
	if (read_late_files(p))
		return -1;
	for (i = 0; i < p->m->nr_tasks; i++)
		if (!p->m->tasks[i].live &&
		    !(p->m->tasks[i].e.flags & CKPT_TASK_ZOMBIE))
			return damaged(p, "there is no state of task %zu", i);
	p->place.task = MODEL_NONE;
	return need(p, CKPT_HDR_TRAILER) ? sort_mounts(p) : -1;
}

int model_read(struct model *m, struct ckpt_image *img, model_record_fn *fn,
	       void *arg)
{
	struct parser p = {
		.m = m, .img = img, .fn = fn, .arg = arg,
		.place.task = MODEL_NONE,
	};
	int ret;

	memset(m, 0, sizeof(*m));
	ret = read_image(&p);
	m->bytes = ckpt_image_bytes(img, &m->payload);
	return m->failure ? 1 : ret;
}

void model_free(struct model *m)
{
	size_t i;

	for (i = 0; i < m->nr_objects; i++)
		object_free(m->objects[i]);
	free(m->objects);
	free(m->hash);
	free(m->mounts);
	free(m->tasks);
	free(m->pids);
	free(m->pid_ns);
	free(m->vpids);
	free(m->failure);
}

/* -------------------------------------------------------------- questions */

struct model_object *model_task_object(const struct model *m, uint32_t i,
				       enum model_ref ref)
{
	uint32_t objref = m->tasks[i].ref[ref];

	return objref ? model_object(m, objref) : NULL;
}

const char *model_mount(const struct model *m, uint32_t mnt)
{
	size_t low = 0, high = m->nr_mounts, i;
	const struct ckpt_hdr_mnt_ns *ns;
	const char *name;

	/* The last that does not begin behind it */
	while (low < high) {
		i = low + (high - low) / 2;
		if (mounts_of(m->mounts[i])->first <= mnt)
			low = i + 1;
		else
			high = i;
	}
	if (!low)
		return "";
	ns = mounts_of(m->mounts[low - 1]);
	if (mnt - ns->first >= ns->nr_mounts)
		return "";
	name = m->mounts[low - 1]->strings[(mnt - ns->first) *
					   MODEL_MNT_STRINGS + MODEL_MNT_NAME];
	return strcmp(name, "/") ? name : "";
}

uint32_t model_pid(const struct model *m, uint32_t slot)
{
	return slot < m->nr_pids ? m->vpids[m->pids[slot].first] : 0;
}

uint32_t model_inner_pid(const struct model *m, uint32_t slot)
{
	const struct model_pid *p = &m->pids[slot];

	return m->vpids[p->first + m->pid_ns[p->ns].level];
}

/* Pages of @o in the image that are below page @end. */
static uint64_t pages_below(const struct model_object *o, uint64_t end,
			    uint64_t page_size)
{
	size_t low = 0, high = o->nr_extents, mid;
	const struct model_extent *e;
	uint64_t first;

	/* The last run that starts below it */
	while (low < high) {
		mid = low + (high - low) / 2;
		if (o->extents[mid].addr / page_size < end)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return 0;
	e = &o->extents[low - 1];
	first = e->addr / page_size;
	return e->before + (end - first < e->nr_pages ? end - first :
							e->nr_pages);
}

uint64_t model_vma_pages(const struct model *m, const struct model_vma *vma)
{
	const struct model_object *o;
	uint64_t size = m->header.page_size, from = vma->v.pgoff, to;

	if (vma->v.kind != CKPT_VMA_SHMEM)
		return vma->pages;
	o = model_object(m, vma->v.file);
	to = from + (vma->v.end - vma->v.start) / size;
	if (to < from)
		return 0;
	return pages_below(o, to, size) - pages_below(o, from, size);
}
