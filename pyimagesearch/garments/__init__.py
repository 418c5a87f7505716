"""Drawn photographs of garments, with labels: the dataset, the examples and the tests use them.

``scenes`` composes a picture from a backdrop, a person and clothes, and ``writing`` saves whole
folders of them. ``python -m pyimagesearch.garments`` does so from the command line.
"""
