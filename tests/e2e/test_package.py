"""What the packages install: complete, nothing else, runnable from where it was unpacked, with every library in Depends."""
import os
import re
import subprocess

import pytest

import keystead as ks

PROGRAM = ["usr/bin/keystead", "usr/share/man/man1/keystead.1.gz", "usr/lib/systemd/system/keystead@.service",
           "usr/lib/sysusers.d/keystead.conf", "usr/lib/tmpfiles.d/keystead.conf", "usr/share/doc/keystead/copyright",
           "usr/share/doc/keystead/README.md", "usr/share/doc/keystead/README.packaging.md",
           "usr/share/doc/keystead/SECURITY.md"]
PROGRAM += [f"usr/share/doc/keystead/operate/{f.name}" for f in (ks.ROOT / "docs/operate").iterdir()]


def out(*command, **more):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, **more).stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Built without optimisation: what is tested is what is installed. The build folder is kept for the next run."""
    where = tmp_path_factory.mktemp("deb")
    env = {**os.environ, "BUILD": str(ks.ROOT / "build-deb-test")}
    p = subprocess.run([ks.ROOT / "packaging/build-deb", where, "-Dbuildtype=debug"], env=env,
                       capture_output=True, text=True)
    assert p.returncode == 0, p.stdout + p.stderr
    return {f.name.split("_")[0]: f for f in where.iterdir()}


@pytest.fixture(scope="module")
def unpacked(packages, tmp_path_factory):
    where = tmp_path_factory.mktemp("root")
    for deb in packages.values():
        out("dpkg-deb", "-x", deb, where)
    return where


def files(deb):
    """name -> (mode, owner)"""
    lines = [line.split(None, 5) for line in out("dpkg-deb", "--contents", deb).splitlines()]
    return {cells[5].removeprefix("./"): (cells[0], cells[1]) for cells in lines if not cells[0].startswith("d")}


def test_contents(packages):
    assert set(packages) == {"keystead", "keystead-diameter", "libkeystead-dev"}
    multiarch = out("gcc", "-print-multiarch").strip()
    program, library = files(packages["keystead"]), files(packages["libkeystead-dev"])
    assert sorted(program) == sorted(PROGRAM)
    assert sorted(library) == sorted(["usr/include/keystead/association.h", "usr/include/keystead/keystead.h",
                                      f"usr/lib/{multiarch}/libkeystead.a",
                                      f"usr/lib/{multiarch}/pkgconfig/keystead.pc",
                                      "usr/share/doc/libkeystead-dev/copyright"])
    diameter = files(packages["keystead-diameter"])
    assert sorted(diameter) == ["usr/bin/keystead-diameter", "usr/share/doc/keystead-diameter/copyright"]
    for name, (mode, owner) in {**program, **library, **diameter}.items():
        assert owner == "root/root", name
        assert mode == ("-rwxr-xr-x" if "/bin/" in name else "-rw-r--r--"), (name, mode)


@pytest.mark.parametrize("program", ["keystead", "keystead-diameter"])
def test_every_library_is_in_depends(packages, unpacked, program):
    depends = out("dpkg-deb", "-f", packages[program], "Depends").strip().split(", ")
    depends = [d for d in depends if not d.startswith("keystead (= ")]
    needed = re.findall(r"NEEDED.*\[(.+)\]", out("readelf", "-d", unpacked / "usr/bin" / program))
    assert len(needed) > 4
    owners = set()
    for soname in needed:
        path = re.search(rf"{re.escape(soname)}.* => (\S+)", out("/sbin/ldconfig", "-p"))[1]
        owner = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True).stdout or \
            out("dpkg", "-S", path.removeprefix("/usr") if path.startswith("/usr/lib") else f"/usr{path}")
        owners.add(owner.split(":")[0])
    assert owners == set(depends), "Depends is what the program links, no less and no more"


def test_what_is_installed_runs(unpacked):
    program = unpacked / "usr/bin/keystead"
    assert re.match(r"keystead \d+\.\d+", out(program, "--version"))
    page = out("gzip", "-dc", unpacked / "usr/share/man/man1/keystead.1.gz")
    assert page.startswith(".TH KEYSTEAD 1")
    for command in ("serve", "init", "ctl", "device"):
        assert f".SH {command.upper()}\n" in page


def test_diameter_is_found_beside_the_program(unpacked):
    p = subprocess.run([unpacked / "usr/bin/keystead-diameter"], capture_output=True, text=True)
    assert p.returncode == 2 and "started by keystead serve" in p.stderr


def test_the_unit_starts_this_program(unpacked):
    unit = (unpacked / "usr/lib/systemd/system/keystead@.service").read_text()
    start = re.search(r"^ExecStart=(.+)$", unit, re.M)[1].split()
    assert start == ["/usr/bin/keystead", "serve", "-c", "/etc/keystead/%i.conf"]
    assert "@bindir@" not in unit
    for line in ("Type=exec", "User=keystead", "NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes", "LimitCORE=0",
                 "Restart=on-failure"):
        assert f"\n{line}\n" in unit, line
    users = (unpacked / "usr/lib/sysusers.d/keystead.conf").read_text()
    assert users.startswith("u keystead ")


def test_a_firmware_finds_the_library(unpacked, tmp_path):
    """pkg-config, header and archive from where they were unpacked; with no library but the C library."""
    (tmp_path / "board.c").write_text(
        "#include <keystead/association.h>\n"
        "int main(void)\n{\n    const uint8_t exported[KEYSTEAD_EXPORT_LEN] = {1};\n    keystead_key ke;\n    keystead_id id;\n"
        '    const keystead_association_input in = {.self = {"//sp.example/a", &ke}, .peer = {"//sp.example/b", 0}, .provisioned = true,\n'
        '        .network_up = true, .credential_expires = 2000};\n    keystead_association a;\n'
        '    const keystead_handshake done = {exported, 0x0303, 0x00AE};\n'
        '    return keystead_ke(exported, "mef.example.com", &ke, &id) == KEYSTEAD_OK && id.z[1] == \'1\' &&\n'
        '        keystead_association_made(&in, 1000, &done, &a) == KEYSTEAD_GRANTED && a.expires == 1999 ? 0 : 1;\n}\n')
    env = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(unpacked),
           "PKG_CONFIG_LIBDIR": str(next(unpacked.glob("usr/lib/*/pkgconfig")))}
    flags = out("pkg-config", "--cflags", "--libs", "keystead", env=env).split()
    out("gcc", "-Wall", "-Werror", tmp_path / "board.c", "-o", tmp_path / "board", *flags)
    assert subprocess.run([tmp_path / "board"]).returncode == 0
