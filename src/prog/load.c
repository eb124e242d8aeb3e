/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BPF_PROG_LOAD behind the dispatcher: copy what the attributes point at, verify, compile.
 *
 * What is checked here are the attributes that describe arrays (instructions, function and
 * line records, the log); what a program may do is the verifier's matter.
 */
#include "prog/load.h"

#include <time.h>

#include "base/base.h"
#include "jit/jit.h"
#include "map/map.h"
#include "os/symbols.h"
#include "prog/engine.h"
#include "prog/kptr.h"
#include "prog/sha1.h"
#include "prog/struct_ops.h"

#define MAX_REC_SIZE 252 /* of func_info and line_info records */
#define LOG_MASK 15u
#define MAX_UNPRIV_INSNS BPF_COMPLEXITY_LIMIT_INSNS

/* -- Tag and license --------------------------------------------------------------- */

static bool names_map_fd(const struct bpf_insn *insn)
{
	return insn_is_ldimm64(insn) &&
	       (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE);
}

int prog_tag(const struct bpf_insn *insns, uint32_t n, uint8_t tag[BPF_TAG_SIZE])
{
	struct bpf_insn *copy = mem_dup(insns, n * sizeof(*insns));
	uint8_t digest[20];

	UA_FAIL_IF(!copy, -ENOMEM);
	for (uint32_t i = 0; i < n; i++) {
		if (!names_map_fd(&copy[i]))
			continue;
		copy[i].imm = 0;
		if (i + 1 < n && !copy[i + 1].code)
			copy[++i].imm = 0;
	}
	sha1(copy, n * sizeof(*copy), digest);
	mem_free(copy);
	memcpy(tag, digest, BPF_TAG_SIZE);
	return 0;
}

bool prog_license_is_gpl(const char *license)
{
	static const char *const gpl[] = {
		"GPL",		"GPL v2",	"GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};

	for (size_t i = 0; i < ARRAY_SIZE(gpl); i++)
		if (!strcmp(license, gpl[i]))
			return true;
	return false;
}

/* -- Copies of what the attributes point at -------------------------------------------- */

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return !n;
}

/* Records the caller thinks are larger than ours: what we do not know must be zero. */
static int copy_records(uint64_t from, uint32_t n, uint32_t rec_size, uint32_t size, void **out)
{
	uint8_t *to;

	*out = NULL;
	if (!n)
		return 0;
	UA_FAIL_IF(rec_size < size || rec_size > MAX_REC_SIZE || rec_size % 4, -EINVAL);
	UA_FAIL_IF(!from, -EFAULT);
	to = mem_calloc(n, size);
	UA_FAIL_IF(!to, -ENOMEM);
	*out = to;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *rec = (const uint8_t *)(uintptr_t)from + (size_t)i * rec_size;

		UA_FAIL_IF(!all_zero(rec + size, rec_size - size), -E2BIG);
		memcpy(to + (size_t)i * size, rec, size);
	}
	return 0;
}

static int copy_attr(const union bpf_attr *attr, struct prog *p)
{
	char license[128] = "";

	UA_FAIL_IF(attr->insn_cnt == 0 || attr->insn_cnt > MAX_UNPRIV_INSNS, -E2BIG);
	UA_FAIL_IF(!attr->insns || !attr->license, -EFAULT);
	p->type = attr->prog_type;
	p->expected_attach_type = attr->expected_attach_type;
	p->prog_flags = attr->prog_flags;
	p->sleepable = attr->prog_flags & BPF_F_SLEEPABLE;
	memcpy(p->name, attr->prog_name, sizeof(p->name));
	strncpy(license, (const char *)(uintptr_t)attr->license, sizeof(license) - 1);
	p->gpl = prog_license_is_gpl(license);
	p->n_orig = attr->insn_cnt;
	p->orig = mem_dup((const void *)(uintptr_t)attr->insns, p->n_orig * sizeof(*p->orig));
	UA_FAIL_IF(!p->orig, -ENOMEM);
	p->n_func_info = attr->func_info_cnt;
	UA_TRY(copy_records(attr->func_info, attr->func_info_cnt, attr->func_info_rec_size,
			    sizeof(*p->func_info), (void **)&p->func_info));
	p->n_line_info = attr->line_info_cnt;
	return copy_records(attr->line_info, attr->line_info_cnt, attr->line_info_rec_size,
			    sizeof(*p->line_info), (void **)&p->line_info);
}

static int log_from_attr(const union bpf_attr *attr, struct verify_log *log)
{
	*log = (struct verify_log){
		.buf = (char *)(uintptr_t)attr->log_buf,
		.size = attr->log_size,
		.level = attr->log_level,
	};
	UA_FAIL_IF(!log->buf != !log->size || (log->buf && !log->level), -EINVAL);
	UA_FAIL_IF(log->level & ~LOG_MASK || log->size > UINT32_MAX >> 2, -EINVAL);
	return 0;
}

/* -- Maps the program holds -------------------------------------------------------------- */

struct loading {
	struct engine *engine;
	const struct prog_load_in *in;
	struct prog *prog;
	size_t cap_maps;
};

/* Takes over the caller's reference. */
static int keep_map(struct loading *l, struct map *map)
{
	struct prog *p = l->prog;

	for (uint32_t i = 0; i < p->n_maps; i++)
		if (p->maps[i] == map) {
			map_put(map);
			return 0;
		}
	if (UA_GROW(&p->maps, &l->cap_maps, p->n_maps + 1)) {
		map_put(map);
		return -ENOMEM;
	}
	p->maps[p->n_maps++] = map;
	return 0;
}

static int resolve_map(void *arg, int fd, bool is_idx, struct map **out)
{
	struct loading *l = arg;

	UA_TRY(l->in->resolve_map(l->in->resolve_arg, fd, is_idx, out));
	UA_TRY(keep_map(l, *out));
	return kptr_bind(*out);
}

static int keep_fd_array(struct loading *l)
{
	for (uint32_t i = 0; i < l->in->n_fd_array_maps; i++)
		UA_TRY(keep_map(l, map_get(l->in->fd_array_maps[i])));
	return 0;
}

/* -- The pipeline --------------------------------------------------------------------------- */

static int fill_verify(struct loading *l, struct verify_in *v)
{
	struct prog *p = l->prog;

	*v = (struct verify_in){
		.prog_type = p->type,
		.expected_attach_type = p->expected_attach_type,
		.attach_btf_id = l->in->attr->attach_btf_id,
		.prog_flags = p->prog_flags,
		.n_insns = p->n_orig,
		.btf = l->in->btf,
		.func_info = p->func_info,
		.n_func_info = p->n_func_info,
		.line_info = p->line_info,
		.n_line_info = p->n_line_info,
		.engine_btf = l->engine->btf,
		.kfuncs = &l->engine->kfuncs,
		.resolve_map = resolve_map,
		.resolve_arg = l,
		.fd_array_maps = l->in->fd_array_maps,
		.n_fd_array_maps = l->in->n_fd_array_maps,
		.helper_fns = l->engine->helper_fns,
		.n_helper_fns = l->engine->n_helper_fns,
		.stats = &p->stats,
		.n_cpus = l->engine->n_cpus,
		.not_gpl = !p->gpl,
	};
	memcpy(v->name, p->name, sizeof(v->name));
	if (p->type == BPF_PROG_TYPE_STRUCT_OPS)
		UA_TRY(struct_ops_fill_verify(l->engine, l->in->attr->attach_btf_id, p, v));
	v->insns = mem_dup(p->orig, p->n_orig * sizeof(*p->orig));
	UA_FAIL_IF(!v->insns, -ENOMEM);
	return 0;
}

static int verify(struct loading *l)
{
	struct verify_log log;
	struct verify_in v;
	int err;

	UA_TRY(log_from_attr(l->in->attr, &log));
	UA_TRY(fill_verify(l, &v));
	v.log = &log;
	err = verify_program(&v, &l->prog->code);
	mem_free(v.insns);
	if (log.level) {
		l->in->attr->log_true_size = (uint32_t)min_t(uint64_t, log.true_size, UINT32_MAX);
		if (log.buf && log.true_size > log.size)
			return -ENOSPC;
	}
	return err;
}

static int compile(struct engine *e, struct prog *p)
{
	int err = -EOPNOTSUPP;

	if (!e->interp_only && !p->code->checked && jit_available())
		err = jit_compile(p->code);
	if (err == -EOPNOTSUPP && !e->jit_only)
		return 0;
	UA_TRY(err);
	p->entry = (host_fn)p->code->funcs[0].entry;
	return 0;
}

static void set_tag_text(struct prog *p)
{
	for (int i = 0; i < BPF_TAG_SIZE; i++)
		snprintf(p->code->tag + 2 * i, 3, "%02x", p->tag[i]);
}

static uint64_t boot_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int build(struct loading *l)
{
	struct prog *p = l->prog;

	UA_TRY(copy_attr(l->in->attr, p));
	UA_TRY(prog_tag(p->orig, p->n_orig, p->tag));
	UA_TRY(keep_fd_array(l));
	UA_TRY(verify(l));
	set_tag_text(p);
	p->arena = p->code->arena;
	UA_TRY(stream_new(&p->streams[0]));
	UA_TRY(stream_new(&p->streams[1]));
	return compile(l->engine, p);
}

int prog_load(struct engine *e, const struct prog_load_in *in, struct prog **out)
{
	struct prog *p = mem_zalloc(sizeof(*p));
	struct loading l = {.engine = e, .in = in, .prog = p};
	int err;

	UA_FAIL_IF(!p, -ENOMEM);
	p->refs = 1;
	p->fd = -1;
	p->engine = e;
	p->btf = in->btf;
	symbols_refresh();
	pthread_mutex_lock(&e->lock);
	e->loaded = true;
	pthread_mutex_unlock(&e->lock);
	err = build(&l);
	if (err) {
		prog_destroy(p);
		return err;
	}
	p->btf_obj = in->btf_obj;
	p->btf_obj_put = in->btf_obj_put;
	p->load_time_ns = boot_ns();
	*out = p;
	return 0;
}
