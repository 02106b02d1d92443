// SPDX-License-Identifier: GPL-2.0
/*
 * The table of record types has each type of the format, under its name, and
 * the fields of an entry are all that its struct has, without a gap.
 */
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "libcheckpoint.h"
#include "records.h"

static const struct {
	const char *name;
	uint32_t type;
} types[] = {
#define TYPE(t) { #t, t },
#include "types.h"
};

static int failed;

static void complain(const char *name, const char *what)
{
	printf("%s: %s\n", name, what);
	failed = 1;
}

/* The fields follow each other from @at to @end. */
static void check_fields(const char *name, const struct field *f, size_t at,
			 size_t end)
{
	for (; f->name; at += f->size * f->nr, f++)
		if (f->offset != at)
			complain(name, f->name);
	if (at != end)
		complain(name, "the fields are not all of the struct");
}

int main(void)
{
	const struct record_type *t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		t = record_type(types[i].type);
		if (!t) {
			complain(types[i].name, "is not in the table");
			continue;
		}
		if (strcmp(t->name, types[i].name + strlen("CKPT_HDR_")))
			complain(types[i].name, t->name);
		check_fields(t->name, t->fields, sizeof(struct ckpt_hdr),
			     t->size);
		if (t->tail == TAIL_ARRAY)
			check_fields(t->name, t->elem, 0, t->elem_size);
	}
	if (!i)
		complain("types.h", "is empty");
	for (i = 0; i < CKPT_OBJ_MAX; i++)
		if (!ckpt_object_name(i))
			complain("a kind of object", "has no name");
	return failed;
}
