"""Zh over Diameter: keystead-diameter and an HSS, both on freeDiameter with our dictionary; tshark, which has its own, reads along."""
import re
import socket
import subprocess
import time

import pytest

import hlr as lib
import keystead as ks

RAND, AUTS = bytes(range(16)).hex(), bytes(range(0xa0, 0xae)).hex()
OCTETS = bytes(range(64)).hex()
VECTOR = {"rand": OCTETS[:32], "autn": OCTETS[32:64], "res": OCTETS[64:80], "ck": OCTETS[80:112], "ik": OCTETS[96:128]}


@pytest.fixture(scope="module")
def hss(tmp_path_factory):
    it = lib.Hss(tmp_path_factory.mktemp("hss"))
    it.start()
    yield it
    it.stop()


def is_open(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def connected(client):
    ks.wait_for(lambda: client.ask("anybody@lab.example") != "peer-unreachable", what="the HSS")
    return client


@pytest.fixture(scope="module")
def client(hss):
    it = connected(hss.client())
    yield it
    assert it.end() < 1000


@pytest.fixture(scope="module")
def version():
    p = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libfdcore6"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=ks.PATIENCE, check=True)
    return p.stdout.split("-")[0]


def test_a_vector(client, hss, version, matrix):
    assert client.ask("bob@lab.example") == VECTOR
    assert client.ask("guss@lab.example") == {**VECTOR, "guss": b'<guss id="made-up"/>'.hex()}
    matrix("freeDiameter", version, "answers MAR as an HSS", "our dictionary, `No_TLS` on loopback", "vector and GUSS as it sent them")


def test_resynchronisation_sends_rand_and_auts(client, hss, version, matrix):
    got = client.ask("bob@lab.example", RAND, AUTS)
    assert got["rand"] == bytes(range(0x80, 0x90)).hex() and ["asked", "bob", RAND + AUTS] in hss.asked
    matrix("freeDiameter", version, "is asked with RAND and AUTS", "the same", "both as the card sent them; another vector")


@pytest.mark.parametrize("user, reason", [("unknown", "subscriber-unknown"), ("forbidden", "peer-refused")])
def test_what_the_hss_refuses(client, user, reason):
    assert client.ask(user + "@lab.example") == reason


@pytest.mark.parametrize("user", ["no-result", "no-vector", "long-autn", "short-key", "two-vectors", "other-user"])
def test_an_answer_that_cannot_be_used(client, user):
    assert client.ask(user + "@lab.example") == "peer-nonsense"
    assert client.ask("bob@lab.example") == VECTOR


def test_what_is_not_asked(client, hss):
    before = len(hss.asked)
    for nobody in ["nobody", "a:b@lab.example", '"@lab.example']:
        assert client.wait(client.order("ask", nobody)) == "subscriber-unknown"
    assert len(hss.asked) == before


def test_a_slow_hss_holds_up_nobody(client):
    slow = client.order("ask", "slow@lab.example")
    assert client.ask("bob@lab.example") == VECTOR and slow not in client.answers
    assert client.wait(slow) == "peer-timeout"


def test_its_process_is_started_again(hss):
    client = connected(hss.client())
    child = ks.children(client.p.pid)[0]
    before = hss.asked.count(["asked", "slow"])
    slow = client.order("ask", "slow@lab.example")
    ks.wait_for(lambda: hss.asked.count(["asked", "slow"]) > before, what="the question at the HSS")
    subprocess.run(["kill", "-9", str(child)], check=True)
    assert client.wait(slow) == "peer-unreachable"
    assert connected(client).ask("bob@lab.example") == VECTOR and ks.children(client.p.pid) != [child]
    assert client.end() < 1000
    assert not ks.is_alive(child)


def test_no_process_no_hss(hss, tmp_path):
    """A program or a configuration that is not there: who asks is told, and the loop goes on."""
    for program, conf in [(tmp_path / "none", tmp_path / "none"), (lib.BUILD / "keystead-diameter", tmp_path / "none")]:
        client = lib.Client(program, conf, 2.0, "lab.example")
        assert client.ask("bob@lab.example") == "peer-unreachable"
        assert client.end() < 1000
        assert "event=diameter-away" in "".join(client.log)
        assert ("event=diameter-not-started" in "".join(client.log)) == (program == tmp_path / "none")


def test_over_tls(tmp_path, version, matrix):
    """As docs/operate/subscribers.md has it: both show certificates; who shows one of another authority is not asked."""
    port = ks.free_port()
    for ca, names in (("ca", ("hss", "bsf0")), ("other", ("false",))):
        signer = ["--ca-cert", tmp_path / f"{ca}.crt", "--ca-key", tmp_path / f"{ca}.key"]
        ks.pki("ca", "--cert", tmp_path / f"{ca}.crt", "--key", tmp_path / f"{ca}.key", "--permit-dns", "lab.example")
        for name in names:
            ks.pki("issue", "--flavour", "fqdn", "--id", f"{name.replace('false', 'hss')}.lab.example", *signer, "--cert", tmp_path / f"{name}.crt",
                   "--key", tmp_path / f"{name}.key")

    def conf(who, cert, ca, sec, peer, to):
        path = tmp_path / f"{cert}.conf"
        path.write_text(f'Identity = "{who}.lab.example";\nRealm = "lab.example";\nPort = 0;\nSecPort = {sec};\nNo_SCTP;\nNo_IPv6;\n'
                        f'ListenOn = "127.0.0.1";\nTcTimer = 1;\nNoRelay;\nTLS_Cred = "{tmp_path}/{cert}.crt", "{tmp_path}/{cert}.key";\n'
                        f'TLS_CA = "{tmp_path}/{ca}.crt";\nConnectPeer = "{peer}.lab.example" {{ ConnectTo = "127.0.0.1"; Port = {to}; }};\n')
        return path

    (tmp_path / "both.crt").write_text((tmp_path / "other.crt").read_text() + (tmp_path / "ca.crt").read_text())  # it would take us
    for cert, ca in (("false", "both"), ("hss", "ca")):
        with subprocess.Popen([lib.BUILD / "tests/hss", conf("hss", cert, ca, port, "bsf0", ks.free_port())], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
            client = lib.Client(lib.BUILD / "keystead-diameter", conf("bsf0", "bsf0", "ca", 0, "hss", port), 2.0, "lab.example")
            try:
                if cert == "hss":
                    assert connected(client).ask("bob@lab.example") == VECTOR
                else:
                    ks.wait_for(lambda: is_open(port), what="the false HSS")
                    began = time.monotonic()
                    while time.monotonic() - began < 2.5:  # it is tried again and again
                        assert client.ask("bob@lab.example") == "peer-unreachable"
                        time.sleep(0.1)
            finally:
                client.end()
                p.terminate()
    matrix("freeDiameter", version, "answers MAR as an HSS over TLS", "`TLS_Cred`, `TLS_CA`: certificates of keystead pki",
           "vector; a certificate of another CA: not asked")


def test_tshark_reads_our_diameter(hss, tmp_path, matrix):
    relay = lib.Relay("127.0.0.1", hss.port)
    client = connected(hss.client(relay.port))
    client.ask("bob@lab.example", RAND, AUTS, "1700000000")
    client.ask("unknown@lab.example")
    client.end()
    relay.close()
    (tmp_path / "dump").write_text(relay.dump())
    subprocess.run(["text2pcap", "-q", "-D", "-T", "40000,3868", "dump", "pcap"], cwd=tmp_path, check=True, timeout=ks.PATIENCE,
                   stdin=subprocess.DEVNULL, capture_output=True)
    said = subprocess.run(["tshark", "-r", "pcap", "-V"], cwd=tmp_path, check=True, timeout=ks.PATIENCE, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True).stdout
    assert "alformed" not in said, said
    for name in ["3GPP Zh", "3GPP-SIP-Authorization", RAND + AUTS, "Confidentiality-Key", "GUSS-Timestamp.*Nov 14, 2023 22:13:20", "DIAMETER_ERROR_IDENTITY_UNKNOWN|5401"]:
        assert re.search(name, said), (name, said)
    v = re.search(r"\d+\.\d+\.\d+", subprocess.run(["tshark", "--version"], capture_output=True, text=True, timeout=ks.PATIENCE).stdout)[0]
    matrix("tshark", v, "decodes our Diameter", "`-r`, recorded between keystead-diameter and the HSS", "CER, MAR, MAA by its own dictionary; nothing malformed")
