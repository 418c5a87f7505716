import keras
import numpy as np
import pytest
from counting import traced_memory
from keras import layers

from pyimagesearch.artifacts import known_images as kept
from pyimagesearch.smallervggnet import SmallerVGGNet
from pyimagesearch.training import remembering

pytestmark = pytest.mark.slow


TEST = np.arange(50, 60)


@pytest.fixture(scope="module")
def network():
    """A network, and images of two kinds."""
    keras.utils.set_random_seed(0)
    model = SmallerVGGNet.build(24, 24, 3, 2, finalAct="sigmoid")
    random = np.random.default_rng(0)
    images = random.integers(0, 80, (60, 24, 24, 3)).astype(np.uint8)
    images[::2, 8:16] += 150  # a bright bar
    return model, images


@pytest.fixture(scope="module")
def remembered(network):
    """What is remembered of all images but the last ten."""
    return remembering.remember(*network, test=TEST)


@pytest.fixture(scope="module")
def features(network):
    """The features of all images."""
    return features_of(*network)


def features_of(model, images):
    return remembering.feature_function(model)(images, np.arange(len(images)))


def test_features_are_those_of_the_model_that_returns_both(network, features):
    model, images = network
    expected = kept.with_features(model).predict_on_batch(images / np.float32(255))[1]
    np.testing.assert_allclose(features, expected, atol=1e-4)


def test_features_are_those_of_the_images_asked_for(network, features):
    model, images = network
    some = remembering.feature_function(model)(images, np.array([40, 3, 59]))
    np.testing.assert_allclose(some, features[[40, 3, 59]], atol=1e-4)


def test_features_take_little_more_memory_than_they_have_numbers(network, features, monkeypatch):
    def no_features(batch):
        return np.zeros((len(batch), features.shape[1]), np.float32)

    monkeypatch.setattr(remembering.tf, "function", lambda *_, **__: no_features)
    images = np.zeros((2000, 24, 24, 3), np.uint8)
    with traced_memory() as memory:
        computed = features_of(network[0], images)
    assert memory.peak < 1.5 * computed.nbytes


@pytest.mark.parametrize(("analysed", "at_once"), [(3000, 256), (20, 256), (20, 7), (50, 1)])
def test_points_are_those_of_the_features_of_their_images(
    network, features, monkeypatch, analysed, at_once
):
    monkeypatch.setattr(remembering, "MOST_TO_ANALYSE", analysed)
    monkeypatch.setattr(remembering, "IMAGES_AT_ONCE", at_once)
    known, indices, points = remembering.remember(*network, test=TEST)
    np.testing.assert_array_equal(indices, np.arange(60))
    np.testing.assert_allclose(points, kept.points(features, known), atol=1e-3)
    np.testing.assert_allclose(known.known, points[:50], atol=1e-3)


def test_of_many_images_some_have_points_and_those_to_test_on_are_not_known(
    network, features, monkeypatch
):
    monkeypatch.setattr(remembering, "MOST_IMAGES", 20)
    monkeypatch.setattr(remembering, "MOST_TO_ANALYSE", 9)
    known, indices, points = remembering.remember(*network, test=TEST)
    np.testing.assert_array_equal(indices, remembering.some_indices(60, TEST))
    np.testing.assert_allclose(points, kept.points(features[indices], known), atol=1e-3)
    np.testing.assert_allclose(known.known, points[indices < TEST[0]], atol=1e-3)


def test_features_of_few_images_are_held_at_a_time(network, monkeypatch):
    monkeypatch.setattr(remembering, "MOST_TO_ANALYSE", 20)
    monkeypatch.setattr(remembering, "IMAGES_AT_ONCE", 8)
    counts, make = [], remembering.feature_function

    def counting(model):
        features_of = make(model)

        def counted(images, indices):
            counts.append(len(indices))
            return features_of(images, indices)

        return counted

    monkeypatch.setattr(remembering, "feature_function", counting)
    remembering.remember(*network, test=TEST)
    assert counts == [20, 8, 8, 8, 8, 8, 100]  # the last show nothing


def test_what_is_remembered_can_be_read_and_is_small(remembered, features):
    content = kept.to_bytes(remembered.known)
    assert len(content) < kept.MOST_BYTES
    read = kept.from_bytes(content, features=features.shape[1])
    assert len(read.known) == 50


def test_the_limit_leaves_out_as_many_test_images_as_one_is_ready_to_lose(remembered, features):
    known = remembered.known
    near = kept.nearness(features[TEST], known)
    for share in (0.2, 0.5):
        assert (near < kept.least_nearness(known, share)).mean() == pytest.approx(share, abs=0.1)


def test_images_to_train_on_are_nearer_than_plain_colours(network, remembered, features):
    plain = np.broadcast_to(np.uint8([30, 200, 90]), (4, 24, 24, 3))
    far = kept.nearness(features_of(network[0], plain), remembered.known)
    assert kept.nearness(features[:50], remembered.known).min() > far.max()


def test_more_images_than_the_file_has_room_for_are_thinned_out(network, remembered, monkeypatch):
    known = remembered.known
    width = known.known.shape[1]
    room = known.basis.size + known.empty.size + 7 * width
    monkeypatch.setattr(remembering, "MOST_KNOWN_NUMBERS", room)
    assert len(remembering.remember(*network, test=TEST).known.known) == 7


def small_network(*stack):
    """A small network that ends as one must, and some images."""
    end = [layers.Dense(2), layers.Activation("sigmoid")]
    images = np.random.default_rng(0).integers(0, 256, (20, 24, 24, 3)).astype(np.uint8)
    return keras.Sequential([layers.Input((24, 24, 3)), *stack, *end]), images


def test_features_that_are_neither_images_nor_numbers_are_left_out():
    patches = [layers.Conv2D(8, 8, strides=8), layers.Reshape((-1, 8)), layers.Dense(6, "gelu")]
    model, images = small_network(*patches, layers.GlobalAveragePooling1D())
    assert features_of(model, images).shape == (20, 6)
    known = remembering.remember(model, images, test=np.arange(5)).known
    assert known.sizes.tolist() == [6]


def test_of_a_network_without_features_nothing_is_remembered():
    # The input of the last dense layer is 2,304 numbers, which are too many.
    model, images = small_network(layers.Conv2D(4, 1), layers.Flatten())
    known, indices, points = remembering.remember(model, images, test=np.arange(5))
    assert known is None
    np.testing.assert_array_equal(indices, np.arange(20))
    assert points.shape == (20, 0)


def test_empty_images_differ_and_have_the_size_asked_for():
    images = remembering.empty_images(16, 3)
    assert len(images) == 15
    assert all(image.shape == (16, 16, 3) and image.dtype == np.uint8 for image in images)
    assert len({image.tobytes() for image in images}) == 15


def test_of_many_images_some_are_remembered(monkeypatch):
    test = np.arange(50, 60)
    assert remembering.some_indices(60, test).tolist() == list(range(60))
    monkeypatch.setattr(remembering, "MOST_IMAGES", 10)
    some = remembering.some_indices(60, test)
    assert len(set(some.tolist())) == 10
    assert (np.diff(some) > 0).all()
    assert np.isin(some, test).sum() == 2


@pytest.mark.parametrize("test", [[7], [i for i in range(60) if i != 7]])
def test_of_many_images_some_of_each_side_are_remembered_however_few_one_has(monkeypatch, test):
    monkeypatch.setattr(remembering, "MOST_IMAGES", 10)
    some = remembering.some_indices(60, np.array(test))
    assert set(some.tolist()) & set(test)
    assert set(some.tolist()) - set(test)
