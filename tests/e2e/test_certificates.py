"""Certificates at running servers: a revoked one is refused after a reload, by listeners and by who asks a peer; a list that
proves nothing changes nothing; check warns."""
import subprocess

import keystead as ks
import pytest


def pki(*args):
    p = ks.run("pki", *args)
    assert p.returncode == 0, p.stdout + p.stderr


def ca(lab):
    return "--ca-cert", lab.where / "ca.crt", "--ca-key", lab.where / "ca.key"


def revoke(lab, *what):
    args = [a for w in what for a in ("--revoke", w)]
    pki("crl", "--crl", lab.where / "ca.crl", *ca(lab), *args)


def handshake(lab, role, name):
    """What openssl s_client saw: the alert's text, or empty."""
    host, port = lab.address(role)
    cert = ["-cert", lab.where / f"{name}.crt", "-key", lab.where / f"{name}.key"]
    p = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-servername",
                        {"mef": ks.MEF, "maf": ks.MAF}.get(role, "localhost"), "-CAfile", lab.where / "ca.crt", *map(str, cert)],
                       input="", capture_output=True, text=True, timeout=30)
    said = p.stdout + p.stderr
    return next((line for line in said.splitlines() if "alert" in line), "")


def test_revoked_certificates_end_with_the_reload(new_lab):
    lab = new_lab
    for name in ("one", "two"):
        pki("issue", "--flavour", "fqdn", "--id", f"{name}.{ks.SP}", *ca(lab), "--cert", lab.where / f"{name}.crt", "--key",
            lab.where / f"{name}.key")
    lab.start("maf")
    assert handshake(lab, "maf", "one") == handshake(lab, "maf", "two") == ""
    revoke(lab, lab.where / "one.crt")
    assert handshake(lab, "maf", "one") == "", "what was loaded counts until the reload"
    assert lab.ctl("maf", "reload").returncode == 0
    assert "certificate revoked" in handshake(lab, "maf", "one") and handshake(lab, "maf", "two") == ""
    assert "certificate-revoked" in lab.servers["maf"].log()
    # a list of somebody else: the reload is refused, the old list still counts
    good = (lab.where / "ca.crl").read_bytes()
    pki("ca", "--cert", lab.where / "x.crt", "--key", lab.where / "x.key", "--permit-dns", "x.test")
    (lab.where / "ca.crl").unlink()
    pki("crl", "--crl", lab.where / "ca.crl", "--ca-cert", lab.where / "x.crt", "--ca-key", lab.where / "x.key")
    assert "not signed by an anchor" in ks.run("check", "-c", lab.conf("maf")).stderr
    assert lab.ctl("maf", "reload").returncode != 0
    assert "certificate revoked" in handshake(lab, "maf", "one") and handshake(lab, "maf", "two") == ""
    (lab.where / "ca.crl").write_bytes(good)


def test_a_mef_whose_certificate_is_revoked_is_not_asked(new_lab):
    # R001-52 and TS-0003 8.1.2.2: an infrastructure entity checks the certificate of a MEF on every new connection
    lab = new_lab
    revoke(lab, lab.where / "mef.crt")
    lab.start("mef", "maf")
    device = lab.device("unasked")
    lab.enrol(device)
    with pytest.raises(ks.tlspsk.Alert):
        lab.maf_register(device)
    assert "certificate-revoked" in lab.logs()


@pytest.mark.parametrize("role,fqdn", [("mef", ks.MEF), ("maf", ks.MAF), ("cse", f"in.{ks.SP}")])
def test_check_warns_of_another_name(new_lab, role, fqdn):
    """A certificate that is right but for the name: clients by certificate would refuse it, so check says it first."""
    lab = new_lab
    conf = lab.conf(role)
    pki("issue", "--flavour", "fqdn", "--id", f"other.{ks.SP}", *ca(lab), "--cert", lab.where / "other.crt", "--key", lab.where / "other.key")
    conf.write_text(conf.read_text().replace(f"certificate = {role}.crt", "certificate = other.crt").replace(f"key = {role}.key", "key = other.key"))
    p = ks.run("check", "-c", conf)
    assert p.returncode == 0 and f"[listener main] certificate: it does not name {fqdn}" in p.stderr, p.stderr


def test_check_warns(new_lab):
    lab = new_lab
    assert ks.run("check", "-c", lab.conf("maf")).stderr == ""
    (lab.where / "ca.crl").unlink()
    pki("crl", "--crl", lab.where / "ca.crl", *ca(lab), "--days", "3")
    p = ks.run("check", "-c", lab.conf("maf"))
    assert p.returncode == 0 and "ends within seven days" in p.stderr and p.stdout == "ok\n"
    lab.conf("maf").write_text(lab.conf("maf").read_text().replace("crl = ca.crl", "#crl ="))
    p = ks.run("check", "-c", lab.conf("maf"), "--json")
    assert "must be checked for revocation" in p.stdout
