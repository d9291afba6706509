"""What this machine is good at: cores, and fast bfloat16."""

import os
from pathlib import Path
from typing import Literal


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def fast_precision() -> Literal["float32", "bfloat16"]:
    """The number format that matrix products are fastest in: bfloat16 on x86 processors with instructions for it."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "float32"
    return "bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def has_gpu() -> bool:
    """Whether an NVIDIA device is there; on one, a single process trains fastest."""
    return Path("/dev/nvidia0").exists()
