"""Train SmallerVGGNet to give each image several labels at once, such as a colour and a garment.

The labels of an image are the parts of its folder's name: dataset/blue_jeans/00000000.jpg is blue,
and it is jeans.
"""

import sys
from argparse import Namespace
from functools import partial

from pyimagesearch.arguments import ArgumentParser, bytes_of, number
from pyimagesearch.console import info, printable, run
from pyimagesearch.errors import INTERRUPTED

# The tutorial's settings: how often each image is seen, the learning rate at the start, the
# images a step, the size of an image as the network takes it, and the share kept for testing.
EPOCHS = 75
INIT_LR = 1e-3
BS = 32
IMAGE_DIMS = (96, 96, 3)
TEST_SIZE = 0.2

# A run can be taken up again only with the same values of these.
DECISIVE = ("epochs", "batch_size", "learning_rate", "image_size", "test_size", "seed")
DECISIVE += ("recolor", "recolor_part")

EXAMPLES = """examples:
  python train.py --dataset dataset --model fashion.model
  python train.py --dataset dataset --epochs 12 --recolor --recolor-preview composed.png
  python train.py -d dataset -m fashion.model -l mlb.pickle -p plot.png --seed 1
"""


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES)
    files = parser.add_argument_group("files").add_argument
    files("-d", "--dataset", default="dataset", help="folder of label folders")
    files("-m", "--model", default="fashion.model", help="where to write the network")
    files("-l", "--labelbin", default="mlb.pickle", help="where to write the labels")
    files("-p", "--plot", default="plot.png", help="where to draw the training curves")
    files("--errors", metavar="FILE", help="where to show the test images it gets most wrong")
    files("--report", metavar="FILE", help="where to write all that the run found out, as JSON")
    files("--log", metavar="FILE", help="where to write the metrics of each epoch, as CSV")
    files("--tensorboard", metavar="DIR", help="where to write them for TensorBoard")
    files("--no-cache", action="store_true", help="decode all images anew")
    limit = "as 8GB; images that need over a quarter of it stay on disk; default all there is"
    files("--memory-limit", metavar="SIZE", type=bytes_of, help=limit)
    files("--resume", action="store_true", help="go on with a run that was ended too early")

    training = parser.add_argument_group("training").add_argument
    count, size, seed = number(int, 1, 1_000_000), number(int, 12, 1024), number(int, 0, 2**31 - 1)
    rate, share = number(float, 1e-9, 10), number(float, 0.01, 0.99)
    training("--epochs", type=count, default=EPOCHS, help="how often each image is seen")
    training("--batch-size", type=count, default=BS, help="images a training step")
    training("--learning-rate", type=rate, default=INIT_LR, help="at the start of training")
    training("--image-size", type=size, default=IMAGE_DIMS[0], help="width and height in pixels")
    training("--test-size", type=share, default=TEST_SIZE, help="share of images to test on")
    devices = ("auto", "cpu", "gpu")
    training("--device", choices=devices, default="auto", help="what to train on")
    training("--seed", type=seed, default=42, help="of everything random")

    unseen = parser.add_argument_group("combinations that no folder holds").add_argument
    compose = "compose images of each: so many an epoch, or as many as an average folder has"
    unseen("--recolor", metavar="N", type=count, nargs="?", default=0, const=None, help=compose)
    unseen("--recolor-part", type=int, choices=(1, 2), default=1, help="part that is the colour")
    unseen("--recolor-preview", metavar="FILE", help="where to show what was composed of what")
    return parser.parse_args()


def main() -> int:
    """Train once, from images on disk to a model, a label binarizer and a plot."""
    args = parse_arguments()
    # TensorFlow takes seconds to import; a mistyped flag has been answered by now.
    from pyimagesearch.training.devices import prepare_training_device

    device = prepare_training_device(args.device)
    strategy = device.strategy
    import keras
    import numpy as np
    from sklearn.preprocessing import MultiLabelBinarizer

    from pyimagesearch.artifacts import label_file, model_file
    from pyimagesearch.data import batches, image_arrays
    from pyimagesearch.data.duplicates import duplicate_groups
    from pyimagesearch.data.image_arrays import physical_memory
    from pyimagesearch.data.loading import load_dataset
    from pyimagesearch.data.split import split
    from pyimagesearch.outputs import check_writable
    from pyimagesearch.recoloring import composition, prior
    from pyimagesearch.reports import messages, pictures, training_report
    from pyimagesearch.smallervggnet import SmallerVGGNet
    from pyimagesearch.training import checkpoints, workers
    from pyimagesearch.training.fitting import (
        compile_network,
        fit,
        loggers,
        predict,
        subtract_from_logits,
    )

    if device.is_chief:
        check_writable(args.model, args.labelbin, args.plot, args.errors, args.report, args.log)
        check_writable(args.recolor_preview)
    keras.utils.set_random_seed(args.seed)

    info(f"loading images from {printable(args.dataset)}...")
    size = args.image_size
    memory_limit = args.memory_limit or physical_memory()
    loaded = load_dataset(args.dataset, size, not args.no_cache, memory_limit)
    images, labels = loaded.images, loaded.labels
    mlb = MultiLabelBinarizer().fit(labels)
    groups = duplicate_groups(images)
    train, test = split(labels, groups, args.test_size, args.seed)
    info(*messages.dataset_lines(args.dataset, loaded, mlb.classes_, groups))
    info(f"{len(train)} images to train on, {len(test)} to test on")
    workers.check_shares(strategy, args.batch_size, train, test)

    part = args.recolor_part - 1
    composed = composition.compose_missing(
        images, labels, train, per_combination=args.recolor, part=part, seed=args.seed
    )
    reason = composition.why_nothing_to_compose(labels, part=part)
    info(*messages.composed_lines(args.recolor, composed.labels, reason))
    if device.is_chief:
        pictures.write_preview(args.recolor_preview, images, composed)
    # Composed images are for training alone, a part of them in each epoch, and numbered on.
    pool = image_arrays.Concatenated(images, composed.images)
    targets = mlb.transform([*labels, *composed.labels]).astype("float32")
    in_turn = np.arange(len(images), len(targets)), composition.TURNS
    shown = len(train) + len(composed.labels) // composition.TURNS

    settings = {name: vars(args)[name] for name in DECISIVE}
    model_path = args.model if device.is_chief else None
    this_run = checkpoints.describe_run(model_path, settings, loaded.paths, images)
    workers.check_agreement(strategy, this_run.description)

    info("compiling model...")
    steps = batches.steps_per_epoch(shown, args.batch_size)
    with strategy.scope():
        model = SmallerVGGNet.build(size, size, IMAGE_DIMS[2], len(mlb.classes_), "sigmoid")
        network = compile_network(model, args.learning_rate, steps * args.epochs)

    history = checkpoints.load(this_run, network) if args.resume else {"loss": []}
    epochs_done = workers.share_state(strategy, network, len(history["loss"]))
    epochs = range(epochs_done, args.epochs)
    if args.resume:
        info(f"resuming after epoch {epochs.start}")

    info(f"training network on {device.name}...")
    data = (pool, targets, train, args.batch_size, epochs, args.seed)
    make_batches = partial(batches.training_batches, *data, in_turn=in_turn)
    make_test_batches = partial(batches.evaluation_batches, images, targets, test, args.batch_size)
    batches = workers.shared_batches(strategy, make_batches)
    test_batches = workers.shared_batches(strategy, make_test_batches)
    log = loggers(args.log, args.tensorboard, args.resume) if device.is_chief else []
    history, ended_by = fit(network, batches, test_batches, steps, epochs, history, this_run, log)
    if not device.is_chief:
        workers.wait_for_all(strategy)
        return 0
    if ended_by:
        info(f"ended by {ended_by} in epoch {len(history['loss'])}; --resume goes on from there")

    # The network has seen some colours more often than the folders show them.
    train_labels = [labels[i] for i in train]
    offsets = prior.logit_offsets(mlb.classes_, train_labels, composed.labels, part=part)
    subtract_from_logits(model, offsets)

    info("evaluating network...")
    answers = training_report.Answers(test, predict(network, make_test_batches()), targets[test])
    report = training_report.training_report(
        vars(args), loaded, groups, mlb.classes_, composed.labels, history, answers
    )
    info(*messages.result_lines(report, answers))

    info(f"serializing network to {printable(args.model)}...")
    model_file.save_model(args.model, model, training_report.model_metadata(report))
    info(f"serializing label binarizer to {printable(args.labelbin)}...")
    label_file.save_binarizer(args.labelbin, mlb, report["trained_at"])
    info(f"drawing training curves to {printable(args.plot)}...")
    pictures.draw_training(history, labels, args.plot)
    pictures.draw_errors(args.errors, loaded, report["worst"])
    training_report.write(args.report, report)
    if not ended_by:
        this_run.checkpoint.unlink(missing_ok=True)
    workers.wait_for_all(strategy)
    return INTERRUPTED if ended_by else 0


if __name__ == "__main__":
    sys.exit(run(main))
