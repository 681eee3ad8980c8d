"""An issuing CA for the MEF of a lab whose private key is in a token or a TPM."""
import keystead as ks
from est import openssl


def below_ca_of_init(lab, key):
    """An issuing CA below the one of `init`, with its limits, for a key that is in no file: openssl signs its request, and it
    signs a list of its own."""
    csr = lab.where / "issuer.csr"
    ks.pki("csr", "--flavour", "fqdn", "--id", f"ca.{ks.SP}", "--key", key, "--csr", csr)
    ext = lab.where / "issuer.ext"
    ext.write_text("basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign,digitalSignature\n"
                   "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
                   f"nameConstraints = critical,permitted;DNS:{ks.SP},permitted;URI:{ks.SP},permitted;URI:.{ks.SP}\n")
    made = lab.where / "issuer.crt"
    openssl("x509", "-req", "-in", csr,
            "-CA", lab.where / "ca.crt", "-CAkey", lab.where / "ca.key", "-CAcreateserial", "-sha256", "-days", "30", "-extfile", ext, "-out", made)
    made.write_bytes(made.read_bytes() + (lab.where / "ca.crt").read_bytes())
    crl = lab.where / "issuer.crl"
    ks.pki("crl", "--crl", crl, "--ca-cert", made, "--ca-key", key)
    lab.set("mef", "mef", "issuing-ca", made)
    lab.set("mef", "mef", "issuing-ca-key", key)
    for listener in ("listener main", "listener coaps"):
        lab.set("mef", listener, "trust", made)
        lab.set("mef", listener, "crl", f"ca.crl, {crl}")
