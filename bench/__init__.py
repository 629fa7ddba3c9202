"""Figures of this machine: `make bench`. Not a part of the package, and not shipped.

Rule: a bench prints what it measured, in one run on one machine, with the aim beside the figure;
it judges nothing. A new one is a module here with a `main()`, and a line in `bench/__main__.py`.
Source: docs/architecture.md, the performance model.
"""
