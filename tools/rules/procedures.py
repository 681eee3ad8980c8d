#!/usr/bin/python3
"""What the pages name exists: every `file.c:function` in src/ or bench/, every `path/of/a/file` of this project, every link to a page."""
import re
import subprocess

from common import Findings, ROOT

PLACES = "src|tests|docs|tools|spec|packaging|include|bench"
found = Findings("procedures")
sources = {}
for path in sorted([*(ROOT / "src").rglob("*.c"), *(ROOT / "bench").glob("*.c")]):
    sources.setdefault(path.name, []).append(path.read_text())
pages = [ROOT / p for p in subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True,
                                          check=True).stdout.split()]
if not any(p.parent.name == "procedures" for p in pages):
    found.add("docs/procedures", 0, "no pages found")


def functions(line):
    for name, function in re.findall(r"`(?:[\w/]+/)?(\w+\.c):(\w+)`", line):
        texts = sources.get(name)
        if texts is None:
            yield f"there is no source file {name}"
        elif not any(re.search(rf"^[A-Za-z].*\b{function}\(", t, re.M) for t in texts):
            yield f"{name} has no function {function}"


def paths(line):
    for name in re.findall(rf"`((?:{PLACES})/[\w./-]+)`", line):
        if "NAME" not in name and not (ROOT / name).exists():  # what is to be written has a NAME in it
            yield f"there is no {name}"


def links(page, line):
    for name in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
        if "://" not in name and not (page.parent / name).exists():
            yield f"the link leads nowhere: {name}"


for page in pages:
    for number, line in enumerate(page.read_text().splitlines(), 1):
        for text in (*functions(line), *paths(line), *links(page, line)):
            found.add(page, number, text)
found.end()
