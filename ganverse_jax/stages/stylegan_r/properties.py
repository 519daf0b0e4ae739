"""What StyleGAN-R trains on: generated images with their mask, camera, predicted shape and texture, and
code W*.

Everything here is fixed during training, so it is computed once (the paper samples anew at every step; the
examples are those of the generated multi-view set, drawn the same way). All of it is held in memory: at 64
pixels 40 kB an example, at 512 x 384 with a 256 x 512 texture about 2 MB; limit `num_examples` accordingly.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Properties:
    """n examples seen from k views.

    images uint8 [n h w 3]; masks uint8 [n h w]; view_id, object_id int [n]; shapes float32 [n v 3],
    displacements in world units; textures float16 [n th tw 3] in [0, 1]; content_styles float32 [n m],
    W*_STB; view_styles float32 [k n_v], W*_V; cameras float32 [k 3]: azimuth, elevation (radians), distance,
    or [k 5] with the offset x, y (NDC) of `scene/cameras.py`, which DIB-R's pictures obey and the
    mapper does not read.
    """

    images: np.ndarray
    masks: np.ndarray
    view_id: np.ndarray
    object_id: np.ndarray
    shapes: np.ndarray
    textures: np.ndarray
    content_styles: np.ndarray
    view_styles: np.ndarray
    cameras: np.ndarray

    def __post_init__(self):
        n = len(self.images)
        names = ("masks", "view_id", "object_id", "shapes", "textures", "content_styles")
        sizes = {name: len(getattr(self, name)) for name in names}
        if any(size != n for size in sizes.values()):
            raise ValueError(f"{n} images, but {sizes}; one entry per image is needed")
        if len(self.view_styles) != len(self.cameras):
            raise ValueError(f"{len(self.view_styles)} view codes, but {len(self.cameras)} cameras")
        if n < 2:
            raise ValueError(f"{n} examples; StyleGAN-R pairs objects and needs at least 2")

    def __len__(self) -> int:
        return len(self.images)

    def content(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Shapes, textures, images and masks [b ...] of examples `rows` [b]: what a renderer takes besides
        cameras."""
        return self.shapes[rows], self.textures[rows], self.images[rows], self.masks[rows]

    def rows(self, step_key, batch_size: int) -> np.ndarray:
        """Examples [b], without repetition while there are enough; pure in `step_key`."""
        return np.random.default_rng(step_key).choice(len(self), batch_size, replace=batch_size > len(self))

    def partners(self, step_key, rows: np.ndarray, stream: int = 1) -> np.ndarray:
        """For `rows` [b], examples of other objects (where there are any); pure in step_key and stream."""
        generator = np.random.default_rng((stream, *np.atleast_1d(step_key)))
        partners = generator.integers(len(self), size=len(rows))
        for _ in range(8):  # a few more draws for partners that are the object itself
            same = self.object_id[partners] == self.object_id[rows]
            partners = np.where(same, generator.integers(len(self), size=len(rows)), partners)
        return partners

    def _seen(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        camera = self.cameras[self.view_id[rows]]
        return {"image": self.images[rows], "mask": self.masks[rows], "camera": camera}

    def warmup_batch(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Batch of the warm-up step for examples `rows` [b]."""
        return self._seen(rows) | {
            "shape": self.shapes[rows],
            "texture": self.textures[rows],
            "view_style": self.view_styles[self.view_id[rows]],
            "content_style": self.content_styles[rows],
        }

    def finetune_batch(
        self, rows: np.ndarray, partners: np.ndarray, dressers: np.ndarray, cameras: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Batch of the fine-tuning step, pairs of pictures: of `rows` [b] all four properties; then their
        background with the shapes of `partners`, the textures of `dressers`, seen by cameras [b c]."""
        seen = self._seen(rows)
        return seen | {
            "camera": np.stack([seen["camera"], cameras], axis=1),
            "shape": self.shapes[np.stack([rows, partners], axis=1)],
            "texture": self.textures[np.stack([rows, dressers], axis=1)],
        }

    def paper_batch(self, rows: np.ndarray, partners: np.ndarray) -> dict[str, np.ndarray]:
        """`finetune_batch` as in the paper: {S, T} of one other object, seen by the same camera."""
        return self.finetune_batch(rows, partners, partners, self.cameras[self.view_id[rows]])

    def swapped_batch(
        self,
        step_key,
        rows: np.ndarray,
        jitter: float = 0.0,
        distance_jitter: float = 0.0,
        part: np.ndarray | slice = slice(None),
    ) -> dict[str, np.ndarray]:
        """`finetune_batch` with shape, texture and camera each of another example; pure in `step_key`.

        jitter: half the range (radians) that azimuth and elevation are moved by; distance_jitter: the most
        that the distance grows or shrinks by, as a share, which the factors "zoom" [b 2] undo in the picture;
        part: the batch's rows that are wanted.
        """
        shapes, textures = (self.partners(step_key, rows, stream) for stream in (1, 2))
        generator = np.random.default_rng((3, *np.atleast_1d(step_key)))
        cameras = self.cameras[generator.integers(len(self.cameras), size=len(rows))]
        cameras[:, :2] += generator.uniform(-jitter, jitter, (len(rows), 2))
        away = np.log1p(distance_jitter) * generator.uniform(-1, 1, len(rows))
        cameras[:, 2] *= np.exp(away)
        zoom = np.exp(np.stack([0 * away, away], axis=1)).astype(np.float32)[part]
        return self.finetune_batch(rows[part], shapes[part], textures[part], cameras[part]) | {"zoom": zoom}
