"""Zh to osmo-hlr, an HLR of others: vectors, resynchronisation, and an HLR that is away, slow or talks nonsense."""
import itertools
import re
import subprocess
import time

import pytest

import hlr as lib
import keystead as ks

K, OPC = "000102030405060708090a0b0c0d0e0f", "101112131415161718191a1b1c1d1e1f"  # made up
IMSIS = [f"0010199{n:08}" for n in range(24)]
UNKNOWN = "001019999999999"


@pytest.fixture(scope="module")
def hlr(tmp_path_factory):
    it = lib.Hlr(tmp_path_factory.mktemp("hlr"))
    it.start()
    it.add(*((imsi, K, OPC) for imsi in IMSIS))
    yield it
    it.stop()


@pytest.fixture(scope="module")
def version():
    p = subprocess.run(["osmo-hlr", "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ks.PATIENCE)
    return re.search(r"\d+\.\d+\.\d+", p.stdout)[0]


@pytest.fixture
def relay(hlr):
    it = lib.Relay(hlr.address, lib.PORT)
    yield it
    it.close()


@pytest.fixture
def imsi(counter=itertools.count()):
    return IMSIS[next(counter)]


@pytest.fixture
def client(hlr):
    it = lib.Client(hlr.address, lib.PORT).up()
    yield it
    it.end()


def derive(rand, sqn):
    p = ks.run("derive", "aka", "--k", K, "--opc", OPC, "--rand", rand, "--sqn", f"{sqn:012x}", "--amf", "0000")
    assert p.returncode == 0, p.stderr
    return dict(line.split("=", 1) for line in p.stdout.splitlines())


def sqn_of(vector):
    """Of the vector; the rest of it is what we compute."""
    ak = derive(vector["rand"], 0)["autn"][:12]
    sqn = int(vector["autn"][:12], 16) ^ int(ak, 16)
    ours = derive(vector["rand"], sqn)
    assert [vector[x] for x in ("autn", "res", "ck", "ik")] == [ours[x] for x in ("autn", "res", "ck", "ik")]
    return sqn


def test_a_vector_is_what_we_compute(client, imsi, version, matrix):
    first, second = client.ask(imsi), client.ask(imsi)
    assert first["rand"] != second["rand"] and sqn_of(second) > sqn_of(first) > 0
    matrix("osmo-hlr", version, "gives a vector over GSUP", "`subscriber imsi .. update aud3g milenage k .. opc ..`",
           "AUTN, RES, CK and IK are what we compute; each SQN is new")


def test_resynchronisation(client, imsi, version, matrix):
    refused, far = client.ask(imsi), 1 << 30
    auts = derive(refused["rand"], far)["auts"]
    assert sqn_of(client.ask(imsi, refused["rand"], auts)) > far
    # One wrong bit of MAC-S: the HLR stays where it was, and the connection stands.
    refused = client.ask(imsi)
    wrong = derive(refused["rand"], 2 * far)["auts"][:-1] + "0"
    wrong = wrong if wrong != derive(refused["rand"], 2 * far)["auts"] else wrong[:-1] + "1"
    assert client.ask(imsi, refused["rand"], wrong) == "auts-wrong"
    assert far < sqn_of(client.ask(imsi)) < 2 * far
    matrix("osmo-hlr", version, "catches up with the AUTS of our card", "the same", "the next SQN is beyond it; one wrong bit: refused")


def test_who_is_not_there(client, imsi, version, matrix):
    assert client.ask(UNKNOWN) == "subscriber-unknown"
    for other in ["bob@home.example", f"{imsi}@home.example", f"{imsi}@ims.mnc002.mcc001.3gppnetwork.org", imsi]:
        assert client.wait(client.order("ask", other)) == "subscriber-unknown"
    matrix("osmo-hlr", version, "is asked for an IMSI that it does not know", "the same", "cause 2, subscriber-unknown")


def test_one_question_of_a_subscriber_at_a_time(relay, imsi):
    relay.flow = lambda piece: None if open_at[0] and piece[3:4] == b"\x05" else piece
    open_at = [True]
    client = lib.Client("localhost", relay.port, answer=30).up()
    first, second = client.order("ask", lib.impi(imsi)), client.order("ask", lib.impi(imsi))
    assert client.wait(second) == "busy"
    open_at[0] = False
    assert client.wait(first).startswith("ok ")
    client.end()


def test_a_slow_hlr_holds_up_nobody(relay, hlr, imsi):
    client, other = lib.Client("127.0.0.1", relay.port, answer=1.5).up(), lib.Client(hlr.address, lib.PORT).up()
    slow = [True]
    relay.flow = lambda piece: None if slow[0] else piece
    began = time.monotonic()
    assert client.ask(imsi) == "peer-timeout" and 1.4 < time.monotonic() - began < 10
    late = relay.said[-1][1]
    # Its late answer is no answer to the next question: that is refused until the late one is here, and then it is a new vector.
    assert client.ask(imsi) == "busy"
    slow[0] = False
    vector = ks.wait_for(lambda: (lambda got: got if got not in ("busy", "peer-unreachable") else None)(client.ask(imsi)), what="a new vector")
    assert bytes.fromhex(vector["autn"]) not in late
    assert client.end() < 1000 and other.end() < 1000


@pytest.mark.parametrize("damage", [
    lambda b: b[:2] + b"\xef" + b[3:],      # another stream
    lambda b: b[:4] + b"\x0c" + b[5:],      # another message
    lambda b: b"\xff\xff" + b[2:],          # longer than anything
    lambda b: b[:15] + b[15:].replace(b"\x25\x10", b"\x25\x11", 1),  # AUTN of 17 octets
    lambda b: b[:15] + b[15:].replace(b"\x24\x10", b"\x23\x10", 1),  # IK twice
], ids=["stream", "message", "length", "autn", "twice"])
def test_nonsense_ends_the_connection_not_the_client(relay, imsi, damage):
    bad = [True]
    relay.flow = lambda piece: damage(piece) if bad[0] and piece[4:5] == b"\x0a" else piece
    client = lib.Client("127.0.0.1", relay.port).up()
    assert client.ask(imsi) == "peer-unreachable"
    bad[0] = False
    assert sqn_of(client.up().ask(imsi)) > 0
    client.end()
    assert re.search("event=hlr-away .* reason=(gsup-malformed|too-large)", "".join(client.log)), client.log


def test_an_hlr_that_goes_and_comes_back(hlr, imsi, version, matrix):
    client = lib.Client(hlr.address, lib.PORT).up()
    before = sqn_of(client.ask(imsi))
    hlr.stop()
    client.up(False)
    began = time.monotonic()
    assert client.ask(imsi) == "peer-unreachable" and time.monotonic() - began < 5
    hlr.start()
    assert sqn_of(client.up().ask(imsi)) > before
    assert client.end() < 1000
    events = re.findall(r"event=(hlr-\w+)", "".join(client.log))
    assert events == ["hlr-up", "hlr-away", "hlr-up"], client.log
    matrix("osmo-hlr", version, "is stopped and started again", "the same", "who asks meanwhile is told at once; then the SQN goes on")


def test_a_silent_listener_is_no_hlr(hlr):
    with lib.socket.create_server(("127.0.0.1", 0)) as s:
        client = lib.Client("127.0.0.1", s.getsockname()[1], answer=0.3)
        ks.wait_for(lambda: any("reason=peer-timeout" in line for line in client.log), what="a word about it")
        assert client.ask(UNKNOWN) == "peer-unreachable"
        assert client.end() < 1000


def test_tshark_reads_our_gsup(relay, imsi, tmp_path, matrix):
    client = lib.Client("127.0.0.1", relay.port).up()
    refused = client.ask(imsi)
    client.ask(imsi, refused["rand"], derive(refused["rand"], 1 << 20)["auts"])
    client.end()
    (tmp_path / "dump").write_text(relay.dump())
    subprocess.run(["text2pcap", "-q", "-D", "-T", f"40000,{lib.PORT}", "dump", "pcap"], cwd=tmp_path, check=True, timeout=ks.PATIENCE,
                   stdin=subprocess.DEVNULL, capture_output=True)
    p = subprocess.run(["tshark", "-r", "pcap", "-V"], cwd=tmp_path, check=True, timeout=ks.PATIENCE, stdin=subprocess.DEVNULL,
                       capture_output=True, text=True)
    said = p.stdout
    assert said.count("Message Type: SendAuthInfo-Request") == 2 or said.count("SendAuthInfo") >= 4, said
    assert "alformed" not in said and "001019900" in said and "AUTS" in said, said
    v = re.search(r"\d+\.\d+\.\d+", subprocess.run(["tshark", "--version"], capture_output=True, text=True, timeout=ks.PATIENCE).stdout)[0]
    matrix("tshark", v, "decodes our GSUP", "`-r`, recorded between client and osmo-hlr", "request, resynchronisation, results; nothing malformed")
