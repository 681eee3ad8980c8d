"""keystead demo: the story on real processes; its JSON says of every step what was expected and what happened."""
import json

import keystead as ks


def test_demo(tmp_path):
    p = ks.run("demo", "--json", "--keep", tmp_path / "kept", timeout=120)
    assert p.returncode == 0, p.stdout[-3000:] + p.stderr
    told = json.loads(p.stdout)
    text = json.dumps(told)
    assert told["ok"] is True and all(step["ok"] and step["happened"] == step["expected"] for step in told["steps"])
    for refusal in ("psk-wrong", "psk-identity-unknown", "from-not-associated", "no-privilege",
                    "certificate-not-instructed", "certificate-untrusted", "notification-url", "aka-network-unknown"):
        assert refusal in text, refusal
    assert "enrol over DTLS" in text and "registers by CoAP" in text and "asks at its channel" in text
    assert "registers there with an AE-ID of the provider" in text and "knows where the lamp is" in text and "through the MN-CSE" in text
    assert "bootstrap with the SIM" in text and "Ks_int_NAF" in text
    assert (tmp_path / "kept").is_dir(), "--keep keeps the directory"
    keys = [f.read_text().strip() for f in (tmp_path / "kept").rglob("*.hex")]
    assert keys and not any(k in text for k in keys), "never a key"


def test_demo_refuses_a_place_that_is_taken(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine").write_text("x")
    p = ks.run("demo", "--keep", tmp_path / "kept", timeout=120)
    assert p.returncode != 0 and (tmp_path / "kept" / "mine").read_text() == "x"
