"""A generator exported to ONNX, run by ONNX Runtime: no PyTorch is needed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from magic_model.data.volume import FloatArray
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap

_METADATA = "magic_model"

Ratio = float | Mapping[PerfusionMap, float]


class OnnxBackend:
    """An exported model.

    Args:
        path: The `.onnx` file that `magic-model export` wrote.
        threads: Threads to compute with; 0 leaves the choice to ONNX Runtime.

    Raises:
        DataError: If the file is missing, damaged or no model of `magic-model`.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        import onnxruntime

        if not path.is_file():
            msg = f"{path}: no such model"
            raise DataError(msg)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its own classes share no base but this
            msg = f"{path}: not a readable ONNX model ({str(error).splitlines()[0]})"
            raise DataError(msg) from error
        about = self._session.get_modelmeta().custom_metadata_map.get(_METADATA)
        if about is None:
            msg = f"{path}: an ONNX model, but none that magic-model export wrote"
            raise DataError(msg)
        try:
            plain = json.loads(about)
            self.recipe_name: str = plain["recipe"]
            self.maps: Sequence[PerfusionMap] = [PerfusionMap(m) for m in plain["maps"]]
            self.ranges = {
                PerfusionMap(name): (low, high)
                for name, (low, high) in plain["ranges"].items()
            }
            self.size: int = plain["size"]
            self._made = [PerfusionMap(name) for name in plain["made"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            msg = f"{path}: what it says of itself is not readable ({error!r})"
            raise DataError(msg) from error

    def predict(self, ncct: FloatArray, ratio: Ratio = 1.0) -> FloatArray:
        """Generate `(n, maps, size, size)` from `(n, 3, size, size)`, in [-1, 1]."""
        ratios = [
            ratio.get(name, 1.0) if isinstance(ratio, Mapping) else ratio
            for name in self._made
        ]
        if not all(0 < r < float("inf") for r in ratios):
            msg = f"The perfusion information ratio must be positive, got {ratio}"
            raise DataError(msg)
        (maps,) = self._session.run(
            ["maps"],
            {
                "ncct": np.ascontiguousarray(ncct, np.float32),
                "ratio": np.array(ratios, np.float32),
            },
        )
        return np.asarray(maps, np.float32)
