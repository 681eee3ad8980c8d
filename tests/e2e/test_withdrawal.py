"""Revocation, suspension and reinstatement: live associations end on every worker, and from the MEF on to the MAF and
the CSE, over TLS and over DTLS (TS-0001 11.2.1, docs/procedures/withdrawal.md)."""
import contextlib
import json
import select
import subprocess
import time

import pytest

import keystead as ks
import tlspsk

SOON = 1.0     # what is promised; on a machine that has nothing else to do
BOUND = 20.0   # what a busy one is given: the order of events is what counts


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("withdrawal") / "l") as it:
        for role in ks.ROLES:
            it.set(role, "server", "workers", "2")
        it.start()
        yield it


@contextlib.contextmanager
def held(lab, role, identity, key, n=1):
    """n live associations, each made and asked through."""
    with contextlib.ExitStack() as scope:
        yield [scope.enter_context(lab.psk(role, identity, key).connect()) for _ in range(n)]


def ended(conn):
    """Nothing more comes but the end: the server closed it of its own accord."""
    try:
        return conn.recv() == b""
    except (OSError, tlspsk.Closed):
        return True


@contextlib.contextmanager
def dtls(lab, role, identity, key):
    """A live association of openssl over DTLS; yields when the handshake is complete."""
    host, port = lab.address(role)
    p = subprocess.Popen(["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{port}", "-servername", "localhost",
                          "-psk_identity", identity, "-psk", key.hex(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0",
                          "-state", "-nocommands"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    try:
        seen = b""
        while b"Verify return code" not in seen:
            assert select.select([p.stdout], [], [], BOUND)[0], seen
            got = p.stdout.read1()
            assert got, seen
            seen += got
        yield p
    finally:
        p.kill()
        p.communicate()


def can(lab, role, identity, key):
    try:
        with lab.psk(role, identity, key).connect():
            return True
    except (tlspsk.Alert, tlspsk.Closed, OSError):
        return False


def test_revoked_at_the_mef_and_gone_everywhere(lab):
    d, other = lab.journey("wd-all"), lab.journey("wd-other")
    with contextlib.ExitStack() as scope:
        at = {"mef": (d.kpm_id, d.psk), "maf": (d.km_id, d.km), "cse": (d.kc_id, d.kc)}
        live = {role: scope.enter_context(held(lab, role, *key, n=4)) for role, key in at.items()}
        also = {role: scope.enter_context(dtls(lab, role, *key)) for role, key in at.items()}
        theirs = scope.enter_context(held(lab, "cse", other.kc_id, other.kc))[0]
        lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
        began = time.monotonic()
        took = {}
        for role in ks.ROLES:
            assert all(map(ended, live[role])), f"a live association at the {role} outlived its credential"
            took[role] = time.monotonic() - began
        for role in ks.ROLES:
            also[role].wait(BOUND)
        print("seconds until the last one was closed:", {k: round(v, 3) for k, v in took.items()})
        assert took["cse"] < BOUND
        assert ks.ask(theirs, "retrieve", f"/-/{other.stem}", origin=other.stem).rsc == 2000, "another client's went too"
    for role, key in at.items():
        assert not can(lab, role, *key)  # refuses R000-62
    for role, name in ("maf", d.km_id), ("cse", d.kc_id):
        assert lab.ctl_json(role, "credential", "show", name)["state"] == "revoked"
        kinds = [e["event"] for e in lab.ctl_json(role, "audit", "tail")["events"]]
        assert "key-withdrawn" in kinds
    assert can(lab, "maf", other.km_id, other.km)


def test_suspended_and_given_back_without_enrolment(lab):
    d = lab.journey("wd-suspended")
    with held(lab, "cse", d.kc_id, d.kc, n=3) as live:
        assert lab.ctl_json("mef", "credential", "suspend", d.kpm_id)["state"] == "suspended"
        assert all(map(ended, live))
    for role, key in {"mef": (d.kpm_id, d.psk), "maf": (d.km_id, d.km), "cse": (d.kc_id, d.kc)}.items():
        assert not can(lab, role, *key)
    assert "credential-suspended" in lab.logs()
    assert lab.ctl_json("cse", "credential", "show", d.kc_id)["state"] == "suspended"
    p = lab.ctl("cse", "credential", "resume", d.kc_id, "--json")
    assert p.returncode == 1 and "credential-suspended" in p.stdout + p.stderr, "only its authority gives it back"
    lab.ctl_json("mef", "credential", "resume", d.kpm_id)
    ks.wait_for(lambda: can(lab, "cse", d.kc_id, d.kc), BOUND, "Kc to be good again")
    assert can(lab, "maf", d.km_id, d.km) and can(lab, "mef", d.kpm_id, d.psk)
    with lab.cse(d) as c:
        assert ks.ask(c, "retrieve", f"/-/{d.stem}", origin=d.stem).rsc == 2000


def test_suspended_here_is_given_back_here(lab):
    d = lab.journey("wd-here")
    with held(lab, "cse", d.kc_id, d.kc) as live:
        lab.ctl_json("cse", "credential", "suspend", d.kc_id)
        assert ended(live[0])
    assert not can(lab, "cse", d.kc_id, d.kc) and can(lab, "maf", d.km_id, d.km)
    lab.ctl_json("mef", "credential", "suspend", d.kpm_id)
    lab.ctl_json("mef", "credential", "resume", d.kpm_id)
    ks.wait_for(lambda: can(lab, "maf", d.km_id, d.km), BOUND, "Km to be good again")
    time.sleep(SOON)
    assert not can(lab, "cse", d.kc_id, d.kc), "the MEF took back what the operator of the CSE did"
    lab.ctl_json("cse", "credential", "resume", d.kc_id)
    assert can(lab, "cse", d.kc_id, d.kc)
    lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
    p = lab.ctl("mef", "credential", "resume", d.kpm_id, "--json")
    assert p.returncode == 1 and "credential-revoked" in p.stdout + p.stderr, "revoked is for ever"


def test_who_was_away_hears_of_it_when_it_is_back(lab):
    """Revoked while the MAF is down, the MEF killed after it: what was said is in the store."""
    d = lab.journey("wd-away")
    lab.servers["maf"].kill()
    lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
    lab.servers["mef"].kill()
    lab.start("mef")
    assert can(lab, "cse", d.kc_id, d.kc), "nobody can have told the CSE"
    lab.start("maf")
    ks.wait_for(lambda: not can(lab, "cse", d.kc_id, d.kc), 2 * BOUND, "the CSE to hear of it")
    assert not can(lab, "maf", d.km_id, d.km)


def test_only_keys_of_who_asks_are_told(lab):
    d = lab.journey("wd-told")
    start = "/withdrawn/" + "0" * 16
    lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
    with ks.CertClient(lab, "mef", "maf") as c:
        told = ks.ask(c, "retrieve", start, origin=ks.MAF)
        assert told.rsc == 2000 and [x["state"] for x in told.json["withdrawn"] if x["id"].upper() == d.ke_id.upper()] == ["revoked"]
        assert told.json["next"] == told.json["last"]
        assert ks.ask(c, "retrieve", "/withdrawn/" + told.json["last"], origin=ks.MAF).json["withdrawn"] == []
        assert ks.ask(c, "retrieve", start, origin=ks.CSE_ID).rsc == 4106  # From is not the association's
        assert ks.ask(c, "retrieve", "/withdrawn/soon", origin=ks.MAF).rsc == 4000
    other = lab.journey("wd-nobody")
    with lab.psk("maf", other.km_id, other.km).connect() as c:  # a client that was never handed a key
        assert ks.ask(c, "retrieve", start, origin=other.enrolee_id).json["withdrawn"] == []
    assert not ks.keys_in(json.dumps(told.json), d.secrets)


def restore_mef(lab, copy):
    """As docs/operate/recovery.md says."""
    lab.stop("mef")
    store = next(lab.where.glob("mef*.db"))
    for f in lab.where.glob(store.name + "-*"):
        f.unlink()
    store.write_bytes(copy.read_bytes())
    lab.start("mef")


def test_mef_restored_from_an_older_backup(lab, tmp_path):
    """What the MEF forgot, its MAF still knows, and says that the MEF went back."""
    d = lab.journey("wd-backup")
    copy = tmp_path / "mef.db"
    lab.ctl_json("mef", "backup", "--to", copy)
    lab.ctl_json("mef", "credential", "revoke", d.kpm_id)
    ks.wait_for(lambda: not can(lab, "cse", d.kc_id, d.kc), BOUND, "the CSE to hear of it")
    restore_mef(lab, copy)
    assert can(lab, "mef", d.kpm_id, d.psk), "the revocation is not in the backup"
    ks.wait_for(lambda: "authority-went-back" in str(lab.ctl_json("maf", "audit", "tail")), BOUND, "the MAF to notice")
    assert not can(lab, "maf", d.km_id, d.km) and not can(lab, "cse", d.kc_id, d.kc), "a revoked Km came back"
    lab.ctl_json("mef", "credential", "revoke", d.kpm_id)  # the operator does it again
    e = lab.journey("wd-after-backup")
    lab.ctl_json("mef", "credential", "revoke", e.kpm_id)
    ks.wait_for(lambda: not can(lab, "cse", e.kc_id, e.kc), BOUND, "the CSE to hear of the next one")


def test_what_a_restored_mef_does_not_know(lab, tmp_path):
    """Keys handed out after the backup: who holds them goes on, the MEF can neither give them again nor take them back; who revokes
    them, and how the operator finds them (docs/operate/recovery.md)."""
    old = lab.journey("wd-old")
    first = (old.km_id, old.km)
    copy = tmp_path / "mef.db"
    lab.ctl_json("mef", "backup", "--to", copy)
    new = lab.journey("wd-new")
    before = str(lab.enrolments()).upper()
    lab.enrol(old)  # once more: a Ke of which the backup knows nothing
    again = (old.ke_id, old.km)
    assert can(lab, "maf", *again), "the MAF fetched its Km"
    restore_mef(lab, copy)
    assert lab.ctl_json("mef", "audit", "verify")
    assert not can(lab, "mef", new.kpm_id, new.psk), "added after the backup: unknown"
    assert lab.fetch(new.ke_id).rsc == 4004 and lab.fetch(again[0]).rsc == 4004  # not to be had again
    assert can(lab, "maf", new.km_id, new.km) and can(lab, "cse", new.kc_id, new.kc) and can(lab, "maf", *again), "who has it goes on"
    lab.enrol(old)
    assert old.ke_id.upper() not in before + again[0].upper(), "no KeId is given twice"
    assert can(lab, "maf", old.ke_id, old.km)
    lab.ctl_json("mef", "credential", "revoke", old.kpm_id)
    ks.wait_for(lambda: not can(lab, "maf", *first) and not can(lab, "maf", old.ke_id, old.km), BOUND, "the MAF to hear of it")
    assert can(lab, "maf", *again), "of this key the MEF does not know, so it told nobody"
    stored = [e["object"].upper() for e in lab.ctl_json("maf", "audit", "tail")["events"] if e["event"] == "km-stored"]
    assert {new.ke_id.upper(), again[0].upper()} <= set(stored), "where the operator finds them"
    lab.ctl_json("maf", "credential", "revoke", again[0])
    lab.ctl_json("maf", "credential", "revoke", new.km_id)
    ks.wait_for(lambda: not can(lab, "cse", new.kc_id, new.kc), BOUND, "the CSE to hear of it")
    assert not can(lab, "maf", *again) and not can(lab, "maf", new.km_id, new.km)
    lab.add(new, allowed=False)  # the credential once more: the device enrols with what it has
    lab.enrol(new)
    assert can(lab, "maf", new.ke_id, new.km)
