"""A device with a certificate against the real servers: enrolment, association and MAF client by certificate, each
flavour that the command line can make, and who is refused for what."""
import contextlib
import json
import os
import socket
import stat
import threading

import pytest

import keystead as ks
from test_device import Cli

OID = "0.2.481.1.100.3030.10011"
AE = f"//{ks.SP}/Scert"


def issue(where, name, flavour, identity, ca=None):
    ca = ca or where / "ca"
    p = ks.run("pki", "issue", "--flavour", flavour, "--id", identity, "--ca-cert", f"{ca}.crt", "--ca-key", f"{ca}.key",
               "--cert", where / f"{name}.crt", "--key", where / f"{name}.key")
    assert p.returncode == 0, p.stderr
    return files(where, name)


def files(where, name, key=None, trust=None):
    return ["--certificate", where / f"{name}.crt", "--private-key", where / f"{key or name}.key",
            "--trust", trust or where / "ca.crt"]


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "c") as lab:
        where = lab.where
        issue(where, "ae", "ae-id", AE)
        issue(where, "ae2", "ae-id", f"//{ks.SP}/Sother")
        issue(where, "oid", "device", OID)
        issue(where, "node", "node-id", f"node17.{ks.SP}")
        p = ks.run("pki", "ca", "--cert", where / "strange.crt", "--key", where / "strange.key", "--permit-dns", ks.SP,
                   "--permit-uri-host", ks.SP)
        assert p.returncode == 0, p.stderr
        issue(where, "forged", "ae-id", AE, ca=where / "strange")
        p = ks.run("pki", "ca", "--cert", where / "sub.crt", "--key", where / "sub.key", "--permit-dns", ks.SP, "--permit-uri-host",
                   ks.SP, "--path-length", "0", "--ca-cert", where / "ca.crt", "--ca-key", where / "ca.key")
        assert p.returncode == 0, p.stderr
        # without revocation lists: that of the CA between would need that CA among the anchors
        lab.conf("mef").write_text(lab.conf("mef").read_text().replace("\ncrl = ", "\n#crl = "))
        # a second name for each server that its certificate does not have
        lab.set("mef", "listener main", "aliases", f"localhost, mef2.{ks.SP}")
        lab.set("cse", "listener main", "aliases", f"localhost, in.{ks.SP}, in2.{ks.SP}")
        lab.start()
        lab.ctl_json("mef", "credential", "add", "--kind", "cert", "--id", AE, "--flavour", "ae-id", "--target", ks.MAF)
        lab.ctl_json("maf", "client", "allow", "--client", AE)
        yield lab


@pytest.fixture
def device(certified, tmp_path):
    cli = Cli(certified, tmp_path / "device")
    cli.enrolment = ["--mef", cli.at("mef"), "--mef-id", ks.MEF, "--target", ks.MAF, "--maf", cli.at("maf")]
    cli.association = ["--cse", cli.at("cse"), "--cse-id", ks.CSE_ID]
    return cli


def test_the_whole_way(certified, device):
    """R000-24, R001-13, R001-14, R001-93, R001-105, R001-106, R001-107, R001-108, R001-147: enrolled by certificate, then as
    with a pre-shared key."""
    got = device.ok("enrol", *device.enrolment, *files(certified.where, "ae"))
    assert got["ke_id"].endswith("@" + ks.MEF)
    assert [e["enrolee-id"] for e in certified.enrolments() if e["credential"] == "33-" + AE] == [AE]
    got = device.ok("associate", *device.association)
    assert got["framework"] == "maf" and got["key_id"].endswith("@" + ks.MAF)
    assert device.ok("register", "--app-id", "Nmade-up", "--from", "Scert")["ae_id"] == "Scert"
    assert device.ok("request", "retrieve", "/Scert")["rsc"] == 2000
    # the state holds the names of the files, and no key of the certificate (R001-12)
    status = device.ok("status")
    assert status["mef_certificate"] == str(certified.where / "ae.crt")
    record = (device.state / "state").read_bytes()
    der = (certified.where / "ae.key").read_text().splitlines()[1:-1]
    assert not any(line.encode() in record for line in der if len(line) > 20)


def test_association_by_certificate(certified, device):
    """R000-43, R000-62, R000-63, R000-64: no MAF and no MEF; the CSE binds what the certificate says."""
    got = device.ok("associate", *device.association, *files(certified.where, "ae2"))
    assert got["framework"] == "cert"
    assert device.ok("register", "--app-id", "Nmade-up", "--from", "Sother")["ae_id"] == "Sother"
    assert device.ok("request", "retrieve", "/Sother")["rsc"] == 2000
    device.no(1, "from-not-associated", "request", "retrieve", "/Sother", "--from", "Sstranger")


def test_a_device_and_its_aes(certified, device):
    certified.ctl_json("cse", "credential", "add", "--kind", "cert", "--id", OID, "--enrolee-id", f"//{ks.SP}/S1,//{ks.SP}/S2")
    device.ok("associate", *device.association, *files(certified.where, "oid"))
    assert device.ok("register", "--app-id", "Nmade-up", "--from", "S2")["ae_id"] == "S2"
    assert device.ok("register", "--app-id", "Nmade-up")["ae_id"] == "S1"
    device.no(1, "from-not-associated", "register", "--app-id", "Nmade-up", "--from", "S3")
    certified.ctl_json("cse", "credential", "revoke", OID)
    device.no(1, ("certificate-not-instructed", "credential-revoked"), "associate", *device.association)


def test_client_of_the_maf(certified, device):
    """MAF Handshake by certificate: Kc without enrolment."""
    maf = ["--maf", device.at("maf"), "--maf-id", ks.MAF]
    args = [*device.association, *files(certified.where, "node"), *maf]
    device.no(1, "client-not-allowed", "associate", *args)
    certified.ctl_json("maf", "client", "allow", "--client", f"node17.{ks.SP}", "--target", ks.CSE_ID)
    assert device.ok("associate", *args)["framework"] == "maf"
    assert device.ok("register", "--app-id", "Nmade-up")["ae_id"]
    device.no(2, "usage", "associate", *device.association, *maf)


def test_not_instructed(certified, device):
    """A good certificate that no instruction names: refuses R001-31, R001-100, R001-101, R001-102."""
    for name in ("ae2", "oid"):
        device.no(1, "certificate-not-instructed", "enrol", *device.enrolment, *files(certified.where, name))
    assert "code=certificate-not-instructed" in certified.logs()


def test_certificate_of_nobody_we_know(certified, device):
    """An unknown CA, at the MEF and at the CSE: refuses R000-25, R001-15, R001-32, R001-106, R001-148, R000-43, R000-63."""
    where = certified.where
    device.no(1, "certificate-untrusted", "enrol", *device.enrolment, *files(where, "forged"))
    device.no(1, "certificate-untrusted", "associate", *device.association, *files(where, "forged"))


def test_anchors_of_the_device(certified, device):
    """The MEF's certificate leads to none of them: refuses R001-30, R001-98."""
    where = certified.where
    device.no(1, "certificate-untrusted", "enrol", *device.enrolment, *files(where, "ae", trust=where / "strange.crt"))
    device.no(1, "certificate-untrusted", "associate", *device.association, *files(where, "ae", trust=where / "strange.crt"))


def test_name_of_the_server(certified, device):
    """It must be the MEF and the registrar that were configured: refuses R001-29, R002-78."""
    where = certified.where
    other = [*device.enrolment]
    other[other.index(ks.MEF)] = f"mef2.{ks.SP}"
    device.no(1, "certificate-name", "enrol", *other, *files(where, "ae"))
    other = ["--cse", device.at("cse"), "--cse-id", f"//{ks.SP}/in2"]
    device.no(1, "certificate-name", "associate", *other, *files(where, "ae"))


def test_chain(certified, device):
    """A CA between: its certificate comes along (R000-63, R001-14, R001-146); without it: refuses R001-148, R001-14."""
    where = certified.where
    issue(where, "chained", "ae-id", f"//{ks.SP}/Schained", ca=where / "sub")
    certified.ctl_json("mef", "credential", "add", "--kind", "cert", "--id", f"//{ks.SP}/Schained", "--target", ks.MAF)
    whole = (where / "chained.crt").read_text()
    mark = "-----END CERTIFICATE-----\n"
    assert whole.count(mark) >= 2
    device.ok("enrol", *device.enrolment, *files(where, "chained"))
    (where / "alone.crt").write_text(whole.split(mark)[0] + mark)
    device.no(1, "certificate-untrusted", "enrol", *device.enrolment, *files(where, "alone", key="chained"))


def test_files(certified, device, tmp_path):
    """What is wrong with the files is said when they are named: refuses R000-24, R000-64, R001-13, R001-14."""
    where = certified.where
    device.no(1, "certificate-proof", "enrol", *device.enrolment, *files(where, "ae", key="ae2"))
    device.no(2, "usage", "enrol", *device.enrolment, "--certificate", where / "ae.crt", "--trust", where / "ca.crt")
    device.no(2, "usage", "enrol", *device.enrolment, *files(where, "ae"), "--key-file", certified.key_file("x", b"\x11" * 16))
    loose = tmp_path / "loose.key"
    loose.write_bytes((where / "ae.key").read_bytes())
    os.chmod(loose, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP)
    bad = files(where, "ae")
    bad[3] = loose
    p = device.run("enrol", *device.enrolment, *bad)
    assert p.returncode != 0 and json.loads(p.stdout)["error"] == "file-mode", p.stdout
    bad[3] = tmp_path / "nothing"
    p = device.run("enrol", *device.enrolment, *bad)
    assert p.returncode != 0 and "nothing" in p.stdout


def test_revoked(certified, device):
    """The instruction is taken back: nobody enrols, and the target fetches no more."""
    identity = f"//{ks.SP}/Sbrief"
    issue(certified.where, "brief", "ae-id", identity)
    certified.ctl_json("mef", "credential", "add", "--kind", "cert", "--id", identity, "--target", ks.MAF)
    ke_id = device.ok("enrol", *device.enrolment, *files(certified.where, "brief"))["ke_id"]
    certified.ctl_json("mef", "credential", "revoke", identity)
    device.no(1, ("certificate-not-instructed", "credential-revoked"), "enrol", *device.enrolment)
    assert certified.fetch(ke_id).status >= 400


def meddle(lab, role):
    """A host between the two that changes the signature in the ServerKeyExchange; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def forward(src, dst, change):
        buf = b""
        with contextlib.suppress(OSError):
            while data := src.recv(65536):
                buf += data
                while change and len(buf) >= 5 and len(buf) >= 5 + int.from_bytes(buf[3:5], "big"):
                    n = 5 + int.from_bytes(buf[3:5], "big")
                    record, buf = bytearray(buf[:n]), buf[n:]
                    at = 5
                    while record[0] == 22 and at + 4 <= n:
                        end = at + 4 + int.from_bytes(record[at + 1:at + 4], "big")
                        if record[at] == 12 and end <= n:
                            record[end - 1] ^= 1
                        at = end
                    dst.sendall(record)
                if not change:
                    dst.sendall(buf)
                    buf = b""
        with contextlib.suppress(OSError):
            dst.shutdown(socket.SHUT_WR)

    def serve():
        while True:
            try:
                a, _ = listener.accept()
            except OSError:
                return
            b = socket.create_connection(lab.address(role))
            threading.Thread(target=forward, args=(a, b, False), daemon=True).start()
            threading.Thread(target=forward, args=(b, a, True), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listener


def test_signature_of_the_mef(certified, device):
    """The certificate is the MEF's, the signature is not that of its key: refuses R001-16, R001-93, R001-107."""
    with meddle(certified, "mef") as listener:
        args = [*device.enrolment]
        args[1] = "127.0.0.1:{}".format(listener.getsockname()[1])
        device.no(1, "certificate-proof", "enrol", *args, *files(certified.where, "ae"))
    device.ok("enrol", *device.enrolment, *files(certified.where, "ae"))
