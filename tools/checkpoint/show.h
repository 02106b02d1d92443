/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ckptinfo shows: one view a file.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "model.h"

/**
 * struct view - where to and how
 * @f: where to
 * @utf8: draw with UTF-8
 */
struct view {
	FILE *f;
	bool utf8;
};

void show_summary(const struct view *v, const struct model *m,
		  const char *name);
void show_tree(const struct view *v, const struct model *m);
void show_namespaces(const struct view *v, const struct model *m);
void show_maps(const struct view *v, const struct model *m);
void show_files(const struct view *v, const struct model *m);

/**
 * show_json - all records of an image
 * @f: where to
 * @img: the reader
 * @name: name of the image
 * @m: filled in as by model_read()
 *
 * Return: as model_read(); what is printed is complete in any case.
 */
int show_json(FILE *f, struct ckpt_image *img, const char *name,
	      struct model *m);

/* "17 (foo)" */
void show_task(const struct view *v, const struct model *m, uint32_t i);

/*
 * Tasks that use object @ref as their @kind, as "17 (foo), 18 (bar)". A thread
 * is left out where its leader uses the same.
 */
void show_users(const struct view *v, const struct model *m,
		enum model_ref kind, uint32_t ref);

/* A path in mount number @mnt, or in the caller's namespace, from the root */
void show_place(const struct view *v, const struct model *m, uint32_t mnt,
		const char *path);

#endif /* SHOW_H */
