/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text for people: sizes, and strings of an image that must not reach a
 * terminal as they are.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Does the environment ask for UTF-8? */
bool text_utf8(void);

/*
 * Length of the UTF-8 sequence at @s, which has @left bytes; 0 if it is none,
 * or one for a surrogate or of more bytes than needed.
 */
size_t text_utf8_len(const char *s, size_t left);

/*
 * Is the UTF-8 sequence of @len bytes at @s a control character, of the first
 * set or the second (ISO/IEC 6429 C0 and C1, and DEL)? A terminal may obey it.
 */
bool text_control(const char *s, size_t len);

/* Print @s with what is not printable as \ooo, as /proc has it. */
void text_put(FILE *f, const char *s, bool utf8);

/* "12.3 MiB" in @buf, which is returned. */
#define TEXT_SIZE_LEN	16
const char *text_size(char *buf, uint64_t bytes);

#endif /* TEXT_H */
