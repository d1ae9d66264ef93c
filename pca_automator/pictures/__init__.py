"""The fleet, a run and a rehearsal as pictures: the data, with a documented schema, and the page made of them."""
