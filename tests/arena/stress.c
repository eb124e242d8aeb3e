/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page-state protocol under fire: two allocators, two host threads on the pages the
 * allocators are working on, one program thread, one client process. usage: stress [SECONDS
 * [BACKEND]]
 *
 * Time is cut into epochs, each with a fresh arena, because scratched addresses stay dead.
 * Checked all the time: fresh pages are zero; what an owner wrote is there until it frees the
 * page, through the window and through the user view alike. Checked after each epoch: every
 * scratched page was reported exactly once and no other page ever; no memory where none should
 * be and none missing; all scratched addresses show the same page.
 *
 * Built as stress-control with the two deciding swaps replaced by plain stores, it must find
 * violations: a test that cannot fail proves nothing.
 */
#include <pthread.h>
#include <setjmp.h>
#include <sys/prctl.h>
#include <time.h>
#include "arena_test.h"
#include "arena/priv.h"
#include "uarena.h"

#define N_PAGES 512
#define GROUP 8 /* pages one allocator works on at a time */
#define EPOCH_NS 40000000ull

static struct arena *arena;
static enum arena_scratch_policy policy;
static enum arena_backend backend;
static _Atomic bool stop;
static _Atomic uint32_t hot;
static _Atomic uint32_t owner[N_PAGES / GROUP], reports[N_PAGES];

static _Atomic uint64_t n_alloc, n_refused, n_host, n_program, n_hole, n_scratched, n_bad;

static void violated(const char *what, uint32_t page, uint64_t value)
{
	if (atomic_fetch_add(&n_bad, 1) < 20)
		printf("VIOLATED: %s: page %u, value %#llx\n", what, page,
		       (unsigned long long)value);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static volatile uint64_t *in_window(uint32_t page)
{
	return (volatile uint64_t *)(arena_window_base(arena) + page * PAGE);
}

static volatile uint64_t *in_user_view(uint32_t page)
{
	return (volatile uint64_t *)(USER + page * PAGE);
}

static uint8_t state_of(uint32_t page)
{
	return atomic_load(&arena->space.shared->state[page]);
}

/* -- Allocators ----------------------------------------------------------- */

static void check_zero(uint32_t page)
{
	for (uint32_t i = 0; i < PAGE / 8; i++)
		if (in_window(page)[i])
			violated("fresh page is not zero", page, in_window(page)[i]);
}

/* Owners write both ways and must read their own word back from the other side. */
static void own_page(uint32_t page, uint64_t stamp, uint64_t *seed)
{
	check_zero(page);
	in_window(page)[1] = stamp;
	in_user_view(page)[2] = ~stamp;
	for (uint32_t spin = next_random(seed) % 300; spin; spin--)
		__asm__ volatile("" : : : "memory");
	if (in_user_view(page)[1] != stamp || in_window(page)[1] != stamp)
		violated("owner's page was replaced", page, in_window(page)[1]);
	if (in_window(page)[2] != ~stamp || in_user_view(page)[2] != ~stamp)
		violated("window and user view differ", page, in_window(page)[2]);
}

/* Each group is handled by one allocator at a time; everything else about it is contested. */
static void use_group(uint32_t group, uint64_t *seed)
{
	bool all = next_random(seed) % 2;
	uint32_t n = all ? GROUP : 1, first = group * GROUP + (all ? 0 : next_random(seed) % GROUP);
	uint32_t nobody = 0;

	if (!atomic_compare_exchange_strong(&owner[group], &nobody, 1))
		return;
	atomic_store(&hot, first + next_random(seed) % n);
	if (arena_alloc_pages(arena, USER + first * PAGE, n, -1, 0)) {
		atomic_fetch_add(&n_alloc, 1);
		for (uint32_t page = first; page < first + n; page++)
			own_page(page, next_random(seed) | 1, seed);
	} else {
		atomic_fetch_add(&n_refused, 1);
	}
	/* Ours, or what the client populated; dead pages are skipped. */
	arena_free_pages(arena, USER + group * GROUP * PAGE, GROUP);
	atomic_store(&owner[group], 0);
}

static void *allocator(void *arg)
{
	uint64_t seed = (uintptr_t)arg;

	CHECK(!fault_thread_attach());
	while (!atomic_load(&stop))
		use_group(next_random(&seed) % (N_PAGES / GROUP), &seed);
	return NULL;
}

/* -- Host and program accesses -------------------------------------------- */

static void on_report(struct run *run, uint64_t addr, bool is_write, void *uc, int64_t idx)
{
	atomic_fetch_add(&reports[(addr - USER) / PAGE % N_PAGES], 1);
	atomic_fetch_add(&n_scratched, 1);
}

/* Aims at pages that are changing; a hole that nobody works on is hit rarely, or all pages
 * would be dead before anything interesting happens. */
static void *host_thread(void *arg)
{
	uint64_t seed = (uintptr_t)arg;
	struct run run = {.arena = arena, .violation = on_report};

	CHECK(!fault_thread_attach());
	run_push(&run);
	while (!atomic_load(&stop)) {
		uint32_t page = atomic_load(&hot);
		uint8_t s = state_of(page);

		if (s == PAGE_EMPTY && next_random(&seed) % 4096)
			continue;
		if (s == PAGE_ALLOC && next_random(&seed) % 64)
			continue;
		(void)*in_window(page);
		atomic_fetch_add(&n_host, 1);
	}
	run_pop(&run);
	return NULL;
}

static void *program_thread(void *arg)
{
	uint64_t seed = (uintptr_t)arg, val;

	CHECK(!fault_thread_attach());
	while (!atomic_load(&stop)) {
		uint32_t page =
			next_random(&seed) % 4 ? atomic_load(&hot) : next_random(&seed) % N_PAGES;

		atomic_fetch_add(&n_program, 1);
		if (!access_load((void *)in_window(page), 8, &val))
			atomic_fetch_add(&n_hole, 1);
	}
	return NULL;
}

/* -- Client process ------------------------------------------------------- */

struct client_counts {
	_Atomic bool stop;
	_Atomic uint64_t touched, segv;
};

static struct client_counts *client_counts;
static sigjmp_buf on_dead;

static void client_segv(int sig)
{
	siglongjmp(on_dead, 1);
}

static int client_process(void *unused)
{
	struct sigaction act = {.sa_handler = client_segv};
	struct ua_client_opts o = {.sz = sizeof(o), .window = (enum ua_window)backend};
	struct ua_client *client;
	volatile uint64_t seed = (uint64_t)getpid() * 77777;
	uint64_t s;

	sigaction(SIGSEGV, &act, NULL);
	CHECK(!ua_client__map(arena_memfd(arena), &o, &client));
	while (!atomic_load(&client_counts->stop)) {
		s = seed;
		s = next_random(&s);
		seed = s;
		if (sigsetjmp(on_dead, 1)) {
			atomic_fetch_add(&client_counts->segv, 1);
			continue;
		}
		(void)*in_user_view(s % N_PAGES);
		atomic_fetch_add(&client_counts->touched, 1);
		for (uint32_t spin = s >> 40 & 0xfff; spin; spin--)
			__asm__ volatile("" : : : "memory");
	}
	ua_client__unmap(client);
	return 0;
}

static pid_t start_client(void)
{
	pid_t pid;

	fflush(NULL);
	atomic_store(&client_counts->stop, false);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(client_process(NULL));
	}
	return pid;
}

static void end_client(pid_t pid)
{
	int status;

	atomic_store(&client_counts->stop, true);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		violated("client died", 0, status);
}

/* -- Epochs --------------------------------------------------------------- */

static void check_reports(void)
{
	for (uint32_t page = 0; page < N_PAGES; page++) {
		bool dead = state_of(page) == PAGE_SCRATCH;
		uint32_t n = atomic_load(&reports[page]);

		if (policy == ARENA_SCRATCH_DEAD && n != dead)
			violated(dead ? "scratched page not reported once"
				      : "report on a live page",
				 page, n);
		if (policy == ARENA_SCRATCH_REPLACE && dead && !n)
			violated("scratched page not reported", page, n);
	}
}

/* A word written through one dead address is seen through all. */
static void check_aliases(void)
{
	struct run run = {.arena = arena, .violation = on_report};
	uint64_t mark = 0x5ca7c4ed;

	run_push(&run);
	for (uint32_t page = 0; page < N_PAGES; page++)
		if (state_of(page) == PAGE_SCRATCH)
			*in_window(page) = mark;
	for (uint32_t page = 0; page < N_PAGES; page++)
		if (state_of(page) == PAGE_SCRATCH && *in_window(page) != mark)
			violated("dead address shows something else", page, *in_window(page));
	run_pop(&run);
}

static void run_epoch(unsigned int number)
{
	void *(*const bodies[])(void *) = {allocator, allocator, host_thread, host_thread,
					   program_thread};
	struct arena_opts o = {
		.max_entries = N_PAGES, .map_extra = USER, .map_flags = BPF_F_MMAPABLE};
	void *addr = (void *)USER;
	pthread_t t[ARRAY_SIZE(bodies)];
	struct timespec nap = {.tv_nsec = EPOCH_NS};
	pid_t client;
	int err;

	o.backend = backend;
	o.scratch_max = number % 2 ? 16 : 0;
	o.scratch_policy = policy = number % 4 == 3 ? ARENA_SCRATCH_REPLACE : ARENA_SCRATCH_DEAD;
	err = arena_create(&o, &arena);
	if (err == -EOPNOTSUPP)
		exit(SKIP);
	CHECK(!err);
	CHECK(!arena_mmap(arena, &addr, N_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0));
	memset((void *)reports, 0, sizeof(reports));
	memset((void *)owner, 0, sizeof(owner));
	atomic_store(&stop, false);
	/* The other backends cannot take a freed page away from another process. */
	client = arena->space.backend == ARENA_BACKEND_UFFD ? start_client() : 0;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		CHECK(!pthread_create(&t[i], NULL, bodies[i],
				      (void *)(number * 7919ul + i * 104729 + 1)));
	nanosleep(&nap, NULL);
	atomic_store(&stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		pthread_join(t[i], NULL);
	if (client)
		end_client(client);
	check_reports();
	check_aliases();
	for (int bad = arena_validate(arena); bad; bad--)
		violated("structure", 0, bad);
	arena_put(arena);
}

static int print_all(enum log_level level, const char *fmt, va_list args)
{
	return vprintf(fmt, args);
}

/* The control has shown its point with the first violation; a busy machine takes longer. */
static bool proved(void)
{
#ifdef UA_WEAKEN_VERDICT
	return n_bad;
#else
	return false;
#endif
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 10;
	uint64_t end;
	unsigned int epoch = 0;

	backend = argc > 2 ? (enum arena_backend)atoi(argv[2]) : ARENA_BACKEND_AUTO;
	log_set(print_all);
	client_counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(client_counts != MAP_FAILED);
	CHECK(!fault_thread_attach());
	for (end = os_now_ns() + (uint64_t)(seconds * 1e9); os_now_ns() < end && !proved(); epoch++)
		run_epoch(epoch);
	printf("epochs %u  allocations %llu  refused %llu  host accesses %llu  program accesses "
	       "%llu  "
	       "of them to holes %llu  scratched %llu  client touched %llu  client SIGSEGV %llu\n",
	       epoch, (unsigned long long)n_alloc, (unsigned long long)n_refused,
	       (unsigned long long)n_host, (unsigned long long)n_program,
	       (unsigned long long)n_hole, (unsigned long long)n_scratched,
	       (unsigned long long)client_counts->touched, (unsigned long long)client_counts->segv);
	printf("invariant violations: %llu\n", (unsigned long long)n_bad);
#ifdef UA_WEAKEN_VERDICT
	return n_bad ? 0 : 1;
#else
	return n_bad ? 1 : 0;
#endif
}
