"""Subscribers whose keys others have: the BSF asks osmo-hlr over GSUP, or an HSS over Diameter (tests/lib/hss.c), while devices run Ub."""
import hmac
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import hlr as lib
import keystead as ks
import pytest
import ub
from bsf import BSF, Bsf, refused

K, OPC = bytes(range(16)), bytes(range(16, 32))  # made up; of the HSS too
IMSIS = [f"0010188{n:08}" for n in range(12)]
TIME = "subscriber-time = 1500ms\n"


@pytest.fixture(scope="module")
def hlr(tmp_path_factory):
    it = lib.Hlr(tmp_path_factory.mktemp("hlr"))
    it.start()
    it.add(*((imsi, K.hex(), OPC.hex()) for imsi in IMSIS))
    yield it
    it.stop()


@pytest.fixture(scope="module")
def relay(hlr):
    it = lib.Relay(hlr.address, lib.PORT)
    yield it
    it.close()


@pytest.fixture(scope="module")
def bsf(relay, tmp_path_factory):
    b = Bsf(tmp_path_factory.mktemp("zh") / "lab", f"subscribers = gsup\nhlr = 127.0.0.1:{relay.port}\n{TIME}")
    b.naf = b.where / "naf"
    yield b
    b.stop()


def device(bsf, n):
    return ub.Ue(bsf.address, ub.Sim(K, OPC), lib.impi(IMSIS[n]), BSF)


def counters(bsf):
    return json.loads(bsf.ctl("status", "--json").stdout)["counters"]


def test_bootstrap_with_the_keys_of_the_hlr(bsf):
    """R001-115: the database of subscribers is another's; Ks, B-TID and TMPI are as with our own. A wrong answer, a used nonce."""
    ue = device(bsf, 0)
    ks.wait_for(lambda: ue.open()[0] == 401, what="the HLR")
    b_tid, _, k_s, rand = ue.bootstrap()
    assert ue.bootstrap(username=ue.tmpi(k_s, rand))[0] != b_tid
    c = ue.challenge()
    refused(ub.get(bsf.address, ue.header(c, b"wrong")), "digest-wrong")
    status, headers, _ = ub.get(bsf.address, ue.header(c, b"wrong"))
    fresh = ub.parameters(headers["www-authenticate"])
    assert status == 401 and fresh["stale"] == "true" and fresh["nonce"] != c["nonce"]
    res, _, _ = ue.sim.run(*ue.split(fresh))
    assert ub.get(bsf.address, ue.header(fresh, res))[0] == 200
    assert json.loads(bsf.ctl("subscriber", "list", "--json").stdout)["subscribers"] == []  # nothing was copied
    told = json.loads(bsf.ctl("explain", ue.impi, "--json").stdout)["objects"]
    assert [(o["kind"], o["state"]) for o in told][0] == ("subscriber", "at-hlr") and len(told) == 3
    assert bsf.ctl("subscriber", "remove", ue.impi).returncode == 0  # what it shares with us; the HLR keeps it
    assert json.loads(bsf.ctl("explain", ue.impi, "--json").stdout)["found"] is False


def test_resynchronisation_at_the_hlr(bsf):
    """RAND and AUTS go to the HLR; the same AUTS again is nothing; an AUTS of no card is refused, and its nonce used up."""
    ue = device(bsf, 1)
    ue.sim.sqn = 0x4321 << 5
    c = ue.challenge()
    auts = ue.sim.run(*ue.split(c))
    message = ue.header(c, b"", auts=auts)
    status, headers, _ = ub.get(bsf.address, message)
    fresh = ub.parameters(headers["www-authenticate"])
    assert status == 401 and "stale" not in fresh
    res, _, _ = ue.sim.run(*ue.split(fresh))
    assert ub.get(bsf.address, ue.header(fresh, res))[0] == 200 and ue.sim.sqn >> 5 > 0x4321
    status, headers, _ = ub.get(bsf.address, message)
    assert status == 401 and "stale=true" in headers["www-authenticate"]
    c = ue.challenge()
    wrong = ue.header(c, b"", auts=bytes(14))
    refused(ub.get(bsf.address, wrong), "auts-wrong")
    assert "stale=true" in ub.get(bsf.address, wrong)[1]["www-authenticate"]


def test_who_is_not_at_the_hlr(bsf, relay):
    """The whole IMPI counts; what strangers ask for leaves no record. One more than a minute allows does not reach the HLR."""
    for name in [lib.impi("001019999999999"), f"{IMSIS[2]}@elsewhere.test", "bob@ims.mnc001.mcc001.3gppnetwork.org"]:
        refused(device(bsf, 2).open(username=name), "impi-unknown")
    ue = device(bsf, 2)
    for _ in range(12):
        ue.challenge()
    before = len(relay.said)
    refused(ue.open(), "too-many-challenges")
    assert len(relay.said) == before


def test_one_address_leaves_room_for_others(bsf, relay):
    """Of all that is asked at once only so much comes from one address; the rest of it is told to come again, another waits as ever."""
    holding = [True]
    relay.flow = lambda piece: None if holding[0] and piece[2:4] == b"\xee\x05" else piece  # it knows none of them
    got = {"127.0.0.2": [], "127.0.0.3": []}

    def opens(n, source):
        got[source].append(ub.get(bsf.address, f'Digest username="{lib.impi(f"00101777{n:07}")}", realm="{BSF}", nonce="", uri="/", response=""',
                                  source=(source, 0)))

    threads = [threading.Thread(target=opens, args=(n, "127.0.0.2" if n < 20 else "127.0.0.3")) for n in range(21)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(ks.PATIENCE)
    holding[0] = False
    reasons = [next(r for r in (b"-busy", b"-slow") if b"subscriber-database" + r in a[2]) for a in got["127.0.0.2"]]
    assert reasons.count(b"-busy") == 4 and reasons.count(b"-slow") == 16, reasons
    refused(got["127.0.0.3"][0], "subscriber-database-slow", 503)
    ks.wait_for(lambda: device(bsf, 9).open()[0] == 401, what="the HLR")


def test_settings_of_the_operator(bsf):
    """refuses R001-123: the keys are the HLR's, the settings are given here."""
    ue = device(bsf, 3)
    p = bsf.ctl("subscriber", "add", "--impi", ue.impi, "--kind", "hlr", "--naf", "maf.keystead.test=none", "--json")
    assert p.returncode == 0 and json.loads(p.stdout)["keys"] == "hlr", p
    refused(ue.open(), "guss-no-key")
    assert bsf.ctl("subscriber", "remove", ue.impi).returncode == 0
    p = bsf.ctl("subscriber", "add", "--impi", ue.impi, "--kind", "hlr", "--lifetime", "30m", "--card", "u")
    assert p.returncode == 0
    ue.gba_u = True
    _, end, _, _ = ue.bootstrap()
    left = time.mktime(time.strptime(end, "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(time.gmtime())
    assert 1700 <= left <= 1800
    assert bsf.ctl("subscriber", "remove", ue.impi).returncode == 0  # with every Ks
    p = bsf.ctl("subscriber", "add", "--impi", ue.impi, "--kind", "hlr", "--key-file", __file__)
    assert p.returncode != 0


def test_a_slow_hlr_holds_up_nobody(bsf, relay):
    """Who asks waits, at most subscriber-time; a second question of the same SIM is refused; a subscriber of our own is served at once."""
    ue, own = device(bsf, 4), bsf.add(1)
    holding = [True]
    relay.flow = lambda piece: None if holding[0] and piece[4:5] == b"\x0a" else piece
    got = []
    t = threading.Thread(target=lambda: got.append(ue.open()))
    t.start()
    ks.wait_for(lambda: counters(bsf)["zh_waiting_now"] == 1, what="the question")
    refused(device(bsf, 4).open(), "subscriber-database-busy", 503)
    own.bootstrap()
    assert not got
    t.join(ks.PATIENCE)
    refused(got[0], "subscriber-database-slow", 503)
    holding[0] = False
    ks.wait_for(lambda: device(bsf, 4).open()[0] == 401, what="a new vector")


def test_a_challenge_that_the_hlr_gave_before(bsf, relay):
    """A vector is used once, also if the HLR, or who stands between, gives it twice."""
    ue = device(bsf, 5)
    c = ue.challenge()
    old = next(piece for said, piece in reversed(relay.said) if not said and piece[4:5] == b"\x0a")
    relay.flow = lambda piece: old if piece[4:5] == b"\x0a" else piece
    refused(ue.open(), "subscriber-database-nonsense", 503)
    res, _, _ = ue.sim.run(*ue.split(c))
    assert ub.get(bsf.address, ue.header(c, res))[0] == 200
    refused(ue.open(), "subscriber-database-nonsense", 503)  # nor when a Ks has come of it
    relay.flow = lambda piece: piece
    ue.bootstrap()


def test_an_hlr_that_is_away(bsf, hlr, relay):
    own = bsf.add(2)
    hlr.stop()
    ks.wait_for(lambda: device(bsf, 6).open()[0] == 503, what="the end of the connection")
    began = time.monotonic()
    refused(device(bsf, 6).open(), "subscriber-database-away", 503)
    assert time.monotonic() - began < 1.5
    own.bootstrap()
    hlr.start()
    ks.wait_for(lambda: device(bsf, 6).open()[0] == 401, what="the HLR")
    device(bsf, 6).bootstrap()
    status = counters(bsf)
    assert status["zh_questions"] > status["zh_failed"] > 0 and status["zh_waiting_now"] == 0
    log = (bsf.where / "bsf.log").read_text()
    assert "event=hlr-away" in log and not ks.keys_in(log, [K, OPC])


def test_a_restart_in_the_middle_of_a_question(bsf, relay):
    """SIGKILL while the HLR is asked: the next number is the HLR's to give, and no vector of before is used."""
    ue = device(bsf, 7)
    ue.bootstrap()
    relay.flow = lambda piece: None if piece[4:5] == b"\x0a" else piece
    t = threading.Thread(target=lambda: pytest.raises(Exception, ue.open), daemon=True)
    t.start()
    ks.wait_for(lambda: counters(bsf)["zh_waiting_now"] == 1, what="the question")
    bsf.stop(9)
    relay.flow = lambda piece: piece
    bsf.start()
    ks.wait_for(lambda: ue.open()[0] == 401, what="the HLR")
    before = ue.sim.sqn
    ue.bootstrap()
    assert ue.sim.sqn > before


def test_what_configuration_lacks(bsf):
    wrong = bsf.where / "wrong.conf"
    text = bsf.conf.read_text()
    for change, lacks in [(re.sub("hlr = .*\n", "", text), "hlr"), (text.replace("= gsup", "= diameter"), "diameter")]:
        wrong.write_text(change)
        p = ks.run("check", "-c", wrong)
        assert p.returncode != 0 and f"it needs the key {lacks}" in p.stdout + p.stderr, p


# -- Diameter ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def hss(tmp_path_factory):
    it = lib.Hss(tmp_path_factory.mktemp("hss"))
    it.start()
    yield it
    it.stop()


@pytest.fixture(scope="module")
def over_diameter(hss, tmp_path_factory):
    port = ks.free_port()
    conf = hss.configure("bsf0", port, ("hss", hss.port), ("naf", ks.free_port()), ("other", ks.free_port()))
    b = Bsf(tmp_path_factory.mktemp("zh-diameter") / "lab",
            f"subscribers = diameter\ndiameter = {conf}\nhss-realm = lab.example\nzn-diameter = on\n{TIME}",
            server="workers = 1\n")  # worker and writer are one process
    b.diameter = port
    try:
        ks.wait_for(lambda: ub.Ue(b.address, ub.Sim(K, OPC), "sim-0@lab.example", BSF).open()[0] == 401, what="the HSS")
        yield b
    finally:
        b.stop()


def at_the_hss(b, user, **more):
    return ub.Ue(b.address, ub.Sim(K, OPC), f"{user}@lab.example", BSF, **more)


def test_bootstrap_with_the_keys_of_an_hss(over_diameter):
    """R001-115: the same over Diameter, with resynchronisation."""
    ue = at_the_hss(over_diameter, "sim-1")
    ue.bootstrap()
    ue.sim.sqn = 0x777 << 5
    ue.bootstrap()
    assert ue.sim.sqn >> 5 > 0x777


def test_settings_of_the_hss(over_diameter):
    """The GUSS says what card, how long and for whom; the vector is one of GBA_U. Settings that cannot be read let nobody in."""
    ue = at_the_hss(over_diameter, "sim-guss", gba_u=True)
    _, end, _, _ = ue.bootstrap()
    shown = json.loads(over_diameter.ctl("subscriber", "show", ue.impi, "--json").stdout)
    assert (shown["keys"], shown["card"], shown["enrolee-id"], shown["naf"]) == (
        "hlr, and the settings", "u", "//keystead.test/Sguss", ["maf.keystead.test=establish"])
    left = time.mktime(time.strptime(end, "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(time.gmtime())
    assert 3500 <= left <= 3600
    with pytest.raises(ValueError):
        at_the_hss(over_diameter, "sim-guss").bootstrap()
    refused(at_the_hss(over_diameter, "sim-bad-guss").open(), "subscriber-database-nonsense", 503)
    p = over_diameter.ctl("subscriber", "add", "--impi", ue.impi, "--kind", "hlr", "--card", "u", "--naf", "in.keystead.test=both")
    assert p.returncode == 0, p
    ue.bootstrap()  # the HSS says again what it said: what the operator has given stays
    assert json.loads(over_diameter.ctl("subscriber", "show", ue.impi, "--json").stdout)["naf"] == ["in.keystead.test=both"]


def test_settings_that_did_not_change(over_diameter, hss):
    """TS 29.109 4.2: the HSS is told which settings are here, leaves them out while it has no others, and sends those that it made since."""
    ue = at_the_hss(over_diameter, "sim-stamped")
    seen = []
    for n in range(4):
        ue.bootstrap()
        shown = json.loads(over_diameter.ctl("subscriber", "show", ue.impi, "--json").stdout)
        seen.append((shown["guss-timestamp"], shown["naf"]))
    first, second = ("20231114T221320", ["maf.keystead.test=establish"]), ("20231114T221321", ["maf.keystead.test=both"])
    assert seen == [first, first, first, second]
    stamp = (2208988800 + 1700000000).to_bytes(4, "big").hex()
    assert [line[2:] for line in hss.asked if line[1:2] == ["sim-stamped"]] == [[], *[["stamped", stamp]] * 3]


def test_one_subscriber_in_every_spelling(over_diameter):
    """The domain of an IMPI has no case: challenges are counted for all its spellings together, and settings given for one hold for all."""
    ue = at_the_hss(over_diameter, "sim-3")
    spellings = [f"sim-3@{domain}" for domain in ("lab.example", "LAB.example", "lab.EXAMPLE", "Lab.Example")]
    for n in range(12):
        ue.challenge(spellings[n % 4])
    for name in [*spellings, "sim-3@laB.example"]:
        refused(ue.open(username=name), "too-many-challenges")
    p = over_diameter.ctl("subscriber", "add", "--impi", "sim-4@lab.example", "--kind", "hlr", "--naf", "maf.keystead.test=none")
    assert p.returncode == 0, p
    refused(ue.open(username="sim-4@LAB.example"), "guss-no-key")


def test_what_an_hss_refuses(over_diameter):
    got = []
    t = threading.Thread(target=lambda: got.append(at_the_hss(over_diameter, "slow").open()))
    t.start()
    ks.wait_for(lambda: counters(over_diameter)["zh_waiting_now"] == 1, what="the question")
    refused(at_the_hss(over_diameter, "slow").open(), "subscriber-database-busy", 503)  # one question of a subscriber at a time
    t.join(ks.PATIENCE)
    refused(got[0], "subscriber-database-slow", 503)
    for user, reason, status in [("unknown", "impi-unknown", 403), ("forbidden", "subscriber-database-refused", 503),
                                 ("no-vector", "subscriber-database-nonsense", 503)]:
        refused(at_the_hss(over_diameter, user).open(), reason, status)


# -- Zn over Diameter ---------------------------------------------------------------------------------------------
UA = bytes.fromhex("010001008c")


def naf_key(label, k_s, rand, impi, naf_id):  # TS 33.220 B.3
    parts = (label, rand, impi.encode(), naf_id)
    return hmac.digest(k_s, b"\x01" + b"".join(p + len(p).to_bytes(2, "big") for p in parts), "sha256")


@pytest.fixture(scope="module")
def naf(over_diameter, hss):
    it = lib.Naf(hss.configure("naf", 0, ("bsf0", over_diameter.diameter)))
    ks.wait_for(lambda: it.ask("made-up", b"naf.lab.example" + UA)[0] == "5403", what="the BSF")
    yield it
    it.end()


def test_a_key_over_diameter(over_diameter, naf):
    """R000-74, R001-121, R001-122, R001-132, R001-134, R001-135: key, end, USS and Enrolee-ID to the NAF that owns the name."""
    ue = at_the_hss(over_diameter, "sim-zn")
    p = over_diameter.ctl("subscriber", "add", "--impi", ue.impi, "--kind", "hlr", "--enrolee-id", "//keystead.test/Szn", "--uss",
                          "7;type=1;group=m2m;flag=1", "--lifetime", "30m")
    assert p.returncode == 0, p
    b_tid, end, k_s, rand = ue.bootstrap()
    naf_id = b"naf.lab.example" + UA
    result, got = naf.ask(b_tid, naf_id, gsid="7")
    assert result == "2001" and got["me"] == naf_key(b"gba-me", k_s, rand, ue.impi, naf_id) and "uicc" not in got
    assert got["user"].decode() == ue.impi
    expiry = int.from_bytes(got["expiry"], "big") - 2208988800
    assert time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expiry)) == end
    assert 1750 <= expiry - (int.from_bytes(got["made"], "big") - 2208988800) <= 1800
    xml = got["guss"].decode()
    assert '<uss id="7" type="1"' in xml and "<flag>1</flag>" in xml and "<uid>//keystead.test/Szn</uid>" in xml, xml
    result, several = naf.ask(b_tid, naf_id, gsid="3,7")
    assert result == "2001" and '<uss id="7" type="1"' in several["guss"].decode()
    assert naf.ask(b_tid, naf_id, gsid="7,x")[0] == "5004" and naf.ask(b_tid, naf_id, gsid="1,2,3,4,5")[0] == "5004"  # refuses R001-135
    events = json.loads(over_diameter.ctl("audit", "tail", "--json").stdout)["events"]
    assert ("naf-key-given", "naf.lab.example", b_tid) in [(e["event"], e.get("peer"), e.get("object")) for e in events]
    log = (over_diameter.where / "bsf.log").read_text()
    assert not ks.keys_in(log, [got["me"], k_s])


def test_both_keys_over_diameter(over_diameter, naf):
    """R001-137: a card that keeps Ks; the key for the card only to who understands it. refuses R001-124"""
    ue = at_the_hss(over_diameter, "sim-u", gba_u=True)
    assert over_diameter.ctl("subscriber", "add", "--impi", ue.impi, "--kind", "hlr", "--card", "u").returncode == 0
    b_tid, _, k_s, rand = ue.bootstrap()
    naf_id = b"naf.lab.example" + UA
    result, got = naf.ask(b_tid, naf_id, aware=True)
    assert result == "2001" and got["uicc"] == naf_key(b"gba-u", k_s, rand, ue.impi, naf_id)
    assert "uicc" not in naf.ask(b_tid, naf_id)[1]
    other = at_the_hss(over_diameter, "sim-guss", gba_u=True).bootstrap()[0]  # may have a key with one target alone
    assert naf.ask(other, naf_id) == ("5402", {})


def test_a_key_of_another_naf_over_diameter(over_diameter, naf, hss):
    """refuses R001-121, refuses R001-132: the peer that is connected owns the name in NAF-Id, and asks for nobody else."""
    b_tid, _, _, _ = at_the_hss(over_diameter, "sim-zn").bootstrap()
    good = b"naf.lab.example" + UA
    assert naf.ask(b_tid, b"other.lab.example" + UA) == ("5402", {})
    assert naf.ask(b_tid, b"other.lab.example" + UA, origin="other.lab.example") == ("5402", {})
    assert naf.ask(b_tid, good, origin="other.lab.example") == ("5402", {})
    assert naf.ask(b_tid.swapcase(), good)[0] == "5403"
    p = over_diameter.ctl("subscriber", "add", "--impi", "sim-5@lab.example", "--kind", "hlr", "--lifetime", "1s")
    assert p.returncode == 0, p
    over, _, _, _ = at_the_hss(over_diameter, "sim-5").bootstrap()
    time.sleep(1.1)
    assert naf.ask(over, good) == ("5403", {})  # refuses R001-134: what has ended is as unknown
    assert naf.ask("-", good)[0] == "5004" and naf.ask(b_tid, b"x")[0] == "5004" and naf.ask(b_tid, good, gsid="-1")[0] == "5004"
    assert naf.ask(b_tid, good)[0] == "2001"


def helper_of(b):
    return next(pid for pid in ks.children(b.p.pid) + sum((ks.children(c) for c in ks.children(b.p.pid)), [])
                if b"keystead-diameter" in open(f"/proc/{pid}/cmdline", "rb").read())


def test_the_process_has_no_more_than_it_needs(over_diameter):
    """Of the server it has one end of a pair and the log: no store, no listener, no root secret."""
    def files(pid):
        return {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}

    helper, server = helper_of(over_diameter), over_diameter.p.pid
    family = [server, *ks.children(server)]
    others = set().union(*(files(pid) for pid in family if pid != helper))
    shared = files(helper) & others
    assert {f for f in shared if not f.endswith(("bsf.log", "/dev/null"))} == set(), shared


def test_nobody_looks_into_the_process(hss):
    """Keys go through it: no core file, and what the kernel shows of it belongs to root, whoever runs it."""
    conf = hss.configure("alone", ks.free_port(), ("hss", hss.port))
    ours, its = socket.socketpair()
    with ours, its, subprocess.Popen([os.path.join(os.path.dirname(ks.BIN), "keystead-diameter"), conf, "lab.example", "1500"], stdin=its,
                                     group=65534 if os.geteuid() == 0 else None) as p:
        try:
            its.close()
            ks.wait_for(lambda: (lambda st: st.st_uid == 0 and st.st_gid == 0)(os.stat(f"/proc/{p.pid}/environ")), what="the hardened process")
            assert re.search(r"Max core file size +0 +0 ", open(f"/proc/{p.pid}/limits").read())
        finally:
            p.kill()


def test_the_process_ends_in_the_middle(over_diameter, naf):
    """It keeps nothing: it is started again, and the NAF asks again."""
    b_tid, _, _, _ = at_the_hss(over_diameter, "sim-zn").bootstrap()
    os.kill(helper_of(over_diameter), signal.SIGKILL)
    ks.wait_for(lambda: naf.ask(b_tid, b"naf.lab.example" + UA)[0] == "2001", what="the BSF")


def test_a_reload(bsf, over_diameter):
    """The next generation has a connection of its own; over Diameter it is there when that of the one before is gone."""
    for b, ue in ((bsf, device(bsf, 8)), (over_diameter, at_the_hss(over_diameter, "sim-1"))):
        ks.wait_for(lambda: ue.open()[0] == 401, what="a challenge")
        assert b.ctl("reload").returncode == 0
        ks.wait_for(lambda: ue.open()[0] == 401, what="a challenge after the reload")
        ue.sim.sqn = max(ue.sim.sqn, 0x8888 << 5)
        ue.bootstrap()
