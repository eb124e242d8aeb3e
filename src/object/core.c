/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Applying a CO-RE record: candidates by name, the value, the instruction.
 *
 * What does not exist in the kernel is no error here: the instruction becomes a call of helper
 * 0xbad2310, which the verifier refuses if it can be reached. Programs guard such places with
 * "exists" records, which become constants.
 */
#include "object/core.h"

#define POISON 195896080 /* 0xbad2310 */

/* Kernel types with the name of local type `local_id`. */
struct candidates {
	uint32_t local_id;
	uint32_t *ids;
	size_t n, cap;
};

struct core_cache {
	struct candidates *v;
	size_t n, cap;
};

/* A value with what is needed to change the size of a memory access. */
struct value {
	uint64_t val;
	bool poison, no_check;
	uint32_t size, type_id; /* of a field whose offset it is; 0 unknown */
};

static const char *const kind_names[] = {
	"byte_off",	  "byte_sz",	   "field_exists",   "signed",	    "lshift_u64",
	"rshift_u64",	  "local_type_id", "target_type_id", "type_exists", "type_size",
	"enumval_exists", "enumval_value", "type_matches",
};

static int bad(const struct ua_object *obj, const struct func *func, const struct core_reloc *rel,
	       int err, const char *what)
{
	return object_fail(
		obj, err, "section %s: function %s: instruction %u: CO-RE %s of %s (%s): %s",
		object_sec_name(obj, func->sec), func->name, rel->insn - func->start,
		rel->kind < CORE_KIND_MAX ? kind_names[rel->kind] : "?",
		btf_type_name(obj->btf, rel->type_id), btf_name(obj->btf, rel->access_off), what);
}

/* -- Candidates ----------------------------------------------------------- */

static int collect(const struct btf *local, const struct btf *kernel, struct candidates *c)
{
	const struct btf_type *lt = btf__type_by_id(local, c->local_id);
	const char *name = btf_name(local, lt->name_off);
	uint32_t n = btf__type_cnt(kernel);

	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(kernel, id);

		if (btf_kind(t) != btf_kind(lt) && !(btf_is_any_enum(t) && btf_is_any_enum(lt)))
			continue;
		if (!core_same_name(name, btf_name(kernel, t->name_off)))
			continue;
		UA_TRY(UA_GROW(&c->ids, &c->cap, c->n + 1));
		c->ids[c->n++] = id;
	}
	return 0;
}

static int candidates_of(struct ua_object *obj, const struct btf *kernel, uint32_t local_id,
			 struct candidates **out)
{
	struct core_cache *cache = obj->core_cache;
	struct candidates c = {.local_id = local_id};
	int err;

	if (!cache)
		cache = obj->core_cache = mem_zalloc(sizeof(*cache));
	UA_FAIL_IF(!cache, -ENOMEM);
	for (size_t i = 0; i < cache->n; i++)
		if (cache->v[i].local_id == local_id) {
			*out = &cache->v[i];
			return 0;
		}
	err = collect(obj->btf, kernel, &c);
	if (!err)
		err = UA_GROW(&cache->v, &cache->cap, cache->n + 1);
	if (err) {
		mem_free(c.ids);
		return err;
	}
	cache->v[cache->n] = c;
	*out = &cache->v[cache->n++];
	return 0;
}

void core_cache_free(struct ua_object *obj)
{
	struct core_cache *cache = obj->core_cache;

	for (size_t i = 0; cache && i < cache->n; i++)
		mem_free(cache->v[i].ids);
	if (cache)
		mem_free(cache->v);
	mem_free(cache);
	obj->core_cache = NULL;
}

/* -- Values --------------------------------------------------------------- */

/* The load that covers a bitfield: an aligned power of two of bytes. */
static int bitfield_bytes(uint64_t bit_off, uint32_t bits, uint64_t *byte_off, uint32_t *bytes)
{
	if (!*bytes)
		return -EINVAL;
	*byte_off = bit_off / 8 / *bytes * *bytes;
	while (bit_off + bits - *byte_off * 8 > *bytes * 8ull) {
		if (*bytes >= 8)
			return -E2BIG;
		*bytes *= 2;
		*byte_off = bit_off / 8 / *bytes * *bytes;
	}
	return 0;
}

static bool is_signed(const struct btf_type *t)
{
	if (btf_is_any_enum(t))
		return btf_kflag(t);
	return btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_SIGNED);
}

static int element_value(const struct core_spec *s, uint32_t kind, struct value *out)
{
	uint32_t id = s->steps[s->n - 1].type_id;
	int64_t size = btf_size(s->btf, id);

	UA_FAIL_IF(size < 0 || size > UINT32_MAX, -EINVAL);
	out->size = size;
	out->type_id = id;
	switch (kind) {
	case CORE_FIELD_BYTE_OFFSET:
		out->val = s->bit_off / 8;
		return 0;
	case CORE_FIELD_BYTE_SIZE:
		out->val = size;
		return 0;
	default:
		return -EINVAL;
	}
}

static int member_value(const struct core_spec *s, uint32_t kind, struct value *out)
{
	const struct core_step *last = &s->steps[s->n - 1];
	const struct btf_type *t = btf__type_by_id(s->btf, last->type_id), *mt;
	uint32_t id = btf_members(t)[last->idx].type;
	uint32_t bits = btf_member_bitfield_size(t, last->idx), bytes;
	int64_t size = btf_size(s->btf, id);
	uint64_t byte_off = s->bit_off / 8;

	UA_FAIL_IF(size < 0 || size > UINT32_MAX / 8, -EINVAL);
	bytes = size;
	mt = btf_resolve(s->btf, &id);
	out->no_check = bits != 0;
	if (bits)
		UA_TRY(bitfield_bytes(s->bit_off, bits, &byte_off, &bytes));
	else
		bits = bytes * 8;
	switch (kind) {
	case CORE_FIELD_BYTE_OFFSET:
		out->val = byte_off;
		if (!out->no_check) {
			out->size = bytes;
			out->type_id = id;
		}
		return 0;
	case CORE_FIELD_BYTE_SIZE:
		out->val = bytes;
		return 0;
	case CORE_FIELD_SIGNED:
		out->val = is_signed(mt);
		return 0;
	case CORE_FIELD_LSHIFT_U64:
		out->val = 64 - (s->bit_off + bits - byte_off * 8);
		return 0;
	default:
		out->val = 64 - (uint64_t)bits;
		return 0;
	}
}

static uint64_t enumerator_value(const struct core_spec *s)
{
	const struct btf_type *t = btf__type_by_id(s->btf, s->steps[0].type_id);
	uint32_t i = s->steps[0].idx;

	if (btf_is_enum64(t))
		return btf_enum64_value(&btf_enum64(t)[i]);
	return btf_kflag(t) ? (uint64_t)(int64_t)btf_enum(t)[i].val : (uint32_t)btf_enum(t)[i].val;
}

/* s NULL: there is no such thing. */
static int value_of(const struct core_spec *s, uint32_t kind, struct value *out)
{
	int64_t size;

	*out = (struct value){0};
	switch (kind) {
	case CORE_FIELD_EXISTS:
	case CORE_TYPE_EXISTS:
	case CORE_TYPE_MATCHES:
	case CORE_ENUMVAL_EXISTS:
		out->val = s != NULL;
		return 0;
	case CORE_TYPE_ID_LOCAL:
	case CORE_TYPE_ID_TARGET:
		out->val = s ? s->root : 0;
		out->no_check = true;
		return 0;
	case CORE_TYPE_SIZE:
		size = s ? btf_size(s->btf, s->root) : 0;
		UA_FAIL_IF(size < 0, -EINVAL);
		out->val = size;
		return 0;
	default:
		break;
	}
	if (!s) {
		out->poison = true;
		return 0;
	}
	if (kind == CORE_ENUMVAL_VALUE) {
		out->val = enumerator_value(s);
		return 0;
	}
	return s->steps[s->n - 1].name ? member_value(s, kind, out) : element_value(s, kind, out);
}

/* -- Instruction ---------------------------------------------------------- */

/* The number that is called tells which record it was. */
static int poison(struct ua_object *obj, const struct func *func, const struct core_reloc *rel,
		  struct bpf_insn *insn)
{
	int n = insn_is_ldimm64(insn) ? 2 : 1;

	UA_TRY(UA_GROW(&obj->poisons, &obj->cap_poisons, obj->n_poisons + 1));
	for (int i = 0; i < n; i++)
		insn[i] = (struct bpf_insn){.code = BPF_JMP | BPF_CALL,
					    .imm = POISON + (int32_t)obj->n_poisons};
	obj->poisons[obj->n_poisons++] = (struct core_poison){func, rel};
	return 0;
}

/* The members of a record's path as C writes them. */
static void path_text(const struct core_spec *spec, char *buf, size_t size)
{
	size_t n = 0;

	for (uint32_t i = 1; i < spec->n && n < size; i++) {
		const struct core_step *step = &spec->steps[i];

		n += step->name ? snprintf(buf + n, size - n, ".%s", step->name)
				: snprintf(buf + n, size - n, "[%u]", step->idx);
	}
}

bool core_explain_call(const struct ua_object *obj, long number)
{
	const struct core_poison *p;
	struct core_spec *spec;
	char what[256], path[160] = "";

	if (number < POISON || (size_t)(number - POISON) >= obj->n_poisons)
		return false;
	p = &obj->poisons[number - POISON];
	spec = mem_zalloc(sizeof(*spec));
	if (spec && !core_spec_parse(obj->btf, p->rel->type_id, p->rel->kind,
				     btf_name(obj->btf, p->rel->access_off), spec))
		path_text(spec, path, sizeof(path));
	mem_free(spec);
	snprintf(what, sizeof(what), "the kernel has no %s%s, and the program gets there",
		 btf_type_name(obj->btf, p->rel->type_id), path);
	bad(obj, p->func, p->rel, 0, what);
	return true;
}

static int size_code(uint32_t size)
{
	switch (size) {
	case 1:
		return BPF_B;
	case 2:
		return BPF_H;
	case 4:
		return BPF_W;
	case 8:
		return BPF_DW;
	default:
		return -EINVAL;
	}
}

/*
 * The kernel's field may be wider or narrower than the local one. For unsigned integers and
 * pointers the access changes its size; any other difference cannot be repaired.
 */
static bool resize_access(const struct ua_object *obj, const struct btf *kernel,
			  struct bpf_insn *insn, const struct value *old, const struct value *new)
{
	uint32_t old_id = old->type_id, new_id = new->type_id;
	const struct btf_type *lt, *kt;
	int code = size_code(new->size);

	if (!old->size || !new->size || old->size == new->size)
		return true;
	lt = btf_resolve(obj->btf, &old_id);
	kt = btf_resolve(kernel, &new_id);
	if (!(btf_is_ptr(lt) && btf_is_ptr(kt)) &&
	    !(btf_is_int(lt) && btf_is_int(kt) && !is_signed(lt) && !is_signed(kt)))
		return false;
	if (code < 0 || bpf_size_bytes(insn->code) != old->size)
		return false;
	insn->code = (insn->code & ~0x18) | code;
	return true;
}

static int patch_mem(struct ua_object *obj, const struct btf *kernel, struct func *func,
		     const struct core_reloc *rel, const struct value *old, const struct value *new)
{
	struct bpf_insn *insn = &func->insns[rel->insn - func->start];

	if (!new->no_check && insn->off != (int64_t)old->val)
		return bad(obj, func, rel, -EINVAL, "the instruction has another offset");
	if (new->val > INT16_MAX)
		return bad(obj, func, rel, -ERANGE, "the offset is too large for an instruction");
	if (!resize_access(obj, kernel, insn, old, new))
		return poison(obj, func, rel, insn);
	insn->off = new->val;
	return 0;
}

static int patch(struct ua_object *obj, const struct btf *kernel, struct func *func,
		 const struct core_reloc *rel, const struct value *old, const struct value *new)
{
	struct bpf_insn *insn = &func->insns[rel->insn - func->start];
	bool wide = insn_is_ldimm64(insn);

	if (wide && rel->insn + 1 >= func->start + func->n)
		return bad(obj, func, rel, -EINVAL, "the instruction is cut off");
	if (new->poison)
		return poison(obj, func, rel, insn);
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		if (BPF_SRC(insn->code) != BPF_K)
			return bad(obj, func, rel, -EINVAL, "the instruction has no immediate");
		if (!new->no_check && insn->imm != (int32_t)old->val)
			return bad(obj, func, rel, -EINVAL,
				   "the instruction has another immediate");
		insn->imm = new->val;
		return 0;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		return patch_mem(obj, kernel, func, rel, old, new);
	default:
		break;
	}
	if (!wide || insn->src_reg)
		return bad(obj, func, rel, -EINVAL, "the instruction takes no value");
	insn[0].imm = (uint32_t)new->val;
	insn[1].imm = new->val >> 32;
	return 0;
}

/* -- All together --------------------------------------------------------- */

/* All candidates that have the path must agree on the value. */
static int resolve(struct ua_object *obj, const struct btf *kernel, struct func *func,
		   const struct core_reloc *rel, const struct core_spec *local,
		   struct core_spec *spec, struct value *out)
{
	struct candidates *c = NULL;
	bool found = false;

	UA_TRY(candidates_of(obj, kernel, rel->type_id, &c));
	for (size_t i = 0; i < c->n; i++) {
		int err = core_spec_match(local, kernel, c->ids[i], rel->kind, spec);
		struct value val;

		if (err < 0)
			return bad(obj, func, rel, err, "the kernel's type cannot be followed");
		if (!err)
			continue;
		err = value_of(spec, rel->kind, &val);
		if (err)
			return bad(obj, func, rel, err, "the kernel's type has no such value");
		if (found && rel->kind != CORE_TYPE_ID_TARGET && val.val != out->val)
			return bad(obj, func, rel, -EINVAL,
				   "the kernel has several types, which differ");
		if (!found)
			*out = val;
		found = true;
	}
	return found ? 0 : value_of(NULL, rel->kind, out);
}

static int apply(struct ua_object *obj, const struct btf *kernel, struct func *func,
		 const struct core_reloc *rel, struct core_spec specs[2])
{
	const char *access = btf_name(obj->btf, rel->access_off);
	struct value old, new;
	int err;

	if (rel->kind >= CORE_KIND_MAX)
		return bad(obj, func, rel, -EINVAL, "unknown kind");
	err = core_spec_parse(obj->btf, rel->type_id, rel->kind, access, &specs[0]);
	if (err)
		return bad(obj, func, rel, err, "the path does not fit the type");
	err = value_of(&specs[0], rel->kind, &old);
	if (err)
		return bad(obj, func, rel, err, "the local type has no such value");
	new = old;
	if (rel->kind != CORE_TYPE_ID_LOCAL) {
		if (!*btf_type_name(obj->btf, rel->type_id))
			return bad(obj, func, rel, -EINVAL, "the type has no name");
		if (!kernel)
			return bad(obj, func, rel, -ESRCH, "the kernel has no BTF");
		UA_TRY(resolve(obj, kernel, func, rel, &specs[0], &specs[1], &new));
	}
	new.no_check |= old.no_check;
	if (new.poison)
		log_debug(
			"uarena: object %s: %s at instruction %u: the kernel has no struct %s with "
			"path %s\n",
			obj->name, object_sec_name(obj, func->sec), rel->insn,
			btf_type_name(obj->btf, rel->type_id), access);
	return patch(obj, kernel, func, rel, &old, &new);
}

int core_apply(struct ua_object *obj, struct btf *kernel_btf, struct func *func,
	       const struct core_reloc *rel)
{
	struct core_spec *specs = mem_calloc(2, sizeof(*specs));
	int err;

	UA_FAIL_IF(!specs, -ENOMEM);
	err = apply(obj, kernel_btf, func, rel, specs);
	mem_free(specs);
	return err;
}
