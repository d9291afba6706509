"""Data sets: a catalogue, where to find them, how to read them, how to split them."""
