"""What commands are tried on: photos, good and bad, and a run of untrained networks."""

import pytest

from tests.commands.untrained_run import write_run
from tests.models.inverse_graphics.untrained import write_photos


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("run"))
