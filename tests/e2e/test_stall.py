"""Nobody may make others wait: slow and half-open connections, and a MEF or MAF that is away, hangs or answers
nonsense. Only the handshakes that wait for the answer are delayed, and those at most five seconds."""
import base64
import contextlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time

import pytest

import keystead as ks
import tlspsk

LIMIT = 5.0  # CHOICE-35
SLACK = 3.0  # for a sanitized program on a busy machine
PROMPT = 3.0


def enrolled_promptly(lab, d):
    began = time.monotonic()
    lab.enrol(d)
    took = time.monotonic() - began
    assert took < PROMPT, f"an honest client waited {took:.1f} s"


# -- slow and half-open connections ----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def slow_lab(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("slow") / "l") as it:
        for role in ks.ROLES:
            it.set(role, "limits", "handshake-time", "4s")
            it.set(role, "limits", "idle-time", "4s")
        it.start()
        it.d = it.journey("honest")
        yield it


def hold(address, n, octets=b""):
    socks = []
    for _ in range(n):
        s = socket.create_connection(address, timeout=10)
        if octets:
            s.sendall(octets)
        socks.append(s)
    return socks


def wait_closed(socks, seconds):
    """The server must end every one of them."""
    end = time.monotonic() + seconds
    for s in socks:
        s.settimeout(max(0.1, end - time.monotonic()))
        with contextlib.suppress(ConnectionResetError):
            while s.recv(65536):
                pass
        s.close()


@pytest.mark.parametrize("role", ks.ROLES)
def test_two_hundred_half_open_connections(slow_lab, role):
    lab = slow_lab
    hello = tlspsk.PskClient(None, "x", b"x" * 16, sni="localhost").hello()
    first = b"\x16\x03\x03" + len(hello).to_bytes(2, "big") + hello
    socks = hold(lab.address(role), 100) + hold(lab.address(role), 50, first[:20]) + hold(lab.address(role), 50, first)
    try:
        for _ in range(5):
            enrolled_promptly(lab, lab.d)
        with lab.cse(lab.d) as c:
            began = time.monotonic()
            assert ks.ask(c, "retrieve", f"/{lab.d.stem}", origin=lab.d.stem).rsc == 2000
            assert time.monotonic() - began < PROMPT
        wait_closed(socks, 4 + SLACK)  # [limits] handshake-time
    finally:
        for s in socks:
            s.close()


def test_slow_handshakes(slow_lab):
    """One octet at a time never makes progress beyond handshake-time."""
    lab = slow_lab
    hello = tlspsk.PskClient(None, "x", b"x" * 16, sni="localhost").hello()
    whole = b"\x16\x03\x03" + len(hello).to_bytes(2, "big") + hello
    socks = hold(lab.address("mef"), 30)
    began = time.monotonic()
    ended = set()
    for octet in whole[:-1]:
        for s in socks:
            if s not in ended:
                try:
                    s.sendall(bytes([octet]))
                except OSError:
                    ended.add(s)
        if len(ended) == len(socks):
            break
        time.sleep(0.2)
        if int(time.monotonic() - began) == 2:
            enrolled_promptly(lab, lab.d)
    assert len(ended) == len(socks) and time.monotonic() - began < 4 + 2 * SLACK
    for s in socks:
        s.close()


def test_slow_requests(slow_lab):
    """Slowloris inside the session: headers that never end."""
    lab = slow_lab
    conns = [lab.cse(lab.d) for _ in range(20)]
    for c in conns:
        c.sendall(b"GET /- HTTP/1.1\r\nHost: h\r\n")
    began = time.monotonic()
    alive = list(conns)
    while alive and time.monotonic() - began < 30:
        for c in list(alive):
            try:
                c.sendall(b"X-A: b\r\n")
            except (tlspsk.Closed, tlspsk.Alert, OSError):
                alive.remove(c)
        enrolled_promptly(lab, lab.d)
        time.sleep(0.5)
    took = time.monotonic() - began
    for c in conns:
        c.close()
    assert not alive, f"{len(alive)} requests were still being fed after {took:.0f} s: idle-time is 4 s"


def test_peer_that_never_reads(slow_lab):
    """Answers that nobody takes: the server neither blocks nor grows without bound."""
    lab = slow_lab
    c = lab.cse(lab.d)
    assert ks.create_container(c, lab.d.stem, f"/{lab.d.stem}", "wide").rsc == 2001
    assert ks.create_content(c, lab.d.stem, f"/-/{lab.d.stem}/wide", "z" * 50000).rsc == 2001
    rq = ks.request_octets("retrieve", f"/-/{lab.d.stem}/wide/la", origin=lab.d.stem)
    c.sock.settimeout(2)
    with contextlib.suppress(OSError, tlspsk.Closed, tlspsk.Alert):
        for _ in range(4000):
            c.sendall(rq)
    enrolled_promptly(lab, lab.d)
    with lab.cse(lab.d) as other:
        began = time.monotonic()
        assert ks.ask(other, "retrieve", f"/{lab.d.stem}", origin=lab.d.stem).rsc == 2000
        assert time.monotonic() - began < PROMPT
    rss = [int(line.split()[1]) for pid in lab.servers["cse"].pids
           for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS")]
    assert max(rss) < 600_000, f"{max(rss)} KiB"
    c.sock.close()


def test_connection_limits(tmp_path):
    """Half-open connections lose their places to an honest client; established ones keep theirs, and then a new
    connection is closed at once."""
    with ks.Lab(tmp_path / "l") as lab:
        lab.set("mef", "limits", "connections", "20")
        lab.set("mef", "server", "workers", "1")
        lab.set("maf", f"peer {ks.MEF}", "withdrawn-poll", "0s")  # else the MAF has a place here, too
        lab.start("mef", "maf")
        d = lab.device("limit")
        socks = hold(lab.address("mef"), 30)
        enrolled_promptly(lab, d)
        assert still_open(socks) <= 20
        kept = [lab.psk("mef", d.kpm_id, d.psk).connect() for _ in range(20)]
        assert still_open(socks) == 0
        with pytest.raises((tlspsk.Closed, tlspsk.Alert)):
            lab.psk("mef", d.kpm_id, d.psk).connect()
        assert still_open([c.sock for c in kept]) == 20
        kept.pop().close()
        time.sleep(0.3)
        enrolled_promptly(lab, d)
        assert counter(lab.ctl_json("mef", "status"), "connections_refused") >= 11
        for c in kept:
            c.close()
        for s in socks:
            s.close()
        lab.set("mef", "limits", "connections", "4096")
        lab.set("mef", "limits", "connections-per-peer", "5")
        lab.ctl_json("mef", "reload")
        ks.wait_for(lambda: limited_per_peer(lab), 20, "the new limit")
        with lab.psk("mef", d.kpm_id, d.psk, source=("127.0.0.77", 0)).connect():
            pass  # another address has its own share


def still_open(socks):
    n = 0
    for s in socks:
        s.settimeout(0.05)
        try:
            n += s.recv(1, socket.MSG_PEEK) != b""
        except socket.timeout:
            n += 1
        except OSError:
            pass
    return n


def limited_per_peer(lab):
    socks = hold(lab.address("mef"), 12)
    time.sleep(0.3)
    n = still_open(socks)
    for s in socks:
        s.close()
    return n <= 5


# -- the MEF that the MAF asks -----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def fetch_lab(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("fetch") / "l") as it:
        it.start()
        it.known = it.journey("known")
        yield it


@contextlib.contextmanager
def instead_of(lab, role, stand_in):
    """The server of this role is away; stand_in(lab) takes its address meanwhile."""
    lab.stop(role)
    try:
        with stand_in:
            yield stand_in
    finally:
        lab.start(role)


class Hanging:
    """Takes connections and never says anything."""

    def __init__(self, address):
        self.address, self.taken = address, []

    def __enter__(self):
        self.s = socket.create_server(self.address, backlog=256)
        self.s.settimeout(0.2)
        self.going = True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self):
        while self.going:
            with contextlib.suppress(OSError):
                self.taken.append(self.s.accept()[0])

    def __exit__(self, *_):
        self.going = False
        self.thread.join()
        self.s.close()
        for s in self.taken:
            s.close()


class Liar(Hanging):
    """A TLS server with a certificate; answers every request with `answer`, octets or a function(connection)."""

    def __init__(self, address, cert, key, ca, answer):
        super().__init__(address)
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        self.ctx.load_cert_chain(cert, key)
        self.ctx.load_verify_locations(ca)
        self.ctx.verify_mode = ssl.CERT_REQUIRED
        self.answer, self.requests = answer, []
        self.polls = []  # what it was asked about withdrawals, which goes on beside the keys

    def run(self):
        while self.going:
            try:
                raw = self.s.accept()[0]
            except OSError:
                continue
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        with contextlib.suppress(OSError, ssl.SSLError):
            raw.settimeout(10)
            with self.ctx.wrap_socket(raw, server_side=True) as c:
                got = b""
                while b"\r\n\r\n" not in got:
                    more = c.recv(4096)
                    if not more:
                        return
                    got += more
                (self.polls if got.startswith(b"GET /withdrawn/") else self.requests).append(got)
                if callable(self.answer):
                    self.answer(c)
                else:
                    c.sendall(self.answer)


def reply(body, status="200 OK", extra=""):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nX-M2M-RSC: 2000\r\nContent-Length: {len(body)}\r\n{extra}"
            "\r\n").encode() + body


def fresh(lab, name):
    return lab.enrol(lab.device(name))


def refused_within(client, seconds):
    began = time.monotonic()
    try:
        client.connect()
        raise AssertionError("the handshake completed")
    except tlspsk.Alert as e:
        number = e.number
    except socket.timeout:
        raise AssertionError(f"no answer after {time.monotonic() - began:.1f} s") from None
    finally:
        client.close()
    took = time.monotonic() - began
    assert took < seconds, f"refused only after {took:.1f} s"
    return number, took


class Waiting(threading.Thread):
    """A handshake that will wait for an answer."""

    def __init__(self, lab, role, identity, key):
        super().__init__()
        self.args = lab, role, identity, key
        self.number = self.took = self.fault = None
        self.start()

    def run(self):
        lab, role, identity, key = self.args
        try:
            self.number, self.took = refused_within(lab.psk(role, identity, key), LIMIT + SLACK)
        except BaseException as e:  # noqa: BLE001  (shown by the test)
            self.fault = e


def others_are_served(lab, d, seconds):
    """For that long, new handshakes with keys that the MAF and CSE hold, and enrolments if the MEF is there."""
    end = time.monotonic() + seconds
    n = 0
    while time.monotonic() < end:
        began = time.monotonic()
        with lab.psk("maf", d.km_id, d.km).connect():
            pass
        with lab.cse(d) as c:
            assert ks.ask(c, "retrieve", f"/{d.stem}", origin=d.stem).rsc == 2000
        took = time.monotonic() - began
        assert took < PROMPT, f"others waited {took:.1f} s"
        n += 1
    return n


def test_mef_away(fetch_lab):
    lab = fetch_lab
    d = fresh(lab, "mef-away")
    lab.stop("mef")
    try:
        number, _ = refused_within(lab.psk("maf", d.ke_id, d.km), LIMIT + SLACK)  # refuses R000-21, refuses R001-48
        assert number == ks.INTERNAL_ERROR
        assert others_are_served(lab, lab.known, 1) > 0
        assert "peer-unreachable" in lab.servers["maf"].log()
        for i in range(6):
            refused_within(lab.psk("maf", f"{i:02x}{d.ke_id[2:]}", d.km), LIMIT + SLACK)
        away = said_by_workers(lab, "authority-away")
        assert 1 <= away <= 2, "a word at each change, of each worker"
    finally:
        lab.start("mef")
    time.sleep(1.2)  # an identity that could not be resolved is remembered for a second
    assert lab.maf_register(d).rsc == 2001
    assert said_by_workers(lab, "authority-back") >= 1


def said_by_workers(lab, event):
    return sum(f"event={event} peer={ks.MEF}" in line and "part=w" in line and "part=writer" not in line
               for line in lab.servers["maf"].log().splitlines())


def test_mef_hangs(fetch_lab):
    lab = fetch_lab
    ds = [fresh(lab, f"mef-hangs-{i}") for i in range(6)]
    with instead_of(lab, "mef", Hanging(lab.address("mef"))):
        waiting = [Waiting(lab, "maf", d.ke_id, d.km) for d in ds + ds]  # two each: one question for both
        assert others_are_served(lab, lab.known, 3) >= 3
        assert any(w.is_alive() for w in waiting), "they do wait"
        for w in waiting:
            w.join(30)
            assert w.fault is None, w.fault
            assert w.number == ks.INTERNAL_ERROR and w.took < LIMIT + SLACK
        assert "peer-timeout" in lab.servers["maf"].log()
    time.sleep(1.2)
    assert lab.maf_register(ds[0]).rsc == 2001


def test_maf_hangs(fetch_lab):
    """The same for the CSE that waits for a Kc."""
    lab = fetch_lab
    ds = [lab.associate(fresh(lab, f"maf-hangs-{i}")) for i in range(4)]
    with instead_of(lab, "maf", Hanging(lab.address("maf"))):
        waiting = [Waiting(lab, "cse", d.kc_id, d.kc) for d in ds]
        began = time.monotonic()
        while time.monotonic() - began < 3:
            with lab.cse(lab.known) as c:
                asked = time.monotonic()
                assert ks.ask(c, "retrieve", f"/{lab.known.stem}", origin=lab.known.stem).rsc == 2000
                assert time.monotonic() - asked < PROMPT
        for w in waiting:
            w.join(30)
            assert w.fault is None, w.fault
            assert w.number == ks.INTERNAL_ERROR
    time.sleep(1.2)
    with lab.cse(ds[0]) as c:
        assert ks.register(c, ds[0].stem).rsc == 2001


def test_client_that_leaves_while_it_waits(fetch_lab):
    lab = fetch_lab
    d = fresh(lab, "leaves")
    with instead_of(lab, "mef", Hanging(lab.address("mef"))):
        for _ in range(20):
            c = lab.psk("maf", d.ke_id, d.km)
            c.open()
            c.send_hello()
            c.read_hello()
            c.send_key_exchange()
            c.sock.close()
            c.sock = None
        assert others_are_served(lab, lab.known, 1) > 0
    time.sleep(6.5)
    assert lab.maf_register(d).rsc == 2001


def good(lab, d, **change):
    body = {"status": True, "credential": base64.b64encode(d.km).decode(), "enroleeID": d.enrolee_id, "lifetime": 86400,
            "profile": "r3", **change}
    return {k: v for k, v in body.items() if v is not None}


def drip(c):
    for octet in reply(b'{"status":true}'):
        c.sendall(bytes([octet]))
        time.sleep(0.3)


def endless(c):
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n")
    while True:
        c.sendall(b"x" * 65536)


def endless_headers(c):
    c.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        c.sendall(b"X-A: " + b"b" * 1000 + b"\r\n")


NONSENSE = {
    "no http": lambda lab, d: b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "empty": lambda lab, d: reply(b""),
    "no json": lambda lab, d: reply(b"<html>hello</html>"),
    "cut json": lambda lab, d: reply(json.dumps(good(lab, d)).encode()[:-5]),
    "array": lambda lab, d: reply([good(lab, d)]),
    "no credential": lambda lab, d: reply(good(lab, d, credential=None)),
    "short credential": lambda lab, d: reply(good(lab, d, credential="AAAA")),
    "long credential": lambda lab, d: reply(good(lab, d, credential="QUFB" * 40)),
    "credential no base64": lambda lab, d: reply(good(lab, d, credential="?" * 44)),
    "credential a number": lambda lab, d: reply(good(lab, d, credential=5)),
    "wrong credential": lambda lab, d: reply(good(lab, d, credential="QUFB" * 10 + "QUE=")),
    "enrolee no id": lambda lab, d: reply(good(lab, d, enroleeID="not an id")),
    "enrolee with control characters": lambda lab, d: reply(good(lab, d, enroleeID="//a.test/S\n1")),
    "enrolee long": lambda lab, d: reply(good(lab, d, enroleeID="//a.test/S" + "x" * 5000)),
    "lifetime 0": lambda lab, d: reply(good(lab, d, lifetime=0)),
    "lifetime negative": lambda lab, d: reply(good(lab, d, lifetime=-1)),
    "lifetime text": lambda lab, d: reply(good(lab, d, lifetime="long")),
    "lifetime huge": lambda lab, d: reply(good(lab, d, credential=None, lifetime=2 ** 63 - 1)),
    "status false": lambda lab, d: reply(good(lab, d, status=False)),
    "status text": lambda lab, d: reply(good(lab, d, status="true")),
    "duplicate members": lambda lab, d: reply(json.dumps(good(lab, d)).encode()[:-1] + b',"status":false}'),
    "403 with a key": lambda lab, d: reply(good(lab, d), "403 Forbidden"),
    "redirect": lambda lab, d: b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n",
    "deep": lambda lab, d: reply(b"[" * 20000),
    "closes": lambda lab, d: b"",
    "slowly": lambda lab, d: drip,
    "endless": lambda lab, d: endless,
    "endless headers": lambda lab, d: endless_headers,
}


def test_mef_answers_nonsense(fetch_lab):
    """Each nonsense refuses the handshake that waited, in time, and delays no other; nothing of it is kept."""
    lab, w = fetch_lab, fetch_lab.where
    ds = {name: fresh(lab, "nonsense-" + name.replace(" ", "-")) for name in NONSENSE}
    faults = []
    with instead_of(lab, "mef", Liar(lab.address("mef"), w / "mef.crt", w / "mef.key", w / "ca.crt", None)) as liar:
        for name, d in ds.items():
            liar.requests.clear()
            liar.answer = NONSENSE[name](lab, d)
            waiting = Waiting(lab, "maf", d.ke_id, d.km)
            others_are_served(lab, lab.known, 0.1)
            waiting.join(30)
            if waiting.fault or not liar.requests:
                faults.append(f"{name}: {waiting.fault!r}, asked: {liar.requests}")
                continue
            rq = liar.requests[0].decode()
            assert rq.startswith("GET /fetchCredentials/") and rq.split()[1].endswith("/21")  # form b, spec 7.5 step 4
            assert f"x-m2m-origin: {ks.MAF}" in rq.lower()  # R001-49
    time.sleep(1.2)
    for name, d in ds.items():
        if name == "wrong credential":
            continue  # that answer was well-formed: only the right MEF can say which key is right
        r = lab.maf_register(d)
        if r.rsc != 2001:
            faults.append(f"{name}: afterwards {r}")  # refuses R001-48
    assert not faults, "\n".join(faults)


def test_false_mef_is_not_asked(fetch_lab, tmp_path):
    """R001-52: a certificate with another FQDN, of another CA, or none: no KeId is sent and no Km taken (R001-50)."""
    lab, w = fetch_lab, fetch_lab.where
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=made-up", "-addext", f"subjectAltName=DNS:{ks.MEF}", "-keyout", tmp_path / "k", "-out", tmp_path / "c"],
                   check=True, capture_output=True)
    for cert, key in ((w / "cse.crt", w / "cse.key"), (tmp_path / "c", tmp_path / "k")):
        d = fresh(lab, f"false-mef-{cert.name}")
        with instead_of(lab, "mef", Liar(lab.address("mef"), cert, key, w / "ca.crt", reply(good(lab, d)))) as liar:
            refused_within(lab.psk("maf", d.ke_id, d.km), LIMIT + SLACK)  # refuses R001-52, refuses R001-50
            assert liar.requests == [] and liar.polls == []
        time.sleep(1.2)


def kc_answer(lab, d, **change):
    body = {"rn": d.kc_id.split("@")[0], "et": ks.later(), "cr": d.enrolee_id, "adfq": ks.SP, "suid": 32, "aski": d.km_id,
            "kv": base64.b64encode(d.kc).decode(), **change}
    return {"m2m:skr": {k: v for k, v in body.items() if v is not None}}


MAF_NONSENSE = {
    "no http": lambda lab, d: b"\0" * 100,
    "empty": lambda lab, d: reply(b""),
    "no json": lambda lab, d: reply(b"key: value"),
    "no key": lambda lab, d: reply(kc_answer(lab, d, kv=None)),
    "short key": lambda lab, d: reply(kc_answer(lab, d, kv="AAAA")),
    "expired": lambda lab, d: reply(kc_answer(lab, d, et="20200101T000000")),
    "no expiry": lambda lab, d: reply(kc_answer(lab, d, et=None)),
    "no suid": lambda lab, d: reply(kc_answer(lab, d, suid=None)),
    "suid 33": lambda lab, d: reply(kc_answer(lab, d, suid=33)),  # spec 6.3 step 9: the CSE checks itself
    "suid 21": lambda lab, d: reply(kc_answer(lab, d, suid=21)),
    "creator no id": lambda lab, d: reply(kc_answer(lab, d, cr="\u0000")),
    "wrong root": lambda lab, d: reply({"m2m:macr": kc_answer(lab, d)["m2m:skr"]}),
    "403": lambda lab, d: reply(kc_answer(lab, d), "403 Forbidden"),
    "deep": lambda lab, d: reply(b"{\"a\":" * 10000),
    "endless": lambda lab, d: endless,
}


def test_maf_answers_nonsense(fetch_lab):
    """The same for a CSE that asks its MAF for Kc."""
    lab, w = fetch_lab, fetch_lab.where
    ds = {name: lab.associate(fresh(lab, "kc-" + name.replace(" ", "-"))) for name in MAF_NONSENSE}
    faults = []
    with instead_of(lab, "maf", Liar(lab.address("maf"), w / "maf.crt", w / "maf.key", w / "ca.crt", None)) as liar:
        for name, d in ds.items():
            liar.requests.clear()
            liar.answer = MAF_NONSENSE[name](lab, d)
            waiting = Waiting(lab, "cse", d.kc_id, d.kc)
            with lab.cse(lab.known) as c:
                assert ks.ask(c, "retrieve", f"/{lab.known.stem}", origin=lab.known.stem).rsc == 2000
            waiting.join(30)
            if waiting.fault or not liar.requests:
                faults.append(f"{name}: {waiting.fault!r}, asked: {liar.requests}")
    time.sleep(1.2)
    for name, d in ds.items():
        try:
            with lab.cse(d) as c:
                assert ks.register(c, d.stem).rsc == 2001
        except (tlspsk.Alert, AssertionError) as e:
            faults.append(f"{name}: afterwards {e!r}")
    assert not faults, "\n".join(faults)


def test_limit_of_waiting_handshakes(tmp_path):
    """[limits] waiting-per-peer: who comes beyond it is refused at once and does not wait."""
    with ks.Lab(tmp_path / "l") as lab:
        lab.set("maf", "server", "workers", "1")
        lab.set("maf", "limits", "waiting-per-peer", "3")
        lab.start()
        lab.known = lab.journey("known")
        ds = [fresh(lab, f"w{i}") for i in range(10)]
        with instead_of(lab, "mef", Hanging(lab.address("mef"))):
            waiting = [Waiting(lab, "maf", d.ke_id, d.km) for d in ds]
            assert others_are_served(lab, lab.known, 1) > 0
            for w in waiting:
                w.join(30)
                assert w.fault is None and w.number == ks.INTERNAL_ERROR, w.fault
            quick = [w for w in waiting if w.took < 3]
            assert len(quick) == 7, [w.took for w in waiting]


def test_a_stranger_cannot_aim_the_maf(fetch_lab):
    """An identity that names a host that is not configured causes no connection; only configured MEFs are asked."""
    lab = fetch_lab
    traps = []
    for port in (443, 8443, 5684):
        with contextlib.suppress(OSError):
            traps.append(socket.create_server(("127.0.0.1", port)))
    trap = socket.create_server(("127.0.0.1", 0))
    traps.append(trap)
    before = lab.ctl_json("maf", "status")
    try:
        for role in ("maf", "cse"):
            for fqdn in ("127.0.0.1", "localhost", "evil.test", f"127.0.0.1:{trap.getsockname()[1]}", ks.MEF + ".evil.test",
                         "evil." + ks.MEF, "[::1]", "0x7f000001", "2130706433"):
                number, took = refused_within(lab.psk(role, "00" * 16 + "@" + fqdn, b"x" * 32), 1.5)
                assert number == ks.UNKNOWN_PSK_IDENTITY, fqdn
        for t in traps:
            t.settimeout(0.05)
            with pytest.raises(socket.timeout):
                t.accept()
        after = lab.ctl_json("maf", "status")
        assert counter(before, "fetches") == counter(after, "fetches")
    finally:
        for t in traps:
            t.close()


def counter(status, name):
    if isinstance(status, dict):
        if isinstance(status.get(name), int):
            return status[name]
        for v in status.values():
            n = counter(v, name)
            if n is not None:
                return n
    return None


def test_unknown_identities_of_a_configured_mef_are_bounded(fetch_lab):
    """A flood of made-up KeIds of the right MEF delays nobody else, and one identity is asked for once a second."""
    lab = fetch_lab
    before = counter(lab.ctl_json("maf", "status"), "fetches")
    for _ in range(15):
        refused_within(lab.psk("maf", "11" * 16 + "@" + ks.MEF, b"x" * 32), LIMIT)
    after = counter(lab.ctl_json("maf", "status"), "fetches")
    workers = len(lab.servers["maf"].pids)
    assert after - before <= 3 * workers + 3, "an unknown identity is remembered"
    assert others_are_served(lab, lab.known, 0.5) > 0


def test_mef_that_closes_in_the_handshake(fetch_lab):
    lab = fetch_lab
    d = fresh(lab, "closes")

    class Closing(Hanging):
        def run(self):
            while self.going:
                with contextlib.suppress(OSError):
                    s = self.s.accept()[0]
                    s.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
                    s.close()
    with instead_of(lab, "mef", Closing(lab.address("mef"))):
        refused_within(lab.psk("maf", d.ke_id, d.km), LIMIT + SLACK)
        assert others_are_served(lab, lab.known, 0.5) > 0
    time.sleep(1.2)
    assert lab.maf_register(d).rsc == 2001
    assert os.path.exists(lab.where / "maf.db")
