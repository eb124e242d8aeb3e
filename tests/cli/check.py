#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run the tool's command lines in cases/*.cmd and compare with cases/*.out.

Usage: check.py UARENA EXAMPLES CASES [--bless]
A .cmd file is one shell command; $U is the tool, $EX the folder of example objects, $T an empty
folder. The .out file holds standard output and error together and the exit status. What changes
from run to run (times, process ids, addresses the system chose, paths) is masked.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

MASKS = [
    (re.compile(r"in \d+ ns"), "in N ns"),
    (re.compile(r'"ns": \d+'), '"ns": N'),
    (re.compile(r"CPU: \d+ UID: \d+ PID: \d+ Comm: [\w-]+"), "CPU: N UID: N PID: N Comm: uarena"),
    (re.compile(r"0x7[0-9a-f]{11}\b"), "0xADDRESS"),
    (re.compile(r"0x5[0-9a-f]{11}\b"), "0xADDRESS"),
    (re.compile(r"bpf_prog_[0-9a-f]{16}_"), "bpf_prog_TAG_"),
    (re.compile(r"\+0x[0-9a-f]+/0x[0-9a-f]+"), "+0xN/0xN"),
]


def masked(text, roots):
    for root, name in roots:
        text = text.replace(root, name)
    for pattern, to in MASKS:
        text = pattern.sub(to, text)
    # Source paths differ between build folders; the file name is what counts.
    return re.sub(r"@ \S*/([^/ ]+:\d+)", r"@ \1", text)


def run(case, tool, examples):
    with tempfile.TemporaryDirectory() as scratch:
        env = dict(os.environ, U=tool, EX=examples, T=scratch)
        done = subprocess.run(["sh", "-c", case.read_text()], env=env, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        roots = [(examples, "EX"), (scratch, "T")]
        return masked(done.stdout, roots) + f"exit {done.returncode}\n"


def main():
    tool, examples, folder = (str(pathlib.Path(a).resolve()) for a in sys.argv[1:4])
    bless = "--bless" in sys.argv
    failed = 0
    for case in sorted(pathlib.Path(folder).glob("*.cmd")):
        expected = case.with_suffix(".out")
        got = run(case, tool, examples)
        if bless:
            expected.write_text(got)
        elif not expected.exists() or expected.read_text() != got:
            failed += 1
            print(f"{case.stem}: differs\n--- expected\n"
                  f"{expected.read_text() if expected.exists() else '(nothing)'}--- got\n{got}")
        else:
            print(f"{case.stem}: ok")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
