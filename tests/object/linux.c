/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct_ops on the live kernel: a congestion control with an arena is loaded, attached, used by
 * a connection of this process with itself, and detached.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "uarena.h"

#define NAME "ua_counting"
#define CHECK(cond, what)                             \
	do {                                          \
		if (!(cond)) {                        \
			printf("failed: %s\n", what); \
			failures++;                   \
		}                                     \
	} while (0)

static int failures;

/* Sends to itself through a connection with this congestion control. */
static bool connection_works(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int peer = -1;
	static char block[1 << 16];
	bool ok = !setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, NAME, strlen(NAME));

	ok = ok && !bind(server, (struct sockaddr *)&at, len) && !listen(server, 1) &&
	     !getsockname(server, (struct sockaddr *)&at, &len) &&
	     !connect(client, (struct sockaddr *)&at, len);
	if (ok)
		peer = accept(server, NULL, NULL);
	ok = ok && peer >= 0 && write(client, block, sizeof(block)) == sizeof(block);
	for (size_t got = 0; ok && got < sizeof(block);) {
		ssize_t n = read(peer, block, sizeof(block));

		ok = n > 0;
		got += n > 0 ? (size_t)n : 0;
	}
	close(peer);
	close(client);
	close(server);
	return ok;
}

static bool is_listed(void)
{
	char text[512] = "";
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_available_congestion_control", "r");

	if (f && !fgets(text, sizeof(text), f))
		*text = 0;
	if (f)
		fclose(f);
	return strstr(text, NAME) != NULL;
}

static uint64_t counter(struct ua_object *obj, const char *name)
{
	uint64_t *at;

	return ua_object__find_global(obj, name, (void **)&at, NULL) ? 0 : *at;
}

static void use(struct ua_object *obj)
{
	struct ua_link *link;

	CHECK(!is_listed(), "not there before");
	if (ua_map__attach_struct_ops(ua_object__find_map(obj, "counting"), &link)) {
		CHECK(false, "attaching");
		return;
	}
	CHECK(is_listed(), "the kernel lists it");
	CHECK(connection_works(), "a connection");
	printf("started %llu, avoided %llu\n", (unsigned long long)counter(obj, "started"),
	       (unsigned long long)counter(obj, "avoided"));
	CHECK(counter(obj, "started") > 0, "init was called");
	CHECK(counter(obj, "avoided") > 0, "cong_avoid was called");
	ua_link__destroy(link);
	for (int i = 0; i < 100 && is_listed(); i++)
		usleep(20000);
	CHECK(!is_listed(), "gone after detaching");
}

int main(int argc, char **argv)
{
	UA_OPTS(ua_engine_opts, opts, .backend = UA_BACKEND_LINUX);
	struct ua_engine *engine;
	struct ua_object *obj;
	int err;

	if (argc < 2 || ua_engine__open(&opts, &engine))
		return 1;
	err = ua_object__open_file(engine, argv[1], NULL, &obj);
	if (!err)
		err = ua_object__load(obj);
	if (err == -EPERM || err == -EOPNOTSUPP) {
		printf("skipped: the kernel does not let us load it: %s\n", strerror(-err));
		return 77;
	}
	CHECK(!err, "loading");
	if (!err)
		use(obj);
	ua_object__close(obj);
	ua_engine__close(engine);
	return failures != 0;
}
