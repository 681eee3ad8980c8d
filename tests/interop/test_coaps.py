"""DTLS and CoAP clients that nobody here wrote: openssl s_client and gnutls-cli as complete Enrolees over DTLS 1.2, and
libcoap's two clients with requests of oneM2M."""
import re
import subprocess

import pytest

import coaps
import keystead as ks
from conftest import version

KEY = b"made-up key of thirty-two octets"
PRIORITY = "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-CCM-8:-MAC-ALL:+AEAD"
LIBCOAP = ("coap-client-openssl", "coap-client-gnutls")


@pytest.fixture(scope="module")
def udp(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("interop") / "u") as lab:
        lab.coaps = coaps.ports(lab)
        lab.start()
        yield lab


def output(command, data=b"", seconds=30):
    p = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
    return p.stdout.decode(errors="replace")


def s_client(port, identity, psk):
    return output(["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-psk_identity",
                   identity, "-psk", psk.hex(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0", "-keymatexport", ks.BOOTSTRAP,
                   "-keymatexportlen", "48"], b"Q\n")


def gnutls(port, identity, psk):
    return output(["gnutls-cli", "--udp", "-p", str(port), "--pskusername", identity, "--pskkey", psk.hex(), "--priority", PRIORITY,
                   "--sni-hostname", "localhost", "--no-ca-verification", f"--keymatexport={ks.BOOTSTRAP}", "--keymatexportsize=48",
                   "127.0.0.1"])


CLIENTS = {
    "openssl s_client": (s_client, "`-dtls1_2 -psk_identity -psk -cipher PSK-AES128-CCM8 -keymatexport LABEL -keymatexportlen 48`",
                         r"Keying material: ([0-9A-Fa-f]{96})"),
    "gnutls-cli": (gnutls, f"`--udp --pskusername --pskkey --keymatexport LABEL --keymatexportsize 48 --priority {PRIORITY}`",
                   r"- Key material: ([0-9a-fA-F]{96})"),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_enrols_over_dtls(udp, matrix, versions, name):
    client, told, pattern = CLIENTS[name]
    d = udp.device("dtls-" + name.split()[0])
    out = client(udp.coaps["mef"], d.kpm_id, d.psk)
    exported = re.search(pattern, out)
    assert exported, out
    assert exported[1][:32].upper() in str(udp.enrolments()).upper()  # R001-85, R001-86
    matrix(name, versions[name], "enrols at the MEF over DTLS", told, "enrolled; its exporter gives the KeId that the MEF stored")
    assert re.search(r"alert.*\b115\b|\[115\]", client(udp.coaps["mef"], "nobody@" + ks.MEF, d.psk))
    matrix(name, versions[name], "is refused over DTLS with an unknown identity", "the same", "alert 115")


def coap(name, port, method, path, identity, *options, content=None):
    command = [name, "-m", method, "-v", "7", "-B", "2", "-u", identity, "-k", KEY.decode(), "-O", "283,r1", "-O", "271,3", *options]
    if content is not None:
        command += ["-t", "50", "-e", content]
    return output([*command, f"coaps://localhost:{port}{path}"])


@pytest.mark.parametrize("name", LIBCOAP)
def test_libcoap_registers(udp, matrix, name):
    stem = "S" + name.replace("-", "")
    v = version(name, "--help")
    told = "`-u -k -O 283,.. -O 271,3`, From as option 279"
    kpsa_id, _ = udp.add_kpsa(name, key=KEY, enrolee_id=f"//{ks.SP}/{stem}")
    refused = coap(name, udp.coaps["cse"], "get", "/-/nothing", kpsa_id, "-O", f"279,Selse")
    assert "c:4.03" in refused, refused
    matrix(name, v, "is refused with a foreign From over CoAP", told, "4.03")
    made = coap(name, udp.coaps["cse"], "post", "/-", kpsa_id, "-O", "279,S", "-O", "267,0x02",
                content='{"m2m:ae":{"api":"Nmade-up","rr":false,"srv":["3"]}}')
    assert "c:2.01" in made and stem in made, made
    matrix(name, v, "registers an AE at the CSE over CoAP", told, "2.01")
