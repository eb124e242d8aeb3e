/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BPF_PROG_TEST_RUN, case by case: results and errnos. With the argument "linux" the same table
 * runs against the live kernel, which is where the expectations come from.
 */
#include "check.h"

#include <errno.h>
#include <unistd.h>

#include "abi/bpf.h"
#include "kernel/handle.h"

static struct ua_engine *engine;
static struct ua_object *obj;

#define PACKET 64
static uint8_t packet[8192], out[8192];
static uint8_t ctx[512], ctx_out[512];
static uint8_t skb_zero[192], skb_mark[192], skb_len[192], skb_long[200], skb_longer[200];

struct run_case {
	const char *name, *prog;
	union bpf_attr attr;
	int err;
	uint32_t ret;
	uint32_t data_out, ctx_out; /* sizes reported */
};

#define P(x) ((uint64_t)(uintptr_t)(x))
#define CTX(n) .ctx_in = P(ctx), .ctx_size_in = (n)
#define PKT(n) .data_in = P(packet), .data_size_in = (n)
#define T(...)                          \
	{                               \
		.test = { __VA_ARGS__ } \
	}

static long test_run(const struct run_case *c, union bpf_attr *attr)
{
	*attr = c->attr;
	attr->test.prog_fd = (uint32_t)ua_program__fd(program(obj, c->prog));
	return kernel_bpf(engine->kernel, BPF_PROG_TEST_RUN, attr, sizeof(*attr));
}

static void prepare(void)
{
	memset(packet, 0, sizeof(packet));
	memset(ctx, 0, sizeof(ctx));
	packet[0] = 2;
	packet[12] = 8;
	packet[14] = 40;
	((uint64_t *)ctx)[0] = 5;
	((uint64_t *)ctx)[1] = 6;
	skb_mark[8] = 7;
	skb_len[0] = 1;
	skb_longer[196] = 1;
}

static void run_case(const struct run_case *c)
{
	union bpf_attr attr;
	long err;

	prepare();
	err = test_run(c, &attr);
	if (err != c->err || (!err && attr.test.retval != c->ret) ||
	    (c->data_out && attr.test.data_size_out != c->data_out) ||
	    (c->ctx_out && attr.test.ctx_size_out != c->ctx_out)) {
		fprintf(stderr, "%s: err %ld (%d) ret %u (%u) data_out %u ctx_out %u\n", c->name,
			err, c->err, attr.test.retval, c->ret, attr.test.data_size_out,
			attr.test.ctx_size_out);
		exit(1);
	}
}

static void run_table(void)
{
	const struct run_case cases[] = {
		/* SYSCALL */
		{"plain", "swap", T(CTX(16)), 0, 17},
		{"larger context", "swap", T(CTX(64)), 0, 17},
		{"context too small", "swap", T(CTX(8)), -EINVAL},
		{"no context", "swap", T(0), -EINVAL},
		{"size without context", "swap", T(.ctx_size_in = 16), -EINVAL},
		{"context without size", "swap", T(.ctx_in = P(ctx)), -EINVAL},
		{"repeat", "swap", T(CTX(16), .repeat = 2), -EINVAL},
		{"flags", "swap", T(CTX(16), .flags = 1), -EINVAL},
		{"data", "swap", T(CTX(16), PKT(64)), -EINVAL},
		{"context out", "swap", T(CTX(16), .ctx_out = P(ctx_out), .ctx_size_out = 16),
		 -EINVAL},
		{"batch", "swap", T(CTX(16), .batch_size = 1), -EINVAL},
		/* RAW_TRACEPOINT */
		{"plain", "raw", T(CTX(16), .flags = BPF_F_TEST_RUN_ON_CPU), 0, 17},
		{"another cpu", "raw", T(CTX(16), .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = 1), 0,
		 1017},
		{"no such cpu", "raw", T(CTX(16), .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = 9999),
		 -ENXIO},
		{"cpu without flag", "raw", T(CTX(16), .cpu = 1), -EINVAL},
		{"context too small", "raw", T(CTX(8)), -EINVAL},
		{"context too large", "raw", T(CTX(104)), -EINVAL},
		{"repeat", "raw", T(CTX(16), .repeat = 2), -EINVAL},
		{"data", "raw", T(CTX(16), PKT(64)), -EINVAL},
		/* packets */
		{"plain", "classify", T(PKT(PACKET)), 0, 552, PACKET},
		{"repeat", "classify", T(PKT(PACKET), .repeat = 5), 0, 552, PACKET},
		{"data out", "classify", T(PKT(PACKET), .data_out = P(out), .data_size_out = 100),
		 0, 552, PACKET},
		{"data out too small", "classify",
		 T(PKT(PACKET), .data_out = P(out), .data_size_out = 10), -ENOSPC, 0, PACKET},
		{"shortest IP", "classify", T(PKT(34)), 0, 552, 34},
		{"too short for IP", "classify", T(PKT(33)), -EINVAL},
		{"too short", "filter", T(PKT(13)), -EINVAL},
		{"longest", "filter", T(PKT(3712)), 0, 3698, 3712},
		{"too long", "filter", T(PKT(3713)), -EINVAL},
		{"no data", "classify", T(0), -EINVAL},
		{"cpu", "classify", T(PKT(PACKET), .cpu = 1), -EINVAL},
		{"context", "classify",
		 T(PKT(PACKET), .ctx_in = P(skb_mark), .ctx_size_in = 192, .ctx_out = P(ctx_out),
		   .ctx_size_out = 192),
		 0, 552, PACKET, 192},
		{"empty context", "classify",
		 T(PKT(PACKET), .ctx_in = P(skb_zero), .ctx_size_in = 192), 0, 552},
		{"context out too small", "classify",
		 T(PKT(PACKET), .ctx_out = P(ctx_out), .ctx_size_out = 8), -ENOSPC, 0, PACKET, 192},
		{"preset of a field that is not free", "classify",
		 T(PKT(PACKET), .ctx_in = P(skb_len), .ctx_size_in = 192), -EINVAL},
		{"long context", "classify",
		 T(PKT(PACKET), .ctx_in = P(skb_long), .ctx_size_in = 200), 0, 552},
		{"long context with content", "classify",
		 T(PKT(PACKET), .ctx_in = P(skb_longer), .ctx_size_in = 200), -E2BIG},
		{"socket filter sees no Ethernet header", "filter", T(PKT(PACKET)), 0, 50, PACKET},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_case(&cases[i]);
}

static void test_contents(void)
{
	struct run_case syscall = {"", "swap", T(CTX(16))};
	struct run_case pkt = {"", "classify",
			       T(PKT(PACKET), .data_out = P(out), .data_size_out = PACKET,
				 .ctx_in = P(skb_mark), .ctx_size_in = 192, .ctx_out = P(ctx_out),
				 .ctx_size_out = 192)};
	union bpf_attr attr;

	prepare();
	CHECK_EQ(test_run(&syscall, &attr), 0);
	CHECK(((uint64_t *)ctx)[0] == 6 && ((uint64_t *)ctx)[1] == 5);
	CHECK_EQ(test_run(&pkt, &attr), 0);
	CHECK_EQ(out[15], 41);
	CHECK_EQ(packet[15], 0);
	CHECK_EQ(((uint32_t *)ctx_out)[2], 8);	     /* mark */
	CHECK_EQ(((uint32_t *)ctx_out)[13], PACKET); /* cb[1] */
}

int main(int argc, char **argv)
{
	bool on_linux = argc > 2 && !strcmp(argv[2], "linux");
	UA_OPTS(ua_engine_opts, opts, .backend = on_linux ? UA_BACKEND_LINUX : UA_BACKEND_ENGINE,
		.n_cpus = on_linux ? 0 : 2);

	CHECK(argc >= 2);
	if (on_linux && (geteuid() || sysconf(_SC_NPROCESSORS_ONLN) < 2)) {
		printf("needs root and two CPUs\n");
		return 77;
	}
	CHECK_EQ(ua_engine__open(&opts, &engine), 0);
	CHECK_EQ(ua_object__open_file(engine, argv[1], NULL, &obj), 0);
	if (ua_object__load(obj)) {
		printf("cannot load here\n");
		return on_linux ? 77 : 1;
	}
	run_table();
	test_contents();
	ua_object__close(obj);
	ua_engine__close(engine);
	return 0;
}
