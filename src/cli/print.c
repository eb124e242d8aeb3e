/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --print: a global variable and the structures behind it, typed through BTF. In JSON it is the
 * variable alone.
 *
 * Breadth first from the variable: every pointer to a struct whose value lies in the arena is
 * followed, each address once, up to a limit. Memory is copied out of the arena before it is
 * printed, so a wild pointer in the data prints as one.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena.h"
#include "btf/btf.h"
#include "object/object.h"

#define PRINT_MAX_OBJECTS 64
#define PRINT_MAX_SIZE 65536

struct place {
	uint64_t addr;
	uint32_t type_id;
};

struct walk {
	const struct btf *btf;
	const struct cli_arena *arena;
	struct btf_dump *dump;
	struct place seen[PRINT_MAX_OBJECTS];
	size_t n, next;
	bool cut;
};

static void print_text(void *ctx, const char *fmt, va_list args)
{
	vprintf(fmt, args);
}

static int print_data(struct btf_dump *dump, uint32_t type_id, const void *data, size_t size,
		      bool zeroes)
{
	LIBBPF_OPTS(btf_dump_type_data_opts, opts, .indent_str = "  ", .emit_zeroes = zeroes);
	int err = btf_dump__dump_type_data(dump, type_id, data, size, &opts);

	putchar('\n');
	return err < 0 ? err : 0;
}

int cli_print_data(const struct btf *btf, uint32_t type_id, const void *data, size_t size)
{
	struct btf_dump *dump = btf_dump__new(btf, print_text, NULL, NULL);
	int err = dump ? print_data(dump, type_id, data, size, true) : -ENOMEM;

	btf_dump__free(dump);
	return err;
}

static json_t *scalar_json(const struct btf_type *t, const uint8_t *data, int64_t size)
{
	bool is_signed = btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_SIGNED);
	uint64_t v = 0;

	if (size < 1 || size > 8)
		return json_null();
	memcpy(&v, data, (size_t)size);
	if (is_signed)
		v = (uint64_t)((int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size));
	return json_integer((json_int_t)v);
}

static json_t *data_json(const struct btf *btf, uint32_t id, const uint8_t *data, uint64_t room);

static json_t *array_json(const struct btf *btf, const struct btf_array *a, const uint8_t *data,
			  uint64_t room)
{
	int64_t elem = btf_size(btf, a->type);
	json_t *list = json_array();

	for (uint64_t i = 0; elem > 0 && i < a->nelems; i++)
		json_array_append_new(list, data_json(btf, a->type, data + i * (uint64_t)elem,
						      room - i * (uint64_t)elem));
	return list;
}

/* Bitfields are left out. */
static json_t *members_json(const struct btf *btf, const struct btf_type *t, const uint8_t *data,
			    uint64_t room)
{
	json_t *j = json_object();

	for (int i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		uint32_t off = btf_member_bit_offset(t, i) / 8;

		if (!btf_member_bitfield_size(t, i) && off < room)
			json_object_set_new(j, btf_name(btf, m->name_off),
					    data_json(btf, m->type, data + off, room - off));
	}
	return j;
}

/* Types come from the object: nothing beyond `room` is read, whatever they say. */
static json_t *data_json(const struct btf *btf, uint32_t id, const uint8_t *data, uint64_t room)
{
	const struct btf_type *t = btf_resolve(btf, &id);
	int64_t size = btf_size(btf, id);

	if (size < 0 || (uint64_t)size > room)
		return json_null();
	if (btf_is_array(t))
		return array_json(btf, btf_array(t), data, (uint64_t)size);
	return btf_is_composite(t) ? members_json(btf, t, data, (uint64_t)size)
				   : scalar_json(t, data, size);
}

json_t *cli_data_json(const struct btf *btf, uint32_t type_id, const void *data, size_t size)
{
	return data_json(btf, type_id, data, size);
}

static bool in_arena(const struct walk *w, uint64_t addr)
{
	return w->arena && addr >= w->arena->start &&
	       addr - w->arena->start < w->arena->n_pages * ARENA_PAGE_SIZE;
}

static void enqueue(struct walk *w, uint64_t addr, uint32_t type_id)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->seen[i].addr == addr && w->seen[i].type_id == type_id)
			return;
	if (w->n == PRINT_MAX_OBJECTS)
		w->cut = true;
	else
		w->seen[w->n++] = (struct place){addr, type_id};
}

/* Enqueue what the pointers in an object of this type lead to. */
static void find_pointers(struct walk *w, uint32_t type_id, const uint8_t *data, size_t size,
			  int depth)
{
	const struct btf_type *t = btf_resolve(w->btf, &type_id);
	int64_t own = btf_size(w->btf, type_id);

	if (own < 0 || (uint64_t)own > size || depth > 8)
		return;
	if (btf_is_ptr(t)) {
		uint32_t to = t->type;
		const struct btf_type *pointee = btf_resolve(w->btf, &to);
		uint64_t addr;

		memcpy(&addr, data, sizeof(addr));
		if (btf_is_composite(pointee) && in_arena(w, addr))
			enqueue(w, addr, to);
	} else if (btf_is_composite(t)) {
		for (int i = 0; i < btf_vlen(t); i++) {
			uint32_t off = btf_member_bit_offset(t, i) / 8;

			if (!btf_member_bitfield_size(t, i) && off < size)
				find_pointers(w, btf_members(t)[i].type, data + off, size - off,
					      depth + 1);
		}
	} else if (btf_is_array(t)) {
		int64_t elem = btf_size(w->btf, btf_array(t)->type);

		for (uint32_t i = 0; elem > 0 && i < btf_array(t)->nelems; i++)
			find_pointers(w, btf_array(t)->type, data + i * (uint64_t)elem,
				      (size_t)elem, depth + 1);
	}
}

static void visit(struct walk *w, const struct place *p)
{
	int64_t size = btf_size(w->btf, p->type_id);
	void *copy = size > 0 && size <= PRINT_MAX_SIZE ? malloc((size_t)size) : NULL;

	printf("0x%" PRIx64 ": ", p->addr);
	if (copy && cli_arena_read(w->arena, copy, p->addr, (size_t)size)) {
		print_data(w->dump, p->type_id, copy, (size_t)size, false);
		find_pointers(w, p->type_id, copy, (size_t)size, 0);
	} else {
		puts("(not there)");
	}
	free(copy);
}

static int find_global(const struct cli_session *s, const char *name, struct ua_global_info *g)
{
	int err = s->obj ? 0 : -ENOENT;

	for (size_t i = 0; !err; i++) {
		err = ua_object__global_at(s->obj, i, g);
		if (!err && !strcmp(g->name, name))
			return CLI_OK;
	}
	cli_error("--print %s: no such global variable%s", name,
		  s->obj ? "; 'uarena show' lists them" : " without an object");
	return CLI_REFUSED;
}

int cli_check_prints(const struct cli_session *s, const struct cli_options *o)
{
	struct ua_global_info g;
	int status = CLI_OK;

	for (size_t i = 0; !status && i < o->n_prints; i++)
		status = find_global(s, o->prints[i], &g) ? CLI_USAGE : CLI_OK;
	return status;
}

json_t *cli_prints_json(const struct cli_session *s, const struct cli_options *o)
{
	json_t *j = json_object();
	struct ua_global_info g;

	for (size_t i = 0; i < o->n_prints; i++)
		if (!find_global(s, o->prints[i], &g))
			json_object_set_new(j, o->prints[i],
					    cli_data_json(s->obj->btf, g.type_id, g.addr, g.size));
	return j;
}

int cli_print_global(struct cli_session *s, const struct cli_arena *arena, const char *name)
{
	struct walk w = {.btf = s->obj->btf, .arena = arena};
	struct ua_global_info g;

	if (find_global(s, name, &g))
		return CLI_REFUSED;
	w.dump = btf_dump__new(w.btf, print_text, NULL, NULL);
	if (!w.dump) {
		cli_error("out of memory");
		return CLI_REFUSED;
	}
	printf("%s = ", name);
	print_data(w.dump, g.type_id, g.addr, g.size, false);
	find_pointers(&w, g.type_id, g.addr, g.size, 0);
	while (w.next < w.n)
		visit(&w, &w.seen[w.next++]);
	if (w.cut)
		printf("(more than %d structures, the rest is not shown)\n", PRINT_MAX_OBJECTS);
	btf_dump__free(w.dump);
	return CLI_OK;
}
