"""Run a training script until its first step is done, then end it.

    python benchmarks/first_step.py train.py --dataset dataset

The script runs as usual up to there, and nothing is imported before it asks for it. A line on
stdout tells when the step is done.
"""

import builtins
import functools
import os
import runpy
import sys
from pathlib import Path

STARTS, DONE = "[INFO] training network", "[INFO] first step done"
usual_print = builtins.print


def main() -> None:
    """Run the script that the command line names, with the arguments that follow it."""
    if not sys.argv[1:]:
        sys.exit(__doc__)
    if sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return
    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(Path(sys.argv[0]).resolve().parent))
    builtins.print = watching_print
    runpy.run_path(sys.argv[0], run_name="__main__")


@functools.wraps(usual_print)
def watching_print(*values, **options):  # type: ignore[no-untyped-def]
    """Print; as soon as training starts, and so Keras is imported, let it end after a step."""
    usual_print(*values, **options)
    if str(*values[:1]).startswith(STARTS):
        import keras

        # Keras calls this after each step.
        keras.callbacks.CallbackList.on_train_batch_end = end


def end(*_: object) -> None:
    """Say that the step is done, and leave without the work that would follow."""
    usual_print(DONE, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
