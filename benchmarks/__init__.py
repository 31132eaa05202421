"""Measures of gridcity's speed and memory, always beside peers in the same run.

    python -m benchmarks locate|cold|stream|nearest|build|import

Only ratios of one run count: machines and neighbours differ.
"""
