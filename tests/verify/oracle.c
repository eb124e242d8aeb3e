/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The suite against the running Linux kernel: each disagreement on the verdict is listed, and
 * is a failure unless `known` below gives its reason. Different texts or errnos for the same
 * refusal are listed too, but do not fail: they differ between kernel versions.
 */
#include <bpf/btf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "abi/helpers.h"
#include "harness.h"

static struct btf *linux_btf;
static int fds[N_MAPS], agreed, texts, failures, unsafe;

static const struct {
	const char *name, *reason;
} known[] = {
	{"arena value past the end", "Linux up to 6.18 lets the address one past the end through"},
};

static const char *reason_for(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, name))
			return known[i].reason;
	return NULL;
}

static long sys_bpf(int cmd, union bpf_attr *attr, unsigned int size)
{
	long ret = syscall(__NR_bpf, cmd, attr, size);

	return ret < 0 ? -errno : ret;
}

static int linux_maps(void)
{
	for (int i = 0; i < N_MAPS; i++) {
		union bpf_attr attr;

		suite_map_attr(i, &attr);
		fds[i] = (int)sys_bpf(BPF_MAP_CREATE, &attr, 72);
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

static bool names_map(const struct bpf_insn *insn)
{
	return insn_is_ldimm64(insn) &&
	       (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE);
}

static int linux_verify(const struct suite_case *c, char *log, uint32_t size)
{
	struct bpf_insn *insns = mem_dup(c->insns, c->n * sizeof(*insns));
	union bpf_attr attr;
	long fd;

	if (!insns)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->n; i++)
		if (names_map(&insns[i]) && insns[i].imm >= 0 && insns[i].imm < N_MAPS)
			insns[i].imm = fds[insns[i].imm];
	for (uint32_t i = 0; i < c->n; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) &&
		    insns[i].src_reg == BPF_PSEUDO_KFUNC_CALL && insns[i].imm < N_KFUNCS)
			insns[i].imm = btf__find_by_name_kind(linux_btf, suite_kfuncs[insns[i].imm],
							      BTF_KIND_FUNC);
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = c->type;
	attr.expected_attach_type = c->attach;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = c->n;
	attr.license = (uint64_t)(uintptr_t)"GPL";
	attr.log_buf = (uint64_t)(uintptr_t)log;
	attr.log_size = size;
	attr.log_level = 1;
	attr.prog_flags = c->type == BPF_PROG_TYPE_SYSCALL ? BPF_F_SLEEPABLE : 0;
	log[0] = 0;
	fd = sys_bpf(BPF_PROG_LOAD, &attr, 120);
	mem_free(insns);
	if (fd < 0)
		return (int)fd;
	close((int)fd);
	return 0;
}

static const char *last_line(char *log)
{
	char *end = strstr(log, "processed ");

	if (end)
		*end = 0;
	end = log + strlen(log);
	while (end > log && end[-1] == '\n')
		*--end = 0;
	while (end > log && end[-1] != '\n')
		end--;
	return end;
}

static void compare(const struct suite_case *c, void *arg)
{
	static char linux_log[1 << 20];
	struct code *code = NULL;
	int ours = harness_verify(c->type, c->attach, c->insns, c->n, 1, NULL, &code);
	int theirs = linux_verify(c, linux_log, sizeof(linux_log));
	const char *reason = reason_for(c->name);

	code_free(code);
	if (!ours == !theirs) {
		agreed++;
		if (theirs && (ours != theirs || (c->msg && !strstr(linux_log, c->msg)))) {
			texts++;
			printf("text: %s: engine %d \"%s\"", c->name, ours, last_line(log_buf));
			printf(", Linux %d \"%s\"\n", theirs, last_line(linux_log));
		}
		return;
	}
	unsafe += !ours && !reason;
	failures += !reason;
	printf("verdict: %s: engine %d \"%s\", Linux ", c->name, ours,
	       ours ? last_line(log_buf) : "");
	printf("%d \"%s\"%s%s\n", theirs, theirs ? last_line(linux_log) : "", reason ? ": " : "",
	       reason ? reason : "");
}

/* -- Which type of program may call which helper ------------------------------------------ */

static bool knows_helper(const char *log)
{
	return !strstr(log, "cannot use helper") && !strstr(log, "unknown func");
}

/* Types that name a function, or that this kernel may lack, are left out. */
static bool is_asked(uint32_t type)
{
	return type != BPF_PROG_TYPE_LIRC_MODE2 && type != BPF_PROG_TYPE_TRACING &&
	       type != BPF_PROG_TYPE_STRUCT_OPS && type != BPF_PROG_TYPE_EXT &&
	       type != BPF_PROG_TYPE_LSM;
}

static void compare_helper(uint32_t id, uint32_t type)
{
	static const uint8_t attach[BPF_PROG_TYPE_MAX] = {
		[BPF_PROG_TYPE_CGROUP_SOCK] = BPF_CGROUP_INET_SOCK_CREATE,
		[BPF_PROG_TYPE_CGROUP_SOCK_ADDR] = BPF_CGROUP_INET4_CONNECT,
		[BPF_PROG_TYPE_SK_REUSEPORT] = BPF_SK_REUSEPORT_SELECT,
		[BPF_PROG_TYPE_CGROUP_SOCKOPT] = BPF_CGROUP_GETSOCKOPT,
		[BPF_PROG_TYPE_SK_LOOKUP] = BPF_SK_LOOKUP,
		[BPF_PROG_TYPE_NETFILTER] = BPF_NETFILTER,
	};
	static char linux_log[1 << 16];
	const struct bpf_insn insns[] = {CALL((int32_t)id), DONE};
	const struct suite_case c = {.name = helper_name(id),
				     .type = type,
				     .attach = attach[type],
				     .insns = insns,
				     .n = ARRAY_SIZE(insns)};
	struct code *code = NULL;

	harness_verify(type, c.attach, insns, c.n, 1, NULL, &code);
	code_free(code);
	linux_verify(&c, linux_log, sizeof(linux_log));
	agreed++;
	if (knows_helper(log_buf) == knows_helper(linux_log))
		return;
	agreed--;
	failures++;
	unsafe += knows_helper(log_buf);
	printf("helper: bpf_%s and program type %u: engine %s, Linux %s\n", c.name, type,
	       knows_helper(log_buf) ? "has it" : "has it not",
	       knows_helper(linux_log) ? "has it" : "has it not");
}

static void compare_helpers(void)
{
	for (uint32_t id = 1; id < HELPER_ID_MAX; id++)
		for (uint32_t type = 1; helper_proto(id) && type < BPF_PROG_TYPE_MAX; type++)
			if (is_asked(type))
				compare_helper(id, type);
}

int main(void)
{
	int err = linux_maps();

	if (err) {
		printf("skipped: this kernel does not let the caller create the maps: %d\n", err);
		return 77;
	}
	linux_btf = btf__load_vmlinux_btf();
	if (!linux_btf) {
		printf("skipped: this kernel does not tell its types\n");
		return 77;
	}
	harness_open();
	suite_each(compare, NULL);
	compare_helpers();
	harness_close();
	btf__free(linux_btf);
	printf("%d verdicts agree (%d with another text), %d differ without a known reason, "
	       "%d of them accepted here and refused by Linux\n",
	       agreed, texts, failures, unsafe);
	return failures != 0;
}
