"""Models as files for other programs: `vidrts export`."""
