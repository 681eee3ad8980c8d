"""One state with several places: two MEF credentials and two CSEs, each with its own arguments (R001-75, R001-76)."""
import json

import keystead as ks
from test_device import Cli


def lines(cli, verb, *args):
    p = cli.run(verb, *args)
    assert p.returncode == 0, p.stdout + p.stderr
    return [json.loads(x) for x in p.stdout.splitlines()]


def test_two_credentials_in_one_state(lab, tmp_path):
    one, two = lab.device("place-one"), lab.device("place-two")
    cli = Cli(lab, tmp_path / "device", one)
    first = cli.all_the_way()
    alone = cli.ok("status")
    assert "at" not in alone
    cli.device = two
    cli.no(1, "name-conflict", "enrol", "--add", "--kpm-id", one.kpm_id)
    cli.ok("enrol", *cli.enrol_args(), "--add")
    said = cli.no(2, "usage", "register", "--app-id", "Nmade-up")  # refuses R001-75: which one is not said
    assert two.kpm_id in json.dumps(said), said
    text, sealed = tmp_path / "text", tmp_path / "sealed"
    text.write_text("21.5")
    protect = ["object", "protect", "--state", cli.state, "--target", ks.MAF, "--in", text, "--out", sealed, "--json"]
    p = ks.run(*protect)
    assert p.returncode == 2 and ks.CSE_ID in p.stdout and two.kpm_id in p.stdout, p.stdout  # refuses R001-76
    assert ks.run(*protect, "--at", two.kpm_id).returncode == 0
    opened = ["object", "open", "--state", cli.state, "--target", ks.MAF, "--in", sealed, "--out", tmp_path / "back", "--json", "--at"]
    assert ks.run(*opened, one.kpm_id).returncode == 1 and ks.run(*opened, two.kpm_id).returncode == 0
    cli.ok("associate", *cli.associate_args(), "--at", two.kpm_id)
    second = cli.ok("register", "--app-id", "Nmade-up", "--from", "S", "--at", two.kpm_id)["ae_id"]
    a, b = lines(cli, "status")
    assert {a["ae_id"], b["ae_id"]} == {first, second} == {one.stem, two.stem}
    assert {k: v for k, v in a.items() if k != "at"} == alone, "what was there stays as it was"
    for at in a, b:
        stem = at["ae_id"]
        cli.ok("request", "retrieve", f"/-/{stem}", "--at", at["at"])
        assert cli.ok("status", "--at", at["at"]) == at
    cli.ok("enrol", "--kpm-id", two.kpm_id, "--key-file", lab.key_file(two.name, two.psk))  # R001-76: the KpmId says which
    assert cli.ok("status", "--at", one.kpm_id)["ke_id"] == alone["ke_id"]
    assert cli.ok("status", "--at", two.kpm_id)["ke_id"] != b["ke_id"]
    cli.no(2, "usage", "forget")
    assert cli.ok("forget", "--at", two.kpm_id)["left"] == 1
    assert cli.ok("status") == alone
    cli.ok("request", "retrieve", f"/-/{first}")


def test_a_further_cse_of_one_enrolment(lab, tmp_path):
    """The key for the second one is made with the same Km and the same registration; that of the first goes on."""
    cli = Cli(lab, tmp_path / "device", lab.device("place-cse"))
    cli.all_the_way()
    before = cli.ok("status")
    other = ks.CSE_ID + "-not-there"
    lab.ctl_json("maf", "client", "allow", "--client", cli.device.enrolee_id, "--target", other)
    cli.no(3, "peer-unreachable", "associate", "--cse", "127.0.0.1:9", "--cse-id", other, "--add")
    a, b = lines(cli, "status")
    assert {k: v for k, v in a.items() if k != "at"} == before
    assert b["at"] == other and b["ke_id"] == before["ke_id"] and b["km_id"] == before["km_id"] and b["ae_id"] == ""
    assert b["kc_id"] not in ("", before["kc_id"]), "a key of its own"
    cli.ok("request", "retrieve", f"/-/{before['ae_id']}", "--at", ks.CSE_ID)
