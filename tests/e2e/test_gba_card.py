"""A UICC in a reader: pcscd of Debian, the virtual reader of vsmartcard, and a USIM written from the specification. With GBA_ME and with GBA_U."""
import ctypes
import json

import pytest

import keystead as ks
import ub
import uicc
from test_device import Cli
from test_gba_device import IN, Sims
from test_zn import K, OPC, impi


@pytest.fixture(scope="module")
def bsf(tmp_path_factory):
    where = tmp_path_factory.mktemp("lab")
    reader = uicc.Reader(where)
    try:
        with ks.Lab(where / "c") as lab:
            it = Sims(lab)
            it.reader = reader
            lab.start("mef", "cse")
            probe = Cli(lab, lab.where / "probe")  # pcscd begins to listen, and looks for cards now and then: until it has seen one
            ks.wait_for(lambda: "sim-no-usim" in probe.run("enrol", *it.enrol_args("pcsc")).stdout, what="a card in the reader")
            yield it
    finally:
        reader.close()


def insert(bsf, n, gba, **more):
    """A subscriber, and the card of that subscriber in the reader."""
    bsf.card(n, f"Suicc{n}", "u" if gba else "me", f"{IN}=both")
    bsf.reader.card = uicc.Usim(ub.Sim(K, OPC), impi(n).split("@")[0], gba=gba, **more)
    return Cli(bsf.lab, bsf.lab.where / f"uicc{n}")


@pytest.mark.parametrize("n, gba, key", [(1, False, "me"), (2, True, "ext")])
def test_a_card_in_a_reader(bsf, n, gba, key):
    """R000-46, R001-112: IMSI from the card, Ks from its answer or in it, and the key of the CSE."""
    cli = insert(bsf, n, gba)
    got = cli.ok("enrol", *bsf.enrol_args("pcsc"))
    assert got["impi"] == impi(n) and got["naf_key"] == key
    assert cli.ok("associate", "--cse", cli.at("cse"))["framework"] == "gba"
    assert cli.ok("associate", "--cse", "coaps://" + cli.at("cse"))["framework"] == "gba"
    assert any(a[1] == 0x88 and a[3] == (0x84 if gba else 0x81) for a in bsf.reader.seen)


def test_the_card_is_ahead(bsf):
    cli = insert(bsf, 3, False)
    bsf.reader.card.sim.sqn = 5000 << 5
    cli.ok("enrol", *bsf.enrol_args("pcsc"))
    assert bsf.reader.card.sim.sqn >> 5 > 5000


def test_cards_that_do_not_help(bsf):
    """refuses R001-111: another K, no GBA in the card, a PIN, an answer that is none, none at all; each by its name."""
    cli = insert(bsf, 4, False)
    bsf.reader.card.sim.k = bytes(16)
    cli.no(1, "aka-network-unknown", "enrol", *bsf.enrol_args("pcsc"))
    bsf.reader.card.pin = True
    cli.no(2, "sim-pin", "enrol", *bsf.enrol_args("pcsc"))
    bsf.reader.card.pin = "blocked"
    cli.no(2, "sim-pin-blocked", "enrol", *bsf.enrol_args("pcsc"))
    bsf.reader.card.pin, bsf.reader.card.aid = False, bytes.fromhex("a0000000871004")  # an ISIM alone
    cli.no(2, "sim-no-usim", "enrol", *bsf.enrol_args("pcsc"))
    cli = insert(bsf, 7, False)
    for says in (b"\xdb\x08" + bytes(8), b"\xdd\x0e" + bytes(14)):  # RES alone, and what is no AUTS
        bsf.reader.card.authenticate = lambda context, data, says=says: says
        cli.no(2, "sim-card", "enrol", *bsf.enrol_args("pcsc"))
    bsf.reader.card = None
    assert json.loads(cli.run("enrol", *bsf.enrol_args("pcsc")).stdout)["error"] == "sim-no-usim"
    got = json.loads(cli.run("enrol", *bsf.enrol_args("pcsc:No such reader")).stdout)
    assert got["error"] == "sim-reader" and "No such reader" in got["detail"], got
    cli = insert(bsf, 5, True)
    cli.ok("enrol", *bsf.enrol_args("pcsc", **{"--naf-key": "int"}))  # a card has it for itself, and makes no TLS with it
    assert json.loads(cli.run("associate", "--cse", cli.at("cse")).stdout)["error"] == "gba-variant"


def test_the_reader_itself(bsf, monkeypatch):
    """No service, no card, one that another program holds: each by its name, and what PC/SC says of it."""
    cli = insert(bsf, 6, False)
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(bsf.lab.where / "no such socket"))
    cli.no(2, "sim-service", "enrol", *bsf.enrol_args("pcsc"))
    monkeypatch.delenv("PCSCLITE_CSOCK_NAME")
    pcsc = ctypes.CDLL("libpcsclite.so.1")
    context, card, protocol = ctypes.c_long(), ctypes.c_long(), ctypes.c_ulong()
    assert pcsc.SCardEstablishContext(2, None, None, ctypes.byref(context)) == 0
    names, n = ctypes.create_string_buffer(1024), ctypes.c_ulong(1024)
    assert pcsc.SCardListReaders(context, None, names, ctypes.byref(n)) == 0
    assert pcsc.SCardConnect(context, names.value, 1, 3, ctypes.byref(card), ctypes.byref(protocol)) == 0  # exclusive
    for reader in ("pcsc", f"pcsc:{names.value.decode()}"):
        got = json.loads(cli.run("enrol", *bsf.enrol_args(reader)).stdout)
        assert got["error"] == "sim-busy" and got["exit"] == 2 and "haring" in got["detail"], got
    assert pcsc.SCardDisconnect(card, 0) == 0 and pcsc.SCardReleaseContext(context) == 0
    cli.ok("enrol", *bsf.enrol_args("pcsc"))
    bsf.reader.socket.shutdown(2)  # the card is taken out
    ks.wait_for(lambda: "sim-absent" in cli.run("enrol", "--anew", *bsf.enrol_args("pcsc")).stdout, what="that the card is gone")
