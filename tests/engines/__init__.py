"""What every engine promises: the same cases on each of them, through its session and its writer of statements."""
