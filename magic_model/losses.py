"""The losses of the paper, Eq. 1 to 8, as functions of images.

Maps are `(b, maps, h, w)` in [-1, 1]. Each loss is the mean over the images of the mean
over their pixels; with a mask `(b, 1, h, w)` of 0 and 1 only its pixels count. So the
mean over the parts of a batch is the loss of the batch.

A term of the loss is a line of `TERMS`: recipes, steps and metrics know it by its
name there. PyTorch is imported where it computes only, since recipes read the names.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from magic_model.maps import MAP_SPECS, PerfusionMap

if TYPE_CHECKING:
    from torch import Tensor

FLAT = 1e-3
"""An image whose values span less of [-1, 1] has no extrema to learn."""

LATE = {PerfusionMap.TTP: 4.5, PerfusionMap.TMAX: 4.0}
"""Seconds after the median of the brain that make tissue late; the first map counts."""

FLOW_MAPS = (PerfusionMap.CBF, PerfusionMap.CBV)
"""Maps of how much blood there is, of which vessels have the most."""

CENTRAL_VOLUME_MAPS = (PerfusionMap.CBF, PerfusionMap.CBV, PerfusionMap.MTT)
"""Maps that the central volume principle links."""


@dataclass(frozen=True)
class LossInputs:
    """What a term of the loss may look at.

    Attributes:
        maps: Of the channels.
        generated: `(b, maps, h, w)` in [-1, 1].
        measured: The same shape.
        mask: `(b, 1, h, w)`, pixels that count; None if all do.
        judgement: The discriminator's of the generated maps, if there is one.
        logits: Whether the judgement's loss is computed from logits.
        late: Where measured tissue is late `(b, 1, h, w)`, if that was found already.
        lateness: Logit of late tissue, the same shape, if the generator tells it.
    """

    maps: tuple[PerfusionMap, ...]
    generated: "Tensor"
    measured: "Tensor"
    mask: "Tensor | None" = None
    judgement: "Tensor | None" = None
    logits: bool = True
    late: "Tensor | None" = None
    lateness: "Tensor | None" = None

    def channels(self, *names: PerfusionMap) -> list[int]:
        """Return the channels of those maps that are there."""
        return [self.maps.index(name) for name in names if name in self.maps]


@dataclass(frozen=True)
class LossTerm:
    """A term of what the generator minimises.

    Attributes:
        weight: Where a recipe gives none.
        compute: Its value, unweighted.
        needs: Maps without which it cannot be computed.
    """

    weight: float
    compute: "Callable[[LossInputs], Tensor]"
    needs: tuple[PerfusionMap, ...] = ()


@dataclass(frozen=True)
class GeneratorLoss:
    """What the generator minimises, term by term.

    Attributes:
        terms: Value of each, unweighted, by its name in `TERMS`.
        weights: Weight of each.
    """

    terms: "Mapping[str, Tensor]"
    weights: Mapping[str, float]

    @property
    def total(self) -> "Tensor":
        """Eq. 8, with the terms that the paper does not have."""
        first, *others = (self.weights[name] * x for name, x in self.terms.items())
        return sum(others, start=first)


def generator_loss(given: LossInputs, weights: Mapping[str, float]) -> GeneratorLoss:
    """Compute the terms that have a weight, and L1 always, as people follow it."""
    names = [name for name in TERMS if weights[name] or name == "l1"]
    return GeneratorLoss({n: TERMS[n].compute(given) for n in names}, weights)


def discriminator_loss(
    real: "Tensor", fake: "Tensor", *, logits: bool = True
) -> "Tensor":
    """Eq. 1 with its sign turned, what the discriminator minimises.

    Args:
        real: Judgement of measured maps, as logits of any shape.
        fake: Judgement of generated maps.
        logits: Compute from logits; else from Sigmoid and logarithm, as the paper does.
    """
    return _judged(real, 1.0, logits) + _judged(fake, 0.0, logits)


def adversarial_loss(fake: "Tensor", *, logits: bool = True) -> "Tensor":
    """What the generator minimises of Eq. 1, in its non-saturating form.

    log D(G) is increased instead of log(1 - D(G)) decreased, as in pix2pix
    (Isola 2017, doi:10.1109/CVPR.2017.632, section 3.3).
    """
    return _judged(fake, 1.0, logits)


def l1_loss(
    generated: "Tensor", measured: "Tensor", mask: "Tensor | None" = None
) -> "Tensor":
    """Eq. 2: mean absolute difference."""
    return _mean((generated - measured).abs(), mask)


def extrema_loss(
    generated: "Tensor", measured: "Tensor", mask: "Tensor | None" = None
) -> "Tensor":
    """Eq. 5 to 7: squared difference, weighted where the measured map is extreme.

    Both maps are stretched to [0, 1] by their own least and largest value in the image,
    with gradient. A map that is flat (`FLAT`) has no least and largest: where the
    measured one is, its image counts 0; where the generated one is, it is divided by
    `FLAT` instead, so that the gradient stays finite and leads away from flatness.
    """
    target, spread = _stretched(measured, mask)
    weight = (target - 0.5).square() * (spread > FLAT)
    stretched, _ = _stretched(generated, mask)
    return _mean(weight * (stretched - target).square(), mask)


def multimodal_loss(
    cbf: "Tensor",
    mtt: "Tensor",
    measured_cbv: "Tensor",
    factor: float,
    mask: "Tensor | None" = None,
) -> "Tensor":
    """Eq. 4: generated CBF x MTT against the measured CBV.

    Args:
        cbf: Generated, `(b, 1, h, w)`.
        mtt: Generated.
        measured_cbv: Measured.
        factor: As `central_volume_factor` gives it.
        mask: Pixels that count.
    """
    product = factor * (cbf + 1) / 2 * (mtt + 1) / 2
    return _mean((product - (measured_cbv + 1) / 2).abs(), mask)


def late_tissue(
    maps: Sequence[PerfusionMap], measured: "Tensor", mask: "Tensor | None"
) -> "Tensor | None":
    """Tell where measured tissue is late, by TTP, else by Tmax (`LATE`).

    Args:
        maps: Of the channels.
        measured: `(b, maps, h, w)` in [-1, 1].
        mask: `(b, 1, h, w)` of the brain; where there is time at all if None.

    Returns:
        `(b, 1, h, w)` of 0 and 1; None without a map of times.
    """
    for name, later in LATE.items():
        if name in maps:
            at = maps.index(name)
            low, high = MAP_SPECS[name].value_range
            times = measured[:, at : at + 1]
            inside = times > -1 if mask is None else mask > 0
            usual = times.where(inside, math.nan).flatten(1).nanmedian(1).values
            beyond = times - usual.view(-1, 1, 1, 1)
            return ((beyond > 2 * later / (high - low)) & inside).to(times.dtype)
    return None


def central_volume_factor(cbf_max: float, cbv_max: float, mtt_max: float) -> float:
    """Factor of CBV = factor x CBF x MTT when each map is scaled to [0, 1].

    In units it is CBV = CBF x MTT / 60 (mL/100g, mL/100g/min, s).

    Examples:
        >>> central_volume_factor(60, 4, 12)
        3.0
    """
    return cbf_max * mtt_max / (60 * cbv_max)


def _adversarial(given: LossInputs) -> "Tensor":
    if given.judgement is None:
        return given.generated.new_zeros(())
    return adversarial_loss(given.judgement, logits=given.logits)


def _l1_flow(given: LossInputs) -> "Tensor":
    at = given.channels(*FLOW_MAPS)
    if not at:
        return given.generated.new_zeros(())
    return l1_loss(given.generated[:, at], given.measured[:, at], given.mask)


def _squared_times(given: LossInputs) -> "Tensor":
    at = given.channels(PerfusionMap.MTT, PerfusionMap.TTP, PerfusionMap.TMAX)
    if not at:
        return given.generated.new_zeros(())
    return _mean((given.generated[:, at] - given.measured[:, at]).square(), given.mask)


def _late(given: LossInputs) -> "Tensor | None":
    if given.late is not None:
        return given.late
    return late_tissue(given.maps, given.measured, given.mask)


def _l1_late(given: LossInputs) -> "Tensor":
    late = _late(given)
    if late is None:
        return given.generated.new_zeros(())
    return _mean((given.generated - given.measured).abs() * late, given.mask)


def _lateness(given: LossInputs) -> "Tensor":
    from torch.nn.functional import binary_cross_entropy_with_logits

    late = _late(given)
    if late is None or given.lateness is None:
        return given.generated.new_zeros(())
    wrong = binary_cross_entropy_with_logits(given.lateness, late, reduction="none")
    return _mean(wrong, given.mask)


def _multimodal(given: LossInputs) -> "Tensor":
    cbf, cbv, mtt = given.channels(*CENTRAL_VOLUME_MAPS)
    highest = [MAP_SPECS[name].value_range[1] for name in CENTRAL_VOLUME_MAPS]
    return multimodal_loss(
        given.generated[:, cbf : cbf + 1],
        given.generated[:, mtt : mtt + 1],
        given.measured[:, cbv : cbv + 1],
        central_volume_factor(*highest),
        given.mask,
    )


TERMS: dict[str, LossTerm] = {
    # Eq. 1, as the generator sees it.
    "adversarial": LossTerm(1.0, _adversarial),
    # Eq. 2, lambda 1.
    "l1": LossTerm(100.0, lambda x: l1_loss(x.generated, x.measured, x.mask)),
    # Eq. 7, lambda 2.
    "extrema": LossTerm(100.0, lambda x: extrema_loss(x.generated, x.measured, x.mask)),
    # Eq. 4, lambda 3.
    "multimodal": LossTerm(100.0, _multimodal, needs=CENTRAL_VOLUME_MAPS),
    # Not in the paper: errors of CBF and CBV alone, as the median of tissue is wanted;
    # squared errors of the times, as the median of a doubtful lesion is healthy.
    "l1_flow": LossTerm(0.0, _l1_flow),
    "squared_times": LossTerm(0.0, _squared_times),
    # Of late tissue alone, in all maps: the more it weighs, the less certain of a
    # lesion a network must be to show it.
    "l1_late": LossTerm(0.0, _l1_late),
    # Of the probability of late tissue, where the generator has one.
    "lateness": LossTerm(0.0, _lateness),
}
"""Every term that a recipe can weigh, by its name in `[loss]`."""


def _judged(judgement: "Tensor", truth: float, logits: bool) -> "Tensor":
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    if logits:
        wanted = torch.full_like(judgement, truth)
        return binary_cross_entropy_with_logits(judgement, wanted)
    # PyTorch's own function stops the program at NaN, which a run must tell of first.
    share = torch.sigmoid(judgement)
    likely = share if truth else 1 - share
    return -likely.clamp(min=torch.finfo(likely.dtype).tiny).log().mean()


def _stretched(images: "Tensor", mask: "Tensor | None") -> "tuple[Tensor, Tensor]":
    """Stretch each image to [0, 1]; give its spread `(b, maps, 1, 1)` too."""
    if mask is None:
        low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    else:
        inside = mask > 0
        low = images.where(inside, math.inf).amin((2, 3), keepdim=True)
        high = images.where(inside, -math.inf).amax((2, 3), keepdim=True)
        empty = low.isinf()
        low, high = low.masked_fill(empty, -1.0), high.masked_fill(empty, -1.0)
    spread = high - low
    return (images - low) / spread.clamp(min=FLAT), spread


def _mean(images: "Tensor", mask: "Tensor | None") -> "Tensor":
    if mask is None:
        return images.mean()
    counted = mask.sum((2, 3)).clamp(min=1)
    return ((images * mask).sum((2, 3)) / counted).mean()
