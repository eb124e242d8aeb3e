/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Violation reports and stack dumps, in the kernel's shape:
 *
 *   ERROR: Arena WRITE access at unmapped address 0x7f0000003000
 *   CPU: 1 UID: 1000 PID: 4711 Comm: host
 *   Call trace:
 *   host_function+0x1c/0x40            a host access: the faulting function, and the kfunc
 *   bpf_prog_<tag>_<func>+0x18/0x90      or helper it was called through
 *     list->next = NULL; @ list.bpf.c:42
 *   <empty line>
 *
 * Innermost first; programs around a nested run follow. Offsets and sizes of BPF functions are
 * bytes of the rewritten program, the same under interpreter and JIT; a kfunc that is not the
 * faulting function itself shows offset 0.
 *
 * Everything here runs in signal handlers on small stacks: the text is produced twice, first
 * to learn its length, then into room reserved on the stream. Nothing is buffered. All that
 * could differ between the two passes is captured in struct facts.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "abi/helpers.h"
#include "base/base.h"
#include "interp/interp.h"
#include "jit/jit.h"
#include "map/map.h"
#include "os/symbols.h"
#include "prog/prog.h"
#include "prog/world.h"

#define MAX_FRAMES 16 /* shown per run record; a program has 8, callbacks add some */

struct facts {
	const char *headline; /* NULL: only the dump */
	uint64_t addr;	      /* with headline: appended in hex, unless 0 */
	bool has_addr;
	uint32_t cpu, uid, pid;
	char comm[16];
	struct run *run;
	const void *program_uc; /* fault inside compiled code */
	uintptr_t host_pc;	/* fault inside a host function, or 0 */
};

/* -- Text, counted or written ------------------------------------------------- */

struct sink {
	struct stream_msg *msg; /* NULL: only count */
	size_t len;
};

static void put_mem(struct sink *s, const char *text, size_t len)
{
	if (s->msg)
		stream_append(s->msg, text, len);
	s->len += len;
}

static void put(struct sink *s, const char *text)
{
	put_mem(s, text, strlen(text));
}

static void put_num(struct sink *s, uint64_t v, unsigned int base)
{
	char buf[20], *p = buf + sizeof(buf);

	do {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	put_mem(s, p, (size_t)(buf + sizeof(buf) - p));
}

static void put_symbol_end(struct sink *s, uint64_t off, uint64_t size)
{
	put(s, "+0x");
	put_num(s, off, 16);
	put(s, "/0x");
	put_num(s, size, 16);
	put(s, "\n");
}

/* -- Frames ---------------------------------------------------------------------- */

static void put_source(struct sink *s, const struct code *code, uint32_t slot)
{
	const struct code_line *line = code_line_at(code, slot);
	const char *text, *file;

	if (!line)
		return;
	text = line->text ? line->text : "";
	while (*text == ' ' || *text == '\t')
		text++;
	file = line->file ? line->file : "";
	if (strrchr(file, '/'))
		file = strrchr(file, '/') + 1;
	put(s, "  ");
	put(s, text);
	put(s, " @ ");
	put(s, file);
	put(s, ":");
	put_num(s, line->line, 10);
	put(s, "\n");
}

static void put_frame(struct sink *s, const struct code *code, uint32_t slot)
{
	const struct code_func *func = code_func_at(code, slot);
	uint32_t start = func ? func->start : 0, end = func ? func->end : code->n_ops;

	put(s, "bpf_prog_");
	put(s, code->tag);
	if (func && func->name[0]) {
		put(s, "_");
		put(s, func->name);
	}
	put_symbol_end(s, 8 * (uint64_t)(slot - start), 8 * (uint64_t)(end - start));
	put_source(s, code, slot);
}

static void put_interp_frames(struct sink *s, const struct run *run)
{
	const struct interp_activation *a;

	for (a = run->interp; a; a = a->prev)
		for (uint32_t i = a->depth; i-- > 0;)
			put_frame(s, a->frame[i].code, a->frame[i].slot);
}

static void put_native(struct sink *s, const struct run *run, const void *uc)
{
	struct jit_frame frames[MAX_FRAMES];
	uint32_t n = jit_backtrace(run, uc, frames, MAX_FRAMES);

	for (uint32_t i = 0; i < n; i++)
		put_frame(s, frames[i].func->code, frames[i].slot);
}

/* The frames up to a callback's start, then those that were left for the host that called it. */
static void put_native_frames(struct sink *s, const struct run *run, const void *uc)
{
	struct run view = *run;

	put_native(s, run, uc);
	for (const struct run_callback *cb = run->callbacks; cb; cb = cb->prev) {
		view.exit_fp = cb->exit_fp;
		put_native(s, &view, NULL);
	}
}

static void put_run(struct sink *s, const struct run *run, const void *uc)
{
	if (run->interp)
		put_interp_frames(s, run);
	else if (run->code && run->code->jit)
		put_native_frames(s, run, uc);
}

/* -- Host frames -------------------------------------------------------------------- */

/* The innermost program instruction, if it is a call: name and address of what it called. */
static bool innermost_call(const struct run *run, const char **name, uintptr_t *fn)
{
	const struct interp_activation *a = run->interp;
	const struct code *code = run->code;
	struct jit_frame frame;
	const struct op *op;
	uint32_t slot;

	if (a) {
		code = a->frame[a->depth - 1].code;
		slot = a->frame[a->depth - 1].slot;
	} else if (code && code->jit && jit_backtrace(run, NULL, &frame, 1)) {
		code = frame.func->code;
		slot = frame.slot;
	} else {
		return false;
	}
	op = &code->ops[slot];
	if (op->op == OP_CALL_KFUNC) {
		*name = code->kcalls[op->imm].name;
		*fn = (uintptr_t)code->kcalls[op->imm].fn;
		return true;
	}
	if (op->op != OP_CALL_HELPER || op->imm < 0 || op->imm >= code->n_helper_fns)
		return false;
	*name = helper_name((uint32_t)op->imm);
	*fn = (uintptr_t)code->helper_fns[op->imm];
	return *name != NULL;
}

static void put_host_frames(struct sink *s, const struct facts *f)
{
	struct symbol at, called = {0};
	bool known = symbols_find(f->host_pc, &at);
	const char *name;
	uintptr_t fn;

	if (known) {
		put(s, at.name);
		put_symbol_end(s, f->host_pc - at.start, at.size);
	} else {
		put(s, "0x");
		put_num(s, f->host_pc, 16);
		put(s, "\n");
	}
	if (!innermost_call(f->run, &name, &fn))
		return;
	symbols_find(fn, &called);
	if (known && at.is_function && called.is_function && at.start == called.start)
		return;
	put(s, name);
	put_symbol_end(s, 0, called.is_function ? called.size : 0);
}

/* -- The whole report ---------------------------------------------------------------- */

static void put_report(struct sink *s, const struct facts *f)
{
	if (f->headline) {
		put(s, f->headline);
		if (f->has_addr)
			put_num(s, f->addr, 16);
		put(s, "\n");
	}
	put(s, "CPU: ");
	put_num(s, f->cpu, 10);
	put(s, " UID: ");
	put_num(s, f->uid, 10);
	put(s, " PID: ");
	put_num(s, f->pid, 10);
	put(s, " Comm: ");
	put(s, f->comm);
	put(s, "\nCall trace:\n");
	if (f->host_pc)
		put_host_frames(s, f);
	for (const struct run *r = f->run; r; r = r->prev)
		put_run(s, r, r == f->run ? f->program_uc : NULL);
	put(s, "\n");
}

static void whoami_there(struct facts *f)
{
	const struct task_struct *t = world_here->current(world_here->arg);

	f->uid = 0;
	f->pid = (uint32_t)t->pid;
	memcpy(f->comm, t->comm, sizeof(f->comm));
}

static int send(struct stream *stream, struct facts *f)
{
	struct stream_msg msg;
	struct sink s = {0};
	int saved = errno, err;

	f->cpu = map_this_cpu();
	if (world_here) {
		whoami_there(f);
	} else {
		f->uid = (uint32_t)syscall(SYS_geteuid);
		f->pid = (uint32_t)syscall(SYS_gettid);
		syscall(SYS_prctl, PR_GET_NAME, f->comm);
	}
	put_report(&s, f);
	err = stream_begin(stream, s.len, &msg);
	if (!err) {
		s = (struct sink){.msg = &msg};
		put_report(&s, f);
		stream_commit(&msg);
	}
	errno = saved;
	return err;
}

static uintptr_t uc_pc(const void *uc)
{
	const ucontext_t *c = uc;

#if defined(__x86_64__)
	return (uintptr_t)c->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)c->uc_mcontext.pc;
#else
#error "where is the program counter in a ucontext_t?"
#endif
}

static struct stream *stderr_of(const struct run *run)
{
	return ((struct prog *)run->prog)->streams[BPF_STREAM_STDERR - 1];
}

void prog_report_violation(struct run *run, uint64_t addr, bool is_write, void *uc, int64_t idx)
{
	struct facts f = {
		.headline = is_write ? "ERROR: Arena WRITE access at unmapped address 0x"
				     : "ERROR: Arena READ access at unmapped address 0x",
		.addr = addr,
		.has_addr = true,
		.run = run,
	};

	if (idx >= 0)
		f.program_uc = uc;
	else if (uc)
		f.host_pc = uc_pc(uc);
	send(stderr_of(run), &f);
}

void prog_report(struct run *run, const char *headline)
{
	struct facts f = {.headline = headline, .run = run};

	send(stderr_of(run), &f);
}

int prog_print_stack(struct run *run, int stream_id)
{
	struct prog *prog = run->prog;
	struct facts f = {.run = run};

	UA_FAIL_IF(stream_id != BPF_STREAM_STDOUT && stream_id != BPF_STREAM_STDERR, -ENOENT);
	send(prog->streams[stream_id - 1], &f);
	return 0;
}
