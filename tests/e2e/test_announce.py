"""Announcing with real processes: an AE with an AE-ID of the provider registers at an MN-CSE, and the IN-CSE knows where it is; nothing that was
answered is forgotten, whoever dies or is away."""
import keystead as ks
import pytest
from test_mcc import ae, joined, key_of, let_in, second_cse


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as lab:
        second_cse(lab)
        lab.set("cse", "cse", "admin", "Sadmin")
        lab.start("cse", "mn")
        let_in(lab, "cse", "mn", f"//{ks.SP}/mn")
        let_in(lab, "mn", "in", ks.CSE_ID)
        ks.wait_for(lambda: joined(lab), what="the registration")
        yield lab


@pytest.fixture(scope="module")
def admin(pair):
    return ae(pair, "cse", "admin")


def announced(lab, ri):
    return {a["id"]: a for a in lab.ctl_json("mn", "announcement", "list")["announcements"]}.get(ri, {}).get("state")


def there(admin, to):
    return ks.ask(admin[0], "retrieve", f"/{to}", None, None, admin[1])


def test_the_in_cse_knows_where_an_ae_is(pair, admin):
    """R002-31, R002-32: registered at the MN-CSE, seen at the IN-CSE."""
    near = ae(pair, "mn", "near")
    ks.wait_for(lambda: announced(pair, "Snear") == "announced", what="the announcement")
    r = there(admin, "Snear")
    assert r.rsc == 2000 and r.json["m2m:aeA"]["lnk"] == "/mn/Snear", r
    assert f"Credential-ID:12-near@{ks.SP}" in r.json["m2m:aeA"]["lbl"]
    assert ks.ask(near[0], "update", "/Snear", {"m2m:ae": {"lbl": ["blue"], "apn": "lamp", "aa": ["apn"]}}, None, "Snear").rsc == 2004
    ks.wait_for(lambda: there(admin, "Snear").json["m2m:aeA"].get("apn") == "lamp", what="the update")
    # a container of it, at the same place
    box = {"m2m:cnt": {"rn": "box", "lbl": ["findme"], "at": ["/in"]}}
    assert ks.ask(near[0], "create", "/Snear", box, 3, "Snear").rsc == 2001
    for bad in ("/nobody", "/mn", "http://127.0.0.1:1/"):
        r = ks.ask(near[0], "create", "/Snear", {"m2m:cnt": {"at": [bad]}}, 3, "Snear")
        assert r.rsc == 4102 and b"at:" in r.body, r
    ks.wait_for(lambda: b"findme" in there(admin, "Snear?rcn=4").body, what="the container")
    assert ks.ask(near[0], "delete", "/Snear", None, None, "Snear").rsc == 2002
    ks.wait_for(lambda: there(admin, "Snear").rsc == 4004, what="the end")


def test_nothing_answered_is_forgotten(pair):
    """The IN-CSE is away, the MN-CSE is killed after its answer: the announcement comes all the same, and so does its end."""
    pair.stop("cse")
    ae(pair, "mn", "far")
    assert announced(pair, "Sfar") == "pending"
    assert ("announcement", "pending") in [(o["kind"], o["state"]) for o in pair.ctl_json("mn", "explain", "Sfar")["objects"]]
    pair.servers["mn"].kill()
    pair.start("cse", "mn")
    ks.wait_for(lambda: announced(pair, "Sfar") == "announced", what="the announcement")
    admin = (pair.psk("cse", f"admin@{ks.SP}", key_of("admin")).connect(), "Sadmin")
    assert there(admin, "Sfar").json["m2m:aeA"]["lnk"] == "/mn/Sfar"


def test_only_its_own_cse_speaks_of_it(pair):
    """A second field CSE cannot take the AE over, nor speak in its name; refuses what is not at it."""
    let_in(pair, "cse", "evil", f"//{ks.SP}/evil")
    with pair.psk("cse", f"evil@{ks.SP}", key_of("evil")).connect() as c:
        assert ks.ask(c, "create", "/-", {"m2m:csr": {"rr": False, "srv": ["3"]}}, 16, "/evil").rsc == 2001
        for lnk, want in (("/mn/Sfar", 4106), ("/evil/Sfar", 4105), ("/evil/Cfar", 4102), ("Sfar", 4102)):
            assert ks.ask(c, "create", "/-", {"m2m:aeA": {"lnk": lnk, "api": "N1"}}, 10002, "/evil").rsc == want, lnk
        take = {"m2m:aeA": {"lnk": "/evil/Sfar", "lbl": ["Credential-ID:12-evil@x"]}}
        assert ks.ask(c, "update", "/Sfar", take, None, "/evil").rsc == 4106
        assert ks.ask(c, "delete", "/Sfar", None, None, "/evil").rsc == 4103
        assert ks.ask(c, "retrieve", "/-", None, None, "/Sfar").rsc == 4106
