/* SPDX-License-Identifier: BSD-2-Clause */
/* Edits that make a workload smaller or simpler. */
#ifndef UA_CLI_SCHED_EDIT_H
#define UA_CLI_SCHED_EDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Make the k-th edit that this workload allows, the boldest first. false: there are no more.
 * The result may be one that the reader refuses. */
bool sched_edit(json_t *workload, size_t k);

#endif
