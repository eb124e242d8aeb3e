/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, copying and freeing the abstract machine's state. */
#include "base/base.h"
#include "verify/state.h"

void reg_scalar(struct reg *r)
{
	*r = (struct reg){.type = R_SCALAR};
	scalar_unknown(&r->s);
}

void reg_const(struct reg *r, uint64_t v)
{
	*r = (struct reg){.type = R_SCALAR};
	scalar_const(&r->s, v);
}

void reg_pointer(struct reg *r, enum rtype type, uint8_t flags)
{
	*r = (struct reg){.type = (uint8_t)type, .flags = flags};
	scalar_const(&r->s, 0);
}

bool reg_is_const(const struct reg *r, uint64_t *v)
{
	if (r->type != R_SCALAR || !scalar_is_const(&r->s))
		return false;
	*v = r->s.var.value;
	return true;
}

struct frame *frame_new(void)
{
	return mem_zalloc(sizeof(struct frame));
}

void frame_free(struct frame *f)
{
	if (!f)
		return;
	mem_free(f->slots);
	mem_free(f);
}

int frame_grow(struct frame *f, uint32_t n_slots)
{
	uint32_t cap = f->cap_slots;
	struct slot *slots;

	ua_assert(n_slots <= MAX_SLOTS);
	if (n_slots <= f->n_slots)
		return 0;
	if (n_slots > cap) {
		cap = cap ? cap : 4;
		while (cap < n_slots)
			cap *= 2;
		slots = mem_recalloc(f->slots, cap, sizeof(*slots));
		UA_FAIL_IF(!slots, -ENOMEM);
		f->slots = slots;
		f->cap_slots = (uint16_t)cap;
	}
	memset(&f->slots[f->n_slots], 0, (n_slots - f->n_slots) * sizeof(*f->slots));
	f->n_slots = (uint16_t)n_slots;
	return 0;
}

static int frame_copy(struct frame *to, const struct frame *from)
{
	struct slot *slots = to->slots;
	uint16_t cap = to->cap_slots;

	*to = *from;
	to->slots = slots;
	to->cap_slots = cap;
	to->n_slots = 0;
	UA_TRY(frame_grow(to, from->n_slots));
	if (from->n_slots)
		memcpy(to->slots, from->slots, from->n_slots * sizeof(*to->slots));
	return 0;
}

void vstate_clear(struct vstate *st)
{
	for (uint32_t i = 0; i < MAX_CALL_FRAMES; i++)
		frame_free(st->frames[i]);
	mem_free(st->refs);
	*st = (struct vstate){0};
}

size_t vstate_size(const struct vstate *st)
{
	size_t size = st->cap_refs * sizeof(*st->refs);

	for (uint32_t i = 0; i < MAX_CALL_FRAMES; i++)
		if (st->frames[i])
			size += sizeof(struct frame) +
				st->frames[i]->cap_slots * sizeof(struct slot);
	return size;
}

/* `to` is zeroed, or holds a state whose memory is used again; clear it on failure. */
int vstate_copy(struct vstate *to, const struct vstate *from)
{
	struct vstate old = *to;

	*to = *from;
	memcpy(to->frames, old.frames, sizeof(to->frames));
	to->refs = old.refs;
	to->cap_refs = old.cap_refs;
	for (uint32_t i = 0; i <= from->depth; i++) {
		if (!to->frames[i])
			to->frames[i] = frame_new();
		UA_FAIL_IF(!to->frames[i], -ENOMEM);
		UA_TRY(frame_copy(to->frames[i], from->frames[i]));
	}
	for (uint32_t i = from->depth + 1; i < MAX_CALL_FRAMES; i++) {
		frame_free(to->frames[i]);
		to->frames[i] = NULL;
	}
	if (from->n_refs > to->cap_refs) {
		struct ref *refs = mem_recalloc(to->refs, from->n_refs, sizeof(*refs));

		UA_FAIL_IF(!refs, -ENOMEM);
		to->refs = refs;
		to->cap_refs = from->n_refs;
	}
	if (from->n_refs)
		memcpy(to->refs, from->refs, from->n_refs * sizeof(*to->refs));
	return 0;
}

void vstate_each_reg(struct vstate *st, void (*fn)(struct reg *r, void *arg), void *arg)
{
	for (uint32_t i = 0; i <= st->depth; i++) {
		struct frame *f = st->frames[i];

		for (int r = 0; r < MAX_BPF_REG; r++)
			fn(&f->regs[r], arg);
		for (uint32_t s = 0; s < f->n_slots; s++)
			if (slot_is_spill(&f->slots[s]))
				fn(&f->slots[s].reg, arg);
	}
}
