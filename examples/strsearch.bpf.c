/* SPDX-License-Identifier: BSD-2-Clause */
/* Glob matching over strings that live in the arena: '*' and '?', greedy with one backtrack. */
#include <uarena/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

char __arena_global text[256] = "the quick brown fox jumps over the lazy dog";
char __arena_global pattern[64] = "*quick*f?x*dog";

static bool glob_match(const char __arena *s, const char __arena *p)
{
	const char __arena *retry_s = NULL, *retry_p = NULL;

	while (*s && can_loop) {
		if (*p == '*') {
			retry_p = ++p;
			retry_s = s;
		} else if (*p == '?' || *p == *s) {
			p++;
			s++;
		} else if (retry_p) {
			p = retry_p;
			s = ++retry_s;
		} else {
			return false;
		}
	}
	while (*p == '*' && can_loop)
		p++;
	return !*p;
}

SEC("syscall")
int match(void *ctx)
{
	return glob_match(text, pattern);
}

static void set_pattern(const char *from, u32 len)
{
	for (u64 i = opaque_zero(); i < len && i < sizeof(pattern) && can_loop; i++)
		pattern[i] = from[i];
}

#define EXPECT(expected, glob)                               \
	do {                                                 \
		static const char g[] = glob;                \
		set_pattern(g, sizeof(g));                   \
		if (glob_match(text, pattern) != (expected)) \
			return __LINE__;                     \
	} while (0)

SEC("syscall")
int test_strsearch(void *ctx)
{
	EXPECT(true, "*");
	EXPECT(true, "the*dog");
	EXPECT(true, "*q???k*");
	EXPECT(true, "*the*the*");
	EXPECT(false, "*the*the*the*");
	EXPECT(false, "quick*");
	EXPECT(false, "*cat*");
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
