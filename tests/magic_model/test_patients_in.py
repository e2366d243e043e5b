"""Inputs that were once read wrongly, or refused for a wrong reason, and what is done.

| Kind of input | What happens | Test below `tests/magic_model` |
|---|---|---|
| NCCT turned or shifted against the maps | put right | `data/alignment/test_registration.py`: a_known_motion_of_a_phantom |
| registration that found nothing | named, nothing moved | `importing/test_importing.py`: a_registration_that_is_not_trusted |
| maps of another patient | not trusted | `data/alignment/test_registration.py`: maps_of_another_patient |
| maps 10 mm off that overlap well | named | `data/alignment/test_outlines.py`: the_check_names_maps_10_mm_off |
| bolus late everywhere | corrected or unknown | `importing/test_importing.py`: a_late_bolus_never_empties |
| times in ms, minutes, tenths | unknown and named | `data/test_lesion.py`: times_in_another_unit |
| the same where masks are given | named | `data/test_checks.py`: times_in_another_unit |
| times shifted and cut off at 0 | named | `data/test_checks.py`: times_that_were_cut_off |
| a map cut off at its top, or flat | named | `data/test_checks.py`: a_map_that_is_cut_off |
| times counted in frames | named | `data/test_checks.py`: times_of_another_pace |
| TTP turned round | named | `data/test_checks.py`: times_that_are_turned_round |
| both sides ill | unknown | `data/test_lesion.py`: where_all_of_both_sides_is_ill |
| gantry tilt, uneven spacing | resampled, noted | `data/test_tilted_head.py`: heights_are_those |
| the same as a sheared NIfTI | the same | `data/test_straight.py`: a_sheared_nifti_takes_the_same |
| positions that jitter by 0.3 mm | read | `data/dicom/test_ct.py`: jitter_of_0_3_mm |
| slices missing, repeated, mixed | refused, file named | `data/dicom/test_ct.py`: what_makes_no_volume |
| CTA, MIP, bone, average, neck, parts of the head beside the NCCT | left, named | `data/layouts/test_door.py`: the_head_is_chosen |
| images or maps that a network made | set apart, named | `inference/test_dicom_maps.py`: generated_maps_are_no_reference |
| a localizer or page sorted first, copies, a study sent twice | set apart, dropped | `data/layouts/test_door.py`: the_head_is_chosen |
| a raw 4D series beside the NCCT | named | `data/layouts/test_door.py`: the_head_is_chosen |
| two parts of one head | joined | `data/layouts/test_door.py`: two_parts_of_one_head |
| two series equally good | both named | `data/layouts/test_dicom_folder.py`: two_equally_plausible |
| several series, to generate from | the same choice | `data/layouts/test_door.py`: generate_goes_through |
| a patient without a usable image | the true reason | `data/layouts/test_door.py`: a_patient_without_a_usable |
| no preamble; zipped | read | `data/layouts/test_door.py`: the_head_is_chosen |
| HU + 1024, 8 bit, scaled to 1 | refused | `data/test_ncct_values.py`: values_that_are_no_hu |
| CT numbers off by a little, or times a factor | named | `data/test_ncct_values.py`: ct_numbers_that_are_off |
| a copy in another window | named | `data/test_ncct_values.py`: a_copy_in_another_window |
| a CTA as NCCT | named | `data/test_ncct_values.py`: contrast_agent |
| skull taken off | named | `data/test_ncct_values.py`: a_skull_that_is_removed |
| maps mirrored along any axis | named | `data/test_flips.py`: each_flip_is_named |
| one map mirrored alone | named | `data/test_flips.py`: one_map_that_was_mirrored_alone |
| one map moved alone | named | `data/test_checks.py`: one_map_that_was_moved |
| maps that are swapped | named | `data/test_checks.py`: swapped_maps |
| maps in other units | the factor named | `data/test_checks.py`: a_wrong_unit |
| errors that leave s at 1 | named | `data/test_checks.py`: equal_errors_in_all_maps |
| maps of two slices | named | `data/test_checks.py`: maps_of_two_slices |
| maps beside the NCCT | refused with mm | `importing/test_importing.py`: maps_beside_the_ncct |
| masks of labels 1 and 2 | refused; a column for them | `data/test_masks.py`: labels_are_no_mask |
| masks of other voxels | refused | `data/test_masks.py`: a_mask_of_other_voxels |
| core outside the tissue at risk | named | `data/test_masks.py`: core_outside |
| a 4D NIfTI as an image | refused | `data/test_nifti.py`: a_series_is_refused |
| sform and qform that differ | named | `data/test_nifti.py`: sform_and_qform |
| a background of NaN | left out | `importing/test_importing.py`: a_background_of_nan |
| NaN within the brain | named | `importing/test_importing.py`: nan_within_the_brain |
| units as ml/100ml/s, 0.1 s | converted | `data/dicom/test_perfusion.py`: units_are_converted |
| what is no unit of the map | refused | `data/dicom/test_perfusion.py`: what_is_no_unit |
| colours without a range | refused | `data/layouts/test_colour_captures.py`: a_range_that_is_not_given |
| bars that disagree | refused | `data/layouts/test_colour_captures.py`: bars_of_one_map |
| colours of another bar | refused | `data/layouts/test_colour_captures.py`: colours_of_another_bar |
| what a hospital wrote | leaves in no byte | `importing/test_deidentification.py`: no_byte_of_an_import |
| text in the pixels | named | `importing/test_deidentification.py`: text_that_stands |
| one head at another spacing | the same neighbours | `inference/test_preparation.py`: neighbours_are_those |
| one head in another field | the same slices | `inference/test_preparation.py`: the_field_of_a_scan |
"""  # noqa: E501

from pathlib import Path

import pytest

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in __doc__.splitlines()
    if line.startswith("|")
][2:]


@pytest.mark.parametrize(("kind", "_done", "where"), ROWS, ids=[r[0] for r in ROWS])
def test_each_kind_has_its_test(kind, _done, where):
    path, name = where.split(": ")
    text = (Path(__file__).parent / path.strip("`")).read_text(encoding="utf-8")
    found = [line for line in text.splitlines() if line.startswith("def test_")]
    assert any(name in line for line in found), kind
