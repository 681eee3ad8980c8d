#!/usr/bin/python3
"""Every `file.c:function` that a page of docs/procedures names exists: the file in src/, the function in it."""
import re

from common import Findings, ROOT

found = Findings("procedures")
sources = {}
for path in sorted((ROOT / "src").rglob("*.c")):
    sources.setdefault(path.name, []).append(path.read_text())
pages = sorted((ROOT / "docs/procedures").glob("*.md"))
if not pages:
    found.add("docs/procedures", 0, "no pages found")
for page in pages:
    for number, line in enumerate(page.read_text().splitlines(), 1):
        for name, function in re.findall(r"`(\w+\.c):(\w+)`", line):
            texts = sources.get(name)
            if texts is None:
                found.add(page, number, f"there is no source file {name}")
            elif not any(re.search(rf"^[A-Za-z].*\b{function}\(", t, re.M) for t in texts):
                found.add(page, number, f"{name} has no function {function}")
found.end()
