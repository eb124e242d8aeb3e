/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine's BTF, built from types/engine.bpf.c and embedded here. */
#include "base/base.h"
#include "btf/btf.h"

static const uint8_t engine_btf_data[] __attribute__((aligned(8))) = {
#include "btf/engine_btf.inc"
};

int btf_engine(struct btf **out)
{
	return btf_load(engine_btf_data, sizeof(engine_btf_data), out);
}
