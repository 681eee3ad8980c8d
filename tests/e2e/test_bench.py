"""The harness of bench/: what a row starts is ended, however the row ends."""
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys

import pytest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"


def test_a_row_that_fails_while_it_prepares_leaves_no_server(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    loader = importlib.machinery.SourceFileLoader("bench_run", str(BENCH / "run"))
    bench_run = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(bench_run)
    started = []

    class Row:
        name = "fails"

        class prepare:
            def __init__(self, bench):
                for _ in range(2):
                    started.append(bench_run.Process([sys.executable, "-c", "import time; time.sleep(600)"], subprocess.DEVNULL))
                raise RuntimeError("made up")

    with pytest.raises(RuntimeError, match="made up"):
        bench_run.measure(None, Row, 1)
    assert len(started) == 2 and all(p.child.poll() is not None for p in started)
