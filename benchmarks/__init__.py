"""Measurements of the promises in docs/SPECIFICATION.md; `make bench` runs them all and prints one page."""
