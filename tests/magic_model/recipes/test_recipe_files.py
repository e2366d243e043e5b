import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.recipe import (
    AdversarialConfig,
    BranchConfig,
    DataConfig,
    LossConfig,
    Norm,
    Recipe,
    ResidualConfig,
    SingleConfig,
    TrainingConfig,
)
from magic_model.recipes.files import load_recipe, recipe_from_table, recipe_names

weights = st.floats(0, 1000)
shares = st.floats(0, 0.99)
counts = st.integers(1, 64)


def generators(kind, **own):
    """Generators of a family with any value of its keys."""
    return st.builds(
        kind,
        width=counts,
        norm=st.sampled_from(Norm),
        pilo=st.booleans(),
        derive_cbv=st.booleans(),
        **own,
    )


recipes = st.builds(
    Recipe,
    name=st.text(max_size=9),
    maps=st.permutations(list(PerfusionMap)).map(tuple),
    data=st.builds(DataConfig, size=st.just(512), n_slices=counts),
    generator=generators(BranchConfig, dropout=shares)
    | generators(SingleConfig, shared=st.integers(0, 8))
    | generators(ResidualConfig, mirror=st.booleans(), fine=st.integers(0, 9)),
    adversarial=st.builds(AdversarialConfig, width=counts, per_map=st.booleans()),
    loss=st.builds(
        LossConfig, adversarial=weights, l1=weights, extrema=weights, multimodal=weights
    ),
    training=st.builds(
        TrainingConfig,
        learning_rate=st.floats(1e-9, 1),
        betas=st.tuples(shares, shares),
        warmdown=shares,
        augment=st.booleans(),
        turned=shares,
        bent=shares,
    ),
)


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "own.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def refusal(path):
    with pytest.raises(DataError) as caught:
        load_recipe(path)
    return str(caught.value)


def test_every_recipe_is_shipped_and_loads():
    assert recipe_names() == [
        "compact",
        "few",
        "magic",
        "no_both",
        "no_extrema",
        "no_multimodal",
        "paper",
        "pix2pix",
        "realistic",
        "small",
        "tiny",
        "unet",
    ]
    for name in recipe_names():
        assert load_recipe(name).name == name


def test_the_paper_recipe_trains_as_the_paper_says():
    recipe = load_recipe("paper")
    # Paper 2.3.4: 50 epochs, batch 8, Adam (0.5, 0.999) at 1e-4; 2.1.2: 256 x 256.
    training = recipe.training
    assert (training.epochs, training.batch_size, training.warmdown) == (50, 8, 0)
    assert (training.learning_rate, training.betas) == (1e-4, (0.5, 0.999))
    assert recipe.data.size == 256
    assert recipe.maps == ("cbf", "cbv", "mtt", "ttp")
    # Weights of the authors' public code; the paper does not give them.
    assert recipe.loss == LossConfig(adversarial=1, l1=100, extrema=100, multimodal=100)
    assert not recipe.adversarial.logits


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("no_extrema", {"extrema"}),
        ("no_multimodal", {"multimodal"}),
        ("no_both", {"extrema", "multimodal"}),
    ],
)
def test_an_ablation_differs_by_its_loss_alone(name, without):
    paper, ablation = load_recipe("paper").to_dict(), load_recipe(name).to_dict()
    for loss in without:
        assert ablation["loss"].pop(loss) == 0
        assert paper["loss"].pop(loss) == 100
    assert paper | {"name": name} == ablation


def test_a_recipe_says_only_what_differs_from_its_base(write):
    text = 'base = "paper"\nname = "own"\nmaps = ["ttp"]\n[loss]\nmultimodal = 0\n'
    paper, own = load_recipe("paper").to_dict(), load_recipe(write(text)).to_dict()
    paper["loss"]["multimodal"] = 0
    assert own == paper | {"name": "own", "maps": ["ttp"]}


def test_a_base_may_have_a_base(write):
    compact = load_recipe("compact").to_dict()
    own = load_recipe(write('base = "compact"\nname = "own"\n')).to_dict()
    assert own == compact | {"name": "own"}


def test_another_family_takes_from_a_base_what_it_heeds(write):
    keys = 'family = "residual"\nmirror = true\n'
    text = f'base = "paper"\nname = "own"\n[generator]\n{keys}'
    generator = load_recipe(write(text)).generator
    # Paper: 8 levels of width 64; four shared levels and dropout are its family's.
    assert generator == ResidualConfig(width=64, levels=8, mirror=True)


def test_a_path_may_be_text(write):
    assert load_recipe(str(write('base = "paper"'))) == load_recipe("paper")


@given(recipes)
def test_tables_give_the_recipe_back(recipe):
    again = recipe_from_table(recipe.to_dict())
    assert again == recipe
    assert again.fingerprint == recipe.fingerprint


MISTAKES = [
    (
        "learning_rat = 1",
        "unknown learning_rat; known are adversarial, data, generator",
    ),
    (
        "[training]\nlearning_rat = 1",
        "[training] unknown learning_rat; known are augment",
    ),
    ("[trainings]", "unknown trainings; known are adversarial"),
    ("[training]\nepochs = 2.5", "[training] epochs must be of type int, got 2.5"),
    ("[training]\nepochs = true", "[training] epochs must be of type int, got True"),
    ('[training]\naugment = "no"', "augment must be of type bool, got 'no'"),
    (
        "[training]\nlearning_rate = true",
        "learning_rate must be of type float, got Tru",
    ),
    ("[training]\nlearning_rate = 0", "learning_rate must be positive, got 0"),
    ("[training]\nbetas = 0.5", "[training] betas must be of type list, got 0.5"),
    ('[training]\nbetas = [0.5, "x"]', "betas must be of type float, got 'x'"),
    (
        "[training]\nbetas = [0.5]",
        "training.betas must be two numbers from 0 to below 1",
    ),
    ("[data]\nsize = [256, 256]", "[data] size must be of type int, got (256, 256)"),
    ("[data]\nsize = 100", "data.size must be a multiple of patch x 2^levels"),
    ('[generator]\nfamily = "vit"', "family must be one of branches, single, residual"),
    ('[generator]\nnorm = "layer"', "[generator] norm must be one of batch, instance,"),
    ("[generator]\nwidth = 0", "[generator] generator.width must be 1 or more, got 0"),
    ("[generator]\nmirror = true", "mirror is ignored by family branches: leave it"),
    (
        'base = "magic"\n[generator]\ndropout = 0.5',
        "[generator] generator.dropout is ignored by family residual",
    ),
    (
        'base = "magic"\n[generator]\nshared = 5',
        "[generator] generator.shared is ignored by family residual: leave it out",
    ),
    ("[loss]\nl2 = 1", "[loss] unknown l2; known are adversarial, extrema, l1"),
    ('[loss]\nl1 = "much"', "[loss] l1 must be of type float, got 'much'"),
    ("[loss]\nmasked = 1", "[loss] masked must be of type bool, got 1"),
    ("generator = 3", "[generator] must be a table, got 3"),
    ('maps = ["cbf", "adc"]', "maps must be among cbf, cbv, mtt, ttp, tmax, got 'adc'"),
    ('maps = "cbf"', "maps must be of type list, got 'cbf'"),
    ("name = 7", "name must be of type str, got 7"),
    ('base = "papers"', "base must be one of compact, few, magic, no_both"),
    ("[training", "not valid TOML ("),
    ("epochs = 1\nepochs = 2", "not valid TOML ("),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_named_with_its_file(write, text, message):
    base = "" if "base" in text or "epochs = 1" in text else 'base = "paper"\n'
    path = write(f"{base}{text}\n")
    said = refusal(path)
    assert said.startswith(f"{path}:")
    assert message in said


def test_a_recipe_has_a_name(write):
    assert re.search("own.toml:.*'name'", refusal(write("")))


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "own.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert f"{path}: not valid TOML" in refusal(path)


def test_a_recipe_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    assert refusal("papre") == (
        f"A recipe must be {', '.join(recipe_names())} or a TOML file, got papre"
    )
    assert "or a TOML file, got" in refusal(tmp_path)
