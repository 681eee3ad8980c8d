"""The contract of `keystead derive`: every vector of tests/vectors/derive.txt through the program, as text and as JSON."""
import json
import subprocess
import sys

PROGRAM, VECTORS = sys.argv[1:3]
VERBS = {"ke", "kc", "km", "kpsa", "usage-key", "key-id", "ke2e", "esprim-session"}


def vectors():
    lines = []
    for line in open(VECTORS, encoding="utf-8"):
        line = line.rstrip("\n")
        if line and not line.startswith("#"):
            lines.append(line.partition(" ")[::2])
        elif not line and lines:
            yield lines
            lines = []
    assert not lines, "the file ends with an empty line"


def arguments(lines):
    for word, value in lines:
        if word in ("vector", "source", "clause", "derive", "expect", "refuse"):
            continue
        if word.endswith("-hex"):
            yield "--" + word[:-4]
            yield bytes.fromhex(value)
        else:
            yield "--" + word
            yield value


def run(*args):
    p = subprocess.run([PROGRAM, *args], capture_output=True, timeout=20)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


done = 0
for lines in vectors():
    one = dict(lines)
    if one["derive"] not in VERBS:
        continue  # the exporter needs a TLS session: the unit test of the core has it
    name = one["vector"]
    args = ["derive", one["derive"], *arguments(lines)]
    code, out, err = run(*args)
    json_code, json_out, json_err = run(*args, "--json")
    answer = json.loads(json_out)
    if "refuse" in one:
        assert code == json_code == 2, (name, code, json_code)
        assert out == "" and err.startswith(f"keystead: {one['refuse']}: ") and err.count("\n") == 1, (name, out, err)
        assert json_err == "" and answer["error"] == one["refuse"] and answer["exit"] == 2, (name, answer)
        for secret in ("ke", "kpsa", "key", "export"):
            value = one.get(secret, "")
            assert len(value) < 16 or value not in err + json_out, f"{name}: a key in an error"
    else:
        want = dict(v.split(" ") for w, v in lines if w == "expect")
        assert code == json_code == 0, (name, code, err, json_err)
        assert dict(line.split("=", 1) for line in out.splitlines()) == want, (name, out, want)
        assert answer == want and json_out.count("\n") == 1, (name, answer, want)
        assert err == json_err == "", name
    done += 1
assert done > 70, done

# What the contract says besides values.
code, out, err = run("--version")
assert (code, err) == (0, "") and out.startswith("keystead "), out
code, out, err = run()
assert code == 2 and out == "" and "usage" in err
code, out, err = run("drive")
assert code == 2 and "did you mean 'derive'" in err, err
code, out, err = run("drive", "--json")
assert code == 2 and err == "" and json.loads(out)["error"] == "usage", out
code, out, err = run("derive", "kn")
assert code == 2 and "did you mean" in err, err
for verb in sorted(VERBS):
    code, out, err = run("derive", verb, "--help")
    assert code == 0 and "Clause: TS-0003 10.3" in out, out
    assert run("derive", verb)[0] == 2
code, out, err = run("derive", "--help")
assert code == 0 and all(v in out for v in VERBS), out
code, out, err = run("ctl", "--help")  # the table of ctl is built from those of the roles: its last rows are the first to find no room
assert code == 0 and all(f"keystead ctl {v} " in out for v in ("credential add", "announcement list", "explain", "backup", "status", "stop")), out
code, out, err = run("derive", "km", "--help", "--json")
assert code == 0
for flag in ("--help", "help"):
    code, out, err = run(flag)
    assert code == 0 and "derive" in out and "explain" in out, out
code, out, err = run("help", "--man")
assert code == 0 and out.startswith(".TH KEYSTEAD 1") and "psk\\-wrong" in out and ".SS derive km" in out, out
code, out, err = run("help", "nothing")
assert code == 2 and out == "", err

code, out, err = run("explain", "not-the-target")
assert code == 0, err
row = dict(line.split("=", 1) for line in out.splitlines())
assert (row["rsc"], row["alert"], row["audited"], row["exit"]) == ("4103", "49", "yes", "1"), row
assert row["clause"].startswith("TS-0003") and row["text"] and row["hint"]
code, out, err = run("explain", "not-the-target", "--json")
assert json.loads(out) == row, out
code, out, err = run("explain", "--json")
codes = json.loads(out)
assert len(codes) > 80 and all(codes.values())
for name in list(codes)[::17]:
    assert run("explain", name)[0] == 0, name
code, out, err = run("explain", "not-the-targt")
assert code == 2 and out == "" and "did you mean 'not-the-target'" in err, err
# A full disk behind stdout is no success.
with open("/dev/full", "w") as full:
    assert subprocess.run([PROGRAM, "explain"], stdout=full, stderr=subprocess.DEVNULL).returncode == 4
print(f"{done} vectors through the command line")
