"""Notifications end to end: an HTTP server that takes them, one that hangs, one that refuses, one that comes back after a crash of the
CSE; URLs that nobody listed; the long poll of a polling channel."""
import sqlite3
import threading
import time

import pytest

import keystead as ks
from sink import Sink


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = ks.Lab(tmp_path_factory.mktemp("notification") / "lab")
    lab.sink, lab.slow = Sink(), Sink(answer=lambda sgn: 2000 if "vrq" in sgn else None)
    lab.away = ks.free_port()
    lab.set("cse", "server", "points-of-access",
            f"127.0.0.1:{lab.sink.port}, 127.0.0.1:{lab.slow.port}, 127.0.0.1:{lab.away}")
    lab.set("cse", "limits", "fetch-time", "1s")
    with lab:
        lab.start("cse")
        lab.keys = {n: lab.add_kpsa(n, enrolee_id=f"//{ks.SP}/S{n}") for n in ("one", "two")}
        for n in lab.keys:
            with connect(lab, n) as c:
                assert ks.register(c, f"S{n}").rsc == 2001
                assert ks.create_container(c, f"S{n}", f"/S{n}", "box").rsc == 2001
        yield lab
    lab.sink.close()
    lab.slow.close()


def connect(lab, name):
    return lab.psk("cse", *lab.keys[name]).connect()


def subscribe(conn, who, name, nu, to=None, **more):
    return ks.ask(conn, "create", to or f"/-/S{who}/box", {"m2m:sub": {"rn": name, "nu": nu, "enc": {"net": [3]}, **more}}, 23, f"S{who}")


def put(conn, who, con):
    assert ks.create_content(conn, f"S{who}", f"/-/S{who}/box", con).rsc == 2001


def test_events_come_in_order(lab):
    with connect(lab, "one") as c:
        assert subscribe(c, "one", "s", [lab.sink.url + "/n"], exc=5, su=lab.sink.url + "/end").rsc == 2001
        path, headers, sgn = lab.sink.got[0]
        assert sgn["vrq"] is True and sgn["cr"] == f"//{ks.SP}/Sone" and path == "/n" and headers["X-M2M-Origin"] == "/in"
        for i in range(5):
            put(c, "one", f"v{i}")
        ks.wait_for(lambda: len(lab.sink.got) == 7, what="five events and the end")
        assert lab.sink.contents() == [f"v{i}" for i in range(5)]
        assert lab.sink.got[-1][0] == "/end" and lab.sink.got[-1][2]["sud"] is True
        assert ks.ask(c, "retrieve", "/-/Sone/box/s", origin="Sone").rsc == 4004, "the counter has ended it"
        assert len({h["X-M2M-RI"] for _, h, _ in lab.sink.got}) == 7


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://169.254.169.254/latest", "http://localhost:{port}/", "http://[::1]:{port}/",
                                 "http://2130706433:{port}/", "https://127.0.0.1:{port}/", "http://x@127.0.0.1:{port}/"])
def test_nobody_leads_the_server_elsewhere(lab, url):
    before = len(lab.sink.got)
    with connect(lab, "one") as c:
        r = subscribe(c, "one", "bad", [url.format(port=lab.sink.port)])
        assert r.rsc in (5204, 4102) and "nu" in str(r.json), r
        assert ks.ask(c, "retrieve", "/-/Sone/box/bad", origin="Sone").rsc == 4004
        assert ks.ask(c, "update", "/Sone", {"m2m:ae": {"poa": [url.format(port=lab.sink.port)]}}, origin="Sone").rsc == 2004
        assert subscribe(c, "one", "poa", ["Sone"]).rsc == 2001
        put(c, "one", "for nobody")
        time.sleep(0.1)
        assert ks.ask(c, "delete", "/-/Sone/box/poa", origin="Sone").rsc == 2002
    assert len(lab.sink.got) == before


def test_verification(lab):
    with connect(lab, "one") as c, connect(lab, "two") as d:
        lab.sink.answer = lambda sgn: 4103
        r = subscribe(c, "one", "no", [lab.sink.url])
        assert (r.rsc, r.reason) == (5205, "target-refused"), r
        lab.sink.answer = lambda sgn: 3000  # redirects are not followed
        r = subscribe(c, "one", "no", [lab.sink.url])
        assert r.rsc == 5205 and lab.sink.got[-1][0] != "/elsewhere", r
        lab.sink.answer = lambda sgn: 2000
        r = subscribe(c, "one", "no", [f"http://127.0.0.1:{lab.away}"])
        assert (r.rsc, r.reason) == (5204, "target-unverified"), r
        r = subscribe(c, "one", "no", ["Stwo"])
        assert r.rsc == 5204, "an AE that cannot be asked"
        n = len(lab.sink.got)
        r = subscribe(d, "two", "no", [lab.sink.url], to="/-/Sone/box")
        assert r.rsc == 4103 and len(lab.sink.got) == n, "nobody is asked for a request that is refused anyway"
        assert ks.ask(d, "update", "/Stwo", {"m2m:ae": {"poa": [lab.sink.url + "/two"]}}, origin="Stwo").rsc == 2004
        assert subscribe(c, "one", "friend", ["Stwo"]).rsc == 2001
        assert lab.sink.got[-1][0] == "/two"
        put(c, "one", "for a friend")
        ks.wait_for(lambda: lab.sink.contents()[-1:] == ["for a friend"], what="the event")
        assert ks.ask(c, "delete", "/-/Sone/box/friend", origin="Sone").rsc == 2002


def test_a_target_that_hangs_stalls_nobody(lab):
    with connect(lab, "one") as c:
        assert subscribe(c, "one", "slow", [lab.slow.url]).rsc == 2001
        assert subscribe(c, "one", "fast", [lab.sink.url]).rsc == 2001
        began = time.monotonic()
        for i in range(10):
            put(c, "one", f"w{i}")
        ks.wait_for(lambda: lab.sink.contents()[-10:] == [f"w{i}" for i in range(10)], what="ten events")
        assert time.monotonic() - began < 5
        ks.wait_for(lambda: any(t["state"] == "away" for n in lab.listing("cse", "notification", "notifications") for t in n["targets"]),
                    what="the slow one to be away")
        for name in ("slow", "fast"):
            assert ks.ask(c, "delete", f"/-/Sone/box/{name}", origin="Sone").rsc == 2002


def test_nothing_acknowledged_is_lost(lab):
    home = Sink(port=lab.away)
    with connect(lab, "one") as c:
        assert subscribe(c, "one", "durable", [home.url]).rsc == 2001
        home.close()
        for i in range(5):
            put(c, "one", f"d{i}")
    lab.servers.pop("cse").kill()
    home = Sink(port=lab.away)
    lab.start("cse")
    ks.wait_for(lambda: len(home.contents()) >= 5, what="five events")
    assert list(dict.fromkeys(home.contents())) == [f"d{i}" for i in range(5)], "in order; a crash may tell one twice"
    with connect(lab, "one") as c:
        assert ks.ask(c, "delete", "/-/Sone/box/durable", origin="Sone").rsc == 2002
    home.close()


def test_a_queue_that_cannot_be_read_keeps_no_other_waiting(lab):
    """Before all others by its name, and no record at all: it is said, and the others are told."""
    lab.sink.got.clear()
    with connect(lab, "one") as c:
        assert ks.ask(c, "update", "/Sone", {"m2m:ae": {"poa": None}}, origin="Sone").rsc == 2004
        for name, nu in (("waits", "Sone"), ("healthy", lab.sink.url)):
            assert subscribe(c, "one", name, [nu], enc={"net": [3], "chty": [4]}).rsc == 2001
        put(c, "one", "before")
    ks.wait_for(lambda: lab.sink.contents() == ["before"], what="the first event")
    lab.stop("cse")
    with sqlite3.connect(lab.where / "cse.db") as db:
        [(table, key, value)] = [r for r in db.execute("SELECT t, k, v FROM kv") if bytes(r[1]).startswith(b"A:Sone ") and b"m2m:" not in r[2]]
        db.execute("INSERT INTO kv VALUES (?, ?, ?, 1)", (table, b"A:A first", b"\xff" + bytes(value)[1:]))
    db.close()
    lab.start("cse")
    with connect(lab, "one") as c:
        put(c, "one", "after")
        ks.wait_for(lambda: lab.sink.contents() == ["before", "after"], what="the second event")
        assert "event=outbox-failed code=record-malformed" in lab.servers["cse"].log()
        for name in ("healthy", "waits"):
            assert ks.ask(c, "delete", f"/-/Sone/box/{name}", origin="Sone").rsc == 2002
    lab.stop("cse")
    with sqlite3.connect(lab.where / "cse.db") as db:
        assert db.execute("DELETE FROM kv WHERE t = ? AND k = ?", (table, b"A:A first")).rowcount == 1
    db.close()
    lab.start("cse")


def test_a_rate_and_a_batch(lab):
    """What would be too much waits, and is told when its time has come though nothing else happens; several events come as one."""
    cin = {"net": [3], "chty": [4]}
    with connect(lab, "one") as c:
        assert subscribe(c, "one", "slowly", [lab.sink.url + "/slowly"], rl={"mnn": 2, "tww": "PT2S"}, enc=cin).rsc == 2001
        assert subscribe(c, "one", "together", [lab.sink.url + "/together"], bn={"num": 3, "dur": "PT1S"}, enc=cin).rsc == 2001
        lab.sink.got.clear()
        began = time.monotonic()
        for i in range(4):
            put(c, "one", f"p{i}")

        def cons(path):
            lists = [s["m2m:agn"]["m2m:sgn"] if "m2m:agn" in s else [s] for at, _, s in list(lab.sink.got) if at == path]
            return [[e["nev"]["rep"]["m2m:cin"]["con"] for e in one] for one in lists]

        ks.wait_for(lambda: len(cons("/slowly")) == 4 and len(cons("/together")) == 2, what="all of them")
        assert time.monotonic() - began > 1.5, "the third had to wait for the next window"
        assert cons("/slowly") == [["p0"], ["p1"], ["p2"], ["p3"]] and cons("/together") == [["p0", "p1", "p2"], ["p3"]]
        for name in ("slowly", "together"):
            assert ks.ask(c, "delete", f"/-/Sone/box/{name}", origin="Sone").rsc == 2002


def test_polling(lab):
    with connect(lab, "two") as c, connect(lab, "two") as p:
        assert ks.ask(c, "create", "/Stwo", {"m2m:pch": {"rn": "pch"}}, 15, "Stwo").rsc == 2001
        assert ks.ask(c, "update", "/Stwo", {"m2m:ae": {"poa": None}}, origin="Stwo").rsc == 2004
        assert subscribe(c, "two", "s", ["Stwo"]).rsc == 2001
        began = time.monotonic()
        r = ks.ask(p, "retrieve", "/-/Stwo/pch/pcu", origin="Stwo", headers=["X-M2M-RET: 300"])
        assert r.rsc == 4008 and 0.2 < time.monotonic() - began < 3, r
        p.sendall(ks.request_octets("retrieve", "/-/Stwo/pch/pcu", origin="Stwo", headers=["X-M2M-RET: 10000"]))
        assert ks.ask(c, "retrieve", "/Stwo", origin="Stwo").rsc == 2000, "others are served meanwhile"
        time.sleep(0.2)
        began = time.monotonic()
        put(c, "two", "polled")
        rqp = ks.read_response(p).json["m2m:rqp"]
        assert time.monotonic() - began < 2
        assert rqp["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:cin"]["con"] == "polled"
        again = ks.ask(p, "retrieve", "/-/Stwo/pch/pcu", origin="Stwo").json["m2m:rqp"]
        assert again["rqi"] == rqp["rqi"], "what was not answered is given again"
        answer = {"m2m:rsp": {"rsc": 2000, "rqi": rqp["rqi"], "fr": "Stwo", "to": "/in"}}
        assert ks.ask(c, "notify", "/-/Stwo/pch/pcu", answer, origin="Stwo").rsc == 2000
        assert ks.ask(p, "retrieve", "/-/Stwo/pch/pcu", origin="Stwo", headers=["X-M2M-RET: 100"]).rsc == 4008
        with connect(lab, "one") as other:
            assert ks.ask(other, "retrieve", "/-/Stwo/pch/pcu", origin="Sone").rsc == 4103
        p.sendall(ks.request_octets("retrieve", "/-/Stwo/pch/pcu", origin="Stwo"))
        time.sleep(0.1)  # and it goes away while it waits
    with connect(lab, "two") as c:
        put(c, "two", "last")
        assert ks.ask(c, "retrieve", "/-/Stwo/pch/pcu", origin="Stwo").rsc == 2000


def answer_at_channel(conn, who, rsc=2000):
    """Waits for what comes, and answers it."""
    r = ks.ask(conn, "retrieve", f"/-/{who}/pch/pcu", origin=who)
    rqp = r.json["m2m:rqp"]
    answer = {"m2m:rsp": {"rsc": rsc, "rqi": rqp["rqi"], "fr": who, "to": "/in"}}
    assert ks.ask(conn, "notify", f"/-/{who}/pch/pcu", answer, origin=who).rsc == 2000
    return rqp


@pytest.fixture
def answering(lab):
    """A thread of Stwo at its channel, that says what it is told to."""
    got = []

    def answer(rsc):
        def run():
            with connect(lab, "two") as p:
                got.append(answer_at_channel(p, "Stwo", rsc))
        thread = threading.Thread(target=run)
        thread.start()
        return thread

    answer.got = got
    with connect(lab, "two") as p:  # what was left of others
        while (r := ks.ask(p, "retrieve", "/-/Stwo/pch/pcu", origin="Stwo", headers=["X-M2M-RET: 100"])).rsc == 2000:
            rsp = {"m2m:rsp": {"rsc": 2000, "rqi": r.json["m2m:rqp"]["rqi"], "fr": "Stwo", "to": "/in"}}
            assert ks.ask(p, "notify", "/-/Stwo/pch/pcu", rsp, origin="Stwo").rsc == 2000
    return answer


def test_verification_through_a_channel(lab, answering):
    with connect(lab, "one") as c:
        thread = answering(4103)
        r = subscribe(c, "one", "channel", ["Stwo"])
        thread.join()
        assert (r.rsc, r.reason) == (5205, "target-refused"), r
        thread = answering(2000)
        r = subscribe(c, "one", "channel", ["Stwo", lab.sink.url + "/too"])
        thread.join()
        assert r.rsc == 2001, r
        assert answering.got[-1]["pc"]["m2m:sgn"]["vrq"] is True and lab.sink.got[-1][0] == "/too"
        assert ks.ask(c, "delete", "/-/Sone/box/channel", origin="Sone").rsc == 2002
        c.sendall(ks.request_octets("create", "/-/Sone/box", {"m2m:sub": {"rn": "channel", "nu": ["Stwo"]}}, 23, "Sone",
                                    headers=["X-M2M-RET: 300"]))
        r = ks.read_response(c)
        assert (r.rsc, r.reason) == (5204, "target-unverified"), r


def test_notify_of_a_group(lab, answering):
    """One AE with a point of access, one with a channel; what both said comes back."""
    with connect(lab, "one") as c, connect(lab, "two") as d:
        everybody = {"acr": [{"acor": ["all"], "acop": 63}]}
        for conn, who in ((c, "Sone"), (d, "Stwo")):
            assert ks.ask(conn, "create", f"/{who}", {"m2m:acp": {"rn": "all", "pv": everybody, "pvs": everybody}}, 1, who).rsc == 2001
            assert ks.ask(conn, "update", f"/{who}", {"m2m:ae": {"acpi": [f"{who}/all"]}}, origin=who).rsc == 2004
        assert ks.ask(c, "update", "/Sone", {"m2m:ae": {"poa": [lab.sink.url + "/one"]}}, origin="Sone").rsc == 2004
        assert ks.ask(c, "create", "/Sone", {"m2m:grp": {"rn": "g", "mnm": 4, "mid": ["Sone", "Stwo", "Sone/box"]}}, 9, "Sone").rsc == 2001
        thread = answering(4000)
        r = ks.ask(c, "notify", "/-/Sone/g/fopt", {"m2m:sgn": {"sur": "/x/y"}}, origin="Sone")
        thread.join()
        assert r.rsc == 2000, r
        assert {m["fr"]: m["rsc"] for m in r.json["m2m:agr"]["m2m:rsp"]} == {"Sone": 2000, "Stwo": 4000, "Sone/box": 4005}
        path, headers, sgn = lab.sink.got[-1]
        assert path == "/one" and headers["X-M2M-Origin"] == "Sone" and sgn == {"sur": "/x/y"}
        assert answering.got[-1]["fr"] == "Sone"
        c.sendall(ks.request_octets("notify", "/-/Sone/g/fopt", {"m2m:sgn": {"sur": "/x/z"}}, origin="Sone", headers=["X-M2M-RET: 600"]))
        r = ks.read_response(c)
        assert {m["fr"]: m["rsc"] for m in r.json["m2m:agr"]["m2m:rsp"]} == {"Sone": 2000, "Stwo": 5103, "Sone/box": 4005}


def test_a_poll_is_answered_when_a_batch_is_due(lab, answering):
    """Nothing else happens at that time."""
    with connect(lab, "two") as c, connect(lab, "two") as p:
        assert subscribe(c, "two", "batch", ["Stwo"], bn={"num": 9, "dur": "PT1S"}, enc={"net": [3], "chty": [4]}).rsc == 2001
        put(c, "two", "late")
        began = time.monotonic()
        rqp = answer_at_channel(p, "Stwo")
        while "m2m:agn" not in rqp["pc"]:  # of the other subscription
            rqp = answer_at_channel(p, "Stwo")
        assert 0.8 < time.monotonic() - began < 4
        assert rqp["pc"]["m2m:agn"]["m2m:sgn"][0]["nev"]["rep"]["m2m:cin"]["con"] == "late"


def test_one_host_that_hangs_takes_not_all_the_places(lab):
    """160 targets on one host: the events of others wait for none of their times, 5 s each."""
    lab.set("cse", "limits", "fetch-time", "5s")
    assert lab.ctl("cse", "reload").returncode == 0
    with connect(lab, "one") as c:
        for i in range(5):
            assert ks.create_container(c, "Sone", "/Sone", f"slow{i}").rsc == 2001
            for k in range(8):
                r = subscribe(c, "one", f"s{k}", [f"{lab.slow.url}/{i}/{k}/{n}" for n in range(4)], to=f"/-/Sone/slow{i}")
                assert r.rsc == 2001, r
        assert subscribe(c, "one", "fast", [lab.sink.url]).rsc == 2001
        for i in range(5):
            assert ks.create_content(c, "Sone", f"/-/Sone/slow{i}", "slow").rsc == 2001
        began = time.monotonic()
        put(c, "one", "fast")
        ks.wait_for(lambda: lab.sink.contents()[-1:] == ["fast"], what="the event for somebody else")
        assert time.monotonic() - began < 2.5
