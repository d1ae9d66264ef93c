"""What the constructs share and nobody outside this package may rely on."""
