/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams: the two byte queues of a program (stdout 1, stderr 2; kernel 6.17+).
 *
 * Writers are lock-free and async-signal-safe, because the fault handler writes reports;
 * readers are serialised. A message is queued whole or not at all (-ENOSPC), and its bytes
 * count against the capacity until it has been read completely.
 */
#ifndef UA_PROG_STREAM_H
#define UA_PROG_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include "abi/bpf.h"

struct stream;

int stream_new(struct stream **out);
void stream_free(struct stream *s);
int stream_push(struct stream *s, const void *data, size_t len);
/* Up to len bytes, removed; 0 when empty. Never blocks. */
int stream_read(struct stream *s, void *buf, size_t len);
/* Descriptor that polls readable while the stream has data; created on first use, borrowed. */
int stream_fd(struct stream *s);

#endif
