"""Which instructions linear algebra uses, on processors newer than the library as well."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from engine import blas
from tests.engine.assistant import PROJECT

SKYLAKE = {"avx2", "fma", "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
ARCHITECTURE = (
    "from engine import blas; blas.install()\n"
    "import numpy, threadpoolctl\n"
    "print(threadpoolctl.threadpool_info()[0]['architecture'])\n"
)


@pytest.mark.parametrize(
    ("flags", "kernel"),
    [
        (SKYLAKE, "SkylakeX"),
        (SKYLAKE - {"avx512vl"}, "Haswell"),
        ({"sse3", "avx2", "fma"}, "Haswell"),
        ({"sse3", "avx"}, None),
        (set(), None),
    ],
)
def test_the_widest_kernel_that_the_flags_allow(flags: set[str], kernel: str | None) -> None:
    assert blas.kernel_for(flags) == kernel


def architecture(**environment: str) -> str:
    """What NumPy's OpenBLAS says it uses, in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if name != blas.VARIABLE}
    return subprocess.run(
        [sys.executable, "-c", ARCHITECTURE],
        cwd=PROJECT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_numpy_uses_it() -> None:
    kernel = blas.kernel_for(blas._flags())
    if kernel is None:
        pytest.skip("this processor's flags call for no kernel")
    assert architecture() == kernel


def test_a_kernel_that_somebody_chose_stays() -> None:
    if blas.kernel_for(blas._flags()) is None:
        pytest.skip("this processor's flags call for no kernel")
    assert architecture(**{blas.VARIABLE: "Nehalem"}) == "Nehalem"
