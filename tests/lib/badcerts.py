"""Certificates with one fault each, made by openssl alone: what our own `keystead pki` would not make."""
import subprocess

DAY = 86400


def openssl(*args, stdin=b"", ok=True):
    p = subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True, timeout=60)
    assert not ok or p.returncode == 0, (args, p.stderr.decode())
    return p.stdout


def stamp(seconds):
    import time
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))


class Maker:
    """`openssl ca` over the lab's authority (or another), in a directory of its own."""

    def __init__(self, where):
        self.where = where
        where.mkdir()
        (where / "index").touch()
        (where / "cnf").write_text(
            f"[ca]\ndefault_ca = d\n[d]\ndatabase = {where}/index\nnew_certs_dir = {where}\nrand_serial = yes\n"
            f"unique_subject = no\npolicy = p\ndefault_md = sha256\nemail_in_dn = no\n[p]\ncommonName = supplied\n")

    def key(self, name, curve="prime256v1"):
        file = self.where / f"{name}.key"
        openssl("ecparam", "-name", curve, "-genkey", "-noout", "-out", file)
        file.chmod(0o600)
        return file

    def cert(self, name, ca, extensions, curve="prime256v1", start=-DAY, end=DAY, digest="sha256", form="uncompressed"):
        """Signed by ca = (certificate, key, [files behind it]); name.crt holds the chain. Its serial, as hex in lower case."""
        key, csr, ext, crt = self.key(name, curve), self.where / f"{name}.csr", self.where / f"{name}.ext", self.where / f"{name}.crt"
        if form != "uncompressed":
            openssl("ec", "-in", key, "-conv_form", form, "-out", key)
        openssl("req", "-new", "-key", key, "-subj", f"/CN=made-up {name}", "-out", csr)
        ext.write_text("\n".join(extensions) + "\n")
        openssl("ca", "-batch", "-config", self.where / "cnf", "-cert", ca[0], "-keyfile", ca[1], "-in", csr, "-out", crt,
                "-notext", "-md", digest, "-extfile", ext, "-startdate", stamp(start), "-enddate", stamp(end))
        with open(crt, "a") as f:
            for more in ca[2]:
                f.write(more.read_text())
        return self.serial(crt)

    def authority(self, name, parent, constraints=None):
        """A CA below another: (certificate, key, chain)."""
        self.cert(name, parent, ["basicConstraints = critical,CA:TRUE", "keyUsage = critical,keyCertSign,cRLSign",
                                 *([f"nameConstraints = critical,{constraints}"] if constraints else [])])
        crt = self.where / f"{name}.crt"
        return crt, self.where / f"{name}.key", [crt]

    def serial(self, crt):
        return openssl("x509", "-in", crt, "-noout", "-serial").decode().strip().split("=")[1].lower()
