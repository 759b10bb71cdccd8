"""Other ways to do the same work with the same weights, timed beside vidrts (`vidrts bench peers`)."""
