"""ctl against a running server: the same commands over the control socket, also when the file has become wrong."""
import json
import os
import socket
import stat
import subprocess
import time

import pytest

BIN = os.environ["KEYSTEAD_BIN"]
KEY = "a5" * 32  # made up
NAME = "made-up-1@mef.keystead.test"


def keystead(*args):
    return subprocess.run([BIN, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def mef(tmp_path_factory):
    """A MEF that runs; gives a function for ctl commands."""
    lab = tmp_path_factory.mktemp("ctl") / "lab"
    assert keystead("init", lab, "--port-base", "0").returncode == 0
    key = lab.parent / "made-up.key"
    key.write_text(KEY + "\n")
    key.chmod(0o600)
    conf = lab / "mef.conf"

    def ctl(*args):
        return keystead("ctl", "-c", conf, *args)

    ctl.key, ctl.conf, ctl.log = key, conf, lab.parent / "mef.log"
    with open(ctl.log, "w") as log:
        server = subprocess.Popen([BIN, "serve", "-c", str(conf)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while not (lab / "mef.sock").exists() or ctl("status").returncode != 0:
            assert server.poll() is None and time.monotonic() < deadline, ctl.log.read_text()
            time.sleep(0.1)
        ctl.server = server
        yield ctl
    finally:
        if server.poll() is None:
            server.terminate()
        server.wait(30)


def test_the_socket_is_the_owners_alone(mef):
    path = mef.conf.parent / "mef.sock"
    assert stat.S_ISSOCK(path.stat().st_mode) and stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_add_show_list_revoke(mef):
    p = mef("credential", "add", "--kind", "kpm", "--id", NAME, "--key-file", mef.key, "--enrolee-id",
            "//keystead.test/Smade-up", "--target", "maf.keystead.test", "--profile", "seed", "--lifetime", "90d", "--json")
    assert p.returncode == 0, p.stderr
    p = mef("credential", "show", NAME, "--json")
    shown = json.loads(p.stdout)
    assert (shown["id"], shown["profile"], shown["target"]) == (NAME, "seed", "maf.keystead.test")
    assert "key" not in shown
    assert NAME in mef("credential", "list").stdout
    p = mef("credential", "add", "--kind", "kpm", "--id", NAME, "--key-file", mef.key)
    assert p.returncode == 1 and "name-conflict" in p.stderr
    p = mef("credential", "add", "--kind", "kpm", "--id", NAME, "--key-file", mef.key, "--json")
    assert p.returncode == 1 and json.loads(p.stdout)["error"] == "name-conflict"
    assert mef("credential", "revoke", NAME).returncode == 0
    assert json.loads(mef("credential", "show", NAME, "--json").stdout)["state"] == "revoked"
    events = json.loads(mef("audit", "tail", "--json").stdout)["events"]
    assert [e["event"] for e in events][-2:] == ["credential-added", "credential-revoked"]
    p = mef("audit", "verify")
    assert p.returncode == 0 and "intact: true" in p.stdout
    seen = mef.log.read_text() + "".join(mef(*v, "--json").stdout for v in (("credential", "list"), ("audit", "tail")))
    assert KEY not in seen.lower()


def test_the_store_is_the_servers_while_it_runs(mef):
    """Another configuration with the same store and another socket: told to ask the server, nothing is changed."""
    other = mef.conf.with_name("other.conf")
    other.write_text(mef.conf.read_text().replace("control = mef.sock", "control = other.sock"))
    p = keystead("ctl", "-c", other, "credential", "list")
    assert p.returncode == 4 and "store-locked" in p.stderr and "other.sock" in p.stderr


def test_a_server_stays_reachable_when_its_file_is_spoilt(mef):
    good = mef.conf.read_text()
    mef.conf.write_text(good.replace("store = mef.db", "stroe = mef.db"))
    try:
        assert keystead("check", "-c", mef.conf).returncode == 2
        assert mef("status").returncode == 0
        assert mef("credential", "list").returncode == 0
    finally:
        mef.conf.write_text(good)


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"nonsense\n", b"[]\n", b'{"noun":1}\n', b'{"noun":"credential","verb":"x"}\n',
                                  b'{"noun":"credential","verb":"list","args":[]}\n',
                                  b'{"noun":"credential","verb":"list","role":"cse","args":{}}\n',
                                  b'{"noun":"a","noun":"b","verb":"x","args":{}}\n'])
def test_wrong_lines_are_answered_with_a_reason(mef, line):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(mef.conf.parent / "mef.sock"))
        s.sendall(line)
        answer = s.makefile("rb").readline()
    if answer:  # else closed: also a refusal
        assert json.loads(answer)["ok"] is False and json.loads(answer)["code"]
    assert mef("status").returncode == 0


def test_a_line_without_end_is_bounded(mef):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(mef.conf.parent / "mef.sock"))
        try:
            s.sendall(b"x" * 200000)
            answer = s.recv(4096)
        except OSError:
            answer = b""
        assert b'"ok":true' not in answer
    assert mef("status").returncode == 0


def test_backup_lands_where_the_operator_stands(mef, tmp_path):
    p = subprocess.run([BIN, "ctl", "-c", str(mef.conf), "backup", "--to", "copy.db"], cwd=tmp_path,
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stderr
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    p = mef("backup", "--to", tmp_path / "copy.db")
    assert p.returncode == 1 and "name-conflict" in p.stderr


def test_stop(mef):
    assert mef("stop").returncode == 0
    assert mef.server.wait(30) == 0
    p = mef("credential", "list")
    assert p.returncode == 0 and NAME in p.stdout, "what was acknowledged is there, now without the server"
    p = mef("stop")
    assert p.returncode != 0 and "no server is running" in p.stderr
