"""An MN-CSE keeps itself registered at an IN-CSE, with real processes: association, both <remoteCSE>, restarts, refusals;
and requests travel between the two."""
import hashlib
import os
import re
import signal
import time

import keystead as ks
import pytest
from test_certificate import issue

MN = f"//{ks.SP}/mn"


def key_of(name):
    return hashlib.sha256(b"made-up kpsa " + name.encode()).digest()


def peer(lab, role, name, address, psk_id, key):
    f = lab.key_file(f"peer-{name}", key)
    lab.append(role, f"\n[peer {name}.{ks.SP}]\nkind = cse\ncsi = /{name}\naddress = {address}\n"
                     f"psk-id = {psk_id}@{ks.SP}\npsk = {f}\n")


def second_cse(lab):
    """A configuration `mn` beside that of the IN-CSE, and a way to each other."""
    text = lab.conf("cse").read_text()
    for name in ("cse.db", "cse.sock"):
        text = text.replace(name, name.replace("cse", "mn"))
    port = ks.free_port()
    text = re.sub(r"(?m)^address = 127.0.0.1:\d+$", f"address = 127.0.0.1:{port}", text, count=2)
    text = text.replace("csi = /in", "csi = /mn").replace("name = cse-in", "name = cse-mn").replace(f"in.{ks.SP}", f"mn.{ks.SP}")
    lab.conf("mn").write_text(text)
    lab.init["mn_address"] = f"127.0.0.1:{port}"
    for key, value in {"kind": "mn", "registrar": f"in.{ks.SP}", "registrar-check": "300ms"}.items():
        lab.set("mn", "cse", key, value)
    for role in ("cse", "mn"):
        lab.set(role, "server", "workers", 1 if role == "mn" else 2)
    lab.set("cse", "limits", "fetch-time", "1s")
    peer(lab, "mn", "in", "{}:{}".format(*lab.address("cse")), "mn", key_of("mn"))
    peer(lab, "cse", "mn", f"127.0.0.1:{port}", "in", key_of("in"))


def let_in(lab, role, name, who):
    lab.ctl_json(role, "credential", "add", "--kind", "kpsa", "--id", f"{name}@{ks.SP}", "--enrolee-id", who,
                 "--key-file", lab.key_file(name, key_of(name)))


def two_cses(lab, *more):
    """Both, started and joined, with an AE each: Sfar at the IN-CSE, Snear at the other. `more`: peers of the IN-CSE that are the other one
    under names without a CSE-ID."""
    second_cse(lab)
    for name in more:
        f = lab.key_file(f"peer-{name}", key_of("in"))
        lab.append("cse", f"\n[peer {name}]\nkind = cse\naddress = {lab.init['mn_address']}\npsk-id = in@{ks.SP}\npsk = {f}\n")
    lab.set("cse", "limits", "fetch-time", "5s")
    lab.start("cse", "mn")
    let_in(lab, "cse", "mn", MN)
    let_in(lab, "mn", "in", ks.CSE_ID)
    ks.wait_for(lambda: joined(lab), what="the registration")
    lab.far, lab.near = ae(lab, "cse", "far")[0], ae(lab, "mn", "near")[0]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as lab:
        second_cse(lab)
        lab.start("cse", "mn")
        yield lab


def cses(lab, role):
    return [r["CSE-ID"] for r in lab.ctl_json(role, "registration", "list")["registrations"] if r["kind"] == "cse"]


def joined(lab):
    return "/mn" in cses(lab, "cse") and "/in" in cses(lab, "mn")


def events(lab, role):
    return [e["event"] for e in lab.ctl_json(role, "audit", "tail", "--limit", "200")["events"]]


def test_no_registration_without_an_association(pair):
    """refuses R002-11: Step 001 is not sent; refuses R002-04: there is no <remoteCSE> at either end."""
    ks.wait_for(lambda: "event=registrar-away" in pair.servers["mn"].log(), what="a refusal")
    assert "code=peer-refused" in pair.servers["mn"].log()
    assert cses(pair, "cse") == [] and cses(pair, "mn") == []
    assert "cse-registered" not in events(pair, "cse")


def test_registration_makes_one_at_each_end(pair):
    """R002-04, R002-11, R002-17 .. R002-21: what the content says is what was created."""
    let_in(pair, "cse", "mn", MN)
    let_in(pair, "mn", "in", ks.CSE_ID)
    ks.wait_for(lambda: joined(pair), what="the registration")
    there = pair.ctl_json("cse", "registration", "show", "/mn")
    assert (there["CSE-ID"], there["CSEBase"], there["cseType"]) == ("/mn", f"{ks.CSE_ID}/-", 2), there  # R002-19 .. R002-21
    assert "registrar-joined" in events(pair, "mn") and "associated" in events(pair, "cse")


def test_descendants_are_told_upward(pair):
    let_in(pair, "mn", "deep", f"//{ks.SP}/deep")
    with pair.psk("mn", f"deep@{ks.SP}", key_of("deep")).connect() as c:
        assert ks.ask(c, "create", "/-", {"m2m:csr": {"rr": True, "srv": ["3"], "dcse": ["/deeper"]}}, 16, "/deep").rsc == 2001
    ks.wait_for(lambda: pair.ctl_json("cse", "registration", "show", "/mn").get("descendantCSEs") == ["/deep", "/deeper"],
                what="the descendants")
    with pair.psk("mn", f"in@{ks.SP}", key_of("in")).connect() as c:  # the registrar registers elsewhere
        assert ks.ask(c, "create", "/-", {"m2m:csr": {"rr": True, "srv": ["3"]}}, 16, "/in").rsc == 4005


def test_both_are_made_anew_after_each_restart(pair):
    for role in ("mn", "cse"):
        before = events(pair, "cse").count("associated")
        pair.restart(role)
        ks.wait_for(lambda: events(pair, "cse").count("associated") > before, what="the association")
        assert joined(pair)
    pair.ctl_json("cse", "registration", "remove", "/mn")
    ks.wait_for(lambda: "registrar-lost" in events(pair, "mn"), what="the loss")
    ks.wait_for(lambda: joined(pair), what="a new registration")
    pair.ctl_json("mn", "registration", "remove", "/in")  # one end alone: the other goes, then both are made
    ks.wait_for(lambda: joined(pair), what="a new registration")


def test_the_operator_ends_it(pair):
    assert pair.ctl_json("mn", "registrar", "show")["state"] == "registered"
    assert pair.ctl_json("mn", "registrar", "leave")["wanted"] is False
    ks.wait_for(lambda: pair.ctl_json("mn", "registrar", "show")["state"] == "left", what="the end")
    assert "/mn" not in cses(pair, "cse") and "/in" not in cses(pair, "mn")  # R002-04
    pair.ctl_json("mn", "registrar", "join")
    ks.wait_for(lambda: joined(pair), what="the registration")
    assert pair.ctl("cse", "registrar", "show").returncode == 1  # an IN-CSE has none


def test_a_cse_that_does_not_say_its_id(pair):
    """R002-18, R002-20: an empty From and no CSE-ID; the registrar assigns what belongs to the credential."""
    pair.ctl_json("mn", "registrar", "leave")
    ks.wait_for(lambda: pair.ctl_json("mn", "registrar", "show")["state"] == "left", what="the end")
    pair.set("mn", "cse", "registrar-from", "empty")
    pair.restart("mn")
    pair.ctl_json("mn", "registrar", "join")
    ks.wait_for(lambda: joined(pair), what="the registration")


# -- requests from one CSE to the other -------------------------------------------------------------------------------

def ae(lab, role, name):
    """An AE registered at `role`; its open connection and its stem."""
    let_in(lab, role, name, f"//{ks.SP}/S{name}")
    c = lab.psk(role, f"{name}@{ks.SP}", key_of(name)).connect()
    assert ks.register(c, f"S{name}").rsc == 2001
    return c, f"S{name}"


@pytest.fixture(scope="module")
def sides(pair):
    """An AE at each CSE; that of the MN-CSE has a container that everybody may use."""
    ks.wait_for(lambda: joined(pair), what="the registration")
    far, near = ae(pair, "cse", "far"), ae(pair, "mn", "near")
    acp = {"m2m:acp": {"rn": "all", "pv": {"acr": [{"acor": ["*"], "acop": 63}]}, "pvs": {"acr": [{"acor": ["Snear"], "acop": 63}]}}}
    assert ks.ask(near[0], "create", "/-/Snear", acp, 1, near[1]).rsc == 2001
    r = ks.ask(near[0], "create", "/-/Snear", {"m2m:cnt": {"rn": "box", "acpi": ["cse-mn/Snear/all"]}}, 3, near[1])
    assert r.rsc == 2001, r
    yield far, near
    far[0].close()
    near[0].close()


def test_requests_reach_the_other_cse_and_answers_come_back(sides):
    (far, who), (near, mine) = sides
    at = "/~/mn/cse-mn/Snear/box"  # SP-relative
    r = ks.ask(far, "create", at, {"m2m:cin": {"con": "from afar"}}, 4, who)
    assert (r.rsc, r.json["m2m:cin"]["con"]) == (2001, "from afar"), r
    r = ks.ask(far, "retrieve", f"/_/{ks.SP}/mn/cse-mn/Snear/box/la", origin=who)  # absolute
    assert (r.rsc, r.json["m2m:cin"]["con"]) == (2000, "from afar"), r
    r = ks.ask(far, "retrieve", f"{at}?rcn=4", origin=who)
    assert [i["con"] for i in r.json["m2m:cnt"]["m2m:cin"]] == ["from afar"], r
    assert ks.ask(far, "update", at, {"m2m:cnt": {"lbl": ["seen"]}}, origin=who).rsc == 2004
    assert ks.ask(near, "retrieve", "/~/in/-", origin=mine).rsc in (2000, 4103)  # upward; the policy there decides
    assert ks.ask(near, "retrieve", "/~/mn/cse-mn/Snear/box", origin=mine).rsc == 2000  # our own, by its long address
    assert ks.ask(far, "delete", f"{at}/la", origin=who).rsc == 2002


def test_what_goes_no_further(sides):
    (far, who), (near, mine) = sides
    for c, origin in ((far, who), (near, mine)):
        r = ks.ask(c, "retrieve", "/~/nowhere/cse-x", origin=origin)  # up, and from there nowhere: no circle
        assert (r.rsc, r.reason) == (4004, "not-found"), r
    r = ks.ask(far, "retrieve", "/~/deep/cse-deep", origin=who)  # below the MN-CSE, which has no way to it
    assert r.rsc == 4004, r
    r = ks.ask(far, "retrieve", "/~/mn/cse-mn/Snear/box", origin="Sother")
    assert (r.rsc, r.reason) == (4106, "from-not-associated"), r
    r = ks.ask(far, "retrieve", "/~/mn/cse-mn/Snear/box", origin=who, headers=["X-M2M-RET: 20200101T000000"])
    assert r.rsc == 4008, r
    assert ks.ask(far, "create", "/~/mn/-", {"m2m:ae": {"api": "Nx", "rr": False, "srv": ["3"]}}, 2, "").rsc in (4004, 4106)


def test_a_hop_that_hangs_delays_nobody_else(pair, sides):
    (far, who), _ = sides
    pids = pair.servers["mn"].pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        far.sendall(ks.request_octets("retrieve", "/~/mn/cse-mn/Snear/box", origin=who))
        began = time.monotonic()
        with pair.psk("cse", f"far@{ks.SP}", key_of("far")).connect() as c:
            assert ks.ask(c, "retrieve", "/-/Sfar", origin=who).rsc == 2000
        assert time.monotonic() - began < 0.8
        r = ks.read_response(far)
        assert (r.rsc, r.reason) == (5103, "peer-timeout"), r
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    r = ks.ask(far, "retrieve", "/~/mn/cse-mn/Snear/box", origin=who)
    assert r.rsc == 2000, r


def test_a_field_cse_with_a_certificate(pair):
    """R002-11: the association is made with a CSE-ID certificate; the registrar proves its name by its own."""
    issue(pair.where, "mn-cse", "cse-id", MN)
    pair.ctl_json("cse", "credential", "add", "--kind", "cert", "--id", MN, "--flavour", "cse-id")
    pair.stop("mn")
    text = pair.conf("mn").read_text()
    at = text.index(f"[peer in.{ks.SP}]")
    with_key = text[at:]
    lines = [line for line in with_key.splitlines() if not line.startswith("psk")]
    pair.conf("mn").write_text(text[:at] + "\n".join([*lines, "certificate = mn-cse.crt", "key = mn-cse.key", "trust = ca.crt", ""]))
    before = events(pair, "cse").count("associated")
    pair.ctl_json("cse", "registration", "remove", "/mn")
    pair.start("mn")
    ks.wait_for(lambda: "/mn" in cses(pair, "cse"), what="the registration")
    assert events(pair, "cse").count("associated") > before
    assert pair.ctl_json("cse", "registration", "show", "/mn")["credential-id"] != f"12-mn@{ks.SP}"


@pytest.mark.parametrize("before, after, word", [
    ("kind = mn", "kind = in", "an IN-CSE has no registrar"),  # refuses R002-05
    (f"registrar = in.{ks.SP}", "registrar = other.example.com", "no [peer] of kind cse"),
    ("csi = /in\n", "csi = /mn\n", "not the CSE-ID of another CSE"),
    ("trust = ca.crt\n", "", "\"trust\" is missing"),
    ("key = mn-cse.key\n", "key = mn-cse.key\npsk-id = a@b.example\n", "psk-id without psk"),
])
def test_what_check_says(pair, before, after, word):
    text = pair.conf("mn").read_text()
    at = text.index(f"[peer in.{ks.SP}]")
    assert text.count(before) >= 1, before
    faulty = text[:at] + text[at:].replace(before, after) if before in text[at:] else text.replace(before, after)
    f = pair.where / "faulty.conf"
    f.write_text(faulty)
    p = ks.run("check", "-c", f)
    assert p.returncode != 0 and word in p.stdout + p.stderr, p


def test_a_field_cse_with_a_key_of_its_maf(pair):
    """R002-11: MAF based; what `keystead device` keeps in a state is what the server asks with."""
    pair.start("mef", "maf")
    d = ks.Device("mcc", enrolee_id=MN)
    pair.add(d, allowed=False)
    pair.ctl_json("maf", "client", "allow", "--client", MN, "--target", ks.CSE_ID)
    at = {role: "{}:{}".format(*pair.address(role)) for role in ("mef", "maf", "cse")}
    state = pair.where / "mn-state"
    p = ks.run("device", "enrol", "--state", state, "--mef", at["mef"], "--mef-id", ks.MEF, "--kpm-id", d.kpm_id, "--key-file",
               pair.key_file(d.name, d.psk), "--target", ks.MAF, "--maf", at["maf"], "--json")
    assert p.returncode == 0, p.stdout
    pair.stop("mn")
    text = pair.conf("mn").read_text()
    at_peer = text.index(f"[peer in.{ks.SP}]")
    lines = [line for line in text[at_peer:].splitlines() if not line.startswith(("certificate", "key", "trust"))]
    pair.conf("mn").write_text(text[:at_peer] + "\n".join([*lines, "state = mn-state", ""]))
    pair.ctl_json("cse", "registration", "remove", "/mn")
    pair.start("mn")
    ks.wait_for(lambda: "code=not-provisioned" in pair.servers["mn"].log(), what="a refusal")  # refuses R002-11
    p = ks.run("device", "associate", "--state", state, "--cse", at["cse"], "--cse-id", ks.CSE_ID, "--json")
    assert p.returncode == 0, p.stdout
    ks.wait_for(lambda: "/mn" in cses(pair, "cse"), what="the registration")
    assert pair.ctl_json("cse", "registration", "show", "/mn")["credential-id"].startswith("11-")
