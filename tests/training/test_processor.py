import cv2
import pytest

from pyimagesearch.training import processor

BFLOAT16 = "flags\t\t: fpu avx512f avx512_bf16 lm\n"
INTEL = f"vendor_id\t: GenuineIntel\n{BFLOAT16}"
INTEL_TILES = INTEL.replace("lm", "amx_bf16")


@pytest.mark.parametrize(
    ("supported", "flags", "limit", "onednn", "expected"),
    [
        ({"CPU_AVX_512F", "CPU_AVX2"}, BFLOAT16, "", "1", ["AVX-512", "bfloat16"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, "flags : amx_bf16", "", "1", ["AVX-512", "bfloat16"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, INTEL_TILES, "", "1", ["AVX-512", "bfloat16"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, INTEL_TILES, "AVX512_CORE_BF16", "1", ["AVX-512"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, INTEL_TILES, "AVX512_CORE_FP16", "1", ["AVX-512"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, INTEL, "", "1", ["AVX-512"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, BFLOAT16, "AVX512_CORE_BF16", "1", ["AVX-512", "bfloat16"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, BFLOAT16, "AVX512_CORE_AMX", "1", ["AVX-512", "bfloat16"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, BFLOAT16, "AVX512_CORE_VNNI", "1", ["AVX-512"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, BFLOAT16, "AVX512_CORE", "1", ["AVX-512"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, BFLOAT16, "AVX2", "1", ["AVX2"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, BFLOAT16, "", "0", ["AVX-512"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, "flags : avx512f\nbugs : avx512_bf16", "", "1", ["AVX-512"]),
        ({"CPU_AVX_512F", "CPU_AVX2"}, None, "", "1", ["AVX-512"]),
        ({"CPU_AVX2"}, "flags : avx2", "", "1", ["AVX2"]),
        (set(), "", "", "1", []),
    ],
)
def test_the_widest_instructions_in_use_are_named(
    monkeypatch, tmp_path, supported, flags, limit, onednn, expected
):
    features = {getattr(processor, name) for name in supported}
    monkeypatch.setattr(cv2, "checkHardwareSupport", features.__contains__)
    monkeypatch.setattr(processor, "CPU_INFO", tmp_path / "cpuinfo")
    if flags is not None:
        (tmp_path / "cpuinfo").write_text(f"processor : 0\n{flags}\n")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", onednn)
    assert processor.instruction_sets() == expected
