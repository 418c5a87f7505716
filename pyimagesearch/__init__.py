"""Multi-label classification of images: a colour and a garment for every photograph."""
