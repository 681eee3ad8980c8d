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
