"""The synthetic Paris that make_demo_data.py writes: one module per thing it knows."""
