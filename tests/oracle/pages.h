/* SPDX-License-Identifier: BSD-2-Clause */
/* What pages.bpf.c and pages.c share: operations on an arena's pages, done in batches. */
#ifndef UA_TESTS_ORACLE_PAGES_H
#define UA_TESTS_ORACLE_PAGES_H

enum page_op_kind {
	OP_ALLOC,
	OP_FREE,
	OP_RESERVE,
	OP_PROG_READ,
	OP_PROG_WRITE,
	OP_USER,
	N_PAGE_OPS
};

struct page_op {
	unsigned int kind;
	unsigned int n;		   /* pages; of OP_PROG_WRITE and OP_USER the value written */
	unsigned long long addr;   /* 0: anywhere */
	unsigned long long result; /* pointer, errno or value read */
};

#define BATCH 32

#endif
