"""Lets NumPy's linear algebra use the widest instructions of the processor.

The OpenBLAS inside the NumPy that Rasa 3.6 works with (0.3.20, of 2022) recognises processors by
their model number. On one that is newer it takes the instructions every processor has had since
2004, and multiplies matrices about three times as slowly as it could. What a processor can do is
written in its flags, so ``install`` names a kernel by these, in the variable that OpenBLAS reads
for it (https://github.com/OpenMathLib/OpenBLAS, "OPENBLAS_CORETYPE").
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Collection, Optional

VARIABLE = "OPENBLAS_CORETYPE"

_KERNELS = (
    ("SkylakeX", {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}),
    ("Haswell", {"avx2", "fma"}),
)
_PROCESSOR = Path("/proc/cpuinfo")


def install() -> None:
    """Names the kernel for this process; has to come before NumPy is imported.

    Does nothing where somebody has chosen a kernel, or where Linux tells of no such flags.
    """
    kernel = kernel_for(_flags())
    if kernel:
        os.environ.setdefault(VARIABLE, kernel)


def kernel_for(flags: Collection[str]) -> Optional[str]:
    """OpenBLAS's name of the widest kernel that a processor with these flags can run."""
    return next((name for name, needed in _KERNELS if needed <= set(flags)), None)


def _flags() -> Collection[str]:
    try:
        lines = _PROCESSOR.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    return next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), ())
