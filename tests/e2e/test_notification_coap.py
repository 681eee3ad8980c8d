"""Points of access that speak CoAP: without security if the operator listed them, with DTLS if they are peers."""
import time

import keystead as ks
import pytest
from coapsink import CoapSink
from sink import Sink
from test_mcc import key_of, two_cses


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = ks.Lab(tmp_path_factory.mktemp("coap") / "lab")
    lab.sink, lab.coap, lab.nobody = Sink(), CoapSink(), ks.free_port()
    lab.set("cse", "server", "points-of-access", f"127.0.0.1:{lab.sink.port}, 127.0.0.1:{lab.coap.port}, 127.0.0.1:{lab.nobody}")
    lab.set("cse", "limits", "fetch-time", "5s")
    with lab:
        two_cses(lab, "localhost")
        assert ks.create_container(lab.far, "Sfar", "/-/Sfar", "box").rsc == 2001
        yield lab
        lab.far.close()
        lab.near.close()
    lab.sink.close()
    lab.coap.close()


def subscribe(lab, name, nu):
    return ks.ask(lab.far, "create", "/-/Sfar/box", {"m2m:sub": {"rn": name, "nu": [nu], "enc": {"net": [3], "chty": [4]}}}, 23, "Sfar")


def put(lab, con):
    assert ks.create_content(lab.far, "Sfar", "/-/Sfar/box", con).rsc == 2001


def delete(lab, name):
    assert ks.ask(lab.far, "delete", f"/-/Sfar/box/{name}", origin="Sfar").rsc == 2002


def contents(sink):
    return [s["nev"]["rep"]["m2m:cin"]["con"] for _, _, s in list(sink.got) if "nev" in s]


def test_events_by_coap(lab):
    assert subscribe(lab, "c", lab.coap.url + "/a/b?x=1").rsc == 2001
    path, options, sgn = lab.coap.got[-1]
    assert (path, options["query"], options["from"], sgn["vrq"]) == ("/a/b", b"x=1", b"/in", True)
    big = "x" * 3000  # block by block
    for con in ("one", big, "three"):
        put(lab, con)
    ks.wait_for(lambda: contents(lab.coap) == ["one", big, "three"], what="three events")
    assert len({o["rqi"] for _, o, _ in lab.coap.got}) == 4
    delete(lab, "c")


def test_what_is_lost_is_sent_again(lab):
    lab.coap.got.clear()
    assert subscribe(lab, "lost", lab.coap.url).rsc == 2001
    lab.coap.answer = lambda sgn: "drop"
    put(lab, "lost once")
    ks.wait_for(lambda: contents(lab.coap) == ["lost once"], what="the second try")
    assert lab.coap.dropped == 2
    lab.coap.answer = lambda sgn: 2000
    delete(lab, "lost")


@pytest.mark.parametrize("said, rsc", [(4103, 5205), ("4.03", 5205), ("2.04", 2001), (5000, 5204), ("5.03", 5204), ("reset", 5204)])
def test_answers(lab, said, rsc):
    """A server that knows nothing of oneM2M says yes and no by the code of CoAP."""
    lab.coap.answer = lambda sgn: said
    r = subscribe(lab, "x", lab.coap.url)
    assert r.rsc == rsc, r
    lab.coap.answer = lambda sgn: 2000
    if rsc == 2001:
        delete(lab, "x")


def test_nobody_is_there(lab):
    began = time.monotonic()
    r = subscribe(lab, "n", f"coap://127.0.0.1:{lab.nobody}")
    assert (r.rsc, r.reason) == (5204, "target-unverified") and time.monotonic() - began < 5, r


@pytest.mark.parametrize("url", ["coap://127.0.0.1:1/", "coap://localhost:{port}/", "coaps://127.0.0.1:{port}/", "coaps://other.example.com/",
                                 "coap+tcp://127.0.0.1:{port}/"])
def test_nobody_leads_the_server_elsewhere(lab, url):
    before = len(lab.coap.got)
    r = subscribe(lab, "bad", url.format(port=lab.coap.port))
    assert r.rsc in (5204, 4102) and len(lab.coap.got) == before, r


@pytest.mark.parametrize("scheme", ["coaps", "https"])
def test_no_url_speaks_in_the_name_of_this_cse(lab, scheme):
    """What the other CSE takes for a word of /in is said by /in alone: neither a subscription nor a point of access leads there by URL."""
    before = len(lab.sink.got)
    assert ks.ask(lab.near, "update", "/Snear", {"m2m:ae": {"poa": [lab.sink.url + "/near"]}}, origin="Snear").rsc == 2004
    acp = {"pv": {"acr": [{"acor": ["/in"], "acop": 16}, {"acor": ["Snear"], "acop": 63}]}, "pvs": {"acr": [{"acor": ["Snear"], "acop": 63}]}}
    assert ks.ask(lab.near, "create", "/-/Snear", {"m2m:acp": {"rn": scheme, **acp}}, 1, "Snear").rsc == 2001
    assert ks.ask(lab.near, "update", "/Snear", {"m2m:ae": {"acpi": [f"cse-mn/Snear/{scheme}"]}}, origin="Snear").rsc == 2004
    url = f"{scheme}://mn.{ks.SP}/~/mn/cse-mn/Snear"
    r = subscribe(lab, "bad", url)
    assert r.rsc == 5204 and r.reason == "notification-url", r
    assert ks.ask(lab.far, "update", "/Sfar", {"m2m:ae": {"poa": [url]}}, origin="Sfar").rsc == 2004
    assert subscribe(lab, "own", "Sfar").rsc == 2001
    put(lab, "for nobody")
    r = ks.ask(lab.far, "notify", "/Sfar", {"m2m:sgn": {"sur": "/x/y"}}, origin="Sfar")
    assert (r.rsc, r.reason) == (5103, "target-not-reachable"), r
    time.sleep(0.2)
    assert len(lab.sink.got) == before
    delete(lab, "own")
    assert ks.ask(lab.near, "update", "/Snear", {"m2m:ae": {"acpi": None}}, origin="Snear").rsc == 2004


def test_events_by_dtls(lab):
    """With the key of the [peer] section, on a DTLS listener of the other CSE, which passes them on to its AE; who has no key is told nothing."""
    assert ks.ask(lab.near, "update", "/Snear", {"m2m:ae": {"poa": [lab.sink.url + "/near"]}}, origin="Snear").rsc == 2004
    url = "coaps://localhost/~/mn/cse-mn/Snear"
    assert subscribe(lab, "d", url).rsc == 5205, "the right to NOTIFY it is asked there"
    acp = {"m2m:acp": {"rn": "in", "pv": {"acr": [{"acor": ["/in"], "acop": 16}, {"acor": ["Snear"], "acop": 63}]},
                       "pvs": {"acr": [{"acor": ["Snear"], "acop": 63}]}}}
    assert ks.ask(lab.near, "create", "/-/Snear", acp, 1, "Snear").rsc == 2001
    assert ks.ask(lab.near, "update", "/Snear", {"m2m:ae": {"acpi": ["cse-mn/Snear/in"]}}, origin="Snear").rsc == 2004
    r = subscribe(lab, "d", url)
    assert r.rsc == 2001, (r, lab.servers["mn"].log()[-2000:])
    put(lab, "by dtls")
    ks.wait_for(lambda: contents(lab.sink) == ["by dtls"], what="the event")
    assert lab.sink.got[-1][0] == "/near" and lab.sink.got[-1][1]["X-M2M-Origin"] == "/in"
    lab.ctl_json("mn", "credential", "suspend", f"in@{ks.SP}")
    put(lab, "not now")
    ks.wait_for(lambda: "event=peer-tls" in lab.servers["cse"].log(), what="a refusal")
    assert contents(lab.sink) == ["by dtls"]
    lab.ctl_json("mn", "credential", "resume", f"in@{ks.SP}")
    ks.wait_for(lambda: contents(lab.sink) == ["by dtls", "not now"], what="the second event")
    delete(lab, "d")
