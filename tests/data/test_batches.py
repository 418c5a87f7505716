import numpy as np
import pytest
from counting import traced_memory
from scipy.sparse import csr_array

from pyimagesearch.data import batches as module
from pyimagesearch.data.image_arrays import NO_TURNS, Concatenated, StoredImages, Turns

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 24, 32, 3), np.uint8)
# The target of an image is its position.
TARGETS = csr_array(np.arange(10, dtype=np.float32)[:, None])


def examples(indices, turns=NO_TURNS):
    return module.Examples(IMAGES, TARGETS, indices, turns)


EVERY = examples(np.arange(10))


def training(chosen, **settings):
    """Return the pixels and the targets of each batch, those of one epoch by default."""
    settings = {"epochs": range(1), "seed": 0} | settings
    return as_arrays(module.training_batches(chosen, **settings))


def evaluation(chosen, **settings):
    """Return the pixels and the targets of each batch."""
    return as_arrays(module.evaluation_batches(chosen, **settings))


def as_arrays(batches):
    return [(pixels.numpy(), targets.numpy()) for pixels, targets in batches]


def positions(targets):
    """Return the positions of the images that have these targets."""
    return targets[:, 0].astype(int)


@pytest.fixture
def still(monkeypatch):
    """Images that do not move."""
    monkeypatch.setattr(module, "draw_amounts", lambda count, seed: np.zeros((7, count)))


@pytest.mark.parametrize(
    "labels", [[("b", "a"), ("c",), ("a",)], [(), ("a", "b", "c"), ("a", "a")], [("c",)]]
)
def test_targets_say_which_labels_an_image_has(labels):
    targets = module.make_targets(labels, ["b", "a", "c"])
    expected = [[label in each for label in ("b", "a", "c")] for each in labels]
    np.testing.assert_array_equal(targets.toarray(), expected)
    assert targets.dtype == np.float32


@pytest.mark.parametrize("labels", [[("a",), ("d",)], [("a", "c", "x", "d")], ["abd"]])
def test_labels_that_are_none_of_the_classes_are_refused(labels):
    with pytest.raises(ValueError, match="none of the classes: d"):
        module.make_targets(labels, ["a", "b", "c", "x"])


def test_targets_take_memory_for_the_labels_that_images_have_alone():
    classes = [f"label {number:03}" for number in range(500)]
    labels = [(classes[number % 500],) for number in range(20_000)]
    with traced_memory() as memory:
        targets = module.make_targets(labels, classes)
    assert targets.shape == (20_000, 500)
    assert memory.peak < 4 * 20_000 * 500 / 10


def test_batches_have_the_rows_of_their_images(still):
    labels = [("a",), ("b", "c"), (), ("c", "a"), ("b",)] * 2
    rows = module.make_targets(labels, ["a", "b", "c"])
    # Each image is of one colour, its position.
    images = np.broadcast_to(np.arange(10)[:, None, None, None], (10, 8, 8, 3)).astype(np.uint8)
    examples = module.Examples(images, rows, np.arange(10))
    batches = training(examples, batch_size=5, epochs=range(2))
    for pixels, targets in batches + evaluation(examples, batch_size=3):
        shown = np.rint(pixels[:, 4, 4, 0] * 255).astype(int)
        np.testing.assert_array_equal(targets, rows.toarray()[shown])


def test_an_epoch_shows_every_image_of_whole_batches_once(still):
    indices = np.array([1, 2, 3, 5, 6, 7, 8])
    batches = training(examples(indices), batch_size=3, epochs=range(2))
    assert [len(targets) for _, targets in batches] == [3, 3, 3, 3]
    for epoch in (batches[:2], batches[2:]):
        shown = np.concatenate([positions(targets) for _, targets in epoch])
        assert len(set(shown)) == 6
        assert set(shown) <= set(indices)


def test_images_keep_their_targets_and_are_scaled_to_one(still):
    for pixels, targets in training(EVERY, batch_size=5):
        np.testing.assert_allclose(pixels, IMAGES[positions(targets)] / 255, atol=1e-5)


def test_integer_targets_become_float32():
    integers = EVERY._replace(targets=TARGETS.astype(int))
    for batches in (training(integers, batch_size=5), evaluation(integers, batch_size=5)):
        targets = np.concatenate([targets for _, targets in batches])
        assert targets.dtype == np.float32
        assert sorted(targets[:, 0]) == [*range(10)]


def test_epochs_differ_in_order(still):
    (_, first), (_, second) = training(EVERY, batch_size=10, epochs=range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(("epochs", "seeds"), [((0, 1), (5, 5)), ((0, 0), (5, 6))])
def test_another_epoch_or_seed_moves_an_image_otherwise(epochs, seeds):
    # One image, so that the order makes no difference.
    one = examples(np.zeros(4, int))
    first, second = (
        training(one, batch_size=4, epochs=range(epoch, epoch + 1), seed=seed)[0][0]
        for epoch, seed in zip(epochs, seeds, strict=True)
    )
    assert np.abs(first - second).mean() > 0.01


def test_each_step_of_an_epoch_moves_an_image_otherwise():
    (first, _), (second, _) = training(examples(np.zeros(8, int)), batch_size=4)
    assert np.abs(first - second).mean() > 0.01


def test_a_resumed_run_repeats_the_batches_exactly():
    whole, resumed = (
        [pixels for pixels, _ in training(EVERY, batch_size=4, epochs=epochs)]
        for epochs in (range(3), range(2, 3))
    )
    np.testing.assert_array_equal(resumed, whole[4:])


def test_fewer_images_than_a_batch_make_one_step():
    ((pixels, _),) = training(examples(np.arange(3)), batch_size=32)
    assert pixels.shape == (3, 24, 32, 3)
    assert module.steps_per_epoch(3, 32) == 1


def test_the_parts_of_all_replicas_make_the_batch_of_one_process():
    whole, first_process, second_process = (
        training(EVERY, batch_size=6, epochs=range(2), share=share)
        for share in (module.WHOLE, module.Share(0, 2, 3), module.Share(2, 1, 3))
    )
    assert len(first_process) == 2 * len(second_process) == 2 * len(whole)
    for step, expected in enumerate(whole):
        parts = [*first_process[2 * step : 2 * step + 2], second_process[step]]
        for found, wanted in zip(zip(*parts, strict=True), expected, strict=True):
            np.testing.assert_array_equal(np.concatenate(found), wanted)


@pytest.mark.parametrize(("count", "batch_size"), [(3, 4), (4, 4), (7, 4), (10, 4), (10, 10)])
def test_replicas_share_the_evaluation_and_each_gets_images(count, batch_size):
    some = examples(np.arange(count))
    seen = [
        [positions(targets) for _, targets in evaluation(some, batch_size=batch_size, share=share)]
        for share in (module.Share(number, 1, 3) for number in range(3))
    ]
    steps = module.evaluation_steps(count, batch_size, 3)
    assert [len(batches) for batches in seen] == [steps] * 3
    sizes = [len(batch) for batches in seen for batch in batches]
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1
    in_order = [seen[number][step] for step in range(steps) for number in range(3)]
    assert np.concatenate(in_order).tolist() == list(range(count))


def test_evaluation_shows_every_image_in_order_as_it_is():
    batches = evaluation(examples(np.array([7, 2, 9])), batch_size=2)
    pixels, targets = map(np.concatenate, zip(*batches, strict=True))
    assert positions(targets).tolist() == [7, 2, 9]
    np.testing.assert_allclose(pixels, IMAGES[[7, 2, 9]] / 255)


def test_no_dataset_is_autotuned():
    for batches in (
        module.training_batches(EVERY, batch_size=4, epochs=range(1), seed=0),
        module.evaluation_batches(EVERY, batch_size=4),
    ):
        assert not batches.options().autotune.enabled


def test_each_epoch_shows_another_part_of_the_images_that_take_turns(still):
    some = examples(np.arange(4), Turns(np.arange(4, 10), 3))
    batches = training(some, batch_size=6, epochs=range(4))
    epochs = [set(positions(targets)) for _, targets in batches]
    assert all(set(range(4)) <= shown for shown in epochs)
    turns = [shown - set(range(4)) for shown in epochs]
    assert [len(turn) for turn in turns] == [2, 2, 2, 2]
    assert turns[0] | turns[1] | turns[2] == set(range(4, 10))


def test_each_round_of_turns_has_an_order_of_its_own(still):
    some = examples(np.arange(1), Turns(np.arange(1, 10), 3))
    batches = training(some, batch_size=4, epochs=range(6))
    turns = [frozenset(positions(targets)) for _, targets in batches]
    assert set(turns[:3]) != set(turns[3:])


SHAPE = IMAGES.shape[1:]
GOOD = module.Examples(IMAGES, csr_array(np.eye(10, 2, dtype=np.float32)), np.arange(10))


@pytest.mark.parametrize(
    "change",
    [
        {"images": Concatenated(IMAGES[:7], IMAGES[7:])},
        {"images": Concatenated(IMAGES, StoredImages(None, (0, *SHAPE)))},
        {"images": StoredImages(None, IMAGES.shape)},
        {"indices": [0, 9, 9]},
        {"indices": np.arange(10, dtype=np.uint8)},
        {"indices": np.arange(2), "turns": Turns(np.arange(2, 10), 4)},
        {"targets": GOOD.targets.astype(bool)},
        {"targets": GOOD.targets.astype(int)},
        {"targets": csr_array((10, 2), dtype=np.float32)},
        {"targets": GOOD.targets * np.float32(np.nan)},
        {"targets": csr_array(np.eye(20, 2)), "images": IMAGES},
    ],
)
def test_examples_that_a_network_can_be_trained_on_are_taken(change):
    for shape in (SHAPE, (None, None, 3)):
        module.check_examples(GOOD._replace(**change), shape, 2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"images": IMAGES / np.float32(255)}, r"uint8 of shape .*, not float32"),
        ({"images": IMAGES[..., 0]}, r"\(N, 24, 32, 3\), not uint8 of shape \(10, 24, 32\)"),
        ({"images": IMAGES[:, :12]}, r"\(N, 24, 32, 3\), not uint8 of shape \(10, 12, 32, 3\)"),
        ({"images": Concatenated(IMAGES, IMAGES / np.float32(255))}, "not float32"),
        ({"images": Concatenated(IMAGES, IMAGES[:, :12])}, r"not uint8 of shape \(10, 12"),
        ({"images": StoredImages(None, (10, 24, 24, 3))}, r"not uint8 of shape \(10, 24, 24"),
        ({"targets": GOOD.targets * np.float32(255)}, "0 or 1, not 255"),
        ({"targets": GOOD.targets - GOOD.targets * 2}, "0 or 1, not -1"),
        ({"targets": GOOD.targets.toarray()}, r"csr_array of shape \(N, 2\), not .*ndarray of"),
        ({"targets": csr_array(np.eye(10, 3))}, r"csr_array of shape \(N, 2\), not .* \(10, 3\)"),
        ({"targets": csr_array(np.ones(10))}, r"csr_array of shape \(N, 2\), not .* \(10,\)"),
        ({"targets": csr_array(np.eye(9, 2))}, r"from 0 to 8, not 9"),
        ({"images": IMAGES[:9]}, r"from 0 to 8, not 9"),
        ({"indices": np.arange(10) % 2 == 0}, "whole numbers, not bool"),
        ({"indices": np.arange(10.0)}, "whole numbers, not float64"),
        ({"indices": np.arange(10)[:, None]}, r"one dimension, not of shape \(10, 1\)"),
        ({"indices": np.arange(0)}, "at least one image"),
        ({"indices": []}, "at least one image"),
        ({"indices": np.arange(-1, 9)}, "from 0 to 9, not -1"),
        ({"indices": np.arange(1, 11)}, "from 0 to 9, not 10"),
        ({"turns": Turns(np.arange(1, 11), 2)}, "from 0 to 9, not 10"),
        ({"turns": Turns(np.arange(10) % 2 == 0, 2)}, "whole numbers, not bool"),
    ],
)
def test_examples_that_would_train_nonsense_are_refused(change, told):
    with pytest.raises(ValueError, match=told):
        module.check_examples(GOOD._replace(**change), SHAPE, 2)


def test_many_examples_are_checked_without_loading_an_image():
    stored = StoredImages(None, (200_000, 24, 32, 3))  # No file: reading would fail.
    targets = module.make_targets([("a",), ("b",)] * 100_000, ["a", "b"])
    every = module.Examples(Concatenated(IMAGES, stored), targets, np.arange(200_000))
    with traced_memory() as memory:
        module.check_examples(every, SHAPE, 2)
    assert memory.peak < 4 * 200_000
