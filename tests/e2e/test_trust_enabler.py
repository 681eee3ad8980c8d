"""A trust enabler: one MEF process for two administrating stakeholders, each with an instance of its own. The operator names the
stakeholder; a client registers for its own one only; nothing of one is seen through the other."""
import keystead as ks
from test_certificate import issue

OTHER = "other.example"
MEF_B = f"mef-b.{ks.SP}"


def body(adfq):
    return {"m2m:mecr": {"et": ks.later(), "adfq": adfq}}


def test_two_stakeholders(new_lab):
    lab = new_lab
    issue(lab.where, MEF_B, "fqdn", MEF_B)
    lab.set("mef", "mef", "admin-fqdn", ks.SP)
    lab.append("mef", f"\n[mef b]\nfqdn = {MEF_B}\ncertificate = {MEF_B}.crt\nkey = {MEF_B}.key\nadmin-fqdn = {OTHER}\n")

    def add(admin, name, fqdn, key):
        return lab.ctl("mef", "credential", "add", "--admin", admin, "--kind", "kpm", "--id", f"{name}@{fqdn}", "--key-file",
                       lab.key_file(f"{name}-{fqdn}", key), "--target", ks.MAF, "--enrolee-id", f"//{ks.SP}/S{name}")

    def listed(admin):
        return [c["id"] for c in lab.ctl_json("mef", "credential", "list", "--admin", admin)["credentials"]]

    first, second = b"\x11" * 32, b"\x22" * 32  # made up
    assert add(OTHER, "dev", MEF_B, second).returncode == 0  # no server yet
    lab.start("mef")
    assert add(ks.SP, "dev", ks.MEF, first).returncode == 0
    p = add(ks.SP, "dev2", MEF_B, second)  # a name of the other stakeholder's MEF
    assert p.returncode == 2, p.stdout
    p = add("nobody.example", "dev3", ks.MEF, first)  # refuses R002-43
    assert p.returncode != 0 and "nobody" not in str(listed(ks.SP))
    assert listed(ks.SP) == [f"dev@{ks.MEF}"] and listed(OTHER.upper()) == [f"dev@{MEF_B}"]
    assert lab.ctl("mef", "credential", "revoke", "--admin", ks.SP, f"dev@{MEF_B}").returncode == 1  # refuses R004-24
    with lab.psk("mef", f"dev@{ks.MEF}", first).connect() as c:
        r = ks.ask(c, "create", "/-", body(OTHER), 60005, f"//{ks.SP}/Sdev")
        assert (r.rsc, r.reason) == (4103, "stakeholder-not-served"), r
        assert ks.ask(c, "create", "/-", body(ks.SP), 60005, f"//{ks.SP}/Sdev").rsc == 2001
    registered = lab.ctl_json("mef", "registration", "list", "--admin", ks.SP)["registrations"]
    assert [r["admin-fqdn"] for r in registered] == [ks.SP]
    assert lab.ctl_json("mef", "registration", "list", "--admin", OTHER)["registrations"] == []
    assert lab.ctl("mef", "registration", "remove", "--admin", OTHER, registered[0]["id"]).returncode == 1
    p = lab.ctl("mef", "credential", "list", "--admin", OTHER, "--instance", "b")
    assert p.returncode == 2, "one or the other"
    tail = lab.ctl("mef", "audit", "tail", "--json").stdout
    assert f'"instance":"{MEF_B}"' in tail.replace(" ", "")


def test_two_instances_for_one_stakeholder_are_refused(new_lab):
    lab = new_lab
    lab.set("mef", "mef", "admin-fqdn", ks.SP)
    lab.append("mef", f"\n[mef b]\nfqdn = {MEF_B}\nadmin-fqdn = {ks.SP.upper()}\n")
    p = ks.run("check", "-c", lab.conf("mef"))
    assert p.returncode != 0 and "admin-fqdn: another [mef] serves" in p.stdout + p.stderr
