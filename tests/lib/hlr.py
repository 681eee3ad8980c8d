"""osmo-hlr of Debian on a loopback address of its own, with a made-up subscriber database; a relay in front of it that records, holds
back or damages what the HLR says; and the client under test (tests/lib/zh_ask.c)."""
import os
import pathlib
import random
import select
import signal
import socket
import subprocess
import threading
import time

import keystead as ks

BUILD = pathlib.Path(ks.BIN).resolve().parent
PORT, VTY = 4222, 4258  # of GSUP: osmo-hlr has no other; so the address is its own


def impi(imsi):
    return f"{imsi}@ims.mnc0{imsi[3:5]}.mcc{imsi[:3]}.3gppnetwork.org"


class Hlr:
    def __init__(self, folder):
        self.folder, self.p = folder, None
        self.address = f"127.{random.randint(2, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hlr.cfg").write_text(f"log stderr\n logging color 0\n logging level main notice\nline vty\n bind {self.address}\n"
                                        f"ctrl\n bind {self.address}\nhlr\n gsup\n  bind ip {self.address}\n")

    def is_open(self):
        with socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex((self.address, VTY)) == 0

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.p = subprocess.Popen(["osmo-hlr", "-c", "hlr.cfg", "-l", "hlr.db"], cwd=self.folder, stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log)
        ks.wait_for(self.is_open, what="osmo-hlr")

    def stop(self):
        if self.p is not None:
            self.p.send_signal(signal.SIGTERM)
            self.p.wait(ks.PATIENCE)
            self.p = None

    def add(self, *subscribers):
        with socket.create_connection((self.address, VTY), timeout=ks.PATIENCE) as s:
            for line in ["enable", *(x for imsi, k, opc in subscribers for x in (
                    f"subscriber imsi {imsi} create", f"subscriber imsi {imsi} update aud3g milenage k {k} opc {opc}"))]:
                s.sendall(line.encode() + b"\n")
                said = b""
                while not said.endswith(b"# "):
                    said += s.recv(4096)
                assert b"%%" not in said and b"Unknown" not in said, said


class Relay:
    """Between client and HLR. `flow` is asked about each piece that the HLR says: octets to pass on, or None to hold it back."""

    def __init__(self, *target):
        self.target, self.said, self.flow = target, [], lambda piece: piece
        self.at = socket.create_server(("127.0.0.1", 0))
        self.port, self.ends = self.at.getsockname()[1], []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.at.accept()
            except OSError:
                return
            try:
                hlr = socket.create_connection(self.target, timeout=ks.PATIENCE)
            except OSError:  # it is not there just now: the client comes again
                client.close()
                continue
            hlr.settimeout(None)
            self.ends += [client, hlr]
            threading.Thread(target=self._run, args=(client, hlr), daemon=True).start()

    def _run(self, client, hlr):
        try:
            while True:
                for s in select.select([client, hlr], [], [])[0]:
                    piece = s.recv(4096)
                    if not piece:
                        return
                    self.said.append((s is client, piece))
                    if s is hlr:
                        piece = self.flow(piece)
                        while piece is None:
                            time.sleep(0.01)
                            piece = self.flow(self.said[-1][1])
                    (hlr if s is client else client).sendall(piece)
        except (OSError, ValueError):
            pass
        finally:
            client.close()
            hlr.close()

    def close(self):
        for s in [self.at, *self.ends]:
            s.close()

    def dump(self):
        """For text2pcap -D: what the client said goes out, what the HLR said comes in."""
        return "".join(f"{'O' if out else 'I'} \n000000 {piece.hex(' ')}\n" for out, piece in self.said)


class Client:
    """tests/lib/zh_ask.c; answers by token."""

    def __init__(self, host, port, answer=10.0, realm=None):
        """For Diameter: program, configuration file and realm."""
        self.p = subprocess.Popen([BUILD / "tests/zh_ask", str(host), str(port), str(int(answer * 1000)), *([realm] if realm else [])],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
                                  env=dict(os.environ))
        self.answers, self.log, self.n = {}, [], 0
        self.readers = [threading.Thread(target=self._read, daemon=True),
                        threading.Thread(target=lambda: self.log.extend(self.p.stderr), daemon=True)]
        for t in self.readers:
            t.start()

    def _read(self):
        for line in self.p.stdout:
            token, _, rest = line.strip().partition(" ")
            self.answers[token] = rest

    def order(self, what, *args):
        self.n += 1
        self.p.stdin.write(" ".join([what, str(self.n), *args]) + "\n")
        return str(self.n)

    def wait(self, token):
        return ks.wait_for(lambda: self.answers.get(token), what=f"answer {token}")

    def ask(self, who, *resync):
        """The vector as a dictionary, or the reason code; who: an IMSI or an IMPI."""
        got = self.wait(self.order("ask", who if "@" in who else impi(who), *resync))
        return dict(x.split("=") for x in got.split()[1:]) if got.startswith("ok ") else got

    def up(self, wanted=True):
        ks.wait_for(lambda: (self.wait(self.order("is-up")) == "yes") == wanted, what="the HLR to come or go")
        return self

    def end(self):
        """Milliseconds for which its loop did nothing."""
        self.p.stdin.close()
        code = self.p.wait(ks.PATIENCE)
        for t in self.readers:
            t.join(ks.PATIENCE)
        assert code == 0, (code, self.log)
        return int(self.answers["longest"])


class Hss:
    """tests/lib/hss.c, freeDiameter as the other side of Zh, on a port of loopback; and what keystead-diameter is told."""

    def __init__(self, folder):
        self.folder, self.port, self.p, self.asked = folder, ks.free_port(), None, []
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key",
                        "-out", "cert", "-days", "30", "-subj", "/CN=*.lab.example"], cwd=folder, stdin=subprocess.DEVNULL,
                       capture_output=True, check=True, timeout=ks.PATIENCE)
        self.names = [f"bsf{n}" for n in range(9)]  # a peer is known by its name: one a client
        self.configure("hss", self.port, *((name, ks.free_port()) for name in self.names))  # nobody listens there; they come to it

    def configure(self, who, port, *peers):
        path = self.folder / f"{who}.conf"
        path.write_text(f'Identity = "{who}.lab.example";\nRealm = "lab.example";\nPort = {port};\nSecPort = 0;\nNo_SCTP;\nNo_IPv6;\n'
                        f'ListenOn = "127.0.0.1";\nTcTimer = 1;\nNoRelay;\nTLS_Cred = "{self.folder}/cert", "{self.folder}/key";\n'
                        f'TLS_CA = "{self.folder}/cert";\n' + "".join(
                            f'ConnectPeer = "{name}.lab.example" {{ ConnectTo = "127.0.0.1"; Port = {to}; No_TLS; TcTimer = '
                            f'{1 if name in ("hss", "bsf0") else 3600}; }};\n' for name, to in peers))
        return path

    def client(self, port=None, answer=2.0):
        conf = self.configure(self.names.pop(), 0, ("hss", port or self.port))
        return Client(BUILD / "keystead-diameter", conf, answer, "lab.example")

    def start(self):
        self.p = subprocess.Popen([BUILD / "tests/hss", "hss.conf"], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=lambda out: self.asked.extend(line.split() for line in out), args=(self.p.stdout,), daemon=True).start()
        ks.wait_for(lambda: ["ready"] in self.asked, what="the HSS")

    def stop(self):
        self.p.terminate()
        self.p.wait(ks.PATIENCE)
        self.asked.clear()


class Naf:
    """tests/lib/naf.c, freeDiameter as the other side of Zn."""

    def __init__(self, conf, realm="lab.example"):
        self.p = subprocess.Popen([BUILD / "tests/naf", conf, realm], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, bufsize=1)
        self.n = 0

    def ask(self, b_tid, naf_id, gsid="-", aware=False, origin="-"):
        """Result, and what else the answer has: octets."""
        self.n += 1
        self.p.stdin.write(f"{self.n} {b_tid} {naf_id.hex()} {gsid} {'yes' if aware else '-'} {origin}\n")
        while True:
            token, result, *rest = self.p.stdout.readline().split()
            if token == str(self.n):
                return result, {n: bytes.fromhex(v) for n, v in (x.split("=") for x in rest)}

    def end(self):
        self.p.stdin.close()
        self.p.wait(ks.PATIENCE)
