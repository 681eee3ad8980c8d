"""A change of M2M service provider and of the Enrolee-ID by the operator of the MEF: what came from the credential is over at
once, everywhere, and the device begins anew with the same bootstrap credential (R000-16, R000-17)."""
import json
import threading

import pytest

import keystead as ks
import tlspsk
from test_device import Cli
from test_withdrawal import BOUND, can, ended, held

OTHER = "maf2.keystead.test"  # a MAF that nobody here runs


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("reassign") / "l") as it:
        it.start()
        yield it


def events(lab, role):
    return [e["event"] for e in lab.ctl_json(role, "audit", "tail")["events"]]


def refused(lab, reason, *args):
    p = lab.ctl("mef", "credential", *args, "--json")
    assert p.returncode in (1, 2) and reason in p.stdout + p.stderr, (args, p.stdout, p.stderr)


def test_another_provider(lab):
    d = lab.journey("ra-target")
    with held(lab, "maf", d.km_id, d.km) as at_maf, held(lab, "cse", d.kc_id, d.kc) as at_cse:
        got = lab.ctl_json("mef", "credential", "reassign", d.kpm_id, "--target", OTHER)
        assert got["target"] == OTHER and got["state"] == "valid" and got["enrolee-id"] == d.enrolee_id
        assert ended(at_maf[0]) and ended(at_cse[0]), "the old credentials stop at once"
    assert not can(lab, "maf", d.km_id, d.km) and not can(lab, "cse", d.kc_id, d.kc)  # refuses R000-62
    assert d.ke_id.upper() not in str(lab.enrolments()).upper()
    assert "credential-reassigned" in events(lab, "mef") and "key-withdrawn" in events(lab, "maf")
    ke_id = d.ke_id
    lab.enrol(d)  # the bootstrap credential stays
    assert not can(lab, "maf", d.ke_id, d.km), "the old target is given nothing more"
    lab.ctl_json("mef", "credential", "reassign", d.kpm_id, "--target", ks.MAF)
    lab.enrol(d)
    lab.maf_register(d)
    lab.associate(d)
    with lab.cse(d) as c:
        assert ks.register(c, "", "Nmade-up").rsc in (2001, 4117, 4105)
    with ks.CertClient(lab, "mef", "maf") as c:  # whoever reads the log from its beginning is told of the old keys alone
        told = ks.ask(c, "retrieve", "/withdrawn/" + "0" * 16, origin=ks.MAF).json["withdrawn"]
    names = [x["id"].upper() for x in told]
    assert ke_id.upper() in names and d.ke_id.upper() not in names
    lab.ctl_json("mef", "credential", "revoke", d.kpm_id)  # and what came after is withdrawn like any other
    ks.wait_for(lambda: not can(lab, "cse", d.kc_id, d.kc), BOUND, "the CSE to hear of it")
    shown = json.dumps(lab.ctl_json("mef", "explain", d.kpm_id))
    assert "credential-reassigned" in shown


def test_refusals(lab):
    d = lab.journey("ra-no")
    refused(lab, "name-conflict", "reassign", d.kpm_id, "--target", ks.MAF.upper())  # refuses R000-17
    refused(lab, "name-conflict", "rename", d.kpm_id, "--enrolee-id", d.enrolee_id)  # refuses R000-17
    refused(lab, "identifier-malformed", "reassign", d.kpm_id, "--target", "no target")
    refused(lab, "identifier-malformed", "rename", d.kpm_id, "--enrolee-id", "Sname")
    refused(lab, "not-found", "reassign", "nobody@" + ks.MEF, "--target", OTHER)
    refused(lab, "usage", "reassign", d.kpm_id)
    lab.ctl_json("mef", "instruction", "add", d.kpm_id, "--target", "//keystead.test/in")
    refused(lab, "wrong-state", "reassign", d.kpm_id, "--target", OTHER)
    assert can(lab, "cse", d.kc_id, d.kc) and can(lab, "maf", d.km_id, d.km), "a refusal takes nothing away"
    lab.ctl_json("mef", "instruction", "remove", d.kpm_id, "--target", "//keystead.test/in")
    lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
    refused(lab, "credential-revoked", "reassign", d.kpm_id, "--target", OTHER)
    refused(lab, "credential-revoked", "rename", d.kpm_id, "--enrolee-id", "//keystead.test/Sother")


def test_another_enrolee_id(lab, tmp_path):
    """The session that was made under the old one ends, and the device is somebody else to MAF and CSE."""
    cli = Cli(lab, tmp_path / "device", lab.device("ra-name"))
    cli.all_the_way()
    before, new = cli.ok("status"), "//keystead.test/Sra-renamed"
    d = cli.device
    with held(lab, "mef", d.kpm_id, d.psk) as live:
        assert lab.ctl_json("mef", "credential", "rename", d.kpm_id, "--enrolee-id", new)["enrolee-id"] == new
        assert ended(live[0])
    lab.ctl_json("maf", "client", "allow", "--role", "maf", "--client", new, "--target", ks.CSE_ID)
    ks.wait_for(lambda: cli.run("request", "retrieve", f"/-/{before['ae_id']}").returncode != 0, BOUND, "the end of the old key")
    told = [json.loads(x)["result"] for x in cli.run("keep", "--once").stdout.splitlines()]
    assert told == ["registered"], told
    after = cli.ok("status")
    assert after["ae_id"] == "Sra-renamed" and after["ke_id"] != before["ke_id"] and after["kc_id"] != before["kc_id"]
    cli.ok("request", "retrieve", "/-/Sra-renamed")
    assert "credential-renamed" in events(lab, "mef")


def test_reassigned_while_its_key_is_fetched(lab):
    """Whichever came first: afterwards no target has a key from before that it would take."""
    d = lab.device("ra-race")
    targets = [OTHER, ks.MAF]
    for i in range(6):
        if i % 2 == 0:  # instructed for this lab's MAF, which fetches while it is reassigned
            lab.enrol(d)
        begin = threading.Barrier(2)

        def fetch():
            begin.wait()
            try:
                lab.psk("maf", d.ke_id, d.km).connect().close()
            except (tlspsk.Alert, tlspsk.Closed, OSError):
                pass
        t = threading.Thread(target=fetch)
        t.start()
        begin.wait()
        lab.ctl_json("mef", "credential", "reassign", d.kpm_id, "--target", targets[i % 2])
        t.join()
        ks.wait_for(lambda: not can(lab, "maf", d.ke_id, d.km), BOUND, "the old key to be refused")
