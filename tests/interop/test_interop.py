"""Clients that nobody here wrote: openssl s_client and gnutls-cli as complete Enrolees and MAF clients, curl through
stunnel4 as an AE, curl with a certificate as an Enrolment Target. The last test compares docs/interop.md with what happened."""
import base64
import json
import os
import re
import select
import signal
import subprocess
import time

import pytest

import est
import keystead as ks

PRIORITY = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+SHA256"


class Gnutls:
    """`gnutls-cli --keymatexport`: prints its exporter's octets after a completed handshake only."""

    def __init__(self, address, identity, psk, label=None, send=b"", crlf=False):
        command = ["gnutls-cli", "-p", str(address[1]), "--pskusername", identity, "--pskkey", psk.hex(), "--priority", PRIORITY,
                   "--sni-hostname", "localhost", "--no-ca-verification"]
        if label:
            command += [f"--keymatexport={label}", "--keymatexportsize=48"]
        p = subprocess.Popen([*command, address[0]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, end, sent = b"", time.monotonic() + ks.PATIENCE, False
        while time.monotonic() < end:
            readable, _, _ = select.select([p.stdout], [], [], 0.5)
            got = os.read(p.stdout.fileno(), 65536) if readable else b""
            if readable and not got:
                break
            out += got
            if b"Handshake was completed" in out and not sent:
                sent = True
                if send:
                    p.stdin.write(send)
                    p.stdin.flush()
            done = (b"- Simple Client Mode" in out and (not label or b"Key material" in out)) if not send else \
                b"HTTP/1.1 " in out and ks.SClient._complete(out)
            if done:
                break
        try:
            p.stdin.close()
        except BrokenPipeError:
            pass
        try:
            out += p.stdout.read() if p.poll() is not None else b""
            p.wait(5)
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGTERM)
            p.wait(10)
        self.text = out.decode(errors="replace")
        self.finished = "Handshake was completed" in self.text
        m = re.search(r"- Key material: ([0-9a-fA-F]{96})", self.text)
        self.exported = bytes.fromhex(m[1]) if m else None
        m = re.search(r"Received alert \[(\d+)\]", self.text)
        self.alert = int(m[1]) if m else None


CLIENTS = {"openssl s_client": ks.SClient, "gnutls-cli": Gnutls}
TOLD = {"openssl s_client": "`-psk_identity -psk -tls1_2 -cipher PSK-AES128-CBC-SHA256 -keymatexport LABEL -keymatexportlen 48`",
        "gnutls-cli": f"`--pskusername --pskkey --keymatexport LABEL --keymatexportsize 48 --priority {PRIORITY}`"}


def http(text):
    """The response in what a client printed."""
    head, body = text[text.rindex("HTTP/1.1 "):].replace("\r\n", "\n").split("\n\n", 1)
    n = int(re.search(r"(?i)content-length: *(\d+)", head)[1])
    rsc = re.search(r"(?i)x-m2m-rsc: *(\d+)", head)
    return int(rsc[1]) if rsc else None, json.loads(body[:n]) if n else None


@pytest.mark.parametrize("name", CLIENTS)
def test_enrol_associate_register(lab, matrix, versions, name):
    """The whole way of an AE with nothing but this client and Python's hmac."""
    client = CLIENTS[name]
    d = lab.device("interop-" + name.split()[0].split("-")[0])
    # 1. enrolment: the handshake is all there is
    c = client(lab.address("mef"), d.kpm_id, d.psk, ks.BOOTSTRAP)  # R001-81, R001-82, R001-83, R001-85, R001-86
    assert c.finished and c.exported, c.text[-3000:]
    d.ke_id, d.ke = ks.key_id(c.exported[:16], ks.MEF), c.exported[16:]
    assert d.ke_id.upper() in str(lab.enrolments()).upper()
    fetched = lab.fetch(d.ke_id)
    assert base64.b64decode(fetched.json["credential"]) == d.km  # R001-37, R001-53
    matrix(name, versions[name], "enrols at the MEF", TOLD[name], "enrolled; its exporter gives the Ke that the MEF stored")
    # 2. the MAF learns Km in the middle of this handshake; registration
    rq = ks.request_octets("create", "/-", {"m2m:macr": {"et": ks.later(), "adfq": ks.SP}}, 60002, d.enrolee_id)
    c = client(lab.address("maf"), d.ke_id, d.km, ks.CONNECTION, rq)  # R001-40, R001-41, R001-48, R001-58
    assert c.finished, c.text[-3000:]
    rsc, body = http(c.text)
    assert rsc == 2001, body
    d.registration, d.km_id = body["m2m:macr"]["ri"], body["m2m:macr"]["aski"]
    matrix(name, versions[name], "registers as a MAF client by KeId", "the same; HTTP on standard input", "2001, KmId assigned")
    # 3. key registration by KmId on a session of its own
    rq = ks.request_octets("create", f"/{d.registration}",
                           {"m2m:skr": {"et": ks.later(), "adfq": ks.SP, "suid": 32, "tgis": [ks.CSE_ID]}}, 60003, d.enrolee_id)
    c = client(lab.address("maf"), d.km_id, d.km, ks.CONNECTION, rq)  # R001-59, R000-70
    assert c.finished and c.exported, c.text[-3000:]
    rsc, body = http(c.text)
    assert rsc == 2001 and body["m2m:skr"]["rn"].upper() == c.exported[:16].hex().upper(), body
    d.kc_id, d.kc = ks.key_id(c.exported[:16], ks.MAF), c.exported[16:]
    matrix(name, versions[name], "registers a key at the MAF by KmId", "the same", "2001; its exporter gives Kc and KcId")
    # 4. association with the CSE, which fetches Kc from the MAF in the middle of the handshake
    rq = ks.request_octets("create", "/-", {"m2m:ae": {"api": "Ninterop", "rr": True, "srv": ["3"]}}, 2, d.stem)
    c = client(lab.address("cse"), d.kc_id, d.kc, None, rq)  # R001-02, R000-71
    assert c.finished, c.text[-3000:]
    rsc, body = http(c.text)
    assert rsc == 2001 and body["m2m:ae"]["aei"] == d.stem, body
    matrix(name, versions[name], "associates with the CSE and registers an AE", "the same", "2001")


@pytest.mark.parametrize("name", CLIENTS)
def test_refused_with_an_alert(lab, matrix, versions, name):
    client = CLIENTS[name]
    d = lab.device("interop-no-" + name.split()[0].split("-")[0])
    c = client(lab.address("mef"), d.kpm_id, b"\x42" * 32, ks.BOOTSTRAP)  # refuses R001-83
    assert not c.finished and c.alert == ks.DECRYPT_ERROR, c.text[-2000:]
    matrix(name, versions[name], "is refused with a wrong key", "the same", "alert 51, no `read finished`")
    c = client(lab.address("mef"), f"nobody@{ks.MEF}", d.psk, ks.BOOTSTRAP)  # refuses R001-82
    assert not c.finished and c.alert == ks.UNKNOWN_PSK_IDENTITY, c.text[-2000:]
    matrix(name, versions[name], "is refused with an unknown identity", "the same", "alert 115")
    assert d.kpm_id not in str(lab.enrolments())


def curl(*args):
    p = subprocess.run(["curl", "-sS", "-i", "--max-time", "30", *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=60)
    return p


def as_client(port, *args):
    return curl("-H", "X-M2M-RI: curl-1", "-H", "X-M2M-RVI: 3", *args[:-1], f"http://127.0.0.1:{port}{args[-1]}")


def test_curl_through_stunnel(lab, matrix, versions, tmp_path):
    """curl has no TLS-PSK: stunnel4 in client mode gives it one, at the MAF and at the CSE."""
    told = "stunnel4: `client = yes`, `PSKsecrets`, `PSKidentity`, `ciphers = PSK-AES128-CBC-SHA256`, `sni = localhost`"
    v = f"{versions['curl']} / {versions['stunnel4']}"
    d = lab.enrol(lab.device("interop-curl"))
    for where in ("maf", "cse"):
        (tmp_path / where).mkdir()
    with ks.Stunnel.client(tmp_path / "maf", d.ke_id, d.km, lab.address("maf")) as front:
        p = as_client(front.port, "-H", f"X-M2M-Origin: {d.enrolee_id}", "-H", "Content-Type: application/json;ty=60002",
                      "-d", json.dumps({"m2m:macr": {"et": ks.later(), "adfq": ks.SP}}), "/-")
        assert p.returncode == 0, p.stderr
        rsc, body = http(p.stdout)
        assert rsc == 2001, p.stdout
        d.registration, d.km_id = body["m2m:macr"]["ri"], body["m2m:macr"]["aski"]
    matrix("curl through stunnel4", v, "registers as a MAF client", told, "2001")
    assert lab.key_register(d).rsc == 2001
    with ks.Stunnel.client(tmp_path / "cse", d.kc_id, d.kc, lab.address("cse")) as front:
        def ask(*args):
            p = as_client(front.port, "-H", f"X-M2M-Origin: {d.stem}", *args)
            assert p.returncode == 0, p.stderr
            return http(p.stdout)

        def make(ty, path, content):
            return ask("-H", f"Content-Type: application/json;ty={ty}", "-d", json.dumps(content), path)
        assert make(2, "/-", {"m2m:ae": {"api": "Ncurl", "rr": False, "srv": ["3"]}})[0] == 2001
        assert make(3, f"/{d.stem}", {"m2m:cnt": {"rn": "box"}})[0] == 2001
        assert make(4, f"/-/{d.stem}/box", {"m2m:cin": {"con": "from curl"}})[0] == 2001
        rsc, body = ask(f"/-/{d.stem}/box/la")
        assert rsc == 2000 and body["m2m:cin"]["con"] == "from curl"
        matrix("curl through stunnel4", v, "registers an AE, creates and retrieves at the CSE", told, "2001, 2000")
        rsc, body = as_other(front.port, f"/-/{d.stem}/box")
        assert rsc == 4106  # refuses R000-48
        matrix("curl through stunnel4", v, "is refused with a foreign From", told, "4106")


def as_other(port, path):
    p = as_client(port, "-H", "X-M2M-Origin: Cother", path)
    return http(p.stdout)


def test_curl_with_a_certificate(lab, matrix, versions):
    """The Enrolment Target's side of /fetchCredentials, by a client that is no MAF of ours."""
    d = lab.enrol(lab.device("interop-cert"))
    host, port = lab.address("mef")
    w = lab.where

    def fetch(who, origin, ca="ca.crt", name=ks.MEF):
        return curl("--cacert", w / ca, "--cert", w / f"{who}.crt", "--key", w / f"{who}.key", "--tls-max", "1.2", "--resolve",
                    f"{name}:{port}:{host}", "-H", f"X-M2M-Origin: {origin}", "-H", "X-M2M-RI: 1", "-H", "X-M2M-RVI: 3",
                    f"https://{name}:{port}/fetchCredentials/{d.ke_id}/21")
    told = "`--cert --key --cacert --tls-max 1.2`"
    p = fetch("maf", ks.MAF)  # R001-49, R001-50, R001-51, R001-52, R001-54, R001-55
    rsc, body = http(p.stdout)
    assert p.returncode == 0 and body["status"] is True and base64.b64decode(body["credential"]) == d.km
    assert body["enroleeID"] == d.enrolee_id
    matrix("curl", versions["curl"], "fetches the credential with the MAF's certificate", told, "200, Km and Enrolee-ID")
    p = fetch("cse", ks.CSE_ID)
    assert p.returncode != 0 and "alert access denied" in p.stdout + p.stderr, (p.stdout, p.stderr)  # refuses R001-100
    matrix("curl", versions["curl"], "is refused with the CSE's certificate, which is nobody's target", told, "alert 49")
    lab.device("interop-of-the-cse", target=ks.CSE_ID)
    p = fetch("cse", ks.CSE_ID)
    rsc, body = http(p.stdout)
    assert body["status"] is False and "not-the-target" in body["errorString"] and " 403 " in p.stdout  # refuses R001-77
    matrix("curl", versions["curl"], "is refused with the CSE's certificate, target of another key", told, "403, not-the-target")
    p = curl("--cacert", w / "ca.crt", "--tls-max", "1.2", "--resolve", f"{ks.MEF}:{port}:{host}",
             f"https://{ks.MEF}:{port}/fetchCredentials/{d.ke_id}/21")
    assert p.returncode != 0 and "HTTP/1.1 200" not in p.stdout  # refuses R001-50
    matrix("curl", versions["curl"], "is refused without a certificate", "`--cacert --tls-max 1.2`", "handshake fails")


def test_a_certificate_of_another_authority(lab, matrix, versions, tmp_path):
    """R001-51: right name, wrong CA; and our CA for a name outside its constraint."""
    def run(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=made-up",
        "-addext", f"subjectAltName=DNS:{ks.MAF}", "-addext", "keyUsage=digitalSignature", "-keyout", tmp_path / "x.key", "-out",
        tmp_path / "x.crt")
    d = lab.enrol(lab.device("interop-other-ca"))
    host, port = lab.address("mef")
    p = curl("--cacert", lab.where / "ca.crt", "--cert", tmp_path / "x.crt", "--key", tmp_path / "x.key", "--tls-max", "1.2", "--resolve",
             f"{ks.MEF}:{port}:{host}", "-H", f"X-M2M-Origin: {ks.MAF}", f"https://{ks.MEF}:{port}/fetchCredentials/{d.ke_id}/21")
    assert p.returncode != 0 and "credential" not in p.stdout  # refuses R001-51, refuses R001-50
    matrix("curl", versions["curl"], "is refused with a certificate of another CA", "`--cert --key --cacert --tls-max 1.2`", "handshake fails")


def test_est_with_openssl(lab, matrix, versions, tmp_path):
    """RFC 7030 through stunnel4, and with the certificate that came."""
    client, v = "openssl req, curl through stunnel4", f"{versions['openssl s_client']} / {versions['curl']} / {versions['stunnel4']}"
    told = "`/csrattrs` and `/simpleenroll` on one connection; `challengePassword` and `subjectAltName` as `/csrattrs` says"
    d = lab.device("interop-est")
    with ks.Stunnel.client(tmp_path, d.kpm_id, d.psk, lab.address("mef")) as st:
        p = curl(f"http://127.0.0.1:{st.port}{est.EST}/cacerts")
        ca = est.certificate(p.stdout.replace("\r\n", "\n").split("\n\n", 1)[-1], tmp_path, "ca")
        matrix(client, v, "asks the MEF for its CA certificates", "`GET /cacerts`", "certs-only, read by `openssl pkcs7`")
        s = est.Session(st.port)
        challenge, san = s.attributes()
        status, _, body = s.ask("POST", "simpleenroll", est.csr(tmp_path, challenge, san), est.PKCS10)
        assert status == 200, body
        cert = est.certificate(body, tmp_path)
        est.openssl("verify", "-CAfile", ca, cert)
        matrix(client, v, "gets a certificate by EST", told, "200; `openssl verify` agrees")
        status, _, body = est.Session(st.port).ask("POST", "simpleenroll", est.csr(tmp_path, challenge, san), est.PKCS10)
        assert status == 403 and "csr-challenge" in body
        matrix(client, v, "is refused with the challengePassword of another session", told, "403, csr-challenge")
    s = est.Session(address=lab.address("mef"), cert=(cert, tmp_path / "a.key"), trust=ca)
    challenge, san = s.attributes()
    status, _, body = s.ask("POST", "simplereenroll", est.csr(tmp_path, challenge, san), est.PKCS10)
    assert status == 200, body
    est.openssl("verify", "-CAfile", ca, est.certificate(body, tmp_path, "b"))
    matrix("openssl req, TLS by Python's ssl", versions["openssl s_client"], "renews it with the certificate", "`/simplereenroll` on one connection", "200; `openssl verify` agrees")


def test_s_client_traps(lab):
    """What the tests rely on: a failed handshake may print keying material, and only `read finished` proves success."""
    d = lab.device("interop-trap")
    c = ks.SClient(lab.address("mef"), d.kpm_id, b"\x42" * 32, ks.BOOTSTRAP)
    assert not c.finished and c.exported is None
