import json

import nibabel as nib
import numpy as np
import pytest

from magic_model.cli import main


def test_maps_and_a_report_are_written(folder, known, capsys):
    out = folder / "new" / "maps"
    arguments = ["--frame-times", str(folder / "times.txt"), "--aif", "2,2,0"]
    arguments += ["--brain", str(folder / "brain.nii.gz"), "--vof", "2, 20, 0"]
    assert (
        main(["perfusion", str(folder / "ctp.nii.gz"), "--out", str(out), *arguments])
        == 0
    )

    printed = capsys.readouterr().out
    assert "artery: voxel 2, 2, 0 (given)" in printed
    names = {path.name for path in out.iterdir()}
    maps = {f"{name}.nii.gz" for name in ("cbf", "cbv", "mtt", "ttp", "tmax")}
    assert names == maps | {"report.html", "report.json"}
    for name in maps:
        image = nib.load(out / name)
        assert image.affine == pytest.approx(known.series.affine)
        assert np.isfinite(image.get_fdata()).all()
    told = json.loads((out / "report.json").read_text())
    assert told["aif"]["voxel"] == [2, 2, 0]
    assert told["maps"]["cbf"]["unit"] == "mL/100g/min"
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64") == 4
    assert "Research use only" in page


@pytest.mark.slow
def test_no_vein_is_said(folder, capsys):
    image = nib.load(folder / "ctp.nii.gz")
    array = image.get_fdata(dtype=np.float32)
    array[1:4, 18:23] = 33
    nib.save(nib.Nifti1Image(array, image.affine, image.header), folder / "ctp.nii.gz")
    out = folder / "maps"
    arguments = ["--brain", str(folder / "brain.nii.gz"), "--method", "oscillation"]
    assert (
        main(["perfusion", str(folder / "ctp.nii.gz"), "--out", str(out), *arguments])
        == 0
    )

    assert "warning: no vein was found" in capsys.readouterr().out
    told = json.loads((out / "report.json").read_text())
    assert told["vof"] is None
    assert told["strength"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--aif", "1,2"], "--aif must be three whole numbers from 0"),
        (["--method", "fft"], "must be one of svd"),
        (["--aif", "2,2,9"], "--aif must lie within 66 x 24 x 2"),
    ],
)
def test_refusals_are_one_sentence_and_nothing_is_written(
    arguments, message, folder, capsys
):
    out = folder / "maps"
    told = ["perfusion", str(folder / "ctp.nii.gz"), "--out", str(out), *arguments]
    told += ["--brain", str(folder / "brain.nii.gz")]
    assert main(told) == 2

    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
    assert not out.exists()
