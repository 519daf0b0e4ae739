"""python -m launch.ablate --config=configs/toy_car.py --workdir=runs/ablation

The paper's ablations (Fig. 6 and P) and the baseline of its Table 1 on the toy world: the same training in
full, without the multi-view term, without the perceptual term, without camera optimisation, without all
three, and on single views with true cameras. Prints the table; it, its figures and a picture lie in
WORKDIR/ablation. The same command resumes.
"""

from . import command

command.experiment_flags("Folder of the run")
command.distributed_flags()


def main(experiment, workdir) -> None:
    from ganverse_jax.commands.ablate import command as ablation

    print(ablation.markdown(ablation.run(experiment, workdir)))


if __name__ == "__main__":
    command.run(main)
