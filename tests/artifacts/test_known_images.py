import io
import struct
import zipfile

import keras
import numpy as np
import pytest
from model_archives import with_entries

from pyimagesearch.artifacts import known_images, model_file
from pyimagesearch.artifacts.known_images import KnownImages, KnownImagesError
from pyimagesearch.inference.network import load_network
from pyimagesearch.smallervggnet import SmallerVGGNet

SIZES, AXES = [3, 5], [2, 4]


@pytest.fixture
def known():
    """Points of random features; the known images are the features of `features`."""
    random = np.random.default_rng(0)
    basis = random.normal(size=3 * 2 + 5 * 4)
    none = np.zeros((1, 6), np.float32)
    known = KnownImages(
        *(np.array(counts, np.int32) for counts in (SIZES, AXES)),
        np.zeros(8, np.float32),
        known_images.as_kept(basis),
        none,
        none,
        np.linspace(0.5, 1, 101, dtype=np.float32),
    )
    return known._replace(known=known_images.as_kept(known_images.points(features(), known)))


def features(count=20, seed=1):
    return np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)


def test_points_have_the_length_one(known):
    lengths = np.linalg.norm(known_images.points(features(), known), axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-3)


@pytest.mark.filterwarnings("error")
def test_features_that_are_no_numbers_are_near_nothing(known):
    odd = features()
    odd[0, 0], odd[1] = np.inf, np.nan
    near = known_images.nearness(odd, known)
    assert (near[:2] < 0.5).all()
    assert near[1] == 0
    np.testing.assert_allclose(near[2:], known_images.nearness(features(), known)[2:])


def test_the_opposite_of_known_images_is_farther_than_they_are(known):
    near = known_images.nearness(features(), known)
    known_alone = known._replace(known=known.known[:1])
    of_itself, of_opposite = (
        known_images.nearness(sign * features()[:1], known_alone)[0] for sign in (1, -1)
    )
    assert of_itself == pytest.approx(1, abs=0.01)
    assert of_opposite == 0
    assert near.min() >= 0
    assert near.max() <= 1


@pytest.mark.parametrize(("alike", "near"), [(1, 0), (4, 0.6), (5, 1)])
def test_an_image_is_known_if_five_resemble_it(known, alike, near):
    point = known_images.points(features(1), known)
    others = np.repeat([point[0], -point[0]], [alike, 5], axis=0)
    assert known_images.nearness_of_points(point, others, -point) == pytest.approx(near, abs=0.01)


def test_what_resembles_an_empty_image_is_less_near(known):
    before = known_images.nearness(features(), known)
    after = known_images.nearness(features(), known._replace(empty=known.known))
    assert (after < before).all()


def test_the_limit_leaves_the_share_of_test_images_beyond_it(known):
    assert known_images.least_nearness(known, 0) is None
    assert known_images.least_nearness(None, 0.5) is None
    assert known_images.least_nearness(known, 0.02) == pytest.approx(0.51)
    assert known_images.least_nearness(known, 0.005) == pytest.approx(0.5025)
    assert known_images.least_nearness(known, 1) == pytest.approx(1)
    for share in (-0.02, 2, float("nan")):
        with pytest.raises(ValueError, match="not from 0 to 1"):
            known_images.least_nearness(known, share)


def test_a_file_takes_two_bytes_for_each_number_of_a_known_image(known):
    many = known._replace(known=np.tile(known.known, (1000, 1)))
    more = len(known_images.to_bytes(many)) - len(known_images.to_bytes(known))
    assert more == pytest.approx(2 * (many.known.size - known.known.size), abs=100)


def test_known_images_are_read_as_they_were_written(known):
    read = known_images.from_bytes(known_images.to_bytes(known), features=8)
    for written, array in zip(known, read, strict=True):
        np.testing.assert_array_equal(written, array)
        assert written.dtype == array.dtype


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sizes", lambda array: array + 1),
        ("sizes", lambda array: -array),
        ("axes", lambda array: array * 2**28),
        ("mean", lambda array: array.astype(float)),
        ("mean", lambda array: array * np.nan),
        ("basis", lambda array: array[:-1]),
        ("known", lambda array: array[:, :-1]),
        ("known", lambda array: array[:0]),
        ("known", lambda array: np.resize(array, (2**15 + 1, 6))),
        ("empty", lambda array: np.resize(array, (2**15 + 1, 6))),
        ("empty", lambda array: array.ravel()),
        ("quantiles", lambda array: array[::-1].copy()),
        ("quantiles", lambda array: array + 1),
        ("quantiles", lambda array: array - 0.6),
        ("quantiles", lambda array: array[:-1]),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(known, name, change):
    changed = known._replace(**{name: change(getattr(known, name))})
    with pytest.raises(KnownImagesError, match="fit together"):
        known_images.from_bytes(known_images.to_bytes(changed), features=8)


def with_counts(known, sizes, axes, *, basis, features=8):
    """Known images of other blocks, with zeros for all numbers."""
    point = np.zeros((1, sum(axes)), np.float32)
    counts = (np.array(each, np.int32) for each in (sizes, axes))
    mean, basis = (np.zeros(count, np.float32) for count in (features, basis))
    return KnownImages(*counts, mean, basis, point, point, known.quantiles)


@pytest.mark.parametrize(
    ("sizes", "axes", "basis", "features"),
    [
        ([3, 5], [2, 4, 1], 26, 8),
        ([3, 4], [2, 4], 22, 8),
        ([3, 5], [2, 0], 6, 8),
        ([3, 5], [7, -1], 16, 8),
        ([8, 0], [2, 4], 16, 8),
        ([11, -3], [2, 4], 10, 8),
        ([1] * 65, [1] * 65, 65, 65),
        ([2**15, 2**15 + 1], [1, 1], 2**16 + 1, 2**16 + 1),
    ],
    ids=[
        *("fewer sizes than axes", "fewer features", "no axis", "a negative number of axes"),
        *("an empty block", "a negative block", "too many blocks", "too many features"),
    ],
)
def test_blocks_that_no_network_has_are_refused(known, sizes, axes, basis, features):
    changed = with_counts(known, sizes, axes, basis=basis, features=features)
    with pytest.raises(KnownImagesError, match="fit together"):
        known_images.from_bytes(known_images.to_bytes(changed), features=features)


def test_as_many_blocks_and_features_as_a_network_may_have_are_read(known):
    sizes, axes = [2**10] * 64, [1] * 64
    many = with_counts(known, sizes, axes, basis=2**16, features=2**16)
    read = known_images.from_bytes(known_images.to_bytes(many), features=2**16)
    assert read.sizes.tolist() == sizes


@pytest.mark.parametrize("names", [["empty"], ["known", "empty"]])
def test_points_of_other_lengths_than_the_axes_are_refused(known, names):
    changed = known._replace(**{name: getattr(known, name)[:, :-1] for name in names})
    with pytest.raises(KnownImagesError, match="fit together"):
        known_images.from_bytes(known_images.to_bytes(changed), features=8)


def test_points_of_more_numbers_than_a_network_has_features_are_refused(known):
    long = np.zeros((1, 2**16 + 2), np.float32)
    ones = np.ones(2, np.int32)
    changed = known._replace(
        sizes=ones, axes=ones * (2**15 + 1), mean=long[0, :2], basis=long[0], known=long, empty=long
    )
    with pytest.raises(KnownImagesError, match="fit together"):
        known_images.from_bytes(known_images.to_bytes(changed), features=2)


def test_known_images_of_another_network_are_refused(known):
    with pytest.raises(KnownImagesError, match="8 features, the network 9"):
        known_images.from_bytes(known_images.to_bytes(known), features=9)


def test_pickles_and_headers_that_lie_are_refused_at_once(known):
    buffer = io.BytesIO()
    np.savez(buffer, **(known._asdict() | {"mean": np.array([{}], object)}))
    lying = known_images.to_bytes(known).replace(b"'shape': (101,)", b"'shape': (9**9)")
    for content in (buffer.getvalue(), lying, b"", b"PK\3\4", b"text" * 1000):
        with pytest.raises(KnownImagesError, match="damaged"):
            known_images.from_bytes(content, features=8)


def with_header(header, known):
    """Put a text in the place of the header of an array."""
    arrays = io.BytesIO(known_images.to_bytes(known))
    with zipfile.ZipFile(arrays, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        version_and_size = struct.pack("<6sBBH", b"\x93NUMPY", 1, 0, len(header))
        archive.writestr("mean.npy", version_and_size + header.encode() + bytes(32))
    return arrays.getvalue()


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': ('<f4',), 'fortran_order': False, 'shape': (8,)}\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (8,\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}\n",
        "{[]: 1}\n",
        "  x\n y\n",
        "(" * 9000 + "\n",
        "-" * 9000 + "1\n",
    ],
    ids=["type", "unclosed", "shape", "key", "indented", "nested", "signs"],
)
def test_a_header_that_numpy_does_not_write_is_refused_whatever_numpy_raises(known, header):
    with pytest.raises(KnownImagesError, match="damaged"):
        known_images.from_bytes(with_header(header, known), features=8)


def test_any_damaged_byte_is_read_or_refused(known):
    whole = known_images.to_bytes(known)
    for position in range(0, len(whole), 17):
        content = bytearray(whole)
        content[position] ^= 0xFF
        try:
            known_images.from_bytes(bytes(content), features=8)
        except KnownImagesError:
            continue


KINDS = ["Conv2D", "MaxPooling2D", "Flatten", "Dense", "Activation", "Dense", "Activation"]


@pytest.mark.parametrize(
    ("shapes", "blocks"),
    [
        ([(9, 9, 3), (9, 9, 8), (4, 4, 8), (128,), (6,), (6,), (2,)], {1: 16, 4: 6, 5: 6}),
        ([(9, 9, 3), (9, 9, 8), (4, 4, 8), (16, 8), (16, 6), (6,), (2,)], {1: 16, 5: 6}),
        (
            [(9, 9, 3), (9, 9, 1024), (4, 4, 1), (9,), (2048,), (2048,), (2,)],
            {1: 2048, 4: 2048, 5: 2048},
        ),
        ([(9, 9, 3), (9, 9, 1025), (4, 4, 1), (9,), (2049,), (2049,), (2,)], {}),
    ],
    ids=["usual", "a sequence", "large", "too large"],
)
def test_features_are_statistics_of_images_or_not_too_many_numbers(shapes, blocks):
    assert known_images.feature_layers(KINDS, shapes.__getitem__) == blocks


@pytest.mark.slow
@pytest.mark.filterwarnings("error:The structure")
def test_a_model_with_features_takes_images_as_the_model_itself_does():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    probabilities, features = known_images.with_features(model)(np.ones((3, 4), np.float32))
    assert (probabilities.shape, features.shape) == ((3, 2), (3, 4))


@pytest.mark.slow
def test_openvino_and_keras_compute_the_same_features(tmp_path):
    keras.utils.set_random_seed(1)
    model = SmallerVGGNet.build(24, 24, 3, 2, finalAct="sigmoid")
    sizes = list(known_images.feature_counts_of_model(model).values())
    assert sizes == [128, 256, 1024, 1024]
    both = known_images.with_features(model)
    images = np.random.default_rng(0).random((5, 24, 24, 3), np.float32)
    probabilities, expected = map(np.asarray, both.predict_on_batch(images))
    points = np.ones((1, len(sizes)), np.float32)
    known = KnownImages(
        np.array(sizes, np.int32),
        np.ones(len(sizes), np.int32),
        np.zeros(sum(sizes), np.float32),
        np.ones(sum(sizes), np.float32),
        points,
        points,
        np.zeros(101, np.float32),
    )
    path = tmp_path / "fashion.model"
    metadata = {"labels": ["blue", "jeans"], "image_size": 24}
    model_file.save_model(path, model, metadata, known=known)
    trained = load_network(path)
    assert trained.note is None
    predicted, features = trained.predict_both(images)
    np.testing.assert_allclose(predicted, probabilities, atol=1e-5)
    np.testing.assert_allclose(features, expected, atol=1e-3)
    np.testing.assert_array_equal(trained.predict(images), predicted)
    assert [len(each) for each in trained.predict_both(images[:0])] == [0, 0]
    keras.saving.load_model(path.rename(tmp_path / "fashion.keras"))


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
def test_the_features_of_a_network_of_another_precision_are_float32(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = SmallerVGGNet.build(24, 24, 3, 2, finalAct="sigmoid")
    finally:
        keras.config.set_dtype_policy("float32")
    both = known_images.with_features(model)
    assert [output.dtype for output in both.outputs] == [model.outputs[0].dtype, "float32"]


@pytest.mark.slow
def test_a_wrong_entry_costs_the_nearness_and_not_the_predictions(archive, tmp_path):
    path = with_entries(archive, tmp_path / "fashion.model", known=b"damaged")
    trained = load_network(path)
    assert trained.known is None
    assert "keeps of the images that it knows is ignored: it is damaged" in trained.note
    assert trained.predict(np.zeros((1, 24, 24, 3), np.float32)).shape == (1, 2)
