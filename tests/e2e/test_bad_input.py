"""Octets that no honest client sends. After each attack an honest client is served, the processes are the same ones,
and the log has no sanitizer report (checked when the lab closes)."""
import json
import os
import random
import re
import socket
import struct
import time

import pytest

import keystead as ks
import tlspsk


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as it:
        it.set("cse", "cse", "association", "optional")
        it.plain_cse = it.plain("cse")
        it.set("cse", "limits", "handshake-time", "5s")
        it.start()
        it.ae = it.journey("victim")
        with it.cse(it.ae) as c:
            assert ks.create_container(c, it.ae.stem, f"/{it.ae.stem}", "box").rsc == 2001
        yield it


@pytest.fixture(autouse=True)
def still_the_same_processes(lab):
    before = {r: lab.servers[r].pids for r in ks.ROLES}
    yield
    for role, pids in before.items():
        assert all(map(ks.is_alive, pids)), f"a process of {role} died\n{lab.servers[role].log()[-6000:]}"
    served(lab)


def served(lab):
    began = time.monotonic()
    lab.enrol(lab.devices[0])
    with lab.cse(lab.ae) as c:
        assert ks.ask(c, "retrieve", f"/{lab.ae.stem}", origin=lab.ae.stem).rsc == 2000
    assert time.monotonic() - began < 10


def throw(address, octets, wait=5.0, half_close=True):
    """Sends, and returns what came back until the server closed; it must close, or answer, in time."""
    with socket.create_connection(address, timeout=wait) as s:
        try:
            s.sendall(octets)
            if half_close:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        out = b""
        try:
            while True:
                got = s.recv(65536)
                if not got:
                    return out
                out += got
        except ConnectionResetError:
            return out
        except socket.timeout:
            pytest.fail(f"the server neither closed nor refused within {wait} s; it said {out[:200]!r}")


def alert_of(octets):
    """The plaintext alert in a server's answer, or None."""
    while len(octets) >= 5:
        kind, _, n = struct.unpack(">BHH", octets[:5])
        if kind == tlspsk.ALERT and n == 2:
            return octets[6]
        octets = octets[5 + n:]
    return None


# -- TLS -------------------------------------------------------------------------------------------------------
def record(kind, data, version=0x0303, n=None):
    return struct.pack(">BHH", kind, version, len(data) if n is None else n) + data


def hello(**more):
    return tlspsk.PskClient(None, "x", b"x" * 16, sni="localhost", **more).hello()


GARBAGE = {
    "zeros": bytes(1000),
    "ff": b"\xff" * 1000,
    "http on the TLS port": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "ssl 2 hello": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(40),
    "record of 65535": record(22, bytes(65535)),
    "record of 16385 and more": record(22, hello() + bytes(20000)),
    "empty records": record(22, b"") * 40,
    "alert first": record(21, b"\x02\x28"),
    "application data first": record(23, b"GET / HTTP/1.1\r\n\r\n"),
    "ccs first": record(20, b"\x01"),
    "ccs in between": record(22, hello()) + record(20, b"\x01") + record(20, b"\x01"),
    "unknown record": record(99, b"hello"),
    "hello with a false length": record(22, b"\x01\xff\xff\xff" + hello()[4:]),
    "hello of 0 octets": record(22, b"\x01\0\0\0"),
    "unknown message": record(22, b"\xfe\0\0\x01x"),
    "server hello": record(22, b"\x02" + hello()[1:]),
    "finished first": record(22, b"\x14\0\0\x0c" + bytes(12)),
    "key exchange first": record(22, b"\x10\0\0\x03\0\x01x"),
    "two hellos": record(22, hello()) + record(22, hello()),
    "extensions longer than the message": record(22, hello()[:-1]),
    "record version 0": record(22, hello(), version=0),
}


@pytest.mark.parametrize("role", ks.ROLES)
@pytest.mark.parametrize("name", GARBAGE)
def test_tls_garbage(lab, role, name):
    out = throw(lab.address(role), GARBAGE[name], wait=15)
    assert b"HTTP/1.1 200" not in out and b"m2m:" not in out
    if out and out[0] in (20, 21, 22, 23):
        assert alert_of(out) is not None or name in ("alert first",), out[:100]


@pytest.mark.parametrize("role", ks.ROLES)
def test_client_hello_cut_at_every_octet(lab, role):
    whole = record(22, hello())
    step = 1 if role == "mef" else 7
    for n in range(0, len(whole), step):
        throw(lab.address(role), whole[:n], wait=15)
    assert throw(lab.address(role), whole, wait=15)


@pytest.mark.parametrize("seed", range(4))
def test_spoilt_client_hellos(lab, seed):
    rng = random.Random(seed)
    for _ in range(60):
        octets = bytearray(record(22, hello()))
        for _ in range(rng.randint(1, 6)):
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        throw(lab.address(rng.choice(ks.ROLES)), bytes(octets), wait=15)


def spoil_second_flight(lab, change, role="mef"):
    """A right client up to ServerHelloDone, then `change(client)` sends something; what the server answers."""
    d = lab.devices[0]
    c = lab.psk(role, d.kpm_id, d.psk)
    c.open()
    c.send_hello()
    c.read_hello()
    try:
        change(c)
        c.sock.settimeout(15)
        with pytest.raises((tlspsk.Alert, tlspsk.Closed)) as e:
            while True:
                c._read_record()
        return e.value
    except tlspsk.Closed as e:
        return e
    finally:
        c.sock.close()


def spoilt_key_exchange(body):
    return lambda c: c.send_record(22, c._message(16, body))


@pytest.mark.parametrize("name,change", [
    ("no identity", spoilt_key_exchange(b"")),
    ("cut", spoilt_key_exchange(b"\x00")),
    ("length beyond", spoilt_key_exchange(b"\x00\x20short")),
    ("bytes behind", spoilt_key_exchange(b"\x00\x01xyyyyy")),
    ("65535", spoilt_key_exchange(b"\xff\xff" + b"z" * 100)),
    ("finished without ccs", lambda c: c.send_record(22, b"\x14\0\0\x0c" + bytes(12))),
    ("ccs without key exchange", lambda c: c.send_record(20, b"\x01")),
    ("application data", lambda c: c.send_record(23, b"GET / HTTP/1.1\r\n\r\n")),
    ("close_notify", lambda c: c.send_record(21, b"\x01\0")),
    ("fatal alert", lambda c: c.send_record(21, b"\x02\x28")),
    ("hello again", lambda c: c.send_record(22, hello())),
    ("garbage after ccs", lambda c: (c.send_key_exchange(), c.send_record(20, b"\x01"), c.send_raw(record(22, os.urandom(80))))),
    ("short record after ccs", lambda c: (c.send_key_exchange(), c.send_record(20, b"\x01"), c.send_raw(record(22, b"x")))),
    ("end of stream", lambda c: c.sock.shutdown(socket.SHUT_WR)),
    ("heartbeat", lambda c: c.send_raw(record(24, b"\x01\xff\xff"))),
])
def test_spoilt_second_flight(lab, name, change):
    before = len(lab.enrolments())
    got = spoil_second_flight(lab, change)
    assert isinstance(got, (tlspsk.Alert, tlspsk.Closed))
    assert len(lab.enrolments()) == before


def test_renegotiation_is_not_done(lab):
    d = lab.devices[0]
    with lab.psk("mef", d.kpm_id, d.psk).connect() as c:
        c.send_record(22, hello())
        try:
            assert ks.ask(c, "retrieve", "/nothing", origin=d.enrolee_id).status in (403, 404)
        except (tlspsk.Alert, tlspsk.Closed):
            pass
        assert c._handshake == b"", "a handshake message came back"


def test_garbage_inside_the_session(lab):
    d = lab.devices[0]
    for send in (lambda c: c.send_raw(record(23, os.urandom(96))),
                 lambda c: c.send_raw(record(23, b"")), lambda c: c.send_raw(b"\0" * 50), lambda c: c.send_record(20, b"\x01"),
                 lambda c: c.send_record(22, b"\x14\0\0\x0c" + bytes(12)), lambda c: c.send_record(21, b"\x02\x0a")):
        c = lab.psk("mef", d.kpm_id, d.psk).connect()
        c.sock.settimeout(15)
        try:
            send(c)
            while True:
                c._read_record()
        except (tlspsk.Alert, tlspsk.Closed):
            pass
        finally:
            c.sock.close()


# -- HTTP ------------------------------------------------------------------------------------------------------
def http(lab, octets, wait=10, half_close=False):
    return throw(lab.plain_cse, octets, wait, half_close)


def status_of(out):
    return int(out[9:12]) if out.startswith(b"HTTP/1.1 ") else None


def answers(out):
    return len(re.findall(rb"HTTP/1\.1 \d{3} ", out))


BASE = b"GET /- HTTP/1.1\r\nHost: h\r\nX-M2M-Origin: Cx\r\nX-M2M-RI: 1\r\nX-M2M-RVI: 3\r\n"
POST = b"POST /- HTTP/1.1\r\nHost: h\r\nX-M2M-Origin: C\r\nX-M2M-RI: 1\r\nX-M2M-RVI: 3\r\nContent-Type: application/json;ty=2\r\n"
SMUGGLE = b"GET /- HTTP/1.1\r\nHost: smuggled\r\nX-M2M-RI: smuggled\r\n\r\n"
BODY = b'{"m2m:ae":{"api":"Nx","rr":true,"srv":["3"]}}'

# RFC 9112: each of these is refused with one answer and the connection closed; nothing after it is read as a request.
MALFORMED = {
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
    "zeros": bytes(500) + b"\r\n\r\n",
    "no version": b"GET /-\r\n\r\n",
    "http 0.9": b"GET /- HTTP/0.9\r\nHost: h\r\n\r\n",
    "http 1.0": b"GET /- HTTP/1.0\r\nHost: h\r\n\r\n",
    "http 2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "lower-case method": b"get /- HTTP/1.1\r\nHost: h\r\n\r\n",
    "two spaces": b"GET  /- HTTP/1.1\r\nHost: h\r\n\r\n",
    "absolute form": b"GET http://h/- HTTP/1.1\r\nHost: h\r\n\r\n",
    "no host": b"GET /- HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /- HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
    "bare lf": BASE.replace(b"\r\n", b"\n") + b"\n",
    "bare cr": b"GET /- HTTP/1.1\r\nHost: h\rX: y\r\n\r\n",
    "space before the colon": BASE + b"X-A : b\r\n\r\n",
    "folded header": BASE + b"X-A: b\r\n c\r\n\r\n",
    "nul in a header": BASE + b"X-A: b\0c\r\n\r\n",
    "no colon": BASE + b"nonsense\r\n\r\n",
    "empty name": BASE + b": x\r\n\r\n",
    "two origins": BASE + b"X-M2M-Origin: Cother\r\n\r\n",
    "two content types": POST + b"Content-Type: application/json;ty=3\r\nContent-Length: 45\r\n\r\n" + BODY,
    "CL.CL": POST + b"Content-Length: 45\r\nContent-Length: 0\r\n\r\n" + BODY + SMUGGLE,
    "CL, list": POST + b"Content-Length: 45, 45\r\n\r\n" + BODY + SMUGGLE,
    "CL.TE": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "TE.CL": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "TE.TE": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "TE, odd name": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "TE, tab": POST + b"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "TE, unknown": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "TE": POST + b"Transfer-Encoding: chunked\r\n\r\n2d\r\n" + BODY + b"\r\n0\r\n\r\n" + SMUGGLE,
    "CL negative": POST + b"Content-Length: -1\r\n\r\n" + SMUGGLE,
    "CL plus": POST + b"Content-Length: +45\r\n\r\n" + BODY + SMUGGLE,
    "CL hex": POST + b"Content-Length: 0x2d\r\n\r\n" + BODY + SMUGGLE,
    "CL space inside": POST + b"Content-Length: 4 5\r\n\r\n" + BODY + SMUGGLE,
    "CL empty": POST + b"Content-Length: \r\n\r\n" + SMUGGLE,
    "CL huge": POST + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY,
    "CL 2^64-1": POST + b"Content-Length: 18446744073709551615\r\n\r\n" + BODY,
    "expect": POST + b"Expect: 100-continue\r\nContent-Length: 45\r\n\r\n" + BODY,
    "head of 100 KiB": BASE + b"X-A: " + b"a" * 100000 + b"\r\n\r\n",
    "1000 headers": BASE + b"X-A: b\r\n" * 1000 + b"\r\n",
    "target of 20 KiB": b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
    "connect": b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
    "control character in the path": b"GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_http_malformed(lab, name):
    out = http(lab, MALFORMED[name])
    assert status_of(out) in (400, 404, 405, 413, 414, 417, 431, 501, 505), (name, out[:300])
    assert answers(out) == 1, f"one answer, and nothing behind it is served: {out[:600]!r}"
    assert b"smuggled" not in out


def test_upgrade_is_not_done(lab):
    """It may be ignored (RFC 9110 7.8)."""
    with ks.tlspsk.PlainClient(lab.plain_cse) as c:
        c.sendall(BASE + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
        assert ks.read_response(c).status in (400, 403)


def test_http_cut_at_every_octet(lab):
    whole = POST + b"Content-Length: 45\r\n\r\n" + BODY
    for n in range(0, len(whole), 3):
        out = http(lab, whole[:n], half_close=True)
        assert status_of(out) in (None, 400, 408), (n, out[:200])
        assert b"aei" not in out


def test_http_octet_by_octet(lab):
    whole = POST + b"Content-Length: 45\r\n\r\n" + BODY
    with ks.tlspsk.PlainClient(lab.plain_cse) as c:
        for i in range(len(whole)):
            c.sendall(whole[i:i + 1])
        assert ks.read_response(c).rsc == 2001


def test_http_pipelined(lab):
    """Two whole requests in one segment: two answers, in order."""
    one = BASE.replace(b"X-M2M-RI: 1", b"X-M2M-RI: first") + b"\r\n"
    two = BASE.replace(b"X-M2M-RI: 1", b"X-M2M-RI: second") + b"Connection: close\r\n\r\n"
    out = http(lab, one + two)
    assert answers(out) == 2
    assert out.index(b"first") < out.index(b"second")


@pytest.mark.parametrize("method,codes", [("PATCH", (405, 400, 501)), ("HEAD", (405, 400, 501)), ("OPTIONS", (405, 400, 501)),
                                          ("TRACE", (405, 400, 501)), ("BREW", (405, 400, 501)), ("G" * 3000, (405, 400, 501))])
def test_unknown_method(lab, method, codes):
    out = http(lab, BASE.replace(b"GET", method.encode()) + b"Connection: close\r\n\r\n")
    assert status_of(out) in codes, out[:200]


@pytest.mark.parametrize("path", ["/..", "/../../etc/passwd", "/./-", "//", "/-//x", "/-/%2e%2e/x", "/%00", "/-/a%2fb", "/~", "/_", "/~/",
                                  "/~/other/x", "/_/other.test/in/x", "/-?fu=9", "/-?rcn=99", "/-?rcn=x", "/-?nonsense=1", "/-?rcn=1&rcn=2",
                                  "/" + "a/" * 300, "/" + "a" * 600, "/a b", "/~/in", "/-/la", "/nothing", "/-/nothing", "/%"])
def test_odd_paths(lab, path):
    with lab.cse(lab.ae) as c:
        r = ks.ask(c, "retrieve", path, origin=lab.ae.stem)
        assert r.status in (400, 403, 404, 405, 501), r
        assert r.rsc is None or r.rsc // 1000 in (4, 5)


# -- JSON and attributes -----------------------------------------------------------------------------------------
def nested(n):
    return b'{"m2m:cin":{"con":' + b"[" * n + b"]" * n + b"}}"


JSONS = {
    "empty": b"",
    "garbage": b"\xff\xfe\x00garbage",
    "cut": b'{"m2m:cin":{"con":"x"',
    "trailing": b'{"m2m:cin":{"con":"x"}} x',
    "two objects": b'{"m2m:cin":{"con":"x"}}{"m2m:cin":{"con":"x"}}',
    "array": b'[{"m2m:cin":{"con":"x"}}]',
    "number": b"5",
    "null": b"null",
    "duplicate": b'{"m2m:cin":{"con":"x","con":"y"}}',
    "duplicate root": b'{"m2m:cin":{"con":"x"},"m2m:cin":{"con":"y"}}',
    "two roots": b'{"m2m:cin":{"con":"x"},"m2m:cnt":{}}',
    "wrong root": b'{"m2m:cnt":{}}',
    "no root": b"{}",
    "root no object": b'{"m2m:cin":"x"}',
    "bad utf-8": b'{"m2m:cin":{"con":"\xc3\x28"}}',
    "lone surrogate": b'{"m2m:cin":{"con":"\\ud800"}}',
    "deep 2000": nested(2000),
    "deep 30000": nested(30000),
    "unterminated deep": b'{"m2m:cin":{"con":' + b"[" * 30000,
    "number beyond": b'{"m2m:cin":{"con":1e999}}',
    "nan": b'{"m2m:cin":{"con":NaN}}',
    "comment": b'{"m2m:cin":{"con":"x"/*y*/}}',
    "single quotes": b"{'m2m:cin':{'con':'x'}}",
    "unknown attribute": b'{"m2m:cin":{"con":"x","evil":1}}',
    "not permitted": b'{"m2m:cin":{"con":"x","ri":"mine"}}',
    "creation time": b'{"m2m:cin":{"con":"x","ct":"20200101T000000"}}',
    "missing": b'{"m2m:cin":{}}',
    "wrong type": b'{"m2m:cin":{"con":"x","lbl":"no list"}}',
    "time": b'{"m2m:cin":{"con":"x","et":"soon"}}',
    "past": b'{"m2m:cin":{"con":"x","et":"20010101T000000"}}',
    "name": b'{"m2m:cin":{"con":"x","rn":"a/b"}}',
    "name of a virtual resource": b'{"m2m:cin":{"con":"x","rn":"la"}}',
    "name too long": b'{"m2m:cin":{"con":"x","rn":"' + b"n" * 3000 + b'"}}',
    "nul in a name": b'{"m2m:cin":{"con":"x","rn":"a\\u0000b"}}',
}


@pytest.mark.parametrize("name", JSONS)
def test_json(lab, name):
    with lab.cse(lab.ae) as c:
        r = ks.ask(c, "create", f"/-/{lab.ae.stem}/box", JSONS[name], 4, lab.ae.stem)
        assert r.status in (400, 413), (name, r)
        assert r.rsc in (4000, 4102), r
        assert r.reason, "one clear error"
        assert len(r.body) < 2000 and "\n" not in r.json["m2m:dbg"]
        got = ks.ask(c, "retrieve", f"/-/{lab.ae.stem}/box", origin=lab.ae.stem)
        assert got.json["m2m:cnt"]["cni"] == getattr(lab, "cni", 0), "nothing was created"


def test_one_mebibyte(lab):
    """Over [limits] message: refused at once, not read to the end into memory; the connection ends."""
    body = b'{"m2m:cin":{"con":"' + b"x" * (1 << 20) + b'"}}'
    with lab.cse(lab.ae) as c:
        try:
            r = ks.ask(c, "create", f"/-/{lab.ae.stem}/box", body, 4, lab.ae.stem)
            assert r.status in (400, 413) and r.reason == "too-large", r
        except (tlspsk.Closed, OSError):
            pass  # it may close before all was sent
    out = http(lab, POST + b"Content-Length: 1048576\r\n\r\n")
    assert status_of(out) in (400, 413) and b"too-large" in out, out[:300]


def test_large_but_allowed(lab):
    with lab.cse(lab.ae) as c:
        r = ks.create_content(c, lab.ae.stem, f"/-/{lab.ae.stem}/box", "y" * 60000, rn="large")
        assert r.rsc == 2001, r
        r = ks.ask(c, "retrieve", f"/-/{lab.ae.stem}/box/large", origin=lab.ae.stem)
        assert len(r.json["m2m:cin"]["con"]) == 60000
        assert ks.ask(c, "delete", f"/-/{lab.ae.stem}/box/large", origin=lab.ae.stem).rsc == 2002


def test_types_and_names(lab):
    with lab.cse(lab.ae) as c:
        box = f"/-/{lab.ae.stem}/box"
        me = lab.ae.stem
        for ty, rscs in ((9999, (5001,)), (24, (5001,)), (0, (5001, 4000)), (5, (4005, 4108, 5001)), (2, (4108, 4117, 4106, 4000))):
            r = ks.ask(c, "create", box, {"m2m:cin": {"con": "x"}}, ty, me)
            assert r.rsc in rscs, (ty, r)
        for ty in ("x", "-1", "4294967296", ""):
            r = ks.ask(c, "create", box, {"m2m:cin": {"con": "x"}}, ty, me)
            assert r.status == 400, (ty, r)
        r = ks.ask(c, "create", box, {"m2m:cin": {"con": "x"}}, None, me)
        assert r.rsc // 1000 in (4, 5), "without a type it is a Notify"
        assert ks.create_container(c, me, f"/{me}", "box").rsc == 4105, "the name is taken"
        r = ks.ask(c, "update", box + "/la", {"m2m:cin": {"con": "x"}}, origin=me)
        assert r.rsc in (4005, 4004), r
        for headers, statuses in ((["X-M2M-RET: 20010101T000000"], (504,)), (["X-M2M-Foo: 1"], (501,)), (["Authorization: x"], (501,))):
            r = ks.ask(c, "retrieve", box, origin=me, headers=headers)
            assert r.status in statuses, (headers, r)
        for media in ("text/plain", "application/xml", "application/cbor-seq", "application/json;ty=4;charset=utf-16"):
            c.sendall(ks.request_octets("create", box, None, None, me,
                                        [f"Content-Type: {media}", "Content-Length: 2"]) + b"{}")
            assert ks.read_response(c).status == 415, media


def test_release_version(lab):
    with ks.tlspsk.PlainClient(lab.plain_cse) as c:
        c.sendall(BASE.replace(b"RVI: 3", b"RVI: 99") + b"\r\n")
        assert ks.read_response(c).rsc == 4001


def test_from_outside_an_association(lab):
    """Checklist 19 on the plain listener: a CSE-ID, an unregistered AE, an AE that registered with a credential."""
    with ks.tlspsk.PlainClient(lab.plain_cse) as c:
        for origin, rsc in (("/other", 4107), ("//other.test/cse", 4107), ("Cnobody", 4106), (lab.ae.stem, 4107)):
            r = ks.ask(c, "retrieve", f"/{lab.ae.stem}", origin=origin)
            assert r.rsc == rsc, (origin, r)
        r = ks.register(c, "C")
        assert r.rsc == 2001 and "Credential-ID:" in r.json["m2m:ae"]["lbl"], r  # CHOICE-70
        me = r.json["m2m:ae"]["aei"]
        assert ks.ask(c, "retrieve", f"/{me}", origin=me).rsc == 2000
        assert ks.ask(c, "retrieve", f"/{lab.ae.stem}", origin=me).rsc == 4103  # refuses R000-48


@pytest.mark.parametrize("seed", range(3))
def test_random_http(lab, seed):
    rng = random.Random(seed)
    whole = POST + b"Content-Length: 45\r\n\r\n" + BODY
    for _ in range(40):
        octets = bytearray(whole)
        for _ in range(rng.randint(1, 5)):
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        out = http(lab, bytes(octets), half_close=True)
        assert out == b"" or status_of(out) is not None


# -- the log -----------------------------------------------------------------------------------------------------
def test_strangers_cost_no_audit_record_and_few_lines(lab):
    """Refusals before authentication go to a counter and a rate-limited log line."""
    events = lab.ctl_json("mef", "audit", "verify")["events"]
    lines = lab.servers["mef"].log().count("\n")
    for i in range(150):
        with pytest.raises(tlspsk.Alert):
            lab.psk("mef", f"stranger-{i}@{ks.MEF}", b"x" * 16).connect()
    assert lab.ctl_json("mef", "audit", "verify")["events"] == events
    log = lab.servers["mef"].log()
    assert "psk-identity-unknown" in log, "it is told at all"
    seconds_allowed = 60
    assert log.count("\n") - lines < 10 * seconds_allowed + 50 and log.count("\n") - lines < 140, "rate-limited"
    counters = json.dumps(lab.ctl_json("mef", "status"))
    assert "psk-identity-unknown" in counters


def test_log_lines_cannot_be_forged(lab):
    """An identity with a newline and terminal codes stays on one line and harmless."""
    time.sleep(1.1)  # a fresh second of the rate limit
    for identity in ("x\n2030-01-01 forged line@" + ks.MEF, "x\x1b[31mred@" + ks.MEF, "x\x07\x08@" + ks.MEF):
        with pytest.raises(tlspsk.Alert):
            lab.psk("mef", identity, b"x" * 16).connect()
    log = lab.servers["mef"].log()
    assert not any(line.startswith("2030-01-01 forged") for line in log.splitlines())
    assert "\x1b" not in log and "\x07" not in log


def test_control_socket(lab):
    """Garbage on the control socket costs its sender the connection only."""
    path = str(lab.where / "mef.sock")
    assert oct(os.stat(path).st_mode & 0o777) == "0o600"
    here = os.getcwd()
    for octets in (b"garbage\n", b"{}\n", b"[]\n", b'{"noun":5}\n', b'{"noun":"credential","verb":"explode"}\n', b"\xff" * 200 + b"\n",
                   b"x" * 200000, b'{"noun":"credential","verb":"add","args":{"key":"zz"}}\n', b"[" * 60000 + b"\n",
                   b'{"noun":"credential","verb":"list","args":{"limit":"x"}}\n' * 3):
        with socket.socket(socket.AF_UNIX) as s:
            os.chdir(lab.where)
            try:
                s.connect("mef.sock")
            finally:
                os.chdir(here)
            s.settimeout(10)
            out = b""
            try:
                s.sendall(octets)
                s.shutdown(socket.SHUT_WR)
                while True:
                    got = s.recv(65536)
                    if not got:
                        break
                    out += got
            except (BrokenPipeError, ConnectionResetError):
                pass
            for line in out.splitlines():
                answer = json.loads(line)
                assert answer["ok"] is False or "list" in octets.decode(errors="replace")
    assert lab.ctl_json("mef", "credential", "list")["credentials"]
