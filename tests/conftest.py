import os

# Before anything imports TensorFlow, which would say that it found no GPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
