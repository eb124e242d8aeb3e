/* SPDX-License-Identifier: BSD-2-Clause */
/* What is printed of a refused program: enough to see why, however long its log is. */
#include "test.h"
#include "kernel/handle.h"
#include "kernel/kernel.h"

#define PRINTED_MAX (128 << 10)

static char printed[1 << 22];
static size_t n_printed;

static int collect(enum ua_print_level level, const char *fmt, va_list args)
{
	int n = vsnprintf(printed + n_printed, sizeof(printed) - n_printed, fmt, args);

	if (n > 0)
		n_printed = min_t(size_t, n_printed + n, sizeof(printed) - 1);
	return n;
}

static int load_one(struct ua_engine *engine, const char *path, const char *name, uint32_t level)
{
	UA_OPTS(ua_object_opts, opts, .log_level = level);
	struct ua_object *obj;
	int err = ua_object__open_file(engine, path, &opts, &obj);

	n_printed = 0;
	printed[0] = 0;
	if (err)
		return err;
	ua_program__set_autoload(ua_object__find_program(obj, name), true);
	err = ua_object__load(obj);
	ua_object__close(obj);
	return err;
}

/* The log of each of a million steps would take seconds to write and megabytes to print. */
static void too_complex(struct ua_engine *engine, const char *path)
{
	int err = load_one(engine, path, "endless", 0);

	CHECK(err == -E2BIG, "%d", err);
	CHECK(strstr(printed, "BPF program is too large"), "%s", printed);
	CHECK(strstr(printed, "processed 1000001 insns"), "%s", printed);
	CHECK(strstr(printed, "refused.bpf.c:"), "%s", printed);
	CHECK(!strstr(printed, "goto pc"), "steps are logged: %.2000s", printed);
}

static void end_of_log(struct ua_engine *engine, const char *path)
{
	int err = load_one(engine, path, "late_error", 0);

	CHECK(err == -EACCES, "%d", err);
	CHECK(strstr(printed, "invalid mem access 'scalar'"), "%s", printed);
	CHECK(!strstr(printed, "\n0: "), "the beginning is printed");
	CHECK(n_printed < PRINTED_MAX, "%zu bytes", n_printed);
}

static void whole_log(struct ua_engine *engine, const char *path)
{
	int err = load_one(engine, path, "late_error", 1);

	CHECK(err == -EACCES, "%d", err);
	CHECK(strstr(printed, "\n0: "), "the beginning is missing");
	CHECK(strstr(printed, "invalid mem access 'scalar'"), "the end is missing");
	CHECK(n_printed > PRINTED_MAX, "%zu bytes", n_printed);
}

/* What the loader did not find is named, not the call it put there. */
static void not_found(struct ua_engine *engine, const char *path)
{
	static const struct {
		const char *prog, *text;
	} cases[] = {
		{"no_member", "function no_member: instruction 0: CO-RE byte_off of task_struct "
			      "(0:0): the kernel has no task_struct.no_such_member"},
		{"no_kfunc", "section syscall: program no_kfunc: calls no_such_kfunc, which does "
			     "not exist"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int err = load_one(engine, path, cases[i].prog, 0);

		CHECK(err == -EINVAL, "%s: %d", cases[i].prog, err);
		CHECK(strstr(printed, cases[i].text), "%s", printed);
	}
}

/* -- A kernel whose log is always too long for the buffer ------------------------ */

static const struct kernel_ops *real_ops;

static long bpf_without_room(struct kernel *k, int cmd, union bpf_attr *attr, unsigned int size)
{
	long ret = real_ops->bpf(k, cmd, attr, size);

	if (cmd != BPF_PROG_LOAD || !attr->log_level)
		return ret;
	if (ret >= 0)
		k->ops->close(k, (int)ret);
	return -ENOSPC;
}

/* The kernel says -ENOSPC of a log that lost its beginning, whatever it thinks of the program. */
static void log_too_long(struct ua_engine *engine, const char *path)
{
	struct kernel_ops ops = *engine->kernel->ops;
	int err;

	real_ops = engine->kernel->ops;
	ops.bpf = bpf_without_room;
	engine->kernel->ops = &ops;
	err = load_one(engine, path, "fine", 0);
	CHECK(!err, "%d: %s", err, printed);
	err = load_one(engine, path, "late_error", 0);
	CHECK(err == -EACCES, "%d", err);
	CHECK(strstr(printed, "invalid mem access 'scalar'"), "%s", printed);
	engine->kernel->ops = real_ops;
}

int main(int argc, char **argv)
{
	struct ua_engine *engine;

	if (argc < 2 || ua_engine__open(NULL, &engine))
		return 1;
	ua_set_print(collect);
	too_complex(engine, argv[1]);
	end_of_log(engine, argv[1]);
	whole_log(engine, argv[1]);
	not_found(engine, argv[1]);
	log_too_long(engine, argv[1]);
	ua_engine__close(engine);
	return failures != 0;
}
