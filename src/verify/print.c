/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * States and instructions in the kernel's log format: what people and tools know how to read.
 *
 * With level 1 or 2 every instruction is one line; what it touched follows behind a ";".
 */
#include <bpf/btf.h>
#include "abi/disasm.h"
#include "map/map.h"
#include "verify/env.h"

/* -- Text in a growing line ------------------------------------------------------ */

struct text {
	char buf[2048];
	size_t len;
	bool first; /* no element of the parenthesis written yet */
};

static void put(struct text *t, const char *fmt, ...) UA_PRINTF(2, 3);

static void put(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->buf + t->len, sizeof(t->buf) - t->len, fmt, args);
	va_end(args);
	if (n > 0)
		t->len = min_t(size_t, t->len + (size_t)n, sizeof(t->buf) - 1);
}

static void put_name(struct text *t, const char *name)
{
	put(t, "%s%s=", t->first ? "" : ",", name);
	t->first = false;
}

static void put_unsigned(struct text *t, uint64_t v)
{
	put(t, v <= UINT16_MAX ? "%llu" : "%#llx", (unsigned long long)v);
}

static void put_signed(struct text *t, int64_t v)
{
	if (v >= INT16_MIN && v <= INT16_MAX)
		put(t, "%lld", (long long)v);
	else
		put(t, "%#llx", (unsigned long long)v);
}

/* -- Registers ---------------------------------------------------------------------- */

static const char *const type_names[] = {
	[R_NONE] = "?",
	[R_SCALAR] = "scalar",
	[R_CTX] = "ctx",
	[R_MAP_PTR] = "map_ptr",
	[R_MAP_VALUE] = "map_value",
	[R_MAP_KEY] = "map_key",
	[R_STACK] = "fp",
	[R_PKT_META] = "pkt_meta",
	[R_PKT] = "pkt",
	[R_PKT_END] = "pkt_end",
	[R_MEM] = "mem",
	[R_BUF] = "buf",
	[R_BTF] = "ptr_",
	[R_FUNC] = "func",
	[R_ARENA] = "arena",
	[R_ITER] = "iter",
	[R_IRQ] = "irq",
};

/* An object that is held counts as trusted without being called so. */
const char *reg_type_name(const struct reg *r, char buf[64])
{
	bool btf = r->type == R_BTF;

	snprintf(buf, 64, "%s%s%s%s%s%s%s%s", r->flags & RF_RDONLY ? "rdonly_" : "",
		 r->flags & RF_RINGBUF ? "ringbuf_" : "", r->flags & RF_PERCPU ? "percpu_" : "",
		 r->flags & RF_UNTRUSTED ? "untrusted_" : "",
		 r->flags & RF_TRUSTED && !r->ref ? "trusted_" : "",
		 r->flags & RF_RCU ? "rcu_" : "", type_names[r->type],
		 !(r->flags & RF_NULL) ? ""
		 : btf		       ? "or_null_"
				       : "_or_null");
	return buf;
}

struct bound {
	const char *name;
	int64_t v;
	bool omit, is_signed;
};

static void put_bounds(struct text *t, struct bound *b, int n)
{
	for (int i = 0; i < n; i++) {
		if (b[i].omit)
			continue;
		put_name(t, b[i].name);
		for (int k = i + 2; k < n; k += 2)
			if (!b[k].omit && b[k].v == b[i].v) {
				put(t, "%s=", b[k].name);
				b[k].omit = true;
			}
		if (b[i].is_signed)
			put_signed(t, b[i].v);
		else
			put_unsigned(t, (uint64_t)b[i].v);
	}
}

static void put_ranges(struct text *t, const struct scalar *s)
{
	struct bound b[] = {
		{"smin", s->smin, s->smin == INT64_MIN, true},
		{"smax", s->smax, s->smax == INT64_MAX, true},
		{"umin", (int64_t)s->umin, s->umin == 0, false},
		{"umax", (int64_t)s->umax, s->umax == UINT64_MAX, false},
		{"smin32", s->smin32, s->smin32 == INT32_MIN, true},
		{"smax32", s->smax32, s->smax32 == INT32_MAX, true},
		{"umin32", s->umin32, s->umin32 == 0, false},
		{"umax32", s->umax32, s->umax32 == UINT32_MAX, false},
	};

	put_bounds(t, b, (int)ARRAY_SIZE(b));
	if (!tnum_eq(s->var, TNUM_UNKNOWN)) {
		put_name(t, "var_off");
		put(t, "(0x%llx; 0x%llx)", (unsigned long long)s->var.value,
		    (unsigned long long)s->var.mask);
	}
}

void tnum_print(char *buf, size_t size, struct tnum t)
{
	if (!tnum_is_const(t))
		snprintf(buf, size, "(0x%llx; 0x%llx)", (unsigned long long)t.value,
			 (unsigned long long)t.mask);
	else
		snprintf(buf, size, t.value <= UINT16_MAX ? "%llu" : "%#llx",
			 (unsigned long long)t.value);
}

static void put_id(struct text *t, const struct reg *r)
{
	if (r->id) {
		put_name(t, "id");
		put(t, "%u", r->id & ~LINK_DELTA);
		if (r->type == R_SCALAR && r->id & LINK_DELTA)
			put(t, "%+d", r->off);
	}
	if (r->ref) {
		put_name(t, "ref_obj_id");
		put(t, "%u", r->ref);
	}
}

static void put_map(struct text *t, const struct map *map)
{
	if (*map->v.name) {
		put_name(t, "map");
		put(t, "%.*s", BPF_OBJ_NAME_LEN, map->v.name);
	}
	put_name(t, "ks");
	put(t, "%u,vs=%u", map->v.key_size, map->v.value_size);
}

static void put_details(struct text *t, const struct reg *r)
{
	if (r->type == R_MAP_PTR || r->type == R_MAP_VALUE || r->type == R_MAP_KEY)
		put_map(t, r->map);
	if (r->type != R_SCALAR && r->off) {
		put_name(t, "off");
		put_signed(t, r->off);
	}
	if (r->type == R_PKT || r->type == R_PKT_META) {
		put_name(t, "r");
		put_unsigned(t, r->range);
	}
	if (r->type == R_MEM) {
		put_name(t, "sz");
		put_unsigned(t, r->size);
	}
	if (!tnum_is_const(r->s.var)) {
		put_ranges(t, &r->s);
	} else if (r->s.var.value) {
		put_name(t, "imm");
		put_unsigned(t, r->s.var.value);
	}
}

static void put_reg(struct env *env, struct text *t, const struct reg *r, uint32_t frame)
{
	char name[64];

	if (r->type == R_SCALAR && scalar_is_const(&r->s)) {
		put_signed(t, (int64_t)r->s.var.value);
		return;
	}
	put(t, "%s", reg_type_name(r, name));
	if (r->type == R_BTF)
		put(t, "%s", btf_type_name(env->in->engine_btf, r->btf_id));
	if (r->type == R_STACK) {
		if (r->frame != frame)
			put(t, "[%u]", r->frame);
		if (tnum_is_const(r->s.var)) {
			put_signed(t, (int64_t)r->s.var.value + r->off);
			return;
		}
	}
	if (r->type == R_ARENA)
		return;
	put(t, "(");
	t->first = true;
	put_id(t, r);
	put_details(t, r);
	put(t, ")");
}

/* -- Stack --------------------------------------------------------------------------- */

static void put_slot(struct env *env, struct text *t, const struct slot *slot, uint32_t i,
		     uint32_t frame)
{
	static const char kinds[] = {'?', 'm', '0', 'r', 'i', 'f'};
	const struct reg *r = &slot->reg;
	int off = -8 * (int)(i + 1);

	if (slot->kind[0] == SLOT_ITER) {
		if (r->flags & RF_FIXED_FIRST)
			put(t, " fp%d=iter_%s(ref_id=%u,state=%s,depth=%u)", off,
			    btf__name_by_offset(
				    env->in->engine_btf,
				    btf__type_by_id(env->in->engine_btf, r->btf_id)->name_off) +
				    strlen("bpf_iter_"),
			    r->ref, r->iter == ITER_ACTIVE ? "active" : "drained", r->iter_depth);
		return;
	}
	put(t, " fp%d=", off);
	for (int b = 7; b >= 0; b--)
		if (!slot_is_spill(slot) || slot->kind[b] != SLOT_SPILL)
			put(t, "%c", kinds[slot->kind[b]]);
	if (slot_is_spill(slot))
		put_reg(env, t, r, frame);
}

static bool slot_empty(const struct slot *slot)
{
	for (int b = 0; b < 8; b++)
		if (slot->kind[b] != SLOT_INVALID)
			return false;
	return true;
}

/* -- The state ------------------------------------------------------------------------- */

static void put_refs(struct text *t, const struct vstate *st)
{
	bool any = false;

	for (uint32_t i = 0; i < st->n_refs; i++) {
		if (st->refs[i].kind != REF_PTR)
			continue;
		put(t, "%s%u", any ? "," : " refs=", st->refs[i].id);
		any = true;
	}
}

void print_state(struct env *env, const struct vstate *st, uint32_t frame, bool all)
{
	const struct frame *f = st->frames[frame];
	struct text t;

	t.len = 0;
	t.buf[0] = 0;
	if (frame)
		put(&t, " frame%u:", frame);
	for (int i = 0; i < MAX_BPF_REG; i++)
		if (f->regs[i].type != R_NONE && (all || env->scratch_regs[frame] & (1u << i))) {
			put(&t, " R%d=", i);
			put_reg(env, &t, &f->regs[i], frame);
		}
	for (uint32_t i = 0; i < f->n_slots; i++)
		if (!slot_empty(&f->slots[i]) && (all || env->scratch_slots[frame] & (1ull << i)))
			put_slot(env, &t, &f->slots[i], i, frame);
	put_refs(&t, st);
	if (f->is_callback)
		put(&t, f->is_async ? " async_cb" : " cb");
	put(&t, "\n");
	vlog(env, "%s", t.buf);
	env->scratch_regs[frame] = 0;
	env->scratch_slots[frame] = 0;
}

/* -- Instructions ------------------------------------------------------------------------ */

void print_line(struct env *env, uint32_t idx)
{
	const struct verify_in *in = env->in;
	uint32_t lo = 0, hi = in->n_line_info;
	const char *text, *file, *slash;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (in->line_info[mid].insn_off <= idx)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || env->last_line == lo)
		return;
	env->last_line = lo;
	text = btf__name_by_offset(in->btf, in->line_info[lo - 1].line_off);
	file = btf__name_by_offset(in->btf, in->line_info[lo - 1].file_name_off);
	slash = strrchr(file, '/');
	while (*text == ' ' || *text == '\t')
		text++;
	vlog(env, "; %s @ %s:%u\n", text, slash ? slash + 1 : file,
	     in->line_info[lo - 1].line_col >> 10);
}

static const char *call_name(void *arg, const struct bpf_insn *insn, char *buf, size_t size)
{
	const struct env *env = arg;
	const struct kfunc *kf = env->aux[insn - env->insns].kfunc;

	if (insn->src_reg != BPF_PSEUDO_KFUNC_CALL)
		return NULL;
	return kf ? kf->name : "kernel-function";
}

static const char *imm_text(void *arg, const struct bpf_insn *insn, uint64_t imm, char *buf,
			    size_t size)
{
	const struct env *env = arg;

	snprintf(buf, size, "0x%llx", (unsigned long long)env->aux[insn - env->insns].ld_value);
	return buf;
}

void print_insn(struct env *env, uint32_t idx)
{
	const struct disasm_names names = {env, call_name, imm_text};
	char buf[DISASM_MAX];

	print_line(env, idx);
	disasm_insn(&env->insns[idx], &names, buf, sizeof(buf));
	env->insn_len = snprintf(NULL, 0, "%u: %s", idx, buf);
	vlog(env, "%u: %s", idx, buf);
	env->line_open = true;
}

/* Level 2 begins with what is known before the walk: functions, and which registers live. */
void print_program(struct env *env)
{
	const struct disasm_names names = {env, call_name, imm_text};
	char dis[DISASM_MAX], live[BPF_REG_FP + 1] = "";

	if (!env->log || !(env->log->level & LOG_LEVEL2))
		return;
	for (uint32_t f = 0; f < env->n_funcs; f++)
		vlog(env, "func#%u @%u\n", f, env->funcs[f].start);
	vlog(env, "Live regs before insn:\n");
	for (uint32_t i = 0; i < env->n; i++) {
		uint32_t regs = flow_live_regs(env, i);

		if (env->aux[i].pad)
			continue;
		for (int r = 0; r < BPF_REG_FP; r++)
			live[r] = regs >> r & 1 ? (char)('0' + r) : '.';
		disasm_insn(&env->insns[i], &names, dis, sizeof(dis));
		vlog(env, "    %3u: %s %s\n", i, live, dis);
	}
}

void print_end_line(struct env *env)
{
	if (env->line_open)
		vlog(env, "%s", "");
}

void print_insn_state(struct env *env)
{
	uint32_t frame = env->st.depth, pos = (uint32_t)env->insn_len + 1, column;

	if (!env->scratch_regs[frame] && !env->scratch_slots[frame]) {
		print_end_line(env);
		return;
	}
	column = (max_t(uint32_t, pos + 4, 40) + 7) / 8 * 8;
	env->line_open = false;
	vlog(env, "%*c;", (int)(column - pos - 1), ' ');
	print_state(env, &env->st, frame, false);
}
