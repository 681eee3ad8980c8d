"""Direct dynamic authorization: a DAS of our own behind HTTP grants, refuses, lies and hangs; the request waits for it, and nobody else."""
import http.server
import json
import threading
import time

import pytest

import keystead as ks


class Das:
    """`answer(dreq)` is a dynamicACPInfo, an HTTP status, octets, or None to say nothing for a while."""

    def __init__(self):
        das = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                das.got.append((self.path, self.headers, body.get("m2m:seci", body)))
                a = das.answer(body["m2m:seci"]["dreq"]) if "m2m:seci" in body else b"{}"
                if a is None:
                    time.sleep(20)
                    return
                status, out = (a, b"") if isinstance(a, int) else (200, a) if isinstance(a, bytes) else (
                    200, json.dumps({"m2m:seci": {"sit": 2, "dres": {"dai": a}}}).encode())
                self.send_response(status)
                self.send_header("X-M2M-RSC", "2000" if status == 200 else "4103")
                self.send_header("X-M2M-RI", self.headers["X-M2M-RI"])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            def log_message(self, *args):
                pass

        self.got, self.answer = [], lambda dreq: 403
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def grant(acop, who="all", **more):
    return {"gp": {"acr": [{"acor": [who], "acop": acop}]}, **more}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = ks.Lab(tmp_path_factory.mktemp("das") / "lab")
    lab.das = Das()
    lab.set("cse", "server", "points-of-access", f"127.0.0.1:{lab.das.port}")
    lab.set("cse", "limits", "fetch-time", "1s")
    lab.set("cse", "cse", "dynamic-authorization", "on")
    lab.set("cse", "cse", "dynamic-lifetime", "1h")
    lab.set("cse", "cse", "role-issuers", "Sowner")
    with lab:
        lab.start("cse")
        lab.keys = {n: lab.add_kpsa(n, enrolee_id=f"//{ks.SP}/S{n}") for n in ("owner", "guest", "other")}
        for n in lab.keys:
            with connect(lab, n) as c:
                assert ks.register(c, f"S{n}").rsc == 2001
        with connect(lab, "owner") as c:
            dac = {"m2m:dac": {"rn": "das", "dae": True, "dap": ["http://127.0.0.1:1/", f"http://127.0.0.1:{lab.das.port}/ask"]}}
            assert ks.ask(c, "create", "/Sowner", dac, 34, "Sowner").rsc == 2001
        yield lab
    lab.das.close()


def connect(lab, name):
    return lab.psk("cse", *lab.keys[name]).connect()


def box(conn, name, **more):
    r = ks.ask(conn, "create", "/Sowner", {"m2m:cnt": {"rn": name, "daci": ["Sowner/das"], **more}}, 3, "Sowner")
    assert r.rsc == 2001, r


def get(conn, name, who="guest"):
    return ks.ask(conn, "retrieve", f"/-/Sowner/{name}", origin=f"S{who}")


def test_granted_for_one_originator_resource_and_operation(lab):
    lab.das.answer = lambda dreq: grant(2)
    with connect(lab, "owner") as o, connect(lab, "guest") as g, connect(lab, "other") as x:
        box(o, "one")
        n = len(lab.das.got)
        assert get(g, "one").rsc == 2000
        path, headers, seci = lab.das.got[-1]
        dreq = seci["dreq"]
        assert path == "/ask" and seci["sit"] == 1 and headers["X-M2M-Origin"] == f"//{ks.SP}/in"
        assert (dreq["or"], dreq["op"], dreq["oip"]) == (f"//{ks.SP}/Sguest", 2, {"ip4": "127.0.0.1"}) and "trt" not in dreq
        assert get(g, "one").rsc == 2000 and len(lab.das.got) == n + 1, "it is kept"
        lab.das.answer = lambda dreq: 403
        assert get(x, "one", "other").rsc == 4103 and len(lab.das.got) == n + 2, "not for others"
        r = ks.create_content(g, "Sguest", "/-/Sowner/one", "v")
        assert (r.rsc, r.reason) == (4103, "no-privilege") and lab.das.got[-1][2]["dreq"]["trt"] == 4, r
        lab.das.answer = lambda dreq: grant(1, "Sguest")
        time.sleep(1.1)  # a refusal is remembered for a second
        assert ks.create_content(g, "Sguest", "/-/Sowner/one", "v").rsc == 2001
        assert "privileges-granted" in lab.ctl("cse", "audit", "tail", "--limit", "50").stdout
        ks.ask(x, "retrieve", "/-/Sowner/one?rids=r@sp.test", origin="Sother")
        assert lab.das.got[-1][2]["dreq"]["orid"] == ["r@sp.test"]
        # the owner thinks better of it
        assert ks.ask(o, "update", "/-/Sowner/das", {"m2m:dac": {"dae": False}}, origin="Sowner").rsc == 2004
        assert get(g, "one").rsc == 4103
        assert ks.ask(o, "update", "/-/Sowner/das", {"m2m:dac": {"dae": True}}, origin="Sowner").rsc == 2004


@pytest.mark.parametrize("name,answer", [
    ("status", 403), ("error", 500), ("empty", {}), ("text", b"no"), ("deep", b"[" * 60000), ("no-rules", {"gp": {"acr": []}}),
    ("past", grant(2, pl="20000101T000000")), ("unknown", grant(2, nope=1) | {"gp": {"acr": [{"acor": ["all"], "acop": 2, "x": 1}]}}),
    ("somebody-else", grant(2, "Sother")), ("something-else", grant(1))])
def test_what_is_no_grant(lab, name, answer):
    lab.das.answer = lambda dreq: answer
    with connect(lab, "owner") as o, connect(lab, "guest") as g:
        box(o, name)
        n = len(lab.das.got)
        r = get(g, name)
        assert (r.rsc, r.reason) == (4103, "no-privilege") and len(lab.das.got) == n + 1, r


def test_a_grant_ends(lab):
    lab.das.answer = lambda dreq: grant(2, pl=time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() + 2)))
    with connect(lab, "owner") as o, connect(lab, "guest") as g:
        box(o, "short")
        assert get(g, "short").rsc == 2000
        lab.das.answer = lambda dreq: 403
        ks.wait_for(lambda: get(g, "short").rsc == 4103, what="the end of the grant")


def test_only_the_one_who_asks_waits(lab):
    lab.das.answer = lambda dreq: None
    with connect(lab, "owner") as o, connect(lab, "guest") as g:
        box(o, "slow")
        g.sendall(ks.request_octets("retrieve", "/-/Sowner/slow", origin="Sguest"))
        began = time.monotonic()
        for _ in range(20):
            assert get(o, "slow", "owner").rsc == 2000
        assert time.monotonic() - began < 0.9, "fetch-time is a second"
        assert ks.read_response(g).rsc == 4103


def test_who_gets_messages_is_asked_after_the_das(lab):
    """A subscription that the DAS grants: whom its notifications would go to has to want them all the same."""
    lab.das.answer = lambda dreq: grant(3)
    with connect(lab, "owner") as o, connect(lab, "guest") as g:
        box(o, "watched")
        assert get(g, "watched").rsc == 2000  # who may not read it is not told of it
        sub = {"m2m:sub": {"rn": "s", "nu": [f"http://127.0.0.1:{lab.das.port}/told"]}}
        n = len(lab.das.got)
        assert ks.ask(g, "create", "/-/Sowner/watched", sub, 23, "Sguest").rsc == 2001
        asked = lab.das.got[n:]
        assert [p for p, _, _ in asked] == ["/ask", "/told"] and asked[1][2]["m2m:sgn"]["vrq"] is True


def test_who_may_name_a_das(lab):
    """Whoever names the DAS of a resource gives rights to it: so by selfPrivileges alone, and only one that is here."""
    with connect(lab, "owner") as o, connect(lab, "guest") as g:
        rule = {"acr": [{"acor": ["all"], "acop": 63}]}
        acp = {"m2m:acp": {"rn": "open", "pv": rule, "pvs": {"acr": [{"acor": ["Sowner"], "acop": 63}]}}}
        assert ks.ask(o, "create", "/Sowner", acp, 1, "Sowner").rsc == 2001
        box(o, "open-box", acpi=["Sowner/open"])
        mine = {"m2m:dac": {"rn": "mine", "dae": True, "dap": [f"http://127.0.0.1:{lab.das.port}/mine"]}}
        assert ks.ask(g, "create", "/Sguest", mine, 34, "Sguest").rsc == 2001
        change = {"m2m:cnt": {"daci": ["Sguest/mine"]}}
        assert ks.ask(g, "update", "/-/Sowner/open-box", change, origin="Sguest").rsc == 4103
        r = ks.ask(o, "update", "/-/Sowner/open-box", {"m2m:cnt": {"daci": ["Sowner/das"], "mni": 3}}, origin="Sowner")
        assert r.rsc // 1000 == 4 and "daci" in str(r.json), r
        for bad in ("Sowner/none", "Sowner", "/mn1/das"):
            r = ks.ask(o, "update", "/-/Sowner/open-box", {"m2m:cnt": {"daci": [bad]}}, origin="Sowner")
            assert r.rsc == 4102 and "daci" in str(r.json), r
        assert ks.ask(o, "update", "/-/Sowner/open-box", {"m2m:cnt": {"daci": None}}, origin="Sowner").rsc == 2004
        assert ks.ask(o, "create", "/Sowner", {"m2m:dac": {"rn": "x"}}, 34, "Sowner").rsc // 1000 == 4


def test_role(lab):
    """A role, from the issuer that the operator named, for who says that he acts in it."""
    with connect(lab, "owner") as o, connect(lab, "guest") as g:
        owner = {"acr": [{"acor": ["Sowner"], "acop": 63}]}
        acp = {"m2m:acp": {"rn": "readers", "pv": {"acr": [{"acor": ["reader@sp.example"], "acop": 2}]}, "pvs": owner}}
        assert ks.ask(o, "create", "/Sowner", acp, 1, "Sowner").rsc == 2001
        assert ks.ask(o, "create", "/Sowner", {"m2m:cnt": {"rn": "library", "acpi": ["Sowner/readers"]}}, 3, "Sowner").rsc == 2001
        rol = {"rn": "reader", "rlid": "reader@sp.example", "tkhd": "Sguest", "tknb": "20200101T000000", "tkna": "20990101T000000"}
        assert ks.ask(g, "create", "/Sguest", {"m2m:rol": rol | {"tkis": "Sguest"}}, 31, "Sguest").rsc == 4103
        assert ks.ask(g, "retrieve", "/-/Sowner/library?rids=reader%40sp.example", origin="Sguest").rsc == 4103
        assert ks.ask(o, "create", "/Sguest", {"m2m:rol": rol | {"tkis": "Sowner"}}, 31, "Sowner").rsc == 2001
        assert ks.ask(g, "retrieve", "/-/Sowner/library?rids=reader%40sp.example", origin="Sguest").rsc == 2000
        assert get(g, "library").rsc == 4103
