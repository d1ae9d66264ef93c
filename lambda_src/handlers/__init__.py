"""Lambda entry points: one thin module for each function, named after its state."""
