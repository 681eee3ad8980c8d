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
