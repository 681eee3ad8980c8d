"""Two MEFs behind one address and two MAFs behind another, told apart by the server name (SNI), over TLS and DTLS: each shows
its own certificate, and nothing of one opens the other."""
import hashlib
import json
import re
import ssl
import subprocess

import pytest

import coaps as with_coaps
import keystead as ks
import tlspsk
from test_certificate import files, issue
from test_device import Cli

MEF_B, MAF_B = f"mef-b.{ks.SP}", f"maf-b.{ks.SP}"
NAMES = {"mef": (ks.MEF, MEF_B), "maf": (ks.MAF, MAF_B)}
AE = f"//{ks.SP}/Scert"


def section(role, name, fqdn):
    return f"\n[{role} {name}]\nfqdn = {fqdn}\ncertificate = {fqdn}.crt\nkey = {fqdn}.key\naliases = alias-{fqdn}\n"


def peer(lab, role, kind, fqdn, shown):
    lab.append(role, f"\n[peer {fqdn}]\nkind = {kind}\naddress = {'{}:{}'.format(*lab.address(kind))}\ncertificate = {shown}.crt\n"
                     f"key = {shown}.key\ntrust = ca.crt\ncrl = ca.crl\n")


def prepare(lab):
    for fqdn in (MEF_B, MAF_B):
        issue(lab.where, fqdn, "fqdn", fqdn)
    lab.append("mef", section("mef", "b", MEF_B))
    lab.append("maf", section("maf", "b", MAF_B))
    peer(lab, "maf", "mef", MEF_B, "maf")  # for [maf b] its own certificate counts
    peer(lab, "cse", "maf", MAF_B, "cse")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("lab") / "l") as lab:
        prepare(lab)
        issue(lab.where, "ae", "ae-id", AE)
        lab.coaps = with_coaps.ports(lab)
        lab.start()
        yield lab


class Second(Cli):
    """A device of the second MEF and MAF."""

    def __init__(self, lab, where, device, scheme=""):
        super().__init__(lab, where, device)
        self.scheme = scheme

    def at(self, role):
        return f"{self.scheme}127.0.0.1:{self.lab.address(role)[1]}"

    def enrol_args(self, **change):
        return super().enrol_args(**{"--mef-id": MEF_B, **change})


def second_device(lab, name, target=MAF_B):
    """As Lab.add, at the second instances."""
    d = ks.Device(name, target=target)
    d.kpm_id = f"{name}@{MEF_B}"
    lab.ctl_json("mef", "credential", "add", "--instance", MEF_B, "--kind", "kpm", "--id", d.kpm_id, "--key-file",
                 lab.key_file(name, d.psk), "--target", target, "--enrolee-id", d.enrolee_id)
    lab.ctl_json("maf", "client", "allow", "--instance", "b", "--client", d.enrolee_id, "--target", ks.CSE_ID)
    return d


def credentials(lab, role, *instance):
    return [c["id"] for c in lab.ctl_json(role, "credential", "list", *instance)["credentials"]]


def s_client(lab, role, name, *more, datagram=False):
    port = lab.coaps[role] if datagram else lab.address(role)[1]
    sni = ["-servername", name] if name else ["-noservername"]
    p = subprocess.run(["openssl", "s_client", "-dtls1_2" if datagram else "-tls1_2", "-connect", f"127.0.0.1:{port}", *sni,
                        "-CAfile", lab.where / "ca.crt", "-state", *more], input=b"Q\n", capture_output=True, timeout=ks.PATIENCE)
    return (p.stdout + p.stderr).decode(errors="replace")


def psk(lab, identity, key, name, datagram=False):
    suite = "PSK-AES128-CCM8:@SECLEVEL=0" if datagram else "PSK-AES128-CBC-SHA256"
    return s_client(lab, "mef", name, "-psk_identity", identity, "-psk", key.hex(), "-cipher", suite, datagram=datagram)


def finished(out):
    return "read finished" in out


# -- certificates --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("datagram", [False, True], ids=["tls", "dtls"])
@pytest.mark.parametrize("role", ["mef", "maf"])
def test_each_shows_its_own_certificate(pair, role, datagram):
    own, other = NAMES[role]
    suite = ["-cipher", "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"] if datagram else []
    for name, shown in ((own, own), (other, other), (other.upper(), other), (f"alias-{other}", other), ("localhost", own), (None, own)):
        out = s_client(pair, role, name, *suite, datagram=datagram)
        (pair.where / "shown.pem").write_text(re.search("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", out, re.S)[0])
        text = ks.run("pki", "show", pair.where / "shown.pem").stdout
        assert shown in text and (own if shown == other else other) not in text, (name, text)
    for name in (f"mef-c.{ks.SP}", f"alias-{own}", NAMES["maf" if role == "mef" else "mef"][1]):
        out = s_client(pair, role, name, *suite, datagram=datagram)
        assert "SSL alert number 112" in out and not finished(out), out  # refuses an unknown server name
    assert "code=sni-unknown" in pair.servers[role].log()


# -- enrolment and what follows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["", "coaps://"], ids=["tls", "dtls"])
def test_the_whole_way_at_both(pair, tmp_path, scheme):
    """The device, its MAF that asks the MEF in its own name, and the CSE that asks that MAF."""
    tag = "d" if scheme else "t"
    for d, mef, maf, cls in ((pair.device(f"first-{tag}"), ks.MEF, ks.MAF, Cli), (second_device(pair, f"second-{tag}"), MEF_B, MAF_B, Second)):
        cli = Second(pair, tmp_path / d.name, d, scheme)
        got = cli.ok("enrol", *cli.enrol_args(**{"--mef-id": mef}))
        assert got["ke_id"].endswith("@" + mef)
        got = cli.ok("associate", *cli.associate_args())
        assert got["framework"] == "maf" and got["key_id"].endswith("@" + maf)
        assert cli.ok("register", "--app-id", "Nmade-up", "--from", "S")["ae_id"] == d.stem
    assert f"first-{tag}@{ks.MEF}" in credentials(pair, "mef")
    assert f"second-{tag}@{MEF_B}" in credentials(pair, "mef", "--instance", "b")
    events = pair.ctl_json("mef", "audit", "tail", "--limit", "200")["events"]
    for event in ("credential-added", "ke-issued", "key-released"):
        named = [(e["object"].split("@")[1], e.get("instance")) for e in events if e["event"] == event and "@" in e["object"]]
        assert set(named) == {(ks.MEF, None), (MEF_B, MEF_B)}, (event, named)
    assert pair.ctl_json("mef", "audit", "verify")["intact"] and pair.ctl_json("maf", "audit", "verify")["intact"]
    answers = pair.ctl_json("maf", "status")["counters"]["answers"]
    assert any(k.startswith("maf b ") for k in answers) and any(k.startswith("maf ") and not k.startswith("maf b") for k in answers)


# -- apart ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("datagram", [False, True], ids=["tls", "dtls"])
def test_a_credential_opens_its_own_instance_alone(pair, datagram):
    tag = "d" if datagram else "t"
    a, b = pair.device(f"twin-{tag}"), second_device(pair, f"twin-{tag}")
    b.psk = hashlib.sha256(f"another made-up key {tag}".encode()).digest()
    pair.ctl_json("mef", "credential", "revoke", "--instance", MEF_B, b.kpm_id)
    assert finished(psk(pair, a.kpm_id, a.psk, ks.MEF, datagram)), "what was revoked in one lives in the other"
    assert not finished(psk(pair, b.kpm_id, a.psk, MEF_B, datagram))  # refuses a revoked credential
    c = second_device(pair, f"own-{tag}")
    assert finished(psk(pair, c.kpm_id, c.psk, MEF_B, datagram))
    for identity, key, name in ((a.kpm_id, a.psk, MEF_B), (c.kpm_id, c.psk, ks.MEF), (c.kpm_id, c.psk, None)):
        out = psk(pair, identity, key, name, datagram)
        assert not finished(out) and "SSL alert number 115" in out, out  # refuses a credential of the other instance
    assert a.kpm_id not in credentials(pair, "mef", "--instance", "b") and c.kpm_id not in credentials(pair, "mef")
    log = pair.servers["mef"].log()
    assert re.search(rf"event=refused .*detail={re.escape(a.kpm_id)} .*instance={re.escape(MEF_B)}", log), log[-3000:]


def test_one_identity_with_two_keys(pair):
    """The identity of a pre-shared key at the MAF, and that of a certificate at the MEF, in both instances."""
    for fqdn, more in ((ks.MAF, []), (MAF_B, ["--instance", MAF_B])):
        key = hashlib.sha256(b"made-up km at " + fqdn.encode()).digest()
        pair.ctl_json("maf", "credential", "add", "--kind", "km", "--id", f"same@{fqdn}", "--key-file", pair.key_file("same", key), *more)
    for fqdn, other in ((ks.MAF, MAF_B), (MAF_B, ks.MAF)):
        key = hashlib.sha256(b"made-up km at " + fqdn.encode()).digest()
        with tlspsk.PskClient(pair.address("maf"), f"same@{fqdn}", key, sni=fqdn) as c:
            c.connect()
        with pytest.raises(tlspsk.Alert):
            with tlspsk.PskClient(pair.address("maf"), f"same@{fqdn}", key, sni=other) as c:
                c.connect()


def test_a_certificate_is_known_where_it_was_added(pair, tmp_path):
    cli = Second(pair, tmp_path / "device", None)
    args = ["--mef", cli.at("mef"), "--target", ks.MAF, "--maf", cli.at("maf"), *files(pair.where, "ae")]
    pair.ctl_json("mef", "credential", "add", "--kind", "cert", "--id", AE, "--flavour", "ae-id", "--target", ks.MAF)
    assert cli.ok("enrol", "--mef-id", ks.MEF, *args)["ke_id"].endswith("@" + ks.MEF)
    other = Second(pair, tmp_path / "other", None)
    got = json.loads(other.run("enrol", "--mef-id", MEF_B, *args).stdout)
    assert got["exit"] == 1 and got["error"] == "certificate-not-instructed", got  # refuses a certificate that the other instance knows
    assert re.search(rf"event=refused .*instance={re.escape(MEF_B)}", pair.servers["mef"].log())

    def audited():
        return [e for e in pair.ctl_json("mef", "audit", "tail", "--limit", "5")["events"]
                if e["event"] == "certificate-refused" and e.get("instance") == MEF_B]
    assert ks.wait_for(audited)
    pair.ctl_json("mef", "credential", "add", "--instance", "b", "--kind", "cert", "--id", AE, "--flavour", "ae-id", "--target", MAF_B)
    got = other.ok("enrol", "--mef-id", MEF_B, *[MAF_B if a == ks.MAF else a for a in args])
    assert got["ke_id"].endswith("@" + MEF_B)
    pair.ctl_json("mef", "credential", "revoke", "--instance", "b", f"33-{AE}" if f"33-{AE}" in credentials(pair, "mef", "--instance", "b") else AE)
    third = Second(pair, tmp_path / "third", None)
    assert third.ok("enrol", "--mef-id", ks.MEF, *args)["ke_id"].endswith("@" + ks.MEF), "revoked in the other one only"


def test_a_key_of_one_is_not_fetched_through_the_other(pair, tmp_path):
    d, second = pair.enrol(pair.device("fetched")), second_device(pair, "fetched")
    assert pair.fetch(d.ke_id).status == 200
    ke_id = Second(pair, tmp_path / "device", second).ok("enrol", *Second(pair, None, second).enrol_args())["ke_id"]

    def fetch(name, key):
        with ks.CertClient(pair, "mef", "maf", server_name=name) as c:
            return ks.ask(c, "retrieve", f"/fetchCredentials/{key}/21", origin=ks.MAF)
    with pytest.raises(ssl.SSLError, match="ACCESS_DENIED"):  # refuses who is a target in the other instance alone
        fetch(MEF_B, d.ke_id)
    second_device(pair, "for-the-first-maf", target=ks.MAF)
    assert fetch(MEF_B, d.ke_id).rsc == fetch(ks.MEF, ke_id).rsc == 4004  # refuses a KeId of the other instance
    # a peer that has proved who it is and asks for what is another's: the audit chain names the instance
    assert fetch(MEF_B, ke_id).status == 403
    last = pair.ctl_json("mef", "audit", "tail", "--limit", "1")["events"][0]
    assert last["event"] == "refused" and last["instance"] == MEF_B and last["outcome"] != "ok", last
    assert re.search(rf"event=refused .*peer={re.escape(ks.MAF)} .*instance={re.escape(MEF_B)}", pair.servers["mef"].log())


# -- the operator -----------------------------------------------------------------------------------------------------


def test_ctl_speaks_to_one_instance(pair, new_lab):
    for unknown in ("nobody", ks.MAF):
        p = pair.ctl("mef", "credential", "list", "--instance", unknown)
        assert p.returncode == 2, p.stderr
    assert pair.ctl("mef", "audit", "tail", "--instance", "b").returncode == 2  # of the whole server
    assert [i for i in pair.ctl_json("mef", "status")["instances"]] == [{"section": "mef", "fqdn": ks.MEF}, {"section": "mef b", "fqdn": MEF_B}]
    prepare(new_lab)  # and without a server
    d = second_device(new_lab, "early")
    assert credentials(new_lab, "mef") == [] and credentials(new_lab, "mef", "--instance", "B") == [d.kpm_id]
    assert new_lab.ctl("mef", "credential", "list", "--instance", "nobody").returncode == 2
    assert new_lab.ctl("mef", "credential", "list", "--instance", "").returncode == 2
    assert "credential-added" in str(new_lab.ctl_json("mef", "audit", "tail"))


def test_reload_adds_and_removes_an_instance(new_lab):
    lab = new_lab
    lab.coaps = {}
    alone = {r: lab.conf(r).read_text() for r in ("mef", "maf")}
    lab.start("mef")
    assert "SSL alert number 112" in s_client(lab, "mef", MEF_B)
    prepare(lab)
    lab.ctl_json("mef", "reload")
    d = second_device_mef(lab, "kept")
    assert finished(psk(lab, d.kpm_id, d.psk, MEF_B))
    with_it = lab.conf("mef").read_text()
    lab.conf("mef").write_text(alone["mef"])
    lab.ctl_json("mef", "reload")
    assert "SSL alert number 112" in psk(lab, d.kpm_id, d.psk, MEF_B)
    assert not finished(psk(lab, d.kpm_id, d.psk, None)) and d.kpm_id not in credentials(lab, "mef")
    assert lab.ctl("mef", "credential", "list", "--instance", "b").returncode == 2
    # it comes back under another section name, in another place of the file: the FQDN says whose the records are
    moved = alone["mef"].replace("\n[mef]\n", section("mef", "renamed", MEF_B) + "\n[mef]\n")
    assert moved != alone["mef"] and with_it != moved
    lab.conf("mef").write_text(moved)
    lab.ctl_json("mef", "reload")
    assert credentials(lab, "mef", "--instance", "renamed") == [d.kpm_id]
    assert finished(psk(lab, d.kpm_id, d.psk, MEF_B))
    # a file with two of one name changes nothing
    lab.append("mef", section("mef", "again", MEF_B))
    assert lab.ctl("mef", "reload").returncode != 0
    assert finished(psk(lab, d.kpm_id, d.psk, MEF_B))


def test_records_do_not_change_their_authority(new_lab):
    """[mef] and [mef b] change places in the file: refused at a reload and at a start."""
    lab = new_lab
    lab.coaps = {}
    prepare(lab)
    lab.start("mef")
    d = second_device_mef(lab, "kept")
    good = lab.conf("mef").read_text()
    swapped = good.replace(f"fqdn = {ks.MEF}", "fqdn = x").replace(f"fqdn = {MEF_B}", f"fqdn = {ks.MEF}").replace("fqdn = x", f"fqdn = {MEF_B}")
    promoted = good.split("\n[mef b]\n")[0].replace(f"fqdn = {ks.MEF}", f"fqdn = {MEF_B}")
    for wrong in (swapped, promoted):
        assert wrong != good
        lab.conf("mef").write_text(wrong)
        p = lab.ctl("mef", "reload")
        assert p.returncode != 0 and "was the fqdn of [mef" in p.stderr, p.stderr
        assert finished(psk(lab, d.kpm_id, d.psk, MEF_B)), "what was there goes on"
    lab.stop("mef")
    for wrong in (swapped, promoted):
        lab.conf("mef").write_text(wrong)
        server = ks.Server(lab, "mef")
        assert server.wait_end() != 0 and "code=instance-moved" in server.log(), server.log()
        assert lab.ctl("mef", "credential", "revoke", d.kpm_id).returncode != 0
    lab.conf("mef").write_text(good.replace(f"fqdn = {ks.MEF}", f"fqdn = mef-new.{ks.SP}"))  # a new name is no other instance
    lab.start("mef")
    assert credentials(lab, "mef", "--instance", "b") == [d.kpm_id]
    assert finished(psk(lab, d.kpm_id, d.psk, MEF_B))


def second_device_mef(lab, name):
    d = ks.Device(name, target=MAF_B)
    d.kpm_id = f"{name}@{MEF_B}"
    lab.ctl_json("mef", "credential", "add", "--instance", MEF_B, "--kind", "kpm", "--id", d.kpm_id, "--key-file",
                 lab.key_file(name, d.psk), "--target", MAF_B)
    return d


def test_a_listener_serves_those_it_names(new_lab):
    lab = new_lab
    prepare(lab)
    port = ks.free_port()
    lab.append("mef", f"\n[listener b]\nrole = mef\naddress = 127.0.0.1:{port}\ninstances = {MEF_B}\n")
    lab.start("mef")
    d = second_device_mef(lab, "alone")
    for name in (MEF_B, None):
        with tlspsk.PskClient(("127.0.0.1", port), d.kpm_id, d.psk, sni=name) as c:
            c.connect()
    with pytest.raises(tlspsk.Alert) as refused:
        with tlspsk.PskClient(("127.0.0.1", port), d.kpm_id, d.psk, sni=ks.MEF) as c:
            c.connect()
    assert refused.value.number == ks.UNRECOGNIZED_NAME


@pytest.mark.parametrize("more, fault", [
    ("[mef b]\nfqdn = mef.keystead.test\n", "has mef.keystead.test"),
    ("[mef b]\nfqdn = MEF.keystead.test\n", "has mef.keystead.test"),
    ("[mef b]\n", "fqdn is missing"),
    ("[mef b]\nfqdn = mef-b.keystead.test\n[mef B]\nfqdn = mef-c.keystead.test\n", "stands twice"),
    ("[mef b]\nfqdn = mef-b.keystead.test\naliases = localhost\n", "leads to another instance too"),
    ("[mef b]\nfqdn = mef-b.keystead.test\ncertificate = mef.crt\n", "certificate and key go together"),
    ("[mef b]\nfqdn = mef-b.keystead.test\ncertificate = maf.crt\nkey = mef.key\n", "key does not belong to certificate"),
    ("[mef b]\nfqdn = mef-b.keystead.test\nwrong = 1\n", "unknown key"),
    ("[listener c]\nrole = mef\naddress = 127.0.0.1:0\ninstances = mef-c.keystead.test\n", "has the fqdn mef-c.keystead.test"),
    ("[server b]\nroles = mef\n", "takes no name"),
])
def test_check_names_what_is_wrong(new_lab, more, fault):
    new_lab.append("mef", "\n" + more)
    p = ks.run("check", "-c", new_lab.conf("mef"))
    assert p.returncode == 2 and fault in p.stderr, p.stderr


# -- what lasts ---------------------------------------------------------------------------------------------------------


def test_after_kill_9(new_lab):
    lab = new_lab
    prepare(lab)
    lab.coaps = {}
    server = lab.start("mef")
    a, b = lab.add(ks.Device("a"), allowed=False), second_device_mef(lab, "b")
    assert finished(psk(lab, a.kpm_id, a.psk, ks.MEF)) and finished(psk(lab, b.kpm_id, b.psk, MEF_B))
    before = [lab.ctl_json("mef", "enrolment", "list", *more) for more in ([], ["--instance", "b"])]
    server.kill()
    lab.servers.pop("mef")
    lab.start("mef")
    assert [lab.ctl_json("mef", "enrolment", "list", *more) for more in ([], ["--instance", "b"])] == before
    assert [len(e["enrolments"]) for e in before] == [1, 1]
    assert credentials(lab, "mef") == [a.kpm_id] and credentials(lab, "mef", "--instance", "b") == [b.kpm_id]
    assert finished(psk(lab, b.kpm_id, b.psk, MEF_B)) and not finished(psk(lab, b.kpm_id, b.psk, ks.MEF))
    assert lab.ctl_json("mef", "audit", "verify")["intact"]


# -- another provider ------------------------------------------------------------------------------------------------


def test_a_device_follows_to_another_maf(pair, tmp_path):
    """Reassigned by the operator of the MEF: it learns its new MAF from its configuration there (TS-0003 8.3.5.2.4), by itself."""
    d = pair.device("follows")
    cli = Cli(pair, tmp_path / "device", d)
    stem = cli.all_the_way()
    before = cli.ok("status")
    pair.ctl_json("maf", "client", "allow", "--instance", "b", "--client", d.enrolee_id, "--target", ks.CSE_ID)
    told = {"maf": {"fqdn": MAF_B, "address": "{}:{}".format(*pair.address("maf"))}}
    p = pair.ctl("mef", "credential", "reassign", d.kpm_id, "--target", MAF_B, "--configuration", "[]", "--json")
    assert p.returncode != 0, p.stdout
    pair.ctl_json("mef", "credential", "reassign", d.kpm_id, "--target", MAF_B, "--configuration", json.dumps(told))
    ks.wait_for(lambda: cli.run("request", "retrieve", f"/-/{stem}").returncode == 1, what="the end of the old key")
    p = cli.run("keep", "--once")
    assert p.returncode == 0 and json.loads(p.stdout)["result"] == "enrolled", p.stdout
    after = cli.ok("status")
    assert after["kc_id"].endswith("@" + MAF_B) and before["kc_id"].endswith("@" + ks.MAF) and after["ae_id"] == stem
    cli.ok("request", "retrieve", f"/-/{stem}")
    assert json.loads(cli.run("keep", "--once").stdout)["result"] == "not-due"  # refuses R000-17
