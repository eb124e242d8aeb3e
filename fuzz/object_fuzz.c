/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader under libFuzzer (clang -fsanitize=fuzzer). Built with OBJECT_REPLAY it has a
 * main() of its own that runs the files and directories it is given, as a regression test.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/base.h"
#include "object_one.h"

static struct ua_engine *engine;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!engine) {
		ua_set_print(NULL);
		log_set(NULL);
		if (ua_engine__open(NULL, &engine))
			abort();
	}
	object_one(engine, data, size);
	return 0;
}

#ifdef OBJECT_REPLAY
#include "replay.h"

int main(int argc, char **argv)
{
	int status = replay_all(argc, argv);

	ua_engine__close(engine);
	return status;
}
#endif
