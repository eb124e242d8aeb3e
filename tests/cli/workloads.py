#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/workloads.md against the tool: its examples run, each key of its tables is read in the way
its row shows, and the tables have every key that the reader knows.

Usage: workloads.py UARENA ROOT
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

OTHERS = {"other": {"instance": 3, "suspend": True, "run": 1},
          "child": {"instance": 0, "loop": 1, "run": 1}}
CGROUPS = '"cgroups": {"a": {}, "a/b": {}, "empty": {}}'


HOG = '"tasks": {"hog": {"run": 1000}}'


def whole(rows):
    tasks = next(example for key, example in rows if key == "tasks")
    return "{%s}" % ", ".join([e for k, e in rows if k != "tasks"] + [tasks])


def in_global(rows):
    return '{"global": {%s}, %s}' % (", ".join(e for _, e in rows), HOG)


def in_tasks(rows):
    """A task for each row. Phases exclude events next to them."""
    tasks = [json.dumps(OTHERS)[1:-1]]
    for i, (_, example) in enumerate(rows):
        more = "" if '"phases"' in example else ', "run99": 5'
        tasks.append('"t%d": {%s%s}' % (i, example, more))
    return "{%s, \"tasks\": {%s}}" % (CGROUPS, ", ".join(tasks))


def in_phases(rows):
    return in_tasks([(k, e if '"phases"' in e else '"phases": {"p": {%s}}' % e) for k, e in rows])


def in_cgroups(rows):
    groups = ", ".join('"x%d": {%s}' % (i, e) for i, (_, e) in enumerate(rows))
    return '{"cgroups": {%s}, %s}' % (groups, HOG)


def in_events(rows):
    return '{%s, "events": [%s], %s}' % (CGROUPS, ", ".join("{%s}" % e for _, e in rows), HOG)


# Section of the document -> how its examples become a workload, and a workload whose reader
# lists the keys that it knows in that place.
SECTIONS = {
    "The file": (whole, '{"?": 1}'),
    "Global": (in_global, '{"global": {"?": 1}, "tasks": {"t": {"run": 1}}}'),
    "Tasks": (in_tasks, '{"tasks": {"t": {"?": 1, "phases": {"p": {"run": 1}}}}}'),
    "Events of tasks": (in_phases, '{"tasks": {"t": {"phases": {"p": {"?": 1}}}}}'),
    "cgroups": (in_cgroups, '{"cgroups": {"x": {"?": 1}}, "tasks": {"t": {"run": 1}}}'),
    "Events of the machine": (in_events,
                              '{"events": [{"at": 1, "?": 1}], "tasks": {"t": {"run": 1}}}'),
}


class Checker:
    def __init__(self, tool, folder):
        self.tool, self.folder, self.failed, self.ran = tool, pathlib.Path(folder), 0, 0

    def run(self, text, time="1ms"):
        path = self.folder / "w.json"
        path.write_text(text)
        return subprocess.run([self.tool, "sched", "run", "none", "--workload", str(path),
                               "--machine", "16c", "--time", time], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)

    def fail(self, what, text):
        self.failed += 1
        print(f"{what}\n{text}")

    def check_runs(self, what, text, time="1ms"):
        done = self.run(text, time)
        self.ran += 1
        if done.returncode:
            self.fail(f"{what}: does not run: {text}", done.stdout)

    def known_keys(self, probe):
        said = self.run(probe).stdout
        match = re.search(r"keys are (.*)", said)
        if not match:
            self.fail("the reader lists no keys", said)
            return set()
        return set(match.group(1).split(", "))

    def check_section(self, title, body):
        make, probe = SECTIONS[title]
        rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \|", body, re.M)
        self.check_runs(title, make(rows))
        missing = self.known_keys(probe) ^ {key for key, _ in rows}
        if missing:
            self.fail(f"{title}: only in the document or only in the reader", sorted(missing))


def main():
    tool, root = sys.argv[1], pathlib.Path(sys.argv[2])
    text = (root / "docs/workloads.md").read_text()
    with tempfile.TemporaryDirectory() as folder:
        c = Checker(tool, folder)
        for example in re.findall(r"^```json\n(.*?)^```", text, re.M | re.S):
            c.check_runs("example", example, "10ms")
        parts = re.split(r"^## (.*)$", text, flags=re.M)
        for title, body in zip(parts[1::2], parts[2::2]):
            if title in SECTIONS:
                c.check_section(title, body)
        table = set(re.findall(r"^\| `([\w-]+)` \| [^`]", parts[0], re.M))
        ready = {f.stem for f in (root / "workloads").glob("*.json")}
        if table != ready:
            c.fail("ready-made workloads", sorted(table ^ ready))
        for name in sorted(ready):
            c.check_runs(name, (root / "workloads" / f"{name}.json").read_text(), "10ms")
    print(f"{c.ran} workloads ran")
    return 1 if c.failed else 0


if __name__ == "__main__":
    sys.exit(main())
