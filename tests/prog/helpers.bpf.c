/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that test helpers from the inside: each test_* returns 0, or the line of the
 * expectation that failed. Written so that they pass on Linux, too.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define NULL ((void *)0)
#define EXPECT(cond)                     \
	do {                             \
		if (!(cond))             \
			return __LINE__; \
	} while (0)

struct task_struct {
	s32 pid, tgid;
	char comm[16];
} __attribute__((preserve_access_index));

struct bpf_spin_lock {
	u32 val;
};
struct bpf_timer {
	u64 __opaque[2];
} __attribute__((aligned(8)));

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value,
				u64 flags) = (void *)2;
static long (*const map_delete)(void *map, const void *key) = (void *)3;
static u64 (*const ktime_ns)(void) = (void *)5;
static long (*const trace_printk)(const char *fmt, u32 size, ...) = (void *)6;
static u32 (*const prandom)(void) = (void *)7;
static u32 (*const this_cpu)(void) = (void *)8;
static long (*const tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static u64 (*const pid_tgid)(void) = (void *)14;
static long (*const skb_load)(void *skb, u32 off, void *to, u32 len) = (void *)26;
static long (*const skb_load_rel)(void *skb, u32 off, void *to, u32 len, u32 start) = (void *)68;
static u64 (*const uid_gid)(void) = (void *)15;
static long (*const current_comm)(void *buf, u32 size) = (void *)16;
static long (*const map_push)(void *map, const void *value, u64 flags) = (void *)87;
static long (*const map_pop)(void *map, void *value) = (void *)88;
static long (*const map_peek)(void *map, void *value) = (void *)89;
static void (*const spin_lock)(struct bpf_spin_lock *lock) = (void *)93;
static void (*const spin_unlock)(struct bpf_spin_lock *lock) = (void *)94;
static long (*const str_tol)(const char *s, u32 len, u64 flags, s64 *out) = (void *)105;
static long (*const str_toul)(const char *s, u32 len, u64 flags, u64 *out) = (void *)106;
static long (*const read_user)(void *dst, u32 size, const void *src) = (void *)112;
static long (*const read_kernel)(void *dst, u32 size, const void *src) = (void *)113;
static long (*const read_kernel_str)(void *dst, u32 size, const void *src) = (void *)115;
static u64 (*const jiffies)(void) = (void *)118;
static u64 (*const boot_ns)(void) = (void *)125;
static long (*const ring_output)(void *ring, void *data, u64 size, u64 flags) = (void *)130;
static void *(*const ring_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*const ring_submit)(void *data, u64 flags) = (void *)132;
static void (*const ring_discard)(void *data, u64 flags) = (void *)133;
static u64 (*const ring_query)(void *ring, u64 what) = (void *)134;
static void *(*const storage_get)(void *map, void *task, void *value, u64 flags) = (void *)156;
static long (*const storage_delete)(void *map, void *task) = (void *)157;
static struct task_struct *(*const current_task)(void) = (void *)158;
static long (*const for_each)(void *map, void *cb, void *ctx, u64 flags) = (void *)164;
static long (*const snprintf_)(char *out, u32 size, const char *fmt, u64 *args,
			       u32 len) = (void *)165;
static long (*const timer_init)(struct bpf_timer *t, void *map, u64 flags) = (void *)169;
static long (*const timer_set_callback)(struct bpf_timer *t, void *cb) = (void *)170;
static long (*const timer_start)(struct bpf_timer *t, u64 ns, u64 flags) = (void *)171;
static long (*const timer_cancel)(struct bpf_timer *t) = (void *)172;
static long (*const trace_vprintk)(const char *fmt, u32 size, const void *args,
				   u32 len) = (void *)177;
static long (*const loop)(u32 n, void *cb, void *ctx, u64 flags) = (void *)181;
static long (*const str_ncmp)(const char *a, u32 n, const char *b) = (void *)182;
static void *(*const lookup_percpu)(void *map, const void *key, u32 cpu) = (void *)195;
static u64 (*const tai_ns)(void) = (void *)208;

struct {
	__uint(type, 1);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, u64);
} hash SEC(".maps");

struct {
	__uint(type, 2);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} array SEC(".maps");

struct {
	__uint(type, 6);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} percpu SEC(".maps");

struct {
	__uint(type, 22);
	__uint(max_entries, 2);
	__type(value, u32);
} queue SEC(".maps");

struct {
	__uint(type, 23);
	__uint(max_entries, 2);
	__type(value, u32);
} stack SEC(".maps");

struct {
	__uint(type, 27);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, 29);
	__uint(map_flags, 1);
	__type(key, int);
	__type(value, u64);
} storage SEC(".maps");

struct locked {
	struct bpf_spin_lock lock;
	u32 pad;
	u64 a, b;
};

struct {
	__uint(type, 2);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct locked);
} locked SEC(".maps");

struct timed {
	struct bpf_timer timer;
	u64 fired;
};

struct {
	__uint(type, 2);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct timed);
} timers SEC(".maps");

struct {
	__uint(type, 1);
	__uint(max_entries, 4);
	__type(key, u64);
	__type(value, struct timed);
} hash_timers SEC(".maps");

struct {
	__uint(type, 3);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, u32);
} progs SEC(".maps");

/* -- Maps ----------------------------------------------------------------- */

SEC("syscall") int test_hash(void *ctx)
{
	u32 key = 7;
	u64 one = 1, two = 2, *value;

	map_delete(&hash, &key);
	EXPECT(!map_lookup(&hash, &key));
	EXPECT(map_delete(&hash, &key) == -2);
	EXPECT(map_update(&hash, &key, &one, 2) == -2);
	EXPECT(map_update(&hash, &key, &one, 1) == 0);
	EXPECT(map_update(&hash, &key, &two, 1) == -17);
	value = map_lookup(&hash, &key);
	EXPECT(value && *value == 1);
	EXPECT(map_update(&hash, &key, &two, 0) == 0);
	value = map_lookup(&hash, &key);
	EXPECT(value && *value == 2);
	EXPECT(map_delete(&hash, &key) == 0);
	return 0;
}

SEC("syscall") int test_array(void *ctx)
{
	u32 key = 4;
	u64 v = 5, *value;

	EXPECT(!map_lookup(&array, &key));
	EXPECT(map_update(&array, &key, &v, 0) == -7);
	key = 3;
	EXPECT(map_update(&array, &key, &v, 1) == -17);
	EXPECT(map_update(&array, &key, &v, 0) == 0);
	value = map_lookup(&array, &key);
	EXPECT(value && *value == 5);
	EXPECT(map_delete(&array, &key) == -22);
	return 0;
}

SEC("syscall") int test_percpu(void *ctx)
{
	u64 *mine, *other;
	u32 key = 0;

	mine = map_lookup(&percpu, &key);
	EXPECT(mine);
	*mine = 11;
	other = lookup_percpu(&percpu, &key, this_cpu());
	EXPECT(other && *other == 11);
	EXPECT(!lookup_percpu(&percpu, &key, 100000));
	return 0;
}

SEC("syscall") int test_queue_and_stack(void *ctx)
{
	u32 v = 1, got = 0;

	EXPECT(map_pop(&queue, &got) == -2);
	EXPECT(map_push(&queue, &v, 0) == 0);
	v = 2;
	EXPECT(map_push(&queue, &v, 0) == 0);
	EXPECT(map_push(&queue, &v, 0) == -7);
	EXPECT(map_peek(&queue, &got) == 0 && got == 1);
	EXPECT(map_pop(&queue, &got) == 0 && got == 1);
	EXPECT(map_pop(&queue, &got) == 0 && got == 2);
	v = 1;
	EXPECT(map_push(&stack, &v, 0) == 0);
	v = 2;
	EXPECT(map_push(&stack, &v, 0) == 0);
	v = 3;
	EXPECT(map_push(&stack, &v, 2) == 0);
	EXPECT(map_pop(&stack, &got) == 0 && got == 3);
	EXPECT(map_pop(&stack, &got) == 0 && got == 2);
	EXPECT(map_pop(&stack, &got) == -2);
	return 0;
}

SEC("syscall") int test_ring(void *ctx)
{
	u64 data = 42, *record;

	EXPECT(ring_query(&ring, 1) == 4096);
	EXPECT(ring_output(&ring, &data, 8, 0) == 0);
	record = ring_reserve(&ring, 8, 0);
	EXPECT(record);
	*record = 43;
	ring_submit(record, 0);
	record = ring_reserve(&ring, 8, 0);
	EXPECT(record);
	ring_discard(record, 0);
	EXPECT(ring_query(&ring, 3) - ring_query(&ring, 2) == ring_query(&ring, 0));
	record = ring_reserve(&ring, 4096, 0);
	if (record) {
		ring_discard(record, 0);
		return __LINE__;
	}
	return 0;
}

struct sum {
	u64 total, stop_at;
};

static long add_element(void *map, u32 *key, u64 *value, struct sum *sum)
{
	sum->total += *value;
	return *key == sum->stop_at;
}

SEC("syscall") int test_for_each(void *ctx)
{
	struct sum sum = {.stop_at = 100};
	u64 v;

	for (u32 i = 0; i < 4; i++) {
		u32 key = i;

		v = i + 1;
		map_update(&array, &key, &v, 0);
	}
	EXPECT(for_each(&array, add_element, &sum, 0) == 4);
	EXPECT(sum.total == 10);
	sum.total = 0;
	sum.stop_at = 1;
	EXPECT(for_each(&array, add_element, &sum, 0) == 2);
	EXPECT(sum.total == 3);
	EXPECT(for_each(&array, add_element, &sum, 1) == -22);
	return 0;
}

SEC("syscall") int test_task_storage(void *ctx)
{
	struct task_struct *task = current_task();
	u64 *value, init = 9;

	storage_delete(&storage, task);
	EXPECT(!storage_get(&storage, task, NULL, 0));
	value = storage_get(&storage, task, &init, 1);
	EXPECT(value && *value == 9);
	*value = 10;
	value = storage_get(&storage, task, NULL, 0);
	EXPECT(value && *value == 10);
	EXPECT(storage_delete(&storage, task) == 0);
	EXPECT(storage_delete(&storage, task) == -2);
	return 0;
}

/* -- Loops, locks ----------------------------------------------------------- */

static long count_to(u32 i, struct sum *sum)
{
	sum->total++;
	return i == sum->stop_at;
}

SEC("syscall") int test_loop(void *ctx)
{
	struct sum sum = {.stop_at = 1000};

	EXPECT(loop(5, count_to, &sum, 0) == 5 && sum.total == 5);
	sum.stop_at = 2;
	EXPECT(loop(5, count_to, &sum, 0) == 3 && sum.total == 8);
	EXPECT(loop(0, count_to, &sum, 0) == 0);
	EXPECT((int)loop((8 << 20) + 1, count_to, &sum, 0) == -7);
	EXPECT(loop(1, count_to, &sum, 1) == -22);
	return 0;
}

SEC("syscall") int worker_spin_lock(void *ctx)
{
	u32 key = 0;
	struct locked *v = map_lookup(&locked, &key);

	if (!v)
		return __LINE__;
	for (int i = 0; i < 1000; i++) {
		spin_lock(&v->lock);
		v->a++;
		v->b = v->a;
		spin_unlock(&v->lock);
	}
	return 0;
}

/* -- Task, time ------------------------------------------------------------- */

SEC("syscall") int test_task(void *ctx)
{
	struct task_struct *task = current_task();
	char comm[16] = "x", small[2];

	EXPECT(pid_tgid() == ((u64)task->tgid << 32 | (u32)task->pid));
	EXPECT(current_comm(comm, sizeof(comm)) == 0);
	EXPECT(comm[0] == task->comm[0] && comm[0]);
	EXPECT(current_comm(small, sizeof(small)) == 0);
	EXPECT(small[0] == comm[0] && !small[1]);
	EXPECT(uid_gid() == uid_gid());
	return 0;
}

SEC("syscall") int test_time(void *ctx)
{
	u64 a = ktime_ns(), b = ktime_ns();

	EXPECT(a && b >= a && b - a < 1000000000);
	EXPECT(boot_ns() >= a);
	EXPECT(tai_ns() > 1600000000ull * 1000000000);
	EXPECT(jiffies() > 0);
	EXPECT(prandom() != prandom() || prandom() != prandom());
	return 0;
}

/* -- Memory, text ------------------------------------------------------------ */

static const char hello[] = "hello";

SEC("syscall") int test_probe(void *ctx)
{
	char buf[8] = "xxxxxxx";
	u64 word = 0x1122334455667788, copy = 0;

	EXPECT(read_kernel(&copy, 8, &word) == 0 && copy == word);
	EXPECT(read_kernel(&copy, 3, &word) == 0);
	EXPECT(read_kernel(&copy, 8, (void *)16) < 0 && copy == 0); /* Linux: -ERANGE */
	copy = 1;
	EXPECT(read_kernel(&copy, 8, (void *)0xdead000000000000) < 0 && copy == 0);
	copy = 1;
	EXPECT(read_user(&copy, 8, (void *)16) == -14 && copy == 0);
	EXPECT(read_kernel_str(buf, sizeof(buf), hello) == 6);
	EXPECT(buf[0] == 'h' && buf[4] == 'o' && !buf[5]);
	EXPECT(read_kernel_str(buf, 3, hello) == 3);
	EXPECT(buf[1] == 'e' && !buf[2]);
	EXPECT(read_kernel_str(buf, sizeof(buf), (void *)16) < 0 && !buf[0] && !buf[1]);
	return 0;
}

struct number {
	char text[24];
	u32 len, flags;
	s32 want_l, want_ul;
	s64 value;
};

static struct number numbers[] = {
	{"12", 2, 10, 2, 2, 12},
	{"  42x", 5, 10, 4, 4, 42},
	{"-5", 2, 10, 2, -22, -5},
	{"0x1f", 4, 0, 4, 4, 31},
	{"0x1f", 4, 16, 4, 4, 31},
	{"0x1f", 4, 10, 1, 1, 0},
	{"0xz", 3, 16, -22, -22, 0},
	{"0xz", 3, 0, 1, 1, 0},
	{"017", 3, 0, 3, 3, 15},
	{"017", 3, 10, 3, 3, 17},
	{"ff", 2, 16, 2, 2, 255},
	{"", 1, 10, -22, -22, 0},
	{"  ", 2, 10, -22, -22, 0},
	{"x", 1, 10, -22, -22, 0},
	{"1", 1, 7, -22, -22, 0},
	{"1", 1, 32, -22, -22, 0},
	{"9223372036854775808", 19, 10, -34, 19, (s64)(1ull << 63)},
	{"-9223372036854775808", 20, 10, 20, -22, (s64)(1ull << 63)},
	{"99999999999999999999", 20, 10, -34, -34, 0},
};

SEC("syscall") int test_strtol(void *ctx)
{
	for (u32 i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct number *n = &numbers[i];
		u64 unsigned_value = 7;
		s64 value = 7;
		u32 len = n->len;
		long ret;

		if (len < 1 || len > 24)
			return __LINE__;
		ret = str_tol(n->text, len, n->flags, &value);
		if (ret != n->want_l || (ret > 0 && value != n->value) || (ret < 0 && value))
			return 1000 + i;
		ret = str_toul(n->text, len, n->flags, &unsigned_value);
		if (ret != n->want_ul || (ret > 0 && unsigned_value != n->value) ||
		    (ret < 0 && unsigned_value))
			return 2000 + i;
	}
	return 0;
}

static const char hellp[] = "hellp";

SEC("syscall") int test_strncmp(void *ctx)
{
	char mine[8] = "hello";

	EXPECT(str_ncmp(mine, 8, hello) == 0);
	EXPECT(str_ncmp(mine, 8, hellp) < 0);
	EXPECT(str_ncmp(mine, 4, hellp) == 0);
	mine[0] = 'i';
	EXPECT(str_ncmp(mine, 8, hello) > 0);
	return 0;
}

static const char fmt_two[] = "%d-%s";
static const char fmt_none[] = "x";

SEC("syscall") int test_snprintf(void *ctx)
{
	volatile u64 number = 5;
	u64 args[2] = {number, (u64)hello};
	char out[16] = "";

	EXPECT(snprintf_(out, sizeof(out), fmt_two, args, sizeof(args)) == 8);
	EXPECT(out[0] == '5' && out[2] == 'h' && !out[7]);
	EXPECT(snprintf_(out, 4, fmt_two, args, sizeof(args)) == 8);
	EXPECT(out[2] == 'h' && !out[3]);
	EXPECT(snprintf_(NULL, 0, fmt_two, args, sizeof(args)) == 8);
	EXPECT(snprintf_(out, sizeof(out), fmt_none, NULL, 0) == 2);
	return 0;
}

SEC("syscall") int test_trace(void *ctx)
{
	char fmt[] = "number %d text %s", bad[] = "%d %d %d %d", plain[4] = {'a', 'b', 'c', 'd'};
	volatile u64 number = 1;
	u64 args[2] = {number, (u64)hello};

	EXPECT(trace_printk(fmt, sizeof(fmt), 5, hello) == 19);
	EXPECT(trace_printk(bad, sizeof(bad), 1, 2, 3) == -22);
	EXPECT(trace_printk(plain, sizeof(plain)) == -22);
	EXPECT(trace_vprintk(fmt, sizeof(fmt), args, sizeof(args)) == 19);
	EXPECT(trace_vprintk(fmt, sizeof(fmt), args, 8) == -22);
	EXPECT(trace_vprintk(fmt, sizeof(fmt), args, 12) == -22);
	return 0;
}

/* -- Timers ------------------------------------------------------------------ */

static int on_array_timer(void *map, u32 *key, struct timed *v)
{
	v->fired++;
	if (*key == 1 && v->fired < 3)
		timer_start(&v->timer, 1000000, 0);
	return 0;
}

static int on_hash_timer(void *map, u64 *key, struct timed *v)
{
	v->fired += *key;
	return 0;
}

/* Key 0 fires once, key 1 three times, restarted by its callback. */
SEC("syscall") int start_timers(void *ctx)
{
	struct timed *v;

	for (u32 i = 0; i < 2; i++) {
		u32 key = i;

		v = map_lookup(&timers, &key);
		EXPECT(v);
		EXPECT(timer_start(&v->timer, 0, 0) == -22);
		EXPECT(timer_cancel(&v->timer) == -22);
		EXPECT(timer_init(&v->timer, &timers, 2) == -22);
		EXPECT(timer_init(&v->timer, &timers, 1) == 0);
		EXPECT(timer_init(&v->timer, &timers, 1) == -16);
		EXPECT(timer_start(&v->timer, 0, 0) == -22);
		EXPECT(timer_cancel(&v->timer) == 0);
		EXPECT(timer_set_callback(&v->timer, on_array_timer) == 0);
		EXPECT(timer_start(&v->timer, 1000000, 8) == -22);
		EXPECT(timer_start(&v->timer, 1000000, 0) == 0);
	}
	return 0;
}

SEC("syscall") int check_timers(void *ctx)
{
	struct timed *v;
	u32 key = 0;

	v = map_lookup(&timers, &key);
	EXPECT(v && v->fired == 1);
	key = 1;
	v = map_lookup(&timers, &key);
	EXPECT(v && v->fired == 3);
	EXPECT(timer_cancel(&v->timer) == 0);
	EXPECT(timer_start(&v->timer, 0, 0) == -22);
	return 0;
}

/* One that fires, one that is cancelled, one whose value is deleted before. */
SEC("syscall") int start_hash_timers(void *ctx)
{
	struct timed init = {}, *v;

	for (u64 i = 1; i <= 3; i++) {
		u64 key = i;

		EXPECT(map_update(&hash_timers, &key, &init, 0) == 0);
		v = map_lookup(&hash_timers, &key);
		EXPECT(v);
		EXPECT(timer_init(&v->timer, &hash_timers, 7) == 0);
		EXPECT(timer_set_callback(&v->timer, on_hash_timer) == 0);
		EXPECT(timer_start(&v->timer, key == 1 ? 1000000 : 20000000, 0) == 0);
		if (key == 2)
			EXPECT(timer_cancel(&v->timer) == 1);
		if (key == 3)
			EXPECT(map_delete(&hash_timers, &key) == 0);
	}
	return 0;
}

SEC("syscall") int check_hash_timers(void *ctx)
{
	struct timed *v;
	u64 key = 1;

	v = map_lookup(&hash_timers, &key);
	EXPECT(v && v->fired == 1);
	key = 2;
	v = map_lookup(&hash_timers, &key);
	EXPECT(v && v->fired == 0);
	key = 3;
	EXPECT(!map_lookup(&hash_timers, &key));
	return 0;
}

/* For ever: the object is closed meanwhile. */
static int on_endless(void *map, u64 *key, struct timed *v)
{
	timer_start(&v->timer, *key == 4 ? 3600ull * 1000000000 : 10000, 0);
	return 0;
}

SEC("syscall") int start_endless(void *ctx)
{
	struct timed init = {}, *v;

	for (u64 i = 4; i <= 5; i++) {
		u64 key = i;

		EXPECT(map_update(&hash_timers, &key, &init, 0) == 0);
		v = map_lookup(&hash_timers, &key);
		EXPECT(v);
		EXPECT(timer_init(&v->timer, &hash_timers, 1) == 0);
		EXPECT(timer_set_callback(&v->timer, on_endless) == 0);
		EXPECT(timer_start(&v->timer, 0, 0) == 0);
	}
	return 0;
}

/* -- Packets, tail calls ------------------------------------------------------- */

u32 tail_runs;

SEC("tc") int tail_target(void *skb)
{
	return 77;
}

/* Slot 1 is empty, slot 0 is tail_target. */
SEC("tc") int tail_main(void *skb)
{
	tail_call(skb, &progs, 1);
	tail_call(skb, &progs, 100);
	tail_call(skb, &progs, 0);
	return 1;
}

/* Slot 2: itself. */
SEC("tc") int tail_self(void *skb)
{
	tail_runs++;
	tail_call(skb, &progs, 2);
	return 0;
}

/* The packet is the bytes 0, 1, 2, ... 63. */
SEC("tc") int packet(void *skb)
{
	u8 b[4];

	EXPECT(skb_load(skb, 14, b, 4) == 0 && b[0] == 14 && b[3] == 17);
	EXPECT(skb_load(skb, 61, b, 4) == -14 && !b[0]);
	EXPECT(skb_load(skb, 0x10000, b, 1) == -14);
	EXPECT(skb_load_rel(skb, 2, b, 2, 0) == 0 && b[1] == 3);
	EXPECT(skb_load_rel(skb, 2, b, 2, 1) == 0 && b[1] == 17);
	EXPECT(skb_load_rel(skb, 2, b, 2, 2) == -14);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
