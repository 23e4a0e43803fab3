"""Lets Rasa start without loading TensorFlow.

Rasa imports TensorFlow while it defines components that this project does not
use (DIET, TED, the response selector). That import takes most of the start-up
time and about 430 MB of memory. ``install`` puts placeholders in its place:
classes can be derived from them and decorators pass functions through, so the
imports succeed, while any attempt to compute with them fails with a message
that names the remedy.

The placeholders are used by ``engine.serve`` and ``engine.train`` only. The
plain ``rasa`` commands load TensorFlow as usual and work with the same files.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys
import types
import warnings
from typing import Any, Optional, Sequence

HEAVY_PACKAGES = frozenset(
    {"keras", "tensorflow", "tensorflow_addons", "tensorflow_hub", "tensorflow_text"}
)


class _AbsentType(type):
    """Metaclass whose classes answer every public attribute with a placeholder."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent


class Absent(metaclass=_AbsentType):
    """Stands for any class, function or constant of a package left out.

    Called with one function it behaves as a decorator and returns the function.
    Any other call raises ``RuntimeError``: a component that needs the package
    was configured.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Passes decorated functions through; refuses every other use."""
        if cls is Absent and len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]
        if cls is Absent and not args and kwargs:
            # A decorator with arguments, such as tf.function(reduce_retracing=True).
            return lambda function: function
        raise RuntimeError(
            "A pipeline component needs TensorFlow, which the lean engine leaves out. "
            "Use the plain `rasa` command, or take the component out of config.yml."
        )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Accepts any class keyword, as the real base classes do."""


class _AbsentModule(types.ModuleType):
    __path__: Sequence[str] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent


class _AbsentFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname.partition(".")[0] not in HEAVY_PACKAGES:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _AbsentModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to execute: attributes are made up on access."""


def install() -> None:
    """Replaces the heavy packages for this process; call before importing ``rasa``.

    Idempotent. Raises ``RuntimeError`` when one of them is loaded already,
    because half of Rasa would then hold the real one.
    """
    loaded = [
        name
        for name in HEAVY_PACKAGES
        if name in sys.modules and not isinstance(sys.modules[name], _AbsentModule)
    ]
    if loaded:
        raise RuntimeError(f"lean.install() came too late: {', '.join(sorted(loaded))} is loaded")
    # Rasa's dependencies are of its time and warn about it at every start; telemetry
    # would report usage to Rasa's maker, and this product reports to nobody.
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    os.environ["SQLALCHEMY_SILENCE_UBER_WARNING"] = "1"
    warnings.simplefilter("ignore", DeprecationWarning)
    if not any(isinstance(finder, _AbsentFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AbsentFinder())
