"""Measure how well a trained network predicts images from elsewhere, and what it confuses.

    python train.py --dataset dataset
    python benchmarks/transfer.py --dataset PHOTOGRAPHS

As many labels are chosen as the folder of an image names: the likeliest, or the likeliest of each
part, such as one colour and one garment. A prediction is right if they are those of the folder.
"""

import sys
from argparse import Namespace
from collections import Counter, defaultdict
from collections.abc import Iterable

from measure import print_table

from pyimagesearch.arguments import ArgumentParser
from pyimagesearch.console import printable, run

Labels = tuple[str, ...]


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/transfer.py --dataset PHOTOGRAPHS"
    )
    parser.add_argument("-d", "--dataset", required=True, help="folder of label folders")
    parser.add_argument("-m", "--model", default="fashion.model", help="the trained network")
    labelbin = "its labels; by default the model file's own, or else mlb.pickle"
    parser.add_argument("-l", "--labelbin", help=labelbin)
    return parser.parse_args()


def main() -> None:
    """Classify every image below a folder and print a row for each combination."""
    args = parse_arguments()
    from pyimagesearch.artifacts import label_choice, label_file
    from pyimagesearch.data.folders import folder_labels, list_images
    from pyimagesearch.inference import classification
    from pyimagesearch.inference.network import load_network

    paths = list_images(args.dataset).paths
    trained = load_network(args.model, images=len(paths))
    classes, _ = label_file.load_labels(trained, args.model, args.labelbin)
    parts = label_choice.label_parts(trained.metadata)
    pairs = []
    for prediction in classification.classify_files(trained, classes, paths):
        if not prediction.error:
            labels = folder_labels(prediction.path)
            chosen = label_choice.choose(prediction.probabilities, len(labels), parts=parts)
            pairs.append((labels, tuple(sorted(label for label, _ in chosen))))
    print_table(rows(pairs))


def rows(pairs: Iterable[tuple[Labels, Labels]]) -> list[list[str]]:
    """Tabulate pairs of an image's labels and the labels predicted for it."""
    images: Counter[Labels] = Counter()
    mistakes: defaultdict[Labels, Counter[Labels]] = defaultdict(Counter)
    for labels, chosen in pairs:
        images[labels] += 1
        if set(chosen) != set(labels):
            mistakes[labels][chosen] += 1

    table = [["combination", "right", "images", "most frequent mistakes"]]
    for labels, count in sorted(images.items()):
        wrong = mistakes[labels]
        frequent = [f"{' '.join(chosen)} {often}" for chosen, often in wrong.most_common(4)]
        name = printable(" ".join(labels))
        table.append([name, f"{1 - wrong.total() / count:.1%}", f"{count:,}", ", ".join(frequent)])
    all_wrong = sum(wrong.total() for wrong in mistakes.values())
    share = 1 - all_wrong / max(1, images.total())
    return [*table, ["all", f"{share:.1%}", f"{images.total():,}", ""]]


if __name__ == "__main__":
    sys.exit(run(main))
