"""Measurements of the product; ``python -m benchmarks`` sets it beside a stock assistant."""
