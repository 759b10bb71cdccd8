"""Imported before torch: several test processes share the cores, so each computes in one thread and none spins.

Two processes of two spinning threads each on two cores need many times as long for a training step.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
