"""Standard errors of 24 studies against R: multiagree, survey, iMRMC, at 1e-9.

Where this project deviates on purpose: `crossed` counts a negative component as 0, and
so is larger than iMRMC's U-statistic wherever the mean square of patients or of readers
is below the residual one (12 of the 24). The U-statistic itself is `crossed_unbiased`.
"""

import pytest

from analysis.multireader import clustered_agreement, clustered_kappa, from_influence
from analysis.multireader.clusters import Clusters, variance_components
from analysis.multireader.kappa import Coefficient, linearise


def exactly(value):
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def has_negative_component(reference):
    return min(reference["po.MS_patient"], reference["po.MS_reader"]) < (
        reference["po.MS_resid"] - 1e-12
    )


def test_kappa_and_its_patient_cluster_error(entry, reference_pairs):
    kappa = clustered_kappa(reference_pairs, "patient")

    assert kappa.estimate == exactly(entry["reference"]["kappa.est"])
    assert kappa.standard_error == exactly(entry["reference"]["kappa.se_cluster_delta"])
    by_survey = entry["reference"]["kappa.se_svy_linearised"]
    if by_survey is not None:  # svykappa needs every category under both methods
        assert kappa.standard_error == exactly(by_survey)
    assert kappa.df == kappa.n_cases - 1


def test_readers_as_clusters_when_the_two_change_places(entry, reference_pairs):
    linear = linearise(reference_pairs, Coefficient.kappa())
    by_reader = from_influence(
        linear.estimate,
        linear.influence,
        readers=reference_pairs.case,
        cases=reference_pairs.reader,
        variance="patient",
    )

    expected = entry["reference"]["kappa.se_cluster_delta_by_reader"]
    assert by_reader.standard_error == exactly(expected)


def test_percent_agreement_and_its_patient_cluster_error(entry, reference_pairs):
    agreement = clustered_agreement(reference_pairs, "patient")

    assert agreement.estimate == exactly(entry["reference"]["po.est"])
    assert agreement.standard_error == exactly(entry["reference"]["po.se_svy_cluster"])


def test_components_are_those_of_the_analysis_of_variance(entry, reference_pairs):
    linear = linearise(reference_pairs, Coefficient.agreement())
    clusters = Clusters(reference_pairs.reader, reference_pairs.case)
    components = variance_components(clusters, linear.influence)

    reference = entry["reference"]
    of_patient = components.residual + clusters.n_readers * components.case
    of_reader = components.residual + clusters.n_cases * components.reader
    assert components.residual == exactly(reference["po.MS_resid"])
    assert of_patient == exactly(reference["po.MS_patient"])
    assert of_reader == exactly(reference["po.MS_reader"])


def test_crossed_percent_agreement_is_the_u_statistic(entry, reference_pairs):
    expected = entry["reference"]["po.var_crossed_Ustat"]
    unbiased = clustered_agreement(reference_pairs, "crossed_unbiased")
    crossed = clustered_agreement(reference_pairs, "crossed")

    assert unbiased.standard_error**2 == exactly(expected)
    if has_negative_component(entry["reference"]):
        assert crossed.standard_error > unbiased.standard_error
    else:
        assert crossed.standard_error**2 == exactly(expected)
        # Few cases that make up the mean square count fewer degrees of freedom.
        assert 0 < crossed.df <= unbiased.df * (1 + 1e-9)


def test_conservative_adds_both_mean_squares(entry, reference_pairs):
    agreement = clustered_agreement(reference_pairs, "crossed_conservative")
    reference = entry["reference"]
    noise = reference["po.MS_resid"]
    expected = max(reference["po.MS_patient"], noise)
    expected += max(reference["po.MS_reader"], noise)

    assert agreement.standard_error**2 * agreement.n == exactly(expected)
    assert agreement.standard_error > (
        clustered_agreement(reference_pairs, "crossed").standard_error
    )
