"""The paper's figures (arXiv:2010.09125), and where it disagrees with itself."""

import dataclasses

ITERATIONS = 200_000  # Sec. 4.1, inverse graphics
SHORT_FRACTION = 0.1  # below a tenth of the paper's iterations a run is called short


@dataclasses.dataclass(frozen=True)
class Figure:
    """One row of the comparison. `key` is its name in `stage`'s summary or evaluation, one of the figures
    that the stage declares; `unit` is appended to the run's value; `paper` is the printed figure and `source`
    where it stands."""

    label: str
    stage: str
    key: str
    paper: str
    source: str
    unit: str = ""
    note: str = ""


FIGURES = (
    Figure("2D IOU, re-projected into the input view", "inverse_graphics", "iou_2d", "0.95",
           "Table 1b, StyleGAN test",
           note="GAN images held out by object; says nothing about unseen sides"),
    Figure("Images kept after filtering", "multiview_dataset", "kept", "55,429", "Sec. 4, cars"),
    Figure("Objects sampled", "multiview_dataset", "objects", "6,000", "Sec. 4, cars"),
    Figure("Views", "viewpoints", "num_views", "39", "App. C, cars"),
    Figure("Cameras' rotation axes against the truth, mean", "inverse_graphics_posed",
           "camera_axis_mean_degrees", "1.43°", "Table A (b)", "°",
           "the paper has no truth: its figures are of two trainings against one another"),
    Figure("Rotation axes against the truth, maximum", "inverse_graphics_posed",
           "camera_axis_max_degrees", "2.95°", "Table A (b)", "°"),
    Figure("Rotation angles against the truth, mean", "inverse_graphics_posed",
           "camera_angle_mean_degrees", "0.42°", "Table A (b)", "°"),
    Figure("Rotation angles against the truth, maximum", "inverse_graphics_posed",
           "camera_angle_max_degrees", "1.11°", "Table A (b)", "°"),
    Figure("Inverse graphics iterations", "inverse_graphics", "steps", "200,000", "Sec. 4.1",
           note="batch of 16 objects, two views each"),
    Figure("Inverse graphics training time", "inverse_graphics", "train_seconds", "120 h",
           "Sec. 4.1, four V100", note="Table A prints 60 h"),
    Figure("StyleGAN-R warm-up iterations", "stylegan_r", "warmup_steps", "700", "Sec. 4.2"),
    Figure("StyleGAN-R fine-tuning iterations", "stylegan_r", "finetune_steps", "2,500", "Sec. 4.2"),
    Figure("Annotation of the views", "viewpoints", "annotation_seconds", "1 min", "Table 1a"),
)  # fmt: skip

# Table 1b, 2D IOU: model -> (on Pascal3D+'s test set, on StyleGAN's).
TABLE_1B = {"baseline": ("0.80", "0.81"), "ours": ("0.76", "0.95")}
TABLE_1 = (
    ("Dataset size and annotation", "Pascal3D: 4K images, 200–350 h", "StyleGAN: 50K images, about 1 min"),
    ("2D IOU, Pascal3D model", "Pascal3D test 0.80", "StyleGAN test 0.81"),
    ("2D IOU, StyleGAN model", "Pascal3D test 0.76", "StyleGAN test 0.95"),
    ("User study, overall", "ours 57.5 %, Pascal3D model 25.9 %", "no preference 16.6 %"),
    ("User study, shape", "ours 61.6 %, Pascal3D model 26.4 %", "no preference 11.9 %"),
    ("User study, texture", "ours 56.3 %, Pascal3D model 32.8 %", "no preference 10.8 %"),
)

INCONSISTENCIES = (
    "39 views × 6,000 cars make 234,000 images, yet 55,429 are kept. A mask filter alone hardly drops three "
    "quarters; here <code>views_per_object</code> is a setting.",
    "Training takes 120 hours in Sec. 4.1 and 60 hours in Table A.",
    "Eq. 1 gives the mask term no weight, Sec. 4.1 lists λ<sub>IOU</sub> = 3; it is written as an "
    "intersection-over-union but used as a loss. Here: 3 · (1 − IOU).",
    "W* is said to have 16 layers for cars: 15 convolutions and the last toRGB. The other toRGB styles are "
    "not mentioned; here they follow the code that drives their layer.",
)
