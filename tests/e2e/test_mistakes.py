"""Mistakes of a new operator: each is told in a sentence that says what to do."""
import subprocess

import keystead as ks


def test_mistakes_with_certificate_files(new_lab):
    """What a new operator does wrong, each told in a sentence that says what to do."""
    lab = new_lab
    w = lab.where

    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)
    openssl("x509", "-in", w / "mef.crt", "-outform", "DER", "-out", w / "mef.der")
    openssl("ec", "-in", w / "mef.key", "-outform", "DER", "-out", w / "key.der")
    openssl("crl", "-in", w / "ca.crl", "-outform", "DER", "-out", w / "crl.der")
    openssl("ec", "-in", w / "mef.key", "-aes128", "-passout", "pass:made-up", "-out", w / "locked.key")
    for key in ("key.der", "locked.key"):
        (w / key).chmod(0o600)
    (w / "empty.pem").touch()
    assert ks.run("pki", "ca", "--cert", w / "x.crt", "--key", w / "x.key", "--permit-dns", "x.test").returncode == 0
    assert ks.run("pki", "crl", "--crl", w / "x.crl", "--ca-cert", w / "x.crt", "--ca-key", w / "x.key").returncode == 0
    good = lab.conf("mef").read_text()
    for key, value, said in [("certificate", "mef.der", "this is DER"), ("key", "key.der", "this is DER"),
                             ("trust", "mef.der", "this is DER"), ("crl", "crl.der", "this is DER"),
                             ("key", "locked.key", "openssl pkey"), ("key", "maf.key", "pki key-id"),
                             ("certificate", "ca.crl", "it holds a revocation list"), ("crl", "ca.crt", "it holds a certificate"),
                             ("certificate", "empty.pem", "it is empty"), ("crl", "x.crl", "name the list of the CA in `trust`"),
                             ("certificate", "nothing.crt", "No such file")]:
        lab.conf("mef").write_text(good)
        lab.set("mef", "listener main", key, value)
        p = ks.run("check", "-c", lab.conf("mef"))
        assert p.returncode == 2 and said in p.stderr, (key, value, p.stderr)
    lab.conf("mef").write_text(good)
    assert ks.run("check", "-c", lab.conf("mef")).returncode == 0
    for file, said in [("mef.der", "this is DER"), ("mef.key", "it holds a private key"), ("nothing", "No such file")]:
        p = ks.run("pki", "show", w / file)
        assert p.returncode != 0 and said in p.stderr, p.stderr
    p = ks.run("check", "-c", w / "nothing.conf")
    assert p.returncode == 2 and "No such file" in p.stderr, p.stderr


def test_a_directory_without_a_device(tmp_path):
    """A wrong --state is told once, also by what runs for ever and tries again what a server refuses."""
    (tmp_path / "empty").mkdir()
    for where in ("nowhere", "empty"):
        for command in ("keep", "status", "renew", "certificate", "commands"):
            p = ks.run("device", command, "--state", tmp_path / where, timeout=20)
            assert p.returncode == 2 and p.stderr.count("no-device-state") == 1, (where, command, p.stdout, p.stderr[:2000])
            assert str(tmp_path / where) in p.stderr and "--state" in p.stderr
