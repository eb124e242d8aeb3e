/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules that need more than raw instructions to show: maps of all kinds, functions with BTF.
 * Each program carries its verdict and text; `uarena test` holds the engine to them, and
 * objects.py compares with the running kernel.
 */
#include "rules.bpf.h"

struct locked {
	struct bpf_spin_lock lock;
	u64 v[4];
};

struct timed {
	struct bpf_timer timer;
};

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct locked);
};

struct inner first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner);
} array_of_maps SEC(".maps") = {.values = {&first, &second}};

struct {
	__uint(type, MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner);
} hash_of_maps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct timed);
} timers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64[8]);
} array SEC(".maps");

struct {
	__uint(type, MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} programs SEC(".maps");

struct {
	__uint(type, MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 8);
	__type(value, u64);
} bloom SEC(".maps");

struct {
	__uint(type, MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__type(value, u64);
} queue SEC(".maps");

struct trie_key {
	u32 len, data;
};

struct {
	__uint(type, MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__uint(map_flags, 1); /* BPF_F_NO_PREALLOC */
	__type(key, struct trie_key);
	__type(value, u64);
} trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

/* Annotations on lines of their own: source lines appear in the log that they are matched with. */
/* clang-format off */

/* -- Maps inside maps -- */

static void *inner_of(void *map, u32 key)
{
	return map_lookup(map, &key);
}

static struct locked *value_of(void *map)
{
	u32 key = 0;

	return map_lookup(map, &key);
}

SEC("tc") __success
int inner_value(void *ctx)
{
	void *map = inner_of(&array_of_maps, 0);
	struct locked *v = map ? value_of(map) : NULL;

	return v ? v->v[1] : 0;
}

SEC("tc") __success
int inner_lock(void *ctx)
{
	void *map = inner_of(&hash_of_maps, prandom());
	struct locked *v = map ? value_of(map) : NULL;

	if (!v)
		return 0;
	spin_lock(&v->lock);
	v->v[0]++;
	spin_unlock(&v->lock);
	return 0;
}

SEC("tc") __failure __msg("bpf_spin_unlock of different lock")
int inner_locks_mixed(void *ctx)
{
	void *a = inner_of(&array_of_maps, 0), *b = inner_of(&array_of_maps, 1);
	struct locked *v = a ? value_of(a) : NULL, *w = b ? value_of(b) : NULL;

	if (!v || !w)
		return 0;
	spin_lock(&v->lock);
	v->v[0]++;
	spin_unlock(&w->lock);
	return 0;
}

SEC("tc") __failure __msg("only read from bpf_{{(map|array)}} is supported")
int inner_written(void *ctx)
{
	u32 *map = inner_of(&array_of_maps, 0);

	if (map)
		*map = 1;
	return 0;
}

SEC("tc") __failure __msg("R1 type=map_value_or_null expected=map_ptr")
int inner_unchecked(void *ctx)
{
	return value_of(inner_of(&array_of_maps, 0)) != NULL;
}

SEC("tc") __failure __msg("pointer arithmetic on map_ptr prohibited")
int inner_moved(void *ctx)
{
	char *map = inner_of(&array_of_maps, 0);

	if (!map)
		return 0;
	map += 8;
	OPAQUE(map);
	return value_of(map) != NULL;
}

struct resizable {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__uint(map_flags, 1u << 12); /* BPF_F_INNER_MAP */
	__type(key, u32);
	__type(value, u64);
};

struct resizable eight SEC(".maps");

struct {
	__uint(type, MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct resizable);
} resizable_maps SEC(".maps") = {.values = {&eight}};

SEC("tc") __failure __msg("invalid mem access 'map_value_or_null'")
int inner_may_be_smaller(void *ctx)
{
	void *map = inner_of(&resizable_maps, 0);
	u32 key[2];
	u64 *v;

	key[0] = 5;
	if (!map)
		return 0;
	v = map_lookup(map, key);
	return *v;
}

SEC("tc") __failure __msg("cannot pass map_type 12 into func bpf_map_update_elem#2")
int outer_updated(void *ctx)
{
	u64 key = 0;

	return map_update(&array_of_maps, &key, &key, 0);
}

static int touch(void *map, u32 *key, struct locked *value, void *arg)
{
	value->v[0]++;
	return 0;
}

static int nothing(void *map, void *key, void *value, void *arg)
{
	return 0;
}

SEC("tc") __success
int inner_each(void *ctx)
{
	void *map = inner_of(&array_of_maps, 0);

	return map ? each_elem(map, touch, NULL, 0) : 0;
}

SEC("tc") __failure __msg("callback function not allowed for map")
int outer_each(void *ctx)
{
	return each_elem(&array_of_maps, nothing, NULL, 0);
}

SEC("tc") __failure __msg("callback function not allowed for map")
int trie_each(void *ctx)
{
	return each_elem(&trie, nothing, NULL, 0);
}

/* -- Kinds of maps and helpers -- */

SEC("tc") __success
int bloom_used(void *ctx)
{
	u64 v = 1;

	return map_push(&bloom, &v, 0) + map_peek(&bloom, &v);
}

SEC("tc") __failure __msg("invalid zero-sized read")
int bloom_looked_up(void *ctx)
{
	u64 v = 1;

	return map_lookup(&bloom, &v) != NULL;
}

SEC("tc") __failure __msg("invalid zero-sized read")
int queue_updated(void *ctx)
{
	u64 v = 1;

	return map_update(&queue, &v, &v, 0);
}

SEC("tc") __success
int ring_record_as_value(void *ctx)
{
	static void *(*const reserve)(void *ring, u64 size, u64 flags) = (void *)131;
	static void (*const discard)(void *data, u64 flags) = (void *)133;
	u64 *r = reserve(&ring, 64, 0);
	u32 key = 0;

	if (!r)
		return 0;
	map_update(&array, &key, r, 0);
	discard(r, 0);
	return 0;
}

SEC("tc") __failure __msg("more than one arg with ref_obj_id R3")
int ring_record_twice(void *ctx)
{
	static void *(*const reserve)(void *ring, u64 size, u64 flags) = (void *)131;
	static void (*const discard)(void *data, u64 flags) = (void *)133;
	u64 *r = reserve(&ring, 64, 0);

	if (!r)
		return 0;
	map_update(&array, r, r, 0);
	discard(r, 0);
	return 0;
}

/* -- Kinds of maps and types of programs -- */

#define NAMES(map)                   \
	({                           \
		void *p_ = &map;     \
		OPAQUE(p_);          \
		p_ != NULL;          \
	})

SEC("syscall") __failure __msg("Sleepable programs can only use array, hash, ringbuf and local storage maps")
int sleeping_programs(void *ctx) { return NAMES(programs); }

SEC("syscall") __failure __msg("Sleepable programs can only use array")
int sleeping_trie(void *ctx) { return NAMES(trie); }

SEC("syscall") __failure __msg("Sleepable programs can only use array")
int sleeping_bloom(void *ctx) { return NAMES(bloom); }

SEC("syscall") __success
int sleeping_rest(void *ctx) { return NAMES(queue) + NAMES(ring) + NAMES(array_of_maps) + NAMES(timers); }

SEC("raw_tp") __failure __msg("tracing progs cannot use bpf_spin_lock yet")
int tracing_lock(void *ctx) { return NAMES(first); }

SEC("raw_tp") __failure __msg("tracing progs cannot use bpf_timer yet")
int tracing_timer(void *ctx) { return NAMES(timers); }

SEC("socket") __failure __msg("socket filter progs cannot use bpf_spin_lock yet")
int filter_lock(void *ctx) { return NAMES(first); }

SEC("socket") __success
int filter_timer(void *ctx) { return NAMES(timers); }

SEC("raw_tp") __success
int tracing_rest(void *ctx) { return NAMES(programs) + NAMES(trie) + NAMES(bloom); }

/* -- Functions that end early -- */

static __noinline long jump_then_5(void *ctx)
{
	long ret = 5;

	tail_call(ctx, &programs, 0);
	OPAQUE(ret);
	return ret;
}

static __noinline void *jump_then_pointer(void *ctx)
{
	tail_call(ctx, &programs, 0);
	return value_of(&array);
}

static __noinline void jump_then_nothing(void *ctx)
{
	tail_call(ctx, &programs, 0);
}

SEC("raw_tp") __success
int jumped(void *ctx)
{
	return jump_then_5(ctx);
}

SEC("raw_tp") __failure __msg("register with unbounded min value is not allowed")
int jumped_index(void *ctx)
{
	u64 *v = (void *)value_of(&array), i = jump_then_5(ctx);

	return v ? v[i] : 0;
}

SEC("raw_tp") __failure __msg("tail_call is only allowed in functions that return 'int'.")
int jumped_pointer(void *ctx)
{
	return jump_then_pointer(ctx) != NULL;
}

SEC("raw_tp") __failure __msg("tail_call is only allowed in functions that return 'int'.")
int jumped_nothing(void *ctx)
{
	jump_then_nothing(ctx);
	return 1;
}

static int jump_from_callback(u32 i, void **ctx)
{
	return jump_then_5(*ctx) & 0;
}

SEC("raw_tp") __success
int jumped_below_callback(void *ctx)
{
	return loop(10, jump_from_callback, &ctx, 0);
}

/* ld_abs: r0 = the first bytes of the packet, or the function returns 0. */
#define LOAD_PACKET                         \
	asm volatile("r6 = %0;"             \
		     ".8byte 0x20;"         \
		     : : "r"(ctx)           \
		     : "r0", "r1", "r2", "r3", "r4", "r5", "r6")

static __noinline int packet_then_8(void *ctx)
{
	long ret = 8;

	LOAD_PACKET;
	OPAQUE(ret);
	return ret;
}

static __noinline void packet_then_nothing(void *ctx)
{
	LOAD_PACKET;
}

SEC("socket") __success
int packet(void *ctx)
{
	u64 *v = (void *)value_of(&array);
	long i = packet_then_8(ctx);

	return v && i ? v[i - 1] : 0;
}

SEC("socket") __failure __msg("R{{[0-9]}} min value is outside of the allowed memory range")
int packet_index(void *ctx)
{
	u64 *v = (void *)value_of(&array);
	long i = packet_then_8(ctx);

	return v ? v[i - 1] : 0;
}

SEC("socket") __failure __msg("LD_ABS is only allowed in functions that return 'int'.")
int packet_nothing(void *ctx)
{
	packet_then_nothing(ctx);
	return 0;
}

/* -- Timers -- */

static long (*const timer_init)(struct bpf_timer *t, void *map, u64 flags) = (void *)169;
static long (*const timer_set_callback)(struct bpf_timer *t, void *fn) = (void *)170;
static long (*const timer_start)(struct bpf_timer *t, u64 ns, u64 flags) = (void *)171;

struct timed_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct timed);
};

struct timed_inner early SEC(".maps"), late SEC(".maps");

struct {
	__uint(type, MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct timed_inner);
} timed_maps SEC(".maps") = {.values = {&early, &late}};

SEC("tc") __success
int inner_timer(void *ctx)
{
	void *map = inner_of(&timed_maps, 0);
	struct timed *v = map ? (struct timed *)value_of(map) : NULL;

	return v ? timer_init(&v->timer, map, 0) : 0;
}

SEC("tc") __failure __msg("timer pointer in R1 map_uid={{[0-9]+}} doesn't match map pointer in R2 map_uid={{[0-9]+}}")
int inner_timers_mixed(void *ctx)
{
	void *map = inner_of(&timed_maps, 0), *other = inner_of(&timed_maps, 1);
	struct timed *v = map && other ? (struct timed *)value_of(map) : NULL;

	return v ? timer_init(&v->timer, other, 0) : 0;
}

static u64 ticks;

/* Starts itself again, with branches that are still to be walked when it does. */
static int tick(void *map, u32 *key, struct timed *v)
{
	if (timer_start(&v->timer, 1000000, 0))
		ticks |= 1;
	if (*key == 3)
		ticks += 2;
	timer_set_callback(&v->timer, tick);
	if (timer_start(&v->timer, 1000, 0))
		ticks |= 4;
	return 0;
}

SEC("tc") __success
int timer_rearms(void *ctx)
{
	struct timed *v = (struct timed *)value_of(&timers);

	return v ? timer_set_callback(&v->timer, tick) + timer_start(&v->timer, 1, 0) : 0;
}

extern int bpf_stream_vprintk_impl(int stream, const char *fmt, const void *args, u32 size,
				   void *aux) __ksym __weak;

SEC("syscall") __failure __msg("Possibly NULL pointer passed to trusted arg2")
int null_of_no_bytes(void *ctx)
{
	return bpf_stream_vprintk_impl(1, "text", NULL, 0, NULL);
}

/* -- Loops over iterators: what grows in them is forgotten, however small it is -- */

struct bpf_iter_num {
	u64 opaque[1];
} __attribute__((aligned(8)));

int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

/* The four bytes of the sum stay on the stack. */
static __always_inline u32 sum_of_many(void)
{
	u32 sum[2] __attribute__((aligned(8))) = {0, 0};
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 100000);
	while (bpf_iter_num_next(&it)) {
		sum[0] += prandom() & 0xff;
		asm volatile("" ::"r"(sum) : "memory");
	}
	bpf_iter_num_destroy(&it);
	return sum[0];
}

SEC("syscall") __success
int small_sum_on_stack(void *ctx)
{
	return sum_of_many();
}

/* The round that never comes decides the jump behind the loop; the others need not know. */
SEC("syscall") __success
int sum_asked_for_later(void *ctx)
{
	return sum_of_many() != 0;
}
