"""Image files for the tests of decoding: every mode in every format, and PNG files made by hand."""

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps

from pyimagesearch.data.image_header import ORIENTATION, READS_AVIF

WIDTH, HEIGHT = 60, 40
GREY, COLOR = 0, 2  # types of PNG images
MODES_OF_JPEG = ["1", "L", "RGB", "RGBX", "CMYK", "YCbCr"]
MODES_OF_GIF = ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F"]
MODES_OF_TIFF = [*MODES_OF_JPEG, "LA", "P", "PA", "RGBA", "LAB", "I;16", "I", "F"]
MODES_OF_WEBP = [*MODES_OF_TIFF, "HSV"]

# Each way of writing an image: the format, Pillow's options, and the modes that it can write so.
WAYS = {
    "png": ("PNG", {}, ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I"]),
    "bmp": ("BMP", {}, ["1", "L", "P", "RGB", "RGBA"]),
    "gif": ("GIF", {}, MODES_OF_GIF),
    "jpeg": ("JPEG", {"quality": 95}, MODES_OF_JPEG),
    "jpeg-progressive": ("JPEG", {"quality": 95, "progressive": True}, MODES_OF_JPEG),
    "webp": ("WEBP", {"lossless": True, "exact": True}, MODES_OF_WEBP),
    "webp-lossy": ("WEBP", {"quality": 95}, MODES_OF_WEBP),
    "tiff": ("TIFF", {}, MODES_OF_TIFF),
    "tiff-lzw": ("TIFF", {"compression": "tiff_lzw"}, MODES_OF_TIFF),
    "tiff-deflate": ("TIFF", {"compression": "tiff_deflate"}, MODES_OF_TIFF),
    "tiff-packbits": ("TIFF", {"compression": "packbits"}, MODES_OF_TIFF),
    "tiff-lzma": ("TIFF", {"compression": "lzma"}, MODES_OF_TIFF),
    "tiff-jpeg": ("TIFF", {"compression": "jpeg"}, [*MODES_OF_JPEG[1:], "LA", "RGBA", "LAB"]),
    "tiff-fax": ("TIFF", {"compression": "group4"}, ["1"]),
}
if READS_AVIF:
    WAYS["avif"] = ("AVIF", {"quality": 95}, MODES_OF_WEBP)


def smooth_pixels(channels=4, width=WIDTH, height=HEIGHT):
    """Colours from 0 to 255 without sharp edges, uint8, shape (height, width, channels)."""
    noise = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 6), None, 0, 255, cv2.NORM_MINMAX)


def pillow_image(mode, pixels=None):
    """An image of the given mode, with all degrees of transparency if the mode has any."""
    pixels = smooth_pixels() if pixels is None else pixels
    color, alpha = Image.fromarray(pixels[:, :, :3]), Image.fromarray(pixels[:, :, 3])
    if mode == "I;16":
        return Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257)
    if mode == "I":
        return Image.fromarray(pixels[:, :, 0].astype(np.int32))
    if mode == "F":
        return Image.fromarray(pixels[:, :, 0].astype(np.float32))
    if mode == "CMYK":
        return Image.frombytes("CMYK", color.size, pixels.tobytes())
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.applyTransform(color, ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))
    image = {"P": color.quantize(64), "PA": color.quantize(64).convert("PA")}.get(mode)
    image = image or color.convert(mode)
    if mode in ("LA", "PA", "RGBA"):
        image.putalpha(alpha)
    return image


def exif_of(orientation):
    """Exif metadata that say nothing else."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def written(image, file_format, **options):
    """The content of a file."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def rendered_by_pillow(data):
    """What Pillow makes of a file, upright and on white: float, shape (height, width, 3), BGR."""
    image = Image.open(io.BytesIO(data))
    is_16_bit = image.mode.startswith("I;16") or (image.format == "PNG" and image.mode == "I")
    image = ImageOps.exif_transpose(image)
    if is_16_bit:  # Pillow would cut off at 255.
        image = Image.fromarray(np.round(np.asarray(image) / 257).astype(np.uint8))
    rgba = image.convert("RGB").convert("RGBA") if image.mode == "LAB" else image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    white.alpha_composite(rgba)
    return np.asarray(white)[:, :, 2::-1].astype(float)


def png(samples, bits, color_type, *, before=(), after=()):
    """A PNG file of given samples, with other chunks, (type, content), around the pixels."""
    height, width = samples.shape[:2]
    if bits < 8:
        shifted = samples.astype(np.uint8)[:, :, None] >> np.arange(bits - 1, -1, -1) & 1
        rows = np.packbits(shifted.reshape(height, -1), axis=1)
    else:
        rows = samples.astype(">u2" if bits == 16 else np.uint8)
    filtered = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    chunks = [
        (b"IHDR", header),
        *before,
        (b"IDAT", zlib.compress(filtered)),
        *after,
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def png_of_size(data, width, height):
    """A PNG file whose header claims another size."""
    header = data[12:16] + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def jpeg_of_several_scans(data):
    """A JPEG file in colour whose header says that each component has a scan of its own."""
    scan = data.index(b"\xff\xda")
    return data[:scan] + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + data[scan + 14 :]


def jpeg_of_size(data, width, height):
    """A JPEG file whose header claims another size."""
    frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: frame + 5] + struct.pack(">HH", height, width) + data[frame + 9 :]


def tiled_tiff(side, tile_side):
    """A black grey TIFF file, of ``side`` x ``side`` pixels in one tile of another size."""
    tile = zlib.compress(bytes(tile_side * tile_side))
    # Width, height, bits, compression (deflate), black is 0, samples, the tile's size and place.
    tags = {256: side, 257: side, 258: 8, 259: 8, 262: 1, 277: 1, 322: tile_side, 323: tile_side}
    tags |= {324: 8, 325: len(tile)}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    start = struct.pack("<2sHI", b"II", 42, 8 + len(tile))
    return start + tile + struct.pack("<H", len(tags)) + directory + bytes(4)
