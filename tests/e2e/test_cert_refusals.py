"""Each refusal of a certificate [TS-0003 8.1.2.5] at real servers over TLS and DTLS, by a client that nobody here wrote: its own
alert, reason code, log line and event in the audit chain, and a good certificate that is let in beside it."""
import json
import re
import subprocess

import pytest

import badcerts
import coaps
import keystead as ks

AE = f"//{ks.SP}/Sgood"
SIGNS = "keyUsage = critical,digitalSignature"
NAMES = "permitted;DNS:" + ks.SP + ",permitted;URI:" + ks.SP
SUITE = {"tls": "ECDHE-ECDSA-AES128-SHA256", "dtls": "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"}

# name: alert, reason code
CASES = {
    "expired": (45, "certificate-expired"),                # refuses R001-15, R001-106
    "early": (45, "certificate-not-yet-valid"),            # refuses R001-15
    "revoked": (44, "certificate-revoked"),                # refuses R001-15
    "stranger": (48, "certificate-untrusted"),             # refuses R001-32, R001-148
    "no-chain": (48, "certificate-untrusted"),             # refuses R001-148, R001-14
    "wildcard": (42, "certificate-wildcard"),              # refuses R001-31
    "unconstrained": (42, "certificate-constraints"),      # refuses R001-15
    "outside": (42, "certificate-name"),                   # refuses R001-15
    "no-usage": (43, "certificate-key-usage"),             # refuses R001-15
    "agrees": (43, "certificate-key-usage"),
    "p384": (43, "certificate-key"),
    "compressed": (43, "certificate-key"),
    "sha384": (43, "certificate-profile"),
    "long": (42, "certificate-chain"),                     # refuses R001-15
    "large": (50, "certificate-too-large"),                # refuses R001-15
    "unknown-key": (42, "public-key-unknown"),             # refuses R001-15, R001-31
    "no-list": (46, "certificate-status"),                 # refuses R001-52
}
# with a good chain, and not who is expected
OTHERS = {
    "mef": (49, "certificate-not-instructed"),             # refuses R001-31, R001-100, R001-101
    "maf": (42, "certificate-name"),                       # refuses R001-15
    "cse": (42, "certificate-name"),                       # refuses R000-43, R000-62
}


def make(lab):
    """All of CASES; name -> serial."""
    m = badcerts.Maker(lab.where / "bad")
    ca = (lab.where / "ca.crt", lab.where / "ca.key", [])
    san = f"subjectAltName = URI:m2m:{AE}"
    serial = {}

    def one(name, *extensions, by=ca, **more):
        serial[name] = m.cert(name, by, extensions or [SIGNS, san], **more)
    one("good")
    one("other", SIGNS, f"subjectAltName = URI:m2m://{ks.SP}/Sother")
    one("other-cse", SIGNS, f"subjectAltName = URI:m2m://{ks.SP}/mn")  # a CSE-ID is no URI
    one("expired", start=-3 * badcerts.DAY, end=-badcerts.DAY)
    one("early", start=badcerts.DAY, end=2 * badcerts.DAY)
    one("revoked")
    one("wildcard", SIGNS, f"subjectAltName = DNS:*.{ks.SP}")
    one("outside", SIGNS, "subjectAltName = URI:m2m://other.test/Sgood")
    one("no-usage", san, "basicConstraints = CA:FALSE")
    one("agrees", san, "keyUsage = critical,keyAgreement")
    one("p384", curve="secp384r1")
    one("compressed", form="compressed")
    one("sha384", digest="sha384")
    names = ",".join(f"DNS:a-name-that-fills-{i}.{ks.SP}" for i in range(1700))
    one("large", SIGNS, f"subjectAltName = {names}")
    assert (lab.where / "bad/large.crt").stat().st_size > 64 * 1024
    p = ks.run("pki", "ca", "--cert", lab.where / "x.crt", "--key", lab.where / "x.key", "--permit-dns", ks.SP, "--permit-uri-host", ks.SP)
    assert p.returncode == 0, p.stderr
    one("stranger", by=(lab.where / "x.crt", lab.where / "x.key", []))
    one("unconstrained", by=m.authority("open", ca))
    below = m.authority("one", ca, NAMES)
    one("no-list", by=below)
    (lab.where / "bad/no-chain.key").write_bytes((lab.where / "bad/no-list.key").read_bytes())
    whole = (lab.where / "bad/no-list.crt").read_text()
    (lab.where / "bad/no-chain.crt").write_text(whole[:whole.index("-----END") + len("-----END CERTIFICATE-----\n")])
    serial["no-chain"] = serial["no-list"]
    for name in ("two", "three"):
        crt, key, chain = m.authority(name, below, NAMES)
        below = (crt, key, chain)
    one("long", by=below)
    p = ks.run("pki", "issue", "--flavour", "raw", "--cert", lab.where / "bad/unknown-key.crt", "--key", lab.where / "bad/unknown-key.key")
    assert p.returncode == 0, p.stderr
    serial["unknown-key"] = m.serial(lab.where / "bad/unknown-key.crt")
    p = ks.run("pki", "crl", "--crl", lab.where / "ca.crl", "--ca-cert", ca[0], "--ca-key", ca[1], "--revoke", lab.where / "bad/revoked.crt")
    assert p.returncode == 0, p.stderr
    return serial


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "b") as lab:
        lab.coaps = coaps.ports(lab)
        lab.serials = make(lab)
        for role in ks.ROLES:
            text = lab.conf(role).read_text()  # raw keys may come to each listener
            lab.conf(role).write_text(re.sub(r"\n#?pinned =.*", "\npinned = on", text))
            assert "\npinned = on" in lab.conf(role).read_text()
            lab.set(role, "limits", "refusal-log-rate", "1000")
        lab.start()
        lab.ctl_json("mef", "credential", "add", "--kind", "cert", "--id", AE, "--flavour", "ae-id", "--target", ks.MAF)
        yield lab


def s_client(lab, role, transport, name, *more):
    """(finished, number of the alert or None)"""
    w = lab.where / "bad"
    port = lab.coaps[role] if transport == "dtls" else lab.address(role)[1]
    p = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-dtls1_2" if transport == "dtls" else "-tls1_2",
                        "-servername", "localhost", "-CAfile", lab.where / "ca.crt", "-cipher", SUITE[transport], "-state",
                        "-cert", w / f"{name}.crt", "-cert_chain", w / f"{name}.crt", "-key", w / f"{name}.key", *more],
                       input=b"Q\n", capture_output=True, timeout=60)
    out = (p.stdout + p.stderr).decode(errors="replace")
    m = re.search(r"SSL alert number (\d+)", out)
    # s_client speaks of its own Finished first: "read finished" is the server's
    return "read finished" in out, int(m[1]) if m else None, out


def told(lab, role, reason, mark):
    """Lines of the log and events of the audit chain with this reason about this certificate."""
    lines = [x for x in lab.servers[role].log().splitlines() if f"code={reason} " in x and mark in x]
    events = [e for e in lab.ctl_json(role, "audit", "tail", "--limit", "200")["events"]
              if e["event"] == "certificate-refused" and e["outcome"] == reason and mark in e.get("object", "")]
    assert all(e["peer"] == "127.0.0.1" for e in events), events
    return len(lines), len(events)


def refused(lab, role, transport, name, alert, reason):
    # of what is too large to be read nobody knows the name
    mark = "" if name == "large" else f"serial {lab.serials[name]} by /"
    before = told(lab, role, reason, mark)
    finished, number, out = s_client(lab, role, transport, name)
    assert not finished and number == alert, (number, out[-3000:])
    def once_more():
        now = told(lab, role, reason, mark)
        return now[0] > before[0] and now[1] > before[1]
    ks.wait_for(once_more, 20, f"{reason} of {mark} at {role}")
    assert told(lab, role, reason, mark) == (before[0] + 1, before[1] + 1), (before, lab.servers[role].log()[-2000:])


@pytest.mark.parametrize("transport", ("tls", "dtls"))
@pytest.mark.parametrize("role", ks.ROLES)
def test_good(bad, role, transport):
    """Without its fault a certificate is let in (R000-25, R001-15, R001-32, R001-93, R001-107; R000-43, R000-62): only the MAF and
    CSE know nothing of this AE, and take it all the same as its certificate says."""
    finished, alert, out = s_client(bad, role, transport, "good")
    assert finished and alert is None, out[-3000:]
    assert f"Cipher is {SUITE[transport].split(':')[0]}" in out  # R001-108


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("transport", ("tls", "dtls"))
def test_mef(bad, transport, name):
    before = len(bad.enrolments())
    refused(bad, "mef", transport, name, *CASES[name])
    assert len(bad.enrolments()) == before  # R001-106: no Ke


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("role", ("maf", "cse"))
def test_maf_and_cse(bad, role, name):
    refused(bad, role, "tls", name, *CASES[name])


@pytest.mark.parametrize("transport", ("tls", "dtls"))
@pytest.mark.parametrize("role", ks.ROLES)
def test_another_identity(bad, role, transport):
    """A good chain for somebody else."""
    refused(bad, role, transport, "other" if role == "mef" else "other-cse", *OTHERS[role])


def test_no_certificate(bad):
    """4.7: mutual always: refuses R001-17, R001-107. Nothing was shown, so nothing is in the audit chain."""
    for transport in ("tls", "dtls"):
        port = bad.coaps["mef"] if transport == "dtls" else bad.address("mef")[1]
        p = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-dtls1_2" if transport == "dtls" else "-tls1_2",
                            "-servername", "localhost", "-cipher", SUITE[transport]], input=b"Q\n", capture_output=True, timeout=60)
        assert b"SSL alert number 40" in p.stdout + p.stderr
    assert "code=certificate-missing" in bad.servers["mef"].log()
    assert "certificate-missing" not in bad.ctl("mef", "audit", "tail", "--limit", "200").stdout


def test_wrong_hash(bad):
    """A raw key is let in under its own identifier, and no more once another one stands in its place: refuses R001-31."""
    w = bad.where / "bad"
    assert ks.run("pki", "issue", "--flavour", "raw", "--cert", w / "raw.crt", "--key", w / "raw.key").returncode == 0
    right = json.loads(ks.run("pki", "key-id", w / "raw.key", "--json").stdout)["key_id"]
    at = right.index(";") + 5
    wrong = right[:at] + ("A" if right[at] != "A" else "B") + right[at + 1:]
    bad.ctl_json("mef", "credential", "add", "--kind", "cert", "--id", wrong, "--flavour", "raw", "--target", ks.MAF)
    bad.serials["raw"] = badcerts.Maker.serial(None, w / "raw.crt")
    refused(bad, "mef", "tls", "raw", *CASES["unknown-key"])
    bad.ctl_json("mef", "credential", "add", "--kind", "cert", "--id", right, "--flavour", "raw", "--target", ks.MAF)
    for transport in ("tls", "dtls"):
        finished, _, out = s_client(bad, "mef", transport, "raw")
        assert finished, out[-3000:]


def test_a_stranger_cannot_fill_the_chain(bad):
    """The same certificate again and again: counted, and in the chain a bounded number of times."""
    before = bad.ctl_json("mef", "audit", "verify")["events"]
    workers = int(bad.ctl_json("mef", "status")["counters"].get("workers", 2))
    for _ in range(60):
        assert s_client(bad, "mef", "tls", "no-usage")[1] == 43
    after = bad.ctl_json("mef", "audit", "verify")
    assert after["intact"] is True
    assert after["events"] - before <= 18 * workers
    assert bad.ctl_json("mef", "status")["counters"]["refusals"]["certificate-key-usage"] >= 60
