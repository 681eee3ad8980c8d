"""What the pages tell people to type exists: every command, and every option that stands with it."""
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


@pytest.mark.parametrize("what, folders, ends", [("C", ["src", "include"], (".c", ".h")), ("tests", ["tests"], (".c", ".h", ".py"))])
def test_the_size_that_the_readme_tells(what, folders, ends):
    files = subprocess.run(["git", "ls-files", *folders], cwd=ks.ROOT, capture_output=True, text=True, check=True).stdout.split()
    lines = sum((ks.ROOT / f).read_text(errors="replace").count("\n") for f in files if f.endswith(ends))
    told = int(re.search(r"([\d,]+) (?:lines )?of %s\b" % what, (ks.ROOT / "README.md").read_text())[1].replace(",", ""))
    assert abs(told - lines) <= lines // 10, f"README.md says {told}, there are {lines}"
