/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why the live kernel may have refused a command, where its errno alone does not say, and what
 * to do about it. What is known of the kernel and of this process is read once and then judged
 * by a table, so that tests can make up kernels.
 */
#ifndef UA_KERNEL_ADVICE_H
#define UA_KERNEL_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

struct kernel;
union bpf_attr;

struct kernel_facts {
	uint32_t version; /* as in LINUX_VERSION_CODE */
	bool may_bpf;	  /* CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN */
	int jit;	  /* net.core.bpf_jit_enable; -1: there is none */
	bool locked;	  /* lockdown, in either degree */
	bool has_btf;	  /* its own types can be read */
};

void kernel_facts_read(struct kernel_facts *f);
/* A line of text, or NULL: nothing is known to be the reason. err is negative. */
const char *kernel_advice(const struct kernel_facts *f, int cmd, const union bpf_attr *attr,
			  long err);
/* The same for the side that gave the error; NULL for the engine, which explains itself. */
const char *kernel_advise(const struct kernel *k, int cmd, const union bpf_attr *attr, long err);

#endif
