/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the grammar that rt-app's users write (and its workgen accepts) to JSON: comments,
 * superfluous and missing commas, keys without a value, keys that come twice in an object.
 *
 * What is not understood is passed on as it is, for the JSON reader to complain about; lines
 * stay where they are, so that it names the right one.
 */
#include <ctype.h>

#include "base/base.h"
#include "cli/workload_json.h"

#define MAX_DEPTH 64
#define MAX_KEYS 4096 /* of an object, in which repeated ones are looked for */

struct relax {
	const char *at, *end;
	char *out;
	size_t n, cap;
	int depth;
	bool failed; /* out of memory */
};

static void put(struct relax *r, const char *s, size_t n)
{
	if (r->failed || UA_GROW(&r->out, &r->cap, r->n + n + 1)) {
		r->failed = true;
		return;
	}
	memcpy(r->out + r->n, s, n);
	r->n += n;
	r->out[r->n] = 0;
}

/* -- Tokens ---------------------------------------------------------------------------------- */

static bool starts(const struct relax *r, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(r->end - r->at) >= n && !memcmp(r->at, s, n);
}

static void skip_to(struct relax *r, const char *s)
{
	while (r->at < r->end && !starts(r, s)) {
		if (*r->at == '\n')
			put(r, "\n", 1);
		r->at++;
	}
}

/* Space and comments; of these only the ends of lines remain. */
static void skip_space(struct relax *r)
{
	while (r->at < r->end) {
		if (starts(r, "/*")) {
			skip_to(r, "*/");
			r->at += min_t(size_t, 2, (size_t)(r->end - r->at));
		} else if (starts(r, "//") || *r->at == '#') {
			skip_to(r, "\n");
		} else if (isspace((unsigned char)*r->at)) {
			put(r, *r->at == '\n' ? "\n" : " ", 1);
			r->at++;
		} else {
			return;
		}
	}
}

/* The length of the string that begins here, with its quotes. */
static size_t string_length(const struct relax *r)
{
	const char *p = r->at + 1;

	while (p < r->end && *p != '"' && *p != '\n')
		p += *p == '\\' && p + 1 < r->end ? 2 : 1;
	return (size_t)(p - r->at) + (p < r->end && *p == '"');
}

static void copy_word(struct relax *r)
{
	size_t n = 1;

	if (*r->at == '"')
		n = string_length(r);
	else
		while (r->at + n < r->end && !isspace((unsigned char)r->at[n]) &&
		       !strchr(",:{}[]\"/#", r->at[n]))
			n++;
	put(r, r->at, n);
	r->at += n;
}

/* -- Keys ------------------------------------------------------------------------------------ */

/* Where the keys of an object are in the output, without their quotes. */
struct keys {
	struct {
		size_t at, n;
	} v[MAX_KEYS];
	size_t n;
};

static bool is_used(const struct relax *r, const struct keys *keys, const char *key, size_t n)
{
	for (size_t i = 0; i < keys->n; i++)
		if (keys->v[i].n == n && !memcmp(r->out + keys->v[i].at, key, n))
			return true;
	return false;
}

/* The key here; a number is put behind one that the object has already. */
static void copy_key(struct relax *r, struct keys *keys)
{
	size_t n = string_length(r), len = n >= 2 ? n - 2 : 0;
	char numbered[128];

	if (keys && len && len < 100 && is_used(r, keys, r->at + 1, len)) {
		int number = 1, m;

		do
			m = snprintf(numbered, sizeof(numbered), "\"%.*s%d\"", (int)len, r->at + 1,
				     number++);
		while (is_used(r, keys, numbered + 1, (size_t)m - 2));
		len = (size_t)m - 2;
		put(r, numbered, (size_t)m);
	} else {
		put(r, r->at, n);
	}
	r->at += n;
	if (keys && keys->n < MAX_KEYS && !r->failed && len) {
		keys->v[keys->n].at = r->n - 1 - len;
		keys->v[keys->n++].n = len;
	}
}

/* -- Values ---------------------------------------------------------------------------------- */

static void relax_value(struct relax *r);

static void copy_member(struct relax *r, struct keys *keys)
{
	copy_key(r, keys);
	skip_space(r);
	put(r, ":", 1);
	if (r->at >= r->end || *r->at != ':') {
		put(r, "\"\"", 2);
		return;
	}
	r->at++;
	skip_space(r);
	if (r->at < r->end && (*r->at == ',' || *r->at == '}'))
		put(r, "\"\"", 2);
	else
		relax_value(r);
}

/* Elements up to the closing bracket, with one comma between two. */
static void copy_elements(struct relax *r, char close, struct keys *keys)
{
	bool any = false;

	for (;;) {
		skip_space(r);
		if (r->at >= r->end)
			return;
		if (*r->at == close) {
			put(r, r->at++, 1);
			return;
		}
		if (*r->at == ',') {
			r->at++;
			continue;
		}
		if (any)
			put(r, ",", 1);
		any = true;
		if (close == '}' && *r->at == '"')
			copy_member(r, keys);
		else
			relax_value(r);
	}
}

static void relax_value(struct relax *r)
{
	struct keys *keys = NULL;
	char open;

	if (r->at >= r->end)
		return;
	open = *r->at;
	if ((open != '{' && open != '[') || r->depth >= MAX_DEPTH) {
		copy_word(r);
		return;
	}
	put(r, r->at++, 1);
	if (open == '{')
		keys = mem_zalloc(sizeof(*keys));
	r->depth++;
	copy_elements(r, open == '{' ? '}' : ']', keys);
	r->depth--;
	mem_free(keys);
}

char *workload_relax(const char *buf, size_t size)
{
	struct relax r = {.at = buf, .end = buf + size};

	put(&r, "", 0);
	skip_space(&r);
	while (r.at < r.end && !r.failed) {
		relax_value(&r);
		skip_space(&r);
	}
	if (!r.failed)
		return r.out;
	mem_free(r.out);
	return NULL;
}
