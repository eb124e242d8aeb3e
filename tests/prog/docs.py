#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Check documents against the examples they quote, and run the examples.

Every code block "```c FILE" must be part of FILE.
Usage: docs.py SOURCE_ROOT DOC... -- [EXAMPLE OBJECT EXPECTED]...
"""
import pathlib
import re
import subprocess
import sys


def quotes(root, doc):
    text = (root / doc).read_text()
    blocks = re.findall(r"```c (\S+)\n(.*?)```", text, re.S)
    if not blocks:
        yield f"{doc}: quotes nothing"
    for name, block in blocks:
        if block not in (root / name).read_text():
            yield f"{doc}: a block is not part of {name}: {block.splitlines()[0]!r}"


def runs(example, obj, expected):
    done = subprocess.run([example, obj], text=True, stdout=subprocess.PIPE, check=False)
    if done.returncode or expected not in done.stdout:
        yield f"{example} exits with {done.returncode} and prints {done.stdout!r}"


def main():
    split = sys.argv.index("--")
    root = pathlib.Path(sys.argv[1])
    bad = [b for doc in sys.argv[2:split] for b in quotes(root, doc)]
    rest = sys.argv[split + 1:]
    for i in range(0, len(rest), 3):
        bad += runs(*rest[i:i + 3])
    print("\n".join(bad) if bad else "ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
