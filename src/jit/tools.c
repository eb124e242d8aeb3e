/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Profilers: the map file perf reads for addresses without an object file, and perf's jitdump,
 * which carries code and source lines for `perf inject --jit`.
 *
 * Both are files in /tmp named after the process, as perf expects them. A name there may have
 * been taken by somebody else, so a file is used only if it is regular and this user's own.
 */
#include "jit/tools.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned int wanted;
static int map_fd = -1, dump_fd = -1;
static pid_t map_pid, dump_pid;

/* UARENA_JIT_TOOLS: any of the words perf, jitdump, gdb. */
static void read_environment(void)
{
	const char *words = secure_getenv("UARENA_JIT_TOOLS");

	if (!words)
		return;
	wanted |= strstr(words, "perf") ? JIT_TOOL_PERF_MAP : 0;
	wanted |= strstr(words, "jitdump") ? JIT_TOOL_JITDUMP : 0;
	wanted |= strstr(words, "gdb") ? JIT_TOOL_GDB : 0;
}

void jit_tools(unsigned int which)
{
	pthread_once(&once, read_environment);
	pthread_mutex_lock(&lock);
	wanted = which;
	pthread_mutex_unlock(&lock);
}

/* The process's own file of that name; a child of fork starts its own. */
static int own_file(const char *format, int *fd, pid_t *pid, bool *is_new)
{
	char path[64];
	struct stat st;

	*is_new = false;
	if (*fd >= 0 && *pid == getpid())
		return *fd;
	snprintf(path, sizeof(path), format, (int)getpid());
	*fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd >= 0 && (fstat(*fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
			 st.st_nlink != 1)) {
		close(*fd);
		*fd = -1;
	}
	if (*fd < 0)
		log_warn("jit: cannot use %s\n", path);
	*pid = getpid();
	*is_new = *fd >= 0;
	return *fd;
}

static void symbol(const struct code *code, uint32_t func, char *buf, size_t size)
{
	snprintf(buf, size, "bpf_prog_%s_%s", code->tag, code->funcs[func].name);
}

/* -- Map file ------------------------------------------------------------- */

static void map_write(const struct code *code, const struct jit_image *img)
{
	char name[128];
	bool is_new;
	int fd = own_file("/tmp/perf-%d.map", &map_fd, &map_pid, &is_new);

	for (uint32_t f = 0; f < img->n_funcs && fd >= 0; f++) {
		symbol(code, f, name, sizeof(name));
		dprintf(fd, "%lx %x %s\n",
			(unsigned long)((uintptr_t)img->text + img->funcs[f].start),
			img->funcs[f].end - img->funcs[f].start, name);
	}
}

/* -- Jitdump -------------------------------------------------------------- */

struct dump_header {
	uint32_t magic, version, total_size, elf_mach, pad, pid;
	uint64_t timestamp, flags;
};

struct dump_prefix {
	uint32_t id, total_size;
	uint64_t timestamp;
};

struct dump_load {
	struct dump_prefix p;
	uint32_t pid, tid;
	uint64_t vma, code_addr, code_size, code_index;
};

struct dump_lines {
	struct dump_prefix p;
	uint64_t code_addr, nr_entry;
};

struct dump_line {
	uint64_t addr;
	uint32_t line, discrim;
};

enum { DUMP_CODE_LOAD = 0, DUMP_DEBUG_INFO = 2 };

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* perf notices the file by the executable mapping of its first page. */
static bool dump_begin(int fd)
{
	struct dump_header h = {.magic = 0x4a695444,
				.version = 1,
				.total_size = sizeof(h),
				.elf_mach = 62,
				.pid = (uint32_t)getpid(),
				.timestamp = now_ns()};
	void *marker;

	if (write(fd, &h, sizeof(h)) != sizeof(h))
		return false;
	marker = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	return marker != MAP_FAILED;
}

static const struct code_line *line_of(const struct code *code, const struct jit_image *img,
				       size_t mark, uint32_t func)
{
	const struct slot_mark *m = &img->marks[mark];

	if (m->at < img->funcs[func].start || m->at >= img->funcs[func].end ||
	    m->slot >= code->n_ops)
		return NULL;
	return code_line_at(code, m->slot);
}

static void dump_write_lines(int fd, const struct code *code, const struct jit_image *img,
			     uint32_t func)
{
	struct dump_lines r = {.p = {DUMP_DEBUG_INFO, sizeof(r), now_ns()},
			       .code_addr = (uintptr_t)img->text + img->funcs[func].start};
	FILE *out = fdopen(dup(fd), "ab");

	for (size_t i = 0; i < img->n_marks; i++) {
		const struct code_line *l = line_of(code, img, i, func);

		r.nr_entry += !!l;
		r.p.total_size +=
			l ? sizeof(struct dump_line) + (uint32_t)strlen(l->file ? l->file : "?") + 1
			  : 0;
	}
	if (out && r.nr_entry)
		fwrite(&r, sizeof(r), 1, out);
	for (size_t i = 0; out && i < img->n_marks; i++) {
		const struct code_line *l = line_of(code, img, i, func);
		struct dump_line d = {.addr = (uintptr_t)img->text + img->marks[i].at,
				      .line = l ? l->line : 0};

		if (!l)
			continue;
		fwrite(&d, sizeof(d), 1, out);
		fwrite(l->file ? l->file : "?", strlen(l->file ? l->file : "?") + 1, 1, out);
	}
	if (out)
		fclose(out);
}

static void dump_write_code(int fd, const struct code *code, const struct jit_image *img,
			    uint32_t func)
{
	static uint64_t index;
	const struct image_func *f = &img->funcs[func];
	char name[128];
	struct dump_load r = {.pid = (uint32_t)getpid(), .tid = (uint32_t)syscall(SYS_gettid)};
	size_t len;

	symbol(code, func, name, sizeof(name));
	len = strlen(name) + 1;
	r.p = (struct dump_prefix){DUMP_CODE_LOAD, (uint32_t)(sizeof(r) + len + f->end - f->start),
				   now_ns()};
	r.vma = r.code_addr = (uintptr_t)img->text + f->start;
	r.code_size = f->end - f->start;
	r.code_index = index++;
	if (write(fd, &r, sizeof(r)) != sizeof(r) || write(fd, name, len) != (ssize_t)len ||
	    write(fd, img->text + f->start, r.code_size) != (ssize_t)r.code_size)
		log_warn("jit: jitdump is incomplete: %s\n", strerror(errno));
}

static void dump_write(const struct code *code, const struct jit_image *img)
{
	bool is_new;
	int fd = own_file("/tmp/jit-%d.dump", &dump_fd, &dump_pid, &is_new);

	if (fd < 0 || (is_new && !dump_begin(fd)))
		return;
	for (uint32_t f = 0; f < img->n_funcs; f++) {
		dump_write_lines(fd, code, img, f);
		dump_write_code(fd, code, img, f);
	}
}

/* -- All ------------------------------------------------------------------ */

void tools_announce(const struct code *code, struct jit_image *img)
{
	pthread_once(&once, read_environment);
	if (ua_likely(!__atomic_load_n(&wanted, __ATOMIC_RELAXED)))
		return;
	pthread_mutex_lock(&lock);
	if (wanted & JIT_TOOL_PERF_MAP)
		map_write(code, img);
	if (wanted & JIT_TOOL_JITDUMP)
		dump_write(code, img);
	pthread_mutex_unlock(&lock);
	if (wanted & JIT_TOOL_GDB)
		img->gdb = gdb_register(code, img);
}

void tools_withdraw(struct jit_image *img)
{
	gdb_unregister(img->gdb);
}
