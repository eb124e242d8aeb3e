/* SPDX-License-Identifier: BSD-2-Clause */
/* The public engine handle: opening one side of the seam, messages, version. */
#include "kernel/handle.h"

#include "base/base.h"
#include "base/opts.h"
#include "uarena.h"

static ua_print_fn current_print;

static int forward(enum log_level level, const char *fmt, va_list args)
{
	return current_print((enum ua_print_level)level, fmt, args);
}

ua_print_fn ua_set_print(ua_print_fn fn)
{
	ua_print_fn old = current_print;

	current_print = fn;
	log_set(fn ? forward : NULL);
	return old;
}

#define STR_(x) #x
#define STR(x) STR_(x)

const char *ua_version(void)
{
	return STR(UA_VERSION_MAJOR) "." STR(UA_VERSION_MINOR) "." STR(UA_VERSION_PATCH);
}

int ua_engine__open(const struct ua_engine_opts *opts, struct ua_engine **engine)
{
	struct ua_engine *e;
	int err;

	UA_FAIL_IF(!engine || !opts_valid(opts), -EINVAL);
	e = mem_zalloc(sizeof(*e));
	UA_FAIL_IF(!e, -ENOMEM);
	err = opts_get(opts, backend, UA_BACKEND_ENGINE) == UA_BACKEND_LINUX
		      ? kernel_linux_new(opts, &e->kernel)
		      : kernel_engine_new(opts, &e->kernel);
	if (err) {
		mem_free(e);
		return err;
	}
	*engine = e;
	return 0;
}

void ua_engine__close(struct ua_engine *engine)
{
	if (!engine)
		return;
	engine->kernel->ops->free(engine->kernel);
	mem_free(engine);
}
