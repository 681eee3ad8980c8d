"""What the pages tell people to type exists: every command, and every option that stands with it."""
import os
import re
import subprocess

import pytest

import keystead as ks

PAGES = [p for p in subprocess.run(["git", "ls-files", "*.md"], cwd=ks.ROOT, capture_output=True, text=True, check=True).stdout.split()
         if not p.startswith("docs/decisions/")]  # those tell of their day
GROUPS = ("device", "pki", "object", "derive", "ctl")  # with a verb of their own
OTHERS = ("associate", "init", "serve", "demo", "check", "trace", "explain")
EVERYWHERE = {"--json", "--help"}


def typed():
    """(page, command, options); what stands in quotes or behind a comment is no option."""
    for page in PAGES:
        text = (ks.ROOT / page).read_text().replace("\\\n", " ")
        for m in re.finditer(r"(?:keystead |`(?!%s))(%s)\b([^\n`|;]*)" % ("|".join(OTHERS), "|".join(GROUPS + OTHERS)), text):
            words = re.sub(r"'[^']*'|\s#.*", "", m[2])
            words = re.sub(r"^((?:\s+-c\s+\S+)*)", "", words) if m[1] in ("ctl", "trace", "explain") else words
            verbs = re.match(r"(?:\s+[a-z][a-z0-9-]*(?=\s|$)){0,2}", words)[0].split() if m[1] in GROUPS else []
            if m[1] in GROUPS and not verbs:
                continue
            yield page, [m[1], *(verbs if m[1] == "ctl" else verbs[:1])], set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", words))


def help_of(command, known):
    """Its help; of `ctl` the second word may be an argument already."""
    for n in (len(command), len(command) - 1):
        name = tuple(command[:n])
        if name not in known:
            p = ks.run(*name, "--help")
            known[name] = p.stdout if p.returncode == 0 else None
        if known[name] is not None or command[0] != "ctl":
            return known[name]
    return None


def test_commands_of_the_pages():
    known, wrong, n = {}, [], 0
    for page, command, options in typed():
        said = help_of(command, known)
        n += 1
        if said is None:
            wrong.append((page, " ".join(command)))
            continue
        wrong += [(page, " ".join(command), o) for o in options - EVERYWHERE if not re.search(rf"(?<![\w-]){o}(?![\w-])", said)]
    assert n > 100 and not wrong, wrong


# -- pages that are typed from top to bottom ---------------------------------------------------------------------------
def blocks(page, heading):
    """The code under a heading, a command a line."""
    part = (ks.ROOT / page).read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return "\n".join(re.findall(r"^```\n(.*?)^```", part, re.M | re.S)).replace("\\\n", " ").splitlines()


class Lab:
    """What a page tells one to type, with free ports in the place of the usual ones; serve in the background."""

    def __init__(self, where):
        self.where, self.ports, self.names, self.servers = where, {}, {}, []
        (where / "bin").mkdir()
        (where / "bin/keystead").symlink_to(ks.BIN)
        self.shell = subprocess.Popen(["sh", "-c", 'exec sh 2>&1'], cwd=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      env={**os.environ, "PATH": f"{where}/bin:{os.environ['PATH']}"})

    def ready(self, line):
        """The line to type; nothing where a server was started."""
        line = re.sub(r"\s#\s.*", "", line)
        for a, b in [*self.ports.items(), *self.names.items()]:
            line = line.replace(a, b)
        if line.startswith("keystead serve"):
            name = re.search(r"lab/\w+", line)[0]
            ready, theirs = os.pipe()
            with open(self.where / f"{name}.log", "wb") as log:
                self.servers.append(subprocess.Popen([ks.BIN, "serve", "-c", f"{name}.conf", "--ready-fd", str(theirs)], cwd=self.where, stdin=subprocess.DEVNULL,
                                                     stdout=log, stderr=log, pass_fds=[theirs]))
            os.close(theirs)
            assert os.read(ready, 1), (self.where / f"{name}.log").read_text()
            os.close(ready)
            return ""
        if line.startswith("keystead init"):
            line += " --port-base 0"
        return line

    def run(self, lines):
        """Each line by the one shell; what the last one printed."""
        out = ""
        for line in filter(None, map(self.ready, lines)):
            self.shell.stdin.write(f"{line} </dev/null\necho =$?\n")
            self.shell.stdin.flush()
            out = ""
            while not re.search(r"^=\d+\n\Z", out, re.M):
                part = self.shell.stdout.readline()
                assert part, (line, out)
                out += part
            assert out.endswith("=0\n"), (line, out)
            if line.startswith("keystead init"):
                self.take_ports()
            self.names.update({"AE-ID": m for m in re.findall("^ae_id=(.*)$", out, re.M)})
        return out

    def take_ports(self):
        told = {"mef": ["8443"], "maf": ["8444"], "cse": ["8445"], "bsf": ["8446", "8447"]}  # of --port-base, in this order
        for role, usual in told.items():
            file = self.where / f"lab/{role}.conf"
            ports = re.findall(r"^address = .*:(\d+)$", file.read_text(), re.M) if file.exists() else []
            self.ports.update({f":{u}": f":{p}" for u, p in zip(usual, dict.fromkeys(ports))})

    def end(self):
        self.shell.communicate(timeout=30)
        for p in self.servers:
            p.terminate()
        for p in self.servers:
            assert p.wait(30) == 0


@pytest.fixture
def lab(tmp_path):
    it = Lab(tmp_path)
    yield it
    it.end()


def test_a_sim_from_nothing(lab):
    """docs/operate/sim.md, as a stranger would."""
    assert "rsc=2001" in lab.run(blocks("docs/operate/sim.md", "The same in a laboratory, from nothing"))


def test_the_first_hour(lab):
    page = "docs/operate/first-hour.md"
    lab.run(blocks(page, "A lab"))
    assert "Keying material" in lab.run(blocks(page, "A device by openssl"))
    assert "enrolled=yes" in lab.run(blocks(page, "A device by keystead"))
    assert "Keying material" in lab.run(blocks(page, "A small device: DTLS and CoAP"))


@pytest.mark.parametrize("what, folders, ends", [("C", ["src", "include"], (".c", ".h")), ("tests", ["tests"], (".c", ".h", ".py"))])
def test_the_size_that_the_readme_tells(what, folders, ends):
    files = subprocess.run(["git", "ls-files", *folders], cwd=ks.ROOT, capture_output=True, text=True, check=True).stdout.split()
    lines = sum((ks.ROOT / f).read_text(errors="replace").count("\n") for f in files if f.endswith(ends))
    told = int(re.search(r"([\d,]+) (?:lines )?of %s\b" % what, (ks.ROOT / "README.md").read_text())[1].replace(",", ""))
    assert abs(told - lines) <= lines // 10, f"README.md says {told}, there are {lines}"
