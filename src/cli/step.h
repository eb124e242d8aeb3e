/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steps: what `uarena run` and `uarena arena` do one after the other.
 *
 *   PROG                        run it; its context, if it takes one, comes from --ctx-in
 *   PROG(MEMBER = VALUE, ...)   run it with a context of the struct it takes, all zero but for
 *                               these; without a name, values go to the members in order
 *   *PROG.MEMBER = VALUE        store to the arena, where a member of PROG's context points
 *
 * A value is a number, an enumerator or PROG.MEMBER: what PROG's latest call left there.
 */
#ifndef UA_CLI_STEP_H
#define UA_CLI_STEP_H

#include "cli/cli.h"

struct cli_steps;

/* Nothing but the texts is looked at. The operands must stay. */
int cli_steps_parse(char **operands, int n, struct cli_steps **out);
/* Enable the programs that the operands name, and load. The operands must stay. */
int cli_steps_load(struct cli_session *s, char **operands, int n, struct cli_steps **out);
/* Stops at the first that fails. Prints results, or appends them to `list` unless it is NULL. */
int cli_steps_run(struct cli_session *s, const struct cli_options *o, struct cli_steps *steps,
		  json_t *list);
/* Program and context, as it was before the program ran, of step i; false: it is a store. */
bool cli_steps_at(const struct cli_steps *steps, int i, const char **prog, struct cli_bytes *ctx);
void cli_steps_free(struct cli_steps *steps);

#endif
