/* SPDX-License-Identifier: BSD-2-Clause */
/* The sides and their fixture. */
#include "side.h"

#include <sys/mman.h>

const char *const side_names[N_SIDES] = {"linux", "jit", "interp"};
uint64_t oracle_seed, rng_state = 1;
bool side_verbose;

static int create_map(struct side *s, union bpf_attr attr)
{
	return (int)kernel_bpf(s->k, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int create_maps(struct side *s)
{
	static const union bpf_attr attrs[N_MAPS] = {
		[MAP_ARENA] = {.map_type = BPF_MAP_TYPE_ARENA,
			       .max_entries = ARENA_PAGES,
			       .map_flags = BPF_F_MMAPABLE,
			       .map_extra = ARENA_AT},
		[MAP_ARRAY] = {.map_type = BPF_MAP_TYPE_ARRAY,
			       .key_size = 4,
			       .value_size = ARRAY_VALUE,
			       .max_entries = ARRAY_ENTRIES,
			       .map_flags = BPF_F_MMAPABLE},
		[MAP_HASH] = {.map_type = BPF_MAP_TYPE_HASH,
			      .key_size = 4,
			      .value_size = 8,
			      .max_entries = HASH_KEYS * 8},
	};

	for (int i = 0; i < N_MAPS; i++) {
		s->fds[i] = create_map(s, attrs[i]);
		if (s->fds[i] < 0)
			return s->fds[i];
	}
	return 0;
}

static int map_memory(struct side *s)
{
	const int rw = PROT_READ | PROT_WRITE;
	int err;

	if (s->kind == SIDE_LINUX)
		s->live = s->k->ops->mmap(s->k, (void *)ARENA_AT, ARENA_PAGES * 4096ull, rw,
					  MAP_SHARED | MAP_FIXED_NOREPLACE, s->fds[MAP_ARENA], 0,
					  &err);
	else
		s->live = s->k->ops->mmap_displaced(s->k, s->fds[MAP_ARENA], rw, &err);
	UA_FAIL_IF(!s->live, err);
	for (size_t i = 0; i < LIVE_PAGES; i++)
		((volatile uint8_t *)s->live)[i * 4096] = 1; /* populates the page */
	s->array = s->k->ops->mmap(s->k, NULL, 4096, rw, MAP_SHARED, s->fds[MAP_ARRAY], 0, &err);
	return s->array ? 0 : err;
}

int side_open(struct side *s, enum side_kind kind)
{
	UA_OPTS(ua_engine_opts, opts, .exec = kind == SIDE_JIT ? UA_EXEC_JIT : UA_EXEC_INTERP);
	int err;

	*s = (struct side){.kind = kind, .fds = {-1, -1, -1}};
	err = kind == SIDE_LINUX ? kernel_linux_new(NULL, &s->k) : kernel_engine_new(&opts, &s->k);
	if (!err)
		err = create_maps(s);
	return err ? err : map_memory(s);
}

void side_close(struct side *s)
{
	if (s->array)
		s->k->ops->munmap(s->k, s->array, 4096);
	if (s->live)
		s->k->ops->munmap(s->k, s->live, ARENA_PAGES * 4096ull);
	for (int i = 0; i < N_MAPS; i++)
		if (s->fds[i] >= 0)
			s->k->ops->close(s->k, s->fds[i]);
	s->k->ops->free(s->k);
}

/* -- Programs ------------------------------------------------------------------ */

static bool names_map(const struct bpf_insn *insn)
{
	return insn_is_ldimm64(insn) &&
	       (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE);
}

int side_load(struct side *s, const struct bpf_insn *insns, uint32_t n, char *log, uint32_t size)
{
	struct bpf_insn copy[MAX_PROG];
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SYSCALL,
			       .prog_flags = BPF_F_SLEEPABLE,
			       .insn_cnt = n,
			       .insns = (uintptr_t)copy,
			       .license = (uintptr_t)"GPL",
			       .log_level = log ? 1 : 0,
			       .log_size = log ? size : 0,
			       .log_buf = (uintptr_t)log};

	if (log)
		*log = 0;
	memcpy(copy, insns, n * sizeof(*insns));
	for (uint32_t i = 0; i < n; i++) {
		if (names_map(&copy[i]))
			copy[i].imm = (uint32_t)copy[i].imm < N_MAPS ? s->fds[copy[i].imm] : -1;
		i += insn_is_ldimm64(&copy[i]);
	}
	return (int)kernel_bpf(s->k, BPF_PROG_LOAD, &attr, sizeof(attr));
}

void side_unload(struct side *s, int fd)
{
	if (fd >= 0)
		s->k->ops->close(s->k, fd);
}

/* -- Running ------------------------------------------------------------------- */

static long element(struct side *s, int cmd, uint32_t key, void *value)
{
	union bpf_attr attr = {.map_fd = (uint32_t)s->fds[MAP_HASH],
			       .key = (uintptr_t)&key,
			       .value = (uintptr_t)value};

	return kernel_bpf(s->k, cmd, &attr, sizeof(attr));
}

static long delete_element(struct side *s, uint32_t key)
{
	union bpf_attr attr = {.map_fd = (uint32_t)s->fds[MAP_HASH], .key = (uintptr_t)&key};

	return kernel_bpf(s->k, BPF_MAP_DELETE_ELEM, &attr, sizeof(attr));
}

static void put_memory(struct side *s, const struct memory *m)
{
	for (uint32_t k = 0; k < HASH_KEYS; k++) {
		uint64_t value = m->hash[k];

		if (m->hash_has[k])
			element(s, BPF_MAP_UPDATE_ELEM, k, &value);
		else
			delete_element(s, k);
	}
	memcpy(s->array, m->array, sizeof(m->array));
	memcpy(s->live, m->live, sizeof(m->live));
}

static void get_memory(struct side *s, struct memory *m)
{
	for (uint32_t k = 0; k < HASH_KEYS; k++) {
		m->hash[k] = 0;
		m->hash_has[k] = !element(s, BPF_MAP_LOOKUP_ELEM, k, &m->hash[k]);
	}
	memcpy(m->array, s->array, sizeof(m->array));
	memcpy(m->live, s->live, sizeof(m->live));
}

uint64_t memory_hash(const void *data, size_t n, uint64_t h)
{
	const uint8_t *p = data;

	h ^= 0xcbf29ce484222325ull;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	return h;
}

/* Reports differ below their first line, which names places in the program. */
static void read_faults(struct side *s, int fd, struct result *r)
{
	static char text[1 << 17];
	union bpf_attr attr = {.prog_stream_read = {.stream_buf = (uintptr_t)text,
						    .stream_buf_len = sizeof(text) - 1,
						    .stream_id = UA_STDERR,
						    .prog_fd = (uint32_t)fd}};
	long n = kernel_bpf(s->k, BPF_PROG_STREAM_READ_BY_FD, &attr, sizeof(attr));

	text[n > 0 ? n : 0] = 0;
	for (char *p = text; (p = strstr(p, "ERROR: Arena ")); p++) {
		if (side_verbose)
			printf("%s: %.*s\n", side_names[s->kind], (int)strcspn(p, "\n"), p);
		r->faults++;
		r->fault_hash = memory_hash(p, strcspn(p, "\n"), r->fault_hash);
	}
}

void side_run(struct side *s, int fd, const struct memory *start, struct result *r)
{
	union bpf_attr attr;

	*r = (struct result){0};
	put_memory(s, start);
	memcpy(r->mem.ctx, start->ctx, CTX_BYTES);
	attr = (union bpf_attr){.test = {.prog_fd = (uint32_t)fd,
					 .ctx_in = (uintptr_t)r->mem.ctx,
					 .ctx_size_in = CTX_BYTES}};
	r->err = (int)kernel_bpf(s->k, BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	r->ret = attr.test.retval;
	read_faults(s, fd, r);
	get_memory(s, &r->mem);
}

bool side_clean(const struct side *s)
{
	for (size_t i = ARRAY_ENTRIES * ARRAY_VALUE; i < 4096; i++)
		if (s->array[i])
			return false;
	return true;
}

const char *result_differs(const struct result *a, const struct result *b)
{
	if (a->err != b->err)
		return "errno";
	if (a->ret != b->ret)
		return "r0";
	if (memcmp(a->mem.ctx, b->mem.ctx, CTX_BYTES))
		return "context";
	if (memcmp(a->mem.array, b->mem.array, sizeof(a->mem.array)))
		return "array";
	if (memcmp(a->mem.hash, b->mem.hash, sizeof(a->mem.hash)) ||
	    memcmp(a->mem.hash_has, b->mem.hash_has, sizeof(a->mem.hash_has)))
		return "hash";
	if (memcmp(a->mem.live, b->mem.live, LIVE_BYTES))
		return "arena";
	return a->faults != b->faults || a->fault_hash != b->fault_hash ? "reports" : NULL;
}
