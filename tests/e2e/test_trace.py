"""keystead trace: a journey with a refusal, drawn from running servers and from a file of their events; the same in each
form, no key in any of them, and a sentence for each mistake."""
import hashlib
import json
import subprocess
import xml.etree.ElementTree as tree

import pytest

import keystead as ks
import tlspsk

WRONG = hashlib.sha256(b"made-up wrong key").digest()
STEPS = ["credential-added", "client-allowed", "handshake-refused", "ke-issued", "key-released", "km-stored",
         "maf-client-registered", "maf-key-registered", "maf-key-retrieved", "kc-stored", "associated"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as it:
        it.start()
        yield it


@pytest.fixture(scope="module")
def traced(lab):
    """One device whose first attempt has the wrong key, and another one beside it."""
    d = lab.device("trace-me")
    with pytest.raises(tlspsk.Alert):
        lab.psk("mef", d.kpm_id, WRONG).connect()
    ks.wait_for(lambda: lab.ctl_json("mef", "explain", d.kpm_id).get("last-refusal"), 20, "the event of the refusal")
    other = lab.journey("trace-another")
    lab.enrol(d)
    assert lab.maf_register(d).rsc == 2001
    assert lab.key_register(d).rsc == 2001
    with lab.cse(d) as c:
        r = ks.ask(c, "retrieve", "/-", origin="Ssomebody-else")
        assert r.status == 403, r
    return d, other


@pytest.fixture(scope="module")
def trail(lab, tmp_path_factory):
    file = tmp_path_factory.mktemp("trail") / "events"
    with open(file, "w", encoding="utf-8") as out:
        for role in ks.ROLES:
            p = lab.ctl(role, "audit", "tail", "--limit", "200", "--json")
            assert p.returncode == 0, p.stderr
            out.write(p.stdout)
    return file


def servers(lab):
    return [a for role in ks.ROLES for a in ("-c", lab.conf(role))]


def steps(p):
    assert p.returncode == 0, p.stdout + p.stderr
    lines = [json.loads(line) for line in p.stdout.splitlines()]
    assert lines[0] == {"participants": ["operator", "device", "mef", "maf", "cse"]}
    return lines[1:]


def test_from_running_servers(lab, traced):
    d, other = traced
    got = steps(ks.run("trace", *servers(lab), d.kpm_id, "--json"))
    seen = [s["event"] for s in got]
    assert [e for i, e in enumerate(seen) if e not in seen[:i]] == [*STEPS, "refused"], seen
    assert not any(other.stem in json.dumps(s) or s.get("object", "").lower() == other.kc_id.lower() for s in got)
    times = [(s["time"], s["usec"]) for s in got]
    assert times == sorted(times)
    arrow = {s["event"]: (s["from"], s["to"]) for s in got}
    assert arrow["credential-added"] == ("operator", "mef") and arrow["ke-issued"] == ("mef", "device")
    assert arrow["key-released"] == ("mef", "maf") and arrow["maf-key-retrieved"] == ("maf", "cse")
    assert all(s["clause"].startswith("TS-0") for s in got)
    wrong = next(s for s in got if s["event"] == "handshake-refused")
    assert wrong["outcome"] == "psk-wrong" and "Kpm" in wrong["text"] and wrong["clause"] == "TS-0003 8.3.2.1"
    assert wrong["reason"] and wrong["do"]
    assert got[-1]["outcome"] == "from-not-associated" and (got[-1]["from"], got[-1]["to"]) == ("device", "cse")


def test_each_name_gives_the_same(lab, traced):
    d, _ = traced
    whole = steps(ks.run("trace", *servers(lab), d.kpm_id, "--json"))
    association = whole[-1]["association"]
    for name in (d.ke_id, d.kc_id, d.enrolee_id, association):
        got = steps(ks.run("trace", *servers(lab), "--json", name))
        assert [s["number"] for s in got if s["at"] == "cse"] == [s["number"] for s in whole if s["at"] == "cse"], name


def test_from_a_file_and_stdin(lab, traced, trail):
    d, _ = traced
    live = steps(ks.run("trace", *servers(lab), d.enrolee_id, "--json"))
    file = steps(ks.run("trace", trail, "--id", d.enrolee_id, "--json"))
    assert [s for s in live if s["event"] not in ("credential-added", "handshake-refused")] == file  # those name the KpmId alone
    p = subprocess.run([ks.BIN, "trace", "-", "--id", d.enrolee_id, "--json"], input=trail.read_text(), capture_output=True,
                       text=True, timeout=20, check=False)
    assert steps(p) == file
    assert len(steps(ks.run("trace", trail, "--json"))) > len(file)


def test_text_and_svg(lab, traced):
    d, _ = traced
    text = ks.run("trace", *servers(lab), d.kpm_id)
    assert text.returncode == 0 and text.stdout.startswith("operator   device     MEF        MAF        IN-CSE"), text
    for part in ("Ke and KeId by TLS export", "refused: psk-wrong", "do: ", "[TS-0003 8.3.2.1]", "✗", "refused: from-not-associated"):
        assert part in text.stdout, part
    svg = ks.run("trace", *servers(lab), d.kpm_id, "--svg")
    assert svg.returncode == 0, svg.stderr
    root = tree.fromstring(svg.stdout.encode())
    told = ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]
    for part in ("MEF", "refused: psk-wrong", "Ke and KeId by TLS export"):
        assert any(part in t for t in told), part
    assert "href" not in svg.stdout and "script" not in svg.stdout and "url(" not in svg.stdout
    secrets = [s for x in lab.devices for s in x.secrets] + [WRONG]
    assert not ks.keys_in(text.stdout + svg.stdout, secrets), "a drawing printed a key"


def test_by_socket_and_by_one_server(lab, traced):
    d, _ = traced
    where = lab.ctl_json("mef", "status")
    assert where
    conf = dict(line.split("=", 1) for line in lab.conf("mef").read_text().replace(" ", "").splitlines() if line.startswith("control="))
    socket = lab.where / conf["control"]
    got = steps(ks.run("trace", "--socket", socket, d.kpm_id, "--json"))
    assert {s["at"] for s in got} == {"mef"} and "ke-issued" in [s["event"] for s in got]
    both = steps(ks.run("trace", "--socket", socket, "-c", lab.conf("maf"), d.ke_id, "--json"))
    assert {s["at"] for s in both} == {"mef", "maf"}


def test_pages(lab, traced):
    """More events than one answer holds are all looked at; fewer with --limit."""
    d, other = traced
    with lab.cse(other) as c:
        for i in range(60):
            assert ks.create_container(c, other.stem, f"/{other.stem}", f"box{i}").rsc == 2001
    assert len(steps(ks.run("trace", "-c", lab.conf("cse"), "--json"))) > 60
    assert "associated" in [s["event"] for s in steps(ks.run("trace", "-c", lab.conf("cse"), d.kc_id, "--json"))]
    p = ks.run("trace", "-c", lab.conf("cse"), "--limit", "10", d.kc_id)
    assert p.returncode == 1 and "none of the 50 events" in p.stderr, p


@pytest.mark.parametrize("code, says, args", [
    (1, "did you mean 'trace-me@", ["CONF", f"trace-ne@{ks.MEF}"]),
    (1, "none of the", ["CONF", "nobody-at-all"]),
    (2, "For a name, say whose chains", ["trace-me"]),
    (2, "what to draw", []),
    (2, "For a name, say", ["/nonexistent"]),
    (2, "a name has 1 to 255 octets", ["CONF", "x" * 256]),
    (2, "--limit is 1 to 20000", ["CONF", "--limit", "0"]),
    (2, "--svg or --json", ["CONF", "--svg", "--json"]),
    (2, "the name twice", ["CONF", "a", "--id", "b"]),
    (2, "cannot be read", ["-c", "/nonexistent.conf", "a"]),
    (3, "nobody listens: start the server", ["--socket", "/nonexistent.sock", "a"]),
])
def test_mistakes(lab, traced, code, says, args):
    full = [x for a in args for x in (["-c", lab.conf("mef")] if a == "CONF" else [a])]
    p = ks.run("trace", *full)
    said = p.stdout if "--json" in args else p.stderr
    assert p.returncode == code and says in said and said.count("\n") == 1, p


def test_a_file_that_is_none(tmp_path):
    bad = tmp_path / "log"
    bad.write_text("2026-11-21 keystead started\n")
    p = ks.run("trace", bad)
    assert p.returncode == 2 and "line 1: not one JSON object" in p.stderr and "audit tail --json" in p.stderr, p
    bad.write_text("")
    p = ks.run("trace", bad)
    assert p.returncode == 1 and "no audit events" in p.stderr, p
    p = ks.run("trace", tmp_path)
    assert p.returncode == 2, p
