/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpf(2) batches: many elements in one call. The position between two calls is the last key,
 * which callers treat as opaque.
 */
#include "base/base.h"
#include "kernel/engine_priv.h"
#include "kernel/user.h"
#include "map/map.h"

struct batch {
	struct map *map;
	union bpf_attr *attr;
	uint32_t room, done, value_size;
	bool write;
	uint8_t *key, *next, *value;
};

static bool has_batches(const struct map *map)
{
	switch (map->v.map_type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LPM_TRIE:
		return true;
	default:
		return false;
	}
}

static bool is_array(const struct map *map)
{
	return map->v.map_type == BPF_MAP_TYPE_ARRAY ||
	       map->v.map_type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static int check(const struct map *map, const union bpf_attr *attr, bool removes)
{
	UA_FAIL_IF(!has_batches(map) || (removes && is_array(map)), -ENOTSUPP);
	UA_FAIL_IF(attr->batch.elem_flags & ~(uint64_t)BPF_F_LOCK || attr->batch.flags, -EINVAL);
	UA_FAIL_IF(attr->batch.elem_flags & BPF_F_LOCK && map->rec.spin_lock_off < 0, -EINVAL);
	return 0;
}

static void batch_end(struct batch *b)
{
	mem_free(b->key);
	mem_free(b->next);
	mem_free(b->value);
	engine_unuse_map(b->map, b->write);
	b->attr->batch.count = b->done;
}

static int batch_begin(struct engine_kernel *k, union bpf_attr *attr, bool read, bool write,
		       bool removes, struct batch *b)
{
	int err;

	*b = (struct batch){.attr = attr, .room = attr->batch.count, .write = write};
	UA_TRY(engine_use_map(k, attr->batch.map_fd, read, write, &b->map));
	err = check(b->map, attr, removes);
	b->value_size = map_value_size_sys(b->map);
	b->key = mem_zalloc(b->map->v.key_size);
	b->next = mem_zalloc(b->map->v.key_size);
	b->value = mem_zalloc(b->value_size);
	if (!err && (!b->key || !b->next || !b->value))
		err = -ENOMEM;
	if (err) {
		batch_end(b);
		attr->batch.count = b->room;
	}
	return err;
}

static uint64_t nth_key(const struct batch *b)
{
	return b->attr->batch.keys + (uint64_t)b->done * b->map->v.key_size;
}

static uint64_t nth_value(const struct batch *b)
{
	return b->attr->batch.values + (uint64_t)b->done * b->value_size;
}

/* -- Reading ---------------------------------------------------------------------------------- */

static int emit(struct batch *b, const void *key)
{
	UA_TRY(map_elem_lookup(b->map, key, b->value, b->attr->batch.elem_flags));
	UA_TRY(user_write(nth_key(b), key, b->map->v.key_size));
	UA_TRY(user_write(nth_value(b), b->value, b->value_size));
	b->done++;
	return 0;
}

static int read_batch(struct batch *b)
{
	uint32_t key_size = b->map->v.key_size;
	void *from = NULL;
	int err = 0;

	if (b->attr->batch.in_batch) {
		UA_TRY(user_read(b->key, b->attr->batch.in_batch, key_size));
		from = b->key;
	}
	while (b->done < b->room && !(err = map_elem_next_key(b->map, from, b->next))) {
		err = emit(b, b->next);
		/* Another thread may have removed it meanwhile. */
		if (err && err != -ENOENT)
			return err;
		memcpy(b->key, b->next, key_size);
		from = b->key;
		err = 0;
	}
	if (from)
		UA_TRY(user_write(b->attr->batch.out_batch, b->key, key_size));
	/* Hash maps say at once that nothing is left, arrays with the next call. */
	if (!err && b->done && !is_array(b->map))
		err = map_elem_next_key(b->map, from, b->next);
	return err;
}

static int delete_emitted(struct batch *b)
{
	for (uint32_t i = 0; i < b->done; i++) {
		int err;

		UA_TRY(user_read(b->key, b->attr->batch.keys + (uint64_t)i * b->map->v.key_size,
				 b->map->v.key_size));
		err = map_elem_delete(b->map, b->key);
		if (err && err != -ENOENT)
			return err;
	}
	return 0;
}

static long read_command(struct engine_kernel *k, union bpf_attr *attr, bool remove)
{
	struct batch b;
	int err, del;

	UA_TRY(batch_begin(k, attr, true, remove, remove, &b));
	/* The keys handed out are gone afterwards, so deleting starts from the front again. */
	if (remove)
		attr->batch.in_batch = 0;
	err = read_batch(&b);
	del = remove ? delete_emitted(&b) : 0;
	batch_end(&b);
	return del ? del : err;
}

long cmd_map_lookup_batch(struct engine_kernel *k, union bpf_attr *attr)
{
	return read_command(k, attr, false);
}

long cmd_map_lookup_and_delete_batch(struct engine_kernel *k, union bpf_attr *attr)
{
	return read_command(k, attr, true);
}

/* -- Writing ---------------------------------------------------------------------------------- */

static int update_one(struct batch *b)
{
	UA_TRY(user_read(b->key, nth_key(b), b->map->v.key_size));
	UA_TRY(user_read(b->value, nth_value(b), b->value_size));
	return map_elem_update(b->map, b->key, b->value, b->attr->batch.elem_flags);
}

static int delete_one(struct batch *b)
{
	UA_TRY(user_read(b->key, nth_key(b), b->map->v.key_size));
	return map_elem_delete(b->map, b->key);
}

static long write_command(struct engine_kernel *k, union bpf_attr *attr,
			  int (*one)(struct batch *b), bool removes)
{
	struct batch b;
	int err = 0;

	UA_TRY(batch_begin(k, attr, false, true, removes, &b));
	while (!err && b.done < b.room) {
		err = one(&b);
		b.done += !err;
	}
	batch_end(&b);
	return err;
}

long cmd_map_update_batch(struct engine_kernel *k, union bpf_attr *attr)
{
	return write_command(k, attr, update_one, false);
}

long cmd_map_delete_batch(struct engine_kernel *k, union bpf_attr *attr)
{
	return write_command(k, attr, delete_one, true);
}
