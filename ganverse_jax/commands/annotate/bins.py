"""A person annotates the proposed views of a run: in a browser, or through a JSON and a contact sheet."""

import contextlib
import os
import shutil
import sys
import webbrowser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganverse_jax import stages
from ganverse_jax.annotation import contact_sheet
from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.bins.page import build_page
from ganverse_jax.annotation.bins.session import Session
from ganverse_jax.annotation.server import Annotator, Server
from ganverse_jax.annotation.tiles import data_uri
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.pipeline.run import only_run
from ganverse_jax.runtime.checkpoint import read_json, write_atomic
from ganverse_jax.stages.viewpoints import stage as viewpoints


def prepare(experiment: Experiment, workdir: Path) -> store.Candidates:
    """Bring the run to where views are proposed, and return them; the caller holds `only_run`.

    Raises ValueError when later stages already use annotated views of this workdir, or the views are
    another GAN's; and whatever the stages before raise.
    """
    folder = workdir / viewpoints.NAME
    settings = experiment.stages[viewpoints.NAME]
    if settings is None:
        raise ValueError("this experiment chooses no views; its viewpoints section in the config is None")
    if (folder / "DONE.json").exists():
        raise ValueError(
            f"the views of {workdir} are chosen and in use ({folder / 'DONE.json'}); use a new --workdir to "
            f"annotate, or delete {folder} and the folders of the stages after it"
        )
    stages.pipeline(experiment, workdir).run_held(until="perception")
    return viewpoints.propose(workdir, experiment.seed, settings)


def open_session(workdir: Path, candidates: store.Candidates) -> Session:
    """The session of a run so far, or a new one."""
    path = workdir / viewpoints.NAME / store.ANNOTATION
    return store.read_annotation(path, candidates) if path.exists() else Session(len(candidates.views))


def annotate(
    experiment: Experiment, workdir: Path, *, command: str, port: int = 0, browser: bool = True
) -> Session:
    """Serve the annotator until the person finishes or presses Ctrl-C; the session as it was left.

    command: what goes on with the run afterwards, for the page and the terminal; port: 0 for any free one;
    browser: try to open one here. Answers are saved on every change; the workdir's lock is held meanwhile.
    Raises ValueError when all are decided and too few views kept.
    """
    with only_run(workdir):
        candidates = prepare(experiment, workdir)
        server = make_server(experiment, workdir, candidates, command=command, port=port)
        serve(server, workdir, f"{len(candidates.views)} views", browser=browser)
    session = server.annotator.session
    store.check_kept(session, workdir / viewpoints.NAME / store.ANNOTATION)
    print(
        f"\n{session.num_open} views are left to annotate."
        if session.num_open
        else f"\nAll views are annotated. Go on with\n{command}"
    )
    return session


def serve(server: Server, workdir: Path, told: str, *, browser: bool) -> None:
    """Serve a page until the person finishes or presses Ctrl-C. told: what it is about, e.g. "24 views"."""
    session, address = server.annotator.session, server.url
    print(f"{told}, {session.num_open} {session.asked} to annotate. Open in a browser:\n\n    {address}\n")
    print(
        f"From another machine, first: ssh -L {server.server_port}:127.0.0.1:{server.server_port} THIS_HOST\n"
        "Every answer is saved at once. Ctrl-C ends; the same command goes on.",
        flush=True,
    )
    with _running(server), _browser(address, workdir / viewpoints.NAME, wanted=browser):
        with contextlib.suppress(KeyboardInterrupt):
            while not server.annotator.finished.wait(0.5):
                pass


def make_server(
    experiment: Experiment, workdir: Path, candidates: store.Candidates, *, command: str, port: int = 0
) -> Server:
    """The server of a run's annotator, listening but not yet serving. Raises OSError for a taken port."""
    folder = workdir / viewpoints.NAME
    pictures = store.read_pictures(folder, candidates)
    shown = [{"pictures": [data_uri(tile) for tile in row]} for row in pictures]
    page = build_page(
        kind=experiment.object_class,
        title=workdir.absolute().name,
        command=command,
        views=candidates.views,
        contents=len(pictures[0]),
    )
    path = folder / store.ANNOTATION
    session = open_session(workdir, candidates)
    annotator = Annotator(session, shown, lambda session: store.write_annotation(path, candidates, session))
    return listen(annotator, page, port)


def listen(annotator: Annotator, page: str, port: int) -> Server:
    """A server that listens on `port` (0: any free one). Raises OSError with the remedy for a taken one."""
    try:
        return Server(annotator, page, port)
    except OSError as error:
        raise OSError(f"cannot listen on port {port} ({error}); choose another with --port, or 0") from error


@contextlib.contextmanager
def _running(server: Server) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.close()


@contextlib.contextmanager
def _browser(address: str, folder: Path, *, wanted: bool) -> Iterator[None]:
    """Open a browser on this machine's screen, if there is one.

    It is given a private file that leads to the address: command lines are visible to all users, the secret
    in the address must not be.
    """
    screen = (
        sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if not (wanted and screen):
        yield
        return
    path = (folder / "annotate.html").absolute()

    def write(temporary: Path) -> None:
        temporary.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={address}">')

    write_atomic(path, write)
    path.chmod(0o600)
    try:
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(path.as_uri())
        yield
    finally:
        path.unlink(missing_ok=True)


def export_annotation(experiment: Experiment, workdir: Path, path: Path) -> str:
    """Write the answers so far to `path` (JSON) and a contact sheet beside it; what to tell of them.

    Of a run whose views are in use these are the answers in use.
    """
    target = sheet_path(path)
    used = views_in_use(workdir)
    if used is None:
        with only_run(workdir):
            candidates = prepare(experiment, workdir)
        session = open_session(workdir, candidates)
    else:
        candidates, content = used
        session = store.session_in_use(candidates, content, viewpoints.path_of(workdir))
    store.write_annotation(path, candidates, session)
    sheet = contact_sheet.contact_sheet(
        store.read_pictures(workdir / viewpoints.NAME, candidates),
        session.answers,
        kind=experiment.object_class,
        title=f"{workdir.absolute().name}: {len(candidates.views)} views of GAN {candidates.fingerprint}",
    )
    write_atomic(target, lambda temporary: sheet.save(temporary, "PNG"))
    return told_of_export(path, used, workdir, "azimuth_bin (or keep: false)")


def told_of_export(path: Path, used: tuple | None, workdir: Path, entry: str) -> str:
    """What to do with exported answers. used: see `views_in_use`; entry: what a person fills in."""
    wrote = f"wrote {path} and {path.with_suffix('.png')}"
    if used is None:
        return f"{wrote}: fill in {entry}, then --import it"
    return (
        f"{wrote}: the answers in use in {workdir}, which stay as they are; to change them, --import the "
        "file in a new --workdir with the same GAN and settings"
    )


def import_annotation(experiment: Experiment, workdir: Path, path: Path) -> Session:
    """Take the answers in `path` for this run; earlier ones stay as annotation.before_import.json.

    Raises FileNotFoundError; ValueError when they belong to another GAN or to other views, or keep too few.
    """
    with only_run(workdir):
        candidates = prepare(experiment, workdir)
        session = store.read_annotation(path, candidates)
        store.check_kept(session, path)
        target = workdir / viewpoints.NAME / store.ANNOTATION
        keep_before_import(target)
        store.write_annotation(target, candidates, session)
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


def views_in_use(workdir: Path) -> tuple[store.Candidates, Mapping[str, Any]] | None:
    """The candidates and the content of viewpoints.json of a run whose views are chosen and in use.

    None where they are yet to be annotated, or none were proposed. Raises ValueError as the readers do.
    """
    folder = workdir / viewpoints.NAME
    if not ((folder / "DONE.json").exists() and (folder / store.CANDIDATES).exists()):
        return None
    candidates = store.read_candidates(folder)
    viewpoints.load(workdir, candidates.fingerprint)
    return candidates, read_json(viewpoints.path_of(workdir))


def keep_before_import(path: Path) -> None:
    """Keep answers that an import replaces, as NAME.before_import.json."""
    if path.exists():
        shutil.copyfile(path, path.with_suffix(".before_import.json"))
