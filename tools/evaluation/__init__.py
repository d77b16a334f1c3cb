"""What tools/evaluate.py can measure: one module a verb."""
