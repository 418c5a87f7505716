"""Train SmallerVGGNet to give each image several labels at once, such as a colour and a garment.

The labels of an image are the parts of its folder's name: dataset/blue_jeans/00000000.jpg is blue,
and it is jeans.
"""

import sys
from argparse import Namespace
from functools import partial

from pyimagesearch.command_lines.train import outputs_reserved, parse_arguments, work_silently
from pyimagesearch.console import info, printable, progress, run


def main() -> int:
    """Make sure that the outputs can be written, then train."""
    args = parse_arguments(__doc__)
    from pyimagesearch.training.devices import is_chief

    if not is_chief():  # Of several workers, only the chief prints and writes.
        work_silently(args)
        return train_network(args)
    with outputs_reserved(args):
        return train_network(args)


def train_network(args: Namespace) -> int:
    """Train once, from images on disk to a model, a label binarizer and a plot."""
    from pyimagesearch.data import loading
    from pyimagesearch.training.devices import importing_tensorflow, prepare_training_device

    with importing_tensorflow():
        info(f"loading images from {printable(args.dataset)}...")
        dataset = loading.load_dataset(
            args.dataset,
            args.image_size,
            label_table=args.labels,
            fit=args.fit,
            use_cache=not args.no_cache,
            memory_limit=args.memory_limit,
            progress=partial(progress, title="decoding"),
        )
    device = prepare_training_device(args.device, say=info)
    import keras
    import numpy as np
    from sklearn.preprocessing import MultiLabelBinarizer

    from pyimagesearch.artifacts import export, label_file, model_file
    from pyimagesearch.data import batches, split
    from pyimagesearch.recoloring import color_part, composition, prior
    from pyimagesearch.reports import error_montage, messages, pictures, strays, training_report
    from pyimagesearch.smallervggnet import SmallerVGGNet
    from pyimagesearch.training import balance, checkpoints, fitting, gradients, logs, remembering

    keras.utils.set_random_seed(args.seed)
    images, labels, mlb = dataset.images, dataset.labels, MultiLabelBinarizer().fit(dataset.labels)
    info(*messages.dataset_lines(args.dataset, dataset))
    settings = fitting.Settings(
        args.epochs, args.batch_size, args.learning_rate, seed=args.seed, balance=args.balance
    )
    if args.audit:
        from pyimagesearch.reports import label_audit

        return label_audit.audit(
            args.audit, dataset, SmallerVGGNet.build, device=device, settings=settings, say=info
        )
    train, test = split.split_dataset(dataset, test_size=args.test_size, seed=args.seed)
    info(*messages.split_lines(dataset, train, test))
    device.check_shares(args.batch_size, min(len(train), len(test)))
    part = None if args.recolor_part is None else args.recolor_part - 1
    recoloring = color_part.choose_recoloring(images, labels, train, wanted=args.recolor, part=part)
    composed = composition.compose_missing(
        images,
        labels,
        train,
        per_combination=recoloring.per_combination,
        part=recoloring.part,
        seed=args.seed,
        memory_limit=args.memory_limit,
        progress=partial(progress, title="composing"),
    )
    args.recolor = composed.per_combination  # for the checkpoint and the report
    args.recolor_part = recoloring.part + 1 if composed.labels else None
    info(*messages.composed_lines(recoloring, composed))
    pictures.write_preview(args.recolor_preview, images, composed)
    pool, turns = composition.pooled(images, composed.images)
    targets = batches.make_targets([*labels, *composed.labels], mlb.classes_)

    info("compiling model...")
    size, depth, classes = args.image_size, images.shape[3], mlb.classes_
    build = partial(SmallerVGGNet.build, size, size, depth, len(classes), finalAct="sigmoid")
    this_run = checkpoints.describe_run(
        args.model, vars(args), dataset, test=test, composed=len(composed.labels)
    )
    examples = batches.Examples(pool, targets, train, turns)
    trainer = fitting.Trainer(build, device, this_run, examples=examples, settings=settings)
    if args.resume:
        info(f"resuming after epoch {trainer.resume()}")

    info(f"training network on {device.name}...")
    tested = batches.Examples(images, targets, test)
    log = logs.loggers(args.log, args.tensorboard, append=args.resume)
    ended_by = trainer.fit(tested, log=log)
    stays = args.model if trainer.keeps(args.model, ended_by) else None
    info(*messages.ended_lines(ended_by, epoch=len(trainer.history["loss"]), stays=stays))
    if stays or not device.is_chief:
        return trainer.end(ended_by)

    info("evaluating network...")
    # The network has seen some colours more often than the folders show them.
    seen = [labels[index] for index in train]
    weigh = balance.weight_in_loss if args.balance else np.asarray
    offsets = prior.logit_offsets(seen, composed.labels, classes, part=recoloring.part, weigh=weigh)
    trainer.subtract_from_logits(offsets)
    predicted = training_report.Predictions(test, trainer.predict(tested), targets[test].toarray())
    report = training_report.training_report(
        vars(args), dataset, predicted, composed_labels=composed.labels, history=trainer.history
    ) | {"ended_by": ended_by}
    info(*messages.result_lines(report, predicted))

    info("remembering the images that the network knows...")
    remembered = remembering.remember(trainer.model, pool, test=test)
    found = strays.find_strays(dataset, remembered.points, indices=remembered.indices)
    info(*strays.report_strays(report, found))

    info(f"serializing network to {printable(args.model)}...")
    metadata = training_report.model_metadata(report)
    model_file.save_model(args.model, trainer.model, metadata, known=remembered.known)
    info(f"serializing label binarizer to {printable(args.labelbin)}...")
    label_file.save_binarizer(args.labelbin, mlb, report["trained_at"])
    training_report.write(args.report, report)
    info(f"drawing training curves to {printable(args.plot)}...")
    pictures.draw_training(args.plot, trainer.history, labels, by_label=dataset.has_free_labels)
    explain = partial(gradients.feature_gradients, trainer.model)
    error_montage.draw_errors(args.errors, dataset, report["worst"], explain=explain)
    code = trainer.end(ended_by)
    if args.export:
        paths, shown = export.export_paths(args.model, args.export), images[test[: export.IMAGES]]
        export.export_model(
            args.model, paths, shown, labelbin=args.labelbin, quantize=args.quantize, say=info
        )
    return code


if __name__ == "__main__":
    sys.exit(run(main))
