/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of variables by path and type: see place.h. */
#include "object/place.h"

int place_bad(const struct place *p, const char *what)
{
	return object_fail(p->obj, -EINVAL, "\"%s\": %s", p->text, what);
}

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \t\n");
}

bool place_take_name(const char **at, char buf[PLACE_NAME_MAX])
{
	size_t n = 0;
	const char *s = skip_space(*at);

	while ((s[n] >= '0' && s[n] <= '9') || (s[n] >= 'a' && s[n] <= 'z') ||
	       (s[n] >= 'A' && s[n] <= 'Z') || s[n] == '_' || s[n] == '$')
		n++;
	if (!n || n >= PLACE_NAME_MAX)
		return false;
	memcpy(buf, s, n);
	buf[n] = 0;
	*at = s + n;
	return true;
}

static int step_member(struct place *p)
{
	struct btf_place member;
	char name[PLACE_NAME_MAX];

	p->at++;
	if (!place_take_name(&p->at, name))
		return place_bad(p, "a member name is expected after '.'");
	if (!btf_member(p->obj->btf, p->type_id, name, &member))
		return place_bad(p, "no such member");
	p->type_id = member.type_id;
	p->off += member.bit_off / 8;
	p->bits = member.bit_size;
	return 0;
}

static int step_element(struct place *p)
{
	const struct btf_type *t = btf_resolve(p->obj->btf, &p->type_id);
	unsigned long long i;
	int64_t size;
	char *end;

	i = strtoull(p->at + 1, &end, 0);
	if (end == p->at + 1 || *skip_space(end) != ']')
		return place_bad(p, "an index is expected after '['");
	if (!btf_is_array(t) || i >= btf_array(t)->nelems)
		return place_bad(p, "no such element");
	p->type_id = btf_array(t)->type;
	size = btf_size(p->obj->btf, p->type_id);
	if (size < 0)
		return place_bad(p, "an element without size");
	p->off += i * size;
	p->at = skip_space(end) + 1;
	return 0;
}

int place_walk(struct place *p)
{
	for (;;) {
		p->at = skip_space(p->at);
		if (*p->at == '.')
			UA_TRY(step_member(p));
		else if (*p->at == '[')
			UA_TRY(step_element(p));
		else
			return 0;
	}
}

static bool find_enumerator(const struct btf *btf, const struct btf_type *t, const char *name,
			    uint64_t *val)
{
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		bool wide = btf_is_enum64(t);

		if (strcmp(btf_name(btf,
				    wide ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off),
			   name))
			continue;
		*val = wide ? btf_enum64_value(&btf_enum64(t)[i])
			    : (uint64_t)(int64_t)btf_enum(t)[i].val;
		return true;
	}
	return false;
}

static int parse_word(struct place *p, const char *word, uint64_t *val)
{
	const struct btf *btf = p->obj->btf;
	uint32_t n = btf__type_cnt(btf);

	if (!strcmp(word, "true") || !strcmp(word, "false")) {
		*val = *word == 't';
		return 0;
	}
	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (btf_is_any_enum(t) && find_enumerator(btf, t, word, val))
			return 0;
	}
	return place_bad(p, "neither a number nor a known enumerator");
}

int place_parse_value(struct place *p, struct place_value *val)
{
	const char *s = skip_space(p->at);
	char word[PLACE_NAME_MAX];
	char *end;

	if (*s != '=')
		return place_bad(p, "'=' is expected");
	s = skip_space(s + 1);
	val->negative = *s == '-';
	errno = 0;
	val->bits = val->negative ? (uint64_t)strtoll(s, &end, 0) : strtoull(s, &end, 0);
	if (end == s) {
		if (!place_take_name(&s, word))
			return place_bad(p, "a value is expected after '='");
		end = (char *)s;
		UA_TRY(parse_word(p, word, &val->bits));
	} else if (errno) {
		return place_bad(p, "the value does not fit into 64 bits");
	}
	return *skip_space(end) ? place_bad(p, "text behind the value") : 0;
}

/* Is it something that one number can be stored in? Its type and size. */
static int check_scalar(const struct place *p, size_t room, const struct btf_type **t,
			int64_t *size)
{
	uint32_t id = p->type_id;

	*t = btf_resolve(p->obj->btf, &id);
	*size = btf_size(p->obj->btf, id);
	if ((!btf_is_int(*t) && !btf_is_any_enum(*t) && !btf_is_ptr(*t)) || p->bits || *size < 1 ||
	    *size > 8)
		return place_bad(p, "the variable is no integer, enum or pointer");
	return p->off + *size > room ? place_bad(p, "outside the variable") : 0;
}

int place_store(const struct place *p, const struct place_value *val, void *base, size_t room)
{
	const struct btf_type *t;
	int64_t size;

	UA_TRY(check_scalar(p, room, &t, &size));
	if (size < 8 && (val->negative ? (int64_t)val->bits < -(1ll << (size * 8 - 1))
				       : val->bits >> (size * 8)))
		return place_bad(p, "the value does not fit into the variable");
	if (btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_BOOL) && val->bits > 1)
		return place_bad(p, "the variable is a bool");
	memcpy((char *)base + p->off, &val->bits, size);
	return 0;
}

int place_load(const struct place *p, const void *base, size_t room, uint64_t *val)
{
	const struct btf_type *t;
	int64_t size;

	UA_TRY(check_scalar(p, room, &t, &size));
	*val = 0;
	memcpy(val, (const char *)base + p->off, size);
	return 0;
}
