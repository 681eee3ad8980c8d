"""The gate in front of a CSE, with real processes: our own CSE on a plain listener, and a made-up one that is strict about
what it gets. Two gates, one process each."""
import contextlib
import hashlib
import http.server
import json
import shutil
import threading
import time

import keystead as ks
import pytest


def key_of(name):
    return hashlib.sha256(b"made-up kpsa " + name.encode()).digest()


class Recorder:
    """An HTTP server that keeps what it got; `answer(request)` gives status, headers, body, or None: it ends the connection."""

    def __init__(self, answer, context=None):
        recorder = self
        self.got = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                n = int(self.headers.get("Content-Length", 0))
                recorder.got.append((self.command, self.path, dict(self.headers), self.rfile.read(n)))
                said = answer(*recorder.got[-1])
                if said is None:
                    self.close_connection = True
                    return
                status, headers, body = said
                self.send_response(status)
                for k, v in headers.items():
                    self.send_header(k, v)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = do

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = "127.0.0.1:{}".format(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


ALLOWED = {"Host", "X-M2M-Origin", "X-M2M-RI", "X-M2M-RVI", "X-M2M-RET", "Accept", "Content-Type", "Content-Length", "Authorization"}
release = threading.Event()


def strict(command, path, headers, body):
    """A CSE that answers a fault for anything but the request itself."""
    if set(headers) - ALLOWED:
        return 400, {"X-M2M-RSC": "4000"}, json.dumps(sorted(set(headers) - ALLOWED)).encode()
    ok = {"X-M2M-RSC": "2000", "X-M2M-RI": headers["X-M2M-RI"], "Content-Type": "application/json"}
    if path.startswith("/hang"):
        release.wait(30)
    if path.startswith("/gone"):
        return None
    if path.startswith("/large"):
        return 200, ok, b'{"x":"' + b"x" * (4 << 20) + b'"}'
    if path.startswith("/bare"):
        return 200, {}, b"hello"
    if path.startswith("/new"):
        return 201, {**ok, "Set-Cookie": "a=b", "X-Secret": "2", "Proxy-Authenticate": "x", "X-M2M-RSC": "2001", "Content-Location": "/strict/new-1"}, b"{}"
    return 200, ok, b'{"m2m:x":1}'


class Gate:
    def __init__(self, lab, name, behind, sections="", scheme="http", **more):
        self.lab, self.name = lab, name
        port, plain = ks.free_port(), ks.free_port()
        self.plain = ("127.0.0.1", plain)
        for kind in ("root", "audit"):
            shutil.copy(lab.where / f"cse.{kind}", lab.where / f"{name}.{kind}")
        rows = "".join(f"{k.replace('_', '-')} = {v}\n" for k, v in more.items())
        lab.conf(name).write_text(f"""
[server]
roles = gate
store = {name}.db
root-secret = {name}.root
audit-key = {name}.audit
control = {name}.sock
workers = 1
points-of-access = {lab.ear.address}{', ' + behind if scheme == 'http' else ''}
[limits]
fetch-time = 2s
[gate]
sp = {ks.SP}
csi = /in
behind = {scheme}://{behind}
{rows}
[listener main]
role = gate
address = 127.0.0.1:{port}
certificate = cse.crt
key = cse.key
aliases = localhost, in.{ks.SP}
trust = ca.crt
[listener inside]
role = gate
address = 127.0.0.1:{plain}
tls = off
{sections}""")
        lab.init[f"{name}_address"] = f"127.0.0.1:{port}"

    def let_in(self, name, who=None):
        self.lab.ctl_json(self.name, "credential", "add", "--kind", "kpsa", "--id", f"{name}@{ks.SP}", "--key-file",
                          self.lab.key_file(name, key_of(name)), *(["--enrolee-id", who] if who else []))

    def connect(self, name):
        return self.lab.psk(self.name, f"{name}@{ks.SP}", key_of(name)).connect()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    ear = Recorder(lambda *_: (200, {}, b""))  # an application: it says 200 and no more
    cse = Recorder(strict)
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as lab:
        lab.ear, lab.strict = ear, cse
        behind = "{}:{}".format(*lab.plain("cse"))
        lab.set("cse", "cse", "association", "optional")
        lab.set("cse", "server", "workers", 1)
        lab.own = Gate(lab, "own", behind)
        lab.set("cse", "server", "points-of-access", "{}:{}".format(*lab.own.plain))
        lab.other = Gate(lab, "other", cse.address,
                         privileges='{"acr":[{"acor":["Cone","/mn","/mn/Cdeep"],"acop":19},{"acor":["Ctwo"],"acop":2}]}')
        lab.start("cse", "own", "other")
        for gate in (lab.own, lab.other):
            for n in ("one", "two"):
                gate.let_in(n, f"{ks.CSE_ID}/C{n}")
            gate.let_in("nobody")
        lab.other.let_in("mn", f"//{ks.SP}/mn")
        yield lab
        release.set()
    ear.close()
    cse.close()


def test_an_ae_registers_and_works_behind_the_gate(world):
    with world.own.connect("one") as c:
        r = ks.register(c, "C")  # the credential says which one
        assert (r.rsc, r.json["m2m:ae"]["aei"]) == (2001, "Cone"), r
        assert ks.create_container(c, "Cone", "/-/Cone", "box").rsc in (2001, 4004), r
        r = ks.ask(c, "retrieve", "/Cone", origin="Cone")
        assert r.rsc == 2000 and r.json["m2m:ae"]["api"] == "Nmade-up", r
        r = ks.ask(c, "retrieve", "/-?fu=1&ty=2", origin="Cone")
        assert r.rsc in (2000, 4103), r  # the CSE behind decides
        assert ks.ask(c, "retrieve", "/none", origin="Cone").rsc == 4004


def test_nobody_speaks_for_another(world):
    """refuses R004-20: From against the association; the CSE behind hears nothing of it."""
    before = len(world.strict.got)
    with world.other.connect("two") as c:
        for origin in ("Cone", f"{ks.CSE_ID}/Cone", "/in", "/mn", "Sx", "CTWO"):
            r = ks.ask(c, "retrieve", "/x", origin=origin)
            assert (r.rsc, r.reason) == (4106, "from-not-associated"), (origin, r)
        assert ks.ask(c, "retrieve", "/x").rsc == 4000
        assert ks.ask(c, "retrieve", "/x", origin="Cone", headers=["X-M2M-Origin: Ctwo"]).rsc == 4000
    with world.other.connect("nobody") as c:
        r = ks.ask(c, "retrieve", "/x", origin="Cone")
        assert (r.rsc, r.reason) == (4106, "from-not-registered"), r
    with world.other.connect("mn") as c:
        assert ks.ask(c, "retrieve", "/x", origin="/in/Cone").rsc == 4106
    assert len(world.strict.got) == before
    assert any(e["event"] == "refused" for e in world.ctl_json("other", "audit", "tail", "--limit", "50")["events"])
    x = world.ctl_json("other", "explain", f"two@{ks.SP}")
    o, = x["objects"]  # which AEs are registered is known behind it
    assert (o["kind"], o["state"], o["gave"]) == ("association-credential", "valid", [f"{ks.CSE_ID}/Ctwo"]), x
    assert (x["last-refusal"]["code"], x["last-refusal"]["step"]) == ("from-not-associated", "a request through the gate"), x
    assert world.ctl_json("other", "explain", f"{ks.CSE_ID}/Ctwo")["objects"][0]["id"] == f"two@{ks.SP}"
    assert not world.ctl_json("other", "explain", "Cnobody")["found"]
    p = ks.run("trace", "-c", world.conf("other"), "--json", f"two@{ks.SP}")  # to its devices the gate is the CSE
    assert p.returncode == 0, p.stderr
    last = json.loads(p.stdout.splitlines()[-1])
    assert (last["event"], last["outcome"], last["from"], last["to"]) == ("refused", "from-not-associated", "device", "cse"), last


def test_what_is_handed_on(world):
    with world.other.connect("one") as c:
        r = ks.ask(c, "create", "/-/new?rcn=1", {"m2m:cnt": {"rn": "x"}}, 3, f"{ks.CSE_ID}/Cone",
                   headers=["Authorization: aa.bb.cc", "X-Forwarded-For: 10.0.0.1", "Cookie: a=b", "Te: trailers", "Connection: X-Secret", "X-Secret: 1",
                            "Keep-Alive: timeout=9", "Proxy-Connection: close", "Upgrade: h2c", "Forwarded: for=1.2.3.4"])
        assert r.rsc == 2000, r
    command, path, headers, body = world.strict.got[-1]
    assert (command, path, json.loads(body)) == ("POST", "/-/new?rcn=1", {"m2m:cnt": {"rn": "x"}})
    assert headers["X-M2M-Origin"] == "Cone" and headers["Content-Type"] == "application/json;ty=3"
    assert headers["Authorization"] == "aa.bb.cc", "tokens are for the CSE behind"
    with world.other.connect("one") as c:
        r = ks.ask(c, "create", "/new", {"m2m:cnt": {}}, 3, "Cone")
        assert (r.rsc, r.headers["content-location"]) == (2001, "/strict/new-1"), r
        assert set(r.headers) <= {"x-m2m-rsc", "x-m2m-ri", "x-m2m-rvi", "content-type", "content-length", "content-location"}, r.headers
        before = len(world.strict.got)
        r = ks.ask(c, "create", "/new", {"m2m:cin": {"con": "x" * (1 << 20)}}, 4, "Cone")  # more than [limits] message
        assert (r.rsc, r.reason) == (4000, "too-large") and len(world.strict.got) == before, r
    with world.other.connect("mn") as c:
        assert ks.ask(c, "retrieve", "/x", origin="/mn/Cdeep").rsc == 2000
    assert world.strict.got[-1][2]["X-M2M-Origin"] == "/mn/Cdeep"


def test_rules_of_the_gate(world):
    with world.other.connect("two") as c:
        assert ks.ask(c, "retrieve", "/x", origin="Ctwo").rsc == 2000
        r = ks.ask(c, "delete", "/x", origin="Ctwo")
        assert (r.rsc, r.reason) == (4103, "no-privilege"), r
        assert ks.ask(c, "retrieve", "/x?ec=1", origin="Ctwo").rsc == 5001  # it would be lost on the way
    assert world.strict.got[-1][0] == "GET"


def test_a_cse_that_hangs_or_talks_nonsense(world):
    release.clear()
    with contextlib.ExitStack() as scope:
        stuck = [scope.enter_context(world.other.connect("one")) for _ in range(8)]
        for c in stuck:
            c.sendall(ks.request_octets("retrieve", "/hang", origin="Cone"))
        with world.other.connect("two") as c:
            start = time.monotonic()
            assert ks.ask(c, "retrieve", "/x", origin="Ctwo").rsc == 2000
            assert time.monotonic() - start < 1.8  # nobody else waits
            r = ks.ask(c, "retrieve", "/large", origin="Ctwo")
            assert (r.rsc, r.reason) == (5103, "peer-nonsense"), r
            assert ks.ask(c, "retrieve", "/bare", origin="Ctwo").reason == "peer-nonsense"
        for c in stuck:
            r = ks.read_response(c)
            assert (r.rsc, r.reason) == (5103, "peer-timeout"), r
    release.set()


def plain(gate, op, path, content, origin="/in"):
    import socket

    class Conn:
        def __init__(self, s):
            self.s, self.sendall = s, s.sendall

        def recv(self):
            return self.s.recv(65536)

    with socket.create_connection(gate.plain, timeout=ks.PATIENCE) as s:
        return ks.ask(Conn(s), op, path, content, origin=origin)


def test_notifications_come_back(world):
    host, port = world.ear.address.split(":")
    with world.own.connect("two") as c:
        ks.register(c, "Ctwo")
        assert ks.create_container(c, "Ctwo", "/Ctwo", "box").rsc == 2001
        nu = "http://{}:{}/http/{}/{}/told".format(*world.own.plain, host, port)
        r = ks.ask(c, "create", "/-/Ctwo/box", {"m2m:sub": {"nu": [nu], "enc": {"net": [3]}}}, 23, "Ctwo")
        if r.rsc == 4004:
            r = ks.ask(c, "create", "/cse-in/Ctwo/box", {"m2m:sub": {"nu": [nu], "enc": {"net": [3]}}}, 23, "Ctwo")
        assert r.rsc == 2001, r
        assert ks.create_content(c, "Ctwo", "/-/Ctwo/box", "v").rsc == 2001
    ks.wait_for(lambda: any(b"m2m:cin" in body for _, path, _, body in world.ear.got if path == "/told"), what="the event")
    assert all(h["X-M2M-Origin"].endswith("/in") for _, _, h, _ in world.ear.got)


def test_the_inner_listener_is_for_notifications(world):
    host, port = world.ear.address.split(":")
    sgn = {"m2m:sgn": {"sur": "x"}}
    assert plain(world.other, "notify", f"/http/{host}/{port}/n", sgn).rsc == 2000
    for path, reason in ((f"/http/{host}/1/n", "target-not-listed"), ("/https/in.example/n", "target-not-listed"),
                         ("/x", None), ("/ftp/a/1", None)):
        r = plain(world.other, "notify", path, sgn)
        assert r.rsc in (4004, 4103) and (reason is None or r.reason == reason), (path, r)
    r = plain(world.other, "retrieve", "/x", None)
    assert (r.rsc, r.reason) == (4107, "association-required"), r


def test_init_makes_a_gate(tmp_path):
    p = ks.run("init", tmp_path / "g", "--role", "gate", "--port-base", "0", "--json")
    assert p.returncode == 0 and "mef_conf" not in json.loads(p.stdout), p.stdout
    conf = tmp_path / "g" / "gate.conf"
    assert ks.run("check", "-c", conf).returncode == 0
    text = conf.read_text()
    conf.write_text(text.replace("behind = http://127.0.0.1:8080", "behind = http://127.0.0.1:8081"))
    p = ks.run("check", "-c", conf)  # no target that is not on the list
    assert p.returncode != 0 and "points-of-access" in p.stdout + p.stderr
    for url in ("coap://127.0.0.1:8080", "https://bsf.example.com"):
        conf.write_text(text.replace("behind = http://127.0.0.1:8080", f"behind = {url}")
                        + f"\n[peer bsf.example.com]\nkind = bsf\naddress = 127.0.0.1:1\npsk-id = x@y\npsk = gate.root\n")
        p = ks.run("check", "-c", conf)
        said = p.stdout + p.stderr
        assert p.returncode != 0 and ("behind: neither http:// nor https://" if url.startswith("coap") else "[peer] of kind cse") in said, said
    conf.write_text(text.replace("#privileges =", 'privileges = {"acr":[{"acor":["Cx"]}]}'))
    p = ks.run("check", "-c", conf)
    assert p.returncode != 0 and "acop" in p.stdout + p.stderr, p
    assert ks.run("init", tmp_path / "h", "--role", "mef").returncode == 2
