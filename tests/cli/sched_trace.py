#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The trace of `uarena sched run --trace`: it is JSON of the shape that Perfetto reads, its slices
fit together and with the figures, and equal runs give equal bytes, whatever executes the programs.

Usage: sched_trace.py UARENA OBJECT
"""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

KEYS = {"M": {"pid", "name", "args"}, "X": {"tid", "ts", "dur", "cat", "args"},
        "i": {"tid", "ts", "s"}, "C": {"ts", "args"}, "s": {"tid", "ts", "id", "cat"},
        "f": {"tid", "ts", "id", "cat", "bp"}}
failed = 0


def check(cond, what):
    global failed
    if not cond:
        failed += 1
        print(what)


def ns(us):
    return round(us * 1000)


def check_slices(events, result):
    by_cpu = collections.defaultdict(list)
    for e in events:
        if e["ph"] == "X":
            by_cpu[e["tid"] - 1].append((ns(e["ts"]), ns(e["ts"]) + ns(e["dur"]), e))
    for cpu in result["cpus"]:
        slices = sorted(by_cpu[cpu["cpu"]], key=lambda s: s[:2])
        for a, b in zip(slices, slices[1:]):
            check(a[1] <= b[0], f"CPU {cpu['cpu']}: slices overlap: {a} {b}")
        busy = sum(b - a for a, b, _ in slices)
        check(busy == cpu["busy_ns"], f"CPU {cpu['cpu']}: {busy} ns, figures {cpu['busy_ns']}")
    for group in result["groups"]:
        n = sum(s[2]["cat"] == group["name"] for cpu in by_cpu.values() for s in cpu)
        check(n == group["slices"], f"{group['name']}: {n} slices, figures {group['slices']}")


def check_arrows(events):
    starts = {(e["tid"], ns(e["ts"])) for e in events if e["ph"] == "X"}
    begun = {}
    ended = set()
    for e in events:
        if e["ph"] == "s":
            check(e["id"] not in begun, f"two arrows {e['id']}")
            begun[e["id"]] = e["ts"]
        elif e["ph"] == "f":
            check(e["id"] in begun and begun[e["id"]] <= e["ts"], f"an arrow from nowhere: {e}")
            check((e["tid"], ns(e["ts"])) in starts, f"an arrow to no slice: {e}")
            ended.add(e["id"])
    check(len(ended) > 100, f"{len(ended)} arrows")
    check(len(begun) - len(ended) < 20, f"{len(begun) - len(ended)} arrows end nowhere")


def check_shape(trace, result):
    events = trace["traceEvents"]
    for e in events:
        check(e["ph"] in KEYS and KEYS[e["ph"]] <= set(e), f"not a known event: {e}")
    names = [e for e in events if e["ph"] == "M" and e["name"] == "thread_name"]
    check(len(names) == result["n_cpus"], f"{len(names)} tracks")
    counts = [e["args"]["tasks"] for e in events if e["ph"] == "C"]
    check(counts and min(counts) >= 0 and
          max(counts) <= sum(g["tasks"] for g in result["groups"]), "runnable tasks")
    check(any(e["name"] == "vtime enabled" and e["s"] == "g" for e in events
              if e["ph"] == "i"), "the scheduler is not there")
    check_slices(events, result)
    check_arrows(events)


def run(tool, obj, folder, name, *more):
    trace, html = folder / f"{name}.json", folder / f"{name}.html"
    done = subprocess.run([tool, "sched", "run", obj, "--workload", "bursty-server", "--time",
                           "300ms", "--machine", "2l:2c:2t", "-j", "--trace", str(trace),
                           "--html", str(html), *more], check=True, timeout=100,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout, trace.read_bytes(), html.read_bytes()


def main():
    tool, obj = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        first = run(tool, obj, folder, "a")
        check(first == run(tool, obj, folder, "b"), "two runs differ")
        check(first == run(tool, obj, folder, "c", "--engine", "interp"), "interpreted differs")
        other = run(tool, obj, folder, "d", "--seed", "2")
        check(all(a != b for a, b in zip(first, other)), "the seed does not matter")
    result = json.loads(first[0])["runs"][0]
    check_shape(json.loads(first[1]), result)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
