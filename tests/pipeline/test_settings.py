"""Claims about typed settings: what they hold comes back as it was, what they cannot hold is named."""

import json
import math
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganverse_jax.pipeline.settings import (
    ADDED,
    INERT,
    Count,
    FieldOfView,
    NonNegative,
    Positive,
    Share,
    Whole,
    build,
    decisive,
    kinds,
    plain,
)


@dataclass(frozen=True)
class Oven:
    degrees: Positive = 180.0
    fan: bool = False
    light: Literal["on", "off"] = "on"
    trays: tuple[Count, ...] = (1, 2)


@dataclass(frozen=True)
class Glaze:
    sugar: Share


@dataclass(frozen=True)
class Cake:
    layers: Count
    name: str = "plain"
    seed: Whole = 0
    salt: NonNegative = 0.0
    salt_start: Positive | None = None
    window: FieldOfView = 30.0
    crop: tuple[int, int] | None = None
    shape: Literal["round", "square"] | None = None
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    oven: Oven = Oven()
    glaze: Glaze | None = None
    spare: Oven = field(default_factory=lambda: Oven(degrees=20.0))

    def __post_init__(self):
        if self.seed > self.layers:
            raise ValueError(
                f"seed = {self.seed}, but there are {self.layers} layers; set it to that or less"
            )


finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
ovens = st.builds(
    Oven,
    positive,
    st.booleans(),
    st.sampled_from(["on", "off"]),
    st.lists(st.integers(1), max_size=3).map(tuple),
)
cakes = st.builds(
    Cake,
    layers=st.integers(9),
    name=st.text(max_size=3),
    seed=st.integers(0, 9),
    salt_start=st.none() | positive,
    crop=st.none() | st.tuples(st.integers(), st.integers()),
    shape=st.sampled_from(["round", "square", None]),
    scale=st.tuples(finite, finite, finite),
    oven=ovens,
    glaze=st.none() | st.builds(Glaze, st.floats(0, 1)),
    spare=ovens,
)


@settings(max_examples=20, deadline=None)
@given(cakes)
def test_settings_come_back_from_plain_ones_and_from_json(cake):
    assert build(Cake, plain(cake), "cake") == cake
    assert build(Cake, json.loads(json.dumps(plain(cake))), "cake") == cake


def test_what_is_left_out_is_the_default():
    assert build(Cake, {"layers": 3, "oven": {"fan": True}}, "") == Cake(layers=3, oven=Oven(fan=True))


def test_a_section_may_be_an_instance():
    assert build(Cake, {"layers": 3, "glaze": Glaze(1)}, "") == Cake(layers=3, glaze=Glaze(1.0))


def test_an_int_for_a_float_is_the_same_setting():
    built = build(Cake, {"layers": 1, "salt": 2, "scale": [1, 2, 3], "glaze": {"sugar": 1}}, "cake")
    same = build(Cake, {"layers": 1, "salt": 2.0, "scale": (1.0, 2.0, 3.0), "glaze": {"sugar": 1.0}}, "cake")
    assert repr(built) == repr(same)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sed": 1}, r"cake\.sed is no setting; did you mean cake\.seed\?"),
        ({"oven": {"degres": 1.0}}, r"cake\.oven\.degres is no setting; did you mean cake\.oven\.degrees\?"),
        ({"oven": {"q": 1}}, r"cake\.oven\.q is no setting; choose one of degrees, fan, light, trays"),
        ({"glaze": {}}, r"cake\.glaze\.sugar is not set; set it to a number"),
        ({"seed": "1"}, r"cake\.seed = '1' is no whole number; set one"),
        ({"seed": 1.0}, r"cake\.seed = 1\.0 is no whole number; set one"),
        ({"seed": True}, r"cake\.seed = True is no whole number; set one"),
        ({"seed": None}, r"cake\.seed = None is no whole number; set one"),
        ({"seed": math.nan}, r"cake\.seed = nan is no finite number; set one"),
        ({"salt": "much"}, r"cake\.salt = 'much' is no number; set one"),
        ({"salt": False}, r"cake\.salt = False is no number; set one"),
        ({"salt": math.inf}, r"cake\.salt = inf is no finite number; set one"),
        ({"scale": (1.0, -math.inf, 1.0)}, r"cake\.scale\.1 = -inf is no finite number; set one"),
        ({"name": 3}, r"cake\.name = 3 is no text; set one"),
        ({"oven": {"fan": 1}}, r"cake\.oven\.fan = 1 is no boolean \(True or False\); set one"),
        ({"oven": 3}, r"cake\.oven = 3 is no section; its settings are degrees, fan, light, trays"),
        ({"oven": None}, r"cake\.oven = None is no section"),
        ({"crop": 3}, r"cake\.crop = 3; set it to a tuple \(whole number, whole number\), or None"),
        ({"crop": (1, 2, 3)}, r"cake\.crop = \(1, 2, 3\); set it to a tuple"),
        ({"crop": "12"}, r"cake\.crop = '12'; set it to a tuple"),
        ({"oven": {"trays": 1}}, r"cake\.oven\.trays = 1; set it to a tuple \(whole number, \.\.\.\)$"),
        ({"oven": {"trays": (1, 0)}}, r"cake\.oven\.trays\.1 = 0; set it to 1 or more"),
        ({"layers": 0}, r"cake\.layers = 0; set it to 1 or more$"),
        ({"seed": -1}, r"cake\.seed = -1; set it to 0 or more"),
        ({"salt": -0.5}, r"cake\.salt = -0\.5; set it to 0 or more"),
        ({"salt_start": 0}, r"cake\.salt_start = 0; set it above 0, or None"),
        ({"window": 180.0}, r"cake\.window = 180\.0; set it above 0 and below 180"),
        ({"glaze": {"sugar": 1.5}}, r"cake\.glaze\.sugar = 1\.5; set it to a number from 0 to 1"),
        ({"oven": {"light": "dim"}}, r"cake\.oven\.light = 'dim'; choose one of on, off$"),
        ({"shape": 3}, r"cake\.shape = 3; choose one of round, square, or None"),
        ({"seed": 2}, r"cake\.seed = 2, but there are 1 layers; set it to that or less"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_its_remedy(values, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        build(Cake, {"layers": 1} | values, "cake")


def test_a_setting_without_default_must_be_set():
    with pytest.raises(ValueError, match=r"^cake\.layers is not set; set it to a whole number"):
        build(Cake, {}, "cake")


def test_defaults_are_held_to_their_limits_too():
    @dataclass(frozen=True)
    class Empty:
        layers: Count = 0

    with pytest.raises(ValueError, match=r"^empty\.layers = 0; set it to 1 or more"):
        build(Empty, {}, "empty")


def test_the_kind_of_a_setting_is_known_where_its_value_is_none():
    known = kinds(Cake)
    types = {name: known[name].type for name in ("salt_start", "crop", "shape", "glaze")}
    assert types == {"salt_start": float, "crop": tuple, "shape": str, "glaze": Glaze}
    assert all(known[name].optional for name in types) and not known["seed"].optional


def test_an_annotation_that_no_setting_can_have_is_an_error_of_the_code():
    @dataclass(frozen=True)
    class Vague:
        size: int | str = 1

    with pytest.raises(TypeError, match=r"int \| str is no type of a setting"):
        kinds(Vague)


@dataclass(frozen=True)
class Kiln:
    degrees: Positive = 900.0
    workers: Count = field(default=1, metadata=INERT)
    glaze: str | None = field(default=None, metadata=ADDED)


def test_decisive_settings_leave_out_what_changes_nothing_and_what_came_later_at_its_default():
    assert decisive(Kiln(workers=3)) == {"degrees": 900.0}
    assert decisive(Kiln(glaze="salt")) == {"degrees": 900.0, "glaze": "salt"}
