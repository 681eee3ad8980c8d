"""The rows of the table: how each is set up, loaded, and what it is compared with."""
import base64
import http.client
import json
import shutil
import socket
import subprocess
import time

from common import SP, Process, Server

KPM_IDS = 16000      # distinct credentials: so many that none has more than the 8 live Ke that the MEF keeps
KM_IDS = 1000
KEYS = 1000
KEYS_MANY = 1000000
KC_IN_FLIGHT = 64     # handshakes that wait for a key
CERT_IDS = 256       # devices with a certificate: all have their 8 live Ke soon, and each new one drops the oldest
CONTAINERS = 100
INSTANCES = 10000
RULES = 20            # of the policy of access-decision
CON = "21.5;ok;" * 8  # content of an instance: 64 octets
STEM = "Cbench"
ENROL_IN_FLIGHT = 256
CERT_DTLS_IN_FLIGHT = 64  # as for keys: each flight is several datagrams
DTLS_IN_FLIGHT = 64  # the load generator repeats no datagram: few enough that no socket's buffer is ever full
CERT_SUITE = "ECDHE-ECDSA-AES128-SHA256"
DTLS_SUITE = "PSK-AES128-CCM8"
CERT_DTLS_SUITE = "ECDHE-ECDSA-AES128-CCM8"
HTTP_IN_FLIGHT = 64
PLAIN = ("--header", "X-M2M-RI: {n}", "--header", "X-M2M-RVI: 3")


def made_up_key(i):
    return f"{i % 255 + 1:02x}" * 16


GATE_KEY = made_up_key(1)


class EnrolPskTls:
    name = "enrol-psk-tls"
    what = "MEF: connect, TLS-PSK handshake, Ke and its audit event sealed and committed, Finished, close"
    yardstick = "OpenSSL in memory, server side only, SSL_new to SSL_free, PSK-AES128-CBC-SHA256, no tickets"

    class prepare:
        in_flight = ENROL_IN_FLIGHT
        name = "enrol"
        listener = "main"
        more = ()

        def __init__(self, bench):
            self.bench, self.first = bench, 0
            self.folder = bench.init(self.name)
            self.server = Server(bench, self.folder / "mef.conf")
            self.ids = self.folder / "identities"
            self.add_credentials()

        def add_credentials(self):
            ids = [(f"dev{i:06d}@mef.{SP}", made_up_key(i)) for i in range(KPM_IDS)]
            self.server.control({"noun": "credential", "verb": "add", "args": {
                "kind": "kpm", "id": name, "key": key, "target": f"maf.{SP}"}} for name, key in ids)
            self.ids.write_text("".join(f"{name} {key}\n" for name, key in ids))

        def load(self):
            done = self.bench.load([self.server], "tls", "--port", self.server.ports[self.listener], "--in-flight", self.in_flight,
                                   "--first", self.first, "--seconds", self.bench.seconds, "--lines", self.ids, "--sni",
                                   f"mef.{SP}", *self.more)
            self.first += done["done"]
            return done

        def raw(self, *argv):
            done = self.bench.tool("raw-tls", "--seconds", self.bench.seconds, *argv)
            return done["done"] * 1e6 / done["cpu_us"]

        def yardstick(self):
            return self.raw()


class EnrolCertTls:
    name = "enrol-cert-tls"
    what = f"MEF: as enrol-psk-tls by certificate, {CERT_IDS} devices with AE-ID certificates, path, revocation list and names checked"
    yardstick = f"OpenSSL in memory, server side only, {CERT_SUITE}, certificates on both sides, OpenSSL's own path check"

    class prepare(EnrolPskTls.prepare):
        name = "enrol-cert"
        suite = CERT_SUITE
        more = ("--certificates", "--suite", CERT_SUITE)
        raw_more = ()

        def file(self, name):
            return self.folder / name

        def add_credentials(self):
            stems = [f"S{i:06d}" for i in range(CERT_IDS)]
            for stem in stems:
                subprocess.run([self.bench.program, "pki", "issue", "--flavour", "ae-id", "--id", f"//{SP}/{stem}", "--ca-cert",
                                self.file("ca.crt"), "--ca-key", self.file("ca.key"), "--cert", self.file(f"{stem}.crt"), "--key",
                                self.file(f"{stem}.key")], check=True, stdout=subprocess.DEVNULL)
            self.server.control({"noun": "credential", "verb": "add", "args": {
                "kind": "cert", "id": f"//{SP}/{stem}", "flavour": "ae-id", "target": f"maf.{SP}"}} for stem in stems)
            self.ids.write_text("".join(f"{self.file(stem)}.crt {self.file(stem)}.key\n" for stem in stems))

        def yardstick(self):
            cert, key = self.ids.read_text().splitlines()[0].split(" ")
            return self.raw(*self.raw_more, "--suite", self.suite, "--server-cert", self.file("mef.crt"), "--server-key", self.file("mef.key"),
                            "--client-cert", cert, "--client-key", key, "--trust", self.file("ca.crt"))


class EnrolPskDtls:
    name = "enrol-psk-dtls"
    what = "MEF: as enrol-psk-tls over DTLS 1.2 and UDP, cookie exchange included"
    yardstick = f"OpenSSL in memory, server side only, DTLS 1.2, {DTLS_SUITE}, exchange of a constant cookie"

    class prepare(EnrolPskTls.prepare):
        name = "enrol-dtls"
        in_flight = DTLS_IN_FLIGHT
        listener = "coaps"  # as init writes it
        more = ("--datagram", "--suite", f"{DTLS_SUITE}:@SECLEVEL=0")

        def yardstick(self):
            return self.raw("--datagram", "--suite", f"{DTLS_SUITE}:@SECLEVEL=0")


class EnrolCertDtls:
    name = "enrol-cert-dtls"
    what = "MEF: as enrol-cert-tls over DTLS 1.2 and UDP, cookie exchange included"
    yardstick = f"OpenSSL in memory, server side only, DTLS 1.2, {CERT_DTLS_SUITE}, certificates as for enrol-cert-tls, exchange of a constant cookie"

    class prepare(EnrolCertTls.prepare):
        name = "enrol-cert-dtls"
        in_flight = CERT_DTLS_IN_FLIGHT
        listener = EnrolPskDtls.prepare.listener
        suite = f"{CERT_DTLS_SUITE}:@SECLEVEL=0"
        more = ("--datagram", "--certificates", "--suite", suite)
        raw_more = ("--datagram",)


class Maf:
    """A MAF with clients that are registered there; each may register keys for the CSE."""
    km_ids = KM_IDS

    def __init__(self, bench, name):
        self.bench, self.first = bench, 0
        self.folder = bench.init(name)
        self.server = Server(bench, self.folder / "maf.conf")
        ids = [(f"km{i:06d}@maf.{SP}", made_up_key(i) + made_up_key(i + 1)) for i in range(self.km_ids)]
        self.server.control({"noun": "credential", "verb": "add", "args": {
            "kind": "km", "id": name, "key": key}} for name, key in ids)
        self.server.control({"noun": "client", "verb": "allow", "args": {
            "client": name, "target": f"//{SP}/in"}} for name, _ in ids)
        names = self.folder / "names"
        names.write_text("".join(f"{name} {key}\n" for name, key in ids))
        self.ids = self.folder / "identities"
        self.register(ids, names, self.folder / "registrations")

    def register(self, ids, names, answers):
        """Each client registers once; its registration is where its keys go."""
        body = '{"m2m:macr":{"et":"20990101T000000","adfq":"admin.bench.test"}}'
        self.bench.tool("tls", "--port", self.server.port, "--in-flight", 1, "--count", len(ids), "--seconds", 60, "--lines",
                        names, "--sni", f"maf.{SP}", "--method", "POST", "--path", "/-", "--header",
                        "Content-Type: application/json;ty=60002", *PLAIN, "--body", body, "--status", 201,
                        "--locations", answers)
        places = answers.read_text().split()
        self.ids.write_text("".join(f"{n} {k} {p}\n" for (n, k), p in zip(ids, places)))

    def key_request(self, more=""):
        body = f'{{"m2m:skr":{{"et":"20990101T000000","adfq":"admin.bench.test","suid":32,"tgis":["//{SP}/in"]{more}}}}}'
        return ("tls", "--port", self.server.port, "--lines", self.ids, "--sni", f"maf.{SP}", "--method", "POST", "--path", "{line}",
                "--header", "Content-Type: application/json;ty=60003", *PLAIN, "--body", body, "--status", 201)


class MafAssociation:
    name = "maf-association"
    what = ("an association by MAF: TLS-PSK handshake with the MAF, Kc by export registered and committed; Kc retrieved by the CSE "
            "on a kept connection, the MAF's part; TLS-PSK handshake with the CSE by Kc, committed")
    yardstick = "two raw handshakes as for enrol-psk-tls"

    class prepare(Maf):
        in_flight = ENROL_IN_FLIGHT
        raw = EnrolPskTls.prepare.raw

        def __init__(self, bench):
            super().__init__(bench, "association")
            self.cse = Server(bench, self.folder / "cse.conf")
            self.keys = self.folder / "keys"

        def part(self, *argv):
            """Microseconds of an operation at the MAF and at the CSE, and the load itself."""
            before = self.server.cpu(), self.cse.cpu()
            done = self.bench.tool(*argv)
            time.sleep(0.2)  # what the last operations leave to do
            each = 1e6 / done["done"]
            return (self.server.cpu() - before[0]) * each, (self.cse.cpu() - before[1]) * each, done

        def load(self):
            """Keys are registered; used at a CSE that has to ask for them; and used again, now that it has them."""
            maf, _, done = self.part(*self.key_request(), "--in-flight", self.in_flight, "--first", self.first, "--seconds",
                                     self.bench.seconds, "--keys", self.keys)
            self.first += done["done"]
            shake = ("tls", "--port", self.cse.port, "--in-flight", KC_IN_FLIGHT, "--count", done["done"], "--seconds", 60, "--lines",
                     self.keys, "--sni", f"in.{SP}")
            retrieval, asking, used = self.part(*shake)
            _, cse, _ = self.part(*shake)
            self.parts = {"maf_registration_us": maf, "maf_retrieval_us": retrieval, "cse_handshake_us": cse,
                          "cse_handshake_and_asking_us": asking}
            return {**used, "per_cpu_second": 1e6 / (maf + retrieval + cse),
                    "wall_rate": done["done"] * 1e6 / (done["wall_us"] + used["wall_us"])}

        def yardstick(self):
            return self.raw() / 2


NGINX_TLS = """
    ssl_protocols TLSv1.2;
    ssl_ciphers {suite};
    ssl_session_tickets off;
    server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {dir}/maf.crt; ssl_certificate_key {dir}/maf.key; location / {{ return 200 '{body}'; }} }}
"""


class KeyRetrieval:
    name = "key-retrieval"
    what = f"MAF: the CSE retrieves a key, of {KEYS} that are registered in scattered order; sealed, checked, audited and committed; kept TLS connections"
    yardstick = f"nginx, one worker, a constant body of the same size over kept TLS connections, {CERT_SUITE}, same load generator"

    class prepare(Maf):
        in_flight = HTTP_IN_FLIGHT
        km_ids = 1
        keys = KEYS

        def __init__(self, bench, name="retrieval"):
            super().__init__(bench, name)
            self.paths = self.folder / "paths"
            made_up = base64.b64encode(b"K" * 32).decode()
            self.bench.tool(*self.key_request(f',"kv":"{made_up}"'), "--keep", "--in-flight", HTTP_IN_FLIGHT, "--count", self.keys,
                            "--seconds", 600, "--locations", self.paths)
            self.nginx = None

        def gets(self, server, port):
            return self.bench.load([server], "tls", "--keep", "--port", port, "--in-flight", self.in_flight, "--seconds",
                                   self.bench.seconds, "--sni", f"maf.{SP}", "--suite", CERT_SUITE, "--cert", self.folder / "cse.crt",
                                   "--key", self.folder / "cse.key", "--path", "{line}", "--lines", self.paths, "--spread", "--header",
                                   f"X-M2M-Origin: //{SP}/in", *PLAIN)

        def load(self):
            return self.gets(self.server, self.server.port)

        def body(self):
            """As long as the answers: a key retrieved once."""
            curl = subprocess.run(["curl", "-sS", "--cacert", self.folder / "ca.crt", "--cert", self.folder / "cse.crt", "--key",
                                   self.folder / "cse.key", "--resolve", f"maf.{SP}:{self.server.port}:127.0.0.1", "-H",
                                   f"X-M2M-Origin: //{SP}/in", "-H", "X-M2M-RI: 1", "-H", "X-M2M-RVI: 3",
                                   f"https://maf.{SP}:{self.server.port}{self.paths.read_text().split()[0]}"],
                                  capture_output=True, text=True, check=True).stdout
            if "m2m:skr" not in curl:
                raise RuntimeError(f"key retrieval: {curl}")
            return curl

        def yardstick(self):
            if self.nginx is None:
                self.nginx_port = free_port()
                server = NGINX_TLS.format(suite=CERT_SUITE, port=self.nginx_port, dir=self.folder, body=self.body())
                self.nginx = start_nginx(self.folder, server)
            return self.gets(self.nginx, self.nginx_port)["per_cpu_second"]


class KeyRetrievalMillion:
    name = "key-retrieval-million"
    what = f"as key-retrieval, of {KEYS_MANY} keys; lookup_us: the bare read of a record of each store, without a server"
    yardstick = f"key-retrieval of {KEYS} keys: a ratio of 0.77 is 1.3 times the CPU"

    class prepare(KeyRetrieval.prepare):
        keys = KEYS_MANY

        def __init__(self, bench):
            self.few = KeyRetrieval.prepare(bench, "retrieval-few")
            super().__init__(bench, "retrieval-many")

        def yardstick(self):
            self.parts = {"lookup_us": self.lookup(self), "lookup_us_few": self.lookup(self.few)}
            return self.few.load()["per_cpu_second"]

        def lookup(self, maf):
            done = self.bench.tool("lookup", "--store", maf.folder / "maf.db", "--lines", maf.paths, "--seconds", 2)
            return done["cpu_us"] / done["done"]


class Registrar:
    """An IN-CSE on a plain listener with one AE, one policy and containers under it."""

    def __init__(self, bench, name, tls=False):
        self.bench, self.first = bench, 0
        self.folder = bench.init(name)
        self.conf = self.folder / "cse.conf"
        text = self.conf.read_text()
        if tls:  # a plain listener beside the first one
            text += f"\n[listener plain]\nrole = cse\naddress = 127.0.0.1:{free_port()}\ntls = off\n"
        for commented, wanted in (("#association = required", "association = optional"), ("#tls = on", "#tls = on" if tls else "tls = off")):
            if commented not in text:
                raise RuntimeError(f"{self.conf} has no line '{commented}' any more")
            text = text.replace(commented, wanted, 1)  # of the first listener; the one for DTLS stays
        self.conf.write_text(text)
        self.server = Server(bench, self.conf)
        self.server.open = self.server.ports["plain" if tls else "main"]

    def create(self, path, ty, body, count=1, lines=None, where=None, stem=STEM):
        return self.bench.tool(*self.creates(path, ty, body, lines, stem), "--port", self.server.open, "--count", count, "--seconds", 120,
                               "--in-flight", min(count, HTTP_IN_FLIGHT), *(("--locations", where) if where else ()))

    @staticmethod
    def creates(path, ty, body, lines=None, stem=STEM):
        return ("http", *Registrar.request(path, ty, body, lines, stem))

    @staticmethod
    def request(path, ty, body, lines=None, stem=STEM):
        origin = ("--header", f"X-M2M-Origin: {stem}") if stem else ()
        return ("--method", "POST", "--path", path, "--header", f"Content-Type: application/json;ty={ty}", *origin, *PLAIN,
                "--body", body, "--status", "201", *(("--lines", lines) if lines else ()))

    def furnish(self):
        self.create("/cse-in", 2, '{"m2m:ae":{"rn":"bench","api":"Nbench","rr":false,"srv":["3"]}}')
        rule = f'{{"acr":[{{"acor":["{STEM}"],"acop":63}}]}}'
        self.create("/cse-in/bench", 1, f'{{"m2m:acp":{{"rn":"acp","pv":{rule},"pvs":{rule}}}}}')
        self.create("/cse-in/bench", 3, '{"m2m:cnt":{"rn":"c{n}","acpi":["cse-in/bench/acp"]}}', CONTAINERS)
        self.containers = self.folder / "containers"
        self.containers.write_text("".join(f"/cse-in/bench/c{i:08d}\n" for i in range(CONTAINERS)))

    def copy_store(self):
        """What the yardstick starts from: the store as it is now."""
        self.server.stop()
        copy = self.folder / "yardstick.db"
        for part in ("", "-wal"):
            if (self.folder / f"cse.db{part}").exists():
                shutil.copy(self.folder / f"cse.db{part}", f"{copy}{part}")
        self.server = Server(self.bench, self.conf)
        return copy


class Creates(Registrar):
    """Load and yardstick of one kind of create."""
    in_flight = HTTP_IN_FLIGHT

    def __init__(self, bench):
        super().__init__(bench, self.name)
        self.furnish()
        self.copy = self.copy_store()

    def load(self):
        done = self.bench.load([self.server], "http", *self.asks(), "--port", self.server.port, "--in-flight", self.in_flight,
                               "--first", self.first, "--seconds", self.bench.seconds)
        self.first += done["done"]
        return done

    def yardstick(self):
        bare = self.bench.tool("bare-store", "-c", self.conf, "--store", self.copy, *self.asks(), "--seconds", self.bench.seconds)
        return bare["done"] * 1e6 / bare["cpu_us"]


class AeCreate:
    name = "ae-create"
    what = "IN-CSE: AE registration, committed with its audit event; plain HTTP, kept connections"
    yardstick = "the same records of each create straight into SQLite, 64 to a transaction, one process"

    class prepare(Creates):
        name = "ae"

        def asks(self):
            return self.request("/cse-in", 2, '{"m2m:ae":{"api":"Nbench","rr":false,"srv":["3"]}}', stem=None)


class CinCreate:
    name = "cin-create"
    what = f"IN-CSE: contentInstance of {len(CON)} octets into one of {CONTAINERS} containers, committed; plain HTTP, kept connections"
    yardstick = AeCreate.yardstick

    class prepare(Creates):
        name = "cin"

        def asks(self):
            return self.request("{line}", 4, '{"m2m:cin":{"con":"%s"}}' % CON, self.containers)


NGINX = """worker_processes 1;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
    keepalive_requests 1000000000;
    keepalive_timeout 300;
    default_type application/json;
    {server}
}}
"""
NGINX_PLAIN = "server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{body}'; }} }}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_nginx(folder, server):
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(dir=folder, server=server))
    process = Process(["/usr/sbin/nginx", "-c", conf], subprocess.DEVNULL)
    time.sleep(1)
    return process


class CinRetrieve:
    name = "cin-retrieve"
    what = f"IN-CSE: RETRIEVE spread over {INSTANCES} contentInstances in {CONTAINERS} containers under one policy; plain HTTP, kept connections"
    yardstick = "nginx-light, one worker, a constant body of the same size, same load generator"

    class prepare(Registrar):
        in_flight = HTTP_IN_FLIGHT

        def __init__(self, bench):
            super().__init__(bench, "retrieve")
            self.furnish()
            made = self.folder / "made"
            self.create("{line}", 4, '{"m2m:cin":{"con":"%s"}}' % CON, INSTANCES, self.containers, made)
            self.targets = self.folder / "targets"
            self.targets.write_text("".join(f"/~{place}\n" for place in made.read_text().split()))
            self.nginx_port = free_port()
            body = self.body_of(self.targets.read_text().split()[0])
            self.nginx = start_nginx(self.folder, NGINX_PLAIN.format(port=self.nginx_port, body=body))

        def body_of(self, path):
            c = http.client.HTTPConnection("127.0.0.1", self.server.port)
            c.request("GET", path, headers={"X-M2M-Origin": STEM, "X-M2M-RI": "1", "X-M2M-RVI": "3"})
            answer = c.getresponse()
            body = answer.read().decode()
            if answer.status != 200:
                raise RuntimeError(f"retrieve: {answer.status} {body}")
            return body

        def gets(self, server, port):
            return self.bench.load([server], "http", "--port", port, "--in-flight", self.in_flight, "--seconds", self.bench.seconds,
                                   "--path", "{line}", "--lines", self.targets, "--spread", "--header", f"X-M2M-Origin: {STEM}", *PLAIN)

        def load(self):
            return self.gets(self.server, self.server.port)

        def yardstick(self):
            return self.gets(self.nginx, self.nginx_port)["per_cpu_second"]


class CinRetrieveTls:
    name = "cin-retrieve-tls"
    what = "what TLS adds to cin-retrieve: CPU of a RETRIEVE over kept TLS-PSK connections without that of one over plain connections, of one server"
    yardstick = "raw SSL_read and SSL_write in memory of a request and an answer of the same sizes, same suite"

    class prepare(Registrar):
        in_flight = HTTP_IN_FLIGHT

        def __init__(self, bench):
            super().__init__(bench, "retrieve-tls", tls=True)
            self.furnish()
            made = self.folder / "made"
            self.create("{line}", 4, '{"m2m:cin":{"con":"%s"}}' % CON, INSTANCES, self.containers, made)
            paths = [f"/~{place}" for place in made.read_text().split()]
            self.targets = self.folder / "targets"
            self.targets.write_text("".join(f"{p}\n" for p in paths))
            who = f"bench@{SP}"
            self.server.control([{"noun": "credential", "verb": "add", "args": {
                "kind": "kpsa", "id": who, "key": GATE_KEY, "enrolee-id": f"//{SP}/in/{STEM}"}}])
            self.secured = self.folder / "secured"
            self.secured.write_text("".join(f"{who} {GATE_KEY} {p}\n" for p in paths))
            c = http.client.HTTPConnection("127.0.0.1", self.server.ports["plain"])
            c.request("GET", paths[0], headers={"X-M2M-Origin": STEM, "X-M2M-RI": "1", "X-M2M-RVI": "3"})
            answer = c.getresponse()
            body = len(answer.read())
            self.sizes = (len(paths[0]) + 100, body + sum(len(k) + len(v) + 4 for k, v in answer.getheaders()) + 19)

        def gets(self, kind, port, lines, *more):
            return self.bench.load([self.server], kind, "--port", port, "--in-flight", self.in_flight, "--seconds", self.bench.seconds,
                                   "--path", "{line}", "--lines", lines, "--spread", "--header", f"X-M2M-Origin: {STEM}", *PLAIN, *more)

        def load(self):
            tls = self.gets("tls", self.server.ports["main"], self.secured, "--keep", "--sni", f"in.{SP}")
            plain = self.gets("http", self.server.ports["plain"], self.targets)
            added = 1 / tls["per_cpu_second"] - 1 / plain["per_cpu_second"]
            self.parts = {"tls_us": 1e6 / tls["per_cpu_second"], "plain_us": 1e6 / plain["per_cpu_second"], "added_us": added * 1e6,
                          "request_octets": self.sizes[0], "answer_octets": self.sizes[1]}
            return {**tls, "per_cpu_second": 1 / added}

        def yardstick(self):
            done = self.bench.tool("raw-tls", "--seconds", self.bench.seconds, "--in", self.sizes[0], "--out", self.sizes[1])
            return done["done"] * 1e6 / done["cpu_us"]


NGINX_CSE = ("server {{ listen 127.0.0.1:{port}; location / {{ add_header X-M2M-RSC 2000; add_header X-M2M-RI $http_x_m2m_ri; return 200 '{body}'; }} }}")


class Gate:
    name = "gate"
    what = "gate in front of nginx-light: RETRIEVE over kept TLS-PSK connections, From compared with the association, sent on over HTTP; the gate's CPU alone"
    yardstick = "nginx-light itself, asked directly over plain HTTP, same answers, same load generator"

    class prepare:
        in_flight = HTTP_IN_FLIGHT

        def __init__(self, bench):
            self.bench = bench
            self.folder = bench.init("gate", "--role", "gate")
            self.nginx_port = free_port()
            body = '{"m2m:cin":{"rn":"x","ty":4,"con":"%s"}}' % CON
            self.nginx = start_nginx(self.folder, NGINX_CSE.format(port=self.nginx_port, body=body))
            conf = self.folder / "gate.conf"
            conf.write_text(conf.read_text().replace("127.0.0.1:8080", f"127.0.0.1:{self.nginx_port}"))
            self.server = Server(bench, conf)
            who = f"bench@{SP}"
            self.server.control([{"noun": "credential", "verb": "add", "args": {
                "kind": "kpsa", "id": who, "key": GATE_KEY, "enrolee-id": f"//{SP}/in/{STEM}"}}])
            self.targets = self.folder / "targets"
            self.targets.write_text(f"{who} {GATE_KEY} /cse-in/bench/x\n")
            self.paths = self.folder / "paths"
            self.paths.write_text("/cse-in/bench/x\n")

        def load(self):
            return self.bench.load([self.server], "tls", "--keep", "--port", self.server.port, "--in-flight", self.in_flight, "--seconds",
                                   self.bench.seconds, "--sni", f"in.{SP}", "--path", "{line}", "--lines", self.targets,
                                   "--header", f"X-M2M-Origin: {STEM}", *PLAIN)

        def yardstick(self):
            return self.bench.load([self.nginx], "http", "--port", self.nginx_port, "--in-flight", self.in_flight, "--seconds",
                                   self.bench.seconds, "--path", "{line}", "--lines", self.paths, "--header", f"X-M2M-Origin: {STEM}",
                                   *PLAIN)["per_cpu_second"]


class AccessDecision:
    name = "access-decision"
    what = f"the decision alone: {RULES} rules of 4 originators, the last one permits, with a time window and a network"
    yardstick = None

    class prepare:
        in_flight = 1

        def __init__(self, bench):
            self.bench = bench
            others = [{"acor": [f"//{SP}/in/C{r}{i}" for i in range(4)], "acop": 63} for r in range(RULES - 1)]
            last = {"acor": [f"//{SP}/in/Cx{i}" for i in range(3)] + [f"//{SP}/in/C*"], "acop": 2,
                    "acco": [{"actw": ["* * * * * * *"], "acip": {"ipv4": ["127.0.0.0/8"]}}]}
            self.pv = json.dumps({"acr": [*others, last]})

        def load(self):
            done = self.bench.tool("access", "--pv", self.pv, "--from", f"//{SP}/in/Cbench", "--seconds", self.bench.seconds)
            rate = done["done"] * 1e6 / done["cpu_us"]
            return {"per_cpu_second": rate, "wall_rate": rate, "p50_us": None, "p99_us": None}

        def yardstick(self):
            return None


ROWS = [EnrolPskTls, EnrolCertTls, EnrolPskDtls, EnrolCertDtls, MafAssociation, KeyRetrieval, KeyRetrievalMillion, AeCreate, CinCreate, CinRetrieve, CinRetrieveTls, Gate, AccessDecision]
