"""The gate with devices of every framework, over TLS and DTLS, and with a CSE behind it that has TLS of its own."""
import ssl
import time

import keystead as ks
import pytest
from test_certificate import issue
from test_device import Cli
from test_gate import Gate, Recorder, plain, release, strict
from test_gba_naf import BSF, PATH, Bsf

AE = f"{ks.CSE_ID}/Ccertified"
HOME = f"behind.{ks.SP}"


def sections(lab, bsf):
    tls = "certificate = cse.crt\nkey = cse.key\ntrust = ca.crt\n"
    coaps = ks.free_port()
    peers = "".join(f"[peer {name}]\nkind = {kind}\naddress = {address}\n{tls}" for name, kind, address in (
        (ks.MAF, "maf", lab.init["maf_address"]), (ks.MEF, "mef", lab.init["mef_address"]),
        (BSF, "bsf", f"127.0.0.1:{bsf.server_address[1]}")))
    return coaps, f"[listener coaps]\nrole = gate\naddress = 127.0.0.1:{coaps}\ntransport = udp\naliases = localhost, in.{ks.SP}\n{tls}{peers}"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as lab:
        where = lab.where
        lab.ear = Recorder(lambda *_: (200, {}, b""))
        issue(where, "behind", "fqdn", HOME)
        issue(where, "ae", "ae-id", AE)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(where / "behind.crt", where / "behind.key")
        lab.strict = Recorder(strict, context)
        lab.bsf = Bsf(where)
        behind = "{}:{}".format(*lab.plain("cse"))
        lab.set("cse", "cse", "association", "optional")
        lab.set("cse", "server", "workers", 1)
        lab.coaps, more = sections(lab, lab.bsf)
        lab.front = Gate(lab, "front", behind, more)
        home = f"[peer {HOME}]\nkind = cse\naddress = {lab.strict.address}\ntrust = ca.crt\n"
        lab.home = Gate(lab, "home", HOME, home, "https")
        assert ks.run("pki", "ca", "--cert", where / "other.crt", "--key", where / "other.key", "--unconstrained").returncode == 0
        lab.wary = Gate(lab, "wary", HOME, home.replace("ca.crt", "other.crt"), "https")
        lab.start("mef", "maf", "cse", "front", "home", "wary")
        for gate in (lab.home, lab.wary):
            gate.let_in("one", f"{ks.CSE_ID}/Cone")
        yield lab
        lab.bsf.shutdown()
    lab.ear.close()
    lab.strict.close()


def works_as(c, stem):
    """Registers and asks as `stem`, and as nobody else."""
    r = ks.register(c, stem[0])
    assert (r.rsc, r.json.get("m2m:ae", {}).get("aei")) == (2001, stem), r
    assert ks.create_container(c, stem, f"/{stem}", "box").rsc == 2001
    assert ks.create_content(c, stem, f"/-/{stem}/box", "v").rsc == 2001
    assert ks.ask(c, "retrieve", f"/-/{stem}/box/la", origin=stem).json["m2m:cin"]["con"] == "v"
    for other in ("Cother", "Sother", "/in", f"//{ks.SP}/Sother"):
        r = ks.ask(c, "retrieve", f"/{stem}", origin=other)
        assert (r.rsc, r.reason) == (4106, "from-not-associated"), r  # refuses R004-20


def test_certificate(world):
    with ks.CertClient(world, "front", "ae", server_name=f"in.{ks.SP}") as c:
        works_as(c, "Ccertified")


def test_key_of_the_maf(world):
    """An S-type AE with Kc: the gate asks the MAF in the middle of the handshake."""
    d = world.associate(world.enrol(world.device("behind-gate")))
    with world.psk("front", d.kc_id, d.kc).connect() as c:
        works_as(c, d.stem)
    x = world.ctl_json("front", "explain", d.kc_id)
    assert x["objects"][0]["state"] == "valid" and x["objects"][0]["came-from"] == ks.MAF, x
    with pytest.raises(ks.tlspsk.Alert):
        world.psk("front", d.kc_id, bytes(32)).connect()
    with pytest.raises(ks.tlspsk.Alert):
        world.psk("front", ks.key_id(bytes(16), ks.MAF), d.kc).connect()


def test_key_of_gba(world):
    sim = world.bsf.add("gate")
    with world.psk("front", sim.b_tid, sim.naf(f"in.{ks.SP}")).connect() as c:
        works_as(c, sim.stem)
    with pytest.raises(ks.tlspsk.Alert):
        world.psk("front", world.bsf.add("other").b_tid, sim.naf(f"in.{ks.SP}")).connect()


def test_coaps_and_the_polling_channel_behind(world, tmp_path):
    """A device that only speaks CoAP in DTLS: blocks both ways, and what it subscribed to comes by its channel at the CSE behind."""
    d = world.device("coaps-gate")
    cli = Cli(world, tmp_path / "d", d)
    cli.ok("enrol", *cli.enrol_args())
    assert cli.ok("associate", "--cse", f"coaps://127.0.0.1:{world.coaps}", "--cse-id", ks.CSE_ID)["framework"] == "maf"
    assert cli.ok("register", "--app-id", "Nsleepy", "--from", "S")["ae_id"] == d.stem

    def create(where, ty, content):
        assert cli.ok("request", "create", where, "--type", ty, "--content", content)["rsc"] == 2001

    create(f"/{d.stem}", "3", '{"m2m:cnt":{"rn":"box"}}')
    create(f"/{d.stem}", "15", '{"m2m:pch":{"rn":"pch"}}')
    create(f"/-/{d.stem}/box", "23", '{"m2m:sub":{"rn":"s","nu":["%s"],"enc":{"net":[3]}}}' % d.stem)
    big = "x" * 3000  # more than a datagram
    create(f"/-/{d.stem}/box", "4", '{"m2m:cin":{"con":"%s"}}' % big)
    assert big in cli.run("request", "retrieve", f"/-/{d.stem}/box/la").stdout
    told = cli.ok("request", "retrieve", f"/-/{d.stem}/pch/pcu")["content"]["m2m:rqp"]
    assert told["pc"]["m2m:sgn"]["nev"]["rep"]["m2m:cin"]["con"] == big
    cli.no(1, "not-found", "request", "retrieve", f"/-/{d.stem}/nothing")


def test_https_behind(world):
    with world.home.connect("one") as c:
        r = ks.ask(c, "create", "/-/new?rcn=1", {"m2m:cnt": {"rn": "x"}}, 3, "Cone")
        assert r.rsc == 2000, r
        assert world.strict.got[-1][:2] == ("POST", "/-/new?rcn=1") and world.strict.got[-1][2]["X-M2M-Origin"] == "Cone"
        release.clear()
        r = ks.ask(c, "retrieve", "/hang", origin="Cone", headers=["X-M2M-RET: 200"])
        release.set()
        assert (r.rsc, r.reason) == (4008, "request-expired"), r
        assert ks.ask(c, "retrieve", "/x", origin="Cone").rsc == 2000
    before = len(world.strict.got)
    with world.wary.connect("one") as c:  # an anchor that did not issue the certificate of the CSE
        began = time.monotonic()
        r = ks.ask(c, "retrieve", "/x", origin="Cone")
        assert (r.rsc, r.reason) == (5103, "peer-nonsense") and time.monotonic() - began < 5, r
    assert len(world.strict.got) == before


def test_a_create_reaches_the_cse_once(world):
    """RFC 9110 9.2.2: the CSE reads it on a kept connection and ends that without a word; it may have done it."""
    with world.home.connect("one") as c:
        for op, ty, times, reason in (("create", 3, 1, "peer-lost"), ("notify", None, 1, "peer-lost"), ("update", None, 2, "peer-nonsense")):
            assert ks.ask(c, "retrieve", "/x", origin="Cone").rsc == 2000
            before = len(world.strict.got)
            r = ks.ask(c, op, "/gone", {"m2m:cnt": {}}, ty, "Cone")
            assert (r.rsc, r.reason) == (5103, reason), (op, r)
            assert [g[1] for g in world.strict.got[before:]] == ["/gone"] * times, op


def test_no_notification_leads_to_an_authority(world):
    """The gate is a CSE to MAF, MEF and BSF; what the CSE behind sends does not speak to them in its name."""
    asked = len(world.bsf.asked)
    for name in (BSF, ks.MAF, ks.MEF):
        r = plain(world.front, "notify", f"/https/{name}{PATH}", {"btId": "x"})
        assert (r.rsc, r.reason) == (4103, "target-not-listed"), (name, r)
    assert len(world.bsf.asked) == asked
    r = plain(world.home, "notify", f"/https/{HOME}/told", {"m2m:sgn": {"sur": "x"}})
    assert r.rsc == 2000 and world.strict.got[-1][1] == "/told", r
