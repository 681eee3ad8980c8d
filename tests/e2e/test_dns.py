"""A registration puts the public domain name of the field CSE into the DNS, its end takes it out: a real knotd on loopback."""
import base64
import hashlib
import socket
import struct
import subprocess

import keystead as ks

KEY = hashlib.sha256(b"made-up tsig key").digest()


class NameServer:
    def __init__(self, folder):
        folder.mkdir()
        self.folder, self.p = folder, None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        (folder / "zone").write_text(f"$ORIGIN {ks.SP}.\n@ 60 SOA ns host 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 127.0.0.1\n"
                                     "taken 60 TXT \"somebody else\"\n")
        (folder / "knot.conf").write_text(
            f"server:\n  rundir: {folder}\n  listen: 127.0.0.1@{self.port}\n  udp-workers: 1\n  tcp-workers: 1\n"
            f"  background-workers: 1\ndatabase:\n  storage: {folder}\nlog:\n- target: stderr\n  any: info\n"
            f"key:\n- id: cse.key\n  algorithm: hmac-sha256\n  secret: {base64.b64encode(KEY).decode()}\n"
            "acl:\n- id: cse\n  key: cse.key\n  action: update\n"
            f"zone:\n- domain: {ks.SP}\n  storage: {folder}\n  file: zone\n  acl: cse\n")

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.p = subprocess.Popen(["/usr/sbin/knotd", "-c", self.folder / "knot.conf"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        ks.wait_for(lambda: self.ask("ns"), what="knotd")

    def stop(self):
        if self.p is not None:
            self.p.terminate()
            self.p.wait(20)
            self.p = None

    def ask(self, label, ty=1):
        """The content of the last record of this type, or None."""
        name = b"".join(bytes([len(x)]) + x.encode() for x in f"{label}.{ks.SP}".split(".")) + b"\0"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.5)
            s.connect(("127.0.0.1", self.port))
            try:
                s.send(struct.pack(">6H", 7, 0, 1, 0, 0, 0) + name + struct.pack(">2H", ty, 1))
                answer = s.recv(2000)
            except OSError:
                return None
        n = struct.unpack(">H", answer[6:8])[0]
        size = 4 if ty == 1 else 16
        return answer[12 + len(name) + 4:][12 * n + size * (n - 1):][:size] if n else None


def configure(lab, dns, zone=ks.SP, key=KEY):
    for k, value in {"dns-server": f"127.0.0.1:{dns.port}", "dns-zone": zone, "dns-key-name": "cse.key",
                     "dns-key": lab.key_file("tsig", key), "dns-address": "192.0.2.7,2001:db8::7"}.items():
        lab.set("cse", "cse", k, value)


def enlist(lab, key, who, cb):
    with lab.psk("cse", *key).connect() as c:
        r = ks.ask(c, "create", "/-", {"m2m:csr": {"rr": True, "srv": ["3"], "cb": cb}}, 16, who)
        assert r.rsc == 2001, r


def wait_log(lab, *words):
    ks.wait_for(lambda: any(all(w in line for w in words) for line in lab.logs().splitlines()), what=words)


def test_names_in_the_dns(new_lab, tmp_path):
    lab, dns = new_lab, NameServer(tmp_path / "dns")
    keys = {n: lab.add_kpsa(n, enrolee_id=f"//{ks.SP}/{n}") for n in ("mn", "asn", "taken", "quiet")}
    try:
        dns.start()
        configure(lab, dns)
        lab.start("cse")
        enlist(lab, keys["mn"], "/mn", f"MN.{ks.SP}")  # R002-28, R002-29
        enlist(lab, keys["asn"], "/asn", f"asn.in.{ks.SP}")
        enlist(lab, keys["quiet"], "/quiet", f"//{ks.SP}/in")
        enlist(lab, keys["taken"], "/taken", f"taken.{ks.SP}")
        ks.wait_for(lambda: dns.ask("mn") == bytes([192, 0, 2, 7]), what="A")  # R002-30
        ks.wait_for(lambda: dns.ask("asn.in") == bytes([192, 0, 2, 7]), what="A")
        assert dns.ask("mn", 28) == socket.inet_pton(socket.AF_INET6, "2001:db8::7")  # R002-30
        wait_log(lab, "dns-failed", "dns-name-taken", f"taken.{ks.SP}")  # refuses R002-30
        assert dns.ask("taken") is None and dns.ask("quiet") is None
        lab.ctl_json("cse", "registration", "remove", "/mn")
        ks.wait_for(lambda: dns.ask("mn") is None, what="no A")
        assert dns.ask("asn.in") is not None

        dns.stop()  # nobody waits for it, and it is asked again
        enlist(lab, keys["mn"], "/mn", f"mn.{ks.SP}")
        wait_log(lab, "dns-failed", "dns-unreachable")  # refuses R002-30
        dns.start()
        ks.wait_for(lambda: dns.ask("mn"), what="A again")

        configure(lab, dns, key=hashlib.sha256(b"another").digest())
        lab.restart("cse")
        lab.ctl_json("cse", "registration", "remove", "/mn")
        wait_log(lab, "dns-failed", "dns-key")  # refuses R002-30
        assert dns.ask("mn") is not None

        configure(lab, dns, zone=f"in.{ks.SP}")
        lab.restart("cse")
        enlist(lab, keys["mn"], "/mn", f"mn.{ks.SP}")
        wait_log(lab, "dns-failed", "dns-outside-zone")  # refuses R002-30
    finally:
        dns.stop()
