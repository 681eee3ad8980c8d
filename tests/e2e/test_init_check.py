"""init and check: what init writes can be checked and served, names are exact, nothing is overwritten; check names
every fault with its line. ctl without a server works on the store itself."""
import json
import os
import pathlib
import socket
import stat
import subprocess

import pytest

BIN = os.environ["KEYSTEAD_BIN"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = ("mef", "maf", "cse")
KEY = "5a" * 16  # made up


def keystead(*args, cwd=None):
    return subprocess.run([BIN, *map(str, args)], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60)


def x509(file, *options):
    return subprocess.run(["openssl", "x509", "-in", str(file), "-noout", *options], check=True, capture_output=True,
                          text=True).stdout


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    where = tmp_path_factory.mktemp("init") / "lab"
    p = keystead("init", where, "--port-base", "0")
    assert p.returncode == 0, p.stderr
    return where


def mode(file):
    return stat.S_IMODE(file.stat().st_mode)


def test_init_makes_everything_closed_to_others(lab):
    assert mode(lab) == 0o700
    for role in ROLES:
        for suffix, wanted in ((".root", 0o400), (".audit", 0o400), (".key", 0o600)):
            assert mode(lab / (role + suffix)) == wanted
        for suffix in (".root", ".audit"):
            text = (lab / (role + suffix)).read_text()
            assert len(text) == 65 and text.endswith("\n") and bytes.fromhex(text)
    assert mode(lab / "ca.key") == 0o600
    secrets = [(lab / (role + s)).read_text() for role in ROLES for s in (".root", ".audit")]
    assert len(set(secrets)) == len(secrets), "no default secret, no secret twice"


@pytest.mark.parametrize("role,name", [("mef", "mef.keystead.test"), ("maf", "maf.keystead.test"),
                                       ("cse", "in.keystead.test")])
def test_certificates_have_the_one_exact_name(lab, role, name):
    # R004-08 and spec CHOICE-03: dNSName of the authority, or of the CSE-ID
    san = x509(lab / f"{role}.crt", "-ext", "subjectAltName")
    assert [s.strip() for s in san.splitlines()[1].split(",")] == [f"DNS:{name}"]
    usage = x509(lab / f"{role}.crt", "-ext", "keyUsage")
    assert "Digital Signature" in usage
    assert "NIST CURVE: P-256" in x509(lab / f"{role}.crt", "-text")
    verified = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", lab / "ca.crt", lab / f"{role}.crt"],
                              capture_output=True, text=True)
    assert verified.returncode == 0, verified.stderr
    constraints = x509(lab / "ca.crt", "-ext", "nameConstraints")
    assert "Permitted" in constraints and "DNS:keystead.test" in constraints


@pytest.mark.parametrize("role", ROLES)
def test_what_init_wrote_passes_check(lab, role):
    p = keystead("check", "-c", lab / f"{role}.conf")
    assert (p.returncode, p.stdout, p.stderr) == (0, "ok\n", "")
    p = keystead("check", "-c", f"{role}.conf", cwd=lab)
    assert p.returncode == 0, "relative to the file, not to where one stands"
    p = keystead("check", "-c", lab / f"{role}.conf", "--json")
    assert json.loads(p.stdout) == {"file": str(lab / f"{role}.conf"), "result": "ok"}


def test_servers_know_those_they_ask(lab):
    maf, cse = (lab / "maf.conf").read_text(), (lab / "cse.conf").read_text()
    assert "[peer mef.keystead.test]" in maf and "[peer maf" not in maf
    assert "[peer mef.keystead.test]" in cse and "[peer maf.keystead.test]" in cse
    assert "[peer" not in (lab / "mef.conf").read_text()


def listeners(conf):
    """name -> {key: value} of each [listener NAME]"""
    found, here = {}, {}
    for line in conf.read_text().splitlines():
        if line.startswith("["):
            here = found.setdefault(line[10:-1], {}) if line.startswith("[listener ") else {}
        elif line and line[0] != "#":
            key, value = line.split(" = ", 1)
            here[key] = value
    return found


@pytest.mark.parametrize("role", ROLES)
def test_each_server_listens_for_tls_and_for_dtls_on_one_port(lab, role):
    found = listeners(lab / f"{role}.conf")
    assert list(found) == ["main", "coaps"], "HTTP first: tools take the first address"
    assert found["coaps"].pop("transport") == "udp"
    assert "transport" not in found["main"] and found["coaps"] == found["main"]


def test_free_ports_differ_and_are_free(lab):
    ports = [int(listeners(lab / f"{role}.conf")["main"]["address"].split(":")[1]) for role in ROLES]
    assert len(set(ports)) == 3 and 0 not in ports
    for port in ports:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(type=kind) as s:
                s.bind(("127.0.0.1", port))


def test_default_ports_and_json(tmp_path):
    p = keystead("init", tmp_path / "lab", "--json")
    answer = json.loads(p.stdout)
    assert p.returncode == 0
    assert [answer[f"{r}_address"] for r in ROLES] == ["127.0.0.1:8443", "127.0.0.1:8444", "127.0.0.1:8445"]
    assert answer["sp"] == "keystead.test" and answer["cse_fqdn"] == "in.keystead.test"
    assert pathlib.Path(answer["mef_conf"]).is_file()
    p = keystead("init", tmp_path / "other", "--port-base", "21000", "--json")
    assert json.loads(p.stdout)["cse_address"] == "127.0.0.1:21002"


def test_a_bsf_beside_the_others_or_alone(tmp_path):
    p = keystead("init", tmp_path / "lab", "--gba", "--port-base", "21000", "--json")
    answer = json.loads(p.stdout)
    assert p.returncode == 0, p.stderr
    assert (answer["bsf_fqdn"], answer["bsf_address"], answer["bsf_plain"]) == (f"bsf.{answer['sp']}", "127.0.0.1:21003", "127.0.0.1:21004")
    for role in (*ROLES, "bsf"):
        assert keystead("check", "-c", tmp_path / "lab" / f"{role}.conf").returncode == 0
        peer = "[peer bsf.keystead.test]" in (tmp_path / "lab" / f"{role}.conf").read_text()
        assert peer == (role in ("maf", "cse")), "who asks it for keys"
    assert listeners(tmp_path / "lab" / "bsf.conf")["ub"]["address"] == "127.0.0.1:21004"
    p = keystead("init", tmp_path / "alone", "--role", "bsf", "--port-base", "0")
    assert p.returncode == 0 and "Ub for devices" in p.stdout, p.stderr
    assert keystead("check", "-c", tmp_path / "alone" / "bsf.conf").returncode == 0
    p = keystead("init", tmp_path / "both", "--role", "gate", "--gba")
    assert p.returncode == 2 and "--gba" in p.stderr and not (tmp_path / "both").exists()


def test_an_mn_cse_beside_the_others(tmp_path):
    """With a key for each direction, and what is left to do is said in commands that work as they stand (the demo runs them)."""
    p = keystead("init", tmp_path / "lab", "--mn", "--port-base", "21000")
    assert p.returncode == 0 and p.stdout.count("ctl credential add") == 2, p
    for name, other, key in (("cse", "mn.keystead.test", "in-mn"), ("mn", "in.keystead.test", "mn-in")):
        conf = tmp_path / "lab" / f"{name}.conf"
        assert keystead("check", "-c", conf).returncode == 0
        peer = conf.read_text().split(f"[peer {other}]\n")[1].split("\n[")[0]
        assert f"\npsk = {key}.key\n" in peer and f"\npsk-id = {key}@keystead.test\n" in peer and "\ncertificate =" not in peer
        assert stat.S_IMODE((tmp_path / "lab" / f"{key}.key").stat().st_mode) == 0o400
    assert (tmp_path / "lab" / "mn-in.key").read_text() != (tmp_path / "lab" / "in-mn.key").read_text()
    p = keystead("init", tmp_path / "both", "--role", "bsf", "--mn")
    assert p.returncode == 2 and "--mn" in p.stderr and not (tmp_path / "both").exists()


def test_nothing_is_overwritten(lab):
    before = {f.name: f.read_bytes() for f in lab.iterdir()}
    p = keystead("init", lab)
    assert p.returncode == 1 and "name-conflict" in p.stderr and str(lab) in p.stderr
    assert {f.name: f.read_bytes() for f in lab.iterdir()} == before
    p = keystead("init", lab, "--json")
    assert json.loads(p.stdout)["error"] == "name-conflict"


def test_an_empty_directory_is_filled_and_a_file_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    assert keystead("init", tmp_path / "empty").returncode == 0
    (tmp_path / "file").write_text("x")
    p = keystead("init", tmp_path / "file")
    assert p.returncode == 1 and (tmp_path / "file").read_text() == "x"


def test_a_failed_init_leaves_nothing(tmp_path):
    p = keystead("init", tmp_path / "no" / "such" / "parent")
    assert p.returncode == 4 and "No such file" in p.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sp", ["a_b.test", "-a.test", "a..test", "a.test.", "ä.test", "a b", "a/b", "*.test", "x" * 64,
                                ".".join(["made-up"] * 20)])
def test_odd_names_are_refused(tmp_path, sp):
    p = keystead("init", tmp_path / "lab", "--sp", sp)
    assert p.returncode == 2 and "usage" in p.stderr
    assert not (tmp_path / "lab").exists()


@pytest.mark.parametrize("sp", ["X", "Odd-Name.Example", "1.2.3.test", "xn--bcher-kva.test",
                                ".".join(["made-up-provider"] * 8)])
def test_odd_but_legal_names_work(tmp_path, sp):
    p = keystead("init", tmp_path / "lab", "--sp", sp)
    assert p.returncode == 0, p.stderr
    for role in ROLES:
        assert keystead("check", "-c", tmp_path / "lab" / f"{role}.conf").returncode == 0
    assert f"DNS:mef.{sp.lower()}" in x509(tmp_path / "lab" / "mef.crt", "-ext", "subjectAltName")
    # A KeId has 33 octets and the FQDN of the MEF; RFC 4279 obliges peers to take 128 (spec 4.4.1).
    too_long = 33 + len("mef." + sp) > 128
    assert ("warning: key identifiers" in p.stderr) == too_long


@pytest.mark.parametrize("port", ["65534", "-1", "x", "99999999999999999999", ""])
def test_wrong_ports_are_refused(tmp_path, port):
    assert keystead("init", tmp_path / "lab", f"--port-base={port}").returncode == 2
    assert not (tmp_path / "lab").exists()


# -- check ---------------------------------------------------------------------------------------------------
def spoil(lab, tmp_path, old, new):
    text = (lab / "mef.conf").read_text()
    assert text.count(old) == 1
    for f in lab.iterdir():
        if f.suffix != ".conf":
            target = tmp_path / f.name
            target.write_bytes(f.read_bytes())
            target.chmod(mode(f))
    (tmp_path / "mef.conf").write_text(text.replace(old, new))
    return tmp_path / "mef.conf", text[:text.index(old)].count("\n") + 1


@pytest.mark.parametrize("old,new,reason", [
    ("\nroles = mef", "\nroles = mfe", "there is no role mfe, only mef, maf, cse, gate, bsf"),
    ("\nstore = mef.db", "\nstroe = mef.db", 'unknown key "stroe" in [server]; did you mean "store"?'),
    ("\n[limits]", "\n[limit]", "unknown section [limit]; did you mean [limits]?"),
    ("\n#workers = 0", "\nworkers = 9999", "[server] workers: 9999 is outside 0 to 256"),
    ("\n#fetch-time = 5s", "\nfetch-time = 6s", "6s is outside 10ms to 5s"),
    ("\nfqdn = mef.keystead.test", "\nfqdn = mef_1", '"mef_1" is not a host name'),
    ("\nroot-secret = mef.root", "\nroot-secret = mef.rot", "No such file"),
    ("\nroot-secret = mef.root", "\nroot-secret = mef.crt", "is open to others: chmod 600"),
    ("\ncontrol = mef.sock", "\ncontrol = mef.sock\ncontrol = mef.sock", "stands twice"),
    ("\n#log-level = info", "\nlog-level = wran", 'did you mean "warn"?'),
])
def test_each_fault_with_file_line_and_reason(lab, tmp_path, old, new, reason):
    conf, line = spoil(lab, tmp_path, old, new)
    line += new.count("\n")
    p = keystead("check", "-c", conf)
    assert p.returncode == 2 and p.stdout == ""
    assert any(s.startswith(f"{conf}:{line}: ") and reason in s for s in p.stderr.splitlines()), p.stderr
    p = keystead("check", "-c", conf, "--json")
    answer = json.loads(p.stdout)
    assert p.returncode == 2 and answer["error"] == "config"
    assert any(f["line"] == line and reason in f["text"] for f in answer["faults"])


def test_all_faults_at_once(lab, tmp_path):
    conf, _ = spoil(lab, tmp_path, "\n#workers = 0", "\nworkers = many\nnonsense\nlog-level = loud")
    p = keystead("check", "-c", conf)
    assert p.returncode == 2 and len(p.stderr.splitlines()) == 3


def test_a_damaged_secret_or_certificate_is_found(lab, tmp_path):
    conf, _ = spoil(lab, tmp_path, "\n#workers = 0", "\nworkers = 1")
    (tmp_path / "mef.audit").chmod(0o600)
    (tmp_path / "mef.audit").write_text("5a5a\n")
    p = keystead("check", "-c", conf)
    assert p.returncode == 2 and "audit-key" in p.stderr
    (tmp_path / "mef.audit").write_text("5a" * 32 + "\n")
    assert keystead("check", "-c", conf).returncode == 0
    (tmp_path / "mef.crt").write_text("no certificate\n")
    p = keystead("check", "-c", conf)
    assert p.returncode == 2 and "listener main" in p.stderr


def test_a_missing_file_and_a_missing_option(tmp_path):
    p = keystead("check", "-c", tmp_path / "none.conf")
    assert p.returncode == 2 and "cannot be read" in p.stderr
    assert keystead("check").returncode == 2


def test_the_reference_of_keys_is_the_committed_one():
    p = keystead("check", "--doc")
    assert p.returncode == 0
    assert p.stdout == (ROOT / "docs/operate/configuration.md").read_text(), \
        "run: keystead check --doc > docs/operate/configuration.md"


# -- ctl without a server ---------------------------------------------------------------------------------------
@pytest.fixture
def offline(tmp_path):
    assert keystead("init", tmp_path / "lab", "--port-base", "0").returncode == 0
    key = tmp_path / "made-up.key"
    key.write_text(KEY + "\n")
    key.chmod(0o600)
    conf = tmp_path / "lab" / "mef.conf"

    def ctl(*args):
        return keystead("ctl", "-c", conf, *args)

    ctl.key = key
    ctl.conf = conf
    return ctl


def add(ctl, name="made-up-1@mef.keystead.test", *more):
    return ctl("credential", "add", "--kind", "kpm", "--id", name, "--key-file", ctl.key, "--enrolee-id",
               "//keystead.test/Smade-up", "--target", "maf.keystead.test", *more)


def test_credentials_before_the_first_start(offline):
    p = add(offline)
    assert p.returncode == 0, p.stderr
    p = offline("credential", "list", "--json")
    listed = json.loads(p.stdout)["credentials"]
    assert [c["id"] for c in listed] == ["made-up-1@mef.keystead.test"]
    p = offline("credential", "list")
    assert p.stdout.splitlines()[0].split()[:2] == ["id", "kind"] and "made-up-1@" in p.stdout.splitlines()[1]
    p = offline("credential", "show", "made-up-1@mef.keystead.test")
    assert "enrolee-id: //keystead.test/Smade-up" in p.stdout.splitlines()
    p = offline("audit", "verify")
    assert p.returncode == 0, p.stderr
    events = [e["event"] for e in json.loads(offline("audit", "tail", "--json").stdout)["events"]]
    assert events == ["started", "credential-added"], "looking at things leaves no event"


def test_no_call_prints_a_key(offline):
    out = ""
    for p in (add(offline), offline("credential", "list"), offline("credential", "list", "--json"),
              offline("credential", "show", "made-up-1@mef.keystead.test", "--json"), offline("audit", "tail")):
        out += p.stdout + p.stderr
    assert KEY not in out.lower()
    store = b"".join(f.read_bytes() for f in offline.conf.parent.glob("mef.db*"))
    assert bytes.fromhex(KEY) not in store and KEY.encode() not in store.lower(), "sealed"


def test_refusals_of_ctl(offline):
    assert add(offline).returncode == 0
    p = add(offline)
    assert p.returncode == 1 and "name-conflict" in p.stderr
    p = add(offline, "made-up-1@other.test")
    assert p.returncode == 2 and "key-id-malformed" in p.stderr
    p = offline("credential", "show", "nobody@mef.keystead.test")
    assert p.returncode == 1 and "not-found" in p.stderr
    p = offline("credential", "shwo", "x@mef.keystead.test")
    assert p.returncode == 2 and "did you mean" in p.stderr
    assert offline("credential", "add", "--kind", "kpm").returncode == 2
    p = offline("credential", "list", "--role", "cse")
    assert p.returncode == 2 and "no role of this server" in p.stderr


@pytest.mark.parametrize("content,file_mode,code", [("zz\n", 0o600, "hex-malformed"), ("5a5\n", 0o600, "hex-malformed"),
                                                    ("5a\n", 0o600, "key-length"), ("5a" * 65 + "\n", 0o600, "key-length"),
                                                    ("5a" * 16 + "\n", 0o640, "file-mode"), (None, 0, "io")])
def test_wrong_key_files(offline, content, file_mode, code):
    offline.key.unlink()
    if content is not None:
        offline.key.write_text(content)
        offline.key.chmod(file_mode)
    p = add(offline)
    assert p.returncode in (2, 4) and code in p.stderr, p.stderr
    assert json.loads(offline("credential", "list", "--json").stdout)["credentials"] == []


def one_process_of(lab, roles):
    """A configuration of several roles in one process tree, made of what init wrote for each."""
    parts, skip = [f"[server]\nroles = {', '.join(roles)}\nstore = all.db\nroot-secret = mef.root\n"
                   "audit-key = mef.audit\ncontrol = all.sock\n"], True
    for role in roles:
        for line in (lab / f"{role}.conf").read_text().splitlines():
            if line.startswith("["):
                skip = line in ("[server]", "[limits]") or any(line in p for p in parts)
            if not skip:
                parts.append(line.replace("[listener main]", f"[listener {role}]").replace("[listener coaps]", f"[listener {role}-coaps]"))
    (lab / "all.conf").write_text("\n".join(parts) + "\n")
    return lab / "all.conf"


def test_several_roles_in_one_process(offline):
    conf = one_process_of(offline.conf.parent, ROLES)
    p = keystead("check", "-c", conf)
    assert p.returncode == 0, p.stderr
    for kind, name in (("kpm", "mef"), ("km", "maf")):
        p = keystead("ctl", "-c", conf, "credential", "add", "--kind", kind, "--id", f"made-up@{name}.keystead.test",
                     "--key-file", offline.key, "--enrolee-id", "//keystead.test/Smade-up")
        assert p.returncode == 0, p.stderr
        p = keystead("ctl", "-c", conf, "credential", "list", "--role", name, "--json")
        assert [c["kind"] for c in json.loads(p.stdout)["credentials"]] == [kind]
    p = keystead("ctl", "-c", conf, "credential", "list")
    assert p.returncode == 2 and "add --role" in p.stderr
    p = keystead("ctl", "-c", conf, "credential", "add", "--kind", "kmp", "--id", "made-up@mef.keystead.test",
                 "--key-file", offline.key)
    assert p.returncode == 2


def test_commands_that_need_a_server_say_so(offline):
    for verb in ("stop", "reload"):
        p = offline(verb)
        assert p.returncode != 0 and p.stderr.startswith("keystead: "), (verb, p.stdout)


def test_a_store_that_somebody_else_holds(offline):
    assert add(offline).returncode == 0
    import fcntl
    held = [f for f in offline.conf.parent.iterdir() if f.name.startswith("mef.db")]
    handles = [open(f, "r+b") for f in held]
    for h in handles:
        fcntl.flock(h, fcntl.LOCK_EX | fcntl.LOCK_NB)
    p = offline("credential", "list")
    for h in handles:
        h.close()
    assert p.returncode == 4 and "store-locked" in p.stderr and "control socket" in p.stderr
    assert offline("credential", "list").returncode == 0


def test_a_socket_without_sense(offline):
    """Something else listens on the control socket: one clear error, and the store is not touched."""
    path = offline.conf.parent / "mef.sock"
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(path.parent)
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)
        server.listen()
        for answer in (b"", b"nonsense\n", b'{"ok":"yes"}\n', b"x" * 70000):
            p = subprocess.Popen([BIN, "ctl", "-c", "mef.conf", "credential", "list"], cwd=path.parent,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            conn, _ = server.accept()
            request = json.loads(conn.makefile().readline())
            assert request == {"noun": "credential", "verb": "list", "role": "mef", "args": {}}
            try:
                conn.sendall(answer)
            except OSError:
                pass
            conn.close()
            out, err = p.communicate(timeout=30)
            assert p.returncode in (1, 3) and err.startswith("keystead: peer-"), err
            assert not (path.parent / "mef.db").exists()
        p = subprocess.Popen([BIN, "ctl", "-c", "mef.conf", "credential", "list"], cwd=path.parent, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        conn, _ = server.accept()
        with conn, conn.makefile() as f:  # a server that leaves says so behind its answer: the first line is the answer
            f.readline()
            conn.sendall(b'{"ok":true,"result":{}}\n{"ok":false,"code":"server-leaving"}\n')
            assert p.communicate(timeout=30)[1] == "" and p.returncode == 0
        p = subprocess.Popen([BIN, "ctl", "-c", "mef.conf", "credential", "list"], cwd=path.parent, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        server.accept()[0].close()  # a stranger's end without a word
        assert p.communicate(timeout=30)[1].startswith("keystead: peer-unreachable") and p.returncode == 3
