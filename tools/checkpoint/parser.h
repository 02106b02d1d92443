/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How an image becomes a model.
 *
 * The format is read as the kernel reads it, by recursive descent: whoever
 * reads knows which record comes next, and an object that stands before it is
 * read first, by the function of its kind. So objects nest without a mark for
 * their end:
 *
 *	image	HEADER TREE TASKS... PIDS... task... TRAILER
 *	task	TASK and its state, in any order, up to the next TASK or
 *		TRAILER
 *	object	OBJECT and the records of its kind, see objects.c
 *
 * A function that returns an int returns 0, or -1 with what is wrong in the
 * reader of the image.
 */
#ifndef PARSER_H
#define PARSER_H

#include "image.h"
#include "model.h"

/**
 * struct parser - a model being read
 * @m: the model
 * @img: the reader
 * @fn: called with each record
 * @arg: its first argument
 * @rec: the next record
 * @ahead: @rec was read, and not yet consumed
 * @place: what is being read
 * @object: the object of @place, or NULL
 * @depth: objects inside objects
 * @nr_vpids: how many numbers the pids that were read have together
 */
struct parser {
	struct model *m;
	struct ckpt_image *img;
	model_record_fn *fn;
	void *arg;
	struct ckpt_record rec;
	bool ahead;
	struct model_place place;
	struct model_object *object;
	unsigned int depth;
	size_t nr_vpids;
};

#define damaged(p, ...)	image_damaged((p)->img, __VA_ARGS__)

/* Returns -1. */
int no_memory(struct parser *p);

/*
 * Room for @nr + @more elements of @size in @array, which has @nr; grows by
 * powers of 2, so that what is allocated is bound by what was read.
 */
int grow(struct parser *p, void *array, size_t nr, size_t more, size_t size);

/*
 * Is @ref, which the record just read names, an object of @type that came
 * before? Any kind will do if @type is CKPT_OBJ_NONE.
 */
int check_ref(struct parser *p, const char *what, uint32_t ref, uint32_t type);
/* As check_ref(), but 0 means none. */
int check_opt_ref(struct parser *p, const char *what, uint32_t ref,
		  uint32_t type);
/* Is @slot one of the pid table? */
int check_slot(struct parser *p, const char *what, uint32_t slot);

/* The next record, not consumed; NULL at an error or the end. */
const struct ckpt_hdr *peek(struct parser *p);

/*
 * The next record, consumed, after the objects before it; NULL at an error.
 * It stays in memory until the next one is asked for.
 */
const struct ckpt_hdr *next(struct parser *p);

/* As next(), of @type. */
const void *need(struct parser *p, uint32_t type);

/* model.c: read CKPT_HDR_SOCK_DATA with @left bytes together. */
int read_sock_data(struct parser *p, uint64_t left);

/* Read the object that starts with @h, which peek() gave. */
int read_object(struct parser *p, const struct ckpt_hdr_object *h);

/*
 * objects.c: read what follows the record CKPT_HDR_OBJECT, by kind; NULL for a
 * kind that no image has.
 */
typedef int object_reader_fn(struct parser *p, struct model_object *o);
extern object_reader_fn *const object_readers[CKPT_OBJ_MAX];
void object_free(struct model_object *o);

#endif /* PARSER_H */
