/* SPDX-License-Identifier: BSD-2-Clause */
/* Creating what the programs of one engine share, from the options. */
#include "prog/engine.h"

#include <uarena.h>
#include <unistd.h>

#include "arena/fault.h"
#include "base/base.h"
#include "base/opts.h"
#include "btf/btf.h"
#include "map/map.h"
#include "prog/host.h"
#include "prog/struct_ops.h"

_Static_assert((int)UA_SCRATCH_DEAD == ARENA_SCRATCH_DEAD &&
		       (int)UA_SCRATCH_REPLACE == ARENA_SCRATCH_REPLACE,
	       "the public policies are the arena's");
_Static_assert((int)UA_WINDOW_AUTO == ARENA_BACKEND_AUTO &&
		       (int)UA_WINDOW_UFFD == ARENA_BACKEND_UFFD &&
		       (int)UA_WINDOW_GUARD == ARENA_BACKEND_GUARD &&
		       (int)UA_WINDOW_MPROTECT == ARENA_BACKEND_MPROTECT,
	       "the public ways of trapping are the arena's");

static uint32_t online_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (uint32_t)n : 1;
}

static int set_options(struct engine *e, const struct ua_engine_opts *opts)
{
	enum ua_exec exec = opts_get(opts, exec, UA_EXEC_AUTO);
	uint32_t n_cpus = opts_get(opts, n_cpus, 0);

	UA_FAIL_IF(!opts_valid(opts) || exec > UA_EXEC_JIT, -EINVAL);
	e->interp_only = exec == UA_EXEC_INTERP;
	e->jit_only = exec == UA_EXEC_JIT;
	if (n_cpus > MAP_MAX_CPUS) {
		log_warn("uarena: %u CPUs: at most %d\n", n_cpus, MAP_MAX_CPUS);
		return -EINVAL;
	}
	e->n_cpus = n_cpus ? n_cpus : online_cpus();
	e->arena_opts = (struct arena_opts){
		.scratch_policy = (enum arena_scratch_policy)opts_get(opts, scratch, 0),
		.backend = (enum arena_backend)opts_get(opts, window, 0),
		.null_guard = opts_get(opts, null_guard, false),
		.scratch_max = opts_get(opts, scratch_max, 0),
	};
	UA_FAIL_IF(e->arena_opts.scratch_policy > ARENA_SCRATCH_REPLACE, -EINVAL);
	UA_FAIL_IF(e->arena_opts.backend > ARENA_BACKEND_MPROTECT, -EINVAL);
	return 0;
}

static int fill(struct engine *e, const struct ua_engine_opts *opts)
{
	UA_TRY(set_options(e, opts));
	UA_TRY(btf_engine(&e->btf));
	e->kfuncs.btf = e->btf;
	UA_TRY(kfunc_add_builtin(&e->kfuncs));
	map_ops_register(BPF_MAP_TYPE_STRUCT_OPS, &struct_ops_map_ops);
	e->helper_fns = helper_table(&e->n_helper_fns);
	return fault_install();
}

int engine_new(const struct ua_engine_opts *opts, struct engine **out)
{
	struct engine *e = mem_zalloc(sizeof(*e));
	int err;

	UA_FAIL_IF(!e, -ENOMEM);
	pthread_mutex_init(&e->lock, NULL);
	err = fill(e, opts);
	if (err) {
		engine_free(e);
		return err;
	}
	*out = e;
	return 0;
}

int engine_may_register(const struct engine *e)
{
	if (!e->loaded)
		return 0;
	log_warn("uarena: functions and types must be registered before a program is loaded\n");
	return -EBUSY;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	/* What is freed may defer in turn: struct_ops value, its programs, their maps. */
	for (int i = 0; i < 3; i++)
		epoch_drain();
	struct_ops_free_types(e);
	host_free(e);
	mem_free(e->kfuncs.v);
	btf__free(e->btf);
	pthread_mutex_destroy(&e->lock);
	mem_free(e);
}
