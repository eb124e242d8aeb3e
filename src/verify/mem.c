/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads, stores and atomics: which pointers may be used how.
 *
 * Bounds of an access are those of its offset: the instruction's, the pointer's fixed one and
 * the range of its variable part. Only arena pointers have none: every 32-bit address lies in
 * the window.
 */
#include "map/map.h"
#include "verify/env.h"

/* -- Bounds ---------------------------------------------------------------------- */

static int region_denied(struct env *env, const struct reg *r, int regno, int off, int64_t size,
			 uint64_t region)
{
	switch (r->type) {
	case R_MAP_KEY:
		vlog(env, "invalid access to map key, key_size=%llu off=%d size=%lld\n",
		     (unsigned long long)region, off, (long long)size);
		break;
	case R_MAP_VALUE:
		vlog(env, "invalid access to map value, value_size=%llu off=%d size=%lld\n",
		     (unsigned long long)region, off, (long long)size);
		break;
	case R_PKT:
	case R_PKT_META:
		vlog(env, "invalid access to packet, off=%d size=%lld, R%d(id=%u,off=%d,r=%llu)\n",
		     off, (long long)size, regno, r->id, off, (unsigned long long)region);
		break;
	default:
		vlog(env, "invalid access to memory, mem_size=%llu off=%d size=%lld\n",
		     (unsigned long long)region, off, (long long)size);
	}
	return -EACCES;
}

static int check_in(struct env *env, const struct reg *r, int regno, int64_t off, int64_t size,
		    uint64_t region, bool zero_ok)
{
	bool size_ok = size > 0 || (size == 0 && zero_ok);

	if (off >= 0 && size_ok && (uint64_t)off + (uint64_t)size <= region)
		return 0;
	return region_denied(env, r, regno, (int)off, size, region);
}

/* [off, off + size) behind the register, whose offset varies, lies in `region` bytes. */
int check_region(struct env *env, int regno, int off, int64_t size, uint64_t region, bool zero_ok)
{
	const struct reg *r = &env_regs(env)[regno];
	int64_t at = (int64_t)r->off + off;

	if (r->s.smin < 0 &&
	    (r->s.smin == INT64_MIN || at + r->s.smin < 0 || at + r->s.smin > INT32_MAX)) {
		vlog(env,
		     "R%d min value is negative, either use unsigned index or do a if (index "
		     ">=0) check.\n",
		     regno);
		return -EACCES;
	}
	if (check_in(env, r, regno, at + r->s.smin, size, region, zero_ok)) {
		vlog(env, "R%d min value is outside of the allowed memory range\n", regno);
		return -EACCES;
	}
	if (r->s.umax >= MAX_VAR_OFF) {
		vlog(env,
		     "R%d unbounded memory access, make sure to bounds check any such access\n",
		     regno);
		return -EACCES;
	}
	if (check_in(env, r, regno, at + r->s.smax, size, region, zero_ok)) {
		vlog(env, "R%d max value is outside of the allowed memory range\n", regno);
		return -EACCES;
	}
	return 0;
}

int check_align(struct env *env, const struct reg *reg, int off, int size, bool strict)
{
	const char *what = reg->type == R_STACK	      ? "stack "
			   : reg->type == R_CTX	      ? "context "
			   : reg->type == R_MAP_KEY   ? "key "
			   : reg->type == R_MAP_VALUE ? "value "
						      : "";
	struct tnum t = tnum_add(reg->s.var, tnum_const((uint64_t)((int64_t)reg->off + off)));
	char buf[64];

	if (!strict && reg->type != R_STACK && !(env->in->prog_flags & BPF_F_STRICT_ALIGNMENT))
		return 0;
	if (!(tnum_max(t) & (uint64_t)(size - 1)))
		return 0;
	tnum_print(buf, sizeof(buf), reg->s.var);
	vlog(env, "misaligned %saccess off %s+%d+%d size %d\n", what, buf, reg->off, off, size);
	return -EACCES;
}

int check_fixed_off(struct env *env, const struct reg *reg, int regno, bool off_ok)
{
	char name[64], buf[64];

	reg_type_name(reg, name);
	if (reg->off < 0) {
		vlog(env, "negative offset %s ptr R%d off=%d disallowed\n", name, regno, reg->off);
		return -EACCES;
	}
	if (!off_ok && reg->off) {
		vlog(env, "dereference of modified %s ptr R%d off=%d disallowed\n", name, regno,
		     reg->off);
		return -EACCES;
	}
	if (!scalar_is_const(&reg->s) || reg->s.var.value) {
		tnum_print(buf, sizeof(buf), reg->s.var);
		vlog(env, "variable %s access var_off=%s disallowed\n", name, buf);
		return -EACCES;
	}
	return 0;
}

/* -- Map values ---------------------------------------------------------------------- */

static bool overlaps(int64_t lo, int64_t hi, int field, int64_t size)
{
	return field >= 0 && lo < field + size && hi > field;
}

/* Locks and timers inside a value are the engine's: plain accesses must not touch them. */
static int check_special_fields(struct env *env, const struct reg *r, int off, int64_t size)
{
	const struct map_record *rec = &r->map->rec;
	int64_t lo = (int64_t)r->off + off + r->s.smin,
		hi = (int64_t)r->off + off + r->s.smax + size;
	const char *name = overlaps(lo, hi, rec->spin_lock_off, 4)	 ? "bpf_spin_lock"
			   : overlaps(lo, hi, rec->res_spin_lock_off, 4) ? "bpf_res_spin_lock"
			   : overlaps(lo, hi, rec->timer_off, 16)	 ? "bpf_timer"
			   : overlaps(lo, hi, rec->wq_off, 16)		 ? "bpf_wq"
			   : map_kptr_in(r->map, lo, hi)		 ? "kptr"
									 : NULL;

	if (!name)
		return 0;
	vlog(env, "%s cannot be accessed directly by load/store\n", name);
	return -EACCES;
}

static int check_map_value(struct env *env, int regno, int off, int64_t size, bool zero_ok,
			   enum access acc)
{
	const struct reg *r = &env_regs(env)[regno];
	uint32_t deny = acc == ACC_WRITE ? BPF_F_RDONLY_PROG : BPF_F_WRONLY_PROG;

	if (r->map->v.map_flags & deny) {
		vlog(env, "%s map forbidden, value_size=%u off=%d size=%lld\n",
		     acc == ACC_WRITE ? "write into" : "read from", r->map->v.value_size, off,
		     (long long)size);
		return -EACCES;
	}
	UA_TRY(check_region(env, regno, off, size, r->map->v.value_size, zero_ok));
	return check_special_fields(env, r, off, size);
}

static const struct map_kptr *kptr_accessed(const struct reg *r, int off, int size)
{
	int64_t at = (int64_t)r->off + off;

	if (r->s.smin <= -MAX_VAR_OFF || r->s.smax >= MAX_VAR_OFF)
		return NULL; /* outside of the value: check_region() says so */
	return map_kptr_in(r->map, at + r->s.smin, at + r->s.smax + size);
}

/* Programs may load the pointer; what they get is good only while its object cannot go. */
static int kptr_access(struct env *env, int regno, int off, int size, enum access acc, int value,
		       struct reg *out)
{
	const struct reg *r = &env_regs(env)[regno];
	const struct map_kptr *kptr = kptr_accessed(r, off, size);
	struct map *map = r->map;
	bool rcu = env->st.rcu || !env->st.in_sleepable;

	UA_TRY(check_region(env, regno, off, size, map->v.value_size, false));
	if (!scalar_is_const(&r->s) || size != 8 ||
	    (int64_t)r->off + off + (int64_t)r->s.var.value != kptr->off) {
		vlog(env, "kptr access size must be BPF_DW at its own offset\n");
		return -EACCES;
	}
	if (acc != ACC_READ || value < 0 || !map->btf) {
		vlog(env, "store to referenced kptr disallowed\n");
		return -EACCES;
	}
	reg_pointer(out, R_BTF, RF_NULL | (rcu ? RF_RCU : RF_UNTRUSTED));
	out->btf_id =
		btf_find(env->in->engine_btf, btf_type_name(map->btf, kptr->type), BTF_KIND_STRUCT);
	out->id = new_id(env);
	return out->btf_id ? 0 : -EINVAL;
}

/* A load from a frozen read-only map at a known place is a constant. */
static bool frozen_value(struct env *env, const struct reg *r, int off, int size, bool sext,
			 uint64_t *v)
{
	struct map *map = r->map;
	uint64_t addr = 0, at = (uint64_t)((int64_t)r->off + off) + r->s.var.value;

	if (!scalar_is_const(&r->s) || !(map->v.map_flags & BPF_F_RDONLY_PROG) ||
	    !atomic_load(&map->frozen) || atomic_load(&map->writers) || !map->v.ops->direct_value ||
	    at + (uint64_t)size > map->v.value_size ||
	    map->v.ops->direct_value(map, &addr, (uint32_t)at))
		return false;
	*v = 0;
	memcpy(v, (const void *)(uintptr_t)addr, (size_t)size);
	if (sext)
		*v = (uint64_t)((int64_t)(*v << (64 - 8 * size)) >> (64 - 8 * size));
	return true;
}

/* -- Packets ----------------------------------------------------------------------------- */

static int check_packet(struct env *env, int regno, int off, int64_t size, bool zero_ok)
{
	const struct reg *r = &env_regs(env)[regno];
	int64_t at = (int64_t)r->off + off;

	if (r->s.smin < 0) {
		vlog(env,
		     "R%d min value is negative, either use unsigned index or do a if (index "
		     ">=0) check.\n",
		     regno);
		return -EACCES;
	}
	if (check_in(env, r, regno, at, size, r->range, zero_ok)) {
		vlog(env, "R%d offset is outside of the packet\n", regno);
		return -EACCES;
	}
	return 0;
}

/* -- Dispatch by pointer type ---------------------------------------------------------------- */

static int bad_pointer(struct env *env, int regno)
{
	char name[64];

	vlog(env, "R%d invalid mem access '%s'\n", regno,
	     reg_type_name(&env_regs(env)[regno], name));
	return -EACCES;
}

static bool mixes(uint8_t type)
{
	return type != R_CTX && type != R_BTF && type != R_ARENA;
}

/* An instruction is rewritten for one kind of pointer: it must meet the same on every path. */
static int save_type(struct env *env, uint8_t type)
{
	struct insn_aux *aux = &env->aux[env->insn_idx];

	if (aux->mem_type != R_NONE && aux->mem_type != type &&
	    (!mixes(aux->mem_type) || !mixes(type))) {
		vlog(env, "same insn cannot be used with different pointers\n");
		return -EINVAL;
	}
	aux->mem_type = type;
	return 0;
}

static int check_mem_region(struct env *env, int regno, int off, int size, enum access acc)
{
	const struct reg *r = &env_regs(env)[regno];
	char name[64];

	if (acc == ACC_WRITE && r->flags & RF_RDONLY) {
		vlog(env, "R%d cannot write into %s\n", regno, reg_type_name(r, name));
		return -EACCES;
	}
	/* The address of a kernel symbol: any load may fault, so it is probed. */
	if (r->flags & RF_UNTRUSTED)
		return 0;
	return check_region(env, regno, off, size, r->size, false);
}

static int check_context(struct env *env, int regno, int off, int size, enum access acc, int value,
			 bool sext, struct reg *out)
{
	const struct reg *r = &env_regs(env)[regno];

	UA_TRY(check_fixed_off(env, r, regno, false));
	UA_TRY(ctx_access(env, off, size, acc, value, out));
	if (!sext || out->type == R_SCALAR)
		return 0;
	vlog(env, "invalid bpf_context access off=%d size=%d\n", off, size); /* half a pointer */
	return -EACCES;
}

/* Whether the access is allowed, and what a load gives. */
static int check_by_type(struct env *env, int regno, int off, int size, enum access acc, int value,
			 bool sext, struct reg *out)
{
	const struct reg *r = &env_regs(env)[regno];
	uint64_t v;

	switch (r->type) {
	case R_MAP_VALUE:
		if (kptr_accessed(r, off, size))
			return kptr_access(env, regno, off, size, acc, value, out);
		UA_TRY(check_map_value(env, regno, off, size, false, acc));
		if (acc == ACC_READ && value >= 0 && frozen_value(env, r, off, size, sext, &v))
			reg_const(out, v);
		return 0;
	case R_MAP_KEY:
		if (acc == ACC_WRITE) {
			vlog(env, "write to change key R%d not allowed\n", regno);
			return -EACCES;
		}
		return check_region(env, regno, off, size, r->map->v.key_size, false);
	case R_MEM:
		return check_mem_region(env, regno, off, size, acc);
	case R_CTX:
		return check_context(env, regno, off, size, acc, value, sext, out);
	case R_PKT:
	case R_PKT_META:
		return check_packet(env, regno, off, size, false);
	case R_BTF:
		return btf_access(env, regno, off, size, acc, out);
	case R_MAP_PTR:
		return map_ptr_access(env, regno, off, size, acc, out);
	case R_ARENA:
		return 0;
	default:
		return bad_pointer(env, regno);
	}
}

static void fit(struct reg *r, int size, bool sext)
{
	if (r->type != R_SCALAR || size == 8)
		return;
	if (sext)
		scalar_sext(&r->s, size * 8, false);
	else
		scalar_trunc(&r->s, size);
}

int mem_access(struct env *env, int regno, int off, int size, enum access acc, int value, bool sext)
{
	const struct reg *r = &env_regs(env)[regno];
	struct reg out;

	if (r->flags & RF_NULL && !(r->type == R_BTF && r->flags & RF_UNTRUSTED))
		return bad_pointer(env, regno);
	if (r->type != R_ARENA)
		UA_TRY(check_align(env, r, off, size, false));
	if (r->type == R_STACK)
		return acc == ACC_WRITE ? stack_write(env, regno, off, size, value,
						      &env->insns[env->insn_idx])
					: stack_read(env, regno, off, size, value, sext);
	reg_scalar(&out);
	UA_TRY(check_by_type(env, regno, off, size, acc, value, sext, &out));
	if (acc == ACC_READ && value >= 0) {
		if (out.type != R_SCALAR || !scalar_is_const(&out.s))
			fit(&out, size, sext);
		env_regs(env)[value] = out;
		touch_reg(env, value);
	}
	return 0;
}

/* -- Arguments of calls ------------------------------------------------------------------ */

static int check_buffer_arg(struct env *env, int regno, uint64_t size, bool zero_ok,
			    enum access acc)
{
	const struct reg *r = &env_regs(env)[regno];
	char name[64];

	if (acc == ACC_WRITE && r->flags & RF_RDONLY) {
		vlog(env, "R%d cannot write into %s\n", regno, reg_type_name(r, name));
		return -EACCES;
	}
	return check_region(env, regno, 0, (int64_t)size, r->size, zero_ok);
}

static int check_ctx_arg(struct env *env, int regno, uint64_t size)
{
	const struct reg *r = &env_regs(env)[regno];
	struct reg out;

	UA_TRY(check_fixed_off(env, r, regno, false));
	if (!size)
		return 0;
	return ctx_access(env, (int)size - 1, 1, ACC_WRITE, -1, &out);
}

int mem_arg(struct env *env, int regno, uint64_t size, bool zero_ok, enum access acc, bool raw)
{
	const struct reg *r = &env_regs(env)[regno];
	uint64_t v;
	char name[64];
	struct reg out;

	switch (r->flags & RF_NULL ? R_NONE : r->type) {
	case R_STACK:
		return stack_arg(env, regno, 0, size, zero_ok, acc, raw);
	case R_MAP_VALUE:
		return check_map_value(env, regno, 0, (int64_t)size, zero_ok, acc);
	case R_MAP_KEY:
		if (acc == ACC_WRITE)
			break;
		return check_region(env, regno, 0, (int64_t)size, r->map->v.key_size, zero_ok);
	case R_MEM:
		return check_buffer_arg(env, regno, size, zero_ok, acc);
	case R_PKT:
	case R_PKT_META:
		return check_packet(env, regno, 0, (int64_t)size, zero_ok);
	case R_BTF:
		if (acc == ACC_WRITE || size > INT32_MAX)
			break;
		return btf_access(env, regno, 0, (int)size, ACC_READ, &out);
	case R_CTX:
		if (env->in->prog_type == BPF_PROG_TYPE_SYSCALL && size <= UINT16_MAX)
			return check_ctx_arg(env, regno, size);
		break;
	default:
		if (zero_ok && !size && reg_is_const(r, &v) && !v)
			return 0;
	}
	vlog(env, "R%d type=%s expected=fp\n", regno, reg_type_name(r, name));
	return -EACCES;
}

/* -- Instructions ---------------------------------------------------------------------------- */

static bool arena_can(const struct bpf_insn *insn)
{
#ifdef __x86_64__
	/* One faulting instruction per access: fetching AND, OR, XOR would need a loop. */
	return insn->imm != (BPF_AND | BPF_FETCH) && insn->imm != (BPF_OR | BPF_FETCH) &&
	       insn->imm != (BPF_XOR | BPF_FETCH);
#else
	return true;
#endif
}

static int check_atomic_type(struct env *env, const struct bpf_insn *insn, int regno,
			     const char *verb)
{
	const struct reg *r = &env_regs(env)[regno];
	char name[64];

	if (r->type != R_CTX && r->type != R_PKT && r->type != R_PKT_META && r->type != R_PKT_END &&
	    r->type != R_MAP_KEY && (r->type != R_ARENA || arena_can(insn)))
		return 0;
	vlog(env, "BPF_ATOMIC %s R%d %s is not allowed\n", verb, regno, reg_type_name(r, name));
	return -EACCES;
}

static int atomic_access(struct env *env, int regno, const struct bpf_insn *insn, enum access acc,
			 int value)
{
	int size = (int)bpf_size_bytes(insn->code);

	if (env_regs(env)[regno].type != R_ARENA)
		UA_TRY(check_align(env, &env_regs(env)[regno], insn->off, size, true));
	return mem_access(env, regno, insn->off, size, acc, value, false);
}

static int load_acquire(struct env *env, const struct bpf_insn *insn)
{
	uint8_t type = env_regs(env)[insn->src_reg].type; /* which the load may replace */

	UA_TRY(check_reg_read(env, insn->src_reg));
	UA_TRY(check_reg_write(env, insn->dst_reg));
	UA_TRY(check_atomic_type(env, insn, insn->src_reg, "loads from"));
	UA_TRY(atomic_access(env, insn->src_reg, insn, ACC_READ, insn->dst_reg));
	return save_type(env, type);
}

static int store_release(struct env *env, const struct bpf_insn *insn)
{
	UA_TRY(check_reg_read(env, insn->src_reg));
	UA_TRY(check_reg_read(env, insn->dst_reg));
	UA_TRY(check_atomic_type(env, insn, insn->dst_reg, "stores into"));
	UA_TRY(atomic_access(env, insn->dst_reg, insn, ACC_WRITE, insn->src_reg));
	return save_type(env, env_regs(env)[insn->dst_reg].type);
}

static int rmw(struct env *env, const struct bpf_insn *insn)
{
	uint8_t type = env_regs(env)[insn->dst_reg].type;
	int fetch = insn->imm == BPF_CMPXCHG ? BPF_REG_0
		    : insn->imm & BPF_FETCH  ? insn->src_reg
					     : -1;

	UA_TRY(check_reg_read(env, insn->src_reg));
	UA_TRY(check_reg_read(env, insn->dst_reg));
	if (insn->imm == BPF_CMPXCHG)
		UA_TRY(check_reg_read(env, BPF_REG_0));
	UA_TRY(check_atomic_type(env, insn, insn->dst_reg, "stores into"));
	if (fetch >= 0)
		UA_TRY(check_reg_write(env, fetch));
	/* As in Linux, an address held in the register that takes the old value is gone then. */
	UA_TRY(atomic_access(env, insn->dst_reg, insn, ACC_READ, fetch));
	UA_TRY(atomic_access(env, insn->dst_reg, insn, ACC_WRITE, -1));
	return save_type(env, type);
}

static int atomic(struct env *env, const struct bpf_insn *insn)
{
	if (insn->imm == BPF_LOAD_ACQ)
		return load_acquire(env, insn);
	if (insn->imm == BPF_STORE_REL)
		return store_release(env, insn);
	return rmw(env, insn);
}

static int load(struct env *env, const struct bpf_insn *insn)
{
	uint8_t type = env_regs(env)[insn->src_reg].type;

	UA_TRY(check_reg_read(env, insn->src_reg));
	UA_TRY(check_reg_write(env, insn->dst_reg));
	UA_TRY(mem_access(env, insn->src_reg, insn->off, (int)bpf_size_bytes(insn->code), ACC_READ,
			  insn->dst_reg, BPF_MODE(insn->code) == BPF_MEMSX));
	return save_type(env, type);
}

static int store(struct env *env, const struct bpf_insn *insn)
{
	int value = BPF_CLASS(insn->code) == BPF_STX ? insn->src_reg : -1;

	if (value >= 0)
		UA_TRY(check_reg_read(env, value));
	UA_TRY(check_reg_read(env, insn->dst_reg));
	UA_TRY(mem_access(env, insn->dst_reg, insn->off, (int)bpf_size_bytes(insn->code), ACC_WRITE,
			  value, false));
	return save_type(env, env_regs(env)[insn->dst_reg].type);
}

int mem_step(struct env *env, const struct bpf_insn *insn)
{
	if (BPF_CLASS(insn->code) == BPF_LDX)
		return load(env, insn);
	if (BPF_CLASS(insn->code) == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC)
		return atomic(env, insn);
	return store(env, insn);
}
