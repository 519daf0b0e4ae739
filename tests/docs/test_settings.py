"""Settings that pages name, in tables and in sentences, are settings; defaults that tables tell are true."""

import ast
import re

from configs import toy_car
from configs.defaults import experiment
from tests.docs.pages import PAGES, name_of, prose
from tests.stages.test_settings import FILES, FIRST, SETTINGS

CODE = re.compile(r"`([^`\n]+)`")
NAMED = re.compile(rf"{FIRST}(?:\.[a-z_0-9]+)+(?==|$)")
OF_SECTION = re.compile(
    r"^\| setting \(`--config\.(\w+)\.…`\) \|(.*)\|\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE
)
NUMBER = re.compile(r"-?\d[\d.]*(?:e-?\d+)?|True|False")


def in_tables():
    """(page, settings of a row, its cells by the names of their columns) of tables that are of a section."""
    for page in PAGES:
        for section, head, rows in OF_SECTION.findall(prose(page)):
            columns = [name.strip() for name in head.split("|")]
            for row in rows.splitlines():
                first, *cells = [cell.strip() for cell in re.split(r" \| ?", row[1:-1])]
                names = []
                for name in (code.partition("=")[0] for code in CODE.findall(first)):
                    within = names[-1].rpartition(".")[0] if name.startswith(".") else f"{section}."
                    names.append(within + name)
                yield page, names, dict(zip(columns, cells, strict=True))


def of_config(config, path: str):
    """A setting's value, None where its section is."""
    for name in path.split("."):
        config = None if config is None else config[name]
    return config


def told_wrongly(names, cell: str, config) -> list[str]:
    """The settings of a row whose values a cell tells otherwise; without a number each it is not read."""
    told = NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3})", "", cell.partition("(")[0]))
    if len(told) != len(names):
        return []
    return [
        name
        for name, text in zip(names, told, strict=True)
        if of_config(config, name) != ast.literal_eval(text)
    ]


def in_sentences():
    """(page, setting) of code that is a section's name and a dotted path."""
    for page in PAGES:
        for code in CODE.findall(prose(page)):
            named = NAMED.match(code)
            if named and not named[0].endswith(FILES):
                yield page, named[0]


def test_settings_that_pages_name_exist():
    tabled = [(page, name) for page, names, _ in in_tables() for name in names]
    told = list(in_sentences())
    assert len(tabled) > 40 and len(told) > 40
    unknown = [f"{name_of(page)}: {name}" for page, name in (*tabled, *told) if name not in SETTINGS]
    assert unknown == []


def test_the_defaults_that_tables_tell_are_those_of_the_settings_and_of_the_toy_config():
    columns = {
        "default": experiment("car"),
        "default (paper's)": experiment("car"),
        "`toy_car`": toy_car.get_config(),
    }
    given = [
        (page, column, told_wrongly(names, cells[column], config))
        for page, names, cells in in_tables()
        for column, config in columns.items()
        if column in cells and names[0].split(".")[1] != "generator"  # of which others' weights have none
    ]
    assert len(given) > 30
    assert [f"{name_of(page)}, {column}: {names}" for page, column, names in given if names] == []


def test_a_default_that_is_told_wrongly_is_noticed():
    names = ["gan.num_steps", "gan.batch_size"]
    config = experiment("car")
    assert told_wrongly(names, "16,000, 16", config) == []
    assert told_wrongly(names, "16,001, 16", config) == ["gan.num_steps"]
