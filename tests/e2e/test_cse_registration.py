"""A field CSE registers at the IN-CSE with real processes: two workers, TLS, restarts, and the operator's commands."""
import keystead as ks


def enlist(conn, origin, **more):
    return ks.ask(conn, "create", "/-", {"m2m:csr": {"rr": True, "srv": ["3"], **more}}, 16, origin)


def read(lab, key, origin, path="/-/csr-mn"):
    with lab.psk("cse", *key).connect() as c:
        return ks.ask(c, "retrieve", path, origin=origin)


def test_registration_of_a_field_cse(new_lab):
    lab = new_lab
    lab.set("cse", "server", "workers", 2)
    mn = lab.add_kpsa("mn", enrolee_id=f"//{ks.SP}/mn")
    ae = lab.add_kpsa("ae", enrolee_id=f"//{ks.SP}/Sae")
    lab.start("cse")
    with lab.psk("cse", *mn).connect() as c:
        r = ks.ask(c, "retrieve", "/-", origin="/mn")
        assert (r.rsc, r.reason) == (4106, "from-not-registered"), r
        r = enlist(c, "/other")
        assert (r.rsc, r.reason) == (4106, "from-not-associated"), r  # refuses R002-24
        r = enlist(c, "/mn", csi="/other")
        assert (r.rsc, r.reason) == (4106, "from-not-associated"), r  # refuses R002-24
        assert enlist(c, "/mn", cst=1).rsc == 4005  # refuses R002-05
        assert ks.ask(c, "retrieve", "/csr-mn", origin="/mn").rsc == 4106  # nothing was made
        r = enlist(c, "", poa=["https://mn.example.com"])  # R002-25: it learns its CSE-ID from the answer
        assert (r.rsc, r.json["m2m:csr"]["csi"]) == (2001, "/mn"), r
        assert enlist(c, "/mn").rsc == 4117
        r = ks.ask(c, "update", "/csr-mn", {"m2m:csr": {"dcse": ["/deep"]}}, origin="/mn")
        assert r.rsc == 2004, r
    with lab.psk("cse", *ae).connect() as c:
        assert enlist(c, "Sae").rsc == 4005  # refuses R002-07
    lab.restart("cse")
    r = read(lab, mn, "/mn", "/csr-mn")
    assert (r.rsc, r.json["m2m:csr"]["dcse"]) == (2000, ["/deep"]), r
    with lab.psk("cse", *ae).connect() as c:
        assert ks.register(c, "Sae").rsc == 2001
    first, row = lab.ctl_json("cse", "registration", "list")["registrations"]
    assert (first["kind"], first["AE-ID"], row["kind"]) == ("ae", "Sae", "cse")
    assert (row["CSE-ID"], row["credential-id"], row["state"]) == ("/mn", f"12-mn@{ks.SP}", "valid")
    assert lab.ctl_json("cse", "registration", "show", "/mn")["pointOfAccess"] == ["https://mn.example.com"]
    with lab.psk("cse", *mn).connect() as c:
        assert ks.ask(c, "retrieve", "/csr-mn", origin="/mn").rsc == 2000
        lab.ctl_json("cse", "registration", "remove", "/mn")
        assert ks.ask(c, "retrieve", "/-", origin="/mn").rsc == 4106  # the same association
        assert enlist(c, "/mn").rsc == 2001


def test_no_cse_without_an_association(new_lab):
    lab = new_lab
    lab.set("cse", "cse", "association", "optional")
    address = lab.plain("cse")
    lab.start("cse")
    with ks.tlspsk.PlainClient(address) as c:
        assert enlist(c, "/mn").rsc == 4107  # refuses R000-36
    lab.set("cse", "cse", "association", "required")
    lab.set("cse", "cse", "cse-association", "optional")
    lab.restart("cse")
    with ks.tlspsk.PlainClient(address) as c:
        assert enlist(c, "").rsc == 4000
        assert enlist(c, "/mn").rsc == 2001  # R002-10
        assert ks.register(c, "Sae").rsc == 4107  # refuses R000-35


OTHER = "//other.example.com/in"


def test_the_in_cse_of_another_domain(new_lab):
    lab = new_lab
    key = lab.add_kpsa("other", enrolee_id=OTHER)
    address = lab.plain("cse")
    lab.start("cse")
    with lab.psk("cse", *key).connect() as c:
        assert enlist(c, OTHER, cst=1).rsc == 4005  # refuses R002-05
    lab.set("cse", "cse", "inter-domain", "required")
    lab.set("cse", "cse", "cse-association", "optional")
    lab.restart("cse")
    with ks.tlspsk.PlainClient(address) as c:
        assert enlist(c, OTHER, cst=1).rsc == 4107  # refuses R002-06
    with lab.psk("cse", *key).connect() as c:
        assert enlist(c, OTHER, cst=2).rsc == 4005  # refuses R002-06
        assert enlist(c, "//third.example.com/in", cst=1).rsc == 4106  # refuses R002-06
        assert enlist(c, OTHER, cst=1, dcse=["/mn"]).rsc == 4102
        r = enlist(c, OTHER, cst=1)  # R002-06
        assert (r.rsc, r.json["m2m:csr"]["csi"], r.json["m2m:csr"]["ri"]) == (2001, OTHER, "xcsr-other.example.com~in"), r
        assert enlist(c, OTHER, cst=1).rsc == 4117
        own = "/-/xcsr-other.example.com~in"
        assert ks.ask(c, "retrieve", own, origin=OTHER).rsc == 2000
        assert ks.ask(c, "retrieve", own, origin="//other.example.com/mn").rsc == 4103  # of its domain, without a right
        for who in ("/mn", f"//{ks.SP}/Sae", f"//{ks.SP}/in/Cae", "//third.example.com/Sx"):
            assert ks.ask(c, "retrieve", own, origin=who).rsc == 4106, who  # refuses R002-06
    assert lab.ctl_json("cse", "registration", "show", OTHER)["CSE-ID"] == OTHER
    lab.set("cse", "cse", "inter-domain", "off")
    lab.restart("cse")
    with lab.psk("cse", *key).connect() as c:
        assert ks.ask(c, "retrieve", own, origin=OTHER).rsc == 4106
    lab.set("cse", "cse", "inter-domain", "optional")
    lab.set("cse", "cse", "cse-association", "required")
    lab.restart("cse")
    with ks.tlspsk.PlainClient(address) as c:
        assert enlist(c, OTHER, cst=1).rsc == 4106  # it belongs to a credential
        assert enlist(c, "/mn").rsc == 4107  # refuses R000-36
        assert enlist(c, "//third.example.com/in", cst=1).rsc == 2001
