// SPDX-License-Identifier: GPL-2.0
/*
 * The kinds of shared objects, and the records that each is made of:
 *
 *	mnt_ns, mnt
 *		MNT_NS (MNT STRING...)...	MNT_NS.nr_mounts times, 5 STRINGs
 *	fs	FS STRING STRING
 *	files	FILES FDS... LOCKS...		until FILES.nr descriptors; then
 *						until one without entries
 *	file	FILE STRING [EVENTFD | TIMERFD | SIGNALFD | PTM | TTY] [LOCKS...]
 *						with CKPT_FILEF_LOCKS, likewise
 *	removed	REMOVED STRING [STRING] (SB_XATTR name)... [PAGES... [SB_ALLOC...]]
 *	pipe	PIPE (PIPE_BUFS PIPE_DATA...)...	PIPE.nr_bufs slots
 *	mm	MM (VMA [STRING] [MEMPOLICY])... PAGES...
 *						until one without extents
 *	shmem	SHMEM STRING PAGES...		until one without extents
 *	memfd	MEMFD STRING PAGES... [SB_ALLOC...]
 *	ipc_ns	IPC_NS, three IPC_IDS with their objects, MQUEUES MQUEUE...
 *	sem_undo SEM_UNDO SEM_ADJ...		SEM_UNDO.nr times
 *	mqueue	MQUEUE_REF, MQUEUE with its parts or STRING
 *	sb	SB STRING STRING (SB_LAYER STRING STRING)...
 *						SB.nr_layers times
 *		(SB_NODE ...)...		if SB.content, until the root
 *						is left: see read_step()
 *	cgroup_ns CGROUP_NS STRING
 *	else	one record
 *
 * A new kind is one function and one line in the table at the end.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "array.h"
#include "parser.h"

/* A pointer to a copy of @h in the object is left in @rec. */
static int main_record(struct parser *p, struct model_object *o, uint32_t type)
{
	const struct ckpt_hdr *h = need(p, type);

	if (!h)
		return -1;
	o->rec = malloc(h->len);
	if (!o->rec)
		return no_memory(p);
	memcpy(o->rec, h, h->len);
	return 0;
}

static int keep_string(struct parser *p, struct model_object *o,
		       const char *text)
{
	if (grow(p, &o->strings, o->nr_strings, 1, sizeof(*o->strings)))
		return -1;
	o->strings[o->nr_strings] = strdup(text);
	if (!o->strings[o->nr_strings])
		return no_memory(p);
	o->nr_strings++;
	return 0;
}

static int read_strings(struct parser *p, struct model_object *o, uint32_t nr)
{
	const struct ckpt_hdr_string *h;

	while (nr--) {
		h = need(p, CKPT_HDR_STRING);
		if (!h || keep_string(p, o, h->text))
			return -1;
	}
	return 0;
}

static int read_nsproxy(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_nsproxy *r;

	if (main_record(p, o, CKPT_HDR_NSPROXY))
		return -1;
	r = (struct ckpt_hdr_nsproxy *)o->rec;
	if (check_opt_ref(p, "uts", r->uts, CKPT_OBJ_UTS_NS) ||
	    check_opt_ref(p, "ipc", r->ipc, CKPT_OBJ_IPC_NS) ||
	    check_opt_ref(p, "mnt", r->mnt, CKPT_OBJ_MNT_NS) ||
	    check_opt_ref(p, "pid", r->pid, CKPT_OBJ_PID_NS) ||
	    check_opt_ref(p, "net", r->net, CKPT_OBJ_NET_NS) ||
	    check_opt_ref(p, "cgroup", r->cgroup, CKPT_OBJ_CGROUP_NS) ||
	    check_opt_ref(p, "time", r->time, CKPT_OBJ_TIME_NS))
		return -1;
	return check_opt_ref(p, "time_for_children", r->time_for_children,
			     CKPT_OBJ_TIME_NS);
}

static int read_uts_ns(struct parser *p, struct model_object *o)
{
	return main_record(p, o, CKPT_HDR_UTS_NS);
}

static int skip_messages(struct parser *p, uint32_t nr)
{
	const struct ckpt_hdr_ipc_message *h;
	const struct ckpt_hdr *text;
	uint32_t left, n;

	while (nr--) {
		h = need(p, CKPT_HDR_IPC_MESSAGE);
		if (!h)
			return -1;
		for (left = h->size; left; left -= n) {
			n = left < CKPT_IPC_TEXT_MAX ? left : CKPT_IPC_TEXT_MAX;
			text = need(p, CKPT_HDR_IPC_TEXT);
			if (!text)
				return -1;
			if (text->len != sizeof(*text) + (n + 7) / 8 * 8)
				return damaged(p, "it has not %u bytes of text",
					       n);
		}
	}
	return 0;
}

static int read_shm(struct parser *p)
{
	const struct ckpt_hdr_ipc_shm *h = need(p, CKPT_HDR_IPC_SHM);
	const struct ckpt_hdr_pages *pages;
	uint64_t size, end = 0, page = p->m->header.page_size;
	uint32_t i;

	if (!h)
		return -1;
	size = h->size + page - 1;
	while ((pages = need(p, CKPT_HDR_PAGES)) && pages->nr_extents)
		for (i = 0; i < pages->nr_extents; i++) {
			const struct ckpt_extent *e = &pages->extents[i];

			if (e->addr < end)
				return damaged(p, "extents are not in order");
			end = e->addr + e->nr_pages * page;
			if (end > size)
				return damaged(p, "the pages of %#llx are behind the end",
					       (unsigned long long)e->addr);
		}
	return pages ? 0 : -1;
}

static int read_msg(struct parser *p)
{
	const struct ckpt_hdr_ipc_msg *h = need(p, CKPT_HDR_IPC_MSG);

	return h ? skip_messages(p, h->nr) : -1;
}

static int read_sem(struct parser *p)
{
	const struct ckpt_hdr_ipc_sem *h = need(p, CKPT_HDR_IPC_SEM);
	const struct ckpt_hdr *vals;
	uint32_t left, n;

	for (left = h ? h->nr : 0; left; left -= n) {
		n = left < CKPT_IPC_SEMVALS_MAX ? left : CKPT_IPC_SEMVALS_MAX;
		vals = need(p, CKPT_HDR_IPC_SEMVALS);
		if (!vals)
			return -1;
		if (vals->len != sizeof(*vals) +
				 n * sizeof(struct ckpt_ipc_semval))
			return damaged(p, "it has not %u values", n);
	}
	return h ? 0 : -1;
}

static int read_mqueue(struct parser *p)
{
	const struct ckpt_hdr_mqueue *h = need(p, CKPT_HDR_MQUEUE);
	uint32_t nr;

	if (!h)
		return -1;
	nr = h->nr;
	if ((h->owner && check_slot(p, "owner", h->owner - 1)) ||
	    !need(p, CKPT_HDR_STRING))
		return -1;
	return skip_messages(p, nr);
}

static int read_ipc_ns(struct parser *p, struct model_object *o)
{
	static int (*const read_one[])(struct parser *p) = {
		[CKPT_IPC_SEM] = read_sem,
		[CKPT_IPC_MSG] = read_msg,
		[CKPT_IPC_SHM] = read_shm,
	};
	const struct ckpt_hdr_ipc_ids *ids;
	const struct ckpt_hdr_mqueues *mqueues;
	uint32_t kind, nr;

	if (main_record(p, o, CKPT_HDR_IPC_NS))
		return -1;
	for (kind = 0; kind < ARRAY_SIZE(read_one); kind++) {
		ids = need(p, CKPT_HDR_IPC_IDS);
		if (!ids)
			return -1;
		if (ids->kind != kind)
			return damaged(p, "kind %u is out of order", ids->kind);
		for (nr = ids->nr; nr; nr--)
			if (read_one[kind](p))
				return -1;
	}
	mqueues = need(p, CKPT_HDR_MQUEUES);
	if (!mqueues)
		return -1;
	for (nr = mqueues->nr; nr; nr--)
		if (read_mqueue(p))
			return -1;
	return 0;
}

static int read_shm_file(struct parser *p, struct model_object *o)
{
	if (main_record(p, o, CKPT_HDR_SHM_FILE))
		return -1;
	return check_ref(p, "ns", ((struct ckpt_hdr_shm_file *)o->rec)->ns,
			 CKPT_OBJ_IPC_NS);
}

static int read_sem_undo(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_sem_undo *r;
	uint32_t nr;

	if (main_record(p, o, CKPT_HDR_SEM_UNDO))
		return -1;
	r = (struct ckpt_hdr_sem_undo *)o->rec;
	if (check_opt_ref(p, "ns", r->ns, CKPT_OBJ_IPC_NS))
		return -1;
	for (nr = r->nr; nr; nr--)
		if (!need(p, CKPT_HDR_SEM_ADJ))
			return -1;
	return 0;
}

static int read_mqueue_ref(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_mqueue_ref *r;

	if (main_record(p, o, CKPT_HDR_MQUEUE_REF))
		return -1;
	r = (struct ckpt_hdr_mqueue_ref *)o->rec;
	if (check_opt_ref(p, "ns", r->ns, CKPT_OBJ_IPC_NS))
		return -1;
	return r->unlinked ? read_mqueue(p) : read_strings(p, o, 1);
}

static int read_mnt_ns(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_mnt_ns *r;
	const struct ckpt_hdr_mnt *m;
	uint32_t i;

	if (main_record(p, o, CKPT_HDR_MNT_NS))
		return -1;
	r = (struct ckpt_hdr_mnt_ns *)o->rec;
	if (!r->nr_mounts || !r->first || r->first > CKPT_MNT_MAX ||
	    r->nr_mounts > CKPT_MNT_MAX - r->first + 1)
		return damaged(p, "%u mounts from number %u on", r->nr_mounts,
			       r->first);
	for (i = 0; i < r->nr_mounts; i++) {
		m = need(p, CKPT_HDR_MNT);
		if (!m || check_opt_ref(p, "sb", m->sb, m->ns_type ?
					CKPT_OBJ_NONE : CKPT_OBJ_SB) ||
		    read_strings(p, o, MODEL_MNT_STRINGS))
			return -1;
	}
	return 0;
}

static int read_pid_ns(struct parser *p, struct model_object *o)
{
	return main_record(p, o, CKPT_HDR_PID_NS);
}

static int read_time_ns(struct parser *p, struct model_object *o)
{
	if (main_record(p, o, CKPT_HDR_TIME_NS))
		return -1;
	return check_opt_ref(p, "user_ns",
			     ((struct ckpt_hdr_time_ns *)o->rec)->user_ns,
			     CKPT_OBJ_USER_NS);
}

static int read_cgroup_ns(struct parser *p, struct model_object *o)
{
	if (main_record(p, o, CKPT_HDR_CGROUP_NS) ||
	    check_opt_ref(p, "user_ns",
			  ((struct ckpt_hdr_cgroup_ns *)o->rec)->user_ns,
			  CKPT_OBJ_USER_NS))
		return -1;
	return read_strings(p, o, 1);
}

static int read_user_ns(struct parser *p, struct model_object *o)
{
	if (main_record(p, o, CKPT_HDR_USER_NS))
		return -1;
	return check_opt_ref(p, "parent",
			     ((struct ckpt_hdr_user_ns *)o->rec)->parent,
			     CKPT_OBJ_USER_NS);
}

/* What is in all of them stands behind the first. */
static int read_net_ns(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_net_data *h;
	const struct ckpt_hdr_net_ns *r;
	uint32_t left;

	if (main_record(p, o, CKPT_HDR_NET_NS))
		return -1;
	r = (struct ckpt_hdr_net_ns *)o->rec;
	if (check_opt_ref(p, "user_ns", r->user_ns, CKPT_OBJ_USER_NS))
		return -1;
	for (left = r->nr; left; left -= h->section == CKPT_NET_END) {
		h = need(p, CKPT_HDR_NET_DATA);
		if (!h)
			return -1;
		if (h->net != r->nr - left || h->section >= CKPT_NET_MAX)
			return damaged(p, "it is of section %u of network namespace %u",
				       h->section, h->net);
	}
	return 0;
}

static int read_cred(struct parser *p, struct model_object *o)
{
	struct ckpt_hdr_cred *r;

	if (main_record(p, o, CKPT_HDR_CRED))
		return -1;
	r = (struct ckpt_hdr_cred *)o->rec;
	if (check_opt_ref(p, "user_ns", r->user_ns, CKPT_OBJ_USER_NS) ||
	    check_opt_ref(p, "session_keyring", r->session_keyring,
			  CKPT_OBJ_KEY) ||
	    check_opt_ref(p, "process_keyring", r->process_keyring,
			  CKPT_OBJ_KEY))
		return -1;
	return check_opt_ref(p, "thread_keyring", r->thread_keyring,
			     CKPT_OBJ_KEY);
}

static int read_key(struct parser *p, struct model_object *o)
{
	struct ckpt_hdr_key *r;
	const uint32_t *links;
	uint32_t i;

	if (main_record(p, o, CKPT_HDR_KEY))
		return -1;
	r = (struct ckpt_hdr_key *)o->rec;
	if (check_opt_ref(p, "user_ns", r->user_ns, CKPT_OBJ_USER_NS))
		return -1;
	links = (const uint32_t *)r->data;
	for (i = 0; r->kind == CKPT_KEY_KEYRING && i < r->len / 4; i++)
		if (check_ref(p, "key", links[i], CKPT_OBJ_KEY))
			return -1;
	return read_strings(p, o, 1);
}

static int read_seccomp_filter(struct parser *p, struct model_object *o)
{
	if (main_record(p, o, CKPT_HDR_SECCOMP_FILTER))
		return -1;
	return check_opt_ref(p, "prev",
			     ((struct ckpt_hdr_seccomp_filter *)o->rec)->prev,
			     CKPT_OBJ_SECCOMP_FILTER);
}

static int read_core_cookie(struct parser *p, struct model_object *o)
{
	return main_record(p, o, CKPT_HDR_CORE_COOKIE);
}

static int read_autogroup(struct parser *p, struct model_object *o)
{
	return main_record(p, o, CKPT_HDR_AUTOGROUP);
}

static int read_sighand(struct parser *p, struct model_object *o)
{
	return main_record(p, o, CKPT_HDR_SIGHAND);
}

static int read_fs(struct parser *p, struct model_object *o)
{
	if (main_record(p, o, CKPT_HDR_FS) ||
	    check_opt_ref(p, "pwd_removed",
			  ((struct ckpt_hdr_fs *)o->rec)->pwd_removed,
			  CKPT_OBJ_REMOVED))
		return -1;
	return read_strings(p, o, 2);
}

static int add_fds(struct parser *p, struct model_object *o,
		   const struct ckpt_hdr_fds *h)
{
	size_t i, nr = (h->h.len - sizeof(*h)) / sizeof(h->fds[0]);
	const struct ckpt_fd *last;

	if (!nr)
		return damaged(p, "it is empty");
	if (grow(p, &o->fds, o->nr_fds, nr, sizeof(*o->fds)))
		return -1;
	for (i = 0; i < nr; i++) {
		last = o->nr_fds ? &o->fds[o->nr_fds - 1] : NULL;
		if (h->fds[i].fd > INT32_MAX ||
		    (last && h->fds[i].fd <= last->fd))
			return damaged(p, "descriptor %u is out of order",
				       h->fds[i].fd);
		if (h->fds[i].flags & ~CKPT_FD_CLOEXEC)
			return damaged(p, "descriptor %u: unknown flags",
				       h->fds[i].fd);
		if (check_ref(p, "file", h->fds[i].file, CKPT_OBJ_FILE))
			return -1;
		o->fds[o->nr_fds++] = h->fds[i];
	}
	return 0;
}

static int read_locks(struct parser *p)
{
	const struct ckpt_hdr_locks *h;
	size_t i, nr;

	do {
		h = need(p, CKPT_HDR_LOCKS);
		if (!h)
			return -1;
		nr = (h->h.len - sizeof(*h)) / sizeof(h->locks[0]);
		for (i = 0; i < nr; i++)
			if (h->locks[i].pid &&
			    check_slot(p, "pid", h->locks[i].pid - 1))
				return -1;
	} while (nr);
	return 0;
}

static int read_files(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_fds *h;
	uint32_t nr;

	if (main_record(p, o, CKPT_HDR_FILES))
		return -1;
	nr = ((struct ckpt_hdr_files *)o->rec)->nr;
	while (o->nr_fds < nr) {
		h = need(p, CKPT_HDR_FDS);
		if (!h || add_fds(p, o, h))
			return -1;
		if (o->nr_fds > nr)
			return damaged(p, "more than %u descriptors", nr);
	}
	return read_locks(p);
}

static int read_tun(struct parser *p)
{
	const struct ckpt_hdr_tun *h = need(p, CKPT_HDR_TUN);
	const struct ckpt_hdr_tun_packet *packet;
	uint32_t nr;

	if (!h || check_opt_ref(p, "net", h->net, CKPT_OBJ_NET_NS) ||
	    check_opt_ref(p, "dev_net", h->dev_net, CKPT_OBJ_NET_NS))
		return -1;
	for (nr = h->nr; nr; nr--) {
		packet = need(p, CKPT_HDR_TUN_PACKET);
		if (!packet || read_sock_data(p, packet->len))
			return -1;
	}
	return 0;
}

static int read_file(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_file *r;
	const struct ckpt_hdr *own;
	uint32_t kind = 0;

	if (main_record(p, o, CKPT_HDR_FILE))
		return -1;
	r = (struct ckpt_hdr_file *)o->rec;
	switch (r->kind) {
	case CKPT_FILE_PIPE:
	case CKPT_FILE_FIFO:
		if (check_ref(p, "inner", r->inner, CKPT_OBJ_PIPE))
			return -1;
		break;
	case CKPT_FILE_MQUEUE:
		if (check_ref(p, "inner", r->inner, CKPT_OBJ_MQUEUE))
			return -1;
		break;
	case CKPT_FILE_NS:
		if (check_opt_ref(p, "inner", r->inner, CKPT_OBJ_NONE))
			return -1;
		break;
	case CKPT_FILE_SOCKET:
		if (check_ref(p, "inner", r->inner, CKPT_OBJ_SOCK))
			return -1;
		break;
	case CKPT_FILE_MEMFD:
		if (check_ref(p, "inner", r->inner, CKPT_OBJ_MEMFD))
			return -1;
		break;
	case CKPT_FILE_PTS:
		if (check_ref(p, "inner", r->inner, CKPT_OBJ_FILE))
			return -1;
		break;
	default:
		if (r->inner)
			return damaged(p, "inner is not 0");
	}
	if (check_opt_ref(p, "removed", r->removed, CKPT_OBJ_REMOVED) ||
	    check_opt_ref(p, "parent", r->parent, CKPT_OBJ_REMOVED) ||
	    check_opt_ref(p, "cred", r->cred, CKPT_OBJ_CRED))
		return -1;
	if (r->owner && check_slot(p, "owner", r->owner - 1))
		return -1;
	if (read_strings(p, o, 1))
		return -1;
	switch (r->kind) {
	case CKPT_FILE_EVENTFD:
		kind = CKPT_HDR_EVENTFD;
		break;
	case CKPT_FILE_TIMERFD:
		kind = CKPT_HDR_TIMERFD;
		break;
	case CKPT_FILE_SIGNALFD:
		kind = CKPT_HDR_SIGNALFD;
		break;
	case CKPT_FILE_FANOTIFY:
		kind = CKPT_HDR_FANOTIFY;
		break;
	case CKPT_FILE_PTM:
		kind = CKPT_HDR_PTM;
		break;
	case CKPT_FILE_TTY:
		kind = CKPT_HDR_TTY;
		break;
	case CKPT_FILE_TUN:
		if (read_tun(p))
			return -1;
		break;
	}
	own = kind ? need(p, kind) : NULL;
	if (kind && !own)
		return -1;
	if (kind == CKPT_HDR_PTM)
		o->number = ((const struct ckpt_hdr_ptm *)own)->index;
	return r->flags & CKPT_FILEF_LOCKS ? read_locks(p) : 0;
}

/* The bytes of the slots in @h, which are the next records */
static int read_slots(struct parser *p, struct model_object *o,
		      const struct ckpt_hdr_pipe_bufs *h, uint32_t nr)
{
	const struct ckpt_hdr_pipe_data *data;
	uint32_t i, len[CKPT_PIPE_BUFS_MAX];

	for (i = 0; i < nr; i++)
		len[i] = h->bufs[i].len;
	for (i = 0; i < nr; i++) {
		data = need(p, CKPT_HDR_PIPE_DATA);
		if (!data)
			return -1;
		if (data->h.len - sizeof(*data) != ((len[i] + 7ull) & ~7ull))
			return damaged(p, "these are not the %u bytes of the slot",
				       len[i]);
		o->data_bytes += len[i];
	}
	return 0;
}

static int read_pipe(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_pipe_bufs *h;
	uint32_t nr, left;

	if (main_record(p, o, CKPT_HDR_PIPE))
		return -1;
	for (left = ((struct ckpt_hdr_pipe *)o->rec)->nr_bufs; left;
	     left -= nr) {
		h = need(p, CKPT_HDR_PIPE_BUFS);
		if (!h)
			return -1;
		nr = (h->h.len - sizeof(*h)) / sizeof(h->bufs[0]);
		if (!nr || nr > left || nr > CKPT_PIPE_BUFS_MAX)
			return damaged(p, "these are not the %u slots that are left",
				       left);
		if (read_slots(p, o, h, nr))
			return -1;
	}
	return 0;
}

/*
 * Count the pages of @e for the mappings that they are in, from *@at on: both
 * are in ascending order.
 */
static int place_extent(struct parser *p, struct model_object *o,
			const struct model_extent *e, uint32_t kind, size_t *at)
{
	uint64_t size = p->m->header.page_size;
	uint64_t addr = e->addr, end = e->addr + e->nr_pages * size, stop;
	struct model_vma *vma;

	while (addr < end) {
		while (*at < o->nr_vmas && o->vmas[*at].v.end <= addr)
			++*at;
		vma = *at < o->nr_vmas ? &o->vmas[*at] : NULL;
		if (!vma || addr < vma->v.start)
			return damaged(p, "the pages of %#llx are in no mapping",
				       (unsigned long long)addr);
		stop = end < vma->v.end ? end : vma->v.end;
		if (kind != CKPT_EXTENT_SAME)
			vma->pages += (stop - addr) / size;
		addr = stop;
	}
	return 0;
}

static int add_extent(struct parser *p, struct model_object *o,
		      const struct model_extent *e)
{
	uint64_t size = p->m->header.page_size;
	uint64_t end = e->addr + e->nr_pages * size;
	struct model_extent *last;

	if (end > ((struct ckpt_hdr_shmem *)o->rec)->size + size - 1)
		return damaged(p, "the pages of %#llx are behind the end",
			       (unsigned long long)e->addr);
	last = o->nr_extents ? &o->extents[o->nr_extents - 1] : NULL;
	if (last && last->addr + last->nr_pages * size == e->addr) {
		last->nr_pages += e->nr_pages;
		return 0;
	}
	if (grow(p, &o->extents, o->nr_extents, 1, sizeof(*o->extents)))
		return -1;
	last = &o->extents[o->nr_extents++];
	*last = *e;
	last->before = o->pages;
	return 0;
}

static int check_extent(struct parser *p, const struct model_object *o,
			const struct ckpt_extent *e)
{
	if (e->kind == CKPT_EXTENT_SAME)
		return check_ref(p, "from", e->from, CKPT_OBJ_MM);
	if (e->kind != CKPT_EXTENT_DATA && o->type != CKPT_OBJ_MM)
		return damaged(p, "private pages in what is shared");
	return 0;
}

static int read_pages(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_pages *h;
	struct model_extent e;
	uint64_t end = 0;
	size_t at = 0;
	uint32_t i, kind;

	for (;;) {
		h = need(p, CKPT_HDR_PAGES);
		if (!h)
			return -1;
		if (!h->nr_extents)
			return 0;
		for (i = 0; i < h->nr_extents; i++) {
			e.addr = h->extents[i].addr;
			e.nr_pages = h->extents[i].nr_pages;
			kind = h->extents[i].kind;
			if (check_extent(p, o, &h->extents[i]))
				return -1;
			if (e.addr < end)
				return damaged(p, "extents are not in order");
			end = e.addr + e.nr_pages * p->m->header.page_size;
			if (o->type == CKPT_OBJ_MM ?
			    place_extent(p, o, &e, kind, &at) :
			    add_extent(p, o, &e))
				return -1;
			if (kind != CKPT_EXTENT_SAME)
				o->pages += e.nr_pages;
		}
	}
}

static int check_vma(struct parser *p, const struct ckpt_hdr_vma *v,
		     uint64_t end)
{
	uint32_t mask = p->m->header.page_size - 1;

	if ((v->start | v->end) & mask)
		return damaged(p, "it is not aligned to pages");
	if (v->start < end)
		return damaged(p, "mappings are not in order");
	if (check_opt_ref(p, "anon", v->anon, CKPT_OBJ_ANON))
		return -1;
	switch (v->kind) {
	case CKPT_VMA_FILE:
	case CKPT_VMA_SHARED:
		return check_ref(p, "file", v->file, CKPT_OBJ_FILE);
	case CKPT_VMA_SHMEM:
	case CKPT_VMA_HUGE:
		return check_ref(p, "file", v->file, CKPT_OBJ_SHMEM);
	case CKPT_VMA_SYSV:
		return check_ref(p, "file", v->file, CKPT_OBJ_SHM_FILE);
	default:
		return v->file ? damaged(p, "file is not 0") : 0;
	}
}

static int read_vma(struct parser *p, struct model_object *o)
{
	uint64_t end = o->nr_vmas ? o->vmas[o->nr_vmas - 1].v.end : 0;
	const struct ckpt_hdr_string *name;
	const struct ckpt_hdr_vma *v = need(p, CKPT_HDR_VMA);
	struct model_vma *vma;

	if (!v || check_vma(p, v, end) ||
	    grow(p, &o->vmas, o->nr_vmas, 1, sizeof(*o->vmas)))
		return -1;
	vma = &o->vmas[o->nr_vmas++];
	memset(vma, 0, sizeof(*vma));
	vma->v = *v;
	if (vma->v.name) {
		name = need(p, CKPT_HDR_STRING);
		if (!name)
			return -1;
		vma->name = strdup(name->text);
		if (!vma->name)
			return no_memory(p);
	}
	return vma->v.policy && !need(p, CKPT_HDR_MEMPOLICY) ? -1 : 0;
}

static int read_mm(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_mm *r;
	uint32_t i;

	if (main_record(p, o, CKPT_HDR_MM))
		return -1;
	r = (struct ckpt_hdr_mm *)o->rec;
	if (check_opt_ref(p, "exe_file", r->exe_file, CKPT_OBJ_FILE) ||
	    check_opt_ref(p, "user_ns", r->user_ns, CKPT_OBJ_USER_NS))
		return -1;
	for (i = 0; i < r->nr_vmas; i++)
		if (read_vma(p, o))
			return -1;
	return read_pages(p, o);
}

static int read_anon(struct parser *p, struct model_object *o)
{
	return main_record(p, o, CKPT_HDR_ANON);
}

static int read_shmem(struct parser *p, struct model_object *o)
{
	if (main_record(p, o, CKPT_HDR_SHMEM))
		return -1;
	return read_strings(p, o, 1) || read_pages(p, o) ? -1 : 0;
}

/* ------------------------------------------------------------ file systems */

/* The pages of a file in it, up to @size */
static int read_file_pages(struct parser *p, struct model_object *o,
			   uint64_t size)
{
	const struct ckpt_hdr_pages *h;
	uint64_t len, end = 0;
	uint32_t i;

	for (;;) {
		h = need(p, CKPT_HDR_PAGES);
		if (!h)
			return -1;
		if (!h->nr_extents)
			return 0;
		for (i = 0; i < h->nr_extents; i++) {
			len = (uint64_t)h->extents[i].nr_pages *
			      p->m->header.page_size;
			if (h->extents[i].addr < end)
				return damaged(p, "extents are not in order");
			end = h->extents[i].addr + len;
			if (end < len ||
			    end > size + p->m->header.page_size - 1)
				return damaged(p, "the pages of %#llx are behind the end",
					       (unsigned long long)
					       h->extents[i].addr);
			o->pages += h->extents[i].nr_pages;
		}
	}
}

static int read_alloc(struct parser *p)
{
	const struct ckpt_hdr_sb_alloc *h;

	do {
		h = need(p, CKPT_HDR_SB_ALLOC);
		if (!h)
			return -1;
	} while (h->nr);
	return 0;
}

static int read_memfd(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_memfd *r;

	if (main_record(p, o, CKPT_HDR_MEMFD) || read_strings(p, o, 1))
		return -1;
	r = (struct ckpt_hdr_memfd *)o->rec;
	if (read_file_pages(p, o, r->size))
		return -1;
	return r->alloc_end ? read_alloc(p) : 0;
}

static bool is_type(const struct ckpt_hdr_sb_node *h, uint32_t type)
{
	return (h->mode & S_IFMT) == type;
}

/*
 * A step of the walk:
 *
 *	ENTER, LINK	SB_NODE name
 *	LEAVE		SB_NODE (SB_XATTR name)...
 *	FILE		SB_NODE name [target] (SB_XATTR name)...
 *			[PAGES... [SB_ALLOC...]]
 */
static int read_step(struct parser *p, struct model_object *o, uint64_t *depth)
{
	const struct ckpt_hdr_sb_node *rec = need(p, CKPT_HDR_SB_NODE);
	struct ckpt_hdr_sb_node h;
	uint32_t i;

	if (!rec)
		return -1;
	h = *rec;
	if (is_type(&h, S_IFDIR) !=
	    (h.what == CKPT_SB_ENTER || h.what == CKPT_SB_LEAVE))
		return damaged(p, "its mode is %#o", h.mode);
	if (h.what != CKPT_SB_LEAVE && !need(p, CKPT_HDR_STRING))
		return -1;
	if (h.what == CKPT_SB_ENTER)
		++*depth;
	if (h.what == CKPT_SB_ENTER || h.what == CKPT_SB_LINK)
		return 0;
	if (is_type(&h, S_IFLNK) && !need(p, CKPT_HDR_STRING))
		return -1;
	for (i = 0; i < h.nr_xattrs; i++)
		if (!need(p, CKPT_HDR_SB_XATTR) || !need(p, CKPT_HDR_STRING))
			return -1;
	if (h.what == CKPT_SB_LEAVE)
		--*depth;
	if (!is_type(&h, S_IFREG))
		return 0;
	if (h.size > INT64_MAX)
		return damaged(p, "size is %llu", (unsigned long long)h.size);
	if (read_file_pages(p, o, h.size))
		return -1;
	return h.alloc_end ? read_alloc(p) : 0;
}

static int read_sb(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_sb *h;
	uint64_t depth = 1;
	uint32_t i;

	if (main_record(p, o, CKPT_HDR_SB))
		return -1;
	h = (struct ckpt_hdr_sb *)o->rec;
	if (check_opt_ref(p, "user_ns", h->user_ns, CKPT_OBJ_USER_NS) ||
	    check_opt_ref(p, "ns", h->ns, CKPT_OBJ_NONE) ||
	    read_strings(p, o, 2))
		return -1;
	for (i = 0; i < h->nr_layers; i++) {
		const struct ckpt_hdr_sb_layer *l = need(p, CKPT_HDR_SB_LAYER);

		if (!l || check_opt_ref(p, "sb", l->sb, CKPT_OBJ_SB) ||
		    read_strings(p, o, 2))
			return -1;
	}
	while (h->content && depth)
		if (read_step(p, o, &depth))
			return -1;
	return 0;
}

static int read_dead_pid(struct parser *p, struct model_object *o)
{
	return main_record(p, o, CKPT_HDR_DEAD_PID);
}

static int read_removed(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_removed *h;
	bool linked, two;
	uint32_t i, type;

	if (main_record(p, o, CKPT_HDR_REMOVED))
		return -1;
	h = (struct ckpt_hdr_removed *)o->rec;
	type = h->mode & S_IFMT;
	linked = h->flags & CKPT_REMOVED_LINKED;
	two = type == S_IFDIR || (type == S_IFLNK && !linked);
	if (check_opt_ref(p, "parent", h->parent, CKPT_OBJ_REMOVED) ||
	    read_strings(p, o, two ? 2 : 1))
		return -1;
	for (i = 0; i < h->nr_xattrs; i++)
		if (!need(p, CKPT_HDR_SB_XATTR) || !need(p, CKPT_HDR_STRING))
			return -1;
	if (type != S_IFREG || linked)
		return 0;
	if (h->size > INT64_MAX)
		return damaged(p, "size is %llu", (unsigned long long)h->size);
	if (read_file_pages(p, o, h->size))
		return -1;
	return h->alloc_end ? read_alloc(p) : 0;
}

/* As /proc/net/unix shows it: an abstract one begins with @ */
static int read_unix_name(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_unix *h = need(p, CKPT_HDR_UNIX);
	char text[sizeof(h->name) + 1] = "";
	uint32_t i;

	if (!h)
		return -1;
	if (h->name_len > sizeof(h->name))
		return damaged(p, "a name of %u bytes", h->name_len);
	/* behind the family */
	for (i = 2; i < h->name_len; i++)
		text[i - 2] = h->name[i] ? (char)h->name[i] : '@';
	/* the end of a path is no part of it */
	if (h->name_len > 3 && h->name[2] && !h->name[h->name_len - 1])
		text[h->name_len - 3] = 0;
	return keep_string(p, o, text);
}

/* AF_INET or AF_INET6 */
static int read_inet(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_sock *sock = (void *)o->rec;
	const struct ckpt_hdr_inet *h = need(p, CKPT_HDR_INET);
	uint32_t i, nr_data, nr_groups;

	if (!h)
		return -1;
	nr_data = h->nr_data;
	nr_groups = h->nr_groups;
	for (i = 0; i < nr_data; i++)
		if (!need(p, CKPT_HDR_INET_DATA))
			return -1;
	for (i = 0; i < nr_groups; i++)
		if (!need(p, CKPT_HDR_INET_GROUP))
			return -1;
	switch (sock->type) {
	case SOCK_STREAM:
		if (!need(p, CKPT_HDR_TCP))
			return -1;
		return keep_string(p, o, "tcp");
	case SOCK_RAW:
		if (!need(p, CKPT_HDR_RAW))
			return -1;
		return keep_string(p, o, "raw");
	case SOCK_DGRAM:
		if (sock->protocol != IPPROTO_UDP &&
		    sock->protocol != IPPROTO_UDPLITE)
			return keep_string(p, o, "icmp");
		if (!need(p, CKPT_HDR_UDP))
			return -1;
		return keep_string(p, o, "udp");
	default:
		return damaged(p, "internet socket of type %u", sock->type);
	}
}

/* A ring, and what is in it */
static int read_ring(struct parser *p)
{
	const struct ckpt_hdr_packet_bytes *b;

	if (!need(p, CKPT_HDR_PACKET_RING))
		return -1;
	do {
		b = need(p, CKPT_HDR_PACKET_BYTES);
		if (!b)
			return -1;
		if (b->size > CKPT_PACKET_BYTES_MAX)
			return damaged(p, "it has %u bytes of a ring", b->size);
	} while (b->size);
	return 0;
}

static int read_packet(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_packet *h = need(p, CKPT_HDR_PACKET);
	uint32_t flags;

	if (!h)
		return -1;
	flags = h->flags;
	if (h->h.len != sizeof(*h) + (uint64_t)h->nr_members *
				     sizeof(h->member[0]))
		return damaged(p, "it has not %u memberships", h->nr_members);
	if (((flags & CKPT_PACKET_RX_RING) && read_ring(p)) ||
	    ((flags & CKPT_PACKET_TX_RING) && read_ring(p)))
		return -1;
	return keep_string(p, o, "");
}

static int read_sock(struct parser *p, struct model_object *o)
{
	const struct ckpt_hdr_sock_filter *filter;
	const struct ckpt_hdr_sock_opts *opts;
	const struct ckpt_hdr_sock *h;

	if (main_record(p, o, CKPT_HDR_SOCK))
		return -1;
	h = (const struct ckpt_hdr_sock *)o->rec;
	if (check_opt_ref(p, "peer_cred", h->peer_cred, CKPT_OBJ_CRED) ||
	    check_opt_ref(p, "peer_dead", h->peer_dead, CKPT_OBJ_DEAD_PID) ||
	    (h->peer_pid && check_slot(p, "peer_pid", h->peer_pid - 1)))
		return -1;
	if (h->nr_opts) {
		opts = need(p, CKPT_HDR_SOCK_OPTS);
		if (!opts)
			return -1;
		if (opts->h.len != sizeof(*opts) +
				   h->nr_opts * sizeof(opts->opts[0]))
			return damaged(p, "it has not %u options", h->nr_opts);
	}
	if (h->nr_insns) {
		filter = need(p, CKPT_HDR_SOCK_FILTER);
		if (!filter)
			return -1;
		if (filter->h.len != sizeof(*filter) +
				     h->nr_insns * sizeof(filter->insns[0]))
			return damaged(p, "it has not %u instructions",
				       h->nr_insns);
	}
	switch (((const struct ckpt_hdr_sock *)o->rec)->family) {
	case AF_UNIX:
		return read_unix_name(p, o);
	case AF_INET:
	case AF_INET6:
		return read_inet(p, o);
	case AF_NETLINK:
		return need(p, CKPT_HDR_NETLINK) ? keep_string(p, o, "") : -1;
	case AF_PACKET:
		return read_packet(p, o);
	default:
		return damaged(p, "socket of an unknown family");
	}
}

object_reader_fn *const object_readers[CKPT_OBJ_MAX] = {
	[CKPT_OBJ_NSPROXY]	= read_nsproxy,
	[CKPT_OBJ_UTS_NS]	= read_uts_ns,
	[CKPT_OBJ_IPC_NS]	= read_ipc_ns,
	[CKPT_OBJ_MNT_NS]	= read_mnt_ns,
	[CKPT_OBJ_PID_NS]	= read_pid_ns,
	[CKPT_OBJ_CRED]		= read_cred,
	[CKPT_OBJ_SIGHAND]	= read_sighand,
	[CKPT_OBJ_FS]		= read_fs,
	[CKPT_OBJ_FILES]	= read_files,
	[CKPT_OBJ_FILE]		= read_file,
	[CKPT_OBJ_PIPE]		= read_pipe,
	[CKPT_OBJ_MM]		= read_mm,
	[CKPT_OBJ_SHMEM]	= read_shmem,
	[CKPT_OBJ_SHM_FILE]	= read_shm_file,
	[CKPT_OBJ_SEM_UNDO]	= read_sem_undo,
	[CKPT_OBJ_MQUEUE]	= read_mqueue_ref,
	[CKPT_OBJ_SB]		= read_sb,
	[CKPT_OBJ_MNT]		= read_mnt_ns,
	[CKPT_OBJ_TIME_NS]	= read_time_ns,
	[CKPT_OBJ_CGROUP_NS]	= read_cgroup_ns,
	[CKPT_OBJ_USER_NS]	= read_user_ns,
	[CKPT_OBJ_DEAD_PID]	= read_dead_pid,
	[CKPT_OBJ_REMOVED]	= read_removed,
	[CKPT_OBJ_SOCK]		= read_sock,
	[CKPT_OBJ_NET_NS]	= read_net_ns,
	[CKPT_OBJ_ANON]		= read_anon,
	[CKPT_OBJ_MEMFD]	= read_memfd,
	[CKPT_OBJ_SECCOMP_FILTER] = read_seccomp_filter,
	[CKPT_OBJ_KEY]		= read_key,
	[CKPT_OBJ_CORE_COOKIE]	= read_core_cookie,
	[CKPT_OBJ_AUTOGROUP]	= read_autogroup,
};

void object_free(struct model_object *o)
{
	size_t i;

	for (i = 0; i < o->nr_strings; i++)
		free(o->strings[i]);
	for (i = 0; i < o->nr_vmas; i++)
		free(o->vmas[i].name);
	free(o->strings);
	free(o->vmas);
	free(o->fds);
	free(o->extents);
	free(o->rec);
	free(o);
}
