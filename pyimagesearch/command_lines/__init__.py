"""The flags of the three scripts: their names, defaults and help.

Only the scripts import this package. They use the values; what a flag means is said here, once.
"""
