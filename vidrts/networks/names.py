"""Names of models that options need; loads without torch."""

DEFAULT_MODEL = "rts-r3"
