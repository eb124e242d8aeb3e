/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct_ops variables against a seam that only records: which programs are loaded as what
 * member, and what value the map is given.
 */
#include "btf/btf.h"
#include "object/object.h"
#include "test.h"

#include <sys/mman.h>
#include <unistd.h>

struct recorder {
	struct kernel k;
	struct btf *btf;
	struct {
		char name[BPF_OBJ_NAME_LEN];
		uint32_t attach_btf_id, member, flags;
		int fd;
	} progs[8];
	int n_progs;
	union bpf_attr map; /* creation of the struct_ops map */
	int map_fd, link_map;
	uint8_t value[1024];
};

static int new_fd(void)
{
	return memfd_create("recorded", MFD_CLOEXEC);
}

static long rec_bpf(struct kernel *k, int cmd, union bpf_attr *attr, unsigned int size)
{
	struct recorder *r = container_of(k, struct recorder, k);
	int fd = cmd == BPF_MAP_UPDATE_ELEM ? 0 : new_fd();

	switch (cmd) {
	case BPF_MAP_CREATE:
		if (attr->map_type != BPF_MAP_TYPE_STRUCT_OPS)
			CHECK(!ftruncate(fd, 4096), "memfd");
		else if (r->map_fd)
			CHECK(false, "a second struct_ops map");
		else
			r->map = *attr, r->map_fd = fd;
		return fd;
	case BPF_PROG_LOAD:
		memcpy(r->progs[r->n_progs].name, attr->prog_name, BPF_OBJ_NAME_LEN);
		r->progs[r->n_progs].attach_btf_id = attr->attach_btf_id;
		r->progs[r->n_progs].member = attr->expected_attach_type;
		r->progs[r->n_progs].flags = attr->prog_flags;
		r->progs[r->n_progs++].fd = fd;
		return fd;
	case BPF_MAP_UPDATE_ELEM:
		if ((int)attr->map_fd == r->map_fd)
			memcpy(r->value, (void *)(uintptr_t)attr->value, r->map.value_size);
		return 0;
	case BPF_LINK_CREATE:
		r->link_map = attr->link_create.map_fd;
		return fd;
	default:
		return fd;
	}
}

static void *rec_mmap(struct kernel *k, void *addr, size_t len, int prot, int flags, int fd,
		      uint64_t off, int *err)
{
	*err = 0;
	return mmap(addr, len, prot, flags, fd, off);
}

static int rec_munmap(struct kernel *k, void *addr, size_t len)
{
	return munmap(addr, len);
}

static int rec_close(struct kernel *k, int fd)
{
	return close(fd);
}

static struct btf *rec_btf(struct kernel *k)
{
	return container_of(k, struct recorder, k)->btf;
}

static int rec_kconfig(struct kernel *k, const char *name, uint64_t *val, const char **str)
{
	return -ENOENT;
}

static const struct kernel_ops ops = {
	.name = "recorder",
	.bpf = rec_bpf,
	.mmap = rec_mmap,
	.munmap = rec_munmap,
	.close = rec_close,
	.vmlinux_btf = rec_btf,
	.kconfig = rec_kconfig,
};

static const struct btf_type *kernel_struct(const struct recorder *r, const char *name,
					    uint32_t *id)
{
	*id = btf_find(r->btf, name, BTF_KIND_STRUCT);
	return btf__type_by_id(r->btf, *id);
}

static uint32_t member_index(const struct recorder *r, const char *name)
{
	uint32_t id;
	const struct btf_type *t = kernel_struct(r, "sched_ext_ops", &id);

	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf_name(r->btf, btf_members(t)[i].name_off), name))
			return i;
	return UINT32_MAX;
}

/* Where a member of the operations lies in the map's value. */
static uint64_t *value_at(struct recorder *r, const char *member)
{
	struct btf_place data = {0}, at = {0};
	uint32_t id, value;

	kernel_struct(r, "sched_ext_ops", &id);
	kernel_struct(r, "bpf_struct_ops_sched_ext_ops", &value);
	CHECK(btf_member(r->btf, value, "data", &data) && btf_member(r->btf, id, member, &at), "%s",
	      member);
	return (uint64_t *)(r->value + data.bit_off / 8 + at.bit_off / 8);
}

static void check_program(struct recorder *r, const char *name, const char *member, bool sleepable)
{
	uint32_t id;

	kernel_struct(r, "sched_ext_ops", &id);
	for (int i = 0; i < r->n_progs; i++) {
		if (strcmp(r->progs[i].name, name))
			continue;
		CHECK(r->progs[i].attach_btf_id == id, "%s", name);
		CHECK(r->progs[i].member == member_index(r, member), "%s: member %u", name,
		      r->progs[i].member);
		CHECK(!!(r->progs[i].flags & BPF_F_SLEEPABLE) == sleepable, "%s", name);
		CHECK(*value_at(r, member) == (uint64_t)r->progs[i].fd, "%s: value", name);
		return;
	}
	CHECK(false, "%s was not loaded", name);
}

static void check_loaded(struct recorder *r, struct ua_object *obj)
{
	uint32_t value;
	int link;

	kernel_struct(r, "bpf_struct_ops_sched_ext_ops", &value);
	CHECK(r->n_progs == 3, "%d programs", r->n_progs);
	CHECK(r->map.btf_vmlinux_value_type_id == value, "value type");
	CHECK(r->map.value_size == btf_size(r->btf, value), "value size");
	CHECK(r->map.map_flags == BPF_F_LINK, "flags");
	link = object_attach_struct_ops(ua_object__find_map(obj, "ops"));
	CHECK(link > 0 && r->link_map == r->map_fd, "link");
	close(link);
	check_program(r, "test_enqueue", "enqueue", false);
	check_program(r, "test_exit", "exit", false);
	check_program(r, "test_init", "init", true);
	CHECK(*value_at(r, "flags") == 3, "flags as set before load");
	CHECK(!strcmp((char *)value_at(r, "name"), "test"), "name");
	CHECK(!*value_at(r, "tick"), "members that are not set are zero");
}

int main(int argc, char **argv)
{
	struct recorder r = {.k.ops = &ops};
	struct ua_engine engine = {.kernel = &r.k};
	struct ua_program *prog;
	struct ua_object *obj;
	uint8_t *shadow;
	size_t size;

	if (argc < 2 || btf_engine(&r.btf) || ua_object__open_file(&engine, argv[1], NULL, &obj))
		return 1;
	prog = ua_object__find_program(obj, "other_init");
	CHECK(prog && !ua_program__autoload(prog), "program of a variable that is not created");
	shadow = ua_map__initial_value(ua_object__find_map(obj, "ops"), &size);
	CHECK(shadow && shadow[128] == 2, "flags in the variable");
	CHECK(!ua_object__set_global(obj, "ops.flags = 3") && shadow[128] == 3, "flags set");
	log_set(NULL);
	CHECK(ua_object__set_global(obj, "ops.init = 1") == -EINVAL, "a program as a number");
	CHECK(ua_object__set_global(obj, "ops.no_such = 1") == -EINVAL, "no such member");
	CHECK(!ua_object__load(obj), "load");
	if (!failures)
		check_loaded(&r, obj);
	prog = ua_object__find_program(obj, "invented");
	CHECK(prog && ua_program__fd(prog) < 0 && !ua_program__autoload(prog),
	      "program of a member the kernel lacks");
	ua_object__close(obj);

	/* A number the kernel has no member for cannot be passed on. */
	log_set(NULL);
	r.map_fd = r.n_progs = 0;
	CHECK(!ua_object__open_file(&engine, argv[1], NULL, &obj), "open");
	st_ops_set_wanted(ua_object__find_map(obj, "ops"), false);
	st_ops_set_wanted(ua_object__find_map(obj, "future"), true);
	CHECK(ua_object__load(obj) == -ENOTSUP, "a member that is set but missing");
	ua_object__close(obj);
	btf__free(r.btf);
	return failures != 0;
}
