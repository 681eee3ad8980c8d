"""Ua with HTTP Digest at MAF and CSE: TLS with the server's certificate, then each request proved with the NAF key, which is fetched over Zn
when its B-TID turns up; R000-46, R000-73, R000-74. The BSF is that of test_gba_naf.py."""
import base64
import hashlib
import time

import pytest

import keystead as ks
import tlspsk
import uadigest
from test_certificate import issue
from test_gba_naf import BSF, Bsf

IN = f"in.{ks.SP}"
NAMES = {"maf": ks.MAF, "cse": IN}


@pytest.fixture(scope="module")
def bsf(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "u") as lab:
        it = Bsf(lab.where)
        it.lab, it.ports = lab, {role: ks.free_port() for role in NAMES}
        for role in NAMES:
            lab.append(role, f"\n[peer {BSF}]\nkind = bsf\naddress = 127.0.0.1:{it.server_address[1]}\ncertificate = {role}.crt\n"
                             f"key = {role}.key\ntrust = ca.crt\n[listener ua]\nrole = {role}\naddress = 127.0.0.1:{it.ports[role]}\n"
                             f"certificate = {role}.crt\nkey = {role}.key\nclients = digest\n{'aliases = ' + IN if role == 'cse' else ''}\n")
        lab.start("maf", "cse")
        yield it
        assert not ks.keys_in("".join(s.log() for s in lab.servers.values()),
                              [sim.naf(f, uadigest.SUITE) for sim in it.sims.values() for f in NAMES.values()])
        it.shutdown()


def ue(bsf, role, sim=None, **more):
    fqdn = NAMES[role]
    key = sim.naf(fqdn, uadigest.SUITE) if sim else b""
    return uadigest.Ue(("127.0.0.1", bsf.ports[role]), fqdn, bsf.lab.where / "ca.crt", sim and sim.b_tid, **{"key": key, **more})


def is_401(r, reason, stale=False):
    assert (r.status, r.reason) == (401, reason), r
    p = uadigest.parameters(r.headers["www-authenticate"])
    assert (p.get("stale") == "true") == stale, (reason, p)
    return p


def test_an_ae_registers(bsf):
    """R000-46, R000-74: bootstrapping required, then each request proved; qop auth and auth-int, MD5 and SHA-256."""
    sim = bsf.add("ae")
    with ue(bsf, "cse", sim) as c:
        c.strict = True
        p = is_401(c.challenge(), "bootstrapping-required")
        assert p["realm"] == f"3GPP-bootstrapping@{IN}"
        asked = len(bsf.asked)
        made = c.ask("create", "/-", {"m2m:ae": {"api": "Nmade-up", "rr": True, "srv": ["3"]}}, 2, sim.stem, qop="auth-int")
        assert (made.status, made.rsc) == (201, 2001), made
        for wrong in ({}, {"qop": "auth-int"}, {"algorithm": "SHA-256"}, {"qop": "auth-int", "algorithm": "SHA-256"}):
            assert c.ask("retrieve", f"/{sim.stem}?rcn=1", origin=sim.stem, **wrong).rsc == 2000, wrong
        assert len(bsf.asked) == asked + 1  # once for the connection
        path, rq = bsf.asked[-1]
        assert base64.b64decode(rq["nafId"]) == IN.encode() + bytes.fromhex("010001" + uadigest.SUITE)  # R000-73, R001-132
        r = c.ask("retrieve", f"/{sim.stem}", origin="Sother")  # From is bound to the Enrolee-ID
        assert (r.status, r.reason) == (403, "from-not-associated"), r
    shown = bsf.lab.ctl_json("cse", "credential", "show", sim.b_tid)
    assert (shown["source"], shown["enrolee-id"]) == (BSF, sim.enrolee_id)
    events = [e for e in bsf.lab.ctl_json("cse", "audit", "tail")["events"] if e["event"] == "associated" and e["object"] == sim.b_tid]
    assert len(events) == 1 and len(events[0]["association"]) == 32  # R004-19


def test_a_client_of_the_maf(bsf):
    sim = bsf.add("maf-client")
    with ue(bsf, "maf", sim) as c:
        made = c.ask("create", "/-", {"m2m:macr": {"et": ks.later(), "adfq": ks.SP}}, 60002, sim.enrolee_id)
        assert made.rsc == 2001, made


def test_the_key_in_the_card(bsf):
    sim = bsf.add("card-digest")
    key = sim.naf(IN, uadigest.SUITE, label=b"gba-u")
    with ue(bsf, "cse", sim, key=key, agent="3gpp-gba-uicc") as c:
        assert is_401(c.challenge(), "bootstrapping-required")["realm"] == f"3GPP-bootstrapping-uicc@{IN}"
        assert ks_registered(c, sim)  # R001-139
    with ue(bsf, "cse", sim, key=key) as c:  # refuses R001-139: outside the card it is the other key
        is_401(c.ask("retrieve", "/-", origin=sim.stem), "digest-wrong")


def ks_registered(c, sim):
    return c.ask("create", "/-", {"m2m:ae": {"api": "Nmade-up", "rr": True, "srv": ["3"]}}, 2, sim.stem).rsc == 2001


def test_what_is_refused(bsf):
    """refuses R000-46, refuses R000-74: each with its reason, and a challenge where another answer can be right."""
    sim, other = bsf.add("refused"), bsf.add("other")
    unknown = hashlib.sha256(b"unknown").digest()[:16]
    with ue(bsf, "cse", sim) as c:
        for wrong, reason, stale in (({"password": b"guessed"}, "digest-wrong", False),
                                     ({"uri": "/other"}, "digest-wrong", False),
                                     ({"realm": f"3GPP-bootstrapping@{ks.MAF}"}, "naf-realm", False),
                                     ({"realm": IN}, "naf-realm", False),
                                     ({"nonce": base64.b64encode(bytes(24)).decode()}, "nonce-stale", True),
                                     ({"nonce": "made up"}, "nonce-stale", True),
                                     ({"username": base64.b64encode(unknown).decode() + "@" + BSF}, "b-tid-unknown", False),
                                     ({"username": "nobody"}, "b-tid-unknown", False),
                                     ({"username": other.b_tid}, "digest-wrong", False)):
            is_401(c.ask("retrieve", "/-", origin=sim.stem, **wrong), reason, stale)
        for wrong, status, reason in (({"qop": "auth-conf"}, 400, "digest-malformed"), ({"nc": "1"}, 400, "digest-malformed"),
                                      ({"username": base64.b64encode(unknown).decode() + "@bsf.elsewhere.example"}, 403,
                                       "peer-not-configured")):
            r = c.ask("retrieve", "/-", origin=sim.stem, **wrong)
            assert (r.status, r.reason) == (status, reason), (wrong, r)
    with ue(bsf, "cse", sim) as c:
        c.challenge()
        body = {"m2m:ae": {"api": "Nmade-up", "rr": True, "srv": ["3"]}}
        forged = ks.request_octets("create", "/-", body, 2).partition(b"\r\n\r\n")[2].replace(b"made", b"evil")
        is_401(c.ask("create", "/-", body, 2, sim.stem, sent=forged, qop="auth-int"), "digest-wrong")
        assert ks_registered(c, sim)  # none of it harmed the connection
        is_401(c.ask("retrieve", f"/{sim.stem}", origin=sim.stem, nc=f"{c.nc:08x}"), "nonce-replayed", True)
        is_401(c.once("retrieve", f"/{sim.stem}", origin=sim.stem), "bootstrapping-required")  # each request proves itself
        nonce, nc = c.nonce, c.nc
        with ue(bsf, "cse", sim) as d:  # a nonce is good on its own connection alone
            d.nonce, d.realm, d.nc = nonce, c.realm, nc
            p = is_401(d.ask("retrieve", f"/{sim.stem}", origin=sim.stem), "nonce-stale", True)
            d.take(d.once("retrieve", "/-"))
            assert p["nonce"] != nonce and d.ask("retrieve", f"/{sim.stem}", origin=sim.stem).rsc == 2000
    assert "nonce-replayed" in bsf.lab.servers["cse"].log()


def tail(bsf, role, event, sim):
    return [e for e in bsf.lab.ctl_json(role, "audit", "tail")["events"] if e["event"] == event and e["object"] == sim.b_tid]


def log_of(bsf, role, reason):
    return [line for line in bsf.lab.servers[role].log().splitlines() if f"code={reason} " in line + " "]


def test_what_is_not_proved_costs_little(bsf):
    """refuses R000-46: who changes the realm at each request makes no server ask or write without end."""
    sim = bsf.add("card-flood")
    for connection in range(2):
        with ue(bsf, "cse") as c:
            c.b_tid = sim.b_tid
            c.challenge()
            asked, realms = len(bsf.asked), [c.realm, c.realm.replace("bootstrapping@", "bootstrapping-uicc@")]
            for i in range(3):
                is_401(c.ask("retrieve", "/-", response="0" * 32, realm=realms[i % 2]), "digest-wrong")
            is_401(c.ask("retrieve", "/-", response="0" * 32, realm=realms[0]), "digest-wrong")  # whose key is there already
            r = c.ask("retrieve", "/-", response="0" * 32, realm=realms[1])
            assert (r.status, r.reason) == (403, "requests-unproved") and len(bsf.asked) == asked + 3, (r, len(bsf.asked) - asked)
            with pytest.raises((tlspsk.Closed, OSError)):
                c.ask("retrieve", "/-")
    assert len(tail(bsf, "cse", "kpsa-stored", sim)) == 1
    with ue(bsf, "cse", sim) as c:  # three without a proof between them, not three in all
        for _ in range(4):
            is_401(c.ask("retrieve", "/-", response="0" * 32, realm=realms[1]), "digest-wrong")
            c.realm = realms[0]
            r = c.ask("retrieve", "/-", origin=sim.stem)
            assert r.status != 401 and r.reason != "requests-unproved", r


def octets(c, path, origin):
    c.nc += 1
    return ks.request_octets("retrieve", path, None, None, origin, ("User-Agent: made-up 3gpp-gba", c.header("GET", path, b"")), c.host)


def test_two_on_one_connection(bsf):
    """refuses R000-74: what one has sent is not taken again after another has turned up, and nobody's refusal is on another's account."""
    a, b = bsf.add("shared-a"), bsf.add("shared-b")
    with ue(bsf, "cse", a) as c:
        assert ks_registered(c, a)
        sent = octets(c, f"/{a.stem}", a.stem)
        c.sock.sendall(sent)
        assert ks.read_response(c).rsc == 2000
        asked, wrong = len(bsf.asked), len(log_of(bsf, "cse", "digest-wrong"))
        is_401(c.ask("retrieve", "/-", username=b.b_tid, response="0" * 32), "digest-wrong")  # proves nothing, so takes no place
        is_401(c.once("retrieve", "/-"), "bootstrapping-required")
        lines = log_of(bsf, "cse", "digest-wrong")[wrong:] + log_of(bsf, "cse", "bootstrapping-required")
        assert lines and not any(a.enrolee_id in line or a.b_tid in line for line in lines), lines
        c.sock.sendall(sent)
        is_401(ks.read_response(c), "nonce-replayed", True)
        assert c.ask("retrieve", f"/{a.stem}", origin=a.stem).rsc == 2000 and len(bsf.asked) == asked + 1
        sent = octets(c, f"/{a.stem}", a.stem)
        c.sock.sendall(sent)
        assert ks.read_response(c).rsc == 2000
        c.b_tid, c.key = b.b_tid, b.naf(IN, uadigest.SUITE)
        c.take(c.ask("retrieve", "/-", origin=b.stem))  # his nonce has to be a new one
        assert ks_registered(c, b)
        for _ in range(2):
            c.sock.sendall(sent)
            is_401(ks.read_response(c), "nonce-replayed", True)
        assert c.ask("retrieve", f"/{b.stem}", origin=b.stem).rsc == 2000
        bsf.lab.ctl_json("cse", "credential", "revoke", b.b_tid)
        with pytest.raises((tlspsk.Closed, OSError, AssertionError)):
            for _ in range(50):
                assert c.ask("retrieve", f"/{b.stem}", origin=b.stem).rsc == 2000
                time.sleep(0.1)


def test_no_key_is_exported(bsf):
    """refuses R001-59: the handshake authenticated no client, so nothing that follows from it is a secret between two. kv is taken."""
    sim = bsf.add("export")
    with ue(bsf, "maf", sim) as c:
        made = c.ask("create", "/-", {"m2m:macr": {"et": ks.later(), "adfq": ks.SP}}, 60002, sim.enrolee_id)
        bsf.lab.ctl_json("maf", "client", "allow", "--client", sim.enrolee_id, "--target", ks.CSE_ID)
        skr = {"et": ks.later(), "adfq": ks.SP, "suid": 32, "tgis": [ks.CSE_ID]}
        path = f"/{made.json['m2m:macr']['ri']}"
        r = c.ask("create", path, {"m2m:skr": skr}, 60003, sim.enrolee_id)
        assert (r.rsc, r.reason) == (4105, "export-by-digest"), r
        kv = base64.b64encode(hashlib.sha256(b"made-up kv").digest()).decode()
        assert c.ask("create", path, {"m2m:skr": {**skr, "kv": kv}}, 60003, sim.enrolee_id).rsc == 2001


def test_the_end_of_the_key(bsf):
    """R001-134: while it lasts it is used again; at its end bootstrapping is required again. refuses R001-134"""
    sim = bsf.add("short", seconds=6)
    with ue(bsf, "cse", sim) as c:
        assert ks_registered(c, sim)
        asked = len(bsf.asked)
        assert c.ask("retrieve", f"/{sim.stem}", origin=sim.stem).rsc == 2000 and len(bsf.asked) == asked
        time.sleep(max(0, sim.end - time.time()) + 0.2)
        try:  # the association is over: it is closed, or the next request is told
            is_401(c.ask("retrieve", f"/{sim.stem}", origin=sim.stem), "credential-expired")
        except (tlspsk.Closed, OSError):
            pass
    with ue(bsf, "cse", sim) as c:
        is_401(c.ask("retrieve", f"/{sim.stem}", origin=sim.stem), "credential-expired")
    renewed = bsf.add("short-2")
    renewed.stem, renewed.enrolee_id = sim.stem, sim.enrolee_id
    with ue(bsf, "cse", renewed) as c:
        assert c.ask("retrieve", f"/{sim.stem}", origin=sim.stem).rsc == 2000


def test_withdrawn_here(bsf):
    sim = bsf.add("withdrawn")
    with ue(bsf, "cse", sim) as c:
        assert ks_registered(c, sim)
    bsf.lab.ctl_json("cse", "credential", "revoke", sim.b_tid)
    with ue(bsf, "cse", sim) as c:
        r = c.ask("retrieve", f"/{sim.stem}", origin=sim.stem)
        assert (r.status, r.reason) == (403, "credential-revoked"), r


def test_a_bsf_that_is_away_holds_up_nobody(bsf):
    slow, quick = bsf.add("slow"), bsf.add("quick")
    bsf.hold = slow.b_tid
    try:
        with ue(bsf, "cse", slow) as waits, ue(bsf, "cse", quick) as goes:
            waits.challenge()
            waits.nc = 1
            waits.sock.sendall(ks.request_octets("retrieve", "/-", headers=[waits.header("GET", "/-", b"")], host=IN))
            assert ks_registered(goes, quick)
    finally:
        bsf.hold = None


def test_configuration(bsf):
    """What cannot work is said at check."""
    text = bsf.lab.conf("maf").read_text()
    for old, new, said in (("clients = digest", "clients = digest\ntls = off", "clients = digest"),
                           ("kind = bsf", "kind = mef", "kind bsf")):
        file = bsf.lab.where / "wrong.conf"
        file.write_text(text.replace(old, new))
        p = ks.run("check", "-c", file)
        assert p.returncode != 0 and said in p.stdout + p.stderr, (new, p.stdout + p.stderr)
