"""Zn over Diameter: a NAF on freeDiameter asks a BSF with subscribers of its own; tshark reads along with its own dictionary."""
import re
import socket
import subprocess

import pytest

import hlr as lib
import keystead as ks
import ub
from bsf import BSF, K, OPC, Bsf, impi

NAF_ID = b"naf.lab.example" + bytes.fromhex("0100000002")


def is_open(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A BSF whose configuration of Diameter names no HSS, and the octets between it and the NAF."""
    names = lib.Hss(tmp_path_factory.mktemp("names"))  # made for its certificate and configurations: it is not started
    port = ks.free_port()
    nobody = socket.socket()  # keeps the port where the BSF looks for the NAF from the relay: they would talk to themselves
    nobody.bind(("127.0.0.1", 0))
    conf = names.configure("bsf0", port, ("naf", nobody.getsockname()[1]))
    bsf = Bsf(tmp_path_factory.mktemp("zn") / "lab", f"diameter = {conf}\nzn-diameter = on\n")
    ks.wait_for(lambda: is_open(port), what="keystead-diameter")
    relay = lib.Relay("127.0.0.1", port)
    naf = lib.Naf(names.configure("naf", 0, ("bsf0", relay.port)))
    try:
        ks.wait_for(lambda: naf.ask("made-up", NAF_ID)[0] == "5403", what="the BSF")
        yield bsf, naf, relay
    finally:
        nobody.close()
        naf.end()
        relay.close()
        bsf.stop()


@pytest.fixture(scope="module")
def version():
    p = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libfdcore6"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=ks.PATIENCE, check=True)
    return p.stdout.split("-")[0]


def test_a_naf_gets_its_key(parts, version, matrix, tmp_path):
    bsf, naf, relay = parts
    bsf.add(1, "--enrolee-id", "//keystead.test/Ssim", "--uss", "7;type=1;flag=1")
    b_tid, _, k_s, rand = ub.Ue(bsf.address, ub.Sim(K, OPC), impi(1), BSF).bootstrap()
    result, got = naf.ask(b_tid, NAF_ID, gsid="7", aware=True)
    p = ks.run("derive", "ks-naf", "--ks", k_s.hex(), "--rand", rand.hex(), "--impi", impi(1), "--naf", "naf.lab.example", "--ua",
               NAF_ID[-5:].hex())
    assert result == "2001" and p.returncode == 0 and got["me"].hex() in p.stdout, (result, p)
    assert naf.ask(b_tid, b"in.keystead.test" + NAF_ID[-5:])[0] == "5402"
    matrix("freeDiameter", version, "asks with BIR as a NAF", "our dictionary, `No_TLS` on loopback", "Ks_NAF, end, USS; another's name: 5402")
    (tmp_path / "dump").write_text(relay.dump())
    subprocess.run(["text2pcap", "-q", "-D", "-T", "40000,3868", "dump", "pcap"], cwd=tmp_path, check=True, timeout=ks.PATIENCE,
                   stdin=subprocess.DEVNULL, capture_output=True)
    said = subprocess.run(["tshark", "-r", "pcap", "-V"], cwd=tmp_path, check=True, timeout=ks.PATIENCE, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True).stdout
    assert "alformed" not in said, said
    for name in ["3GPP Zn", "ME-Key-Material", "Key-ExpiryTime", "Transaction-Identifier", "NAF-(Id|Hostname)", got["me"].hex(), "5402"]:
        assert re.search(name, said), (name, said)
    v = re.search(r"\d+\.\d+\.\d+", subprocess.run(["tshark", "--version"], capture_output=True, text=True, timeout=ks.PATIENCE).stdout)[0]
    matrix("tshark", v, "decodes our Zn", "`-r`, recorded between keystead-diameter and a NAF", "BIR, BIA by its own dictionary; nothing malformed")
