"""Cores of real processes that hold fresh keys, and a manifest of what lies where."""
