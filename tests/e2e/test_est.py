"""Certificate provisioning by EST at a real MEF: keystead device, and a client made of openssl and curl over stunnel4 or
with a certificate of its own. Every refusal has its status and its reason."""
import base64
import http.client
import json
import ssl
import subprocess
import time

import pytest

import keystead as ks
from est import EST, PKCS10, Session, certificate, csr, openssl
from test_device import Cli


def reason(body):
    return json.loads(body)["m2m:dbg"].split(":")[0]


@pytest.fixture
def psk(lab, tmp_path, request):
    """A device, and stunnel4 that holds its Kpm."""
    d = lab.device(request.node.name.replace("_", "-"))
    with ks.Stunnel.client(tmp_path, d.kpm_id, d.psk, lab.address("mef")) as st:
        yield lab, d, st, tmp_path


def san_of(d):
    return f"URI:m2m:{d.enrolee_id}"


def test_openssl_and_curl(psk):
    lab, d, st, where = psk
    out = subprocess.run(["curl", "-sS", "-i", f"http://127.0.0.1:{st.port}{EST}/cacerts"], capture_output=True, check=True)
    head, body = out.stdout.decode().replace("\r\n", "\n").split("\n\n", 1)
    assert "application/pkcs7-mime; smime-type=certs-only" in head
    ca = certificate(body, where, "ca")
    theirs = openssl("x509", "-in", ca, "-outform", "DER")
    assert theirs == openssl("x509", "-in", lab.where / "ca.crt", "-outform", "DER")
    s = Session(st.port)
    challenge, san = s.attributes()
    assert san == san_of(d)
    status, headers, body = s.ask("POST", "simpleenroll", csr(where, challenge, san), PKCS10)
    assert status == 200 and headers["Content-Type"].startswith("application/pkcs7-mime"), body
    cert = certificate(body, where)
    text = openssl("x509", "-in", cert, "-noout", "-text").decode()
    assert san in text and "Digital Signature" in text and "TLS Web Client Authentication" in text and "CA:FALSE" in text
    openssl("verify", "-CAfile", lab.where / "ca.crt", "-purpose", "sslclient", cert)
    mine = [c for c in lab.listing("mef", "certificate", "certificates") if c["name"] == san]
    assert len(mine) == 1 and mine[0]["credential"] == d.kpm_id
    assert "certificate-issued" in lab.ctl("mef", "audit", "tail").stdout
    # renewed with it, by curl for what needs no session of its own
    curl = ["curl", "-sS", "--tls-max", "1.2", "--cacert", lab.where / "ca.crt", "--cert", cert, "--key", where / "a.key",
            "--connect-to", "::%s:%d" % lab.address("mef"), "-o", "-", "-w", "\n%{http_code}"]
    at = f"https://{ks.MEF}{EST}"
    out = subprocess.run([*map(str, curl), f"{at}/cacerts"], capture_output=True, check=True)
    assert out.stdout.endswith(b"\n200")
    out = subprocess.run([*map(str, curl), "-H", "Content-Type: application/pkcs10", "--data-binary",
                          csr(where, challenge, san), f"{at}/simplereenroll"], capture_output=True, check=True)
    body, status = out.stdout.decode().rsplit("\n", 1)
    assert status == "403" and reason(body) == "csr-challenge"  # another session
    with_cert = {"address": lab.address("mef"), "cert": (cert, where / "a.key"), "trust": lab.where / "ca.crt"}
    s = Session(**with_cert)
    challenge, san = s.attributes()
    status, _, body = s.ask("POST", "simplereenroll", csr(where, challenge, san), PKCS10)
    assert status == 200, body
    renewed = certificate(body, where, "b")
    assert renewed.read_bytes() != cert.read_bytes()
    status, _, body = s.ask("POST", "simplereenroll", csr(where, challenge, san), PKCS10)
    assert status == 403 and reason(body) == "certificate-not-latest"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Session(**with_cert).attributes()  # 7.0.3: an older one is no longer good
    # no renewal after the bootstrap credential is revoked
    with_cert["cert"] = (renewed, where / "a.key")
    s = Session(**with_cert)
    challenge, san = s.attributes()
    lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
    try:
        status, _, body = s.ask("POST", "simplereenroll", csr(where, challenge, san), PKCS10)
        assert status == 403 and reason(body) == "credential-revoked"
    except (http.client.HTTPException, OSError):
        pass  # the association has ended with the credential already
    mine = [c for c in lab.listing("mef", "certificate", "certificates") if c["name"] == san]
    assert len(mine) == 2, "no third certificate"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Session(**with_cert).attributes()


def test_refusals(psk):
    lab, d, st, where = psk
    s = Session(st.port)
    challenge, san = s.attributes()
    good = csr(where, challenge, san)
    broken = bytearray(base64.b64decode(good))
    broken[-3] ^= 1
    other = f"URI:m2m://{ks.SP}/Ssomebodyelse"
    rows = [
        (csr(where, challenge, other), 403, "csr-identity"),
        (csr(where, challenge, f"{san},DNS:{ks.MEF}"), 403, "csr-identity"),
        (csr(where, None, san), 403, "csr-challenge"),
        (csr(where, "A" * 32, san), 403, "csr-challenge"),
        (csr(where, challenge, san, curve="secp384r1", name="p384"), 403, "certificate-profile"),
        (csr(where, challenge, san, digest="sha512"), 403, "certificate-profile"),
        (base64.b64encode(broken).decode(), 403, "certificate-proof"),
        ("garbage!", 400, "base64-malformed"),
        ("", 400, "base64-malformed"),
        (base64.b64encode(b"no request at all").decode(), 400, "malformed"),
        (base64.b64encode(b"\x30" * 6000).decode(), 400, "too-large"),
    ]
    for body, status, why in rows:
        got = s.ask("POST", "simpleenroll", body, PKCS10)
        assert (got[0], reason(got[2])) == (status, why), (why, got)
    for what, body, headers, status, why in [
            ("simpleenroll", good, {"Content-Type": "application/json"}, 400, "json-malformed"),
            ("simpleenroll", "{}", {"Content-Type": "application/json"}, 415, "media-type"),
            ("simpleenroll", good, {"Content-Type": "text/plain"}, 415, "media-type"),
            ("simpleenroll", good, {**PKCS10, "Authorization": "Basic bWFkZTp1cA=="}, 501, "not-implemented"),
            ("simplereenroll", good, PKCS10, 403, "certificate-missing"),
            ("serverkeygen", good, PKCS10, 501, "not-implemented"),
            ("fullcmc", good, {"Content-Type": "application/pkcs7-mime; smime-type=CMC-request"}, 501, "not-implemented")]:
        got = s.ask("POST", what, body, headers)
        assert (got[0], reason(got[2])) == (status, why), (what, got)
    assert s.ask("GET", "simpleenroll")[0] == 405
    assert s.ask("POST", "simpleenroll", good, PKCS10)[0] == 200  # none of it spent the session
    assert reason(s.ask("POST", "simpleenroll", good, PKCS10)[2]) == "wrong-state"


def test_oversized(lab, tmp_path):
    d = lab.device("est-big")
    with ks.Stunnel.client(tmp_path, d.kpm_id, d.psk, lab.address("mef")) as st:
        s = Session(st.port)
        try:
            got = s.ask("POST", "simpleenroll", "A" * (8 << 20), PKCS10)
            assert got[0] == 400
        except (ConnectionError, http.client.HTTPException):
            pass  # refused and closed before all of it was sent
        assert Session(st.port).attributes()[1] == san_of(d)


def test_expired_instruction(lab, tmp_path):
    d = lab.device("est-short", lifetime="4s")
    with ks.Stunnel.client(tmp_path, d.kpm_id, d.psk, lab.address("mef")) as st:
        s = Session(st.port)
        challenge, san = s.attributes()
        time.sleep(4.5)
        try:
            status, _, body = s.ask("POST", "simpleenroll", csr(tmp_path, challenge, san), PKCS10)
            assert (status, reason(body)) == (403, "association-required")  # it ends with its credential, and is looked at first
        except (ConnectionError, http.client.HTTPException):
            pass  # the association may end by itself before the request is there
    assert d.enrolee_id not in lab.ctl("mef", "certificate", "list").stdout


def test_device_provisions_and_renews(lab, tmp_path):
    d = lab.device("est-cli")
    cli = Cli(lab, tmp_path / "state", d)
    cli.no(2, "no-device-state", "certificate")
    cli.ok("enrol", *cli.enrol_args())
    cli.no(1, "wrong-state", "renew")
    cli.no(1, "csr-identity", "certificate", "--identity", f"//{ks.SP}/Ssomebodyelse")
    got = cli.ok("certificate", "--identity", f"//{ks.SP}/{d.stem}")
    assert got["result"] == "issued" and got["identity"] == f"m2m://{ks.SP}/{d.stem}"
    assert (tmp_path / "state/est.key").stat().st_mode & 0o777 == 0o600
    openssl("verify", "-CAfile", got["trust"], got["certificate"])
    first = (tmp_path / "state/est.crt").read_bytes()
    assert cli.ok("renew", "--if-due")["result"] == "not-due"
    assert (tmp_path / "state/est.crt").read_bytes() == first
    again = cli.ok("renew")
    assert again["result"] == "renewed" and again["serial"] != got["serial"]
    openssl("verify", "-CAfile", got["trust"], got["certificate"])
    (tmp_path / "state/est.crt").write_bytes(first)  # an older one is refused by the MEF
    cli.no(1, ("certificate-name", "certificate-not-latest", "peer-refused"), "renew")
    assert cli.ok("certificate")["result"] == "issued"  # the bootstrap credential still gets one
    lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
    cli.no(1, ("psk-identity-unknown", "credential-revoked"), "certificate")


def test_the_new_certificate_is_used(lab, tmp_path):
    """7.6.1: what the MEF provisioned authenticates the AE to the CSE [TS-0003 8.2.2.2]."""
    d = lab.device("est-used")
    cli = Cli(lab, tmp_path / "state", d)
    cli.ok("enrol", *cli.enrol_args())
    got = cli.ok("certificate")
    lab.ctl_json("cse", "credential", "add", "--kind", "cert", "--id", d.enrolee_id, "--enrolee-id", d.enrolee_id)
    cli.ok("associate", *cli.associate_args(**{"--certificate": got["certificate"], "--private-key": got["key"], "--trust": got["trust"]}))
    assert cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"] == d.stem


def test_renews_when_due(new_lab, tmp_path):
    lab = new_lab
    lab.set("mef", "mef", "est-lifetime", "6s")
    lab.start("mef")
    d = lab.device("est-due")
    cli = Cli(lab, tmp_path / "state", d)
    cli.ok("enrol", *cli.enrol_args())
    first = cli.ok("certificate")
    assert cli.ok("renew", "--if-due")["result"] == "not-due"  # its life begins now, whatever it says
    got = ks.wait_for(lambda: (g := cli.ok("renew", "--if-due"))["result"] == "renewed" and g, 10, "two thirds of its life")
    assert got["serial"] != first["serial"]


def test_off(new_lab, tmp_path):
    lab = new_lab
    lab.set("mef", "mef", "est", "off")
    lab.start("mef")
    d = lab.device("est-off")
    with ks.Stunnel.client(tmp_path, d.kpm_id, d.psk, lab.address("mef")) as st:
        for what in ("cacerts", "csrattrs"):
            assert Session(st.port).ask("GET", what)[0] == 404


def test_configuration(new_lab):
    lab = new_lab
    assert ks.run("check", "-c", lab.conf("mef")).returncode == 0
    lab.set("mef", "mef", "issuing-ca-key", "mef.key")
    p = ks.run("check", "-c", lab.conf("mef"))
    assert p.returncode == 2 and "issuing-ca" in p.stdout + p.stderr
    lab.set("mef", "mef", "issuing-ca-key", "")
    assert ks.run("check", "-c", lab.conf("mef")).returncode == 2
