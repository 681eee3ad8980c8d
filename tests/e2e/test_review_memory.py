"""After the work no key stands in the memory of any process: not in a buffer that was freed, not in one of a library. A
sanitized program is the sharper judge, since it does not use freed memory again soon."""
import base64
import time

import pytest

import keystead as ks


def writable_memory(pid):
    with open(f"/proc/{pid}/mem", "rb", 0) as mem, open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            where, mode = line.split()[:2]
            begin, end = (int(x, 16) for x in where.split("-"))
            if "w" not in mode or end - begin > 1 << 28:
                continue
            try:
                mem.seek(begin)
                yield mem.read(end - begin)
            except (OSError, ValueError):
                continue  # gone, or the kernel's own


def marks_of(name, key):
    text = base64.b64encode(key)
    return {f"{name}": key[:16], f"{name} in hex": key.hex().encode()[12:44], f"{name} in HEX": key.hex().upper().encode()[12:44],
            f"{name} in base64": text[4:36]}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_key_stays_in_memory(new_lab, workers):
    lab = new_lab
    for role in ks.ROLES:
        lab.set(role, "server", "workers", workers)
    lab.start()
    try:
        open(f"/proc/{lab.servers['mef'].p.pid}/mem", "rb").close()
    except PermissionError:
        pytest.skip("only root may look into a process that is not dumpable")
    d = lab.journey("made-up")
    identity, kpsa = lab.add_kpsa("made-up")
    with lab.psk("cse", identity, kpsa).connect() as c:
        ks.ask(c, "retrieve", "/-", origin="Cx")
    time.sleep(1.5)  # connections close
    marks = {}
    for name, key in (("kpm", d.psk), ("ke", d.ke), ("km", d.km), ("kc", d.kc), ("kpsa", kpsa)):
        marks.update(marks_of(name, key))
    found, proof = set(), False
    for role in ks.ROLES:
        for pid in lab.servers[role].pids:
            for block in writable_memory(pid):
                proof = proof or d.kpm_id.encode() in block
                found.update((role, name) for name, mark in marks.items() if mark in block)
    assert proof, "the search finds what is there"
    assert not found, sorted(found)
