/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of a run: parsing, contexts made from BTF, references to earlier contexts. */
#include "cli/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object/object.h"
#include "object/place.h"

struct step {
	const char *text;
	enum { STEP_RUN, STEP_CALL, STEP_STORE } kind;
	char prog[PLACE_NAME_MAX];
	const char *rest; /* behind the program's name */
	uint32_t ctx_type;
	struct cli_bytes ctx; /* of a call that was made, as it came out */
	void *ctx_in;	      /* as it went in */
};

struct cli_steps {
	int n;
	struct step v[];
};

/* -- Parsing ------------------------------------------------------------------ */

static int bad_step(const struct step *step, const char *what)
{
	cli_error("'%s': %s", step->text, what);
	return CLI_REFUSED;
}

static int parse_step(const char *text, struct step *step)
{
	const char *at = text;
	size_t len = strlen(text);

	*step = (struct step){.text = text};
	if (*text == '*')
		at++;
	if (!place_take_name(&at, step->prog))
		return bad_step(step, "a program's name is expected");
	step->rest = at;
	if (*text == '*')
		step->kind = STEP_STORE;
	else if (*at == '(' && text[len - 1] == ')')
		step->kind = STEP_CALL;
	else if (*at)
		return bad_step(step, "PROG, PROG(MEMBER = VALUE, ...) or *PROG.MEMBER = VALUE "
				      "is expected");
	return CLI_OK;
}

int cli_steps_parse(char **operands, int n, struct cli_steps **out)
{
	struct cli_steps *steps = calloc(1, sizeof(*steps) + (size_t)n * sizeof(steps->v[0]));
	int status = steps ? CLI_OK : CLI_REFUSED;

	for (int i = 0; !status && i < n; i++) {
		status = parse_step(operands[i], &steps->v[i]);
		steps->n = n;
	}
	*out = steps;
	return status;
}

int cli_steps_load(struct cli_session *s, char **operands, int n, struct cli_steps **out)
{
	const char **names = calloc((size_t)n, sizeof(*names));
	int status = cli_steps_parse(operands, n, out);

	for (int i = 0; !status && names && i < n; i++)
		names[i] = (*out)->v[i].prog;
	if (!status)
		status = names ? cli_load_only(s, names, n) : CLI_REFUSED;
	free(names);
	return status;
}

void cli_steps_free(struct cli_steps *steps)
{
	for (int i = 0; steps && i < steps->n; i++) {
		free(steps->v[i].ctx.data);
		free(steps->v[i].ctx_in);
	}
	free(steps);
}

bool cli_steps_at(const struct cli_steps *steps, int i, const char **prog, struct cli_bytes *ctx)
{
	const struct step *step = &steps->v[i];

	*prog = step->prog;
	*ctx = (struct cli_bytes){step->ctx_in, step->ctx_in ? step->ctx.size : 0};
	return step->kind != STEP_STORE;
}

/* -- References to the contexts of earlier calls ------------------------------- */

struct target {
	uint64_t value;
	uint32_t type_id; /* of the member */
};

/* Reads "PROG.MEMBER" or, with the name taken, ".MEMBER"; *at moves behind it. */
static int resolve(struct cli_session *s, const struct cli_steps *steps, const struct step *now,
		   const char *prog, const char **at, struct target *out)
{
	struct place p = {.obj = s->obj, .text = now->text, .at = *at};
	const struct step *from = now;

	do {
		if (from == steps->v)
			return bad_step(now, "no earlier step gave that program a context: write "
					     "PROG() to have one made");
		from--;
	} while (!from->ctx.data || strcmp(from->prog, prog));
	p.type_id = from->ctx_type;
	if (place_walk(&p) || place_load(&p, from->ctx.data, from->ctx.size, &out->value))
		return CLI_REFUSED;
	out->type_id = p.type_id;
	*at = p.at;
	return CLI_OK;
}

/* "= VALUE", where the value may name a member of an earlier context. */
static int read_value(struct cli_session *s, const struct cli_steps *steps, const struct step *now,
		      struct place *p, struct place_value *val)
{
	const char *at = p->at + strspn(p->at, " \t\n");
	struct target from = {0};
	char prog[PLACE_NAME_MAX];
	int status;

	if (*at == '=' && (at++, place_take_name(&at, prog)) && *at == '.' &&
	    ua_object__find_program(s->obj, prog)) {
		status = resolve(s, steps, now, prog, &at, &from);
		*val = (struct place_value){.bits = from.value};
		return status ? status : *at ? bad_step(now, "text behind the value") : CLI_OK;
	}
	return place_parse_value(p, val) ? CLI_REFUSED : CLI_OK;
}

/* -- Contexts -------------------------------------------------------------------- */

/* The struct that a program's parameter points to, 0 if it takes none. */
static uint32_t context_type(const struct ua_object *obj, const char *prog)
{
	const struct btf *btf = obj->btf;
	uint32_t id = btf ? btf_find(btf, prog, BTF_KIND_FUNC) : 0;
	const struct btf_type *t = id ? btf__type_by_id(btf, btf__type_by_id(btf, id)->type) : NULL;

	if (!t || !btf_vlen(t))
		return 0;
	id = btf_params(t)[0].type;
	t = btf_resolve(btf, &id);
	if (!btf_is_ptr(t))
		return 0;
	id = t->type;
	return btf_is_composite(btf_resolve(btf, &id)) && btf_size(btf, id) > 0 ? id : 0;
}

/* One of the comma-separated texts in the parentheses, into the context. */
static int set_member(struct cli_session *s, const struct cli_steps *steps, struct step *now,
		      const char *arg, int index)
{
	const struct btf_type *t = btf__type_by_id(s->obj->btf, now->ctx_type);
	struct place p = {.obj = s->obj, .text = now->text, .type_id = now->ctx_type};
	struct place_value val;
	char path[2 * PLACE_NAME_MAX];
	int status, n;

	if (strchr(arg, '='))
		n = snprintf(path, sizeof(path), ".%s", arg);
	else if (index < btf_vlen(t))
		n = snprintf(path, sizeof(path), ".%s = %s",
			     btf_name(s->obj->btf, btf_members(t)[index].name_off), arg);
	else
		return bad_step(now, "more values than members");
	if (n >= (int)sizeof(path))
		return bad_step(now, "a value is too long");
	p.at = path;
	if (place_walk(&p))
		return CLI_REFUSED;
	status = read_value(s, steps, now, &p, &val);
	if (!status && place_store(&p, &val, now->ctx.data, now->ctx.size))
		status = CLI_REFUSED;
	return status;
}

static int make_context(struct cli_session *s, const struct cli_steps *steps, struct step *now)
{
	char *args = strdup(now->rest + 1), *next = args, *arg;
	int status = CLI_OK;

	now->ctx_type = context_type(s->obj, now->prog);
	if (!now->ctx_type) {
		free(args);
		return bad_step(now, "the program takes no struct; give it a context with "
				     "--ctx-in, or leave the parentheses out");
	}
	now->ctx.size = (size_t)btf_size(s->obj->btf, now->ctx_type);
	now->ctx.data = calloc(1, now->ctx.size);
	if (!args || !now->ctx.data)
		status = bad_step(now, "out of memory");
	else
		args[strlen(args) - 1] = 0; /* the closing parenthesis */
	for (int i = 0; !status && (arg = strsep(&next, ",")); i++)
		if (arg[strspn(arg, " \t\n")] || next || i)
			status = set_member(s, steps, now, arg, i);
	free(args);
	return status;
}

/* -- Doing ----------------------------------------------------------------------- */

static void show_result(const struct cli_session *s, const struct step *step,
			const struct cli_result *r, json_t *list)
{
	const struct btf *btf = s->obj->btf;
	json_t *j;

	if (!list) {
		cli_result_print(r);
		if (step->ctx.data && !r->err)
			cli_print_data(btf, step->ctx_type, step->ctx.data, step->ctx.size);
		fflush(stdout);
		return;
	}
	j = cli_result_json(r);
	if (step->ctx.data && !r->err)
		json_object_set_new(
			j, "ctx",
			cli_data_json(btf, step->ctx_type, step->ctx.data, step->ctx.size));
	json_array_append_new(list, j);
}

static int run_step(struct cli_session *s, const struct cli_options *o, struct cli_steps *steps,
		    struct step *step, json_t *list)
{
	struct cli_result r = {0};
	int status = step->kind == STEP_CALL ? make_context(s, steps, step) : CLI_OK;

	if (!status && step->ctx.data) {
		step->ctx_in = malloc(step->ctx.size);
		if (!step->ctx_in)
			return bad_step(step, "out of memory");
		memcpy(step->ctx_in, step->ctx.data, step->ctx.size);
	}
	if (!status)
		status = cli_run_program(s, step->prog, o, &step->ctx, &r);
	if (!status) {
		if (step->ctx.data && r.ctx_out && r.ctx_out_size == step->ctx.size)
			memcpy(step->ctx.data, r.ctx_out, step->ctx.size);
		show_result(s, step, &r, list);
		status = r.err ? CLI_REFUSED : CLI_OK;
	}
	cli_result_free(&r);
	return status;
}

/* The engine refuses holes; the kernel's arena is reached through this process's mapping. */
static int write_arena(const struct ua_object *obj, uint64_t ptr, const void *src, size_t size)
{
	struct ua_arena *arena = ua_object__arena(obj);
	const struct ua_map *map = obj->arena;
	uint64_t start, off;

	if (arena)
		return ua_arena__copy_in(arena, ptr, src, size);
	if (!map || !map->data)
		return -ENOENT;
	start = map->def.map_extra ? map->def.map_extra : (uint64_t)(uintptr_t)map->data;
	off = (uint32_t)(ptr - start);
	if (off + size > map->data_len)
		return -EFAULT;
	memcpy((char *)map->data + off, src, size);
	return 0;
}

/* What a pointer points to; a 64-bit integer is taken for one to its own type. 0: neither. */
static uint32_t pointee(const struct btf *btf, uint32_t type_id)
{
	const struct btf_type *t = btf_resolve(btf, &type_id);

	if (btf_is_ptr(t))
		return t->type;
	return btf_size(btf, type_id) == sizeof(uint64_t) ? type_id : 0;
}

static int store_step(struct cli_session *s, const struct cli_steps *steps, const struct step *step)
{
	struct place p = {.obj = s->obj, .text = step->text, .at = step->rest};
	struct place_value val;
	struct target to;
	uint64_t bytes = 0;
	int64_t size;
	int status = resolve(s, steps, step, step->prog, &p.at, &to);

	if (!status)
		status = read_value(s, steps, step, &p, &val);
	if (status)
		return status;
	p.type_id = pointee(s->obj->btf, to.type_id);
	if (!p.type_id)
		return bad_step(step, "the member is no pointer");
	size = btf_size(s->obj->btf, p.type_id);
	if (place_store(&p, &val, &bytes, sizeof(bytes)))
		return CLI_REFUSED;
	if (write_arena(s->obj, to.value, &bytes, (size_t)size))
		return bad_step(step, "the pointer does not lead to a page of the arena");
	return CLI_OK;
}

int cli_steps_run(struct cli_session *s, const struct cli_options *o, struct cli_steps *steps,
		  json_t *list)
{
	int status = CLI_OK;

	for (int i = 0; !status && i < steps->n; i++) {
		struct step *step = &steps->v[i];

		status = step->kind == STEP_STORE ? store_step(s, steps, step)
						  : run_step(s, o, steps, step, list);
	}
	return status;
}
