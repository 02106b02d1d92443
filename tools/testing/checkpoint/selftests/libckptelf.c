// SPDX-License-Identifier: GPL-2.0
/* Functions of an ELF image in memory, such as the vdso, by their names. */
#define LIBCKPTTEST_INTERNAL
#include "libckpttest.h"

#include <linux/elf.h>
#include <string.h>

void *ckpt_elf_symbol(const char *base, const char *name)
{
	const struct elf64_hdr *eh = (const void *)base;
	const struct elf64_phdr *ph = (const void *)(base + eh->e_phoff);
	const struct elf64_sym *sym = NULL;
	const uint64_t *dyn = NULL;	/* pairs of tag and value */
	const uint32_t *hash = NULL;
	const char *str = NULL;
	uint32_t i;

	for (i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_DYNAMIC)
			dyn = (const void *)(base + ph[i].p_offset);
	for (; dyn && dyn[0] != DT_NULL; dyn += 2) {
		if (dyn[0] == DT_SYMTAB)
			sym = (const void *)(base + dyn[1]);
		else if (dyn[0] == DT_STRTAB)
			str = base + dyn[1];
		else if (dyn[0] == DT_HASH)
			hash = (const void *)(base + dyn[1]);
	}
	for (i = 0; sym && str && hash && i < hash[1]; i++)
		if (sym[i].st_shndx && !strcmp(str + sym[i].st_name, name))
			return (char *)base + sym[i].st_value;
	return NULL;
}
