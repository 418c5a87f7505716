import pytest

from pyimagesearch.missing_libraries import missing_library_message

MISSING_LIBRARY = "libGL.so.1: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    ("release", "cure"),
    [
        ({"ID": "debian"}, "install it with apt-get install -y libgl1 libglib2.0-0"),
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, "install it with apt-get install -y libgl1"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "install it with dnf install -y mesa-"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "install it with zypper install -y"),
        ({"ID": "unheard-of"}, "install the package that holds it"),
        (None, "install the package that holds it"),
    ],
)
def test_a_missing_library_is_named_with_the_command_of_the_distribution(
    monkeypatch, release, cure
):
    def read():
        if release is None:
            raise FileNotFoundError
        return release

    monkeypatch.setattr("platform.freedesktop_os_release", read)
    message = missing_library_message(ImportError(MISSING_LIBRARY))
    assert message.startswith("the system lacks libGL.so.1, which OpenCV needs: ")
    assert cure in message
    assert "\n" not in message
