"""Perfusion maps from non-contrast head CT. Research use only.

    model = magic_model.load("run/best.safetensors")
    maps = model.generate("ncct.nii.gz")
    maps["CBF"]                       # mL/100g/min, an array (x, y, z)
    maps.save("generated")

Names are imported when they are first used, so that this import is quick and needs no
PyTorch.
"""

from importlib import import_module

_MODULES = {
    "Cohort": "data.cohort",
    "DataError": "errors",
    "GeneratedMaps": "inference.generated_maps",
    "Kind": "data.volume",
    "MAP_SPECS": "maps",
    "Model": "api",
    "PerfusionMap": "maps",
    "Recipe": "recipe",
    "Volume": "data.volume",
    "build_discriminator": "networks",
    "build_generator": "networks",
    "count_parameters": "networks",
    "draw_montages": "api",
    "evaluate": "api",
    "export_onnx": "inference.onnx",
    "load": "api",
    "load_recipe": "recipes.files",
    "make_phantom": "api",
    "read_cohort": "data.cohort",
    "read_volume": "api",
    "ssim": "metrics",
    "train": "api",
    "uqi": "metrics",
    "uqi_paper": "metrics",
}
"""Where each public name is defined."""

__all__ = [
    "MAP_SPECS",
    "Cohort",
    "DataError",
    "GeneratedMaps",
    "Kind",
    "Model",
    "PerfusionMap",
    "Recipe",
    "Volume",
    "build_discriminator",
    "build_generator",
    "count_parameters",
    "draw_montages",
    "evaluate",
    "export_onnx",
    "load",
    "load_recipe",
    "make_phantom",
    "read_cohort",
    "read_volume",
    "ssim",
    "train",
    "uqi",
    "uqi_paper",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("magic-ctp")
    elif name in _MODULES:
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    else:
        msg = f"module {__name__!r} from {__file__} has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
