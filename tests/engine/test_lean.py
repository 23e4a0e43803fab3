"""Rasa without TensorFlow: loads, and says what to do where it cannot go on."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.assistant import PROJECT


def run(program: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program in a fresh interpreter, where nothing is imported yet."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={"PYTHONPATH": ":".join(map(str, paths))},
        capture_output=True,
        text=True,
    )


def test_rasa_loads_and_tensorflow_does_not() -> None:
    done = run(
        "from engine import lean\n"
        "lean.install()\n"
        "import sys\n"
        "import rasa.core.agent\n"
        "from rasa.nlu.classifiers.diet_classifier import DIETClassifier\n"
        "real = [n for n in lean.HEAVY_PACKAGES if getattr(sys.modules.get(n), '__file__', None)]\n"
        "print('loaded', real, DIETClassifier.__name__)\n"
    )
    assert done.stdout == "loaded [] DIETClassifier\n", done.stderr


def test_installing_twice_is_the_same_as_once() -> None:
    done = run(
        "import sys\n"
        "from engine import lean\n"
        "lean.install()\n"
        "before = list(sys.meta_path)\n"
        "import tensorflow\n"
        "lean.install()\n"
        "print(sys.meta_path == before)\n"
    )
    assert done.stdout == "True\n", done.stderr


def test_installing_too_late_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("")
    done = run("import tensorflow\nfrom engine import lean\nlean.install()", tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "RuntimeError: lean.install() came too late: tensorflow is loaded\n"
    )


def test_installing_turns_telemetry_off() -> None:
    done = run(
        "import os\n"
        "from engine import lean\n"
        "lean.install()\n"
        "print(os.environ['RASA_TELEMETRY_ENABLED'])\n"
    )
    assert done.stdout == "false\n", done.stderr


# The rest asks the placeholders that conftest.py has installed in this process.


def test_classes_can_be_derived() -> None:
    layers = importlib.import_module("tensorflow.keras.layers")

    class Layer(layers.Dense, dynamic=True):
        size = 3

    assert Layer.size == 3


def test_decorators_leave_functions_as_they_are() -> None:
    tensorflow = importlib.import_module("tensorflow")

    @tensorflow.function
    def plain(number: int) -> int:
        return number + 1

    @tensorflow.function(reduce_retracing=True)
    def with_arguments(number: int) -> int:
        return number + 2

    assert (plain(1), with_arguments(1)) == (2, 3)


def test_computing_names_the_remedy() -> None:
    tensorflow = importlib.import_module("tensorflow")

    class Layer(tensorflow.keras.layers.Layer):
        pass

    for attempt in (
        lambda: tensorflow.constant(1.0),
        lambda: tensorflow.random.normal([2, 3], seed=1),
        lambda: tensorflow.Session(),
        lambda: Layer(),
    ):
        with pytest.raises(RuntimeError, match="Use the plain `rasa` command, or take"):
            attempt()
