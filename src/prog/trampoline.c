/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Native functions in front of struct_ops programs.
 *
 * The machine code stores the arguments, those in registers and those on the stack, into an
 * array of u64 on its own stack and calls enter(), which converts them and runs the program
 * with the array as its context:
 *
 *   push rbp; mov rbp, rsp; sub rsp, room
 *   mov [rsp + 8 i], <register i>        up to 6
 *   mov rax, [rbp + 16 + 8 j]; mov [rsp + 48 + 8 j], rax
 *   mov rdi, member; mov rsi, rsp; mov rax, enter; call rax; leave; ret
 */
#include "arena/arena.h"
#include "base/base.h"
#include "os/exec.h"
#include "prog/struct_ops.h"

#if defined(__x86_64__)

/* -- Arguments and result ------------------------------------------------------- */

/* The ABI leaves the bits above a narrow argument undefined. */
static uint64_t widen(uint64_t v, const struct member_arg_conv *a)
{
	unsigned int shift = 64 - 8 * a->size;

	return a->is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v << shift >> shift;
}

static uint64_t convert(const struct member_func *f, const struct member_arg_conv *a, uint64_t v)
{
	if (!(a->flags & MEMBER_ARG_ARENA))
		return a->size < 8 ? widen(v, a) : v;
	if ((a->flags & MEMBER_ARG_NULLABLE) && !v)
		return 0;
	return (uint32_t)(v - (uintptr_t)arena_window_base(f->prog->arena));
}

static uint64_t enter(struct member_func *f, uint64_t *args)
{
	uint64_t ret = 0;
	int err;

	if (!f->plain)
		for (uint32_t i = 0; i < f->n_args; i++)
			args[i] = convert(f, &f->args[i], args[i]);
	err = prog_call(f->prog, args, f->n_args * 8, &ret);
	if (ua_unlikely(err))
		return f->ret_errno ? (uint64_t)(int64_t)err : 0;
	return ret;
}

/* -- Code ------------------------------------------------------------------------------ */

#define MAX_CODE 256
#define REG_ARGS 6

struct emitter {
	uint8_t buf[MAX_CODE];
	size_t len;
};

static void emit(struct emitter *e, const void *bytes, size_t n)
{
	ua_assert(e->len + n <= sizeof(e->buf));
	memcpy(e->buf + e->len, bytes, n);
	e->len += n;
}
#define EMIT(e, ...) emit(e, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void emit_u32(struct emitter *e, uint32_t v)
{
	emit(e, &v, sizeof(v));
}

static void emit_u64(struct emitter *e, uint64_t v)
{
	emit(e, &v, sizeof(v));
}

static void emit_save_args(struct emitter *e, uint32_t n_args)
{
	/* mov [rsp + disp8], reg: rdi rsi rdx rcx r8 r9 */
	static const uint8_t rex[REG_ARGS] = {0x48, 0x48, 0x48, 0x48, 0x4c, 0x4c};
	static const uint8_t modrm[REG_ARGS] = {0x7c, 0x74, 0x54, 0x4c, 0x44, 0x4c};

	for (uint32_t i = 0; i < n_args && i < REG_ARGS; i++)
		EMIT(e, rex[i], 0x89, modrm[i], 0x24, (uint8_t)(8 * i));
	for (uint32_t i = REG_ARGS; i < n_args; i++) {
		EMIT(e, 0x48, 0x8b, 0x45,
		     (uint8_t)(16 + 8 * (i - REG_ARGS)));	   /* mov rax, [rbp+d] */
		EMIT(e, 0x48, 0x89, 0x44, 0x24, (uint8_t)(8 * i)); /* mov [rsp+d], rax */
	}
}

static void emit_function(struct emitter *e, struct member_func *f)
{
	uint32_t room = (max_t(uint32_t, f->n_args, 1) * 8 + 15) & ~15u;

	EMIT(e, 0xf3, 0x0f, 0x1e, 0xfa); /* endbr64 */
	EMIT(e, 0x55, 0x48, 0x89, 0xe5); /* push rbp; mov rbp, rsp */
	EMIT(e, 0x48, 0x81, 0xec);	 /* sub rsp, imm32 */
	emit_u32(e, room);
	emit_save_args(e, f->n_args);
	EMIT(e, 0x48, 0xbf); /* mov rdi, imm64 */
	emit_u64(e, (uintptr_t)f);
	EMIT(e, 0x48, 0x89, 0xe6); /* mov rsi, rsp */
	EMIT(e, 0x48, 0xb8);	   /* mov rax, imm64 */
	emit_u64(e, (uintptr_t)enter);
	EMIT(e, 0xff, 0xd0, 0xc9, 0xc3); /* call rax; leave; ret */
}

int trampoline_new(struct member_func *f)
{
	struct emitter e = {.len = 0};
	int err;

	emit_function(&e, f);
	f->code_size = e.len;
	f->code = exec_alloc(e.len);
	UA_FAIL_IF(!f->code, -ENOMEM);
	err = exec_write(f->code, e.buf, e.len);
	if (err)
		trampoline_free(f);
	return err;
}

#else

int trampoline_new(struct member_func *f)
{
	log_warn("uarena: struct_ops: no native functions on this architecture\n");
	return -EOPNOTSUPP;
}

#endif

void trampoline_free(struct member_func *f)
{
	if (f->code)
		exec_free(f->code, f->code_size);
	f->code = NULL;
}
