"""Import large libraries without those parts of them that are not needed, or not wanted."""

import os
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


def import_numpy_for_threads() -> None:
    """Import NumPy so that each thread of ours multiplies matrices alone.

    OpenBLAS, which NumPy comes with, would share each product among threads of its own. These wait
    for the next product by counting, and take time from ours: computing nearness made classifying a
    folder take 1.3 times as long. OpenBLAS reads its settings when it is loaded ("Runtime
    variables" in its documentation).
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import numpy  # noqa: F401


def let_openvino_report_nothing() -> None:
    """Keep OpenVINO, which must not have been imported yet, from sending reports of its use.

    Its converters of other libraries' models report to Google Analytics that they are imported and
    what they convert, and keep an ID of the user in the home folder. They do without where
    openvino_telemetry is not installed; None in `sys.modules` has the same effect.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


def import_openvino_lightly() -> None:
    """Import OpenVINO without its converters of other libraries' models.

    These take three quarters of the time: once NumPy is there, a plain ``import openvino`` takes
    0.33 s of the processor, this 0.08 s. Should something import them later, they report nothing.
    """
    let_openvino_report_nothing()
    with _left_out({"openvino.tools.ovc": None}):
        import openvino  # noqa: F401


def import_keras_lightly() -> None:
    """Import Keras without plots, scikit-learn and signal processing.

    With the OpenVINO backend, a plain ``import keras`` takes three times as long (median of five
    cold starts on two cores: 2.6 s against 0.8 s); with TensorFlow, half a second longer. SciPy
    loads its signal processing when it is first used, so that an empty module can stand in for it
    during the import. No other thread may import what is left out meanwhile.
    """
    let_openvino_report_nothing()
    signal = types.ModuleType("scipy.signal")
    with _left_out({"matplotlib": None, "sklearn": None, "scipy.signal": signal}):
        import keras  # noqa: F401


@contextmanager
def _left_out(stand_ins: Mapping[str, types.ModuleType | None]) -> Iterator[None]:
    """Let libraries that are imported within the block do without some others.

    None in `sys.modules` means that a module cannot be imported ("The import system" in Python's
    language reference). After the block it can be.
    """
    missing = {name: module for name, module in stand_ins.items() if name not in sys.modules}
    # The type of sys.modules does not know of None.
    sys.modules.update(missing)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]
