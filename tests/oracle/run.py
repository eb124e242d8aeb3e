#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare the engine with the running kernel, part by part, and write the summary.

Usage: run.py BUILD [--short] [--seed N] [--doc FILE]
Exit status: 0 no undeclared difference, 1 some, 77 the kernel does not let us load programs.
--short takes seconds and only compares what the examples print.
"""
import argparse
import collections
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
# What counts as a generated case.
CASES = {("page kfuncs", "sequences"), ("generated programs", "programs"),
         ("generated programs", "runs")}


def call(argv, timeout=1800):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


# -- Examples: what the tool prints on both sides ------------------------------

# Object, program, reason. What the kernel cannot do, or says otherwise.
DECLARED = [
    ("host_functions", "", "all", "calls functions that only a host application offers"),
    ("struct_ops", "", "all", "implements an interface that only a host application offers"),
]


def declared(obj, prog):
    for name, program, kernel, reason in DECLARED:
        if name == obj and program in ("", prog):
            return kernel, reason
    return None


def comparable(text):
    """A stream without what differs from run to run, and without the kernel's own frames."""
    text = re.sub(r"bpf_prog_[0-9a-f]{16}_", "bpf_prog_", text)
    text = re.sub(r"^CPU: .*$", "CPU:", text, flags=re.M)
    text = re.sub(r"^(?!bpf_prog_\w+\+0x)[\w.]+\+0x[0-9a-f]+/0x[0-9a-f]+\n", "", text, flags=re.M)
    text = re.sub(r"^bpf_prog_test_run_\w+\+.*\n", "", text, flags=re.M)
    return re.sub(r"\+0x[0-9a-f]+/0x[0-9a-f]+$", "", text, flags=re.M)


def run_on(tool, side, path, prog):
    status, out, err = call([tool, "run", "-j", "--on", side, path, prog])
    try:
        row = json.loads(out)[0]
        row.pop("ns")
        return status, {k: comparable(v) if k.startswith("std") else v for k, v in row.items()}
    except (ValueError, IndexError):
        return status, {"refused": True}


def examples(tool, build, streams):
    """(counts, failures, declared rows); streams: None, or why Linux keeps none."""
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
            if not reason and streams and silent(here, there):
                reason = streams
            if reason:
                rows.setdefault(reason, 0)
                rows[reason] += 1
                continue
            failed += 1
            print(f"{obj} {prog['name']}: engine {here}, linux {there}")
    table = [("result", "examples", k, r, c) for (k, r), c in rows.items()]
    return {"programs of examples": n, "failures": failed}, failed, table


def silent(here, there):
    """Do they differ only in what Linux does not keep?"""
    return here[0] == there[0] and {**here[1], "stderr": ""} == there[1]


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
        elif cells[0] != "streams":
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
    compiled = (glob.glob(f"{build}/examples/*.bpf.o") + glob.glob(f"{build}/tests/*/*.bpf.o") +
                glob.glob(f"{build}/bench/*.bpf.o"))
    yield "objects", part, [f"{here}/objects", *sorted(compiled)]
    yield "instruction vectors", part, [f"{here}/vectors", f"{ROOT}/tests/conformance"]
    yield "bpf(2) surface", surface, [f"{build}/tests/kernel/t_kernel_surface"]
    yield "page kfuncs", part, [f"{here}/pages", f"{here}/pages.bpf.o", "-s", seed, "-n", "14000",
                                "-d", regress]
    yield "generated programs", part, [f"{here}/programs", "-s", seed, "-n", "15000", "-r", "20",
                                       "-d", regress]


# -- The summary -------------------------------------------------------------------

def write_doc(path, seed, results, rows):
    cases = sum(n for part_name, counts in results for what, n in counts.items()
                if (part_name, what) in CASES)
    with open(path, "w", encoding="utf-8") as f:
        f.write("# The engine and Linux, compared\n\n"
                "Written by `make oracle`, which runs the same things on the engine and on the "
                "kernel it finds\nand compares verdicts, results, memory, streams and errnos. "
                "What differs is in the second\ntable, with its reason; anything else fails. "
                "What other kernels said is in [linux.md](linux.md).\n\n"
                f"Kernel {platform.release()} ({platform.machine()}), seed {seed}, "
                f"{datetime.date.today()}: {cases} generated cases.\n\n"
                "| part | counted | |\n|---|---|--:|\n")
        for name, counts in results:
            for what, n in counts.items():
                what = "undeclared differences" if what == "failures" else what
                f.write(f"| {name} | {what} | {n} |\n")
        f.write("\n## Declared differences\n\n| kind | what | Linux | reason | cases |\n"
                "|---|---|---|---|--:|\n")
        for (kind, pattern, kernel, reason), n in sorted(rows.items()):
            f.write(f"| {kind} | {pattern} | {kernel} | {reason} | {n} |\n")
        f.write("\nNot compared: instructions that one path reaches with an arena pointer and "
                "another with a number\n(Linux makes such a 64-bit operation a 32-bit one for "
                "both, the engine does not).\n")


def stream_state(out):
    """From what a test says first: None, or (kernels, reason) why Linux keeps no streams."""
    name = re.search(r"^streams\|(.*)$", out, re.M)[1]
    row = re.search(rf"^declared\|result\|{re.escape(name)}\|(.*)\|(.*)\|", out, re.M)
    return row and row.groups()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--short", action="store_true")
    p.add_argument("--seed", default="1")
    p.add_argument("--doc")
    args = p.parse_args()
    tool = f"{args.build}/uarena"
    status, out, _ = call([f"{args.build}/tests/oracle/programs", "-n", "0"])
    if status == SKIP:
        print("skipped: the running kernel does not let us load BPF programs (CAP_BPF, CAP_PERFMON)")
        return SKIP
    counts, failed, rows = examples(tool, args.build, stream_state(out))
    table = collections.Counter()
    for *row, n in rows:
        table[tuple(row)] += n
    results = [("examples", counts)]
    for name, runner, argv in () if args.short else parts(args.build, args.seed):
        _, counts, more = runner(argv)
        results.append((name, counts))
        for *row, n in more:
            table[tuple(row)] += n
        failed += counts.get("failures", 0)
    for name, counts in results:
        for what, n in counts.items():
            print(f"{name:20} {what:28} {n:8}")
    print(f"{failed} undeclared differences")
    if args.doc:
        write_doc(args.doc, args.seed, results, table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
