"""What the rule scripts share: the tracked C files, their layers, and how a finding is printed."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ["base", "crypto", "keys", "wire", "lib", "aka", "proto", "store", "role", "shell", "cli"]
# The core: no I/O, no clock, no randomness of its own.
CORE = LAYERS[: LAYERS.index("shell")]
DRIVERS = ("store_memory", "store_sqlite", "store_cached", "store_volatile", "store_ways")  # shell side, though they live in src/store


def tracked(*patterns):
    """Files of the working tree that are tracked or new, not ignored."""
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted({ROOT / line for line in out.splitlines() if (ROOT / line).is_file()})


def layer_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def is_driver(path):
    return layer_of(path) == "store" and path.stem.startswith(DRIVERS)


class Findings:
    def __init__(self, rule):
        self.rule = rule
        self.count = 0

    def add(self, path, line, text):
        self.count += 1
        where = path.relative_to(ROOT) if isinstance(path, pathlib.Path) else path
        print(f"{where}:{line}: [{self.rule}] {text}")

    def end(self):
        print(f"rule {self.rule}: {'ok' if self.count == 0 else f'{self.count} finding(s)'}")
        sys.exit(1 if self.count else 0)
