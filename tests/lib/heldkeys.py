"""A lab whose private keys are held elsewhere, in a token or a TPM: the MEF's listeners, the MAF as its client, and a device."""
import keystead as ks
from est import openssl
from test_device import Cli


def certify(lab, key, name, flavour, identity):
    """A certificate of the lab's CA for a key that is named, not read."""
    csr, cert = lab.where / f"{name}.csr", lab.where / f"{name}-held.crt"
    named = ["--flavour", flavour, "--id", identity]
    ks.pki("csr", *named, "--key", key, "--csr", csr)
    openssl("req", "-in", csr, "-noout", "-verify")
    ks.pki("sign", *named, "--csr", csr, "--ca-cert", lab.where / "ca.crt", "--ca-key", lab.where / "ca.key", "--cert", cert)
    return cert


def start(lab, server, peer, device, identity):
    """With these keys; `identity` is the device's. lab.cert is the server's certificate, lab.device_cert the device's."""
    lab.cert = certify(lab, server, "server", "fqdn", ks.MEF)
    for listener in ("listener main", "listener coaps"):
        lab.set("mef", listener, "certificate", lab.cert)
        lab.set("mef", listener, "key", server)
    (lab.where / "mef.key").unlink()
    lab.set("maf", f"peer {ks.MEF}", "certificate", certify(lab, peer, "peer", "fqdn", ks.MAF))
    lab.set("maf", f"peer {ks.MEF}", "key", peer)
    lab.device_cert = certify(lab, device, "device", "ae-id", identity)
    lab.start()
    lab.ctl_json("mef", "credential", "add", "--kind", "cert", "--id", identity, "--flavour", "ae-id", "--target", ks.MAF)
    lab.ctl_json("maf", "client", "allow", "--client", identity)


def device(lab, where):
    """Its commands take device.enrolment, and with device.shows the name of a key."""
    cli = Cli(lab, where)
    cli.enrolment = ["--mef", cli.at("mef"), "--mef-id", ks.MEF, "--target", ks.MAF, "--maf", cli.at("maf")]
    cli.shows = ["--certificate", lab.device_cert, "--trust", lab.where / "ca.crt", "--private-key"]
    return cli
