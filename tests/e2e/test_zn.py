"""A SIM from Ub to its association: our BSF, asked over Zn by our MAF (JSON) and our IN-CSE (SOAP) in the middle of a handshake; the device
is written from the specification alone. And what a NAF is refused, in both forms."""
import base64
import hashlib
import hmac
import json
import socket
import re
import subprocess
import xml.etree.ElementTree as ElementTree

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
SOAP_PATH = "/bsf/requestBootstrappingInfo"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACES = ("http://www.3gpp.org/GBAService", "urn:3gpp:gba:GBAService")
FORMS = {"maf": "zn-form = json\ngsid = 9\nuss = required\n", "cse": "zn-form = soap\ngsid = 7\n"}
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
                             "trust = ca.crt\n" + FORMS[role])

    def device(self, n, stem, *more, enrolee=True):
        """A subscriber that has run Ub: B-TID and a function that gives the key of a NAF."""
        key = self.lab.where / "made-up.key"
        key.write_text((K + OPC).hex() + "\n")
        key.chmod(0o600)
        self.lab.ctl_json("mef", "subscriber", "add", "--impi", impi(n), "--kind", "milenage", "--key-file", key,
                          *(("--enrolee-id", f"//{ks.SP}/{stem}") if enrolee else ()), *more)
        b_tid, _, k_s, rand = ub.Ue(("127.0.0.1", self.ub), ub.Sim(K, OPC), impi(n), BSF).bootstrap()

        def naf(fqdn):  # TS 33.220 B.3, by hand
            parts = (b"gba-me", rand, impi(n).encode(), fqdn.encode() + bytes.fromhex(SUITE))
            return hmac.digest(k_s, b"\x01" + b"".join(p + len(p).to_bytes(2, "big") for p in parts), "sha256")
        return b_tid, naf

    def post(self, cert, path, media, body):
        p = subprocess.run(["curl", "-sS", "-w", "\n%{http_code} %{content_type}", "--resolve", f"{BSF}:{self.zn}:127.0.0.1", "--cacert",
                            "ca.crt", "--cert", f"{cert}.crt", "--key", f"{cert}.key", "-H", f"Content-Type: {media}", "--data-binary", "@-",
                            f"https://{BSF}:{self.zn}{path}"], cwd=self.lab.where, input=body, capture_output=True, text=True)
        text, _, end = p.stdout.rpartition("\n")
        return int(end.split()[0]), end.split(" ", 1)[1], text

    def soap(self, cert, b_tid, fqdn, ns=NAMESPACES[0], more="", head="", suite=SUITE):
        """The key and the element of the answer, or the fault: its code, text and name."""
        naf = base64.b64encode(fqdn.encode() + bytes.fromhex(suite)).decode()
        status, media, text = self.post(cert, SOAP_PATH, "text/xml; charset=utf-8", f'<s:Envelope xmlns:s="{SOAP}">{head}<s:Body>'
                                        f'<requestBootstrappingInfoRequest xmlns="{ns}"><btid>{b_tid}</btid><nafid>{naf}</nafid>{more}'
                                        '</requestBootstrappingInfoRequest></s:Body></s:Envelope>')
        assert media.startswith("text/xml"), (status, media, text)
        body = ElementTree.fromstring(text)[0][0]
        if status == 200:
            assert body.tag == f"{{{ns}}}requestBootstrappingInfoResponse"
            return base64.b64decode(body.find(f"{{{ns}}}meKeyMaterial").text), body
        assert (status, body.tag) == (500, f"{{{SOAP}}}Fault"), (status, text)
        return tuple(body.find(n).text for n in ("faultcode", "faultstring")) + tuple(e.text for e in body.findall("detail/*"))

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
    b_tid, naf = bsf.device(1, "Ssim", "--naf", f"in.{ks.SP}=both,{ks.MAF}=both", "--uss",
                            "7;type=2;flag=1;flag=4;uid=sip:sim@example.com,9;group=m2m")
    with bsf.lab.psk("cse", b_tid, naf(f"in.{ks.SP}")).connect() as c:
        assert ks.register(c, "Ssim").rsc == 2001
    shown = bsf.lab.ctl_json("cse", "credential", "show", b_tid)
    assert (shown["source"], shown["enrolee-id"]) == (BSF, f"//{ks.SP}/Ssim")
    assert shown["uss"] == ["7;type=2;flag=1;flag=4;uid=sip:sim@example.com"]  # R001-135: of its own service alone
    with bsf.lab.psk("maf", b_tid, naf(ks.MAF)).connect() as c:
        assert c.hint == b"3GPP-bootstrapping"
    assert bsf.lab.ctl_json("maf", "credential", "show", b_tid)["uss"] == ["9;group=m2m"]  # R001-135
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


def test_what_the_bsf_takes_back(bsf):
    """refuses R001-124: the key is asked for in each handshake, so a subscriber that is no more opens nothing new; what is open goes on."""
    b_tid, naf = bsf.device(10, "Ssim10")
    with bsf.lab.psk("cse", b_tid, naf(f"in.{ks.SP}")).connect() as c:
        assert ks.register(c, "Ssim10").rsc == 2001
        bsf.lab.ctl_json("mef", "subscriber", "remove", impi(10))
        with pytest.raises(tlspsk.Alert):
            bsf.lab.psk("cse", b_tid, naf(f"in.{ks.SP}")).connect()
        assert ks.ask(c, "retrieve", "/Ssim10", origin="Ssim10").rsc == 2000


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


def test_settings_of_the_subscriber(bsf):
    """refuses R001-135: where USS are required, who has none is refused; a uid in them names the Enrolee where the BSF does not."""
    b_tid, naf = bsf.device(6, "-", "--uss", f"7;uid=sip:x@example.com;uid=//{ks.SP}/Ssim6", enrolee=False)
    with bsf.lab.psk("cse", b_tid, naf(f"in.{ks.SP}")).connect() as c:
        assert ks.register(c, "Ssim6").rsc == 2001
    assert bsf.lab.ctl_json("cse", "credential", "show", b_tid)["enrolee-id"] == f"//{ks.SP}/Ssim6"
    with pytest.raises(tlspsk.Alert):
        bsf.lab.psk("maf", b_tid, naf(ks.MAF)).connect()
    assert "uss-missing" in bsf.lab.servers["maf"].log()
    assert bsf.lab.ctl_json("mef", "subscriber", "show", impi(6))["uss"] == [f"7;uid=sip:x@example.com;uid=//{ks.SP}/Ssim6"]
    for wrong in ("x", "7;flag=", "7;uid=a b", "7;other=1", "1,2,3,4,5"):
        p = bsf.lab.ctl("mef", "subscriber", "add", "--impi", impi(7), "--kind", "milenage", "--key-file", bsf.lab.where / "made-up.key",
                        "--uss", wrong)
        assert p.returncode != 0 and "--uss" in p.stdout + p.stderr, wrong


def test_soap(bsf):
    """R000-74, R001-132: both namespaces, with an envelope and without, are answered as they ask."""
    fqdn = f"in.{ks.SP}"
    b_tid, naf = bsf.device(8, "Ssim8", "--uss", "7;type=1;group=m2m;flag=3;uid=sip:8@example.com,8")
    for ns in NAMESPACES:
        key, said = bsf.soap("cse", b_tid, fqdn, ns, "<gsid>7</gsid><gbaUAware>true</gbaUAware>")
        assert key == naf(fqdn)
        assert said.find(f"{{{ns}}}impi").text == impi(8) and said.find(f"{{{ns}}}enroleeID").text == f"//{ks.SP}/Ssim8"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said.find(f"{{{ns}}}keyExpiryTime").text)
        uss = said.findall(f".//{{{ns}}}uss")
        assert [(u.get("id"), u.get("type"), u.get("nafGroup")) for u in uss] == [("7", "1", "m2m")]
        assert [e.text for e in uss[0].iter() if e.text] == ["sip:8@example.com", "3"]
    naf_id = base64.b64encode(fqdn.encode() + bytes.fromhex(SUITE)).decode()
    status, _, text = bsf.post("cse", SOAP_PATH, "text/xml", '<?xml version="1.0" encoding="UTF-8"?><requestBootstrappingInfoRequest '
                               f'xmlns="{NAMESPACES[0]}"><btid>{b_tid}</btid><nafid>{naf_id}</nafid><gsid>0</gsid><gbaUAware>True</gbaUAware>'
                               "</requestBootstrappingInfoRequest>")  # as a known client writes it, who takes the second child
    root = ElementTree.fromstring(text)
    assert status == 200 and root.tag.endswith("}requestBootstrappingInfoResponse")
    assert base64.b64decode(root[1].text) == naf(fqdn) and not root.findall(f".//{{{NAMESPACES[0]}}}uss")


def test_soap_that_is_refused(bsf):
    """refuses R000-74, refuses R001-121: each with a fault that says why."""
    fqdn = f"in.{ks.SP}"
    b_tid, naf = bsf.device(9, "Ssim9", "--naf", f"{ks.MAF}=both")
    other = base64.b64encode(hashlib.sha256(b_tid.encode()).digest()[:16]).decode() + "@" + BSF
    must = f'<s:Header><x xmlns="u" s:mustUnderstand="1"/></s:Header>'
    for rq, code, reason, name in (
            (("maf", b_tid, fqdn), "soap:Client", "from-not-associated", "NOT_AUTHORIZED"),
            (("cse", b_tid, fqdn), "soap:Client", "guss-no-key", "NOT_AUTHORIZED"),
            (("cse", other, fqdn), "soap:Client", "b-tid-unknown", "TRANSACTION_IDENTIFIER_INVALID"),
            (("cse", "made-up", fqdn), "soap:Client", "key-id-malformed", "TRANSACTION_IDENTIFIER_INVALID"),
            (("cse", b_tid, "-"), "soap:Client", "identifier-malformed", None),
            (("cse", b_tid, fqdn, "urn:other"), "soap:Client", "xml-namespace", None),
            (("cse", b_tid, fqdn, NAMESPACES[0], "<gsid>x</gsid>"), "soap:Client", "attribute-type", None),
            (("cse", b_tid, fqdn, NAMESPACES[0], "<btid>again</btid>"), "soap:Client", "xml-malformed", None),
            (("cse", b_tid, fqdn, NAMESPACES[0], "<a>" * 20 + "</a>" * 20), "soap:Client", "too-deep", None),
            (("cse", b_tid, fqdn, NAMESPACES[0], "<!--" + "x" * 9000 + "-->"), "soap:Client", "too-large", None),
            (("cse", b_tid, fqdn, NAMESPACES[0], "", must), "soap:MustUnderstand", "not-implemented", None)):
        fault = bsf.soap(*rq)
        assert isinstance(fault[0], str), rq
        assert fault[0] == code and fault[1].startswith(reason + ":") and (fault[2:] or (None,))[0] == name, (rq, fault)
    laughs = "<!DOCTYPE l [<!ENTITY a 'haha'>" + "".join(f"<!ENTITY {y} '{f'&{x};' * 10}'>" for x, y in zip("abcdefg", "bcdefgh")) + "]>"
    for body, media, reason in ((f"{laughs}<l>&h;</l>", "text/xml", "xml-doctype"),
                                ("<!DOCTYPE l SYSTEM 'file:///etc/hostname'><l/>", "text/xml", "xml-doctype"),
                                ("<l>&h;</l>", "text/xml", "xml-malformed"), ("<l>", "text/xml", "xml-malformed"),
                                ("{}", "application/json", "media-type"), ("", "text/xml", "xml-malformed")):
        status, got, text = bsf.post("cse", SOAP_PATH, media, body)
        assert (status, got.split(";")[0]) == (500, "text/xml") and f">{reason}:" in text, (body, status, text)
        assert "hahahaha" not in text
    log = bsf.lab.servers["mef"].log()
    assert not ks.keys_in(log, [naf(fqdn)])
    assert "guss-no-key" in log and "guss-no-key" in str(bsf.lab.ctl_json("mef", "audit", "tail")["events"])
