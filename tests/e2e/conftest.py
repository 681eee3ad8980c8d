"""Fixtures of the end-to-end tests. KEYSTEAD_BIN names the program; build/keystead if it is not set."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import keystead  # noqa: E402  (sets KEYSTEAD_BIN too)
import pytest  # noqa: E402


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """MEF, MAF and CSE, one lab for each test file."""
    with keystead.Lab(tmp_path_factory.mktemp("lab") / "l") as it:
        it.start()
        yield it


@pytest.fixture(scope="module")
def seed_lab(tmp_path_factory):
    """The same whose MAF and CSE ask the MEF in the form of the seeds (design section 12)."""
    with keystead.Lab(tmp_path_factory.mktemp("lab") / "s") as it:
        for role in ("maf", "cse"):
            it.set(role, f"peer {keystead.MEF}", "profile", "seed")
        it.start()
        yield it


@pytest.fixture(params=["r3", "seed"])
def profiled(request):
    """A lab and the profile that it speaks."""
    return request.getfixturevalue("lab" if request.param == "r3" else "seed_lab"), request.param


@pytest.fixture
def new_lab(tmp_path):
    """A lab that is not started, for a test that changes its configuration."""
    with keystead.Lab(tmp_path / "l") as it:
        yield it
