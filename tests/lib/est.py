"""An EST client (RFC 7030) made of openssl for everything that is ASN.1 and a kept connection: the challengePassword of the
MEF is bound to the TLS session."""
import base64
import http.client
import re
import ssl
import subprocess

import keystead as ks

EST = "/.well-known/est"
PKCS10 = {"Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"}


def openssl(*args, stdin=b""):
    p = subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True, check=False)
    assert p.returncode == 0, (args, p.stderr.decode())
    return p.stdout


class Session:
    """One kept connection: a plain one to stunnel4 (which makes it one TLS session with a PSK), or with a certificate."""

    def __init__(self, port=None, address=None, cert=None, trust=None):
        if port:
            self.c = http.client.HTTPConnection("127.0.0.1", port, timeout=ks.PATIENCE)
        else:
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            ctx.maximum_version = ssl.TLSVersion.TLSv1_2
            ctx.load_verify_locations(trust)
            ctx.load_cert_chain(*map(str, cert))
            ctx.check_hostname = False
            self.c = http.client.HTTPSConnection(*address, timeout=ks.PATIENCE, context=ctx)
        self.c.auto_open = 0
        self.c.connect()

    def ask(self, method, what, body=None, headers=None):
        self.c.request(method, f"{EST}/{what}", body, headers or {})
        r = self.c.getresponse()
        return r.status, r.headers, r.read().decode()

    def attributes(self):
        """challengePassword and subjectAltName, read by `openssl asn1parse`."""
        status, headers, body = self.ask("GET", "csrattrs")
        assert status == 200 and headers["Content-Type"] == "application/csrattrs", body
        assert headers["Content-Transfer-Encoding"] == "base64"
        out = openssl("asn1parse", "-inform", "DER", stdin=base64.b64decode(body)).decode()
        challenge = re.search(r":challengePassword\n(?:.*\n)?.*PRINTABLESTRING\s*:(\S+)", out)[1]
        san = bytes.fromhex(re.search(r"X509v3 Subject Alternative Name\n.*\[HEX DUMP\]:([0-9A-F]+)", out)[1])
        kind, name = san[2], san[4:].decode()
        return challenge, {0x82: "DNS:", 0x86: "URI:"}[kind] + name


def csr(where, challenge, san, curve="prime256v1", key=None, digest="sha256", name="a"):
    """Base64 of a request made by openssl alone."""
    key = key or where / f"{name}.key"
    if not key.exists():
        openssl("ecparam", "-name", curve, "-genkey", "-noout", "-out", key)
    conf = where / f"{name}.cnf"
    attributes = f"attributes = at\n[at]\nchallengePassword = {challenge}\n" if challenge else ""
    conf.write_text(f"[req]\nprompt = no\nstring_mask = default\ndistinguished_name = dn\nreq_extensions = x\n{attributes}"
                    f"[dn]\nCN = made up\n[x]\nsubjectAltName = {san}\n")
    openssl("req", "-new", f"-{digest}", "-key", key, "-config", conf, "-out", where / f"{name}.csr", "-outform", "DER")
    return base64.encodebytes((where / f"{name}.csr").read_bytes()).decode()


def certificate(body, where, name="a"):
    (where / f"{name}.p7").write_bytes(base64.b64decode(body))
    pem = openssl("pkcs7", "-inform", "DER", "-in", where / f"{name}.p7", "-print_certs")
    (where / f"{name}.crt").write_bytes(pem)
    return where / f"{name}.crt"
