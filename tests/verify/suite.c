/* SPDX-License-Identifier: BSD-2-Clause */
/* The suite against the engine's verifier: verdict, errno, message. */
#include "harness.h"

static int failures, accepted, refused;

static void check(const struct suite_case *c, void *arg)
{
	struct code *code = NULL;
	int err = harness_verify(c->type, c->insns, c->n, 1, NULL, &code);

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

int main(void)
{
	harness_open();
	suite_each(check, NULL);
	harness_close();
	printf("%d programs, %d accepted, %d refused, %d wrong\n", accepted + refused, accepted,
	       refused, failures);
	return failures != 0 || accepted + refused < 400;
}
