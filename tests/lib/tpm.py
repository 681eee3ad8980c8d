"""A TPM 2.0 of software (swtpm) for one test file, and keys in it made by tpm2-tools and by openssl with tpm2-openssl.
It serves one client at a time, as /dev/tpm0 does."""
import os
import signal
import socket
import subprocess

import keystead as ks

AUTH = "made-up-4321"
PARENT = "0x81000000"
STORES = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt|noda"
CAN_SIGN = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign"


def two_free_ports():
    """swtpm's clients take the control port to be the one after."""
    while True:
        with socket.socket() as a, socket.socket() as b:
            a.bind(("127.0.0.1", 0))
            port = a.getsockname()[1]
            try:
                b.bind(("127.0.0.1", port + 1))
                return port
            except (OSError, OverflowError):
                continue


class Tpm:
    def __init__(self, where):
        self.where = where
        (where / "state").mkdir()
        self.port = two_free_ports()
        self.transport = f"swtpm:host=127.0.0.1,port={self.port}"
        self.env = {**os.environ, "TPM2TOOLS_TCTI": self.transport, "TPM2OPENSSL_TCTI": self.transport}
        self.p = None
        self.auth = where / "auth"
        self.auth.write_text(AUTH + "\n")  # the line end is a part of it
        self.auth.chmod(0o600)
        self.start()
        self.tool("createprimary", "-C", "o", "-G", "ecc", "-c", "parent.ctx", "-a", STORES)
        self.persist("parent.ctx", PARENT)

    # -- life
    def start(self):
        with open(self.where / "swtpm.log", "ab") as log:
            self.p = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.where}/state", "--flags", "not-need-init,startup-clear",
                 "--server", f"type=tcp,port={self.port},bindaddr=127.0.0.1", "--ctrl", f"type=tcp,port={self.port + 1},bindaddr=127.0.0.1"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        ks.wait_for(self.is_up, what="swtpm")

    def is_up(self):
        assert self.p.poll() is None, (self.where / "swtpm.log").read_text()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port + 1)) == 0

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        self.p.wait(ks.PATIENCE)

    # -- keys
    def run(self, *command):
        p = subprocess.run(list(map(str, command)), cwd=self.where, env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=ks.PATIENCE)
        assert p.returncode == 0, (command, p.stdout, p.stderr)

    def tool(self, name, *args):
        self.run(f"tpm2_{name}", *args)
        if name in ("createprimary", "create", "load"):  # there is no resource manager, and room for three of each
            self.run("tpm2_flushcontext", "-t")
            self.run("tpm2_flushcontext", "-l")

    def persist(self, context, handle):
        self.tool("evictcontrol", "-C", "o", "-c", context, handle)
        self.run("tpm2_flushcontext", "-t")

    def evict(self, handle):
        self.tool("evictcontrol", "-C", "o", "-c", handle)

    def make(self, name, kind="ecc256", attributes=CAN_SIGN + "|noda", auth=True):
        """name.pub, name.priv under the parent, name.ctx loaded from them."""
        self.tool("create", "-C", PARENT, "-G", kind, "-u", f"{name}.pub", "-r", f"{name}.priv", "-a", attributes,
                  *(["-p", f"file:{self.auth}"] if auth else []))
        self.tool("load", "-C", PARENT, "-u", f"{name}.pub", "-r", f"{name}.priv", "-c", f"{name}.ctx")

    def persistent(self, name, handle, **more):
        self.make(name, **more)
        self.persist(f"{name}.ctx", handle)
        return f"tpm2:{handle}"

    def file(self, name, **more):
        self.make(name, **more)
        self.tool("encodeobject", "-C", PARENT, "-u", f"{name}.pub", "-r", f"{name}.priv", "-o", f"{name}.pem")
        return f"tpm2:{self.where}/{name}.pem"

    def file_of_openssl(self, name):
        """Under the hierarchy of the owner: its parent is made anew for each use."""
        self.run("openssl", "genpkey", "-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2", "-algorithm",
                 "EC", "-pkeyopt", "group:P-256", "-out", f"{name}.pem")
        return f"tpm2:{self.where}/{name}.pem"
