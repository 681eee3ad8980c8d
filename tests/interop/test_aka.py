"""Milenage of others: osmo-auc-gen of libosmocore as the network, on made-up subscribers (the same ones in every run)."""
import random
import re
import subprocess

import pytest

import keystead as ks

RUNS = 300


def osmo(k, rand, sqn, amf, **more):
    """What osmo-auc-gen prints, by name. It takes `sqn` for the vector; with auts= it catches up first."""
    command = ["osmo-auc-gen", "-3", "-a", "milenage", "-k", k, "-f", amf, "-s", str(sqn), "-r", rand]
    for name, value in more.items():
        command += [{"op": "-O", "opc": "-o", "auts": "-A"}[name], value]
    p = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ks.PATIENCE)
    return p.returncode, {m[1]: m[2] for m in re.finditer(r"^([A-Za-z. ]+):\t(.*)$", p.stdout, re.M)}


def derive(*args):
    p = ks.run("derive", "aka", *args)
    assert p.returncode == 0, p.stdout + p.stderr
    return dict(line.split("=", 1) for line in p.stdout.splitlines())


@pytest.fixture(scope="module")
def osmo_version():
    p = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libosmocore-utils"], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=ks.PATIENCE, check=True)
    return p.stdout.split("-")[0]


def test_vectors_of_osmo_auc_gen(matrix, osmo_version):
    made_up = random.Random(33102)
    for n in range(RUNS):
        k, op, rand = (made_up.randbytes(16).hex() for _ in range(3))
        sqn, amf = made_up.getrandbits(48), made_up.randbytes(2).hex()
        which = "op" if n % 2 else "opc"
        ours = derive("--k", k, "--" + which, op, "--rand", rand, "--sqn", f"{sqn:012x}", "--amf", amf)
        code, theirs = osmo(k, rand, sqn, amf, **{which: op})
        assert code == 0
        assert [ours[x] for x in ("autn", "res", "ck", "ik")] == [theirs[x] for x in ("AUTN", "RES", "CK", "IK")], (k, op, rand, sqn, amf)
        assert ours["ks"] == theirs["CK"] + theirs["IK"]
    matrix("osmo-auc-gen", osmo_version, "makes the same Milenage vectors",
           f"{RUNS} made-up subscribers, `-3 -a milenage -k -o/-O -f -s -r`", "all equal: AUTN, RES, CK, IK")


def test_auts_is_taken_by_osmo_auc_gen(matrix, osmo_version):
    made_up = random.Random(220)
    for _ in range(RUNS // 3):
        k, opc, rand = (made_up.randbytes(16).hex() for _ in range(3))
        sqn_ms = made_up.getrandbits(47)
        auts = derive("--k", k, "--opc", opc, "--rand", rand, "--sqn", f"{sqn_ms:012x}")["auts"]
        code, theirs = osmo(k, rand, 0, "0000", opc=opc, auts=auts)
        assert code == 0 and int(theirs["SQN.MS"]) == sqn_ms
        # One bit of its MAC-S: they refuse it, as we do (tests/unit/aka).
        code, theirs = osmo(k, rand, 0, "0000", opc=opc, auts=auts[:-1] + f"{int(auts[-1], 16) ^ 1:x}")
        assert code != 0 or "AUTN" not in theirs
    matrix("osmo-auc-gen", osmo_version, "takes the AUTS of our card", f"{RUNS // 3} made-up subscribers, `-A`",
           "all taken with the SQN_MS that was meant; one wrong bit: refused")
