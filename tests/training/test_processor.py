import cv2
import pytest

from pyimagesearch.training import processor

AVX_512, AVX2 = {processor.CPU_AVX_512F, processor.CPU_AVX2}, {processor.CPU_AVX2}
VECTORS = "flags\t\t: fpu avx512f avx512_bf16 lm\n"
INTEL = f"vendor_id\t: GenuineIntel\n{VECTORS}"
INTEL_TILES = INTEL.replace("lm", "amx_bf16")


@pytest.fixture
def instruction_sets(monkeypatch, tmp_path):
    """Return a function that names the instructions of a processor that OpenCV and Linux describe.

    Without a description, the system is not Linux.
    """

    def call(supported, described, *, limit="", onednn="1"):
        monkeypatch.setattr(cv2, "checkHardwareSupport", supported.__contains__)
        monkeypatch.setattr(processor, "CPU_INFO", tmp_path / "cpuinfo")
        if described is not None:
            (tmp_path / "cpuinfo").write_text(f"processor : 0\n{described}\n")
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", onednn)
        return processor.instruction_sets()

    return call


@pytest.mark.parametrize(
    ("described", "has_bfloat16"),
    [
        (VECTORS, True),
        ("flags : amx_bf16", True),
        (INTEL_TILES, True),
        (INTEL, False),
        ("flags : avx512f\nbugs : avx512_bf16", False),
        (None, False),
    ],
    ids=["vectors", "tiles", "Intel's tiles", "Intel's vectors", "no flag", "not Linux"],
)
def test_bfloat16_is_named_where_it_is_faster(instruction_sets, described, has_bfloat16):
    expected = ["AVX-512", "bfloat16"] if has_bfloat16 else ["AVX-512"]
    assert instruction_sets(AVX_512, described) == expected


@pytest.mark.parametrize(
    ("described", "limit", "expected"),
    [
        (INTEL_TILES, "AVX512_CORE_BF16", ["AVX-512"]),
        (INTEL_TILES, "AVX512_CORE_FP16", ["AVX-512"]),
        (VECTORS, "AVX512_CORE_BF16", ["AVX-512", "bfloat16"]),
        (VECTORS, "AVX512_CORE_AMX", ["AVX-512", "bfloat16"]),
        (VECTORS, "AVX512_CORE_VNNI", ["AVX-512"]),
        (VECTORS, "AVX512_CORE", ["AVX-512"]),
        (VECTORS, "AVX2", ["AVX2"]),
    ],
)
def test_instructions_that_the_user_forbids_are_not_named(
    instruction_sets, described, limit, expected
):
    assert instruction_sets(AVX_512, described, limit=limit) == expected


def test_without_onednn_there_is_no_bfloat16(instruction_sets):
    assert instruction_sets(AVX_512, VECTORS, onednn="0") == ["AVX-512"]


def test_an_older_processor_has_avx2_or_neither(instruction_sets):
    assert instruction_sets(AVX2, "flags : avx2") == ["AVX2"]
    assert instruction_sets(set(), "") == []
