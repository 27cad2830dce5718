"""Everything at once, at random, for as long as one likes; see test_soak.py."""
