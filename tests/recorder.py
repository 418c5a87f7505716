"""Record what functions are given while a script runs in the process of the tests."""

import pkgutil
from inspect import signature
from typing import NamedTuple


class Call(NamedTuple):
    """The arguments of a call by their names, defaults included, and what came of it."""

    arguments: dict
    result: object


def record(patch, functions, stand_ins=()):
    """Put recorders in the places of functions.

    `patch` is pytest's monkeypatch. `functions` are dotted paths; what `stand_ins` has for one of
    them is returned in its place, all others are called. The last call of each is kept in the
    dictionary that this returns, by the last part of the path.
    """
    calls, stand_ins = {}, dict(stand_ins)
    for path in sorted(functions, reverse=True):  # methods before their classes
        patch.setattr(path, _recorder(pkgutil.resolve_name(path), path, calls, stand_ins))
    return calls


def _recorder(function, path, calls, stand_ins):
    def recorder(*given, **named):
        bound = signature(function).bind(*given, **named)
        bound.apply_defaults()
        result = stand_ins[path] if path in stand_ins else function(*given, **named)
        calls[path.rpartition(".")[2]] = Call(bound.arguments, result)
        return result

    return recorder
