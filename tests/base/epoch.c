/* SPDX-License-Identifier: BSD-2-Clause */
/* Epochs: nothing runs while a section is open; everything runs once; threads come and go; fork. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/epoch.h"

#define CHECK(c)                                                                \
	do {                                                                    \
		if (!(c)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			exit(1);                                                \
		}                                                               \
	} while (0)

#define READERS 3
#define ROUNDS 1000000

struct node {
	struct epoch_item item;
	atomic_int dead;
};

static _Atomic(struct node *) shared;
static atomic_int stop, n_freed;

static void node_free(struct epoch_item *item)
{
	struct node *n = container_of(item, struct node, item);

	CHECK(!epoch_inside());
	atomic_store(&n->dead, 1);
	mem_free(n);
	atomic_fetch_add(&n_freed, 1);
}

/* Short threads, so that registration and exit happen all the time. */
static void *reader(void *arg)
{
	for (int i = 0; i < 1000 && !atomic_load(&stop); i++) {
		struct node *n;

		epoch_enter();
		epoch_enter();
		n = atomic_load(&shared);
		epoch_exit();
		for (int k = 0; k < 20; k++)
			CHECK(!atomic_load_explicit(&n->dead, memory_order_relaxed));
		epoch_exit();
	}
	return NULL;
}

static void *spawner(void *arg)
{
	while (!atomic_load(&stop)) {
		pthread_t t;

		CHECK(!pthread_create(&t, NULL, reader, NULL));
		pthread_join(t, NULL);
	}
	return NULL;
}

static void readers_never_see_freed(void)
{
	pthread_t t[READERS];

	atomic_store(&shared, mem_zalloc(sizeof(struct node)));
	for (int i = 0; i < READERS; i++)
		CHECK(!pthread_create(&t[i], NULL, spawner, NULL));
	for (int i = 0; i < ROUNDS; i++) {
		struct node *n = mem_zalloc(sizeof(*n));
		struct node *old = atomic_exchange(&shared, n);

		if (i % 3) {
			epoch_defer(&old->item, node_free);
		} else if (i % 100 == 0) {
			epoch_synchronize();
			node_free(&old->item);
		} else {
			epoch_enter();
			epoch_defer(&old->item, node_free);
			epoch_exit();
		}
	}
	epoch_drain();
	CHECK(atomic_load(&n_freed) == ROUNDS);
	atomic_store(&stop, 1);
	for (int i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
}

static pthread_barrier_t inside, leave;

static void *long_section(void *arg)
{
	epoch_enter();
	pthread_barrier_wait(&inside);
	pthread_barrier_wait(&leave);
	epoch_exit();
	return NULL;
}

static void open_section_holds_items_back(void)
{
	struct node *n = mem_zalloc(sizeof(*n));
	int before = atomic_load(&n_freed);
	pthread_t t;

	pthread_barrier_init(&inside, NULL, 2);
	pthread_barrier_init(&leave, NULL, 2);
	CHECK(!pthread_create(&t, NULL, long_section, NULL));
	pthread_barrier_wait(&inside);
	epoch_defer(&n->item, node_free);
	usleep(50000);
	CHECK(atomic_load(&n_freed) == before);
	pthread_barrier_wait(&leave);
	epoch_drain();
	CHECK(atomic_load(&n_freed) == before + 1);
	pthread_join(t, NULL);
}

/* The child of a fork has neither the reclaimer nor the threads that were inside. */
static void child_goes_on_alone(void)
{
	struct node *n = mem_zalloc(sizeof(*n));
	pthread_t t;
	int status;
	pid_t pid;

	CHECK(!pthread_create(&t, NULL, long_section, NULL));
	pthread_barrier_wait(&inside);
	pid = fork();
	if (!pid) {
		alarm(10);
		epoch_defer(&n->item, node_free);
		epoch_drain();
		epoch_synchronize();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	pthread_barrier_wait(&leave);
	pthread_join(t, NULL);
	mem_free(n);
}

int main(void)
{
	readers_never_see_freed();
	open_section_holds_items_back();
	child_goes_on_alone();
	return 0;
}
