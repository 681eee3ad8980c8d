#!/usr/bin/python3
"""Calls and constructs that have no place here, and the few files that may look inside a secret."""
import re

from common import Findings, ROOT, is_driver, layer_of, tracked

BANNED = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strncpy|strncat|strtok|atoi|atol|atof|alloca)\s*\(": "unbounded or unchecked",
    r"(?<![>.])\b(rand|srand|random|drand48)\s*\(": "not a source of randomness",
    r"\bmemcmp\s*\([^)]*(key|secret|psk|mac)\b": "secrets are compared by ct_eq",
    r"\bsystem\s*\(|\bpopen\s*\(": "no shell",
    r"\bassert\s*\([^)]*(=[^=]|\+\+|--)[^)]*\)": "assert with an effect",
}
# Where the octets of a secret may be touched (`.b` of struct secret, secret_view): the list a reviewer reads.
SECRET_READERS = {
    "src/base/secret.c", "src/base/secret.h", "src/store/seal.c", "src/shell/crypto_openssl.c", "src/shell/tls.c", "src/shell/tls_psk.c",
    "src/shell/client_tls.c", "src/shell/job.c",
}
SECRET_READER_LAYERS = {"crypto", "keys", "aka"}
SECRET_USE = re.compile(r"\bsecret_view\s*\(|\bs\.b\b|->s\.b\b|\bkey\.b\b|->key\.b\b")
extra = ROOT / "tools/rules/secret_readers.txt"
if extra.is_file():
    SECRET_READERS |= {line.split("#")[0].strip() for line in extra.read_text().splitlines() if line.split("#")[0].strip()}


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


found = Findings("banned")
for path in tracked("src/*.c", "src/*.h"):
    rel = str(path.relative_to(ROOT))
    layer = layer_of(path)
    inside_function_if = re.compile(r"^\s+#\s*if")
    for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1):
        plain = re.sub(r'"(\\.|[^"\\])*"', '""', line)
        for pattern, why in BANNED.items():
            if re.search(pattern, plain):
                found.add(path, number, f"{why}: {plain.strip()[:60]}")
        if re.match(r"\s*#\s*if(n?def)?\b", plain) and path.suffix == ".c":
            found.add(path, number, "#if in a .c file: a feature is a file that is linked or not")
        if SECRET_USE.search(plain) and rel not in SECRET_READERS and layer not in SECRET_READER_LAYERS:
            found.add(path, number, "looks inside a secret; if it must, list the file in secret_readers.txt with its reason")
    if layer not in ("shell", "cli") and not is_driver(path):
        for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1):
            if re.match(r"static\s+(?!const\b|inline\b|_Thread_local\b)[^()]*(=|;)", line) and "const" not in line.split("=")[0]:
                found.add(path, number, f"mutable static data below the shell: {line.strip()[:60]}")
for path in tracked("src/*", "include/*", "tests/*", "bench/*", "tools/*", "docs/*", "*.md", "Makefile", "meson.build"):
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        continue
    for number, line in enumerate(text.splitlines(), 1):
        if "/work" + "/" in line or "/root" + "/" in line:
            found.add(path, number, "a path of one machine")
found.end()
