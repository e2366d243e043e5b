"""The losses of the paper, Eq. 1 to 8, as functions of images.

Maps are `(b, maps, h, w)` in [-1, 1]. Each loss is the mean over the images of the mean
over their pixels; with a mask `(b, 1, h, w)` of 0 and 1 only its pixels count. So the
mean over the parts of a batch is the loss of the batch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from magic_model.recipe import LossConfig

FLAT = 1e-3
"""An image whose values span less of [-1, 1] has no extrema to learn."""


@dataclass(frozen=True)
class GeneratorLoss:
    """Parts of Eq. 8, unweighted, and their weights.

    Attributes:
        adversarial: Eq. 1 as the generator sees it.
        l1: Eq. 2.
        extrema: Eq. 7.
        multimodal: Eq. 4.
        weights: Weight of each.
    """

    adversarial: Tensor
    l1: Tensor
    extrema: Tensor
    multimodal: Tensor
    weights: LossConfig

    @property
    def total(self) -> Tensor:
        """Eq. 8, what the generator minimises."""
        weights = self.weights
        return (
            weights.adversarial * self.adversarial
            + weights.l1 * self.l1
            + weights.extrema * self.extrema
            + weights.multimodal * self.multimodal
        )


def discriminator_loss(real: Tensor, fake: Tensor, *, logits: bool = True) -> Tensor:
    """Eq. 1 with its sign turned, what the discriminator minimises.

    Args:
        real: Judgement of measured maps, as logits of any shape.
        fake: Judgement of generated maps.
        logits: Compute from logits; else from Sigmoid and logarithm, as the paper does.
    """
    return _judged(real, 1.0, logits) + _judged(fake, 0.0, logits)


def adversarial_loss(fake: Tensor, *, logits: bool = True) -> Tensor:
    """What the generator minimises of Eq. 1, in its non-saturating form.

    log D(G) is increased instead of log(1 - D(G)) decreased, as in pix2pix
    (Isola 2017, doi:10.1109/CVPR.2017.632, section 3.3).
    """
    return _judged(fake, 1.0, logits)


def l1_loss(generated: Tensor, measured: Tensor, mask: Tensor | None = None) -> Tensor:
    """Eq. 2: mean absolute difference."""
    return _mean((generated - measured).abs(), mask)


def extrema_loss(
    generated: Tensor, measured: Tensor, mask: Tensor | None = None
) -> Tensor:
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
    cbf: Tensor,
    mtt: Tensor,
    measured_cbv: Tensor,
    factor: float,
    mask: Tensor | None = None,
) -> Tensor:
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


def central_volume_factor(cbf_max: float, cbv_max: float, mtt_max: float) -> float:
    """Factor of CBV = factor x CBF x MTT when each map is scaled to [0, 1].

    In units it is CBV = CBF x MTT / 60 (mL/100g, mL/100g/min, s).

    Examples:
        >>> central_volume_factor(60, 4, 12)
        3.0
    """
    return cbf_max * mtt_max / (60 * cbv_max)


def _judged(judgement: Tensor, truth: float, logits: bool) -> Tensor:
    if logits:
        wanted = torch.full_like(judgement, truth)
        return binary_cross_entropy_with_logits(judgement, wanted)
    # PyTorch's own function stops the program at NaN, which a run must tell of first.
    share = torch.sigmoid(judgement)
    likely = share if truth else 1 - share
    return -likely.clamp(min=torch.finfo(likely.dtype).tiny).log().mean()


def _stretched(images: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Stretch each image to [0, 1]; give its spread `(b, maps, 1, 1)` too."""
    if mask is None:
        low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    else:
        inside = mask > 0
        low = images.where(inside, torch.inf).amin((2, 3), keepdim=True)
        high = images.where(inside, -torch.inf).amax((2, 3), keepdim=True)
        empty = torch.isinf(low)
        low, high = low.masked_fill(empty, -1.0), high.masked_fill(empty, -1.0)
    spread = high - low
    return (images - low) / spread.clamp(min=FLAT), spread


def _mean(images: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return images.mean()
    counted = mask.sum((2, 3)).clamp(min=1)
    return ((images * mask).sum((2, 3)) / counted).mean()
