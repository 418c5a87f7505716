import os
import subprocess
import sys


def test_stderr_speaks_again_only_when_the_last_silent_block_ends():
    program = (
        "import os, threading\n"
        "from pyimagesearch.streams import quiet_stderr\n"
        "begun, over = threading.Event(), threading.Event()\n"
        "def other():\n"
        "    with quiet_stderr():\n"
        "        begun.set()\n"
        "        over.wait()\n"
        "thread = threading.Thread(target=other)\n"
        "with quiet_stderr():\n"
        "    thread.start()\n"
        "    begun.wait()\n"
        "os.write(2, b'silenced')\n"
        "over.set()\n"
        "thread.join()\n"
        "os.write(2, b'heard')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stderr == b"heard"


def test_what_another_file_gets_is_not_silenced_where_there_is_no_stderr(tmp_path):
    program = (
        "import os, sys\n"
        "from pyimagesearch.streams import quiet_stderr\n"
        "written = os.open('written', os.O_WRONLY | os.O_CREAT)\n"
        "with quiet_stderr():\n"
        "    os.write(written, str((sys.stderr, written)).encode())\n"
    )
    shell = ["bash", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, program]
    subprocess.run(shell, cwd=tmp_path, check=True)
    assert (tmp_path / "written").read_text() == "(None, 2)"


def test_what_nobody_reads_may_have_letters_that_the_systems_encoding_lacks():
    program = (
        "from pyimagesearch.streams import protect_streams, silence_stdout\n"
        "protect_streams()\n"
        "print('bl\\xe5, \\u56f3, \\udcff', flush=True)\n"
        "silence_stdout()\n"
        "print('bl\\xe5, \\u56f3, \\udcff', flush=True)\n"
    )
    shell = ["bash", "-c", 'exec "$0" -c "$1" >&-', sys.executable, program]
    ascii_alone = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run(shell, env=os.environ | ascii_alone, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
