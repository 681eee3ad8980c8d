#!/usr/bin/python3
"""Includes point only downwards; drivers of the store are for the shell alone; libraries stay where they belong."""
import re

from common import DRIVERS, Findings, LAYERS, is_driver, layer_of, tracked

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
# Library headers and the only places that may see them.
LIBRARIES = {
    "openssl/": {"shell"}, "uv.h": {"shell"}, "curl/": {"shell"}, "ini.h": {"shell"}, "tss2/": {"shell"}, "unistr.h": {"shell"},
    "uninorm.h": {"shell"}, "jansson.h": {"wire", "role", "shell", "cli"}, "llhttp.h": {"wire"}, "cbor.h": {"wire"}, "libxml/": {"wire", "shell"},
    "keystead/": {"lib"}, "jose/": {"shell"}, "ldns/": {"shell"},
}
DRIVER_LIBRARIES = {"sqlite3.h"}
# C headers that mean I/O, clocks, processes or allocation: not below the shell.
IMPURE = {"stdio.h", "stdlib.h", "time.h", "unistd.h", "fcntl.h", "errno.h", "signal.h", "pthread.h", "netdb.h",
          "sys/socket.h", "sys/types.h", "sys/stat.h", "sys/time.h", "netinet/in.h", "arpa/inet.h", "poll.h"}

found = Findings("layers")
for path in tracked("src/*.c", "src/*.h"):
    own = layer_of(path)
    shell_side = own in ("shell", "cli") or is_driver(path)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        hit = INCLUDE.match(line)
        if not hit:
            continue
        quoted, name = hit.group(1) == '"', hit.group(2)
        if quoted:
            other = name.split("/")[0]
            if other not in LAYERS:
                found.add(path, number, f'"{name}" is not written from src/')
                continue
            if LAYERS.index(other) > LAYERS.index(own):
                found.add(path, number, f"{own}/ must not include {other}/")
            if other == "store" and name.split("/")[1].startswith(DRIVERS) and not shell_side:
                found.add(path, number, f"{own}/ must not know a driver of the store")
        else:
            if not shell_side and name in IMPURE:
                found.add(path, number, f"<{name}> below the shell")
            if name in DRIVER_LIBRARIES and not is_driver(path):
                found.add(path, number, f"<{name}> outside the store's drivers")
            for prefix, allowed in LIBRARIES.items():
                if name.startswith(prefix) and own not in allowed:
                    found.add(path, number, f"<{name}> in {own}/")
found.end()
