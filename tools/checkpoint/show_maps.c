// SPDX-License-Identifier: GPL-2.0
/*
 * The memory map of each address space.
 */

#include "show.h"
#include "text.h"

#define BAR_WIDTH	24

/* From include/linux/mm.h */
#define VM_READ		0x1
#define VM_WRITE	0x2
#define VM_EXEC		0x4
#define VM_SHARED	0x8

static unsigned int log2_floor(uint64_t n)
{
	return 63 - __builtin_clzll(n | 1);
}

static uint64_t vma_pages(const struct model *m, const struct model_vma *vma)
{
	return (vma->v.end - vma->v.start) / m->header.page_size;
}

/*
 * Mappings differ by a factor of a million: the length of the bar is the
 * logarithm of the size, its filled part the share that is in the image.
 */
static void draw_bar(const struct view *v, uint64_t pages, uint64_t stored,
		     uint64_t largest)
{
	unsigned int len, filled, i;

	len = 1 + (BAR_WIDTH - 1) * log2_floor(pages) /
		  (log2_floor(largest) + !log2_floor(largest));
	filled = pages ? (double)stored / pages * len : 0;
	if (stored && !filled)
		filled = 1;
	for (i = 0; i < BAR_WIDTH; i++) {
		if (i >= len)
			fputc(' ', v->f);
		else if (v->utf8)
			fputs(i < filled ? "█" : "░", v->f);
		else
			fputc(i < filled ? '#' : '.', v->f);
	}
}

static void show_name(const struct view *v, const struct model *m,
		      const struct ckpt_hdr_mm *mm,
		      const struct model_vma *vma)
{
	const struct model_object *file;

	switch (vma->v.kind) {
	case CKPT_VMA_VDSO:
		fputs("[vdso]", v->f);
		return;
	case CKPT_VMA_VVAR:
		fputs("[vvar]", v->f);
		return;
	case CKPT_VMA_FILE:
	case CKPT_VMA_SHARED:
	case CKPT_VMA_SHMEM:
	case CKPT_VMA_HUGE:
		file = model_object(m, vma->v.file);
		if (file->type == CKPT_OBJ_FILE)
			show_place(v, m,
				   ((struct ckpt_hdr_file *)file->rec)->mnt,
				   file->strings[0]);
		else
			text_put(v->f, file->strings[0], v->utf8);
		if (file->type == CKPT_OBJ_SHMEM)
			fprintf(v->f, " (shmem %u)", file->ref);
		return;
	case CKPT_VMA_SYSV:
		file = model_object(m, vma->v.file);
		fprintf(v->f, "[sysv shm %d]",
			((const struct ckpt_hdr_shm_file *)file->rec)->id);
		return;
	}
	if (vma->name) {
		fputs("[anon:", v->f);
		text_put(v->f, vma->name, v->utf8);
		fputc(']', v->f);
	} else if (vma->v.start < mm->brk && vma->v.end > mm->start_brk) {
		fputs("[heap]", v->f);
	} else if (vma->v.start <= mm->start_stack &&
		   mm->start_stack < vma->v.end) {
		fputs("[stack]", v->f);
	}
}

static void show_vma(const struct view *v, const struct model *m,
		     const struct ckpt_hdr_mm *mm, const struct model_vma *vma,
		     uint64_t largest)
{
	uint64_t pages = vma_pages(m, vma);
	uint64_t stored = model_vma_pages(m, vma);
	char size[TEXT_SIZE_LEN];

	fprintf(v->f, "%012jx-%012jx %c%c%c%c %10s ",
		(uint64_t)vma->v.start, (uint64_t)vma->v.end,
		vma->v.flags & VM_READ ? 'r' : '-',
		vma->v.flags & VM_WRITE ? 'w' : '-',
		vma->v.flags & VM_EXEC ? 'x' : '-',
		vma->v.kind == CKPT_VMA_SHARED ||
		vma->v.kind == CKPT_VMA_SHMEM ||
		vma->v.kind == CKPT_VMA_SYSV ||
		(vma->v.kind == CKPT_VMA_HUGE && (vma->v.flags & VM_SHARED)) ?
		's' : 'p',
		text_size(size, pages * m->header.page_size));
	fprintf(v->f, "%10s ",
		stored ? text_size(size, stored * m->header.page_size) : "-");
	draw_bar(v, pages, stored, largest);
	fputc(' ', v->f);
	show_name(v, m, mm, vma);
	fputc('\n', v->f);
}

static void show_mm(const struct view *v, const struct model *m,
		    const struct model_object *o)
{
	const struct ckpt_hdr_mm *mm = (const struct ckpt_hdr_mm *)o->rec;
	uint64_t pages = 0, largest = 0, n;
	char size[TEXT_SIZE_LEN];
	size_t i;

	for (i = 0; i < o->nr_vmas; i++) {
		n = vma_pages(m, &o->vmas[i]);
		pages += n;
		if (n > largest)
			largest = n;
	}
	fprintf(v->f, "mm %u of ", o->ref);
	show_users(v, m, MODEL_MM, o->ref);
	fprintf(v->f, ": %zu mappings, %s", o->nr_vmas,
		text_size(size, pages * m->header.page_size));
	fprintf(v->f, ", %s of its own in the image\n",
		text_size(size, o->pages * m->header.page_size));
	fprintf(v->f, "%-25s %-4s %10s %10s\n", "ADDRESS", "PERM", "SIZE",
		"IN IMAGE");
	for (i = 0; i < o->nr_vmas; i++)
		show_vma(v, m, mm, &o->vmas[i], largest);
}

void show_maps(const struct view *v, const struct model *m)
{
	const char *sep = "";
	size_t i;

	for (i = 0; i < m->nr_objects; i++) {
		if (m->objects[i]->type != CKPT_OBJ_MM)
			continue;
		fputs(sep, v->f);
		show_mm(v, m, m->objects[i]);
		sep = "\n";
	}
}
