// SPDX-License-Identifier: GPL-2.0
/*
 * Text for people.
 */
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "text.h"

bool text_utf8(void)
{
	static const char *const vars[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *value;
	size_t i;

	/* The first that is set decides, as in setlocale(3). */
	for (i = 0; i < ARRAY_SIZE(vars); i++) {
		value = getenv(vars[i]);
		if (value && *value)
			return strcasestr(value, "UTF-8") ||
			       strcasestr(value, "utf8");
	}
	return false;
}

size_t text_utf8_len(const char *s, size_t left)
{
	const unsigned char *p = (const unsigned char *)s;
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = p[0];
	size_t i, len;

	if (c < 0x80)
		return 1;
	if (c < 0xc0 || c > 0xf7)
		return 0;
	len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (len > left)
		return 0;
	c &= 0xff >> (len + 1);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < lowest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

bool text_control(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	return (len == 1 && (p[0] < ' ' || p[0] == 0x7f)) ||
	       (len == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

/*
 * A sequence that a terminal may show as it is: one that it does not obey, that
 * does not turn the direction of the text, and that escapes nothing.
 */
static bool printable(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	if (text_control(s, len) || *s == '\\')
		return false;
	if (len == 3 && p[0] == 0xe2)
		return !(p[1] == 0x80 && p[2] >= 0x8e && p[2] <= 0xaf) &&
		       !(p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xaf);
	return true;
}

void text_put(FILE *f, const char *s, bool utf8)
{
	size_t len, left = strlen(s);

	for (; left; s += len, left -= len) {
		len = text_utf8_len(s, left);
		if (len && (utf8 || len == 1) && printable(s, len)) {
			fwrite(s, 1, len, f);
			continue;
		}
		len = 1;
		fprintf(f, "\\%03o", (unsigned char)*s);
	}
}

const char *text_size(char *buf, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = bytes / 1024.0;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(buf, TEXT_SIZE_LEN, "%u B", (unsigned int)bytes);
		return buf;
	}
	while (value >= 1023.95 && i + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		i++;
	}
	snprintf(buf, TEXT_SIZE_LEN, "%.1f %s", value, units[i]);
	return buf;
}
