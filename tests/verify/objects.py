#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Verify the programs of objects here and in the running kernel, and compare.

Usage: objects.py UARENA [--table] OBJ...
Both must give the same verdict, but for what KNOWN lists, and of programs that both accept the
engine may walk at most twice the instructions. Exit status: 0 yes, 1 no, 77 the kernel does not
let us. --table prints every program, otherwise the objects only.
"""
import csv
import io
import os
import subprocess
import sys

SKIP = 77
MAX_RATIO = 2.0
SMALL = 40  # instructions below which a ratio says nothing

# Object, program (a part of the names), why the verdicts differ.
KNOWN = [
    ("host_functions", "", "calls functions that only a host application offers"),
    ("struct_ops", "", "implements an interface that only a host application offers"),
]


def kernel_names(variable):
    with open("/proc/kallsyms", encoding="ascii", errors="replace") as lines:
        return any(line.split()[2] == variable for line in lines)


def check(tool, side, path):
    done = subprocess.run([tool, "check", "-o", "csv", "--on", side, path], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=300)
    return {row["prog_name"]: row for row in csv.DictReader(io.StringIO(done.stdout))}


def known(obj, prog):
    return any(o in obj and p in prog for o, p, _ in KNOWN)


def compare(tool, path, table):
    """(programs, accepted by both, most walked as a ratio, failures)"""
    here, there = check(tool, "engine", path), check(tool, "linux", path)
    obj = os.path.basename(path)[:-len(".bpf.o")]
    both, worst, failed = 0, 0.0, 0
    for prog, row in here.items():
        theirs = there.get(prog)
        if not theirs or (row["verdict"] != theirs["verdict"] and not known(obj, prog)):
            print(f"{obj} {prog}: engine {row['verdict']}, "
                  f"linux {theirs['verdict'] if theirs else 'missing'}")
            failed += 1
            continue
        if row["verdict"] != "success" or theirs["verdict"] != "success":
            continue
        mine, other = int(row["total_insns"]), int(theirs["total_insns"])
        ratio = mine / max(other, 1)
        both += 1
        if other >= SMALL:
            worst = max(worst, ratio)
        if table:
            print(f"| {obj} | {prog} | {other} | {mine} | {ratio:.2f} | "
                  f"{theirs['total_states']} | {row['total_states']} |")
        if ratio > MAX_RATIO and other >= SMALL:
            print(f"{obj} {prog}: {mine} instructions, linux {other}")
            failed += 1
    return len(here), both, worst, failed


def main():
    table = "--table" in sys.argv
    tool, *paths = [a for a in sys.argv[1:] if a != "--table"]
    failed = 0
    probe = check(tool, "linux", paths[0])
    if not any(row["verdict"] == "success" for row in probe.values()):
        print("skipped: the running kernel does not let us load BPF programs")
        return SKIP
    if not kernel_names("runqueues"):
        KNOWN.append(("objects", "percpu", "this kernel keeps no addresses of its variables"))
    if table:
        print("| object | program | insns Linux | insns engine | ratio | states Linux | "
              "states engine |\n|---|---|--:|--:|--:|--:|--:|")
    for path in paths:
        n, both, worst, bad = compare(tool, path, table)
        failed += bad
        if not table:
            print(f"{os.path.basename(path)}: {n} programs, {both} accepted by both, "
                  f"most instructions {worst:.2f}x")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
