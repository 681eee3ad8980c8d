"""Contents in CBOR as well as in JSON, over HTTP and CoAP, of every role: written and read here by Debian's cbor2, which knows
nothing of Keystead."""
import cbor2
import pytest

import coaps as with_coaps
import keystead as ks
from test_device import Cli
from test_dtls import CoapCli

TYPES = ("application/cbor", "application/vnd.onem2m-res+cbor")


@pytest.fixture(scope="module")
def udp(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as lab:
        lab.coaps = with_coaps.ports(lab)
        lab.start()
        yield lab


@pytest.fixture(scope="module")
def ae(udp):
    d = udp.journey("cbor")
    with udp.cse(d) as c:
        assert ks.create_container(c, d.stem, f"/{d.stem}", "box").rsc == 2001
    return d


def ask(c, operation, path, ae, content=None, media=TYPES[0], ty=None, headers=()):
    body = b"" if content is None else content if isinstance(content, bytes) else cbor2.dumps(content)
    typed = media + (f";ty={ty}" if ty else "")
    extra = [*headers, *([f"Content-Type: {typed}"] if body else []), f"Content-Length: {len(body)}"]
    c.sendall(ks.request_octets(operation, path, None, None, ae.stem, extra) + body)
    return ks.read_response(c)


@pytest.mark.parametrize("media", TYPES)
def test_created_in_cbor_and_read_in_both(udp, ae, media):
    with udp.cse(ae) as c:
        r = ask(c, "create", f"/-/{ae.stem}/box", ae, {"m2m:cin": {"con": "\u00fc 21.5"}}, media, 4)
        assert r.rsc == 2001 and r.headers["content-type"] == "application/cbor", r
        assert cbor2.loads(r.body)["m2m:cin"]["cs"] == 7, "what came in CBOR is answered in it"
        path = f"/-/{ae.stem}/box/la"
        plain = ks.ask(c, "retrieve", path, origin=ae.stem)
        assert plain.json["m2m:cin"]["con"] == "\u00fc 21.5", "without an Accept it is JSON"
        r = ask(c, "retrieve", path, ae, headers=[f"Accept: application/json;q=0.1, {media}"])
        assert r.headers["content-type"] == "application/cbor" and cbor2.loads(r.body) == plain.json
        assert "content-transfer-encoding" not in r.headers
        r = ask(c, "create", f"/-/{ae.stem}/box", ae, {"m2m:cin": {"con": "x"}}, media, 4, ["Accept: application/json"])
        assert r.rsc == 2001 and r.headers["content-type"] == "application/json" and r.json["m2m:cin"]["cs"] == 1


@pytest.mark.parametrize("octets,reason", [
    (b"{}", "cbor-malformed"), (b"\xbf\xff", "cbor-malformed"), (b"\xa0\x00", "cbor-malformed"), (b"\x80", "cbor-malformed"),
    (b"\xa1\x67m2m:cin", "cbor-malformed"), (b"\xa1\x61a\x41x", "cbor-malformed"), (b"\xa1\x61a\x1b" + b"\xff" * 8, "cbor-malformed"),
    (b"\xa1\x61a\x61\xff", "cbor-malformed"), (b"\xa1\x61a\xf9\x7e\x00", "cbor-malformed"), (b"\xbb" + b"\xff" * 8, "cbor-malformed"),
    (b"\xa2\x61a\x01\x61a\x02", "json-duplicate-member"), (b"\xa1\x61a" + b"\x81" * 40 + b"\x80", "too-deep")])
def test_refused(udp, ae, octets, reason):
    with udp.cse(ae) as c:
        r = ask(c, "create", f"/-/{ae.stem}/box", ae, octets, ty=4)
        assert (r.rsc, r.status) == (4000, 400) and r.headers["content-type"] == "application/cbor", r
        assert reason in cbor2.loads(r.body)["m2m:dbg"], "the refusal too is in CBOR"
        assert ks.ask(c, "retrieve", f"/-/{ae.stem}/box", origin=ae.stem).rsc == 2000, "the connection goes on"


def test_a_raw_route_takes_none(udp):
    """EST has its own media types: CBOR is none of them, and an Accept of CBOR does not change them."""
    d = udp.device("est-cbor")
    with udp.psk("mef", d.kpm_id, d.psk).connect() as c:
        r = ask(c, "notify", "/.well-known/est/simpleenroll", d, {"a": 1})
        assert r.status == 415, r


@pytest.mark.parametrize("way", [Cli, CoapCli])
def test_the_whole_way(udp, tmp_path, way):
    """MEF, MAF and registrar, each asked in CBOR: MAF client and key registration, AE registration, resources."""
    d = udp.device("cbor-" + way.__name__.lower())
    cli = way(udp, tmp_path / "device", d)
    cli.ok("enrol", "--cbor", *cli.enrol_args())
    assert cli.ok("associate", "--cbor", *cli.associate_args())["framework"] == "maf"
    assert cli.ok("register", "--cbor", "--app-id", "Nthermometer", "--from", "S")["ae_id"] == d.stem
    cli.ok("request", "create", f"/{d.stem}", "--cbor", "--type", "3", "--content", '{"m2m:cnt":{"rn":"box"}}')
    big = "x" * 6000  # over CoAP: blocks in both directions
    cli.ok("request", "create", f"/-/{d.stem}/box", "--cbor", "--type", "4", "--content", '{"m2m:cin":{"con":"%s"}}' % big)
    assert big in cli.run("request", "retrieve", f"/-/{d.stem}/box/la", "--cbor").stdout
    assert big in cli.run("request", "retrieve", f"/-/{d.stem}/box/la").stdout
    cli.no(1, "not-found", "request", "retrieve", f"/-/{d.stem}/nothing", "--cbor")
    cli.no(2, "json-malformed", "request", "create", f"/{d.stem}", "--cbor", "--type", "3", "--content", "{")
