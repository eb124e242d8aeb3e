/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading test annotations: decl tags "comment:test_..." on a program's function, as the
 * kernel's test loader defines them. Texts carry a counter in newer headers, which gives their
 * order; without one the order of the BTF counts. Tags for the unprivileged mode and those on
 * generated code (xlated, jited) say nothing about this engine and are passed over.
 */
#include "cli/annotation.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "btf/btf.h"
#include "object/object.h"

#if defined(__x86_64__)
#define THIS_ARCH "X86_64"
#elif defined(__aarch64__)
#define THIS_ARCH "ARM64"
#else
#define THIS_ARCH "other"
#endif

/* The text behind `prefix`, or NULL. */
static const char *behind(const char *tag, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(tag, prefix, n) ? NULL : tag + n;
}

static int add_expectation(struct annotation *a, enum expect_in in, bool absent, const char *text)
{
	struct expectation *bigger = realloc(a->expect, (a->n_expect + 1) * sizeof(*bigger));
	unsigned long order = ULONG_MAX;
	char *end;

	if (!bigger)
		return -ENOMEM;
	if (*text >= '0' && *text <= '9') {
		unsigned long n = strtoul(text, &end, 10);

		if (*end == '=') {
			order = n;
			text = end + 1;
		}
	}
	a->expect = bigger;
	bigger[a->n_expect++] = (struct expectation){in, absent, order, text};
	return 0;
}

/* 1: the tag expects a text; 0: it does not; -ENOMEM. */
static int read_expectation(struct annotation *a, const char *tag)
{
	static const struct {
		const char *prefix;
		enum expect_in in;
		bool absent;
	} kinds[] = {
		{"expect_msg=", EXPECT_LOG, false},
		{"expect_not_msg=", EXPECT_LOG, true},
		{"expect_stderr=", EXPECT_STDERR, false},
		{"expect_stdout=", EXPECT_STDOUT, false},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *text = behind(tag, kinds[i].prefix);
		int err;

		if (!text)
			continue;
		a->runs |= kinds[i].in != EXPECT_LOG;
		err = add_expectation(a, kinds[i].in, kinds[i].absent, text);
		return err ? err : 1;
	}
	return 0;
}

static bool read_retval(struct annotation *a, const char *text)
{
	char *end;
	long long v;

	a->has_retval = true;
	if (!strcmp(text, "POINTER_VALUE") || !strcmp(text, "0xbadcafe")) {
		a->any_retval = true;
		return true;
	}
	if (!strcmp(text, "INT_MIN") || !strcmp(text, "TEST_DATA_LEN")) {
		a->retval = *text == 'I' ? (uint32_t)INT_MIN : 64;
		return true;
	}
	errno = 0;
	v = strtoll(text, &end, 0);
	a->retval = (uint32_t)v;
	return *text && !*end && !errno && v >= INT_MIN && v <= UINT32_MAX;
}

static bool read_log_level(struct annotation *a, const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	a->log_level = (uint32_t)v;
	return *text && !*end && v <= 7;
}

/* `tag` without "comment:test_"; true: it makes the program a test. */
static bool read_property(struct annotation *a, const char *tag)
{
	const char *text;

	if (!strcmp(tag, "auxiliary")) {
		a->auxiliary = true;
		return false;
	}
	if ((text = behind(tag, "arch="))) {
		a->arch_this |= !strcmp(text, THIS_ARCH);
		a->arch_named = true;
		return false;
	}
	if ((text = behind(tag, "description="))) {
		a->description = text;
		return false;
	}
	if ((text = behind(tag, "log_level="))) {
		if (!read_log_level(a, text))
			a->bad = tag;
		return false;
	}
	if (!strcmp(tag, "expect_failure")) {
		a->failure = true;
		return true;
	}
	if ((text = behind(tag, "retval="))) {
		if (!read_retval(a, text))
			a->bad = tag;
		return true;
	}
	return !strcmp(tag, "expect_success");
}

static int by_order(const void *x, const void *y)
{
	const struct expectation *a = x, *b = y;

	return a->order < b->order ? -1 : a->order > b->order;
}

static int read_tags(const struct btf *btf, uint32_t func, struct annotation *a)
{
	for (uint32_t i = 1; i < btf__type_cnt(btf); i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);
		const char *tag;
		int n;

		if (!btf_is_decl_tag(t) || t->type != func || btf_decl_tag(t)->component_idx != -1)
			continue;
		tag = behind(btf_name(btf, t->name_off), "comment:test_");
		if (!tag)
			continue;
		n = read_expectation(a, tag);
		if (n < 0)
			return n;
		if (n || read_property(a, tag))
			a->is_test = true;
	}
	return 0;
}

int annotation_read(const struct ua_object *obj, const char *program, struct annotation *a)
{
	uint32_t func = obj->btf ? btf_find(obj->btf, program, BTF_KIND_FUNC) : 0;
	int err;

	*a = (struct annotation){0};
	if (!func)
		return 0;
	err = read_tags(obj->btf, func, a);
	a->arch_other = a->arch_named && !a->arch_this;
	/* qsort() of glibc is stable as long as it finds memory; equal orders only come from
	 * headers without counter, of which the BTF keeps the order. */
	if (!err && a->n_expect)
		qsort(a->expect, a->n_expect, sizeof(*a->expect), by_order);
	return err;
}

void annotation_free(struct annotation *a)
{
	free(a->expect);
}
