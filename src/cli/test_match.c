/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Matching expected texts: literal, with {{extended regular expressions}} in between. A text
 * that must be there is searched behind the previous match; one that must not be there may not
 * occur between its neighbours.
 */
#include "cli/annotation.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* Stands for lines between two expectations; here those are always allowed. */
#define GAP "..."

struct span {
	const char *begin, *end;
};

/* Append the literal [p, end) to `re` so that it matches itself. */
static char *put_literal(char *re, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (strchr("\\^$.[]|()*+?{}", *p))
			*re++ = '\\';
		*re++ = *p;
	}
	return re;
}

/* The whole expectation as one regular expression; owned. What the author wrote is not put into
 * parentheses of ours, because back references count them. */
static char *to_regex(const char *text)
{
	char *re = malloc(2 * strlen(text) + 1), *at = re;

	while (at && *text) {
		const char *open = strstr(text, "{{"), *close = open ? strstr(open, "}}") : NULL;

		if (!close)
			open = text + strlen(text);
		at = put_literal(at, text, open);
		text = open;
		if (!close)
			break;
		memcpy(at, open + 2, (size_t)(close - open) - 2);
		at += close - open - 2;
		text = close + 2;
	}
	if (at)
		*at = 0;
	return re;
}

static bool find_regex(const char *text, const char *expected, struct span *found)
{
	char *source = to_regex(expected);
	regmatch_t match;
	regex_t re;
	bool ok = false;

	if (source && !regcomp(&re, source, REG_EXTENDED | REG_NEWLINE)) {
		ok = !regexec(&re, text, 1, &match, 0);
		regfree(&re);
	}
	free(source);
	if (ok)
		*found = (struct span){text + match.rm_so, text + match.rm_eo};
	return ok;
}

static bool find(const char *text, const char *expected, struct span *found)
{
	const char *at;

	if (strstr(expected, "{{"))
		return find_regex(text, expected, found);
	at = strstr(text, expected);
	*found = (struct span){at, at ? at + strlen(expected) : NULL};
	return at;
}

/* Does one of the absent expectations [i, end) occur in [text, limit)? */
static const struct expectation *forbidden(const struct annotation *a, enum expect_in in, size_t i,
					   size_t end, const char *text, const char *limit)
{
	struct span found;

	for (; i < end; i++) {
		const struct expectation *e = &a->expect[i];

		if (e->in == in && e->absent && find(text, e->text, &found) && found.begin < limit)
			return e;
	}
	return NULL;
}

const struct expectation *annotation_unmet(const struct annotation *a, enum expect_in in,
					   const char *text)
{
	const struct expectation *bad;
	struct span found;
	size_t from = 0;

	text = text ? text : "";
	for (size_t i = 0; i < a->n_expect; i++) {
		const struct expectation *e = &a->expect[i];

		if (e->in != in || e->absent || !strcmp(e->text, GAP))
			continue;
		if (!find(text, e->text, &found))
			return e;
		bad = forbidden(a, in, from, i, text, found.begin);
		if (bad)
			return bad;
		text = found.end;
		from = i + 1;
	}
	return forbidden(a, in, from, a->n_expect, text, text + strlen(text) + 1);
}
