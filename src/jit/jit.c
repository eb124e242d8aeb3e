/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The JIT, generic half: runs the stages (ir.h, target.h), settles jump sizes, places the
 * image and registers its exception table.
 *
 * An image is one block: the functions in order, each followed by its cold paths, then shared
 * thunks, then pointers to host functions. It refers to itself by relative addresses only.
 */
#include "jit/image.h"
#include "jit/target.h"
#include "jit/tools.h"

#include "os/exec.h"

#include <sys/random.h>

#define MAX_CODE (64u << 20)
#define MAX_SHRINKING_PASSES 12 /* then jumps stay as they are, and loops unpadded */

bool jit_available(void)
{
	return target_available();
}

/* -- Assembler ------------------------------------------------------------ */

uint32_t asm_label_new(struct jit *j)
{
	ASM_PUSH(j, labels, {0});
	return (uint32_t)j->n_labels - 1;
}

void asm_label_here(struct jit *j, uint32_t label)
{
	if (!j->err)
		j->labels[label] = (uint32_t)j->n;
}

uint32_t asm_func_label(const struct jit *j, uint32_t func)
{
	return (uint32_t)j->ir.n + func;
}

void asm_reference(struct jit *j, uint32_t label, uint8_t size, uint32_t jump)
{
	ASM_PUSH(j, fixups, {(uint32_t)j->n, label, size, jump});
	for (uint8_t i = 0; i < size; i++)
		put1(j, 0);
}

bool asm_jump_is_short(struct jit *j, uint32_t *jump)
{
	*jump = j->n_jumps++;
	if (*jump == j->n_shorts)
		ASM_PUSH(j, shorts, JUMP_LONG);
	return !j->err && j->shorts[*jump] == JUMP_SHORT;
}

void asm_ext(struct jit *j, struct ext_entry e)
{
	ASM_PUSH(j, ext, e);
}

void asm_mark_slot(struct jit *j, uint32_t slot)
{
	struct slot_mark *last = j->n_marks ? &j->marks[j->n_marks - 1] : NULL;

	if (last && last->at == j->n)
		last->slot = slot;
	else if (!last || last->slot != slot)
		ASM_PUSH(j, marks, {(uint32_t)j->n, slot});
}

void asm_cold(struct jit *j, uint32_t node, uint32_t entry, uint32_t back)
{
	ASM_PUSH(j, cold, {node, entry, back});
}

uint64_t asm_random(struct jit *j)
{
	j->blind_state ^= j->blind_state << 13;
	j->blind_state ^= j->blind_state >> 7;
	j->blind_state ^= j->blind_state << 17;
	return j->blind_state;
}

/* -- Passes --------------------------------------------------------------- */

static void emit_pass(struct jit *j)
{
	j->n = 0;
	j->n_labels = 0;
	j->n_fixups = j->n_calls = j->n_ext = j->n_marks = j->n_cold = 0;
	j->n_jumps = 0;
	j->blind_state = j->blind_seed;
	for (size_t i = 0; i < j->ir.n + j->code->n_funcs; i++)
		asm_label_new(j);
	j->thunk_label = asm_label_new(j);
	for (uint32_t f = 0; f < j->code->n_funcs && !j->err; f++)
		target_emit_func(j, f);
	if (!j->err)
		target_emit_shared(j);
}

static int64_t distance(const struct jit *j, const struct fixup *fix)
{
	return (int64_t)j->labels[fix->label] - (fix->at + fix->size);
}

/* Jumps that turned out near become short; one that padding pushed away again stays long. */
static bool adjust_jumps(struct jit *j)
{
	bool changed = false;

	for (size_t i = 0; i < j->n_fixups; i++) {
		const struct fixup *fix = &j->fixups[i];
		int64_t d = distance(j, fix);
		bool fits = d == (int8_t)d;
		uint8_t *size;

		if (fix->jump == NO_JUMP)
			continue;
		size = &j->shorts[fix->jump];
		if (*size == JUMP_LONG && fits && j->pass < MAX_SHRINKING_PASSES)
			*size = JUMP_SHORT;
		else if (*size == JUMP_SHORT && !fits)
			*size = JUMP_LONG_FOR_GOOD;
		else
			continue;
		changed = true;
	}
	return changed;
}

/*
 * A loop of up to a cache line should lie in one: it then runs from one line of the decoded-op
 * cache. Longer ones begin at half a line if that takes few bytes.
 */
uint32_t asm_loop_padding(const struct jit *j, uint32_t head)
{
	const struct node *n = &j->ir.nodes[head];
	uint32_t pos = (uint32_t)j->n, size;

	if (!j->prev || j->pass >= MAX_SHRINKING_PASSES)
		return 0;
	size = j->prev[n->loop_end + 1] - j->prev[head];
	if (size <= 64)
		return pos % 64 + size > 64 ? -pos % 64 : 0;
	return -pos % 32 <= 16 ? -pos % 32 : 0;
}

static int keep_offsets(struct jit *j)
{
	if (!j->prev)
		j->prev = mem_calloc(j->ir.n + 1, sizeof(*j->prev));
	UA_FAIL_IF(!j->prev, -ENOMEM);
	memcpy(j->prev, j->labels, (j->ir.n + 1) * sizeof(*j->prev));
	return 0;
}

static int emit_all(struct jit *j)
{
	j->cap = 64 * j->ir.n + 4096;
	j->buf = mem_alloc(j->cap);
	UA_FAIL_IF(!j->buf, -ENOMEM);
	for (;; j->pass++) {
		emit_pass(j);
		UA_TRY(j->err);
		UA_FAIL_IF(j->n > MAX_CODE, -EOPNOTSUPP);
		if (j->n > j->cap) {
			mem_free(j->buf);
			j->cap = 2 * j->n;
			j->buf = mem_alloc(j->cap);
			UA_FAIL_IF(!j->buf, -ENOMEM);
		} else if (!adjust_jumps(j) && j->pass >= 2) {
			return 0;
		}
		UA_TRY(keep_offsets(j));
	}
}

static void resolve(struct jit *j)
{
	for (size_t i = 0; i < j->n_fixups; i++) {
		const struct fixup *fix = &j->fixups[i];
		int32_t d = (int32_t)distance(j, fix);

		ua_assert(fix->size == 4 || d == (int8_t)d);
		memcpy(j->buf + fix->at, &d, fix->size);
	}
	for (size_t i = 0; i < j->n_ext; i++) {
		struct ext_entry *e = &j->ext[i];

		if (e->resume > MAX_CODE)
			e->resume = j->labels[UINT32_MAX - e->resume];
	}
}

/* -- Images --------------------------------------------------------------- */

static int by_pc(const void *a, const void *b)
{
	const struct ext_entry *x = a, *y = b;

	return (x->pc > y->pc) - (x->pc < y->pc);
}

static void image_destroy(struct jit_image *img)
{
	tools_withdraw(img);
	if (img->registered)
		ext_unregister(&img->region);
	exec_free(img->text, img->size);
	mem_free(img->ext);
	mem_free(img->marks);
	mem_free(img->funcs);
	mem_free(img);
}

static int describe_funcs(struct jit *j, struct jit_image *img)
{
	img->n_funcs = j->code->n_funcs;
	img->funcs = mem_calloc(img->n_funcs, sizeof(*img->funcs));
	UA_FAIL_IF(!img->funcs, -ENOMEM);
	for (uint32_t f = 0; f < img->n_funcs; f++) {
		uint32_t next = f + 1 < img->n_funcs ? asm_func_label(j, f + 1) : j->thunk_label;

		img->funcs[f] = (struct image_func){j->labels[asm_func_label(j, f)],
						    j->labels[next], j->frame_size[f]};
	}
	return 0;
}

/* The vectors of `j` become the image's. */
static int describe(struct jit *j, struct jit_image *img)
{
	UA_TRY(describe_funcs(j, img));
	img->code_end = (uint32_t)j->n;
	img->marks = j->marks;
	img->n_marks = j->n_marks;
	img->ext = j->ext;
	if (j->n_ext)
		qsort(j->ext, j->n_ext, sizeof(*j->ext), by_pc);
	j->marks = NULL;
	j->ext = NULL;
	return 0;
}

/* `text` gets the finished bytes; the buffer is enlarged for the literals first. */
static int place(struct jit *j, struct jit_image *img)
{
	size_t size = j->n + target_literals_size(j);
	uint8_t *buf = mem_realloc(j->buf, size);

	UA_FAIL_IF(!buf, -ENOMEM);
	j->buf = buf;
	memset(buf + j->n, 0, size - j->n);
	img->text = exec_alloc(size);
	UA_FAIL_IF(!img->text, -ENOMEM);
	img->size = size;
	target_finish(j, (uintptr_t)img->text);
	return exec_write(img->text, buf, size);
}

static int register_ext(struct jit *j, struct jit_image *img)
{
	img->region =
		(struct ext_region){(uintptr_t)img->text, (uintptr_t)img->text + img->code_end,
				    img->ext, (uint32_t)j->n_ext};
	UA_TRY(ext_register(&img->region));
	img->registered = true;
	return 0;
}

static int image_make(struct jit *j, struct jit_image **out)
{
	struct jit_image *img = mem_zalloc(sizeof(*img));
	int err;

	UA_FAIL_IF(!img, -ENOMEM);
	err = describe(j, img);
	if (!err)
		err = place(j, img);
	if (!err)
		err = register_ext(j, img);
	if (err) {
		image_destroy(img);
		return err;
	}
	*out = img;
	return 0;
}

/* -- Interface ------------------------------------------------------------ */

static int prepare(struct jit *j, struct code *code)
{
	j->code = code;
	if (code->blind &&
	    getrandom(&j->blind_seed, sizeof(j->blind_seed), 0) != sizeof(j->blind_seed))
		return -EIO;
	j->blind_seed |= 1;
	j->frame_size = mem_calloc(code->n_funcs, sizeof(*j->frame_size));
	UA_FAIL_IF(!j->frame_size, -ENOMEM);
	UA_TRY(ir_build(&j->ir, code));
	for (uint32_t f = 0; f < code->n_funcs; f++) {
		UA_TRY(ir_fuse(&j->ir, &j->ir.funcs[f]));
		UA_TRY(ir_hoist(&j->ir, &j->ir.funcs[f]));
	}
	return 0;
}

static void cleanup(struct jit *j)
{
	ir_free(&j->ir);
	mem_free(j->buf);
	mem_free(j->labels);
	mem_free(j->fixups);
	mem_free(j->shorts);
	mem_free(j->calls);
	mem_free(j->ext);
	mem_free(j->marks);
	mem_free(j->cold);
	mem_free(j->frame_size);
	mem_free(j->prev);
}

int jit_compile(struct code *code)
{
	struct jit j = {0};
	struct jit_image *img = NULL;
	int err;

	if (!target_available())
		return -EOPNOTSUPP;
	err = prepare(&j, code);
	if (!err)
		err = emit_all(&j);
	if (!err) {
		resolve(&j);
		err = image_make(&j, &img);
	}
	cleanup(&j);
	if (err)
		return err;
	for (uint32_t f = 0; f < code->n_funcs; f++)
		code->funcs[f].entry = img->text + img->funcs[f].start;
	code->jit = img;
	tools_announce(code, img);
	return 0;
}

static void image_release(struct epoch_item *item)
{
	image_destroy(container_of(item, struct jit_image, defer));
}

void jit_free(struct code *code)
{
	struct jit_image *img = code->jit;

	if (!img)
		return;
	/* The entries stay: a thread that found the program in time may be about to call one. */
	code->jit = NULL;
	epoch_defer(&img->defer, image_release);
}
