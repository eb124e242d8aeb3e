/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One arena, three parties: a BPF program builds a linked list, this process walks it through
 * the pointers the program stored, and so does a second process that was only given the map's
 * descriptor over a Unix socket.
 *
 * usage: demo LIST.bpf.o        (runs itself again as the second process)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uarena.h>

#define NODES 1000

struct node {
	struct node *next;
	uint64_t value;
};

static uint64_t walk(const struct node *n, uint64_t *length)
{
	uint64_t sum = 0;

	for (*length = 0; n; n = n->next, ++*length)
		sum += n->value;
	return sum;
}

/* -- The second process ---------------------------------------------------- */

static int receive(int sock, struct node **head)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {head, sizeof(*head)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(sock, &msg, 0) == sizeof(*head) && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static int second_process(int sock)
{
	struct ua_client *client;
	struct node *head;
	uint64_t length, sum;
	int fd = receive(sock, &head);
	int err = fd < 0 ? -EBADF : ua_client__map(fd, NULL, &client);

	if (err) {
		fprintf(stderr, "second process: %s\n", strerror(-err));
		return 1;
	}
	sum = walk(head, &length);
	printf("process %-8s head %p  %llu nodes, sum %llu\n", "second", (void *)head,
	       (unsigned long long)length, (unsigned long long)sum);
	ua_client__unmap(client);
	return 0;
}

static int send_list(int sock, int fd, struct node *head)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&head, sizeof(head)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == sizeof(head) ? 0 : -errno;
}

static int show_second(const char *self, int fd, struct node *head)
{
	int pair[2], status = 1;
	char number[16];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		return -errno;
	snprintf(number, sizeof(number), "%d", pair[1]);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		execl(self, self, "--second", number, NULL);
		_exit(127);
	}
	close(pair[1]);
	if (pid > 0 && !send_list(pair[0], fd, head))
		waitpid(pid, &status, 0);
	close(pair[0]);
	return status ? -ECHILD : 0;
}

/* -- The first process ------------------------------------------------------ */

static int run(struct ua_object *obj, const char *name, uint64_t args[2])
{
	UA_OPTS(ua_run_opts, opts, .ctx_in = args, .ctx_in_size = 16, .ctx_out = args,
		.ctx_out_size = 16, .cpu = -1);
	int err = ua_program__run(ua_object__find_program(obj, name), &opts);

	return err ? err : (int)opts.retval;
}

static int show(const char *self, struct ua_object *obj)
{
	uint64_t args[2] = {NODES, 0}, length, sum;
	struct node **head;
	size_t size;
	int err = run(obj, "list_build", args);

	if (!err)
		err = run(obj, "list_sum", args);
	if (!err)
		err = ua_object__find_global(obj, "head", (void **)&head, &size);
	if (err)
		return err;
	printf("BPF program      head %p  %d nodes, sum %llu\n", (void *)*head, NODES,
	       (unsigned long long)args[1]);
	sum = walk(*head, &length);
	printf("process %-8s head %p  %llu nodes, sum %llu\n", "first", (void *)*head,
	       (unsigned long long)length, (unsigned long long)sum);
	return show_second(self, ua_map__fd(ua_object__find_map(obj, "arena")), *head);
}

int main(int argc, char **argv)
{
	struct ua_engine *engine = NULL;
	struct ua_object *obj = NULL;
	int err;

	if (argc == 3 && !strcmp(argv[1], "--second"))
		return second_process(atoi(argv[2]));
	if (argc != 2) {
		fprintf(stderr, "usage: demo LIST.bpf.o\n");
		return 2;
	}
	err = ua_engine__open(NULL, &engine);
	if (!err)
		err = ua_object__open_file(engine, argv[1], NULL, &obj);
	if (!err)
		err = ua_object__load(obj);
	if (!err)
		err = show(argv[0], obj);
	if (err)
		fprintf(stderr, "demo: %s\n", strerror(-err));
	if (obj)
		ua_object__close(obj);
	if (engine)
		ua_engine__close(engine);
	return err ? 1 : 0;
}
