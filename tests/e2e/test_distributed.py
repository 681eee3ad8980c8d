"""Distributed authorization: an MN-CSE asks the PDP and the PRP of its IN-CSE about requests that its own policies do not permit; what
these say, what they answer to nonsense, and who may ask them."""
import pytest

import keystead as ks
from test_mcc import joined, key_of, let_in, second_cse
from test_token import FQDN, ISSUER, Signer, claims

OWN = {"acr": [{"acor": ["Sowner"], "acop": 63}]}


def rules(*who, acop=2):
    return {"acr": [{"acor": list(who), "acop": acop}]}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as lab:
        second_cse(lab)
        lab.set("cse", "cse", "admin", "Sadmin")
        lab.set("mn", "cse", "distributed-authorization", "on")
        lab.set("mn", "cse", "decision-lifetime", "1s")
        lab.set("cse", "cse", "distributed-authorization", "on")
        lab.set("mn", "cse", "admin", "Sowner")
        lab.append("cse", "\n[decide /mn/cse-mn/Sowner/box]\npolicies = cse-in/central\n[decide /mn/cse-mn/Sowner/chain]\npolicies = cse-in/readers\n")
        lab.signer = Signer(lab.where, "das")
        for role in ("cse", "mn"):
            lab.set(role, "cse", "role-issuers", "Sowner")
            lab.append(role, f"\n[das {FQDN}]\nid = {ISSUER}\nkey = {lab.signer.pub}\nscope = all\n")
        lab.start("cse", "mn")
        lab.admin = lab.add_kpsa("admin", enrolee_id=f"//{ks.SP}/Sadmin")
        let_in(lab, "cse", "mn", f"//{ks.SP}/mn")
        let_in(lab, "mn", "in", f"//{ks.SP}/in")
        ks.wait_for(lambda: joined(lab), what="registration")
        with admin(lab) as a:
            assert ks.register(a, "Sadmin").rsc == 2001
            make(a, "acp", 1, {"rn": "mayask", "pv": {"acr": [{"acor": ["/mn", "Sadmin"], "acop": 63}]}, "pvs": rules("Sadmin", acop=63)})
            make(a, "acp", 1, {"rn": "central", "pv": rules("Sguest"), "pvs": rules("Sadmin", acop=63)})
            make(a, "acp", 1, {"rn": "readers", "pv": rules(f"reader@{ks.SP}"), "pvs": rules("Sadmin", acop=63), "airi": ["/mn/cse-mn/auif"]})
            for root, ty in (("auds", 35), ("aupy", 36), ("auif", 37)):
                make(a, root, ty, {"rn": root, "acpi": ["cse-in/mayask"]})
        lab.keys = {}
        for name in ("owner", "guest", "other"):
            lab.keys[name] = add(lab, name)
            with connect(lab, name) as c:
                assert ks.register(c, f"S{name}").rsc == 2001
        with connect(lab, "owner") as o:
            for rn, more in (("far", {"adri": ["/in/cse-in/auds"]}), ("fetched", {"apri": ["/in/cse-in/aupy"]}),
                             ("lost", {"adri": ["/in/cse-in/none"]}), ("informed", {"airi": ["/mn/cse-mn/auif", "/in/cse-in/auif"]})):
                r = ks.ask(o, "create", "/-/Sowner", {"m2m:acp": {"rn": rn, "pv": OWN, "pvs": OWN, **more}}, 1, "Sowner")
                assert r.rsc == 2001, r
            for rn, acp in (("box", "far"), ("box2", "far"), ("crate", "fetched"), ("lost-box", "lost"), ("chain", "far"), ("chest", "informed")):
                r = ks.ask(o, "create", "/-/Sowner", {"m2m:cnt": {"rn": rn, "acpi": [f"Sowner/{acp}"]}}, 3, "Sowner")
                assert r.rsc == 2001, r
            make(o, "acp", 1, {"rn": "mayask", "pv": {"acr": [{"acor": ["/in"], "acop": 4}]}, "pvs": OWN}, "Sowner")
            make(o, "auif", 37, {"rn": "auif", "acpi": ["cse-mn/mayask"]}, "Sowner")
            role = {"rlid": f"reader@{ks.SP}", "tkis": "Sowner", "tkhd": "Sguest", "tknb": "20200101T000000", "tkna": "20990101T000000"}
            assert ks.ask(o, "create", "/Sguest", {"m2m:rol": role}, 31, "Sowner").rsc == 2001
        yield lab


def add(lab, name):
    let_in(lab, "mn", name, f"//{ks.SP}/S{name}")
    return f"{name}@{ks.SP}", key_of(name)


def connect(lab, name):
    return lab.psk("mn", *lab.keys[name]).connect()


def admin(lab):
    return lab.psk("cse", *lab.admin).connect()


def make(conn, root, ty, attrs, who="Sadmin"):
    r = ks.ask(conn, "create", "/-", {f"m2m:{root}": attrs}, ty, who)
    assert r.rsc == 2001, r


def question(conn, root, attrs, who="Sadmin"):
    r = ks.ask(conn, "update", f"/-/{root}", {f"m2m:{root}": attrs}, origin=who)
    return r.json.get(f"m2m:{root}", r.json) if r.rsc == 2004 else r


def events(lab, role):
    return [e["event"] for e in lab.ctl_json(role, "audit", "tail", "--limit", "200")["events"]]


def test_a_decision_is_asked_for(pair):
    with connect(pair, "guest") as g, connect(pair, "other") as x, connect(pair, "owner") as o:
        assert ks.ask(o, "retrieve", "/-/Sowner/box", origin="Sowner").rsc == 2000
        assert "decision-given" not in events(pair, "cse"), "what its own policies permit is asked of nobody"
        assert ks.ask(g, "retrieve", "/-/Sowner/box", origin="Sguest").rsc == 2000
        assert ks.ask(g, "retrieve", "/-/Sowner/box", origin="Sguest").rsc == 2000
        assert events(pair, "cse").count("decision-given") == 1 and "decision-taken" in events(pair, "mn")
        assert ks.create_content(g, "Sguest", "/-/Sowner/box", "v").rsc == 4103
        assert ks.ask(x, "retrieve", "/-/Sowner/box", origin="Sother").rsc == 4103
        assert ks.ask(g, "retrieve", "/-/Sowner/box2", origin="Sguest").rsc == 4103, "the PDP has no policy for it"
        assert ks.ask(g, "retrieve", "/-/Sowner/lost-box", origin="Sguest").rsc == 4103, "the PDP is not there"
        # the PDP thinks better of it, and what it said ends
        with admin(pair) as a:
            assert ks.ask(a, "update", "/-/central", {"m2m:acp": {"pv": rules("Sother")}}, origin="Sadmin").rsc == 2004
            ks.wait_for(lambda: ks.ask(g, "retrieve", "/-/Sowner/box", origin="Sguest").rsc == 4103, what="the end of a decision")
            ks.wait_for(lambda: ks.ask(x, "retrieve", "/-/Sowner/box", origin="Sother").rsc == 2000, what="the new one")
            assert ks.ask(a, "update", "/-/central", {"m2m:acp": {"pv": rules("Sguest")}}, origin="Sadmin").rsc == 2004


def test_policies_are_fetched(pair):
    pair.append("cse", "\n[decide /mn/cse-mn/Sowner/crate]\npolicies = cse-in/central\n")
    assert pair.ctl("cse", "reload").returncode == 0
    with connect(pair, "guest") as g, connect(pair, "other") as x:
        ks.wait_for(lambda: ks.ask(g, "retrieve", "/-/Sowner/crate", origin="Sguest").rsc == 2000, what="the policies")
        assert ks.ask(x, "retrieve", "/-/Sowner/crate", origin="Sother").rsc == 4103


def test_what_the_points_answer(pair):
    box = f"//{ks.SP}/mn/cse-mn/Sowner/box"
    with admin(pair) as a:
        assert question(a, "auds", {"to": box, "fr": f"//{ks.SP}/Sguest", "op": 2}) == {"dec": 1, "sus": 1}
        assert question(a, "auds", {"to": box, "fr": f"//{ks.SP}/Sother", "op": 2}) == {"dec": 2, "sus": 1}
        assert question(a, "auds", {"to": "/mn/cse-mn/other", "fr": "Sguest", "op": 2}) == {"sus": 2}
        assert question(a, "auds", {"to": "cse-in/none", "fr": "Sguest", "op": 2}) == {"sus": 2}
        assert question(a, "auds", {"to": "cse-in/auds", "fr": "Sadmin", "op": 2}) == {"dec": 1, "sus": 1}, "its own resources too"
        assert question(a, "auds", {"to": box, "fr": "not an id", "op": 2}) == {"sus": 4}
        assert question(a, "auds", {"to": box, "fr": "Sguest", "op": 2, "tkns": ["a.b.c"]}) == {"sus": 4}
        assert question(a, "aupy", {"to": box}) == {"ps": {"pv": [rules(f"//{ks.SP}/Sguest")]}, "ca": 1, "sus": 1}
        assert question(a, "aupy", {"to": "/mn/elsewhere"}) == {"sus": 2}
        assert question(a, "auif", {"fr": "Sguest"}) == {"m2m:rol": [], "m2m:tk": [], "sus": 2}
        role = {"rlid": f"reader@{ks.SP}", "tkis": "Sadmin", "tkhd": "Sadmin", "tknb": "20200101T000000", "tkna": "20990101T000000"}
        assert ks.ask(a, "create", "/Sadmin", {"m2m:rol": role}, 31, "Sadmin").rsc == 2001
        found = question(a, "auif", {"fr": "Sadmin", "rids": [f"reader@{ks.SP}"]})
        assert found["sus"] == 1 and [r["rlid"] for r in found["m2m:rol"]] == [role["rlid"]]
        for bad in ({"fr": "Sguest", "op": 2}, {"to": box, "fr": "Sguest"}, {"to": box, "fr": "Sguest", "op": 2, "lbl": ["x"]},
                    {"to": box, "fr": "Sguest", "op": 9}, {"to": box, "fr": "Sguest", "op": 2, "dec": 1}):
            assert question(a, "auds", bad).rsc // 1000 == 4, bad
        assert ks.ask(a, "update", "/-/auds", {"m2m:auds": {"lbl": ["x"]}}, origin="Sadmin").rsc == 2004, "a label is a label"
        r = ks.ask(a, "retrieve", "/-/auds", origin="Sadmin")
        assert r.rsc == 2000 and not {"to", "fr", "dec"} & set(r.json["m2m:auds"]), "nothing of a question stays"
        stranger = pair.psk("cse", *pair.add_kpsa("stranger", enrolee_id=f"//{ks.SP}/Sstranger"))
        with stranger.connect() as s:
            assert ks.register(s, "Sstranger").rsc == 2001
            r = question(s, "auds", {"to": box, "fr": "Sguest", "op": 2}, "Sstranger")
            assert (r.rsc, r.reason) == (4103, "no-privilege"), r


def test_a_pip_tells_tokens(pair):
    """The Token-ID is known at the IN-CSE: the MN-CSE asks its PIP, verifies what comes, and asks no more."""
    say = claims("told", "Sguest", ["Sowner/chest"], aud=[f"//{ks.SP}/mn"])
    path = f"/-/Sowner/chest?tids=told%40{FQDN}"
    with admin(pair) as a, connect(pair, "guest") as g, connect(pair, "other") as x:
        assert ks.ask(g, "retrieve", path, origin="Sguest").reason == "token-unknown"
        make(a, "tk", 32, {"rn": "told", "tkid": say["jti"], "tkob": pair.signer.token(say)})
        found = question(a, "auif", {"fr": f"//{ks.SP}/Sguest", "tids": [say["jti"]]})
        assert found["sus"] == 1 and [t["tkid"] for t in found["m2m:tk"]] == [say["jti"]] and "m2m:rol" not in found
        assert question(a, "auif", {"fr": f"//{ks.SP}/Sother", "tids": [say["jti"]]}) == {"m2m:tk": [], "sus": 2}
        ks.wait_for(lambda: ks.ask(g, "retrieve", path, origin="Sguest").rsc == 2000, what="the token")
        assert ks.ask(a, "delete", "/-/told", origin="Sadmin").rsc == 2002
        r = ks.ask(g, "retrieve", path, origin="Sguest")
        assert r.rsc == 2000 and r.headers["x-m2m-ati"].endswith(":" + say["jti"]), "it is kept"
        assert ks.ask(g, "retrieve", "/-/Sowner/chest", origin="Sguest").rsc == 4103
        r = ks.ask(x, "retrieve", path, origin="Sother")
        assert (r.rsc, r.reason) == (4103, "token-holder"), r


def test_a_pdp_asks_a_pip(pair):
    """The IN-CSE decides about a resource of the MN-CSE, by a role of which the MN-CSE knows: it asks while it is asked."""
    path = f"/-/Sowner/chain?rids=reader@{ks.SP}"
    with connect(pair, "guest") as g, connect(pair, "other") as x:
        assert ks.ask(g, "retrieve", "/-/Sowner/chain", origin="Sguest").rsc == 4103, "he does not claim it"
        ks.wait_for(lambda: ks.ask(g, "retrieve", path, origin="Sguest").rsc == 2000, what="the role")
        assert "decision-taken" in events(pair, "cse")
        r = ks.ask(x, "retrieve", path, origin="Sother")
        assert (r.rsc, r.reason) == (4103, "no-privilege"), r
