"""`magic-model export`, as people run it."""

import numpy as np
import pytest

from magic_model.data.nifti import read_nifti, write_nifti
from magic_model.maps import MAP_SPECS, PAPER_MAPS
from tests.magic_model.data.conftest import make_head


@pytest.mark.slow
def test_an_exported_model_generates_the_same_maps(command, run_folder, tmp_path):
    """Within 1e-4 of the range of a map, at another ratio too."""
    model = tmp_path / "models" / "small.onnx"
    text = command("export", "--checkpoint", run_folder, "--out", model)
    assert text.startswith(f"{model}: ONNX model, ")
    assert text.endswith(" MiB\n")
    scan = tmp_path / "scan.nii.gz"
    write_nifti(make_head().ncct, scan)
    for checkpoint, out in ((run_folder, "torch"), (model, "onnx")):
        told = ["--checkpoint", checkpoint, "--input", scan, "--out", tmp_path / out]
        command("generate", *told, "--ratio", "0.4", "--batch", "5")
    for name in PAPER_MAPS:
        by_torch, by_onnx = (
            read_nifti(tmp_path / out / "case-1" / f"{name}.nii.gz", name).array
            for out in ("torch", "onnx")
        )
        low, high = MAP_SPECS[name].value_range
        assert np.ptp(by_torch) > 0
        np.testing.assert_allclose(by_onnx, by_torch, atol=1e-4 * (high - low))


def test_what_cannot_be_exported_is_said(refusal, run_folder, tmp_path):
    def refused(checkpoint, out):
        told = ["--checkpoint", checkpoint, "--out", tmp_path / out]
        return refusal("export", *told)

    assert "must be named *.onnx" in refused(run_folder, "model.bin")
    assert "no such checkpoint" in refused(tmp_path / "gone", "model.onnx")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"damaged")
    assert "not a readable checkpoint" in refused(damaged, "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
