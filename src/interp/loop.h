/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interpreter's loop: one piece of code per operation, threaded with computed gotos.
 *
 * Included by interp.c and nowhere else, once per mode: LOOP names the function, CHECKED says
 * whether plain accesses, calls and jumps are checked. The table of labels is made from the
 * one list of operations, so an operation without code here does not compile.
 *
 * Registers stay in a local array whose address does not escape; what reports and stack dumps
 * need is written to the activation only before leaving the loop's own code.
 */

/* One operation per line, as a table. */
/* clang-format off */
#define OP(id) L_##id:
#define D r[pc->dst]
#define S r[pc->src]
#define K ((uint64_t)pc->imm)
#define DISPATCH() goto *labels[pc->op]
#define NEXT()                                                                                     \
	do {                                                                                       \
		pc++;                                                                              \
		DISPATCH();                                                                        \
	} while (0)
#define TAKE()                                                                                     \
	do {                                                                                       \
		if (CHECKED && ua_unlikely(--in->steps == 0) && !checked_pause(in, pc))            \
			goto stopped;                                                              \
		pc = ops + pc->imm;                                                                \
		DISPATCH();                                                                        \
	} while (0)

#define ALU(N, e64, e32)                                                                           \
	OP(N##64_K) { const uint64_t a = D, b = K; D = (e64); NEXT(); }                            \
	OP(N##64_X) { const uint64_t a = D, b = S; D = (e64); NEXT(); }                            \
	OP(N##32_K) { const uint32_t a = (uint32_t)D, b = (uint32_t)K; D = (uint32_t)(e32); NEXT(); } \
	OP(N##32_X) { const uint32_t a = (uint32_t)D, b = (uint32_t)S; D = (uint32_t)(e32); NEXT(); }

#define UNARY(N, e)                                                                                \
	OP(N) { const uint64_t a = D; D = (e); NEXT(); }
#define MOVE(N, e)                                                                                 \
	OP(N) { const uint64_t a = S; D = (e); NEXT(); }

#define JUMP1(N, type, right, cond)                                                                \
	OP(N) { const type a = (type)D, b = (type)(right); if (cond) TAKE(); NEXT(); }
#define JUMP(N, t64, t32, cond)                                                                    \
	JUMP1(N##64_K, t64, (int64_t)pc->off, cond)                                                \
	JUMP1(N##64_X, t64, S, cond)                                                               \
	JUMP1(N##32_K, t32, pc->off, cond)                                                         \
	JUMP1(N##32_X, t32, S, cond)

/* Addresses. An arena address is the 64-bit sum of base, low half and signed offset. */
#define PLAIN(reg) host_ptr((reg) + (uint64_t)(int64_t)pc->off)
#define ARENA(reg) ((void *)(base + (uint32_t)(reg) + (int64_t)pc->off))
#define ARENA_MISSING() (CHECKED && ua_unlikely(!base))

/* In checked mode: an access that needs no question succeeds here, any other goes on. */
#define FAST(access, reg, size, ...)                                                               \
	((fast = locate_fast(in, base, reg, pc->off, size)) && access(fast, __VA_ARGS__))

#define LOAD_VAL(v, type) ((uint64_t)(type)(v))
/* Plain load: wild ones stop the program. */
#define LOAD(N, size, type, how)                                                                   \
	OP(N) {                                                                                    \
		uint64_t v;                                                                        \
		void *fast;                                                                        \
		if (CHECKED ? !FAST(how, S, size, size, &v) && !checked_load(in, pc, S, size, &v)  \
			    : !how(PLAIN(S), size, &v))                                            \
			goto bad_load;                                                             \
		D = LOAD_VAL(v, type);                                                             \
		NEXT();                                                                            \
	}
/* Load through a BTF pointer, which may be stale: 0 then, and no word about it. */
#define PROBE_LOAD(N, size, type)                                                                  \
	OP(N) {                                                                                    \
		uint64_t v;                                                                        \
		if (!access_load(PLAIN(S), size, &v))                                              \
			v = 0;                                                                     \
		D = LOAD_VAL(v, type);                                                             \
		NEXT();                                                                            \
	}
#define ARENA_LOAD(N, size, type, how)                                                             \
	OP(N) {                                                                                    \
		uint64_t v;                                                                        \
		if (ARENA_MISSING())                                                               \
			goto no_arena;                                                             \
		if (ua_unlikely(!how(ARENA(S), size, &v))) {                                       \
			violate(in, pc, S, false);                                                   \
			v = 0;                                                                     \
		}                                                                                  \
		D = LOAD_VAL(v, type);                                                             \
		NEXT();                                                                            \
	}
#define STORE(N, size, val, how)                                                                   \
	OP(N) {                                                                                    \
		void *fast;                                                                        \
		if (CHECKED ? !FAST(how, D, size, size, val) && !checked_store(in, pc, D, size, val) \
			    : !how(PLAIN(D), size, val))                                           \
			goto bad_store;                                                            \
		NEXT();                                                                            \
	}
#define ARENA_STORE(N, size, val, how)                                                             \
	OP(N) {                                                                                    \
		if (ARENA_MISSING())                                                               \
			goto no_arena;                                                             \
		if (ua_unlikely(!how(ARENA(D), size, val)))                                        \
			violate(in, pc, D, true);                                                    \
		NEXT();                                                                            \
	}

/* Register that receives the old value: r0 of CMPXCHG, the source of other fetching forms. */
#define RMW_DONE(op, old)                                                                          \
	do {                                                                                       \
		if ((op) == BPF_CMPXCHG)                                                           \
			r[0] = (old);                                                              \
		else if ((op) & BPF_FETCH)                                                         \
			S = (old);                                                                 \
	} while (0)
#define RMW1(N, size, op)                                                                          \
	OP(N) {                                                                                    \
		uint64_t v = S;                                                                    \
		if (CHECKED ? !checked_rmw(in, pc, size, op, D, &v, r[0])                          \
			    : !access_rmw(PLAIN(D), size, op, &v, r[0]))                           \
			goto bad_store;                                                            \
		RMW_DONE(op, v);                                                                   \
		NEXT();                                                                            \
	}
#define ARENA_RMW1(N, size, op)                                                                    \
	OP(N) {                                                                                    \
		uint64_t v = S;                                                                    \
		if (ARENA_MISSING())                                                               \
			goto no_arena;                                                             \
		if (ua_unlikely(!access_rmw(ARENA(D), size, op, &v, r[0]))) {                      \
			violate(in, pc, D, true);                                                    \
			v = 0;                                                                     \
		}                                                                                  \
		RMW_DONE(op, v);                                                                   \
		NEXT();                                                                            \
	}
#define RMW(N, op)                                                                                 \
	RMW1(A_##N##32, 4, op) RMW1(A_##N##64, 8, op)                                              \
	ARENA_RMW1(AA_##N##32, 4, op) ARENA_RMW1(AA_##N##64, 8, op)

#define LOAD_PACKET(N, offset)                                                                     \
	OP(N) {                                                                                    \
		uint64_t v = 0;                                                                    \
		if (!load_packet(in, pc, r[6], (int32_t)(offset), &v)) {                           \
			r[0] = 0;                                                                  \
			goto leave;                                                                \
		}                                                                                  \
		r[0] = v;                                                                          \
		NEXT();                                                                            \
	}

static uint64_t LOOP(struct interp *in, const struct code_func *func, const uint64_t args[5])
{
	static const void *const labels[OP_COUNT + 1] = {
#define X(id, kind, code, pick, text) [OP_##id] = &&L_##id,
		UA_OPCODES(X)
#undef X
		[OP_PAD] = &&L_PAD,
	};
	struct run *const run = in->run;
	const struct code *code = func->code;
	const struct op *ops = code->ops;
	const struct op *pc = ops + func->start;
	const uint8_t *base = code->arena ? arena_window_base(code->arena) : NULL;
	struct frame *frame = in->frames;
	uint64_t r[MAX_BPF_REG];

	r[0] = 0;
	memcpy(&r[1], args, 5 * sizeof(r[0]));
	r[6] = r[7] = r[8] = r[9] = 0;
	r[BPF_REG_FP] = (uintptr_t)in->stack + MAX_BPF_STACK;
	DISPATCH();

	ALU(ADD, a + b, a + b)
	ALU(SUB, a - b, a - b)
	ALU(MUL, a * b, a * b)
	ALU(DIV, b ? a / b : 0, b ? a / b : 0)
	ALU(SDIV, sdiv64(a, b), sdiv32(a, b))
	ALU(MOD, b ? a % b : a, b ? a % b : a)
	ALU(SMOD, smod64(a, b), smod32(a, b))
	ALU(OR, a | b, a | b)
	ALU(AND, a & b, a & b)
	ALU(XOR, a ^ b, a ^ b)
	ALU(LSH, a << (b & 63), a << (b & 31))
	ALU(RSH, a >> (b & 63), a >> (b & 31))
	ALU(ARSH, (uint64_t)((int64_t)a >> (b & 63)), (uint32_t)((int32_t)a >> (b & 31)))
	OP(MOV64_K) { D = K; NEXT(); }
	OP(MOV32_K) { D = (uint32_t)K; NEXT(); }
	MOVE(MOV64_X, a)
	MOVE(MOV32_X, (uint32_t)a)
	MOVE(MOVSX64_8, (uint64_t)(int8_t)a)
	MOVE(MOVSX64_16, (uint64_t)(int16_t)a)
	MOVE(MOVSX64_32, (uint64_t)(int32_t)a)
	MOVE(MOVSX32_8, (uint32_t)(int8_t)a)
	MOVE(MOVSX32_16, (uint32_t)(int16_t)a)
	UNARY(NEG64, -a)
	UNARY(NEG32, (uint32_t)-(uint32_t)a)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	UNARY(LE16, (uint16_t)a)
	UNARY(LE32, (uint32_t)a)
	UNARY(LE64, a)
	UNARY(BE16, __builtin_bswap16((uint16_t)a))
	UNARY(BE32, __builtin_bswap32((uint32_t)a))
	UNARY(BE64, __builtin_bswap64(a))
#else
	UNARY(BE16, (uint16_t)a)
	UNARY(BE32, (uint32_t)a)
	UNARY(BE64, a)
	UNARY(LE16, __builtin_bswap16((uint16_t)a))
	UNARY(LE32, __builtin_bswap32((uint32_t)a))
	UNARY(LE64, __builtin_bswap64(a))
#endif
	UNARY(BSWAP16, __builtin_bswap16((uint16_t)a))
	UNARY(BSWAP32, __builtin_bswap32((uint32_t)a))
	UNARY(BSWAP64, __builtin_bswap64(a))
	OP(CAST) {
		const uint32_t low = (uint32_t)S;
		const bool widen = K == BPF_CAST_USER && !code->no_user_conv && low;

		D = widen ? (uint64_t)code->user_hi << 32 | low : low;
		NEXT();
	}

	OP(LDIMM64) {
		D = pc->src == BPF_PSEUDO_FUNC ? (uint64_t)(uintptr_t)&code->funcs[pc->imm] : K;
		pc += 2;
		DISPATCH();
	}
	LOAD(LDX8, 1, uint8_t, access_load)
	LOAD(LDX16, 2, uint16_t, access_load)
	LOAD(LDX32, 4, uint32_t, access_load)
	LOAD(LDX64, 8, uint64_t, access_load)
	LOAD(LDSX8, 1, int8_t, access_load)
	LOAD(LDSX16, 2, int16_t, access_load)
	LOAD(LDSX32, 4, int32_t, access_load)
	PROBE_LOAD(PLDX8, 1, uint8_t)
	PROBE_LOAD(PLDX16, 2, uint16_t)
	PROBE_LOAD(PLDX32, 4, uint32_t)
	PROBE_LOAD(PLDX64, 8, uint64_t)
	PROBE_LOAD(PLDSX8, 1, int8_t)
	PROBE_LOAD(PLDSX16, 2, int16_t)
	PROBE_LOAD(PLDSX32, 4, int32_t)
	ARENA_LOAD(ALDX8, 1, uint8_t, access_load)
	ARENA_LOAD(ALDX16, 2, uint16_t, access_load)
	ARENA_LOAD(ALDX32, 4, uint32_t, access_load)
	ARENA_LOAD(ALDX64, 8, uint64_t, access_load)
	ARENA_LOAD(ALDSX8, 1, int8_t, access_load)
	ARENA_LOAD(ALDSX16, 2, int16_t, access_load)
	ARENA_LOAD(ALDSX32, 4, int32_t, access_load)
	LOAD(LDACQ8, 1, uint8_t, access_load_acquire)
	LOAD(LDACQ16, 2, uint16_t, access_load_acquire)
	LOAD(LDACQ32, 4, uint32_t, access_load_acquire)
	LOAD(LDACQ64, 8, uint64_t, access_load_acquire)
	ARENA_LOAD(ALDACQ8, 1, uint8_t, access_load_acquire)
	ARENA_LOAD(ALDACQ16, 2, uint16_t, access_load_acquire)
	ARENA_LOAD(ALDACQ32, 4, uint32_t, access_load_acquire)
	ARENA_LOAD(ALDACQ64, 8, uint64_t, access_load_acquire)
	STORE(ST8, 1, K, access_store)
	STORE(ST16, 2, K, access_store)
	STORE(ST32, 4, K, access_store)
	STORE(ST64, 8, K, access_store)
	STORE(STX8, 1, S, access_store)
	STORE(STX16, 2, S, access_store)
	STORE(STX32, 4, S, access_store)
	STORE(STX64, 8, S, access_store)
	STORE(STREL8, 1, S, access_store_release)
	STORE(STREL16, 2, S, access_store_release)
	STORE(STREL32, 4, S, access_store_release)
	STORE(STREL64, 8, S, access_store_release)
	ARENA_STORE(AST8, 1, K, access_store)
	ARENA_STORE(AST16, 2, K, access_store)
	ARENA_STORE(AST32, 4, K, access_store)
	ARENA_STORE(AST64, 8, K, access_store)
	ARENA_STORE(ASTX8, 1, S, access_store)
	ARENA_STORE(ASTX16, 2, S, access_store)
	ARENA_STORE(ASTX32, 4, S, access_store)
	ARENA_STORE(ASTX64, 8, S, access_store)
	ARENA_STORE(ASTREL8, 1, S, access_store_release)
	ARENA_STORE(ASTREL16, 2, S, access_store_release)
	ARENA_STORE(ASTREL32, 4, S, access_store_release)
	ARENA_STORE(ASTREL64, 8, S, access_store_release)
	RMW(ADD, BPF_ADD)
	RMW(OR, BPF_OR)
	RMW(AND, BPF_AND)
	RMW(XOR, BPF_XOR)
	RMW(FADD, BPF_ADD | BPF_FETCH)
	RMW(FOR, BPF_OR | BPF_FETCH)
	RMW(FAND, BPF_AND | BPF_FETCH)
	RMW(FXOR, BPF_XOR | BPF_FETCH)
	RMW(XCHG, BPF_XCHG)
	RMW(CMPXCHG, BPF_CMPXCHG)
	LOAD_PACKET(LDABS8, K)
	LOAD_PACKET(LDABS16, K)
	LOAD_PACKET(LDABS32, K)
	LOAD_PACKET(LDIND8, S + K)
	LOAD_PACKET(LDIND16, S + K)
	LOAD_PACKET(LDIND32, S + K)

	OP(JA) { TAKE(); }
	OP(JA32) { TAKE(); }
	JUMP(JEQ, uint64_t, uint32_t, a == b)
	JUMP(JNE, uint64_t, uint32_t, a != b)
	JUMP(JGT, uint64_t, uint32_t, a > b)
	JUMP(JGE, uint64_t, uint32_t, a >= b)
	JUMP(JLT, uint64_t, uint32_t, a < b)
	JUMP(JLE, uint64_t, uint32_t, a <= b)
	JUMP(JSGT, int64_t, int32_t, a > b)
	JUMP(JSGE, int64_t, int32_t, a >= b)
	JUMP(JSLT, int64_t, int32_t, a < b)
	JUMP(JSLE, int64_t, int32_t, a <= b)
	JUMP(JSET, uint64_t, uint32_t, a & b)
	OP(MAY_GOTO) {
		if (ua_unlikely(!frame->count))
			TAKE();
		if (ua_unlikely(!--frame->count)) {
			publish(in, pc);
			frame->count = run_may_goto(&frame->since);
		}
		NEXT();
	}

	OP(CALL_LOCAL) {
		if (CHECKED && ua_unlikely(--in->steps == 0) && !checked_pause(in, pc))
			goto stopped;
		if (CHECKED && in->act.depth == MAX_CALL_FRAMES) {
			stop(in, pc, -EFAULT, "ERROR: Too many nested function calls");
			goto stopped;
		}
		publish(in, pc);
		frame++;
		frame->ret = pc + 1;
		memcpy(frame->saved, &r[6], sizeof(frame->saved));
		frame_begin(in, in->act.depth++, code);
		r[BPF_REG_FP] += MAX_BPF_STACK;
		pc = ops + code->funcs[pc->imm].start;
		DISPATCH();
	}
	OP(CALL_HELPER) {
		if (CHECKED && !checked_call(in, pc, code, (uint64_t[5]){ r[1], r[2], r[3], r[4], r[5] }))
			goto stopped;
		publish(in, pc);
		r[0] = code->helper_fns[pc->imm](r[1], r[2], r[3], r[4], r[5]);
		if (pc->imm == CODE_TAIL_CALL && r[0])
			goto tail_call;
		if (ua_unlikely(run->stop))
			goto stopped;
		NEXT();
	}
	OP(CALL_KFUNC) {
		if (CHECKED && !checked_call(in, pc, code, (uint64_t[5]){ r[1], r[2], r[3], r[4], r[5] }))
			goto stopped;
		publish(in, pc);
		r[0] = kfunc_call(&code->kcalls[pc->imm], base, r);
		if (ua_unlikely(run->stop))
			goto stopped;
		NEXT();
	}
	OP(EXIT) { goto leave; }

tail_call:
	/* The frame goes on in another program; its caller, if any, stays what it is. */
	if (!CHECKED && ((const struct code *)host_ptr(r[0]))->checked) {
		stop(in, pc, -EFAULT, "ERROR: Tail call into a program that needs checks");
		goto stopped;
	}
	code = host_ptr(r[0]);
	ops = code->ops;
	pc = ops + code->funcs[0].start;
	base = code->arena ? arena_window_base(code->arena) : NULL;
	run->code = code;
	run->arena = code->arena;
	frame_begin(in, in->act.depth - 1, code);
	DISPATCH();

leave:
	if (in->act.depth == 1)
		return r[0];
	in->act.depth--;
	pc = frame->ret;
	memcpy(&r[6], frame->saved, sizeof(frame->saved));
	r[BPF_REG_FP] -= MAX_BPF_STACK;
	frame--;
	if (ua_unlikely(code != in->act.frame[in->act.depth - 1].code)) {
		code = in->act.frame[in->act.depth - 1].code;
		ops = code->ops;
		base = code->arena ? arena_window_base(code->arena) : NULL;
		run->code = code;
		run->arena = code->arena;
	}
	DISPATCH();

no_arena:
	stop(in, pc, -EFAULT, "ERROR: Arena access without an arena");
	goto stopped;
bad_load:
	if (!CHECKED)
		stop_wild(in, pc, S + (uint64_t)(int64_t)pc->off, bpf_size_bytes(op_info[pc->op].code),
			  false);
	goto stopped;
bad_store:
	if (!CHECKED)
		stop_wild(in, pc, D + (uint64_t)(int64_t)pc->off, bpf_size_bytes(op_info[pc->op].code),
			  true);
	goto stopped;
L_PAD:
	stop(in, pc, -EFAULT, "ERROR: Jump into the middle of an instruction");
stopped:
	return 0;
}
