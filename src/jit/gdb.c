/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The JIT interface of gdb: a list of object files in memory, and a function gdb sets a
 * breakpoint on to learn of changes. The names and layouts are gdb's.
 *
 * The object of an image is an ELF file without contents: one section that stands where the
 * code is, and a symbol per function. No line tables: `uarena dump jited` shows lines. Cost:
 * some hundred bytes per program, nothing at run time.
 */
#include "jit/tools.h"

#include <elf.h>
#include <pthread.h>

struct jit_code_entry {
	struct jit_code_entry *next_entry, *prev_entry;
	const char *symfile_addr;
	uint64_t symfile_size;
};

struct jit_descriptor {
	uint32_t version, action_flag;
	struct jit_code_entry *relevant_entry, *first_entry;
};
enum { JIT_NOACTION, JIT_REGISTER_FN, JIT_UNREGISTER_FN };

/* gdb finds both by name in any object file that has them. */
__attribute__((used, noinline)) void __jit_debug_register_code(void);
void __jit_debug_register_code(void)
{
	__asm__ volatile("" ::: "memory");
}
extern struct jit_descriptor __jit_debug_descriptor;
__attribute__((used)) struct jit_descriptor __jit_debug_descriptor = {.version = 1};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum { SEC_NULL, SEC_TEXT, SEC_SYMTAB, SEC_STRTAB, SEC_COUNT };
static const char section_names[] = "\0.text\0.symtab\0.strtab";

struct gdb_entry {
	struct jit_code_entry link;
	Elf64_Ehdr ehdr;
	Elf64_Shdr shdr[SEC_COUNT];
	/* symbols, then strings, follow */
};

static size_t symbols_size(const struct code *code)
{
	return (code->n_funcs + 1) * sizeof(Elf64_Sym);
}

static size_t name_of(const struct code *code, uint32_t func, char *buf, size_t size)
{
	return (size_t)snprintf(buf, size, "bpf_prog_%s_%s", code->tag, code->funcs[func].name) + 1;
}

static size_t strings_size(const struct code *code)
{
	size_t size = sizeof(section_names);

	for (uint32_t f = 0; f < code->n_funcs; f++)
		size += name_of(code, f, NULL, 0);
	return size;
}

static void fill_sections(struct gdb_entry *e, const struct code *code, const struct jit_image *img,
			  size_t strings)
{
	size_t base = offsetof(struct gdb_entry, ehdr);

	e->ehdr = (Elf64_Ehdr){.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					   ELFDATA2LSB, EV_CURRENT},
			       .e_type = ET_REL,
			       .e_machine = EM_X86_64,
			       .e_version = EV_CURRENT,
			       .e_shoff = offsetof(struct gdb_entry, shdr) - base,
			       .e_ehsize = sizeof(Elf64_Ehdr),
			       .e_shentsize = sizeof(Elf64_Shdr),
			       .e_shnum = SEC_COUNT,
			       .e_shstrndx = SEC_STRTAB};
	e->shdr[SEC_TEXT] = (Elf64_Shdr){.sh_name = 1,
					 .sh_type = SHT_NOBITS,
					 .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
					 .sh_addr = (uintptr_t)img->text,
					 .sh_size = img->code_end,
					 .sh_addralign = 16};
	e->shdr[SEC_SYMTAB] = (Elf64_Shdr){.sh_name = 7,
					   .sh_type = SHT_SYMTAB,
					   .sh_offset = sizeof(*e) - base,
					   .sh_size = symbols_size(code),
					   .sh_link = SEC_STRTAB,
					   .sh_info = 1,
					   .sh_addralign = 8,
					   .sh_entsize = sizeof(Elf64_Sym)};
	e->shdr[SEC_STRTAB] = (Elf64_Shdr){.sh_name = 15,
					   .sh_type = SHT_STRTAB,
					   .sh_offset = sizeof(*e) - base + symbols_size(code),
					   .sh_size = strings,
					   .sh_addralign = 1};
}

static void fill_symbols(struct gdb_entry *e, const struct code *code, const struct jit_image *img,
			 size_t strings)
{
	Elf64_Sym *sym = (Elf64_Sym *)(e + 1);
	char *names = (char *)sym + symbols_size(code);
	size_t at = sizeof(section_names);

	memcpy(names, section_names, sizeof(section_names));
	for (uint32_t f = 0; f < code->n_funcs; f++) {
		sym[f + 1] = (Elf64_Sym){.st_name = (Elf64_Word)at,
					 .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
					 .st_shndx = SEC_TEXT,
					 .st_value = img->funcs[f].start,
					 .st_size = img->funcs[f].end - img->funcs[f].start};
		at += name_of(code, f, names + at, strings - at);
	}
}

static void tell(struct jit_code_entry *entry, uint32_t action)
{
	__jit_debug_descriptor.relevant_entry = entry;
	__jit_debug_descriptor.action_flag = action;
	__jit_debug_register_code();
	__jit_debug_descriptor.action_flag = JIT_NOACTION;
}

struct gdb_entry *gdb_register(const struct code *code, const struct jit_image *img)
{
	size_t strings = strings_size(code);
	struct gdb_entry *e = mem_zalloc(sizeof(*e) + symbols_size(code) + strings);

	if (!e)
		return NULL;
	fill_sections(e, code, img, strings);
	fill_symbols(e, code, img, strings);
	e->link.symfile_addr = (const char *)&e->ehdr;
	e->link.symfile_size =
		sizeof(*e) - offsetof(struct gdb_entry, ehdr) + symbols_size(code) + strings;
	pthread_mutex_lock(&lock);
	e->link.next_entry = __jit_debug_descriptor.first_entry;
	if (e->link.next_entry)
		e->link.next_entry->prev_entry = &e->link;
	__jit_debug_descriptor.first_entry = &e->link;
	tell(&e->link, JIT_REGISTER_FN);
	pthread_mutex_unlock(&lock);
	return e;
}

void gdb_unregister(struct gdb_entry *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&lock);
	if (e->link.next_entry)
		e->link.next_entry->prev_entry = e->link.prev_entry;
	if (e->link.prev_entry)
		e->link.prev_entry->next_entry = e->link.next_entry;
	else
		__jit_debug_descriptor.first_entry = e->link.next_entry;
	tell(&e->link, JIT_UNREGISTER_FN);
	pthread_mutex_unlock(&lock);
	mem_free(e);
}
