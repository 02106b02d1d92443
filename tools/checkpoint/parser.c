// SPDX-License-Identifier: GPL-2.0
/*
 * The records of an image in their order, and the objects that they name.
 */
#include <stdlib.h>
#include <string.h>

#include "parser.h"

/* Objects inside objects; deeper nesting is damage, not a need */
#define DEPTH_MAX	8

int no_memory(struct parser *p)
{
	return damaged(p, "not enough memory to read it");
}

int grow(struct parser *p, void *array, size_t nr, size_t more, size_t size)
{
	void **mem = array, *bigger;
	size_t cap = 0, need = nr + more;

	if (nr)
		for (cap = 8; cap < nr; )
			cap *= 2;
	if (need <= cap)
		return 0;
	for (cap = 8; cap < need; )
		cap *= 2;
	bigger = reallocarray(*mem, cap, size);
	if (!bigger)
		return no_memory(p);
	*mem = bigger;
	return 0;
}

/* ---------------------------------------------------------------- objects */

static size_t hash_slot(const struct model *m, uint32_t ref)
{
	size_t i = ref * 0x9e3779b97f4a7c15ull >> 32;

	i &= m->hash_size - 1;
	while (m->hash[i] && m->hash[i]->ref != ref)
		i = (i + 1) & (m->hash_size - 1);
	return i;
}

struct model_object *model_object(const struct model *m, uint32_t ref)
{
	return m->hash_size ? m->hash[hash_slot(m, ref)] : NULL;
}

static int hash_grow(struct parser *p)
{
	struct model *m = p->m;
	struct model_object **old = m->hash;
	size_t i;

	if (m->nr_objects * 2 < m->hash_size)
		return 0;
	m->hash = calloc(m->hash_size ? m->hash_size * 2 : 64, sizeof(*old));
	if (!m->hash) {
		m->hash = old;
		return no_memory(p);
	}
	m->hash_size = m->hash_size ? m->hash_size * 2 : 64;
	for (i = 0; i < m->nr_objects; i++)
		m->hash[hash_slot(m, m->objects[i]->ref)] = m->objects[i];
	free(old);
	return 0;
}

int check_ref(struct parser *p, const char *what, uint32_t ref, uint32_t type)
{
	const struct model_object *o = model_object(p->m, ref);

	if (!o || !o->done)
		return damaged(p, "%s: there is no object %u before it", what,
			       ref);
	if (type != CKPT_OBJ_NONE && o->type != type)
		return damaged(p, "%s: object %u is of kind %s, not %s", what,
			       ref, ckpt_object_name(o->type),
			       ckpt_object_name(type));
	return 0;
}

int check_opt_ref(struct parser *p, const char *what, uint32_t ref,
		  uint32_t type)
{
	return ref ? check_ref(p, what, ref, type) : 0;
}

int check_slot(struct parser *p, const char *what, uint32_t slot)
{
	return slot < p->m->nr_pids ? 0 :
		damaged(p, "%s: there is no pid slot %u", what, slot);
}

/* ------------------------------------------------------------- the stream */

const struct ckpt_hdr *peek(struct parser *p)
{
	if (!p->ahead && ckpt_image_next(p->img, &p->rec) != 1)
		return NULL;
	p->ahead = true;
	return p->rec.h;
}

static void consume(struct parser *p)
{
	p->ahead = false;
	if (p->object)
		p->object->bytes += p->rec.h->len;
	p->m->records++;
	p->m->record_bytes += p->rec.h->len;
	if (p->fn)
		p->fn(p->arg, &p->rec, &p->place);
}

/* The checkpoint failed, and says why. */
static void read_failure(struct parser *p, const struct ckpt_hdr_error *h)
{
	consume(p);
	p->m->failure = strdup(h->text);
	if (!p->m->failure)
		no_memory(p);
}

const struct ckpt_hdr *next(struct parser *p)
{
	const struct ckpt_hdr *h;

	while ((h = peek(p)) && h->type == CKPT_HDR_OBJECT)
		if (read_object(p, (struct ckpt_hdr_object *)h))
			return NULL;
	if (!h)
		return NULL;
	if (h->type == CKPT_HDR_ERROR) {
		read_failure(p, (struct ckpt_hdr_error *)h);
		return NULL;
	}
	consume(p);
	return h;
}

const void *need(struct parser *p, uint32_t type)
{
	const struct ckpt_hdr *h;

	while ((h = peek(p)) && h->type == CKPT_HDR_OBJECT)
		if (read_object(p, (struct ckpt_hdr_object *)h))
			return NULL;
	if (h && h->type != CKPT_HDR_ERROR && h->type != type) {
		damaged(p, "%s belongs there", ckpt_record_name(type));
		return NULL;
	}
	return h ? next(p) : NULL;
}

/* @h was not consumed. The object can be named once it was read. */
int read_object(struct parser *p, const struct ckpt_hdr_object *h)
{
	struct model_object *outer = p->object, *o;
	struct model *m = p->m;
	uint32_t place = p->place.object;
	int ret;

	if (p->place.task == MODEL_NONE && h->objtype != CKPT_OBJ_USER_NS &&
	    h->objtype != CKPT_OBJ_CRED)
		return damaged(p, "there is no task that it belongs to");
	if (p->depth == DEPTH_MAX)
		return damaged(p, "objects are nested too deep");
	if (!object_readers[h->objtype])
		return damaged(p, "an object of kind %s is not stored",
			       ckpt_object_name(h->objtype));
	if (model_object(m, h->objref))
		return damaged(p, "there is an object %u already", h->objref);
	if (hash_grow(p) ||
	    grow(p, &m->objects, m->nr_objects, 1, sizeof(*m->objects)))
		return -1;
	o = calloc(1, sizeof(*o));
	if (!o)
		return no_memory(p);
	o->ref = h->objref;
	o->type = h->objtype;
	o->task = MODEL_NONE;
	m->objects[m->nr_objects++] = o;
	m->hash[hash_slot(m, o->ref)] = o;

	p->object = o;
	p->place.object = o->ref;
	p->depth++;
	consume(p);
	ret = object_readers[o->type](p, o);
	p->depth--;
	p->place.object = place;
	p->object = outer;
	o->done = !ret;
	return ret;
}

