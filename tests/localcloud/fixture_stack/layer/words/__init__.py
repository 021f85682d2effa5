"""What the layer carries."""

WORD = "first"
