"""keystead device keep: renewal before the end, nothing before it is due, the old stays until the new works; and a change of
service provider."""
import json
import signal
import subprocess
import time

import keystead as ks
from test_device import Cli

LIFE = 12  # seconds of an enrolment that is to end within a test


def started(cli):
    return subprocess.Popen([ks.BIN, "device", "keep", "--state", str(cli.state), "--json"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(p):
    p.send_signal(signal.SIGTERM)
    out, err = p.communicate(timeout=ks.PATIENCE)
    assert p.returncode == 0, (p.returncode, out, err)
    assert not ks.SANITIZER.search(err), err
    return [json.loads(line) for line in out.splitlines()]


def test_nothing_before_it_is_due(lab, tmp_path):
    cli = Cli(lab, tmp_path / "device", lab.device("keep-early"))
    cli.no(1, "not-found", "keep", "--once")
    cli.all_the_way()
    before = cli.ok("status")
    assert cli.ok("keep", "--once")["result"] == "not-due"
    assert cli.ok("status") == before  # refuses R000-17: no second enrolment without a reason
    p = started(cli)
    time.sleep(1)
    assert ended(p) == []


def test_it_lives_on(lab, tmp_path):
    """More than two lives of an enrolment pass, and the application on it goes on."""
    cli = Cli(lab, tmp_path / "device", lab.device("keep-on"))
    cli.ok("enrol", *cli.enrol_args(**{"--lifetime": f"{LIFE}s"}))
    cli.ok("associate", *cli.associate_args())
    stem = cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"]
    first = cli.ok("status")
    p = started(cli)
    end = time.monotonic() + 2.2 * LIFE
    good, bad = 0, []
    while time.monotonic() < end:
        got = cli.run("request", "retrieve", f"/-/{stem}")
        good += got.returncode == 0
        if got.returncode != 0 and "store-locked" not in got.stdout:  # while keep works on the state
            assert "credential-expired" in got.stdout, got.stdout  # a tenth of this life is short for a busy machine
            bad.append(got.stdout)
        time.sleep(0.3)
    told = ended(p)
    assert good > 4 * len(bad), bad
    cli.ok("request", "retrieve", f"/-/{stem}")
    last = cli.ok("status")
    assert len(told) >= 2 and all(x["result"] == "enrolled" for x in told), told
    assert told[-1]["ke_id"] == last["ke_id"] != first["ke_id"]
    assert last["ae_id"] == stem and last["kc_id"] != first["kc_id"]


def test_the_old_stays_until_the_new_works(lab, tmp_path):
    cli = Cli(lab, tmp_path / "device", lab.device("keep-old"))
    cli.ok("enrol", *cli.enrol_args(**{"--lifetime": "60s"}))
    cli.ok("associate", *cli.associate_args())
    cli.ok("key-update", "--lifetime", "20s")
    before = cli.ok("status")
    lab.stop("maf")
    try:
        ks.wait_for(lambda: cli.run("keep", "--once").returncode != 0, 40, "the renewal to be due")
        assert cli.ok("status") == before
        p = started(cli)
        time.sleep(2)
        assert p.poll() is None, "an authority that is away is asked again"
    finally:
        lab.start("maf")
    def has_new_key():
        got = cli.run("status")  # locked while keep works on the state
        return got.returncode == 0 and json.loads(got.stdout)["kc_id"] != before["kc_id"]
    ks.wait_for(has_new_key, 60, "a new key")
    assert ended(p)[-1]["result"] in ("key-renewed", "enrolled")


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


def results(p):
    assert p.returncode == 0, p.stdout + p.stderr
    return [json.loads(line)["result"] for line in p.stdout.splitlines()]


def test_what_the_servers_lost_is_made_anew(tmp_path_factory, tmp_path):
    """AE registration prolonged; then MAF and CSE lose their stores."""
    with ks.Lab(tmp_path_factory.mktemp("keep") / "l") as lab:
        lab.start()
        cli = Cli(lab, tmp_path / "device", lab.device("keep-lost"))
        stem = cli.all_the_way()
        before = cli.ok("status")
        end = time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() + 15))
        cli.ok("request", "update", f"/-/{stem}", "--content", json.dumps({"m2m:ae": {"et": end}}))
        assert results(cli.run("keep", "--once")) == ["not-due"]
        ks.wait_for(lambda: results(cli.run("keep", "--once")) == ["registration-prolonged"], 30, "the end to be near")
        assert results(cli.run("keep", "--once")) == ["not-due"]
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


def test_each_place_is_kept(lab, tmp_path):
    """One whose server is away does not keep the other waiting."""
    one, two = lab.device("keep-one"), lab.device("keep-two")
    cli = Cli(lab, tmp_path / "device", one)
    cli.all_the_way()
    cli.device = two
    cli.ok("enrol", *cli.enrol_args(**{"--lifetime": "8s"}), "--add")
    first = json.loads(cli.run("status", "--at", two.kpm_id).stdout)["ke_id"]
    ks.wait_for(lambda: "enrolled" in results(cli.run("keep", "--once")), 30, "the second place to be due")
    assert json.loads(cli.run("status", "--at", two.kpm_id).stdout)["ke_id"] != first
    assert results(cli.run("keep", "--once", "--at", one.kpm_id)) == ["not-due"]
