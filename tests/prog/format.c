/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Format strings: a table of expected texts, and random formats compared with bpf_snprintf of
 * the running kernel where the machine lets us load a program.
 */
#include "abi/bpf.h"
#include "abi/format.h"
#include "arena/fault.h"
#include "base/base.h"
#include "prog/format.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define OUT_SIZE 256
#define TEXT_SIZE 64

static int failed;
static const char text[TEXT_SIZE] = "a string";

#define CHECK(cond, ...)                                     \
	do {                                                 \
		if (!(cond)) {                               \
			failed++;                            \
			fputs("FAILED " #cond ": ", stderr); \
			fprintf(stderr, __VA_ARGS__);        \
			fputc('\n', stderr);                 \
		}                                            \
	} while (0)

/* -- Table ---------------------------------------------------------------- */

#define STR 0x5354520000000000ull /* replaced by the address of `text` */

static const struct {
	const char *fmt, *want; /* want NULL: -EINVAL */
	uint32_t n;
	uint64_t args[3];
} cases[] = {
	{"plain", "plain", 0, {0}},
	{"", "", 0, {0}},
	{"100%%", "100%", 0, {0}},
	{"%%%%", "%%", 0, {0}},
	{"%d", "-1", 1, {0xffffffff}},
	{"%d %i", "7 -8", 2, {7, (uint64_t)-8}},
	{"%u", "4294967295", 1, {~0ull}},
	{"%x %X", "beef BEEF", 2, {0xbeef, 0xbeef}},
	{"%ld %lu", "-1 18446744073709551615", 2, {~0ull, ~0ull}},
	{"%lld %llx", "-2 fffffffffffffffe", 2, {~1ull, ~1ull}},
	{"[%5d] [%-5d] [%05d]", "[   42] [42   ] [00042]", 3, {42, 42, 42}},
	{"[%+d] [% d] [%05d]", "[+42] [ 42] [-0042]", 3, {42, 42, (uint64_t)-42}},
	{"%c%c", "AB", 2, {'A', 'B'}},
	{"%s", "a string", 1, {STR}},
	{"[%10s] [%-10s]", "[  a string] [a string  ]", 2, {STR, STR}},
	{"%pks", "a string", 1, {STR}},
	{"%s", "", 1, {16}},
	{"%s|", "|", 1, {0}},
	{"%px", "0000000000001234", 1, {0x1234}},
	{"%p", "00000000deadbeef", 1, {0xdeadbeef}},
	{"%pK,", "0000000000000000,", 1, {0}},
	{"%8px", "    1234", 1, {0x1234}},
	{"%pS", "0x10", 1, {0x10}},
	{"%pi4", "097.032.115.116", 1, {STR}},
	{"%pI4", "97.32.115.116", 1, {STR}},
	{"%pi6", "6120737472696e670000000000000000", 1, {STR}},
	{"%pI6", "6120:7374:7269:6e67:0000:0000:0000:0000", 1, {STR}},
	{"%d", NULL, 0, {0}},
	{"%", NULL, 1, {0}},
	{"%l", NULL, 1, {0}},
	{"%lld %d", NULL, 1, {0}},
	{"%o", NULL, 1, {0}},
	{"%hd", NULL, 1, {0}},
	{"%.3s", NULL, 1, {STR}},
	{"%*d", NULL, 2, {1, 2}},
	{"%#x", NULL, 1, {1}},
	{"%sx", NULL, 1, {STR}},
	{"%pksx", NULL, 1, {STR}},
	{"%pz", NULL, 1, {0}},
	{"%pi5", NULL, 1, {STR}},
	{"%lc", NULL, 1, {0}},
	{"%llld", NULL, 1, {0}},
	{"a\x01", NULL, 0, {0}},
	{"\xc3\xa4", "\xc3\xa4", 0, {0}},
	{"%pi4abc|%pxabc", "097.032.115.116|0000000000000001", 2, {STR, 1}},
	{"%20pI4|", "97.32.115.116|", 1, {STR}},
};

static uint64_t resolve(uint64_t arg)
{
	return arg == STR ? (uintptr_t)text : arg;
}

static int print_local(char *out, const char *fmt, const uint64_t *args, uint32_t n)
{
	uint64_t v[FORMAT_MAX_ARGS];

	for (uint32_t i = 0; i < n; i++)
		v[i] = resolve(args[i]);
	return format_print(out, OUT_SIZE, fmt, strlen(fmt) + 1, v, n);
}

static void check_table(void)
{
	char out[OUT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int n = print_local(out, cases[i].fmt, cases[i].args, cases[i].n);

		if (!cases[i].want) {
			CHECK(n == -EINVAL, "\"%s\" gives %d", cases[i].fmt, n);
			continue;
		}
		CHECK(n == (int)strlen(cases[i].want), "\"%s\" gives %d", cases[i].fmt, n);
		CHECK(n < 0 || !strcmp(out, cases[i].want), "\"%s\" prints \"%s\", not \"%s\"",
		      cases[i].fmt, out, cases[i].want);
	}
}

static void check_limits(void)
{
	uint64_t args[2] = {(uintptr_t)text, 5};
	char out[8], big[600], wide[700];

	CHECK(format_print(out, sizeof(out), "%s", 3, args, 1) == 8 && !strcmp(out, "a strin"),
	      "cut at the buffer: \"%s\"", out);
	CHECK(format_print(NULL, 0, "%s", 3, args, 1) == 8, "no buffer");
	CHECK(format_print(out, sizeof(out), "abc", 3, args, 0) == -EINVAL, "no end within size");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	args[0] = (uintptr_t)big;
	CHECK(format_print(wide, sizeof(wide), "%s", 3, args, 1) == 511, "512 bytes for arguments");
	CHECK(format_print(wide, sizeof(wide), "%s%d", 5, args, 2) == -ENOSPC, "no room left");
	CHECK(format_print(wide, sizeof(wide), big, sizeof(big), args, 0) == 599, "long format");
	CHECK(format_arg_count(args, 16) == 2, "two arguments");
	CHECK(format_arg_count(NULL, 0) == 0, "none");
	CHECK(format_arg_count(NULL, 8) == -EINVAL, "no data");
	CHECK(format_arg_count(args, 12) == -EINVAL, "not words");
	CHECK(format_arg_count(args, 104) == -EINVAL, "too many");
}

/* -- The running kernel ---------------------------------------------------- */

static long sys_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int array_new(uint32_t size, uint32_t flags)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY,
			       .key_size = 4,
			       .value_size = size,
			       .max_entries = 1,
			       .map_flags = flags};

	return (int)sys_bpf(BPF_MAP_CREATE, &attr);
}

static long array_set(int fd, const void *value)
{
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_fd = (uint32_t)fd, .key = (uintptr_t)&key, .value = (uintptr_t)value};

	return sys_bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

static struct bpf_insn insns[128];
static uint32_t n_insns;

static void emit(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	insns[n_insns++] = (struct bpf_insn){code, dst, src, off, imm};
}

static void emit_value(uint8_t dst, int fd, uint32_t off)
{
	emit(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_VALUE, 0, fd);
	emit(0, 0, 0, 0, (int32_t)off);
}

static void emit_imm64(uint8_t dst, uint64_t v)
{
	emit(BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, (int32_t)v);
	emit(0, 0, 0, 0, (int32_t)(v >> 32));
}

/* What bpf_snprintf of the kernel returns and writes; -EINVAL when it refuses to load. */
static int print_kernel(char *out, int out_fd, int text_fd, const char *fmt, const uint64_t *args,
			uint32_t n)
{
	int fmt_fd = array_new(OUT_SIZE, BPF_F_RDONLY_PROG), prog_fd;
	union bpf_attr freeze = {.map_fd = (uint32_t)fmt_fd}, load = {0}, run = {0}, get = {0};
	char value[OUT_SIZE] = "";
	uint32_t key = 0;

	snprintf(value, sizeof(value), "%s", fmt);
	if (fmt_fd < 0 || array_set(fmt_fd, value) || sys_bpf(BPF_MAP_FREEZE, &freeze))
		return -EPERM;
	n_insns = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (args[i] == STR)
			emit_value(BPF_REG_0, text_fd, 0);
		else
			emit_imm64(BPF_REG_0, args[i]);
		emit(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_0, (int16_t)(-96 + 8 * i), 0);
	}
	emit_value(BPF_REG_1, out_fd, 0);
	emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, OUT_SIZE);
	emit_value(BPF_REG_3, fmt_fd, 0);
	emit(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_4, n ? BPF_REG_10 : BPF_REG_2, 0, 0);
	emit(BPF_ALU64 | (n ? BPF_ADD : BPF_MOV) | BPF_K, BPF_REG_4, 0, 0, n ? -96 : 0);
	emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_5, 0, 0, (int32_t)(8 * n));
	emit(BPF_JMP | BPF_CALL, 0, 0, 0, 165);
	emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	load.prog_type = BPF_PROG_TYPE_SYSCALL;
	load.prog_flags = BPF_F_SLEEPABLE;
	load.insns = (uintptr_t)insns;
	load.insn_cnt = n_insns;
	load.license = (uintptr_t)"GPL";
	prog_fd = (int)sys_bpf(BPF_PROG_LOAD, &load);
	close(fmt_fd);
	if (prog_fd < 0)
		return -errno;
	run.test.prog_fd = (uint32_t)prog_fd;
	if (sys_bpf(BPF_PROG_TEST_RUN, &run))
		run.test.retval = (uint32_t)-EIO;
	close(prog_fd);
	get.map_fd = (uint32_t)out_fd;
	get.key = (uintptr_t)&key;
	get.value = (uintptr_t)out;
	if (sys_bpf(BPF_MAP_LOOKUP_ELEM, &get))
		return -EIO;
	return (int32_t)run.test.retval < 0 ? (int32_t)run.test.retval
					    : (int32_t)run.test.retval - 1;
}

static void compare(int out_fd, int text_fd, const char *fmt, const uint64_t *args, uint32_t n)
{
	char ours[OUT_SIZE], theirs[OUT_SIZE];
	int a = print_local(ours, fmt, args, n);
	int b = print_kernel(theirs, out_fd, text_fd, fmt, args, n);

	CHECK(a == b, "\"%s\": %d here, Linux %d (%s)", fmt, a, b, b >= 0 ? theirs : "");
	CHECK(a < 0 || a != b || !strcmp(ours, theirs), "\"%s\": \"%s\" here, Linux \"%s\"", fmt,
	      ours, theirs);
}

/* Pieces of formats, right and wrong; pointers print differently and are left out. */
static const char *const pieces[] = {
	"%d",	"%i",	   "%u",     "%x",    "%X",   "%ld",	"%lu",	"%lx",	  "%lld",
	"%llu", "%llx",	   "%llX",   "%c",    "%s",   "%%",	"%5d",	"%-7d",	  "%08x",
	"%+d",	"% d",	   "%+5u",   "%-08x", "%3c",  "%-3c|",	"%12s", "%-12s|", "%012s",
	"%pi4", "%pI4",	   "%pi6",   "%pI6",  "%pks", "%20pI4", "%px",	"%18px",  "%-18px|",
	"%0d",	"%00005d", "%-+ 0d", "text ", "\t",   "\n",	"%o",	"%.2d",	  "%h",
	"%z",	"%5",	   "%l",     "%p",    "x",    "%pi",	"%5%",	"%ll",	  "%#x",
};

static uint64_t rnd_state;

static uint64_t rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	return rnd_state ^= rnd_state << 17;
}

/* Arguments that fit the conversions of the format: strings where it reads memory. */
static uint32_t random_case(char *fmt, uint64_t *args)
{
	uint32_t n = 0, parts = 1 + rnd() % 5;

	*fmt = 0;
	for (uint32_t i = 0; i < parts; i++) {
		const char *p = pieces[rnd() % ARRAY_SIZE(pieces)];

		if (!strcmp(p, "%p"))
			p = "%px";
		strcat(fmt, p);
		if (*p != '%' || p[1] == '%')
			continue;
		args[n++] = strpbrk(p, "s46") && !strstr(p, "x") ? STR : rnd() >> (rnd() % 64);
		if (strchr(p, 'c'))
			args[n - 1] = 'a' + rnd() % 26;
	}
	return rnd() % 16 ? n : n / 2;
}

static int check_kernel(void)
{
	int out_fd = array_new(OUT_SIZE, 0), text_fd = array_new(TEXT_SIZE, 0);
	uint64_t args[FORMAT_MAX_ARGS];
	char fmt[OUT_SIZE], probe[OUT_SIZE];

	if (out_fd < 0 || text_fd < 0 || array_set(text_fd, text) ||
	    print_kernel(probe, out_fd, text_fd, "ok", NULL, 0) != 2)
		return 77;
	rnd_state = (uint64_t)time(NULL) | 1;
	printf("seed %llu\n", (unsigned long long)rnd_state);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (!strstr(cases[i].fmt, "%pS") && !strstr(cases[i].fmt, "%pK") &&
		    strcmp(cases[i].fmt, "%p"))
			compare(out_fd, text_fd, cases[i].fmt, cases[i].args, cases[i].n);
	for (int i = 0; i < 300 && failed < 10; i++) {
		uint32_t n = random_case(fmt, args);

		compare(out_fd, text_fd, fmt, args, n);
	}
	close(out_fd);
	close(text_fd);
	return 0;
}

int main(void)
{
	int skip;

	if (fault_install())
		return 1;
	check_table();
	check_limits();
	skip = check_kernel();
	if (skip)
		fprintf(stderr, "not allowed to load programs: not compared with the kernel\n");
	return failed ? 1 : skip;
}
