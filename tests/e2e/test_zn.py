"""A SIM from Ub to its association: our BSF, asked over Zn by our MAF and our IN-CSE in the middle of a handshake; the device is written from
the specification alone. And what a NAF is refused."""
import base64
import hashlib
import hmac
import json
import socket
import subprocess

import pytest

import keystead as ks
import tlspsk
import ub
from test_certificate import issue

# made up: the first test set of TS 35.208
K = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc")
OPC = bytes.fromhex("cd63cb71954a9f4e48a5994e37a02baf")
BSF = f"bsf.{ks.SP}"
PATH = "/nbsp-gba/v1/bootstrapping-info-retrieval"
SUITE = "010001" + "00ae"  # of tlspsk.py


def impi(n):
    return f"00101000000{n:04}@ims.mnc001.mcc001.3gppnetwork.org"


class Bsf:
    def __init__(self, lab):
        self.lab, self.ub, self.zn = lab, ks.free_port(), ks.free_port()
        issue(lab.where, "bsf", "fqdn", BSF)
        text = lab.conf("mef").read_text().replace("roles = mef", "roles = mef, bsf")
        lab.conf("mef").write_text(text + f"\n[bsf]\nfqdn = {BSF}\n[listener ub]\nrole = bsf\naddress = 127.0.0.1:{self.ub}\ntls = off\n"
                                   f"[listener zn]\nrole = bsf\naddress = 127.0.0.1:{self.zn}\ncertificate = bsf.crt\nkey = bsf.key\n"
                                   "trust = ca.crt\n")
        for role in ("maf", "cse"):
            lab.append(role, f"\n[peer {BSF}]\nkind = bsf\naddress = 127.0.0.1:{self.zn}\ncertificate = {role}.crt\nkey = {role}.key\n"
                             "trust = ca.crt\n")

    def device(self, n, stem, *more):
        """A subscriber that has run Ub: B-TID and a function that gives the key of a NAF."""
        key = self.lab.where / "made-up.key"
        key.write_text((K + OPC).hex() + "\n")
        key.chmod(0o600)
        self.lab.ctl_json("mef", "subscriber", "add", "--impi", impi(n), "--kind", "milenage", "--key-file", key, "--enrolee-id",
                          f"//{ks.SP}/{stem}", *more)
        b_tid, _, k_s, rand = ub.Ue(("127.0.0.1", self.ub), ub.Sim(K, OPC), impi(n), BSF).bootstrap()

        def naf(fqdn):  # TS 33.220 B.3, by hand
            parts = (b"gba-me", rand, impi(n).encode(), fqdn.encode() + bytes.fromhex(SUITE))
            return hmac.digest(k_s, b"\x01" + b"".join(p + len(p).to_bytes(2, "big") for p in parts), "sha256")
        return b_tid, naf

    def ask(self, cert, b_tid, fqdn, **more):
        """As a NAF with this certificate: status and body, by curl."""
        body = {"btId": b_tid, "nafId": base64.b64encode(fqdn.encode() + bytes.fromhex(SUITE)).decode(), **more}
        p = subprocess.run(["curl", "-sS", "-w", "\n%{http_code}", "--resolve", f"{BSF}:{self.zn}:127.0.0.1", "--cacert", "ca.crt",
                            *(("--cert", f"{cert}.crt", "--key", f"{cert}.key") if cert else ()), "-H", "Content-Type: application/json",
                            "-H", "X-M2M-RI: 1", "-H", "X-M2M-RVI: 3", "-d", json.dumps(body), f"https://{BSF}:{self.zn}{PATH}"],
                           cwd=self.lab.where, capture_output=True, text=True)
        text, _, status = p.stdout.rpartition("\n")
        return int(status or 0), text


@pytest.fixture(scope="module")
def bsf(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "z") as lab:
        it = Bsf(lab)
        lab.start("mef", "maf", "cse")
        yield it


def test_from_ub_to_the_association(bsf):
    """R001-121, R001-122, R001-132: the BSF hands the key on to the target that asks for it, with Enrolee-ID and end."""
    b_tid, naf = bsf.device(1, "Ssim", "--naf", f"in.{ks.SP}=both,{ks.MAF}=both")
    with bsf.lab.psk("cse", b_tid, naf(f"in.{ks.SP}")).connect() as c:
        assert ks.register(c, "Ssim").rsc == 2001
    shown = bsf.lab.ctl_json("cse", "credential", "show", b_tid)
    assert (shown["source"], shown["enrolee-id"]) == (BSF, f"//{ks.SP}/Ssim")
    with bsf.lab.psk("maf", b_tid, naf(ks.MAF)).connect() as c:
        assert c.hint == b"3GPP-bootstrapping"
    given = [e for e in bsf.lab.ctl_json("mef", "audit", "tail")["events"] if e["event"] == "naf-key-given"]
    assert {(e["peer"], e["object"]) for e in given} == {(f"in.{ks.SP}", b_tid), (ks.MAF, b_tid)}
    assert not ks.keys_in("".join(s.log() for s in bsf.lab.servers.values()), [naf(ks.MAF), naf(f"in.{ks.SP}")])


def test_a_key_without_permission(bsf):
    """refuses R001-123, refuses R001-124"""
    for n, guss in ((2, "none"), (3, "establish"), (4, "distribute")):
        b_tid, naf = bsf.device(n, f"Ssim{n}", "--naf", f"in.{ks.SP}={guss},other.example=both")
        with pytest.raises(tlspsk.Alert):
            bsf.lab.psk("cse", b_tid, naf(f"in.{ks.SP}")).connect()
        status, body = bsf.ask("cse", b_tid, f"in.{ks.SP}")
        assert status == 403 and "guss-" in body, (guss, status, body)


def test_a_key_of_another_naf(bsf):
    """refuses R001-121, refuses R001-132: the NAF must own the FQDN in its NAF_Id; an unknown B-TID; no certificate; nonsense."""
    b_tid, naf = bsf.device(5, "Ssim5")
    other = base64.b64encode(hashlib.sha256(b_tid.encode()).digest()[:16]).decode() + "@" + BSF  # well formed, of no run
    for cert, name, fqdn, want in (("maf", b_tid, f"in.{ks.SP}", (403, "from-not-associated")),
                                   ("cse", other, f"in.{ks.SP}", (403, "b-tid-unknown")),
                                   ("cse", "made-up", f"in.{ks.SP}", (400, "key-id-malformed")),
                                   ("cse", b_tid, "-", (400, "identifier-malformed"))):
        status, body = bsf.ask(cert, name, fqdn)
        assert status == want[0] and want[1] in body, (name, fqdn, status, body)
        assert base64.b64encode(naf(f"in.{ks.SP}")).decode() not in body
    assert bsf.ask(None, b_tid, f"in.{ks.SP}")[0] == 0
    with socket.create_connection(("127.0.0.1", bsf.ub), timeout=30) as s:  # the plain listener of Ub gives no key
        body = json.dumps({"btId": b_tid, "nafId": base64.b64encode(b"in.x" + hashlib.sha256(b"x").digest()[:5]).decode()})
        s.sendall(f"POST {PATH} HTTP/1.1\r\nHost: b\r\nX-M2M-RI: 1\r\nX-M2M-RVI: 3\r\nContent-Type: application/json\r\n"
                  f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        assert b" 403 " in s.recv(4096).split(b"\r\n")[0]
