import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def printed_by(program, **environment):
    """Run a program in a process that has imported nothing; the JSON that it prints."""
    inherited = {name: os.environ[name] for name in os.environ if name != "OPENBLAS_NUM_THREADS"}
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=inherited | {"KERAS_BACKEND": "openvino"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


def test_flags_are_read_and_files_guarded_without_numpy_and_opencv():
    program = (
        "import json, sys\n"
        "from pyimagesearch import outputs, reading\n"
        "from pyimagesearch.command_lines import classify, search, train\n"
        "print(json.dumps(sorted({'numpy', 'cv2'} & set(sys.modules))))"
    )
    assert printed_by(program) == []


@pytest.mark.parametrize(("environment", "threads"), [({}, 1), ({"OPENBLAS_NUM_THREADS": "2"}, 2)])
def test_numpy_multiplies_in_one_thread_unless_the_user_wants_more(environment, threads):
    program = (
        "import json, threadpoolctl\n"
        "from pyimagesearch.light_imports import import_numpy_for_threads\n"
        "import_numpy_for_threads()\n"
        "pools = threadpoolctl.threadpool_info()\n"
        "print(json.dumps([pool['num_threads'] for pool in pools]))"
    )
    # Elsewhere, NumPy comes with another library. OpenBLAS starts no more threads than cores.
    has_limit = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_limit else os.cpu_count()
    assert set(printed_by(program, **environment)) <= {min(threads, cores)}


def test_openvino_comes_without_its_converters_which_can_be_imported_later():
    program = (
        "import json, sys\n"
        "from pyimagesearch.light_imports import import_openvino_lightly\n"
        "import_openvino_lightly()\n"
        "first = [name in sys.modules for name in ('openvino', 'openvino.tools.ovc')]\n"
        "import openvino.tools.ovc\n"
        "print(json.dumps([*first, openvino.tools.ovc.convert_model.__name__]))"
    )
    assert printed_by(program) == [True, False, "convert_model"]


@pytest.mark.parametrize(
    "function",
    ["import_openvino_lightly", pytest.param("import_keras_lightly", marks=pytest.mark.slow)],
)
def test_openvino_reports_nothing_and_writes_no_id(tmp_path, function):
    program = (
        "import json, sys\n"
        "from pyimagesearch import light_imports\n"
        f"light_imports.{function}()\n"
        "import openvino.tools.ovc\n"
        "print(json.dumps(sys.modules.get('openvino_telemetry')))"
    )
    assert printed_by(program, HOME=str(tmp_path)) is None
    assert not (tmp_path / "intel").exists()


@pytest.mark.slow
def test_keras_comes_without_what_draws_which_can_be_imported_later():
    program = (
        "import json, sys\n"
        "from pyimagesearch.light_imports import import_keras_lightly\n"
        "import_keras_lightly()\n"
        "heavy = {'tensorflow', 'sklearn', 'matplotlib', 'scipy.signal'} & set(sys.modules)\n"
        "import matplotlib, scipy.signal, sklearn\n"
        "print(json.dumps([sorted(heavy), matplotlib.__name__, scipy.signal.stft.__name__]))"
    )
    assert printed_by(program) == [[], "matplotlib", "stft"]


def test_what_has_been_imported_before_stays():
    program = (
        "import json, sys\n"
        "from pyimagesearch import light_imports\n"
        "light_imports.let_openvino_report_nothing()\n"
        "import openvino.tools.ovc as before\n"
        "light_imports.import_openvino_lightly()\n"
        "print(json.dumps(sys.modules['openvino.tools.ovc'] is before))"
    )
    assert printed_by(program) is True
