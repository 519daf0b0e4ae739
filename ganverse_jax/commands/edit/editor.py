"""Photos as properties, and properties as pictures: the networks of a finished run behind `launch.edit`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.commands.edit.edits import PROPERTIES, Edit
from ganverse_jax.commands.finished_networks import gan_source
from ganverse_jax.commands.reconstruct.networks import (
    PARTS,
    Reconstructor,
    crop_of,
    find_camera,
    networks_of,
    predict,
)
from ganverse_jax.data.crops import Crop
from ganverse_jax.data.photos import Photo, read_photo
from ganverse_jax.losses.image import pool_mask
from ganverse_jax.models.stylegan_r.neural_renderer import MAPPER_FILE, NeuralRenderer, load_neural_renderer
from ganverse_jax.pipeline.remedies import make, make_again
from ganverse_jax.runtime.checkpoint import load_weights
from ganverse_jax.runtime.pixels import unit_to_uint8
from ganverse_jax.runtime.shipped import shipped_with
from ganverse_jax.scene.drawing import on_white
from ganverse_jax.stages.stylegan_r.networks import TrainedInverseGraphics, make_dibr
from ganverse_jax.stages.stylegan_r.training import NAME

NEEDED = (*PARTS, NAME)  # of a shipped world that can serve
_SUPERSAMPLING = 2  # of DIB-R's pictures, per side


class Subject(NamedTuple):
    """A photo's properties: name of its files; its picture uint8 [h w 3] and mask uint8 [h w] as the network
    saw them; camera [5] (azimuth, elevation in radians, distance, offset); displacements [v 3], texture
    [th tw 3] in [0, 1]; the background's code [m]."""

    name: str
    picture: np.ndarray
    mask: np.ndarray
    camera: np.ndarray
    shape: np.ndarray
    texture: np.ndarray
    background: np.ndarray


class Drawn(NamedTuple):
    """The frames of an edit, uint8 [f h w 3]: by StyleGAN-R, and the same mesh by DIB-R on white."""

    neural: np.ndarray
    dibr: np.ndarray


class Editor:
    """Inverse graphics, StyleGAN-R and DIB-R of one run, or of a shipped world.

    workdir: of a run whose stage stylegan_r is finished; shipped: otherwise, as of `networks_of`. Raises
    FileNotFoundError for a stage that has not run, ValueError for networks that were not trained on one
    another.
    """

    def __init__(self, workdir: str | Path | None = None, shipped: str | None = None):
        self.workdir, self.shipped = None if workdir is None else Path(workdir), shipped
        self.folder = self.workdir or shipped_with(NAME, shipped)
        network, r, self.segment, self.regress = networks_of(workdir, shipped=shipped)
        self.reconstructor = r
        self.renderer, self._card = _renderer(self.folder / NAME, r, network)
        inverse = TrainedInverseGraphics(r.network, r.params, r.fov_y)
        self.dibr = make_dibr(inverse, tuple(_SUPERSAMPLING * side for side in r.framing.size))

    def read(self, path: Path, name: str, masks: Path | None = None) -> Subject:
        """The properties of a photo. Raises PhotoError as `read_photo` and `crop_of`."""
        photo = read_photo(path, masks=masks, segment=self.segment)
        return self.subject(photo, crop_of(self.reconstructor, photo, path), name)

    def subject(self, photo: Photo, crop: Crop, name: str) -> Subject:
        """The properties of a photo that is read, of the part `crop`."""
        r = self.reconstructor
        picture, mask, meshes = predict(r, photo, crop)
        camera, _ = find_camera(r, meshes, photo, crop, self.regress)
        columns = np.array([camera.azimuth, camera.elevation, camera.distance, *camera.offset])
        code = self.renderer.background_codes(picture[None], mask[None])[0]
        shape = meshes.vertices[0] - r.network.template.vertices
        return Subject(name, picture, mask, columns, shape, meshes.texture[0], code)

    def samples(self, count: int, seed: int) -> dict[str, Subject]:
        """Fresh pictures of the GAN itself, by name, with the segmenter's masks. Raises FileNotFoundError
        without the GAN, ValueError without a segmenter."""
        if self.segment is None:
            raise ValueError(
                f"no segmenter in {self.folder} finds masks of samples; give --images with masks"
            )
        source, psi, _ = gan_source(self.workdir, self.shipped)
        seeds = 1000 * seed + np.arange(count)
        images, _ = source.pairs(source.view_codes(seeds, psi), source.codes(seeds, psi))
        subjects = {}
        height, width = images.shape[1:3]
        whole = Crop((width / 2, height / 2), 1.0, 0.0, (height, width))
        for number, image in enumerate(images):
            mask = np.uint8(255 * (np.asarray(self.segment(image)).max(axis=0) > 0.5))
            name = f"sample_{number}"
            subjects[name] = self.subject(Photo(image, mask, "segmenter"), whole, name)
        return subjects

    def check(self, edits: Sequence[Edit]) -> None:
        """Raise ValueError for an edit that this renderer has no handle for."""
        if not self.renderer.mapper.takes_distance and any("scale" in edit.cameras for edit in edits):
            raise ValueError(
                f"the renderer in {self.folder} takes azimuth and elevation alone, as its GAN does; leave "
                "scale out of --camera"
            )

    def doubts(self, edits: Sequence[Edit]) -> list[str]:
        """What the edits ask of this renderer that its fine-tuning never saw, a line each."""
        jitter = self._card.get("finetune", {}).get("distance_jitter", 0.0)
        if jitter or not any("scale" in edit.cameras for edit in edits):
            return []
        return [
            "scale: this renderer saw no distances but its views' (stylegan_r.finetune.distance_jitter = 0); "
            "its pictures may break, DIB-R's beside them hold"
        ]

    def draw(self, subject: Subject, edits: Sequence[Edit], donors: Mapping[str, Subject]) -> list[Drawn]:
        """The frames of each edit of a subject; donors: by the name of a property."""
        cameras = np.concatenate([edit.cameras_from(subject.camera) for edit in edits]).astype(np.float32)
        mixed = {name: np.concatenate([_mixed(name, subject, edit, donors) for edit in edits])
                 for name in PROPERTIES}  # fmt: skip
        neural, dibr = self.frames(cameras, mixed["shape"], mixed["texture"], mixed["background"])
        ends = np.cumsum([len(edit) for edit in edits])[:-1]
        return [Drawn(*parts) for parts in zip(np.split(neural, ends), np.split(dibr, ends), strict=True)]

    def frames(self, cameras, shapes, textures, backgrounds) -> Drawn:
        """Pictures of properties [f ...], as `Subject` has them."""
        neural = unit_to_uint8(self.renderer.from_codes(cameras[:, :3], shapes, textures, backgrounds))
        colour, mask = self.dibr(cameras, shapes, textures)
        return Drawn(neural, unit_to_uint8(pool_mask(on_white(colour, mask), *neural.shape[1:3])))


def _mixed(name: str, subject: Subject, edit: Edit, donors: Mapping[str, Subject]) -> np.ndarray:
    """A property in each frame [f ...]."""
    own = getattr(subject, name)
    if edit.property != name:
        return np.broadcast_to(own, (len(edit), *own.shape))
    shares = edit.shares.reshape(-1, *(1,) * own.ndim)
    return ((1.0 - shares) * own + shares * getattr(donors[name], name)).astype(np.float32)


def _renderer(
    folder: Path, reconstructor: Reconstructor, network: Path
) -> tuple[NeuralRenderer, dict[str, Any]]:
    """The folder's StyleGAN-R, which must be of the inverse graphics network's GAN, and its card."""
    if not (folder / MAPPER_FILE).is_file():
        raise FileNotFoundError(f"no StyleGAN-R at {folder}; {make(NAME)}")
    renderer = load_neural_renderer(folder)
    _, metadata = load_weights(folder / MAPPER_FILE, shapes_only=True)
    card = metadata["card"]
    of = {card.get("made_from"), reconstructor.fingerprint} - {None}
    vertices = len(reconstructor.network.template.vertices)
    if len(of) > 1 or renderer.mapper.num_vertices != vertices:
        raise ValueError(
            f"StyleGAN-R in {folder} belongs to another GAN than the network in {network}; "
            f"{make_again(folder.parent, NAME)}"
        )
    return renderer, card
