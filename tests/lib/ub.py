"""A device with a SIM on Ub, written from TS 35.206, TS 33.102, TS 33.220, TS 24.109 and RFC 3310, RFC 4169 alone."""
import base64
import email.utils
import hashlib
import hmac
import re
import socket
from xml.etree import ElementTree

SBOX = None


def _sbox():
    global SBOX
    if SBOX is None:
        p = q = 1
        box = [0x63] * 256
        while True:
            p = (p ^ (p << 1) ^ (0x11B if p & 0x80 else 0)) & 0xFF
            for s in (1, 2, 4):
                q ^= q << s
            q &= 0xFF
            q ^= 0x09 if q & 0x80 else 0
            rot = [((q << i) | (q >> (8 - i))) & 0xFF for i in range(5)]
            box[p] = rot[0] ^ rot[1] ^ rot[2] ^ rot[3] ^ rot[4] ^ 0x63
            if p == 1:
                break
        SBOX = box
    return SBOX


def aes128(key, block):
    box = _sbox()
    w = [list(key[i:i + 4]) for i in range(0, 16, 4)]
    rcon = 1
    for i in range(4, 44):
        t = list(w[i - 1])
        if i % 4 == 0:
            t = [box[b] for b in t[1:] + t[:1]]
            t[0] ^= rcon
            rcon = (rcon << 1) ^ (0x11B if rcon & 0x80 else 0)
        w.append([a ^ b for a, b in zip(w[i - 4], t)])
    keys = [sum(w[4 * r:4 * r + 4], []) for r in range(11)]
    s = [a ^ b for a, b in zip(block, keys[0])]
    twice = lambda b: ((b << 1) ^ (0x1B if b & 0x80 else 0)) & 0xFF  # noqa: E731
    for r in range(1, 11):
        s = [box[b] for b in s]
        s = [s[(i + 4 * (i % 4)) % 16] for i in range(16)]
        if r < 10:
            out = []
            for c in range(0, 16, 4):
                a = s[c:c + 4]
                x = a[0] ^ a[1] ^ a[2] ^ a[3]
                out += [a[i] ^ x ^ twice(a[i] ^ a[(i + 1) % 4]) for i in range(4)]
            s = out
        s = [a ^ b for a, b in zip(s, keys[r])]
    return bytes(s)


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


class Sim:
    """Milenage with a window of one number, which is enough for one device."""

    def __init__(self, k, opc, sqn=0):
        self.k, self.opc, self.sqn = k, opc, sqn

    def _out(self, rand, n, block=None):
        temp = aes128(self.k, xor(rand, self.opc))
        rot, c = {1: (8, 0), 2: (0, 1), 3: (4, 2), 4: (8, 4), 5: (12, 8)}[n]
        x = xor(temp if block is None else block, self.opc)
        x = x[rot:] + x[:rot]
        x = xor(x, bytes(15) + bytes([c]))
        return xor(aes128(self.k, xor(x, temp) if n == 1 else x), self.opc)

    def f1(self, rand, sqn, amf):
        out = self._out(rand, 1, (sqn + amf) * 2)
        return out[:8], out[8:]

    def f2345(self, rand):
        two = self._out(rand, 2)
        return two[8:], self._out(rand, 3), self._out(rand, 4), two[:6]

    def f5_star(self, rand):
        return self._out(rand, 5)[:6]

    def run(self, rand, autn, gba_u=False):
        """(RES, CK, IK), or AUTS as bytes."""
        res, ck, ik, ak = self.f2345(rand)
        sqn, amf, mac = xor(autn[:6], ak), autn[6:8], autn[8:]
        if gba_u:
            mac = xor(mac, hashlib.sha1(ik).digest()[:8])
            res = res[:-1] + bytes([res[-1] ^ 1])
        if self.f1(rand, sqn, amf)[0] != mac:
            raise ValueError("AUTN: wrong MAC")
        n = int.from_bytes(sqn, "big")
        if n >> 5 <= self.sqn >> 5:
            ms = self.sqn.to_bytes(6, "big")
            return xor(ms, self.f5_star(rand)) + self.f1(rand, ms, bytes(2))[1]
        self.sqn = n
        return res, ck, ik


def keccak_f1600(octets):
    """The permutation alone [FIPS 202 3.3]."""
    mask = (1 << 64) - 1
    turn = lambda v, n: ((v << n % 64) | (v >> (64 - n % 64))) & mask  # noqa: E731
    lanes = [[int.from_bytes(octets[8 * (x + 5 * y):8 * (x + 5 * y) + 8], "little") for y in range(5)] for x in range(5)]
    r = 1
    for _ in range(24):
        c = [v[0] ^ v[1] ^ v[2] ^ v[3] ^ v[4] for v in lanes]
        lanes = [[v ^ c[(x - 1) % 5] ^ turn(c[(x + 1) % 5], 1) for v in lanes[x]] for x in range(5)]
        x, y, current = 1, 0, lanes[1][0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], turn(current, (t + 1) * (t + 2) // 2)
        for y in range(5):
            row = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & mask)
        for j in range(7):
            r = ((r << 1) ^ ((r >> 7) * 0x71)) % 256
            if r & 2:
                lanes[0][0] ^= 1 << ((1 << j) - 1)
    return b"".join(lanes[x][y].to_bytes(8, "little") for y in range(5) for x in range(5))


class Tuak(Sim):
    """TUAK [TS 35.231] with K of 128 bits, MAC and RES of 64, CK and IK of 128, one iteration; opc: TOPc."""

    def _state(self, instance, rand, sqn=bytes(6), amf=bytes(2)):
        start = (self.opc[::-1] + bytes([instance]) + b"TUAK1.0"[::-1] + rand[::-1] + amf[::-1] + sqn[::-1] + self.k[::-1] + bytes(16) +
                 b"\x1f" + bytes(38) + b"\x80")
        return keccak_f1600(start + bytes(200 - len(start)))

    def f1(self, rand, sqn, amf):
        return tuple(self._state(instance, rand, sqn, amf)[:8][::-1] for instance in (0x08, 0x88))

    def f2345(self, rand):
        s = self._state(0x48, rand)
        return s[:8][::-1], s[32:48][::-1], s[64:80][::-1], s[96:102][::-1]

    def f5_star(self, rand):
        return self._state(0xC0, rand)[96:102][::-1]


def md5(b):
    return hashlib.md5(b).hexdigest()


def response(username, realm, password, method, uri, nonce, cnonce, nc, body):
    a1 = md5(f"{username}:{realm}:".encode() + password)
    a2 = md5(f"{method}:{uri}:{md5(body)}".encode())
    return md5(f"{a1}:{nonce}:{nc}:{cnonce}:auth-int:{a2}".encode())


def akav2(res, ck, ik):
    return base64.b64encode(hmac.new(res + ik + ck, b"http-digest-akav2-password", "md5").digest())


def get(address, authorization=None, host="bsf", source=None):
    """status, headers, body of one GET /."""
    host_port, tls = (address[:2], address[2:])  # a context of ssl may follow
    with socket.create_connection(host_port, timeout=30, source_address=source) as s:
        s = tls[0].wrap_socket(s, server_hostname=host) if tls else s
        line = f"Authorization: {authorization}\r\n" if authorization else ""
        s.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: made-up 3gpp-gba\r\n{line}Connection: close\r\n\r\n".encode())
        raw = b""
        while part := s.recv(65536):
            raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {n.lower(): v.strip() for n, v in (h.split(":", 1) for h in lines[1:])}
    return int(lines[0].split()[1]), headers, body


def parameters(header):
    assert header.startswith("Digest "), header
    return {n: q if q else p for n, q, p in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', header)}


class Ue:
    def __init__(self, address, sim, impi, bsf, gba_u=False):
        self.address, self.sim, self.impi, self.bsf, self.gba_u = address, sim, impi, bsf, gba_u

    def open(self, username=None, realm=None):
        return get(self.address, f'Digest username="{username or self.impi}", realm="{realm or self.bsf}", nonce="", '
                   'uri="/", response=""')

    def header(self, challenge, password, auts=None, username=None, cnonce="0a4f113b", uri="/"):
        name = username or self.impi
        r = response(name, challenge["realm"], password, "GET", uri, challenge["nonce"], cnonce, "00000001", b"")
        more = f', auts="{base64.b64encode(auts).decode()}"' if auts else ""
        return (f'Digest username="{name}", realm="{challenge["realm"]}", nonce="{challenge["nonce"]}", uri="{uri}", '
                f'response="{r}", algorithm={challenge["algorithm"]}, qop=auth-int, nc=00000001, cnonce="{cnonce}"{more}')

    def challenge(self, username=None):
        status, headers, _ = self.open(username)
        assert status == 401, (status, headers)
        return parameters(headers["www-authenticate"])

    def split(self, challenge):
        octets = base64.b64decode(challenge["nonce"], validate=True)
        assert len(octets) == 32
        return octets[:16], octets[16:]

    def bootstrap(self, username=None):
        """The whole of Ub: (B-TID, lifetime, Ks, RAND), having checked rspauth."""
        challenge = self.challenge(username)
        for _ in range(2):
            rand, autn = self.split(challenge)
            got = self.sim.run(rand, autn, self.gba_u)
            if isinstance(got, tuple):
                break
            status, headers, _ = get(self.address, self.header(challenge, b"", auts=got, username=username))
            assert status == 401, (status, headers)
            challenge = parameters(headers["www-authenticate"])
        res, ck, ik = got
        password = akav2(res, ck, ik) if challenge["algorithm"] == "AKAv2-MD5" else res
        status, headers, body = get(self.address, self.header(challenge, password, username=username))
        assert status == 200, (status, headers, body)
        info = parameters("Digest " + headers["authentication-info"])
        a1 = md5(f'{username or self.impi}:{challenge["realm"]}:'.encode() + password)
        assert info["rspauth"] == md5(f'{a1}:{challenge["nonce"]}:00000001:0a4f113b:auth-int:{md5(b":/:" + md5(body).encode())}'.encode())
        assert headers["content-type"] == "application/vnd.3gpp.bsf+xml"
        root = ElementTree.fromstring(body)
        assert root.tag == "{uri:3gpp-gba}BootstrappingInfo"
        ks = ck + ik
        b_tid = root.find("{uri:3gpp-gba}btid").text
        assert b_tid == f"{base64.b64encode(rand).decode()}@{self.bsf}"
        end = email.utils.parsedate_to_datetime(headers["expires"])  # the same end, as HTTP writes it
        assert headers["expires"].endswith(" GMT") and end.strftime("%Y-%m-%dT%H:%M:%SZ") == root.find("{uri:3gpp-gba}lifetime").text
        return b_tid, root.find("{uri:3gpp-gba}lifetime").text, ks, rand

    def tmpi(self, ks, rand):
        naf = self.bsf.encode() + bytes.fromhex("0100000100")
        s = b"\x01"
        for p in (b"gba-me", rand, self.impi.encode(), naf):
            s += p + len(p).to_bytes(2, "big")
        return base64.b64encode(hmac.new(ks, s, "sha256").digest()[:24]).decode() + "@tmpi.bsf.3gppnetwork.org"
