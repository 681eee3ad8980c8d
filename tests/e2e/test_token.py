"""Indirect dynamic authorization: tokens that a DAS of our own signs (with the openssl program), shown as they are, by Token-ID and by
Local-Token-ID; what makes one worthless; and where a refused originator is told to get one."""
import base64
import hmac
import json
import subprocess
import time

import pytest

import keystead as ks

from test_das import Das, box, connect
from test_device import Cli

FQDN, RSA_FQDN = "das.example.com", "rsa.example.com"
ISSUER = f"//{ks.SP}/Sdas"


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


class Signer:
    """ES256 of RFC 7518 3.4 by a program that knows nothing of tokens."""

    def __init__(self, folder, name):
        self.key, self.pub = folder / f"{name}.key", folder / f"{name}.pem"
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key], check=True)
        subprocess.run(["openssl", "ec", "-in", self.key, "-pubout", "-out", self.pub], check=True, capture_output=True)

    def sign(self, data):
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=data, capture_output=True, check=True).stdout
        out, at = b"", 2
        for _ in range(2):
            n = der[at + 1]
            out += int.from_bytes(der[at + 2:at + 2 + n], "big").to_bytes(32, "big")
            at += 2 + n
        return out

    def token(self, claims, header=None):
        head = {"alg": "ES256", "typ": "JWT"} if header is None else header
        signed = f"{b64(head)}.{b64(claims)}"
        return f"{signed}.{b64(self.sign(signed.encode()))}"


def claims(jti, holder, ris, acop=2, **more):
    now = int(time.time())
    pm = [{"ris": ris, "pv": {"acr": [{"acor": ["all"], "acop": acop}]}}]
    return {"tkvr": "1.0", "jti": f"{jti}@{FQDN}", "iss": ISSUER, "azp": f"//{ks.SP}/{holder}", "nbf": now - 60, "exp": now + 600,
            "aud": [f"//{ks.SP}/in"], "tkps": {"pm": pm}, **more}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("token")
    lab = ks.Lab(folder / "lab")
    lab.das, lab.signer, lab.other = Das(), Signer(folder, "das"), Signer(folder, "other")
    lab.url = f"http://127.0.0.1:{lab.das.port}/ask"
    lab.set("cse", "server", "points-of-access", f"127.0.0.1:{lab.das.port}")
    lab.set("cse", "cse", "dynamic-authorization", "on")
    lab.append("cse", f"[das {FQDN}]\nid = {ISSUER}\nkey = {lab.signer.pub}\nurl = {lab.url}\n")
    lab.rsa = rsa_key(folder)
    lab.append("cse", f"[das {RSA_FQDN}]\nid = //{ks.SP}/Srsa\nkey = {lab.rsa[1]}\nscope = all\n")
    with lab:
        lab.start("cse")
        lab.keys = {n: lab.add_kpsa(n, enrolee_id=f"//{ks.SP}/S{n}") for n in ("owner", "guest", "other", "das")}
        for n in lab.keys:
            with connect(lab, n) as c:
                assert ks.register(c, f"S{n}").rsc == 2001
        with connect(lab, "owner") as c:
            assert ks.ask(c, "create", "/Sowner", {"m2m:dac": {"rn": "das", "dae": True, "dap": [lab.url]}}, 34, "Sowner").rsc == 2001
            for name in ("one", "two"):
                box(c, name)
            assert ks.ask(c, "create", "/Sowner", {"m2m:cnt": {"rn": "closed"}}, 3, "Sowner").rsc == 2001
        yield lab
    lab.das.close()


def show(conn, token, path="/-/Sowner/one", who="Sguest", op="retrieve", content=None, ty=None):
    return ks.ask(conn, op, path, content, ty, who, [f"Authorization: {token}"])


def rsa_key(folder, bits=2048):
    key, pub = folder / f"rsa{bits}.key", folder / f"rsa{bits}.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}", "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", pub], check=True, capture_output=True)
    return key, pub


def test_an_issuer_whose_keys_cannot_be_used(lab, tmp_path):
    """What no token could be checked with is said when the configuration is read."""
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", tmp_path / "e.key"], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", tmp_path / "e.key", "-pubout", "-out", tmp_path / "e.pem"], check=True, capture_output=True)
    text = lab.conf("cse").read_text()
    for key, said in ((rsa_key(tmp_path, 1024)[1], "RSA of 2048"), (tmp_path / "e.pem", "no public key"), (lab.signer.key, "is a private key"),
                      (lab.rsa[0], "is a private key")):
        other = lab.where / "other.conf"
        other.write_text(text.replace(str(lab.signer.pub), str(key)))
        p = ks.run("check", "-c", other)
        assert p.returncode == 2 and said in p.stderr, p.stderr


def test_an_issuer_with_an_rsa_key(lab):
    """The key says which algorithms there are: RS256 and its longer hashes, nothing that the header names instead."""
    key, pub = lab.rsa
    say = claims("rsa", "Sguest", ["Sowner/two"]) | {"jti": f"rsa@{RSA_FQDN}", "iss": f"//{ks.SP}/Srsa"}

    def signed(alg, sign, change=None):
        text = f'{b64({"alg": alg, "typ": "JWT"})}.{b64(say)}'
        return f"{text}.{b64(sign((change or text).encode()))}"

    def rs(bits, *more):
        return lambda data: subprocess.run(["openssl", "dgst", f"-sha{bits}", "-sign", key, *more], input=data, capture_output=True, check=True).stdout

    def hs(data):
        return hmac.new(pub.read_bytes(), data, "sha256").digest()

    with connect(lab, "guest") as g:
        for bits in (256, 384, 512):
            r = show(g, signed(f"RS{bits}", rs(bits)), "/-/Sowner/two")
            assert r.rsc == 2000, (bits, r)
        pss = rs(256, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
        for alg, sign, why in (("HS256", hs, "token-algorithm"), ("none", lambda data: b"", "token-algorithm"), ("PS256", pss, "token-algorithm"),
                               ("ES256", lab.signer.sign, "token-algorithm"), ("RS256", hs, "token-signature"), ("RS256", pss, "token-signature"),
                               ("RS384", rs(256), "token-signature")):
            r = show(g, signed(alg, sign), "/-/Sowner/two")
            assert (r.rsc, r.reason) == (4103, why), (alg, r)
        assert show(g, signed("RS256", rs(256), "something else"), "/-/Sowner/two").reason == "token-signature"


def test_a_token_permits_what_it_says(lab):
    token = lab.signer.token(claims("a", "Sguest", ["Sowner/none", "cse-in/Sowner/one"], 3))
    with connect(lab, "guest") as g, connect(lab, "other") as x:
        assert ks.ask(g, "retrieve", "/-/Sowner/one", origin="Sguest").rsc == 4103
        assert show(g, token).rsc == 2000
        assert show(g, "Bearer " + token).rsc == 2000
        assert show(g, token, "/-/Sowner/two").rsc == 4103, "only what it names"
        assert show(g, token, op="delete").rsc == 4103, "only what its rules say"
        r = show(x, token, who="Sother")
        assert (r.rsc, r.reason) == (4103, "token-holder"), r
        # kept by a request that changes something, and then known by a short name
        r = show(g, token, op="create", content={"m2m:cin": {"con": "v"}}, ty=4)
        assert r.rsc == 2001 and r.headers["x-m2m-ati"].endswith(f":a@{FQDN}"), r.headers
        local = r.headers["x-m2m-ati"].split(":")[0]
        assert ks.ask(g, "retrieve", f"/-/Sowner/one?ltids={local}", origin="Sguest").rsc == 2000
        assert ks.ask(g, "retrieve", f"/-/Sowner/one?tids=a%40{FQDN}", origin="Sguest").rsc == 2000
        r = ks.ask(x, "retrieve", f"/-/Sowner/one?ltids={local}", origin="Sother")
        assert (r.rsc, r.reason) == (4103, "token-holder"), r
        r = ks.ask(g, "retrieve", "/-/Sowner/one?ltids=tnone", origin="Sguest")
        assert (r.rsc, r.reason) == (4103, "token-unknown"), r
        assert "token-taken" in lab.ctl("cse", "audit", "tail", "--limit", "50").stdout
        # two at once, and a wrong one spoils the request even for who needs none
        two = lab.signer.token(claims("b", "Sguest", ["Sowner/two"]))
        assert show(g, f"{token}+{two}", "/-/Sowner/two").rsc == 2000
        with connect(lab, "owner") as o:
            assert show(o, token, who="Sowner").rsc == 4103
            # the owner of the resource says whose tokens open it
            assert show(g, lab.signer.token(claims("c", "Sguest", ["cse-in/Sowner/closed"])), "/-/Sowner/closed").rsc == 4103


def changed(token, part, old, new):
    parts = token.split(".")
    plain = base64.urlsafe_b64decode(parts[part] + "==")
    assert old in plain
    parts[part] = b64(plain.replace(old, new))
    return ".".join(parts)


def worthless(lab):
    now, good = int(time.time()), claims("w", "Sguest", ["Sowner/one"])
    sign = lab.signer.token
    none = f'{b64({"alg": "none", "typ": "JWT"})}.{b64(good)}.'
    return {
        "token-expired": sign(good | {"nbf": now - 100, "exp": now - 1}),
        "token-not-yet-valid": sign(good | {"nbf": now + 300}),
        "token-holder": sign(good | {"azp": f"//{ks.SP}/Sother"}),
        "token-audience": sign(good | {"aud": [f"//{ks.SP}/mn1", "//other.example.com/in"]}),
        "token-issuer-unknown": sign(good | {"iss": f"//{ks.SP}/Sstranger"}),
        "token-issuer-unknown/id": sign(good | {"jti": "w@other.example.com"}),
        "token-signature": lab.other.token(good),
        "token-signature/changed": changed(sign(good), 1, b"Sowner/one", b"Sowner/two"),
        "token-algorithm": none,
        "token-algorithm/hmac": sign(good, {"alg": "HS256", "typ": "JWT"}),
        "token-unreadable": sign(good, {"alg": "ES256"}),
        "token-unreadable/cty": sign(good, {"alg": "ES256", "typ": "JWT", "cty": "JWT"}),
        "token-unreadable/azp": sign({k: v for k, v in good.items() if k != "azp"}),
        "token-unreadable/jti": sign(good | {"jti": f"@{FQDN}"}),
        "token-unreadable/member": sign(good | {"tkps": {"pm": [{"ris": ["Sowner/one"], "only": "mondays"}]}}),
        "token-unreadable/everything": sign(good | {"tkps": {"pm": [{"pv": {"acr": [{"acor": ["all"], "acop": 63}]}}]}}),
        "token-too-large": sign(good | {"tkex": "x" * 7000}),
    }


def test_what_makes_a_token_worthless(lab):
    with connect(lab, "guest") as g:
        for want, token in worthless(lab).items():
            r = show(g, token)
            assert (r.rsc, r.reason) == (4103, want.split("/")[0]), (want, r)
        for bad in ("Digest username=\"x\"", "nonsense", "a.b.c+", "+".join(["a.b.c"] * 5)):
            assert show(g, bad).rsc == 5001, bad


def test_who_is_refused_is_told_where_to_ask(lab):
    """The whole of it: refused with the DAS, fetches a token there, comes again with its Token-ID, and the CSE fetches the token."""
    with connect(lab, "guest") as g:
        r = ks.ask(g, "retrieve", "/-/Sowner/two?tqi=true", origin="Sguest")
        das = r.json["dasi"][0]
        assert r.rsc == 4103 and list(r.json) == ["dasi"] and das["uri"] == lab.url and das["dreq"]["or"] == f"//{ks.SP}/Sguest", r
        assert "dasi" not in ks.ask(g, "retrieve", "/-/Sowner/closed?tqi=true", origin="Sguest").json
        token = lab.signer.token(claims("fetched", "Sguest", [das["dreq"]["trid"]]))
        lab.das.answer = lambda dreq: json.dumps({"m2m:seci": {"sit": 2, "dres": {"tkns": [token]}}}).encode()
        n = len(lab.das.got)
        path = f"/-/Sowner/two?tids=fetched%40{FQDN}"
        r = ks.ask(g, "retrieve", path, origin="Sguest")
        assert r.rsc == 2000 and r.headers["x-m2m-ati"].endswith(f":fetched@{FQDN}"), r
        assert lab.das.got[n][2]["dreq"]["tids"] == [f"fetched@{FQDN}"]
        assert ks.ask(g, "retrieve", path, origin="Sguest").rsc == 2000 and len(lab.das.got) == n + 1, "it is kept"
        lab.das.answer = lambda dreq: 403
        r = ks.ask(g, "retrieve", f"/-/Sowner/two?tids=never%40{FQDN}", origin="Sguest")
        assert (r.rsc, r.reason) == (4103, "token-unknown") and len(lab.das.got) == n + 2, r
        forged = lab.other.token(claims("forged", "Sguest", ["Sowner/two"]))
        lab.das.answer = lambda dreq: json.dumps({"m2m:seci": {"sit": 2, "dres": {"tkns": [forged]}}}).encode()
        r = ks.ask(g, "retrieve", f"/-/Sowner/two?tids=forged%40{FQDN}", origin="Sguest")
        assert (r.rsc, r.reason) == (4103, "token-unknown"), r


def test_tokens_in_a_direct_answer(lab):
    """The CSE asks by itself, and what it gets is a token: it decides with it, keeps it, and names it to the originator."""
    def gives(*tokens, **dai):
        lab.das.answer = lambda dreq: json.dumps({"m2m:seci": {"sit": 2, "dres": {"tkns": list(tokens)} | dai}}).encode()

    rule, own = {"acr": [{"acor": [f"helper@{FQDN}"], "acop": 2}]}, {"acr": [{"acor": ["Sowner"], "acop": 63}]}
    sign = lab.signer.token
    with connect(lab, "owner") as o, connect(lab, "guest") as g, connect(lab, "other") as x:
        for name in ("given", "never", "helped", "both", *(f"bad{i}" for i in range(5))):
            box(o, name)
        assert ks.ask(o, "create", "/Sowner", {"m2m:acp": {"rn": "helpers", "pv": rule, "pvs": own}}, 1, "Sowner").rsc == 2001
        assert ks.ask(o, "update", "/-/Sowner/helped", {"m2m:cnt": {"acpi": ["Sowner/helpers"]}}, origin="Sowner").rsc == 2004
        gives(sign(claims("given", "Sguest", ["Sowner/given"])))
        asked = len(lab.das.got)
        for _ in range(2):
            r = ks.ask(g, "retrieve", "/-/Sowner/given", origin="Sguest")
            assert r.rsc == 2000 and r.headers["x-m2m-ati"].endswith(f":given@{FQDN}"), r
        assert len(lab.das.got) == asked + 1, "it is kept"
        local = r.headers["x-m2m-ati"].split(":")[0]
        assert ks.ask(g, "retrieve", f"/-/Sowner/given?ltids={local}", origin="Sguest").rsc == 2000
        # a role that the token gives, for a rule of a policy
        gives(sign(claims("help", "Sguest", []) | {"tkps": {"pm": [{"rids": [f"helper@{FQDN}"]}]}}))
        assert ks.ask(g, "retrieve", "/-/Sowner/helped", origin="Sguest").rsc == 2000
        # good, but not for this
        gives(sign(claims("elsewhere", "Sguest", ["Sowner/given"])))
        assert ks.ask(g, "retrieve", "/-/Sowner/never", origin="Sguest").rsc == 4103
        # one that is wrong spoils the answer, rules and all
        for i, bad in enumerate((lab.other.token(claims("w0", "Sguest", ["Sowner/bad0"])), sign(claims("w1", "Sother", ["Sowner/bad1"])),
                                 sign(claims("w2", "Sguest", ["Sowner/bad2"]) | {"exp": int(time.time()) - 1}), "a.b.c", 5)):
            gives(bad, dai={"gp": {"acr": [{"acor": ["all"], "acop": 2}]}})
            n = len(lab.das.got)
            assert ks.ask(g, "retrieve", f"/-/Sowner/bad{i}", origin="Sguest").rsc == 4103, bad
            assert len(lab.das.got) - n == 1, bad
        gives(sign(claims("both", "Sother", ["Sowner/one"])), dai={"gp": {"acr": [{"acor": ["all"], "acop": 2}]}})
        r = ks.ask(x, "retrieve", "/-/Sowner/both", origin="Sother")
        assert r.rsc == 2000 and "x-m2m-ati" not in r.headers, "rules beside it decide first"
    lab.das.answer = lambda dreq: 403


def keep(conn, token, who="Sdas", **attrs):
    body = {"tkid": json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["jti"], "tkob": token} | attrs
    return ks.ask(conn, "create", "/-", {"m2m:tk": body}, 32, who)


def stamp(seconds):
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))


def test_a_token_as_a_resource(lab):
    """The issuer keeps it here, and its holder needs the Token-ID alone, as long as the resource is there."""
    say = claims("kept", "Sguest", ["Sowner/two"])
    token, path = lab.signer.token(say), f"/-/Sowner/two?tids=kept%40{FQDN}"
    lab.das.answer = lambda dreq: 403
    with connect(lab, "das") as d, connect(lab, "guest") as g, connect(lab, "other") as x:
        assert ks.ask(g, "retrieve", path, origin="Sguest").reason == "token-unknown"
        assert keep(g, token, "Sguest").rsc == 4103, "not its holder: policies of the CSEBase decide about others"
        r = keep(d, token, rn="kept")
        tk = r.json["m2m:tk"]
        assert r.rsc == 2001 and tk["et"] == tk["tkna"] == stamp(say["exp"]) and tk["tknb"] == stamp(say["nbf"]), r
        assert (tk["tkis"], tk["tkhd"], tk["tkob"]) == (ISSUER, say["azp"], token)
        asked = len(lab.das.got)
        r = ks.ask(g, "retrieve", path, origin="Sguest")
        assert r.rsc == 2000 and len(lab.das.got) == asked, r
        local = r.headers["x-m2m-ati"].split(":")[0]
        assert ks.ask(g, "retrieve", f"/-/Sowner/two?ltids={local}", origin="Sguest").rsc == 2000
        assert ks.ask(x, "retrieve", path, origin="Sother").reason == "token-unknown", "another has none of that name"
        # who may look at it
        assert ks.ask(g, "retrieve", "/-/kept", origin="Sguest").json["m2m:tk"]["tkob"] == token
        assert ks.ask(x, "retrieve", "/-/kept", origin="Sother").rsc == 4103
        assert ks.ask(g, "delete", "/-/kept", origin="Sguest").rsc == 4103
        # what it says is never changed, and it does not outlive the token
        assert ks.ask(d, "update", "/-/kept", {"m2m:tk": {"tkob": token}}, origin="Sdas").rsc // 1000 == 4
        r = ks.ask(d, "update", "/-/kept", {"m2m:tk": {"et": "20990101T000000", "lbl": ["x"]}}, origin="Sdas")
        assert r.rsc == 2004 and r.json["m2m:tk"]["et"] == tk["et"], r
        assert keep(d, token).rsc == 4105, "one of a name"
        assert ks.ask(d, "delete", "/-/kept", origin="Sdas").rsc == 2002
        r = ks.ask(g, "retrieve", path, origin="Sguest")
        assert (r.rsc, r.reason) == (4103, "token-unknown"), r
        assert keep(d, token).rsc == 2001


def test_what_is_kept_says_what_the_token_says(lab):
    now, say = int(time.time()), claims("said", "Sguest", ["Sowner/two"], tknm="two", tkex="x")
    token, sign = lab.signer.token(say), lab.signer.token
    with connect(lab, "das") as d, connect(lab, "guest") as g:
        for wrong in ({"tkid": f"other@{FQDN}"}, {"vr": "2.0"}, {"tkis": f"//{ks.SP}/Sother"}, {"tkhd": f"//{ks.SP}/Sother"}, {"tknm": "three"},
                      {"tkau": [f"//{ks.SP}/mn"]}, {"tkps": {"pm": []}}, {"tkex": "y"}, {"tknb": "20200101T000000"}, {"tkna": "20990101T000000"}):
            r = keep(d, token, **wrong)
            assert r.rsc == 4102 and list(wrong)[0] in json.dumps(r.json), (wrong, r)
        for bad, why in ((lab.other.token(say), "token-signature"), ("a.b.c", "token-unreadable"), (sign(say | {"exp": now - 1}), "token-expired"),
                         (sign(say | {"iss": f"//{ks.SP}/Sstranger"}), "token-issuer-unknown")):
            r = ks.ask(d, "create", "/-", {"m2m:tk": {"tkid": f"said@{FQDN}", "tkob": bad}}, 32, "Sdas")
            assert r.reason == why, (why, r)
        assert keep(d, token, vr="1.0", tkis=ISSUER, tkhd=say["azp"], tknm="two", tkau=say["aud"], tkps=say["tkps"], tkex="x",
                    tknb=stamp(say["nbf"]), tkna=stamp(say["exp"])).rsc == 2001
        # for another CSE, or for later, it is kept; here and now it opens nothing
        for jti, more, why in (("far", {"aud": [f"//{ks.SP}/mn"]}, "token-audience"), ("soon", {"nbf": now + 300}, "token-not-yet-valid")):
            assert keep(d, sign(claims(jti, "Sguest", ["Sowner/two"]) | more)).rsc == 2001
            r = ks.ask(g, "retrieve", f"/-/Sowner/two?tids={jti}%40{FQDN}", origin="Sguest")
            assert (r.rsc, r.reason) == (4103, why) and f"jti: {jti}@{FQDN}" in json.dumps(r.json), r


def test_a_device_shows_one(lab, tmp_path):
    identity, key = lab.keys["guest"]
    cli, ask = Cli(lab, tmp_path / "device"), ("request", "retrieve", "/-/Sowner/one", "--from", "Sguest")
    cli.ok("associate", *cli.associate_args(**{"--kpsa-id": identity, "--kpsa-file": lab.key_file("guest-device", key)}))
    cli.no(1, "no-privilege", *ask)
    file = tmp_path / "token"
    file.write_text(lab.signer.token(claims("d", "Sguest", ["Sowner/one"])) + "\n")
    assert cli.ok(*ask, "--token", file)["rsc"] == 2000
    file.write_text("no token")
    cli.no(2, "usage", *ask, "--token", file)
    said = cli.no(2, "usage", *ask, "--token", tmp_path / "none")
    assert "--token" in said["detail"] and "none" in said["detail"]
    pasted = lab.signer.token(claims("d", "Sguest", ["Sowner/one"]))
    said = json.dumps(cli.no(2, "usage", *ask, "--token", pasted))
    assert "--token" in said and pasted[:20] not in said and pasted[-20:] not in said


def test_a_role_in_a_token(lab):
    rule = {"acr": [{"acor": [f"reader@{FQDN}"], "acop": 2}]}
    own = {"acr": [{"acor": ["Sowner"], "acop": 63}]}
    with connect(lab, "owner") as o, connect(lab, "guest") as g:
        assert ks.ask(o, "create", "/Sowner", {"m2m:acp": {"rn": "readers", "pv": rule, "pvs": own}}, 1, "Sowner").rsc == 2001
        for name in ("library", "archive"):
            assert ks.ask(o, "create", "/Sowner", {"m2m:cnt": {"rn": name, "acpi": ["Sowner/readers"]}}, 3, "Sowner").rsc == 2001
        everywhere = claims("r1", "Sguest", []) | {"tkps": {"pm": [{"rids": [f"reader@{FQDN}"]}]}}
        here = claims("r2", "Sguest", []) | {"tkps": {"pm": [{"rids": [f"reader@{FQDN}"], "ris": ["cse-in/Sowner/library"]}]}}
        assert show(g, lab.signer.token(everywhere), "/-/Sowner/archive").rsc == 2000
        assert show(g, lab.signer.token(here), "/-/Sowner/library").rsc == 2000
        assert show(g, lab.signer.token(here), "/-/Sowner/archive").rsc == 4103
        assert ks.ask(g, "retrieve", "/-/Sowner/library", origin="Sguest").rsc == 4103


def test_what_goes_on_to_a_point_of_access(lab):
    """Tokens count before a NOTIFY is sent on to the AE, as they do for everything else."""
    rule, own = {"acr": [{"acor": [f"caller@{FQDN}"], "acop": 16}]}, {"acr": [{"acor": ["Sother"], "acop": 63}]}
    caller = claims("n", "Sguest", []) | {"tkps": {"pm": [{"rids": [f"caller@{FQDN}"]}]}}
    with connect(lab, "other") as o, connect(lab, "guest") as g:
        assert ks.ask(o, "create", "/Sother", {"m2m:acp": {"rn": "callers", "pv": rule, "pvs": own}}, 1, "Sother").rsc == 2001
        url = f"http://127.0.0.1:{lab.das.port}/calls"
        for change in ({"poa": [url]}, {"acpi": ["Sother/callers"]}):
            assert ks.ask(o, "update", "/Sother", {"m2m:ae": change}, origin="Sother").rsc == 2004

        def notify(token):
            n = len(lab.das.got)
            r = ks.ask(g, "notify", "/Sother", {"m2m:sgn": {"sur": "x"}}, None, "Sguest", [f"Authorization: {token}"] if token else [])
            return r, [p for p, _, _ in lab.das.got[n:]]

        r, told = notify(None)
        assert (r.rsc, told) == (4103, []), r
        r, told = notify(lab.signer.token(caller))
        assert (r.rsc, told) == (2000, ["/calls"]), r
        assert ks.ask(o, "update", "/-/Sother/callers", {"m2m:acp": {"pv": {"acr": [{"acor": ["all"], "acop": 16}]}}}, origin="Sother").rsc == 2004
        r, told = notify(None)
        assert (r.rsc, told) == (2000, ["/calls"]), r
        for bad, why in ((lab.other.token(caller), "token-signature"), ("a.b.c", "token-unreadable")):
            r, told = notify(bad)
            assert (r.rsc, r.reason, told) == (4103, why, []), r
