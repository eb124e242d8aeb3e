/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A struct_ops type of the test's host: included by the host, by the program that makes its
 * BTF (ops_types.bpf.c) and by the objects that implement it.
 */
#ifndef TESTS_PROG_OPS_H
#define TESTS_PROG_OPS_H

struct request {
	unsigned int id;
	unsigned int cost;
};

struct policy {
	unsigned int (*pick)(struct request *req, unsigned int flags);
	unsigned long long (*many)(signed char a, unsigned short b, int c, unsigned long long d,
				   int e, unsigned char f, short g, unsigned long long h);
	unsigned long long (*sum)(unsigned long long *first, unsigned long long *second, int c,
				  int d, int e, int f, unsigned long long *seventh);
	unsigned long long (*tell)(unsigned long long *where, int x);
	void (*absent)(void);
	int (*sleepy)(int x);
	unsigned int version;
	char name[16];
};

#endif
