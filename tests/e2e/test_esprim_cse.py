"""ESPrim to the CSE with real processes: the key comes from the MAF in the middle of the request, an AE carries the objects of
another one over its own association (TLS, HTTP), and what was taken stays taken after a restart."""
import json
import os

import keystead as ks
import pytest


class Far:
    """An originator that the CSE has no association with; `keystead object` is its end."""

    def __init__(self, lab, where, kid, key, who, suid):
        self.lab, self.dir, self.who = lab, where, who
        where.mkdir()
        self.args = ["--state", where / "state", "--key", f"{kid}={self.put('key', key.hex())}", "--originator", who,
                     "--suid", suid]
        self.n = 0

    def put(self, name, text):
        f = self.dir / name
        f.write_text(text)
        f.chmod(0o600)
        return f

    def object(self, verb, *more):
        p = ks.run("object", verb, *self.args, *more)
        assert p.returncode == 0, p.stderr
        return p.stdout

    def wrap(self, carrier, **rqp):
        """What is to be carried; a new session asks for the receiver's random object first."""
        self.n += 1
        self.rqi = f"far{self.n}"
        self.put("rqp", json.dumps({"m2m:rqp": {"fr": self.who, "rqi": self.rqi, "rvi": "3", **rqp}}))
        more = []
        if not (self.dir / "state").exists():
            r = notify(carrier, {"m2m:seci": {"sit": 3}})
            assert r.rsc == 2000, r
            more = ["--offer", self.put("offer", r.body.decode())]
        return json.loads(self.object("wrap", "--in", self.dir / "rqp", *more))

    def open(self, r):
        assert r.rsc == 2000, r
        assert list(r.json["m2m:seci"]) == ["sit", "epo"] and r.json["m2m:seci"]["sit"] == 5
        out = self.object("accept", "--rqi", self.rqi, "--in", self.put("answer", r.body.decode()))
        return json.loads(out)["m2m:rsp"]

    def ask(self, carrier, **rqp):
        return self.open(notify(carrier, self.wrap(carrier, **rqp)))


class Carrier:
    def __init__(self, lab, device):
        self.conn, self.stem = lab.cse(device), device.stem


def notify(carrier, content, to="/-"):
    return ks.ask(carrier.conn, "POST", to, content, origin=carrier.stem)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as lab:
        lab.set("cse", "server", "workers", 2)
        lab.start()
        carrier = lab.journey("carrier")
        with lab.cse(carrier) as c:
            rule = {"acr": [{"acor": ["Sfar", "Scarrier"], "acop": 63}]}
            assert ks.ask(c, "create", "/Scarrier", {"m2m:acp": {"rn": "p", "pv": rule, "pvs": rule}}, 1, "Scarrier").rsc == 2001
            assert ks.create_container(c, "Scarrier", "/Scarrier", "c", acpi=["Scarrier/p"]).rsc == 2001
        yield lab, carrier


def far_key(lab, name, **more):
    d = lab.enrol(lab.device(name))
    assert lab.maf_register(d).rsc == 2001
    r = lab.key_register(d, **{"suid": 33, **more})
    assert r.rsc == 2001, r
    return d


def test_a_request_whose_key_the_maf_has(scene, tmp_path):
    lab, device = scene
    carrier = Carrier(lab, device)
    d = far_key(lab, "far")
    far = Far(lab, tmp_path / "far", d.kc_id, d.kc, d.enrolee_id, 33)
    r = far.ask(carrier, op=1, to="Scarrier/c", ty=4, pc={"m2m:cin": {"con": "21.5"}})
    assert r["rsc"] == 2001, r
    assert far.ask(carrier, op=2, to=f"//{ks.SP}/in/Scarrier/c/la")["pc"]["m2m:cin"]["con"] == "21.5"
    assert far.ask(carrier, op=2, to="Scarrier")["rsc"] == 4103  # its own originator's rights, not the carrier's
    shown = lab.ctl_json("cse", "credential", "show", d.kc_id)
    assert (shown["kind"], shown["source"], shown["enrolee-id"], shown["state"]) == ("esprim", ks.MAF, d.enrolee_id, "valid")
    with pytest.raises(ks.tlspsk.Alert):  # a key for objects is none for associations
        lab.cse(d)
    sent = far.wrap(carrier, op=1, to="Scarrier/c", ty=4, pc={"m2m:cin": {"con": "once"}})
    assert far.open(notify(carrier, sent))["rsc"] == 2001
    lab.restart("cse")
    carrier = Carrier(lab, device)
    r = notify(carrier, sent)
    assert (r.rsc, r.reason) == (4000, "esprim-replayed"), r
    assert far.ask(carrier, op=2, to="Scarrier/c")["rsc"] == 2000  # the session goes on
    lab.ctl_json("cse", "credential", "revoke", d.kc_id)
    r = notify(carrier, far.wrap(carrier, op=2, to="Scarrier/c"))
    assert (r.rsc, r.reason) == (4112, "esprim-key-unknown"), r
    assert not ks.keys_in(lab.logs() + lab.spoken, [d.kc])


def test_refusals(scene, tmp_path):
    lab, device = scene
    carrier = Carrier(lab, device)
    key = os.urandom(32)
    ident = f"0123@{ks.SP}"
    lab.ctl_json("cse", "credential", "add", "--kind", "esprim", "--id", ident, "--key-file", lab.key_file("far2", key),
                 "--enrolee-id", f"//{ks.SP}/Sfar2", "--lifetime", "1h")

    def refused(name, want, kid=ident, k=key, who=f"//{ks.SP}/Sfar2", change=lambda x: x):
        far = Far(lab, tmp_path / name, kid, k, who, 13)
        sent = far.wrap(carrier, op=2, to="-")
        sent["m2m:seci"]["epo"] = change(sent["m2m:seci"]["epo"])
        r = notify(carrier, sent)
        assert (r.rsc, r.reason) == want, (name, r)

    assert Far(lab, tmp_path / "good", ident, key, f"//{ks.SP}/Sfar2", 13).ask(carrier, op=2, to="-")["rsc"] == 4103
    refused("parse", (4000, "object-malformed"), change=lambda x: x[:-30])
    refused("key", (4112, "esprim-key-unknown"), kid=f"99@{ks.SP}")
    refused("maf", (4112, "esprim-key-unknown"), kid=f"{'AB' * 16}@{ks.MAF}")  # the MAF was asked and knows none
    refused("tag", (4115, "esprim-tag"), k=bytes(32))
    refused("who", (4116, "esprim-impersonation"), who=f"//{ks.SP}/Scarrier")  # refuses R002-84
    d = far_key(lab, "saef", suid=32)
    refused("suid", (4112, "esprim-key-unknown"), kid=d.kc_id, k=d.kc, who=d.enrolee_id)  # for associations only
    assert notify(carrier, {"m2m:seci": {"sit": 3}}, "/Scarrier").rsc == 5103  # goes on to the AE, which has nowhere to get it
    assert notify(carrier, {"m2m:seci": {"sit": 6, "eckm": "AAAA"}}).rsc == 4005
    with lab.psk("cse", *lab.add_kpsa("nobody")).connect() as c:  # who is not registered carries nothing
        assert ks.ask(c, "POST", "/-", {"m2m:seci": {"sit": 3}}, origin="Sfar").rsc == 4106
    e = ks.ask(carrier.conn, "retrieve", "/-", origin="Scarrier")
    assert e.rsc == 4103, e
