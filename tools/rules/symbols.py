#!/usr/bin/python3
"""A file foo.c exports only foo_*; the core calls nothing but itself and a short list of pure C functions. Needs a build folder."""
import re
import subprocess
import sys

from common import CORE, Findings, ROOT

build = ROOT / (sys.argv[1] if len(sys.argv) > 1 else "build")
PURE = {"memcpy", "memmove", "memset", "memcmp", "strlen", "strcmp", "strncmp", "strspn", "strcspn", "strchr", "memchr", "strrchr",
        "sin", "cos", "asin", "sqrt", "atan2", "_GLOBAL_OFFSET_TABLE_"}
COMPILER = re.compile(r"^(__stack_chk_fail|__assert_fail|__mem\w+_chk|__(asan|ubsan|sanitizer)_\w+)$")
LIBRARIES = {"wire": re.compile(r"^(json|jsonp|llhttp|cbor_(encode|stream))_|^xml[A-Z]"), "role": re.compile(r"^jsonp?_")}
ROWS = re.compile(r"^(role_\w+|cmd_\w+|main)$")  # one table row a file: named after what it is
ENTRY = re.compile(r"^(?P<lib>\S+)\[(?P<obj>[^\]]+)\]: (?P<name>\S+) (?P<kind>\S)")


def symbols(lib):
    out = subprocess.run(["nm", "-A", "-P", str(lib)], capture_output=True, text=True, check=True).stdout
    for row in out.splitlines():
        hit = ENTRY.match(row)
        if hit:
            yield hit["obj"].split("/")[-1].removesuffix(".c.o"), hit["name"], hit["kind"]


def mutable_data(lib):
    """Objects in .data and .bss; tables of pointers to constants are in .data.rel.ro and do not count."""
    out = subprocess.run(["objdump", "-t", str(lib)], capture_output=True, text=True, check=True).stdout
    for row in out.splitlines():
        cells = row.split()
        if len(cells) >= 5 and cells[-3] in (".data", ".bss") and "O" in cells[1:-3]:
            yield cells[-1]


found = Findings("symbols")
libs = [(lib, lib.parent.name, "driver" in lib.name) for lib in sorted(build.glob("src/*/libks_*.a"))]
if not libs:
    found.add(str(build), 0, "no archives found: build first")
core_defined = {name for lib, layer, driver in libs if layer in CORE and not driver
                for _, name, kind in symbols(lib) if kind not in "Uw"}
for lib, layer, driver in libs:
    where = str(lib.relative_to(build))
    if layer in CORE and not driver:
        for name in mutable_data(lib):
            found.add(where, 0, f"mutable static data in the core: {name}")
    for obj, name, kind in symbols(lib):
        # meson names the object of src/role/mef/mef_psk.c "mef_mef_psk"
        files = {obj, re.sub(r"^[a-z]+_", "", obj)}
        if kind in "TDBRGVC" and not any(name == f or name.startswith(f + "_") for f in files) and not ROWS.match(name):
            found.add(where, 0, f"{obj}.c exports {name}")
        if kind in "Uw" and layer in CORE and not driver and name not in core_defined and name not in PURE:
            if not COMPILER.match(name) and not LIBRARIES.get(layer, re.compile("^$")).match(name):
                found.add(where, 0, f"{obj}.c: the core calls {name}")
found.end()
