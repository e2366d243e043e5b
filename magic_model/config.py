"""`load_recipe` under the name that it has had since version 0.1."""

from magic_model.recipes.files import load_recipe

__all__ = ["load_recipe"]
