"""The BSF on Ub: devices with a SIM, written from the specification alone, against a running server; each refusal; restarts."""
import base64
import functools
import json
import re
import signal
import socket
import ssl
import subprocess

import keystead as ks
import pytest
import ub
from bsf import BSF, K, OP, OPC, Bsf, impi, refused


@pytest.fixture(scope="module")
def bsf(tmp_path_factory):
    b = Bsf(tmp_path_factory.mktemp("ub") / "lab")
    yield b
    b.stop()


def test_bootstrap_and_reuse_of_the_name(bsf):
    """R000-27, R001-20, R001-115, R001-125, R001-126, R001-127, R001-129, R001-130: Ks on both sides, its B-TID and its end."""
    ue = bsf.add(1, "--enrolee-id", "//keystead.test/Ssim")
    b_tid, end, k_s, rand = ue.bootstrap()
    assert end.endswith("Z") and len(k_s) == 32
    again, _, _, _ = ue.bootstrap(username=ue.tmpi(k_s, rand))  # the TMPI that both derive stands for the IMPI
    assert again != b_tid
    events = json.loads(bsf.ctl("audit", "tail", "--json").stdout)["events"]
    assert ("bootstrapped", ue.impi, b_tid) in [(e["event"], e.get("peer"), e.get("object")) for e in events]


def test_the_card_keeps_ks(bsf):
    """The vector of GBA_U is one that a GBA_ME device cannot use."""
    ue = bsf.add(2, "--card", "u", kind="milenage-op", keys=K + OP)
    ue.bootstrap()
    with pytest.raises(ValueError):
        ub.Ue(bsf.address, ub.Sim(K, OPC), ue.impi, BSF).bootstrap()


def test_resynchronisation(bsf):
    ue = bsf.add(3)
    ue.sim.sqn = 0x1234 << 5  # ahead of the network
    ue.bootstrap()
    assert ue.sim.sqn >> 5 > 0x1234
    c = ue.challenge()
    refused(ub.get(bsf.address, ue.header(c, b"", auts=bytes(14))), "auts-wrong")
    c = ue.challenge()
    refused(ub.get(bsf.address, ue.header(c, b"x", auts=bytes(14))), "digest-wrong")


def test_room_in_memory(tmp_path):
    """[limits] records-in-memory: what is forgotten for want of room is asked again, as what is too old."""
    b = Bsf(tmp_path / "lab")
    try:
        b.stop()
        b.conf.write_text(b.conf.read_text().replace("[limits]\n", "[limits]\nrecords-in-memory = 8\n", 1))
        b.start()
        first, *others = [b.add(n) for n in range(1, 10)]
        old = first.challenge()
        for ue in others:
            ue.challenge()
        status, headers, _ = ub.get(b.address, first.header(old, first.sim.run(*first.split(old))[0]))
        fresh = ub.parameters(headers["www-authenticate"])
        assert status == 401 and fresh["stale"] == "true" and fresh["nonce"] != old["nonce"]
        assert ub.get(b.address, first.header(fresh, first.sim.run(*first.split(fresh))[0]))[0] == 200
    finally:
        b.stop()


def test_refusals(bsf):
    ue = bsf.add(4)
    refused(ue.open(username=impi(9999)), "impi-unknown")
    refused(ue.open(username="none@tmpi.bsf.3gppnetwork.org"), "impi-unknown")
    refused(ue.open(realm="bsf.elsewhere.test"), "digest-realm")
    refused(ub.get(bsf.address), "digest-malformed", 400)
    assert b"the header Authorization is missing" in ub.get(bsf.address)[2]
    refused(ub.get(bsf.address, "Basic bWFkZTp1cA=="), "digest-malformed", 400)
    c = ue.challenge()
    refused(ub.get(bsf.address, ue.header(c, b"wrong", uri="/other")), "digest-wrong")
    wrong = ue.header(c, b"wrong")
    refused(ub.get(bsf.address, wrong), "digest-wrong")
    status, headers, _ = ub.get(bsf.address, wrong)  # the nonce is used up, right or wrong: a new challenge
    fresh = ub.parameters(headers["www-authenticate"])
    assert status == 401 and fresh["stale"] == "true" and fresh["nonce"] != c["nonce"]
    res, _, _ = ue.sim.run(*ue.split(fresh))
    good = ue.header(fresh, res)
    refused(ub.get(bsf.address, good.replace("qop=auth-int", "qop=auth")), "digest-malformed", 400)
    refused(ub.get(bsf.address, good.replace("AKAv1-MD5", "MD5")), "digest-malformed", 400)
    refused(ub.get(bsf.address, good.replace("nc=00000001", "nc=00000002")), "digest-malformed", 400)  # a nonce is good for one use
    nonce = base64.b64decode(fresh["nonce"])
    for altered in (nonce[:-1] + bytes([nonce[-1] ^ 1]), nonce + b"x"):  # its RAND, with another AUTN or more behind it: none of ours
        other = {**fresh, "nonce": base64.b64encode(altered).decode()}
        status, headers, _ = ub.get(bsf.address, ue.header(other, res))
        assert status == 401 and "stale=true" in headers["www-authenticate"], (status, headers)
    assert ub.get(bsf.address, good)[0] == 200
    status, headers, _ = ub.get(bsf.address, good)  # replayed
    assert status == 401 and "stale=true" in headers["www-authenticate"]


def test_the_nonce_of_another_is_none(bsf):
    one, two = bsf.add(5), bsf.add(6)
    c = one.challenge()
    res, _, _ = one.sim.run(*one.split(c))
    status, headers, _ = ub.get(bsf.address, two.header(c, res))
    assert status == 401 and ub.parameters(headers["www-authenticate"])["nonce"] != c["nonce"]
    assert ub.get(bsf.address, one.header(c, res))[0] == 200


def test_the_settings_forbid(bsf):
    """refuses R001-123: with settings that allow no key there is no bootstrapping."""
    ue = bsf.add(7, "--naf", "maf.keystead.test=none")
    refused(ue.open(), "guss-no-key")


def test_too_many_challenges(bsf):
    ue = bsf.add(8)
    for _ in range(12):
        ue.challenge()
    refused(ue.open(), "too-many-challenges")
    bsf.add(9).challenge()  # nobody else suffers


def test_commands(bsf):
    bsf.add(10, "--naf", "maf.keystead.test,MEF.keystead.test=establish", "--sqn", "0000000004c0")
    shown = json.loads(bsf.ctl("subscriber", "show", impi(10), "--json").stdout)
    assert shown["naf"] == ["maf.keystead.test=both", "mef.keystead.test=establish"]
    assert json.loads(bsf.ctl("subscriber", "show", bsf.add(27).impi, "--json").stdout)["naf"] == ["*=both"]  # no list, no limit
    assert K.hex() not in json.dumps(shown) and impi(10) in bsf.ctl("subscriber", "list", "--json").stdout
    key = bsf.where / "made-up.key"
    p = bsf.ctl("subscriber", "add", "--impi", impi(10), "--kind", "milenage", "--key-file", key)
    assert p.returncode == 1 and "name-conflict" in p.stderr
    for wrong in (["--kind", "des"], ["--impi", "nobody"], ["--card", "x"], ["--amf", "0"], ["--sqn", "1"], ["--naf", "a=b"]):
        args = {"--impi": impi(11), "--kind": "milenage"} | dict([wrong])
        p = bsf.ctl("subscriber", "add", *sum(args.items(), ()), "--key-file", key)
        assert p.returncode != 0, wrong
    p = bsf.ctl("subscriber", "add", "--impi", impi(11), "--kind", "milenage")
    assert p.returncode == 2 and "--key-file is needed" in p.stderr, p
    ue = ub.Ue(bsf.address, ub.Sim(K, OPC), impi(10), BSF)
    ue.challenge()
    assert bsf.ctl("subscriber", "remove", impi(10)).returncode == 0
    refused(ue.open(), "impi-unknown")
    again = bsf.add(10)  # its numbers go on where they were
    rand, autn = again.split(again.challenge())
    again.sim.run(rand, autn)
    assert again.sim.sqn >> 5 == (0x4C0 >> 5) + 2


def test_no_number_twice_and_ks_survives(bsf):
    """SIGKILL in the middle of requests: what was challenged once is never challenged again."""
    ue = bsf.add(12)
    seen = []
    for _ in range(3):
        for _ in range(2):
            rand, autn = ue.split(ue.challenge())
            sim = ub.Sim(K, OPC)
            sim.run(rand, autn)
            seen.append(sim.sqn >> 5)
        with socket.create_connection(bsf.address) as s:
            s.sendall(f'GET / HTTP/1.1\r\nHost: bsf\r\nAuthorization: Digest username="{ue.impi}", realm="{BSF}", nonce="", '
                      'uri="/", response=""\r\n\r\n'.encode())
            bsf.stop(signal.SIGKILL)
        bsf.start()
    assert len(set(seen)) == len(seen) and seen == sorted(seen)
    other = bsf.add(13)
    c = other.challenge()
    bsf.stop()
    bsf.start()
    res, _, _ = other.sim.run(*other.split(c))
    status, headers, _ = ub.get(bsf.address, other.header(c, res))  # a challenge is kept in memory: the answer gets another
    fresh = ub.parameters(headers["www-authenticate"])
    assert status == 401 and fresh["stale"] == "true"
    res, _, _ = other.sim.run(*other.split(fresh))
    assert ub.get(bsf.address, other.header(fresh, res))[0] == 200


def test_curl_meets_the_challenge(bsf):
    """curl knows no AKA: it sees a 401 of Digest that it can read, and no more."""
    ue = bsf.add(14)
    p = subprocess.run(["curl", "-s", "-i", "-H", f'Authorization: Digest username="{ue.impi}", realm="{BSF}", nonce="", uri="/", '
                        'response=""', f"http://127.0.0.1:{bsf.address[1]}/"], capture_output=True, text=True, timeout=30)
    assert p.stdout.startswith("HTTP/1.1 401 Unauthorized") and "algorithm=AKAv1-MD5" in p.stdout, p.stdout
    assert len(base64.b64decode(re.search('nonce="([^"]*)"', p.stdout)[1])) == 32 and "X-M2M-RSC" not in p.stdout


def test_import(bsf):
    """A list of subscribers: each line whole or not at all, with its number; keys of others are not printed; half a list can be sent again."""
    hexes = f"{K.hex()},{OPC.hex()}"
    csv = bsf.where / "list.csv"
    csv.write_text("imsi,k,opc,naf,lifetime\n" + "".join(
        f'00101{n:010},{hexes},"maf.keystead.test,in.keystead.test=none",30m\n' for n in range(500, 700)))
    p = bsf.ctl("subscriber", "import", csv)
    assert p.returncode == 2 and "file-mode" in p.stderr
    csv.chmod(0o600)
    p = bsf.ctl("subscriber", "import", csv, "--json")
    assert p.returncode == 0 and json.loads(p.stdout) == {"added": 200, "refused": []}, p
    name = "001010000000600@ims.mnc001.mcc001.3gppnetwork.org"
    shown = json.loads(bsf.ctl("subscriber", "show", name, "--json").stdout)
    assert shown["naf"] == ["maf.keystead.test=both", "in.keystead.test=none"]
    ub.Ue(bsf.address, ub.Sim(K, OPC), name, BSF).bootstrap()
    csv.write_text(f"imsi,k,opc,naf\n001010000000701,{hexes},\n001010000000600,{hexes},\n\n00101,{hexes},\n001010000000702,{hexes}\n"
                   f"001010000000703,{hexes[1:]},\n001010000000704,{hexes},a=b\n001010000000701,{hexes},\n")
    p = bsf.ctl("subscriber", "import", csv, "--json")
    got = json.loads(p.stdout)
    assert p.returncode == 1 and got["added"] == 1 and [(r["line"], r["code"]) for r in got["refused"]] == [
        (3, "name-conflict"), (5, "identifier-malformed"), (6, "malformed"), (7, "key-length"), (8, "usage"), (9, "name-conflict")], got
    assert K.hex()[1:] not in p.stdout + (bsf.where / "bsf.log").read_text()
    lines = [{"impi": "one@keystead.test", "k": K.hex(), "op": OP.hex()}, {"impi": "two@keystead.test", "kind": "hlr"},
             {"impi": "three@keystead.test", "k": K.hex(), "opc": OPC.hex(), "nafs": "none"}, {"impi": "four@keystead.test", "k": K.hex()}]
    csv.write_text("".join(json.dumps(x) + "\n" for x in lines) + "{oh\n")
    got = json.loads(bsf.ctl("subscriber", "import", csv, "--json").stdout)
    assert got["added"] == 2 and [(r["line"], r["code"]) for r in got["refused"]] == [
        (3, "attribute-unknown"), (4, "key-length"), (5, "json-malformed")], got
    ub.Ue(bsf.address, ub.Sim(K, OPC), "one@keystead.test", BSF).bootstrap()
    csv.write_text(f"{hexes},five@keystead.test\n{hexes},six@keystead.test\n")  # the first line was forgotten
    p = bsf.ctl("subscriber", "import", csv)
    assert p.returncode == 1 and "the first line names the columns" in p.stdout and K.hex() not in p.stdout + p.stderr, p
    csv.write_text(f"k,imsi,opc\n00101{0:010},{hexes}\n")  # two columns were exchanged
    p = bsf.ctl("subscriber", "import", csv)
    assert p.returncode == 1 and "imsi: 6 to 15 digits" in p.stdout and "****" in p.stdout and K.hex() not in p.stdout + p.stderr, p
    for nothing in ("", "imsi,k,opc\n", f"{hexes},five@keystead.test\n"):
        csv.write_text(nothing)
        p = bsf.ctl("subscriber", "import", csv)
        assert p.returncode == 2 and "nothing in it" in p.stderr and K.hex() not in p.stdout + p.stderr, p


def test_ub_over_https(bsf):
    """The server proves who it is, the device has no credential of TLS: what it may do there is Ub alone."""
    ue = bsf.add(15)
    context = ssl.create_default_context(cafile=bsf.where / "ca.crt")
    get = ub.get
    ue.address = ("127.0.0.1", bsf.tls_port, context)
    with pytest.raises(ssl.SSLError):
        ub.get(ue.address, host="elsewhere.test")
    ub.get = functools.partial(get, host=BSF)
    try:
        b_tid, _, _, _ = ue.bootstrap()
    finally:
        ub.get = get
    body = json.dumps({"btId": b_tid, "nafId": "bWFmLmtleXN0ZWFkLnRlc3QBAAEAjA=="})
    p = subprocess.run(["curl", "-sS", "--resolve", f"{BSF}:{bsf.tls_port}:127.0.0.1", "--cacert", bsf.where / "ca.crt", "-d", body, "-H",
                        "Content-Type: application/json", "-H", "X-M2M-RI: 1", "-H", "X-M2M-RVI: 3",
                        f"https://{BSF}:{bsf.tls_port}/nbsp-gba/v1/bootstrapping-info-retrieval"], capture_output=True, text=True)
    assert "association-required" in p.stdout and "KeyMaterial" not in p.stdout, p
    p = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{bsf.tls_port}", "-servername", BSF, "-tls1_2", "-psk", "00" * 16,
                        "-psk_identity", b_tid, "-cipher", "PSK", "-state"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert "read finished" not in p.stderr + p.stdout  # no key is taken here


def test_anonymous_clients_only_where_messages_prove_who_sends_them(bsf):
    wrong = bsf.where / "wrong.conf"
    text = bsf.conf.read_text()
    for change, said in [(text.replace("role = bsf\naddress = 127.0.0.1:%d" % bsf.tls_port, "role = mef\naddress = 127.0.0.1:%d" % bsf.tls_port),
                          "takes nobody who does not prove"), (text.replace("tls = off\n[listener ubs]", "tls = off\nclients = anonymous\n[listener ubs]"),
                                                               "clients = anonymous needs tls")]:
        wrong.write_text(change)
        p = ks.run("check", "-c", wrong)
        assert p.returncode != 0 and said in p.stdout + p.stderr, p


def test_a_stranger_leaves_the_owner_half_of_the_challenges(bsf):
    """Who knows an IMPI, at another address, cannot keep its owner waiting where that has been before."""
    ue = bsf.add(16)
    ue.bootstrap()
    stranger = functools.partial(ub.get, bsf.address, f'Digest username="{ue.impi}", realm="{BSF}", nonce="", uri="/", response=""',
                                 source=("127.0.0.2", 0))
    for _ in range(6):
        assert stranger()[0] == 401
    refused(stranger(), "too-many-challenges")
    ue.bootstrap()


def test_other_algorithms(bsf):
    """TUAK, and Digest AKAv2 with both: a card written from the text alone, made-up keys; each resynchronises once."""
    assert ub.Tuak(bytes.fromhex("ab" * 16), bytes.fromhex("bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff")).f1(
        b"\x42" * 16, b"\x11" * 6, b"\xff" * 2)[0].hex() == "f9a54e6aeaa8618d"  # TS 35.233, set 1
    text = bsf.conf.read_text()
    for algorithm in ("akav1", "akav2"):
        bsf.conf.write_text(text.replace("[bsf]\n", f"[bsf]\nalgorithm = {algorithm}\n"))
        assert bsf.ctl("reload").returncode == 0
        for kind, sim, key in (("milenage", ub.Sim, OPC), ("tuak", ub.Tuak, OPC * 2)):
            ue = bsf.add(20 + (algorithm == "akav2") + 2 * (kind == "tuak"), kind=kind, keys=K + key)
            ue.sim = sim(K, key, 0x77 << 5)
            assert ue.challenge()["algorithm"] == f"AKAv{algorithm[-1]}-MD5"
            ue.bootstrap()
            assert ue.sim.sqn >> 5 > 0x77
    bsf.conf.write_text(text)
    assert bsf.ctl("reload").returncode == 0


def test_explain(bsf):
    """By IMPI, TMPI, B-TID and Enrolee-ID: what it is, where it stands, what to do; and no key."""
    ue = bsf.add(17, "--enrolee-id", "//keystead.test/Sexplained")
    b_tid, _, k_s, rand = ue.bootstrap()
    for name in (ue.impi, ue.tmpi(k_s, rand), b_tid, "//keystead.test/Sexplained"):
        p = bsf.ctl("explain", name, "--json")
        told = json.loads(p.stdout)
        assert {("subscriber", ue.impi, "ready"), ("ks", b_tid, "live")} == {(o["kind"], o["id"], o["state"]) for o in told["objects"]}, told
        assert "bootstrapped" in [e["event"] for e in told["history"]] and not ks.keys_in(p.stdout, [k_s, K])
    barred = bsf.add(18, "--naf", "maf.keystead.test=none")
    assert json.loads(bsf.ctl("explain", barred.impi, "--json").stdout)["objects"][0]["state"] == "barred"
    assert json.loads(bsf.ctl("explain", "nobody@keystead.test", "--json").stdout)["found"] is False
