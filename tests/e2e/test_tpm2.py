"""Private keys in a TPM 2.0 (swtpm): servers with two workers, a peer's client, a device and the issuing CA sign with them,
and what is wrong with TPM, authorisation value or key is one clear error each."""
import base64
import json
import os
import subprocess

import coaps as with_coaps
import heldkeys
import issuing
import keystead as ks
import pytest
from est import openssl
from test_device import Cli
from test_pkcs11 import secret
from tpm import AUTH, CAN_SIGN, Tpm

AE = f"//{ks.SP}/Stpm"
SERVER, SPARE = "0x81000001", "0x81000002"
SUITES = [("-tls1_2", "ECDHE-ECDSA-AES128-SHA256"), ("-dtls1_2", "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0")]


@pytest.fixture(scope="module")
def tpm(tmp_path_factory):
    before = os.environ.get("TPM2TOOLS_TCTI")
    it = Tpm(tmp_path_factory.mktemp("tpm"))
    os.environ["TPM2TOOLS_TCTI"] = it.transport
    it.opened = f"?auth=file:{it.auth}"
    it.server = it.persistent("server", SERVER) + it.opened
    it.peer = it.file("peer") + it.opened
    it.device = it.file_of_openssl("device")
    it.issuer = it.file("issuer", auth=False)
    yield it
    it.stop()
    if before is None:
        del os.environ["TPM2TOOLS_TCTI"]
    else:
        os.environ["TPM2TOOLS_TCTI"] = before


@pytest.fixture(scope="module")
def lab(tmp_path_factory, tpm):
    """Two workers, one TPM that takes one client at a time; the keys of the MEF's listeners and of the MAF as client are in it."""
    with ks.Lab(tmp_path_factory.mktemp("lab") / "t") as it:
        it.set("mef", "server", "workers", "2")
        heldkeys.start(it, tpm.server, tpm.peer, tpm.device, AE)
        yield it


@pytest.fixture
def device(lab, tmp_path):
    return heldkeys.device(lab, tmp_path / "device")


def test_the_whole_way(lab, tpm, device):
    """Server, device and the client in the MAF sign in the TPM; the device renews its certificate with a key that is there too."""
    device.ok("enrol", *device.enrolment, *device.shows, tpm.device)
    assert device.ok("associate", *device.associate_args())["framework"] == "maf"
    assert device.ok("register", "--app-id", "Nmade-up", "--from", "Stpm")["ae_id"] == "Stpm"
    assert AUTH.encode() not in b"".join(f.read_bytes() for f in device.state.iterdir())
    named = ["--private-key", tpm.device]
    got = device.ok("certificate", *named)
    assert got["result"] == "issued" and got["key"] == tpm.device and not (device.state / "est.key").exists()
    again = device.ok("renew", *named)
    assert again["result"] == "renewed" and again["serial"] != got["serial"]
    openssl("verify", "-CAfile", again["trust"], again["certificate"])
    theirs = openssl("x509", "-in", lab.device_cert, "-noout", "-pubkey")
    assert openssl("x509", "-in", again["certificate"], "-noout", "-pubkey") == theirs
    assert device.ok("associate", *device.associate_args(), *device.shows, tpm.device)["framework"] == "cert"
    at = f"coaps://127.0.0.1:{with_coaps.ports(lab)['mef']}"
    device.ok("enrol", "--mef", at, *device.enrolment[2:], *device.shows, tpm.device)
    assert lab.ctl("mef", "reload").returncode == 0
    device.ok("enrol", *device.enrolment)


def s_client(lab, version, suite):
    """openssl with a certificate in a file: what it says, and whether the handshake was finished."""
    key, cert = lab.where / "tool.key", lab.where / "tool.crt"
    if not cert.exists():
        ks.pki("issue", "--flavour", "ae-id", "--id", AE, "--ca-cert", lab.where / "ca.crt", "--ca-key", lab.where / "ca.key", "--cert", cert,
            "--key", key)
    p = subprocess.run(["openssl", "s_client", version, "-connect", "127.0.0.1:%d" % lab.address("mef")[1], "-servername", "localhost",
                        "-cipher", suite, "-cert", cert, "-key", key, "-CAfile", lab.where / "ca.crt", "-verify_return_error", "-state",
                        "-nocommands"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ks.PATIENCE)
    said = p.stdout + p.stderr
    return said, ": SSLv3/TLS read finished" in said or "read finished" in said


@pytest.mark.parametrize("version,suite", SUITES)
def test_openssl(lab, tpm, version, suite):
    for _ in range(4):  # both workers
        said, done = s_client(lab, version, suite)
        assert done and suite.split(":")[0] in said and "Verify return code: 0" in said, said


def test_many_at_once(lab, tpm):
    """More handshakes at a time than the TPM takes clients: all get their turn."""
    clients = [subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:%d" % lab.address("mef")[1], "-servername",
                                 "localhost", "-cipher", SUITES[0][1], "-cert", lab.where / "tool.crt", "-key", lab.where / "tool.key",
                                 "-state", "-nocommands"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True) for _ in range(12)]
    for c in clients:
        said, _ = c.communicate(timeout=ks.PATIENCE)
        assert "read finished" in said, said


def damaged(tpm, where, uri, what):
    """The same key named with one fault."""
    name = uri.split("?")[0]
    key, auth = what.get("key", name), what.get("auth")
    if auth == "none":
        return key
    secret(where, "wrong", "made-up-9999")
    secret(where, "loose", AUTH + "\n", 0o640)
    secret(where, "short", AUTH)
    return f"{key}?auth=file:{where / auth if auth else tpm.auth}"


FAULTS = [({"auth": "wrong"}, "tpm-auth", "refuses the authorisation value"), ({"auth": "none"}, "tpm-auth", "refuses the authorisation value"),
          ({"auth": "short"}, "tpm-auth", "refuses the authorisation value"),
          ({"key": "tpm2:0x81000077"}, "tpm-key", "has no such key"), ({"key": "PEER"}, "certificate-proof", "key does not belong to certificate"),
          ({"auth": "loose"}, "file-mode", "open to others"), ({"auth": "nothing"}, "config", "nothing"),
          ({"key": "tpm2:/nowhere.pem"}, "config", "not there"), ({"key": "FOREIGN"}, "tpm-key", "not for this TPM")]


def named(tpm, what):
    """A file of another TPM is one whose octets this one did not seal."""
    if what.get("key") == "FOREIGN":
        good = openssl("asn1parse", "-in", tpm.where / "peer.pem", "-noout", "-out", "-")
        broken = good[:-2] + bytes([good[-2] ^ 1]) + good[-1:]
        (tpm.where / "foreign.der").write_bytes(broken)
        body = base64.encodebytes(broken).decode()
        (tpm.where / "foreign.pem").write_text(f"-----BEGIN TSS2 PRIVATE KEY-----\n{body}-----END TSS2 PRIVATE KEY-----\n")
        return {**what, "key": f"tpm2:{tpm.where}/foreign.pem"}
    return {**what, "key": tpm.peer.split("?")[0]} if what.get("key") == "PEER" else what


@pytest.mark.parametrize("what,reason,said", FAULTS)
def test_refusals_of_the_device(tpm, lab, device, tmp_path, what, reason, said):
    uri = damaged(tpm, tmp_path, tpm.server, named(tpm, what))
    shows = ["--certificate", lab.cert, *device.shows[2:]]
    p = device.run("enrol", *device.enrolment, *shows, uri)
    assert p.returncode != 0 and json.loads(p.stdout)["error"] == reason, p.stdout
    p = device.run("enrol", *device.enrolment, *shows, uri, json_too=False)
    assert p.returncode != 0 and len(p.stderr.strip().splitlines()) == 1 and AUTH not in p.stderr, p.stderr


def line_of(lab, role, section, key):
    text = lab.conf(role).read_text()
    at = text.index(f"\n{key} = ", text.index(f"[{section}]"))
    return text[:at + 1].count("\n") + 1


@pytest.mark.parametrize("what,reason,said", FAULTS)
@pytest.mark.parametrize("role,section,key", [("mef", "listener main", "server"), ("maf", f"peer {ks.MEF}", "peer")])
def test_refusals_of_the_server(tpm, lab, tmp_path, role, section, key, what, reason, said):
    """check names file and line; a reload refuses, and what ran goes on."""
    conf = lab.conf(role)
    before = conf.read_text()
    if what.get("key") == "PEER" and key == "peer":
        what = {"key": "tpm2:" + SERVER}
    try:
        lab.set(role, section, "key", damaged(tpm, tmp_path, getattr(tpm, key), named(tpm, what)))
        p = ks.run("check", "-c", conf)
        line = line_of(lab, role, section, "certificate" if reason == "certificate-proof" else "key")
        assert p.returncode != 0 and said in p.stderr and AUTH not in p.stderr, p.stderr
        assert len(p.stderr.strip().splitlines()) == 1 and p.stderr.startswith(f"{conf}:{line}: "), p.stderr
        assert lab.ctl(role, "reload").returncode != 0
    finally:
        conf.write_text(before)
    assert s_client(lab, *SUITES[0])[1]


def test_keys_that_cannot_serve(tpm, device):
    kinds = {"rsa": {"kind": "rsa2048"}, "p384": {"kind": "ecc384"}, "restricted": {"kind": "ecc256:ecdsa-sha256:null", "attributes": CAN_SIGN + "|noda|restricted"}}
    for name, more in kinds.items():
        uri = tpm.file(name, **more) + tpm.opened
        p = device.run("enrol", *device.enrolment, *device.shows, uri)
        assert p.returncode != 0 and json.loads(p.stdout)["error"] == "tpm-key-kind", (name, p.stdout)


@pytest.mark.parametrize("text", ["", "nonsense\n", "-----BEGIN TSS2 PRIVATE KEY-----\nMAA=\n-----END TSS2 PRIVATE KEY-----\n"])
def test_no_key_file(tpm, device, tmp_path, text):
    uri = f"tpm2:{secret(tmp_path, 'bad.pem', text)}"
    p = device.run("enrol", *device.enrolment, *device.shows, uri)
    assert p.returncode != 0 and json.loads(p.stdout)["error"] == "tpm-key-file", p.stdout


@pytest.mark.parametrize("tail", ["?auth=4321", "?auth=file:p", "?pin=4321", "?auth=file:/p&auth=4321", "?", ",4321"])
def test_no_value_but_from_a_file(lab, device, tail):
    """A name of another form is refused, and not shown: the value may stand in it."""
    uri = f"tpm2:{SERVER}{tail}"
    p = device.run("enrol", *device.enrolment, *device.shows, uri)
    assert p.returncode != 0 and json.loads(p.stdout)["error"] == "config" and "4321" not in p.stdout, p.stdout
    before = lab.conf("mef").read_text()
    try:
        lab.set("mef", "listener main", "key", uri)
        p = ks.run("check", "-c", lab.conf("mef"))
        assert p.returncode != 0 and "4321" not in p.stderr and f"{lab.conf('mef')}:" in p.stderr, p.stderr
    finally:
        lab.conf("mef").write_text(before)


def test_locked(tpm, device):
    """Without `noda` wrong values count, and too many of them lock the TPM for all such keys."""
    locking = tpm.file("locking", attributes=CAN_SIGN)
    wrong = f"{locking}?auth=file:{secret(tpm.where, 'other', 'made-up-0000')}"
    tpm.tool("dictionarylockout", "-s", "-n", "2", "-t", "1000", "-l", "1000")
    seen = []
    for uri in (wrong, wrong, wrong, locking + tpm.opened):
        seen.append(json.loads(device.run("enrol", *device.enrolment, *device.shows, uri).stdout)["error"])
    assert seen[0] == "tpm-auth" and seen[-1] == "tpm-lockout", seen
    tpm.tool("dictionarylockout", "-c")
    p = device.run("enrol", *device.enrolment, *device.shows, locking + tpm.opened)
    assert json.loads(p.stdout)["error"] == "certificate-proof", p.stdout


def fails_with(lab, reason):
    """The client is told internal_error (80), and the log of the server says why."""
    before = lab.servers["mef"].log().count(reason)
    said, done = s_client(lab, *SUITES[0])
    assert not done and "alert number 80" in said, said
    ks.wait_for(lambda: lab.servers["mef"].log().count(reason) > before, what=reason)


def test_gone_and_back(lab, tpm, device):
    """refuses each with its reason; pre-shared keys go on; the workers are the same when the TPM is back."""
    device.ok("enrol", *device.enrolment, *device.shows, tpm.device)
    pids = lab.servers["mef"].pids
    d = lab.device("tpm-psk")
    tpm.stop()
    try:
        fails_with(lab, "tpm-unavailable")
        p = device.run("enrol", *device.enrolment, *device.shows, tpm.device)
        assert p.returncode != 0 and json.loads(p.stdout)["error"] == "tpm-unavailable", p.stdout
        p = ks.run("check", "-c", lab.conf("mef"))
        assert p.returncode != 0 and "no TPM answers" in p.stderr and len(p.stderr.strip().splitlines()) == 1, p.stderr
        assert lab.ctl("mef", "reload").returncode != 0
        lab.enrol(d)
    finally:
        tpm.start()
    assert s_client(lab, *SUITES[0])[1]
    device.ok("enrol", *device.enrolment)
    assert lab.servers["mef"].pids == pids


def test_key_gone_and_back(lab, tpm):
    """Evicted, then another key under its handle: what it signs would not verify, so it does not leave the server."""
    tpm.evict(SERVER)
    fails_with(lab, "tpm-key")
    tpm.persistent("stranger", SERVER)
    fails_with(lab, "tpm-key")
    tpm.evict(SERVER)
    tpm.tool("load", "-C", "0x81000000", "-u", "server.pub", "-r", "server.priv", "-c", "server.ctx")
    tpm.persist("server.ctx", SERVER)
    assert s_client(lab, *SUITES[0])[1]


def test_issuing_ca(tpm, tmp_path):
    """The CA of the MEF signs in the TPM, in its writer; gone, a request is refused with the reason, and works later."""
    with ks.Lab(tmp_path / "ca") as lab:
        issuing.below_ca_of_init(lab, tpm.issuer)
        lab.set("mef", "server", "workers", "2")
        lab.start()
        d = lab.device("tpm-ca")
        cli = Cli(lab, tmp_path / "device", d)
        cli.ok("enrol", *cli.enrol_args())
        got = cli.ok("certificate")
        openssl("verify", "-CAfile", got["trust"], got["certificate"])
        tpm.stop()
        try:
            p = cli.run("renew")
            assert p.returncode != 0, p.stdout
            log = lab.servers["mef"].log()
            assert "tpm-unavailable" in log + p.stdout, (p.stdout, log[-1500:])
        finally:
            tpm.start()
        assert cli.ok("renew")["result"] == "renewed"


def test_without_a_tpm(tmp_path):
    """A machine without a TPM notices nothing: a key in a file is loaded with a transport that leads nowhere."""
    key, csr = tmp_path / "a.key", tmp_path / "a.csr"
    env = {**os.environ, "TPM2TOOLS_TCTI": "device:/nowhere"}
    p = ks.run("pki", "csr", "--flavour", "fqdn", "--id", ks.MEF, "--key", key, "--csr", csr, env=env)
    assert p.returncode == 0, p.stderr
    p = ks.run("pki", "csr", "--flavour", "fqdn", "--id", ks.MEF, "--key", "tpm2:0x81000001", "--csr", tmp_path / "b.csr", env=env)
    assert p.returncode != 0 and "tpm-unavailable" in p.stderr and len(p.stderr.strip().splitlines()) == 1, p.stderr
