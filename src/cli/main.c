/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry of the tool: finds the verb and runs it. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *operands, *summary;
} verbs[] = {
#define X(name, fn, operands, summary) {name, fn, operands, summary},
	CLI_VERBS(X)
#undef X
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void usage(FILE *to)
{
	fprintf(to, "usage: uarena VERB [OPTION...] OPERAND...\n\n");
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(to, "  %-19s %-28s %s\n", verbs[i].name, verbs[i].operands,
			verbs[i].summary);
	fprintf(to,
		"\n'uarena VERB --help' lists the options of a verb.\n"
		"Exit status: 0 done, 1 an object or program was refused or stopped, 2 usage.\n");
}

static bool is_any(const char *s, const char *a, const char *b, const char *c)
{
	return !strcmp(s, a) || !strcmp(s, b) || !strcmp(s, c);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (is_any(argv[1], "help", "--help", "-h")) {
		usage(stdout);
		return CLI_OK;
	}
	if (is_any(argv[1], "version", "--version", "-V")) {
		printf("uarena %s\n", ua_version());
		return CLI_OK;
	}
	for (size_t i = 0; i < N_VERBS; i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].fn(argc - 1, argv + 1);
	cli_error("unknown verb '%s'; 'uarena help' lists them", argv[1]);
	return CLI_USAGE;
}
