#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tool on the live kernel, next to the tool on the engine.

Usage: linux.py UARENA EXAMPLES
Exit status 77 if the kernel does not let us load programs.
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

TOOL, EXAMPLES = (os.path.abspath(a) for a in sys.argv[1:3])
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
failures = 0


def run(*args, prefix=()):
    done = subprocess.run([*prefix, TOOL, *args], text=True, check=False, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr


def check(what, ok, shown=""):
    global failures
    print(f"{'ok' if ok else 'not ok'} - {what}")
    if not ok:
        failures += 1
        print(shown)


def obj(name):
    return f"{EXAMPLES}/{name}.bpf.o"


def both(*args):
    return [run(*args, "--on", side) for side in ("engine", "linux")]


def comparable(text):
    text = re.sub(r"in \d+ ns", "in N ns", text)
    text = re.sub(r" \d+ scratch,", "", text)
    return re.sub(r"(r reserved).*", r"\1", text)


# -- The arena -----------------------------------------------------------------------

def arena():
    here, there = both("arena", obj("list"), "list_build(count = 600)", "--print", "head")
    check("the picture of an arena and what a pointer leads to",
          here[0] == 0 == there[0] and comparable(here[1]) == comparable(there[1]),
          f"{here}\n{there}")
    check("how it was found out", "found by trying to reserve each page" in there[1], there[1])
    here, there = (json.loads(out)["arena"]["runs"] for _, out, _ in
                   both("arena", "-j", obj("queue"), "test_queue"))
    check("the same as JSON", here == there, f"{here}\n{there}")
    status, _, err = run("arena", "--on", "linux", obj("struct_ops"), "no_such")
    check("a program that is not there", status == 1 and "no program named" in err, err)


# -- What became of a program -----------------------------------------------------------

def dump():
    status, out, err = run("dump", "xlated", "--on", "linux", obj("wild"), "wild_store")
    check("xlated: functions, calls and source lines",
          status == 0 and out.startswith("wild_store:\n") and "\nscribble:\n" in out and
          re.search(r"\(85\) call pc\+\d+#scribble\n", out) and
          re.search(r"^; \*p = 42; @ \S*wild.bpf.c:\d+$", out, re.M), out + err)
    status, out, err = run("dump", "xlated", "--on", "linux", obj("htab"), "put")
    check("xlated: names of kernel functions and numbers of maps",
          status == 0 and "call bpf_arena_alloc_pages#" in out and
          re.search(r"= map\[id:\d+\]", out), out + err)
    status, out, err = run("dump", "jited", "--on", "linux", obj("wild"), "wild_store", "linum")
    check("jited: every function, with source lines",
          status == 0 and out.startswith("wild_store:\n") and "\nscribble:\n" in out and
          "; *p = 42; @" in out and (re.search(r"\bpush\s+rbp", out) or " 55" in out), out + err)
    status, _, err = run("dump", "jited", "--on", "linux", obj("wild"), "wild_store", "stages")
    check("jited stages: of the engine only", status == 2 and "no --on linux" in err, err)
    status, out, err = run("dump", "btf", "--on", "linux")
    check("btf: the kernel's types", status == 0 and "\nstruct vm_area_struct {\n" in out, err)


# -- Running ------------------------------------------------------------------------------

def running():
    here, there = both("run", obj("list"), "list_build(count = 5)", "list_sum()")
    check("run with steps", here[0] == 0 and comparable(here[1]) == comparable(there[1]),
          f"{here}\n{there}")
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/in", "wb") as f:
            f.write(struct.pack("QQ", 7, 0))
        outs = []
        for side in ("engine", "linux"):
            run("run", "--on", side, obj("list"), "list_build", "--ctx-in", f"{folder}/in",
                "--ctx-out", f"{folder}/{side}")
            with open(f"{folder}/{side}", "rb") as f:
                outs.append(f.read())
        check("contexts through files", outs[0] == outs[1] and len(outs[0]) == 16, outs)
    here, there = both("test", obj("list"), obj("htab"), obj("rbtree"), obj("queue"))
    check("test", here[0] == 0 and here[1] == there[1], f"{here}\n{there}")
    status, out, err = run("check", "--on", "linux", "-o", "csv", obj("list"))
    check("check", status == 0 and out.count("success") == 3, out + err)
    status, out, err = run("bench", "-j", "--rounds", "2", obj("list"), "list_build(count = 3)")
    rows = {r["side"]: r for r in json.loads(out)} if status == 0 else {}
    check("bench measures all sides, each as often",
          set(rows) == {"interp", "jit", "linux"} and rows["linux"]["min"] > 0 and
          len({r["runs"] for r in rows.values()}) == 1, out + err)


# -- Features -----------------------------------------------------------------------------

def kernel_names():
    """Names in the kernel's own types, which is not how the probes find out."""
    with open("/sys/kernel/btf/vmlinux", "rb") as f:
        return set(f.read().split(b"\0"))


def features():
    _, out, err = run("features", "-j")
    rows = {r["name"]: r for r in json.loads(out)}
    check("the engine has every feature", all(r["engine"] is True for r in rows.values()),
          [n for n, r in rows.items() if r["engine"] is not True])
    check("the kernel answered every probe", all(r["linux"] is not None for r in rows.values()),
          out + err)
    names = kernel_names()
    for feature, name in (("arena", b"arena_map_alloc"),
                          ("timed_may_goto", b"bpf_check_timed_may_goto"),
                          ("arena_reserve_pages", b"bpf_arena_reserve_pages"),
                          ("res_spin_lock", b"bpf_res_spin_lock"),
                          ("sched_ext", b"sched_ext_ops"),
                          ("assoc_struct_ops", b"BPF_PROG_ASSOC_STRUCT_OPS"),
                          ("streams", b"BPF_PROG_STREAM_READ_BY_FD")):
        if feature not in rows:
            check(f"feature {feature} is listed", False, sorted(rows))
            continue
        check(f"feature {feature} agrees with the kernel's types",
              rows[feature]["linux"] == (name in names), rows[feature])


# -- Without rights --------------------------------------------------------------------------

def unprivileged():
    if run("show", obj("list"), prefix=NOBODY)[0] != 0:
        print("# another user cannot run the tool here; not tried without rights")
        return
    status, _, err = run("run", "--on", "linux", obj("list"), "test_list", prefix=NOBODY)
    check("a refusal says which rights are missing and what to do",
          status == 1 and "CAP_BPF and CAP_PERFMON" in err and "run it as root" in err, err)
    status, out, err = run("features", prefix=NOBODY)
    check("features without rights", status == 0 and "only processes with CAP_BPF" in out,
          out + err)
    status, out, err = run("bench", "--rounds", "2", obj("list"), "test_list", prefix=NOBODY)
    check("bench without rights measures the engine",
          status == 0 and "jit" in out and " linux " not in out and "not measured" in err,
          out + err)


def main():
    if run("run", "--on", "linux", obj("list"), "test_list")[0]:
        print("skipped: the running kernel does not let us load BPF programs")
        return 77
    arena()
    dump()
    running()
    features()
    unprivileged()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
