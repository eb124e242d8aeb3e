/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of `uarena check`: rows, printing, reading back, comparing. */
#ifndef UA_CLI_CHECK_H
#define UA_CLI_CHECK_H

#include "cli/cli.h"

struct check_row {
	char file[128], program[128];
	bool ok;
	uint64_t duration_us, insns, states, size, jited;
};

struct check_table {
	struct check_row *rows;
	size_t n;
};

/* X(csv name, heading, member) of the numeric columns */
#define CHECK_COLUMNS(X)                                     \
	X("total_duration_us", "Duration (us)", duration_us) \
	X("total_insns", "Insns", insns)                     \
	X("total_states", "States", states)                  \
	X("prog_size", "Program size", size)                 \
	X("jited_size", "Jited size", jited)

const char *check_verdict(const struct check_row *row); /* success or failure */
/* Load one program on its own and fill in the row, whose program is set. */
int check_program(const struct cli_options *o, const char *path, struct check_row *row);
/* Do the filters let this program, this row through? */
bool check_wanted(const struct cli_options *o, const char *file, const char *program);
bool check_kept(const struct cli_options *o, const struct check_row *row);

void check_print(const struct check_table *t, bool csv);
/* Two CSV files side by side with the differences. */
int check_compare(const char *base, const char *comparison);

#endif
