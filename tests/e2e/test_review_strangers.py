"""What a stranger on the network can make a server hold, remember or do: nothing without a limit."""
import contextlib
import os
import socket
import threading
import time

import keystead as ks
import tlspsk


def counters(lab, role="mef"):
    return lab.ctl_json(role, "status")["counters"]


def is_open(sock):
    sock.settimeout(0.3)
    try:
        return sock.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


# -- connections -----------------------------------------------------------------------------------------------------
def test_new_connections_of_one_address_have_a_rate(new_lab):
    lab = new_lab
    lab.set("mef", "server", "workers", "1")
    lab.set("mef", "limits", "connections-rate-per-peer", "5")
    lab.start("mef")
    d = lab.device("made-up-rate")
    time.sleep(1.1)
    socks = [socket.create_connection(lab.address("mef"), timeout=10) for _ in range(30)]
    taken = sum(map(is_open, socks))
    assert 5 <= taken <= 10, f"{taken} of 30"
    after = counters(lab)
    assert after["connections_refused"] == 30 - taken == after["refusals"]["busy"]
    assert "code=busy" in lab.servers["mef"].log()
    other = lab.psk("mef", d.kpm_id, d.psk, source=("127.0.0.2", 0))
    with other.connect():  # another address has its own measure
        pass
    for s in socks:
        s.close()
    time.sleep(1.1)
    lab.enrol(d)  # and who waits is served again


def test_who_is_over_its_own_limit_takes_nobodys_place(new_lab):
    lab = new_lab
    lab.set("mef", "server", "workers", "1")
    lab.set("mef", "limits", "connections", "3")
    lab.set("mef", "limits", "connections-per-peer", "2")
    lab.set("mef", "limits", "handshake-time", "60s")
    lab.start("mef")
    honest = socket.create_connection(lab.address("mef"), timeout=10, source_address=("127.0.0.2", 0))
    time.sleep(0.2)
    greedy = [socket.create_connection(lab.address("mef"), timeout=10) for _ in range(2)]
    time.sleep(0.2)
    for _ in range(5):
        with socket.create_connection(lab.address("mef"), timeout=10) as s:
            assert not is_open(s)
    assert is_open(honest) and all(map(is_open, greedy))
    for s in (honest, *greedy):
        s.close()


def test_a_handshake_without_end(new_lab):
    """A ClientHello as long as the standard allows: refused with an alert long before it is whole."""
    lab = new_lab
    lab.start("mef")
    d = lab.device("made-up-long")
    body = b"\x01" + (130000).to_bytes(3, "big") + b"\x03\x03" + b"x" * 129998
    records = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part
                       for part in (body[i:i + 16000] for i in range(0, len(body), 16000)))
    with socket.create_connection(lab.address("mef"), timeout=10) as s:
        said = b""
        with contextlib.suppress(OSError):
            for i in range(0, len(records), 4000):
                s.sendall(records[i:i + 4000])
                time.sleep(0.005)
        with contextlib.suppress(OSError):
            while got := s.recv(4096):
                said += got
    assert said[:1] in (b"\x15", b""), said
    ks.wait_for(lambda: counters(lab)["refusals"].get("too-large") == 1, 5, "the reason to be counted")
    assert "code=too-large" in lab.servers["mef"].log()
    lab.enrol(d)


# -- questions -------------------------------------------------------------------------------------------------------
def test_who_asks_and_hangs_up_holds_a_place_all_the_same(new_lab):
    """Otherwise a stranger would have any number of questions under way at a MEF that is slow."""
    lab = new_lab
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        lab.set("maf", "server", "workers", "1")
        lab.set("maf", f"peer {ks.MEF}", "address", f"127.0.0.1:{silent.getsockname()[1]}")
        lab.set("maf", "limits", "waiting-per-peer", "6")
        lab.start("maf")
        for i in range(40):
            c = lab.psk("maf", ks.key_id(i.to_bytes(16, "big"), ks.MEF), os.urandom(32))
            c.open()
            c.send_hello()
            c.read_hello()
            c.send_key_exchange()
            time.sleep(0.01)
            c.sock.close()
        time.sleep(0.3)
        after = counters(lab, "maf")
        assert after["fetches"] <= 6 and after["refusals"]["busy"] >= 30, after


# -- turns -------------------------------------------------------------------------------------------------------------
def test_pipelines_without_end_delay_nobody(new_lab):
    lab = new_lab
    lab.set("cse", "server", "workers", "1")
    address = lab.plain("cse")
    lab.start("cse")
    rq = ks.request_octets("retrieve", "/made-up", origin="Cx")
    stop = threading.Event()

    def read(s):
        with contextlib.suppress(OSError):
            while not stop.is_set() and s.recv(1 << 20):
                pass

    def write(s):
        with contextlib.suppress(OSError):
            while not stop.is_set():
                s.sendall(rq * 2000)

    socks = [socket.create_connection(address, timeout=30) for _ in range(20)]
    threads = [threading.Thread(target=f, args=(s,), daemon=True) for s in socks for f in (read, write)]
    for t in threads:
        t.start()
    try:
        time.sleep(1)
        served = counters(lab, "cse")["requests"]
        took = []
        with socket.create_connection(address, timeout=30) as s:
            for _ in range(20):
                began = time.monotonic()
                s.sendall(rq)
                assert s.recv(65536)
                took.append(time.monotonic() - began)
        assert counters(lab, "cse")["requests"] - served > 200, "the pipelines were served meanwhile"
        # twenty shares of 32 requests, not twenty buffers of a thousand; wide for a sanitized program on a busy machine
        assert sorted(took)[10] < 0.08, took
    finally:
        stop.set()
        for s in socks:
            s.close()
        for t in threads:
            t.join(30)


class Plain:
    def __init__(self, address):
        self.sock = socket.create_connection(address, timeout=30)

    def sendall(self, data):
        self.sock.sendall(data)

    def recv(self):
        return self.sock.recv(1 << 20)


def test_strangers_with_an_audited_reason_do_not_flood_the_log(new_lab):
    """Without TLS nobody has proved who he is, whatever From says: nothing goes to the audit chain, and the log's rate
    counts here as well."""
    lab = new_lab
    lab.set("cse", "cse", "association", "optional")
    address = lab.plain("cse")
    lab.start("cse")
    c = Plain(address)
    mine, other = (ks.register(c, "C").json["m2m:ae"]["aei"] for _ in range(2))
    c.sendall(ks.request_octets("retrieve", f"/{other}", origin=mine) * 500)
    got = b""
    while got.count(b"HTTP/1.1 ") < 500:
        part = c.recv()
        assert part
        got += part
    c.sock.close()
    assert b"no-privilege" in got
    assert lab.servers["cse"].log().count("event=refused code=no-privilege") < 100
