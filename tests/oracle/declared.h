/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one table of differences between the engine and Linux that are known and meant. A row is
 * matched by kind and by a part of the text that explains the difference: the verifier's last
 * line for verdicts, a name given by the test for results. Anything else fails.
 */
#ifndef UA_TESTS_ORACLE_DECLARED_H
#define UA_TESTS_ORACLE_DECLARED_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum difference { STRICTER, LAXER, OTHER_ERRNO, OTHER_RESULT, N_DIFFERENCES };

static const char *const difference_names[N_DIFFERENCES] = {"stricter", "laxer", "errno", "result"};

static struct declared {
	enum difference kind;
	const char *pattern;
	const char *kernel; /* versions of Linux that differ */
	const char *reason;
	long hits;
} declared[] = {
	{STRICTER, "uses reserved fields", "all",
	 "the encoding of instructions that are never reached is checked, too"},
	{STRICTER, "unknown opcode", "all",
	 "the encoding of instructions that are never reached is checked, too"},
	{STRICTER, "invalid shift", "all",
	 "the encoding of instructions that are never reached is checked, too"},
	{STRICTER, "div by zero", "all",
	 "the encoding of instructions that are never reached is checked, too"},
	{STRICTER, "in struct bpf_map", "6.18", "the members of struct bpf_map lie elsewhere"},
	{STRICTER, "addr_space_cast insn can only", "all",
	 "the encoding of instructions that are never reached is checked, too"},
	{STRICTER, "cannot use helper", "all", "the engine does not have the helper"},
	{OTHER_ERRNO, "missing helper", "all",
	 "the engine does not have the helper; Linux has it, and refuses its arguments"},
	{OTHER_ERRNO, "encoding", "all",
	 "encodings and what instructions name are checked before any path is followed"},
	{OTHER_ERRNO, "range", "all",
	 "both refuse; what is known of a number decides which of two checks does"},
	{OTHER_ERRNO, "direct value offset", "up to 6.18",
	 "variables of arenas beyond 512 MiB are refused earlier"},
	{OTHER_ERRNO, "jumps is too complex", "all",
	 "a loop without an end is found before its jumps are too many"},
	{LAXER, "complexity", "all",
	 "how many paths there are, and wait at a time, depends on which are found to be alike"},
	{LAXER, "comparison of a register with itself", "up to 6.18",
	 "later kernels and the engine know which way it goes"},
	{OTHER_RESULT, "streams without memory", "booted with deferred_init=lazy",
	 "the kernel cannot allocate what streams keep their text in: programs that print get "
	 "-ENOMEM, reports are lost"},
	{OTHER_RESULT, "streams without reports", "up to 6.17",
	 "accesses to holes are not reported on the error stream"},
	{OTHER_RESULT, "line of an access", "all",
	 "for an access to a hole that is the first instruction of its line, Linux reports the "
	 "line before"},
	{OTHER_RESULT, "t_core.bpf.o core: ", "all",
	 "asks for offsets and sizes of the kernel's types, or for types that it lacks"},
	{OTHER_RESULT, "struct_ops of one side", "without sched_ext",
	 "implements an interface that the other side does not have"},
	{OTHER_RESULT, "t_big_arena.bpf.o add_two: arena", "up to 6.18",
	 "variables of large arenas go to the start, as only their first 512 MiB can be named"},
	{OTHER_RESULT, "t_reloc.bpf.o externs: variables out", "all",
	 "reads the kernel's version and configuration"},
	{OTHER_RESULT, "t_reloc.bpf.o constants: variables out", "without sched_ext",
	 "copies enumerators of sched_ext"},
	{OTHER_RESULT, "t_prog_world.bpf.o start: variables", "all",
	 "starts timers, which may or may not have fired when its variables are read"},
	{OTHER_RESULT, "t_prog_runs.bpf.o spin: variables ticks", "all",
	 "counts the rounds of a loop that only time ends"},
	{OTHER_RESULT, "kernel function of one side", "up to 6.19, without sched_ext",
	 "calls a function that the kernel does not have"},
	{OTHER_RESULT, "workloads.bpf.o atomic_add: context", "up to 6.18", "fetches at a hole"},
	{OTHER_RESULT, "workloads.bpf.o atomic_cas: context", "up to 6.18", "fetches at a hole"},
	{OTHER_RESULT, "fetch at a hole", "up to 6.18",
	 "atomics that fetch leave their register unchanged at a hole; the engine gives 0, as "
	 "later kernels"},
	{OTHER_RESULT, "acquire at a hole", "up to 6.18",
	 "load_acquire at a hole leaves its register unchanged; the engine gives 0, as later "
	 "kernels"},
	/* Only after running the program in bounds from many memories: see proved_by_runs(). */
	{LAXER, "in bounds in all runs", "all",
	 "the engine knows more of a number, and so proves an access that Linux refuses"},
	{LAXER, "never reached in all runs", "all",
	 "the engine knows more of a number, and so proves that what Linux refuses is never "
	 "reached"},
};

/* True if the difference is in the table; counts it. */
static inline bool declare(enum difference kind, const char *text)
{
	for (size_t i = 0; i < sizeof(declared) / sizeof(declared[0]); i++)
		if (declared[i].kind == kind && strstr(text, declared[i].pattern)) {
			declared[i].hits++;
			return true;
		}
	return false;
}

static inline void declared_print(void)
{
	for (size_t i = 0; i < sizeof(declared) / sizeof(declared[0]); i++)
		printf("declared|%s|%s|%s|%s|%ld\n", difference_names[declared[i].kind],
		       declared[i].pattern, declared[i].kernel, declared[i].reason,
		       declared[i].hits);
}

#endif
