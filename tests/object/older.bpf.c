/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of every kind that old kernels do not know; see older.c. */
#include "common.bpf.h"

enum wide { SMALL = 1, LARGE = 0x123456789abull };

struct all {
	double fraction;
	long double more;
	enum wide wide;
	struct all __attribute__((btf_type_tag("rcu"))) * next;
};

struct all all __attribute__((btf_decl_tag("tagged")));
u64 seen;

SEC("socket")
int look(void *skb)
{
	all.wide = LARGE;
	seen = all.wide + 1;
	return 5;
}
