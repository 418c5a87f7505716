"""Training images for combinations that no folder holds.

The garment of one image is found (``segmentation``), and gets the colour of another image's garment
(``color_transfer``). ``composition`` decides which images are combined and how many, and ``prior``
keeps the composed images from making their colours too likely.
"""
