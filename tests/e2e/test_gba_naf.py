"""MAF and CSE as network application functions of GBA: a B-TID as psk_identity, its key fetched over Zn in the middle of the handshake from
a BSF that is written here in Python (mutual TLS, JSON), with openssl s_client and a second TLS-PSK client as the device."""
import base64
import hashlib
import hmac
import http.server
import json
import ssl
import subprocess
import threading
import time

import pytest

import keystead as ks
import tlspsk
from test_certificate import issue

BSF = f"bsf.{ks.SP}"
IMPI = b"001010123456789@ims.mnc001.mcc001.3gppnetwork.org"
PATH = "/nbsp-gba/v1/bootstrapping-info-retrieval"
TLS_PSK, DTLS_PSK = "00ae", "c0a8"


class Sim:
    """What a device and the BSF have after Ub."""

    def __init__(self, name, seconds=3600, enrolee=True):
        self.ks = hashlib.sha256(b"made-up Ks of " + name.encode()).digest()
        self.rand = hashlib.sha256(b"made-up RAND of " + name.encode()).digest()[:16]
        self.b_tid = base64.b64encode(self.rand).decode() + "@" + BSF
        self.stem = f"S{name}"
        self.enrolee_id = f"//{ks.SP}/{self.stem}" if enrolee else None
        self.end = int(time.time()) + seconds

    def key(self, label, naf_id):
        """TS 33.220 B.3, by hand."""
        s = b"\x01" + b"".join(p + len(p).to_bytes(2, "big") for p in (label, self.rand, IMPI, naf_id))
        return hmac.digest(self.ks, s, "sha256")

    def naf(self, fqdn, suite=TLS_PSK, label=b"gba-me"):
        return self.key(label, fqdn.encode() + bytes.fromhex("010001" + suite))


class Bsf(http.server.ThreadingHTTPServer):
    """Zn with mutual TLS; a NAF gets keys for its own FQDN only."""

    daemon_threads = True

    def __init__(self, where):
        super().__init__(("127.0.0.1", 0), BsfHandler)
        issue(where, "bsf", "fqdn", BSF)
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(where / "bsf.crt", where / "bsf.key")
        ctx.load_verify_locations(where / "ca.crt")
        ctx.verify_mode = ssl.CERT_REQUIRED
        self.socket = ctx.wrap_socket(self.socket, server_side=True)
        self.sims, self.asked, self.spoil, self.hold = {}, [], None, None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def add(self, name, **more):
        sim = Sim(name, **more)
        self.sims[sim.b_tid] = sim
        return sim


class BsfHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        rq = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        naf_id = base64.b64decode(rq["nafId"])
        names = [v for k, v in self.connection.getpeercert()["subjectAltName"] if k == "DNS"]
        self.server.asked.append((self.path, rq))
        sim = self.server.sims.get(rq["btId"])
        while self.server.hold == rq["btId"]:  # a BSF that takes its time
            time.sleep(0.05)
        status, body = 404, {"cause": "B_TID"}
        if sim and naf_id[:-5].decode() in names:
            end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(sim.end))
            status, body = 200, {"impi": IMPI.decode(), "meKeyMaterial": base64.b64encode(sim.key(b"gba-me", naf_id)).decode(),
                                 "keyExpiryTime": end}
            if sim.enrolee_id:
                body["enroleeID"] = sim.enrolee_id
            if sim.stem.startswith("Scard"):
                body["uiccKeyMaterial"] = base64.b64encode(sim.key(b"gba-u", naf_id)).decode()
        octets = json.dumps({**body, **(self.server.spoil or {})}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def bsf(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "g") as lab:
        it = Bsf(lab.where)
        it.lab = lab
        for role in ("maf", "cse"):
            lab.append(role, f"\n[peer {BSF}]\nkind = bsf\naddress = 127.0.0.1:{it.server_address[1]}\ncertificate = {role}.crt\n"
                             f"key = {role}.key\ntrust = ca.crt\n")
        lab.start("maf", "cse")
        yield it
        assert not ks.keys_in("".join(s.log() for s in lab.servers.values()),
                              [sim.naf(f) for sim in it.sims.values() for f in (ks.MAF, f"in.{ks.SP}")])
        it.shutdown()


def refused(client, alert=ks.UNKNOWN_PSK_IDENTITY):
    with pytest.raises(tlspsk.Alert) as e:
        client.connect()
    assert e.value.number == alert


def test_kpsa_is_the_naf_key_and_kpsa_id_the_b_tid(bsf):
    sim = bsf.add("kpsa")
    key = sim.naf(f"in.{ks.SP}")  # R001-136, R001-138
    with bsf.lab.psk("cse", sim.b_tid, key).connect() as c:  # R001-130, R001-131, R001-133, R001-141, R001-142
        assert c.hint == b"3GPP-bootstrapping"
        assert ks.register(c, sim.stem).rsc == 2001
    path, rq = bsf.asked[-1]  # R001-132
    assert (path, rq["btId"], rq["gbaUAware"]) == (PATH, sim.b_tid, True)
    assert base64.b64decode(rq["nafId"]) == f"in.{ks.SP}".encode() + bytes.fromhex("01000100ae")
    shown = bsf.lab.ctl_json("cse", "credential", "show", sim.b_tid)
    assert (shown["kind"], shown["source"], shown["enrolee-id"]) == ("kpsa", BSF, sim.enrolee_id)
    for identity in (sim.b_tid, "3GPP-bootstrapping;" + sim.b_tid):  # a client that nobody here wrote
        got = ks.SClient(bsf.lab.address("cse"), identity, key, send=ks.request_octets("retrieve", f"/{sim.stem}", origin=sim.stem))
        assert got.finished and "HTTP/1.1 200" in got.text and "3GPP-bootstrapping" in got.text
    refused(bsf.lab.psk("cse", sim.b_tid, bytes(32)), ks.DECRYPT_ERROR)  # refuses R001-133, R001-142
    bsf.lab.ctl_json("cse", "credential", "suspend", sim.b_tid)
    asked = len(bsf.asked)
    refused(bsf.lab.psk("cse", sim.b_tid, key))
    assert len(bsf.asked) == asked  # who was suspended here is not asked about
    bsf.lab.ctl_json("cse", "credential", "resume", sim.b_tid)


def test_km_is_the_naf_key_and_km_id_the_b_tid(bsf):
    sim = bsf.add("km")
    d = ks.Device("km", ke_id=sim.b_tid)
    with bsf.lab.psk("maf", sim.b_tid, sim.naf(ks.MAF)).connect() as c:  # R001-130, R001-131, R001-138, R001-141
        made = ks.ask(c, "create", "/-", {"m2m:macr": {"et": ks.later(), "adfq": ks.SP}}, 60002, d.enrolee_id)
        assert made.rsc == 2001, made
    shown = bsf.lab.ctl_json("maf", "credential", "show", sim.b_tid)
    assert shown["enrolee-id"] == sim.enrolee_id
    bsf.lab.ctl_json("maf", "credential", "suspend", sim.b_tid)
    asked = len(bsf.asked)
    refused(bsf.lab.psk("maf", sim.b_tid, sim.naf(ks.MAF)))
    assert len(bsf.asked) == asked  # who was suspended here is not asked about
    bsf.lab.ctl_json("maf", "credential", "resume", sim.b_tid)
    bsf.lab.psk("maf", sim.b_tid, sim.naf(ks.MAF)).connect().close()


def test_the_key_in_the_card(bsf):
    sim, plain = bsf.add("card"), bsf.add("nocard")
    key = sim.naf(f"in.{ks.SP}", label=b"gba-u")
    with bsf.lab.psk("cse", "3GPP-bootstrapping-uicc;" + sim.b_tid, key).connect() as c:  # R001-137, R001-139
        assert ks.register(c, sim.stem).rsc == 2001
    bsf.lab.psk("cse", sim.b_tid, sim.naf(f"in.{ks.SP}")).connect().close()  # R001-140: Ks_ext_NAF
    refused(bsf.lab.psk("cse", sim.b_tid, key), ks.DECRYPT_ERROR)  # refuses R001-139
    refused(bsf.lab.psk("cse", "3GPP-bootstrapping-uicc;" + plain.b_tid, plain.naf(f"in.{ks.SP}", label=b"gba-u")))


def test_handshakes_at_once(bsf):
    """Those that ask for the same key share one question of their worker; one that means the key in the card does not get the other."""
    sim, workers = bsf.add("card-at-once"), bsf.lab.ctl_json("cse", "status")["workers"]
    ways = [(sim.b_tid, b"gba-me"), ("3GPP-bootstrapping-uicc;" + sim.b_tid, b"gba-u")] * (2 * workers)
    asked, got = len(bsf.asked), []
    bsf.hold = sim.b_tid
    try:
        threads = [threading.Thread(target=lambda way=way: got.append(bsf.lab.psk("cse", way[0], sim.naf(f"in.{ks.SP}", label=way[1])).connect()))
                   for way in ways]
        for t in threads:
            t.start()
        ks.wait_for(lambda: bsf.lab.ctl_json("cse", "status")["counters"]["waiting_now"] == len(ways), what="the handshakes")
    finally:
        bsf.hold = None
    for t in threads:
        t.join(ks.PATIENCE)
    for c in got:
        c.close()
    assert len(got) == len(ways) and 2 <= len(bsf.asked) - asked <= 2 * workers, (len(bsf.asked) - asked, workers)


def test_a_refusal_is_remembered(bsf):
    """Each worker asks about a B-TID that the BSF does not know once a second at most, however often somebody tries it."""
    nobody, workers = Sim("tries"), bsf.lab.ctl_json("cse", "status")["workers"]
    asked, began, tries = len(bsf.asked), time.monotonic(), 0
    while tries < 6 * workers:
        refused(bsf.lab.psk("cse", nobody.b_tid, nobody.naf(f"in.{ks.SP}")))
        tries += 1
    assert 1 <= len(bsf.asked) - asked <= workers * (int(time.monotonic() - began) + 1)


def test_dtls_has_a_key_of_its_own(bsf):
    sim = bsf.add("dtls")
    _, port = bsf.lab.address("cse")  # CoAPS on the UDP port of the same number

    def handshake(key):
        p = subprocess.run(["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{port}", "-servername", "localhost",
                            "-psk_identity", sim.b_tid, "-psk", key.hex(), "-state", "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0"],
                           input=b"Q\n", capture_output=True, timeout=ks.PATIENCE)
        return "read finished" in (p.stdout + p.stderr).decode(errors="replace")

    tls, dtls = sim.naf(f"in.{ks.SP}"), sim.naf(f"in.{ks.SP}", DTLS_PSK)
    assert tls != dtls
    assert handshake(dtls)  # R001-142
    bsf.lab.psk("cse", sim.b_tid, tls).connect().close()
    assert handshake(dtls) and not handshake(tls)
    refused(bsf.lab.psk("cse", sim.b_tid, dtls), ks.DECRYPT_ERROR)  # refuses R001-142


def test_refusals(bsf):
    nobody, over = Sim("nobody"), bsf.add("over", seconds=-1)
    refused(bsf.lab.psk("cse", nobody.b_tid, nobody.naf(f"in.{ks.SP}")))  # refuses R001-132
    refused(bsf.lab.psk("cse", over.b_tid, over.naf(f"in.{ks.SP}")))  # refuses R001-134
    foreign = nobody.b_tid.replace(BSF, "bsf.elsewhere.example")
    asked = len(bsf.asked)
    refused(bsf.lab.psk("cse", foreign, bytes(32)))  # no stranger makes us call a host
    assert len(bsf.asked) == asked
    soon = bsf.add("soon", seconds=4)
    with bsf.lab.psk("cse", soon.b_tid, soon.naf(f"in.{ks.SP}")).connect() as c:
        assert ks.register(c, soon.stem).rsc == 2001
        time.sleep(max(0, soon.end - time.time()) + 0.3)
        with pytest.raises(tlspsk.Closed):  # refuses R001-134
            assert ks.ask(c, "retrieve", f"/{soon.stem}", origin=soon.stem).rsc != 2000
            raise tlspsk.Closed
    refused(bsf.lab.psk("cse", soon.b_tid, soon.naf(f"in.{ks.SP}")))  # refuses R001-134
    # what differs only in the case of its base64 is another device
    other = Sim("case")
    bsf.sims[other.b_tid] = other
    assert other.b_tid.swapcase().lower() == other.b_tid.lower()
    head, fqdn = other.b_tid.split("@")
    refused(bsf.lab.psk("cse", head.swapcase() + "@" + fqdn, other.naf(f"in.{ks.SP}")))
    bsf.lab.psk("cse", other.b_tid, other.naf(f"in.{ks.SP}")).connect().close()


@pytest.mark.parametrize("spoil", [{"meKeyMaterial": "QkJC"}, {"meKeyMaterial": 7}, {"keyExpiryTime": "20990101T000000"},
                                   {"enroleeID": "nobody"}, {"enroleeID": ks.CSE_ID}])
def test_nonsense(bsf, spoil):
    sim = bsf.add(f"nonsense-{spoil}")
    bsf.spoil = spoil
    try:
        refused(bsf.lab.psk("cse", sim.b_tid, sim.naf(f"in.{ks.SP}")), ks.INTERNAL_ERROR)
    finally:
        bsf.spoil = None


def test_no_point_of_access_leads_to_the_bsf(bsf):
    """Asked in the name of the CSE it would tell the key of anybody."""
    victim, thief = bsf.add("victim"), bsf.add("thief")
    naf_id = base64.b64encode(f"in.{ks.SP}".encode() + bytes.fromhex("01000100ae")).decode()
    url = f"https://{BSF}{PATH}"
    with bsf.lab.psk("cse", thief.b_tid, thief.naf(f"in.{ks.SP}")).connect() as c:
        assert ks.register(c, thief.stem).rsc == 2001
        asked = len(bsf.asked)
        assert ks.ask(c, "update", f"/{thief.stem}", {"m2m:ae": {"rr": True, "poa": [url]}}, origin=thief.stem).rsc == 2004
        r = ks.ask(c, "notify", f"/{thief.stem}", {"btId": victim.b_tid, "nafId": naf_id, "gbaUAware": False}, origin=thief.stem)
        assert r.rsc >= 4000 and "KeyMaterial" not in str(r), r
        assert ks.create_container(c, thief.stem, f"/{thief.stem}", "box").rsc == 2001
        for where in ({"nu": [url]}, {"nu": [thief.stem], "su": url}):
            r = ks.ask(c, "create", f"/-/{thief.stem}/box", {"m2m:sub": where}, 23, thief.stem)
            assert (r.rsc, r.reason) == (5204, "notification-url"), r
    assert len(bsf.asked) == asked
