"""What an operator woken at night meets: a control path that is somebody's file, another number of workers, a log that
nobody reads, a supervisor that was killed, commands that were mistyped."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

import keystead as ks


def status(lab, role="mef"):
    return lab.ctl_json(role, "status")


# -- files and sockets -------------------------------------------------------------------------------------------
def test_a_file_at_the_control_path_stays(new_lab):
    lab = new_lab
    precious = lab.where / "precious"
    precious.write_text("of somebody else")
    lab.set("mef", "server", "control", "precious")
    server = ks.Server(lab, "mef")
    assert server.wait_end() not in (0, None)
    assert "precious" in server.log()
    assert precious.read_text() == "of somebody else"


def test_a_killed_supervisor_leaves_nothing_behind(new_lab):
    lab = new_lab
    lab.set("mef", "server", "workers", "2")
    lab.start("mef")
    for _ in range(5):
        server = lab.servers.pop("mef")
        below = ks.children(server.p.pid)
        assert len(below) == 3
        os.kill(server.p.pid, signal.SIGKILL)
        lab.start("mef")  # at once: the port, the lock and the socket file of the one before are no hindrance
        server.p.wait()
        ks.wait_for(lambda pids=below: not any(map(ks.is_alive, pids)), 10, "the orphans to end")
        assert lab.ctl_json("mef", "audit", "verify")["intact"]


def test_standard_error_may_be_closed(new_lab):
    """The next file opened would have its number, and messages would go into it."""
    lab = new_lab
    lab.start("mef")
    lab.stop("mef")
    before = {f: (lab.where / f).read_bytes() for f in ("mef.db.lock", "mef.conf")}
    p = subprocess.run(["/bin/sh", "-c", f'"{ks.BIN}" ctl -c mef.conf credential show nobody@{ks.MEF} 2>&- 0<&-'], cwd=lab.where,
                       timeout=ks.PATIENCE)
    assert p.returncode == 1
    assert before == {f: (lab.where / f).read_bytes() for f in before}
    assert lab.ctl_json("mef", "audit", "verify")["intact"]


# -- reload --------------------------------------------------------------------------------------------------------
def test_a_reload_changes_the_number_of_workers(new_lab):
    lab = new_lab
    lab.set("mef", "server", "workers", "1")
    lab.start("mef")
    d = lab.device("made-up-worker")
    address = lab.address("mef")
    for n in (3, 1, 2):
        lab.set("mef", "server", "workers", str(n))
        p = lab.ctl("mef", "reload")
        assert p.returncode == 0, p.stderr
        ks.wait_for(lambda n=n: status(lab)["workers"] == n and len(status(lab)["processes"]) == (1 if n == 1 else n + 1))
        assert lab.address("mef") == address
        for _ in range(6):
            lab.enrol(d)


def test_listeners_on_any_port_keep_their_own(new_lab):
    """Two that both asked for port 0 are told apart when the configuration is read again."""
    lab = new_lab
    lab.append("mef", "\n[listener second]\nrole = mef\naddress = 127.0.0.1:0\ntls = off\n")
    lab.append("mef", "\n[listener third]\nrole = mef\naddress = 127.0.0.1:0\ntls = off\n")
    lab.start("mef")
    before = {li["name"]: li["address"] for li in status(lab)["listeners"]}
    assert len(set(before.values())) == 3
    generation = status(lab)["generation"]
    assert lab.ctl("mef", "reload").returncode == 0
    ks.wait_for(lambda: status(lab)["generation"] > generation)
    assert {li["name"]: li["address"] for li in status(lab)["listeners"]} == before


def test_many_reloads_at_once(new_lab):
    lab = new_lab
    lab.set("mef", "server", "workers", "4")
    lab.start("mef")
    for _ in range(20):
        lab.servers["mef"].p.send_signal(signal.SIGHUP)
        time.sleep(0.05)

    def settled():
        return len(status(lab)["processes"]) == 5

    ks.wait_for(settled, 30, "the generations before to end")
    lab.enrol(lab.device("made-up-reloads"))


def test_no_handshake_ends_under_the_configuration_before(new_lab):
    """The answer to a reload waits for the workers of the generation before, and for handshakes that they hold a second."""
    lab = new_lab
    lab.set("cse", "server", "workers", "2")
    lab.start()
    address = lab.address("cse")
    busy = [p["pid"] for p in status(lab, "cse")["processes"] if not p["writer"]]
    os.kill(busy[0], signal.SIGSTOP)  # it has not heard of the reload
    reload = subprocess.Popen([ks.BIN, "ctl", "reload", "-c", str(lab.conf("cse"))])
    try:
        time.sleep(0.7)
        assert reload.poll() is None
    finally:
        os.kill(busy[0], signal.SIGCONT)
    assert reload.wait(ks.PATIENCE) == 0
    with socket.create_connection(address, timeout=ks.PATIENCE) as half:  # one that does not go on
        half.sendall(b"\x16\x03\x01")
        time.sleep(0.3)
        began = time.monotonic()
        assert lab.ctl("cse", "reload").returncode == 0
        assert 0.5 < time.monotonic() - began < 3
        assert half.recv(1) == b""


def test_who_has_just_finished_its_handshake_may_ask(new_lab):
    lab = new_lab
    lab.set("cse", "server", "workers", "2")
    lab.start()
    d = lab.journey("made-up-fresh")
    with lab.cse(d) as c:
        assert lab.ctl("cse", "reload").returncode == 0
        r = ks.ask(c, "retrieve", f"/{d.stem}", origin=d.stem)
        assert r.rsc == 2000 and r.headers["connection"] == "close"


def test_commands_go_on_through_reloads_and_restarts(new_lab):
    lab = new_lab
    lab.start("mef")
    waiting = control(lab)  # has asked nothing yet
    assert lab.ctl("mef", "reload").returncode == 0
    with waiting, waiting.makefile() as answers:
        assert json.loads(answers.readline())["code"] == "server-leaving"
        assert answers.readline() == ""
    done, faults = threading.Event(), []

    def commands():
        n = 0
        while not done.is_set():
            n += 1
            for args in (("status",), ("credential", "add", "--kind", "kpm", "--id", f"made-up-{n}@{ks.MEF}", "--key-file", str(key))):
                p = lab.ctl("mef", *args)
                if p.returncode != 0:
                    faults.append(p.stderr)
    key = lab.key_file("made-up-reloaded", bytes(range(32)))
    thread = threading.Thread(target=commands)
    thread.start()
    try:
        for _ in range(8):
            assert lab.ctl("mef", "reload").returncode == 0
            time.sleep(0.05)
    finally:
        done.set()
        thread.join()
    assert faults == []


def test_an_address_that_was_taken_away_is_refused_at_once(new_lab):
    """A process of the generation before drains for seconds; its copies of the sockets must not queue connections."""
    lab = new_lab
    lab.set("mef", "server", "workers", "2")
    lab.start("mef")
    d = lab.device("made-up-address")
    kept = [lab.psk("mef", d.kpm_id, d.psk).connect() for _ in range(8)]
    for c in kept:
        c.sendall(b"GET / HT")  # requests that do not go on: they drain late
    old = lab.address("mef")
    port = ks.free_port()
    lab.set("mef", "listener main", "address", f"127.0.0.1:{port}")
    assert lab.ctl("mef", "reload").returncode == 0
    time.sleep(0.5)
    assert len(status(lab)["processes"]) > 3, "the generation before still drains"
    for _ in range(8):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(old, timeout=5)
    with lab.psk("mef", d.kpm_id, d.psk) as c:
        c.address = ("127.0.0.1", port)
        c.connect()
    for c in kept:
        c.close()


# -- the control socket ----------------------------------------------------------------------------------------------
def control(lab, role="mef"):
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(lab.where / f"{role}.sock"))  # waits while the queue is full
    s.settimeout(ks.PATIENCE)
    return s


def test_who_does_not_read_the_answers_makes_nothing_grow(new_lab):
    lab = new_lab
    lab.set("mef", "server", "workers", "1")
    lab.start("mef")
    lines = b'{"noun":"status","verb":""}\n' * 1000
    with control(lab) as s:
        s.settimeout(1)
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 200:
                s.sendall(lines)
                sent += 1
        assert sent < 200, "nobody has read an answer, and the server goes on to take requests"
        began = time.monotonic()
        assert lab.ctl("mef", "status").returncode == 0
        assert time.monotonic() - began < 5


def test_lines_sent_ahead_are_all_answered(new_lab):
    lab = new_lab
    lab.start("mef")
    n = 3000
    with control(lab) as s:
        feeder = threading.Thread(target=s.sendall, args=(b'{"noun":"audit","verb":"tail","args":{"limit":"1"}}\n' * n,))
        feeder.start()
        answers = s.makefile("rb")
        for _ in range(n):
            assert json.loads(answers.readline())["ok"] is True
        feeder.join()


def test_a_reload_whose_client_went_away(new_lab):
    """70 clients: more than the socket takes at a time, so one that stays counted would shut the others out."""
    lab = new_lab
    lab.start("mef")
    good = lab.conf("mef").read_text()
    lab.conf("mef").write_text(good + "\n[nonsense]\n")
    for _ in range(70):
        with control(lab) as s:
            s.sendall(b'{"noun":"reload","verb":""}\n')
    assert lab.ctl("mef", "status").returncode == 0
    lab.conf("mef").write_text(good)


# -- the log -----------------------------------------------------------------------------------------------------------
def test_a_log_that_nobody_reads_stops_nobody(new_lab):
    lab = new_lab
    lab.set("mef", "limits", "refusal-log-rate", "100000")
    lab.set("mef", "server", "workers", "1")
    reading, writing = os.pipe()
    ready, theirs = os.pipe()
    p = subprocess.Popen([ks.BIN, "serve", "-c", str(lab.conf("mef")), "--ready-fd", str(theirs)], pass_fds=[theirs],
                         stdin=subprocess.DEVNULL, stderr=writing)
    os.close(writing)
    os.close(theirs)
    try:
        assert os.read(ready, 1)
        for _ in range(600):  # a line of 250 octets each: twice what a pipe holds
            with socket.create_connection(lab.address("mef"), timeout=10) as s:
                s.sendall(b"made-up garbage, no TLS\r\n\r\n")
                s.recv(100)
        assert lab.ctl("mef", "status").returncode == 0
        os.set_blocking(reading, False)
        text = b""
        with contextlib.suppress(BlockingIOError):
            while True:
                text += os.read(reading, 65536)
        with socket.create_connection(lab.address("mef"), timeout=10) as s:
            s.sendall(b"made-up garbage, no TLS\r\n\r\n")
            s.recv(100)
        os.set_blocking(reading, True)
        assert b"event=log-lines-lost lines=" in os.read(reading, 65536)
    finally:
        p.terminate()
        os.close(ready)
        threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reading, 65536), b"")], daemon=True).start()
        assert p.wait(ks.PATIENCE) == 0


# -- mistakes ------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def quiet_lab(tmp_path_factory):
    """Nothing runs; ctl works on the store itself."""
    with ks.Lab(tmp_path_factory.mktemp("mistakes") / "l") as it:
        it.key = it.key_file("made-up", b"\x5a" * 32)
        it.open_key = it.where / "open.keyfile"
        it.open_key.write_text("5a" * 32 + "\n")
        it.open_key.chmod(0o644)
        yield it


ADD = ("credential", "add", "--kind", "kpm", "--id", f"made-up@{ks.MEF}", "--key-file")


@pytest.mark.parametrize("args, code, says", [
    ((*ADD, "{where}/nowhere"), 2, "No such file"),
    ((*ADD, "{where}"), 2, "no regular file"),
    ((*ADD, "{where}/open.keyfile"), 2, "chmod 600"),
    (("credential", "add", "--kind", "kpm", "--id", "made-up@elsewhere.test", "--key-file", "{key}"), 2, ks.MEF),
    (("credential", "add", "--kind", "kpx", "--id", f"made-up@{ks.MEF}", "--key-file", "{key}"), 2, "kpm"),
    (("credential", "add", "--kind", "kpm", "--key-file", "{key}"), 2, "--id is missing"),
    (("credential", "ad"), 2, "credential add"),
    (("credential", "show", f"nobody@{ks.MEF}"), 1, "nobody"),
    (("client", "allow", "--client", "x", "--target", "y"), 2, "--target"),
    (("status",), 3, "no server is running"),
    (("reload",), 3, "no server is running"),
    (("backup", "--to", "{where}/nowhere/copy.db"), 4, "No such file"),
])
def test_a_mistake_is_told_so_that_it_can_be_mended(quiet_lab, args, code, says):
    lab = quiet_lab
    args = [a.format(where=lab.where, key=lab.key) for a in args]
    p = lab.ctl("mef", *args)
    assert p.returncode == code and says in p.stderr and p.stderr.count("\n") == 1, p.stderr
    p = lab.ctl("mef", *args, "--json")
    said = json.loads(p.stdout)
    assert p.returncode == code == said["exit"] and says in said["detail"] + said["hint"], said
