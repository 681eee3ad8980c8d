"""One provisioning package with the credentials of all layers (R000-18), from the operator to a device that enrols by itself."""
import base64
import json
import stat
import subprocess

import pytest

import keystead as ks
from test_device import Cli

TYPE = "application/vnd.keystead.package+json"
SIM = bytes(range(256))


def run(*args, code=0):
    p = ks.run("device", *args, "--json")
    assert p.returncode in (code if isinstance(code, tuple) else (code,)), (p.returncode, p.stdout, p.stderr)
    return json.loads(p.stdout)


class Factory:
    def __init__(self, lab, where, name):
        self.lab, self.where, self.name = lab, where, name
        self.key = lab.key_file(f"{name}-package", b"made-up package key".ljust(32, b"."))
        self.app = lab.key_file(f"{name}-app", b"made-up application key.........")
        (where / "sim").write_bytes(SIM)

    def at(self, role):
        return "{}:{}".format(*self.lab.address(role))

    def contents(self, *service, **more):
        layers = [{"layer": "service", "critical": True, **dict(service), **more}]
        layers += [{"layer": "network", "critical": True, "name": "usim.profile", "value-file": str(self.where / "sim")},
                   {"layer": "application", "name": "meter", "key-file": str(self.app)}]
        f = self.where / "contents.json"
        f.write_text(json.dumps({"layers": layers}))
        f.chmod(0o600 if '"key":' in f.read_text() else 0o644)
        return f

    def package(self, contents, name=None, lifetime="1h", code=0):
        return run("package", "--contents", contents, "--device", name or self.name, "--lifetime", lifetime, "--package-key", self.key,
                   "--out", self.where / "package", code=code)

    def provision(self, code=0, device=None, key=None, package=None, layers=True, state="device"):
        return run("provision", "--state", self.where / state, "--package", package or self.where / "package", "--package-key",
                   key or self.key, "--device", device or self.name, *(["--layers", self.where / "layers"] if layers else []), code=code)

    def forged(self, contents, cty=TYPE, name="forged"):
        """What another program makes with the right key."""
        plain = self.where / "plain.json"
        plain.write_text(json.dumps(contents))
        out = self.where / name
        p = ks.run("object", "protect", "--in", plain, "--out", out, "--to", self.key, "--cty", cty)
        assert p.returncode == 0, p.stderr
        return out


def test_all_layers_in_one(lab, tmp_path):
    """A device that was told nothing else enrols at power-on and goes all the way."""
    d = lab.device("pk-all")
    f = Factory(lab, tmp_path, d.name)
    contents = f.contents(mef={"fqdn": ks.MEF, "address": f.at("mef"), "key-id": d.kpm_id, "key-file": str(lab.key_file(d.name, d.psk))},
                          maf={"fqdn": ks.MAF, "address": f.at("maf")}, cse={"cse-id": ks.CSE_ID, "address": f.at("cse")}, lifetime="2h")
    f.package(contents)
    raw = (tmp_path / "package").read_bytes()
    assert stat.S_IMODE((tmp_path / "package").stat().st_mode) == 0o600
    assert not ks.keys_in(raw, [d.psk, SIM]) and d.kpm_id.encode() not in raw
    assert base64.urlsafe_b64encode(d.psk).rstrip(b"=") not in raw
    cli = Cli(lab, tmp_path / "device", d)
    got = f.provision()  # R000-18
    assert got["kpm_id"] == d.kpm_id and got["other_layers"] == 2
    assert (tmp_path / "layers/usim.profile").read_bytes() == SIM
    assert (tmp_path / "layers/meter").read_text() == f.app.read_text()
    assert {stat.S_IMODE(x.stat().st_mode) & 0o077 for x in (tmp_path / "layers").iterdir()} == {0}
    for x in cli.state.iterdir():
        assert x.name.endswith(".key") or not ks.keys_in(x.read_bytes(), [d.psk]), x
    before = cli.ok("status")
    assert before["enrolled"] == "no"
    cli.no(1, "wrong-state", "register", "--app-id", "Nmade-up")  # refuses R000-13, R000-86: not before it is enrolled
    assert cli.ok("keep", "--once")["result"] == "enrolled"  # R000-78: nobody says anything
    cli.ok("associate")
    assert cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"] == d.stem
    f.provision(code=1)  # refuses R000-18: a package does not replace what is in use
    assert cli.ok("status")["ae_id"] == d.stem


def test_a_key_of_the_registrar(lab, tmp_path):
    """Kpsa and KpsaId: no MEF and no MAF in the package, and none is asked (R000-12)."""
    ident, key = lab.add_kpsa("pk-kpsa", enrolee_id=f"//{ks.SP}/Spk")
    f = Factory(lab, tmp_path, "pk-kpsa")
    f.package(f.contents(cse={"cse-id": ks.CSE_ID, "address": f.at("cse"), "key-id": ident, "key-file": str(lab.key_file("pk", key))}))
    assert f.provision()["kpsa_id"] == ident
    cli = Cli(lab, tmp_path / "device")
    assert cli.ok("associate")["framework"] == "psk"
    cli.ok("register", "--app-id", "Nmade-up", "--from", "Spk")


def test_a_certificate(lab, tmp_path):
    """The files of a certificate travel in it; they are checked before the device believes anything."""
    f = Factory(lab, tmp_path, "pk-cert")
    key, crt = tmp_path / "d.key", tmp_path / "d.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=made-up", "-addext", "keyUsage=digitalSignature",
                    "-keyout", key, "-out", crt, "-days", "2"], check=True, capture_output=True)
    key.chmod(0o600)
    mef = {"fqdn": ks.MEF, "address": f.at("mef"), "certificate-file": str(crt), "private-key-file": str(key), "trust-file": str(crt)}
    f.package(f.contents(mef=mef))
    got = f.provision()
    assert got["mef_certificate"].endswith("device/mef.crt")
    assert stat.S_IMODE((tmp_path / "device/mef.key").stat().st_mode) == 0o600
    assert (tmp_path / "device/mef.key").read_text() == key.read_text()
    key.chmod(0o644)
    assert f.package(f.contents(mef=mef), code=2)["error"] == "file-mode"
    key.chmod(0o600)
    other = tmp_path / "other.key"
    subprocess.run(["openssl", "ecparam", "-name", "P-256", "-genkey", "-noout", "-out", other], check=True, capture_output=True)
    other.chmod(0o600)
    f.package(f.contents(mef={**mef, "private-key-file": str(other)}))
    assert f.provision(code=1, state="second")["error"] == "certificate-proof"
    assert not (tmp_path / "second/state").exists(), "nothing is believed of it"


@pytest.fixture(scope="module")
def made(tmp_path_factory, lab):
    f = Factory(lab, tmp_path_factory.mktemp("made"), "pk-bad")
    layers = {"mef": {"fqdn": ks.MEF, "address": "localhost:1", "key-id": f"x@{ks.MEF}", "key": base64.b64encode(b"k" * 32).decode()}}
    f.service = {"layer": "service", **layers}
    f.package(f.contents(**layers))
    return f


def test_what_is_refused(made):
    """refuses R000-18: damaged, of another key, for another device, past its time, of an unknown layer."""
    f = made
    raw = (f.where / "package").read_text()
    spoilt = f.where / "spoilt"
    head, _, iv, text, tag = raw.split(".")
    for change in (raw[:-1], raw[:len(raw) // 2], "", raw + "A", "{}", ".".join([head, "", iv, text[:-4] + "AAAA", tag]),
                   ".".join([head, "", iv, text, "A" + tag[1:] if tag[0] != "A" else "B" + tag[1:]]), "x" * 200000):
        spoilt.write_text(change)
        assert f.provision(code=(1, 2), package=spoilt)["error"] in ("object-malformed", "object-tag", "too-large")
    other = f.lab.key_file("pk-other", b"another made-up package key.....")
    assert f.provision(code=1, key=other)["error"] == "object-tag"
    assert f.provision(code=1, device="pk-somebody")["error"] == "package-other-device"
    assert f.provision(code=2, layers=False)["error"] == "usage"
    base = {"package": 1, "device": f.name, "until": "20991231T000000"}
    for contents, reason in (({**base, "until": "20200101T000000", "layers": [f.service]}, "package-expired"),
                             ({**base, "layers": [f.service, {"layer": "orbit", "critical": True}]}, "package-layer"),
                             ({**base, "layers": [{**f.service, "mfa": {}}]}, "package-malformed"),
                             ([], "json-malformed")):
        assert f.provision(code=(1, 2), package=f.forged(contents))["error"] == reason
    assert f.provision(code=2, package=f.forged({**base, "layers": [f.service]}, cty="text/plain"))["error"] == "package-malformed"
    assert not (f.where / "device/state").exists() and not (f.where / "layers").exists()
    assert f.provision(package=f.forged({**base, "layers": [f.service, {"layer": "orbit"}]}), state="good")["passed_over"] == 1


def test_what_is_not_made(made, tmp_path):
    f = made
    short = f.lab.key_file("pk-short", b"made-up, 16 long")
    p = ks.run("device", "package", "--contents", f.where / "contents.json", "--device", "x", "--lifetime", "1h", "--package-key", short,
               "--out", tmp_path / "p", "--json")
    assert p.returncode == 2 and json.loads(p.stdout)["error"] == "key-length"
    half = tmp_path / "half.json"
    half.write_text(json.dumps({"layers": [{**f.service, "mef": {k: v for k, v in f.service["mef"].items() if k != "key-id"}}]}))
    assert f.package(half, code=2)["error"] == "file-mode"  # a key in a file that others may read
    half.chmod(0o600)
    assert f.package(half, code=2)["error"] == "package-malformed"  # refuses R000-20
    both = tmp_path / "both.json"
    both.write_text(json.dumps({"layers": [{**f.service, "mef": {**f.service["mef"], "key-file": "/nowhere"}}]}))
    both.chmod(0o600)
    assert f.package(both, code=2)["error"] == "package-malformed"
    assert f.package(f.where / "contents.json", lifetime="never", code=2)["error"] == "usage"
    assert not (tmp_path / "p").exists()
