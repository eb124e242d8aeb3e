/* SPDX-License-Identifier: BSD-2-Clause */
/* btf_load() refuses ill-formed BTF and survives random damage to a good one. */
#include "base/base.h"
#include "btf/btf.h"
#include <time.h>

struct raw {
	struct btf_header hdr;
	uint32_t types[64];
	char strs[16];
};

#define INFO(kind, vlen) ((uint32_t)(kind) << 24 | (vlen))

static size_t build(struct raw *raw, const uint32_t *types, size_t n)
{
	static const char strs[] = "\0a\0b";

	raw->hdr = (struct btf_header){.magic = BTF_MAGIC,
				       .version = 1,
				       .hdr_len = sizeof(raw->hdr),
				       .type_len = n * 4,
				       .str_off = n * 4,
				       .str_len = sizeof(strs)};
	memcpy(raw->types, types, n * 4);
	memcpy((char *)raw->types + n * 4, strs, sizeof(strs));
	return sizeof(raw->hdr) + n * 4 + sizeof(strs);
}

static const struct {
	const char *what;
	int err;
	size_t n;
	uint32_t types[16];
} cases[] = {
	{"empty", 0, 0, {0}},
	{"int", 0, 4, {1, INFO(BTF_KIND_INT, 0), 4, 32}},
	{"int of 200 bits", -EINVAL, 4, {1, INFO(BTF_KIND_INT, 0), 4, 200}},
	{"pointer to itself", 0, 3, {0, INFO(BTF_KIND_PTR, 0), 1}},
	{"typedef of itself", -EINVAL, 3, {1, INFO(BTF_KIND_TYPEDEF, 0), 1}},
	{"const cycle",
	 -EINVAL,
	 6,
	 {0, INFO(BTF_KIND_CONST, 0), 2, 0, INFO(BTF_KIND_VOLATILE, 0), 1}},
	{"array of itself", -EINVAL, 6, {0, INFO(BTF_KIND_ARRAY, 0), 0, 1, 1, 4}},
	{"struct holding itself", -EINVAL, 6, {1, INFO(BTF_KIND_STRUCT, 1), 8, 1, 1, 0}},
	{"member outside",
	 -EINVAL,
	 9,
	 {1, INFO(BTF_KIND_INT, 0), 4, 32, 1, INFO(BTF_KIND_STRUCT, 1), 4, 1, 1}},
	{"type id out of range", -EINVAL, 3, {0, INFO(BTF_KIND_PTR, 0), 99}},
	{"name out of range", -EINVAL, 3, {99, INFO(BTF_KIND_PTR, 0), 0}},
	{"unknown kind", -EINVAL, 3, {0, INFO(31, 0), 0}},
	{"list runs out of the section", -EINVAL, 3, {1, INFO(BTF_KIND_STRUCT, 50), 8}},
	{"function of an int",
	 -EINVAL,
	 7,
	 {1, INFO(BTF_KIND_INT, 0), 4, 32, 1, INFO(BTF_KIND_FUNC, 0), 1}},
	{"section of ints",
	 -EINVAL,
	 10,
	 {1, INFO(BTF_KIND_INT, 0), 4, 32, 1, INFO(BTF_KIND_DATASEC, 1), 4, 1, 0, 4}},
};

static int table(void)
{
	int failures = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct btf *btf = NULL;
		struct raw raw;
		size_t size = build(&raw, cases[i].types, cases[i].n);
		int err = btf_load(&raw, size, &btf);

		if (err != cases[i].err) {
			printf("%s: %d, expected %d\n", cases[i].what, err, cases[i].err);
			failures++;
		}
		btf__free(btf);
	}
	return failures;
}

static void use_everything(const struct btf *btf)
{
	uint32_t n = btf__type_cnt(btf);
	struct btf_place at;

	for (uint32_t id = 1; id < n; id++) {
		uint32_t to = id;

		btf_size(btf, id);
		btf_align(btf, id);
		btf_resolve(btf, &to);
		btf_member(btf, id, "no such member", &at);
	}
}

static void damage(uint8_t *copy, const void *raw, uint32_t size, unsigned int rounds)
{
	for (unsigned int i = 0; i < rounds; i++) {
		struct btf *btf;

		memcpy(copy, raw, size);
		for (int k = rand() % 4; k >= 0; k--)
			copy[rand() % (rand() % 8 ? size : sizeof(struct btf_header))] = rand();
		if (!btf_load(copy, rand() % 4 ? size : rand() % size, &btf)) {
			use_everything(btf);
			btf__free(btf);
		}
	}
}

int main(void)
{
	unsigned int seed = time(NULL);
	struct btf *btf;
	const void *raw;
	uint32_t size;
	uint8_t *copy;

	printf("seed %u\n", seed);
	srand(seed);
	log_set(NULL);
	if (table() || btf_engine(&btf))
		return 1;
	raw = btf__raw_data(btf, &size);
	copy = mem_alloc(size);
	if (!copy)
		return 1;
	damage(copy, raw, size, 3000);
	mem_free(copy);
	btf__free(btf);
	return 0;
}
