"""What is kept and how: restarts, a full disk, a locked and a damaged store, reload, modes of files, and no key anywhere
where it does not belong."""
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import stat
import subprocess
import time

import pytest

import keystead as ks
import tlspsk


def usable(lab, d):
    """Everything that the servers ever acknowledged to this device still holds."""
    assert lab.fetch(d.ke_id).status == 200
    with lab.psk("maf", d.km_id, d.km).connect(), lab.psk("maf", d.ke_id, d.km).connect():
        pass
    with lab.cse(d) as c:
        r = ks.ask(c, "retrieve", f"/{d.stem}", origin=d.stem)
        assert r.rsc == 2000 and r.json["m2m:ae"]["aei"] == d.stem
        r = ks.ask(c, "retrieve", f"/-/{d.stem}/box/la", origin=d.stem)
        assert r.json["m2m:cin"]["con"] == f"of {d.name}"


def full_journey(lab, name, **more):
    d = lab.journey(name, **more)
    with lab.cse(d) as c:
        assert ks.create_container(c, d.stem, f"/{d.stem}", "box").rsc == 2001
        assert ks.create_content(c, d.stem, f"/-/{d.stem}/box", f"of {d.name}").rsc == 2001
    return d


# -- restarts ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("workers", ["1", "3"])
def test_restart_keeps_everything(new_lab, workers):
    lab = new_lab
    for role in ks.ROLES:
        lab.set(role, "server", "workers", workers)
    lab.start()
    d = full_journey(lab, "kept")  # R001-39, R001-57, R001-61, R001-88, R002-62
    half = lab.enrol(lab.device("half-way"))
    revoked = lab.enrol(lab.device("revoked"))
    lab.ctl_json("mef", "credential", "revoke", revoked.kpm_id)
    counts = {r: lab.ctl_json(r, "audit", "verify")["events"] for r in ks.ROLES}
    for _ in range(2):
        lab.restart(*ks.ROLES)
        usable(lab, d)
    assert lab.maf_register(half).rsc == 2001
    with pytest.raises(tlspsk.Alert):
        lab.psk("mef", revoked.kpm_id, revoked.psk).connect()
    lab.enrol(d)
    for r in ks.ROLES:
        got = lab.ctl_json(r, "audit", "verify")
        assert got["intact"] is True and got["events"] > counts[r]
    assert "started" in str(lab.ctl_json("mef", "audit", "tail", "--limit", "50"))


def test_any_process_may_die(new_lab):
    """The supervisor restarts a worker or writer that dies; nothing acknowledged is lost and service goes on."""
    lab = new_lab
    for role in ks.ROLES:
        lab.set(role, "server", "workers", "2")
    lab.start()
    d = full_journey(lab, "survivor")
    for role in ks.ROLES:
        for pid in ks.children(lab.servers[role].p.pid):
            os.kill(pid, signal.SIGKILL)
            ks.wait_for(lambda: len([p for p in ks.children(lab.servers[role].p.pid) if ks.is_alive(p)]) >= 2, 20, "a successor")
            patiently(lambda: usable(lab, d))
    patiently(lambda: lab.enrol(d))
    for role in ks.ROLES:
        assert lab.ctl_json(role, "status")["restarts"] >= 1
        assert lab.ctl_json(role, "audit", "verify")["intact"] is True


def patiently(call, seconds=20):
    """While a process is replaced, connections may fail; what comes back must be right."""
    end = time.monotonic() + seconds
    while True:
        try:
            return call()
        except (tlspsk.Closed, tlspsk.Alert, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def test_three_roles_in_one_process_tree(new_lab):
    """serve runs any set of roles: one configuration, one store, one control socket; the journey is the same."""
    lab = new_lab
    parts = {r: lab.conf(r).read_text() for r in ks.ROLES}

    def section(role, name):
        found = re.search(rf"^\[{re.escape(name)}\]\n(.*?)(?=^\[|\Z)", parts[role], re.M | re.S)
        return f"[{name}]\n{found[1]}\n"
    text = section("mef", "server").replace("roles = mef", "roles = mef, maf, cse")
    for role in ks.ROLES:
        text += section(role, role) + section(role, "listener main").replace("listener main", f"listener {role}")
    text += section("cse", f"peer {ks.MEF}") + section("cse", f"peer {ks.MAF}")
    (lab.where / "all.conf").write_text(text)
    lab.start("all")
    for role in ks.ROLES:
        (lab.where / f"{role}.conf").write_text(text)  # for ctl: each role answers on the one socket
    d = lab.enrol(lab.device("alone"))
    with pytest.raises(tlspsk.Alert):  # here the MAF asks with the certificate of the CSE, who is not the target
        lab.maf_register(d)
    text = text.replace(section("cse", f"peer {ks.MEF}"), section("maf", f"peer {ks.MEF}"))
    (lab.where / "all.conf").write_text(text)
    lab.restart("all")
    usable(lab, full_journey(lab, "together"))
    assert {listener["role"] for listener in lab.ctl_json("mef", "status")["listeners"]} == set(ks.ROLES)


# -- a full disk ---------------------------------------------------------------------------------------------------
class Small:
    """A place for the store that holds little: a tmpfs where that is permitted, else a limit on file sizes."""

    def __init__(self, where, size=1 << 20):
        self.where, self.size = pathlib.Path(where), size
        self.where.mkdir()
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", self.where],
                                      capture_output=True).returncode == 0
        self.limited = False

    def fill(self, server):
        if self.mounted:
            with open(self.where / "filler", "ab", buffering=0) as f, contextlib.suppress(OSError):
                while f.write(bytes(4096)):
                    pass
            return
        largest = max(f.stat().st_size for f in self.where.iterdir())
        for pid in server.pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    def free(self, server):
        if self.mounted:
            (self.where / "filler").unlink()
            return
        for pid in server.pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.where], check=True)


@pytest.fixture
def small(tmp_path):
    it = Small(tmp_path / "small")
    yield it
    it.close()


def test_full_disk_at_the_mef(new_lab, small):
    """The server's Finished is held until Ke is durable: with a full disk there is no Finished, but alert 80; nothing
    acknowledged is lost, and with room again it goes on by itself."""
    lab = new_lab
    lab.set("mef", "server", "store", small.where / "mef.db")
    lab.start()
    d = lab.enrol(lab.device("before"))
    kept = [(d.ke_id, d.ke)]
    small.fill(lab.servers["mef"])
    alerts = []
    for _ in range(400):
        try:
            lab.enrol(d)
            kept.append((d.ke_id, d.ke))
        except tlspsk.Alert as e:
            alerts.append(e.number)
            if len(alerts) == 5:
                break
    assert alerts == [ks.INTERNAL_ERROR] * 5  # refuses R001-88
    assert re.search(r"code=store(-full)?\b", lab.servers["mef"].log()), lab.servers["mef"].log()[-2000:]
    shown = [e["ke-id"] if "ke-id" in e else str(e) for e in lab.enrolments()]
    for ke_id, _ in kept[-8:]:
        assert any(ke_id.lower() in str(s).lower() for s in shown), "acknowledged, so it is there"
    for i in range(50):  # a credential is smaller than an enrolment: a few may still find room
        p = lab.ctl("mef", "credential", "add", "--kind", "kpm", "--id", f"full{i}@{ks.MEF}", "--target", ks.MAF, "--key-file",
                    lab.key_file("full", b"z" * 32))
        if p.returncode != 0:
            break
    assert p.returncode != 0 and len(p.stderr.strip().splitlines()) == 1 and "store" in p.stderr, p.stderr
    small.free(lab.servers["mef"])
    patiently(lambda: lab.enrol(d))
    kept.append((d.ke_id, d.ke))
    for ke_id, _ in kept[-8:]:
        assert lab.fetch(ke_id).status == 200
    lab.restart("mef")
    for ke_id, _ in kept[-8:]:
        assert lab.fetch(ke_id).status == 200
    assert lab.ctl_json("mef", "audit", "verify")["intact"] is True


def test_full_disk_at_the_cse(new_lab, small):
    lab = new_lab
    lab.set("cse", "server", "store", small.where / "cse.db")
    lab.start()
    d = full_journey(lab, "full")
    kept = []
    with lab.cse(d) as c:  # a new association is an audit event: none is made on a full disk
        small.fill(lab.servers["cse"])
        for i in range(400):
            r = ks.create_content(c, d.stem, f"/-/{d.stem}/box", "w" * 2000, rn=f"n{i}")
            if r.rsc != 2001:
                break
            kept.append(i)
        assert (r.rsc, r.status) == (5000, 500) and r.reason in ("store-full", "store-failed"), r
        assert ks.ask(c, "retrieve", f"/-/{d.stem}/box", origin=d.stem).rsc == 2000, "reading goes on"
        with pytest.raises(tlspsk.Alert) as refused:
            for _ in range(50):  # a few audit events may still find room
                lab.cse(d).close()
        assert refused.value.number == ks.INTERNAL_ERROR
        assert lab.ctl("cse", "audit", "tail").returncode == 0 and lab.ctl("cse", "status").returncode == 0
        log = lab.servers["cse"].log()
        assert re.search(rf"event=commit-failed code=store-(full|failed) text=.* hint=.* store=.*{re.escape(str(small.where))}", log), log[-2000:]
        assert re.search(r"event=refused code=store-(full|failed)", log), log[-2000:]
        small.free(lab.servers["cse"])
        assert patiently(lambda: ks.create_content(c, d.stem, f"/-/{d.stem}/box", "more", rn="after")).rsc == 2001
        for i in kept:
            assert ks.ask(c, "retrieve", f"/-/{d.stem}/box/n{i}", origin=d.stem).rsc == 2000
    lab.restart("cse")
    with lab.cse(d) as c:
        for i in kept:
            assert ks.ask(c, "retrieve", f"/-/{d.stem}/box/n{i}", origin=d.stem).rsc == 2000


# -- locked and damaged ----------------------------------------------------------------------------------------------
def refuses_to_start(lab, role, *words, code=4):
    s = ks.Server(lab, role)
    try:
        got = s.wait_end(ks.PATIENCE)
    except subprocess.TimeoutExpired:
        s.kill()
        raise AssertionError(f"{role} started although it must not\n{s.log()[-2000:]}") from None
    s.check_log()
    assert got == code, (got, s.log()[-2000:])
    assert any(w in s.log() for w in words), s.log()[-3000:]
    faults = [line for line in s.log().splitlines() if "keystead:" in line]
    assert len(faults) == 1, f"one clear error: {s.log()[-3000:]}"
    return s


def test_locked_store(new_lab):
    lab = new_lab
    lab.start("mef")
    d = lab.add(ks.Device("held"), allowed=False)
    text = lab.conf("mef").read_text()
    other = text.replace(f"address = 127.0.0.1:{lab.address('mef')[1]}", f"address = 127.0.0.1:{ks.free_port()}")
    other = other.replace("control = mef.sock", "control = second.sock")
    (lab.where / "second.conf").write_text(other)
    s = refuses_to_start(lab, "second", "store-locked")
    assert d.kpm_id not in s.log()
    lab.enrol(d)


def test_same_port_twice(new_lab):
    """Two servers must not share a port silently, although the workers of one do (SO_REUSEPORT)."""
    lab = new_lab
    lab.start("mef")
    text = lab.conf("mef").read_text().replace("control = mef.sock", "control = second.sock").replace("store = mef.db", "store = second.db")
    (lab.where / "second.conf").write_text(text)
    refuses_to_start(lab, "second", "address", "Address", "in use", code=4)


@pytest.mark.parametrize("damage", ["header", "empty", "text", "wrong root secret", "directory", "cut"])
def test_damaged_store(new_lab, damage):
    lab = new_lab
    lab.start("mef")
    d = lab.add(ks.Device("damaged"), allowed=False)
    lab.enrol(d)
    lab.stop("mef")
    db = lab.where / "mef.db"
    for f in (lab.where / "mef.db-wal", lab.where / "mef.db-shm"):
        f.unlink(missing_ok=True)
    whole = db.read_bytes()
    if damage == "header":
        db.write_bytes(b"\xff" * 100 + whole[100:])
    elif damage == "text":
        db.write_text("this is no store\n" * 1000)
    elif damage == "empty":
        db.write_bytes(b"")
    elif damage == "cut":
        db.write_bytes(whole[:len(whole) // 2 // 4096 * 4096])
    elif damage == "directory":
        db.unlink()
        db.mkdir()
    elif damage == "wrong root secret":
        (lab.where / "mef.root").chmod(0o600)
        (lab.where / "mef.root").write_text("11" * 32 + "\n")
        (lab.where / "mef.root").chmod(0o400)
    refuses_to_start(lab, "mef", "store-corrupt", "unseal-failed", "store-failed", "record-malformed", code=4)
    if damage not in ("directory", "wrong root secret"):  # a listing opens no seal
        p = lab.ctl("mef", "credential", "list")
        assert p.returncode == 4 and len(p.stderr.strip().splitlines()) == 1, (p.stdout, p.stderr)


def test_damage_within_the_store(new_lab):
    """Pages in the middle are overwritten: whatever still works works, the rest is one clear refusal each; no crash."""
    lab = new_lab
    lab.start()
    d = full_journey(lab, "holes")
    with lab.cse(d) as c:
        for i in range(60):
            assert ks.create_content(c, d.stem, f"/-/{d.stem}/box", "v" * 1500, rn=f"n{i}").rsc == 2001
    lab.stop("cse")
    db = lab.where / "cse.db"
    for f in (lab.where / "cse.db-wal", lab.where / "cse.db-shm"):
        f.unlink(missing_ok=True)
    whole = bytearray(db.read_bytes())
    for at in range(5 * 4096, len(whole) - 4096, 3 * 4096):
        whole[at:at + 4096] = b"\xff" * 4096
    db.write_bytes(whole)
    s = ks.Server(lab, "cse")
    lab.servers["cse"] = s
    try:
        s.wait_ready()
    except AssertionError:
        del lab.servers["cse"]
        s.check_log()
        assert s.p.wait(10) == 4 and "store-corrupt" in s.log()
        return
    answers = set()
    for i in range(60):
        try:
            with lab.cse(d) as c:
                answers.add(ks.ask(c, "retrieve", f"/-/{d.stem}/box/n{i}", origin=d.stem).rsc)
                answers.add(ks.create_content(c, d.stem, f"/-/{d.stem}/box", "v").rsc)
        except tlspsk.Alert as e:
            assert e.number == ks.INTERNAL_ERROR
            answers.add(5000)
    assert 5000 in answers, answers
    assert "store-corrupt" in s.log() or "store" in s.log()


# -- reload ------------------------------------------------------------------------------------------------------
def test_reload(new_lab):
    lab = new_lab
    lab.start()
    d = full_journey(lab, "reload")
    open_before = lab.cse(d)
    assert ks.create_container(open_before, d.stem, f"/{d.stem}", "probe").rsc == 2001
    lab.set("cse", "limits", "message", "2048")
    assert lab.ctl_json("cse", "reload") is not None

    def probe():
        with lab.cse(d) as c:
            return ks.create_content(c, d.stem, f"/-/{d.stem}/probe", "q" * 5000).reason == "too-large"

    def limited():
        return patiently(probe)  # a worker of the old generation may close before it has read the request
    ks.wait_for(limited, 20, "the new limit")
    open_before.close()
    usable(lab, d)

    good = lab.conf("cse").read_text()
    for spoil in (("message = 2048", "message = many"), ("[limits]", "[limts]"), ("certificate = cse.crt", "certificate = none.crt"),
                  ("root-secret = cse.root", "root-secret = cse.crt")):
        assert spoil[0] in good
        lab.conf("cse").write_text(good.replace(*spoil, 1))
        p = lab.ctl("cse", "reload")
        assert p.returncode != 0 and p.stderr.startswith("keystead:"), "a bad file is refused"
        usable(lab, d)
        assert limited(), "and changes nothing"
    lab.conf("cse").write_text("")
    assert lab.ctl("cse", "reload").returncode != 0
    usable(lab, d)
    lab.conf("cse").write_text(good.replace("message = 2048", "message = 65536"))
    os.kill(lab.servers["cse"].p.pid, signal.SIGHUP)
    ks.wait_for(lambda: not limited(), 20, "the old limit again")
    usable(lab, d)


def test_reload_under_load(new_lab):
    """Requests under way are answered; no connection is refused while generations change."""
    import threading
    lab = new_lab
    lab.start()
    d = full_journey(lab, "busy")
    faults, stop = [], threading.Event()

    def client():
        while not stop.is_set():
            try:
                with lab.cse(d) as c:
                    for _ in range(5):
                        r = ks.ask(c, "retrieve", f"/{d.stem}", origin=d.stem)
                        if r.rsc != 2000:
                            faults.append(r)
                        if r.headers.get("connection") == "close":
                            break
            except (tlspsk.Closed, tlspsk.Alert, OSError) as e:
                faults.append(e)
    threads = [threading.Thread(target=client) for _ in range(3)]
    for t in threads:
        t.start()
    try:
        for _ in range(5):
            lab.ctl_json("cse", "reload")
            time.sleep(0.4)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not [f for f in faults if not isinstance(f, tlspsk.Closed)], faults[:5]
    assert len(faults) <= 20, "a drained connection may be closed between requests, no more"


# -- files and secrets -----------------------------------------------------------------------------------------------
def test_modes_of_files(lab):
    full_journey(lab, "modes")
    for role in ks.ROLES:
        for f in [*lab.where.glob(f"{role}.db*"), lab.where / f"{role}.sock", lab.where / f"{role}.root", lab.where / f"{role}.audit"]:
            assert stat.S_IMODE(f.stat().st_mode) & 0o077 == 0, f
        for pid in lab.servers[role].pids:
            limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
            assert re.search(r"Max core file size +0 +0 ", limits), "no core dumps"


def test_backup_is_a_store(new_lab):
    lab = new_lab
    lab.start()
    d = full_journey(lab, "backup")
    copy = lab.where / "copy.db"
    lab.ctl_json("cse", "backup", "--to", copy)
    assert stat.S_IMODE(copy.stat().st_mode) & 0o077 == 0
    p = lab.ctl("cse", "backup", "--to", copy)
    assert p.returncode != 0, "nothing is overwritten"
    lab.stop("cse")
    for f in lab.where.glob("cse.db*"):
        f.unlink()
    shutil.copy(copy, lab.where / "cse.db")
    lab.start("cse")
    usable(lab, d)


def environment(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except PermissionError:  # the servers are not dumpable: only root may look
        return ""


def test_no_key_where_it_does_not_belong(new_lab):
    """A whole run with refusals: no key in any log, answer of ctl, store, socket file or command line."""
    lab = new_lab
    for role in ks.ROLES:
        lab.set(role, "server", "log-level", "debug")
    lab.start()
    ds = [full_journey(lab, f"secret-{i}") for i in range(2)]
    identity, key = lab.add_kpsa("secret", enrolee_id=f"//{ks.SP}/Ssecret")
    with lab.psk("cse", identity, key).connect() as c:
        ks.register(c, "Ssecret")
    for role, name in (("mef", ds[0].kpm_id), ("maf", ds[0].km_id), ("cse", ds[0].kc_id)):
        with pytest.raises(tlspsk.Alert):
            lab.psk(role, name, b"\x11" * 32).connect()
    lab.ctl_json("maf", "credential", "add", "--kind", "km", "--id", f"pre@{ks.MAF}", "--key-file", lab.key_file("pre", b"\x77" * 32))
    secrets = [s for d in ds for s in d.secrets] + [key, b"\x77" * 32]
    for role, commands in (("mef", ("credential", "enrolment")), ("maf", ("credential", "client")), ("cse", ("credential",))):
        for noun in commands:
            lab.ctl(role, noun, "list")
            lab.ctl(role, noun, "list", "--json")
        lab.ctl(role, "audit", "tail", "--limit", "200")
        lab.ctl(role, "status", "--json")
    for args in (("mef", "credential", "show", ds[0].kpm_id), ("mef", "enrolment", "show", ds[0].ke_id),
                 ("maf", "credential", "show", ds[0].km_id), ("cse", "credential", "show", ds[0].kc_id)):
        lab.ctl(*args, "--json")
        lab.ctl(*args)
    lab.ctl("mef", "credential", "add", "--kind", "kpm", "--id", ds[0].kpm_id, "--key-file", lab.key_file("again", ds[0].psk))
    lines = "".join(pathlib.Path(f"/proc/{pid}/cmdline").read_text() + environment(pid)
                    for s in lab.servers.values() for pid in s.pids)
    roots = [bytes.fromhex((lab.where / f"{r}{suffix}").read_text()) for r in ks.ROLES for suffix in (".root", ".audit")]
    assert len(lab.spoken) > 3000 and ds[0].kpm_id in lab.spoken, "there is something to search"
    assert ks.keys_in(ds[0].psk.hex().upper(), secrets), "the search finds what is there"
    assert not ks.keys_in(lab.spoken, secrets + roots)
    assert not ks.keys_in(lab.logs(), secrets + roots)
    assert not ks.keys_in(lines, secrets + roots)
    lab.stop()
    for role in ks.ROLES:
        for f in lab.where.glob(f"{role}.db*"):
            assert not ks.keys_in(f.read_bytes(), secrets + roots), f"{f.name} holds a key in the clear"  # R002-62
    lab.start()


def test_long_lived_clock(new_lab):
    """Expiry by the clock of the machine: 91 days on, what was given for 90 is refused, and the rest is not."""
    lab = new_lab
    lab.start()
    short = lab.enrol(lab.device("ninety", lifetime="90d"))
    long = lab.enrol(lab.device("year", lifetime="400d"))
    lab.stop("mef")
    code = [ks.BIN, "serve", "--help"]
    assert "--test-clock" in subprocess.run(code, capture_output=True, text=True, timeout=30).stdout
    s = ks.Server(lab, "mef", env={"KEYSTEAD_CLOCK_OFFSET": str(91 * 86400)}, more=["--test-clock"])
    lab.servers["mef"] = s
    s.wait_ready()
    with pytest.raises(tlspsk.Alert) as e:
        lab.psk("mef", short.kpm_id, short.psk).connect()
    assert e.value.number == ks.UNKNOWN_PSK_IDENTITY  # refuses R002-63
    assert lab.fetch(short.ke_id).status == 404
    assert lab.fetch(long.ke_id).status == 200
    lab.enrol(long)
    assert json.dumps(lab.ctl_json("mef", "credential", "show", short.kpm_id))
