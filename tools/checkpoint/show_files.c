// SPDX-License-Identifier: GPL-2.0
/*
 * The descriptors of each process, and who shares them.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "records.h"
#include "show.h"
#include "text.h"

static const char legend[] =
"MODE: r read, w write, a append, n nonblock, d direct, s sync, p path only,\n"
"x close on exec; =: the same open file as FD, or as FD of process PID: PID:FD\n";

/* More descriptors of the same open file are only counted. */
#define SAME_MAX	6

/**
 * struct opened - a descriptor of an open file
 * @file: objref of the file
 * @table: objref of the descriptor table
 * @fd: the descriptor
 * @task: first task that uses the table
 */
struct opened {
	uint32_t file;
	uint32_t table;
	uint32_t fd;
	uint32_t task;
};

/**
 * struct opened_list - all descriptors of an image
 * @nr: how many
 * @list: sorted by file, then table, then descriptor
 */
struct opened_list {
	size_t nr;
	struct opened *list;
};

static int compare_opened(const void *a, const void *b)
{
	const struct opened *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	return (x->fd > y->fd) - (x->fd < y->fd);
}

static int list_opened(const struct model *m, struct opened_list *l)
{
	const struct model_object *o;
	size_t i, j, nr = 0;

	for (i = 0; i < m->nr_objects; i++)
		nr += m->objects[i]->nr_fds;
	l->nr = 0;
	l->list = calloc(nr + 1, sizeof(*l->list));
	if (!l->list)
		return -1;
	for (i = 0; i < m->nr_objects; i++) {
		o = m->objects[i];
		for (j = 0; j < o->nr_fds; j++)
			l->list[l->nr++] = (struct opened){
				o->fds[j].file, o->ref, o->fds[j].fd, o->task
			};
	}
	qsort(l->list, l->nr, sizeof(*l->list), compare_opened);
	return 0;
}

/* The other descriptors of an open file: "  = 1 2 18:0" */
static void show_same(const struct view *v, const struct model *m,
		      const struct opened_list *l, uint32_t table,
		      const struct ckpt_fd *fd)
{
	const struct opened *o;
	size_t low = 0, high = l->nr, mid, nr = 0;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (l->list[mid].file < fd->file)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < l->nr && l->list[low].file == fd->file; low++) {
		o = &l->list[low];
		if (o->table == table && o->fd == fd->fd)
			continue;
		if (++nr > SAME_MAX) {
			fputs(" ...", v->f);
			return;
		}
		fputs(nr == 1 ? "  = " : " ", v->f);
		if (o->table != table && o->task != MODEL_NONE)
			fprintf(v->f, "%u:",
				model_pid(m, m->tasks[o->task].e.tid));
		fprintf(v->f, "%u", o->fd);
	}
}

/* "rw append,nonblock" */
static void mode_text(const struct ckpt_hdr_file *r, uint32_t fd_flags,
		      char *buf, size_t size)
{
	static const struct {
		uint32_t flag;
		char letter;
	} letters[] = {
		{ O_APPEND, 'a' }, { O_NONBLOCK, 'n' }, { O_DIRECT, 'd' },
		{ O_DSYNC, 's' }, { O_PATH, 'p' },
	};
	size_t i, n;

	n = snprintf(buf, size, "%s",
		     (r->f_flags & O_ACCMODE) == O_RDONLY ? "r" :
		     (r->f_flags & O_ACCMODE) == O_WRONLY ? "w" : "rw");
	for (i = 0; i < ARRAY_SIZE(letters); i++)
		if (r->f_flags & letters[i].flag && n + 2 < size)
			buf[n++] = letters[i].letter;
	if (fd_flags & CKPT_FD_CLOEXEC)
		buf[n++] = 'x';
	buf[n] = 0;
}

static void show_fd(const struct view *v, const struct model *m,
		    const struct opened_list *l, uint32_t table,
		    const struct ckpt_fd *fd)
{
	const struct model_object *o = model_object(m, fd->file);
	const struct ckpt_hdr_file *r = (const struct ckpt_hdr_file *)o->rec;
	const struct model_object *inner = model_object(m, r->inner);
	char mode[16];

	mode_text(r, fd->flags, mode, sizeof(mode));
	fprintf(v->f, "  %5u %-8s %-6s ", fd->fd, file_kind_names.name[r->kind],
		mode);
	if (r->kind == CKPT_FILE_REG || r->kind == CKPT_FILE_DIR)
		fprintf(v->f, "%12ju ", (uint64_t)r->f_pos);
	else
		fprintf(v->f, "%12s ", "-");
	fprintf(v->f, "%5u ", o->ref);
	show_place(v, m, r->mnt, o->strings[0]);
	if (inner && inner->type == CKPT_OBJ_PIPE)
		fprintf(v->f, " (%ju bytes in it)", inner->data_bytes);
	if (r->kind == CKPT_FILE_PTM)
		fprintf(v->f, " (terminal %u)", o->number);
	if (inner && inner->type == CKPT_OBJ_SOCK && *inner->strings[0]) {
		fputc(' ', v->f);
		text_put(v->f, inner->strings[0], v->utf8);
	}
	show_same(v, m, l, table, fd);
	fputc('\n', v->f);
}

static void show_table(const struct view *v, const struct model *m,
		       const struct opened_list *l,
		       const struct model_object *o)
{
	size_t i;

	if (o->nr_fds)
		fprintf(v->f, "  %5s %-8s %-6s %12s %5s %s\n", "FD", "KIND",
			"MODE", "POSITION", "FILE", "PATH");
	for (i = 0; i < o->nr_fds; i++)
		show_fd(v, m, l, o->ref, &o->fds[i]);
}

void show_place(const struct view *v, const struct model *m, uint32_t mnt,
		const char *path)
{
	const char *name = model_mount(m, mnt);

	text_put(v->f, name, v->utf8);
	if (!*name || strcmp(path, "/"))
		text_put(v->f, path, v->utf8);
}

static void show_path(const struct view *v, const struct model *m,
		      const char *what, uint32_t mnt, const char *path)
{
	fprintf(v->f, "  %-6s ", what);
	show_place(v, m, mnt, path);
	fputc('\n', v->f);
}

static void show_exe(const struct view *v, const struct model *m, uint32_t i)
{
	const struct model_object *o = model_task_object(m, i, MODEL_MM);

	if (o)
		o = model_object(m, ((struct ckpt_hdr_mm *)o->rec)->exe_file);
	if (o)
		show_path(v, m, "exe", ((struct ckpt_hdr_file *)o->rec)->mnt,
			  o->strings[0]);
}

static bool is_news(const struct model *m, uint32_t i, enum model_ref ref)
{
	const struct model_task *t = &m->tasks[i];

	return t->ref[ref] && (t->e.leader == i ||
			       m->tasks[t->e.leader].ref[ref] != t->ref[ref]);
}

static void show_files_of(const struct view *v, const struct model *m,
			  const struct opened_list *l, uint32_t i)
{
	const struct model_object *fs, *files;
	const struct ckpt_hdr_fs *r;

	fs = is_news(m, i, MODEL_FS) ? model_task_object(m, i, MODEL_FS) : NULL;
	files = is_news(m, i, MODEL_FILES) ?
		model_task_object(m, i, MODEL_FILES) : NULL;
	if (!fs && !files)
		return;
	show_task(v, m, i);
	fputc('\n', v->f);
	show_exe(v, m, i);
	if (fs) {
		r = (const struct ckpt_hdr_fs *)fs->rec;
		show_path(v, m, "root", r->root_mnt, fs->strings[0]);
		show_path(v, m, "cwd", r->pwd_mnt, fs->strings[1]);
		fprintf(v->f, "  umask  %03o\n", r->umask);
	}
	if (files && files->task == i) {
		show_table(v, m, l, files);
	} else if (files) {
		fputs("  files  those of ", v->f);
		show_task(v, m, files->task);
		fputc('\n', v->f);
	}
}

void show_files(const struct view *v, const struct model *m)
{
	struct opened_list l;
	size_t i;

	if (list_opened(m, &l)) {
		fputs("not enough memory\n", v->f);
		return;
	}
	for (i = 0; i < m->nr_tasks; i++)
		show_files_of(v, m, &l, i);
	fputs(legend, v->f);
	free(l.list);
}
