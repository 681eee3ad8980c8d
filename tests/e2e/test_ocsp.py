"""OCSP stapling between running servers: a MAF demands it of the MEF and a CSE of the MAF, on every new connection
(R001-52, TS-0003 8.1.2.2); a response that proves nothing is not loaded, one that ended is not stapled and warned of."""
import keystead as ks
import pytest

MEF_PEER = f"peer {ks.MEF}"
MAF_PEER = f"peer {ks.MAF}"


def pki(*args):
    p = ks.run("pki", *args)
    assert p.returncode == 0, p.stdout + p.stderr


def ca(lab):
    return "--ca-cert", lab.where / "ca.crt", "--ca-key", lab.where / "ca.key"


def make(lab, role, *more):
    pki("ocsp", "--response", lab.where / f"{role}.ocsp", "--cert", lab.where / f"{role}.crt", "--crl", lab.where / "ca.crl",
        *ca(lab), *more)


def listener(lab, role):
    """The name of its first listener."""
    text = lab.conf(role).read_text()
    return text.split("\n[listener ", 1)[1].split("]", 1)[0]


def staple(lab, role, *more):
    make(lab, role, *more)
    lab.set(role, f"listener {listener(lab, role)}", "ocsp-response", f"{role}.ocsp")


def refused(lab, name, code):
    """A device whose MAF does not get its key: the handshake ends, the log of the MAF says why."""
    d = lab.enrol(lab.device(name))
    with pytest.raises(ks.tlspsk.Alert):
        lab.maf_register(d)
    assert f"code={code}" in lab.servers["maf"].log().replace('"', "")
    return d


def test_the_whole_journey_with_staples_required(new_lab):
    lab = new_lab
    for role in ("mef", "maf"):
        staple(lab, role)
    lab.set("maf", MEF_PEER, "ocsp", "required")
    for peer in (MEF_PEER, MAF_PEER):
        lab.set("cse", peer, "ocsp", "required")
    for role in ks.ROLES:
        assert ks.run("check", "-c", lab.conf(role)).stderr == ""
    lab.start()
    lab.journey("stapled")


def test_no_staple_is_refused_where_one_is_required(new_lab):
    lab = new_lab
    lab.set("maf", MEF_PEER, "ocsp", "required")
    lab.start("mef", "maf")
    d = refused(lab, "missing", "ocsp-missing")  # refuses R001-52
    # the operator gives the MEF a response: the next connection is good
    staple(lab, "mef")
    assert lab.ctl("mef", "reload").returncode == 0
    ks.wait_for(lambda: "reloaded" in lab.servers["mef"].log(), what="the reload")
    ks.wait_for(lambda: registers(lab, d), what="the MEF of the new configuration")
    # and without it again, where it is only wished for
    lab.stop("maf")
    lab.set("maf", MEF_PEER, "ocsp", "if-given")
    lab.conf("mef").write_text(lab.conf("mef").read_text().replace("ocsp-response =", "#ocsp-response ="))
    lab.restart("mef")
    lab.start("maf")
    assert lab.maf_register(lab.enrol(lab.device("wished"))).rsc == 2001


def registers(lab, device):
    try:
        return lab.maf_register(device).rsc == 2001
    except ks.tlspsk.Alert:
        return False


def test_what_ended_is_not_taken(new_lab):
    """The MAF's clock is ten days ahead: the staple of the MEF, good for seven, is none."""
    lab = new_lab
    staple(lab, "mef")
    lab.set("maf", MEF_PEER, "ocsp", "if-given")
    lab.start("mef")
    server = ks.Server(lab, "maf", env={"KEYSTEAD_CLOCK_OFFSET": str(10 * 86400)}, more=("--test-clock",))
    lab.servers["maf"] = server
    server.wait_ready()
    refused(lab, "stale", "ocsp-stale")


def test_a_response_that_ended_is_warned_of_and_kept_back(new_lab):
    lab = new_lab
    staple(lab, "mef", "--days", "1")
    p = ks.run("check", "-c", lab.conf("mef"))
    assert p.returncode == 0 and p.stdout == "ok\n" and "ends within a day" in p.stderr
    lab.set("maf", MEF_PEER, "ocsp", "required")
    server = ks.Server(lab, "mef")
    lab.servers["mef"] = server
    server.wait_ready()
    ks.wait_for(lambda: "ends within a day" in server.log(), what="the warning in the log")
    lab.start("maf")
    d = lab.enrol(lab.device("in-time"))
    assert lab.maf_register(d).rsc == 2001


def test_a_response_that_proves_nothing_is_not_loaded(new_lab):
    lab = new_lab
    staple(lab, "mef")
    lab.start("mef")
    good = (lab.where / "mef.ocsp").read_bytes()

    def fault(code_text):
        p = ks.run("check", "-c", lab.conf("mef"))
        assert p.returncode != 0 and code_text in p.stderr and "mef.ocsp" in p.stderr
        assert lab.ctl("mef", "reload").returncode != 0

    pki("ocsp", "--response", lab.where / "mef.ocsp", "--cert", lab.where / "maf.crt", "--crl", lab.where / "ca.crl", *ca(lab))
    fault("for another certificate")
    (lab.where / "mef.ocsp").write_bytes(good[:-1])
    fault("cannot be read")
    pki("crl", "--crl", lab.where / "revoking.crl", *ca(lab), "--revoke", lab.where / "mef.crt")
    pki("ocsp", "--response", lab.where / "mef.ocsp", "--cert", lab.where / "mef.crt", "--crl", lab.where / "revoking.crl", *ca(lab))
    fault("is revoked")
    (lab.where / "mef.ocsp").write_bytes(good)
    assert lab.ctl("mef", "reload").returncode == 0
    # who shows no certificate of its own has nothing to staple
    lab.set("maf", "maf", "ocsp-response", "maf.ocsp")
    make(lab, "maf")
    assert "[maf]: ocsp-response without certificate" in ks.run("check", "-c", lab.conf("maf")).stderr
    lab.append("mef", f"\n[listener psk-only]\nrole = mef\naddress = 127.0.0.1:{ks.free_port()}\nocsp-response = mef.ocsp\n")
    assert "ocsp-response without certificate" in ks.run("check", "-c", lab.conf("mef")).stderr
