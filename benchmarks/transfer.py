"""How well a trained model names images from elsewhere: both labels right, and what it confuses.

python train.py --dataset dataset
python benchmarks/transfer.py --dataset PHOTOGRAPHS
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pyimagesearch.inference.backend import choose_inference_backend


def main() -> None:
    """Classify every image below a folder and print, by combination, how often the top is right."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", required=True, help="folder of label folders")
    parser.add_argument("--model", default="fashion.model")
    parser.add_argument("--labelbin", default="mlb.pickle")
    args = parser.parse_args()
    choose_inference_backend()
    from pyimagesearch.artifacts import label_file, model_file
    from pyimagesearch.data.folders import folder_labels, list_images
    from pyimagesearch.inference import classification

    trained = model_file.load_model(args.model)
    labels, _ = label_file.load_labels(trained, args.model, args.labelbin)
    total, right, confusions = Counter(), Counter(), Counter()
    for answer in classification.classify_files(trained.model, labels, list_images(args.dataset)):
        if answer.error:
            continue
        truth = folder_labels(answer.path)
        top = classification.choose(answer.probabilities, len(truth))
        answered = {label for label, _ in top}
        total[truth] += 1
        right[truth] += answered == set(truth)
        if answered != set(truth):
            confusions[truth, tuple(sorted(answered))] += 1

    for truth in sorted(total):
        wrong = [
            f"{' '.join(answered)} {count}"
            for (expected, answered), count in confusions.most_common()
            if expected == truth
        ]
        share = right[truth] / total[truth]
        print(
            f"{' '.join(truth):<14} {share:6.1%} of {total[truth]:5}; else {', '.join(wrong[:4])}"
        )
    print(f"{'all':<14} {right.total() / total.total():6.1%} of {total.total():5}")


if __name__ == "__main__":
    main()
