#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare the engine with the running kernel, part by part, and write the summary.

Usage: run.py BUILD [--short] [--seed N] [--doc FILE]
Exit status: 0 no undeclared difference, 1 some, 77 the kernel does not let us load programs.
--short takes seconds and only compares what the examples print.
"""
import argparse
import datetime
import glob
import json
import os
import platform
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIP = 77


def call(argv, timeout=900):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


# -- Objects: what the tool prints on both sides ------------------------------

# Object, program, reason. What the kernel cannot do, or says otherwise.
DECLARED = [
    ("host_functions", "", "all", "calls functions that only a host application offers"),
    ("struct_ops", "", "all", "implements an interface that only a host application offers"),
]
NO_REPORT = ("up to 6.18", "accesses to holes are not reported on the error stream")


def declared(obj, prog):
    for name, program, kernel, reason in DECLARED:
        if name == obj and program in ("", prog):
            return kernel, reason
    return None


def run_on(tool, side, path, prog):
    status, out, err = call([tool, "run", "-j", "--on", side, path, prog])
    try:
        row = json.loads(out)[0]
        row.pop("ns")
        return status, row
    except (ValueError, IndexError):
        return status, {"refused": True}


def objects(tool, build):
    """(counts, failures, declared rows)"""
    n, failed, rows = 0, 0, {}
    for path in sorted(glob.glob(f"{build}/examples/*.bpf.o")):
        obj = os.path.basename(path)[:-len(".bpf.o")]
        _, listing, _ = call([tool, "show", "-j", path])
        for prog in json.loads(listing)["programs"]:
            n += 1
            reason = declared(obj, prog["name"])
            here, there = (run_on(tool, s, path, prog["name"]) for s in ("engine", "linux"))
            if here == there and not reason:
                continue
            if not reason and silent(here, there):
                reason = NO_REPORT
            if reason:
                rows.setdefault(reason, 0)
                rows[reason] += 1
                continue
            failed += 1
            print(f"{obj} {prog['name']}: engine {here}, linux {there}")
    table = [("result", "examples", k, r, c) for (k, r), c in rows.items()]
    return {"programs of examples": n, "failures": failed}, failed, table


def silent(here, there):
    """Do they differ only in reports of accesses to holes, which Linux does not make?"""
    if here[0] != there[0] or not re.search(r"ERROR: Arena ", here[1].get("stderr", "")):
        return False
    return {**here[1], "stderr": ""} == there[1]


# -- Parts that are programs of their own ----------------------------------------

def part(argv):
    status, out, err = call(argv)
    counts, rows = {}, []
    for line in out.splitlines():
        cells = line.split("|")
        if cells[0] == "count":
            counts[cells[1]] = int(cells[2])
        elif cells[0] == "declared":
            rows.append((*cells[1:5], int(cells[5])))
        else:
            print(f"  {line}")
    if status not in (0, SKIP) and not counts.get("failures"):
        print(err)
        counts["failures"] = counts.get("failures", 0) + 1
    return status, counts, rows


def surface(argv):
    status, out, err = call(argv)
    counts = {}
    for side, cases, failed in re.findall(r"(linux|engine): (\d+) cases, (\d+) failed", out):
        counts[f"cases on {side}"] = int(cases)
        counts["failures"] = counts.get("failures", 0) + int(failed)
    if status:
        print(err)
        counts["failures"] = max(1, counts.get("failures", 0))
    return status, counts, []


def parts(build, seed):
    here = f"{build}/tests/oracle"
    regress = f"{ROOT}/tests/oracle/regress"
    yield "instruction vectors", part, [f"{here}/vectors", f"{ROOT}/tests/conformance"]
    yield "bpf(2) surface", surface, [f"{build}/tests/kernel/t_kernel_surface"]
    yield "page kfuncs", part, [f"{here}/pages", f"{here}/pages.bpf.o", "-s", seed, "-n", "14000",
                                "-d", regress]
    yield "generated programs", part, [f"{here}/programs", "-s", seed, "-n", "15000", "-r", "20",
                                       "-d", regress]


# -- The summary -------------------------------------------------------------------

def write_doc(path, seed, results, rows):
    with open(path, "w", encoding="utf-8") as f:
        f.write("# The engine and Linux, compared\n\n"
                "Written by `make oracle`, which runs the same things on the engine and on the "
                "kernel it finds\nand compares verdicts, results, memory, streams and errnos. "
                "What differs is in the second\ntable, with its reason; anything else fails.\n\n"
                f"Kernel {platform.release()} ({platform.machine()}), seed {seed}, "
                f"{datetime.date.today()}.\n\n| part | counted | |\n|---|---|--:|\n")
        for name, counts in results:
            for what, n in counts.items():
                what = "undeclared differences" if what == "failures" else what
                f.write(f"| {name} | {what} | {n} |\n")
        f.write("\n## Declared differences\n\n| kind | what | Linux | reason | cases |\n"
                "|---|---|---|---|--:|\n")
        for kind, pattern, kernel, reason, n in rows:
            f.write(f"| {kind} | {pattern} | {kernel} | {reason} | {n} |\n")
        f.write("\nNot compared: instructions that one path reaches with an arena pointer and "
                "another with a number\n(Linux makes such a 64-bit operation a 32-bit one for "
                "both, the engine does not).\n")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--short", action="store_true")
    p.add_argument("--seed", default="1")
    p.add_argument("--doc")
    args = p.parse_args()
    tool = f"{args.build}/uarena"
    status, _, _ = call([f"{args.build}/tests/oracle/programs", "-n", "0"])
    if status == SKIP:
        print("skipped: the running kernel does not let us load BPF programs (CAP_BPF, CAP_PERFMON)")
        return SKIP
    counts, failed, rows = objects(tool, args.build)
    results = [("examples", counts)]
    for name, runner, argv in () if args.short else parts(args.build, args.seed):
        _, counts, more = runner(argv)
        results.append((name, counts))
        rows += more
        failed += counts.get("failures", 0)
    for name, counts in results:
        for what, n in counts.items():
            print(f"{name:20} {what:28} {n:8}")
    print(f"{failed} undeclared differences")
    if args.doc:
        write_doc(args.doc, args.seed, results, rows)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
