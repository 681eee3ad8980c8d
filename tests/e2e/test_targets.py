"""One enrolment, several Enrolment Targets with real processes: a MAF and the CSE fetch their keys from the MEF in the middle of the
Enrolee's first handshake with each, over TLS and DTLS, in both profiles; and what each refuses."""
import base64
import subprocess
import time

import pytest

import coaps as with_coaps
import keystead as ks
import tlspsk
from test_certificate import issue
from test_device import Cli


def kpsa_of(d, profile):
    if profile == "seed":
        return ks.kpsa(d.ke, ks.CSE_ID)
    return ks.usage_key(d.ke, 22, ks.target_fqdn(ks.CSE_ID))


def instruct(lab, d, target, *more):
    return lab.ctl_json("mef", "instruction", "add", d.kpm_id, "--target", target, *more)


def events(lab, name, d):
    return sum(e["event"] == name and d.ke_id in str(e) for e in lab.ctl_json("cse", "audit", "tail")["events"])


def test_maf_and_cse_of_one_enrolment(profiled):
    lab, profile = profiled
    d = lab.enrol(lab.device(f"both-{profile}", profile=profile))
    kpsa = kpsa_of(d, profile)
    with pytest.raises(tlspsk.Alert):  # refuses R001-25, R001-77: the CSE is no target yet
        lab.psk("cse", d.ke_id, kpsa).connect()
    made = instruct(lab, d, ks.CSE_ID, "--profile", profile)
    assert made["suids"] == [22, 23, 24, 25] and made["enrolee-id"] == d.enrolee_id
    assert [i["target"] for i in lab.ctl_json("mef", "instruction", "list", d.kpm_id)["instructions"]] == [ks.MAF, ks.CSE_ID]
    time.sleep(1.1)  # an identity that was refused is remembered for a second
    with lab.psk("cse", d.ke_id, kpsa).connect() as c:  # R001-08, R001-35, R001-63, R002-55
        assert ks.register(c, d.stem).rsc == 2001
    shown = lab.ctl_json("cse", "credential", "show", d.ke_id)
    assert (shown["kind"], shown["source"], shown["enrolee-id"]) == ("kpsa", ks.MEF, d.enrolee_id)
    assert lab.maf_register(d).rsc == 2001  # the MAF's Km from the same Ke (R001-24, R001-27)
    with pytest.raises(tlspsk.Alert):
        lab.psk("cse", d.ke_id, d.km).connect()  # the MAF's key is not the CSE's
    stored = events(lab, "kpsa-stored", d)
    with lab.psk("cse", d.ke_id, kpsa).connect() as c:  # what the CSE holds is durable: it does not ask again
        assert ks.ask(c, "retrieve", f"/{d.stem}", origin=d.stem).rsc == 2000
    assert stored == events(lab, "kpsa-stored", d) == 1


def test_each_suid(lab):
    d = lab.enrol(lab.device("suids"))
    instruct(lab, d, ks.CSE_ID, "--suid", "22,23,25", "--enrolee-id", f"//{ks.SP}/Sother")
    for suid in (22, 23, 25):
        got = lab.fetch(d.ke_id, suid, "cse").json
        assert got["credential"] == base64.b64encode(ks.usage_key(d.ke, suid, ks.target_fqdn(ks.CSE_ID))).decode()
        assert got["enroleeID"] == f"//{ks.SP}/Sother"
    assert lab.fetch(d.ke_id, 21, "maf").json["enroleeID"] == d.enrolee_id
    for who, suid in (("cse", 24), ("cse", 21), ("maf", 22)):
        assert "key-usage" in lab.fetch(d.ke_id, suid, who).json["errorString"]
    instruct(lab, d, "maf9.keystead.test", "--lifetime", "1s")


def test_over_dtls(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "d") as lab:
        ports = with_coaps.ports(lab)
        lab.start()
        d = lab.enrol(lab.device("dtls-target"))
        instruct(lab, d, ks.CSE_ID)

        def handshake(key):
            p = subprocess.run(["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{ports['cse']}", "-servername",
                                "localhost", "-psk_identity", d.ke_id, "-psk", key.hex(), "-state", "-cipher",
                                "PSK-AES128-CCM8:@SECLEVEL=0"], input=b"Q\n", capture_output=True, timeout=ks.PATIENCE)
            return (p.stdout + p.stderr).decode(errors="replace")

        assert "read finished" in handshake(kpsa_of(d, "r3"))
        assert lab.ctl_json("cse", "credential", "show", d.ke_id)["source"] == ks.MEF
        assert "read finished" not in handshake(bytes(32))


def test_a_revocation_reaches_the_cse(lab):
    d = lab.enrol(lab.device("withdrawn"))
    instruct(lab, d, ks.CSE_ID)
    with lab.psk("cse", d.ke_id, kpsa_of(d, "r3")).connect():
        lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
        ks.wait_for(lambda: lab.ctl_json("cse", "credential", "show", d.ke_id)["state"] == "revoked", what="the CSE to hear")
    with pytest.raises(tlspsk.Alert):
        lab.psk("cse", d.ke_id, kpsa_of(d, "r3")).connect()


def test_every_authority_is_still_asked(lab):
    """That a MEF is asked from its first key on takes no question away from the MAF."""
    d = lab.journey("both-asked")
    lab.ctl_json("maf", "credential", "revoke", d.km_id)
    ks.wait_for(lambda: lab.ctl_json("cse", "credential", "show", d.kc_id)["state"] == "revoked", what="the CSE to hear")


def test_the_device_with_the_cse_as_target(profiled, tmp_path):
    """Enrols once; a key for the CSE from the same Ke, and a whole association and registration with it."""
    lab, profile = profiled
    d = lab.device(f"dev-{profile}", profile=profile)
    instruct(lab, d, ks.CSE_ID, "--profile", profile)
    cli = Cli(lab, tmp_path / "device", d)
    cli.no(2, "no-device-state", "key", "--target", ks.CSE_ID, "--key-out", tmp_path / "none")
    ke_id = cli.ok("enrol", *cli.enrol_args())["ke_id"]
    made = cli.ok("key", "--target", ks.CSE_ID, "--key-out", tmp_path / "kpsa")
    assert made["key_id"] == ke_id
    maf = cli.ok("key", "--target", ks.MAF, "--key-out", tmp_path / "km")
    assert (tmp_path / "km").read_text() != (tmp_path / "kpsa").read_text() and maf["key_id"] == ke_id
    cli.no(1, "name-conflict", "key", "--target", ks.CSE_ID, "--key-out", tmp_path / "kpsa")  # never overwritten
    cli.no(2, "usage", "key", "--target", ks.CSE_ID, "--suid", "21", "--key-out", tmp_path / "none")
    cli.no(2, "usage", "key", "--target", ks.MAF, "--suid", "22", "--key-out", tmp_path / "none")
    (tmp_path / "kpsa").chmod(0o600)
    made = cli.ok("associate", *cli.associate_args(**{"--kpsa-id": ke_id, "--kpsa-file": tmp_path / "kpsa"}))
    assert made["framework"] == "psk"
    assert cli.ok("register", "--app-id", "Ntarget", "--from", d.stem)["ae_id"] == d.stem


def test_an_ae_as_target(lab, tmp_path):
    """An AE fetches the keys of an Enrolee for it, with its certificate or with its own Kpm, and no others."""
    ae = f"//{ks.SP}/in/Cwatcher"
    a = lab.device("source")
    instruct(lab, a, ae, "--suid", "23")
    cli = Cli(lab, tmp_path / "a", a)
    ke_id = cli.ok("enrol", *cli.enrol_args())["ke_id"]
    cli.ok("key", "--target", ae, "--suid", "23", "--key-out", tmp_path / "mine")
    other = lab.enrol(lab.device("not-for-it"))

    b = lab.device("watcher", enrolee_id=ae)
    target = Cli(lab, tmp_path / "b", b)
    own = ["--mef", target.at("mef"), "--mef-id", ks.MEF, "--kpm-id", b.kpm_id, "--key-file", lab.key_file(b.name, b.psk)]
    got = target.ok("fetch", "--ke-id", ke_id, "--suid", "23", "--key-out", tmp_path / "theirs", *own)
    assert got["enrolee_id"] == a.enrolee_id and got["key_id"] == ke_id
    assert (tmp_path / "theirs").read_text() == (tmp_path / "mine").read_text()
    target.no(1, "key-usage", "fetch", "--ke-id", ke_id, "--suid", "22", "--key-out", tmp_path / "none")
    target.no(1, "not-the-target", "fetch", "--ke-id", other.ke_id, "--suid", "23", "--key-out", tmp_path / "none")
    target.no(2, "key-id-malformed", "fetch", "--ke-id", "AA@mef.elsewhere.test", "--suid", "23", "--key-out", tmp_path / "none")
    assert not (tmp_path / "none").exists()

    certificate = issue(lab.where, "watcher", "ae-id", ae)
    shown = Cli(lab, tmp_path / "c", b)
    live = len(lab.enrolments())
    shown.ok("fetch", "--ke-id", ke_id, "--suid", "23", "--key-out", tmp_path / "again", "--mef", shown.at("mef"),
             "--mef-id", ks.MEF, *certificate)
    assert (tmp_path / "again").read_text() == (tmp_path / "mine").read_text()
    assert len(lab.enrolments()) == live  # a target by certificate is not enrolled by that
