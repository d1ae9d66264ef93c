"""``verify --prove``: facts that no page of AWS states, asked of AWS itself with things made for the question alone."""
