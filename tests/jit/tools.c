/* SPDX-License-Identifier: BSD-2-Clause */
/* What tools are told: dumps, slots of native addresses, perf's files, gdb's list. */
#include "harness.h"

#include <unistd.h>

struct jit_code_entry {
	struct jit_code_entry *next_entry, *prev_entry;
	const char *symfile_addr;
	uint64_t symfile_size;
};
extern struct {
	uint32_t version, action_flag;
	struct jit_code_entry *relevant_entry, *first_entry;
} __jit_debug_descriptor;

static struct code *program(void)
{
	struct builder b = {.n = 0};
	struct code *code;

	put_op(&b, OP_MOV64_K, 0, 0, 0, 3);
	put_op(&b, OP_MAY_GOTO, 0, 0, 0, 4);
	put_op(&b, OP_MUL64_X, 0, 1, 0, 0);
	put_op(&b, OP_JLT64_K, 0, 0, 100, 1);
	put_op(&b, OP_EXIT, 0, 0, 0, 0);
	code = code_from(&b, NULL, 1);
	strcpy(code->tag, "0123456789abcdef");
	strcpy(code->funcs[0].name, "power");
	return code;
}

static void test_dump(const struct code *code)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	CHECK(!jit_dump(code, 0, true, out), "dump");
	CHECK(jit_dump(code, 1, true, out) == -ENOENT, "no such function");
	CHECK(!jit_dump_stages(code, 0, out), "stages");
	fclose(out);
	CHECK(strstr(text, "power:"), "%s", text);
	CHECK(strstr(text, "imul") || strstr(text, "0f af"), "%s", text);
	CHECK(strstr(text, "-- fuse") && strstr(text, "MAY_GOTO"), "%s", text);
	free(text);
}

static void test_slots(const struct code *code)
{
	uintptr_t pc = (uintptr_t)code->funcs[0].entry;
	int64_t slot, last = 0;
	bool seen[5] = {false};

	for (; (slot = jit_slot_at(code, pc)) >= 0; pc++) {
		CHECK(slot < 5, "slot %" PRId64, slot);
		seen[slot] = true;
		last = slot;
	}
	for (int i = 0; i < 5; i++)
		CHECK(seen[i], "no code for slot %d", i);
	CHECK(last == 1, "the cold path of may_goto comes last, not %" PRId64, last);
	CHECK(jit_slot_at(code, (uintptr_t)code) == -1, "foreign address");
}

static bool file_has(const char *format, const char *what, size_t len)
{
	char path[64], buf[4096];
	ssize_t n;
	FILE *f;

	snprintf(path, sizeof(path), format, (int)getpid());
	f = fopen(path, "r");
	n = f ? (ssize_t)fread(buf, 1, sizeof(buf), f) : 0;
	if (f)
		fclose(f);
	unlink(path);
	return memmem(buf, (size_t)n, what, len);
}

int main(void)
{
	struct code *code = program();
	const char *elf;
	char line[128];

	if (!jit_available())
		return 77;
	jit_tools(JIT_TOOL_PERF_MAP | JIT_TOOL_JITDUMP | JIT_TOOL_GDB);
	CHECK(!jit_compile(code), "compile");
	test_dump(code);
	test_slots(code);
	snprintf(line, sizeof(line), "%lx ", (unsigned long)(uintptr_t)code->funcs[0].entry);
	CHECK(file_has("/tmp/perf-%d.map", line, strlen(line)), "perf map lacks %s", line);
	CHECK(file_has("/tmp/jit-%d.dump", "bpf_prog_0123456789abcdef_power", 32), "jitdump");
	CHECK(__jit_debug_descriptor.first_entry, "gdb's list");
	elf = __jit_debug_descriptor.first_entry->symfile_addr;
	CHECK(!memcmp(elf, "\177ELF", 4), "object file");
	CHECK(memmem(elf, __jit_debug_descriptor.first_entry->symfile_size, "_power", 7), "symbol");
	jit_tools(0);
	jit_free(code);
	code_free(code);
	epoch_drain();
	CHECK(!__jit_debug_descriptor.first_entry, "entry is gone with the image");
	return failures ? 1 : 0;
}
