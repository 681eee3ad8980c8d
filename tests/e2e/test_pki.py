"""keystead pki: what it makes openssl verifies and reads; what it must not make or take it refuses, with a reason."""
import json
import os
import stat
import subprocess

import pytest

BIN = os.environ["KEYSTEAD_BIN"]
SP = "sp.test"
FLAVOURS = [("device", "0.2.481.1.100.3030.10011", "device"), ("cse-id", "//sp.test/in", "dns"),
            ("ae-id", "//sp.test/Sae", "uri"), ("node-id", "n1.sp.test", "dns"), ("fqdn", "mef.sp.test", "dns")]
NAME = {"device": "0.2.481.1.100.3030.10011", "cse-id": "in.sp.test", "ae-id": "m2m://sp.test/Sae",
        "node-id": "n1.sp.test", "fqdn": "mef.sp.test"}


def run(*args):
    return subprocess.run([BIN, "pki", *map(str, args), "--json"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)


def good(*args):
    p = run(*args)
    assert p.returncode == 0, p.stdout + p.stderr
    return json.loads(p.stdout)


def refused(code, reason, *args):
    p = run(*args)
    assert p.returncode == code, p.stdout + p.stderr
    assert json.loads(p.stdout)["error"] == reason
    return json.loads(p.stdout)


def openssl(*args, ok=True):
    p = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, timeout=60)
    assert (p.returncode == 0) == ok, p.stdout + p.stderr
    return p.stdout + p.stderr


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    d = tmp_path_factory.mktemp("pki")
    good("ca", "--cert", d / "ca.crt", "--key", d / "ca.key", "--permit-dns", SP, "--permit-uri-host", f"{SP},.{SP}",
         "--path-length", "1")
    good("ca", "--cert", d / "sub.crt", "--key", d / "sub.key", "--permit-dns", SP, "--permit-uri-host", SP, "--name",
         "made-up department", "--ca-cert", d / "ca.crt", "--ca-key", d / "ca.key", "--path-length", "0")
    return d


def signer(d, name="ca"):
    return "--ca-cert", d / f"{name}.crt", "--ca-key", d / f"{name}.key"


@pytest.mark.parametrize("by", ["ca", "sub"])
@pytest.mark.parametrize("flavour,who,kind", FLAVOURS)
def test_each_flavour_by_each_ca(ca, tmp_path, by, flavour, who, kind):
    cert, key = tmp_path / "x.crt", tmp_path / "x.key"
    out = good("issue", "--flavour", flavour, "--id", who, *signer(ca, by), "--cert", cert, "--key", key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert cert.read_text().count("BEGIN CERTIFICATE") == (2 if by == "sub" else 1), "with its chain, without the anchor"
    assert ": OK" in openssl("verify", "-x509_strict", "-CAfile", ca / "ca.crt", "-untrusted", cert, cert)
    shown = good("show", cert)
    assert shown[kind] == NAME[flavour] and shown["verdict"] == "ok"
    assert shown["key_id"] == "ni:///" + out["key_id"] == good("key-id", key)["key_id"]
    text = openssl("x509", "-in", cert, "-noout", "-text")
    assert "NIST CURVE: P-256" in text and "ecdsa-with-SHA256" in text and "Digital Signature" in text
    assert "*" not in shown[kind] and "CA:FALSE" in text


def test_public_key_identifier_is_the_digest_of_the_key(ca, tmp_path):
    key = tmp_path / "raw.key"
    good("issue", "--flavour", "raw", "--cert", tmp_path / "raw.crt", "--key", key)
    openssl("pkey", "-in", key, "-pubout", "-outform", "DER", "-out", tmp_path / "spki")
    import base64
    import hashlib
    digest = hashlib.sha256((tmp_path / "spki").read_bytes()).digest()
    for bits, octets, name in ((256, 32, "sha-256"), (128, 16, "sha-256-128"), (120, 15, "sha-256-120")):
        value = base64.urlsafe_b64encode(digest[:octets]).decode().rstrip("=")
        for file in (key, tmp_path / "raw.crt"):
            out = good("key-id", file, "--bits", bits)
            assert out == {"key_id": f"ni:///{name};{value}", "credential_id": f"30-{name}.{value}"}
    assert good("show", tmp_path / "raw.crt")["flavour"] == "raw"
    refused(2, "usage", "key-id", key, "--bits", "64")


@pytest.mark.parametrize("flavour,who,kind", FLAVOURS)
def test_a_request_becomes_a_certificate_with_its_name_only(ca, tmp_path, flavour, who, kind):
    key, csr, cert = tmp_path / "k", tmp_path / "r", tmp_path / "c"
    good("csr", "--flavour", flavour, "--id", who, "--key", key, "--csr", csr)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "verify OK" in openssl("req", "-in", csr, "-noout", "-verify")
    assert good("show", csr)[kind] == NAME[flavour]
    refused(1, "certificate-name", "sign", *signer(ca), "--csr", csr, "--cert", cert, "--flavour", "fqdn", "--id",
            "other.sp.test")
    assert not cert.exists()
    good("sign", *signer(ca), "--csr", csr, "--cert", cert, "--flavour", flavour, "--id", who)
    assert ": OK" in openssl("verify", "-CAfile", ca / "ca.crt", cert)
    assert good("show", cert)["key_id"] == good("show", csr)["key_id"]
    good("csr", "--flavour", flavour, "--id", who, "--key", key, "--csr", tmp_path / "again")  # renewal, same key
    assert good("show", tmp_path / "again")["key_id"] == good("show", csr)["key_id"]


def foreign_request(tmp_path, san, *, newkey=("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"), more=()):
    csr = tmp_path / "foreign.csr"
    openssl("req", "-new", *newkey, "-nodes", "-keyout", tmp_path / "foreign.key", "-subj", "/CN=evil.other.test", *more,
            *(["-addext", f"subjectAltName={san}"] if san else []), "-out", csr)
    return csr


@pytest.mark.parametrize("san,reason", [
    (None, "certificate-name"), ("DNS:*.sp.test", "certificate-name"), ("DNS:a.other.test", "certificate-name"),
    ("DNS:a.sp.test,DNS:b.sp.test", "certificate-name"), ("URI:m2m://other.test/S1", "certificate-name"),
    ("IP:192.0.2.1", "certificate-name"), ("email:a@sp.test", "certificate-name")])
def test_requests_for_other_names_are_refused(ca, tmp_path, san, reason):
    refused(1, reason, "sign", *signer(ca), "--csr", foreign_request(tmp_path, san), "--cert", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_request_asks_for_a_name_and_gets_nothing_else(ca, tmp_path):
    csr = foreign_request(tmp_path, "DNS:a.sp.test", more=("-addext", "basicConstraints=critical,CA:TRUE", "-addext",
                                                           "keyUsage=keyCertSign"))
    good("sign", *signer(ca), "--csr", csr, "--cert", tmp_path / "c")
    text = openssl("x509", "-in", tmp_path / "c", "-noout", "-text")
    assert "CA:FALSE" in text and "Certificate Sign" not in text and "evil" not in text


@pytest.mark.parametrize("newkey", [("-newkey", "rsa:2048"), ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384")])
def test_requests_with_other_keys_are_refused(ca, tmp_path, newkey):
    csr = foreign_request(tmp_path, "DNS:a.sp.test", newkey=newkey)
    refused(1, "certificate-profile", "sign", *signer(ca), "--csr", csr, "--cert", tmp_path / "c")


def test_a_request_without_its_key_is_refused(ca, tmp_path):
    import base64
    csr = foreign_request(tmp_path, "DNS:a.sp.test")
    openssl("req", "-in", csr, "-outform", "DER", "-out", tmp_path / "der")
    der = bytearray((tmp_path / "der").read_bytes())
    der[-1] ^= 1
    csr.write_text("-----BEGIN CERTIFICATE REQUEST-----\n" + base64.encodebytes(bytes(der)).decode() +
                   "-----END CERTIFICATE REQUEST-----\n")
    refused(1, "certificate-proof", "sign", *signer(ca), "--csr", csr, "--cert", tmp_path / "c")


def test_what_a_ca_may_not_do_it_does_not(ca, tmp_path):
    files = ("--cert", tmp_path / "c", "--key", tmp_path / "k")
    refused(1, "certificate-name", "issue", "--flavour", "fqdn", "--id", "mef.other.test", *signer(ca), *files)
    refused(2, "identifier-malformed", "issue", "--flavour", "fqdn", "--id", "*.sp.test", *signer(ca), *files)
    refused(2, "identifier-malformed", "issue", "--flavour", "device", "--id", "1.2.3", *signer(ca), *files)
    refused(2, "identifier-malformed", "issue", "--flavour", "ae-id", "--id", "Sae", *signer(ca), *files)
    refused(1, "certificate-chain", "ca", *signer(ca, "sub"), *files, "--permit-dns", SP)  # path length 0
    refused(2, "usage", "ca", *files)  # neither limits nor the word that there are none
    refused(2, "usage", "issue", "--flavour", "raw", "--id", "x", *files)
    refused(2, "config", "issue", "--flavour", "fqdn", "--id", "a.sp.test", "--ca-cert", ca / "ca.crt", "--ca-key",
            ca / "sub.key", *files)
    leaf = tmp_path / "l.crt", tmp_path / "l.key"
    good("issue", "--flavour", "fqdn", "--id", "a.sp.test", *signer(ca), "--cert", leaf[0], "--key", leaf[1])
    refused(2, "config", "issue", "--flavour", "fqdn", "--id", "b.sp.test", "--ca-cert", leaf[0], "--ca-key", leaf[1], *files)
    refused(1, "name-conflict", "issue", "--flavour", "fqdn", "--id", "a.sp.test", *signer(ca), "--cert", leaf[0], "--key",
            tmp_path / "fresh.key")
    assert not (tmp_path / "fresh.key").exists() and not (tmp_path / "c").exists()


def test_revocation(ca, tmp_path):
    files = {n: (tmp_path / f"{n}.crt", tmp_path / f"{n}.key") for n in ("good", "bad", "worse")}
    for n, (cert, key) in files.items():
        good("issue", "--flavour", "fqdn", "--id", f"{n}.sp.test", *signer(ca), "--cert", cert, "--key", key)
    crl = tmp_path / "ca.crl"
    good("crl", "--crl", crl, *signer(ca))
    assert good("show", crl)["revoked"] == "0"
    serial = good("show", files["worse"][0])["serial"]
    good("crl", "--crl", crl, *signer(ca), "--revoke", files["bad"][0])
    good("crl", "--crl", crl, *signer(ca), "--revoke", serial)
    shown = good("show", crl)
    assert shown["revoked"] == "2" and serial in shown["serials"] and shown["number"] == "3"
    check = ("verify", "-crl_check", "-CAfile", ca / "ca.crt", "-CRLfile", crl)
    assert ": OK" in openssl(*check, files["good"][0])
    for n in ("bad", "worse"):
        assert "certificate revoked" in openssl(*check, files[n][0], ok=False)
    before = crl.read_bytes()
    other = tmp_path / "other.crt"
    good("issue", "--flavour", "fqdn", "--id", "o.sp.test", *signer(ca, "sub"), "--cert", other, "--key", tmp_path / "o.key")
    refused(1, "certificate-untrusted", "crl", "--crl", crl, *signer(ca), "--revoke", other)  # not of this CA
    refused(1, "certificate-untrusted", "crl", "--crl", crl, *signer(ca, "sub"))  # another CA's list
    assert crl.read_bytes() == before


def test_files_that_are_nothing(ca, tmp_path):
    nothing = tmp_path / "n"
    nothing.write_text("no PEM\n")
    refused(2, "malformed", "show", nothing)
    refused(2, "malformed", "key-id", nothing)
    refused(2, "malformed", "show", ca / "ca.key")  # a private key is never shown
    refused(4, "io", "show", tmp_path / "absent")
    os.chmod(ca / "sub.key", 0o640)
    refused(2, "file-mode", "issue", "--flavour", "fqdn", "--id", "a.sp.test", *signer(ca, "sub"), "--cert", tmp_path / "c",
            "--key", tmp_path / "k")
    os.chmod(ca / "sub.key", 0o600)


def test_show_says_what_is_wrong(ca, tmp_path):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "k", "-subj", "/CN=made-up", "-out",
            tmp_path / "c", "-days", "3")
    p = run("show", tmp_path / "c")
    assert p.returncode == 1 and json.loads(p.stdout)["verdict"] == "certificate-key"
    good("ca", "--cert", tmp_path / "open.crt", "--key", tmp_path / "open.key", "--unconstrained")
    assert "no name constraints" in good("show", tmp_path / "open.crt")["warning"]
