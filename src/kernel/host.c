/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Public registration of host functions and struct_ops types. The Linux side has no place for
 * them: -EOPNOTSUPP.
 */
#include "prog/host.h"

#include "base/base.h"
#include "base/opts.h"
#include "btf/btf.h"
#include "kernel/handle.h"
#include "prog/struct_ops.h"

static int engine_of(struct ua_engine *engine, struct engine **out)
{
	UA_FAIL_IF(!engine, -EINVAL);
	*out = kernel_engine(engine->kernel);
	UA_FAIL_IF(!*out, -EOPNOTSUPP);
	return 0;
}

/* -- Functions -------------------------------------------------------------------- */

int ua_engine__add_kfuncs(struct ua_engine *engine, const struct ua_kfunc *funcs, size_t n)
{
	struct engine *e;

	UA_TRY(engine_of(engine, &e));
	return host_add_kfuncs(e, funcs, n);
}

int ua_engine__add_kfunc_btf(struct ua_engine *engine, const char *name, void *fn, uint32_t flags)
{
	struct engine *e;

	UA_TRY(engine_of(engine, &e));
	return host_add_kfunc_btf(e, name, fn, flags);
}

/* -- Types --------------------------------------------------------------------------- */

static int add_checked(struct engine *e, struct btf *btf)
{
	int err = btf_check(btf);

	if (!err)
		err = host_add_btf(e, btf);
	btf__free(btf);
	return err;
}

int ua_engine__add_btf(struct ua_engine *engine, const void *data, size_t size)
{
	struct engine *e;
	struct btf *btf;

	UA_TRY(engine_of(engine, &e));
	UA_TRY(btf_load(data, size, &btf));
	return add_checked(e, btf);
}

int ua_engine__add_btf_file(struct ua_engine *engine, const char *path)
{
	struct engine *e;
	struct btf *btf;

	UA_TRY(engine_of(engine, &e));
	btf = btf__parse(path, NULL);
	if (!btf) {
		int err = errno ? -errno : -EINVAL;

		log_warn("uarena: %s: no BTF can be read: %s\n", path, strerror(-err));
		return err;
	}
	return add_checked(e, btf);
}

/* -- struct_ops ------------------------------------------------------------------------ */

/* The consumer the host's callbacks are called through; freed with the engine. */
struct ua_struct_ops {
	struct host_consumer head;
	struct struct_ops_type *type;
	struct ua_struct_ops_opts opts;
};

_Static_assert(sizeof(struct ua_struct_ops_mark) == sizeof(struct struct_ops_mark) &&
		       UA_ARG_NULLABLE == MEMBER_ARG_NULLABLE && UA_ARG_ARENA == MEMBER_ARG_ARENA,
	       "the public marks are the internal ones");

static int call_check(void *arg, void *ops)
{
	struct ua_struct_ops *so = arg;

	return so->opts.check(so->opts.arg, ops);
}

static int call_reg(void *arg, void *ops, struct struct_ops_value *value)
{
	struct ua_struct_ops *so = arg;

	return so->opts.reg(so->opts.arg, ops);
}

static void call_unreg(void *arg, void *ops, struct struct_ops_value *value)
{
	struct ua_struct_ops *so = arg;

	so->opts.unreg(so->opts.arg, ops);
}

static int call_update(void *arg, void *ops, void *old_ops)
{
	struct ua_struct_ops *so = arg;

	return so->opts.update(so->opts.arg, ops, old_ops);
}

static int add_struct_ops(struct engine *e, const char *name, struct ua_struct_ops *so)
{
	struct struct_ops_desc desc = {
		.name = name,
		.arg = so,
		.marks = (const struct struct_ops_mark *)so->opts.marks,
		.n_marks = so->opts.n_marks,
		.validate = so->opts.check ? call_check : NULL,
		.reg = so->opts.reg ? call_reg : NULL,
		.unreg = so->opts.unreg ? call_unreg : NULL,
		.update = so->opts.update ? call_update : NULL,
	};

	return struct_ops_register(e, &desc, &so->type);
}

int ua_engine__add_struct_ops(struct ua_engine *engine, const char *name,
			      const struct ua_struct_ops_opts *opts, struct ua_struct_ops **type)
{
	struct ua_struct_ops *so;
	struct engine *e;
	int err;

	UA_TRY(engine_of(engine, &e));
	UA_FAIL_IF(!name || !type || !opts_valid(opts), -EINVAL);
	so = mem_zalloc(sizeof(*so));
	UA_FAIL_IF(!so, -ENOMEM);
	if (opts)
		memcpy(&so->opts, opts, min_t(size_t, opts->sz, sizeof(so->opts)));
	err = add_struct_ops(e, name, so);
	if (err) {
		mem_free(so);
		return err;
	}
	host_keep(e, &so->head);
	*type = so;
	return 0;
}

const void *ua_struct_ops__enter(struct ua_struct_ops *type)
{
	epoch_enter();
	return struct_ops_current(type->type);
}

void ua_struct_ops__exit(struct ua_struct_ops *type)
{
	epoch_exit();
}

struct each {
	int (*cb)(void *arg, const char *member, const char *program, struct ua_arena *arena);
	void *arg;
};

static int call_each(struct prog *prog, const char *member, void *arg)
{
	struct each *each = arg;

	return each->cb(each->arg, member, prog->name, (struct ua_arena *)prog->arena);
}

int ua_struct_ops__for_each_prog(struct ua_struct_ops *type, const void *ops,
				 int (*cb)(void *arg, const char *member, const char *program,
					   struct ua_arena *arena),
				 void *arg)
{
	struct each each = {cb, arg};

	UA_FAIL_IF(!type || !ops || !cb, -EINVAL);
	return struct_ops_for_each_prog(struct_ops_value_of(type->type, ops), call_each, &each);
}
