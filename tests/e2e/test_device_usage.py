"""Usage-constrained keys of a device: registered and retrieved at MAF and MEF, kept sealed in its state, used by keystead object;
registration of the client at the MEF; what MO_NODE asks for of them."""
import hashlib
import http.server
import json
import ssl
import threading

import keystead as ks
from badcerts import Maker, openssl
from test_commands import node, objects, outcomes, run as commands
from test_device import Cli


def enrolled(lab, tmp_path, name):
    d = lab.device(name)
    cli = Cli(lab, tmp_path / name, d)
    cli.all_the_way()
    return d, cli


def test_esprim_key_by_its_name(lab, tmp_path):
    """From the MAF to the CSE's answer, and no key in any file that is not sealed."""
    d, cli = enrolled(lab, tmp_path, "usage")
    made = cli.ok("use-register", "--suid", "33", "--lifetime", "1h", "--labels", "a,b")
    assert (made["suid"], made["target"]) == (33, ks.CSE_ID)
    assert cli.ok("use-list")["key_id"] == made["key_id"]
    where = tmp_path / "o"
    where.mkdir()
    common = ["--state", where / "s", "--key", made["key_id"], "--device", cli.state, "--originator", d.enrolee_id]

    def obj(verb, *more, code=0):
        p = ks.run("object", verb, *common, *more)
        assert p.returncode == code, p.stderr
        return p.stdout + p.stderr

    def put(name, text):
        (where / name).write_text(text)
        return where / name

    def ask(content):
        return cli.ok("request", "notify", "/-", "--content", json.dumps(content))

    offer = ask({"m2m:seci": {"sit": 3}})
    assert offer["rsc"] == 2000, offer
    rqp = put("rqp", json.dumps({"m2m:rqp": {"op": 2, "to": d.stem, "fr": d.enrolee_id, "rqi": "u1"}}))
    sent = obj("wrap", "--in", rqp, "--offer", put("offer", json.dumps(offer["content"])))
    got = ask(json.loads(sent))
    assert got["rsc"] == 2000, got
    answer = json.loads(obj("accept", "--rqi", "u1", "--in", put("answer", json.dumps(got["content"]))))["m2m:rsp"]
    assert answer["rsc"] == 2000 and answer["pc"]["m2m:ae"]["aei"] == d.stem
    obj("wrap", "--in", rqp, "--suid", "33", code=2)
    later = cli.ok("use-update", "--key-id", made["key_id"], "--lifetime", "30m")
    assert later["expires"] < made["expires"]
    assert cli.ok("use-deregister", "--key-id", made["key_id"])["key_id"] == made["key_id"]
    assert cli.ok("use-list") == {"keys": 0}
    assert "not-found" in obj("wrap", "--in", rqp, code=1)
    cli.no(1, "not-found", "use-update", "--key-id", made["key_id"], "--lifetime", "30m")


def test_a_target_retrieves(lab, tmp_path):
    """One device registers for another: ESData over the two; nobody else gets the key."""
    d, source = enrolled(lab, tmp_path, "usrc")
    e, target = enrolled(lab, tmp_path, "utgt")
    f, other = enrolled(lab, tmp_path, "uother")
    lab.ctl_json("maf", "client", "allow", "--role", "maf", "--client", d.enrolee_id, "--target", e.enrolee_id)
    made = source.ok("use-register", "--suid", "34", "--target", e.enrolee_id)
    got = target.ok("use-retrieve", "--key-id", made["key_id"])
    assert (got["suid"], got["source"]) == (34, d.enrolee_id)
    other.no(1, "not-the-target", "use-retrieve", "--key-id", made["key_id"])
    plain = tmp_path / "plain"
    plain.write_text("21.5")
    for verb, args in (("protect", ["--state", source.state, "--to", made["key_id"], "--in", plain, "--out", tmp_path / "object"]),
                       ("open", ["--state", target.state, "--own", made["key_id"], "--in", tmp_path / "object", "--out", tmp_path / "back"])):
        p = ks.run("object", verb, *args)
        assert p.returncode == 0, p.stderr
    assert (tmp_path / "back").read_text() == "21.5"
    p = ks.run("object", "open", "--state", other.state, "--own", made["key_id"], "--in", tmp_path / "object", "--out",
               tmp_path / "none")
    assert p.returncode == 1 and "not-found" in p.stderr
    wrap = ks.run("object", "unwrap", "--state", tmp_path / "r", "--key", made["key_id"], "--device", target.state, "--originator",
                  f"//{ks.SP}/Sanother", "--in", plain)
    assert wrap.returncode == 1 and "esprim-impersonation" in wrap.stderr, wrap.stderr


def test_at_the_mef(lab, tmp_path):
    d, cli = enrolled(lab, tmp_path, "umef")
    admin = ["--admin-fqdn", ks.SP]
    lab.ctl_json("mef", "client", "allow", "--role", "mef", "--client", d.enrolee_id, "--target", ks.CSE_ID)
    registration = cli.ok("mef-register", *admin)["registration"]
    assert registration.startswith("mecr") and cli.ok("mef-register", *admin)["registration"] == registration
    assert cli.ok("mef-update", *admin, "--labels", "x")["registration"] == registration
    cli.no(1, "not-found", "mef-config", *admin)  # the operator has given none
    node = {"node-id": "urn:example:node:42", "cse-id": f"//{ks.SP}/mn42"}  # R003-93, R003-94
    lab.ctl_json("mef", "registration", "configure", registration, "--configuration", json.dumps({"node": node}))
    assert "urn:example:node:42" in json.dumps(cli.ok("mef-config", *admin))
    stands = cli.ok("status")
    assert (stands["node_id"], stands["node_cse_id"]) == tuple(node.values()), stands
    cli.no(2, "usage", "use-register", "--suid", "31")
    made = cli.ok("use-register", "--suid", "23", *admin)
    assert made["key_id"].endswith("@" + ks.MEF)
    assert cli.ok("use-update", "--key-id", made["key_id"], "--labels", "y")["expires"] == made["expires"]
    cli.ok("use-deregister", "--key-id", made["key_id"])
    assert cli.ok("mef-deregister", *admin)["registration"] in ("", "-")
    assert cli.ok("request", "retrieve", f"/{d.stem}")["rsc"] == 2000  # the enrolment stayed what it was


PSK = ["TLS_PSK_WITH_AES_128_CBC_SHA256"]


def profiles():
    """One authenticationProfile of each SUID that registers a key, where it has to stand."""
    mef, maf = {"mgmtDefinition": 1026, "fqdn": ks.MEF, "adminFQDN": ks.SP}, {"mgmtDefinition": 1025, "fqdn": ks.MAF, "adminFQDN": ks.SP}
    nodes = {"/maf": maf, "/reg": {"mgmtDefinition": 1020}, "/data": {"mgmtDefinition": 1021, "containerPath": f"{ks.CSE_ID}/cse-in/c"}}
    for suid, parent in ((21, "/maf"), (22, "/reg"), (23, "/data"), (31, "/maf"), (33, "/data")):
        nodes[f"{parent}/p{suid}"] = {"mgmtDefinition": 1022, "SUID": suid, "TLSCiphersuites": PSK, "keyRegDuration": "P1D",
                                      "keyRegLabels": ["a", "b"]}
        nodes[f"{parent}/p{suid}/cfg"] = mef if suid < 30 else maf
    nodes["/data/other"] = {"mgmtDefinition": 1022, "SUID": 23, "keyRegDuration": "P1D"}
    nodes["/data/other/cfg"] = {**mef, "fqdn": "mef.elsewhere.example"}
    return nodes


def test_mo_node_registers_keys(lab, tmp_path):
    d, cli = enrolled(lab, tmp_path, "umo")
    for target in (ks.CSE_ID, ks.MAF):
        lab.ctl_json("mef", "client", "allow", "--role", "mef", "--client", d.enrolee_id, "--target", target)
    objects(cli, json.dumps(profiles()))
    wanted = {node(lab, d, "/maf/p21", 1, 21): 20, node(lab, d, "/reg/p22", 1, 22): 20, node(lab, d, "/data/p23", 1, 23): 20,
              node(lab, d, "/maf/p31", 1, 31): 305,  # the MAF knows no such SUID (CHOICE-26)
              node(lab, d, "/data/p33", 1, 33): 20, node(lab, d, "/data/other", 1, 23): 305}
    commands(cli)
    assert outcomes(lab, d) == {k: ("done", v) for k, v in wanted.items()}
    p = ks.run("device", "use-list", "--state", cli.state)
    assert sorted(line.split("=")[1] for line in p.stdout.splitlines() if line.startswith("suid")) == ["21", "22", "23", "33"]
    assert cli.ok("request", "retrieve", f"/{d.stem}")["rsc"] == 2000


class Shelf(http.server.BaseHTTPRequestHandler):
    files = {}

    def do_GET(self):
        body = self.files.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


def test_an_anchor_by_its_uri(lab, tmp_path):
    """Fetched from who is trusted already, and kept only if it is what the object says."""
    make = Maker(tmp_path / "ca")
    key = make.key("root")
    root = tmp_path / "root.crt"
    openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=made-up root", "-days", "2", "-out", root,
            "-addext", "nameConstraints = critical,permitted;DNS:localhost")
    make.cert("localhost", (root, key, []), ["basicConstraints = critical,CA:FALSE", "keyUsage = critical,digitalSignature",
                                             "extendedKeyUsage = serverAuth", "subjectAltName = DNS:localhost"])
    anchor = make.authority("anchor", (root, key, []))[0].read_text()
    wanted_print = hashlib.sha256(ssl.PEM_cert_to_DER_cert(anchor)).hexdigest()
    Shelf.files = {"/pem": anchor.encode(), "/der": ssl.PEM_cert_to_DER_cert(anchor), "/other": root.read_bytes(),
                   "/long": anchor.encode() + b"x" * 20000, "/none": b"no certificate"}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    context.load_cert_chain(tmp_path / "ca/localhost.crt", tmp_path / "ca/localhost.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        d = lab.device("uanchor")
        cli = Cli(lab, tmp_path / "device", d)
        cli.ok("enrol", *cli.enrol_args())
        at = f"https://localhost:{server.server_address[1]}"
        uris = {"strange": f"{at}/pem", "plain": f"http://localhost:{server.server_address[1]}/pem", "other": f"{at}/other",
                "long": f"{at}/long", "none": f"{at}/none", "gone": f"{at}/gone", "der": f"{at}/der", "again": "https://localhost:1/x"}
        nodes = {f"/{k}": {"mgmtDefinition": 1024, "certFingerprint": wanted_print, "URI": v} for k, v in uris.items()}
        objects(cli, json.dumps(nodes))
        first = node(lab, d, "/strange", 2)
        commands(cli)
        assert outcomes(lab, d)[first] == ("done", 305)  # nobody is trusted yet
        (cli.state / "est-ca.crt").write_text((lab.where / "ca.crt").read_text())
        one = node(lab, d, "/strange", 2)
        commands(cli)
        assert outcomes(lab, d)[one] == ("done", 305)  # somebody else is
        (cli.state / "est-ca.crt").write_text(root.read_text())
        results = {node(lab, d, f"/{k}", 2): v for k, v in (("plain", 305), ("other", 305), ("long", 305), ("none", 305), ("gone", 305),
                                                           ("der", 20), ("again", 20))}
        commands(cli)
        assert {k: v for k, v in outcomes(lab, d).items() if k in results} == {k: ("done", v) for k, v in results.items()}
        kept = cli.state / f"anchor-{wanted_print[:16]}.crt"
        assert ssl.PEM_cert_to_DER_cert(kept.read_text()) == ssl.PEM_cert_to_DER_cert(anchor)
    finally:
        server.shutdown()
        server.server_close()
