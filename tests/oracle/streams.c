/* SPDX-License-Identifier: BSD-2-Clause */
/* Masking line by line. */
#include "streams.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM "bpf_prog_"

static bool starts(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

/* "bpf_prog_0123456789abcdef_name+0x1f/0x40" */
static bool is_program_frame(const char *line)
{
	size_t digits = 0;

	if (!starts(line, PROGRAM))
		return false;
	while (isxdigit((unsigned char)line[sizeof(PROGRAM) - 1 + digits]))
		digits++;
	return digits == 16;
}

/* "function+0x1f/0x40" that is no program's */
static bool is_kernel_frame(const char *line, size_t n)
{
	size_t name = 0;

	while (name < n && (isalnum((unsigned char)line[name]) || strchr("_.", line[name])))
		name++;
	return name && name + 3 < n && starts(line + name, "+0x") && !is_program_frame(line);
}

/* Copies a line without the digits of hexadecimal numbers and of the tag. */
static char *put_masked(char *to, const char *line, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t head = starts(line + i, PROGRAM) ? sizeof(PROGRAM) - 1
			      : starts(line + i, "0x")	? 2
							: 1;

		for (size_t k = 0; k < head && i < n; k++)
			*to++ = line[i++];
		while (head > 1 && i < n && isxdigit((unsigned char)line[i]))
			i++;
	}
	return to;
}

static char *put_line(char *to, const char *line, size_t n)
{
	static const char processor[] = "CPU: ", lock[] = "ttempted lock", held[] = "Held lock[";

	if (starts(line, processor)) {
		memmove(to, processor, sizeof(processor) - 1);
		return to + sizeof(processor) - 1;
	}
	if (is_program_frame(line) || starts(line + 1, lock) || starts(line, held))
		return put_masked(to, line, n);
	memmove(to, line, n);
	return to + n;
}

void stream_normalize(char *text)
{
	char *to = text;
	bool in_dump = false;

	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		const char *next = line + n + (line[n] == '\n');

		if (!(in_dump && is_kernel_frame(line, n))) {
			bool ends = line[n] == '\n';

			in_dump = starts(line, "Call trace:") || (in_dump && n);
			to = put_line(to, line, n);
			if (ends)
				*to++ = '\n';
		}
		line = next;
	}
	*to = 0;
}

void stream_drop_fault_lines(char *text)
{
	static const char head[] = "Call trace:\n";
	char *to = text;

	for (char *from; (from = strstr(text, head)); text = from) {
		from += sizeof(head) - 1;
		from += strcspn(from, "\n"); /* the program's frame */
		memmove(to, text, (size_t)(from - text));
		to += from - text;
		if (starts(from, "\n  ")) /* and its line */
			from += 1 + strcspn(from + 1, "\n");
	}
	memmove(to, text, strlen(text) + 1);
}
