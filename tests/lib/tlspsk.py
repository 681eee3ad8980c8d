"""A TLS 1.2 client for TLS_PSK_WITH_AES_128_CBC_SHA256 in plain Python, so that tests can cut, spoil and hold every
message, and compute the exporter (RFC 5705) without the product's code. The ssl module of Python 3.11 has no PSK.

RFC 5246 (TLS 1.2), RFC 4279 (PSK), RFC 5487 (suite 0x00AE), RFC 7627 (extended master secret), RFC 7366 (encrypt-then-MAC).
Only the AES block cipher is borrowed, from libcrypto.
"""
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import socket
import struct

SUITE_PSK_AES128_CBC_SHA256 = 0x00AE
HANDSHAKE, ALERT, CCS, DATA = 22, 21, 20, 23
CLIENT_HELLO, SERVER_HELLO, SERVER_KEY_EXCHANGE, SERVER_HELLO_DONE, CLIENT_KEY_EXCHANGE, FINISHED = 1, 2, 12, 14, 16, 20


class Alert(Exception):
    """The server ended the connection with an alert."""

    def __init__(self, level, number):
        super().__init__(f"alert {number} (level {level})")
        self.level = level
        self.number = number


class Closed(Exception):
    """The server closed the connection without an alert."""


def prf(secret, label, seed, n):
    seed = label + seed
    out, a = b"", seed
    while len(out) < n:
        a = hmac.digest(secret, a, "sha256")
        out += hmac.digest(secret, a + seed, "sha256")
    return out[:n]


class _Aes:
    lib = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
    for _name in ("EVP_CIPHER_CTX_new", "EVP_aes_128_cbc"):
        getattr(lib, _name).restype = ctypes.c_void_p

    @classmethod
    def cbc(cls, key, iv, data, encrypt):
        ctx = ctypes.c_void_p(cls.lib.EVP_CIPHER_CTX_new())
        out = ctypes.create_string_buffer(len(data) + 32)
        n = ctypes.c_int(0)
        ok = cls.lib.EVP_CipherInit_ex(ctx, ctypes.c_void_p(cls.lib.EVP_aes_128_cbc()), None, key, iv, int(encrypt))
        cls.lib.EVP_CIPHER_CTX_set_padding(ctx, 0)
        ok = ok and cls.lib.EVP_CipherUpdate(ctx, out, ctypes.byref(n), data, len(data))
        cls.lib.EVP_CIPHER_CTX_free(ctx)
        if not ok or n.value != len(data):
            raise RuntimeError("AES")
        return out.raw[:n.value]


class _Direction:
    """Keys and sequence number of one direction; cuts and mends records."""

    def __init__(self, mac_key, key, etm):
        self.mac_key, self.key, self.etm, self.seq = mac_key, key, etm, 0

    def _mac(self, kind, data):
        head = struct.pack(">QBHH", self.seq, kind, 0x0303, len(data))
        return hmac.digest(self.mac_key, head + data, "sha256")

    def seal(self, kind, data):
        iv = os.urandom(16)
        plain = data if self.etm else data + self._mac(kind, data)
        pad = 15 - len(plain) % 16
        cipher = iv + _Aes.cbc(self.key, iv, plain + bytes([pad]) * (pad + 1), True)
        if self.etm:
            cipher += self._mac(kind, cipher)
        self.seq += 1
        return cipher

    def open(self, kind, cipher):
        if self.etm:
            cipher, mac = cipher[:-32], cipher[-32:]
            if not hmac.compare_digest(mac, self._mac(kind, cipher)):
                raise ValueError("record MAC")
        plain = _Aes.cbc(self.key, cipher[:16], cipher[16:], False)
        plain = plain[:-1 - plain[-1]]
        if not self.etm:
            plain, mac = plain[:-32], plain[-32:]
            if not hmac.compare_digest(mac, self._mac(kind, plain)):
                raise ValueError("record MAC")
        self.seq += 1
        return plain


class PskClient:
    """Use as: c = PskClient(address, identity, psk); c.connect(); c.export(label); c.sendall(...); c.recv().
    Or step by step: open(), send_hello(), read_hello(), send_key_exchange(), send_finished(), read_finished()."""

    def __init__(self, address, identity, psk, sni=None, suites=(SUITE_PSK_AES128_CBC_SHA256,), ems=True, etm=True,
                 timeout=30, version=0x0303, source=None):
        self.address, self.psk, self.sni = address, psk, sni
        self.identity = identity.encode() if isinstance(identity, str) else identity
        self.suites, self.ems, self.etm, self.timeout, self.version = suites, ems, etm, timeout, version
        self.source = source
        self.sock = self.master = self.hint = None
        self.server_random = b""
        self.transcript = b""
        self.sending = self.receiving = None
        self._next_receiving = None
        self._records, self._handshake, self._data = b"", b"", b""
        self.server_finished = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- records --------------------------------------------------------------------------------------------
    def open(self):
        self.sock = socket.create_connection(self.address, timeout=self.timeout, source_address=self.source)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def send_raw(self, octets):
        try:
            self.sock.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            self._last_words()
            raise Closed("while sending") from None

    def _last_words(self):
        """What the server said before it closed: raises its alert."""
        try:
            while True:
                self._read_record()
        except (OSError, Closed, ValueError):
            pass

    def send_record(self, kind, data):
        if self.sending is not None:
            data = self.sending.seal(kind, data)
        self.send_raw(struct.pack(">BHH", kind, 0x0303, len(data)) + data)

    def _fill(self, n):
        while len(self._records) < n:
            try:
                got = self.sock.recv(65536)
            except ConnectionResetError:
                raise Closed("reset") from None
            if not got:
                raise Closed("end of stream")
            self._records += got

    def _read_record(self):
        self._fill(5)
        kind, version, n = struct.unpack(">BHH", self._records[:5])
        assert kind in (HANDSHAKE, ALERT, CCS, DATA), f"no TLS record: {self._records[:16]!r}"
        assert version >> 8 == 3 and n <= 16384 + 2048
        self._fill(5 + n)
        data, self._records = self._records[5:5 + n], self._records[5 + n:]
        if self.receiving is not None:
            data = self.receiving.open(kind, data)
        if kind == CCS:
            assert data == b"\x01" and self._next_receiving is not None
            self.receiving = self._next_receiving
        elif kind == ALERT:
            if data[1] == 0:
                raise Closed("close_notify")
            raise Alert(data[0], data[1])
        elif kind == HANDSHAKE:
            self._handshake += data
        else:
            assert self.server_finished, "application data before Finished"
            self._data += data

    # -- handshake ------------------------------------------------------------------------------------------
    def _message(self, kind, body):
        message = struct.pack(">B", kind) + len(body).to_bytes(3, "big") + body
        self.transcript += message
        return message

    def _read_message(self):
        while len(self._handshake) < 4 or len(self._handshake) < 4 + int.from_bytes(self._handshake[1:4], "big"):
            self._read_record()
        n = 4 + int.from_bytes(self._handshake[1:4], "big")
        message, self._handshake = self._handshake[:n], self._handshake[n:]
        return message

    def hello(self):
        self.client_random = os.urandom(32)
        extensions = b""
        if self.sni is not None:
            name = self.sni.encode()
            entry = b"\0" + struct.pack(">H", len(name)) + name
            extensions += struct.pack(">HHH", 0, len(entry) + 2, len(entry)) + entry
        if self.etm:
            extensions += struct.pack(">HH", 22, 0)
        if self.ems:
            extensions += struct.pack(">HH", 23, 0)
        suites = b"".join(struct.pack(">H", s) for s in (*self.suites, 0x00FF))
        body = struct.pack(">H", self.version) + self.client_random + b"\0"
        body += struct.pack(">H", len(suites)) + suites + b"\x01\0" + struct.pack(">H", len(extensions)) + extensions
        return self._message(CLIENT_HELLO, body)

    def send_hello(self):
        self.send_record(HANDSHAKE, self.hello())

    def read_hello(self):
        message = self._read_message()
        assert message[0] == SERVER_HELLO, message[0]
        self.transcript += message
        body = message[4:]
        assert body[:2] == b"\x03\x03"
        self.server_random = body[2:34]
        at = 35 + body[34]
        self.suite = int.from_bytes(body[at:at + 2], "big")
        assert self.suite in self.suites and body[at + 2] == 0
        found = set()
        rest = body[at + 5:]
        while rest:
            kind, n = struct.unpack(">HH", rest[:4])
            found.add(kind)
            rest = rest[4 + n:]
        self.ems, self.etm = 23 in found, 22 in found
        while True:
            message = self._read_message()
            self.transcript += message
            if message[0] == SERVER_HELLO_DONE:
                return
            assert message[0] == SERVER_KEY_EXCHANGE, message[0]
            self.hint = message[6:]

    def send_key_exchange(self):
        """ClientKeyExchange; the keys are known to both sides afterwards."""
        body = struct.pack(">H", len(self.identity)) + self.identity
        message = self._message(CLIENT_KEY_EXCHANGE, body)
        n = struct.pack(">H", len(self.psk))
        premaster = n + bytes(len(self.psk)) + n + self.psk
        if self.ems:
            self.master = prf(premaster, b"extended master secret", hashlib.sha256(self.transcript).digest(), 48)
        else:
            self.master = prf(premaster, b"master secret", self.client_random + self.server_random, 48)
        block = prf(self.master, b"key expansion", self.server_random + self.client_random, 96)
        self._next_sending = _Direction(block[:32], block[64:80], self.etm)
        self._next_receiving = _Direction(block[32:64], block[80:96], self.etm)
        self.send_record(HANDSHAKE, message)

    def send_finished(self):
        self.send_record(CCS, b"\x01")
        self.sending = self._next_sending
        verify = prf(self.master, b"client finished", hashlib.sha256(self.transcript).digest(), 12)
        self.send_record(HANDSHAKE, self._message(FINISHED, verify))

    def read_finished(self):
        message = self._read_message()
        assert message[0] == FINISHED and self.receiving is not None
        wanted = prf(self.master, b"server finished", hashlib.sha256(self.transcript).digest(), 12)
        assert hmac.compare_digest(message[4:], wanted), "server Finished"
        self.server_finished = True

    def connect(self):
        self.open()
        self.send_hello()
        self.read_hello()
        self.send_key_exchange()
        self.send_finished()
        self.read_finished()
        return self

    # -- afterwards -----------------------------------------------------------------------------------------
    def export(self, label, n=48):
        """RFC 5705 without context [CHOICE-08]."""
        return prf(self.master, label.encode(), self.client_random + self.server_random, n)

    def sendall(self, data):
        for i in range(0, len(data), 16384):
            self.send_record(DATA, data[i:i + 16384])

    def recv(self):
        """Some application data; b"" when the server closed properly."""
        while not self._data:
            try:
                self._read_record()
            except Closed:
                return b""
        data, self._data = self._data, b""
        return data

    def close(self):
        if self.sock is not None:
            try:
                self.send_record(ALERT, b"\x01\x00")
            except (OSError, Closed, Alert):
                pass
            self.sock.close()
            self.sock = None


class PlainClient:
    """The same verbs on a bare TCP connection."""

    def __init__(self, address, timeout=30, source=None):
        self.address, self.timeout, self.source, self.sock = address, timeout, source, None

    def __enter__(self):
        return self if self.sock else self.connect()

    def __exit__(self, *_):
        self.close()

    def connect(self):
        self.sock = socket.create_connection(self.address, timeout=self.timeout, source_address=self.source)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def sendall(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            raise Closed("while sending") from None

    def recv(self):
        try:
            return self.sock.recv(65536)
        except ConnectionResetError:
            return b""

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None
