"""Adversarial training of networks that take noise (arXiv:1809.10711): faithful without noise, detailed with it."""
