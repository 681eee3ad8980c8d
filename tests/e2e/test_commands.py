"""MEF client commands end to end: the operator gives them, keystead device carries them out, over TLS and over DTLS, in JSON
and in CBOR; answers that get lost."""
import hashlib
import json
import ssl

import pytest

import coaps as with_coaps
import keystead as ks
from test_device import Cli
from test_dtls import CoapCli

NODES = {
    "/maf": {"mgmtDefinition": 1025, "fqdn": ks.MAF, "adminFQDN": ks.SP},
    "/other": {"mgmtDefinition": 1025, "fqdn": "maf.other.example", "adminFQDN": ks.SP},
    "/reg": {"mgmtDefinition": 1020},
    "/reg/psk": {"mgmtDefinition": 1022, "SUID": 32, "TLSCiphersuites": ["TLS_PSK_WITH_AES_128_CBC_SHA256"], "keyRegDuration": "P1D"},
    "/reg/psk/maf": {"mgmtDefinition": 1025, "fqdn": ks.MAF, "adminFQDN": ks.SP},
}


@pytest.fixture(scope="module")
def udp(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as lab:
        lab.coaps = with_coaps.ports(lab)
        lab.start()
        yield lab


def add(lab, d, name, args):
    return lab.ctl_json("mef", "command", "add", d.enrolee_id, json.dumps(args), "--class", name)["id"]


def node(lab, d, path, kind, suid=None):
    args = {"objectPath": path, "objectTypeID": kind}
    if suid:
        args["objectTypeSpecifcArgs"] = {"authProfileMONodeArgs": {"SUID": suid}}
    return add(lab, d, "mo-node", args)


def outcomes(lab, d):
    """By cmdID."""
    return {c["id"]: (c["state"], c.get("status")) for c in lab.ctl_json("mef", "command", "list", "--client", d.enrolee_id)["commands"]}


def cert_prov(d, **change):
    return {"certProvProtocolID": 1, "URI": f"https://{ks.MEF}/", "certSubjectType": 3, "certSubjectID": d.enrolee_id, **change}


def prints(pem):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def objects(cli, text):
    file = cli.state / "objects.json"
    file.touch(0o600)
    file.write_text(text)


def run(cli, *args):
    return cli.ok("commands", "--admin-fqdn", ks.SP, *args)


@pytest.mark.parametrize("way,cbor", [(Cli, False), (Cli, True), (CoapCli, False), (CoapCli, True)])
def test_each_class(udp, tmp_path, way, cbor):
    """Every class in one run, in the order in which they were given; then nothing more, and when to ask again."""
    d = udp.device(f"cmds-{way.__name__.lower()}-{cbor}".lower())
    cli = way(udp, tmp_path / "device", d)
    more = ["--cbor"] if cbor else []
    cli.ok("enrol", *cli.enrol_args())
    objects(cli, json.dumps(NODES))
    wanted = {
        add(udp, d, "dev-cfg", {"deviceConfigURI": f"1:http://{ks.MEF}/x"}): 202,
        node(udp, d, "/maf", 3): 20,
        node(udp, d, "/nothing", 3): 300,
        node(udp, d, "/reg", 3): 301,
        node(udp, d, "/reg/psk", 1): 302,
        node(udp, d, "/reg/psk", 1, 12): 303,
        node(udp, d, "/other", 3): 305,
    }
    got = run(cli, *more)
    assert got["commands"] == len(wanted) and got["last_status"] == 305 and got["registration"].startswith("mecr")
    assert outcomes(udp, d) == {k: ("done", v) for k, v in wanted.items()}
    assert got["retry"] > "2026"
    assert run(cli, *more)["commands"] == 0
    assert d.enrolee_id in str(udp.ctl_json("maf", "registration", "list")), "MO_NODE registered it at the MAF"
    # the enrolment is that of the last session: the MAF has fetched its Km by it, and the way goes on
    assert cli.ok("associate", *cli.associate_args())["framework"] == "maf"


def test_certificate_and_what_stands_on_it(lab, tmp_path):
    d = lab.device("cmds-cert")
    cli = Cli(lab, tmp_path / "device", d)
    cli.ok("enrol", *cli.enrol_args())
    first = add(lab, d, "cert-prov", cert_prov(d))
    assert run(cli)["last_outcome"] == "MEF_CLIENT_CMD_OK"
    assert outcomes(lab, d)[first] == ("done", 20)
    mine = prints((cli.state / "est.crt").read_text())
    ca = prints((cli.state / "est-ca.crt").read_text())
    suites = ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"]
    profile = {"mgmtDefinition": 1022, "SUID": 42, "TLSCiphersuites": suites, "myCertFingerprint": mine}
    nodes = {"/r": {"mgmtDefinition": 1020}, "/r/good": profile, "/r/good/ca": {"mgmtDefinition": 1024, "certFingerprint": ca.upper()},
             "/r/wrong": {**profile, "myCertFingerprint": ca}, "/r/wrong/ca": {"mgmtDefinition": 1024, "certFingerprint": mine},
             "/r/alone": profile}
    objects(cli, json.dumps(nodes))
    wanted = {node(lab, d, "/r/good", 1, 42): 20, node(lab, d, "/r/wrong", 1, 42): 305, node(lab, d, "/r/alone", 1, 42): 304,
              node(lab, d, "/r/good/ca", 2): 20, node(lab, d, "/r/wrong/ca", 2): 305,
              add(lab, d, "cert-prov", cert_prov(d, certSubjectType=2)): 43,
              add(lab, d, "cert-prov", cert_prov(d, certSubjectID="//sp.example.com/Ssomebody")): 100}
    run(cli)
    assert {k: v for k, v in outcomes(lab, d).items() if k in wanted} == {k: ("done", v) for k, v in wanted.items()}
    add(lab, d, "cert-prov", cert_prov(d))
    assert cli.ok("commands", "--admin-fqdn", ks.SP, "--entity", "cse")["last_status"] == 43, "a client in a CSE asks for CSEs only"


def test_as_part_of_the_enrolment(lab, tmp_path):
    """Given before the device has ever been seen; the enrolment that counts is that of the last session."""
    d = lab.device("cmds-enrol")
    cli = Cli(lab, tmp_path / "device", d)
    one = add(lab, d, "cert-prov", cert_prov(d))
    cli.no(2, "usage", "enrol", "--commands", *cli.enrol_args())
    got = cli.ok("enrol", "--commands", "--admin-fqdn", ks.SP, "--entity", "ae", *cli.enrol_args())
    assert got["commands"] == 1 and got["last_status"] == 20 and outcomes(lab, d)[one] == ("done", 20)
    assert got["ke_id"].upper() in str(lab.enrolments()).upper()
    assert cli.ok("associate", *cli.associate_args())["framework"] == "maf"


def test_what_is_lost(lab, tmp_path):
    """The device did it, and its Update never came: it reports, and does not do it again."""
    d = lab.device("cmds-lost")
    cli = Cli(lab, tmp_path / "device", d)
    cli.ok("enrol", *cli.enrol_args())
    objects(cli, json.dumps(NODES))
    one = node(lab, d, "/maf", 3)
    run(cli)
    two = node(lab, d, "/nothing", 3)
    registration = json.loads((cli.state / "commands.json").read_text())["registration"]
    with lab.psk("mef", d.kpm_id, d.psk).connect() as c:  # somebody took the answer: the device never saw it
        r = ks.ask(c, "retrieve", f"/{registration}/cmd")
        assert r.json["m2m:mecc"]["cmid"] == two and r.json["m2m:mecc"]["cmsc"] == 10
    # as it is after a crash between the deed and its Update
    progress = json.loads((cli.state / "commands.json").read_text())
    (cli.state / "commands.json").write_text(json.dumps({**progress, "done": two, "status": 305}))
    assert run(cli)["commands"] == 0
    assert outcomes(lab, d) == {one: ("done", 20), two: ("done", 305)}
    # all that it knew is gone: its registration is found again
    (cli.state / "commands.json").unlink()
    three = node(lab, d, "/nothing", 3)
    assert run(cli)["registration"] == registration
    assert outcomes(lab, d)[three] == ("done", 300)
    # and when the operator ends it, another is made
    lab.ctl_json("mef", "registration", "remove", registration)
    assert run(cli)["registration"] != registration


def test_what_was_answered_is_durable(udp):
    """Killed behind the answers: what was issued comes again as reissued, what was reported stays reported."""
    d = udp.device("cmds-killed")
    one, two = node(udp, d, "/a", 3), node(udp, d, "/b", 3)

    def asked(operation, content=None):
        with udp.psk("mef", d.kpm_id, d.psk).connect() as c:
            return ks.ask(c, operation, f"/{registration}/cmd", content).json["m2m:mecc"]

    with udp.psk("mef", d.kpm_id, d.psk).connect() as c:
        r = ks.ask(c, "create", "/-", {"m2m:mecr": {"et": ks.later(), "adfq": ks.SP}}, 60005).json["m2m:mecr"]
    registration = r["ri"]
    assert r["ch"] == [{"nm": "cmd", "typ": 60006, "val": f"{registration}/cmd"}]
    assert (asked("retrieve")["cmid"], asked("retrieve")["cmsc"]) == (one, 11)
    udp.servers["mef"].kill()
    udp.start("mef")
    assert asked("retrieve")["cmid"] == one
    got = asked("update", {"m2m:mecc": {"cmid": one, "cmsc": 300}})
    assert (got["cmid"], got["cmsc"]) == (two, 10)
    udp.servers["mef"].kill()
    udp.start("mef")
    assert (asked("retrieve")["cmid"], asked("retrieve")["cmsc"]) == (two, 11)
    assert outcomes(udp, d) == {one: ("done", 300), two: ("issued", None)}


def test_refusals_and_the_timer(lab, tmp_path):
    d = lab.device("cmds-no")
    cli = Cli(lab, tmp_path / "device", d)
    cli.no(2, "no-device-state", "commands")
    cli.ok("enrol", *cli.enrol_args())
    cli.no(2, "usage", "commands")
    cli.no(2, "usage", "commands", "--admin-fqdn", ks.SP, "--entity", "toaster")
    for bad in ("{", '{"x":{"mgmtDefinition":1025}}', '{"/x":{"mgmtDefinition":1}}', '{"/x":{"mgmtDefinition":1025,"fqdn":7,"adminFQDN":"a"}}',
                '{"/x":{"mgmtDefinition":1024}}', '{"/x":{"mgmtDefinition":1024,"certFingerprint":"a","y":1}}', '{"/x":{"mgmtDefinition":1020},"/x":{}}'):
        objects(cli, bad)
        cli.no(2, ("json-malformed", "json-duplicate-member"), "commands", "--admin-fqdn", ks.SP)
    (cli.state / "objects.json").chmod(0o640)
    cli.no(2, "file-mode", "commands", "--admin-fqdn", ks.SP)  # symmKeyValue is in it
    (cli.state / "objects.json").unlink()
    assert run(cli)["commands"] == 0
    add(lab, d, "dev-cfg", {"deviceConfigURI": f"3:coaps://{ks.MEF}/x"})
    assert run(cli, "--if-due")["commands"] == 0, "not before the MEF wants it"
    assert run(cli)["commands"] == 1
    for args in ('{"deviceConfigURI":"1:http://other.example/"}', "{}", "["):
        p = lab.ctl("mef", "command", "add", d.enrolee_id, args, "--class", "dev-cfg")
        assert p.returncode != 0, args
