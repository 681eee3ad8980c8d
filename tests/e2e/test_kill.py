"""SIGKILL at any moment, under load: everything that a role ever acknowledged is there afterwards (issue contract).

KEYSTEAD_KILLS (200) kills of a whole process tree, its supervisor, a worker or the writer, of a random role, at random
moments, while clients enrol, register and write, over TLS and HTTP and over DTLS and CoAP. KEYSTEAD_SEED repeats a sequence of kills."""
import base64
import contextlib
import json
import os
import random
import re
import subprocess
import threading
import time

import coaps
import keystead as ks
import tlspsk
from test_dtls import CoapCli

KILLS = int(os.environ.get("KEYSTEAD_KILLS", "200"))
SEED = int(os.environ.get("KEYSTEAD_SEED", str(random.randrange(10 ** 9))))
TROUBLE = (tlspsk.Alert, tlspsk.Closed, OSError, subprocess.TimeoutExpired)


class Client(threading.Thread):
    """Does turns until it is told to stop; what was acknowledged goes to a list, trouble of the connection is expected."""

    def __init__(self, lab, stop, number):
        super().__init__(name=f"{type(self).__name__}-{number}", daemon=True)
        self.lab, self.stop_event, self.number = lab, stop, number
        self.acked, self.faults, self.turns = [], [], 0

    def run(self):
        try:
            while not self.stop_event.is_set():
                try:
                    self.turn()
                except TROUBLE:
                    time.sleep(0.02)
                self.turns += 1
        except BaseException as e:  # noqa: BLE001  (shown by the test)
            self.faults.append(e)

    def expect(self, r, *rscs):
        """Not acknowledged is no fault while processes die (500), everything else is."""
        if r.rsc in rscs:
            return True
        if r.status < 500 and r.rsc != 5103:
            self.faults.append(r)
        raise tlspsk.Closed(str(r))


LIVE = 1024  # [mef] max-live-ke: what one credential may enrol before the oldest goes
PER_CREDENTIAL = LIVE - 100  # turns; not more than that, whatever became of each


class Enrolling(Client):
    """KeIds whose handshake completed."""

    def turn(self):
        d = self.lab.enrolees[self.turns // PER_CREDENTIAL]
        self.lab.enrol(d)
        self.acked.append((d.ke_id, d.km))
        time.sleep(0.02)


class EnrollingByDatagram(Client):
    """The same over DTLS, by openssl: acknowledged when it has read the server's Finished."""

    def turn(self):
        d = self.lab.enrolees_by_datagram[self.number]
        p = subprocess.run(["openssl", "s_client", "-dtls1_2", "-state", "-connect", f"127.0.0.1:{self.lab.coaps['mef']}", "-servername",
                            "localhost", "-psk_identity", d.kpm_id, "-psk", d.psk.hex(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0",
                            "-keymatexport", ks.BOOTSTRAP, "-keymatexportlen", "48"], input=b"Q\n", capture_output=True, timeout=2.5)
        out = (p.stdout + p.stderr).decode(errors="replace")
        exported = re.search(r"Keying material: ([0-9A-Fa-f]{96})", out)
        if "read finished" not in out or exported is None:
            raise tlspsk.Closed("no Finished")
        both = bytes.fromhex(exported[1])
        d.ke_id, d.ke = ks.key_id(both[:16], ks.MEF), both[16:]
        self.acked.append((d.ke_id, d.km))


class WritingByCoap(Client):
    """contentInstances at the CSE over CoAP and DTLS, by the device's own program; its AE was there before."""

    def begin(self, where):
        stem = f"Skillcoap{self.number}"
        self.kpsa = ident, key = self.lab.add_kpsa(stem, enrolee_id=f"//{ks.SP}/{stem}")
        self.cli = CoapCli(self.lab, where / stem)
        self.cli.ok("associate", "--cse", self.cli.at("cse"), "--cse-id", ks.CSE_ID, "--kpsa-id", ident, "--kpsa-file",
                    self.lab.key_file(stem, key))
        me = self.cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"]
        self.cli.ok("request", "create", f"/{me}", "--type", "3", "--content", '{"m2m:cnt":{"rn":"box"}}')
        self.acked.append({"ae": me, "box": True, "there": set(), "gone": set(), "tried": set(), "label": 0})

    def turn(self):
        told = self.acked[0]
        name = f"n{self.turns}"
        told["tried"].add(name)
        content = json.dumps({"m2m:cin": {"rn": name, "con": f"of {name}"}})
        p = self.cli.run("request", "create", f"/-/{told['ae']}/box", "--type", "4", "--content", content, "--timeout", "2s")
        if p.returncode == 0:
            told["there"].add(name)
            return
        if p.returncode not in (1, 3) or (p.returncode == 1 and '"rsc":5' not in p.stdout.replace(" ", "")):
            self.faults.append(p.stdout + p.stderr)
        raise tlspsk.Closed(p.stdout)


class Connecting(Client):
    """The whole way: enrolment, Km at the MAF, key registration; what each step acknowledged."""

    def turn(self):
        d = ks.Device(f"kill-way-{self.number}-{self.turns}")
        credential = self.lab.ways[self.number][self.turns // PER_CREDENTIAL]
        d.kpm_id, d.psk, d.enrolee_id = credential.kpm_id, credential.psk, credential.enrolee_id
        self.lab.enrol(d)
        self.acked.append(("ke", d.ke_id, d.km))
        for _ in range(50):
            if self.stop_event.is_set():
                return
            try:
                r = self.lab.maf_register(d)
                self.expect(r, 2001, 4117)
                break
            except TROUBLE:
                time.sleep(0.3)  # a client that tries again: the same Km, the same registration
        else:
            return
        if r.rsc == 4117:  # it had gone through and the answer was lost: this device enrols anew
            return
        self.acked.append(("km", d.km_id, d.km))
        self.expect(self.lab.key_register(d), 2001)
        self.acked.append(("kc", d.kc_id, d.kc))


class Writing(Client):
    """Resources at the CSE over plain HTTP: creates, updates and deletes."""

    conn = me = None
    count = 0

    def turn(self):
        try:
            if self.conn is None:
                self.conn = tlspsk.PlainClient(self.lab.plain_cse, timeout=20).connect()
            if self.me is None or self.count % 60 == 0:
                self.begin()
            self.write()
        except TROUBLE:
            if self.conn is not None:
                self.conn.close()
            self.conn = None
            self.me = None  # whether the last one went through is not known: a new AE, a new container
            raise

    def begin(self):
        r = ks.register(self.conn, "C")
        self.expect(r, 2001)
        me = r.json["m2m:ae"]["aei"]
        self.acked.append({"ae": me, "box": False, "there": set(), "gone": set(), "tried": set(), "label": 0})
        self.expect(ks.create_container(self.conn, me, f"/{me}", "box"), 2001)
        self.acked[-1]["box"] = True
        self.me = me

    def write(self):
        self.count += 1
        told, box = self.acked[-1], f"/-/{self.me}/box"
        name = f"n{self.count}"
        told["tried"].add(name)
        self.expect(ks.create_content(self.conn, self.me, box, f"of {name}", rn=name), 2001)
        told["there"].add(name)
        if self.count % 7 == 0:
            self.expect(ks.ask(self.conn, "update", box, {"m2m:cnt": {"lbl": [str(self.count)]}}, origin=self.me), 2004)
            told["label"] = self.count
        if self.count % 11 == 0:
            told["there"].discard(name)  # until the answer comes nobody knows
            self.expect(ks.ask(self.conn, "delete", f"{box}/{name}", origin=self.me), 2002)
            told["gone"].add(name)


# -- the killing -------------------------------------------------------------------------------------------------
def kill_one(lab, rng):
    role = rng.choice(ks.ROLES)
    server = lab.servers[role]
    pids = server.pids
    victim = rng.choice(("tree", "tree", "supervisor", "child", "child"))
    if victim == "child" and len(pids) > 1:
        server.kill([rng.choice(pids[1:])])
        return f"{role} child"
    if victim == "supervisor":
        server.kill([server.p.pid])
        server.p.wait(ks.PATIENCE)
        ks.wait_for(lambda: not any(map(ks.is_alive, pids)), 15, f"the processes of {role} to follow their supervisor")
    else:
        server.kill()
        ks.wait_for(lambda: not any(map(ks.is_alive, pids)), 15, "the killed to be gone")
    server.check_log()
    lab.start(role)
    return f"{role} {victim}"


# -- the reckoning -----------------------------------------------------------------------------------------------
def check_enrolments(lab, acked):
    there = {m.upper() for m in (json.dumps(e) for e in lab.enrolments()) for m in ke_ids(m)}
    lost = [ke_id for ke_id, _ in acked if ke_id.upper() not in there]
    assert not lost, f"{len(lost)} of {len(acked)} Ke lost: {lost[:5]}"
    step = max(1, len(acked) // 60)
    with ks.CertClient(lab, "mef", "maf") as c:
        for ke_id, km in acked[::step]:
            r = ks.ask(c, "retrieve", f"/fetchCredentials/{ke_id}/21", origin=ks.MAF)
            assert r.status == 200 and base64.b64decode(r.json["credential"]) == km, (ke_id, r)


def ke_ids(text):
    return re.findall(rf"[0-9A-Fa-f]{{32}}@{re.escape(ks.MEF)}", text)


def check_ways(lab, acked):
    check_enrolments(lab, [(name, key) for kind, name, key in acked if kind == "ke"])
    kms = [(name, key) for kind, name, key in acked if kind == "km"]
    for name, key in kms[::max(1, len(kms) // 40)]:
        with lab.psk("maf", name, key).connect():
            pass
    with ks.CertClient(lab, "maf", "cse") as c:
        for kind, name, key in acked:
            if kind == "kc":
                r = ks.ask(c, "retrieve", f"/-/{name.split('@')[0]}", origin=ks.CSE_ID)
                assert r.rsc == 2000 and base64.b64decode(r.json["m2m:skr"]["kv"]) == key, (name, r)


def check_resources(lab, acked, conn=None):
    with conn or tlspsk.PlainClient(lab.plain_cse) as c:
        for told in acked:
            me, box = told["ae"], f"/-/{told['ae']}/box"
            assert ks.ask(c, "retrieve", f"/{me}", origin=me).rsc == 2000, f"AE {me} lost"
            r = ks.ask(c, "retrieve", box, origin=me)
            if not told["box"]:
                assert r.rsc in (2000, 4004)
                continue
            assert r.rsc == 2000, f"container of {me} lost: {r}"
            cnt = r.json["m2m:cnt"]
            assert int((cnt.get("lbl") or ["0"])[0]) >= told["label"], "an acknowledged update was lost"
            found = set()
            for name in told["tried"]:
                r = ks.ask(c, "retrieve", f"{box}/{name}", origin=me)
                if r.rsc == 2000:
                    assert r.json["m2m:cin"]["con"] == f"of {name}"
                    found.add(name)
                else:
                    assert r.rsc == 4004, r
            assert told["there"] <= found, f"lost: {told['there'] - found}"
            assert not told["gone"] & found, f"came back: {told['gone'] & found}"
            assert cnt["cni"] == len(found), "the container counts what it holds: no half-done transaction"


CHECKS = {Enrolling: check_enrolments, EnrollingByDatagram: check_enrolments, Connecting: check_ways, Writing: check_resources}


def test_nothing_acknowledged_is_lost(tmp_path):
    print(f"KEYSTEAD_SEED={SEED} KEYSTEAD_KILLS={KILLS}")
    rng = random.Random(SEED)
    with ks.Lab(tmp_path / "l") as lab:
        lab.set("mef", "mef", "max-live-ke", str(LIVE))
        lab.set("cse", "cse", "association", "optional")
        for role in ks.ROLES:
            lab.set(role, "server", "workers", "2")
        lab.plain_cse = lab.plain("cse")
        lab.start()
        lab.enrolees = [lab.device(f"kill-enrol-{i}") for i in range(12)]
        lab.ways = [[lab.device(f"kill-way-{i}-{k}") for k in range(6)] for i in range(2)]
        lab.coaps = coaps.ports(lab)
        lab.enrolees_by_datagram = [lab.device(f"kill-dtls-{i}") for i in range(2)]
        stop = threading.Event()
        by_coap = WritingByCoap(lab, stop, 0)
        by_coap.begin(tmp_path)
        clients = [by_coap, *[EnrollingByDatagram(lab, stop, i) for i in range(2)],
                   Enrolling(lab, stop, 0), *[Connecting(lab, stop, i) for i in range(2)], *[Writing(lab, stop, i) for i in range(3)]]
        for c in clients:
            c.start()
        killed = []
        try:
            for _ in range(KILLS):
                time.sleep(min(rng.expovariate(1 / 0.12), 0.5))
                killed.append(kill_one(lab, rng))
                assert not any(c.faults for c in clients), [c.faults[:2] for c in clients if c.faults]
            time.sleep(1.0)
        finally:
            stop.set()
            for c in clients:
                c.join(60)
        assert not any(c.is_alive() for c in clients), "a client hangs"
        assert not any(c.faults for c in clients), [c.faults[:2] for c in clients if c.faults]
        for role in ks.ROLES:  # and once more, so that everything is read from the disk
            server = lab.servers[role]
            server.kill()
            lab.start(role)
        counts = {}
        for c in clients:
            if isinstance(c, WritingByCoap):
                check_resources(lab, c.acked, lab.psk("cse", *c.kpsa).connect())
            else:
                CHECKS[type(c)](lab, c.acked)
            counts[c.name] = sum(len(a["there"]) for a in c.acked) if isinstance(c, (Writing, WritingByCoap)) else len(c.acked)
        for role in ks.ROLES:
            assert lab.ctl_json(role, "audit", "verify")["intact"] is True
        print(json.dumps({"killed": {k: killed.count(k) for k in sorted(set(killed))}, "acknowledged": counts}))
        assert len(killed) == KILLS
        assert counts["Enrolling-0"] > KILLS / 4 and sum(v for k, v in counts.items() if k.startswith("Writing-")) > KILLS, counts
        assert sum(v for k, v in counts.items() if k.startswith("EnrollingByDatagram")) > KILLS / 20, counts
        assert counts["WritingByCoap-0"] > KILLS / 8, counts
        assert sum(kind == "kc" for c in clients if isinstance(c, Connecting) for kind, *_ in c.acked) > KILLS / 40, counts


def test_killed_while_it_starts(tmp_path):
    """Also a start that is cut short leaves a store that opens."""
    rng = random.Random(SEED)
    with ks.Lab(tmp_path / "l") as lab:
        lab.start("mef", "maf")
        d = lab.device("starts")
        kept = [lab.enrol(d).ke_id]
        for _ in range(max(5, KILLS // 20)):
            lab.servers.pop("mef").kill()
            s = ks.Server(lab, "mef")
            time.sleep(rng.random() * 0.15)
            s.kill()
            with contextlib.suppress(OSError):
                os.close(s.ready_fd)
            s.check_log()
            lab.start("mef")
            kept.append(lab.enrol(d).ke_id)
            for ke_id in kept[-8:]:
                assert lab.fetch(ke_id).status == 200
        assert lab.ctl_json("mef", "audit", "verify")["intact"] is True
