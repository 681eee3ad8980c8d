"""A whole lab of real processes on loopback for the end-to-end and interop tests: init, serve, ctl, and the Enrolee's
side written a second time (derivations by hmac, TLS by tlspsk.py), so that nothing is proved by the code it tests."""
import base64
import contextlib
import dataclasses
import hashlib
import hmac
import json
import os
import pathlib
import re
import select
import signal
import socket
import ssl
import subprocess
import time
import unicodedata
import urllib.parse

import tlspsk

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.setdefault("KEYSTEAD_BIN", str(ROOT / "build/keystead"))
SP = "keystead.test"
CSE_ID = f"//{SP}/in"
MEF, MAF = f"mef.{SP}", f"maf.{SP}"
ROLES = ("mef", "maf", "cse")
BOOTSTRAP, CONNECTION = "EXPORTER-oneM2M-Bootstrap", "EXPORTER-oneM2M-Connection"
# TLS alerts (RFC 5246 7.2, RFC 4279 2)
DECRYPT_ERROR, HANDSHAKE_FAILURE, INTERNAL_ERROR, UNRECOGNIZED_NAME, UNKNOWN_PSK_IDENTITY = 51, 40, 80, 112, 115
PROTOCOL_VERSION = 70
PATIENCE = 60  # seconds for what should take one: the program under test is sanitized and the machine may be busy

# -- the key hierarchy, spec part 3, by hand -------------------------------------------------------------------


def nfkc(text):
    return unicodedata.normalize("NFKC", text).encode()


def _mac(key, *parts):
    return hmac.digest(key, b"".join(parts), "sha256")


def km(ke, maf_id):
    """spec 3.2, the seed's Km"""
    return _mac(ke, b"oneM2M Enrolment Key to Master Credential derivation", nfkc(maf_id))


def kpsa(ke, target_id):
    """spec 3.3"""
    return _mac(ke, b"oneM2M Enrolment Key to Provisioned Secure Connection Key derivation", nfkc(target_id))


def usage_key(ke, suid, target_fqdn):
    """spec 3.4, form b of the published text"""
    return _mac(ke, b"oneM2M Enrolment Key to Usage-Constrained Symmetric Key derivation", str(suid).encode(),
                nfkc(target_fqdn))


def key_id(relative, fqdn):
    """spec 3.5, 3.6"""
    return f"{relative.hex().upper()}@{fqdn}"


def target_fqdn(target):
    """spec 2.4, 2.5: an Absolute CSE-ID as its public domain name"""
    if not target.startswith("//"):
        return target
    sp, *rest = target[2:].split("/")
    return ".".join([*reversed([r.lower() for r in rest]), sp.lower()])


# -- HTTP ----------------------------------------------------------------------------------------------------


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def rsc(self):
        value = self.headers.get("x-m2m-rsc")
        return None if value is None else int(value)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def reason(self):
        """The reason code: the word before the colon in m2m:dbg."""
        try:
            return self.json["m2m:dbg"].split(":")[0]
        except (ValueError, KeyError, TypeError):
            return None

    def __repr__(self):
        return f"<{self.status} rsc={self.rsc} {self.body[:300]!r}>"


def read_response(conn, buf=b""):
    """One response; anything that is no HTTP/1.1 with a Content-Length fails the test."""
    while b"\r\n\r\n" not in buf:
        got = conn.recv()
        if not got:
            raise tlspsk.Closed(f"no whole response: {buf!r}")
        buf += got
    head, body = buf.split(b"\r\n\r\n", 1)
    lines = head.decode("ascii").split("\r\n")
    assert re.fullmatch(r"HTTP/1\.1 \d{3}( .*)?", lines[0]), lines[0]
    headers = {}
    for line in lines[1:]:
        name, value = line.split(":", 1)
        assert name.lower() not in headers, f"{name} twice"
        headers[name.lower()] = value.strip()
    n = int(headers["content-length"]) if "content-length" in headers else 0
    while len(body) < n:
        got = conn.recv()
        if not got:
            raise tlspsk.Closed("body cut short")
        body += got
    assert len(body) == n, f"more than one response: {body[n:]!r}"
    return Response(int(lines[0].split()[1]), headers, body)


METHODS = {"create": "POST", "retrieve": "GET", "update": "PUT", "delete": "DELETE", "notify": "POST"}
_rqi = iter(range(1, 10 ** 9))


def request_octets(op, path, content=None, ty=None, origin=None, headers=(), host="localhost"):
    body = b"" if content is None else content if isinstance(content, bytes) else json.dumps(content).encode()
    lines = [f"{METHODS.get(op, op)} {path} HTTP/1.1", f"Host: {host}", f"X-M2M-RI: r{next(_rqi)}", "X-M2M-RVI: 3"]
    if origin is not None:
        lines.append(f"X-M2M-Origin: {origin}")
    if body or content is not None:
        lines.append("Content-Type: application/json" + (f";ty={ty}" if ty is not None else ""))
        lines.append(f"Content-Length: {len(body)}")
    lines += headers
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def ask(conn, op, path, content=None, ty=None, origin=None, headers=()):
    conn.sendall(request_octets(op, path, content, ty, origin, headers))
    return read_response(conn)


# -- devices -------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Device:
    name: str
    profile: str = "r3"
    target: str = MAF
    enrolee_id: str = None
    psk: bytes = None
    lifetime: str = None
    ke_id: str = None
    ke: bytes = None
    km_id: str = None
    registration: str = None
    kc_id: str = None
    kc: bytes = None

    def __post_init__(self):
        self.psk = self.psk or hashlib.sha256(b"made-up key of " + self.name.encode()).digest()
        self.kpm_id = f"{self.name}@{MEF}"
        self.stem = f"S{self.name}"
        if self.enrolee_id is None:
            self.enrolee_id = f"//{SP}/{self.stem}"

    @property
    def km(self):
        if self.profile == "seed":
            return km(self.ke, self.target)
        return usage_key(self.ke, 21, self.target)

    @property
    def secrets(self):
        return [k for k in (self.psk, self.ke, self.kc, self.ke and self.km) if k]


# -- processes -----------------------------------------------------------------------------------------------

SANITIZER = re.compile(r"ERROR: (Address|Leak|Memory|Thread|UndefinedBehavior)Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")


def run(*args, timeout=PATIENCE, cwd=None, **more):
    p = subprocess.run([BIN, *map(str, args)], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=timeout, **more)
    assert not SANITIZER.search(p.stderr), p.stderr[-4000:]
    assert p.returncode in (0, 1, 2, 3, 4), (args, p.returncode, p.stderr[-4000:])
    return p


def pki(*args):
    p = run("pki", *args)
    assert p.returncode == 0, (args, p.stdout, p.stderr)
    return p.stdout


def children(pid):
    """Every process below pid, parents before children."""
    out = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        for t in tasks:
            for child in pathlib.Path(f"/proc/{pid}/task/{t}/children").read_text().split():
                out += [int(child), *children(int(child))]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return out


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(condition, seconds=PATIENCE, what="it"):
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)


class Server:
    def __init__(self, lab, role, wrap=(), env=None, more=()):
        self.lab, self.role = lab, role
        self.log_file = lab.where / f"{role}.stderr"
        ready, theirs = os.pipe()
        self.started = time.monotonic()
        with open(self.log_file, "ab") as log:
            self.log_start = log.tell()
            self.p = subprocess.Popen([*wrap, BIN, "serve", "-c", str(lab.conf(role)), "--ready-fd", str(theirs), *more],
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[theirs],
                                      start_new_session=True, env={**os.environ, **(env or {})})
        os.close(theirs)
        self.ready_fd = ready

    def wait_ready(self):
        """Something on the descriptor means ready; its end without a word means that serve gave up."""
        try:
            readable, _, _ = select.select([self.ready_fd], [], [], PATIENCE)
            assert readable, f"{self.role} not ready after {PATIENCE} s\n{self.log()[-4000:]}"
            word = os.read(self.ready_fd, 64)
        finally:
            os.close(self.ready_fd)
            self.ready_fd = None
        assert word, f"{self.role} did not start\n{self.log()[-4000:]}"
        return self

    def wait_end(self, seconds=PATIENCE):
        if self.ready_fd is not None:
            os.close(self.ready_fd)
            self.ready_fd = None
        return self.p.wait(seconds)

    def log(self):
        with open(self.log_file, "rb") as f:
            f.seek(self.log_start)
            return f.read().decode(errors="replace")

    @property
    def pids(self):
        return [self.p.pid, *children(self.p.pid)]

    def check_log(self):
        assert not SANITIZER.search(self.log()), self.log()[-8000:]

    def stop(self):
        """SIGTERM must be enough, the exit code must be 0, nothing may be left running."""
        pids = self.pids
        self.p.terminate()
        try:
            code = self.p.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.role} ignored SIGTERM\n{self.log()[-4000:]}") from None
        self.check_log()
        assert code == 0, f"{self.role} ended with {code}\n{self.log()[-4000:]}"
        wait_for(lambda: not any(map(is_alive, pids)), 10, f"the processes of {self.role} to end")

    def kill(self, pids=None):
        """SIGKILL to the whole tree, or to some of it."""
        for pid in pids or self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if pids is None:
            self.p.wait(PATIENCE)


class Lab:
    """`init` into a directory of its own; servers by name; everything ends with close()."""

    def __init__(self, where):
        self.where = pathlib.Path(where)
        self.servers = {}
        self.devices = []
        self.spoken = ""  # all that ctl and device printed, for the search for keys
        p = run("init", self.where, "--sp", SP, "--port-base", "0", "--json")
        assert p.returncode == 0, p.stderr
        self.init = json.loads(p.stdout)

    # -- configuration
    def conf(self, role):
        return self.where / f"{role}.conf"

    def set(self, role, section, key, value):
        """Sets one key; init writes every key that there is, those with a default as a comment."""
        text = self.conf(role).read_text()
        head = f"\n[{section}]\n"
        assert head in text, (role, section)
        before, after = text.split(head, 1)
        m = re.search(r"\n\[", after)
        body, rest = (after[:m.start()], after[m.start():]) if m else (after, "")
        body, n = re.subn(rf"^#?{re.escape(key)} =.*$", f"{key} = {value}", body, count=1, flags=re.M)
        if n == 0:
            body += f"{key} = {value}\n"
        self.conf(role).write_text(before + head + body + rest)

    def append(self, role, text):
        with open(self.conf(role), "a") as f:
            f.write(text)

    def address(self, role):
        if role in self._addresses:
            return self._addresses[role]
        host, port = self.init[f"{role}_address"].rsplit(":", 1)
        return host, int(port)

    _addresses = {}

    def plain(self, role):
        """Adds a plain HTTP listener on a free port; its address."""
        port = free_port()
        self.append(role, f"\n[listener plain]\nrole = {role}\naddress = 127.0.0.1:{port}\ntls = off\n")
        return "127.0.0.1", port

    # -- servers
    def start(self, *roles, wrap=(), env=None):
        started = [Server(self, r, wrap, env) for r in roles or ROLES]
        for s in started:
            self.servers[s.role] = s
        for s in started:
            s.wait_ready()
        return started[0] if len(started) == 1 else started

    def stop(self, *roles):
        for r in roles or list(self.servers):
            self.servers.pop(r).stop()

    def restart(self, *roles):
        for r in roles:
            self.stop(r)
            self.start(r)

    def close(self):
        faults = []
        for role in list(self.servers):
            server = self.servers.pop(role)
            try:
                if server.p.poll() is None:
                    server.stop()
                else:
                    server.check_log()
                    faults.append(f"{role} had ended with {server.p.returncode}\n{server.log()[-4000:]}")
            except AssertionError as e:
                faults.append(str(e))
        assert not faults, "\n".join(faults)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        else:
            for s in self.servers.values():
                s.kill()

    def logs(self):
        return "".join(f.read_text(errors="replace") for f in self.where.glob("*.stderr"))

    # -- operator
    def ctl(self, role, *args, timeout=PATIENCE):
        p = run("ctl", "-c", self.conf(role), *args, timeout=timeout)
        self.spoken += p.stdout + p.stderr
        return p

    def ctl_json(self, role, *args):
        p = self.ctl(role, *args, "--json")
        assert p.returncode == 0, (role, args, p.stdout, p.stderr)
        return json.loads(p.stdout)

    def listing(self, role, noun, member):
        """All pages of `ctl NOUN list`."""
        out, after = [], []
        while True:
            page = self.ctl_json(role, noun, "list", *after)
            out += page[member]
            if "next" not in page:
                return out
            after = ["--after", page["next"]]

    def enrolments(self):
        return self.listing("mef", "enrolment", "enrolments")

    def key_file(self, name, key):
        f = self.where / f"{name}.keyfile"
        f.unlink(missing_ok=True)
        with os.fdopen(os.open(f, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(key.hex() + "\n")
        return f

    def add(self, device, instructed=True, allowed=True):
        """Bootstrap credential and instruction at the MEF; leave to register keys at the MAF."""
        args = ["credential", "add", "--kind", "kpm", "--id", device.kpm_id,
                "--key-file", self.key_file(device.name, device.psk)]
        if instructed:
            args += ["--target", device.target, "--profile", device.profile]
            args += ["--enrolee-id", device.enrolee_id] if device.enrolee_id else []
        if device.lifetime:
            args += ["--lifetime", device.lifetime]
        self.ctl_json("mef", *args)
        if allowed and device.enrolee_id:
            self.ctl_json("maf", "client", "allow", "--role", "maf", "--client", device.enrolee_id, "--target", CSE_ID)
        self.devices.append(device)
        return device

    def device(self, name, **more):
        return self.add(Device(name, **more))

    def add_kpsa(self, name, key=None, enrolee_id=None, lifetime=None):
        """A Kpsa pre-provisioned at the CSE; (identity, key)."""
        ident = f"{name}@{SP}"
        key = key or hashlib.sha256(b"made-up kpsa " + name.encode()).digest()
        args = ["credential", "add", "--kind", "kpsa", "--id", ident, "--key-file", self.key_file(name, key)]
        args += ["--enrolee-id", enrolee_id] if enrolee_id else []
        args += ["--lifetime", lifetime] if lifetime else []
        self.ctl_json("cse", *args)
        return ident, key

    # -- the Enrolee's side, step by step
    def psk(self, role, identity, key, **more):
        return tlspsk.PskClient(self.address(role), identity, key, sni="localhost", **more)

    def enrol(self, device):
        with self.psk("mef", device.kpm_id, device.psk).connect() as c:
            out = c.export(BOOTSTRAP)
        device.ke_id, device.ke = key_id(out[:16], MEF), out[16:]
        return device

    def maf_register(self, device, identity=None, adfq=SP):
        """MAF Client Registration over KeId (or KmId); the response."""
        with self.psk("maf", identity or device.ke_id, device.km).connect() as c:
            r = ask(c, "create", "/-", {"m2m:macr": {"et": later(), "adfq": adfq}}, 60002, device.enrolee_id)
        if r.rsc == 2001:
            reg = r.json["m2m:macr"]
            device.registration = reg["ri"]
            device.km_id = reg.get("aski", device.ke_id)
        return r

    def key_register(self, device, identity=None, suid=32, targets=(CSE_ID,), conn=None):
        """MAF Key Registration; the response. kc and kc_id are what the Enrolee derives itself."""
        with contextlib.ExitStack() as scope:
            c = conn or scope.enter_context(self.psk("maf", identity or device.km_id, device.km).connect())
            r = ask(c, "create", f"/{device.registration}",
                    {"m2m:skr": {"et": later(), "adfq": SP, "suid": suid, "tgis": list(targets)}}, 60003, device.enrolee_id)
            if r.rsc == 2001:
                out = c.export(CONNECTION)
                device.kc_id, device.kc = key_id(out[:16], MAF), out[16:]
                assert r.json["m2m:skr"]["rn"].upper() == out[:16].hex().upper()
        return r

    def associate(self, device):
        assert self.maf_register(device).rsc == 2001
        assert self.key_register(device).rsc == 2001
        return device

    def cse(self, device):
        """A fresh association with the CSE by Kc."""
        return self.psk("cse", device.kc_id, device.kc).connect()

    def journey(self, name, **more):
        """An AE that went the whole way; the device."""
        d = self.associate(self.enrol(self.device(name, **more)))
        with self.cse(d) as c:
            r = register(c, d.stem)
            assert r.rsc == 2001, r
        return d

    # -- an authority that shows a certificate
    def fetch(self, ke_id, suid=21, who="maf", origin=None, to="mef", path=None):
        if path is None:
            path = f"/fetchCredentials/{ke_id}" + ("" if suid is None else f"/{suid}")
        with CertClient(self, to, who) as c:
            return ask(c, "retrieve", path, origin=origin or {"maf": MAF, "cse": CSE_ID}.get(who, who))


class CertClient:
    """Mutual TLS 1.2 by Python's own ssl module, with the certificate that init made for `who`."""

    def __init__(self, lab, to, who, server_name=None, ca=None):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.minimum_version = ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        ctx.load_verify_locations(ca or lab.where / "ca.crt")
        if who is not None:
            ctx.load_cert_chain(lab.where / f"{who}.crt", lab.where / f"{who}.key")
        raw = socket.create_connection(lab.address(to), timeout=PATIENCE)
        self.sock = ctx.wrap_socket(raw, server_hostname=server_name or {"mef": MEF, "maf": MAF, "cse": f"in.{SP}"}[to])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def sendall(self, data):
        self.sock.sendall(data)

    def recv(self):
        return self.sock.recv(65536)


def later(days=30):
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() + days * 86400))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# -- resources -----------------------------------------------------------------------------------------------


def register(conn, origin, api="Nmade-up", path="/-", **more):
    return ask(conn, "create", path, {"m2m:ae": {"api": api, "rr": True, "srv": ["3"], **more}}, 2, origin)


def create_container(conn, origin, path, name, **more):
    return ask(conn, "create", path, {"m2m:cnt": {"rn": name, **more}}, 3, origin)


def create_content(conn, origin, path, con, **more):
    return ask(conn, "create", path, {"m2m:cin": {"con": con, **more}}, 4, origin)


def keys_in(text, secrets):
    """Which of the secrets stands in the text or octets, as hex or base64 of any alignment or raw."""
    data = text if isinstance(text, bytes) else text.encode()
    low = data.lower()
    found = []
    for s in secrets:
        marks = [s.hex().encode(), base64.b64encode(s).rstrip(b"=")[:-1], base64.urlsafe_b64encode(s).rstrip(b"=")[:-1]]
        if marks[0] in low or any(m in data for m in marks[1:]) or s in data:
            found.append(s)
    return found


# -- openssl s_client ------------------------------------------------------------------------------------------


class SClient:
    """`openssl s_client`: only `read finished` under -state proves success; a failed handshake prints keying material too."""

    def __init__(self, address, identity, psk, label=None, send=b"", more=()):
        command = ["openssl", "s_client", "-connect", f"{address[0]}:{address[1]}", "-servername", "localhost", "-tls1_2",
                   "-psk_identity", identity, "-psk", psk.hex(), "-cipher", "PSK-AES128-CBC-SHA256", "-state", "-nocommands"]
        if label:
            command += ["-keymatexport", label, "-keymatexportlen", "48"]
        p = subprocess.Popen([*command, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out = b""
        end = time.monotonic() + PATIENCE
        wanted = b"HTTP/1.1 " if send else b"Verify return code"
        try:
            if send:
                p.stdin.write(send)
                p.stdin.flush()
            while time.monotonic() < end:
                readable, _, _ = select.select([p.stdout], [], [], 0.5)
                if readable:
                    got = os.read(p.stdout.fileno(), 65536)
                    if not got:
                        break
                    out += got
                if wanted in out and (not send or self._complete(out)):
                    break
                if p.poll() is not None and not readable:
                    break
            with contextlib.suppress(BrokenPipeError):
                p.stdin.close()
            rest, _ = p.communicate(timeout=10) if p.poll() is None else (p.stdout.read(), None)
            out += rest or b""
        except (subprocess.TimeoutExpired, ValueError):
            pass
        finally:
            if p.poll() is None:
                p.kill()
            p.wait()
        self.text = out.decode(errors="replace")
        self.finished = "read finished" in self.text
        m = re.search(r"Keying material: ([0-9A-Fa-f]{96})", self.text)
        self.exported = bytes.fromhex(m[1]) if m and self.finished else None
        m = re.search(r"SSL alert number (\d+)", self.text)
        self.alert = int(m[1]) if m else None

    @staticmethod
    def _complete(out):
        head = out[out.rindex(b"HTTP/1.1 "):]
        m = re.search(rb"content-length: *(\d+)", head, re.I)
        return b"\r\n\r\n" in head and len(head.split(b"\r\n\r\n", 1)[1]) >= (int(m[1]) if m else 0)


# -- stunnel -----------------------------------------------------------------------------------------------------


class Stunnel:
    """stunnel4 in the foreground: TLS-PSK for programs that have none. client(): plain port to TLS; server(): the reverse.
    The port is .port."""

    def __init__(self, where, client, secrets, connect, sni=None):
        self.port = free_port()
        self.secrets = pathlib.Path(where) / "psk.txt"
        self.write(secrets)
        self.log = pathlib.Path(where) / "stunnel.log"
        self.conf = pathlib.Path(where) / "stunnel.conf"
        host = connect if isinstance(connect, tuple) else ("127.0.0.1", connect)
        lines = ["foreground = yes", "pid =", f"output = {self.log}", "debug = 6", "[it]", f"client = {'yes' if client else 'no'}",
                 f"accept = 127.0.0.1:{self.port}", f"connect = {host[0]}:{host[1]}", f"PSKsecrets = {self.secrets}",
                 "ciphers = PSK-AES128-CBC-SHA256", "sslVersion = TLSv1.2"]
        if client:
            lines += [f"PSKidentity = {next(iter(secrets))}"] + ([f"sni = {sni}"] if sni else [])
        self.conf.write_text("\n".join(lines) + "\n")
        self.run()

    def run(self):
        self.p = subprocess.Popen(["stunnel4", str(self.conf)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)

    def write(self, secrets):
        self.secrets.touch(mode=0o600)
        self.secrets.chmod(0o600)
        self.secrets.write_text("".join(f"{name}:{key.hex()}\n" for name, key in secrets.items()))

    def change(self, secrets):
        """Other keys, the same port."""
        self.__exit__()
        self.write(secrets)
        self.run()
        self.__enter__()

    @classmethod
    def client(cls, where, identity, key, address, sni="localhost"):
        return cls(where, True, {identity: key}, address, sni)

    @classmethod
    def server(cls, where, secrets, port):
        return cls(where, False, secrets, port)

    def __enter__(self):
        def listening():
            assert self.p.poll() is None, self.log.read_text() if self.log.exists() else "stunnel4 ended"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return True
        wait_for(listening, 20, "stunnel4")
        return self

    def __exit__(self, *_):
        self.p.terminate()
        self.p.wait(10)
