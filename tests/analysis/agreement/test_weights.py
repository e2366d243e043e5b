import pytest

from analysis.agreement import cohen_kappa, skew_indices
from analysis.agreement.batch import agreement_weights
from analysis.tables import ContingencyTable


def test_weights_fall_with_the_distance():
    assert agreement_weights(4, "linear")[0].tolist() == pytest.approx(
        [1, 2 / 3, 1 / 3, 0]
    )
    assert agreement_weights(3, "quadratic")[0].tolist() == [1, 0.75, 0]
    assert agreement_weights(3, None).trace() == 3


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="None, 'linear' or 'quadratic', got 'cubic'"):
        cohen_kappa(ContingencyTable([[1, 2], [3, 4]]), "cubic")


def test_skew_indices_need_two_categories():
    with pytest.raises(ValueError, match="2 x 2 table, got 3 categories"):
        skew_indices(ContingencyTable([[1, 0, 0], [0, 1, 0], [0, 0, 1]]))
