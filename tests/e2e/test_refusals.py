"""Each refusal of handshakes and requests: wrong, unknown, expired, revoked, foreign. After every one the peer that
is in the right is still served (the lab is shared by all tests of this file)."""
import base64
import hashlib
import ssl
import time

import pytest

import keystead as ks
import tlspsk

WRONG = hashlib.sha256(b"made-up wrong key").digest()


def refused(client, *numbers):
    """The handshake must fail with one fatal alert; the number is returned."""
    with pytest.raises(tlspsk.Alert) as e:
        client.connect()
    client.close()
    assert e.value.level == 2
    assert not numbers or e.value.number in numbers, f"alert {e.value.number}, not {numbers}"
    return e.value.number



# -- the MEF ---------------------------------------------------------------------------------------------------
def test_mef_wrong_key(lab):
    d = lab.device("wrong-key")
    before = len(lab.enrolments())
    refused(lab.psk("mef", d.kpm_id, WRONG), ks.DECRYPT_ERROR)  # refuses R001-83, refuses R000-23, refuses R001-81
    assert len(lab.enrolments()) == before, "no state is left behind"  # refuses R001-85, R001-11
    lab.enrol(d)


@pytest.mark.parametrize("identity", [
    "nobody@" + ks.MEF, "nobody", "@", "@" + ks.MEF, "nobody@", "nobody@other.test", "nobody@" + ks.MAF, "",
    "no body@" + ks.MEF, "nobody@@" + ks.MEF, "n\xf6body@" + ks.MEF, "x" * 128, "x" * 200 + "@" + ks.MEF, "../../etc/passwd",
    "%00@" + ks.MEF, "'; DROP TABLE kv; --@" + ks.MEF, "nobody@" + ks.MEF + "\n", "nobody@" + "a." * 60 + "test"])
def test_mef_unknown_identity(lab, identity):
    refused(lab.psk("mef", identity, WRONG), ks.UNKNOWN_PSK_IDENTITY)  # refuses R001-82


def test_mef_identity_with_a_nul(lab):
    """The longer name must not pass as the shorter one: OpenSSL's callback would see it cut."""
    d = lab.device("nul")
    for identity in (d.kpm_id.encode() + b"\0", d.kpm_id.encode() + b"\0x", b"\0" + d.kpm_id.encode(), b"\0"):
        refused(lab.psk("mef", identity, d.psk), ks.UNKNOWN_PSK_IDENTITY)  # refuses R001-82
    lab.enrol(d)


@pytest.mark.parametrize("n", [256, 257, 1024, 16000])
def test_mef_identity_too_long(lab, n):
    refused(lab.psk("mef", b"x" * n, WRONG))  # refuses R001-82


def test_identity_of_255_octets_is_taken(lab):
    """CHOICE-32: up to OpenSSL's limit."""
    name = "y" * (255 - 1 - len(ks.MEF))
    lab.enrol(lab.device(name, enrolee_id=f"//{ks.SP}/Slong"))


def test_mef_not_instructed(lab):
    d = lab.add(ks.Device("not-instructed"), instructed=False, allowed=False)
    refused(lab.psk("mef", d.kpm_id, d.psk), ks.UNKNOWN_PSK_IDENTITY)  # refuses R001-73, refuses R001-77


def test_mef_expired_credential(lab):
    d = lab.device("short-lived", lifetime="3s")
    lab.enrol(d)
    time.sleep(3.5)
    refused(lab.psk("mef", d.kpm_id, d.psk), ks.UNKNOWN_PSK_IDENTITY)  # refuses R002-63
    r = lab.fetch(d.ke_id)
    assert r.status == 404 and r.json["status"] is False, r  # refuses R002-63: Ke went with it (CHOICE-48)
    refused(lab.psk("maf", d.ke_id, d.km), ks.UNKNOWN_PSK_IDENTITY)


def test_mef_revoked_credential_bites_at_once(lab):
    d = lab.device("revoked")
    lab.enrol(d)
    assert lab.fetch(d.ke_id).status == 200
    lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
    refused(lab.psk("mef", d.kpm_id, d.psk), ks.UNKNOWN_PSK_IDENTITY)
    r = lab.fetch(d.ke_id)
    assert r.status in (403, 404) and r.json["status"] is False, "its Enrolment Keys went with it"


def test_revoked_in_mid_handshake(lab):
    """Between ClientKeyExchange and Finished the operator revokes: nothing is enrolled."""
    d = lab.device("revoked-midway")
    with lab.psk("mef", d.kpm_id, d.psk) as c:
        c.open()
        c.send_hello()
        c.read_hello()
        c.send_key_exchange()
        time.sleep(0.3)
        lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
        c.send_finished()
        with pytest.raises(tlspsk.Alert):
            c.read_finished()
    assert d.kpm_id not in str(lab.enrolments())


def test_at_most_eight_live_keys(lab):
    d = lab.device("eight")
    ids = [lab.enrol(d).ke_id for _ in range(10)]
    live = [e for e in lab.enrolments() if d.kpm_id in str(e)]
    assert len(live) == 8
    for gone in ids[:2]:
        r = lab.fetch(gone)
        assert r.status == 404 and r.json["status"] is False, r
    for there in ids[2:]:
        assert lab.fetch(there).status == 200


# -- TLS profile -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ks.ROLES)
def test_tls_profile(lab, role):
    d = lab.device(f"profile-{role}")
    for suites in ((0x002F,), (0x008C,), (0x00A8,), (0x00B0,), (0x0000,), (0xC037,), (0x1301,)):
        refused(lab.psk(role, d.kpm_id, d.psk, suites=suites), ks.HANDSHAKE_FAILURE)  # refuses R001-84
    for version in (0x0300, 0x0301, 0x0302):  # SSL 3.0 knows no alert 70
        refused(lab.psk(role, d.kpm_id, d.psk, version=version), ks.PROTOCOL_VERSION, *[ks.HANDSHAKE_FAILURE] * (version == 0x0300))
    refused(lab.psk(role, d.kpm_id, d.psk, ems=False), ks.HANDSHAKE_FAILURE)  # CHOICE-09
    c = lab.psk(role, d.kpm_id, d.psk)
    c.sni = "somebody.else.test"
    refused(c, ks.UNRECOGNIZED_NAME)  # CHOICE-29


def test_tls_profile_accepts(lab):
    d = lab.device("profile-ok")
    for sni in (None, "localhost", ks.MEF, ks.MEF.upper()):  # 4.2: missing means the default authority
        c = lab.psk("mef", d.kpm_id, d.psk)
        c.sni = sni
        with c.connect():
            assert c.suite == 0x00AE  # R001-84
            assert c.ems  # CHOICE-09
    with lab.psk("mef", d.kpm_id, d.psk, etm=False).connect():
        pass
    with lab.psk("mef", d.kpm_id, d.psk, suites=(0x008C, 0x00AE, 0x1301)).connect() as c:
        assert c.suite == 0x00AE


def test_spoilt_finished(lab):
    """A peer that does not hold the key cannot get by with a well-formed record either."""
    d = lab.device("spoilt")
    with lab.psk("mef", d.kpm_id, d.psk) as c:
        c.open()
        c.send_hello()
        c.read_hello()
        c.send_key_exchange()
        c.transcript += b"x"  # the verify_data will be wrong, the record MAC right
        c.send_finished()
        with pytest.raises(tlspsk.Alert) as e:
            c.read_finished()
        assert e.value.number == ks.DECRYPT_ERROR
    assert d.kpm_id not in str(lab.enrolments())


# -- who may fetch at the MEF ------------------------------------------------------------------------------------
def test_host_that_is_nobodys_target(new_lab):
    """A good certificate with a host name: the lab's own CSE, which no instruction names yet."""
    new_lab.start("mef")
    with pytest.raises(ssl.SSLError, match="ACCESS_DENIED"), ks.CertClient(new_lab, "mef", "cse") as c:
        ks.ask(c, "retrieve", "/-")  # refuses R001-100
    assert "code=certificate-not-instructed" in new_lab.logs()


def test_fetch_by_another_than_the_target(lab):
    d = lab.enrol(lab.device("target"))
    lab.device("target-of-the-cse", target=ks.CSE_ID)
    r = lab.fetch(d.ke_id, who="cse")
    assert r.status == 403 and r.json["status"] is False and "credential" not in r.json  # refuses R001-77, refuses R001-51
    assert "not-the-target" in r.json["errorString"]
    other = lab.enrol(lab.device("other-target", target="other-maf." + ks.SP))
    assert lab.fetch(other.ke_id).status == 403  # refuses R001-77
    refused(lab.psk("maf", other.ke_id, ks.usage_key(other.ke, 21, ks.MAF)), ks.UNKNOWN_PSK_IDENTITY)  # refuses R001-50
    assert lab.fetch(d.ke_id).status == 200


def test_fetch_with_a_foreign_originator(lab):
    d = lab.enrol(lab.device("originator"))
    for origin in (ks.CSE_ID, "other." + ks.SP, d.enrolee_id, "S" + d.name):
        r = lab.fetch(d.ke_id, origin=origin)
        assert r.status == 403 and r.json["status"] is False, (origin, r)  # CHOICE-46: 4106


def test_fetch_without_a_certificate(lab):
    """An Enrolee's own session opens nothing: keys go to targets only."""
    d = lab.device("enrolee-asks")
    with lab.psk("mef", d.kpm_id, d.psk).connect() as c:
        out = c.export(ks.BOOTSTRAP)
        for origin in (ks.MAF, d.enrolee_id):
            r = ks.ask(c, "retrieve", f"/fetchCredentials/{ks.key_id(out[:16], ks.MEF)}/21", origin=origin)
            assert r.status == 403 and b"credential" not in r.body.replace(b"fetchCredentials", b""), r


@pytest.mark.parametrize("ke_id,suid,status", [
    ("00" * 16 + "@" + ks.MEF, 21, 404),        # refuses R001-42: unknown there
    ("00" * 16 + "@other.test", 21, 404),
    ("zz" * 16 + "@" + ks.MEF, 21, (400, 404)),
    ("00" * 16, 21, (400, 404)), ("@", 21, (400, 404)), ("0" * 400 + "@" + ks.MEF, 21, (400, 404)),
    ("REAL", 20, 400), ("REAL", 30, 400), ("REAL", 31, 400), ("REAL", 99, 400), ("REAL", -1, 400), ("REAL", "x", 400),
    ("REAL", "0021", (400, 403)), ("REAL", 99999999999999999999, 400),
    ("REAL", 22, 403), ("REAL", 32, (400, 403)), ("REAL", None, (400, 403)),
])
def test_fetch_what_cannot_be(lab, ke_id, suid, status):
    if ke_id == "REAL":
        if not hasattr(lab, "fetched"):
            lab.fetched = lab.enrol(lab.device("cannot-be"))
        ke_id = lab.fetched.ke_id
    r = lab.fetch(ke_id, suid)
    assert r.status in (status if isinstance(status, tuple) else (status,)), r
    if r.body.startswith(b'{"status'):
        assert r.json["status"] is False and r.json["errorString"]
    assert b'"credential"' not in r.body


def test_fetch_other_methods(lab):
    d = lab.enrol(lab.device("methods"))
    with ks.CertClient(lab, "mef", "maf") as c:
        for op in ("create", "update", "delete"):
            r = ks.ask(c, op, f"/fetchCredentials/{d.ke_id}/21", {} if op != "delete" else None, 60003 if op == "create" else None,
                       ks.MAF)
            assert r.status in (405, 400, 404, 501), r
        assert ks.ask(c, "retrieve", "/elsewhere", origin=ks.MAF).status == 404


# -- the MAF ---------------------------------------------------------------------------------------------------
def test_maf_wrong_key(lab):
    d = lab.associate(lab.enrol(lab.device("maf-wrong")))
    refused(lab.psk("maf", d.km_id, WRONG), ks.DECRYPT_ERROR)  # refuses R000-45
    refused(lab.psk("maf", d.ke_id, WRONG), ks.DECRYPT_ERROR)
    fresh = lab.enrol(lab.device("maf-wrong-fresh"))
    refused(lab.psk("maf", fresh.ke_id, WRONG), ks.DECRYPT_ERROR)  # refuses R001-58
    assert lab.maf_register(fresh).rsc == 2001, "a stranger who knows a KeId does not spoil it"


@pytest.mark.parametrize("identity", ["nobody@" + ks.MAF, "00" * 16 + "@" + ks.MEF, "zz@" + ks.MEF, "nobody@elsewhere.test", "x",
                                      "kffffffffffffffff@" + ks.MAF])
def test_maf_unknown_identity(lab, identity):
    refused(lab.psk("maf", identity, WRONG), ks.UNKNOWN_PSK_IDENTITY)  # refuses R001-41, refuses R001-42


def test_maf_profiles_do_not_mix(lab):
    """A device that derives by the other profile has another Km; a MAF that asks in the other form gets none."""
    r3, seed = lab.enrol(lab.device("mix-r3")), lab.enrol(lab.device("mix-seed", profile="seed"))
    refused(lab.psk("maf", r3.ke_id, ks.km(r3.ke, ks.MAF)), ks.DECRYPT_ERROR)
    refused(lab.psk("maf", seed.ke_id, seed.km), ks.UNKNOWN_PSK_IDENTITY)
    assert lab.fetch(seed.ke_id, 21).status in (400, 403) and lab.fetch(r3.ke_id, None).status in (400, 403)
    assert r3.ke != r3.km and seed.ke != seed.km
    refused(lab.psk("maf", r3.ke_id, r3.ke), ks.DECRYPT_ERROR)  # Ke is no Km: R001-35


def test_second_export_on_one_session(lab):
    d = lab.associate(lab.enrol(lab.device("export-twice")))
    with lab.psk("maf", d.km_id, d.km).connect() as c:
        assert lab.key_register(d, conn=c).rsc == 2001
        r = lab.key_register(d, conn=c)
        assert (r.rsc, r.status) == (4105, 409), r  # CHOICE-10
        r = ks.ask(c, "create", f"/{d.registration}",
                   {"m2m:skr": {"et": ks.later(), "adfq": ks.SP, "suid": 32, "tgis": [ks.CSE_ID]}}, 60003, d.enrolee_id)
        assert r.rsc == 4105


def test_client_that_is_not_allowed(lab):
    d = lab.add(ks.Device("not-allowed"), allowed=False)
    lab.enrol(d)
    r = lab.maf_register(d)
    if r.rsc == 2001:  # the registration may go through; the key may not
        r = lab.key_register(d)
    assert (r.rsc, r.status) == (4103, 403), r
    lab.ctl_json("maf", "client", "allow", "--client", d.enrolee_id, "--target", CSE)
    if d.registration is None:
        assert lab.maf_register(d).rsc == 2001
    assert lab.key_register(d).rsc == 2001
    lab.ctl_json("maf", "client", "remove", "--client", d.enrolee_id)
    assert lab.key_register(d).rsc == 4103


CSE = ks.CSE_ID


def test_target_that_is_not_allowed(lab):
    d = lab.associate(lab.enrol(lab.device("not-that-target")))
    r = lab.key_register(d, targets=[f"//{ks.SP}/other"])
    assert r.rsc == 4103, r


@pytest.mark.parametrize("change,rsc", [
    ({"suid": 21}, (4000,)), ({"suid": 31}, (4000,)), ({"suid": "32"}, (4000,)), ({"suid": None}, (4000,)), ({"suid": -32}, (4000,)),
    ({"suid": 32.0}, (4000,)), ({"tgis": []}, (4000, 4102)), ({"tgis": [CSE, f"//{ks.SP}/two"]}, (4000, 4102)),
    ({"tgis": "x"}, (4000, 4102)), ({"tgis": [7]}, (4000, 4102)), ({"tgis": ["not an id"]}, (4000, 4102, 4103)),
    ({"adfq": "other.test"}, (4102, 4103)), ({"adfq": 5}, (4000, 4102)), ({"et": "yesterday"}, (4000, 4102)),
    ({"et": "20200101T000000"}, (4000, 4102)), ({"et": "20991301T000000"}, (4000, 4102)), ({"unknown": 1}, (4000, 4102)),
    ({"rn": "00" * 16}, (4000, 4102)), ({"cr": "me"}, (4000, 4102)),
    ({"kv": "not base64!"}, (4000, 4102)), ({"kv": base64.b64encode(b"short").decode()}, (4000, 4102)),
    ({"kv": base64.b64encode(b"x" * 65).decode()}, (4000, 4102)),
])
def test_key_registration_contents(lab, change, rsc):
    d = getattr(lab, "contents_device", None)
    if d is None:
        d = lab.contents_device = lab.associate(lab.enrol(lab.device("contents")))
    body = {"et": ks.later(), "adfq": ks.SP, "suid": 32, "tgis": [CSE], **change}
    body = {k: v for k, v in body.items() if v is not None}
    with lab.psk("maf", d.km_id, d.km).connect() as c:
        r = ks.ask(c, "create", f"/{d.registration}", {"m2m:skr": body}, 60003, d.enrolee_id)
        assert r.rsc in rsc, r
        assert r.reason and "\n" not in r.json["m2m:dbg"]


def test_registration_of_another_client(lab):
    a, b = (lab.associate(lab.enrol(lab.device(n))) for n in ("owner-a", "owner-b"))
    b.registration = a.registration
    r = lab.key_register(b)
    assert r.rsc in (4103, 4004), r
    b.registration = "no-such-registration"
    assert lab.key_register(b).rsc == 4004


def test_maf_foreign_from(lab):
    d = lab.enrol(lab.device("maf-from"))
    with lab.psk("maf", d.ke_id, d.km).connect() as c:
        for origin in ("//" + ks.SP + "/Ssomebody", CSE, ks.MAF, "Sother"):
            r = ks.ask(c, "create", "/-", {"m2m:macr": {"et": ks.later(), "adfq": ks.SP}}, 60002, origin)
            assert (r.rsc, r.status) == (4106, 403), (origin, r)


def test_key_retrieval_rights(lab):
    """Only a listed target, over a certificate that names it, gets the key; the Source never does."""
    d = lab.associate(lab.enrol(lab.device("retrieval")))
    relative = d.kc_id.split("@")[0]

    def get(who, origin, rel=relative):
        with ks.CertClient(lab, "maf", who) as c:
            return ks.ask(c, "retrieve", f"/-/{rel}", origin=origin)
    r = get("cse", CSE)
    assert r.rsc == 2000 and base64.b64decode(r.json["m2m:skr"]["kv"]) == d.kc  # R001-59
    assert r.json["m2m:skr"]["suid"] == 32 and r.json["m2m:skr"]["cr"] == d.enrolee_id
    assert get("cse", CSE, relative.lower()).rsc == 2000
    r = get("mef", ks.MEF)
    assert r.rsc in (4103, 4106) and b'"kv"' not in r.body, r
    assert get("cse", f"//{ks.SP}/other").rsc == 4106
    for unknown in ("00" * 16, "zz", "%00"):
        assert get("cse", CSE, unknown).rsc in (4004, 4000)
    with lab.psk("maf", d.km_id, d.km).connect() as c:
        r = ks.ask(c, "retrieve", f"/-/{relative}", origin=d.enrolee_id)
        assert r.rsc == 4103 and b'"kv"' not in r.body, r


def test_revoked_km(lab):
    d = lab.associate(lab.enrol(lab.device("revoked-km")))
    lab.ctl_json("maf", "credential", "revoke", d.km_id)
    refused(lab.psk("maf", d.km_id, d.km), ks.UNKNOWN_PSK_IDENTITY)
    refused(lab.psk("maf", d.ke_id, d.km), ks.UNKNOWN_PSK_IDENTITY)
    refused(lab.psk("cse", d.kc_id, d.kc))  # the keys registered with it are refused too: not yet fetched by the CSE


# -- the CSE's handshake -----------------------------------------------------------------------------------------
def test_cse_wrong_key_and_unknown_identity(lab):
    identity, key = lab.add_kpsa("cse-wrong", enrolee_id=f"//{ks.SP}/Scsewrong")
    refused(lab.psk("cse", identity, WRONG), ks.DECRYPT_ERROR)  # refuses R000-60
    for unknown in ("nobody@" + ks.SP, "nobody@" + ks.MAF, "00" * 16 + "@" + ks.MAF, "00" * 16 + "@" + ks.MEF, "nobody@elsewhere.test"):
        refused(lab.psk("cse", unknown, key), ks.UNKNOWN_PSK_IDENTITY)  # refuses R000-61
    with lab.psk("cse", identity, key).connect():
        pass


def test_cse_kc_wrong(lab):
    d = lab.associate(lab.enrol(lab.device("kc-wrong")))
    refused(lab.psk("cse", d.kc_id, WRONG), ks.DECRYPT_ERROR)
    refused(lab.psk("cse", d.kc_id, d.km), ks.DECRYPT_ERROR)
    refused(lab.psk("cse", d.km_id, d.km), ks.UNKNOWN_PSK_IDENTITY)
    with lab.cse(d):
        pass


def test_cse_that_is_not_listed(lab):
    d = lab.device("unlisted")
    lab.ctl_json("maf", "client", "allow", "--client", d.enrolee_id, "--target", f"//{ks.SP}/other")
    lab.enrol(d)
    lab.maf_register(d)
    assert lab.key_register(d, targets=[f"//{ks.SP}/other"]).rsc == 2001
    refused(lab.psk("cse", d.kc_id, d.kc))  # refuses: checklist 16
    events = lab.ctl_json("maf", "audit", "tail", "--limit", "5")["events"]
    assert any(e["event"] == "refused" and e["outcome"] == "not-the-target" for e in events), events


def test_cse_key_for_another_purpose(lab):
    """Checklist 17: SUID 33 (ESPrim) offered for an association."""
    d = lab.associate(lab.enrol(lab.device("suid-33")))
    assert lab.key_register(d, suid=33).rsc == 2001
    refused(lab.psk("cse", d.kc_id, d.kc))
    assert "key-usage" in lab.servers["cse"].log()


def test_cse_kc_expired(tmp_path):
    """6.3 step 13: after expiry B fails the handshake, and open associations end (R002-85)."""
    with ks.Lab(tmp_path / "l") as lab:
        lab.set("maf", "maf", "kc-lifetime", "4s")
        lab.start()
        d = lab.device("kc-expiry")
        lab.associate(lab.enrol(d))
        with lab.cse(d) as c:
            assert ks.register(c, d.stem).rsc == 2001
            time.sleep(4.5)
            r = None
            try:
                r = ks.ask(c, "retrieve", f"/{d.stem}", origin=d.stem)
            except (tlspsk.Closed, tlspsk.Alert):
                pass
            assert r is None or r.rsc == 4107, r  # refuses R002-85, refuses R004-21
        refused(lab.psk("cse", d.kc_id, d.kc), ks.UNKNOWN_PSK_IDENTITY)  # refuses R002-63
        assert lab.key_register(d).rsc == 2001  # a fresh MAF handshake gives a fresh key
        with lab.cse(d) as c:
            assert ks.ask(c, "retrieve", f"/{d.stem}", origin=d.stem).rsc == 2000


def test_revoked_kpsa_bites_at_once(lab):
    identity, key = lab.add_kpsa("kpsa-revoked", enrolee_id=f"//{ks.SP}/Skpsarevoked")
    with lab.psk("cse", identity, key).connect() as c:
        assert ks.register(c, "Skpsarevoked").rsc == 2001
        lab.ctl_json("cse", "credential", "revoke", identity)
        try:
            r = ks.ask(c, "retrieve", "/Skpsarevoked", origin="Skpsarevoked")
            assert r.status == 403 or r.rsc in (4004, 4107), r  # refuses R002-85: the open association ends with its key
            assert b"m2m:ae" not in r.body
        except (tlspsk.Closed, tlspsk.Alert):
            pass
    refused(lab.psk("cse", identity, key), ks.UNKNOWN_PSK_IDENTITY)


# -- who am I, what may I ------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def pair(lab):
    """Two registered AEs and a container of the first."""
    a, b = lab.journey("acl-a"), lab.journey("acl-b")
    with lab.cse(a) as c:
        assert ks.create_container(c, a.stem, f"/{a.stem}", "box").rsc == 2001
        assert ks.create_content(c, a.stem, f"/-/{a.stem}/box", "mine").rsc == 2001
    return a, b


def test_foreign_from(lab, pair):
    a, b = pair
    with lab.cse(b) as c:
        for origin in (a.stem, "Cany", "Sunregistered"):
            r = ks.ask(c, "retrieve", f"/-/{a.stem}/box", origin=origin)
            assert (r.rsc, r.status) == (4106, 403), (origin, r)  # refuses R000-48: never decided for a false name
        for origin in ("/in", CSE, "//other.test/in"):
            r = ks.ask(c, "retrieve", f"/-/{a.stem}/box", origin=origin)
            assert r.rsc in (4106, 4107), (origin, r)
        r = ks.ask(c, "retrieve", f"/-/{a.stem}/box", origin=None)
        assert r.rsc == 4000, "12.2 rule 3"
        for origin in ("/" + b.stem, b.enrolee_id, "/in/" + b.stem):
            assert ks.ask(c, "retrieve", f"/{b.stem}", origin=origin).rsc == 4000, "12.2 rule 4"
        assert ks.register(c, "Ssomebody").rsc == 4106
        assert ks.register(c, a.stem).rsc in (4106, 4117)
        assert ks.ask(c, "retrieve", f"/{b.stem}", origin=b.stem).rsc == 2000
    events = lab.ctl_json("cse", "audit", "tail", "--limit", "30")["events"]
    assert any(e["event"] == "refused" and e["outcome"] == "from-not-associated" for e in events), "audited"


def test_no_privilege(lab, pair):
    a, b = pair
    with lab.cse(b) as c:
        box = f"/-/{a.stem}/box"
        calls = [ks.ask(c, "retrieve", box, origin=b.stem), ks.ask(c, "retrieve", box + "/la", origin=b.stem),
                 ks.create_content(c, b.stem, box, "not mine"), ks.ask(c, "delete", box, origin=b.stem),
                 ks.ask(c, "update", box, {"m2m:cnt": {"lbl": ["x"]}}, origin=b.stem),
                 ks.ask(c, "retrieve", f"/{a.stem}", origin=b.stem), ks.ask(c, "delete", f"/{a.stem}", origin=b.stem),
                 ks.create_container(c, b.stem, f"/{a.stem}", "mine-too"), ks.ask(c, "delete", "/-", origin=b.stem),
                 ks.create_container(c, b.stem, "/-", "at-the-base")]
        for r in calls:
            assert r.rsc in (4103, 4005) and r.status in (403, 405), r  # refuses R000-48, refuses R002-34
        assert sum(r.rsc == 4103 for r in calls) >= 8
    with lab.cse(a) as c:
        assert ks.ask(c, "retrieve", f"/-/{a.stem}/box/la", origin=a.stem).json["m2m:cin"]["con"] == "mine"
    events = lab.ctl_json("cse", "audit", "tail", "--limit", "30")["events"]
    assert any(e["event"] == "refused" and e["outcome"] == "no-privilege" for e in events), "audited"


def acp(*rules, pvs=None):
    return {"m2m:acp": {"pv": {"acr": list(rules)}, "pvs": {"acr": pvs or [{"acor": ["Snobody"], "acop": 63}]}}}


def shared_box(lab, a, name, *rules):
    """A container of a whose policy has these rules (and all rights for a itself)."""
    mine = {"acor": [a.stem], "acop": 63}
    with lab.cse(a) as c:
        r = ks.ask(c, "create", f"/{a.stem}", acp(mine, *rules, pvs=[mine]), 1, a.stem)
        assert r.rsc == 2001, r
        policy = r.json["m2m:acp"]["ri"]
        r = ks.create_container(c, a.stem, f"/{a.stem}", name, acpi=[policy])
        assert r.rsc == 2001, r
        assert ks.create_content(c, a.stem, f"/-/{a.stem}/{name}", "shared").rsc == 2001
    return f"/-/{a.stem}/{name}", policy


@pytest.mark.parametrize("name,rule,permitted", [
    ("stem", {"acor": ["{b}"], "acop": 2}, True),
    ("sp-relative", {"acor": ["/{b}"], "acop": 2}, True),
    ("absolute", {"acor": ["//" + ks.SP + "/{b}"], "acop": 2}, True),
    ("sp-domain", {"acor": ["//" + ks.SP], "acop": 2}, True),
    ("all", {"acor": ["all"], "acop": 2}, True),
    ("wildcard", {"acor": ["Sacl-*"], "acop": 2}, True),
    ("many", {"acor": ["Sx", "Sy", "{b}"], "acop": 63}, True),
    ("flag", {"acor": ["{b}"], "acop": 2, "acaf": True}, True),
    ("ip", {"acor": ["{b}"], "acop": 2, "acco": [{"acip": {"ipv4": ["127.0.0.0/8"]}}]}, True),
    ("window", {"acor": ["{b}"], "acop": 2, "acco": [{"actw": ["* * * * * * *"]}]}, True),
    ("either", {"acor": ["{b}"], "acop": 2, "acco": [{"acip": {"ipv4": ["10.0.0.1"]}}, {"actw": ["* * * * * * *"]}]}, True),
    ("other", {"acor": ["Sother"], "acop": 63}, False),
    ("other-sp", {"acor": ["//other.test"], "acop": 63}, False),
    ("other-cse", {"acor": ["/other/{b}"], "acop": 63}, False),
    ("segment", {"acor": ["//*"], "acop": 63}, None),
    ("wrong-operation", {"acor": ["{b}"], "acop": 1 + 4 + 8 + 16 + 32}, False),
    ("wrong-ip", {"acor": ["{b}"], "acop": 63, "acco": [{"acip": {"ipv4": ["10.0.0.0/8"]}}]}, False),
    ("ip-v6-only", {"acor": ["{b}"], "acop": 63, "acco": [{"acip": {"ipv6": ["::1"]}}]}, False),
    ("past-window", {"acor": ["{b}"], "acop": 63, "acco": [{"actw": ["* * * * * * 2001"]}]}, False),
    ("both-needed", {"acor": ["{b}"], "acop": 63,
                     "acco": [{"actw": ["* * * * * * *"], "acip": {"ipv4": ["10.0.0.1"]}}]}, False),
    ("nowhere", {"acor": ["{b}"], "acop": 63, "acco": [{"aclr": {"accc": ["DE"]}}]}, False),  # CHOICE-72
])
def test_access_rules(lab, pair, name, rule, permitted):
    """12.5, 12.6: each kind of rule decides about a retrieve by the second AE."""
    a, b = pair
    rule = {**rule, "acor": [o.replace("{b}", b.stem) for o in rule["acor"]]}
    box, _ = shared_box(lab, a, name, rule)  # R002-34: the owner of the resource sets the policy
    with lab.cse(b) as c:
        r = ks.ask(c, "retrieve", box + "/la", origin=b.stem)
        if permitted:
            assert r.rsc == 2000 and r.json["m2m:cin"]["con"] == "shared", r  # R000-48, R003-34
        elif permitted is False:
            assert r.rsc == 4103 and b"shared" not in r.body, r  # refuses R000-48


def test_each_operation_bit(lab, pair):
    a, b = pair
    for bit, name in ((1, "create"), (2, "retrieve"), (4, "update"), (8, "delete")):
        box, _ = shared_box(lab, a, f"bit-{name}", {"acor": [b.stem], "acop": bit})
        with lab.cse(b) as c:
            got = {"create": ks.create_content(c, b.stem, box, "x").rsc,
                   "retrieve": ks.ask(c, "retrieve", box, origin=b.stem).rsc,
                   "update": ks.ask(c, "update", box, {"m2m:cnt": {"lbl": ["y"]}}, origin=b.stem).rsc,
                   "delete": ks.ask(c, "delete", box, origin=b.stem).rsc}
        good = {"create": 2001, "retrieve": 2000, "update": 2004, "delete": 2002}
        for op, rsc in got.items():
            assert rsc == (good[op] if op == name else 4103), (name, got)  # refuses R000-48


def test_policy_of_the_policy(lab, pair):
    """12.4 rule 1: a policy is governed by its own selfPrivileges; who may read by it may not change it."""
    a, b = pair
    box, policy = shared_box(lab, a, "self", {"acor": [b.stem], "acop": 63})
    with lab.cse(b) as c:
        r = ks.ask(c, "update", f"/{policy}", {"m2m:acp": {"pv": {"acr": [{"acor": ["all"], "acop": 63}]}}}, origin=b.stem)
        assert r.rsc == 4103, r  # refuses R002-34: nobody else can set them
        assert ks.ask(c, "delete", f"/{policy}", origin=b.stem).rsc == 4103
        r = ks.ask(c, "update", box, {"m2m:cnt": {"acpi": []}}, origin=b.stem)
        assert r.rsc != 2004, "who may use a resource may not relink its policies"
    with lab.cse(a) as c:
        r = ks.ask(c, "update", f"/{policy}", acp({"acor": [a.stem], "acop": 63}, pvs=[{"acor": [a.stem], "acop": 63}]),
                   origin=a.stem)
        assert r.rsc == 2004, r
    with lab.cse(b) as c:
        assert ks.ask(c, "retrieve", box, origin=b.stem).rsc == 4103, "a change of policy bites at once"


def test_registration_is_no_way_around(lab, pair):
    """An AE of one credential cannot be deleted or taken over by another, whatever it says."""
    a, b = pair
    with lab.cse(b) as c:
        assert ks.ask(c, "delete", f"/{a.stem}", origin=a.stem).rsc == 4106
    identity, key = lab.add_kpsa("takeover")
    with lab.psk("cse", identity, key).connect() as c:
        r = ks.register(c, a.stem)
        assert r.rsc in (4106, 4117), r
        d = lab.device("reserved")
        lab.associate(lab.enrol(d))
        with lab.cse(d):
            pass
        kid, _ = lab.add_kpsa("reserved-kpsa", enrolee_id=f"//{ks.SP}/Sreservedkpsa")
        r = ks.register(c, "Sreservedkpsa")
        assert r.rsc == 4106, f"{kid} is configured for that name: {r}"


def test_bad_app_id(lab):
    identity, key = lab.add_kpsa("bad-app")
    with lab.psk("cse", identity, key).connect() as c:
        for api in ("Xthing", "thing", "", 5, None):
            r = ks.register(c, "C", api=api)
            assert r.rsc in (4000, 4102), (api, r)
