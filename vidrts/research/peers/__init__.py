"""Other ways to do the same work with the same weights, timed beside vidrts (`python -m vidrts.research peers`)."""
