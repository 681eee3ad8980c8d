"""Fixtures of the interop tests, and the matrix that they fill: which client of others did what, as it happened. It is
written to interop.md beside the program under test; docs/interop.md has the same rows."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import keystead as ks  # noqa: E402
import pytest  # noqa: E402


class Matrix:
    def __init__(self):
        self.rows = {}

    def __call__(self, client, version, what, how, result):
        """One row; how: what the client needed to be told."""
        self.rows[(client, what)] = (version, how, result)

    def text(self):
        lines = ["# Interoperability", "",
                 "What clients that nobody here wrote did with MEF, MAF, CSE and BSF, as `tools/test interop` saw it on Debian 12. Every key that",
                 "they were given was derived by a few lines of Python (`tests/lib/keystead.py`) from the octets that the client itself exported.",
                 "In the rows of a server (openssl s_server, coap-server-openssl) our device is the client.",
                 "", "| client or server | version | did | told | result |", "| --- | --- | --- | --- | --- |"]
        lines += [f"| {c} | {v[0]} | {w} | {v[1]} | {v[2]} |" for (c, w), v in self.rows.items()]
        return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def matrix():
    it = Matrix()
    yield it
    (pathlib.Path(ks.BIN).resolve().parent / "interop.md").write_text(it.text())


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    with ks.Lab(tmp_path_factory.mktemp("interop") / "l") as it:
        it.start()
        yield it


def version(*command):
    p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    import re
    return re.search(r"\d+\.\d+(\.\d+)?", p.stdout)[0]


@pytest.fixture(scope="session")
def versions():
    return {"openssl s_client": version("openssl", "version"), "gnutls-cli": version("gnutls-cli", "--version"),
            "curl": version("curl", "--version"), "stunnel4": version("stunnel4", "-version")}
