"""From a plain network and batches to a trained network.

`fitting` holds the loss, the schedule and the `Trainer`, which owns the network that trains and
the plain one that is saved. `devices` and `workers` spread a run over GPUs and machines, and
`checkpoints` lets a later process go on with it.
"""
