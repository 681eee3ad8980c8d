"""keystead device keep: renewal before the end, nothing before it is due, the old stays until the new works; and a change of
service provider."""
import json
import signal
import subprocess
import time
import types

import pytest

import keystead as ks
from est import openssl
from test_device import Cli

LIFE = 5  # seconds of an enrolment that is to end within a test


def started(cli):
    return subprocess.Popen([ks.BIN, "device", "keep", "--state", str(cli.state), "--json"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(p):
    p.send_signal(signal.SIGTERM)
    out, err = p.communicate(timeout=ks.PATIENCE)
    assert p.returncode == 0, (p.returncode, out, err)
    assert not ks.SANITIZER.search(err), err
    return [json.loads(line) for line in out.splitlines()]


def results(p):
    assert p.returncode == 0, p.stdout + p.stderr
    return [json.loads(line)["result"] for line in p.stdout.splitlines()]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("keep") / "l") as it:
        it.set("mef", "mef", "est-lifetime", f"{2 * LIFE}s")
        it.start()
        yield it


@pytest.fixture(scope="module")
def aged(lab, tmp_path_factory):
    """Devices whose keys grow old while the other tests run."""
    where = tmp_path_factory.mktemp("aged")
    it = types.SimpleNamespace(kept=[])

    def device(name, **change):
        cli = Cli(lab, where / name, lab.device(f"keep-{name}"))
        cli.ok("enrol", *cli.enrol_args(**change))
        return cli

    it.cert = cli = device("cert")
    d = cli.device
    it.first = cli.ok("certificate")
    it.first_pem = (cli.state / "est.crt").read_bytes()
    lab.ctl_json("cse", "credential", "add", "--kind", "cert", "--id", d.enrolee_id, "--enrolee-id", d.enrolee_id)
    cli.ok("associate", *cli.associate_args(**{"--certificate": it.first["certificate"], "--private-key": it.first["key"], "--trust": it.first["trust"]}))
    cli.ok("register", "--app-id", "Nmade-up", "--from", "S")
    it.kept.append(started(cli))
    it.on = cli = device("on", **{"--lifetime": f"{LIFE}s"})
    cli.ok("associate", *cli.associate_args())
    cli.ok("register", "--app-id", "Nmade-up", "--from", "S")
    it.on_first, it.on_began = cli.ok("status"), time.monotonic()
    it.kept.append(started(cli))
    it.old = cli = device("old", **{"--lifetime": "60s"})
    cli.ok("associate", *cli.associate_args())
    cli.ok("key-update", "--lifetime", f"{2 * LIFE}s")
    it.lost = cli = device("lost")
    cli.ok("associate", *cli.associate_args())
    stem = cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"]
    end = time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() + 2 * LIFE))
    cli.ok("request", "update", f"/-/{stem}", "--content", json.dumps({"m2m:ae": {"et": end}}))
    assert results(cli.run("keep", "--once")) == ["not-due"]
    it.kept.append(started(cli))
    it.target, it.source = device("target"), device("source")
    for cli in it.target, it.source:
        cli.ok("associate", *cli.associate_args())
    lab.ctl_json("maf", "client", "allow", "--client", cli.device.enrolee_id, "--target", it.target.device.enrolee_id)
    made = cli.ok("use-register", "--suid", "34", "--target", it.target.device.enrolee_id, "--lifetime", f"{2 * LIFE + 2}s")
    assert it.target.ok("use-retrieve", "--key-id", made["key_id"])["key_id"] == made["key_id"]
    it.key = made
    it.kept += [started(cli), started(it.target)]
    it.place = cli = device("one")
    cli.device = lab.device("keep-two")
    cli.ok("enrol", *cli.enrol_args(**{"--lifetime": f"{LIFE}s"}), "--add")
    it.place_first = json.loads(cli.run("status", "--at", cli.device.kpm_id).stdout)["ke_id"]
    try:
        yield it
    finally:
        for p in it.kept:
            if p.poll() is None:
                p.kill()
                p.communicate()


def test_nothing_before_it_is_due(aged, lab, tmp_path):
    cli = Cli(lab, tmp_path / "device", lab.device("keep-early"))
    cli.no(2, "no-device-state", "keep", "--once")
    cli.all_the_way()
    before = cli.ok("status")
    assert cli.ok("keep", "--once")["result"] == "not-due"
    assert cli.ok("status") == before  # refuses R000-17: no second enrolment without a reason
    p = started(cli)
    time.sleep(1)
    assert ended(p) == []


def test_change_of_provider(lab, tmp_path):
    """The old provider revokes; the same device enrols with what the new one gave it, and nothing of the old is left (R000-16)."""
    old, new = lab.device("provider-old"), lab.device("provider-new")
    cli = Cli(lab, tmp_path / "device", old)
    cli.all_the_way()
    before = cli.ok("status")
    lab.ctl_json("mef", "credential", "revoke", old.kpm_id)
    cli.no(1, ("psk-refused", "credential-revoked", "peer-refused", "psk-identity-unknown"), "enrol", *cli.enrol_args())
    assert cli.ok("status")["ke_id"] == before["ke_id"], "a refusal takes nothing away"
    cli.device = new
    cli.all_the_way()
    after = cli.ok("status")
    for what in ("kpm_id", "ke_id", "km_id", "kc_id", "ae_id"):
        assert after[what] not in ("", before[what]), what
    assert not set(before.values()) & {after[k] for k in ("ke_id", "km_id", "kc_id")}


def test_each_place_is_kept(aged):
    """One whose server is away does not keep the other waiting."""
    cli = aged.place
    ks.wait_for(lambda: "enrolled" in results(cli.run("keep", "--once")), 30, "the second place to be due")
    assert json.loads(cli.run("status", "--at", cli.device.kpm_id).stdout)["ke_id"] != aged.place_first
    assert "enrolled" not in results(cli.run("keep", "--once", "--at", "keep-one@" + ks.MEF))


def test_a_key_refused_while_the_ae_is_gone(lab, tmp_path):
    """It knows that its AE is gone, and then its connection key is refused too: it makes both anew."""
    cli = Cli(lab, tmp_path / "device", lab.device("keep-stuck"))
    stem = cli.all_the_way()
    before = cli.ok("status")
    lab.ctl_json("cse", "registration", "remove", stem)
    assert cli.run("request", "retrieve", f"/-/{stem}").returncode == 1 and cli.ok("status")["ae_id"] == ""
    lab.ctl_json("cse", "credential", "revoke", before["kc_id"])
    assert results(cli.run("keep", "--once")) == ["registered"]
    after = cli.ok("status")
    assert after["ae_id"] == stem and after["kc_id"] != before["kc_id"] and after["ke_id"] == before["ke_id"]  # refuses R000-17
    cli.ok("request", "retrieve", f"/-/{stem}")


def test_it_lives_on(aged):
    """More than two lives of an enrolment pass, and the application on it goes on."""
    cli, first, p = aged.on, aged.on_first, aged.kept[1]
    stem = first["ae_id"]
    good, bad = 0, []
    while good < 4 or time.monotonic() < aged.on_began + 2.2 * LIFE:
        got = cli.run("request", "retrieve", f"/-/{stem}")
        good += got.returncode == 0
        if got.returncode != 0 and "store-locked" not in got.stdout:  # while keep works on the state
            assert "credential-expired" in got.stdout, got.stdout  # a tenth of this life is short for a busy machine
            bad.append(got.stdout)
        time.sleep(0.3)
    told = ended(p)
    assert good > 2 * len(bad), bad
    cli.ok("request", "retrieve", f"/-/{stem}")
    last = cli.ok("status")
    assert len(told) >= 2 and all(x["result"] == "enrolled" for x in told), told
    assert told[-1]["ke_id"] == last["ke_id"] != first["ke_id"]
    assert last["ae_id"] == stem and last["kc_id"] != first["kc_id"]


def test_a_certificate_is_renewed_before_it_ends(aged, tmp_path):
    """By EST, and the new one is who the AE is at its registrar after the first has ended."""
    cli, p = aged.cert, aged.kept[0]
    first = tmp_path / "first.crt"
    first.write_bytes(aged.first_pem)
    over = ["openssl", "x509", "-in", str(first), "-noout", "-checkend", "0"]
    ks.wait_for(lambda: subprocess.run(over, capture_output=True).returncode == 1, 30, "the first certificate to be over")
    told = ended(p)
    assert told and {x["result"] for x in told} == {"certificate-renewed"}, told
    assert (cli.state / "est.crt").read_bytes() != aged.first_pem
    openssl("verify", "-CAfile", aged.first["trust"], cli.state / "est.crt")
    assert cli.ok("request", "retrieve", f"/-/{cli.device.stem}")["rsc"] == 2000
    current = (cli.state / "est.crt").read_bytes()
    (cli.state / "est.crt").write_bytes(aged.first_pem)
    cli.no(1, ("certificate-expired", "peer-refused"), "request", "retrieve", f"/-/{cli.device.stem}")
    (cli.state / "est.crt").write_bytes(current)


def test_usage_constrained_keys_are_renewed(aged):
    """The Source prolongs its key, and its target learns of it; the name stays."""
    ks.wait_for(lambda: time.strftime("%Y%m%dT%H%M%S", time.gmtime()) > aged.key["expires"], 30, "the first end of the key")
    for cli, p in (aged.source, aged.kept[3]), (aged.target, aged.kept[4]):
        told = [x["result"] for x in ended(p)]
        assert told and set(told) == {"usage-keys-renewed"}, told
        kept = cli.ok("use-list")
        assert kept["key_id"] == aged.key["key_id"] and kept["expires"] > aged.key["expires"]


def test_the_old_stays_until_the_new_works(aged, lab):
    cli = aged.old
    before = cli.ok("status")
    lab.stop("maf")
    try:
        ks.wait_for(lambda: cli.run("keep", "--once").returncode != 0, 40, "the renewal to be due")
        assert cli.ok("status") == before
        p = started(cli)
        time.sleep(0.5)
        assert p.poll() is None, "an authority that is away is asked again"
    finally:
        lab.start("maf")

    def has_new_key():
        got = cli.run("status")  # locked while keep works on the state
        return got.returncode == 0 and json.loads(got.stdout)["kc_id"] != before["kc_id"]
    ks.wait_for(has_new_key, 60, "a new key")
    assert ended(p)[-1]["result"] in ("key-renewed", "enrolled")


def test_what_the_servers_lost_is_made_anew(aged, lab):
    """AE registration prolonged; then MAF and CSE lose their stores. The last of this lab."""
    cli = aged.lost
    told = [x["result"] for x in ended(aged.kept[2])]
    assert told and set(told) == {"registration-prolonged"}, told
    before = cli.ok("status")
    stem = before["ae_id"]
    assert set(results(cli.run("keep", "--once"))) <= {"not-due", "registration-prolonged"}  # due again on a slow machine
    cli.ok("request", "retrieve", f"/-/{stem}")
    lab.stop("maf", "cse")
    for role in "maf", "cse":
        for f in lab.where.glob(f"{role}*.db*"):
            f.unlink()
    assert cli.run("keep", "--once").returncode == 3
    lab.start("maf", "cse")
    lab.ctl_json("maf", "client", "allow", "--role", "maf", "--client", cli.device.enrolee_id, "--target", ks.CSE_ID)
    assert results(cli.run("keep", "--once")) == ["registered"]
    after = cli.ok("status")
    assert after["ae_id"] == stem and after["kc_id"] != before["kc_id"]
    cli.ok("request", "retrieve", f"/-/{stem}")
    cli.ok("request", "delete", f"/-/{stem}")
    assert results(cli.run("keep", "--once")) == ["not-due"] and cli.ok("status")["ae_id"] == ""
