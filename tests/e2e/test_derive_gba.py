"""keystead derive for GBA against the vectors of tests/vectors/aka.txt, and its refusals, as a person sees them."""
import json
import pathlib

import pytest

import keystead as ks


def vectors():
    """name -> (inputs, expected) of each paragraph."""
    found = {}
    for paragraph in (pathlib.Path(ks.ROOT) / "tests/vectors/aka.txt").read_text().split("\n\n"):
        lines = [line.split(" ", 1) for line in paragraph.splitlines() if not line.startswith("#")]
        if lines and lines[0][0] == "vector":
            pairs = [value.split(" ", 1) for word, value in lines if word == "expect"]
            found[lines[0][1]] = ({word: value for word, value in lines if word != "expect"}, dict(pairs))
    return found


VECTORS = vectors()


def derive(*args):
    p = ks.run("derive", *args, "--json")
    assert p.returncode == 0, p.stdout + p.stderr
    return json.loads(p.stdout)


@pytest.mark.parametrize("name", [n for n in VECTORS if n.startswith("milenage-")])
def test_aka(name):
    given, want = VECTORS[name]
    for how in (("--op", given["op"]), ("--opc", want["opc"])):
        got = derive("aka", "--k", given["k"], *how, "--rand", given["rand"], "--sqn", given["sqn"], "--amf", given["amf"])
        assert [got[x] for x in ("opc", "res", "ck", "ik")] == [want[x] for x in ("opc", "f2", "f3", "f4")]
        hidden = int(given["sqn"], 16) ^ int(want["f5"], 16)
        assert got["autn"] == f"{hidden:012x}" + given["amf"] + want["f1"]


def test_auts_and_tuak():
    given, want = VECTORS["auts"]
    assert derive("aka", "--k", given["k"], "--op", given["op"], "--rand", given["rand"], "--sqn", given["sqn"])["auts"] == want["auts"]
    given, want = VECTORS["tuak-1"]
    got = derive("aka", "--algorithm", "tuak", "--k", given["k"], "--op", given["op"], "--rand", given["rand"], "--sqn", given["sqn"],
                 "--amf", given["amf"], "--res-octets", "4", "--iterations", "1")
    assert [got[x] for x in ("opc", "res", "ck", "ik")] == [want[x] for x in ("opc", "f2", "f3", "f4")] and got["autn"].endswith(want["f1"])


@pytest.mark.parametrize("name,how", [("digest", ()), ("00ae", ("--suite", "00ae")), ("tls13", ("--ua", "0100000007"))])
def test_ks_naf_and_its_identifiers(name, how):
    given, want = VECTORS[f"ks-naf-{name}"]
    got = derive("ks-naf", "--ks", given["ks"], "--rand", given["rand"], "--impi", given["impi"], "--naf", "MEF.example.com", *how)
    assert got == {"naf_id": given["naf-id"], "ks_naf": want["ks_naf"], "ks_int_naf": want["ks_int_naf"],
                   "digest_password": want["password"]}
    assert derive("naf-id", "--naf", "mef.example.com", *how) == {"naf_id": given["naf-id"]}
    given, want = VECTORS["b-tid"]
    assert derive("b-tid", "--rand", given["rand"], "--bsf", given["bsf"]) == want


@pytest.mark.parametrize("args,code,at", [
    (("aka", "--k", "00", "--op", "00" * 16, "--rand", "00" * 16, "--sqn", "00" * 6), "key-length", "--k"),
    (("aka", "--k", "00" * 16, "--rand", "00" * 16, "--sqn", "00" * 6), "usage", "--opc or --op, one of them"),
    (("aka", "--k", "00" * 16, "--op", "00" * 16, "--opc", "00" * 16, "--rand", "00" * 16, "--sqn", "00" * 6), "usage", "--opc or --op, one of them"),
    (("aka", "--k", "00" * 16, "--op", "00" * 16, "--rand", "00" * 16, "--sqn", "12"), "usage", "--sqn: 6 octets in hex, not 1"),
    (("naf-id", "--naf", "a.example", "--suite", "00ae", "--ua", "0100000002"), "usage", "--suite or --ua, one of them"),
    (("aka", "--algorithm", "xor", "--k", "00" * 16, "--op", "00" * 16, "--rand", "00" * 16, "--sqn", "00" * 6), "usage", "--algorithm"),
    (("aka", "--k", "00" * 16, "--op", "00" * 16, "--rand", "00" * 15, "--sqn", "00" * 6), "usage", "--rand: 16 octets in hex, not 15"),
    (("ks-naf", "--ks", "00" * 32, "--rand", "00" * 16, "--impi", "nobody", "--naf", "a.example"), "identifier-malformed", "--impi"),
    (("aka", "--algorithm", "tuak", "--k", "00" * 16, "--op", "00" * 32, "--rand", "00" * 16, "--sqn", "00" * 6, "--iterations", "x"),
     "usage", "--iterations"),
    (("naf-id", "--naf", "a_b"), "identifier-malformed", "--naf"),
])
def test_refusals_name_the_argument(args, code, at):
    p = ks.run("derive", *args)
    assert p.returncode == 2 and code in p.stderr and at in p.stderr, p.stderr
