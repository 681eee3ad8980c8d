"""The matrix of docs/interop.md is the one that the tests fill; this file comes after all that do."""
import pathlib

import pytest

import keystead as ks


def test_the_matrix_is_the_committed_one(matrix):
    """docs/interop.md has the rows of this run (versions may differ)."""
    if not matrix.rows:
        pytest.fail("run the whole folder: the matrix is filled by the tests before this one")
    file = pathlib.Path(ks.ROOT) / "docs/interop.md"
    committed = [[cell.strip() for cell in line.split("|")[1:-1]] for line in file.read_text().splitlines() if line.startswith("| ")][2:]
    assert [(r[0], r[2], r[3], r[4]) for r in committed] == [(c, w, how, result) for (c, w), (_, how, result) in matrix.rows.items()], \
        "copy interop.md from the folder of the program to docs/"
