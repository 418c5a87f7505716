"""The vector instructions of the processor, as far as oneDNN uses them."""

import os
from pathlib import Path

import cv2

# The numbers of OpenCV's CpuFeatures (opencv2/core/cvdef.h), which Python has no names for.
CPU_AVX2, CPU_AVX_512F = 11, 13
# How values of ONEDNN_MAX_CPU_ISA begin that let oneDNN multiply bfloat16 numbers, as vectors or as
# the tiles of AMX ("CPU Dispatcher Control" in its documentation).
TILE_LIMIT = "AVX512_CORE_AMX"
BFLOAT16_LIMITS = ("AVX512_CORE_BF16", "AVX512_CORE_FP16", TILE_LIMIT)
# What Linux calls the instructions for it, and where.
VECTORS, TILES = "avx512_bf16", "amx_bf16"
CPU_INFO = Path("/proc/cpuinfo")


def instruction_sets() -> list[str]:
    """Name the widest vector instructions that oneDNN may use here.

    Returns
    -------
    list of str
        ``["AVX-512", "bfloat16"]``, ``["AVX-512"]`` or ``["AVX2"]``; empty on processors with none
        of these. bfloat16 is only named where it is faster than float32, and only found on Linux.
    """
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    is_unlimited = limit in ("", "ALL", "DEFAULT")
    if not cv2.checkHardwareSupport(CPU_AVX_512F) or not (
        is_unlimited or limit.startswith("AVX512")
    ):
        return ["AVX2"] if cv2.checkHardwareSupport(CPU_AVX2) else []
    is_onednn_on = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1").lower() not in ("0", "false")
    may_multiply = is_onednn_on and (is_unlimited or limit.startswith(BFLOAT16_LIMITS))
    may_use_tiles = is_unlimited or limit.startswith(TILE_LIMIT)
    is_faster = may_multiply and _is_bfloat16_faster(may_use_tiles)
    return ["AVX-512", "bfloat16"] if is_faster else ["AVX-512"]


def cpu_info() -> dict[str, str]:
    """Read what Linux says of the first core.

    Returns
    -------
    dict of str to str
        Such as ``vendor_id``, ``model name`` and ``flags``; empty on other systems.
    """
    try:
        first_core = CPU_INFO.read_text().partition("\n\n")[0]
    except OSError:
        return {}
    fields = (line.partition(":") for line in first_core.splitlines())
    return {name.strip(): value.strip() for name, _, value in fields}


def _is_bfloat16_faster(may_use_tiles: bool) -> bool:
    """Tell whether oneDNN multiplies bfloat16 numbers faster than float32.

    With the tiles of AMX, it does. With vectors, it takes AMD's processors half as long, but
    Intel's with AMX nearly twice as long; vectors are what they are left with in a virtual machine
    that hides AMX.
    """
    # OpenCV has no number for these instructions.
    described = cpu_info()
    flags = described.get("flags", "").split()
    if may_use_tiles and TILES in flags:
        return True
    return VECTORS in flags and described.get("vendor_id") != "GenuineIntel"
