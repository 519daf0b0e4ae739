"""What error messages tell a person to do about a stage, whatever --stages the failing command named."""

from pathlib import Path


def make_again(workdir: Path, *stages: str) -> str:
    """To make the first of `stages` again, and then the others, which were made from it, and the report."""
    folders = " and ".join(str(Path(workdir) / stage) for stage in stages)
    return f"delete {folders} and {make(*stages, 'report')}"


def make(*stages: str) -> str:
    """To run stages that the failing command may have left out."""
    return f"run launch.train without --stages, or with --stages={','.join(stages)}"
