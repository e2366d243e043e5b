"""One of two processes that normalise a batch together; started by torchrun."""

import sys
from pathlib import Path

import numpy as np
import torch

from magic_model.distributed import process_group
from magic_model.networks.norm import SharedBatchNorm


def main(folder: Path) -> None:
    given = {
        name: torch.from_numpy(a) for name, a in np.load(folder / "in.npz").items()
    }
    with process_group("cpu") as (world, _):
        part = world.part(len(given["features"]))
        features = given["features"][part].requires_grad_()
        norm = SharedBatchNorm(features.shape[1], affine=False)
        for _ in range(2):  # running statistics of more than one step
            out = norm(features)
        (out * given["weights"][part]).sum().backward()
        half = SharedBatchNorm(features.shape[1], affine=False)(features.bfloat16())
        np.savez(
            folder / f"{world.rank}.npz",
            out=out.detach(),
            gradient=features.grad,
            half=half.detach().float(),
            mean=norm.running_mean,
            variance=norm.running_var,
            n=norm.num_batches_tracked,
            evaluated=norm.eval()(features).detach(),
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
