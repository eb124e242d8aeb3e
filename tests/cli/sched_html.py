#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The page of `uarena sched run --html`, loaded by a real browser: no errors on its console, and as
many CPUs and slices drawn as the data has. Skipped where there is no Chromium (on Debian:
apt-get install chromium).

Usage: sched_html.py UARENA EXAMPLES
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# Zoom by key, move by mouse, ask for what is under the pointer, pick a group.
PLAY = """<script>
const said = document.documentElement.dataset, at = canvas.getBoundingClientRect();
canvas.focus();
canvas.dispatchEvent(new KeyboardEvent("keydown", {key: "+"}));
draw();
said.zoomed = Math.round(END / (view[1] - view[0]));
canvas.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"}));
draw();
said.moved = Number(view[0] < END / 4 - 1);
canvas.dispatchEvent(new KeyboardEvent("keydown", {key: "0"}));
draw();
said.whole = Number(view[0] === 0 && view[1] === END);
canvas.dispatchEvent(new PointerEvent("pointermove", {clientX: at.left + 300, clientY: at.top + 30}));
said.tip = /CPU/.test(document.getElementById("tip").textContent) ? 1 : 0;
document.querySelector("#legend button").click();
draw();
said.picked = document.querySelectorAll("#legend [aria-pressed=true]").length;
document.getElementById("theme").click();
said.themes = Number(said.theme === "dark" || said.theme === "light");
</script>"""
PLAYED = {"zoomed": "2", "moved": "1", "whole": "1", "tip": "1", "picked": "1", "themes": "1"}

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--enable-logging=stderr", "--window-size=1400,1000"]
CASES = [
    ("small", ["vtime.bpf.o", "--workload", "bursty-server", "--time", "200ms"], 0, None),
    ("many CPUs", ["llc.bpf.o", "--workload", "hogs", "--time", "100ms", "--machine",
                   "4n:2l:16c:2t"], 0, None),
    ("long", ["fifo.bpf.o", "--workload", "ping-pong", "--time", "2s"], 0, None),
    ("failed", ["lost.bpf.o", "--workload", "hogs"], 1, None),
    ("zoomed", ["vtime.bpf.o", "--workload", "hogs", "--time", "200ms"], 0, "#1000000-1000001"),
]


def make(tool, examples, page, args, status):
    obj = args[0] if args[0] == "none" else str(examples / args[0])
    done = subprocess.run([tool, "sched", "run", obj, *args[1:], "--html", str(page)], timeout=100,
                          check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert done.returncode == status, f"exit status {done.returncode}"
    text = page.read_text()
    assert not re.search(r"(src|href)=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)",
                         re.sub(r'<script type="application/json".*?</script>', "", text,
                                flags=re.S)), "the page asks for more than itself"
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.S).group(1))


def load(browser, url, profile):
    done = subprocess.run([browser, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", url],
                          check=True, timeout=100, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not console, console
    return dict(re.findall(r'data-(\w+)="(\w+)"', re.search(r"<html[^>]*>", done.stdout).group(0)))


def judge(data, shown, zoomed):
    picture = data["picture"]
    slices = sum(len(s) // 3 for s in picture["slices"])
    assert slices == picture["slices_kept"], f"{slices} slices in the page"
    assert shown.get("ready") == "1", f"not ready: {shown}"
    assert int(shown["rows"]) == len(data["result"]["cpus"]), f"rows: {shown}"
    if zoomed:
        assert 0 < int(shown["slices"]) <= len(data["result"]["cpus"]), f"zoomed: {shown}"
    else:
        assert int(shown["slices"]) == slices > 0, f"{slices} slices: {shown}"


def play(browser, page, profile):
    page.write_text(page.read_text().replace("</body>", PLAY + "</body>"))
    shown = load(browser, page.as_uri(), profile)
    said = {key: shown.get(key) for key in PLAYED}
    assert said == PLAYED, f"{said}"


def main():
    tool, examples = sys.argv[1], pathlib.Path(sys.argv[2])
    browser = shutil.which("chromium")
    if not browser:
        print("no chromium to load the page with")
        return 77
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, args, status, part in CASES:
            page = folder / f"{name.replace(' ', '-')}.html"
            try:
                data = make(tool, examples, page, args, status)
                judge(data, load(browser, page.as_uri() + (part or ""), folder / "profile"), part)
                if name == "long":
                    play(browser, page, folder / "profile")
                print(f"{name}: ok")
            except AssertionError as e:
                failed += 1
                print(f"{name}: {e}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
