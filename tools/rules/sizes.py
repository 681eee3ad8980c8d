#!/usr/bin/python3
"""Small functions, short files: stops at function 100, file 800, header 200, 6 parameters; prints the largest."""
import subprocess

from common import Findings, ROOT, tracked

# Signatures that a library dictates.
CALLBACKS = {"on_message"}  # SSL_CTX_set_msg_callback

found = Findings("sizes")
files = tracked("src/*.c", "src/*.h", "include/*.h", "tests/*.c", "tests/*.h", "bench/*.c")
for path in files:
    lines = len(path.read_text().splitlines())
    limit = 200 if path.suffix == ".h" else 800
    if lines > limit:
        found.add(path, 1, f"{lines} lines; the limit is {limit}")

tags = subprocess.run(
    ["ctags", "-L", "-", "-f", "-", "--languages=C", "--langmap=C:.c.h", "--c-kinds=f", "--fields=+neS", "--sort=no"],
    input="\n".join(str(p.relative_to(ROOT)) for p in files), cwd=ROOT, capture_output=True, text=True, check=True).stdout
longest = []
for row in tags.splitlines():
    cells = row.split("\t")
    fields = dict(c.split(":", 1) for c in cells[3:] if ":" in c)
    name, file = cells[0], cells[1]
    start, end = int(fields["line"]), int(fields.get("end", fields["line"]))
    size = end - start + 1
    longest.append((size, f"{file}:{name}"))
    if size > 100:
        found.add(file, start, f"{name} has {size} lines; the limit is 100")
    signature = fields.get("signature", "()")
    depth, commas = 0, 0
    for c in signature[1:-1]:
        depth += c in "(["
        depth -= c in ")]"
        commas += c == "," and depth == 0
    if commas + 1 > 6 and file.startswith("src/") and name not in CALLBACKS:
        found.add(file, start, f"{name} has {commas + 1} parameters; the limit is 6")
over = sum(1 for size, _ in longest if size > 60 and not _.startswith("tests/"))
print(f"sizes: {len(longest)} functions, {over} outside tests over 60 lines; longest: "
      + ", ".join(f"{name} {size}" for size, name in sorted(longest, reverse=True)[:3]))
found.end()
