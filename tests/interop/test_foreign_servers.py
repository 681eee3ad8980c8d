"""Our device at servers that nobody here wrote: openssl s_server with a pre-shared key and with certificates that openssl's
own CA made, good and bad, and libcoap's server over DTLS."""
import contextlib
import json
import re
import socket
import subprocess
import time

import pytest

import keystead as ks
from conftest import version

KEY = b"made-up key of thirty-two octets"
KPM_ID, KPSA_ID, AE = f"interop@{ks.MEF}", f"interop@{ks.SP}", f"//{ks.SP}/Sinterop"
S_SERVER, COAP = "openssl s_server", "coap-server-openssl"
CA = """[ca]
default_ca = it
[it]
dir = {where}
database = {where}/index.txt
serial = {where}/serial
new_certs_dir = {where}
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
subjectAltName = {san}
"""


def openssl(*args):
    p = subprocess.run(["openssl", *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert p.returncode == 0, p.stderr
    return p.stdout


class Authority:
    """A CA of the openssl command."""

    def __init__(self, where, limited=True):
        self.where = where
        where.mkdir()
        (where / "index.txt").touch()
        (where / "serial").write_text("1001\n")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256", "-days", "30", "-subj",
                f"/CN=made-up {where.name}", "-keyout", where / "ca.key", "-out", where / "ca.crt",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                *(["-addext", f"nameConstraints=critical,permitted;DNS:{ks.SP},permitted;URI:{ks.SP}"] if limited else []))

    def issue(self, name, san, end="20490101000000Z"):
        w = self.where
        (w / "cnf").write_text(CA.format(where=w, san=san))
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", w / f"{name}.key", "-out", w / f"{name}.csr")
        (w / f"{name}.key").chmod(0o600)
        openssl("ca", "-batch", "-notext", "-config", w / "cnf", "-extensions", "leaf", "-cert", w / "ca.crt", "-keyfile", w / "ca.key",
                "-startdate", "20200101000000Z", "-enddate", end, "-in", w / f"{name}.csr", "-out", w / f"{name}.crt")
        return w / f"{name}.crt", w / f"{name}.key"


@contextlib.contextmanager
def server(where, *command, port, udp=False):
    """Runs until the test is through; what it said is in `where`/server.log."""
    with open(where / "server.log", "w") as log:
        p = subprocess.Popen([*map(str, command)], cwd=where, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)
    try:
        if udp:
            ks.wait_for(lambda: "DTLS" in (where / "server.log").read_text() or listens(port), 20, command[0])
        else:
            ks.wait_for(lambda: "ACCEPT" in (where / "server.log").read_text(), 20, command[0])
        yield where / "server.log"
    finally:
        p.kill()
        p.wait(10)


def listens(port):
    """Somebody has this UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def device(state, verb, *args, code=0):
    p = ks.run("device", verb, "--state", state, *args, "--json")
    assert p.returncode == code, (p.returncode, p.stdout, p.stderr)
    return json.loads(p.stdout)


def said(log, pattern):
    """s_server writes when it has done what the device saw already."""
    return ks.wait_for(lambda: re.search(pattern, log.read_text()), 20, pattern)


@pytest.fixture
def kpm(tmp_path):
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text(KEY.hex() + "\n")
    return file


def enrol_args(port, *credential):
    return ["--mef", f"127.0.0.1:{port}", "--mef-id", ks.MEF, "--target", ks.MAF, *credential]


def test_enrols_at_s_server(tmp_path, kpm, matrix, versions):
    """Both sides export the same octets: Ke and KeId."""
    port = ks.free_port()
    psk = ["-nocert", "-psk_identity", KPM_ID, "-psk", KEY.hex(), "-cipher", "PSK-AES128-CBC-SHA256"]
    export = ["-keymatexport", ks.BOOTSTRAP, "-keymatexportlen", "48"]
    told = "`-tls1_2 -nocert -psk_identity -psk -cipher PSK-AES128-CBC-SHA256 -keymatexport LABEL -keymatexportlen 48`"
    args = enrol_args(port, "--kpm-id", KPM_ID, "--key-file", kpm)
    with server(tmp_path, "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_2", *psk, *export, port=port) as log:
        got = device(tmp_path / "d", "enrol", *args)  # R001-81, R001-82, R001-83
        exported = bytes.fromhex(said(log, r"Keying material: ([0-9A-F]{96})")[1])
        assert got["ke_id"].upper() == ks.key_id(exported[:16], ks.MEF).upper()  # R001-85, R001-86, R001-87
    matrix(S_SERVER, versions["openssl s_client"], "our device enrols with Kpm", told, "its exporter gives the KeId of the device")
    psk[psk.index(KEY.hex())] = "42" * 32
    with server(tmp_path, "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_2", *psk, port=port):
        assert device(tmp_path / "e", "enrol", *args, code=1)["error"] == "psk-wrong"  # refuses R001-83
    matrix(S_SERVER, versions["openssl s_client"], "our device is told another key", "the same", "exit 1, psk-wrong")
    assert device(tmp_path / "e", "status", code=2)["error"] == "no-device-state"


def test_enrols_at_s_server_by_certificate(tmp_path, matrix, versions):
    ca = Authority(tmp_path / "ca")
    cert, key = ca.issue("mef", f"DNS:{ks.MEF}")
    own, own_key = ca.issue("device", f"URI:m2m:{AE}")
    port = ks.free_port()
    told = "`-tls1_2 -cert -key -CAfile -Verify 1 -verify_return_error -keymatexport LABEL -keymatexportlen 48`"
    with server(tmp_path, "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_2", "-cert", cert, "-key", key, "-CAfile",
                ca.where / "ca.crt", "-Verify", "1", "-verify_return_error", "-keymatexport", ks.BOOTSTRAP, "-keymatexportlen", "48",
                port=port) as log:
        got = device(tmp_path / "d", "enrol", *enrol_args(port, "--certificate", own, "--private-key", own_key, "--trust",
                                                          ca.where / "ca.crt"))  # R001-93, R001-106, R001-108
        exported = bytes.fromhex(said(log, r"Keying material: ([0-9A-F]{96})")[1])
        assert got["ke_id"].upper() == ks.key_id(exported[:16], ks.MEF).upper()  # R001-109
    matrix(S_SERVER, versions["openssl s_client"], "our device enrols with a certificate of openssl's CA", told,
           "its exporter gives the KeId of the device")


@pytest.mark.parametrize("what, reason, alert", [("expired", "certificate-expired", 45), ("wrong name", "certificate-name", 42),
                                                 ("unknown CA", "certificate-untrusted", 48),
                                                 ("a CA without name constraints", "certificate-constraints", 46)])
def test_bad_certificate_of_s_server(tmp_path, matrix, versions, what, reason, alert):
    """The device ends the handshake itself and says why: refuses R001-29, R001-30, R001-98, R001-148."""
    ca, other = Authority(tmp_path / "ca", limited="without" not in what), Authority(tmp_path / "other")
    cert, key = {"expired": lambda: ca.issue("mef", f"DNS:{ks.MEF}", end="20210101000000Z"),
                 "a CA without name constraints": lambda: ca.issue("mef", f"DNS:{ks.MEF}"),
                 "wrong name": lambda: ca.issue("mef", f"DNS:mef2.{ks.SP}"),
                 "unknown CA": lambda: other.issue("mef", f"DNS:{ks.MEF}")}[what]()
    own, own_key = ca.issue("device", f"URI:m2m:{AE}")
    port = ks.free_port()
    with server(tmp_path, "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_2", "-cert", cert, "-key", key, port=port) as log:
        got = device(tmp_path / "d", "enrol", *enrol_args(port, "--certificate", own, "--private-key", own_key, "--trust",
                                                          ca.where / "ca.crt"), code=1)
        assert got["error"] == reason and got["text"], got
        said(log, rf"SSL alert number {alert}")
    matrix(S_SERVER, versions["openssl s_client"], f"shows our device a certificate: {what}", "`-tls1_2 -cert -key`",
           f"exit 1, {reason}; alert {alert}")


def test_requests_at_s_server(tmp_path, kpm, matrix, versions):
    """A scripted answer of oneM2M, and a web page that is none."""
    port = ks.free_port()
    body = '{"m2m:ae":{"api":"Nmade-up"}}'
    (tmp_path / "Sinterop").write_text("HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nX-M2M-RI: 1\r\nContent-Type: application/json\r\n"
                                       f"Content-Length: {len(body)}\r\n\r\n{body}", newline="")
    psk = ["-nocert", "-psk_identity", KPSA_ID, "-psk", KEY.hex(), "-cipher", "PSK-AES128-CBC-SHA256"]
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_2", *psk]
    state = tmp_path / "d"
    with server(tmp_path, *command, "-HTTP", port=port):
        got = device(state, "associate", "--cse", f"127.0.0.1:{port}", "--cse-id", ks.CSE_ID, "--kpsa-id", KPSA_ID, "--kpsa-file", kpm)
        assert got["framework"] == "psk"  # R000-60, R000-61
        got = device(state, "request", "retrieve", "/Sinterop", "--from", "Sinterop")
        assert got["rsc"] == 2000 and got["content"] == json.loads(body)
    matrix(S_SERVER, versions["openssl s_client"], "our device associates with Kpsa and retrieves", "`-HTTP`, a file with the answer", "2000 and its content")
    with server(tmp_path, *command, "-www", port=port):
        got = device(state, "request", "retrieve", "/", "--from", "Sinterop", code=1)
        assert got["error"] == "peer-nonsense" and "HTTP 200 is no answer of oneM2M" in got["detail"]
    matrix(S_SERVER, versions["openssl s_client"], "our device gets a web page for an answer", "`-www`", "exit 1, peer-nonsense: HTTP 200 is no answer of oneM2M")


def test_libcoap_server(tmp_path, kpm, matrix):
    """DTLS-PSK and the message layer of CoAP with a server that knows no oneM2M: it says so, and the device too."""
    v = version(COAP, "--help")
    port = ks.free_port()
    told = "`-A 127.0.0.1 -p PORT -k KEY`"
    state = tmp_path / "d"
    args = ["--cse", f"coaps://127.0.0.1:{port + 1}", "--cse-id", ks.CSE_ID, "--kpsa-id", KPSA_ID]
    with server(tmp_path, COAP, "-A", "127.0.0.1", "-p", port, "-k", KEY.decode(), "-v", "7", port=port + 1, udp=True) as log:
        assert device(state, "associate", *args, "--kpsa-file", kpm)["framework"] == "psk"
        said(log, f"got psk_identity: '{KPSA_ID}'")
        matrix(COAP, v, "our device associates with Kpsa over DTLS", told, "DTLS 1.2 session; it knows the identity")
        got = device(state, "request", "retrieve", "/time", "--from", "Sinterop", code=1)
        assert got["error"] == "peer-nonsense" and "CoAP 4.02 is no answer of oneM2M" in got["detail"], got
        said(log, r"c:GET.*Uri-Path:time.*\n(.*\n)*.*c:4\.02")
        matrix(COAP, v, "our device sends it a request", told, "4.02: it knows no option of oneM2M; exit 1, peer-nonsense")
        wrong = tmp_path / "wrong"
        wrong.touch(mode=0o600)
        wrong.write_text("42" * 32 + "\n")
        began = time.monotonic()
        got = device(tmp_path / "e", "associate", *args, "--kpsa-file", wrong, "--timeout", "5s", code=3)
        assert got["error"] == "peer-timeout" and time.monotonic() - began < 20  # refuses R000-60
        matrix(COAP, v, "our device has another key", "the same", "nothing that opens comes back: exit 3, peer-timeout")
