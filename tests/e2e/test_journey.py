"""The whole procedure with an Enrolee that shares no code with the product (tests/lib/tlspsk.py): enrol, be fetched by
the MAF, register, derive Kc, associate, register as an AE, read and write; in both profiles."""
import base64
import hashlib

import pytest

import keystead as ks
import tlspsk


def test_the_whole_way(profiled):
    lab, profile = profiled
    d = lab.device(f"way-{profile}", profile=profile)
    # Enrolment needs nothing but the handshake (R001-81, R001-82, R001-83); both sides export Ke and RelativeKeyId.
    lab.enrol(d)  # R001-66, R001-69, R001-70, R001-11, R000-23, R001-85, R001-86, R001-34
    shown = lab.ctl_json("mef", "enrolment", "show", d.ke_id)  # R001-88, R001-80, R001-78
    assert d.enrolee_id in str(shown) and d.target in str(shown)

    # The MAF meets a KeId it never saw, asks the MEF in mid-handshake, and both have the same Km.
    r = lab.maf_register(d)  # R001-36, R001-40, R001-41, R001-42, R001-48, R001-49, R001-50, R001-53, R001-54, R001-55
    assert r.rsc == 2001 and r.status == 201, r
    reg = r.json["m2m:macr"]
    assert reg["adfq"] == ks.SP and reg["cr"] == d.enrolee_id  # the Enrolee-ID came with Km: R001-79
    if profile == "r3":
        assert reg["aski"].endswith("@" + ks.MAF) and reg["aski"] != d.ke_id
    else:
        assert "aski" not in reg  # R001-60: KmId := KeId, so there is nothing to assign
    assert "kv" not in reg

    # Kc and KcId by export of a session authenticated with Km (R001-45: by KmId, no MEF needed any more).
    r = lab.key_register(d)  # R001-58, R001-59, R000-45, R001-44
    assert r.rsc == 2001, r
    skr = r.json["m2m:skr"]
    assert (skr["suid"], skr["tgis"], skr["adfq"]) == (32, [ks.CSE_ID], ks.SP)
    assert "kv" not in skr, "a Source never reads its key back"
    assert d.kc not in (d.km, d.ke) and skr["et"] <= reg["et"]  # R004-20: a short-term key, which does not outlive Km

    # The CSE fetches Kc in mid-handshake and binds the association to the Enrolee-ID.
    with lab.cse(d) as c:  # R001-02, R000-44, R000-71, R000-87, R002-76
        r = ks.register(c, "S", api="Nthermometer")
        assert r.rsc == 2001 and r.status == 201, r
        ae = r.json["m2m:ae"]
        assert ae["aei"] == d.stem and ae["api"] == "Nthermometer" and ae["ri"] == d.stem
        assert f"Credential-ID:11-{d.km_id}".lower() in [label.lower() for label in ae["lbl"]]  # CHOICE-05
        base = f"/-/{d.stem}"
        assert ks.create_container(c, d.stem, base, "box").rsc == 2001
        for i in range(3):
            r = ks.create_content(c, d.stem, f"{base}/box", f"value {i}")
            assert r.rsc == 2001 and r.json["m2m:cin"]["cs"] == 7, r
        r = ks.ask(c, "retrieve", f"{base}/box/la", origin=d.stem)
        assert (r.status, r.rsc) == (200, 2000) and r.json["m2m:cin"]["con"] == "value 2"
        assert ks.ask(c, "retrieve", f"{base}/box/ol", origin=d.stem).json["m2m:cin"]["con"] == "value 0"
        assert ks.ask(c, "retrieve", f"{base}/box", origin=d.stem).json["m2m:cnt"]["cni"] == 3
    # Reuse of the same Kc within its lifetime (spec 6.3 step 12), now without asking the MAF.
    with lab.cse(d) as c:  # R001-59
        r = ks.ask(c, "retrieve", f"/~/in/{d.stem}", origin=d.stem)
        assert r.rsc == 2000 and r.json["m2m:ae"]["aei"] == d.stem
        r = ks.ask(c, "retrieve", f"/_/{ks.SP}/in/{d.stem}/box/la", origin=d.stem)
        assert r.rsc == 2000, r


def test_key_and_identifier_are_those_of_the_standard(profiled):
    """What the MEF hands to the MAF is what Python derives from the exported Ke."""
    lab, profile = profiled
    d = lab.enrol(lab.device(f"derive-{profile}", profile=profile))
    r = lab.fetch(d.ke_id, 21 if profile == "r3" else None)  # R001-35, R001-37, R001-53, R001-51, R001-52, R001-55
    assert r.status == 200, r
    assert base64.b64decode(r.json["credential"]) == d.km
    assert r.json["enroleeID"] == d.enrolee_id and r.json["status"] is True
    assert 0 < r.json["lifetime"] <= 366 * 86400
    assert d.ke not in base64.b64decode(r.json["credential"])  # R001-54: Ke is not sent
    r = lab.fetch(d.ke_id.lower().replace("@", "%40"), 21 if profile == "r3" else None)
    assert r.status == 200, "hex and FQDN without case, @ escaped or not (CHOICE-14, CHOICE-47)"


def test_the_key_for_a_cse(profiled):
    """An Enrolment Target that is a CSE gets Kpsa (3.3) or K with SUID 22 (3.4), for its public domain name."""
    lab, profile = profiled
    d = lab.enrol(lab.device(f"kpsa-{profile}", profile=profile, target=ks.CSE_ID))
    r = lab.fetch(d.ke_id, 22 if profile == "r3" else None, who="cse")  # R001-63, R001-35, R002-55
    assert r.status == 200, r
    wanted = ks.kpsa(d.ke, ks.CSE_ID) if profile == "seed" else ks.usage_key(d.ke, 22, f"in.{ks.SP}")
    assert base64.b64decode(r.json["credential"]) == wanted
    r = lab.fetch(d.ke_id, 21 if profile == "r3" else None, who="maf")
    assert r.status == 403 and r.json["status"] is False  # refuses R001-77: for that target and no other


def test_two_enrolments_two_keys(lab):
    """Each run has its own Ke and KeId; the old one stays good until it is dropped or expires."""
    d = lab.device("twice")
    first = lab.enrol(d).ke_id, d.ke
    second = lab.enrol(d).ke_id, d.ke
    assert first[0] != second[0] and first[1] != second[1]
    assert lab.fetch(first[0]).status == 200 and lab.fetch(second[0]).status == 200


def test_either_name_of_km(lab):
    """R001-44, R001-45: after the first contact KmId and KeId name one Km, and the MEF is not asked again."""
    d = lab.associate(lab.enrol(lab.device("names")))
    lab.stop("mef")
    try:
        for identity in (d.km_id, d.ke_id, d.ke_id.lower(), d.km_id.upper()):  # R001-46, R001-47
            with lab.psk("maf", identity, d.km).connect():
                pass
    finally:
        lab.start("mef")


def test_second_registration_is_refused_and_a_new_enrolment_is_not(lab):
    d = lab.enrol(lab.device("again"))
    assert lab.maf_register(d).rsc == 2001
    first = (d.registration, d.km_id)
    assert lab.maf_register(d).rsc == 2001  # still under KeId: the answer was lost
    assert (d.registration, d.km_id) == first
    r = lab.maf_register(d, identity=d.km_id)
    assert r.rsc == 4117 and r.status == 403, r
    lab.enrol(d)
    assert lab.maf_register(d).rsc == 2001
    assert lab.key_register(d).rsc == 2001


def test_kpsa_framework_with_a_known_ae(lab):
    """6.1: pre-provisioned Kpsa, the CSE knows whose it is."""
    identity, key = lab.add_kpsa("known", enrolee_id=f"//{ks.SP}/Sknown")  # R000-42, R000-60, R000-61
    with lab.psk("cse", identity, key).connect() as c:  # R002-92: no MAF takes part
        r = ks.register(c, "S")
        assert r.rsc == 2001 and r.json["m2m:ae"]["aei"] == "Sknown", r
        assert f"Credential-ID:12-{identity}" in r.json["m2m:ae"]["lbl"]
        assert ks.ask(c, "retrieve", "/Sknown", origin="Sknown").rsc == 2000


def test_kpsa_framework_with_an_unknown_ae(lab):
    """6.1 step 6 and 6.0.3 a: the association has only a Credential-ID until an AE registers with it."""
    identity, key = lab.add_kpsa("unknown-1")
    with lab.psk("cse", identity, key).connect() as c:
        r = ks.ask(c, "retrieve", "/-", origin="Cnobody")
        assert r.status == 403 and r.rsc == 4106, "CHOICE-43: nothing but registration"
        r = ks.register(c, "C")
        assert r.rsc == 2001, r
        stem = r.json["m2m:ae"]["aei"]
        assert stem.startswith("C") and len(stem) > 1
    with lab.psk("cse", identity, key).connect() as c:  # a new association with the same credential
        assert ks.ask(c, "retrieve", f"/{stem}", origin=stem).rsc == 2000
    other, other_key = lab.add_kpsa("unknown-2")
    with lab.psk("cse", other, other_key).connect() as c:
        r = ks.ask(c, "retrieve", f"/{stem}", origin=stem)
        assert r.rsc == 4106, r  # the stem belongs to another credential


@pytest.mark.parametrize("origin,first", [("S", "S"), ("C", "C"), ("", "SC"), (None, "SC"), ("/S", "S"), ("/C", "C"),
                                          ("Cpreset1", "C"), ("Spreset1", "S")])
def test_from_cases_of_registration(lab, origin, first):
    """11.3.1 cases ii to v for an AE that no configuration names."""
    name = "from-" + str(origin).replace("/", "x").lower() + "-"
    identity, key = lab.add_kpsa(name)
    with lab.psk("cse", identity, key).connect() as c:
        r = ks.register(c, origin)
        assert r.rsc == 2001, r
        stem = r.json["m2m:ae"]["aei"]
        assert stem[0] in first and len(stem) > 1
        if origin and "preset" in origin:
            assert stem == origin
        r = ks.register(c, stem)
        assert r.rsc == 4117 and r.status == 403, "11.3.2 step 5"


def test_device_in_another_order(lab):
    """Keys of several devices and several keys of one device live side by side."""
    ds = [lab.enrol(lab.device(f"many-{i}")) for i in range(4)]
    for d in reversed(ds):
        assert lab.maf_register(d).rsc == 2001
    for d in ds:
        assert lab.key_register(d).rsc == 2001
        first = d.kc_id, d.kc
        assert lab.key_register(d).rsc == 2001
        assert (d.kc_id, d.kc) != first
        with lab.psk("cse", *first).connect() as c, lab.cse(d) as c2:
            assert ks.register(c, d.stem).rsc == 2001
            assert ks.ask(c2, "retrieve", f"/{d.stem}", origin=d.stem).rsc == 2000


def test_self_generated_key(lab):
    """8.6 step 2: the Source may bring its own Key Value; the MAF hands it to the target unchanged."""
    d = lab.associate(lab.enrol(lab.device("own-key")))
    own = hashlib.sha256(b"made-up self-generated").digest()
    with lab.psk("maf", d.km_id, d.km).connect() as c:
        r = ks.ask(c, "create", f"/{d.registration}",
                   {"m2m:skr": {"et": ks.later(), "adfq": ks.SP, "suid": 32, "tgis": [ks.CSE_ID],
                                "kv": base64.b64encode(own).decode()}}, 60003, d.enrolee_id)
    assert r.rsc == 2001 and "kv" not in r.json["m2m:skr"], r
    with lab.psk("cse", f"{r.json['m2m:skr']['rn']}@{ks.MAF}", own).connect() as c:
        assert ks.register(c, d.stem).rsc == 2001


def test_audit_tells_the_story(lab):
    """Each step of a journey left its event; the chain verifies."""
    d = lab.journey("audited")

    def kinds(role):
        events = lab.ctl_json(role, "audit", "tail", "--limit", "50")["events"]
        return {e["event"] for e in events}
    assert {"ke-issued", "key-released"} <= kinds("mef")
    assert {"km-stored", "maf-client-registered", "maf-key-registered", "maf-key-retrieved"} <= kinds("maf")
    assert {"kc-stored", "ae-registered"} <= kinds("cse")
    ids = [e.get("association") for e in lab.ctl_json("cse", "audit", "tail", "--limit", "50")["events"]
           if e["event"] == "associated"]
    assert len(ids) > 1 and len(set(ids)) == len(ids)  # R004-19: no two associations have one identifier
    for role in ks.ROLES:
        assert lab.ctl_json(role, "audit", "verify")["intact"] is True
    assert d.ke_id.lower() in str(lab.ctl_json("mef", "audit", "tail", "--limit", "50")).lower()


def test_the_hop_is_protected(lab):
    """What goes over the wire is neither readable nor changeable once both are authenticated."""
    d = lab.journey("hop")
    marker = "a word that nobody else should read"
    with lab.cse(d) as c:
        seen = []
        read, send = c.sock.recv, c.send_raw
        c.send_raw = lambda octets: (seen.append(octets), send(octets))

        class Tap:
            def __getattr__(self, name):
                return getattr(sock, name)

            def recv(self, n):
                seen.append(read(n))
                return seen[-1]
        sock, c.sock = c.sock, Tap()
        assert ks.create_container(c, d.stem, f"/{d.stem}", "box").rsc == 2001
        assert ks.create_content(c, d.stem, f"/-/{d.stem}/box", marker).rsc == 2001
        assert ks.ask(c, "retrieve", f"/-/{d.stem}/box/la", origin=d.stem).json["m2m:cin"]["con"] == marker
        wire = b"".join(seen)
        assert len(wire) > 1000 and marker.encode() not in wire and b"m2m:" not in wire  # R000-32, R002-82, R002-83
        c.sock = sock
        rq = c.sending.seal(23, ks.request_octets("retrieve", f"/{d.stem}", origin=d.stem))
        rq = rq[:40] + bytes([rq[40] ^ 1]) + rq[41:]
        c.send_raw(b"\x17\x03\x03" + len(rq).to_bytes(2, "big") + rq)
        with pytest.raises(tlspsk.Alert) as e:
            c.recv()
        assert e.value.number == 20  # refuses R000-33: bad_record_mac
