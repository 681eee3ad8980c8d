#!/usr/bin/python3
"""Each page of docs/decisions has a number of its own, its title bears it, and a page that a file names exists."""
import re

from common import Findings, ROOT, tracked

found = Findings("decisions")
pages = sorted((ROOT / "docs/decisions").glob("*.md"))
if not pages:
    found.add("docs/decisions", 0, "no pages found")
owner = {}
for page in pages:
    number = page.name[:4]
    if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name):
        found.add(page, 0, "is not named NNNN-words.md")
    if number in owner:
        found.add(page, 0, f"{owner[number]} has the number {number} too")
    owner.setdefault(number, page.name)
    if not page.read_text().startswith(f"# {number} "):
        found.add(page, 1, f"the title does not begin with {number}")
names = {page.name for page in pages}
for path in tracked("*.md", "*.[ch]", "*.py", "*meson.build"):
    for line_number, line in enumerate(path.read_text().splitlines(), 1):
        for name in re.findall(r"(?:decisions/|\]\()(\d{4}-[a-z0-9-]+\.md)", line):
            if name not in names:
                found.add(path, line_number, f"there is no docs/decisions/{name}")
found.end()
