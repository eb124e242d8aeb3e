/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a program was refused, for a person: the reason, the source line, how the path got
 * there and where the value came from, and what usually helps.
 *
 * The text is made while the failing path is still at hand and goes to the log last, behind
 * the statistics.
 */
#include <bpf/btf.h>
#include "abi/disasm.h"
#include "verify/env.h"

#define MAX_ORIGIN 4
#define MAX_PATH 8

static const struct {
	const char *reason; /* part of the message */
	const char *advice;
} suggestions[] = {
	{"null-check it first", "compare the pointer with NULL before doing arithmetic with it"},
	{"or_null", "compare the pointer with NULL before using it"},
	{"has an associated arena",
	 "name the arena map in the program, for instance by taking its address: only that "
	 "associates the arena"},
	{"Only one arena per program", "let all functions of the program use the same arena map"},
	{"is not a pointer to arena or scalar",
	 "pass an arena pointer: cast it, or tag the parameter with __arg_arena"},
	{"Caller passes invalid args",
	 "tag arena pointer parameters of global functions with __arg_arena, or make the function "
	 "static"},
	{"type=arena expected",
	 "helpers cannot reach arena memory: copy to the stack or a map value first"},
	{"same insn cannot be used with different pointers",
	 "keep arena pointers and other pointers in different variables, and access each on its "
	 "own"},
	{"infinite loop",
	 "end the loop after a number of rounds, or add \"&& can_loop\" to its condition"},
	{"too large. Processed",
	 "add \"&& can_loop\" to loops, and start their counters from a value the verifier does "
	 "not "
	 "know (a volatile zero); move code behind many branches to a global function, which is "
	 "walked once"},
	{"jumps is too complex",
	 "add \"&& can_loop\" to loops, or move their body to a global function"},
	{"too many states",
	 "add \"&& can_loop\" to loops, or move their body to a global function"},
	{"takes too long", "add \"&& can_loop\" to loops, or move their body to a global function"},
	{"min value is negative", "use an unsigned index, or check that it is not negative"},
	{"max value is outside", "check the index against the size before the access"},
	{"min value is outside", "check the index against the size before the access"},
	{"unbounded", "bound the value before its use, with a comparison or \"& (size - 1)\""},
	{"invalid access to packet", "compare the pointer with data_end before the access"},
	{"!read_ok", "initialise the variable on every path"},
	{"reference leak", "release it on every path, also when something fails in between"},
	{"combined stack size", "move large variables to the arena or to a map"},
	{"invalid write to stack", "stay within the variable; the whole stack has 512 bytes"},
	{"must be sleepable", "put the program into a sleepable section, or call it elsewhere"},
	{"while holding a lock", "release the lock before the call"},
};

static const char *suggestion_for(const struct env *env)
{
	if (strstr(env->reason, "invalid mem access 'scalar'"))
		return env->arena ? "if this is an arena pointer, cast it before the access: "
				    "declare it __arena, or use cast_kern()"
				  : "a number is no pointer; an arena pointer needs the program to "
				    "name its arena map, and a cast";
	for (size_t i = 0; i < ARRAY_SIZE(suggestions); i++)
		if (strstr(env->reason, suggestions[i].reason))
			return suggestions[i].advice;
	return NULL;
}

/* -- Text ------------------------------------------------------------------------- */

static void put(struct env *env, const char *fmt, ...) UA_PRINTF(2, 3);

static void put(struct env *env, const char *fmt, ...)
{
	size_t room = sizeof(env->explanation) - env->explanation_len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(env->explanation + env->explanation_len, room, fmt, args);
	va_end(args);
	if (n > 0)
		env->explanation_len += min_t(size_t, n, room - 1);
}

static const struct bpf_line_info *line_at(const struct env *env, uint32_t insn)
{
	const struct bpf_line_info *found = NULL;

	for (uint32_t i = 0; i < env->in->n_line_info; i++)
		if (env->in->line_info[i].insn_off <= insn)
			found = &env->in->line_info[i];
	return found;
}

static void put_place(struct env *env, uint32_t insn)
{
	const struct bpf_line_info *line = line_at(env, insn);
	const char *file, *slash, *text;
	char dis[DISASM_MAX];

	if (!line) {
		disasm_insn(&env->insns[insn], NULL, dis, sizeof(dis));
		put(env, "instruction %u: %s\n", insn, dis);
		return;
	}
	file = btf__name_by_offset(env->in->btf, line->file_name_off);
	text = btf__name_by_offset(env->in->btf, line->line_off);
	slash = strrchr(file, '/');
	while (*text == ' ' || *text == '\t')
		text++;
	put(env, "%s:%u (instruction %u): %s\n", slash ? slash + 1 : file, line->line_col >> 10,
	    insn, text);
}

/* -- Where things came from ------------------------------------------------------------- */

/* The register the message is about, or -1. */
static int register_named(const struct env *env)
{
	const char *text = env->reason[0] == 'R' || !env->before[0] ? env->reason : env->before;

	for (const char *p = strchr(text, 'R'); p; p = strchr(p + 1, 'R')) {
		char *end;
		long regno = strtol(p + 1, &end, 10);

		if (end > p + 1 && regno >= 0 && regno < BPF_REG_FP)
			return (int)regno;
	}
	return -1;
}

static bool is_copy(const struct bpf_insn *insn)
{
	return BPF_OP(insn->code) == BPF_MOV && BPF_SRC(insn->code) == BPF_X &&
	       (BPF_CLASS(insn->code) == BPF_ALU64 || BPF_CLASS(insn->code) == BPF_ALU);
}

static void put_origin(struct env *env)
{
	const struct frame *f = env_frame(env);
	int regno = register_named(env);

	for (int i = 0; regno >= 0 && i < MAX_ORIGIN; i++) {
		uint32_t at = f->set_at[regno] - 1;

		if (!f->set_at[regno])
			return;
		put(env, "    R%d was set at ", regno);
		put_place(env, at);
		if (!is_copy(&env->insns[at]))
			return;
		regno = env->insns[at].src_reg;
	}
}

static void put_path(struct env *env)
{
	uint32_t insns[MAX_PATH];
	int n = prune_path(env, insns, MAX_PATH), again;

	for (int i = n - 1; i >= 0; i -= again) {
		for (again = 1; again <= i && insns[i - again] == insns[i]; again++)
			;
		put(env, again > 1 ? "    %d times through " : "    through ", again);
		put_place(env, insns[i]);
	}
}

/* The branch that multiplies what has to be walked. */
static void put_fork(struct env *env)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < env->n; i++)
		if (env->aux[i].forks > env->aux[most].forks)
			most = i;
	if (env->aux[most].forks < 2)
		return;
	put(env, "  Most paths (%u) part at ", env->aux[most].forks);
	put_place(env, most);
}

/* While the failing path is the current one. */
void explain_failure(struct env *env)
{
	const char *advice;
	size_t start, way;

	if (!env->log || !env->log->level || !env->reason[0])
		return;
	env->reason[strcspn(env->reason, "\n")] = 0;
	env->before[strcspn(env->before, "\n")] = 0;
	put(env, "Verification failed\n  Reason: %s\n", env->reason);
	if (env->before[0])
		put(env, "  Because: %s\n", env->before);
	put(env, "  At: ");
	put_place(env, env->insn_idx);
	start = env->explanation_len;
	put(env, "  Causal path:\n");
	way = env->explanation_len;
	put_path(env);
	put_origin(env);
	if (env->explanation_len == way)
		env->explanation_len = start;
	if (strstr(env->reason, "too "))
		put_fork(env);
	advice = suggestion_for(env);
	if (advice)
		put(env, "  Suggestion: %s\n", advice);
}

void explain_print(struct env *env)
{
	if (env->explanation_len)
		vlog_text(env->log, env->explanation, env->explanation_len);
}
