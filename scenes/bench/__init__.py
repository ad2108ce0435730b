"""Benchmarks: what is measured by the wall clock, as paired ratios within one run."""
