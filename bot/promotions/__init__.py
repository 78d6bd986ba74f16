"""The parts of a promotion: planned, decided, committed, followed, queued, rolled back."""
