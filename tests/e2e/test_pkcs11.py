"""Private keys in a PKCS#11 token (SoftHSM): a MEF serves with one, a device enrols and associates with one, and what is wrong
with token, PIN or key is one clear error."""
import json
import os
import pathlib
import subprocess

import coaps as with_coaps
import heldkeys
import issuing
import keystead as ks
import pytest
from est import openssl
from test_device import Cli

MODULE = next(p for p in pathlib.Path("/usr/lib").glob("*/softhsm/libsofthsm2.so"))
PIN, TOKEN = "4321", "made-up"
AE = f"//{ks.SP}/Stoken"


def tool(*args, **env):
    p = subprocess.run([*map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ks.PATIENCE,
                       env={**os.environ, **env})
    assert p.returncode == 0, (args, p.stdout, p.stderr)


def secret(where, name, text, mode=0o600):
    f = where / name
    f.write_text(text)
    f.chmod(mode)
    return f


class Token:
    def __init__(self, where):
        self.where = where
        (where / "tokens").mkdir()
        conf = where / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {where}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        os.environ.update(SOFTHSM2_CONF=str(conf), PKCS11_MODULE_PATH=str(MODULE))
        tool("softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--so-pin", "87654321", "--pin", PIN)
        for key in ("server", "device", "other", "issuer"):
            tool("p11tool", "--provider", MODULE, "--login", "--generate-privkey=ecdsa", "--curve=secp256r1", "--label", key,
                 "--outfile", os.devnull, f"pkcs11:token={TOKEN}", GNUTLS_PIN=PIN)
        self.pin = secret(where, "pin", PIN + "\n")

    def uri(self, key, token=TOKEN, pin=None):
        return f"pkcs11:token={token};object={key};type=private?pin-source=file:{pin or self.pin}"


@pytest.fixture(scope="module")
def token(tmp_path_factory):
    before = {name: os.environ.get(name) for name in ("SOFTHSM2_CONF", "PKCS11_MODULE_PATH")}
    yield Token(tmp_path_factory.mktemp("token"))
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture(scope="module")
def tokened(tmp_path_factory, token):
    """The keys of the MEF's listener and of its peers' clients never were in a file."""
    with ks.Lab(tmp_path_factory.mktemp("lab") / "t") as lab:
        heldkeys.start(lab, token.uri("server"), token.uri("other"), token.uri("device"), AE)
        yield lab


@pytest.fixture
def device(tokened, tmp_path):
    return heldkeys.device(tokened, tmp_path / "device")


def test_the_whole_way(tokened, token, device):
    """Enrolled at a MEF whose key is in the token, with a key in the token; the MAF fetches by a key in the token too."""
    assert not list(tokened.where.glob("pkcs11*"))
    device.ok("enrol", *device.enrolment, *device.shows, token.uri("device"))
    got = device.ok("associate", *device.associate_args())
    assert got["framework"] == "maf"
    assert device.ok("register", "--app-id", "Nmade-up", "--from", "Stoken")["ae_id"] == "Stoken"
    # again from what is kept: the state names the key, and has neither it nor the PIN
    device.ok("enrol", *device.enrolment)
    assert b"object=device" in (device.state / "state").read_bytes()
    assert ks.run("check", "-c", tokened.conf("mef")).returncode == 0
    assert tokened.ctl("mef", "reload").returncode == 0
    device.ok("enrol", *device.enrolment)


def test_association_by_certificate(tokened, token, device):
    assert device.ok("associate", *device.associate_args(), *device.shows, token.uri("device"))["framework"] == "cert"


def test_dtls(tokened, token, device):
    """The same keys sign in DTLS, at the listener and at the device."""
    at = "coaps://127.0.0.1:{}"
    enrolment = ["--mef", at.format(with_coaps.ports(tokened)["mef"]), *device.enrolment[2:]]
    device.ok("enrol", *enrolment, *device.shows, token.uri("device"))


@pytest.mark.parametrize("what,reason", [
    ({"pin": "wrong"}, "token-pin"), ({"token": "absent"}, "token-key"), ({"key": "absent"}, "token-key"),
    ({"key": "other"}, "certificate-proof"), ({"pin": "loose"}, "file-mode"), ({"pin": "nothing"}, "config")])
def test_refusals_of_the_device(token, tokened, device, tmp_path, what, reason):
    uri = damaged(token, tmp_path, "device", what)
    p = device.run("enrol", *device.enrolment, *device.shows, uri)
    assert p.returncode != 0 and json.loads(p.stdout)["error"] == reason, p.stdout
    p = device.run("enrol", *device.enrolment, *device.shows, uri, json_too=False)
    assert p.returncode != 0 and len(p.stderr.strip().splitlines()) == 1, p.stderr
    assert not (device.state / "state").exists() or b"pkcs11" not in (device.state / "state").read_bytes()


@pytest.mark.parametrize("what,said", [
    ({"pin": "wrong"}, "refuses the PIN"), ({"token": "absent"}, "names no token"), ({"key": "absent"}, "names no token"),
    ({"key": "other"}, "key does not belong to certificate"), ({"pin": "loose"}, "open to others"), ({"pin": "nothing"}, "nothing")])
def test_refusals_of_the_server(token, tokened, tmp_path, what, said):
    before = tokened.conf("mef").read_text()
    try:
        tokened.set("mef", "listener main", "key", damaged(token, tmp_path, "server", what))
        p = ks.run("check", "-c", tokened.conf("mef"))
        assert p.returncode != 0 and said in p.stderr, p.stderr
        assert len([line for line in p.stderr.splitlines() if line.strip()]) == 1, p.stderr
        # who is logged in at the token tries no other PIN; all else a reload refuses, and what ran goes on
        assert (tokened.ctl("mef", "reload").returncode == 0) == (what == {"pin": "wrong"})
    finally:
        tokened.conf("mef").write_text(before)


def damaged(token, where, key, what):
    secret(where, "wrong", "9999")
    secret(where, "loose", PIN, 0o640)
    pin = where / what["pin"] if "pin" in what else None
    return token.uri(what.get("key", key), what.get("token", TOKEN), pin)


def test_a_value_that_is_too_long_is_not_repeated(device):
    """It is refused before it is looked at as a URI, and may hold a PIN."""
    p = device.run("enrol", *device.enrolment, *device.shows, f"pkcs11:token={TOKEN};object=device?pin-value={PIN}&x={'y' * 300}")
    assert p.returncode == 2 and json.loads(p.stdout)["error"] == "usage" and PIN not in p.stdout, p.stdout


def test_issuing_ca(token, tmp_path):
    """The CA of the MEF signs certificates in the token, and its own revocation list."""
    with ks.Lab(tmp_path / "ca") as lab:
        issuing.below_ca_of_init(lab, token.uri("issuer"))
        assert ks.run("check", "-c", lab.conf("mef")).returncode == 0
        lab.start()
        cli = Cli(lab, tmp_path / "device", lab.device("token-ca"))
        cli.ok("enrol", *cli.enrol_args())
        got = cli.ok("certificate")
        openssl("verify", "-CAfile", got["trust"], got["certificate"])
        assert cli.ok("renew")["result"] == "renewed"
        for what, said in (({"key": "absent"}, "names no token"), ({"key": "other"}, "the key that belongs to it")):
            lab.set("mef", "mef", "issuing-ca-key", damaged(token, tmp_path, "issuer", what))
            p = ks.run("check", "-c", lab.conf("mef"))
            assert p.returncode != 0 and said in p.stderr and f"{lab.conf('mef')}:" in p.stderr, p.stderr


@pytest.mark.parametrize("tail", ["", "?pin-value=4321", "?pin-source=file:/p&pin-value=4321", ";pin-value=4321?pin-source=file:/p",
                                  "?pin-source=|/bin/cat", "?pin-source=file:p", "?module-path=/x"])
def test_no_pin_but_from_a_file(tokened, device, tail):
    """A URI of another form is refused, and not shown if a PIN may stand in it."""
    uri = f"pkcs11:token={TOKEN};object=device{tail}"
    p = device.run("enrol", *device.enrolment, *device.shows, uri)
    assert p.returncode != 0 and json.loads(p.stdout)["error"] == "config" and PIN not in p.stdout, p.stdout
    before = tokened.conf("mef").read_text()
    try:
        tokened.set("mef", "listener main", "key", uri)
        p = ks.run("check", "-c", tokened.conf("mef"))
        assert p.returncode != 0 and "pin-source=file:" in p.stderr and PIN not in p.stderr, p.stderr
    finally:
        tokened.conf("mef").write_text(before)


@pytest.mark.parametrize("name,value", [("PKCS11_MODULE_PATH", "/nowhere/module.so"), ("OPENSSL_ENGINES", "/nowhere")])
def test_no_module_or_no_engine(tokened, token, device, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    p = device.run("enrol", *device.enrolment, *device.shows, token.uri("device"))
    assert p.returncode != 0 and json.loads(p.stdout)["error"] == "token-engine", p.stdout
