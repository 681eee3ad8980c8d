"""A UE on Ua with HTTP Digest (TS 33.222 5.3, RFC 7616), from the specifications alone: TLS with the server's certificate, each request
proved with a NAF key."""
import base64
import hashlib
import re
import socket
import ssl

import keystead as ks

SUITE = "c023"  # ECDHE-ECDSA-AES128-SHA256: the key depends on it (TS 33.220 H.3)


def parameters(header):
    """Of a challenge."""
    scheme, rest = header.split(" ", 1)
    assert scheme == "Digest"
    return values(rest)


def values(rest):
    return {m[1]: m[2] if m[2] is not None else m[3] for m in re.finditer(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', rest)}


def hashed(algorithm, data):
    return hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[algorithm], data).hexdigest()


class Ue:
    """One connection. What is not told it does right."""

    def __init__(self, address, host, ca, b_tid=None, key=b"", agent="3gpp-gba"):
        ctx = ssl.create_default_context(cafile=str(ca))
        ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        ctx.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
        self.sock = ctx.wrap_socket(socket.create_connection(address, timeout=30), server_hostname=host)
        self.strict = False  # each answer has to be proved: nothing that is not the key's owner's comes
        self.host, self.b_tid, self.key, self.agent, self.nonce, self.realm, self.nc = host, b_tid, key, agent, None, None, 0

    def recv(self):
        return self.sock.recv(65536)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def header(self, method, target, body, **wrong):
        """Authorization; `wrong` says what is not as it should be."""
        v = {"username": self.b_tid, "realm": self.realm, "nonce": self.nonce, "uri": target, "qop": "auth", "nc": f"{self.nc:08x}",
             "cnonce": "0a4f113b", "algorithm": "MD5", "password": base64.b64encode(self.key), **wrong}
        a = v["algorithm"]
        a1 = hashed(a, f'{v["username"]}:{v["realm"]}:'.encode() + v["password"])
        a2 = hashed(a, f'{method}:{v["uri"]}'.encode() + (b":" + hashed(a, body).encode() if v["qop"] == "auth-int" else b""))
        middle = f'{v["nonce"]}:{v["nc"]}:{v["cnonce"]}:{v["qop"]}'
        response = v.get("response") or hashed(a, f"{a1}:{middle}:{a2}".encode())
        self.said = {**v, "a1": a1, "middle": middle}
        return (f'Authorization: Digest username="{v["username"]}", realm="{v["realm"]}", nonce="{v["nonce"]}", uri="{v["uri"]}", '
                f'response="{response}", algorithm={a}, cnonce="{v["cnonce"]}", qop={v["qop"]}, nc={v["nc"]}')

    def once(self, op, path, content=None, ty=None, origin=None, headers=(), sent=None):
        octets = ks.request_octets(op, path, content, ty, origin, (f"User-Agent: made-up {self.agent}", *headers), self.host)
        if sent is not None:  # another body than the one that was proved
            head, _, body = octets.partition(b"\r\n\r\n")
            assert len(sent) == len(body)
            octets = head + b"\r\n\r\n" + sent
        self.sock.sendall(octets)
        return ks.read_response(self)

    def challenge(self, op="retrieve", path="/-"):
        r = self.once(op, path)
        self.take(r)
        return r

    def take(self, r):
        assert r.status == 401, r
        p = parameters(r.headers["www-authenticate"])
        assert p["qop"] == "auth,auth-int" and p["algorithm"] == "MD5", p
        self.nonce, self.realm, self.nc = p["nonce"], p["realm"], 0
        return p

    def ask(self, op, path, content=None, ty=None, origin=None, sent=None, **wrong):
        """With an answer to the last challenge, which it fetches if it has none."""
        if self.nonce is None:
            self.challenge()
        self.nc += 1
        body = ks.request_octets(op, path, content, ty, origin).partition(b"\r\n\r\n")[2]
        r = self.once(op, path, content, ty, origin, [self.header(ks.METHODS[op], path, body, **wrong)], sent)
        self.proved(r)
        return r

    def proved(self, r):
        """RFC 7616 3.5: every answer to a request that was let in is proved, and no other."""
        header = r.headers.get("authentication-info")
        if r.status == 401 or header is None:
            assert header is None and not self.strict, r
            return None
        v, got = self.said, values(header)
        a = v["algorithm"]
        a2 = hashed(a, f':{v["uri"]}'.encode() + (b":" + hashed(a, r.body).encode() if v["qop"] == "auth-int" else b""))
        assert got["rspauth"] == hashed(a, f'{v["a1"]}:{v["middle"]}:{a2}'.encode()), (got, r)
        assert (got["qop"], got["nc"], got["cnonce"]) == (v["qop"], v["nc"], v["cnonce"]), got
        return got
