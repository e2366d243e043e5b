"""Types of the names that `magic_model` loads when they are used."""

from magic_model.api import Model as Model
from magic_model.api import draw_montages as draw_montages
from magic_model.api import evaluate as evaluate
from magic_model.api import load as load
from magic_model.api import make_phantom as make_phantom
from magic_model.api import read_volume as read_volume
from magic_model.api import train as train
from magic_model.data.cohort import Cohort as Cohort
from magic_model.data.cohort import read_cohort as read_cohort
from magic_model.data.volume import Kind as Kind
from magic_model.data.volume import Volume as Volume
from magic_model.errors import DataError as DataError
from magic_model.inference.generated_maps import GeneratedMaps as GeneratedMaps
from magic_model.inference.onnx import export_onnx as export_onnx
from magic_model.maps import MAP_SPECS as MAP_SPECS
from magic_model.maps import PerfusionMap as PerfusionMap
from magic_model.metrics import ssim as ssim
from magic_model.metrics import uqi as uqi
from magic_model.metrics import uqi_paper as uqi_paper
from magic_model.networks import build_discriminator as build_discriminator
from magic_model.networks import build_generator as build_generator
from magic_model.networks import count_parameters as count_parameters
from magic_model.recipe import Recipe as Recipe
from magic_model.recipes.files import load_recipe as load_recipe

__version__: str
__all__: list[str]
