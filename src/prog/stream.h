/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams: the two byte queues of a program (stdout 1, stderr 2; kernel 6.17+).
 *
 * Writers are lock-free and async-signal-safe, because the fault handler writes reports;
 * readers are serialised. A message is queued whole or not at all (-ENOSPC), and its bytes
 * count against the capacity until it has been read completely.
 *
 * After a fork parent and child have copies of the queue but share the descriptor to poll.
 */
#ifndef UA_PROG_STREAM_H
#define UA_PROG_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include "abi/bpf.h"

struct stream;

int stream_new(struct stream **out);
void stream_free(struct stream *s);
/* 0, -ENOSPC (would reach the capacity), -ENOMEM. */
int stream_push(struct stream *s, const void *data, size_t len);

/*
 * One message of known length written in pieces, without a buffer: begin reserves room (errors
 * as stream_push), append fills it, what lies beyond `len` is dropped, and commit makes the
 * message readable, filled up with spaces if it came out shorter. Messages behind it become
 * readable only after its commit.
 */
struct stream_msg {
	struct stream *s;
	uint64_t pos;
	uint32_t len, done;
};
int stream_begin(struct stream *s, size_t len, struct stream_msg *msg);
void stream_append(struct stream_msg *msg, const void *data, size_t len);
void stream_commit(struct stream_msg *msg);

/* Up to len bytes, removed; 0 when empty. Never blocks. */
int stream_read(struct stream *s, void *buf, size_t len);
/* Descriptor that polls readable while the stream has data; created on first use, borrowed. */
int stream_fd(struct stream *s);

#endif
