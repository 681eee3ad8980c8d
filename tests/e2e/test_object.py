"""keystead object as people use it: two ends on files, nothing between them but what is printed."""
import base64
import json
import os
import stat
import subprocess

import keystead as ks
import pytest

WHO = "//sp.example/Sdev1"
KEY = "45" * 32 + "\n"


def run(*args, code=0, data=None):
    p = subprocess.run([ks.BIN, "object", *[str(a) for a in args]], capture_output=True, timeout=60, input=data,
                       stdin=subprocess.DEVNULL if data is None else None)
    assert p.returncode == code, (args, p.stdout, p.stderr)
    assert KEY.strip().encode() not in p.stdout + p.stderr
    return p.stdout.decode(), p.stderr.decode()


def put(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def request(rqi, who=WHO):
    return json.dumps({"m2m:rqp": {"op": 2, "to": "/in/x", "fr": who, "rqi": rqi}})


class Ends:
    def __init__(self, d):
        self.d = d
        self.key = put(d / "key", KEY)
        self.common = ["--key", f"k@maf.example={self.key}", "--originator", WHO, "--suid", "33"]

    def offer(self, *more):
        run("offer", "--state", self.d / "receiver", "--out", self.d / "offer", *more)

    def wrap(self, rqi, *more, code=0):
        put(self.d / "request", request(rqi))
        return run("wrap", "--state", self.d / "originator", *self.common, "--in", self.d / "request", "--out", self.d / "wrapped", *more, code=code)

    def unwrap(self, code=0, name="wrapped"):
        return run("unwrap", "--state", self.d / "receiver", *self.common, "--in", self.d / name, code=code)

    def answer(self, rqi):
        put(self.d / "response", json.dumps({"m2m:rsp": {"rsc": 2000, "rqi": rqi}}))
        run("answer", "--state", self.d / "receiver", *self.common, "--in", self.d / "response", "--out", self.d / "answered")

    def accept(self, rqi, code=0):
        return run("accept", "--state", self.d / "originator", *self.common, "--rqi", rqi, "--in", self.d / "answered", code=code)


def test_esprim_there_and_back(tmp_path):
    e = Ends(tmp_path)
    assert "esprim-receiver-object" in e.wrap("r1", code=1)[1]  # the receiver's object comes first
    e.offer("--shared")
    e.wrap("r1", "--offer", tmp_path / "offer")
    assert WHO not in (tmp_path / "wrapped").read_text()
    assert json.loads(e.unwrap()[0])["m2m:rqp"]["rqi"] == "r1"
    e.answer("r1")
    assert json.loads(e.accept("r1")[0])["m2m:rsp"]["rsc"] == 2000
    e.wrap("r2")  # the session goes on without an offer
    e.unwrap()
    e.answer("r2")
    e.accept("r2")


def test_esprim_refusals(tmp_path):
    e = Ends(tmp_path)
    e.offer()
    e.wrap("r1", "--offer", tmp_path / "offer")
    e.unwrap()
    assert "esprim-replayed" in e.unwrap(code=1)[1]
    e.answer("r1")
    assert "esprim-response" in e.accept("other", code=1)[1]
    e.accept("r1")
    e.key = put(tmp_path / "key2", "46" * 32 + "\n")
    e.wrap("r2")
    e.common[1] = f"k@maf.example={e.key}"
    assert "esprim-tag" in e.unwrap(code=1)[1]
    e.common[1] = f"j@maf.example={tmp_path / 'key'}"
    assert "esprim-key-unknown" in e.unwrap(code=1)[1]
    e.common[1] = f"k@maf.example={tmp_path / 'key'}"
    e.common[3] = "//sp.example/Sother"
    assert "esprim-impersonation" in e.unwrap(code=1)[1]
    e.common[3] = WHO
    e.common[5] = "32"
    assert "esprim-key-unknown" in e.unwrap(code=1)[1]  # a key for associations is none for ESPrim
    e.common[5] = "33"
    (tmp_path / "receiver").unlink()  # the receiver lost its state
    e.wrap("r3")
    assert "esprim-originator-object" in e.unwrap(code=1)[1]
    out, _ = run("accept", "--state", tmp_path / "originator", *e.common, "--rsc", "4113")
    assert out == "next=send-again\n"
    out, _ = run("accept", "--state", tmp_path / "originator", *e.common, "--rsc", "4113")
    assert out == "next=give-up\n"
    put(tmp_path / "receiver", "nonsense")
    assert "record-malformed" in e.unwrap(code=4)[1]


def test_a_file_that_lies_in_the_way_is_not_written_to(tmp_path):
    """Whoever left out.new there open to others does not get to read what is written."""
    key, data = put(tmp_path / "key", KEY), put(tmp_path / "data", "secret")
    left = put(tmp_path / "out.new", "left", 0o666)
    with open(left) as mine:
        run("protect", "--in", data, "--out", tmp_path / "out", "--class", "signed", "--source", f"k={key}")
        assert mine.read() == "left"
    assert stat.S_IMODE(os.stat(tmp_path / "out").st_mode) == 0o600 and not left.exists()


def test_esdata_files_and_modes(tmp_path):
    key = put(tmp_path / "key", KEY)
    content = put(tmp_path / "content", "21.5")
    run("protect", "--in", content, "--out", tmp_path / "object", "--to", f"k={key}", "--suid", "34")
    assert stat.S_IMODE(os.stat(tmp_path / "object").st_mode) == 0o600
    out, _ = run("open", "--in", tmp_path / "object", "--out", tmp_path / "back", "--own", f"k={key}", "--suid", "34", "--json")
    assert json.loads(out)["key_id"] == "k" and (tmp_path / "back").read_text() == "21.5"
    assert "key-usage" in run("open", "--in", tmp_path / "object", "--out", tmp_path / "no", "--own", f"k={key}", "--suid", "32", code=1)[1]
    assert "object-class" in run("open", "--in", tmp_path / "object", "--out", tmp_path / "no", "--own", f"k={key}", "--class", "nested", code=1)[1]
    assert "usage" in run("open", "--in", tmp_path / "object", "--out", tmp_path / "no", code=2)[1]
    key.chmod(0o644)
    assert "file-mode" in run("open", "--in", tmp_path / "object", "--out", tmp_path / "no", "--own", f"k={key}", code=2)[1]
    put(tmp_path / "object", "not an object")
    key.chmod(0o600)
    assert "object-malformed" in run("open", "--in", tmp_path / "object", "--out", tmp_path / "no", "--own", f"k={key}", code=2)[1]
    assert not (tmp_path / "no").exists()


def test_ke2e_keys_have_one_purpose_each(tmp_path):
    kpsa = put(tmp_path / "kpsa", KEY)
    for purpose in ("msg-auth", "msg-conf", "att-auth", "att-conf"):
        run("key", "--kpsa", kpsa, "--purpose", purpose, "--out", tmp_path / purpose)
    run("key", "--out", tmp_path / "random")
    assert len({(tmp_path / n).read_text() for n in ("msg-auth", "msg-conf", "att-auth", "att-conf", "random")}) == 5
    p = subprocess.run([ks.BIN, "derive", "ke2e", "--kpsa", KEY.strip(), "--json"], capture_output=True, timeout=60)
    derived = json.loads(p.stdout)
    assert (tmp_path / "att-conf").read_text().strip().lower() == derived["ke2e_att_conf"]
    run("key", "--out", tmp_path / "random", code=1)  # never overwritten
    run("key", "--kpsa", kpsa, "--out", tmp_path / "x", code=2)
    run("key", "--kpsa", kpsa, "--purpose", "all", "--out", tmp_path / "x", code=2)


def pki(*args):
    subprocess.run([ks.BIN, "pki", *[str(a) for a in args]], check=True, capture_output=True, timeout=60)


def certificates(d):
    pki("ca", "--cert", d / "ca.pem", "--key", d / "ca.key", "--permit-uri-host", "sp.example")
    for name in ("Sdev1", "Sdev2"):
        pki("issue", "--flavour", "ae-id", "--id", f"//sp.example/{name}", "--ca-cert", d / "ca.pem", "--ca-key", d / "ca.key",
            "--cert", d / f"{name}.pem", "--key", d / f"{name}.key")


def both(d, a_wants, b_wants):
    """Two processes, each other's standard input and output."""
    ab, ba = os.pipe(), os.pipe()

    def start(name, peer, fds, *more):
        return subprocess.Popen([ks.BIN, "object", "escertke", "--cert", d / f"{name}.pem", "--cert-key", d / f"{name}.key", "--trust",
                                 d / "ca.pem", "--flavour", "ae-id", "--peer", peer, "--out", d / f"{name}.made", *more],
                                stdin=fds[0], stdout=fds[1], stderr=subprocess.PIPE)

    a = start("Sdev1", a_wants, (ba[0], ab[1]), "--initiator")
    b = start("Sdev2", b_wants, (ab[0], ba[1]))
    for fd in (ab[1], ba[1], ba[0]):
        os.close(fd)
    results = [(p.communicate(timeout=60)[1].decode(), p.returncode) for p in (a, b)]
    os.close(ab[0])
    return results


def test_escertke_makes_a_key_for_esprim(tmp_path):
    certificates(tmp_path)
    assert [r for _, r in both(tmp_path, "//sp.example/Sdev2", "//sp.example/Sdev1")] == [0, 0]
    made = [(tmp_path / f"{n}.made").read_text() for n in ("Sdev1", "Sdev2")]
    assert made[0] == made[1] and len(made[0].strip()) == 64


@pytest.mark.parametrize("a,b", [("//sp.example/Sother", "//sp.example/Sdev1"), ("//sp.example/Sdev2", "//sp.example/Sother")])
def test_escertke_refuses_another_identity(tmp_path, a, b):
    certificates(tmp_path)
    results = both(tmp_path, a, b)
    assert any("certificate-name" in err and code == 1 for err, code in results) and all(code != 0 for _, code in results)
    assert not (tmp_path / "Sdev1.made").exists() and not (tmp_path / "Sdev2.made").exists()


@pytest.mark.parametrize("suid,kind", [(24, "encrypted"), (25, "signed")])
def test_a_key_of_the_enrolment_reaches_the_target_through_the_mef(lab, tmp_path, suid, kind):
    """The device derives it from its Ke, the target asks the MEF; only the reading is protected (R002-84)."""
    d = lab.device(f"object{suid}", target=ks.CSE_ID)
    state = tmp_path / "device"
    p = ks.run("device", "enrol", "--state", state, "--mef", "{}:{}".format(*lab.address("mef")), "--mef-id", ks.MEF, "--kpm-id", d.kpm_id,
               "--key-file", lab.key_file(d.name, d.psk), "--target", ks.MAF, "--json")  # the instruction of the MEF names the CSE
    assert p.returncode == 0, p.stdout + p.stderr
    ke_id = json.loads(p.stdout)["ke_id"]
    content = put(tmp_path / "content", "21.5")
    target = ks.target_fqdn(ks.CSE_ID)
    run("protect", "--class", kind, "--state", state, "--target", target, "--in", content, "--out", tmp_path / "object")
    answer = lab.fetch(ke_id, suid, who="cse")
    assert answer.status == 200, answer
    key = put(tmp_path / "fetched", base64.b64decode(answer.json["credential"]).hex() + "\n")
    told = run("open", "--in", tmp_path / "object", "--out", tmp_path / "back", "--own" if suid == 24 else "--source", f"{ke_id}={key}",
               "--suid", suid, "--json")[0]
    assert (tmp_path / "back").read_text() == "21.5" and json.loads(told)["class"] == kind
    run("open", "--in", tmp_path / "object", "--out", tmp_path / "mine", "--state", state, "--target", target)
    wrong = run("open", "--in", tmp_path / "object", "--out", tmp_path / "no", "--state", state, "--target", "other.keystead.test", code=1)
    assert "object-tag" in wrong[1] and not (tmp_path / "no").exists()
    assert "usage" in run("open", "--in", tmp_path / "object", "--out", tmp_path / "no", "--state", state, code=2)[1]
    run("open", "--in", tmp_path / "object", "--out", tmp_path / "no", "--state", tmp_path / "nobody", "--target", target, code=1)
