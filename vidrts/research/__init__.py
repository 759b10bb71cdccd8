"""What the models were made and judged with: `python -m vidrts.research`. Nothing imports it; wheels lack it."""
