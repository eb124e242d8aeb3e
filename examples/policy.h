/* SPDX-License-Identifier: BSD-2-Clause */
/* The struct_ops type of the example: what a program may decide for the host. */
#ifndef EXAMPLES_POLICY_H
#define EXAMPLES_POLICY_H

struct request {
	unsigned int size;
	unsigned int user;
};

struct counters {
	unsigned long long requests, bytes;
};

struct policy {
	/* 0: refuse, else the worker to use */
	unsigned int (*admit)(struct request *req);
	/* where the host counts, in the program's arena */
	void (*account)(struct counters *counters, unsigned int size);
	char name[16];
};

#endif
