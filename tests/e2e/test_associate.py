"""keystead associate: the association procedure between two CSEs with servers of their own, and an AE behind one of them."""
import json
import re
import stat
import subprocess
import time

import pytest

import keystead as ks
from test_certificate import issue

ONE, TWO = ks.CSE_ID, f"//{ks.SP}/two"
AES = [f"{ONE}/Cmade-up", f"{ONE}/CMADE-UP"]  # two instances whose names differ in case alone
LABEL = "EXPERIMENTAL-keystead-association"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The lab's CSE, and a second one with its own store, key and certificate."""
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as lab:
        issue(lab.where, "two", "fqdn", f"two.{ks.SP}")
        text = lab.conf("cse").read_text()
        for role in ("cse.db", "cse.sock", "cse.crt", "cse.key"):
            text = text.replace(role, role.replace("cse", "two"))
        port = ks.free_port()
        text = re.sub(r"(?m)^address = 127.0.0.1:\d+$", f"address = 127.0.0.1:{port}", text, count=2)
        text = text.replace("csi = /in", "csi = /two").replace(f"in.{ks.SP}", f"two.{ks.SP}")
        lab.conf("two").write_text(text)
        lab.init["two_address"] = f"127.0.0.1:{port}"
        lab.start("mef", "maf", "cse", "two")
        for who in ("one", "two"):
            d = ks.Device(who, enrolee_id=f"//{ks.SP}/{'in' if who == 'one' else who}")
            lab.add(d, allowed=False)
            for target in (ONE, TWO):
                lab.ctl_json("maf", "client", "allow", "--client", d.enrolee_id, "--target", target)
            p = ks.run("device", "enrol", "--state", lab.where / who, "--mef", at(lab, "mef"), "--mef-id", ks.MEF, "--kpm-id", d.kpm_id,
                       "--key-file", lab.key_file(d.name, d.psk), "--target", ks.MAF, "--maf", at(lab, "maf"), "--json")
            assert p.returncode == 0, p.stdout
        yield lab


def at(lab, role):
    return "{}:{}".format(*lab.address(role))


def call(lab, state, **change):
    """keystead associate as CSE ONE to CSE TWO, but for what is changed; None leaves out."""
    args = {"self": ONE, "peer": TWO, "address": at(lab, "two"), "mechanism": "maf", **change}
    p = ks.run("associate", "--state", state, *[x for k, v in args.items() if v is not None
                                                 for x in ("--" + k.replace("_", "-"), v)], "--json")
    lab.spoken += p.stdout + p.stderr
    return p.returncode, json.loads(p.stdout)


def made(lab, state, **change):
    code, out = call(lab, state, **change)
    assert code == 0, out
    return out


def refused(lab, state, code, reason, **change):
    got, out = call(lab, state, **change)
    assert (got, out.get("error")) == (code, reason), out
    return out


def events(lab, role, about=""):
    """What the audit chain of this server says about an association."""
    return json.dumps([e for e in lab.ctl_json(role, "audit", "tail", "--limit", "50")["events"] if about in json.dumps(e)])


def key_of(file):
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0
    return bytes.fromhex(file.read_text())


def test_both_ways_at_once(pair, tmp_path):
    """R002-71; R004-07: each CSE takes associations; R004-19 .. R004-22; R004-23: the MAF takes part; SA2: the reverse direction, while the first lives."""
    a = made(pair, pair.where / "one", key_out=tmp_path / "a.key")  # R004-06, R004-12, R000-41, R000-51, R000-58
    b = made(pair, pair.where / "two", self=TWO, peer=ONE, address=at(pair, "cse"), key_out=tmp_path / "b.key")
    assert a["association_id"] != b["association_id"] and a["key_id"] != b["key_id"]
    assert key_of(tmp_path / "a.key") != key_of(tmp_path / "b.key") and len(key_of(tmp_path / "a.key")) == 32
    assert a["mechanism"] == "maf" and a["suid"] == 32 and a["tls"] == "TLS 1.2" and re.fullmatch("0x[0-9A-F]{4}", a["suite"])
    assert a["key_id"].endswith("@" + ks.MAF) and a["expires"] > time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    # the peer knows it by the same identifier, and whose it is: R000-50, R002-76, R002-77
    for role, id, self in (("two", a["association_id"], ONE), ("cse", b["association_id"], TWO)):
        assert f'"{self}"' in events(pair, role, id), events(pair, role)
    again = made(pair, pair.where / "one")  # R002-72, R002-73: no secret is given to it, names and addresses alone
    assert again["key_id"] == a["key_id"] and again["association_id"] != a["association_id"]
    for file in ("a.key", "b.key"):
        assert not ks.keys_in(pair.spoken + pair.logs(), [key_of(tmp_path / file)]), "a key is never printed"
    refused(pair, pair.where / "one", 1, "name-conflict", key_out=tmp_path / "a.key")  # a key that is there stays


def test_prerequisites(pair, tmp_path):
    one = pair.where / "one"
    refused(pair, one, 2, "entity-missing", self=None)  # refuses R004-17
    refused(pair, one, 2, "entity-missing", peer=None)  # refuses R004-17, refuses R002-74
    refused(pair, one, 2, "entity-missing", peer="/two")  # refuses R004-17
    refused(pair, one, 2, "entity-missing", peer=ONE)  # refuses R000-58
    refused(pair, one, 1, "caller-kind", self=ks.MAF)  # refuses R004-11
    out = refused(pair, one, 1, "mechanism-not-available", mechanism="gba")
    assert "key, certificate or maf" in out["hint"]
    refused(pair, one, 2, "usage", mechanism="magic")
    refused(pair, tmp_path / "new", 1, "not-provisioned")  # refuses R000-54, refuses R004-03
    assert not (tmp_path / "new").exists()
    refused(pair, one, 1, "secret-missing", mechanism="key")  # refuses R004-15, refuses R004-18
    refused(pair, one, 1, "secret-missing", mechanism="certificate")  # refuses R004-18
    wrong = pair.key_file("unmatched", b"another key of thirty-two octets")
    pair.ctl_json("two", "credential", "add", "--kind", "kpsa", "--id", f"pair@{ks.SP}", "--enrolee-id", ONE,
                  "--key-file", pair.key_file("pair", b"made-up key of thirty-two octets"))
    refused(pair, tmp_path / "wrong", 1, "psk-wrong", mechanism="key", key_id=f"pair@{ks.SP}", key_file=wrong)  # refuses R004-18
    refused(pair, one, 1, "from-not-associated", self=f"//{ks.SP}/other", peer=f"//{ks.SP}/third")  # refuses R004-18, refuses R000-29


def test_the_network_is_down(pair):
    """refuses R000-03: it fails and changes nothing."""
    before = {f: f.read_bytes() for f in (pair.where / "one").iterdir() if f.is_file()}
    nobody = f"127.0.0.1:{ks.free_port()}"
    refused(pair, pair.where / "one", 3, "peer-unreachable", maf=nobody, address=nobody, peer=f"//{ks.SP}/away")
    assert before == {f: f.read_bytes() for f in before}


def test_key_and_certificate(pair, tmp_path):
    """R000-41: the other mechanisms; both keys are short-term and each association has its own (R004-20)."""
    key = b"made-up key of thirty-two octets"
    pair.ctl("two", "credential", "add", "--kind", "kpsa", "--id", f"pair2@{ks.SP}", "--enrolee-id", ONE,
             "--key-file", pair.key_file("pair2", key))
    first = made(pair, tmp_path / "k", mechanism="key", key_id=f"pair2@{ks.SP}", key_file=pair.key_file("pair2", key),
                 key_out=tmp_path / "1.key")
    second = made(pair, tmp_path / "k", mechanism="key", key_out=tmp_path / "2.key")
    assert first["association_id"] != second["association_id"] and first["suid"] == 22
    datagram = made(pair, tmp_path / "k", mechanism="key", address="coaps://" + at(pair, "two"))
    assert datagram["tls"] == "DTLS 1.2" and datagram["association_id"] in events(pair, "two")  # R004-22
    assert len({key, key_of(tmp_path / "1.key"), key_of(tmp_path / "2.key")}) == 3
    issue(pair.where, "one-cse", "cse-id", ONE)
    pair.ctl_json("two", "credential", "add", "--kind", "cert", "--id", ONE, "--enrolee-id", ONE)
    c = made(pair, tmp_path / "c", mechanism="certificate", certificate=pair.where / "one-cse.crt",
             private_key=pair.where / "one-cse.key", trust=pair.where / "ca.crt")
    assert c["suid"] == 42 and c["certificate"] == str(pair.where / "one-cse.crt") and "key_id" not in c and c["association_id"] in events(pair, "two")


def test_lifetimes(pair, tmp_path):
    one = pair.where / "one"
    until = time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() + 4))
    refused(pair, one, 2, "lifetime-kind", lifetime="data")  # refuses R002-87
    refused(pair, one, 2, "lifetime-kind", lifetime="data", until="20200101T000000")  # refuses R002-87
    refused(pair, one, 2, "lifetime-kind", lifetime="contract", until="20490101T000000")  # refuses R002-88: two CSEs
    long = made(pair, one)
    data = made(pair, one, lifetime="data", until=until)
    assert data["key_id"] != long["key_id"] and data["expires"][:15] <= until  # R002-87: a key that ends with the data
    session = made(pair, one, lifetime="session")  # R002-86
    after = made(pair, one)
    assert after["key_id"] != session["key_id"], "nothing of the session is left"


def instantiate(pair, ae, out, **change):
    args = {"local_cse": ONE, "ae_id": ae, "mechanism": "maf", "key_out": out, **change}
    p = ks.run("device", "instantiate", "--state", pair.where / "one", *[x for k, v in args.items() for x in ("--" + k.replace("_", "-"), v)],
               "--json")
    pair.spoken += p.stdout + p.stderr
    return p.returncode, json.loads(p.stdout)


def test_ae_behind_its_cse(pair, tmp_path):
    """R004-04, R004-13, R004-14, R004-16: the application key stands where the CSE's key does; all other steps are the same."""
    one = pair.where / "one"
    refused(pair, one, 1, "secret-missing", self=AES[0], local_cse=ONE)  # refuses R004-16: not instantiated
    refused(pair, one, 2, "entity-missing", self=f"{TWO}/Cother", local_cse=ONE)  # refuses R004-13
    refused(pair, tmp_path / "none", 1, "not-provisioned", self=AES[0], local_cse=ONE)  # refuses R004-03, refuses R004-15
    assert instantiate(pair, AES[0], tmp_path / "x", mechanism="certificate")[1]["error"] == "usage"
    refused(pair, one, 2, "usage", self=AES[0], local_cse=ONE, mechanism="key", key_id=f"x@{ks.SP}", key_file=tmp_path / "x")
    keys = []
    for i, ae in enumerate(AES):
        code, out = instantiate(pair, ae, tmp_path / f"{i}.app", key_id=f"app{i}@{ks.MAF}")
        assert code == 0, out
        keys.append(key_of(tmp_path / f"{i}.app"))
        pair.ctl_json("maf", "credential", "add", "--kind", "km", "--id", out["key_id"], "--key-file", tmp_path / f"{i}.app",
                      "--enrolee-id", ae)
        pair.ctl_json("maf", "client", "allow", "--client", ae, "--target", TWO)
    assert keys[0] != keys[1], "two instances, two keys"
    ids = []
    for ae in AES:
        out = made(pair, one, self=ae, local_cse=ONE)
        ids.append(out["association_id"])
        assert f'"{ae}"' in events(pair, "two", ids[-1]), "the peer knows the AE, not its CSE"
    assert len(set(ids)) == 2
    # an AE whose name is not that of the key
    refused(pair, one, 1, "secret-missing", self=f"{ONE}/Cnobody", local_cse=ONE)  # refuses R004-18
    local = f"//{ks.SP}/Skpsa"
    code, out = instantiate(pair, local, tmp_path / "k.app", mechanism="key")
    assert code == 0 and out["key_id"].endswith("@" + ks.SP), out
    pair.ctl_json("two", "credential", "add", "--kind", "kpsa", "--id", out["key_id"], "--key-file", tmp_path / "k.app",
                  "--enrolee-id", local)
    assert made(pair, one, self=local, local_cse=ONE, mechanism="key")["suid"] == 22
    p = ks.run("device", "enrol", "--state", one, "--json")
    assert p.returncode == 0, p.stdout
    out = refused(pair, one, 1, "secret-missing", self=AES[0], local_cse=ONE)  # refuses R004-16: derived from the old key
    assert "anew" in out["detail"]
    assert not ks.keys_in(pair.spoken, keys + [key_of(tmp_path / "k.app")])


def test_two_aes_and_a_contract(pair, tmp_path):
    """R002-88, R004-08: an AE on a node without a CSE, and an AE at the other end: openssl, which finds the same octets."""
    key, until = b"made-up key of thirty-two octets", time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() + 3600))
    port = ks.free_port()
    server = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_2", "-nocert", "-psk", key.hex(), "-psk_identity",
                               f"contract@{ks.SP}", "-cipher", "PSK-AES128-CBC-SHA256", "-keymatexport", LABEL, "-keymatexportlen", "48",
                               "-naccept", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert any("ACCEPT" in line for line in server.stdout)
        out = made(pair, tmp_path / "adn", self=f"//{ks.SP}/Sadn", peer=f"//{ks.SP}/Spartner", address=f"127.0.0.1:{port}", mechanism="key",
                   key_id=f"contract@{ks.SP}", key_file=pair.key_file("contract", key), lifetime="contract", until=until,
                   key_out=tmp_path / "adn.key")
        said = server.communicate(timeout=ks.PATIENCE)[0]
    finally:
        server.kill()
    theirs = bytes.fromhex(re.search(r"Keying material: ([0-9A-F]{96})", said)[1])
    assert out["association_id"] == theirs[:16].hex() and key_of(tmp_path / "adn.key") == theirs[16:]  # R004-19, R004-20
    assert out["lifetime"] == "contract" and out["expires"][:15] == until and out["suite"] == "0x00AE"
