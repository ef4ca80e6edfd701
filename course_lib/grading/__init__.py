"""Grading a class: what learners wrote runs in a sandbox, and the verdict is made outside of it."""
