"""A person is asked about the proposed views of a run: in a browser, or through a JSON and a picture."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganverse_jax import stages
from ganverse_jax.annotation.answers import AnswerFile
from ganverse_jax.annotation.candidates import CANDIDATES, Candidates, read_candidates
from ganverse_jax.annotation.server import Annotator, Server
from ganverse_jax.annotation.session import History
from ganverse_jax.commands import serving
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.pipeline.workdir import only_run
from ganverse_jax.runtime.checkpoint import read_json, write_png
from ganverse_jax.stages.viewpoints import stage as viewpoints


class Annotation:
    """What a person is asked about a run's views.

    A kind of question is a subclass. A task is what it needs to know of the run, a session a person's way
    through it. It says: answers, the file they are kept in; verb, what is done to what is asked; entry, what
    is filled in by hand; and

        task_of(candidates) -> task              begin(task) -> session without answers
        about(task) -> str, e.g. "24 views"      sheet(task, session) -> the answers as a picture
        read(path, task) -> session              write(path, task, session)
        page(task, title, command) -> the page's HTML and what it asks for as view/NUMBER
        in_use(candidates, content) -> task and session that led to `content` of viewpoints.json

    where read and in_use raise ValueError for answers that are wrong.
    """

    answers: AnswerFile
    verb: str
    entry: str

    def __init__(self, experiment: Experiment, workdir: Path):
        self.experiment, self.workdir = experiment, workdir
        self.folder = workdir / viewpoints.NAME
        self.path = self.folder / self.answers.name

    def check(self, session: History, path: Path) -> None:
        """Raise ValueError that names `path` for complete answers that make no set of views."""

    def conclude(self, task: Any, session: History) -> None:
        """Tell what follows from complete answers. Raises ValueError when nothing does."""

    def prepare(self) -> Any:
        """Bring the run to where views are proposed, and return the task; the caller holds `only_run`.

        Raises ValueError when later stages already use annotated views of this workdir, or the views are
        another GAN's; and whatever the stages before raise.
        """
        settings = self.experiment.stages[viewpoints.NAME]
        if settings is None:
            raise ValueError("this experiment chooses no views; its viewpoints section in the config is None")
        if (self.folder / "DONE.json").exists():
            raise ValueError(
                f"the views of {self.workdir} are chosen and in use ({self.folder / 'DONE.json'}); use a new "
                f"--workdir to annotate, or delete {self.folder} and the folders of the stages after it"
            )
        stages.pipeline(self.experiment, self.workdir).run_held(until="perception")
        return self.task_of(viewpoints.propose(self.workdir, self.experiment.seed, settings))

    def open_session(self, task: Any) -> History:
        """The session of the run so far, or a new one."""
        return self.read(self.path, task) if self.path.exists() else self.begin(task)

    def make_server(self, task: Any, *, command: str, port: int = 0) -> Server:
        """The server of the run's page, listening but not yet serving. Raises OSError for a taken port."""
        page, shown = self.page(task, self.workdir.absolute().name, command)
        session = self.open_session(task)
        annotator = Annotator(session, shown, lambda session: self.write(self.path, task, session))
        return serving.listen(annotator, page, port)

    def annotate(self, *, command: str, port: int = 0, browser: bool = True) -> History:
        """Serve the page until the person finishes or presses Ctrl-C; the session as it was left.

        command: what goes on with the run afterwards, for the page and the terminal; port: 0 for any free
        one; browser: try to open one here. Answers are saved on every change; the workdir's lock is held
        meanwhile. Raises ValueError as `check` and `conclude` do once all is answered.
        """
        with only_run(self.workdir):
            task = self.prepare()
            server = self.make_server(task, command=command, port=port)
            session = server.backend.session
            told = f"{self.about(task)}, {session.num_open} {session.asked} to annotate"
            ending = "Every answer is saved at once. Ctrl-C ends; the same command goes on."
            serving.serve(server, self.folder, told, ending, browser=browser)
        if session.num_open:
            print(f"\n{session.num_open} {session.asked} are left to {self.verb}.")
            return session
        self.check(session, self.path)
        if server.backend.finished.is_set():  # after Ctrl-C a person does not want to wait
            self.conclude(task, session)
        print(f"\nAll {session.asked} are {self.verb}d. Go on with\n{command}")
        return session

    def export(self, path: Path) -> str:
        """Write the answers so far to `path` (JSON) and a picture of them beside it; what to tell of them.

        Of a run whose views are in use these are the answers in use.
        """
        target = sheet_path(path)
        used = views_in_use(self.workdir)
        if used is None:
            with only_run(self.workdir):
                task = self.prepare()
            session = self.open_session(task)
        else:
            task, session = self.in_use(*used)
        self.write(path, task, session)
        write_png(target, self.sheet(task, session))
        wrote = f"wrote {path} and {target}"
        if used is None:
            return f"{wrote}: fill in {self.entry}, then --import it"
        return (
            f"{wrote}: the answers in use in {self.workdir}, which stay as they are; to change them, "
            "--import the file in a new --workdir with the same GAN and settings"
        )

    def take(self, path: Path) -> History:
        """Take the answers in `path` for this run; earlier ones stay as NAME.before_import.json.

        Raises FileNotFoundError; ValueError when they belong to another GAN or to other views, or as `check`
        does; and, once they are taken so that the page can mend them, as `conclude` does.
        """
        with only_run(self.workdir):
            task = self.prepare()
            session = self.read(path, task)
            self.check(session, path)
            if self.path.exists():
                shutil.copyfile(self.path, self.path.with_suffix(".before_import.json"))
            self.write(self.path, task, session)
            if session.complete:
                self.conclude(task, session)
        return session


def sheet_path(path: Path) -> Path:
    """Where the contact sheet of an export to `path` goes.

    Raises ValueError when that is `path` itself, or when a file is there: it may hold answers filled in.
    """
    if path.suffix == ".png":
        raise ValueError(f"--export={path} is the contact sheet's place; name a .json file")
    for target in (path, path.with_suffix(".png")):
        if target.exists():
            raise ValueError(
                f"--export={path} would replace {target}; name another file, move that one away, or take the "
                f"answers filled in with --import={path}"
            )
    return path.with_suffix(".png")


def views_in_use(workdir: Path) -> tuple[Candidates, Mapping[str, Any]] | None:
    """The candidates and the content of viewpoints.json of a run whose views are chosen and in use.

    None where they are yet to be annotated, or none were proposed. Raises ValueError as the readers do.
    """
    folder = workdir / viewpoints.NAME
    if not ((folder / "DONE.json").exists() and (folder / CANDIDATES).exists()):
        return None
    candidates = read_candidates(folder)
    viewpoints.load(workdir, candidates.fingerprint)
    return candidates, read_json(viewpoints.path_of(workdir))
