/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Relocation records: what each refers to, checked against the instruction it changes.
 *
 * Code sections become sorted arrays of struct reloc. Records of .maps fill the initial
 * elements of arrays of programs and maps; those of .struct_ops sections are read when the
 * variables are (struct_ops.c). Records of other data sections describe debug information or
 * pointers that libbpf does not resolve either.
 */
#include "object/object.h"

#define INSN_SIZE sizeof(struct bpf_insn)

static int bad(const struct ua_object *obj, uint32_t sec, uint64_t off, const char *what,
	       const char *name)
{
	return object_fail(obj, -EINVAL, "section %s: relocation at byte %llu: %s%s%s",
			   object_sec_name(obj, sec), (unsigned long long)off, what,
			   *name ? ": " : "", name);
}

/* -- Targets -------------------------------------------------------------- */

static int ext_index(const struct ua_object *obj, uint32_t sym)
{
	for (size_t i = 0; i < obj->n_exts; i++)
		if (obj->exts[i].sym == sym)
			return i;
	return -1;
}

static int to_extern(const struct ua_object *obj, uint32_t sec, const struct elf_rel *rel,
		     bool is_call, struct reloc *out)
{
	const char *name = obj->elf.syms[rel->sym].name;
	int i = ext_index(obj, rel->sym);

	if (i < 0)
		return bad(obj, sec, rel->off, "undefined symbol", name);
	if (is_call && (obj->exts[i].kind != EXT_KSYM || !obj->exts[i].is_func))
		return bad(obj, sec, rel->off, "call of something that is no kfunc", name);
	out->kind = is_call ? RELOC_CALL_EXT : RELOC_EXTERN;
	out->target = i;
	return 0;
}

/* Function at `byte` of section `to`. */
static int to_function(const struct ua_object *obj, uint32_t sec, const struct elf_rel *rel,
		       uint32_t to, int64_t byte, struct reloc *out)
{
	const struct func *f;

	if (byte < 0 || byte % INSN_SIZE || byte / INSN_SIZE > UINT32_MAX)
		return bad(obj, sec, rel->off, "target is no instruction",
			   object_sec_name(obj, to));
	f = object_func_at(obj, to, byte / INSN_SIZE);
	if (!f || f->start != byte / INSN_SIZE)
		return bad(obj, sec, rel->off, "target is not the start of a function",
			   object_sec_name(obj, to));
	out->target = f - obj->funcs;
	return 0;
}

static int call_target(const struct ua_object *obj, uint32_t sec, const struct elf_rel *rel,
		       const struct elf_sym *sym, const struct bpf_insn *insn, struct reloc *out)
{
	if (!sym->sec)
		return to_extern(obj, sec, rel, true, out);
	if (insn->src_reg != BPF_PSEUDO_CALL)
		return bad(obj, sec, rel->off, "not a call of a function of this object",
			   sym->name);
	out->kind = RELOC_CALL;
	return to_function(obj, sec, rel, sym->sec,
			   (int64_t)sym->value + ((int64_t)insn->imm + 1) * (int64_t)INSN_SIZE,
			   out);
}

static int data_target(const struct ua_object *obj, uint32_t sec, const struct elf_rel *rel,
		       const struct elf_sym *sym, int64_t addend, struct reloc *out)
{
	const struct ua_map *map;

	out->addend = (int64_t)sym->value + addend;
	if (obj->arena_sec && sym->sec == obj->arena_sec) {
		out->kind = RELOC_DATA;
		out->target = UINT32_MAX; /* the arena */
		if (out->addend < 0 || (uint64_t)out->addend > obj->arena_init_len)
			return bad(obj, sec, rel->off, "address outside the section", sym->name);
		return 0;
	}
	map = object_map_at(obj, sym->sec, out->addend, &out->target);
	if (!map)
		return bad(obj, sec, rel->off, "reference to a section that is no data", sym->name);
	if (map->role == MAP_USER) {
		out->kind = RELOC_MAP;
		return 0;
	}
	out->kind = RELOC_DATA;
	if (out->addend < INT32_MIN || out->addend > INT32_MAX)
		return bad(obj, sec, rel->off, "address outside the section", sym->name);
	return 0;
}

static int ldimm64_target(struct ua_object *obj, uint32_t sec, const struct elf_rel *rel,
			  const struct elf_sym *sym, const struct bpf_insn *insn, struct reloc *out)
{
	if (!sym->sec)
		return to_extern(obj, sec, rel, false, out);
	if (sym->sec >= obj->elf.n_secs)
		return bad(obj, sec, rel->off, "symbol without a section", sym->name);
	if (object_code_sec(obj, sym->sec)) {
		out->kind = RELOC_FUNC_ADDR;
		return to_function(obj, sec, rel, sym->sec, (int64_t)sym->value + insn->imm, out);
	}
	return data_target(obj, sec, rel, sym, insn->imm, out);
}

/* -- Code sections -------------------------------------------------------- */

static int read_code_reloc(struct ua_object *obj, struct code_sec *code, const struct elf_rel *rel)
{
	const struct elf_sec *sec = &obj->elf.secs[code->sec];
	struct reloc out = {0};
	struct bpf_insn insn[2] = {0};
	const struct elf_sym *sym;

	if (rel->sym >= obj->elf.n_syms)
		return bad(obj, code->sec, rel->off, "no such symbol", "");
	sym = &obj->elf.syms[rel->sym];
	if (rel->off % INSN_SIZE || rel->off >= sec->size)
		return bad(obj, code->sec, rel->off, "not at an instruction", sym->name);
	out.insn = rel->off / INSN_SIZE;
	memcpy(insn, sec->data + rel->off, min_t(size_t, sizeof(insn), sec->size - rel->off));
	if (insn->code == (BPF_JMP | BPF_CALL))
		UA_TRY(call_target(obj, code->sec, rel, sym, insn, &out));
	else if (insn_is_ldimm64(insn) && sec->size - rel->off >= sizeof(insn))
		UA_TRY(ldimm64_target(obj, code->sec, rel, sym, insn, &out));
	else
		return bad(obj, code->sec, rel->off, "of an instruction that takes none",
			   sym->name);
	UA_TRY(UA_GROW(&code->relocs, &code->cap_relocs, code->n_relocs + 1));
	code->relocs[code->n_relocs++] = out;
	return 0;
}

static int compare_reloc(const void *a, const void *b)
{
	const struct reloc *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

static int read_code_section(struct ua_object *obj, const struct elf_sec *rels)
{
	struct code_sec *code = object_code_sec(obj, rels->info);
	size_t n = elf_rel_count(rels);

	if (rels->type != SHT_REL)
		return object_fail(obj, -EINVAL,
				   "section %s: records with addends are not used by BPF",
				   rels->name);
	for (size_t i = 0; i < n; i++) {
		struct elf_rel rel = elf_rel_at(rels, i);

		UA_TRY(read_code_reloc(obj, code, &rel));
	}
	if (code->n_relocs)
		qsort(code->relocs, code->n_relocs, sizeof(*code->relocs), compare_reloc);
	for (size_t i = 1; i < code->n_relocs; i++)
		if (code->relocs[i].insn == code->relocs[i - 1].insn)
			return object_fail(obj, -EINVAL,
					   "section %s: instruction %u is relocated twice",
					   object_sec_name(obj, code->sec), code->relocs[i].insn);
	return 0;
}

/* -- Initial elements of maps --------------------------------------------- */

static struct ua_map *definition_around(const struct ua_object *obj, uint32_t sec, uint64_t off)
{
	struct ua_map *best = NULL;

	for (size_t i = 0; i < obj->n_maps; i++) {
		struct ua_map *map = obj->maps[i];

		if (map->role == MAP_USER && map->sec == sec && map->sec_off <= off &&
		    (!best || map->sec_off > best->sec_off))
			best = map;
	}
	return best;
}

static int slot_target(const struct ua_object *obj, const struct ua_map *map, uint32_t sec,
		       const struct elf_rel *rel, uint32_t *target)
{
	const struct elf_sym *sym = &obj->elf.syms[rel->sym];
	struct reloc tmp;
	int64_t addend = 0;

	memcpy(&addend, obj->elf.secs[sec].data + rel->off, sizeof(addend));
	if (map->slots_are_progs) {
		UA_TRY(to_function(obj, sec, rel, sym->sec, (int64_t)(sym->value + addend), &tmp));
		*target = tmp.target;
		return 0;
	}
	if (sym->sec != sec || !object_map_at(obj, sec, sym->value + addend, target))
		return bad(obj, sec, rel->off, "element is no map", sym->name);
	return 0;
}

static int read_map_reloc(struct ua_object *obj, uint32_t sec, const struct elf_rel *rel)
{
	struct ua_map *map;
	uint64_t at;
	uint32_t target;

	if (rel->sym >= obj->elf.n_syms || rel->off % 8 || rel->off >= obj->elf.secs[sec].size ||
	    obj->elf.secs[sec].size - rel->off < 8)
		return bad(obj, sec, rel->off, "ill-formed", "");
	map = definition_around(obj, sec, rel->off);
	if (!map || !map->has_values || rel->off - map->sec_off < map->values_off)
		return bad(obj, sec, rel->off, "not an initial element of a map",
			   map ? map->name : "");
	at = rel->off - map->sec_off - map->values_off;
	UA_TRY(slot_target(obj, map, sec, rel, &target));
	UA_TRY(UA_GROW(&map->slots, &map->cap_slots, map->n_slots + 1));
	map->slots[map->n_slots++] = (struct map_slot){at / 8, target};
	if (!map->def.max_entries || map->def.max_entries <= at / 8)
		map->def.max_entries = at / 8 + 1;
	return 0;
}

static int read_map_section(struct ua_object *obj, const struct elf_sec *rels)
{
	size_t n = elf_rel_count(rels);

	if (rels->type != SHT_REL || !obj->elf.secs[rels->info].data)
		return object_fail(obj, -EINVAL, "section %s: ill-formed", rels->name);
	for (size_t i = 0; i < n; i++) {
		struct elf_rel rel = elf_rel_at(rels, i);

		UA_TRY(read_map_reloc(obj, rels->info, &rel));
	}
	return 0;
}

int open_relocs(struct ua_object *obj)
{
	for (uint32_t i = 1; i < obj->elf.n_secs; i++) {
		const struct elf_sec *sec = &obj->elf.secs[i];

		if (sec->type != SHT_REL && sec->type != SHT_RELA)
			continue;
		if (object_code_sec(obj, sec->info))
			UA_TRY(read_code_section(obj, sec));
		else if (!strcmp(object_sec_name(obj, sec->info), ".maps"))
			UA_TRY(read_map_section(obj, sec));
	}
	return 0;
}
