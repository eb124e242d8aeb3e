/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A BPF object file as sections, symbols and relocation records.
 *
 * elf_read() copies the file and proves the outline: 64-bit little-endian relocatable BPF,
 * every section inside the file and none overlapping another, every name inside its string
 * table, every symbol inside its section. Contents of sections are not looked at. Section
 * data may be misaligned: copy before use as anything but bytes.
 */
#ifndef UA_OBJECT_ELF_H
#define UA_OBJECT_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define R_BPF_64_64 1
#define R_BPF_64_ABS64 2
#define R_BPF_64_ABS32 3
#define R_BPF_64_NODYLD32 4
#define R_BPF_64_32 10

struct elf_sec {
	const char *name;
	const uint8_t *data; /* NULL for SHT_NOBITS */
	uint64_t size;
	uint32_t type, link, info;
	uint64_t flags;
};

struct elf_sym {
	const char *name;
	uint64_t value, size;
	uint32_t sec; /* 0 undefined; >= n_secs: special index */
	uint8_t bind, type, vis;
};

struct elf_rel {
	uint64_t off;
	uint32_t type, sym;
};

struct elf_file {
	void *image;
	size_t size;
	const char *name; /* of the object, for messages; borrowed */
	struct elf_sec *secs;
	uint32_t n_secs;
	struct elf_sym *syms;
	uint32_t n_syms;
	uint32_t *by_name; /* symbol indexes, sorted by name */
};

int elf_read(struct elf_file *f, const char *name, const void *buf, size_t size);
void elf_release(struct elf_file *f);

/* The section of that name, 0 if there is none. */
uint32_t elf_find_section(const struct elf_file *f, const char *name);
/* A defined variable or function by name, preferably in section `sec`; NULL if none. */
const struct elf_sym *elf_find_symbol(const struct elf_file *f, const char *name, uint32_t sec);
/* Number of records of a SHT_REL section; elf_rel_at() of one of them. */
size_t elf_rel_count(const struct elf_sec *sec);
struct elf_rel elf_rel_at(const struct elf_sec *sec, size_t i);

static inline bool elf_is_code(const struct elf_sec *sec)
{
	return sec->type == SHT_PROGBITS && (sec->flags & SHF_EXECINSTR) && sec->data;
}

#endif
