"""Client and key registration with running servers: Mmaf and Mmef over TLS and HTTP, and Mmaf over DTLS and CoAP with the
device's own verbs [TS-0003 8.8.2, 8.3.5.2]."""
import json

import pytest

import coaps as with_coaps
import keystead as ks
from test_device import Cli

OWN_VALUE = "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="  # 32 octets of 0x42


@pytest.fixture(scope="module")
def coaps(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("registration") / "l") as lab:
        lab.coaps = with_coaps.ports(lab)
        lab.start()
        yield lab


class CoapCli(Cli):
    def at(self, role):
        return f"coaps://127.0.0.1:{self.lab.coaps[role]}"


def test_mmaf_in_full(lab):
    d = lab.associate(lab.enrol(lab.device("reg-maf")))
    ri, key = f"/{d.registration}", f"/-/{d.kc_id.split('@')[0]}"
    with lab.psk("maf", d.km_id, d.km).connect() as c:
        base = ks.ask(c, "retrieve", "/-", origin=d.enrolee_id)
        assert base.rsc == 2000 and base.json["m2m:mafb"]["ch"][0]["val"] == d.registration
        assert ks.ask(c, "retrieve", f"{ri}/cfg", origin=d.enrolee_id).rsc == 4004
        lab.ctl_json("maf", "registration", "configure", d.registration, "--configuration", '{"coapPort": 5684}')
        assert ks.ask(c, "retrieve", f"{ri}/cfg", origin=d.enrolee_id).json["sec:mafClientCfg"] == {"coapPort": 5684}
        r = ks.ask(c, "update", ri, {"m2m:macr": {"lbl": ["blue"]}}, origin=d.enrolee_id)
        assert r.rsc == 2004 and r.json == {"m2m:macr": {"lbl": ["blue"]}}
        assert ks.ask(c, "update", ri, {"m2m:macr": {}}, origin=d.enrolee_id).rsc == 4000
        r = ks.ask(c, "update", key, {"m2m:skr": {"et": ks.later(1), "lbl": ["x"]}}, origin=d.enrolee_id)
        assert r.rsc == 2004 and set(r.json["m2m:skr"]) == {"et", "lbl"}
        assert ks.ask(c, "update", key, {"m2m:skr": {"kv": OWN_VALUE}}, origin=d.enrolee_id).rsc == 4102
    with ks.CertClient(lab, "maf", "cse") as c:
        got = ks.ask(c, "retrieve", key, origin=ks.CSE_ID)
        assert got.rsc == 2000 and got.json["m2m:skr"]["lbl"] == ["x"]
        assert ks.ask(c, "delete", key, origin=ks.CSE_ID).rsc == 4103  # refuses CHOICE-55
    listed = lab.listing("maf", "registration", "registrations")
    assert [x for x in listed if x["id"] == d.registration][0]["labels"] == ["blue"]
    with lab.psk("maf", d.km_id, d.km).connect() as c:
        assert ks.ask(c, "delete", key, origin=d.enrolee_id).rsc == 2002
    with ks.CertClient(lab, "maf", "cse") as c:
        assert ks.ask(c, "retrieve", key, origin=ks.CSE_ID).rsc == 4004
    assert lab.key_register(d).rsc == 2001
    with lab.psk("maf", d.km_id, d.km).connect() as c:
        assert ks.ask(c, "delete", ri, origin=d.enrolee_id).rsc == 2002
        assert ks.ask(c, "retrieve", "/-", origin=d.enrolee_id).rsc == 4103, "its Km is gone"
    assert d.registration not in str(lab.listing("maf", "registration", "registrations"))
    lab.associate(d)  # the MAF fetches Km again


def test_a_new_km_for_a_registration(lab):
    d = lab.associate(lab.enrol(lab.device("reg-new-km")))
    old = d.km_id
    lab.enrol(d)
    with lab.psk("maf", d.ke_id, d.km).connect() as c:
        r = ks.ask(c, "update", f"/{d.registration}", {"m2m:macr": {"et": ks.later()}}, origin=d.enrolee_id)
        assert r.rsc == 2004 and r.json["m2m:macr"]["aski"] not in (old, d.ke_id)
    d.km_id = r.json["m2m:macr"]["aski"]
    assert lab.key_register(d).rsc == 2001


def keys_of(lab, ri):
    return [k for k in lab.listing("mef", "key", "keys") if k["registration"] == ri[1:]]


def test_a_registration_ends_with_all_its_keys(lab):
    """48 keys go with it; the rest follows by itself, in batches (reg_leave.c)."""
    d = lab.device("reg-many")
    lab.ctl_json("mef", "client", "allow", "--client", d.enrolee_id, "--target", ks.MAF)
    with lab.psk("mef", d.kpm_id, d.psk).connect() as c:
        ri = "/" + ks.ask(c, "create", "/-", {"m2m:mecr": {"et": ks.later(), "adfq": ks.SP}}, 60005, d.enrolee_id).json["m2m:mecr"]["ri"]
        skr = {"m2m:skr": {"adfq": ks.SP, "suid": 21, "tgis": [ks.MAF], "kv": OWN_VALUE}}
        assert all(ks.ask(c, "create", ri, skr, 60003, d.enrolee_id).rsc == 2001 for _ in range(100))
        assert len(keys_of(lab, ri)) == 100
        assert ks.ask(c, "delete", ri, origin=d.enrolee_id).rsc == 2002
    ks.wait_for(lambda: not keys_of(lab, ri), what="the keys to go")


def test_mmef_in_full(lab):
    d = lab.device("reg-mef")
    lab.ctl_json("mef", "client", "allow", "--client", d.enrolee_id, "--target", ks.MAF)
    with lab.psk("mef", d.kpm_id, d.psk).connect() as c:
        def ask(op, path, content=None, ty=None):
            return ks.ask(c, op, path, content, ty, d.enrolee_id)
        reg = ask("create", "/-", {"m2m:mecr": {"et": ks.later(), "adfq": ks.SP}}, 60005)
        assert reg.rsc == 2001 and "aski" not in reg.json["m2m:mecr"]
        assert ask("create", "/-", {"m2m:mecr": {"et": ks.later(), "adfq": ks.SP}}, 60005).rsc == 4117
        ri = "/" + reg.json["m2m:mecr"]["ri"]
        skr = {"adfq": ks.SP, "suid": 21, "tgis": [ks.MAF]}
        assert ask("create", ri, {"m2m:skr": {**skr, "suid": 32}}, 60003).rsc == 4000  # CHOICE-59
        assert ask("create", ri, {"m2m:skr": {**skr, "tgis": ["other.test"]}}, 60003).rsc == 4103
        exported = ask("create", ri, {"m2m:skr": skr}, 60003)
        out = c.export(ks.BOOTSTRAP)  # CHOICE-24
        assert exported.rsc == 2001 and exported.json["m2m:skr"]["rn"].upper() == out[:16].hex().upper()
        assert ask("create", ri, {"m2m:skr": skr}, 60003).rsc == 4105  # CHOICE-10
        own = ask("create", ri, {"m2m:skr": {**skr, "kv": OWN_VALUE}}, 60003)
        assert own.rsc == 2001 and "kv" not in own.json["m2m:skr"]
        key = "/-/" + own.json["m2m:skr"]["rn"]
        assert ask("update", key, {"m2m:skr": {"lbl": ["y"]}}).rsc == 2004
        assert ask("retrieve", key).rsc == 4103  # a Source never reads it back
        assert ask("update", ri, {"m2m:mecr": {"lbl": ["z"]}}).rsc == 2004
        assert ask("retrieve", "/-").json["m2m:mefb"]["fqdn"] == ks.MEF
    with ks.CertClient(lab, "mef", "maf") as m:
        got = ks.ask(m, "retrieve", key, origin=ks.MAF)
        assert got.rsc == 2000 and got.json["m2m:skr"]["kv"] == OWN_VALUE
    with ks.CertClient(lab, "mef", "maf") as m:
        got = ks.ask(m, "retrieve", "/-/" + exported.json["m2m:skr"]["rn"], origin=ks.MAF)
        assert got.rsc == 2000 and ks.keys_in(json.dumps(got.json), [out[16:]])
    assert ks.keys_in(lab.fetch(ks.key_id(out[:16], ks.MEF)).body.decode(), [out[16:]]), "as it is: it is no Enrolment Key any more"
    with lab.psk("maf", ks.key_id(out[:16], ks.MEF), out[16:]).connect() as m:  # 8.8.2.3 step 1: the MAF fetches it as Km
        r = ks.ask(m, "create", "/-", {"m2m:macr": {"et": ks.later(), "adfq": ks.SP}}, 60002, d.enrolee_id)
        assert r.rsc == 2001 and r.json["m2m:macr"]["aski"].endswith("@" + ks.MAF)
    assert OWN_VALUE not in str(lab.listing("mef", "key", "keys"))
    lab.ctl_json("mef", "key", "remove", f"{own.json['m2m:skr']['rn']}@{ks.MEF}")
    with ks.CertClient(lab, "mef", "maf") as m:
        assert ks.ask(m, "retrieve", key, origin=ks.MAF).rsc == 4004
    with lab.psk("mef", d.kpm_id, d.psk).connect() as c:
        assert ks.ask(c, "delete", ri, origin=d.enrolee_id).rsc == 2002
        assert ks.ask(c, "retrieve", ri, origin=d.enrolee_id).rsc == 4004


def device_verbs(cli, lab):
    cli.ok("enrol", *cli.enrol_args())
    cli.no(1, "wrong-state", "maf-update", "--labels", "a")
    cli.ok("associate", *cli.associate_args())
    ri = [x for x in lab.listing("maf", "registration", "registrations") if x["client"] == cli.device.enrolee_id][0]["id"]
    cli.no(1, "not-found", "maf-config")
    lab.ctl_json("maf", "registration", "configure", ri, "--configuration", '{"fqdn":"maf.test"}')
    assert cli.ok("maf-config")["content"] == {"sec:mafClientCfg": {"fqdn": "maf.test"}}
    cli.no(2, "usage", "maf-update")
    cli.no(2, "usage", "maf-update", "--lifetime", "soon")
    assert cli.ok("maf-update", "--labels", "a,b", "--lifetime", "5d")["registration"] == ri
    assert [x for x in lab.listing("maf", "registration", "registrations") if x["id"] == ri][0]["labels"] == ["a", "b"]
    before = cli.ok("status")["kc_expires"]
    assert cli.ok("key-update", "--lifetime", "1h")["kc_expires"] < before
    assert cli.ok("key-deregister")["kc_id"] == ""
    cli.no(1, "wrong-state", "key-deregister")
    cli.ok("associate", *cli.associate_args())  # a new key under the same registration
    assert cli.ok("maf-deregister")["registration"] == ""
    assert ri not in str(lab.listing("maf", "registration", "registrations"))
    cli.ok("associate", *cli.associate_args())  # from the start: KeId, a new KmId


def test_device_verbs_over_https(lab, tmp_path):
    device_verbs(Cli(lab, tmp_path / "device", lab.device("reg-verbs")), lab)


def test_device_verbs_over_coaps(coaps, tmp_path):
    device_verbs(CoapCli(coaps, tmp_path / "device", coaps.device("reg-verbs-coap")), coaps)
