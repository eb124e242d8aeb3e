/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Symbol tables of the loaded files, mapped and never unmapped: a table of modules that only
 * grows, read without locks. A lookup scans the module's symbols once and remembers the answer
 * by address, because the same few instructions fault again and again.
 */
#include "os/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

#define MAX_MODULES 512
#define CACHE_SIZE 512 /* a power of two */

struct module {
	uintptr_t start, end; /* of its executable segments */
	uintptr_t bias;
	_Atomic bool gone; /* unloaded; the entry stays for readers under way */
	const ElfW(Sym) * syms;
	size_t n_syms;
	const char *strings;
	size_t strings_size;
	char name[64];
};

static struct module *modules[MAX_MODULES];
static _Atomic uint32_t n_modules;
static pthread_mutex_t refresh_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long long seen_adds, seen_subs;

/* Answers by hash of the address; each is checked against the address before it is used. */
static const ElfW(Sym) * _Atomic hits[CACHE_SIZE];
static _Atomic uintptr_t misses[CACHE_SIZE];

/* -- Reading a file's symbol table ---------------------------------------------- */

static bool in_file(uint64_t off, uint64_t size, uint64_t file_size)
{
	return off <= file_size && size <= file_size - off;
}

static const ElfW(Shdr) * find_section(const uint8_t *file, size_t size, uint32_t type)
{
	const ElfW(Ehdr) *eh = (const void *)file;
	const ElfW(Shdr) *sh = (const void *)(file + eh->e_shoff);

	if (eh->e_shentsize != sizeof(*sh) || eh->e_shoff % 8 ||
	    !in_file(eh->e_shoff, (uint64_t)eh->e_shnum * sizeof(*sh), size))
		return NULL;
	for (uint32_t i = 0; i < eh->e_shnum; i++)
		if (sh[i].sh_type == type && sh[i].sh_link < eh->e_shnum)
			return &sh[i];
	return NULL;
}

static void use_table(struct module *m, const uint8_t *file, size_t size)
{
	const ElfW(Ehdr) *eh = (const void *)file;
	const ElfW(Shdr) * sym, *str;

	sym = find_section(file, size, SHT_SYMTAB);
	if (!sym)
		sym = find_section(file, size, SHT_DYNSYM);
	if (!sym)
		return;
	str = (const ElfW(Shdr) *)(file + eh->e_shoff) + sym->sh_link;
	if (!in_file(sym->sh_offset, sym->sh_size, size) || sym->sh_offset % 8 ||
	    !in_file(str->sh_offset, str->sh_size, size) || !str->sh_size ||
	    file[str->sh_offset + str->sh_size - 1])
		return;
	m->syms = (const void *)(file + sym->sh_offset);
	m->n_syms = sym->sh_size / sizeof(*m->syms);
	m->strings = (const char *)file + str->sh_offset;
	m->strings_size = str->sh_size;
}

static void map_symbols(struct module *m, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *file = MAP_FAILED;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size >= (off_t)sizeof(ElfW(Ehdr)))
		file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (file == MAP_FAILED)
		return;
	if (!memcmp(file, ELFMAG, SELFMAG))
		use_table(m, file, (size_t)st.st_size);
	if (!m->syms)
		munmap(file, (size_t)st.st_size);
}

/* -- The table of modules ---------------------------------------------------------- */

static void text_range(const struct dl_phdr_info *info, struct module *m)
{
	m->start = UINTPTR_MAX;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		m->start = min_t(uintptr_t, m->start, info->dlpi_addr + ph->p_vaddr);
		m->end = max_t(uintptr_t, m->end, info->dlpi_addr + ph->p_vaddr + ph->p_memsz);
	}
}

static struct module *module_find(uintptr_t pc)
{
	uint32_t n = atomic_load_explicit(&n_modules, memory_order_acquire);

	for (uint32_t i = 0; i < n; i++)
		if (pc >= modules[i]->start && pc < modules[i]->end && !modules[i]->gone)
			return modules[i];
	return NULL;
}

static void set_name(struct module *m, const char *path)
{
	char exe[256];
	ssize_t n;

	if (!*path) {
		n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
		exe[n > 0 ? n : 0] = 0;
		path = exe;
	}
	if (strrchr(path, '/'))
		path = strrchr(path, '/') + 1;
	memcpy(m->name, path, strnlen(path, sizeof(m->name) - 1));
}

/* The same file at the same place as before: true if it is in the table. */
static bool revive(const struct module *m)
{
	for (uint32_t i = 0; i < n_modules; i++)
		if (modules[i]->start == m->start && modules[i]->end == m->end &&
		    !strcmp(modules[i]->name, m->name)) {
			modules[i]->gone = false;
			return true;
		}
	return false;
}

static int add_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *path = info->dlpi_name ? info->dlpi_name : "";
	struct module m = {.bias = info->dlpi_addr}, *kept;
	uint32_t n = atomic_load(&n_modules);

	seen_adds = info->dlpi_adds;
	seen_subs = info->dlpi_subs;
	text_range(info, &m);
	set_name(&m, path);
	if (m.start >= m.end || revive(&m) || n == MAX_MODULES)
		return 0;
	kept = mem_dup(&m, sizeof(m));
	if (!kept)
		return 0;
	map_symbols(kept, *path ? path : "/proc/self/exe");
	modules[n] = kept;
	atomic_store_explicit(&n_modules, n + 1, memory_order_release);
	return 0;
}

static int get_counts(struct dl_phdr_info *info, size_t size, void *arg)
{
	unsigned long long *counts = arg;

	counts[0] = info->dlpi_adds;
	counts[1] = info->dlpi_subs;
	return 1;
}

void symbols_refresh(void)
{
	unsigned long long counts[2] = {0};

	pthread_mutex_lock(&refresh_lock);
	dl_iterate_phdr(get_counts, counts);
	if (counts[1] != seen_subs)
		for (uint32_t i = 0; i < n_modules; i++)
			modules[i]->gone = true;
	if (counts[0] != seen_adds || counts[1] != seen_subs)
		dl_iterate_phdr(add_module, NULL);
	pthread_mutex_unlock(&refresh_lock);
}

/* -- Lookup: no locks, no allocation ------------------------------------------------ */

static bool contains(const struct module *m, const ElfW(Sym) * sym, uintptr_t pc)
{
	return pc - m->bias - sym->st_value < sym->st_size;
}

static const ElfW(Sym) * scan(const struct module *m, uintptr_t pc)
{
	for (size_t i = 0; i < m->n_syms; i++) {
		const ElfW(Sym) *sym = &m->syms[i];
		unsigned int type = ELF64_ST_TYPE(sym->st_info);

		if ((type == STT_FUNC || type == STT_GNU_IFUNC) && sym->st_shndx != SHN_UNDEF &&
		    contains(m, sym, pc) && sym->st_name < m->strings_size)
			return sym;
	}
	return NULL;
}

static const ElfW(Sym) * lookup(const struct module *m, uintptr_t pc)
{
	size_t slot = (pc * 0x9e3779b97f4a7c15u) >> 55;
	const ElfW(Sym) *sym = atomic_load(&hits[slot]);

	_Static_assert(CACHE_SIZE == 1 << (64 - 55), "slots are the hash's top bits");
	if (sym >= m->syms && sym < m->syms + m->n_syms && contains(m, sym, pc))
		return sym;
	if (atomic_load(&misses[slot]) == pc)
		return NULL;
	sym = scan(m, pc);
	if (sym)
		atomic_store(&hits[slot], sym);
	else
		atomic_store(&misses[slot], pc);
	return sym;
}

bool symbols_find(uintptr_t pc, struct symbol *out)
{
	const struct module *m = module_find(pc);
	const ElfW(Sym) *sym = m ? lookup(m, pc) : NULL;

	if (sym)
		*out = (struct symbol){m->strings + sym->st_name, m->bias + sym->st_value,
				       sym->st_size, true};
	else if (m)
		*out = (struct symbol){m->name, m->bias, m->end - m->bias, false};
	return m != NULL;
}
