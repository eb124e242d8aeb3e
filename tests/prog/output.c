/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Output of programs: records for a perf event array go to the ring buffers in its slots, and
 * sched_ext's messages, outside a scheduler, to the program's stderr; errors and exits end the
 * run.
 */
#include "inside.h"

#include <errno.h>

static void before_load(struct ua_object *obj)
{
	(void)obj;
}

/* What one run gives: result, return value, and a text on its stderr. */
static void expect(struct ua_object *obj, const char *name, int want_err, int want_ret,
		   const char *want_text)
{
	struct ua_program *prog = ua_object__find_program(obj, name);
	static uint8_t packet[64];
	bool is_tc = prog && !strcmp(ua_program__section(prog), "tc");
	UA_OPTS(ua_run_opts, opts, .cpu = -1, .data_in = is_tc ? packet : NULL,
		.data_in_size = is_tc ? sizeof(packet) : 0);
	char text[2048] = "";
	int err = ua_program__run(prog, &opts);
	int n = ua_program__read_stream(prog, UA_STDERR, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	if (err != want_err || (!err && (int)opts.retval != want_ret))
		FAIL("%s: error %d, returned %d", name, err, (int)opts.retval);
	if (want_text ? !strstr(text, want_text) : *text)
		FAIL("%s: wrote \"%s\"", name, text);
}

static void run_all(struct ua_object *obj)
{
	uint32_t slot = 0;
	int fd = ua_map__fd(ua_object__find_map(obj, "ring")), *went_on;

	if (ua_map__update(ua_object__find_map(obj, "events"), &slot, &fd, 0))
		FAIL("the ring cannot be put into its slot");
	expect(obj, "perf", 0, 0, NULL);
	expect(obj, "node", 0, 0, NULL);
	expect(obj, "error", -EINVAL, 0, "scx_bpf_error: 1 of three");
	expect(obj, "leave", -EINVAL, 0, "scx_bpf_exit: 2 of three");
	expect(obj, "dump", -EINVAL, 0, "3 of three");
	if (ua_object__find_global(obj, "went_on", (void **)&went_on, NULL) || *went_on != 1)
		FAIL("the program did not come to its end");
}
