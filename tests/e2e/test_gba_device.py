"""A device of ours with a SIM: from the card through Ub to MAF and CSE, over TLS and DTLS, with each kind of card; what is refused leaves nothing
behind. Beside it a BSF that lies, and one behind a real HTTPS server."""
import base64
import http.server
import json
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

import keystead as ks
from test_device import Cli
from test_provisioning_package import Factory
from test_zn import BSF, K, OPC, Bsf, impi

IN = f"in.{ks.SP}"


class Sims(Bsf):
    def card(self, n, stem, gba="me", guss=f"{IN}=both,{ks.MAF}=both", *more, **change):
        """A subscriber at the BSF, and the SIM in software that goes with it."""
        key = self.lab.where / "made-up.key"
        key.write_text((K + OPC).hex() + "\n")
        key.chmod(0o600)
        self.lab.ctl_json("mef", "subscriber", "add", "--impi", impi(n), "--kind", "milenage", "--key-file", key, "--enrolee-id",
                          f"//{ks.SP}/{stem}", "--naf", guss, "--uss", "7;type=2,9;group=m2m", *(() if gba == "me" else ("--card", "u")), *more)
        return self.sim(n, gba=gba, **change)

    def sim(self, n, **change):
        lines = {"impi": impi(n), "kind": "milenage", "k": K.hex(), "opc": OPC.hex(), **change}
        file = self.lab.where / f"sim{n}"
        file.write_text("# keystead software SIM\n" + "".join(f"{a} = {b}\n" for a, b in lines.items() if b is not None))
        file.chmod(0o600)
        return file

    def cli(self, n):
        return Cli(self.lab, self.lab.where / f"device{n}")

    def enrol_args(self, sim, target=ks.CSE_ID, **change):
        args = {"--mef": f"127.0.0.1:{self.ub}", "--mef-id": BSF, "--sim": sim, "--target": target, **change}
        return ["--gba", *(x for k, v in args.items() if v is not None for x in (k, v))]

    def audited(self, event, who):
        return [e for e in self.lab.ctl_json("mef", "audit", "tail", "--limit", "200")["events"] if e["event"] == event and who in str(e)]


@pytest.fixture(scope="module")
def bsf(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "g") as lab:
        it = Sims(lab)
        lab.append("mef", "")
        text = lab.conf("mef").read_text().replace(f"fqdn = {BSF}\n", f"fqdn = {BSF}\nchallenges-per-minute = 100\n", 1)
        lab.conf("mef").write_text(text)
        it.ua = ks.free_port()
        lab.append("cse", f"\n[listener ua]\nrole = cse\naddress = 127.0.0.1:{it.ua}\ncertificate = cse.crt\nkey = cse.key\n"
                          f"clients = digest\naliases = {IN}\n")
        lab.start("mef", "maf", "cse")
        yield it


def cse_args(cli, **change):
    return cli.associate_args(**{"--cse-id": None, **change})


def test_from_the_card_to_the_cse(bsf):
    """R001-111, R001-112, R001-113, R001-118, R001-119, R000-46, R000-73, R000-74, R000-41, R000-79, R000-81, R001-09, R002-61"""
    cli, sim = bsf.cli(1), bsf.card(1, "Sone")
    got = cli.ok("enrol", *bsf.enrol_args(sim))
    assert got["bootstrapping"] == "done" and got["naf_key"] == "me" and got["impi"] == impi(1) and got["ke_id"].endswith("@" + BSF)
    assert oct(sim.stat().st_mode & 0o777) == "0o600" and "sqn = " in sim.read_text()
    made = cli.ok("associate", *cse_args(cli))
    assert made["framework"] == "gba" and made["key_id"] == got["ke_id"]
    assert cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"] == "Sone"
    cli.ok("request", "create", "/Sone", "--type", "3", "--content", '{"m2m:cnt":{"rn":"box"}}')
    shown = bsf.lab.ctl_json("cse", "credential", "show", got["ke_id"])
    assert shown["enrolee-id"] == f"//{ks.SP}/Sone"
    coap = "coaps://" + cli.at("cse")  # R001-142: the suite of DTLS gives another key
    assert cli.ok("associate", *cse_args(cli, **{"--cse": coap}))["framework"] == "gba"
    assert "box" in cli.run("request", "retrieve", "/-/Sone/box").stdout
    status = cli.ok("status")
    assert status["enrolled"] == "yes" and status["sim"] == str(sim) and status["impi"] == impi(1)
    assert (status["km_id"], status["kpsa_id"]) == ("", got["ke_id"])  # R001-141


def test_the_ladder(bsf):
    """What happened between card, BSF and CSE, from their audit chains: by IMPI and by B-TID, in order, with its clauses."""
    cli, sim = bsf.cli(63), bsf.card(63, "Sladder")
    b_tid = cli.ok("enrol", *bsf.enrol_args(sim))["ke_id"]
    cli.ok("associate", *cse_args(cli))
    cli.ok("register", "--app-id", "Nmade-up", "--from", "S")
    where = ["-c", bsf.lab.conf("mef"), "-c", bsf.lab.conf("cse")]
    for name in (impi(63), b_tid):
        p = ks.run("trace", *where, name, "--json")
        assert p.returncode == 0, p.stdout + p.stderr
        steps = [json.loads(line) for line in p.stdout.splitlines()]
        assert "bsf" in steps[0]["participants"], steps[0]
        drawn = [(s["event"], s.get("from"), s.get("to"), s.get("clause")) for s in steps[1:]]
        at = [drawn.index(next(d for d in drawn if d[0] == e)) for e in ("bootstrapped", "naf-key-given", "kpsa-stored", "associated", "ae-registered")]
        assert at == sorted(at), drawn
        assert ("bootstrapped", "bsf", "device", "TS 33.220 4.5.2") in drawn and ("naf-key-given", "bsf", "cse", "TS 33.220 4.5.3") in drawn, drawn
        assert not ks.keys_in(p.stdout, [K, OPC])


def test_the_name_of_a_sim_holds_in_every_folder(bsf, tmp_path):
    """What the state keeps is absolute: a device is not called from one folder for ever."""
    cli, sim = bsf.cli(18), bsf.card(18, "Sfolder")
    args = ["device", "enrol", "--json", "--state", cli.state, *bsf.enrol_args(sim.name)]
    p = ks.run(*args, cwd=tmp_path)
    assert p.returncode == 2 and json.loads(p.stdout)["error"] == "sim-missing" and sim.name in p.stdout, p.stdout
    p = ks.run(*args, cwd=sim.parent)
    assert p.returncode == 0, p.stdout + p.stderr
    assert cli.ok("status")["sim"] == str(sim)
    for verb, more in (("enrol", ("--gba", "--anew")), ("associate", cse_args(cli))):
        p = ks.run("device", verb, "--json", "--state", cli.state, *more, cwd=tmp_path)
        assert p.returncode == 0, p.stdout + p.stderr


def test_the_bsf_of_the_home_network(bsf):
    """TS 23.003 16.2: who is not told the name of the BSF knows it by the IMPI, and believes no other."""
    for n, name, fits in ((61, f"made-up@{ks.SP}", True), (62, impi(62), False)):
        cli, sim = bsf.cli(n), bsf.sim(n, impi=name)
        bsf.lab.ctl_json("mef", "subscriber", "add", "--impi", name, "--kind", "milenage", "--key-file", bsf.lab.where / "made-up.key")
        args = bsf.enrol_args(sim, **{"--mef-id": None})
        if fits:
            assert cli.ok("enrol", *args)["ke_id"].endswith(f"@{BSF}")
        else:  # bsf.mnc001.mcc001.pub.3gppnetwork.org, which is not here
            cli.no(1, "digest-realm", "enrol", *args)


def test_a_valid_ks_is_used_again(bsf):
    """R001-128: no second handshake with the BSF while Ks is good; --anew makes one, and goes by TMPI."""
    cli, sim = bsf.cli(2), bsf.card(2, "Stwo")
    first = cli.ok("enrol", *bsf.enrol_args(sim))
    again = cli.ok("enrol", *bsf.enrol_args(sim))
    assert again["bootstrapping"] == "left-out" and again["ke_id"] == first["ke_id"] and again["expires"] == first["expires"]
    assert len(bsf.audited("bootstrapped", impi(2))) == 1
    anew = cli.ok("enrol", "--gba", "--anew")
    assert anew["bootstrapping"] == "done" and anew["ke_id"] != first["ke_id"]
    assert len(bsf.audited("bootstrapped", impi(2))) == 2
    before, card = cli.ok("status"), sim.read_text()
    sim.write_text(card.replace(K.hex(), "00" * 16))
    cli.no(1, "aka-network-unknown", "enrol", "--gba", "--anew")
    sim.write_text(card)
    assert cli.ok("status") == before  # what fails leaves what was there, and it is good
    cli.ok("associate", *cse_args(cli))


@pytest.mark.parametrize("n, gba, agent", [(21, "me", "3gpp-gba-tmpi"), (22, "u", "3gpp-gba-uicc 3gpp-gba-tmpi"),
                                           (23, "secure-environment", "3gpp-gba-uicc 3gpp-gba-tmpi")])
def test_the_second_time_by_tmpi(bsf, n, gba, agent):
    """TS 33.220 B.4: the IMPI is seen once; where Ks is in the card, the card gives the key that the TMPI is made of."""
    cli, sim, heard = bsf.cli(n), bsf.card(n, f"S{n}", gba), []
    listener = socket.create_server(("127.0.0.1", 0))

    def pass_on(a, b, keep):
        try:
            while octets := a.recv(65536):
                heard.append(octets.decode()) if keep else None
                b.sendall(octets)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve():
        while True:
            try:
                c = listener.accept()[0]
            except OSError:
                return
            up = socket.create_connection(("127.0.0.1", bsf.ub))
            for args in ((c, up, True), (up, c, False)):
                threading.Thread(target=pass_on, args=args, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    mef = {"--mef": "127.0.0.1:%d" % listener.getsockname()[1]}
    cli.ok("enrol", *bsf.enrol_args(sim, **mef))
    assert f'username="{impi(n)}"' in "".join(heard)
    heard.clear()
    cli.ok("enrol", "--gba", "--anew")
    said = "".join(heard)
    assert impi(n) not in said and "@tmpi.bsf.3gppnetwork.org" in said and f"User-Agent: keystead {agent}\r\n" in said, said
    other = bsf.cli(n + 100)  # the same card, another device: what is in its state is not what is in the card, or nothing is
    other.ok("enrol", *bsf.enrol_args(sim, **mef))
    assert cli.ok("enrol", "--gba", "--anew")["bootstrapping"] == "done"
    cli.ok("associate", *cse_args(cli))
    listener.close()


def test_km_at_the_maf(bsf):
    """R001-113, R001-141: the target is a MAF, the NAF key its Km; Kc comes from there."""
    cli, sim = bsf.cli(3), bsf.card(3, "Sthree")
    bsf.lab.ctl_json("maf", "client", "allow", "--client", f"//{ks.SP}/Sthree", "--target", ks.CSE_ID)
    cli.ok("enrol", *bsf.enrol_args(sim, ks.MAF, **{"--maf": cli.at("maf")}))
    made = cli.ok("associate", *cli.associate_args())
    assert made["framework"] == "maf" and made["key_id"].endswith("@" + ks.MAF)
    assert cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"] == "Sthree"


@pytest.mark.parametrize("n, gba, asked, key", [(4, "u", None, "ext"), (5, "u", "int", "int"), (6, "secure-environment", None, "int")])
def test_cards_that_keep_ks(bsf, n, gba, asked, key):
    """R001-112, R001-143: Ks and Ks_int_NAF stay in the card; what the device has of its own holds neither."""
    cli, sim = bsf.cli(n), bsf.card(n, f"S{n}", gba)
    more = {"--naf-key": asked} if asked else {}
    got = cli.ok("enrol", *bsf.enrol_args(sim, **more))
    assert got["naf_key"] == key
    assert re.search("^ks = [0-9a-f]{64}$", sim.read_text(), re.M)
    assert cli.ok("associate", *cse_args(cli))["framework"] == "gba"
    cli.ok("associate", *cse_args(cli, **{"--cse": "coaps://" + cli.at("cse")}))
    assert cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"] == f"S{n}"
    assert key != "ext" or cli.ok("enrol", "--gba", "--anew", "--naf-key", "int")["naf_key"] == "int"
    hidden = sim.rename(sim.with_suffix(".away"))  # without the card there is no key
    cli.no(2, "sim-missing", "associate", *cse_args(cli))
    hidden.rename(sim)


def test_the_secure_environment_gives_nothing_else(bsf):
    """refuses R001-143: no Ks_NAF, no Ks_ext_NAF, with a card that is the Secure Environment; no Ks_int_NAF with one that knows GBA_ME only."""
    cli, sim = bsf.cli(7), bsf.card(7, "Sseven", "secure-environment")
    for key in ("me", "ext"):
        cli.no(1, "gba-variant", "enrol", *bsf.enrol_args(sim, **{"--naf-key": key}))
    cli.no(2, "usage", "enrol", *bsf.enrol_args(sim, **{"--naf-key": "best"}))
    cli.no(1, "gba-variant", "enrol", *bsf.enrol_args(bsf.card(8, "Seight"), **{"--naf-key": "int"}))
    assert not bsf.audited("bootstrapped", impi(7))


def test_an_impostor(bsf):
    """refuses R001-111, refuses R000-46: a card without the subscriber's K takes nothing and gets nothing; no key, no association."""
    cli, sim = bsf.cli(9), bsf.card(9, "Snine", k="00" * 16)
    cli.no(1, "aka-network-unknown", "enrol", *bsf.enrol_args(sim))
    assert cli.run("associate", *cli.associate_args()).returncode != 0
    assert not bsf.audited("bootstrapped", impi(9))
    cli.no(1, "impi-unknown", "enrol", *bsf.enrol_args(bsf.sim(99)))


def test_a_key_that_is_not_here_yet(bsf):
    """ctl explain at the NAF says who is asked for it; the BSF knows it."""
    cli = bsf.cli(51)
    got = cli.ok("enrol", *bsf.enrol_args(bsf.card(51, "S51")))
    here, there = (bsf.lab.ctl_json(role, "explain", got["ke_id"]) for role in ("cse", "mef"))
    assert here["found"] is False and here["asked-at"] == BSF and "authority-away" in here["do"], here
    assert there["found"] is True and "asked-at" not in there, there
    cli.ok("associate", *cse_args(cli))
    here = bsf.lab.ctl_json("cse", "explain", got["ke_id"])
    assert here["found"] is True and here["objects"][0]["id"] == got["ke_id"] and "asked-at" not in here, here
    elsewhere = bsf.lab.ctl_json("cse", "explain", "nobody@elsewhere.example")
    assert "asked-at" not in elsewhere and "compare" in elsewhere["do"]


def test_what_the_guss_does_not_allow(bsf):
    """refuses R001-118: both sides have to be configured for the target."""
    cli, sim = bsf.cli(10), bsf.card(10, "Sten", guss=f"{ks.MAF}=both")
    cli.ok("enrol", *bsf.enrol_args(sim))
    cli.no(1, "psk-identity-unknown", "associate", *cse_args(cli))
    cli.no(1, "guss-no-key", "enrol", *bsf.enrol_args(bsf.card(11, "Seleven", guss=f"{IN}=none")))


def test_resynchronisation(bsf):
    """The card is ahead: it says so, and is challenged again."""
    cli, sim = bsf.cli(12), bsf.card(12, "Stwelve", sqn=" ".join(["5000"] * 32))
    cli.ok("enrol", *bsf.enrol_args(sim))
    assert min(int(x) for x in re.search("^sqn = (.*)$", sim.read_text(), re.M).group(1).split()) == 5000
    assert max(int(x) for x in re.search("^sqn = (.*)$", sim.read_text(), re.M).group(1).split()) > 5000
    cli.ok("associate", *cse_args(cli))


def test_wrong_use(bsf):
    """refuses R001-119: without a target the device does not start."""
    cli, sim = bsf.cli(13), bsf.card(13, "Sthirteen")
    cli.no(2, "usage", "enrol", *bsf.enrol_args(sim, None))
    cli.no(2, "usage", "enrol", *bsf.enrol_args(None))
    cli.no(2, "usage", "enrol", *bsf.enrol_args(sim, "not a target"))
    cli.no(2, "usage", "enrol", *bsf.enrol_args(sim, **{"--kpm-id": "a@b.example"}))
    cli.no(2, "sim-missing", "enrol", *bsf.enrol_args(bsf.lab.where / "nothing"))
    cli.no(1, "digest-realm", "enrol", *bsf.enrol_args(sim, **{"--mef-id": "bsf.elsewhere.example"}))
    cli.no(3, "peer-unreachable", "enrol", *bsf.enrol_args(sim, **{"--mef": f"127.0.0.1:{ks.free_port()}"}))
    sim.chmod(0o644)
    cli.no(2, "file-mode", "enrol", *bsf.enrol_args(sim))
    for change in ({"k": "00"}, {"kind": "xor"}, {"opc": None}, {"sqn": "1 2"}, {"gba": "both"}, {"op": "00" * 16}, {"impi": "a b"}):
        p = cli.run("enrol", *bsf.enrol_args(bsf.sim(13, **change)))
        assert p.returncode != 0 and "software SIM" in p.stdout, (change, p.stdout)
        if change in ({"opc": None}, {"op": "00" * 16}):  # no line alone is wrong
            assert "one of opc and op" in p.stdout, p.stdout
    (bsf.lab.where / "sim13").write_text("k = 00\n")
    cli.no(2, "sim-malformed", "enrol", *bsf.enrol_args(bsf.lab.where / "sim13"))


def test_ks_ends(bsf):
    """refuses R001-128: an ended Ks is none; device keep bootstraps before that, and the registration stays."""
    cli, sim = bsf.cli(14), bsf.card(14, "Sfourteen", "me", f"{IN}=both", "--lifetime", "6s")
    first = cli.ok("enrol", *bsf.enrol_args(sim))
    end = time.monotonic() + 6
    cli.ok("associate", *cse_args(cli))
    assert cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"] == "Sfourteen"
    time.sleep(max(0, end - time.monotonic()) + 0.2)
    cli.no(1, "credential-expired", "associate", *cse_args(cli))
    kept = cli.run("keep", "--once")
    assert kept.returncode == 0, kept.stdout + kept.stderr
    assert cli.ok("status")["ke_id"] != first["ke_id"]
    assert "Sfourteen" in cli.run("request", "retrieve", "/-/Sfourteen").stdout


def test_nothing_secret_is_said(bsf):
    cli, sim = bsf.cli(15), bsf.card(15, "Sfifteen", "u")
    out = cli.run("enrol", *bsf.enrol_args(sim)).stdout
    k_s = re.search("^ks = ([0-9a-f]{64})$", sim.read_text(), re.M).group(1)
    files = b"".join(f.read_bytes() for f in (bsf.lab.where / "device15").iterdir())
    assert bytes.fromhex(k_s) not in files and K not in files and K.hex().encode() not in files
    assert not ks.keys_in(out + "".join(s.log() for s in bsf.lab.servers.values()), [K, OPC, bytes.fromhex(k_s)])


# -- a BSF that lies, over HTTP/1.1 --------------------------------------------------------------------------------
class Liar(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), LiarHandler)
        self.answers = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class LiarHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, headers, body = self.server.answers.pop(0) if self.server.answers else (500, {}, b"")
        self.send_response(status)
        for k, v in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_bsf_that_lies(bsf):
    """AUTN of nobody's, a weaker algorithm, another realm, rubbish, a body without end: each is refused by its own name."""
    liar, cli, sim = Liar(), bsf.cli(16), bsf.sim(16)
    nonce = base64.b64encode(bytes(32)).decode()

    def challenge(realm=BSF, more="algorithm=AKAv1-MD5, qop=\"auth-int\"", n=nonce):
        return 401, {"WWW-Authenticate": f'Digest realm="{realm}", nonce="{n}", {more}'}, b""

    rows = [([challenge()], "aka-network-unknown", ""), ([challenge("bsf.elsewhere.example")], "digest-realm", ""),
            ([challenge(more='algorithm=MD5, qop="auth-int"')], "ub-too-weak", ""), ([challenge(n="AAAA")], "peer-nonsense", "nonce-malformed"),
            ([(401, {}, b"")], "peer-nonsense", "digest-malformed"), ([(200, {}, b"x" * 100000)], "peer-nonsense", "too-large"),
            ([(200, {}, b"")], "peer-nonsense", ""), ([(403, {}, b"no")], "peer-refused", ""),
            ([(302, {"Location": "http://127.0.0.1:1/"}, b"")], "peer-nonsense", "")]
    for answers, reason, detail in rows:
        liar.answers = list(answers)
        p = cli.run("enrol", *bsf.enrol_args(sim, **{"--mef": f"127.0.0.1:{liar.server_address[1]}"}))
        got = json.loads(p.stdout)
        assert got["error"] == reason and p.returncode == 1 and detail in got.get("detail", ""), (answers, got)
    assert cli.run("status").returncode != 0  # nothing is left
    liar.shutdown()


def test_over_https(bsf):
    """The same through a TLS server that shows a certificate: verified, or refused."""
    where, port = bsf.lab.where, ks.free_port()
    (where / "stunnel.conf").write_text(f"foreground = yes\npid =\n[ub]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{bsf.ub}\n"
                                        f"cert = {where}/bsf.crt\nkey = {where}/bsf.key\n")
    p = subprocess.Popen(["stunnel4", where / "stunnel.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ks.wait_for(lambda: listens(port), what="stunnel")
        cli, sim, at = bsf.cli(17), bsf.card(17, "Sseventeen"), f"https://127.0.0.1:{port}"
        ks.pki("ca", "--cert", where / "other.crt", "--key", where / "other.key", "--unconstrained")
        cli.no(1, "certificate-untrusted", "enrol", *bsf.enrol_args(sim, **{"--mef": at, "--trust": where / "other.crt"}))
        assert cli.ok("enrol", *bsf.enrol_args(sim, **{"--mef": at, "--trust": where / "ca.crt"}))["bootstrapping"] == "done"
        cli.ok("associate", *cse_args(cli))
    finally:
        p.terminate()
        p.wait()


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


# -- handed over in a package ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("n, https", [(31, False), (32, True)])
def test_a_package_with_a_sim(bsf, tmp_path, n, https):
    """R000-18: a device that was told nothing else bootstraps with its card, over HTTP Digest as over TLS-PSK."""
    sim, factory, ca = bsf.card(n, f"S{n}"), Factory(bsf.lab, tmp_path, f"dev{n}"), str(bsf.lab.where / "ca.crt")
    cli = Cli(bsf.lab, tmp_path / "device")
    cse = {"address": f"https://127.0.0.1:{bsf.ua}", "trust-file": ca} if https else {"address": cli.at("cse")}
    service = {"mef": {"fqdn": BSF, "address": f"127.0.0.1:{bsf.ub}"}, "cse": {"cse-id": ks.CSE_ID, **cse}, "sim": {"card-file": str(sim)}}
    factory.package(factory.contents(**service))
    assert not ks.keys_in((tmp_path / "package").read_bytes(), [K, OPC])
    assert factory.provision()["sim"] == str(tmp_path / "device/sim")
    assert oct((tmp_path / "device/sim").stat().st_mode & 0o777) == "0o600"
    assert cli.ok("status")["enrolled"] == "no"
    assert cli.ok("keep", "--once")["result"] == "enrolled"  # R000-78
    assert cli.ok("associate")["ua"] == ("http-digest" if https else "tls-psk")
    assert cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"] == f"S{n}"
    assert "sqn" not in sim.read_text() and "sqn" in (tmp_path / "device/sim").read_text()  # the card is with the device now


def test_a_package_with_a_sim_that_is_wrong(bsf, tmp_path):
    sim, factory = bsf.sim(33), Factory(bsf.lab, tmp_path, "dev33")
    service = {"mef": {"fqdn": BSF, "address": f"127.0.0.1:{bsf.ub}"}, "cse": {"cse-id": ks.CSE_ID, "address": "127.0.0.1:1"},
               "sim": {"card-file": str(sim)}}
    sim.chmod(0o644)
    assert factory.package(factory.contents(**service), code=2)["error"] == "file-mode"
    sim.chmod(0o600)
    sim.write_text(sim.read_text().replace("k = ", "k = 0"))
    got = factory.package(factory.contents(**service), code=2)
    assert (got["error"], got["detail"]) == ("hex-malformed", "card, line 4"), got
    del service["cse"]
    got = factory.package(factory.contents(**service), code=2)
    assert got["error"] == "package-malformed" and "maf or cse" in got["detail"], got  # refuses R001-119
    service.update(cse={"cse-id": ks.CSE_ID, "address": "127.0.0.1:1"}, sim={"reader": "pcsc:no such reader"})
    factory.package(factory.contents(**service))
    assert factory.provision()["sim"] == "pcsc:no such reader"
    Cli(bsf.lab, tmp_path / "device").no(2, ("sim-service", "sim-reader"), "enrol")


# -- HTTP Digest behind the certificate of the CSE ------------------------------------------------------------------
class Relay:
    """Holds the certificate of the CSE, and no key of a SIM: hands on what comes to the real one, and changes the answers."""

    def __init__(self, bsf, change):
        self.bsf, self.change, self.requests = bsf, change, []
        where, ctx = bsf.lab.where, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        ctx.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
        ctx.load_cert_chain(where / "cse.crt", where / "cse.key")
        self.inner = ssl.create_default_context(cafile=str(where / "ca.crt"))
        self.inner.maximum_version = ssl.TLSVersion.TLSv1_2
        self.inner.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
        self.sock = ctx.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
        self.address = "https://127.0.0.1:%d" % self.sock.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                c = self.sock.accept()[0]
            except ssl.SSLError:
                continue
            except OSError:
                return
            try:
                with c, self.inner.wrap_socket(socket.create_connection(("127.0.0.1", self.bsf.ua)), server_hostname=IN) as up:
                    while self.one(c, up):
                        pass
            except (OSError, TypeError):  # one of the two has gone
                pass

    @staticmethod
    def message(sock):
        octets = b""
        while b"\r\n\r\n" not in octets:
            got = sock.recv(65536)
            if not got:
                return None
            octets += got
        head, _, body = octets.partition(b"\r\n\r\n")
        n = int((re.search(rb"(?i)\r\ncontent-length: *(\d+)", head) or [0, 0])[1])
        while len(body) < n:
            body += sock.recv(65536)
        return head, body

    def one(self, c, up):
        got = self.message(c)
        if got is None:
            return False
        self.requests.append(got[0].decode())
        up.sendall(b"\r\n\r\n".join(got))
        c.sendall(b"\r\n\r\n".join(self.change(*self.message(up))))
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def ua_args(bsf, cli, address=None, **change):
    return cse_args(cli, **{"--cse": address or f"https://127.0.0.1:{bsf.ua}", "--trust": bsf.lab.where / "ca.crt", **change})


@pytest.mark.parametrize("n, gba, key", [(41, "me", "me"), (42, "u", "ext")])
def test_http_digest(bsf, n, gba, key):
    """R000-46, R000-74: TLS with the certificate of the CSE alone; request and answer are proved with the NAF key of this suite."""
    cli, sim = bsf.cli(n), bsf.card(n, f"S{n}", gba)
    assert cli.ok("enrol", *bsf.enrol_args(sim))["naf_key"] == key
    made = cli.ok("associate", *ua_args(bsf, cli))
    assert (made["framework"], made["ua"]) == ("gba", "http-digest") and "association_id" not in made
    assert cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"] == f"S{n}"
    cli.ok("request", "create", f"/S{n}", "--type", "3", "--content", '{"m2m:cnt":{"rn":"box"}}')
    assert "box" in cli.run("request", "retrieve", f"/-/S{n}/box").stdout
    assert "box" in cli.run("request", "retrieve", f"/-/S{n}/box", "--cbor").stdout
    cli.no(1, "not-found", "request", "retrieve", f"/-/S{n}/other")
    assert cli.ok("associate", *cse_args(cli))["ua"] == "tls-psk"  # and back


def test_a_naf_that_lies(bsf):
    """refuses R000-74: who has the certificate of the CSE and not the key of the SIM is not believed, whatever he answers."""
    cli, sim = bsf.cli(43), bsf.card(43, "S43")
    cli.ok("enrol", *bsf.enrol_args(sim))
    cli.ok("associate", *ua_args(bsf, cli))
    cli.ok("register", "--app-id", "Nmade-up", "--from", "S")

    def info(head, new):
        return re.sub(rb"(?i)\r\nauthentication-info: [^\r]*", new, head)

    def unless_401(change):
        return lambda head, body: (head, body) if head.startswith(b"HTTP/1.1 401") else change(head, body)

    def challenged(old, new):
        return lambda head, body: (head.replace(old, new), body)

    wrong = b'\r\nAuthentication-Info: rspauth="' + b"0" * 32 + b'"'
    rows = [(unless_401(lambda h, b: (info(h, b""), b)), "naf-not-proved"),
            (unless_401(lambda h, b: (info(h, wrong), b)), "naf-not-proved"),
            (unless_401(lambda h, b: (info(h, b'\r\nAuthentication-Info: qop=auth'), b)), "naf-not-proved"),
            (unless_401(lambda h, b: (info(h, b"\r\nAuthentication-Info: ,"), b)), "peer-nonsense"),
            (unless_401(lambda h, b: (h, b.replace(b"Nmade-up", b"Nchanged"))), "naf-not-proved"),  # the body, with what was right for another
            (challenged(b"bootstrapping@" + IN.encode(), b"bootstrapping@in.elsewhere.example"), "naf-realm"),
            (challenged(b"algorithm=MD5", b"algorithm=MD5-sess"), "ua-too-weak"), (challenged(b'qop="auth,auth-int"', b'qop="auth-conf"'), "ua-too-weak"),
            (lambda h, b: (re.sub(rb"(?i)\r\nwww-authenticate: [^\r]*", b"", h.replace(b" 401 ", b" 200 ")), b), "ua-too-weak"),
            (challenged(b"nonce=", b"stale=true, nonce="), None), (lambda h, b: (h, b), None)]
    for change, reason in rows:
        with Relay(bsf, change) as naf:
            associated = cli.run("associate", *ua_args(bsf, cli, naf.address))
            p = cli.run("request", "retrieve", "/S43")
            if reason is None:
                assert associated.returncode == 0 and "Nmade-up" in p.stdout, (associated.stdout, p.stdout)
            else:
                assert p.returncode == 1 and json.loads(p.stdout)["error"] == reason, (reason, p.stdout)
            if reason in ("naf-realm", "ua-too-weak"):  # nothing is proved to whom it should not be
                assert naf.requests and not any("Authorization" in r for r in naf.requests), naf.requests
    cli.no(3, "peer-unreachable", "associate", *ua_args(bsf, cli, f"https://127.0.0.1:{ks.free_port()}"))


def test_http_digest_is_not_for(bsf):
    cli, sim = bsf.cli(44), bsf.card(44, "S44", "secure-environment")
    cli.ok("enrol", *bsf.enrol_args(sim))
    assert "--trust" in cli.no(2, "usage", "associate", *ua_args(bsf, cli, **{"--trust": None}))["detail"]
    cli.no(1, "gba-variant", "associate", *ua_args(bsf, cli))  # refuses R001-143: it would have to come out of the card
    with_key = bsf.cli(45)
    made_up = bsf.lab.where / "made-up.kpsa"
    made_up.write_text("11" * 32 + "\n")
    made_up.chmod(0o600)
    args = {"--cse": f"https://127.0.0.1:{bsf.ua}", "--cse-id": ks.CSE_ID, "--kpsa-id": f"x@{IN}", "--kpsa-file": made_up}
    assert "SIM" in with_key.no(2, "usage", "associate", *(str(x) for kv in args.items() for x in kv))["detail"]
    at_maf = bsf.enrol_args(sim, ks.MAF, **{"--maf": f"https://127.0.0.1:{bsf.ua}"})
    assert "--maf" in bsf.cli(46).no(2, "usage", "enrol", *at_maf)["detail"]
    for mef, more, said in ((f"127.0.0.1:{bsf.zn}", {}, "no HTTP is spoken there"),
                            (f"https://127.0.0.1:{bsf.ub}", {"--trust": bsf.lab.where / "ca.crt"}, "no TLS is spoken there")):
        assert said in bsf.cli(47).no(3, "peer-unreachable", "enrol", *bsf.enrol_args(sim, **{"--mef": mef, **more}))["detail"]
    for trust, said in ((bsf.lab.where / "no-such", "no such file"), (sim, "no certificate in"), (None, "--trust is missing")):
        args = bsf.enrol_args(sim, **{"--mef": f"https://127.0.0.1:{bsf.ub}", "--trust": trust})
        assert said in bsf.cli(47).no((2, 4)[trust is not None and not trust.exists()], ("usage", "io"), "enrol", *args)["detail"]


def test_the_bsf_is_away(bsf):
    """As docs/operate/sim.md has it: the device is told on both ways, exit 3; the same Ks works when the BSF is back."""
    cli, sim = bsf.cli(64), bsf.card(64, "Saway")
    b_tid = cli.ok("enrol", *bsf.enrol_args(sim))["ke_id"]
    bsf.lab.stop("mef")
    try:
        cli.no(3, "peer-unreachable", "enrol", *bsf.enrol_args(sim), "--anew")
        cli.no(3, "peer-failing", "associate", *cse_args(cli))
        cli.no(3, "peer-unreachable", "associate", *ua_args(bsf, cli))
    finally:
        bsf.lab.start("mef")
    for args in (cse_args(cli), ua_args(bsf, cli)):  # each worker finds out for itself
        ks.wait_for(lambda args=args: b_tid in cli.run("associate", *args).stdout, what="the BSF")
