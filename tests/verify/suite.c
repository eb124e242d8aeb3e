/* SPDX-License-Identifier: BSD-2-Clause */
/* The suite against the engine's verifier: verdict, errno, message. */
#include "harness.h"

static int failures, accepted, refused;

static void check(const struct suite_case *c, void *arg)
{
	struct code *code = NULL;
	int err = harness_verify(c->type, c->attach, c->insns, c->n, 1, NULL, &code);

	if (err != c->err || (c->msg && !strstr(log_buf, c->msg))) {
		failures++;
		printf("%s: got %d, expected %d%s%s\n%s", c->name, err, c->err,
		       c->msg ? " with " : "", c->msg ? c->msg : "", log_buf);
	}
	if (err)
		refused++;
	else
		accepted++;
	code_free(code);
}

/* Whichever allocation fails: -ENOMEM or the usual verdict, no crash, nothing leaked. */
static void starve(const struct suite_case *c, void *arg)
{
	static unsigned int nth;
	int err = -ENOMEM;

	if (nth++ % 16)
		return;
	for (unsigned long n = 1; err == -ENOMEM && n < 2000; n++) {
		struct code *code = NULL;

		mem_fail_after(n);
		err = harness_verify(c->type, c->attach, c->insns, c->n, 0, NULL, &code);
		mem_fail_after(0);
		code_free(code);
	}
	if (err != c->err) {
		failures++;
		printf("%s: got %d with little memory, expected %d\n", c->name, err, c->err);
	}
}

int main(void)
{
	harness_open();
	suite_each(check, NULL);
	suite_each(starve, NULL);
	harness_close();
	printf("%d programs, %d accepted, %d refused, %d wrong\n", accepted + refused, accepted,
	       refused, failures);
	return failures != 0 || accepted + refused < 400;
}
