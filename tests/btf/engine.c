/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine's BTF agrees with the engine's own structures, and every kfunc parses. */
#include "base/base.h"
#include "btf/btf.h"
#include "btf/kfunc.h"
#include "btf/types/kfuncs.h"
#include "map/map.h"

static struct btf *btf;
static int failures;

#define CHECK(cond, ...)                                       \
	do {                                                   \
		if (!(cond)) {                                 \
			failures++;                            \
			printf("%s:%d: ", __FILE__, __LINE__); \
			printf(__VA_ARGS__);                   \
			printf("\n");                          \
		}                                              \
	} while (0)

static void same_offset(const char *type, const char *member, size_t want)
{
	uint32_t id = btf_find(btf, type, BTF_KIND_STRUCT);
	struct btf_place at;

	CHECK(id, "%s is missing", type);
	CHECK(id && btf_member(btf, id, member, &at) && at.bit_off == want * 8,
	      "%s.%s is not at %zu", type, member, want);
}

static void map_layout(void)
{
	struct btf_place at;

#define VIEW(m) same_offset("bpf_map", #m, offsetof(struct map, v.m))
	VIEW(ops);
	VIEW(inner_map_meta);
	VIEW(map_type);
	VIEW(key_size);
	VIEW(value_size);
	VIEW(max_entries);
	VIEW(map_extra);
	VIEW(map_flags);
	VIEW(id);
	VIEW(name);
	same_offset("bpf_arena", "user_vm_start", offsetof(struct map, user_vm_start));
	same_offset("bpf_arena", "user_vm_end", offsetof(struct map, user_vm_end));
	CHECK(!btf_member(btf, btf_find(btf, "bpf_map", BTF_KIND_STRUCT), "nonsense", &at),
	      "found a member that does not exist");
}

static void kinds(void)
{
	static const struct {
		const char *name;
		uint32_t kind;
	} want[] = {
		{"task_struct", BTF_KIND_STRUCT},
		{"cgroup", BTF_KIND_STRUCT},
		{"kernfs_node", BTF_KIND_STRUCT},
		{"bpf_struct_ops_sched_ext_ops", BTF_KIND_STRUCT},
		{"bpf_struct_ops_sched_ext_ops_cid", BTF_KIND_STRUCT},
		{"__sk_buff", BTF_KIND_STRUCT},
		{"scx_enq_flags", BTF_KIND_ENUM64},
		{"scx_dsq_id_flags", BTF_KIND_ENUM64},
		{"scx_ops_flags", BTF_KIND_ENUM},
		{"bpf_map_type", BTF_KIND_ENUM},
		{"bpf_iter_scx_dsq", BTF_KIND_STRUCT},
		{"bpf_iter_num", BTF_KIND_STRUCT},
		{"scx_cmask", BTF_KIND_STRUCT},
		{"bpf_res_spin_lock", BTF_KIND_STRUCT},
		{"qspinlock", BTF_KIND_STRUCT},
		{"scx_dispatch_q", BTF_KIND_STRUCT},
		{"bpf_iter__bpf_map", BTF_KIND_STRUCT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		CHECK(btf_find(btf, want[i].name, want[i].kind), "%s is missing", want[i].name);
}

static uint64_t nothing(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return 0;
}

static void kfuncs(void)
{
	static const char *const names[] = {
#define NAME(RET, FN, PARAMS) #FN,
		KFUNCS_GENERIC(NAME) KFUNCS_SCX(NAME)};
	struct kfunc_set set = {.btf = btf};
	const struct kfunc *kf;
	struct kfunc_arg arg;
	struct code_kcall call;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK(!kfunc_add(&set, names[i], nothing, NULL, 0), "%s refused", names[i]);
	CHECK(set.n == ARRAY_SIZE(names), "%zu kfuncs", set.n);
	log_set(NULL);
	CHECK(kfunc_add(&set, names[0], nothing, NULL, 0) == -EEXIST, "duplicate accepted");
	CHECK(kfunc_add(&set, "no_such_kfunc", nothing, NULL, 0) == -ENOENT, "unknown accepted");

	kf = kfunc_by_name(&set, "bpf_stream_vprintk");
	CHECK(kfunc_n_args(&set, kf) == 4, "vprintk arguments");
	CHECK(!kfunc_arg_info(&set, kf, 1, &arg) && arg.kind == KARG_STR, "vprintk fmt");
	CHECK(!kfunc_arg_info(&set, kf, 2, &arg) && arg.kind == KARG_MEM && arg.konst &&
		      !arg.mem_size,
	      "vprintk args");
	CHECK(!kfunc_arg_info(&set, kf, 3, &arg) && arg.kind == KARG_MEM_SIZE, "vprintk size");
	kf = kfunc_by_name(&set, "scx_bpf_select_cpu_dfl");
	CHECK(!kfunc_arg_info(&set, kf, 0, &arg) && arg.kind == KARG_BTF_PTR && !arg.mem_size &&
		      !strcmp(btf_type_name(btf, arg.btf_type), "task_struct"),
	      "task argument");
	CHECK(!kfunc_arg_info(&set, kf, 3, &arg) && arg.kind == KARG_MEM && arg.mem_size == 1,
	      "bool pointer");
	kfunc_fill_kcall(&set, kf, true, &call);
	CHECK(call.ret == KRET_S32 && call.fn == nothing && !call.has_arena_args, "conversions");
	kfunc_fill_kcall(&set, kfunc_by_name(&set, "scx_bpf_dsq_move_to_local"), true, &call);
	CHECK(call.ret == KRET_BOOL, "bool result");
	kfunc_fill_kcall(&set, kfunc_by_name(&set, "bpf_rcu_read_lock"), true, &call);
	CHECK(call.ret == KRET_VOID, "void result");
	mem_free(set.v);
}

static void flavours(void)
{
	static const struct {
		const char *name;
		size_t len;
	} want[] = {{"a___b", 1},
		    {"a", 1},
		    {"", 0},
		    {"abc___x___y", 7},
		    {"___a", 4},
		    {"a____b", 6},
		    {"task_struct___old", 11},
		    {"a___", 4}};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		CHECK(btf_essential_len(want[i].name) == want[i].len, "essential length of %s: %zu",
		      want[i].name, btf_essential_len(want[i].name));
}

int main(void)
{
	if (btf_engine(&btf))
		return 1;
	map_layout();
	kinds();
	kfuncs();
	flavours();
	btf__free(btf);
	return failures != 0;
}
