#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A long `uarena sched run` that is interrupted: it says so, prints its table, closes its trace, and
ends by the signal.

Usage: sched_interrupt.py UARENA OBJECT
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile


def heed_signals():
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, signal.SIG_DFL)


def interrupted(tool, obj, trace, sig):
    with subprocess.Popen([tool, "sched", "run", obj, "--time", "1000000s", "--trace", trace],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          preexec_fn=heed_signals) as run:
        enabled = run.stderr.readline()
        run.send_signal(sig)
        out, _ = run.communicate(timeout=60)
    faults = []
    if "enabled" not in enabled:
        faults.append(f"began with {enabled!r}")
    if run.returncode != -sig:
        faults.append(f"exit status {run.returncode}")
    if ": interrupted\n" not in out or "wakeup latency" not in out:
        faults.append(f"printed {out!r}")
    json.loads(pathlib.Path(trace).read_text(encoding="utf-8"))
    return [f"{sig.name}: {f}" for f in faults]


def main():
    tool, obj = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        faults = [f for sig in (signal.SIGINT, signal.SIGTERM)
                  for f in interrupted(tool, obj, f"{folder}/trace.json", sig)]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
