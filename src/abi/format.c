/* SPDX-License-Identifier: BSD-2-Clause */
/* The parser of format strings: accepts what Linux accepts, nothing more. */
#include "abi/format.h"

#include <errno.h>
#include <string.h>

#define WIDTH_MAX 0xffffff

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes beyond ASCII are text. */
static bool is_text(char c)
{
	return is_space(c) || ((unsigned char)c > ' ' && c != 0x7f);
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What may follow a pointer or string conversion: the end, space or punctuation. */
static bool ends_conversion(char c)
{
	return !c || is_space(c) || (c > ' ' && c <= '~' && !is_alnum(c));
}

static int parse_text(const char *fmt, size_t *pos, struct format_item *item)
{
	size_t start = *pos;

	if (fmt[start] == '%') /* an escaped one: the second of the pair is the text */
		start = ++*pos, ++*pos;
	while (fmt[*pos] && fmt[*pos] != '%') {
		if (!is_text(fmt[*pos]))
			return -EINVAL;
		++*pos;
	}
	item->kind = FORMAT_TEXT;
	item->text = fmt + start;
	item->len = *pos - start;
	return 0;
}

static void parse_flags(const char *fmt, size_t *pos, struct format_item *item)
{
	for (;; ++*pos) {
		switch (fmt[*pos]) {
		case '0':
			item->zero = true;
			continue;
		case '+':
			item->plus = true;
			continue;
		case '-':
			item->left = true;
			continue;
		case ' ':
			item->space = true;
			continue;
		}
		break;
	}
	for (; is_digit(fmt[*pos]); ++*pos)
		if (item->width <= WIDTH_MAX)
			item->width = item->width * 10 + (uint32_t)(fmt[*pos] - '0');
}

static int parse_string(const char *fmt, size_t *pos, struct format_item *item)
{
	item->kind = FORMAT_STRING;
	++*pos;
	return ends_conversion(fmt[*pos]) ? 0 : -EINVAL;
}

/* The kernel's printer takes all letters and digits behind a pointer for part of it; they must
 * be text, but are not printed. */
static int skip_suffix(const char *fmt, size_t *pos)
{
	while (is_alnum(fmt[*pos]))
		++*pos;
	return 0;
}

/* Behind 'p'. */
static int parse_pointer(const char *fmt, size_t *pos, struct format_item *item)
{
	char c = fmt[*pos];

	item->wide = true;
	if ((c == 'k' || c == 'u') && fmt[*pos + 1] == 's') {
		++*pos;
		return parse_string(fmt, pos, item);
	}
	if (ends_conversion(c)) {
		item->kind = FORMAT_POINTER;
		return 0;
	}
	if (strchr("KxsSB", c)) {
		item->kind = c == 'K' || c == 'x' ? FORMAT_POINTER : FORMAT_SYMBOL;
		item->variant = c;
		return skip_suffix(fmt, pos);
	}
	if ((c == 'i' || c == 'I') && (fmt[*pos + 1] == '4' || fmt[*pos + 1] == '6')) {
		item->kind = FORMAT_IP;
		item->variant = c;
		item->upper = fmt[*pos + 1] == '6';
		return skip_suffix(fmt, pos);
	}
	return -EINVAL;
}

static int parse_number(const char *fmt, size_t *pos, struct format_item *item)
{
	for (int i = 0; i < 2 && fmt[*pos] == 'l'; i++, ++*pos)
		item->wide = true;
	switch (fmt[(*pos)++]) {
	case 'd':
	case 'i':
		item->kind = FORMAT_SIGNED;
		return 0;
	case 'u':
		item->kind = FORMAT_UNSIGNED;
		return 0;
	case 'X':
		item->upper = true;
		item->kind = FORMAT_HEX;
		return 0;
	case 'x':
		item->kind = FORMAT_HEX;
		return 0;
	default:
		return -EINVAL;
	}
}

int format_next(const char *fmt, size_t *pos, struct format_item *item)
{
	*item = (struct format_item){.kind = FORMAT_END};
	if (!fmt[*pos])
		return 0;
	if (fmt[*pos] != '%' || fmt[*pos + 1] == '%')
		return parse_text(fmt, pos, item);
	++*pos;
	parse_flags(fmt, pos, item);
	switch (fmt[*pos]) {
	case 'p':
		++*pos;
		return parse_pointer(fmt, pos, item);
	case 's':
		return parse_string(fmt, pos, item);
	case 'c':
		item->kind = FORMAT_CHAR;
		++*pos;
		return 0;
	default:
		return parse_number(fmt, pos, item);
	}
}

int format_check(const char *fmt, size_t size, uint32_t n_args)
{
	struct format_item item;
	uint32_t used = 0;
	size_t pos = 0;

	if (strnlen(fmt, size) == size)
		return -EINVAL;
	for (;;) {
		int err = format_next(fmt, &pos, &item);

		if (err)
			return err;
		if (item.kind == FORMAT_END)
			return (int)used;
		if (item.kind != FORMAT_TEXT && used++ >= n_args)
			return -EINVAL;
	}
}
