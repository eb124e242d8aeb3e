/* SPDX-License-Identifier: BSD-2-Clause */
/* Native address -> slot, and backtraces of compiled frames. Signal-safe: reads memory only. */
#include "jit/image.h"
#include "jit/target.h"

#include "arena/run.h"

/* -- Places in an image --------------------------------------------------- */

int64_t image_func_at(const struct jit_image *img, uint32_t at)
{
	uint32_t lo = 0, hi = img->n_funcs;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (img->funcs[mid].start <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && at < img->funcs[lo - 1].end ? (int64_t)lo - 1 : -1;
}

int64_t image_slot_at(const struct jit_image *img, uint32_t at)
{
	size_t lo = 0, hi = img->n_marks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (img->marks[mid].at <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || img->marks[lo - 1].slot == UINT32_MAX)
		return -1;
	return img->marks[lo - 1].slot;
}

static bool contains(const struct jit_image *img, uintptr_t pc)
{
	return img && pc - (uintptr_t)img->text < img->code_end;
}

int64_t jit_slot_at(const struct code *code, uintptr_t pc)
{
	const struct jit_image *img = code->jit;

	return contains(img, pc) ? image_slot_at(img, (uint32_t)(pc - (uintptr_t)img->text)) : -1;
}

/* -- Backtrace ------------------------------------------------------------ */

/* A return address belongs to the call before it. */
static bool describe_frame(const struct code *code, uintptr_t pc, bool is_return,
			   struct jit_frame *frame)
{
	const struct jit_image *img = code->jit;
	uint32_t at;
	int64_t func, slot;

	if (!contains(img, pc))
		return false;
	at = (uint32_t)(pc - (uintptr_t)img->text) - is_return;
	func = image_func_at(img, at);
	slot = image_slot_at(img, at);
	if (func < 0 || slot < 0)
		return false;
	*frame = (struct jit_frame){&code->funcs[func], (uint32_t)slot, pc};
	return true;
}

static bool innermost(const struct code *code, const struct run *run, const void *uc, uintptr_t *pc,
		      uintptr_t *fp)
{
	const struct jit_image *img = code->jit;
	int64_t func;

	if (uc) {
		target_fault_state(uc, pc, fp);
		if (contains(img, *pc))
			return true;
	}
	if (!run->exit_fp)
		return false;
	*pc = target_exit_pc(run->exit_fp);
	if (!contains(img, *pc))
		return false;
	func = image_func_at(img, (uint32_t)(*pc - (uintptr_t)img->text) - 1);
	if (func < 0)
		return false;
	*fp = target_exit_fp(run->exit_fp, img->funcs[func].frame_size);
	return true;
}

uint32_t jit_backtrace(const struct run *run, const void *uc, struct jit_frame *frames,
		       uint32_t max)
{
	const struct code *code = run->code;
	uintptr_t pc, fp;
	uint32_t n = 0;
	bool in_program;

	if (!code || !code->jit || !innermost(code, run, uc, &pc, &fp))
		return 0;
	in_program = uc && contains(code->jit, pc);
	while (n < max && describe_frame(code, pc, n > 0 || !in_program, &frames[n])) {
		n++;
		target_caller(&pc, &fp);
	}
	return n;
}
