#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Check the README against the tree: its example is examples/embed.c, and its links exist.

Usage: readme.py SOURCE_ROOT EMBED LIST.bpf.o   (runs the example too)
"""
import pathlib
import re
import subprocess
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    text = (root / "README.md").read_text()
    bad = []
    block = re.search(r"```c\n(.*?)```", text, re.S).group(1)
    if block != (root / "examples/embed.c").read_text():
        bad.append("the C block differs from examples/embed.c")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not (root / target).exists():
            bad.append(f"link to {target}, which does not exist")
    done = subprocess.run(sys.argv[2:4], text=True, stdout=subprocess.PIPE, check=False)
    if done.returncode or len(done.stdout.splitlines()) != 3:
        bad.append(f"the example exits with {done.returncode} and prints {done.stdout!r}")
    print("\n".join(bad) if bad else "README: ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
