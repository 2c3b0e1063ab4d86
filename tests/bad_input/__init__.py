"""What the program says, and does not do, when something is wrong with what it was given."""
