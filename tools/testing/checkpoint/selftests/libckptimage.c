// SPDX-License-Identifier: GPL-2.0
/*
 * Images as the selftests see them: a row of records, to be cut off at any
 * place, or changed at any, with a checksum that is right nevertheless.
 */
#define LIBCKPTTEST_INTERNAL
#include "libckpttest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CRC32C_POLY	0x82f63b78	/* reflected */

static uint32_t crc32c(uint32_t crc, const unsigned char *p, size_t len)
{
	static uint32_t table[256];
	unsigned int i, bit;

	if (!table[1]) {
		for (i = 0; i < 256; i++) {
			uint32_t c = i;

			for (bit = 0; bit < 8; bit++)
				c = c & 1 ? c >> 1 ^ CRC32C_POLY : c >> 1;
			table[i] = c;
		}
	}
	while (len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return crc;
}

static void measure_payload(struct image *image, struct image_rec *rec)
{
	struct ckpt_hdr_pages pages;
	struct ckpt_extent extent;
	size_t at;
	unsigned int i;

	memcpy(&pages, image->data + rec->off, sizeof(pages));
	if (rec->len < sizeof(pages) ||
	    (rec->len - sizeof(pages)) / sizeof(extent) < pages.nr_extents)
		ckpt_die("image: pages at %zu: %u extents in %u bytes",
			 rec->off, pages.nr_extents, rec->len);
	at = rec->off + sizeof(pages);
	for (i = 0; i < pages.nr_extents; i++) {
		memcpy(&extent, image->data + at, sizeof(extent));
		at += sizeof(extent);
		if (extent.kind != CKPT_EXTENT_SAME)
			rec->payload += (size_t)extent.nr_pages * getpagesize();
	}
	rec->pad = pages.pad;
}

void image_load(struct image *image, int fd)
{
	unsigned int room = 0;
	struct ckpt_hdr h;
	struct stat st;
	size_t at = 0;

	memset(image, 0, sizeof(*image));
	if (fstat(fd, &st))
		ckpt_die("image: %s", strerror(errno));
	image->size = st.st_size;
	image->data = malloc(image->size + 1);
	if (!image->data ||
	    pread(fd, image->data, image->size, 0) != (ssize_t)image->size)
		ckpt_die("image: cannot be read");

	while (image->size - at >= sizeof(h)) {
		struct image_rec *rec;

		memcpy(&h, image->data + at, sizeof(h));
		if (h.len < sizeof(h) || h.len % 8 || h.len > CKPT_REC_MAX ||
		    h.len > image->size - at)
			ckpt_die("image: record %u at %zu: type %u, length %u",
				 image->nr, at, h.type, h.len);
		if (image->nr == room) {
			room = room * 2 + 64;
			image->rec = realloc(image->rec,
					     room * sizeof(*image->rec));
			if (!image->rec)
				ckpt_die("image: no memory");
		}
		rec = &image->rec[image->nr++];
		*rec = (struct image_rec){ at, h.type, h.len, 0, 0 };
		if (h.type == CKPT_HDR_PAGES)
			measure_payload(image, rec);
		if (rec->pad + rec->payload > image->size - at - h.len)
			ckpt_die("image: payload at %zu: too long", at);
		at += rec->len + rec->pad + rec->payload;
	}
	if (at != image->size || !image->nr ||
	    image->rec[image->nr - 1].type != CKPT_HDR_TRAILER)
		ckpt_die("image: %zu bytes after the last record",
			 image->size - at);
}

void image_copy(struct image *to, const struct image *from)
{
	*to = *from;
	to->data = malloc(from->size);
	to->rec = malloc(from->nr * sizeof(*to->rec));
	if (!to->data || !to->rec)
		ckpt_die("image: no memory");
	memcpy(to->data, from->data, from->size);
	memcpy(to->rec, from->rec, from->nr * sizeof(*to->rec));
}

void image_free(struct image *image)
{
	free(image->data);
	free(image->rec);
}

struct image_rec *image_find(struct image *image, uint32_t type,
			     unsigned int nth)
{
	unsigned int i;

	for (i = 0; i < image->nr; i++)
		if (image->rec[i].type == type && !nth--)
			return &image->rec[i];
	return NULL;
}

void *image_at(struct image *image, uint32_t type, unsigned int nth)
{
	struct image_rec *rec = image_find(image, type, nth);

	if (!rec)
		ckpt_die("image: has no record %s, number %u",
			 image_rec_name(type), nth);
	return image->data + rec->off;
}

char *image_string(struct image *image, const void *from, const char *text)
{
	struct ckpt_hdr_string *s;
	unsigned int i;

	for (i = 0; image_find(image, CKPT_HDR_STRING, i); i++) {
		s = image_at(image, CKPT_HDR_STRING, i);
		if ((void *)s >= from && !strcmp(s->text, text))
			return s->text;
	}
	return NULL;
}

struct ckpt_hdr_sb *image_sb(struct image *image, const char *type)
{
	struct ckpt_hdr_string *s;
	struct ckpt_hdr_sb *sb;
	unsigned int i;

	for (i = 0; image_find(image, CKPT_HDR_SB, i); i++) {
		sb = image_at(image, CKPT_HDR_SB, i);
		s = (void *)sb + sb->h.len;
		if (!strcmp(s->text, type))
			return sb;
	}
	ckpt_die("image: no file system of type %s", type);
}

uint32_t image_objref(struct image *image, uint32_t objtype, const void *at)
{
	struct ckpt_hdr_object *object;
	uint32_t objref = 0;
	unsigned int i;

	for (i = 0; image_find(image, CKPT_HDR_OBJECT, i); i++) {
		object = image_at(image, CKPT_HDR_OBJECT, i);
		if ((void *)object < at && object->objtype == objtype)
			objref = object->objref;
	}
	if (!objref)
		ckpt_die("image: no object of type %u there", objtype);
	return objref;
}

void image_seal(struct image *image)
{
	struct ckpt_hdr_trailer trailer;
	struct image_rec *last = &image->rec[image->nr - 1];
	uint32_t crc = ~0U;
	unsigned int i;

	for (i = 0; i < image->nr - 1; i++)
		crc = crc32c(crc, image->data + image->rec[i].off,
			     image->rec[i].len);
	memcpy(&trailer, image->data + last->off, sizeof(trailer));
	trailer.records = image->nr - 1;
	trailer.crc32c = crc;
	memcpy(image->data + last->off, &trailer, sizeof(trailer));
}

int image_file(const struct image *image, size_t len)
{
	int fd = ckpt_tmpfile();

	ckpt_write_all(fd, image->data, len);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

const char *image_rec_name(uint32_t type)
{
	static const struct {
		uint32_t type;
		const char *name;
	} names[] = {
#define NAME(type)	{ CKPT_HDR_##type, #type }
		NAME(HEADER), NAME(TRAILER), NAME(ERROR), NAME(OBJECT),
		NAME(STRING), NAME(TREE), NAME(TASKS), NAME(TASK), NAME(PIDS),
		NAME(TASK_NS), NAME(TASK_FS), NAME(TASK_FILES), NAME(TASK_MM),
		NAME(TASK_SIGHAND), NAME(TASK_SIGNAL), NAME(SIGPENDING),
		NAME(TASK_LIMITS), NAME(TASK_ITIMERS), NAME(TASK_CRED),
		NAME(TASK_SCHED), NAME(TASK_MISC), NAME(TASK_RESTART_BLOCK),
		NAME(TASK_CPU), NAME(TASK_FPU), NAME(TASK_JOBCTL),
		NAME(TASK_PTRACE),
		NAME(NSPROXY), NAME(UTS_NS), NAME(IPC_NS), NAME(MNT_NS),
		NAME(PID_NS), NAME(CRED), NAME(SIGHAND), NAME(MNT),
		NAME(FS), NAME(FILES), NAME(FDS), NAME(FILE), NAME(PIPE), NAME(PIPE_BUFS),
		NAME(PIPE_DATA), NAME(EVENTFD), NAME(TIMERFD), NAME(SIGNALFD),
		NAME(LOCKS), NAME(LATE_FILE), NAME(EPOLL), NAME(EPOLL_ITEMS),
		NAME(INOTIFY), NAME(INOTIFY_EVENT), NAME(INOTIFY_WATCH),
		NAME(REMOVED),
		NAME(PIDFD), NAME(DEAD_PID), NAME(SOCK), NAME(SOCK_OPTS),
		NAME(SOCK_DATA), NAME(UNIX), NAME(UNIX_LATE), NAME(UNIX_MSG),
		NAME(PTM), NAME(TTY), NAME(TTY_END), NAME(NET_NS), NAME(NET_DATA),
		NAME(TUN), NAME(TUN_PACKET),
		NAME(MM), NAME(VMA), NAME(SHMEM), NAME(PAGES),
		NAME(ANON), NAME(MEMFD), NAME(MEMPOLICY),
		NAME(TASK_SYSVIPC), NAME(IPC_IDS), NAME(IPC_SHM), NAME(IPC_MSG),
		NAME(IPC_SEM), NAME(IPC_SEMVALS), NAME(IPC_MESSAGE),
		NAME(IPC_TEXT), NAME(SHM_FILE), NAME(SEM_UNDO), NAME(SEM_ADJ),
		NAME(MQUEUES), NAME(MQUEUE), NAME(MQUEUE_REF),
		NAME(SB), NAME(SB_NODE), NAME(SB_XATTR), NAME(SB_ALLOC),
		NAME(SB_LAYER),
#undef NAME
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].type == type)
			return names[i].name;
	return "?";
}
