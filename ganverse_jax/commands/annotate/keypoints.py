"""A person clicks named points of one object in a run's proposed views.

The alternative to bins of Appendix D. Views that the bins' annotation dropped are not asked for, and its bins
help the page's drawings and the solution of the cameras; it may also be absent.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from ganverse_jax.annotation.candidates import Candidates
from ganverse_jax.annotation.contact_sheet import keypoint_sheet
from ganverse_jax.annotation.keypoints import store
from ganverse_jax.annotation.keypoints.page import build_keypoint_page
from ganverse_jax.annotation.keypoints.session import KeypointSession
from ganverse_jax.annotation.keypoints.store import Task
from ganverse_jax.commands.annotate.annotation import Annotation
from ganverse_jax.pages.pictures import data_uri
from ganverse_jax.scene.keypoint_cameras import MIN_POINTS
from ganverse_jax.stages.gan import stage as gan_stage
from ganverse_jax.stages.viewpoints import keypoints as viewpoints_keypoints
from ganverse_jax.stages.viewpoints import stage as viewpoints


class KeypointAnnotation(Annotation):
    """Points of one object; at the end the cameras are solved once, so that a person can mend the points."""

    answers, verb, entry = store.KEYPOINTS, "decide", "the points"
    read, write = staticmethod(store.read_keypoints), staticmethod(store.write_keypoints)
    begin = staticmethod(Task.session)

    def prepare(self) -> Task:
        """As `Annotation.prepare`. Raises ValueError for a class whose points have no names."""
        store.check_kind(self.experiment.object_class)  # before any stage begins
        return super().prepare()

    def task_of(self, candidates: Candidates) -> Task:
        if not (self.folder / store.PICTURES).exists():
            self.draw(candidates)
        return store.read_task(self.folder, candidates, store.check_kind(self.experiment.object_class))

    def draw(self, candidates: Candidates) -> None:
        """Leave whole pictures of the candidates in the contents that the bins' page shows."""
        seed, settings = self.experiment.seed, self.experiment.stages[viewpoints.NAME]
        gan, _ = gan_stage.load(self.workdir)
        generator, _, fresh = viewpoints.source(self.workdir, gan, seed, settings)
        w = np.array([view["w"] for view in candidates.views], np.float32)
        pictures = np.swapaxes(generator.grid(w, fresh[: viewpoints.SHOWN]), 0, 1)
        _, seeds = viewpoints.content_seeds(seed, settings.num_contents)
        store.write_pictures(self.folder, candidates, pictures, seeds[: viewpoints.SHOWN])

    def about(self, task: Task) -> str:
        return f"{len(task.kept)} views of one object"

    def page(self, task: Task, title: str, command: str) -> tuple[str, list[dict[str, Any]]]:
        """As `Annotation.page`; view/NUMBER is object c in candidate v for NUMBER = c x candidates + v."""
        shown = [{"picture": data_uri(tile)} for row in zip(*task.pictures, strict=True) for tile in row]
        return build_keypoint_page(task, title=title, command=command, needed=MIN_POINTS), shown

    def sheet(self, task: Task, session: KeypointSession) -> Image.Image:
        seed = task.seeds[session.content]
        title = f"{self.workdir.absolute().name}: points of the object content_seed {seed}"
        return keypoint_sheet(task, session, title=title)

    def in_use(self, candidates: Candidates, content: Mapping[str, Any]) -> tuple[Task, KeypointSession]:
        by = content.get("annotated_by")
        if by != "keypoints":
            raise ValueError(
                f"the views of {self.workdir} are in use with bins (annotated_by {by!r}), not "
                "with points; export without --keypoints, or click points in a new --workdir"
            )
        kind = store.check_kind(self.experiment.object_class)
        task = store.read_task(self.folder, candidates, kind)
        return task, self.open_session(task)

    def conclude(self, task: Task, session: KeypointSession) -> None:
        print("\nsolving the cameras ...", flush=True)
        solved = viewpoints_keypoints.solve(task, session, self.path, self.experiment.world)
        print(viewpoints_keypoints.report(solved))
