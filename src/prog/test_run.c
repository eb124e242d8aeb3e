/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BPF_PROG_TEST_RUN: run a program with a context or packet of the caller's making. Which
 * attributes a kind takes, and the errno for the others, are Linux's.
 *
 *   SYSCALL                   context, copied back to where it came from
 *   RAW_TRACEPOINT            context of up to 12 words, CPU of choice
 *   SOCKET_FILTER, SCHED_CLS  packet, struct __sk_buff, repeat
 */
#include <time.h>

#include "abi/skb.h"
#include "base/base.h"
#include "map/map.h"
#include "prog/engine.h"
#include "prog/probe.h"
#include "prog/prog.h"

#define MAX_RAW_TP_ARGS 12
#define ETH_HEADER 14
#define MAX_PACKET 3712 /* what Linux fits into a page beside its own data */
#define LOOPBACK_IFINDEX 1

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The run's memory for a context of `size` bytes, at least 1. */
static int context_copy(const union bpf_attr *attr, void **ctx)
{
	int err;

	*ctx = mem_zalloc(max_t(uint32_t, attr->test.ctx_size_in, 8));
	UA_FAIL_IF(!*ctx, -ENOMEM);
	err = probe_read(*ctx, attr->test.ctx_size_in, attr->test.ctx_in);
	if (err)
		mem_free(*ctx);
	return err;
}

/* -- SYSCALL -------------------------------------------------------------------- */

static int run_syscall(struct prog *prog, union bpf_attr *attr)
{
	uint64_t ret = 0;
	void *ctx;
	int err;

	UA_FAIL_IF(attr->test.data_in || attr->test.data_out || attr->test.ctx_out ||
			   attr->test.duration || attr->test.repeat || attr->test.flags ||
			   attr->test.batch_size,
		   -EINVAL);
	UA_FAIL_IF(attr->test.ctx_size_in < prog->stats.max_ctx_offset ||
			   attr->test.ctx_size_in > UINT16_MAX,
		   -EINVAL);
	UA_TRY(context_copy(attr, &ctx));
	err = prog_call(prog, attr->test.ctx_size_in ? ctx : NULL, attr->test.ctx_size_in, &ret);
	if (!err) {
		attr->test.retval = (uint32_t)ret;
		err = probe_write(attr->test.ctx_in, ctx, attr->test.ctx_size_in);
	}
	mem_free(ctx);
	return err;
}

/* -- RAW_TRACEPOINT ------------------------------------------------------------------ */

static int run_raw_tp(struct prog *prog, union bpf_attr *attr)
{
	bool on_cpu = attr->test.flags & BPF_F_TEST_RUN_ON_CPU;
	uint32_t old_cpu;
	uint64_t ret = 0;
	void *ctx;
	int err;

	UA_FAIL_IF(attr->test.data_in || attr->test.data_out || attr->test.ctx_out ||
			   attr->test.duration || attr->test.repeat || attr->test.batch_size,
		   -EINVAL);
	UA_FAIL_IF(attr->test.ctx_size_in < prog->stats.max_ctx_offset ||
			   attr->test.ctx_size_in > MAX_RAW_TP_ARGS * sizeof(uint64_t),
		   -EINVAL);
	UA_FAIL_IF(!on_cpu && attr->test.cpu, -EINVAL);
	UA_FAIL_IF(on_cpu && attr->test.cpu >= prog->engine->n_cpus, -ENXIO);
	UA_TRY(context_copy(attr, &ctx));
	old_cpu = map_set_cpu(on_cpu ? attr->test.cpu : MAP_CPU_ANY);
	err = prog_call(prog, ctx, attr->test.ctx_size_in, &ret);
	map_set_cpu(old_cpu);
	mem_free(ctx);
	if (!err)
		attr->test.retval = (uint32_t)ret;
	return err;
}

/* -- Packets ---------------------------------------------------------------------------- */

struct packet_run {
	struct skb_ctx skb;
	uint8_t *mem; /* the whole frame */
	uint32_t size;
	uint32_t skip; /* bytes of it the program does not see */
};

/* Fields the caller may preset; all others must be zero. */
static bool preset_ok(const struct skb_ctx *in)
{
	struct skb_ctx rest = *in;

	rest.mark = rest.priority = rest.ingress_ifindex = rest.ifindex = 0;
	memset(rest.cb, 0, sizeof(rest.cb));
	rest.data32 = rest.data_end32 = 0;
	rest.tstamp = rest.hwtstamp = 0;
	rest.wire_len = rest.gso_segs = rest.gso_size = 0;
	for (size_t i = 0; i < SKB_CTX_SIZE; i++)
		if (((const uint8_t *)&rest)[i])
			return false;
	return true;
}

static int preset_skb(const union bpf_attr *attr, uint32_t size, struct skb_ctx *skb)
{
	uint32_t n = attr->test.ctx_size_in;
	uint8_t byte;

	for (uint32_t i = SKB_CTX_SIZE; i < n; i++) {
		UA_TRY(probe_read(&byte, 1, attr->test.ctx_in + i));
		UA_FAIL_IF(byte, -E2BIG);
	}
	UA_TRY(probe_read(skb, min_t(uint32_t, n, SKB_CTX_SIZE), attr->test.ctx_in));
	UA_FAIL_IF(!preset_ok(skb), -EINVAL);
	UA_FAIL_IF(skb->wire_len && skb->wire_len < size, -EINVAL);
	return 0;
}

/* A frame that claims to be IP must hold at least the header. */
static uint32_t least_size(const uint8_t *frame)
{
	switch (frame[12] << 8 | frame[13]) {
	case 0x0800:
		return ETH_HEADER + 20;
	case 0x86dd:
		return ETH_HEADER + 40;
	default:
		return ETH_HEADER;
	}
}

static int packet_prepare(const struct prog *prog, const union bpf_attr *attr, struct packet_run *r)
{
	struct skb_ctx *skb = &r->skb;

	r->size = attr->test.data_size_in;
	UA_FAIL_IF(r->size < ETH_HEADER || r->size > MAX_PACKET || !attr->test.data_in, -EINVAL);
	if (attr->test.ctx_in)
		UA_TRY(preset_skb(attr, r->size, skb));
	r->mem = mem_alloc(r->size);
	UA_FAIL_IF(!r->mem, -ENOMEM);
	UA_TRY(probe_read(r->mem, r->size, attr->test.data_in));
	UA_FAIL_IF(r->size < least_size(r->mem), -EINVAL);
	r->skip = prog->type == BPF_PROG_TYPE_SOCKET_FILTER ? ETH_HEADER : 0;
	skb->len = r->size - r->skip;
	memcpy(&skb->protocol, r->mem + 12, 2);
	skb->ifindex = skb->ifindex ? skb->ifindex : LOOPBACK_IFINDEX;
	skb->wire_len = skb->wire_len ? skb->wire_len : skb->len;
	skb->data = skb->data_meta = (uintptr_t)r->mem + r->skip;
	skb->data_end = (uintptr_t)r->mem + r->size;
	return 0;
}

static int packet_loop(struct prog *prog, struct packet_run *r, uint32_t repeat, uint64_t *ret,
		       uint32_t *duration)
{
	uint64_t start = now_ns();
	int err = 0;

	for (uint32_t i = 0; i < repeat && !err; i++) {
		struct run_ctx rc;

		run_ctx_init(&rc, prog, &r->skb, SKB_CTX_SIZE);
		rc.pkt = r->mem + r->skip;
		rc.pkt_end = r->mem + r->size;
		err = prog_run(&rc, ret);
	}
	*duration = (uint32_t)min_t(uint64_t, (now_ns() - start) / repeat, UINT32_MAX);
	return err;
}

/* Copy as much as there is room for; room 0 means that the caller did not say. */
static int copy_out(uint64_t to, const void *from, uint32_t size, uint32_t *room)
{
	uint32_t n = *room && *room < size ? *room : size;

	if (to)
		UA_TRY(probe_write(to, from, n));
	*room = size;
	return n < size ? -ENOSPC : 0;
}

static int packet_finish(struct packet_run *r, union bpf_attr *attr)
{
	int err, ctx_err = 0;

	/* Linux gives the link header back as zeros where the program does not see it. */
	memset(r->mem, 0, r->skip);
	err = copy_out(attr->test.data_out, r->mem, r->size, &attr->test.data_size_out);
	if (!err && attr->test.ctx_out)
		ctx_err = copy_out(attr->test.ctx_out, &r->skb, SKB_CTX_SIZE,
				   &attr->test.ctx_size_out);
	return err ? err : ctx_err;
}

static int run_packet(struct prog *prog, union bpf_attr *attr)
{
	uint32_t repeat = attr->test.repeat ? attr->test.repeat : 1;
	struct packet_run r = {0};
	uint64_t ret = 0;
	int err;

	UA_FAIL_IF(attr->test.flags || attr->test.cpu || attr->test.batch_size, -EINVAL);
	err = packet_prepare(prog, attr, &r);
	if (!err)
		err = packet_loop(prog, &r, repeat, &ret, &attr->test.duration);
	if (!err) {
		attr->test.retval = (uint32_t)ret;
		err = packet_finish(&r, attr);
	}
	mem_free(r.mem);
	return err;
}

int prog_test_run(struct prog *prog, union bpf_attr *attr)
{
	UA_FAIL_IF(!attr->test.ctx_size_in != !attr->test.ctx_in, -EINVAL);
	UA_FAIL_IF(!attr->test.ctx_size_out != !attr->test.ctx_out, -EINVAL);
	switch (prog->type) {
	case BPF_PROG_TYPE_SYSCALL:
		return run_syscall(prog, attr);
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
		return run_raw_tp(prog, attr);
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
		return run_packet(prog, attr);
	case BPF_PROG_TYPE_STRUCT_OPS: /* Linux asks the interface, and few have an answer */
		return -EOPNOTSUPP;
	default:
		return -ENOTSUPP;
	}
}
