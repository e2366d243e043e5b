"""Muon, an optimiser for weights that are matrices, as those of convolutions are."""

from collections.abc import Iterable

import torch
from torch import Tensor

MOMENTUM = 0.95
"""Share of the momentum that a step keeps."""

_QUINTIC = 3.4445, -4.7750, 2.0315  # x, x^3, x^5; steep at 0, and near 1 up to 1
_TIMES = 5  # that it is applied
_LEAST = 1e-7  # norm of a momentum


class Muon(torch.optim.Optimizer):
    """Steps of the same length in every direction that a convolution's weights have.

    The momentum of a matrix, a row for each channel of the first dimension, has few
    large singular values; Adam follows these. Here all are made about 1 (Jordan 2024,
    https://kellerjordan.github.io/posts/muon/), so that rare directions are learnt
    within few steps, too.

    `torch.optim.Muon` takes no convolutions and computes in bfloat16, which few CPUs
    do; updates are equal to its precision (tested).

    Args:
        weights: Of two or more dimensions.
        lr: Largest change of a step: the spectral norm of what is added to a matrix
            that is not taller than wide.
    """

    def __init__(self, weights: Iterable[Tensor], lr: float) -> None:
        super().__init__(weights, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change each weight by its gradient."""
        del closure
        for group in self.param_groups:
            alike: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    ahead = self._direction(weight, weight.grad)
                    alike.setdefault(weight.shape, []).append((weight, ahead))
            for shape, found in alike.items():
                weights, directions = zip(*found, strict=True)
                length = group["lr"] * max(1.0, shape[0] / shape[1:].numel()) ** 0.5
                changes = orthogonal(torch.stack(directions))
                for weight, change in zip(weights, changes, strict=True):
                    weight.sub_(change.view(shape), alpha=length)

    def _direction(self, weight: Tensor, gradient: Tensor) -> Tensor:
        """Follow the momentum, a step ahead (Nesterov), as a matrix."""
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        momentum: Tensor = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(momentum, MOMENTUM).flatten(1)


def orthogonal(matrices: Tensor) -> Tensor:
    """Bring the singular values of `(n, rows, columns)` near 1 (.7 to 1.2).

    A polynomial of odd powers, a x + b x^3 + c x^5, is applied five times. Each time it
    is x times a factor that follows from x x^T; the factors are multiplied, and x once
    at the end, with less than half of the work.
    """
    one, three, five = _QUINTIC
    norms = matrices.norm(dim=(-2, -1), keepdim=True).clamp(min=_LEAST)
    is_wide = matrices.shape[-1] >= matrices.shape[-2]
    x = (matrices if is_wide else matrices.mT) / norms
    gram = x @ x.mT
    unit = torch.eye(gram.shape[-1], device=x.device, dtype=x.dtype)
    factors = unit
    for _ in range(_TIMES):
        factor = one * unit + three * gram + five * gram @ gram
        factors, gram = factor @ factors, factor @ gram @ factor
    found: Tensor = factors @ x
    return found if is_wide else found.mT
