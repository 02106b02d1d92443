/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of record types: what each is made of, how it is checked, and how
 * it is printed. A new type is one entry in records.c.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/checkpoint_hdr.h>

enum field_format {
	FIELD_DEC,	/* unsigned: a count, a time, an id */
	FIELD_SIGNED,
	FIELD_HEX,	/* an address, a mask, a sum */
	FIELD_ENUM,	/* index into names; others are damage */
	FIELD_BOOL,	/* 0 or 1; others are damage */
	FIELD_TEXT,	/* NUL-terminated and NUL-padded */
	FIELD_BYTES,
	FIELD_ZERO,	/* reserved: must be 0 */
};

/**
 * struct names - the values of an enum
 * @nr: how many there are
 * @name: by value
 */
struct names {
	unsigned int nr;
	const char *const *name;
};

/**
 * struct field - one field of a record, or of an element of its array
 * @name: as in the struct; NULL ends a list of fields
 * @offset: in the struct
 * @size: of one value, in bytes
 * @nr: number of values, in an array of them if more than 1
 * @format: how to check and to print it
 * @names: of FIELD_ENUM
 */
struct field {
	const char *name;
	uint16_t offset;
	uint16_t size;
	uint16_t nr;
	uint16_t format;
	const struct names *names;
};

enum record_tail {
	TAIL_NONE,
	TAIL_ARRAY,	/* elements to the end of the record, or counted */
	TAIL_TEXT,	/* NUL-terminated and NUL-padded, to 8 bytes */
	TAIL_BYTES,	/* to the end of the record, or counted */
};

/* struct record_type.flags */
#define RECORD_TASK	0x1	/* state of a task, after its CKPT_HDR_TASK */
#define RECORD_PROCESS	0x2	/* ... if it leads its thread group, else not */
#define RECORD_REPEATS	0x4	/* a task may have several */

/**
 * struct record_type - one type of record
 * @name: without CKPT_HDR_
 * @size: of the struct, without what follows at its end
 * @fields: of the struct, its struct ckpt_hdr left out
 * @flags: RECORD_*
 * @tail: what follows
 * @tail_name: its name
 * @elem_size: of one element of TAIL_ARRAY, in bytes
 * @elem: its fields
 * @count: number of elements, or of bytes, when that is not what the record
 *	has room for; what remains of the record is zero. May be NULL.
 * @check: what the fields alone cannot say. Returns NULL or what is wrong.
 *	May be NULL.
 */
struct record_type {
	const char *name;
	size_t size;
	const struct field *fields;
	unsigned int flags;
	enum record_tail tail;
	const char *tail_name;
	size_t elem_size;
	const struct field *elem;
	uint64_t (*count)(const void *rec);
	const char *(*check)(const void *rec);
};

/* The entry of @type, or NULL if there is none. */
const struct record_type *record_type(uint32_t type);

/* Number of elements or bytes in the tail of @rec, which has been checked. */
uint64_t record_tail_count(const struct record_type *type,
			   const struct ckpt_hdr *rec);

/*
 * Check @rec of @type, @rec->len bytes long. Returns true, or false with the
 * reason in @why.
 */
bool record_check(const struct record_type *type, const struct ckpt_hdr *rec,
		  char *why, size_t size);

/* Value @i of @field, sign extended if it is FIELD_SIGNED. */
uint64_t field_value(const struct field *field, const void *base,
		     unsigned int i);

extern const struct names object_names;
extern const struct names file_kind_names;
extern const struct names vma_kind_names;
extern const struct names extent_kind_names;
extern const struct names restart_fn_names;
extern const struct names propagation_names;

#endif /* RECORDS_H */
