"""The TLS profile [TS-0003 10.2] at each real server by openssl and gnutls-cli: the four mandatory suites, extended master secret,
no renegotiation, no compression, nothing else; and DTLS over a network that repeats and reorders."""
import json
import os
import random
import re
import socket
import subprocess
import threading

import pytest

import coaps
import keystead as ks
from test_bad_input import alert_of, record
from test_certificate import issue
from test_device import Cli

SUITES = {("tls", "psk"): "PSK-AES128-CBC-SHA256", ("dtls", "psk"): "PSK-AES128-CCM8", ("tls", "cert"): "ECDHE-ECDSA-AES128-SHA256",
          ("dtls", "cert"): "ECDHE-ECDSA-AES128-CCM8"}


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "p") as lab:
        lab.coaps = coaps.ports(lab)
        lab.start()
        lab.d = lab.associate(lab.enrol(lab.device("profile")))
        issue(lab.where, "ae", "ae-id", f"//{ks.SP}/Sprofile")
        lab.ctl_json("mef", "credential", "add", "--kind", "cert", "--id", f"//{ks.SP}/Sprofile", "--target", ks.MAF)
        yield lab


def credential(lab, role, kind):
    if kind == "cert":
        return ["-cert", lab.where / "ae.crt", "-key", lab.where / "ae.key"]
    d = lab.d
    identity, key = {"mef": (d.kpm_id, d.psk), "maf": (d.km_id, d.km), "cse": (d.kc_id, d.kc)}[role]
    return ["-psk_identity", identity, "-psk", key.hex()]


def s_client(lab, role, transport, suite, *more, data=b"Q\n", env=None):
    port = lab.coaps[role] if transport == "dtls" else lab.address(role)[1]
    versions = [] if any(v in more for v in ("-tls1", "-tls1_1", "-tls1_3", "-dtls1")) else \
        ["-dtls1_2" if transport == "dtls" else "-tls1_2"]
    p = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *versions, "-servername", "localhost", "-state",
                        "-cipher", suite + ":@SECLEVEL=0", *map(str, more)], input=data, capture_output=True, timeout=60,
                       env={**os.environ, **(env or {})})
    return (p.stdout + p.stderr).decode(errors="replace")


@pytest.mark.parametrize("transport,kind", SUITES)
@pytest.mark.parametrize("role", ks.ROLES)
def test_mandatory_suites(profile, role, transport, kind):
    """4.3: each server takes each of the four (R001-84, R001-105, R001-108), with extended master secret, without compression and
    tickets."""
    suite = SUITES[transport, kind]
    out = s_client(profile, role, transport, suite, *credential(profile, role, kind))
    assert "read finished" in out and f"Cipher is {suite}" in out, out[-3000:]
    assert "Extended master secret: yes" in out and "Compression: NONE" in out and "TLS session ticket:" not in out


@pytest.mark.parametrize("transport", ("tls", "dtls"))
@pytest.mark.parametrize("role", ks.ROLES)
def test_other_suites(profile, role, transport):
    """Suites of the other transport and others of TLS 1.2, NULL and anonymous ones among them: refuses R001-84, R001-108."""
    other = "dtls" if transport == "tls" else "tls"
    for suite in (SUITES[other, "psk"], SUITES[other, "cert"], "PSK-AES128-GCM-SHA256", "DHE-PSK-AES128-CBC-SHA256", "PSK-NULL-SHA256",
                  "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-NULL-SHA", "AECDH-AES128-SHA", "ECDHE-RSA-AES128-GCM-SHA256"):
        kind = "psk" if "PSK" in suite else "cert"
        out = s_client(profile, role, transport, suite, *credential(profile, role, kind))
        assert "read finished" not in out and "SSL alert number 40" in out, (suite, out[-2000:])


@pytest.mark.parametrize("role", ks.ROLES)
def test_other_versions(profile, role):
    """Older and newer: refuses R001-105."""
    for transport, version in (("tls", "-tls1"), ("tls", "-tls1_1"), ("tls", "-tls1_3"), ("dtls", "-dtls1")):
        out = s_client(profile, role, transport, "ALL", version, *credential(profile, role, "cert"))
        assert "read finished" not in out and "SSL alert number 70" in out, (version, out[-2000:])


@pytest.mark.parametrize("transport,kind", SUITES)
def test_without_extended_master_secret(profile, tmp_path, transport, kind):
    """CHOICE-09, at the level of openssl's own configuration."""
    cnf = tmp_path / "cnf"
    cnf.write_text("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nOptions = -ExtendedMasterSecret\n")
    out = s_client(profile, "mef", transport, SUITES[transport, kind], *credential(profile, "mef", kind), env={"OPENSSL_CONF": str(cnf)})
    assert "read finished" not in out and "SSL alert number 40" in out, out[-2000:]


@pytest.mark.parametrize("kind", ("psk", "cert"))
def test_renegotiation(profile, kind):
    """s_client's R after the handshake: it never completes a second one."""
    host, port = profile.address("maf")
    args = map(str, credential(profile, "maf", kind))
    p = subprocess.Popen(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-servername", "localhost", "-state", "-cipher",
                          SUITES["tls", kind], *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    p.stdin.write(b"R\n")
    p.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):  # it waits for a ServerHello that never comes
        p.wait(3)
    p.terminate()
    out = p.communicate(timeout=20)[0].decode(errors="replace")
    assert out.count("read finished") == 1 and "RENEGOTIATING" in out, out[-3000:]


def client_hello(compressions):
    """TLS 1.2, suite 0x00AE, extended master secret."""
    body = b"\3\3" + b"r" * 32 + b"\0" + b"\0\2\0\xae" + bytes([len(compressions)]) + compressions + b"\0\4\0\x17\0\0"
    return record(22, b"\1" + len(body).to_bytes(3, "big") + body)


def test_compression(profile):
    def ask(octets):
        with socket.create_connection(profile.address("mef"), timeout=20) as s:
            s.sendall(octets)
            return s.recv(65536)
    hello = ask(client_hello(b"\1\0"))  # DEFLATE first
    assert hello[0] == 22 and hello[5] == 2
    session = hello[43]
    assert hello[44 + session:47 + session] == b"\0\xae\0"  # the suite, and the null method
    assert alert_of(ask(client_hello(b"\1"))) is not None  # and nothing without the null method


class Network(threading.Thread):
    """A path to one server that sends some datagrams twice, some late and some in another order."""

    def __init__(self, port, seed):
        super().__init__(daemon=True)
        self.rng = random.Random(seed)
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.server = ("127.0.0.1", port)
        self.back = self.path()
        self.port = self.front.getsockname()[1]
        self.client = None
        self.old, self.repeated, self.swapped = [], 0, 0
        self.start()

    def path(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect(self.server)
        return s

    def run(self):
        import select
        late = None
        while True:
            readable, _, _ = select.select([self.front, self.back], [], [], 3)
            if not readable and late is not None:
                self.back.send(late)
                late = None
            for s in readable:
                if s not in (self.front, self.back):
                    continue  # of the client before
                try:
                    data, where = s.recvfrom(65536)
                except OSError:
                    return
                if s is self.back:
                    for _ in range(1 + (self.rng.random() < 0.4)):
                        self.front.sendto(data, self.client)
                    continue
                if where != self.client:  # another client has another address, and never hears what was meant for the one before
                    self.old, late = [], None
                    self.back.close()
                    self.back = self.path()
                self.client = where
                if late is None and self.rng.random() < 0.15:  # overtaken by what comes next, its own repetition perhaps
                    late = data
                    continue
                self.back.send(data)
                self.old.append(data)
                if late is not None:
                    self.back.send(late)
                    late = None
                    self.swapped += 1
                for again in self.rng.sample(self.old, min(2, len(self.old))):  # replay: now, and from long ago
                    self.back.send(again)
                    self.repeated += 1


def test_replayed_and_reordered(profile, tmp_path):
    """Every record is taken once: the journey goes on, and a create that came several times made one instance."""
    d = profile.device("replayed")
    cli = Cli(profile, tmp_path / "device", d)
    nets = {role: Network(profile.coaps[role], i) for i, role in enumerate(ks.ROLES)}
    cli.at = lambda role: f"coaps://127.0.0.1:{nets[role].port}"
    cli.ok("enrol", *cli.enrol_args())
    assert len([e for e in profile.enrolments() if d.kpm_id in str(e)]) == 1
    cli.ok("associate", *cli.associate_args())
    assert cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"] == d.stem
    cli.ok("request", "create", f"/{d.stem}", "--type", "3", "--content", '{"m2m:cnt":{"rn":"box"}}')
    for i in range(5):
        cli.ok("request", "create", f"/-/{d.stem}/box", "--type", "4", "--content", json.dumps({"m2m:cin": {"con": str(i)}}))
    out = cli.run("request", "retrieve", f"/-/{d.stem}/box").stdout
    assert re.search(r'cni\\*": ?5\b', out), out
    assert sum(n.repeated for n in nets.values()) > 20 and sum(n.swapped for n in nets.values()) > 0


def test_replay_of_a_whole_session(profile):
    """What one client sent, sent again by another: the cookie is not that one's; nobody gets in."""
    port, d = profile.coaps["mef"], profile.d
    net = Network(port, 1)
    net.rng = random.Random(0)
    net.rng.random = lambda: 1.0  # passes everything on once ...
    net.rng.sample = lambda old, n: []
    out = subprocess.run(["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{net.port}", "-servername", "localhost",
                          "-psk_identity", d.kpm_id, "-psk", d.psk.hex(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0"], input=b"Q\n",
                         capture_output=True, timeout=60)
    assert b"Cipher is PSK-AES128-CCM8" in out.stdout
    before = len(profile.enrolments()), profile.ctl_json("mef", "status")["counters"]["handshakes"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for data in net.old:
            s.sendto(data, ("127.0.0.1", port))
    assert "Cipher is PSK-AES128-CCM8" in s_client(profile, "mef", "dtls", "PSK-AES128-CCM8", *credential(profile, "mef", "psk"))
    after = len(profile.enrolments()), profile.ctl_json("mef", "status")["counters"]["handshakes"]
    assert after[1] - before[1] == 1 and len(net.old) >= 4
