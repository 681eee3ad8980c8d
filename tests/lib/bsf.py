"""A BSF beside a MEF in one server, its subscribers, and devices with SIMs for it."""
import os
import signal
import subprocess

import keystead as ks
import ub

# made up: the first test set of TS 35.208, and the same under other names
K = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc")
OP = bytes.fromhex("cdc202d5123e20f62b6d676ac72cb318")
OPC = bytes.fromhex("cd63cb71954a9f4e48a5994e37a02baf")
BSF = "bsf.keystead.test"


def impi(n):
    return f"00101000000{n:04}@ims.mnc001.mcc001.3gppnetwork.org"


class Bsf:
    def __init__(self, where, more="", server=""):
        """`more` follows the keys of [bsf], `server` those of [server]."""
        assert ks.run("init", where, "--port-base", "0").returncode == 0
        self.where, self.conf = where, where / "bsf.conf"
        self.address, self.tls_port = ("127.0.0.1", ks.free_port()), ks.free_port()
        ks.pki("issue", "--flavour", "fqdn", "--id", BSF, "--ca-cert", where / "ca.crt", "--ca-key", where / "ca.key", "--cert",
               where / "bsf.crt", "--key", where / "bsf.key")
        text = (where / "mef.conf").read_text().replace("roles = mef", "roles = mef, bsf")  # R000-26, R001-19, R001-116: one program
        text = text.replace("[server]\n", f"[server]\n{server}", 1)
        self.conf.write_text(text + f"[bsf]\nfqdn = {BSF}\nchallenges-per-minute = 12\n{more}"
                             f"[listener ub]\nrole = bsf\naddress = 127.0.0.1:{self.address[1]}\ntls = off\n"
                             f"[listener ubs]\nrole = bsf\naddress = 127.0.0.1:{self.tls_port}\ncertificate = bsf.crt\nkey = bsf.key\n"
                             "clients = anonymous\n")
        self.start()

    def start(self):
        ready, theirs = os.pipe()
        self.log = open(self.where / "bsf.log", "ab")
        self.p = subprocess.Popen([ks.BIN, "serve", "-c", str(self.conf), "--ready-fd", str(theirs)], stdin=subprocess.DEVNULL,
                                  stdout=self.log, stderr=self.log, pass_fds=[theirs], start_new_session=True)
        os.close(theirs)
        word = os.read(ready, 64)
        os.close(ready)
        assert word, (self.where / "bsf.log").read_text()

    def stop(self, how=signal.SIGTERM):
        pids = [self.p.pid, *ks.children(self.p.pid)] if how == signal.SIGKILL else [self.p.pid]
        for pid in pids:
            os.kill(pid, how)
        assert self.p.wait(30) in (0, -signal.SIGKILL), (self.where / "bsf.log").read_text()
        self.log.close()

    def ctl(self, *args):
        return ks.run("ctl", "-c", self.conf, *args)

    def add(self, n, *more, kind="milenage", keys=K + OPC):
        key = self.where / "made-up.key"
        key.write_text(keys.hex() + "\n")
        key.chmod(0o600)
        p = self.ctl("subscriber", "add", "--impi", impi(n), "--kind", kind, "--key-file", key, *more, "--json")
        assert p.returncode == 0, p.stderr
        return ub.Ue(self.address, ub.Sim(K, OPC), impi(n), BSF, gba_u="u" in more)


def refused(answer, reason, status=403):
    assert answer[0] == status and reason.encode() in answer[2], answer
