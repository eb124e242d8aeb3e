/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and checking the outline of an ELF file. */
#include "base/base.h"
#include "object/elf.h"

#include <libelf.h>

#ifndef EM_BPF
#define EM_BPF 247
#endif

static int bad(const struct elf_file *f, const char *sec, const char *what)
{
	if (sec)
		log_warn("uarena: object %s: section %s: %s\n", f->name, sec, what);
	else
		log_warn("uarena: object %s: %s\n", f->name, what);
	return -EINVAL;
}

/* -- Header --------------------------------------------------------------- */

static int check_header(const struct elf_file *f)
{
	const Elf64_Ehdr *h = f->image;

	if (f->size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG))
		return bad(f, NULL, "not an ELF file");
	if (h->e_ident[EI_CLASS] != ELFCLASS64)
		return bad(f, NULL, "not a 64-bit ELF file");
	if (h->e_ident[EI_DATA] != ELFDATA2LSB)
		return bad(f, NULL, "big-endian objects are not supported");
	if (h->e_machine != EM_BPF && h->e_machine != EM_NONE)
		return bad(f, NULL, "not built for BPF (wrong machine)");
	if (h->e_type != ET_REL)
		return bad(f, NULL, "not a relocatable object");
	if (h->e_shoff % sizeof(uint64_t)) /* libelf would hand out misaligned pointers */
		return bad(f, NULL, "the section headers are misaligned");
	return 0;
}

/* -- Sections ------------------------------------------------------------- */

/* String at `off` of string table `sec`; NULL if it is not wholly inside. */
static const char *str_at(const struct elf_sec *sec, uint64_t off)
{
	if (sec->type != SHT_STRTAB || off >= sec->size ||
	    !memchr(sec->data + off, 0, sec->size - off))
		return NULL;
	return (const char *)sec->data + off;
}

static int read_section(struct elf_file *f, uint32_t i, const Elf64_Shdr *sh)
{
	struct elf_sec *sec = &f->secs[i];

	sec->name = "?";
	sec->type = sh->sh_type;
	sec->flags = sh->sh_flags;
	sec->link = sh->sh_link;
	sec->info = sh->sh_info;
	sec->size = sh->sh_size;
	if (i == 0) {
		sec->size = 0;
		return 0;
	}
	if (sh->sh_type == SHT_NOBITS)
		return sh->sh_size > UINT32_MAX ? bad(f, NULL, "a section is impossibly large") : 0;
	if (sh->sh_offset > f->size || sh->sh_size > f->size - sh->sh_offset)
		return bad(f, NULL, "a section lies outside the file (truncated?)");
	sec->data = (const uint8_t *)f->image + sh->sh_offset;
	if (sh->sh_flags & SHF_COMPRESSED)
		return bad(f, NULL, "compressed sections are not supported");
	return 0;
}

static int compare_data(const void *a, const void *b)
{
	const struct elf_sec *x = *(const struct elf_sec *const *)a;
	const struct elf_sec *y = *(const struct elf_sec *const *)b;

	return x->data < y->data ? -1 : x->data > y->data;
}

static int check_overlap(const struct elf_file *f)
{
	const struct elf_sec **order = mem_calloc(f->n_secs, sizeof(*order));
	size_t n = 0;
	int err = 0;

	UA_FAIL_IF(!order, -ENOMEM);
	for (uint32_t i = 1; i < f->n_secs; i++)
		if (f->secs[i].data && f->secs[i].size)
			order[n++] = &f->secs[i];
	qsort(order, n, sizeof(*order), compare_data);
	for (size_t i = 1; i < n && !err; i++)
		if (order[i]->data < order[i - 1]->data + order[i - 1]->size)
			err = bad(f, order[i]->name, "overlaps another section");
	mem_free(order);
	return err;
}

static int read_names(struct elf_file *f, Elf *elf)
{
	size_t shstrndx;

	if (elf_getshdrstrndx(elf, &shstrndx) || !shstrndx || shstrndx >= f->n_secs)
		return bad(f, NULL, "no section name table");
	for (uint32_t i = 1; i < f->n_secs; i++) {
		const Elf64_Shdr *sh = elf64_getshdr(elf_getscn(elf, i));

		f->secs[i].name = sh ? str_at(&f->secs[shstrndx], sh->sh_name) : NULL;
		if (!f->secs[i].name) {
			f->secs[i].name = "?";
			return bad(f, NULL, "a section name lies outside the name table");
		}
	}
	return 0;
}

static int read_sections(struct elf_file *f, Elf *elf)
{
	size_t n;

	if (elf_getshdrnum(elf, &n) || n < 2)
		return bad(f, NULL, "no section headers");
	/* libelf has checked that the headers fit into the file. */
	if (n > f->size / sizeof(Elf64_Shdr))
		return bad(f, NULL, "section headers lie outside the file");
	f->secs = mem_calloc(n, sizeof(*f->secs));
	UA_FAIL_IF(!f->secs, -ENOMEM);
	f->n_secs = n;
	for (uint32_t i = 0; i < n; i++) {
		const Elf64_Shdr *sh = elf64_getshdr(elf_getscn(elf, i));

		if (!sh)
			return bad(f, NULL, "unreadable section header");
		UA_TRY(read_section(f, i, sh));
	}
	UA_TRY(read_names(f, elf));
	return check_overlap(f);
}

/* -- Symbols -------------------------------------------------------------- */

static int read_symbol(struct elf_file *f, const struct elf_sec *tab, uint32_t i)
{
	struct elf_sym *sym = &f->syms[i];
	Elf64_Sym raw;

	memcpy(&raw, tab->data + i * sizeof(raw), sizeof(raw));
	sym->value = raw.st_value;
	sym->size = raw.st_size;
	sym->bind = ELF64_ST_BIND(raw.st_info);
	sym->type = ELF64_ST_TYPE(raw.st_info);
	sym->vis = ELF64_ST_VISIBILITY(raw.st_other);
	sym->sec = raw.st_shndx;
	if (raw.st_shndx >= SHN_LORESERVE)
		sym->sec = UINT32_MAX;
	sym->name = str_at(&f->secs[tab->link], raw.st_name);
	if (!sym->name)
		return bad(f, tab->name, "a symbol name lies outside the string table");
	if (sym->sec == UINT32_MAX || !sym->sec)
		return 0;
	if (sym->sec >= f->n_secs)
		return bad(f, tab->name, "a symbol refers to a section that does not exist");
	if (sym->type == STT_SECTION && !*sym->name)
		sym->name = f->secs[sym->sec].name;
	if (sym->value > f->secs[sym->sec].size || sym->size > f->secs[sym->sec].size - sym->value)
		return bad(f, f->secs[sym->sec].name, "a symbol lies outside its section");
	return 0;
}

static int compare_name(const void *a, const void *b, void *arg)
{
	const struct elf_file *f = arg;

	return strcmp(f->syms[*(const uint32_t *)a].name, f->syms[*(const uint32_t *)b].name);
}

static int read_symbols(struct elf_file *f)
{
	const struct elf_sec *tab = NULL;

	for (uint32_t i = 1; i < f->n_secs; i++)
		if (f->secs[i].type == SHT_SYMTAB) {
			if (tab)
				return bad(f, f->secs[i].name, "second symbol table");
			tab = &f->secs[i];
		}
	if (!tab)
		return bad(f, NULL, "no symbol table");
	if (tab->size % sizeof(Elf64_Sym) || tab->link >= f->n_secs)
		return bad(f, tab->name, "ill-formed symbol table");
	f->n_syms = tab->size / sizeof(Elf64_Sym);
	f->syms = mem_calloc(f->n_syms, sizeof(*f->syms));
	f->by_name = mem_calloc(f->n_syms, sizeof(*f->by_name));
	UA_FAIL_IF(!f->syms || !f->by_name, -ENOMEM);
	for (uint32_t i = 0; i < f->n_syms; i++) {
		UA_TRY(read_symbol(f, tab, i));
		f->by_name[i] = i;
	}
	qsort_r(f->by_name, f->n_syms, sizeof(*f->by_name), compare_name, f);
	return 0;
}

/* -- Outside -------------------------------------------------------------- */

static int check_relocations(const struct elf_file *f)
{
	for (uint32_t i = 1; i < f->n_secs; i++) {
		const struct elf_sec *sec = &f->secs[i];

		if (sec->type != SHT_REL && sec->type != SHT_RELA)
			continue;
		if (sec->info >= f->n_secs ||
		    f->secs[sec->link >= f->n_secs ? 0 : sec->link].type != SHT_SYMTAB)
			return bad(f, sec->name, "relocates a section that does not exist");
		if (sec->type == SHT_REL && sec->size % sizeof(Elf64_Rel))
			return bad(f, sec->name, "ill-formed relocation records");
	}
	return 0;
}

static int read_all(struct elf_file *f)
{
	Elf *elf;
	int err;

	UA_TRY(check_header(f));
	if (elf_version(EV_CURRENT) == EV_NONE)
		return bad(f, NULL, "libelf is too old");
	elf = elf_memory(f->image, f->size);
	if (!elf || elf_kind(elf) != ELF_K_ELF || !elf64_getehdr(elf)) {
		elf_end(elf);
		return bad(f, NULL, elf_errmsg(-1));
	}
	err = read_sections(f, elf);
	elf_end(elf);
	UA_TRY(err);
	UA_TRY(read_symbols(f));
	return check_relocations(f);
}

int elf_read(struct elf_file *f, const char *name, const void *buf, size_t size)
{
	int err;

	*f = (struct elf_file){.name = name, .size = size};
	f->image = mem_dup(buf, size);
	UA_FAIL_IF(!f->image, -ENOMEM);
	err = read_all(f);
	if (err)
		elf_release(f);
	return err;
}

void elf_release(struct elf_file *f)
{
	mem_free(f->by_name);
	mem_free(f->syms);
	mem_free(f->secs);
	mem_free(f->image);
	*f = (struct elf_file){0};
}

uint32_t elf_find_section(const struct elf_file *f, const char *name)
{
	for (uint32_t i = 1; i < f->n_secs; i++)
		if (!strcmp(f->secs[i].name, name))
			return i;
	return 0;
}

const struct elf_sym *elf_find_symbol(const struct elf_file *f, const char *name, uint32_t sec)
{
	uint32_t lo = 0, hi = f->n_syms;
	const struct elf_sym *found = NULL;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (strcmp(f->syms[f->by_name[mid]].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Names repeat rarely; the bound keeps a hostile table from making lookups quadratic. */
	for (uint32_t i = lo; i < f->n_syms && i < lo + 64; i++) {
		const struct elf_sym *sym = &f->syms[f->by_name[i]];

		if (strcmp(sym->name, name))
			break;
		if (!sym->sec || (sym->type != STT_OBJECT && sym->type != STT_FUNC))
			continue;
		if (sym->sec == sec)
			return sym;
		if (!found)
			found = sym;
	}
	return found;
}

size_t elf_rel_count(const struct elf_sec *sec)
{
	return sec->size / sizeof(Elf64_Rel);
}

struct elf_rel elf_rel_at(const struct elf_sec *sec, size_t i)
{
	Elf64_Rel raw;

	memcpy(&raw, sec->data + i * sizeof(raw), sizeof(raw));
	return (struct elf_rel){raw.r_offset, ELF64_R_TYPE(raw.r_info), ELF64_R_SYM(raw.r_info)};
}
