"""Writes the eight-bit sentence encoder as an ONNX graph.

The graph takes the summed embeddings of texts of one length, ``embedded`` (texts, tokens, hidden),
and gives three summaries of the token vectors, each (texts, hidden): the last layer's mean, its
largest value in each channel, and the mean of the layer before.  The first is the model's vector
of a text; the others tell a classifier more.  The embedding table stays outside: it is five
sixths of the model and only a few rows of it are ever needed.
As all texts of a call have the same length, no attention mask is needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.calibration import SITES, Floats, Layer, Range, read_layer
from encoder.quantise import Product, quantise_product, smoothing_factors
from encoder.weights import WeightFile

INPUT = "embedded"
MEAN, LARGEST, EARLIER = "mean", "largest", "earlier"
OUTPUTS = (MEAN, LARGEST, EARLIER)

# The oldest versions that hold all operators used; any newer runtime reads them.
_OPSET = 18
_IR_VERSION = 8
_RUNTIME_DOMAIN = "com.microsoft"


class _Graph:
    """Collects nodes and constants; every value is called after the node that makes it."""

    def __init__(self) -> None:
        self._onnx: Any = importlib.import_module("onnx")
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        array = np.ascontiguousarray(value) if np.ndim(value) else np.asarray(value)
        self._constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def node(
        self, operator: str, inputs: list[str], output: str, domain: str = "", **settings: Any
    ) -> str:
        self.split(operator, inputs, [output], domain, **settings)
        return output

    def split(
        self, operator: str, inputs: list[str], outputs: list[str], domain: str, **settings: Any
    ) -> None:
        make = self._onnx.helper.make_node
        name = outputs[0]
        self._nodes.append(make(operator, inputs, outputs, name=name, domain=domain, **settings))

    def normalised(self, x: str, added: str, norm: tuple[Floats, Floats], name: str) -> str:
        """Return the layer norm of `x` plus `added`; its epsilon is set by `finished`."""
        scale = self.constant(f"{name}.scale", norm[0])
        shift = self.constant(f"{name}.shift", norm[1])
        inputs = [x, added, scale, shift]
        return self.node("SkipLayerNormalization", inputs, name, _RUNTIME_DOMAIN, epsilon=_EPSILON)

    def product(self, x: str, product: Product, bias: Floats, name: str) -> str:
        """Return ``x @ weights + bias`` in eight bits."""
        if not np.all(product.smoothing == 1.0):
            inverse = self.constant(f"{name}.smoothing", np.float32(1.0) / product.smoothing)
            x = self.node("Mul", [x, inverse], f"{name}.smooth")
        step = self.constant(f"{name}.step", product.step)
        zero = self.constant(f"{name}.zero", product.zero)
        weights = self.constant(f"{name}.weights", product.weights)
        scales = self.constant(f"{name}.scales", product.scales)
        integers = self.node("QuantizeLinear", [x, step, zero], f"{name}.integers")
        # The sixth input, the zero points of the weights, is left out: they are symmetric.
        inputs = [integers, weights, step, scales, zero, "", self.constant(f"{name}.bias", bias)]
        return self.node("MatMulIntegerToFloat", inputs, name, _RUNTIME_DOMAIN)

    def finished(self, hidden: int) -> bytes:
        """Return the serialised model."""
        helper = self._onnx.helper
        real = self._onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            self._nodes,
            "multilingual-e5-small",
            [helper.make_tensor_value_info(INPUT, real, ["texts", "tokens", hidden])],
            [helper.make_tensor_value_info(name, real, ["texts", hidden]) for name in OUTPUTS],
            self._constants,
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_RUNTIME_DOMAIN, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        return bytes(model.SerializeToString())


_EPSILON = 1e-12
"""The layer norms' epsilon; `build_graph` refuses weights that say otherwise."""


def _add_layer(
    graph: _Graph, x: str, layer: Layer, seen: Mapping[str, Range], heads: int, name: str
) -> str:
    """Append one transformer layer that reads `x`; return its output's name."""
    hidden = len(layer.output)
    # Attention mixes tokens, never channels, so the context can be smoothed by dividing the value
    # projection's columns: no operator is spent on it at run time.
    factors = smoothing_factors(seen["context"], layer.output)
    qkv, qkv_bias = layer.qkv.copy(), layer.qkv_bias.copy()
    qkv[:, 2 * hidden :] /= factors
    qkv_bias[2 * hidden :] /= factors
    context_seen = Range(seen["context"].low / factors, seen["context"].high / factors)

    joint = graph.product(x, quantise_product(qkv, seen["attention"]), qkv_bias, f"{name}.qkv")
    parts = [f"{name}.{part}" for part in ("query", "key", "value")]
    sizes = graph.constant(f"{name}.sizes", np.full(3, hidden, np.int64))
    graph.split("Split", [joint, sizes], parts, "", axis=-1)
    context = graph.node(
        "MultiHeadAttention", parts, f"{name}.context", _RUNTIME_DOMAIN, num_heads=heads
    )
    output = layer.output * factors[:, None]
    attended = graph.product(
        context,
        quantise_product(output, context_seen, smooth=False),
        layer.output_bias,
        f"{name}.output",
    )
    feed = graph.normalised(x, attended, layer.attention_norm, f"{name}.feed")
    wide = graph.product(
        feed, quantise_product(layer.feed_in, seen["feed"]), layer.feed_in_bias, f"{name}.feed_in"
    )
    activated = graph.node("Gelu", [wide], f"{name}.activated", _RUNTIME_DOMAIN)
    fed = graph.product(
        activated,
        quantise_product(layer.feed_out, seen["activated"]),
        layer.feed_out_bias,
        f"{name}.feed_out",
    )
    return graph.normalised(feed, fed, layer.feed_norm, f"{name}.result")


def build_graph(weights: WeightFile, ranges: Mapping[tuple[int, str], Range]) -> bytes:
    """Return the serialised graph for `weights`, quantised for activations in `ranges`.

    Raises:
        WeightFileError: a tensor is missing.
        ValueError: the layer norms' epsilon is not the one this builder knows.
        ImportError: the `onnx` package, needed only here, is not installed.
    """
    shape = weights.shape
    if not 0.9 * _EPSILON < shape.epsilon < 1.1 * _EPSILON:
        raise ValueError(f"unexpected layer-norm epsilon {shape.epsilon}")
    graph = _Graph()
    scale = graph.constant("embedding.scale", weights.vector("emb.ln.w"))
    shift = graph.constant("embedding.shift", weights.vector("emb.ln.b"))
    x = graph.node(
        "LayerNormalization", [INPUT, scale, shift], "embedding", axis=-1, epsilon=_EPSILON
    )
    axes = graph.constant("tokens.axis", np.array([1], np.int64))
    for number in range(shape.layers):
        seen = {site: ranges[number, site] for site in SITES}
        if number == shape.layers - 1:
            graph.node("ReduceMean", [x, axes], EARLIER, keepdims=0)
        x = _add_layer(graph, x, read_layer(weights, number), seen, shape.heads, f"layer{number}")
    graph.node("ReduceMean", [x, axes], MEAN, keepdims=0)
    graph.node("ReduceMax", [x, axes], LARGEST, keepdims=0)
    return graph.finished(shape.hidden)
