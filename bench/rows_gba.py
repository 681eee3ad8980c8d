"""Rows of GBA: bootstrapping on Ub, keys over Zn."""
import base64

from common import SP, Server
from rows import CERT_SUITE, HTTP_IN_FLIGHT, NGINX_PLAIN, NGINX_TLS, PLAIN, free_port, start_nginx

SIMS = 10000
B_TIDS = 10000  # of each only so many questions a minute are events: more than a run asks of one
UA = bytes.fromhex("010001008c")  # of a NAF with TLS-PSK
BSF = f"bsf.{SP}"
RAMP = (8, 16, 32, 64, 128, 256)
PATH = "/nbsp-gba/v1/bootstrapping-info-retrieval"
# as an answer of Ub, a challenge and BootstrappingInfo, on average
UB_BODY = "x" * 220


class Bsf:
    """A BSF with subscribers of its own, on a plain listener for Ub and one with certificates for Zn."""

    def __init__(self, bench, name):
        self.bench, self.first = bench, 0
        self.folder = bench.init(name)
        self.conf = self.folder / "mef.conf"
        self.ub = free_port()
        text = self.conf.read_text().replace("roles = mef", "roles = mef, bsf")
        self.conf.write_text(text + f"[bsf]\nfqdn = {BSF}\nchallenges-per-minute = 255\n[listener ub]\nrole = bsf\naddress = "
                             f"127.0.0.1:{self.ub}\ntls = off\n[listener zn]\nrole = bsf\naddress = 127.0.0.1:{free_port()}\ncertificate = "
                             "mef.crt\nkey = mef.key\ntrust = ca.crt\n")
        self.server = Server(bench, self.conf)
        keys = [bytes(range(16)).hex(), bytes(range(16, 32)).hex()]  # made up
        self.names = [f"sim{i:06d}@{SP}" for i in range(SIMS)]
        for at in range(0, SIMS, 50):
            lines = "".join(f"{name},{keys[0]},{keys[1]}\n" for name in self.names[at:at + 50])
            self.server.control([{"noun": "subscriber", "verb": "import", "args": {"head": "impi,k,opc", "line": "1", "key": lines}}])
        self.lines = self.folder / "impis"
        self.lines.write_text("".join(name + "\n" for name in self.names))

    def run(self, in_flight, seconds, *more):
        done = self.bench.load([self.server], "ub", "--port", self.ub, "--in-flight", in_flight, "--first", self.first, "--seconds",
                               seconds, "--lines", self.lines, "--bsf", BSF, *more)
        self.first += done["done"]
        return done


class UbRun:
    name = "ub-run"
    what = ("BSF: both exchanges of Ub, Milenage, a number of its own for each challenge, reserved durably in blocks; Ks and audit event sealed and committed "
            "before the answers; ramp to the peak of the wall rate, then steady there")
    yardstick = "nginx, one worker, two requests for a constant body of 220 octets, kept connections, same load generator"

    class prepare(Bsf):
        def __init__(self, bench):
            super().__init__(bench, "ub")
            rates = {n: self.run(n, 1)["wall_rate"] for n in RAMP}
            self.in_flight = max(rates, key=rates.get)
            self.parts = {f"ramp_{n}_per_second": rate for n, rate in rates.items()}
            self.nginx_port = free_port()
            self.nginx = start_nginx(self.folder, NGINX_PLAIN.format(port=self.nginx_port, body=UB_BODY))

        def load(self):
            return self.run(self.in_flight, self.bench.seconds)

        def yardstick(self):
            return self.bench.load([self.nginx], "http", "--port", self.nginx_port, "--in-flight", self.in_flight, "--seconds",
                                   self.bench.seconds, "--path", "/")["per_cpu_second"] / 2


class ZnRequest:
    name = "zn-request"
    what = f"BSF: a NAF asks for the key behind a B-TID, of {B_TIDS}, over a kept mutual TLS connection; derived, audited and committed"
    yardstick = f"nginx, one worker, a constant body of the same size over kept TLS connections, {CERT_SUITE}, same load generator"

    class prepare(Bsf):
        in_flight = HTTP_IN_FLIGHT

        def __init__(self, bench):
            super().__init__(bench, "zn")
            self.b_tids = self.folder / "b-tids"
            self.run(64, 60, "--count", B_TIDS, "--b-tids", self.b_tids)
            naf = base64.b64encode(f"in.{SP}".encode() + UA).decode()
            self.body = f'{{"btId":"{{line}}","nafId":"{naf}"}}'
            self.nginx_port = free_port()
            self.nginx = start_nginx(self.folder, NGINX_TLS.format(suite=CERT_SUITE, port=self.nginx_port, dir=self.folder, body="x" * 230))

        def posts(self, server, port):
            return self.bench.load([server], "tls", "--keep", "--port", port, "--in-flight", self.in_flight, "--seconds",
                                   self.bench.seconds, "--sni", BSF, "--suite", CERT_SUITE, "--cert", self.folder / "cse.crt",
                                   "--key", self.folder / "cse.key", "--method", "POST", "--path", PATH, "--lines", self.b_tids, "--spread",
                                   "--header", "Content-Type: application/json", *PLAIN, "--body", self.body)

        def load(self):
            return self.posts(self.server, self.server.ports["zn"])

        def yardstick(self):
            return self.posts(self.nginx, self.nginx_port)["per_cpu_second"]


ROWS = [UbRun, ZnRequest]
