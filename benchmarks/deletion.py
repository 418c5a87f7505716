"""Measure whether heat maps show what a network looks at: hide that, and see what it predicts then.

    python train.py --dataset PHOTOGRAPHS --model fashion.model
    python benchmarks/deletion.py --dataset PHOTOGRAPHS --model fashion.model

The deletion test of Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for Explanation of
Black-box Models" (2018), at one point: a fifth of the image is hidden, once where the heat map of a
label is hottest, and otherwise at random. If the map is right, the first lowers the probability of
the label the most. Returns 1 if it does not lower it three times as much as random blocks do.

What is hidden gets the mean colour of the image. In a blurred copy, which is the other usual
filling, most of the colour would remain, and half of the labels are colours.
"""

import itertools
import random
import sys
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

import cv2
import numpy as np
from measure import print_table

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import progress, run

SHARE = 0.2  # of the pixels
DRAWS = 3
# A side of the image has as many blocks as SmallerVGGNet's last feature maps have rows.
BLOCKS = 16
WANTED = 3
HOTTEST, GRAD_CAM = "the hottest pixels", "the hottest pixels by Grad-CAM"
IN_BLOCKS = "random blocks"
MOVED, SINGLE = "the hottest pixels' shape, elsewhere", "random pixels"
FILLINGS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean colour": lambda image: np.full_like(image, np.rint(image.mean(axis=(0, 1)))),
    "blurred": lambda image: cv2.GaussianBlur(image, (0, 0), max(image.shape) / 8),
}


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition(":")[0], "example: python benchmarks/deletion.py --dataset PHOTOGRAPHS"
    )
    parser.add_argument("-d", "--dataset", required=True, help="folder of label folders")
    parser.add_argument("-m", "--model", default="fashion.model", help="the trained network")
    labelbin = "its labels; by default the model file's own, or else mlb.pickle"
    parser.add_argument("-l", "--labelbin", help=labelbin)
    count, seed = number(int, 1, 1_000_000), number(int, 0, 2**31 - 1)
    parser.add_argument("--images", type=count, default=200, help="how many images to draw")
    parser.add_argument("--seed", type=seed, default=0, help="random seed")
    return parser.parse_args()


def main() -> int:
    """Hide parts of images and print by how much the probabilities of their labels fall."""
    args = parse_arguments()
    from pyimagesearch.artifacts import label_choice, label_file
    from pyimagesearch.data.decoding import fitted, inner_rectangle, scale
    from pyimagesearch.data.folders import folder_labels, list_images
    from pyimagesearch.inference import classification
    from pyimagesearch.inference.explanation import load_explainer
    from pyimagesearch.inference.network import load_network
    from pyimagesearch.reports.heat_maps import heat_map
    from pyimagesearch.reports.pictures import resized_for_drawing

    paths = list_images(args.dataset).paths
    paths = random.Random(args.seed).sample(paths, min(args.images, len(paths)))
    trained, explain = load_network(args.model), load_explainer(args.model)
    classes, _ = label_file.load_labels(trained, args.model, args.labelbin)
    rng = np.random.default_rng(args.seed)
    drops: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    predictions = classification.classify_files(trained, classes, paths, keep=resized_for_drawing)
    for prediction in progress(predictions, len(paths)):
        if prediction.image is None or prediction.input_image is None:
            continue
        square, inside = prediction.input_image, np.s_[:, :]
        if trained.fit == "pad":
            inside = inner_rectangle(prediction.image.shape[:2], trained.image_size)
        count = len(folder_labels(prediction.path))
        for label, likely in label_choice.choose(prediction.probabilities, count):
            output = classes.index(label)
            features, gradients, cells = explain(scale(square), [output])
            heat = heat_map(features, gradients[0], cells, size=trained.image_size)[inside]
            plain = grad_cam(features, gradients[0], trained.image_size)[inside]
            parts = [(GRAD_CAM, highest(plain)), *masks(heat, rng)]
            ways = list(itertools.product(parts, FILLINGS))
            images = [with_hidden(square[inside], mask, filling) for (_, mask), filling in ways]
            squares = [fitted(image, trained.image_size, trained.fit) for image in images]
            left = trained.predict(scale(np.stack(squares)))[:, output]
            for ((hidden, _), filling), probability in zip(ways, left, strict=True):
                drops[hidden, filling].append(likely - float(probability))
    return report(drops)


def grad_cam(features: np.ndarray, gradient: np.ndarray, size: int) -> np.ndarray:
    """Make the heat map of Selvaraju et al., "Grad-CAM" (2017), for comparison."""
    evidence = np.maximum((features * gradient.mean(axis=(0, 1))).sum(axis=2), 0)
    return cv2.resize(evidence, (size, size), interpolation=cv2.INTER_CUBIC)


def masks(heat: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Choose a fifth of an image's pixels, in several ways."""
    hottest = highest(heat)
    yield HOTTEST, hottest
    for _ in range(DRAWS):
        blocks = cv2.resize(
            rng.random((BLOCKS, BLOCKS)), heat.shape[::-1], interpolation=cv2.INTER_NEAREST
        )
        yield IN_BLOCKS, highest(blocks)
        yield MOVED, np.roll(hottest, rng.integers(heat.shape), axis=(0, 1))
        yield SINGLE, highest(rng.random(heat.shape))


def highest(values: np.ndarray) -> np.ndarray:
    """Select the fifth of the pixels with the highest values."""
    order = np.argsort(-values, axis=None, kind="stable")
    selected = np.zeros(values.size, bool)
    selected[order[: round(SHARE * values.size)]] = True
    return selected.reshape(values.shape)


def with_hidden(image: np.ndarray, mask: np.ndarray, filling: str) -> np.ndarray:
    """Hide some pixels of an image."""
    return np.where(mask[:, :, None], FILLINGS[filling](image), image)


def report(drops: Mapping[tuple[str, str], list[float]]) -> int:
    """Print a row for each way to choose pixels; return 1 if the hottest ones are no better."""
    table = [["what is hidden", *(f"mean drop, {filling}" for filling in FILLINGS)]]
    means = {key: float(np.mean(values)) for key, values in drops.items()}
    for hidden in (HOTTEST, GRAD_CAM, IN_BLOCKS, MOVED, SINGLE):
        table.append([hidden, *(f"{means[hidden, filling]:.2%}" for filling in FILLINGS)])
    print_table(table)
    filling = next(iter(FILLINGS))
    return 0 if means[HOTTEST, filling] >= WANTED * means[IN_BLOCKS, filling] else 1


if __name__ == "__main__":
    sys.exit(run(main))
