"""The vector instructions of the processor, as far as oneDNN uses them."""

import os
from pathlib import Path

import cv2

# The numbers of OpenCV's CpuFeatures (opencv2/core/cvdef.h), which Python has no names for.
CPU_AVX2, CPU_AVX_512F = 11, 13
# How values of ONEDNN_MAX_CPU_ISA begin that let oneDNN multiply bfloat16 numbers ("CPU Dispatcher
# Control" in its documentation).
BFLOAT16_LIMITS = ("AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX512_CORE_AMX")
# What Linux calls the instructions for it, and where.
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
CPU_INFO = Path("/proc/cpuinfo")


def instruction_sets() -> list[str]:
    """Name the widest vector instructions that oneDNN may use here.

    Returns
    -------
    list of str
        ``["AVX-512", "bfloat16"]``, ``["AVX-512"]`` or ``["AVX2"]``; empty on processors with none
        of these. bfloat16 is only found on Linux.
    """
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    is_unlimited = limit in ("", "ALL", "DEFAULT")
    if not cv2.checkHardwareSupport(CPU_AVX_512F) or not (
        is_unlimited or limit.startswith("AVX512")
    ):
        return ["AVX2"] if cv2.checkHardwareSupport(CPU_AVX2) else []
    is_onednn_on = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1").lower() not in ("0", "false")
    may_multiply = is_onednn_on and (is_unlimited or limit.startswith(BFLOAT16_LIMITS))
    return ["AVX-512", "bfloat16"] if may_multiply and _multiplies_bfloat16() else ["AVX-512"]


def _multiplies_bfloat16() -> bool:
    """Ask Linux, because OpenCV has no number for these instructions."""
    try:
        lines = CPU_INFO.read_text().splitlines()
    except OSError:
        return False
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return not BFLOAT16_FLAGS.isdisjoint(flags)
