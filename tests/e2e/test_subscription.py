"""Enrolment of nodes and applications with real processes: the operator writes contract, node and rule while the IN-CSE runs,
with two workers; the next request of every AE is judged by them."""
import keystead as ks


def ctl(lab, *args):
    return lab.ctl_json("cse", *args)


def get(lab, key, stem):
    with lab.psk("cse", *key).connect() as c:
        return ks.ask(c, "retrieve", f"/{stem}", origin=stem)


def test_contract_node_and_rule(new_lab):
    lab = new_lab
    lab.set("cse", "cse", "service-subscription", "on")
    lab.set("cse", "server", "workers", 2)
    one, other = (lab.add_kpsa(n, enrolee_id=f"//{ks.SP}/S{n}") for n in ("one", "other"))
    ctl(lab, "subscription", "add", "home", "--lifetime", "1d")  # before the server runs, as credentials are
    lab.start("cse")
    with lab.psk("cse", *one).connect() as c:
        r = ks.register(c, "Sone")
        assert (r.rsc, r.reason) == (4128, "subscription-missing"), r  # refuses R002-80
        ctl(lab, "rule", "add", "r", "--credential-ids", f"12-one@{ks.SP}", "--app-ids", "Nmade-up", "--aes", "Sone")
        ctl(lab, "node", "add", "n", "--subscription", "home", "--node-id", "urn:n", "--cse-id", "/in", "--rules", "r")
        r = ks.register(c, "Sone", api="Nother")
        assert (r.rsc, r.reason) == (4126, "application-rule"), r  # refuses R002-39
        assert ks.register(c, "Sone").rsc == 2001
        assert ks.create_container(c, "Sone", "/Sone", "box").rsc == 2001
    with lab.psk("cse", *other).connect() as c:
        assert ks.register(c, "Sother").rsc == 4126  # refuses R002-65
        ctl(lab, "rule", "set", "r", "--credential-ids", f"12-*@{ks.SP}", "--aes", "S*")
        assert ks.register(c, "Sother").rsc == 2001
        ctl(lab, "rule", "set", "r", "--app-ids", "Nnewer")  # R002-41: for all instances, at once
        assert ks.ask(c, "retrieve", "/Sother", origin="Sother").rsc == 4126
        assert get(lab, one, "Sone").rsc == 4126
        ctl(lab, "rule", "set", "r", "--app-ids", "N*")
        ctl(lab, "subscription", "set", "home", "--services", "cnt")
        assert ks.create_container(c, "Sother", "/Sother", "box").rsc == 2001
        r = ks.create_content(c, "Sother", "/-/Sother/box", "v")
        assert (r.rsc, r.reason) == (4103, "service-not-subscribed"), r  # refuses R002-68
    assert [n["name"] for n in ctl(lab, "node", "list", "--subscription", "home")["nodes"]] == ["n"]
    ctl(lab, "subscription", "remove", "home")
    assert get(lab, one, "Sone").rsc == 4128
    p = lab.ctl("cse", "node", "add", "n", "--subscription", "home", "--node-id", "1")
    assert p.returncode == 1 and "home" in p.stderr
    lab.restart("cse")
    assert get(lab, one, "Sone").rsc == 4128
    assert {r["name"] for r in ctl(lab, "rule", "list")["rules"]} == {"r"}
