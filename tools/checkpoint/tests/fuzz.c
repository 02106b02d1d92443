// SPDX-License-Identifier: GPL-2.0
/*
 * Read images that are damaged at random, and show what is left of them. The
 * sanitizers tell whether anything was trusted.
 *
 *	fuzz IMAGE ROUNDS SEED
 *
 * Half of the rounds put the sums right again, so that the damage gets past
 * them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "array.h"
#include "show.h"

#define EXTRA	4096

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 16) % below;
}

static size_t mutate(unsigned char *p, size_t len)
{
	static const uint32_t values[] = {
		0, 1, 2, 7, 8, 64, 255, 4096, 0x7fffffff, 0x80000000,
		0xfffffff8, 0xffffffff, 501, 504, 4,
	};
	uint32_t n = 1 + rnd(4), value, at;

	while (n--) {
		at = rnd(len);
		switch (rnd(6)) {
		case 0:
			p[at] ^= 1 << rnd(8);
			break;
		case 1:
			p[at] = rnd(256);
			break;
		case 2:
		case 3:
			value = values[rnd(ARRAY_SIZE(values))];
			at &= ~3;
			if (at + 4 <= len)
				memcpy(p + at, &value, 4);
			break;
		case 4:
			/* A record, or a part of one, twice */
			value = 8 * (1 + rnd(EXTRA / 8));
			at &= ~7;
			if (at + value <= len && len + value <= len + EXTRA) {
				memmove(p + at + value, p + at, len - at);
				return len + value;
			}
			break;
		case 5:
			if (!rnd(4))
				return at + 1;
			/* ... or gone */
			value = 8 * (1 + rnd(16));
			at &= ~7;
			if (at + value < len) {
				memmove(p + at, p + at + value,
					len - at - value);
				len -= value;
			}
			break;
		}
	}
	return len;
}

static uint32_t crc_table[256];

static uint32_t crc_add(uint32_t crc, const unsigned char *p, size_t len)
{
	while (len--)
		crc = crc >> 8 ^ crc_table[(crc ^ *p++) & 0xff];
	return crc;
}

/* Make padding, sums and counts right, as far as the image makes sense. */
static void put_right(unsigned char *p, size_t len)
{
	uint32_t crc = ~0, i;
	uint64_t records = 0, n;
	size_t off = 0, at;

	while (off + sizeof(struct ckpt_hdr) <= len) {
		struct ckpt_hdr *h = (struct ckpt_hdr *)(p + off);
		struct ckpt_hdr_pages *pages = (void *)h;
		struct ckpt_hdr_trailer *t = (void *)h;

		if (h->len < sizeof(*h) || h->len % 8 || h->len > len - off)
			return;
		if (h->type == CKPT_HDR_TRAILER && h->len == sizeof(*t)) {
			t->records = records;
			t->crc32c = crc;
			return;
		}
		at = off;
		off += h->len;
		if (h->type == CKPT_HDR_PAGES && h->len >= sizeof(*pages) &&
		    pages->nr_extents <= (h->len - sizeof(*pages)) /
					 sizeof(pages->extents[0])) {
			pages->pad = 0;
			for (i = 0; i < pages->nr_extents; i++)
				if (pages->extents[i].kind != CKPT_EXTENT_SAME)
					pages->pad = -off & 4095;
			off += pages->pad;
			for (i = 0; i < pages->nr_extents; i++) {
				n = pages->extents[i].nr_pages * 4096ull;
				if (pages->extents[i].kind == CKPT_EXTENT_SAME)
					continue;
				if (off > len || n > len - off)
					break;
				pages->extents[i].xxh64 = XXH64(p + off, n, 0);
				off += n;
			}
		}
		crc = crc_add(crc, p + at, h->len);
		records++;
	}
}

static int show_all(int fd, const struct view *v)
{
	struct ckpt_image *img = ckpt_image_open(fd);
	struct model m;
	int ret;

	ret = show_json(v->f, img, "fuzz", &m);
	if (!ret) {
		show_summary(v, &m, "fuzz");
		show_tree(v, &m);
		show_maps(v, &m);
		show_files(v, &m);
	} else if (ret < 0 && !ckpt_image_error(img)) {
		abort();
	}
	model_free(&m);
	ckpt_image_close(img);
	return ret;
}

int main(int argc, char **argv)
{
	struct view v = { .f = fopen("/dev/null", "w") };
	int fd, round, rounds, good = 0, memfd;
	unsigned char *image, *copy;
	size_t len, n;
	uint32_t i;
	int bit;

	if (argc != 4)
		return 2;
	rounds = atoi(argv[2]);
	state = 0x9e3779b97f4a7c15ull * (atoi(argv[3]) + 1);
	fd = open(argv[1], O_RDONLY);
	len = lseek(fd, 0, SEEK_END);
	image = malloc(len);
	copy = malloc(len + 2 * EXTRA);
	if (fd < 0 || !image || !copy ||
	    pread(fd, image, len, 0) != (ssize_t)len)
		return 2;
	for (i = 0; i < 256; i++)
		for (bit = 0, crc_table[i] = i; bit < 8; bit++)
			crc_table[i] = crc_table[i] >> 1 ^
				       (crc_table[i] & 1 ? 0x82f63b78 : 0);
	memfd = memfd_create("fuzz", 0);

	for (round = 0; round < rounds; round++) {
		memcpy(copy, image, len);
		n = mutate(copy, len);
		if (round % 8)
			put_right(copy, n);
		if (ftruncate(memfd, 0) ||
		    pwrite(memfd, copy, n, 0) != (ssize_t)n)
			return 2;
		lseek(memfd, 0, SEEK_SET);
		v.utf8 = round % 2;
		if (!show_all(memfd, &v))
			good++;
	}
	printf("%d rounds, %d images still good\n", rounds, good);
	free(image);
	free(copy);
	fclose(v.f);
	return 0;
}
