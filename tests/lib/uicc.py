"""A USIM for the virtual reader of Debian's vsmartcard-vpcd, in pcscd's own process tree: written from TS 31.102 and TS 102 221 alone; its AKA is
ub.py's."""
import hashlib
import hmac
import os
import shutil
import socket
import struct
import subprocess
import threading

import keystead as ks

AID = bytes.fromhex("a0000000871002")


class Reader:
    """pcscd with one virtual reader and, while `card` is there, a card in it."""

    def __init__(self, where):
        self.port, self.card, self.seen = ks.free_port(), None, []
        (where / "reader.conf").write_text('FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x%X\nLIBPATH %s\nCHANNELID 0x%X\n' % (
            self.port, "/usr/lib/pcsc/drivers/serial/libifdvpcd.so", self.port))
        os.makedirs("/run/pcscd", exist_ok=True)
        self.process = subprocess.Popen([shutil.which("pcscd", path="/usr/sbin:/usr/bin"), "--foreground", "--config", where / "reader.conf"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ks.wait_for(lambda: self.process.poll() is None and self.connect(), what="virtual reader")

    def connect(self):
        s = socket.socket()
        if s.connect_ex(("127.0.0.1", self.port)) != 0:
            s.close()
            return False
        self.socket = s
        threading.Thread(target=self.serve, daemon=True).start()
        return True

    def take(self, n):
        out = b""
        while len(out) < n:
            part = self.socket.recv(n - len(out))
            if not part:
                raise EOFError
            out += part
        return out

    def serve(self):
        try:
            while True:
                message = self.take(struct.unpack(">H", self.take(2))[0])
                if message == b"\x04":
                    answer = bytes.fromhex("3b9f96801fc78031a073be21136743200718000001a5")  # an ATR of a USIM
                elif len(message) == 1:
                    continue
                else:
                    self.seen.append(message)
                    answer = self.card.answer(message) if self.card else bytes.fromhex("6f00")
                self.socket.sendall(struct.pack(">H", len(answer)) + answer)
        except (EOFError, OSError):
            pass

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.socket.close()


class Usim:
    def __init__(self, sim, imsi, mnc=2, gba=False, pin=False):
        self.aid, self.sim, self.gba, self.pin, self.file, self.pending, self.ks, self.rand = AID, sim, gba, pin, None, b"", None, None
        digits = "9" + imsi if len(imsi) % 2 else "1" + imsi + "f"
        packed = bytes(int(digits[i + 1] + digits[i], 16) for i in range(0, len(digits), 2))
        ust = bytearray(12)
        if gba:
            ust[67 // 8] |= 1 << 67 % 8
        self.files = {b"\x6f\x07": bytes([len(packed)]) + packed, b"\x6f\xad": bytes([0, 0, 0, mnc]), b"\x6f\x38": bytes(ust)}

    def answer(self, apdu):
        """T=0 as many cards have it: what is more than a status word is fetched."""
        ins, p1, p2 = apdu[1:4]
        data = apdu[5:5 + apdu[4]] if len(apdu) > 5 else b""
        if ins == 0xC0:
            out, self.pending = self.pending[:apdu[4]], b""
            return out + b"\x90\x00"
        if ins == 0xA4:
            if p1 == 4:
                return b"\x90\x00" if data == self.aid else b"\x6a\x82"
            self.file = self.files.get(data)
            return b"\x90\x00" if self.file else b"\x6a\x82"
        if self.pin:
            return b"\x69\x83" if self.pin == "blocked" else b"\x69\x82"
        if ins == 0xB0:
            return self.file + b"\x90\x00" if apdu[4] == len(self.file) else b"\x6c" + bytes([len(self.file)])
        if ins == 0x88:
            out = self.authenticate(p2, data)
            if len(out) == 2:
                return out
            self.pending = out
            return b"\x61" + bytes([len(out)])
        return b"\x6d\x00"

    def authenticate(self, context, data):
        one = lambda b: bytes([len(b)]) + b  # noqa: E731
        if context == 0x84 and not self.gba:
            return b"\x98\x64"
        if context == 0x84 and data[0] == 0xDE:
            if self.ks is None:
                return b"\x69\x85"
            naf, impi = data[2:2 + data[1]], data[3 + data[1]:]
            s = b"\x01" + b"".join(p + len(p).to_bytes(2, "big") for p in (b"gba-me", self.rand, impi, naf))
            return b"\xdb" + one(hmac.digest(self.ks, s, "sha256"))
        data = data[1:] if context == 0x84 else data
        rand, autn = data[1:17], data[18:34]
        try:
            got = self.sim.run(rand, autn, gba_u=context == 0x84)
        except ValueError:
            return b"\x98\x62"
        if isinstance(got, bytes):
            return b"\xdc" + one(got)
        res, ck, ik = got
        if context == 0x84:
            self.ks, self.rand = ck + ik, rand
            return b"\xdb" + one(res)
        return b"\xdb" + one(res) + one(ck) + one(ik) + one(hashlib.sha256(ck + ik).digest()[:8])  # Kc, for nobody
