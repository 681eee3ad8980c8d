"""DTLS 1.2 and CoAP: the same journey as over TLS and HTTP, through listeners with transport = udp, by our own device
and by openssl; what a datagram listener refuses, and what a flood of strangers leaves behind."""
import os
import pathlib
import socket
import struct
import subprocess

import pytest

import coaps as with_coaps
import keystead as ks
from test_certificate import issue
from test_device import Cli


@pytest.fixture(scope="module")
def coaps(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as lab:
        lab.coaps = with_coaps.ports(lab)
        # the sanitizer keeps what was freed for a while: little of it, so that memory can be measured
        asan = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
        lab.start(env={**os.environ, "ASAN_OPTIONS": asan.lstrip(":")})
        yield lab


class CoapCli(Cli):
    def at(self, role):
        return f"coaps://127.0.0.1:{self.lab.coaps[role]}"


def s_client(port, identity, psk, *more, seconds=20):
    p = subprocess.run(["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{port}", "-servername", "localhost",
                        "-psk_identity", identity, "-psk", psk.hex(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0", *more],
                       input=b"Q\n", capture_output=True, timeout=seconds)
    return (p.stdout + p.stderr).decode(errors="replace")


def test_the_whole_way(coaps, tmp_path):
    d = coaps.device("dtls")
    cli = CoapCli(coaps, tmp_path / "device", d)
    enrolled = cli.ok("enrol", *cli.enrol_args())
    assert enrolled["ke_id"].upper() in str(coaps.enrolments()).upper()  # R001-85: both have one KeId
    assert cli.ok("associate", *cli.associate_args())["framework"] == "maf"
    assert cli.ok("register", "--app-id", "Nthermometer", "--from", "S")["ae_id"] == d.stem
    cli.ok("request", "create", f"/{d.stem}", "--type", "3", "--content", '{"m2m:cnt":{"rn":"box"}}')
    cli.ok("request", "create", f"/-/{d.stem}/box", "--type", "4", "--content", '{"m2m:cin":{"con":"21.5"}}')
    assert "21.5" in cli.run("request", "retrieve", f"/-/{d.stem}/box/la").stdout
    big = "x" * 6000  # more than a datagram: blocks in both directions
    cli.ok("request", "create", f"/-/{d.stem}/box", "--type", "4", "--content", '{"m2m:cin":{"con":"%s"}}' % big)
    assert big in cli.run("request", "retrieve", f"/-/{d.stem}/box/la").stdout
    found = cli.ok("request", "retrieve", f"/-/{d.stem}", "--filter", "fu=1&ty=4&sza=100&drt=1")["content"]["m2m:uril"]
    assert len(found) == 1 and found[0].startswith(f"cse-in/{d.stem}/box/"), found
    cli.no(1, "not-found", "request", "retrieve", f"/-/{d.stem}/nothing")


def test_openssl_enrols(coaps):
    d = coaps.device("dtls-openssl")
    out = s_client(coaps.coaps["mef"], d.kpm_id, d.psk, "-keymatexport", ks.BOOTSTRAP, "-keymatexportlen", "48")
    exported = next(line.split(":")[1].strip() for line in out.splitlines() if "Keying material:" in line)
    assert "Cipher is PSK-AES128-CCM8" in out
    assert exported[:32].lower() in str(coaps.enrolments()).lower()  # R001-85, R001-86


def test_refusals(coaps, tmp_path):
    d = coaps.device("dtls-refused")
    port = coaps.coaps["mef"]
    assert "SSL alert number 115" in s_client(port, "nobody@" + ks.MEF, d.psk)
    assert "SSL alert number 51" in s_client(port, d.kpm_id, bytes(32))  # refuses R001-83: after a repetition
    assert "SSL alert number 112" in s_client(port, d.kpm_id, d.psk, "-servername", "elsewhere.example")
    cli = CoapCli(coaps, tmp_path / "device", d)
    cli.no(3, ("peer-unreachable", "peer-timeout"), "enrol",
           *cli.enrol_args(**{"--mef": f"coaps://127.0.0.1:{with_coaps.free_udp_port()}"}))


def rss(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS")))


def client_hello(random, sequence=0, cookie=b""):
    body = b"\xfe\xfd" + random + b"\0" + bytes([len(cookie)]) + cookie + b"\0\2\xc0\xa8" + b"\1\0" + b"\0\4\0\x17\0\0"
    n = len(body).to_bytes(3, "big")
    message = b"\1" + n + struct.pack(">H", sequence) + b"\0\0\0" + n + body
    return b"\x16\xfe\xff\0\0" + sequence.to_bytes(6, "big") + struct.pack(">H", len(message)) + message


@pytest.mark.parametrize("packets", [int(os.environ.get("KEYSTEAD_FLOOD", "20000"))])
def test_a_flood_leaves_nothing(coaps, packets):
    """ClientHellos without a cookie, each as from another client: no memory, no connection; others are served."""
    at = ("127.0.0.1", coaps.coaps["mef"])
    pids = ks.children(coaps.servers["mef"].p.pid)
    counters = coaps.ctl_json("mef", "status")["counters"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setblocking(False)

        def flood(n):
            for i in range(n):
                s.sendto(client_hello(i.to_bytes(4, "big") * 8), at)
                try:
                    while len(s.recv(2048)) <= 79:  # the answer is not larger than the question
                        pass
                except BlockingIOError:
                    pass
        flood(2000)
        before = sum(map(rss, pids))
        flood(packets)
        assert sum(map(rss, pids)) - before < 1024  # KiB
    after = coaps.ctl_json("mef", "status")["counters"]
    assert [after[c] for c in ("connections", "connections_now")] == [counters[c] for c in ("connections", "connections_now")]
    d = coaps.device("dtls-after-flood")
    assert "Cipher is PSK-AES128-CCM8" in s_client(coaps.coaps["mef"], d.kpm_id, d.psk)


def now_open(lab, role="mef"):
    return lab.ctl_json(role, "status")["counters"]["connections_now"]


def idle_client(port, d, *more):
    """s_client that has finished its handshake and waits."""
    p = subprocess.Popen(["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{port}", "-servername", "localhost",
                          "-psk_identity", d.kpm_id, "-psk", d.psk.hex(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0", *more],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in p.stdout:
        if b"Extended master secret" in line:
            return p
    raise AssertionError("no session")


def test_a_client_that_begins_anew(coaps):
    """A device that was cut off comes back from the same port: it proves its address again and replaces the old session."""
    d = coaps.device("dtls-anew")
    port, before = coaps.coaps["mef"], now_open(coaps)
    bind = ("-bind", f"127.0.0.1:{with_coaps.free_udp_port()}")
    first = idle_client(port, d, *bind)
    first.kill()
    first.wait()
    assert now_open(coaps) == before + 1
    second = idle_client(port, d, *bind)
    assert now_open(coaps) == before + 1
    second.communicate(b"Q\n", timeout=20)
    ks.wait_for(lambda: now_open(coaps) == before, what="the end of the session")


def hello_twice(s, at, random):
    """Shows the cookie; returns what came after."""
    s.sendto(client_hello(random), at)
    answer = s.recv(2048)
    assert answer[13] == 3 and len(answer) == 60, answer  # HelloVerifyRequest
    s.sendto(client_hello(random, 1, answer[28:]), at)
    return s.recv(2048)


def test_who_falls_silent(new_lab):
    """After the cookie the server repeats its flight, and gives up at handshake-time."""
    new_lab.coaps = with_coaps.ports(new_lab)
    new_lab.set("mef", "limits", "handshake-time", "4s")
    new_lab.set("mef", "limits", "connections-per-peer", "2")
    new_lab.start("mef")
    at = ("127.0.0.1", new_lab.coaps["mef"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(20)
        flight = hello_twice(s, at, b"1" * 32)
        assert flight[13] == 2  # ServerHello
        assert now_open(new_lab) == 1
        again = s.recv(2048)
        assert again[13] == 2 and again[13:25] == flight[13:25]
        ks.wait_for(lambda: now_open(new_lab) == 0, what="the end of the handshake")
    assert "handshake-timeout" in new_lab.servers["mef"].log()


def test_too_many_from_one_address(new_lab):
    new_lab.coaps = with_coaps.ports(new_lab)
    new_lab.set("mef", "limits", "connections-per-peer", "2")
    new_lab.set("mef", "server", "workers", "1")
    new_lab.start("mef")
    at = ("127.0.0.1", new_lab.coaps["mef"])
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for i, s in enumerate(sockets):
        s.settimeout(2)
        if i < 2:
            assert hello_twice(s, at, bytes([i]) * 32)[13] == 2
        else:
            with pytest.raises(TimeoutError):
                hello_twice(s, at, bytes([i]) * 32)
        assert now_open(new_lab) == min(i + 1, 2)
    for s in sockets:
        s.close()


def test_a_server_in_trouble_is_no_refusal(new_lab, tmp_path):
    """The MAF that the registrar has to ask is away: the device is told what came, and to try again."""
    new_lab.coaps = with_coaps.ports(new_lab)
    new_lab.start("cse")
    for i, kind in enumerate((Cli, CoapCli)):
        cli = kind(new_lab, tmp_path / kind.__name__)
        got = cli.no(3, "peer-failing", "associate", "--cse", cli.at("cse"), "--cse-id", ks.CSE_ID, "--kpsa-id", f"{i:032x}@{ks.MAF}",
                     "--kpsa-file", new_lab.key_file("unasked", b"made-up-key-of-a-device-3132"))
        assert got["detail"] == "association security handshake: it sent TLS alert 80, internal error", got


def test_reload_says_goodbye(coaps):
    d = coaps.device("dtls-reload")
    port = coaps.coaps["mef"]
    idle = idle_client(port, d)
    coaps.ctl_json("mef", "reload")
    out, _ = idle.communicate(timeout=20)  # s_client ends at the close_notify
    assert idle.returncode == 0, out
    assert "Cipher is PSK-AES128-CCM8" in s_client(port, d.kpm_id, d.psk)


def test_a_device_with_a_certificate(coaps, tmp_path):
    """R001-105, R001-108: the certificate suite over DTLS, for the enrolment and for the association itself."""
    ae = f"//{ks.SP}/Sdtlscert"
    mine = issue(coaps.where, "dtlscert", "ae-id", ae)
    coaps.ctl_json("mef", "credential", "add", "--kind", "cert", "--id", ae, "--flavour", "ae-id", "--target", ks.MAF)
    coaps.ctl_json("maf", "client", "allow", "--client", ae)
    cli = CoapCli(coaps, tmp_path / "device")
    enrolment = ["--mef", cli.at("mef"), "--mef-id", ks.MEF, "--target", ks.MAF, "--maf", cli.at("maf")]
    cli.ok("enrol", *enrolment, *mine)
    assert cli.ok("associate", "--cse", cli.at("cse"), "--cse-id", ks.CSE_ID)["framework"] == "maf"
    direct = CoapCli(coaps, tmp_path / "direct")
    association = ["--cse", direct.at("cse"), "--cse-id", ks.CSE_ID]
    assert direct.ok("associate", *association, *mine)["framework"] == "cert"
    assert direct.ok("register", "--app-id", "Nmade-up", "--from", "Sdtlscert")["ae_id"] == "Sdtlscert"
    direct.no(1, "from-not-associated", "request", "retrieve", "/Sdtlscert", "--from", "Sstranger")
