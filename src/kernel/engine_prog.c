/* SPDX-License-Identifier: BSD-2-Clause */
/* bpf(2) on programs and BTF: loading, test runs, streams, ids. */
#include <fcntl.h>
#include <unistd.h>

#include "base/base.h"
#include "kernel/btf_obj.h"
#include "kernel/engine_priv.h"
#include "kernel/user.h"
#include "map/map.h"
#include "sched/machine.h"

#define BTF_MAX_SIZE (16u << 20)
#define INSNS_MAX 1000000u
#define INFO_RECORD_MAX 252u /* bytes of one func_info or line_info record */

/* -- Loading ------------------------------------------------------------------------------------
 */

/* What a load refers to, for its length. */
struct load {
	struct engine_kernel *k;
	union bpf_attr attr; /* pointers lead to the copies below */
	uint64_t fd_array;   /* the caller's */
	void *insns, *func_info, *line_info;
	char license[128];
	struct btf_obj *btf;
	struct map **maps; /* bound through fd_array_cnt */
	uint32_t n_maps;
};

static int resolve_map(void *arg, int fd, bool is_idx, struct map **out)
{
	struct load *l = arg;
	int32_t from_array;

	if (is_idx) {
		UA_FAIL_IF(!l->fd_array, -EPROTO);
		UA_TRY(user_read(&from_array,
				 l->fd_array + (uint64_t)(uint32_t)fd * sizeof(from_array),
				 sizeof(from_array)));
		fd = from_array;
	}
	return engine_get_map(l->k, (uint32_t)fd, out);
}

static int copy_license(struct load *l)
{
	for (size_t i = 0; i < sizeof(l->license) - 1; i++) {
		UA_TRY(user_read(&l->license[i], l->attr.license + i, 1));
		if (!l->license[i])
			break;
	}
	l->attr.license = (uintptr_t)l->license;
	return 0;
}

static int copy_array(uint64_t *ptr, uint64_t n, uint64_t size, void **copy)
{
	if (!n || !size || !*ptr)
		return 0;
	UA_TRY(user_dup(*ptr, n * size, copy));
	*ptr = (uintptr_t)*copy;
	return 0;
}

/* The program must not change while it is checked: work on copies. */
static int copy_inputs(struct load *l)
{
	union bpf_attr *a = &l->attr;

	UA_FAIL_IF(!a->insn_cnt || a->insn_cnt > INSNS_MAX, -E2BIG);
	UA_FAIL_IF(a->func_info_rec_size > INFO_RECORD_MAX ||
			   a->line_info_rec_size > INFO_RECORD_MAX,
		   -EINVAL);
	UA_FAIL_IF(a->func_info_cnt > a->insn_cnt || a->line_info_cnt > INSNS_MAX, -EINVAL);
	UA_TRY(copy_license(l));
	UA_TRY(copy_array(&a->insns, a->insn_cnt, sizeof(struct bpf_insn), &l->insns));
	UA_TRY(copy_array(&a->func_info, a->func_info_cnt, a->func_info_rec_size, &l->func_info));
	return copy_array(&a->line_info, a->line_info_cnt, a->line_info_rec_size, &l->line_info);
}

/* Maps named by fd_array_cnt belong to the program even if no instruction names them. */
static int bind_fd_array(struct load *l)
{
	UA_FAIL_IF(l->attr.fd_array_cnt > 64, -E2BIG);
	l->maps = mem_calloc(l->attr.fd_array_cnt, sizeof(*l->maps));
	UA_FAIL_IF(!l->maps, -ENOMEM);
	for (uint32_t i = 0; i < l->attr.fd_array_cnt; i++) {
		int32_t fd;
		int kind;

		UA_TRY(user_read(&fd, l->fd_array + i * sizeof(fd), sizeof(fd)));
		kind = objects_kind(&l->k->objects, fd);
		UA_FAIL_IF(kind != OBJECT_MAP && kind != OBJECT_BTF, kind < 0 ? kind : -EINVAL);
		if (kind == OBJECT_MAP) {
			UA_TRY(engine_get_map(l->k, (uint32_t)fd, &l->maps[l->n_maps]));
			l->n_maps++;
		}
	}
	return 0;
}

static int log_check(const union bpf_attr *attr)
{
	uint8_t last = 0;

	if (!attr->log_level)
		return 0;
	UA_FAIL_IF(attr->log_level > 15 || !!attr->log_buf != !!attr->log_size, -EINVAL);
	UA_FAIL_IF(attr->log_size > UINT32_MAX >> 2, -EINVAL);
	if (attr->log_buf)
		UA_TRY(user_write(attr->log_buf + attr->log_size - 1, &last, 1));
	return 0;
}

#define PROG_FLAGS                                                                        \
	(BPF_F_STRICT_ALIGNMENT | BPF_F_ANY_ALIGNMENT | BPF_F_TEST_RND_HI32 |             \
	 BPF_F_TEST_STATE_FREQ | BPF_F_SLEEPABLE | BPF_F_XDP_HAS_FRAGS | BPF_F_TOKEN_FD | \
	 BPF_F_XDP_DEV_BOUND_ONLY | BPF_F_TEST_REG_INVARIANTS)

static bool can_sleep(uint32_t type)
{
	return type == BPF_PROG_TYPE_SYSCALL || type == BPF_PROG_TYPE_STRUCT_OPS ||
	       type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM ||
	       type == BPF_PROG_TYPE_KPROBE;
}

static int attr_check(const union bpf_attr *attr)
{
	bool sleepable = attr->prog_flags & BPF_F_SLEEPABLE;

	UA_FAIL_IF(attr->prog_flags & ~PROG_FLAGS, -EINVAL);
	UA_FAIL_IF(!attr->prog_type || attr->prog_type >= BPF_PROG_TYPE_MAX, -EINVAL);
	if (attr->prog_type == BPF_PROG_TYPE_SYSCALL && !sleepable) {
		log_warn("uarena: Syscall programs can only be sleepable\n");
		return -EINVAL;
	}
	UA_FAIL_IF(sleepable && !can_sleep(attr->prog_type), -EINVAL);
	if (attr->prog_type == BPF_PROG_TYPE_STRUCT_OPS)
		return 0; /* which member it is: struct_ops_fill_verify() */
	return prog_type_attaches(attr->prog_type, attr->expected_attach_type) ? 0 : -EINVAL;
}

static int load_begin(struct load *l)
{
	UA_TRY(attr_check(&l->attr));
	UA_TRY(map_name_check(l->attr.prog_name));
	UA_TRY(log_check(&l->attr));
	UA_TRY(copy_inputs(l));
	UA_TRY(bind_fd_array(l));
	if (!l->attr.prog_btf_fd)
		return 0;
	return objects_get(&l->k->objects, (int)l->attr.prog_btf_fd, OBJECT_BTF, (void **)&l->btf);
}

static void load_end(struct load *l)
{
	for (uint32_t i = 0; i < l->n_maps; i++)
		map_put(l->maps[i]);
	mem_free(l->maps);
	mem_free(l->insns);
	mem_free(l->func_info);
	mem_free(l->line_info);
	if (l->btf)
		btf_obj_put(l->btf);
}

static long publish(struct engine_kernel *k, struct prog *prog)
{
	int fd = engine_file("bpf-prog"), user_fd;

	if (fd < 0) {
		prog_put(prog);
		return fd;
	}
	user_fd = objects_add(&k->objects, OBJECT_PROG, prog, fd, &prog->id);
	close(fd);
	if (user_fd < 0)
		prog_put(prog);
	return user_fd;
}

long cmd_prog_load(struct engine_kernel *k, union bpf_attr *attr)
{
	struct load l = {.k = k, .attr = *attr, .fd_array = attr->fd_array};
	struct prog_load_in in = {.attr = &l.attr, .resolve_map = resolve_map, .resolve_arg = &l};
	struct prog *prog;
	int err = load_begin(&l);

	if (!err) {
		in.btf = l.btf ? l.btf->btf : NULL;
		in.btf_obj = l.btf;
		in.btf_obj_put = btf_obj_put;
		in.fd_array_maps = l.maps;
		in.n_fd_array_maps = l.n_maps;
		err = prog_load(k->engine, &in, &prog);
		attr->log_true_size = l.attr.log_true_size;
	}
	if (!err)
		l.btf = NULL; /* the program owns that reference now */
	load_end(&l);
	return err ? err : publish(k, prog);
}

/* -- BTF ------------------------------------------------------------------------------------------
 */

long cmd_btf_load(struct engine_kernel *k, union bpf_attr *attr)
{
	struct btf_obj *obj;
	void *raw;
	int fd, user_fd;

	UA_FAIL_IF(attr->btf_size > BTF_MAX_SIZE, -E2BIG);
	UA_FAIL_IF(attr->btf_flags || attr->btf_token_fd, -EINVAL);
	UA_TRY(user_dup(attr->btf, attr->btf_size, &raw));
	UA_TRY(btf_obj_new(raw, attr->btf_size, &obj));
	fd = engine_file("bpf-btf");
	user_fd = fd < 0 ? fd : objects_add(&k->objects, OBJECT_BTF, obj, fd, &obj->id);
	if (fd >= 0)
		close(fd);
	if (user_fd < 0)
		btf_obj_put(obj);
	return user_fd;
}

/* -- Running --------------------------------------------------------------------------------------
 */

struct test_run {
	struct prog *prog;
	union bpf_attr *attr;
};

static int test_run(void *arg)
{
	struct test_run *run = arg;

	return prog_test_run(run->prog, run->attr);
}

/* A program of an engine with a machine is in the machine's world, whoever runs it. */
long cmd_prog_test_run(struct engine_kernel *k, union bpf_attr *attr)
{
	struct test_run run = {.attr = attr};
	struct machine *m;
	int err;

	UA_FAIL_IF(!!attr->test.ctx_size_in != !!attr->test.ctx_in, -EINVAL);
	UA_FAIL_IF(!!attr->test.ctx_size_out != !!attr->test.ctx_out, -EINVAL);
	UA_TRY(engine_get_prog(k, attr->test.prog_fd, &run.prog));
	m = run.prog->engine->machine;
	err = m ? machine_visit(m, -1, test_run, &run) : test_run(&run);
	prog_put(run.prog);
	return err;
}

static int stream_copy(struct stream *s, uint64_t to, uint32_t len)
{
	char buf[1024];
	uint32_t done = 0;

	while (done < len) {
		int n = stream_read(s, buf, min_t(uint32_t, sizeof(buf), len - done));

		if (n <= 0)
			break;
		UA_TRY(user_write(to + done, buf, (size_t)n));
		done += (uint32_t)n;
	}
	return (int)done;
}

long cmd_prog_stream_read(struct engine_kernel *k, union bpf_attr *attr)
{
	uint32_t id = attr->prog_stream_read.stream_id;
	struct prog *prog;
	int ret;

	UA_TRY(engine_get_prog(k, attr->prog_stream_read.prog_fd, &prog));
	ret = id == BPF_STREAM_STDOUT || id == BPF_STREAM_STDERR
		      ? stream_copy(
				prog->streams[id - 1], attr->prog_stream_read.stream_buf,
				min_t(uint32_t, attr->prog_stream_read.stream_buf_len, INT32_MAX))
		      : -ENOENT;
	prog_put(prog);
	return ret;
}

/* -- Ids
 * -------------------------------------------------------------------------------------------- */

static long next_id(struct engine_kernel *k, enum object_kind kind, union bpf_attr *attr)
{
	return objects_next_id(&k->objects, kind, attr->get_id.start_id, &attr->get_id.next_id);
}

long cmd_prog_next_id(struct engine_kernel *k, union bpf_attr *attr)
{
	return next_id(k, OBJECT_PROG, attr);
}

long cmd_map_next_id(struct engine_kernel *k, union bpf_attr *attr)
{
	return next_id(k, OBJECT_MAP, attr);
}

long cmd_btf_next_id(struct engine_kernel *k, union bpf_attr *attr)
{
	return next_id(k, OBJECT_BTF, attr);
}

long cmd_link_next_id(struct engine_kernel *k, union bpf_attr *attr)
{
	return next_id(k, OBJECT_LINK, attr);
}

long cmd_prog_fd_by_id(struct engine_kernel *k, union bpf_attr *attr)
{
	return objects_open_id(&k->objects, OBJECT_PROG, attr->get_id.prog_id, O_RDWR);
}

long cmd_map_fd_by_id(struct engine_kernel *k, union bpf_attr *attr)
{
	int mode;

	UA_FAIL_IF(attr->get_id.open_flags & ~(BPF_F_RDONLY | BPF_F_WRONLY), -EINVAL);
	UA_TRY(mode = engine_fd_mode(attr->get_id.open_flags));
	return objects_open_id(&k->objects, OBJECT_MAP, attr->get_id.map_id, mode);
}

long cmd_btf_fd_by_id(struct engine_kernel *k, union bpf_attr *attr)
{
	return objects_open_id(&k->objects, OBJECT_BTF, attr->get_id.btf_id, O_RDWR);
}

long cmd_link_fd_by_id(struct engine_kernel *k, union bpf_attr *attr)
{
	return objects_open_id(&k->objects, OBJECT_LINK, attr->get_id.link_id, O_RDWR);
}
