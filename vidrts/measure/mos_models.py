"""Names of VIQET's models of the mean opinion score (`measure.viqet.models`); loads without NumPy."""

DEFAULT_MODEL = "preview1-day"
NAMES = ("preview1-day", "preview1-night", "v2-night")
"""Those that come with vidrts."""
