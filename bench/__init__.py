"""Koine's benchmarks: `python -m bench` and `python -m bench.large` (docs/benchmarks.md)."""
