"""ctl explain: a device that fails at one step after the other; each time the answer names the step, its clause and what to do,
and never a secret. What a handshake leaves in the audit chain: of who is known an event, of a stranger none."""
import hashlib
import json
import re
import time

import pytest

import badcerts
import keystead as ks
import tlspsk

WRONG = hashlib.sha256(b"made-up wrong key").digest()
SIGNS = "keyUsage = critical,digitalSignature"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as it:
        it.set("mef", "server", "workers", "1")
        it.set("cse", "cse", "admin", f"//{ks.SP}/Sadmin")
        it.start()
        yield it
        secrets = [s for d in it.devices for s in d.secrets] + [WRONG]
        assert not ks.keys_in(it.spoken, secrets), "explain printed a key"


def refused(client):
    with pytest.raises(tlspsk.Alert):
        client.connect()
    client.close()


def explain(lab, role, name):
    return lab.ctl_json(role, "explain", name)


def at_refusal(lab, role, name, code):
    """The answer once the event of a refused handshake is there: nobody waits for it."""
    ks.wait_for(lambda: explain(lab, role, name).get("last-refusal", {}).get("code") == code, 20, f"{code} of {name}")
    return explain(lab, role, name)


def first(answer, kind):
    return next(o for o in answer["objects"] if o["kind"] == kind)


def events(lab, role):
    return lab.ctl_json(role, "audit", "verify")["events"]


# -- each step ---------------------------------------------------------------------------------------------------
def test_waiting_then_wrong_key_then_enrolled(lab):
    d = lab.device("explain-key")
    x = explain(lab, "mef", d.kpm_id)
    assert x["found"] and x["objects"][0]["state"] == "waiting" and x["do"].startswith("start the device"), x
    assert "last-refusal" not in x
    refused(lab.psk("mef", d.kpm_id, WRONG))
    x = at_refusal(lab, "mef", d.kpm_id, "psk-wrong")
    last = x["last-refusal"]
    assert "Kpm" in last["step"] and last["step-clause"] == "TS-0003 8.3.2.1" and last["refusals"] == 1, last
    assert last["peer"] == "127.0.0.1" and last["object"] == d.kpm_id
    assert "compare its key file" in x["do"], x["do"]
    lab.enrol(d)
    x = explain(lab, "mef", d.kpm_id)
    assert x["objects"][0]["state"] == "enrolled" and x["do"] == "nothing", x  # the success is newer than the refusal
    assert x["last-refusal"]["code"] == "psk-wrong", "it stays findable"
    assert x["objects"][0]["gave"] == [d.ke_id.lower()] or x["objects"][0]["gave"] == [d.ke_id], x
    ke = explain(lab, "mef", d.ke_id)
    assert first(ke, "enrolment-key")["state"] == "issued" and first(ke, "enrolment-key")["came-from"] == d.kpm_id.lower()
    assert [e["event"] for e in x["history"]][-1] == "ke-issued"


def test_no_instruction(lab):
    d = lab.add(ks.Device("explain-idle"), instructed=False, allowed=False)
    assert explain(lab, "mef", d.kpm_id)["objects"][0]["state"] == "no-instruction"
    refused(lab.psk("mef", d.kpm_id, d.psk))
    x = at_refusal(lab, "mef", d.kpm_id, "not-instructed")
    assert "ctl instruction add" in x["do"], x["do"]
    lab.ctl_json("mef", "instruction", "add", d.kpm_id, "--target", ks.MAF, "--enrolee-id", d.enrolee_id)
    x = explain(lab, "mef", d.kpm_id)
    assert x["objects"][0]["state"] == "waiting"
    assert [i["target"] for i in x["objects"][0]["instructions"]] == [ks.MAF]
    assert "has changed something since" in x["do"], x["do"]
    by_enrolee = explain(lab, "mef", d.enrolee_id)  # only its instruction names it
    assert by_enrolee["objects"][0]["id"] == d.kpm_id, by_enrolee
    lab.enrol(d)


def test_expired_suspended_revoked(lab):
    d = lab.device("explain-short", lifetime="2s")
    time.sleep(2.2)
    refused(lab.psk("mef", d.kpm_id, d.psk))
    x = at_refusal(lab, "mef", d.kpm_id, "credential-expired")
    assert x["objects"][0]["state"] == "expired" and "longer --lifetime" in x["do"], x
    d = lab.device("explain-held")
    lab.ctl_json("mef", "credential", "suspend", d.kpm_id)
    refused(lab.psk("mef", d.kpm_id, d.psk))
    x = at_refusal(lab, "mef", d.kpm_id, "credential-suspended")
    assert x["objects"][0]["state"] == "suspended" and "resume" in x["do"], x
    lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
    refused(lab.psk("mef", d.kpm_id, d.psk))
    x = at_refusal(lab, "mef", d.kpm_id, "credential-revoked")
    assert x["objects"][0]["state"] == "revoked" and "under another name" in x["do"], x
    assert x["last-refusal"]["refusals"] == 2


def test_target_that_is_none(lab):
    lab.device("explain-of-the-cse", target=ks.CSE_ID)  # so that the MEF knows the CSE as the target of somebody
    d = lab.enrol(lab.device("explain-target"))
    r = lab.fetch(d.ke_id, suid=22, who="cse")
    assert r.status == 403, r
    x = explain(lab, "mef", d.ke_id)
    assert x["last-refusal"]["code"] == "not-the-target" and "key retrieval" in x["last-refusal"]["step"], x
    assert x["last-refusal"]["step-clause"] == "TS-0003 8.3.2.1" and "ctl instruction add" in x["do"]


def test_maf_steps(lab):
    d = lab.add(ks.Device("explain-maf"), allowed=False)
    lab.enrol(d)
    refused(lab.psk("maf", d.ke_id, WRONG))
    x = at_refusal(lab, "maf", d.ke_id, "psk-wrong")
    assert first(x, "master-credential")["state"] == "valid" and "KmId or KeId" in x["last-refusal"]["step"], x
    assert "let it enrol again" in x["do"]
    assert lab.maf_register(d).rsc == 2001
    assert lab.key_register(d).rsc == 4103
    x = explain(lab, "maf", d.enrolee_id)
    assert x["last-refusal"]["code"] == "client-not-allowed" and "MAF key registration" in x["last-refusal"]["step"], x
    assert "ctl client allow" in x["do"] and first(x, "client-registration")["state"] == "registered"
    lab.ctl_json("maf", "client", "allow", "--role", "maf", "--client", d.enrolee_id, "--target", ks.CSE_ID)
    assert "has changed something since" in explain(lab, "maf", d.enrolee_id)["do"]
    assert lab.key_register(d).rsc == 2001
    x = explain(lab, "maf", d.kc_id)
    assert first(x, "registered-key")["state"] == "registered" and x["do"] == "nothing", x


def test_cse_steps(lab):
    d = lab.journey("explain-cse")
    x = explain(lab, "cse", d.kc_id)
    assert first(x, "association-credential")["state"] == "valid" and first(x, "application-entity")["state"] == "registered", x
    refused(lab.psk("cse", d.kc_id, WRONG))
    x = at_refusal(lab, "cse", d.kc_id, "psk-wrong")
    assert "Kpsa or Kc" in x["last-refusal"]["step"] and "TS-0003 8.2.2.1" in x["last-refusal"]["step-clause"], x
    with lab.cse(d) as c:
        r = ks.ask(c, "retrieve", "/-", origin="Ssomebody-else")
        assert r.status == 403, r
    x = explain(lab, "cse", d.kc_id)
    associated = [e for e in x["history"] if e["event"] == "associated"][-1]
    a = explain(lab, "cse", associated["association"])
    assert first(a, "association")["peer"] == associated["peer"] and first(a, "association")["state"] == "established", a
    assert a["last-refusal"]["code"] == "from-not-associated" and a["last-refusal"]["step"] == "a request to the CSE", a
    assert "use the identity" in a["do"]
    assert explain(lab, "cse", f"//{ks.SP}/{d.stem}")["found"]


# -- what is not there ------------------------------------------------------------------------------------------
def test_unknown_and_near(lab):
    d = lab.device("explain-near")
    x = explain(lab, "mef", "explain-near@elsewhere.test")
    assert not x["found"] and x["objects"] == [] and x["near"] == [d.kpm_id], x
    assert "credential, key, client" in x["looked-for"] and "ctl credential list" in x["do"]
    x = explain(lab, "mef", "nobody@elsewhere.test")
    assert not x["found"] and x["near"] == [] and x["history"] == []
    p = lab.ctl("mef", "explain", "x" * 4000)
    assert p.returncode == 2, p.stderr
    assert lab.ctl("mef", "explain").returncode == 2


def test_text(lab):
    """What a person reads: one line each, the state, the step and what to do."""
    d = lab.device("explain-text")
    refused(lab.psk("mef", d.kpm_id, WRONG))
    at_refusal(lab, "mef", d.kpm_id, "psk-wrong")
    p = lab.ctl("mef", "explain", d.kpm_id)
    assert p.returncode == 0, p.stderr
    for line in ("state: waiting", "last-refusal.code: psk-wrong", "last-refusal.step-clause: TS-0003 8.3.2.1"):
        assert line in p.stdout, p.stdout
    assert re.search(r"^do: the device holds another key", p.stdout, re.M), p.stdout


def test_offline(lab):
    """Of a store that no server holds, too."""
    lab.stop("mef")
    try:
        assert explain(lab, "mef", lab.devices[0].kpm_id)["found"]
    finally:
        lab.start("mef")


# -- what stays out ------------------------------------------------------------------------------------------------
def test_strangers_cost_no_record(lab):
    before = {r: events(lab, r) for r in ks.ROLES}
    for i in range(20):
        refused(lab.psk("mef", f"stranger-{i}@{ks.MEF}", WRONG))
        refused(lab.psk("maf", ks.key_id(i.to_bytes(16, "big"), ks.MEF), WRONG))  # the MEF is asked, and has none
        refused(lab.psk("cse", ks.key_id(i.to_bytes(16, "big"), ks.MAF), WRONG))
    time.sleep(0.5)
    assert {r: events(lab, r) for r in ks.ROLES} == before
    assert not explain(lab, "mef", f"stranger-1@{ks.MEF}")["found"]


def test_a_wrong_key_again_and_again_is_bounded(lab):
    """One worker: 16 events of one reason, then one a minute; what went before in this file counts too."""
    d = lab.device("explain-flood")
    before = events(lab, "mef")
    for _ in range(50):
        refused(lab.psk("mef", d.kpm_id, WRONG))
    time.sleep(0.5)
    assert events(lab, "mef") - before <= 18
    assert lab.ctl_json("mef", "status")["counters"]["refusals"]["psk-wrong"] >= 50


def test_certificates_that_are_known_and_may_not(lab):
    """The chain is good, the credential is not: the event names the certificate, and explain finds it."""
    m = badcerts.Maker(lab.where / "known")
    ca = (lab.where / "ca.crt", lab.where / "ca.key", [])
    for name, end, code in (("revoked", "90d", "credential-revoked"), ("expired", "1s", "credential-expired"),
                            ("idle", "90d", "not-instructed")):
        ident = f"//{ks.SP}/Sknown-{name}"
        serial = m.cert(name, ca, [SIGNS, f"subjectAltName = URI:m2m:{ident}"])
        more = [] if name == "idle" else ["--target", ks.MAF]
        lab.ctl_json("mef", "credential", "add", "--kind", "cert", "--id", ident, "--flavour", "ae-id", "--lifetime", end, *more)
        if name == "revoked":
            lab.ctl_json("mef", "credential", "revoke", ident)
        time.sleep(1.2 if name == "expired" else 0)
        host, port = lab.address("mef")
        badcerts.openssl("s_client", "-connect", f"{host}:{port}", "-tls1_2", "-servername", "localhost", "-CAfile", ca[0],
                         "-cert", m.where / f"{name}.crt", "-key", m.where / f"{name}.key", stdin=b"Q\n", ok=False)
        x = at_refusal(lab, "mef", ident, code)  # refuses R001-31
        assert x["last-refusal"]["step"] == "the handshake with a certificate at the MEF", x
        assert f"serial {serial} by /" in x["last-refusal"]["object"] and x["objects"][0]["kind"] == "bootstrap-credential", x
        told = [e for e in lab.ctl_json("mef", "audit", "tail", "--limit", "50")["events"] if e["event"] == "certificate-refused"]
        assert told[-1]["outcome"] == code
        assert explain(lab, "mef", serial)["last-refusal"]["code"] == code


# -- resources and commands -------------------------------------------------------------------------------------------
def test_commands_of_a_mef_client(lab):
    d = lab.enrol(lab.device("explain-cmd"))
    add = ("command", "add", d.enrolee_id, json.dumps({"deviceConfigURI": f"1:http://{ks.MEF}/x"}), "--class", "dev-cfg")
    one, two = (lab.ctl_json("mef", *add)["id"] for _ in range(2))
    lab.ctl_json("mef", "command", "cancel", d.enrolee_id, one)
    x = explain(lab, "mef", one)
    assert (x["objects"][0]["kind"], x["objects"][0]["state"]) == ("mef-client-command", "cancelled"), x
    assert [e["event"] for e in x["history"]][-1] == "command-cancelled"
    x = explain(lab, "mef", two)
    assert x["objects"][0]["state"] == "waiting" and "keystead device commands" in x["do"], x
    assert x["objects"][0]["client"] == d.enrolee_id and x["objects"][0]["class"] == "dev-cfg"
    of_client = {o["id"]: o["state"] for o in explain(lab, "mef", d.kpm_id)["objects"] if o["kind"] == "mef-client-command"}
    assert of_client == {one: "cancelled", two: "waiting"}
    assert not explain(lab, "mef", "cmd-of-nobody")["found"]


def test_contract_and_its_nodes(lab):
    lab.ctl_json("cse", "subscription", "add", "explained", "--lifetime", "1d", "--services", "cnt")
    lab.ctl_json("cse", "node", "add", "gw", "--subscription", "explained", "--node-id", "urn:gw", "--cse-id", "/in")
    x = explain(lab, "cse", "explained")
    assert (first(x, "service-subscription")["state"], first(x, "service-subscription")["services"]) == ("running", ["cnt"]), x
    assert x["do"] == "nothing" and x["history"][-1]["event"] == "resource-created"
    for name in ("explained/gw", "/-/explained/gw", first(explain(lab, "cse", "explained/gw"), "subscribed-node")["id"]):
        n = first(explain(lab, "cse", name), "subscribed-node")
        assert (n["state"], n["node-id"], n["registrar"], n["address"]) == ("subscribed", "urn:gw", "/in", "cse-in/explained/gw"), n
    lab.ctl_json("cse", "subscription", "add", "brief", "--lifetime", "3s")
    brief = explain(lab, "cse", "brief")["objects"][0]["id"]
    time.sleep(3.1)
    x = explain(lab, "cse", brief)
    assert not x["found"] or (first(x, "service-subscription")["state"] == "over" and "ctl subscription add" in x["do"]), x


def test_group_and_node(lab):
    d = lab.journey("explain-group")
    with lab.cse(d) as c:
        assert ks.create_container(c, d.stem, f"/{d.stem}", "lamp").rsc == 2001
        r = ks.ask(c, "create", f"/-/{d.stem}", {"m2m:grp": {"rn": "lamps", "mnm": 5, "mid": [f"{d.stem}/lamp"]}}, 9, d.stem)
        assert r.rsc == 2001, r
        x = explain(lab, "cse", f"{d.stem}/lamps")
        g = first(x, "group")
        assert (g["state"], g["members"], g["members-max"], g["name"]) == ("in-use", 1, 5, "lamps"), x
        assert x["history"][-1]["event"] == "resource-created" and x["history"][-1]["object"] == g["id"]
        assert ks.ask(c, "delete", f"/-/{d.stem}/lamps", origin=d.stem).rsc == 2002
    assert not explain(lab, "cse", g["id"])["found"] and explain(lab, "cse", g["id"])["history"][-1]["event"] == "resource-deleted"
    with lab.cse(lab.journey("admin")) as c:
        assert ks.ask(c, "create", "/-", {"m2m:nod": {"rn": "explained-node", "ni": "urn:n"}}, 14, "Sadmin").rsc == 2001
    x = explain(lab, "cse", "explained-node")
    assert (first(x, "node")["state"], first(x, "node")["node-id"]) == ("described", "urn:n"), x


def test_registered_cse(lab):
    mn = lab.add_kpsa("explain-mn", enrolee_id=f"//{ks.SP}/mn-x")
    assert not any(o["kind"] == "remote-cse" for o in explain(lab, "cse", "/mn-x")["objects"])
    with lab.psk("cse", *mn).connect() as c:
        content = {"m2m:csr": {"rr": True, "srv": ["3"], "poa": ["https://mn.example.com"]}}
        assert ks.ask(c, "create", "/-", content, 16, "/mn-x").rsc == 2001
    for name in ("/mn-x", f"//{ks.SP}/mn-x", "csr-mn-x"):
        x = explain(lab, "cse", name)
        r = first(x, "remote-cse")
        assert (r["id"], r["state"], r["points-of-access"]) == (f"//{ks.SP}/mn-x", "registered", ["https://mn.example.com"]), x
        assert "cse-registered" in [e["event"] for e in x["history"]], name
    lab.ctl_json("cse", "registration", "remove", "/mn-x")
    assert not any(o["kind"] == "remote-cse" for o in explain(lab, "cse", f"//{ks.SP}/mn-x")["objects"])
