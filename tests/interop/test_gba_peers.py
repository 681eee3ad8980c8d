"""GBA with clients of others: Ua with HTTP Digest by curl, Ua with TLS-PSK and a B-TID by openssl s_client and gnutls-cli, Zn over SOAP by
zeep with our WSDL. The device has run Ub with our BSF as tests/lib/ub.py does; keys are derived there from the specification."""
import base64
import hmac
import json
import os
import pathlib
import subprocess
import sys

import keystead as ks
import pytest
import ub
from conftest import version

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from test_zn import BSF, Bsf, K, OPC, impi  # noqa: E402

IN = f"in.{ks.SP}"
DIGEST, PSK = "010001c023", "01000100ae"  # ECDHE-ECDSA-AES128-SHA256, PSK-AES128-CBC-SHA256


@pytest.fixture(scope="module")
def bsf(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("gba") / "g") as lab:
        it = Bsf(lab)
        it.ua = {role: ks.free_port() for role in ("maf", "cse")}
        for role, port in it.ua.items():
            lab.append(role, f"[listener ua]\nrole = {role}\naddress = 127.0.0.1:{port}\ncertificate = {role}.crt\nkey = {role}.key\n"
                             f"clients = digest\n{'aliases = ' + IN if role == 'cse' else ''}\n")
        lab.start("mef", "maf", "cse")
        yield it


def device(bsf, n, stem):
    """B-TID, and the NAF key for a FQDN and Ua protocol."""
    key = bsf.lab.where / "made-up.key"
    key.write_text((K + OPC).hex() + "\n")
    key.chmod(0o600)
    bsf.lab.ctl_json("mef", "subscriber", "add", "--impi", impi(n), "--kind", "milenage", "--key-file", key, "--enrolee-id",
                     f"//{ks.SP}/{stem}", "--uss", "7;flag=1;uid=sip:x@example.com,9")
    b_tid, _, k_s, rand = ub.Ue(("127.0.0.1", bsf.ub), ub.Sim(K, OPC), impi(n), BSF).bootstrap()

    def naf(fqdn, protocol):
        parts = (b"gba-me", rand, impi(n).encode(), fqdn.encode() + bytes.fromhex(protocol))
        return hmac.digest(k_s, b"\x01" + b"".join(p + len(p).to_bytes(2, "big") for p in parts), "sha256")
    return b_tid, naf


def curl(bsf, role, fqdn, b_tid, key, origin, path, *more):
    p = subprocess.run(["curl", "-sS", "--digest", "-u", f"{b_tid}:{base64.b64encode(key).decode()}", "-w", "\n%{http_code}", "--cacert", "ca.crt",
                        "--tls-max", "1.2", "--resolve", f"{fqdn}:{bsf.ua[role]}:127.0.0.1", "-H", f"X-M2M-Origin: {origin}", "-H",
                        "X-M2M-RI: 1", "-H", "X-M2M-RVI: 3", *more, f"https://{fqdn}:{bsf.ua[role]}{path}"],
                       cwd=bsf.lab.where, capture_output=True, text=True, timeout=60)
    body, _, status = p.stdout.rpartition("\n")
    assert p.returncode == 0, p.stderr
    return int(status), body


def test_curl_digest(bsf, matrix, versions):
    told = "`--digest -u B-TID:BASE64KEY --cacert --tls-max 1.2`"
    b_tid, naf = device(bsf, 101, "Scurl")
    content = ["-H", "Content-Type: application/json;ty=2", "-d", json.dumps({"m2m:ae": {"api": "Nmade-up", "rr": True, "srv": ["3"]}})]
    status, body = curl(bsf, "cse", IN, b_tid, naf(IN, DIGEST), "Scurl", "/-", *content)
    assert status == 201, body
    assert curl(bsf, "cse", IN, b_tid, naf(IN, DIGEST), "Scurl", "/Scurl?rcn=1")[0] == 200
    matrix("curl", versions["curl"], "registers an AE at the CSE by HTTP Digest with a NAF key (Ua)", told, "201, then 200 to a retrieve")
    content = ["-H", "Content-Type: application/json;ty=60002", "-d", json.dumps({"m2m:macr": {"et": ks.later(), "adfq": ks.SP}})]
    status, body = curl(bsf, "maf", ks.MAF, b_tid, naf(ks.MAF, DIGEST), f"//{ks.SP}/Scurl", "/-", *content)
    assert status == 201, body
    matrix("curl", versions["curl"], "registers as a MAF client by HTTP Digest with a NAF key (Ua)", told, "201")
    status, body = curl(bsf, "cse", IN, b_tid, naf(ks.MAF, DIGEST), "Scurl", "/Scurl")
    assert status == 401 and "digest-wrong" in body
    matrix("curl", versions["curl"], "is refused by the CSE with the NAF key of the MAF", told, "401, digest-wrong")


def test_psk_with_a_b_tid(bsf, matrix, versions):
    b_tid, naf = device(bsf, 102, "Spsk")
    key, env = naf(IN, PSK), {**os.environ, "LC_ALL": "C"}
    octets = ks.request_octets("create", "/-", {"m2m:ae": {"api": "Nmade-up", "rr": True, "srv": ["3"]}}, 2, "Spsk", ["Connection: close"])
    got = ks.SClient(bsf.lab.address("cse"), "3GPP-bootstrapping;" + b_tid, key, send=octets)
    assert got.finished and "HTTP/1.1 201" in got.text and "3GPP-bootstrapping" in got.text, got.text
    matrix("openssl s_client", versions["openssl s_client"], "registers an AE at the CSE with a B-TID and its NAF key (Ua)",
           "`-psk_identity '3GPP-bootstrapping;B-TID' -psk -tls1_2 -cipher PSK-AES128-CBC-SHA256`", "201; it sees the hint")
    host, port = bsf.lab.address("cse")
    octets = ks.request_octets("retrieve", "/Spsk", origin="Spsk", headers=["Connection: close"])
    p = subprocess.run(["gnutls-cli", "--no-ca-verification", "--pskusername", b_tid, "--pskkey", key.hex(), "--priority",
                        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+SHA256", "-p", str(port),
                        "--sni-hostname", "localhost", host], input=octets, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, timeout=60)
    assert b"HTTP/1.1 200" in p.stdout and b"3GPP-bootstrapping" in p.stdout, p.stdout
    matrix("gnutls-cli", versions["gnutls-cli"], "retrieves its AE at the CSE with a B-TID and its NAF key (Ua)",
           "`--pskusername B-TID --pskkey --priority NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+SHA256`",
           "200; it sees the hint")


ZEEP = """
import sys, requests, zeep, zeep.exceptions
address, b_tid, foreign, naf = sys.argv[1:]
session = requests.Session()
session.cert, session.verify = ("cse.crt", "cse.key"), "ca.crt"
client = zeep.Client(%r, transport=zeep.Transport(session=session))
service = client.create_service("{http://www.3gpp.org/GBAService}ZnSoap", address)
r = service.requestBootstrappingInfo(btid=b_tid, nafid=bytes.fromhex(naf), gsid=[7], gbaUAware=True)
print(r.meKeyMaterial.hex(), r.ussList.uss[0].id, r.ussList.uss[0].flags.flag[0], r.keyExpiryTime.year > 2000)
try:
    service.requestBootstrappingInfo(btid=b_tid, nafid=bytes.fromhex(foreign))
except zeep.exceptions.Fault as e:
    print(e.code, e.message.split(":")[0], e.detail[0].text)
"""


def test_zeep(bsf, matrix):
    b_tid, naf = device(bsf, 103, "Szeep")
    script = bsf.lab.where / "ask.py"
    script.write_text(ZEEP % str(pathlib.Path(ks.ROOT) / "docs/operate/zn.wsdl"))
    # a name that resolves: the certificate of the BSF for it, too
    hosts = bsf.lab.where / "sitecustomize.py"
    hosts.write_text("import socket\nreal = socket.getaddrinfo\n"
                     f"socket.getaddrinfo = lambda h, *a, **k: real('127.0.0.1' if h == {BSF!r} else h, *a, **k)\n")
    p = subprocess.run(["/usr/bin/python3", script, f"https://{BSF}:{bsf.zn}/bsf/requestBootstrappingInfo", b_tid,
                        (ks.MAF.encode() + bytes.fromhex(PSK)).hex(), (IN.encode() + bytes.fromhex(PSK)).hex()], cwd=bsf.lab.where,
                       env={**os.environ, "PYTHONPATH": str(bsf.lab.where), "no_proxy": "*", "REQUESTS_CA_BUNDLE": str(bsf.lab.where / "ca.crt")}, capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stderr
    lines = p.stdout.split("\n")
    assert lines[0] == f"{naf(IN, PSK).hex()} 7 1 True", lines
    assert lines[1] == "soap:Client from-not-associated NOT_AUTHORIZED", lines
    z = version("/usr/bin/python3", "-c", "import zeep; print(zeep.__version__)")
    matrix("zeep", z, "asks the BSF for a NAF key over SOAP", "`docs/operate/zn.wsdl`, the certificate of a NAF", "key, lifetime and USS")
    matrix("zeep", z, "is refused the key of another NAF", "the same", "Fault soap:Client, NOT_AUTHORIZED")
