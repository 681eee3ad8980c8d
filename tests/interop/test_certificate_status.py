"""OCSP with tools that nobody here wrote: clients that read and check what a listener staples, responders whose answers it
staples, and `openssl s_server` with every kind of staple in the place of a MEF that a MAF asks."""
import pathlib
import re
import subprocess

import pytest

import coaps
import keystead as ks

SUITE = {"tls1_2": "ECDHE-ECDSA-AES128-SHA256", "dtls1_2": "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"}


def run(*args, seconds=60, ok=True):
    p = subprocess.run([str(a) for a in args], input="", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
                       errors="replace")
    assert p.returncode == 0 or not ok, p.stdout
    return p.stdout


def pki(*args):
    p = ks.run("pki", *args)
    assert p.returncode == 0, p.stdout + p.stderr


class Authority:
    """The CA of a lab, its index as `openssl ocsp` wants it, and a responder that it appointed."""

    def __init__(self, lab):
        self.w = w = lab.where
        pki("ocsp", "--response", w / "mef.ocsp", "--cert", w / "mef.crt", "--crl", w / "ca.crl", "--ca-cert", w / "ca.crt",
            "--ca-key", w / "ca.key")
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=made-up responder",
            "-keyout", w / "responder.key", "-out", w / "responder.csr")
        (w / "responder.ext").write_text("keyUsage = critical,digitalSignature\nextendedKeyUsage = OCSPSigning\n"
                                         "1.3.6.1.5.5.7.48.1.5 = ASN1:NULL\n")
        run("openssl", "x509", "-req", "-in", w / "responder.csr", "-CA", w / "ca.crt", "-CAkey", w / "ca.key", "-days", "2", "-sha256",
            "-extfile", w / "responder.ext", "-out", w / "responder.crt")
        self.serial = run("openssl", "x509", "-in", w / "mef.crt", "-noout", "-serial").strip().split("=")[1]

    def answer(self, name, state="V", signer="responder", cert="mef", *more):
        """What `openssl ocsp` says: state V, R or nothing for a certificate that it does not know."""
        w = self.w
        revoked = "250101000000Z" if state == "R" else ""
        (w / "index.txt").write_text(f"{state}\t491231235959Z\t{revoked}\t{self.serial}\tunknown\t/CN=made-up\n" if state else "")
        (w / "index.txt.attr").write_text("unique_subject = no\n")
        run("openssl", "ocsp", "-index", w / "index.txt", "-CA", w / "ca.crt", "-rsigner", w / f"{signer}.crt", "-rkey",
            w / f"{signer}.key", "-rmd", "sha256", "-issuer", w / "ca.crt", "-cert", w / f"{cert}.crt", "-ndays", "2", "-noverify",
            "-respout", w / name, *more)
        return w / name


@pytest.fixture(scope="module")
def stapled(tmp_path_factory):
    """A lab whose MEF staples on both transports, and whose MAF demands it."""
    with ks.Lab(tmp_path_factory.mktemp("interop") / "o") as lab:
        lab.authority = Authority(lab)
        text = lab.conf("mef").read_text()
        lab.conf("mef").write_text(re.sub(r"\ncertificate = mef.crt\n", "\ncertificate = mef-and-ca.crt\nocsp-response = mef.ocsp\n", text))
        (lab.where / "mef-and-ca.crt").write_text((lab.where / "mef.crt").read_text() + (lab.where / "ca.crt").read_text())  # curl wants it
        lab.set("maf", f"peer {ks.MEF}", "ocsp", "required")
        lab.start("mef", "maf")
        lab.enrolled = lab.enrol(lab.device("ocsp-interop"))
        yield lab


# -- what we staple -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("version", SUITE)
def test_s_client_reads_the_staple(stapled, matrix, versions, version):
    w = stapled.where
    port = (coaps.ports(stapled)["mef"] if version == "dtls1_2" else stapled.address("mef")[1])
    out = run("openssl", "s_client", f"-{version}", "-connect", f"127.0.0.1:{port}", "-servername", ks.MEF, "-CAfile", w / "ca.crt", "-cert",
              w / "maf.crt", "-key", w / "maf.key", "-cipher", SUITE[version], "-status", "-verify_return_error", ok=False)
    assert "OCSP Response Status: successful" in out and "Cert Status: good" in out, out
    over = "DTLS" if version == "dtls1_2" else "TLS"
    matrix("openssl s_client", versions["openssl s_client"], f"is given the OCSP response of the MEF over {over}", f"`-{version} -cert -key -status`",
           "successful, good")


def gnutls(lab, *more):
    w = lab.where
    host, port = lab.address("mef")
    return run("gnutls-cli", "-p", port, "--x509cafile", w / "ca.crt", "--x509certfile", w / "maf.crt", "--x509keyfile", w / "maf.key",
               "--sni-hostname", ks.MEF, "--verify-hostname", ks.MEF, "--priority",
               "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+SHA256", *more, host, ok=False)


def test_gnutls_checks_the_staple(stapled, matrix, versions):
    saved = stapled.where / "saved.ocsp"
    out = gnutls(stapled, f"--save-ocsp={saved}")
    assert "Handshake was completed" in out and "The certificate is trusted" in out and "OCSP status request" in out, out
    assert saved.read_bytes() == (stapled.where / "mef.ocsp").read_bytes()
    matrix("gnutls-cli", versions["gnutls-cli"], "checks the OCSP response of the MEF", "`--x509cafile --x509certfile --x509keyfile --save-ocsp`",
           "trusted; it saved what we staple")


def curl(lab, role, name, who):
    host, port = lab.address(role)
    w = lab.where
    p = subprocess.run(["curl", "-sS", "-i", "--max-time", "30", "--cert-status", "--cacert", w / "ca.crt", "--cert", w / f"{who}.crt", "--key",
                        w / f"{who}.key", "--tls-max", "1.2", "--resolve", f"{name}:{port}:{host}", f"https://{name}:{port}/none"],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return p.returncode, p.stdout + p.stderr


def test_curl_demands_the_staple(stapled, matrix, versions):
    code, out = curl(stapled, "mef", ks.MEF, "maf")
    assert code == 0 and out.startswith("HTTP/1.1 "), (code, out)
    matrix("curl", versions["curl"], "demands and checks the OCSP response of the MEF",
           "`--cert-status --cert --key --cacert`; the MEF sends the certificate of the CA behind its own", "answered")
    code, out = curl(stapled, "maf", ks.MAF, "cse")
    assert code == 91, (code, out)  # CURLE_SSL_INVALIDCERTSTATUS
    matrix("curl", versions["curl"], "does not go on with the MAF, which staples nothing here", "`--cert-status --cert --key --cacert`",
           "no OCSP response received")


def test_openssl_ocsp_verifies_what_pki_makes(stapled, matrix, versions):
    w = stapled.where
    out = run("openssl", "ocsp", "-respin", w / "mef.ocsp", "-issuer", w / "ca.crt", "-cert", w / "mef.crt", "-CAfile", w / "ca.crt")
    assert "Response verify OK" in out and re.search(r"mef\.crt: good", out), out
    matrix("openssl ocsp", versions["openssl s_client"], "verifies a response of `keystead pki ocsp`", "`-respin -issuer -cert -CAfile`",
           "Response verify OK, good")


def test_a_response_of_openssl_ocsp_is_stapled(stapled, matrix, versions):
    lab, w = stapled, stapled.where
    ours = (w / "mef.ocsp").read_bytes()
    theirs = lab.authority.answer("theirs.ocsp").read_bytes()
    assert theirs != ours
    (w / "mef.ocsp").write_bytes(theirs)
    try:
        assert lab.ctl("mef", "reload").returncode == 0
        saved = w / "saved-theirs.ocsp"

        def is_theirs():
            gnutls(lab, f"--save-ocsp={saved}")
            return saved.is_file() and saved.read_bytes() == theirs
        ks.wait_for(is_theirs, what="the response of openssl ocsp")
    finally:
        (w / "mef.ocsp").write_bytes(ours)
        assert lab.ctl("mef", "reload").returncode == 0
    matrix("openssl ocsp", versions["openssl s_client"], "answers as a responder that the CA appointed",
           "`-index -CA -rsigner -rkey -rmd sha256 -issuer -cert -respout`", "loaded and stapled")


# -- what we make of others' staples ---------------------------------------------------------------------------------
class Stranger:
    """`openssl s_server` with the MEF's own certificate: it answers from files, as the MEF did."""

    def __init__(self, lab, response):
        self.folder = lab.where / "s_server"
        self.port = ks.free_port()
        self.log = open(lab.where / "s_server.log", "wb")
        w = lab.where
        self.p = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", w / "mef.crt", "-key", w / "mef.key",
                                   "-tls1_2", "-cipher", SUITE["tls1_2"], "-CAfile", w / "ca.crt", "-Verify", "2", "-HTTP",
                                   *(["-status_file", response] if response else [])],
                                  cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        ks.wait_for(lambda: b"ACCEPT" in pathlib.Path(self.log.name).read_bytes(), what="s_server")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.terminate()
        self.p.wait(ks.PATIENCE)
        self.log.close()


def answer_of_the_mef(lab):
    """What the MEF says to the MAF about the enrolled device, as a file that s_server sends."""
    d = lab.enrolled
    r = lab.fetch(d.ke_id)
    assert r.status == 200 and r.json["status"] is True
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {r.headers['content-type']}\r\nX-M2M-RSC: {r.rsc}\r\n" \
           f"Content-Length: {len(r.body)}\r\nConnection: close\r\n\r\n"
    file = lab.where / "s_server/fetchCredentials" / d.ke_id / "21"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(head.encode() + r.body)


STAPLES = {  # what s_server staples; what the MAF says; None: it goes on
    "a good one": (lambda a: a.answer("s-good.ocsp"), None),
    "a good one of keystead pki ocsp": (lambda a: a.w / "mef.ocsp", None),
    "none": (lambda a: None, "ocsp-missing"),
    "a revoked one": (lambda a: a.answer("s-revoked.ocsp", "R"), "ocsp-revoked"),
    "one that does not know the certificate": (lambda a: a.answer("s-unknown.ocsp", ""), "ocsp-unknown"),
    "one for another certificate": (lambda a: a.answer("s-other.ocsp", "V", "responder", "maf"), "ocsp-other-certificate"),
    "one by somebody who may not": (lambda a: a.answer("s-signer.ocsp", "V", "cse"), "ocsp-signer"),
}


@pytest.mark.parametrize("what", STAPLES)
def test_the_maf_asks_s_server(stapled, matrix, versions, what):
    """R001-52: each new connection is checked; refuses R001-52 by the status of the certificate."""
    lab = stapled
    make, code = STAPLES[what]
    answer_of_the_mef(lab)
    text = lab.conf("maf").read_text()
    with Stranger(lab, make(lab.authority)) as other:
        lab.stop("maf")
        lab.set("maf", f"peer {ks.MEF}", "address", f"127.0.0.1:{other.port}")
        lab.set("maf", "server", "store", f"maf-{list(STAPLES).index(what)}.db")  # one that has not seen the device
        lab.start("maf")
        try:
            if code is None:
                assert lab.maf_register(lab.enrolled).rsc == 2001
            else:
                with pytest.raises(ks.tlspsk.Alert):
                    lab.maf_register(lab.enrolled)
                assert f"code={code}" in lab.servers["maf"].log(), lab.servers["maf"].log()
                ks.wait_for(lambda: b"bad certificate status response" in pathlib.Path(other.log.name).read_bytes(), what="the alert")
        finally:
            lab.stop("maf")
            lab.conf("maf").write_text(text)
            lab.start("maf")
    matrix("openssl s_server", versions["openssl s_client"], f"is asked by the MAF and staples {what}", "`-tls1_2 -Verify 2 -HTTP -status_file`",
           "the device registers" if code is None else f"alert 113, {code}")
