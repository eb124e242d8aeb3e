/* SPDX-License-Identifier: BSD-2-Clause */
/* Helpers on maps. An operation the kind lacks gives what Linux gives: -EOPNOTSUPP or NULL. */
#include "prog/helper.h"
#include "base/base.h"
#include "map/kinds.h"
#include "prog/region.h"

static uint64_t errno_of(long err)
{
	return (uint64_t)err;
}

#define NO_OP errno_of(-EOPNOTSUPP)

static const struct map_ops *ops_of(struct map *map)
{
	return map->v.ops;
}

/* A value on its way to the program. */
static uint64_t give_value(const struct map *map, const void *value)
{
	region_allow(run_ctx_top(), value, map->v.value_size,
		     !(map->v.map_flags & BPF_F_RDONLY_PROG));
	return (uintptr_t)value;
}

/* -- Elements ------------------------------------------------------------- */

HELPER_FN(map_lookup_elem)
{
	struct map *map = host_ptr(r1);

	return ops_of(map)->lookup ? give_value(map, ops_of(map)->lookup(map, host_ptr(r2))) : 0;
}

HELPER_FN(map_update_elem)
{
	struct map *map = host_ptr(r1);

	if (!ops_of(map)->update)
		return NO_OP;
	return errno_of(ops_of(map)->update(map, host_ptr(r2), host_ptr(r3), r4));
}

HELPER_FN(map_delete_elem)
{
	struct map *map = host_ptr(r1);

	return ops_of(map)->remove ? errno_of(ops_of(map)->remove(map, host_ptr(r2))) : NO_OP;
}

HELPER_FN(map_push_elem)
{
	struct map *map = host_ptr(r1);

	return ops_of(map)->push ? errno_of(ops_of(map)->push(map, host_ptr(r2), r3)) : NO_OP;
}

HELPER_FN(map_pop_elem)
{
	struct map *map = host_ptr(r1);

	return ops_of(map)->pop ? errno_of(ops_of(map)->pop(map, host_ptr(r2))) : NO_OP;
}

HELPER_FN(map_peek_elem)
{
	struct map *map = host_ptr(r1);

	return ops_of(map)->peek ? errno_of(ops_of(map)->peek(map, host_ptr(r2))) : NO_OP;
}

HELPER_FN(map_lookup_percpu_elem)
{
	struct map *map = host_ptr(r1);

	if (!ops_of(map)->lookup_percpu || (uint32_t)r3 >= map->n_cpus)
		return 0;
	return give_value(map, ops_of(map)->lookup_percpu(map, host_ptr(r2), (uint32_t)r3));
}

/* The verifier knows that r1 is a pointer field of a map value; ownership moves both ways. */
HELPER_FN(kptr_xchg)
{
	return __atomic_exchange_n((uint64_t *)host_ptr(r1), r2, __ATOMIC_SEQ_CST);
}

struct each {
	uint64_t cb, ctx;
};

static uint64_t each_call(struct map *map, void *key, void *value, void *arg)
{
	const struct each *e = arg;

	region_allow(run_ctx_top(), key, map->v.key_size, false);
	give_value(map, value);
	return prog_callback(e->cb, (uintptr_t)map, (uintptr_t)key, (uintptr_t)value, e->ctx, 0);
}

HELPER_FN(for_each_map_elem)
{
	struct each e = {.cb = r2, .ctx = r3};
	struct map *map = host_ptr(r1);

	if (r4)
		return errno_of(-EINVAL);
	return ops_of(map)->for_each ? errno_of(ops_of(map)->for_each(map, each_call, &e)) : NO_OP;
}

/* -- Tail call ------------------------------------------------------------ */

/* The code to go on in, or NULL; see abi/code.h. */
HELPER_FN(tail_call)
{
	struct run_ctx *rc = run_ctx_top();
	struct prog *prog;

	if (rc->tail_calls >= MAX_TAIL_CALL_CNT)
		return 0;
	prog = map_prog_array_get(host_ptr(r2), (uint32_t)r3);
	/* The context is this run's: it may be shorter than what the other program reads. */
	if (!prog || prog->stats.max_ctx_offset > rc->ctx_size)
		return 0;
	rc->tail_calls++;
	region_enter(rc, prog);
	return (uintptr_t)prog->code;
}

/* -- Rings ---------------------------------------------------------------- */

HELPER_FN(ringbuf_output)
{
	return errno_of(map_ringbuf_output(host_ptr(r1), host_ptr(r2), r3, r4));
}

HELPER_FN(ringbuf_reserve)
{
	void *record = r3 ? NULL : map_ringbuf_reserve(host_ptr(r1), r2, r3);

	region_allow(run_ctx_top(), record, (uint32_t)r2, true);
	return (uintptr_t)record;
}

HELPER_FN(ringbuf_submit)
{
	map_ringbuf_commit(host_ptr(r1), r2, false);
	return 0;
}

HELPER_FN(ringbuf_discard)
{
	map_ringbuf_commit(host_ptr(r1), r2, true);
	return 0;
}

HELPER_FN(ringbuf_query)
{
	return map_ringbuf_query(host_ptr(r1), r2);
}

/* Programs on packets may have the beginning of theirs put behind the record: the middle of the
 * flags says how much. */
#define PERF_PACKET_SHIFT 32
#define PERF_PACKET_MASK (0xfffffull << PERF_PACKET_SHIFT)

static uint64_t output_with_packet(const struct run_ctx *rc, struct map *map, uint64_t flags,
				   const void *data, uint64_t size)
{
	uint64_t extra = (flags & PERF_PACKET_MASK) >> PERF_PACKET_SHIFT;
	uint8_t *both;
	long err;

	UA_FAIL_IF(extra > (uint64_t)(rc->pkt_end - rc->pkt), errno_of(-EFAULT));
	both = mem_alloc(size + extra);
	UA_FAIL_IF(!both, errno_of(-ENOMEM));
	memcpy(both, data, size);
	memcpy(both + size, rc->pkt, extra);
	err = map_perf_output(map, flags & ~PERF_PACKET_MASK, both, size + extra);
	mem_free(both);
	return errno_of(err);
}

HELPER_FN(perf_event_output)
{
	const struct run_ctx *rc = run_ctx_top();

	if (rc->pkt && r3 & PERF_PACKET_MASK)
		return output_with_packet(rc, host_ptr(r2), r3, host_ptr(r4), r5);
	return errno_of(map_perf_output(host_ptr(r2), r3, host_ptr(r4), r5));
}
