"""What an AE does with its resources, end to end: limits of containers, latest and oldest, update, deletion with all that is
below, addresses, answers as TS-0009 wants them."""
import threading

import pytest

import keystead as ks


@pytest.fixture(scope="module")
def ae(lab):
    return lab.journey("owner")


@pytest.fixture
def conn(lab, ae):
    with lab.cse(ae) as c:
        yield c


def names(c, ae, box, tried):
    return [n for n in tried if ks.ask(c, "retrieve", f"{box}/{n}", origin=ae.stem).rsc == 2000]


def test_number_of_instances(ae, conn):
    box = f"/-/{ae.stem}/mni"
    assert ks.create_container(conn, ae.stem, f"/{ae.stem}", "mni", mni=3).rsc == 2001
    for i in range(5):
        assert ks.create_content(conn, ae.stem, box, f"v{i}", rn=f"n{i}").rsc == 2001
    assert names(conn, ae, box, [f"n{i}" for i in range(5)]) == ["n2", "n3", "n4"]
    cnt = ks.ask(conn, "retrieve", box, origin=ae.stem).json["m2m:cnt"]
    assert (cnt["cni"], cnt["cbs"], cnt["mni"]) == (3, 6, 3)
    assert ks.ask(conn, "retrieve", f"{box}/la", origin=ae.stem).json["m2m:cin"]["con"] == "v4"
    assert ks.ask(conn, "retrieve", f"{box}/ol", origin=ae.stem).json["m2m:cin"]["con"] == "v2"
    assert ks.ask(conn, "delete", f"{box}/la", origin=ae.stem).rsc == 2002
    assert ks.ask(conn, "delete", f"{box}/ol", origin=ae.stem).rsc == 2002
    assert names(conn, ae, box, [f"n{i}" for i in range(5)]) == ["n3"]


def test_number_of_octets(ae, conn):
    box = f"/-/{ae.stem}/mbs"
    assert ks.create_container(conn, ae.stem, f"/{ae.stem}", "mbs", mbs=10).rsc == 2001
    for i, con in enumerate(("12345", "6789", "abcdef")):
        assert ks.create_content(conn, ae.stem, box, con, rn=f"n{i}").rsc == 2001
    assert names(conn, ae, box, ["n0", "n1", "n2"]) == ["n1", "n2"]
    r = ks.create_content(conn, ae.stem, box, "x" * 11)
    assert (r.rsc, r.status) == (5207, 406), r
    assert ks.ask(conn, "retrieve", box, origin=ae.stem).json["m2m:cnt"]["cbs"] == 10


def test_deleting_takes_what_is_below(lab, ae, conn):
    assert ks.create_container(conn, ae.stem, f"/{ae.stem}", "tree").rsc == 2001
    assert ks.create_container(conn, ae.stem, f"/-/{ae.stem}/tree", "branch").rsc == 2001
    r = ks.create_content(conn, ae.stem, f"/-/{ae.stem}/tree/branch", "leaf", rn="leaf")
    ri = r.json["m2m:cin"]["ri"]
    assert ks.ask(conn, "retrieve", f"/{ri}", origin=ae.stem).rsc == 2000, "by its identifier"
    assert ks.ask(conn, "delete", f"/-/{ae.stem}/tree", origin=ae.stem).rsc == 2002
    for path in ("tree", "tree/branch", "tree/branch/leaf", "tree/branch/la"):
        assert ks.ask(conn, "retrieve", f"/-/{ae.stem}/{path}", origin=ae.stem).rsc == 4004, path
    assert ks.ask(conn, "retrieve", f"/{ri}", origin=ae.stem).rsc == 4004
    assert ks.create_container(conn, ae.stem, f"/{ae.stem}", "tree").rsc == 2001
    assert ks.ask(conn, "retrieve", f"/-/{ae.stem}/tree/branch", origin=ae.stem).rsc == 4004, "nothing comes back"


def test_an_ae_that_goes_and_comes(lab):
    d = lab.journey("returns")
    with lab.cse(d) as c:
        assert ks.create_container(c, d.stem, f"/{d.stem}", "box").rsc == 2001
        assert ks.ask(c, "delete", f"/{d.stem}", origin=d.stem).rsc == 2002
        r = ks.ask(c, "retrieve", f"/{d.stem}", origin=d.stem)
        assert r.rsc in (4004, 4106), r
        assert ks.register(c, d.stem).rsc == 2001
        assert ks.ask(c, "retrieve", f"/-/{d.stem}/box", origin=d.stem).rsc == 4004, "a new AE begins empty"


def test_answers(ae, conn):
    r = ks.create_container(conn, ae.stem, f"/{ae.stem}", "answers")
    assert r.headers["content-type"].split(";")[0] in ("application/json", "application/vnd.onem2m-res+json")
    assert r.headers["x-m2m-ri"].startswith("r") and r.headers["x-m2m-rsc"] == "2001" and r.headers["x-m2m-rvi"] == "3"
    assert r.headers["content-location"].startswith("/in/")
    assert ks.ask(conn, "retrieve", "/~" + r.headers["content-location"], origin=ae.stem).rsc == 2000
    cnt = r.json["m2m:cnt"]
    assert {"rn", "ty", "ri", "pi", "ct", "lt", "et"} <= set(cnt) and cnt["ty"] == 3 and cnt["pi"] == ae.stem


def test_base(ae, conn):
    """The CSEBase shows itself to whom a policy lets; by default to nobody but its creator, the CSE."""
    r = ks.ask(conn, "retrieve", "/-", origin=ae.stem)
    assert r.rsc == 4103, r  # refuses R000-48
    assert ks.ask(conn, "delete", "/-", origin=ae.stem).rsc in (4103, 4005)


def test_many_writers_one_container(lab, ae, conn):
    """Concurrent creates over several associations: each is there once, the container counts right."""
    assert ks.create_container(conn, ae.stem, f"/{ae.stem}", "busy").rsc == 2001
    faults = []

    def write(k):
        with lab.cse(ae) as c:
            for i in range(25):
                r = ks.create_content(c, ae.stem, f"/-/{ae.stem}/busy", f"{k}.{i}", rn=f"w{k}x{i}")
                if r.rsc != 2001:
                    faults.append(r)
    threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not faults, faults[:3]
    cnt = ks.ask(conn, "retrieve", f"/-/{ae.stem}/busy", origin=ae.stem).json["m2m:cnt"]
    assert cnt["cni"] == 100
    assert len(names(conn, ae, f"/-/{ae.stem}/busy", [f"w{k}x{i}" for k in range(4) for i in range(25)])) == 100


def test_administrator(tmp_path):
    """[cse] admin may set policies of the CSEBase, and nobody else (R002-34)."""
    with ks.Lab(tmp_path / "l") as lab:
        lab.set("cse", "cse", "admin", f"//{ks.SP}/Sadmin")
        lab.start()
        admin, other = lab.journey("admin"), lab.journey("other")
        rule = {"m2m:acp": {"rn": "open", "pv": {"acr": [{"acor": ["all"], "acop": 2}]},
                            "pvs": {"acr": [{"acor": ["Sadmin"], "acop": 63}]}}}
        with lab.cse(other) as c:
            assert ks.ask(c, "create", "/-", rule, 1, other.stem).rsc == 4103  # refuses R002-34
        with lab.cse(admin) as c:
            r = ks.ask(c, "create", "/-", rule, 1, admin.stem)
            assert r.rsc == 2001, r
            r = ks.ask(c, "update", "/-", {"m2m:cb": {"acpi": [r.json["m2m:acp"]["ri"]]}}, origin=admin.stem)
            assert r.rsc == 2004, r
        with lab.cse(other) as c:
            r = ks.ask(c, "retrieve", "/-", origin=other.stem)
            assert r.rsc == 2000 and r.json["m2m:cb"]["csi"] == "/in", r
            assert ks.ask(c, "delete", "/-/open", origin=other.stem).rsc == 4103  # refuses R002-34
        identity, key = lab.add_kpsa("usurper")
        with lab.psk("cse", identity, key).connect() as c:
            r = ks.register(c, "Sadmin")
            assert r.rsc in (4106, 4117), r


def found(conn, ae, query, path=None):
    r = ks.ask(conn, "retrieve", f"{path or '/-/' + ae.stem}?{query}", origin=ae.stem)
    assert r.rsc == 2000, r
    return [a.rsplit("/", 1)[-1] for a in r.json["m2m:uril"]], r


def test_discovery(ae, conn):
    top = f"/-/{ae.stem}/find"
    assert ks.create_container(conn, ae.stem, f"/{ae.stem}", "find", lbl=["a b", "top"]).rsc == 2001
    for i in range(5):
        assert ks.create_container(conn, ae.stem, top, f"room{i}", lbl=[f"room:{i}", "warm" if i % 2 else "cold"]).rsc == 2001
        assert ks.create_content(conn, ae.stem, f"{top}/room{i}", "x" * i, rn=f"v{i}").rsc == 2001
    assert found(conn, ae, "fu=1&lbl=a%20b")[0] == ["find"]
    assert found(conn, ae, "fu=1&lbl=warm", top)[0] == ["room1", "room3"]
    assert found(conn, ae, "fu=1&lbl=warm+cold&ty=3", top)[0] == [f"room{i}" for i in range(5)]
    assert found(conn, ae, "fu=1&sza=3", top)[0] == ["v3", "v4"]
    assert found(conn, ae, "fu=1&crb=20200101T000000", top)[0] == []
    names, at, pages = [], 1, 0
    while at:
        part, r = found(conn, ae, f"fu=1&ty=4&lim=2&ofst={at}", top)
        assert len(part) <= 2
        assert (r.headers.get("x-m2m-cts") == "1") == ("x-m2m-cto" in r.headers)
        names, at, pages = names + part, int(r.headers.get("x-m2m-cto", 0)), pages + 1
    assert names == [f"v{i}" for i in range(5)] and pages == 3
    r = ks.ask(conn, "retrieve", f"{top}?rcn=4&lvl=1", origin=ae.stem)
    assert [c["rn"] for c in r.json["m2m:cnt"]["m2m:cnt"]] == [f"room{i}" for i in range(5)], r
    r = ks.ask(conn, "retrieve", f"{top}/room4?rcn=8", origin=ae.stem)
    assert r.json == {"m2m:cnt": {"m2m:cin": [r.json["m2m:cnt"]["m2m:cin"][0]]}} and "xxxx" in str(r.json)


@pytest.mark.parametrize("query, what", [
    ("fu=1&ty=x", "ty"), ("fu=1&crb=yesterday", "crb"), ("fu=1&lim=0", "lim"), ("fu=1&ofst=0", "ofst"), ("fu=1&lbl=%zz", "lbl"),
    ("fu=1&sza=-1", "sza"), ("fu=1&fo=9", "fo"), ("fu=1&ty=", "ty"), ("rcn=11", "rcn")])
def test_filters_that_are_refused(ae, conn, query, what):
    r = ks.ask(conn, "retrieve", f"/-/{ae.stem}?{query}", origin=ae.stem)
    assert r.rsc == 4000 and f"({what})" in r.json["m2m:dbg"], r


def test_others_are_not_discovered(lab, ae, conn):
    other = lab.journey("seeker")
    with lab.cse(other) as c:
        r = ks.ask(c, "retrieve", f"/-/{ae.stem}?fu=1", origin=other.stem)
        assert r.rsc == 4103, r


def test_group(ae, conn):
    mine = f"/-/{ae.stem}"
    for n in ("lamp1", "lamp2"):
        assert ks.create_container(conn, ae.stem, f"/{ae.stem}", n).rsc == 2001
    members = [f"{ae.stem}/lamp1", f"cse-in/{ae.stem}/lamp2", "/mn-far/lamp"]
    r = ks.ask(conn, "create", mine, {"m2m:grp": {"rn": "lamps", "mnm": 5, "mid": members, "mt": 3}}, 9, ae.stem)
    assert r.rsc == 2001 and r.json["m2m:grp"]["cnm"] == 3 and r.json["m2m:grp"]["mtv"] is False, r
    r = ks.ask(conn, "create", f"{mine}/lamps/fopt", {"m2m:cin": {"con": "on"}}, 4, ae.stem)
    assert r.rsc == 2000 and [m["rsc"] for m in r.json["m2m:agr"]["m2m:rsp"]] == [2001, 2001, 5103], r
    r = ks.ask(conn, "retrieve", f"{mine}/lamps/fopt/la", origin=ae.stem)
    assert [m["pc"].get("m2m:cin", {}).get("con") for m in r.json["m2m:agr"]["m2m:rsp"]] == ["on", "on", None], r
    r = ks.ask(conn, "update", f"{mine}/lamps", {"m2m:grp": {"mid": [f"{ae.stem}/lamps/fopt"]}}, origin=ae.stem)
    assert r.rsc == 4102 and "group-circle" in r.json["m2m:dbg"] and "(mid)" in r.json["m2m:dbg"], r
