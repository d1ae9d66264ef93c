"""What AWS raises for nobody: sizes of histories and payloads, policies of an account. ``refusals`` counts what was
refused for it."""
