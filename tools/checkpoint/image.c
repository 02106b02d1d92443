// SPDX-License-Identifier: GPL-2.0
/*
 * The reader of an image: strictly forward, one record at a time, with memory
 * that does not grow with the image. Every byte is checked before it is used.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_STATIC_LINKING_ONLY	/* for XXH64_state_t on the stack */
#include <xxhash.h>

#include "image.h"
#include "records.h"

/* How much is read at once: of payload above all */
#define BUF_SIZE	(256 * 1024)

/**
 * struct ckpt_image - an image being read
 * @fd: where from
 * @off: bytes consumed
 * @payload: bytes of page payload among them
 * @records: records read
 * @number: of the record being read, from 1
 * @crc: CRC32C of them
 * @crc_table: CRC32C of each byte
 * @page_size: from the header
 * @type: type of the record being read, for messages; 0 between two
 * @start: where it starts
 * @done: the trailer was read
 * @bad: the image is damaged: nothing more is read
 * @head: first byte in @buf that was not consumed
 * @tail: end of what is in @buf
 * @buf: what was read ahead
 * @rec: the record, 8-byte aligned
 * @error: what is wrong
 */
struct ckpt_image {
	int fd;
	uint64_t off;
	uint64_t payload;
	uint64_t records;
	uint64_t number;
	uint32_t crc;
	uint32_t crc_table[256];
	uint32_t page_size;
	uint32_t type;
	uint64_t start;
	bool done;
	bool bad;
	size_t head;
	size_t tail;
	unsigned char buf[BUF_SIZE];
	uint64_t rec[CKPT_REC_MAX / 8];
	char error[256];
};

/* CRC32C, reflected, as the kernel's crc32c() */
static void crc_init(uint32_t *table)
{
	uint32_t crc;
	int i, bit;

	for (i = 0; i < 256; i++) {
		crc = i;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
		table[i] = crc;
	}
}

static void crc_add(struct ckpt_image *img, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		img->crc = img->crc >> 8 ^
			   img->crc_table[(img->crc ^ *p++) & 0xff];
}

struct ckpt_image *ckpt_image_open(int fd)
{
	struct ckpt_image *img = malloc(sizeof(*img));

	if (!img)
		return NULL;
	memset(img, 0, offsetof(struct ckpt_image, buf));
	img->error[0] = 0;
	img->fd = fd;
	img->crc = ~0;
	crc_init(img->crc_table);
	return img;
}

void ckpt_image_close(struct ckpt_image *img)
{
	free(img);
}

const char *ckpt_image_error(const struct ckpt_image *img)
{
	return img->bad ? img->error : NULL;
}

uint64_t ckpt_image_bytes(const struct ckpt_image *img, uint64_t *payload)
{
	if (payload)
		*payload = img->payload;
	return img->off;
}

/* "damaged at byte 4096 (record 7, VMA): start is not below end" */
__attribute__((format(printf, 3, 0)))
static void set_error(struct ckpt_image *img, const char *what,
		      const char *fmt, va_list ap)
{
	const char *name = img->type ? ckpt_record_name(img->type) : NULL;
	int n;

	n = snprintf(img->error, sizeof(img->error),
		     "%s at byte %llu (record %llu%s%s): ", what,
		     (unsigned long long)img->start,
		     (unsigned long long)img->number, name ? ", " : "",
		     name ? name : "");
	vsnprintf(img->error + n, sizeof(img->error) - n, fmt, ap);
	img->bad = true;
}

__attribute__((format(printf, 3, 4)))
static int image_error(struct ckpt_image *img, const char *what,
		       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_error(img, what, fmt, ap);
	va_end(ap);
	return -1;
}

int image_damaged(struct ckpt_image *img, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_error(img, "damaged", fmt, ap);
	va_end(ap);
	return -1;
}

/* It may well be sound, but is not for this program. */
static int refuse(struct ckpt_image *img, const char *why)
{
	snprintf(img->error, sizeof(img->error), "%s", why);
	img->bad = true;
	return -1;
}

/* Returns 1 if there is something in the buffer, 0 at the end, or -1. */
static int fill(struct ckpt_image *img)
{
	ssize_t n;

	if (img->head < img->tail)
		return 1;
	do {
		n = read(img->fd, img->buf, BUF_SIZE);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		img->start = img->off;
		return image_error(img, "cannot be read", "%s",
				   strerror(errno));
	}
	img->head = 0;
	img->tail = n;
	return n > 0;
}

/* Consume up to @len bytes; they are at *@p. Returns how many, or -1. */
static ssize_t take(struct ckpt_image *img, size_t len, const unsigned char **p)
{
	int ret = fill(img);

	if (ret < 0)
		return -1;
	if (!ret) {
		img->start = img->off;
		return image_error(img, "truncated",
				   "the image ends before its trailer");
	}
	if (len > img->tail - img->head)
		len = img->tail - img->head;
	*p = img->buf + img->head;
	img->head += len;
	img->off += len;
	return len;
}

static int get_summed(struct ckpt_image *img, void *to, size_t len)
{
	const unsigned char *p;
	ssize_t n;

	while (len) {
		n = take(img, len, &p);
		if (n < 0)
			return -1;
		memcpy(to, p, n);
		crc_add(img, p, n);
		to = (char *)to + n;
		len -= n;
	}
	return 0;
}

static int skip_padding(struct ckpt_image *img, size_t len)
{
	const unsigned char *p;
	ssize_t i, n;

	while (len) {
		n = take(img, len, &p);
		if (n < 0)
			return -1;
		for (i = 0; i < n; i++)
			if (p[i])
				return image_damaged(img, "padding is not zero");
		len -= n;
	}
	return 0;
}

/* Settles whether this is an image at all, and one that can be read. */
static int check_header(struct ckpt_image *img, const struct ckpt_hdr *h)
{
	const struct ckpt_hdr_header *r = (const struct ckpt_hdr_header *)h;
	char why[80];

	if (img->records)
		return image_damaged(img, "a second header");
	if (h->len < offsetof(struct ckpt_hdr_header, uflags) ||
	    r->magic != CKPT_MAGIC)
		return refuse(img, "not a checkpoint image");
	if (r->version != CKPT_VERSION) {
		snprintf(why, sizeof(why),
			 "of version %u; this program reads version %u",
			 r->version, CKPT_VERSION);
		return refuse(img, why);
	}
	if (r->incompat) {
		snprintf(why, sizeof(why),
			 "has features %#llx that this program does not know",
			 (unsigned long long)r->incompat);
		return refuse(img, why);
	}
	return 0;
}

static int check_extent(struct ckpt_image *img, const struct ckpt_extent *e)
{
	uint64_t left = (uint64_t)e->nr_pages * img->page_size;
	XXH64_state_t sum;
	const unsigned char *p;
	ssize_t n;

	if (e->addr % img->page_size || e->addr + left < e->addr)
		return image_damaged(img, "pages at %#llx are not aligned",
				     (unsigned long long)e->addr);
	if (e->kind == CKPT_EXTENT_SAME)
		return 0;
	XXH64_reset(&sum, 0);
	while (left) {
		n = take(img, left, &p);
		if (n < 0)
			return -1;
		XXH64_update(&sum, p, n);
		img->payload += n;
		left -= n;
	}
	if (XXH64_digest(&sum) == e->xxh64)
		return 0;
	return image_damaged(img, "the sum of the %u pages of %#llx is wrong",
			     e->nr_pages, (unsigned long long)e->addr);
}

static int check_payload(struct ckpt_image *img,
			 const struct ckpt_hdr_pages *rec)
{
	uint32_t pad = 0;
	uint64_t end = 0;
	uint32_t i;

	for (i = 0; i < rec->nr_extents; i++)
		if (rec->extents[i].kind != CKPT_EXTENT_SAME)
			pad = -img->off & (img->page_size - 1);
	if (rec->pad != pad)
		return image_damaged(img, "%u bytes of padding instead of %u",
				     rec->pad, pad);
	if (skip_padding(img, pad))
		return -1;
	for (i = 0; i < rec->nr_extents; i++) {
		const struct ckpt_extent *e = &rec->extents[i];

		if (e->addr < end)
			return image_damaged(img, "extents are not in order");
		if (check_extent(img, e))
			return -1;
		end = e->addr + (uint64_t)e->nr_pages * img->page_size;
	}
	return 0;
}

static int check_trailer(struct ckpt_image *img,
			 const struct ckpt_hdr_trailer *rec, uint32_t crc)
{
	int ret;

	if (rec->records != img->records)
		return image_damaged(img, "%llu records, there are %llu",
				     (unsigned long long)rec->records,
				     (unsigned long long)img->records);
	if (rec->crc32c != crc)
		return image_damaged(img, "the records' sum is %08x, not %08x",
				     crc, rec->crc32c);
	img->done = true;
	ret = fill(img);
	if (ret > 0)
		return image_damaged(img, "something follows the trailer");
	return ret;
}

int ckpt_image_next(struct ckpt_image *img, struct ckpt_record *out)
{
	struct ckpt_hdr *h = (struct ckpt_hdr *)img->rec;
	const struct record_type *type;
	uint32_t crc = img->crc;
	char why[128];
	int ret;

	if (img->bad)
		return -1;
	if (img->done)
		return 0;

	img->type = 0;
	img->start = img->off;
	img->number = img->records + 1;
	ret = fill(img);
	if (!ret && !img->off)
		return image_error(img, "truncated", "there is nothing in it");
	if (ret < 0 || get_summed(img, h, sizeof(*h)))
		return -1;
	img->type = h->type;
	/* A checkpoint may fail before it comes to its header. */
	if (!img->records && h->type != CKPT_HDR_HEADER &&
	    h->type != CKPT_HDR_ERROR)
		return refuse(img, "not a checkpoint image");
	type = record_type(h->type);
	if (!type)
		return image_damaged(img, "no record type %u in this version",
				     h->type);
	if (h->len < sizeof(*h) || h->len % 8 || h->len > CKPT_REC_MAX)
		return image_damaged(img, "%u bytes are no length",
				     h->len);
	if (get_summed(img, h + 1, h->len - sizeof(*h)))
		return -1;
	if (h->type == CKPT_HDR_HEADER && check_header(img, h))
		return -1;
	if (!record_check(type, h, why, sizeof(why)))
		return image_damaged(img, "%s", why);

	switch (h->type) {
	case CKPT_HDR_HEADER:
		img->page_size = ((struct ckpt_hdr_header *)h)->page_size;
		break;
	case CKPT_HDR_PAGES:
		if (check_payload(img, (struct ckpt_hdr_pages *)h))
			return -1;
		break;
	case CKPT_HDR_TRAILER:
		if (check_trailer(img, (struct ckpt_hdr_trailer *)h, crc))
			return -1;
		break;
	}
	out->number = ++img->records;
	out->offset = img->start;
	out->h = h;
	return 1;
}
