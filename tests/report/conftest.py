"""A small made workdir for the report."""

import pytest

from tests.report.made_run import write_run


@pytest.fixture
def workdir(tmp_path):
    """A run in which every stage has left its artefacts."""
    write_run(tmp_path)
    return tmp_path
