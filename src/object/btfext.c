/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * .BTF.ext: which function, source line and CO-RE record belongs to which instruction.
 *
 *   header, then three parts; each part: u32 record size, then per section
 *   u32 section name, u32 count, count records that begin with the instruction's byte offset
 */
#include "object/object.h"

struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len;
	uint32_t func_off, func_len;
	uint32_t line_off, line_len;
	uint32_t core_off, core_len; /* only if hdr_len says so */
};
#define EXT_HEADER_MIN 24

struct reader {
	struct ua_object *obj;
	const char *part;
	const uint8_t *data;
	size_t left;
};

static int bad(const struct reader *r, const char *what)
{
	return object_fail(r->obj, -EINVAL, "section .BTF.ext: %s: %s", r->part, what);
}

static bool take(struct reader *r, void *to, size_t n)
{
	if (r->left < n)
		return false;
	memcpy(to, r->data, n);
	r->data += n;
	r->left -= n;
	return true;
}

static bool str_ok(const struct ua_object *obj, uint32_t off)
{
	return btf__str_by_offset(obj->btf, off) != NULL;
}

/* rec[0] has been turned into an instruction index. */
typedef int (*record_fn)(struct reader *r, struct code_sec *code, const uint32_t *rec);

static int add_func_info(struct reader *r, struct code_sec *code, const uint32_t *rec)
{
	const struct btf_type *t = btf__type_by_id(r->obj->btf, rec[1]);

	if (!t || !btf_is_func(t))
		return bad(r, "not a function type");
	UA_TRY(UA_GROW(&code->func_info, &code->cap_func_info, code->n_func_info + 1));
	code->func_info[code->n_func_info++] = (struct bpf_func_info){rec[0], rec[1]};
	return 0;
}

static int add_line_info(struct reader *r, struct code_sec *code, const uint32_t *rec)
{
	if (!str_ok(r->obj, rec[1]) || !str_ok(r->obj, rec[2]))
		return bad(r, "text out of range");
	UA_TRY(UA_GROW(&code->line_info, &code->cap_line_info, code->n_line_info + 1));
	code->line_info[code->n_line_info++] =
		(struct bpf_line_info){rec[0], rec[1], rec[2], rec[3]};
	return 0;
}

static int add_core(struct reader *r, struct code_sec *code, const uint32_t *rec)
{
	if (!rec[1] || !btf__type_by_id(r->obj->btf, rec[1]) || !str_ok(r->obj, rec[2]))
		return bad(r, "type or access string out of range");
	UA_TRY(UA_GROW(&code->core, &code->cap_core, code->n_core + 1));
	code->core[code->n_core++] = (struct core_reloc){rec[0], rec[1], rec[2], rec[3]};
	return 0;
}

static int read_records(struct reader *r, uint32_t rec_size, uint32_t n_words, uint32_t count,
			struct code_sec *code, uint64_t n_insns, record_fn add)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t rec[4];

		if (r->left < rec_size)
			return bad(r, "records run out of the section");
		memcpy(rec, r->data, n_words * sizeof(*rec));
		r->data += rec_size;
		r->left -= rec_size;
		if (!code)
			continue;
		if (rec[0] % sizeof(struct bpf_insn) || rec[0] / sizeof(struct bpf_insn) >= n_insns)
			return bad(r, "record for an instruction that does not exist");
		rec[0] /= sizeof(struct bpf_insn);
		if (i && rec[0] < last)
			return bad(r, "records are not in order");
		last = rec[0];
		UA_TRY(add(r, code, rec));
	}
	return 0;
}

static int read_part(struct reader *r, uint32_t n_words, record_fn add)
{
	uint32_t rec_size;

	if (!r->left)
		return 0;
	if (!take(r, &rec_size, 4) || rec_size < n_words * 4 || rec_size % 4)
		return bad(r, "ill-formed record size");
	while (r->left) {
		struct code_sec *code;
		uint32_t head[2], sec;
		const char *name;

		if (!take(r, head, sizeof(head)) || !head[1])
			return bad(r, "ill-formed section header");
		name = btf__str_by_offset(r->obj->btf, head[0]);
		if (!name)
			return bad(r, "section name out of range");
		sec = elf_find_section(&r->obj->elf, name);
		code = sec ? object_code_sec(r->obj, sec) : NULL;
		UA_TRY(read_records(r, rec_size, n_words, head[1], code,
				    r->obj->elf.secs[sec].size / sizeof(struct bpf_insn), add));
	}
	return 0;
}

static int part(struct ua_object *obj, const struct elf_sec *sec, const struct ext_header *h,
		const char *name, uint32_t off, uint32_t len, uint32_t n_words, record_fn add)
{
	struct reader r = {.obj = obj, .part = name};
	uint64_t start = (uint64_t)h->hdr_len + off;

	if (start > sec->size || len > sec->size - start)
		return bad(&r, "lies outside the section");
	r.data = sec->data + start;
	r.left = len;
	return read_part(&r, n_words, add);
}

int open_btf_ext(struct ua_object *obj)
{
	uint32_t i = elf_find_section(&obj->elf, ".BTF.ext");
	const struct elf_sec *sec = &obj->elf.secs[i];
	struct ext_header h = {0};

	if (!i || !sec->data)
		return 0;
	if (sec->size < EXT_HEADER_MIN)
		return object_fail(obj, -EINVAL, "section .BTF.ext: header is truncated");
	memcpy(&h, sec->data, EXT_HEADER_MIN);
	if (h.magic != BTF_MAGIC || h.version != BTF_VERSION || h.hdr_len < EXT_HEADER_MIN ||
	    h.hdr_len > sec->size)
		return object_fail(obj, -EINVAL, "section .BTF.ext: ill-formed header");
	if (h.hdr_len >= sizeof(h))
		memcpy(&h, sec->data, sizeof(h));
	UA_TRY(part(obj, sec, &h, "function records", h.func_off, h.func_len, 2, add_func_info));
	UA_TRY(part(obj, sec, &h, "line records", h.line_off, h.line_len, 4, add_line_info));
	return part(obj, sec, &h, "CO-RE records", h.core_off, h.core_len, 4, add_core);
}
