"""What to do where the system lacks a library that OpenCV needs."""

import platform

# How to install the system libraries that OpenCV needs, by the ID in /etc/os-release.
INSTALL_COMMANDS = {
    "debian": "apt-get install -y libgl1 libglib2.0-0",
    "fedora": "dnf install -y mesa-libGL glib2",
    "rhel": "dnf install -y mesa-libGL glib2",
    "suse": "zypper install -y Mesa-libGL1 libglib-2_0-0",
    "arch": "pacman -S --noconfirm libglvnd glib2",
}


def missing_library_message(error: ImportError) -> str | None:
    """Say which system library OpenCV lacks, if that is why an import failed; otherwise None."""
    library, found, _ = str(error).partition(": cannot open shared object file")
    if not found:
        return None
    return f"the system lacks {library}, which OpenCV needs: {_installation()}"


def _installation() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    # Ubuntu, for example, is ID=ubuntu and ID_LIKE=debian.
    for name in [release.get("ID", ""), *release.get("ID_LIKE", "").split()]:
        if name in INSTALL_COMMANDS:
            return f"install it with {INSTALL_COMMANDS[name]}"
    return "install the package that holds it (often libgl1 or mesa-libGL)"
