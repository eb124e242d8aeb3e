/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that are damaged in one place each are refused with a message that names the place.
 * The damage is made to a good object, so that each case reaches the check it is about.
 */
#include <elf.h>
#include "abi/insn.h"
#include "test.h"

static struct {
	uint8_t *data;
	size_t size;
} good, file;

static char message[2048];

static int capture(enum log_level level, const char *fmt, va_list args)
{
	size_t n = strlen(message);

	vsnprintf(message + n, sizeof(message) - n, fmt, args);
	return 0;
}

static Elf64_Ehdr *header(void)
{
	return (void *)file.data;
}

static Elf64_Shdr *section(const char *name)
{
	Elf64_Shdr *sh = (void *)(file.data + header()->e_shoff);
	const char *names = (char *)file.data + sh[header()->e_shstrndx].sh_offset;

	for (int i = 0; i < header()->e_shnum; i++)
		if (!strcmp(names + sh[i].sh_name, name))
			return &sh[i];
	fprintf(stderr, "no section %s\n", name);
	exit(1);
}

static void *contents(const char *name)
{
	return file.data + section(name)->sh_offset;
}

static Elf64_Sym *symbol(const char *name)
{
	Elf64_Shdr *tab = section(".symtab");
	Elf64_Shdr *all = (void *)(file.data + header()->e_shoff);
	const char *names = (char *)file.data + all[tab->sh_link].sh_offset;
	Elf64_Sym *syms = (void *)(file.data + tab->sh_offset);

	for (size_t i = 0; i < tab->sh_size / sizeof(*syms); i++)
		if (!strcmp(names + syms[i].st_name, name))
			return &syms[i];
	fprintf(stderr, "no symbol %s\n", name);
	exit(1);
}

static Elf64_Rel *first_reloc(const char *sec)
{
	return contents(sec);
}

static void cut_to(size_t n)
{
	file.size = n;
}
static void empty(void)
{
	cut_to(0);
}
static void no_magic(void)
{
	file.data[1] = 'e';
}
static void only_header(void)
{
	cut_to(64);
}
static void half(void)
{
	cut_to(file.size / 2);
}
static void elf32(void)
{
	file.data[EI_CLASS] = ELFCLASS32;
}
static void big_endian(void)
{
	file.data[EI_DATA] = ELFDATA2MSB;
}
static void machine(void)
{
	header()->e_machine = EM_X86_64;
}
static void executable(void)
{
	header()->e_type = ET_EXEC;
}
static void shoff(void)
{
	header()->e_shoff = 1ull << 50;
}
static void shstrndx(void)
{
	header()->e_shstrndx = 999;
}
static void sec_outside(void)
{
	section("syscall")->sh_offset = file.size;
}
static void sec_size(void)
{
	section("syscall")->sh_size = UINT64_MAX;
}
static void overlap(void)
{
	section("license")->sh_offset = section("syscall")->sh_offset;
}
static void bss_huge(void)
{
	section(".bss")->sh_size = 1ull << 40;
}
static void code_ragged(void)
{
	section("syscall")->sh_size -= 3;
}
static void sym_section(void)
{
	symbol("data")->st_shndx = 500;
}
static void sym_outside(void)
{
	symbol("data")->st_size = 1u << 30;
}
static void sym_ragged(void)
{
	symbol("data")->st_size -= 4;
}
static void sym_overlap(void)
{
	symbol("callee")->st_size += 8;
}
static void sym_name(void)
{
	symbol("data")->st_name = 0x7fffffff;
}
static void btf_magic(void)
{
	*(uint16_t *)contents(".BTF") = 1;
}
static void btf_types(void)
{
	((uint32_t *)contents(".BTF"))[3] += 4;
}
static void ext_magic(void)
{
	*(uint16_t *)contents(".BTF.ext") = 1;
}
static void ext_length(void)
{
	((uint32_t *)contents(".BTF.ext"))[3] = 1u << 30;
}
static void rel_symbol(void)
{
	first_reloc(".relsyscall")->r_info = ELF64_R_INFO(99999, 1);
}
static void rel_offset(void)
{
	first_reloc(".relsyscall")->r_offset = 1u << 30;
}
static void rel_odd(void)
{
	first_reloc(".relsyscall")->r_offset += 1;
}
static void rel_insn(void)
{
	first_reloc(".relsyscall")->r_offset += 2 * sizeof(struct bpf_insn);
}
static void rel_twice(void)
{
	first_reloc(".relsyscall")[1] = first_reloc(".relsyscall")[0];
}
static void rel_section(void)
{
	section(".relsyscall")->sh_info = 12345;
}
static void rel_maps(void)
{
	first_reloc(".rel.maps")->r_offset = 0;
}
static void map_cut(void)
{
	symbol("pairs")->st_value = 4;
}
static void arena_huge(void)
{
	section(".addr_space.1")->sh_size = 1u << 20;
}

static const struct {
	const char *what;
	void (*damage)(void);
	int err;
	const char *says;
} cases[] = {
	{"empty file", empty, -EINVAL, "not an ELF file"},
	{"wrong magic", no_magic, -EINVAL, "not an ELF file"},
	{"header only", only_header, -EINVAL, NULL},
	{"half a file", half, -EINVAL, NULL},
	{"32 bits", elf32, -EINVAL, "64-bit"},
	{"big-endian", big_endian, -EINVAL, "big-endian"},
	{"another machine", machine, -EINVAL, "wrong machine"},
	{"executable", executable, -EINVAL, "relocatable"},
	{"section headers outside", shoff, -EINVAL, NULL},
	{"names outside", shstrndx, -EINVAL, "name table"},
	{"section outside", sec_outside, -EINVAL, "outside the file"},
	{"section size overflows", sec_size, -EINVAL, "outside the file"},
	{"sections overlap", overlap, -EINVAL, "overlaps"},
	{"huge .bss", bss_huge, -EINVAL, "impossibly large"},
	{"half an instruction", code_ragged, -EINVAL, "section"},
	{"symbol in no section", sym_section, -EINVAL, "section that does not exist"},
	{"symbol outside", sym_outside, -EINVAL, "section syscall"},
	{"function of half an instruction", sym_ragged, -EINVAL, "function data"},
	{"functions overlap", sym_overlap, -EINVAL, "overlap"},
	{"symbol name outside", sym_name, -EINVAL, "symbol name"},
	{"no BTF magic", btf_magic, -EINVAL, "section .BTF"},
	{"BTF types too long", btf_types, -EINVAL, "section .BTF"},
	{"no .BTF.ext magic", ext_magic, -EINVAL, "section .BTF.ext"},
	{"BTF.ext records too long", ext_length, -EINVAL, "section .BTF.ext"},
	{"relocation by no symbol", rel_symbol, -EINVAL, "section syscall"},
	{"relocation outside", rel_offset, -EINVAL, "not at an instruction"},
	{"relocation between instructions", rel_odd, -EINVAL, "not at an instruction"},
	{"relocation of the wrong instruction", rel_insn, -EINVAL, "section syscall"},
	{"two relocations of one instruction", rel_twice, -EINVAL, "relocated twice"},
	{"relocations of no section", rel_section, -EINVAL, "section .relsyscall"},
	{"initial element outside", rel_maps, -EINVAL, "section .maps"},
	{"map without definition", map_cut, -EINVAL, "section .maps"},
	{"arena variables too large", arena_huge, -EINVAL, NULL},
};

static void try(struct ua_engine *engine, size_t i)
{
	struct ua_object *obj = NULL;
	int err;

	memcpy(file.data, good.data, good.size);
	file.size = good.size;
	*message = 0;
	cases[i].damage();
	err = ua_object__open_mem(engine, file.data, file.size, NULL, &obj);
	CHECK(err == cases[i].err, "%s: %d", cases[i].what, err);
	CHECK(*message && (!cases[i].says || strstr(message, cases[i].says)), "%s: \"%s\"",
	      cases[i].what, message);
	if (!err)
		ua_object__close(obj);
}

static void read_good(const char *path)
{
	FILE *f = fopen(path, "rb");

	good.data = malloc(1 << 20);
	file.data = malloc(1 << 20);
	if (!f || !good.data || !file.data)
		exit(1);
	good.size = fread(good.data, 1, 1 << 20, f);
	fclose(f);
}

int main(int argc, char **argv)
{
	struct ua_engine *engine;
	struct ua_object *obj;

	if (argc < 2 || ua_engine__open(NULL, &engine))
		return 1;
	read_good(argv[1]);
	CHECK(!ua_object__open_mem(engine, good.data, good.size, NULL, &obj), "the good object");
	ua_object__close(obj);
	log_set(capture);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		try(engine, i);
	ua_engine__close(engine);
	free(good.data);
	free(file.data);
	return failures != 0;
}
