/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Printing with the kernel's formats.
 *
 * Linux first packs the arguments, strings copied, into 512 bytes and prints from there; the
 * `packed` counter reproduces when that runs out and where a long string is cut.
 */
#include "prog/format.h"
#include "prog/probe.h"
#include "base/base.h"

#include <dlfcn.h>
#include <link.h>

#define PACKED_MAX 512

struct printer {
	char *out;
	size_t size, len;
	uint32_t packed;
};

static void put(struct printer *p, const char *text, size_t n)
{
	if (p->len < p->size)
		memcpy(p->out + p->len, text, min_t(size_t, n, p->size - p->len));
	p->len += n;
}

static void put_pad(struct printer *p, size_t n)
{
	if (p->len < p->size)
		memset(p->out + p->len, ' ', min_t(size_t, n, p->size - p->len));
	p->len += n;
}

/* Text in a field; zeros never pad text. */
static void put_field(struct printer *p, const struct format_item *item, const char *text, size_t n)
{
	size_t pad = item->width > n ? item->width - n : 0;

	if (!item->left)
		put_pad(p, pad);
	put(p, text, n);
	if (item->left)
		put_pad(p, pad);
}

static int pack(struct printer *p, uint32_t bytes)
{
	p->packed = (p->packed + 3) & ~3u;
	UA_FAIL_IF(p->packed + bytes > PACKED_MAX, -ENOSPC);
	p->packed += bytes;
	return 0;
}

/* -- Numbers -------------------------------------------------------------- */

/* Sign, zeros, digits in a field. */
static void put_number(struct printer *p, const struct format_item *item, const char *sign,
		       const char *digits)
{
	size_t n_sign = strlen(sign), n = n_sign + strlen(digits);
	size_t pad = item->width > n ? item->width - n : 0;
	bool zeros = item->zero && !item->left;

	if (!item->left && !zeros)
		put_pad(p, pad);
	put(p, sign, n_sign);
	for (size_t i = 0; zeros && i < pad; i++)
		put(p, "0", 1);
	put(p, digits, n - n_sign);
	if (item->left)
		put_pad(p, pad);
}

static const char *sign_of(const struct format_item *item, bool negative)
{
	if (negative)
		return "-";
	return item->plus ? "+" : item->space ? " " : "";
}

static void print_number(struct printer *p, const struct format_item *item, uint64_t arg)
{
	bool negative = false;
	char digits[24];

	if (item->kind == FORMAT_SIGNED) {
		int64_t v = item->wide ? (int64_t)arg : (int32_t)arg;

		negative = v < 0;
		arg = negative ? 0 - (uint64_t)v : (uint64_t)v;
	} else if (!item->wide) {
		arg = (uint32_t)arg;
	}
	snprintf(digits, sizeof(digits),
		 item->kind != FORMAT_HEX ? "%llu"
		 : item->upper		  ? "%llX"
					  : "%llx",
		 (unsigned long long)arg);
	put_number(p, item, item->kind == FORMAT_SIGNED ? sign_of(item, negative) : "", digits);
}

static void print_pointer(struct printer *p, const struct format_item *item, uint64_t arg)
{
	struct format_item field = *item;
	char digits[24];

	snprintf(digits, sizeof(digits), "%llx", (unsigned long long)arg);
	if (!field.width) {
		field.width = 16;
		field.zero = true;
		field.left = false;
	}
	put_number(p, &field, "", digits);
}

/* -- What needs memory ---------------------------------------------------- */

static int print_string(struct printer *p, const struct format_item *item, uint64_t arg)
{
	char text[PACKED_MAX];
	long n;

	UA_FAIL_IF(p->packed >= PACKED_MAX, -ENOSPC);
	n = probe_read_str(text, PACKED_MAX - p->packed, arg);
	if (n < 0) {
		text[0] = 0;
		n = 1;
	}
	p->packed += (uint32_t)n;
	put_field(p, item, text, (size_t)n - 1);
	return 0;
}

/* Host functions by their dynamic symbol; everything else as a bare number. */
static void print_symbol(struct printer *p, const struct format_item *item, uint64_t arg)
{
	const ElfW(Sym) *sym = NULL;
	char text[192];
	Dl_info info;
	int n;

	if (!arg || !dladdr1((void *)(uintptr_t)arg, &info, (void **)&sym, RTLD_DL_SYMENT) ||
	    !info.dli_sname || !sym)
		n = snprintf(text, sizeof(text), "0x%llx", (unsigned long long)arg);
	else if (item->variant == 's')
		n = snprintf(text, sizeof(text), "%s", info.dli_sname);
	else
		n = snprintf(text, sizeof(text), "%s+0x%llx/0x%llx", info.dli_sname,
			     (unsigned long long)(arg - (uintptr_t)info.dli_saddr),
			     (unsigned long long)sym->st_size);
	put_field(p, item, text, min_t(size_t, (size_t)n, sizeof(text) - 1));
}

static int ip4_text(char *text, size_t size, const uint8_t *b, bool zeros)
{
	return snprintf(text, size, zeros ? "%03u.%03u.%03u.%03u" : "%u.%u.%u.%u", b[0], b[1], b[2],
			b[3]);
}

static int ip6_text(char *text, size_t size, const uint8_t *b, bool bare)
{
	size_t n = 0;

	for (int i = 0; i < 16; i += 2)
		n += (size_t)snprintf(text + n, size - n, "%s%02x%02x", i && !bare ? ":" : "", b[i],
				      b[i + 1]);
	return (int)n;
}

static int print_ip(struct printer *p, const struct format_item *item, uint64_t arg)
{
	uint8_t bytes[16];
	char text[48];
	int n;

	UA_FAIL_IF(PACKED_MAX - p->packed < (item->upper ? 16 : 4), -ENOSPC);
	probe_read(bytes, item->upper ? 16 : 4, arg);
	n = item->upper ? ip6_text(text, sizeof(text), bytes, item->variant == 'i')
			: ip4_text(text, sizeof(text), bytes, item->variant == 'i');
	n = min_t(int, n, PACKED_MAX - p->packed - 1);
	p->packed += (uint32_t)n + 1;
	put(p, text, (size_t)n); /* packed as text already: the width has no effect */
	return 0;
}

static int print_char(struct printer *p, const struct format_item *item, uint64_t arg)
{
	char c = (char)arg;

	UA_FAIL_IF(p->packed >= PACKED_MAX, -ENOSPC);
	p->packed++;
	put_field(p, item, &c, 1);
	return 0;
}

/* -- The whole ------------------------------------------------------------ */

static int print_item(struct printer *p, const struct format_item *item, uint64_t arg)
{
	switch (item->kind) {
	case FORMAT_SIGNED:
	case FORMAT_UNSIGNED:
	case FORMAT_HEX:
		UA_TRY(pack(p, item->wide ? 8 : 4));
		print_number(p, item, arg);
		return 0;
	case FORMAT_CHAR:
		return print_char(p, item, arg);
	case FORMAT_STRING:
		return print_string(p, item, arg);
	case FORMAT_IP:
		return print_ip(p, item, arg);
	case FORMAT_SYMBOL:
		UA_TRY(pack(p, 8));
		print_symbol(p, item, arg);
		return 0;
	default:
		UA_TRY(pack(p, 8));
		print_pointer(p, item, arg);
		return 0;
	}
}

static int print_all(struct printer *p, const char *fmt, const uint64_t *args)
{
	struct format_item item;
	size_t pos = 0;

	for (uint32_t used = 0;;) {
		UA_TRY(format_next(fmt, &pos, &item));
		if (item.kind == FORMAT_END)
			return 0;
		if (item.kind == FORMAT_TEXT)
			put(p, item.text, item.len);
		else
			UA_TRY(print_item(p, &item, args[used++]));
	}
}

static int print_checked(char *out, size_t size, const char *fmt, const uint64_t *args,
			 uint32_t n_args)
{
	struct printer p = {.out = out, .size = size};

	UA_TRY(format_check(fmt, SIZE_MAX, n_args));
	UA_TRY(print_all(&p, fmt, args));
	if (size)
		out[min_t(size_t, p.len, size - 1)] = 0;
	return (int)p.len;
}

int format_print(char *out, size_t size, const char *fmt, size_t fmt_size, const uint64_t *args,
		 uint32_t n_args)
{
	char local[256], *copy = local;
	size_t n;
	int ret;

	if (fmt_size == FORMAT_CONST)
		return print_checked(out, size, fmt, args, n_args);
	n = strnlen(fmt, fmt_size);
	UA_FAIL_IF(n == fmt_size, -EINVAL);
	if (n >= sizeof(local))
		copy = mem_alloc(n + 1);
	UA_FAIL_IF(!copy, -ENOMEM);
	memcpy(copy, fmt, n);
	copy[n] = 0;
	ret = print_checked(out, size, copy, args, n_args);
	if (copy != local)
		mem_free(copy);
	return ret;
}

int format_arg_count(const void *data, uint64_t len)
{
	UA_FAIL_IF(len % 8 || len > FORMAT_MAX_ARGS * 8 || (len && !data), -EINVAL);
	return (int)(len / 8);
}
