"""Train SmallerVGGNet to give each image several labels at once, such as a colour and a garment.

The labels of an image are the parts of its folder's name: dataset/blue_jeans/00000000.jpg is blue,
and it is jeans.
"""

import sys
from argparse import Namespace

from pyimagesearch.console import INTERRUPTED, ArgumentParser, info, number, printable, run

# The tutorial's settings: how often each image is seen, the learning rate at the start, the
# images a step, the size of an image as the network takes it, and the share kept for testing.
EPOCHS = 75
INIT_LR = 1e-3
BS = 32
IMAGE_DIMS = (96, 96, 3)
TEST_SIZE = 0.2

# Images composed of each combination that no folder holds, where that is asked for.
COMPOSED = 150

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
    files("--no-cache", action="store_true", help="decode all images anew")
    files("--resume", action="store_true", help="go on with a run that was ended too early")

    training = parser.add_argument_group("training").add_argument
    count, size, seed = number(int, 1, 1_000_000), number(int, 12, 1024), number(int, 0, 2**31 - 1)
    rate, share = number(float, 1e-9, 10), number(float, 0.01, 0.99)
    training("--epochs", type=count, default=EPOCHS, help="how often each image is seen")
    training("--batch-size", type=count, default=BS, help="images a training step")
    training("--learning-rate", type=rate, default=INIT_LR, help="at the start of training")
    training("--image-size", type=size, default=IMAGE_DIMS[0], help="width and height in pixels")
    training("--test-size", type=share, default=TEST_SIZE, help="share of images to test on")
    training("--seed", type=seed, default=42, help="of everything random")

    unseen = parser.add_argument_group("combinations that no folder holds").add_argument
    compose = f"compose so many training images of each ({COMPOSED} if no number is given)"
    unseen("--recolor", metavar="N", type=count, nargs="?", default=0, const=COMPOSED, help=compose)
    unseen("--recolor-part", type=int, choices=(1, 2), default=1, help="part that is the colour")
    unseen("--recolor-preview", metavar="FILE", help="where to show what was composed of what")
    return parser.parse_args()


def main() -> int:
    """Train once, from images on disk to a model, a label binarizer and a plot."""
    args = parse_arguments()
    # TensorFlow takes seconds to import; a mistyped flag has been answered by now.
    from pyimagesearch.devices import prepare_training_device

    device = prepare_training_device()
    import keras
    from sklearn.preprocessing import MultiLabelBinarizer

    from pyimagesearch import artifacts, checkpoints, evaluation, overview, pipeline, plots, recolor
    from pyimagesearch.combinations import split
    from pyimagesearch.dataset import load_dataset
    from pyimagesearch.duplicates import duplicate_groups
    from pyimagesearch.files import check_writable
    from pyimagesearch.smallervggnet import SmallerVGGNet
    from pyimagesearch.training import compile_network, fit

    for output in filter(None, (args.model, args.labelbin, args.plot, args.recolor_preview)):
        check_writable(output)
    keras.utils.set_random_seed(args.seed)

    info(f"loading images from {printable(args.dataset)}...")
    size = args.image_size
    loaded = load_dataset(args.dataset, size, use_cache=not args.no_cache)
    images, labels = loaded.images, loaded.labels
    mlb = MultiLabelBinarizer().fit(labels)
    groups = duplicate_groups(images)
    train, test = split(labels, groups, args.test_size, args.seed)
    for line in overview.dataset_lines(loaded, mlb.classes_, groups):
        info(line)
    info(f"{len(train)} images to train on, {len(test)} to test on")

    part = args.recolor_part - 1
    composed, reason = recolor.compose_missing(images, labels, train, args.recolor, part, args.seed)
    if args.recolor:
        info(overview.composed_line(composed.labels, reason))
    if args.recolor_preview and composed.labels:
        artifacts.save_image(args.recolor_preview, recolor.preview(images, composed))
    pool = pipeline.Concatenated(images, composed.images)
    targets = mlb.transform([*labels, *composed.labels]).astype("float32")
    learned = [*train, *range(len(images), len(targets))]

    info("compiling model...")
    model = SmallerVGGNet.build(
        width=size, height=size, depth=IMAGE_DIMS[2], classes=len(mlb.classes_), finalAct="sigmoid"
    )
    steps = pipeline.steps_per_epoch(len(learned), args.batch_size)
    network = compile_network(model, args.learning_rate, steps * args.epochs)

    settings = {name: vars(args)[name] for name in DECISIVE}
    this_run = checkpoints.describe_run(args.model, settings, loaded.paths, images)
    history = checkpoints.load(this_run, network) if args.resume else {"loss": []}
    epochs = range(len(history["loss"]), args.epochs)
    if args.resume:
        info(f"resuming after epoch {epochs.start}")

    info(f"training network on {device}...")
    batches = pipeline.training_batches(pool, targets, learned, args.batch_size, epochs, args.seed)
    test_batches = pipeline.evaluation_batches(images, targets, test, args.batch_size)
    history, ended_by = fit(network, batches, test_batches, steps, epochs, history, this_run)
    if ended_by:
        info(f"ended by {ended_by} in epoch {len(history['loss'])}; --resume goes on from there")

    probabilities = network.predict(test_batches, verbose=0)
    accuracies = evaluation.accuracies(probabilities, targets[test])
    info(f"training accuracy: {history['binary_accuracy'][-1]:.2%}")
    info(f"test accuracy: {accuracies.binary:.2%}, all labels right: {accuracies.exact:.2%}")
    print(evaluation.label_report(probabilities, targets[test], mlb.classes_))

    info(f"serializing network to {printable(args.model)}...")
    counts = {"training": len(train), "composed": len(composed.labels), "test": len(test)}
    metadata = artifacts.describe_training(
        mlb.classes_, size, labels, composed.labels, counts, accuracies._asdict()
    )
    artifacts.save_model(args.model, model, metadata)
    info(f"serializing label binarizer to {printable(args.labelbin)}...")
    artifacts.save_binarizer(args.labelbin, mlb, metadata["trained_at"])
    info(f"drawing training curves to {printable(args.plot)}...")
    plots.draw_training_curves(history, args.plot)
    if ended_by:
        return INTERRUPTED
    this_run.checkpoint.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
