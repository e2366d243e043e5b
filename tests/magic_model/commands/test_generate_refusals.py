"""What `magic-model generate` refuses, and what it says."""

import numpy as np
import onnx
import pytest
import torch

from magic_model.data.nifti import write_nifti
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.maps import PAPER_MAPS
from magic_model.output import file_digest
from tests.magic_model.data.conftest import make_head
from tests.magic_model.inference.test_onnx_backend import write_model

MAPS = [Kind(name) for name in PAPER_MAPS]


@pytest.fixture
def refused(refusal, run_folder, scan, tmp_path):
    def run(*options, checkpoint=run_folder, source=scan, out=tmp_path / "out"):
        told = ["--checkpoint", checkpoint, "--input", source, "--out", out]
        said = refusal("generate", *told, *options)
        assert not out.is_dir() or not list(out.rglob("*.nii.gz"))
        return said

    return run


@pytest.mark.parametrize("ratio", ["0", "-1", "nan", "inf"])
def test_a_ratio_that_is_not_positive_is_refused(refused, ratio):
    assert "ratio must be positive, got" in refused("--ratio", ratio)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(refused):
    assert "finds no GPU here" in refused("--device", "cuda")


def test_options_that_make_no_sense_are_refused(refused, cohort, tmp_path):
    assert "must be auto, cpu or cuda, got tpu" in refused("--device", "tpu")
    assert "Invalid value for '--batch'" in refused("--batch", "0")
    assert "folder can have, got '../x'" in refused("--name", "../x")
    assert "case-1: spacing must be" in refused("--spacing", "0")
    assert "got tests" in refused("--split", "tests", source=cohort)
    (tmp_path / "file").touch()
    assert "file: must be a folder" in refused(out=tmp_path / "file")


def test_what_is_no_image_is_refused(refused, tmp_path):
    assert "nothing.nii: no such file" in refused(source=tmp_path / "nothing.nii")
    (tmp_path / "text.nii.gz").write_text("no image")
    assert "not a readable NIfTI" in refused(source=tmp_path / "text.nii.gz")
    (tmp_path / "empty").mkdir()
    assert "one CT series, got 0: none" in refused(source=tmp_path / "empty")


def test_an_ncct_without_a_brain_is_refused(refused, tmp_path):
    head = make_head()
    air = tmp_path / "air.nii.gz"
    write_nifti(head.ncct.with_array(np.full(head.ncct.shape, -1000.0)), air)
    assert "case-1: A head CT must show bone" in refused(source=air)
    thin = tmp_path / "thin.nii.gz"
    write_nifti(make_head((64, 64, 5), (3.5, 3.5, 1.0)).ncct, thin)
    said = refused("--name", "P4", source=thin)
    assert "P4: an NCCT must reach 8 mm from bottom to top" in said
    assert "got 5 slices of 1 mm" in said


def test_what_is_no_model_is_refused(refused, run_folder, tmp_path):
    def told(name, content):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        return refused(checkpoint=path)

    whole = (run_folder / "best.safetensors").read_bytes()
    assert "a.safetensors: no such checkpoint" in told("a.safetensors", None)
    assert "not a readable checkpoint" in told("b.safetensors", b"damaged")
    assert "not a readable checkpoint" in told("c.safetensors", whole[:-100])
    assert "not a readable checkpoint" in told("d.pt", b"\x80\x04N.")  # a pickle
    ranges = whole.replace(rb"[0.0, 60.0]", rb"[0.0, 99.0]")
    assert "range of cbf must be (0.0, 60.0), got (0.0, 99.0)" in told("e", ranges)
    assert "f.onnx: no such model" in told("f.onnx", None)
    assert "not a readable ONNX model" in told("g.onnx", b"damaged")
    write_model(tmp_path / "h.onnx", None)
    assert "none that magic-model export wrote" in told("h.onnx", None)
    assert onnx.load(tmp_path / "h.onnx").graph.name == "by hand"
    (tmp_path / "run").mkdir()
    assert "must hold best.safetensors or" in refused(checkpoint=tmp_path / "run")


def test_a_model_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        file_digest(tmp_path / "gone")
