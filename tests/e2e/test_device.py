"""keystead device: the Enrolee's side of the product on the command line, against the real servers and against servers
that lie; exit codes 0 done, 1 refused, 2 wrong use, 3 unreachable, 4 internal."""
import base64
import contextlib
import json
import shutil
import socket
import stat
import subprocess
import threading
import time

import pytest

import keystead as ks


class Cli:
    """One device: a state directory and where its servers are."""

    def __init__(self, lab, where, device=None):
        self.lab, self.state, self.device = lab, where, device

    def run(self, verb, *args, json_too=True):
        p = ks.run("device", verb, "--state", self.state, *args, *(["--json"] if json_too else []))
        self.lab.spoken += p.stdout + p.stderr
        assert (p.stdout if p.returncode == 0 or json_too else p.stderr).strip(), "it says something"
        return p

    def ok(self, verb, *args):
        p = self.run(verb, *args)
        assert p.returncode == 0, p.stdout + p.stderr
        return json.loads(p.stdout)

    def no(self, code, reason, verb, *args):
        p = self.run(verb, *args)
        assert p.returncode == code, (p.returncode, p.stdout, p.stderr)
        got = json.loads(p.stdout)
        assert got["exit"] == code and got["error"] in (reason if isinstance(reason, tuple) else (reason,)), got
        q = self.run(verb, *args, json_too=False)
        assert len(q.stderr.strip().splitlines()) == 1 and q.stderr.startswith("keystead: "), q.stderr
        return got

    def at(self, role):
        return "{}:{}".format(*self.lab.address(role))

    def enrol_args(self, **change):
        d = self.device
        args = {"--mef": self.at("mef"), "--mef-id": ks.MEF, "--kpm-id": d.kpm_id, "--key-file": self.lab.key_file(d.name, d.psk),
                "--target": d.target, "--maf": self.at("maf"), "--profile": d.profile, **change}
        return [x for k, v in args.items() if v is not None for x in (k, v)]

    def associate_args(self, **change):
        args = {"--cse": self.at("cse"), "--cse-id": ks.CSE_ID, **change}
        return [x for k, v in args.items() if v is not None for x in (k, v)]

    def all_the_way(self):
        self.ok("enrol", *self.enrol_args())
        self.ok("associate", *self.associate_args())
        return self.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"]


def test_the_whole_way(profiled, tmp_path):
    lab, profile = profiled
    d = lab.device(f"cli-{profile}", profile=profile)
    cli = Cli(lab, tmp_path / "device", d)
    enrolled = cli.ok("enrol", *cli.enrol_args())  # R001-81, R001-71, R001-74
    assert enrolled["ke_id"].upper() in str(lab.enrolments()).upper()  # R001-85, R001-86: both have one KeId
    associated = cli.ok("associate", *cli.associate_args())  # R001-40, R001-58, R001-59, R001-90
    assert associated["framework"] == "maf"
    if profile == "seed":
        assert associated["km_id"].upper() == enrolled["ke_id"].upper()  # R001-60
    else:
        assert associated["km_id"].endswith("@" + ks.MAF)
    assert cli.ok("register", "--app-id", "Nthermometer", "--from", "S")["ae_id"] == d.stem
    box = f"/-/{d.stem}/box"
    assert cli.ok("request", "create", f"/{d.stem}", "--type", "3", "--content", '{"m2m:cnt":{"rn":"box"}}')["rsc"] == 2001
    content = tmp_path / "content.json"
    content.write_text('{"m2m:cin":{"con":"21.5"}}')
    cli.ok("request", "create", box, "--type", "4", "--content", f"@{content}")
    assert "21.5" in cli.run("request", "retrieve", f"{box}/la").stdout
    cli.ok("request", "update", box, "--content", '{"m2m:cnt":{"lbl":["a"]}}')
    cli.ok("request", "delete", f"{box}/la")
    cli.no(1, "not-found", "request", "retrieve", f"{box}/la")
    cli.no(1, "from-not-associated", "request", "retrieve", box, "--from", "Cother")
    shown = cli.ok("status")
    assert shown["ke_id"] == enrolled["ke_id"] and shown["ae_id"] == d.stem and shown["enrolled"] == "yes"
    cli.ok("associate", *cli.associate_args())  # again: the same Kc within its lifetime, or a fresh one; the same AE
    cli.ok("request", "retrieve", box)


def test_state_is_sealed(lab, tmp_path):
    d = lab.device("cli-sealed")
    cli = Cli(lab, tmp_path / "device", d)
    cli.all_the_way()
    assert stat.S_IMODE(cli.state.stat().st_mode) == 0o700
    for f in cli.state.iterdir():
        assert stat.S_IMODE(f.stat().st_mode) & 0o077 == 0, f  # R001-39, R001-61, R001-88, R002-62
        assert f.name.endswith(".key") or not ks.keys_in(f.read_bytes(), [d.psk])
    raw = (cli.state / "state").read_bytes()
    key = bytes.fromhex((cli.state / "state.key").read_text())
    cli.run("status")
    assert not ks.keys_in(lab.spoken, [d.psk, key])
    for spoilt in (raw[:-1], raw[:20], b"", raw[:-1] + bytes([raw[-1] ^ 1]), b"x" * 5000):
        (cli.state / "state").write_bytes(spoilt)
        p = cli.run("request", "retrieve", "/-")
        assert p.returncode in (1, 4) and json.loads(p.stdout)["error"], (spoilt[:20], p.stdout)
    (cli.state / "state").write_bytes(raw)
    cli.ok("request", "retrieve", f"/{d.stem}")
    (cli.state / "state.key").chmod(0o600)
    (cli.state / "state.key").write_text("22" * 32 + "\n")
    p = cli.run("request", "retrieve", "/-")
    assert p.returncode == 4 and json.loads(p.stdout)["error"] == "unseal-failed", p.stdout
    (cli.state / "state.key").chmod(0o644)
    p = cli.run("status")
    assert p.returncode in (2, 4) and json.loads(p.stdout)["error"] == "file-mode"


def test_seal_key_elsewhere(lab, tmp_path):
    d = lab.device("cli-elsewhere")
    cli = Cli(lab, tmp_path / "device", d)
    key = lab.key_file("seal", b"\x33" * 32)
    cli.ok("enrol", *cli.enrol_args(), "--seal-key", key)
    assert not (cli.state / "state.key").exists()
    assert cli.run("status").returncode != 0
    assert cli.ok("status", "--seal-key", key)["enrolled"] == "yes"


def test_refusals(lab, tmp_path):
    d = lab.device("cli-refused")
    cli = Cli(lab, tmp_path / "device", d)
    wrong = lab.key_file("cli-wrong", b"w" * 32)
    cli.no(1, "psk-wrong", "enrol", *cli.enrol_args(**{"--key-file": wrong}))  # refuses R001-83, refuses R000-23
    cli.no(1, "psk-identity-unknown", "enrol", *cli.enrol_args(**{"--kpm-id": f"nobody@{ks.MEF}"}))  # refuses R001-82
    p = cli.run("status")
    assert p.returncode == 2 or json.loads(p.stdout)["enrolled"] == "no", "no Ke came about"  # refuses R001-81
    p = cli.run("associate", *cli.associate_args())
    assert p.returncode in (1, 2), "not enrolled yet"
    for missing in ("--mef", "--target", "--kpm-id", "--key-file"):  # refuses R000-14: no provider is selected
        bare = Cli(lab, tmp_path / f"bare{missing}", d)
        got = bare.no(2, "usage", "enrol", *bare.enrol_args(**{missing: None}))
        assert missing in got["detail"] and "is missing" in got["detail"]  # refuses R001-71, refuses R001-74
    p = cli.run("enrol", *cli.enrol_args(**{"--profile": "r9"}))
    assert p.returncode == 2
    p = cli.run("enrol", *cli.enrol_args(**{"--key-file": tmp_path / "none"}))
    assert p.returncode in (2, 4)
    cli.all_the_way()
    other = lab.device("cli-other-target", target="other-maf." + ks.SP)
    stray = Cli(lab, tmp_path / "stray", other)
    stray.ok("enrol", *stray.enrol_args(**{"--target": ks.MAF}))  # it thinks so; the MEF was told otherwise
    stray.no(1, "psk-identity-unknown", "associate", *stray.associate_args())  # refuses R001-77, refuses R001-50
    late = lab.device("cli-late", lifetime="1s")
    time.sleep(1.5)
    slow = Cli(lab, tmp_path / "late", late)
    slow.no(1, "psk-identity-unknown", "enrol", *slow.enrol_args())  # refuses R002-63
    unasked = lab.add(ks.Device("cli-not-allowed"), allowed=False)
    guest = Cli(lab, tmp_path / "guest", unasked)
    guest.ok("enrol", *guest.enrol_args())
    guest.no(1, "client-not-allowed", "associate", *guest.associate_args())


def test_nobody_there(lab, tmp_path):
    d = lab.device("cli-alone")
    cli = Cli(lab, tmp_path / "device", d)
    closed = f"127.0.0.1:{ks.free_port()}"
    cli.no(3, "peer-unreachable", "enrol", *cli.enrol_args(**{"--mef": closed}))  # refuses R000-21, refuses R001-06
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        p = cli.run("enrol", *cli.enrol_args(**{"--mef": "127.0.0.1:{}".format(silent.getsockname()[1])}))
        assert p.returncode == 3 and json.loads(p.stdout)["error"] in ("peer-timeout", "peer-unreachable"), p.stdout
        assert 9 < time.monotonic() - began < 20, "--timeout is 10s if it is not given"
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as rude:
        def talk():
            for octets in (b"SSH-2.0-x\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"):
                s, _ = rude.accept()
                s.recv(1000)
                s.sendall(octets)
                s.close()
        t = threading.Thread(target=talk, daemon=True)
        t.start()
        for _ in range(2):
            p = cli.run("enrol", *cli.enrol_args(**{"--mef": "127.0.0.1:{}".format(rude.getsockname()[1])}))
            assert p.returncode in (1, 3), p.stdout
        t.join(10)


@pytest.mark.parametrize("scheme", ["", "coaps://"])
def test_timeout_is_for_all(lab, tmp_path, scheme):
    """Somebody who never answers, over TCP and over UDP."""
    d = lab.device("cli-silent-" + ("udp" if scheme else "tcp"))
    cli = Cli(lab, tmp_path / "device", d)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if scheme else socket.SOCK_STREAM) as silent:
        silent.bind(("127.0.0.1", 0))
        if not scheme:
            silent.listen()
        mef = "{}127.0.0.1:{}".format(scheme, silent.getsockname()[1])
        began = time.monotonic()
        p = cli.run("enrol", *cli.enrol_args(**{"--mef": mef}), "--timeout", "2s")
        assert p.returncode == 3 and json.loads(p.stdout)["error"] == "peer-timeout", p.stdout
        assert 1.5 < time.monotonic() - began < 8
    for wrong in ("0s", "10", "2h", "soon", ""):
        assert "--timeout" in cli.no(2, "usage", "enrol", *cli.enrol_args(), "--timeout", wrong)["detail"]


def test_wrong_use_is_told_before_anybody_is_asked(lab, tmp_path):
    """Exit 2 and the option by name, although nobody listens at any address: refuses R000-54, refuses R002-74."""
    d = lab.device("cli-wrong-use")
    key = lab.key_file("cli-wrong-use", d.psk)
    closed = f"127.0.0.1:{ks.free_port()}"
    cli = Cli(lab, tmp_path / "device", d)
    enrol = cli.enrol_args(**{"--mef": closed, "--maf": closed})
    for bad in ("no identifier", "dev", "dev@", "@" + ks.MEF, "de v@" + ks.MEF, "a@b@" + ks.MEF):
        got = cli.no(2, "key-id-malformed", "enrol", *cli.enrol_args(**{"--mef": closed, "--kpm-id": bad}))
        assert "--kpm-id" in got["detail"]
    kpsa = ["--cse", closed, "--cse-id", ks.CSE_ID]
    rows = [
        ("enrol", [*enrol, "--certificate", key], "--private-key"),
        ("enrol", [*enrol, "--certificate", key, "--private-key", key], "--trust"),
        ("associate", [*kpsa, "--kpsa-id", f"a@{ks.SP}"], "--kpsa-file"),
        ("associate", [*kpsa, "--kpsa-file", key], "--kpsa-id"),
        ("associate", ["--cse", closed, "--kpsa-id", f"a@{ks.SP}", "--kpsa-file", key], "--cse-id"),
        ("associate", ["--cse-id", ks.CSE_ID, "--kpsa-id", f"a@{ks.SP}", "--kpsa-file", key], "--cse"),
        ("associate", ["--cse", closed, "--cse-id", "in", "--kpsa-id", f"a@{ks.SP}", "--kpsa-file", key], "--cse-id"),
        ("request", ["create", "/x", "--content", "{}"], "--type"),
        ("request", ["create", "/x", "--type", "3"], "--content"),
        ("request", ["create", "/x", "--type", "0", "--content", "{}"], "--type"),
        ("request", ["update", "/x"], "--content"),
        ("request", ["update", "/x", "--content", "{}", "--type", "3"], "--type"),
        ("request", ["retrieve", "/x", "--content", "{}"], "--content"),
        ("request", ["delete", "/x", "--type", "3"], "--type"),
        ("request", ["notify", "/x"], "--content"),
        ("request", ["notify", "/x", "--type", "3", "--content", "{}"], "--type"),
        ("request", ["subscribe", "/x"], "OPERATION"),
        ("register", [], "--app-id"),
    ]
    cli.no(3, "peer-unreachable", "enrol", *enrol)  # all there: now it asks
    for verb, args, option in rows:
        p = cli.run(verb, *args)
        got = json.loads(p.stdout)
        assert p.returncode == 2 and got["error"] == "usage" and option in got["detail"], (verb, args, got)
    cli.ok("enrol", *cli.enrol_args(**{"--maf": None}))
    got = cli.no(2, "usage", "associate", *kpsa)
    assert "--maf" in got["detail"]
    cli.no(2, "usage", "enrol", "--kpm-id", f"another@{ks.MEF}")  # with the key of the one before


def test_answers_as_json(lab, tmp_path):
    cli = Cli(lab, tmp_path / "device", lab.device("cli-json"))
    stem = cli.all_the_way()
    made = cli.ok("request", "create", f"/{stem}", "--type", "3", "--content", '{"m2m:cnt":{"rn":"box","mni":7}}')
    assert made["rsc"] == 2001 and made["content"]["m2m:cnt"]["mni"] == 7
    got = cli.ok("request", "retrieve", f"/-/{stem}/box")
    assert got["rsc"] == 2000 and got["content"]["m2m:cnt"]["rn"] == "box"
    gone = cli.ok("request", "delete", f"/-/{stem}/box")
    assert gone["rsc"] == 2002 and not isinstance(gone["content"], str)
    plain = cli.run("request", "retrieve", f"/{stem}", json_too=False).stdout.splitlines()
    assert plain[0] == "rsc=2000" and plain[1].startswith('content={"m2m:ae":')


@pytest.mark.parametrize("form", ["/{}", "/-/{}", "/~/in/{}", "/~/in/-/{}", "/_/" + ks.SP + "/in/{}"])
def test_status_forgets_a_deleted_ae(lab, tmp_path, form):
    cli = Cli(lab, tmp_path / "device", lab.device("cli-gone" + str(sum(map(ord, form)))))
    stem = cli.all_the_way()
    cli.ok("request", "create", f"/{stem}", "--type", "3", "--content", json.dumps({"m2m:cnt": {"rn": stem}}))
    cli.ok("request", "delete", f"/-/{stem}/{stem}")  # a child of that name is another thing
    assert cli.ok("status")["ae_id"] == stem
    assert cli.ok("request", "delete", form.format(stem))["rsc"] == 2002
    assert cli.ok("status")["ae_id"] == ""
    cli.no(1, "wrong-state", "request", "retrieve", "/-")
    assert cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"] == stem


@pytest.mark.parametrize("known, path, reason", [(True, "/{}", "not-found"), (False, "/-", "from-not-registered")])
def test_ae_deleted_elsewhere(lab, tmp_path, known, path, reason):
    """The registrar says that it does not know us, or that there is no such AE: the state believes it."""
    name = f"cli-gone-{known}".lower()
    identity, key = lab.add_kpsa(name, enrolee_id=f"//{ks.SP}/S{name}" if known else None)
    cli = Cli(lab, tmp_path / "device")
    cli.ok("associate", *cli.associate_args(**{"--kpsa-id": identity, "--kpsa-file": lab.key_file(name, key)}))
    stem = cli.ok("register", "--app-id", "Nmade-up", "--from", "S" if known else "C")["ae_id"]
    twin = Cli(lab, tmp_path / "twin")
    shutil.copytree(cli.state, twin.state)
    twin.ok("request", "delete", f"/{stem}")
    p = cli.run("request", "retrieve", path.format(stem))
    assert p.returncode == 1 and json.loads(p.stdout)["error"] == reason, p.stdout
    assert cli.ok("status")["ae_id"] == ""


def test_kpsa(lab, tmp_path):
    identity, key = lab.add_kpsa("cli-kpsa", enrolee_id=f"//{ks.SP}/Sclikpsa")
    cli = Cli(lab, tmp_path / "device")
    args = cli.associate_args(**{"--kpsa-id": identity, "--kpsa-file": lab.key_file("cli-kpsa-key", key)})
    assert cli.ok("associate", *args)["framework"] != "maf"  # R000-42, R000-60, R000-61
    assert cli.ok("register", "--app-id", "Ndisplay", "--from", "Sclikpsa")["ae_id"] == "Sclikpsa"
    cli.ok("request", "retrieve", "/Sclikpsa")
    cli.no(1, "from-not-associated", "register", "--app-id", "Ndisplay", "--from", "Ssomebody")
    wrong = Cli(lab, tmp_path / "wrong")
    args = wrong.associate_args(**{"--kpsa-id": identity, "--kpsa-file": lab.key_file("cli-kpsa-wrong", b"w" * 32)})
    wrong.no(1, "psk-wrong", "associate", *args)  # refuses R000-60
    args = wrong.associate_args(**{"--kpsa-id": f"nobody@{ks.SP}", "--kpsa-file": lab.key_file("cli-kpsa-key", key)})
    wrong.no(1, "psk-identity-unknown", "associate", *args)  # refuses R000-61


def test_two_commands_at_once(lab, tmp_path):
    """The state directory has one user at a time; neither loses anything."""
    d = lab.device("cli-twice")
    cli = Cli(lab, tmp_path / "device", d)
    cli.all_the_way()
    ps = [subprocess.Popen([ks.BIN, "device", "associate", "--state", str(cli.state), *map(str, cli.associate_args())],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    ends = [(p.communicate(timeout=ks.PATIENCE), p.returncode) for p in ps]
    assert any(code == 0 for _, code in ends), ends
    assert all(code in (0, 1, 3, 4) for _, code in ends), ends
    cli.ok("request", "retrieve", f"/{d.stem}")


# -- a MAF or CSE that holds the key and lies ------------------------------------------------------------------------
NONSENSE = [b"", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-M2M-RSC: 2001\r\n\r\n",
            b"HTTP/1.1 201 Created\r\nX-M2M-RSC: 2001\r\nContent-Length: 5\r\n\r\n{\"m2m",
            b"HTTP/1.1 201 Created\r\nX-M2M-RSC: 2001\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{\"m2m:macr\":[1,2]}",
            b"HTTP/1.1 201 Created\r\nX-M2M-RSC: 2001\r\nContent-Type: application/json\r\nContent-Length: 43\r\n\r\n"
            b"{\"m2m:macr\":{\"ri\":\"../../x\",\"aski\":\"\\u0000\"}}",
            b"HTTP/1.1 201 Created\r\nX-M2M-RSC: 99999\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 201 Created\r\nX-M2M-RSC: 2001\r\nContent-Length: 99999999\r\n\r\n" + b"[" * 100000,
            b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", b"\0" * 5000]


@pytest.mark.parametrize("n", range(len(NONSENSE)))
def test_maf_that_lies_to_the_device(lab, tmp_path, n):
    """stunnel with the right key in front of a server that answers nonsense: refused or unreachable, never believed."""
    cli = Cli(lab, tmp_path / "device", lab.device(f"cli-lied-{n}"))
    with socket.create_server(("127.0.0.1", 0)) as liar, ks.Stunnel.server(
            tmp_path, {"nobody": b"n" * 32}, liar.getsockname()[1]) as front:
        cli.ok("enrol", *cli.enrol_args(**{"--maf": f"127.0.0.1:{front.port}"}))
        ke_id = cli.ok("status")["ke_id"]
        front.change({ke_id: base64.b64decode(lab.fetch(ke_id).json["credential"])})
        asked = []

        def talk():
            with contextlib.suppress(OSError):
                while True:
                    s, _ = liar.accept()
                    with s, contextlib.suppress(OSError):
                        s.settimeout(5)
                        asked.append(s.recv(4096))
                        s.sendall(NONSENSE[n])
        threading.Thread(target=talk, daemon=True).start()
        began = time.monotonic()
        p = cli.run("associate", *cli.associate_args())
        assert p.returncode in (1, 3), (p.returncode, p.stdout)
        assert time.monotonic() - began < 40 and json.loads(p.stdout)["error"]
        assert any(b"m2m:macr" in a for a in asked), "the liar was asked"
        after = cli.ok("status")
        assert after["kc_id"] == "" and after["km_id"] in ("", ke_id)
