// SPDX-License-Identifier: GPL-2.0
/*
 * All records of an image as JSON, by the table of record types alone: numbers
 * for counts and times, strings of hexadecimal digits for addresses, masks,
 * sums and bytes.
 */
#include <string.h>

#include "records.h"
#include "show.h"
#include "text.h"

/*
 * A string of an image may hold any byte. What is not UTF-8 becomes the
 * character of that number, as if it were Latin-1. Control characters, which a
 * terminal may obey, are written as numbers.
 */
static void put_string(FILE *f, const char *s, size_t left)
{
	size_t len;

	fputc('"', f);
	for (; left; s += len, left -= len) {
		len = text_utf8_len(s, left);
		if (len == 1 && (*s == '"' || *s == '\\')) {
			fprintf(f, "\\%c", *s);
		} else if (!len || text_control(s, len)) {
			len = len ?: 1;
			fprintf(f, "\\u%04x", (unsigned char)s[len - 1]);
		} else {
			fwrite(s, 1, len, f);
		}
	}
	fputc('"', f);
}

static void put_bytes(FILE *f, const unsigned char *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	fputc('"', f);
	for (; len--; p++) {
		fputc(digits[*p >> 4], f);
		fputc(digits[*p & 15], f);
	}
	fputc('"', f);
}

static void put_value(FILE *f, const struct field *field, const void *base,
		      unsigned int i)
{
	const char *p = (const char *)base + field->offset;
	uint64_t value;

	if (field->format == FIELD_TEXT) {
		put_string(f, p, strnlen(p, field->size));
		return;
	}
	if (field->format == FIELD_BYTES) {
		put_bytes(f, (const unsigned char *)p, field->size);
		return;
	}
	value = field_value(field, base, i);
	switch (field->format) {
	case FIELD_HEX:
		fprintf(f, "\"0x%jx\"", value);
		break;
	case FIELD_SIGNED:
		fprintf(f, "%jd", (int64_t)value);
		break;
	case FIELD_ENUM:
		fprintf(f, "\"%s\"", field->names->name[value]);
		break;
	case FIELD_BOOL:
		fputs(value ? "true" : "false", f);
		break;
	default:
		fprintf(f, "%ju", value);
	}
}

/* Returns whether there was anything to print. */
static bool put_fields(FILE *f, const struct field *field, const void *base)
{
	const char *sep = "";
	unsigned int i;

	for (; field->name; field++) {
		if (field->format == FIELD_ZERO)
			continue;
		fprintf(f, "%s\"%s\":", sep, field->name);
		sep = ",";
		if (field->nr == 1) {
			put_value(f, field, base, 0);
			continue;
		}
		for (i = 0; i < field->nr; i++) {
			fputc(i ? ',' : '[', f);
			put_value(f, field, base, i);
		}
		fputc(']', f);
	}
	return *sep;
}

static void put_array(FILE *f, const struct record_type *type,
		      const char *tail, uint64_t nr)
{
	uint64_t i;

	fputc('[', f);
	for (i = 0; i < nr; i++, tail += type->elem_size) {
		if (i)
			fputc(',', f);
		if (!*type->elem->name) {
			put_value(f, type->elem, tail, 0);
			continue;
		}
		fputc('{', f);
		put_fields(f, type->elem, tail);
		fputc('}', f);
	}
	fputc(']', f);
}

static void put_tail(FILE *f, const struct record_type *type,
		     const struct ckpt_hdr *rec)
{
	const char *tail = (const char *)rec + type->size;
	uint64_t nr = record_tail_count(type, rec);

	fprintf(f, "\"%s\":", type->tail_name);
	if (type->tail == TAIL_TEXT)
		put_string(f, tail, strnlen(tail, nr));
	else if (type->tail == TAIL_BYTES)
		put_bytes(f, (const unsigned char *)tail, nr);
	else
		put_array(f, type, tail, nr);
}

static void put_record(void *arg, const struct ckpt_record *rec,
		       const struct model_place *place)
{
	const struct record_type *type = record_type(rec->h->type);
	FILE *f = arg;

	fprintf(f, "%s{\"number\":%ju,\"offset\":%ju,\"len\":%u",
		rec->number > 1 ? ",\n" : "\n", rec->number, rec->offset,
		rec->h->len);
	if (place->task != MODEL_NONE)
		fprintf(f, ",\"task\":%u", place->task);
	if (place->object)
		fprintf(f, ",\"object\":%u", place->object);
	fprintf(f, ",\"type\":\"%s\",\"fields\":{", type->name);
	if (put_fields(f, type->fields, rec->h) && type->tail != TAIL_NONE)
		fputc(',', f);
	if (type->tail != TAIL_NONE)
		put_tail(f, type, rec->h);
	fputs("}}", f);
}

int show_json(FILE *f, struct ckpt_image *img, const char *name,
	      struct model *m)
{
	const char *error;
	int ret;

	fputs("{\"image\":", f);
	put_string(f, name, strlen(name));
	fputs(",\"records\":[", f);
	ret = model_read(m, img, put_record, f);
	error = m->failure ? m->failure : ckpt_image_error(img);
	fprintf(f, "\n],\"bytes\":%ju,\"complete\":%s,\"error\":",
		m->bytes, ret ? "false" : "true");
	if (ret)
		put_string(f, error, strlen(error));
	else
		fputs("null", f);
	fputs("}\n", f);
	return ret;
}
