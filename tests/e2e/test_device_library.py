"""The installed device library against real servers: every key, identifier and body on the device's side is the library's, HMAC
and TLS are the caller's (Python's), as on a board. Built by tools/device-library, the way a firmware engineer builds it."""
import ctypes as c
import hashlib
import hmac
import os
import subprocess
import time

import pytest

import keystead as ks

KEY, ID, RESOURCE = c.c_uint8 * 32, c.c_char * 256, c.c_char * 64
CLIENT_REGISTRATION, KEY_REGISTRATION, AE, CONTENT = 60002, 60003, 2, 4


class Octets(c.Structure):
    _fields_ = [("p", c.c_void_p), ("n", c.c_size_t)]


HMAC = c.CFUNCTYPE(c.c_int, c.c_void_p, Octets, c.POINTER(Octets), c.c_size_t, c.POINTER(c.c_uint8))


class Crypto(c.Structure):
    _fields_ = [("hmac_sha256", HMAC), ("nfkc", c.c_void_p), ("ctx", c.c_void_p)]


class Buffer(c.Structure):
    _fields_ = [("p", c.c_char_p), ("cap", c.c_size_t), ("n", c.c_size_t)]


class Registration(c.Structure):
    _fields_ = [("resource", RESOURCE), ("km_id", ID), ("expires", c.c_int64)]


class KeyRequest(c.Structure):
    _fields_ = [("admin_fqdn", c.c_char_p), ("target", c.c_char_p), ("kc_id", c.POINTER(ID))]


def _hmac(_ctx, key, parts, count, out):
    message = b"".join(c.string_at(parts[i].p, parts[i].n) for i in range(count))
    c.memmove(out, hmac.digest(c.string_at(key.p, key.n), message, "sha256"), 32)
    return 0


class Entity(c.Structure):
    _fields_ = [("id", c.c_char_p), ("secret", c.POINTER(KEY))]


class AssociationInput(c.Structure):
    _fields_ = [("self", Entity), ("peer", Entity), ("local_cse", c.c_char_p), ("mechanism", c.c_int), ("maf_fqdn", c.c_char_p),
                ("provisioned", c.c_bool), ("has_certificate", c.c_bool), ("network_up", c.c_bool),
                ("credential_expires", c.c_int64), ("lifetime", c.c_int), ("until", c.c_int64)]


class Association(c.Structure):
    _fields_ = [("id", c.c_char * 33), ("key", KEY), ("expires", c.c_int64), ("lifetime", c.c_int), ("mechanism", c.c_int),
                ("suid", c.c_uint), ("tls_version", c.c_uint16), ("suite", c.c_uint16)]


class Handshake(c.Structure):
    _fields_ = [("exported", c.c_char_p), ("tls_version", c.c_uint16), ("suite", c.c_uint16)]


class Board:
    """What a firmware does with keystead.h."""

    def __init__(self, library):
        self.lib = c.CDLL(str(library))
        self.crypto = Crypto(HMAC(_hmac), None, None)

    def call(self, name, *args):
        code = getattr(self.lib, f"keystead_{name}")(*args)
        assert code == 0, f"keystead_{name}: {code}"

    def split(self, name, exported, fqdn):
        key, ident = KEY(), ID()
        self.call(name, exported, fqdn.encode(), key, ident)
        return bytes(key), ident.value.decode()

    def derive(self, name, ke, target):
        key = KEY()
        self.call(name, c.byref(self.crypto), (KEY)(*ke), target.encode(), key)
        return bytes(key)

    def body(self, name, *args):
        text = c.create_string_buffer(512)
        b = Buffer(c.cast(text, c.c_char_p), len(text), 0)
        self.call(f"body_{name}", c.byref(b), *args)
        assert text.raw[b.n] == 0
        return text.raw[:b.n]

    def client_registered(self, body):
        r = Registration()
        self.call("client_registered", Octets(c.cast(body, c.c_void_p), len(body)), c.c_int64(int(time.time())),
                  ks.SP.encode(), c.byref(r))
        return r.resource.decode(), r.km_id.decode(), r.expires

    def key_registered(self, body, kc_id):
        ident, expires = ID(), c.c_int64()
        ident.value = kc_id.encode()
        asked = KeyRequest(ks.SP.encode(), ks.CSE_ID.encode(), c.pointer(ident))
        code = self.lib.keystead_key_registered(Octets(c.cast(body, c.c_void_p), len(body)), c.c_int64(int(time.time())),
                                                c.byref(asked), c.byref(expires))
        return code, expires.value


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    where = tmp_path_factory.mktemp("library")
    env = {**os.environ, "CFLAGS": "-Os -fPIC"}
    made = subprocess.run([ks.ROOT / "tools/device-library", where / "libkeystead.a"], env=env, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert int(made.stdout.splitlines()[1].split()[0]) < 24 * 1024, made.stdout  # text and constants
    subprocess.run(["cc", "-shared", "-o", where / "libkeystead.so", "-Wl,--whole-archive", where / "libkeystead.a",
                    "-Wl,--no-whole-archive"], check=True)
    return Board(where / "libkeystead.so")


def test_only_its_own_names_and_almost_nothing_needed(board, tmp_path):
    archive = tmp_path / "libkeystead.a"
    subprocess.run([ks.ROOT / "tools/device-library", archive], check=True, stdout=subprocess.DEVNULL)
    symbols = subprocess.run(["nm", archive], capture_output=True, text=True, check=True).stdout.splitlines()
    symbols = [line.split()[-2:] for line in symbols if len(line.split()) >= 2]
    assert all(name.startswith("keystead_") for kind, name in symbols if kind.isupper() and kind != "U"), symbols
    assert {name for kind, name in symbols if kind == "U"} <= {"memcpy", "memset", "memcmp", "strlen", "_GLOBAL_OFFSET_TABLE_"}
    assert not [name for kind, name in symbols if kind in "bBDC"], "mutable data"


def test_the_header_is_c_and_cxx():
    header = ks.ROOT / "include/keystead/association.h"  # and keystead.h in it
    for language in ("-xc++ -std=c++11", "-xc -std=c99 -pedantic"):
        p = subprocess.run(["clang", *language.split(), "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{ks.ROOT / 'include'}", header],
                           capture_output=True, text=True)
        assert p.returncode == 0, p.stderr


@pytest.mark.parametrize("profile", ["r3", "seed"])
def test_enrol_associate_register_and_send(request, board, profile):
    lab = request.getfixturevalue("lab" if profile == "r3" else "seed_lab")
    d = lab.device(f"board-{profile}", profile=profile)
    expires = c.c_int64(int(time.time()) + 30 * 86400)
    sp, origin = ks.SP.encode(), d.enrolee_id

    with lab.psk("mef", d.kpm_id, d.psk).connect() as s:
        ke, ke_id = board.split("ke", s.export(ks.BOOTSTRAP), ks.MEF)  # R001-85, R001-86, R001-87
    km = board.derive("km" if profile == "r3" else "km_seed", ke, ks.MAF)  # R001-37, R001-53

    with lab.psk("maf", ke_id, km).connect() as s:
        r = ks.ask(s, "create", "/-", board.body("client_registration", expires, sp), CLIENT_REGISTRATION, origin)
    assert r.rsc == 2001, r
    resource, km_id, until = board.client_registered(r.body)
    assert resource == r.json["m2m:macr"]["ri"] and time.time() < until <= expires.value
    assert bool(km_id) == (profile == "r3")
    km_id = km_id or ke_id

    with lab.psk("maf", km_id, km).connect() as s:
        body = board.body("key_registration", expires, sp, ks.CSE_ID.encode())
        r = ks.ask(s, "create", f"/{resource}", body, KEY_REGISTRATION, origin)
        assert r.rsc == 2001, r
        kc, kc_id = board.split("kc", s.export(ks.CONNECTION), ks.MAF)  # R001-59
    code, until = board.key_registered(r.body, kc_id)
    assert code == 0 and until > time.time()
    other = board.split("kc", hashlib.sha384(b"another session").digest(), ks.MAF)[1]
    assert board.key_registered(r.body, other) == (5, 0), "an answer about another export is refused"

    with lab.psk("cse", kc_id, kc).connect() as s:
        r = ks.ask(s, "create", "/-", board.body("ae", b"Nboard", True), AE, "S")
        assert r.rsc == 2001, r
        stem = r.json["m2m:ae"]["aei"]
        assert stem == d.stem
        assert ks.create_container(s, stem, f"/-/{stem}", "box").rsc == 2001
        text = '21.5 "\u00b0C"\n'
        r = ks.ask(s, "create", f"/-/{stem}/box", board.body("content", text.encode()), CONTENT, stem)
        assert r.rsc == 2001, r
        r = ks.ask(s, "retrieve", f"/-/{stem}/box/la", origin=stem)
        assert r.rsc == 2000 and r.json["m2m:cin"]["con"] == text


def test_the_association_procedure_by_maf(lab, board):
    """association.h against a real CSE: it asks before it connects, and both ends have one identifier."""
    d = lab.associate(lab.enrol(lab.device("board-procedure")))
    km, out, now = KEY(*d.km), Association(), int(time.time())
    rq = AssociationInput(Entity(d.enrolee_id.encode(), c.pointer(km)), Entity(ks.CSE_ID.encode(), None), None, 2, ks.MAF.encode(),
                          True, False, True, now + 3600, 0, 0)
    check = board.lib.keystead_association_check
    assert check(c.byref(rq), c.c_int64(now)) == 0  # R004-12, R004-17, R004-18
    with lab.cse(d) as s:
        exported = s.export("EXPERIMENTAL-keystead-association")
        done = Handshake(exported, 0x0303, 0x00AE)
        assert board.lib.keystead_association_made(c.byref(rq), c.c_int64(now), c.byref(done), c.byref(out)) == 0
        assert ks.register(s, d.stem).rsc == 2001  # R000-51
    assert out.id.decode() == exported[:16].hex() and bytes(out.key) == exported[16:] and out.expires == now + 3599
    assert out.suid == 32 and (out.tls_version, out.suite) == (0x0303, 0x00AE)  # R004-22
    mine = [e for e in lab.ctl_json("cse", "audit", "tail", "--limit", "20")["events"] if e.get("association") == out.id.decode()]
    assert mine and d.enrolee_id in str(mine)  # R004-19
    rq.network_up = False
    assert check(c.byref(rq), c.c_int64(now)) == 10  # refuses R000-03
    rq.self.secret = None
    assert check(c.byref(rq), c.c_int64(now)) == 7  # refuses R004-18


def test_kpsa_instead_of_a_maf(lab, board):
    """Kpsa of the library opens an association with a CSE that was given the same key [TS-0003 8.2.2.1]."""
    d = lab.enrol(lab.device("board-kpsa", target=ks.CSE_ID))
    kpsa = board.derive("kpsa", d.ke, ks.CSE_ID)  # R001-63
    assert kpsa == ks.kpsa(d.ke, ks.CSE_ID)
    ident, _ = lab.add_kpsa("board-kpsa", key=kpsa, enrolee_id=d.enrolee_id)
    with lab.psk("cse", ident, kpsa).connect() as s:
        r = ks.ask(s, "create", "/-", board.body("ae", b"Nboard", False), AE, d.stem)
        assert r.rsc == 2001 and r.json["m2m:ae"]["rr"] is False, r
