/* SPDX-License-Identifier: BSD-2-Clause */
/* uarena show: what an object contains, without loading it. */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static json_t *programs_json(const struct ua_object *obj)
{
	json_t *list = json_array();
	struct ua_program *p = NULL;

	while ((p = ua_object__next_program(obj, p)))
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:b}", "name", ua_program__name(p),
						"section", ua_program__section(p), "type",
						cli_prog_type(ua_program__type(p)), "autoload",
						ua_program__autoload(p)));
	return list;
}

static json_t *maps_json(const struct ua_object *obj)
{
	json_t *list = json_array();
	struct ua_map *m = NULL;

	while ((m = ua_object__next_map(obj, m)))
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:I, s:I, s:I}", "name", ua_map__name(m),
					"type", cli_map_type(ua_map__type(m)), "key_size",
					(json_int_t)ua_map__key_size(m), "value_size",
					(json_int_t)ua_map__value_size(m), "max_entries",
					(json_int_t)ua_map__max_entries(m)));
	return list;
}

static json_t *globals_json(const struct ua_object *obj)
{
	json_t *list = json_array();
	struct ua_global_info g;

	for (size_t i = 0; !ua_object__global_at(obj, i, &g); i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I}", "name", g.name,
						      "section", g.section, "type", g.type, "size",
						      (json_int_t)g.size));
	return list;
}

static void print_programs(const struct ua_object *obj)
{
	struct ua_program *p = NULL;

	printf("Programs\n");
	while ((p = ua_object__next_program(obj, p)))
		printf("  %-32s %-16s SEC(\"%s\")%s\n", ua_program__name(p),
		       cli_prog_type(ua_program__type(p)), ua_program__section(p),
		       ua_program__autoload(p) ? "" : "  not loaded by default");
}

static void print_maps(const struct ua_object *obj)
{
	struct ua_map *m = NULL;

	printf("Maps\n");
	while ((m = ua_object__next_map(obj, m)))
		printf("  %-32s %-16s key %u  value %u  entries %u\n", ua_map__name(m),
		       cli_map_type(ua_map__type(m)), ua_map__key_size(m), ua_map__value_size(m),
		       ua_map__max_entries(m));
}

static void print_globals(const struct ua_object *obj)
{
	struct ua_global_info g;

	printf("Globals\n");
	for (size_t i = 0; !ua_object__global_at(obj, i, &g); i++)
		printf("  %-32s %-16s %s, %zu bytes\n", g.name, g.section, g.type, g.size);
}

static int show(const struct cli_options *o, const struct ua_object *obj)
{
	if (o->json)
		return cli_print_json(json_pack(
			"{s:s, s:o, s:o, s:o}", "object", ua_object__name(obj), "programs",
			programs_json(obj), "maps", maps_json(obj), "globals", globals_json(obj)));
	print_programs(obj);
	print_maps(obj);
	print_globals(obj);
	return CLI_OK;
}

int cli_show(int argc, char **argv)
{
	struct cli_options o;
	struct cli_session s;
	bool done;
	int status = cli_options(argc, argv, "show", ACCEPT_JSON, 1, &o, &done);

	if (!done) {
		status = cli_open(&o, o.operands[0], &s);
		if (!status)
			status = show(&o, s.obj);
		cli_close(&s);
	}
	cli_options_free(&o);
	return status;
}
