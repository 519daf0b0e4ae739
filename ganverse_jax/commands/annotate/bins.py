"""A person gives each proposed view of a run its azimuth bin, or drops it."""

from collections.abc import Mapping
from typing import Any

from PIL import Image

from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.bins.page import build_page
from ganverse_jax.annotation.bins.session import Session
from ganverse_jax.annotation.candidates import Candidates, read_pictures
from ganverse_jax.annotation.contact_sheet import contact_sheet
from ganverse_jax.commands.annotate.annotation import Annotation
from ganverse_jax.pages.pictures import data_uri
from ganverse_jax.stages.viewpoints import stage as viewpoints


class BinAnnotation(Annotation):
    """Azimuth bins; the task is the candidates themselves."""

    answers, verb, entry = store.ANNOTATION, "annotate", "azimuth_bin (or keep: false)"
    read, write = staticmethod(store.read_annotation), staticmethod(store.write_annotation)
    check = staticmethod(store.check_kept)

    def task_of(self, candidates: Candidates) -> Candidates:
        return candidates

    def about(self, task: Candidates) -> str:
        return f"{len(task.views)} views"

    def begin(self, task: Candidates) -> Session:
        return Session(len(task.views))

    def page(self, task: Candidates, title: str, command: str) -> tuple[str, list[dict[str, Any]]]:
        pictures = read_pictures(self.folder, task)
        page = build_page(
            kind=self.experiment.object_class,
            title=title,
            command=command,
            views=task.views,
            contents=len(pictures[0]),
        )
        return page, [{"pictures": [data_uri(tile) for tile in row]} for row in pictures]

    def sheet(self, task: Candidates, session: Session) -> Image.Image:
        return contact_sheet(
            read_pictures(self.folder, task),
            session.answers,
            kind=self.experiment.object_class,
            title=f"{self.workdir.absolute().name}: {len(task.views)} views of GAN {task.fingerprint}",
        )

    def in_use(self, candidates: Candidates, content: Mapping[str, Any]) -> tuple[Candidates, Session]:
        return candidates, store.session_in_use(candidates, content, viewpoints.path_of(self.workdir))
