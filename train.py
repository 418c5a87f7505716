"""Train SmallerVGGNet to give each image several labels at once, such as a colour and a garment.

The labels of an image are the parts of its folder's name: dataset/blue_jeans/00000000.jpg is blue,
and it is jeans.
"""

import sys
from argparse import Namespace
from datetime import UTC, datetime

from pyimagesearch.console import ArgumentParser, examples, info, number, printable, run

# The tutorial's settings: how often each image is seen, the learning rate at the start, the
# images a step, the size of an image as the network takes it, and the share kept for testing.
EPOCHS = 75
INIT_LR = 1e-3
BS = 32
IMAGE_DIMS = (96, 96, 3)
TEST_SIZE = 0.2

EXAMPLES = """examples:
  python train.py --dataset dataset --model fashion.model
  python train.py --dataset dataset --epochs 12
  python train.py -d dataset -m fashion.model -l mlb.pickle -p plot.png --seed 1
"""


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES)
    files = parser.add_argument_group("files")
    files.add_argument("-d", "--dataset", default="dataset", help="folder of label folders")
    files.add_argument("-m", "--model", default="fashion.model", help="where to write the network")
    files.add_argument("-l", "--labelbin", default="mlb.pickle", help="where to write the labels")
    files.add_argument("-p", "--plot", default="plot.png", help="where to draw the training curves")
    files.add_argument("--no-cache", action="store_true", help="decode all images anew")

    training = parser.add_argument_group("training")
    count = number(int, 1, 1_000_000)
    training.add_argument(
        "--epochs", type=count, default=EPOCHS, help="how often each image is seen"
    )
    training.add_argument("--batch-size", type=count, default=BS, help="images a training step")
    training.add_argument(
        "--learning-rate", type=number(float, 1e-9, 10), default=INIT_LR, help="at the start"
    )
    training.add_argument(
        "--image-size",
        type=number(int, 12, 1024),
        default=IMAGE_DIMS[0],
        help="width and height, in pixels, to which images are resized",
    )
    training.add_argument(
        "--test-size",
        type=number(float, 0.01, 0.99),
        default=TEST_SIZE,
        help="share of the images kept for testing",
    )
    training.add_argument(
        "--seed", type=number(int, 0, 2**31 - 1), default=42, help="of everything random"
    )
    return parser.parse_args()


def main() -> None:
    """Train once, from images on disk to a model, a label binarizer and a plot."""
    args = parse_arguments()
    # TensorFlow takes seconds to import; a mistyped flag has been answered by now.
    from pyimagesearch.devices import prepare_training_device

    device = prepare_training_device()
    import keras
    from sklearn.preprocessing import MultiLabelBinarizer

    from pyimagesearch import (
        artifacts,
        combinations,
        dataset,
        duplicates,
        evaluation,
        pipeline,
        plots,
    )
    from pyimagesearch.files import check_writable, written_whole
    from pyimagesearch.fused_normalization import with_fused_normalization
    from pyimagesearch.smallervggnet import SmallerVGGNet

    for output in (args.model, args.labelbin, args.plot):
        check_writable(output)
    keras.utils.set_random_seed(args.seed)

    info(f"loading images from {printable(args.dataset)}...")
    images, paths, labels, skipped = dataset.load_dataset(
        args.dataset, args.image_size, use_cache=not args.no_cache
    )
    info(f"{len(paths)} images, {images.nbytes / 1e6:.1f} MB")
    if skipped:
        reasons = [f"{path} ({reason})" for path, reason in skipped]
        info(f"{len(skipped)} files skipped: {examples(reasons)}")

    info("class labels:")
    mlb = MultiLabelBinarizer()
    targets = mlb.fit_transform(labels).astype("float32")
    for position, label in enumerate(mlb.classes_, start=1):
        print(f"{position}. {printable(label)}")
    info("images of each combination:")
    print(combinations.coverage_table(labels))
    if missing := combinations.missing_combinations(labels):
        names = [" ".join(combination) for combination in missing]
        info(f"no folder holds {examples(names)}: the network cannot learn what it never sees")

    groups = duplicates.duplicate_groups(images)
    info(f"{len(groups) - groups.max() - 1} images are copies of others, exact or near")
    for copies in duplicates.spanning_groups(groups, labels):
        info(f"one image under different labels: {examples([paths[i] for i in copies])}")
    train, test = combinations.split(labels, groups, args.test_size, args.seed)
    info(f"{len(train)} images to train on, {len(test)} to test on")

    info("compiling model...")
    model = SmallerVGGNet.build(
        width=args.image_size,
        height=args.image_size,
        depth=IMAGE_DIMS[2],
        classes=len(mlb.classes_),
        finalAct="sigmoid",
    )
    steps = pipeline.steps_per_epoch(len(train), args.batch_size)
    # The tutorial's learning rate hardly falls, which leaves the accuracy of the last epoch to
    # chance. One that rises first, and then falls to zero, learns faster and settles (Smith and
    # Topin, "Super-Convergence", 2018).
    rising_steps = steps * args.epochs // 4
    learning_rate = keras.optimizers.schedules.CosineDecay(
        args.learning_rate,
        decay_steps=steps * args.epochs - rising_steps,
        warmup_target=3 * args.learning_rate,
        warmup_steps=rising_steps,
    )
    network = with_fused_normalization(model)
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        # Each label is a question of its own, with the answer yes or no.
        loss="binary_crossentropy",
        # By name: "accuracy" would mean that only the likeliest label is looked at.
        metrics=["binary_accuracy"],
        jit_compile=False,
    )

    info(f"training network on {device}...")
    epochs = range(args.epochs)
    test_batches = pipeline.evaluation_batches(images, targets, test, args.batch_size)
    history = network.fit(
        pipeline.training_batches(images, targets, train, args.batch_size, epochs, args.seed),
        validation_data=test_batches,
        steps_per_epoch=steps,
        epochs=args.epochs,
        shuffle=False,
        verbose=1 if sys.stdout.isatty() else 2,
    ).history
    model.set_weights(network.get_weights())

    probabilities = network.predict(test_batches, verbose=0)
    accuracies = evaluation.accuracies(probabilities, targets[test])
    info(f"training accuracy: {history['binary_accuracy'][-1]:.2%}")
    info(f"test accuracy: {accuracies.binary:.2%}, all labels right: {accuracies.exact:.2%}")
    print(evaluation.label_report(probabilities, targets[test], mlb.classes_))

    info(f"serializing network to {printable(args.model)}...")
    metadata = {
        "labels": mlb.classes_.tolist(),
        "image_size": args.image_size,
        "combinations": sorted(set(labels)),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "training_images": len(train),
        "test_images": len(test),
        "binary_accuracy": accuracies.binary,
        "exact_match": accuracies.exact,
    }
    artifacts.save_model(args.model, model, metadata)
    info(f"serializing label binarizer to {printable(args.labelbin)}...")
    artifacts.save_binarizer(args.labelbin, mlb)
    info(f"drawing training curves to {printable(args.plot)}...")
    with written_whole(args.plot) as partial:
        plots.draw_training_curves(history, partial)


if __name__ == "__main__":
    sys.exit(run(main))
