"""Usage-constrained keys of a device: registered and retrieved at MAF and MEF, kept sealed in its state, used by keystead object;
registration of the client at the MEF; what MO_NODE asks for of them."""
import json

import keystead as ks
from test_commands import add, node, outcomes, run as commands
from test_device import Cli


def enrolled(lab, tmp_path, name):
    d = lab.device(name)
    cli = Cli(lab, tmp_path / name, d)
    cli.all_the_way()
    return d, cli


def test_esprim_key_by_its_name(lab, tmp_path):
    """From the MAF to the CSE's answer, and no key in any file that is not sealed."""
    d, cli = enrolled(lab, tmp_path, "usage")
    made = cli.ok("use-register", "--suid", "33", "--lifetime", "1h", "--labels", "a,b")
    assert (made["suid"], made["target"]) == (33, ks.CSE_ID)
    assert cli.ok("use-list")["key_id"] == made["key_id"]
    where = tmp_path / "o"
    where.mkdir()
    common = ["--state", where / "s", "--key", made["key_id"], "--device", cli.state, "--originator", d.enrolee_id]

    def obj(verb, *more, code=0):
        p = ks.run("object", verb, *common, *more)
        assert p.returncode == code, p.stderr
        return p.stdout + p.stderr

    def put(name, text):
        (where / name).write_text(text)
        return where / name

    def ask(content):
        return cli.ok("request", "notify", "/-", "--content", json.dumps(content))

    offer = ask({"m2m:seci": {"sit": 3}})
    assert offer["rsc"] == 2000, offer
    rqp = put("rqp", json.dumps({"m2m:rqp": {"op": 2, "to": d.stem, "fr": d.enrolee_id, "rqi": "u1"}}))
    sent = obj("wrap", "--in", rqp, "--offer", put("offer", json.dumps(offer["content"])))
    got = ask(json.loads(sent))
    assert got["rsc"] == 2000, got
    answer = json.loads(obj("accept", "--rqi", "u1", "--in", put("answer", json.dumps(got["content"]))))["m2m:rsp"]
    assert answer["rsc"] == 2000 and answer["pc"]["m2m:ae"]["aei"] == d.stem
    obj("wrap", "--in", rqp, "--suid", "33", code=2)
    later = cli.ok("use-update", "--key-id", made["key_id"], "--lifetime", "30m")
    assert later["expires"] < made["expires"]
    assert cli.ok("use-deregister", "--key-id", made["key_id"])["key_id"] == made["key_id"]
    assert cli.ok("use-list") == {"keys": 0}
    assert "not-found" in obj("wrap", "--in", rqp, code=1)
    cli.no(1, "not-found", "use-update", "--key-id", made["key_id"], "--lifetime", "30m")


def test_a_target_retrieves(lab, tmp_path):
    """One device registers for another: ESData over the two; nobody else gets the key."""
    d, source = enrolled(lab, tmp_path, "usrc")
    e, target = enrolled(lab, tmp_path, "utgt")
    f, other = enrolled(lab, tmp_path, "uother")
    lab.ctl_json("maf", "client", "allow", "--role", "maf", "--client", d.enrolee_id, "--target", e.enrolee_id)
    made = source.ok("use-register", "--suid", "34", "--target", e.enrolee_id)
    got = target.ok("use-retrieve", "--key-id", made["key_id"])
    assert (got["suid"], got["source"]) == (34, d.enrolee_id)
    other.no(1, "not-the-target", "use-retrieve", "--key-id", made["key_id"])
    plain = tmp_path / "plain"
    plain.write_text("21.5")
    for verb, args in (("protect", ["--state", source.state, "--to", made["key_id"], "--in", plain, "--out", tmp_path / "object"]),
                       ("open", ["--state", target.state, "--own", made["key_id"], "--in", tmp_path / "object", "--out", tmp_path / "back"])):
        p = ks.run("object", verb, *args)
        assert p.returncode == 0, p.stderr
    assert (tmp_path / "back").read_text() == "21.5"
    p = ks.run("object", "open", "--state", other.state, "--own", made["key_id"], "--in", tmp_path / "object", "--out",
               tmp_path / "none")
    assert p.returncode == 1 and "not-found" in p.stderr
    wrap = ks.run("object", "unwrap", "--state", tmp_path / "r", "--key", made["key_id"], "--device", target.state, "--originator",
                  f"//{ks.SP}/Sanother", "--in", plain)
    assert wrap.returncode == 1 and "esprim-impersonation" in wrap.stderr, wrap.stderr


def test_at_the_mef(lab, tmp_path):
    d, cli = enrolled(lab, tmp_path, "umef")
    admin = ["--admin-fqdn", ks.SP]
    lab.ctl_json("mef", "client", "allow", "--role", "mef", "--client", d.enrolee_id, "--target", ks.CSE_ID)
    registration = cli.ok("mef-register", *admin)["registration"]
    assert registration.startswith("mecr") and cli.ok("mef-register", *admin)["registration"] == registration
    assert cli.ok("mef-update", *admin, "--labels", "x")["registration"] == registration
    cli.no(1, "not-found", "mef-config", *admin)  # the operator has given none
    cli.no(2, "usage", "use-register", "--suid", "31")
    made = cli.ok("use-register", "--suid", "23", *admin)
    assert made["key_id"].endswith("@" + ks.MEF)
    assert cli.ok("use-update", "--key-id", made["key_id"], "--labels", "y")["expires"] == made["expires"]
    cli.ok("use-deregister", "--key-id", made["key_id"])
    assert cli.ok("mef-deregister", *admin)["registration"] in ("", "-")
    assert cli.ok("request", "retrieve", f"/{d.stem}")["rsc"] == 2000  # the enrolment stayed what it was
