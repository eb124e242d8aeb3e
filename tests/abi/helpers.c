/* SPDX-License-Identifier: BSD-2-Clause */
/* The helper list: ids and names as the running kernel has them, prototypes well-formed. */
#include "abi/helpers.h"
#include "base/base.h"

#include <bpf/btf.h>

static int failed;

#define CHECK(cond, ...)                                                   \
	do {                                                               \
		if (!(cond)) {                                             \
			failed++;                                          \
			fprintf(stderr, "FAILED " #cond ": " __VA_ARGS__); \
			fputc('\n', stderr);                               \
		}                                                          \
	} while (0)

static void check_proto(const struct helper_proto *p)
{
	bool ended = false;

	CHECK(p->types, "%s", helper_name(p->id));
	for (int i = 0; i < 5; i++) {
		uint32_t base = HELPER_BASE_TYPE(p->args[i]);

		CHECK(base < ARG_TYPE_MAX, "%s arg %d", helper_name(p->id), i);
		CHECK(!ended || base == ARG_DONTCARE, "%s: hole before arg %d", helper_name(p->id),
		      i);
		ended = base == ARG_DONTCARE;
		/* What kptr_xchg takes follows from the field it stores to. */
		if (base == ARG_PTR_TO_BTF_ID && HELPER_BASE_TYPE(p->args[0]) != ARG_KPTR_XCHG_DEST)
			CHECK(p->btf, "%s arg %d", helper_name(p->id), i);
		if (base == ARG_CONST_SIZE || base == ARG_CONST_SIZE_OR_ZERO)
			CHECK(i && HELPER_BASE_TYPE(p->args[i - 1]) == ARG_PTR_TO_MEM, "%s arg %d",
			      helper_name(p->id), i);
	}
}

static void check_list(void)
{
	CHECK(!helper_name(0) && !strcmp(helper_name(1), "map_lookup_elem"), "first");
	CHECK(!helper_name(HELPER_ID_MAX) && !helper_proto(HELPER_ID_MAX), "beyond the end");
	CHECK(helper_id("no_such") == -1, "unknown name");
	for (uint32_t id = 1; id < HELPER_ID_MAX; id++) {
		CHECK(helper_name(id), "id %u has no name", id);
		CHECK(helper_name(id) && helper_id(helper_name(id)) == (int)id, "id %u", id);
		if (helper_proto(id))
			check_proto(helper_proto(id));
	}
}

/* Every id that both sides know has the same name. */
static int check_kernel(void)
{
	struct btf *btf = btf__parse("/sys/kernel/btf/vmlinux", NULL);
	int32_t id = btf ? btf__find_by_name_kind(btf, "bpf_func_id", BTF_KIND_ENUM) : -1;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_enum *e = &btf_enum(t)[i];
		const char *name = btf__name_by_offset(btf, e->name_off);

		if (!strncmp(name, "BPF_FUNC_", 9) && e->val > 0 && e->val < HELPER_ID_MAX)
			CHECK(!strcmp(name + 9, helper_name(e->val)), "%d: %s, Linux says %s",
			      e->val, helper_name(e->val), name + 9);
	}
	btf__free(btf);
	return t ? 0 : 77;
}

int main(void)
{
	int skip;

	check_list();
	skip = check_kernel();
	if (skip)
		fprintf(stderr, "no kernel BTF with enum bpf_func_id: names not compared\n");
	return failed ? 1 : skip;
}
