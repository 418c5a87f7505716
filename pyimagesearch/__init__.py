"""Multi-label classification of images: a colour and a garment for every photograph."""

import os

# OpenCV reads this when it is imported: a damaged file is reported once, by us, with its name.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
