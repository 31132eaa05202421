"""Measures of gridcity's speed and memory, always beside a peer in the same run.

    python -m benchmarks import

Only ratios of one run count: machines and neighbours differ.
"""
