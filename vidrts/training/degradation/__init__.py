"""How training inputs are degraded: single steps, the registry of them, and recipes that draw and join them."""
