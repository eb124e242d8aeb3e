#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# install.sh BUILD SOURCE: install into an empty folder, then build the README's example against
# what is there, shared and static, and see that the library exports ua_ names only.
set -eu
build=$1
source=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

DESTDIR="$root" meson install -C "$build" --no-rebuild --quiet
pc=$(dirname "$(find "$root" -name uarena.pc)")
export PKG_CONFIG_PATH="$pc" PKG_CONFIG_SYSROOT_DIR="$root"
lib=$(dirname "$(find "$root" -name libuarena.so)")

# shellcheck disable=SC2046 # one word per flag
cc "$source/examples/embed.c" -o "$root/shared" $(pkg-config --cflags --libs uarena)
LD_LIBRARY_PATH="$lib" "$root/shared" "$build/examples/list.bpf.o" | wc -l | grep -qx 3
# shellcheck disable=SC2046
cc "$source/examples/embed.c" -o "$root/static" $(pkg-config --cflags uarena) "$lib/libuarena.a" \
	-lelf -lbpf -lz -lpthread
"$root/static" "$build/examples/list.bpf.o" | wc -l | grep -qx 3

if nm -D --defined-only "$lib/libuarena.so" | awk '{ print $3 }' | grep -v '^ua_\|^UARENA_'; then
	echo "exported names without the ua_ prefix"
	exit 1
fi
if nm --defined-only "$lib/libuarena.a" | awk '$2 ~ /[TDBRV]/ { print $3 }' | grep -v '^ua_'; then
	echo "global names in the archive without the ua_ prefix"
	exit 1
fi
# Workloads: by name from the tool itself, as files to start from.
uarena=$(find "$root" -path '*/bin/uarena')
for f in "$(dirname "$(find "$root" -name hogs.json)")"/*.json; do
	name=$(basename "$f" .json)
	"$uarena" sched list "$name" | cmp - "$f"
	"$uarena" sched run none --workload "$name" --time 1ms >/dev/null
done
echo "install: ok"
