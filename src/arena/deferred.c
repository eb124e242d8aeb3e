/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frees from places that may not sleep: queued, done by one worker thread of the process,
 * which starts with the first of them. Until then the pages stay mapped and counted.
 */
#include <pthread.h>
#include <signal.h>
#include "arena/pages.h"
#include "base/base.h"
#include "os/os.h"

struct span {
	struct span *next;
	struct arena *arena;
	uint32_t first, n;
};

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
static pthread_cond_t span_done = PTHREAD_COND_INITIALIZER;
static struct span *head, **tail = &head;
static bool running;
static uint32_t running_gen;

static struct span *take_span(void)
{
	struct span *s;

	while (!head)
		pthread_cond_wait(&queue_filled, &queue_lock);
	s = head;
	head = s->next;
	if (!head)
		tail = &head;
	return s;
}

static void *worker(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&queue_lock);
	for (;;) {
		struct span *s = take_span();

		pthread_mutex_unlock(&queue_lock);
		pages_free_range(s->arena, s->first, s->n);
		pthread_mutex_lock(&queue_lock);
		atomic_fetch_sub(&s->arena->n_deferred, 1);
		mem_free(s);
		pthread_cond_broadcast(&span_done);
	}
	return NULL;
}

/* Lock held. The worker takes no signals of the host. */
static bool start_worker(void)
{
	uint64_t all = ~0ull, saved;
	pthread_attr_t attr;
	pthread_t thread;

	if (running && running_gen == trap_fork_gen())
		return true;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	os_sigmask_set(&all, &saved);
	running = !pthread_create(&thread, &attr, worker, NULL);
	os_sigmask_set(&saved, NULL);
	running_gen = trap_fork_gen();
	pthread_attr_destroy(&attr);
	return running;
}

static bool enqueue(struct arena *a, uint32_t first, uint32_t n)
{
	struct span *s = mem_alloc(sizeof(*s));
	bool ok;

	if (!s)
		return false;
	*s = (struct span){.arena = a, .first = first, .n = n};
	pthread_mutex_lock(&queue_lock);
	ok = start_worker();
	if (ok) {
		*tail = s;
		tail = &s->next;
		atomic_fetch_add(&a->n_deferred, 1);
		pthread_cond_signal(&queue_filled);
	}
	pthread_mutex_unlock(&queue_lock);
	if (!ok)
		mem_free(s);
	return ok;
}

/* Where there is neither memory nor a thread, now is better than never. */
void arena_free_pages_deferred(struct arena *a, uint64_t ptr, uint32_t page_cnt)
{
	uint32_t first, n;

	if (!arena_is_ours(a) || !pages_to_free(a, ptr, page_cnt, &first, &n))
		return;
	if (!enqueue(a, first, n))
		pages_free_range(a, first, n);
}

void deferred_drain(struct arena *a)
{
	if (!atomic_load(&a->n_deferred))
		return;
	pthread_mutex_lock(&queue_lock);
	while (atomic_load(&a->n_deferred))
		pthread_cond_wait(&span_done, &queue_lock);
	pthread_mutex_unlock(&queue_lock);
}

void arena_flush_deferred(struct arena *a)
{
	if (arena_is_ours(a))
		deferred_drain(a);
}

/* In a child: the queue is the parent's, its worker is not here. */
void deferred_forked(void)
{
	pthread_mutex_init(&queue_lock, NULL);
	pthread_cond_init(&queue_filled, NULL);
	pthread_cond_init(&span_done, NULL);
	head = NULL;
	tail = &head;
	running = false;
}
